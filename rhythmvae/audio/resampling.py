"""Sound at any rate to RATE, block by block, with the same result as all of it at once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from math import gcd

import numpy as np

from rhythmvae.audio.hits import RATE
from rhythmvae.groove import FloatArray

HALF_LENGTH = 10  # of the filter, in periods of the lower rate
KAISER_BETA = 5.0
LEAST_BLOCK = 1 << 16  # samples that are resampled at a time, at least
MOST_AT_ONCE = 100_000  # periods, of which a filter is made at once: no rate up to 96 kHz has more, some beyond do


def resampled(blocks: Iterable[FloatArray], rate: int) -> Iterator[FloatArray]:
    """Blocks (N,) float32 at `rate`, of any lengths, as blocks at RATE.

    A polyphase filter (Kaiser window) looks HALF_LENGTH periods to both sides, so blocks are cut with that much of
    their neighbours beside them, where a sample of the input and one of the output fall together.
    """
    up, down = RATE // gcd(rate, RATE), rate // gcd(rate, RATE)
    if up == down:
        yield from blocks
        return
    longer = max(up, down)
    taps = _filter(longer, up)
    margin = _next_multiple(HALF_LENGTH * longer // up + 1, down)
    size = _next_multiple(LEAST_BLOCK, down)
    before = np.zeros(margin, np.float32)
    for block, is_last in _cut(blocks, size, margin):
        out = _polyphase(np.concatenate((before, block)), up, down, taps)
        n = len(block) if is_last else size
        start = margin * up // down
        yield out[start : start + -(-n * up // down)]
        before = block[size - margin : size] if size >= margin else np.concatenate((before, block[:size]))[-margin:]


def _filter(longer: int, up: int) -> FloatArray:
    """(2 * HALF_LENGTH * longer + 1,) low pass at the lower rate's half, of sum `up`."""
    if longer > MOST_AT_ONCE:
        return _long_filter(longer, up)
    at = np.arange(-HALF_LENGTH * longer, HALF_LENGTH * longer + 1)
    taps = np.sinc(at / longer) * np.kaiser(len(at), KAISER_BETA)
    return np.asarray(up * taps / taps.sum(), dtype=np.float32)


def _long_filter(longer: int, up: int) -> FloatArray:
    """The same up to rounding, a part at a time: at once one for 700 kHz would take 500 MB while it is made."""
    half = HALF_LENGTH * longer
    right = np.empty(half + 1)  # of both sides, which are alike
    for first in range(0, half + 1, MOST_AT_ONCE):
        at = np.arange(first, min(first + MOST_AT_ONCE, half + 1))
        window = np.i0(KAISER_BETA * np.sqrt(1 - (at / half) ** 2)) / np.i0(KAISER_BETA)
        right[first : first + len(at)] = np.sinc(at / longer) * window
    right *= up / (2 * right.sum() - right[0])
    taps = np.empty(2 * half + 1, dtype=np.float32)
    taps[half:] = right
    taps[:half] = taps[:half:-1]
    return taps


def _polyphase(samples: FloatArray, up: int, down: int, taps: FloatArray) -> FloatArray:
    """Samples (N,) with `up` for `down`: what scipy.signal.resample_poly gives, without its 50 MB of modules.

    Output m lies at m * down of the samples with up - 1 zeros after each, of which the filter meets every up-th.
    """
    half = len(taps) // 2
    reach = -(-(half + 1) // up)  # samples on either side that the filter can meet
    padded = np.pad(samples, (reach, reach + down))
    windows = np.lib.stride_tricks.sliding_window_view(padded, 2 * reach + 1)  # row n: round sample n
    out = np.empty(-(-len(samples) * up // down), dtype=np.float32)
    for first in range(min(up, len(out))):  # outputs m, m + up, ... fall equally between samples
        phase, start = first * down % up, first * down // up
        at = half + phase - up * np.arange(-reach, reach + 1)
        own = np.where((at >= 0) & (at < len(taps)), taps[np.clip(at, 0, len(taps) - 1)], 0.0).astype(np.float32)
        n = len(out[first::up])
        out[first::up] = windows[start : start + down * (n - 1) + 1 : down] @ own
    return out


def _next_multiple(least: int, of: int) -> int:
    return -(-least // of) * of


def _cut(blocks: Iterable[FloatArray], size: int, margin: int) -> Iterator[tuple[FloatArray, bool]]:
    """Blocks of `size` with the `margin` that follows each, and last what is left (at least one sample of it)."""
    held: list[FloatArray] = []
    n_held = 0
    for block in blocks:
        held.append(block)
        n_held += len(block)
        while n_held > size + margin:
            all_held = np.concatenate(held)
            yield all_held[: size + margin], False
            held = [all_held[size:]]
            n_held -= size
    if n_held:
        yield np.concatenate(held), True
