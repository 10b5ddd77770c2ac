// The deck's buttons: what they look like and what they do to the music.

import { element } from "../assets/dom.js";
import { svgElement } from "./draw.js";
import { bpmRange } from "./time.js";

const TAPS = { pauseMs: 3200, most: 8 }; // a longer pause begins to count anew
const ICONS = {
  play: "M7 4.5v15l13-7.5z",
  pause: "M6 5h4v14H6zM14 5h4v14h-4z",
  up: "M12 8l-7 7M12 8l7 7",
  down: "M5 9l7 7 7-7",
  left: "M15 5l-7 7 7 7",
  right: "M9 5l7 7-7 7",
  undo: "M9 5L4 10l5 5M4 10h10a6 6 0 0 1 0 12",
  redo: "M15 5l5 5-5 5M20 10H10a6 6 0 0 0 0 12",
  home: "M12 4v11M7 10l5 5 5-5M5 20h14",
  link: "M10 14a4 4 0 0 0 6 0l3-3a4 4 0 0 0-6-6l-1 1M14 10a4 4 0 0 0-6 0l-3 3a4 4 0 0 0 6 6l1-1",
  more: "M5 12h.01M12 12h.01M19 12h.01",
  pads: "M4 4h7v7H4zM13 4h7v7h-7zM4 13h7v7H4zM13 13h7v7h-7z",
  minus: "M6 12h12",
  plus: "M6 12h12M12 6v12",
};

/** A sign without words; `isFull` ones are filled, the others drawn. */
function icon(name) {
  const svg = svgElement("svg", { viewBox: "0 0 24 24", width: 22, height: 22, "aria-hidden": "true" });
  const isFull = name === "play" || name === "pause";
  svg.append(svgElement("path", { d: ICONS[name], class: isFull ? "full" : "drawn" }));
  return svg;
}

/** A button: with a sign its `name` is a tooltip, without one it is written on it (`text`, or the name itself). */
export function button(name, onclick, { sign, text, ...extra } = {}) {
  const found = element("button", { type: "button", title: name, ariaLabel: name, onclick, ...extra });
  found.append(sign ? icon(sign) : (text ?? name));
  return found;
}

const group = (className, label, ...children) =>
  element("div", { className: `group ${className}`, role: "group", ariaLabel: label }, ...children);

/** Play, and Pause while it plays. */
export class PlayButton {
  constructor(music) {
    this.music = music;
    this.root = button("Play", () => music.toggle(), { sign: "play", className: "play" });
  }

  refresh() {
    const name = this.music.transport.isPlaying ? "Pause" : "Play";
    if (this.root.title === name) return;
    this.root.title = name;
    this.root.setAttribute("aria-label", name);
    this.root.replaceChildren(icon(name.toLowerCase()));
  }
}

/** What plays, in words. */
export class Title {
  constructor(music) {
    this.music = music;
    this.name = element("b");
    this.facts = ["tempo", "meter", "bars"].map(() => element("span"));
    this.root = element("div", { className: "title" }, this.name, element("small", {}, ...this.facts));
  }

  refresh() {
    const { music } = this;
    const { heard, role } = music;
    const nBars = heard.bars.length - 1;
    const count = music.ofBars ? `${nBars} of ${music.ofBars}` : nBars;
    // A lane that is leaving keeps its name until the bar line.
    if (role !== "leaving") this.name.textContent = this.name.title = music.name;
    const facts = [`${+music.bpm.toFixed(1)} BPM, `, `${heard.meter}, `, `${count} ${count === 1 ? "bar" : "bars"}`];
    for (const [i, fact] of this.facts.entries()) fact.textContent = facts[i];
  }
}

/** Original, result, or the sound that the original was heard in. */
export class Choice {
  constructor(music) {
    this.music = music;
    this.root = element("div", { className: "choice", role: "radiogroup", ariaLabel: "What is heard" });
    this.buttons = ["Original", "Result", "Sound"].map((textContent) => {
      const role = textContent.toLowerCase();
      const properties = { type: "button", role: "radio", textContent, dataset: { role } };
      return element("button", { ...properties, onclick: () => music.choose(role) });
    });
    this.root.append(...this.buttons);
    this.root.addEventListener("keydown", (event) => this.#walk(event));
  }

  /** As radio buttons do it: one of them in the tab order, arrows go on. */
  #walk(event) {
    if (!event.key.startsWith("Arrow")) return;
    event.preventDefault();
    event.stopPropagation();
    this.music.switch();
    this.buttons.find((each) => each.tabIndex === 0).focus();
  }

  refresh() {
    const { result, data, sounding, isSound } = this.music;
    const heard = this.music.role === "finger" ? "result" : this.music.role; // what a hand is making
    const role = isSound ? "sound" : heard;
    const [original] = data.lanes;
    const titles = { original: original.label, result: result?.label, sound: sounding.isThere && "The sound itself" };
    this.root.hidden = !result && !sounding.isThere;
    this.root.classList.toggle("three", Boolean(result) && sounding.isThere);
    const isAny = this.buttons.some((each) => each.dataset.role === role);
    for (const [i, each] of this.buttons.entries()) {
      const title = titles[each.dataset.role];
      Object.assign(each, { title: title || "", hidden: !title });
      const isHeard = each.dataset.role === role;
      each.setAttribute("aria-checked", String(isHeard));
      each.tabIndex = isHeard || (!isAny && i === 0) ? 0 : -1;
    }
  }
}

