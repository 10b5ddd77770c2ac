// Points painted into bitmaps, a little in each frame: a hand that moves the map moves bitmaps, and never waits.
//
// At level L the map is SIDE * 2^L pixels wide, in tiles of SIDE. A tile is painted by a generator that stops often;
// until it is done, what is there of another level stands in for it. Where points lie over each other their colours mix
// and the spot grows denser: far away that makes clouds, close by dots.

import { SHAPES } from "../assets/points.js";
import { EXTENT, FAINT, HIDDEN } from "./cloud.js";

export const SIDE = 256;
const MOST_LEVELS = 10;
const MOST_TILES = 160; // that are kept: 40 MB
const PIXELS_AT_A_TIME = 8_000; // that points cover
const ROWS_AT_A_TIME = 16;
const FAINT_SHARE = 0.16; // of a point's weight that one has which passes no filter
const RADIUS = { share: 0.32, least: 0.9, most: 4.6 }; // of the mean distance of points; px
const DENSE = { thin: 0.45, full: 2.2, at: 5 }; // how opaque one point is: thin in clouds, full where points are apart

export class Tiles {
  constructor() {
    this.tiles = new Map(); // "level x y" -> tile
    this.acc = new Float32Array(4 * SIDE * SIDE); // red, green and blue by weight, and the weight
    this.version = 0;
    this.job = null;
  }

  setCloud(cloud, ratio) {
    Object.assign(this, { cloud, ratio });
    this.tiles.clear();
    this.#stop();
  }

  /** The look has changed: `of` has a code for each point, `paint` a colour [r, g, b] and a shape for each code. */
  setPaint(of, paint) {
    Object.assign(this, { of, paint });
    this.version += 1;
    this.#stop();
  }

  level(scale) {
    return Math.min(Math.max(Math.round(Math.log2(scale / SIDE)), 0), MOST_LEVELS);
  }

  /** Radius of a point in px of a level. */
  radius(level) {
    const apart = (SIDE * 2 ** level) / Math.sqrt(this.cloud.n);
    return Math.min(Math.max(RADIUS.share * apart, RADIUS.least * this.ratio), RADIUS.most * this.ratio);
  }

  /**
   * Draw what there is of a part of the map. `left` and `top` are the place of the canvas's corner and `scale` its
   * pixels for the whole map.
   */
  draw(g, left, top, scale, width, height) {
    const level = this.level(scale);
    const size = scale / 2 ** level; // of a tile on the canvas
    const span = this.#span(left, top, scale, width, height, level);
    for (let ty = span.top; ty <= span.bottom; ty += 1)
      for (let tx = span.left; tx <= span.right; tx += 1) {
        const [x, y] = [Math.round(tx * size - left * scale), Math.round(ty * size - top * scale)];
        const [w, h] = [Math.round((tx + 1) * size - left * scale) - x, Math.round((ty + 1) * size - top * scale) - y];
        this.#drawOne(g, level, tx, ty, x, y, w, h);
      }
  }

