"""The hits of a groove one by one: how loud each is for its drum, how long it lasts, and the ornaments it belongs to.

Arrays are (N,), in the groove's order. Rules, all of one drum:

* *ghost*, *normal*, *accent*: by the drum's own levels in this groove. Its velocities are split in two where that
  explains most of their variance (Otsu 1979); the drum has two levels if the mean of the louder is LEVELS_APART of
  the softer's, and the split explains EXPLAINED of the variance, or the louder is LEVELS_FAR_APART of the softer.
  A ghost has less than GHOST_SHARE of the mean of the louder (of all, where there is one level). What is no ghost is
  split once more in the same way, and the louder of two levels are accents. A drum whose own level is under
  GHOST_BELOW, and under GHOST_SHARE of the loudest drum's, has ghosts alone.
* *roll*: ROLL_STROKES or more, evenly, each within CLOSE_SECONDS and CLOSE_STEPS of the next.
* *drag*: two soft strokes and a main one, each as close to the next as in a roll.
* *flam*: a soft stroke at most FLAM_SECONDS before a main one, and nothing else close before.
* *choke*: an open hat that a closed one ends within CHOKE_SECONDS and CHOKE_STEPS. Cymbals that are grabbed leave no
  trace in the hits.

A stroke is soft before a main one if it has at most GRACE_SHARE of its velocity.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from rhythmvae.analysis.descriptors import GHOST_BELOW
from rhythmvae.analysis.many import Many
from rhythmvae.groove import MAX_VELOCITY, BoolArray, FloatArray, Groove, IntArray
from rhythmvae.kit import N_VOICES, VOICE_INDEX

CLASSES = ("ghost", "normal", "accent")
GHOST, NORMAL, ACCENT = range(3)
GHOST_SHARE = 0.5
LEVELS_APART, EXPLAINED = 1.2, 0.7  # hits of one level, normally distributed, are split with 0.64 explained
LEVELS_FAR_APART = 1.6
ORNAMENTS = (None, "flam", "drag", "roll", "choke")
PLAIN, FLAM, DRAG, ROLL, CHOKE = range(5)
FLAM_SECONDS = 0.05
CLOSE_SECONDS, CLOSE_STEPS = 0.13, 0.7  # a 16th triplet is 0.67 steps, 16ths are streams
DRAG_SECONDS = 0.09
ROLL_STROKES = 4
UNEVEN = 1.6  # by which one gap of a roll may be longer than the next
GRACE_SHARE = 0.8
CHOKE_SECONDS, CHOKE_STEPS = 0.3, 2.25
SAME_SECONDS = 0.001  # hits that are no further apart begin together
OPEN, CLOSED = VOICE_INDEX["open_hat"], VOICE_INDEX["closed_hat"]


@dataclass(frozen=True, eq=False)
class Elements:
    """Of each hit: level (an index into CLASSES), ornament (into ORNAMENTS), and whether it is a grace note."""

    groove: Groove
    level: IntArray
    ornament: IntArray
    is_grace: BoolArray

    @cached_property
    def until_own(self) -> FloatArray:
        """(N,) seconds until the next hit of its drum; until the groove's end for the last."""
        strokes = _Strokes(Many([self.groove]))
        left = np.maximum(self.groove.duration_seconds - strokes.seconds, 0.0)
        found = np.zeros(len(self.groove))
        found[strokes.order] = np.where(strokes.goes_on, strokes.gap, left)
        return found

    @cached_property
    def until_any(self) -> FloatArray:
        """(N,) seconds until the next hit that begins later; until the groove's end for the last."""
        seconds, end = self.groove.onset_seconds, self.groove.duration_seconds
        after = np.searchsorted(seconds, seconds + SAME_SECONDS, side="right")
        last = max(end, float(seconds[-1]) if len(seconds) else 0.0)
        return np.asarray(np.append(seconds, last)[after] - seconds)


