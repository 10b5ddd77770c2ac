"""What is in a file, as it is written down.

A *pattern* is which cells of a window are hit: T * V bits, step by step, as N_BYTES bytes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from rhythmvae.groove import WINDOW_STEPS
from rhythmvae.kit import N_VOICES

N_BYTES = WINDOW_STEPS * N_VOICES // 8


@dataclass(frozen=True, eq=False)
class Read:
    """What is in a file.

    Args:
        columns: n_bars, n_hits, tempo, meter, style, plays, feel, density; texts are "" where nothing is known, feel
            has names with commas between them.
        loop: the shortest part that it repeats, or a digest of it where that is long; the same for exact duplicates.
        said: what `describe` says, without lists of hits.
        bars: first and last of each window, from 1. bits: (W, N_BYTES) uint8. latents: (W, Z) float16.
    """

    columns: tuple[int, int, float, str, str, str, str, float]
    loop: bytes
    said: dict[str, Any]
    bars: list[tuple[int, int]]
    bits: np.ndarray[Any, Any]
    latents: np.ndarray[Any, Any]
