"""What completes grooves: files as they are read by another reader, and what cannot be asked."""

from __future__ import annotations

import io
from collections.abc import Sequence
from fractions import Fraction
from math import floor
from pathlib import Path
from typing import Any

import mido
import pytest
from helpers import meter, note, smf, tempo
from running import files_in
from toys import checkpoint_of

from rhythmvae.kit import VOICE_KEYS
from rhythmvae.midi.read import read_file

Notes = list[tuple[Fraction, int, int]]  # quarter notes, pitch, velocity


def notes(data: bytes) -> Notes:
    """All notes of a file, by nothing of ours."""
    file, found = mido.MidiFile(file=io.BytesIO(data)), []
    for track in file.tracks:
        now = 0
        for message in track:
            now += message.time
            if message.type == "note_on" and message.velocity:
                found.append((Fraction(now, file.ticks_per_beat), message.note, message.velocity))
    return sorted(found)


@pytest.fixture
def odd(tmp_path: Path) -> Path:
    """24 ticks a quarter note, tempo and meter changes, and a snare that no 960 ticks a quarter note could place."""
    events = [tempo(0, 90), meter(0, 7, 8), tempo(84, 140), meter(84, 3, 4)]
    events += [note(tick, 36 if tick % 4 else 38, 1 + tick % 120) for tick in range(0, 156, 5)]
    (tmp_path / "odd.mid").write_bytes(smf(events, ppq=24))
    return tmp_path / "odd.mid"


def test_new_bars_follow_the_last_and_nothing_before_them_moves(shell, odd, tmp_path):
    document = shell.json("continue", odd, "--bars", 2, "--out", tmp_path / "out")
    own, made = notes(odd.read_bytes()), notes(files_in(tmp_path / "out")["odd.mid"])
    new = sorted(set(made) - set(own))
    assert len(new) == len(made) - len(own) > 0  # all that was there is there
    # A bar of 7/8 and one of 3/4, then two of 3/4.
    groove, _ = read_file(tmp_path / "out" / "odd.mid")
    assert [(m.step, str(m)) for m in groove.meters] == [(0.0, "7/8"), (14.0, "3/4")]
    [entry] = document["files"]
    assert entry["output"] == entry["grooves"][0]["output"] == "odd.mid"
    assert entry["grooves"][0]["n_hits"] >= len(groove)
    assert new[0][0] >= 6.5 - 1 / 8  # a new hit of the first 16th may be early


def test_each_file_of_several_that_cannot_be_done_is_named(shell, odd, song, tmp_path):
    """The second is whole where the first is not long enough."""
    (tmp_path / "short.mid").write_bytes(smf([meter(0, 4, 4), *(note(96 * i, 36) for i in range(4))]))
    arguments = ["infill", tmp_path / "short.mid", song, "--bars", 2, "--out", tmp_path / "out"]
    status, _, said = shell(*arguments)
    assert status == 1
    assert "rhythmvae: short.mid: Expected bars to play anew from 1 to 1, got 2.\n" in said


def test_the_new_bars_alone_begin_at_their_bar_line(shell, song, tmp_path):
    whole = ["continue", song, "--bars", 2, "--seed", 4, "--at", 2]
    assert shell(*whole, "--out", tmp_path / "a")[0] == 0
    assert shell(*whole, "--only-new", "--out", tmp_path / "b")[0] == 0
    joined, alone = (notes(files_in(tmp_path / name)["song.mid"]) for name in "ab")
    assert [row for row in alone if row[0] > 0] == [(at - 4, *sound) for at, *sound in joined if at > 4]
    assert {row for row in notes(song.read_bytes()) if row[0] < 4} <= set(joined)
    assert read_file(tmp_path / "b" / "song.mid")[0].n_bars == 2


def test_several_answers_are_numbered_and_their_seed(shell, song, tmp_path):
    def made(name: str, *options: Any) -> dict[str, bytes]:
        assert shell("continue", song, "--bars", 1, "--out", tmp_path / name, *options)[0] == 0
        return files_in(tmp_path / name)

    three = made("a", "--n", 3, "--seed", 5)
    assert list(three) == ["song_0001.mid", "song_0002.mid", "song_0003.mid"]
    assert len(set(three.values())) == 3
    assert made("b", "--seed", 5)["song.mid"] == three["song_0001.mid"]
    assert made("c", "--seed", 6)["song.mid"] != three["song_0001.mid"]
    sure = made("d", "--seed", 5, "--temperature", 0)
    assert sure == made("e", "--seed", 9, "--temperature", 0) != made("f", "--style", "funk", "--temperature", 0)


