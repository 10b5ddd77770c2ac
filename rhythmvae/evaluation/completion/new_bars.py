"""New bars: two bars of 4/4 are given, four more are drawn (`continue --bars 4`).

Stretches of six bars, up to MAX_PER_TAKE of a take and none over another, by turns left as played and continued.
Two-sample accuracy of the joined groove: windows across the seam (bars 2 and 3) and of new bars (4 and 5), against the
same windows of the stretches left as played; folds grouped by take, the strongest of four classifiers
(evaluation/two_sample.py), mean of DRAWS draws. Floor: the continued stretches as they were played. Baseline: four bars
sampled from the prior, set behind the two, once a take.

Copies: how many new bars have the very cells of the bar before, beside how many of the same bars had them when played.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from rhythmvae.evaluation.completion.jobs import (
    DRAWS,
    MAX_PER_TAKE,
    STEPS_PER_BAR,
    Figure,
    Material,
    Sides,
    Stretch,
    cells,
    stretches,
    two_sample_figure,
)
from rhythmvae.evaluation.completion.next_bar import behind
from rhythmvae.evaluation.two_sample import MIN_HITS
from rhythmvae.groove import Groove
from rhythmvae.model import generate

JOB = "four new bars"
GIVEN, NEW = 2, 4  # bars
JUDGED = (2, 4)  # first bars of windows


def figures(material: Material) -> list[Figure]:
    """Two-sample accuracy, and how often a bar is the one before once more."""
    sides = Sides.of(list(stretches(material.takes, GIVEN + NEW, most=MAX_PER_TAKE, least=MIN_HITS)))
    played = [one.groove for one in sides.made]
    made = material.drawn([behind(groove.bars(1, GIVEN), NEW) for groove in played])
    sampled = [_sampled_behind(material, sides.made[i], i) for i in sides.once]
    copied = copies([groove for draw in made for groove in draw])
    return [
        two_sample_figure(JOB, sides, JUDGED, made, {"sampled bars behind": sampled}),
        Figure(JOB, "copies of the bar before", copied, {"as played": copies(played)}, NEW * DRAWS * len(played)),
    ]


def _sampled_behind(material: Material, one: Stretch, number: int) -> Stretch:
    """The given bars, and behind them some from the prior."""
    sample = generate.sample(material.checkpoint, n_bars=NEW, seed=material.seed * 10_000 + number)
    return Stretch(one.take, one.groove.with_bars(GIVEN + 1, GIVEN + NEW, sample))


def copies(grooves: Sequence[Groove]) -> float | None:
    """The share of new bars that have the cells of the bar before."""
    if not grooves:
        return None
    bars = np.stack([cells(groove).reshape(-1, STEPS_PER_BAR, cells(groove).shape[1]) for groove in grooves])
    same = (bars[:, 1:] == bars[:, :-1]).all((2, 3))
    return float(same[:, GIVEN - 1 :].mean())