/** Tempo: typed, stepped or tapped. */
export class Tempo {
  #taps = [];
  #isTyping = false; // a number that is not finished

  constructor(music) {
    this.music = music;
    this.bpm = element("input", {
      type: "number",
      step: "any",
      inputMode: "decimal",
      ariaLabel: "Tempo in beats per minute",
      oninput: () => (this.#isTyping = true),
      onchange: () => {
        this.#isTyping = false;
        music.setBpm(Number.parseFloat(this.bpm.value));
      },
      onblur: () => {
        this.#isTyping = false; // nothing changes where it is as it was
        this.refresh();
      },
    });
    const by = (step) => () => music.setBpm(Math.round(music.bpm) + step);
    this.tap = button("Tap tempo", (event) => event.detail || this.#tapped(), { text: "Tap" });
    this.tap.addEventListener("pointerdown", () => this.#tapped()); // a click comes late
    this.root = group(
      "tempo",
      "Tempo",
      button("Slower", by(-1), { sign: "minus" }),
      this.bpm,
      button("Faster", by(1), { sign: "plus" }),
      this.tap,
    );
  }

  /** Two taps are a tempo, more of them a steadier one. */
  #tapped() {
    const now = performance.now();
    if (now - this.#taps.at(-1) > TAPS.pauseMs) this.#taps = [];
    this.#taps = [...this.#taps, now].slice(-TAPS.most);
    const n = this.#taps.length - 1;
    if (n > 0) this.music.setBpm((60_000 * n) / (now - this.#taps[0]));
  }

  refresh() {
    const { music } = this;
    const [low, high] = bpmRange(music.heard.tempos[0][1], music.data.tempos);
    Object.assign(this.bpm, { min: Math.floor(low), max: Math.ceil(high) });
    const bpm = Math.round(music.bpm * 10) / 10;
    if (!this.#isTyping && Number(this.bpm.value) !== bpm) this.bpm.value = bpm;
  }
}

/** Undo and redo. */
export class Steps {
  constructor(music) {
    this.music = music;
    this.undo = button("Undo", () => music.travel("undo"), { sign: "undo" });
    this.redo = button("Redo", () => music.travel("redo"), { sign: "redo" });
    this.root = group("history", "Undo and redo", this.undo, this.redo);
  }

  refresh() {
    this.undo.disabled = !this.music.canUndo;
    this.redo.disabled = !this.music.canRedo;
  }
}

/** What is asked for less often, behind a button: sound, and edits at the chosen cell. */
export class More {
  /** `edits`: what is written on a button -> [what it does, in words, what it does]. */
  constructor(music, edits) {
    this.music = music;
    const { transport } = music;
    this.volume = element("input", { type: "range", min: 0, max: 1, step: 0.01 });
    this.volume.oninput = () => (transport.volume = Number(this.volume.value));
    const volume = element("label", {}, element("span", { textContent: "Volume" }), this.volume);
    this.click = button("Metronome click", () => this.#toggleClick(), { text: "Click" });
    this.own = button("Back to its own tempo", () => music.playAtOwnTempo(), { text: "Own tempo" });
    const tools = edits.map(([text, name, act]) => button(name, act, { text }));
    this.root = element(
      "div",
      { className: "more", hidden: true },
      group("sound", "Sound", volume, this.click, this.own),
      group("tools", "Edit", ...tools),
      help(),
    );
    this.opener = button("More", () => this.show(this.root.hidden), { sign: "more" });
  }

  show(isShown) {
    if (this.root.hidden !== isShown) return;
    this.root.hidden = !isShown;
    this.refresh();
    this.onToggle?.();
  }

  #toggleClick() {
    const { transport } = this.music;
    transport.clicking = !transport.clicking;
    this.refresh();
  }

  refresh() {
    this.opener.setAttribute("aria-expanded", String(!this.root.hidden));
    this.volume.value = this.music.transport.volume;
    this.click.setAttribute("aria-pressed", String(this.music.transport.clicking));
    this.own.disabled = this.music.isOwnTempo;
  }
}

function help() {
  const lines = [
    ["Click or tap a cell", "adds or removes a hit"],
    ["Drag a hit up or down", "how loud it is (a finger rests on it first)"],
    ["Shift-drag sideways", "its timing (a resting finger: just drag sideways)"],
    ["Right click, or tap twice", "a second hit: a flam"],
    ["Arrow keys, Home, End, Page", "walk through the grid"],
    ["Enter, 1 to 9, F, R, Delete", "hit, loudness, flam, roll, remove"],
    ["Shift + arrows", "loudness and timing"],
    [", and .", "shift the bar; Ctrl + Delete clears the drum"],
    ["Space, X, M, S", "play, switch what is heard, mute, solo"],
    ["N", "on Reconstruct: the next bar that differs"],
    ["Ctrl + Z, Ctrl + Y", "undo, redo"],
  ];
  const items = lines.map(([what, does]) =>
    element("div", {}, element("b", { textContent: what }), element("span", { textContent: does })),
  );
  const summary = element("summary", { textContent: "Edit the grid: mouse, finger and keys" });
  return element("details", { className: "help" }, summary, element("div", { className: "lines" }, ...items));
}
