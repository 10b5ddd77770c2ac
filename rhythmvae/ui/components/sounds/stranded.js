// Files whose box is closed, or whose page is left, while they are on their way to the server: the box goes, and what
// it had not passed on whole goes with it. They are given to another one, which stays and which nobody sees: `ask` has
// the page draw it (`parts/hearing.py`), and `say` says meanwhile that they are on their way; null when they are there.

const TAKERS = "[data-testid=stFileUploader]:has(input[multiple])";
const SHELTER = ".st-key-shelter";
const CHIP = "[data-testid=stFileChip]";
const NAME = "[data-testid=stFileChipName]";
const GOING = "[data-testid=stFileChipIconSpinner]";
const FAILED = "[data-testid=stFileChipIconError]";
const FOLLOW_MS = 30; // a small file is there, and its box another, a tenth of a second later
const ASK_MS = 5000; // a box that is not there by then is asked for once more,
const ASKS = 6; // so often

const nameOf = (file) => file.webkitRelativePath || file.name;
const sentence = (files, one, many) =>
  files.length === 1 ? `${nameOf(files[0])} ${one}` : `${files.length} files ${many}`;

export class Stranded {
  #given = new Map(); // box -> { files, hasBegun }: those on their way
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
    this.#given.set(box, { files: [...(this.#given.get(box)?.files ?? []), ...files], hasBegun: false });
    this.#looking ??= setInterval(() => this.#look(), FOLLOW_MS);
  }

  #look() {
    for (const [box, given] of this.#given) this.#follow(box, given);
    if (this.#waiting.length) this.#move();
    if (this.#given.size || this.#waiting.length) return;
    clearInterval(this.#looking);
    this.#looking = null;
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

const named = (chip) => chip.querySelector(NAME)?.title;

/** Of a box's files those that it was still to pass on, neither called off nor refused: it passes on all at once. */
function still(files, chips) {
  const names = new Set(chips.filter((chip) => !chip.querySelector(FAILED)).map(named));
  return files.filter((file) => names.has(nameOf(file)));
}
