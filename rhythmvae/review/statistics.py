"""What answers say, and how sure it is: exact where it can be, by drawing people again where it cannot.

Answers of one person are alike. So an interval comes from drawing people, not answers, again with replacement
(percentiles of `N_DRAWS` draws); it needs several people and says nothing of one. Preferences are the model of Bradley
and Terry (1952): condition i is preferred to j with probability p_i / (p_i + p_j), fitted by Hunter's (2004) algorithm.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import ceil, lgamma, log

import numpy as np

from rhythmvae.groove import BoolArray, FloatArray

N_DRAWS = 2_000
LEVEL = 0.95  # of intervals
LEAST_PEOPLE = 3  # of whom an interval says anything
ENOUGH_PEOPLE = 10  # of whom "enough" can be said: where fewer agree throughout, drawing them again shows no doubt
WANTED_HALF_WIDTH = 0.05  # of a share: "enough answers" is an interval of 5 points to each side
RATED_HALF_WIDTH = 5.0  # of a rating from 0 to 100
PRIOR = 0.1  # wins each way between every two, where the answers alone leave a strength without bound
_TOLERANCE, _MAX_ROUNDS = 1e-10, 10_000


@dataclass(frozen=True)
class Interval:
    """A value and where it lies in 95 of 100 draws of people; the ends are None where there are too few people."""

    value: float
    low: float | None
    high: float | None

    @property
    def half_width(self) -> float | None:
        return None if self.low is None or self.high is None else (self.high - self.low) / 2


def chance(n_right: int, n: int) -> float:
    """Probability that a coin thrown n times lands as far from even as n_right does, or further (exact, two-sided).

    >>> round(chance(9, 12), 4), chance(0, 0)
    (0.146, 1.0)
    """
    if n == 0:
        return 1.0
    k = np.arange(n + 1)
    logs = np.array([lgamma(n + 1) - lgamma(i + 1) - lgamma(n - i + 1) for i in k]) - n * log(2)
    far = np.abs(2 * k - n) >= abs(2 * n_right - n)
    return float(min(np.exp(logs[far]).sum(), 1.0))


def share(n_right: Sequence[int], n: Sequence[int], seed: int = 0) -> Interval:
    """Share right of all answers, from each person's (P,) right answers and (P,) answers."""
    right, total = np.asarray(n_right, np.float64), np.asarray(n, np.float64)
    right, total = right[total > 0], total[total > 0]
    if not len(total):
        return Interval(float("nan"), None, None)

    def of(weights: FloatArray) -> FloatArray:
        return np.asarray(weights @ right / (weights @ total))

    return Interval(float(right.sum() / total.sum()), *_drawn(of, len(total), seed))


def mean(values: Sequence[Sequence[float]], seed: int = 0) -> Interval:
    """Mean of all values, from each person's own."""
    own = [np.asarray(v, np.float64) for v in values if len(v)]
    if not own:
        return Interval(float("nan"), None, None)
    sums, counts = np.array([v.sum() for v in own]), np.array([len(v) for v in own], np.float64)

    def of(weights: FloatArray) -> FloatArray:
        return np.asarray(weights @ sums / (weights @ counts))

    return Interval(float(sums.sum() / counts.sum()), *_drawn(of, len(own), seed))


def more_people(half_width: float | None, n_people: int, wanted: float = WANTED_HALF_WIDTH) -> int | None:
    """How many people more bring an interval to `wanted` on each side, and their number to ENOUGH_PEOPLE.

    An interval's width falls with the root of their number.

    >>> more_people(0.1, 10), more_people(0.04, 10), more_people(0.0, 3), more_people(None, 2)
    (30, 0, 7, None)
    """
    if half_width is None:
        return None
    return max(0, ENOUGH_PEOPLE - n_people, ceil(round(n_people * (half_width / wanted) ** 2, 6)) - n_people)


def strengths(wins: FloatArray) -> FloatArray:
    """(C,) logarithms of strength, their mean 0, from (C, C) how often row was preferred to column; ties count half.

    Where some conditions never win, or never lose, against the others, strengths have no bound: PRIOR wins are added
    to each side of every two.
    """
    wins = np.asarray(wins, np.float64)
    if len(wins) < 2:
        return np.zeros(len(wins))
    if not _is_bounded(wins > 0):
        wins = wins + PRIOR * (1 - np.eye(len(wins)))
    games, won = wins + wins.T, wins.sum(axis=1)  # of itself none has any
    p = np.ones(len(wins))
    for _ in range(_MAX_ROUNDS):
        new = won / (games / (p[:, None] + p[None, :])).sum(axis=1)
        new /= np.exp(np.log(new).mean())
        if np.abs(np.log(new) - np.log(p)).max() < _TOLERANCE:
            p = new
            break
        p = new
    return np.asarray(np.log(p))


def preferences(wins: Sequence[FloatArray], seed: int = 0) -> list[Interval]:
    """For each condition how often it would be preferred to an average one, 0 to 1, from each person's (C, C) wins."""
    table = np.asarray(wins, np.float64)
    if not len(table):
        return []

    def of(weights: FloatArray) -> FloatArray:
        return np.array([_against_average(strengths(t)) for t in np.tensordot(weights, table, axes=1)])

    value = of(np.ones((1, len(table))))[0]
    ends = _ends(of, len(table), seed, N_DRAWS // 4)
    if ends is None:
        return [Interval(float(v), None, None) for v in value]
    return [Interval(float(v), float(low), float(high)) for v, low, high in zip(value, *ends, strict=True)]


def _against_average(log_strengths: FloatArray) -> FloatArray:
    return np.asarray(1 / (1 + np.exp(-log_strengths)))


def _is_bounded(beats: BoolArray) -> bool:
    """Whether from each condition a chain of wins leads to every other."""
    reach = beats | np.eye(len(beats), dtype=bool)
    for _ in range(len(beats)):
        reach = (reach.astype(np.int64) @ reach.astype(np.int64)) > 0
    return bool(reach.all())


def _drawn(of: Callable[[FloatArray], FloatArray], n_people: int, seed: int) -> tuple[float | None, float | None]:
    ends = _ends(of, n_people, seed, N_DRAWS)
    return (None, None) if ends is None else (float(ends[0]), float(ends[1]))


def _ends(of: Callable[[FloatArray], FloatArray], n_people: int, seed: int, n_draws: int) -> FloatArray | None:
    """(2, ...) the ends of the interval of what `of` makes of (D, P) weights of people; None for too few people."""
    if n_people < LEAST_PEOPLE:
        return None
    rng = np.random.default_rng([seed, n_people])
    weights = rng.multinomial(n_people, np.full(n_people, 1 / n_people), n_draws).astype(np.float64)
    tail = (1 - LEVEL) / 2
    return np.asarray(np.quantile(of(weights), [tail, 1 - tail], axis=0))
