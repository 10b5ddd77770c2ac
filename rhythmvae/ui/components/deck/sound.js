// Sound: the kit, and a transport that plays one groove in a loop that never stops.
//
// The mixer is synth.py's, number for number (its numbers come as `mixer`, synth.parameters): the same samples,
// the same low-pass for soft strokes, the same gain, choke and soft clip. Hits are scheduled
// some way ahead on the audio clock by a timer of its own thread, so a busy page neither delays
// nor drops one; what is scheduled and not yet heard is taken back when the groove changes.

import { Clock, mod } from "./time.js";

const AHEAD_SECONDS = 0.4; // longer than a page is ever busy in one piece
const TICK_MS = 25;
const START_SECONDS = 0.06; // from the gesture to the first hit
const SWAP_SECONDS = 0.012; // from a change to the first new hit
const GUARD_SECONDS = 0.03; // a stroke just heard is not heard again because a change moved it by a hair
const LATE_SECONDS = 0.02; // later than this a hit is better left out
const HEADROOM = 8; // inputs of the soft clip, in full scales
const CURVE_POINTS = 65_537;

/** The one-shots and their darker versions, as buffers. */
class Kit {
  #shaded = new Map();

  constructor(context, samples, mixer, keys) {
    Object.assign(this, { context, samples, mixer, keys });
  }

  static async load(context, url, mixer, keys) {
    const bytes = await fetchCached(url);
    const from = wavDataStart(bytes);
    const pcm = new Int16Array(bytes.slice(from, from + ((bytes.byteLength - from) & ~1)));
    return new Kit(
      context,
      Float32Array.from(pcm, (x) => x / 32_768),
      mixer,
      keys,
    );
  }

  /** A voice as a stroke of this velocity sounds at full amplitude. */
  struck(voice, velocity) {
    const { velocity_levels: levels, max_velocity: most, cutoff_hz: cutoff } = this.mixer;
    const level = Math.floor((velocity * levels) / (most + 1));
    return this.#buffer(this.keys[voice], level, cutoff[level]);
  }

  click(isAccent) {
    return this.#buffer(isAccent ? "accent" : "click", "", null);
  }

  amplitude(velocity) {
    const { quietest, max_velocity: most } = this.mixer;
    return quietest + (1 - quietest) * (velocity / most) ** 2;
  }

  #buffer(key, level, cutoff) {
    const name = `${key} ${level}`;
    let buffer = this.#shaded.get(name);
    if (!buffer) {
      const [start, length] = this.mixer.sounds[key];
      const sound = this.samples.slice(start, start + length);
      if (cutoff !== null) darken(sound, cutoff, this.mixer.sample_rate);
      buffer = this.context.createBuffer(1, length, this.mixer.sample_rate);
      buffer.copyToChannel(sound, 0);
      this.#shaded.set(name, buffer);
    }
    return buffer;
  }
}

/** One-pole low-pass y[n] = a x[n] + (1 - a) y[n-1], in place. */
function darken(sound, cutoff, rate) {
  const a = 1 - Math.exp((-2 * Math.PI * cutoff) / rate);
  let y = 0;
  for (let n = 0; n < sound.length; n += 1) {
    y = a * sound[n] + (1 - a) * y;
    sound[n] = y;
  }
}

/** A file by an address that names its content: kept by the browser where it lets pages keep things. */
async function fetchCached(url) {
  let store = null;
  try {
    store = await globalThis.caches?.open("rhythmvae");
    const kept = await store?.match(url);
    if (kept) return await kept.arrayBuffer();
  } catch {
    store = null; // a private window, or no room left: it works without
  }
  const answer = await fetch(url);
  if (!answer.ok) throw new Error(`the drum sounds did not load (${answer.status})`);
  store?.put(url, answer.clone()).catch(() => {});
  if (store) forgetOthers(store, url);
  return answer.arrayBuffer();
}

/** Files of earlier versions go. */
async function forgetOthers(store, url) {
  for (const kept of await store.keys()) if (kept.url !== url) store.delete(kept);
}

function wavDataStart(bytes) {
  const view = new DataView(bytes);
  let at = 12; // behind RIFF, size, WAVE
  while (at + 8 <= view.byteLength) {
    const isData = view.getUint32(at) === 0x64617461;
    if (isData) return at + 8;
    const size = view.getUint32(at + 4, true);
    at += 8 + size + (size & 1);
  }
  throw new Error("the drum sounds are damaged");
}

/** Plays one groove at a time for whoever asked last. One for the whole page. */
export class Transport {
  context = null;
  output = null; // the last node before the loudspeaker
  owner = null;
  stats = { scheduled: 0, late: 0 };
  #kit = null;
  #wanted = null; // what to load, should it fail at first
  #loading = null;
  #mix = null;
  #voices = [];
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

