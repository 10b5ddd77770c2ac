// Who is told of what is heard: listeners of changes, and of the playhead.

/** What plays by a transport; `data` is null before there is anything to play. */
export class Heard {
  data = null;
  #listeners = new Set();
  #frames = new Set();

  constructor(transport) {
    this.transport = transport;
    transport.subscribe(() => this.changed());
  }

  /** `listener` is called when anything but the playhead changes. */
  subscribe(listener) {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** `listener` is told the step that is heard, as often as the screen is drawn, while it plays. */
  onFrame(listener) {
    this.#frames.add(listener);
    return () => this.#frames.delete(listener);
  }

  changed() {
    if (this.transport.isPlaying && !this.isDrawing) this.#draw();
    if (this.data) for (const listener of this.#listeners) listener();
  }

  #draw() {
    const at = this.transport.position();
    this.isDrawing = at !== null;
    if (!at) return;
    for (const listener of this.#frames) listener(at.step);
    requestAnimationFrame(() => this.#draw());
  }
}
