"""Which drum each note is where a file does not follow General MIDI."""

from __future__ import annotations

import itertools
import json
import subprocess
import sys

import numpy as np
import pytest
from helpers import meter, name, note, rock, smf, sysex, tempo

from rhythmvae.groove import Groove
from rhythmvae.kit import VOICE_KEYS, KitMap
from rhythmvae.midi import maps
from rhythmvae.midi.behaviour import N_BINS, TABLE, TRAITS, behaviour_of, commonness, evidence
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
    assert "The drums were recognized by 3 track names, not by notes." in report.remarks


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


def test_what_the_user_maps_wins_and_the_rest_is_recognized():
    hits = on_notes(kick=24, snare=26, closed_hat=30)
    groove, report = read(hits, kit=KitMap.parse(["24=ride"]))
    assert voices(groove) == {"ride": 4, "snare": 4, "closed_hat": 16}
    assert {row.pitch: row.status for row in report.notes} == {24: "remapped", 26: "mapped", 30: "mapped"}
    assert [(c.kind, c.count) for c in report.changes if c.kind == "kit_map"] == [("kit_map", 2)]


def test_a_file_whose_notes_are_all_mapped_is_not_asked_about():
    rules = ["91=snare", "93=closed_hat", "36=kick"]
    groove, report = read(on_notes(kick=36, snare=91, closed_hat=93), kit=KitMap.parse(rules))
    assert voices(groove) == ROCK
    assert report.changes == report.questions == ()


def test_a_map_beside_track_names_wins_for_the_notes_it_names():
    tracks = split_rock(60, (1, 1, 1))
    groove, report = read(*tracks, kit=KitMap.parse(["44=kick"]))
    assert voices(groove) == ROCK
    extra = [name("Ride"), note(30, 61, 90, 1), note(510, 61, 90, 1)]
    groove, report = read(*tracks, extra, kit=KitMap.parse(["61=crash"]))
    assert voices(groove) == ROCK | {"crash": 2}
    assert ("remapped", "crash") in {(row.status, row.voice) for row in report.notes}
    assert voices(read(*tracks, kit=KitMap.parse(["60=snare"]))[0]) == {"snare": 16}


PADS = {"kick": 36, "snare": 37, "closed_hat": 38, "open_hat": 39}


def test_sixteen_pads_are_known_by_what_they_do():
    groove, report = read(on_notes(**PADS))
    assert voices(groove) == ROCK | {"open_hat": 1}
    assert "The notes are those of 16 pads of an MPC, Maschine or drum rack" in " ".join(report.remarks)


@pytest.mark.parametrize("first", [0, 24, 60])
def test_racks_of_pads_elsewhere(first):
    groove, report = read(on_notes(**{key: note + first - 36 for key, note in PADS.items()}))
    assert voices(groove) == ROCK | {"open_hat": 1}
    assert "kit_map" in {change.kind for change in report.changes}


def test_getgood_drums():
    groove, _ = read(on_notes(kick=24, snare=26, closed_hat=42, crash=52))
    assert voices(groove) == ROCK | {"crash": 1}


@pytest.mark.parametrize("notes", list(itertools.permutations([47, 67, 87]))[:3])
def test_drums_on_any_notes_are_asked_about_with_what_they_behave_like(notes):
    _, report = read(on_notes(kick=notes[0], snare=notes[1], closed_hat=notes[2]))
    [question] = report.questions
    assert question.about == "kit map"
    assert f"{notes[2]}=closed_hat" in question.others[0]
    assert f"--map {notes[2]}=closed_hat" in question.option


def test_the_answer_to_a_question_settles_it():
    hits = on_notes(kick=47, snare=67, closed_hat=87)
    groove, report = read(hits, kit=KitMap.parse(["47=kick", "67=snare", "87=closed_hat"]))
    assert voices(groove) == ROCK
    assert report.questions == ()


def test_a_part_without_kick_is_not_doubted():
    fill = [note(120 * i, (38, 48, 45, 43)[i // 4 % 4]) for i in range(32)]
    _, report = read(fill)
    assert report.changes == report.questions == ()


def test_a_blast_beat_of_kick_and_snare_is_general_midi():
    _, report = read([note(60 * i, 36) for i in range(63)] + [note(120 * i, 38) for i in range(32)])
    assert report.changes == report.questions == ()


def test_a_few_notes_of_no_drum_beside_a_kit_are_left_out_and_not_asked_about():
    _, report = read([*rock(), *(note(480 * i, 91 + i) for i in range(3))])
    assert [c.kind for c in report.changes] == ["left_out"]
    assert report.questions == ()


def test_a_hit_in_the_millionth_bar_costs_nothing():
    notes = np.array([36, 38] * 8)
    position = np.arange(16) * 4.0
    position[-1] = 16e6
    found = behaviour_of(notes, position, np.full(16, 90), 16.0)
    assert found.notes.tolist() == [36, 38]
    assert found.bins.shape == (2, len(TRAITS))


def test_what_notes_do_says_what_they_are():
    ticks = np.array([tick for tick, _ in rock()]) / 120
    order = np.argsort(ticks, kind="stable")
    pitch = np.array([data[1] for _, data in rock()])[order]
    velocity = np.array([data[2] for _, data in rock()])[order]
    found = behaviour_of(pitch, ticks[order], velocity, 16.0)
    kick, snare, hat = evidence(found) + commonness()
    assert VOICE_KEYS[int(hat.argmax())] == "closed_hat"
    assert VOICE_KEYS[int(snare.argmax())] == "snare"
    assert kick[VOICE_KEYS.index("kick")] > kick[VOICE_KEYS.index("closed_hat")]


def test_the_table_fits_the_traits():
    assert evidence(behaviour_of(np.array([36]), np.zeros(1), np.array([90]), 16.0)).shape == (1, len(VOICE_KEYS))
    assert len(json.loads(TABLE.read_text("utf-8"))) == 1 + N_BINS


def test_general_midi_is_general_midi():
    _, report = read(rock())
    assert report.changes == report.questions == ()


def test_the_assignment_is_scipys_whether_its_file_is_found_or_not(monkeypatch: pytest.MonkeyPatch) -> None:
    from scipy.optimize import linear_sum_assignment

    costs = [np.random.default_rng(seed).integers(-3, 3, (3 + seed, 27)).astype(float) for seed in range(5)]
    expected = [linear_sum_assignment(cost) for cost in costs]
    for found in (True, False):
        if not found:
            monkeypatch.setattr(maps, "of_scipy", lambda *_: None)
        assign = maps._assignment()
        assert assign is linear_sum_assignment or found
        for cost, columns in zip(costs, expected, strict=True):
            assert np.array_equal(assign(cost), columns)


def test_the_assignment_brings_no_optimizers_along() -> None:
    code = "import sys; from rhythmvae.midi import maps; maps._assignment(); print('scipy.optimize' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, check=True)
    assert done.stdout.strip() == "False"
