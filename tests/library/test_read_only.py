"""A library that may not be written to, on a shared drive or beside an app: it is read all the same."""

from __future__ import annotations

import os
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from grooves import random_groove
from libraries import a_place_for_all, fill, read_only, run
from toys import checkpoint_file

from rhythmvae.errors import LibraryError
from rhythmvae.groove import Groove
from rhythmvae.library import answers, columns, drawn, ground, index
from rhythmvae.library.answers import Query
from rhythmvae.library.asking import Filters
from rhythmvae.library.store import NAME, Store
from rhythmvae.model import latent_map as latent_maps

TOY = "toy.safetensors"
pytestmark = pytest.mark.skipif(os.name != "posix", reason="rights of POSIX")


@pytest.fixture(scope="module")
def made() -> Iterator[Path]:
    """A folder with twelve loops, a library of them, and the model that it is of."""
    with a_place_for_all() as place:
        run(fill(place / "in", 12), place / "lib", checkpoint_file(place / TOY))
        yield place


@pytest.fixture
def place(made: Path) -> Iterator[Path]:
    """The same, and what else lies in it after the test goes."""
    columns._APART.clear()
    yield made
    shutil.rmtree(made / "lib" / "map", ignore_errors=True)


def all_that_is_asked(library: Path) -> list[Any]:
    """What `search` and the page ask of a library, as values."""
    query, everything = Query(random_groove(3)), Filters(words=("pack",))
    found = answers.answer(library, None, query)
    points = drawn.draw(library, None)
    where = [points.place_of(0)]
    return [
        drawn.state_of(library),
        answers.about(library),
        [(one.path, one.distance) for one in found.results],
        answers.files(library, everything, 5, 1 << 20),
        answers.twice(library),
        len(points),
        drawn.passing(library, everything)[1].tolist(),
        [groove for _, groove in drawn.at(library, where)],
        drawn.ahead(library, where, 1.0),
    ]


@pytest.mark.parametrize("has_columns", [True, False], ids=["whole", "without what a search reads"])
def test_it_is_searched_and_seen_as_any_other(place: Path, has_columns: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ground, "MOST_DRAWN", 20)
    monkeypatch.setattr(latent_maps, "ITERATIONS", (5, 10))
    library = place / "lib"
    expected = all_that_is_asked(library)
    shutil.rmtree(library / "map")
    if not has_columns:
        shutil.rmtree(library / columns.FOLDER)
    written: list[Path] = []
    real = columns._write
    monkeypatch.setattr(columns, "_write", lambda store, folder: written.append(folder) or real(store, folder))
    before, own = sorted(place.rglob("*")), set(Path(tempfile.gettempdir()).glob("rhythmvae-library-*"))
    with read_only(place):
        assert all_that_is_asked(library) == expected
    assert len(written) == (0 if has_columns else 1)  # however often it is asked
    assert sorted(place.rglob("*")) == before
    assert set(Path(tempfile.gettempdir()).glob("rhythmvae-library-*")) == own
    all_that_is_asked(library)  # which makes them again


def test_one_that_was_moved_with_its_loops_is_heard(monkeypatch: pytest.MonkeyPatch) -> None:
    """As a folder beside an app is: named from where the app runs, and read-only."""
    with a_place_for_all() as place:
        run(fill(place / "here" / "in", 3), place / "here" / "lib", checkpoint_file(place / TOY))
        (place / "here").rename(place / "there")
        monkeypatch.chdir(place / "there")
        with read_only(place):
            found = answers.answer(Path("lib"), None, Query(random_groove(1)))
        assert [type(groove) for groove in found.grooves] == [Groove] * 3
        assert {one.folder for one in found.results} == {(place / "there" / "in").resolve()}
        monkeypatch.undo()


def test_index_says_that_it_cannot_write(place: Path) -> None:
    for library in (place / "lib", place / "in" / "new"):
        with read_only(place), pytest.raises(LibraryError, match=r"may be written to, .*name another one") as caught:
            run(place / "in", library, place / TOY)
        assert str(caught.value).count("\n") == 0
    assert not (place / "in" / "new").exists()
    assert run(place / "in", place / "lib", place / TOY).n_unchanged == 12


def test_a_lock_that_cannot_be_taken_is_one_sentence(place: Path) -> None:
    (place / "lib" / index.LOCK).unlink(missing_ok=True)
    (place / "lib" / index.LOCK).mkdir()
    try:
        with pytest.raises(LibraryError, match="Expected a library to use in"):
            run(place / "in", place / "lib", place / TOY)
    finally:
        (place / "lib" / index.LOCK).rmdir()


def copied_while_written(library: Path, to: Path, *parts: str) -> None:
    """What a run leaves that is ended: its last rows lie beside the file."""
    to.mkdir()
    store = Store(library, create=True)
    with store.transaction():
        store.set("checkpoint", store.checkpoint)
        store.set("said last", "yes")
    for part in ("", *parts):
        shutil.copyfile(library / f"{NAME}{part}", to / f"{NAME}{part}")
    store.close()


def test_what_a_run_wrote_last_that_was_ended_is_read(place: Path) -> None:
    left = place / "left"
    copied_while_written(place / "lib", left, "-wal", "-shm")
    with read_only(left):
        store = Store(left)
        assert store.get("said last") == "yes"
        store.close()
    (left / f"{NAME}-shm").unlink()
    with read_only(left), pytest.raises(LibraryError, match="a library that was written to its end in"):
        Store(left)
    Store(left).close()  # where it may be written to, all is put together
    with read_only(left):
        store = Store(left)
        assert store.get("said last") == "yes"
        store.close()
    shutil.rmtree(left)


@pytest.mark.parametrize("code", [sqlite3.SQLITE_IOERR, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_BUSY])
def test_a_drive_without_locks_is_read_and_a_busy_library_waits(
    place: Path, code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A shared drive says that it may be written to, and refuses what SQLite needs."""
    real, asked = sqlite3.connect, []

    class Refusing(sqlite3.Connection):
        def execute(self, sql: str, *values: Any) -> sqlite3.Cursor:
            if sql.startswith("SELECT count"):
                error = sqlite3.OperationalError("refused")
                error.sqlite_errorcode = code
                raise error
            return super().execute(sql, *values)

    def connect(address: str, **more: Any) -> sqlite3.Connection:
        asked.append(address)
        return real(address, factory=Refusing, **more) if "immutable" not in address else real(address, **more)

    monkeypatch.setattr(sqlite3, "connect", connect)
    if code == sqlite3.SQLITE_BUSY:
        with pytest.raises(LibraryError, match=r"Expected a library to use in .*refused"):
            Store(place / "lib")
        assert len(asked) == 1
    else:
        store = Store(place / "lib")
        assert store.checkpoint
        store.close()
        assert ["immutable" in address for address in asked] == [False, True]
