"""Windows of one player cannot be told apart, of two can; copies are known as copies."""

import numpy as np
import pytest

from rhythmvae.evaluation import two_sample
from rhythmvae.groove import HIT, OFFSET, VELOCITY, WINDOW_STEPS, Groove, Meter, Tempo

pytestmark = pytest.mark.usefixtures("brief_classifiers")


def played(seed: int, n_bars: int = 12, loudness: float = 80.0, numerator: int = 4) -> Groove:
    """A take by a drummer of this loudness: backbeat with random hats."""
    rng = np.random.default_rng(seed)
    n_steps = n_bars * 4 * numerator
    hats = np.flatnonzero(rng.random(n_steps) < 0.5)
    kicks, snares = np.arange(0, n_steps, 8), np.arange(4, n_steps, 8)
    step = np.concatenate([kicks, snares, hats])
    voice = np.repeat([0, 1, 2], [len(kicks), len(snares), len(hats)])
    velocity = np.clip(rng.normal(loudness, 12, len(step)), 1, 127).astype(int)
    position = np.clip(step + rng.normal(0, 0.1, len(step)), -0.5, n_steps - 0.6)
    return Groove(position, voice, velocity, n_steps, (Tempo(0.0, 120.0),), (Meter(0.0, numerator, 4),))


@pytest.fixture(scope="module")
def real() -> tuple[np.ndarray, np.ndarray]:
    return two_sample.real_windows([played(seed) for seed in range(24)])


def test_at_most_four_windows_of_a_take_and_only_full_ones_in_four() -> None:
    x, groups = two_sample.real_windows([played(0), played(1, n_bars=3), played(2, numerator=3)])
    assert x.shape[1] == WINDOW_STEPS
    assert np.bincount(groups).tolist() == [4, 1]


def test_as_file_takes_off_what_a_file_cannot_hold() -> None:
    x = np.zeros((1, WINDOW_STEPS, 9, 2, 3), dtype=np.float32)
    x[0, 0, 0, 0] = 1.0, 0.5, -0.3
    x[0, 1, 0, 0] = 1.0, 0.5, -0.3
    x[0, 2, 0, 0] = 0.4, 0.5, 0.3  # not a hit
    held = two_sample.as_file(x)
    assert held[0, 0, 0, 0, OFFSET] == 0.0
    assert held[0, 1, 0, 0, OFFSET] == np.float32(-0.3)
    assert held[0, 0, 0, 0, VELOCITY] * 127 == pytest.approx(64)
    assert not held[0, 2].any()


def test_one_player_is_not_told_from_himself(real: tuple[np.ndarray, np.ndarray]) -> None:
    told = two_sample.accuracy_of_halves(*real, seeds=3)
    assert all(abs(view.mean - 0.5) < 0.15 for view in told.values())


def test_a_quieter_player_is_told(real: tuple[np.ndarray, np.ndarray]) -> None:
    quiet, groups = two_sample.real_windows([played(100 + seed, loudness=50.0) for seed in range(24)])
    told = two_sample.accuracy(*real, quiet, groups + 1000, seeds=2)
    assert all(view.mean > 0.9 for view in told.values())
    assert two_sample.overlaps(*(two_sample.descriptors(x) for x in (real[0], quiet)))["velocity_mean"] < 0.3


def test_every_classifier_has_its_floor_and_the_strongest_comes_first(real: tuple[np.ndarray, np.ndarray]) -> None:
    x, groups = real
    half = groups < 12
    known = two_sample.real_windows([played(200 + seed) for seed in range(12)])
    eager = x[~half].copy()
    eager[:, ::4, 7, 0] = 1.0, 0.9, 0.0  # a crash on every beat
    found = two_sample.strongest((x[half], groups[half]), [eager], [known])
    assert list(found) == sorted(found, key=lambda name: -found[name].above.mean)
    for figures in found.values():
        assert figures.samples.mean > 0.95
        assert abs(figures.floor.mean - 0.5) < 0.2
        assert figures.above.mean == pytest.approx(figures.samples.mean - figures.floor.mean)
    played_too = two_sample.strongest((x[half], groups[half]), [x[~half]], [known])
    assert all(abs(figures.above.mean) < 0.3 for figures in played_too.values())


def test_overlap_with_itself_is_one(real: tuple[np.ndarray, np.ndarray]) -> None:
    described = two_sample.descriptors(real[0])
    found = two_sample.overlaps(described, described)
    assert set(found) >= {"density", "syncopation", "velocity_spread", "offset_spread", "share_kick"}
    assert all(value == pytest.approx(1.0) for value in found.values())


def test_an_undefined_descriptor_is_left_out() -> None:
    nothing = {"swing": np.array([np.nan, np.nan])}
    assert two_sample.overlaps(nothing, {"swing": np.array([0.1, 0.2])}) == {}


def test_nearest_distance_counts_cells(real: tuple[np.ndarray, np.ndarray]) -> None:
    x = real[0]
    assert two_sample.nearest_distance(x, x).max() == 0
    changed = x[:1].copy()
    changed[0, 5, 7, 0, HIT] = 1.0
    changed[0, 0, 0, :, HIT] = 0.0
    slow = min(int((changed[0, ..., HIT].max(-1) != other[..., HIT].max(-1)).sum()) for other in x)
    assert two_sample.nearest_distance(changed, x) == [slow]
    assert slow == 2


def test_windows_of_one_take_never_stand_on_both_sides_of_a_fold() -> None:
    """24 loops, each played four times over, against 24 others by the same player.

    A classifier that has seen a loop's other windows knows it by heart; held apart by take it can only guess.
    """
    loops = [played(seed, n_bars=2).looped(4) for seed in range(48)]
    x, groups = two_sample.real_windows(loops)
    first = groups < 24
    sides = (x[first], groups[first], x[~first], groups[~first])
    by_take = two_sample.accuracy(*sides, seeds=2)["tensor"].mean
    every_window_alone = np.arange(len(x))
    sides = (x[first], every_window_alone[first], x[~first], every_window_alone[~first])
    by_window = two_sample.accuracy(*sides, seeds=2)["tensor"].mean
    assert abs(by_take - 0.5) < 0.2
    assert by_window > 0.85
