// A pad to tap a rhythm on, with a finger, the mouse or the space bar, while a click plays: one bar to count in, then
// the bars that are recorded. A tap is where the click was heard when it came, so that the sound's way is taken out.
// Two hands have a pad and a key each. Shortly before the end what was tapped by then goes to Python, so that its drums
// are there, or on their way, when the end comes; if there is one more tap, all goes again.

import { element } from "../assets/dom.js";

const AFTER_MS = 600; // a click that comes so soon behind a tap is that tap's own
const AHEAD = { steps: 0.6, pauseMs: 100 }; // behind the last beat, and behind the last tap, taps go to Python
const DRUMS_MS = 5000; // for drums to taps that went ahead
// At rest: what each pad is called, and how it is tapped on.
const ONE = [{ name: "Record taps", help: "One bar counts you in. Tap here, or with the space bar." }];
const TWO = [
  { name: "Left hand", help: "Kick and toms. Press to record, then tap here or with F.", key: "KeyF" },
  { name: "Right hand", help: "Snare, hats and cymbals. Press to record, then tap here or with J.", key: "KeyJ" },
];

export class Pad {
  #taps = null; // [hand, position] of each, while it records
  #tappedAt = -Infinity;
  #sent = null; // {serial, n}: how many taps went ahead
  #waits = null; // taps that went ahead as they are, and whose drums are not there yet

  constructor(parent, music) {
    this.music = music;
    this.root = element("div", { className: "pads" });
    parent.append(this.root);
    this.onKey = (event) => this.#key(event);
    document.addEventListener("keydown", this.onKey, true);
    this.unsubscribe = [music.subscribe(() => this.#look()), music.onFrame(() => this.#follow())];
  }

  update({ data, setTriggerValue }) {
    const isOtherwise = data.hands !== this.data?.hands;
    Object.assign(this, { data, setTriggerValue });
    if (isOtherwise) this.#lay();
    if (!this.#taps) this.#rest();
  }

  remove() {
    for (const end of this.unsubscribe) end();
    document.removeEventListener("keydown", this.onKey, true);
    this.#end();
    this.#forget();
    this.root.remove();
  }

  /** A pad for each hand. */
  #lay() {
    this.#end();
    this.pads = (this.data.hands === 2 ? TWO : ONE).map((words, hand) => this.#padOf(words, hand));
    this.root.replaceChildren(...this.pads.map((pad) => pad.root));
  }

  #padOf(words, hand) {
    const pad = { ...words, title: element("b"), line: element("small") };
    pad.root = element("button", { type: "button", className: "pad" }, pad.title, pad.line);
    pad.root.addEventListener("pointerdown", (event) => this.#tap(event, hand));
    pad.root.addEventListener("click", () => this.#begin());
    return pad;
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
    this.#forget();
    this.#taps = [];
    this.#say("…");
    this.hasBegun = false;
    this.music
      .record(this.#lane, (event) => this.#tap(event, 0))
      .then(() => (this.hasBegun = true))
      .catch((error) => {
        this.#end();
        this.music.say(`No sound: ${error.message}.`);
      });
  }

  /** The keys of the hands, wherever the focus is; Enter on a pad. Space comes from the deck. */
  #key(event) {
    if (!this.#taps || event.ctrlKey || event.metaKey || event.altKey) return;
    const target = event.composedPath()[0];
    const isOn = ({ root, key }) => event.code === key || ([" ", "Enter"].includes(event.key) && target === root);
    const hand = this.pads.findIndex(isOn);
    if (hand < 0) return;
    event.stopPropagation();
    this.#tap(event, hand);
  }

  #tap(event, hand) {
    if (!this.#taps) return;
    event.preventDefault();
    if (event.repeat || !this.hasBegun) return;
    this.#tappedAt = performance.now();
    const { loops, step } = this.music.transport.heardAt(event.timeStamp);
    const position = step - this.#start;
    if (loops === 0 && position >= -0.5) this.#taps.push([hand, position]);
    const { root } = this.pads[hand];
    root.classList.remove("struck");
    requestAnimationFrame(() => root.classList.add("struck"));
  }

  /** Pause ends it; drums to taps that went ahead are heard as soon as they are there. */
  #look() {
    if (this.#taps && this.hasBegun && !this.music.transport.isPlaying) this.#end();
    if (!this.#waits || this.music.answersTo !== this.#sent.serial) return;
    this.#forget();
    this.music.playResult();
  }

  #forget() {
    clearTimeout(this.patience);
    this.#sent = this.#waits = null;
  }

  #follow() {
    if (!this.#taps || !this.hasBegun) return;
    const { loops, step } = this.music.transport.position();
    if (loops > 0) {
      const taps = this.#taps;
      this.#end();
      this.#finish(taps);
      return;
    }
    this.#sendAhead(step);
    const beat = this.#lane.beats.filter((each) => each <= step + 1e-6).length;
    if (step < this.#start - 0.5) this.#say(String(beat));
    else
      this.#say(
        "Tap",
        this.pads.map((_, hand) => counted(this.#taps.filter(([own]) => own === hand).length)),
      );
  }

  #sendAhead(step) {
    const taps = this.#taps;
    const isSoon = step > this.#lane.beats.at(-1) + AHEAD.steps;
    const isResting = performance.now() - this.#tappedAt > AHEAD.pauseMs;
    if (!isSoon || !isResting || !taps.length || this.#sent?.n === taps.length) return;
    this.#sent = { serial: Date.now(), n: taps.length };
    this.#send(taps, false);
  }

  #finish(taps) {
    if (this.#sent?.n !== taps.length) {
      this.#sent = { serial: Date.now(), n: taps.length };
      this.#send(taps, true);
      return;
    }
    this.#waits = taps;
    this.patience = setTimeout(() => {
      this.#waits = null;
      this.#send(taps, true);
    }, DRUMS_MS);
    this.#look();
  }

  #send(taps, ends) {
    this.setTriggerValue("taps", { serial: this.#sent.serial, taps: [...taps], ends });
  }

  #end() {
    if (!this.#taps) return;
    this.#taps = null;
    this.music.endRecording();
    this.#rest();
  }

  #rest() {
    for (const pad of this.pads) this.#show(pad, pad.name, pad.help);
  }

  /** While it records: a word on all pads, and a line on each. */
  #say(word, lines = []) {
    for (const [hand, pad] of this.pads.entries()) this.#show(pad, word, lines[hand] ?? "");
  }

  #show({ root, title, line }, word, words) {
    title.textContent = word;
    line.textContent = words;
    root.classList.toggle("recording", this.#taps !== null);
  }
}

const counted = (n) => (n ? `${n} ${n === 1 ? "tap" : "taps"}` : "");
