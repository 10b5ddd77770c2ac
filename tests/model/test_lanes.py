"""All answers of one slider at once."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from grooves import random_groove
from toys import checkpoint_of, model, quantiles

from rhythmvae.analysis.descriptors import SLIDERS, slider_values
from rhythmvae.data.examples import example
from rhythmvae.errors import UsageError
from rhythmvae.groove import Meter
from rhythmvae.model import generate, lanes, latent
from rhythmvae.model.checkpoint import load
from rhythmvae.model.steering import steer

PLAYED = random_groove(3, n_hits=40, n_steps=32)
STOPS = np.arange(lanes.N_STOPS) / (lanes.N_STOPS - 1)
COLUMN = {name: i for i, name in enumerate(SLIDERS)}


N_WINDOWS = 1  # of what is played


def toy_lane(name: str, effort: lanes.Effort = lanes.FINE) -> lanes.Lane:
    encoded = latent.encode(model(), PLAYED)
    z = encoded.posterior.mean
    return lanes.lane(model(), z, encoded.frame, name, quantiles(), torch.ones(z.shape[1]), effort=effort)


@pytest.mark.parametrize("name", ["density", "loudness", "density_kick"])
def test_values_of_a_lane_are_those_of_its_grooves(name: str) -> None:
    lane = toy_lane(name)
    frame = latent.frame_of(PLAYED)
    for i in np.unique(lane.choose(STOPS))[::7]:
        value = slider_values(latent.decode(model(), lane.z[i], frame))[name]
        assert lane.values[i, COLUMN[name]] == pytest.approx(value, rel=1e-3, abs=1e-3)


def test_candidates_are_decoded_together_and_slopes_are_asked_for_at_few_places(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What one slider costs: slopes at one place are worth some ten decoded grooves."""
    looked, decoded = [], []
    own, plain = lanes.GrooveDecoder.pulled, lanes.GrooveDecoder.decoded
    monkeypatch.setattr(lanes.GrooveDecoder, "pulled", lambda d, z: (looked.append(len(z)), own(d, z))[1])
    monkeypatch.setattr(lanes.GrooveDecoder, "decoded", lambda d, z: (decoded.append(len(z)), plain(d, z))[1])
    toy_lane("syncopation")
    assert sum(looked) <= 1 + 2 * lanes.FINE.most_slopes + lanes.FINE.n_fresh
    assert len(decoded) <= lanes.FINE.n_rounds
    assert sum(decoded) <= lanes.FINE.n_rounds * lanes.FINE.n_moved * N_WINDOWS
    fine = 10 * sum(looked) + sum(decoded)
    looked.clear()
    decoded.clear()
    toy_lane("syncopation", lanes.COARSE)
    assert 10 * sum(looked) + sum(decoded) <= fine / 3, "what a first moment hears costs a third at most"


def test_a_way_that_has_not_reached_an_end_goes_on_and_one_that_has_stops(monkeypatch: pytest.MonkeyPatch) -> None:
    """As syncopation is searched: from hit to hit, each side by as many places as it needs."""
    looked: list[int] = []
    own = lanes.GrooveDecoder.pulled
    monkeypatch.setattr(lanes.GrooveDecoder, "pulled", lambda d, z: (looked.append(len(z)), own(d, z))[1])
    far = lanes.Effort(n_slopes=2, most_slopes=6, n_fresh=0, n_rounds=1)
    lane = toy_lane("syncopation", far)
    assert looked[:3] == [1, 2, 2]
    assert 3 < len(looked) <= 1 + far.most_slopes, "it goes on"
    assert looked[3:] == sorted(looked[3:], reverse=True)
    places = lane._costs.places(lane.values[: sum(looked)])
    n_reached = int(places.min() < lanes.REACHED) + int(places.max() > 1.0 - lanes.REACHED)
    assert looked[-1] >= 2 - n_reached, "what has not been reached is not given up"
    looked.clear()
    toy_lane("loudness", lanes.Effort(n_slopes=2, most_slopes=2, n_fresh=0, n_rounds=1))
    assert looked == [1, 2, 2]


def test_a_slider_that_means_nothing_has_the_groove_alone() -> None:
    in_six_eight = random_groove(1, n_hits=20, n_steps=24, meters=(Meter(0.0, 6, 8),))
    encoded = latent.encode(model(), in_six_eight)
    z = encoded.posterior.mean
    lane = lanes.lane(model(), z, encoded.frame, "swing", quantiles(), torch.ones(z.shape[1]))
    assert torch.equal(lane.z, z[None])
    assert set(lane.choose(STOPS).tolist()) == {0}


