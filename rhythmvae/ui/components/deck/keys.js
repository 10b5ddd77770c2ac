// Space plays wherever the focus is, but where it writes or where it works a control; and a click leaves no focus
// behind on which it would work one. A place that is chosen in the sheet of places goes with it: the focus goes on to
// the heading of its page.

const WRITES = "input, textarea, select, [contenteditable], [role=combobox], [role=textbox], [role=searchbox]";
const WITHOUT_TEXT = "input:is([type=range], [type=file], [type=color])"; // Space does nothing there
const WORKED =
  "button, summary, input:is([type=checkbox], [type=radio], [type=button], [type=submit]), " +
  ":is([role=button], [role=checkbox], [role=radio], [role=switch], [role=tab], [role=option], [role=menuitem])";

/** What has the focus, in whatever component it lives. */
function focused() {
  let found = document.activeElement;
  while (found?.shadowRoot?.activeElement) found = found.shadowRoot.activeElement;
  return found;
}

function isSpaceTaken(element) {
  if (element.closest(WITHOUT_TEXT)) return false;
  return element.closest(WRITES) !== null || element.closest(WORKED) !== null;
}

/** A click with a mouse or a finger on what Space works: it need not stay chosen. */
function letGo(event) {
  if (!event.detail || !event.isTrusted) return; // a key did it
  const clicked = event.composedPath();
  setTimeout(() => {
    const now = focused();
    const isPressed = now?.matches?.(`a, ${WORKED}`) && !now.matches("[aria-haspopup], [role=option]");
    if (isPressed && (clicked.includes(now) || clicked.includes(now.closest("label")))) now.blur();
  });
}

const PLACE = "[data-testid=stPopoverBody] [data-testid=stPageLink-NavLink]";
const HEADING = "[data-testid=stMain] h1";
const ARRIVES_MS = 10_000;
const ARRIVING_MS = 50;

/** A place was chosen: wait until it is gone, and its page is there. Who has gone elsewhere meanwhile is left there. */
function goAlong({ target }) {
  const link = target.closest?.(PLACE);
  if (!link) return;
  const before = document.querySelector(HEADING)?.textContent;
  const end = performance.now() + ARRIVES_MS;
  const look = () => {
    const heading = document.querySelector(HEADING);
    const isRunning = document.querySelector("[data-testid=stApp]")?.dataset.testScriptState === "running";
    const isThere = !link.isConnected && heading && (heading.textContent !== before || !isRunning);
    if (!isThere) {
      if (performance.now() < end) setTimeout(look, ARRIVING_MS);
      return;
    }
    if (document.activeElement && document.activeElement !== document.body) return;
    heading.tabIndex = -1;
    heading.focus({ preventScroll: true });
  };
  setTimeout(look, ARRIVING_MS);
}

/** `toggle`, which is given the event, plays or pauses. */
export function listenToSpace(toggle) {
  document.addEventListener(
    "keydown",
    (event) => {
      if (event.key !== " " || event.ctrlKey || event.metaKey || event.altKey) return;
      const [target] = event.composedPath();
      if (target instanceof Element && isSpaceTaken(target)) return;
      event.preventDefault();
      event.stopPropagation();
      if (!event.repeat) toggle(event);
    },
    true,
  );
  document.addEventListener("click", letGo, true);
  document.addEventListener("click", goAlong, true);
}
