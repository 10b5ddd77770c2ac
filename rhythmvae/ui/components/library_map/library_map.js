// A library as a map: clouds from far away, names from close by; a tap plays, a box or lasso chooses.
//
// `points` and `names` are files that a browser keeps (ui/components/library_map). What changes from run to run comes
// as data: which points pass the filters, which are results, which one plays.

import { element, live } from "../assets/dom.js";
import { DRAG_PX, OTHER, outlineOf, PALETTE, ramp, reachOf, SHAPES } from "../assets/points.js";
import { Cloud, EXTENT, fromBase64, Names, toBase64 } from "./cloud.js";
import { Tiles } from "./tiles.js";

const STACK_PX = 1.5; // points so near lie on one spot, and taps take turns among them
const MOST_IN_TURN = 8; // of more nobody taps through all
const ZOOM = { farther: 0.8, most: 700, step: 1.6 }; // of the view of all
const PAN_SHARE = 0.2; // of the canvas's shorter side, that a key moves it
const FIT_SHARE = 0.92;
const PAINT_MS = 5; // of a frame, for bitmaps
const REST_MS = 160; // after which names are laid out
const LABELS = { most: 28, points: 260, clouds: 7, farthest: 3, height: 15, letters: 34 };
const MOST_RATIO = 2; // pixels a px; more of them are not seen in clouds

export function mount(component, base) {
  return live(component, (parent) => new LibraryMap(parent, base));
}

class LibraryMap {
  constructor(parent, base) {
    Object.assign(this, { parent, base, cloud: null, names: null, hidden: new Set(), mode: "move" });
    Object.assign(this, { picked: null, cursor: -1, passing: null, results: [], labels: [], around: 0 });
    this.tiles = new Tiles();
    this.#build();
    this.resized = new ResizeObserver(() => this.#resize());
    this.resized.observe(this.canvas);
  }

  remove() {
    this.resized.disconnect();
    clearTimeout(this.resting);
    cancelAnimationFrame(this.drawing);
    this.root.remove();
  }

  update({ data, setStateValue, setTriggerValue }) {
    Object.assign(this, { data, setStateValue, setTriggerValue });
    this.count ??= data.answered;
    if (data.answered === this.count) this.picked = data.here; // while a tap is on its way, the hand knows better
    this.results = data.results;
    const isOther = data.points !== this.address;
    if (isOther) {
      this.address = data.points;
      this.#load(data.points, data.names);
    }
    if (data.passing !== this.passingText) {
      this.passingText = data.passing;
      this.passing = data.passing === null ? null : fromBase64(data.passing);
      if (!isOther) this.#look();
    }
    this.#syncModes();
    this.draw();
  }

  async #load(points, names) {
    this.say("Fetching the map");
    this.names = null;
    try {
      const cloud = new Cloud(await this.#fetched(points));
      if (points !== this.address) return;
      const title = this.cloud?.columns[this.column]?.title;
      this.cloud = cloud;
      this.column = Math.max(
        cloud.columns.findIndex((column) => column.title === title),
        0,
      );
      this.cursor = -1;
      this.hidden.clear();
      this.tiles.setCloud(cloud, this.ratio ?? 1);
      this.#offer();
      this.#fit();
      this.#recolor();
      const text = await this.#fetched(names);
      if (points === this.address) this.names = new Names(text);
      this.#rest();
    } catch (error) {
      this.say(`The map did not load (${error.message}); reload the page to try again.`);
    }
  }

  async #fetched(address) {
    const answer = await fetch(new URL(address, this.base));
    if (!answer.ok) throw new Error(answer.status);
    return answer.arrayBuffer();
  }

  // -- what stands around it ----------------------------------------------------

