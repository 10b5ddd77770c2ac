// What a visitor made, held as long as the tab is open: a session that did not write it gets it back.

const PLACE = "rhythmvae";
const answered = new Set(); // sessions
let wake = () => {};

export async function mount({ data, setTriggerValue, setStateValue }, base) {
  const { session, address, is_asked } = data;
  wake = () => setStateValue("woken", Date.now());
  watch();
  const held = read();
  if (is_asked && held && held.session !== session) {
    if (!answered.has(session)) setTriggerValue("returned", held.text);
    answered.add(session);
    return; // until it has been taken
  }
  if (!address) sessionStorage.removeItem(PLACE);
  else if (held?.session !== session || held.address !== address) {
    const answer = await fetch(new URL(address, base));
    if (answer.ok) write({ session, address, text: await answer.text() });
  }
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
}
