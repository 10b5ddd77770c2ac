// A lane: one groove as a grid of voices by steps, drawn in SVG and felt by keyboard and screen reader.
//
// A hit is a dot whose size and shade follow its velocity and whose distance from the middle of its
// column is its microtiming; a second hit of a cell is a smaller dot, raised. The strokes of a roll are
// bars, as high as they are loud. What differs from another groove has a shape of its own beside its
// colour: a dashed ring with a cross is missed, a diamond is added, an arrowhead under a hit says it
// moved and where to.
//
// The grid is one focusable cell that moves (aria-rowcount and aria-colcount tell the rest), since
// thousands of cells would weigh on a phone.

import { element } from "../assets/dom.js";
import { inCell } from "./edits.js";
import { barOf, placeName, rolesInCells, stepOf } from "./time.js";

const HEADER_PX = { full: 18, compact: 3 }; // above the rows, for the numbers of bars
const RADIUS_SHARE = [0.14, 0.36]; // of a row's height, for the softest and the loudest hit
const MOST_PX_OF_STEP = 1.7; // in narrow pictures hits shrink with their steps
const SECOND = { size: 0.72, raised: 0.24 }; // of a first hit's radius; of a row's height
// A stroke: its width, also of the distance to the next; height of the softest, of the loudest; room in the row.
const STROKE = { px: [1.5, 4.5], ofGap: 0.6, softest: 0.2, margin: 3 };
const VISIBLE_OFFSET = 0.06; // of a step: from here on a stem leads from the column's middle to the hit

const SVG = "http://www.w3.org/2000/svg";
const f = (x) => x.toFixed(1);

export class Lane {
  /** A compact lane is a picture: no numbers, no cursor. */
  constructor(id, voices, isCompact) {
    Object.assign(this, { id, voices, isCompact, cursor: { row: 0, step: 0 } });
    this.header = isCompact ? HEADER_PX.compact : HEADER_PX.full;
    this.caption = element("div", { className: "caption" });
    this.svg = document.createElementNS(SVG, "svg");
    this.svg.setAttribute("aria-hidden", "true");
    this.back = document.createElementNS(SVG, "g");
    this.marks = document.createElementNS(SVG, "g");
    this.svg.append(this.back, this.marks);
    this.cells = element("div", { className: "cells" });
    this.playhead = element("div", { className: "playhead" });
    this.grid = element(
      "div",
      { className: "grid", role: isCompact ? "img" : "grid" },
      this.svg,
      this.cells,
      this.playhead,
    );
    this.names = element("div", { className: "names" });
    this.actions = element("div", { className: "actions" });
    this.root = element("section", { className: "lane" }, this.caption, this.names, this.grid, this.actions);
  }

  /** Take a groove (with label, first_bar, added, moved, missed) and the rows to show, top to bottom. */
  show(lane, rows, stepPx, rowPx) {
    const voice = this.rows?.[this.cursor.row];
    Object.assign(this, { lane, rows, stepPx, rowPx });
    this.cursor.row = rows.includes(voice) ? rows.indexOf(voice) : Math.min(this.cursor.row, rows.length - 1);
    this.cursor.step = Math.min(this.cursor.step, lane.n_steps - 1);
    this.caption.textContent = lane.label;
    const [width, height] = [lane.n_steps * stepPx, this.header + rows.length * rowPx];
    this.svg.setAttribute("width", width);
    this.svg.setAttribute("height", height);
    this.grid.style.width = `${width}px`;
    // Room for what is pushed at the end, half a step behind it.
    this.grid.style.marginRight = lane.hits.some((hit) => hit[1] >= lane.n_steps - 0.5) ? `${stepPx / 2}px` : "";
    this.grid.style.height = `${height}px`;
    this.playhead.style.top = `${this.header}px`;
    this.playhead.style.height = `${height - this.header}px`;
    if (!this.isCompact) {
      this.grid.setAttribute("aria-rowcount", rows.length);
      this.grid.setAttribute("aria-colcount", lane.n_steps);
      this.grid.setAttribute("aria-readonly", String(!lane.editable));
    }
    this.#drawBack(width, height);
    this.draw(lane.hits);
  }

