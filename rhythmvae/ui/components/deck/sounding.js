// The sound in which the groove in hand was heard, in time with that groove: what a transport plays, it follows.
//
// It is fetched when somebody first wants to hear it. From then on it goes along in silence, so that to choose it, or
// the groove again, is to open one gate and close another: nothing begins, and nothing is missed.

const EDGE_SECONDS = 0.006; // of what is cut off or begins in the middle
const GATE_SECONDS = 0.004;
const LEAD_SECONDS = 0.01; // from now to the first sample that can still be asked for

export class Sounding {
  #told = null; // {address, begins}: where it is, and where in it the groove's first step lies, in seconds
  #buffer = null;
  #loading = null;
  #gate = null;
  #isOpen = false;
  #until = -Infinity; // groove time, loops included, up to which it is scheduled
  #nodes = new Set(); // {node, gain, time, end}

  constructor(transport) {
    this.transport = transport;
    transport.followers.add(this);
  }

  /** What Python says of it; null where the groove comes of no sound. */
  take(told, base) {
    const address = told && new URL(told.address, base).href;
    if (address !== this.#told?.address) {
      this.cut(this.transport.context?.currentTime ?? 0);
      this.#buffer = this.#loading = null;
      this.open(false);
    } else if (told && told.begins !== this.#told.begins) this.cut(this.transport.context?.currentTime ?? 0);
    this.#told = told && { address, begins: told.begins };
  }

  get isThere() {
    return this.#told !== null;
  }

  /** Whether it can be heard at once. */
  get isReady() {
    return this.#buffer !== null;
  }

  /** Fetch it, once. Throws where it does not come. */
  async load() {
    const { address } = this.#told;
    this.#loading ??= (async () => {
      const answer = await fetch(address);
      if (!answer.ok) throw new Error(`the server answered ${answer.status}`);
      return this.transport.context.decodeAudioData(await answer.arrayBuffer());
    })();
    try {
      const buffer = await this.#loading;
      if (this.#told?.address === address) this.#buffer = buffer;
    } catch (error) {
      this.#loading = null; // the next try may find the network again
      throw error;
    }
  }

  /** Let it be heard, or not. */
  open(isOpen) {
    if (isOpen === this.#isOpen) return;
    this.#isOpen = isOpen;
    const { context } = this.transport;
    this.#gate?.gain.setTargetAtTime(isOpen ? 1 : 0, context.currentTime, GATE_SECONDS);
  }

  // -- what the transport tells ---------------------------------------------------

  /** `from` {time, seconds}: moments of the audio clock and of the groove that fall together. `duration` and `horizon`
   * are in the groove's seconds. */
  schedule({ from, rate, duration, horizon }) {
    if (!this.#buffer) return;
    const { context } = this.transport;
    const soonest = from.seconds + (context.currentTime + LEAD_SECONDS - from.time) * rate;
    let at = Math.max(this.#until, from.seconds, soonest);
    while (at < horizon) {
      const round = Math.floor(at / duration + 1e-9);
      const within = Math.max(at - round * duration, 0);
      this.#start(from.time + (at - from.seconds) / rate, within, duration - within, rate);
      at = (round + 1) * duration;
      this.#until = at;
    }
  }

  /** Nothing is heard from `time` on of what is scheduled. */
  cut(time) {
    this.#until = -Infinity;
    for (const each of this.#nodes) {
      if (each.time >= time) this.#end(each);
      else if (each.end > time) {
        each.gain.gain.cancelScheduledValues(time);
        each.gain.gain.setValueAtTime(1, time);
        each.gain.gain.linearRampToValueAtTime(0, time + EDGE_SECONDS);
        each.node.stop(time + EDGE_SECONDS);
        each.end = time;
      }
    }
  }

  /** Some seconds of it, from where the groove is at `within`. */
  #start(time, within, seconds, rate) {
    const { context, output } = this.transport;
    const offset = this.#told.begins + within;
    if (offset >= this.#buffer.duration) return;
    if (!this.#gate) {
      this.#gate = new GainNode(context, { gain: this.#isOpen ? 1 : 0 });
      this.#gate.connect(output);
    }
    const node = new AudioBufferSourceNode(context, { buffer: this.#buffer, playbackRate: rate });
    const gain = new GainNode(context, { gain: within > 0 ? 0 : 1 });
    if (within > 0) {
      gain.gain.setValueAtTime(0, time);
      gain.gain.linearRampToValueAtTime(1, time + EDGE_SECONDS);
    }
    node.connect(gain).connect(this.#gate);
    node.start(time, offset, seconds);
    const started = { node, gain, time, end: time + seconds / rate };
    node.onended = () => this.#end(started);
    this.#nodes.add(started);
  }

  #end(each) {
    each.node.onended = null;
    each.node.stop();
    each.gain.disconnect();
    this.#nodes.delete(each);
  }
}
