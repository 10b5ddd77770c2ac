"""Infill: of four bars of 4/4 one group of drums is made anew in the last two (`infill --drums hats --bars 3-4`).

Stretches of four bars, up to MAX_PER_TAKE of a take and none over another; the group is one of those that are played in
the last two bars, drawn by the seed, where at least two are.

F1 of the one answer (`--temperature 0`) against what was played, over the group's cells in bars 3 and 4. Floors, fitted
on training windows: the per-step mean (a hit where the share of windows that have one passes the threshold of best F1
for the group there); the group's part in the window that is nearest in all other drums.

Two-sample accuracy of the joined groove's last two bars, one draw a stretch, against those of stretches left as played;
the rest as for new bars. Baseline: a sample from the prior with the given drums pasted over it,
once a take.

Copying: in how many cells the joined two bars differ from the nearest training window, median, beside the same bars as
played.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from rhythmvae.analysis.descriptors import GROUP_VOICES
from rhythmvae.evaluation import two_sample
from rhythmvae.evaluation.completion.jobs import (
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
    windows,
)
from rhythmvae.evaluation.two_sample import MIN_HITS
from rhythmvae.groove import BoolArray, Groove
from rhythmvae.kit import N_VOICES
from rhythmvae.model import generate, verbs
from rhythmvae.model.given import Given

JOB = "infill"
BARS, ANEW = 4, (3, 4)
THRESHOLDS = np.linspace(0.05, 0.7, 27)


@dataclass(frozen=True, eq=False)
class Gap(Stretch):
    """A stretch, and the voices (V,) of it that are made anew."""

    voices: BoolArray

    def part_of(self, groove: Groove) -> BoolArray:
        """The voices' cells in the last two bars of a groove as long, (T, V), no other's."""
        return cells(groove.bars(*ANEW)) & self.voices

    @property
    def left(self) -> Given:
        """What is given, of all four bars."""
        return Given.of(self.groove, ~verbs.cells(self.groove, np.flatnonzero(self.voices).tolist(), ANEW))

    @property
    def given(self) -> BoolArray:
        """All other cells of the last two bars, (T, V)."""
        return cells(self.groove.bars(*ANEW)) & ~self.voices


def figures(material: Material) -> list[Figure]:
    """F1, two-sample accuracy and copying."""
    gaps = gaps_in(material.takes, material.seed)
    sides, anew = Sides.of(gaps), gaps[1::2]  # sides.made, with what they lack
    made = material.drawn([gap.left for gap in anew])
    pasted = [_pasted(material, anew[i], i) for i in sides.once]
    accuracy = two_sample_figure(JOB, sides, (ANEW[0],), made, {"sample, given part pasted over": pasted})
    return [_f1_of(material, gaps), accuracy, _copying(material, anew, made[0])]


def gaps_in(grooves: Sequence[Groove], seed: int) -> list[Gap]:
    """Stretches with a group each to be made anew, the same for the same stretch."""
    found = []
    for one in stretches(grooves, BARS, most=MAX_PER_TAKE, least=MIN_HITS):
        played = cells(one.groove.bars(*ANEW)).any(0)
        groups = [np.isin(np.arange(N_VOICES), own) for own in GROUP_VOICES.values()]
        groups = [group for group in groups if (played & group).any()]
        if len(groups) > 1:
            rng = np.random.default_rng([seed, zlib.crc32(one.groove.to_bytes())])
            found.append(Gap(one.take, one.groove, groups[int(rng.integers(len(groups)))]))
    return found


def _pasted(material: Material, gap: Gap, number: int) -> Stretch:
    """The stretch with the voices' part of two bars from the prior."""
    sample = generate.sample(material.checkpoint, n_bars=2, seed=material.seed * 10_000 + number)
    bars = gap.groove.bars(*ANEW)
    new = sample.some(gap.voices[sample.voice])
    whole = bars.some(~gap.voices[bars.voice]).with_more(new.position, new.voice, new.velocity)
    return Stretch(gap.take, gap.groove.with_bars(*ANEW, whole))


# -- F1 ------------------------------------------------------------------------


def _f1_of(material: Material, gaps: Sequence[Gap]) -> Figure:
    if not gaps:
        return Figure(JOB, "F1", None, {"per-step mean": None, "nearest neighbour": None}, 0)
    true = [gap.part_of(gap.groove) for gap in gaps]
    made = material.completed([gap.left for gap in gaps], 0.0)
    best = [gap.part_of(groove) for gap, groove in zip(gaps, made, strict=True)]
    mean, like = zip(*by_folds(material, lambda fold: _floors(fold, material.seed)), strict=True)
    return Figure(
        JOB, "F1", f1(true, best), {"per-step mean": f1(true, mean), "nearest neighbour": f1(true, like)}, len(gaps)
    )


def _floors(fold: Fold, seed: int) -> list[tuple[BoolArray, BoolArray]]:
    """For each gap the part (T, V) by the per-step mean and by the nearest training window."""
    known, gaps = known_windows(fold.seen), gaps_in(fold.judged, seed)
    mean = _means(known)
    rows = [int(nearest(known & ~gap.voices, gap.given[None])[0]) for gap in gaps]
    return [(mean & gap.voices, known[row] & gap.voices) for gap, row in zip(gaps, rows, strict=True)]


def _means(known: BoolArray) -> BoolArray:
    """(T, V), hits where the share of windows that have one passes what gives the group's best F1 on them."""
    share = known.mean(0)
    table = np.zeros(share.shape, dtype=bool)
    for voices in GROUP_VOICES.values():
        of_group = share[:, voices]
        right = [
            2 * of_group[of_group >= t].sum() / max(of_group.sum() + (of_group >= t).sum(), 1e-9) for t in THRESHOLDS
        ]
        table[:, voices] = of_group >= THRESHOLDS[int(np.argmax(right))]
    return table


# -- copying -------------------------------------------------------------------


def _copying(material: Material, gaps: Sequence[Gap], made: Sequence[Groove]) -> Figure:
    """Cells from the nearest training window, of what was made and of the same as played."""
    known = [one for fold in material.folds[:1] for one in fold.seen]
    training = known_windows(known).astype(np.float32)[..., None, None]
    own, played = (
        [windows(groove, ANEW[:1]) for groove in grooves] for grooves in (made, [gap.groove for gap in gaps])
    )
    name = "cells from the nearest training window, median"
    if not (len(training) and own):
        return Figure(JOB, name, None, {"as played": None}, 0)
    cells_off, floor = (
        float(np.median(two_sample.nearest_distance(np.concatenate(each), training))) for each in (own, played)
    )
    return Figure(JOB, name, cells_off, {"as played": floor}, len(own))
