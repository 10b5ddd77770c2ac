"""Sliders: move a groove's latents until its descriptors are what was asked.

The descriptors of describe.py are written here once more as functions of the decoder's
output that have a slope, so that the decoder can be asked which way to go. Each round takes
the smallest move of the latents, measured in the spread that training windows have, that is
expected to bring what was asked to its target and to leave the others where they are: a
damped Gauss-Newton step (Levenberg 1944, Marquardt 1963),

    dz = S J' (J S J' + D)^-1 r,

with J (K, W * Z) the slopes of K sliders, r (K,) what is missing, both in standard
deviations of the slider, S the variances of the latents and D the damping. Nothing is edited
after the decoder.

Hits are yes or no, and a yes has no slope. So values are those of the hits as they are
written, and slopes those of the hits' probabilities (straight-through, Bengio et al. 2013).

A groove has W windows, z (W, Z); its cells are joined along time, T steps in all.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from rhythmvae.analysis.descriptors import (
    BACKBONE,
    GROUP_VOICES,
    SECOND_EIGHTH,
    SLIDERS,
    TIMEKEEPERS,
    metrical_weights,
)
from rhythmvae.analysis.quantiles import Quantiles
from rhythmvae.groove import HIT, MAX_VELOCITY, OFFSET, STEPS_PER_QUARTER, VELOCITY, FloatArray, Groove, window_spans
from rhythmvae.kit import GROUPS
from rhythmvae.model.pulling import Pull, backward, pulled
from rhythmvae.model.vae import RhythmVAE

HIT_TEMPERATURE = 2.0  # flattens the slope of a hit's probability, so that sure cells can be moved too
N_ROUNDS = 16
ASKED_DAMPING, OTHERS_DAMPING = 1e-3, 1e-2  # of the mean squared slope
MAX_MOVE = 0.35  # a round's largest move, root mean square in spreads of the latents
CLOSE_PLACE = 0.01  # asked and achieved are as good as equal
CLOSE_OTHERS = 0.10  # standard deviations that another slider may drift
MAX_SILENCE = 64  # steps: a longer gap counts as one of these, which in bars of up to 16/4 is the same


class Cells(NamedTuple):
    """Decoded grooves, each (B, T, V, L). `hit` is 0 or 1 in value and has a slope; velocity is of 1."""

    hit: Tensor
    velocity: Tensor
    offset: Tensor


class SoftDescriptors:
    """The sliders' values (B, K), in the order of SLIDERS, for cells in one frame; NaN where undefined."""

    def __init__(self, frame: Groove) -> None:
        n = frame.n_steps
        self.quarters = n / STEPS_PER_QUARTER
        self.has_swing = not any(m.is_compound for m in frame.meters)
        self.lines = torch.tensor(frame.bar_lines, dtype=torch.float32)
        self.steps = torch.arange(n, dtype=torch.float32)
        ahead = (np.arange(n)[:, None] + 1 + np.arange(min(n, MAX_SILENCE))) % n
        weights = metrical_weights(frame)
        is_count = [name.startswith("density") or name == "syncopation" for name in SLIDERS]
        self.resolution = torch.tensor(is_count) * 0.51 / self.quarters  # half of what one hit more makes
        # strength[t, d]: syncopation of a hit at step t whose voice is next heard at t + 1 + d
        strongest = np.maximum.accumulate(weights[ahead], axis=1)
        between = np.concatenate([np.full((n, 1), weights.min()), strongest[:, :-1]], axis=1)
        self.ahead = torch.tensor(ahead)
        self.strength = torch.tensor(np.maximum(between - weights[:, None], 0), dtype=torch.float32)

    def __call__(self, cells: Cells) -> Tensor:
        return torch.stack(self.each(cells), dim=1)

    def each(self, cells: Cells) -> list[Tensor]:
        """The same apart, K times (B,): the slope of one is then found without the others."""
        hit, velocity, offset = cells.hit, MAX_VELOCITY * cells.velocity, cells.offset
        per_voice = hit.sum((1, 3))
        velocity_mean, velocity_spread = _mean_and_spread(velocity, hit)
        _, offset_spread = _mean_and_spread(offset, hit)
        values = {
            "density": per_voice.sum(1) / self.quarters,
            "syncopation": self._syncopation(hit),
            "swing": self._swing(hit, offset),
            "dynamics": velocity_spread,
            "looseness": offset_spread,
            "loudness": velocity_mean,
        }
        values |= {f"density_{g}": per_voice[:, own].sum(1) / self.quarters for g, own in GROUP_VOICES.items()}
        return [values[name] for name in SLIDERS]

    def _swing(self, hit: Tensor, offset: Tensor) -> Tensor:
        hit, offset = hit[:, :, TIMEKEEPERS], offset[:, :, TIMEKEEPERS]
        position = self.steps[:, None, None] + offset
        bar = (torch.searchsorted(self.lines, position.detach().contiguous(), right=True) - 1).clamp(min=0)
        place = torch.remainder(position - self.lines[bar], STEPS_PER_QUARTER)
        counts = hit * ((place >= SECOND_EIGHTH[0]) & (place < SECOND_EIGHTH[1]))
        n = counts.sum((1, 2, 3))
        mean = (counts * place).sum((1, 2, 3)) / n.clamp(min=1.0)
        return _where((n > 0) & self.has_swing, (mean - 2.0) / (2.0 / 3.0))

    def _syncopation(self, hit: Tensor) -> Tensor:
        heard = hit[:, :, BACKBONE].amax(-1).transpose(1, 2)  # (B, 2, T)
        strength: Tensor = _NextHeard.apply(heard[..., self.ahead], self.strength)  # type: ignore[no-untyped-call]
        found = (heard * strength).sum((1, 2))
        return _where(heard.sum((1, 2)) > 0, found / self.quarters)


