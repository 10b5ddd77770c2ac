// The nine drums as pads for fingers, and as keys while the focus is among them.

import { element } from "../assets/dom.js";

const KEYS = ["KeyZ", "KeyX", "KeyC", "KeyA", "KeyS", "KeyD", "KeyQ", "KeyW", "KeyE"]; // by voice
const ORDER = [6, 7, 8, 3, 4, 5, 0, 1, 2]; // of the pads: voices from the upper left on, the kick under the thumb
const KEY_VELOCITY = 100;
const VELOCITIES = { soft: 50, hard: 127 }; // of a touch at a pad's lower and upper end

export class Pads {
  /** `onStroke` is told voice, velocity and when of the page. */
  constructor(voices, onStroke) {
    Object.assign(this, { voices, onStroke });
    this.buttons = [];
    const pads = ORDER.map((voice) => this.#pad(voice));
    this.root = element("div", { className: "drum-pads", role: "group", ariaLabel: "Drums to play", tabIndex: -1 });
    this.root.append(...pads);
  }

  #pad(voice) {
    const { key, label } = this.voices[voice];
    const sign = element("small", { textContent: KEYS[voice].slice(3), ariaHidden: "true" });
    const pad = element("button", { type: "button", ariaLabel: label, dataset: { voice: key } }, label, sign);
    // A click that no finger or mouse made: Enter, or a screen reader's.
    pad.onclick = (event) => event.detail || this.#struck(voice, KEY_VELOCITY, event.timeStamp);
    pad.addEventListener("pointerdown", (event) => {
      if (event.button !== 0) return;
      const { top, height } = pad.getBoundingClientRect();
      const { soft, hard } = VELOCITIES;
      const velocity = Math.round(hard - ((event.clientY - top) / height) * (hard - soft));
      this.#struck(voice, Math.min(Math.max(velocity, 1), hard), event.timeStamp);
    });
    this.buttons[voice] = pad;
    return pad;
  }

  /** Whether a key is a drum's, which is then struck. */
  key(event) {
    const voice = KEYS.indexOf(event.code);
    if (voice < 0) return false;
    if (!event.repeat) this.#struck(voice, KEY_VELOCITY, event.timeStamp);
    return true;
  }

  #struck(voice, velocity, when) {
    this.flash(voice);
    this.onStroke(voice, velocity, when);
  }

  /** A stroke is seen. */
  flash(voice) {
    const pad = this.buttons[voice];
    pad.classList.remove("struck");
    requestAnimationFrame(() => pad.classList.add("struck"));
  }
}
