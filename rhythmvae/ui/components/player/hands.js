// Hands on a lane: mouse, finger and keys become edits. The player is told through `desk`:
//   desk.hits(lane)              the hits as they stand
//   desk.preview(lane, hits)     while a drag lasts: drawn and heard, not yet in the history
//   desk.cancel(lane)            the drag came to nothing
//   desk.commit(lane, hits)      a step of the history
//   desk.amend(lane, hits)       the last step, done otherwise
//   desk.strike(voice, velocity) a stroke to hear, when nothing plays
//   desk.say(words)              for screen readers and the line under the grid
//   desk.key(name)               a key that is the player's: play, undo, redo, switch, mute, solo

import {
  clearCell,
  clearVoice,
  inCell,
  put,
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
  const { grid } = lane;
  let lastVelocity = FIRST_VELOCITY;
  let press = null; // a pointer that is down
  let tapped = null; // the last tap, should a second one follow

  const cancelPress = () => {
    clearTimeout(press?.timer);
    press = null;
  };

  const begin = (event, cell) => {
    const hits = desk.hits(lane);
    const [main] = inCell(hits, cell.voice, cell.step);
    press = {
      id: event.pointerId,
      cell,
      hits,
      main,
      x: event.clientX,
      y: event.clientY,
      isFinger: event.pointerType === "touch",
      mode: null,
      now: hits,
    };
    if (press.isFinger) {
      // A finger that rests grabs the hit; one that moves first scrolls.
      press.timer = setTimeout(() => {
        grab();
        navigator.vibrate?.(10);
      }, LONG_PRESS_MS);
    }
  };

  /** The pressed cell's hit is in the hand; an empty cell gets one. */
  const grab = () => {
    press.mode = "held";
    if (press.main) return;
    press.now = put(press.hits, press.cell.voice, press.cell.step, lastVelocity);
    [press.main] = inCell(press.now, press.cell.voice, press.cell.step);
    desk.preview(lane, press.now);
    desk.strike(press.cell.voice, lastVelocity);
  };

  const drag = (event) => {
    const { cell, main } = press;
    const [dx, dy] = [event.clientX - press.x, event.clientY - press.y];
    if (press.mode === "held") {
      if (Math.hypot(dx, dy) < DRAG_PX) return;
      const sideways = press.isFinger ? Math.abs(dx) > Math.abs(dy) : event.shiftKey || event.altKey;
      press.mode = sideways ? "offset" : "velocity";
    }
    if (press.mode === "offset") {
      const offset = main[1] - cell.step + dx / lane.stepPx;
      press.now = setOffset(press.base, cell.voice, cell.step, offset);
    } else {
      lastVelocity = toVelocity(main[2] - dy * VELOCITY_PER_PX);
      press.now = setVelocity(press.base, cell.voice, cell.step, lastVelocity);
    }
    desk.preview(lane, press.now);
    desk.say(lane.describe(cell));
  };

  grid.addEventListener("pointerdown", (event) => {
    if (event.button !== 0 || press) return;
    const cell = lane.cellAt(event.clientX, event.clientY);
    if (!cell) return;
    lane.moveTo(cell.row, cell.step, true);
    if (!lane.lane.editable) return;
    begin(event, cell);
    if (!press.isFinger) {
      event.preventDefault(); // no selection of text; the focus is set already
      grid.setPointerCapture(event.pointerId);
      press.wasEmpty = !press.main;
      if (press.wasEmpty) grab();
      else press.mode = "held";
    }
  });

  grid.addEventListener("pointermove", (event) => {
    if (press?.id !== event.pointerId) return;
    if (press.isFinger && !press.mode) {
      // Scrolling, or about to: no tap any more, whether or not there is anything to scroll.
      if (Math.hypot(event.clientX - press.x, event.clientY - press.y) > TAP_PX) cancelPress();
      return;
    }
    press.base ??= press.now;
    drag(event);
  });

  grid.addEventListener("pointerup", (event) => {
    if (press?.id !== event.pointerId) return;
    const { cell, hits, mode, now, isFinger, wasEmpty, main } = press;
    cancelPress();
    if (mode === "velocity" || mode === "offset" || wasEmpty || (isFinger && mode)) {
      if (now !== hits) desk.commit(lane, now);
    } else {
      tap(cell, hits, main, isFinger);
    }
    desk.say(lane.describe(cell));
  });

  const tap = (cell, hits, main, isFinger) => {
    const isSecond =
      isFinger &&
      tapped &&
      tapped.cell.voice === cell.voice &&
      tapped.cell.step === cell.step &&
      performance.now() - tapped.at < SECOND_TAP_MS;
    if (isSecond) {
      const { before } = tapped;
      tapped = null;
      desk.amend(lane, toggleSecond(before, cell.voice, cell.step, lastVelocity));
      return;
    }
    tapped = { cell, before: hits, at: performance.now() };
    if (main) {
      desk.commit(lane, clearCell(hits, cell.voice, cell.step));
    } else {
      desk.commit(lane, put(hits, cell.voice, cell.step, lastVelocity));
      desk.strike(cell.voice, lastVelocity);
    }
  };

  grid.addEventListener("pointercancel", () => {
    if (press?.mode) desk.cancel(lane);
    cancelPress();
  });
  // Once a finger holds a hit, its moves are not a scroll.
  grid.addEventListener("touchmove", (event) => press?.mode && event.preventDefault(), { passive: false });

  grid.addEventListener("contextmenu", (event) => {
    event.preventDefault();
    if (press) return; // a long press of a finger, which has its own meaning
    const cell = lane.cellAt(event.clientX, event.clientY);
    if (!cell || !lane.lane.editable) return;
    lane.moveTo(cell.row, cell.step, true);
    desk.commit(lane, toggleSecond(desk.hits(lane), cell.voice, cell.step, lastVelocity));
    desk.say(lane.describe(cell));
  });

  // -- keys ---------------------------------------------------------------------

  const move = (row, step) => lane.moveTo(row, step, true);

  const bar = (by) => {
    const { bars } = lane.lane;
    const { row, step } = lane.cursor;
    const now = bars.findLastIndex((b) => Math.round(b) <= step);
    const to = Math.min(Math.max(now + by, 0), bars.length - 2);
    move(row, Math.round(bars[to]));
  };

  const nudge = (change, axis) => {
    const { voice, step } = lane.cell;
    const hits = desk.hits(lane);
    const [main] = inCell(hits, voice, step);
    if (!main) return desk.say(lane.describe(lane.cell));
    const to =
      axis === "offset"
        ? setOffset(hits, voice, step, main[1] - step + change)
        : setVelocity(hits, voice, step, main[2] + change);
    return edit(to);
  };

  const edit = (hits) => {
    desk.commit(lane, hits);
    desk.say(lane.describe(lane.cell));
    const [main] = inCell(hits, lane.cell.voice, lane.cell.step);
    if (main) desk.strike(main[0], main[2]);
  };

  const walking = {
    ArrowLeft: () => move(lane.cursor.row, lane.cursor.step - 1),
    ArrowRight: () => move(lane.cursor.row, lane.cursor.step + 1),
    ArrowUp: () => move(lane.cursor.row - 1, lane.cursor.step),
    ArrowDown: () => move(lane.cursor.row + 1, lane.cursor.step),
    Home: () => move(lane.cursor.row, 0),
    End: () => move(lane.cursor.row, lane.lane.n_steps - 1),
    PageUp: () => bar(-1),
    PageDown: () => bar(1),
  };

  const editing = {
    Enter: () => {
      const { voice, step } = lane.cell;
      const hits = desk.hits(lane);
      edit(inCell(hits, voice, step).length ? clearCell(hits, voice, step) : put(hits, voice, step, lastVelocity));
    },
    Delete: () => edit(clearCell(desk.hits(lane), lane.cell.voice, lane.cell.step)),
    f: () => edit(toggleSecond(desk.hits(lane), lane.cell.voice, lane.cell.step, lastVelocity)),
    ",": () => edit(shiftBar(lane.lane, desk.hits(lane), lane.cell.step, -1)),
    ".": () => edit(shiftBar(lane.lane, desk.hits(lane), lane.cell.step, 1)),
  };
  editing.Backspace = editing.Delete;

  const nudging = {
    ArrowLeft: () => nudge(-NUDGE.offset, "offset"),
    ArrowRight: () => nudge(NUDGE.offset, "offset"),
    ArrowUp: () => nudge(NUDGE.velocity, "velocity"),
    ArrowDown: () => nudge(-NUDGE.velocity, "velocity"),
  };

  const playing = { " ": "play", x: "switch", m: "mute", s: "solo" };

  const withControl = (event) => {
    const key = event.key.toLowerCase();
    if (key === "z") return () => desk.key(event.shiftKey ? "redo" : "undo");
    if (key === "y") return () => desk.key("redo");
    if (key === "delete" || key === "backspace")
      return lane.lane.editable ? () => edit(clearVoice(desk.hits(lane), lane.cell.voice)) : null;
    return null;
  };

  const actionOf = (event) => {
    if (event.ctrlKey || event.metaKey) return withControl(event);
    const key = event.key.length === 1 ? event.key.toLowerCase() : event.key; // caps lock may be on
    if (playing[key]) return () => desk.key(playing[key], lane.cell.voice);
    if (lane.lane.editable) {
      if (event.shiftKey && nudging[event.key]) return nudging[event.key];
      if (editing[key]) return editing[key];
      if (/^[1-9]$/.test(event.key)) {
        return () => {
          lastVelocity = toVelocity((Number(event.key) * 127) / 9);
          edit(setVelocity(desk.hits(lane), lane.cell.voice, lane.cell.step, lastVelocity));
        };
      }
    }
    return event.altKey ? null : walking[event.key];
  };

  grid.addEventListener("keydown", (event) => {
    const action = actionOf(event);
    if (!action) return;
    event.preventDefault();
    event.stopPropagation(); // the page has keys of its own
    action();
    if (walking[event.key] && !event.shiftKey) desk.follow(lane);
  });
}
