"""From a finger's move to the sound that answers: python -m benchmarks.finger [--moves 60]

Starts the app, opens the Variations page as a phone that is touched, with its processor slowed four times, lets the
deck play, and drags a slider: first for its first time, then over all of its way, a move every 70 ms. Prints the time
from the first touch to the first changed strokes that are scheduled, and the median and 95th percentile of that time
over the moves after it that change the groove: with the lane in the browser, and as it was before lanes, when each move
asked Python. Needs what `make test` installs, and Debian's chromium.
"""

import argparse
import statistics

from playwright.sync_api import Page, ViewportSize

from benchmarks.served import served
from rhythmvae import share
from rhythmvae.data.examples import example
from tests.e2e.visiting import open_deck, settle

PHONE: ViewportSize = {"width": 390, "height": 844}
SLOWED = 4
BETWEEN_MS = 70
# Notes when a move came, and when the transport was given another groove to play and had scheduled its strokes.
WATCH = """
(root) => {
  window.moves = [];
  window.swaps = [];
  document.addEventListener("input", (event) => window.moves.push(event.timeStamp), true);
  document.addEventListener("pointerdown", (event) => (window.down = event.timeStamp), true);
  const { transport } = root;
  const { swap } = transport;
  transport.swap = (groove) => {
    const found = swap.call(transport, groove);
    window.swaps.push(performance.now());
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


def drag(page: Page, name: str, n_moves: int) -> tuple[float, list[float]]:
    """Milliseconds from the first touch to its first answer, and from each later move to its own."""
    slider = page.get_by_role("slider", name=name, exact=True)
    slider.scroll_into_view_if_needed()
    page.mouse.wheel(0, 120)
    page.wait_for_timeout(300)
    box = slider.bounding_box()
    assert box is not None
    y, left, width = box["y"] + box["height"] / 2, box["x"] + 14, box["width"] - 28
    page.evaluate("() => { moves.length = swaps.length = 0; }")
    client = page.context.new_cdp_session(page)

    def touch(kind: str, share: float) -> None:
        points = [] if kind == "touchEnd" else [{"x": left + share * width, "y": y}]
        client.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    touch("touchStart", 0.5)
    for share_of_way in (0.46, 0.42, 0.38):
        touch("touchMove", share_of_way)
        page.wait_for_timeout(BETWEEN_MS)
    page.wait_for_function("() => swaps.length > 0", timeout=60_000)
    first = float(page.evaluate("() => swaps[0] - down"))
    page.wait_for_timeout(1000)
    took = []
    for n in range(n_moves):
        there = (17 * n) % 100
        page.evaluate("() => { moves.length = swaps.length = 0; }")
        touch("touchMove", (there if there < 50 else 99 - there) / 50)
        page.wait_for_timeout(BETWEEN_MS)
        found = page.evaluate("() => [moves[0], swaps[0]]")
        if None not in found:
            took.append(float(found[1] - found[0]))
    touch("touchEnd", 0.0)
    return first, took


def measure(address: str, page: Page, n_moves: int, is_before: bool) -> str:
    deck = open_deck(page, f"{address}/variations?g={share.to_text(share.rounded(example('funk')))}")
    settle(page)
    if is_before:
        page.evaluate(WITHOUT)
    deck.get_by_role("button", name="Play", exact=True).click()
    client = page.context.new_cdp_session(page)
    client.send("Emulation.setCPUThrottlingRate", {"rate": SLOWED})
    deck.evaluate(WATCH)
    lines = []
    for name in ("Density", "Dynamics"):
        first, took = drag(page, name, n_moves)
        p95 = statistics.quantiles(took, n=20)[-1] if len(took) > 1 else float("nan")
        median = statistics.median(took) if took else float("nan")
        lines.append(
            f"{name}: first touch {first:.0f} ms; then median {median:.0f} ms, 95 % below {p95:.0f} ms "
            f"({len(took)} of {n_moves} moves changed the groove within {BETWEEN_MS} ms)"
        )
        settle(page)
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description="From a finger's move to the sound that answers.")
    parser.add_argument("--moves", type=int, default=60)
    options = parser.parse_args()
    with served() as app:
        for is_before in (False, True):
            context = app.browser.new_context(viewport=PHONE, has_touch=True, is_mobile=True)
            print("each move asks Python:" if is_before else "with a lane:")
            print(measure(app.address, context.new_page(), options.moves, is_before), flush=True)
            context.close()


if __name__ == "__main__":
    main()
