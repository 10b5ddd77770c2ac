"""A disk without room, at each command that writes: one sentence, and what stood there before stands there still.

The room is a limit on the size of any file that this process writes, which the system answers as it does a full disk,
with an OSError in the middle of writing.
"""

from __future__ import annotations

import errno
import struct
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

import pytest
from hearing import loop_heard, stand_in
from running import files_in

from rhythmvae.review.book import Reviews
from rhythmvae.store.database import Database
from tests.review import making

resource = pytest.importorskip("resource", reason="limits of POSIX")
ROOM = 40  # bytes: less than a MIDI file
WAV = b"RIFF" + struct.pack("<I", 36) + b"WAVEfmt " + struct.pack("<IHHIIHH", 16, 1, 1, 8000, 16000, 2, 16)
WAV += b"data" + struct.pack("<I", 16_000) + bytes(16_000)


@contextmanager
def full_disk() -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (ROOM, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.fixture
def latents(shell, song, tmp_path) -> Path:
    _, out, _ = shell("encode", song, "--json")
    (tmp_path / "latents.json").write_text(out)
    return tmp_path / "latents.json"


@pytest.mark.parametrize("force", [False, True], ids=["new", "over earlier files"])
@pytest.mark.parametrize("command", ["reconstruct", "decode", "sample", "vary", "interpolate"])
def test_what_makes_grooves(shell, folder, song, latents, tmp_path, command, force):
    out = tmp_path / "out"
    arguments = {
        "reconstruct": [folder / "a.mid", folder / "sub"],
        "decode": [latents],
        "sample": ["--n", 3],
        "vary": [song, "--n", 2],
        "interpolate": [song, folder / "a.mid", "--steps", 3],
    }[command]
    options = [command, *arguments, "--out", out]
    if force:
        assert shell(*options)[0] in (0, 1)  # 1: the folder has a file that cannot be read
    before = files_in(out)
    with full_disk():
        status, printed, errors = shell(*options, *(["--force"] if force else []))
    assert (status, printed) == (2, "")
    assert errors.splitlines()[-1].startswith("rhythmvae: Expected a folder to write to in --out, but ")
    assert errors.count("File too large") == 1  # however many files there are
    assert files_in(out) == before
    assert shell(*options, *(["--force"] if force else []))[0] in (0, 1)  # nothing stands in the way of the next


def test_the_map_as_a_page(shell, tmp_path):
    page = tmp_path / "map.html"
    page.write_text("before")
    with full_disk():
        status, _, errors = shell("info", shell.toy, "--map", page, "--force", model=False)
    assert status == 2
    assert errors.startswith("rhythmvae: Expected a file to write to in --map, but ")
    assert "File too large" in errors
    assert errors.count("\n") == 1
    assert page.read_text() == "before"


@pytest.mark.usefixtures("brief_prior")
def test_a_model(shell, played, tmp_path):
    """A state to go on from that cannot be saved does not end a run; its model that cannot, does."""
    out = tmp_path / "m.safetensors"
    out.write_bytes(b"before")
    with full_disk():
        options = ["train", played, "--out", out, "--epochs", 1, "--width", 16, "--depth", 1, "--no-judging", "--force"]
        status, _, errors = shell(*options, model=False)
    assert status == 2
    said = errors.splitlines()
    assert "cannot be written: " in said[0]
    assert said[0].endswith("the run goes on, but cannot be resumed")
    assert said[-1].startswith("rhythmvae: ")
    assert "File too large" in said[-1]
    assert len(said) == 2
    assert out.read_bytes() == b"before"
    assert sorted(path.name for path in tmp_path.iterdir() if path.name.startswith((".m", "m."))) == [out.name]


@pytest.mark.parametrize("is_new", [True, False], ids=["new", "over an earlier file"])
def test_what_midi_says_as_a_table(shell, song, tmp_path, is_new):
    out = tmp_path / "out.csv"
    if not is_new:
        out.write_text("before")
    with full_disk():
        status, _, errors = shell("describe", song, "--csv", out, "--force", model=False)
    assert status == 2
    assert errors.startswith("rhythmvae: Expected a file to write to in --csv, but ")
    assert (errors.count("File too large"), errors.count("\n")) == (1, 1)
    assert not out.exists() if is_new else out.read_text() == "before"


@pytest.mark.usefixtures("brief_prior")
@pytest.mark.parametrize("is_new", [True, False], ids=["new", "over an earlier file"])
@pytest.mark.parametrize("command", ["map", "refit"])
def test_a_model_made_anew_in_part(shell, played, tmp_path, command, is_new):
    out = tmp_path / "m.safetensors"
    if not is_new:
        out.write_bytes(b"before")
    with full_disk():
        status, printed, errors = shell(
            command, played, "--checkpoint", shell.toy, "--out", out, "--force", model=False
        )
    assert (status, printed) == (2, "")
    assert errors.splitlines()[-1].startswith("rhythmvae: The checkpoint ")
    assert errors.count("File too large") == 1
    assert not out.exists() if is_new else out.read_bytes() == b"before"
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith((".m", "m."))] == [out.name] * (not is_new)


