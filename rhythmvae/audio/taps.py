"""Taps in a sound: strokes on a table, claps, clicks. What strikes matters, not what is struck, so no network is asked.

A tap is where the level rises by RISE_DB within some milliseconds. It lies at the first sample of the rise, and its
velocity says how loud it is beside the loudest one.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from rhythmvae.audio.hits import RATE, Heard
from rhythmvae.groove import MAX_VELOCITY, FloatArray

HOP = 110  # samples, 5 ms
RISE_DB = 9.0  # over the loudest of the LOOK_HOPS before
LOOK_HOPS = 6
RANGE_DB = 30.0  # below the loudest tap: softer ones are the room's
FLOOR_DB = 10.0  # above the median level, which is the room's
APART_SECONDS = 0.07
QUIETEST = 1e-3  # 60 dB below full: with no tap louder than this, it is silence
SOFTEST = 30  # velocity of a tap at RANGE_DB


def taps_in(blocks: Iterable[FloatArray]) -> Heard:
    """The taps in blocks (N,) of float32, mono at RATE, as hits of the first voice.

    >>> click = np.zeros(RATE, dtype=np.float32); click[5_000:5_100] = 0.5
    >>> len(taps_in([click, click]))
    2
    """
    sound = np.concatenate([np.zeros(0, dtype=np.float32), *blocks])
    duration = len(sound) / RATE
    # The difference of neighbours takes hum and handling out, and leaves the crack of a stroke.
    crack = np.abs(np.diff(sound, prepend=sound[:1]))
    n = len(crack) // HOP
    loud = np.maximum(crack[: n * HOP].reshape(n, HOP).max(1, initial=0.0), 1e-7)
    if not n or loud.max() < QUIETEST:
        return _heard(np.zeros(0), np.zeros(0), duration)
    level = 20 * np.log10(loud)
    before = np.stack([np.concatenate((np.full(k, -140.0), level[: n - k])) for k in range(2, LOOK_HOPS + 2)]).max(0)
    least = max(float(level.max()) - RANGE_DB, float(np.median(level)) + FLOOR_DB)
    seconds: list[float] = []
    peaks: list[float] = []
    for hop in np.flatnonzero((level > least) & (level - before > RISE_DB)).tolist():
        at = _start(crack, hop)
        peak = float(level[hop : hop + 4].max())
        if not seconds or at - seconds[-1] >= APART_SECONDS:
            seconds.append(at)
            peaks.append(peak)
        else:
            peaks[-1] = max(peaks[-1], peak)
    return _heard(np.array(seconds), np.array(peaks), duration)


def trimmed(heard: Heard) -> Heard:
    """The same taps in a sound that begins with the first of them, and ends one usual distance behind the last."""
    if not len(heard):
        return heard
    seconds = heard.seconds - heard.seconds[0]
    tail = float(np.median(np.diff(seconds))) if len(seconds) > 1 else 0.5
    return replace(heard, seconds=seconds, duration_seconds=float(seconds[-1]) + tail)


def _start(crack: FloatArray, hop: int) -> float:
    """Second at which the rise in a hop begins: the first sample there that is a third of the loudest."""
    first = max(0, (hop - 1) * HOP)
    near = crack[first : (hop + 2) * HOP]
    return float(first + int(np.argmax(near >= near.max() / 3))) / RATE


def _heard(seconds: FloatArray, peaks: FloatArray, duration: float) -> Heard:
    below = (peaks.max() - peaks) / RANGE_DB if len(peaks) else peaks
    velocity = np.rint(MAX_VELOCITY - (MAX_VELOCITY - SOFTEST) * np.clip(below, 0.0, 1.0))
    return Heard(
        seconds=np.asarray(seconds, dtype=np.float64),
        voice=np.zeros(len(seconds), dtype=np.int64),
        velocity=velocity.astype(np.int64),
        confidence=np.ones(len(seconds)),
        drums_alone=1.0 if len(seconds) else 0.0,
        duration_seconds=duration,
    )
