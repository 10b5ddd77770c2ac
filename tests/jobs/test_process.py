"""The process of a run, its memory, and the folder of a server."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest

from rhythmvae.jobs.limits import Limits
from rhythmvae.jobs.process import own_megabytes
from rhythmvae.jobs.queue import Jobs

HOLDER = """
import mmap, sys
if sys.argv[1] == "file":
    with open(sys.argv[2], "rb") as file:
        held = mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ)
    sum(held[i] for i in range(0, len(held), 4096))
elif sys.argv[1] == "own":
    held = b"x" * 80 * 2**20
print("up", flush=True)
sys.stdin.read()
"""


def memory_of(what: str, file: Path) -> float:
    """Memory of a process that holds 80 MB of its own, 80 MB of a file, or nothing."""
    command = [sys.executable, "-S", "-c", HOLDER, what, str(file)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"up\n"
        found = own_megabytes(process.pid)
        process.communicate()
    return found


def test_memory_is_that_of_the_process_and_of_no_file(tmp_path: Path) -> None:
    file = tmp_path / "library"
    file.write_bytes(b"x" * 80 * 2**20)
    nothing = memory_of("nothing", file)
    assert 1 < nothing < 40
    assert memory_of("own", file) == pytest.approx(nothing + 80, abs=8)
    assert memory_of("file", file) == pytest.approx(nothing, abs=8)


def test_memory_where_shared_pages_are_not_counted_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(psutil.Process, "memory_info", lambda process: SimpleNamespace(rss=9 * 2**20))
    monkeypatch.setattr(psutil.Process, "memory_full_info", lambda process: SimpleNamespace(uss=5 * 2**20))
    assert own_megabytes(psutil.Process().pid) == 5


def test_a_process_that_is_gone_has_no_memory() -> None:
    with subprocess.Popen([sys.executable, "-S", "-c", ""]) as process:
        process.wait()
    assert own_megabytes(process.pid) == 0


def test_what_a_killed_server_left_is_removed_by_the_next(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    dead, other = tmp_path / "rhythmvae-jobs-dead", tmp_path / "other"
    for folder in (dead, other):
        (folder / "run").mkdir(parents=True)
        (folder / "lock").touch()
    living = Jobs(Limits())
    assert not dead.exists()
    second = Jobs(Limits())
    assert {path for path in tmp_path.iterdir() if path.is_dir()} == {other, living._records.home, second._records.home}
    living.close()
    second.close()
    assert list(tmp_path.iterdir()) == [other]
