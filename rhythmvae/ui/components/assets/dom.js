// What all components make their pages of.

/** An element with properties, `dataset`, `role` and `aria...` among them, and children. */
export function element(tag, properties = {}, ...children) {
  const { dataset, ...own } = properties;
  const found = Object.assign(document.createElement(tag), own);
  for (const [name, value] of Object.entries(properties)) {
    if (name.startsWith("aria") || name === "role")
      found.setAttribute(name.replace(/^aria([A-Z])/, "aria-$1").toLowerCase(), value);
  }
  Object.assign(found.dataset, dataset);
  found.append(...children);
  return found;
}

const FINGER_EVENT = "rhythmvae finger";

/**
 * What lies under a finger is heard by the deck at once: `lane` has hits, and where they are in another frame than what
 * is in hand, all of that; `stands` says where it has the sliders stand, `starts` that it begins to play where nothing
 * does, and `swap`: {parts, voices} which parts of it go into the groove in hand (deck/swapping.js). Without hits there
 * is nothing new to hear yet: `starts` alone. Null when Python's own answer is there.
 */
export function hearFinger(lane) {
  document.dispatchEvent(new CustomEvent(FINGER_EVENT, { detail: lane }));
}

/** `listener` is called with what `hearFinger` was; gives what ends that. */
export function onFinger(listener) {
  const hear = ({ detail }) => listener(detail);
  document.addEventListener(FINGER_EVENT, hear);
  return () => document.removeEventListener(FINGER_EVENT, hear);
}

const HEARD_EVENT = "rhythmvae heard";

/** The deck tells what is heard: {role, id} of its lane; `listener` of `onHeard` is called with it. */
export function tellHeard(heard) {
  document.dispatchEvent(new CustomEvent(HEARD_EVENT, { detail: heard }));
}

/** Gives what ends it. */
export function onHeard(listener) {
  const hear = ({ detail }) => listener(detail);
  document.addEventListener(HEARD_EVENT, hear);
  return () => document.removeEventListener(HEARD_EVENT, hear);
}

const RAW_MS = 8; // a mouse may tell a thousand moves a second

/**
 * `handle` hears of a pointer's moves as soon as the browser does, where it tells: `pointermove` comes only with the
 * next frame, which on a slow phone is long.
 */
export function onMove(target, handle) {
  let heardAt = -Infinity;
  target.addEventListener("pointermove", handle);
  target.addEventListener("pointerrawupdate", (event) => {
    if (event.timeStamp - heardAt < RAW_MS) return;
    heardAt = event.timeStamp;
    handle(event);
  });
}

/** A part of the page that is not shown takes no room, nor does the gap beside it. */
export function showPart(parent, isShown) {
  const container = parent.host?.closest("[data-testid=stElementContainer]");
  if (container) container.style.display = isShown ? "" : "none";
}

const TURN = Symbol.for("rhythmvae turn"); // of the one component that may speak

/**
 * What is said within a moment Streamlit sends as one, and runs the fragment of whoever spoke first: of what another
 * said, its page would show nothing. So each component waits until the one before it has been sent.
 */
function inTurn(owner, say) {
  const turn = (window[TURN] ??= { owner: null, waiting: [] });
  const over = () => {
    turn.owner = null;
    for (const speak of turn.waiting.splice(0)) speak();
  };
  return (...words) => {
    const speak = () => {
      if (turn.waiting.length || (turn.owner ?? owner) !== owner) {
        turn.waiting.push(speak);
        return;
      }
      say(...words);
      if (!turn.owner) setTimeout(over); // behind Streamlit's own
      turn.owner = owner;
    };
    speak();
  };
}

const mounted = new WeakMap(); // by the element they live in
const INHABITED = Symbol.for("rhythmvae inhabited"); // the same in every module, and in every version of one

/**
 * Streamlit calls `mount` again whenever Python has news: what lives in the element is made once, told each time,
 * and removed with it.
 *
 * A server that was restarted with another version names other modules, under a page that is open. A second deck beside
 * the first would play and hear keys as the first does, so the page begins anew; what it had, it has again.
 */
export function live(component, make) {
  const { parentElement } = component;
  if (!mounted.has(parentElement)) {
    if (parentElement[INHABITED]) {
      location.reload();
      return () => {};
    }
    parentElement[INHABITED] = true;
    mounted.set(parentElement, make(parentElement));
  }
  const inhabitant = mounted.get(parentElement);
  const { setStateValue, setTriggerValue } = component;
  inhabitant.update({
    ...component,
    setStateValue: inTurn(parentElement, setStateValue),
    setTriggerValue: inTurn(parentElement, setTriggerValue),
  });
  return () => {
    // A mount takes a moment (loader.js). When newer data overtake it, Streamlit calls what it returns at once, though
    // the element stays and the newer data come for the same inhabitant.
    if (parentElement.isConnected) return;
    inhabitant.remove();
    mounted.delete(parentElement);
    delete parentElement[INHABITED];
  };
}