def elements(groove: Groove) -> Elements:
    """What each hit is for its drum and among its neighbours.

    >>> from rhythmvae.data.examples import example
    >>> found = elements(example("funk"))
    >>> CLASSES[found.level[0]], int((found.level == GHOST).sum())
    ('accent', 19)
    """
    return elements_of(Many([groove]))[0]


def elements_of(many: Many) -> list[Elements]:
    """`elements` of each groove."""
    strokes = _Strokes(many)
    ornament, is_grace = np.zeros(len(many.voice), np.int64), np.zeros(len(many.voice), bool)
    ornament[strokes.order], is_grace[strokes.order] = _ornaments(strokes)
    ornament[_chokes(many) & (ornament == PLAIN)] = CHOKE
    rows = zip(many.grooves, many.parts(_levels(many)), many.parts(ornament), many.parts(is_grace), strict=True)
    return [Elements(*row) for row in rows]


# -- levels --------------------------------------------------------------------


def levels(groove: Groove) -> IntArray:
    """(N,) GHOST, NORMAL or ACCENT for each hit, by the levels of its own drum."""
    return _levels(Many([groove]))


def _levels(many: Many) -> IntArray:
    """(H,) `levels` of the hits of many grooves."""
    if not len(many.voice):
        return np.zeros(0, np.int64)
    velocity = np.arange(MAX_VELOCITY + 1)
    n_levels = MAX_VELOCITY + 1
    has_hits = np.bincount(many.drum) > 0
    drum = (np.cumsum(has_hits) - 1)[many.drum]  # among those that play
    n_drums = np.count_nonzero(has_hits)
    cells = np.bincount(drum * n_levels + many.velocity, minlength=n_drums * n_levels)
    counts = cells.reshape(n_drums, n_levels).astype(float)
    loud = _upper_mean(counts)
    is_ghost = velocity < GHOST_SHARE * loud[:, None]
    groove = np.flatnonzero(has_hits) // N_VOICES
    loudest = np.zeros(many.n)
    np.maximum.at(loudest, groove, loud)
    is_quiet = (loud < GHOST_BELOW) & (loud < GHOST_SHARE * loudest[groove])
    is_ghost[is_quiet] = True
    is_accent = velocity > _two_levels(np.where(is_ghost, 0.0, counts))[0][:, None]
    table = np.where(is_ghost, GHOST, np.where(is_accent, ACCENT, NORMAL))
    return np.asarray(table[drum, many.velocity])


def _upper_mean(counts: FloatArray) -> FloatArray:
    """(V,) mean velocity of each drum's louder level, of all its hits where it has one level; 0 for none."""
    edge, means = _two_levels(counts)
    velocity = np.arange(counts.shape[1])
    n = counts.sum(1)
    every = (counts @ velocity) / np.maximum(n, 1)
    return np.asarray(np.where(edge <= MAX_VELOCITY, means[1], every))


