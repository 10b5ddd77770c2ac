// The lanes of a bank of sliders: which are here, which are on their way, and which are made before a hand comes.
//
// A lane is asked for at an address of the server, so that no page runs for it: the coarse one first when a hand has
// come unforeseen, then the fine one. Where a hand rests, the exact answer for that place takes the lane's place there.

const AHEAD_MS = 600; // a bank that has been at rest for so long gets lanes before a hand comes
const AGAIN_MS = 3000; // after a server that has too much to do

export class Lanes {
  /** `onNews` is told the name of a slider whose lane, or a place of it, has come. `onFail`: no address gives it. */
  constructor(onNews, onFail) {
    Object.assign(this, { onNews, onFail, stand: "", bases: new Map(), isOff: false });
    this.lanes = new Map(); // name -> { base, stops, grooves, stands, exact: percent -> { hits, stands } }
    this.pressed = null; // { name, at, abort }: a hand waits for it
    this.ahead = null; // { abort }: nobody waits for it yet
    this.wanted = []; // names of sliders in sight, the likeliest first
  }

  /** What the sliders stand on now. `root` is where the app lives. */
  update(stand, bases, root) {
    const isAnother = stand !== this.stand;
    Object.assign(this, { stand, bases, root });
    if (!isAnother) return;
    this.#stopAhead();
    if (this.pressed && this.bases.get(this.pressed.name) !== this.pressed.base) this.release();
    this.rest();
  }

  remove() {
    this.stand = "";
    this.release();
    this.#stopAhead();
  }

  /** Of a slider, if it is of what is there now. */
  get(name) {
    const lane = this.lanes.get(name);
    return lane && lane.base === this.bases.get(name) ? lane : null;
  }

  /** {hits, stands} at a percentile of a slider; null where nothing is known. */
  at(name, percent) {
    const lane = this.get(name);
    if (!lane) return null;
    const stop = lane.stops[percent];
    return lane.exact.get(percent) ?? { hits: lane.grooves[stop], stands: lane.stands[stop] };
  }

  take(name, lane) {
    const before = this.lanes.get(name);
    const exact = before?.base === lane.base ? before.exact : new Map();
    this.lanes.set(name, { ...lane, exact });
    this.onNews(name);
  }

  #isFine(name) {
    const lane = this.get(name);
    return Boolean(lane) && !lane.is_coarse;
  }

  isComing(name, ms) {
    return this.pressed?.name === name && performance.now() - this.pressed.at < ms;
  }

  // -- a hand ---------------------------------------------------------------------

  /** A hand is at a slider. Gives false where the page itself has to be asked. */
  press(name) {
    if (this.isOff || !this.stand) return false;
    this.wanted = [name, ...this.wanted.filter((other) => other !== name)];
    if (this.#isFine(name) || this.pressed?.name === name) return true;
    this.release();
    this.#stopAhead();
    const abort = new AbortController();
    this.pressed = { name, base: this.bases.get(name), at: performance.now(), abort };
    this.#bring(name, abort.signal);
    return true;
  }

  /** A mouse is over a slider: its lane is the next that is made ahead. */
  expect(name) {
    this.wanted = [name, ...this.wanted.filter((other) => other !== name)];
    if (!this.ahead && !this.pressed) this.rest(0);
  }

  async #bring(name, signal) {
    try {
      if (!this.get(name)) this.take(name, await this.#ask(name, "coarse", signal));
      if (!this.#isFine(name)) this.take(name, await this.#ask(name, "", signal));
    } catch (error) {
      if (error.name !== "AbortError") this.onFail(name);
    }
    if (this.pressed?.abort.signal === signal) this.pressed = null;
    this.rest();
  }

  /** What a hand waited for is wanted no more. */
  release() {
    this.pressed?.abort.abort();
    this.pressed = null;
  }

  /** A hand rests at a percentile: what the page will have there. */
  async hold(name, percent) {
    const lane = this.get(name);
    if (this.isOff || !lane || lane.exact.has(percent)) return;
    this.leave();
    const abort = (this.holding = new AbortController());
    try {
      const found = await this.#ask(name, `at=${percent}`, abort.signal);
      lane.exact.set(percent, found);
      if (this.get(name)?.exact.has(percent)) this.onNews(name);
    } catch {
      // The page's own answer comes when the hand lets go.
    }
  }

  /** It rests there no more. */
  leave() {
    this.holding?.abort();
    this.holding = null;
  }

  // -- before a hand comes ----------------------------------------------------------

  /** The bank is at rest: what is likely to be touched is made when nobody else needs the server. */
  rest(ms = AHEAD_MS) {
    clearTimeout(this.resting);
    if (!this.isOff && this.stand) this.resting = setTimeout(() => this.#goAhead(), ms);
  }

  #stopAhead() {
    clearTimeout(this.resting);
    this.ahead?.abort();
    this.ahead = null;
  }

  async #goAhead() {
    if (this.ahead || this.pressed || document.hidden) return;
    const abort = (this.ahead = new AbortController());
    try {
      await this.#makeNext(abort.signal);
    } catch (error) {
      if (error.name !== "AbortError" && !this.isOff) this.rest(AGAIN_MS);
    }
    if (this.ahead === abort) this.ahead = null;
  }

  /** One after the other, until all that are wanted are here. */
  async #makeNext(signal) {
    const name = this.wanted.find((each) => this.bases.has(each) && !this.#isFine(each));
    if (!name) return;
    this.take(name, await this.#ask(name, "ahead", signal));
    await this.#makeNext(signal);
  }

  async #ask(name, query, signal) {
    const base = this.bases.get(name); // what the sliders stand on may be another when the answer comes
    const answer = await fetch(new URL(`lane/${this.stand}/${name}?${query}`, this.root), { signal });
    // The app may run without addresses of its own: whatever is there is then Streamlit's page.
    if (answer.headers.get("content-type")?.startsWith("text/html")) this.isOff = true;
    if (!answer.ok || this.isOff) throw new Error(String(answer.status));
    return { ...(await answer.json()), base };
  }
}
