"""The figures are those of scipy and choix, to four digits."""

from __future__ import annotations

import choix
import numpy as np
import pytest
import scipy.stats

from rhythmvae.review import statistics
from rhythmvae.review.statistics import PRIOR, Interval


@pytest.mark.parametrize(("n_right", "n"), [(0, 1), (5, 10), (9, 12), (12, 12), (3, 12), (130, 240), (1_260, 2_400)])
def test_chance_is_the_exact_binomial(n_right: int, n: int) -> None:
    assert statistics.chance(n_right, n) == pytest.approx(scipy.stats.binomtest(n_right, n).pvalue, rel=1e-6)


def test_the_interval_of_a_share_is_a_bootstrap_over_people() -> None:
    rng = np.random.default_rng(0)
    skill = rng.beta(8, 5, 40)
    n = rng.integers(8, 13, 40)
    right = rng.binomial(n, skill)
    found = statistics.share(right, n, seed=1)
    assert found.value == pytest.approx(right.sum() / n.sum(), rel=1e-9)
    other = scipy.stats.bootstrap(
        (right, n),
        lambda r, m, axis: r.sum(axis=axis) / m.sum(axis=axis),
        paired=True,
        method="percentile",
        n_resamples=20_000,
        vectorized=True,
        rng=2,
    ).confidence_interval
    assert (found.low, found.high) == pytest.approx((other.low, other.high), abs=0.01)
    assert found == statistics.share(right, n, seed=1)


class AsScipyDraws:
    """A generator whose draws of people are those of scipy's bootstrap with the same seed."""

    def __init__(self, seed: int) -> None:
        self.rng = np.random.Generator(np.random.PCG64(seed))

    def multinomial(self, n: int, _: object, n_draws: int) -> np.ndarray:
        return np.array([np.bincount(drawn, minlength=n) for drawn in self.rng.integers(0, n, (n_draws, n))])


def test_for_the_same_draws_the_ends_of_an_interval_are_scipys(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(3)
    right, n = rng.integers(3, 12, 17).tolist(), [12] * 17
    rated = [rng.uniform(0, 100, k).tolist() for k in rng.integers(2, 9, 17)]
    sums = (np.array([sum(own) for own in rated]), np.array([len(own) for own in rated]))
    wanted = [
        scipy.stats.bootstrap(
            data,
            lambda of, n, axis: of.sum(axis=axis) / n.sum(axis=axis),
            paired=True,
            method="percentile",
            n_resamples=statistics.N_DRAWS,
            vectorized=True,
            rng=np.random.Generator(np.random.PCG64(7)),
        ).confidence_interval
        for data in ((np.array(right), np.array(n)), sums)
    ]
    monkeypatch.setattr(np.random, "default_rng", lambda _: AsScipyDraws(7))
    for found, other in zip((statistics.share(right, n), statistics.mean(rated)), wanted, strict=True):
        assert (found.low, found.high) == pytest.approx((other.low, other.high), abs=1e-4)


def test_people_who_are_alike_within_themselves_widen_the_interval() -> None:
    """All right or all wrong: forty answers of four people are four observations."""
    people = statistics.share([10, 10, 0, 0] * 5, [10] * 20)
    answers = statistics.share([1, 0] * 100, [1] * 200)
    assert people.value == answers.value == 0.5
    assert people.half_width is not None
    assert answers.half_width is not None
    assert people.half_width > 2 * answers.half_width


def test_too_few_people_have_no_interval() -> None:
    assert statistics.share([3, 4], [5, 5]) == Interval(0.7, None, None)
    assert statistics.share([3, 0], [5, 0]) == Interval(0.6, None, None)
    assert np.isnan(statistics.share([], []).value)
    assert statistics.mean([[1.0, 2.0], []]) == Interval(1.5, None, None)
    assert statistics.mean([[5.0]] * 3) == Interval(5.0, 5.0, 5.0)


def test_the_mean_counts_every_value() -> None:
    values = [[10.0, 20.0], [60.0], [80.0, 90.0, 40.0]]
    found = statistics.mean(values)
    assert found.value == pytest.approx(50.0)
    assert found.low is not None
    assert found.high is not None
    assert found.low < 50 < found.high


def games(n: int, seed: int, each: int = 30) -> tuple[np.ndarray, list[tuple[int, int]]]:
    rng = np.random.default_rng(seed)
    strength = rng.normal(0, 0.7, n)
    wins, pairs = np.zeros((n, n)), []
    for i in range(n):
        for j in range(i):
            won = int(rng.binomial(each, 1 / (1 + np.exp(strength[j] - strength[i]))))
            wins[i, j], wins[j, i] = won, each - won
            pairs += [(i, j)] * won + [(j, i)] * (each - won)
    return wins, pairs


@pytest.mark.parametrize(("n", "seed"), [(2, 0), (3, 1), (5, 2), (8, 3)])
def test_strengths_are_those_of_choix(n: int, seed: int) -> None:
    wins, pairs = games(n, seed)
    other = choix.opt_pairwise(n, pairs, alpha=0.0, method="Newton-CG", tol=1e-10)
    assert statistics.strengths(wins) == pytest.approx(other - other.mean(), abs=1e-4)
    other = choix.mm_pairwise(n, pairs, max_iter=100_000, tol=1e-10)
    assert statistics.strengths(wins) == pytest.approx(other - other.mean(), abs=1e-4)


def test_of_two_the_strengths_are_the_share() -> None:
    found = statistics.strengths(np.array([[0.0, 3.0], [1.0, 0.0]]))
    assert found[0] - found[1] == pytest.approx(np.log(3), abs=1e-6)


def test_who_always_wins_has_a_bounded_strength() -> None:
    found = statistics.strengths(np.array([[0.0, 4.0], [0.0, 0.0]]))
    assert found[0] - found[1] == pytest.approx(np.log((4 + PRIOR) / PRIOR), abs=1e-6)
    assert statistics.strengths(np.zeros((1, 1))).tolist() == [0.0]


def test_preferences_have_intervals_over_people() -> None:
    wins, _ = games(3, 1, each=4)
    found = statistics.preferences([wins] * 12)
    assert [f.value for f in found] == pytest.approx(1 / (1 + np.exp(-statistics.strengths(wins))))
    assert all(f.low == pytest.approx(f.value) for f in found), "people who are all the same leave nothing open"
    varied = statistics.preferences([games(3, seed, each=4)[0] for seed in range(6)])
    assert all(f.low is not None and f.high is not None and f.low < f.value < f.high for f in varied)
    assert statistics.preferences([]) == []
    assert statistics.preferences([wins])[0].low is None


@pytest.mark.parametrize(
    ("half_width", "n_people", "more"), [(0.1, 10, 30), (0.05, 10, 0), (0.01, 4, 6), (0.2, 5, 75), (None, 2, None)]
)
def test_how_many_more(half_width: float | None, n_people: int, more: int | None) -> None:
    assert statistics.more_people(half_width, n_people) == more
