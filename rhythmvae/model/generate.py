"""New grooves: from nothing, as variations of one, and on the way between two.

Variations happen in the prior's noise (prior.py), in which every direction is equally
likely: the groove's own noise is turned towards fresh noise, its traits are kept, and what
comes of it is as likely as playing is.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from rhythmvae.analysis.descriptors import SLIDERS, slider_values
from rhythmvae.analysis.quantiles import Quantiles
from rhythmvae.errors import check_type
from rhythmvae.groove import (
    DEFAULT_TEMPO_BPM,
    STEPS_PER_QUARTER,
    FloatArray,
    Groove,
    IntArray,
    Meter,
    Tempo,
    to_grid,
    window_spans,
)
from rhythmvae.kit import VOICE_INDEX
from rhythmvae.model import drawn, latent
from rhythmvae.model.checkpoint import Checkpoint
from rhythmvae.model.limits import (
    DEFAULT_AMOUNT,
    DEFAULT_BARS,
    DEFAULT_TEMPERATURE,
    check_ends,
    check_interpolated,
    check_kept_bars,
    check_sample,
    check_seed,
    check_sliders,
    check_variation,
)
from rhythmvae.model.prior import Conditioning, Prior, conditioning_of
from rhythmvae.model.steering import Held, steer
from rhythmvae.model.variation import Setting, Variation

FINER = 4  # places of the way for a step of an interpolation, and points to choose from for a place
JUMP = 1.0  # standard deviations of a slider from one step to the next
SOFTENINGS = 2
CARRIED = 0.8  # correlation of fresh noise between a groove's windows: one idea, carried through
BATCH = 7  # variations at a time, beside the groove itself


# -- from nothing --------------------------------------------------------------


def sample(
    checkpoint: Checkpoint,
    *,
    n_bars: int = DEFAULT_BARS,
    seed: int = 0,
    temperature: float = DEFAULT_TEMPERATURE,
    tempo_bpm: float = DEFAULT_TEMPO_BPM,
    style: str | None = None,
) -> Groove:
    """A new groove in 4/4 from the prior.

    Args:
        temperature: 0 is the most typical groove there is, 1 as varied as the training takes,
            above that wilder, up to MAX_TEMPERATURE.
        style: one of checkpoint.styles; None for any.

    Raises:
        UsageError: a length, temperature or tempo out of range, or a style the model does not know.
        CheckpointError: weights that give no numbers.

    >>> from rhythmvae import load_checkpoint, sample
    >>> sample(load_checkpoint(), n_bars=1, temperature=0.0).n_bars
    1
    """
    check_type(checkpoint, Checkpoint, "a checkpoint")
    check_sample(n_bars, temperature, tempo_bpm)
    check_seed(seed)
    meter = Meter(0.0, 4, 4)
    frame = Groove.silent(int(n_bars * meter.steps_per_bar), (Tempo(0.0, tempo_bpm),), (meter,))
    model, prior = checkpoint.model, checkpoint.prior
    generator = torch.Generator().manual_seed(seed)
    conditioning = prior.conditioning(temperature, generator, style, _spread_out(seed))
    z = prior.sample(len(window_spans(frame)), conditioning, temperature, generator)
    if temperature > 0.0:
        z = drawn.as_asked(checkpoint, z, frame, conditioning)
    return latent.decode(model, z, frame)


def _spread_out(seed: int) -> float:
    """0 to below 1, and for seeds in a row evenly all over: some hundred samples are then like all training windows.

    Multiples of the golden ratio (Weyl 1916), in whole numbers, exact for every seed.
    """
    return (seed * 0x9E3779B97F4A7C15 % 2**64 >> 11) / 2**53


# -- variations ----------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Perturbed:
    """Latents (N, W, Z) of variations before any slider, and the frame to decode them in."""

    z: Tensor
    frame: Groove


def perturb(
    checkpoint: Checkpoint,
    groove: Groove,
    *,
    n: int = 1,
    amount: float = DEFAULT_AMOUNT,
    seed: int = 0,
    style: str | None = None,
) -> Perturbed:
    """The first half of `vary`, for who perturbs once and moves sliders often; arguments and errors as there."""
    check(checkpoint.quantiles, n, amount, {}, ())
    encoded = latent.encode(checkpoint.model, groove)
    mean = encoded.posterior.mean
    batches = []
    for start in range(0, n, BATCH):
        # Always as many: with another number of rows sums round differently, and so would variation i.
        seeds = [(seed, i) for i in range(start, start + BATCH)]
        batches.append(_perturbed(checkpoint, groove, mean, amount, seeds, style)[: n - start])
    return Perturbed(torch.cat(batches), encoded.frame)


def vary(
    checkpoint: Checkpoint,
    groove: Groove,
    *,
    n: int = 1,
    amount: float = DEFAULT_AMOUNT,
    seed: int = 0,
    asked: Mapping[str, float] | None = None,
    keep: Sequence[str] = (),
    keep_bars: Sequence[int] = (),
    style: str | None = None,
    perturbed: Perturbed | None = None,
) -> list[Variation]:
    """N variations of a groove of any length.

    Args:
        amount: 0 is the reconstruction; 1 is a new groove of the same traits.
        seed: variation i is drawn from (seed, i), however many there are.
        asked: slider (descriptors.SLIDERS) -> quantile among the training windows, 0 to 1.
        keep: voices (kit.VOICE_KEYS) that come back note for note as they were given.
        keep_bars: bars that do, counted from 1. Steering leaves them out; achieved values are measured with them.
        style: one of checkpoint.styles to go towards: by the amount, the groove's traits become those
            of a training window of the style, another for each variation.
        perturbed: what `perturb` gave for the same groove, n, amount, seed and style, where somebody kept it.

    Raises:
        UsageError: a number, slider, voice, bar or style that does not exist.
        CheckpointError: weights that give no numbers.

    >>> from rhythmvae import example, load_checkpoint, reconstruct, vary
    >>> checkpoint, played = load_checkpoint(), example("funk")
    >>> vary(checkpoint, played, amount=0.0)[0].groove == reconstruct(checkpoint.model, played)
    True
    """
    check_type(checkpoint, Checkpoint, "a checkpoint")
    check_type(groove, Groove, "a groove")
    asked = {} if asked is None else asked
    check_seed(seed)
    check(checkpoint.quantiles, n, amount, asked, keep)
    check_kept_bars(groove, keep_bars)
    perturbed = perturbed or perturb(checkpoint, groove, n=n, amount=amount, seed=seed, style=style)
    found, _ = steered(checkpoint, groove, perturbed, asked, keep, keep_bars)
    return found


def steered(
    checkpoint: Checkpoint,
    groove: Groove,
    perturbed: Perturbed,
    asked: Mapping[str, float],
    keep: Sequence[str] = (),
    keep_bars: Sequence[int] = (),
) -> tuple[list[Variation], Tensor]:
    """The second half of `vary`, of what `perturb` gave; arguments and errors as there.

    Returns:
        the variations, and the latents (N, W, Z) that they were decoded from.
    """
    check(checkpoint.quantiles, len(perturbed.z), 0.0, asked, keep)  # the amount is in what was perturbed
    check_kept_bars(groove, keep_bars)
    held = Held(
        to_grid(groove, checkpoint.model.config.layers).tensor, tuple(sorted(VOICE_INDEX[key] for key in set(keep)))
    )
    targets = {name: checkpoint.quantiles.value_at(name, place) for name, place in asked.items()}
    found: list[Variation] = []
    latents: list[Tensor] = []
    for z in perturbed.z:
        if targets:
            z = steer(
                checkpoint.model, z, perturbed.frame, targets, checkpoint.quantiles, checkpoint.prior.std**2, held
            ).z
        made = with_kept(latent.decode(checkpoint.model, z, perturbed.frame), groove, held.voices, keep_bars)
        found.append(Variation(made, _settings(checkpoint.quantiles, made, asked, targets)))
        latents.append(z)
    return found, torch.stack(latents)


def check(quantiles: Quantiles, n: int, amount: float, asked: Mapping[str, float], keep: Sequence[str]) -> None:
    """Raise UsageError for what `vary` cannot be asked, or not of this model."""
    check_variation(n, amount, asked, keep)
    check_sliders(asked, quantiles.knots)


def with_kept(varied: Groove, original: Groove, voices: Sequence[int], bars: Sequence[int]) -> Groove:
    """The varied groove with the original's own hits of some voices, and with some of its bars, counted from 1."""
    if voices:
        own = original.some(np.isin(original.voice, voices))
        varied = varied.some(~np.isin(varied.voice, voices)).with_more(own.position, own.voice, own.velocity)
    for bar in bars:
        varied = varied.with_bars(bar, bar, original.bars(bar, bar))
    return varied


