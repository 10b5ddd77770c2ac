// The nine drums played live: by touch, by keys while the pads have the focus, and by a kit or a controller over Web
// MIDI.

import { element } from "../assets/dom.js";
import { button } from "./controls.js";

const KEYS = ["KeyZ", "KeyX", "KeyC", "KeyA", "KeyS", "KeyD", "KeyQ", "KeyW", "KeyE"]; // by voice
const KEY_VELOCITY = 100;
const VELOCITIES = [50, 127]; // of a touch at a pad's lower and upper end
const NOTE_ON = 0x90;

export class Live {
  /** `voices`: their names; `notes`: a MIDI note's drum, by the kit's table. */
  constructor(music, voices, notes) {
    Object.assign(this, { music, voices, notes });
    const pads = [6, 7, 8, 3, 4, 5, 0, 1, 2].map((voice) => this.#pad(voice));
    this.pads = element("div", { className: "drum-pads", role: "group", ariaLabel: "Drums to play" }, ...pads);
    this.midi = button("Listen to MIDI", () => this.#open());
    this.line = element("p", { role: "status" });
    const summary = element("summary", { textContent: "Play live: touch, keys, MIDI" });
    this.root = element("details", { className: "help" }, summary, this.pads, this.midi, this.line);
    this.pads.addEventListener("keydown", (event) => this.#key(event));
    if (!navigator.requestMIDIAccess) {
      this.midi.hidden = true;
      this.line.textContent = "This browser has no Web MIDI: touch and keys play all the same.";
    }
  }

  #pad(voice) {
    const key = KEYS[voice].slice(3);
    const pad = button(this.voices[voice].label, (event) => event.detail || this.#strike(voice, KEY_VELOCITY));
    pad.append(element("small", { textContent: key, ariaHidden: "true" }));
    pad.addEventListener("pointerdown", (event) => {
      const { top, height } = pad.getBoundingClientRect();
      const [soft, hard] = VELOCITIES;
      this.#strike(voice, Math.round(hard - ((event.clientY - top) / height) * (hard - soft)));
    });
    return pad;
  }

  #key(event) {
    const voice = KEYS.indexOf(event.code);
    if (voice < 0 || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    event.stopPropagation();
    if (!event.repeat) this.#strike(voice, KEY_VELOCITY);
  }

  #strike(voice, velocity) {
    this.music.transport.strike(voice, Math.min(Math.max(velocity, 1), 127)).catch(() => {});
  }

  async #open() {
    try {
      this.access = await navigator.requestMIDIAccess();
    } catch {
      this.line.textContent = "The browser did not allow MIDI; touch and keys play all the same.";
      return;
    }
    this.access.onstatechange = ({ port }) => this.#changed(port);
    this.#listen();
  }

  /** A device that goes takes nothing along: what plays goes on. */
  #changed(port) {
    this.#listen();
    if (port?.type === "input" && port.state === "disconnected")
      this.line.textContent = `${port.name ?? "A MIDI device"} is unplugged. ${this.line.textContent}`;
  }

  #listen() {
    const inputs = [...this.access.inputs.values()].filter(({ state }) => state !== "disconnected");
    for (const input of inputs) input.onmidimessage = ({ data }) => this.#message(data);
    const names = inputs.map(({ name }) => name ?? "a MIDI device");
    this.line.textContent = names.length ? `Listening to ${names.join(", ")}.` : "No MIDI device is plugged in.";
  }

  #message([status, note, velocity]) {
    const voice = this.notes[note];
    if ((status & 0xf0) === NOTE_ON && velocity > 0 && voice !== undefined) this.#strike(voice, velocity);
  }
}
