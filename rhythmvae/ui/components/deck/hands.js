// Hands on a lane: mouse, finger and keys become edits. The deck is told through `desk`:
//   desk.hits(lane)              the hits as they stand
//   desk.preview(lane, hits)     while a drag lasts: drawn and heard, not yet in the history
//   desk.cancel(lane)            the drag came to nothing
//   desk.commit(lane, hits)      a step of the history
//   desk.amend(lane, hits)       the last step, done otherwise
//   desk.strike(voice, velocity) a stroke to hear, when nothing plays
//   desk.say(words)              for screen readers and the line under the grid
//   desk.refuse()                it cannot be edited
//   desk.follow(lane)            the cursor went where it may be out of sight
//   desk.key(name)               a key that is the deck's: undo, redo, switch, mute, solo, next

import {
  clearCell,
  clearVoice,
  inCell,
  put,
  ratchet,
  setOffset,
  setVelocity,
  shiftBar,
  toVelocity,
  toggleSecond,
} from "./edits.js";

const FIRST_VELOCITY = 100;
const DRAG_PX = 4; // less is a click
const TAP_PX = 10; // a finger is less steady
const VELOCITY_PER_PX = 0.9;
const LONG_PRESS_MS = 350;
const SECOND_TAP_MS = 320;
const NUDGE = { offset: 0.05, velocity: 6 }; // of a step; of 127

export function listen(lane, desk) {
  const hand = { velocity: FIRST_VELOCITY }; // the last that mouse, finger or keys gave: a new hit gets it
  new Pointer(lane, desk, hand).listen();
  new Keys(lane, desk, hand).listen();
}

/** Mouse and finger. */
class Pointer {
  #press = null; // a pointer that is down
  #tapped = null; // the last tap, should a second one follow

  constructor(lane, desk, hand) {
    Object.assign(this, { lane, desk, hand });
  }

  listen() {
    const { grid } = this.lane;
    grid.addEventListener("pointerdown", (event) => this.#down(event));
    grid.addEventListener("pointermove", (event) => this.#move(event));
    grid.addEventListener("pointerup", (event) => this.#up(event));
    grid.addEventListener("pointercancel", () => this.#cancel());
    // Once a finger holds a hit, its moves are not a scroll.
    grid.addEventListener("touchmove", (event) => this.#press?.mode && event.preventDefault(), { passive: false });
    grid.addEventListener("contextmenu", (event) => this.#menu(event));
  }

  #down(event) {
    if (event.button !== 0 || this.#press) return;
    const { lane } = this;
    const cell = lane.cellAt(event.clientX, event.clientY);
    if (!cell) return;
    lane.moveTo(cell.row, cell.step, true);
    if (!lane.lane.editable) {
      this.desk.refuse();
      return;
    }
    this.#begin(event, cell);
    if (event.pointerType === "touch") this.#awaitHold();
    else this.#hold(event);
  }

  #begin({ pointerId, pointerType, clientX, clientY }, cell) {
    const hits = this.desk.hits(this.lane);
    const [main] = inCell(hits, cell.voice, cell.step, cell.end);
    const isFinger = pointerType === "touch";
    this.#press = { id: pointerId, cell, hits, main, x: clientX, y: clientY, isFinger, mode: null, now: hits };
  }

  /** A finger that rests grabs the hit; one that moves first scrolls. */
  #awaitHold() {
    this.#press.timer = setTimeout(() => {
      this.#grab();
      navigator.vibrate?.(10);
    }, LONG_PRESS_MS);
  }

  #hold(event) {
    event.preventDefault(); // no selection of text; the focus is set already
    this.lane.grid.setPointerCapture(event.pointerId);
    this.#press.wasEmpty = !this.#press.main;
    this.#grab();
  }

  /** The pressed cell's hit is in the hand; an empty cell gets one. */
  #grab() {
    const press = this.#press;
    press.mode = "held";
    if (press.main) return;
    const { voice, step } = press.cell;
    press.now = put(press.hits, voice, step, this.hand.velocity);
    [press.main] = inCell(press.now, voice, step);
    this.desk.preview(this.lane, press.now);
    this.desk.strike(voice, this.hand.velocity);
  }

