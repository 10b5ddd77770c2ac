// The page's clock against the sound's: when of the page a moment of sound is heard, and the other way round.
//
// What a browser says of the two goes in leaps of some ms. Their distance hardly changes, so it is the median of many
// readings, and moves so slowly that what is sent by it stays even.

const READINGS = 64;
const SURE_AFTER = 20; // readings
const SLEW_MS = { first: 0.3, later: 0.02 }; // a reading
const BETWEEN_MS = 15; // readings
const LEAP_MS = 50; // the sound was interrupted
const LEAPS = 3; // in a row
const TRUSTED_MS = 250; // what the system says of its clocks may be off so far from what the page knows

export class PageClock {
  #readings = [];
  #leaps = 0;
  #readAt = -Infinity;
  #offset = null; // ms of the page at which second 0 of the sound was heard

  constructor(transport) {
    this.transport = transport;
  }

  /** Moment of the page, in ms, at which a second of the sound is heard. */
  toPage(seconds) {
    this.#read();
    return (this.#offset ?? 0) + seconds * 1000;
  }

  /** Second of the sound that is heard at a moment of the page. */
  toSound(pageMs) {
    this.#read();
    return (pageMs - (this.#offset ?? 0)) / 1000;
  }

  /** Take a reading, unless one has just been taken. */
  #read() {
    const { context } = this.transport;
    const now = performance.now();
    if (context?.state !== "running" || now - this.#readAt < BETWEEN_MS) return;
    if (now - this.#readAt > READINGS * 100) this.#readings = []; // an old one says nothing
    this.#readAt = now;
    this.#take(reading(context, now));
  }

  #take(found) {
    this.#leaps = this.#offset !== null && Math.abs(found - this.#offset) > LEAP_MS ? this.#leaps + 1 : 0;
    if (this.#leaps >= LEAPS) this.#readings = [];
    this.#readings = [...this.#readings, found].slice(-READINGS);
    const median = this.#readings.toSorted((a, b) => a - b)[Math.floor(this.#readings.length / 2)];
    if (this.#offset === null || this.#readings.length === 1) {
      this.#offset = median;
      return;
    }
    const most = this.#readings.length < SURE_AFTER ? SLEW_MS.first : SLEW_MS.later;
    this.#offset += Math.min(Math.max(median - this.#offset, -most), most);
  }

  // -- as a follower of the transport, which tells often --------------------------

  begin() {
    this.#read();
  }

  schedule() {
    this.#read();
  }

  cut() {}
}

function reading(context, now) {
  const late = context.outputLatency || context.baseLatency || 0;
  const plain = now - (context.currentTime - late) * 1000;
  const system = context.getOutputTimestamp?.();
  if (!system?.performanceTime) return plain;
  const told = system.performanceTime - system.contextTime * 1000;
  return Math.abs(told - plain) < TRUSTED_MS ? told : plain;
}
