// The player: lanes of grooves over one transport, with what a hand needs around them.
//
// Streamlit calls `mount` again whenever Python has news. A player keeps its place in the music, its
// history and its tempo through all of it; only another `source` overwrites what a user edited.

import { element } from "../assets/dom.js";
import { History, clearVoice, ratchet, shiftBar } from "./edits.js";
import { listen } from "./hands.js";
import { Transport } from "./sound.js";
import { bpmRange, playableBpm } from "./time.js";
import { Lane, legend } from "./view.js";

const SEND_MS = 90; // an edit that is followed by another is not sent
const SETTINGS_MS = 400;
const STEP_PX = { least: 15, most: 34, finger: 24 };
const ROW_PX = { mouse: 24, finger: 30 };
const CARD = { padding: 8, rowPx: 11 };
const ROLL_VELOCITY = 100; // of a roll in an empty cell
const FOLLOW_PAUSE_MS = 3000; // who scrolls by hand is left alone for a while

const transport = new Transport();
let latest = null; // whom the space bar means when nothing has the focus

document.addEventListener("keydown", (event) => {
  if (event.key !== " " || event.target !== document.body || !latest) return;
  event.preventDefault();
  latest.toggle();
});

export class Player {
  constructor(parent, base) {
    this.base = base;
    this.parent = parent;
    this.lanes = new Map(); // id -> Lane
    this.histories = new Map(); // id -> History, of lanes that can be edited
    this.active = null; // id of the lane that is heard
    this.source = this.tune = null;
    this.serial = 0;
    this.rate = 1;
    this.muted = new Set();
    this.soloed = new Set();
    this.#build();
    this.unsubscribe = transport.subscribe(() => this.#onTransport());
    this.resized = new ResizeObserver(() => this.#layOut());
    this.resized.observe(this.root);
    latest ??= this;
    this.root.transport = transport; // for whoever looks at the sound from outside
  }

  remove() {
    if (transport.owner === this) transport.stop();
    if (latest === this) latest = null;
    this.unsubscribe();
    this.resized.disconnect();
    this.root.remove();
    clearTimeout(this.sending);
    clearTimeout(this.settling);
  }

  // -- news from Python ---------------------------------------------------------

  update({ data, setStateValue, setTriggerValue }) {
    this.data = data;
    this.setStateValue = setStateValue;
    this.setTriggerValue = setTriggerValue;
    this.root.classList.toggle("cards", data.cards);
    this.#takeSource(data);
    this.#takeHits(data);
    const asks = data.hear && data.hear.cue !== this.cue ? data.hear : null; // a gesture elsewhere on the page
    if (!data.lanes.some((lane) => lane.id === this.active)) this.active = data.lanes[0].id;
    this.active = asks?.lane ?? this.active;
    this.#syncLanes();
    this.#layOut();
    this.#refreshControls();
    this.#swap();
    const keys = data.voices.map((voice) => voice.key);
    transport
      .prepare(new URL(data.kit, this.base).href, data.mixer, keys)
      .catch((error) => this.say(`No sound: ${error.message}.`));
    if (asks?.starts && transport.owner !== this) this.toggle();
    this.cue = asks?.cue ?? this.cue;
  }

  /** Another source ends a user's edits, another tune the tempo. */
  #takeSource({ source, tune }) {
    if (source !== this.source) {
      this.histories.clear();
      this.shown = new Set();
      clearTimeout(this.sending);
      this.serial = 0;
    }
    if (tune !== this.tune) this.rate = 1;
    this.source = source;
    this.tune = tune;
  }

  /** What Python says stands, unless a hand has gone on since. */
  #takeHits({ lanes, serial }) {
    for (const lane of lanes) {
      if (!lane.editable) continue;
      const history = this.histories.get(lane.id);
      if (!history) this.histories.set(lane.id, new History(lane.hits));
      else if (serial >= this.serial) history.now = lane.hits;
    }
    this.serial = Math.max(this.serial, serial);
  }

  /** A lane's groove as it stands, edits included. */
  groove(id = this.active) {
    const lane = this.data.lanes.find((l) => l.id === id);
    const hits = this.previews?.id === id ? this.previews.hits : (this.histories.get(id)?.now ?? lane.hits);
    return { ...lane, hits };
  }

