"""Descriptors against values worked out by hand."""

from __future__ import annotations

import json

import numpy as np
import pytest
from grooves import groove, random_groove
from hypothesis import given, settings
from hypothesis import strategies as st

from rhythmvae.analysis import descriptors
from rhythmvae.groove import Groove, Meter, Tempo
from rhythmvae.kit import N_VOICES

BACKBEAT = [(0, "kick"), (4, "snare"), (8, "kick"), (12, "snare")]


def hats(*places: float) -> list[tuple[float, str]]:
    return [(beat + place, "closed_hat") for beat in (0, 4, 8, 12) for place in places]


def test_density_is_hits_a_quarter_note():
    assert descriptors.density(groove(*BACKBEAT, *hats(0, 2), n_steps=16)) == 3.0
    assert descriptors.density(groove(*BACKBEAT, n_steps=32)) == 0.5
    assert descriptors.density(groove(n_steps=16)) == 0.0


@pytest.mark.parametrize(
    ("second_eighth", "swing"), [(2, 0.0), (2 + 2 / 3, 1.0), (2 + 1 / 3, 0.5), (1.9, -0.15)], ids=str
)
def test_swing_from_straight_to_shuffle(second_eighth, swing):
    assert descriptors.swing(groove(*BACKBEAT, *hats(0, second_eighth), n_steps=16)) == pytest.approx(swing)


def test_swing_is_that_of_the_timekeepers_off_beats_alone():
    assert descriptors.swing(groove(*BACKBEAT, *hats(0), n_steps=16)) is None
    assert descriptors.swing(groove((2.5, "snare"), (2, "ride"), n_steps=16)) == 0.0
    assert descriptors.swing(groove()) is None


def test_swing_counts_from_the_bar_line():
    # Bars of 7/8 hold three and a half quarter notes: the second bar's beats lie at 14, 18 and 22.
    shuffled = [(bar + beat + 2 + 2 / 3, "ride") for bar in (0, 14) for beat in (0, 4, 8)]
    assert descriptors.swing(groove(*shuffled, n_steps=28, meters=(Meter(0, 7, 8),))) == pytest.approx(1.0)
    on_beats = [(14.0, "ride"), (18.0, "ride"), (22.0, "ride")]
    assert descriptors.swing(groove(*on_beats, n_steps=28, meters=(Meter(0, 7, 8),))) is None


@pytest.mark.parametrize("numerator", [6, 9, 12])
def test_swing_is_undefined_in_compound_meters(numerator):
    assert descriptors.swing(groove(*hats(0, 2), meters=(Meter(0, numerator, 8),))) is None


def test_four_on_the_floor_is_not_syncopated_and_a_backbeat_a_little():
    assert descriptors.syncopation(groove(*[(beat, "kick") for beat in (0, 4, 8, 12)], n_steps=16)) == 0.0
    # The snare on four (-1) is followed by a downbeat (0) without snare: 1 a bar.
    assert descriptors.syncopation(groove(*BACKBEAT, n_steps=16)) == 1 * 4 / 16


def test_syncopation_of_off_beats_by_hand():
    # Kick on the second eighth (weight -2), then silence on beat two (-1): strength 1. As a loop it
    # next plays 16 steps later, across the downbeat (0), which is the strongest step in between: 2.
    assert descriptors.syncopation(groove((2, "kick"), n_steps=16)) == 2 * 4 / 16
    # With a kick on the downbeat the silence reaches beats only: 1.
    assert descriptors.syncopation(groove((0, "kick"), (2, "kick"), n_steps=16)) == 1 * 4 / 16
    # A sixteenth (-3) before a silent downbeat: 3.
    assert descriptors.syncopation(groove((15, "kick"), n_steps=16)) == 3 * 4 / 16
    # Hats do not count.
    assert descriptors.syncopation(groove(*hats(2), n_steps=16)) is None


def test_metrical_weights():
    bar = descriptors.metrical_weights(groove(n_steps=16))
    assert bar.tolist() == [0, -3, -2, -3, -1, -3, -2, -3, -1, -3, -2, -3, -1, -3, -2, -3]
    compound = descriptors.metrical_weights(groove(n_steps=12, meters=(Meter(0, 6, 8),)))
    assert compound.tolist() == [0, -3, -2, -3, -2, -3, -1, -3, -2, -3, -2, -3]
    partial = descriptors.metrical_weights(groove(n_steps=20))  # a bar and a quarter
    assert partial[16:].tolist() == [0, -3, -2, -3]


