"""Indexing by the workers of a scheduler: the same library as one process makes, whoever dies meanwhile."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from libraries import fill, run, what_is_in
from toys import checkpoint_file

from rhythmvae.errors import LibraryError
from rhythmvae.library import engine, index
from rhythmvae.library.store import NAME
from rhythmvae.midi.report import ReadOptions

ROOT = Path(__file__).parents[2]
SCHEDULER = """
import asyncio, sys
from distributed import Scheduler
async def main():
    async with Scheduler(port=0, dashboard=False) as scheduler:
        print(scheduler.address, flush=True)
        await scheduler.finished()
asyncio.run(main())
"""
WORKER = """
import asyncio, sys
from distributed import Worker
async def main():
    async with Worker(sys.argv[1], nthreads=1, dashboard=False) as worker:
        print(worker.address, flush=True)
        await worker.finished()
asyncio.run(main())
"""


def begun(code: str, *words: str, package: bool = True) -> subprocess.Popen[str]:
    """A process of the engine, that has said where it is. package: whether it finds rhythmvae."""
    surroundings = {**os.environ, "PYTHONPATH": str(ROOT)}
    if not package:
        code = "import sys; sys.modules['rhythmvae'] = None\n" + code
    return subprocess.Popen(
        [sys.executable, "-c", code, *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=surroundings,
    )


def address_of(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def ended(*processes: subprocess.Popen[str]) -> None:
    for process in processes:
        process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()


@pytest.fixture(scope="module")
def scheduler() -> Iterator[str]:
    process = begun(SCHEDULER)
    yield address_of(process)
    ended(process)


@pytest.fixture(scope="module")
def toy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return checkpoint_file(tmp_path_factory.mktemp("model") / "toy.safetensors")


@pytest.fixture(autouse=True)
def _short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(index, "BATCH_FILES", 4)
    monkeypatch.setattr(engine, "LOOK_SECONDS", 0.1)


def rows_of(library: Path) -> list[tuple[object, ...]]:
    """What is in a library with the numbers of its contents: in the order in which they were written."""
    import sqlite3

    connection = sqlite3.connect(library / NAME)
    contents = list(connection.execute("SELECT id, digest, loop, said FROM contents ORDER BY id"))
    connection.close()
    return [*contents, *what_is_in(library)]


def test_two_workers_make_the_library_of_one_process_though_one_is_killed(
    scheduler: str, toy: Path, tmp_path: Path
) -> None:
    folder = fill(tmp_path / "in", 44)
    (folder / "bad.mid").write_bytes(b"no MIDI")
    (folder / "copy.mid").write_bytes((folder / "pack 0" / "001.mid").read_bytes())
    workers = [begun(WORKER, scheduler), begun(WORKER, scheduler)]
    try:
        for worker in workers:
            address_of(worker)
        killed: list[int] = []

        def on_progress(done: int, met: int) -> None:
            if done >= 16 and not killed:
                workers[0].send_signal(signal.SIGKILL)
                killed.append(done)

        found = run(folder, tmp_path / "engine", toy, engine=scheduler, on_progress=on_progress)
        assert killed
        assert killed[0] < 30  # there was work left to lose
        assert workers[0].wait() == -signal.SIGKILL
        alone = run(folder, tmp_path / "alone", toy)
        assert (found.n_files, found.n_read, len(found.failed)) == (46, 45, 1)
        assert found == alone
        assert rows_of(tmp_path / "engine") == rows_of(tmp_path / "alone")
        again = run(folder, tmp_path / "engine", toy, engine=scheduler)
        assert (again.n_read, again.n_unchanged) == (0, 45)

        other = checkpoint_file(tmp_path / "toy.safetensors")
        with pytest.raises(LibraryError, match=r"Expected the model another at .* on every worker, one has"):
            index.index([folder], tmp_path / "none", other, "another", engine=scheduler)
        other.unlink()
        with pytest.raises(LibraryError, match=r"Expected the model at .* put it in a folder that all of them share"):
            index.index([folder], tmp_path / "none", other, "another", engine=scheduler)

        # The last one goes: what was written stays, and one process goes on with it.
        fill(folder / "more", 30, seed=500)

        with pytest.MonkeyPatch.context() as quick:

            def all_go(done: int, met: int) -> None:
                if done >= 50:
                    workers[1].kill()
                    quick.setattr(
                        engine, "WORKER_SECONDS", 0.5
                    )  # not before: a busy machine may take longer to find it

            with pytest.raises(LibraryError, match=r"all have gone; index again when they are there"):
                run(folder, tmp_path / "engine", toy, engine=scheduler, on_progress=all_go)
        run(folder, tmp_path / "engine", toy)
        run(folder, tmp_path / "whole", toy)
        assert {row[0] for row in what_is_in(tmp_path / "engine")} == {row[0] for row in what_is_in(tmp_path / "whole")}
        assert len(what_is_in(tmp_path / "engine")) == len(what_is_in(tmp_path / "whole"))
    finally:
        ended(*workers)


def test_workers_without_the_package_are_said(scheduler: str, toy: Path, tmp_path: Path) -> None:
    worker = begun(WORKER, scheduler, package=False)
    try:
        address_of(worker)
        with pytest.raises(LibraryError, match=r"Expected rhythmvae .* on every worker, .* failed .*install it there"):
            run(fill(tmp_path / "in", 1), tmp_path / "lib", toy, engine=scheduler)
        assert not (tmp_path / "lib").exists()
    finally:
        ended(worker)


def test_an_address_where_nobody_is(toy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = fill(tmp_path / "in", 1)
    monkeypatch.setattr(engine, "CONNECT_SECONDS", 0.5)
    for wrong in ("", "here", "tcp://here", "http://here:80/", "tcp://a:1 b", "10.0.0.1:8786:1", "tcp://\0:1"):
        with pytest.raises(LibraryError, match=r"^Expected the address of a Dask scheduler, such as .* got '.*'\.$"):
            run(folder, tmp_path / "lib", toy, engine=wrong)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    for wrong in (f"tcp://127.0.0.1:{port}", f"127.0.0.1:{port}", "tcp://127.0.0.1:99999"):
        with pytest.raises(LibraryError, match="nobody answers at"):
            run(folder, tmp_path / "lib", toy, engine=wrong)
    assert not (tmp_path / "lib").exists()


def test_no_worker_and_no_package(scheduler: str, toy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = fill(tmp_path / "in", 1)
    monkeypatch.setattr(engine, "WORKER_SECONDS", 0.3)
    with pytest.raises(LibraryError, match="start some with `dask worker tcp://"):
        run(folder, tmp_path / "lib", toy, engine=scheduler)
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(LibraryError, match=r"add it with `pip install 'rhythmvae\[engine\]'`"):
        run(folder, tmp_path / "lib", toy, engine=scheduler)


def test_a_worker_of_another_version_is_said(toy: Path) -> None:
    start = engine.Start("0.0", toy, "any", ReadOptions())
    assert "one has" in (engine.lacking(start) or "")
