"""Grooves to play in the browser tests."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from rhythmvae import share
from rhythmvae.groove import Groove, Meter, Tempo
from rhythmvae.kit import VOICE_INDEX

CRASH, SNARE = VOICE_INDEX["crash"], VOICE_INDEX["snare"]


def groove(
    *hits: tuple[str, float, int],
    n_steps: int = 16,
    tempos: tuple[tuple[float, float], ...] = ((0.0, 120.0),),
    meter: tuple[int, int] = (4, 4),
    title: str = "",
) -> Groove:
    voice, position, velocity = zip(*hits, strict=True) if hits else ((), (), ())
    return Groove(
        np.array(position, dtype=np.float64),
        np.array([VOICE_INDEX[v] for v in voice], dtype=np.int64),
        np.array(velocity, dtype=np.int64),
        n_steps,
        tuple(Tempo(*t) for t in tempos),
        (Meter(0.0, *meter),),
        title=title,
    )


def straight(n_bars: int = 1) -> Groove:
    """Eight hats, kick and snare to the bar."""
    bar = [("closed_hat", s, 90) for s in range(0, 16, 2)]
    bar += [("kick", 0, 110), ("snare", 4, 105), ("kick", 8, 112), ("snare", 12, 108)]
    return groove(*((v, s + 16 * b, x) for b in range(n_bars) for v, s, x in bar), n_steps=16 * n_bars)


# All that the mixer does in one bar: two tempos, soft strokes, a hit before the first step, an open hat
# that a hat chokes across the seam, three loud voices at once, a low tom that rings on past the end.
RICH = groove(
    *(("kick", 0.0, 120), ("snare", 0.0, 127), ("crash", 0.02, 127)),
    *(("closed_hat", -0.25, 90), ("closed_hat", 2.0, 100), ("closed_hat", 8.3, 25), ("closed_hat", 10.49, 127)),
    *(("snare", 4.0, 110), ("kick", 6.13, 112), ("snare", 12.8, 40), ("snare", 13.0, 115)),
    *(("open_hat", 14.0, 120), ("low_tom", 15.0, 118)),
    tempos=((0.0, 105.0), (8.0, 140.0)),
)

# Cymbals that ring into each other: nothing of it is silent.
RINGING = groove(
    *(("crash", step, 120) for step in range(0, 32, 4)),
    *(("ride", step, 110) for step in range(0, 32, 2)),
    *(("kick", step, 115) for step in range(0, 32, 8)),
    n_steps=32,
)


def shared(g: Groove) -> Groove:
    """As a link carries it."""
    return share.from_text(share.to_text(g)).groove


def made(groove: Groove, seed: int) -> Groove:
    """Softer snares a bit late, one crash more, and no first hit: something of everything that is marked."""
    position = groove.position + 0.2 * (groove.voice == SNARE)
    velocity = np.clip(groove.velocity - 20 * (groove.voice == SNARE), 1, 127)
    order = np.arange(1, len(groove))
    found = groove.with_hits(
        np.append(position[order], 5.0 + seed),
        np.append(groove.voice[order], CRASH),
        np.append(velocity[order], 90),
    )
    return replace(found, title=f"Made {seed}")
