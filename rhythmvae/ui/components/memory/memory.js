// What a visitor made, held as long as the tab is open: a session that did not write it gets it back.

const PLACE = "rhythmvae";
const KEPT = "rhythmvae kept "; // and a mark, which the address carries: outlasts the tab
const MOST_KEPT = 2;
const MARK = "k"; // in the address
const answered = new Set(); // sessions
let wake = () => {};

export async function mount({ data, setTriggerValue, setStateValue }, base) {
  const { session, is_asked } = data;
  wake = () => setStateValue("woken", Date.now());
  watch();
  const held = read() ?? readKept();
  if (is_asked && held && held.session !== session) {
    if (!answered.has(session)) setTriggerValue("returned", held.text);
    answered.add(session);
    return; // until it has been taken
  }
  if (data.is_put_away) forgetKept(0);
  if (data.address) await hold(held, data, base);
  else sessionStorage.removeItem(PLACE);
}

async function hold(held, { session, address, mark }, base) {
  const isNew = held?.session !== session || held.address !== address;
  if (!isNew && (!mark || held.mark === mark)) return;
  const answer = await fetch(new URL(address, base));
  if (answer.ok) write({ session, address, mark, text: await answer.text() });
}

/** Streamlit connects to a new server without a word: have its script run, which finds out that it is new. */
function watch() {
  const app = document.querySelector("[data-testid=stApp]");
  if (!app || app.dataset.isWatched) return;
  app.dataset.isWatched = "yes";
  let wasConnected = true;
  const look = () => {
    const isConnected = app.dataset.testConnectionState === "CONNECTED";
    if (isConnected && !wasConnected) wake();
    wasConnected = isConnected;
  };
  new MutationObserver(look).observe(app, { attributeFilter: ["data-test-connection-state"] });
}

function read() {
  try {
    return JSON.parse(sessionStorage.getItem(PLACE));
  } catch {
    return null; // not ours
  }
}

function write(held) {
  try {
    sessionStorage.setItem(PLACE, JSON.stringify(held));
  } catch {
    sessionStorage.removeItem(PLACE); // too little room: an older state would be a wrong one
  }
  if (held.mark) writeKept(held);
}

// -- what outlasts the tab --------------------------------------------------------

function readKept() {
  try {
    const mark = new URL(location.href).searchParams.get(MARK);
    const kept = mark && JSON.parse(localStorage.getItem(KEPT + mark));
    return kept && { session: null, text: kept.text };
  } catch {
    return null; // not ours, or a browser that keeps nothing
  }
}

function writeKept({ mark, text }) {
  try {
    localStorage.removeItem(KEPT + mark);
    forgetKept(MOST_KEPT - 1);
    localStorage.setItem(KEPT + mark, JSON.stringify({ at: Date.now(), text }));
  } catch {
    forgetKept(0); // too little room
  }
}

/** All but the last few. */
function forgetKept(most) {
  const marks = Object.keys(localStorage).filter((name) => name.startsWith(KEPT));
  const at = (name) => Number(localStorage.getItem(name).match(/"at":(\d+)/)?.[1] ?? 0);
  for (const name of marks.sort((a, b) => at(b) - at(a)).slice(most)) localStorage.removeItem(name);
}
