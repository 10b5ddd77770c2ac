"""Whether strokes are a line of notes and no drums: a bass, a guitar or a piano that an ear takes for kicks and toms.

Drums bring something bright, a hat, a cymbal or a snare's wires, or strike few pitches, or ring without one. Notes of
an instrument are dull, as kicks are; each is a tone, and the next one is another. So the doubt is the entropy of the
strokes' pitches, in bits, times how dull the brightest of them are and how many are tones; there is none where every
eighth stroke is one of metal. The numbers were chosen on rendered sounds (docs/decisions/0049-sound-to-the-end.md).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cache

import numpy as np

from rhythmvae.audio.hits import RATE, Heard
from rhythmvae.groove import FloatArray, IntArray
from rhythmvae.kit import VOICE_INDEX

WINDOW, HOP = 2048, 512  # samples, 93 ms and 23 ms
MOST_FRAMES = 128  # that are looked at together
PITCH_HZ = (35.0, 5_000.0)  # where a pitch is looked for
PERIOD_HZ = (35.0, 1_000.0)  # where a tone's own period is
BRIGHT_HZ = 4_000.0
CRACK_SECONDS, TONE_SECONDS = 0.01, 0.07  # behind an onset, where a stroke is brightest, and where its pitch is read
PITCHED_DB = 30.0  # below the loudest frame; softer ones say no pitch
BRIGHTEST = 0.9  # quantile of how bright strokes are: a tenth of them may make a sound bright
DULL, BRIGHT = -1.8, -1.0  # log10 of the share of energy above BRIGHT_HZ: all dull, and not at all
PERIODIC = 0.8  # correlation of a stroke with itself one period later from which it is a tone
FEW_TONES, MANY_TONES = 0.55, 0.75  # shares of tones: no line of notes, and one
WEIGHT = 2.5  # log odds for a bit
METAL = [VOICE_INDEX[key] for key in ("closed_hat", "crash", "ride")]
LEAST_METAL = 1 / 8  # of the strokes, from which there is no doubt
_QUIET = 1e-9  # of energy


class Pitches:
    """The pitch and the brightness of each moment of a sound whose blocks pass through `of`."""

    def __init__(self) -> None:
        self._rest = np.zeros(WINDOW // 2, dtype=np.float32)  # a frame lies round its moment
        self._frames: list[FloatArray] = []  # (N, 4) each: level, pitch, bright share, correlation

    def of(self, blocks: Iterable[FloatArray]) -> Iterator[FloatArray]:
        for block in blocks:
            for start in range(0, len(block), MOST_FRAMES * HOP):
                self._take(block[start : start + MOST_FRAMES * HOP])
            yield block

    def doubt(self, strokes: Heard) -> float:
        """Log odds against drums by the pitches of strokes, 0 or more; call it once, when all blocks have passed."""
        self._take(np.zeros(WINDOW, dtype=np.float32))
        frames = np.concatenate(self._frames)
        if not len(strokes):
            return 0.0
        level, pitch, bright, correlation = frames.T
        share = np.quantile(bright[_at(strokes, CRACK_SECONDS, frames)], BRIGHTEST)
        dull = (BRIGHT - np.log10(share + 1e-3)) / (BRIGHT - DULL)
        at = _at(strokes, TONE_SECONDS, frames)
        tones = (np.average(correlation[at] > PERIODIC, weights=strokes.velocity) - FEW_TONES) / (
            MANY_TONES - FEW_TONES
        )
        metal = np.isin(strokes.voice, METAL).mean() / LEAST_METAL
        bits = _entropy(pitch[at[level[at] > level.max() - PITCHED_DB]])
        return float(WEIGHT * bits * np.prod(np.clip([dull, tones, 1 - metal], 0.0, 1.0)))

    def _take(self, samples: FloatArray) -> None:
        own = np.concatenate((self._rest, samples))
        if len(own) >= WINDOW:
            windows = np.lib.stride_tricks.sliding_window_view(own, WINDOW)[::HOP]
            self._frames.append(_looked_at(windows))
            own = own[len(windows) * HOP :].copy()
        self._rest = own


def _at(strokes: Heard, behind: float, frames: FloatArray) -> IntArray:
    """The frame so many seconds behind each stroke."""
    found = np.rint((strokes.seconds + behind) * RATE / HOP).astype(np.int64)
    return np.asarray(np.minimum(found, len(frames) - 1))


def _looked_at(windows: FloatArray) -> FloatArray:
    """(N, 4) of windows (N, WINDOW): level in dB; the pitch of the strongest peak in semitones, between bins by a
    parabola through its logarithm; the share that is bright; the largest correlation with itself a period later."""
    shape = _shape()
    padded = np.zeros((len(windows), 2 * WINDOW), dtype=np.float32)
    padded[:, :WINDOW] = (windows - windows.mean(1, keepdims=True)) * shape
    power = np.abs(np.fft.rfft(padded, axis=1)) ** 2
    energy = power[:, ::2]  # as without the padding
    total = energy.sum(1) + _QUIET
    hz = np.arange(energy.shape[1]) * RATE / WINDOW
    first, end = np.searchsorted(hz, PITCH_HZ)
    inside = energy[:, first:end]
    is_peak = (inside[:, 1:-1] > inside[:, :-2]) & (inside[:, 1:-1] >= inside[:, 2:])
    best = np.where(is_peak, inside[:, 1:-1], 0.0).argmax(1) + 1
    left, middle, right = (np.log(inside[np.arange(len(best)), best + shift] + 1e-12) for shift in (-1, 0, 1))
    bend = np.minimum(left - 2 * middle + right, -1e-9)
    semitones = 12 * np.log2((first + best + np.clip((left - right) / 2 / bend, -0.5, 0.5)) * RATE / WINDOW / 440.0)
    shortest, longest = (round(RATE / each) for each in reversed(PERIOD_HZ))
    again = np.fft.irfft(power, axis=1)[:, :longest]
    likeness = (again[:, shortest:] / _usual()[shortest:longest]).max(1) / (again[:, 0] + _QUIET)
    return np.stack([10 * np.log10(total), semitones, energy[:, hz > BRIGHT_HZ].sum(1) / total, likeness], 1)


@cache
def _shape() -> FloatArray:
    return np.hanning(WINDOW + 1)[:-1].astype(np.float32)


@cache
def _usual() -> FloatArray:
    """The window's own correlation with itself by the shift, 1 for none."""
    found = np.fft.irfft(np.abs(np.fft.rfft(np.pad(_shape(), (0, WINDOW)))) ** 2)[:WINDOW]
    return np.asarray(found / found[0] + 1e-9)


def _entropy(semitones: FloatArray) -> float:
    """Bits of how pitches are spread over semitones.

    >>> _entropy(np.array([0.1, 0.2, 12.0, 12.1])), _entropy(np.zeros(0))
    (1.0, 0.0)
    """
    if not len(semitones):
        return 0.0
    _, counts = np.unique(np.rint(semitones), return_counts=True)
    share = counts / counts.sum()
    return float(max(0.0, -(share * np.log2(share)).sum()))