  /** Fetch what is needed before the first gesture, so that the gesture sounds at once. */
  prepare(url, mixer, keys) {
    this.#wanted = [url, mixer, keys];
    this.#loading ??= (async () => {
      this.#build(mixer);
      this.#kit = await Kit.load(this.context, url, mixer, keys);
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
    const { gain, knee } = mixer;
    this.#mix = new GainNode(this.context, { gain: gain / HEADROOM });
    const clip = new WaveShaperNode(this.context, { curve: softClip(knee) });
    this.output = new GainNode(this.context, { gain: this.#volume });
    this.#mix.connect(clip).connect(this.output).connect(this.context.destination);
    this.#clicks = new GainNode(this.context, { gain: this.#clicking ? 1 : 0 });
    this.#clicks.connect(this.#mix);
  }

  // -- the transport ------------------------------------------------------------

  get isPlaying() {
    return this.owner !== null;
  }

  /** Start `groove` for `owner`, from a step. Call it from a gesture: browsers demand one. */
  async play(owner, groove, step = 0) {
    const resumed = this.context?.resume();
    await Promise.all([this.prepare(...this.#wanted), resumed]);
    this.stop();
    this.owner = owner;
    this.#use(groove);
    const time = this.context.currentTime + START_SECONDS;
    this.#from = { time, seconds: this.#clock.secondsAt(mod(step, groove.n_steps)) };
    this.#until = this.#from.seconds - 1e-9;
    this.#began = time;
    this.#guard = 0;
    this.#timer ??= startTimer(() => this.#schedule());
    this.#schedule();
    this.#tell();
  }

  stop() {
    if (!this.isPlaying) return;
    this.#takeBack(this.context.currentTime);
    for (const { gain } of this.#sounding) fade(gain.gain, this.context.currentTime, 0.06);
    this.#sounding = [];
    this.owner = null;
    this.#timer?.stop();
    this.#timer = null;
    this.#tell();
  }

  /** Another groove under the same playback: the place in the bar and the count of loops stay. */
  swap(owner, groove) {
    if (this.owner !== owner) return;
    const time = this.context.currentTime + SWAP_SECONDS;
    const { loops, step } = this.#at(time);
    this.#use(groove);
    this.#rejoin(time, loops, step);
  }

  /** What is heard now: {step, loops}, or null. */
  position() {
    if (!this.isPlaying) return null;
    const heard = this.context.currentTime - (this.context.outputLatency || this.context.baseLatency || 0);
    return this.#at(Math.max(heard, this.#began));
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
    this.#voices.forEach((node, voice) => {
      node?.gain.setTargetAtTime(this.#silent.has(voice) ? 0 : 1, this.context.currentTime, 0.005);
    });
  }

  /** One stroke now, as an answer to a hand. */
  async strike(voice, velocity) {
    await Promise.all([this.#loading, this.context?.resume()]);
    if (this.#kit) this.#start({ voice, velocity }, this.context.currentTime + 0.005);
  }

  /** `listener` is called when playing starts, stops or changes hands; gives what ends it. */
  subscribe(listener) {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #tell() {
    for (const listener of this.#listeners) listener();
  }

  // -- scheduling ---------------------------------------------------------------

  #use(groove) {
    this.#groove = groove;
    this.#clock = new Clock(groove);
    const hits = groove.hits.map(([voice, position, velocity]) => ({
      // A hit pushed before the first step ends the round before.
      seconds: this.#clock.secondsAt(position < 0 ? position + groove.n_steps : position),
      voice,
      velocity,
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
  }

  #isDouble({ voice }, time) {
    const before = this.#struckAt[voice];
    return time < this.#guard && before !== undefined && Math.abs(time - before) < GUARD_SECONDS;
  }

  #start(event, asked) {
    const { voice, velocity } = event;
    this.#sounding = this.#sounding.filter((s) => s.end > this.context.currentTime);
    const buffer = event.click ? this.#kit.click(event.accent) : this.#kit.struck(voice, velocity);
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
      this.#voices[voice] = new GainNode(this.context, { gain: this.#silent.has(voice) ? 0 : 1 });
      this.#voices[voice].connect(this.#mix);
    }
    return this.#voices[voice];
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

/** synth._soft_clip as a curve over HEADROOM full scales. */
function softClip(knee) {
  return Float32Array.from({ length: CURVE_POINTS }, (_, i) => {
    const x = ((2 * i) / (CURVE_POINTS - 1) - 1) * HEADROOM;
    const over = Math.max(Math.abs(x) - knee, 0);
    return over > 0 ? Math.sign(x) * (knee + (1 - knee) * Math.tanh(over / (1 - knee))) : x;
  });
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
