"""Between grooves and latents: encode, decode, reconstruct.

A groove of any length is cut into windows (groove.window_spans), each with its own latent.
W windows give z (W, Z); a window shorter than WINDOW_STEPS uses its share of Z and the rest
is zero. The windows of a groove go through the network in batches cut the same way every
time, so the same latents decode to the same hits bit for bit, wherever they came from.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from rhythmvae.errors import CheckpointError
from rhythmvae.groove import WINDOW_STEPS, Groove, from_grid, join, to_grid, window_spans
from rhythmvae.model.vae import Posterior, RhythmVAE, to_tensor

BATCH = 512  # windows at a time: a quarter of an hour of drumming in little memory


@dataclass(frozen=True, eq=False)
class Encoded:
    """A groove as the model holds it: a frame and latents, and nothing else of its hits.

    frame: a groove without hits, giving length, tempos and meters. posterior: (W, Z).
    """

    frame: Groove
    posterior: Posterior


def frame_of(groove: Groove) -> Groove:
    """Length, tempos and meters of a groove, without its hits, title and source."""
    return Groove.silent(groove.n_steps, groove.tempos, groove.meters)


@torch.inference_mode()
def encode(model: RhythmVAE, groove: Groove) -> Encoded:
    """The posterior of every window of a groove.

    Raises:
        CheckpointError: weights that give no numbers.
    """
    spans = window_spans(groove)
    grid = to_grid(groove).tensor
    x = np.zeros((len(spans), WINDOW_STEPS, *grid.shape[1:]), dtype=np.float32)
    for row, span in enumerate(spans):
        x[row, : span.n_steps] = grid[span.start : span.stop]
    n_steps = torch.tensor([span.n_steps for span in spans])
    batches = zip(torch.split(torch.from_numpy(x), BATCH), torch.split(n_steps, BATCH), strict=True)
    posterior = Posterior(*map(torch.cat, zip(*(model.encode(*batch) for batch in batches), strict=True)))
    _check(posterior.mean)
    return Encoded(frame_of(groove), posterior)


@torch.inference_mode()
def decode(model: RhythmVAE, z: Tensor, frame: Groove) -> Groove:
    """The most likely hits of latents z (W, Z) in a frame that has W windows.

    Raises:
        CheckpointError: weights that give no numbers.
    """
    spans = window_spans(frame)
    if len(spans) != len(z):
        raise ValueError(f"{len(z)} latents do not fit a frame of {len(spans)} windows")
    n_steps = torch.tensor([span.n_steps for span in spans])
    batches = zip(torch.split(z, BATCH), torch.split(n_steps, BATCH), strict=True)
    tensors = torch.cat([to_tensor(model.decode(*batch), model.config) for batch in batches])
    _check(tensors)
    parts = [t[: span.n_steps] for t, span in zip(tensors.numpy(), spans, strict=True)]
    return from_grid(join(parts), frame)


def _check(numbers: Tensor) -> None:
    if not np.isfinite(numbers.numpy()).all():
        raise CheckpointError("The model's weights give no numbers for this groove: its checkpoint is damaged.")


def reconstruct(model: RhythmVAE, groove: Groove) -> Groove:
    """A groove through the model and back, by the posterior mean."""
    encoded = encode(model, groove)
    return decode(model, encoded.posterior.mean, encoded.frame)


def reconstruct_sampled(model: RhythmVAE, groove: Groove, seed: int) -> Groove:
    """The same by a draw from the posterior: what the model was trained to survive."""
    encoded = encode(model, groove)
    z = encoded.posterior.sample(torch.Generator().manual_seed(seed))
    return decode(model, z, encoded.frame)
