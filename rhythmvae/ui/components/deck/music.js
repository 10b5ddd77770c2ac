// What the deck plays: the groove in hand, what a page made of it, or a card; and all that a hand changed. No pictures.
//
// Python says what is there (`take`, `hand`); a place in the music, the history and the tempo outlast all of that.
// Only another `source` overwrites what a user edited.

import { Edited } from "./edited.js";
import { Heard } from "./heard.js";
import { Sounding } from "./sounding.js";
import { swapped } from "./swapping.js";
import { playableBpm } from "./time.js";
import { Transport } from "./transport.js";

const SETTINGS_MS = 400;

/** `data`: of the deck, as Python told it last. */
export class Music extends Heard {
  rate = 1; // of the tempo, over the groove's own
  fresh = null; // of what is recorded: a hit, as text, -> the round of the loop from which on it is heard
  muted = new Set();
  soloed = new Set();
  #edited = new Edited(
    () => this.#settle(),
    (serial, hits) => this.tell("edit", { source: this.data.source, lane: this.data.lanes[0].id, serial, hits }),
  );
  #prefers = "original"; // or "result" or "sound", when there is one
  #result = null; // {lanes, source, link, ...} of the page that is open
  #from = null; // who handed it over
  #card = null; // {lane, of}: one that is heard, and the cards it belongs to
  #finger = null; // a lane under a finger elsewhere on the page
  #leaving = null; // a lane that is gone, and heard up to the next bar line
  #recording = null; // {lane, tap, wasClicking} while taps are recorded
  #cue = null; // the last gesture it answered
  #taken = null; // the last one that took the result in hand
  #browsed = null; // the last one that wanted to hear the groove itself
  #pausedAt = 0; // step
  #playing = ""; // what the transport has
  #wasSound = false;

  constructor() {
    super(new Transport());
    this.sounding = new Sounding(this.transport);
  }

  // -- news from Python -----------------------------------------------------------

  /** What the deck is told. `tell` has setStateValue; `base` is where the app lives. */
  take(data, tell, base) {
    const isAnother = data.source !== this.data?.source;
    this.data = data;
    this.tell = tell;
    if (isAnother) this.#begin();
    this.#edited.confirm(data.serial, data.lanes[0].hits);
    if (data.tune !== this.tune) this.rate = 1;
    this.tune = data.tune;
    if (isAnother) this.#part();
    const keys = data.voices.map((voice) => voice.key);
    this.transport
      .prepare(new URL(data.kit, base).href, data.mixer, keys)
      .catch((error) => this.say(`No sound: ${error.message}.`));
    this.sounding.take(data.sound, base);
    if (this.#prefers === "sound" && this.sounding.isThere && !this.sounding.isReady) this.#fetchSound();
    this.#browse(data.hear);
    this.#answer();
    this.#settle();
  }

  #browse(hear) {
    if (!hear || hear.cue === this.#browsed) return;
    this.#browsed = hear.cue;
    this.choose("original");
    if (hear.starts && !this.transport.isPlaying) this.toggle();
  }

  /** Another source: what was edited, and what was made of it, is over. */
  #begin() {
    this.#edited.begin(this.data.lanes[0].hits);
    this.fresh = null;
    this.#card = this.#finger = this.#leaving = null;
    if (!this.transport.isPlaying) this.#pausedAt = 0;
  }

  /** What a page made of the groove in hand; null when the page goes. `from` tells pages apart. */
  hand(result, from) {
    if (!result && this.#from !== from) return;
    this.#from = from;
    const isGoing = this.result && !result?.lanes.length;
    if (isGoing && this.heard === this.result) this.#leave(this.result);
    this.#result = result;
    this.#take();
    this.#answer();
    this.#settle();
  }

  /** Cards as they are now: one that is heard may be another, or gone. */
  deal(of, lanes) {
    if (this.#card?.of !== of) return;
    const lane = lanes.find((one) => one.id === this.#card.lane.id);
    if (!lane) this.#leave(this.#card.lane);
    this.#card = lane ? { of, lane } : null;
    this.#settle();
  }

  /** What lies under a finger elsewhere on the page, as `hearFinger` has it. It is heard before anything is drawn. */
  follow(under) {
    if (this.#recording || (!under && !this.#finger)) return;
    const like = this.result ?? this.original;
    const plain = { editable: false, missed: null, added: null, moved: null, open: null };
    const made = under && this.#made(under);
    this.#finger = under && { ...like, ...plain, ...made };
    if (under) {
      this.#prefers = "result";
      this.#card = this.#leaving = null;
      this.transport.atNextBar(null);
    }
    this.#sound();
    if (under?.starts) this.#start();
    this.drawing ??= requestAnimationFrame(() => {
      this.drawing = null;
      this.changed();
    });
  }

  /** Where nothing plays, it begins to. */
  #start() {
    if (this.transport.isPlaying) return;
    this.#pausedAt = 0;
    this.toggle();
  }

  /** The groove in hand with parts of one under a finger. */
  #made(under) {
    const { swap, label, hits, n_steps: nSteps, bars } = under;
    if (!swap) return under;
    const lane = this.original;
    return {
      ...lane,
      hits: swapped(lane, { hits, n_steps: nSteps, bars }, swap),
      label,
      is_another: true,
      id: "finger",
    };
  }

  /** A gesture elsewhere on the page takes the result as an edit of the groove in hand, which can be undone. */
  #take() {
    const cue = this.data && this.result && this.#result.take;
    if (!cue || cue === this.#taken || this.result.n_steps !== this.original.n_steps) return;
    this.#taken = cue;
    this.#finger = this.#card = null;
    this.#prefers = "original";
    this.say("Taken. Undo takes it back.");
    this.commit(this.result.hits);
  }

  /** A gesture elsewhere on the page wants to hear the result. */
  #answer() {
    const hear = this.data && this.result && this.#result.hear;
    if (!hear || hear.cue === this.#cue) return;
    this.#cue = hear.cue;
    if (hear.starts) this.playResult(hear.at);
    else this.choose("result");
  }

  /** The result is heard; where nothing plays, it begins to, from a step on. */
  playResult(at = 0) {
    this.choose("result");
    if (this.transport.isPlaying) return;
    this.#pausedAt = at ?? this.#pausedAt;
    this.toggle();
  }

  /** Serial of the taps that the result is made of. */
  get answersTo() {
    return this.#result?.hear?.of;
  }

  /** A lane that is gone sounds up to the next bar line, so that nothing stops in the middle of it. */
  #leave(lane) {
    if (!this.transport.isPlaying) return;
    this.#leaving = lane;
    this.transport.atNextBar(() => this.#part());
  }

  #part() {
    this.#leaving = null;
    this.transport.atNextBar(null);
    this.#settle();
  }

  // -- what is heard --------------------------------------------------------------

  /** The groove in hand as it stands, edits included. */
  get original() {
    return { ...this.data.lanes[0], hits: this.#edited.hits, fresh: this.fresh };
  }

  /** What the open page made of it, if it is of this groove. */
  get result() {
    return this.#result?.source === this.data?.source ? (this.#result?.lanes[0] ?? null) : null;
  }

  /** Who is heard: "card", "finger", "result", "leaving" or "original"; "recording" while there are clicks alone. */
  get role() {
    if (this.#recording) return "recording";
    if (this.#card) return "card";
    if (this.#finger) return "finger";
    if (this.#prefers === "result" && this.result) return "result";
    return this.#leaving ? "leaving" : "original";
  }

  get heard() {
    const { role } = this;
    if (role === "original") return this.original;
    const others = { card: this.#card?.lane, finger: this.#finger, result: this.result, leaving: this.#leaving };
    return role === "recording" ? this.#recording.lane : others[role];
  }

  /** Of what is heard, to read. */
  get name() {
    return this.role === "card" || this.heard.is_another ? this.heard.label : this.data.name;
  }

  /** What Python told together with the lane that is heard. */
  get #told() {
    return { card: this.#card?.of.data, result: this.#result, finger: this.#result }[this.role] ?? this.data;
  }

  isCardHeard(of, id) {
    return this.transport.isPlaying && this.#card?.of === of && this.#card.lane.id === id;
  }

  choose(role) {
    if (role === "sound" && !this.sounding.isReady) {
      this.#fetchSound();
      return;
    }
    this.#prefers = role;
    this.#card = this.#finger = this.#leaving = null;
    this.transport.atNextBar(null);
    this.#settle();
  }

  /** The sound is chosen once it is here; until then what is heard goes on. */
  #fetchSound() {
    const { sounding } = this;
    this.say("The sound is on its way");
    sounding
      .load()
      .then(() => sounding.isReady && this.choose("sound"))
      .catch((error) => this.say(`No sound: ${error.message}.`));
  }

  /** Whether the sound itself is heard, and not the groove. */
  get isSound() {
    return this.#prefers === "sound" && this.role === "original" && this.sounding.isReady;
  }

  /** The next of original, result and sound, of those that there are. */
  switch() {
    const now = this.isSound ? "sound" : this.role;
    const all = ["original", this.result && "result", this.sounding.isThere && "sound"].filter(Boolean);
    this.choose(all[(all.indexOf(now) + 1) % all.length]);
  }

  /** A card is pressed: it is heard, or, where it was, what was heard before. */
  audition(of, lane, starts = true) {
    if (this.#recording) return;
    const isHeard = this.isCardHeard(of, lane.id);
    this.#card = isHeard ? null : { of, lane };
    this.#leaving = null;
    this.#settle();
    if (starts && !this.transport.isPlaying) this.toggle();
  }

  /** What sounds becomes what is to be heard, if it is any other. */
  #settle() {
    this.#sound();
    this.changed();
  }

  #sound() {
    this.transport.rate = this.rate;
    if (this.isSound !== this.#wasSound) this.#applyMixer();
    if (this.data && this.transport.isPlaying) {
      const { heard } = this;
      const music = signature(heard);
      if (music !== this.#playing) this.transport.swap(heard);
      this.#playing = music;
    }
  }

  // -- transport ------------------------------------------------------------------

  toggle() {
    const { transport } = this;
    if (transport.isPlaying) {
      this.#pausedAt = transport.position().step;
      transport.stop();
      this.#leaving = null;
      this.say("Paused", true);
      this.#settle();
      return;
    }
    this.playFrom(this.#pausedAt).catch(() => {});
  }

  /** What is heard begins at a step; `lead` as `Transport.play` has it. Throws where there is no sound. */
  async playFrom(step, lead = []) {
    const { transport } = this;
    this.#applyMixer();
    transport.rate = this.rate;
    this.#pausedAt = step;
    this.fresh = null; // rounds are counted anew
    const { heard } = this;
    this.#playing = signature(heard);
    try {
      await transport.play(heard, step, lead);
    } catch (error) {
      this.say(`No sound: ${error.message}.`);
      throw error;
    }
    this.say("Playing", true);
    this.#settle();
  }

  /** Space: it plays or pauses, and is a tap while taps are recorded. */
  space(event) {
    if (this.#recording) this.#recording.tap(event);
    else this.toggle();
  }

  /** Clicks alone are heard, from the beginning of a lane on; `tap` is given the event of each Space. */
  async record(lane, tap) {
    const { transport } = this;
    this.#recording = { lane, tap, wasClicking: transport.clicking };
    transport.clicking = true;
    transport.rate = this.rate;
    this.#playing = signature(lane);
    await transport.play(lane, 0);
    if (this.#recording?.lane !== lane) transport.stop(); // called off while the sounds came
    this.changed();
  }

  endRecording() {
    if (!this.#recording) return;
    this.transport.clicking = this.#recording.wasClicking;
    this.#recording = null;
    this.transport.stop();
    this.#pausedAt = 0;
    this.changed();
  }

  /** Go to a step of what is heard. */
  seek(step) {
    if (this.#recording) return; // taps lie where they were heard
    this.#pausedAt = step;
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
    return this.transport.position()?.step ?? this.#pausedAt;
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
      this.rate = playableBpm(bpm, this.#ownBpm, this.data.tempos) / this.#ownBpm;
      this.transport.rate = this.rate;
      this.say(`${Math.round(this.bpm)} BPM`, true);
      this.#sendSettings();
    }
    this.changed();
  }

  playAtOwnTempo() {
    this.setBpm(this.#ownBpm);
  }

  isSilent(voice) {
    return this.soloed.size ? !this.soloed.has(voice) : this.muted.has(voice);
  }

  get #unheard() {
    return this.data.voices.map((_, voice) => voice).filter((voice) => this.isSilent(voice));
  }

  #applyMixer() {
    this.#wasSound = this.isSound;
    this.sounding.open(this.isSound);
    this.transport.silence(this.isSound ? this.data.voices.map((_, voice) => voice) : this.#unheard);
  }

  toggleIn(set, voice) {
    if (!set.delete(voice)) set.add(voice);
    this.#applyMixer();
    this.#sendSettings();
    this.changed();
  }

  #sendSettings() {
    clearTimeout(this.settling);
    const { tune, rate } = this;
    const unheard = this.#unheard;
    this.settling = setTimeout(() => this.tell("heard", { tune, rate, unheard }), SETTINGS_MS);
  }

  strike(voice, velocity) {
    if (!this.transport.isPlaying) this.transport.strike(voice, velocity).catch(() => {});
  }

  // -- edits ----------------------------------------------------------------------

  /** Whether what is heard can be edited; where it cannot, that is said. */
  mayEdit() {
    if (this.role === "original") return true;
    this.say("Only the original can be edited.");
    return false;
  }

  /** Hits while a drag lasts: heard, not yet in the history; null when it came to nothing. */
  preview(hits) {
    this.#edited.preview(hits);
    this.#settle();
  }

  commit(hits) {
    this.#edited.commit(hits);
  }

  /** The last step of the history, done otherwise. */
  amend(hits) {
    this.#edited.amend(hits);
  }

  /** "undo" or "redo". */
  travel(way) {
    if (this.#edited.travel(way)) this.say(way === "undo" ? "Undone" : "Redone");
  }

  get canUndo() {
    return this.#edited.canUndo;
  }

  get canRedo() {
    return this.#edited.canRedo;
  }

  /** Of the last edit. */
  get serial() {
    return this.#edited.serial;
  }

  /** While hits come one after the other, Python waits for the last of them. */
  hold(isHeld) {
    this.#edited.hold(isHeld);
  }

  // -- to take home ---------------------------------------------------------------

  /** {link, no_link, takes} to what the open page shows, or to the groove in hand. */
  get link() {
    const own = this.#result?.source === this.data.source ? this.#result : null;
    return own?.link || own?.no_link ? own : this.data;
  }

  /** Have Python write a file of some bars of what is heard, by their numbers. */
  askForBars([first, last]) {
    this.tell("bars", { lane: this.heard.id, first, last });
  }

  /** Have Python write the file of a card that is heard. */
  askForFile() {
    if (this.role === "card") this.#card.of.askForFile(this.#card.lane.id);
  }

  /** Whether Python knows all edits and the tempo, and has told so with what is heard. */
  get isUpToDate() {
    return this.#isTold(this.data) && this.#isTold(this.#told);
  }

  #isTold({ serial, rate }) {
    return serial >= this.serial && Math.abs(rate - this.rate) < 1e-6;
  }

  /** What is shown to read and told to a screen reader; what is `isQuiet` is told alone. */
  say(words, isQuiet = false) {
    this.onSay?.(words, isQuiet);
  }
}

/** By which what plays is known from another. */
const signature = ({ n_steps: nSteps, tempos, hits }) => JSON.stringify([nSteps, tempos, hits]);
