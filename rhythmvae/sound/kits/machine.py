"""Recipes of a drum machine as they were built around 1980: every sound is an oscillator, noise and an envelope.

A harder stroke is no louder here, for loudness is the mixer's: it has more click, more wire and a longer tail, as
turning up a machine's accent gives. The oscillators of hats and cymbals run freely, so no two strokes are the same.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from rhythmvae.groove import FloatArray
from rhythmvae.sound.kits.make import METAL_HZ, band, decay, noise, squares, swept_sine, time_of, unit

Recipe = Callable[[np.random.Generator, float], FloatArray]


def _kick(rng: np.random.Generator, strength: float) -> FloatArray:
    t = time_of(0.75)
    body = swept_sine(t, 52.0 + 70.0 * strength, 49.0, 0.012) * decay(t, 0.55 + 0.5 * strength)
    click = noise(t, rng, 800, 4_000) * decay(t, 0.008)
    return np.asarray(np.tanh(1.2 * body) + 0.16 * (0.2 + strength) * click)


def _snare(rng: np.random.Generator, strength: float) -> FloatArray:
    t = time_of(0.28)
    low, high = (np.sin(2 * np.pi * hz * t) * decay(t, s) for hz, s in ((178.0, 0.16), (330.0, 0.11)))
    wires = noise(t, rng, 1_200, 9_000 + 5_000 * strength) * decay(t, 0.14 + 0.1 * strength)
    return np.asarray(0.6 * low + 0.4 * high + (0.22 + 0.3 * strength) * wires)


def _metal(seconds: float, decay_seconds: float, low_hz: float, high_hz: float) -> Recipe:
    def recipe(rng: np.random.Generator, strength: float) -> FloatArray:
        t = time_of(seconds)
        metal = unit(band(squares(t, METAL_HZ, rng), low_hz, high_hz * (0.7 + 0.3 * strength)))
        return np.asarray(metal * decay(t, decay_seconds * (0.7 + 0.3 * strength)))

    return recipe


def _cymbal(rng: np.random.Generator, strength: float) -> FloatArray:
    t = time_of(1.6)
    low = unit(band(squares(t, METAL_HZ, rng), 2_600, 5_500)) * decay(t, 1.7)
    high = unit(band(squares(t, METAL_HZ, rng), 6_500, 14_000)) * decay(t, 0.5 + 0.5 * strength)
    return np.asarray(0.5 * low + (0.4 + 0.4 * strength) * high)


def _ride(rng: np.random.Generator, strength: float) -> FloatArray:
    t = time_of(0.9)
    bell = sum(np.sin(2 * np.pi * hz * t + rng.uniform(0, 6)) for hz in (2_140.0, 3_180.0, 4_770.0)) * decay(t, 0.9)
    wash = unit(band(squares(t, METAL_HZ, rng), 5_500, 12_000)) * decay(t, 0.55 + 0.2 * strength)
    return np.asarray(0.25 * bell + (0.3 + 0.3 * strength) * wash)


def _tom(hz: float) -> Recipe:
    def recipe(rng: np.random.Generator, strength: float) -> FloatArray:
        t = time_of(0.5)
        body = swept_sine(t, hz * (1.15 + 0.25 * strength), hz, 0.03) * decay(t, 0.4 + 0.15 * strength)
        skin = noise(t, rng, 300, 1_800) * decay(t, 0.07)
        return np.asarray(body + 0.07 * (0.3 + strength) * skin)

    return recipe


RECIPES: dict[str, Recipe] = {
    "kick": _kick,
    "snare": _snare,
    "closed_hat": _metal(0.12, 0.09, 6_800, 15_000),
    "open_hat": _metal(0.6, 0.65, 6_500, 15_000),
    "low_tom": _tom(82.0),
    "mid_tom": _tom(123.0),
    "high_tom": _tom(165.0),
    "crash": _cymbal,
    "ride": _ride,
}
