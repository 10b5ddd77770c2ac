// A waveform over the lines of bars and beats. A press says where bar 1 begins.

import { element, live } from "../assets/dom.js";

const HEIGHT = 120;
const HEAD = 18; // px, for the bars' numbers
const BAR_PX = 56; // at least
const MAX_PX = 16_000; // a canvas holds no more everywhere
const NUMBER_PX = 28; // that a number takes

export function mount(component) {
  return live(component, (parent) => new Waveform(parent));
}

class Waveform {
  constructor(parent) {
    this.canvas = element("canvas", { role: "img" });
    this.scroller = element("div", { className: "scroller", tabIndex: 0, role: "group" }, this.canvas);
    this.canvas.onclick = (event) => this.#press(event);
    parent.append(this.scroller);
    this.resized = new ResizeObserver(() => this.#draw());
    this.resized.observe(this.scroller);
    this.dark = matchMedia("(prefers-color-scheme: dark)");
    this.dark.onchange = () => this.#draw();
  }

  update({ data, setTriggerValue }) {
    Object.assign(this, { data, tell: setTriggerValue });
    this.peaks = Uint8Array.from(atob(data.peaks), (each) => each.charCodeAt(0));
    this.canvas.setAttribute("aria-label", data.label);
    this.scroller.setAttribute("aria-label", data.label);
    this.#draw();
  }

  remove() {
    this.resized.disconnect();
    this.dark.onchange = null;
    this.scroller.remove();
  }

  #press({ offsetX }) {
    this.tell("one", { seconds: Math.max(offsetX / this.pxPerSecond, 0) });
  }

  #draw() {
    const room = this.scroller.clientWidth;
    if (!room || !this.data) return;
    const { seconds, bars, beats, strokes } = this.data;
    const end = Math.max(seconds, 0.1);
    const width = Math.min(Math.max(room, (bars.length - 1) * BAR_PX), MAX_PX);
    const scale = Math.min(devicePixelRatio || 1, MAX_PX / width);
    Object.assign(this.canvas, { width: width * scale, height: HEIGHT * scale });
    this.canvas.style.width = `${width}px`;
    this.pxPerSecond = width / end;
    const pen = this.canvas.getContext("2d");
    pen.scale(scale, scale);
    const ink = getComputedStyle(this.scroller).color;
    pen.fillStyle = ink;
    this.#lines(pen, beats, 1, 0.18);
    this.#lines(pen, bars, 1.5, 0.65);
    this.#wave(pen, width);
    this.#strokes(pen, strokes);
    this.#numbers(pen, bars, end);
  }

  #lines(pen, places, width, alpha) {
    pen.globalAlpha = alpha;
    for (const place of places) pen.fillRect(place * this.pxPerSecond - width / 2, HEAD, width, HEIGHT - HEAD);
  }

  #wave(pen, width) {
    const middle = (HEIGHT + HEAD) / 2;
    const half = (HEIGHT - HEAD) / 2 - 4;
    const step = width / this.peaks.length;
    pen.globalAlpha = 0.7;
    for (const [i, peak] of this.peaks.entries()) {
      const high = Math.max((half * peak) / 255, 0.5);
      pen.fillRect(i * step, middle - high, Math.max(step, 0.6), 2 * high);
    }
  }

  #strokes(pen, strokes) {
    pen.globalAlpha = 0.9;
    for (const stroke of strokes) pen.fillRect(stroke * this.pxPerSecond - 1, HEIGHT - 7, 2, 7);
  }

  #numbers(pen, bars, end) {
    pen.globalAlpha = 1;
    pen.font = "12px sans-serif";
    let free = 0;
    for (const [i, bar] of bars.entries()) {
      const x = bar * this.pxPerSecond + 3;
      if (bar >= end - 0.01 || i === bars.length - 1 || x < free) continue;
      pen.fillText(String(i + 1), x, 13);
      free = x + NUMBER_PX;
    }
  }
}
