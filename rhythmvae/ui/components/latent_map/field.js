// Where points lie and which of them are on show: what is under a hand is found by a grid, not among all points.

const CELLS = 64; // a side

export class Field {
  /** `places`: x and y of each point, 0 to 1, flat. */
  constructor(places) {
    this.at = Float32Array.from(places);
    this.n = this.at.length / 2;
    this.shown = new Uint8Array(this.n).fill(1);
    this.nShown = this.n;
    this.#sort();
  }

  /** Points cell by cell: those of cell c are `order[first[c]]` to `order[first[c + 1] - 1]`. */
  #sort() {
    const cell = new Uint16Array(this.n);
    this.first = new Uint32Array(CELLS * CELLS + 1);
    for (let i = 0; i < this.n; i += 1) {
      cell[i] = cellOf(this.at[2 * i + 1]) * CELLS + cellOf(this.at[2 * i]);
      this.first[cell[i] + 1] += 1;
    }
    for (let c = 0; c < CELLS * CELLS; c += 1) this.first[c + 1] += this.first[c];
    const next = this.first.slice();
    this.order = new Uint32Array(this.n);
    for (let i = 0; i < this.n; i += 1) {
      this.order[next[cell[i]]] = i;
      next[cell[i]] += 1;
    }
  }

  show(isShown) {
    this.nShown = 0;
    for (let i = 0; i < this.n; i += 1) {
      this.shown[i] = Number(isShown(i));
      this.nShown += this.shown[i];
    }
  }

  /** {index, distance} of the point on show nearest to a place and nearer than `reach`; null if there is none. */
  nearest(x, y, reach) {
    let [index, least] = [-1, reach * reach];
    this.#within(x - reach, y - reach, x + reach, y + reach, (i) => {
      const d = (this.at[2 * i] - x) ** 2 + (this.at[2 * i + 1] - y) ** 2;
      if (d < least && this.shown[i]) [index, least] = [i, d];
    });
    return index < 0 ? null : { index, distance: Math.sqrt(least) };
  }

  #within(left, low, right, high, visit) {
    for (let row = cellOf(low); row <= cellOf(high); row += 1) {
      const from = this.first[row * CELLS + cellOf(left)];
      const to = this.first[row * CELLS + cellOf(right) + 1];
      for (let k = from; k < to; k += 1) visit(this.order[k]);
    }
  }

  /** The points on show within an outline of places. */
  inside(outline) {
    const isInside = (x, y) => {
      let odd = false;
      for (let i = 0, j = outline.length - 1; i < outline.length; j = i, i += 1) {
        const [[xi, yi], [xj, yj]] = [outline[i], outline[j]];
        if (yi > y !== yj > y && x < ((xj - xi) * (y - yi)) / (yj - yi) + xi) odd = !odd;
      }
      return odd;
    };
    return this.visible().filter((i) => isInside(this.at[2 * i], this.at[2 * i + 1]));
  }

  visible() {
    return Array.from({ length: this.n }, (_, i) => i).filter((i) => this.shown[i]);
  }

  /** The point on show that is next in a direction, from a place on; -1 if there is none. */
  next([x, y], dx, dy) {
    let [best, cost] = [-1, Infinity];
    for (let i = 0; i < this.n; i += 1) {
      if (!this.shown[i]) continue;
      const [ox, oy] = [this.at[2 * i] - x, this.at[2 * i + 1] - y];
      const along = ox * dx + oy * dy;
      const across = Math.abs(ox * dy - oy * dx);
      if (along > 1e-6 && along + 2 * across < cost) [best, cost] = [i, along + 2 * across];
    }
    return best;
  }
}

function cellOf(x) {
  return Math.min(Math.max(Math.floor(x * CELLS), 0), CELLS - 1);
}

// -- the names of clouds --------------------------------------------------------------

const CLOUD = { cells: 40, places: 10, gap: 3 }; // of a coarser grid; places that a name may have; px between names

/**
 * Where the name of each category stands: where most of it lies and least of all else; [{text, x, y}], places that
 * `camera` shows in px apart from each other. What finds no place has no name.
 */
export function cloudNames(field, category, camera, widthOf, highPx, most) {
  const total = counts(field, () => true);
  const [placed, found] = [[], []];
  for (const [k, text] of category.names.entries()) {
    if (found.length >= most) break;
    const own = counts(field, (i) => category.of[i] === k);
    const score = own.map((n, c) => (n * n) / (total[c] + 1));
    const cells = [...score.keys()].filter((c) => score[c] > 0).sort((a, b) => score[b] - score[a]);
    for (const c of cells.slice(0, CLOUD.places)) {
      const [x, y] = [((c % CLOUD.cells) + 0.5) / CLOUD.cells, (Math.floor(c / CLOUD.cells) + 0.5) / CLOUD.cells];
      const [px, py] = camera.screen(x, y);
      const half = widthOf(text) / 2 + CLOUD.gap;
      const box = [px - half, py - highPx / 2, px + half, py + highPx / 2];
      if (box[0] < 0 || box[2] > camera.w || placed.some((other) => overlap(box, other))) continue;
      placed.push(box);
      found.push({ text, x, y });
      break;
    }
  }
  return found;
}

/** Points on show in each cell and those around it, near ones more. */
function counts(field, isCounted) {
  const { cells } = CLOUD;
  let found = new Float32Array(cells * cells);
  const at = (v) => Math.min(Math.max(Math.floor(v * cells), 0), cells - 1);
  for (let i = 0; i < field.n; i += 1)
    if (field.shown[i] && isCounted(i)) found[at(field.at[2 * i + 1]) * cells + at(field.at[2 * i])] += 1;
  for (const step of [1, cells]) {
    const before = found;
    found = before.map((n, c) => 2 * n + (before[c - step] ?? 0) + (before[c + step] ?? 0));
  }
  return found;
}

function overlap(a, b) {
  return a[0] < b[2] && b[0] < a[2] && a[1] < b[3] && b[1] < a[3];
}
