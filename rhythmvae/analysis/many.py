"""The hits of many grooves in one row, so that a rule is worked out for all of them in one pass of numpy.

A loop has some twenty hits: numpy's calls take longer than its sums. Conventions: G grooves, H hits of all of them, in
the grooves' order and each groove's own; V voices. A *drum* is a voice of one groove, groove * V + voice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cached_property
from itertools import pairwise
from typing import Any, TypeVar

import numpy as np

from rhythmvae.groove import FloatArray, Groove, IntArray, nearest_step
from rhythmvae.kit import N_VOICES

T = TypeVar("T")
MOST_GROOVES, MOST_CELLS = 256, 16_384  # worked out together; of hits and steps: few enough for a processor's cache


class Many:
    """G grooves and their hits. Arrays are (H,) unless they say otherwise."""

    def __init__(self, grooves: Sequence[Groove]) -> None:
        self.grooves = grooves
        self.n = len(grooves)
        self.n_hits: IntArray = np.array([len(groove) for groove in grooves], np.int64)  # (G,)
        self.edges = np.concatenate(([0], np.cumsum(self.n_hits))).tolist()  # (G + 1,)
        self.groove = np.repeat(np.arange(self.n), self.n_hits)
        self.position: FloatArray = joined([groove.position for groove in grooves])
        self.voice: IntArray = joined([groove.voice for groove in grooves])
        self.velocity: IntArray = joined([groove.velocity for groove in grooves])

    @cached_property
    def drum(self) -> IntArray:
        return np.asarray(self.groove * N_VOICES + self.voice)

    @cached_property
    def index(self) -> IntArray:
        """The number of each hit in its groove, from 0."""
        return np.asarray(np.arange(len(self.voice)) - np.array(self.edges)[self.groove])

    @cached_property
    def loop_position(self) -> FloatArray:
        """As `Groove.loop_position`."""
        n_steps: IntArray = self.each(lambda groove: groove.n_steps)
        is_pushed = nearest_step(self.position) == n_steps
        return np.asarray(np.where(is_pushed, self.position - n_steps, self.position))

    @cached_property
    def step(self) -> IntArray:
        """As `Groove.step`."""
        return np.asarray(nearest_step(self.position) % self.each(lambda groove: groove.n_steps))

    @cached_property
    def seconds(self) -> FloatArray:
        """Onsets from each groove's step 0."""
        found: FloatArray = self.position * self.each(lambda groove: groove.tempos[0].seconds_per_step)
        for i, groove in enumerate(self.grooves):
            if len(groove.tempos) > 1:
                found[self.edges[i] : self.edges[i + 1]] = groove.onset_seconds
        return found

    @cached_property
    def first_step(self) -> IntArray:
        """(G + 1,) where each groove's steps begin when all stand in one row; the last entry is their number."""
        return np.concatenate(([0], np.cumsum([groove.n_steps for groove in self.grooves])))

    @cached_property
    def first_line(self) -> IntArray:
        """(G,) where each groove's bar lines begin in `lines`."""
        n_lines = np.array([len(groove.bar_lines) for groove in self.grooves], np.int64)
        return np.asarray(np.cumsum(n_lines) - n_lines)

    @cached_property
    def lines(self) -> FloatArray:
        """The bar lines of all grooves, in steps of each, one groove's behind another's."""
        lines: FloatArray = joined([groove.bar_lines for groove in self.grooves])
        return lines

    def bar_at(self, position: FloatArray) -> IntArray:
        """The bar of its groove, from 0, that a position (H,) in steps lies in; before the first line the first."""
        bar = np.zeros(len(position), np.int64)
        for i, groove in enumerate(self.grooves):
            if groove.n_bars > 1:
                own = slice(self.edges[i], self.edges[i + 1])
                found = np.searchsorted(groove.bar_lines, position[own], side="right") - 1
                bar[own] = np.clip(found, 0, groove.n_bars - 1)
        return bar

    def each(self, value: Callable[[Groove], Any]) -> Any:
        """(H,) a value of its groove for each hit."""
        return np.repeat(np.array([value(groove) for groove in self.grooves]), self.n_hits)

    def count(self, chosen: IntArray | np.ndarray[Any, np.dtype[np.bool_]]) -> IntArray:
        """(G,) how many hits of each groove are chosen, by a mask or by their numbers."""
        return np.bincount(self.groove[chosen], minlength=self.n)

    def parts(self, values: Any) -> list[Any]:
        """Values (H,) as an array for each groove."""
        return [values[start:stop] for start, stop in pairwise(self.edges)]


def joined(arrays: Sequence[Any]) -> Any:
    """Arrays behind one another; none give an empty one."""
    return np.concatenate(arrays) if arrays else np.zeros(0)


def in_batches(items: Iterable[T], groove_of: Callable[[T], Groove]) -> Iterator[list[T]]:
    """Items in batches of up to MOST_GROOVES, whose grooves have MOST_CELLS hits and steps together, or of one item."""
    batch: list[T] = []
    n_cells = 0
    for item in items:
        groove = groove_of(item)
        own = len(groove) + groove.n_steps
        if batch and (len(batch) == MOST_GROOVES or n_cells + own > MOST_CELLS):
            yield batch
            batch, n_cells = [], 0
        batch.append(item)
        n_cells += own
    if batch:
        yield batch
