// Played live: pads, keys and MIDI, recorded into the loop, and the loop to a MIDI output.

import { element } from "../assets/dom.js";
import { GRIDS, LATENCY_MS, keepSettings, readSettings } from "./kept.js";
import { Calibration } from "./latency.js";
import { MidiOut } from "./midi_out.js";
import { Pads } from "./pads.js";
import { PageClock } from "./page_clock.js";
import { Ports } from "./ports.js";
import { Recorder } from "./recorder.js";

const GRID_NAMES = { off: "off", "16th": "16ths", "8th": "8ths", triplet: "triplets" };

/** `root` gets all of it; `music` is the deck's, `told` what Python said to the deck. */
export function mount(root, music, told) {
  return new Live(root, music, told);
}

class Live {
  constructor(root, music, { voices, notes, pitches, most_hits: most }) {
    Object.assign(this, { root, music, notes });
    this.settings = readSettings();
    this.clock = new PageClock(music.transport);
    music.transport.followers.add(this.clock);
    const say = (words) => (this.line.textContent = words);
    this.line = element("p", { className: "news", role: "status" });
    this.recorder = new Recorder(music, this.clock, this.settings, { say, most });
    this.calibration = new Calibration(music, this.clock, { say, done: (ms) => this.#setLatency(ms) });
    this.out = new MidiOut(music, this.clock, pitches, this.settings);
    this.pads = new Pads(voices, (voice, velocity, when) => this.#play(voice, velocity, when));
    this.ports = new Ports(this.out, this.settings, {
      onStroke: (note, velocity, when) => this.#playNote(note, velocity, when),
      onSettings: (settings) => this.#set(settings),
    });
    root.append(this.#row(), this.line, this.#more(), this.pads.root);
    root.live = this; // for whoever looks at what is sent from outside
    root.addEventListener("keydown", (event) => this.#key(event));
    music.subscribe(() => this.refresh());
    music.onFrame(() => this.#count());
    this.refresh();
  }

  // -- what is seen -----------------------------------------------------------------

  #row() {
    this.record = element("button", { type: "button", className: "record", title: "Record into the loop (R)" });
    this.dot = element("span", { className: "dot", ariaHidden: "true" });
    this.record.append(this.dot, "Record");
    this.record.setAttribute("aria-keyshortcuts", "R");
    this.record.onclick = () => this.#toggle();
    this.mode = select("How it is recorded", { no: "overdub", yes: "replace" }, (value) =>
      this.#set({ replaces: value === "yes" }),
    );
    this.mode.title = "Overdub adds to what is there; replace: a drum that you play begins anew in each pass";
    this.countsIn = element("input", { type: "checkbox" });
    this.countsIn.onchange = () => this.#set({ countsIn: this.countsIn.checked });
    const countsIn = element("label", {}, this.countsIn, element("span", { textContent: "Count-in" }));
    const label = { className: "group recording", role: "group", ariaLabel: "Record" };
    return element("div", label, this.record, this.mode, countsIn);
  }

  #more() {
    const names = Object.fromEntries(Object.keys(GRIDS).map((grid) => [grid, GRID_NAMES[grid]]));
    this.grid = select("Quantize", names, (grid) => this.#draw({ grid }));
    this.strength = element("input", { type: "range", min: 0, max: 100, step: 5, ariaLabel: "Strength, in percent" });
    this.strength.oninput = () => this.#draw({ strength: Number(this.strength.value) });
    const { least: min, most: max } = LATENCY_MS;
    this.latency = element("input", { type: "number", min, max, step: 1, ariaLabel: "Latency in milliseconds" });
    this.latency.onchange = () => this.#setLatency(Number(this.latency.value));
    const tap = element("button", { type: "button", textContent: "Tap along" });
    tap.title = "Measure how late your strokes come";
    tap.onclick = () => this.calibration.toggle().then(() => this.pads.root.focus({ preventScroll: true }));
    const quantize = element(
      "div",
      { className: "group" },
      named("Quantize", this.grid),
      named("Strength", this.strength),
    );
    const latency = element("div", { className: "group" }, named("Latency, ms", this.latency), tap);
    const summary = element("summary", { textContent: "Quantize, latency, MIDI" });
    const inside = element("div", { className: "settings" }, quantize, latency, this.ports.root);
    return element("details", { className: "help" }, summary, inside);
  }

  refresh() {
    const { state } = this.recorder;
    this.record.setAttribute("aria-pressed", String(state !== "off"));
    this.root.dataset.recording = state;
    const { replaces, countsIn, grid, strength, latencyMs } = this.settings;
    this.mode.value = replaces ? "yes" : "no";
    this.countsIn.checked = countsIn;
    this.grid.value = grid;
    this.strength.value = strength;
    if (this.latency.getRootNode().activeElement !== this.latency) this.latency.value = latencyMs;
    this.#count();
  }

  #count() {
    const { state, count } = this.recorder;
    const shown = state === "counting" && count ? String(count) : "";
    if (this.dot.textContent !== shown) this.dot.textContent = shown;
  }

  // -- what a hand does -------------------------------------------------------------

  #toggle() {
    this.recorder.toggle();
    this.pads.root.focus({ preventScroll: true }); // for the keys
  }

  #set(settings) {
    Object.assign(this.settings, settings);
    keepSettings(this.settings);
    this.refresh();
  }

  #draw(settings) {
    this.#set(settings);
    this.recorder.drawAnew();
  }

  #setLatency(ms) {
    const { least, most } = LATENCY_MS;
    this.#set({ latencyMs: Number.isFinite(ms) ? Math.min(Math.max(Math.round(ms), least), most) : 0 });
    this.latency.value = this.settings.latencyMs;
  }

  #key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || isWriting(event.composedPath()[0])) return;
    const isRecord = event.code === "KeyR";
    if (isRecord && !event.repeat) this.#toggle();
    if (!isRecord && !this.pads.key(event)) return;
    event.preventDefault();
    event.stopPropagation();
  }

  #playNote(note, velocity, when) {
    const voice = this.notes[note];
    if (voice === undefined) return;
    this.pads.flash(voice);
    this.#play(voice, velocity, when, false);
  }

  /** `isOurs`: no device's, which has sounded there already. */
  #play(voice, velocity, when, isOurs = true) {
    if (this.calibration.isOn) {
      this.calibration.tap(when);
      return;
    }
    this.music.transport.strike(voice, velocity).catch(() => {});
    if (isOurs) this.out.strike(voice, velocity);
    this.recorder.strike(voice, velocity, when);
  }
}

const isWriting = (target) =>
  target instanceof Element && target.matches("select, input:not([type=range], [type=checkbox])");

const named = (text, control) => element("label", {}, element("span", { textContent: text }), control);

/** A box of choices: value -> what is read. */
function select(ariaLabel, choices, onChoice) {
  const options = Object.entries(choices).map(([value, textContent]) => element("option", { value, textContent }));
  const found = element("select", { ariaLabel }, ...options);
  found.onchange = () => onChoice(found.value);
  return found;
}
