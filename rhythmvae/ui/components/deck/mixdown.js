// A groove as a file of sound: what the deck plays, computed at once, as synth.py does it, but in two channels and with
// the mixer's levels. Files are WAV of 16 bits, and zips of them that are stored and not packed.

import { turnsOf } from "./kit.js";
import { Clock, mod } from "./time.js";

const FULL_SCALE = 32_767;
export const MOST_SECONDS = 120; // of one file

/** Bars `first` to `last`, from 0, of a groove, by themselves. */
export function cutBars(groove, first, last) {
  const [start, end] = [groove.bars[first], groove.bars[last + 1]];
  if (start === 0 && end === groove.n_steps) return groove;
  const isLast = last === groove.bars.length - 2;
  const before = groove.tempos.findLast(([step]) => step <= start) ?? groove.tempos[0];
  return {
    n_steps: end - start,
    // A hit belongs to the step that it is nearest to.
    hits: groove.hits
      .filter(([, at]) => at >= start - 0.5 && (isLast || at < end - 0.5))
      .map(([voice, at, velocity]) => [voice, at - start, velocity]),
    tempos: [
      [0, before[1]],
      ...groove.tempos.filter(([step]) => step > start && step < end).map(([step, bpm]) => [step - start, bpm]),
    ],
    bars: groove.bars.slice(first, last + 2).map((step) => step - start),
  };
}

/**
 * [left, right]: samples of a groove that goes round some times. `isLoop`: exactly so long, with what rings on past the
 * end folded onto the start; else it rings out. `desk`: {kit, rate, level(voice), pan(voice)}.
 */
export function mixdown(groove, desk, { rounds, isLoop }) {
  const { sample_rate: sampleRate, gain, knee } = desk.kit.mixer;
  const clock = new Clock(groove);
  const duration = clock.duration / desk.rate;
  const nSamples = Math.max(Math.round(rounds * duration * sampleRate), 1);
  const strokes = strokesOf(groove, desk, { rounds, isLoop, clock, duration, nSamples });
  const end = isLoop ? nSamples : Math.max(nSamples, ...strokes.map(({ start, length }) => start + length));
  const sides = [new Float32Array(end), new Float32Array(end)];
  for (const { start, length, sound, voice, amplitude } of strokes) {
    const loudness = gain * amplitude * desk.level(voice);
    if (loudness === 0) continue;
    const fade = length < sound.length ? desk.kit.mixer.fade_samples : 0;
    for (const [side, part] of panned(desk.pan(voice)).entries())
      add(sides[side], sound, { start, length, fade, gain: loudness * part });
  }
  for (const side of sides) bend(side, knee);
  return sides;
}

/** Where each stroke begins and how long it sounds, in samples. */
function strokesOf(groove, { kit, rate }, { rounds, isLoop, clock, duration, nSamples }) {
  const { sample_rate: sampleRate, choked, chokers, fade_samples: fade } = kit.mixer;
  const turns = turnsOf(groove.hits);
  const strokes = [];
  for (let round = 0; round < rounds; round += 1) {
    for (const [i, [voice, position, velocity]] of groove.hits.entries()) {
      const at = isLoop && position < 0 ? position + groove.n_steps : position;
      const seconds = round * duration + clock.secondsAt(at) / rate;
      const first = Math.round(Math.max(seconds, 0) * sampleRate);
      const sound = kit.struck(voice, velocity, turns[i]).getChannelData(0);
      const start = isLoop ? mod(first, nSamples) : first;
      strokes.push({ voice, start, sound, length: sound.length, amplitude: kit.amplitude(velocity) });
    }
  }
  const hats = [...new Set(strokes.filter(({ voice }) => chokers.includes(voice)).map(({ start }) => start))];
  hats.sort((a, b) => a - b);
  if (isLoop && hats.length) hats.push(hats[0] + nSamples); // the first one, come round
  for (const stroke of strokes) {
    if (stroke.voice !== choked) continue;
    const next = hats.find((hat) => hat > stroke.start);
    if (next !== undefined) stroke.length = Math.min(stroke.length, next - stroke.start + fade);
  }
  return strokes;
}

