// The latent map: thousands of grooves as points one can walk through by ear. Three layers: the points, a picture that
// is moved while a hand moves the map (dots.js); what lies over them (marks.js); what stands on it (panel.js).
//
// `points` is a file of its own that a browser keeps (ui/components/latent_map): flat coordinates 0 to 1 for each view,
// and for each point its name, categories, numbers and frame. What changes from run to run comes as data.

import { element, hearFinger, live, onHeard } from "../assets/dom.js";
import { listenToHands } from "../assets/gestures.js";
import { Camera } from "./camera.js";
import { Dots } from "./dots.js";
import { Field, cloudNames } from "./field.js";
import { Grooves, Store } from "./grooves.js";
import { lookOf } from "./look.js";
import { Marks } from "./marks.js";
import { Panel } from "./panel.js";

const ZOOM_STEP = 1.5;
const ZOOM_REST_MS = 120; // without zooming, and the points are drawn anew
const WALK_MS = 110; // a walk asks no faster than Python answers
const REST_MS = 220; // a walk that is heard at once tells Python where it rests
const MOST_NAMED = { narrow: 12, wide: 18 }; // clouds

export function mount(component, base) {
  const parts = { map: LatentMap, grooves: Store };
  return live(component, (parent) => new parts[component.data.part](parent, base));
}

class LatentMap {
  constructor(parent, base) {
    Object.assign(this, { parent, base, points: null, query: "", mode: "pick", cursor: -1, picked: null, clouds: [] });
    this.zoomedAt = -Infinity;
    this.view = null; // name of the coordinates on show
    this.colorBy = null;
    this.camera = new Camera();
    this.dots = new Dots();
    this.grooves = new Grooves(base);
    this.#build();
    this.resized = new ResizeObserver(() => this.#resize());
    const page = this.parent.host?.closest("[data-testid=stMainBlockContainer]");
    for (const each of [this.canvas, page]) if (each) this.resized.observe(each); // what is above it may grow
    this.ends = [onHeard((heard) => this.#hears(heard))];
  }

  remove() {
    for (const end of this.ends) end();
    clearTimeout(this.resting);
    this.resized.disconnect();
    this.grooves.remove();
    this.#answered();
    this.root.remove();
  }

  update({ data, setStateValue, setTriggerValue }) {
    Object.assign(this, { data, setStateValue, setTriggerValue });
    this.count ??= data.answered;
    // What plays may be chosen elsewhere on the page. While a tap is on its way, the hand knows better.
    if (data.answered >= this.count) {
      this.#answered();
      this.#follow(data.here);
      if (data.note && this.noted !== `${data.answered} ${data.note}`) this.panel.say(data.note);
      this.noted = `${data.answered} ${data.note}`;
    }
    if (data.points !== this.address) {
      this.address = this.grooves.of = data.points;
      this.#load(data.points);
    }
    this.parts ??= data.taken;
    this.#showParts();
    this.panel.showMode(this.mode);
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
      this.cursor = -1;
      this.grooves.change(points);
      this.#follow(this.data.here, true);
      this.view = Object.keys(points.views).includes(this.view) ? this.view : Object.keys(points.views)[0];
      const colorings = [...Object.keys(points.categories), ...Object.keys(points.numbers)];
      this.colorBy = colorings.includes(this.colorBy) ? this.colorBy : colorings[0];
      this.panel.offer(Object.keys(points.views), this.view, colorings, this.colorBy);
      this.#show(this.view);
      const n = points.name.length;
      this.say(`${n.toLocaleString()} ${n === 1 ? "groove" : "grooves"}`);
    } catch (error) {
      this.say(`The map did not load (${error.message}); reload the page to try again.`);
    }
  }

  #build() {
    this.panel = new Panel({
      view: (name) => this.#show(name),
      color: (name) => this.#color(name),
      filter: () => this.#filter(),
      search: (words) => this.#find(words),
      mode: (mode) => this.#setMode(mode),
      zoom: (way) => this.#zoomBy(ZOOM_STEP ** way),
      reset: () => this.#reset(),
      parts: (parts) => this.#takeParts(parts),
      take: () => this.setTriggerValue("take", { count: this.count }),
      near: () => document.querySelector(".st-key-here")?.scrollIntoView({ behavior: "smooth", block: "start" }),
    });
    this.canvas = element("canvas", {
      className: "marks",
      tabIndex: 0,
      role: "application",
      ariaLabel: "Map of grooves: arrow keys walk from point to point, Enter plays",
    });
    this.tip = element("div", { className: "tip", hidden: true });
    this.marks = new Marks(this.canvas);
    this.stage = element("div", { className: "stage" }, this.dots.root, this.canvas, this.panel.root, this.tip);
    this.root = element("div", { className: "map" }, this.stage);
    this.parent.append(this.root);
    this.gestures = listenToHands(this.canvas, this.#hands);
    this.#setMode(this.mode);
  }

  #setMode(mode) {
    this.mode = mode;
    this.panel.showMode(mode);
    this.canvas.style.cursor = mode === "pick" ? "grab" : "crosshair";
  }

  // -- what is on show --------------------------------------------------------------

  #show(view) {
    this.view = view;
    this.field = new Field(this.points.views[view]);
    this.camera.fit(this.field.at);
    this.#color(this.colorBy);
  }