  #move(event) {
    const press = this.#press;
    if (press?.id !== event.pointerId) return;
    const [dx, dy] = [event.clientX - press.x, event.clientY - press.y];
    if (press.isFinger && !press.mode) {
      // Scrolling, or about to: no tap any more, whether or not there is anything to scroll.
      if (Math.hypot(dx, dy) > TAP_PX) this.#letGo();
      return;
    }
    press.base ??= press.now;
    if (press.mode === "held") {
      if (Math.hypot(dx, dy) < DRAG_PX) return;
      const sideways = press.isFinger ? Math.abs(dx) > Math.abs(dy) : event.shiftKey || event.altKey;
      press.mode = sideways ? "offset" : "velocity";
    }
    this.#drag(dx, dy);
  }

  #drag(dx, dy) {
    const { cell, main, base, mode } = this.#press;
    if (mode === "offset") {
      const offset = main[1] - cell.step + dx / this.lane.stepPx;
      this.#press.now = setOffset(base, cell.voice, cell.step, offset, cell.end);
    } else {
      this.hand.velocity = toVelocity(main[2] - dy * VELOCITY_PER_PX);
      this.#press.now = setVelocity(base, cell.voice, cell.step, this.hand.velocity, cell.end);
    }
    this.desk.preview(this.lane, this.#press.now);
    this.desk.say(this.lane.describe(cell));
  }

  #up(event) {
    if (this.#press?.id !== event.pointerId) return;
    const { cell, hits, mode, now, isFinger, wasEmpty } = this.#press;
    const isTap = isFinger ? !mode : mode === "held" && !wasEmpty;
    const press = this.#letGo();
    if (isTap) this.#tap(press);
    else if (now !== hits) this.desk.commit(this.lane, now);
    this.desk.say(this.lane.describe(cell));
  }

  #tap({ cell, hits, main, isFinger }) {
    const { lane, desk, hand } = this;
    if (isFinger && this.#isSecondTap(cell)) {
      const { before } = this.#tapped;
      this.#tapped = null;
      desk.amend(lane, toggleSecond(before, cell.voice, cell.step, hand.velocity, cell.end));
      return;
    }
    this.#tapped = { cell, before: hits, at: performance.now() };
    if (main) {
      desk.commit(lane, clearCell(hits, cell.voice, cell.step, cell.end));
    } else {
      desk.commit(lane, put(hits, cell.voice, cell.step, hand.velocity));
      desk.strike(cell.voice, hand.velocity);
    }
  }

  #isSecondTap({ voice, step }) {
    const before = this.#tapped;
    const isThere = before?.cell.voice === voice && before.cell.step === step;
    return isThere && performance.now() - before.at < SECOND_TAP_MS;
  }

  #cancel() {
    if (this.#press?.mode) this.desk.cancel(this.lane);
    this.#letGo();
  }

  /** Nothing is down any more; gives what was. */
  #letGo() {
    const press = this.#press;
    clearTimeout(press?.timer);
    this.#press = null;
    return press;
  }

  #menu(event) {
    event.preventDefault();
    if (this.#press) return; // a long press of a finger, which has its own meaning
    const { lane, desk } = this;
    const cell = lane.cellAt(event.clientX, event.clientY);
    if (!cell || !lane.lane.editable) return;
    lane.moveTo(cell.row, cell.step, true);
    desk.commit(lane, toggleSecond(desk.hits(lane), cell.voice, cell.step, this.hand.velocity, cell.end));
    desk.say(lane.describe(cell));
  }
}

