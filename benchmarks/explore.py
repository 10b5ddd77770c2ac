"""What a hand in the menu or at a slider's keys waits for: python -m benchmarks.explore

Starts the app, warms it, and prints from a browser: seconds from a click in the menu until the map has its points; over
15 presses of a slider's key on the variations page while it plays, the milliseconds until the first hit of the changed
groove is heard, and until the slider's line says what came; and how many grooves a second are heard while a hand drags
a slider. `map_touch` and `finger` have what a hand on the map, at a slider and at the pad waits for.
Needs what `make test` installs, and Debian's chromium.
"""

import statistics
import time
from collections.abc import Callable

import numpy as np
from playwright.sync_api import Locator, Page, ViewportSize

from benchmarks.served import served
from tests.e2e.listening import play
from tests.e2e.visiting import WAIT_MS, go_to, settle

VIEWPORT: ViewportSize = {"width": 1280, "height": 900}
N_SWITCHES = 5
N_GESTURES = 15
DRAG_SECONDS = 4.0

# Whether something is drawn within the canvas of the map.
HAS_POINTS = """() => {
  const roots = [...document.querySelectorAll("*")].map((e) => e.shadowRoot).filter(Boolean);
  const canvas = roots.map((root) => root.querySelector(".map canvas.picture")).find(Boolean);
  if (!canvas?.width) return false;
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  let n = 0;
  for (let i = 3; i < data.length; i += 4) n += data[i] > 0;
  return n > 5000;
}"""
# From a gesture to the hit that its groove strikes first, and to the line that says what came of it.
WATCH = """
(root) => {
  const watch = (window.watch = { began: null, swapped: null, hit: null, line: null });
  const begin = (event) => Object.assign(watch, { began: event.timeStamp, swapped: null, hit: null, line: null });
  for (const type of ["pointerdown", "keydown"]) window.addEventListener(type, begin, true);
  const { transport } = root;
  const { swap } = transport;
  transport.swap = (...args) => {
    watch.swapped ??= performance.now() - watch.began;
    return swap.apply(transport, args);
  };
  const { start } = AudioBufferSourceNode.prototype;
  AudioBufferSourceNode.prototype.start = function (when) {
    const at = performance.now() + (when - this.context.currentTime) * 1000;
    if (watch.swapped !== null) watch.hit ??= at - watch.began;
    return start.call(this, when);
  };
  const roots = [...document.querySelectorAll("*")].map((e) => e.shadowRoot).filter(Boolean);
  const line = roots.map((root) => root.querySelector(".sliders .line")).find(Boolean);
  if (!line) return;
  new MutationObserver(() => {
    if (line.ariaBusy === "false" && watch.began) watch.line ??= performance.now() - watch.began;
  }).observe(line, { attributeFilter: ["aria-busy"] });
}
"""
COUNT = """
(root) => {
  window.n_swapped = 0;
  const { transport } = root;
  const { swap } = transport;
  transport.swap = (...args) => {
    window.n_swapped += 1;
    return swap.apply(transport, args);
  };
}
"""


def switch_seconds(page: Page) -> list[float]:
    """From a click on the menu to points on the canvas."""
    found = []
    for _ in range(N_SWITCHES):
        go_to(page, "About")
        page.wait_for_selector("h1:has-text('About')", timeout=WAIT_MS)
        settle(page)
        began = time.perf_counter()
        page.locator(".st-key-places").get_by_role("link", name="Latent map").click()
        page.wait_for_function(HAS_POINTS, polling="raf", timeout=WAIT_MS)
        found.append(time.perf_counter() - began)
        settle(page)
    return found


def gestures_ms(page: Page, player: Locator, gesture: Callable[[int], None], until: str) -> list[dict[str, float]]:
    """What was waited for after each of N_GESTURES while it plays."""
    player.evaluate(WATCH)
    found = []
    for n in range(N_GESTURES):
        gesture(n)
        page.wait_for_function(f"() => watch.{until} !== null && watch.hit !== null", timeout=WAIT_MS)
        found.append(page.evaluate("() => watch"))
        settle(page)
    return found


def told(what: str, found: list[dict[str, float]], name: str) -> None:
    values = [each[name] for each in found]
    print(f"{what}: median {statistics.median(values):.0f} ms, at most {max(values):.0f} ms")


def to_the_map(page: Page) -> None:
    seconds = switch_seconds(page)
    print(f"menu to points: median {statistics.median(seconds):.2f} s, at most {max(seconds):.2f} s")


def slider(page: Page) -> Locator:
    """The first of the measured sliders, on the variations page."""
    return page.get_by_role("slider", name="Density", exact=True)


def on_variations(page: Page) -> None:
    player = page.locator(".deck")
    player.get_by_role("radio", name="Result").wait_for(timeout=WAIT_MS)
    settle(page)
    player.get_by_role("radio", name="Result").click()
    density = slider(page)
    density.focus()
    density.press("ArrowRight")  # the first waits for what all others find done
    settle(page)
    play(player)
    density.focus()
    found = gestures_ms(page, player, lambda _: density.press("ArrowRight"), "line")
    told("slider to the changed groove", found, "swapped")
    told("slider to its first hit", found, "hit")
    told("slider to what came", found, "line")
    dragging(page, player, density)


def dragging(page: Page, player: Locator, moved: Locator) -> None:
    box = moved.bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    player.evaluate(COUNT)
    page.mouse.move(x, y)
    page.mouse.down()
    began = time.perf_counter()
    while (now := time.perf_counter() - began) < DRAG_SECONDS:
        page.mouse.move(x + 0.4 * box["width"] * np.sin(2 * now), y)
        page.wait_for_timeout(16)  # as often as a screen is drawn
    n = page.evaluate("() => window.n_swapped")
    page.mouse.up()
    print(f"slider dragged: {n / DRAG_SECONDS:.1f} grooves a second")
    settle(page)


def main() -> None:
    with served() as app:
        page = app.browser.new_context(viewport=VIEWPORT).new_page()
        page.goto(f"{app.address}/map")
        page.wait_for_function(HAS_POINTS, timeout=WAIT_MS)
        settle(page)
        to_the_map(page)
        page.goto(f"{app.address}/variations")
        on_variations(page)


if __name__ == "__main__":
    main()
