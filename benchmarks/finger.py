"""From a finger's move to the sound that answers: python -m benchmarks.finger [--moves 60] [--seconds 60] [--json]

Starts the app and opens the Variations page as a phone that is touched, with its processor slowed four times, while the
deck plays. Drags two sliders and the pad, a move every 70 ms: prints the time from the first touch to the first changed
strokes that are scheduled, and the median and 95th percentile of that time over the moves after it that change the
groove, and of what of it passes in the page itself: before that a browser that is so slow has yet to hear of the move.
The processor's time of all handlers of a move says what the page works, whatever else the machine does meanwhile.
Sliders are touched as usual, when the page has been at rest and their lanes are there; unforeseen, with nothing
made before; and as it was before lanes, when each move asked Python.

Then a mouse drags all sliders wildly, and then the pad, for so many seconds each, while what the deck puts out is
recorded: the largest distance of a hat from its place, the longest time without a stroke, and how often the groove
changed. Needs what `make test` installs, and Debian's chromium.
"""

import argparse
import json
import statistics
import sys
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from playwright.sync_api import CDPSession, Locator, Page, ViewportSize

from benchmarks.served import Served, served
from benchmarks.traced import CATEGORIES, handlers_ms
from rhythmvae import share
from rhythmvae.data.examples import example
from rhythmvae.model import checkpoint
from tests.e2e.visiting import open_deck, settle

PHONE: ViewportSize = {"width": 390, "height": 844}
WIDE: ViewportSize = {"width": 1440, "height": 1200}
SLOWED = 4
BETWEEN_MS = 70
NAMES = ("Density", "Dynamics")
PATIENCE_MS = 90_000
WAYS = {
    "a slider whose lane is there": "ready",
    "a slider unforeseen": "unforeseen",
    "a slider, each move asked of Python": "asking",
    "the pad": "pad",
}
# Notes when a move came, and when the transport was given another groove to play and had scheduled its strokes.
WATCH = """
(root) => {
  window.moves = [];
  window.swaps = [];
  window.nSwaps = 0;
  for (const kind of ["input", "pointermove", "pointerrawupdate"])
    document.addEventListener(kind, (event) => window.moves.push([event.timeStamp, performance.now()]), true);
  document.addEventListener("pointerdown", (event) => (window.down = event.timeStamp), true);
  const { transport } = root;
  const { swap } = transport;
  transport.swap = (groove) => {
    const found = swap.call(transport, groove);
    window.swaps.push(performance.now());
    window.nSwaps += 1;
    return found;
  };
}
"""
# As before lanes: what a finger hears is left out, and a move goes to Python at once.
WITHOUT = """
() => {
  const { dispatchEvent } = document;
  document.dispatchEvent = (event) => event.type === "rhythmvae finger" || dispatchEvent.call(document, event);
}
"""


@dataclass
class Touched:
    """Milliseconds: of the first touches, and of the moves after them; `own` from where the page hears of the move.
    `work` is of the processor, of all moves."""

    first: list[float] = field(default_factory=list)
    later: list[float] = field(default_factory=list)
    own: list[float] = field(default_factory=list)
    work: list[float] = field(default_factory=list)


def _spread(values: list[float]) -> tuple[float, float]:
    if len(values) < 2:
        return float("nan"), float("nan")
    return statistics.median(values), statistics.quantiles(values, n=20)[-1]


class Finger:
    """On a screen, at a place of an element that is given in shares of its size."""

    def __init__(self, page: Page, target: Locator) -> None:
        self.client: CDPSession = page.context.new_cdp_session(page)
        box = target.bounding_box()
        assert box is not None
        self.box = box

    def touch(self, kind: str, x: float = 0.0, y: float = 0.5) -> None:
        at = {"x": self.box["x"] + x * self.box["width"], "y": self.box["y"] + y * self.box["height"]}
        points = [] if kind == "touchEnd" else [at]
        self.client.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})


