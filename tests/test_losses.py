"""The objective against torch.distributions, term by term."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch
from torch.distributions import Bernoulli, Laplace, Normal, kl_divergence
from toys import model, random_groove

from rhythmvae.corpus import windows_of
from rhythmvae.errors import UsageError
from rhythmvae.groove import HIT, OFFSET, VELOCITY
from rhythmvae.losses import TERMS, Weights, absolute_errors, elbo_terms, kl_per_dimension, weighted
from rhythmvae.model import Outputs, Posterior

SCALE = torch.tensor([0.2, 0.07])


def some() -> tuple[Outputs, torch.Tensor, Posterior, torch.Tensor]:
    windows = windows_of([random_groove(1), random_groove(2, 24), random_groove(3, 7, 9)])
    x, n_steps = (torch.from_numpy(a) for a in windows.gather(np.arange(3)))
    built = model()
    posterior = built.encode(x, n_steps)
    return built.decode(posterior.mean, n_steps), x, posterior, n_steps


def test_terms_are_the_log_likelihoods_and_the_divergence():
    outputs, x, posterior, n_steps = some()
    terms = elbo_terms(outputs, x, posterior, SCALE)
    assert tuple(terms) == TERMS
    for row, n in enumerate(n_steps.tolist()):
        cells = x[row, :n]
        hit = cells[..., HIT]
        played = hit == 1
        expected = {
            "hit": -Bernoulli(logits=outputs.hit_logit[row, :n]).log_prob(hit).sum(),
            "velocity": -Laplace(outputs.velocity[row, :n], SCALE[0]).log_prob(cells[..., VELOCITY])[played].sum(),
            "offset": -Laplace(outputs.offset[row, :n], SCALE[1]).log_prob(cells[..., OFFSET])[played].sum(),
        }
        used = posterior.used[row] == 1
        q = Normal(posterior.mean[row][used], torch.exp(posterior.log_variance[row][used] / 2))
        expected["kl"] = kl_divergence(q, Normal(0.0, 1.0)).sum()
        for name in TERMS:
            assert terms[name][row].item() == pytest.approx(expected[name].item(), rel=1e-4), name


def test_cells_beyond_the_end_are_no_question_in_value_or_gradient():
    _, x, posterior, n_steps = some()
    raw = torch.zeros(x.shape[:-1], requires_grad=True)
    velocity, offset = torch.full(x.shape[:-1], 0.5, requires_grad=True), torch.zeros(x.shape[:-1], requires_grad=True)
    inside = torch.arange(32) < n_steps[:, None]
    logit = raw.masked_fill(~inside[:, :, None, None], -torch.inf)
    terms = elbo_terms(Outputs(logit, velocity, offset), x, posterior, SCALE)
    assert terms["hit"].tolist() == pytest.approx([n * 18 * np.log(2) for n in n_steps.tolist()], rel=1e-5)
    sum(term.sum() for term in terms.values()).backward()
    for tensor in (raw, velocity, offset):
        assert torch.isfinite(tensor.grad).all()
        assert not tensor.grad[~inside].any()
    assert raw.grad[inside].all()


def test_a_perfect_copy_costs_only_the_scales():
    _, x, posterior, n_steps = some()
    inside = (torch.arange(32) < n_steps[:, None])[:, :, None, None].expand(x.shape[:-1])
    sure = (200 * x[..., HIT] - 100).masked_fill(~inside, -torch.inf)
    terms = elbo_terms(Outputs(sure, x[..., VELOCITY], x[..., OFFSET]), x, posterior, SCALE)
    assert terms["hit"].abs().max() < 1e-6
    n_hits = x[..., HIT].flatten(1).sum(1)
    assert torch.allclose(terms["velocity"], n_hits * torch.log(2 * SCALE[0]), atol=1e-3)


def test_a_standard_normal_posterior_costs_nothing():
    posterior = Posterior(torch.zeros(2, 8), torch.zeros(2, 8), torch.ones(2, 8))
    assert not kl_per_dimension(posterior).any()
    unused = Posterior(torch.zeros(2, 8), torch.full((2, 8), -3.0), torch.zeros(2, 8))
    assert not kl_per_dimension(unused).any()


def test_absolute_errors_are_means_over_hits():
    _, x, _, _ = some()
    outputs = Outputs(x[..., HIT], x[..., VELOCITY] + 0.25, x[..., OFFSET] - 0.125)
    assert absolute_errors(outputs, x).tolist() == pytest.approx([0.25, 0.125], rel=1e-4)
    assert absolute_errors(outputs, torch.zeros_like(x)).tolist() == [0, 0]


def test_beta_warms_up_from_nothing():
    weights = Weights(kl=0.5, kl_warmup=100)
    assert [weights.beta(step) for step in (0, 50, 100, 10_000)] == [0.0, 0.25, 0.5, 0.5]
    assert Weights(kl=0.5, kl_warmup=0).beta(0) == 0.5


def test_unit_weights_are_the_bound_itself():
    outputs, x, posterior, _ = some()
    terms = elbo_terms(outputs, x, posterior, SCALE)
    unit = Weights(hit=1, velocity=1, offset=1, kl=1, kl_warmup=0)
    assert weighted(terms, posterior, unit, 0).item() == pytest.approx(sum(t.mean().item() for t in terms.values()))
    doubled = dataclasses.replace(unit, hit=2)
    difference = weighted(terms, posterior, doubled, 0) - weighted(terms, posterior, unit, 0)
    assert difference.item() == pytest.approx(terms["hit"].mean().item(), rel=1e-4)


def test_free_nats_are_free():
    _, _, posterior, _ = some()
    nothing = dict.fromkeys(("hit", "velocity", "offset"), torch.zeros(3)) | {"kl": kl_per_dimension(posterior).sum(1)}
    per_dimension = kl_per_dimension(posterior).mean(0)
    for free in (0.05, float(per_dimension.median()), 100.0):
        charged = weighted(nothing, posterior, Weights(kl=1, kl_warmup=0, free_nats=free), 0)
        assert charged.item() == pytest.approx(sum(max(k, free) for k in per_dimension.tolist()), rel=1e-5)


@pytest.mark.parametrize("name", ["hit", "kl", "free_nats", "kl_warmup"])
@pytest.mark.parametrize("value", [-1.0, float("nan"), float("inf")])
def test_weights_that_cannot_be(name, value):
    with pytest.raises(UsageError, match=f"weight {name}"):
        Weights(**{name: value})
