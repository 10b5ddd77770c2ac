// How it is played: at which tempo, and which drums are heard. It outlasts the groove; Python hears of it when a hand
// has come to rest.

import { playableBpm } from "./time.js";

const SETTINGS_MS = 400;

export class Manner {
  tune = null; // what is played; another one begins at its own tempo
  rate = 1; // of the tempo, over the groove's own
  muted = new Set();
  soloed = new Set();

  /** `tell` is called with {tune, rate, unheard}. */
  constructor(tell) {
    this.tell = tell;
  }

  /** What is played, and how many drums there are. */
  take(tune, nVoices) {
    if (tune !== this.tune) this.rate = 1;
    Object.assign(this, { tune, nVoices });
  }

  /** The tempo that comes nearest to one that is asked for, for a groove with a tempo of its own. */
  setBpm(bpm, ownBpm, played) {
    this.rate = playableBpm(bpm, ownBpm, played) / ownBpm;
    this.#send();
  }

  isSilent(voice) {
    return this.soloed.size ? !this.soloed.has(voice) : this.muted.has(voice);
  }

  get voices() {
    return Array.from({ length: this.nVoices }, (_, voice) => voice);
  }

  get unheard() {
    return this.voices.filter((voice) => this.isSilent(voice));
  }

  /** `set`: those muted, or those soloed. */
  toggle(set, voice) {
    if (!set.delete(voice)) set.add(voice);
    this.#send();
  }

  #send() {
    clearTimeout(this.settling);
    const { tune, rate, unheard } = this;
    this.settling = setTimeout(() => this.tell({ tune, rate, unheard }), SETTINGS_MS);
  }
}
