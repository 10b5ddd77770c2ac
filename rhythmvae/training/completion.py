"""Fitting a completion: windows of training takes with parts of them hidden (hiding.py), those around them beside.

The encoder and the decoder stay as they are. For each window the target is its posterior: what `sample` draws from
learns its density given the part, `estimate` what the decoder rebuilds of it where the part leaves something open.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from rhythmvae.analysis.quantiles import Quantiles
from rhythmvae.data.corpus import Enough, OnProgress, Take
from rhythmvae.data.windows import PriorWindows, prior_windows
from rhythmvae.errors import CheckpointError, TrainingError
from rhythmvae.groove import (
    HIT,
    MAX_VELOCITY,
    OFFSET,
    VELOCITY,
    WINDOW_STEPS,
    FloatArray,
    Groove,
    IntArray,
    to_grid,
)
from rhythmvae.kit import N_VOICES
from rhythmvae.model.completing import Completer, feel_each
from rhythmvae.model.completion import (
    AFTER,
    BEFORE,
    N_PLACES,
    THIS,
    Completion,
    CompletionConfig,
    Part,
    octaves,
)
from rhythmvae.model.config import N_BEATS
from rhythmvae.model.given import Given
from rhythmvae.model.lean import AdamW
from rhythmvae.model.prior import Conditioning, Prior, conditioning_of
from rhythmvae.model.vae import RhythmVAE
from rhythmvae.training import descent, hiding
from rhythmvae.training.prior import beside, take_over_styles, windows_of
from rhythmvae.training.varied import Variation, vary

MIN_STEPS, MAX_STEPS = 20, 7_000
STEPS_PER_WINDOW = 0.41
BATCH = 96
LEARNING_RATE = 1e-3
# Of a completion that goes on from another one:
TUNING_STEPS, TUNING_BATCH, TUNING_RATE, TUNING_AVERAGE = 40, 16, 3e-4, 0.95
DROPOUT = 0.1
WEIGHT_DECAY = 0.02
AVERAGE = 0.999
WARMUP_STEPS = 200
# What the estimate's errors weigh: a cell's cross-entropy, velocity (of 1) and offset (steps), against the density.
HIT_WEIGHT, VELOCITY_WEIGHT, OFFSET_WEIGHT, ESTIMATE_WEIGHT, GIVEN_WEIGHT = 1.0, 20.0, 30.0, 1.0, 0.3
NO_WANTED, NO_TRAIT = 0.5, 0.3  # shares without wishes
# How drummers spread velocities: knots for each drum that has so many hits, from as many takes and bars of each.
TOUCH_KNOTS, TOUCH_HITS, TOUCH_TAKES, TOUCH_BARS = 33, 100, 450, 48


class Batch(NamedTuple):
    """What is left of windows, what is wanted, the windows (B, T, V, L, F) themselves and their lengths (B,)."""

    part: Part
    wanted: Conditioning
    x: Tensor
    n_steps: Tensor


class Losses(NamedTuple):
    """Nats a window: of the draw, the negative log density; of the estimate, the errors of what is rebuilt."""

    drawn: Tensor
    missed: Tensor


class Examples:
    """Windows of takes with those around them, and what they are like.

    Args:
        prior: whose styles and traits are those of the completion.
    """

    def __init__(self, model: RhythmVAE, prior: Prior, scales: Quantiles, windows: PriorWindows) -> None:
        self.grids = np.stack([to_grid(groove, model.config.layers).tensor for groove in windows.grooves])
        before = windows.previous
        after = np.full(len(before), -1)
        after[before[before >= 0]] = np.flatnonzero(before >= 0)
        self.around = {BEFORE: before, AFTER: after}
        self.tempo = np.array([octaves(groove.tempo_at(0).bpm) for groove in windows.grooves], np.float32)
        self.share = windows.weight / windows.weight.sum()
        self.any_style = len(prior.config.styles)
        self.conditioning = conditioning_of(windows.grooves, scales, prior.config.styles, windows.style)

    def draw(self, batch: int, rng: np.random.Generator, varied: bool = True) -> Batch:
        """A batch, its windows varied a little or as they are."""
        rows = rng.choice(len(self.grids), batch, p=self.share)
        x, inside = self._stretches(rows)
        n_steps, is_other = np.full(batch, WINDOW_STEPS), np.zeros(batch, np.float32)
        if varied:
            other = vary(x, inside, self.tempo[rows], Variation(), rng)
            x, inside, n_steps, is_other = other.x, other.inside, other.n_steps, other.is_other
        left = hiding.leave(x, rng)
        masks = (mask * inside[..., None] for mask in (left.hits, left.velocities, left.offsets))
        arrays = (x, *masks, left.taps, left.tapped * inside[:, THIS], inside, self.tempo[rows])
        part = Part(*(torch.from_numpy(np.ascontiguousarray(array, dtype=np.float32)) for array in arrays))
        return Batch(part, self._wanted(rows, is_other, rng), part.x[:, THIS], torch.from_numpy(n_steps))

    def _stretches(self, rows: IntArray) -> tuple[FloatArray, FloatArray]:
        """Windows with those before and after (B, 3, T, V, L, F), and 1 for the steps that there are (B, 3, T)."""
        x = np.zeros((len(rows), N_PLACES, *self.grids.shape[1:]), dtype=np.float32)
        inside = np.zeros(x.shape[:3], dtype=np.float32)
        x[:, THIS], inside[:, THIS] = self.grids[rows], 1.0
        for place, others in self.around.items():
            there = np.flatnonzero(others[rows] >= 0)
            x[there, place] = self.grids[others[rows[there]]]
            inside[there, place] = 1.0
        return x, inside

    def _wanted(self, rows: IntArray, is_other: FloatArray, rng: np.random.Generator) -> Conditioning:
        """What is wanted of windows; nothing is said of the traits of those that are not what they were."""
        traits, mask, style = (each[rows] for each in self.conditioning)
        wishes = (rng.random((len(rows), 1)) >= NO_WANTED) & (rng.random(tuple(mask.shape)) >= NO_TRAIT)
        wishes &= is_other[:, None] < 1
        has_style = torch.from_numpy(rng.random(len(rows)) >= NO_WANTED)
        mask = mask * torch.from_numpy(wishes.astype(np.float32))
        return Conditioning(traits, mask, torch.where(has_style, style, self.any_style))


def losses(completion: Completion, model: RhythmVAE, batch: Batch, noise: Tensor) -> Losses:
    """What is minimized. noise (B, Z), standard normal: of the posterior."""
    part, x = batch.part, batch.x
    with torch.no_grad():
        posterior = model.encode(x, batch.n_steps)
        z = posterior.mean + torch.exp(0.5 * posterior.log_variance) * noise * posterior.used
    known = completion.read(part, batch.wanted)
    drawn = -completion.log_density(known, z, posterior.used).mean()
    outputs = model.decode(completion.estimate(known), batch.n_steps)
    hit = x[..., HIT]
    inside = part.inside[:, THIS, :, None, None]
    open_hits, open_velocities, open_offsets = (
        (1.0 - mask[:, THIS])[..., None] * inside for mask in (part.hits, part.velocities, part.offsets)
    )
    # Where the strokes are given, the decoder shall still put them there: the feel of a cell is that of a stroke.
    cells = functional.binary_cross_entropy_with_logits(outputs.hit_logit.clamp(min=-30.0), hit, reduction="none")
    cells = cells * (open_hits + GIVEN_WEIGHT * (inside - open_hits))
    velocity = (outputs.velocity.clamp(max=1.0) - x[..., VELOCITY]).abs() * hit * open_velocities
    offset = (outputs.offset - x[..., OFFSET]).abs() * hit * open_offsets
    missed = HIT_WEIGHT * cells + VELOCITY_WEIGHT * velocity + OFFSET_WEIGHT * offset
    return Losses(drawn, missed.flatten(1).sum(1).mean())


class Plan(NamedTuple):
    """How much is learned: steps of the optimizer, windows a step, the highest learning rate, the average's decay."""

    steps: int
    batch: int = BATCH
    rate: float = LEARNING_RATE
    average: float = AVERAGE


