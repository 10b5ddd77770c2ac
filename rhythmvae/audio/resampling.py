"""Sound at any rate to RATE, block by block, with the same result as all of it at once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from math import gcd

import numpy as np

from rhythmvae.audio.hits import RATE
from rhythmvae.groove import FloatArray

HALF_LENGTH = 10  # of the filter, in periods of the lower rate, as scipy.signal.resample_poly has it
KAISER_BETA = 5.0
LEAST_BLOCK = 1 << 16  # samples that are resampled at a time, at least


def resampled(blocks: Iterable[FloatArray], rate: int) -> Iterator[FloatArray]:
    """Blocks (N,) float32 at `rate`, of any lengths, as blocks at RATE.

    A polyphase filter (Kaiser window) looks HALF_LENGTH periods to both sides, so blocks are cut with that much of
    their neighbours beside them, where a sample of the input and one of the output fall together.
    """
    up, down = RATE // gcd(rate, RATE), rate // gcd(rate, RATE)
    if up == down:
        yield from blocks
        return
    from scipy.signal import firwin, resample_poly

    longer = max(up, down)
    taps = firwin(2 * HALF_LENGTH * longer + 1, 1 / longer, window=("kaiser", KAISER_BETA)).astype(np.float32)
    margin = _next_multiple(HALF_LENGTH * longer // up + 1, down)
    size = _next_multiple(LEAST_BLOCK, down)
    before = np.zeros(margin, np.float32)
    for block, is_last in _cut(blocks, size, margin):
        out = resample_poly(np.concatenate((before, block)), up, down, window=taps)
        n = len(block) if is_last else size
        start = margin * up // down
        yield out[start : start + -(-n * up // down)]
        before = block[size - margin : size] if size >= margin else np.concatenate((before, block[:size]))[-margin:]


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
