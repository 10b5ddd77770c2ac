// The pad: a square of decoded grooves between four corners. What lies under a finger is played at once; a path that is
// drawn is played bar by bar, each bar whole and of one groove. Python hears of the place where the finger rests.

import { element, hearFinger, live, onMove } from "../assets/dom.js";

const REST_MS = 220; // a finger that has not moved for so long rests
const GAP = 0.06; // between two cells, of a cell
const POINT_PX = 11;
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

export function mount(component, base) {
  return live(component, (parent) => new Pad(parent, base));
}

class Pad {
  constructor(parent, base) {
    Object.assign(this, { parent, base, mode: "move", lattice: null, at: null, path: [], serial: 0, isHeard: false });
    this.canvas = element("canvas", { tabIndex: 0, role: "application" });
    this.corners = [0, 1, 2, 3].map(() => element("span", { className: "corner" }));
    const button = (mode, textContent) =>
      element("button", { type: "button", textContent, dataset: { mode }, onclick: () => this.#setMode(mode) });
    this.modes = [button("move", "Move"), button("draw", "Draw a path")];
    this.status = element("div", { className: "status", role: "status" });
    const act = (what) => () => this.setTriggerValue("act", what);
    this.actions = [
      element("button", { type: "button", textContent: "Take it", className: "take", onclick: act("take") }),
      element("button", { type: "button", textContent: "★ Keep", onclick: act("keep") }),
    ];
    this.actions[0].title = "It becomes the groove in the deck, on every page.";
    const modes = element("div", { className: "bar", role: "group", ariaLabel: "What a finger does" }, ...this.modes);
    const actions = element("div", { className: "bar", role: "group", ariaLabel: "What plays" }, ...this.actions);
    const bar = element("div", { className: "bar" }, modes, actions);
    const stage = element("div", { className: "stage" }, this.canvas, ...this.corners);
    this.root = element("div", { className: "pad" }, stage, bar, this.status);
    parent.append(this.root);
    this.#listen();
    this.resized = new ResizeObserver(() => this.#resize());
    const page = parent.host?.closest("[data-testid=stMainBlockContainer]");
    for (const each of [this.canvas, page]) if (each) this.resized.observe(each); // what is above it may grow
  }

  remove() {
    clearTimeout(this.resting);
    this.resized.disconnect();
    this.#answered();
    this.root.remove();
  }

  update({ data, setStateValue, setTriggerValue }) {
    Object.assign(this, { data, setStateValue, setTriggerValue, ground: null });
    for (const each of this.actions) each.hidden = !data.rests; // what a hand is still at is not Python's yet
    this.actions[1].setAttribute("aria-pressed", String(data.is_kept));
    this.serial = Math.max(this.serial, data.serial);
    for (const [i, { name }] of data.corners.entries()) this.corners[i].textContent = name;
    const names = data.corners.map(({ name }) => name).join(", ");
    this.canvas.setAttribute("aria-label", `Pad between ${names}: arrow keys move the point`);
    if (data.lattice !== this.address) this.#load(data.lattice);
    if (data.serial >= this.serial && !this.held) {
      this.#answered();
      if (data.rests?.length === 1) this.at = data.rests[0];
    }
    this.#setMode(this.mode);
  }

  /** Python's own answer is there. */
  #answered() {
    if (this.isHeard) hearFinger(null);
    this.isHeard = false;
  }

  async #load(address) {
    this.address = address;
    try {
      const answer = await fetch(new URL(address, this.base));
      if (!answer.ok) throw new Error(answer.status);
      const lattice = await answer.json();
      if (address !== this.address) return;
      this.lattice = lattice;
      this.ground = null;
      this.path = [];
      this.#say("");
    } catch (error) {
      this.#say(`The pad did not load (${error.message}); reload the page to try again.`);
    }
    this.#draw();
  }

  #setMode(mode) {
    this.mode = mode;
    for (const each of this.modes) each.setAttribute("aria-pressed", String(each.dataset.mode === mode));
    this.#draw();
  }

  // -- hands ----------------------------------------------------------------------

