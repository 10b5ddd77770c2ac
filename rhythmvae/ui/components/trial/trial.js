// One trial: loops at one playhead, what was heard of each, an answer that is kept until the server has it.

import { element, live } from "../assets/dom.js";

const PENDING = "rhythmvae answer";
const AGAIN_MS = 4_000; // an answer is sent again until the next trial comes
const NAMES = { left: "A", right: "B", reference: "Original" };
const KEYS = {
  pair: (hasOriginal) => {
    const original = hasOriginal ? "; R or 0 the original" : "";
    return `Keys: 1 and 2 play${original}; Space stops and goes on; ← → choose; Enter is Next.`;
  },
  rate: () => "Keys: 1 plays; Space stops and goes on; J and K rate, with Shift by ten; Enter is Next.",
  words: () => "Keys: 1 plays; Space stops and goes on.",
};

export function mount(component, base) {
  return live({ ...component, base }, (parent) => new Trial(parent));
}

class Trial {
  #context = null;
  #node = null; // what sounds
  #side = null; // of it
  #last = "left"; // that was played: what Space goes on with
  #begun = 0; // s of the context at which the loop's start was, or would have been
  #since = 0;

  constructor(parent) {
    this.parent = parent;
    this.root = element("section", { className: "trial" });
    parent.append(this.root);
    this.onkey = (event) => this.#key(event);
    document.addEventListener("keydown", this.onkey);
  }

  update({ data, base, setTriggerValue, setStateValue }) {
    this.say = setTriggerValue;
    this.wake = () => setStateValue("woken", Date.now());
    watch(() => this.#reconnected());
    const isNew = data.place !== this.data?.place || data.review !== this.data?.review;
    const isOtherSession = data.session !== this.data?.session;
    Object.assign(this, { data, base });
    if (isNew) this.#begin();
    const pending = read();
    if (pending?.review === data.review && pending.answer.place === data.place) {
      if (data.problem) this.#refused();
      else if (isNew || isOtherSession) this.#send(pending.answer);
    } else forget();
    this.#draw();
  }

  remove() {
    this.#stop();
    clearTimeout(this.timer);
    clearTimeout(this.loading);
    document.removeEventListener("keydown", this.onkey);
    this.#context?.close();
    this.root.remove();
  }

  // -- a new trial ------------------------------------------------------------------

  #begin() {
    this.#stop();
    this.comment = null;
    clearTimeout(this.timer);
    clearTimeout(this.loading);
    this.isSending = false;
    this.hasFailed = false;
    this.seen = performance.now();
    this.chosen = null;
    this.confidence = null;
    this.#begun = 0;
    this.#last = "left";
    this.heard = {};
    for (const { key } of this.data.sounds) this.heard[key] = { plays: 0, ms: 0 };
    this.buffers = {};
    this.#build();
    this.#load();
  }

  /** The sounds that are not there yet, again and again until all of this trial are. */
  async #load() {
    this.#context ??= new AudioContext();
    const { buffers } = this;
    try {
      await Promise.all(
        this.data.sounds.map(async ({ key, address }) => {
          if (buffers[key]) return;
          const answer = await fetch(new URL(address, this.base));
          if (!answer.ok) throw new Error(answer.statusText);
          buffers[key] = await this.#context.decodeAudioData(await answer.arrayBuffer());
        }),
      );
      if (buffers === this.buffers) this.hasFailed = false;
    } catch {
      if (buffers === this.buffers && this.root.isConnected) {
        this.hasFailed = true;
        this.wake(); // a server that was started anew has them where it says then
        this.loading = setTimeout(() => this.#load(), AGAIN_MS);
      }
    }
    this.#draw();
  }

