"""The library's own file: which files a collection has, what is in each, and the windows of each.

A library is a folder. `library.sqlite` in it is the only thing that counts: what else lies there (`columns`) is made of
it and may be deleted. A *file* is a path below an indexed folder; a *content* is what is in it, known by a digest, so
that copies and moved files are read once. All that one batch of files gives is written in one transaction: whenever a
process is killed, the library holds whole batches.

Paths are kept as bytes (UTF-8, lone surrogates too): a file's name may be any bytes.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import sqlite3
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rhythmvae.errors import LibraryError, RhythmVAEError
from rhythmvae.kit import KitMap
from rhythmvae.library import connection as connections
from rhythmvae.library.content import Read
from rhythmvae.midi.report import ReadOptions
from rhythmvae.text import clean_text

NAME = "library.sqlite"
VERSION = 1
ROWS = 1_000  # read at a time
_STATE = re.compile(r"[0-9a-f]{0,32}", re.ASCII)

_SCHEMA = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE roots (id INTEGER PRIMARY KEY, path BLOB NOT NULL UNIQUE, beside BLOB NOT NULL, reading TEXT NOT NULL);
CREATE TABLE files (
    id INTEGER PRIMARY KEY, root INTEGER NOT NULL, folder BLOB NOT NULL, path BLOB NOT NULL, container BLOB,
    kind TEXT NOT NULL, size INTEGER NOT NULL, mtime_ns INTEGER NOT NULL, content INTEGER, error TEXT,
    round INTEGER NOT NULL, UNIQUE (root, path)
);
CREATE INDEX files_by_folder ON files (root, folder);
CREATE INDEX files_by_container ON files (root, container) WHERE container IS NOT NULL;
CREATE INDEX files_by_content ON files (content);
CREATE TABLE contents (
    id INTEGER PRIMARY KEY, digest BLOB NOT NULL UNIQUE, loop BLOB NOT NULL, n_bars INTEGER NOT NULL,
    n_hits INTEGER NOT NULL, tempo REAL NOT NULL, meter TEXT NOT NULL, style TEXT NOT NULL, plays TEXT NOT NULL,
    feel TEXT NOT NULL, density REAL NOT NULL, said BLOB NOT NULL
);
CREATE TABLE windows (
    content INTEGER NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL, bits BLOB NOT NULL, latent BLOB NOT NULL
);
CREATE INDEX windows_by_content ON windows (content);
"""


def to_bytes(path: str) -> bytes:
    return path.encode("utf-8", "surrogatepass")


def to_text(path: bytes) -> str:
    return path.decode("utf-8", "surrogatepass")


@dataclass(frozen=True, slots=True)
class Known:
    """What the library knows of a path. kind: one of walk.KINDS."""

    kind: str
    size: int
    mtime_ns: int
    content: int | None
    error: str | None


@dataclass(frozen=True, slots=True)
class Row:
    """A file to write down. content: of its `Read` or of what is known; error: why it has none."""

    path: str
    kind: str
    size: int
    mtime_ns: int
    content: int | None = None
    error: str | None = None
    container: str | None = None


