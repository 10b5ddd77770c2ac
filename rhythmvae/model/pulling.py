"""What a decoder gives, and slopes by its output made slopes by its latents, for several values at once.

A backward pass gives the slopes of one value. For K of them torch repeats that of norms, attention and `gelu` K times,
one after the other; written out below for the attention family they are products of a few larger matrices, and the same
up to rounding.

Shapes: K values, B windows, N tokens of a window, H heads, D features of one.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch._vmap_internals import _vmap
from torch.autograd.graph import _engine_run_backward
from torch.nn import functional

from rhythmvae.groove import WINDOW_STEPS
from rhythmvae.model.blocks import SelfAttention
from rhythmvae.model.config import N_BEATS, N_HEADS
from rhythmvae.model.vae import AttentionDecoder

Pull = Callable[[Tensor], Tensor]  # slopes by what a layer gives, (K, ...), to slopes by what it was given


def pulled(decoder: nn.Module, z: Tensor, mask: Tensor) -> tuple[Tensor, Pull]:
    """What a decoder gives (B, T, C) for latents (B, Z), and slopes (K, B, T, C) by that to slopes (K, B, Z) by them.

    Args:
        mask: (B, T), 1 inside a window.
    """
    if isinstance(decoder, AttentionDecoder):
        with torch.no_grad():
            return _decoder(decoder, z, mask)
    with torch.enable_grad():
        here = z.clone().requires_grad_(True)
        out = decoder(here, mask)
    return out.detach(), lambda slope: _vmap(lambda each: backward(out, each, (here,))[0], 0, 0)(slope)


def backward(of: Tensor, slope: Tensor, by: Sequence[Tensor]) -> tuple[Tensor, ...]:
    """As `torch.autograd.grad`, and the graph is kept; its check of shapes imports sympy, 480 modules, which take
    32 MB of each process."""
    return _engine_run_backward((of,), (slope,), True, False, tuple(by), False, accumulate_grad=False)


# -- layers of the attention family ----------------------------------------------


def _decoder(decoder: AttentionDecoder, z: Tensor, mask: Tensor) -> tuple[Tensor, Pull]:
    n_latents = z.shape[1] // N_BEATS
    beats = torch.cat([z.view(len(z), N_BEATS, -1), mask.view(len(z), N_BEATS, -1)], dim=-1)
    x = decoder.enter(beats) + decoder.place
    pulls: list[Pull] = []
    for block in decoder.blocks:
        x, pull = _attention(block, x) if isinstance(block, SelfAttention) else _feedforward(block, x)
        pulls.append(pull)
    norm, leave = decoder.leave
    x, pull_norm = _norm(norm, x)

    def pull_all(slope: Tensor) -> Tensor:
        slope = pull_norm(_by(slope.reshape(len(slope), len(z), N_BEATS, -1), leave))
        for pull in reversed(pulls):
            slope = pull(slope)
        return (slope @ decoder.enter.weight[:, :n_latents]).flatten(2)

    return leave(x).reshape(len(z), WINDOW_STEPS, -1), pull_all


def _norm(norm: Any, x: Tensor) -> tuple[Tensor, Pull]:
    away, scale = x - x.mean(-1, keepdim=True), (x.var(-1, correction=0, keepdim=True) + norm.eps).rsqrt()
    unit, weight = away * scale, norm.weight * scale

    def pull(slope: Tensor) -> Tensor:
        slope = slope * weight
        found: Tensor = slope - slope.mean(-1, keepdim=True) - (slope * unit).mean(-1, keepdim=True) * unit
        return found

    out: Tensor = norm(x)
    return out, pull


def _feedforward(block: Any, x: Tensor) -> tuple[Tensor, Pull]:
    normed, pull_norm = _norm(block.norm, x)
    inner = block.inner(normed)
    steep = 0.5 * (1 + torch.erf(inner / math.sqrt(2))) + inner * torch.exp(-(inner**2) / 2) / math.sqrt(2 * math.pi)

    def pull(slope: Tensor) -> Tensor:
        return slope + pull_norm(_by(_by(slope, block.outer) * steep, block.inner))

    return x + block.outer(functional.gelu(inner)), pull


def _attention(block: Any, x: Tensor) -> tuple[Tensor, Pull]:
    normed, pull_norm = _norm(block.norm, x)
    query, key, value = (
        block.query_key_value(normed).view(*x.shape[:2], 3, N_HEADS, -1).permute(2, 0, 3, 1, 4)  # each (B, H, N, D)
    )
    shrink = query.shape[-1] ** -0.5
    share = torch.softmax(shrink * query @ key.mT, dim=-1)

    def pull(slope: Tensor) -> Tensor:
        # All K values as more rows of one product: (B, H, K, N, D), times what is (B, H, 1, N, D).
        seen = _by(slope, block.outer).view(*slope.shape[:3], N_HEADS, -1).permute(1, 3, 0, 2, 4)
        by_share = _rows(seen, value.mT) * share[:, :, None]
        score = shrink * (by_share - share[:, :, None] * by_share.sum(-1, keepdim=True))
        parts = torch.stack([_rows(score, key), _rows(score.mT, query), share.mT[:, :, None] @ seen])
        return slope + pull_norm(_by(parts.permute(3, 1, 4, 0, 2, 5).flatten(3), block.query_key_value))

    return x + block.outer((share @ value).transpose(1, 2).flatten(2)), pull


def _rows(left: Tensor, right: Tensor) -> Tensor:
    """(B, H, K, N, I) times (B, H, I, J): (B, H, K, N, J)."""
    return (left.flatten(2, 3) @ right).view(*left.shape[:4], -1)


def _by(slope: Tensor, layer: Any) -> Tensor:
    """Slopes by what a linear layer gives to slopes by what it was given."""
    found: Tensor = slope @ layer.weight
    return found