/** What a key does at the lane's cursor. */
class Keys {
  #walking = {
    ArrowLeft: () => this.#walk(0, -1),
    ArrowRight: () => this.#walk(0, 1),
    ArrowUp: () => this.#walk(-1, 0),
    ArrowDown: () => this.#walk(1, 0),
    Home: () => this.#goTo(0),
    End: () => this.#goTo(this.lane.lane.n_steps - 1),
    PageUp: () => this.#goToBar(-1),
    PageDown: () => this.#goToBar(1),
  };

  #nudging = {
    ArrowLeft: () => this.#nudgeOffset(-NUDGE.offset),
    ArrowRight: () => this.#nudgeOffset(NUDGE.offset),
    ArrowUp: () => this.#nudgeVelocity(NUDGE.velocity),
    ArrowDown: () => this.#nudgeVelocity(-NUDGE.velocity),
  };

  // From the hits and the cell under the cursor to the hits as they shall be.
  #editing = {
    Enter: (hits, { voice, step, end }) =>
      inCell(hits, voice, step, end).length
        ? clearCell(hits, voice, step, end)
        : put(hits, voice, step, this.hand.velocity),
    Delete: (hits, { voice, step, end }) => clearCell(hits, voice, step, end),
    Backspace: (hits, { voice, step, end }) => clearCell(hits, voice, step, end),
    f: (hits, { voice, step, end }) => toggleSecond(hits, voice, step, this.hand.velocity, end),
    r: (hits, { voice, step }) => ratchet(hits, voice, step, this.hand.velocity),
    ",": (hits, { step }) => shiftBar(this.lane.lane, hits, step, -1),
    ".": (hits, { step }) => shiftBar(this.lane.lane, hits, step, 1),
  };

  #playing = { x: "switch", m: "mute", s: "solo", n: "next" };

  constructor(lane, desk, hand) {
    Object.assign(this, { lane, desk, hand });
  }

  listen() {
    this.lane.grid.addEventListener("keydown", (event) => {
      const action = this.#actionOf(event);
      if (!action) return;
      event.preventDefault();
      event.stopPropagation(); // the page has keys of its own
      action();
      if (this.#walking[event.key] && !event.shiftKey) this.desk.follow(this.lane);
    });
  }

  #actionOf(event) {
    if (event.ctrlKey || event.metaKey) return this.#withControl(event);
    const key = event.key.length === 1 ? event.key.toLowerCase() : event.key; // caps lock may be on
    const playing = this.#playing[key];
    if (playing) return () => this.desk.key(playing, this.lane.cell.voice);
    const editing = this.lane.lane.editable && this.#editOf(event, key);
    return editing || (event.altKey ? null : this.#walking[event.key]);
  }

  #withControl(event) {
    const key = event.key.toLowerCase();
    if (key === "z") return () => this.desk.key(event.shiftKey ? "redo" : "undo");
    if (key === "y") return () => this.desk.key("redo");
    const isClear = key === "delete" || key === "backspace";
    return isClear && this.lane.lane.editable ? () => this.#edit((hits, { voice }) => clearVoice(hits, voice)) : null;
  }

  #editOf(event, key) {
    if (event.shiftKey && this.#nudging[event.key]) return this.#nudging[event.key];
    if (this.#editing[key]) return () => this.#edit(this.#editing[key]);
    return /^[1-9]$/.test(event.key) ? () => this.#giveVelocity((Number(event.key) * 127) / 9) : null;
  }

  // -- edits --------------------------------------------------------------------

  #edit(change) {
    const { lane, desk } = this;
    const hits = change(desk.hits(lane), lane.cell);
    desk.commit(lane, hits);
    desk.say(lane.describe(lane.cell));
    const [main] = inCell(hits, lane.cell.voice, lane.cell.step, lane.cell.end);
    if (main) desk.strike(main[0], main[2]);
  }

  #giveVelocity(velocity) {
    this.hand.velocity = toVelocity(velocity);
    this.#edit((hits, { voice, step, end }) => setVelocity(hits, voice, step, this.hand.velocity, end));
  }

  #nudgeOffset(by) {
    this.#nudge((hits, { voice, step, end }, main) => setOffset(hits, voice, step, main[1] - step + by, end));
  }

  #nudgeVelocity(by) {
    this.#nudge((hits, { voice, step, end }, main) => setVelocity(hits, voice, step, main[2] + by, end));
  }

  /** An empty cell has nothing to nudge. */
  #nudge(change) {
    const { lane, desk } = this;
    const [main] = inCell(desk.hits(lane), lane.cell.voice, lane.cell.step, lane.cell.end);
    if (main) this.#edit((hits, cell) => change(hits, cell, main));
    else desk.say(lane.describe(lane.cell));
  }

  // -- the cursor ---------------------------------------------------------------

  #walk(rows, steps) {
    const { row, step } = this.lane.cursor;
    this.lane.moveTo(row + rows, step + steps, true);
  }

  #goTo(step) {
    this.lane.moveTo(this.lane.cursor.row, step, true);
  }

  #goToBar(by) {
    const { bars } = this.lane.lane;
    const now = bars.findLastIndex((bar) => Math.round(bar) <= this.lane.cursor.step);
    this.#goTo(Math.round(bars[Math.min(Math.max(now + by, 0), bars.length - 2)]));
  }
}