  #color(name) {
    const isOther = name !== this.colorBy || !this.look;
    this.colorBy = name;
    this.look = lookOf(this.points, name);
    if (isOther || this.look.category !== this.legendOf) this.panel.show(this.look, name);
    this.legendOf = this.look.category;
    this.#filter();
  }

  #find(words) {
    this.query = words.trim().toLowerCase();
    this.#filter();
    const n = this.field?.nShown ?? 0;
    this.say(`${n.toLocaleString()} ${this.query ? "found" : n === 1 ? "groove" : "grooves"}`);
  }

  #filter() {
    if (!this.field) return;
    const { group } = this.look;
    this.names ??= new WeakMap();
    if (!this.names.has(this.points))
      this.names.set(
        this.points,
        this.points.name.map((name) => name.toLowerCase()),
      );
    const names = this.names.get(this.points);
    this.field.show((i) => this.panel.isShown(group[i]) && (!this.query || names[i].includes(this.query)));
    this.dots.change(this.field, this.look);
    this.#nameClouds();
    this.draw();
  }

  /** Where names stand does not change while the map moves, so they do not jump. */
  #nameClouds() {
    const { category } = this.look ?? {};
    this.clouds = [];
    if (!category || !this.camera.w) return;
    const all = new Camera();
    const { w, h, inset, box } = this.camera;
    Object.assign(all, { w, h, inset, box });
    all.reset();
    const most = this.panel.isWide ? MOST_NAMED.wide : MOST_NAMED.narrow;
    this.clouds = cloudNames(this.field, category, all, this.marks.widthOf, this.marks.nameHigh, most);
  }

  // -- places -----------------------------------------------------------------------

  /** It fills what is above the deck; below it the page goes on. */
  #resize() {
    const page = this.parent.host?.closest("[data-testid=stMain]");
    const top = this.stage.getBoundingClientRect().top + (page?.scrollTop ?? 0);
    this.root.style.setProperty("--top", `${Math.round(top)}px`);
    const ratio = window.devicePixelRatio || 1;
    const { clientWidth: w, clientHeight: h } = this.canvas;
    if (!w || !h || (w === this.camera.w && h === this.camera.h && ratio === this.ratio)) return;
    this.ratio = ratio;
    Object.assign(this.camera, { w, h, inset: this.panel.fit(w) });
    this.marks.resize(w, h, ratio);
    if (this.field) this.#nameClouds();
    this.draw();
  }

  #placeOf(point) {
    const { at } = this.field;
    return [at[2 * point], at[2 * point + 1]];
  }

  get #own() {
    return this.data.own[this.view] ?? NONE;
  }

  /** What is under a hand: {kind: "point" or "own", index}; null if nothing is. */
  #under(px, py, reach) {
    if (!this.field) return null;
    const { camera } = this;
    const badge = this.marks.badgeAt(this.#own, camera, px, py, reach);
    const near = this.field.nearest(...camera.world(px, py), reach / camera.scale);
    if (badge && (!near || badge.distance <= near.distance * camera.scale)) return { kind: "own", index: badge.k };
    return near && { kind: "point", index: near.index };
  }

  #nameOf({ kind, index }) {
    return kind === "point" ? this.points.name[index] : (this.#own[index]?.name ?? "");
  }

  #reset() {
    this.camera.reset();
    this.draw();
  }

  #zoomBy(factor, ...at) {
    this.zoomedAt = performance.now();
    this.camera.zoomBy(factor, ...(at.length ? at : this.camera.middle));
    this.draw();
  }

  #pan(from, to) {
    this.camera.pan(from, to);
    this.draw();
  }

  // -- hands ------------------------------------------------------------------------

  /** What `Gestures` calls. */
  get #hands() {
    const redraw = () => this.draw();
    return {
      isReady: () => this.points !== null,
      isInUse: () => this.parent.activeElement === this.canvas,
      mode: () => this.mode,
      pan: (from, to) => this.#pan(from, to),
      zoom: (factor, at) => this.#zoomBy(factor, ...at),
      hover: (at, reach) => this.#hover(...at, reach),
      leave: () => {
        this.tip.hidden = true;
      },
      tap: (at, reach) => this.#tap(...at, reach),
      walk: (at, reach, isEnd) => this.#walk(...at, reach, isEnd),
      outline: (outline) => {
        this.outline = outline;
        this.draw();
      },
      collect: () => this.#collect(),
      key: (key) => this.#key(key),
      redraw,
    };
  }

  #hover(px, py, reach) {
    if (!this.points) return;
    const point = this.#under(px, py, reach);
    this.tip.hidden = point === null;
    if (point === null) return;
    const name = this.#nameOf(point);
    if (this.tip.textContent !== name) {
      this.tip.textContent = name;
      this.tipWidth = this.tip.offsetWidth;
    }
    const [x, y] = [Math.min(px + 12, this.camera.w - this.tipWidth), Math.max(py - 30, 0)];
    this.tip.style.transform = `translate(${x}px, ${y}px)`;
  }

  #tap(px, py, reach) {
    const point = this.#under(px, py, reach);
    if (point !== null) this.#pick(point);
    else if (this.data.decodable.includes(this.view)) {
      const place = this.camera.world(px, py);
      this.picked = { kind: "place", places: { [this.view]: place } };
      this.say("Between the points");
      this.#send({ kind: "place", view: this.view, place });
    }
  }

  /** What a drag passes is heard at once where its groove is here; Python is told where the hand rests. */
  #walk(px, py, reach, isEnd = false) {
    const point = this.#under(px, py, 2 * reach);
    if (point === null) return;
    const isSame = point.kind === this.picked?.kind && point.index === this.picked.index;
    if (!isSame && this.#hear(point)) this.#pass(point);
    else if (!isSame && !this.isUntold) this.#ask(point, isEnd);
    if (isEnd && this.isUntold) this.#tell();
  }

  /** A point plays already: what Python says of the one before is outdated. */
  #pass(point) {
    this.picked = point;
    this.say(this.#nameOf(point));
    this.count += this.isUntold ? 0 : 1;
    this.isUntold = true;
    clearTimeout(this.resting);
    this.resting = setTimeout(() => this.#tell(), REST_MS);
  }

  #ask(point, isEnd) {
    const now = performance.now();
    if (!isEnd && now - (this.walkedAt ?? 0) < WALK_MS) return;
    this.walkedAt = now;
    this.#pick(point);
  }

  /** Python hears of a point that plays already. */
  #tell() {
    if (!this.isUntold) return;
    clearTimeout(this.resting);
    this.isUntold = false;
    this.count -= 1;
    this.#send({ ...this.picked, is_heard: true });
  }

  #pick(point) {
    clearTimeout(this.resting);
    if (this.isUntold) this.count -= 1;
    this.isUntold = false;
    const isHeard = this.#hear(point);
    this.picked = point;
    this.say(this.#nameOf(point));
    this.draw();
    this.#send({ ...point, is_heard: isHeard });
  }

  #send(picked) {
    this.count += 1;
    this.setStateValue("picked", { ...picked, count: this.count });
  }

  // -- what is heard ----------------------------------------------------------------

  /** A point's groove is handed to the deck; whether it is here. */
  #hear({ kind, index }) {
    const lane = kind === "point" ? this.grooves.lane(index) : null;
    if (!lane) return false;
    const { parts } = this;
    const { base, voices } = this.data;
    const made = parts.length && {
      swap: { parts, voices },
      label: `${base} with the ${listed(parts)} of ${lane.label}`,
    };
    hearFinger({ ...lane, ...made, starts: true });
    this.isFinger = true;
    return true;
  }

  /** Python's own answer is there. */
  #answered() {
    if (this.isFinger) hearFinger(null);
    this.isFinger = false;
  }

  /** The ring goes to what plays, and the map with it where it is out of sight. */
  #follow(here, isNew = false) {
    const key = JSON.stringify(here);
    if (key === this.here && !isNew) return;
    this.here = key;
    this.picked = here;
    const at = this.field && this.#placeIn(here);
    if (at && !isNew && !this.camera.sees(...at)) this.camera.center = at;
  }

  /** Where something lies on the map; null where that is nowhere. */
  #placeIn(shown) {
    if (shown?.kind === "point") return shown.index < this.field.n ? this.#placeOf(shown.index) : null;
    if (shown?.kind === "own") {
      const own = this.#own[shown.index];
      return own ? [own.x, own.y] : null;
    }
    return shown?.places?.[this.view] ?? null;
  }

  /** The deck plays something else than what was chosen here: the groove in hand, or a card. */
  #hears({ role, id }) {
    const kept = role === "card" && this.data?.tray.find((each) => each.id === id);
    this.elsewhere = kept ? { kind: "point", index: kept.index } : role === "original" ? this.data?.hand : null;
    this.draw();
  }

  #takeParts(parts) {
    this.parts = parts;
    this.#showParts();
    if (this.picked?.kind === "point") this.#hear(this.picked);
    this.count += 1;
    this.setStateValue("parts", { parts, count: this.count });
  }

  #showParts() {
    this.panel.showParts(this.data.parts, this.parts, this.data.base);
    this.panel.take.hidden = !this.data.takes;
  }

  #collect() {
    const found = this.field.inside(this.outline.map((place) => this.camera.world(...place)));
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

  /** Whether a key means something here. */
  #key(key) {
    const ways = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };
    if (!this.field) return false;
    if (key === "+" || key === "-") this.#zoomBy(key === "+" ? ZOOM_STEP : 1 / ZOOM_STEP);
    else if (key === "Enter" && this.cursor >= 0) this.#pick({ kind: "point", index: this.cursor });
    else if (ways[key]) this.#step(...ways[key]);
    else return false;
    return true;
  }

  /** The cursor to the nearest point in a direction. */
  #step(dx, dy) {
    const from = this.cursor < 0 ? (this.#placeIn(this.picked) ?? this.camera.center) : this.#placeOf(this.cursor);
    const best = this.field.next(from, dx, dy);
    if (best < 0) return;
    this.cursor = best;
    this.say(`${this.points.name[best]}, bar ${this.points.bar[best]}`); // many bars of one take have one name
    const at = this.#placeOf(best);
    if (!this.camera.sees(...at)) this.camera.center = at;
    this.draw();
  }

  say(words) {
    this.panel.say(words);
  }

  // -- drawing ----------------------------------------------------------------------

  draw() {
    this.drawing ??= requestAnimationFrame(() => {
      this.drawing = null;
      if (this.#paint()) this.draw();
    });
  }

  /** A frame; whether the points are still being drawn. */
  #paint() {
    const { camera, field } = this;
    if (!field || !camera.w) return false;
    const isDrawing = this.dots.frame(camera, performance.now() - this.zoomedAt < ZOOM_REST_MS);
    const shown = this.elsewhere ?? this.picked;
    this.marks.paint({
      camera,
      ...this.#inks(),
      clouds: this.clouds,
      own: this.#own,
      tray: this.data.tray.filter(({ index }) => index < field.n).map(({ index }) => this.#placeOf(index)),
      corners: this.data.corners[this.view] ?? NONE,
      heard: this.#ring(shown),
      cursor: this.cursor >= 0 && this.parent.activeElement === this.canvas ? this.#placeOf(this.cursor) : null,
      outline: this.outline,
    });
    return isDrawing;
  }

  /** Of text and of what is below it. They are not asked for while a hand moves: that takes a millisecond a frame. */
  #inks() {
    if (!this.colors || !this.gestures.isDown) {
      const { color, backgroundColor } = getComputedStyle(this.root);
      this.colors = { ink: color, ground: backgroundColor };
    }
    return this.colors;
  }

  /** Where a ring is drawn: {at} on the map, or {on} the screen, around a badge. */
  #ring(shown) {
    if (shown?.kind !== "own") {
      const at = this.#placeIn(shown);
      return at && { at };
    }
    const on = this.marks.badges(this.#own, this.camera)[shown.index];
    return on ? { on } : null;
  }
}

const NONE = [];

function listed(words) {
  return words.length === 1 ? words[0] : `${words.slice(0, -1).join(", ")} and ${words.at(-1)}`;
}
