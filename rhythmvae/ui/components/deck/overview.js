// The overview: all bars of a file in one picture as wide as the page. Above, where its hits are, in a row for every
// group of drums; below, what the result loses, adds and moves. A press takes the deck to a bar.

import { element } from "../assets/dom.js";
import { button } from "./controls.js";
import { f, sample, svgElement } from "./draw.js";

const KINDS = ["lost", "added", "moved"];
const PLAN = { header: 16, row: 12, gap: 6, kind: 12, tick: 0.75 }; // px; a tick's share of its row
const TICK_PX = [1, 3];
const NUMBER_PX = 34; // at least, from one bar's number to the next
const EVERY = [1, 2, 4, 8, 16, 32, 64, 128, 256]; // bars from number to number

export class Overview {
  #wanted = null; // a bar that Python was asked for
  #hasGone = false;

  constructor(parent, music) {
    this.music = music;
    this.svg = svgElement("svg", { "aria-hidden": "true" });
    this.shown = element("div", { className: "shown" });
    this.here = element("div", { className: "here" });
    this.playhead = element("div", { className: "playhead" });
    const inside = [this.shown, this.svg, this.here, this.playhead];
    this.picture = element("div", { className: "whole", role: "slider", tabIndex: 0 }, ...inside);
    this.picture.setAttribute("aria-label", "All bars of the file");
    this.names = element("div", { className: "rows", ariaHidden: "true" });
    this.legend = element("div", { className: "legend" });
    this.next = button("Next difference", () => this.#goToNext(1), { text: "Next difference", title: "N" });
    const line = element("div", { className: "line" }, this.legend, this.next);
    this.root = element("section", { className: "overview", ariaLabel: "Overview" }, this.names, this.picture, line);
    parent.append(this.root);
    this.#listen();
  }

  #listen() {
    const { music, picture } = this;
    picture.addEventListener("click", (event) => this.#go(this.#barAt(event.clientX)));
    picture.addEventListener("keydown", (event) => this.#key(event));
    this.ends = [music.subscribe(() => this.#refresh()), music.onFrame(() => this.#follow())];
    this.resized = new ResizeObserver(() => this.#draw());
    this.resized.observe(picture);
    this.onNext = () => this.#goToNext(1);
    music.onNext = this.onNext;
  }

  update({ data, setTriggerValue }) {
    if (data.tune !== this.data?.tune) [this.#wanted, this.#hasGone, this.bar] = [null, false, 0];
    this.data = data;
    this.setTriggerValue = setTriggerValue;
    this.nBars = data.bars.length - 1;
    // The deck may still have the file of before, or one that was read in another way, with more bars.
    this.bar = Math.min(this.bar, this.nBars - 1);
    if (this.#wanted >= this.nBars) this.#wanted = null;
    this.counts = this.#count();
    this.#tellCounts();
    this.#draw();
    this.#refresh();
  }

  remove() {
    for (const end of this.ends) end();
    if (this.music.onNext === this.onNext) this.music.onNext = null;
    this.resized.disconnect();
    this.root.remove();
  }

  // -- what differs ---------------------------------------------------------------

  /** For every bar how many hits are lost, added and moved. */
  #count() {
    const counts = Array.from({ length: this.nBars }, () => ({ lost: 0, added: 0, moved: 0, all: 0 }));
    for (const kind of KINDS) {
      for (const [, step] of this.data[kind]) {
        const bar = counts[this.#barOf(step)];
        bar[kind] += 1;
        bar.all += 1;
      }
    }
    return counts;
  }

  #tellCounts() {
    const { data, counts } = this;
    const items = KINDS.map((kind) => element("span", {}, sample(kind), `${data[kind].length} ${kind}`));
    items.at(-1).title = `Moved by ${data.moved_ms} ms or more`;
    const n = counts.filter(({ all }) => all).length;
    const some = this.nBars > 1 ? [element("span", {}, `in ${n} of ${this.nBars} bars`)] : [];
    this.legend.replaceChildren(...items, ...(n ? some : []));
    this.next.disabled = !n;
  }

  #describe(bar) {
    const counts = this.counts[bar];
    const found = KINDS.filter((kind) => counts[kind]).map((kind) => `${counts[kind]} ${kind}`);
    return `Bar ${bar + 1} of ${this.nBars}: ${found.join(", ") || "no difference"}`;
  }

  // -- where ----------------------------------------------------------------------

  /** Index of the bar that a step of the file lies in. */
  #barOf(step) {
    const { bars } = this.data;
    let [low, high] = [0, this.nBars - 1];
    while (low < high) {
      const middle = Math.ceil((low + high) / 2);
      if (Math.round(bars[middle]) <= Math.round(step)) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  #barAt(clientX) {
    const { left, width } = this.picture.getBoundingClientRect();
    return this.#barOf(Math.min(Math.max((clientX - left) / width, 0), 0.9999) * this.data.n_steps - 0.5);
  }

  /** The bars that the deck has: index of the first, and how many. */
  get #span() {
    const { first_bar: first, bars } = this.music.data.lanes[0];
    return [first - 1, bars.length - 1];
  }

  get #isInHand() {
    return this.music.data?.tune === this.data.tune;
  }

  /** The step of the file that is heard, or null while the deck plays something else. */
  get #step() {
    const { music, data } = this;
    if (!this.#isInHand || music.role === "card" || music.heard.is_another) return null;
    return data.bars[this.#span[0]] + music.place;
  }

  // -- going there ----------------------------------------------------------------

  #key(event) {
    const at = this.#wanted ?? this.bar;
    const last = this.nBars - 1;
    const goes = {
      ArrowLeft: at - 1,
      ArrowDown: at - 1,
      ArrowRight: at + 1,
      ArrowUp: at + 1,
      PageDown: at - 8,
      PageUp: at + 8,
      Home: 0,
      End: last,
    };
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key.toLowerCase() === "n") this.#goToNext(event.shiftKey ? -1 : 1);
    else if (event.key in goes) this.#go(Math.min(Math.max(goes[event.key], 0), last));
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  /** To the next bar that differs, from the last one on to the first. */
  #goToNext(way) {
    const at = this.#wanted ?? this.bar;
    const isFirst = !this.#hasGone;
    for (let k = isFirst ? 0 : 1; k <= this.nBars; k += 1) {
      const bar = (at + way * k + this.nBars * 2) % this.nBars;
      if (!this.counts[bar].all) continue;
      // There it can be seen; a result that is not here yet is heard when it comes.
      if (this.music.role !== "result") this.music.choose("result");
      this.#go(bar);
      return;
    }
  }

  #go(bar) {
    if (!this.#isInHand) return;
    this.#hasGone = true;
    this.music.say(this.#describe(bar), true);
    this.#wanted = bar;
    this.#arrive();
    if (this.#wanted !== null) this.setTriggerValue("go", bar + 1);
    this.#refresh();
  }

  /** If the deck has the bar that is wanted, it goes there. */
  #arrive() {
    const bar = this.#wanted;
    if (bar === null || !this.#isInHand) return;
    const [first, n] = this.#span;
    if (bar < first || bar >= first + n) return;
    this.#wanted = null;
    this.music.go(this.music.data.lanes[0].bars[bar - first]);
  }

  // -- what is seen ---------------------------------------------------------------

  #refresh() {
    if (!this.data || !this.music.data) return;
    this.#arrive();
    this.#follow();
    const [first, n] = this.#isInHand ? this.#span : [0, 0];
    this.#place(this.shown, first, first + n);
    this.shown.hidden = n === 0 || n === this.nBars;
  }

  #follow() {
    if (!this.data || !this.music.data) return;
    const step = this.#step;
    this.playhead.hidden = step === null;
    if (step !== null) this.playhead.style.left = `${(100 * (step + 0.5)) / this.data.n_steps}%`;
    const bar = this.#wanted ?? (step === null ? this.bar : this.#barOf(Math.floor(step + 1e-6)));
    if (bar === this.told && this.toldOf === this.data) return;
    [this.bar, this.told, this.toldOf] = [bar, bar, this.data];
    this.#place(this.here, bar, bar + 1);
    for (const [name, value] of Object.entries({ min: 1, max: this.nBars, now: bar + 1 }))
      this.picture.setAttribute(`aria-value${name}`, value);
    this.picture.setAttribute("aria-valuetext", this.#describe(bar));
  }

  /** Over some bars. */
  #place({ style }, from, to) {
    const { bars, n_steps: nSteps } = this.data;
    style.left = `${(100 * bars[from]) / nSteps}%`;
    style.width = `${(100 * (bars[Math.min(to, this.nBars)] - bars[from])) / nSteps}%`;
  }

  #draw() {
    const width = this.picture.clientWidth;
    if (!this.data || !width) return;
    const { groups, n_steps: nSteps } = this.data;
    const { header, row, gap, kind } = PLAN;
    this.scale = width / nSteps;
    this.tick = Math.min(Math.max(this.scale * 0.5, TICK_PX[0]), TICK_PX[1]);
    this.below = header + groups.length * row + gap;
    const height = this.below + KINDS.length * kind;
    this.svg.setAttribute("width", width);
    this.svg.setAttribute("height", height);
    this.picture.style.height = `${height}px`;
    this.svg.innerHTML =
      this.#ground(width, height) + this.#played() + KINDS.map((_, i) => this.#differing(i)).join("");
    this.#name();
  }

  #ground(width, height) {
    const { header, row, gap, kind } = PLAN;
    const { bars, groups } = this.data;
    const box = (y, h, shade) => `<rect class="lane${shade}" y="${f(y)}" width="${f(width)}" height="${f(h)}"/>`;
    const rows = groups.map((_, i) => box(header + i * row, row, i % 2)).join("");
    const kinds = KINDS.map((_, i) => box(this.below + i * kind, kind, i % 2)).join("");
    const every = EVERY.find((n) => n * (width / this.nBars) >= NUMBER_PX) ?? EVERY.at(-1);
    const numbered = bars.slice(0, -1).filter((_, i) => i % every === 0);
    const lines = numbered.map((step) => `M${f(step * this.scale)} 0V${f(height)}`).join("");
    const number = (step, i) => `<text x="${f(step * this.scale + 4)}" y="12">${i * every + 1}</text>`;
    const gapBox = `<rect class="between" y="${f(this.below - gap)}" width="${f(width)}" height="${gap}"/>`;
    const numbers = `<g class="numbers">${numbered.map(number).join("")}</g>`;
    return `${rows}${kinds}${gapBox}<path class="barline" d="${lines}"/>${numbers}`;
  }

