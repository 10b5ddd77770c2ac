// A page in one file: a finger on a square chooses among decoded grooves, and the loop goes on.

import { element, onMove } from "../assets/dom.js";
import { Transport } from "../deck/transport.js";

const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
const said = JSON.parse(document.getElementById("data").textContent);
const { side, lattice, voices } = said;
const transport = new Transport();
const pad = document.getElementById("pad");
const grid = document.getElementById("grid");
const playhead = element("b");
const cells = lattice.grooves.map(() => element("i"));
let at = (side * side - 1) / 2;
let held = null;

const groove = () => ({
  n_steps: lattice.n_steps,
  bars: lattice.bars,
  beats: lattice.beats,
  tempos: [[0, lattice.bpm[at]]],
  hits: lattice.grooves[at],
});

function drawGrid() {
  const hits = groove().hits.map(([voice, position, velocity]) => {
    const hit = element("i");
    const row = 100 / voices.length;
    const height = row * (0.3 + (0.55 * velocity) / 127); // the louder the higher
    const bottom = voice * row + 1;
    const left = (Math.max(position, 0) * 100) / lattice.n_steps;
    Object.assign(hit.style, { bottom: `${bottom}%`, left: `${left}%`, height: `${height}%` });
    Object.assign(hit.style, { width: `${60 / lattice.n_steps}%`, background: voices[voice].color });
    return hit;
  });
  grid.replaceChildren(...hits, playhead);
  for (const [i, cell] of cells.entries()) cell.className = i === at ? "here" : "";
}

function go(x, y) {
  const inside = (value) => Math.min(Math.max(value, 0), side - 1);
  const next = inside(y) * side + inside(x);
  if (next === at) return;
  at = next;
  pad.dataset.at = at;
  transport.swap(groove(), true);
  drawGrid();
}

function reach({ clientX, clientY }) {
  const { left, top, width, height } = pad.getBoundingClientRect();
  go(Math.floor(((clientX - left) * side) / width), Math.floor(((clientY - top) * side) / height));
}

async function toggle() {
  if (transport.isPlaying) transport.stop();
  else await transport.play(groove()).catch((error) => say(`No sound: ${error.message}.`));
}

function say(words) {
  document.getElementById("status").textContent = words;
}

function follow() {
  const step = transport.position()?.step;
  if (step !== undefined) {
    playhead.style.left = `${(step * 100) / lattice.n_steps}%`;
    requestAnimationFrame(follow);
  }
}

pad.style.gridTemplateColumns = `repeat(${side}, 1fr)`;
pad.append(...cells);
pad.transport = transport; // for whoever looks at the sound from outside
pad.dataset.at = at;
pad.addEventListener("pointerdown", (event) => {
  if (event.button !== 0) return;
  held = event.pointerId;
  pad.setPointerCapture(held);
  reach(event);
});
onMove(pad, (event) => event.pointerId === held && reach(event));
for (const kind of ["pointerup", "pointercancel"]) pad.addEventListener(kind, () => (held = null));
pad.addEventListener("keydown", (event) => {
  const way = ARROWS[event.key];
  if (!way) return;
  event.preventDefault();
  go((at % side) + way[0], Math.floor(at / side) + way[1]);
});

const play = element("button", { type: "button", textContent: "Play", onclick: toggle });
const tempo = element("input", { type: "range", min: 0.5, max: 1.5, step: 0.01, value: 1, ariaLabel: "Tempo" });
tempo.oninput = () => (transport.rate = Number(tempo.value));
const label = element("label", {}, element("span", { textContent: "Tempo" }), tempo);
document.getElementById("transport").append(play, label);
transport.subscribe(() => {
  play.textContent = transport.isPlaying ? "Pause" : "Play";
  if (transport.isPlaying) follow();
});
const keys = voices.map((voice) => voice.key);
transport.prepare(said.kit, said.mixer, keys).catch((error) => say(`No sound: ${error.message}.`));
drawGrid();
