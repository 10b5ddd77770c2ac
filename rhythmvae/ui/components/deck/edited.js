// The hits of the groove in hand as a hand left them: what was, what comes back of it, and what goes to Python.

import { History } from "./edits.js";

const SEND_MS = 90; // an edit that is followed by another is not sent

export class Edited {
  serial = 0; // of the last edit
  #history = null;
  #preview = null; // hits while a hand drags
  #sending = null;
  #isHeld = false;
  #isWaiting = false; // for what is held

  /** `onEdit` is called with each edit; `send` with its serial and hits, a moment later. */
  constructor(onEdit, send) {
    Object.assign(this, { onEdit, send });
  }

  /** Other hits: what was edited is over. */
  begin(hits) {
    clearTimeout(this.#sending);
    this.#history = new History(hits);
    this.serial = 0;
    this.#preview = null;
    this.#isWaiting = false;
  }

  /** Python has hits, with all edits up to a serial. */
  confirm(serial, hits) {
    if (serial >= this.serial) this.#history.now = hits;
    this.serial = Math.max(this.serial, serial);
  }

  get hits() {
    return this.#preview ?? this.#history.now;
  }

  /** Hits while a drag lasts, not yet in the history; null when it came to nothing. */
  preview(hits) {
    this.#preview = hits;
  }

  commit(hits) {
    this.#preview = null;
    if (hits !== this.#history.now) this.#history.push(hits);
    this.#edited();
  }

  /** The last step of the history, done otherwise. */
  amend(hits) {
    this.#history.now = hits;
    this.#edited();
  }

  /** "undo" or "redo"; whether there was any. */
  travel(way) {
    if (!this.#history[way]()) return false;
    this.#edited();
    return true;
  }

  get canUndo() {
    return this.#history.canUndo;
  }

  get canRedo() {
    return this.#history.canRedo;
  }

  /** While hits come one after the other, Python waits for the last of them. */
  hold(isHeld) {
    this.#isHeld = isHeld;
    if (!isHeld && this.#isWaiting) this.#sendSoon();
  }

  #edited() {
    this.serial += 1;
    this.onEdit();
    if (this.#isHeld) this.#isWaiting = true;
    else this.#sendSoon();
  }

  #sendSoon() {
    this.#isWaiting = false;
    clearTimeout(this.#sending);
    const { serial } = this;
    const hits = this.#history.now;
    this.#sending = setTimeout(() => this.send(serial, hits), SEND_MS);
  }
}