  #listen() {
    const { canvas } = this;
    canvas.addEventListener("pointerdown", (event) => {
      if (event.button !== 0 || !this.lattice) return;
      canvas.setPointerCapture(event.pointerId);
      this.held = event.pointerId;
      this.path = [];
      this.#reach(event);
    });
    onMove(canvas, (event) => event.pointerId === this.held && this.#reach(event));
    for (const kind of ["pointerup", "pointercancel"])
      canvas.addEventListener(kind, (event) => event.pointerId === this.held && this.#letGo(kind === "pointerup"));
    canvas.addEventListener("keydown", (event) => {
      const way = ARROWS[event.key];
      if (!way || !this.lattice) return;
      event.preventDefault();
      event.stopPropagation();
      this.path = [];
      const [x, y] = this.#cell(this.at ?? this.#middle);
      this.#hear(this.#index(x + way[0], y + way[1]));
      this.#rest(REST_MS);
    });
  }

  get #middle() {
    return (this.data.side ** 2 - 1) / 2;
  }

  #cell(index) {
    return [index % this.data.side, Math.floor(index / this.data.side)];
  }

  #index(x, y) {
    const inside = (value) => Math.min(Math.max(value, 0), this.data.side - 1);
    return inside(y) * this.data.side + inside(x);
  }

  #reach({ clientX, clientY }) {
    const box = this.canvas.getBoundingClientRect();
    const { side } = this.data;
    const place = [((clientX - box.left) / box.width) * side, ((clientY - box.top) / box.height) * side];
    const index = this.#index(...place.map(Math.floor));
    if (this.mode === "draw" && this.path.at(-1) !== index) this.path.push(index);
    if (index !== this.at || !this.isHeard) this.#hear(index);
    if (this.mode === "move") this.#rest(REST_MS);
  }

  /** A groove of the lattice, now. */
  #hear(index) {
    this.at = index;
    this.isHeard = true;
    hearFinger(this.#lane([index]));
    this.drawing ??= requestAnimationFrame(() => {
      this.drawing = null;
      const [column, row] = this.#cell(this.at);
      this.#say(
        `Column ${column + 1}, row ${row + 1} of ${this.data.side}, ${Math.round(this.lattice.bpm[this.at])} BPM`,
      );
      this.#draw();
    });
  }

  /** A browser lets sound begin when a finger is lifted, not when it touches: where nothing plays, it begins then. */
  #letGo(starts) {
    this.held = null;
    if (this.mode === "draw" && this.path.length > 1) {
      const points = this.#bars();
      cancelAnimationFrame(this.drawing);
      this.drawing = null;
      this.#draw();
      this.isHeard = true;
      hearFinger({ ...this.#lane(points), starts });
      this.#say(`A path over ${points.length} bars`);
      this.#tell(points);
    } else {
      if (starts) hearFinger({ ...this.#lane([this.at]), starts });
      this.#rest(0);
    }
  }

  #rest(ms) {
    clearTimeout(this.resting);
    this.resting = setTimeout(() => this.#tell([this.at]), ms);
  }

  #tell(points) {
    clearTimeout(this.resting);
    this.serial += 1;
    this.setStateValue("rest", { serial: this.serial, points });
  }

  // -- what is heard ----------------------------------------------------------------

  /** The path in as many even steps as there are bars to play. */
  #bars() {
    const n = this.data.turns * (this.lattice.bars.length - 1);
    return Array.from({ length: n }, (_, i) => this.path[Math.round((i / (n - 1)) * (this.path.length - 1))]);
  }

  /** One point as it is; of a path each bar from the groove it passes, as Python has it (`Resting.groove`). */
  #lane(points) {
    const { n_steps, bars, beats, bpm, grooves, meter } = this.lattice;
    const label = points.length > 1 ? "A path" : "Between the corners";
    const own = { label, is_another: true, meter };
    if (points.length === 1)
      return { ...own, n_steps, bars, beats, tempos: [[0, bpm[points[0]]]], hits: grooves[points[0]] };
    const nBars = bars.length - 1;
    const starts = points.map((_, bar) => Math.floor(bar / nBars) * n_steps + bars[bar % nBars]);
    const turns = Array.from({ length: this.data.turns }, (_, turn) => turn * n_steps);
    const hits = points.flatMap((point, bar) => {
      const [from, to] = [bars[bar % nBars], bars[(bar % nBars) + 1]];
      const isInside = ([, at]) => Math.floor(at + 0.5) >= from && Math.floor(at + 0.5) < to;
      return grooves[point].filter(isInside).map(([voice, at, velocity]) => [voice, at + starts[bar] - from, velocity]);
    });
    return {
      ...own,
      n_steps: n_steps * turns.length,
      bars: [...starts, n_steps * turns.length],
      beats: turns.flatMap((turn) => beats.map((beat) => beat + turn)),
      tempos: points.map((point, bar) => [starts[bar], bpm[point]]),
      hits,
    };
  }

  #say(words) {
    this.status.textContent = words || "Touch the square: every cell is a groove, and the beat goes on.";
  }

  // -- what is seen -----------------------------------------------------------------

  /** It is as high as what stands above it and the deck leave room for. */
  #resize() {
    const page = this.parent.host?.closest("[data-testid=stMain]");
    const above = this.canvas.getBoundingClientRect().top + (page?.scrollTop ?? 0);
    if (this.canvas.clientHeight) this.root.style.setProperty("--top", `${Math.round(above)}px`);
    const size = `${this.canvas.clientWidth} ${this.canvas.clientHeight}`;
    if (size === this.size) return;
    this.size = size;
    this.ground = null;
    this.#draw();
  }

  #draw() {
    const { canvas, data } = this;
    const [width, height] = [canvas.clientWidth, canvas.clientHeight];
    if (!data || !width) return;
    this.ground ??= this.#cells(width, height);
    const context = canvas.getContext("2d");
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.clearRect(0, 0, canvas.width, canvas.height);
    context.drawImage(this.ground, 0, 0);
    context.scale(devicePixelRatio, devicePixelRatio);
    const middle = (index) => {
      const [x, y] = this.#cell(index);
      return [((x + 0.5) * width) / data.side, ((y + 0.5) * height) / data.side];
    };
    if (this.path.length > 1) stroke(context, this.path.map(middle));
    if (this.at !== null) dot(context, ...middle(this.at));
    else if (this.lattice) ring(context, ...middle(this.#middle));
  }

  /** All cells, drawn once: a hand that moves has only the point drawn anew. */
  #cells(width, height) {
    const { canvas, data } = this;
    const scale = devicePixelRatio;
    canvas.width = Math.round(width * scale);
    canvas.height = Math.round(height * scale);
    const ground = new OffscreenCanvas(canvas.width, canvas.height);
    const context = ground.getContext("2d");
    context.scale(scale, scale);
    const [cellWidth, cellHeight] = [width / data.side, height / data.side];
    const gap = GAP * Math.min(cellWidth, cellHeight);
    context.globalAlpha = this.lattice ? 1 : 0.35;
    for (let index = 0; index < data.side ** 2; index += 1) {
      const [x, y] = this.#cell(index);
      context.fillStyle = this.#color(x / (data.side - 1), y / (data.side - 1));
      context.beginPath();
      context.roundRect(x * cellWidth + gap, y * cellHeight + gap, cellWidth - 2 * gap, cellHeight - 2 * gap, 5);
      context.fill();
    }
    return ground;
  }

  /** Of the corners' colours, by how much of each a cell has. */
  #color(x, y) {
    const shares = [(1 - x) * (1 - y), x * (1 - y), (1 - x) * y, x * y];
    const channel = (from) =>
      Math.round(
        this.data.corners.reduce(
          (sum, { color }, i) => sum + shares[i] * Number.parseInt(color.slice(from, from + 2), 16),
          0,
        ),
      );
    return `rgb(${[1, 3, 5].map(channel).join(" ")})`;
  }
}

function stroke(context, places) {
  context.strokeStyle = "#fff";
  context.lineWidth = 4;
  context.lineJoin = context.lineCap = "round";
  context.beginPath();
  for (const place of places) context.lineTo(...place);
  context.stroke();
}

/** Where a hand may begin. */
function ring(context, x, y) {
  context.strokeStyle = "#fff";
  context.lineWidth = 4;
  context.beginPath();
  context.arc(x, y, POINT_PX + 3, 0, 2 * Math.PI);
  context.stroke();
}

function dot(context, x, y) {
  for (const [radius, color] of [
    [POINT_PX + 5, "#fff"],
    [POINT_PX, "#1f1d1a"],
  ]) {
    context.fillStyle = color;
    context.beginPath();
    context.arc(x, y, radius, 0, 2 * Math.PI);
    context.fill();
  }
}
