"""The fit of a take's dynamics: strokes of recordings of which it is known how hard each was struck."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import expit

from rhythmvae.audio.dynamics import FARTHEST, GROUP_OF, N_NUMBERS, Dynamics, numbers_of
from rhythmvae.audio.second_look import SecondLook
from rhythmvae.groove import FloatArray, IntArray
from rhythmvae.kit import GROUPS, N_VOICES
from rhythmvae.training.hearing.looking import Example

PENALTY = 100.0  # of a weight's square, beside the squared error of as many strokes
FLOOR_SPREAD = 0.02
FEWEST = 3  # moments: what is shorter is no take


@dataclass(frozen=True, eq=False)
class Known:
    """Strokes that were found and played: numbers (N, N_NUMBERS), voice (N,), velocity (N,) from 0 to 1."""

    numbers: FloatArray
    voice: IntArray
    velocity: FloatArray


def known(look: SecondLook, thresholds: FloatArray, own: Iterable[Example]) -> Known:
    """The strokes of recordings that are above the thresholds (V,) and were played."""
    parts = []
    for each in own:
        if len(each.features) < FEWEST:
            continue
        features = each.features.astype(np.float32)
        logits = look.judged(features)
        played = expit(logits[:, :N_VOICES]) > thresholds
        at = np.argwhere(played & each.struck)
        parts.append((numbers_of(features, logits, played, at), at[:, 1], each.velocity[at[:, 0], at[:, 1]]))
    numbers, voice, velocity = (np.concatenate(part) for part in zip(*parts, strict=True))
    return Known(numbers, voice, velocity.astype(np.float64))


def fit(sets: Sequence[Known]) -> Dynamics:
    """The function of least squared error for each group; every set counts for as much as any other."""
    weight = np.zeros((len(GROUPS), N_NUMBERS + 1))
    mean, spread = np.zeros((len(GROUPS), N_NUMBERS)), np.ones((len(GROUPS), N_NUMBERS))
    for group in range(len(GROUPS)):
        masks = [GROUP_OF[each.voice] == group for each in sets]
        numbers = np.concatenate([each.numbers[mask] for each, mask in zip(sets, masks, strict=True)])
        velocity = np.concatenate([each.velocity[mask] for each, mask in zip(sets, masks, strict=True)])
        counts = np.repeat([len(velocity) / len(sets) / max(mask.sum(), 1) for mask in masks], [m.sum() for m in masks])
        mean[group], spread[group] = numbers.mean(0), np.maximum(numbers.std(0), FLOOR_SPREAD)
        scaled = np.clip((numbers - mean[group]) / spread[group], -FARTHEST, FARTHEST)
        rows = np.concatenate([scaled, np.ones((len(scaled), 1))], 1)
        penalty = PENALTY * np.eye(N_NUMBERS + 1)
        penalty[-1, -1] = 0.0  # the constant is free
        weight[group] = np.linalg.solve(rows.T @ (counts[:, None] * rows) + penalty, rows.T @ (counts * velocity))
    return Dynamics(weight, mean, spread)
