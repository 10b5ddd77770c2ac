// The strip: some bars of what is heard, small, with the playhead. A press goes to its place.

import { element } from "../assets/dom.js";
import { Picture } from "./draw.js";
import { barOf } from "./time.js";

const BARS_AT_ONCE = 4; // of a long groove the strip shows so many, and turns over

export class Strip {
  /** `onPress` is told the step. */
  constructor(voices, onPress) {
    this.voices = voices;
    this.rows = voices.map((_, voice) => voice).reverse();
    this.picture = new Picture();
    this.playhead = element("div", { className: "playhead" });
    this.view = element("div", { className: "view" });
    this.sheet = element("div", { className: "roll" }, this.picture.svg, this.view, this.playhead);
    // What it does is done by buttons too: it is a picture to whom does not see it.
    this.root = element("div", { className: "strip", ariaHidden: "true" }, this.sheet);
    this.root.addEventListener("click", (event) => onPress(this.#stepAt(event.clientX)));
    // Asked for while a hand moves, its size would have the whole page laid out once more.
    this.resized = new ResizeObserver(([{ contentRect }]) => {
      this.box = [contentRect.width, contentRect.height];
      if (this.lane) this.show(this.lane, this.isWhole);
    });
    this.resized.observe(this.root);
  }

  /** `isWhole`: all bars at once. */
  show(lane, isWhole) {
    const [width, height] = this.box ?? [this.root.clientWidth, this.root.clientHeight];
    Object.assign(this, { lane, isWhole });
    if (!width) return;
    this.nBars = isWhole ? lane.bars.length - 1 : Math.min(BARS_AT_ONCE, lane.bars.length - 1);
    this.stepPx = width / lane.bars[this.nBars];
    const size = { stepPx: this.stepPx, rowPx: height / this.rows.length, header: 0 };
    const asked = JSON.stringify([size, lane.n_steps, lane.bars, lane.beats]);
    if (asked !== this.shown) {
      this.picture.show(lane, this.voices, this.rows, size);
      this.from = 0;
      this.#turnTo(0);
    }
    this.shown = asked;
    this.picture.lane = lane;
    this.picture.draw(lane.hits);
  }

  follow(step) {
    if (!this.lane || !this.stepPx) return;
    const bar = barOf(this.lane, step);
    const first = bar - (bar % this.nBars);
    if (this.lane.bars[first] !== this.from) this.#turnTo(first);
    this.playhead.style.transform = `translateX(${(step + 0.5) * this.stepPx}px)`;
  }

  /** Frame what is in sight elsewhere: steps; nothing for none. */
  frame(from, to) {
    Object.assign(this.view.style, { left: `${from * this.stepPx}px`, width: `${(to - from) * this.stepPx}px` });
  }

  #turnTo(bar) {
    this.from = this.lane.bars[bar];
    this.sheet.style.transform = `translateX(${-this.from * this.stepPx}px)`;
  }

  #stepAt(clientX) {
    const step = (clientX - this.sheet.getBoundingClientRect().left) / this.stepPx;
    return Math.min(Math.max(Math.floor(step), 0), this.lane.n_steps - 1);
  }
}
