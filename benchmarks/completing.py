"""What a visitor of Complete waits for: python -m benchmarks.completing

Starts the app and opens it in a browser, on a wide screen and as a phone whose processor is slowed four times. Prints,
by sound recorded in the browser: from a press of Other answers, while nothing plays, to the first drum; from a press
that asks for another number of bars until the deck has them; and from the last of eight taps, a beat before the end of
what is recorded, to the first drum. The medians of N_TIMES. Needs what `make test` installs, and Debian's chromium.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

from playwright.sync_api import Browser, Locator, Page, expect

from benchmarks.served import served
from rhythmvae.data.examples import example
from tests.e2e.listening import tap, untap
from tests.e2e.visiting import WAIT_MS, go_to, open_groove, settle

SCREENS: dict[str, dict[str, Any]] = {
    "wide": {"viewport": {"width": 1440, "height": 900}},
    "phone": {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True},
}
SLOWER = {"wide": 1, "phone": 4}
N_TIMES = 5
N_TAPS = 8  # two bars of quarter notes

# The moments of the last press, and of the last time that the deck began to play, on the audio clock.
_NOTE = """
(root) => {
  const { transport } = root;
  const play = transport.play.bind(transport);
  transport.play = (...how) => {
    window.playsAt = transport.context.currentTime;
    return play(...how);
  };
  const note = () => (window.pressedAt = root.transport.context.currentTime);
  document.addEventListener("pointerdown", note, true);
  document.addEventListener("keydown", note, true);
}
"""
# So many taps, on the beats behind the first bar as they are heard: presses of a pad, or of Space. From outside the
# page they would come when the machine has time.
_TAP = """
([root, pad, n]) => new Promise((done) => {
  let tapped = 0;
  const strike = () => {
    if (pad) pad.dispatchEvent(new PointerEvent("pointerdown", { bubbles: true, composed: true, cancelable: true }));
    else document.body.dispatchEvent(new KeyboardEvent("keydown", { key: " ", bubbles: true, cancelable: true }));
    tapped += 1;
  };
  const look = () => {
    const at = root.transport.position();
    if (at?.loops === 0 && at.step >= 16 + 4 * tapped && tapped < n) strike();
    if (tapped === n || at?.loops > 0) done(tapped);
    else requestAnimationFrame(look);
  };
  look();
})
"""
# Seconds from the last press until the deck says some words.
_UNTIL = """
([root, words]) => new Promise((done) => {
  const look = () => {
    if (root.innerText.includes(words)) done(root.transport.context.currentTime - window.pressedAt);
    else requestAnimationFrame(look);
  };
  look();
})
"""
_IS_PLAYING = "root => root.transport.isPlaying && root.transport.position().step > 0.01"


def seconds_to_sound(page: Page, deck: Locator, press: Callable[[], None]) -> float:
    """From the last press to the first onset of what the deck then begins to play; then it is paused."""
    handle = deck.element_handle()
    tap(deck)
    press()
    page.wait_for_function(f"root => ({_IS_PLAYING})(root) && !root.transport.clicking", arg=handle, timeout=WAIT_MS)
    page.wait_for_timeout(1500)  # what was struck first is recorded
    heard = untap(deck)
    pressed, plays = page.evaluate("() => [window.pressedAt, window.playsAt]")
    deck.get_by_role("button", name="Pause", exact=True).click()
    settle(page)
    return float(min(at for at in heard.onsets() if at > plays) - pressed)


def medians(found: Iterator[float]) -> str:
    values = [1000 * value for value in found]
    return f"{statistics.median(values):.0f} ms, at most {max(values):.0f}"


def again(page: Page, deck: Locator) -> Iterator[float]:
    for _ in range(N_TIMES):
        yield seconds_to_sound(page, deck, page.get_by_role("button", name="Other answers", exact=True).click)


def other_bars(page: Page, deck: Locator) -> Iterator[float]:
    """Another number of bars more, until the deck has them."""
    for number in range(N_TIMES):
        n_bars = (8, 2, 1, 12)[number % 4]
        wanted = f"{example('funk').n_bars + n_bars} bars"
        page.get_by_role("radio", name=str(n_bars), exact=True).click()
        yield float(page.evaluate(_UNTIL, [deck.element_handle(), wanted]))
        settle(page)


def eight_taps(page: Page, deck: Locator, is_phone: bool) -> Iterator[float]:
    """On the pad with a finger, or with the space bar, on the beats of the bars that are recorded."""
    pad = page.locator(".pad")

    def record() -> None:
        pad.click()
        page.evaluate(_TAP, [deck.element_handle(), pad.element_handle() if is_phone else None, N_TAPS])

    for _ in range(N_TIMES):
        yield seconds_to_sound(page, deck, record)


def measure(browser: Browser, address: str, screen: str) -> None:
    with closing(browser.new_context(**SCREENS[screen])) as context:
        page = context.new_page()
        context.new_cdp_session(page).send("Emulation.setCPUThrottlingRate", {"rate": SLOWER[screen]})
        deck = open_groove(page, address, example("funk"))
        go_to(page, "Complete")
        expect(page.locator(".card")).to_have_count(4, timeout=WAIT_MS)
        settle(page)
        deck.evaluate(_NOTE)
        print(f"{screen}: Other answers, to the first drum: {medians(again(page, deck))}", flush=True)
        print(
            f"{screen}: another number of bars, until the deck has them: {medians(other_bars(page, deck))}", flush=True
        )
        page.get_by_role("radio", name="Tap", exact=True).click()
        settle(page)
        found = medians(eight_taps(page, deck, screen == "phone"))
        print(f"{screen}: the last of {N_TAPS} taps, to the first drum: {found}", flush=True)


def main() -> None:
    expect.set_options(timeout=WAIT_MS)
    with served() as app:
        for screen in SCREENS:
            measure(app.browser, app.address, screen)


if __name__ == "__main__":
    main()
