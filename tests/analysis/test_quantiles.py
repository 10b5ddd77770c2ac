"""Places among the training grooves, against counting."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from grooves import groove, random_groove
from hypothesis import given, settings
from hypothesis import strategies as st

from rhythmvae.analysis.descriptors import SLIDERS, TRAITS
from rhythmvae.analysis.quantiles import MAX_KNOTS, MAX_SCORE, Quantiles, fit
from rhythmvae.groove import Groove, Meter
from rhythmvae.kit import VOICE_KEYS

velocities = st.lists(st.integers(1, 127), min_size=1, max_size=30)
by_velocity = given(velocities)
few = settings(max_examples=40, deadline=None, derandomize=True)


def loud(*velocity: int) -> Quantiles:
    """Of windows whose one hit is this loud: "loudness" is known by heart."""
    return fit([groove((0, "kick", v)) for v in velocity])


def pushed(offsets: np.ndarray) -> Quantiles:
    """Of windows whose one hit is so far off the grid: "push" is known by heart, and any number."""
    return fit([groove((4.0 + float(offset), "kick")) for offset in offsets])


@cache
def evenly_pushed() -> Quantiles:
    """Of so many windows that the ends are rarer than the furthest score."""
    return pushed(np.linspace(-0.4, 0.4, 1600))


# -- place and value


@by_velocity
@few
def test_a_place_is_the_share_that_has_less_and_half_of_those_that_have_as_much(velocity):
    quantiles, found = loud(*velocity), np.array(velocity)
    for v in set(velocity):
        share = (found < v).mean() + 0.5 * (found == v).mean()
        assert quantiles.quantile("loudness", v) == pytest.approx(share, abs=1e-6)


def test_shared_values_stand_in_the_middle_of_their_share():
    quantiles = loud(10, 10, 10, 10, 10, 10, 50, 90, 90, 90)
    assert [quantiles.quantile("loudness", v) for v in (10, 50, 90)] == pytest.approx([0.3, 0.65, 0.85])
    assert quantiles.value_at("loudness", 0.3) == pytest.approx(10, abs=1e-4)


@given(velocities, st.floats(0, 1), st.floats(0, 127))
@few
def test_place_and_value_go_back_and_forth(velocity, place, value):
    quantiles = loud(*velocity)
    values, places = quantiles.knots["loudness"]
    for v in velocity:
        assert quantiles.value_at("loudness", quantiles.quantile("loudness", v)) == pytest.approx(v, abs=1e-4)
    # In between as well; beyond the ends both come back as the end.
    assert quantiles.value_at("loudness", quantiles.quantile("loudness", value)) == pytest.approx(
        np.clip(value, values[0], values[-1]), abs=1e-3
    )
    if len(values) > 1:
        assert quantiles.quantile("loudness", quantiles.value_at("loudness", place)) == pytest.approx(
            np.clip(place, places[0], places[-1]), abs=1e-5
        )


def test_between_two_values_lies_a_straight_line():
    quantiles = loud(20, 40)
    assert [quantiles.value_at("loudness", p) for p in (0.25, 0.5, 0.75)] == [20, 30, 40]
    assert quantiles.quantile("loudness", 25) == 0.375


def test_beyond_the_ends_is_the_end():
    quantiles = loud(20, 40, 60, 80)
    assert quantiles.value_at("loudness", 0.0) == quantiles.value_at("loudness", -3.0) == 20
    assert quantiles.value_at("loudness", 1.0) == quantiles.value_at("loudness", 7.0) == 80
    assert quantiles.quantile("loudness", 1) == quantiles.quantile("loudness", 20) == 0.125
    assert quantiles.quantile("loudness", 127) == quantiles.quantile("loudness", 80) == 0.875


# -- what is kept


def test_knots_ascend_as_a_checkpoint_keeps_them():
    offsets = np.random.default_rng(0).normal(0.0, 0.08, 300).clip(-0.49, 0.49)
    for quantiles in (pushed(offsets), fit([random_groove(seed, n_hits=seed % 37) for seed in range(100)])):
        for name, knots in quantiles.knots.items():
            kept = knots.astype(np.float32)
            assert np.array_equal(kept, knots), name  # nothing is lost
            assert (np.diff(kept, axis=1) > 0).all(), name
            assert kept[1, 0] >= 0, name
            assert kept[1, -1] <= 1, name


def test_so_close_that_a_checkpoint_cannot_tell_is_the_same():
    quantiles = pushed(np.array([0.1, 0.1 + 1e-12, 0.1 + 2e-12, 0.3]))
    assert quantiles.knots["push"].shape == (2, 2)
    assert quantiles.quantile("push", 0.1) == pytest.approx(3 / 8)


def test_many_values_make_few_knots_that_stand_for_all():
    offsets = np.sort(np.random.default_rng(1).normal(0.0, 0.08, 1000).clip(-0.49, 0.49))
    quantiles = pushed(offsets)
    values, places = quantiles.knots["push"]
    assert MAX_KNOTS // 2 < len(values) <= MAX_KNOTS
    assert values[[0, -1]] == pytest.approx(offsets[[0, -1]], abs=1e-6)
    assert places[[0, -1]] == pytest.approx([0.0005, 0.9995], abs=1e-6)
    found = [quantiles.quantile("push", offset) for offset in offsets]
    assert found == pytest.approx(list((np.arange(1000) + 0.5) / 1000), abs=0.5 / (MAX_KNOTS - 1))


def test_few_values_are_all_kept():
    assert loud(*range(1, 128)).knots["loudness"][0].tolist() == list(range(1, 128))


def test_what_no_window_defines_is_left_out():
    assert fit([]).knots == {}
    assert fit([random_groove(0, n_hits=60)]).knots.keys() == {*SLIDERS, *TRAITS}
    compound = [random_groove(seed, 24, 60, meters=(Meter(0, 6, 8),)) for seed in range(3)]
    assert {*SLIDERS, *TRAITS} - fit(compound).knots.keys() == {"swing"}
    kicks = fit([groove((0, "kick"), (8, "kick"))]).knots.keys()
    others = [key for key in VOICE_KEYS if key != "kick"]
    touch = [f"{trait}_{key}" for key in others for trait in ("loudness", "dynamics", "push", "looseness")]
    groups = ["density_snare", "density_hats", "density_toms", "density_cymbals"]
    assert {*SLIDERS, *TRAITS} - kicks == {"swing", *groups, *touch}


def test_windows_that_do_not_define_a_descriptor_do_not_count():
    silence = groove()
    quantiles = fit([silence, groove((0, "kick", 40)), silence, groove((0, "kick", 80)), silence])
    assert quantiles.quantile("loudness", 40) == 0.25
    assert quantiles.quantile("density", 0) == pytest.approx(0.3)  # but silence has a density


# -- groups


def toms(*counts: int) -> list[Groove]:
    return [groove((0, "kick"), *[(4.0 * i, "low_tom") for i in range(count)]) for count in counts]


def test_groups_are_ranked_among_those_that_play_them():
    quantiles = fit(toms(0, 0, 0, 0, 0, 0, 1, 2))
    assert [quantiles.quantile("density_toms", n / 8) for n in (0, 1, 2)] == [0, 0.25, 0.75]
    assert [quantiles.value_at("density_toms", p) for p in (0, 0.25, 0.75, 1)] == [0, 1 / 8, 2 / 8, 2 / 8]
    # hits_low_tom, a trait, is ranked among all windows.
    assert quantiles.quantile("hits_low_tom", 0) == pytest.approx(6 / 16)


@given(st.lists(st.integers(0, 8), min_size=1, max_size=12).filter(any))
@few
def test_place_zero_of_a_group_is_none_at_all(counts):
    quantiles = fit(toms(*counts))
    assert quantiles.value_at("density_toms", 0) == 0
    assert quantiles.quantile("density_toms", 0) == 0
    played = np.array([count for count in counts if count])
    for count in set(played.tolist()):
        share = (played < count).mean() + 0.5 * (played == count).mean()
        assert quantiles.quantile("density_toms", count / 8) == pytest.approx(share, abs=1e-6)
        assert quantiles.value_at("density_toms", share) == pytest.approx(count / 8, abs=1e-5)


# -- spread and score


def test_spread_is_the_standard_deviation():
    rng = np.random.default_rng(2)
    for offsets in (rng.normal(0.0, 0.08, 300).clip(-0.49, 0.49), rng.uniform(-0.4, 0.1, 300)):
        assert pushed(offsets).spread("push") == pytest.approx(offsets.std(), rel=0.02)
    velocity = rng.integers(1, 128, 300)
    assert loud(*velocity.tolist()).spread("loudness") == pytest.approx(velocity.std(), rel=0.02)


def test_spread_of_one_value_divides_nothing_by_zero():
    assert loud(64, 64).spread("loudness") == 1.0


@by_velocity
@few
def test_scores_go_back_and_forth(velocity):
    quantiles = loud(*velocity)
    scores = [quantiles.score("loudness", v) for v in sorted(set(velocity))]
    assert scores == sorted(scores)
    for v, score in zip(sorted(set(velocity)), scores, strict=True):
        assert quantiles.at_score("loudness", score) == pytest.approx(v, abs=1e-3)


def test_scores_are_standard_normal():
    quantiles = evenly_pushed()
    scores = [quantiles.score("push", quantiles.value_at("push", (i + 0.5) / 999)) for i in range(999)]
    assert np.mean(scores) == pytest.approx(0, abs=0.01)
    assert np.std(scores) == pytest.approx(1, abs=0.02)
    assert quantiles.score("push", quantiles.value_at("push", 0.5)) == pytest.approx(0, abs=1e-5)
    assert quantiles.score("push", quantiles.value_at("push", 0.8413)) == pytest.approx(1, abs=1e-3)


def test_scores_end_where_rarity_does():
    quantiles = evenly_pushed()
    assert quantiles.score("push", -0.5) == -MAX_SCORE
    assert quantiles.score("push", 0.5) == MAX_SCORE
    group = fit(toms(1, 2))
    assert group.score("density_toms", 0) == -MAX_SCORE  # place 0 has no finite score of its own
    assert group.at_score("density_toms", -MAX_SCORE) == pytest.approx(0, abs=0.01)
