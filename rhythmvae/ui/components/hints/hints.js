// Hints for a first visit, one at a time; the browser remembers that they were read.

import { element, live, showPart } from "../assets/dom.js";

const PLACE = "rhythmvae hints read";

export function mount(component) {
  return live(component, (parent) => new Hints(parent));
}

class Hints {
  #at = 0;

  constructor(parent) {
    this.parent = parent;
    this.words = element("p", { role: "status" });
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
      this.words,
      this.next,
      close,
    );
    parent.append(this.root);
  }

  update({ data }) {
    this.hints = data.hints;
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
    const isRead = wasRead() || this.#at >= n;
    showPart(this.parent, !isRead);
    this.root.hidden = isRead;
    if (isRead) return;
    if (this.words.textContent !== this.hints[this.#at]) this.words.textContent = this.hints[this.#at];
    this.next.textContent = this.#at + 1 < n ? `Next (${this.#at + 1}/${n})` : "Got it";
  }

  #close() {
    this.#at = this.hints.length;
    try {
      localStorage.setItem(PLACE, "yes");
    } catch {
      // A browser that keeps nothing: they are gone as long as the page is open.
    }
    this.#show();
  }
}

function wasRead() {
  try {
    return localStorage.getItem(PLACE) !== null;
  } catch {
    return false;
  }
}