def fit(
    model: RhythmVAE,
    prior: Prior,
    scales: Quantiles,
    takes: Sequence[Take],
    seed: int = 0,
    *,
    start: Completion | None = None,
    rehearsed: Sequence[Take] = (),
    steps: int | None = None,
    on_progress: OnProgress | None = None,
) -> Completion | None:
    """The completion of a model, on its training takes; None for one whose latents are not so many for each beat.

    Args:
        prior, scales: of the model, whose styles and traits the completion has.
        takes: at least one of them with a hit.
        start: the completion of the model before, which goes on where it is of the same shape, on `takes` and on what
            was `rehearsed` beside them.
        steps: None for as many as there is data for, or as tuning takes where one goes on from another.
        on_progress: called with (steps done, steps); where it raises `Enough`, the completion is what it has become.

    Raises:
        TrainingError: the loss is no number any more.
    """
    if model.config.latent_size % N_BEATS:
        return None
    windows = windows_of(takes)
    n = len(windows.grooves)
    plan = Plan(steps or round(min(max(STEPS_PER_WINDOW * n, MIN_STEPS), MAX_STEPS)), min(BATCH, max(n, 8)))
    own = start if start is not None and _can_go_on(start, model, prior) else None
    if own is not None and steps is None:
        plan = Plan(TUNING_STEPS, TUNING_BATCH, TUNING_RATE, TUNING_AVERAGE)
    if own is not None and (known := prior_windows(rehearsed)).grooves:
        windows = beside(windows, known)
    fitting = Fitting(model, prior, scales, windows, plan, seed, start=own)
    with suppress(Enough):
        for _ in fitting.run():
            if on_progress:
                on_progress(fitting.step, plan.steps)
    kept = fitting.kept
    if own is None or steps is not None:
        kept.touch.copy_(touch_of(kept, model, [take.groove for take in takes], seed))
    return kept


