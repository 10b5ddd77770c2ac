// The grooves of the points, decoded by Python some hundreds at a time and kept by the browser: what is under a finger
// is heard without a trip to the server. They come when nothing else is on its way; a point whose groove is not here
// yet is played by Python.

import { showPart } from "../assets/dom.js";

const POSITION = { bits: 19, unit: 1e-4, from: 0.5 }; // of a step; as ui/components/latent_map packs it
const VELOCITY_BITS = 7;
const PAUSE_MS = 400; // between what came and what is asked for next

// Either may come before the other.
let here = null; // the map's grooves
let store = null; // what Python tells of them

/** All that is known of the grooves of one map. */
export class Grooves {
  #parts = new Map(); // number of a part -> {first index of each hit, hits}
  #asked = new Set();

  constructor(base) {
    this.base = base;
    here = this;
  }

  /** The map is another: none of its grooves are here. */
  change(points) {
    this.points = points;
    this.#parts.clear();
    this.#asked.clear();
    store?.tell();
  }

  /** What Python has: `of` the map at an address, addresses by part, and how many points a part has. */
  take({ of, addresses, size }, want) {
    if (!this.points || of !== this.of) return;
    this.size = size;
    for (const [part, address] of Object.entries(addresses)) {
      if (this.#asked.has(part)) continue;
      this.#asked.add(part);
      this.#fetch(part, address);
    }
    clearTimeout(this.waiting);
    const n = Math.ceil(this.points.name.length / size);
    const missing = Array.from({ length: n }, (_, k) => k).find((k) => !(k in addresses));
    if (missing !== undefined) this.waiting = setTimeout(() => want({ part: missing, of }), PAUSE_MS);
  }

  async #fetch(part, address) {
    try {
      const answer = await fetch(new URL(address, this.base));
      if (!answer.ok) throw new Error(answer.status);
      const words = new Uint32Array(await answer.arrayBuffer());
      const n = words[0];
      const first = new Uint32Array(n + 1);
      for (let i = 0; i < n; i += 1) first[i + 1] = first[i] + words[1 + i];
      this.#parts.set(Number(part), { first, hits: words.subarray(1 + n) });
    } catch {
      this.#asked.delete(part); // Python plays them meanwhile
    }
  }

  /** A point's groove as the deck plays it; null where it is not here yet. */
  lane(index) {
    const part = this.size && this.#parts.get(Math.floor(index / this.size));
    if (!part) return null;
    const { first, hits } = part;
    const k = index % this.size;
    const { points } = this;
    return {
      ...points.frames[points.frame[index]],
      tempos: [[0, points.bpm[index]]],
      hits: Array.from(hits.subarray(first[k], first[k + 1]), unpacked),
      label: points.name[index],
      is_another: true,
      first_bar: 1,
    };
  }

  remove() {
    clearTimeout(this.waiting);
    if (here === this) here = null;
  }
}

/** What Python tells of grooves, in a part of the page of its own: the rest of it does not run for them. */
export class Store {
  constructor(parent) {
    showPart(parent, false);
    store = this;
  }

  update({ data, setTriggerValue }) {
    Object.assign(this, { data, setTriggerValue });
    this.tell();
  }

  tell() {
    if (here && this.data) here.take(this.data, (wanted) => this.setTriggerValue("want", wanted));
  }

  remove() {
    if (store === this) store = null;
  }
}

function unpacked(word) {
  const position = (word & ((1 << POSITION.bits) - 1)) * POSITION.unit - POSITION.from;
  const velocity = (word >>> POSITION.bits) & ((1 << VELOCITY_BITS) - 1);
  return [word >>> (POSITION.bits + VELOCITY_BITS), Math.round(position * 1e4) / 1e4, velocity];
}
