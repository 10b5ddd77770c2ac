"""How loud a sound is to listeners: ITU-R BS.1770-4, of one channel."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import numpy as np

from rhythmvae.compiled import of_scipy
from rhythmvae.groove import FloatArray
from rhythmvae.sound.kits import SAMPLE_RATE

BLOCK_SECONDS, OVERLAP = 0.4, 0.75
GATE_LUFS, RELATIVE_GATE_LU = -70.0, -10.0  # what is softer, of all and of what is left, does not count
_OFFSET = -0.691
# The weighting is a high shelf, gain in dB, steepness and Hz, and a high pass.
_SHELF, _PASS = (4.0, 1 / np.sqrt(2), 1500.0), (0.5, 38.0)


def loudness(sound: FloatArray) -> float:
    """Integrated loudness in LUFS; minus infinity for silence.

    Args:
        sound: (n,) samples, at least BLOCK_SECONDS of them.
    """
    heard: FloatArray = np.asarray(sound, np.float64)
    for b, a in (_high_shelf(*_SHELF), _high_pass(*_PASS)):
        heard = _filtered(b, a, heard)
    step = 1.0 - OVERLAP
    n_blocks = int(np.round((len(heard) / SAMPLE_RATE - BLOCK_SECONDS) / (BLOCK_SECONDS * step))) + 1
    places = [
        (int(BLOCK_SECONDS * (n * step) * SAMPLE_RATE), int(BLOCK_SECONDS * (n * step + 1) * SAMPLE_RATE))
        for n in range(n_blocks)
    ]
    power = np.array([np.sum(np.square(heard[low:high])) for low, high in places])
    power *= 1.0 / (BLOCK_SECONDS * SAMPLE_RATE)
    with np.errstate(divide="ignore"):
        of_blocks = _OFFSET + 10.0 * np.log10(power)
    counted = of_blocks >= GATE_LUFS
    if not counted.any():
        return -np.inf
    gate = _OFFSET + 10.0 * np.log10(np.mean(power[counted])) + RELATIVE_GATE_LU
    return float(_OFFSET + 10.0 * np.log10(np.mean(power[(of_blocks > gate) & (of_blocks > GATE_LUFS)])))


def _high_shelf(gain: float, steepness: float, hz: float) -> tuple[FloatArray, FloatArray]:
    """Coefficients of a filter of second order (R. Bristow-Johnson's), numerator and denominator."""
    amplitude, w = 10 ** (gain / 40.0), 2.0 * np.pi * (hz / SAMPLE_RATE)
    alpha, cosine = np.sin(w) / (2.0 * steepness), np.cos(w)
    more, less, root = amplitude + 1, amplitude - 1, 2 * np.sqrt(amplitude) * alpha
    b = [
        amplitude * (more + less * cosine + root),
        -2 * amplitude * (less + more * cosine),
        amplitude * (more + less * cosine - root),
    ]
    a = [more - less * cosine + root, 2 * (less - more * cosine), more - less * cosine - root]
    return np.array(b) / a[0], np.array(a) / a[0]


def _high_pass(steepness: float, hz: float) -> tuple[FloatArray, FloatArray]:
    w = 2.0 * np.pi * (hz / SAMPLE_RATE)
    alpha, cosine = np.sin(w) / (2.0 * steepness), np.cos(w)
    b, a = [(1 + cosine) / 2, -(1 + cosine), (1 + cosine) / 2], [1 + alpha, -2 * cosine, 1 - alpha]
    return np.array(b) / a[0], np.array(a) / a[0]


def _filtered(b: FloatArray, a: FloatArray, x: FloatArray) -> FloatArray:
    """scipy's lfilter."""
    found = of_scipy("signal", "_sigtools", "_linear_filter")
    if found is not None:
        return cast("FloatArray", found(b, a, x, -1))
    from scipy.signal import lfilter

    return cast("FloatArray", cast("Callable[..., Any]", lfilter)(b, a, x))
