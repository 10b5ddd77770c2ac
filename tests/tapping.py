"""Knocks on a table, as a microphone hears them."""

from __future__ import annotations

import numpy as np

from rhythmvae.audio.hits import RATE
from rhythmvae.groove import FloatArray

KNOCK_SECONDS, RING_HZ, DECAY = 0.08, 180.0, 60.0


def table(seconds: FloatArray, duration: float, level: float = 0.3, room: float = 0.002) -> FloatArray:
    """(N,) float32 at RATE: a knock at each time, `level` at its loudest, in a room whose noise has that deviation."""
    rng = np.random.default_rng(1)
    sound = rng.normal(0, room, round(duration * RATE)) if room else np.zeros(round(duration * RATE))
    time = np.arange(round(KNOCK_SECONDS * RATE)) / RATE
    for at in seconds:
        knock = np.exp(-time * DECAY) * (np.sin(2 * np.pi * RING_HZ * time) + rng.normal(0, 0.5, len(time)))
        start = round(at * RATE)
        part = sound[start : start + len(knock)]
        part += level * knock[: len(part)] / np.abs(knock).max()
    return sound.astype(np.float32)
