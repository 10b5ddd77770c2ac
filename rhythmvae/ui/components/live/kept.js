// How somebody plays: this browser keeps it.

const KEPT_AS = "rhythmvae live";
export const LATENCY_MS = { least: -100, most: 500 };
/** Steps of each grid that strokes are drawn to; a triplet is a third of a quarter. */
export const GRIDS = { off: null, "16th": 1, "8th": 2, triplet: 4 / 3 };
const FIRST = { replaces: false, countsIn: true, grid: "off", strength: 100, latencyMs: 0, sendsClock: true };

const within = (x, low, high, otherwise) => (Number.isFinite(x) ? Math.min(Math.max(x, low), high) : otherwise);

/** What was kept, as far as it makes sense. */
export function readSettings() {
  let kept = {};
  try {
    kept = JSON.parse(localStorage.getItem(KEPT_AS)) ?? {};
  } catch {
    // a browser that keeps nothing
  }
  const is = (name) => (typeof kept[name] === "boolean" ? kept[name] : FIRST[name]);
  return {
    replaces: is("replaces"),
    countsIn: is("countsIn"),
    sendsClock: is("sendsClock"),
    grid: Object.hasOwn(GRIDS, kept.grid) ? kept.grid : FIRST.grid,
    strength: within(kept.strength, 0, 100, FIRST.strength),
    latencyMs: within(kept.latencyMs, LATENCY_MS.least, LATENCY_MS.most, FIRST.latencyMs),
  };
}

export function keepSettings(settings) {
  try {
    localStorage.setItem(KEPT_AS, JSON.stringify(settings));
  } catch {
    // a browser that keeps nothing
  }
}