  #build() {
    this.select = element("select", { ariaLabel: "Colour", onchange: () => this.#choose(this.select.selectedIndex) });
    const label = element("label", {}, element("span", { textContent: "Colour" }), this.select);
    const bar = element("div", { className: "bar", role: "toolbar", ariaLabel: "Map" }, label, this.#buildModes());
    this.canvas = element("canvas", {
      tabIndex: 0,
      role: "application",
      ariaLabel:
        "Map of the library: arrow keys walk from loop to loop, Enter plays, plus and minus zoom. " +
        "The results below the map are the same loops as a list.",
    });
    this.tip = element("div", { className: "tip", hidden: true });
    this.status = element("div", { className: "status", role: "status" });
    this.legend = element("div", { className: "keys", role: "group", ariaLabel: "Legend: press to hide or show" });
    const stage = element("div", { className: "stage" }, this.canvas, this.#buildZooms(), this.tip);
    this.root = element("div", { className: "library-map" }, bar, stage, this.legend, this.status);
    this.parent.append(this.root);
    this.#listen();
  }

  #buildModes() {
    const button = (mode, textContent, title) =>
      element("button", { type: "button", textContent, title, onclick: () => this.#setMode(mode), dataset: { mode } });
    this.modes = element(
      "div",
      { className: "choice", role: "group", ariaLabel: "What a drag does" },
      button("move", "Move", "A drag moves the map; a tap plays a loop"),
      button("box", "Box", "A drag chooses what is in a box"),
      button("lasso", "Lasso", "A drag chooses what it encircles"),
    );
    return this.modes;
  }

  #buildZooms() {
    const button = (textContent, title, onclick) =>
      element("button", { type: "button", textContent, title, ariaLabel: title, onclick }); // a sign is no name
    return element(
      "div",
      { className: "choice zooms", role: "group", ariaLabel: "Zoom" },
      button("+", "Closer", () => this.#zoomBy(ZOOM.step, ...this.#anchor())),
      button("−", "Farther", () => this.#zoomBy(1 / ZOOM.step, ...this.#anchor())),
      button("⤢", "See all", () => this.#fit()),
    );
  }

  #offer() {
    const options = this.cloud.columns.map(({ title }) => element("option", { value: title, textContent: title }));
    this.select.replaceChildren(...options);
    this.select.selectedIndex = this.column;
    this.select.parentElement.hidden = options.length < 2;
  }

  #setMode(mode) {
    this.mode = mode;
    this.#syncModes();
  }

  #syncModes() {
    for (const button of this.modes.children)
      button.setAttribute("aria-pressed", String(button.dataset.mode === this.mode));
    this.canvas.style.cursor = this.mode === "move" ? "grab" : "crosshair";
  }

  #choose(column) {
    this.column = column;
    this.hidden.clear();
    this.#recolor();
  }

  // -- colours ------------------------------------------------------------------

  get #own() {
    return this.cloud.columns[this.column] ?? { names: [], of: new Uint8Array(this.cloud.n) };
  }

  #recolor() {
    const { names, of, in_order: isInOrder, others } = this.#own;
    const last = names.length - (others ? 1 : 0);
    const paint = [{ css: OTHER, shape: 0 }];
    for (let k = 0; k < names.length; k += 1) {
      if (k >= last) paint.push({ css: OTHER, shape: 0 });
      else if (isInOrder) paint.push({ css: ramp(names.length > 1 ? k / (names.length - 1) : 0.5), shape: 0 });
      else paint.push({ css: PALETTE[k % PALETTE.length], shape: Math.floor(k / PALETTE.length) % SHAPES.length });
    }
    for (const each of paint) each.color = toColor(each.css);
    while (paint.length < 256) paint.push(paint[0]); // whatever comes has a colour
    this.paint = paint;
    this.#drawLegend(names, of);
    this.#look();
  }