# -- infill


def test_what_is_not_marked_stays_on_its_tick(shell, odd, tmp_path):
    options = ["--drums", "hats,ride", "--bars", "1-1", "--seed", 2]
    assert shell("infill", odd, *options, "--out", tmp_path / "out")[0] == 0
    own, made = notes(odd.read_bytes()), notes(files_in(tmp_path / "out")["odd.mid"])
    assert set(own) < set(made)
    new = set(made) - set(own)
    assert {pitch for _, pitch, _ in new} <= {42, 46, 51}
    assert max(new)[0] < 3.5  # where bar 2 begins
    kept = shell.json("infill", odd, "--keep", "toms,cymbals,snare", "--out", tmp_path / "b")
    made = notes(files_in(tmp_path / "b")["odd.mid"])
    assert [row for row in made if row[1] == 38] == [row for row in own if row[1] == 38]
    assert not {row for row in own if row[1] == 36} <= set(made)
    assert kept["options"]["keep"] == ["toms", "cymbals", "snare"]


# -- tap


def test_every_note_is_a_tap_whatever_its_number_and_channel(shell, tmp_path):
    at = [0, 230, 490, 720, 735, 1000, 1200, 1500]
    taps = [note(tick, (60, 74, 99)[i % 3], 50 + i, (1, 10, 4)[i % 3]) for i, tick in enumerate(at)]
    (tmp_path / "taps.mid").write_bytes(smf([tempo(0, 100), *taps]))
    for options in ([], ["--hands"]):
        arguments = ["tap", tmp_path / "taps.mid", "--out", tmp_path / "out", "--force", *options]
        document = shell.json(*arguments)
        [entry] = document["files"]
        assert (entry["report"]["n_hits"], entry["report"]["questions"]) == (len(at), [])
        found = [row[0] for row in notes(files_in(tmp_path / "out")["taps.mid"])]
        assert all(Fraction(tick, 480) in found for tick in at if tick != 735)  # 19 ms behind the one before
    assert shell(*arguments)[2].count("\n") == 1  # no meter is said, no question asked
    only = shell.json("tap", tmp_path / "taps.mid", "--channel", 4, "--out", tmp_path / "b")
    assert only["files"][0]["report"]["n_hits"] == 2


# -- predict


def test_what_comes_next_is_a_table_of_cells(shell, odd, song, tmp_path):
    document = shell.json("predict", odd, song)
    for entry, n_steps, n_bars in zip(document["files"], (12, 16), (2, 2), strict=True):
        coming = entry["next_bar"]
        assert coming["n_steps"] == len(coming["hit"]) == len(coming["velocity"]) == n_steps
        assert coming["voices"] == list(VOICE_KEYS)
        assert all(len(row) == 9 and min(row) >= 0 and max(row) <= 1 for row in coming["hit"])
        assert all(1 <= loud <= 127 for row in coming["velocity"] for loud in row)
        assert len(entry["bars"]) == n_bars
        for bar in entry["bars"]:
            assert bar["bits"] > sum(hit["surprise"] for hit in bar["hits"]) > 0
    status, out, err = shell("predict", song)
    assert (status, err) == (0, "")
    assert out.splitlines()[1].split()[:2] == ["song.mid", "2"]


# -- humanize, transplant


def test_feel_goes_as_far_as_is_asked_and_cells_stay(shell, odd, song, tmp_path):
    def made(*options: Any) -> Notes:
        assert shell("humanize", song, "--force", "--out", tmp_path / "out", *options)[0] == 0
        return notes(files_in(tmp_path / "out")["song.mid"])

    own, wholly = notes(song.read_bytes()), made("--temperature", 0)
    assert made("--amount", 0) == own != wholly
    assert made("--temperature", 0, "--seed", 8) == wholly
    assert [row[:2] for row in made("--timing", 0)] == [row[:2] for row in own]
    assert sorted(loud for *_, loud in made("--keep", "velocity")) == sorted(loud for *_, loud in own)
    assert made("--after", odd, "--temperature", 0) != wholly
    cells = [sorted((floor(4 * at + Fraction(1, 2)), pitch) for at, pitch, _ in found) for found in (own, wholly)]
    assert cells[0] == cells[1]


