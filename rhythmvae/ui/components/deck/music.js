// What the deck plays: the groove in hand, what a page made of it, or a card; and all that a hand changed. No pictures.
//
// Python says what is there (`take`, `hand`); a place in the music, the history and the tempo outlast all of that.
// Only another `source` overwrites what a user edited.

import { Edited } from "./edited.js";
import { Player } from "./player.js";
import { isSent, touchesJustNow, until } from "./resting.js";
import { Roles } from "./roles.js";
import { swapped } from "./swapping.js";

const LEAVE_MS = 50; // within which a page's answer and that it is there have both been told

/** `data`: of the deck, as Python told it last. */
export class Music extends Player {
  #roles = new Roles();
  #edited = new Edited(
    () => this.settle(),
    (serial, hits) => this.tell("edit", { source: this.data.source, lane: this.data.lanes[0].id, serial, hits }),
  );
  #cue = null; // the last gesture it answered
  #taken = null; // the last one that took the result in hand
  #browsed = null; // the last one that wanted to hear the groove itself
  #touches = 0; // of the page's controls, that Python was told of

  // -- news from Python -----------------------------------------------------------

  /** The drums' sounds, before the first gesture. */
  load({ kit, mixer, voices }, base) {
    const keys = voices.map((voice) => voice.key);
    this.loaded = this.transport
      .prepare(new URL(kit, base).href, mixer, keys)
      .catch((error) => this.say(`No sound: ${error.message}.`));
  }

  /** What the deck is told. `tell` has setStateValue; `base` is where the app lives. */
  take(data, tell, base) {
    const isAnother = data.source !== this.data?.source;
    this.data = data;
    this.tell = tell;
    if (isAnother) this.#begin();
    this.#edited.confirm(data.serial, data.lanes[0].hits);
    this.manner.take(data.tune, data.voices.length);
    if (isAnother) this.#part();
    this.sounding.take(data.sound, base);
    if (this.#roles.prefers === "sound" && this.sounding.isThere && !this.sounding.isReady) this.#fetchSound();
    this.#browse(data.hear);
    this.#answer();
    this.settle();
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
    this.#roles.begin();
    if (!this.transport.isPlaying) this.pausedAt = 0;
  }

  /** What a page made of the groove in hand; null when the page goes. `from` tells pages apart. */
  hand(result, from) {
    const { result: before } = this;
    const wasHeard = before && this.heard === before;
    if (!this.#roles.hand(result, from)) return;
    if (wasHeard && !result?.lanes.length) this.#leave(before);
    this.#take();
    this.#answer();
    this.settle();
  }

  /** Cards as they are now: one that is heard may be another, or gone. */
  deal(of, lanes) {
    const { card } = this.#roles;
    if (card?.of !== of) return;
    const lane = lanes.find((one) => one.id === card.lane.id);
    if (!lane) this.#leave(card.lane);
    this.#roles.card = lane ? { of, lane } : null;
    this.settle();
  }

  /** What lies under a finger elsewhere on the page, as `hearFinger` has it. It is heard before anything is drawn. */
  follow(under) {
    clearTimeout(this.leaving);
    // Python's own answer and that it is there are told by two components, in any order: the result of before is not
    // to be heard in between.
    if (under) this.#hear(under);
    else this.leaving = setTimeout(() => this.#hear(null), LEAVE_MS);
  }

  #hear(under) {
    const roles = this.#roles;
    if (roles.recording || (!under && !roles.finger)) return;
    const like = this.result ?? this.original;
    const plain = { editable: false, missed: null, added: null, moved: null, open: null };
    const made = under && this.#made(under);
    if (under) {
      roles.choose("result");
      this.transport.atNextBar(null);
    }
    roles.finger = under && { ...like, ...plain, ...made };
    this.sound(Boolean(under));
    if (under?.starts) this.#start();
    this.drawing ??= requestAnimationFrame(() => {
      this.drawing = null;
      this.changed();
    });
  }

  /** A hand elsewhere on the page has nothing new to hear yet: where nothing plays, what there is begins to. */
  begin() {
    if (!this.#roles.recording && !this.transport.isPlaying) this.playResult();
  }

  /** Where nothing plays, it begins to. */
  #start() {
    if (this.transport.isPlaying) return;
    this.pausedAt = 0;
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
    const cue = this.data && this.result && this.#roles.handed.take;
    if (!cue || cue === this.#taken || this.result.n_steps !== this.original.n_steps) return;
    this.#taken = cue;
    Object.assign(this.#roles, { finger: null, card: null, prefers: "original" });
    this.say("Taken. Undo takes it back.");
    this.commit(this.result.hits);
  }

  /** A gesture elsewhere on the page wants to hear the result. */
  #answer() {
    const hear = this.data && this.result && this.#roles.handed.hear;
    if (!hear || hear.cue === this.#cue) return;
    this.#cue = hear.cue;
    if (hear.starts) this.playResult(hear.at);
    else this.choose("result");
  }

  /** The result is heard; where nothing plays, it begins to, from a step on. */
  playResult(at = 0) {
    this.choose("result");
    if (this.transport.isPlaying) return;
    this.pausedAt = at ?? this.pausedAt;
    this.toggle();
  }

  /** Serial of the taps that the result is made of. */
  get answersTo() {
    return this.#roles.handed?.hear?.of;
  }

  /** A lane that is gone sounds up to the next bar line, so that nothing stops in the middle of it. */
  #leave(lane) {
    if (!this.transport.isPlaying) return;
    this.#roles.leaving = lane;
    this.transport.atNextBar(() => this.#part());
  }

  #part() {
    this.#roles.leaving = null;
    this.transport.atNextBar(null);
    this.settle();
  }

  // -- what is heard --------------------------------------------------------------

  /** The groove in hand as it stands, edits included. */
  get original() {
    return { ...this.data.lanes[0], hits: this.#edited.hits, fresh: this.fresh };
  }

  /** What the open page made of it, if it is of this groove. */
  get result() {
    return this.#roles.resultOf(this.data?.source);
  }

  /** Who is heard: "card", "finger", "result", "leaving" or "original"; "recording" while there are clicks alone. */
  get role() {
    return this.#roles.of(this.data?.source);
  }

  get heard() {
    const { role } = this;
    return role === "original" ? this.original : this.#roles.lane(role, this.data?.source);
  }

  /** Of what is heard, to read. */
  get name() {
    return this.#isAnother ? this.heard.label : this.data.name;
  }

  /** How many bars there are where some are heard; 0 where it is all of it. */
  get ofBars() {
    const isPart = !this.#isAnother && this.heard.bars.length === this.original.bars.length;
    return isPart ? this.data.of_bars : 0;
  }

  get #isAnother() {
    return this.role === "card" || this.heard.is_another;
  }

  /** What Python told together with the lane that is heard. */
  get #told() {
    const { card, handed } = this.#roles;
    return { card: card?.of.data, result: handed, finger: handed }[this.role] ?? this.data;
  }

  isCardHeard(of, id) {
    const { card } = this.#roles;
    return this.transport.isPlaying && card?.of === of && card.lane.id === id;
  }

  choose(role) {
    if (role === "sound" && !this.sounding.isReady) {
      this.#fetchSound();
      return;
    }
    this.#roles.choose(role);
    this.transport.atNextBar(null);
    this.settle();
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
    return this.#roles.prefers === "sound" && this.role === "original" && this.sounding.isReady;
  }

  /** The next of original, result and sound, of those that there are. */
  switch() {
    const now = this.isSound ? "sound" : this.role;
    const all = ["original", this.result && "result", this.sounding.isThere && "sound"].filter(Boolean);
    this.choose(all[(all.indexOf(now) + 1) % all.length]);
  }

  /** A card is pressed: it is heard, or, where it was, what was heard before. */
  audition(of, lane, starts = true) {
    const roles = this.#roles;
    if (roles.recording) return;
    roles.card = this.isCardHeard(of, lane.id) ? null : { of, lane };
    roles.leaving = null;
    this.settle();
    if (starts && !this.transport.isPlaying) this.toggle();
  }

  // -- transport ------------------------------------------------------------------

  /** Space: it plays or pauses, and is a tap while taps are recorded. */
  space(event) {
    const { recording } = this.#roles;
    if (recording) recording.tap(event);
    else this.toggle();
  }

  /** Clicks alone are heard, from the beginning of a lane on; `tap` is given the event of each Space. */
  async record(lane, tap) {
    const { transport } = this;
    this.#roles.recording = { lane, tap, wasClicking: transport.clicking };
    transport.clicking = true;
    await this.play(lane, 0);
    if (this.#roles.recording?.lane !== lane) transport.stop(); // called off while the sounds came
    this.changed();
  }

  endRecording() {
    const { recording } = this.#roles;
    if (!recording) return;
    this.transport.clicking = recording.wasClicking;
    this.#roles.recording = null;
    this.transport.stop();
    this.pausedAt = 0;
    this.changed();
  }

  toggle() {
    if (this.transport.isPlaying) this.#roles.leaving = null;
    super.toggle();
  }

  seek(step) {
    if (!this.#roles.recording) super.seek(step); // taps lie where they were heard
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
    this.settle();
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
    const { handed } = this.#roles;
    const own = handed?.source === this.data.source ? handed : null;
    return own?.link || own?.no_link ? own : this.data;
  }

  /** Have Python write a file of some bars of what is heard, by their numbers. */
  askForBars([first, last]) {
    this.tell("bars", { lane: this.heard.id, first, last });
  }

  /** Have Python write the file of a card that is heard. */
  askForFile() {
    const { card } = this.#roles;
    if (this.role === "card") card.of.askForFile(card.lane.id);
  }

  /** Whether a hand has just touched a control of the page, and Python may not know. */
  get isTouched() {
    return touchesJustNow() > this.#touches;
  }

  /** A word to Python behind what a hand has just changed on the page, if it did; the word comes back. */
  async tellTouches(mostMs) {
    if (!this.isTouched) return;
    await until(isSent, mostMs);
    this.#touches = Math.max(this.#touches, touchesJustNow());
    this.tell("touches", this.#touches);
  }

  /** Whether Python knows all edits, the tempo and the touches it was told of, and has said so with what is heard. */
  get isUpToDate() {
    return !this.#roles.finger && this.#isTold(this.data) && this.#isTold(this.#told);
  }

  #isTold({ serial, rate, touches }) {
    return serial >= this.serial && touches >= this.#touches && Math.abs(rate - this.rate) < 1e-6;
  }
}
