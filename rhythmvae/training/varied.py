"""Windows with those around them, varied as other drummers would play them, the neighbours as the window itself.

Shapes: B windows, 3 places (the window before, this one, the one after), T steps, V voices, L layers, F features.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rhythmvae.data.augmentation import LIMBS
from rhythmvae.groove import HIT, VELOCITY, WINDOW_STEPS, BoolArray, FloatArray, IntArray
from rhythmvae.kit import N_VOICES, VOICE_INDEX
from rhythmvae.model.completion import N_PLACES, THIS
from rhythmvae.training import hiding

BAR_STEPS = WINDOW_STEPS // 2
NEAR_OCTAVES = 0.12  # by which the tempos of two takes may differ whose limbs are mixed
LENT = 0.4  # share of the limbs that come from the other take, where any do
CYMBALS = (VOICE_INDEX["closed_hat"], VOICE_INDEX["ride"])
TOMS = [VOICE_INDEX[key] for key in ("low_tom", "mid_tom", "high_tom")]
LEAST_STEPS = 8


@dataclass(frozen=True)
class Variation:
    """Shares of windows that are varied.

    Args:
        bar_later: cut a bar later, half of the window and half of the one after it.
        mix: with some limbs of another take in nearly the same tempo.
        cymbal: time kept on the ride instead of the hat, or the other way.
        toms: toms that trade places.
        no_voice: a drum that is left out.
        shorten: cut short, as windows of other meters are.
        dynamics: played louder or softer.
    """

    bar_later: float = 0.4
    mix: float = 0.3
    cymbal: float = 0.15
    toms: float = 0.15
    no_voice: float = 0.15
    shorten: float = 0.12
    dynamics: float = 0.25


@dataclass(frozen=True, eq=False)
class Varied:
    """x (B, 3, T, V, L, F). inside (B, 3, T): 1 for steps that there are. n_steps (B,). is_other (B,): what was said
    of the window no longer holds."""

    x: FloatArray
    inside: FloatArray
    n_steps: IntArray
    is_other: FloatArray


def vary(x: FloatArray, inside: FloatArray, tempo: FloatArray, how: Variation, rng: np.random.Generator) -> Varied:
    """Windows x and inside as in `Varied`, tempo (B,) in octaves; new arrays."""
    batch = len(x)
    later = (rng.random(batch) < how.bar_later) & (inside.min((1, 2)) > 0)
    x, inside = _a_bar_later(x, inside, later)
    mixed = rng.random(batch) < how.mix
    x, mixed = _mixed(x, inside, tempo, mixed, rng)
    _trade(x, rng.random(batch) < how.cymbal, np.array(CYMBALS), rng)
    _trade(x, rng.random(batch) < how.toms, np.array(TOMS), rng)
    x = hiding.without_a_voice(x, how.no_voice, rng)
    louder = np.where(rng.random(batch) < how.dynamics, rng.uniform(0.8, 1.2, batch), 1.0).astype(np.float32)
    loud = x[..., VELOCITY] * louder[:, None, None, None, None]
    x[..., VELOCITY] = np.where(x[..., HIT] > 0, np.clip(loud, 1 / 127, 1.0), 0.0)
    n_steps = np.full(batch, WINDOW_STEPS)
    is_short = rng.random(batch) < how.shorten
    n_steps = np.where(is_short, rng.integers(LEAST_STEPS, WINDOW_STEPS, batch), n_steps)
    there = hiding.places(n_steps, WINDOW_STEPS)
    x[:, THIS] *= there[:, :, None, None, None]
    inside[:, THIS] = there
    return Varied(x, inside, n_steps, (later | mixed).astype(np.float32))


def _a_bar_later(x: FloatArray, inside: FloatArray, which: BoolArray) -> tuple[FloatArray, FloatArray]:
    """Windows that begin a bar later; of the window after them a bar is left."""
    rows = np.flatnonzero(which)
    x, inside = x.copy(), inside.copy()
    for own in (x, inside):
        line = own[rows].reshape(len(rows), N_PLACES * WINDOW_STEPS, *own.shape[3:])
        moved = np.zeros_like(line)
        moved[:, :-BAR_STEPS] = line[:, BAR_STEPS:]
        own[rows] = moved.reshape(own[rows].shape)
    return x, inside


def _mixed(
    x: FloatArray, inside: FloatArray, tempo: FloatArray, which: BoolArray, rng: np.random.Generator
) -> tuple[FloatArray, BoolArray]:
    """Windows with limbs of others in nearly the same tempo, and those for which there was one."""
    partner = rng.permutation(len(x))
    fits = (np.abs(tempo - tempo[partner]) < NEAR_OCTAVES) & (partner != np.arange(len(x)))
    fits &= (inside[partner] >= inside).all((1, 2))  # it has all the steps that the window has
    which = which & fits
    lent = (rng.random((len(x), int(LIMBS.max()) + 1)) < LENT) & which[:, None]
    taken = np.where(lent[:, LIMBS][:, None, None, :, None, None], x[partner], x)
    return taken * inside[..., None, None, None], which


def _trade(x: FloatArray, which: BoolArray, voices: IntArray, rng: np.random.Generator) -> None:
    """Let drums trade places, in place."""
    rows = np.flatnonzero(which)
    order = np.tile(np.arange(N_VOICES), (len(rows), 1))
    for row in range(len(rows)):
        order[row, voices] = np.roll(voices, int(rng.integers(1, len(voices))))
    x[rows] = np.take_along_axis(x[rows], order[:, None, None, :, None, None], axis=3)
