// How what is heard is played: by one transport, from a place in it, at a tempo, and with which drums.

import { Heard } from "./heard.js";
import { Manner } from "./manner.js";
import { Sounding } from "./sounding.js";
import { Transport } from "./transport.js";

/** Plays `heard`, a lane, or with `isSound` the sound that it was heard in: who extends it says which. */
export class Player extends Heard {
  pausedAt = 0; // step
  fresh = null; // of what is recorded: a hit, as text, -> the round of the loop from which on it is heard
  manner = new Manner((heard) => this.tell("heard", heard));
  #playing = ""; // what the transport has
  #wasSound = false;

  constructor() {
    super(new Transport());
    this.sounding = new Sounding(this.transport);
  }

  /** What sounds becomes what is to be heard, if it is any other. */
  settle() {
    this.sound();
    this.changed();
  }

  /** The same without telling anybody; `isMoving` as `Transport.swap` has it. */
  sound(isMoving = false) {
    this.transport.rate = this.rate;
    if (this.isSound !== this.#wasSound) this.#applyMixer();
    if (this.data && this.transport.isPlaying) {
      const { heard } = this;
      const music = signature(heard);
      if (music !== this.#playing) this.transport.swap(heard, isMoving);
      this.#playing = music;
    }
  }

  toggle() {
    const { transport } = this;
    if (transport.isPlaying) {
      this.pausedAt = transport.position().step;
      transport.stop();
      this.say("Paused", true);
      this.settle();
      return;
    }
    this.playFrom(this.pausedAt).catch(() => {});
  }

  /** A lane begins at a step, as `Transport.play` has it. */
  play(lane, step, lead = []) {
    this.transport.rate = this.rate;
    this.#playing = signature(lane);
    return this.transport.play(lane, step, lead);
  }

  /** What is heard begins at a step; `lead` as `Transport.play` has it. Throws where there is no sound. */
  async playFrom(step, lead = []) {
    this.#applyMixer();
    this.pausedAt = step;
    this.fresh = null; // rounds are counted anew
    try {
      await this.play(this.heard, step, lead);
    } catch (error) {
      this.say(`No sound: ${error.message}.`);
      throw error;
    }
    this.say("Playing", true);
    this.settle();
  }

  /** Go to a step of what is heard. */
  seek(step) {
    this.pausedAt = step;
    if (this.transport.isPlaying) this.transport.jump(step);
  }

  /** Go there, and have the deck show it. */
  go(step) {
    this.seek(step);
    this.onGo?.(step);
    this.changed();
  }

  /** The step of what is heard that is heard now, or from which it will go on. */
  get place() {
    return this.transport.position()?.step ?? this.pausedAt;
  }

  /** Of the tempo, over the groove's own. */
  get rate() {
    return this.manner.rate;
  }

  get bpm() {
    return this.#ownBpm * this.rate;
  }

  get #ownBpm() {
    return this.heard.tempos[0][1];
  }

  get isOwnTempo() {
    return Math.abs(this.rate - 1) < 1e-3;
  }

  setBpm(bpm) {
    if (Number.isFinite(bpm)) {
      this.manner.setBpm(bpm, this.#ownBpm, this.data.tempos);
      this.transport.rate = this.rate;
      this.say(`${Math.round(this.bpm)} BPM`, true);
    }
    this.changed();
  }

  playAtOwnTempo() {
    this.setBpm(this.#ownBpm);
  }

  get muted() {
    return this.manner.muted;
  }

  get soloed() {
    return this.manner.soloed;
  }

  isSilent(voice) {
    return this.manner.isSilent(voice);
  }

  #applyMixer() {
    this.#wasSound = this.isSound;
    this.sounding.open(this.isSound);
    this.transport.silence(this.isSound ? this.manner.voices : this.manner.unheard);
  }

  toggleIn(set, voice) {
    this.manner.toggle(set, voice);
    this.#applyMixer();
    this.changed();
  }

  strike(voice, velocity) {
    if (!this.transport.isPlaying) this.transport.strike(voice, velocity).catch(() => {});
  }

  /** What is shown to read and told to a screen reader; what is `isQuiet` is told alone. */
  say(words, isQuiet = false) {
    this.onSay?.(words, isQuiet);
  }
}

/** By which what plays is known from another. */
const signature = ({ n_steps: nSteps, tempos, hits }) => JSON.stringify([nSteps, tempos, hits]);
