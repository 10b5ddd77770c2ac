// What stands on the map: what a drag does, zoom, the legend with colours and search, and what is taken of a groove.

import { element } from "../assets/dom.js";
import { modeButtons, pressMode, zoomButtons } from "../assets/mapbar.js";
import { ramp } from "../assets/points.js";
import { MOST_COLOURED, colorOf, shapeOf } from "./look.js";

const MODES = [
  ["pick", "Move", "A drag moves the map; a tap plays a groove"],
  ["walk", "Walk", "A drag plays what it passes"],
  ["box", "Box", "A drag collects what is in a box"],
  ["lasso", "Lasso", "A drag collects what it encircles"],
];
const WIDE_PX = 640; // of the map: the legend stands beside the points

export class Panel {
  isOpen = null; // the legend: as the width has it, until a hand has said

  /** `on`: {view, color, filter, search, mode, zoom, reset, parts, take, near}, each called with what was chosen. */
  constructor(on) {
    this.on = on;
    this.chosen = new Set(); // categories that are on show; none means all
    this.status = element("div", { className: "status", role: "status" });
    this.near = button("Nearest ↓", "To the nearest grooves, below the map", () => on.near());
    this.near.classList.add("near");
    this.modes = modeButtons("modes", MODES, (mode) => this.#setMode(mode));
    const top = element("div", { className: "top" }, this.modes, this.near);
    const now = element("div", { className: "now" }, this.status);
    const zooms = zoomButtons("zooms", on.zoom, on.reset);
    this.root = element("div", { className: "over" }, top, zooms, now);
    this.root.append(this.#buildTaking(), this.#buildLegend());
  }

  // -- what a drag does, and zoom ---------------------------------------------------

  #setMode(mode) {
    this.showMode(mode);
    this.on.mode(mode);
  }

  showMode(mode) {
    pressMode(this.modes, mode);
  }

  // -- what is taken of a groove ----------------------------------------------------

  #buildTaking() {
    this.parts = element("div", { className: "parts", role: "group", ariaLabel: "What of a groove you hear" });
    this.take = button("Take it", "What is heard becomes the groove in the deck", () => this.on.take());
    this.take.classList.add("take");
    this.take.hidden = true;
    return element("div", { className: "taking" }, this.parts, this.take);
  }

  /** `all`: [{key, label}]; `taken`: keys of those that are on, none for the whole groove. */
  showParts(all, taken, base) {
    const press = (key) => {
      const next = key && (taken.includes(key) ? taken.filter((each) => each !== key) : [...taken, key]);
      this.on.parts(next || []);
    };
    const shown = JSON.stringify(all);
    if (shown !== this.shownParts) {
      this.shownParts = shown;
      const keys = [{ key: "", label: "All drums" }, ...all];
      this.parts.replaceChildren(
        ...keys.map(({ key, label }) => button(label, "", () => this.pressPart(key), { dataset: { key } })),
      );
    }
    this.pressPart = press;
    for (const each of this.parts.children) {
      const { key } = each.dataset;
      each.setAttribute("aria-pressed", String(key ? taken.includes(key) : !taken.length));
      each.title = key ? `Only this of a groove; all else stays as in ${base}` : "The whole groove";
    }
  }

  // -- the legend -------------------------------------------------------------------

  #buildLegend() {
    this.fold = button("Legend", "", () => this.#open(this.fold.ariaExpanded !== "true"));
    this.fold.className = "fold";
    this.viewSelect = chooser("View", (name) => this.on.view(name));
    this.colorSelect = chooser("Colour", (name) => this.on.color(name));
    this.search = element("input", { type: "search", placeholder: "Search names", ariaLabel: "Search names" });
    this.search.oninput = () => this.on.search(this.search.value);
    this.tools = element("div", { className: "tools" }, this.viewSelect, this.colorSelect, this.search);
    this.keys = element("div", { className: "keys", role: "group", ariaLabel: "Legend: press to see some alone" });
    this.legend = element("div", { className: "legend" }, this.fold, this.tools, this.keys);
    return this.legend;
  }

  #open(isOpen) {
    this.isOpen = isOpen;
    this.legend.classList.toggle("open", isOpen);
    this.fold.setAttribute("aria-expanded", String(isOpen));
  }

  /** What of the map this stands on when it is opened at first, in px. The map does not move when it folds. */
  fit(width) {
    this.isWide = width >= WIDE_PX;
    this.root.classList.toggle("wide", this.isWide);
    if (this.isOpen === null || !this.legend.classList.contains("set")) {
      this.legend.classList.add("set");
      this.#open(this.isWide);
    }
    return this.isWide ? { left: 284, top: 20, right: 64, bottom: 64 } : { left: 16, top: 64, right: 16, bottom: 132 };
  }

  /** What can be chosen between, and what is. */
  offer(views, view, colorings, coloring) {
    const options = (select, names, value) => {
      const textOf = (name) => `${select.ariaLabel}: ${name}`;
      select.replaceChildren(...names.map((name) => element("option", { value: name, textContent: textOf(name) })));
      select.value = value;
      select.hidden = names.length < 2;
    };
    options(this.viewSelect, views, view);
    options(this.colorSelect, colorings, coloring);
  }

  /** The legend of a coloring: its categories, or a ramp. Another coloring shows all points. */
  show({ category, known }, title) {
    this.chosen.clear();
    this.keys.replaceChildren(...(category ? this.#keysOf(category) : rampOf(known, title)));
    this.#press();
  }

  #keysOf(category) {
    const counts = new Map();
    for (const k of category.of) counts.set(k, (counts.get(k) ?? 0) + 1);
    const all = button("All", "", () => this.#choose(null), { dataset: { k: "" } });
    all.className = "key";
    const keys = category.names.map((name, k) => {
      const dot = element("span", { className: `dot ${shapeOf(k)}` });
      dot.style.background = colorOf(k);
      const key = button("", "", () => this.#choose(k), { dataset: { k: String(k) } });
      key.className = "key";
      key.append(dot, `${name} ${counts.get(k) ?? 0}`);
      if (k >= MOST_COLOURED) key.title = "Grey: there are more of these than colours";
      return key;
    });
    return [all, ...keys];
  }

  /** One alone, and with more presses others with it; null for all. */
  #choose(k) {
    if (k === null) this.chosen.clear();
    else if (!this.chosen.delete(k)) this.chosen.add(k);
    this.#press();
    this.on.filter();
  }

  #press() {
    for (const key of this.keys.querySelectorAll(".key")) {
      const { k } = key.dataset;
      key.setAttribute("aria-pressed", String(k ? this.chosen.has(Number(k)) : !this.chosen.size));
    }
  }

  isShown(group) {
    return !this.chosen.size || this.chosen.has(group);
  }

  say(words) {
    this.status.textContent = words;
  }
}

function rampOf(known, title) {
  const at = (q) => +known[Math.floor(q * (known.length - 1))].toPrecision(3);
  const bar = element("span", { className: "ramp" });
  bar.style.background = `linear-gradient(to right, ${[0, 0.25, 0.5, 0.75, 1].map((share) => ramp(share)).join(", ")})`;
  return [element("span", { textContent: `${at(0)}` }), bar, element("span", { textContent: `${at(1)}, ${title}` })];
}

function button(textContent, title, onclick, more = {}) {
  return element("button", { type: "button", textContent, title, onclick, ...more });
}

function chooser(ariaLabel, onchange) {
  const found = element("select", { ariaLabel, onchange: () => onchange(found.value) });
  return found;
}
