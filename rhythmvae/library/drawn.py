"""What a map of a library draws: up to MOST_POINTS windows with their places, names, and columns to colour them by.

Points stand in the order of the cells of a GRID by GRID grid, row by row, so that whoever draws a part of the map finds
its points without looking at the others.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import pairwise, takewhile
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

import numpy as np

from rhythmvae.data.corpus import OnProgress
from rhythmvae.data.files import Source
from rhythmvae.data.reading import read_source
from rhythmvae.errors import LibraryError, RhythmVAEError
from rhythmvae.groove import BoolArray, Groove, IntArray
from rhythmvae.library import ground
from rhythmvae.library.asking import Filters
from rhythmvae.library.columns import Columns
from rhythmvae.library.grooves import grooves, sources
from rhythmvae.library.places import EXTENT, placed, scattered
from rhythmvae.library.search import Library, Result, opened
from rhythmvae.library.store import Store, to_text
from rhythmvae.library.windows import MAX_LOOP_BARS
from rhythmvae.text import clean_text

if TYPE_CHECKING:
    from rhythmvae.model.checkpoint import Checkpoint
    from rhythmvae.model.latent_map import LatentMap

MOST_POINTS = 100_000
GRID = 128
MOST_NAMED = 17  # names of a column; others are "others"
MOST_LETTERS = 80
OTHERS = "others"
TEMPO_EDGES = (60, 80, 100, 120, 140, 160, 180)
DENSITY_EDGES = (1, 2, 3, 4, 6, 8)
LENGTH_EDGES = (2, 3, 5, 9)
LENGTHS = ("1 bar", "2 bars", "3-4 bars", "5-8 bars", "longer")

Place = tuple[int, int, int]  # number of a content, first and last bar of a window


@dataclass(frozen=True, eq=False)
class Column:
    """A column to colour points by.

    Args:
        names: the most frequent first, or from low to high where they are in order; the last is OTHERS where there
            are more. of: (P,) uint8, 0 for none, else 1 and on for the names.
    """

    title: str
    names: tuple[str, ...]
    of: np.ndarray[Any, Any]
    is_in_order: bool = False


@dataclass(frozen=True, eq=False)
class Drawn:
    """P points of a library in one state.

    Args:
        places: (P, 2) uint16, as `places.placed` has them. content: (P,) number in the store. row: (P,) of `Columns`.
        bars: (P, 2). names: to read, each in a line. n_windows: that the library has.
    """

    state: str
    places: IntArray
    content: IntArray
    row: IntArray
    bars: IntArray
    names: str
    columns: tuple[Column, ...]
    n_windows: int

    def __len__(self) -> int:
        return len(self.content)

    def place_of(self, index: int) -> Place:
        first, last = self.bars[index].tolist()
        return int(self.content[index]), first, last

    def index_of(self, content: int, first_bar: int) -> int | None:
        """The point of a window, or another of its content; None where the map has none."""
        found = np.flatnonzero(self.content == content)
        if not len(found):
            return None
        return int(found[np.argmin(np.abs(self.bars[found, 0] - first_bar))])


def state_of(folder: Path) -> str:
    """Which state a library is in; it changes with every change of the library.

    Raises:
        LibraryError: as `Store`.
    """
    store = Store(folder)
    try:
        return store.state
    finally:
        store.close()


def draw(folder: Path, checkpoint: Checkpoint | None, on_progress: OnProgress | None = None) -> Drawn:
    """The map of a library on that of its model. The first time each 10,000 windows take about a second.

    Args:
        checkpoint: None for a map of the library's own (`ground`), which takes some seconds more the first time.
        on_progress: called with (new places, new ones in all), the drawing of a map of its own counted as so many
            places as take as long; what it raises stops the work.

    Raises:
        LibraryError: a model that carries no map, or another than the library's; and as `Library`.
    """
    latent_map = None if checkpoint is None else checkpoint.latent_map
    with opened(folder) as library:
        own = library.columns
        is_other = latent_map is not None and own.n_windows and latent_map.latents.shape[1] != own.latents.shape[1]
        if (checkpoint is not None and latent_map is None) or is_other:
            raise LibraryError("Expected the library's own model with a map, this model has none; search by the list.")
        rows = chosen(own.content, _numbers(own, np.arange(own.n_windows)), MOST_POINTS)
        where = _placed(library, latent_map, rows, on_progress)
        cell = where[:, 1].astype(np.int64) * GRID // EXTENT * GRID + where[:, 0].astype(np.int64) * GRID // EXTENT
        order = np.argsort(cell, kind="stable")
        rows, where = rows[order], where[order]
        content = own.content[rows].astype(np.int64)
        names, folders = _files(library.store, own, content)
        bars = own.bars[rows]
        return Drawn(
            state=library.store.state,
            places=where,
            content=own.number[content],
            row=content,
            bars=bars,
            names="\n".join(_names(names, own, content, bars)),
            columns=tuple(_columns(own, content, folders)),
            n_windows=own.n_windows,
        )


def _placed(library: Library, latent_map: LatentMap | None, rows: IntArray, on_progress: OnProgress | None) -> IntArray:
    folder, own = library.folder, library.columns
    latents = own.latents[rows]
    if not len(rows):
        return np.zeros((0, 2), np.uint16)
    if latent_map is not None:
        return placed(folder, latent_map, latents, on_progress)
    if (map_of_its_own := ground.known(folder, latents)) is not None:
        return placed(folder, map_of_its_own, latents, on_progress)
    tell = on_progress or (lambda done, of: None)
    of_drawing = ground.COSTS * min(len(rows), ground.MOST_DRAWN)
    some = chosen(own.content[rows], _numbers(own, rows), ground.MOST_DRAWN)
    map_of_its_own = ground.drawn(
        folder, latents[some], lambda done, of: tell(of_drawing * done // of, of_drawing + len(rows))
    )
    return placed(folder, map_of_its_own, latents, lambda done, of: tell(of_drawing + done, of_drawing + of))


def _numbers(own: Columns, rows: IntArray) -> IntArray:
    """A number of each window that stays the same."""
    return np.asarray(own.number[own.content[rows]] * 4_096 + own.bars[rows, 0])


def chosen(content: IntArray, windows: IntArray, most: int) -> IntArray:
    """Rows of up to `most` windows: the first of each content, then the second, and so on; of the last such round some
    by chance. What is chosen of a library that grows stays mostly the same.

    Args:
        content: (N,) in order. windows: (N,) a number of each that stays the same, for chance.
    """
    if len(content) <= most:
        return np.arange(len(content))
    starts = np.flatnonzero(np.diff(content, prepend=-1))
    rank = np.arange(len(content)) - np.repeat(starts, np.diff(starts, append=len(content)))
    order = np.lexsort((scattered(windows.astype(np.uint64)), rank))
    return np.sort(order[:most])


def passing(folder: Path, filters: Filters) -> tuple[str, BoolArray]:
    """The state of a library, and (C,) bool in it, which rows of `Columns` pass."""
    with opened(folder) as library:
        passes = library.allowed(filters)
        return library.store.state, np.ones(len(library.columns.number), bool) if passes is None else passes


def at(folder: Path, places: Sequence[Place]) -> list[tuple[Result, Groove | str]]:
    """Windows as results of a search, each with its groove or why it cannot be read; of a loop all of it. Those that
    are there no more are left out."""
    with opened(folder) as library:
        rows = {number: row for row, number in enumerate(library.columns.number.tolist())}
        found = [_result(library, rows[place[0]], place) for place in places if place[0] in rows]
        return list(zip(found, grooves(library, found), strict=True))


def ahead(folder: Path, places: Sequence[Place], seconds: float) -> list[tuple[int, Groove] | None]:
    """First bar and groove of windows, as `at` has them, before anybody asks for one; None for sounds, which take
    seconds to read, and for what cannot be read. Fewer than were asked for where the time is up: at least one."""
    until = time.monotonic() + seconds
    found: list[tuple[int, Groove] | None] = []
    with opened(folder) as library:
        rows = {number: row for row, number in enumerate(library.columns.number.tolist())}
        whole: dict[int, Groove | None] = {}  # windows of one take are near each other

        def wanted() -> Iterator[tuple[int, str]]:
            for number, _, _ in places:
                if number in rows and number not in whole:
                    yield library.store.files_of(number)[0]

        files = sources(library, wanted())
        for place in places:
            number = place[0]
            if number in rows and number not in whole:
                source = next(files)
                whole[number] = _read(library, source, number)
            groove = whole.get(number)
            bars = _bars(library, rows[number], place) if groove is not None else (1, 1)
            found.append(None if groove is None else (bars[0], groove.bars(*(min(bar, groove.n_bars) for bar in bars))))
            if time.monotonic() > until:
                break
        files.close()
        return found


def _read(library: Library, source: Source, number: int) -> Groove | None:
    if source.sound is not None:
        return None
    root, _ = library.store.files_of(number)[0]
    with suppress(RhythmVAEError):
        return read_source(source, library.store.reading(root))[0]
    return None


def _bars(library: Library, row: int, place: Place) -> tuple[int, int]:
    n_bars = int(library.columns.n_bars[row])
    return (place[1], place[2]) if n_bars > MAX_LOOP_BARS else (1, n_bars)


def _result(library: Library, row: int, place: Place) -> Result:
    own, number = library.columns, place[0]
    n_bars, feel = int(own.n_bars[row]), int(own.feel[row])
    [(root, path), *others] = library.store.files_of(number)
    return Result(
        folder=library.roots[root],
        path=path,
        content=number,
        bars=_bars(library, row, place),
        distance=0.0,
        duplicates=tuple(other for _, other in others),
        turned=0,
        rate=1.0,
        tempo=round(float(own.tempo[row]), 3),
        meter=own.names["meter"][int(own.meter[row])],
        style=own.names["style"][int(own.style[row])],
        feel=tuple(name for i, name in enumerate(own.names["feel"]) if feel >> i & 1),
        n_bars=n_bars,
    )


# -- names and columns -----------------------------------------------------------


def _files(store: Store, own: Columns, content: IntArray) -> tuple[dict[int, str], dict[int, str]]:
    """Of each row of contents that is drawn, the name and the folder of its first file."""
    drawn = np.zeros(len(own.number), bool)
    drawn[content] = True
    row_of = dict(zip(own.number[drawn].tolist(), np.flatnonzero(drawn).tolist(), strict=True))
    names: dict[int, str] = {}
    folders: dict[int, str] = {}
    sql = "SELECT content, min(path), folder FROM files WHERE content IS NOT NULL GROUP BY content"
    for number, path, folder in store.rows(sql):
        if (row := row_of.get(number)) is not None:
            names[row] = clean_text(PurePosixPath(to_text(path)).stem, MOST_LETTERS) or "untitled"
            folders[row] = to_text(folder)
    return names, folders


def _names(names: dict[int, str], own: Columns, content: IntArray, bars: IntArray) -> list[str]:
    n_bars = own.n_bars[content]
    found = []
    for row, (first, last), of in zip(content.tolist(), bars.tolist(), n_bars.tolist(), strict=True):
        part = "" if of <= MAX_LOOP_BARS else f": bar {first}" if first == last else f": bars {first}-{last}"
        found.append(names.get(row, "") + part)
    return found


def _columns(own: Columns, content: IntArray, folders: dict[int, str]) -> list[Column]:
    found = [
        _named("style", own.names["style"], own.style[content]),
        _bands("tempo", own.tempo[content], TEMPO_EDGES, _spans(TEMPO_EDGES, " BPM", 1)),
        _named("folder", *_below(folders, content)),
        _named("meter", own.names["meter"], own.meter[content]),
        _named("beat or fill", own.names["plays"], own.plays[content]),
        _named("feel", own.names["feel"], _rarest(own, content)),
        _bands("hits a quarter note", own.density[content], DENSITY_EDGES, _spans(DENSITY_EDGES, "", 0)),
        _bands("length", own.n_bars[content], LENGTH_EDGES, LENGTHS),
    ]
    return [column for column in found if len(column.names) > 1]


def _named(title: str, names: Sequence[str], of: IntArray) -> Column:
    """A column of texts, by their numbers; negative ones and the empty text are none."""
    counts = np.bincount(of[of >= 0], minlength=len(names))
    ranked = [i for i in np.argsort(-counts, kind="stable").tolist() if counts[i] and names[i]]
    codes = np.zeros(len(names) + 1, np.uint8)  # the last one for none
    kept = ranked if len(ranked) <= MOST_NAMED + 1 else ranked[:MOST_NAMED]
    codes[ranked[len(kept) :]] = len(kept) + 1
    codes[kept] = np.arange(1, len(kept) + 1)
    texts = [clean_text(names[i], MOST_LETTERS) for i in kept]
    return Column(title, (*texts, *([OTHERS] if len(kept) < len(ranked) else [])), codes[of])


def _bands(title: str, values: np.ndarray[Any, Any], edges: Sequence[float], names: Sequence[str]) -> Column:
    """A column of numbers, in bands between edges, those that nothing lies in left out."""
    band = np.digitize(values, edges)
    used = np.unique(band)
    codes = np.searchsorted(used, band) + 1
    return Column(title, tuple(names[i] for i in used.tolist()), codes.astype(np.uint8), True)


def _spans(edges: Sequence[int], unit: str, step: int) -> list[str]:
    """Names of bands of numbers; step: between the highest of one band and the lowest of the next.

    >>> _spans((60, 80), " BPM", 1)
    ['below 60 BPM', '60-79 BPM', '80 BPM and more']
    """
    inner = [f"{low}-{high - step}{unit}" for low, high in pairwise(edges)]
    return [f"below {edges[0]}{unit}", *inner, f"{edges[-1]}{unit} and more"]


def _below(folders: dict[int, str], content: IntArray) -> tuple[list[str], IntArray]:
    """Names of the first folders in which files part, and for each point which it is in, -1 for none."""
    parts = {folder: folder.split("/") if folder else [] for folder in set(folders.values())}
    levels = zip(*parts.values(), strict=False)
    depth = sum(1 for _ in takewhile(lambda names: len(set(names)) == 1, levels))
    name_of = {folder: (own[depth] if len(own) > depth else "") for folder, own in parts.items()}
    names = sorted(set(name_of.values()))
    number = {name: i for i, name in enumerate(names)}
    by_row = {row: number[name_of[folder]] for row, folder in folders.items()}
    return names, np.array([by_row.get(row, -1) for row in content.tolist()], np.int64)


def _rarest(own: Columns, content: IntArray) -> IntArray:
    """(P,) of the feels that hold, the one that fewest have; -1 where none does."""
    bits = own.feel[content]
    counts = [int((bits >> i & 1).sum()) for i in range(len(own.names["feel"]))]
    found = np.full(len(bits), -1, np.int64)
    for i in sorted(range(len(counts)), key=lambda i: -counts[i]):
        found[(bits >> i & 1) > 0] = i
    return found