  /** Draw hits: all that changes while a hand is on them. */
  draw(hits) {
    this.hits = hits;
    const { lane, rows } = this;
    const rowOf = new Map(rows.map((voice, row) => [voice, row]));
    const roles = rolesInCells(hits, lane.n_steps);
    const added = new Set(hits === lane.hits ? lane.added : []);
    const moved = new Map(hits === lane.hits ? lane.moved : []);
    const order = hits.map((_, i) => i).sort((a, b) => hits[b][2] - hits[a][2]); // a grace note lies on its stroke
    const drawn = order
      .filter((i) => rowOf.has(hits[i][0]))
      .map((i) => this.#hit(hits[i], rowOf, roles[i], added.has(i), moved.get(i)));
    for (const [voice, position, velocity] of lane.missed ?? []) {
      if (rowOf.has(voice)) drawn.push(cross(this.x(position), this.y(rowOf.get(voice)), this.#radius(velocity)));
    }
    this.marks.innerHTML = drawn.join("");
    this.grid.setAttribute("aria-label", this.#summary(hits));
    if (!this.isCompact) this.#placeCell(false);
  }

  x(position) {
    return (position + 0.5) * this.stepPx;
  }

  y(row) {
    return this.header + (row + 0.5) * this.rowPx;
  }

  /** The cell under a point of the page, or null. */
  cellAt(clientX, clientY) {
    const box = this.grid.getBoundingClientRect();
    const step = Math.floor((clientX - box.left) / this.stepPx);
    const row = Math.floor((clientY - box.top - this.header) / this.rowPx);
    const isInside = step >= 0 && step < this.lane.n_steps && row >= 0 && row < this.rows.length;
    return isInside ? { step, row, voice: this.rows[row], end: this.lane.n_steps } : null;
  }

  // -- the cursor ---------------------------------------------------------------

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
      top: `${this.header + row * this.rowPx}px`,
      width: `${this.stepPx}px`,
      height: `${this.rowPx}px`,
    });
  }

  #summary(hits) {
    const { lane } = this;
    const bars = lane.bars.length - 1;
    const words = [`${lane.label}: ${hits.length} hits in ${bars} ${bars === 1 ? "bar" : "bars"}`];
    if (lane.missed) words.push(`${lane.missed.length} missed, ${lane.added.length} added, ${lane.moved.length} moved`);
    return words.join("; ");
  }

  // -- drawing ------------------------------------------------------------------

