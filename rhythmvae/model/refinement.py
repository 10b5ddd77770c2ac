"""A window's latents brought nearer to it: a few rounds of inference after the encoder.

The encoder answers for all windows at once and is a little off for each of them (the amortization gap; Cremer et al.
2018). Its answer is only the start here, as in semi-amortized inference (Kim et al. 2018): a few steps raise the
evidence lower bound of this one window through the decoder, whose weights stay. A step goes along the natural gradient
of the posterior's mean (Amari 1998), which is the posterior's variance times the slope, so each latent moves by what
the encoder says that it may be off, and the KL to the prior holds it as it does in training.

    z <- z - rate * m,    m <- MOMENTUM * m + variance * dL/dz

L is the training objective at the posterior's mean (losses.py), with the weights of the shipped model. A step that
raises L, or has more cells wrong, is taken back, and the next one is half as long. So what comes out has an L and a
number of wrong cells that are at most the encoder's, in every window. The posterior's variances stay the encoder's.

A window whose velocities are still off by more than FAR then, as those of a roll that swells are, goes on for
FAR_ROUNDS more. Were it all windows, draws from the posterior would fall behind its mean.

How many rounds a model takes is `RhythmVAE.refinement`, which its checkpoint says; 0 leaves the encoder's answer as it
is, to the bit. What compares grooves with each other by the thousands (the map, libraries, `latent.vectors`, training)
goes by the encoder alone. docs/decisions/0066-nearer-latents.md and 0077-windows-that-are-still-far.md have what was
measured.

Shapes: B windows, z (B, Z), x (B, T, V, L, F).
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from rhythmvae.groove import HIT
from rhythmvae.model.config import TERMS, Weights
from rhythmvae.model.losses import elbo_terms, velocities_off
from rhythmvae.model.pulling import backward
from rhythmvae.model.vae import Posterior, RhythmVAE

WEIGHTS = Weights(hit=6.0, velocity=2.0, offset=1.5)
RATE, MOMENTUM = 0.4, 0.4  # of natural gradients; at 0.6 every sixth step is taken back
AT_ONCE = 64  # windows: slopes need what every layer gave, 0.5 MB a window
FAR = 5 / 127  # of full velocity, the mean over a window's hits
FAR_ROUNDS = 16


class _Seen(NamedTuple):
    """Latents, and what the decoder makes of them: L, the number of wrong cells and how far velocities are off (of 1),
    each (B,), and L's slope (B, Z)."""

    z: Tensor
    loss: Tensor
    n_wrong: Tensor
    off: Tensor
    slope: Tensor


def refined(model: RhythmVAE, posterior: Posterior, x: Tensor, n_steps: Tensor) -> Posterior:
    """The posterior of windows with its mean brought nearer to them, in `model.refinement` rounds.

    Args:
        posterior: the encoder's.
        n_steps: (B,) the windows' lengths.
    """
    if not model.refinement:
        return posterior
    # Slopes cannot go through tensors of inference mode, in which callers may be: copies can be made outside.
    with torch.inference_mode(mode=False), torch.enable_grad():
        parts = zip(*(torch.split(part.clone(), AT_ONCE) for part in (*posterior, x, n_steps)), strict=True)
        means = [_refined(model, Posterior(*part[:3]), *part[3:]) for part in parts]
    return posterior._replace(mean=torch.cat(means))


def _refined(model: RhythmVAE, posterior: Posterior, x: Tensor, n_steps: Tensor) -> Tensor:
    near = _stepped(model, posterior, x, n_steps, model.refinement)
    is_far = near.off > FAR
    if not is_far.any():
        return near.z
    z = near.z.clone()
    still = Posterior(z[is_far], posterior.log_variance[is_far], posterior.used[is_far])
    z[is_far] = _stepped(model, still, x[is_far], n_steps[is_far], FAR_ROUNDS).z
    return z


def _stepped(model: RhythmVAE, posterior: Posterior, x: Tensor, n_steps: Tensor, n_rounds: int) -> _Seen:
    variance = posterior.log_variance.exp() * posterior.used
    rate = torch.full((len(x), 1), RATE)
    move = torch.zeros_like(variance)
    start = best = _seen(model, posterior, x, n_steps)
    for left in reversed(range(n_rounds)):
        move = MOMENTUM * move + variance * best.slope
        now = _seen(model, posterior._replace(mean=best.z - rate * move), x, n_steps, has_slope=left > 0)
        is_fewer, is_as_many = now.n_wrong < best.n_wrong, now.n_wrong == best.n_wrong
        is_better = (now.loss <= start.loss) & (is_fewer | (is_as_many & (now.loss < best.loss)))
        best = _Seen(*(torch.where(_like(is_better, new), new, old) for new, old in zip(now, best, strict=True)))
        rate = torch.where(is_better[:, None], rate, rate / 2)
        move = torch.where(is_better[:, None], move, 0.0)
    return best


def _like(rows: Tensor, values: Tensor) -> Tensor:
    """(B,) as `torch.where` takes it beside (B,) or (B, Z)."""
    return rows if values.dim() == 1 else rows[:, None]


def _seen(model: RhythmVAE, posterior: Posterior, x: Tensor, n_steps: Tensor, *, has_slope: bool = True) -> _Seen:
    z = posterior.mean.detach().requires_grad_(has_slope)
    outputs = model.decode(z, n_steps)
    terms = elbo_terms(outputs, x, posterior._replace(mean=z), model.scale.to(z.device))
    loss = torch.stack([getattr(WEIGHTS, name) * terms[name] for name in TERMS]).sum(0)
    slope = torch.zeros_like(z)
    if has_slope:
        (slope,) = backward(loss, torch.ones_like(loss), (z,))
    n_wrong = ((outputs.hit_logit >= 0) != (x[..., HIT] > 0)).flatten(1).sum(1)
    return _Seen(z.detach(), loss.detach(), n_wrong, velocities_off(outputs, x).detach(), slope)
