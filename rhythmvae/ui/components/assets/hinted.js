// Whether this browser's visitor has read the hints. The deck asks it first, for it is there before the hints are:
// where they were read, the page (ui/parts/shell.css) keeps no room for them. So nothing moves, whether they come or
// not.

const HINTS_PLACE = "rhythmvae hints read";
const HINTS_READ = "rhythmvae-hints-read"; // a class of the whole page

/** Whether they were read, which the page is told. */
export function areHintsRead() {
  let isRead = false;
  try {
    isRead = localStorage.getItem(HINTS_PLACE) !== null;
  } catch {
    // a browser that keeps nothing
  }
  if (isRead) document.documentElement.classList.add(HINTS_READ);
  return isRead;
}

/** They are read from now on. */
export function keepHintsRead() {
  try {
    localStorage.setItem(HINTS_PLACE, "yes");
  } catch {
    // A browser that keeps nothing: they are gone as long as the page is open.
  }
  document.documentElement.classList.add(HINTS_READ);
}
