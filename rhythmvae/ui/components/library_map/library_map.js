// A library as a map: clouds from far away, names from close by; a tap plays, a box or lasso chooses.
//
// `points` and `names` are files that a browser keeps (ui/components/library_map). What changes from run to run comes
// as data: which points pass the filters, which are results, which one plays. Bitmaps of points are painted by tiles.js
// in what is left of a frame; what lies over them is drawn here.

import { element, hearFinger, live } from "../assets/dom.js";
import { listenToHands } from "../assets/gestures.js";
import { Ahead, Teller } from "./ahead.js";
import { Bar, paintOf } from "./bar.js";
import { Cloud, EXTENT, fromBase64, Names, toBase64 } from "./cloud.js";
import { laidOut } from "./labels.js";
import { paintMarks } from "./marks.js";
import { Tiles } from "./tiles.js";
import { View } from "./view.js";

const STACK_PX = 1.5; // points so near lie on one spot, and taps take turns among them
const MOST_IN_TURN = 8; // of more nobody taps through all
const ALIKE_PX = 10; // farther than the nearest: a finger means any of these, and one that is here plays at once
const MOST_ALIKE = 64;
const ZOOM_STEP = 1.6;
const PAN_SHARE = 0.2; // of the canvas's shorter side, that a key moves it
const EDGE_PX = 20; // nearer to it the map follows the cursor
const PAINT_MS = 5; // of a frame, for bitmaps
const REST_MS = 160; // after which names are laid out
const TAKE_OVER_MS = 600; // in which the card that Python makes of a tapped loop takes the sound over
const MOST_RATIO = 2; // pixels a px; more of them are not seen in clouds

export function mount(component, base) {
  const parts = { map: LibraryMap, ahead: Teller };
  return live(component, (parent) => new parts[component.data.part](parent, base));
}

class LibraryMap {
  constructor(parent, base) {
    Object.assign(this, { parent, base, cloud: null, names: null, hidden: new Set(), mode: "pick" });
    Object.assign(this, { picked: null, cursor: -1, passing: null, results: [], labels: [], outline: null });
    this.view = new View();
    this.tiles = new Tiles();
    this.ahead = new Ahead(base);
    this.#build();
    this.resized = new ResizeObserver(() => this.#resize());
    this.resized.observe(this.canvas);
  }

  remove() {
    this.resized.disconnect();
    this.ahead.remove();
    clearTimeout(this.resting);
    clearTimeout(this.leaving);
    cancelAnimationFrame(this.drawing);
    hearFinger(null);
    this.root.remove();
  }

  update({ data, setStateValue, setTriggerValue }) {
    Object.assign(this, { data, setStateValue, setTriggerValue });
    this.count ??= data.answered;
    if (data.answered === this.count) {
      this.picked = data.here; // while a tap is on its way, the hand knows better
      this.#leave();
    }
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
    this.#setMode(this.mode);
    this.draw();
  }

  async #load(points, names) {
    this.say("Fetching the map");
    this.names = null;
    this.ahead.change(null);
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
      this.ahead.change(points);
      this.tiles.setCloud(cloud, this.ratio ?? 1);
      this.bar.offer(cloud.columns, this.column);
      this.#fit();
      this.#color(this.column);
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

  #build() {
    this.bar = new Bar({
      color: (column) => this.#color(column),
      mode: (mode) => this.#setMode(mode),
      zoom: (way) => this.#zoomBy(ZOOM_STEP ** way, ...this.#anchor()),
      all: () => this.#fit(),
      hide: (code, isHidden) => this.#hide(code, isHidden),
    });
    this.canvas = element("canvas", {
      tabIndex: 0,
      role: "application",
      ariaLabel:
        "Map of the library: arrow keys walk from loop to loop, Enter plays, plus and minus zoom. " +
        "The results below the map are the same loops as a list.",
    });
    this.tip = element("div", { className: "tip", hidden: true });
    this.status = element("div", { className: "status", role: "status" });
    const stage = element("div", { className: "stage" }, this.canvas, this.bar.zooms, this.tip);
    this.root = element("div", { className: "library-map" }, this.bar.tools, stage, this.bar.legend, this.status);
    this.parent.append(this.root);
    this.#listen();
  }

