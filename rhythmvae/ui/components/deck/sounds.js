// Which kit is heard, how loud and where each drum stands, and sounds of one's own. This browser keeps all of it.

import { LayeredKit } from "./kit.js";

const KEPT = "rhythmvae sound"; // in the browser: {kit, levels, pans}
const STORE = "own"; // in its database: voice -> {name, sound}
const OWN_BYTES = 4_000_000; // a file that is larger is no stroke
const OWN_FILE_SECONDS = 30;
const OWN_SECONDS = 4; // what is kept of it
const OWN_PEAK = 0.8;
const SILENT = 1e-4;
const FADE_SECONDS = 0.01;
export const MOST_LEVEL = 2;

export class Sounds {
  kit = "house"; // that is chosen
  levels = [];
  pans = [];
  own = new Map(); // voice -> {name, buffer}
  kits = []; // {key, label, address} that can be chosen beside the house's
  #loaded = new Map(); // key -> promise of a kit
  #listeners = new Set();

  constructor(music) {
    this.music = music;
    const kept = readKept();
    const numbers = (values, low, high) =>
      Array.isArray(values) ? values.map((x) => (Number.isFinite(x) ? Math.min(Math.max(x, low), high) : null)) : [];
    this.levels = numbers(kept.levels, 0, MOST_LEVEL);
    this.pans = numbers(kept.pans, -1, 1);
    if (typeof kept.kit === "string") this.kit = kept.kit;
  }

  subscribe(listener) {
    this.#listeners.add(listener);
  }

  /** What Python says that there is: once. */
  take({ kits, kit_index: index }, base) {
    if (this.base) return;
    Object.assign(this, { base, kits, index });
    if (!kits.some(({ key }) => key === this.kit)) this.kit = "house";
    this.music.transport.balance(this.levels, this.pans);
    this.#restore().catch(() => {}); // a browser that keeps nothing
  }

  async #restore() {
    const kept = await readOwn();
    if (kept.size) {
      const { context, mixer } = await this.music.transport.house();
      for (const [voice, { name, sound }] of kept)
        this.own.set(voice, { name, buffer: toBuffer(context, sound, mixer.sample_rate) });
    }
    if (kept.size || this.kit !== "house") await this.choose(this.kit);
  }

  /** The kit is heard once it is here; until then the one before goes on. */
  async choose(key) {
    const before = this.kit;
    this.kit = key;
    this.#tell();
    try {
      const kit = await this.#load(key);
      if (this.kit !== key) return; // another was chosen meanwhile
      this.music.transport.dress(this.own.size ? new DressedKit(kit, this.own) : kit);
      this.#keep();
      this.music.say(`${this.#label(key)} kit`, true);
    } catch (error) {
      if (this.kit === key) this.kit = before === key ? "house" : before;
      this.music.say(`No other kit: ${error.message}.`);
    }
    this.#tell();
  }

  #label(key) {
    return this.kits.find((kit) => kit.key === key)?.label ?? "House";
  }

  #load(key) {
    if (key === "house") return this.music.transport.house();
    if (!this.#loaded.has(key)) {
      const loading = this.#fetch(key);
      loading.catch(() => this.#loaded.delete(key)); // the next try may find the network again
      this.#loaded.set(key, loading);
    }
    return this.#loaded.get(key);
  }

  async #fetch(key) {
    const { address } = this.kits.find((kit) => kit.key === key);
    const [house, index] = await Promise.all([
      this.music.transport.house(),
      fetch(new URL(this.index, this.base).href).then((answer) => answer.json()),
    ]);
    return LayeredKit.load(house, index[key], new URL(address, this.base).href);
  }

  setLevel(voice, level) {
    this.levels[voice] = level;
    this.#balance();
  }

  setPan(voice, pan) {
    this.pans[voice] = pan;
    this.#balance();
  }

  #balance() {
    this.music.transport.balance(this.levels, this.pans);
    this.#keep();
    this.#tell();
  }

  #keep() {
    const { kit, levels, pans } = this;
    try {
      localStorage.setItem(KEPT, JSON.stringify({ kit, levels, pans }));
    } catch {
      // a browser that keeps nothing
    }
  }

  #tell() {
    for (const listener of this.#listeners) listener();
  }

  /** A file becomes the sound of a drum; what is no sound is said, and nothing changes. */
  async takeOwn(voice, file) {
    try {
      const house = await this.music.transport.house();
      const sound = await decodeStroke(file, house.mixer.sample_rate);
      this.own.set(voice, { name: file.name, buffer: toBuffer(house.context, sound, house.mixer.sample_rate) });
      await this.choose(this.kit);
      this.music.strike(voice, 110);
      const isKept = await writeOwn(voice, { name: file.name, sound }).catch(() => false);
      this.music.say(`${file.name} is on this drum${isKept ? "" : "; this browser does not keep it"}.`);
    } catch (error) {
      this.music.say(error.message);
    }
  }

  async dropOwn(voice) {
    this.own.delete(voice);
    await writeOwn(voice, null).catch(() => {});
    await this.choose(this.kit);
  }
}

