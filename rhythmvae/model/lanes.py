"""Lanes: all answers of one slider at once, so that a hand hears each of them without asking again.

`steering.steer` finds one answer by some ten rounds, each with the slopes of all sliders at one place. Answers of one
slider lie beside each other, so a lane asks for slopes at a few places along it only, going outward from the groove
both ways. From there on all stops move together, and what a move did corrects the slopes that it was made by
(Broyden 1965), which needs the decoder's output alone. Every latent that is decoded on the way is a candidate, and each
stop takes the candidate that costs least by the rule of `steer`.

Shapes: W windows, Z latents of one, K sliders, P candidates.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from rhythmvae.analysis.descriptors import SLIDERS
from rhythmvae.analysis.quantiles import Quantiles
from rhythmvae.groove import FloatArray, Groove, IntArray, to_grid
from rhythmvae.kit import VOICE_INDEX
from rhythmvae.model import latent
from rhythmvae.model.checkpoint import Checkpoint
from rhythmvae.model.generate import Perturbed, check, with_kept
from rhythmvae.model.limits import check_kept_bars
from rhythmvae.model.soft import SoftDescriptors
from rhythmvae.model.steering import (
    ASKED_DAMPING,
    CLOSE_OTHERS,
    CLOSE_PLACE,
    MAX_MOVE,
    OTHERS_DAMPING,
    GrooveDecoder,
    Held,
    steer,
    targets_of,
)
from rhythmvae.model.vae import RhythmVAE
from rhythmvae.model.variation import SliderLane

N_STOPS = 101  # of a slider, in percent


@dataclass(frozen=True)
class Effort:
    """How much is spent on a lane.

    Args:
        n_slopes: places with slopes on each side of the groove, evenly up to the slider's end.
        most_slopes: the same with those that follow where the end has not been reached by then.
        n_moved: stops that are moved together.
        n_rounds: how often they are.
        n_fresh: stops furthest away at which slopes are asked for anew, in `fresh_round`.
    """

    n_slopes: int = 3
    most_slopes: int = 3
    n_moved: int = 21
    n_rounds: int = 5
    n_fresh: int = 2
    fresh_round: int = 2


FINE = Effort()
# Syncopation goes from hit to hit: slopes of a sum say little of the next one, and `steer` too needs more rounds.
FAR = Effort(n_slopes=6, most_slopes=12, n_rounds=3, n_fresh=0)
COARSE = Effort(n_slopes=0, most_slopes=0, n_moved=9, n_rounds=2, n_fresh=0)  # a quarter, for a touch's first moment
REACHED = 0.02  # of a quantile: an end of a slider


@dataclass(frozen=True, eq=False)
class Lane:
    """Candidates z (P, W, Z) for one slider; `values` (P, K) is how the sliders stand there, NaN where undefined; `raw`
    (P * W, T, C) is what the decoder gave."""

    name: str
    z: Tensor
    values: FloatArray
    raw: Tensor
    _costs: _Costs

    def choose(self, places: FloatArray) -> IntArray:
        """For each place of the slider (S,), 0 to 1, the index of its candidate."""
        found: IntArray = self._costs.of(places, self.values).argmin(1)
        return found


@dataclass(frozen=True, eq=False)
class _Costs:
    """What a candidate costs where a place is asked: below 1 all is well, as `steer` counts it."""

    name: str
    start: FloatArray
    holding: Mapping[str, float]
    quantiles: Quantiles
    spread: FloatArray
    resolution: FloatArray

    def targets(self, places: FloatArray) -> FloatArray:
        """Where all sliders should stand at each place: (S, K), NaN where undefined."""
        now = torch.from_numpy(self.start)
        rows = []
        for place in places.tolist():
            asked = {**self.holding, self.name: self.quantiles.value_at(self.name, place)}
            rows.append(targets_of(now, asked).numpy())
        return np.array(rows, dtype=np.float64).reshape(len(places), len(SLIDERS))

    def of(self, places: FloatArray, values: FloatArray) -> FloatArray:
        """(S, P) for candidates' values (P, K)."""
        target = self.targets(places)[:, None]
        is_asked = np.array([name == self.name or name in self.holding for name in SLIDERS])
        away = values[None] - target
        is_other = np.isfinite(away) & ~is_asked
        drift = np.where(is_other, (np.nan_to_num(away) / self.spread / CLOSE_OTHERS) ** 2, 0.0)
        cost: FloatArray = drift.sum(-1) / np.maximum(is_other.sum(-1), 1)
        for i in np.flatnonzero(is_asked & np.isfinite(self.start)).tolist():
            found = self._places(SLIDERS[i], values[:, i])[None] - self._places(SLIDERS[i], target[..., i])
            missed = np.where(np.abs(away[..., i]) > self.resolution[i], (found / CLOSE_PLACE) ** 2, 0.0)
            cost += np.where(np.isfinite(values[None, :, i]), missed, 1.0 / CLOSE_PLACE**2)
        return cost

    def places(self, values: FloatArray) -> FloatArray:
        """Where candidates (P, K) have the slider: (P,), below 0 and above 1 beyond its ends, NaN where undefined."""
        return self._places(self.name, values[:, SLIDERS.index(self.name)])

    def _places(self, name: str, values: FloatArray) -> FloatArray:
        """Quantiles, carried on beyond the ends by standard deviations: out there, too, nearer is better."""
        first, last = self.quantiles.knots[name][0][[0, -1]]
        spread = self.quantiles.spread(name)
        flat = [
            self.quantiles.quantile(name, value) + (value - min(max(value, first), last)) / spread
            if np.isfinite(value)
            else np.nan
            for value in values.ravel().tolist()
        ]
        return np.array(flat, dtype=np.float64).reshape(values.shape)


