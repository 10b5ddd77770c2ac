// The points of a library's map as they come: places, columns, and which of them are on show.
//
// They are packed (ui/components/library_map) and stand in the order of the cells of a grid, row by row: all points of
// a part of the map are some runs. x and y are whole numbers below EXTENT, from the left and from the top.

export const EXTENT = 65536;
export const HIDDEN = 0; // by the legend
export const FAINT = 1; // it passes no filter
export const SHOWN = 2;
const MAGIC = 0x314d5652; // "RVM1", the lowest byte first
const HEAD_AT = 8;

/** Of a file with a head: what that says, and where what it is the head of begins. */
export function opened(buffer) {
  const view = new DataView(buffer);
  if (view.getUint32(0, true) !== MAGIC) throw new Error("no file of ours");
  const length = view.getUint32(4, true);
  const head = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, HEAD_AT, length)));
  return { head, at: HEAD_AT + length };
}

export class Cloud {
  constructor(buffer) {
    const { head, at } = opened(buffer);
    const { n, grid, columns } = head;
    Object.assign(this, { n, grid });
    this.x = new Uint16Array(buffer, at, n);
    this.y = new Uint16Array(buffer, at + 2 * n, n);
    this.columns = columns.map((column, i) =>
      Object.assign(column, { of: new Uint8Array(buffer, at + (4 + i) * n, n) }),
    );
    this.look = new Uint8Array(n).fill(SHOWN);
    this.#findCells();
  }

