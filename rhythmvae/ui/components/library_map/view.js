// Which part of a library's map is seen: from places of its points, whole numbers below EXTENT, to pixels and back.

import { EXTENT } from "./cloud.js";

const FIT_SHARE = 0.92;
const ZOOM = { farther: 0.8, most: 700 }; // of the view of all
const BESIDE = 0.1; // of the map: so far its edge may be from the middle, so that nobody loses it

export class View {
  w = 0; // px
  h = 0;
  scale = 0; // px of the whole map
  fitted = 0; // the scale at which all points are seen; 0 before there are any
  center = [0.5, 0.5]; // of the map, 0 to 1

  /** All points are seen: `box` is around them. */
  fit([left, top, right, bottom]) {
    const { w, h } = this;
    const span = Math.max((right - left) / w, (bottom - top) / h, (0.02 * EXTENT) / w);
    this.scale = this.fitted = (FIT_SHARE * EXTENT) / span;
    this.center = [(left + right) / 2 / EXTENT, (top + bottom) / 2 / EXTENT];
  }

  /** How much closer than the view of all. */
  get zoom() {
    return this.scale / this.fitted;
  }

  /** The place, 0 to 1, of the canvas's corner. */
  get corner() {
    return [this.center[0] - this.w / 2 / this.scale, this.center[1] - this.h / 2 / this.scale];
  }

  screen(x, y) {
    return [
      this.w / 2 + (x / EXTENT - this.center[0]) * this.scale,
      this.h / 2 + (y / EXTENT - this.center[1]) * this.scale,
    ];
  }

  world(px, py) {
    return [
      (this.center[0] + (px - this.w / 2) / this.scale) * EXTENT - 0.5,
      (this.center[1] + (py - this.h / 2) / this.scale) * EXTENT - 0.5,
    ];
  }

  /** Pixels as a distance on the map. */
  away(px) {
    return (px * EXTENT) / this.scale;
  }

  /** The box of the map that is seen: [left, top, right, bottom]. */
  get box() {
    return [...this.world(0, 0), ...this.world(this.w, this.h)];
  }

  sees(px, py, edge = 0) {
    return px >= edge && py >= edge && px <= this.w - edge && py <= this.h - edge;
  }

  /** Closer or farther; what lies at a place of the screen stays there. */
  zoomBy(factor, px, py) {
    const [x, y] = this.world(px, py);
    this.scale = Math.min(Math.max(this.scale * factor, ZOOM.farther * this.fitted), ZOOM.most * this.fitted);
    this.pan(this.screen(x, y), [px, py]);
  }

  /** What lay at one place of the screen comes to lie at another. */
  pan(from, to) {
    const hold = (v) => Math.min(Math.max(v, -BESIDE), 1 + BESIDE);
    this.center = [0, 1].map((k) => hold(this.center[k] + (from[k] - to[k]) / this.scale));
  }
}
