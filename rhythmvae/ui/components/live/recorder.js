// Recording into the loop. What is played lies in the running groove at once and is heard there from the next round on;
// each round of the loop is a pass, and a step of the deck's history.

import { barOf } from "../deck/time.js";
import { GRIDS } from "./kept.js";
import { barLineAfter, beatsOf, freshOf, leadOf, withPass } from "./passes.js";

const EARLY_STEPS = 0.5; // before the first step of a recording a stroke is an early one

export class Recorder {
  state = "off"; // or "counting" or "on"
  count = 0; // of the beat while it is counted in
  #from = 0; // where recording begins, in steps from the loop's first round on
  #counts = []; // such places of the beats that are counted
  #source = null; // of the groove
  #passes = []; // {round, base, strokes, isStep}: each is laid on what the one before left
  #serial = -1; // of the last edit that was made here
  #drawn = -1; // of the last one that drew what was recorded to another grid
  #round = 0;
  #wasClicking = null; // where the click was turned on to count in

  /** `clock`: a PageClock; `settings` are read as they are; `say` is told news; `most`: hits that a groove may have. */
  constructor(music, clock, settings, { say, most }) {
    Object.assign(this, { music, clock, settings, say, most });
    music.subscribe(() => this.#look());
    music.onFrame(() => this.#follow());
  }

  toggle() {
    if (this.state === "off") this.#begin();
    else this.stop();
  }

  async #begin() {
    const { music } = this;
    if (!music.data) return;
    music.choose("original");
    if (!music.mayEdit()) return;
    this.#source = music.data.source;
    this.#passes = [];
    this.#serial = -1;
    this.count = 0;
    this.state = "counting";
    music.hold(true);
    if (music.transport.isPlaying) this.#joinIn();
    else await this.#countIn();
    music.changed();
  }

  /** The loop plays: a whole bar of it with clicks, and then it is recorded; or at once. */
  #joinIn() {
    const { original: groove, transport } = this.music;
    const now = this.#now();
    this.#round = Math.floor(now / groove.n_steps);
    this.#from = now;
    this.#counts = [];
    if (!this.settings.countsIn) return;
    const { at, bar } = barLineAfter(groove, now, 2);
    this.#from = at;
    this.#counts = beatsOf(groove, bar).map((beat) => at - groove.bars[bar + 1] + beat);
    this.#wasClicking = transport.clicking;
    transport.clicking = true;
    this.say("Count-in");
  }

  /** Nothing plays: a bar of clicks alone, then the loop from the bar on that the playhead is in. */
  async #countIn() {
    const { original: groove } = this.music;
    const bar = barOf(groove, this.music.place);
    const [start, end] = [groove.bars[bar], groove.bars[bar + 1]];
    this.#from = start;
    this.#round = 0;
    this.#counts = this.settings.countsIn ? beatsOf(groove, bar).map((beat) => start - end + beat) : [];
    if (this.settings.countsIn) this.say("Count-in");
    this.isStarting = true;
    await this.music.playFrom(start, this.settings.countsIn ? leadOf(groove, bar) : []).catch(() => this.stop());
    this.isStarting = false;
  }

  stop() {
    if (this.state === "off") return;
    this.state = "off";
    this.#endCount();
    this.music.hold(false);
    const passes = this.#passes.filter(({ strokes }) => strokes.length);
    const n = passes.reduce((sum, { strokes }) => sum + strokes.length, 0);
    const times = passes.length === 1 ? "one pass" : `${passes.length} passes`;
    this.say(
      n ? `Recorded ${n} ${n === 1 ? "hit" : "hits"} in ${times}. Undo takes a pass away.` : "Nothing recorded.",
    );
    this.music.changed();
  }

  #endCount() {
    if (this.#wasClicking !== null) this.music.transport.clicking = this.#wasClicking;
    this.#wasClicking = null;
  }

  /** Where the loop is heard at a moment of the page, in steps from the first round on. */
  #placeAt(pageMs) {
    const { loops, step } = this.music.transport.at(this.clock.toSound(pageMs));
    return loops * this.music.original.n_steps + step;
  }

  #now() {
    return this.#placeAt(performance.now());
  }

  /** Pause, another groove or something else to hear ends it. */
  #look() {
    if (this.state === "off" || this.isStarting) return;
    const { music } = this;
    const isSame = music.data.source === this.#source && music.role === "original";
    if (!isSame || !music.transport.isPlaying) this.stop();
  }

  #follow() {
    if (this.state === "off" || this.isStarting) return;
    const now = this.#now();
    this.count = this.#counts.filter((at) => at <= now + 1e-6).length;
    if (this.state === "counting" && now >= this.#from) {
      this.state = "on";
      this.#endCount();
      this.say(this.settings.replaces ? "Recording: a drum that you play begins anew" : "Recording");
      this.music.changed();
    }
    const round = Math.floor(now / this.music.original.n_steps);
    if (round === this.#round) return;
    this.#round = round;
    this.music.hold(false); // Python has a pass when it is over
    this.music.hold(true);
  }

  /** A drum was struck at a moment of the page; whether it was recorded. */
  strike(voice, velocity, pageMs) {
    if (this.state === "off" || this.isStarting) return false;
    const at = this.#placeAt(pageMs - this.settings.latencyMs);
    if (at < this.#from - EARLY_STEPS) return false;
    const { music } = this;
    const pass = this.#passFor(Math.floor((at + EARLY_STEPS) / music.original.n_steps));
    pass.strokes.push({ voice, at, velocity });
    const hits = withPass(music.original, pass.base, pass.strokes, this.#how);
    if (hits.length > this.most) {
      pass.strokes.pop();
      this.stop();
      this.say(`The groove is full: it has room for ${this.most.toLocaleString("en")} hits.`);
      return false;
    }
    this.#keepFresh();
    if (pass.isStep) music.amend(hits);
    else music.commit(hits);
    pass.isStep ||= hits !== pass.base;
    this.#serial = music.serial;
    return true;
  }

  /** The pass of a round. An edit by another hand, Undo above all, ends the one before, and what is drawn anew. */
  #passFor(round) {
    const { music } = this;
    const isOurs = music.serial === this.#serial;
    if (!isOurs) this.#passes = [];
    const last = this.#passes.at(-1);
    if (last && last.round >= round) return last;
    this.#passes.push({ round, base: music.original.hits, strokes: [], isStep: false });
    return this.#passes.at(-1);
  }

  get #how() {
    const { grid, strength, replaces } = this.settings;
    return { grid: GRIDS[grid], strength, replaces };
  }

  /** Strokes of the last two passes are heard by the hand's own sound until their round is over. */
  #keepFresh() {
    const strokes = this.#passes.slice(-2).flatMap((pass) => pass.strokes);
    this.music.fresh = freshOf(this.music.original, strokes, this.#how);
  }

  /** Another grid, or strength: what was recorded last is drawn to it, as one step of the history. */
  drawAnew() {
    const { music } = this;
    if (!this.#passes.length || music.data?.source !== this.#source || music.serial !== this.#serial) return;
    const [{ base }] = this.#passes;
    const hits = this.#passes.reduce((found, { strokes }) => withPass(music.original, found, strokes, this.#how), base);
    this.#keepFresh();
    if (music.serial === this.#drawn) music.amend(hits);
    else music.commit(hits);
    this.#serial = this.#drawn = music.serial;
    if (this.state !== "off") this.#passes = []; // what comes now is laid on it
  }
}