/** A kit in which some drums have sounds of one's own. */
class DressedKit {
  constructor(kit, own) {
    Object.assign(this, { kit, own, mixer: kit.mixer });
  }

  struck(voice, velocity, turn) {
    return this.own.get(voice)?.buffer ?? this.kit.struck(voice, velocity, turn);
  }

  click(isAccent) {
    return this.kit.click(isAccent);
  }

  amplitude(velocity) {
    return this.kit.amplitude(velocity);
  }
}

function toBuffer(context, sound, rate) {
  const buffer = context.createBuffer(1, sound.length, rate);
  buffer.copyToChannel(sound, 0);
  return buffer;
}

/** The first seconds of a sound file from its onset on, in one channel, as loud as a drum; it is bounded before it is
 * decoded. */
export async function decodeStroke(file, rate) {
  const name = file.name;
  if (file.size > OWN_BYTES) {
    const came = (file.size / 1e6).toFixed(1);
    throw new Error(`Expected a sound of at most ${OWN_BYTES / 1e6} MB, ${name} has ${came}: cut out one stroke.`);
  }
  const seconds = await secondsOf(file);
  if (!(seconds <= OWN_FILE_SECONDS)) {
    const came = Number.isFinite(seconds) ? `lasts ${Math.round(seconds)} s` : "is none that this browser reads";
    throw new Error(`Expected a sound of at most ${OWN_FILE_SECONDS} s; ${name} ${came}. The drum stays as it was.`);
  }
  const decoder = new OfflineAudioContext(1, 1, rate);
  const decoded = await decoder.decodeAudioData(await file.arrayBuffer()).catch(() => null);
  if (!decoded) throw new Error(`Expected a sound; ${name} is none that this browser reads. The drum stays as it was.`);
  return trimmed(decoded, rate, name);
}

function trimmed(decoded, rate, name) {
  const channels = Array.from({ length: decoded.numberOfChannels }, (_, c) => decoded.getChannelData(c));
  const mono = channels[0].map((_, n) => channels.reduce((sum, channel) => sum + channel[n], 0) / channels.length);
  const peak = mono.reduce((most, x) => Math.max(most, Math.abs(x)), 0);
  if (!(peak > SILENT)) throw new Error(`Expected a sound; ${name} is silent. The drum stays as it was.`);
  const onset = mono.findIndex((x) => Math.abs(x) > 0.02 * peak);
  const sound = mono.slice(onset, onset + OWN_SECONDS * rate).map((x) => (x * OWN_PEAK) / peak);
  const fade = Math.min(Math.round(FADE_SECONDS * rate), sound.length);
  for (let n = 1; n <= fade; n += 1) sound[sound.length - n] *= (n - 1) / fade;
  return sound;
}

/** How long a sound file says that it is; NaN where it is none. */
function secondsOf(file) {
  const address = URL.createObjectURL(file);
  const player = new Audio();
  return new Promise((resolve) => {
    player.preload = "metadata";
    player.onloadedmetadata = () => resolve(player.duration);
    player.onerror = () => resolve(Number.NaN);
    setTimeout(() => resolve(Number.NaN), 5000);
    player.src = address;
  }).finally(() => {
    player.removeAttribute("src");
    URL.revokeObjectURL(address);
  });
}

// -- what the browser keeps -------------------------------------------------------

function readKept() {
  try {
    return JSON.parse(localStorage.getItem(KEPT)) ?? {};
  } catch {
    return {};
  }
}

function asked(request) {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

async function openOwn(mode) {
  const opening = indexedDB.open(KEPT, 1);
  opening.onupgradeneeded = () => opening.result.createObjectStore(STORE);
  const database = await asked(opening);
  return { database, store: database.transaction(STORE, mode).objectStore(STORE) };
}

async function readOwn() {
  const { database, store } = await openOwn("readonly");
  const [voices, values] = await Promise.all([asked(store.getAllKeys()), asked(store.getAll())]);
  database.close();
  const kept = voices.map((voice, i) => [voice, values[i]]);
  return new Map(kept.filter(([, { sound }]) => sound instanceof Float32Array && sound.length > 0));
}

/** Keep a drum's own sound; null forgets it. */
async function writeOwn(voice, value) {
  const { database, store } = await openOwn("readwrite");
  await asked(value ? store.put(value, voice) : store.delete(voice));
  database.close();
  return true;
}
