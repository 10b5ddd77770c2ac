// Cards: small pictures side by side. A press on one, and the deck plays it in time; its buttons say more to Python.

import { element } from "../assets/dom.js";
import { Picture } from "./draw.js";

const CARD_ROW_PX = 11;
const cuesAnswered = new Set(); // of gestures elsewhere on a page that wanted to hear a card

export class Cards {
  constructor(parent, music) {
    this.music = music;
    this.cards = new Map(); // id -> Card
    this.root = element("div", { className: "cards" });
    parent.append(this.root);
    this.unsubscribe = [music.subscribe(() => this.#refresh()), music.onFrame((step) => this.#follow(step))];
    this.resized = new ResizeObserver(() => this.#layOut());
    this.resized.observe(this.root);
  }

  update({ data, setTriggerValue, setStateValue }) {
    Object.assign(this, { data, setTriggerValue, setStateValue });
    for (const [id, card] of this.cards) {
      if (data.lanes.some((lane) => lane.id === id)) continue;
      card.root.remove();
      this.cards.delete(id);
    }
    for (const lane of data.lanes) if (!this.cards.has(lane.id)) this.cards.set(lane.id, this.#deal(lane.id));
    const inOrder = data.lanes.map(({ id }) => this.cards.get(id).root);
    if (inOrder.some((root, i) => this.root.children[i] !== root)) this.root.replaceChildren(...inOrder);
    this.root.classList.toggle("alone", Boolean(data.hear) && data.lanes.length === 1);
    this.music.deal(this, data.lanes);
    this.#answer();
    this.#refresh();
    this.#layOut();
  }

  #answer() {
    const { hear, lanes } = this.data;
    if (!hear || cuesAnswered.has(hear.cue)) return;
    cuesAnswered.add(hear.cue);
    if (!this.music.isCardHeard(this, lanes[0].id)) this.music.audition(this, lanes[0]);
  }

  remove() {
    for (const end of this.unsubscribe) end();
    this.music.deal(this, []);
    this.resized.disconnect();
    this.root.remove();
  }

  #deal(id) {
    const hear = () => this.music.audition(this, this.#lane(id));
    const act = (what) => () => this.setTriggerValue("act", { lane: id, what });
    const actions = this.data.actions.map(({ what, label }) =>
      element("button", { type: "button", textContent: label, dataset: { what }, onclick: act(what) }),
    );
    return new Card(hear, actions);
  }

  /** Have Python write the file of one. */
  askForFile(id) {
    this.setStateValue("taken", id);
  }

  #lane(id) {
    return this.data.lanes.find((lane) => lane.id === id);
  }

  #refresh() {
    if (!this.data) return;
    for (const lane of this.data.lanes) this.cards.get(lane.id).refresh(lane, this.music.isCardHeard(this, lane.id));
  }

  /** Voices that any card has, so that rows are the same on all. */
  #layOut() {
    if (!this.data?.lanes.length || !this.root.clientWidth) return;
    const played = new Set([0, 1, 2, ...this.data.lanes.flatMap((lane) => lane.hits.map(([voice]) => voice))]);
    const rows = [...played].sort((a, b) => b - a);
    for (const lane of this.data.lanes) this.cards.get(lane.id).show(lane, this.data.voices, rows);
  }

  #follow(step) {
    for (const card of this.cards.values()) card.follow(step);
  }
}

class Card {
  constructor(hear, actions) {
    this.picture = new Picture();
    this.label = element("b");
    this.note = element("small");
    this.playhead = element("div", { className: "playhead" });
    this.view = element("div", { className: "picture" }, this.picture.svg, this.playhead);
    const words = element("span", { className: "words" }, this.label, this.note);
    this.hear = element("button", { type: "button", className: "hear", onclick: hear }, words, this.view);
    this.actions = element("div", { className: "actions" }, ...actions);
    this.root = element("section", { className: "card" }, this.hear, this.actions);
  }

  refresh({ label, note, pressed }, isHeard) {
    this.label.textContent = label;
    this.note.textContent = note;
    this.root.classList.toggle("heard", isHeard);
    this.hear.setAttribute("aria-pressed", String(isHeard));
    this.hear.setAttribute("aria-label", note ? `Hear ${label}: ${note}` : `Hear ${label}`);
    for (const action of this.actions.children) {
      action.setAttribute("aria-pressed", String(pressed.includes(action.dataset.what)));
      action.setAttribute("aria-label", `${action.textContent}: ${label}`);
    }
  }

  show(lane, voices, rows) {
    const width = this.view.clientWidth;
    if (this.shown === lane && this.width === width) return;
    this.shown = lane;
    this.width = width;
    this.picture.show(lane, voices, rows, { stepPx: width / lane.n_steps, rowPx: CARD_ROW_PX, header: 0 });
    this.picture.draw(lane.hits);
    this.view.style.height = `${this.picture.height}px`;
  }

  follow(step) {
    const x = (step + 0.5) * this.picture.stepPx;
    if (this.root.classList.contains("heard")) this.playhead.style.transform = `translateX(${x}px)`;
  }
}
