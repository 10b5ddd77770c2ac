"""Grooves and bars as rows of numbers for a classifier, many at once: where each drum plays, how loud, how late.

Nothing here says how long a groove is, so that a loop and the take that it is cut from have about the same numbers.
Conventions: G grooves, H hits of all of them, B bars of all of them, V voices, S = N_SLOTS places in a bar. A hit's
*slot* is the place in its bar where its line is written, as one of S even parts; a hit stands in the slot that its
line begins or lies in.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np

from rhythmvae.analysis.descriptors import IS_TIMEKEEPER
from rhythmvae.analysis.elements import ACCENT, CLASSES, GHOST, ORNAMENTS, Elements, elements
from rhythmvae.analysis.timing import Timing, timing
from rhythmvae.groove import MAX_VELOCITY, STEPS_PER_QUARTER, BoolArray, FloatArray, Groove, IntArray, Meter, Tempo
from rhythmvae.kit import GROUPS, N_VOICES, VOICE_INDEX

N_SLOTS = 16
N_PHASES = 12  # parts of a pulse: 16ths and triplets are both whole ones
KINDS = (3, 4, 6, 8, 12)  # lines of a pulse that timing() gives
USUAL_BPM = 110.0
GROUP_OF = np.array([next(i for i, keys in enumerate(GROUPS.values()) if key in keys) for key in VOICE_INDEX])
N_GROUPS = len(GROUPS)
N_CELLS = N_SLOTS * N_VOICES


@dataclass(frozen=True, eq=False)
class Hits:
    """The hits of G grooves in one row (H,): of each its groove, its bar among all (B), and what it is.

    velocity is 0 to 1, late in quarter notes. Of the grooves (G,): quarters, bpm, n_bars, swing (G, 3), is_compound;
    of the bars (B,) their groove.
    """

    groove: IntArray
    bar: IntArray
    voice: IntArray
    velocity: FloatArray
    slot: IntArray
    phase: IntArray
    kind: IntArray
    late: FloatArray
    level: IntArray
    ornament: IntArray
    quarters: FloatArray
    bpm: FloatArray
    n_bars: IntArray
    swing: FloatArray
    is_compound: FloatArray

    @property
    def n_hits(self) -> IntArray:
        return np.bincount(self.groove, minlength=len(self.n_bars))

    @property
    def groove_of_bar(self) -> IntArray:
        return np.repeat(np.arange(len(self.n_bars)), self.n_bars)


def gathered(seen: Sequence[tuple[Timing, Elements]]) -> Hits:
    """The hits of grooves whose grid and elements are known."""
    grooves = [on_grid.groove for on_grid, _ in seen]
    n_hits = [len(groove) for groove in grooves]
    n_bars = np.array([groove.n_bars for groove in grooves], np.int64)
    first_bar = np.repeat(np.cumsum(n_bars) - n_bars, n_hits)
    bar_steps = np.concatenate([np.diff(on_grid.groove.bar_lines)[on_grid.bar] for on_grid, _ in seen])
    pulse = _joined(seen, "pulse_steps")
    return Hits(
        groove=np.repeat(np.arange(len(grooves)), n_hits),
        bar=first_bar + np.concatenate([on_grid.bar for on_grid, _ in seen]),
        voice=np.concatenate([groove.voice for groove in grooves]),
        velocity=np.concatenate([groove.velocity for groove in grooves]) / MAX_VELOCITY,
        slot=np.clip(np.floor(_joined(seen, "nominal") / bar_steps * N_SLOTS + 0.25).astype(np.int64), 0, N_SLOTS - 1),
        phase=np.mod(np.rint(_joined(seen, "phase") * N_PHASES).astype(np.int64), N_PHASES),
        kind=np.searchsorted(KINDS, _joined(seen, "kind")),
        late=np.clip(_joined(seen, "deviation") / pulse, -0.25, 0.25) * STEPS_PER_QUARTER,
        level=np.concatenate([found.level for _, found in seen]),
        ornament=np.concatenate([found.ornament for _, found in seen]),
        quarters=np.array([groove.n_steps / STEPS_PER_QUARTER for groove in grooves]),
        bpm=np.array([groove.tempos[0].bpm for groove in grooves]),
        n_bars=n_bars,
        swing=np.array([_swing(on_grid) for on_grid, _ in seen]),
        is_compound=np.array([float(groove.meters[0].is_compound) for groove in grooves]),
    )


def _joined(seen: Sequence[tuple[Timing, Elements]], name: str) -> FloatArray:
    return np.concatenate([getattr(on_grid, name) for on_grid, _ in seen])


def _swing(on_grid: Timing) -> tuple[float, float, float]:
    return (on_grid.share or 0.5) - 0.5, float(on_grid.swing_steps == 1), float(on_grid.is_swung)


# -- of grooves ----------------------------------------------------------------


def of_grooves(hits: Hits) -> FloatArray:
    """(G, F) numbers of each groove."""
    n = len(hits.quarters)
    count = _summed(hits.groove, n, hits.voice, N_VOICES)
    n_hits = np.maximum(count.sum(1, keepdims=True), 1)
    by_group = _summed(hits.groove, n, hits.phase * N_GROUPS + GROUP_OF[hits.voice], N_PHASES * N_GROUPS)
    by_group = by_group.reshape(n, N_PHASES, N_GROUPS)
    cell = hits.slot * N_VOICES + hits.voice
    n_bars = np.maximum(hits.n_bars, 1)[:, None]
    columns = [
        np.log2(hits.bpm / USUAL_BPM)[:, None],
        hits.is_compound[:, None],
        hits.swing,
        np.sqrt(count / hits.quarters[:, None]),
        count / n_hits,
        *_levels(hits, n, count),
        np.minimum(_summed(hits.groove, n, cell, N_CELLS) / n_bars, 1.5),
        np.minimum(_summed(hits.groove, n, cell, N_CELLS, hits.velocity) / n_bars, 1.5),
        (by_group / np.maximum(by_group.sum(1, keepdims=True), 1)).reshape(n, -1),
        _summed(hits.groove, n, hits.kind, len(KINDS)) / n_hits,
        _summed(hits.groove, n, hits.ornament, len(ORNAMENTS)) / n_hits,
        *_likeness(hits, n, cell),
    ]
    return np.concatenate(columns, axis=1).astype(np.float32)


def _levels(hits: Hits, n: int, count: FloatArray) -> list[FloatArray]:
    """(G, V) each: mean and spread of velocity, share of ghosts and of accents, mean and spread of lateness."""
    n_own = np.maximum(count, 1)
    means = []
    for values in (hits.velocity, hits.late):
        mean = _summed(hits.groove, n, hits.voice, N_VOICES, values) / n_own
        square = _summed(hits.groove, n, hits.voice, N_VOICES, values**2) / n_own
        means += [mean, np.sqrt(np.maximum(square - mean**2, 0.0))]
    levels = [_summed(hits.groove, n, hits.voice, N_VOICES, hits.level == level) / n_own for level in (GHOST, ACCENT)]
    return [*means, *levels]


def _likeness(hits: Hits, n: int, cell: IntArray) -> list[FloatArray]:
    """How alike a groove's bars are, 0 to 1 (G, 1), and how often groups of drums sound together, pairs (G, P)."""
    n_bars = np.maximum(hits.n_bars, 1)
    in_bars = np.unique(hits.bar * N_CELLS + cell)
    bar, own = np.divmod(in_bars, N_CELLS)
    groove = hits.groove_of_bar[bar]
    n_in_bars = np.bincount(groove, minlength=n)
    n_distinct = np.bincount(np.unique(groove * N_CELLS + own) // N_CELLS, minlength=n)
    alike = n_in_bars / np.maximum(n_distinct * n_bars, 1)
    place, place_of = np.unique(bar * N_SLOTS + own // N_VOICES, return_inverse=True)
    sounding = np.zeros((len(place), N_GROUPS))
    sounding[place_of, GROUP_OF[own % N_VOICES]] = 1.0
    first, second = np.triu_indices(N_GROUPS, 1)
    of_place = hits.groove_of_bar[place // N_SLOTS]
    together = np.stack(
        [np.bincount(of_place, sounding[:, i] * sounding[:, j], n) for i, j in zip(first, second, strict=True)], axis=1
    )
    return [alike[:, None], together / (n_bars * N_SLOTS)[:, None]]


# -- of bars -------------------------------------------------------------------


def of_bars(hits: Hits) -> FloatArray:
    """(B, F) numbers of each bar by itself."""
    n = int(hits.n_bars.sum())
    cell = hits.slot * N_VOICES + hits.voice
    count = _summed(hits.bar, n, hits.voice, N_VOICES)
    n_hits = np.maximum(count.sum(1, keepdims=True), 1)
    groove = hits.groove_of_bar
    quarters = (hits.quarters / np.maximum(hits.n_bars, 1))[groove][:, None]
    quarter_of_bar = hits.slot // 4
    halves = _summed(hits.bar, n, hits.slot // 8 * N_GROUPS + GROUP_OF[hits.voice], 2 * N_GROUPS)
    kept = _summed(hits.bar, n, quarter_of_bar, 4, IS_TIMEKEEPER[hits.voice])
    columns = [
        np.log2(hits.bpm / USUAL_BPM)[groove][:, None],
        count / quarters,
        count / n_hits,
        (count > 0).sum(1, keepdims=True),
        halves / quarters,
        kept,
        (kept > 0).sum(1, keepdims=True),
        _summed(hits.bar, n, quarter_of_bar, 4) / quarters,
        _summed(hits.bar, n, hits.kind, len(KINDS)) / n_hits,
        _summed(hits.bar, n, hits.ornament, len(ORNAMENTS)) / n_hits,
        _summed(hits.bar, n, hits.level, len(CLASSES)) / n_hits,
        _summed(hits.bar, n, hits.voice, N_VOICES, hits.velocity) / np.maximum(count, 1),
        np.minimum(_summed(hits.bar, n, cell, N_CELLS), 2.0),
        np.minimum(_summed(hits.bar, n, cell, N_CELLS, hits.velocity), 2.0),
    ]
    return np.concatenate(columns, axis=1).astype(np.float32)


@cache
def n_of_grooves() -> int:
    """How many numbers `of_grooves` gives."""
    return int(of_grooves(_silence()).shape[1])


@cache
def n_of_bars() -> int:
    """How many numbers `of_bars` gives."""
    return int(of_bars(_silence()).shape[1])


def _silence() -> Hits:
    groove = Groove.silent(N_SLOTS, (Tempo(0.0, USUAL_BPM),), (Meter(0.0, 4, 4),))
    return gathered([(timing(groove), elements(groove))])


def _summed(
    row: IntArray, n_rows: int, column: IntArray, n_columns: int, weight: FloatArray | BoolArray | None = None
) -> FloatArray:
    """(n_rows, n_columns) how many hits, or what of them, there are in each cell."""
    sums = np.bincount(row * n_columns + column, weight, n_rows * n_columns)
    return np.asarray(sums.reshape(n_rows, n_columns), np.float64)
