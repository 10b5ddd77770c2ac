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
written, and slopes those of the hits' probabilities (straight-through, Bengio et al. 2013); both stand in soft.py.

A groove has W windows, z (W, Z); its cells are joined along time, T steps in all.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from rhythmvae.analysis.descriptors import SLIDERS
from rhythmvae.analysis.quantiles import Quantiles
from rhythmvae.groove import HIT, MAX_VELOCITY, OFFSET, VELOCITY, FloatArray, Groove, window_spans
from rhythmvae.kit import GROUPS
from rhythmvae.model.pulling import Pull, pulled
from rhythmvae.model.soft import Cells, SoftDescriptors
from rhythmvae.model.vae import VELOCITY_HEADROOM, Outputs, RhythmVAE

HIT_TEMPERATURE = 2.0  # flattens the slope of a hit's probability, so that sure cells can be moved too
N_ROUNDS = 16
ASKED_DAMPING, OTHERS_DAMPING = 1e-3, 1e-2  # of the mean squared slope
MAX_MOVE = 0.35  # a round's largest move, root mean square in spreads of the latents
CLOSE_PLACE = 0.01  # asked and achieved are as good as equal
CLOSE_OTHERS = 0.10  # standard deviations that another slider may drift
_OF_GROUPS = [SLIDERS.index(f"density_{group}") - 1 for group in GROUPS]  # among all sliders but density, the first


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
        cells = decoder.cells(raw)
        [now] = describe(cells)
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
        jacobian = decoder.jacobian(describe, raw, cells, pull).flatten(1)[known] / spread[known, None]
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
        return raw.to(home), lambda slope: pull(slope.to(device)).to(home) * used

    def decoded(self, z: Tensor) -> Tensor:
        """The same (B * W, T, C) where no slopes are asked for."""
        n = len(z) // len(self.spans)
        used, mask, device = self.used.repeat(n, 1), self.mask.repeat(n, 1), self.model.device
        raw: Tensor = self.model.decoder((z * used).to(device), mask.to(device))
        return raw.to(z.device)

    def cells(self, raw: Tensor) -> Cells:
        out = self._outputs(raw)
        features = (
            ((out.hit_logit >= 0).float(), HIT),
            (out.velocity.clamp(1.0 / MAX_VELOCITY, 1.0), VELOCITY),
            (out.offset.clamp(-0.5, 0.5), OFFSET),
        )
        return Cells(*(self._joined(values, feature) for values, feature in features))

    def jacobian(self, describe: SoftDescriptors, raw: Tensor, cells: Cells, pull: Pull) -> Tensor:
        """Slopes of all sliders by latents, (K, B * W, Z), of what `pulled` gave.

        Density's is the sum of its groups'.
        """
        found = pull(self.slopes(raw, Cells(*(part[1:] for part in describe.slopes(cells)))))
        return torch.cat([found[_OF_GROUPS].sum(0, keepdim=True), found])

    def slopes(self, raw: Tensor, by: Cells) -> Tensor:
        """Slopes (K, B, T, V, L) by cells to slopes (K, B * W, T, C) by the decoder's numbers that made them.

        Of a hit, which is yes or no, it is that of its flattened probability.
        """
        out, largest = self._outputs(raw), self.model.config.largest_offset
        soft = torch.sigmoid(out.hit_logit / HIT_TEMPERATURE)
        high = out.velocity / VELOCITY_HEADROOM
        steep = torch.empty(*out.velocity.shape, len(by))
        steep[..., HIT] = soft * (1.0 - soft) / HIT_TEMPERATURE
        is_within = (out.velocity >= 1.0 / MAX_VELOCITY) & (out.velocity <= 1.0)
        steep[..., VELOCITY] = VELOCITY_HEADROOM * high * (1.0 - high) * is_within
        steep[..., OFFSET] = (largest - out.offset**2 / largest) * (out.offset.abs() <= 0.5)
        found = torch.zeros(len(by.hit), *steep.shape)
        by_window = found.view(len(by.hit), -1, len(self.spans), *steep.shape[1:])
        for feature, values in ((HIT, by.hit), (VELOCITY, by.velocity), (OFFSET, by.offset)):
            for i, span in enumerate(self.spans):
                by_window[:, :, i, : span.n_steps, ..., feature] = values[:, :, span.start : span.stop]
        if self.held is not None and self.held.voices:
            found[..., list(self.held.voices), :, :] = 0.0
        return (found * steep).flatten(3)

    def _outputs(self, raw: Tensor) -> Outputs:
        return self.model.outputs(raw, self.mask.repeat(len(raw) // len(self.spans), 1))

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
