"""The deck's Python side: what is sent to the browser, what comes back, and the files it is made of."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import streamlit as st
from grooves import groove
from streamlit.testing.v1 import AppTest

from rhythmvae.data.examples import example
from rhythmvae.errors import ShareError, UsageError
from rhythmvae.groove import Groove, Meter, Tempo
from rhythmvae.kit import N_VOICES, VOICE_INDEX, VOICES
from rhythmvae.midi.read import PLAYED_BPM
from rhythmvae.ui.components import assets, deck
from rhythmvae.ui.components.deck import Edit, Hear, Heard, Lane

KICK, SNARE, HAT = (VOICE_INDEX[key] for key in ("kick", "snare", "closed_hat"))


def sent(original: Lane, *results: Lane | None, **more: Any) -> list[dict[str, Any]]:
    """What the browser is told, part by part: the deck, and results."""

    def script(original, results, more):  # AppTest copies it without what is imported here
        from rhythmvae.ui.components import deck

        deck.show(original, **{"source": "a 1-2 0", "tune": "a", "name": "A", **more})
        for lane in results:
            deck.result(lane)

    return told(AppTest.from_function(script, args=(original, results, more), default_timeout=60).run())


@pytest.mark.parametrize(
    ("asked", "bars"),
    [
        ({"lane": "mine", "first": 4, "last": 5}, (4, 5)),
        ({"lane": "mine", "first": 3, "last": 6}, (3, 6)),
        ({"lane": "other", "first": 4, "last": 5}, None),
        ({"lane": "mine", "first": 2, "last": 5}, None),
        ({"lane": "mine", "first": 5, "last": 4}, None),
        ({"lane": "mine", "first": 5, "last": 7}, None),
        ({"lane": "mine", "first": True, "last": 5}, None),
        ({"lane": "mine", "first": 4.0, "last": 5}, None),
        ({"lane": "mine"}, None),
        ("mine", None),
        (None, None),
    ],
)
def test_some_bars_are_written_when_they_are_asked_for(
    monkeypatch: pytest.MonkeyPatch, asked: Any, bars: tuple[int, int] | None
) -> None:
    monkeypatch.setattr(assets, "said", lambda key, name: asked if (key, name) == ("deck", "bars") else None)
    played = groove((0, "kick"), (20, "snare"), (40, "snare"), n_steps=64)
    [lane] = sent(Lane("mine", "Mine", replace(played, title="Mine"), 3))[0]["lanes"]
    assert deck.answers.bars_wanted(Lane("mine", "Mine", played, 3)) == bars
    if bars is None:
        assert "part" not in lane
    else:
        assert lane["part"]["bars"] == list(bars)
        assert lane["part"]["name"] == f"Mine-bars-{bars[0]}-to-{bars[1]}.mid"
        assert lane["part"]["address"] != lane["file"]["address"] or bars == (3, 6)


def told(app: AppTest) -> list[dict[str, Any]]:
    assert not app.exception
    return [json.loads(component.proto.json)[0] for component in app.get("bidi_component")]  # type: ignore[attr-defined]


# -- what is sent --------------------------------------------------------------


def test_a_lane_is_its_hits_and_its_frame() -> None:
    played = groove((0, "kick", 90), (4.25, "snare"), n_steps=32, tempos=(Tempo(0.0, 96.0), Tempo(16.0, 100.5)))
    shown = Lane("mine", "Mine, bars 3 to 4", played, 3, editable=True, note="Loud", pressed=("keep",))
    (lane,) = sent(shown)[0]["lanes"]
    assert lane.pop("file")
    assert lane == {
        "id": "mine",
        "label": "Mine, bars 3 to 4",
        "editable": True,
        "is_another": False,
        "first_bar": 3,
        "n_steps": 32,
        "meter": "4/4",
        "tempos": [[0, 96], [16, 100.5]],
        "bars": [0, 16, 32],
        "beats": [0, 4, 8, 12, 16, 20, 24, 28],
        "hits": [[KICK, 0, 90], [SNARE, 4.25, 100]],
        "note": "Loud",
        "pressed": ["keep"],
    }


def test_beats_follow_the_meter_through_its_changes() -> None:
    changing = groove(n_steps=40, meters=(Meter(0.0, 4, 4), Meter(16.0, 6, 8), Meter(28.0, 3, 4)))
    (told,) = sent(Lane("a", "A", changing))
    (lane,) = told["lanes"]
    assert lane["bars"] == [0, 16, 28, 40]
    assert lane["beats"] == [0, 4, 8, 12, 16, 22, 28, 32, 36]
    assert lane["meter"] == "4/4 and others"


def test_differences_are_missed_hits_added_places_and_lateness() -> None:
    # A step lasts 125 ms at 120 BPM.
    original = groove((0, "kick"), (4, "snare"), (8, "kick"), (16, "ride"))
    rebuilt = groove((0.12, "kick", 90), (7.84, "kick"), (12, "closed_hat", 80), (16.17, "ride"))
    _, told = sent(Lane("a", "A", original), Lane("b", "B", rebuilt, against=original))
    (lane,) = told["lanes"]
    assert lane["missed"] == [[SNARE, 4, 100]]
    assert [lane["hits"][i] for i in lane["added"]] == [[HAT, 12, 80]]
    moved = {tuple(lane["hits"][i]): ms for i, ms in lane["moved"]}
    assert moved == {
        (KICK, 7.84, 100): pytest.approx(-20),  # 15 ms are not moved
        (VOICE_INDEX["ride"], 16.17, 100): pytest.approx(21.25),
    }


def test_a_copy_differs_in_nothing_and_a_lane_alone_is_not_compared() -> None:
    played = example("funk")
    alone, copy = (told["lanes"][0] for told in sent(Lane("a", "A", played), Lane("b", "B", played, against=played)))
    assert len(alone["hits"]) == len(played)
    assert (copy["missed"], copy["added"], copy["moved"]) == ([], [], [])
    assert "missed" not in alone


def test_the_deck_is_told_the_kit_the_session_and_the_link() -> None:
    (data,) = sent(Lane("a", "A", groove()), serial=7, link="g=rv1-abc")
    assert [(voice["key"], voice["label"]) for voice in data["voices"]] == [(v.key, v.label) for v in VOICES]
    assert (data["part"], data["name"]) == ("deck", "A")
    assert (data["source"], data["tune"], data["serial"], data["rate"]) == ("a 1-2 0", "a", 7, 1.0)
    assert (data["link"], data["no_link"]) == ("g=rv1-abc", None)
    assert data["tempos"] == list(PLAYED_BPM)
    # The app may live under a path of its own, so addresses are relative.
    assert not data["module"].startswith("/")
    assert data["kit"].endswith(".wav")
    (without,) = sent(Lane("a", "A", groove()), link=ShareError("Too long for a link."))
    assert (without["link"], without["no_link"]) == (None, "Too long for a link.")
    assert (without["module"], without["kit"]) == (data["module"], data["kit"])  # a browser fetches them once


def test_a_result_says_of_which_groove_and_edit_it_is() -> None:
    """So that the deck knows one that has been overtaken; and it is the deck's own module that is told."""
    lane = Lane("a", "A", groove((0, "kick")))
    deck_, told = sent(lane, lane, serial=3)
    assert (told["part"], told["source"], told["serial"], told["rate"]) == ("result", "a 1-2 0", 3, 1.0)
    assert (told["touches"], deck_["touches"]) == (0, 0)
    assert told["module"] == deck_["module"]
    assert (told["lanes"][0]["is_another"], told["hear"]) == (False, None)
    _, nothing = sent(lane, None)
    assert nothing["lanes"] == []