class Store:
    """An open library; for one thread.

    Args:
        folder: of the library. create: whether it is made where there is none.
        checkpoint: digest of the model that its latents are of, for a new one.

    Raises:
        LibraryError: no library, one of another version, or a file that cannot be read or written.
    """

    def __init__(self, folder: Path, *, create: bool = False, checkpoint: str = "") -> None:
        self.folder, self._writes = folder, create
        path = folder / NAME
        if not create and not path.is_file():
            raise LibraryError(
                f"Expected a library in {clean_text(str(folder), 200)}, found none; "
                "make one with `rhythmvae index DIR --library LIB`."
            )
        with self._as_ours():
            is_new = create and not path.exists()
            if create:
                folder.mkdir(parents=True, exist_ok=True)
            try:
                self._connection = connections.to_write(path) if create else connections.to_read(path)
                try:
                    self._begin(create, checkpoint)
                except BaseException:
                    self.close()
                    raise
            except BaseException:
                if is_new:  # half of one would be no library for `search`, and no empty place for `index`
                    connections.remove_empty(path)
                raise

    def _begin(self, create: bool, checkpoint: str) -> None:
        version = self._connection.execute("PRAGMA user_version").fetchone()[0]
        if version == 0 and create:
            self._connection.executescript(f"BEGIN;{_SCHEMA}PRAGMA user_version = {VERSION};COMMIT;")
            with self.transaction():
                self.set("checkpoint", checkpoint)
        elif version != VERSION:
            raise LibraryError(
                f"Expected a library of version {VERSION} in {clean_text(str(self.folder), 200)}, found version "
                f"{version}; index the folders into a new one."
            )

    def close(self) -> None:
        self._connection.close()

    @contextmanager
    def _as_ours(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            raise LibraryError(connections.why(self.folder, error, self._writes)) from error

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """What is written in the block is kept whole or not at all."""
        with self._as_ours():
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                if self._connection.in_transaction:  # on a full disk SQLite has taken it back already
                    self._connection.execute("ROLLBACK")
                raise
            self._connection.execute("COMMIT")

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """In the block the library is read as it is at its start, whatever another process writes meanwhile."""
        with self._as_ours():
            self._connection.execute("BEGIN")
        try:
            yield
        finally:
            with self._as_ours():
                self._connection.execute("COMMIT")

    def rows(self, sql: str, values: Iterable[Any] = ()) -> Iterator[tuple[Any, ...]]:
        with self._as_ours():
            found = self._connection.execute(sql, tuple(values))
            # Not `yield from found`: a cursor that is left half read would be closed after its connection.
            while some := found.fetchmany(ROWS):
                yield from some

    def first(self, sql: str, values: Iterable[Any] = ()) -> tuple[Any, ...] | None:
        """The first row, or None. Nothing stays open behind it, as of `rows` that are not read to their end."""
        with self._as_ours():
            found: tuple[Any, ...] | None = self._connection.execute(sql, tuple(values)).fetchone()
        return found

    # -- facts ------------------------------------------------------------------

    def get(self, key: str) -> str:
        found = self.first("SELECT value FROM meta WHERE key = ?", (key,))
        return "" if found is None else str(found[0])

    def set(self, key: str, value: str) -> None:
        self._connection.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (key, value))

    @property
    def checkpoint(self) -> str:
        return self.get("checkpoint")

    def change(self) -> None:
        """What was made of the library before is of an older state."""
        self.set("state", os.urandom(8).hex())

    @property
    def state(self) -> str:
        """Another one after every change: a part of a file's name, whatever somebody's library has there."""
        found = self.get("state")
        return found if _STATE.fullmatch(found) else hashlib.sha256(found.encode("utf-8", "replace")).hexdigest()[:16]

    # -- folders ------------------------------------------------------------------

    def root(self, path: Path, reading: str) -> tuple[int, bool]:
        """Number of an indexed folder, which is written down if it is new, and whether it was read in this way."""
        key = to_bytes(str(path))
        with self.transaction():
            found = self._connection.execute("SELECT id, reading FROM roots WHERE path = ?", (key,)).fetchone()
            if found is not None:
                self._connection.execute("UPDATE roots SET reading = ? WHERE id = ?", (reading, found[0]))
                return int(found[0]), found[1] == reading
            beside = to_bytes(os.path.relpath(path, self.folder.resolve()))
            values = (key, beside, reading)
            done = self._connection.execute("INSERT INTO roots (path, beside, reading) VALUES (?, ?, ?)", values)
            return int(done.lastrowid or 0), False

    def set_reading(self, root: int, options: ReadOptions) -> None:
        """Write down how the files of an indexed folder are read, for whoever opens one of them later."""
        known = {name: getattr(options, name) for name in ("channel", "track", "meter", "cut", "tap_lanes")}
        with self.transaction():
            self.set(f"reading {root}", json.dumps({**known, "map": options.kit.rules}))

    def reading(self, root: int) -> ReadOptions:
        """How the files of an indexed folder are read; as they say themselves where an older program indexed it."""
        said: dict[str, Any] = json.loads(self.get(f"reading {root}") or "{}")
        kit = KitMap.parse(f"{note}={voice}" for note, voice in said.pop("map", {}).items())
        meter = said.pop("meter", None)
        return ReadOptions(kit=kit, meter=None if meter is None else (meter[0], meter[1]), **said)

    def roots(self) -> dict[int, Path]:
        """Where each indexed folder lies: where it was, or at the same place beside the library."""
        found: dict[int, Path] = {}
        for number, path, beside in self.rows("SELECT id, path, beside FROM roots"):
            there, near = Path(to_text(path)), self.folder.resolve() / to_text(beside)
            found[number] = near.resolve() if not there.exists() and near.exists() else there
        return found

    # -- files --------------------------------------------------------------------

    def new_round(self) -> int:
        """Number of a run over folders: what it meets is marked with it, what is left was removed."""
        with self.transaction():
            number = int(self.get("round") or 0) + 1
            self.set("round", str(number))
        return number

    def known(self, root: int, folder: str) -> dict[str, Known]:
        """The files of one folder, by path, without those in zips."""
        sql = (
            "SELECT path, kind, size, mtime_ns, content, error FROM files "
            "WHERE root = ? AND folder = ? AND container IS NULL"
        )
        return {to_text(path): Known(*more) for path, *more in self.rows(sql, (root, to_bytes(folder)))}

    def seen(self, root: int, round_: int, paths: Iterable[str]) -> None:
        """Mark files, and what is in those that are zips, as met in a round."""
        marked = [(round_, root, to_bytes(path)) for path in paths]
        self._connection.executemany("UPDATE files SET round = ? WHERE root = ? AND path = ?", marked)
        self._connection.executemany("UPDATE files SET round = ? WHERE root = ? AND container = ?", marked)

    def content_of(self, digest: bytes) -> int | None:
        found = self.first("SELECT id FROM contents WHERE digest = ?", (digest,))
        return None if found is None else int(found[0])

    def add_content(self, digest: bytes, read: Read) -> int:
        """Write down what is in a file; returns its number."""
        said = zlib.compress(json.dumps(read.said, ensure_ascii=False, separators=(",", ":")).encode(), 1)
        values = (digest, read.loop, *read.columns, said)
        marks = ", ".join("?" * len(values))
        done = self._connection.execute(
            "INSERT INTO contents (digest, loop, n_bars, n_hits, tempo, meter, style, plays, feel, density, said) "
            f"VALUES ({marks})",
            values,
        )
        number = int(done.lastrowid or 0)
        self._connection.executemany(
            "INSERT INTO windows VALUES (?, ?, ?, ?, ?)",
            [
                (number, first, last, bits.tobytes(), latent.tobytes())
                for (first, last), bits, latent in zip(read.bars, read.bits, read.latents, strict=True)
            ],
        )
        return number

    def add_file(self, root: int, round_: int, row: Row) -> None:
        folder = row.path.rpartition("/")[0]
        container = None if row.container is None else to_bytes(row.container)
        place = (root, to_bytes(folder), to_bytes(row.path), container)
        self._connection.execute(
            "INSERT OR REPLACE INTO files (root, folder, path, container, kind, size, mtime_ns, content, error, round) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (*place, row.kind, row.size, row.mtime_ns, row.content, row.error, round_),
        )

    def sweep(self, roots: Iterable[int], round_: int, is_moved: Any) -> int:
        """Forget the files of folders that were not met in a round, and contents that no file has.

        Returns:
            how many MIDI files and sounds were removed, those not among them of which `is_moved(content)` says that
            they lie elsewhere now.
        """
        n_removed = 0
        with self.transaction():
            for root in roots:
                gone = self._connection.execute(
                    "SELECT content, kind FROM files WHERE root = ? AND round <> ?", (root, round_)
                )
                n_removed += sum(kind in ("midi", "sound") and not is_moved(content) for content, kind in gone)
                self._connection.execute("DELETE FROM files WHERE root = ? AND round <> ?", (root, round_))
            orphans = "SELECT id FROM contents WHERE id NOT IN (SELECT content FROM files WHERE content IS NOT NULL)"
            n_orphans = self._connection.execute(f"SELECT count(*) FROM ({orphans})").fetchone()[0]
            if n_orphans:
                self._connection.execute(f"DELETE FROM windows WHERE content IN ({orphans})")
                self._connection.execute(f"DELETE FROM contents WHERE id IN ({orphans})")
            if n_removed or n_orphans:
                self.change()
        return n_removed

    def failed(self, roots: Iterable[int]) -> list[tuple[str, str]]:
        """Path and sentence of each file of folders that could not be read, in order."""
        sql = "SELECT path, error FROM files WHERE root = ? AND error IS NOT NULL ORDER BY path"
        return [(to_text(path), error) for root in roots for path, error in self.rows(sql, (root,))]

    def n_files(self, roots: Iterable[int]) -> int:
        """MIDI files and sounds of folders, those included that could not be read."""
        sql = "SELECT count(*) FROM files WHERE root = ? AND (content IS NOT NULL OR error IS NOT NULL)"
        return sum(n for root in roots for (n,) in self.rows(sql, (root,)))

    # -- what is in them ------------------------------------------------------------

    def files_of(self, content: int) -> list[tuple[int, str]]:
        """Folder and path of each file that has a content, in order."""
        sql = "SELECT root, path FROM files WHERE content = ? ORDER BY root, path"
        return [(root, to_text(path)) for root, path in self.rows(sql, (content,))]

    def contents_named(self, words: Iterable[str]) -> list[int]:
        """Contents of files whose path has all these words in it, in small or large letters."""
        wanted = [word.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") for word in words]
        sql = "SELECT DISTINCT content FROM files WHERE content IS NOT NULL"
        sql += " AND CAST(path AS TEXT) LIKE ? ESCAPE '\\'" * len(wanted)
        return [int(content) for (content,) in self.rows(sql, [f"%{word}%" for word in wanted])]

    def container_of(self, root: int, path: str) -> str | None:
        """The zip that a file lies in, by its path."""
        found = self.first("SELECT container FROM files WHERE root = ? AND path = ?", (root, to_bytes(path)))
        return None if found is None or found[0] is None else to_text(found[0])

    def said(self, content: int) -> dict[str, Any]:
        """What `describe` says of it, without lists of hits."""
        [(packed,)] = self.rows("SELECT said FROM contents WHERE id = ?", (content,))
        found: dict[str, Any] = json.loads(zlib.decompress(packed))
        return found


# What SQLite lets a file hold and no library has: values of other types, text that is none, numbers of nothing.
_DAMAGE = (ValueError, TypeError, LookupError, AttributeError, ArithmeticError, zlib.error, sqlite3.Error)


@contextmanager
def undamaged(folder: Path) -> Iterator[None]:
    """In the block a library is read of which nobody knows who wrote it: what it stumbles over is one of our errors.

    Raises:
        LibraryError: the library is damaged.
    """
    try:
        yield
    except RhythmVAEError:
        raise
    except _DAMAGE as error:
        raise LibraryError(
            f"Expected a whole library in {clean_text(str(folder), 200)}, it is damaged ({type(error).__name__}); "
            "index the folders into a new one."
        ) from error