  /** Where each cell's points begin. */
  #findCells() {
    const { n, grid, x, y } = this;
    const starts = new Uint32Array(grid * grid + 1);
    const shift = 16 - Math.log2(grid);
    for (let i = 0; i < n; i += 1) starts[(y[i] >> shift) * grid + (x[i] >> shift) + 1] += 1;
    for (let cell = 0; cell < grid * grid; cell += 1) starts[cell + 1] += starts[cell];
    Object.assign(this, { starts, shift });
  }

  /** Calls with [from, to) for runs of points that hold all of a box (and some around it). */
  forRuns(left, top, right, bottom, call) {
    const { grid, shift, starts } = this;
    const cell = (v) => Math.min(Math.max(v, 0), EXTENT - 1) >> shift;
    if (right < 0 || bottom < 0 || left >= EXTENT || top >= EXTENT) return;
    const [first, last] = [cell(left), cell(right)];
    for (let row = cell(top); row <= cell(bottom); row += 1) {
      const [from, to] = [starts[row * grid + first], starts[row * grid + last + 1]];
      if (to > from && call(from, to) === false) return;
    }
  }

  /** Box around all points: [left, top, right, bottom]. */
  box() {
    const { n, x, y } = this;
    let [left, top, right, bottom] = [EXTENT, EXTENT, 0, 0];
    for (let i = 0; i < n; i += 1) {
      left = Math.min(left, x[i]);
      right = Math.max(right, x[i]);
      top = Math.min(top, y[i]);
      bottom = Math.max(bottom, y[i]);
    }
    return n ? [left, top, right, bottom] : [0, 0, EXTENT, EXTENT];
  }

  /**
   * Say what is on show: `hidden` has codes of a column that the legend hides, `passing` a bit for each point or null.
   * Gives how many are shown in full.
   */
  setLook({ of }, hidden, passing) {
    const { look, n } = this;
    const isHidden = new Uint8Array(256);
    for (const code of hidden) isHidden[code] = 1;
    let nShown = 0;
    for (let i = 0; i < n; i += 1) {
      const passes = passing === null || (passing[i >> 3] >> (i & 7)) & 1;
      const now = isHidden[of[i]] ? HIDDEN : passes ? SHOWN : FAINT;
      look[i] = now;
      if (now === SHOWN) nShown += 1;
    }
    return nShown;
  }

  /** Points that are shown within a box, at most `most`. */
  within(left, top, right, bottom, most = Infinity) {
    const found = [];
    this.forRuns(left, top, right, bottom, (from, to) => {
      for (let i = from; i < to && found.length < most; i += 1) {
        const isThere = this.x[i] >= left && this.x[i] <= right && this.y[i] >= top && this.y[i] <= bottom;
        if (isThere && this.look[i] === SHOWN) found.push(i);
      }
      return found.length < most;
    });
    return found;
  }

  /** Points that are shown within a distance of a place, the nearest first: at most `most`. */
  near(x, y, reach, most = 1) {
    const found = [];
    this.forRuns(x - reach, y - reach, x + reach, y + reach, (from, to) => {
      for (let i = from; i < to; i += 1) {
        if (this.look[i] !== SHOWN) continue;
        const away = (this.x[i] - x) ** 2 + (this.y[i] - y) ** 2;
        if (away > reach * reach || (found.length === most && away >= found.at(-1).away)) continue;
        const at = found.findIndex((one) => one.away > away);
        found.splice(at < 0 ? found.length : at, 0, { i, away });
        if (found.length > most) found.pop();
      }
    });
    return found.map(({ i }) => i);
  }

  /** Points that are shown within an outline of places [x, y], as a bit each, and how many. */
  inside(outline) {
    const bits = new Uint8Array(Math.ceil(this.n / 8));
    const [xs, ys] = [0, 1].map((axis) => outline.map((place) => place[axis]));
    let count = 0;
    this.forRuns(Math.min(...xs), Math.min(...ys), Math.max(...xs), Math.max(...ys), (from, to) => {
      for (let i = from; i < to; i += 1) {
        if (this.look[i] !== SHOWN || !isInside(xs, ys, this.x[i], this.y[i])) continue;
        bits[i >> 3] |= 1 << (i & 7);
        count += 1;
      }
    });
    return { bits, count };
  }

  /** The shown point that is nearest in a direction, going a little aside costs twice; -1 where there is none. */
  towards(x, y, dx, dy) {
    let [best, cost] = [-1, Infinity];
    for (let i = 0; i < this.n; i += 1) {
      if (this.look[i] !== SHOWN) continue;
      const [ox, oy] = [this.x[i] - x, this.y[i] - y];
      const along = ox * dx + oy * dy;
      if (along <= 0) continue;
      const sum = along + 2 * Math.abs(ox * dy - oy * dx);
      if (sum < cost) [best, cost] = [i, sum];
    }
    return best;
  }

  /**
   * For each code of a column the middle of its shown points in the part of the map that has most of them:
   * [{ code, x, y, n }], those with most points first.
   */
  centres({ of, names }, parts = 12) {
    const n = (names.length + 1) * parts * parts;
    const [counts, xs, ys] = [new Uint32Array(n), new Float64Array(n), new Float64Array(n)];
    const part = (v) => Math.floor((v * parts) / EXTENT);
    for (let i = 0; i < this.n; i += 1) {
      if (this.look[i] !== SHOWN || of[i] > names.length) continue;
      const at = (of[i] * parts + part(this.y[i])) * parts + part(this.x[i]);
      counts[at] += 1;
      xs[at] += this.x[i];
      ys[at] += this.y[i];
    }
    const found = [];
    for (let code = 1; code <= names.length; code += 1) {
      let [best, sum] = [code * parts * parts, 0];
      for (let at = best; at < (code + 1) * parts * parts; at += 1) {
        sum += counts[at];
        if (counts[at] > counts[best]) best = at;
      }
      if (sum) found.push({ code, x: xs[best] / counts[best], y: ys[best] / counts[best], n: sum });
    }
    return found.sort((a, b) => b.n - a.n);
  }
}

function isInside(xs, ys, x, y) {
  let odd = false;
  for (let i = 0, j = xs.length - 1; i < xs.length; j = i, i += 1)
    if (ys[i] > y !== ys[j] > y && x < ((xs[j] - xs[i]) * (y - ys[i])) / (ys[j] - ys[i]) + xs[i]) odd = !odd;
  return odd;
}

/** Lines of a text of which only some are ever read. */
export class Names {
  constructor(buffer) {
    this.bytes = new Uint8Array(buffer);
    this.decoder = new TextDecoder();
    const ends = [];
    for (let at = this.bytes.indexOf(10); at >= 0; at = this.bytes.indexOf(10, at + 1)) ends.push(at);
    this.ends = Uint32Array.from([...ends, this.bytes.length]);
  }

  at(i) {
    return this.decoder.decode(this.bytes.subarray(i ? this.ends[i - 1] + 1 : 0, this.ends[i]));
  }
}

/** Bytes of base64. */
export function fromBase64(text) {
  return Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
}

export function toBase64(bytes) {
  let text = "";
  for (const byte of bytes) text += String.fromCharCode(byte);
  return btoa(text);
}