/** What a StereoPanner makes of two equal channels. */
function panned(pan) {
  if (pan === 0) return [1, 1];
  const turn = ((pan < 0 ? pan + 1 : pan) * Math.PI) / 2;
  return pan < 0 ? [1 + Math.cos(turn), Math.sin(turn)] : [Math.cos(turn), 1 + Math.sin(turn)];
}

/** A stroke onto a side; past its end it goes on from the start. */
function add(side, sound, { start, length, fade, gain }) {
  for (let n = 0, at = start; n < length; n += 1, at += 1) {
    if (at >= side.length) at %= side.length;
    const left = length - 1 - n;
    side[at] += sound[n] * gain * (left < fade ? left / (fade - 1) : 1);
  }
}

function bend(side, knee) {
  for (let n = 0; n < side.length; n += 1) {
    const over = Math.abs(side[n]) - knee;
    if (over > 0) side[n] = Math.sign(side[n]) * (knee + (1 - knee) * Math.tanh(over / (1 - knee)));
  }
}

// -- files ------------------------------------------------------------------------

/** [left, right] as a WAV file's bytes. */
export function toWav([left, right], sampleRate) {
  const bytes = new Uint8Array(44 + left.length * 4);
  const view = new DataView(bytes.buffer);
  const text = (at, words) => bytes.set(new TextEncoder().encode(words), at);
  text(0, "RIFF");
  view.setUint32(4, bytes.length - 8, true);
  text(8, "WAVEfmt ");
  for (const [at, size, value] of [
    [16, 4, 16],
    [20, 2, 1], // plain samples
    [22, 2, 2],
    [24, 4, sampleRate],
    [28, 4, sampleRate * 4],
    [32, 2, 4],
    [34, 2, 16],
    [40, 4, left.length * 4],
  ])
    view[`setUint${size * 8}`](at, value, true);
  text(36, "data");
  for (let n = 0; n < left.length; n += 1) {
    view.setInt16(44 + 4 * n, Math.round(left[n] * FULL_SCALE), true);
    view.setInt16(46 + 4 * n, Math.round(right[n] * FULL_SCALE), true);
  }
  return bytes;
}

/** Files, [name, bytes] each, as the parts of a zip. */
export function toZip(files) {
  const parts = [];
  const listed = [];
  let at = 0;
  for (const [name, bytes] of files) {
    const named = new TextEncoder().encode(name);
    // Version 2.0, names in UTF-8, stored, 1 January 1980: the same files are the same zip.
    const facts = [20, 0x800, 0, 0, 0x21].map((x) => [2, x]);
    facts.push([4, crc32(bytes)], [4, bytes.length], [4, bytes.length], [2, named.length], [2, 0]);
    const head = packed([[4, 0x04034b50], ...facts]);
    listed.push(packed([[4, 0x02014b50], [2, 20], ...facts, [2, 0], [2, 0], [2, 0], [4, 0], [4, at]]), named);
    parts.push(head, named, bytes);
    at += head.length + named.length + bytes.length;
  }
  const size = listed.reduce((sum, part) => sum + part.length, 0);
  const n = files.length;
  return [
    ...parts,
    ...listed,
    packed([
      [4, 0x06054b50],
      [2, 0],
      [2, 0],
      [2, n],
      [2, n],
      [4, size],
      [4, at],
      [2, 0],
    ]),
  ];
}

/** Numbers, [bytes, value] each, the lowest byte first. */
function packed(numbers) {
  return Uint8Array.from(numbers.flatMap(([n, x]) => Array.from({ length: n }, (_, i) => (x >>> (8 * i)) & 255)));
}

function crc32(bytes) {
  const table = Uint32Array.from({ length: 256 }, (_, i) => {
    let x = i;
    for (let bit = 0; bit < 8; bit += 1) x = x & 1 ? (x >>> 1) ^ 0xedb88320 : x >>> 1;
    return x;
  });
  let crc = 0xffffffff;
  for (const byte of bytes) crc = table[(crc ^ byte) & 255] ^ (crc >>> 8);
  return (crc ^ 0xffffffff) >>> 0;
}
