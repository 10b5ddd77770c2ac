"""The Complete page in a browser: a groove goes on while it plays, and taps are recorded where they were heard.

What completes is in the shipped model.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from listening import WATCH, assert_it_went_on, play, watched
from playing import shared, straight
from playwright.sync_api import Page, expect
from visiting import WAIT_MS, go_to, open_groove, settle, take_home

from rhythmvae.groove import Tempo
from rhythmvae.model.given import HANDS

pytestmark = pytest.mark.browser

BPM = 60.0
STEP_SECONDS = 15 / BPM
OFF_SECONDS = 0.025  # that a tap may lie beside the moment at which it came

# Keys are pressed by turns as beats of the second bar are heard, so often as is asked for; gives where it was before
# each and after.
_TAP_BEATS = """
([root, n, keys]) => new Promise((done) => {
  const taps = [];
  const look = () => {
    const at = root.transport.position();
    if (at?.loops === 0 && at.step >= 16 + 4 * taps.length && taps.length < n) {
      const [key, code] = keys[taps.length % keys.length];
      document.body.dispatchEvent(new KeyboardEvent("keydown", { key, code, bubbles: true, cancelable: true }));
      taps.push([at.step - 16, root.transport.position().step - 16]);
    }
    if (at?.loops > 0 || (taps.length && !at)) done(taps);
    else requestAnimationFrame(look);
  };
  look();
})
"""


def test_four_bars_go_on_and_no_seam_is_heard(page: Page, app_address: str) -> None:
    given = shared(straight(4))
    deck = open_groove(page, app_address, given)
    go_to(page, "Complete")
    page.get_by_role("radio", name="12", exact=True).click()
    expect(deck).to_contain_text("16 bars", timeout=WAIT_MS)
    settle(page)
    longer = take_home(deck)
    assert longer.n_bars == 16
    first = longer.bars(1, 4)
    assert np.allclose(first.position, given.position, atol=0.01)
    assert (first.voice.tolist(), first.velocity.tolist()) == (given.voice.tolist(), given.velocity.tolist())
    assert len(longer) > len(given)
    play(deck)
    deck.evaluate(WATCH)
    page.wait_for_function("root => root.transport.position().step > 68", arg=deck.element_handle(), timeout=WAIT_MS)
    assert_it_went_on(watched(page), longer.n_steps, 120, 120)


def test_taps_are_where_they_were_heard_and_drums_play(page: Page, app_address: str) -> None:
    slow = replace(straight(1), tempos=(Tempo(0.0, BPM),))  # a page that is held up for a beat comes to all of them
    deck = open_groove(page, app_address, slow)
    go_to(page, "Complete")
    page.get_by_role("radio", name="Tap", exact=True).click()
    page.get_by_role("radio", name="1", exact=True).click()
    settle(page)
    page.get_by_role("button", name="Record taps").click()
    taps = np.array(page.evaluate(_TAP_BEATS, [deck.element_handle(), 4, [[" ", "Space"]]]))
    assert len(taps) == 4
    expect(deck).to_contain_text("from taps", timeout=WAIT_MS)
    expect(deck.get_by_role("button", name="Pause", exact=True)).to_be_visible(timeout=WAIT_MS)
    played = take_home(deck)
    least, most = np.median(taps - np.arange(0, 16, 4)[:, None], axis=0)  # this lag is taken out of all
    for before, after in np.maximum(taps - (most, least), 0.0):
        off = np.maximum(before - played.position, played.position - after)
        assert off.min() < OFF_SECONDS / STEP_SECONDS

    # Two hands, a key each: the left one is kick and toms, the right one the others.
    page.get_by_role("radio", name="Two hands", exact=True).click()
    settle(page)
    deck.get_by_role("button", name="Pause", exact=True).click()
    page.get_by_role("button", name="Left hand").click()
    taps = page.evaluate(_TAP_BEATS, [deck.element_handle(), 4, [["f", "KeyF"], ["j", "KeyJ"]]])
    expect(deck.get_by_role("button", name="Pause", exact=True)).to_be_visible(timeout=WAIT_MS)
    settle(page)
    played = take_home(deck)
    for hand, steps in enumerate((taps[::2], taps[1::2])):
        own = played.position[HANDS[hand][played.voice]]
        assert max(min(abs(own - at)) for at, _ in steps) < 0.5
