"""Indexing: what is read, what is known, what has gone, and what is left by a run that ends anywhere."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator
from concurrent.futures import Future
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from filelock import FileLock
from grooves import random_groove
from libraries import fill, run, same, what_is_in
from toys import checkpoint_file

from rhythmvae.data.examples import example
from rhythmvae.errors import CorpusError, LibraryError
from rhythmvae.library import columns, index, readers, reading
from rhythmvae.library.index import Indexed
from rhythmvae.library.store import NAME, Store
from rhythmvae.midi.report import ReadOptions
from rhythmvae.midi.write import write_midi
from rhythmvae.model import outline
from rhythmvae.sound.synth import wav_bytes


@pytest.fixture(scope="module")
def toy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return checkpoint_file(tmp_path_factory.mktemp("model") / "toy.safetensors")


def test_what_is_known_is_not_read_again(tmp_path: Path, toy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder, library = fill(tmp_path / "in", 25), tmp_path / "lib"
    (folder / "notes.txt").write_text("hello")
    (folder / "bad.mid").write_bytes(b"no MIDI")
    first = run(folder, library, toy)
    assert (first.n_files, first.n_read, first.n_unchanged, first.n_removed) == (26, 25, 0, 0)
    [(path, sentence)] = first.failed
    assert path == "bad.mid"
    assert sentence.startswith("bad.mid: expected")

    monkeypatch.setattr(reading, "read", lambda files: pytest.fail("something was read"))
    opened: list[object] = []
    monkeypatch.setattr(index.walk, "kind_of", lambda entry: opened.append(entry))
    again = run(folder, library, toy)
    assert (again.n_files, again.n_read, again.n_unchanged, again.failed) == (26, 0, 25, first.failed)
    assert not opened


def test_moved_copied_changed_and_removed_files(tmp_path: Path, toy: Path) -> None:
    folder, library = fill(tmp_path / "in", 12), tmp_path / "lib"
    run(folder, library, toy)
    shutil.move(folder / "pack 0" / "000.mid", folder / "moved.mid")
    shutil.copy(folder / "pack 0" / "001.mid", folder / "copy.mid")
    (folder / "pack 0" / "002.mid").write_bytes(write_midi(random_groove(99)))
    (folder / "pack 0" / "003.mid").unlink()
    done = run(folder, library, toy)
    assert (done.n_files, done.n_read, done.n_unchanged, done.n_removed) == (12, 1, 11, 1)
    fresh = tmp_path / "fresh"
    run(folder, fresh, toy)
    assert same(library, fresh)


def test_a_time_that_changed_is_no_change(tmp_path: Path, toy: Path) -> None:
    folder, library = fill(tmp_path / "in", 3), tmp_path / "lib"
    run(folder, library, toy)
    for path in folder.rglob("*.mid"):
        os.utime(path, (1, 1))
    assert run(folder, library, toy).n_read == 0
    assert run(folder, library, toy, options=ReadOptions(meter=(3, 4))).n_read == 3  # read in another way


def test_zips_and_the_same_loop_in_several_places(tmp_path: Path, toy: Path) -> None:
    folder, library = fill(tmp_path / "in", 2), tmp_path / "lib"
    with zipfile.ZipFile(folder / "pack.zip", "w") as archive:
        archive.writestr("deep/a.mid", write_midi(random_groove(50)))
        archive.writestr("again.mid", (folder / "pack 0" / "000.mid").read_bytes())
    (folder / "broken.zip").write_bytes(b"PK\x03\x04 and no more")
    done = run(folder, library, toy)
    assert (done.n_files, done.n_read, len(done.failed)) == (5, 4, 1)
    paths = {row[0] for row in what_is_in(library)}
    assert {b"pack.zip/deep/a.mid", b"pack.zip/again.mid"} <= paths
    assert (run(folder, library, toy).n_read, run(folder, library, toy).n_unchanged) == (0, 4)
    (folder / "pack.zip").unlink()
    assert run(folder, library, toy).n_removed == 2
    store = Store(library)
    assert store.n_files([1]) == 3
    store.close()


def test_each_file_is_of_its_own_folder(tmp_path: Path, toy: Path) -> None:
    """Of several folders that are indexed at once: none is full when the next one begins."""
    folders = [fill(tmp_path / name, n, seed) for name, n, seed in (("a", 5, 0), ("b", 3, 50), ("c", 1, 90))]
    shutil.copy(folders[0] / "pack 0" / "001.mid", folders[1] / "copy.mid")
    for _ in range(2):
        done = index.index(folders, tmp_path / "lib", toy, outline.read(toy).digest)
        assert done.n_files == 10
        store = Store(tmp_path / "lib")
        places = store.roots()
        rows = store.rows("SELECT root, path FROM files")
        found = [places[root] / os.fsdecode(path) for root, path in rows]
        store.close()
        assert sorted(found) == sorted(path.resolve() for folder in folders for path in folder.rglob("*.mid"))
        if (folders[1] / "copy.mid").exists():
            (folders[1] / "copy.mid").rename(folders[2] / "copy.mid")


def test_several_processes_give_the_same_library(tmp_path: Path, toy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(index, "BATCH_FILES", 4)
    monkeypatch.setattr(index, "FEW_BATCHES", 1)
    folder = fill(tmp_path / "in", 30)
    assert run(folder, tmp_path / "two", toy, n_processes=2).n_read == 30
    assert run(folder, tmp_path / "one", toy).n_read == 30
    assert same(tmp_path / "one", tmp_path / "two")


def test_a_reader_that_is_killed_is_said_and_what_was_read_stays(
    tmp_path: Path, toy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(Future):  # type: ignore[type-arg]
        def result(self, timeout: float | None = None) -> object:
            raise BrokenProcessPool

    class Pool:
        def submit(self, *_: object) -> Killed:
            future = Killed()
            future.set_result(None)
            return future

        def shutdown(self, **_: object) -> None:
            pass

    monkeypatch.setattr(index, "BATCH_FILES", 4)
    folder, library = fill(tmp_path / "in", 6), tmp_path / "lib"
    run(folder, library, toy)
    fill(tmp_path / "in" / "more", 30, seed=500)
    monkeypatch.setattr(readers, "_pool", lambda *_: Pool())
    with pytest.raises(LibraryError, match="one of them was ended"):
        run(folder, library, toy, n_processes=2)
    done = run(folder, library, toy)
    assert (done.n_read, done.n_unchanged) == (30, 6)


def test_only_so_much_is_under_way(tmp_path: Path, toy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Batches are bounded by files and bytes, whatever a folder holds."""
    monkeypatch.setattr(index, "BATCH_BYTES", 300)
    sizes: list[int] = []
    read = reading.read
    monkeypatch.setattr(reading, "read", lambda files: sizes.append(sum(len(one[2]) for one in files)) or read(files))
    run(fill(tmp_path / "in", 20), tmp_path / "lib", toy)
    largest = max(path.stat().st_size for path in (tmp_path / "in").rglob("*.mid"))
    assert len(sizes) > 5
    assert max(sizes) <= 300 + largest


