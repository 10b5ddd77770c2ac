// A transport that plays one groove in a loop that never stops.
//
// Hits are scheduled some way ahead on the audio clock by a timer of its own thread, so a busy page neither delays
// nor drops one; what is scheduled and not yet heard is taken back when the groove changes.

import { Kit, buildMixer, turnsOf } from "./kit.js";
import { Clock, barOf, mod, timeHeardAt } from "./time.js";

const AHEAD_SECONDS = 0.4; // longer than a page is ever busy in one piece
const TICK_MS = 25;
const START_SECONDS = 0.06; // from the gesture to the first hit
const SWAP_SECONDS = 0.012; // from a change to the first new hit
const GUARD_SECONDS = 0.03; // a stroke just heard is not heard again because a change moved it by a hair
const LATE_SECONDS = 0.02; // later than this a hit is better left out
const BAR_SECONDS = 0.04; // before a bar line is what waits for it done

/** Plays one groove at a time. One for the whole app. */
export class Transport {
  context = null;
  output = null; // the last node before the loudspeaker
  isPlaying = false;
  stats = { scheduled: 0, late: 0 };
  follower = null; // goes along with what is played: {schedule, cut}, see sounding.js
  #kit = null; // the one in use
  #house = null; // the one that every visit begins with
  #wanted = null; // what to load, should it fail at first
  #loading = null;
  #mix = null;
  #voices = []; // {gain, panner} of each drum's bus
  #levels = []; // of each drum, 1 where nothing is said
  #pans = []; // of each drum, -1 to 1
  #turn = 0; // of the next stroke of a hand
  #clicks = null;
  #timer = null;
  #groove = null;
  #clock = null;
  #events = [];
  #from = { time: 0, seconds: 0 }; // audio clock and groove time (loops included) that fall together
  #until = 0; // groove time up to which all is scheduled
  #began = 0; // audio time of the first step heard
  #guard = 0; // audio time up to which a stroke just heard keeps its double out
  #sounding = []; // {node, gain, time, voice, chokedAt}
  #struckAt = []; // audio time of the last stroke before the last change, by voice
  #rate = 1;
  #volume = 0.9;
  #clicking = false;
  #silent = new Set();
  #listeners = new Set();
  #waiting = null; // {bar, act}: what is done when another bar begins

