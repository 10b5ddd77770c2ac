// The mixer: which kit, and for each drum how loud, where, mute, solo, and a sound of one's own.

import { element } from "../assets/dom.js";
import { button } from "./controls.js";
import { MOST_LEVEL } from "./sounds.js";

export class Mixer {
  /** `voices`: their names; `order`: of the rows. */
  constructor(music, sounds, voices, order) {
    Object.assign(this, { music, sounds, voices });
    this.kit = element("select", { ariaLabel: "Kit", onchange: () => sounds.choose(this.kit.value) });
    this.rows = order.map((voice) => this.#row(voice));
    const kit = element("label", { className: "kit" }, element("span", { textContent: "Kit" }), this.kit);
    const summary = element("summary", { textContent: "Mixer, and sounds of your own" });
    const hint = "Drop a sound file on a drum, or choose one: it stays in this browser.";
    const rows = element("div", { className: "mixer" }, ...this.rows.map((row) => row.root));
    this.details = element("details", { className: "help" }, summary, element("p", { textContent: hint }), rows);
    this.root = element("div", { className: "sounds" }, kit, this.details);
    sounds.subscribe(() => this.refresh());
  }

  #row(voice) {
    const { music, sounds } = this;
    const label = this.voices[voice].label;
    const range = (name, min, max, oninput) =>
      element("input", {
        type: "range",
        min,
        max,
        step: 0.01,
        ariaLabel: `${name} of ${label.toLowerCase()}`,
        oninput,
      });
    const level = range("Level", 0, MOST_LEVEL, () => sounds.setLevel(voice, Number(level.value)));
    const pan = range("Pan", -1, 1, () => sounds.setPan(voice, Number(pan.value)));
    pan.ondblclick = () => sounds.setPan(voice, 0);
    const toggle = (text, verb, set) =>
      button(`${verb} ${label.toLowerCase()}`, () => music.toggleIn(set, voice), { text, className: "switch" });
    const [mute, solo] = [toggle("M", "Mute", music.muted), toggle("S", "Solo", music.soloed)];
    const file = element("input", { type: "file", accept: "audio/*", hidden: true });
    file.onchange = () => {
      if (file.files[0]) sounds.takeOwn(voice, file.files[0]);
      file.value = "";
    };
    const own = button(`Own sound for ${label.toLowerCase()}`, () => this.#own(voice, file), { text: "Own sound" });
    const named = (text, control) => element("label", {}, element("span", { textContent: text }), control);
    const name = element("b", { textContent: label });
    const root = element("div", { className: "strip-row", role: "group", ariaLabel: label });
    root.append(name, named("Level", level), named("Pan", pan), mute, solo, own, file);
    takesFiles(root, (dropped) => sounds.takeOwn(voice, dropped));
    return { voice, root, level, pan, mute, solo, own };
  }

  /** A second press takes the drum's own sound away. */
  #own(voice, file) {
    if (this.sounds.own.has(voice)) this.sounds.dropOwn(voice);
    else file.click();
  }

  refresh() {
    const { music, sounds } = this;
    const kits = [{ key: "house", label: "House" }, ...sounds.kits];
    if (this.kit.length !== kits.length) {
      const options = kits.map(({ key, label }) => element("option", { value: key, textContent: label }));
      this.kit.replaceChildren(...options);
    }
    this.kit.value = sounds.kit;
    for (const { voice, level, pan, mute, solo, own } of this.rows) {
      level.value = sounds.levels[voice] ?? 1;
      pan.value = sounds.pans[voice] ?? 0;
      mute.setAttribute("aria-pressed", String(music.muted.has(voice)));
      solo.setAttribute("aria-pressed", String(music.soloed.has(voice)));
      const name = sounds.own.get(voice)?.name;
      own.textContent = name ? "Kit's sound" : "Own sound";
      own.title = name ? `Take ${name} away` : "A sound file for this drum";
      own.setAttribute("aria-label", `${own.textContent} for ${this.voices[voice].label.toLowerCase()}`);
    }
  }
}

/** A sound file that is dropped on an element goes to `take`; the page does not open it. */
export function takesFiles(root, take) {
  root.addEventListener("dragover", (event) => {
    if (![...event.dataTransfer.items].some(({ kind }) => kind === "file")) return;
    event.preventDefault();
    root.classList.add("taking");
  });
  root.addEventListener("dragleave", () => root.classList.remove("taking"));
  root.addEventListener("drop", (event) => {
    root.classList.remove("taking");
    const [file] = event.dataTransfer.files;
    if (!file) return;
    event.preventDefault();
    event.stopPropagation();
    take(file);
  });
}
