"""Latents that go where they are asked."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
import torch
from grooves import groove, random_groove
from helpers import is_near
from toys import TOY, model
from toys import quantiles as scales_of_random_grooves

from rhythmvae.analysis.descriptors import SLIDERS, slider_values
from rhythmvae.analysis.quantiles import Quantiles, fit
from rhythmvae.groove import (
    MAX_VELOCITY,
    N_FEATURES,
    STEPS_PER_QUARTER,
    VELOCITY,
    WINDOW_STEPS,
    Groove,
    Meter,
    from_grid,
    to_grid,
    window_spans,
)
from rhythmvae.kit import GROUPS, N_VOICES, VOICE_INDEX
from rhythmvae.model import latent
from rhythmvae.model.steering import N_ROUNDS, Held, steer, targets_of

COLUMN = {name: i for i, name in enumerate(SLIDERS)}
GROUP_SLIDERS = [f"density_{group}" for group in GROUPS]
METERS = {
    "4/4": (Meter(0, 4, 4),),
    "3/4": (Meter(0, 3, 4),),
    "6/8": (Meter(0, 6, 8),),
    "7/8": (Meter(0, 7, 8),),
    "4/4 then 3/4": (Meter(0, 4, 4), Meter(16, 3, 4)),
}


def numbers(values: dict[str, float | None]) -> np.ndarray:
    """(K,), NaN where undefined."""
    assert tuple(values) == SLIDERS
    return np.array([np.nan if value is None else value for value in values.values()])


# -- targets


def standing(**values: float) -> torch.Tensor:
    """The sliders as they stand (K,); density is the sum of the groups."""
    values.setdefault("density", sum(values.get(name, 0.0) for name in GROUP_SLIDERS))
    return torch.tensor([values.get(name, 0.0 if name.startswith("density") else 5.0) for name in SLIDERS])


NOW = standing(density_kick=1.0, density_snare=2.0, density_hats=3.0)


def targets(asked: dict[str, float], now: torch.Tensor = NOW) -> dict[str, float]:
    found = dict(zip(SLIDERS, targets_of(now, asked).tolist(), strict=True))
    assert {name: found[name] for name in asked} == pytest.approx(asked)
    return found


def test_nothing_asked_is_to_stay():
    assert torch.equal(targets_of(NOW, {}), NOW)
    unknown = torch.where(torch.arange(len(SLIDERS)) == COLUMN["swing"], torch.nan, NOW)
    assert torch.equal(targets_of(unknown, {}).isnan(), unknown.isnan())


def test_what_was_asked_moves_alone():
    found = targets({"loudness": 90.0, "swing": 1.0})
    assert [found[name] for name in SLIDERS if name not in ("loudness", "swing")] == [
        value for name, value in zip(SLIDERS, NOW.tolist(), strict=True) if name not in ("loudness", "swing")
    ]


def test_groups_share_in_the_density():
    found = targets({"density": 3.0})
    assert [found[name] for name in GROUP_SLIDERS] == pytest.approx([0.5, 1.0, 1.5, 0, 0])


def test_density_follows_the_groups():
    found = targets({"density_kick": 4.0, "density_toms": 1.0})
    assert [found[name] for name in GROUP_SLIDERS] == [4, 2, 3, 1, 0]
    assert found["density"] == 10


def test_the_other_groups_share_what_is_left():
    found = targets({"density": 6.0, "density_kick": 2.0})
    assert [found[name] for name in GROUP_SLIDERS] == pytest.approx([2, 1.6, 2.4, 0, 0])
    found = targets({"density": 1.0, "density_kick": 2.0})  # more than there is: none is left for them
    assert [found[name] for name in GROUP_SLIDERS] == [2, 0, 0, 0, 0]


def test_targets_of_silence_are_numbers():
    assert targets_of(standing(), {"density": 4.0}).isfinite().all()


# -- steering

VARIANCE = torch.ones(TOY.latent_size)
FRAME = groove(n_steps=WINDOW_STEPS)


def drawn(seed: int, n_windows: int = 1) -> torch.Tensor:
    return torch.randn(n_windows, TOY.latent_size, generator=torch.Generator().manual_seed(seed))


@cache
def quantiles() -> Quantiles:
    """Of what the toy model plays by itself, so that what is asked is within its reach."""
    return fit([latent.decode(model(), drawn(100 + seed), FRAME) for seed in range(60)])


def place_of(name: str, played: Groove) -> float:
    value = slider_values(played)[name]
    assert value is not None
    return quantiles().quantile(name, value)


@pytest.mark.parametrize("name", SLIDERS)
def test_a_slider_goes_where_it_is_asked(name):
    """Neither model nor latents were trained: not all the way, but most of it, and never away."""
    before, after = [], []
    for seed in range(2):
        z = drawn(seed)
        start = place_of(name, latent.decode(model(), z, FRAME))
        for place in (0.1, 0.9):
            steered = steer(model(), z, FRAME, {name: quantiles().value_at(name, place)}, quantiles(), VARIANCE)
            reached = place_of(name, latent.decode(model(), steered.z, FRAME))
            before.append(abs(start - place))
            after.append(abs(reached - place))
            assert after[-1] <= before[-1] + 0.01, (seed, place)
            if before[-1] > 0.1:
                assert (reached > start) == (place > start), (seed, place)
    assert sum(after) < 0.6 * sum(before)


def test_two_sliders_at_once():
    asked = {name: quantiles().value_at(name, place) for name, place in (("loudness", 0.9), ("swing", 0.1))}
    z = drawn(1)
    start, end = (
        latent.decode(model(), at, FRAME) for at in (z, steer(model(), z, FRAME, asked, quantiles(), VARIANCE).z)
    )
    assert place_of("loudness", start) + 0.2 < place_of("loudness", end)
    assert place_of("swing", start) - 0.2 > place_of("swing", end)


def path_tells(row: np.ndarray, played: Groove) -> bool:
    """A decoder's velocities are no whole numbers; a groove's are."""
    tolerance = [0.5 if name in ("loudness", "dynamics") else 1e-3 for name in SLIDERS]
    return bool((np.abs(row - numbers(slider_values(played))) <= tolerance).all())


@pytest.mark.parametrize("asked", ["density", "loudness", "swing"])
def test_the_path_is_what_the_decoded_grooves_say(asked):
    z = drawn(2)
    steered = steer(model(), z, FRAME, {asked: quantiles().value_at(asked, 0.2)}, quantiles(), VARIANCE)
    assert steered.path.shape[1] == len(SLIDERS)
    assert 2 <= len(steered.path) <= N_ROUNDS + 1
    assert path_tells(steered.path[0], latent.decode(model(), z, FRAME))
    assert any(path_tells(row, latent.decode(model(), steered.z, FRAME)) for row in steered.path[1:])


@pytest.mark.parametrize(("bias", "velocity"), [(50.0, MAX_VELOCITY), (-50.0, 1)])
def test_the_path_knows_the_loudest_and_the_softest_there_is(bias, velocity):
    built = model()
    *_, last_bias = built.decoder.parameters()
    last_bias.view(-1, N_FEATURES)[:, VELOCITY] += bias
    (said,) = steer(built, drawn(0), FRAME, {}, quantiles(), VARIANCE).path
    assert path_tells(said, latent.decode(built, drawn(0), FRAME))
    assert said[[COLUMN["loudness"], COLUMN["dynamics"]]] == pytest.approx([velocity, 0], abs=1e-3)


def test_the_best_of_the_path_is_given():
    z, name = drawn(0), "density_toms"
    target = quantiles().value_at(name, 0.3)
    steered = steer(model(), z, FRAME, {name: target}, quantiles(), VARIANCE)
    reached = slider_values(latent.decode(model(), steered.z, FRAME))[name]
    away = np.abs(steered.path[:, COLUMN[name]] - target)
    assert abs(reached - target) < away[0]
    assert abs(reached - target) <= np.median(away)


@pytest.mark.parametrize("meter", ["4/4", "6/8"])
def test_nothing_asked_is_nothing_moved(meter):
    frame = groove(n_steps=24, meters=METERS[meter])
    z = drawn(0)
    steered = steer(model(), z, frame, {}, quantiles(), VARIANCE)
    assert torch.equal(steered.z, z)
    assert len(steered.path) == 1


def test_what_was_reached_before_moves_nothing():
    z = drawn(3)
    said = slider_values(latent.decode(model(), z, FRAME))
    for name in ("density", "density_snare", "syncopation"):
        assert torch.equal(steer(model(), z, FRAME, {name: said[name]}, quantiles(), VARIANCE).z, z), name


def test_as_near_as_whole_hits_come_is_reached():
    z = drawn(3)
    said = slider_values(latent.decode(model(), z, FRAME))
    one_hit = STEPS_PER_QUARTER / WINDOW_STEPS
    for name in ("density", "density_snare", "syncopation"):
        nearest = steer(model(), z, FRAME, {name: said[name] + 0.45 * one_hit}, quantiles(), VARIANCE)
        further = steer(model(), z, FRAME, {name: said[name] + 0.9 * one_hit}, quantiles(), VARIANCE)
        assert len(nearest.path) == 1 < len(further.path), name


def test_an_undefined_slider_changes_nothing():
    frame = groove(n_steps=24, meters=METERS["6/8"])
    z = drawn(0)
    steered = steer(model(), z, frame, {"swing": 0.5}, quantiles(), VARIANCE)
    assert torch.equal(steered.z, z)
    assert len(steered.path) == 1  # and nothing is tried
    asked = {"loudness": quantiles().value_at("loudness", 0.9)}
    alone, beside = (steer(model(), z, frame, a, quantiles(), VARIANCE).z for a in (asked, asked | {"swing": 0.5}))
    assert not is_near(alone, z)
    assert is_near(alone, beside)


def test_the_same_again_comes_out_the_same():
    asked = {"dynamics": quantiles().value_at("dynamics", 0.7)}
    first, again = (steer(model(), drawn(4), FRAME, asked, quantiles(), VARIANCE) for _ in range(2))
    assert torch.equal(first.z, again.z)
    assert np.array_equal(first.path, again.path)


def test_out_of_reach_is_approached_as_far_as_it_goes():
    """The toy plays far more than random grooves do: all that it can play has one place, the last."""
    random = scales_of_random_grooves()
    for name in ("density", "density_hats", "density_toms"):
        z, target = drawn(2), random.value_at(name, 0.3)
        start = slider_values(latent.decode(model(), z, FRAME))[name]
        assert random.quantile(name, start) == random.quantile(name, 1e9)
        steered = steer(model(), z, FRAME, {name: target}, random, VARIANCE)
        nearest = float(steered.path[:, COLUMN[name]].min())
        reached = slider_values(latent.decode(model(), steered.z, FRAME))[name]
        assert reached < start, name
        assert reached == pytest.approx(nearest, abs=0.5 + 0.1 * (start - nearest)), name


def test_latents_without_variance_stay():
    """Moves are measured in the spread of training windows: what never varied does not vary here."""
    variance = VARIANCE.clone()
    variance[::2] = 0.0
    z = drawn(0)
    moved = steer(model(), z, FRAME, {"loudness": quantiles().value_at("loudness", 0.9)}, quantiles(), variance).z
    assert torch.equal(moved[:, ::2], z[:, ::2])
    assert not torch.equal(moved[:, 1::2], z[:, 1::2])


def test_latents_of_encoded_grooves_can_be_steered():
    encoded = latent.encode(model(), random_groove(0))
    z, before = encoded.posterior.mean, encoded.posterior.mean.clone()
    asked = {"loudness": quantiles().value_at("loudness", 0.9)}
    steered = steer(model(), z, encoded.frame, asked, quantiles(), VARIANCE)
    assert torch.equal(z, before)  # what was given is not written to
    assert not steered.z.requires_grad
    start, end = (place_of("loudness", latent.decode(model(), at, encoded.frame)) for at in (z, steered.z))
    assert start < end <= 0.95


# -- windows


@pytest.mark.parametrize(
    ("n_steps", "meter", "n_windows"), [(80, "4/4", 3), (48, "3/4", 2), (56, "7/8", 2), (28, "4/4 then 3/4", 2)]
)
def test_the_windows_of_a_groove_are_steered_as_one(n_steps, meter, n_windows):
    frame = groove(n_steps=n_steps, meters=METERS[meter])
    assert len(window_spans(frame)) == n_windows
    z = drawn(1, n_windows)
    played = latent.decode(model(), z, frame)
    before = slider_values(played)["loudness"]
    steered = steer(model(), z, frame, {"loudness": before + 3.0}, quantiles(), VARIANCE)
    assert path_tells(steered.path[0], played)
    after = slider_values(latent.decode(model(), steered.z, frame))["loudness"]
    assert before + 1.0 < after < before + 4.0
    used = model().latent_mask(torch.tensor([span.n_steps for span in window_spans(frame)])) == 1
    assert torch.equal(steered.z[~used], z[~used])  # what a shorter window does not have
    moved = (steered.z != z) & used
    assert moved.any(dim=1).all()  # every window does its part


# -- held voices

HATS = (VOICE_INDEX["closed_hat"], VOICE_INDEX["open_hat"])


def hats_of(played: Groove) -> Groove:
    own = np.isin(played.voice, HATS)
    return played.with_hits(played.position[own], played.voice[own], played.velocity[own])


def with_held_hats(decoded: Groove, given: Groove) -> Groove:
    tensor = to_grid(decoded).tensor.copy()
    tensor[:, HATS] = to_grid(given).tensor[:, HATS]
    return from_grid(tensor, decoded)


@pytest.mark.parametrize(("n_steps", "n_windows"), [(32, 1), (80, 3)])
def test_held_voices_stand_in_whatever_the_latents_say(n_steps, n_windows):
    frame = groove(n_steps=n_steps)
    given = groove((0, "closed_hat", 90), (6.3, "open_hat", 20), (n_steps - 2, "closed_hat", 127), n_steps=n_steps)
    held = Held(to_grid(given).tensor, HATS)
    for seed in range(2):
        z = drawn(seed, n_windows)
        (said,) = steer(model(), z, frame, {}, quantiles(), VARIANCE, held).path
        decoded = latent.decode(model(), z, frame)
        assert said[COLUMN["density_hats"]] == pytest.approx(slider_values(given)["density_hats"])
        assert path_tells(said, with_held_hats(decoded, given))
        assert not path_tells(said, decoded)


def test_held_voices_are_steered_around():
    given = groove(*[(step, "closed_hat", 30) for step in range(0, 32, 2)])
    held = Held(to_grid(given).tensor, HATS)
    z = drawn(0)
    start, end = (
        slider_values(with_held_hats(latent.decode(model(), at, FRAME), given))
        for at in (z, steer(model(), z, FRAME, {"loudness": 75.0}, quantiles(), VARIANCE, held).z)
    )
    assert start["loudness"] + 1 < end["loudness"] < 76
    assert start["density_hats"] == end["density_hats"] == 2
    # The hats themselves cannot be asked for any more.
    path = steer(model(), z, FRAME, {"density_hats": 4.0}, quantiles(), VARIANCE, held).path
    assert path[:, COLUMN["density_hats"]] == pytest.approx(2.0)


def test_where_all_is_held_nothing_moves():
    given = from_grid(to_grid(random_groove(5)).tensor, FRAME)
    held = Held(to_grid(given).tensor, tuple(range(N_VOICES)))
    z = drawn(0)
    steered = steer(model(), z, FRAME, {"loudness": 100.0, "density": 1.0}, quantiles(), VARIANCE, held)
    assert torch.equal(steered.z, z)
    assert all(path_tells(row, given) for row in steered.path)


def test_held_by_nobody_is_not_held():
    held = Held(to_grid(random_groove(5)).tensor, ())
    asked = {"loudness": quantiles().value_at("loudness", 0.9)}
    assert is_near(
        steer(model(), drawn(0), FRAME, asked, quantiles(), VARIANCE, held).z,
        steer(model(), drawn(0), FRAME, asked, quantiles(), VARIANCE).z,
    )
