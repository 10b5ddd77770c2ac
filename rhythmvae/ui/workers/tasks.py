"""What workers do with a model beside `generate`: functions of a checkpoint, found by their names in any process."""

from __future__ import annotations

from collections.abc import Sequence

from rhythmvae.data.corpus import OnProgress, Take
from rhythmvae.groove import FloatArray, Groove
from rhythmvae.model import latent, latent_map
from rhythmvae.model.checkpoint import Checkpoint
from rhythmvae.model.latent_map import LatentMap


def reconstruct(checkpoint: Checkpoint, groove: Groove) -> Groove:
    return latent.reconstruct(checkpoint.model, groove)


def encode(checkpoint: Checkpoint, windows: Sequence[Groove]) -> FloatArray:
    return latent_map.encode(checkpoint.model, windows)


def map_of(
    checkpoint: Checkpoint, takes: Sequence[Take], seed: int, perplexity: float, on_progress: OnProgress | None = None
) -> LatentMap:
    return latent_map.compute(checkpoint.model, takes, seed, perplexity, on_progress)


def map_anew(
    _: Checkpoint, drawn: LatentMap, seed: int, perplexity: float, on_progress: OnProgress | None = None
) -> LatentMap:
    return latent_map.recompute(drawn, seed, perplexity, on_progress)