KILLED = """
import os, random, signal, sys, time
from pathlib import Path
from rhythmvae.library import index, reading
from rhythmvae.midi.report import ReadOptions
folder, toy, whole, library = map(Path, sys.argv[1:5])
digest, n = sys.argv[5], int(sys.argv[6])
index.BATCH_FILES = 3
reading.begin(toy, ReadOptions())  # the processes that are killed have all that takes time to load
def begun(library):
    child = os.fork()
    if not child:
        index.index([folder], library, toy, digest)
        os._exit(0)
    return child
start = time.monotonic()
assert os.waitpid(begun(whole), 0)[1] == 0
longest, draw, n_killed = time.monotonic() - start, random.Random(1), 0
for _ in range(n):
    child = begun(library)
    time.sleep(draw.uniform(0.05, 0.7) * longest)
    os.kill(child, signal.SIGKILL)
    n_killed += os.waitpid(child, 0)[1] == signal.SIGKILL
assert os.waitpid(begun(library), 0)[1] == 0
print(n_killed)
"""


def test_killed_at_any_moment_it_goes_on_and_ends_with_the_same_library(tmp_path: Path, toy: Path) -> None:
    folder = fill(tmp_path / "in", 30)
    with zipfile.ZipFile(folder / "pack.zip", "w") as archive:
        for i in range(6):
            archive.writestr(f"{i}.mid", write_midi(random_groove(700 + i)))
    (folder / "bad.mid").write_bytes(b"no MIDI")
    whole, library = tmp_path / "whole", tmp_path / "lib"
    words = [sys.executable, "-c", KILLED, folder, toy, whole, library, outline.read(toy).digest, 7]
    done = subprocess.run([str(word) for word in words], cwd=Path(__file__).parents[2], stdout=subprocess.PIPE)
    assert done.returncode == 0
    assert int(done.stdout) >= 1  # of seven: the others had ended before their moment came
    assert same(library, whole)
    stores = [Store(library), Store(whole)]
    found = [columns.made(store) for store in stores]
    assert found[0].n_windows == found[1].n_windows > 30
    assert np.array_equal(found[0].words, found[1].words)
    for store in stores:
        assert next(store.rows("PRAGMA integrity_check")) == ("ok",)
        store.close()
    assert run(folder, library, toy).n_read == 0


