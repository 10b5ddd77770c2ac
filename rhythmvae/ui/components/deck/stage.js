// Where drums are played live. What does that is fetched when somebody first wants to: a visit is lighter without it.

import { element } from "../assets/dom.js";
import { button } from "./controls.js";

export class Stage {
  constructor(music) {
    this.music = music;
    this.opener = button("Play live", () => this.show(this.root.hidden), { sign: "pads", className: "stage" });
    this.root = element("div", { className: "live", role: "group", ariaLabel: "Play live", hidden: true });
  }

  /** What Python said to the deck, and where the app lives. */
  take(data, base) {
    this.data = data;
    this.base = base;
  }

  show(isShown) {
    if (this.root.hidden !== isShown) return;
    this.root.hidden = !isShown;
    if (isShown) this.#load();
    this.refresh();
    this.onToggle?.();
  }

  #load() {
    this.loading ??= import(new URL(this.data.live, this.base).href)
      .then(({ mount }) => mount(this.root, this.music, this.data))
      .then(() => this.onToggle?.())
      .catch(() => {
        this.loading = null; // the next try may find the network again
        this.show(false);
        this.music.say("The pads did not load: press again when there is a network.");
      });
  }

  refresh() {
    this.opener.setAttribute("aria-expanded", String(!this.root.hidden));
  }
}