  /** Fetch what is needed before the first gesture, so that the gesture sounds at once. */
  prepare(url, mixer, keys) {
    this.#wanted = [url, mixer, keys];
    this.#loading ??= (async () => {
      this.#build(mixer);
      this.#house = await Kit.load(this.context, url, mixer, keys);
      this.#kit ??= this.#house;
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
    const { mix, output } = buildMixer(this.context, mixer, this.#volume);
    this.#mix = mix;
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

  /** Whether a gesture sounds at once. */
  get isReady() {
    return this.#kit !== null;
  }

  /** Whether it plays and the system lets it be heard. */
  get isHeard() {
    return this.isPlaying && this.context.state === "running";
  }

  /** Start `groove` from a step. Call it from a gesture: browsers demand one. */
  async play(groove, step = 0) {
    if (navigator.audioSession) navigator.audioSession.type = "playback"; // heard with a phone's ring switch off
    const resumed = this.context?.resume();
    await Promise.all([this.prepare(...this.#wanted), resumed]);
    this.stop();
    this.isPlaying = true;
    this.#use(groove);
    const time = this.context.currentTime + START_SECONDS;
    this.#from = { time, seconds: this.#clock.secondsAt(mod(step, groove.n_steps)) };
    this.#until = this.#from.seconds - 1e-9;
    this.#began = time;
    this.#guard = 0;
    this.#timer ??= startTimer(() => this.#tick());
    this.#schedule();
    this.#tell();
  }

  stop() {
    if (!this.isPlaying) return;
    this.#takeBack(this.context.currentTime);
    for (const { gain } of this.#sounding) fade(gain.gain, this.context.currentTime, 0.06);
    this.#sounding = [];
    this.isPlaying = false;
    this.#waiting = null;
    this.#timer?.stop();
    this.#timer = null;
    this.#tell();
  }

  /** Another groove under the same playback: the place in the bar and the count of loops stay. */
  swap(groove) {
    if (!this.isPlaying) return;
    const time = this.context.currentTime + SWAP_SECONDS;
    const { loops, step } = this.#at(time);
    this.#use(groove);
    this.#rejoin(time, loops, step);
  }

  /** Go on from a step of the same groove. */
  jump(step) {
    const time = this.context.currentTime + SWAP_SECONDS;
    this.#rejoin(time, Math.max(this.#at(time).loops, 0), step);
  }

  /** `act` is called once, as the next bar begins; null calls it off. */
  atNextBar(act) {
    this.#waiting = act && { bar: this.#barAt(this.context.currentTime + BAR_SECONDS), act };
  }

  #barAt(time) {
    const { loops, step } = this.#at(time);
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
    return this.#at(Math.max(heard, this.#began));
  }

  /** What was heard at a moment of the page's clock, an event's `timeStamp`, in ms: {step, loops}. */
  heardAt(timeStamp) {
    const { context } = this;
    const late = context.outputLatency || context.baseLatency || 0;
    const heard = context.currentTime - late;
    return this.#at(timeHeardAt(timeStamp, performance.now(), heard, context.getOutputTimestamp?.()));
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
    const time = this.context.currentTime + SWAP_SECONDS;
    const { loops, step } = this.#at(time);
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
    this.#silent = new Set(voices);
    for (const voice of this.#voices.keys()) this.#setLevel(voice);
  }

  /** How loud each drum is, 0 and up, and where it stands, -1 to 1. */
  balance(levels, pans) {
    this.#levels = levels;
    this.#pans = pans;
    for (const voice of this.#voices.keys()) {
      this.#setLevel(voice);
      this.#placePanner(voice);
    }
  }

  #levelOf(voice) {
    return this.#silent.has(voice) ? 0 : (this.#levels[voice] ?? 1);
  }

  #setLevel(voice) {
    this.#voices[voice]?.gain.gain.setTargetAtTime(this.#levelOf(voice), this.context.currentTime, 0.005);
  }

  /** The kit that every visit begins with, once it is here. */
  async house() {
    await this.prepare(...this.#wanted);
    return this.#house;
  }

  get kit() {
    return this.#kit;
  }

  /** Another kit, at once: what was scheduled is struck anew with it. */
  dress(kit) {
    this.#kit = kit;
    if (!this.isPlaying) return;
    const time = this.context.currentTime + SWAP_SECONDS;
    const { loops, step } = this.#at(time);
    this.#rejoin(time, loops, step);
  }

  /** One stroke now, as an answer to a hand. */
  async strike(voice, velocity) {
    await Promise.all([this.#loading, this.context?.resume()]);
    if (!this.#kit) return;
    this.#turn += 1;
    this.#start({ voice, velocity, turn: this.#turn }, this.context.currentTime + 0.005);
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
    }));
    const starts = new Set(groove.bars.map((step) => Math.round(step * 1e6)));
    const clicks = groove.beats.map((step) => ({
      seconds: this.#clock.secondsAt(step),
      click: true,
      accent: starts.has(Math.round(step * 1e6)),
    }));
    this.#events = [...hits, ...clicks].sort((a, b) => a.seconds - b.seconds);
  }

  #at(time) {
    const seconds = this.#from.seconds + (time - this.#from.time) * this.#rate;
    const loops = Math.floor(seconds / this.#clock.duration);
    return { loops, step: this.#clock.stepAt(seconds - loops * this.#clock.duration) };
  }

  /** Go on at `time` from a step of the groove in use, at the rate in use. */
  #rejoin(time, loops, step) {
    const within = mod(step, this.#groove.n_steps);
    this.#takeBack(time);
    this.#from = { time, seconds: loops * this.#clock.duration + this.#clock.secondsAt(within) };
    this.#until = this.#from.seconds - 1e-9;
    this.#guard = time + GUARD_SECONDS;
    this.#schedule();
  }

  #schedule() {
    if (!this.isPlaying) return;
    const now = this.context.currentTime;
    const horizon = this.#from.seconds + (now + AHEAD_SECONDS - this.#from.time) * this.#rate;
    const { duration } = this.#clock;
    for (let loop = Math.max(Math.floor(this.#until / duration), 0); loop * duration <= horizon; loop += 1) {
      for (const event of this.#events) {
        const at = loop * duration + event.seconds;
        if (at <= this.#until || at > horizon) continue;
        const time = this.#from.time + (at - this.#from.seconds) / this.#rate;
        if (this.#isDouble(event, time)) continue;
        if (time < now - LATE_SECONDS) this.stats.late += 1;
        else this.#start(event, Math.max(time, now));
      }
    }
    this.#until = horizon;
    this.follower?.schedule({ from: this.#from, rate: this.#rate, duration, horizon });
  }

  #isDouble({ voice }, time) {
    const before = this.#struckAt[voice];
    return time < this.#guard && before !== undefined && Math.abs(time - before) < GUARD_SECONDS;
  }

  #start(event, asked) {
    const { voice, velocity, turn } = event;
    this.#sounding = this.#sounding.filter((s) => s.end > this.context.currentTime);
    const buffer = event.click ? this.#kit.click(event.accent) : this.#kit.struck(voice, velocity, turn);
    // Between two samples it would sound duller.
    const time = Math.round(asked * buffer.sampleRate) / buffer.sampleRate;
    const node = new AudioBufferSourceNode(this.context, { buffer });
    const gain = new GainNode(this.context, { gain: event.click ? 1 : this.#kit.amplitude(velocity) });
    node.connect(gain).connect(event.click ? this.#clicks : this.#bus(voice));
    node.start(time);
    node.onended = () => gain.disconnect();
    this.stats.scheduled += 1;
    if (!event.click) this.#choke(voice, time);
    this.#sounding.push({
      node,
      gain,
      time,
      voice,
      level: gain.gain.value,
      end: time + buffer.duration,
      chokedAt: Infinity,
    });
  }

  #bus(voice) {
    if (!this.#voices[voice]) {
      const gain = new GainNode(this.context, { gain: this.#levelOf(voice) });
      gain.connect(this.#mix);
      this.#voices[voice] = { gain, panner: null };
      this.#placePanner(voice);
    }
    return this.#voices[voice].gain;
  }

  /** A drum that never left the middle has no panner. */
  #placePanner(voice) {
    const bus = this.#voices[voice];
    if (!bus) return;
    const pan = this.#pans[voice] ?? 0;
    if (bus.panner) bus.panner.pan.setTargetAtTime(pan, this.context.currentTime, 0.01);
    if (bus.panner || pan === 0) return;
    // Two channels in, so that the middle is as loud as without it.
    const options = { pan, channelCount: 2, channelCountMode: "explicit" };
    bus.panner = new StereoPannerNode(this.context, options);
    bus.gain.disconnect();
    bus.gain.connect(bus.panner).connect(this.#mix);
  }

  /** A hat that is struck stops the open hat. */
  #choke(voice, time) {
    const { choked, chokers } = this.#kit.mixer;
    if (!chokers.includes(voice)) return;
    for (const s of this.#sounding) {
      if (s.voice === choked && s.time < time && time < s.chokedAt) {
        s.gain.gain.cancelScheduledValues(0);
        s.chokedAt = time;
        fade(s.gain.gain, time, this.#fadeSeconds, s.level);
      }
    }
  }

  get #fadeSeconds() {
    return this.#kit.mixer.fade_samples / this.#kit.mixer.sample_rate;
  }

  /** Nothing that is scheduled for `time` or later happens. */
  #takeBack(time) {
    const stays = [];
    this.follower?.cut(time);
    this.#struckAt = [];
    for (const s of this.#sounding) {
      if (s.time >= time) {
        s.node.onended = null;
        s.node.stop();
        s.gain.disconnect();
        continue;
      }
      if (s.chokedAt >= time && s.chokedAt !== Infinity) {
        s.gain.gain.cancelScheduledValues(0);
        s.gain.gain.value = s.level;
        s.chokedAt = Infinity;
      }
      if (s.voice !== undefined) this.#struckAt[s.voice] = Math.max(this.#struckAt[s.voice] ?? 0, s.time);
      stays.push(s);
    }
    this.#sounding = stays;
  }
}

function fade(param, time, seconds, level = param.value) {
  param.setValueAtTime(level, time);
  param.linearRampToValueAtTime(0, time + seconds);
}

/** A timer on a thread of its own: browsers slow down those of a page that is out of sight. */
function startTimer(tick) {
  const code = `setInterval(() => postMessage(0), ${TICK_MS})`;
  try {
    const address = URL.createObjectURL(new Blob([code], { type: "text/javascript" }));
    const worker = new Worker(address);
    worker.onmessage = tick;
    return {
      stop() {
        worker.terminate();
        URL.revokeObjectURL(address);
      },
    };
  } catch {
    const id = setInterval(tick, TICK_MS);
    return { stop: () => clearInterval(id) };
  }
}
