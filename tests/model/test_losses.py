"""The objective against torch.distributions, term by term."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch
from grooves import groove, random_groove
from torch.distributions import Bernoulli, Laplace, Normal, kl_divergence
from toys import model

from rhythmvae.data.windows import windows_of
from rhythmvae.errors import UsageError
from rhythmvae.groove import HIT, OFFSET, VELOCITY, Groove
from rhythmvae.model.config import TERMS, Weights
from rhythmvae.model.losses import (
    absolute_errors,
    elbo_terms,
    kl_per_dimension,
    style_contrast,
    velocities_off,
    weighted,
)
from rhythmvae.model.vae import Outputs, Posterior

SCALE = torch.tensor([0.2, 0.07])


def some() -> tuple[Outputs, torch.Tensor, Posterior, torch.Tensor]:
    windows = windows_of([random_groove(1), random_groove(2, 24), random_groove(3, 7, 9)])
    x, n_steps = (torch.from_numpy(a) for a in windows.gather(np.arange(3)))
    built = model()
    posterior = built.encode(x, n_steps)
    return built.decode(posterior.mean, n_steps), x, posterior, n_steps


def played(*grooves: Groove) -> tuple[Outputs, torch.Tensor, Posterior]:
    """A perfect copy of full windows, for a test to spoil."""
    x = torch.from_numpy(windows_of(grooves).gather(np.arange(len(grooves)))[0])
    posterior = Posterior(*torch.zeros(3, len(grooves), 8))
    return Outputs(200 * x[..., HIT] - 100, x[..., VELOCITY].clone(), x[..., OFFSET].clone()), x, posterior


def test_the_terms_in_order():
    assert TERMS == ("hit", "velocity", "offset", "spread", "kl")
    outputs, x, posterior, _ = some()
    assert tuple(elbo_terms(outputs, x, posterior, SCALE)) == TERMS


def test_terms_are_the_log_likelihoods_and_the_divergence():
    outputs, x, posterior, n_steps = some()
    terms = elbo_terms(outputs, x, posterior, SCALE)
    for row, n in enumerate(n_steps.tolist()):
        cells = x[row, :n]
        hit = cells[..., HIT]
        is_hit = hit == 1
        velocity, offset = outputs.velocity[row, :n][is_hit], outputs.offset[row, :n][is_hit]
        true_velocity, true_offset = cells[..., VELOCITY][is_hit], cells[..., OFFSET][is_hit]
        assert (true_velocity < 1).all()  # the loudest are for a test of their own
        expected = {
            "hit": -Bernoulli(logits=outputs.hit_logit[row, :n]).log_prob(hit).sum(),
            "velocity": -Laplace(velocity, SCALE[0]).log_prob(true_velocity).sum(),
            "offset": -Laplace(offset, SCALE[1]).log_prob(true_offset).sum(),
            "spread": (velocity.clamp(max=1).std(correction=0) - true_velocity.std(correction=0)).abs() / SCALE[0]
            + (offset.std(correction=0) - true_offset.std(correction=0)).abs() / SCALE[1],
        }
        used = posterior.used[row] == 1
        q = Normal(posterior.mean[row][used], torch.exp(posterior.log_variance[row][used] / 2))
        expected["kl"] = kl_divergence(q, Normal(0.0, 1.0)).sum()
        for name in TERMS:
            assert terms[name][row].item() == pytest.approx(expected[name].item(), rel=1e-4, abs=1e-4), name


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
    assert terms["hit"].abs().max() < 1e-5
    n_hits = x[..., HIT].flatten(1).sum(1)
    assert torch.allclose(terms["velocity"], n_hits * torch.log(2 * SCALE[0]), atol=1e-3)
    assert terms["spread"].tolist() == [0, 0, 0]


# -- spread


def test_spread_is_no_question_of_level():
    outputs, x, posterior = played(groove((0, "kick", 30), (4.2, "snare", 100), (7.9, "ride", 80)))
    shifted = outputs._replace(velocity=outputs.velocity + 0.1, offset=outputs.offset - 0.2)
    terms = elbo_terms(shifted, x, posterior, SCALE)
    exact = elbo_terms(outputs, x, posterior, SCALE)
    assert terms["velocity"] > exact["velocity"]
    assert terms["spread"].item() == pytest.approx(0, abs=1e-3)


def test_spread_by_hand():
    # Velocities 0.2 and 0.6 of 127, offsets -0.1 and 0.3: standard deviations of 0.2 each.
    outputs, x, posterior = played(groove((3.9, "kick"), (8.3, "snare")))
    x[..., VELOCITY][x[..., HIT] == 1] = torch.tensor([0.2, 0.6])
    copy = outputs._replace(velocity=x[..., VELOCITY])
    even_velocity = copy._replace(velocity=torch.full_like(copy.velocity, 0.4))
    even_offset = copy._replace(offset=torch.full_like(copy.offset, 0.1))
    half_velocity = copy._replace(velocity=0.4 + (copy.velocity - 0.4) / 2)
    double_velocity = copy._replace(velocity=0.4 + (copy.velocity - 0.4) * 2)
    found = [
        elbo_terms(o, x, posterior, SCALE)["spread"].item()
        for o in (copy, even_velocity, even_offset, half_velocity, double_velocity)
    ]
    # 0.001 is what smoothing leaves of no spread at all.
    expected = [0, (0.2 - 0.001) / SCALE[0], (0.2 - 0.001) / SCALE[1], 0.1 / SCALE[0], 0.2 / SCALE[0]]
    assert found == pytest.approx([float(e) for e in expected], abs=1e-3)


def test_spread_is_that_of_the_true_hits_alone():
    outputs, x, posterior = played(random_groove(1))
    silent = x[..., HIT] == 0
    outputs.velocity[silent], outputs.offset[silent] = 0.9, -0.4
    assert elbo_terms(outputs, x, posterior, SCALE)["spread"].item() == 0


@pytest.mark.parametrize("n_hits", [0, 1, 2])
def test_spread_has_a_slope_however_few_the_hits(n_hits):
    hits = [(0.1, "kick", 90), (4.1, "snare", 90)][:n_hits]
    _, x, posterior = played(groove(*hits))
    raw = torch.full(x.shape[:-1], 0.5, requires_grad=True)
    outputs = Outputs(torch.zeros_like(raw), raw, 0.1 * raw)
    spread = elbo_terms(outputs, x, posterior, SCALE)["spread"].sum()
    assert torch.isfinite(spread)
    spread.backward()
    assert torch.isfinite(raw.grad).all()


def test_the_slope_of_spread_leads_apart_what_is_too_even():
    _, x, posterior = played(groove((0, "kick", 20), (4, "snare", 120)))
    velocity = torch.full(x.shape[:-1], 0.5)
    velocity[0, 0], velocity[0, 4] = 0.49, 0.51
    velocity.requires_grad_(True)
    elbo_terms(Outputs(200 * x[..., HIT] - 100, velocity, x[..., OFFSET]), x, posterior, SCALE)[
        "spread"
    ].sum().backward()
    soft, loud = (velocity.grad[x[..., HIT] == 1]).tolist()
    assert soft > 0 > loud  # downhill: the softer softer, the louder louder


# -- the loudest


def test_beyond_the_loudest_is_no_error_and_below_it_is():
    _, x, posterior = played(groove((0, "kick", 127)))

    def velocity_cost(velocity: float) -> tuple[float, float, float]:
        raw = torch.full(x.shape[:-1], velocity, requires_grad=True)
        outputs = Outputs(200 * x[..., HIT] - 100, raw, x[..., OFFSET])
        terms = elbo_terms(outputs, x, posterior, SCALE)
        terms["velocity"].sum().backward()
        return (
            terms["velocity"].item() - float(torch.log(2 * SCALE[0])),
            float(raw.grad.sum()),
            absolute_errors(outputs, x)[0].item(),
        )

    assert velocity_cost(1.1) == pytest.approx((0, 0, 0), abs=1e-4)
    assert velocity_cost(1.0) == pytest.approx((0, 0, 0), abs=1e-4)
    assert velocity_cost(0.9) == pytest.approx((0.1 / 0.2, -1 / 0.2, 0.1), rel=1e-4)


def test_only_the_loudest_may_be_louder():
    outputs, x, posterior = played(groove((0, "kick", 126)))
    louder = outputs._replace(velocity=torch.full_like(outputs.velocity, 1.1))
    cost = elbo_terms(louder, x, posterior, SCALE)["velocity"].item() - float(torch.log(2 * SCALE[0]))
    assert cost == pytest.approx(float((1.1 - 126 / 127) / SCALE[0]), rel=1e-4)


def test_what_is_beyond_the_loudest_spreads_nothing():
    outputs, x, posterior = played(groove((0, "kick", 127), (4, "snare", 127)))
    velocity = outputs.velocity.clone()
    velocity[0, 0], velocity[0, 4] = 1.02, 1.1
    assert elbo_terms(outputs._replace(velocity=velocity), x, posterior, SCALE)["spread"].item() == 0


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


def test_velocities_are_off_by_window_and_over_its_hits_alone():
    _, x, _, _ = some()
    outputs = Outputs(x[..., HIT], x[..., VELOCITY] + 0.25, x[..., OFFSET])
    outputs.velocity[0] -= 0.5
    assert velocities_off(outputs, x).tolist() == pytest.approx([0.25] * len(x), rel=1e-4)
    outputs.velocity[1][x[1, ..., HIT] == 0] = 9.0
    assert velocities_off(outputs, x).tolist() == pytest.approx([0.25] * len(x), rel=1e-4)
    assert not velocities_off(outputs, torch.zeros_like(x)).any()


def test_beta_warms_up_from_nothing():
    weights = Weights(kl=0.5, kl_warmup=100)
    assert [weights.beta(step) for step in (0, 50, 100, 10_000)] == [0.0, 0.25, 0.5, 0.5]
    assert Weights(kl=0.5, kl_warmup=0).beta(0) == 0.5


def test_unit_weights_are_the_bound_itself():
    outputs, x, posterior, _ = some()
    terms = elbo_terms(outputs, x, posterior, SCALE)
    unit = Weights(hit=1, velocity=1, offset=1, spread=0, kl=1, kl_warmup=0)
    bound = sum(terms[name].mean().item() for name in ("hit", "velocity", "offset", "kl"))
    assert weighted(terms, posterior, unit, 0).item() == pytest.approx(bound)


@pytest.mark.parametrize("name", TERMS)
def test_each_weight_is_of_its_own_term(name):
    outputs, x, posterior, _ = some()
    terms = {n: t.double() for n, t in elbo_terms(outputs, x, posterior, SCALE).items()}
    weights = Weights(kl_warmup=0)
    more = dataclasses.replace(weights, **{name: getattr(weights, name) + 1})
    difference = weighted(terms, posterior, more, 0) - weighted(terms, posterior, weights, 0)
    assert difference.item() == pytest.approx(terms[name].mean().item(), rel=1e-4)


def test_free_nats_are_free():
    _, _, posterior, _ = some()
    nothing = dict.fromkeys(TERMS, torch.zeros(3)) | {"kl": kl_per_dimension(posterior).sum(1)}
    per_dimension = kl_per_dimension(posterior).mean(0)
    for free in (0.05, float(per_dimension.median()), 100.0):
        charged = weighted(nothing, posterior, Weights(kl=1, kl_warmup=0, free_nats=free), 0)
        assert charged.item() == pytest.approx(sum(max(k, free) for k in per_dimension.tolist()), rel=1e-5)


@pytest.mark.parametrize("name", [*TERMS, "style", "free_nats", "kl_warmup"])
@pytest.mark.parametrize("value", [-1.0, float("nan"), float("inf")])
def test_weights_that_cannot_be(name, value):
    with pytest.raises(UsageError, match=f"weight {name}"):
        Weights(**{name: value})


# -- style -----------------------------------------------------------------------


def test_the_style_of_a_neighbour_is_its_share_of_a_softmax_over_cosines():
    mean = torch.tensor([[1.0, 0.0], [0.8, 0.6], [-1.0, 0.2], [-0.8, -0.8]])
    style = torch.tensor([0, 0, 1, 0])
    away = mean - mean.mean(0)
    cosine = torch.nn.functional.cosine_similarity(away[:, None], away[None], dim=-1)
    expected = []
    for row in (0, 1, 3):  # the third has nobody of its style
        others = [other for other in range(4) if other != row]
        share = torch.softmax(cosine[row, others] / 0.1, 0)
        expected.append(-torch.log(share[style[others] == style[row]].sum()))
    assert float(style_contrast(mean, style)) == pytest.approx(float(torch.stack(expected).mean()), rel=1e-4)


def test_latents_move_to_their_own_style_and_those_of_none_stay():
    mean = torch.randn(12, 6, generator=torch.Generator().manual_seed(0), requires_grad=True)
    style = torch.tensor([0, 1, 2, -1] * 3)
    before = style_contrast(mean, style)
    (gradient,) = torch.autograd.grad(before, mean)
    assert style_contrast(mean - 0.5 * gradient, style) < before
    assert not gradient[style < 0].any()
    assert gradient[style >= 0].any(1).all()


@pytest.mark.parametrize("style", [[-1, -1, -1], [0, 1, 2], [-1, -1, 0]])
def test_where_no_two_share_a_style_nothing_is_asked(style):
    mean = torch.randn(3, 4, generator=torch.Generator().manual_seed(0), requires_grad=True)
    nothing = style_contrast(mean, torch.tensor(style))
    (gradient,) = torch.autograd.grad(nothing, mean)
    assert nothing == 0
    assert not gradient.any()
