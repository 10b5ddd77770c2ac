// The kit: the one-shots that synth.py made, and what its mixer does to them.
//
// The mixer is synth.py's, number for number (its numbers come as `mixer`, synth.parameters): the same samples,
// the same low-pass for soft strokes, the same gain, choke and soft clip.

const HEADROOM = 8; // inputs of the soft clip, in full scales
const CURVE_POINTS = 65_537;

/** The one-shots and their darker versions, as buffers. */
export class Kit {
  #shaded = new Map();

  constructor(context, samples, mixer, keys) {
    Object.assign(this, { context, samples, mixer, keys });
  }

  static async load(context, url, mixer, keys) {
    const answer = await fetch(url); // the browser keeps it: its address names its content
    if (!answer.ok) throw new Error(`the drum sounds did not load (${answer.status})`);
    const bytes = await answer.arrayBuffer();
    const from = wavDataStart(bytes);
    const pcm = new Int16Array(bytes.slice(from, from + ((bytes.byteLength - from) & ~1)));
    const samples = new Float32Array(pcm.length);
    for (let n = 0; n < pcm.length; n += 1) samples[n] = pcm[n] / 32_768; // `from` takes ten times as long
    return new Kit(context, samples, mixer, keys);
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

/** For each hit how many of the same drum stand before it: synth.turns. */
export function turnsOf(hits) {
  const order = hits.map((_, i) => i);
  order.sort((a, b) => hits[a][1] - hits[b][1] || hits[a][2] - hits[b][2] || a - b);
  const counted = [];
  const found = [];
  for (const i of order) {
    const [voice] = hits[i];
    found[i] = counted[voice] ?? 0;
    counted[voice] = found[i] + 1;
  }
  return found;
}

/** A kit of several strengths, whose strokes take turns; what it has not, the house kit has. */
export class LayeredKit {
  /** `said`: as layered.json has a kit; `sounds`: all its samples. */
  constructor(house, said, sounds) {
    Object.assign(this, { house, said, sounds, mixer: house.mixer, buffers: new Map() });
  }

  static async load(house, said, url) {
    const answer = await fetch(url); // the browser keeps it: its address names its content
    if (!answer.ok) throw new Error(`the kit did not load (${answer.status})`);
    const { context, mixer } = house;
    // Not the deck's context: on a phone whose sound sleeps that one would not decode.
    const decoder = new OfflineAudioContext(1, 1, mixer.sample_rate);
    const decoded = await decoder.decodeAudioData(await answer.arrayBuffer());
    if (context.sampleRate !== mixer.sample_rate) throw new Error("this browser plays at another rate");
    return new LayeredKit(house, said, decoded.getChannelData(0));
  }

  struck(voice, velocity, turn = 0) {
    const layers = this.said.voices[this.house.keys[voice]];
    const [, places] = layers.findLast(([from]) => velocity >= from) ?? layers[0];
    const [start, length] = places[turn % places.length];
    let buffer = this.buffers.get(start);
    if (!buffer) {
      const sound = this.sounds.slice(start, start + length).map((x) => x * this.said.gain);
      buffer = this.house.context.createBuffer(1, length, this.mixer.sample_rate);
      buffer.copyToChannel(sound, 0);
      this.buffers.set(start, buffer);
    }
    return buffer;
  }

  click(isAccent) {
    return this.house.click(isAccent);
  }

  amplitude(velocity) {
    return this.house.amplitude(velocity);
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

/** From what is struck to the loudspeaker: {mix} takes the strokes, {output} is the last node. */
export function buildMixer(context, { gain, knee }, volume) {
  const mix = new GainNode(context, { gain: gain / HEADROOM });
  const clip = new WaveShaperNode(context);
  clip.curve = softClip(knee); // among the node's options it is read number by number, which takes a phone 0.2 s
  const output = new GainNode(context, { gain: volume });
  mix.connect(clip).connect(output).connect(context.destination);
  return { mix, output };
}

/** synth._soft_clip as a curve over HEADROOM full scales. */
function softClip(knee) {
  const curve = new Float32Array(CURVE_POINTS); // `from` takes ten times as long
  const middle = (CURVE_POINTS - 1) / 2;
  for (let i = 0; i <= middle; i += 1) {
    const x = (i / middle) * HEADROOM;
    const over = Math.max(x - knee, 0);
    curve[middle + i] = over > 0 ? knee + (1 - knee) * Math.tanh(over / (1 - knee)) : x;
    curve[middle - i] = -curve[middle + i];
  }
  return curve;
}
