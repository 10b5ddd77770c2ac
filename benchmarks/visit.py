"""What a visitor waits for, and what comes over the line: python -m benchmarks.visit [--memory] [--json]

Opens the app and, beside it, a Streamlit page with nothing but a heading, one after the other in fresh browser
profiles, as a desktop and as a phone (390 x 844, touch, CPU slowed four times), --visits each. Prints for each kind the
median seconds from the address to the heading of either, to a deck whose Play sounds at once, and to the figures; bytes
of a first visit, as they come over the line; seconds of a page switch to its title and to rest, and the longest task
that holds the browser's thread. With --memory five visitors see the map and deal variations, and the server's resident
memory (Linux) is printed. Needs what `make test` installs, and Debian's chromium.
On a busy machine only the differences and the counts say anything.
"""

import argparse
import os
import re
import sys
from collections import defaultdict
from pathlib import Path
from statistics import median
from typing import Any

from playwright.sync_api import Browser, Page

from benchmarks.figures import told
from benchmarks.served import Served, empty, served
from tests.e2e.visiting import settle

N_VISITORS = 5
SLOWER = 4  # a phone's CPU
WAIT_MS = 90_000 * SLOWER  # what takes a desktop on a busy machine half a minute takes a phone there two
KINDS: dict[str, dict[str, Any]] = {
    "desktop": {"viewport": {"width": 1440, "height": 900}},
    "phone": {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True},
}
PLACES = ("Latent map", "Variations", "Train", "Reconstruct")
# When each first stood there, in ms from the address, seen from within: nobody's waiting is in between.
MARKS = """() => {
  window.marks = {};
  window.tasks = [];
  new PerformanceObserver((list) => window.tasks.push(...list.getEntries().map((e) => [e.startTime, e.duration])))
    .observe({ type: "longtask", buffered: true });
  const seen = {
    heading: () => document.querySelector("h1"),
    play: () => [...document.querySelectorAll("[data-testid=stBottom] *")]
      .some((e) => e.shadowRoot?.querySelector(".deck .play") && e.shadowRoot.querySelector(".deck").transport.isReady),
    figures: () => document.querySelector("[data-testid=stMetric]"),
  };
  const look = () => {
    for (const [name, is] of Object.entries(seen)) if (!(name in marks) && is()) marks[name] = performance.now();
    setTimeout(look, 20);
  };
  document.addEventListener("DOMContentLoaded", look);
}"""
# From a press on a link to another title and to rest. The press is when the browser has it: what looks for the link and
# waits until it lies still runs in the page too, on a phone for a tenth of a second. It looks on only where something
# has changed.
SWITCH = """() => {
  window.switched = {};
  const [title, app] = [document.querySelector("h1").textContent, document.querySelector("[data-testid=stApp]")];
  const state = "data-test-script-state";
  let began, changedAt;
  addEventListener("click", () => (began = changedAt = performance.now()), { capture: true, once: true });
  new MutationObserver(() => (changedAt = performance.now())).observe(app, { attributeFilter: [state] });
  const titled = new MutationObserver(() => {
    const heading = document.querySelector("h1");
    if (began === undefined || !heading || heading.textContent === title) return;
    titled.disconnect();
    switched.title = performance.now() - began;
    // A short run may leave no sign of itself. One that comes after the title begins within a fifth of a second.
    setTimeout(rest, 200);
  });
  titled.observe(app, { subtree: true, childList: true, characterData: true });
  const rest = () => {
    if (app.getAttribute(state) !== "notRunning") setTimeout(rest, 20);
    else switched.rest = Math.max(changedAt - began, switched.title);
  };
}"""


def opened(browser: Browser, address: str, kind: str) -> tuple[Page, list[int]]:
    """A first visit in a fresh profile, and the bytes of each answer, which goes on growing."""
    page = browser.new_context(**KINDS[kind]).new_page()
    page.set_default_timeout(WAIT_MS)
    page.add_init_script(f"({MARKS})()")
    session = page.context.new_cdp_session(page)
    if kind == "phone":
        session.send("Emulation.setCPUThrottlingRate", {"rate": SLOWER})
    session.send("Network.enable")
    received: list[int] = []
    session.on("Network.loadingFinished", lambda event: received.append(event["encodedDataLength"]))
    session.on("Network.webSocketFrameReceived", lambda event: received.append(len(event["response"]["payloadData"])))
    page.goto(address)
    return page, received


