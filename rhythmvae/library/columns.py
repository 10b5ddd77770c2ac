"""What a search reads: the library's windows and contents as arrays beside its file, opened without being read.

They are made of the store, whole, after every run that changed it; where they are missing or of another state, the
next search makes them. C contents in the order of their first path, N windows in the order of contents and bars.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
import time
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np

from rhythmvae.errors import LibraryError
from rhythmvae.groove import WINDOW_STEPS, IntArray
from rhythmvae.kit import N_VOICES
from rhythmvae.library.content import N_BYTES
from rhythmvae.library.store import Store
from rhythmvae.text import clean_text

FOLDER = "columns"
FACTS = "facts.json"
N_WORDS = -(-N_BYTES // 8)  # 64-bit words of a pattern
BATCH = 10_000  # rows at a time
UNFINISHED_SECONDS = 3_600.0  # after which nobody writes there any more
MOST_APART = 2  # of libraries that may not be written to, that a process remembers
_UNFINISHED = "new-"
_ARRAYS = ("content", "bars", "words", "n_hits", "counts", "latents")
_KIND = 2  # of these arrays: those of an earlier program are made anew
_OF_CONTENTS = ("number", "tempo", "density", "n_bars", "loop", "meter", "style", "plays", "feel")


@dataclass(frozen=True, eq=False)
class Columns:
    """The arrays, read-only and read when they are used.

    Of windows: content (N,) row of contents; bars (N, 2), from 1; words (N_WORDS, N) uint64, the patterns; n_hits (N,)
    uint16, and counts (V, N) uint8, of each voice; latents (N, Z) float16. Of contents (C,): number in the store;
    tempo; density; n_bars; loop, the same for exact duplicates; meter, style, plays: indices into `names`; feel: a bit
    for each of its names.
    """

    content: IntArray
    bars: IntArray
    words: np.ndarray[Any, Any]
    n_hits: IntArray
    counts: np.ndarray[Any, Any]
    latents: np.ndarray[Any, Any]
    number: IntArray
    tempo: np.ndarray[Any, Any]
    density: np.ndarray[Any, Any]
    n_bars: IntArray
    loop: IntArray
    meter: IntArray
    style: IntArray
    plays: IntArray
    feel: IntArray
    names: dict[str, list[str]] = field(default_factory=dict)

    @property
    def n_windows(self) -> int:
        return len(self.content)

    def windows_of(self, row: int) -> slice:
        """Windows of a row of contents: they stand in their order."""
        first, after = np.searchsorted(self.content, [row, row + 1])
        return slice(int(first), int(after))


def made(store: Store) -> Columns:
    """The columns of a library in its state, made anew where they are of another. Older ones are deleted.

    Raises:
        LibraryError: there is no room for them.
    """
    folder = store.folder / FOLDER
    with store.snapshot():
        name = f"{_KIND}-{store.state or 'empty'}"
        if (folder / name / FACTS).is_file():
            return _opened(folder / name)
        try:
            folder.mkdir(exist_ok=True)
            own = Path(tempfile.mkdtemp(prefix=_UNFINISHED, dir=folder))
        except OSError:
            return _apart(store, name)
        _write_whole(store, own)
    try:
        os.replace(own, folder / name)
    except OSError:
        if not (folder / name / FACTS).is_file():  # unless another process was first
            raise
        shutil.rmtree(own, ignore_errors=True)
    found = _opened(folder / name)
    for old in folder.iterdir():
        if old.name != name and not _is_being_made(old):
            shutil.rmtree(old, ignore_errors=True)
    return found


_APART: OrderedDict[tuple[Path, str], Columns] = OrderedDict()
_LOCK = Lock()


def _apart(store: Store, name: str) -> Columns:
    """The columns of a library that may not be written to: this process makes them once for each state, and has them
    as open files that lie in no folder any more."""
    key = store.folder.resolve(), name
    with _LOCK:
        if key not in _APART:
            with tempfile.TemporaryDirectory(prefix="rhythmvae-library-", ignore_cleanup_errors=True) as own:
                _write_whole(store, Path(own))
                _APART[key] = _opened(Path(own))
            while len(_APART) > MOST_APART:
                _APART.popitem(last=False)
        _APART.move_to_end(key)
        return _APART[key]


def _is_being_made(folder: Path) -> bool:
    """Whether another process may be writing there: not where that began long ago, and was killed."""
    try:
        return folder.name.startswith(_UNFINISHED) and time.time() - folder.stat().st_mtime < UNFINISHED_SECONDS
    except OSError:
        return True


def _opened(folder: Path) -> Columns:
    facts = json.loads((folder / FACTS).read_text("utf-8"))
    lazily: dict[str, Any] = {name: _array(folder, name) for name in _ARRAYS}
    return Columns(**lazily, **{name: _array(folder, name) for name in _OF_CONTENTS}, names=facts["names"])


def _array(folder: Path, name: str) -> np.ndarray[Any, Any]:
    path = folder / f"{name}.npy"
    try:
        # As a plain array: each part that is taken of a memmap is a memmap, which takes twenty times as long.
        found: np.ndarray[Any, Any] = np.asarray(np.load(path, mmap_mode="r", allow_pickle=False))
    except ValueError:  # an empty array cannot be mapped
        found = np.load(path, allow_pickle=False)
    return found


def _write_whole(store: Store, folder: Path) -> None:
    """Write all of them into a folder, which is deleted where that is not possible."""
    try:
        _write(store, folder)
    except BaseException as error:
        shutil.rmtree(folder, ignore_errors=True)
        if not isinstance(error, OSError):
            raise
        raise LibraryError(
            f"Expected room for what a search reads in {clean_text(str(folder.parent), 200)}, got: "
            f"{clean_text(error.strerror or str(error))}; make some and try again, what was read stays."
        ) from error


def _write(store: Store, folder: Path) -> None:
    names = _contents(store, folder)
    _windows(store, folder)
    (folder / FACTS).write_text(json.dumps({"names": names}), "utf-8")  # last: without it there are no columns


class _Names:
    """Numbers of texts, in the order in which they are met."""

    def __init__(self) -> None:
        self.found: dict[Any, int] = {}

    def number(self, name: Any) -> int:
        return self.found.setdefault(name, len(self.found))


def _contents(store: Store, folder: Path) -> dict[str, list[str]]:
    columns: dict[str, list[Any]] = {name: [] for name in _OF_CONTENTS}
    texts = {name: _Names() for name in ("meter", "style", "plays", "feel", "loop")}
    sql = (
        "SELECT c.id, c.tempo, c.density, c.n_bars, c.loop, c.meter, c.style, c.plays, c.feel FROM contents c "
        "JOIN (SELECT content, min(root) AS root, min(path) AS path FROM files WHERE content IS NOT NULL "
        "GROUP BY content) f ON f.content = c.id ORDER BY f.root, f.path, c.id"
    )
    for number, tempo, density, n_bars, loop, meter, style, plays, feel in store.rows(sql):
        bits = sum(1 << texts["feel"].number(name) for name in feel.split(",") if name)
        named = [texts[name].number(text) for name, text in (("meter", meter), ("style", style), ("plays", plays))]
        row = [number, tempo, density, n_bars, texts["loop"].number(loop), *named, bits]
        for name, value in zip(_OF_CONTENTS, row, strict=True):
            columns[name].append(value)
    kinds = {"tempo": np.float32, "density": np.float32}
    for name, values in columns.items():
        with np.errstate(over="ignore"):  # of a damaged library: no tempo is as fast
            column = np.array(values, kinds.get(name, np.int64))
        np.save(folder / f"{name}.npy", column)
    return {name: list(own.found) for name, own in texts.items() if name != "loop"}


def _windows(store: Store, folder: Path) -> None:
    """The windows in batches: no more of them is held at once."""
    number = np.load(folder / "number.npy")
    [(n, size)] = store.rows("SELECT count(*), coalesce(max(length(latent)), 0) FROM windows")
    shapes: dict[str, tuple[type, tuple[int, ...]]] = {
        "content": (np.int32, (n,)),
        "bars": (np.int32, (n, 2)),
        "words": (np.uint64, (N_WORDS, n)),
        "n_hits": (np.uint16, (n,)),
        "counts": (np.uint8, (N_VOICES, n)),
        "latents": (np.float16, (n, size // 2)),
    }
    out = {
        name: _room(folder / f"{name}.npy", kind, shape) if n else np.zeros(shape, kind)
        for name, (kind, shape) in shapes.items()
    }
    at = 0
    for first in range(0, len(number), BATCH // 4):
        numbers = number[first : first + BATCH // 4].tolist()
        row_of = {own: first + i for i, own in enumerate(numbers)}
        marks = ",".join(map(str, numbers))  # whole numbers of our own
        sql = f"SELECT content, first, last, bits, latent FROM windows WHERE content IN ({marks})"
        rows = sorted(store.rows(sql), key=lambda row: (row_of[row[0]], row[1], row[2]))
        remaining = iter(rows)
        while batch := list(islice(remaining, BATCH)):
            _put(out, at, batch, row_of)
            at += len(batch)
    for name, array in out.items():
        if not n:
            np.save(folder / f"{name}.npy", array)
        else:
            array.flush()  # type: ignore[attr-defined]


def _room(path: Path, kind: type, shape: tuple[int, ...]) -> np.ndarray[Any, Any]:
    """A new array on disk. All of its room is taken at once: a process that writes into a mapped file on a full disk is
    ended by the system without a word."""
    found: np.ndarray[Any, Any] = np.lib.format.open_memmap(path, "w+", kind, shape)
    if hasattr(os, "posix_fallocate"):
        with path.open("r+b") as file:
            os.posix_fallocate(file.fileno(), 0, path.stat().st_size)
    return found


def _put(out: dict[str, Any], at: int, rows: Sequence[tuple[Any, ...]], row_of: dict[int, int]) -> None:
    own = slice(at, at + len(rows))
    out["content"][own] = [row_of[row[0]] for row in rows]
    out["bars"][own] = [row[1:3] for row in rows]
    bits = np.frombuffer(b"".join(row[3] for row in rows), np.uint8).reshape(len(rows), N_BYTES)
    cells = np.unpackbits(bits, axis=1).reshape(len(rows), WINDOW_STEPS, N_VOICES)
    out["words"][:, own] = words_of(bits)
    out["counts"][:, own] = cells.sum(1, dtype=np.uint8).T
    out["n_hits"][own] = np.bitwise_count(bits).sum(1)
    out["latents"][own] = np.frombuffer(b"".join(row[4] for row in rows), np.float16).reshape(len(rows), -1)


def words_of(bits: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """(N_WORDS, N) uint64 of patterns (N, N_BYTES) uint8."""
    wide = np.zeros((len(bits), 8 * N_WORDS), np.uint8)
    wide[:, :N_BYTES] = bits
    return np.ascontiguousarray(wide.view(np.uint64).T)