  #played() {
    const { header, row, tick } = PLAN;
    return this.data.groups
      .map(({ voice, hits }, i) => this.#ticks(voice, hits, header + i * row + (row * (1 - tick)) / 2, row * tick))
      .join("");
  }

  #differing(i) {
    const { kind, tick } = PLAN;
    const y = this.below + i * kind + (kind * (1 - tick)) / 2;
    return this.data.groups
      .map(({ voice }, group) => {
        const steps = this.data[KINDS[i]].filter(([own]) => own === group).map(([, step]) => step);
        return this.#ticks(voice, steps, y, kind * tick, Math.max(this.tick, 2));
      })
      .join("");
  }

  #ticks(voice, steps, y, height, width = this.tick) {
    const d = steps.map((step) => `M${f((step + 0.5) * this.scale)} ${f(y)}v${f(height)}`).join("");
    return `<path d="${d}" stroke="var(--${voice})" stroke-width="${f(width)}"/>`;
  }

  /** Beside the rows. */
  #name() {
    const { header, row, kind } = PLAN;
    const labels = [...this.data.groups.map(({ label }) => [label, row]), ...KINDS.map((name) => [name, kind])];
    const named = JSON.stringify(labels);
    if (named === this.named) return;
    this.named = named;
    let top = header;
    const items = labels.map(([label, height], i) => {
      if (i === this.data.groups.length) top += PLAN.gap;
      const item = element("span", { textContent: label[0].toUpperCase() + label.slice(1) });
      Object.assign(item.style, { top: `${top}px`, height: `${height}px`, lineHeight: `${height}px` });
      top += height;
      return item;
    });
    this.names.replaceChildren(...items);
  }
}
