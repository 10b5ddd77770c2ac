"""A visitor's sounds: parts of them are checked and bounded, they are heard, and read as the visitor says."""

from __future__ import annotations

import base64
import gc
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import streamlit as st
from hearing import loop_heard, stand_in
from tapping import table

from rhythmvae.audio import pcm
from rhythmvae.audio.hits import RATE
from rhythmvae.errors import AudioError
from rhythmvae.kit import VOICE_INDEX
from rhythmvae.ui.components import assets
from rhythmvae.ui.components import sounds as dropped
from rhythmvae.ui.components.sounds import MAX_HEAD_BYTES, MAX_PART_BYTES, Part
from rhythmvae.ui.components.waveform import MAX_COLUMNS, _columns
from rhythmvae.ui.session import hand, sounds
from rhythmvae.ui.session.sounds import Asked, Waiting
from rhythmvae.ui.workers import tasks

RHYTHM = np.array([0.0, 0.5, 0.75, 1.0, 1.5, 2.0, 2.25, 3.0])
SECOND = bytes(pcm.BYTES_PER_SECOND)
SAID = {
    "id": "a",
    "name": "a.wav",
    "rate": RATE,
    "n_bytes": len(SECOND),
    "at": 0,
    "data": base64.b64encode(SECOND).decode(),
    "are_taps": False,
    "head": "",
}


@pytest.fixture(autouse=True)
def session(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The session's state, a plain mapping here."""
    state: dict[str, Any] = {}
    monkeypatch.setattr(st, "session_state", state)
    monkeypatch.setattr(st, "query_params", {})
    return state


def said(monkeypatch: pytest.MonkeyPatch, **more: Any) -> Part | None:
    monkeypatch.setattr(assets, "said", lambda key, of: {**SAID, **more})
    return dropped.part()


def sent(id: str, data: bytes, size: int = MAX_PART_BYTES, **more: Any) -> list[str | None]:
    """A sound as a browser sends it: each part from where the server has it."""
    answers = []
    for at in range(0, len(data), size):
        part = Part(id, f"{id}.wav", len(data), at, data[at : at + size], False)
        answers.append(sounds.take_part(replace(part, **more)))
    return answers


# -- what a client sends


def test_a_part_is_what_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    assert said(monkeypatch) == Part("a", "a.wav", len(SECOND), 0, SECOND, False)


@pytest.mark.parametrize(
    "more",
    [
        {"rate": 44_100},
        {"rate": None},
        {"n_bytes": pcm.MAX_BYTES + 2},
        {"n_bytes": 10},
        {"n_bytes": len(SECOND) + 1},
        {"at": 1},
        {"at": -2},
        {"at": len(SECOND)},
        {"at": 2},  # more comes than is left
        {"data": "no base64!"},
        {"data": ""},
        {"data": base64.b64encode(b"odd").decode()},
        {"data": "A" * (2 * MAX_PART_BYTES)},
        {"id": ""},
        {"id": "a" * 100},
        {"name": None},
        {"are_taps": "yes"},
        {"head": None},
        {"head": "no base64!"},
        {"head": base64.b64encode(bytes(MAX_HEAD_BYTES + 1)).decode()},
    ],
    ids=str,
)
def test_what_is_no_part_is_left(monkeypatch: pytest.MonkeyPatch, more: dict[str, Any]) -> None:
    assert said(monkeypatch, **more) is None


def test_a_long_name_is_cut_and_a_refusal_is_one_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    part = said(monkeypatch, name="a" * 10_000)
    assert part is not None
    assert len(part.name) == dropped.MAX_NAME
    for answer, found in (
        ({"name": "a", "why": "long"}, ("a", "long")),
        ({"name": "12 sounds", "why": "many"}, ("12 sounds", "many")),
        ({"name": "a", "why": "<b>"}, None),
        ("long", None),
    ):
        monkeypatch.setattr(assets, "said", lambda key, of, answer=answer: answer)
        assert dropped.refused() == found
    assert all("bad.wav" in sounds.refusal("bad.wav", why) for why in dropped.WHY)


# -- parts


def test_parts_become_a_sound_in_their_order_alone() -> None:
    data = np.random.default_rng(3).bytes(3 * MAX_PART_BYTES + 500)
    first = Part("a", "a.wav", len(data), 0, data[:MAX_PART_BYTES], False)
    third = Part("a", "a.wav", len(data), 2 * MAX_PART_BYTES, data[2 * MAX_PART_BYTES : 3 * MAX_PART_BYTES], False)
    sounds.take_part(first)
    sounds.take_part(first)  # twice
    sounds.take_part(third)  # too soon
    sounds.take_part(replace(third, at=MAX_PART_BYTES, n_bytes=len(data) + 2))  # of another length
    assert sounds.wanted() == ("a", MAX_PART_BYTES)
    assert not sounds.is_waiting()
    assert sent("a", data) == [None] * 4
    assert sounds.wanted() == ("a", len(data))
    [waiting] = sounds.waiting()
    assert (waiting.name, waiting.data, waiting.are_taps) == ("a.wav", data, False)
    assert (sounds.wanted(), sounds.over()) == (None, "a")


def test_another_sound_takes_the_place_of_one_that_was_given_up() -> None:
    sounds.take_part(Part("a", "a.wav", len(SECOND), 0, SECOND[:100], False))
    assert sent("b", SECOND, are_taps=True) == [None]
    assert [sound.name for sound in sounds.waiting()] == ["b.wav"]
    sounds.take_part(Part("a", "a.wav", len(SECOND), 100, SECOND[100:], False))
    assert not sounds.is_waiting()


def test_a_visitor_has_so_many_minutes_and_all_visitors_so_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sounds, "_ROOM", sounds._Room())  # those of other tests are not in it
    stand_in(monkeypatch, loop_heard())
    most = sounds.MAX_BYTES
    monkeypatch.setattr(sounds, "MAX_BYTES", 3 * len(SECOND))
    for name in "ab":
        sounds.hear(Waiting(f"{name}.wav", SECOND))
    [why] = sent("c", 2 * SECOND)
    assert why is not None
    assert why.startswith("c.wav: expected at most")
    assert (sounds.wanted(), sounds.over()) == (None, "c")
    monkeypatch.setattr(sounds, "MAX_BYTES", most)
    monkeypatch.setattr(sounds, "MAX_SERVER_BYTES", 3 * len(SECOND))
    [why] = sent("d", 2 * SECOND)
    assert why is not None
    assert "for all its visitors" in why
    st.session_state.clear()
    gc.collect()
    assert sent("e", 2 * SECOND) == [None]  # what nobody holds takes no room


