"""Onset probabilities to hits: peaks of each voice, placed between frames."""

from __future__ import annotations

import numpy as np

from rhythmvae.audio.frames import FRAMES_PER_SECOND
from rhythmvae.groove import FloatArray, IntArray
from rhythmvae.kit import VOICE_INDEX

APART = 3  # frames that two strokes of a voice are apart at least: 30 ms, a fast flam


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


def one_hat(probability: FloatArray, frame: IntArray, voice: IntArray) -> tuple[IntArray, IntArray]:
    """Hits without the less likely of a closed and an open hat at one time: there is one pair of hats."""
    keep = np.ones(len(frame), dtype=bool)
    own, other = VOICE_INDEX["closed_hat"], VOICE_INDEX["open_hat"]
    for i in np.flatnonzero(voice == own):
        for j in np.flatnonzero((voice == other) & (np.abs(frame - frame[i]) < APART)):
            likely = probability[frame[i], own] >= probability[frame[j], other]
            keep[j if likely else i] = False
    return frame[keep], voice[keep]
