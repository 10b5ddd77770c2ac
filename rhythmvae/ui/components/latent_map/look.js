// What points look like: colours and shapes, each drawn once.

import { OTHER, PALETTE, ramp, SHAPES } from "../assets/points.js";

const RAMP_STEPS = 60; // each colour is a sprite of its own
const POINT = { px: 3.2, least: 1.7, of: 600 }; // radius on a map of so many pixels; it shrinks with the map
const ALPHA = { shown: 0.82, out: 0.07 }; // of what the legend leaves out a trace stays, for the eye to know the place

export const MOST_COLOURED = PALETTE.length * SHAPES.length;

export function colorOf(category) {
  return category < 0 || category >= MOST_COLOURED ? OTHER : PALETTE[category % PALETTE.length];
}

export function shapeOf(category) {
  return SHAPES[Math.floor(Math.max(category, 0) / PALETTE.length)] ?? SHAPES[0];
}

/** Color, shape and group of each point: by a category of theirs, or by where a number of theirs ranks. */
export function lookOf(points, colorBy) {
  const category = points.categories[colorBy];
  if (category)
    return { color: category.of.map(colorOf), shape: category.of.map(shapeOf), group: category.of, category };
  const values = points.numbers[colorBy];
  const known = values.filter((v) => v !== null).sort((a, b) => a - b);
  const rank = new Map(known.map((v, i) => [v, i / Math.max(known.length - 1, 1)]));
  return {
    color: values.map((v) => (v === null ? OTHER : ramp(Math.round(rank.get(v) * RAMP_STEPS) / RAMP_STEPS))),
    shape: values.map(() => SHAPES[0]),
    group: values.map(() => 0),
    known,
  };
}

/** Of a point in px, on a map that is so wide and zoomed. */
export function radiusOf({ w, h, zoom }) {
  const least = Math.max((POINT.px * Math.min(w, h, POINT.of)) / POINT.of, POINT.least);
  return least * Math.min(Math.max(Math.sqrt(zoom), 0.8), 2.4);
}

/** Points, drawn once for each colour and shape; all shapes cover as much. */
export class Sprites {
  #made = new Map();
  #look = "";

  /** {image, size in px} of a point; `isShown`: or the trace of one. */
  of(color, shape, isShown, radius, ratio) {
    const look = `${radius} ${ratio}`;
    if (look !== this.#look) [this.#look, this.#made] = [look, new Map()];
    const kind = isShown ? `${color} ${shape}` : "out";
    if (!this.#made.has(kind))
      this.#made.set(
        kind,
        isShown ? sprite(color, shape, radius, ratio) : sprite(OTHER, SHAPES[0], radius, ratio, ALPHA.out),
      );
    return this.#made.get(kind);
  }
}

function sprite(color, shape, radius, ratio, alpha = ALPHA.shown) {
  const size = 2 * Math.ceil(1.26 * radius + 1);
  const image = document.createElement("canvas");
  image.width = image.height = Math.round(size * ratio);
  const g = image.getContext("2d");
  g.scale(ratio, ratio);
  Object.assign(g, { globalAlpha: alpha, fillStyle: color });
  g.translate(size / 2, size / 2);
  if (shape === "circle") {
    g.beginPath();
    g.arc(0, 0, radius, 0, 2 * Math.PI);
    g.fill();
  } else {
    const half = 0.886 * radius;
    if (shape === "diamond") g.rotate(Math.PI / 4);
    g.fillRect(-half, -half, 2 * half, 2 * half);
  }
  return { image, size };
}
