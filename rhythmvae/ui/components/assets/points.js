// What the maps of grooves share: how points look, and what a hand draws around them.

// Six colours that eyes of all kinds tell apart (after Okabe and Ito), each in three shapes: 18 categories.
export const PALETTE = ["#d55e00", "#0072b2", "#009e73", "#c2679b", "#8a7000", "#2b9fd8"];
export const SHAPES = ["circle", "square", "diamond"];
export const OTHER = "#8a8a8a";
// From low to high.
const RAMP = [
  [68, 84, 190],
  [43, 155, 190],
  [95, 190, 110],
  [232, 190, 60],
  [222, 90, 60],
];

/** The colour of a share, 0 to 1. */
export function ramp(share) {
  const at = share * (RAMP.length - 1);
  const [low, high] = [RAMP[Math.floor(at)], RAMP[Math.min(Math.floor(at) + 1, RAMP.length - 1)]];
  return `rgb(${low.map((v, c) => Math.round(v + (high[c] - v) * (at - Math.floor(at)))).join(",")})`;
}

const REACH_PX = { mouse: 14, finger: 26 };
export const DRAG_PX = 5; // less is a tap

/** How far from a point the hand of an event may be and still mean it. */
export function reachOf(event) {
  return event.pointerType === "touch" ? REACH_PX.finger : REACH_PX.mouse;
}

/** The corners of what was encircled: of a lasso its path, of a box those between both ends of it. */
export function outlineOf(mode, path) {
  if (mode === "lasso") return path;
  const [[x0, y0], [x1, y1]] = [path[0], path.at(-1)];
  return [
    [x0, y0],
    [x1, y0],
    [x1, y1],
    [x0, y1],
  ];
}
