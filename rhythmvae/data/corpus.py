"""Folders, files and zips of drum MIDI -> grooves -> windows to learn from.

A *take* is one file read as a groove. Takes are split by file, never by window, and
takes that are the same pattern stay on one side, so nothing a model is judged on was
seen in training. A *window* is what the model holds (groove.window_spans); here they
are gathered from one long array of grids, so that any start can be drawn at no cost.

Axes and units are those of groove.py: x (B, T, V, L, F) float32, padded with silence
to WINDOW_STEPS, and n_steps (B,), the true length of each window.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from rhythmvae.data.files import Source, find_sources, find_texts
from rhythmvae.data.reading import read_source
from rhythmvae.errors import CorpusError, RhythmVAEError
from rhythmvae.groove import Groove, changes_from_lists, changes_to_lists
from rhythmvae.midi.report import ReadOptions
from rhythmvae.outputs import whole_file
from rhythmvae.resources import TRANSCRIBER

OnProgress = Callable[[int, int], None]  # (parts done, parts in all), wherever long work reports how far it is


class Enough(Exception):  # noqa: N818 - no error: what an OnProgress raises to have work end with what is done so far
    """Ends work that can end early, and leaves out work that cannot."""


SPLITS = ("train", "validation", "test")
CACHE_VERSION = 4
TABLE_NAME = "info.csv"  # the Groove MIDI Dataset's list of takes
MAX_TABLE_BYTES = 4 << 20


@dataclass(frozen=True, eq=False)
class Take:
    """One file as a groove, with what its data set says of it.

    split: one of SPLITS, or None where the data has no official split.
    labels: such as style, drummer, beat_type; empty where there is no table.
    """

    name: str
    groove: Groove
    split: str | None = None
    labels: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Corpus:
    """What was read. failures: (name, sentence) of each file that was not. n_sounds: sounds in folders and zips that
    nobody asked for."""

    takes: tuple[Take, ...]
    failures: tuple[tuple[str, str], ...] = ()
    n_sounds: int = 0

    @property
    def has_splits(self) -> bool:
        return any(take.split for take in self.takes)

    def only(self, split: str) -> list[Take]:
        return [take for take in self.takes if take.split == split]


# -- reading -------------------------------------------------------------------


def load(
    paths: Sequence[Path],
    options: ReadOptions | None = None,
    on_progress: OnProgress | None = None,
    cache: bool = True,
) -> Corpus:
    """Read files, folders and zips. A data set in the layout of the Groove MIDI Dataset keeps its splits.

    The second reading of the same data comes from a cache in the user's cache folder.

    Args:
        on_progress: called with (files done, files).

    Raises:
        CorpusError: nothing in `paths` can be read as drum MIDI.
        UsageError: a path that does not exist.
    """
    options = options or ReadOptions()
    sources = find_sources(paths, audio=options.audio)
    table = _read_table(paths)
    kept = _cache_path(paths, sources, options) if cache else None
    if kept is not None and (corpus := _load_cache(kept)) is not None:
        return replace(corpus, n_sounds=sources.n_sounds)
    takes: list[Take] = []
    failures: list[tuple[str, str]] = []
    for done, source in enumerate(sources):
        try:
            groove, _ = read_source(source, options)
            row = table.get(_table_key(source.name), {})
            split = row.get("split")
            labels = {key: row[key] for key in ("style", "drummer", "beat_type") if row.get(key)}
            takes.append(Take(source.name, groove, split if split in SPLITS else None, labels))
        except RhythmVAEError as error:
            failures.append((source.name, str(error)))
        if on_progress:
            on_progress(done + 1, len(sources))
    if not takes:
        first = f" The first of {len(failures)}: {failures[0][1]}" if failures else ""
        raise CorpusError(
            f"Expected drum MIDI in {', '.join(p.name for p in paths)}, found none that can be read.{first}"
        )
    corpus = Corpus(tuple(takes), tuple(failures), sources.n_sounds)
    if kept is not None:
        _save_cache(kept, corpus)
    return corpus


def _table_key(name: str) -> str:
    """The end of a path that a table row and a source share: `drummer1/session1/1_funk....mid`."""
    return "/".join(name.split("/")[-3:])


def _read_table(paths: Sequence[Path]) -> dict[str, dict[str, str]]:
    """Rows of the data set's tables, by the file they name."""
    rows: dict[str, dict[str, str]] = {}
    for text in find_texts(paths, TABLE_NAME, MAX_TABLE_BYTES):
        with suppress(csv.Error):  # the rows before the damage count
            for row in csv.DictReader(io.StringIO(text.removeprefix("\ufeff"))):
                if row.get("midi_filename"):
                    rows[_table_key(row["midi_filename"])] = row
    return rows