def test_a_lane_keeps_drums_and_bars_and_leaves_what_was_asked_of_others() -> None:
    checkpoint = checkpoint_of()
    perturbed = generate.perturb(checkpoint, PLAYED, amount=0.4, seed=2)
    asked = {"loudness": 0.8, "density": 0.1}
    found = lanes.slider_lane(
        checkpoint, PLAYED, "density", perturbed=perturbed, asked=asked, keep=("kick",), keep_bars=(2,)
    )
    assert (found.name, len(found.stops)) == ("density", 101)
    assert set(found.stops) == set(range(len(found.grooves)))
    for groove in found.grooves:
        assert groove.bars(2, 2) == PLAYED.bars(2, 2)
        assert groove.some(groove.voice == 0) == PLAYED.some(PLAYED.voice == 0)


def test_what_no_model_knows_is_refused() -> None:
    checkpoint = checkpoint_of()
    perturbed = generate.perturb(checkpoint, PLAYED)
    with pytest.raises(UsageError, match="slider"):
        lanes.slider_lane(checkpoint, PLAYED, "wobble", perturbed=perturbed, asked={})


def test_at_rest_a_lane_plays_what_is_decoded_there_and_comes_as_near_as_asked() -> None:
    """Of the shipped model: decoded together or alone a groove is the same, and `steer` itself is hardly nearer."""
    checkpoint = load()
    played = example("disco")
    encoded = latent.encode(checkpoint.model, played)
    variance, scales = checkpoint.prior.std**2, checkpoint.quantiles
    lane = lanes.lane(checkpoint.model, encoded.posterior.mean, encoded.frame, "density", scales, variance)
    [own] = lane.choose(np.array([scales.quantile("density", float(lane.values[0, COLUMN["density"]]))]))
    assert own == 0, "where the groove stands, the lane is the groove itself"
    values = lane.values[lane.choose(STOPS), COLUMN["density"]]
    assert values[0] < lane.values[0, COLUMN["density"]] < values[-1], "it goes both ways"
    assert np.all(np.diff(values) > -0.5), "and does not turn back"
    places = np.array([0.2, 0.5, 0.8])
    chosen = torch.from_numpy(lane.choose(places))
    looked_at = lane.raw.view(*lane.z.shape[:2], *lane.raw.shape[1:])[chosen].flatten(0, 1)
    mask = lanes.GrooveDecoder(checkpoint.model, encoded.frame, None).mask.repeat(len(chosen), 1)
    together = latent.written(checkpoint.model, checkpoint.model.outputs(looked_at, mask), encoded.frame)
    for place, z, groove in zip(places.tolist(), lane.z[chosen], together, strict=True):
        alone = latent.decode(checkpoint.model, z, encoded.frame)
        assert np.array_equal(alone.voice, groove.voice)
        np.testing.assert_allclose(alone.position, groove.position, atol=1e-4)
        assert np.abs(alone.velocity - groove.velocity).max() <= 1
        target = scales.value_at("density", place)
        steered = steer(checkpoint.model, encoded.posterior.mean, encoded.frame, {"density": target}, scales, variance)
        there = slider_values(latent.decode(checkpoint.model, steered.z, encoded.frame))["density"]
        here = slider_values(groove)["density"]
        assert here is not None
        assert there is not None
        assert abs(here - target) <= abs(there - target) + 0.5


@pytest.mark.parametrize(("key", "n_bars"), [("funk", 6), ("blues", 5)])
def test_the_ends_of_density_reach_every_bar(key: str, n_bars: int) -> None:
    """Of the shipped model: of a groove that is not whole windows, or of another meter, no bar stays as it was."""
    checkpoint = load()
    played = example(key).looped(n_bars).bars(1, n_bars)
    perturbed = generate.perturb(checkpoint, played, amount=0.4, seed=0)
    lane = lanes.slider_lane(checkpoint, played, "density", perturbed=perturbed, asked={})
    sparse, own, busy = (
        [len(groove.bars(bar, bar)) for bar in range(1, n_bars + 1)]
        for groove in (lane.grooves[lane.stops[0]], played, lane.grooves[lane.stops[100]])
    )
    assert all(a < b < c for a, b, c in zip(sparse, own, busy, strict=True)), (sparse, own, busy)
