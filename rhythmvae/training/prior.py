"""Fitting what a trained model is used with: the prior of its latents and the scales of its sliders.

Both look at the training takes as a listener would: full windows that begin at a bar line,
no take counting for more than MAX_PER_TAKE of them, so that a ten-minute take is not ten
minutes of the truth.
"""

from __future__ import annotations

import copy
import math
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor, nn

from rhythmvae.analysis import quantiles
from rhythmvae.analysis.descriptors import TRAITS
from rhythmvae.analysis.quantiles import Quantiles
from rhythmvae.data.corpus import Enough, OnProgress, Take
from rhythmvae.data.windows import PriorWindows, prior_windows
from rhythmvae.errors import TrainingError
from rhythmvae.groove import WINDOW_STEPS, FloatArray, to_grid
from rhythmvae.model import latent
from rhythmvae.model.config import N_BEATS
from rhythmvae.model.lean import AdamW
from rhythmvae.model.prior import BLUR, MAX_STYLES, Conditioning, Prior, PriorConfig, conditioning_of
from rhythmvae.model.vae import RhythmVAE
from rhythmvae.training import descent, varied_takes

MAX_BANK = 2048
MAX_TOKEN = 16  # numbers a token, for latents that are not beats
MIN_STEPS, MAX_STEPS = 150, 1500  # more overfit: docs/decisions/0004-prior.md
STEPS_PER_WINDOW = 0.1
BATCH = 128
LEARNING_RATE = 1e-3
WARMUP_STEPS = 100
DROPOUT = 0.2
WEIGHT_DECAY = 0.01
# Of a prior that goes on from another one: what share of its examples is new, and how it learns.
NEW_SHARE = 0.75
TUNING_STEPS, TUNING_BATCH, TUNING_RATE = 80, 64, 1e-3
AVERAGE = 0.995  # decay of the running average of weights that is kept
# Where takes are varied: the share of what was played, and for how much of the steps it is all that is learned, last.
PLAYED_SHARE, PLAYED_LAST = 0.3, 0.15
# Shares of training examples that go without, so that the prior can do without:
NO_STYLE, NO_PREVIOUS, NO_TRAIT, NO_TRAITS = 0.15, 0.1, 0.1, 0.05


@dataclass(frozen=True, eq=False)
class Start:
    """What the prior of a fine-tuned model goes on from: prior and scales before, and takes known to them."""

    prior: Prior
    quantiles: Quantiles
    rehearsed: Sequence[Take]


