"""Onset probabilities to hits: peaks of each voice, placed between frames."""

from __future__ import annotations

import numpy as np

from rhythmvae.audio.frames import FRAMES_PER_SECOND
from rhythmvae.groove import BoolArray, FloatArray, IntArray
from rhythmvae.kit import VOICE_INDEX

APART = 3  # frames that two strokes of a voice are apart at least: 30 ms, a fast flam
KINDS = [
    [VOICE_INDEX[key] for key in keys] for keys in (("closed_hat", "open_hat"), ("low_tom", "mid_tom", "high_tom"))
]


def pick(probability: FloatArray, thresholds: FloatArray) -> tuple[IntArray, IntArray]:
    """Frames and voices of the peaks of (T, V) above each voice's threshold, in the order of time.

    A peak is not below any value within APART - 1 frames, and above all before it there.
    """
    padded = np.pad(probability, ((APART - 1, APART - 1), (0, 0)), constant_values=-1.0)
    n = len(probability)
    is_peak = probability > thresholds
    for shift in range(1, APART):
        is_peak &= probability > padded[APART - 1 - shift :][:n]
        is_peak &= probability >= padded[APART - 1 + shift :][:n]
    frame, voice = np.nonzero(is_peak)
    return frame, voice


def seconds_of(probability: FloatArray, frame: IntArray, voice: IntArray) -> FloatArray:
    """Where the onsets lie: the centre of mass of a peak's frame and its two neighbours, in seconds."""
    padded = np.pad(probability, ((1, 1), (0, 0)))
    before, at, after = (padded[frame + shift, voice] for shift in range(3))
    return (frame + (after - before) / np.maximum(before + at + after, 1e-9)) / FRAMES_PER_SECOND


def one_of_its_kind(probability: FloatArray, frame: IntArray, voice: IntArray) -> tuple[IntArray, IntArray]:
    """Hits (in the order of time) without those that `are_alone` leaves out."""
    keep = are_alone(probability[frame, voice], frame, voice)
    return frame[keep], voice[keep]


def are_alone(likely: FloatArray, frame: FloatArray | IntArray, voice: IntArray) -> BoolArray:
    """Which hits (N,) stay: at one time only the likeliest of KINDS' voices.

    There is one pair of hats, and of toms an ear is seldom sure which it was: where two are said to be struck together,
    it is nearly always one.
    """
    keep = np.ones(len(frame), dtype=bool)
    for kind in KINDS:
        own = np.flatnonzero(np.isin(voice, kind))
        for i in own[np.argsort(-likely[own], kind="stable")]:
            if keep[i]:
                keep[own[(np.abs(frame[own] - frame[i]) < APART) & (voice[own] != voice[i])]] = False
    return keep
