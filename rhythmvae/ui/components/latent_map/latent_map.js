// The latent map: thousands of grooves as points one can walk through by ear. Drawn on a canvas.
//
// `points` is a file of its own that a browser keeps (ui/components/latent_map): flat coordinates 0 to 1 for each view,
// and for each point its name, categories and numbers. What changes from run to run comes as data.

import { element, live } from "../assets/dom.js";

const POINT = { px: 3.2, least: 1.6, of: 600 }; // radius on a map of so many pixels; it shrinks with the map
const REACH_PX = { mouse: 14, finger: 26 }; // how far from a point a hand may be and still mean it
const ZOOM = { least: 0.8, most: 60, step: 1.5 };
const DRAG_PX = 5;
const WALK_MS = 110; // a walk picks no faster than Python answers
const MOVE_MS = 350; // from one view to another
// Six colours that eyes of all kinds tell apart (after Okabe and Ito), each in three shapes: 18 categories.
const PALETTE = ["#d55e00", "#0072b2", "#009e73", "#c2679b", "#8a7000", "#2b9fd8"];
const SHAPES = ["circle", "square", "diamond"];
const OTHER = "#8a8a8a";
const RAMP = [
  [68, 84, 190],
  [43, 155, 190],
  [95, 190, 110],
  [232, 190, 60],
  [222, 90, 60],
]; // low to high
const RAMP_STEPS = 60; // each colour is a sprite of its own

export function mount(component, base) {
  return live(component, (parent) => new LatentMap(parent, base));
}

class LatentMap {
  constructor(parent, base) {
    Object.assign(this, {
      parent,
      base,
      points: null,
      hidden: new Set(),
      query: "",
      mode: "pick",
      zoom: 1,
      center: [0.5, 0.5],
    });
    this.view = null; // name of the coordinates on show
    this.colorBy = null;
    this.cursor = -1; // of the keyboard
    this.#build();
    this.resized = new ResizeObserver(() => this.#resize());
    this.resized.observe(this.canvas);
  }

  remove() {
    this.resized.disconnect();
    this.root.remove();
  }

  update({ data, setStateValue, setTriggerValue }) {
    Object.assign(this, { data, setStateValue, setTriggerValue });
    this.count ??= data.answered;
    // What plays may be chosen elsewhere on the page. While a click is on its way, the hand knows better.
    if (data.answered === this.count && data.here !== this.here) {
      this.here = data.here;
      if (typeof this.picked !== "string" || data.here !== null) this.picked = data.here;
    }
    if (data.points !== this.address) {
      this.address = data.points;
      this.#load(data.points);
    }
    this.#syncModes();
    this.draw();
  }

  async #load(address) {
    this.say("Fetching the map");
    try {
      const answer = await fetch(new URL(address, this.base));
      if (!answer.ok) throw new Error(answer.status);
      const points = await answer.json();
      if (address !== this.address) return;
      this.points = points;
      this.n = points.name.length;
      this.view = Object.keys(points.views).includes(this.view) ? this.view : Object.keys(points.views)[0];
      this.at = Float32Array.from(points.views[this.view]);
      this.colorBy = this.#colorings().includes(this.colorBy) ? this.colorBy : this.#colorings()[0];
      this.hidden.clear();
      this.cursor = -1;
      this.picked = this.data.here;
      this.#reset();
      this.#offer();
      this.#recolor();
      this.#find(this.search.value);
    } catch (error) {
      this.say(`The map did not load (${error.message}); reload the page to try again.`);
    }
  }

  // -- what stands around it ----------------------------------------------------

