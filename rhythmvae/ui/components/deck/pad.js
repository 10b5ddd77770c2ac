// A pad to tap a rhythm on, with a finger, the mouse or the space bar, while a click plays: one bar to count in, then
// the bars that are recorded. A tap is where the click was heard when it came, so that the sound's way is taken out.

import { element } from "../assets/dom.js";

const AFTER_MS = 600; // a click that comes so soon behind a tap is that tap's own

export class Pad {
  #taps = null; // while it records
  #tappedAt = -Infinity;

  constructor(parent, music) {
    this.music = music;
    this.title = element("b");
    this.help = element("small");
    this.root = element("button", { type: "button", className: "pad" }, this.title, this.help);
    this.root.addEventListener("pointerdown", (event) => this.#tap(event));
    this.root.addEventListener("keydown", (event) => (event.key === " " || event.key === "Enter") && this.#tap(event));
    this.root.addEventListener("click", () => this.#begin());
    parent.append(this.root);
    this.unsubscribe = [music.subscribe(() => this.#look()), music.onFrame(() => this.#follow())];
  }

  update({ data, setTriggerValue }) {
    Object.assign(this, { data, setTriggerValue });
    if (!this.#taps) this.#rest();
  }

  remove() {
    for (const end of this.unsubscribe) end();
    this.#end();
    this.root.remove();
  }

  get #lane() {
    return this.data.lanes[0];
  }

  /** Where the bars that are recorded begin. */
  get #start() {
    return this.#lane.bars[1];
  }

  #begin() {
    if (this.#taps || performance.now() - this.#tappedAt < AFTER_MS) return;
    this.#taps = [];
    this.#say("…", "");
    this.hasBegun = false;
    this.music
      .record(this.#lane, (event) => this.#tap(event))
      .then(() => (this.hasBegun = true))
      .catch((error) => {
        this.#end();
        this.music.say(`No sound: ${error.message}.`);
      });
  }

  #tap(event) {
    if (!this.#taps) return;
    event.preventDefault();
    if (event.repeat || !this.hasBegun) return;
    this.#tappedAt = performance.now();
    const { loops, step } = this.music.transport.heardAt(event.timeStamp);
    const position = step - this.#start;
    if (loops === 0 && position >= -0.5) this.#taps.push(position);
    this.root.classList.remove("struck");
    requestAnimationFrame(() => this.root.classList.add("struck"));
  }

  /** Pause ends it. */
  #look() {
    if (this.#taps && this.hasBegun && !this.music.transport.isPlaying) this.#end();
  }

  #follow() {
    if (!this.#taps || !this.hasBegun) return;
    const { loops, step } = this.music.transport.position();
    if (loops > 0) {
      const taps = this.#taps;
      this.#end();
      this.setTriggerValue("taps", taps);
      return;
    }
    const beat = this.#lane.beats.filter((each) => each <= step + 1e-6).length;
    const n = this.#taps.length;
    if (step < this.#start - 0.5) this.#say(String(beat), "");
    else this.#say("Tap", n ? `${n} ${n === 1 ? "tap" : "taps"}` : "");
  }

  #end() {
    if (!this.#taps) return;
    this.#taps = null;
    this.music.endRecording();
    this.#rest();
  }

  #rest() {
    this.#say("Record taps", "One bar counts you in. Tap here, or with the space bar.");
  }

  #say(title, help) {
    this.title.textContent = title;
    this.help.textContent = help;
    this.root.classList.toggle("recording", this.#taps !== null);
  }
}