def test_columns_are_those_of_the_library_and_made_again_where_they_are_gone(tmp_path: Path, toy: Path) -> None:
    folder, library = fill(tmp_path / "in", 12), tmp_path / "lib"
    run(folder, library, toy)
    store = Store(library)
    found = columns.made(store)
    assert found.n_windows == len([row for row in what_is_in(library) if row[7] is not None])
    assert np.array_equal(found.n_hits, np.bitwise_count(found.words).sum(0))
    assert (np.diff(found.content) >= 0).all()
    before = found.words.copy()
    shutil.rmtree(library / columns.FOLDER)
    assert np.array_equal(columns.made(store).words, before)
    assert [path.name for path in (library / columns.FOLDER).iterdir()] == [f"2-{store.state}"]

    # What another process is making stays; what one that was killed has left long ago goes.
    for name, age in (("new-now", 0), ("new-old", 2 * columns.UNFINISHED_SECONDS), ("older state", 0)):
        (library / columns.FOLDER / name).mkdir()
        os.utime(library / columns.FOLDER / name, (time.time() - age,) * 2)
    (folder / "another.mid").write_bytes(write_midi(random_groove(77)))
    run(folder, library, toy)
    assert {path.name for path in (library / columns.FOLDER).iterdir()} == {f"2-{store.state}", "new-now"}
    store.close()


def test_columns_made_while_another_process_writes_are_of_one_state(tmp_path: Path, toy: Path) -> None:
    folder, library = fill(tmp_path / "in", 12), tmp_path / "lib"
    run(folder, library, toy)
    reader, writer = Store(library), Store(library)
    n = columns.made(reader).n_windows
    with reader.snapshot():
        before = reader.state
        with writer.transaction():
            writer._connection.execute("DELETE FROM windows")
            writer.change()
        assert reader.state == before
        assert next(reader.rows("SELECT count(*) FROM windows"))[0] == n
    assert reader.state == writer.state != before
    assert columns.made(reader).n_windows == 0
    reader.close()
    writer.close()


