// The loop to a MIDI output: notes on channel 10, a clock of 24 a quarter, start, stop, continue.
//
// It goes along with the transport, as ../deck/sounding.js does: what that schedules waits here, and is sent shortly
// before it is heard, with the time at which it is. What was sent cannot be taken back, so while there is an output the
// transport changes its mind no sooner than `sentSeconds` ahead.

const AHEAD_SECONDS = 0.06; // longer than the transport's tick
const KNOWN_SECONDS = 0.25; // what is to be sent is known so far ahead
const LATE_SECONDS = 0.02; // later than this a note is better left out
const HELD_SECONDS = 0.25; // ticks later than this are no tempo: what follows them stops, and is continued
const MARGIN_SECONDS = 0.01;
const GATE_MS = 60; // how long a note is held
const TICKS_A_STEP = 6; // 24 a quarter
const BEFORE_MS = 1; // start and continue come so long before the tick that they are for
const MOST_POSITION = 16_384; // sixteenths that a song position can say
const SAYS = { noteOn: 0x99, noteOff: 0x89, control: 0xb9 }; // on channel 10
const TIME = { position: 0xf2, tick: 0xf8, start: 0xfa, continue: 0xfb, stop: 0xfc };
const ALL_NOTES_OFF = 123;

export class MidiOut {
  aheadSeconds = KNOWN_SECONDS;
  stats = { sent: 0, late: 0 }; // late: notes that were left out
  #port = null;
  #queue = []; // {time of the sound, kind, ...}, in the order of time
  #offs = new Map(); // note -> ms of the page at which it ends
  #start = null; // {seconds, position}: the sixteenth that is to be said, in groove time
  #tickTime = -Infinity; // of the last tick in the queue or sent
  #tickSent = null; // time of the last tick that was sent
  #sentMs = 0; // time of the last message

  /** `pitches`: note of each voice; `onGone` is called when the port takes no more. */
  constructor(music, clock, pitches, { sendsClock, onGone }) {
    Object.assign(this, { music, clock, pitches, onGone });
    this.isClocking = sendsClock;
    music.transport.followers.add(this);
  }

  get port() {
    return this.#port;
  }

  /** For the transport: how far ahead messages are sent. */
  get sentSeconds() {
    return this.#port ? AHEAD_SECONDS + MARGIN_SECONDS : 0;
  }

  /** Send to another output from now on; null for none. `isGone`: the one before takes nothing any more. */
  use(port, isGone = false) {
    if (this.#port && !isGone) this.end();
    this.#port = port;
    this.#forget();
    if (port) this.#joinIn();
  }

  set sendsClock(sendsClock) {
    if (sendsClock === this.isClocking) return;
    if (!sendsClock && this.music.transport.isPlaying) this.#send([TIME.stop], this.#soonest);
    this.isClocking = sendsClock;
    this.#queue = this.#queue.filter(({ kind }) => kind === "note");
    this.#tickTime = -Infinity;
    if (sendsClock) this.#joinIn();
  }

  /** The loop plays already: it is continued from its next sixteenth on. */
  #joinIn() {
    const { transport } = this.music;
    this.#start = transport.isPlaying ? { joins: true } : null;
  }

