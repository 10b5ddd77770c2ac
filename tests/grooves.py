"""Small grooves and takes that tests build for themselves. Nothing here imports torch: `make test-fast` needs none."""

from __future__ import annotations

from typing import Any

import numpy as np

from rhythmvae.data.corpus import Take
from rhythmvae.groove import Groove, Meter, Tempo
from rhythmvae.kit import N_VOICES, VOICE_INDEX


def groove(
    *hits: tuple[float, str] | tuple[float, str, int],
    n_steps: int = 32,
    meters: tuple[Meter, ...] = (Meter(0.0, 4, 4),),
    tempos: tuple[Tempo, ...] = (Tempo(0.0, 120.0),),
) -> Groove:
    """Hits as (position in steps, voice, velocity or 100)."""
    return Groove(
        np.array([h[0] for h in hits], dtype=np.float64),
        np.array([VOICE_INDEX[h[1]] for h in hits], dtype=np.int64),
        np.array([h[2] if len(h) > 2 else 100 for h in hits], dtype=np.int64),
        n_steps,
        tempos,
        meters,
    )


def random_groove(seed: int, n_steps: int = 32, n_hits: int = 30, **frame: Any) -> Groove:
    """Hits anywhere, several to a cell now and then."""
    rng = np.random.default_rng(seed)
    return Groove(
        rng.uniform(-0.4, n_steps - 0.6, n_hits),
        rng.integers(0, N_VOICES, n_hits),
        rng.integers(1, 128, n_hits),
        n_steps,
        **frame,
    )


def take(seed: int, split: str | None = None, **more: Any) -> Take:
    return Take(f"{seed}.mid", random_groove(seed, **more), split)
