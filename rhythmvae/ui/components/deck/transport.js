// A transport that plays one groove in a loop that never stops.
//
// Hits are scheduled some seconds ahead on the audio clock by a timer of its own thread, so a page that is held up
// neither delays nor drops one; what is scheduled and not yet heard is taken back when the groove changes.

import { AHEAD_SECONDS, LEAST_SECONDS, MOST_STROKES, MOVES_SECONDS, aheadAfter } from "./ahead.js";
import { Buses } from "./buses.js";
import { Kit, buildMixer, turnsOf } from "./kit.js";
import { Strokes } from "./strokes.js";
import { Clock, barOf, mod, timeHeardAt } from "./time.js";
import { startTimer } from "./timer.js";

const START_SECONDS = [0.06, 0.3, 1.2]; // from the gesture to the first hit: what is tried one after the other
const SWAP_SECONDS = 0.012; // from a change to the first new hit
const BAR_SECONDS = 0.04; // before a bar line is what waits for it done

/** Plays one groove at a time. One for the whole app. */
export class Transport {
  context = null;
  output = null; // the last node before the loudspeaker
  isPlaying = false;
  followers = new Set(); // go along with what is played: see sounding.js and ../live/midi_out.js
  #house = null; // the one that every visit begins with
  #wanted = null; // what to load, should it fail at first
  #loading = null;
  #mix = null;
  #buses = new Buses();
  #strokes = new Strokes((event) => this.#outOf(event));
  #clicks = null;
  #timer = null;
  #groove = null;
  #clock = null;
  #events = [];
  #from = { time: 0, seconds: 0 }; // audio clock and groove time (loops included) that fall together
  #until = 0; // groove time up to which all is scheduled
  #told = new Map(); // and up to which each follower knows of it
  #handAt = -Infinity; // audio time of the last change by a hand that may go on moving
  #movedAt = -Infinity; // and of the last that came soon after another
  #lead = []; // clicks that count in, {seconds, accent} each, in groove time
  #first = -Infinity; // groove time before which there are these alone
  #rate = 1;
  #volume = 0.9;
  #clicking = false;
  #listeners = new Set();
  #waiting = null; // {bar, act}: what is done when another bar begins

