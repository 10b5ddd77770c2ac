"""The fit of dynamics: strokes that were played and found, and a line of least error for each group."""

import numpy as np
import pytest
import torch

from rhythmvae.audio.dynamics import N_NUMBERS
from rhythmvae.audio.moments import n_features
from rhythmvae.audio.second_look import LookConfig, SecondLook
from rhythmvae.kit import N_VOICES, VOICE_INDEX
from rhythmvae.training.hearing import dynamics
from rhythmvae.training.hearing.dynamics import Known
from rhythmvae.training.hearing.looking import Example

KICK, SNARE, RIDE = (VOICE_INDEX[key] for key in ("kick", "snare", "ride"))


def example(n: int) -> Example:
    """Moments that all sound like a kick and a snare; the first kick was not played, of the ride nothing is heard."""
    features = np.random.default_rng(n).random((n, n_features(4))).astype(np.float16)
    features[:, :N_VOICES] = -5.0
    features[:, [KICK, SNARE]] = 5.0
    struck = np.zeros((n, N_VOICES), dtype=bool)
    struck[1:, KICK] = struck[:, SNARE] = struck[:, RIDE] = True
    velocity = np.where(struck, 0.5, 0.0).astype(np.float16)
    return Example(features, struck, velocity, np.ones_like(struck))


def test_strokes_that_were_found_and_played_are_known() -> None:
    look = SecondLook(LookConfig(4, 8, 1, 2)).eval().requires_grad_(False)
    own = dynamics.known(look, np.full(N_VOICES, 0.5), [example(4), example(1), example(6)])
    assert own.numbers.shape == (len(own.voice), N_NUMBERS)
    assert np.bincount(own.voice, minlength=N_VOICES).tolist() == [8, 10, *[0] * 7]
    assert own.velocity.tolist() == [0.5] * 18


def known(n: int, shift: float, seed: int) -> Known:
    rng = np.random.default_rng(seed)
    numbers = rng.normal(size=(n, N_NUMBERS))
    voice = rng.integers(N_VOICES, size=n)
    return Known(numbers, voice, 0.5 + shift + 0.05 * numbers[:, 3] * (voice == KICK) - 0.03 * numbers[:, 7])


def test_what_velocities_are_made_of_is_found() -> None:
    own = known(6000, 0.0, 1)
    other = known(500, 0.0, 2)
    found = dynamics.fit([own]).velocities(other.numbers, other.voice)
    np.testing.assert_allclose(found, other.velocity, atol=0.03)


def test_every_set_counts_the_same_however_many_strokes_it_has() -> None:
    few, many = known(2000, 0.1, 1), known(8000, -0.1, 2)
    found = dynamics.fit([few, many]).velocities(np.zeros((1, N_NUMBERS)), np.array([SNARE]))
    assert found[0] == pytest.approx(0.5, abs=0.02)


def test_the_same_strokes_make_the_same_line() -> None:
    torch.manual_seed(0)
    one, other = (dynamics.fit([known(3000, 0.0, 4)]) for _ in range(2))
    np.testing.assert_array_equal(one.weight, other.weight)
