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
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from rhythmvae.analysis.duplicates import likeness, pattern_key
from rhythmvae.data.files import Source, find_sources, find_texts
from rhythmvae.errors import CorpusError, RhythmVAEError, UsageError
from rhythmvae.groove import (
    HIT,
    N_FEATURES,
    N_LAYERS,
    OFFSET,
    STEPS_PER_QUARTER,
    VELOCITY,
    WINDOW_STEPS,
    FloatArray,
    Groove,
    IntArray,
    Meter,
    Tempo,
    to_grid,
    window_spans,
)
from rhythmvae.kit import N_VOICES
from rhythmvae.midi.read import ReadOptions, read_midi
from rhythmvae.text import clean_text

SPLITS = ("train", "validation", "test")
MIN_GROUPS = 5  # of near-duplicates, for a split by them
CACHE_VERSION = 1
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
    """What was read. failures: (name, sentence) of each file that was not."""

    takes: tuple[Take, ...]
    failures: tuple[tuple[str, str], ...] = ()

    @property
    def has_splits(self) -> bool:
        return any(take.split for take in self.takes)

    def only(self, split: str) -> list[Take]:
        return [take for take in self.takes if take.split == split]


# -- reading -------------------------------------------------------------------


def load(
    paths: Sequence[Path],
    options: ReadOptions | None = None,
    progress: Callable[[int, int], None] | None = None,
    cache: bool = True,
) -> Corpus:
    """Read files, folders and zips. A data set in the layout of the Groove MIDI Dataset keeps its splits.

    The second reading of the same data comes from a cache in the user's cache folder.

    Args:
        progress: called with (files done, files).

    Raises:
        CorpusError: nothing in `paths` can be read as drum MIDI.
        UsageError: a path that does not exist.
    """
    options = options or ReadOptions()
    sources = find_sources(paths)
    table = _read_table(paths)
    kept = _cache_path(paths, sources, options) if cache else None
    if kept is not None and (corpus := _load_cache(kept)) is not None:
        return corpus
    takes: list[Take] = []
    failures: list[tuple[str, str]] = []
    for done, source in enumerate(sources):
        try:
            groove, _ = read_midi(source.read(), source.name, options)
            row = table.get(_table_key(source.name), {})
            split = row.get("split")
            labels = {key: row[key] for key in ("style", "drummer", "beat_type") if row.get(key)}
            takes.append(Take(source.name, groove, split if split in SPLITS else None, labels))
        except RhythmVAEError as error:
            failures.append((source.name, str(error)))
        if progress:
            progress(done + 1, len(sources))
    if not takes:
        first = f" The first of {len(failures)}: {failures[0][1]}" if failures else ""
        raise CorpusError(
            f"Expected drum MIDI in {', '.join(p.name for p in paths)}, found none that can be read.{first}"
        )
    corpus = Corpus(tuple(takes), tuple(failures))
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
    """Named by everything the result depends on: files with size and time, options, and this version.

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
    for path in paths:
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
                "tempos": [asdict(t) for t in take.groove.tempos],
                "meters": [asdict(m) for m in take.groove.meters],
            }
            for take in corpus.takes
        ],
        "failures": corpus.failures,
    }
    scratch = path.with_suffix(f".{os.getpid()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with scratch.open("wb") as stream:
            np.savez(
                stream,
                position=np.concatenate([g.position for g in grooves]),
                voice=np.concatenate([g.voice for g in grooves]).astype(np.int8),
                velocity=np.concatenate([g.velocity for g in grooves]).astype(np.int16),
                meta=np.frombuffer(json.dumps(meta).encode(), dtype=np.uint8),
            )
        scratch.replace(path)
    except OSError:
        with suppress(OSError):
            scratch.unlink()


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
            tuple(Tempo(**t) for t in row["tempos"]),
            tuple(Meter(**m) for m in row["meters"]),
            row["title"],
            row["source"],
        )
        takes.append(Take(row["name"], groove, row["split"], row["labels"]))
    return Corpus(tuple(takes), tuple((name, why) for name, why in meta["failures"]))


# -- splitting -----------------------------------------------------------------


def split_takes(takes: Sequence[Take], validation: float = 0.15, seed: int = 0) -> tuple[list[Take], list[Take]]:
    """Train and validation takes: the official split where there is one, else drawn by file.

    Twins go to one side together (likeness.py), and near-duplicates too, unless next to nothing
    would be left; where an official split has put twins on both sides, the validation twin is
    left out. Files beside an official split that it does not name are trained on. With a single
    distinct pattern there is nothing to hold out, and the validation side is empty.

    Args:
        validation: share of the groups of takes to hold out, above 0 and below 1.
    """
    if any(take.split for take in takes):
        train = [take for take in takes if take.split in ("train", None)]
        seen = {pattern_key(take.groove) for take in train}
        held_out = [t for t in takes if t.split == "validation" and pattern_key(t.groove) not in seen]
        return train, held_out
    groups = _groups(takes)
    order = np.random.default_rng(seed).permutation(len(groups))
    n_held_out = min(max(1, round(validation * len(groups))), len(groups) - 1)
    held_out_groups = set(order[:n_held_out].tolist())
    sides: tuple[list[Take], list[Take]] = ([], [])
    for index, group in enumerate(groups):
        sides[index in held_out_groups].extend(group)
    return sides


def folds_of(takes: Sequence[Take], n: int, seed: int = 0) -> list[tuple[list[Take], list[Take]]]:
    """(train on, judge by) pairs of takes, n of them or as many as can be; what is grouped for a split is here too.

    Raises:
        CorpusError: takes with one pattern only.
    """
    groups = _groups(takes)
    n_folds = min(n, len(groups))
    if n_folds < 2:
        raise CorpusError(
            "Expected at least two different patterns to fit baselines on and judge them by, found one; "
            "give more files, or --no-baselines."
        )
    place = np.random.default_rng(seed).permutation(len(groups)) % n_folds
    return [
        (
            [take for group, own in zip(groups, place, strict=True) for take in group if own != fold],
            [take for group, own in zip(groups, place, strict=True) for take in group if own == fold],
        )
        for fold in range(n_folds)
    ]


def _groups(takes: Sequence[Take]) -> list[list[Take]]:
    """Takes that must not be parted, in the order in which they come."""
    found = likeness([take.groove for take in takes])
    label = found.alike if len(set(found.alike.tolist())) >= MIN_GROUPS else found.same
    groups: dict[int, list[Take]] = {}
    for take, own in zip(takes, label.tolist(), strict=True):
        groups.setdefault(own, []).append(take)
    return list(groups.values())


def drummers_of(takes: Iterable[Take]) -> list[str]:
    """The names of those who play, `drummer2` before `drummer10`."""
    return sorted({take.labels.get("drummer", "") for take in takes} - {""}, key=lambda name: (len(name), name))


def by_drummers(corpus: Corpus, names: Sequence[str]) -> tuple[Corpus, Corpus]:
    """The takes by these drummers, and all others, those by nobody known included.

    Args:
        names: as the data has them, such as `drummer7`, or only the 7 of it.

    Raises:
        UsageError: a drummer who is not in the data.
    """
    known = drummers_of(corpus.takes)
    wanted: set[str] = set()
    for name in names:
        found = {name, f"drummer{name}"}.intersection(known)
        if not found:
            there = clean_text(", ".join(known), 200) or "those that an info.csv names (the data has none)"
            raise UsageError(f"Expected drummers out of {there}, got {clean_text(name, 40)!r}.")
        wanted |= found
    inside = tuple(take for take in corpus.takes if take.labels.get("drummer") in wanted)
    outside = tuple(take for take in corpus.takes if take.labels.get("drummer") not in wanted)
    return replace(corpus, takes=inside), replace(corpus, takes=outside)


# -- windows -------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Windows:
    """Windows of many takes over one long array of their grids.

    grids: (sum of T + padding, V, L, F) float32; start, n_steps, take: (N,) each window's
    first row, length and index into the takes; seconds_per_step: (N,).
    """

    grids: FloatArray
    start: IntArray
    n_steps: IntArray
    take: IntArray
    seconds_per_step: FloatArray

    def __len__(self) -> int:
        return len(self.start)

    def gather(self, index: IntArray) -> tuple[FloatArray, IntArray]:
        """Windows by index: x (B, T, V, L, F) padded with silence, n_steps (B,)."""
        rows = self.start[index][:, None] + np.arange(WINDOW_STEPS)
        n_steps = self.n_steps[index]
        inside = np.arange(WINDOW_STEPS) < n_steps[:, None]
        return self.grids[rows] * inside[:, :, None, None, None], n_steps


def windows_of(grooves: Iterable[Groove], every_beat: bool = False) -> Windows:
    """Windows of grooves: the ones reconstruction uses, or, with `every_beat`, one from each quarter note on.

    The latter is eight times the data for training: the same drumming met at every
    place in the window. Empty windows are left out of it.
    """
    grids: list[FloatArray] = []
    rows: list[tuple[int, int, int, float]] = []
    base = 0
    for index, groove in enumerate(grooves):
        grid = to_grid(groove).tensor
        spans = [(s.start, s.n_steps) for s in window_spans(groove)]
        if every_beat:
            last = max(1, groove.n_steps - WINDOW_STEPS + 1)
            starts = range(0, last, STEPS_PER_QUARTER)
            longest = WINDOW_STEPS if groove.n_steps >= WINDOW_STEPS else groove.n_steps
            shorter = [s for s in spans if s[1] < WINDOW_STEPS]
            spans = list(dict.fromkeys([(s, longest) for s in starts] + shorter))  # a short groove is both
            spans = [(s, n) for s, n in spans if grid[s : s + n, ..., HIT].any()]
        for start, n_steps in spans:
            rows.append((base + start, n_steps, index, groove.tempo_at(start).seconds_per_step))
        grids.append(grid)
        base += len(grid)
    grids.append(np.zeros((WINDOW_STEPS, N_VOICES, N_LAYERS, N_FEATURES), dtype=np.float32))
    table = np.array(rows, dtype=np.float64).reshape(-1, 4)
    start, n_steps, take = table[:, :3].astype(np.int64).T
    return Windows(np.concatenate(grids), start, n_steps, take, table[:, 3])


# -- augmentation --------------------------------------------------------------

# Voices that change hands together when two windows are mixed: feet, snare, cymbals that keep time, the rest.
_LIMBS = np.array([0, 1, 2, 2, 3, 3, 3, 4, 2])


@dataclass(frozen=True)
class Augmentation:
    """How far training windows are varied; each number is measured in docs/decisions.

    Args:
        dynamics: share of windows played louder or softer, by up to a quarter.
        feel: share whose microtiming is tightened, down to the grid, or loosened (x 0 to 1.2).
        push: share played ahead of or behind the beat as a whole, by up to a tenth of a step.
        mix: share that takes some limbs from another window: one drummer's feet under another's hands.
        swap: share in which two voices trade places, so that no voice owns a figure.
        shorten: share cut to a random length, so that short windows of other meters are not news.
    """

    dynamics: float = 0.5
    feel: float = 0.25
    push: float = 0.15
    mix: float = 0.4
    swap: float = 0.15
    shorten: float = 0.12

    @classmethod
    def none(cls) -> Augmentation:
        return cls(0.0, 0.0, 0.0, 0.0, 0.0, 0.0)

    def apply(self, x: FloatArray, n_steps: IntArray, rng: np.random.Generator) -> tuple[FloatArray, IntArray]:
        """Vary a batch: x (B, T, V, L, F), n_steps (B,). Returns new arrays."""
        batch = len(x)

        def draw(share: float, low: float, high: float, neutral: float) -> FloatArray:
            chosen = rng.random(batch) < share
            drawn = np.where(chosen, rng.uniform(low, high, batch), neutral)
            return drawn[:, None, None, None].astype(np.float32)

        if self.mix:
            partner = rng.permutation(batch)
            swapped = (rng.random((batch, _LIMBS.max() + 1)) < 0.35) & (rng.random((batch, 1)) < self.mix)
            x = np.where(swapped[:, _LIMBS][:, None, :, None, None], x[partner], x)
        if self.swap:
            voices = np.tile(np.arange(N_VOICES), (batch, 1))
            chosen = np.flatnonzero(rng.random(batch) < self.swap)
            first, second = rng.integers(0, N_VOICES, (2, len(chosen)))
            voices[chosen, first], voices[chosen, second] = second, first
            x = np.take_along_axis(x, voices[:, None, :, None, None], axis=2)
        if self.shorten:
            cut = rng.integers(2 * STEPS_PER_QUARTER, WINDOW_STEPS, batch)
            n_steps = np.where(rng.random(batch) < self.shorten, np.minimum(n_steps, cut), n_steps)
        inside = (np.arange(WINDOW_STEPS) < n_steps[:, None])[:, :, None, None]
        hit = x[..., HIT] * inside
        velocity = np.clip(x[..., VELOCITY] * draw(self.dynamics, 0.75, 1.25, 1.0), 1 / 127, 1.0)
        offset = x[..., OFFSET] * draw(self.feel, 0.0, 1.2, 1.0) + draw(self.push, -0.1, 0.1, 0.0)
        return np.stack([hit, velocity * hit, np.clip(offset, -0.5, 0.4999) * hit], axis=-1), n_steps
