// A bank of measured sliders: what a hand asks for goes to Python while it moves, what it achieved is said under it.
//
// A move has a serial number. Until Python's answer carries it, what the hand did stands, and goes along with every
// message: of two messages that Python reads at once, only the last counts.
//
// With a slider's lane (lanes.js), what lies under a hand is heard without Python, which is told where the hand rests.
// Where nothing plays, it begins when the hand lets go: a browser lets sound begin then, and not when it touches.

import { element, hearFinger, live, onFinger, onMove } from "../assets/dom.js";
import { Lanes } from "./lanes.js";

const SEND_MS = 60; // apart, at least
// A message without an answer by then is not waited for; in a greater hurry all answers come later.
const ANSWER_MS = 1000;
const REST_MS = 220; // a hand that has not moved for so long rests
const HOLD_MS = 110; // one that has not for so long may be about to
const LANE_MS = 600; // a lane that is not there by then is not waited for
const TOUCH = "touch";
const OUT_OF_SIGHT = -9; // ways of a slider

export function mount(component, base) {
  return live(component, (parent) => new Bank(parent, base));
}

class Bank {
  constructor(parent, base) {
    this.base = base;
    this.sliders = new Map(); // name -> Slider
    this.moves = new Map(); // name -> { serial, place }, those without an answer
    this.lanes = new Lanes(
      (name) => this.#news(name),
      (name) => this.#askPage(name),
    );
    this.touch = null; // { name, serial, at }: a lane that the page is asked for
    this.isPulled = false; // by a mouse or a finger, and not by keys
    this.serial = this.sent = 0;
    this.sentAt = -Infinity;
    this.root = element("div", { className: "sliders" });
    // The hand lets go: what it did last is not held back. A tap moves the slider after that.
    this.root.addEventListener("pointerup", () => this.#send(true));
    this.root.addEventListener("pointerdown", () => (this.isPulled = true));
    this.root.addEventListener("keydown", () => (this.isPulled = false));
    this.root.addEventListener("change", () => this.isPulled && this.#begin());
    this.stopFollowing = onFinger((lane) => this.#follow(lane?.stands));
    this.seen = new IntersectionObserver((entries) => this.#see(entries));
    parent.append(this.root);
  }

  remove() {
    clearTimeout(this.sending);
    clearTimeout(this.holding);
    this.lanes.remove();
    this.seen.disconnect();
    this.stopFollowing();
    this.#rests();
    this.root.remove();
  }

  update({ data, setStateValue }) {
    this.data = data;
    this.setStateValue = setStateValue;
    this.serial = Math.max(this.serial, data.serial);
    this.sent = Math.max(this.sent, data.serial);
    this.lanes.update(data.stand, new Map(data.sliders.map(({ name, base }) => [name, base])), this.base);
    this.#take(data);
    const names = data.sliders.map(({ name }) => name);
    for (const [name, slider] of this.sliders) {
      if (names.includes(name)) continue;
      slider.root.remove();
      this.seen.unobserve(slider.root);
      this.sliders.delete(name);
      this.moves.delete(name);
    }
    for (const [i, name] of names.entries()) {
      if (!this.sliders.has(name)) this.#add(name);
      const { root } = this.sliders.get(name);
      if (this.root.children[i] !== root) this.root.insertBefore(root, this.root.children[i] ?? null);
      this.#show(name);
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
    this.lanes.take(lane.name, { ...lane, base });
  }

  /** The answer itself is there. */
  #rests() {
    if (this.isHeard) hearFinger(null);
    this.isHeard = false;
  }

  #add(name) {
    const slider = new Slider(
      name,
      (place) => this.#move(name, place),
      () => this.#touch(name),
    );
    slider.input.onpointerenter = () => this.lanes.expect(name);
    this.sliders.set(name, slider);
    this.seen.observe(slider.root);
  }

  /** Lanes are made for sliders in sight, from above to below. */
  #see(entries) {
    for (const { target, isIntersecting } of entries) target.isSeen = isIntersecting;
    const inSight = [...this.sliders].filter(([, { root }]) => root.isSeen).map(([name]) => name);
    const known = this.lanes.wanted.filter((name) => inSight.includes(name));
    this.lanes.wanted = [...new Set([...known, ...inSight])];
    this.lanes.rest();
  }

  #data(name) {
    return this.data.sliders.find((slider) => slider.name === name);
  }

  #show(name) {
    const move = this.moves.get(name);
    const percent = move && move.place !== null ? Math.round(100 * move.place) : null;
    const achieved = percent === null ? undefined : this.lanes.at(name, percent)?.stands[name];
    this.sliders.get(name).show(this.#data(name), move, achieved);
  }

  /** Sliders that nobody asked stand where the groove under a finger has them. */
  #follow(stands) {
    this.following = stands;
    this.drawing ??= requestAnimationFrame(() => {
      this.drawing = null;
      for (const [name, slider] of this.sliders) {
        if (this.moves.has(name) || this.#data(name).at !== null) continue;
        const percent = this.following?.[name];
        if (percent === undefined) this.#show(name);
        else slider.stand(this.#data(name), percent);
      }
    });
  }

  /** A hand is at a slider. */
  #touch(name) {
    if (!this.lanes.press(name)) this.#askPage(name);
  }

  #askPage(name) {
    if (this.lanes.get(name) || this.touch?.name === name || this.moves.size) return;
    this.serial += 1;
    this.touch = { name, serial: this.serial, at: performance.now() };
    this.#send(true);
  }

