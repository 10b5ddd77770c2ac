"""The voice table, and what the user may change in it."""

from __future__ import annotations

import re

import pytest

from rhythmvae.errors import UsageError
from rhythmvae.kit import GROUPS, N_VOICES, NOTE_NAMES, VOICE_KEYS, VOICES, KitMap, note_name


def test_every_note_belongs_to_one_voice():
    notes = [p for v in VOICES for p in v.mapped + v.folded]
    assert len(notes) == len(set(notes))


CLICKS = range(31, 35)  # sticks, square click and metronome are no drums


def test_all_general_midi_percussion_and_the_pads_of_the_data_set_are_placed():
    kit = KitMap()
    assert all(kit.voice_of(pitch) is not None for pitch in range(27, 88) if pitch not in CLICKS)
    assert all(kit.voice_of(pitch) is None for pitch in CLICKS)
    assert all(kit.voice_of(pitch) is not None for pitch in (22, 26, 58))
    assert kit.voice_of(20) is None
    assert kit.voice_of(88) is None


def test_a_voice_reads_back_the_note_it_writes():
    kit = KitMap()
    assert [kit.voice_of(v.pitch) for v in VOICES] == list(range(N_VOICES))
    assert not any(kit.is_folded(v.pitch) for v in VOICES)


def test_nine_voices_with_names_and_colours_of_their_own():
    assert N_VOICES == 9
    assert len(set(VOICE_KEYS)) == len({v.label for v in VOICES}) == len({v.color for v in VOICES}) == 9
    assert all(re.fullmatch("#[0-9a-f]{6}", v.color) for v in VOICES)


def test_every_voice_is_in_one_group():
    assert sorted(key for keys in GROUPS.values() for key in keys) == sorted(VOICE_KEYS)


def test_every_placed_note_has_a_name():
    assert {p for v in VOICES for p in v.mapped + v.folded} <= NOTE_NAMES.keys()
    assert note_name(36) == "Bass drum"
    assert note_name(99) == "Note 99"


def test_folded_is_a_neighbours_instrument_unless_the_user_chose_it():
    assert KitMap().is_folded(39)
    assert not KitMap().is_folded(38)
    assert not KitMap({39: 1}).is_folded(39)


def test_rules():
    kit = KitMap.parse(["44=kick", " 60 = Open-Hat ", "39=none"])
    assert kit.voice_of(44) == 0
    assert kit.voice_of(60) == VOICE_KEYS.index("open_hat")
    assert kit.voice_of(39) is None
    assert kit.voice_of(38) == 1


@pytest.mark.parametrize("rule", ["44", "kick=44", "128=kick", "-1=kick", "44=", "44=banjo", "", "²=kick", "4 4=kick"])
def test_rules_that_cannot_be(rule):
    with pytest.raises(UsageError, match=r"Expected .*, got "):
        KitMap.parse([rule])
