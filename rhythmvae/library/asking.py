"""What is looked for: a groove as the windows it is compared by, and what else a result must be.

A groove may lie in the library as it is, turned within its bar (begun at another 16th), or at half or double time. Each
of these is a *variant* of one of its windows; those that are not as it is cost a little, so that what is as it is comes
first among equals.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from rhythmvae.errors import UsageError
from rhythmvae.groove import HIT, WINDOW_STEPS, FloatArray, Groove, Layers, to_grid
from rhythmvae.kit import GROUPS, VOICE_INDEX, VOICE_KEYS
from rhythmvae.library.columns import N_WORDS, words_of
from rhythmvae.library.windows import MAX_LOOP_BARS, around, cut, pattern
from rhythmvae.text import did_you_mean

MAX_WINDOWS = 4  # of a groove that is looked for, spread over it
MAX_TURNS = 32  # of a bar: one for each of its 16ths
TURNED_COST, OTHER_RATE_COST = 0.02, 0.03
RATES = (0.5, 2.0)
MOST_OFFSET = 0.4  # steps: hits that are farther from every 16th lie between two
ALL_VOICES = tuple(range(len(VOICE_KEYS)))


@dataclass(frozen=True, eq=False)
class Variant:
    """A window (T, V, L, F) to compare by, what it costs, and what it is: begun `turned` 16ths later, `rate` times as
    fast."""

    grid: FloatArray
    cost: float = 0.0
    turned: int = 0
    rate: float = 1.0


@dataclass(frozen=True, eq=False)
class Asked:
    """A groove that is looked for: variants of each of its windows, the first of each as it is; voices that count; how
    many bars it has."""

    windows: tuple[tuple[Variant, ...], ...]
    voices: tuple[int, ...] = ALL_VOICES
    n_bars: int = 1

    @property
    def mask(self) -> np.ndarray[Any, Any]:
        """(N_WORDS,) uint64: the cells of the voices that count."""
        cells = np.zeros((WINDOW_STEPS, len(VOICE_KEYS)), bool)
        cells[:, list(self.voices)] = True
        mask: np.ndarray[Any, Any] = words_of(np.packbits(cells.ravel())[None])[:, 0]
        return mask


@dataclass(frozen=True)
class Filters:
    """What a result must be; None and () ask for nothing.

    Args:
        tempo, density: lowest and highest, in beats a minute and hits a quarter.
        meters, styles, plays, feels: one of these names; of feels all.
        folder: a folder below an indexed one, or the indexed one itself.
        words: each is in a file's path, in small or large letters.
    """

    tempo: tuple[float, float] | None = None
    density: tuple[float, float] | None = None
    meters: tuple[str, ...] = ()
    styles: tuple[str, ...] = ()
    plays: tuple[str, ...] = ()
    feels: tuple[str, ...] = ()
    folder: str | None = None
    words: tuple[str, ...] = ()

    @property
    def is_none(self) -> bool:
        return self == Filters()


def asked(groove: Groove, layers: Layers, voices: Sequence[int] = ALL_VOICES, *, as_it_is: bool = False) -> Asked:
    """A groove to look for.

    Args:
        as_it_is: not turned, nor at another rate.

    Raises:
        UsageError: a groove without a hit, or without one of these voices.
    """
    if not len(groove):
        raise UsageError("Expected a groove to look for, got one without a hit.")
    if not np.isin(groove.voice, list(voices)).any():
        names = ", ".join(VOICE_KEYS[voice] for voice in voices)
        raise UsageError(f"Expected a groove that plays {names}, got one without a hit of them; choose other voices.")
    whole = cut(groove, layers)
    keep = [i for i, grid in enumerate(whole.grids) if (grid[:, list(voices), :, HIT] > 0).any()]
    # A loop's second window begins a bar later and says little that the first has not: every other one is enough.
    first = keep if len(keep) <= 1 else keep[:: 2 if groove.n_bars > 1 else 1]
    chosen = [first[i] for i in np.unique(np.linspace(0, len(first) - 1, MAX_WINDOWS).astype(int)).tolist()]
    grid = to_grid(groove, layers).tensor
    bar = min(int(groove.meters[0].steps_per_bar), MAX_TURNS)

    def variants(i: int) -> tuple[Variant, ...]:
        start, found = whole.starts[i], [Variant(whole.grids[i])]
        if not as_it_is:
            found += [Variant(around(grid, start + turned), TURNED_COST, turned) for turned in range(1, bar)]
            for rate in RATES:
                found += [Variant(own, OTHER_RATE_COST, rate=rate) for own in _at_rate(groove, start, rate, layers)]
        return tuple(variant for variant in found if variant.grid[..., HIT].any())

    return Asked(tuple(variants(i) for i in chosen), tuple(voices), groove.n_bars)


def _at_rate(groove: Groove, start: int, rate: float, layers: Layers) -> list[FloatArray]:
    """The window of a groove from a step on that is played so many times as fast; none where its hits are then too near
    for 16ths, or the groove ends before."""
    stop = start + round(WINDOW_STEPS * rate)
    if stop > groove.n_steps:
        if groove.n_bars > MAX_LOOP_BARS:
            return []
        groove = groove.looped(-(-stop // groove.n_steps))
    part = groove.slice(start, stop)
    position = part.position / rate
    if len(part) and np.abs(position - np.rint(position)).max() > MOST_OFFSET:
        return []
    position = np.where(position < -0.5, position + WINDOW_STEPS, position)  # pushed before the first step
    return [to_grid(Groove(position, part.voice, part.velocity, WINDOW_STEPS), layers).tensor]


def voices_named(names: Sequence[str]) -> tuple[int, ...]:
    """Voices and groups (kick, snare, hats, toms, cymbals) by name.

    Raises:
        UsageError: an unknown name.

    >>> voices_named(["kick", "hats"])
    (0, 2, 3)
    """
    found: set[int] = set()
    for name in names:
        if name not in VOICE_INDEX and name not in GROUPS:
            known = [*VOICE_KEYS, *GROUPS]
            near = did_you_mean(name, known)
            raise UsageError(f"Expected voices or groups of {', '.join(dict.fromkeys(known))}, got {name[:40]!r}{near}")
        found |= {VOICE_INDEX[key] for key in GROUPS.get(name, (name,))}
    return tuple(sorted(found))


def packed(variants: Sequence[Variant]) -> np.ndarray[Any, Any]:
    """(K, N_WORDS) uint64, the patterns of K variants."""
    rows = np.array([pattern(variant.grid) for variant in variants], np.uint8)
    words: np.ndarray[Any, Any] = words_of(rows).T
    assert words.shape[1] == N_WORDS
    return words