  #radius(velocity) {
    const [softest, loudest] = RADIUS_SHARE;
    return Math.min(this.rowPx, MOST_PX_OF_STEP * this.stepPx) * (softest + (loudest - softest) * (velocity / 127));
  }

  #hit([voice, position, velocity], rowOf, { role, n }, isAdded, lateMs) {
    const [x, row] = [this.x(position), rowOf.get(voice)];
    const opacity = (0.45 + 0.55 * (velocity / 127)).toFixed(2);
    const look = `fill="${this.voices[voice].color}" fill-opacity="${opacity}"`;
    if (role === "stroke") return this.#stroke(x, row, velocity, n, look, isAdded, lateMs);
    const isSecond = role === "second";
    const radius = this.#radius(velocity) * (isSecond ? SECOND.size : 1);
    const y = this.y(row) - (isSecond ? SECOND.raised * this.rowPx : 0);
    const middle = this.x(stepOf([voice, position], this.lane.n_steps));
    const stem =
      Math.abs(x - middle) > VISIBLE_OFFSET * this.stepPx
        ? `<path class="stem" d="M${f(middle)} ${f(y - 3)}v6M${f(middle)} ${f(y)}H${f(x)}"/>`
        : "";
    if (isAdded) return stem + diamond(x, y, radius + 1.5, opacity);
    const dot = `<circle cx="${f(x)}" cy="${f(y)}" r="${f(radius)}" ${look}/>`;
    return stem + dot + (lateMs ? arrowhead(x, y + radius + 3, lateMs) : "");
  }

  /** One of n strokes of a roll: a bar from the row's foot, as high as it is loud. */
  #stroke(x, row, velocity, n, look, isAdded, lateMs) {
    const [thin, thick] = STROKE.px;
    const width = Math.min(Math.max((STROKE.ofGap * this.stepPx) / n, thin), thick);
    const share = STROKE.softest + (1 - STROKE.softest) * (velocity / 127);
    const height = share * (this.rowPx - 2 * STROKE.margin);
    const foot = this.y(row) + this.rowPx / 2 - STROKE.margin;
    const size = `x="${f(x - width / 2)}" y="${f(foot - height)}" width="${f(width)}" height="${f(height)}"`;
    const bar = `<rect class="stroke" ${size} ${look}/>`;
    if (isAdded) return bar + diamond(x, foot - height, width / 2 + 1.5, 1);
    return bar + (lateMs ? arrowhead(x, foot, lateMs) : "");
  }

  #drawBack(width, height) {
    const { lane, stepPx, rowPx, rows } = this;
    const line = (step) => `M${f(step * stepPx)} ${this.header}V${height}`;
    const bars = lane.bars.slice(0, -1);
    const rect = (x, y, w, h) => `<rect x="${x}" y="${y}" width="${w}" height="${h}"/>`;
    const stripes = rows.map((_, r) => (r % 2 ? "" : rect(0, this.header + r * rowPx, width, rowPx)));
    const steps = Array.from({ length: lane.n_steps }, (_, s) => line(s)).join("");
    const numbers = (this.isCompact ? [] : bars).map(
      (step, i) => `<text x="${f(step * stepPx + 4)}" y="13">${lane.first_bar + i}</text>`,
    );
    const ofBar = (step, i) =>
      rect(f(step * stepPx), this.header, f((lane.bars[i + 1] - step) * stepPx), height - this.header);
    const shaded = bars.map((step, i) => (i % 2 ? ofBar(step, i) : ""));
    this.back.innerHTML =
      `<g class="stripes">${stripes.join("")}${shaded.join("")}</g><path class="step" d="${steps}"/>` +
      `<path class="beat" d="${lane.beats.map(line).join("")}"/>` +
      `<path class="barline" d="${lane.bars.map(line).join("")}"/>` +
      `<g class="numbers">${numbers.join("")}</g>`;
  }

  /** Scroll so that a step can be seen; gives whether it already could. */
  reveal(scroller, step, namesPx) {
    const left = step * this.stepPx;
    const isSeen =
      left >= scroller.scrollLeft && left + this.stepPx <= scroller.scrollLeft + scroller.clientWidth - namesPx;
    if (!isSeen)
      scroller.scrollTo({
        left: Math.max(
          this.lane.bars[barOf(this.lane, step)] * this.stepPx,
          left - (scroller.clientWidth - namesPx) * 0.6,
        ),
      });
    return isSeen;
  }
}

function cross(x, y, radius) {
  const [r, d] = [Math.max(radius, 5), Math.max(radius, 5) * 0.45];
  return (
    `<g class="missed"><circle cx="${f(x)}" cy="${f(y)}" r="${f(r)}"/>` +
    `<path d="M${f(x - d)} ${f(y - d)}l${f(2 * d)} ${f(2 * d)}M${f(x - d)} ${f(y + d)}l${f(2 * d)} ${f(-2 * d)}"/></g>`
  );
}

function diamond(x, y, r, opacity) {
  const d = `M${f(x)} ${f(y - r)}l${f(r)} ${f(r)}l${f(-r)} ${f(r)}l${f(-r)} ${f(-r)}z`;
  return `<path class="added" d="${d}" fill-opacity="${opacity}"/>`;
}

function arrowhead(x, y, direction) {
  const tip = direction > 0 ? 4.5 : -4.5;
  return `<path class="moved" d="M${f(x - tip)} ${f(y - 3)}L${f(x + tip)} ${f(y)}L${f(x - tip)} ${f(y + 3)}Z"/>`;
}

/** The marks of a comparison with their counts. */
export function legend(missed, added, moved, movedMs) {
  const icon = (body) => {
    const svg = document.createElementNS(SVG, "svg");
    svg.setAttribute("width", 20);
    svg.setAttribute("height", 17);
    svg.setAttribute("aria-hidden", "true");
    svg.innerHTML = body;
    return svg;
  };
  const item = (body, words) => element("span", {}, icon(body), words);
  return element(
    "div",
    { className: "legend" },
    item(cross(10, 8, 6), `${missed} missed`),
    item('<path class="added" d="M10 1l7 7l-7 7l-7 -7z"/>', `${added} added`),
    item(
      `<circle cx="10" cy="6" r="5" fill="currentColor" fill-opacity="0.6"/>${arrowhead(10, 14, 1)}`,
      `${moved} moved by ${movedMs} ms or more`,
    ),
  );
}
