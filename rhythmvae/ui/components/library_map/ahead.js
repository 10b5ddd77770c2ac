// Grooves before the hand: Python reads the files of points in view while nothing is played, so that a tap is heard
// without asking. Far away, where a finger covers many points, one of each spot is enough: a tap there takes one of
// those that are here. What is not here when it is tapped is played by Python.

import { showPart } from "../assets/dom.js";
import { opened } from "./cloud.js";

const SPOT_PX = 20; // of which one point is had
const MOST_WANTED = 600; // of a view
const AT_ONCE = 150; // asked for
const MOST_KEPT = 3_000; // some MB
const PAUSE_MS = 300; // between an answer and the next question
const PATIENCE_MS = 8_000; // of an answer that does not come
const UNIT = 1e-4; // of a step, as ui/components/library_map packs positions
const FROM = 0.5; // they are counted from half a step before the first
const VELOCITIES = 128;

// Either may come before the other.
let map = null; // Ahead of the map that is on the page
let teller = null; // what Python tells of grooves

export class Ahead {
  #here = new Map(); // point -> its groove, those that came first in front
  #never = new Set(); // points whose file gives no groove that could be had ahead
  #wanted = [];
  #asked = null; // {serial, at}: a question that is on its way

  constructor(base) {
    this.base = base;
    map = this;
  }

  /** The map is the one at an address: nothing of another is here. */
  change(address) {
    this.of = address;
    this.#here.clear();
    this.#never.clear();
    this.#wanted = [];
    this.#asked = null;
  }

  has(i) {
    return this.#here.has(i);
  }

  /** Want what is shown of a view, what is near a place of the screen first, and before that some points. */
  look(cloud, view, [px, py], first) {
    const spots = new Map();
    const [left, top] = view.world(0, 0);
    const perSpot = view.away(SPOT_PX);
    const wide = Math.ceil(view.w / SPOT_PX) + 1;
    for (const i of cloud.within(...view.box)) {
      const spot = Math.floor((cloud.y[i] - top) / perSpot) * wide + Math.floor((cloud.x[i] - left) / perSpot);
      const known = spots.get(spot);
      if (known === undefined || (!this.has(known) && this.has(i))) spots.set(spot, i);
    }
    const [x, y] = view.world(px, py);
    const away = (i) => (cloud.x[i] - x) ** 2 + (cloud.y[i] - y) ** 2;
    const near = [...spots.values()].sort((a, b) => away(a) - away(b)).slice(0, MOST_WANTED);
    this.#wanted = [...new Set([...first, ...near])];
    this.#ask();
  }

  /** Who asks Python is there, too. */
  resume() {
    this.#ask();
  }

  #ask() {
    clearTimeout(this.waiting);
    if (!teller || !this.of || (this.#asked && performance.now() - this.#asked.at < PATIENCE_MS)) return;
    const missing = this.#wanted.filter((i) => !this.has(i) && !this.#never.has(i)).slice(0, AT_ONCE);
    if (!missing.length) return;
    const serial = teller.next();
    this.#asked = { serial, at: performance.now() };
    teller.ask({ of: this.of, serial, points: missing });
  }

  /** Python's answer to a question: the address of a file of grooves. */
  async take({ of, serial, address }) {
    if (of !== this.of || serial !== this.#asked?.serial) return;
    try {
      const answer = await fetch(new URL(address, this.base));
      if (!answer.ok) throw new Error(answer.status);
      const buffer = await answer.arrayBuffer();
      if (of === this.of) this.#keep(buffer);
    } catch {
      // Python plays them meanwhile; they are asked for again when the map is moved.
    }
    if (serial !== this.#asked?.serial) return;
    this.#asked = null;
    clearTimeout(this.waiting);
    this.waiting = setTimeout(() => this.#ask(), PAUSE_MS);
  }

  #keep(buffer) {
    const { head, at: begin } = opened(buffer);
    const { frames, grooves, never } = head;
    const words = new Uint32Array(buffer, begin);
    let at = 0;
    for (const [i, frame, firstBar, n] of grooves) {
      this.#here.delete(i);
      this.#here.set(i, { frame: frames[frame], firstBar, hits: words.subarray(at, at + 2 * n) });
      at += 2 * n;
    }
    for (const i of never) this.#never.add(i);
    for (const i of this.#here.keys()) {
      if (this.#here.size <= MOST_KEPT) break;
      this.#here.delete(i);
    }
  }

  /** A point's groove as the deck plays it, in a tempo; null where it is not here. */
  lane(i, label, bpm) {
    const found = this.#here.get(i);
    if (!found) return null;
    const hits = Array.from({ length: found.hits.length / 2 }, (_, k) => {
      const [position, played] = found.hits.subarray(2 * k, 2 * k + 2);
      const at = Math.round((position * UNIT - FROM) * 1e4) / 1e4;
      return [Math.floor(played / VELOCITIES), at, played % VELOCITIES];
    });
    return { ...found.frame, tempos: [[0, bpm]], hits, label, is_another: true, first_bar: found.firstBar };
  }

  remove() {
    clearTimeout(this.waiting);
    if (map === this) map = null;
  }
}

/** What Python tells of grooves, in a part of the page of its own: the rest of it does not run for them. */
export class Teller {
  constructor(parent) {
    showPart(parent, false);
    teller = this;
  }

  update({ data, setTriggerValue }) {
    Object.assign(this, { data, setTriggerValue });
    this.serial ??= data.serial;
    if (data.address) map?.take(data);
    map?.resume();
  }

  next() {
    this.serial += 1;
    return this.serial;
  }

  ask(wanted) {
    this.setTriggerValue("want", wanted);
  }

  remove() {
    if (teller === this) teller = null;
  }
}
