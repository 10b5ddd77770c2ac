"""The app on a phone: one tap, and the sound does not stop any more."""

from __future__ import annotations

import pytest
from listening import tap, untap
from playing import RINGING
from playwright.sync_api import Page, expect
from test_deck_browser import GAP_SECONDS, open_sheet
from visiting import WAIT_MS, Finger, Lane, open_groove, settle, take_home

from rhythmvae.kit import VOICE_INDEX

pytestmark = pytest.mark.browser


def test_one_tap_an_edit_in_the_sheet_and_another_page_without_a_gap(phone: Page, app_address: str) -> None:
    deck = open_groove(phone, app_address, RINGING)
    deck.get_by_role("button", name="Play", exact=True).tap()
    phone.wait_for_function("root => root.transport.position()?.step > 1", arg=deck.element_handle(), timeout=WAIT_MS)
    tap(deck)
    deck.get_by_role("radio", name="Result").wait_for(timeout=WAIT_MS)
    open_sheet(deck)
    Finger(phone).tap(*Lane(deck).middle("snare", 4))
    expect(Lane(deck).hits_of("snare")).to_have_count(1)
    edited = take_home(deck)  # the model has heard of it, too
    assert [edited.voice.tolist().count(VOICE_INDEX[drum]) for drum in ("snare", "crash")] == [1, 8]
    deck.get_by_role("button", name="Close the grid").tap()
    expect(Lane(deck).grid).to_be_hidden()
    phone.locator(".st-key-places").get_by_role("link", name="Variations").tap()
    expect(phone.locator("h1")).to_have_text("Make it yours", timeout=WAIT_MS)
    settle(phone)
    heard = untap(deck)
    assert heard.is_there.mean() > 0.5
    assert heard.silences(GAP_SECONDS) == []
    assert deck.evaluate("root => root.transport.stats.late") == 0
