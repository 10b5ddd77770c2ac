"""What the overview is told of a file, and how the deck comes to a bar that it does not have."""

from __future__ import annotations

from typing import Any

import pytest
import streamlit as st
from grooves import groove

from rhythmvae.ui.components import deck
from rhythmvae.ui.components.deck.differing import picture
from rhythmvae.ui.session import hand

SONG = groove(*((step, "kick") for step in range(0, 40 * 16, 4)), n_steps=40 * 16)


@pytest.fixture(autouse=True)
def session(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    state: dict[str, Any] = {}
    monkeypatch.setattr(st, "session_state", state)
    return state


def test_a_picture_has_a_row_for_every_group_and_a_list_for_every_kind_of_difference() -> None:
    original = groove((0, "kick"), (4, "snare"), (8, "ride"), (16, "open_hat"), (20, "kick"))
    result = groove((0.3, "kick"), (4, "snare"), (8, "ride"), (12.126, "closed_hat"), (20, "kick"))
    told = picture(original, result)
    assert (told["n_steps"], told["bars"]) == (32, [0, 16, 32])
    assert [(row["label"], row["voice"], row["hits"]) for row in told["groups"]] == [
        ("Cymbals", "crash", [8.0]),
        ("Toms", "low_tom", []),
        ("Hats", "closed_hat", [16.0]),
        ("Snare", "snare", [4.0]),
        ("Kick", "kick", [0.0, 20.0]),
    ]
    assert told["lost"] == [[2, 16.0]]
    assert told["added"] == [[2, 12.13]]
    assert told["moved"] == [[4, 0.3]]


def test_a_copy_differs_in_nothing() -> None:
    told = picture(SONG, SONG)
    assert (told["lost"], told["added"], told["moved"]) == ([], [], [])


@pytest.mark.parametrize(
    ("bar", "shown"),
    [(9, (9, 16)), (23, (17, 24)), (40, (33, 40)), (8, (1, 8)), (0, (1, 8)), (41, (1, 8))],
)
def test_another_bar_brings_its_page_of_as_many_bars(bar: int, shown: tuple[int, int]) -> None:
    hand.hold(SONG)
    show(1, 8)
    hand.show_bar(hand.now(), bar)
    assert (hand.now().first, hand.now().last) == shown


def test_the_last_page_is_as_long_as_the_others() -> None:
    hand.hold(SONG)
    show(1, 12)
    hand.show_bar(hand.now(), 38)
    assert (hand.now().first, hand.now().last) == (29, 40)


def show(first: int, last: int) -> None:
    held = hand.now()
    st.session_state[hand.bars_key(held.key, held.read)] = first, last


@pytest.mark.parametrize("said", [None, "3", 2.0, True, 0, -1, [3]])
def test_a_bar_without_sense_is_none(said: object, session: dict[str, Any]) -> None:
    session[deck.OVERVIEW] = {"go": said}
    assert deck.bar_of() is None


def test_a_bar_is_what_the_browser_asks_for(session: dict[str, Any]) -> None:
    session[deck.OVERVIEW] = {"go": 12}
    assert deck.bar_of() == 12


def test_hundreds_of_bars_are_some_kilobytes() -> None:
    song = groove(*((step, "closed_hat") for step in range(400 * 16)), n_steps=400 * 16)
    told = picture(song, song)
    assert sum(len(row["hits"]) for row in told["groups"]) == len(song)
    assert len(str(told)) < 80_000
