"""How well parts of grooves are completed, each job beside its floor.

The jobs, on takes that were not learned from:

- *humanize*: of each take the loudest stroke of a drum in a 16th, its velocity and timing taken away; the one answer of
  least error against what was played. Floors: the grid itself; the median velocity of the drum at its place in the bar.
- *next bar*: two bars are given, the one answer for the third against what was played, by drum and nearest 16th.
  Floor: the bar before once more.
- *taps*: two bars of 4/4 as one lane, timing and velocity kept; drums by drum and 16th against what was played.
  Floors: silence; the drums of the training window whose taps are nearest.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from rhythmvae.groove import WINDOW_STEPS, BoolArray, FloatArray, Groove, IntArray
from rhythmvae.kit import N_VOICES
from rhythmvae.model import verbs
from rhythmvae.model.completing import Completer

MAX_BARS_PER_TAKE = 12
STEPS_PER_BAR = 16


@dataclass(frozen=True)
class Job:
    """A figure beside its floor."""

    name: str
    unit: str
    value: float
    floor: float
    of: int  # hits, bars or windows


def evaluate(completer: Completer, takes: Sequence[Groove], train: Sequence[Groove]) -> list[Job]:
    """The figures of all jobs, on `takes`, with floors that are fitted on `train`."""
    return [*humanize(completer, takes, train), *next_bar(completer, takes), *taps(completer, takes, train)]


# -- humanize ------------------------------------------------------------------


def humanize(completer: Completer, takes: Sequence[Groove], train: Sequence[Groove]) -> list[Job]:
    """Timing in ms and velocity of 127, mean absolute errors, and the correlation of velocities."""
    played = [one_a_cell(groove) for groove in takes]
    made = [verbs.humanized(completer, groove, temperature=0.0) for groove in played]
    timing, grid, loud, true, usual = [], [], [], [], []
    medians = Medians.of([one_a_cell(groove) for groove in train])
    for own, new in zip(played, made, strict=True):
        order, answer = _by_cell(own), _by_cell(new)
        milliseconds = 1000 * np.array([own.tempo_at(step).seconds_per_step for step in own.step[order].tolist()])
        timing.append(np.abs(own.loop_position[order] - new.loop_position[answer]) * milliseconds)
        grid.append(np.abs(own.offset[order]) * milliseconds)
        true.append(own.velocity[order])
        loud.append(new.velocity[answer])
        usual.append(medians.velocity(own)[order])
    true_velocity, velocity, median = (np.concatenate(each).astype(np.float64) for each in (true, loud, usual))
    n = len(true_velocity)
    return [
        Job("humanize: timing", "ms", float(np.concatenate(timing).mean()), float(np.concatenate(grid).mean()), n),
        Job("humanize: velocity", "of 127", _error(true_velocity, velocity), _error(true_velocity, median), n),
        Job("humanize: velocity", "correlation", _like(true_velocity, velocity), _like(true_velocity, median), n),
    ]


def one_a_cell(groove: Groove) -> Groove:
    """A groove with the loudest stroke of each drum in each 16th."""
    cell = groove.step * N_VOICES + groove.voice
    loudest_first = np.lexsort((groove.position, -groove.velocity, cell))
    kept = loudest_first[np.diff(cell[loudest_first], prepend=-1) != 0]
    return groove.with_hits(groove.position[kept], groove.voice[kept], groove.velocity[kept])


def _by_cell(groove: Groove) -> IntArray:
    return np.asarray(np.lexsort((groove.position, groove.step * N_VOICES + groove.voice)))


def _error(a: FloatArray, b: FloatArray) -> float:
    return float(np.abs(a - b).mean())


def _like(a: FloatArray, b: FloatArray) -> float:
    return float(np.corrcoef(a, b)[0, 1])


@dataclass(frozen=True, eq=False)
class Medians:
    """The median velocity of each drum at each 16th of a bar, (T, V)."""

    table: FloatArray

    @classmethod
    def of(cls, grooves: Iterable[Groove]) -> Medians:
        """Of grooves; what was never played has the median of its drum."""
        own = list(grooves)
        place = np.concatenate([_place(groove) for groove in own])
        voice, velocity = (np.concatenate([getattr(g, name) for g in own]) for name in ("voice", "velocity"))
        table = np.full((STEPS_PER_BAR, N_VOICES), float(np.median(velocity)))
        for drum in range(N_VOICES):
            of_drum = voice == drum
            if of_drum.any():
                table[:, drum] = np.median(velocity[of_drum])
            for step in np.unique(place[of_drum]).tolist():
                table[step, drum] = np.median(velocity[of_drum & (place == step)])
        return cls(table)

    def velocity(self, groove: Groove) -> FloatArray:
        """(N,) of a groove's hits."""
        return np.asarray(self.table[_place(groove), groove.voice])