def test_what_cannot_be_is_refused(tmp_path: Path, toy: Path) -> None:
    folder, library = fill(tmp_path / "in", 1), tmp_path / "lib"
    with pytest.raises(CorpusError, match="found nothing at"):
        run(tmp_path / "nowhere", library, toy)
    run(folder, library, toy)
    with pytest.raises(LibraryError, match="Expected the model"):
        index.index([folder], library, toy, "another")
    with pytest.raises(LibraryError, match="found none"):
        Store(tmp_path)
    (tmp_path / "file").write_text("x")
    with pytest.raises(LibraryError, match="Expected a library to use"):
        run(folder, tmp_path / "file", toy)
    (tmp_path / "foreign").mkdir()
    (tmp_path / "foreign" / NAME).write_bytes(b"this is no database, and was never one" * 40)
    with pytest.raises(LibraryError, match="not a database"):
        run(folder, tmp_path / "foreign", toy)


@contextmanager
def room(n_bytes: int) -> Iterator[None]:
    """No file of this process grows larger, which the system answers as it does a full disk."""
    resource = pytest.importorskip("resource", reason="limits of POSIX")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (n_bytes, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize("n_bytes", [0, 30_000])
def test_a_full_disk_is_one_sentence_and_the_next_run_goes_on(tmp_path: Path, toy: Path, n_bytes: int) -> None:
    folder, library = fill(tmp_path / "in", 30), tmp_path / "lib"
    with room(n_bytes), pytest.raises(LibraryError, match=r"Expected a library to use in .* got: (?!cannot rollback)"):
        run(folder, library, toy)
    assert run(folder, library, toy).n_files == 30
    run(folder, tmp_path / "whole", toy)
    assert same(library, tmp_path / "whole")


def test_a_full_disk_leaves_no_half_columns(tmp_path: Path, toy: Path) -> None:
    run(fill(tmp_path / "in", 5), tmp_path / "lib", toy)
    shutil.rmtree(tmp_path / "lib" / columns.FOLDER)
    store = Store(tmp_path / "lib")
    with room(200), pytest.raises(LibraryError, match="Expected room for what a search reads in"):
        columns.made(store)
    assert list((tmp_path / "lib" / columns.FOLDER).iterdir()) == []
    assert columns.made(store).n_windows
    store.close()


def test_a_library_that_is_written_by_another_process_or_by_nobody(tmp_path: Path, toy: Path) -> None:
    folder, library = fill(tmp_path / "in", 3), tmp_path / "lib"
    run(folder, library, toy)
    with FileLock(library / index.LOCK), pytest.raises(LibraryError, match="another process is indexing into"):
        run(folder, library, toy)
    assert run(folder, library, toy).n_unchanged == 3


def test_names_of_any_bytes_and_empty_folders(tmp_path: Path, toy: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    assert run(folder, tmp_path / "lib", toy) == Indexed(0, 0, 0, 0, ())
    (folder / os.fsdecode(b"\xff\xfe \xf0\x9f\xa5\x81.mid")).write_bytes(write_midi(random_groove(1)))
    (folder / "link.mid").symlink_to("/etc/hostname")
    assert run(folder, tmp_path / "lib", toy).n_files == 1
    assert run(folder, tmp_path / "lib", toy).n_unchanged == 1


def test_sounds_are_heard_where_that_is_asked_for(tmp_path: Path, toy: Path) -> None:
    folder = fill(tmp_path / "in", 1)
    (folder / "loop.wav").write_bytes(wav_bytes(example("rock").looped(2)))
    (folder / "noise.wav").write_bytes(b"RIFF\x24\x00\x00\x00WAVEfmt and no more")
    assert run(folder, tmp_path / "lib", toy).n_files == 1
    done = run(folder, tmp_path / "lib", toy, options=ReadOptions(audio=True))
    assert (done.n_files, done.n_read, done.n_unchanged) == (3, 1, 1)
    assert [path for path, _ in done.failed] == ["noise.wav"]
    again = run(folder, tmp_path / "lib", toy, options=ReadOptions(audio=True))
    assert (again.n_read, again.n_unchanged) == (0, 2)