  /** What is heard becomes what stands there, if it is any other. */
  #swap() {
    if (transport.owner !== this) return;
    transport.rate = this.rate;
    const groove = this.groove();
    const music = JSON.stringify([groove.n_steps, groove.tempos, groove.hits]);
    if (music === this.playing) return;
    this.playing = music;
    transport.swap(this, groove);
  }

  // -- sound --------------------------------------------------------------------

  toggle() {
    latest = this;
    if (transport.owner === this) {
      transport.stop();
      return;
    }
    this.#applyMixer();
    transport.rate = this.rate;
    this.playing = null;
    transport.play(this, this.groove()).catch((error) => this.say(`No sound: ${error.message}.`));
  }

  listenTo(id) {
    this.active = id;
    latest = this;
    this.#refreshControls();
    this.#swap();
  }

  #isSilent(voice) {
    return this.soloed.size ? !this.soloed.has(voice) : this.muted.has(voice);
  }

  get #unheard() {
    return this.data.voices.map((_, voice) => voice).filter((voice) => this.#isSilent(voice));
  }

  #applyMixer() {
    transport.silence(this.#unheard);
  }

  toggleIn(set, voice) {
    if (!set.delete(voice)) set.add(voice);
    if (transport.owner === this) this.#applyMixer();
    this.#refreshControls();
    this.#sendSettings();
  }

  setBpm(bpm) {
    if (!Number.isFinite(bpm)) return this.#refreshControls();
    this.rate = playableBpm(bpm, this.#ownBpm) / this.#ownBpm;
    if (transport.owner === this) transport.rate = this.rate;
    this.#refreshControls();
    return this.#sendSettings();
  }

  get #ownBpm() {
    return this.data.lanes[0].tempos[0][1];
  }

  #onTransport() {
    const isMine = transport.owner === this;
    this.root.classList.toggle("playing", isMine);
    this.#refreshControls();
    if (isMine && !this.drawing) this.#followSound();
  }

  #followSound() {
    const at = transport.owner === this ? transport.position() : null;
    this.drawing = at !== null;
    for (const lane of this.lanes.values()) {
      if (at) lane.playhead.style.transform = `translateX(${(at.step + 0.5) * lane.stepPx}px)`;
    }
    if (!at) return;
    const loop = `loop ${Math.max(at.loops, 0) + 1}`;
    if (this.loops.textContent !== loop) this.loops.textContent = loop;
    const lane = this.lanes.get(this.active);
    if (!this.data.cards && performance.now() - (this.scrolledAt ?? -Infinity) > FOLLOW_PAUSE_MS) {
      lane.reveal(this.scroller, at.step, this.#namesPx);
    }
    requestAnimationFrame(() => this.#followSound());
  }

  // -- edits --------------------------------------------------------------------

  #desk = {
    hits: (lane) => this.groove(lane.id).hits,
    preview: (lane, hits) => {
      this.previews = { id: lane.id, hits };
      lane.draw(hits);
      this.#swap();
    },
    cancel: (lane) => {
      this.previews = null;
      lane.draw(this.groove(lane.id).hits);
      this.#swap();
    },
    commit: (lane, hits) => this.#commit(lane.id, hits),
    amend: (lane, hits) => {
      this.histories.get(lane.id).now = hits;
      this.#edited(lane.id);
    },
    strike: (voice, velocity) => {
      if (!transport.isPlaying) transport.strike(voice, velocity).catch(() => {});
    },
    say: (words) => this.say(words),
    follow: (lane) => lane.reveal(this.scroller, lane.cursor.step, this.#namesPx),
    key: (name, voice) => {
      if (name === "play") this.toggle();
      else if (name === "undo" || name === "redo") this.#travel(name);
      else if (name === "mute") this.toggleIn(this.muted, voice);
      else if (name === "solo") this.toggleIn(this.soloed, voice);
      else if (name === "switch") this.#switch();
    },
  };

  #commit(id, hits) {
    this.previews = null;
    latest = this;
    if (hits !== this.histories.get(id).now) this.histories.get(id).push(hits);
    this.#edited(id);
  }

  #travel(way) {
    for (const [id, history] of this.histories) {
      if (history[way]()) {
        this.#edited(id);
        this.say(way === "undo" ? "Undone" : "Done again");
      }
    }
  }

  #edited(id) {
    this.serial += 1;
    this.lanes.get(id).draw(this.groove(id).hits);
    this.#refreshControls();
    if (id === this.active) this.#swap();
    clearTimeout(this.sending);
    const edit = { source: this.source, lane: id, serial: this.serial, hits: this.groove(id).hits };
    this.sending = setTimeout(() => this.setStateValue("edit", edit), SEND_MS);
  }

  #switch() {
    const ids = this.data.lanes.map((lane) => lane.id);
    this.listenTo(ids[(ids.indexOf(this.active) + 1) % ids.length]);
  }

  #sendSettings() {
    clearTimeout(this.settling);
    const unheard = this.#unheard;
    const send = () => this.setStateValue("heard", { tune: this.tune, rate: this.rate, unheard });
    this.settling = setTimeout(send, SETTINGS_MS);
  }

  // -- what is seen -------------------------------------------------------------

  #build() {
    this.#buildBar();
    this.#buildTools();
    this.board = element("div", { className: "board" });
    this.scroller = element("div", { className: "scroller" }, this.board);
    for (const type of ["wheel", "touchmove", "pointerdown"]) {
      this.scroller.addEventListener(type, () => (this.scrolledAt = performance.now()), { passive: true });
    }
    this.legend = element("div");
    this.status = element("div", { className: "status", role: "status" });
    this.help = helpText();
    const below = element("div", { className: "bar" }, this.tools, this.linkButton);
    const parts = [this.bar, this.scroller, this.legend, below, this.status, this.help];
    this.root = element("div", { className: "player" }, ...parts);
    this.parent.append(this.root);
  }

  #buildBar() {
    this.playButton = button("▶", "Play", () => this.toggle(), { className: "play" });
    this.choice = element("div", { className: "choice", role: "radiogroup", ariaLabel: "What is heard" });
    this.loops = element("span", { className: "loops", ariaLabel: "Count of loops" });
    this.#buildTempo();
    this.volume = element("input", {
      type: "range",
      min: 0,
      max: 1,
      step: 0.01,
      ariaLabel: "Volume",
      oninput: () => (transport.volume = Number(this.volume.value)),
    });
    this.click = button("Click", "Metronome click", () => {
      transport.clicking = !transport.clicking;
      this.#refreshControls();
    });
    const labelled = (text, ...inputs) => element("label", {}, element("span", { textContent: text }), ...inputs);
    this.bar = element(
      "div",
      { className: "bar", role: "toolbar", ariaLabel: "Player" },
      this.playButton,
      this.choice,
      this.loops,
      element("div", { className: "tempo" }, labelled("Tempo", this.tempo, this.bpm), this.ownTempo),
      labelled("Volume", this.volume),
      this.click,
    );
  }

  #buildTempo() {
    this.bpm = element("input", {
      type: "number",
      step: 1,
      ariaLabel: "Tempo in beats per minute",
      onchange: () => this.setBpm(Number(this.bpm.value)),
    });
    this.tempo = element("input", {
      type: "range",
      step: 1,
      ariaLabel: "Tempo",
      oninput: () => this.setBpm(Number(this.tempo.value)),
    });
    this.ownTempo = button("↺", "Back to its own tempo", () => this.setBpm(this.#ownBpm), { className: "quiet" });
  }

  #buildTools() {
    this.undoButton = button("↶", "Undo", () => this.#travel("undo"));
    this.redoButton = button("↷", "Redo", () => this.#travel("redo"));
    this.allDrums = button("All drums", "All drums: a row for each of the kit", () => {
      this.showsAll = !this.showsAll;
      this.#syncLanes();
      this.#layOut();
      this.#refreshControls();
    });
    const onBar = (by) => () => this.#editAtCursor((lane, hits) => shiftBar(lane.lane, hits, lane.cell.step, by));
    const onCell = () =>
      this.#editAtCursor((lane, hits) => ratchet(hits, lane.cell.voice, lane.cell.step, ROLL_VELOCITY));
    const onDrum = () => this.#editAtCursor((lane, hits) => clearVoice(hits, lane.cell.voice));
    this.tools = element(
      "div",
      { className: "tools", role: "group", ariaLabel: "Edit" },
      this.undoButton,
      this.redoButton,
      button("⇤ Bar", "Shift the chosen bar one step earlier", onBar(-1)),
      button("Bar ⇥", "Shift the chosen bar one step later", onBar(1)),
      button("Roll", "Roll: the chosen cell in 2, 3, 4, 6 or 8 strokes, then one again", onCell),
      this.allDrums,
      button("Clear drum", "Clear drum: the chosen row", onDrum),
    );
    this.linkButton = button("Copy link", "Copy link: it opens this groove", () => this.#copyLink());
  }

  #editAtCursor(change) {
    const id = this.touched ?? [...this.histories.keys()][0];
    const lane = this.lanes.get(id);
    if (lane) this.#commit(id, change(lane, this.groove(id).hits));
  }

  #syncLanes() {
    const ids = this.data.lanes.map((lane) => lane.id);
    for (const [id, lane] of this.lanes) {
      if (!ids.includes(id)) {
        lane.root.remove();
        this.lanes.delete(id);
      }
    }
    for (const id of ids) {
      if (this.lanes.has(id)) continue;
      const lane = new Lane(id, this.data.voices, this.data.cards);
      if (this.data.cards) {
        this.#dealCard(lane);
      } else {
        listen(lane, this.#desk);
        lane.grid.addEventListener("focusin", () => {
          if (this.histories.has(id)) this.touched = id;
        });
      }
      this.lanes.set(id, lane);
    }
    if (ids.some((id, i) => this.board.children[i] !== this.lanes.get(id).root))
      this.board.replaceChildren(...ids.map((id) => this.lanes.get(id).root));
    const names = this.data.cards ? [] : ids.map((id, i) => [id, i === 0]);
    this.rows = this.#rowsToShow();
    const asked = JSON.stringify([ids, this.rows]);
    if (asked !== this.named) {
      for (const [id, isFirst] of names) this.#nameRows(this.lanes.get(id), isFirst);
      this.named = asked;
    }
  }

  /** A card is heard by a click anywhere on it; its buttons say more to Python. */
  #dealCard(lane) {
    const hear = () => {
      const isHeard = transport.owner === this && this.active === lane.id;
      this.listenTo(lane.id);
      if (isHeard || transport.owner !== this) this.toggle();
    };
    lane.hear = element("button", { type: "button", className: "hear", onclick: hear });
    const act = (what) => () => this.setTriggerValue("act", { lane: lane.id, what });
    const buttons = this.data.actions.map(({ what, label }) =>
      element("button", { type: "button", textContent: label, dataset: { what }, onclick: act(what) }),
    );
    lane.actions.append(lane.hear, ...buttons);
    lane.note = element("div", { className: "note" });
    lane.root.append(lane.note);
    lane.grid.addEventListener("click", hear);
  }

  #refreshCards() {
    for (const data of this.data.lanes) {
      const lane = this.lanes.get(data.id);
      const isHeard = transport.owner === this && data.id === this.active;
      lane.hear.textContent = isHeard ? "■" : "▶";
      lane.hear.title = `${isHeard ? "Stop" : "Hear"} ${data.label}`;
      lane.hear.setAttribute("aria-label", lane.hear.title);
      lane.note.textContent = data.note ?? "";
      for (const action of lane.actions.querySelectorAll("[data-what]")) {
        action.setAttribute("aria-pressed", String((data.pressed ?? []).includes(action.dataset.what)));
        action.setAttribute("aria-label", `${action.textContent}: ${data.label}`);
      }
    }
  }

  /** Voices from top to bottom, cymbals above and kick below: those played and the first three, or all.
   * A row stays when its last hit goes: a hand may be on it, and undo may bring the hit back. */
  #rowsToShow() {
    const played = this.shown.add(0).add(1).add(2);
    for (const lane of this.data.lanes) for (const [voice] of this.groove(lane.id).hits) played.add(voice);
    return this.data.voices
      .map((_, voice) => voice)
      .filter((voice) => this.showsAll || played.has(voice))
      .reverse();
  }

  /** The kit's names beside a lane; the first lane's have mute and solo. */
  #nameRows(lane, hasSwitches) {
    const rows = this.rows.map((voice) => {
      const { label } = this.data.voices[voice];
      const name = element("button", {
        type: "button",
        className: "name",
        textContent: label,
        title: `Hear the ${label.toLowerCase()}`,
        onclick: () => this.#desk.strike(voice, 100),
      });
      const toggle = (text, verb, set) =>
        element("button", {
          type: "button",
          className: `toggle ${verb.toLowerCase()}`,
          textContent: text,
          title: `${verb} ${label.toLowerCase()}`,
          ariaLabel: `${verb} ${label.toLowerCase()}`,
          dataset: { voice },
          onclick: () => this.toggleIn(set, voice),
        });
      const switches = hasSwitches ? [toggle("M", "Mute", this.muted), toggle("S", "Solo", this.soloed)] : [];
      return element("div", { className: "row-name", dataset: { voice } }, name, ...switches);
    });
    lane.names.replaceChildren(...rows);
  }

  get #namesPx() {
    return this.lanes.values().next().value?.names.offsetWidth ?? 0;
  }

  #layOut() {
    if (!this.data) return;
    const width = this.root.clientWidth;
    if (!width) return;
    const isFinger = matchMedia("(pointer: coarse)").matches;
    const rowPx = isFinger ? ROW_PX.finger : ROW_PX.mouse;
    this.root.style.setProperty("--row", `${rowPx}px`);
    if (this.data.cards) {
      this.#layOutCards();
      return;
    }
    const longest = Math.max(...this.data.lanes.map((lane) => lane.n_steps));
    const least = isFinger ? STEP_PX.finger : STEP_PX.least;
    const stepPx = Math.min(Math.max(Math.floor((width - this.#namesPx - 4) / longest), least), STEP_PX.most);
    const laidOut = JSON.stringify([stepPx, rowPx, this.rows]);
    for (const lane of this.data.lanes) {
      const view = this.lanes.get(lane.id);
      if (view.lane !== lane || view.laidOut !== laidOut) {
        view.show(lane, this.rows, stepPx, rowPx);
        view.laidOut = laidOut;
      }
      const { hits } = this.groove(lane.id);
      if (view.hits !== hits) view.draw(hits);
    }
  }

  #layOutCards() {
    for (const lane of this.data.lanes) {
      const view = this.lanes.get(lane.id);
      const stepPx = (view.root.clientWidth - 2 * CARD.padding) / lane.n_steps;
      const laidOut = JSON.stringify([stepPx, this.rows]);
      if (view.lane !== lane || view.laidOut !== laidOut) {
        view.show(lane, this.rows, stepPx, CARD.rowPx);
        view.laidOut = laidOut;
      }
    }
  }

  #refreshControls() {
    const { data } = this;
    if (!data) return;
    if (data.cards) this.#refreshCards();
    this.#refreshPlay();
    this.#refreshChoice();
    this.#refreshTempo();
    this.volume.value = transport.volume;
    this.click.setAttribute("aria-pressed", String(transport.clicking));
    this.#refreshRows();
    this.#refreshTools();
    this.linkButton.hidden = !data.link && !data.no_link;
    this.#refreshLegend();
  }

  #refreshPlay() {
    const isMine = transport.owner === this;
    this.playButton.textContent = isMine ? "❚❚" : "▶";
    this.playButton.title = isMine ? "Pause" : "Play";
    this.playButton.setAttribute("aria-label", this.playButton.title);
    if (!isMine) this.loops.textContent = "";
  }

  #refreshChoice() {
    const { lanes, cards } = this.data;
    const radio = ({ id, name }) =>
      element("button", {
        type: "button",
        role: "radio",
        textContent: name,
        dataset: { lane: id },
        onclick: () => this.listenTo(id),
      });
    const ids = lanes.map((lane) => `${lane.id} ${lane.label}`).join("|");
    if (ids !== this.chosen) {
      this.choice.replaceChildren(...lanes.map(radio));
      this.choice.hidden = lanes.length < 2 || cards;
      this.chosen = ids;
    }
    for (const each of this.choice.children)
      each.setAttribute("aria-checked", String(each.dataset.lane === this.active));
    for (const [id, lane] of this.lanes) lane.root.classList.toggle("heard", id === this.active && lanes.length > 1);
  }

  #refreshTempo() {
    const [low, high] = bpmRange(this.#ownBpm);
    for (const input of [this.bpm, this.tempo]) Object.assign(input, { min: Math.floor(low), max: Math.ceil(high) });
    const bpm = Math.round(this.#ownBpm * this.rate * 10) / 10;
    const isTyping = this.parent.activeElement === this.bpm && !Number.isNaN(this.bpm.valueAsNumber);
    if (!isTyping || Number(this.bpm.value) !== bpm) this.bpm.value = bpm;
    this.tempo.value = bpm;
    this.ownTempo.disabled = Math.abs(this.rate - 1) < 1e-3;
  }

  #refreshRows() {
    for (const toggle of this.board.querySelectorAll(".toggle")) {
      const set = toggle.classList.contains("mute") ? this.muted : this.soloed;
      toggle.setAttribute("aria-pressed", String(set.has(Number(toggle.dataset.voice))));
    }
    for (const row of this.board.querySelectorAll(".row-name"))
      row.classList.toggle("silent", this.#isSilent(Number(row.dataset.voice)));
  }

  #refreshTools() {
    const histories = [...this.histories.values()];
    this.tools.hidden = this.help.hidden = !histories.length;
    this.undoButton.disabled = !histories.some((h) => h.canUndo);
    this.redoButton.disabled = !histories.some((h) => h.canRedo);
    this.allDrums.setAttribute("aria-pressed", String(Boolean(this.showsAll)));
  }

  #refreshLegend() {
    const compared = this.data.lanes.find((lane) => lane.missed);
    const counts = compared && [
      compared.missed.length,
      compared.added.length,
      compared.moved.length,
      this.data.moved_ms,
    ];
    const counted = JSON.stringify(counts ?? null);
    if (counted === this.counted) return;
    this.legend.replaceChildren(...(counts ? [legend(...counts)] : []));
    this.counted = counted;
  }

  async #copyLink() {
    if (!this.data.link) {
      this.say(this.data.no_link);
      return;
    }
    const link = new URL(location.href);
    link.search = this.data.link;
    link.hash = "";
    try {
      await navigator.clipboard.writeText(link.href);
      this.say("Link copied.");
    } catch {
      // Without permission or https the link is shown, to be copied by hand.
      const field = element("input", {
        type: "text",
        readOnly: true,
        value: link.href,
        ariaLabel: "Link to this groove",
        className: "link",
      });
      this.status.replaceChildren(field);
      field.select();
    }
  }

  say(words) {
    this.status.textContent = words;
  }
}

