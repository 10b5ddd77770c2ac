"""A new groove's latents moved to what its traits ask: which drums play, how much of it comes again, how it feels.

The prior draws number after number, each a little off. Together that costs rare drums their single strokes and bars
that come again a cell or two, and leaves beats too even and voices too loud for one another. Traits say how it should
be (prior.py); latents are moved there, and what is heard is what the decoder says of them.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from rhythmvae.analysis.descriptors import TRAITS
from rhythmvae.analysis.quantiles import Quantiles
from rhythmvae.groove import (
    HIT,
    MAX_VELOCITY,
    WINDOW_STEPS,
    BoolArray,
    FloatArray,
    Groove,
    IntArray,
    window_spans,
)
from rhythmvae.kit import VOICE_KEYS
from rhythmvae.model.checkpoint import Checkpoint
from rhythmvae.model.lean import AdamW
from rhythmvae.model.prior import Conditioning
from rhythmvae.model.vae import Outputs, to_tensor

FEEL = ("loudness", "dynamics", "push", "looseness")  # mean and spread of velocity, then of offset
FEEL_ROUNDS, FEEL_RATE = 25, 0.05  # of Adam; its rate in standard deviations of the latents
# What a miss of a trait by its standard deviation weighs in all hits and in a voice's, a cell's cross-entropy, and a
# latent's move by its standard deviation.
FEEL_WEIGHT, VOICE_WEIGHT, CELL_WEIGHT, MOVE_WEIGHT = 1.0, 0.5, 0.3, 0.02
# By how many nats cells are pulled into both halves, or out of them; a way is as good as another with a miss of the
# repetition by one, a voice's cell too many or a nat of pull that weigh as here.
PULLS = np.concatenate([[0.0], np.linspace(0.4, 12.0, 30), -np.linspace(0.4, 12.0, 30)])
REPETITION_WEIGHT, COUNT_WEIGHT, PULL_WEIGHT = 30.0, 0.03, 0.01
# From this repetition on both bars are the same: up to 18 cells a bar have nothing between, and blurred traits ask for
# it as often (0.049) as both bars of training windows are (0.046).
WHOLE = 0.95
LARGEST_LOGIT, HALVINGS = 60.0, 18  # of what all cells of a voice are raised by, and how finely that is found


def as_asked(checkpoint: Checkpoint, z: Tensor, frame: Groove, conditioning: Conditioning) -> Tensor:
    """Latents (W, Z) of one groove near to drawn ones, in which the drums, repetition and feel are what was asked.

    Args:
        frame: a groove of the windows' length, in its tempo and meter.
        conditioning: of one groove, what the latents were drawn with.
    """
    return _with_feel(checkpoint, _with_cells(checkpoint, z, frame, conditioning), frame, conditioning)


# -- which cells ---------------------------------------------------------------


def _with_cells(checkpoint: Checkpoint, z: Tensor, frame: Groove, conditioning: Conditioning) -> Tensor:
    """Latents (W, Z) of what they stand for, with the drums and the repetition that the traits ask for.

    A voice that is asked for plays somewhere, one that is not asked for nowhere, all others as often as they do. In
    each full window the cells change that the decoder is least sure of.
    """
    model = checkpoint.model
    n_steps = torch.tensor([span.n_steps for span in window_spans(frame)])
    with torch.no_grad():
        outputs = model.decode(z, n_steps)
        x = to_tensor(outputs, model.config)
    hit = x[..., HIT].numpy() > 0
    logit = outputs.hit_logit.amax(-1).double().numpy()
    n_cells = _asked_cells(hit.any(-1).sum(1), logit, _asked_voices(checkpoint.quantiles, conditioning))
    repetition = _asked_repetition(checkpoint.quantiles, conditioning)
    cells = np.stack(
        [
            likeliest_cells(own, wanted, repetition if length == WINDOW_STEPS else None)
            for own, wanted, length in zip(logit, n_cells, n_steps.tolist(), strict=True)
        ]
    )
    played = hit & cells[..., None]
    played[..., 0] |= cells & ~hit.any(-1)
    is_hit = torch.from_numpy(played).float()
    x = torch.stack([is_hit, outputs.velocity.clamp(max=1.0) * is_hit, outputs.offset * is_hit], dim=-1)
    with torch.no_grad():
        return model.encode(x, n_steps).mean


def _asked_voices(quantiles: Quantiles, conditioning: Conditioning) -> FloatArray:
    """Of each voice 1 if it is to play, 0 if not and NaN where nothing is known, (V,)."""
    names = [name for name in TRAITS if name in quantiles.knots]
    columns = [names.index(f"loudness_{key}") if f"loudness_{key}" in names else None for key in VOICE_KEYS]
    # What does not play has no loudness.
    return np.array([np.nan if column is None else float(conditioning.mask[0, column]) for column in columns])


def _asked_repetition(quantiles: Quantiles, conditioning: Conditioning) -> float | None:
    names = [name for name in TRAITS if name in quantiles.knots]
    if "repetition" not in names or not conditioning.mask[0, names.index("repetition")]:
        return None
    asked = quantiles.at_score("repetition", float(conditioning.traits[0, names.index("repetition")]))
    return 1.0 if asked >= WHOLE else asked


def _asked_cells(n_cells: IntArray, logit: FloatArray, is_asked: FloatArray) -> IntArray:
    """How many cells each voice should have in each window, (W, V), of as many as it has, (W, V).

    Args:
        logit: (W, T, V) of the cells: a voice that is missing begins where it is most likely.
        is_asked: (V,) as `_asked_voices` gives it.
    """
    wanted: IntArray = n_cells * (is_asked != 0.0)
    for voice in np.flatnonzero((is_asked == 1.0) & (wanted.sum(0) == 0)).tolist():
        wanted[logit[:, :, voice].max(1).argmax(), voice] = 1
    return wanted


def likeliest_cells(logit: FloatArray, n_cells: IntArray, repetition: float | None = None) -> BoolArray:
    """Of all ways to fill a window the likeliest with so many cells of each voice and as much repetition, (T, V).

    With a multiplier m for each voice's count and one for repetition, l, (Everett 1963) the sum to be largest falls
    apart into pairs of cells, one in each half: the first alone is worth its logit + m - l r, both their logits
    + 2 m + l (1 - r). l is tried over PULLS, m is halved down to.

    Args:
        logit: (T, V), T even.
        n_cells: (V,).
        repetition: r, of cells that both halves have out of those that either has; None for any.
    """
    half = len(logit) // 2
    pull = np.zeros(1) if repetition is None else PULLS
    share = repetition or 0.0
    first, second = np.clip(np.split(logit[: 2 * half], 2), -LARGEST_LOGIT, LARGEST_LOGIT)
    alone, together = (-pull * share)[:, None, None], (pull * (1.0 - share))[:, None, None]

    def chosen(raised: FloatArray) -> IntArray:
        """Of each pair (K, T / 2, V): none of it, the first, the second or both, 0 to 3."""
        own = raised[:, None]
        ways = np.broadcast_arrays(
            np.zeros((1, *first.shape)), first + own + alone, second + own + alone, first + second + 2 * own + together
        )
        best: IntArray = np.stack(ways).argmax(0)
        return best

    def counted(ways: IntArray) -> IntArray:
        total: IntArray = ((ways + 1) // 2).sum(1)
        return total

    low, high = (np.full((len(pull), logit.shape[1]), sign * 2 * LARGEST_LOGIT) for sign in (-1.0, 1.0))
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        is_more = counted(chosen(middle)) < n_cells
        low, high = np.where(is_more, middle, low), np.where(is_more, high, middle)
    fewer, more = chosen(low), chosen(high)
    is_nearer = np.abs(counted(fewer) - n_cells) < np.abs(counted(more) - n_cells)
    ways = np.where((n_cells > 0) & is_nearer[:, None], fewer, np.where(n_cells > 0, more, 0))
    missed = COUNT_WEIGHT * np.abs(counted(ways) - n_cells).sum(1) + PULL_WEIGHT * np.abs(pull)
    if repetition is not None:
        found = (ways == 3).sum((1, 2)) / np.maximum((ways > 0).sum((1, 2)), 1)
        missed += REPETITION_WEIGHT * np.abs(found - repetition)
    best = ways[missed.argmin()]
    return np.concatenate([(best == 1) | (best == 3), best >= 2])


# -- how it feels --------------------------------------------------------------


def _with_feel(checkpoint: Checkpoint, z: Tensor, frame: Groove, conditioning: Conditioning) -> Tensor:
    """Latents (W, Z) moved until velocity and timing, of all hits and of each voice's, are spread as the traits ask.

    Beats that are drawn one by one are too even together, and one voice too loud for another. The hits stay, as
    far as the decoder can keep them.
    """
    model, prior = checkpoint.model, checkpoint.prior
    asked = _asked_feel(checkpoint.quantiles, conditioning)
    n_steps = torch.tensor([span.n_steps for span in window_spans(frame)])
    z = z.clone()  # out of inference mode
    with torch.no_grad():
        hit = (model.decode(z, n_steps).hit_logit >= 0).float()
    moved = torch.zeros_like(z, requires_grad=True)
    optimizer = AdamW([moved], lr=FEEL_RATE, weight_decay=0.0)
    for _ in range(FEEL_ROUNDS):
        outputs = model.decode(z + moved * prior.std, n_steps)
        drift = functional.binary_cross_entropy_with_logits(outputs.hit_logit.clamp(min=-50), hit, reduction="sum")
        loss = _missed_feel(outputs, asked) + CELL_WEIGHT * drift + MOVE_WEIGHT * (moved**2).sum()
        (moved.grad,) = torch.autograd.grad(loss, moved)
        optimizer.step()
    return z + moved.detach() * prior.std


def _asked_feel(quantiles: Quantiles, conditioning: Conditioning) -> Tensor:
    """What traits ask of each voice and of all together, standard deviations of it, and weights: (3, 4, V + 1)."""
    names = [name for name in TRAITS if name in quantiles.knots]
    asked = torch.zeros(3, len(FEEL), len(VOICE_KEYS) + 1)
    asked[1] = 1.0
    for row, trait in enumerate(FEEL):
        for column, own in enumerate((*(f"{trait}_{key}" for key in VOICE_KEYS), trait)):
            if own in names and conditioning.mask[0, names.index(own)]:
                wanted = quantiles.at_score(own, float(conditioning.traits[0, names.index(own)]))
                weight = FEEL_WEIGHT if own == trait else VOICE_WEIGHT
                asked[:, row, column] = torch.tensor([wanted, max(quantiles.spread(own), 1e-3), weight])
    return asked


def _missed_feel(outputs: Outputs, asked: Tensor) -> Tensor:
    """How far the velocity and timing of the hits are from what is asked, as `_asked_feel` gives it."""
    hit = (outputs.hit_logit >= 0).float()
    members = torch.cat([torch.eye(hit.shape[2]), torch.ones(hit.shape[2], 1)], dim=1)
    n = hit.sum((0, 1, 3)) @ members
    rows = []
    for values in (MAX_VELOCITY * outputs.velocity.clamp(max=1.0), outputs.offset):
        mean = (hit * values).sum((0, 1, 3)) @ members / n.clamp(min=1.0)
        square = (hit * (values - mean[:-1, None]) ** 2).sum((0, 1, 3))
        # Of all together: within voices and between them.
        apart = n[:-1] * (mean[:-1] - mean[-1]) ** 2
        variance = torch.cat([square, (square + apart).sum()[None]]) / n.clamp(min=1.0)
        rows += [mean, (variance + 1e-6).sqrt()]
    wanted, unit, weight = asked
    is_played = torch.stack([n > 0, n > 1] * 2)
    missed = torch.where(is_played, (torch.stack(rows) - wanted) / unit, 0.0)
    huber = functional.huber_loss(missed, torch.zeros_like(missed), reduction="none", delta=2.0)
    total: Tensor = (weight * huber).sum()
    return total