def test_a_result_may_be_another_groove_and_ask_to_be_heard() -> None:
    def script(original, result, hear):
        from rhythmvae.ui.components import deck

        deck.show(original, source="a", tune="a", name="A")
        deck.result(result, hear=hear)

    waltz = Lane("b", "B", example("waltz"), is_another=True)
    arguments = (Lane("a", "A", groove()), waltz, Hear("4"))
    _, result = told(AppTest.from_function(script, args=arguments, default_timeout=60).run())
    [lane] = result["lanes"]
    assert (lane["is_another"], lane["label"], lane["meter"]) == (True, "B", "3/4")
    assert result["hear"] == {"cue": "4", "starts": True, "at": None, "of": None}


def test_what_is_heard_can_be_taken_home_by_its_name() -> None:
    named = replace(groove((0, "kick")), title="Ghost town")
    deck_, told = sent(Lane("a", "A", named), Lane("b", "Result, bar 1", groove((0, "snare"))))
    assert [each["lanes"][0]["file"]["name"] for each in (deck_, told)] == ["Ghost-town.mid", "Result-bar-1.mid"]
    _, of_named = sent(Lane("a", "A", named), Lane("b", "Result, bar 1", named))
    assert of_named["lanes"][0]["file"]["name"] == "Ghost-town-result.mid"  # two files would have one name
    addresses = [each["lanes"][0]["file"]["address"] for each in (deck_, told)]
    assert not any(address.startswith("/") for address in addresses)  # the app may live under a path of its own
    assert addresses[0] != addresses[1]


