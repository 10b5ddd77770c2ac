// The deck: the one player of the app, docked at the bottom of the screen. Its parts are mounted in different places
// (`data.part`) and meet in one `music`: what a page hands over is played by the deck, wherever it comes from.
//
// It has three views: a bar (a strip and a row: on a phone, and when it is made small), a board (all lanes over the
// width), and a sheet (on a phone: over the whole screen, one bar wide).

import { element, live, onFinger, showPart, tellHeard } from "../assets/dom.js";
import { areHintsRead } from "../assets/hinted.js";
import { Cards } from "./cards.js";
import { Choice, More, PlayButton, Steps, Tempo, Title, button } from "./controls.js";
import { coverScreen, showWhole, takeRoom, takeStep, tellRoom } from "./dock.js";
import { sample } from "./draw.js";
import { holdDownloads } from "./downloads.js";
import { Drums } from "./drums.js";
import { clearVoice, ratchet, shiftBar } from "./edits.js";
import { Grid } from "./grid.js";
import { listen } from "./hands.js";
import { Home } from "./home.js";
import { listenToSpace } from "./keys.js";
import { Mixer, takesFiles } from "./mixer.js";
import { Music } from "./music.js";
import { Overview } from "./overview.js";
import { Pad } from "./pad.js";
import { Sounds } from "./sounds.js";
import { Stage } from "./stage.js";
import { Strip } from "./strip.js";
import { Take } from "./take.js";

const WIDE = matchMedia("(min-width: 720px) and (min-height: 560px)"); // room for all lanes
const LOW = matchMedia("(max-height: 719px)"); // a screen that all lanes would take half of
const STILL = matchMedia("(prefers-reduced-motion: reduce)");
const FINGER = matchMedia("(pointer: coarse)");
const SIZES = ["small", "normal", "large"]; // of a wide deck
const SIZE_KEPT = "rhythmvae deck size"; // in the browser
const STEP_PX = { mouse: 15, finger: 24 }; // at least
const ROW_PX = { mouse: 25, finger: 30, large: 40, sheet: 32, shared: 22 }; // shared: with what opens below the grid
const MARGIN_PX = 12; // of a bar in the sheet, for what is pushed ahead of it
const ROLL_VELOCITY = 100; // of a roll in an empty cell
const FOLLOW_PAUSE_MS = 3000; // who scrolls by hand is left alone for a while

areHintsRead(); // before the page has them
const music = new Music();
const sounds = new Sounds(music);
listenToSpace((event) => music.data && music.space(event));
onFinger((lane) => {
  if (!music.data) return;
  if (lane && !lane.hits) music.begin();
  else music.follow(lane);
});
music.subscribe(() => tellHeard({ role: music.role, id: music.heard.id }));

export function mount(component, base) {
  const parts = { deck: Deck, result: Result, cards: Cards, overview: Overview, pad: Pad };
  return live(component, (parent) => new parts[component.data.part](parent, music, base));
}

/** What a page made of the groove in hand; it shows nothing. */
class Result {
  constructor(parent) {
    showPart(parent, false);
  }

  update({ data }) {
    music.hand(data, this);
  }

  remove() {
    music.hand(null, this);
  }
}

class Deck {
  #size = sizeKept();
  #uncover = null; // ends the sheet
  #stepBack = null; // the sheet's step in the browser's history
  #follows = true; // the sheet turns to the bar that is heard
  #scrolledAt = -Infinity;

  constructor(parent, _, base) {
    Object.assign(this, { parent, base });
    this.root = element("section", { className: "deck", ariaLabel: "Deck", tabIndex: -1 });
    this.root.transport = music.transport; // for whoever looks at the sound from outside
  }

  update({ data, setStateValue }) {
    music.load(data, this.base); // it is on its way while all else is made
    if (!this.grid) this.#build(data);
    this.stage.take(data, this.base);
    music.take(data, setStateValue, this.base);
    sounds.take(data, this.base);
  }

  remove() {
    for (const end of this.ends) end();
    this.#close();
    this.resized.disconnect();
    this.root.remove();
  }

  // -- its parts ------------------------------------------------------------------

