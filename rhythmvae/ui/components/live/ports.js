// Which MIDI devices there are: all inputs are listened to, and one output is sent to. A device that goes takes nothing
// along: what plays goes on.

import { element } from "../assets/dom.js";

const STRUCK = 0x90; // note on, of any channel
const nameOf = ({ name }) => name || "a MIDI device";

export class Ports {
  #access = null;
  #lost = null; // id of an output that went while it was sent to

  /** `onStroke` is told note, velocity and when of the page; `out` is a MidiOut. */
  constructor(out, settings, { onStroke, onSettings }) {
    Object.assign(this, { out, onStroke });
    this.opener = element("button", { type: "button", textContent: "Connect MIDI", onclick: () => this.#open() });
    this.outputs = element("select", { ariaLabel: "Send the loop to", onchange: () => this.#choose() });
    this.clock = element("input", { type: "checkbox", checked: settings.sendsClock });
    this.clock.onchange = () => onSettings({ sendsClock: (this.out.sendsClock = this.clock.checked) });
    const to = element("label", {}, element("span", { textContent: "Send the loop to" }), this.outputs);
    const clock = element("label", {}, this.clock, element("span", { textContent: "MIDI clock" }));
    this.sending = element("div", { className: "group", hidden: true }, to, clock);
    this.line = element("p", { role: "status" });
    this.root = element("div", { className: "ports" }, this.opener, this.sending, this.line);
    out.onGone = (port) => this.#gone(port);
    if (navigator.requestMIDIAccess) return;
    this.opener.hidden = true;
    this.line.textContent = "This browser has no Web MIDI: touch and keys play all the same.";
  }

  async #open() {
    try {
      this.#access = await navigator.requestMIDIAccess();
    } catch {
      this.line.textContent = "The browser did not allow MIDI; touch and keys play all the same.";
      return;
    }
    this.#access.onstatechange = ({ port }) => this.#changed(port);
    this.opener.hidden = true;
    this.sending.hidden = false;
    this.#list();
  }

  #here(ports) {
    return [...ports.values()].filter(({ state }) => state !== "disconnected");
  }

  #changed(port) {
    this.#list();
    if (port?.type === "output") this.#outChanged(port);
    else if (port?.state === "disconnected") this.#say(`${nameOf(port)} is unplugged.`);
  }

  #outChanged(port) {
    const isGone = port.state === "disconnected";
    if (isGone && port.id === this.out.port?.id) this.#gone(this.out.port);
    else if (!isGone && port.id === this.#lost) this.#back(port);
  }

  #gone(port) {
    this.#lost = port.id;
    this.out.use(null, true);
    this.#list();
    this.#say(`${nameOf(port)} is unplugged; the sound goes on.`);
  }

  #back(port) {
    this.#lost = null;
    this.out.use(port);
    this.#list();
    this.#say(`${nameOf(port)} is back.`);
  }

  #say(words) {
    this.line.textContent = `${words} ${this.line.textContent}`;
  }

  #list() {
    const inputs = this.#here(this.#access.inputs);
    for (const input of inputs) input.onmidimessage = (event) => this.#message(event);
    const outputs = this.#here(this.#access.outputs ?? new Map());
    const nothing = element("option", { value: "", textContent: "nothing" });
    const named = outputs.map((port) => element("option", { value: port.id, textContent: nameOf(port) }));
    this.outputs.replaceChildren(nothing, ...named);
    this.outputs.value = this.out.port?.id ?? "";
    const names = inputs.map(nameOf);
    this.line.textContent = names.length
      ? `Listening to ${names.join(", ")}.`
      : "No MIDI device to play on is plugged in.";
  }

  #choose() {
    this.#lost = null;
    const port = this.#here(this.#access.outputs).find(({ id }) => id === this.outputs.value);
    this.out.use(port ?? null);
  }

  #message({ data: [status, note, velocity], timeStamp }) {
    if ((status & 0xf0) === STRUCK && velocity > 0) this.onStroke(note, velocity, timeStamp);
  }
}
