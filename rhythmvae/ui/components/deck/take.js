// What can be taken from the deck: a MIDI file of what is heard, and a link to it.

import { element } from "../assets/dom.js";
import { button } from "./controls.js";

export const PATIENCE_MS = 10_000; // for a file that holds an edit

export class Take {
  constructor(music, base) {
    Object.assign(this, { music, base });
    this.home = button("Take it home as MIDI", () => this.#download(), { sign: "home" });
    this.link = button("Copy link", () => this.#copyLink(), { sign: "link" });
    this.root = element("div", { className: "group take" }, this.home, this.link);
  }

  refresh() {
    const { link, no_link: none } = this.music.link;
    this.link.hidden = !link && !none;
    this.home.setAttribute("aria-busy", String(Boolean(this.isWaited)));
    // A card's file is written when it is asked for.
    this.home.disabled = this.music.role !== "card" && !this.music.heard.file;
  }

  /** The file is Python's: what a hand has just changed must be in it. */
  async #download() {
    if (this.isWaited) return;
    this.isWaited = true;
    this.refresh();
    const file = await upToDate(this.music);
    this.isWaited = false;
    this.refresh();
    if (!file) {
      this.music.say("The file is not ready. Try again in a moment.");
      return;
    }
    element("a", { href: new URL(file.address, this.base).href, download: file.name }).click();
    this.music.say(`${file.name} is on its way.`);
  }

  async #copyLink() {
    await upToDate(this.music);
    const { link: query, no_link: none, takes } = this.music.link;
    if (!query) {
      this.music.say(none);
      return;
    }
    const link = new URL(location.href);
    link.search = query;
    link.hash = "";
    try {
      await navigator.clipboard.writeText(link.href);
      const part = takes ?? this.music.data.link_takes;
      const rest = takes ? "" : "; this browser keeps the rest";
      this.music.say(part ? `Link copied. It takes ${part}${rest}.` : "Link copied.");
    } catch {
      this.#show(link.href); // without permission or https it is copied by hand
    }
  }

  #show(value) {
    const field = element("input", { type: "text", readOnly: true, value, ariaLabel: "Link to this groove" });
    field.className = "link";
    this.music.say(field);
    field.select();
  }
}

/**
 * {address, name} of the file of what is heard, with all edits, the tempo and what the page's controls ask in it; null
 * where none comes. `bars`: the first and the last that it shall have, by their numbers; null for all.
 */
export async function upToDate(music, bars = null) {
  await music.tellTouches(PATIENCE_MS);
  let isAsked = false;
  if (bars) music.askForBars(bars);
  const written = () => (bars ? partOf(music.heard, bars) : (music.heard.file ?? null));
  return new Promise((resolve) => {
    const finish = (file) => {
      end();
      clearTimeout(timer);
      resolve(file);
    };
    const look = () => {
      if (music.role === "card" && !music.heard.file) {
        if (!isAsked) music.askForFile();
        isAsked = true;
      } else if (music.isUpToDate && (!bars || written())) finish(written());
    };
    const end = music.subscribe(look);
    const timer = setTimeout(() => finish(null), PATIENCE_MS);
    look();
  });
}

const partOf = ({ part }, bars) => (part && String(part.bars) === String(bars) ? part : null);