function button(textContent, title, onclick, extra = {}) {
  return element("button", { type: "button", textContent, title, ariaLabel: title, onclick, ...extra });
}

function helpText() {
  const lines = [
    ["Click or tap a cell", "adds or removes a hit"],
    ["Drag a hit up or down", "velocity (a finger rests on it first)"],
    ["Shift-drag sideways", "timing (a resting finger: just drag sideways)"],
    ["Right click, or tap twice", "second hit: a flam"],
    ["R, or the button Roll", "2, 3, 4, 6 or 8 strokes from here to the next cell"],
    ["Arrow keys, Home, End, Page", "walk through the grid"],
    ["Enter, 1 to 9, F, Delete", "hit, velocity, second hit, remove"],
    ["Shift + arrows", "velocity and timing"],
    [", and .", "shift the bar; Ctrl + Delete clears the drum"],
    ["Space, X, M, S", "play, switch what is heard, mute, solo"],
    ["Ctrl + Z, Ctrl + Y", "undo, redo"],
  ];
  const items = lines.flatMap(([what, does]) => [
    element("dt", { textContent: what }),
    element("dd", { textContent: does }),
  ]);
  const summary = element("summary", { textContent: "Edit the grid: mouse, finger and keys" });
  return element("details", { className: "help" }, summary, element("dl", {}, ...items));
}
