"""The terms of the training objective, as pure functions in nats per window.

The evidence lower bound of a window x is

    E_q(z|x)[log p(hit|z) + log p(velocity|z) + log p(offset|z)] - KL(q(z|x) || N(0, I))

with a Bernoulli for hits and Laplace distributions, log p(v|z) = -|v - v'| / b - log 2b, for
velocity (of 1) and offset (steps) where the window has a hit. A Laplace rather than a
Gaussian because the figures we answer for are mean absolute errors.

The scales b follow the errors as training goes (their maximum-likelihood value is the mean
absolute error; Rybkin et al. 2021 do the same for Gaussians), down to a floor: below it the
ear hears no difference, and finer copies would only cost latent information.

A velocity of 127 is a pad at its limit: it says "at least this", so nothing above it is an error
(a censored observation).

Medians under a noisy latent are more even than playing is. The *spread* term holds against it: how
far the standard deviations of velocity and offset over a window's hits are from the true ones.

`Weights` departs from the bound on purpose, and says by how much.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from rhythmvae.groove import HIT, OFFSET, VELOCITY
from rhythmvae.model.config import Weights
from rhythmvae.model.vae import Outputs, Posterior


def absolute_errors(outputs: Outputs, x: Tensor) -> Tensor:
    """Mean |velocity error| (of 1) and mean |offset error| (steps) over the true hits of a batch, (2,)."""
    hit = x[..., HIT]
    n_hits = hit.sum().clamp(min=1.0)
    velocity = (_velocity_error(outputs, x).abs() * hit).sum() / n_hits
    offset = ((outputs.offset - x[..., OFFSET]).abs() * hit).sum() / n_hits
    return torch.stack([velocity, offset])


def velocities_off(outputs: Outputs, x: Tensor) -> Tensor:
    """Mean |velocity error| over the true hits of each window, (B,), of 1."""
    hit = x[..., HIT]
    error = (_velocity_error(outputs, x).abs() * hit).flatten(1).sum(1)
    return error / hit.flatten(1).sum(1).clamp(min=1.0)


def _velocity_error(outputs: Outputs, x: Tensor) -> Tensor:
    """Error of each cell's velocity, (B, T, V, L); none for being louder than the loudest."""
    error = outputs.velocity - x[..., VELOCITY]
    return torch.where(x[..., VELOCITY] >= 1.0, error.clamp(max=0.0), error)


def elbo_terms(outputs: Outputs, x: Tensor, posterior: Posterior, scale: Tensor) -> dict[str, Tensor]:
    """Negative log likelihoods and KL by name (TERMS), each (B,) in nats per window.

    Args:
        x: (B, T, V, L, F) the true windows.
        scale: (2,) Laplace scales b of velocity and offset.
    """
    hit = x[..., HIT]
    inside = torch.isfinite(outputs.hit_logit)  # cells beyond the window's end are no question
    logit = outputs.hit_logit.masked_fill(~inside, 0.0)
    bernoulli = functional.binary_cross_entropy_with_logits(logit, hit, reduction="none") * inside
    velocity = _velocity_error(outputs, x).abs() / scale[0] + torch.log(2 * scale[0])
    offset = (outputs.offset - x[..., OFFSET]).abs() / scale[1] + torch.log(2 * scale[1])
    return {
        "hit": bernoulli.flatten(1).sum(1),
        "velocity": (velocity * hit).flatten(1).sum(1),
        "offset": (offset * hit).flatten(1).sum(1),
        "spread": (_spread(outputs.velocity.clamp(max=1.0), hit) - _spread(x[..., VELOCITY], hit)).abs() / scale[0]
        + (_spread(outputs.offset, hit) - _spread(x[..., OFFSET], hit)).abs() / scale[1],
        "kl": kl_per_dimension(posterior).sum(1),
    }


def _spread(values: Tensor, hit: Tensor) -> Tensor:
    """Standard deviation over the hits of each window, (B,)."""
    n_hits = hit.flatten(1).sum(1).clamp(min=1.0)
    mean = (values * hit).flatten(1).sum(1) / n_hits
    square = ((values - mean[:, None, None, None]) ** 2 * hit).flatten(1).sum(1) / n_hits
    return (square + 1e-6).sqrt()  # smooth at 0


def kl_per_dimension(posterior: Posterior) -> Tensor:
    """KL(q(z|x) || N(0, 1)) = (mean^2 + var - 1 - log var) / 2, (B, Z), zero for unused dimensions."""
    kl = 0.5 * (posterior.mean**2 + posterior.log_variance.exp() - 1.0 - posterior.log_variance)
    return kl * posterior.used


STYLE_TEMPERATURE = 0.1  # of cosines: how near counts as a neighbour


def style_contrast(mean: Tensor, style: Tensor) -> Tensor:
    """How unlike its neighbours' style a window's is, in nats, mean over the batch's windows of a known style.

    -log of the probability that the neighbour which a softmax over cosines picks has the same style: neighbourhood
    components analysis (Goldberger et al. 2004) on directions, which is what search and the map compare.

    Args:
        mean: (B, Z) posterior means.
        style: (B,) numbers of styles, below 0 where unknown; 0 nats where no two windows share one.
    """
    known = style >= 0
    mean, style = mean[known], style[known]
    unit = functional.normalize(mean - mean.mean(0), dim=1) if len(mean) else mean
    itself = torch.eye(len(unit), dtype=torch.bool, device=unit.device)
    near = (unit @ unit.T / STYLE_TEMPERATURE).masked_fill(itself, -torch.inf)
    alike = (style[:, None] == style) & ~itself
    has_any = alike.any(1)
    if not has_any.any():
        return mean.sum() * 0.0
    picked = near.masked_fill(~alike, -torch.inf)[has_any].logsumexp(1) - near[has_any].logsumexp(1)
    return -picked.mean()


def weighted(terms: dict[str, Tensor], posterior: Posterior, weights: Weights, step: int) -> Tensor:
    """The number to minimize: a weighted mean over the batch, in nats per window."""
    kl = terms["kl"].mean()
    if weights.free_nats:
        kl = kl_per_dimension(posterior).mean(0).clamp(min=weights.free_nats).sum()
    return (
        weights.hit * terms["hit"].mean()
        + weights.velocity * terms["velocity"].mean()
        + weights.offset * terms["offset"].mean()
        + weights.spread * terms["spread"].mean()
        + weights.beta(step) * kl
    )
