"""One question to a library and all of its answer, as a page asks it: results, their grooves, and counts for filters.

The library is opened for each question, which takes some milliseconds, and so it can be asked in any process.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from rhythmvae.data.files import Source
from rhythmvae.data.reading import read_source
from rhythmvae.errors import RhythmVAEError
from rhythmvae.groove import FOUR_IN_TIME, Groove, IntArray
from rhythmvae.library import complement, duplicates
from rhythmvae.library.asking import ALL_VOICES, Filters, asked
from rhythmvae.library.grooves import grooves, sources
from rhythmvae.library.search import Library, Result, opened
from rhythmvae.midi.report import ReadOptions
from rhythmvae.midi.write import write_midi

if TYPE_CHECKING:
    from rhythmvae.model.checkpoint import Checkpoint

LIKE, WITH = "like", "with"  # what is looked for: what is like a groove, or goes with it
COUNTED = ("meter", "style", "plays", "feel")
MAX_FOLDERS = 200


@dataclass(frozen=True, eq=False)
class Query:
    """What a page asks: as `search` and `goes_with` take it. feels: of the groove, for what goes with it."""

    groove: Groove
    what: str = LIKE
    voices: tuple[int, ...] = ALL_VOICES
    as_it_is: bool = False
    filters: Filters = field(default_factory=Filters)
    feels: tuple[str, ...] = ()
    n: int = 12


@dataclass(frozen=True, eq=False)
class Answer:
    """Args:
    results: and of each its groove, or why it cannot be read.
    counts: of meter, style, plays and feel: how many loops pass the other filters, by name.
    n_contents, n_passing: different loops in the library, and those of them that pass.
    """

    results: tuple[Result, ...]
    grooves: tuple[Groove | str, ...]
    counts: dict[str, dict[str, int]]
    n_contents: int
    n_passing: int
    said: tuple[dict[str, Any], ...] = field(default=(), repr=False)


@dataclass(frozen=True)
class About:
    """What a library is: its model's digest, how many loops and windows; tempos, densities, folders, counts."""

    checkpoint: str
    n_contents: int
    n_windows: int
    tempos: tuple[float, float]
    densities: tuple[float, float]
    folders: tuple[str, ...]
    counts: dict[str, dict[str, int]] = field(default_factory=dict, hash=False)


def about(folder: Path) -> About:
    """What there is in a library; raises LibraryError as `Library` does."""
    with opened(folder) as library:
        own = library.columns
        ends = [
            (float(each.min()), float(each.max())) if len(each) else (0.0, 0.0) for each in (own.tempo, own.density)
        ]
        counts = {name: library.counts(name) for name in COUNTED}
        head = library.store.checkpoint, len(own.number), own.n_windows
        return About(*head, ends[0], ends[1], _folders(library), counts)


def _folders(library: Library) -> tuple[str, ...]:
    """Folders with files in them, the first ones by name."""
    sql = "SELECT DISTINCT CAST(folder AS TEXT) FROM files WHERE content IS NOT NULL ORDER BY 1 LIMIT ?"
    return tuple(name for (name,) in library.store.rows(sql, (MAX_FOLDERS,)) if name)


def answer(folder: Path, checkpoint: Checkpoint | None, query: Query) -> Answer:
    """The answer to a query.

    Args:
        checkpoint: None where there is no model of the library's latents: patterns alone are compared.

    Raises:
        LibraryError: as `Library`. UsageError: as `asked`.
    """
    with opened(folder) as library:
        model = None if checkpoint is None else checkpoint.model
        layers = FOUR_IN_TIME if model is None else model.config.layers
        if query.what == WITH:
            found = complement.goes_with(library, query.groove, layers, query.feels, query.filters, query.n)
        else:
            wanted = asked(query.groove, layers, query.voices, as_it_is=query.as_it_is)
            found = library.search(wanted, model, query.filters, query.n)
        passes = library.allowed(query.filters)
        n_contents = len(library.columns.number)
        return Answer(
            tuple(found),
            tuple(grooves(library, found)),
            {name: library.counts(name, _without(query.filters, name)) for name in COUNTED},
            n_contents,
            n_contents if passes is None else int(passes.sum()),
            tuple(library.store.said(result.content) for result in found),
        )


def _without(filters: Filters, name: str) -> Filters:
    """The other filters: choosing a second name must show how many that would add."""
    if name == "feel":
        return filters  # all of them are asked for, so each further one leaves less
    if name == "meter":
        return replace(filters, meters=())
    return replace(filters, styles=()) if name == "style" else replace(filters, plays=())


def files(folder: Path, filters: Filters, most_files: int, most_bytes: int) -> tuple[list[tuple[str, bytes]], int]:
    """MIDI files of the loops that pass, each loop once, as long as they fit; and how many were left out."""
    with opened(folder) as library:
        passes = library.allowed(filters)
        rows = np.arange(len(library.columns.number)) if passes is None else np.flatnonzero(passes)
        return _files(library, rows, most_files, most_bytes)


def files_of(
    folder: Path, contents: Sequence[int], most_files: int, most_bytes: int
) -> tuple[list[tuple[str, bytes]], int]:
    """The same of contents by their numbers in the store; those that are there no more are passed over."""
    with opened(folder) as library:
        rows = np.flatnonzero(np.isin(library.columns.number, np.array(contents, np.int64)))
        return _files(library, rows, most_files, most_bytes)


def _files(library: Library, rows: IntArray, most_files: int, most_bytes: int) -> tuple[list[tuple[str, bytes]], int]:
    _, first = np.unique(library.columns.loop[rows], return_index=True)
    numbers = library.columns.number[rows[np.sort(first)]].tolist()
    found: list[tuple[str, bytes]] = []
    n_bytes = 0
    places = [library.store.files_of(number)[0] for number in numbers[:most_files]]
    options = {root: library.store.reading(root) for root in library.roots}
    for (root, path), source in zip(places, sources(library, places), strict=True):
        data = _midi(source, options[root])
        if data is not None and n_bytes + len(data) <= most_bytes:
            n_bytes += len(data)
            found.append((path, data))
    return found, len(numbers) - len(found)


def _midi(source: Source, options: ReadOptions) -> bytes | None:
    """Its bytes; where its folder is read in a way of its own, what is read so, for nobody else knows that way."""
    try:
        if source.sound is not None:
            return None
        return source.read() if options == ReadOptions() else write_midi(read_source(source, options)[0])
    except RhythmVAEError:
        return None


def twice(folder: Path) -> Sequence[duplicates.Group]:
    """The report of duplicates."""
    with opened(folder) as library:
        return duplicates.report(library.store)
