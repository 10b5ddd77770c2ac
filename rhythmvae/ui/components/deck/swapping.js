// Some drums of a groove, or its feel, exchanged for those of another while a finger moves: what Python's
// `analysis/swapping.py` makes of it a moment later. A test compares both.

import { mod, nearestStep } from "./time.js";

const FEEL = "feel";
const MOST_LATE = 0.4999; // steps: a hit stays in its 16th
const MOST_LOUD = 127;

/** Hits of a lane with parts of another's: groups of drums, by their `voices`, and FEEL. */
export function swapped(lane, other, { parts, voices }) {
  const drums = new Set(parts.flatMap((part) => voices[part] ?? []));
  const theirs = laidOver(other, lane);
  const stay = lane.hits.filter(([voice]) => !drums.has(voice));
  const own = parts.includes(FEEL) ? withFeel(lane, stay, theirs) : stay;
  const hits = [...own, ...theirs.filter(([voice]) => drums.has(voice))];
  return hits.sort((a, b) => a[1] - b[1] || a[0] - b[0] || a[2] - b[2]);
}

/** The other's hits, its bars repeated or cut to the lane's. */
function laidOver(other, lane) {
  const lines = other.bars.map(Math.round);
  const n = lines.length - 1;
  const around = other.hits.map(([voice, position, velocity]) => {
    const isPushed = nearestStep(position) === other.n_steps;
    return { voice, velocity, isPushed, position: isPushed ? position - other.n_steps : position };
  });
  const found = [];
  for (let bar = 0; bar < lane.bars.length - 1; bar += 1) {
    const [start, stop] = [Math.round(lane.bars[bar]), Math.round(lane.bars[bar + 1])];
    const first = lines[bar % n];
    const last = Math.min(lines[(bar % n) + 1], first + stop - start);
    for (const { voice, position, velocity, isPushed } of around) {
      const step = nearestStep(position);
      if (step < first || step >= last) continue;
      const there = position - first + start;
      // What is pushed ahead of the loop's first step stands at its end.
      found.push([voice, there < 0 && isPushed ? there + lane.n_steps : there, velocity]);
    }
  }
  return found;
}

function cellsOf(hits, nSteps) {
  return hits.map(([voice, position, velocity]) => {
    const nearest = nearestStep(position);
    const isPushed = nearest === nSteps;
    return { step: mod(nearest, nSteps), voice, offset: position - nearest, velocity, isPushed };
  });
}

/** By cell, the loudest of hits. */
function loudestOf(cells) {
  const found = new Map();
  for (const cell of cells) {
    const key = `${cell.step} ${cell.voice}`;
    if (cell.velocity > (found.get(key)?.velocity ?? 0)) found.set(key, cell);
  }
  return found;
}

function withFeel(lane, hits, theirs) {
  const beats = lane.beats.map(Math.round);
  const placeOf = (step) => step - beats.findLast((beat) => beat <= step);
  const [own, others] = [cellsOf(hits, lane.n_steps), cellsOf(theirs, lane.n_steps)];
  const [loudest, played] = [loudestOf(own), loudestOf(others)];
  const [atStep, atPlace] = [new Map(), new Map()];
  const add = (map, key, offset) => map.set(key, [...(map.get(key) ?? []), offset]);
  for (const { step, offset } of others) {
    add(atStep, step, offset);
    add(atPlace, placeOf(step), offset);
  }
  return own.map(({ step, voice, offset, velocity, isPushed }) => {
    const key = `${step} ${voice}`;
    const { offset: reference, velocity: loud } = loudest.get(key);
    const like = played.get(key);
    const around = atStep.get(step) ?? atPlace.get(placeOf(step));
    const mean = around ? around.reduce((sum, each) => sum + each, 0) / around.length : reference;
    const late = like ? like.offset : mean;
    const there = step + Math.min(Math.max(late + offset - reference, -0.5), MOST_LATE);
    const strength = Math.floor((velocity * (like?.velocity ?? loud)) / loud + 0.5);
    return [voice, there < 0 && isPushed ? there + lane.n_steps : there, Math.min(Math.max(strength, 1), MOST_LOUD)];
  });
}