COMPLETING = {
    "continue": ["--bars", 1],
    "humanize": [],
    "tap": [],
    "infill": ["--drums", "hats"],
    "transplant": [],
}


@pytest.mark.parametrize("command", COMPLETING)
def test_what_completes_grooves(shell, song, tmp_path, command):
    """Over an earlier file, which stays: a new one is written by the same few lines."""
    inputs = [song, tmp_path / "other.mid"] if command == "transplant" else [song]
    (tmp_path / "other.mid").write_bytes(song.read_bytes())
    out = tmp_path / "out"
    options = [command, *inputs, *COMPLETING[command], "--out", out]
    with full_disk():
        status, printed, errors = shell(*options)
    assert (status, printed) == (2, "")
    assert errors.splitlines()[-1].startswith("rhythmvae: Expected a folder to write to in --out, but ")
    assert errors.count("File too large") == 1
    assert files_in(out) == {}
    (out / "song.mid").write_bytes(b"before")
    with full_disk():
        assert shell(*options, "--force")[0] == 2
    assert files_in(out) == {"song.mid": b"before"}


def test_what_is_heard(shell, tmp_path, monkeypatch):
    pytest.importorskip("soundfile")
    stand_in(monkeypatch, loop_heard())
    (tmp_path / "a.wav").write_bytes(WAV)
    options = ["transcribe", tmp_path / "a.wav", "--out", tmp_path / "out"]
    with full_disk():
        status, printed, errors = shell(*options, model=False)
    assert (status, printed) == (2, "")
    assert errors.splitlines()[-1].startswith("rhythmvae: Expected a folder to write to in --out, but ")
    assert errors.count("File too large") == 1
    assert files_in(tmp_path / "out") == {}


def test_a_library(shell, song, folder, tmp_path, monkeypatch):
    """A new one is not there, an earlier one is what it was."""
    monkeypatch.setitem(sys.modules, "__main__", ModuleType("__main__"))  # processes that read begin from it
    library = tmp_path / "lib"
    options = ["index", song, "--library", library, "--processes", 1]
    with full_disk():
        status, printed, errors = shell(*options)
    assert (status, printed) == (2, "")
    assert errors.startswith("rhythmvae: Expected a library to use in ")
    assert errors.count("\n") == 1
    assert files_in(library) == {}
    assert shell(*options)[0] == 0
    (tmp_path / "more.mid").write_bytes((folder / "sub" / "a.mid").read_bytes())
    with full_disk():
        status, printed, errors = shell("index", song, tmp_path / "more.mid", "--library", library, "--processes", 1)
    assert (status, printed, errors.count("\n")) == (2, "", 1)
    found = shell.json("search", library, "--like", song)["results"]
    assert [one["path"] for one in found] == ["song.mid"]


@pytest.mark.parametrize("suffix", [".csv", ".json"])
def test_a_review_taken_home(shell, tmp_path, suffix):
    address = f"sqlite:///{tmp_path / 'a.sqlite'}"
    review, _ = making.made(Reviews(Database(address)))
    out = tmp_path / f"review{suffix}"
    options = ["reviews", "export", review.record.id, "--out", out, "--database", address, "--force"]
    for before in (None, b"before"):
        if before is not None:
            out.write_bytes(before)
        with full_disk():
            status, printed, errors = shell(*options, model=False)
        assert (status, printed, errors.count("\n")) == (2, "", 1)
        assert (
            "File too large" in errors or "disk I/O error" in errors
        )  # SQLite's, which reads through a file of its own
        assert (out.read_bytes() if out.exists() else None) == before


def test_what_is_closed_or_deleted_in_a_database(shell, tmp_path):
    """The database says so, and has all that it had."""
    address = f"sqlite:///{tmp_path / 'a.sqlite'}"
    review, _ = making.made(Reviews(Database(address)))
    for action in (["close"], ["delete", "--yes"]):
        with full_disk():
            name = [action[0], review.record.id, *action[1:]]
            status, printed, errors = shell("reviews", *name, "--database", address, model=False)
        assert (status, printed, errors.count("\n")) == (2, "", 1)
        assert errors.startswith("rhythmvae: The database ")
    found = Reviews(Database(address)).by_id(review.record.id)
    assert found.is_open


@pytest.mark.parametrize("place", [(Path, "mkdir"), (tempfile, "TemporaryFile")], ids=["new", "there"])
def test_a_worker_that_could_keep_nothing_of_its_runs(shell, tmp_path, monkeypatch, place):
    """It does not begin: each run that it took would fail. What it meets later is in tests/jobs/test_worker.py."""

    def full(*_, **__):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setenv("RHYTHMVAE_RUNS", str(tmp_path / "runs"))
    monkeypatch.setattr(*place, full)
    status, printed, errors = shell("worker", "--database", "postgresql://127.0.0.1:1/none", model=False)
    assert (status, printed) == (2, "")
    assert errors == (
        f"rhythmvae: Expected a folder to write to in RHYTHMVAE_RUNS, but {tmp_path / 'runs'}"
        f"{'' if place[1] == 'mkdir' else '/rhythmvae-site'} gave: No space left on device.\n"
    )
