"""Latents to draw: as spread out as asked, and as the training windows were."""

from __future__ import annotations

import warnings

import pytest
import torch
from toys import prior

from rhythmvae.prior import Prior, fit


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def points(n: int, size: int = 4, seed: int = 0) -> torch.Tensor:
    return torch.randn(n, size, generator=generator(seed))


def fitted(latents: torch.Tensor, variance: float = 0.0, follows: torch.Tensor | None = None, **more: int) -> Prior:
    no = torch.zeros(len(latents), dtype=torch.bool)
    return fit(latents, torch.full_like(latents, variance), no if follows is None else follows, **more)


def test_samples_have_the_moments_of_the_points():
    mixing = torch.tensor([[2.0, 0, 0, 0], [1, 1, 0, 0], [0, 0, 0.5, 0], [0, 0, 0, 1]])
    latents = points(4000) @ mixing.T + torch.tensor([3.0, -2, 0, 1])
    own = fitted(latents, variance=0.5, n_components=1)
    drawn = own.sample(20_000, 1.0, generator())
    assert torch.allclose(drawn.mean(0), latents.mean(0), atol=0.1)
    assert torch.allclose(drawn.T.cov(), latents.T.cov() + 0.5 * torch.eye(4), atol=0.2)


def test_clusters_are_found():
    latents = torch.cat([points(200) * 0.1 + 5, points(600, seed=1) * 0.1 - 5])
    own = fitted(latents, n_components=2)
    assert sorted(own.weights.tolist()) == pytest.approx([0.25, 0.75], abs=1e-3)
    assert sorted(own.means.mean(1).tolist()) == pytest.approx([-5, 5], abs=0.05)


def test_temperature_scales_the_spread_about_the_mean():
    own = prior(8, 1, persistence=0.0)
    assert torch.equal(own.sample(3, 0.0, generator()), own.means.expand(3, -1))
    once, twice = (own.sample(50, t, generator()) - own.means for t in (1.0, 2.0))
    assert torch.allclose(twice, 2 * once, atol=1e-5)


def test_one_seed_draws_one_groove():
    own = prior()
    assert torch.equal(own.sample(4, 1.0, generator(3)), own.sample(4, 1.0, generator(3)))
    assert not torch.equal(own.sample(4, 1.0, generator(3)), own.sample(4, 1.0, generator(4)))


@pytest.mark.parametrize("persistence", [0.0, 0.6, 1.0])
def test_windows_of_one_groove_belong_together(persistence):
    own = prior(16, 1, persistence)
    noise = own.sample(3000, 1.0, generator()) - own.means
    correlation = torch.corrcoef(torch.stack([noise[:-1].flatten(), noise[1:].flatten()]))[0, 1]
    if persistence < 1:
        assert correlation == pytest.approx(persistence, abs=0.02)
        assert noise.std() == pytest.approx(1.0, abs=0.03)  # no window is wilder than the first
    else:
        assert torch.allclose(noise, noise[:1].expand_as(noise), atol=1e-6)


def test_persistence_is_that_of_consecutive_windows():
    chain = points(3000)
    for i in range(1, len(chain)):
        chain[i] = 0.7 * chain[i - 1] + 0.51**0.5 * chain[i]
    follows = torch.ones(len(chain), dtype=torch.bool)
    follows[0] = False
    assert fitted(chain, follows=follows, n_components=1).persistence.item() == pytest.approx(0.7, abs=0.05)
    assert fitted(chain).persistence == 0
    shuffled = chain[torch.randperm(len(chain), generator=generator())]
    assert fitted(shuffled, follows=follows, n_components=1).persistence < 0.05


@pytest.mark.parametrize("n", [1, 2, 5, 8, 9, 20])
def test_few_points_are_enough(n):
    latents = points(n)
    own = fitted(latents, variance=0.01)
    assert own.weights.sum() == pytest.approx(1)
    assert torch.isfinite(own.sample(100, 4.0, generator())).all()
    if n <= 8:
        assert torch.allclose(own.sample(1, 0.0, generator())[0], latents.mean(0), atol=1e-5)


def test_equal_points_neither_fail_nor_warn():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        own = fitted(torch.ones(200, 4))
    assert torch.allclose(own.sample(1, 0.0, generator()), torch.ones(1, 4), atol=1e-4)


def test_one_seed_fits_one_prior():
    latents = points(400)
    for a, b in zip(vars(fitted(latents, seed=1)).values(), vars(fitted(latents, seed=1)).values(), strict=True):
        assert torch.equal(a, b)


def test_half_precision_keeps_what_is_drawn():
    own = fitted(torch.cat([points(300) * 3 + 4, points(300, seed=1)]), variance=0.05)
    halved = Prior(*(part.half().float() for part in vars(own).values()))
    for seed in range(5):
        before, after = (p.sample(4, 1.0, generator(seed)) for p in (own, halved))
        assert torch.allclose(before, after, atol=0.02)
