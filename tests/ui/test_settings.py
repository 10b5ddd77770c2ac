"""Settings of a variation through the address: there and back, whatever a stranger puts into it."""

from __future__ import annotations

from typing import Any

import pytest
import streamlit as st
from hypothesis import given
from hypothesis import strategies as some

from rhythmvae.analysis.descriptors import SLIDERS
from rhythmvae.kit import VOICE_KEYS
from rhythmvae.model.limits import MAX_PAGE_SEED
from rhythmvae.ui.session import address, settings
from rhythmvae.ui.session.caches import Settings

PERCENT = some.integers(0, 100).map(lambda percent: percent / 100)
ANY = some.builds(
    Settings,
    amount=PERCENT,
    seed=some.integers(0, MAX_PAGE_SEED),
    asked=some.dictionaries(some.sampled_from(SLIDERS), PERCENT).map(lambda asked: tuple(sorted(asked.items()))),
    keep=some.sets(some.sampled_from(VOICE_KEYS)).map(lambda keep: tuple(key for key in VOICE_KEYS if key in keep)),
    keep_bars=some.sets(some.integers(1, settings.MAX_BARS)).map(lambda bars: tuple(sorted(bars))),
    style=some.sampled_from([None, "rock", "afro-cuban", "neworleans", "hip hop/trap"]),
)


@given(ANY)
def test_they_come_back_as_they_were(asked: Settings) -> None:
    text = settings.to_text(asked)
    assert settings.from_text(text or "") == asked
    assert len(text or "") <= settings.MAX_TEXT


@given(some.text(alphabet="0123456789*.-abckhit_ \x00é٣"))
def test_a_strangers_text_gives_settings_that_make_sense(text: str) -> None:
    found = settings.from_text(text)
    assert 0 <= found.amount <= 1
    assert 0 <= found.seed <= MAX_PAGE_SEED
    assert settings.from_text(settings.to_text(found) or "") == found


def test_the_address_is_read_once_in_a_session_and_carries_what_is_set_now(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[Any] = []
    monkeypatch.setattr(st, "session_state", {})
    monkeypatch.setattr(st, "query_params", {"v": "70*3"})
    monkeypatch.setattr(address, "tell", lambda texts, *_, **__: told.append(texts))
    settings.open_address()
    assert settings.fresh() == Settings(amount=0.7, seed=3)
    settings.open_address()
    assert settings.fresh() is None
    settings.tell_address()  # on whatever page
    settings.keep(Settings(amount=0.2))
    settings.tell_address()
    settings.keep(Settings())
    settings.tell_address()
    assert told == [{"v": "70*3****", "m": None}, {"v": "20*0****", "m": None}, {"v": None, "m": None}]


@given(some.integers(0, settings.MAX_CARDS), some.sampled_from(["", "rock", f"held {64 * 'a'}"]), some.integers(1, 9))
def test_cards_and_an_interpolation_come_back_as_they_were(n_cards: int, other: str, step: int) -> None:
    many = settings.Many(n_cards, other, step if other else 0)
    assert settings.many_from_text(settings.many_to_text(many) or "") == many


@given(some.text(alphabet="0123456789*.-rock_ \x00é٣<"))
def test_a_strangers_text_of_many_makes_sense(text: str) -> None:
    found = settings.many_from_text(text)
    assert 0 <= found.n_cards <= settings.MAX_CARDS
    assert 0 <= found.step <= settings.MAX_STEPS
    assert settings.many_from_text(settings.many_to_text(found) or "") == found


def test_what_the_address_brought_waits_for_the_groove_that_it_names(monkeypatch: pytest.MonkeyPatch) -> None:
    """A file comes back from the browser a moment after the page, and the address must not lose it meanwhile."""
    told: list[Any] = []
    monkeypatch.setattr(st, "session_state", {})
    monkeypatch.setattr(st, "query_params", {"m": "4*file 1*3"})
    monkeypatch.setattr(address, "tell", lambda texts, *_, **__: told.append(texts["m"]))
    settings.open_address()
    for known in (["rock"], ["rock", "file 1"]):
        step = settings.fresh_step(known)
        settings.keep(Settings(), settings.Many() if step is None else settings.Many(0, *step))
        settings.tell_address()
    assert settings.fresh_step(["file 1"]) is None
    assert [settings.fresh_cards(), settings.fresh_cards()] == [4, 0]
    settings.keep(Settings())  # neither is there any more
    settings.tell_address()
    assert told == ["4*file 1*3", "4*file 1*3", None]
