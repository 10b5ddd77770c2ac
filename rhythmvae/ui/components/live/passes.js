// Where what is played into a loop is laid. Functions take hits and give new ones; none changes its argument.
//
// A stroke is {voice, at, velocity}; `at` is in steps from the beginning of the first round of the loop on, so a round
// of n steps begins at every multiple of n.

import { Clock, barOf, mod } from "../deck/time.js";

const SAME_STEPS = 0.02; // two hits of a drum that are as near are one
const END_STEPS = 1e-4; // nearer to the loop's end than this is its beginning
const rounded = (position) => Math.round(position * 1e4) / 1e4; // 0.01 ms

/** Steps that a stroke is moved by: towards the nearest line of a grid, which begins anew with each bar. */
function drawnBy(groove, position, grid, strength) {
  if (!grid) return 0;
  const bar = barOf(groove, position);
  const [start, end] = [groove.bars[bar], groove.bars[bar + 1]];
  const line = Math.min(start + Math.round((position - start) / grid) * grid, end);
  return ((line - position) * strength) / 100;
}

/** A stroke as a hit of the loop, and the round in which it would be heard there: it was, when it was played. */
export function laid(groove, { voice, at, velocity }, { grid, strength }) {
  const n = groove.n_steps;
  const drawn = at + drawnBy(groove, mod(at, n), grid, strength);
  const isEnd = n - mod(drawn, n) < END_STEPS;
  const position = isEnd ? 0 : rounded(mod(drawn, n));
  return { hit: [voice, position, velocity], round: Math.floor((drawn + END_STEPS) / n) };
}

/** Hits with a pass laid on them. `replaces`: a drum that is played in it loses what it had. */
export function withPass(groove, hits, strokes, how) {
  const played = new Set(strokes.map(({ voice }) => voice));
  const stays = how.replaces ? hits.filter(([voice]) => !played.has(voice)) : hits;
  return strokes.reduce((found, stroke) => withHit(found, laid(groove, stroke, how).hit), stays);
}

/** Of two hits of a drum in one place the louder stays. */
function withHit(hits, hit) {
  const isSame = ([voice, position]) => voice === hit[0] && Math.abs(position - hit[1]) < SAME_STEPS;
  if (hits.some((each) => isSame(each) && each[2] >= hit[2])) return hits;
  return [...hits.filter((each) => !isSame(each)), hit];
}

/** For each stroke that is heard by the hand that plays it: the round from which on the loop plays it. */
export function freshOf(groove, strokes, how) {
  return new Map(
    strokes.map((stroke) => {
      const { hit, round } = laid(groove, stroke, how);
      return [String(hit), round + 1];
    }),
  );
}

/** The bar at a step as clicks before it, as `Transport.play` takes them. */
export function leadOf(groove, bar) {
  const clock = new Clock(groove);
  const [start, end] = [groove.bars[bar], groove.bars[bar + 1]];
  return beatsOf(groove, bar).map((beat) => ({
    before: clock.secondsAt(end) - clock.secondsAt(beat),
    accent: beat === start,
  }));
}

export function beatsOf(groove, bar) {
  const [start, end] = [groove.bars[bar], groove.bars[bar + 1]];
  const beats = groove.beats.filter((beat) => beat > start + 1e-6 && beat < end - 1e-6);
  return [start, ...beats];
}

/** The `n`-th bar line behind a place, both in steps from the first round on: {at, bar}, the bar that ends there. */
export function barLineAfter(groove, at, n) {
  const nBars = groove.bars.length - 1;
  const round = Math.floor(at / groove.n_steps);
  const bar = barOf(groove, mod(at, groove.n_steps)) + n - 1;
  const its = Math.floor(bar / nBars);
  return { at: (round + its) * groove.n_steps + groove.bars[mod(bar, nBars) + 1], bar: mod(bar, nBars) };
}