def touch_of(completion: Completion, model: RhythmVAE, grooves: Sequence[Groove], seed: int = 0) -> Tensor:
    """(V, 2, TOUCH_KNOTS): of each drum, quantiles of its velocities as drawn for the hits of grooves and as played."""
    rng = np.random.default_rng(seed)
    some = [grooves[index] for index in rng.permutation(len(grooves))[:TOUCH_TAKES]]
    played = [groove.bars(1, min(groove.n_bars, TOUCH_BARS)) for groove in some]
    bare = copy.deepcopy(completion)
    bare.touch.copy_(torch.linspace(0, 1, TOUCH_KNOTS))  # as they are drawn, whatever it had
    completer = Completer(model, bare)
    felt = feel_each(completer, [Given.strokes(groove) for groove in played], completer.wanted(), 1.0, seed)
    drawn, own, voice = (
        np.concatenate(column)
        for column in zip(
            *((loud, one.velocity, one.voice) for one, (_, loud) in zip(played, felt, strict=True)), strict=True
        )
    )
    knots = np.linspace(0, 1, TOUCH_KNOTS)
    touch = np.tile(knots, (N_VOICES, 2, 1))
    for drum in np.flatnonzero(np.bincount(voice, minlength=N_VOICES) >= TOUCH_HITS):
        touch[drum] = [np.quantile(loud[voice == drum] / MAX_VELOCITY, knots) for loud in (drawn, own)]
    return torch.from_numpy(touch).float()


def _can_go_on(start: Completion, model: RhythmVAE, prior: Prior) -> bool:
    before = start.config
    own = (model.config.latent_size, model.config.n_layers, prior.config.n_traits)
    return (before.latent_size, before.n_layers, before.n_traits) == own


def carried(before: Completion, model: RhythmVAE, prior: Prior) -> Completion | None:
    """What completes for a model, beside another prior of it: it has that one's styles. None where traits differ."""
    if not _can_go_on(before, model, prior):
        return None
    own = Completion(replace(before.config, styles=prior.config.styles))
    _take_over(own, before)
    return own.eval().requires_grad_(False)


def _take_over(completion: Completion, before: Completion) -> None:
    """The weights of another one; styles that it did not know begin as any style did."""
    kept = {name: value for name, value in before.state_dict().items() if name != "style.weight"}
    completion.load_state_dict(kept, strict=False)
    take_over_styles(completion.style, completion.config.styles, before.style, before.config.styles)