  #build() {
    const bar = element("div", { className: "bar", role: "toolbar", ariaLabel: "Map" }, ...this.#buildBar());
    this.canvas = element("canvas", {
      tabIndex: 0,
      role: "application",
      ariaLabel: "Map of grooves: arrow keys walk from point to point, Enter plays",
    });
    this.tip = element("div", { className: "tip", hidden: true });
    this.status = element("div", { className: "status", role: "status" });
    this.legend = element("div", { className: "keys", role: "group", ariaLabel: "Legend: click to hide or show" });
    const stage = element("div", { className: "stage" }, this.canvas, this.#buildZooms(), this.tip);
    this.root = element("div", { className: "map" }, bar, stage, this.legend, this.status);
    this.parent.append(this.root);
    this.#listen();
  }

  #buildBar() {
    this.viewSelect = chooser("View", (name) => this.#show(name));
    this.colorSelect = chooser("Colour", (name) => {
      this.colorBy = name;
      this.hidden.clear();
      this.#recolor();
    });
    const labels = [this.viewSelect, this.colorSelect].map((each) =>
      element("label", {}, element("span", { textContent: each.getAttribute("aria-label") }), each),
    );
    this.search = element("input", {
      type: "search",
      placeholder: "Search names",
      ariaLabel: "Search names",
      oninput: () => this.#find(this.search.value),
    });
    return [...labels, this.search, this.#buildModes()];
  }

  #buildModes() {
    const button = (mode, textContent, title) =>
      element("button", { type: "button", textContent, title, onclick: () => this.#setMode(mode), dataset: { mode } });
    this.modes = element(
      "div",
      { className: "choice", role: "group", ariaLabel: "What a drag does" },
      button("pick", "Move", "A drag moves the map; a click plays a groove"),
      button("walk", "Walk", "A drag plays what it passes"),
      button("box", "Box", "A drag collects what is in a box"),
      button("lasso", "Lasso", "A drag collects what it encircles"),
    );
    return this.modes;
  }

  #buildZooms() {
    const button = (textContent, title, onclick) =>
      element("button", { type: "button", textContent, title, ariaLabel: title, onclick }); // a sign is no name
    return element(
      "div",
      { className: "choice zooms", role: "group", ariaLabel: "Zoom" },
      button("+", "Closer", () => this.#zoomBy(ZOOM.step)),
      button("−", "Farther", () => this.#zoomBy(1 / ZOOM.step)),
      button("⤢", "See all", () => this.#reset()),
    );
  }

  #offer() {
    const options = (select, names, value) => {
      select.replaceChildren(...names.map((name) => element("option", { value: name, textContent: name })));
      select.value = value;
      select.parentElement.hidden = names.length < 2;
    };
    options(this.viewSelect, Object.keys(this.points.views), this.view);
    options(this.colorSelect, this.#colorings(), this.colorBy);
  }

  #colorings() {
    return [...Object.keys(this.points.categories), ...Object.keys(this.points.numbers)];
  }

  #setMode(mode) {
    this.mode = mode;
    this.#syncModes();
  }

  #syncModes() {
    for (const button of this.modes.children)
      button.setAttribute("aria-pressed", String(button.dataset.mode === this.mode));
    this.canvas.style.cursor = { pick: "grab", walk: "crosshair", box: "crosshair", lasso: "crosshair" }[this.mode];
  }

  #find(query) {
    this.query = query.trim().toLowerCase();
    const n = this.query ? this.#visible().length : this.n;
    this.say(`${n.toLocaleString()} ${this.query ? "found" : n === 1 ? "groove" : "grooves"}`);
    this.draw();
  }

  // -- colours ------------------------------------------------------------------

  #recolor() {
    const { points, colorBy } = this;
    const category = points.categories[colorBy];
    if (category) {
      this.color = category.of.map(colorOf);
      this.shape = category.of.map(shapeOf);
      this.group = category.of;
    } else {
      const values = points.numbers[colorBy];
      const known = values.filter((v) => v !== null).sort((a, b) => a - b);
      const rank = new Map(known.map((v, i) => [v, i / Math.max(known.length - 1, 1)]));
      this.color = values.map((v) => (v === null ? OTHER : ramp(rank.get(v))));
      this.group = values.map(() => 0);
      this.shape = values.map(() => SHAPES[0]);
    }
    this.#drawLegend(category);
    this.draw();
  }

  #drawLegend(category) {
    if (!category) {
      const known = this.points.numbers[this.colorBy].filter((v) => v !== null).sort((a, b) => a - b);
      const at = (q) => +known[Math.floor(q * (known.length - 1))].toPrecision(3);
      const bar = element("span", { className: "ramp" });
      bar.style.background = `linear-gradient(to right, ${[0, 0.25, 0.5, 0.75, 1].map(ramp).join(", ")})`;
      this.legend.replaceChildren(
        element("span", { textContent: `${at(0)}` }),
        bar,
        element("span", { textContent: `${at(1)}, ${this.colorBy}` }),
      );
      return;
    }
    const counts = new Map();
    for (const k of category.of) counts.set(k, (counts.get(k) ?? 0) + 1);
    const keys = category.names.map((name, k) => {
      const dot = element("span", { className: `dot ${shapeOf(k)}` });
      dot.style.background = colorOf(k);
      const key = element(
        "button",
        { type: "button", className: "key", onclick: () => this.#toggle(k, key) },
        dot,
        `${name} ${counts.get(k) ?? 0}`,
      );
      key.setAttribute("aria-pressed", String(!this.hidden.has(k)));
      return key;
    });
    this.legend.replaceChildren(...keys);
  }

