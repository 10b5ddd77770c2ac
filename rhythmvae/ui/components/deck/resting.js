// What a hand did to a page's controls, and whether Python can know of it. Streamlit's own hold a value back for a
// moment and send it then: a file that is asked for meanwhile would be that of before. How long the server takes to
// hear of it cannot be seen, so the deck sends a word of its own behind it (music.js), which comes back with what was
// made of both.

const PAGE = "[data-testid=stMain]";
const PULLED = "[data-testid=stSlider]"; // tells nobody while it is pulled, and of no key by an event of its own
const PRESSED = "button, label, [role=option]";
const ASKING = "[data-testid=stDownloadButton] button";
const HELD_BACK_MS = 350; // 200 of Streamlit's, and what a busy page adds
const RECENT_MS = 5000; // what was touched before that is known
const REST_LOOK_MS = 50;

let touchedAt = -Infinity;
let nTouches = 0;
let isPulled = false;

const isOn = (target, what) => target instanceof Element && target.closest(PAGE) && target.closest(what);

function touch() {
  touchedAt = performance.now();
  nTouches += 1;
}

for (const kind of ["input", "change"]) addEventListener(kind, ({ target }) => isOn(target, "*") && touch(), true);
addEventListener("keydown", ({ target }) => isOn(target, PULLED) && touch(), true);
addEventListener("pointerdown", ({ target }) => (isPulled = Boolean(isOn(target, PULLED))), true);
addEventListener("pointerup", () => isPulled && touch(), true);
addEventListener("click", ({ target }) => isOn(target, PRESSED) && !target.closest(ASKING) && touch(), true);

/** How often a hand touched a control of the page, where the last time was a moment ago; else 0. */
export function touchesJustNow() {
  return performance.now() - touchedAt > RECENT_MS ? 0 : nTouches;
}

/** Whether Streamlit has sent what the last touch changed. */
export function isSent() {
  return performance.now() - touchedAt > HELD_BACK_MS;
}

/** Whether the page is drawn as Python has it. */
export function isAtRest() {
  return document.querySelector("[data-testid=stApp]")?.dataset.testScriptState !== "running";
}

/** It is so, or nobody waits for it any longer. */
export function until(isSo, mostMs) {
  const end = performance.now() + mostMs;
  return new Promise((resolve) => {
    const look = () => {
      if (isSo() || performance.now() > end) resolve();
      else setTimeout(look, REST_LOOK_MS);
    };
    look();
  });
}
