// Whether a page knows what a hand did to its controls last. Streamlit's own hold a value back for a moment and send it
// then, and only the run that follows is seen: a file that is asked for meanwhile would be that of before.

const PAGE = "[data-testid=stMain]";
const PULLED = "[data-testid=stSlider]"; // tells nobody while it is pulled, and of no key by an event of its own
const PRESSED = "button, label, [role=option]";
const ASKING = "[data-testid=stDownloadButton] button";
const HELD_BACK_MS = 350; // 200 of Streamlit's, and the way to the server and back
const RECENT_MS = 5000; // what runs later than that was not begun by that hand
const REST_LOOK_MS = 50;

let touchedAt = -Infinity;
let isPulled = false;

const touch = () => (touchedAt = performance.now());
const isOn = (target, what) => target instanceof Element && target.closest(PAGE) && target.closest(what);

for (const kind of ["input", "change"]) addEventListener(kind, ({ target }) => isOn(target, "*") && touch(), true);
addEventListener("keydown", ({ target }) => isOn(target, PULLED) && touch(), true);
addEventListener("pointerdown", ({ target }) => (isPulled = Boolean(isOn(target, PULLED))), true);
addEventListener("pointerup", () => isPulled && touch(), true);
addEventListener("click", ({ target }) => isOn(target, PRESSED) && !target.closest(ASKING) && touch(), true);

/** Whether the page is drawn, with what was done to its controls in it. */
export function isAtRest() {
  const isRunning = document.querySelector("[data-testid=stApp]")?.dataset.testScriptState === "running";
  return !isRunning && performance.now() - touchedAt > HELD_BACK_MS;
}

/** The same of what a hand did just now; whatever else runs is not waited for. */
export function isTouchKnown() {
  return performance.now() - touchedAt > RECENT_MS || isAtRest();
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