class _NextHeard(torch.autograd.Function):
    """What stands at the first hit of each row: hits (..., T, D), 0 or 1, at (T, D) -> (..., T).

    At the far end, which is the hit itself come round again, the voice is heard whatever is there. The slopes are those
    of the expected value over independent hits (a product of what is silent before), which for 0 and 1 is the value
    itself: a hit more before the first one is heard in its place, and without the first one the next is heard.
    `cumprod` says the same in a fourth of a round's time.
    """

    @staticmethod
    def forward(ctx: Any, hit: Tensor, at: Tensor) -> Tensor:
        is_hit = hit >= 0.5
        is_hit[..., -1] = True
        n = hit.shape[-1]
        places = torch.where(is_hit, torch.arange(n), n - 1)
        following = places.flip(-1).cummin(-1).values.flip(-1)  # the first hit here or later
        ctx.save_for_backward(following, at)
        return at.expand_as(hit).gather(-1, following[..., :1])[..., 0]

    @staticmethod
    def backward(ctx: Any, *slope: Tensor) -> tuple[Tensor, None]:
        following, at = ctx.saved_tensors
        later = at.expand(following.shape).gather(-1, following[..., 1:])
        is_before = torch.arange(following.shape[-1] - 1) <= following[..., :1]
        return functional.pad(torch.where(is_before, at[:, :-1] - later, 0.0) * slope[0][..., None], (0, 1)), None


def _mean_and_spread(values: Tensor, hit: Tensor) -> tuple[Tensor, Tensor]:
    n = hit.sum((1, 2, 3))
    mean = (values * hit).sum((1, 2, 3)) / n.clamp(min=1.0)
    variance = ((values - mean[:, None, None, None]) ** 2 * hit).sum((1, 2, 3)) / n.clamp(min=1.0)
    spread = (variance.clamp(min=0.0) + 1e-12).sqrt()  # smooth at 0
    return _where(n > 0, mean), _where(n > 0, spread)


def _where(defined: Tensor, values: Tensor) -> Tensor:
    """NaN where undefined, without spoiling the slopes of the rest."""
    return torch.where(defined, values, torch.nan)


