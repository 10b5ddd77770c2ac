// Hints for a first visit, one at a time; the browser remembers that they were read.

import { element, live, showPart } from "../assets/dom.js";
import { areHintsRead, keepHintsRead } from "../assets/hinted.js";

export function mount(component) {
  return live(component, (parent) => new Hints(parent));
}

class Hints {
  #at = 0;

  constructor(parent) {
    this.parent = parent;
    this.words = element("p", { role: "status" });
    this.room = element("div", { className: "room" }, this.words);
    this.next = element("button", { type: "button", textContent: "Next", onclick: () => this.#turn() });
    const close = element("button", {
      type: "button",
      className: "close",
      ariaLabel: "Close the hints",
      title: "Close the hints",
      textContent: "✕",
      onclick: () => this.#close(),
    });
    this.root = element(
      "section",
      { className: "hints", ariaLabel: "Hints for a first visit" },
      this.room,
      this.next,
      close,
    );
    parent.append(this.root);
  }

  update({ data }) {
    if (this.hints?.join() !== data.hints.join()) {
      this.hints = data.hints;
      // Unseen, below the one that is read: as high as the longest.
      this.room.replaceChildren(this.words, ...this.hints.map((textContent) => element("div", { textContent })));
    }
    this.#show();
  }

  remove() {
    this.root.remove();
  }

  #turn() {
    this.#at += 1;
    if (this.#at < this.hints.length) this.#show();
    else this.#close();
  }

  #show() {
    const n = this.hints.length;
    const isRead = areHintsRead() || this.#at >= n;
    showPart(this.parent, !isRead);
    this.root.hidden = isRead;
    if (isRead) return;
    if (this.words.textContent !== this.hints[this.#at]) this.words.textContent = this.hints[this.#at];
    this.next.textContent = this.#at + 1 < n ? `Next (${this.#at + 1}/${n})` : "Got it";
  }

  #close() {
    this.#at = this.hints.length;
    keepHintsRead();
    this.#show();
  }
}
