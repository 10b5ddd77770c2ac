// The grid: the groove that is heard, all voices by all steps, to look at and to touch.
//
// It is one focusable cell that moves (aria-rowcount and aria-colcount tell the rest), since thousands of cells would
// weigh on a phone.

import { element } from "../assets/dom.js";
import { Picture } from "./draw.js";
import { inCell } from "./edits.js";
import { barOf, placeName } from "./time.js";

const HEADER_PX = 18; // above the rows, for the numbers of bars

export class Grid {
  constructor(voices) {
    Object.assign(this, { voices, cursor: { row: 0, step: 0 } });
    this.rows = voices.map((_, voice) => voice).reverse(); // cymbals above, kick below
    this.picture = new Picture();
    this.cells = element("div", { className: "cells" });
    this.playhead = element("div", { className: "playhead" });
    const parts = [this.picture.svg, this.cells, this.playhead];
    this.grid = element("div", { className: "grid", role: "grid" }, ...parts);
    this.grid.setAttribute("aria-rowcount", this.rows.length);
    this.names = element("div", { className: "names" });
    this.root = element("div", { className: "lane" }, this.names, this.grid);
    this.scroller = element("div", { className: "scroller" }, this.root);
    for (const type of ["wheel", "touchmove", "pointerdown"])
      this.scroller.addEventListener(type, () => this.onScroll?.(), { passive: true });
  }

  /** Take a groove (with label, first_bar, added, moved, missed, open) and the size of its cells. */
  show(lane, stepPx, rowPx) {
    const asked = JSON.stringify([lane.n_steps, lane.bars, lane.beats, lane.first_bar, stepPx, rowPx]);
    this.lane = lane;
    if (asked !== this.shown) this.#layOut(lane, stepPx, rowPx);
    this.shown = asked;
    this.picture.lane = lane;
    // Room for what is pushed at the end, half a step behind it.
    this.grid.style.marginRight = lane.hits.some((hit) => hit[1] >= lane.n_steps - 0.5) ? `${stepPx / 2}px` : "";
    this.grid.setAttribute("aria-readonly", String(!lane.editable));
    this.draw(lane.hits);
  }

