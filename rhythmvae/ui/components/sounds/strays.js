// Files that are dropped beside every box: a browser would leave the app and open them. A box of the page gets them,
// and where it has none, the one in "Get a groove", which is opened for it.

import { foldersOf } from "./folders.js";

const BOXES = "[data-testid=stFileUploader]:has(input[multiple])";
const PLACES = ["[data-testid=stPopoverBody]", "[data-testid=stMain]"]; // where a box is looked for
const OPENER = "[class*=st-key-get-a-groove] [data-testid=stPopoverButton]";
const OPENS_MS = 5000;
const LOOK_MS = 50;

/** `give` is called with files, or with what was dropped as folders, and the box that gets them. */
export function catchStrays(give) {
  addEventListener("dragover", (event) => isStray(event) && event.preventDefault());
  addEventListener("drop", async (event) => {
    if (!isStray(event)) return;
    event.preventDefault();
    const [files, folders] = [[...event.dataTransfer.files], foldersOf(event.dataTransfer)]; // gone a moment later
    const box = boxInSight() ?? (await openBox());
    if (box) give(files, folders, box);
  });
}

/** Whoever takes files, as the deck's lanes do, lets nobody else hear of it or says that it is taken. */
function isStray({ defaultPrevented, dataTransfer, target }) {
  const isTaken = defaultPrevented || target.closest?.("[data-testid=stFileUploader], input");
  return !isTaken && [...(dataTransfer?.types ?? [])].includes("Files");
}

function boxInSight() {
  const boxes = PLACES.flatMap((place) => Array.from(document.querySelectorAll(`${place} ${BOXES}`)));
  return boxes.find((box) => box.checkVisibility());
}

/** The box of "Get a groove"; nothing where it does not open. */
async function openBox() {
  document.querySelector(OPENER)?.click();
  const end = performance.now() + OPENS_MS;
  return new Promise((resolve) => {
    const look = () => {
      const box = boxInSight();
      if (box || performance.now() > end) resolve(box);
      else setTimeout(look, LOOK_MS);
    };
    look();
  });
}
