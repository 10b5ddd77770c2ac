// What stands around a library's map: the choice of a colour and of what a drag does, zoom, and the legend.

import { element } from "../assets/dom.js";
import { modeButtons, pressMode, zoomButtons } from "../assets/mapbar.js";
import { OTHER, PALETTE, ramp, SHAPES } from "../assets/points.js";

const MODES = [
  ["pick", "Move", "A drag moves the map; a tap plays a loop"],
  ["box", "Box", "A drag chooses what is in a box"],
  ["lasso", "Lasso", "A drag chooses what it encircles"],
];
const NOT_KNOWN = "not known";
const CODES = 256; // of a column

export class Bar {
  /** `on` is called: color(column), mode(name), zoom(1 or -1), all(), hide(code, isHidden). */
  constructor(on) {
    this.on = on;
    this.select = element("select", { ariaLabel: "Colour", onchange: () => on.color(this.select.selectedIndex) });
    const label = element("label", {}, element("span", { textContent: "Colour" }), this.select);
    this.modes = modeButtons("choice", MODES, on.mode);
    this.tools = element("div", { className: "bar", role: "toolbar", ariaLabel: "Map" }, label, this.modes);
    this.legend = element("div", { className: "keys", role: "group", ariaLabel: "Legend: press to hide or show" });
    this.zooms = zoomButtons("choice zooms", on.zoom, on.all);
  }

  /** Columns to colour by, one of them chosen. */
  offer(columns, chosen) {
    this.select.replaceChildren(...columns.map(({ title }) => element("option", { value: title, textContent: title })));
    this.select.selectedIndex = chosen;
    this.select.parentElement.hidden = columns.length < 2;
  }

  showMode(mode) {
    pressMode(this.modes, mode);
  }

  /** A key for each name of a column, with its colour and how many points it has. */
  showLegend({ names, of }, paint, hidden) {
    const counts = new Uint32Array(CODES);
    for (let i = 0; i < of.length; i += 1) counts[of[i]] += 1;
    const key = (code, name) => {
      const { css, shape } = paint[code];
      const dot = element("span", { className: `dot ${SHAPES[shape]}` });
      dot.style.background = css;
      const found = element("button", { type: "button", className: "key" }, dot, `${name} `);
      found.append(element("span", { className: "count", textContent: counts[code].toLocaleString() }));
      const show = (isHidden) => found.setAttribute("aria-pressed", String(!isHidden));
      found.onclick = () => {
        const isHidden = found.getAttribute("aria-pressed") === "true";
        show(isHidden);
        this.on.hide(code, isHidden);
      };
      show(hidden.has(code));
      return found;
    };
    const keys = names.map((name, k) => key(k + 1, name));
    if (counts[0]) keys.push(key(0, NOT_KNOWN));
    this.legend.replaceChildren(...keys);
  }
}

/** A colour and a shape for each code of a column: [{ css, color, shape }]. */
export function paintOf({ names, in_order: isInOrder, others }) {
  const last = names.length - (others ? 1 : 0);
  const paint = [{ css: OTHER, shape: 0 }];
  for (let k = 0; k < names.length; k += 1) {
    if (k >= last) paint.push({ css: OTHER, shape: 0 });
    else if (isInOrder) paint.push({ css: ramp(names.length > 1 ? k / (names.length - 1) : 0.5), shape: 0 });
    else paint.push({ css: PALETTE[k % PALETTE.length], shape: Math.floor(k / PALETTE.length) % SHAPES.length });
  }
  for (const each of paint) each.color = toColor(each.css);
  while (paint.length < CODES) paint.push(paint[0]); // whatever comes has a colour
  return paint;
}

/** [r, g, b] of "#rrggbb" or "rgb(r, g, b)". */
function toColor(css) {
  return css.startsWith("#")
    ? [1, 3, 5].map((at) => Number.parseInt(css.slice(at, at + 2), 16))
    : css.match(/\d+/g).map(Number);
}