def slider_lane(
    checkpoint: Checkpoint,
    groove: Groove,
    name: str,
    *,
    perturbed: Perturbed,
    asked: Mapping[str, float],
    keep: Sequence[str] = (),
    keep_bars: Sequence[int] = (),
    effort: Effort | None = None,
    steered: Tensor | None = None,
) -> SliderLane:
    """What a slider leads to from the first variation of `perturbed`, beside what was asked of other sliders.

    Where nothing is asked of other sliders it begins at the variation as it comes, wherever this one stands; else at
    what `vary` gives for all that is asked, which is what plays and has what the others were asked already. `vary` may
    find a groove that leaves the other sliders nearer to where they are: it takes ten rounds for one answer.

    Args:
        asked: as for `generate.vary`, as are the other arguments.
        effort: what the slider needs where none is given.
        steered: latents (W, Z) that `vary` gave for all that is asked, where somebody kept them.

    Raises:
        UsageError: a slider, voice or bar that does not exist.
        CheckpointError: weights that give no numbers.
    """
    others = {own: place for own, place in asked.items() if own != name}
    quantiles, model, variance = checkpoint.quantiles, checkpoint.model, checkpoint.prior.std**2
    check(quantiles, 1, 0.0, {**others, name: 0.5}, keep)
    check_kept_bars(groove, keep_bars)
    voices = tuple(sorted(VOICE_INDEX[key] for key in set(keep)))
    held = Held(to_grid(groove, model.config.layers).tensor, voices)
    z, targets = perturbed.z[0], {own: quantiles.value_at(own, place) for own, place in others.items()}
    if targets and steered is not None:
        z = steered
    elif targets:
        wanted = {own: quantiles.value_at(own, place) for own, place in asked.items()}
        z = steer(model, z, perturbed.frame, wanted, quantiles, variance, held).z
    effort = effort or (FAR if name == "syncopation" else FINE)
    found = lane(model, z, perturbed.frame, name, quantiles, variance, held, targets, effort)
    chosen, stops = np.unique(found.choose(np.arange(N_STOPS) / (N_STOPS - 1)), return_inverse=True)
    raw = found.raw.view(*found.z.shape[:2], *found.raw.shape[1:])[torch.from_numpy(chosen)].flatten(0, 1)
    decoder = GrooveDecoder(model, perturbed.frame, None)
    grooves = latent.written(model, model.outputs(raw, decoder.mask.repeat(len(chosen), 1)), perturbed.frame)
    kept = tuple(with_kept(each, groove, voices, keep_bars) for each in grooves)
    return SliderLane(name, tuple(stops.tolist()), kept)


