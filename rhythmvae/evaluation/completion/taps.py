"""Taps: two bars of 4/4 flattened to one lane, timing and velocity kept (`tap`), up to MAX_WINDOWS windows of a take.

Of the strokes of a 16th the loudest is the tap.

Rhythm kept: the share of taps that have a hit of some drum within 10 ms, of the one answer. Cells right of 32 x 9, and
F1, of the one answer (`--temperature 0`) against what was played, by drum and 16th. Floors: silence; the drums of the
training window whose taps are nearest, by 16ths.

Two-sample accuracy of drawn drums: of each take every second window is tapped, the others are left as played; the rest
as for new bars.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from rhythmvae.evaluation.completion.humanize import one_a_cell
from rhythmvae.evaluation.completion.jobs import (
    DRAWS,
    MAX_PER_TAKE,
    Figure,
    Fold,
    Material,
    Sides,
    Stretch,
    by_folds,
    cells,
    f1,
    known_windows,
    nearest,
    stretches,
    two_sample_figure,
)
from rhythmvae.groove import BoolArray, Groove
from rhythmvae.model import verbs

JOB = "taps"
MAX_WINDOWS = 12
WITHIN_SECONDS = 0.010


def figures(material: Material) -> list[Figure]:
    """Rhythm kept, cells right, F1 and two-sample accuracy."""
    pairs = _pairs(material.takes, MAX_WINDOWS)
    sides = Sides.of(_pairs(material.takes, MAX_PER_TAKE))
    tapped = [flattened(one.groove) for one in sides.made]
    made = [drums(material, tapped, 1.0, draw) for draw in range(DRAWS)]
    return [*_best(material, [one.groove for one in pairs]), two_sample_figure(JOB, sides, (1,), made, {})]


def _pairs(takes: Sequence[Groove], most: int) -> list[Stretch]:
    return list(stretches(takes, 2, most=most))


def drums(material: Material, taps: Sequence[Groove], temperature: float, draw: int = 0) -> list[Groove]:
    """As `tap` gives them back."""
    made = material.completed([verbs.tapping(one) for one in taps], temperature, draw)
    return [verbs.in_time(groove, one) for groove, one in zip(made, taps, strict=True)]


def _best(material: Material, played: Sequence[Groove]) -> list[Figure]:
    """Of the one answer."""
    n = len(played)
    if not n:
        empty = dict.fromkeys(("silence", "nearest neighbour"))
        return [Figure(JOB, name, None, empty, 0) for name in ("rhythm kept", "cells right", "F1")]
    tapped = [flattened(groove) for groove in played]
    grooves = drums(material, tapped, 0.0)
    kept = [is_kept(one, made) for one, made in zip(tapped, grooves, strict=True)]
    true, made = ([cells(groove) for groove in each] for each in (played, grooves))
    like = by_folds(material, _nearest)
    silent = [np.zeros_like(table) for table in true]
    floors = {"silence": silent, "nearest neighbour": like}
    return [
        Figure(JOB, "rhythm kept", float(np.concatenate(kept).mean()), {}, sum(map(len, kept))),
        Figure(JOB, "cells right", _right(true, made), {name: _right(true, own) for name, own in floors.items()}, n),
        Figure(JOB, "F1", f1(true, made), {name: f1(true, own) for name, own in floors.items()}, n),
    ]


def _nearest(fold: Fold) -> list[BoolArray]:
    """For each window the drums whose taps are nearest."""
    asked = [cells(one.groove) for one in _pairs(fold.judged, MAX_WINDOWS)]
    if not asked:
        return []
    known = known_windows(fold.seen)
    rows = nearest(np.any(known, 2), np.any(np.stack(asked), 2))
    return list(known[rows])


def _right(true: Sequence[BoolArray], found: Sequence[BoolArray]) -> float:
    return float(np.mean([(a == b).mean() for a, b in zip(true, found, strict=True)]))


def flattened(groove: Groove) -> Groove:
    """All strokes of a groove as one drum's, of those in one 16th the loudest."""
    one = groove.with_hits(groove.position, np.zeros_like(groove.voice), groove.velocity)
    return one_a_cell(one)


def is_kept(taps: Groove, made: Groove) -> BoolArray:
    """(N,) whether each tap has a hit of some drum within WITHIN_SECONDS."""
    own, hits = taps.onset_seconds, made.onset_seconds
    if not len(hits):
        return np.zeros(len(own), dtype=bool)
    return np.asarray(np.abs(own[:, None] - hits[None]).min(1) <= WITHIN_SECONDS)