# -- steering ------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Held:
    """Voices that are not the decoder's: cells (T, V, L, F) of a groove, and which voices are its own."""

    cells: FloatArray
    voices: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Steered:
    """z (W, Z), the best of all rounds; path (rounds + 1, K), how the sliders stood, in their own units."""

    z: Tensor
    path: FloatArray


def steer(
    model: RhythmVAE,
    z: Tensor,
    frame: Groove,
    asked: Mapping[str, float],
    quantiles: Quantiles,
    variance: Tensor,
    held: Held | None = None,
) -> Steered:
    """Latents near z (W, Z) whose groove has what was asked.

    A groove that does not define a slider (swing without off-beats) is left as it is in that
    respect. What is out of reach is approached as far as it goes.

    Args:
        asked: slider -> target in its own unit.
        variance: (Z,) of the training windows' latents.
    """
    decoder = GrooveDecoder(model, frame, held)
    describe = SoftDescriptors(frame)
    spread = torch.tensor([quantiles.spread(name) if name in quantiles.knots else 1.0 for name in SLIDERS])
    is_asked = torch.tensor([name in asked for name in SLIDERS])
    metric = (variance * decoder.used).flatten()
    target = torch.empty(0)
    best, best_cost = z, float("inf")
    path: list[FloatArray] = []
    for _ in range(N_ROUNDS + 1):
        raw, pull = decoder.pulled(z)
        with torch.enable_grad():
            values = describe.each(decoder.cells(raw))
        now = torch.cat(values).detach()
        if not path:
            is_asked &= torch.isfinite(now)  # what means nothing here cannot be asked
            target = targets_of(now, {name: asked[name] for i, name in enumerate(SLIDERS) if is_asked[i]})
        path.append(now.numpy())
        known = torch.isfinite(now) & torch.isfinite(target)
        cost = _cost(now, target, known, is_asked, spread, quantiles, describe.resolution)
        if cost < best_cost:
            best, best_cost = z, cost
        if cost < 1.0 or len(path) > N_ROUNDS:
            break
        rows = [backward(values[i], torch.ones(1), (raw,))[0] for i in torch.flatten(known.nonzero()).tolist()]
        jacobian = pull(torch.stack(rows)).flatten(1) / spread[known, None]
        missing = ((target - now) / spread)[known]
        weighted = jacobian * metric
        gram = weighted @ jacobian.T
        damping = torch.where(is_asked, ASKED_DAMPING, OTHERS_DAMPING)[known] * gram.diagonal().mean().clamp(min=1e-9)
        move = weighted.T @ torch.linalg.solve(gram + torch.diag(damping), missing)
        size = float((move**2 / metric.clamp(min=1e-6)).sum().div(decoder.used.sum()).sqrt())
        z = z + (move * min(1.0, MAX_MOVE / max(size, 1e-9))).view_as(z)
    return Steered(best, np.array(path))