# -- in hand


@pytest.fixture
def heard(monkeypatch: pytest.MonkeyPatch) -> sounds.Own:
    """A loop of which the ear is unsure of the softer strokes."""
    found = loop_heard()
    confidence = np.where(found.velocity > 60, 0.9, 0.2)
    stand_in(monkeypatch, replace(found, confidence=confidence))
    hand.choose(sounds.hear(Waiting("funk.wav", SECOND * 5)))
    return sounds.own()[0]


def test_a_sound_is_in_hand_as_a_groove(heard: sounds.Own) -> None:
    held = hand.now()
    assert (held.key, held.name, held.problem) == (heard.key, "funk.wav", None)
    np.testing.assert_allclose(held.read.onset_seconds, sounds.read(heard).heard.seconds, atol=1e-3)
    assert sounds.hear(Waiting("funk.wav", SECOND * 5)) == heard.key  # once more: the same
    assert len(sounds.own()) == 1
    sounds.remove([heard.key])
    assert hand.now().key != heard.key


def test_what_is_said_of_it_holds(heard: sounds.Own) -> None:
    usual = hand.now().read
    bpm = usual.tempos[0].bpm
    sounds.ask(heard, Asked(bpm=bpm / 2))
    assert hand.now().read.tempos[0].bpm == pytest.approx(bpm / 2, rel=0.01)
    sounds.ask(heard, Asked(thresholds=((VOICE_INDEX["snare"], 0.1),)))
    more = hand.now().read
    assert (more.voice == VOICE_INDEX["snare"]).sum() > (usual.voice == VOICE_INDEX["snare"]).sum()
    sounds.ask(heard, Asked())
    assert hand.now().read == usual


def test_a_sound_is_read_once_for_each_way(heard: sounds.Own, monkeypatch: pytest.MonkeyPatch) -> None:
    hand.now()
    n = []
    monkeypatch.setattr(tasks, "transcribe", lambda *_: n.append(1))
    hand.now()
    assert not n


def test_what_is_no_drums_takes_nothing_out_of_the_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    stand_in(monkeypatch, loop_heard(drums_alone=0.2))
    hand.choose("waltz")
    hand.now()
    hand.choose(sounds.hear(Waiting("song.mp3", SECOND)))
    held = hand.now()
    assert held.key == "waltz"
    assert held.problem is not None
    assert "drum stem" in held.problem
    assert "Take it anyway" in held.problem
    [sound] = sounds.own()
    assert sounds.grooves() == {}
    sounds.ask(sound, Asked(anyway=True))
    assert hand.now().key == sound.key
    assert set(sounds.grooves()) == {sound.key}


def test_silence_offers_no_way(monkeypatch: pytest.MonkeyPatch) -> None:
    hand.choose(sounds.hear(Waiting("silence.wav", SECOND)))
    problem = hand.now().problem
    assert problem is not None
    assert "choose another sound" in problem
    assert "anyway" not in problem


def test_a_tempo_that_is_known_is_believed(monkeypatch: pytest.MonkeyPatch) -> None:
    stand_in(monkeypatch, loop_heard())
    sounds.hear(Waiting("Recording 1", SECOND, bpm=55.0))
    assert sounds.asked(sounds.own()[0]) == Asked(bpm=55.0)


def test_a_rhythm_begins_with_its_first_tap_and_has_whole_bars() -> None:
    found = tasks.taps(None, pcm.packed([table(0.7 + RHYTHM, 5.0)]), "Taps 1", None)
    assert found.tempos[0].bpm == pytest.approx(120, rel=0.01)
    np.testing.assert_allclose(found.position, RHYTHM * 8, atol=0.1)
    assert found.n_steps == 32
    known = tasks.taps(None, pcm.packed([table(0.7 + RHYTHM, 5.0)]), "Taps 2", 60.0)
    np.testing.assert_allclose(known.position, RHYTHM * 4, atol=0.1)


def test_without_a_tap_there_is_no_rhythm() -> None:
    with pytest.raises(AudioError):
        tasks.taps(None, SECOND, "Taps 1", None)


def test_a_waveform_is_bounded() -> None:
    assert len(_columns(np.ones(90 * 600))) <= MAX_COLUMNS
    assert _columns(np.zeros(0)).tolist() == []
    peaks = np.zeros(90 * 600)
    peaks[31_234] = 1.0
    assert _columns(peaks).max() == 1.0
