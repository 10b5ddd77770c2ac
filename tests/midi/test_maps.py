"""Which drum each note is where a file does not follow General MIDI."""

from __future__ import annotations

import numpy as np
import pytest
from helpers import meter, name, note, rock, smf, sysex, tempo

from rhythmvae.groove import Groove
from rhythmvae.kit import VOICE_KEYS, KitMap
from rhythmvae.midi import maps
from rhythmvae.midi.read import read_midi
from rhythmvae.midi.report import ImportReport, ReadOptions

HEAD = [tempo(0, 100), meter(0, 4, 4)]
ROCK = {"kick": 4, "snare": 4, "closed_hat": 16}


def read(*tracks: list, file: str = "test.mid", kit: KitMap | None = None) -> tuple[Groove, ImportReport]:
    return read_midi(smf(HEAD, *tracks), file, ReadOptions(kit=kit or KitMap()))


def voices(groove: Groove) -> dict[str, int]:
    found = np.bincount(groove.voice, minlength=len(VOICE_KEYS)).tolist()
    return {key: n for key, n in zip(VOICE_KEYS, found, strict=True) if n}


def on_notes(**notes: int) -> list:
    """Two bars of rock on other notes, and a hit of each further note."""
    kit = {36: notes["kick"], 38: notes["snare"], 42: notes["closed_hat"]}
    own = [note(tick, kit[data[1]], data[2]) for tick, data in rock()]
    more = [n for key, n in notes.items() if key not in ("kick", "snare", "closed_hat")]
    return own + [note(1800 + 30 * i, n) for i, n in enumerate(more)]


def split_rock(pitch: int | None, channels: tuple[int, int, int]) -> list[list]:
    """A track for each drum of the rock."""
    tracks = []
    for drum, own, channel in zip((36, 38, 42), ("Kick 808", "Main Snare", "Closed HH"), channels, strict=True):
        hits = [note(t, pitch or drum, data[2], channel) for t, data in rock() if data[1] == drum]
        tracks.append([name(own), *hits])
    return tracks


@pytest.mark.parametrize("channels", [(1, 1, 1), (1, 2, 3), (10, 10, 10)])
def test_one_note_for_all_drums_is_told_by_the_tracks_names(channels):
    groove, report = read(*split_rock(60, channels))
    assert voices(groove) == ROCK
    assert (report.n_hits, report.n_duplicates) == (24, 0)
    assert {(row.pitch, row.voice, row.count) for row in report.notes} == {
        (60, "kick", 4),
        (60, "snare", 4),
        (60, "closed_hat", 16),
    }
    assert "The drums are told by 3 track names, not by notes." in report.remarks


def test_names_do_not_overrule_notes_of_their_own():
    kit = split_rock(None, (1, 2, 3))
    swapped = [[name("Snare"), *kit[0][1:]], [name("Kick"), *kit[1][1:]], kit[2]]
    assert voices(read(*swapped)[0]) == ROCK


def test_a_file_of_one_drum_may_say_it_in_its_name():
    lone = [note(480 * i, 60, 90, 1) for i in range(4)]
    assert voices(read(lone, file="Snare_01.mid")[0]) == {"snare": 4}
    assert voices(read(lone, file="01.mid")[0]) == {"high_tom": 4}


@pytest.mark.parametrize(
    ("text", "voice"),
    [
        ("Closed Hat", "closed_hat"),
        ("OPEN HH", "open_hat"),
        ("Hi-Hat", "closed_hat"),
        ("bass drum", "kick"),
        ("Clap 909", "snare"),
        ("Floor Tom", "low_tom"),
        ("Tom 1", "high_tom"),
        ("Toms", "mid_tom"),
        ("Splash", "crash"),
        ("Ride Bell", "ride"),
        ("Track 4", None),
    ],
)
def test_a_name_says_a_voice(text, voice):
    found = maps.voice_of_name(text)
    assert (None if found is None else VOICE_KEYS[found]) == voice


@pytest.mark.parametrize(
    ("shift", "said"), [(-24, "2 octaves down"), (-12, "1 octave down"), (12, "1 octave up"), (24, "2 octaves up")]
)
def test_a_kit_octaves_off(shift, said):
    groove, report = read([(t, bytes([d[0], d[1] + shift, d[2]])) for t, d in rock()])
    assert voices(groove) == ROCK
    assert f"The notes are those of General MIDI {said}" in " ".join(report.remarks)
    assert report.n_mapped == 24


def test_congas_alone_are_no_shifted_kit():
    congas = [note(240 * i, p) for i, p in enumerate([62, 63, 64, 63] * 4)]
    groove, report = read([name("Congas"), *congas])
    assert report.changes == report.questions == ()
    assert set(voices(groove)) <= {"low_tom", "mid_tom", "high_tom"}


def test_addictive_drums():
    groove, report = read(on_notes(kick=36, snare=38, closed_hat=49, open_hat=54, ride=60, low_tom=65, crash=77))
    assert voices(groove) == ROCK | {"open_hat": 1, "ride": 1, "low_tom": 1, "crash": 1}
    assert "The notes are those of Addictive Drums 2" in " ".join(report.remarks)


def test_the_hats_of_ezdrummer():
    groove, _ = read(on_notes(kick=36, snare=38, closed_hat=65, open_hat=60, crash=49))
    assert voices(groove) == ROCK | {"open_hat": 1, "crash": 1}


def test_yamaha_xg():
    xg_on = sysex(0, b"\x43\x10\x4c\x00\x00\x7e\x00\xf7")
    hits = on_notes(kick=33, snare=31, closed_hat=42)
    assert voices(read([xg_on, *hits])[0]) == ROCK
    assert voices(read(hits)[0]) == {"closed_hat": 16}  # elsewhere, clicks and sticks are no drums


def test_clicks_and_sticks_are_left_out_and_told():
    groove, report = read([*rock(), *(note(480 * i, 33 + (i % 4 == 0)) for i in range(8))])
    assert voices(groove) == ROCK
    assert [(c.kind, c.count) for c in report.changes] == [("left_out", 8)]


def test_notes_of_no_known_map_are_asked_about():
    groove, report = read(on_notes(kick=36, snare=91, closed_hat=93))
    assert voices(groove) == {"kick": 4}
    [question] = report.questions
    assert (question.about, question.taken) == ("kit map", "General MIDI")
    assert "--map" in question.option


def test_what_the_user_maps_is_not_guessed_at():
    hits = on_notes(kick=24, snare=26, closed_hat=30)
    groove, report = read(hits, kit=KitMap.parse(["24=ride"]))
    assert voices(groove)["ride"] == 4
    assert report.questions == ()
    assert "kit_map" not in {change.kind for change in report.changes}


def test_general_midi_is_general_midi():
    _, report = read(rock())
    assert report.changes == report.questions == ()
