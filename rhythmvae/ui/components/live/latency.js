// How late a stroke comes: measured by tapping along with the click, while the loop goes on.

import { Clock } from "../deck/time.js";

const TAPS = 8;
const UNEVEN_MS = 40; // of half of the taps from their median
const median = (values) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];

export class Calibration {
  isOn = false;
  #late = []; // ms behind the beat, of each tap
  #wasClicking = false;

  /** `say` is told how it goes, `done` the ms. */
  constructor(music, clock, { say, done }) {
    Object.assign(this, { music, clock, say, done });
  }

  async toggle() {
    const { transport } = this.music;
    if (this.isOn) {
      this.#end();
      this.say("Not measured: the latency stays as it was.");
      return;
    }
    this.isOn = true;
    this.#late = [];
    this.#wasClicking = transport.clicking;
    transport.clicking = true;
    this.say(`Tap any drum or key with the click, ${TAPS} times.`);
    if (!transport.isPlaying) await this.music.playFrom(this.music.place).catch(() => this.#end());
  }

  tap(pageMs) {
    const { heard, rate, transport } = this.music;
    if (!transport.isPlaying) return;
    const { step } = transport.at(this.clock.toSound(pageMs));
    const clock = new Clock(heard);
    const late = [...heard.beats, heard.n_steps].map((beat) => clock.secondsAt(step) - clock.secondsAt(beat));
    const nearest = late.reduce((least, each) => (Math.abs(each) < Math.abs(least) ? each : least), Infinity);
    this.#late.push((nearest * 1000) / rate);
    const left = TAPS - this.#late.length;
    if (left > 0) this.say(`${left} more`);
    else this.#finish();
  }

  #finish() {
    this.#end();
    const found = median(this.#late);
    const spread = median(this.#late.map((late) => Math.abs(late - found)));
    if (spread > UNEVEN_MS) {
      this.say("The taps were too uneven to say how late they come; the latency stays as it was.");
      return;
    }
    this.done(Math.round(found));
    this.say(`Latency: ${Math.round(found)} ms, taps within ${Math.max(Math.round(spread), 1)} ms of it.`);
  }

  #end() {
    this.isOn = false;
    this.music.transport.clicking = this.#wasClicking;
  }
}
