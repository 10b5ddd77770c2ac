// What a hand can do to a groove. Every function takes hits and gives new ones; none changes its argument.

import { MAX_VELOCITY, barOf, mod, nearestStep } from "./time.js";

const MAX_OFFSET = 0.49; // of a step; the grid holds offsets below a half
export const FLAM = { ahead: 0.25, softer: 0.45 }; // a grace note: steps ahead of its stroke, share of its velocity
const MIN_APART = 0.02; // steps between the two hits of a cell

const clamp = (x, low, high) => Math.min(Math.max(x, low), high);
export const toVelocity = (x) => clamp(Math.round(x), 1, MAX_VELOCITY);

/** The hits of a cell, the loudest first. */
export function inCell(hits, voice, step) {
  return hits.filter((h) => h[0] === voice && nearestStep(h[1]) === step).sort((a, b) => b[2] - a[2]);
}

// Where nothing goes, the very hits come back: no step of a history.
const without = (hits, gone) => (gone.length ? hits.filter((h) => !gone.includes(h)) : hits);

const replaced = (hits, hit, by) => hits.map((h) => (h === hit ? by : h));

export const put = (hits, voice, step, velocity) => [...hits, [voice, step, toVelocity(velocity)]];

export const clearCell = (hits, voice, step) => without(hits, inCell(hits, voice, step));

/** The cell's main hit at a velocity, its second one softer in proportion; an empty cell gets a hit. */
export function setVelocity(hits, voice, step, velocity) {
  const [main, second] = inCell(hits, voice, step);
  if (!main) return put(hits, voice, step, velocity);
  const to = toVelocity(velocity);
  let found = replaced(hits, main, [voice, main[1], to]);
  if (second) found = replaced(found, second, [voice, second[1], toVelocity((second[2] * to) / main[2])]);
  return found;
}

/** The cell's hits moved so that the main one lies `offset` of a step from the line. */
export function setOffset(hits, voice, step, offset) {
  const cell = inCell(hits, voice, step);
  if (!cell.length) return hits;
  const by = clamp(offset, -MAX_OFFSET, MAX_OFFSET) - (cell[0][1] - step);
  return cell.reduce(
    (found, hit) => replaced(found, hit, [voice, step + clamp(hit[1] - step + by, -MAX_OFFSET, MAX_OFFSET), hit[2]]),
    hits,
  );
}

/** Adds a grace note to a cell's hit, or takes it away again; an empty cell gets both. */
export function toggleSecond(hits, voice, step, velocity) {
  const [main, ...others] = inCell(hits, voice, step);
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
    const at = nearestStep(hit[1]);
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
