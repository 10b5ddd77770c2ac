// Files whose box is closed, or whose page is left, while they are on their way to the server: the box goes, and what
// it had not passed on whole goes with it. They are given to another one, which stays and which nobody sees: `ask` has
// the page draw it (`parts/hearing.py`), and `say` says meanwhile that they are on their way; null when they are there.
// So are files that a box is given when it has passed others on: the server draws another box for those, and does not
// hear any more of the one before. Where it did, it has a file that comes twice once.

const TAKERS = "[data-testid=stFileUploader]:has(input[multiple])";
const SHELTER = ".st-key-shelter";
const CHIP = "[data-testid=stFileChip]";
const NAME = "[data-testid=stFileChipName]";
const GOING = "[data-testid=stFileChipIconSpinner]";
const FAILED = "[data-testid=stFileChipIconError]";
const FOLLOW_MS = 30; // a small file is there, and its box another, a tenth of a second later
const ASK_MS = 5000; // a box that is not there by then is asked for once more,
const ASKS = 6; // so often
const KEEP_MS = 30_000; // the server takes what a box has passed on, and draws another one, well within that

const nameOf = (file) => file.webkitRelativePath || file.name;
const sentence = (files, one, many) =>
  files.length === 1 ? `${nameOf(files[0])} ${one}` : `${files.length} files ${many}`;

export class Stranded {
  #given = new Map(); // box -> { files, hasBegun }: those on their way; { late, at }: those that came after others
  #waiting = []; // files without a box
  #asked = { n: 0, at: 0 };
  #looking = null;

  /** give: has a box take files, as if they were chosen in it. */
  constructor(ask, give, say) {
    Object.assign(this, { ask, give, say });
  }

  /** A box is given files. */
  note(box, files) {
    if (!box.matches(TAKERS) || !files.length) return;
    const given = this.#given.get(box);
    if (given?.late || hasPassed(box)) this.#given.set(box, late([...(given?.late ?? []), ...files]));
    else this.#given.set(box, { files: [...(given?.files ?? []), ...files], hasBegun: false });
    this.#looking ??= setInterval(() => this.#look(), FOLLOW_MS);
  }

  /** Files for a box that is closed by now; whether it is. */
  keep(box, files) {
    if (box.isConnected || !box.matches(TAKERS) || !files.length) return false;
    this.#shelter(files);
    this.#looking ??= setInterval(() => this.#look(), FOLLOW_MS);
    return true;
  }

  #look() {
    for (const [box, given] of this.#given) {
      if (given.late) this.#outlive(box, given);
      else this.#follow(box, given);
    }
    if (this.#waiting.length) this.#move();
    if (this.#given.size || this.#waiting.length) return;
    clearInterval(this.#looking);
    this.#looking = null;
  }

  /** Files that came after others, until another box is there. */
  #outlive(box, { late: files, at }) {
    if (box.isConnected && performance.now() - at < KEEP_MS) return;
    this.#given.delete(box);
    if (!box.isConnected) this.#shelter(files);
  }

  #follow(box, given) {
    // What is taken out of the page is as it was when it was taken out.
    const chips = [...box.querySelectorAll(CHIP)];
    const isGoing = chips.some((chip) => chip.querySelector(GOING));
    given.hasBegun ||= chips.length > 0;
    if (box.isConnected && (isGoing || !given.hasBegun)) return;
    this.#given.delete(box);
    if (!box.isConnected && (isGoing || !given.hasBegun))
      this.#shelter(given.hasBegun ? still(given.files, chips) : given.files);
    else if (box.closest(SHELTER)) this.#arrive(given.files, chips);
  }

  #shelter(files) {
    if (!files.length) return;
    this.#waiting.push(...files);
    this.#asked = { n: 0, at: -Infinity };
    this.say(sentence(this.#waiting, "is on its way…", "are on their way…"));
  }

  /** To the box that stays, when it is there. */
  #move() {
    const box = document.querySelector(`${SHELTER} ${TAKERS}`);
    if (box) {
      const files = this.#waiting.splice(0);
      if (this.give(box, files)) return;
      this.#waiting.push(...files);
    }
    const { n, at } = this.#asked;
    if (performance.now() - at < ASK_MS) return;
    if (n === ASKS) {
      this.#fail(this.#waiting.splice(0));
      return;
    }
    this.#asked = { n: n + 1, at: performance.now() };
    this.ask();
  }

  #arrive(files, chips) {
    const failed = new Set(chips.filter((chip) => chip.querySelector(FAILED)).map(named));
    const lost = files.filter((file) => failed.has(nameOf(file)));
    if (lost.length) this.#fail(lost);
    else this.say(null);
  }

  #fail(files) {
    this.say(sentence(files, "did not arrive: drop it once more.", "did not arrive: drop them once more."));
  }
}

const late = (files) => ({ late: files, at: performance.now() });

/** Whether the server was told of files in a box. */
function hasPassed(box) {
  const chips = [...box.querySelectorAll(CHIP)];
  const isGoing = chips.some((chip) => chip.querySelector(GOING));
  return !isGoing && chips.some((chip) => !chip.querySelector(FAILED));
}

const named = (chip) => chip.querySelector(NAME)?.title;

/** Of a box's files those that it was still to pass on, neither called off nor refused: it passes on all at once. */
function still(files, chips) {
  const names = new Set(chips.filter((chip) => !chip.querySelector(FAILED)).map(named));
  return files.filter((file) => names.has(nameOf(file)));
}