class GrooveDecoder:
    """Latents of B grooves in one frame, (B * W, Z), to their Cells (B, T, V, L)."""

    def __init__(self, model: RhythmVAE, frame: Groove, held: Held | None) -> None:
        self.model, self.held = model, held
        self.spans = window_spans(frame)
        self.n_steps = torch.tensor([span.n_steps for span in self.spans])
        self.used = model.latent_mask(self.n_steps)
        self.mask = model.step_mask(self.n_steps)

    def pulled(self, z: Tensor) -> tuple[Tensor, Pull]:
        """What the decoder gives (B * W, T, C), of which slopes may be asked, and those slopes to slopes by z."""
        device, home = self.model.device, z.device
        n = len(z) // len(self.spans)
        used, mask = self.used.repeat(n, 1), self.mask.repeat(n, 1)
        raw, pull = pulled(self.model.decoder, (z * used).to(device), mask.to(device))
        return raw.to(home).requires_grad_(True), lambda slope: pull(slope.to(device)).to(home) * used

    def decoded(self, z: Tensor) -> Tensor:
        """The same (B * W, T, C) where no slopes are asked for."""
        n = len(z) // len(self.spans)
        used, mask, device = self.used.repeat(n, 1), self.mask.repeat(n, 1), self.model.device
        raw: Tensor = self.model.decoder((z * used).to(device), mask.to(device))
        return raw.to(z.device)

    def cells(self, raw: Tensor) -> Cells:
        out = self.model.outputs(raw, self.mask.repeat(len(raw) // len(self.spans), 1))
        soft = torch.sigmoid(out.hit_logit / HIT_TEMPERATURE)
        features = (
            ((out.hit_logit >= 0).float() + soft - soft.detach(), HIT),
            (out.velocity.clamp(1.0 / MAX_VELOCITY, 1.0), VELOCITY),
            (out.offset.clamp(-0.5, 0.5), OFFSET),
        )
        return Cells(*(self._joined(values, feature) for values, feature in features))

    def _joined(self, values: Tensor, feature: int) -> Tensor:
        """The windows (B * W, T, V, L) along time, held voices in their places: (B, T, V, L)."""
        windows = values.view(-1, len(self.spans), *values.shape[1:]).unbind(1)
        parts = [window[:, : span.n_steps] for window, span in zip(windows, self.spans, strict=True)]
        joined = torch.cat(parts, dim=1)
        if self.held is not None and self.held.voices:
            voices = list(self.held.voices)
            joined = joined.clone()
            joined[:, :, voices] = torch.from_numpy(self.held.cells[..., feature][:, voices])
        return joined


def targets_of(now: Tensor, asked: Mapping[str, float]) -> Tensor:
    """Where every slider should come to rest (K,): what was asked, and the others where they are.

    Density is the sum over the groups: where it is asked the groups share in it as they do
    now, and where a group is asked the sum follows.
    """
    target = {name: asked.get(name, value) for name, value in zip(SLIDERS, now.tolist(), strict=True)}
    current = dict(zip(SLIDERS, now.tolist(), strict=True))
    groups = [f"density_{group}" for group in GROUPS]
    rest = [name for name in groups if name not in asked]
    fixed = sum(asked[name] for name in groups if name in asked)
    if "density" in asked:
        share = max(asked["density"] - fixed, 0.0) / max(sum(current[name] for name in rest), 1e-9)
        target |= {name: share * current[name] for name in rest}
    else:
        target["density"] = fixed + sum(current[name] for name in rest)
    return torch.tensor([target[name] for name in SLIDERS])


def _cost(
    now: Tensor,
    target: Tensor,
    known: Tensor,
    is_asked: Tensor,
    spread: Tensor,
    quantiles: Quantiles,
    resolution: Tensor,
) -> float:
    """Below 1 all is well: what was asked is within CLOSE_PLACE, or as near as whole hits come, and the
    others are within CLOSE_OTHERS."""
    drift = (now - target) / spread / CLOSE_OTHERS
    cost = float((drift[known & ~is_asked] ** 2).mean()) if bool((known & ~is_asked).any()) else 0.0
    for i in torch.flatten(torch.nonzero(is_asked)).tolist():
        if known[i]:
            away = _place(quantiles, SLIDERS[i], float(now[i])) - _place(quantiles, SLIDERS[i], float(target[i]))
            if abs(float(now[i] - target[i])) > float(resolution[i]):
                cost += (away / CLOSE_PLACE) ** 2
        else:
            cost += (1.0 / CLOSE_PLACE) ** 2  # the way led to where the slider means nothing
    return cost


def _place(quantiles: Quantiles, name: str, value: float) -> float:
    """The place, carried on beyond the ends by standard deviations: out there, too, nearer is better."""
    values = quantiles.knots[name][0]
    beyond = value - min(max(value, float(values[0])), float(values[-1]))
    return quantiles.quantile(name, value) + beyond / quantiles.spread(name)
