"""Windows that are varied: what each kind of variation may change, and that nothing else is."""

from __future__ import annotations

import numpy as np
import pytest
from grooves import random_groove

from rhythmvae.groove import FOUR_IN_TIME, HIT, VELOCITY, WINDOW_STEPS, to_grid
from rhythmvae.kit import N_VOICES
from rhythmvae.model.completion import AFTER, BEFORE, THIS
from rhythmvae.training.varied import BAR_STEPS, CYMBALS, LEAST_STEPS, TOMS, Variation, Varied, vary

NONE = Variation(0, 0, 0, 0, 0, 0, 0)
N = 12


def stretches() -> tuple[np.ndarray, np.ndarray]:
    """x (N, 3, T, V, L, F), and inside (N, 3, T), all of it."""
    each = [to_grid(random_groove(seed, WINDOW_STEPS, 60), FOUR_IN_TIME).tensor for seed in range(3 * N)]
    x = np.stack(each).reshape(N, 3, *each[0].shape).astype(np.float32)
    return x, np.ones(x.shape[:3], np.float32)


def varied(how: Variation, tempo: np.ndarray | None = None) -> tuple[np.ndarray, Varied]:
    x, inside = stretches()
    before = x.copy(), inside.copy()
    tempo = np.zeros(N) if tempo is None else tempo
    made = vary(x, inside, tempo, how, np.random.default_rng(0))
    assert (x == before[0]).all()  # what was given is not written over
    assert (inside == before[1]).all()
    return x, made


def test_without_any_variation_windows_are_as_they_were() -> None:
    x, made = varied(NONE)
    assert (made.x == x).all()
    assert made.inside.all()
    assert (made.n_steps == WINDOW_STEPS).all()
    assert not made.is_other.any()


def test_a_bar_later_is_the_same_music() -> None:
    x, made = varied(Variation(1, 0, 0, 0, 0, 0, 0))
    line, own = (each.reshape(N, -1, *x.shape[3:]) for each in (x, made.x))
    assert (own[:, :-BAR_STEPS] == line[:, BAR_STEPS:]).all()
    assert not made.inside[:, AFTER, -BAR_STEPS:].any()
    assert made.inside[:, THIS].all()
    assert made.is_other.all()


@pytest.mark.parametrize(("apart", "is_mixed"), [(0.0, True), (1.0, False)])
def test_limbs_come_from_takes_of_the_same_tempo(apart: float, *, is_mixed: bool) -> None:
    x, made = varied(Variation(0, 1, 0, 0, 0, 0, 0), tempo=apart * np.arange(N))
    assert made.is_other.any() == is_mixed
    for row in np.flatnonzero((made.x != x).any((1, 2, 3, 4, 5))):
        assert made.is_other[row]
        for voice in range(N_VOICES):  # a drum is all of one take, in all three windows
            assert any((made.x[row, :, :, voice] == other[:, :, voice]).all() for other in x)


def test_a_take_without_the_window_before_lends_nothing_to_one_with_it() -> None:
    x, inside = stretches()
    inside[1:, BEFORE], x[1:, BEFORE] = 0.0, 0.0
    made = vary(x, inside, np.zeros(N), Variation(0, 1, 0, 0, 0, 0, 0), np.random.default_rng(0))
    assert (made.x[0] == x[0]).all()
    assert not made.is_other[0]
    assert not made.x[1:, BEFORE].any()


@pytest.mark.parametrize(
    ("how", "voices"), [(Variation(0, 0, 1, 0, 0, 0, 0), CYMBALS), (Variation(0, 0, 0, 1, 0, 0, 0), TOMS)]
)
def test_drums_trade_places(how: Variation, voices: tuple[int, ...]) -> None:
    x, made = varied(how)
    others = [voice for voice in range(N_VOICES) if voice not in voices]
    assert (made.x[:, :, :, others] == x[:, :, :, others]).all()
    for row in range(N):
        places = [next(o for o in voices if (made.x[row, :, :, v] == x[row, :, :, o]).all()) for v in voices]
        assert sorted(places) == sorted(voices)
        assert places != list(voices)


def test_windows_are_cut_short_and_played_louder() -> None:
    x, made = varied(Variation(0, 0, 0, 0, 0, 1, 1))
    assert ((made.n_steps >= LEAST_STEPS) & (made.n_steps < WINDOW_STEPS)).all()
    for row, n in enumerate(made.n_steps.tolist()):
        assert not made.x[row, THIS, n:].any()
        assert made.inside[row, THIS].sum() == n
        hit = made.x[row, BEFORE, ..., HIT] > 0
        assert (hit == (x[row, BEFORE, ..., HIT] > 0)).all()
        ratio = made.x[row, BEFORE, ..., VELOCITY][hit] / x[row, BEFORE, ..., VELOCITY][hit]
        middle = np.median(ratio)
        assert 0.8 <= middle <= 1.2
        assert (made.x[..., VELOCITY] <= 1).all()


def test_a_drum_is_left_out() -> None:
    x, made = varied(Variation(0, 0, 0, 0, 1, 0, 0))
    for row in range(N):
        gone = [v for v in range(N_VOICES) if not made.x[row, :, :, v].any()]
        assert 0 < len(gone) < N_VOICES
        kept = [v for v in range(N_VOICES) if v not in gone]
        assert (made.x[row][:, :, kept] == x[row][:, :, kept]).all()
