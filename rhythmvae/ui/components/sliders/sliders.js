// A bank of measured sliders: what a hand asks for goes to Python while it moves, what it achieved is said under it.
//
// A move has a serial number. Until Python's answer carries it, what the hand did stands, and goes along with every
// message: of two messages that Python reads at once, only the last counts.
//
// A slider that is touched asks for its lane. With that, what lies under the hand is heard without Python, which is
// told where the hand rests.

import { element, hearFinger, live } from "../assets/dom.js";

const SEND_MS = 60; // apart, at least
// A message without an answer by then is not waited for; in a greater hurry all answers come later.
const ANSWER_MS = 1000;
const REST_MS = 220; // a hand that has not moved for so long rests
const LANE_MS = 600; // a lane that is not there by then is not waited for
const TOUCH = "touch";

export function mount(component) {
  return live(component, (parent) => new Bank(parent));
}

class Bank {
  constructor(parent) {
    this.sliders = new Map(); // name -> Slider
    this.moves = new Map(); // name -> { serial, place }, those without an answer
    this.lanes = new Map(); // name -> { base, stops, grooves, achieved }
    this.touch = null; // { name, serial, at }: a lane that is on its way
    this.serial = this.sent = 0;
    this.sentAt = -Infinity;
    this.root = element("div", { className: "sliders" });
    // The hand lets go: what it did last is not held back.
    this.root.addEventListener("pointerup", () => this.#send(true));
    parent.append(this.root);
  }

  remove() {
    clearTimeout(this.sending);
    this.#rests();
    this.root.remove();
  }

  update({ data, setStateValue }) {
    this.data = data;
    this.setStateValue = setStateValue;
    this.serial = Math.max(this.serial, data.serial);
    this.sent = Math.max(this.sent, data.serial);
    this.#take(data);
    const names = data.sliders.map(({ name }) => name);
    for (const [name, slider] of this.sliders) {
      if (names.includes(name)) continue;
      slider.root.remove();
      this.sliders.delete(name);
      this.moves.delete(name);
    }
    for (const [i, name] of names.entries()) {
      if (!this.sliders.has(name)) this.sliders.set(name, this.#slider(name));
      const { root } = this.sliders.get(name);
      if (this.root.children[i] !== root) this.root.insertBefore(root, this.root.children[i] ?? null);
      this.sliders.get(name).show(data.sliders[i], this.moves.get(name), this.#lane(name));
      if (this.moves.has(name)) this.#hear(name); // its lane may have come
    }
    if (!this.moves.size) this.#rests();
    this.#send();
  }

  /** What Python has answered. */
  #take({ serial, lane, sliders }) {
    for (const [name, move] of this.moves) if (move.serial <= serial) this.moves.delete(name);
    if (this.touch?.serial <= serial) this.touch = null;
    if (!lane) return;
    const { base } = sliders.find(({ name }) => name === lane.name);
    this.lanes.set(lane.name, { ...lane, base });
  }

  /** The answer itself is there. */
  #rests() {
    if (this.isHeard) hearFinger(null);
    this.isHeard = false;
  }

  #slider(name) {
    return new Slider(
      name,
      (place) => this.#move(name, place),
      () => this.#touch(name),
    );
  }

  #data(name) {
    return this.data.sliders.find((slider) => slider.name === name);
  }

  /** Of a slider, if it is of what is there now. */
  #lane(name) {
    const lane = this.lanes.get(name);
    return lane && lane.base === this.#data(name).base ? lane : null;
  }

  /** A hand is at a slider. */
  #touch(name) {
    if (this.#lane(name) || this.touch?.name === name || this.moves.size) return;
    this.serial += 1;
    this.touch = { name, serial: this.serial, at: performance.now() };
    this.#send(true);
  }

  #hear(name) {
    const lane = this.#lane(name);
    const { place } = this.moves.get(name);
    if (!lane || place === null) return;
    this.isHeard = true;
    hearFinger({ hits: lane.grooves[lane.stops[Math.round(100 * place)]] });
  }

  /** To a place, 0 to 1, or null: back to where it comes by itself. */
  #move(name, place) {
    this.serial += 1;
    this.moves.set(name, { serial: this.serial, place });
    this.#hear(name);
    this.sliders.get(name).show(this.#data(name), this.moves.get(name), this.#lane(name));
    this.movedAt = performance.now();
    this.#send();
  }

  /** How long to hold a message back while a lane answers the hand, or is about to. */
  get #rest() {
    const now = performance.now();
    const isComing = this.touch && this.moves.has(this.touch.name) && now - this.touch.at < LANE_MS;
    const isThere = [...this.moves.keys()].some((name) => this.#lane(name));
    return this.moves.size && (isThere || isComing) ? this.movedAt + REST_MS - now : 0;
  }

  #send(isUrgent = false) {
    clearTimeout(this.sending);
    if (this.serial === this.sent) return;
    const pause = isUrgent ? 0 : this.data.serial >= this.sent ? SEND_MS : ANSWER_MS;
    const wait = Math.max(this.sentAt + pause - performance.now(), isUrgent ? 0 : this.#rest);
    if (wait > 0) {
      this.sending = setTimeout(() => this.#send(), wait);
      return;
    }
    this.sent = this.serial;
    this.sentAt = performance.now();
    const moves = [...this.moves].map(([name, { serial, place }]) => [name, serial, place]);
    const { name, serial } = this.touch ?? {};
    this.setStateValue("moved", this.touch && !moves.length ? [[name, serial, TOUCH]] : moves);
  }
}

class Slider {
  constructor(name, move, touch) {
    const id = (part) => `${part}-${name}`;
    this.input = element("input", {
      type: "range",
      id: id("slider"),
      min: 0,
      max: 100,
      step: 1,
      oninput: () => move(Number(this.input.value) / 100),
      onpointerdown: touch,
      onfocus: touch,
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

  /** What Python says of it; a move that Python has not answered yet stands above that, and its lane says more. */
  show(data, move, lane) {
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
    const achieved = move && place !== null && lane ? lane.achieved[lane.stops[percent]] : null;
    this.achieved.textContent =
      achieved === null ? data.achieved : `achieved ${achieved}% (${data.unit.replace("{}", data.values[achieved])})`;
    this.line.setAttribute("aria-busy", String(Boolean(move)));
  }

  #explain() {
    this.help.hidden = !this.help.hidden;
    this.question.setAttribute("aria-expanded", String(!this.help.hidden));
  }
}
