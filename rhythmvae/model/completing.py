"""Grooves of any length completed: a part is given, the model answers with the rest, window after window.

What was given comes back note for note. A window is read beside the one before, completed by then, and beside what is
given of the one after (completion.py).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import NormalDist
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch
from torch import Tensor

from rhythmvae.analysis.descriptors import TRAITS, traits
from rhythmvae.analysis.quantiles import MAX_SCORE, Quantiles
from rhythmvae.groove import (
    HIT,
    MAX_VELOCITY,
    FloatArray,
    Groove,
    IntArray,
    from_grid,
)
from rhythmvae.model.completion import Completion, Part
from rhythmvae.model.given import Given, Unfinished
from rhythmvae.model.limits import check_sliders, check_style, check_wanted
from rhythmvae.model.prior import Conditioning, conditioning_of
from rhythmvae.model.vae import Outputs, RhythmVAE

if TYPE_CHECKING:
    from rhythmvae.model.checkpoint import Checkpoint

# What the decoder says of the one answer is surer than it is right: on validation takes the next bar costs half as many
# bits where log odds are divided by this, and nearly as few by 2.5 or 4.
SHARPNESS = 3.0
# Draws that are asked beside the one answer whether a cell has a hit and how it is played. On validation takes: F1 of
# tapped drums 0.55 for 0.51, timing off by 0.818 of the grid for 0.824, velocity by 20.4 for 20.9.
OPINIONS = 16
OPINION_TEMPERATURE = 0.85
# Draws of a window of which one stays (`chosen`). On validation takes tapped drums are told from playing at 0.66 for
# 0.71, filled gaps at 0.52 for 0.53, new bars at 0.59 for 0.63; with 32 and 48 draws taps were no better.
CANDIDATES = 16
ALIKE = 4  # of these, as many as are most like the window before: one of them, lest each bar is the likeliest one
BATCH = 64


class Completer(NamedTuple):
    """A model, what completes for it, and the scales of what may be wanted of that."""

    model: RhythmVAE
    completion: Completion
    quantiles: Quantiles = Quantiles({})

    @classmethod
    def of(cls, checkpoint: Checkpoint) -> Completer:
        """Raises CheckpointError for a model that completes no grooves."""
        return cls(checkpoint.model, checkpoint.completion, checkpoint.quantiles)

    def wanted(self, style: str | None = None, asked: Mapping[str, float] | None = None) -> Conditioning:
        """What every window should be like, (1, ...); nothing is wanted where nothing is named.

        Args:
            asked: descriptors (limits.WANTED) as quantiles among the training windows, 0 to 1.

        Raises:
            UsageError: a style or a descriptor that the training data does not have, or a quantile that cannot be.
        """
        config, asked = self.completion.config, asked or {}
        if style is not None:
            check_style(style, config.styles)
        check_wanted(asked)
        check_sliders(asked, self.quantiles.knots)
        index = len(config.styles) if style is None else config.styles.index(style)
        scores, mask = torch.zeros(1, config.n_traits), torch.zeros(1, config.n_traits)
        for column, name in enumerate(self._traits):
            if name in asked:
                scores[0, column], mask[0, column] = _score(asked[name]), 1.0
        return Conditioning(scores, mask, torch.tensor([index]))

    def distance(self, window: Groove, wanted: Conditioning) -> float:
        """How far a window is from what is wanted: the sum of squared scores; what it does not define is far."""
        found, [scores], [mask] = traits(window), wanted.traits.tolist(), wanted.mask.tolist()
        away = 0.0
        for name, score, is_wanted in zip(self._traits, scores, mask, strict=True):
            if is_wanted:
                value = found[name]
                away += (MAX_SCORE if value is None else self.quantiles.score(name, value) - score) ** 2
        return away

    def unlike(self, window: Groove, others: Sequence[Groove]) -> list[float]:
        """How little each of some windows is like another: the sum of squared differences of scores, and 1 for each
        trait that one alone defines, as the loudness of a drum that the other does not play."""
        found = conditioning_of([window, *others], self.quantiles, ())
        both = found.mask[0] * found.mask[1:]
        apart = both * (found.traits[0] - found.traits[1:]) ** 2 + (found.mask[0] - found.mask[1:]).abs()
        away: list[float] = apart.sum(1).tolist()
        return away

    @property
    def _traits(self) -> list[str]:
        return [name for name in TRAITS if name in self.quantiles.knots]


def _score(quantile: float) -> float:
    """A quantile as a standard normal score, within MAX_SCORE."""
    return min(max(NormalDist().inv_cdf(min(max(quantile, 1e-6), 1 - 1e-6)), -MAX_SCORE), MAX_SCORE)


def complete(
    completer: Completer, given: Given, wanted: Conditioning, temperature: float = 1.0, seed: int = 0
) -> Groove:
    """A groove of which a part is given.

    Args:
        wanted: what each window should be like, (1, ...). Where traits are wanted, of several draws of each window the
            nearest stays: the network itself follows them half-heartedly.
        temperature: 0 is the one answer of least error, 1 a draw.
    """
    return complete_each(completer, [given], wanted, temperature, seed)[0]


def complete_each(
    completer: Completer, given: Sequence[Given], wanted: Conditioning, temperature: float = 1.0, seed: int = 0
) -> list[Groove]:
    """Grooves of which a part of each is given, all of them drawn by one seed: many cost little more than one."""
    return [state.groove() for state in _completed(completer, given, wanted, temperature, seed)]


def feel(
    completer: Completer, given: Given, wanted: Conditioning, temperature: float = 1.0, seed: int = 0
) -> tuple[FloatArray, IntArray]:
    """Positions (N,) and velocities (N,) of a groove's hits, all of them given, where their feel is not.

    Each stays in its cell, and hits of a cell in their order. Arguments are those of `complete`.
    """
    return feel_each(completer, [given], wanted, temperature, seed)[0]


def strokes(
    completer: Completer, given: Given, wanted: Conditioning, temperature: float = 1.0, seed: int = 0
) -> FloatArray:
    """How likely a stroke is in each cell that is not given, and how it would sound: (T, V, 3), as HIT the logit.

    Arguments are those of `complete`.
    """
    return _completed(completer, [given], wanted, temperature, seed)[0].strokes


def feel_each(
    completer: Completer, given: Sequence[Given], wanted: Conditioning, temperature: float = 1.0, seed: int = 0
) -> list[tuple[FloatArray, IntArray]]:
    """As `feel`, of grooves, as `complete_each` completes them."""
    return [state.felt() for state in _completed(completer, given, wanted, temperature, seed)]


def _completed(
    completer: Completer, given: Sequence[Given], wanted: Conditioning, temperature: float, seed: int
) -> list[Unfinished]:
    """All first windows together, then all second ones."""
    model, completion, _ = completer
    states = [Unfinished.of(one, model.config.layers, temperature) for one in given]
    generator = torch.Generator().manual_seed(seed)
    for number in range(max((len(state.spans) for state in states), default=0)):
        open_ones = [state for state in states if number < len(state.spans) and state.is_open(number)]
        for first in range(0, len(open_ones), BATCH):
            some = open_ones[first : first + BATCH]
            part = _joined([state.part([number]) for state in some])
            with torch.inference_mode():
                known = completion.read(part, wanted.repeat(len(some)))
                is_choice = any(state.is_begun(number) or state.is_continued(number) for state in some)
                n_each = 1
                if temperature and (is_choice or wanted.mask.any()):
                    n_each = CANDIDATES
                known, n_steps = (each.repeat_interleave(n_each, 0) for each in (known, part.n_steps))
                z = completion.estimate(known) if temperature == 0 else completion.sample(known, temperature, generator)
                outputs = model.decode(z, n_steps)
                if temperature:
                    outputs = outputs._replace(velocity=completion.touched(outputs.velocity))
                else:
                    outputs = _in_the_mean(completer, outputs, known, n_steps)
            for row, state in enumerate(some):
                rows = range(row * n_each, (row + 1) * n_each)
                drawn = [Outputs(*(part[own : own + 1] for part in outputs)) for own in rows]
                state.fill(state.spans[number], chosen(completer, state, number, drawn, wanted, generator))
    return states


def chosen(
    completer: Completer,
    state: Unfinished,
    number: int,
    drawn: Sequence[Outputs],
    wanted: Conditioning,
    generator: torch.Generator,
) -> Outputs:
    """Of draws of a window the one that goes best with what is given.

    Where strokes or taps of the window are given, that by which the decoder is surest of them. Where none are, one of
    those that are most like the window before. Where traits are wanted, the nearest to them, of the surer half where
    something is given; what they ask for may be unlike the window before.
    """
    if len(drawn) == 1:
        return drawn[0]
    span = state.spans[number]

    def windows() -> list[Groove]:
        frame = state.given.groove.slice(span.start, span.stop)
        return [from_grid(state.window(span, outputs), frame) for outputs in drawn]

    best, n_alike, n_fit = list(range(len(drawn))), 1, len(drawn)
    if state.is_begun(number):
        best.sort(key=lambda i: -state.likelihood(span, drawn[i]))
        n_fit = len(drawn) // 2
    elif state.is_continued(number) and not wanted.mask.any():
        before = state.spans[number - 1]
        unlike = completer.unlike(state.groove().slice(before.start, before.stop), windows())
        best.sort(key=unlike.__getitem__)
        n_alike = min(ALIKE, len(drawn))
    if wanted.mask.any():
        away = [completer.distance(window, wanted) for window in windows()]
        return drawn[min(best[:n_fit], key=away.__getitem__)]
    return drawn[best[int(torch.randint(n_alike, (1,), generator=generator))]]


def _in_the_mean(completer: Completer, answer: Outputs, known: Tensor, n_steps: Tensor) -> Outputs:
    """Half of the one answer and half of the mean of OPINIONS draws: how likely hits are, and how they are played."""
    model, completion, _ = completer
    z = completion.several(known, OPINIONS, OPINION_TEMPERATURE, torch.Generator().manual_seed(0))
    drawn = model.decode(z.flatten(0, 1), n_steps.repeat(OPINIONS))

    def half(own: Tensor, others: Tensor) -> Tensor:
        return (own + others.view(OPINIONS, *own.shape).mean(0)) / 2

    return answer._replace(
        hit_logit=torch.logit(half(answer.hit_logit.sigmoid(), drawn.hit_logit.sigmoid()), eps=1e-6),
        velocity=half(answer.velocity.clamp(max=1.0), drawn.velocity.clamp(max=1.0)),
        offset=half(answer.offset, drawn.offset),
    )


def _joined(parts: Sequence[Part]) -> Part:
    return Part(*(torch.cat(columns) for columns in zip(*parts, strict=True)))


class Outlook(NamedTuple):
    """What is expected of cells: hit (T, V), the probability of at least one; velocity (T, V) of it, 1 to 127."""

    hit: FloatArray
    velocity: FloatArray


def expected(completer: Completer, given: Sequence[Given], wanted: Conditioning) -> list[Outlook]:
    """What is expected of grooves of which a part of each is given; of windows given as a whole, what is there."""
    model, completion, _ = completer
    states = [Unfinished.of(one, model.config.layers, 0.0) for one in given]
    found = [
        Outlook(state.masks[0] * (state.made[..., HIT].max(-1) > 0), np.ones_like(state.masks[0])) for state in states
    ]
    rows = [(i, n) for i, state in enumerate(states) for n, _ in enumerate(state.spans) if state.is_open(n)]
    for first in range(0, len(rows), BATCH):
        some = rows[first : first + BATCH]
        part = _joined([states[i].part([n]) for i, n in some])
        with torch.inference_mode():
            known = completion.read(part, wanted.repeat(len(some)))
            outputs = model.decode(completion.estimate(known), part.n_steps)
        hit = tempered(1 - (1 - outputs.hit_logit.sigmoid()).prod(-1))
        velocity = (MAX_VELOCITY * outputs.velocity[..., 0]).clamp(1.0, MAX_VELOCITY)
        for row, (i, n) in enumerate(some):
            span = states[i].spans[n]
            found[i].hit[span.start : span.stop] = hit[row, : span.n_steps].numpy()
            found[i].velocity[span.start : span.stop] = velocity[row, : span.n_steps].numpy()
    return found


def tempered(probability: Tensor) -> Tensor:
    """Probabilities as far from one half as they come true (Guo et al. 2017): log odds divided by SHARPNESS.

    >>> tempered(torch.tensor([0.5, 1 / 9])).tolist()[0]
    0.5
    """
    return torch.logit(probability, eps=1e-6).div(SHARPNESS).sigmoid()
