"""Sound in memory as it is sent and kept: mono at RATE, 16 bit, little-endian; ten minutes are 26.5 MB."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator

import numpy as np

from rhythmvae.audio.hits import RATE
from rhythmvae.audio.read import MAX_SECONDS, MIN_SECONDS
from rhythmvae.groove import FloatArray

SAMPLE_BYTES = 2
BYTES_PER_SECOND = RATE * SAMPLE_BYTES
MIN_BYTES, MAX_BYTES = round(MIN_SECONDS * RATE) * SAMPLE_BYTES, round(MAX_SECONDS * RATE) * SAMPLE_BYTES
_FULL = 32_767  # of a sample
_BLOCK_BYTES = 1 << 18


def blocks(data: bytes) -> Iterator[FloatArray]:
    """The samples as blocks (N,) of float32 in [-1, 1].

    >>> [block.tolist() for block in blocks(packed([np.array([0.0, -1.0])]))]
    [[0.0, -1.0]]
    """
    for start in range(0, len(data), _BLOCK_BYTES):
        yield np.frombuffer(data[start : start + _BLOCK_BYTES], "<i2").astype(np.float32) / _FULL


def packed(parts: Iterable[FloatArray]) -> bytes:
    """The reverse of `blocks`; what is beyond [-1, 1] is clipped."""
    return b"".join(np.rint(np.clip(part, -1.0, 1.0) * _FULL).astype("<i2").tobytes() for part in parts)


def wav(data: bytes) -> bytes:
    """The same as a WAV file, which any browser plays."""
    kind = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 1, RATE, BYTES_PER_SECOND, SAMPLE_BYTES, 8 * SAMPLE_BYTES)
    body = b"WAVE" + kind + struct.pack("<4sI", b"data", len(data)) + data
    return struct.pack("<4sI", b"RIFF", len(body)) + body
