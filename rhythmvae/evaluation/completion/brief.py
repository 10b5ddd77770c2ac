"""Completing in seconds, for the card of a model: a few bars of a few held-out takes, by the protocols of two jobs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from rhythmvae.evaluation.completion import humanize, next_bar
from rhythmvae.evaluation.completion.jobs import Fold, Material, bars_of, f1, stretches
from rhythmvae.groove import Groove
from rhythmvae.model.card import Completed
from rhythmvae.model.checkpoint import Checkpoint

MAX_TAKES, MAX_BARS = 12, 8
MAX_THIRDS = 3  # stretches of three bars of a take


def in_brief(models: Mapping[str, Checkpoint | None], takes: Sequence[Groove]) -> tuple[Completed, ...]:
    """The next bar and timing by each model that completes, by name; takes are chosen evenly."""
    chosen = np.unique(np.linspace(0, len(takes) - 1, min(len(takes), MAX_TAKES)).astype(int)).tolist() if takes else []
    few = [takes[index] for index in chosen]
    own = {name: model for name, model in models.items() if model is not None and model.own_completion is not None}
    return tuple(_completed(name, Material(model, [Fold([], few)])) for name, model in own.items() if few)


def _completed(name: str, material: Material) -> Completed:
    three = [one.groove for one in stretches(material.takes, 3, step=1, most=MAX_THIRDS)]
    true, before = bars_of(three, 3, 3), bars_of(three, 2, 2)
    made = next_bar.likeliest(material, [next_bar.behind(groove.bars(1, 2), 2) for groove in three])
    share = _timing_share(material)
    return Completed(name, f1(true, made) if three else None, f1(true, before) if three else None, share)


def _timing_share(material: Material) -> float | None:
    """How much of the grid's error is left; None where all is played on the grid."""
    played = [humanize.one_a_cell(groove.bars(1, min(groove.n_bars, MAX_BARS))) for groove in material.takes]
    own, answer = (humanize.Feel.of(grooves).milliseconds for grooves in (played, humanize.felt(material, played, 0.0)))
    grid = float(np.abs(own).sum())
    return float(np.abs(own - answer).sum()) / grid if grid > 0 else None
