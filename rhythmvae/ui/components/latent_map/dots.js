// All points as a picture that is drawn once, and moved while a hand moves the map. A new one is drawn a slice a frame,
// and takes the old one's place when it is whole: no frame waits for 5,000 points.

import { element } from "../assets/dom.js";
import { Sprites, radiusOf } from "./look.js";

const SLICE_MS = 2.5;
const MARGIN = 0.25; // of the map, drawn beyond each edge
const MOST_RATIO = 2; // pixels a px
const MOST_SCALED = 2.5;
const CHECK = 16; // points between looks at the clock

export class Dots {
  #front = null; // {canvas, scale, center, ...}: the picture that is seen
  #job = null; // the one that is being drawn
  #spare = null;
  #isOld = false;
  #sprites = new Sprites();

  constructor() {
    this.root = element("div", { className: "dots", ariaHidden: "true" });
  }

  /** What is drawn is another: points, colours, or which of them are on show. */
  change(field, look) {
    Object.assign(this, { field, look });
    this.#isOld = true;
    this.#job = null;
    this.isBusy = true;
    this.root.setAttribute("aria-busy", "true");
  }

  /**
   * Show the picture as the camera sees it; true while a better one is still to come. While the camera zooms, the old
   * one is scaled: what is drawn for one frame would not suit the next.
   */
  frame(camera, isZooming) {
    if (!this.field) return false;
    if (isZooming && this.#isNear(camera)) this.#drop();
    else {
      if (!this.#job && (this.#isOld || !this.#suits(camera))) this.#begin(camera);
      if (this.#job) this.#draw();
    }
    this.#place(camera);
    const isBusy = this.#job !== null || this.#isOld || !this.#suits(camera);
    if (isBusy !== this.isBusy) this.root.setAttribute("aria-busy", String(isBusy));
    this.isBusy = isBusy;
    return isBusy;
  }

  /** Whether the picture can be scaled and still be looked at. */
  #isNear({ scale }) {
    const k = this.#front ? scale / this.#front.scale : Infinity;
    return !this.#isOld && k > 1 / MOST_SCALED && k < MOST_SCALED;
  }

  #drop() {
    if (this.#job) this.#spare = this.#job.canvas;
    this.#job = null;
  }

  /** Whether the picture has all that the camera sees, as large as it sees it. */
  #suits(camera) {
    const front = this.#front;
    if (!front || front.w !== camera.w || front.h !== camera.h) return false;
    if (Math.abs(front.scale / camera.scale - 1) > 1e-3) return false;
    const seen = corners(camera, 0);
    const [left, low, right, high] = camera.box;
    const [a, b, c, d] = front.covers;
    return (
      Math.max(seen[0], left) >= a - 1e-6 &&
      Math.max(seen[1], low) >= b - 1e-6 &&
      Math.min(seen[2], right) <= c + 1e-6 &&
      Math.min(seen[3], high) <= d + 1e-6
    );
  }

  #begin(camera) {
    const { w, h, scale, zoom } = camera;
    const ratio = Math.min(window.devicePixelRatio || 1, MOST_RATIO);
    const [width, height] = [w, h].map((px) => Math.round(px * (1 + 2 * MARGIN)));
    const canvas = this.#spare ?? element("canvas", { className: "picture" });
    this.#spare = null;
    const pixels = [width, height].map((px) => Math.round(px * ratio));
    // A canvas that keeps its size keeps its memory.
    if (canvas.width !== pixels[0] || canvas.height !== pixels[1]) [canvas.width, canvas.height] = pixels;
    canvas.style.width = `${width}px`;
    canvas.style.height = `${height}px`;
    const g = canvas.getContext("2d");
    g.setTransform(ratio, 0, 0, ratio, 0, 0);
    g.clearRect(0, 0, width, height);
    const center = camera.world(w / 2, h / 2);
    const covers = corners(camera, MARGIN);
    const of = { w, h, width, height, scale, center, covers, ratio };
    // Those that are left out lie below the others.
    const { shown, n } = this.field;
    const order = new Uint32Array(n);
    let [low, high] = [0, n - this.field.nShown];
    for (let i = 0; i < n; i += 1) {
      if (shown[i]) order[high++] = i;
      else order[low++] = i;
    }
    this.#job = { canvas, g, of, order, next: 0, radius: radiusOf({ w, h, zoom }) };
    this.#isOld = false;
  }

  #draw() {
    const job = this.#job;
    const { g, of, order, radius } = job;
    const { at, shown } = this.field;
    const { color, shape } = this.look;
    const until = performance.now() + SLICE_MS;
    const [cx, cy] = of.center;
    const edge = 2 * radius;
    while (job.next < order.length) {
      const i = order[job.next];
      job.next += 1;
      const x = of.width / 2 + (at[2 * i] - cx) * of.scale;
      const y = of.height / 2 - (at[2 * i + 1] - cy) * of.scale;
      if (x > -edge && y > -edge && x < of.width + edge && y < of.height + edge) {
        const { image, size } = this.#sprites.of(color[i], shape[i], shown[i], radius, of.ratio);
        g.drawImage(image, x - size / 2, y - size / 2, size, size);
      }
      if (job.next % CHECK === 0 && performance.now() > until) return;
    }
    this.#swap(job);
  }

  #swap({ canvas, of }) {
    const before = this.#front?.canvas;
    this.#front = { canvas, ...of };
    this.#job = null;
    this.root.replaceChildren(canvas);
    this.#spare = before ?? null;
  }

  /** Where the picture lies under what the camera sees. */
  #place(camera) {
    const front = this.#front;
    if (!front) return;
    const k = camera.scale / front.scale;
    const [x, y] = camera.screen(...front.center);
    const [left, top] = [x - (k * front.width) / 2, y - (k * front.height) / 2];
    front.canvas.style.transform = `translate(${left}px, ${top}px) scale(${k})`;
  }
}

/** Left, low, right and high of what the camera sees, and of a margin beyond. */
function corners(camera, margin) {
  const [left, high] = camera.world(-margin * camera.w, -margin * camera.h);
  const [right, low] = camera.world((1 + margin) * camera.w, (1 + margin) * camera.h);
  return [left, low, right, high];
}
