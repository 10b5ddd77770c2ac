"""Whether a beat is felt as it is, or twice as fast or as slow: the octave of a tempo, from what the drums play.

Of a tempo and its octaves one lies within half an octave of USUAL_BPM. What is played on the lines of a bar of its
beats, and how fast it is, are the numbers that a forest of extremely randomized trees (Geurts, Ernst and Wehenkel 2006)
was shown, with the octave that drummers call the beat: takes of the Groove MIDI Dataset's training rows and half of the
patterns of a drum machine. `python -m benchmarks.octaves` learns it anew and writes TABLE. The tempo of a file
(`pulse`) and that of a sound (`audio.tempo`) ask the same trees.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from rhythmvae.analysis.forest import KINDS, Forest
from rhythmvae.analysis.lines import BEATS, GROUP_OF_VOICE, N_GROUPS, N_TICKS, TICKS, nearest_line
from rhythmvae.groove import FloatArray, IntArray

TABLE = Path(__file__).with_name("octaves.npz")
USUAL_BPM = 105.0
LENGTHS = np.array([0.5, 1.0, 2.0])  # of the felt beat, by the usual one: the classes of the trees
MAX_HITS = 400  # of a groove that the trees were shown
SHORTEST_SPAN = 0.5  # seconds
_KICK, _SNARE, _CLOSED_HAT, _OPEN_HAT, _RIDE = 0, 1, 2, 3, 6  # groups
_ON, _BETWEEN, _SIXTEENTHS = slice(0, None, 4), slice(2, None, 4), slice(1, None, 2)  # of the 16 cells of a bar
_BACKBEATS, _HALFWAY, _FIRST = [4, 12], [8], [0]
_SHARES: tuple[tuple[tuple[int, ...], slice | list[int]], ...] = (  # of the strokes of groups, those on some cells
    *(((_SNARE,), cells) for cells in (_BACKBEATS, _HALFWAY, _ON, _BETWEEN, _SIXTEENTHS)),
    *(((_KICK,), cells) for cells in (_FIRST, _ON, _SIXTEENTHS, _BETWEEN)),
    *(((_CLOSED_HAT, _OPEN_HAT), cells) for cells in (_SIXTEENTHS, _BETWEEN, _ON)),
    *(((_RIDE,), cells) for cells in (_SIXTEENTHS, _BETWEEN, _ON)),
    *((tuple(range(N_GROUPS)), cells) for cells in (_SIXTEENTHS, _BETWEEN)),
)
_NOTHING = 1e-3


@dataclass(frozen=True, eq=False)
class Played:
    """Hits (H,) of G grooves. groove: whose each is. loudness: the root of its velocity, 0 to 1. beat, one, span (G,):
    seconds of a usual beat, of the begin of a bar, and of what is played."""

    groove: IntArray
    seconds: FloatArray
    voice: IntArray
    loudness: FloatArray
    beat: FloatArray
    one: FloatArray
    span: FloatArray


def usual(beat: FloatArray) -> FloatArray:
    """Beats of any length, in seconds, as the octave of each that is nearest to USUAL_BPM.

    >>> usual(np.array([60 / 50, 60 / 105, 60 / 170])).tolist() == [60 / 100, 60 / 105, 60 / 85]
    True
    """
    return np.asarray(beat * 2.0 ** np.rint(np.log2(60 / USUAL_BPM / beat)))


def votes(played: Played) -> FloatArray:
    """(G, 3) the share of the trees for each of LENGTHS."""
    return _forest().votes(numbers(played), len(LENGTHS))


def numbers(played: Played) -> FloatArray:
    """(G, F) float32: what the trees are shown of grooves."""
    n = len(played.beat)
    line = nearest_line((played.seconds - played.one[played.groove]) / played.beat[played.groove] * TICKS) % N_TICKS
    bar = np.zeros((n, N_GROUPS, N_TICKS))
    np.add.at(bar, (played.groove, GROUP_OF_VOICE[played.voice], line), played.loudness)
    bar *= (BEATS / np.maximum(played.span / played.beat, 1.0))[:, None, None]
    cells, total = bar[..., ::3], bar.sum(2)
    halves = cells.reshape(n, N_GROUPS, 2, 8)
    columns = [
        np.log2(60 / played.beat / USUAL_BPM)[:, None],
        total,
        total.sum(1, keepdims=True),
        cells.reshape(n, -1),
        bar.reshape(n, N_GROUPS, BEATS, TICKS)[..., [4, 8]].sum((2, 3)),  # triplets
        cells.reshape(n, N_GROUPS, BEATS, 4).sum(2).reshape(n, -1),
        halves.sum(2).reshape(n, -1),
        *(_share(cells, groups, on)[:, None] for groups, on in _SHARES),
        np.abs(halves[:, :3, 0] - halves[:, :3, 1]).sum(2) / (cells[:, :3].sum(2) + _NOTHING),
    ]
    return np.concatenate(columns, 1).astype(np.float32)


N_NUMBERS = 1 + N_GROUPS + 1 + N_GROUPS * (16 + 1 + 4 + 8) + len(_SHARES) + 3


def _share(cells: FloatArray, groups: tuple[int, ...], on: slice | list[int]) -> FloatArray:
    own = cells[:, list(groups)].sum(1)
    return np.asarray(own[:, on].sum(1) / (own.sum(1) + _NOTHING))


@cache
def _forest() -> Forest:
    with np.load(TABLE, allow_pickle=False) as arrays:
        return Forest.read({name: arrays[name] for name in KINDS}, N_NUMBERS, len(LENGTHS))
