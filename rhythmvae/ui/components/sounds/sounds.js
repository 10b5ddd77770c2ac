// Sounds are taken out of what is dropped in upload boxes, decoded here and sent in parts (see __init__.py).

import { element, live, showPart } from "../assets/dom.js";
import { filesIn, foldersOf } from "./folders.js";
import { headOf } from "./heads.js";
import { Stranded } from "./stranded.js";
import { catchStrays } from "./strays.js";

const BOX = "[data-testid=stFileUploader]";
const OF_TAPS = "[class*=st-key-file-of-taps]";
const SOUND = /\.(wav|wave|flac|og[ga]|opus|mp3|aiff?|aifc|m4a|mp4|aac|caf|weba|webm|wma)$/i;
const MIDI = /midi?$/i;
const UNTOLD_BYTES = 64 << 20; // of a file whose length cannot be asked: larger ones are not decoded
const BOX_BYTES = 8 << 20; // that a box passes on to the server
const PATIENCE_MS = 5000; // for a file to tell its length
const FULL = 32_767; // of a sample
const IN_FOLDERS = /\.(midi?|kar|rmi|smf|zip)$/i; // of what a folder holds, what the box is given

let taker = null; // the one that is on the page
let isPassing = false; // what is left of a drop is on its way to the box
const stranded = new Stranded(() => taker?.tell("stranded", performance.now()), pass, say);
let onTheirWay = null; // what there is to say of them

export function mount(component) {
  return live(component, (parent) => new Sounds(parent));
}

const isSound = ({ name, type }) =>
  SOUND.test(name) || (type.startsWith("audio/") && !MIDI.test(type) && !/\.midi?$/i.test(name));

for (const kind of ["drop", "change"]) addEventListener(kind, (event) => intercept(event), true);
catchStrays((files, folders, box) => (folders.length ? search(folders, box) : part(files, box)));

/** Sounds go to us, everything else to the box. */
function intercept(event) {
  const target = event.target instanceof Element ? event.target : null;
  const box = target?.closest(BOX);
  if (!taker || !box) return;
  const folders = droppedIn(box, event);
  const files = [...((event.type === "drop" ? event.dataTransfer : target)?.files ?? [])];
  if (isPassing || (!folders.length && !files.some(isSound))) {
    stranded.note(box, files);
    return;
  }
  claim(event, target);
  if (folders.length) search(folders, box);
  else part(files, box);
}

/** Keep an event from the box. */
function claim(event, target) {
  event.stopImmediatePropagation();
  event.preventDefault();
  if (event.type === "change") target.value = "";
  // The box lights up under what hovers over it, until it is dropped or leaves.
  else target.dispatchEvent(new DragEvent("dragleave", { bubbles: true, dataTransfer: event.dataTransfer }));
}

function part(files, box) {
  const sounds = files.filter(isSound);
  if (sounds.length) taker?.take(sounds, box);
  passOrKeep(
    box,
    files.filter((file) => !isSound(file)),
  );
}

/** What was dropped in a box that takes many files, if a folder is among it. */
function droppedIn(box, { type, dataTransfer }) {
  const takesMany = box.querySelector("input[type=file]")?.multiple === true;
  return type === "drop" && takesMany ? foldersOf(dataTransfer) : [];
}

/** Of what folders hold only what is sound, MIDI or a zip: pictures and texts of a pack are no mistake. */
async function search(folders, box) {
  const found = await filesIn(folders);
  const files = found.filter((file) => !file.name.startsWith(".") && (isSound(file) || IN_FOLDERS.test(file.name)));
  if (!files.length) taker?.tell("refused", { name: folders.map(({ name }) => name).join(", "), why: "empty" });
  part(files, box);
}

/** Give files to a box, as if they had been chosen in it; whether there is one. */
function pass(box, files) {
  const input = box.querySelector("input[type=file]");
  if (!files.length || !input?.isConnected) return false;
  const all = new DataTransfer();
  for (const file of files) all.items.add(file);
  isPassing = true;
  input.files = all.files;
  input.dispatchEvent(new Event("change", { bubbles: true }));
  isPassing = false;
  return true;
}

/** The same, though the box may have been closed since they were chosen in it. */
function passOrKeep(box, files) {
  return pass(box, files) || stranded.keep(box, files);
}

/** Of files that are on their way while their box is closed. */
function say(words) {
  onTheirWay = words;
  taker?.say();
}

class Sounds {
  #waiting = []; // {file, box, areTaps}
  #now = null; // {id, name, bytes, sent, areTaps}: the one that is sent
  #isBusy = false;

  constructor(parent) {
    this.parent = parent;
    this.words = element("p", { role: "status", hidden: true }); // not even a gap until there is something to say
    this.way = element("p", { role: "status", hidden: true });
    parent.append(this.words, this.way);
    this.#say(null);
    taker = this;
  }

  remove() {
    if (taker === this) taker = null;
    this.words.remove();
    this.way.remove();
  }