def drag(
    page: Page, target: Locator, n_moves: int, place: Callable[[int], tuple[float, float]], found: Touched
) -> None:
    """Touch it and go from place to place."""
    finger = Finger(page, target)
    page.evaluate("() => { moves.length = swaps.length = 0; }")
    finger.touch("touchStart", 0.5)
    for share_of_way in (0.44, 0.38, 0.32):
        finger.touch("touchMove", share_of_way)
        page.wait_for_timeout(BETWEEN_MS)
    page.wait_for_function("() => swaps.length > 0", timeout=PATIENCE_MS)
    found.first.append(float(page.evaluate("() => swaps[0] - down")))
    page.wait_for_timeout(1000)
    browser = page.context.browser
    assert browser is not None
    browser.start_tracing(page=page, categories=CATEGORIES)
    for n in range(n_moves):
        page.evaluate("() => { moves.length = swaps.length = 0; }")
        finger.touch("touchMove", *place(n))
        page.wait_for_timeout(BETWEEN_MS)
        moved, swapped = page.evaluate("() => [moves[0], swaps[0]]")
        if moved is not None and swapped is not None:
            found.later.append(float(swapped - moved[0]))
            found.own.append(float(swapped - moved[1]))
    found.work += handlers_ms(browser.stop_tracing(), ("pointerrawupdate",))
    finger.touch("touchEnd")


def along(n: int) -> tuple[float, float]:
    there = (17 * n) % 100
    return 0.05 + 0.9 * (there if there < 50 else 99 - there) / 50, 0.5


def across(n: int) -> tuple[float, float]:
    return ((4 * n) % 9 + 0.5) / 9, ((5 * n) % 9 + 0.5) / 9


def open_phone(app: Served, ahead: bool) -> tuple[Page, Locator]:
    page = app.browser.new_context(viewport=PHONE, has_touch=True, is_mobile=True).new_page()
    if not ahead:
        page.route("**/lane/**ahead*", lambda route: route.abort())
    deck = open_deck(page, f"{app.address}/variations?g={share.to_text(share.rounded(example('funk')))}")
    return page, deck


def slow(page: Page, deck: Locator) -> None:
    deck.get_by_role("button", name="Play", exact=True).click()
    page.context.new_cdp_session(page).send("Emulation.setCPUThrottlingRate", {"rate": SLOWED})
    deck.evaluate(WATCH)


def sliders(app: Served, n_moves: int, way: str) -> Touched:
    """`way`: "ready", "unforeseen" or "asking"."""
    page, deck = open_phone(app, ahead=way == "ready")
    found = Touched()
    if way == "asking":
        page.route("**/lane/**", lambda route: route.abort())
        page.evaluate(WITHOUT)
    came: list[str] = []  # stand and slider of each lane
    page.on("requestfinished", lambda request: came.append("/".join(request.url.split("?")[0].split("/")[-2:])))
    page.locator(".st-key-stage-part").get_by_role("radio", name="Sliders").tap()
    settle(page)
    slow(page, deck)
    for name in NAMES:
        if way == "ready":
            _await_lane(page, came, name.lower())
        drag(page, page.get_by_role("slider", name=name, exact=True), n_moves, along, found)
        settle(page, PATIENCE_MS)
        came.clear()
    page.context.close()
    return found


