// A bus for each drum: how loud it is, where it stands, and whether it is heard at all.

export class Buses {
  #context = null;
  #mix = null; // the node that all of them lead to
  #buses = []; // {gain, panner} by voice, made when a drum is first struck
  #levels = []; // 0 and up, 1 where nothing is said
  #pans = []; // -1 to 1
  #silent = new Set();

  /** Where the buses lead to, once there is sound. */
  open(context, mix) {
    this.#context = context;
    this.#mix = mix;
  }

  /** Voices that are not heard. */
  silence(voices) {
    this.#silent = new Set(voices);
    for (const voice of this.#buses.keys()) this.#setLevel(voice);
  }

  balance(levels, pans) {
    this.#levels = levels;
    this.#pans = pans;
    for (const voice of this.#buses.keys()) {
      this.#setLevel(voice);
      this.#placePanner(voice);
    }
  }

  /** The node that a stroke of this drum leads to. */
  of(voice) {
    if (!this.#buses[voice]) {
      const gain = new GainNode(this.#context, { gain: this.#levelOf(voice) });
      gain.connect(this.#mix);
      this.#buses[voice] = { gain, panner: null };
      this.#placePanner(voice);
    }
    return this.#buses[voice].gain;
  }

  #levelOf(voice) {
    return this.#silent.has(voice) ? 0 : (this.#levels[voice] ?? 1);
  }

  #setLevel(voice) {
    this.#buses[voice]?.gain.gain.setTargetAtTime(this.#levelOf(voice), this.#context.currentTime, 0.005);
  }

  /** A drum that never left the middle has no panner. */
  #placePanner(voice) {
    const bus = this.#buses[voice];
    if (!bus) return;
    const pan = this.#pans[voice] ?? 0;
    if (bus.panner) bus.panner.pan.setTargetAtTime(pan, this.#context.currentTime, 0.01);
    if (bus.panner || pan === 0) return;
    // Two channels in, so that the middle is as loud as without it.
    const options = { pan, channelCount: 2, channelCountMode: "explicit" };
    bus.panner = new StereoPannerNode(this.#context, options);
    bus.gain.disconnect();
    bus.gain.connect(bus.panner).connect(this.#mix);
  }
}
