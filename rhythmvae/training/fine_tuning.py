"""Fine-tuning: a model taught a handful of new grooves without forgetting what it knew.

What it knew is told by the model itself: the map in its checkpoint keeps latents of its training
grooves, and what they decode to is rehearsed beside the new grooves (pseudo-rehearsal, Robins
1995). So nobody needs the data that it was trained on. docs/decisions/0009-fine-tuning.md has
what was tried.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch

from rhythmvae.data.corpus import OnProgress, Take
from rhythmvae.groove import FloatArray, IntArray
from rhythmvae.model import latent_map as latent_maps
from rhythmvae.model.checkpoint import Checkpoint
from rhythmvae.model.config import MAX_LEVELS, ModelConfig
from rhythmvae.model.latent_map import LatentMap
from rhythmvae.model.vae import RhythmVAE

N_REHEARSED = 512  # grooves
OWN_STYLE = "yours"  # on the map, of new grooves that no data set labels
# Of grooves by a machine: almost all hits at levels that each come this often.
MIN_LEVEL_HITS, LEVELLED_SHARE = 4, 0.98


@dataclass(frozen=True, eq=False)
class Rehearsal:
    """Grooves that a model knows; `bars` (n, 2) are the first and last in the take that each comes from, from 1."""

    takes: list[Take]
    bars: IntArray


def rehearsal(known: Checkpoint, n: int = N_REHEARSED, seed: int = 0) -> Rehearsal:
    """Up to n grooves decoded from the latents on a model's map; none where it has no map.

    They carry the titles and labels of what they come from.
    """
    latent_map, takes, bars = known.latent_map, [], []
    rows = [] if latent_map is None else np.sort(np.random.default_rng(seed).permutation(len(latent_map))[:n]).tolist()
    for row in rows:
        assert latent_map is not None
        origin = latent_map.origin(row)
        labels = {"style": origin.style, "drummer": origin.drummer, "beat_type": origin.kind}
        with torch.inference_mode():
            groove = replace(latent_maps.decode_point(known.model, latent_map, row), title=origin.title)
        if len(groove):
            takes.append(Take(origin.title, groove, None, {key: text for key, text in labels.items() if text}))
            bars.append(latent_map.bars[row])
    return Rehearsal(takes, np.array(bars, dtype=np.int32).reshape(-1, 2))


def mapped(
    model: RhythmVAE,
    takes: Sequence[Take],
    rehearsed: Rehearsal,
    seed: int = 0,
    on_progress: OnProgress | None = None,
) -> LatentMap:
    """The map of new takes among those that the model before knew. Raises as latent_map.compute does."""
    if not rehearsed.takes:
        return latent_maps.compute(model, takes, seed, on_progress=on_progress)
    own = [replace(take, labels=take.labels or {"style": OWN_STYLE}) for take in takes]
    latent_map = latent_maps.compute(model, [*own, *rehearsed.takes], seed, on_progress=on_progress)
    of_known = latent_map.take >= len(latent_map.origins) - len(rehearsed.takes)
    if of_known.sum() != len(rehearsed.takes):
        return latent_map  # more takes than a map has points
    bars = latent_map.bars.copy()
    bars[of_known] = rehearsed.bars
    return replace(latent_map, bars=bars)


def start_of(known: Checkpoint, takes: Sequence[Take]) -> RhythmVAE:
    """A model to fine-tune on takes: a copy of the one that is known, with their levels."""
    model = copy.deepcopy(known.model)
    model.config = levelled(model.config, takes)
    return model


def levelled(config: ModelConfig, takes: Sequence[Take]) -> ModelConfig:
    """A model's configuration with the velocities and offsets that takes use, where these are few (ModelConfig)."""
    velocity = np.concatenate([take.groove.velocity for take in takes])
    offset = np.concatenate([take.groove.offset for take in takes]).round(4)
    return replace(
        config,
        velocity_levels=tuple(int(level) for level in _levels(velocity)),
        offset_levels=tuple(float(level) for level in _levels(offset)),
    )


def _levels(values: FloatArray) -> FloatArray:
    """The distinct values, if there are few of them and each comes often; else none."""
    levels, counts = np.unique(values, return_counts=True)
    common = levels[counts >= MIN_LEVEL_HITS]
    often = counts[counts >= MIN_LEVEL_HITS].sum()
    is_machine = 0 < len(common) <= MAX_LEVELS and often >= LEVELLED_SHARE * len(values)
    return common if is_machine else levels[:0]
