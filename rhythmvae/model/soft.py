"""Sliders as functions of what a decoder plays, with slopes.

The descriptors of analysis/descriptors.py once more, for many grooves at a time and differentiable, and their slopes
written out: asked of torch, each of eleven sliders is a pass of its own through some twenty small operations.

Shapes: B grooves of T steps, V voices and L layers, K sliders.
"""

from __future__ import annotations

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
from rhythmvae.groove import MAX_VELOCITY, STEPS_PER_QUARTER, Groove
from rhythmvae.kit import N_VOICES
from rhythmvae.model.pulling import backward

MAX_SILENCE = 64  # steps: a longer gap counts as one of these, which in bars of up to 16/4 is the same
_SWING_UNIT = 2.0 / 3.0  # steps from straight to a triplet shuffle
_ROW = {name: i for i, name in enumerate(SLIDERS)}


class Cells(NamedTuple):
    """Decoded grooves, each (B, T, V, L). `hit` is 0 or 1; velocity is of 1."""

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

        self.counted = torch.zeros(len(SLIDERS), 1, 1, N_VOICES, 1)  # hits a quarter that a hit of a voice makes
        for name, own in {"density": list(range(N_VOICES)), **_groups()}.items():
            self.counted[_ROW[name], ..., own, :] = 1.0 / self.quarters

    def __call__(self, cells: Cells) -> Tensor:
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
        values |= {name: per_voice[:, own].sum(1) / self.quarters for name, own in _groups().items()}
        return torch.stack([values[name] for name in SLIDERS], dim=1)

    def slopes(self, cells: Cells) -> Cells:
        """What a little more of each cell's hit, velocity or offset makes of each slider: (K, B, T, V, L) each, in the
        sliders' units; zero where a groove does not define one."""
        hit, velocity, offset = cells.hit, MAX_VELOCITY * cells.velocity, cells.offset
        by_hit = self.counted.repeat(1, *hit.shape[:2], 1, hit.shape[3])
        by_velocity, by_offset = torch.zeros_like(by_hit), torch.zeros_like(by_hit)
        n = hit.sum((1, 2, 3), keepdim=True).clamp(min=1.0)
        for values, name, by_value in ((velocity, "dynamics", by_velocity), (offset, "looseness", by_offset)):
            away, spread = _away_and_spread(values, hit, n)
            by_hit[_ROW[name]] = (away**2 - spread**2) / (2.0 * n * spread)
            by_value[_ROW[name]] = away * hit / (n * spread)
            if name == "dynamics":
                by_hit[_ROW["loudness"]] = away / n
        by_velocity[_ROW["loudness"]] = hit / n
        by_velocity *= MAX_VELOCITY
        if self.has_swing:
            self._swing_slopes(hit, offset, by_hit[_ROW["swing"]], by_offset[_ROW["swing"]])
        self._syncopation_slopes(hit, by_hit[_ROW["syncopation"]])
        is_played = hit.sum((1, 2, 3)) > 0
        for name in ("dynamics", "looseness", "loudness"):
            by_hit[_ROW[name], ~is_played] = 0.0
        return Cells(by_hit, by_velocity, by_offset)

    def _seconds(self, hit: Tensor, offset: Tensor) -> tuple[Tensor, Tensor]:
        """Of hats and ride: which cells may count as a second eighth, and where in their quarter note they lie."""
        position = self.steps[:, None, None] + offset[:, :, TIMEKEEPERS]
        bar = (torch.searchsorted(self.lines, position.detach().contiguous(), right=True) - 1).clamp(min=0)
        place = torch.remainder(position - self.lines[bar], STEPS_PER_QUARTER)
        return (place >= SECOND_EIGHTH[0]) & (place < SECOND_EIGHTH[1]), place

    def _swing(self, hit: Tensor, offset: Tensor) -> Tensor:
        may_count, place = self._seconds(hit, offset)
        counts = hit[:, :, TIMEKEEPERS] * may_count
        n = counts.sum((1, 2, 3))
        mean = (counts * place).sum((1, 2, 3)) / n.clamp(min=1.0)
        return _where((n > 0) & self.has_swing, (mean - 2.0) / _SWING_UNIT)

    def _swing_slopes(self, hit: Tensor, offset: Tensor, by_hit: Tensor, by_offset: Tensor) -> None:
        may_count, place = self._seconds(hit, offset)
        counts = hit[:, :, TIMEKEEPERS] * may_count
        n = counts.sum((1, 2, 3), keepdim=True)
        mean = (counts * place).sum((1, 2, 3), keepdim=True) / n.clamp(min=1.0)
        unit = torch.where(n > 0, _SWING_UNIT * n.clamp(min=1.0), torch.inf)
        by_hit[:, :, TIMEKEEPERS] = may_count * (place - mean) / unit
        by_offset[:, :, TIMEKEEPERS] = counts / unit

    def _heard(self, hit: Tensor) -> Tensor:
        return hit[:, :, BACKBONE].amax(-1).transpose(1, 2)  # (B, 2, T)

    def _syncopation(self, hit: Tensor) -> Tensor:
        return self._contradiction(self._heard(hit))

    def _contradiction(self, heard: Tensor) -> Tensor:
        strength: Tensor = _NextHeard.apply(heard[..., self.ahead], self.strength)  # type: ignore[no-untyped-call]
        found = (heard * strength).sum((1, 2))
        return _where(heard.sum((1, 2)) > 0, found / self.quarters)

    def _syncopation_slopes(self, hit: Tensor, by_hit: Tensor) -> None:
        with torch.enable_grad():
            heard = self._heard(hit).detach().requires_grad_(True)
            found = self._contradiction(heard)
        (by_heard,) = backward(found, torch.ones(len(hit)), (heard,))
        own = hit[:, :, BACKBONE]
        # Layers of a cell are heard as one: those that play share its slope, and where none does, all of them.
        share = torch.where(own.amax(-1, keepdim=True) > 0, own, 1.0)
        is_defined = heard.detach().sum((1, 2)) > 0
        by_heard = torch.where(is_defined[:, None, None], by_heard, 0.0).transpose(1, 2)[..., None]
        by_hit[:, :, BACKBONE] = by_heard * share / share.sum(-1, keepdim=True)


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
        if not ctx.needs_input_grad[0]:
            first = is_hit.to(torch.uint8).argmax(-1, keepdim=True)
            return at.expand_as(hit).gather(-1, first)[..., 0]
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


def _groups() -> dict[str, list[int]]:
    return {f"density_{group}": own for group, own in GROUP_VOICES.items()}


def _away_and_spread(values: Tensor, hit: Tensor, n: Tensor) -> tuple[Tensor, Tensor]:
    away = values - (values * hit).sum((1, 2, 3), keepdim=True) / n
    variance = (away**2 * hit).sum((1, 2, 3), keepdim=True) / n
    return away, (variance + 1e-12).sqrt()


def _mean_and_spread(values: Tensor, hit: Tensor) -> tuple[Tensor, Tensor]:
    n = hit.sum((1, 2, 3))
    mean = (values * hit).sum((1, 2, 3)) / n.clamp(min=1.0)
    variance = ((values - mean[:, None, None, None]) ** 2 * hit).sum((1, 2, 3)) / n.clamp(min=1.0)
    spread = (variance.clamp(min=0.0) + 1e-12).sqrt()  # smooth at 0
    return _where(n > 0, mean), _where(n > 0, spread)


def _where(defined: Tensor, values: Tensor) -> Tensor:
    """NaN where undefined, without spoiling the slopes of the rest."""
    return torch.where(defined, values, torch.nan)