  #toggle(k, key) {
    if (!this.hidden.delete(k)) this.hidden.add(k);
    key.setAttribute("aria-pressed", String(!this.hidden.has(k)));
    this.draw();
  }

  // -- places -------------------------------------------------------------------

  #resize() {
    const ratio = window.devicePixelRatio || 1;
    const { clientWidth: w, clientHeight: h } = this.canvas;
    if (!w || !h) return;
    Object.assign(this, { w, h, ratio });
    this.canvas.width = Math.round(w * ratio);
    this.canvas.height = Math.round(h * ratio);
    this.draw();
  }

  get #scale() {
    return Math.min(this.w, this.h) * 0.94 * this.zoom;
  }

  #screen(x, y) {
    return [this.w / 2 + (x - this.center[0]) * this.#scale, this.h / 2 - (y - this.center[1]) * this.#scale];
  }

  #place(i) {
    return this.#screen(this.at[2 * i], this.at[2 * i + 1]);
  }

  #world(px, py) {
    return [this.center[0] + (px - this.w / 2) / this.#scale, this.center[1] - (py - this.h / 2) / this.#scale];
  }

  #isShown(i) {
    return !this.hidden.has(this.group[i]) && (!this.query || this.points.name[i].toLowerCase().includes(this.query));
  }

  #visible() {
    return Array.from({ length: this.n }, (_, i) => i).filter((i) => this.#isShown(i));
  }

  /** The nearest point to a place on the screen: an index, or "own k" for an upload's. Null beyond reach. */
  #nearest(px, py, reach) {
    let [best, distance] = [null, reach * reach];
    const consider = (x, y, name) => {
      const [sx, sy] = this.#screen(x, y);
      const d = (sx - px) ** 2 + (sy - py) ** 2;
      if (d < distance) [best, distance] = [name, d];
    };
    for (let i = 0; i < this.n; i += 1) if (this.#isShown(i)) consider(this.at[2 * i], this.at[2 * i + 1], i);
    for (const [k, { x, y }] of this.#own().entries()) consider(x, y, `own ${k}`);
    return best;
  }

  #own() {
    return this.data.own[this.view] ?? [];
  }

  #nameOf(point) {
    return typeof point === "number" ? this.points.name[point] : this.#own()[Number(point.slice(4))].name;
  }

  #show(name) {
    const [at, from, to] = [this.at, this.at.slice(), this.points.views[name]];
    this.view = name;
    const began = performance.now();
    const step = () => {
      if (this.view !== name || this.at !== at) return;
      const t = Math.min((performance.now() - began) / MOVE_MS, 1);
      const eased = t * t * (3 - 2 * t);
      for (let i = 0; i < from.length; i += 1) at[i] = from[i] + (to[i] - from[i]) * eased;
      this.draw();
      if (t < 1) requestAnimationFrame(step);
    };
    step();
  }

  #reset() {
    this.zoom = 1;
    this.center = [0.5, 0.5];
    this.draw();
  }

  #zoomBy(factor, px = this.w / 2, py = this.h / 2) {
    const [x, y] = this.#world(px, py);
    this.zoom = Math.min(Math.max(this.zoom * factor, ZOOM.least), ZOOM.most);
    this.#pan(this.#screen(x, y), [px, py]);
  }

  // -- hands --------------------------------------------------------------------

  #listen() {
    const { canvas } = this;
    this.pointers = new Map(); // id -> place, of those that are down
    this.press = null; // the only one, as long as it stays that
    const hands = {
      pointerdown: (event) => this.#down(event),
      pointermove: (event) => this.#move(event),
      pointerup: (event) => this.#release(event),
      pointercancel: (event) => this.#release(event),
      pointerleave: () => {
        this.tip.hidden = true;
      },
      keydown: (event) => this.#key(event),
    };
    for (const [type, hand] of Object.entries(hands)) canvas.addEventListener(type, hand);
    canvas.addEventListener("wheel", (event) => this.#wheel(event), { passive: false });
  }

  #placeOf(event) {
    const { canvas } = this;
    const box = canvas.getBoundingClientRect();
    return [event.clientX - box.left - canvas.clientLeft, event.clientY - box.top - canvas.clientTop];
  }

  #down(event) {
    if (event.button !== 0 || !this.points) return;
    const here = this.#placeOf(event);
    this.canvas.setPointerCapture(event.pointerId);
    this.pointers.set(event.pointerId, here);
    this.press = this.pointers.size === 1 ? { from: here, last: here, path: [here], moved: false } : null;
  }

  #move(event) {
    const { pointers, press } = this;
    const here = this.#placeOf(event);
    if (!pointers.has(event.pointerId)) {
      this.#hover(...here, reachOf(event));
      return;
    }
    if (pointers.size === 2) {
      this.#pinch(pointers, event.pointerId, here);
      return;
    }
    if (!press) return;
    press.moved ||= Math.hypot(here[0] - press.from[0], here[1] - press.from[1]) > DRAG_PX;
    if (press.moved) this.#drag(press, here, reachOf(event));
    press.last = here;
    pointers.set(event.pointerId, here);
  }

  #release(event) {
    const { press } = this;
    this.pointers.delete(event.pointerId);
    if (press && event.type !== "pointercancel") {
      if (!press.moved) this.#click(...press.from, reachOf(event));
      else if (this.outline) this.#collect();
      else if (this.mode === "walk") this.#walk(...press.last, reachOf(event), 0); // where the hand came to rest
    }
    this.press = this.outline = null;
    this.draw();
  }

  /** The wheel scrolls the page until the map is in use. */
  #wheel(event) {
    if (this.parent.activeElement !== this.canvas && !event.ctrlKey) return;
    event.preventDefault();
    this.#zoomBy(Math.exp(-event.deltaY * 0.002), ...this.#placeOf(event));
  }

  #drag(press, here, reach) {
    if (this.mode === "walk") {
      this.#walk(...here, reach);
    } else if (this.mode === "pick") {
      this.#pan(press.last, here);
      this.tip.hidden = true;
    } else {
      press.path.push(here);
      const [[x0, y0], [x1, y1]] = [press.from, here];
      this.outline =
        this.mode === "lasso"
          ? press.path
          : [
              [x0, y0],
              [x1, y0],
              [x1, y1],
              [x0, y1],
            ];
    }
    this.draw();
  }

  #pinch(pointers, id, here) {
    const [other] = [...pointers].filter(([p]) => p !== id).map(([, place]) => place);
    const before = pointers.get(id);
    const [was, is] = [before, here].map(([x, y]) => Math.hypot(x - other[0], y - other[1]));
    const [from, to] = [before, here].map(([x, y]) => [(x + other[0]) / 2, (y + other[1]) / 2]);
    pointers.set(id, here);
    if (was > 0) this.#zoomBy(is / was, ...from);
    this.#pan(from, to);
  }

  /** What lay at one place of the screen comes to lie at another. */
  #pan(from, to) {
    const [a, b] = [this.#world(...from), this.#world(...to)];
    this.center = [this.center[0] + a[0] - b[0], this.center[1] + a[1] - b[1]];
    this.draw();
  }

  #hover(px, py, reach) {
    if (!this.points) return;
    const point = this.#nearest(px, py, reach);
    this.tip.hidden = point === null;
    if (point === null) return;
    this.tip.textContent = this.#nameOf(point);
    const [x, y] = [Math.min(px + 12, this.w - this.tip.offsetWidth), Math.max(py - 30, 0)];
    this.tip.style.transform = `translate(${x}px, ${y}px)`;
  }

  #click(px, py, reach) {
    const point = this.#nearest(px, py, reach);
    if (point !== null) this.#pick(point);
    else if (this.data.decodable.includes(this.view)) {
      this.picked = null;
      this.say("Between the points");
      this.#send({ kind: "place", view: this.view, place: this.#world(px, py) });
    }
  }

  #walk(px, py, reach, pauseMs = WALK_MS) {
    const now = performance.now();
    if (now - (this.walkedAt ?? 0) < pauseMs) return;
    const point = this.#nearest(px, py, reach * 2);
    if (point === null || point === this.picked) return;
    this.walkedAt = now;
    this.#pick(point);
  }

  #pick(point) {
    this.picked = point;
    this.say(this.#nameOf(point));
    this.draw();
    this.#send(
      typeof point === "number" ? { kind: "point", index: point } : { kind: "own", index: Number(point.slice(4)) },
    );
  }

  #send(picked) {
    this.count += 1;
    this.setStateValue("picked", { ...picked, count: this.count });
  }

  #collect() {
    const inside = (x, y) => {
      let odd = false;
      const o = this.outline;
      for (let i = 0, j = o.length - 1; i < o.length; j = i, i += 1) {
        const [[xi, yi], [xj, yj]] = [o[i], o[j]];
        if (yi > y !== yj > y && x < ((xj - xi) * (y - yi)) / (yj - yi) + xi) odd = !odd;
      }
      return odd;
    };
    const found = this.#visible().filter((i) => inside(...this.#place(i)));
    // Of many, a spread over all of them: what one take gave stands together.
    const n = Math.min(found.length, this.data.most_collected);
    const indices = Array.from({ length: n }, (_, i) => found[Math.floor((i * found.length) / n)]);
    this.say(
      found.length > n
        ? `${n} of ${found.length} collected, spread over them: more do not go at once`
        : found.length
          ? `${found.length} collected`
          : "Nothing inside",
    );
    if (found.length) this.setTriggerValue("collected", { indices });
  }

  #key(event) {
    const ways = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };
    if (!this.points) return;
    if (event.key === "+" || event.key === "-") {
      this.#zoomBy(event.key === "+" ? ZOOM.step : 1 / ZOOM.step);
    } else if (event.key === "Enter" && this.cursor >= 0) {
      this.#pick(this.cursor);
    } else if (ways[event.key]) {
      this.#step(...ways[event.key]);
    } else {
      return;
    }
    event.preventDefault();
    event.stopPropagation();
  }

  /** The cursor to the nearest point in a direction. */
  #step(dx, dy) {
    const [x, y] = this.cursor < 0 ? this.center : [this.at[2 * this.cursor], this.at[2 * this.cursor + 1]];
    let [best, cost] = [-1, Infinity];
    for (const i of this.#visible()) {
      const [ox, oy] = [this.at[2 * i] - x, this.at[2 * i + 1] - y];
      const along = ox * dx + oy * dy;
      const across = Math.abs(ox * dy - oy * dx);
      if (along > 1e-6 && along + 2 * across < cost) [best, cost] = [i, along + 2 * across];
    }
    if (best < 0) return;
    this.cursor = best;
    this.say(this.points.name[best]);
    const [sx, sy] = this.#place(best);
    if (sx < 20 || sy < 20 || sx > this.w - 20 || sy > this.h - 20)
      this.center = [this.at[2 * best], this.at[2 * best + 1]];
    this.draw();
  }

  say(words) {
    this.status.textContent = words;
  }

  // -- drawing ------------------------------------------------------------------

  draw() {
    if (this.drawing) return;
    this.drawing = requestAnimationFrame(() => {
      this.drawing = null;
      this.#paint();
    });
  }

  #paint() {
    if (!this.points || !this.w) return;
    const g = this.canvas.getContext("2d");
    g.setTransform(this.ratio, 0, 0, this.ratio, 0, 0);
    g.clearRect(0, 0, this.w, this.h);
    const text = getComputedStyle(this.root).color;
    const least = Math.max((POINT.px * Math.min(this.w, this.h, POINT.of)) / POINT.of, POINT.least);
    const radius = least * Math.min(Math.max(Math.sqrt(this.zoom), 0.8), 2.4);
    const look = `${radius} ${this.ratio}`;
    if (look !== this.look) [this.look, this.sprites] = [look, new Map()];
    const { sprites } = this;
    for (let i = 0; i < this.n; i += 1) {
      if (!this.#isShown(i)) continue;
      const [x, y] = this.#place(i);
      if (x < -9 || y < -9 || x > this.w + 9 || y > this.h + 9) continue;
      const [color, shape] = [this.color[i], this.shape[i]];
      const kind = `${color} ${shape}`;
      if (!sprites.has(kind)) sprites.set(kind, sprite(color, shape, radius, this.ratio));
      const { image, size } = sprites.get(kind);
      g.drawImage(image, x - size / 2, y - size / 2, size, size);
    }
    this.#paintMarks(g, text);
  }

  #paintMarks(g, text) {
    Object.assign(g, { strokeStyle: text, fillStyle: text, lineWidth: 1.5 });
    this.#paintOwn(g);
    this.#paintTray(g);
    this.#paintRings(g);
    this.#paintWalk(g);
    if (this.outline) this.#paintOutline(g);
  }

  #paintOwn(g) {
    for (const { x, y } of this.#own()) {
      const [sx, sy] = this.#screen(x, y);
      trace(g, [
        [sx, sy - 8],
        [sx + 7, sy + 5],
        [sx - 7, sy + 5],
      ]);
      g.closePath();
      g.fill();
    }
  }

  #paintTray(g) {
    for (const i of this.data.tray) {
      if (i >= this.n) continue;
      const [x, y] = this.#place(i);
      g.strokeRect(x - 6, y - 6, 12, 12);
    }
  }

  /** Around what is heard, and around the keyboard's cursor. */
  #paintRings(g) {
    const ring = (x, y, r) => {
      g.beginPath();
      g.arc(x, y, r, 0, 2 * Math.PI);
      g.stroke();
    };
    const own = typeof this.picked === "string" ? this.#own()[Number(this.picked.slice(4))] : null;
    const heard = own ? this.#screen(own.x, own.y) : typeof this.picked === "number" ? this.#place(this.picked) : null;
    if (heard) for (const r of [9, 12]) ring(...heard, r);
    if (this.cursor >= 0 && this.parent.activeElement === this.canvas) ring(...this.#place(this.cursor), 15);
  }

  /** The corners of a walk, each with its letter, and the way from one to the next. */
  #paintWalk(g) {
    const corners = (this.data.corners[this.view] ?? []).map(({ x, y, label }) => ({ at: this.#screen(x, y), label }));
    if (corners.length > 1) {
      g.setLineDash([5, 4]);
      const places = corners.map(({ at }) => at);
      trace(g, places);
      if (corners.length > 2) g.closePath();
      g.stroke();
      g.setLineDash([]);
    }
    Object.assign(g, { font: "bold 13px sans-serif", textAlign: "center", textBaseline: "middle" });
    const ground = getComputedStyle(this.root).getPropertyValue("--ground").trim() || "#fff";
    for (const { at, label } of corners) {
      const [x, y] = at;
      g.beginPath();
      g.arc(x, y, 11, 0, 2 * Math.PI);
      g.fill();
      g.save();
      g.fillStyle = ground;
      g.fillText(label, x, y + 0.5);
      g.restore();
    }
  }

  #paintOutline(g) {
    trace(g, this.outline);
    g.closePath();
    g.globalAlpha = 0.12;
    g.fill();
    g.globalAlpha = 1;
    g.stroke();
  }
}

