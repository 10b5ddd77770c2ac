// Bars to take home: as sound, how often and how it ends, all drums in one file or a file for each; or as MIDI.
//
// Sound is what the deck plays, with the kit, the mixer and the tempo as they stand, computed in the browser.

import { element } from "../assets/dom.js";
import { button } from "./controls.js";
import { MOST_SECONDS, cutBars, mixdown, toWav, toZip } from "./mixdown.js";
import { upToDate } from "./take.js";
import { Clock } from "./time.js";

const MOST_ROUNDS = 64;

export class Home {
  constructor(music, sounds, voices, base) {
    Object.assign(this, { music, sounds, voices, base });
    const number = (ariaLabel, max) =>
      element("input", { type: "number", min: 1, max, step: 1, inputMode: "numeric", ariaLabel });
    this.first = number("First bar", 1);
    this.last = number("Last bar", 1);
    this.rounds = Object.assign(number("Times", MOST_ROUNDS), { value: 1 });
    this.end = element(
      "select",
      { ariaLabel: "Its end" },
      element("option", { value: "loop", textContent: "exact loop" }),
      element("option", { value: "rings", textContent: "rings out" }),
    );
    const named = (text, control) => element("label", {}, element("span", { textContent: text }), control);
    const wav = button("WAV", () => this.#take(() => this.#whole()));
    const tracks = button("A track for each drum", () => this.#take(() => this.#tracks()));
    const midi = button("MIDI of these bars", () => this.#takeMidi(), { text: "MIDI" });
    this.buttons = [wav, tracks, midi];
    const choices = [named("Bars", this.first), named("to", this.last), named("Times", this.rounds)];
    const summary = element("summary", { textContent: "Take these bars home" });
    const group = element("div", { className: "group home" }, ...choices, named("End", this.end), wav, tracks, midi);
    this.root = element("details", { className: "help" }, summary, group);
  }

  refresh() {
    const { heard } = this.music;
    const n = heard.bars.length - 1;
    const bars = `${heard.id} ${heard.first_bar} ${n}`;
    if (bars === this.bars) return; // what somebody chose stays
    this.bars = bars;
    const from = heard.first_bar;
    for (const field of [this.first, this.last]) Object.assign(field, { min: from, max: from + n - 1 });
    Object.assign(this.first, { value: from });
    Object.assign(this.last, { value: from + n - 1 });
  }

  async #take(make) {
    for (const each of this.buttons) each.disabled = true;
    this.music.say("The sound is being written.", true);
    await new Promise((resolve) => setTimeout(resolve, 30)); // drawn first
    try {
      this.kit = this.music.transport.kit ?? (await this.music.transport.house());
      this.#save(...make());
    } catch (error) {
      this.music.say(error.message);
    }
    for (const each of this.buttons) each.disabled = false;
  }

  /** Python writes it, as it writes all MIDI. */
  async #takeMidi() {
    const { music } = this;
    for (const each of this.buttons) each.disabled = true;
    try {
      const bars = this.#bars();
      const { first_bar: from } = music.heard;
      const file = await upToDate(
        music,
        bars.map((bar) => bar + from),
      );
      if (!file) throw new Error("The file is not ready. Try again in a moment.");
      element("a", { href: new URL(file.address, this.base).href, download: file.name }).click();
      music.say(`${file.name} is on its way.`);
    } catch (error) {
      music.say(error.message);
    }
    for (const each of this.buttons) each.disabled = false;
  }

  #groove() {
    return cutBars(this.music.heard, ...this.#bars());
  }

  /** The first and the last that are asked for, from 0; what makes no sense is said. */
  #bars() {
    const { heard } = this.music;
    const [first, last] = [this.first, this.last].map((field) => Number(field.value) - heard.first_bar);
    const isWhole = [first, last].every(Number.isInteger);
    if (!isWhole || first < 0 || last < first || last > heard.bars.length - 2) {
      const to = heard.first_bar + heard.bars.length - 2;
      throw new Error(`Expected bars from ${heard.first_bar} to ${to}, the first before the last.`);
    }
    return [first, last];
  }

  #how(groove) {
    const rounds = Number(this.rounds.value);
    if (!Number.isInteger(rounds) || rounds < 1 || rounds > MOST_ROUNDS)
      throw new Error(`Expected 1 to ${MOST_ROUNDS} times.`);
    const seconds = (rounds * new Clock(groove).duration) / this.music.rate;
    if (seconds > MOST_SECONDS)
      throw new Error(`Expected at most ${MOST_SECONDS} s of sound, got ${Math.round(seconds)}: choose fewer bars.`);
    return { rounds, isLoop: this.end.value === "loop" };
  }

  #mixed(only = null) {
    const { music, sounds, kit } = this;
    const isOut = (voice) => (only === null ? music.isSilent(voice) : voice !== only);
    const level = (voice) => (isOut(voice) ? 0 : (sounds.levels[voice] ?? 1));
    const pan = (voice) => sounds.pans[voice] ?? 0;
    const groove = this.#groove();
    const sides = mixdown(groove, { kit, rate: music.rate, level, pan }, this.#how(groove));
    return toWav(sides, kit.mixer.sample_rate);
  }

  #whole() {
    return [[this.#mixed()], `${this.#name}.wav`, "audio/wav"];
  }

  /** Of the drums that play in these bars and are not muted. */
  #tracks() {
    const played = new Set(this.#groove().hits.map(([voice]) => voice));
    const heard = [...played].filter((voice) => !this.music.isSilent(voice)).sort((a, b) => a - b);
    if (!heard.length) throw new Error("No drum is heard in these bars: there is no track to take home.");
    const files = heard.map((voice) => [`${this.#name} ${this.voices[voice].key}.wav`, this.#mixed(voice)]);
    return [toZip(files), `${this.#name} tracks.zip`, "application/zip"];
  }

  get #name() {
    return this.music.heard.file?.name.replace(/\.mid$/, "") ?? "groove";
  }

  #save(parts, name, type) {
    const href = URL.createObjectURL(new Blob(parts, { type }));
    element("a", { href, download: name }).click();
    setTimeout(() => URL.revokeObjectURL(href), 60_000);
    this.music.say(`${name} is on its way.`);
  }
}
