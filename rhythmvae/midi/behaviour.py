"""What the notes of a drum part do, and how well each voice does the same.

A kick is low in rate and on the beat, hats are many and even, a crash is rare and on one. Each note is described
by a few bounded numbers (`TRAITS`), each falls into a bin, and a table has the evidence of every bin for every
voice. The table is `behaviour.json`, fitted to the training takes of the Groove MIDI Dataset by
`python -m benchmarks.drum_behaviour DATA`; nothing in it is set by hand.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from rhythmvae.groove import STEPS_PER_QUARTER, FloatArray, IntArray

TABLE = Path(__file__).with_name("behaviour.json")

# A number of each note to the edges of its bins.
TRAITS: dict[str, tuple[float, ...]] = {
    "hits a bar, log2": (-3, -2, -1, 0, 0.6, 1, 1.5, 2, 2.5, 3, 3.5),
    "share of all hits": (0.01, 0.02, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5, 0.6),
    "rank by hits": (0.5, 1.5, 2.5, 3.5, 4.5, 6.5),
    "on one": (0.01, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.6, 0.9),
    "on the half bar": (0.01, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.6, 0.9),
    "on other quarters": (0.01, 0.05, 0.1, 0.2, 0.3, 0.45, 0.6, 0.8, 0.95),
    "on off-eighths": (0.01, 0.1, 0.2, 0.3, 0.45, 0.6, 0.8),
    "between the eighths": (0.01, 0.1, 0.2, 0.3, 0.45, 0.6, 0.8),
    "velocity against the others": (-1.2, -0.8, -0.5, -0.25, -0.05, 0.05, 0.25, 0.5, 0.8, 1.2),
    "spread of velocity": (0.05, 0.2, 0.5, 0.8, 1.1),
    "share of the usual gap": (0.2, 0.35, 0.5, 0.65, 0.8, 0.95),
    "usual gap in steps": (1.5, 2.5, 3.5, 4.5, 6.5, 8.5, 12.5, 16.5, 32.5),
    "share of gaps of a step": (0.01, 0.1, 0.25, 0.5),
    "share of bars with it": (0.1, 0.2, 0.35, 0.5, 0.7, 0.85, 0.97),
    "share of hits with others": (0.05, 0.2, 0.35, 0.5, 0.65, 0.8, 0.95),
    "on one of every fourth bar": (0.02, 0.06, 0.12, 0.25, 0.5, 0.8),
}
MAX_GAP = 64  # steps
SOFT_VELOCITIES = 4.0  # a spread below it is a machine's
_EDGES = [np.array(edges) for edges in TRAITS.values()]
_OFFSETS = np.cumsum([0, *(len(edges) + 1 for edges in _EDGES)])
N_BINS = int(_OFFSETS[-1])


@dataclass(frozen=True)
class Behaviour:
    """What M notes do.

    notes, counts: (M,). bins: (M, traits) rows of the table.
    """

    notes: IntArray
    counts: IntArray
    bins: IntArray


def behaviour_of(pitch: IntArray, position: FloatArray, velocity: IntArray, steps_per_bar: float) -> Behaviour:
    """Behaviour of each pitch among the notes (N,) of a part, in the order of pitches; position in steps."""
    order = np.lexsort((position, pitch))
    pitch, position = pitch[order], position[order]
    is_first = np.ones(len(pitch), dtype=bool)
    is_first[1:] = pitch[1:] != pitch[:-1]
    note = np.cumsum(is_first) - 1
    notes = pitch[is_first]
    counts = np.bincount(note)
    cell = np.floor(position + 0.5).astype(np.int64)
    bar = (cell // steps_per_bar).astype(np.int64)
    in_bar = cell % steps_per_bar
    is_fourth = (in_bar < 0.5) & ((bar - bar.min()) % 4 == 0)
    bars, bar = np.unique(bar, return_inverse=True)  # those in use: a file may have a hit in its millionth bar
    traits = np.column_stack(
        [
            *_amounts(counts, len(bars)),
            _places(note, counts, in_bar, steps_per_bar),
            *_velocities(note, counts, velocity[order].astype(np.float64)),
            *_gaps(note, position, len(notes)),
            np.bincount(np.unique(note * len(bars) + bar) // len(bars)) / len(bars),
            _company(note, counts, cell),
            np.bincount(note, is_fourth) / counts,
        ]
    )
    bins = np.column_stack([np.searchsorted(edges, traits[:, i]) for i, edges in enumerate(_EDGES)]) + _OFFSETS[:-1]
    return Behaviour(notes, counts, bins)


def _amounts(counts: IntArray, n_bars: int) -> tuple[FloatArray, FloatArray, FloatArray]:
    rank = np.empty(len(counts))
    rank[np.argsort(-counts, kind="stable")] = np.arange(len(counts))
    return np.log2(counts / n_bars), counts / counts.sum(), rank


def _places(note: IntArray, counts: IntArray, in_bar: FloatArray, steps_per_bar: float) -> FloatArray:
    kinds = [in_bar < 0.5, np.abs(in_bar - steps_per_bar / 2) < 0.5, in_bar % STEPS_PER_QUARTER < 0.5, in_bar % 2 < 0.5]
    place = np.select(kinds, [0, 1, 2, 3], 4)
    shares: FloatArray = np.bincount(note * 5 + place, minlength=5 * len(counts)).reshape(-1, 5) / counts[:, None]
    return shares


def _velocities(note: IntArray, counts: IntArray, velocity: FloatArray) -> tuple[FloatArray, FloatArray]:
    scale = max(float(velocity.std()), SOFT_VELOCITIES)
    mean = np.bincount(note, velocity) / counts
    spread = np.sqrt(np.maximum(np.bincount(note, velocity**2) / counts - mean**2, 0.0))
    return (mean - velocity.mean()) / scale, spread / scale


def _company(note: IntArray, counts: IntArray, cell: IntArray) -> FloatArray:
    """Share of a note's hits with another hit in the same step."""
    _, used, n = np.unique(cell, return_inverse=True, return_counts=True)
    share: FloatArray = np.bincount(note, n[used] > 1, minlength=len(counts)) / counts
    return share


