"""The groove in hand: what is taken, what stays, what a link brings, and the way back from starting over."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import streamlit as st
from grooves import groove, random_groove

from rhythmvae import share
from rhythmvae.data.examples import EXAMPLES, example
from rhythmvae.midi.write import write_midi
from rhythmvae.outputs import zip_of
from rhythmvae.ui.parts import belongings, yours
from rhythmvae.ui.session import address, files, hand, tray

FIRST = next(iter(EXAMPLES))
ROCK, WALTZ = write_midi(example("rock")), write_midi(example("waltz"))
PADS = write_midi(example("waltz"), list(range(3, 12)))  # notes that no drum has


@pytest.fixture(autouse=True)
def session(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The session's state, a plain mapping here."""
    state: dict[str, Any] = {}
    monkeypatch.setattr(st, "session_state", state)
    return state


@pytest.fixture(autouse=True)
def query(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """That of the address."""
    found: dict[str, str] = {}
    monkeypatch.setattr(st, "query_params", found)
    monkeypatch.setattr(address, "tell", lambda *_: None)
    return found


def test_at_first_it_is_a_pattern_of_ours() -> None:
    held = hand.now()
    assert (held.key, held.name, held.original, held.is_whole) == (FIRST, "Funk", example(FIRST), True)


def test_of_a_mixed_drop_the_first_that_plays_is_taken_and_failures_are_said_once() -> None:
    hand.take_files([("a.mid", b"a picture"), ("pads.mid", PADS), ("pack.zip", zip_of([("b/w.mid", WALTZ)]))])
    assert hand.now().name == "b/w.mid"
    assert [file.name for file in files.own()] == ["pads.mid", "b/w.mid"]
    [said] = files.problems()
    assert said.startswith("a.mid: expected a MIDI file")


def test_a_problem_is_said_on_one_page_and_gone_at_the_next() -> None:
    hand.take_files([("a.mid", b"a picture")])
    assert len(files.problems_on("train")) == 1
    assert len(files.problems_on("train")) == 1  # every run of the page says it
    assert files.problems_on("map") == []
    assert files.problems_on("train") == []
    hand.take_files([("b.mid", b"a picture")])
    files.say("And another.")
    assert len(files.problems_on("map")) == 2  # a new one is said wherever it comes about
    hand.take_files([("w.mid", WALTZ)])
    assert files.problems_on("map") == []


def test_what_cannot_be_read_takes_nothing_out_of_the_hand() -> None:
    hand.choose("rock")
    assert hand.now().key == "rock"
    hand.take_files([("a.mid", b"a picture")])
    assert (hand.now().key, hand.now().problem) == ("rock", None)
    hand.take_files([("pads.mid", PADS)])  # its notes can be given drums: it is chosen, but does not play yet
    held = hand.now()
    assert held.key == "rock"
    assert held.problem is not None
    [file] = files.own()
    assert hand.chosen() == file.key
    for note in files.notes(file):
        st.session_state[note.key] = "kick"
    assert (hand.now().key, hand.now().problem) == (file.key, None)
    assert set(hand.now().read.voice) == {0}


def test_a_removed_file_leaves_a_pattern_of_ours_in_hand() -> None:
    hand.take_files([("w.mid", WALTZ)])
    files.remove([hand.now().key])
    assert hand.now().key == FIRST


def test_a_link_is_opened_once_and_our_own_is_none(query: dict[str, str]) -> None:
    shared = replace(random_groove(3), title="Mine")
    query["g"] = share.to_text(shared)
    hand.open_link()
    assert (hand.now().key, hand.now().name) == (hand.LINKED, "From a link: Mine")
    hand.choose("rock")
    hand.open_link()
    assert hand.now().key == "rock"
    hand.tell_address(hand.link_to(example("waltz")), "map")
    query["g"] = share.to_text(example("waltz"))  # as the browser sends it back
    hand.open_link()
    assert hand.now().key == "rock"
    assert hand.in_address() == query["g"]


def test_a_link_to_a_pattern_of_ours_is_that_pattern(query: dict[str, str]) -> None:
    query["g"] = share.to_text(example("samba"))
    hand.open_link()
    assert hand.now().key == "samba"


def test_after_a_reload_the_choice_counts_only_if_the_address_is_its_own(query: dict[str, str]) -> None:
    made = replace(random_groove(4), title="Made")
    hand.hold(made)
    key = hand.chosen()
    for link, wanted in (("rv1-own", key), ("rv1-another", FIRST)):
        st.session_state.clear()
        query["g"] = link
        hand.open_link()
        hand.give_back([made], key, "rv1-own")
        assert hand.now().key == wanted


def test_a_browser_may_answer_after_the_address_has_what_was_in_hand_meanwhile(query: dict[str, str]) -> None:
    """An address that was typed without a groove: the pattern of a new session is written into it half a second on."""
    made = replace(random_groove(4), title="Made")
    hand.hold(made)
    key = hand.chosen()
    st.session_state.clear()
    hand.open_link()
    hand.tell_address(hand.link_to(hand.now().shown), "about")
    query["g"] = str(hand.in_address())
    hand.open_link()
    hand.give_back([made], key, "rv1-own")
    assert hand.now().key == key


def test_of_a_song_some_bars_are_in_hand_and_they_begin_where_the_drums_do() -> None:
    song = groove(*[(step, "kick") for step in range(32, 640, 4)], n_steps=640)
    key = "held song"
    assert hand.bars(key, song) == (3, 10)
    st.session_state[hand.bars_key(key, song)] = (1, 40)
    assert hand.bars(key, song) == (1, hand.MAX_BARS)
    st.session_state[hand.bars_key(key, song)] = (99, -4)
    assert hand.bars(key, song) == (40, 40)


@pytest.mark.parametrize("meter", yours.METERS, ids=str)
def test_an_empty_pattern_has_its_meter_and_length(meter: tuple[int, int]) -> None:
    empty = yours.empty(meter, 3, 301.0)
    assert (empty.n_bars, len(empty), round(empty.tempos[0].bpm)) == (3, 0, 301)
    assert str(empty.meters[0]) == f"{meter[0]}/{meter[1]}"


def test_starting_over_puts_all_away_and_one_step_leads_back() -> None:
    hand.take_files([("w.mid", WALTZ), ("r.mid", ROCK)])
    tray.toggle(example("bossa"))
    hand.hold(random_groove(5))
    before = hand.now().key
    for _ in range(2):  # a second press is no loss
        belongings.start_over()
        assert (hand.now().key, files.own(), dict(tray.kept())) == (FIRST, [], {})
    belongings.undo()
    assert (hand.now().key, len(files.own()), len(tray.kept())) == (before, 2, 1)


def test_a_long_groove_comes_back_with_the_bars_that_were_shown_and_has_a_mark() -> None:
    song = replace(groove((0, "kick"), n_steps=40 * 16), title="Song")
    hand.hold(song)
    key = hand.chosen()
    hand.show_bar(hand.now(), 35)
    held = hand.now()
    assert hand.mark(held)
    st.session_state.clear()
    hand.give_back([song], key, None, (held.first, held.last))
    assert (hand.now().key, hand.now().first, hand.now().last) == (key, held.first, held.last)
    hand.choose(FIRST)
    assert hand.mark(hand.now()) is None