def test_velocity_and_microtiming():
    played = groove((0.1, "kick", 100), (3.9, "snare", 60))
    assert descriptors.velocity_mean(played) == 80
    assert descriptors.velocity_spread(played) == 20
    assert descriptors.offset_mean(played) == pytest.approx(0)
    assert descriptors.offset_spread(played) == pytest.approx(0.1)
    assert descriptors.offset_mean(groove((0.25, "kick"), (4.25, "kick"))) == 0.25


def test_voice_shares():
    shares = descriptors.voice_shares(groove(*BACKBEAT, *hats(0)))
    assert (shares["kick"], shares["snare"], shares["closed_hat"], shares["ride"]) == (0.25, 0.25, 0.5, 0)
    assert sum(descriptors.voice_shares(groove()).values()) == 0


def test_an_empty_groove_makes_nothing_up():
    described = descriptors.describe(groove())
    assert described.pop("density") == 0
    assert set(described.pop("voice_shares").values()) == {0.0}
    assert set(described.pop("group_densities").values()) == {0.0}
    assert set(described.values()) == {None}
    for name, value in (descriptors.slider_values(groove()) | descriptors.traits(groove())).items():
        is_count = name.startswith(("density", "hits")) or name in ("ghosts", "doubles")
        assert value == 0 if is_count else value is None, name


# -- sliders


def test_group_densities_by_hand():
    played = groove(*BACKBEAT, *hats(0, 2), (3, "open_hat"), (13, "low_tom"), (14, "mid_tom"), (0, "crash"), n_steps=16)
    assert descriptors.group_densities(played) == {
        "kick": 0.5,
        "snare": 0.5,
        "hats": 2.25,
        "toms": 0.5,
        "cymbals": 0.25,
    }


@pytest.mark.parametrize("seed", range(5))
def test_groups_add_up_to_the_density(seed):
    played = random_groove(seed, 44, 50)
    assert sum(descriptors.group_densities(played).values()) == pytest.approx(descriptors.density(played))


@pytest.mark.parametrize("meter", [Meter(0, 4, 4), Meter(0, 6, 8)], ids=str)
def test_sliders_are_descriptors_by_the_name_on_the_page(meter):
    played = random_groove(3, 48, 60, meters=(meter,))
    values, described = descriptors.slider_values(played), descriptors.describe(played)
    assert tuple(values) == descriptors.SLIDERS
    assert len(set(descriptors.SLIDERS)) == len(descriptors.SLIDERS)
    names = {"dynamics": "velocity_spread", "looseness": "offset_spread", "loudness": "velocity_mean"}
    for slider in ("density", "syncopation", "swing", "dynamics", "looseness", "loudness"):
        assert values[slider] == described[names.get(slider, slider)], slider
    assert {f"density_{g}": v for g, v in described["group_densities"].items()}.items() <= values.items()
    assert (values["swing"] is None) == (meter.denominator == 8)


# -- traits


def test_traits_have_their_names_and_hold_the_sliders():
    played = random_groove(4)
    traits = descriptors.traits(played)
    assert sorted(traits) == sorted(descriptors.TRAITS)
    assert len(set(descriptors.TRAITS)) == len(descriptors.TRAITS)
    for slider in descriptors.SLIDERS[:6]:
        assert traits[slider] == descriptors.slider_values(played)[slider], slider
    assert traits["push"] == descriptors.offset_mean(played)


def test_ghosts_are_hits_under_forty():
    assert (
        descriptors.traits(groove((0, "snare", 39), (3, "snare", 1), (4, "snare", 40), n_steps=16))["ghosts"] == 2 / 4
    )
    assert descriptors.GHOST_BELOW == 40


def test_doubles_are_second_hits_of_a_cell():
    flam = [(3.9, "snare"), (4.0, "snare"), (4.0, "kick")]  # the kick has a cell of its own
    assert descriptors.traits(groove(*flam, n_steps=16))["doubles"] == 1 / 4
    assert descriptors.traits(groove(*flam[1:], n_steps=16))["doubles"] == 0


