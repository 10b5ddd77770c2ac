"""The windows of a library that are nearest to a pattern by the cells that are hit: all of them are compared.

Windows are compared CHUNK at a time, so that what is worked on stays in a processor's cache, by two threads where there
are many. Of all that have been compared the n nearest are kept, and what is further than the last of these is dropped
at once: nothing as long as the library is ever sorted.

Variants of the pattern that are not as it is (turned, at another rate) are compared with the windows alone whose drums
are hit about as often: turning changes no drum's number of hits, and two windows differ in at least as many cells as
these numbers do. So all within WITHIN are found, and most windows are never looked at.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from rhythmvae.groove import WINDOW_STEPS, BoolArray, FloatArray, IntArray
from rhythmvae.kit import N_VOICES
from rhythmvae.library.columns import Columns
from rhythmvae.library.content import N_BYTES

CHUNK = 1 << 16  # windows compared at a time
N_THREADS = 2
THREADS_FROM = 4  # chunks: to begin a thread takes as long as two
WITHIN = 0.25  # of variants: all that are nearer are found
_KEPT = 4  # times n, before the nearest of them are chosen
_PART = 64  # parts of a cell that numbers of cells are compared in: whole numbers are quicker
Words = np.ndarray[Any, np.dtype[np.uint64]]  # patterns, (N_WORDS, R)


@dataclass(frozen=True, eq=False)
class Wanted:
    """What windows are compared with.

    Args:
        patterns: (K, N_WORDS) of variants, the first as it is. costs: (K,) added to the distance.
        voices: that count. mask: (N_WORDS,) their cells, which patterns have no others than; None for all.
    """

    patterns: Words
    costs: tuple[float, ...]
    voices: tuple[int, ...]
    mask: np.ndarray[Any, Any] | None = None


@dataclass(frozen=True, eq=False)
class Near:
    """Windows, the nearest first: rows of columns, distances, and which of the variants each is near to."""

    rows: IntArray
    distance: FloatArray
    variant: IntArray


@dataclass
class _Nearest:
    """The n nearest that one thread has met. far: further than this is of no use."""

    n: int
    far: float = np.inf
    found: list[tuple[IntArray, FloatArray, IntArray]] = field(default_factory=list)
    n_found: int = 0

    def add(self, rows: IntArray, distance: FloatArray, variant: IntArray) -> None:
        keep = np.flatnonzero(distance < self.far)
        if len(keep):
            self.found.append((rows[keep], distance[keep], variant[keep]))
            self.n_found += len(keep)
            if self.n_found > _KEPT * self.n or (self.n_found > self.n and self.far == np.inf):
                self._choose()

    def _choose(self) -> None:
        rows, distance, variant = (np.concatenate(each) for each in zip(*self.found, strict=True))
        chosen = np.argpartition(distance, self.n)[: self.n]
        self.found = [(rows[chosen], distance[chosen], variant[chosen])]
        self.n_found = self.n
        self.far = float(distance[chosen].max())


def nearest(own: Columns, wanted: Wanted, n: int, passes: BoolArray | None = None) -> Near:
    """The n windows that are nearest, each with its nearest variant.

    Args:
        passes: (C,) which contents may be there; None for all.
    """
    chunks = [slice(start, min(start + CHUNK, own.n_windows)) for start in range(0, own.n_windows, CHUNK)]
    n_threads = N_THREADS if len(chunks) >= THREADS_FROM else 1
    kept = [_Nearest(n) for _ in range(n_threads)]

    def work(thread: int) -> None:
        for chunk in chunks[thread::n_threads]:
            _compare(own, wanted, chunk, passes, kept[thread])

    if n_threads == 1:
        work(0)
    else:
        with ThreadPoolExecutor(n_threads) as pool:
            list(pool.map(work, range(n_threads)))
    found = [each for one in kept for each in one.found]
    if not found:
        return Near(np.zeros(0, np.int64), np.zeros(0), np.zeros(0, np.int64))
    rows, distance, variant = (np.concatenate(each) for each in zip(*found, strict=True))
    order = np.lexsort((rows, distance))[:n]  # by rows, too: whichever thread was first
    return Near(rows[order], distance[order], variant[order])


def _compare(own: Columns, wanted: Wanted, chunk: slice, passes: BoolArray | None, kept: _Nearest) -> None:
    at = None if passes is None else np.flatnonzero(passes.take(own.content[chunk]))
    if at is not None and not len(at):
        return
    words, groups = _taken(own.words[:, chunk], at), list(_groups(wanted))
    counts = own.counts[:, chunk]
    if groups or wanted.mask is not None:
        counts = _taken(counts, at)
    n_hits = _taken(own.n_hits[None, chunk], at)[0] if wanted.mask is None else hits_of(counts, wanted.voices)
    distance = share_apart(words, n_hits, wanted.patterns[0], wanted.mask)
    variant = np.zeros(len(distance), np.int64)
    for group in groups:
        _vary(wanted, group, (words, counts, n_hits), distance, variant, kept.far)
    rows = (np.arange(len(distance)) if at is None else at) + chunk.start
    kept.add(rows, distance, variant)


def _taken(array: np.ndarray[Any, Any], at: IntArray | None) -> Any:
    return array if at is None else np.stack([row.take(at) for row in array])


def _groups(wanted: Wanted) -> Iterator[list[int]]:
    """Variants behind the first whose drums are hit equally often."""
    counts = [voices.tobytes() for voices in counts_of(wanted.patterns.T).T]
    for key in dict.fromkeys(counts[1:]):
        yield [i for i, own in enumerate(counts) if i and own == key]


def _vary(
    wanted: Wanted,
    group: Sequence[int],
    windows: tuple[Words, np.ndarray[Any, Any], IntArray],
    distance: FloatArray,
    variant: IntArray,
    far: float,
) -> None:
    """Put into distance and variant what is nearer to one of a group of variants."""
    words, counts, n_hits = windows
    within = min(WITHIN, far - min(wanted.costs[i] for i in group))
    if within <= 0:
        return
    own = counts_of(wanted.patterns[group[0]][:, None])[:, 0]
    least = np.zeros(len(n_hits), np.uint16)  # cells that differ
    for first in range(0, len(wanted.voices), 7):
        cells = np.zeros(len(n_hits), np.uint8)  # holds 7 * WINDOW_STEPS
        for voice in wanted.voices[first : first + 7]:
            cells += np.maximum(counts[voice], own[voice]) - np.minimum(counts[voice], own[voice])
        least += cells
    # Of n and m hits d that differ are the share 2 d / (n + m + d), which is at most `within` for these.
    most = np.uint16(np.ceil(_PART * within / (2 - within)))
    n = np.uint16(own[list(wanted.voices)].sum())
    at = np.flatnonzero(least * np.uint16(_PART) <= (n_hits + n) * most)
    if not len(at):
        return
    words, n_hits = _taken(words, at), n_hits.take(at)
    if wanted.mask is not None:
        words &= wanted.mask[:, None]
    best, which = distance.take(at), variant.take(at)
    for i in group:
        apart = share_apart(words, n_hits, wanted.patterns[i]) + np.float32(wanted.costs[i])
        which[apart < best] = i
        np.minimum(best, apart, out=best)
    distance[at], variant[at] = best, which


def share_apart(
    words: Words, n_hits: IntArray, pattern: np.ndarray[Any, Any], mask: np.ndarray[Any, Any] | None = None
) -> FloatArray:
    """(R,) of patterns (N_WORDS, R) with so many hits: the share of cells that only one hits, of those that one hits.

    Where neither hits any it is 1: what plays nothing of the voices that count is like nothing.

    Args:
        mask: (N_WORDS,) the cells that count; n_hits and the pattern have no others.
    """
    apart = words ^ pattern[:, None]
    if mask is not None:
        apart &= mask[:, None]
    differing = np.add.reduce(np.bitwise_count(apart), 0, dtype=np.uint16)
    n = np.uint16(np.bitwise_count(pattern).sum())
    in_either = (n_hits + differing + n) >> 1
    found: FloatArray = differing / np.maximum(in_either, 1, dtype=np.float32)
    if not n:
        found[in_either == 0] = 1.0
    return found


def hits_of(counts: np.ndarray[Any, Any], voices: Sequence[int]) -> IntArray:
    """(R,) uint16, hits of some voices by those of each, (V, R)."""
    found = np.zeros(counts.shape[1], np.uint16)
    for voice in voices:
        found += counts[voice]
    return found


def counts_of(words: Words) -> np.ndarray[Any, Any]:
    """(V, R) uint8, how often each voice is hit in patterns (N_WORDS, R)."""
    rows = np.ascontiguousarray(words.T).view(np.uint8)[:, :N_BYTES]
    cells = np.unpackbits(rows, axis=1).reshape(len(rows), WINDOW_STEPS, N_VOICES)
    return np.ascontiguousarray(cells.sum(1, dtype=np.uint8).T)
