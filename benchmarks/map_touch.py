"""What a thumb on the map waits for: python -m benchmarks.map_touch [--taps 15] [--seconds 6] [--json]

Starts the app and opens its map of 5,000 points as a phone of 390 x 844 whose processor is slowed four times; the loop
plays. Prints how long the page's JavaScript works in each frame (by the browser's trace, in time of the processor, all
handlers and callbacks of frames whosever they are) while a finger moves the map and while two fingers zoom it; the
processor's time of all handlers of a tap, the scheduling of strokes among it; and the time from when a finger that taps
leaves the map to when the changed strokes are scheduled and to when the first of them is heard, with the grooves
in the browser, and where Python has to be asked. The browser has no GPU.
Needs what `make test` installs, and Debian's chromium.
"""

import argparse
import json
import math
import statistics
import time

import numpy as np
from playwright.sync_api import Browser, CDPSession, Locator, Page, ViewportSize

from benchmarks.served import Served, served
from benchmarks.traced import CATEGORIES, frames_ms, handlers_ms
from tests.e2e.visiting import open_deck, settle

PHONE: ViewportSize = {"width": 390, "height": 844}
SLOWED = 4
FRAME_SECONDS = 1 / 60
PATIENCE_MS = 300_000
WATCH = """
(root) => {
  const watch = (window.watch = { up: null, swapped: null, hit: null });
  const begin = (event) => Object.assign(watch, { up: event.timeStamp, swapped: null, hit: null });
  window.addEventListener("pointerup", begin, true);
  const { transport } = root;
  const { swap } = transport;
  transport.swap = (...args) => {
    window.isSwapping = watch.up !== null && watch.swapped === null;
    const found = swap.apply(transport, args);
    if (window.isSwapping) watch.swapped = performance.now() - watch.up;
    window.isSwapping = false;
    return found;
  };
  const { start } = AudioBufferSourceNode.prototype;
  AudioBufferSourceNode.prototype.start = function (when) {
    const at = performance.now() + (when - this.context.currentTime) * 1000;
    if (window.isSwapping || watch.swapped !== null) watch.hit = Math.min(watch.hit ?? Infinity, at - watch.up);
    return start.call(this, when);
  };
}
"""
ALL_HERE = "(n) => performance.getEntriesByType('resource').filter((e) => /[.]bin$/.test(e.name)).length >= n"
N_PARTS = 10  # of the grooves of 5,000 points

Fingers = list[tuple[float, float]]


class Hand:
    """Fingers on the map, as a screen reports them."""

    def __init__(self, page: Page, client: CDPSession) -> None:
        self.page, self.client = page, client
        box = page.locator(".map canvas.marks").bounding_box()
        assert box is not None
        self.left, self.top = box["x"], box["y"]
        self.width, self.height = box["width"], box["height"]

    def send(self, kind: str, fingers: Fingers) -> None:
        """`fingers`: shares of the map's width and height."""
        points = [
            {"x": self.left + x * self.width, "y": self.top + y * self.height, "id": i}
            for i, (x, y) in enumerate(fingers)
        ]
        self.client.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    def tap(self, x: float, y: float) -> None:
        self.send("touchStart", [(x, y)])
        self.send("touchEnd", [])


def opened(app: Served, *, with_grooves: bool) -> tuple[Page, Locator, CDPSession]:
    """The map on a phone that is slowed, while the loop plays."""
    context = app.browser.new_context(viewport=PHONE, has_touch=True, is_mobile=True)
    context.add_init_script('localStorage.setItem("rhythmvae hints read", "yes")')
    page = context.new_page()
    if not with_grooves:
        page.route("**/*.bin", lambda route: route.abort())
    deck = open_deck(page, f"{app.address}/map")
    page.locator(".dots[aria-busy=false]").wait_for(timeout=PATIENCE_MS, state="attached")
    page.wait_for_function(ALL_HERE, arg=N_PARTS, timeout=PATIENCE_MS)
    settle(page)
    deck.get_by_role("button", name="Play", exact=True).click()
    client = context.new_cdp_session(page)
    client.send("Emulation.setCPUThrottlingRate", {"rate": SLOWED})
    page.wait_for_timeout(1000)
    return page, deck, client


