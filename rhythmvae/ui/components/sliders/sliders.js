// A bank of measured sliders: what a hand asks for goes to Python while it moves, what it achieved is said under it.
//
// A move has a serial number. Until Python's answer carries it, what the hand did stands, and goes along with every
// message: of two messages that Python reads at once, only the last counts.

import { element, live } from "../assets/dom.js";

const SEND_MS = 60; // apart, at least
// A message without an answer by then is not waited for; in a greater hurry all answers come later.
const ANSWER_MS = 1000;

export function mount(component) {
  return live(component, (parent) => new Bank(parent));
}

class Bank {
  constructor(parent) {
    this.sliders = new Map(); // name -> Slider
    this.moves = new Map(); // name -> { serial, place }, those without an answer
    this.serial = this.sent = 0;
    this.sentAt = -Infinity;
    this.root = element("div", { className: "sliders" });
    // The hand lets go: what it did last is not held back.
    this.root.addEventListener("pointerup", () => this.#send(true));
    parent.append(this.root);
  }

  remove() {
    clearTimeout(this.sending);
    this.root.remove();
  }

  update({ data, setStateValue }) {
    this.data = data;
    this.setStateValue = setStateValue;
    this.serial = Math.max(this.serial, data.serial);
    this.sent = Math.max(this.sent, data.serial);
    for (const [name, { serial }] of this.moves) if (serial <= data.serial) this.moves.delete(name);
    const names = data.sliders.map(({ name }) => name);
    for (const [name, slider] of this.sliders) {
      if (names.includes(name)) continue;
      slider.root.remove();
      this.sliders.delete(name);
      this.moves.delete(name);
    }
    for (const [i, name] of names.entries()) {
      if (!this.sliders.has(name)) this.sliders.set(name, new Slider(name, (place) => this.#move(name, place)));
      const { root } = this.sliders.get(name);
      if (this.root.children[i] !== root) this.root.insertBefore(root, this.root.children[i] ?? null);
      this.sliders.get(name).show(data.sliders[i], this.moves.get(name));
    }
    this.#send();
  }

  /** To a place, 0 to 1, or null: back to where it comes by itself. */
  #move(name, place) {
    this.serial += 1;
    this.moves.set(name, { serial: this.serial, place });
    this.sliders.get(name).show(
      this.data.sliders.find((slider) => slider.name === name),
      this.moves.get(name),
    );
    this.#send();
  }

  #send(isUrgent = false) {
    clearTimeout(this.sending);
    if (this.serial === this.sent) return;
    const pause = isUrgent ? 0 : this.data.serial >= this.sent ? SEND_MS : ANSWER_MS;
    const wait = this.sentAt + pause - performance.now();
    if (wait > 0) {
      this.sending = setTimeout(() => this.#send(), wait);
      return;
    }
    this.sent = this.serial;
    this.sentAt = performance.now();
    this.setStateValue(
      "moved",
      [...this.moves].map(([name, { serial, place }]) => [name, serial, place]),
    );
  }
}

class Slider {
  constructor(name, move) {
    const id = (part) => `${part}-${name}`;
    this.input = element("input", {
      type: "range",
      id: id("slider"),
      min: 0,
      max: 100,
      step: 1,
      oninput: () => move(Number(this.input.value) / 100),
    });
    this.input.setAttribute("aria-describedby", `${id("help")} ${id("line")}`);
    this.label = element("label", { htmlFor: this.input.id });
    this.percent = element("span", { className: "percent", ariaHidden: "true" });
    this.question = element("button", {
      type: "button",
      className: "question",
      textContent: "?",
      ariaExpanded: "false",
      onclick: () => this.#explain(),
    });
    this.reset = element("button", {
      type: "button",
      className: "reset",
      textContent: "↺",
      onclick: () => {
        move(null);
        this.input.focus(); // the button has nothing more to do
      },
    });
    this.help = element("div", { className: "help", id: id("help"), hidden: true });
    this.asked = element("span");
    this.achieved = element("span", { className: "achieved" });
    this.line = element("div", { className: "line", id: id("line") }, this.asked, this.achieved);
    const head = element("div", { className: "head" }, this.label, this.question, this.percent);
    const track = element("div", { className: "track" }, this.input, this.reset);
    this.root = element("div", { className: "slider", dataset: { name } }, head, this.help, track, this.line);
  }

  /** What Python says of it; a move that Python has not answered yet stands above that. */
  show(data, move) {
    const { place } = move ?? { place: data.at === null ? null : data.at / 100 };
    const percent = place === null ? data.rests_at : Math.round(100 * place);
    const value = data.unit.replace("{}", data.values[percent]);
    this.label.textContent = data.label;
    this.help.textContent = data.help;
    this.question.title = data.help;
    this.question.setAttribute("aria-label", `What ${data.label.toLowerCase()} means`);
    this.reset.title = `Leave ${data.label.toLowerCase()} as it comes`;
    this.reset.setAttribute("aria-label", this.reset.title);
    this.reset.disabled = place === null;
    if (this.input.value !== String(percent)) this.input.value = percent;
    this.input.setAttribute("aria-valuetext", `${percent}%, ${value}`);
    this.input.style.setProperty("--at", percent / 100);
    this.percent.textContent = `${percent}%`;
    const asked = move ? (place === null ? "" : `asked ${percent}% (${value})`) : data.asked;
    this.asked.textContent = asked && `${asked}, `;
    this.achieved.textContent = data.achieved;
    this.line.setAttribute("aria-busy", String(Boolean(move)));
  }

  #explain() {
    this.help.hidden = !this.help.hidden;
    this.question.setAttribute("aria-expanded", String(!this.help.hidden));
  }
}