  update({ data, setTriggerValue }) {
    Object.assign(this, { data, tell: setTriggerValue });
    const now = this.#now;
    if (!now) return;
    if (data.over === now.id) this.#end();
    else if (data.wants?.id === now.id) this.#send(data.wants.at);
  }

  take(files, box) {
    const areTaps = box.closest(OF_TAPS) !== null;
    const most = this.data.max_sounds;
    this.#waiting.push(...files.slice(0, most).map((file) => ({ file, box, areTaps })));
    if (files.length > most) this.#leaveOut(files.length - most);
    this.#next();
  }

  #leaveOut(n) {
    this.tell("refused", { name: n === 1 ? "1 sound" : `${n} sounds`, why: "many" });
  }

  async #next() {
    if (this.#isBusy || !this.#waiting.length) return;
    if (this.data.is_full && this.#waiting.length > 1) {
      this.#leaveOut(this.#waiting.splice(0).length);
      return;
    }
    this.#isBusy = true;
    const { file, box, areTaps } = this.#waiting.shift();
    this.#say(`Reading ${file.name}…`);
    try {
      const head = await headOf(file, this.data.head_bytes);
      const bytes = await decoded(file, this.data);
      const id = crypto.randomUUID?.() ?? `${Date.now()}${Math.random()}`;
      this.#now = { id, name: file.name, bytes, head, areTaps };
      this.#send(0);
    } catch (error) {
      const why = error instanceof Refusal ? error.message : "unreadable";
      const isPassed = why === "unreadable" && file.size <= BOX_BYTES && passOrKeep(box, [file]);
      if (!isPassed) this.tell("refused", { name: file.name, why });
      this.#end();
    }
  }

  /** The part that begins so many bytes from the begin of the sound. */
  async #send(at) {
    const now = this.#now;
    if (now.sent === at) return;
    now.sent = at;
    const { name, id, bytes, head, areTaps } = now;
    if (at >= bytes.byteLength) {
      this.#say(`Listening for the drums in ${name}…`);
      return;
    }
    this.#say(`Reading ${name}: ${Math.round((100 * at) / bytes.byteLength)} %`);
    const data = await asText(bytes.slice(at, at + this.data.part_bytes));
    const begin = at ? "" : await asText(head);
    if (this.#now === now)
      this.tell("part", {
        id,
        name,
        rate: this.data.rate,
        n_bytes: bytes.byteLength,
        at,
        data,
        are_taps: areTaps,
        head: begin,
      });
  }

  #end() {
    this.#now = null;
    this.#isBusy = false;
    this.#say(null);
    this.#next();
  }

  #say(words) {
    this.reading = words;
    this.say();
  }

  say() {
    const all = [this.reading, onTheirWay];
    for (const [i, line] of [this.words, this.way].entries()) {
      line.textContent = all[i] ?? "";
      line.hidden = all[i] === null;
    }
    showPart(this.parent, all.some(Boolean));
  }
}

class Refusal extends Error {}

/** A file's samples, mono, 16 bit, at the rate that is asked for. Throws where it is too long, or cannot be decoded. */
async function decoded(file, { rate, max_seconds: maxSeconds, max_file: maxFile }) {
  const seconds = await secondsOf(file);
  if (seconds > maxSeconds) throw new Refusal("long");
  if (file.size > (Number.isFinite(seconds) ? maxFile : UNTOLD_BYTES)) throw new Refusal("large");
  // A context of that rate has the browser resample.
  const sound = await new OfflineAudioContext(1, 1, rate).decodeAudioData(await file.arrayBuffer());
  if (sound.duration > maxSeconds) throw new Refusal("long");
  return mixed(sound).buffer;
}

/** How long a file says it is, which costs next to nothing; NaN where it does not. */
function secondsOf(file) {
  const address = URL.createObjectURL(file);
  const audio = new Audio();
  return new Promise((resolve) => {
    const end = () => resolve(audio.duration);
    Object.assign(audio, { preload: "metadata", onloadedmetadata: end, onerror: () => resolve(Number.NaN) });
    setTimeout(() => resolve(Number.NaN), PATIENCE_MS);
    audio.src = address;
  }).finally(() => {
    audio.removeAttribute("src");
    URL.revokeObjectURL(address);
  });
}

function mixed(sound) {
  const channels = Array.from({ length: sound.numberOfChannels }, (_, i) => sound.getChannelData(i));
  const mixture = new Int16Array(sound.length);
  const scale = FULL / channels.length;
  for (let i = 0; i < mixture.length; i += 1) {
    let sum = 0;
    for (const channel of channels) sum += channel[i];
    mixture[i] = Math.round(Math.min(Math.max(sum * scale, -FULL), FULL));
  }
  return mixture;
}

/** Bytes in base64. */
function asText(bytes) {
  if (!bytes.byteLength) return ""; // which a reader gives no place in its text
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(reader.result.split(",", 2)[1]);
    reader.onerror = () => reject(reader.error);
    reader.readAsDataURL(new Blob([bytes]));
  });
}
