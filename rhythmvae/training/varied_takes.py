"""Whole takes varied as other drummers might have played them: what a prior learns beside what was played.

A window and the one before it stay parts of one take, and traits are measured on what was varied, so that the density
of latents given traits is learned on more than what was played. `varied` does the same for the windows that
completion learns from, as tensors.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from rhythmvae.data.augmentation import LIMBS
from rhythmvae.data.corpus import Take
from rhythmvae.groove import MAX_VELOCITY, WINDOW_STEPS, BoolArray, FloatArray, Groove, IntArray, nearest_step
from rhythmvae.kit import N_VOICES
from rhythmvae.training.varied import CYMBALS, TOMS

NEAR_OCTAVES = 0.15  # by which the tempos of two takes may differ whose limbs are mixed
LENT = 0.4  # share of the limbs that come from the other take, where any do


@dataclass(frozen=True)
class TakeVariation:
    """Shares of takes that are varied.

    Args:
        mix: with some limbs of another take of the style, in 4/4 and nearly the same tempo, which comes round.
        cymbal: time kept on the ride instead of the hat, and the other way.
        toms: toms that trade places.
        no_voice: a drum that is left out, where there are more than two.
        dynamics: played louder or softer, by up to a fifth.
        feel: single strokes nearer to the grid, down to on it, or up to a fifth farther.
    """

    mix: float = 0.35
    cymbal: float = 0.2
    toms: float = 0.2
    no_voice: float = 0.15
    dynamics: float = 0.4
    feel: float = 0.3


@dataclass(frozen=True, eq=False)
class _Hits:
    position: FloatArray
    voice: IntArray
    velocity: IntArray

    def where(self, chosen: BoolArray) -> _Hits:
        return _Hits(self.position[chosen], self.voice[chosen], self.velocity[chosen])


def rounds(takes: Sequence[Take], n: int, seed: int = 0, how: TakeVariation | None = None) -> Iterator[list[Take]]:
    """All takes, `n` times, varied anew each time."""
    rng = np.random.default_rng(seed)
    of_style: dict[str, list[Take]] = defaultdict(list)
    for take in takes:
        of_style[_style(take)].append(take)
    for _ in range(n):
        yield [vary(take, of_style[_style(take)], how or TakeVariation(), rng) for take in takes]


def vary(take: Take, others: Sequence[Take], how: TakeVariation, rng: np.random.Generator) -> Take:
    """A take as another drummer might have played it.

    Args:
        others: takes whose limbs it may be mixed with; it may be among them.
    """
    groove = take.groove
    hits = _Hits(groove.position, groove.voice, groove.velocity)
    if rng.random() < how.mix and len(groove.tempos) == 1:
        hits = _mixed(take, hits, others, rng)
    if rng.random() < how.cymbal:
        hits = replace(hits, voice=_traded(hits.voice, CYMBALS, 1))
    if rng.random() < how.toms:
        hits = replace(hits, voice=_traded(hits.voice, TOMS, int(rng.integers(1, len(TOMS)))))
    if rng.random() < how.no_voice and len(voices := np.unique(hits.voice)) > 2:
        hits = hits.where(hits.voice != rng.choice(voices))
    if rng.random() < how.dynamics:
        louder = np.rint(hits.velocity * rng.uniform(0.8, 1.2))
        hits = replace(hits, velocity=np.clip(louder, 1, MAX_VELOCITY).astype(np.int64))
    if rng.random() < how.feel:
        hits = replace(hits, position=_tightened(hits, rng.uniform(0.0, 1.2)))
    position = np.clip(hits.position, -0.5, groove.n_steps - 1e-3)
    return replace(
        take, groove=Groove(position, hits.voice, hits.velocity, groove.n_steps, groove.tempos, groove.meters)
    )


def _style(take: Take) -> str:
    return take.labels.get("style", "").split("/")[0]


def _mixed(take: Take, hits: _Hits, others: Sequence[Take], rng: np.random.Generator) -> _Hits:
    groove = take.groove
    near = [
        other.groove
        for other in others
        if other is not take
        and other.groove.meters == groove.meters
        and other.groove.n_steps >= WINDOW_STEPS
        and abs(math.log2(other.groove.tempos[0].bpm / groove.tempos[0].bpm)) < NEAR_OCTAVES
    ]
    if not near:
        return hits
    other = near[rng.integers(len(near))]
    limbs = np.flatnonzero(rng.random(int(LIMBS.max()) + 1) < LENT)
    if str(groove.meters[0]) != "4/4":  # bars of which none or some fill a window: the other would come round askew
        return hits
    length = other.n_steps // WINDOW_STEPS * WINDOW_STEPS
    lent = _Hits(other.position, other.voice, other.velocity).where(
        np.isin(LIMBS[other.voice], limbs) & (other.position < length - 0.5)
    )
    parts = [hits.where(~np.isin(LIMBS[hits.voice], limbs))]
    for shift in range(0, groove.n_steps, length):
        later = replace(lent, position=lent.position + shift)
        parts.append(later.where(later.position < groove.n_steps))
    return _Hits(
        np.concatenate([part.position for part in parts]),
        np.concatenate([part.voice for part in parts]),
        np.concatenate([part.velocity for part in parts]),
    )


def _traded(voice: IntArray, places: Sequence[int], by: int) -> IntArray:
    """Drums with the ones in `places` moved on by so many places."""
    to = np.arange(N_VOICES)
    to[list(places)] = [*places[by:], *places[:by]]
    return to[voice]


def _tightened(hits: _Hits, by: float) -> FloatArray:
    """Positions with single strokes at `by` times their distance from the grid; rolls and flams keep theirs."""
    step = nearest_step(hits.position)
    _, cell, strokes = np.unique(step * N_VOICES + hits.voice, return_inverse=True, return_counts=True)
    return np.where(strokes[cell] == 1, step + by * (hits.position - step), hits.position)
