"""A program that compares the files of a trial, as whoever fetches them can, finds no side that is the reference."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from benchmarks import unblinding
from rhythmvae.data.examples import example
from rhythmvae.groove import FloatArray, Groove
from rhythmvae.review import material, sound
from rhythmvae.review.statistics import chance

KEYS = ("funk", "rock", "disco", "house", "reggae", "bossa")
TURNS = 6
WAYS = [*unblinding.WAYS.values()]


def one_bar(key: str) -> Groove:
    return material.first_bars(example(key), 1)


@pytest.fixture(scope="module")
def trials() -> list[dict[str, FloatArray]]:
    """Real against real, beside the real one."""
    sides = ("left", "right", "reference")
    return [
        unblinding.heard(dict.fromkeys(sides, one_bar(key)), f"{key} {turn}") for key in KEYS for turn in range(TURNS)
    ]


@pytest.mark.parametrize("way", WAYS, ids=list(unblinding.WAYS))
def test_real_against_real_cannot_be_told(
    way: Callable[[FloatArray, FloatArray], float], trials: list[dict[str, FloatArray]]
) -> None:
    """Each side is nearer to the reference as often as a coin falls; the hands are drawn from fixed keys."""
    n_left = sum(unblinding.nearer(trial, way) == "left" for trial in trials)
    assert chance(n_left, len(trials)) > 0.01


def test_no_two_files_of_a_trial_share_their_samples(trials: list[dict[str, FloatArray]]) -> None:
    """Without a hand the original is the reference but for 1e-9 of its energy; here a fiftieth differs, at least."""
    for trial in trials:
        for side in ("left", "right"):
            assert unblinding.residual(trial[side], trial["reference"]) > 0.02
            assert unblinding.shifted(trial[side], trial["reference"]) > 0.01
            # Most of a sparse loop is near silence, where all files are alike, whatever is played.
            loud = np.abs(trial["reference"]) > 0.01
            apart = unblinding.equal_samples(trial[side][loud], trial["reference"][loud])
            assert apart > 0.9


def test_the_ways_would_find_a_side_that_is_the_reference() -> None:
    """What is compared by does tell: the same samples, as a test with a hidden reference has them."""
    for key in KEYS[:3]:
        groove = one_bar(key)
        late = sound.played_anew(groove, "other")
        for real, other in (("left", "right"), ("right", "left")):
            trial = unblinding.as_they_are({real: groove, other: late, "reference": groove})
            assert {unblinding.nearer(trial, way) for way in WAYS} == {real}


def test_a_repeat_is_another_file_and_who_loads_again_gets_the_same_hand() -> None:
    grooves = dict.fromkeys(("left", "right"), one_bar("funk"))
    first, again, repeat = (unblinding.heard(grooves, key) for key in ("person 1", "person 1", "person 7"))
    for side in grooves:
        assert unblinding.residual(again[side], first[side]) < 1e-4, "no mean of many can be taken"
        assert min(unblinding.residual(of, first[side]) for of in repeat.values()) > 0.02


def test_exact_hits_are_nearest_to_themselves() -> None:
    groove = one_bar("funk")
    assert unblinding.hits_apart(groove, groove) == 0
    assert unblinding.hits_apart(groove, sound.played_anew(groove, "a")) > 0
