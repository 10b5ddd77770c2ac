// The deck: the one player of the app. Its parts are mounted in different places of the page (`data.part`), and
// meet here: what a page hands over is played by the deck, wherever it comes from.

import { live } from "../assets/dom.js";
import { Player } from "./player.js";

let deck = null; // the one on the screen
let handed = null; // the Result that a page handed over last

class Deck extends Player {
  update(component) {
    deck = this;
    this.told = component;
    this.refresh();
  }

  /** The groove in hand, and what the page has made of it. */
  refresh() {
    const { data } = this.told;
    const made = handed?.data;
    const lanes = [...data.lanes, ...(made?.lanes ?? [])];
    const link = made?.link || made?.no_link ? { link: made.link, no_link: made.no_link } : {};
    const hear = made?.hear ? { ...made.hear, lane: made.lanes[0]?.id } : data.hear;
    super.update({ ...this.told, data: { ...data, ...link, lanes, hear, cards: false, actions: [] } });
  }

  remove() {
    if (deck === this) deck = null;
    super.remove();
  }
}

class Result {
  update({ data }) {
    this.data = data;
    handed = this;
    deck?.refresh();
  }

  remove() {
    if (handed !== this) return;
    handed = null;
    deck?.refresh();
  }
}

class Panel extends Player {
  update(component) {
    const isCards = component.data.part === "cards";
    const { lanes } = component.data;
    const cards = { cards: true, source: "cards", tune: "cards", serial: 0, hear: null, moved_ms: 0 };
    if (!isCards || lanes.length)
      super.update(isCards ? { ...component, data: { ...component.data, ...cards } } : component);
  }
}

export function mount(component, base) {
  const parts = { deck: Deck, result: Result, cards: Panel, panel: Panel };
  return live(component, (parent) => new parts[component.data.part](parent, base));
}
