"""How likely another part of a song begins at a bar line, given where the part before began.

What is asked of a line is how the bars across it differ, beside those on each side; what is new behind it; whether what
is played across it comes again elsewhere in the song, or begins or ends there to do so; and how many bars have passed
since the last boundary and are left. Boosted trees (Friedman 2002) were shown songs joined from training takes of the
Groove MIDI Dataset and one-bar loops; `python -m benchmarks.form GROOVE.zip LOOPS.zip --learn` joins such songs, learns
the trees anew and writes TABLE.

Conventions: B bars, counted from 0; line b is where bar b begins, and a part may begin at lines 1 to B - 1. The *age*
of a part at a line is how many bars it has had. like (B, B): likeness of bars, 0 to 1.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np

from rhythmvae.analysis.forest import KINDS, Forest
from rhythmvae.groove import BoolArray, FloatArray, IntArray

TABLE = Path(__file__).with_name("seams.npz")
SHORTEST_BARS = 3  # of a part
PHRASES = (1, 2, 4, 8)  # bars that are compared with as many across a line
BLOCKS = (2, 4)  # bars on both sides of a line whose likeness is compared
NEAR, NEW = 8, 4  # what is played in NEW bars behind a line, unlike all the NEAR bars before it
STRIPES = (2, 4)  # bars on both sides of a line that may come again elsewhere
REACH = 128  # bars away in which they are looked for
LAST = 4  # bars before the one in front of a line, with which that one is compared: it may be a fill
AGES = 24  # that are distinguished; an older part counts as one that is a multiple of eight bars younger
AT_ONCE = 4096  # rows that the trees are asked about, for a few MB of memory
N_LINE = len(PHRASES) + len(BLOCKS) + 2 + 3 * len(STRIPES) + 4
N_NUMBERS = N_LINE + 3


def numbers(like: FloatArray, has_crash: BoolArray) -> FloatArray:
    """(B - 1, N_LINE) what trees are shown of lines 1 to B - 1, whatever the age. has_crash (B,): on the first step."""
    n = len(like)
    line = np.arange(1, n)
    away = np.arange(-REACH, REACH + 1)
    bar = np.arange(n)[:, None]
    other = bar + away
    again = np.where((other >= 0) & (other < n), like[bar, np.clip(other, 0, n - 1)], 0.0)
    run = np.concatenate([np.zeros((1, len(away))), again.cumsum(0)])  # (B + 1, away): sums of likeness so far away
    area = np.pad(like.cumsum(0).cumsum(1), ((1, 0), (1, 0)))
    likes_last = np.stack([like[line - 1, np.maximum(line - 1 - k, 0)] for k in range(1, LAST + 1)])
    columns = [
        *(_across(run[:, REACH + k], line, n, k) for k in PHRASES),
        *(_apart(area, line, n, k) for k in BLOCKS),
        *_new(like, line),
        *(each for k in STRIPES for each in _stripes(run, np.abs(away), line, n, k)),
        likes_last.mean(0),
        has_crash[line],
        (n - line) % 4,
        np.minimum(n - line, 8),
    ]
    return np.stack(columns, 1).astype(np.float32)


def _across(run: FloatArray, line: IntArray, n: int, k: int) -> FloatArray:
    """How much less like each other bars k apart are across each line than before and after it, in the mean.

    run: (B + 1,) sums of the likeness of the bars before each line with those k later.
    """
    first, last = np.maximum(line - k, 0), np.minimum(line, max(n - k, 0))  # bars whose partner is across
    earlier, later = np.maximum(first - k, 0), np.minimum(line + k, max(n - k, 0))
    n_across, n_own = last - first, first - earlier + np.maximum(later - line, 0)
    across = (run[last] - run[first]) / np.maximum(n_across, 1)
    own = run[first] - run[earlier] + np.where(later > line, run[later] - run[line], 0.0)
    return np.where((n_across > 0) & (n_own > 0), own / np.maximum(n_own, 1) - across, 0.0)


def _apart(area: FloatArray, line: IntArray, n: int, k: int) -> FloatArray:
    """How much less like each other the k bars on two sides of each line are than those on one side.

    area: (B + 1, B + 1) sums of the likeness of all bars before one line with all before another.
    """
    start, stop = np.maximum(line - k, 0), np.minimum(line + k, n)
    n_before, n_after = line - start, stop - line

    def among(start: IntArray, stop: IntArray) -> FloatArray:
        """Mean likeness of bars with the others; the diagonal, 1 a bar, is none of it."""
        m = stop - start
        inside = area[stop, stop] - area[start, stop] - area[stop, start] + area[start, start]
        return np.where(m > 1, (inside - m) / np.maximum(m * (m - 1), 1), 1.0)

    across = area[line, stop] - area[start, stop] - area[line, line] + area[start, line]
    return (among(start, line) + among(line, stop)) / 2 - across / (n_before * n_after)


def _new(like: FloatArray, line: IntArray) -> tuple[FloatArray, FloatArray]:
    """How unlike all of the NEAR bars before each line the bar behind it is, and the NEW bars behind it in the mean."""
    padded = np.pad(like, NEAR)
    rows = (line + NEAR)[:, None, None] + np.arange(NEW)[:, None]
    best = padded[rows, line[:, None, None] + np.arange(NEAR)].max(2)
    return 1 - best[:, 0], 1 - best.mean(1)


def _stripes(
    run: FloatArray, away: IntArray, line: IntArray, n: int, k: int
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Likeness of the k bars on both sides of each line with the passage elsewhere that is most like them, and by how
    much more like it the bars after the line are than those before, and those before than those after."""
    m = np.minimum(k, np.minimum(line, n - line))[:, None]
    is_far = away >= 2 * m
    here = run[line]
    before, after = (here - run[line - m[:, 0]]) / m, (run[line + m[:, 0]] - here) / m
    goes_on = np.where(is_far, before + after, 0.0).max(1) / 2
    change = np.where(is_far, after - before, 0.0)
    return goes_on, change.max(1), -change.min(1)


def with_age(rows: FloatArray, age: IntArray) -> FloatArray:
    """(N, N_NUMBERS) numbers of lines with the age of the part at each."""
    age = age_class(age)
    return np.concatenate([rows, np.stack([age, age % 8, age % 4], 1)], 1).astype(np.float32)


def age_class(age: IntArray) -> IntArray:
    """Ages, from 1, as 1 to AGES.

    >>> age_class(np.array([1, 24, 25, 32, 41])).tolist()
    [1, 24, 17, 24, 17]
    """
    return np.asarray(np.where(age > AGES, AGES - (AGES - age) % 8, age))


def log_odds(rows: FloatArray) -> FloatArray:
    """(B - 1, AGES) log-odds that a part begins at each line, by the age of the one before; -inf where none can."""
    n, age = len(rows) + 1, np.arange(1, AGES + 1)
    line = np.arange(1, n)[:, None]
    is_asked = (age >= SHORTEST_BARS) & (age <= line) & (line <= n - SHORTEST_BARS)
    own, which = np.nonzero(is_asked)
    forest, base = _trees()
    found = np.full(is_asked.shape, -np.inf)
    for start in range(0, len(own), AT_ONCE):
        some = slice(start, start + AT_ONCE)
        found[own[some], which[some]] = base + forest.sums(with_age(rows[own[some]], age[which[some]]))
    return found


@cache
def _trees() -> tuple[Forest, float]:
    with np.load(TABLE, allow_pickle=False) as arrays:
        return Forest.read({name: arrays[name] for name in KINDS}, N_NUMBERS), float(arrays["base"])