def _place(groove: Groove) -> IntArray:
    """(N,) the 16th of each hit's bar, the first STEPS_PER_BAR over again where a bar is longer."""
    lines = np.rint(groove.bar_lines[:-1]).astype(np.int64)
    bar = np.searchsorted(lines, groove.step, side="right") - 1
    return np.asarray((groove.step - lines[bar]) % STEPS_PER_BAR)


# -- next bar ------------------------------------------------------------------


def next_bar(completer: Completer, takes: Sequence[Groove]) -> list[Job]:
    """F1 of the third bar by drum and nearest 16th, given two."""
    found, copied = [], []
    for three in _thirds(takes):
        own, before = cells(three.bars(3, 3)), cells(three.bars(2, 2))
        made = verbs.continued(completer, three.bars(1, 2), 1, only_new=True, temperature=0.0)
        found.append(_counts(own, cells(made)))
        copied.append(_counts(own, before))
    return [Job("next bar", "F1", _f1(found), _f1(copied), len(found))]


def _thirds(takes: Sequence[Groove]) -> Iterator[Groove]:
    """Three bars of 4/4 in a row, the third with hits, evenly from all over each take."""
    for groove in takes:
        n = groove.n_bars - 2
        if n < 1 or {str(meter) for meter in groove.meters} != {"4/4"}:
            continue
        for bar in np.unique(np.linspace(1, n, min(n, MAX_BARS_PER_TAKE)).astype(int)).tolist():
            three = groove.bars(bar, bar + 2)
            if three.n_steps == 3 * STEPS_PER_BAR and len(three.bars(3, 3)):
                yield three


def cells(groove: Groove) -> BoolArray:
    """(T, V), where there are hits."""
    table = np.zeros((groove.n_steps, N_VOICES), dtype=bool)
    table[groove.step, groove.voice] = True
    return table


def _counts(true: BoolArray, found: BoolArray) -> tuple[int, int, int]:
    return int((true & found).sum()), int(true.sum()), int(found.sum())


def _f1(counts: Sequence[tuple[int, int, int]]) -> float:
    right, true, found = np.sum(counts, axis=0).tolist()
    return float(2 * right / max(true + found, 1))


# -- taps ----------------------------------------------------------------------


def taps(completer: Completer, takes: Sequence[Groove], train: Sequence[Groove]) -> list[Job]:
    """Cells that are right, of all and as F1, given the rhythm of two bars."""
    known = list(_pairs(train))
    rhythm = np.stack([cells(window).any(1) for window in known]).astype(np.float32)
    drums = [cells(window) for window in known]
    found, nearest, right, silent = [], [], [], []
    for window in _pairs(takes):
        own = cells(window)
        made = cells(verbs.tapped(completer, flattened(window), temperature=0.0))
        like = drums[int(np.abs(rhythm - own.any(1)).sum(1).argmin())]
        found.append(_counts(own, made))
        nearest.append(_counts(own, like))
        right.append((own == made).mean())
        silent.append(1 - own.mean())
    return [
        Job("taps", "cells right", float(np.mean(right)), float(np.mean(silent)), len(found)),
        Job("taps", "F1", _f1(found), _f1(nearest), len(found)),
    ]


def flattened(groove: Groove) -> Groove:
    """All strokes of a groove as one drum's, of those in one 16th the loudest."""
    one = groove.with_hits(groove.position, np.zeros_like(groove.voice), groove.velocity)
    return one_a_cell(one)


def _pairs(takes: Sequence[Groove]) -> Iterator[Groove]:
    """Two bars of 4/4 with hits, at most MAX_BARS_PER_TAKE of each take."""
    for groove in takes:
        if {str(meter) for meter in groove.meters} != {"4/4"} or groove.n_bars < 2:
            continue
        bars = range(1, groove.n_bars, 2)
        chosen = np.unique(np.linspace(0, len(bars) - 1, min(len(bars), MAX_BARS_PER_TAKE)).astype(int)).tolist()
        for index in chosen:
            window = groove.bars(bars[index], bars[index] + 1)
            if window.n_steps == WINDOW_STEPS and len(window):
                yield window