def _two_levels(counts: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Otsu's split of histograms (V, 128): the highest velocity (V,) of the softer level, and both means (2, V).

    The edge is infinite where there are no two levels.
    """
    velocity = np.arange(counts.shape[1])
    below, soft = np.cumsum(counts, 1), np.cumsum(counts * velocity, 1)
    above, rest = below[:, -1:] - below, soft[:, -1:] - soft
    low, high = soft / np.maximum(below, 1), rest / np.maximum(above, 1)
    between = below * above * (high - low) ** 2
    edge = between.argmax(1)
    rows = np.arange(len(counts))
    means = np.stack([low[rows, edge], high[rows, edge]])
    n = np.maximum(below[:, -1], 1)
    variance = (counts @ velocity**2) / n - (counts @ velocity / n) ** 2
    most = between[rows, edge]
    is_clear = most >= EXPLAINED * n**2 * variance
    ratio = means[1] / np.maximum(means[0], 1)
    is_two = (most > 0) & ((is_clear & (ratio >= LEVELS_APART)) | (ratio >= LEVELS_FAR_APART))
    return np.where(is_two, edge, np.inf), means


# -- ornaments -----------------------------------------------------------------


class _Strokes:
    """Hits drum by drum in time: velocity, and to the next stroke whether there is one, seconds and steps (H,).

    order: the numbers of the hits, so ordered.
    """

    def __init__(self, many: Many) -> None:
        self.order: IntArray = np.lexsort((many.seconds, many.drum))
        drum, position = many.drum[self.order], many.position[self.order]
        self.seconds, self.velocity = many.seconds[self.order], many.velocity[self.order]
        self.goes_on = np.append(drum[1:] == drum[:-1], False)[: len(drum)]
        self.gap = np.append(np.diff(self.seconds), 0.0)[: len(drum)]
        self.steps = np.append(np.diff(position), 0.0)[: len(drum)]

    def close(self, at_most: float) -> BoolArray:
        """(N,) whether the next stroke of the drum follows within so many seconds and within CLOSE_STEPS."""
        near = self.goes_on & (self.gap <= at_most) & (self.steps <= CLOSE_STEPS)
        return np.asarray(near & (self.gap > SAME_SECONDS))

    def softer(self) -> BoolArray:
        """(N,) whether a stroke is soft before the next."""
        return np.asarray(self.velocity <= GRACE_SHARE * np.append(self.velocity[1:], 0)[: len(self.velocity)])


def _ornaments(strokes: _Strokes) -> tuple[IntArray, BoolArray]:
    """The ornament of each stroke, and which are grace notes, in the strokes' order."""
    n = len(strokes.velocity)
    ornament, grace = np.zeros(n, np.int64), np.zeros(n, bool)
    if n < 2 or not strokes.close(CLOSE_SECONDS).any():
        return ornament, grace
    before = np.concatenate(([False], strokes.close(CLOSE_SECONDS)[:-1]))
    flam = strokes.close(FLAM_SECONDS) & strokes.softer() & ~before
    near = strokes.close(DRAG_SECONDS)
    twice = np.append(near[1:], False)
    main = np.append(strokes.velocity[2:], [0, 0])[:n]
    drag = near & twice & ~before & np.append(strokes.softer()[1:], False) & (strokes.velocity <= GRACE_SHARE * main)
    for kind, starts, length in ((FLAM, flam, 2), (DRAG, drag, 3)):
        first = np.flatnonzero(starts)
        for k in range(length):
            ornament[first + k] = kind
            grace[first + k] = k < length - 1
    rolled = _rolls(strokes)
    ornament[rolled] = ROLL
    return ornament, grace & ~rolled


def _rolls(strokes: _Strokes) -> BoolArray:
    """(N,) which strokes are part of a roll."""
    close = strokes.close(CLOSE_SECONDS)
    gap = np.where(close, strokes.gap, 1.0)
    ratio = np.append(gap[1:] / gap[:-1], 1.0)
    even = np.append(close[1:], False) & (ratio <= UNEVEN) & (ratio >= 1 / UNEVEN)
    linked = close & even  # a gap that goes on as evenly
    # A run of k linked gaps is k + 1 gaps and k + 2 strokes.
    edges = np.diff(np.concatenate(([0], linked.astype(np.int8), [0])))
    starts, stops = np.flatnonzero(edges > 0), np.flatnonzero(edges < 0)
    long = stops - starts + 2 >= ROLL_STROKES
    marks = np.zeros(len(close) + 3, np.int64)
    np.add.at(marks, starts[long], 1)
    np.add.at(marks, stops[long] + 2, -1)
    return np.asarray(np.cumsum(marks)[: len(close)] > 0)


def _chokes(many: Many) -> BoolArray:
    """(H,) open hats that a closed one ends at once."""
    is_hat = np.flatnonzero((many.voice == OPEN) | (many.voice == CLOSED))
    found = np.zeros(len(many.voice), bool)
    first, second = is_hat[:-1], is_hat[1:]
    ends = (many.voice[first] == OPEN) & (many.voice[second] == CLOSED) & (many.groove[first] == many.groove[second])
    ends &= many.seconds[second] - many.seconds[first] <= CHOKE_SECONDS
    ends &= many.position[second] - many.position[first] <= CHOKE_STEPS
    found[first[ends]] = True
    return found