def _settings(
    quantiles: Quantiles, groove: Groove, asked: Mapping[str, float], targets: Mapping[str, float]
) -> dict[str, Setting]:
    values = slider_values(groove)
    found = {}
    for name, place in asked.items():
        value = values[name]
        achieved = None if value is None else quantiles.quantile(name, value)
        found[name] = Setting(place, targets[name], achieved, value)
    return found


# -- noise ---------------------------------------------------------------------


def _wanted(checkpoint: Checkpoint, groove: Groove) -> Conditioning:
    """The traits of a groove as a whole: what its variations keep."""
    return conditioning_of([groove], checkpoint.quantiles, checkpoint.prior.config.styles)


def _perturbed(
    checkpoint: Checkpoint,
    groove: Groove,
    mean: Tensor,
    amount: float,
    seeds: Sequence[tuple[int, int]],
    style: str | None,
) -> Tensor:
    """Latents (N, W, Z) whose noise is turned by `amount` of a right angle towards fresh noise."""
    if amount == 0.0:
        return mean.expand(len(seeds), *mean.shape)
    prior = checkpoint.prior
    conditioning = _wanted(checkpoint, groove)
    noise = prior.to_noise(mean[None], conditioning)
    fresh = torch.stack([_fresh(mean.shape, *seed) for seed in seeds])
    angle = amount * math.pi / 2
    perturbed = math.cos(angle) * noise + math.sin(angle) * fresh
    # What the way there and back loses of the groove itself (latents that no training window
    # has are clipped) is given back, the less the further it has gone.
    asked = conditioning.repeat(len(seeds))
    if style is not None:
        asked = mixed_conditioning(asked, _of_style(prior, style, seeds), torch.tensor(amount))
    there = prior.from_noise(torch.cat([noise, perturbed]), joined(conditioning, asked))
    return there[1:] + math.cos(angle) * (mean - there[0])


