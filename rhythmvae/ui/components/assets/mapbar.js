// What stands on both maps, the model's and a library's: what a drag does, and zoom.

import { element } from "./dom.js";

/** Buttons of which one is pressed. `modes`: [[mode, text, title], ...]; `choose` is called with a mode. */
export function modeButtons(className, modes, choose) {
  const buttons = modes.map(([mode, textContent, title]) =>
    element("button", { type: "button", textContent, title, onclick: () => choose(mode), dataset: { mode } }),
  );
  return element("div", { className, role: "group", ariaLabel: "What a drag does" }, ...buttons);
}

export function pressMode(buttons, mode) {
  for (const each of buttons.children) each.setAttribute("aria-pressed", String(each.dataset.mode === mode));
}

/** Closer, farther, all: `zoom` is called with 1 or -1. */
export function zoomButtons(className, zoom, all) {
  const button = (textContent, title, onclick) =>
    element("button", { type: "button", textContent, title, ariaLabel: title, onclick }); // a sign is no name
  return element(
    "div",
    { className, role: "group", ariaLabel: "Zoom" },
    button("+", "Closer", () => zoom(1)),
    button("−", "Farther", () => zoom(-1)),
    button("⤢", "See all", all),
  );
}
