"""Training windows varied as drummers would vary them."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from rhythmvae.groove import (
    HIT,
    OFFSET,
    STEPS_PER_QUARTER,
    VELOCITY,
    WINDOW_STEPS,
    FloatArray,
    IntArray,
)
from rhythmvae.kit import N_VOICES

# Voices that change hands together when two windows are mixed: feet, snare, cymbals that keep time, the rest.
LIMBS = np.array([0, 1, 2, 2, 3, 3, 3, 4, 2])


@dataclass(frozen=True)
class Augmentation:
    """How far training windows are varied; each number is measured in docs/decisions.

    Args:
        dynamics: share of windows played louder or softer, by up to a quarter.
        feel: share whose microtiming is tightened, down to the grid, or loosened (x 0 to 1.2), single strokes alone.
        push: share played ahead of or behind the beat as a whole, by up to a tenth of a step.
        mix: share that takes some limbs from another window: one drummer's feet under another's hands.
        swap: share in which two voices trade places, so that no voice owns a figure.
        shorten: share cut to a random length, so that short windows of other meters are not news.
    """

    dynamics: float = 0.5
    feel: float = 0.25
    push: float = 0.15
    mix: float = 0.4
    swap: float = 0.15
    shorten: float = 0.12

    @classmethod
    def none(cls) -> Augmentation:
        return cls(0.0, 0.0, 0.0, 0.0, 0.0, 0.0)

    def of_programmed(self) -> Augmentation:
        """For windows made by rule: softer or ahead less often, nothing mixed or loosened, so that even stays even."""
        return replace(self, dynamics=self.dynamics / 2, feel=0.0, push=self.push / 2, mix=0.0)

    def apply(self, x: FloatArray, n_steps: IntArray, rng: np.random.Generator) -> tuple[FloatArray, IntArray]:
        """Vary a batch: x (B, T, V, L, F), n_steps (B,). Returns new arrays."""
        batch = len(x)

        def draw(share: float, low: float, high: float, neutral: float) -> FloatArray:
            chosen = rng.random(batch) < share
            drawn = np.where(chosen, rng.uniform(low, high, batch), neutral)
            return drawn[:, None, None, None].astype(np.float32)

        if self.mix:
            partner = rng.permutation(batch)
            swapped = (rng.random((batch, LIMBS.max() + 1)) < 0.35) & (rng.random((batch, 1)) < self.mix)
            x = np.where(swapped[:, LIMBS][:, None, :, None, None], x[partner], x)
        if self.swap:
            voices = np.tile(np.arange(N_VOICES), (batch, 1))
            chosen = np.flatnonzero(rng.random(batch) < self.swap)
            first, second = rng.integers(0, N_VOICES, (2, len(chosen)))
            voices[chosen, first], voices[chosen, second] = second, first
            x = np.take_along_axis(x, voices[:, None, :, None, None], axis=2)
        if self.shorten:
            cut = rng.integers(2 * STEPS_PER_QUARTER, WINDOW_STEPS, batch)
            n_steps = np.where(rng.random(batch) < self.shorten, np.minimum(n_steps, cut), n_steps)
        inside = (np.arange(WINDOW_STEPS) < n_steps[:, None])[:, :, None, None]
        hit = x[..., HIT] * inside
        velocity = np.clip(x[..., VELOCITY] * draw(self.dynamics, 0.75, 1.25, 1.0), 1 / 127, 1.0)
        # Of a roll or a flam the strokes keep their distances: on the grid they would fall on one another.
        is_alone = hit.sum(-1, keepdims=True) < 2
        feel = np.where(is_alone, draw(self.feel, 0.0, 1.2, 1.0), 1.0)
        offset = x[..., OFFSET] * feel.astype(np.float32) + draw(self.push, -0.1, 0.1, 0.0)
        return np.stack([hit, velocity * hit, np.clip(offset, -0.5, 0.4999) * hit], axis=-1), n_steps