  /** Fetch what is needed before the first gesture, so that the gesture sounds at once. */
  prepare(url, mixer, keys) {
    this.#wanted = [url, mixer, keys];
    this.#loading ??= (async () => {
      this.#build(mixer);
      this.#house = await Kit.load(this.context, url, mixer, keys);
      this.#strokes.kit ??= this.#house;
    })().catch((error) => {
      this.#loading = null; // the next try may find the network again
      throw error;
    });
    return this.#loading;
  }

  #build(mixer) {
    if (this.context) return;
    // The rate of the files, so that their samples are played as they are.
    this.context = new AudioContext({ sampleRate: mixer.sample_rate, latencyHint: "interactive" });
    this.#strokes.context = this.context;
    const { mix, output } = buildMixer(this.context, mixer, this.#volume);
    this.#mix = mix;
    this.#buses.open(this.context, mix);
    this.output = output;
    this.#clicks = new GainNode(this.context, { gain: this.#clicking ? 1 : 0 });
    this.#clicks.connect(mix);
    this.#surviveInterruptions();
  }

  /** A call, a lock screen or other headphones stop the sound: it comes back by itself, or with the next gesture. */
  #surviveInterruptions() {
    const wake = () => {
      if (this.isPlaying && this.context.state !== "running") this.context.resume().catch(() => {});
    };
    this.context.addEventListener("statechange", () => {
      wake();
      this.#tell();
    });
    document.addEventListener("visibilitychange", () => document.hidden || wake());
    navigator.mediaDevices?.addEventListener("devicechange", wake);
    for (const gesture of ["pointerdown", "pointerup", "keydown"]) document.addEventListener(gesture, wake, true);
  }

  // -- the transport ------------------------------------------------------------

  /** How many strokes were scheduled, and how many came too late to be. */
  get stats() {
    return this.#strokes.stats;
  }

  /** How long it would go on if the page stood still. */
  get plannedSeconds() {
    return this.isPlaying ? this.#timeOf(this.#until) - this.context.currentTime : 0;
  }

  /** Whether a gesture sounds at once. */
  get isReady() {
    return this.kit !== null;
  }

  /** Whether it plays and the system lets it be heard. */
  get isHeard() {
    return this.isPlaying && this.context.state === "running";
  }

  /**
   * Start `groove` from a step. Call it from a gesture: browsers demand one. `lead`: clicks that are counted in before,
   * {before, accent} each, `before` in the groove's seconds.
   */
  async play(groove, step = 0, lead = []) {
    if (navigator.audioSession) navigator.audioSession.type = "playback"; // heard with a phone's ring switch off
    const resumed = this.context?.resume();
    await Promise.all([this.prepare(...this.#wanted), resumed]);
    this.stop();
    this.isPlaying = true;
    this.#use(groove);
    const within = mod(step, groove.n_steps);
    this.#first = this.#clock.secondsAt(within);
    this.#lead = lead.map(({ before, accent }) => ({
      seconds: this.#first - before,
      accent,
      click: true,
      counts: true,
    }));
    const seconds = Math.min(this.#first, ...this.#lead.map((click) => click.seconds));
    this.#planFrom(seconds);
    this.#timer ??= startTimer(() => this.#tick());
    for (const each of this.followers) each.begin?.(within, this.#first);
    this.#schedule();
    this.#tell();
  }

  stop() {
    if (!this.isPlaying) return;
    this.#cutFollowers(this.context.currentTime);
    this.#strokes.silence();
    this.isPlaying = false;
    this.#waiting = null;
    this.#timer?.stop();
    this.#timer = null;
    for (const each of this.followers) each.end?.();
    this.#tell();
  }

  /** How long it takes from a change to the first new hit: none that a follower has sent is taken back. */
  get #swapSeconds() {
    return Math.max(SWAP_SECONDS, ...[...this.followers].map((each) => each.sentSeconds ?? 0));
  }

  /** Another groove under the same playback: the place in the bar and the count of loops stay. `isMoving`: by a hand
   * that has the next one ready. While it moves, of what was planned the rest stays until the plan gets there: should
   * the page be held up right now, the groove of before is heard, and no hole. */
  swap(groove, isMoving = false) {
    if (!this.isPlaying) return;
    const goesOn = isMoving && this.#goesOnMoving();
    const before = this.#clock;
    this.#use(groove); // before the look at the clock: however long it takes, no stroke behind that is late
    const time = this.context.currentTime + this.#swapSeconds;
    const { loops, step } = this.#placeOf(this.#secondsAt(time), before);
    this.#rejoin(time, loops, step, { staysBeyond: goesOn && this.#clock.isLike(before) });
  }

  /** A hand changes all that is played: whether it did so a moment ago. Its first move is planned whole. */
  #goesOnMoving() {
    const now = this.context.currentTime;
    const goesOn = now - this.#handAt < MOVES_SECONDS;
    this.#handAt = now;
    if (goesOn) this.#movedAt = now;
    return goesOn;
  }

  /** Go on from a step of the same groove. */
  jump(step) {
    const time = this.context.currentTime + this.#swapSeconds;
    this.#first = -Infinity; // what was counted in is over
    this.#lead = [];
    this.#rejoin(time, Math.max(this.at(time).loops, 0), step, { isLeap: true });
  }

  /** `act` is called once, as the next bar begins; null calls it off. */
  atNextBar(act) {
    this.#waiting = act && { bar: this.#barAt(this.context.currentTime + BAR_SECONDS), act };
  }

  #barAt(time) {
    const { loops, step } = this.at(time);
    return `${loops} ${barOf(this.#groove, step)}`;
  }

  #tick() {
    this.#schedule();
    const { bar, act } = this.#waiting ?? {};
    if (!act || this.#barAt(this.context.currentTime + BAR_SECONDS) === bar) return;
    this.#waiting = null;
    act();
  }

  /** What is heard now: {step, loops}, or null. */
  position() {
    if (!this.isPlaying) return null;
    const heard = this.context.currentTime - (this.context.outputLatency || this.context.baseLatency || 0);
    return this.#placeOf(Math.max(this.#secondsAt(heard), this.#first));
  }

  /** What was heard at a moment of the page's clock, an event's `timeStamp`, in ms: {step, loops}. */
  heardAt(timeStamp) {
    const { context } = this;
    const late = context.outputLatency || context.baseLatency || 0;
    const heard = context.currentTime - late;
    return this.at(timeHeardAt(timeStamp, performance.now(), heard, context.getOutputTimestamp?.()));
  }

  get rate() {
    return this.#rate;
  }

  /** How fast time runs: 2 is twice the groove's own tempo. */
  set rate(rate) {
    if (rate === this.#rate) return;
    if (!this.isPlaying) {
      this.#rate = rate;
      return;
    }
    const time = this.context.currentTime + this.#swapSeconds;
    const { loops, step } = this.at(time);
    this.#goesOnMoving();
    this.#rate = rate;
    this.#rejoin(time, loops, step);
  }

  get volume() {
    return this.#volume;
  }

  set volume(volume) {
    this.#volume = volume;
    this.output?.gain.setTargetAtTime(volume, this.context.currentTime, 0.01);
  }

  get clicking() {
    return this.#clicking;
  }

  set clicking(clicking) {
    this.#clicking = clicking;
    this.#clicks?.gain.setTargetAtTime(clicking ? 1 : 0, this.context.currentTime, 0.003);
  }

  /** Voices that are not heard. */
  silence(voices) {
    this.#buses.silence(voices);
  }

  /** How loud each drum is, 0 and up, and where it stands, -1 to 1. */
  balance(levels, pans) {
    this.#buses.balance(levels, pans);
  }

  /** The kit that every visit begins with, once it is here. */
  async house() {
    await this.prepare(...this.#wanted);
    return this.#house;
  }

  get kit() {
    return this.#strokes.kit;
  }

  /** Another kit, at once: what was scheduled is struck anew with it. */
  dress(kit) {
    this.#strokes.kit = kit;
    if (!this.isPlaying) return;
    const time = this.context.currentTime + this.#swapSeconds;
    const { loops, step } = this.at(time);
    this.#rejoin(time, loops, step);
  }

  /** One stroke now, as an answer to a hand. */
  async strike(voice, velocity) {
    await Promise.all([this.#loading, this.context?.resume()]);
    if (this.isReady) this.#strokes.strike(voice, velocity);
  }

  /** `listener` is called when playing starts or stops, or is let be heard or not. */
  subscribe(listener) {
    this.#listeners.add(listener);
  }

  #tell() {
    for (const listener of this.#listeners) listener();
  }

  // -- scheduling ---------------------------------------------------------------

  #use(groove) {
    this.#groove = groove;
    this.#clock = new Clock(groove);
    const turns = turnsOf(groove.hits);
    const hits = groove.hits.map(([voice, position, velocity], i) => ({
      // A hit pushed before the first step ends the round before.
      seconds: this.#clock.secondsAt(position < 0 ? position + groove.n_steps : position),
      voice,
      velocity,
      turn: turns[i],
      // One that was just played is heard from the next round on.
      since: groove.fresh?.get(String(groove.hits[i])) ?? -Infinity,
    }));
    const starts = new Set(groove.bars.map((step) => Math.round(step * 1e6)));
    const clicks = groove.beats.map((step) => ({
      seconds: this.#clock.secondsAt(step),
      click: true,
      accent: starts.has(Math.round(step * 1e6)),
    }));
    this.#events = [...hits, ...clicks].sort((a, b) => a.seconds - b.seconds);
  }

  /** Where the groove is at a moment of the audio clock: {step, loops}. */
  at(time) {
    return this.#placeOf(this.#secondsAt(time));
  }

  /** Groove time, loops included. */
  #secondsAt(time) {
    return this.#from.seconds + (time - this.#from.time) * this.#rate;
  }

  #placeOf(seconds, clock = this.#clock) {
    const loops = Math.floor(seconds / clock.duration);
    return { loops, step: clock.stepAt(seconds - loops * clock.duration) };
  }

  /** Go on at `time` from a step of the groove in use, at the rate in use. */
  #rejoin(time, loops, step, { isLeap = false, staysBeyond = false } = {}) {
    const within = mod(step, this.#groove.n_steps);
    const seconds = loops * this.#clock.duration + this.#clock.secondsAt(within);
    this.#cutFollowers(time);
    this.#strokes.takeBack(time);
    this.#moveLead(seconds - this.#secondsAt(time), seconds);
    this.#from = { time, seconds };
    this.#until = seconds - 1e-9;
    this.#strokes.guardFrom(time);
    if (isLeap) for (const each of this.followers) each.begin?.(within, seconds);
    this.#schedule();
    if (!staysBeyond) this.#strokes.endChange();
  }

  /** While it is counted in, the count keeps its distance to a first step that another tempo map moves. */
  #moveLead(by, seconds) {
    this.#first += by;
    for (const click of this.#lead) click.seconds += by;
    if (seconds < this.#first) return;
    this.#first = -Infinity;
    this.#lead = [];
  }

  #schedule() {
    if (!this.isPlaying) return;
    const now = this.#plan();
    for (const each of this.followers) each.schedule(this.#newsFor(each, now));
  }

  /** The beginning. Where a machine had no time for the page just then, a first stroke would be late or lost: it begins
   * once more, from a later moment on. */
  #planFrom(seconds) {
    const { stats } = this.#strokes;
    const before = { ...stats };
    for (const wait of START_SECONDS) {
      if (stats.scheduled > before.scheduled) this.#strokes.silence();
      Object.assign(stats, before);
      this.#from = { time: this.context.currentTime + wait, seconds };
      this.#until = seconds - 1e-9;
      this.#strokes.unguard();
      this.#plan();
      if (stats.late === before.late && stats.behind === before.behind) return;
    }
  }

  /** Schedule what is planned ahead and is not yet scheduled. Gives the moment on the audio clock that it began at. */
  #plan() {
    const now = this.context.currentTime;
    const least = this.#secondsAt(now + LEAST_SECONDS);
    let horizon = this.#secondsAt(now + aheadAfter(now - this.#movedAt));
    let n = this.#strokes.countFrom(now);
    let last = -Infinity;
    for (const [event, at] of this.#due(this.#until, horizon)) {
      if (n >= MOST_STROKES && at > Math.max(least, last)) {
        horizon = last;
        break;
      }
      last = at;
      const time = this.#timeOf(at);
      if (this.#strokes.isDouble(event, time)) continue;
      this.#strokes.startAt(event, time);
      n += 1;
    }
    this.#until = Math.max(this.#until, horizon);
    this.#strokes.endChange(this.#timeOf(this.#until));
    return now;
  }

  /** What a follower does not know yet, in the groove's seconds: `from` `until` `horizon`. One that has `aheadSeconds`
   * wants to know no more than that. */
  #newsFor(follower, now) {
    const clock = this.#clock;
    const until = this.#told.get(follower) ?? Math.max(this.#from.seconds - 1e-9, this.#secondsAt(now));
    const horizon = Math.max(until, this.#secondsAt(now + (follower.aheadSeconds ?? AHEAD_SECONDS)));
    this.#told.set(follower, horizon);
    const strokes = () =>
      [...this.#due(until, horizon)].flatMap(([event, at]) => {
        const time = this.#timeOf(at);
        return event.click || this.#strokes.isDouble(event, time) ? [] : [{ ...event, time }];
      });
    return { from: this.#from, rate: this.#rate, duration: clock.duration, until, horizon, clock, strokes };
  }

  /** What comes behind `until` and up to `horizon`: [event, groove time] each. */
  *#due(until, horizon) {
    const isDue = (at) => at > until && at <= horizon;
    for (const click of this.#lead) if (isDue(click.seconds)) yield [click, click.seconds];
    const { duration } = this.#clock;
    for (let loop = Math.max(Math.floor(until / duration), 0); loop * duration <= horizon; loop += 1) {
      for (const event of this.#events) {
        const at = loop * duration + event.seconds;
        const isThere = at >= this.#first - 1e-9 && !(loop < event.since);
        if (isThere && isDue(at)) yield [event, at];
      }
    }
  }

  #timeOf(seconds) {
    return this.#from.time + (seconds - this.#from.seconds) / this.#rate;
  }

  /** Clicks that count in are heard whether or not there is a click. */
  #outOf({ voice, click, counts }) {
    if (counts) return this.#mix;
    return click ? this.#clicks : this.#buses.of(voice);
  }

  #cutFollowers(time) {
    this.#told.clear();
    for (const each of this.followers) each.cut(time);
  }
}