  #layOut(lane, stepPx, rowPx) {
    Object.assign(this, { stepPx, rowPx });
    this.cursor.step = Math.min(this.cursor.step, lane.n_steps - 1);
    this.picture.show(lane, this.voices, this.rows, { stepPx, rowPx, header: HEADER_PX });
    const { width, height } = this.picture;
    Object.assign(this.grid.style, { width: `${width}px`, height: `${height}px` });
    Object.assign(this.playhead.style, { top: `${HEADER_PX}px`, height: `${height - HEADER_PX}px` });
    this.grid.setAttribute("aria-colcount", lane.n_steps);
    this.root.style.setProperty("--row", `${rowPx}px`);
    this.#layBars(lane);
  }

  /** What a swipe comes to rest at. */
  #layBars(lane) {
    this.stops?.remove();
    this.stops = element("div", { className: "stops" });
    for (const [i, bar] of lane.bars.slice(0, -1).entries()) {
      const stop = element("div");
      Object.assign(stop.style, {
        left: `${bar * this.stepPx}px`,
        width: `${(lane.bars[i + 1] - bar) * this.stepPx}px`,
      });
      this.stops.append(stop);
    }
    this.grid.prepend(this.stops);
  }

  /** Draw hits: all that changes while a hand is on them. */
  draw(hits) {
    this.hits = hits;
    this.picture.draw(hits);
    this.grid.setAttribute("aria-label", this.#summary(hits));
    this.#placeCell(false);
  }

  follow(step) {
    this.playhead.style.transform = `translateX(${(step + 0.5) * this.stepPx}px)`;
  }

  /** The cell under a point of the page, or null. */
  cellAt(clientX, clientY) {
    const box = this.grid.getBoundingClientRect();
    const step = Math.floor((clientX - box.left) / this.stepPx);
    const row = Math.floor((clientY - box.top - HEADER_PX) / this.rowPx);
    const isInside = step >= 0 && step < this.lane.n_steps && row >= 0 && row < this.rows.length;
    return isInside ? { step, row, voice: this.rows[row], end: this.lane.n_steps } : null;
  }

  // -- the cursor -----------------------------------------------------------------

  get cell() {
    return { ...this.cursor, voice: this.rows[this.cursor.row], end: this.lane.n_steps };
  }

  moveTo(row, step, focus) {
    this.cursor = {
      row: Math.min(Math.max(row, 0), this.rows.length - 1),
      step: Math.min(Math.max(step, 0), this.lane.n_steps - 1),
    };
    this.#placeCell(focus);
  }

  /** What a cell holds, in words. */
  describe({ voice, step }) {
    const own = inCell(this.hits, voice, step, this.lane.n_steps);
    const where = `${this.voices[voice].label}, ${placeName(this.lane, step, this.lane.first_bar)}`;
    if (!own.length) return `${where}, empty`;
    if (own.length > 2) {
      const velocities = own.sort((a, b) => a[1] - b[1]).map((hit) => hit[2]);
      return `${where}, roll of ${own.length}, velocities ${velocities.join(", ")}`;
    }
    const offset = Math.round((own[0][1] - step) * 100);
    const timing = offset ? `, ${Math.abs(offset)} % of a step ${offset > 0 ? "late" : "early"}` : "";
    return `${where}, velocity ${own[0][2]}${timing}${own.length > 1 ? `, with a second hit of ${own[1][2]}` : ""}`;
  }

  // A new element each time: a screen reader tells what gains the focus, not what changes under it.
  #placeCell(focus) {
    const had = this.cells.querySelector("[role=gridcell]");
    const { row, step } = this.cursor;
    const hasHit = inCell(this.hits, this.rows[row], step, this.lane.n_steps).length > 0;
    const label = this.describe(this.cell);
    if (had && !focus) {
      had.setAttribute("aria-label", label);
      had.setAttribute("aria-selected", String(hasHit));
      this.#frame(had, row, step);
      return;
    }
    const cell = element("div", { className: "cell", role: "gridcell", tabIndex: 0, ariaLabel: label });
    cell.setAttribute("aria-selected", String(hasHit));
    const line = element("div", { role: "row" }, cell);
    this.#frame(cell, row, step);
    this.cells.append(line);
    if (focus) cell.focus({ preventScroll: true });
    had?.parentElement.remove();
  }

  #frame(cell, row, step) {
    cell.parentElement?.setAttribute("aria-rowindex", row + 1);
    cell.setAttribute("aria-rowindex", row + 1);
    cell.setAttribute("aria-colindex", step + 1);
    Object.assign(cell.style, {
      left: `${step * this.stepPx}px`,
      top: `${HEADER_PX + row * this.rowPx}px`,
      width: `${this.stepPx}px`,
      height: `${this.rowPx}px`,
    });
  }

  #summary(hits) {
    const { lane } = this;
    const bars = lane.bars.length - 1;
    const words = [`${lane.label}: ${hits.length} hits in ${bars} ${bars === 1 ? "bar" : "bars"}`];
    if (lane.missed) words.push(`${lane.missed.length} lost, ${lane.added.length} added, ${lane.moved.length} moved`);
    if (lane.open?.length) words.push(`${lane.open.length} by the model`);
    return words.join("; ");
  }

  // -- what is in sight -----------------------------------------------------------

  get namesPx() {
    return this.names.offsetWidth;
  }

  /** The bar that is in sight, the first of several. */
  get barInSight() {
    return barOf(this.lane, Math.round(this.scroller.scrollLeft / this.stepPx + 1));
  }

  /** Scroll so that a step can be seen: to the beginning of its bar, where the bar fits. */
  reveal(step) {
    const { scroller, stepPx } = this;
    const [left, room] = [step * stepPx, scroller.clientWidth - this.namesPx];
    if (left >= scroller.scrollLeft && left + stepPx <= scroller.scrollLeft + room + 1) return;
    scroller.scrollTo({ left: Math.max(this.lane.bars[barOf(this.lane, step)] * stepPx, left - room * 0.6) });
  }
}