def visited(browser: Browser, app: str, nothing: str, kind: str, found: dict[str, list[float]]) -> None:
    """One pair of first visits, and a walk through the pages."""
    page, received = opened(browser, nothing, kind)
    page.wait_for_function("() => marks.heading", polling=250)
    settle(page, WAIT_MS)
    found["empty: heading s"].append(page.evaluate("() => marks.heading") / 1000)
    found["empty: MB"].append(sum(received) / 1e6)
    page.context.close()
    page, received = opened(browser, app, kind)
    page.wait_for_function("() => marks.play && marks.figures", polling=250)
    settle(page, WAIT_MS)
    for name, ms in page.evaluate("() => marks").items():
        found[f"app: {name} s"].append(ms / 1000)
    found["app: MB"].append(sum(received) / 1e6)
    found["playable after the empty page's heading s"].append(found["app: play s"][-1] - found["empty: heading s"][-1])
    for place in PLACES:
        switch(page, place, found)
    page.context.close()


def switch(page: Page, place: str, found: dict[str, list[float]]) -> None:
    link = page.locator(".st-key-places").get_by_role("link", name=place, exact=True)
    page.evaluate(SWITCH)
    began = page.evaluate("() => performance.now()")
    link.click()
    page.wait_for_function("() => switched.rest", polling=100)
    for what, ms in page.evaluate("() => switched").items():
        found[f"switch to {place}: {what} s"].append(ms / 1000)
    settle(page, WAIT_MS)
    tasks = page.evaluate("(began) => tasks.filter(([at]) => at >= began).map(([, ms]) => ms)", began)
    found[f"switch to {place}: longest task ms"].append(max(tasks, default=0.0))


def visits(app: Served, n: int) -> list[list[str]]:
    """A row for each thing that is measured: its name, and for each kind the median, the least and the most."""
    found: dict[str, dict[str, list[float]]] = {kind: defaultdict(list) for kind in KINDS}
    with empty() as nothing:
        for kind in KINDS:
            for _ in range(n):
                visited(app.browser, app.address, nothing, kind, found[kind])
                print(".", end="", flush=True, file=sys.stderr)
    print(f" load {os.getloadavg()[0]:.0f} on {os.cpu_count()} cores", file=sys.stderr)
    return [[name, *(_said(of[name]) for of in found.values())] for name in next(iter(found.values()))]


def _said(values: list[float]) -> str:
    return f"{median(values):.2f} ({min(values):.2f} to {max(values):.2f})"


def print_memory(app: Served) -> None:
    for _ in range(N_VISITORS):
        page = app.browser.new_context().new_page()
        page.goto(app.address)
        see_the_rest(page)
    status = Path(f"/proc/{app.pid}/status").read_text("utf-8")
    resident = re.search(r"VmRSS:\s+(\d+)", status)
    print(f"server: {int(resident[1]) / 1024:.0f} MB" if resident else "server: memory unknown", file=sys.stderr)


def see_the_rest(page: Page) -> None:
    """The pages that hold more; all visitors stay."""
    page.locator(".st-key-places").get_by_role("link", name="Latent map").click(timeout=WAIT_MS)
    page.wait_for_selector("canvas")
    page.locator(".st-key-places").get_by_role("link", name="Variations").click()
    page.get_by_role("button", name="Deal variations").click(timeout=WAIT_MS)
    page.wait_for_selector(".cards .card")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--visits", type=int, default=3)
    parser.add_argument("--memory", action="store_true")
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    with served() as app:
        rows = visits(app, asked.visits)
        if asked.memory:
            print_memory(app)
    told(("what", "desktop", "phone"), rows, as_json=asked.json)


if __name__ == "__main__":
    main()
