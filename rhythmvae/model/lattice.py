"""A lattice of grooves between four: the rows and columns that a pad plays.

The corners are what the model rebuilds of four grooves. Between them the way leads through the prior's noise, as that
of `generate.interpolate` does: along great circles, first from left to right along the upper and the lower edge, then
from above to below; traits and what the way there and back loses of the corners go in straight lines. So every point is
the decoder's own groove of one latent, never a mix of two grooves.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor
from torch.nn import functional

from rhythmvae.errors import UsageError, check_type
from rhythmvae.groove import DEFAULT_TEMPO_BPM, Groove, Tempo
from rhythmvae.model import latent
from rhythmvae.model.checkpoint import Checkpoint
from rhythmvae.model.generate import joined, mixed_conditioning, one_bpm, to_length
from rhythmvae.model.limits import check_ends
from rhythmvae.model.prior import Conditioning, conditioning_of

N_CORNERS = 4
MAX_BARS = 4  # of a corner: its first ones; the decoder has 81 grooves to decode at once
SIDE = 9


def lattice(checkpoint: Checkpoint, corners: Sequence[Groove], side: int = SIDE) -> list[Groove]:
    """Grooves of a square of SIDE rows and columns, row by row from the upper left; all of one length.

    Args:
        corners: upper left, upper right, lower left, lower right. Of a long one the first MAX_BARS bars count, and a
            shorter one is looped to the length of the longest. Tempo goes in even ratios.

    Raises:
        UsageError: other than four corners, a side of less than two, or corners that are not all in one and the same
            meter.
        CheckpointError: weights that give no numbers.

    >>> from rhythmvae import example, load_checkpoint
    >>> from rhythmvae.model.lattice import lattice
    >>> found = lattice(load_checkpoint(), [example(name) for name in ("funk", "bossa", "rock", "disco")], 3)
    >>> len(found), {groove.n_bars for groove in found}
    (9, {4})
    """
    check_type(checkpoint, Checkpoint, "a checkpoint")
    if len(corners) != N_CORNERS or side < 2:
        raise UsageError(f"Expected {N_CORNERS} corners and a side of 2 at least, got {len(corners)} and {side}.")
    firsts = [corner.bars(1, min(corner.n_bars, MAX_BARS)) for corner in corners]
    for corner in firsts[1:]:
        check_ends(firsts[0], corner)
    n_steps = max(corner.n_steps for corner in firsts)
    meters = (replace(firsts[0].meters[0], step=0.0),)
    frame = Groove.silent(n_steps, (Tempo(0.0, DEFAULT_TEMPO_BPM),), meters)
    even = [replace(to_length(corner, n_steps), meters=meters) for corner in firsts]
    grooves = latent.decode_many(checkpoint.model, points(checkpoint, even, side), frame)
    return [
        replace(groove, tempos=(Tempo(0.0, bpm),))
        for groove, bpm in zip(grooves, _tempos([one_bpm(corner) for corner in firsts], side), strict=True)
    ]


def points(checkpoint: Checkpoint, corners: Sequence[Groove], side: int) -> Tensor:
    """Latents (side * side, W, Z) between four grooves of one length, row by row."""
    prior = checkpoint.prior
    means = torch.stack([latent.encode(checkpoint.model, corner).posterior.mean for corner in corners])
    wanted = conditioning_of(corners, checkpoint.quantiles, prior.config.styles)
    noise = prior.to_noise(means, wanted)
    t = torch.linspace(0.0, 1.0, side)
    edges = [_arc(noise[a], noise[b], t) for a, b in ((0, 1), (2, 3))]
    columns = [_arc(upper, lower, t) for upper, lower in zip(*edges, strict=True)]  # side times (side, W, Z)
    own = [Conditioning(*(part[[i]] for part in wanted)) for i in range(N_CORNERS)]
    above, below = (mixed_conditioning(own[a], own[b], t[:, None]) for a, b in ((0, 1), (2, 3)))
    rows = [mixed_conditioning(above, below, share) for share in t]
    there = prior.from_noise(torch.cat([noise, torch.stack(columns, dim=1).flatten(0, 1)]), joined(wanted, *rows))
    lost = means - there[:N_CORNERS]  # what the way there and back loses of the corners, given back near them
    return there[N_CORNERS:] + torch.einsum("pc,cwz->pwz", shares(side), lost)


def shares(side: int) -> Tensor:
    """How much of each corner a point has: (side * side, 4), summing to 1."""
    t = torch.linspace(0.0, 1.0, side)
    y, x = (axis.flatten() for axis in torch.meshgrid(t, t, indexing="ij"))
    return torch.stack([(1 - x) * (1 - y), x * (1 - y), (1 - x) * y, x * y], dim=1)


def _arc(first: Tensor, last: Tensor, t: Tensor) -> Tensor:
    """Noise (M, W, Z) along the great circle from one (W, Z) to another, at t (M,)."""
    cosine = functional.cosine_similarity(first.flatten(), last.flatten(), dim=0).clamp(-0.999, 0.999)
    angle = torch.acos(cosine)
    to_last = torch.sin(t * angle) / torch.sin(angle)
    to_first = torch.sin((1.0 - t) * angle) / torch.sin(angle)
    return to_first[:, None, None] * first + to_last[:, None, None] * last


def _tempos(corners: Sequence[float], side: int) -> list[float]:
    logs = torch.tensor([math.log(bpm) for bpm in corners], dtype=torch.float64)
    return [math.exp(each) for each in (shares(side).double() @ logs).tolist()]