def _of_style(prior: Prior, style: str, seeds: Sequence[tuple[int, int]]) -> Conditioning:
    """The traits of a training window of a style for each seed: what is typical of none of them is like none."""
    drawn = []
    for seed, index in seeds:
        number = int(np.random.default_rng([seed, index, 1]).integers(2**31))
        drawn.append(prior.conditioning(1.0, torch.Generator().manual_seed(number), style))
    return joined(*drawn)


def mixed_conditioning(first: Conditioning, last: Conditioning, t: Tensor) -> Conditioning:
    """In a straight line from one's traits to the other's, at t (..., 1) or one number; the style is the last one's."""
    # A trait that one of them leaves open is the other's.
    shares = torch.stack([(1.0 - t) * first.mask, t * last.mask])
    known = shares.sum(0)
    traits = (shares[0] * first.traits + shares[1] * last.traits) / known.clamp(min=1e-6)
    return Conditioning(traits, (known >= 0.5).float(), last.style.expand(len(traits)))


def joined(*conditioning: Conditioning) -> Conditioning:
    return Conditioning(*map(torch.cat, zip(*conditioning, strict=True)))


def _fresh(shape: torch.Size, seed: int, index: int) -> Tensor:
    """Standard normal noise (W, Z) whose windows have much in common."""
    rng = np.random.default_rng([seed, index])
    common, own = rng.standard_normal(shape[1]), rng.standard_normal(tuple(shape))
    return torch.from_numpy(CARRIED**0.5 * common + (1.0 - CARRIED) ** 0.5 * own).float()


# -- the way between two -------------------------------------------------------


def interpolate(checkpoint: Checkpoint, first: Groove, last: Groove, n: int) -> list[Groove]:
    """N grooves from one to another: the ends are their reconstructions, the steps between are even.

    The way leads through the prior's noise, from one groove's to the other's along a great
    circle, and so do the traits, in a straight line. The places on it are chosen so that each
    step is as long as the next in the space of descriptors (descriptors.SLIDERS). The shorter
    groove is looped to the longer's length for the steps between; tempo goes in even ratios.

    Raises:
        UsageError: fewer than two steps, or grooves that are not each in one and the same meter.
        CheckpointError: weights that give no numbers.

    >>> from rhythmvae import example, interpolate, load_checkpoint
    >>> len(interpolate(load_checkpoint(), example("funk"), example("rock"), 3))
    3
    """
    check_type(checkpoint, Checkpoint, "a checkpoint")
    for groove in (first, last):
        check_type(groove, Groove, "a groove")
    check_interpolated(n)
    check_ends(first, last)
    n_steps = max(first.n_steps, last.n_steps)
    frame = Groove.silent(n_steps, (Tempo(0.0, DEFAULT_TEMPO_BPM),), (replace(first.meters[0], step=0.0),))
    # In the same bars: a loop that ends inside one would begin another wherever it comes round.
    pair = [replace(to_length(groove, n_steps), meters=frame.meters) for groove in (first, last)]
    places = np.linspace(0.0, 1.0, FINER * (n - 1) + 1)
    z = between(checkpoint, pair, places)
    # Where the way leaps from one figure to another, straight lines between its points bridge the leap.
    shares = torch.linspace(0.0, 1.0, FINER + 1)[:-1, None, None]
    bridged = torch.cat([*(here + shares * (there - here) for here, there in pairwise(z)), z[-1:]])
    places = np.interp(np.arange(len(bridged)) / FINER, np.arange(len(places)), places)
    way = [latent.decode(checkpoint.model, point, frame) for point in bridged]
    chosen = _even_steps(descriptor_space(way, checkpoint.quantiles), n)
    inner = _softened(checkpoint, [way[i] for i in chosen], bridged[chosen])[1:-1]
    ratio = one_bpm(last) / one_bpm(first)
    tempos = [(Tempo(0.0, one_bpm(first) * ratio ** float(places[i])),) for i in chosen[1:-1]]
    steps = [replace(step, tempos=own) for step, own in zip(inner, tempos, strict=True)]
    return [latent.reconstruct(checkpoint.model, first), *steps, latent.reconstruct(checkpoint.model, last)]