  #drawLegend(names, of) {
    const counts = new Uint32Array(256);
    for (let i = 0; i < of.length; i += 1) counts[of[i]] += 1;
    const key = (code, name) => {
      const { css, shape } = this.paint[code];
      const dot = element("span", { className: `dot ${SHAPES[shape]}` });
      dot.style.background = css;
      const found = element("button", { type: "button", className: "key" }, dot, `${name} `);
      found.append(element("span", { className: "count", textContent: counts[code].toLocaleString() }));
      found.onclick = () => this.#toggle(code, found);
      found.setAttribute("aria-pressed", String(!this.hidden.has(code)));
      return found;
    };
    const keys = names.map((name, k) => key(k + 1, name));
    if (counts[0]) keys.push(key(0, "not known"));
    this.legend.replaceChildren(...keys);
  }

  #toggle(code, key) {
    if (!this.hidden.delete(code)) this.hidden.add(code);
    key.setAttribute("aria-pressed", String(!this.hidden.has(code)));
    this.#look();
  }

  /** What is on show has changed; nothing moves. */
  #look() {
    if (!this.cloud || !this.paint) return;
    const n = this.cloud.setLook(this.#own, this.hidden, this.passing);
    this.tiles.setPaint(this.#own.of, this.paint);
    this.centres = this.cloud.centres(this.#own);
    const all = this.cloud.n === n;
    this.say(`${n.toLocaleString()} ${n === 1 ? "dot" : "dots"}${all ? "" : " shown"}`);
    this.#rest();
    this.draw();
  }

  // -- places -------------------------------------------------------------------

  #resize() {
    const { clientWidth: w, clientHeight: h } = this.canvas;
    if (!w || !h) return;
    const ratio = Math.min(window.devicePixelRatio || 1, MOST_RATIO);
    const isOther = ratio !== this.ratio;
    const isFirst = !this.w;
    Object.assign(this, { w, h, ratio });
    this.canvas.width = Math.round(w * ratio);
    this.canvas.height = Math.round(h * ratio);
    if (this.cloud) {
      if (isOther) this.tiles.setCloud(this.cloud, ratio);
      if (isFirst) this.#fit();
    }
    this.#rest();
    this.draw();
  }

  /** The view of all points. */
  #fit() {
    if (!this.cloud || !this.w) return;
    const [left, top, right, bottom] = this.cloud.box();
    const span = Math.max((right - left) / this.w, (bottom - top) / this.h, (0.02 * EXTENT) / this.w);
    this.scale = (FIT_SHARE * EXTENT) / span; // px for the whole map
    this.center = [(left + right) / 2 / EXTENT, (top + bottom) / 2 / EXTENT];
    this.fitted = this.scale;
    this.#moved();
  }

  get #corner() {
    return [this.center[0] - this.w / 2 / this.scale, this.center[1] - this.h / 2 / this.scale];
  }

  #screen(x, y) {
    return [
      this.w / 2 + (x / EXTENT - this.center[0]) * this.scale,
      this.h / 2 + (y / EXTENT - this.center[1]) * this.scale,
    ];
  }

  #place(i) {
    return this.#screen(this.cloud.x[i] + 0.5, this.cloud.y[i] + 0.5);
  }

  /** Of a place of the canvas, in the points' numbers. */
  #world(px, py) {
    return [
      (this.center[0] + (px - this.w / 2) / this.scale) * EXTENT - 0.5,
      (this.center[1] + (py - this.h / 2) / this.scale) * EXTENT - 0.5,
    ];
  }

  #near(px, py, reach, most = 1) {
    return this.cloud.near(...this.#world(px, py), (reach * EXTENT) / this.scale, most);
  }

  /** What stays in its place when a button or a key zooms: the cursor or the dot that plays, if they are seen. */
  #anchor() {
    const isSeen = ([x, y]) => x >= 0 && y >= 0 && x <= this.w && y <= this.h;
    const own = [this.cursor, this.picked].filter((i) => i !== null && i >= 0 && i < this.cloud?.n);
    return own.map((i) => this.#place(i)).find(isSeen) ?? [this.w / 2, this.h / 2];
  }

  #zoomBy(factor, px, py) {
    if (!this.fitted) return;
    const [x, y] = this.#world(px, py);
    this.scale = Math.min(Math.max(this.scale * factor, ZOOM.farther * this.fitted), ZOOM.most * this.fitted);
    this.labels = [];
    this.#pan(this.#screen(x, y), [px, py]);
  }

  /** What lay at one place of the screen comes to lie at another. */
  #pan(from, to) {
    const { center, scale } = this;
    const hold = (v) => Math.min(Math.max(v, -0.1), 1.1); // so that nobody loses it
    this.center = [hold(center[0] + (from[0] - to[0]) / scale), hold(center[1] + (from[1] - to[1]) / scale)];
    this.#moved();
  }

  #moved() {
    this.tip.hidden = true;
    this.#rest();
    this.draw();
  }

  /** Lay out names once the hand rests. */
  #rest() {
    clearTimeout(this.resting);
    this.resting = setTimeout(() => {
      this.#layOut();
      this.draw();
    }, REST_MS);
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
      focus: () => this.draw(),
      blur: () => this.draw(),
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
    if (event.button !== 0 || !this.fitted) return;
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
    if (press.moved) this.#drag(press, here);
    press.last = here;
    pointers.set(event.pointerId, here);
  }

  #release(event) {
    const { press } = this;
    this.pointers.delete(event.pointerId);
    if (press && event.type !== "pointercancel") {
      if (!press.moved) this.#tap(...press.from, reachOf(event));
      else if (this.outline) this.#select();
    }
    this.press = this.outline = null;
    this.draw();
  }

  /** The wheel scrolls the page until the map is in use. */
  #wheel(event) {
    if (!this.fitted || (this.parent.activeElement !== this.canvas && !event.ctrlKey)) return;
    event.preventDefault();
    this.#zoomBy(Math.exp(-event.deltaY * 0.002), ...this.#placeOf(event));
  }

  #drag(press, here) {
    if (this.mode === "move") {
      this.#pan(press.last, here);
      return;
    }
    press.path.push(here);
    this.outline = outlineOf(this.mode, press.path);
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

  #hover(px, py, reach) {
    if (!this.fitted || !this.names) return;
    const [i] = this.#near(px, py, reach);
    this.tip.hidden = i === undefined;
    if (i === undefined) return;
    this.tip.textContent = this.names.at(i);
    const [x, y] = [Math.min(px + 12, this.w - this.tip.offsetWidth), Math.max(py - 30, 0)];
    this.tip.style.transform = `translate(${x}px, ${y}px)`;
  }

  #tap(px, py, reach) {
    const [nearest] = this.#near(px, py, reach);
    if (nearest === undefined) return;
    const stack = this.#near(...this.#place(nearest), STACK_PX, 64).sort((a, b) => a - b);
    const at = stack.indexOf(this.picked);
    const i = at < 0 ? nearest : stack[(at + 1) % stack.length];
    this.#pick(i, stack.length);
  }

  #pick(i, nHere = 1) {
    this.picked = i;
    const many =
      nHere > MOST_IN_TURN ? "; many dots lie here, zoom in" : `; ${nHere} dots lie here, a tap plays the next`;
    const more = nHere > 1 ? many : "";
    this.say(`${this.names?.at(i) ?? "A loop"}${more}`);
    this.count += 1;
    this.setStateValue("picked", { index: i, count: this.count });
    this.draw();
  }

  #select() {
    const { bits, count } = this.cloud.inside(this.outline.map(([x, y]) => this.#world(x, y)));
    this.say(count ? `${count.toLocaleString()} ${count === 1 ? "dot" : "dots"} chosen` : "Nothing inside");
    if (count) this.setTriggerValue("selected", { bits: toBase64(bits) });
  }

  #key(event) {
    const ways = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
    if (!this.fitted) return;
    const way = ways[event.key];
    if (event.key === "+" || event.key === "-")
      this.#zoomBy(event.key === "+" ? ZOOM.step : 1 / ZOOM.step, ...this.#anchor());
    else if (event.key === "Home") this.#fit();
    else if (event.key === "Enter" && this.cursor >= 0) this.#pick(this.cursor);
    else if (way && event.shiftKey) {
      const far = PAN_SHARE * Math.min(this.w, this.h);
      this.#pan([way[0] * far, way[1] * far], [0, 0]);
    } else if (way) this.#step(...way);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  /** The cursor to the nearest point in a direction. */
  #step(dx, dy) {
    const { cloud, cursor } = this;
    const from = cursor < 0 ? this.center.map((v) => v * EXTENT) : [cloud.x[cursor], cloud.y[cursor]];
    const found = cloud.towards(...from, dx, dy);
    if (found < 0) return;
    this.cursor = found;
    this.say(this.names?.at(found) ?? "A loop");
    const [px, py] = this.#place(found);
    if (px < 20 || py < 20 || px > this.w - 20 || py > this.h - 20) this.#pan([px, py], [this.w / 2, this.h / 2]);
    this.draw();
  }

  say(words) {
    this.status.textContent = words;
  }

  // -- names --------------------------------------------------------------------

  /** Far away what the clouds are, close by the names of files; none over another. */
  #layOut() {
    if (!this.fitted) return;
    const g = this.canvas.getContext("2d");
    g.font = this.#font(13);
    this.labels = [];
    if (this.scale < LABELS.farthest * this.fitted && this.cloud.n > LABELS.points) {
      const named = this.centres.slice(0, LABELS.clouds).map(({ code, x, y }) => [this.#own.names[code - 1], x, y]);
      for (const [text, x, y] of named) this.#put(g, text, x, y, true);
      return;
    }
    if (!this.names) return;
    for (const i of this.#inView()) {
      if (this.labels.length >= LABELS.most) break;
      const text = this.names.at(i);
      const short = text.length > LABELS.letters ? `${text.slice(0, LABELS.letters - 1)}…` : text;
      this.#put(g, short, this.cloud.x[i] + 0.5, this.cloud.y[i] + 0.5, false);
    }
  }

  /** Shown points on the screen, the results first; none where there are too many to name. */
  #inView() {
    const [left, top] = this.#world(0, 0);
    const [right, bottom] = this.#world(this.w, this.h);
    const { cloud } = this;
    const found = [];
    cloud.forRuns(left, top, right, bottom, (from, to) => {
      for (let i = from; i < to && found.length <= LABELS.points; i += 1) {
        const isInside = cloud.x[i] >= left && cloud.x[i] <= right && cloud.y[i] >= top && cloud.y[i] <= bottom;
        if (isInside && cloud.look[i] === 2) found.push(i);
      }
      return found.length <= LABELS.points;
    });
    return found.length > LABELS.points ? this.results : [...new Set([...this.results, ...found])];
  }

  #put(g, text, x, y, isCloud) {
    const width = g.measureText(text).width;
    const [px, py] = this.#screen(x, y);
    const label = { text, x, y, dx: isCloud ? -width / 2 : 8, isCloud };
    const box = { left: px + label.dx, top: py - LABELS.height / 2, width };
    if (px < 0 || py < 0 || px > this.w || py > this.h) return;
    const meets = ({ box: other }) =>
      box.left < other.left + other.width + 6 &&
      other.left < box.left + box.width + 6 &&
      Math.abs(box.top - other.top) < LABELS.height;
    if (!this.labels.some(meets)) this.labels.push({ ...label, box });
  }

  #font(px) {
    return `600 ${px}px ${this.fontFamily ?? "sans-serif"}`;
  }

  // -- drawing ------------------------------------------------------------------

  draw() {
    if (this.drawing) return;
    this.drawing = requestAnimationFrame((now) => {
      this.drawing = null;
      this.#paint(now);
    });
  }

  #paint() {
    if (!this.fitted || !this.w) return;
    const until = performance.now() + PAINT_MS;
    const { ratio, w, h } = this;
    const view = [...this.#corner, this.scale * ratio, w * ratio, h * ratio];
    const isMore = this.tiles.work(...view, until);
    const g = this.canvas.getContext("2d");
    g.setTransform(1, 0, 0, 1, 0, 0);
    g.clearRect(0, 0, this.canvas.width, this.canvas.height);
    this.tiles.draw(g, ...view);
    g.setTransform(ratio, 0, 0, ratio, 0, 0);
    this.#paintMarks(g);
    this.root.dataset.isPainted = String(!isMore);
    if (isMore) this.draw();
  }

  #paintMarks(g) {
    const style = (this.style ??= getComputedStyle(this.root));
    const [text, ground] = [style.color, style.getPropertyValue("--ground").trim() || "#fff"];
    this.fontFamily = style.fontFamily;
    const ring = (i, r, width, color) => {
      const [x, y] = this.#place(i);
      g.beginPath();
      g.arc(x, y, r, 0, 2 * Math.PI);
      Object.assign(g, { strokeStyle: color, lineWidth: width });
      g.stroke();
    };
    for (const i of this.results) {
      ring(i, 6, 4, ground);
      ring(i, 6, 2, text);
    }
    const { picked } = this;
    if (picked !== null && picked < this.cloud.n) for (const r of [9, 12.5]) ring(picked, r, 1.75, text);
    if (this.cursor >= 0 && this.parent.activeElement === this.canvas) ring(this.cursor, 15, 1.75, text);
    Object.assign(g, { fillStyle: text, strokeStyle: ground, lineWidth: 3, lineJoin: "round" });
    Object.assign(g, { font: this.#font(13), textBaseline: "middle" });
    for (const { text: words, x, y, dx } of this.labels) {
      const [px, py] = this.#screen(x, y);
      g.strokeText(words, px + dx, py);
      g.fillText(words, px + dx, py);
    }
    if (this.outline) this.#paintOutline(g, text);
  }

  #paintOutline(g, color) {
    g.beginPath();
    for (const [x, y] of this.outline) g.lineTo(x, y);
    g.closePath();
    Object.assign(g, { fillStyle: color, strokeStyle: color, lineWidth: 1.5 });
    g.globalAlpha = 0.12;
    g.fill();
    g.globalAlpha = 1;
    g.stroke();
  }
}

/** [r, g, b] of "#rrggbb" or "rgb(r, g, b)". */
function toColor(css) {
  return css.startsWith("#")
    ? [1, 3, 5].map((at) => Number.parseInt(css.slice(at, at + 2), 16))
    : css.match(/\d+/g).map(Number);
}