  #forget() {
    this.#queue = [];
    this.#offs.clear();
    this.#start = null;
    this.#tickTime = -Infinity;
  }

  /** A stroke of a hand, at once. */
  strike(voice, velocity) {
    if (!this.#port) return;
    const now = performance.now();
    this.#sendNote(this.pitches[voice], velocity, now);
    setTimeout(() => this.#port && this.#sendOffs(performance.now()), GATE_MS + 1);
  }

  // -- what the transport tells ---------------------------------------------------

  /** The loop begins at a step, or leaps there, at some groove time. */
  begin(step, seconds) {
    if (this.#tickTime > -Infinity && this.isClocking) this.#send([TIME.stop], this.#soonest);
    this.#start = { step, seconds };
  }

  schedule(told) {
    if (!this.#port) return;
    const heard = this.clock.toSound(performance.now());
    for (const { voice, velocity, time } of told.strokes()) this.#queue.push({ time, kind: "note", voice, velocity });
    const known = told.from.time + (told.until - told.from.seconds) / told.rate;
    const isHeldUp = heard - Math.min(known, this.#queue[0]?.time ?? known) > HELD_SECONDS;
    const until = isHeldUp ? Math.max(told.until, this.#leaveOut(heard, told)) : told.until;
    if (this.isClocking) this.#queueTicks({ ...told, until });
    this.#queue.sort((a, b) => a.time - b.time);
    this.#pump();
  }

  /** The page was held up: the ticks of meanwhile are left out. Gives the groove time from which on they go on. */
  #leaveOut(heard, { from, rate }) {
    this.#start = this.#queue.find((each) => each.start)?.start ?? this.#start;
    this.#queue = this.#queue.filter(({ kind }) => kind === "note");
    if (this.isClocking && this.#tickSent !== null) {
      this.#send([TIME.stop], this.#soonest);
      this.#start ??= { joins: true };
    }
    this.#tickTime = -Infinity;
    this.#tickSent = null;
    return from.seconds + (heard - from.time) * rate;
  }

  cut(time) {
    const stays = this.#queue.filter((each) => each.time < time);
    const start = this.#queue.find((each) => each.time >= time && each.start);
    if (start) this.#start = start.start;
    this.#queue = stays;
    const ticks = stays.filter(({ kind }) => kind === "tick").map((tick) => tick.time);
    this.#tickTime = Math.min(this.#tickTime, Math.max(this.#tickSent ?? -Infinity, ...ticks));
  }

  /** It stops: what sounds ends, and so does what follows the clock. */
  end() {
    if (!this.#port) return;
    this.#queue = [];
    this.#port.clear?.(); // where a browser can take back what was sent
    const when = this.#soonest;
    for (const note of this.#offs.keys()) this.#send([SAYS.noteOff, note, 0], when);
    this.#offs.clear();
    if (this.isClocking) this.#send([TIME.stop], when);
    this.#send([SAYS.control, ALL_NOTES_OFF, 0], when);
    this.#tickTime = -Infinity;
    this.#tickSent = null;
    this.#start = null;
  }

  /** Behind all that was sent. */
  get #soonest() {
    return Math.max(performance.now(), this.#sentMs);
  }

  // -- the clock --------------------------------------------------------------------

  /** Ticks behind `until` and up to `horizon`, and what starts whoever follows them. */
  #queueTicks({ from, rate, duration, until, horizon, clock }) {
    const ticks = TICKS_A_STEP * clock.nSteps;
    const indexOf = (seconds) => {
      const round = Math.floor(seconds / duration);
      return round * ticks + TICKS_A_STEP * clock.stepAt(seconds - round * duration);
    };
    const last = Math.floor(indexOf(horizon) + 1e-6);
    for (let i = Math.max(Math.ceil(indexOf(until) - 1e-6), 0); i <= last; i += 1) {
      const round = Math.floor(i / ticks);
      const seconds = round * duration + clock.secondsAt((i - round * ticks) / TICKS_A_STEP);
      const time = from.time + (seconds - from.seconds) / rate;
      if (seconds > until - 1e-9 && time > this.#tickTime + 1e-4) this.#queueTick({ i, seconds, time, ticks });
    }
  }

  #queueTick({ i, seconds, time, ticks }) {
    const start = this.#start;
    const isLine = i % TICKS_A_STEP === 0; // song positions are whole sixteenths
    if (start && !start.joins && seconds < start.seconds - 1e-6) return; // it is counted in
    if (start && isLine) {
      const position = ((i % ticks) / TICKS_A_STEP) % MOST_POSITION;
      this.#queue.push({ time, kind: "start", position, start });
      this.#start = null;
    }
    this.#queue.push({ time, kind: "tick" });
    this.#tickTime = time;
  }

  // -- sending ----------------------------------------------------------------------

  /** What is heard soon is sent. */
  #pump() {
    const until = this.clock.toSound(performance.now()) + AHEAD_SECONDS;
    while (this.#queue.length && this.#queue[0].time <= until) {
      const each = this.#queue.shift();
      if (each.kind === "note" && each.time < until - AHEAD_SECONDS - LATE_SECONDS) {
        this.stats.late += 1;
        continue;
      }
      const when = this.clock.toPage(each.time);
      this.#sendOffs(when);
      this.#sendOne(each, when);
      if (!this.#port) return;
    }
    this.#sendOffs(performance.now() + AHEAD_SECONDS * 1000);
  }

  #sendOne({ kind, voice, velocity, position, time }, when) {
    if (kind === "tick") {
      this.#tickSent = time;
      this.#send([TIME.tick], when);
    } else if (kind === "start") {
      if (position) this.#send([TIME.position, position & 127, position >> 7], when - BEFORE_MS);
      this.#send([position ? TIME.continue : TIME.start], when - BEFORE_MS);
    } else if (!this.music.isSilent(voice)) this.#sendNote(this.pitches[voice], velocity, when);
  }

  #sendNote(note, velocity, when) {
    if (this.#offs.delete(note)) this.#send([SAYS.noteOff, note, 0], when);
    this.#send([SAYS.noteOn, note, velocity], when);
    this.#offs.set(note, when + GATE_MS);
  }

  #sendOffs(until) {
    for (const [note, when] of this.#offs) {
      if (when > until) continue;
      this.#offs.delete(note);
      this.#send([SAYS.noteOff, note, 0], when);
    }
  }

  #send(data, when) {
    if (!this.#port) return;
    try {
      this.#port.send(data, when);
      this.#sentMs = Math.max(this.#sentMs, when);
      this.stats.sent += 1;
    } catch {
      const gone = this.#port;
      this.use(null, true);
      this.onGone(gone);
    }
  }
}
