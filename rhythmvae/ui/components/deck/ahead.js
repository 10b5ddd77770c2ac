// How far ahead of what is heard strokes are planned.
//
// Only the page can plan, and a page may be held up: by its own work, by the system, or out of sight, where a browser
// may wake it once a second. What is planned is heard all the same. It costs the thread that makes the sound two nodes
// for each stroke that waits, so of a dense groove less is planned.

export const AHEAD_SECONDS = 4;
export const LEAST_SECONDS = 1.2; // however dense the groove is
export const MOST_STROKES = 192; // planned beyond that: forty-eight a second
export const MOVES_SECONDS = 0.5; // of one hand are no further apart
const MOVING_SECONDS = 0.4; // while a hand changes all of it with each move, more would be made in vain
const GROWTH = 8; // seconds more of the plan a second after the last move

/** Seconds to plan ahead, so many after the last change by a hand that goes on moving. */
export function aheadAfter(seconds) {
  return Math.min(MOVING_SECONDS + GROWTH * Math.max(seconds, 0), AHEAD_SECONDS);
}