  #build() {
    this.plays = {};
    this.choices = {};
    this.sure = [];
    const sides = this.data.sounds.map(({ key }) => key).filter((key) => key !== "reference");
    for (const { key } of this.data.sounds) {
      const onclick = () => this.#toggle(key);
      this.plays[key] = element("button", { type: "button", className: "play", onclick, dataset: { side: key } });
    }
    if (this.data.how === "pair") for (const key of [...sides, "none"]) this.choices[key] = this.#choice(key);
    const cards = sides.map((key) => {
      const inside = this.choices[key] ? [this.plays[key], this.choices[key]] : [this.plays[key]];
      return element("div", { className: "card" }, ...inside);
    });
    this.next = element("button", {
      type: "button",
      className: "next",
      textContent: "Next",
      onclick: () => this.#answer(),
    });
    this.status = element("p", { className: "status", role: "status" });
    this.root.replaceChildren(
      element("p", { className: "place", textContent: `${this.data.place + 1} of ${this.data.of}` }),
      element("progress", { max: this.data.of, value: this.data.place, ariaLabel: "Progress" }),
      element("h2", { textContent: this.data.question }),
      ...(this.plays.reference ? [element("div", { className: "one" }, this.plays.reference)] : []),
      element("div", { className: sides.length > 1 ? "two" : "one" }, ...cards),
      ...this.#answers(),
      this.next,
      this.status,
      element("p", {
        className: "keys",
        textContent: KEYS[this.data.how](Boolean(this.plays.reference)),
      }),
    );
  }

  #choice(key) {
    const onclick = () => this.#choose(key);
    return element("button", { type: "button", className: "choose", onclick, dataset: { choose: key } });
  }

  /** What is answered with beside the two sides. */
  #answers() {
    const { how, allows_none } = this.data;
    if (how === "words") return [this.#words()];
    for (const [index, words] of ["A guess", "Fairly sure", "Sure"].entries()) {
      const onclick = () => this.#sureness(index + 1);
      this.sure.push(element("button", { type: "button", textContent: words, onclick }));
    }
    this.comment = element("textarea", { rows: 2, maxLength: 1000, ariaLabel: "Say why, if you like" });
    return [
      ...(how === "rate" ? [this.#scale()] : allows_none ? [this.choices.none] : []),
      element("div", { className: "sure", role: "group", ariaLabel: "How sure are you?" }, ...this.sure),
      element("details", {}, element("summary", { textContent: "Say why, if you like" }), this.comment),
    ];
  }

  #scale() {
    this.range = element("input", { type: "range", min: 0, max: 100, value: 50, ariaLabel: "Rating from 0 to 100" });
    this.number = element("output", { textContent: "–" });
    this.range.oninput = () => {
      this.number.textContent = this.range.value;
      this.#choose(this.range.value);
    };
    return element(
      "div",
      { className: "scale" },
      element("span", { textContent: "0" }),
      this.range,
      element("span", { textContent: "100" }),
      this.number,
    );
  }

  #words() {
    const field = element("textarea", { rows: 4, maxLength: 1000, ariaLabel: "Your answer" });
    field.oninput = () => this.#choose(field.value.trim() || null);
    return field;
  }

  // -- playing ----------------------------------------------------------------------

  #toggle(key) {
    if (this.#side === key) this.#stop();
    else this.#play(key);
    this.#draw();
  }

  #play(key) {
    const buffer = this.buffers[key];
    if (!buffer || this.isSending) return;
    const from = this.#side ? (this.#context.currentTime - this.#begun) % buffer.duration : 0;
    this.#stop();
    this.#context.resume();
    this.#node = new AudioBufferSourceNode(this.#context, { buffer, loop: true });
    this.#node.connect(this.#context.destination);
    this.#node.start(0, from);
    this.#begun = this.#context.currentTime - from;
    this.#since = performance.now();
    this.#side = this.#last = key;
    this.heard[key].plays += 1;
    this.ticker = setInterval(() => this.#tick(), 200);
  }

  #stop() {
    if (!this.#side) return;
    this.#tick();
    clearInterval(this.ticker);
    this.#node.stop();
    this.#side = null;
  }

  #tick() {
    const now = performance.now();
    if (this.#context.state === "running") this.heard[this.#side].ms += now - this.#since;
    this.#since = now;
    this.#draw();
  }

  #isHeard(key) {
    const { plays, ms } = this.heard[key];
    return plays > 0 && (ms >= this.data.least_ms || this.#isWhole(key));
  }

  #isWhole(key) {
    return Boolean(this.buffers[key]) && this.heard[key].ms >= this.buffers[key].duration * 1000;
  }

  #areHeard() {
    return this.data.sounds.every(({ key }) => this.#isHeard(key));
  }

  // -- answering --------------------------------------------------------------------

  #choose(answer) {
    if (this.data.how === "pair" && !this.#areHeard()) return;
    this.chosen = answer;
    this.#draw();
  }

  #rate(by) {
    if (!this.range) return;
    this.range.value = Number(this.range.value) + by; // the browser keeps it within
    this.range.oninput();
  }

  #sureness(value) {
    this.confidence = this.confidence === value ? null : value;
    this.#draw();
  }

  #answer() {
    if (this.chosen === null || !this.#areHeard() || this.isSending) return;
    this.#stop();
    const of = (pick) => ["left", "right"].map((key) => (this.heard[key] ? pick(key) : pick(null)));
    const answer = {
      place: this.data.place,
      answer: this.chosen,
      confidence: this.confidence,
      comment: this.comment?.value ?? "",
      plays: of((key) => (key ? this.heard[key].plays : 0)),
      heard: of((key) => Boolean(key) && this.#isWhole(key)),
      heard_ms: of((key) => (key ? Math.round(this.heard[key].ms) : 0)),
      milliseconds: Math.round(performance.now() - this.seen),
    };
    write({ review: this.data.review, answer });
    this.#send(answer);
    this.#draw();
  }

  #send(answer) {
    this.isSending = true;
    clearTimeout(this.timer);
    this.say("answer", { ...answer, at: Date.now() });
    this.timer = setTimeout(() => {
      if (this.isSending && this.data.place === answer.place) this.#send(answer);
    }, AGAIN_MS);
  }

  #refused() {
    forget();
    clearTimeout(this.timer);
    this.isSending = false;
  }

  #reconnected() {
    if (!this.root.isConnected) return;
    this.wake();
  }

  // -- keys, as webMUSHRA has them; two bars need no shorter loop than the whole ---------

  #key(event) {
    const target = event.composedPath()[0];
    if (event.ctrlKey || event.metaKey || event.altKey || target.tagName === "TEXTAREA") return;
    const isRange = target.tagName === "INPUT";
    const act = {
      1: () => this.#toggle("left"),
      2: () => this.plays.right && this.#toggle("right"),
      0: () => this.plays.reference && this.#toggle("reference"),
      r: () => this.plays.reference && this.#toggle("reference"),
      " ": () => (this.#side ? this.#stop() : this.#play(this.#last)),
      Backspace: () => this.#stop(),
      j: () => this.#rate(-1),
      J: () => this.#rate(-10),
      k: () => this.#rate(1),
      K: () => this.#rate(10),
      ArrowLeft: () => !isRange && this.choices.left && this.#choose("left"),
      ArrowRight: () => !isRange && this.choices.right && this.#choose("right"),
      Enter: () => this.#answer(),
    }[event.key];
    const isOwn = target.tagName === "BUTTON" || target.tagName === "SUMMARY"; // which Space and Enter press
    if (!act || (isOwn && [" ", "Enter"].includes(event.key))) return;
    if (!(isRange && event.key.startsWith("Arrow"))) event.preventDefault();
    act();
    this.#draw();
  }

  // -- drawing ------------------------------------------------------------------------

  #draw() {
    if (!this.plays) return;
    const single = this.data.how !== "pair";
    for (const [key, button] of Object.entries(this.plays)) {
      const name = single && key === "left" ? "" : ` ${NAMES[key]}`;
      const isPlaying = this.#side === key;
      set(button, { textContent: `${isPlaying ? "❚❚ Stop" : "▶ Play"}${name}`, disabled: !this.buffers[key] });
      button.classList.toggle("on", isPlaying);
      button.classList.toggle("heard", this.#isHeard(key));
    }
    const areHeard = this.#areHeard();
    for (const [key, button] of Object.entries(this.choices)) {
      set(button, { textContent: key === "none" ? "No preference" : `Choose ${NAMES[key]}`, disabled: !areHeard });
      button.setAttribute("aria-pressed", String(this.chosen === key));
    }
    for (const [index, button] of this.sure.entries())
      button.setAttribute("aria-pressed", String(this.confidence === index + 1));
    set(this.next, { disabled: this.chosen === null || !areHeard || this.isSending });
    set(this.status, { textContent: this.#words_of_state(areHeard) });
  }

  #words_of_state(areHeard) {
    if (this.data.problem && !this.isSending) return this.data.problem;
    if (this.isSending) return "Saving your answer…";
    if (this.hasFailed) return "The sounds did not come: trying again.";
    if (Object.keys(this.buffers).length < this.data.sounds.length) return "Loading the sounds…";
    if (!areHeard && this.data.how !== "pair") return "Hear it, then answer.";
    if (!areHeard) return this.plays.reference ? "Hear all three, then choose." : "Hear both, then choose.";
    return this.chosen === null ? "Now answer." : "Press Next.";
  }
}

/** Sets what differs alone, so that a screen reader hears no change where there is none. */
function set(of, properties) {
  for (const [name, value] of Object.entries(properties)) if (of[name] !== value) of[name] = value;
}

let wakeUp = () => {};

/** Streamlit connects to a new server without a word: have its script run. */
function watch(call) {
  wakeUp = call;
  const app = document.querySelector("[data-testid=stApp]");
  if (!app || app.dataset.isWatchedForTrial) return;
  app.dataset.isWatchedForTrial = "yes";
  let was = true;
  new MutationObserver(() => {
    const is = app.dataset.testConnectionState === "CONNECTED";
    if (is && !was) wakeUp();
    was = is;
  }).observe(app, { attributeFilter: ["data-test-connection-state"] });
}

let memory = null; // where the browser keeps nothing

function read() {
  try {
    return JSON.parse(localStorage.getItem(PENDING)) ?? memory;
  } catch {
    return memory;
  }
}

function write(found) {
  memory = found;
  try {
    localStorage.setItem(PENDING, JSON.stringify(found));
  } catch {
    // As long as the page is open it is kept.
  }
}

function forget() {
  memory = null;
  try {
    localStorage.removeItem(PENDING);
  } catch {
    // Nothing is there.
  }
}