# -- cache ---------------------------------------------------------------------


def _cache_path(paths: Sequence[Path], sources: Sequence[Source], options: ReadOptions) -> Path | None:
    """Named by everything the result depends on: files with size and time, what hears sounds, options, this version.

    None where there is no such name: for a pipe, or a user without a home.
    """
    try:
        home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    except RuntimeError:
        return None
    if not all(path.is_file() or path.is_dir() for path in paths):
        return None
    key = hashlib.sha256()
    key.update(f"{CACHE_VERSION} {options!r}".encode())
    hears = [TRANSCRIBER] if any(source.sound is not None for source in sources) and TRANSCRIBER.is_file() else []
    for path in [*paths, *hears]:
        files = [path] if path.is_file() else sorted(p for p in path.rglob("*") if p.is_file())
        for file in files:
            stat = file.stat()
            key.update(f"{file.resolve()}\0{stat.st_size}\0{stat.st_mtime_ns}\n".encode("utf-8", "surrogateescape"))
    key.update(str(len(sources)).encode())
    return home / "rhythmvae" / f"corpus-{key.hexdigest()[:24]}.npz"


def _save_cache(path: Path, corpus: Corpus) -> None:
    """Arrays and JSON, no pickle. A cache that cannot be written is no error: the data is still there."""
    grooves = [take.groove for take in corpus.takes]
    meta = {
        "takes": [
            {
                "name": take.name,
                "split": take.split,
                "labels": take.labels,
                "title": take.groove.title,
                "source": take.groove.source,
                "n_hits": len(take.groove),
                "n_steps": take.groove.n_steps,
                **changes_to_lists(take.groove),
            }
            for take in corpus.takes
        ],
        "failures": corpus.failures,
    }
    with suppress(OSError), whole_file(path) as scratch, scratch.open("wb") as stream:
        np.savez(
            stream,
            position=np.concatenate([g.position for g in grooves]),
            voice=np.concatenate([g.voice for g in grooves]).astype(np.int8),
            velocity=np.concatenate([g.velocity for g in grooves]).astype(np.int16),
            meta=np.frombuffer(json.dumps(meta).encode(), dtype=np.uint8),
        )


def _load_cache(path: Path) -> Corpus | None:
    try:
        with np.load(path, allow_pickle=False) as arrays:
            return _from_arrays(dict(arrays))
    except Exception:  # not there, or damaged in any way: the data is read anew
        return None


def _from_arrays(arrays: dict[str, np.ndarray[Any, Any]]) -> Corpus:
    position, voice, velocity = arrays["position"], arrays["voice"], arrays["velocity"]
    meta = json.loads(arrays["meta"].tobytes())
    takes = []
    start = 0
    for row in meta["takes"]:
        hits = slice(start, start + row["n_hits"])
        start = hits.stop
        groove = Groove(
            position[hits],
            voice[hits],
            velocity[hits],
            row["n_steps"],
            *changes_from_lists(row["tempos"], row["meters"]),
            row["title"],
            row["source"],
        )
        takes.append(Take(row["name"], groove, row["split"], row["labels"]))
    return Corpus(tuple(takes), tuple((name, why) for name, why in meta["failures"]))


# -- splitting -----------------------------------------------------------------


# -- windows -------------------------------------------------------------------


# -- augmentation --------------------------------------------------------------
