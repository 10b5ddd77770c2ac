"""Dynamics: what is known of a stroke within its take, and the velocity that is made of it."""

import numpy as np

from rhythmvae.audio.dynamics import N_NUMBERS, SOFTEST, Dynamics, numbers_of
from rhythmvae.audio.moments import N_PATCH, n_features
from rhythmvae.groove import BoolArray, FloatArray
from rhythmvae.kit import GROUPS, N_VOICES, VOICE_INDEX

KICK, SNARE, CLOSED = (VOICE_INDEX[key] for key in ("kick", "snare", "closed_hat"))
SHAPE = (len(GROUPS), N_NUMBERS)


def take(n: int, seed: int = 0) -> tuple[FloatArray, FloatArray, BoolArray]:
    """Features, logits and strokes of n moments half a second apart; kicks and snares in turn, hats on all."""
    rng = np.random.default_rng(seed)
    features = rng.random((n, n_features(4))).astype(np.float32)
    features[:, -2:] = np.log(0.5)
    played = np.zeros((n, N_VOICES), dtype=bool)
    played[::2, KICK] = played[1::2, SNARE] = played[:, CLOSED] = True
    return features, rng.normal(size=(n, 2 * N_VOICES)), played


def test_every_stroke_has_its_numbers_whatever_else_is_asked_for() -> None:
    features, logits, played = take(9)
    at = np.argwhere(played)
    every = numbers_of(features, logits, played, at)
    assert every.shape == (len(at), N_NUMBERS)
    assert np.isfinite(every).all()
    for i in (0, 5, len(at) - 1):
        np.testing.assert_allclose(numbers_of(features, logits, played, at[i : i + 1])[0], every[i])


def test_the_rest_of_the_take_is_known() -> None:
    features, logits, played = take(9)
    at = np.array([[0, KICK]])
    before = numbers_of(features, logits, played, at)
    for change in ((1, N_VOICES + SNARE), (8, N_VOICES + KICK)):
        other = logits.copy()
        other[change] += 3.0  # another stroke is harder
        assert np.abs(numbers_of(features, other, played, at) - before).max() > 0.01
    louder = features.copy()
    louder[2, 2 * N_VOICES : 2 * N_VOICES + N_PATCH] += 1.0
    assert np.abs(numbers_of(louder, logits, played, at) - before).max() > 0.01
    fewer = played.copy()
    fewer[1::2, CLOSED] = False
    assert np.abs(numbers_of(features, logits, fewer, at) - before).max() > 0.01


def test_a_voice_that_is_below_its_threshold_throughout_has_numbers_too() -> None:
    features, logits, played = take(4)
    crash = VOICE_INDEX["crash"]
    assert np.isfinite(numbers_of(features, logits, played, np.array([[0, crash], [3, crash]]))).all()
    assert np.isfinite(numbers_of(features[:1], logits[:1], np.zeros((1, N_VOICES), bool), np.array([[0, 0]]))).all()
    assert numbers_of(features, logits, played, np.zeros((0, 2), np.int64)).shape == (0, N_NUMBERS)
    assert numbers_of(features[:0], logits[:0], played[:0], np.zeros((0, 2), np.int64)).shape == (0, N_NUMBERS)


def test_each_group_has_its_own_line_and_velocities_stay_in_range() -> None:
    weight = np.zeros((SHAPE[0], SHAPE[1] + 1))
    weight[:, -1] = [0.2, 0.4, 0.6, 0.8, 5.0]
    weight[0, 0] = 1.0
    own = Dynamics(weight, np.zeros(SHAPE), np.full(SHAPE, 2.0))
    numbers = np.zeros((4, N_NUMBERS))
    numbers[:, 0] = [1.0, -100.0, 1.0, 1.0]
    found = own.velocities(numbers, np.array([KICK, KICK, SNARE, VOICE_INDEX["ride"]]))
    np.testing.assert_allclose(found, [0.7, SOFTEST, 0.4, 1.0])
