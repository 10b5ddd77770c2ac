// What a hand does on a map: which of tap, drag, pinch, wheel and key it is, and where.

import { DRAG_PX, outlineOf, reachOf } from "./points.js";

/** `hands` is what is called; places are in px within the canvas's border. */
export function listenToHands(canvas, hands) {
  const gestures = new Gestures(canvas, hands);
  const heard = {
    pointerdown: (event) => gestures.down(event),
    pointermove: (event) => gestures.move(event),
    pointerup: (event) => gestures.release(event),
    pointercancel: (event) => gestures.release(event),
    pointerleave: () => hands.leave(),
    focus: () => hands.redraw(),
    blur: () => hands.redraw(),
    keydown: (event) => {
      if (!hands.key(event.key, event.shiftKey)) return;
      event.preventDefault();
      event.stopPropagation();
    },
  };
  for (const [type, hear] of Object.entries(heard)) canvas.addEventListener(type, hear);
  canvas.addEventListener("wheel", (event) => gestures.wheel(event), { passive: false });
  return gestures;
}

class Gestures {
  #pointers = new Map(); // id -> place, of those that are down
  #press = null; // the only one, as long as it stays that
  #box = null; // of the canvas: it stays where it is while a hand is on it

  constructor(canvas, hands) {
    Object.assign(this, { canvas, hands });
  }

  get isDown() {
    return this.#pointers.size > 0;
  }

  #at(event) {
    const { canvas } = this;
    const box = this.#box ?? canvas.getBoundingClientRect();
    return [event.clientX - box.left - canvas.clientLeft, event.clientY - box.top - canvas.clientTop];
  }

  down(event) {
    if (event.button !== 0 || !this.hands.isReady()) return;
    this.#box = this.canvas.getBoundingClientRect();
    const here = this.#at(event);
    this.canvas.setPointerCapture(event.pointerId);
    this.#pointers.set(event.pointerId, here);
    this.#press = this.#pointers.size === 1 ? { from: here, last: here, path: [here], moved: false } : null;
    this.hands.leave();
    this.hands.press?.(here);
  }

  move(event) {
    const press = this.#press;
    const here = this.#at(event);
    if (!this.#pointers.has(event.pointerId)) {
      this.hands.hover(here, reachOf(event));
      return;
    }
    if (this.#pointers.size === 2) {
      this.#pinch(event.pointerId, here);
      return;
    }
    if (!press) return;
    press.moved ||= Math.hypot(here[0] - press.from[0], here[1] - press.from[1]) > DRAG_PX;
    if (press.moved) this.#drag(press, here, reachOf(event));
    press.last = here;
    this.#pointers.set(event.pointerId, here);
  }

  release(event) {
    const press = this.#press;
    this.#pointers.delete(event.pointerId);
    if (!this.#pointers.size) this.#box = null;
    if (press && event.type !== "pointercancel") this.#end(press, reachOf(event));
    this.#press = null;
    this.hands.outline(null);
  }

  #end(press, reach) {
    const mode = this.hands.mode();
    if (!press.moved) this.hands.tap(press.from, reach);
    else if (mode === "walk") this.hands.walk(press.last, reach, true); // where the hand came to rest
    else if (mode !== "pick") this.hands.collect();
  }

  /** The wheel scrolls the page until the map is in use. */
  wheel(event) {
    if (!this.hands.isInUse() && !event.ctrlKey) return;
    event.preventDefault();
    this.hands.zoom(Math.exp(-event.deltaY * 0.002), this.#at(event));
  }

  #drag(press, here, reach) {
    const mode = this.hands.mode();
    if (mode === "walk") this.hands.walk(here, reach, false);
    else if (mode === "pick") this.hands.pan(press.last, here);
    else {
      press.path.push(here);
      this.hands.outline(outlineOf(mode, press.path));
    }
    this.hands.redraw();
  }

  #pinch(id, here) {
    const [other] = [...this.#pointers].filter(([p]) => p !== id).map(([, place]) => place);
    const before = this.#pointers.get(id);
    const [was, is] = [before, here].map(([x, y]) => Math.hypot(x - other[0], y - other[1]));
    const [from, to] = [before, here].map(([x, y]) => [(x + other[0]) / 2, (y + other[1]) / 2]);
    this.#pointers.set(id, here);
    if (was > 0) this.hands.zoom(is / was, from);
    this.hands.pan(from, to);
  }
}
