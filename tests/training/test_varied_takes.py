"""Takes that are varied: what each kind of variation may change, and that nothing else is."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from grooves import random_groove

from rhythmvae.data.augmentation import LIMBS
from rhythmvae.data.corpus import Take
from rhythmvae.groove import Groove, Meter, Tempo, nearest_step
from rhythmvae.kit import N_VOICES, VOICE_INDEX
from rhythmvae.training.varied import TOMS
from rhythmvae.training.varied_takes import TakeVariation, rounds, vary

NONE = TakeVariation(0, 0, 0, 0, 0, 0)
HAT, RIDE = VOICE_INDEX["closed_hat"], VOICE_INDEX["ride"]


def take(seed: int, style: str = "funk/groove", n_steps: int = 64, bpm: float = 100.0) -> Take:
    groove = replace(random_groove(seed, n_steps, 90), tempos=(Tempo(0.0, bpm),))
    return Take(f"{seed}.mid", groove, "train", {"style": style})


def varied(how: TakeVariation, *others: Take, seed: int = 0) -> tuple[Groove, Groove]:
    """A groove before and after."""
    own = take(1)
    made = vary(own, [own, *others], how, np.random.default_rng(seed))
    assert (made.name, made.split, made.labels) == (own.name, own.split, own.labels)
    assert (made.groove.n_steps, made.groove.tempos) == (own.groove.n_steps, own.groove.tempos)
    assert made.groove.meters == own.groove.meters
    return own.groove, made.groove


def rows(groove: Groove, *voices: int) -> list[tuple[float, int]]:
    """Where drums are hit and how hard."""
    own = np.isin(groove.voice, voices) if voices else np.ones(len(groove), bool)
    return sorted(zip(groove.position[own].tolist(), groove.velocity[own].tolist(), strict=True))


def test_without_any_variation_a_take_is_as_it_was() -> None:
    before, after = varied(NONE, take(2))
    assert all(rows(before, voice) == rows(after, voice) for voice in range(N_VOICES))


def test_hat_and_ride_trade_places() -> None:
    before, after = varied(replace(NONE, cymbal=1))
    assert rows(after, HAT) == rows(before, RIDE) != rows(before, HAT) == rows(after, RIDE)
    assert all(rows(before, voice) == rows(after, voice) for voice in range(N_VOICES) if voice not in (HAT, RIDE))


@pytest.mark.parametrize("seed", range(3))
def test_toms_trade_places_all_of_them(seed: int) -> None:
    before, after = varied(replace(NONE, toms=1), seed=seed)
    assert all(rows(before, tom) != rows(after, tom) for tom in TOMS)
    assert rows(before, *TOMS) == rows(after, *TOMS)
    assert all(rows(before, voice) == rows(after, voice) for voice in range(N_VOICES) if voice not in TOMS)


def test_one_drum_is_left_out_where_there_are_more_than_two() -> None:
    before, after = varied(replace(NONE, no_voice=1))
    [gone] = set(before.voice) - set(after.voice)
    assert rows(after) == sorted(row for voice in range(N_VOICES) if voice != gone for row in rows(before, voice))
    two = before.voice < 2
    own = Take("two", Groove(before.position[two], before.voice[two], before.velocity[two], before.n_steps))
    assert len(vary(own, [own], replace(NONE, no_voice=1), np.random.default_rng(0)).groove) == two.sum()


def test_dynamics_are_of_the_whole_take_and_stay_in_range() -> None:
    before, after = varied(replace(NONE, dynamics=1))
    assert np.array_equal(before.position, after.position)
    ratio = after.velocity / before.velocity
    loud = (before.velocity > 40) & (after.velocity < 127)
    assert np.ptp(ratio[loud]) < 0.03
    assert 0.75 < np.median(ratio[loud]) < 1.25
    assert after.velocity.min() >= 1
    assert after.velocity.max() <= 127


def test_only_single_strokes_come_nearer_to_the_grid() -> None:
    groove = Groove(np.array([0.2, 4.1, 4.3, 8.4]), np.array([0, 1, 1, 2]), np.array([90, 80, 70, 60]), 32)
    own = Take("flam", groove)
    for seed in range(4):
        made = vary(own, [own], replace(NONE, feel=1), np.random.default_rng(seed)).groove
        by = (made.position[0] - 0.0) / 0.2
        assert 0 <= by <= 1.2
        assert made.position[1:3] == pytest.approx([4.1, 4.3])
        assert made.position[3] == pytest.approx(8 + 0.4 * by)


def test_limbs_come_whole_from_a_take_of_the_style_that_comes_round() -> None:
    other = take(2, n_steps=40)  # a window of it comes round: half of the second window is left over
    mixed = [varied(replace(NONE, mix=1), other, seed=seed)[1] for seed in range(8)]
    before = take(1).groove
    first = other.groove.slice(0, 32)
    round_twice = np.concatenate([first.position, first.position + 32])
    n_lent = 0
    for after in mixed:
        for limb in range(int(LIMBS.max()) + 1):
            voices = np.flatnonzero(np.isin(LIMBS, limb))
            if rows(after, *voices) == rows(before, *voices):
                continue
            n_lent += 1
            own = np.isin(after.voice, voices)
            near = np.isin(LIMBS[np.tile(first.voice, 2)], limb)
            there = {round(p, 6) for p in round_twice[near]}
            assert {round(p, 6) for p in after.position[own]} <= there
    assert n_lent > 4


@pytest.mark.parametrize(
    "other",
    [
        take(2, bpm=140.0),
        take(2, n_steps=24),
        replace(take(2), groove=replace(take(2).groove, meters=(Meter(0.0, 3, 4),))),
    ],
    ids=["another tempo", "too short", "another meter"],
)
def test_what_does_not_fit_lends_nothing(other: Take) -> None:
    for seed in range(4):
        before, after = varied(replace(NONE, mix=1), other, seed=seed)
        assert all(rows(before, voice) == rows(after, voice) for voice in range(N_VOICES))


def test_rounds_differ_and_are_the_same_for_a_seed() -> None:
    takes = [take(seed, style) for seed, style in enumerate(("funk", "funk/fill", "jazz"))]
    first, second = rounds(takes, 2, seed=3)
    again = next(rounds(takes, 1, seed=3))
    assert [rows(t.groove) for t in first] == [rows(t.groove) for t in again]
    assert [rows(t.groove) for t in first] != [rows(t.groove) for t in second]
    assert list(rounds(takes, 0)) == []
    for made, own in zip(first, takes, strict=True):
        assert made.name == own.name
        assert set(nearest_step(made.groove.position)) <= set(range(-1, 65))