def lane(
    model: RhythmVAE,
    z: Tensor,
    frame: Groove,
    name: str,
    quantiles: Quantiles,
    variance: Tensor,
    held: Held | None = None,
    holding: Mapping[str, float] | None = None,
    effort: Effort = FINE,
) -> Lane:
    """Answers of one slider for latents z (W, Z), with all other sliders where they are.

    Where the groove does not define the slider, its latents alone are there. Other arguments are those of `steer`;
    `holding` are targets of sliders that were asked before, in their own units.
    """
    return _Search(model, z, frame, name, quantiles, variance, held, holding or {}, effort).run()


class _Search:
    """Candidates as rows: latents (P, D) with D = W * Z, values (P, K) and slopes (P, K, D), in spreads of sliders."""

    def __init__(
        self,
        model: RhythmVAE,
        z: Tensor,
        frame: Groove,
        name: str,
        quantiles: Quantiles,
        variance: Tensor,
        held: Held | None,
        holding: Mapping[str, float],
        effort: Effort,
    ) -> None:
        self.start, self.name, self.quantiles, self.holding, self.effort = z, name, quantiles, holding, effort
        self.decoder = GrooveDecoder(model, frame, held)
        self.describe = SoftDescriptors(frame)
        self.metric = (variance * self.decoder.used).flatten()
        self.n_used = float(self.decoder.used.sum())
        spread = [quantiles.spread(own) if own in quantiles.knots else 1.0 for own in SLIDERS]
        self.spread = torch.tensor(spread)
        self.damping = torch.tensor(
            [ASKED_DAMPING if own == name or own in holding else OTHERS_DAMPING for own in SLIDERS]
        )
        self.z, self.values = torch.empty(0, z.numel()), torch.empty(0, len(SLIDERS))
        self.slopes = torch.empty(0, len(SLIDERS), z.numel())
        self.raw: list[Tensor] = []

    def run(self) -> Lane:
        self._look_with_slopes(self.start.flatten()[None])
        first = self.values[0].double().numpy()
        holding = {own: value for own, value in self.holding.items() if np.isfinite(first[SLIDERS.index(own)])}
        self.costs = _Costs(
            self.name, first, holding, self.quantiles, self.spread.numpy(), self.describe.resolution.numpy()
        )
        if np.isfinite(first[SLIDERS.index(self.name)]):
            self._go_outward(self.quantiles.quantile(self.name, float(first[SLIDERS.index(self.name)])))
            self._move_stops()
        z, raw = self.z.view(-1, *self.start.shape), torch.cat(self.raw)
        return Lane(self.name, z, self.values.double().numpy(), raw, self.costs)

    def _go_outward(self, own: float) -> None:
        """Both ways from the groove's own place to the slider's ends, with slopes at each place."""
        front = dict.fromkeys((0.0, 1.0), 0)  # an end that is not reached -> the candidate that is on its way there
        for k in range(1, self.effort.most_slopes + 1):
            share = min(k / self.effort.n_slopes, 1.0)
            places = np.array([own + (end - own) * share for end in front])
            rows = torch.tensor(list(front.values()))
            self._look_with_slopes(self.z[rows] + self._moves(rows, places))
            stands = self.costs.places(self.values[-len(front) :].double().numpy()).tolist()
            for i, (end, place) in enumerate(zip(list(front), stands, strict=True)):
                front[end] = len(self.z) - len(stands) + i
                is_there = abs(place - end) < REACHED or (place > end) == (end > 0.5)
                if not np.isfinite(place) or (share == 1.0 and is_there):
                    del front[end]
            if not front:
                break

    def _move_stops(self) -> None:
        """All stops that are not there yet, from the best candidate of each."""
        places = np.linspace(0.0, 1.0, self.effort.n_moved)
        for k in range(self.effort.n_rounds):
            cost = self.costs.of(places, self.values.double().numpy())
            is_open = cost.min(1) >= 1.0
            if not is_open.any():
                break
            worst = np.flatnonzero(is_open)
            best = torch.from_numpy(cost.argmin(1))
            if k == self.effort.fresh_round and self.effort.n_fresh:
                furthest = np.argsort(-cost.min(1))[: self.effort.n_fresh]
                rows = torch.from_numpy(np.unique(best[furthest].numpy()))
                self.slopes[rows] = self._slopes_at(self.z[rows])[2]
            rows = best[worst]
            moves = self._moves(rows, places[worst])
            self._look(self.z[rows] + moves, rows, moves)

    def _moves(self, rows: Tensor, places: FloatArray) -> Tensor:
        """(B, D): the damped Gauss-Newton moves of candidates towards places of the slider."""
        target = torch.from_numpy(self.costs.targets(places)).float()
        missing = ((target - self.values[rows]) / self.spread).nan_to_num()
        slopes = self.slopes[rows]
        weighted = slopes * self.metric
        gram = weighted @ slopes.mT
        mean = gram.diagonal(dim1=1, dim2=2).mean(1, keepdim=True).clamp(min=1e-9)
        solved = torch.linalg.solve(gram + torch.diag_embed(self.damping * mean), missing)
        move = (weighted.mT @ solved[..., None])[..., 0]
        size = ((move**2 / self.metric.clamp(min=1e-6)).sum(1) / self.n_used).sqrt()
        capped: Tensor = move * (MAX_MOVE / size.clamp(min=MAX_MOVE))[:, None]
        return capped

    def _look(self, z: Tensor, rows: Tensor, moves: Tensor) -> None:
        """Candidates z (B, D) more, moved from others. What a move did that the slopes did not say corrects them."""
        with torch.no_grad():
            raw = self.decoder.decoded(z.view(-1, self.start.shape[1]))
            values = self.describe(self.decoder.cells(raw))
        found = ((values - self.values[rows]) / self.spread).nan_to_num()
        said = (self.slopes[rows] @ moves[..., None])[..., 0]
        along = moves / self.metric.clamp(min=1e-6)
        size = (along * moves).sum(1).clamp(min=1e-9)
        change = (found - said)[..., None] * (along / size[:, None])[:, None]
        slopes = self.slopes[rows] + change
        self.slopes[rows] = slopes
        self._note(z, raw, values, slopes)

    def _look_with_slopes(self, z: Tensor) -> None:
        self._note(z, *self._slopes_at(z))

    def _note(self, z: Tensor, raw: Tensor, values: Tensor, slopes: Tensor) -> None:
        self.raw.append(raw)
        self.z, self.values = torch.cat([self.z, z]), torch.cat([self.values, values])
        self.slopes = torch.cat([self.slopes, slopes])

    def _slopes_at(self, z: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """What the decoder gives (B * W, T, C), values (B, K) and slopes (B, K, D) at z (B, D)."""
        raw, pull = self.decoder.pulled(z.view(-1, self.start.shape[1]))
        cells = self.decoder.cells(raw)
        slopes = self.decoder.jacobian(self.describe, raw, cells, pull).view(len(SLIDERS), len(z), -1).transpose(0, 1)
        now = self.describe(cells)
        return (
            raw,
            now,
            torch.where(now.isfinite()[..., None], slopes, 0.0).nan_to_num() / self.spread[:, None],
        )
