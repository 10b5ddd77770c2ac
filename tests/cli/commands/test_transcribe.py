"""transcribe: sounds to MIDI by the contract of a batch; and sounds where other commands take MIDI."""

from __future__ import annotations

import struct
import sys
from pathlib import Path

import numpy as np
import pytest
from hearing import loop_heard, stand_in
from running import ROCK, documented, files_in, keys_of

from rhythmvae.midi.read import read_midi

WAV = b"RIFF" + struct.pack("<I", 36) + b"WAVEfmt " + struct.pack("<IHHIIHH", 16, 1, 1, 8000, 16000, 2, 16)
WAV += b"data" + struct.pack("<I", 16_000) + bytes(16_000)


@pytest.fixture
def sounds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    stand_in(monkeypatch, loop_heard())
    for name, data in {"a.wav": WAV, "sub/b.WAV": WAV, "song.mid": ROCK}.items():
        (tmp_path / "in" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "in" / name).write_bytes(data)
    return tmp_path / "in"


def test_every_onset_stands_in_the_file_where_it_was_heard(shell, sounds, tmp_path):
    found = shell.json("transcribe", sounds, "--out", tmp_path / "out", model=False)
    assert [entry["output"] for entry in found["files"]] == ["a.mid", "sub/b.mid"]
    assert set(found) == {"version", "command", "files"}
    entry = found["files"][0]
    assert keys_of(found) == keys_of(found) & documented("transcribe", "A report")
    assert entry["tempos"] == [[0.0, pytest.approx(98.0, rel=1e-4)]]
    assert entry["meters"] == [[0.0, 4, 4]]
    assert (entry["downbeat_seconds"], entry["drums_alone"]) == (0.0, 0.97)
    assert set(entry["hits"][0]) == {"seconds", "voice", "velocity", "confidence"}
    written = files_in(tmp_path / "out")
    assert set(written) == {"a.mid", "sub/b.mid"}
    groove, _ = read_midi(written["a.mid"], "a.mid")
    assert np.abs(groove.onset_seconds - [hit["seconds"] for hit in entry["hits"]]).max() < 1e-3


def test_what_is_not_drums_alone_fails_alone(shell, sounds, tmp_path, monkeypatch):
    stand_in(monkeypatch, loop_heard(drums_alone=0.1))
    status, out, err = shell("transcribe", sounds, "--out", tmp_path / "out", model=False)
    assert (status, len(out.splitlines())) == (1, 1)
    assert err.count("expected drums alone, got a sound that is 10% likely to be that") == 2
    assert not (tmp_path / "out").exists()
    shell.refuses("transcribe", sounds / "a.wav", "--out", tmp_path / "out", model=False, match="drums alone")
    assert shell("transcribe", sounds, "--out", tmp_path / "out", "--anyway", model=False)[0] == 0


def test_tempo_and_meter_are_those_that_are_asked_for(shell, sounds, tmp_path):
    asked = ("--tempo", "196", "--meter", "2/4")
    [entry] = shell.json("transcribe", sounds / "a.wav", *asked, "--out", tmp_path / "out", model=False)["files"]
    assert entry["tempos"] == [[0.0, pytest.approx(196.0, rel=1e-4)]]
    assert entry["meters"] == [[0.0, 2, 4]]


def test_a_question_is_one_line_and_no_error(shell, sounds, tmp_path):
    (sounds / "x 87bpm.wav").write_bytes(WAV)
    status, _, err = shell("transcribe", sounds / "x 87bpm.wav", "--out", tmp_path / "out", model=False)
    assert status == 0
    assert err.count("Which tempo? Taken: 98 BPM; also possible: 87 BPM") == 1


@pytest.mark.parametrize(
    ("words", "match"),
    [
        (["a.wav", "--tempo", "0"], "a --tempo from 20 to 500, got 0"),
        (["a.wav", "--meter", "x"], "a meter such as 6/8"),
        (["song.mid"], "Expected sounds"),
        (["nowhere.wav"], "which does not exist"),
    ],
)
def test_what_cannot_be_asked(shell, sounds, tmp_path, words, match):
    shell.refuses("transcribe", sounds / words[0], *words[1:], "--out", tmp_path / "out", model=False, match=match)


def test_a_file_is_overwritten_only_with_force(shell, sounds, tmp_path):
    out = ("--out", tmp_path / "out")
    assert shell("transcribe", sounds / "a.wav", *out, model=False)[0] == 0
    shell.refuses("transcribe", sounds / "a.wav", *out, model=False, match="give --force")
    assert shell("transcribe", sounds / "a.wav", *out, "--force", model=False)[0] == 0


def test_every_command_takes_a_sound_that_is_named_and_others_with_audio(shell, sounds, tmp_path):
    [entry] = shell.json("describe", sounds / "a.wav", model=False)["files"]
    assert entry["tempo"]["bpm"] == pytest.approx(98.0, rel=1e-4)
    assert shell("reconstruct", sounds / "a.wav", "--out", tmp_path / "out")[0] == 0
    status, out, err = shell("encode", sounds)
    assert (status, len(out.splitlines())) == (0, 2)
    assert "2 sounds in folders or zips passed over; --audio reads them." in err
    assert [entry["input"] for entry in shell.json("encode", sounds, "--audio")["files"]] == [
        "a.wav",
        "song.mid",
        "sub/b.WAV",
    ]


def test_a_folder_of_sounds_alone_says_how_they_are_read(shell, sounds, tmp_path):
    (sounds / "song.mid").unlink()
    shell.refuses("encode", sounds, model=False, match="2 of them sounds: --audio reads them")


@pytest.mark.parametrize("words", [["encode", "--audio"], ["transcribe", "--out", "out"]], ids=" ".join)
def test_without_the_library_one_sentence_says_how_to_install_it(shell, sounds, monkeypatch, words):
    monkeypatch.setitem(sys.modules, "soundfile", None)
    shell.refuses(words[0], sounds, *words[1:], model=False, match=r"pip install 'rhythmvae\[audio\]'")
