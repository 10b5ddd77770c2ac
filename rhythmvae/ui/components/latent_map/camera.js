// Which part of the map is seen: from places, 0 to 1, to pixels and back.

const ZOOM = { least: 0.8, most: 60 };

export class Camera {
  w = 0; // px
  h = 0;
  inset = { left: 0, top: 0, right: 0, bottom: 0 }; // px that something stands on
  box = [0, 0, 1, 1]; // left, low, right, high of all points
  zoom = 1; // 1: all points fill what is free
  center = [0.5, 0.5]; // the place in the middle of what is free

  /** The middle of what is free, in px. */
  get middle() {
    const { w, h, inset } = this;
    return [(w + inset.left - inset.right) / 2, (h + inset.top - inset.bottom) / 2];
  }

  /** px of the map's width. */
  get scale() {
    const { w, h, inset, box } = this;
    const wide = (w - inset.left - inset.right) / Math.max(box[2] - box[0], 1e-3);
    const high = (h - inset.top - inset.bottom) / Math.max(box[3] - box[1], 1e-3);
    return Math.max(Math.min(wide, high), 40) * this.zoom;
  }

  screen(x, y) {
    const [mx, my] = this.middle;
    const { scale, center } = this;
    return [mx + (x - center[0]) * scale, my - (y - center[1]) * scale];
  }

  world(px, py) {
    const [mx, my] = this.middle;
    const { scale, center } = this;
    return [center[0] + (px - mx) / scale, center[1] - (py - my) / scale];
  }

  /** All points are seen. */
  reset() {
    const [left, low, right, high] = this.box;
    this.zoom = 1;
    this.center = [(left + right) / 2, (low + high) / 2];
  }

  /** The places of all points, flat, which are seen. */
  fit(places) {
    const box = [Infinity, Infinity, -Infinity, -Infinity];
    for (let i = 0; i < places.length; i += 2) {
      box[0] = Math.min(box[0], places[i]);
      box[1] = Math.min(box[1], places[i + 1]);
      box[2] = Math.max(box[2], places[i]);
      box[3] = Math.max(box[3], places[i + 1]);
    }
    this.box = box;
    this.reset();
  }

  /** Closer or farther; what lies at a place of the screen stays there. */
  zoomBy(factor, px, py) {
    const [x, y] = this.world(px, py);
    this.zoom = Math.min(Math.max(this.zoom * factor, ZOOM.least), ZOOM.most);
    this.pan(this.screen(x, y), [px, py]);
  }

  /** What lay at one place of the screen comes to lie at another. */
  pan(from, to) {
    const [a, b] = [this.world(...from), this.world(...to)];
    this.center = [this.center[0] + a[0] - b[0], this.center[1] + a[1] - b[1]];
  }

  /** Whether a place lies where nothing stands on it; `edge` px from there is too near. */
  sees(x, y, edge = 20) {
    const [px, py] = this.screen(x, y);
    const { w, h, inset } = this;
    return (
      px >= inset.left + edge && px <= w - inset.right - edge && py >= inset.top + edge && py <= h - inset.bottom - edge
    );
  }
}