  /** A lane, or a place of it, has come. */
  #news(name) {
    if (!this.moves.has(name)) return;
    this.#hear(name);
    this.#show(name);
  }

  #hear(name) {
    const found = this.#under(name, this.moves.get(name));
    if (!found || this.heard === found.hits) return;
    this.isHeard = true;
    this.heard = found.hits;
    hearFinger(found);
  }

  /** Where nothing plays, it begins: with what is known under the hand, else with what there is. */
  #begin() {
    const [name, move] = [...this.moves].at(-1) ?? [];
    const found = move && this.#under(name, move);
    if (found) this.isHeard = true;
    hearFinger({ ...found, starts: true });
  }

  /** {hits, stands} where a move has brought a slider; null where nothing is known. */
  #under(name, { place }) {
    return place === null ? null : this.lanes.at(name, Math.round(100 * place));
  }

  /** To a place, 0 to 1, or null: back to where it comes by itself. */
  #move(name, place) {
    this.serial += 1;
    this.moves.set(name, { serial: this.serial, place });
    this.heard = null;
    this.#hear(name);
    this.#show(name);
    this.movedAt = performance.now();
    this.lanes.leave();
    clearTimeout(this.holding);
    if (place !== null) this.holding = setTimeout(() => this.lanes.hold(name, Math.round(100 * place)), HOLD_MS);
    this.#send();
  }

  /** How long to hold a message back while a lane answers the hand, or is about to. */
  get #rest() {
    const now = performance.now();
    const names = [...this.moves.keys()];
    const isAsked = this.touch && this.moves.has(this.touch.name) && now - this.touch.at < LANE_MS;
    const isThere = names.some((name) => this.lanes.get(name) || this.lanes.isComing(name, LANE_MS));
    return names.length && (isThere || isAsked) ? this.movedAt + REST_MS - now : 0;
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
    this.stood = null; // percentile of the groove before anything was asked
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
    onMove(this.input, (event) => this.#drag(event));
    this.input.setAttribute("aria-describedby", `${id("help")} ${id("line")}`);
    this.percent = element("span", { className: "percent", ariaHidden: "true" });
    const back = element("span", { className: "back", textContent: "↺", ariaHidden: "true" });
    this.reset = element("button", { type: "button", className: "reset" }, this.percent, back);
    this.reset.onclick = () => {
      move(null);
      this.input.focus(); // the button has nothing more to do
    };
    this.help = element("div", { className: "help", id: id("help"), hidden: true });
    this.asked = element("span");
    this.achieved = element("span", { className: "achieved" });
    this.line = element("div", { className: "line", id: id("line") }, this.asked, this.achieved);
    const parts = [this.#head(), this.input, this.reset, this.help, this.line];
    this.root = element("div", { className: "slider", dataset: { name } }, ...parts);
  }

  /** What the browser itself does with the next frame, now. */
  #drag({ buttons, clientX }) {
    if (!(buttons & 1)) return;
    const { left, width } = this.input.getBoundingClientRect();
    const thumb = Number.parseFloat(getComputedStyle(this.input).getPropertyValue("--thumb"));
    const before = this.input.value;
    this.input.value = (100 * (clientX - left - thumb / 2)) / (width - thumb); // rounded, and within its ends
    if (this.input.value !== before) this.input.oninput();
  }

  #head() {
    this.label = element("label", { htmlFor: this.input.id });
    this.question = element("button", { type: "button", className: "question", textContent: "?" });
    this.question.setAttribute("aria-expanded", "false");
    this.question.onclick = () => this.#explain();
    return element("div", { className: "head" }, this.label, this.question);
  }

  /** What Python says of it; a move that Python has not answered yet stands above that, and its lane says more. */
  show(data, move, achieved) {
    const { place } = move ?? { place: data.at === null ? null : data.at / 100 };
    if (!move && place === null) this.stood = data.rests_at;
    const percent = place === null ? data.rests_at : Math.round(100 * place);
    this.#name(data);
    this.reset.disabled = place === null;
    this.#place(data, percent);
    const mark = place === null || this.stood === null ? OUT_OF_SIGHT : this.stood / 100;
    this.input.style.setProperty("--stood", mark);
    this.#say(data, move, achieved);
  }

  #name({ label, help }) {
    this.label.textContent = label;
    this.help.textContent = this.question.title = help;
    this.question.setAttribute("aria-label", `What ${label.toLowerCase()} means`);
    this.reset.title = `Leave ${label.toLowerCase()} as it comes`;
    this.reset.setAttribute("aria-label", this.reset.title);
  }

  /** What was asked and achieved, where anything was asked; else only that there is nothing to measure. */
  #say(data, move, achieved) {
    const words = (percent) => `${percent}% (${data.unit.replace("{}", data.values[percent])})`;
    const moved = move?.place === null ? "" : move && `asked ${words(Math.round(100 * move.place))}`;
    const asked = moved ?? data.asked;
    this.asked.textContent = asked && `${asked}, `;
    this.achieved.textContent = achieved === undefined ? data.achieved : `achieved ${words(achieved)}`;
    this.line.hidden = !asked && data.is_measured;
    this.line.setAttribute("aria-busy", String(Boolean(move)));
  }

  /** It stands at a percentile that nobody asked. */
  stand(data, percent) {
    this.#place(data, percent);
  }

  #place({ unit, values }, percent) {
    const value = unit.replace("{}", values[percent]);
    if (this.input.value !== String(percent)) this.input.value = percent;
    this.input.setAttribute("aria-valuetext", `${percent}%, ${value}`);
    this.input.title = value;
    this.input.style.setProperty("--at", percent / 100);
    this.percent.textContent = `${percent}%`;
  }

  #explain() {
    this.help.hidden = !this.help.hidden;
    this.question.setAttribute("aria-expanded", String(!this.help.hidden));
  }
}