def test_repetition_is_what_both_halves_play():
    bar = [(0, "kick", 100), (4, "snare", 90), (8.25, "kick", 50)]
    again = [(16.1, "kick", 60), (20, "snare", 127), (24, "kick", 1)]  # however it is played
    assert descriptors.traits(groove(*bar, *again))["repetition"] == 1
    assert descriptors.traits(groove(*bar))["repetition"] == 0
    assert descriptors.traits(groove(*bar, (16, "snare"), (21, "snare")))["repetition"] == 0  # the other voice, or step
    assert descriptors.traits(groove(*bar, *again[:2]))["repetition"] == 2 / 3
    assert descriptors.traits(groove(*bar, *again, (30, "crash")))["repetition"] == 3 / 4
    assert descriptors.traits(groove())["repetition"] is None


def test_each_voice_has_its_own_touch():
    traits = descriptors.traits(
        groove((0.25, "kick", 100), (8.5 - 0.25, "kick", 60), (3.75, "snare", 30), (6, "snare", 50), n_steps=16)
    )
    assert [traits[f"{trait}_kick"] for trait in ("hits", "loudness", "dynamics", "push", "looseness")] == [
        2 / 4, 80, 20, 0.25, 0,
    ]  # fmt: skip
    assert [traits[f"{trait}_snare"] for trait in ("hits", "loudness", "dynamics", "push", "looseness")] == [
        2 / 4, 40, 10, -0.125, 0.125,
    ]  # fmt: skip
    assert traits["hits_ride"] == 0
    assert {traits[f"{trait}_ride"] for trait in ("loudness", "dynamics", "push", "looseness")} == {None}


@settings(derandomize=True, deadline=None, max_examples=150)
@given(
    n_steps=st.integers(1, 80),
    meters=st.lists(
        st.tuples(st.integers(1, 79), st.integers(1, 19), st.sampled_from([1, 2, 4, 8, 16, 32, 64])), max_size=3
    ),
    seed=st.integers(0, 1000),
)
def test_odd_bars_never_raise(n_steps, meters, seed):
    """7/32, 17/16, changes in mid-bar, a last bar that is cut short."""
    events = {0.0: Meter(0.0, 4, 4)} | {s + 0.5 * (d == 32): Meter(s + 0.5 * (d == 32), n, d) for s, n, d in meters}
    rng = np.random.default_rng(seed)
    n_hits = int(rng.integers(0, 30))
    odd = Groove(
        rng.uniform(-0.5, n_steps - 0.51, n_hits),
        rng.integers(0, N_VOICES, n_hits),
        rng.integers(1, 128, n_hits),
        n_steps,
        (Tempo(0.0, 120.0),),
        tuple(events[step] for step in sorted(events) if step < n_steps),
    )
    assert len(descriptors.metrical_weights(odd)) == n_steps
    for found in (descriptors.describe(odd), descriptors.slider_values(odd), descriptors.traits(odd)):
        json.dumps(found, allow_nan=False)


@pytest.mark.parametrize("meter", [Meter(0, 7, 32), Meter(0, 17, 16), Meter(0, 255, 64), Meter(0, 1, 16)], ids=str)
def test_odd_meters_by_name(meter):
    described = descriptors.describe(groove(*BACKBEAT, *hats(0, 2), n_steps=40, meters=(meter,)))
    assert described["density"] == 12 * 4 / 40


def test_a_hat_pushed_ahead_of_the_loop_has_no_say_in_swing():
    """In 7/8 the last half step would pass for a late second eighth of the bar's last beat."""
    straight = [(0, "closed_hat", 90), (2, "closed_hat", 90), (4, "closed_hat", 90), (6, "closed_hat", 90)]
    played = groove(*straight, n_steps=14, meters=(Meter(0.0, 7, 8),))
    columns = ((played.position, 13.6), (played.voice, played.voice[0]), (played.velocity, 90))
    pushed = played.with_hits(*(np.append(column, value) for column, value in columns))
    assert pushed.is_pushed.sum() == 1
    assert descriptors.swing(pushed) == descriptors.swing(played) == 0.0