def test_one_groove_takes_feel_or_density_from_another(shell, odd, song, tmp_path):
    document = shell.json("transplant", song, odd, "--n", 2, "--out", tmp_path / "a")
    assert list(files_in(tmp_path / "a")) == ["song_0001.mid", "song_0002.mid"]
    [entry] = document["files"]
    assert (entry["input"], entry["other"], entry["output"]) == ("song.mid", "odd.mid", "song_0001.mid")
    assert shell("transplant", song, odd, "--what", "density", "--out", tmp_path / "b")[0] == 0
    found = notes(files_in(tmp_path / "b")["song.mid"])
    assert set(notes(song.read_bytes())) < set(found)
    dense, _ = read_file(odd)
    assert len(found) == round(len(dense) * 32 / dense.n_steps)
    shell.refuses("transplant", song, "--out", tmp_path / "c", match="Expected 2 files of MIDI, got 1")
    assert shell("transplant", song, song, "--out", tmp_path / "d")[0] == 0
    assert list(files_in(tmp_path / "d")) == ["song.mid"]


# -- all


VERBS: list[Sequence[Any]] = [
    ["continue", "--bars", 1],
    ["infill", "--drums", "hats"],
    ["tap"],
    ["humanize", "--amount", 0.5],
]


@pytest.mark.parametrize("verb", VERBS, ids=lambda verb: str(verb[0]))
def test_a_folder_is_answered_file_by_file(shell, folder, tmp_path, verb):
    command, *options = verb
    document = shell.json(command, folder, *options, "--out", tmp_path / "out", status=1)
    written = [entry["output"] for entry in document["files"] if "error" not in entry]
    assert sorted(written) == sorted(files_in(tmp_path / "out"))
    assert len(written) == 3
    shell.refuses(command, folder / "a.mid", *options, "--out", tmp_path / "out", match="exists; give --force")


@pytest.mark.parametrize("verb", VERBS, ids=lambda verb: str(verb[0]))
def test_a_model_that_completes_nothing_says_so_once(shell, folder, tmp_path, verb):
    without = checkpoint_of()
    old = tmp_path / "old.safetensors"
    object.__setattr__(without, "own_completion", None)
    without.write(old)
    command, *options = verb
    arguments = [
        command,
        folder / "a.mid",
        folder / "sub/a.mid",
        *options,
        "--checkpoint",
        old,
        "--out",
        tmp_path / "o",
    ]
    shell.refuses(*arguments, "-q", model=False, match="Expected a model that completes grooves")
    assert not (tmp_path / "o").exists()


@pytest.mark.parametrize(
    ("words", "match"),
    [
        (["continue", "--bars", 0], "1 to 512 bars, got 0"),
        (["continue", "--bars", 10**30], "1 to 512 bars"),
        (["continue", "--at", 0], "bar to begin at from 1 to 3, got 0"),
        (["continue", "--at", 4], "bar to begin at from 1 to 3, got 4"),
        (["continue", "--n", 0], "1 to 10000 grooves of each input, got 0"),
        (["continue", "--temperature", "nan"], "temperature from 0 to 4"),
        (["continue", "--style", "polka"], "one of the styles funk, jazz, got 'polka'"),
        (["continue", "--seed", -1], "seed from 0"),
        (["infill"], "or bars .bars., got neither"),
        (["infill", "--drums", "hat"], "drums out of kick, .*, cymbals, got 'hat'; did you mean hats"),
        (["infill", "--drums", "hats", "--keep", "hats"], "at least one drum"),
        (["infill", "--bars", "3"], "bars to play anew from 1 to 2, got 3"),
        (["infill", "--bars", "2-1"], "bars such as 1,3-4"),
        (["infill", "--bars", "1-99999999"], "bars such as 1,3-4"),
        (["infill", "--bars", "0"], "bars to play anew from 1"),
        (["humanize", "--amount", 1.5], "new timing from 0 to 1, got 1.5"),
        (["humanize", "--velocity", "nan"], "new velocity from 0 to 1"),
        (["humanize", "--keep", "tempo"], "to keep timing or velocity, got 'tempo'"),
        (["humanize", "--after", "nowhere.mid"], "readable MIDI file"),
        (["transplant", "--what", "fel"], "expected one of feel, density, got 'fel'; did you mean feel"),
        (["predict", "--style", "polka"], "got 'polka'"),
    ],
    ids=str,
)
def test_what_cannot_be_asked(shell, song, tmp_path, words, match):
    command, *options = words
    out = [] if command == "predict" else ["--out", tmp_path / "out"]
    shell.refuses(command, song, *options, *out, match=match)
    assert not (tmp_path / "out").exists()
