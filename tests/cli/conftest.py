"""Fixtures of the command line: a toy checkpoint, a shell, and files to read."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from grooves import random_groove
from helpers import note, smf
from running import ROCK, Shell
from toys import checkpoint_file

from rhythmvae.midi.write import write_midi


@pytest.fixture(scope="module")
def toy(tmp_path_factory) -> str:
    return str(checkpoint_file(tmp_path_factory.mktemp("model") / "toy.safetensors"))


@pytest.fixture(autouse=True)
def _surroundings(tmp_path, monkeypatch, brief_feel):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    threads = torch.get_num_threads()
    yield
    torch.set_num_threads(threads)


@pytest.fixture
def shell(capsys, toy) -> Shell:
    return Shell(capsys, toy)


@pytest.fixture
def folder(tmp_path) -> Path:
    """Three grooves, one file that is none, and one that does not say what it is."""
    files = {
        "a.mid": ROCK,
        "sub/a.mid": write_midi(random_groove(1, 75, 90)),
        "sub/Ünï 🥁.MID": smf([note(0, 36), note(100, 38), note(960, 44)]),
        "sub/bad.mid": b"no MIDI",
        "readme.txt": b"hello",
    }
    for name, data in files.items():
        (tmp_path / "in" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "in" / name).write_bytes(data)
    return tmp_path / "in"


@pytest.fixture
def song(tmp_path) -> Path:
    (tmp_path / "song.mid").write_bytes(ROCK)
    return tmp_path / "song.mid"


@pytest.fixture
def played(tmp_path) -> Path:
    """Takes of 30 hits by three drummers, in the layout of the Groove MIDI Dataset."""
    rows = ["drummer,midi_filename,split"]
    for seed in range(15):
        drummer, split = (1, 5, 7)[seed % 3], "train" if seed < 9 else "validation"
        name = f"drummer{drummer}/session1/{seed}.mid"
        (tmp_path / "played" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "played" / name).write_bytes(write_midi(random_groove(seed)))
        rows.append(f"drummer{drummer},{name},{split}")
    (tmp_path / "played" / "info.csv").write_text("\n".join(rows))
    return tmp_path / "played"
