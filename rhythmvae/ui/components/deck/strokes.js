// What sounds: strokes as samples on the audio clock. What is scheduled and not yet heard can be taken back, and what
// of it is asked for again stays as it was: a change of one hit touches no other, however long it holds the page up.
// What was taken back and is not yet called off is heard when nobody comes to say otherwise.

const HAND_SECONDS = 0.005; // from a hand's stroke to its sound
const STOP_SECONDS = 0.06; // in which what rings is faded out
const OFF_SECONDS = 0.004; // in which one is that has just begun and should not have
const GUARD_SECONDS = 0.03; // a stroke just heard is not heard again because a change moved it by a hair
const LATE_SECONDS = 0.02; // later than this a hit is better left out

export class Strokes {
  kit = null; // the one in use
  stats = { scheduled: 0, late: 0, behind: 0 }; // late: left out; behind: heard up to LATE_SECONDS after its time
  #turn = 0; // of the next stroke of a hand
  #guard = 0; // audio time up to which a stroke just heard keeps its double out
  #sounding = []; // {node, gain, buffer, time, voice, chokedAt}
  #spare = new Map(); // those that were taken back and may be asked for again: by time
  #struckAt = []; // audio time of the last stroke before the last change, by voice

  /** `outOf`: the node that an event's sound goes to. */
  constructor(outOf) {
    this.outOf = outOf;
  }

  /** Schedule an event, {voice, velocity, turn} or a click, for a moment that may have just passed. */
  startAt(event, time) {
    if (this.#goesOn(event, time)) return;
    const now = this.context.currentTime;
    if (time < now - LATE_SECONDS) this.stats.late += 1;
    else {
      this.#start(event, Math.max(time, now));
      if (time < this.context.currentTime) this.stats.behind += 1; // for all that is known
    }
  }

  /** One stroke now, as an answer to a hand. */
  strike(voice, velocity) {
    this.#turn += 1;
    this.countFrom(this.context.currentTime);
    this.#start({ voice, velocity, turn: this.#turn }, this.context.currentTime + HAND_SECONDS);
  }

  /** How many are planned for `now` or later; those that have rung out are forgotten. */
  countFrom(now) {
    this.#sounding = this.#sounding.filter((s) => s.end > now);
    return this.#sounding.reduce((n, s) => n + (s.time >= now), 0);
  }

  #bufferOf({ voice, velocity, turn, click, accent }) {
    return click ? this.kit.click(accent) : this.kit.struck(voice, velocity, turn);
  }

  /** Whether that very stroke was taken back a moment ago: then it is as if it had not been. */
  #goesOn(event, asked) {
    if (!this.#spare.size) return false;
    const { voice, velocity, counts } = event;
    const buffer = this.#bufferOf(event);
    const isIt = (s) => s.buffer === buffer && s.voice === voice && s.velocity === velocity && s.counts === counts;
    const { sampleRate } = this.context;
    const sample = Math.round(asked * sampleRate);
    // Half-way between two samples, as every second 16th at 120 BPM is, it may have been rounded the other way.
    for (const near of [sample, sample - 1, sample + 1]) {
      const there = this.#spare.get(near / sampleRate) ?? [];
      const at = there.findIndex(isIt);
      if (at >= 0) {
        const [found] = there.splice(at, 1);
        if (!event.click) this.#choke(voice, found.time);
        this.#sounding.push(found);
        return true;
      }
    }
    return false;
  }

  #start(event, asked) {
    const { voice, velocity, counts } = event;
    const buffer = this.#bufferOf(event);
    // Between two samples it would sound duller.
    const time = Math.round(asked * buffer.sampleRate) / buffer.sampleRate;
    const node = new AudioBufferSourceNode(this.context, { buffer });
    const gain = new GainNode(this.context, { gain: event.click ? 1 : this.kit.amplitude(velocity) });
    node.connect(gain).connect(this.outOf(event));
    node.start(time);
    node.onended = () => gain.disconnect();
    this.stats.scheduled += 1;
    if (!event.click) this.#choke(voice, time);
    this.#sounding.push({
      node,
      gain,
      buffer,
      time,
      voice,
      velocity,
      counts,
      level: gain.gain.value,
      end: time + buffer.duration,
      chokedAt: Infinity,
    });
  }

  /** A hat that is struck stops the open hat. */
  #choke(voice, time) {
    const { choked, chokers } = this.kit.mixer;
    if (!chokers.includes(voice)) return;
    for (const s of this.#sounding) {
      if (s.voice === choked && s.time < time && time < s.chokedAt) {
        s.gain.gain.cancelScheduledValues(0);
        s.chokedAt = time;
        fade(s.gain.gain, time, this.#fadeSeconds, s.level);
      }
    }
  }

  get #fadeSeconds() {
    return this.kit.mixer.fade_samples / this.kit.mixer.sample_rate;
  }

  // -- changes --------------------------------------------------------------------

  /** From `time` on something else is played: what was struck just before it keeps its double out. */
  guardFrom(time) {
    this.#guard = time + GUARD_SECONDS;
  }

  /** Nothing has been played yet. */
  unguard() {
    this.#guard = 0;
  }

  /** Whether it is a stroke that was just heard, moved by a hair. */
  isDouble({ voice }, time) {
    const before = this.#struckAt[voice];
    return time < this.#guard && before !== undefined && Math.abs(time - before) < GUARD_SECONDS;
  }

  /** Nothing that is scheduled for `time` or later happens, but what is asked for again before `endChange`. */
  takeBack(time) {
    const stays = [];
    this.#struckAt = [];
    for (const s of this.#sounding) {
      if (s.chokedAt >= time && s.chokedAt !== Infinity) {
        s.gain.gain.cancelScheduledValues(0);
        s.gain.gain.value = s.level;
        s.chokedAt = Infinity;
      }
      if (s.time >= time) {
        if (!this.#spare.has(s.time)) this.#spare.set(s.time, []);
        this.#spare.get(s.time).push(s);
        continue;
      }
      if (s.voice !== undefined) this.#struckAt[s.voice] = Math.max(this.#struckAt[s.voice] ?? 0, s.time);
      stays.push(s);
    }
    this.#sounding = stays;
  }

  /** All that is to be heard up to a moment has been asked for: the rest up to there is called off. */
  endChange(until = Infinity) {
    const now = this.context.currentTime;
    for (const [time, each] of this.#spare) {
      if (time > until) continue;
      this.#spare.delete(time);
      for (const s of each) this.#callOff(s, now);
    }
  }

  #callOff(s, now) {
    if (s.time < now - LATE_SECONDS) {
      this.#sounding.push(s); // the page was held up, and it was heard in place of what was not there
      return;
    }
    s.node.onended = null;
    if (s.time < now) {
      fade(s.gain.gain, now, OFF_SECONDS, s.level);
      s.node.stop(now + OFF_SECONDS);
      s.node.onended = () => s.gain.disconnect();
    } else {
      s.node.stop();
      s.gain.disconnect();
    }
  }

  /** What is scheduled does not happen, and what rings fades. */
  silence() {
    const now = this.context.currentTime;
    this.takeBack(now);
    this.endChange();
    for (const { gain } of this.#sounding) fade(gain.gain, now, STOP_SECONDS);
    this.#sounding = [];
  }
}

function fade(param, time, seconds, level = param.value) {
  param.setValueAtTime(level, time);
  param.linearRampToValueAtTime(0, time + seconds);
}
