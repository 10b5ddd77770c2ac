"""Fine-tuning: a model taught a handful of new grooves without forgetting what it knew.

What it knew is told by the model itself: the map in its checkpoint keeps latents of its training
grooves, and what they decode to is rehearsed beside the new grooves (pseudo-rehearsal, Robins
1995). So nobody needs the data that it was trained on. What is kept in the end lies between the model before and
the tuned one, as far on as makes nothing worse. docs/decisions/0009-fine-tuning.md has what was tried.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch

from rhythmvae.analysis import metrics
from rhythmvae.data.corpus import OnProgress, Take
from rhythmvae.groove import FloatArray, Groove, IntArray
from rhythmvae.model import latent
from rhythmvae.model import latent_map as latent_maps
from rhythmvae.model.checkpoint import Checkpoint
from rhythmvae.model.config import MAX_LEVELS, ModelConfig
from rhythmvae.model.latent_map import LatentMap
from rhythmvae.model.vae import RhythmVAE

N_REHEARSED = 512  # grooves
OWN_STYLE = "yours"  # on the map, of new grooves that no data set labels
# Of grooves by a machine: almost all hits at levels that each come this often.
MIN_LEVEL_HITS, LEVELLED_SHARE = 4, 0.98
SHARES = (1.0, 0.75, 0.5, 0.25, 0.0)  # of the way from the model before to the tuned one
# Of what was known: how many grooves are looked at, and by how much F1 over all of them may fall.
N_CHECKED, MAX_FORGOTTEN = 128, 0.002
N_AT_ONCE = 16  # of these


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


def between(before: RhythmVAE, tuned: RhythmVAE, share: float) -> RhythmVAE:
    """The model that lies `share` of the way from one to the other, weights averaged (WiSE-FT, Wortsman et al. 2022).

    It has the levels of the tuned one, and weights rounded as a checkpoint rounds them.
    """
    model = copy.deepcopy(tuned).cpu()
    weights = before.state_dict()
    for name, weight in model.state_dict().items():
        weight.copy_(torch.lerp(weights[name], weight, share))
    return model.half().float()


def furthest(
    before: RhythmVAE,
    tuned: RhythmVAE,
    own: Sequence[Groove],
    rehearsed: Sequence[Groove],
    on_progress: OnProgress | None = None,
) -> tuple[RhythmVAE, float]:
    """The model furthest from the one before that makes nothing worse, and its share of the way, one of SHARES.

    Args:
        own: grooves of which none may lose a hit or F1 within 50 ms.
        rehearsed: grooves that were known, of which all together may lose MAX_FORGOTTEN of F1.
        on_progress: called with (grooves rebuilt, those that will be if the next model is kept).
    """
    checked = rehearsed[:: -(-len(rehearsed) // N_CHECKED) or 1]
    n_each, n_done, n_begun = len(own) + len(checked), 0, 0

    def rebuilt(model: RhythmVAE, groove: Groove) -> metrics.Score:
        """Alone, as whoever opens the file will have it."""
        found = metrics.score(groove, latent.reconstruct(model, groove))
        count(1)
        return found

    def of_known(model: RhythmVAE) -> float:
        """F1 of all that was known together, for which a hit more or less by rounding is nothing."""
        scores = []
        for start in range(0, len(checked), N_AT_ONCE):
            batch = checked[start : start + N_AT_ONCE]
            scores += [metrics.score(*pair) for pair in zip(batch, latent.reconstruct_each(model, batch), strict=True)]
            count(len(batch))
        return metrics.Score.total(scores).f1

    def count(n: int) -> None:
        nonlocal n_done
        n_done += n
        if on_progress:
            on_progress(n_done, n_begun + 2 * n_each)

    was = [rebuilt(before, groove) for groove in own]
    f1_of_known = of_known(before) if checked else 0.0

    def is_kept(model: RhythmVAE) -> bool:
        nonlocal n_begun
        n_begun = n_done - n_each
        if any(_is_worse(rebuilt(model, groove), old) for groove, old in zip(own, was, strict=True)):
            return False
        return not checked or of_known(model) >= f1_of_known - MAX_FORGOTTEN

    old = before.state_dict()
    is_same = all(torch.equal(weight.cpu(), old[name]) for name, weight in tuned.state_dict().items())
    for share in SHARES[-1:] if is_same else SHARES:
        model = between(before, tuned, share)
        if is_kept(model):
            return model, share
    return before, 0.0


def _is_worse(now: metrics.Score, was: metrics.Score) -> bool:
    return bool(now.matched.sum() < was.matched.sum()) or now.f1 < was.f1


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
