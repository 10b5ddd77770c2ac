// Where the deck stands: at the bottom of Streamlit's page, from edge to edge; and, as a sheet, over all of it.

const ROOM_PX = 16; // between the deck and what has the focus

/** Streamlit leaves room around what stands at the bottom: the deck takes it back. */
export function takeRoom(root) {
  const bottom = root.getRootNode().host?.closest("[data-testid=stBottomBlockContainer]");
  if (!bottom) return;
  const { paddingTop, paddingLeft } = getComputedStyle(bottom);
  root.style.setProperty("--above", paddingTop);
  root.style.setProperty("--beside", paddingLeft);
  bottom.style.paddingBottom = "env(safe-area-inset-bottom, 0px)";
  bottom.querySelector("[data-testid=stVerticalBlock]").style.gap = "0";
  keepFocusInSight(bottom);
}

/** Parts of a page that fill the screen leave room for the deck: --deck-room is how high it is, places included. */
export function tellRoom(root) {
  const bottom = root.getRootNode().host?.closest("[data-testid=stBottom]");
  if (!bottom || bottom.dataset.tellsRoom) return;
  bottom.dataset.tellsRoom = "yes";
  const tell = () => document.documentElement.style.setProperty("--deck-room", `${bottom.offsetHeight}px`);
  new ResizeObserver(tell).observe(bottom); // the places come after the deck
  tell();
}

/** What gets the focus by a key, and lies behind the deck, is scrolled out from there. */
function keepFocusInSight(bottom) {
  const page = bottom.closest("[data-testid=stMain]");
  if (!page || page.dataset.keepsFocus) return;
  page.dataset.keepsFocus = "yes";
  page.addEventListener("focusin", ({ target }) => {
    if (bottom.contains(target) || target === page || !target.matches(":focus-visible")) return;
    const hidden = target.getBoundingClientRect().bottom - bottom.getBoundingClientRect().top;
    if (hidden > 0) page.scrollBy({ top: hidden + ROOM_PX });
  });
}

/** What has just unfolded in a part that scrolls is seen to its end, or from its beginning where it is too high. */
export function showWhole(unfolded) {
  const isHigh = unfolded.offsetHeight > unfolded.parentElement.clientHeight;
  unfolded.scrollIntoView({ block: isHigh ? "start" : "nearest" });
}

/** Everything but an element and what it is in. */
function others(root) {
  const found = [];
  for (let at = root; at && at !== document.body; at = at.parentNode ?? at.host) {
    if (at instanceof ShadowRoot) continue;
    for (const other of at.parentNode?.children ?? []) if (other !== at && !other.inert) found.push(other);
  }
  return found.filter((other) => !/^(SCRIPT|STYLE|LINK)$/.test(other.tagName));
}

/** Lay the deck over the whole screen, with nothing to reach behind it; gives what ends that. */
export function coverScreen(root) {
  const { host } = root.getRootNode();
  host.style.height = `${root.offsetHeight}px`; // what is behind stays where it is
  const behind = others(root);
  for (const other of behind) other.inert = true;
  root.popover = "manual";
  root.showPopover();
  return () => {
    for (const other of behind) other.inert = false;
    root.hidePopover();
    root.removeAttribute("popover");
    host.style.height = "";
  };
}

/** A step of the browser's history, for what Back closes instead of leaving the page; gives what takes it back. */
export function takeStep(onBack) {
  // Streamlit is not told, which would run the page that is there already; what writes the address is.
  const keep = (event) => {
    event.stopImmediatePropagation();
    dispatchEvent(new Event("rhythmvae stepped back"));
  };
  const wasTaken = (event) => {
    keep(event);
    forget();
    onBack();
  };
  const forget = () => removeEventListener("popstate", wasTaken, true);
  history.pushState(history.state, "");
  addEventListener("popstate", wasTaken, true);
  return () => {
    forget();
    addEventListener("popstate", keep, { capture: true, once: true });
    history.back();
  };
}