def _gaps(note: IntArray, position: FloatArray, n_notes: int) -> tuple[FloatArray, FloatArray, FloatArray]:
    is_same = note[1:] == note[:-1]
    gap = np.rint(np.minimum(np.diff(position)[is_same], MAX_GAP)).astype(np.int64)
    of = np.bincount(note[1:][is_same] * (MAX_GAP + 1) + gap, minlength=n_notes * (MAX_GAP + 1))
    of = of.reshape(n_notes, MAX_GAP + 1)
    n = of.sum(axis=1)
    usual = np.where(n > 0, of.argmax(axis=1), MAX_GAP)
    return of.max(axis=1) / np.maximum(n, 1), usual, of[:, :2].sum(axis=1) / np.maximum(n, 1)


def _coverage(note: IntArray, bar: IntArray, n_notes: int) -> FloatArray:
    n_bars = int(bar.max()) + 1
    has = np.bincount(note * n_bars + bar, minlength=n_notes * n_bars).reshape(n_notes, n_bars) > 0
    share: FloatArray = has.sum(axis=1) / has.any(axis=0).sum()
    return share


@cache
def _table() -> FloatArray:
    """(1 + N_BINS, V): the log-share of each voice, then the evidence of each bin for it."""
    return np.array(json.loads(TABLE.read_text("utf-8"))) / 100.0


def evidence(behaviour: Behaviour) -> FloatArray:
    """Log-likelihood ratio (M, V) of each voice against any, by what the notes do."""
    score = _table()[1 + behaviour.bins].sum(axis=1)
    score -= score.max(axis=1, keepdims=True)
    ratio: FloatArray = score - np.log(np.exp(score).mean(axis=1, keepdims=True))
    return ratio


def commonness() -> FloatArray:
    """Log-share (V,) of each voice among the notes that a kit plays."""
    share: FloatArray = _table()[0]
    return share