  #listen() {
    listenToHands(this.canvas, {
      isReady: () => this.isReady,
      isInUse: () => this.isReady && this.parent.activeElement === this.canvas,
      mode: () => this.mode,
      press: (here) => this.#want(here),
      tap: (here, reach) => this.#tap(...here, reach),
      hover: (here, reach) => this.#hover(...here, reach),
      leave: () => {
        this.tip.hidden = true;
      },
      pan: (from, to) => this.#pan(from, to),
      zoom: (factor, at) => this.#zoomBy(factor, ...at),
      outline: (outline) => {
        this.outline = outline;
        this.draw();
      },
      collect: () => this.#select(),
      key: (key, isShifted) => this.#key(key, isShifted),
      redraw: () => this.draw(),
    });
  }

  /** Whether there are points to see. */
  get isReady() {
    return this.view.fitted > 0;
  }

  #setMode(mode) {
    this.mode = mode;
    this.bar.showMode(mode);
    this.canvas.style.cursor = mode === "pick" ? "grab" : "crosshair";
  }

  // -- what is on show ----------------------------------------------------------

  get #own() {
    return this.cloud.columns[this.column] ?? { names: [], of: new Uint8Array(this.cloud.n) };
  }

  #color(column) {
    if (column !== this.column) this.hidden.clear();
    this.column = column;
    this.paint = paintOf(this.#own);
    this.bar.showLegend(this.#own, this.paint, this.hidden);
    this.#look();
  }

  #hide(code, isHidden) {
    if (isHidden) this.hidden.add(code);
    else this.hidden.delete(code);
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

  say(words) {
    this.status.textContent = words;
  }

  #nameOf(i) {
    return this.names?.at(i) ?? "A loop";
  }

  // -- which part of it ---------------------------------------------------------

  #resize() {
    const { clientWidth: w, clientHeight: h } = this.canvas;
    if (!w || !h) return;
    const ratio = Math.min(window.devicePixelRatio || 1, MOST_RATIO);
    const isOther = ratio !== this.ratio;
    const isFirst = !this.view.w;
    this.ratio = ratio;
    Object.assign(this.view, { w, h });
    this.canvas.width = Math.round(w * ratio);
    this.canvas.height = Math.round(h * ratio);
    if (this.cloud) {
      if (isOther) this.tiles.setCloud(this.cloud, ratio);
      if (isFirst) this.#fit();
    }
    this.#rest();
    this.draw();
  }

  #fit() {
    if (!this.cloud || !this.view.w) return;
    this.view.fit(this.cloud.box());
    this.#moved();
  }

  /** Of a point, in px. */
  #place(i) {
    return this.view.screen(this.cloud.x[i] + 0.5, this.cloud.y[i] + 0.5);
  }

  #near(px, py, reach, most = 1) {
    return this.cloud.near(...this.view.world(px, py), this.view.away(reach), most);
  }

  /** What stays in its place when a button or a key zooms: the cursor or the dot that plays, if they are seen. */
  #anchor() {
    const own = [this.cursor, this.picked].filter((i) => i !== null && i >= 0 && i < this.cloud?.n);
    return own.map((i) => this.#place(i)).find((at) => this.view.sees(...at)) ?? this.#middle;
  }

  get #middle() {
    return [this.view.w / 2, this.view.h / 2];
  }

  #zoomBy(factor, px, py) {
    if (!this.isReady) return;
    this.labels = [];
    this.view.zoomBy(factor, px, py);
    this.#moved();
  }

  #pan(from, to) {
    this.view.pan(from, to);
    this.#moved();
  }

  #moved() {
    this.tip.hidden = true;
    this.#rest();
    this.draw();
  }

  /** Once the hand rests, names are laid out, and grooves come that it may tap. */
  #rest() {
    clearTimeout(this.resting);
    this.resting = setTimeout(() => {
      if (!this.isReady) return;
      this.#layOut();
      this.#want(this.#middle);
      this.draw();
    }, REST_MS);
  }

  #want(near) {
    if (this.isReady) this.ahead.look(this.cloud, this.view, near, this.results);
  }

  #layOut() {
    const { cloud, view, centres, names, results } = this;
    const g = this.canvas.getContext("2d");
    g.font = this.#looks.font;
    const measured = (text) => g.measureText(text).width;
    this.labels = laidOut(measured, { cloud, view, own: this.#own, centres, names, results });
  }

  // -- hands --------------------------------------------------------------------

  #hover(px, py, reach) {
    if (!this.isReady || !this.names) return;
    const [i] = this.#near(px, py, reach);
    this.tip.hidden = i === undefined;
    if (i === undefined) return;
    this.tip.textContent = this.names.at(i);
    const [x, y] = [Math.min(px + 12, this.view.w - this.tip.offsetWidth), Math.max(py - 30, 0)];
    this.tip.style.transform = `translate(${x}px, ${y}px)`;
  }

  #tap(px, py, reach) {
    const alike = this.#near(px, py, reach, MOST_ALIKE);
    if (!alike.length) return;
    const stack = this.#near(...this.#place(alike[0]), STACK_PX, MOST_ALIKE).sort((a, b) => a - b);
    const at = stack.indexOf(this.picked);
    const away = (i) => Math.hypot(this.#place(i)[0] - px, this.#place(i)[1] - py);
    const most = away(alike[0]) + ALIKE_PX;
    const first = alike.find((i) => this.ahead.has(i) && i !== this.picked && away(i) <= most) ?? alike[0];
    this.#pick(at < 0 ? first : stack[(at + 1) % stack.length], stack.length);
  }

  #pick(i, nHere = 1) {
    this.picked = i;
    const many =
      nHere > MOST_IN_TURN ? "; many dots lie here, zoom in" : `; ${nHere} dots lie here, a tap plays the next`;
    this.say(`${this.#nameOf(i)}${nHere > 1 ? many : ""}`);
    const isHeard = this.#hear(i);
    this.count += 1;
    this.setStateValue("picked", { index: i, count: this.count, is_heard: isHeard });
    this.draw();
  }

  /** A point's groove is handed to the deck; whether it is here. */
  #hear(i) {
    clearTimeout(this.leaving);
    const lane = this.ahead.lane(i, this.#nameOf(i), this.data.bpm);
    if (!lane) return false;
    hearFinger({ ...lane, starts: true });
    return true;
  }

  /** Python's card is there, or has nothing to play. */
  #leave() {
    clearTimeout(this.leaving);
    this.leaving = setTimeout(() => hearFinger(null), TAKE_OVER_MS);
  }

  #select() {
    const { bits, count } = this.cloud.inside(this.outline.map(([x, y]) => this.view.world(x, y)));
    this.say(
      count ? `${count.toLocaleString()} ${count === 1 ? "dot" : "dots"} chosen; see below the map` : "Nothing inside",
    );
    if (count) this.setTriggerValue("selected", { bits: toBase64(bits) });
  }

  /** Whether a key is ours. */
  #key(key, isShifted) {
    const ways = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
    if (!this.isReady) return false;
    const way = ways[key];
    if (key === "+" || key === "-") this.#zoomBy(key === "+" ? ZOOM_STEP : 1 / ZOOM_STEP, ...this.#anchor());
    else if (key === "Home") this.#fit();
    else if (key === "Enter" && this.cursor >= 0) this.#pick(this.cursor);
    else if (way && isShifted) {
      const far = PAN_SHARE * Math.min(this.view.w, this.view.h);
      this.#pan([way[0] * far, way[1] * far], [0, 0]);
    } else if (way) this.#step(...way);
    else return false;
    return true;
  }

  /** The cursor to the nearest point in a direction. */
  #step(dx, dy) {
    const { cloud, cursor, view } = this;
    const from = cursor < 0 ? view.center.map((v) => v * EXTENT) : [cloud.x[cursor], cloud.y[cursor]];
    const found = cloud.towards(...from, dx, dy);
    if (found < 0) return;
    this.cursor = found;
    this.say(this.#nameOf(found));
    const at = this.#place(found);
    if (!view.sees(...at, EDGE_PX)) this.#pan(at, this.#middle);
    this.draw();
  }

  // -- drawing ------------------------------------------------------------------

  draw() {
    this.drawing ??= requestAnimationFrame(() => {
      this.drawing = null;
      this.#paint();
    });
  }

  #paint() {
    const { ratio, view, canvas } = this;
    if (!this.isReady || !view.w) return;
    const until = performance.now() + PAINT_MS;
    const seen = [...view.corner, view.scale * ratio, view.w * ratio, view.h * ratio];
    const isMore = this.tiles.work(...seen, until);
    const g = canvas.getContext("2d");
    g.setTransform(1, 0, 0, 1, 0, 0);
    g.clearRect(0, 0, canvas.width, canvas.height);
    this.tiles.draw(g, ...seen);
    g.setTransform(ratio, 0, 0, ratio, 0, 0);
    const { text, ground, font } = this.#looks;
    g.font = font;
    paintMarks(g, this, { text, ground, place: (i) => this.#place(i) });
    this.root.dataset.isPainted = String(!isMore);
    if (isMore) this.draw();
  }

  get #looks() {
    const style = (this.style ??= getComputedStyle(this.root));
    const ground = style.getPropertyValue("--ground").trim() || "#fff";
    return { text: style.color, ground, font: `600 13px ${style.fontFamily}` };
  }
}
