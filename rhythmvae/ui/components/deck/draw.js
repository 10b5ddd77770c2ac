// Grooves as pictures: voices by steps, in SVG.
//
// Loudness is height, timing is place, and nothing is paler than another: a ghost note is short. Lanes change their
// shade with every beat, bars have a strong line. Strokes that share a cell are narrower. What differs from another
// groove has a shape beside its colour: a dashed outline is lost, a hole is added, an arrowhead at the foot says that
// a hit moved and where to. Hits that nobody gave are drawn open.

import { rolesInCells } from "./time.js";

const SVG = "http://www.w3.org/2000/svg";
const HIT = { ofStep: 0.56, ofCell: 0.5, px: [2, 22] }; // width: of a step, of its share of one that others share
const SMALL_HIT = 0.8; // of a step in low rows, so that an outline leaves something open there too
const FOOT = 0.1; // of a row's height, under a hit
const SOFTEST = 0.28; // height of the softest hit, of the loudest's
const NARROW_HIT_PX = 6; // from here on an outline leaves something open
const NARROW_ROW_PX = 14; // from here on there is room for arrowheads and holes

export const f = (x) => x.toFixed(1);

export function svgElement(tag, attributes = {}) {
  const found = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) found.setAttribute(name, value);
  return found;
}

/** A picture of lanes from `from` on: {stepPx, rowPx, header}, where `rows` are the voices from the top. */
export class Picture {
  constructor() {
    this.svg = svgElement("svg", { "aria-hidden": "true" });
    this.back = svgElement("g");
    this.marks = svgElement("g");
    this.svg.append(this.back, this.marks);
  }

  /** Draw the ground of a groove, with numbers for its bars where there is a header. */
  show(lane, voices, rows, size) {
    Object.assign(this, { lane, voices, rows, ...size });
    this.rowOf = new Map(rows.map((voice, row) => [voice, row]));
    this.width = lane.n_steps * this.stepPx;
    this.height = this.header + rows.length * this.rowPx;
    this.svg.setAttribute("width", f(this.width));
    this.svg.setAttribute("height", f(this.height));
    this.back.innerHTML = this.#beats() + this.#lines() + (this.header ? this.#numbers() : "");
  }

  x(position) {
    return (position + 0.5) * this.stepPx;
  }

  /** The lower end of a hit's row. */
  foot(voice) {
    return this.header + (this.rowOf.get(voice) + 1 - FOOT) * this.rowPx;
  }

  /** Draw hits: all that changes while a hand is on them. Marks are of the hits that came with the lane. */
  draw(hits) {
    const { lane } = this;
    const roles = rolesInCells(hits, lane.n_steps);
    const isAsSent = hits === lane.hits;
    const added = new Set(isAsSent ? lane.added : []);
    const moved = new Map(isAsSent ? lane.moved : []);
    const open = new Set(isAsSent ? lane.open : []);
    const order = hits.map((_, i) => i).sort((a, b) => hits[b][2] - hits[a][2]); // a grace note lies on its stroke
    const drawn = order
      .filter((i) => this.rowOf.has(hits[i][0]))
      .map((i) =>
        open.has(i)
          ? this.#outline(hits[i], roles[i].n, "hit open")
          : this.#hit(hits[i], roles[i], added.has(i), moved.get(i)),
      );
    const lost = (isAsSent ? (lane.missed ?? []) : []).filter(([voice]) => this.rowOf.has(voice));
    this.marks.innerHTML = drawn.join("") + lost.map((hit) => this.#outline(hit, 1, "lost")).join("");
  }

  // -- hits -----------------------------------------------------------------------

  /** {x, y, width, height} of a hit that shares its cell with n - 1 others. */
  #box([voice, position, velocity], n) {
    const [least, most] = HIT.px;
    const ofStep = this.rowPx < NARROW_ROW_PX ? SMALL_HIT : HIT.ofStep;
    const share = n > 1 ? HIT.ofCell / n : ofStep;
    const width = Math.min(Math.max(share * this.stepPx, least), most);
    const height = Math.max(this.rowPx * (1 - 2 * FOOT) * (SOFTEST + (1 - SOFTEST) * (velocity / 127)), 2);
    return { x: this.x(position) - width / 2, y: this.foot(voice) - height, width, height };
  }