class Fitting:
    """Fits the completion of a model, a step at a time.

    Args:
        windows: of the training takes.
        config: another size than the default.
        start: a completion of the same shape, but for its styles, to go on from.
    """

    def __init__(
        self,
        model: RhythmVAE,
        prior: Prior,
        scales: Quantiles,
        windows: PriorWindows,
        plan: Plan,
        seed: int = 0,
        *,
        config: CompletionConfig | None = None,
        start: Completion | None = None,
    ) -> None:
        self.model, self.seed, self.plan, self.step = model, seed, plan, 0
        self.examples = Examples(model, prior, scales, windows)
        self.config = config or CompletionConfig(
            model.config.latent_size,
            model.config.n_layers,
            prior.config.n_traits,
            prior.config.styles,
            n_touch=TOUCH_KNOTS,
        )
        if start is not None:
            self.config = replace(start.config, styles=prior.config.styles)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)  # of the first weights
            self.completion = Completion(self.config, DROPOUT)
        self.completion.mean.copy_(prior.mean)
        self.completion.std.copy_(prior.std)
        if start is not None:
            _take_over(self.completion, start)
        self.average = copy.deepcopy(self.completion).eval().requires_grad_(False)
        self.optimizer = AdamW(self.completion.parameters(), lr=plan.rate, betas=(0.9, 0.98), weight_decay=WEIGHT_DECAY)

    def run(self) -> Iterator[Losses]:
        """Train to the end, a step for each value; stop asking, and `kept` has what there is.

        Raises:
            TrainingError: a loss that is no number any more.
        """
        plan = self.plan
        while self.step < plan.steps:
            batch = self.examples.draw(plan.batch, np.random.default_rng([self.seed, self.step]))
            with torch.random.fork_rng(devices=[]):
                torch.manual_seed(self.seed * 1_000_003 + self.step)  # of dropout and noise, so that a run can go on
                found = losses(self.completion, self.model, batch, torch.randn(len(batch.x), len(self.average.mean)))
                total = found.drawn + ESTIMATE_WEIGHT * found.missed
                if not math.isfinite(float(total.detach())):
                    raise TrainingError(f"The completion diverged at step {self.step}: its loss is no number.")
                warm = (self.step + 1) / min(WARMUP_STEPS, plan.steps / 4)
                rate = descent.learning_rate(plan.rate, warm, self.step / plan.steps)
                decay = descent.decay_at(self.step, plan.average)
                descent.descend(total, self.completion, self.optimizer, rate, self.average, decay)
            self.step += 1
            yield Losses(found.drawn.detach(), found.missed.detach())

    @property
    def kept(self) -> Completion:
        """The running average of its weights."""
        return copy.deepcopy(self.average)

    def state(self) -> dict[str, Tensor]:
        """All that `restore` needs to go on to the same weights."""
        tensors = {"step": torch.tensor(self.step)}
        for name, module in (("own", self.completion), ("average", self.average)):
            tensors |= {f"{name}.{key}": value.clone() for key, value in module.state_dict().items()}
        for index, values in self.optimizer.state_dict()["state"].items():
            tensors |= {f"optimizer.{index}.{key}": value.clone() for key, value in values.items()}
        return tensors

    def restore(self, tensors: Mapping[str, Tensor]) -> None:
        """Go on where `state` was taken.

        Raises:
            CheckpointError: the state of another run.
        """
        try:
            self.step = int(tensors["step"])
            for name, module in (("own", self.completion), ("average", self.average)):
                start = f"{name}."
                part = {key.removeprefix(start): value for key, value in tensors.items() if key.startswith(start)}
                module.load_state_dict(part)
            state: dict[int, dict[str, Tensor]] = {}
            for key, value in tensors.items():
                if key.startswith("optimizer."):
                    _, index, name = key.split(".")
                    state.setdefault(int(index), {})[name] = value
            self.optimizer.load_state_dict(self.optimizer.state_dict() | {"state": state})
        except (KeyError, ValueError, RuntimeError) as error:
            raise CheckpointError("Expected the state of this run, got that of another; begin it anew.") from error
