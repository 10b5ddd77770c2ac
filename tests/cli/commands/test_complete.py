"""What completes grooves: files as they are read by another reader, and what cannot be asked."""

from __future__ import annotations

import io
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import mido
import pytest
from helpers import meter, note, smf, tempo
from running import files_in
from toys import checkpoint_of

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
    # Two bars of 7/8 and one of 3/4, then two of 3/4.
    groove, _ = read_file(tmp_path / "out" / "odd.mid")
    assert [(m.step, str(m)) for m in groove.meters] == [(0.0, "7/8"), (14.0, "3/4")]
    [entry] = document["files"]
    assert entry["output"] == entry["grooves"][0]["output"] == "odd.mid"
    assert entry["grooves"][0]["n_hits"] >= len(groove)
    assert new[0][0] >= 6.5 - 1 / 8  # a new hit of the first 16th may be early


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


VERBS: list[Sequence[Any]] = [["continue", "--bars", 1]]


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
    ],
    ids=str,
)
def test_what_cannot_be_asked(shell, song, tmp_path, words, match):
    command, *options = words
    shell.refuses(command, song, *options, "--out", tmp_path / "out", match=match)
    assert not (tmp_path / "out").exists()
