"""What a lane costs, and how near it comes: python -m benchmarks.lane_quality [--patterns funk,disco,bossa] [--json]

For each slider, the lane of a variation of each pattern: processor time, of one thread, of the first (coarse) lane, of
the whole one and of an exact answer; places with slopes and grooves decoded for a whole lane; and at seven places how
far asked and achieved are apart (of a quantile) and how far the other sliders have moved from the groove (in standard
deviations, the mean of them), for the first lane, the whole one, and the exact answer (`steer`).
"""

import argparse
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from statistics import fmean
from typing import Any

import torch
from torch import Tensor

from rhythmvae import example, load_checkpoint
from rhythmvae.analysis.descriptors import SLIDERS, slider_values
from rhythmvae.analysis.quantiles import Quantiles
from rhythmvae.model import generate, lanes, latent
from rhythmvae.model.steering import GrooveDecoder, steer

PLACES = (0.05, 0.2, 0.35, 0.5, 0.65, 0.8, 0.95)
WAYS = ("first lane", "whole lane", "exact answer")


@dataclass
class Found:
    """Of one way: processor seconds each, distances from what was asked, and moves of the other sliders."""

    seconds: list[float] = field(default_factory=list)
    away: list[float] = field(default_factory=list)
    moved: list[float] = field(default_factory=list)

    def words(self) -> str:
        return f"{1000 * fmean(self.seconds):.0f} ms, {fmean(self.away):.3f}, {fmean(self.moved):.2f}"


def tied(slider: str, other: str) -> bool:
    """A slider and itself; all densities, which are a sum and its parts."""
    return slider == other or ("density" in (slider, other) and slider[:7] == other[:7] == "density")


def judge(
    found: Found, quantiles: Quantiles, name: str, place: float, groove: Any, start: Mapping[str, float | None]
) -> None:
    values = slider_values(groove)
    own = values[name]
    found.away.append(abs(place - (0.0 if own is None else quantiles.quantile(name, own))))
    moves = [
        abs(there - before) / quantiles.spread(other)
        for other in SLIDERS
        if not tied(name, other) and (there := values[other]) is not None and (before := start[other]) is not None
    ]
    found.moved.append(fmean(moves))


def timed(found: Found, work: Callable[..., Any], *args: Any, **named: Any) -> Any:
    began = time.thread_time()
    made = work(*args, **named)
    found.seconds.append(time.thread_time() - began)
    return made


@dataclass
class Counted:
    """Places with slopes and grooves decoded."""

    slopes: int = 0
    decoded: int = 0

    def watch(self) -> None:
        pulled, decoded = GrooveDecoder.pulled, GrooveDecoder.decoded

        def pulls(decoder: GrooveDecoder, z: Tensor) -> Any:
            self.slopes += len(z) // len(decoder.spans)
            return pulled(decoder, z)

        def decodes(decoder: GrooveDecoder, z: Tensor) -> Tensor:
            self.decoded += len(z) // len(decoder.spans)
            return decoded(decoder, z)

        GrooveDecoder.pulled, GrooveDecoder.decoded = pulls, decodes  # type: ignore[method-assign,assignment]


def main() -> None:
    parser = argparse.ArgumentParser(description="What a lane costs, and how near it comes.")
    parser.add_argument("--patterns", default="funk,disco,bossa")
    parser.add_argument("--sliders", default=",".join(SLIDERS))
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    torch.set_num_threads(1)
    checkpoint = load_checkpoint()
    quantiles, variance = checkpoint.quantiles, checkpoint.prior.std**2
    counted = Counted()
    counted.watch()
    rows: dict[str, dict[str, Found]] = {}
    n_lanes = n_slopes = n_decoded = 0
    for name in options.sliders.split(","):
        ways = rows[name] = {way: Found() for way in WAYS}
        for key in options.patterns.split(","):
            played = example(key)
            perturbed = generate.perturb(checkpoint, played)
            z = perturbed.z[0]
            start = slider_values(latent.decode(checkpoint.model, z, perturbed.frame))
            if start[name] is None:
                continue
            for way, effort in (("first lane", lanes.COARSE), ("whole lane", None)):
                counted.slopes = counted.decoded = 0

                settings = {"perturbed": perturbed, "asked": {}, "effort": effort}
                lane = timed(ways[way], lanes.slider_lane, checkpoint, played, name, **settings)
                for place in PLACES:
                    judge(ways[way], quantiles, name, place, lane.grooves[lane.stops[round(100 * place)]], start)
            n_lanes, n_slopes, n_decoded = n_lanes + 1, n_slopes + counted.slopes, n_decoded + counted.decoded
            for place in PLACES:
                target = {name: quantiles.value_at(name, place)}
                exact = ways["exact answer"]
                steered = timed(exact, steer, checkpoint.model, z, perturbed.frame, target, quantiles, variance)
                groove = latent.decode(checkpoint.model, steered.z, perturbed.frame)
                judge(exact, quantiles, name, place, groove, start)
    if options.json:
        print(json.dumps({name: {way: vars(found) for way, found in ways.items()} for name, ways in rows.items()}))
        return
    print(f"a whole lane: {n_slopes / n_lanes:.1f} places with slopes, {n_decoded / n_lanes:.0f} grooves decoded")
    for name, ways in [*rows.items(), ("all", {way: _pooled([ways[way] for ways in rows.values()]) for way in WAYS})]:
        print(f"{name}: " + "; ".join(f"{way} {found.words()}" for way, found in ways.items() if found.seconds))


def _pooled(found: list[Found]) -> Found:
    return Found(*([value for each in found for value in getattr(each, part)] for part in ("seconds", "away", "moved")))


if __name__ == "__main__":
    main()