  #build({ voices, here }) {
    this.grid = new Grid(voices);
    this.strip = new Strip(voices, (step) => this.#goTo(step));
    this.drums = new Drums(music, voices, this.grid.names, this.grid.rows);
    this.more = new More(music, this.#edits());
    const [play, title, choice, tempo, steps] = [PlayButton, Title, Choice, Tempo, Steps].map(
      (Part) => new Part(music),
    );
    const take = new Take(music, this.base);
    const mixer = new Mixer(music, sounds, voices, this.grid.rows);
    const home = new Home(music, sounds, voices, this.base);
    this.stage = new Stage(music);
    this.more.root.append(mixer.root, home.root);
    for (const row of this.grid.names.children)
      takesFiles(row, (file) => sounds.takeOwn(Number(row.dataset.voice), file));
    this.parts = [play, title, choice, tempo, steps, this.more, take, this.drums, mixer, home];
    const first = [this.strip, play, title, choice, tempo].map((part) => part.root);
    const { stage, more } = this;
    const second = [element("div", { className: "grow" }), steps.root, stage.opener, more.opener, take.root];
    const third = [
      this.#sizes(),
      this.grid.scroller,
      this.#line(),
      this.#bars(),
      this.drums.menu,
      more.root,
      stage.root,
    ];
    this.root.append(...first, ...second, ...third);
    this.parent.append(this.root);
    this.#listen();
    if (here) music.loaded.then(() => fetch(new URL(here, this.base))).catch(() => {}); // the page goes on without it
  }

  #listen() {
    listen(this.grid, this.#desk);
    this.grid.onScroll = () => this.#leaveAlone();
    this.grid.scroller.addEventListener("scroll", () => this.#showBarInSight(), { passive: true });
    this.root.addEventListener("keydown", (event) => event.key === "Escape" && this.#close());
    // What unfolds is there to be seen.
    this.more.root.addEventListener("toggle", ({ target }) => target.open && showWhole(target), true);
    this.more.onToggle = () => this.#makeRoom(this.more, () => this.stage.show(false));
    this.stage.onToggle = () => this.#makeRoom(this.stage, () => this.more.show(false));
    music.onSay = (words, isQuiet) => {
      this.status.replaceChildren(words);
      this.status.classList.toggle("quiet", isQuiet);
    };
    music.onGo = (step) => this.#show(step);
    const onWide = () => (this.#uncover ? this.#close() : this.#layOut());
    for (const query of [WIDE, LOW]) query.addEventListener("change", onWide);
    this.resized = new ResizeObserver(() => this.#layOut());
    for (const sized of [this.root, this.grid.scroller]) this.resized.observe(sized);
    this.ends = [
      music.subscribe(() => this.#refresh()),
      music.onFrame((step) => this.#follow(step)),
      holdDownloads(music),
      () => {
        for (const query of [WIDE, LOW]) query.removeEventListener("change", onWide);
      },
    ];
  }

  #sizes() {
    const to = (by) => () => this.#resize(by);
    this.smaller = button("Smaller", to(-1), { sign: "down", className: "wide" });
    this.larger = button("Larger", to(1), { sign: "up", className: "wide" });
    this.opener = button("Open the grid", () => this.#open(), { sign: "up", className: "opener" });
    this.closer = button("Close the grid", () => this.#close(), { sign: "down", className: "closer" });
    return element("div", { className: "group sizes" }, this.smaller, this.larger, this.opener, this.closer);
  }

  /** What is seen of a comparison, and what a hand did last. */
  #line() {
    this.legend = element("div", { className: "legend" });
    this.status = element("div", { className: "status", role: "status" });
    return element("div", { className: "line" }, this.legend, this.status);
  }

  /** From bar to bar, in the sheet. */
  #bars() {
    this.barName = element("span", { className: "bar-name" });
    this.before = button("Previous bar", () => this.#stepBar(-1), { sign: "left" });
    this.after = button("Next bar", () => this.#stepBar(1), { sign: "right" });
    return element("div", { className: "group bars", role: "group" }, this.before, this.barName, this.after);
  }

  #edits() {
    const atCell = (change) => () => {
      if (!music.mayEdit()) return;
      music.commit(change(music.original.hits, this.grid.cell));
      music.say(this.grid.describe(this.grid.cell));
    };
    const shift = (by) => atCell((hits, { step }) => shiftBar(music.original, hits, step, by));
    return [
      ["Bar earlier", "Shift the chosen bar one step earlier", shift(-1)],
      ["Bar later", "Shift the chosen bar one step later", shift(1)],
      [
        "Roll",
        "Roll: the chosen cell in 2, 3, 4, 6 or 8 strokes, then one again",
        atCell((hits, { voice, step }) => ratchet(hits, voice, step, ROLL_VELOCITY)),
      ],
      ["Clear drum", "Clear drum: the chosen row", atCell((hits, { voice }) => clearVoice(hits, voice))],
    ];
  }

  // -- hands ----------------------------------------------------------------------

  #desk = {
    hits: () => music.original.hits,
    preview: (_, hits) => music.preview(hits),
    cancel: () => music.preview(null),
    commit: (_, hits) => music.commit(hits),
    amend: (_, hits) => music.amend(hits),
    strike: (voice, velocity) => music.strike(voice, velocity),
    say: (words) => music.say(words),
    refuse: () => music.mayEdit(),
    follow: (grid) => grid.reveal(grid.cursor.step),
    key: (name, voice) => this.#key(name, voice),
  };

  #key(name, voice) {
    if (name === "undo" || name === "redo") music.travel(name);
    else if (name === "mute") music.toggleIn(music.muted, voice);
    else if (name === "solo") music.toggleIn(music.soloed, voice);
    else if (name === "switch") music.switch();
    else if (name === "next") music.onNext?.();
  }

  #leaveAlone() {
    this.#scrolledAt = performance.now();
    this.#follows = false;
  }

  /** A press on the strip. */
  #goTo(step) {
    if (this.root.dataset.view === "bar" && WIDE.matches) music.seek(step);
    else if (this.root.dataset.view === "bar") this.#open(step);
    else this.#turnTo(step);
  }

  /** Somebody went to a step elsewhere on the page. */
  #show(step) {
    if (this.#view !== "board") this.strip.follow(step);
    if (this.#view === "bar") return;
    this.#turnTo(step);
    this.grid.moveTo(this.grid.cursor.row, step, false);
  }

  // -- size -----------------------------------------------------------------------

  /** Those that there is room for, and the one that it has. */
  get #sizesNow() {
    const sizes = LOW.matches ? SIZES.filter((size) => size !== "normal") : SIZES;
    return { sizes, at: Math.max(sizes.indexOf(this.#size), 0) };
  }

  /** On a phone there is room for one of what opens below the grid. */
  #makeRoom({ root }, closeOther) {
    if (!root.hidden && this.#uncover) closeOther();
    this.#layOut();
  }

  #resize(by) {
    const { sizes, at } = this.#sizesNow;
    this.#size = sizes[Math.min(Math.max(at + by, 0), sizes.length - 1)];
    localStorage.setItem(SIZE_KEPT, this.#size);
    this.#layOut();
  }

  #open(step = music.transport.position()?.step ?? 0) {
    this.#follows = true;
    this.#uncover = coverScreen(this.root);
    this.#stepBack = takeStep(() => this.#close(true));
    this.#layOut();
    this.grid.reveal(step);
    this.root.focus({ preventScroll: true });
  }

  #close(isBack = false) {
    if (!this.#uncover) return;
    this.#uncover();
    this.#uncover = null;
    if (!isBack) this.#stepBack();
    this.more.root.hidden = this.drums.menu.hidden = true;
    this.#layOut();
    this.root.focus({ preventScroll: true });
  }

  #turnTo(step) {
    this.#follows = false;
    this.grid.reveal(step);
  }

  #stepBar(by) {
    const { bars } = this.grid.lane;
    const bar = Math.min(Math.max(this.grid.barInSight + by, 0), bars.length - 2);
    this.#turnTo(bars[bar]);
  }

  // -- what is seen ---------------------------------------------------------------

  get #view() {
    if (this.#uncover) return "sheet";
    return WIDE.matches && this.#sizesNow.at > 0 ? "board" : "bar";
  }

  #layOut() {
    if (!music.data) return;
    const view = this.#view;
    Object.assign(this.root.dataset, { view, width: WIDE.matches ? "wide" : "narrow" });
    const { sizes, at } = this.#sizesNow;
    this.smaller.disabled = at === 0;
    this.larger.disabled = at === sizes.length - 1;
    takeRoom(this.root);
    this.#draw();
    if (view !== "sheet") tellRoom(this.root);
  }

  #draw() {
    const { heard } = music;
    const view = this.#view;
    if (view !== "board") this.strip.show(heard, view === "sheet");
    if (view !== "bar") this.grid.show(heard, ...this.#cellSize(view, heard));
    this.#showBarInSight();
  }

  /** Width and height of a cell. */
  #cellSize(view, { bars, n_steps: nSteps }) {
    const { clientWidth, clientHeight } = this.grid.scroller;
    const room = clientWidth - this.grid.namesPx;
    if (view === "sheet") {
      const longest = Math.max(...bars.slice(1).map((bar, i) => bar - bars[i]));
      return [
        (room - MARGIN_PX) / longest,
        Math.max(
          Math.floor((clientHeight - 20) / this.grid.rows.length),
          ROW_PX[this.stage.root.hidden && this.more.root.hidden ? "sheet" : "shared"],
        ),
      ];
    }
    const hand = FINGER.matches ? "finger" : "mouse";
    const tail = music.heard.hits.some((hit) => hit[1] >= nSteps - 0.5) ? 0.5 : 0;
    const stepPx = Math.max((room - 1) / (nSteps + tail), STEP_PX[hand]);
    return [stepPx, this.#size === "large" && !LOW.matches ? ROW_PX.large : ROW_PX[hand]];
  }

  #showBarInSight() {
    if (this.#view !== "sheet" || !this.grid.lane) return;
    const { bars, first_bar: first } = this.grid.lane;
    const bar = this.grid.barInSight;
    this.barName.textContent = `Bar ${first + bar} of ${music.ofBars || first + bars.length - 2}`;
    this.before.disabled = bar === 0;
    this.after.disabled = bar === bars.length - 2;
    this.strip.frame(bars[bar], bars[bar + 1]);
  }

  #refresh() {
    const { isPlaying } = music.transport;
    this.root.classList.toggle("playing", isPlaying);
    for (const part of this.parts) part.refresh();
    this.#compare();
    if (this.root.dataset.view) this.#draw();
    else this.#layOut();
    this.#announce();
  }

  /** What differs from the original, counted. */
  #compare() {
    const { missed, added, moved, open } = music.heard;
    const counts = {
      ...(missed && { lost: missed.length, added: added.length, moved: moved.length }),
      ...(open?.length && { open: open.length }),
    };
    const counted = JSON.stringify(counts);
    if (counted === this.counted) return;
    this.counted = counted;
    const away = `moved by ${music.data.moved_ms} ms or more`;
    const words = { open: "by the model", lost: "lost", added: "added", moved: away };
    const items = Object.entries(counts).map(([kind, n]) => element("span", {}, sample(kind), `${n} ${words[kind]}`));
    this.legend.replaceChildren(...items);
  }

  /** Another groove, by its name. One that is leaving keeps its name until the bar line. */
  #announce() {
    if (music.role === "leaving") return;
    const now = `${music.data.source} ${music.name}`;
    if (this.announced && this.announced !== now) music.say(music.name, true);
    this.announced = now;
  }

  #follow(step) {
    const shown = STILL.matches ? Math.floor(step) : step;
    this.strip.follow(shown);
    if (this.#view === "bar") return;
    this.grid.follow(shown);
    const isLeft = performance.now() - this.#scrolledAt < FOLLOW_PAUSE_MS;
    if (this.#view === "sheet" ? this.#follows : !isLeft) this.grid.reveal(step);
  }
}

function sizeKept() {
  try {
    const kept = localStorage.getItem(SIZE_KEPT);
    return SIZES.includes(kept) ? kept : "normal";
  } catch {
    return "normal"; // a browser that keeps nothing
  }
}