def _await_lane(page: Page, came: list[str], name: str) -> None:
    """Until the lane of a slider is there, of what is there now: the lanes of what was before end with it."""
    for _ in range(PATIENCE_MS // 200):
        if came and came[-1].endswith("/" + name):
            return
        if any(each.split("/")[0] == came[-1].split("/")[0] and each.endswith("/" + name) for each in came):
            return
        page.wait_for_timeout(200)


def pad(app: Served, n_moves: int) -> Touched:
    page, deck = open_phone(app, ahead=True)
    slow(page, deck)
    found = Touched()
    square = page.get_by_role("application", name="Pad between")
    square.scroll_into_view_if_needed()
    drag(page, square, n_moves, across, found)
    page.context.close()
    return found


# -- a minute of wild dragging ---------------------------------------------------


@dataclass(frozen=True)
class Heard:
    """Of the hats, seconds from their place: the largest, and how many were heard; changes of groove; the longest time
    without any stroke, seconds, and that of the groove as it is."""

    away: float
    n: int
    n_changes: int
    silence: float
    n_late: int


def wild_sliders(app: Served, seconds: float) -> Heard:
    from tests.e2e import listening, wild

    page = app.browser.new_context(viewport=WIDE).new_page()
    deck = open_deck(page, f"{app.address}/variations?{wild.held_link(checkpoint.load())}")
    wild.hear_alone(deck, "closed hat")
    deck.evaluate(WATCH)
    targets = page.locator(".slider input").all()
    heard = listening.listen_while(deck, wild.HELD, seconds, wild.Wild(page, [t for t in targets if t.is_visible()]))
    away = np.abs(listening.onset_errors(heard.capture, wild.HELD, wild.HAT, heard.began))
    changes = int(page.evaluate("() => nSwaps"))
    silence = max((seconds for _, seconds in heard.capture.silences()), default=0.0)
    page.context.close()
    return Heard(float(away.max()), len(away), changes, silence, heard.stats["late"])


def wild_pad(app: Served, seconds: float) -> Heard:
    from tests.e2e import listening, wild

    page = app.browser.new_context(viewport=WIDE).new_page()
    deck = open_deck(page, f"{app.address}/variations")
    page.evaluate(wild.NOTE_STROKES)
    wild.hear_alone(deck, "closed hat")
    deck.evaluate(WATCH)
    square = page.get_by_role("application", name="Pad between")
    heard = listening.listen_while(deck, share.rounded(example("funk")), seconds, wild.Wild(page, [square]))
    strokes = wild.strokes(page)
    away = wild.away_from_strokes(heard.capture, strokes)
    end = heard.capture.start + len(heard.capture.samples) / listening.SAMPLE_RATE
    within = strokes[(strokes > heard.capture.start) & (strokes < end)]
    changes = int(page.evaluate("() => nSwaps"))
    page.context.close()
    return Heard(float(away.max()), len(away), changes, float(np.diff(within).max()), heard.stats["late"])


def main() -> None:
    parser = argparse.ArgumentParser(description="From a finger's move to the sound that answers.")
    parser.add_argument("--moves", type=int, default=60)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    rows: list[list[str]] = []

    def note(*row: str) -> None:
        rows.append(list(row))
        print(": ".join((row[0], row[2])), file=sys.stderr, flush=True)

    with served() as app:
        for what, way in WAYS.items():
            found = pad(app, options.moves) if way == "pad" else sliders(app, options.moves, way)
            note(f"{what}: the first touch", "350 ms", f"{max(found.first):.0f} ms")
            if way == "asking":  # what comes within a move's time is of a move before
                continue
            note(f"{what}: the moves after it, median, 95 %", "30 ms, 80 ms", _words(found.later))
            note(f"{what}: of these the page's own share", "", _words(found.own))
            note(f"{what}: all handlers of a move, of the processor", "", _words(found.work))
        for what, wild in (("sliders", wild_sliders), ("the pad", wild_pad)):
            heard = wild(app, options.seconds)
            note(
                f"{options.seconds:.0f} s of wild dragging of {what}: largest distance of a hat from its place",
                "1 ms",
                f"{1000 * heard.away:.2f} ms, of {heard.n}",
            )
            note(
                "the same: changes of groove, late strokes, longest time between two that are heard",
                "",
                f"{heard.n_changes}, {heard.n_late}, {heard.silence:.2f} s",
            )
    if options.json:
        print(json.dumps({"rows": rows}))


def _words(values: list[float]) -> str:
    return ", ".join(f"{value:.0f} ms" for value in _spread(values))


if __name__ == "__main__":
    main()
