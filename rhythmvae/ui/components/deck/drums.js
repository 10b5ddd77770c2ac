// The kit's names beside the grid, with mute and solo: two small buttons for a mouse, a menu of large ones for a
// finger.

import { element } from "../assets/dom.js";
import { clearVoice } from "./edits.js";

const VELOCITY = 100; // of a stroke to hear a drum by

export class Drums {
  /** `names`: where they stand, in the order of `rows`. */
  constructor(music, voices, names, rows) {
    Object.assign(this, { music, voices, names });
    this.menu = element("div", { className: "menu", role: "group", hidden: true });
    names.append(...rows.map((voice) => this.#row(voice)));
  }

  #row(voice) {
    const label = this.#label(voice);
    const hear = () => this.#press(voice);
    const name = element("button", { type: "button", className: "name", textContent: label, onclick: hear });
    name.title = `Hear the ${label.toLowerCase()}`;
    const switches = [this.#switch("Mute", voice, "M"), this.#switch("Solo", voice, "S")];
    return element("div", { className: "row-name", dataset: { voice } }, name, ...switches);
  }

  /** Mute or Solo. */
  #switch(verb, voice, textContent = verb) {
    const name = `${verb} ${this.#label(voice).toLowerCase()}`;
    const properties = { type: "button", className: "toggle", textContent, title: name, ariaLabel: name };
    const found = element("button", { ...properties, dataset: { voice, verb } });
    found.onclick = () => this.music.toggleIn(verb === "Mute" ? this.music.muted : this.music.soloed, voice);
    return found;
  }

  #label(voice) {
    return this.voices[voice].label;
  }

  #press(voice) {
    this.music.strike(voice, VELOCITY);
    if (matchMedia("(pointer: coarse)").matches) this.#openMenu(voice);
  }

  #openMenu(voice) {
    const label = this.#label(voice);
    const clear = () => {
      if (this.music.mayEdit()) this.music.commit(clearVoice(this.music.original.hits, voice));
    };
    const plain = (textContent, onclick) => element("button", { type: "button", textContent, onclick });
    this.menu.replaceChildren(
      element("b", { textContent: label }),
      this.#switch("Mute", voice),
      this.#switch("Solo", voice),
      plain("Clear", clear),
      plain("Done", () => (this.menu.hidden = true)),
    );
    this.menu.setAttribute("aria-label", label);
    this.menu.hidden = false;
    this.refresh();
  }

  refresh() {
    const { muted, soloed } = this.music;
    for (const toggle of [...this.names.querySelectorAll(".toggle"), ...this.menu.querySelectorAll(".toggle")]) {
      const set = toggle.dataset.verb === "Mute" ? muted : soloed;
      toggle.setAttribute("aria-pressed", String(set.has(Number(toggle.dataset.voice))));
    }
    for (const row of this.names.children)
      row.classList.toggle("silent", this.music.isSilent(Number(row.dataset.voice)));
  }
}