  #drawOne(g, level, tx, ty, x, y, w, h) {
    for (let up = 0; up <= level; up += 1) {
      const tile = this.tiles.get(`${level - up} ${tx >> up} ${ty >> up}`);
      if (!tile?.image) continue;
      tile.used = performance.now();
      const part = SIDE / 2 ** up;
      const [px, py] = [(tx % 2 ** up) * part, (ty % 2 ** up) * part];
      g.drawImage(tile.image, px, py, part, part, x, y, w, h);
      return;
    }
  }

  #span(left, top, scale, width, height, level, around = 0) {
    const last = 2 ** level - 1;
    const tile = (v) => Math.floor((v / scale) * 2 ** level);
    const within = (v) => Math.min(Math.max(v, 0), last);
    return {
      left: within(tile(left * scale) - around),
      top: within(tile(top * scale) - around),
      right: within(tile(left * scale + width) + around),
      bottom: within(tile(top * scale + height) + around),
    };
  }

  /** Paint until the clock says `until`. Whether there is more to do. */
  work(left, top, scale, width, height, until) {
    if (!this.cloud || !this.paint) return false;
    while (performance.now() < until) {
      if (!this.job || !this.#isWanted(this.job, left, top, scale, width, height)) {
        this.#stop();
        const next = this.#next(left, top, scale, width, height);
        if (!next) return false;
        this.job = { ...next, version: this.version, steps: this.#painted(next) };
      }
      if (this.job.steps.next().done) this.job = null;
    }
    return true;
  }

  /** Whether nothing is left to paint of what is on show. */
  isDone(left, top, scale, width, height) {
    return !this.job && !this.#next(left, top, scale, width, height);
  }

  #isWanted({ level, tx, ty, version }, left, top, scale, width, height) {
    if (version !== this.version) return false;
    if (level === 0) return true;
    const span = this.#span(left, top, scale, width, height, level, 1);
    return level === this.level(scale) && tx >= span.left && tx <= span.right && ty >= span.top && ty <= span.bottom;
  }

  /** What to paint next: the whole map as one tile, then what is on show from its middle on, then what is around. */
  #next(left, top, scale, width, height) {
    const isOld = (level, tx, ty) => this.tiles.get(`${level} ${tx} ${ty}`)?.version !== this.version;
    if (isOld(0, 0, 0)) return { level: 0, tx: 0, ty: 0 };
    const level = this.level(scale);
    const middle = [left + width / 2 / scale, top + height / 2 / scale].map((v) => v * 2 ** level - 0.5);
    for (const around of [0, 1]) {
      const span = this.#span(left, top, scale, width, height, level, around);
      let [best, distance] = [null, Infinity];
      for (let ty = span.top; ty <= span.bottom; ty += 1)
        for (let tx = span.left; tx <= span.right; tx += 1) {
          const away = (tx - middle[0]) ** 2 + (ty - middle[1]) ** 2;
          if (away < distance && isOld(level, tx, ty)) [best, distance] = [{ level, tx, ty }, away];
        }
      if (best) return best;
    }
    return null;
  }

  #stop() {
    if (this.job) this.acc.fill(0);
    this.job = null;
  }

  *#painted({ level, tx, ty }) {
    const { cloud, of, paint } = this;
    const perPlace = (SIDE * 2 ** level) / EXTENT;
    const radius = this.radius(level);
    const reach = (radius + 2) / perPlace;
    const side = EXTENT / 2 ** level;
    const runs = [];
    cloud.forRuns(tx * side - reach, ty * side - reach, (tx + 1) * side + reach, (ty + 1) * side + reach, (a, b) => {
      runs.push([a, b]);
    });
    const masks = SHAPES.map((shape) => maskOf(shape, radius));
    const nAtATime = Math.ceil(PIXELS_AT_A_TIME / masks[0].n);
    let n = 0;
    for (const [from, to] of runs)
      for (let begin = from; begin < to; begin += nAtATime) {
        const end = Math.min(begin + nAtATime, to);
        for (let i = begin; i < end; i += 1) {
          const look = cloud.look[i];
          if (look === HIDDEN) continue;
          const { color, shape } = paint[of[i]];
          const x = Math.floor((cloud.x[i] + 0.5) * perPlace) - tx * SIDE;
          const y = Math.floor((cloud.y[i] + 0.5) * perPlace) - ty * SIDE;
          this.#add(masks[shape], x, y, color, look === FAINT ? FAINT_SHARE : 1);
        }
        n += end - begin;
        if (n < nAtATime) continue; // runs are often short
        n = 0;
        yield;
      }
    const apart = (SIDE * 2 ** level) / Math.sqrt(cloud.n) / this.ratio;
    const opacity = DENSE.thin + (DENSE.full - DENSE.thin) * Math.min(apart / DENSE.at, 1);
    const canvas = document.createElement("canvas");
    canvas.width = canvas.height = SIDE;
    const g = canvas.getContext("2d");
    for (let row = 0; row < SIDE; row += ROWS_AT_A_TIME) {
      this.#develop(g, row, opacity);
      yield;
    }
    this.#keep(`${level} ${tx} ${ty}`, { image: canvas, version: this.version, used: performance.now() });
  }

  #add({ n, dx, dy, weight }, x, y, [r, g, b], share) {
    const { acc } = this;
    for (let k = 0; k < n; k += 1) {
      const [px, py] = [x + dx[k], y + dy[k]];
      if (px < 0 || py < 0 || px >= SIDE || py >= SIDE) continue;
      const at = 4 * (py * SIDE + px);
      const w = weight[k] * share;
      acc[at] += w * r;
      acc[at + 1] += w * g;
      acc[at + 2] += w * b;
      acc[at + 3] += w;
    }
  }

  /** Some rows of what was added become a picture, and are empty again. */
  #develop(g, row, opacity) {
    const { acc } = this;
    const image = g.createImageData(SIDE, ROWS_AT_A_TIME);
    const { data } = image;
    const first = 4 * row * SIDE;
    for (let k = 0; k < data.length; k += 4) {
      const at = first + k;
      const weight = acc[at + 3];
      if (weight === 0) continue;
      data[k] = acc[at] / weight;
      data[k + 1] = acc[at + 1] / weight;
      data[k + 2] = acc[at + 2] / weight;
      data[k + 3] = 255 * (1 - Math.exp(-opacity * weight));
    }
    acc.fill(0, first, first + data.length);
    g.putImageData(image, 0, row);
  }

  #keep(name, tile) {
    this.tiles.set(name, tile);
    if (this.tiles.size <= MOST_TILES) return;
    const oldest = [...this.tiles].filter(([own]) => own !== "0 0 0").sort(([, a], [, b]) => a.used - b.used);
    for (const [own] of oldest.slice(0, MOST_TILES / 8)) this.tiles.delete(own);
  }
}

/** Pixels that a point covers, and how much of each. All shapes cover as much. */
function maskOf(shape, radius) {
  const found = { n: 0, dx: [], dy: [], weight: [] };
  const reach = Math.ceil(1.26 * radius + 0.5);
  const away = {
    circle: (x, y) => Math.hypot(x, y) - radius,
    square: (x, y) => Math.max(Math.abs(x), Math.abs(y)) - 0.886 * radius,
    diamond: (x, y) => (Math.abs(x) + Math.abs(y) - 1.253 * radius) / Math.SQRT2,
  }[radius < 2 ? "circle" : shape];
  for (let y = -reach; y <= reach; y += 1)
    for (let x = -reach; x <= reach; x += 1) {
      const weight = Math.min(Math.max(0.5 - away(x, y), 0), 1);
      if (!weight) continue;
      found.n += 1;
      found.dx.push(x);
      found.dy.push(y);
      found.weight.push(weight);
    }
  return found;
}