def fit(
    model: RhythmVAE,
    takes: Sequence[Take],
    seed: int = 0,
    *,
    start: Start | None = None,
    minutes: float | None = None,
    precision: str = "float32",
    device: str = "cpu",
    steps: int | None = None,
    varied: int = 0,
    on_progress: OnProgress | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> tuple[Prior, Quantiles]:
    """The prior and the scales of a model, on its training takes.

    Args:
        takes: at least one of them with a hit.
        start: of a fine-tuned model. What is drawn is then like `takes`, while the scales are of them and of
            what was known before, half and half, so that sliders reach beyond a few loops.
        minutes: stop by then; the learning rate has come down by that time.
        precision: "float32" or "bfloat16", as in train.TrainConfig.
        device: where the density is fitted, as torch names it; the model, and what is given back, are on the CPU.
        steps: of a prior that goes on from no other; None for as many as there is data for in some minutes of a CPU.
        varied: how often all takes are varied, for it to learn from them beside what was played; see `varied_takes`.
        on_progress: called with (steps done, steps); where it raises `Enough`, the prior is what it has become.
        clock: what `minutes` are measured by, in seconds.

    Raises:
        TrainingError: the density is no number any more.
    """
    began = clock()
    windows = windows_of(takes)
    share = windows.weight / windows.weight.sum()
    n_bank = min(MAX_BANK, len(share), math.ceil(windows.weight.sum()))
    bank = np.sort(np.random.default_rng(seed).choice(len(share), n_bank, replace=False, p=share))
    ranked = [windows.grooves[row] for row in bank]
    if start is not None and (known := prior_windows(start.rehearsed)).grooves:
        n = max(len(ranked), len(known.grooves))
        ranked = [grooves[i % len(grooves)] for grooves in (ranked, known.grooves) for i in range(n)]
        windows = beside(windows, known)
    slider_scales = quantiles.fit(ranked)
    played = Counter(windows.style[row] for row in bank if windows.style[row])  # what the bank has can be asked for
    goes_on_from = start if start is not None and _can_go_on(start, model, slider_scales) else None
    known_rows = [] if goes_on_from is None else _styled_rows(goes_on_from.prior)
    named = [name for name, _ in played.most_common()] + [name for _, name in known_rows]
    styles = tuple(sorted(list(dict.fromkeys(named))[:MAX_STYLES]))
    n_played = len(windows.grooves)
    for others in varied_takes.rounds(takes, varied, seed):
        windows = _together(windows, windows_of(others))
    conditioning = conditioning_of(windows.grooves, slider_scales, styles, windows.style)
    posterior = latent.posterior_of(model, (to_grid(groove, model.config.layers).tensor for groove in windows.grooves))
    mean, deviation = posterior.mean, torch.exp(0.5 * posterior.log_variance)

    size = model.config.latent_size
    config = PriorConfig(size, _n_tokens(model), n_bank, conditioning.traits.shape[1], styles)
    banked = Conditioning(*(rows[bank] for rows in conditioning))
    if goes_on_from is not None:
        config = replace(goes_on_from.prior.config, n_bank=n_bank, styles=styles, n_own=None)
        if known_rows:
            known_bank = _known_bank(goes_on_from, known_rows, slider_scales, styles)
            banked = Conditioning(*(torch.cat(parts) for parts in zip(banked, known_bank, strict=True)))
            config = replace(config, n_bank=len(banked.style), n_own=n_bank)
    with torch.random.fork_rng(devices=[] if device == "cpu" else None):
        torch.manual_seed(seed)  # of the first weights and of dropout
        prior = Prior(config, DROPOUT)
        weight = _shares(windows.weight, n_played, 1.0)
        prior.mean.copy_((weight[:, None] * mean).sum(0))
        variance = (weight[:, None] * ((mean - prior.mean) ** 2 + deviation**2)).sum(0)
        prior.std.copy_(variance.sqrt().clamp(min=1e-3))
        if goes_on_from is not None:
            _take_over(prior, goes_on_from.prior)
        for part, rows in zip((prior.bank, prior.bank_known, prior.bank_style), banked, strict=True):
            part.copy_(rows)
        as_played = _Examples(
            (mean - prior.mean) / prior.std,
            deviation / prior.std,
            torch.tensor(windows.previous),
            conditioning,
            weight,
        ).to(device)
        examples = as_played
        if varied:
            examples = replace(as_played, weight=_shares(windows.weight, n_played, PLAYED_SHARE).to(device))

        def spent() -> float:
            return (clock() - began) / (60 * minutes) if minutes else 0.0

        n_steps = steps or round(min(max(STEPS_PER_WINDOW * n_played, MIN_STEPS), MAX_STEPS))
        plan = (TUNING_STEPS, TUNING_BATCH, TUNING_RATE) if goes_on_from else (n_steps, BATCH, LEARNING_RATE)
        kept = _trained(prior.to(device), examples, as_played, *plan, seed, precision, spent, on_progress)
    return kept.cpu().requires_grad_(False), slider_scales


def windows_of(takes: Sequence[Take]) -> PriorWindows:
    """The windows of takes to learn from."""
    windows = prior_windows(takes)
    if not windows.grooves:  # what hits there are fill no window as they stand: let them come round
        windows = prior_windows([_looped(take) for take in takes])
    return windows


def _together(windows: PriorWindows, more: PriorWindows) -> PriorWindows:
    return PriorWindows(
        windows.grooves + more.grooves,
        np.concatenate([windows.previous, np.where(more.previous < 0, -1, more.previous + len(windows.grooves))]),
        windows.style + more.style,
        np.concatenate([windows.weight, more.weight]),
    )


def _shares(weight: FloatArray, n_played: int, played: float) -> Tensor:
    """How often each window is drawn: the first `n_played` of them together with a share of `played`."""
    of_played, of_varied = np.split(weight, [n_played])
    rest = (1.0 - played) * of_varied / of_varied.sum() if len(of_varied) else of_varied
    return torch.tensor(np.concatenate([played * of_played / of_played.sum(), rest]), dtype=torch.float32)


def beside(windows: PriorWindows, known: PriorWindows) -> PriorWindows:
    """Windows and, as 1 - NEW_SHARE of what is learned from, others that the model before knew."""
    share = windows.weight / windows.weight.sum()
    return PriorWindows(
        windows.grooves + known.grooves,
        np.concatenate([windows.previous, np.where(known.previous < 0, -1, known.previous + len(windows.grooves))]),
        windows.style + known.style,
        np.concatenate([NEW_SHARE * share, (1.0 - NEW_SHARE) * known.weight / known.weight.sum()]),
    )


def _can_go_on(start: Start, model: RhythmVAE, of: Quantiles) -> bool:
    """Whether the network of the prior before fits: it was asked for the same traits, of latents of the same shape."""
    before = start.prior.config
    return (before.latent_size, before.n_tokens) == (model.config.latent_size, _n_tokens(model)) and all(
        (name in start.quantiles.knots) == (name in of.knots) for name in TRAITS
    )


def _styled_rows(prior: Prior) -> list[tuple[int, str]]:
    """Which rows of a bank have a style, up to MAX_BANK of them, and its name."""
    names = prior.config.styles
    rows = [(row, int(style)) for row, style in enumerate(prior.bank_style.tolist()) if style < len(names)]
    return [(row, names[style]) for row, style in rows[:MAX_BANK]]


def _known_bank(
    start: Start, rows: Sequence[tuple[int, str]], scales: Quantiles, styles: Sequence[str]
) -> Conditioning:
    """Rows of the bank before, each with the name of its style, as other scales and other styles have them."""
    index = [row for row, _ in rows]
    known = start.prior.bank_known[index]
    names = [name for name in TRAITS if name in scales.knots]
    scores = [
        [scales.score(name, start.quantiles.at_score(name, score)) for name, score in zip(names, row, strict=True)]
        for row in start.prior.bank[index].tolist()
    ]
    place = {name: i for i, name in enumerate(styles)}
    of_style = torch.tensor([place.get(name, len(styles)) for _, name in rows])
    return Conditioning(torch.tensor(scores) * known, known, of_style)


def _take_over(prior: Prior, before: Prior) -> None:
    """The weights and the standardization of the prior before; styles that it did not know begin as any style did."""
    kept = {name: value for name, value in before.state_dict().items() if not name.startswith(("bank", "style."))}
    prior.load_state_dict(kept, strict=False)
    take_over_styles(prior.style, prior.config.styles, before.style, before.config.styles)


def take_over_styles(
    style: nn.Embedding, styles: Sequence[str], before: nn.Embedding, styles_before: Sequence[str]
) -> None:
    """The rows of styles that were known before, in their new order; the others begin as any style did."""
    place = {name: i for i, name in enumerate(styles_before)}
    with torch.no_grad():
        style.weight.copy_(before.weight[[place.get(name, -1) for name in (*styles, "")]])


def _trained(
    prior: Prior,
    examples: _Examples,
    played: _Examples,
    n_steps: int,
    batch: int,
    learning_rate: float,
    seed: int,
    precision: str,
    spent: Callable[[], float],
    on_progress: OnProgress | None,
) -> Prior:
    """The running average of a prior's weights over its training; `spent` tells what share of the time is over.

    What it learns last is what was `played`, without what was varied.
    """
    kept = copy.deepcopy(prior).eval()
    optimizer = AdamW(prior.parameters(), lr=learning_rate, betas=(0.9, 0.98), weight_decay=WEIGHT_DECAY)
    generator = torch.Generator(examples.mean.device).manual_seed(seed)
    for step in range(n_steps):
        done = min(max(step / n_steps, spent()), 1.0)
        rate = descent.learning_rate(learning_rate, (step + 1) / WARMUP_STEPS, done)
        with torch.autocast(examples.mean.device.type, torch.bfloat16, enabled=precision == "bfloat16"):
            own = played if done >= 1.0 - PLAYED_LAST else examples
            loss = -prior.log_density(*own.draw(batch, len(prior.config.styles), generator)).mean()
        if not math.isfinite(float(loss.detach())):
            raise TrainingError(f"The prior diverged at step {step}: its density is no number.")
        descent.descend(loss, prior, optimizer, rate, kept, descent.decay_at(step, AVERAGE))
        try:
            if on_progress:
                on_progress(step + 1, n_steps)
        except Enough:
            break
        if done >= 1.0:
            break
    return kept


def _looped(take: Take) -> Take:
    return replace(take, groove=take.groove.looped(1 + math.ceil(WINDOW_STEPS / take.groove.n_steps)))


@dataclass(frozen=True, eq=False)
class _Examples:
    """mean, deviation (M, Z) of standardized posteriors; previous (M,); wanted; weight (M,)."""

    mean: Tensor
    deviation: Tensor
    previous: Tensor
    conditioning: Conditioning
    weight: Tensor

    def to(self, device: str) -> _Examples:
        mean, deviation, previous, weight = (
            part.to(device) for part in (self.mean, self.deviation, self.previous, self.weight)
        )
        return _Examples(mean, deviation, previous, Conditioning(*(p.to(device) for p in self.conditioning)), weight)

    def draw(
        self, batch: int, any_style: int, generator: torch.Generator
    ) -> tuple[Tensor, Tensor, Tensor, Conditioning]:
        """The arguments of Prior.log_density for a batch."""

        def unless(share: float, *shape: int) -> Tensor:
            return (torch.rand(*shape, generator=generator, device=generator.device) >= share).float()

        rows = torch.multinomial(self.weight, batch, replacement=True, generator=generator)
        previous = self.previous[rows]
        has_previous = (previous >= 0) * unless(NO_PREVIOUS, batch)
        traits, mask, style = (part[rows] for part in self.conditioning)
        traits = traits + BLUR * torch.randn(traits.shape, generator=generator, device=generator.device)
        mask = mask * unless(NO_TRAIT, *mask.shape) * unless(NO_TRAITS, batch, 1)
        style = torch.where(unless(NO_STYLE, batch) > 0, style, any_style)
        noise = torch.randn(2, batch, self.mean.shape[1], generator=generator, device=generator.device)
        window, earlier = (
            self.mean[index] + self.deviation[index] * own
            for index, own in zip((rows, previous.clamp(min=0)), noise, strict=True)
        )
        return earlier * has_previous[:, None], has_previous, window, Conditioning(traits, mask, style)


def _n_tokens(model: RhythmVAE) -> int:
    """A token a beat where the latents are beats, else of up to MAX_TOKEN numbers."""
    size = model.config.latent_size
    if "attention" in (model.config.encoder, model.config.decoder):
        return N_BEATS
    return next(n for n in range(math.ceil(size / MAX_TOKEN), size + 1) if size % n == 0)
