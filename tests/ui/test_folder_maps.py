"""A kit map for one folder of the data: what is asked, what is read, and what is trained on then."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import streamlit as st
from helpers import meter, note, smf, tempo

from rhythmvae.data.survey import Reading
from rhythmvae.kit import KitMap
from rhythmvae.midi.known_maps import KNOWN
from rhythmvae.midi.read import read_midi
from rhythmvae.midi.report import Change, Question, ReadOptions
from rhythmvae.ui.parts import folder_maps

ADDICTIVE = "Addictive Drums 2"
LOOP = smf([tempo(0, 100), meter(0, 4, 4), *(note(240 * i, (36, 48, 38, 48)[i % 4]) for i in range(16))])


@pytest.fixture
def chosen(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    state: dict[str, str] = {}
    monkeypatch.setattr(st, "session_state", state)
    return state


def test_a_folder_is_read_by_its_map_and_others_are_not(chosen: dict[str, str]) -> None:
    chosen[folder_maps._key("drums/b")] = ADDICTIVE
    asked = KitMap({40: 0})
    own = folder_maps.kit_for("drums/b/1.mid", asked)
    assert own.voice_of(40) == 0, "what is asked for all files stays"
    assert all(own.voice_of(pitch) == voice for pitch, voice in KNOWN[ADDICTIVE].items() if pitch != 40)
    assert own.voice_of(35) is None
    assert folder_maps.kit_for("drums/a/1.mid", asked) is asked
    assert folder_maps.kit_for("1.mid", asked) is asked


def test_what_reading_says_of_the_map_is_shown_a_question_first() -> None:
    groove, report = read_midi(LOOP, "1.mid")
    taken = Change("kit_map", 4, "The notes are those of X, and were read so.")
    asked = Question("kit map", "General MIDI", ("X",), "--map 48=closed_hat")
    said = [
        folder_maps._said(Reading("1.mid", groove, own))
        for own in (
            None,
            replace(report, changes=(), questions=()),
            replace(report, changes=(taken,), questions=()),
            replace(report, changes=(taken,), questions=(replace(asked, about="meter"), asked)),
        )
    ]
    assert said == ["", "", taken.sentence, asked.spoken]
    assert asked.spoken.startswith("Which"), "then the list is open"


def test_a_choice_that_is_none_of_the_maps_is_none(chosen: dict[str, str]) -> None:
    chosen[folder_maps._key("")] = "*"
    assert folder_maps.chosen("1.mid") == folder_maps.AS_READ


@pytest.mark.parametrize("rules", [{}, {36: 1, 38: 0}, {36: 2}], ids=["", "swapped", "no kick left"])
def test_what_is_trained_on_is_what_was_read(chosen: dict[str, str], rules: dict[int, int]) -> None:
    """By the rules that hold for all files, which is all that the run gets."""
    kit = KitMap(rules)
    assert folder_maps.as_asked("b/1.mid", LOOP, read_midi(LOOP, "1.mid")[0], kit) is LOOP
    chosen[folder_maps._key("b")] = ADDICTIVE
    read = read_midi(LOOP, "1.mid", ReadOptions(kit=folder_maps.kit_for("b/1.mid", kit)))[0]
    data = folder_maps.as_asked("b/1.mid", LOOP, read, kit)
    again = read_midi(data, "1.mid", ReadOptions(kit=kit))[0]
    assert np.array_equal(again.voice, read.voice)
    assert np.allclose(again.position, read.position, atol=0.01)
    assert np.array_equal(again.velocity, read.velocity)
    assert set(read.voice.tolist()) != set(read_midi(LOOP, "1.mid", ReadOptions(kit=kit))[0].voice.tolist())
