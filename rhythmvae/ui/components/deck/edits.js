// What a hand can do to a groove. Every function takes hits and gives new ones; none changes its argument.
//
// A cell is a drum and a step; `end` is the groove's length, whose last cell has the hits that are pushed there.

import { MAX_VELOCITY, barOf, mod, stepOf } from "./time.js";

const MAX_OFFSET = 0.49; // of a step; the grid holds offsets below a half
export const FLAM = { ahead: 0.25, softer: 0.45 }; // a grace note: steps ahead of its stroke, share of its velocity
const MIN_APART = 0.02; // steps between the two hits of a cell
const RATCHETS = [2, 3, 4, 6, 8]; // strokes to a 16th
const EARLY = { most: 0.1, alone: 0.25 }; // steps before its line that a stroke begins a roll

const clamp = (x, low, high) => Math.min(Math.max(x, low), high);
export const toVelocity = (x) => clamp(Math.round(x), 1, MAX_VELOCITY);

/** The hits of a cell, the loudest first. */
export function inCell(hits, voice, step, end) {
  return hits.filter((h) => h[0] === voice && stepOf(h, end) === step).sort((a, b) => b[2] - a[2]);
}

// Where nothing goes, the very hits come back: no step of a history.
const without = (hits, gone) => (gone.length ? hits.filter((h) => !gone.includes(h)) : hits);

const replaced = (hits, hit, by) => hits.map((h) => (h === hit ? by : h));

export const put = (hits, voice, step, velocity) => [...hits, [voice, step, toVelocity(velocity)]];

export const clearCell = (hits, voice, step, end) => without(hits, inCell(hits, voice, step, end));

/** The cell's loudest hit at a velocity, its others softer in proportion; an empty cell gets a hit. */
export function setVelocity(hits, voice, step, velocity, end) {
  const cell = inCell(hits, voice, step, end);
  if (!cell.length) return put(hits, voice, step, velocity);
  const share = toVelocity(velocity) / cell[0][2];
  return cell.reduce((found, hit) => replaced(found, hit, [voice, hit[1], toVelocity(hit[2] * share)]), hits);
}

/** The cell's hits moved so that the main one lies `offset` of a step from the line; a roll keeps its shape. */
export function setOffset(hits, voice, step, offset, end) {
  const cell = inCell(hits, voice, step, end);
  if (!cell.length) return hits;
  const offsets = cell.map((hit) => hit[1] - step);
  const [first, last] = [Math.min(...offsets), Math.max(...offsets)];
  const [low, high] = [Math.min(-MAX_OFFSET, first), Math.max(MAX_OFFSET, last)];
  const asked = clamp(offset, low, high) - offsets[0];
  const by = cell.length > 2 ? clamp(asked, low - first, high - last) : asked;
  return cell.reduce(
    (found, hit, i) => replaced(found, hit, [voice, step + clamp(offsets[i] + by, low, high), hit[2]]),
    hits,
  );
}

/** The strokes of a drum from a step to the next. */
function fromStep(hits, voice, step) {
  const cell = inCell(hits, voice, step);
  const isAlone = cell.length === 1 && cell[0][1] > step - EARLY.alone;
  return hits.filter((h) => {
    const isThere = h[1] > step - EARLY.most && h[1] < step + 1 - EARLY.most;
    return h[0] === voice && (isThere || (isAlone && h === cell[0]));
  });
}

/** A roll from a step to the next, of more even strokes than there are: two to eight, then one again. */
export function ratchet(hits, voice, step, velocity) {
  const now = fromStep(hits, voice, step);
  const n = RATCHETS.find((more) => more > now.length) ?? 1;
  const level = Math.max(0, ...now.map((h) => h[2])) || toVelocity(velocity);
  const strokes = Array.from({ length: n }, (_, k) => [voice, step + k / n, level]);
  return [...without(hits, now), ...strokes];
}

/** Adds a grace note to a cell's hit, or takes all but the loudest away again; an empty cell gets both. */
export function toggleSecond(hits, voice, step, velocity, end) {
  const [main, ...others] = inCell(hits, voice, step, end);
  if (others.length) return without(hits, others);
  const stroke = main ?? [voice, step, toVelocity(velocity)];
  let position = Math.max(stroke[1] - FLAM.ahead, step - MAX_OFFSET);
  if (stroke[1] - position < MIN_APART) position = stroke[1] + FLAM.ahead;
  const grace = [voice, position, Math.min(toVelocity(stroke[2] * FLAM.softer), stroke[2])];
  return main ? [...hits, grace] : [...hits, stroke, grace];
}

export const clearVoice = (hits, voice) =>
  without(
    hits,
    hits.filter((h) => h[0] === voice),
  );

/** The bar that a step lies in, turned by some steps: what leaves it at one end comes in at the other. */
export function shiftBar(groove, hits, step, by) {
  const bar = barOf(groove, step);
  const [start, end] = [Math.round(groove.bars[bar]), Math.round(groove.bars[bar + 1])];
  return hits.map((hit) => {
    const at = stepOf(hit, groove.n_steps);
    if (at < start || at >= end) return hit;
    return [hit[0], start + mod(at - start + by, end - start) + (hit[1] - at), hit[2]];
  });
}

/** What was, and what was undone. */
export class History {
  #limit = 200;
  #past = [];
  #future = [];

  constructor(now) {
    this.now = now;
  }

  push(next) {
    this.#past.push(this.now);
    if (this.#past.length > this.#limit) this.#past.shift();
    this.#future = [];
    this.now = next;
  }

  undo() {
    if (!this.canUndo) return false;
    this.#future.push(this.now);
    this.now = this.#past.pop();
    return true;
  }

  redo() {
    if (!this.canRedo) return false;
    this.#past.push(this.now);
    this.now = this.#future.pop();
    return true;
  }

  get canUndo() {
    return this.#past.length > 0;
  }

  get canRedo() {
    return this.#future.length > 0;
  }
}