function chooser(ariaLabel, onchange) {
  const found = element("select", { ariaLabel, onchange: () => onchange(found.value) });
  return found;
}

function reachOf(event) {
  return event.pointerType === "touch" ? REACH_PX.finger : REACH_PX.mouse;
}

/** A path along places; what begins one goes to its first. */
function trace(g, places) {
  g.beginPath();
  for (const [x, y] of places) g.lineTo(x, y);
}

function colorOf(category) {
  return category < 0 || category >= PALETTE.length * SHAPES.length ? OTHER : PALETTE[category % PALETTE.length];
}

function shapeOf(category) {
  return SHAPES[Math.floor(Math.max(category, 0) / PALETTE.length)] ?? SHAPES[0];
}

/** A point, drawn once for each colour and shape; all shapes cover as much. */
function sprite(color, shape, radius, ratio) {
  const size = 2 * Math.ceil(1.26 * radius + 1);
  const image = document.createElement("canvas");
  image.width = image.height = size * ratio;
  const g = image.getContext("2d");
  g.scale(ratio, ratio);
  g.globalAlpha = 0.82;
  g.fillStyle = color;
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

function ramp(share) {
  const at = (Math.round(share * RAMP_STEPS) / RAMP_STEPS) * (RAMP.length - 1);
  const [low, high] = [RAMP[Math.floor(at)], RAMP[Math.min(Math.floor(at) + 1, RAMP.length - 1)]];
  return `rgb(${low.map((v, c) => Math.round(v + (high[c] - v) * (at - Math.floor(at)))).join(",")})`;
}
