// Files that a page writes: a press on one, while Python is still to hear what a hand has just changed, waits for that.

import { isAtRest, until } from "./resting.js";
import { PATIENCE_MS } from "./take.js";

const WRITTEN = "[data-testid=stDownloadButton] button";

/** Of a page on which `music` is played. Gives what ends it. */
export function holdDownloads(music) {
  const isKnown = () => (!music.data || music.isUpToDate) && isAtRest();
  const isTouched = () => Boolean(music.data && music.isTouched);
  /** What is touched meanwhile takes this file's place by another, and is waited for as well. */
  const untilKnown = async (end) => {
    if (isTouched()) await music.tellTouches(PATIENCE_MS);
    await until(isKnown, PATIENCE_MS);
    if (isTouched() && performance.now() < end) await untilKnown(end);
  };
  const held = new Set(); // labels of buttons that were pressed
  let isOurs = false;
  const press = async (event) => {
    const button = event.target.closest?.(WRITTEN);
    if (!button || isOurs || (!isTouched() && isKnown())) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    const label = button.textContent;
    if (held.has(label)) return;
    held.add(label);
    await untilKnown(performance.now() + PATIENCE_MS);
    held.delete(label);
    isOurs = true;
    pressed(button, label)?.click();
    isOurs = false;
  };
  document.addEventListener("click", press, { capture: true });
  return () => document.removeEventListener("click", press, { capture: true });
}

/** The button that was pressed; the page may have been drawn anew since. */
function pressed(button, label) {
  if (button.isConnected) return button;
  return [...document.querySelectorAll(WRITTEN)].find(({ textContent }) => textContent === label);
}
