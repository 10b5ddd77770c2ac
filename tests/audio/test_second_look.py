"""The second look: moments judged among each other."""

from typing import Any

import numpy as np
import pytest
import torch

from rhythmvae.audio import second_look as module
from rhythmvae.audio.moments import n_features
from rhythmvae.audio.second_look import LookConfig, SecondLook
from rhythmvae.errors import UsageError
from rhythmvae.groove import FloatArray
from rhythmvae.kit import N_VOICES

TINY = LookConfig(n_hidden=4, width=8, layers=2, heads=2)


def look(seed: int = 0) -> SecondLook:
    torch.manual_seed(seed)
    own = SecondLook(TINY).eval().requires_grad_(False)
    own.heads.weight.normal_(0, 1)
    return own


def features(n: int) -> FloatArray:
    return np.random.default_rng(n).normal(size=(n, n_features(4))).astype(np.float32)


def test_untrained_it_says_what_the_first_network_says() -> None:
    own = features(5)
    np.testing.assert_array_equal(SecondLook(TINY).eval().judged(own), own[:, : 2 * N_VOICES])


def test_a_moment_is_judged_by_the_others() -> None:
    own = features(6)
    other = own.copy()
    other[5] += 3.0
    assert np.abs(look().judged(own)[0] - look().judged(other)[0]).max() > 1e-3


def test_the_order_of_moments_says_nothing() -> None:
    own = features(6)
    np.testing.assert_allclose(look().judged(own[::-1].copy())[::-1], look().judged(own), atol=1e-4)


def test_a_recording_in_a_batch_is_judged_as_alone() -> None:
    short, long = features(3), features(7)
    both = torch.zeros(2, 7, n_features(4))
    both[0, :3], both[1] = torch.from_numpy(short), torch.from_numpy(long)
    there = torch.arange(7)[None] < torch.tensor([[3], [7]])
    found = look()(both, there).numpy()
    np.testing.assert_allclose(found[0, :3], look().judged(short), atol=1e-4)
    np.testing.assert_allclose(found[1], look().judged(long), atol=1e-4)


def test_a_long_recording_is_judged_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    own = features(9)
    monkeypatch.setattr(module, "AT_ONCE", 5)
    expected = np.concatenate([look().judged(own[:5]), look().judged(own[5:])])
    np.testing.assert_allclose(look().judged(own), expected, atol=1e-5)


def test_no_moment_is_judged_too() -> None:
    assert look().judged(features(0)).shape == (0, 2 * N_VOICES)


def test_a_card_holds_its_sizes() -> None:
    assert LookConfig.of_card(TINY.to_dict()) == TINY


@pytest.mark.parametrize(
    "change", [{"width": 9}, {"layers": 13}, {"n_hidden": 0}, {"heads": "2"}, {"width": 10**9}, {"more": 1}]
)
def test_sizes_that_none_has_are_refused(change: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match="Expected"):
        LookConfig.of_card(TINY.to_dict() | change)