def test_cards_have_actions_and_no_files() -> None:
    def script(lane):
        from rhythmvae.ui.components import deck

        deck.cards([lane], key="cards", actions={"keep": "Keep it"})

    (data,) = told(AppTest.from_function(script, args=(Lane("a", "A", groove()),), default_timeout=60).run())
    assert data["part"] == "cards"
    assert data["actions"] == [{"what": "keep", "label": "Keep it"}]
    assert "file" not in data["lanes"][0]


def test_what_is_too_long_or_too_full_is_refused_in_a_sentence() -> None:
    def show(shown: Groove) -> None:
        deck.cards([Lane("ok", "Ok", groove()), Lane("a", "A", shown)], key="p")

    with pytest.raises(UsageError, match=r"at most 512 sixteenths to show, got 513: choose fewer bars\."):
        show(groove(n_steps=513))
    with pytest.raises(UsageError, match="at most 4,000 hits to show, got 4,001"):
        show(groove(*[(0, "kick")] * 4_001))
    most = groove(*[(0, "kick")] * 4_000, n_steps=512)
    assert len(sent(Lane("a", "A", most))[0]["lanes"][0]["hits"]) == 4_000


# -- what comes back -----------------------------------------------------------


def edited(hits: Any, like: Groove | None = None) -> Groove:
    return Edit("s", "a", 1, hits).groove(like or groove((0, "kick")))


def test_an_edit_is_a_groove_in_the_frame_that_was_shown() -> None:
    frame = groove((0, "kick"), n_steps=14, tempos=(Tempo(0.0, 77.0),), meters=(Meter(0.0, 7, 8),))
    made = edited([[SNARE, 13.49, 127], [KICK, -0.5, 1], [KICK, 2, 64]], frame)
    assert made == frame.with_hits(*map(np.array, ([-0.5, 2, 13.49], [KICK, KICK, SNARE], [1, 64, 127])))
    assert len(edited([], frame)) == 0
    assert len(edited([[KICK, 0, 100]] * 4_000)) == 4_000


def test_what_was_sent_comes_back_as_it_was() -> None:
    played = example("blues").bars(1, 2)
    (lane,) = sent(Lane("a", "A", played))[0]["lanes"]
    assert edited(lane["hits"], played) == played


NOT_HITS = {
    "nothing": None,
    "a string": "[[0, 0, 100]]",
    "a mapping": {"0": [0, 0, 100]},
    "a number": 7,
    "too many": [[0, 0, 100]] * 4_001,
    "a flat list": [0, 0, 100],
    "a string for a hit": ["abc"],
    "a mapping for a hit": [{"voice": 0, "position": 0, "velocity": 100}],
    "no hit": [None],
    "an empty hit": [[]],
    "two numbers": [[0, 0]],
    "four numbers": [[0, 0, 100, 0]],
    "nested deeper": [[[0], [0], [100]]],
    "nested a long way": [[0, 0, [[[[[[[[]]]]]]]]]],
    "digits for a voice": [["0", 0, 100]],
    "digits for a position": [[0, "0", 100]],
    "digits for a velocity": [[0, 0, "100"]],
    "null for a position": [[0, None, 100]],  # what JSON makes of NaN
    "a fraction of a voice": [[0.0, 0, 100]],
    "a fraction of a velocity": [[0, 0, 99.5]],
    "true for a voice": [[True, 0, 100]],
    "true for a position": [[0, True, 100]],
    "true for a velocity": [[0, 0, True]],
    "a voice before the kit": [[-1, 0, 100]],
    "a voice behind the kit": [[N_VOICES, 0, 100]],
    "a voice of many digits": [[10**400, 0, 100]],
    "velocity 0": [[0, 0, 0]],
    "velocity 128": [[0, 0, 128]],
    "a velocity of many digits": [[0, 0, 10**400]],
    "before the start": [[0, -0.51, 100]],
    "at the end": [[0, 32, 100]],
    "a hair behind the end": [[0, 32.00000000000001, 100]],
    "far behind": [[0, 1e300, 100]],  # more than a 64-bit step
    "far before": [[0, -1e300, 100]],
    "a position of many digits": [[0, 10**400, 100]],
    "not a number": [[0, float("nan"), 100]],
    "infinity": [[0, float("inf"), 100]],
    "minus infinity": [[0, float("-inf"), 100]],
    "one bad among good": [[0, 0, 100], [0, 4, 100], [0, 40, 100]],
}


