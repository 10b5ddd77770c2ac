// Cards: small pictures side by side. A press on one, and the deck plays it in time; its buttons say more to Python.

import { element } from "../assets/dom.js";
import { Picture } from "./draw.js";
import { nearestStep } from "./time.js";

const CARD_ROW_PX = 11;
const LINE = { stepPx: 5, most: 4 }; // of a card's picture: a step is so wide at least, while there are few lines
const TAKE = "take"; // an action that is not Python's
const cuesAnswered = new Set(); // of gestures elsewhere on a page that wanted to hear a card

export class Cards {
  constructor(parent, music, base) {
    Object.assign(this, { music, base });
    this.taking = null; // id of a card whose file is on its way
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
    if (this.taking) this.#take(this.taking); // its file may have come
  }

  #answer() {
    const { hear, lanes } = this.data;
    if (!hear || cuesAnswered.has(hear.cue)) return;
    cuesAnswered.add(hear.cue);
    if (!this.music.isCardHeard(this, lanes[0].id)) this.music.audition(this, lanes[0], hear.starts);
  }

  remove() {
    for (const end of this.unsubscribe) end();
    this.music.deal(this, []);
    this.resized.disconnect();
    this.root.remove();
  }

  #deal(id) {
    const hear = () => this.music.audition(this, this.#lane(id));
    const take = () => this.#take(id);
    const act = (what) => (what === TAKE ? take : () => this.setTriggerValue("act", { lane: id, what }));
    const actions = this.data.actions.map(({ what, label }) =>
      element("button", { type: "button", textContent: label, dataset: { what }, onclick: act(what) }),
    );
    return new Card(hear, actions);
  }

  /** Have Python write the file of one. */
  askForFile(id) {
    this.setStateValue("taken", id);
  }

  /** A card's file, at the tempo that is heard. Python writes it when it is asked for. */
  #take(id) {
    const { file } = this.#lane(id) ?? {};
    this.taking = null;
    if (file && Math.abs(this.data.rate - this.music.rate) < 1e-6) {
      element("a", { href: new URL(file.address, this.base).href, download: file.name }).click();
      this.music.say(`${file.name} is on its way.`);
    } else if (this.#lane(id)) {
      this.taking = id;
      this.askForFile(id);
    }
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

/** Some bars of a lane, as a lane of their own. */
function someBars(lane, from, to) {
  const [start, stop] = [lane.bars[from], lane.bars[to]].map(Math.round);
  const isLast = to === lane.bars.length - 1;
  const isInside = ([, at]) => (nearestStep(at) >= start || from === 0) && (nearestStep(at) < stop || isLast);
  const kept = lane.hits.map((_, i) => i).filter((i) => isInside(lane.hits[i]));
  const open = new Set(lane.open);
  return {
    start,
    n_steps: stop - start,
    bars: lane.bars.slice(from, to + 1).map((step) => step - start),
    beats: lane.beats.filter((step) => step >= start && step < stop).map((step) => step - start),
    hits: kept.map((i) => [lane.hits[i][0], lane.hits[i][1] - start, lane.hits[i][2]]),
    open: [...kept.keys()].filter((i) => open.has(kept[i])),
  };
}

/** A lane cut into lines of as many bars as a width has room for. */
function inLines(lane, width) {
  const nBars = lane.bars.length - 1;
  const room = Math.max(Math.floor((width * nBars) / (LINE.stepPx * lane.n_steps)), 1);
  const nLines = Math.min(Math.ceil(nBars / room), LINE.most);
  const each = Math.ceil(nBars / nLines);
  const firsts = Array.from({ length: Math.ceil(nBars / each) }, (_, i) => i * each);
  return firsts.map((first) => someBars(lane, first, Math.min(first + each, nBars)));
}

class Card {
  constructor(hear, actions) {
    this.label = element("b");
    this.note = element("small");
    this.view = element("div", { className: "lines" });
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
    const parts = inLines(lane, width);
    const stepPx = width / Math.max(...parts.map((part) => part.n_steps));
    this.lines = parts.map((part) => new Line(part, voices, rows, stepPx));
    this.view.replaceChildren(...this.lines.map((line) => line.view));
  }

  follow(step) {
    if (this.root.classList.contains("heard")) for (const line of this.lines ?? []) line.follow(step);
  }
}

/** Some bars in a row. */
class Line {
  constructor(lane, voices, rows, stepPx) {
    this.lane = lane;
    this.picture = new Picture();
    this.picture.show(lane, voices, rows, { stepPx, rowPx: CARD_ROW_PX, header: 0 });
    this.picture.draw(lane.hits);
    this.playhead = element("div", { className: "playhead" });
    this.view = element("div", { className: "picture" }, this.picture.svg, this.playhead);
    this.view.style.height = `${this.picture.height}px`;
    this.view.style.width = `${this.picture.width}px`;
  }

  follow(step) {
    const own = step - this.lane.start;
    this.playhead.hidden = own < 0 || own >= this.lane.n_steps;
    this.playhead.style.transform = `translateX(${this.picture.x(own)}px)`;
  }
}
