// Whose turn it is: which of the lanes that there are is heard.

/** A lane each of a card, a finger, a page's result and the groove in hand; the first that there is in that order. */
export class Roles {
  prefers = "original"; // or "result" or "sound", when there is one
  card = null; // {lane, of}: one that is heard, and the cards it belongs to
  finger = null; // a lane under a finger elsewhere on the page
  leaving = null; // a lane that is gone, and heard up to the next bar line
  recording = null; // {lane, tap, wasClicking} while taps are recorded
  handed = null; // {lanes, source, link, ...} of the page that is open
  #from = null; // who handed it over

  /** Another groove is in hand: what was made of the one before is over. */
  begin() {
    this.card = this.finger = this.leaving = null;
  }

  /** `role` from now on, whatever lay under a finger or on a card. */
  choose(role) {
    this.prefers = role;
    this.begin();
  }

  /** What a page made of the groove in hand, null when the page goes; whether it counts, for another may be there. */
  hand(result, from) {
    if (!result && this.#from !== from) return false;
    this.#from = from;
    this.handed = result;
    return true;
  }

  /** What the open page made of the groove from a source. */
  resultOf(source) {
    return this.handed?.source === source ? (this.handed?.lanes[0] ?? null) : null;
  }

  /** "card", "finger", "result", "leaving" or "original"; "recording" while there are clicks alone. */
  of(source) {
    if (this.recording) return "recording";
    if (this.card) return "card";
    if (this.finger) return "finger";
    if (this.prefers === "result" && this.resultOf(source)) return "result";
    return this.leaving ? "leaving" : "original";
  }

  /** The lane of a role, but the original's, which is nobody's here. */
  lane(role, source) {
    const lanes = {
      card: this.card?.lane,
      finger: this.finger,
      leaving: this.leaving,
      recording: this.recording?.lane,
    };
    return role === "result" ? this.resultOf(source) : lanes[role];
  }
}