@pytest.mark.parametrize("hits", NOT_HITS.values(), ids=NOT_HITS.keys())
def test_what_is_no_edit_is_refused_in_a_sentence(hits: object) -> None:
    with pytest.raises(UsageError, match=r"^Expected .*; the groove stays as it was\.$"):
        edited(hits)


def test_an_edit_is_read_from_the_session(monkeypatch: pytest.MonkeyPatch) -> None:
    good = {"source": "s", "lane": "a", "serial": 3, "hits": [[0, 0, 100]]}
    monkeypatch.setattr(st, "session_state", {deck.DECK: {"edit": good}})
    assert deck.edit() == Edit("s", "a", 3, [[0, 0, 100]])


@pytest.mark.parametrize(
    "state",
    [
        None,
        7,
        "edit",
        [],
        {},
        {"edit": None},
        {"edit": "junk"},
        {"edit": [1, 2]},
        {"edit": {}},
        {"edit": {"source": "s", "lane": "a", "serial": 1}},
        {"edit": {"source": 1, "lane": "a", "serial": 1, "hits": []}},
        {"edit": {"source": "s", "lane": None, "serial": 1, "hits": []}},
        {"edit": {"source": "s", "lane": "a", "serial": "1", "hits": []}},
        {"edit": {"source": "s", "lane": "a", "serial": float("nan"), "hits": []}},
    ],
    ids=str,
)
def test_a_state_without_sense_is_no_edit(state: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(st, "session_state", {deck.DECK: state})
    assert deck.edit() is None


def test_an_act_is_read_from_the_session(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(st, "session_state", {"cards": {"act": {"lane": "a", "what": "keep", "serial": 2}}})
    assert deck.act_of("cards") == ("a", "keep")
    assert deck.act_of("another") is None
    for junk in (None, 7, "keep", [], {}, {"act": 7}, {"act": {"lane": "a"}}, {"act": {"lane": 1, "what": "keep"}}):
        monkeypatch.setattr(st, "session_state", {"cards": junk})
        assert deck.act_of("cards") is None


def heard(rate: object = 1.5, unheard: object = (), tune: object = "a") -> Heard:
    unheard = list(unheard) if isinstance(unheard, tuple) else unheard
    return deck.answers.heard_of({"tune": tune, "rate": rate, "unheard": unheard}, "a")


def test_tempo_and_mutes_are_heard() -> None:
    assert heard(1.5, (SNARE, KICK, KICK)) == Heard(1.5, (KICK, SNARE))
    assert heard(2) == Heard(2.0)
    assert heard(0.001) == Heard(0.001)
    assert heard(1000) == Heard(1000.0)


def test_the_tempo_of_another_tune_does_not_stand_but_its_mutes_do() -> None:
    assert heard(1.5, (HAT,), tune="b") == Heard(1.0, (HAT,))


@pytest.mark.parametrize(
    "rate",
    [0, -1, 0.0009, 1000.1, 10**400, float("nan"), float("inf"), True, "1.5", None, [1.5]],
    ids=lambda x: str(x)[:9],
)
def test_a_tempo_without_sense_is_the_groove_s_own(rate: object) -> None:
    assert heard(rate) == Heard()


@pytest.mark.parametrize("unheard", [None, "0", {}, 0, (N_VOICES,), (-1,), (True,), (0.0,), ("0",), ([],), (10**400,)])
def test_mutes_without_sense_mute_nothing(unheard: object) -> None:
    assert heard(1.5, unheard) == Heard()


@pytest.mark.parametrize(
    ("said", "n"),
    [(3, 3), (0, 0), (-1, 0), (True, 0), (2.0, 0), ("3", 0), (None, 0), ([3], 0), (2**53 - 1, 2**53 - 1), (2**53, 0)],
)
def test_how_often_a_hand_touched_the_page_is_a_count_or_nothing(
    monkeypatch: pytest.MonkeyPatch, said: object, n: int
) -> None:
    monkeypatch.setattr(st, "session_state", {deck.answers.DECK: {"touches": said}})
    assert deck.answers.touches() == n


@pytest.mark.parametrize("state", [None, 7, "heard", {}, {"heard": None}, {"heard": []}, {"heard": {"rate": 1.5}}])
def test_a_state_without_sense_is_heard_as_it_is(state: object) -> None:
    assert deck.answers.heard_of(state, "a") == Heard()


def test_nobody_asks_pandas_what_it_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """It and pyarrow take 48 MB of the server, which pages without a table do without."""
    asked: list[object] = []
    monkeypatch.setattr("streamlit.dataframe_util.determine_data_format", asked.append)
    assert sent(Lane("a", "A", groove()))[0]["lanes"]
    assert not asked