def between(checkpoint: Checkpoint, pair: Sequence[Groove], places: FloatArray) -> Tensor:
    """Latents (M, W, Z) at places 0 to 1 between two grooves of one length."""
    prior = checkpoint.prior
    ends = torch.stack([latent.encode(checkpoint.model, groove).posterior.mean for groove in pair])
    conditioning = conditioning_of(pair, checkpoint.quantiles, prior.config.styles)
    noise = prior.to_noise(ends, conditioning)
    t = torch.from_numpy(places).float()[:, None]
    cosine = functional.cosine_similarity(noise[0].flatten(), noise[1].flatten(), dim=0).clamp(-0.999, 0.999)
    angle = torch.acos(cosine)
    mixed = [(torch.sin((1.0 - t) * angle) / torch.sin(angle))[..., None] * noise[0]]
    mixed.append((torch.sin(t * angle) / torch.sin(angle))[..., None] * noise[1])
    of_first, of_last = (Conditioning(*(part[[i]] for part in conditioning)) for i in (0, 1))
    ways = joined(conditioning, mixed_conditioning(of_first, of_last, t))
    found = prior.from_noise(torch.cat([noise, mixed[0] + mixed[1]]), ways)
    lost = ends - found[:2]  # what the way there and back loses of the ends, given back near them
    return found[2:] + (1.0 - t)[..., None] * lost[0] + t[..., None] * lost[1]


def _softened(checkpoint: Checkpoint, steps: Sequence[Groove], z: Tensor) -> list[Groove]:
    """The steps of a way, z (n, W, Z), the inner ones steered where a slider leaps from one to the next: there
    to the mean of what stands before, at and after them."""
    softened = list(steps)
    z = z.clone()
    for _ in range(SOFTENINGS):
        space = descriptor_space(softened, checkpoint.quantiles)
        leaps = np.abs(np.diff(space, axis=0)) > JUMP
        for k in range(1, len(steps) - 1):
            asked = {
                SLIDERS[i]: float(space[k - 1 : k + 2, i].mean()) * checkpoint.quantiles.spread(SLIDERS[i])
                for i in np.flatnonzero(leaps[k - 1] | leaps[k]).tolist()
            }
            if asked:
                variance = checkpoint.prior.std**2
                z[k] = steer(checkpoint.model, z[k], steps[k], asked, checkpoint.quantiles, variance).z
                softened[k] = latent.decode(checkpoint.model, z[k], steps[k])
    return softened


def to_length(groove: Groove, n_steps: int) -> Groove:
    return groove.looped(math.ceil(n_steps / groove.n_steps)).slice(0, n_steps)


def one_bpm(groove: Groove) -> float:
    """The one tempo that takes as long."""
    return groove.n_steps / STEPS_PER_QUARTER * 60.0 / groove.duration_seconds


def descriptor_space(grooves: Sequence[Groove], quantiles: Quantiles) -> FloatArray:
    """Sliders in standard deviations, (M, K), zero where no groove defines one.

    What a groove leaves undefined is taken from the one before it on the way.
    """
    rows = [slider_values(groove) for groove in grooves]
    space = np.zeros((len(grooves), len(SLIDERS)))
    for column, name in enumerate(SLIDERS):
        values = np.array([np.nan if row[name] is None else row[name] for row in rows], dtype=np.float64)
        known = np.isfinite(values)
        if name in quantiles.knots and known.any():
            last_known = np.maximum.accumulate(np.where(known, np.arange(len(values)), np.argmax(known)))
            space[:, column] = values[last_known] / quantiles.spread(name)
    return space


def _even_steps(points: FloatArray, n: int) -> list[int]:
    """Rows of N points on a path (M, K), both ends among them, with no step much longer than another.

    Of all ways to choose them in order, the one with the least sum of fourth powers of steps.
    """
    square = sum((column[:, None] - column) ** 2 for column in points.T)
    distance: FloatArray = np.asarray(square) ** 2
    distance[np.tril_indices(len(points))] = np.inf  # onwards only
    cost = np.where(np.arange(len(points)) == 0, 0.0, np.inf)
    came_from: list[IntArray] = []
    for _ in range(n - 1):
        options = cost[:, None] + distance
        came_from.append(options.argmin(0))
        cost = options.min(0)
    chosen = [len(points) - 1]
    for best in reversed(came_from):
        chosen.append(int(best[chosen[-1]]))
    return chosen[::-1]
