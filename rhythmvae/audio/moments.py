"""Moments: where in a sound something may be struck, and what is to be known of each for a second look.

Peaks of all voices within two frames are one moment: a kick and a hat that are struck together. Of a sound nothing but
its moments is kept, 1 kB for each of 33 a second at most, so that a whole recording can be judged at once
(`second_look`): the bands around each, a finer spectrum below 640 Hz, where the pitch of a tom lies, and what the first
network made of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from rhythmvae.audio.frames import FLOOR, HOP, N_BANDS
from rhythmvae.audio.hits import RATE
from rhythmvae.audio.peaks import APART, pick, seconds_of
from rhythmvae.groove import FloatArray, IntArray
from rhythmvae.kit import N_VOICES

LEAST = 0.04  # of a peak that may be a stroke
SPANS = ((-4, -1), (-1, 1), (1, 3), (3, 6), (6, 10), (10, 16), (16, 25), (25, 40))  # frames from a moment on
POOLED = 2  # bands that are one
N_PATCH = len(SPANS) * N_BANDS // POOLED
LOW_HZ = 40.0 * 2 ** (np.arange(48) / 12)
LOW_WINDOW = 4096  # samples, 186 ms
LOW_AFTER = round(0.008 * RATE)  # samples behind a moment, where the knock of a stick is over
TOGETHER = 64  # moments whose low spectra are made together
N_GAPS = 2
GAPS_SECONDS = (0.03, 1.0)  # between which the time to the moments before and after counts
SURE = 8.0  # of a logit: what is beyond says no more


@dataclass(frozen=True, eq=False)
class Frames:
    """A piece of sound as the network heard it: samples (S,), frames (T, N_BANDS), logits (T, 2 V + 1), and its last
    hidden layer (T / joined, C)."""

    sound: FloatArray
    frames: FloatArray
    logits: FloatArray
    hidden: FloatArray
    joined: int


@dataclass(frozen=True, eq=False)
class Moments:
    """M moments in the order of time.

    Args:
        seconds: (M, V): where each voice would be struck. frame: (M,).
        onset, velocity: (M, V) logits. sound: (M, N_PATCH + N_LOW) levels, half of log10 of energy as in `frames`.
        hidden: (M, C).
    """

    seconds: FloatArray
    frame: IntArray
    onset: FloatArray
    velocity: FloatArray
    sound: FloatArray
    hidden: FloatArray

    def __len__(self) -> int:
        return len(self.frame)

    def features(self) -> FloatArray:
        """(M, n_features(C)) float32: what a second look is given of each."""
        at = self.seconds.min(1) if len(self) else np.zeros(0)
        gaps = np.log(np.clip(np.diff(at), *GAPS_SECONDS))
        wide = np.full(min(len(self), 1), np.log(GAPS_SECONDS[1]))
        around = np.stack([np.concatenate([wide, gaps]), np.concatenate([gaps, wide])], 1)
        return np.concatenate([self.onset, self.velocity, self.sound, self.hidden, around], 1, dtype=np.float32)


def n_features(n_hidden: int) -> int:
    """Numbers of a moment: two for each voice, its sound, the hidden layer, and the time around it."""
    return 2 * N_VOICES + N_PATCH + len(LOW_HZ) + n_hidden + N_GAPS


def moments(heard: Frames, first: int, end: int, place: int) -> Moments:
    """The moments of a piece's frames from `first` on and before `end`, the former being the recording's frame `place`.

    Their seconds are from the recording's first frame on.
    """
    onset = 1 / (1 + np.exp(-np.clip(heard.logits[:, :N_VOICES], -SURE, SURE)))
    frame, voice = pick(onset, np.full(N_VOICES, LEAST))
    number, at = _gathered(onset, frame, voice)
    where = np.repeat(at[:, None], N_VOICES, 1)
    where[number[number >= 0], voice[number >= 0]] = frame[number >= 0]
    has = np.zeros((len(at), N_VOICES), dtype=bool)
    has[number[number >= 0], voice[number >= 0]] = True
    own = np.flatnonzero((at >= first) & (at < end))
    at, where, has = at[own], where[own], has[own]
    voices = np.arange(N_VOICES)
    seconds = seconds_of(onset, where.ravel(), np.tile(voices, len(at))).reshape(where.shape)
    best = np.where(has, onset[where, voices], -1.0).argmax(1) if len(at) else np.zeros(0, dtype=np.int64)
    seconds = np.where(has, seconds, seconds[np.arange(len(at)), best][:, None])
    logits = np.clip(heard.logits, -SURE, SURE)
    return Moments(
        seconds + (place - first) * HOP / RATE,
        at + place - first,
        logits[where, voices].astype(np.float32),
        logits[where, N_VOICES + voices].astype(np.float32),
        np.concatenate([_patches(heard.frames, at), _low(heard.sound, at)], 1).astype(np.float16),
        heard.hidden[at // heard.joined].astype(np.float16),
    )


def joined(parts: Sequence[Moments], peaks: Sequence[float]) -> Moments:
    """The moments of a whole recording; each part had its own peak, of which the last is that of all."""
    levels = [
        np.maximum(part.sound + np.float16(np.log10(peak / peaks[-1])), np.float16(0))
        for part, peak in zip(parts, peaks, strict=True)
    ]
    seconds, frame, onset, velocity, hidden = (
        np.concatenate([getattr(part, name) for part in parts])
        for name in ("seconds", "frame", "onset", "velocity", "hidden")
    )
    return Moments(seconds, frame, onset, velocity, np.concatenate(levels), hidden)


def _gathered(onset: FloatArray, frame: IntArray, voice: IntArray) -> tuple[IntArray, IntArray]:
    """Of each peak the number of its moment, -1 for none; of each moment its frame, in the order of time.

    The strongest peak makes a moment, and peaks within APART - 1 frames are of it, one of a voice.
    """
    taken = np.full(len(onset) + 2 * APART, -1)
    number = np.full(len(frame), -1)
    centres: list[int] = []
    seen: set[tuple[int, int]] = set()
    for i in np.argsort(-onset[frame, voice], kind="stable").tolist():
        at = int(frame[i]) + APART
        if taken[at] < 0:
            around = taken[at - APART + 1 : at + APART]
            around[around < 0] = len(centres)
            centres.append(at - APART)
        own = (int(taken[at]), int(voice[i]))
        if own not in seen:
            seen.add(own)
            number[i] = own[0]
    order = np.argsort(centres, kind="stable")
    rank = np.empty(len(centres), dtype=np.int64)
    rank[order] = np.arange(len(centres))
    return np.where(number >= 0, rank[number] if len(rank) else -1, -1), np.array(centres, dtype=np.int64)[order]


def _patches(frames: FloatArray, at: IntArray) -> FloatArray:
    """(M, N_PATCH): the mean level of bands over each of SPANS; outside of a sound is silence."""
    pooled = frames.reshape(len(frames), -1, POOLED).mean(2, dtype=np.float64)
    sums = np.concatenate([np.zeros((1, pooled.shape[1])), np.cumsum(pooled, 0)])
    ends = [[np.clip(at + shift, 0, len(frames)) for shift in span] for span in SPANS]
    means = [(sums[last] - sums[begin]) / (span[1] - span[0]) for (begin, last), span in zip(ends, SPANS, strict=True)]
    return np.concatenate(means, 1)


def _low(sound: FloatArray, at: IntArray) -> FloatArray:
    """(M, N_LOW): the level at each of LOW_HZ behind a moment."""
    padded = np.pad(sound, (0, LOW_WINDOW + LOW_AFTER + HOP))
    rising = round(0.005 * RATE)
    shape = np.cos(np.linspace(0, np.pi / 2, LOW_WINDOW)) ** 2
    shape[:rising] *= np.linspace(0, 1, rising)
    bins = LOW_HZ * 2 * LOW_WINDOW / RATE
    below = bins.astype(np.int64)
    part = bins - below
    found = [np.zeros((0, len(LOW_HZ)))]
    for i in range(0, len(at), TOGETHER):
        starts = at[i : i + TOGETHER] * HOP + LOW_AFTER
        windows = padded[np.minimum(starts[:, None] + np.arange(LOW_WINDOW), len(padded) - 1)] * shape
        power = np.abs(np.fft.rfft(windows, 2 * LOW_WINDOW)) ** 2 / LOW_WINDOW
        energy = power[:, below] * (1 - part) + power[:, below + 1] * part
        found.append(np.log10(energy / FLOOR + 1) / 2)
    return np.concatenate(found)
