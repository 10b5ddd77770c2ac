// Musical time in the browser, as groove.py has it: steps are 16ths, offsets lie in [-0.5, 0.5) of one.
//
// A groove here is {n_steps, hits, tempos, bars, beats}: hits are [voice, position, velocity] in any
// order, tempos [step, bpm] from step 0 on, bars and beats the steps at which they begin (bars with
// the end of the last one at the end).

export const MAX_VELOCITY = 127;

export const nearestStep = (position) => Math.floor(position + 0.5);

export const mod = (x, n) => ((x % n) + n) % n;

/** The slowest and the fastest tempo at which a groove can be played: those that people play, and its own. */
export const bpmRange = (ownBpm, [slowest, fastest]) => [Math.min(slowest, ownBpm), Math.max(fastest, ownBpm)];

/** The tempo within that range nearest to one that was asked for. */
export function playableBpm(bpm, ownBpm, played) {
  const [low, high] = bpmRange(ownBpm, played);
  return Math.min(Math.max(bpm, low), high);
}

/** Steps to seconds and back through a tempo map. Before step 0 the first tempo goes on. */
export class Clock {
  constructor(groove) {
    let seconds = 0;
    this.parts = groove.tempos.map(([step, bpm], i) => {
      const [before, itsBpm] = groove.tempos[Math.max(i - 1, 0)];
      seconds += ((step - before) * 15) / itsBpm;
      return { step, seconds, perStep: 15 / bpm };
    });
    this.nSteps = groove.n_steps;
    this.duration = this.secondsAt(groove.n_steps);
  }

  secondsAt(step) {
    const part = this.#last((p) => p.step <= step);
    return part.seconds + (step - part.step) * part.perStep;
  }

  stepAt(seconds) {
    const part = this.#last((p) => p.seconds <= seconds);
    return part.step + (seconds - part.seconds) / part.perStep;
  }

  /** Whether every step lies where it lies for another clock. */
  isLike(other) {
    return JSON.stringify([this.nSteps, this.parts]) === JSON.stringify([other.nSteps, other.parts]);
  }

  #last(test) {
    let found = this.parts[0];
    for (const part of this.parts) if (test(part)) found = part;
    return found;
  }
}

const BELIEVED_SECONDS = 0.25; // what the system says of its clocks may be off so far from what the page knows

/**
 * The audio time that was heard at `timeStamp`, in ms of the page's clock. `heard` is the audio time that is heard
 * now, at `now`, as far as the page knows: it goes in leaps of some ms. `system` says it better, where it does:
 * {contextTime, performanceTime} that fell together.
 */
export function timeHeardAt(timeStamp, now, heard, system) {
  const plain = heard - (now - timeStamp) / 1000;
  if (!system?.performanceTime) return plain;
  const told = system.contextTime + (timeStamp - system.performanceTime) / 1000;
  return Math.abs(told - plain) < BELIEVED_SECONDS ? told : plain;
}

/** Index of the bar that a step lies in. */
export function barOf(groove, step) {
  const { bars } = groove;
  let bar = 0;
  while (bar < bars.length - 2 && Math.round(bars[bar + 1]) <= step) bar += 1;
  return bar;
}

/** "bar 2, beat 3.5": where a step lies; beats are counted as felt. */
export function placeName(groove, step, firstBar) {
  const bar = barOf(groove, step);
  const end = groove.bars[bar + 1];
  const beats = groove.beats.filter((b) => b >= groove.bars[bar] - 1e-6 && b < end - 1e-6);
  let i = 0;
  while (i < beats.length - 1 && beats[i + 1] <= step + 1e-6) i += 1;
  const length = (i + 1 < beats.length ? beats[i + 1] : end) - beats[i];
  const beat = i + 1 + (step - beats[i]) / length;
  return `bar ${firstBar + bar}, beat ${+beat.toFixed(2)}`;
}

/** The step that a hit is seen and edited at: its nearest one; one that is pushed at the end belongs to the last. */
export const stepOf = (hit, end = Infinity) => Math.min(nearestStep(hit[1]), end - 1);

const ALIKE = 0.75; // of the louder hit's velocity: from here on two hits of a cell are strokes of a roll, no flam
const NEAR = 0.5 + 1e-6; // steps

/** What each hit is in its cell of n: "main", its "second" (a softer one beside it), or a "stroke" of a roll.
 * A roll begins and ends in the cells beside its own. */
export function rolesInCells(hits, end) {
  const cells = new Map();
  for (const [i, hit] of hits.entries()) {
    const cell = `${hit[0]} ${stepOf(hit, end)}`;
    cells.set(cell, [...(cells.get(cell) ?? []), i]);
  }
  const roles = hits.map(() => ({ role: "main", n: 1 }));
  for (const own of cells.values()) {
    own.sort((a, b) => hits[b][2] - hits[a][2] || hits[a][1] - hits[b][1]);
    const isRoll = own.length > 2 || (own.length > 1 && hits[own[1]][2] >= ALIKE * hits[own[0]][2]);
    if (isRoll) for (const i of own) roles[i] = { role: "stroke", n: own.length };
    else if (own.length > 1) for (const [k, i] of own.entries()) roles[i] = { role: k ? "second" : "main", n: 2 };
  }
  return withEnds(hits, roles);
}

/** A hit alone in its cell that is as near to a stroke as 32nds are is one as well. */
function withEnds(hits, roles) {
  const order = hits.map((_, i) => i).sort((a, b) => hits[a][0] - hits[b][0] || hits[a][1] - hits[b][1]);
  const found = [...roles];
  for (const [k, i] of order.entries()) {
    const isNear = (j) => hits[j][0] === hits[i][0] && Math.abs(hits[j][1] - hits[i][1]) <= NEAR;
    const beside = [order[k - 1], order[k + 1]].filter((j) => j !== undefined && isNear(j));
    const stroke = beside.map((j) => roles[j]).find(({ role }) => role === "stroke");
    if (roles[i].n === 1 && stroke) found[i] = stroke;
  }
  return found;
}