def work_ms(browser: Browser, hand: Hand, seconds: float, *, zooms: bool) -> list[float]:
    """Of the processor for each frame, while a finger moves the map or two zoom it."""

    def fingers(t: float) -> Fingers:
        x, y = 0.5 + 0.22 * math.sin(4 * t), 0.45 + 0.15 * math.cos(3 * t)
        apart = 0.12 + 0.08 * math.sin(2 * t)
        return [(x - apart, y), (x + apart, y)] if zooms else [(x, y)]

    hand.send("touchStart", fingers(0.0))
    browser.start_tracing(page=hand.page, categories=CATEGORIES)
    began = time.perf_counter()
    while (t := time.perf_counter() - began) < seconds:
        hand.send("touchMove", fingers(t))
        time.sleep(FRAME_SECONDS)
    hand.send("touchEnd", [])
    _, own = frames_ms(browser.stop_tracing())
    return own


def taps_ms(
    browser: Browser, page: Page, deck: Locator, hand: Hand, n_taps: int
) -> tuple[list[float], list[float], list[float]]:
    """From touches to strokes scheduled, and to the first that is heard; and what handlers of a tap work."""
    deck.evaluate(WATCH)
    browser.start_tracing(page=page, categories=CATEGORIES)
    rng = np.random.default_rng(0)
    scheduled: list[float] = []
    heard: list[float] = []
    while len(scheduled) < n_taps:
        hand.tap(*rng.uniform((0.3, 0.35), (0.7, 0.6)).tolist())
        page.wait_for_function("() => watch.swapped !== null && watch.hit !== null", timeout=PATIENCE_MS)
        found = page.evaluate("() => watch")
        scheduled.append(float(found["swapped"]))
        heard.append(float(found["hit"]))
        settle(page)
        page.evaluate("() => { watch.up = null; }")
    return scheduled, heard, handlers_ms(browser.stop_tracing(), ("pointerup",))


def told(values: list[float]) -> list[str]:
    p95 = float(np.percentile(values, 95))
    return [f"{statistics.median(values):.1f}", f"{p95:.1f}", f"{max(values):.1f}", f"{len(values):,}"]


def measured(app: Served, n_taps: int, seconds: float) -> list[list[str]]:
    page, deck, client = opened(app, with_grooves=True)
    hand = Hand(page, client)
    rows = [
        [
            "a frame's JavaScript, ms of the processor, while a finger moves the map",
            *told(work_ms(app.browser, hand, seconds, zooms=False)),
        ],
        [
            "a frame's JavaScript, ms of the processor, while two fingers zoom it",
            *told(work_ms(app.browser, hand, seconds, zooms=True)),
        ],
    ]
    page.locator(".map").get_by_role("button", name="See all").tap()
    scheduled, heard, work = taps_ms(app.browser, page, deck, hand, n_taps)
    rows.append(["all handlers of a tap, ms of the processor, grooves in the browser", *told(work)])
    rows.append(["tap to the changed strokes scheduled, grooves in the browser", *told(scheduled)])
    rows.append(["tap to the first of them heard, grooves in the browser", *told(heard)])
    page.context.close()
    page, deck, client = opened(app, with_grooves=False)
    scheduled, _, _ = taps_ms(app.browser, page, deck, Hand(page, client), n_taps)
    rows.append(["tap to the changed strokes scheduled, Python asked", *told(scheduled)])
    page.context.close()
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description="What a thumb on the map waits for.")
    parser.add_argument("--taps", type=int, default=15)
    parser.add_argument("--seconds", type=float, default=6.0)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with served() as app:
        rows = measured(app, options.taps, options.seconds)
    if options.json:
        print(json.dumps({"rows": rows}))
        return
    for what, median, p95, most, n in rows:
        print(f"{what}: median {median} ms, 95 % below {p95} ms, at most {most} ms ({n})")


if __name__ == "__main__":
    main()