  #hit(hit, { n }, isAdded, lateMs) {
    const box = this.#box(hit, n);
    const { key } = this.voices[hit[0]];
    const bar = `<rect class="hit" data-voice="${key}" fill="var(--${key})" ${boxOf(box, 3)}/>`;
    if (this.rowPx < NARROW_ROW_PX) return bar;
    return bar + (isAdded ? hole(box) : "") + (lateMs ? arrowhead(this.x(hit[1]), this.foot(hit[0]), lateMs) : "");
  }

  #outline(hit, n, className) {
    const { x, y, width, height } = this.#box(hit, n);
    const isNarrow = width < NARROW_HIT_PX;
    const line = isNarrow ? 1 : 2; // px, of which half lies inside
    const inside = {
      x: x + line / 2,
      y: y + line / 2,
      width: Math.max(width - line, 1),
      height: Math.max(height - line, 1),
    };
    const { key } = this.voices[hit[0]];
    const narrow = isNarrow ? " narrow" : "";
    return `<rect class="${className}${narrow}" data-voice="${key}" stroke="var(--${key})" ${boxOf(inside, 3)}/>`;
  }

  // -- the ground -----------------------------------------------------------------

  #beats() {
    const { lane, stepPx, header, height } = this;
    const ends = [...lane.beats.slice(1), lane.n_steps];
    return lane.beats
      .map((beat, i) => {
        const box = { x: beat * stepPx, y: header, width: (ends[i] - beat) * stepPx, height: height - header };
        return `<rect class="lane${i % 2}" ${boxOf(box, 0)}/>`;
      })
      .join("");
  }

  #lines() {
    const { lane, rows, stepPx, rowPx, header, width, height } = this;
    const down = (step) => `M${f(step * stepPx)} ${header}V${f(height)}`;
    const across = rows.map((_, r) => `M0 ${f(header + r * rowPx)}H${f(width)}`).join("");
    const steps = Array.from({ length: lane.n_steps }, (_, s) => down(s)).join("");
    return (
      `<path class="gap" d="${across}${stepPx > 6 ? steps : ""}"/>` +
      `<path class="beat" d="${lane.beats.map(down).join("")}"/>` +
      `<path class="barline" d="${lane.bars.map((step) => `M${f(step * stepPx)} 0V${f(height)}`).join("")}"/>`
    );
  }

  #numbers() {
    const { bars, first_bar: first } = this.lane;
    const number = (step, i) => `<text x="${f(step * this.stepPx + 5)}" y="13">${first + i}</text>`;
    return `<g class="numbers">${bars.slice(0, -1).map(number).join("")}</g>`;
  }
}

const boxOf = ({ x, y, width, height }, round) =>
  `x="${f(x)}" y="${f(y)}" width="${f(width)}" height="${f(height)}" rx="${f(Math.min(round, width / 3))}"`;

function hole({ x, y, width, height }) {
  const r = Math.min(4, width / 3.2, height / 3);
  return `<circle class="hole" cx="${f(x + width / 2)}" cy="${f(y + height / 2)}" r="${f(r)}"/>`;
}

function arrowhead(x, y, direction) {
  const tip = direction > 0 ? 5 : -5;
  return `<path class="moved" d="M${f(x - tip)} ${f(y - 4)}L${f(x + tip)} ${f(y)}L${f(x - tip)} ${f(y + 4)}Z"/>`;
}

/** The marks of a comparison, to read beside their counts. */
export function sample(kind) {
  const svg = svgElement("svg", { width: 16, height: 18, "aria-hidden": "true" });
  const box = { x: 4, y: 2, width: 9, height: 14 };
  const bar = `<rect fill="currentColor" ${boxOf(box, 3)}/>`;
  svg.innerHTML = {
    lost: `<rect class="lost" stroke="currentColor" ${boxOf(box, 3)}/>`,
    open: `<rect class="open" stroke="currentColor" ${boxOf(box, 3)}/>`,
    added: bar + hole(box),
    moved: bar + arrowhead(8, 13, 1),
  }[kind];
  return svg;
}
