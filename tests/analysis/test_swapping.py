"""Parts of one groove in another: what is taken is taken as it is, and what stays stays."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from grooves import groove, random_groove
from hypothesis import given
from hypothesis import strategies as some

from rhythmvae.analysis.swapping import FEEL, PARTS, laid_over, misfit, swapped
from rhythmvae.data.examples import example
from rhythmvae.groove import Groove, Meter, Tempo
from rhythmvae.kit import GROUPS, VOICE_INDEX

THREE = (Meter(0.0, 3, 4),)


def hits(groove: Groove, group: str | None = None) -> list[tuple[float, int, int]]:
    """Position, voice and velocity, of a group's drums alone."""
    voices = [VOICE_INDEX[voice] for voice in GROUPS[group]] if group else range(9)
    inside = np.isin(groove.voice, voices)
    return list(zip(*(a[inside].tolist() for a in (groove.position, groove.voice, groove.velocity)), strict=True))


@given(seeds=some.tuples(some.integers(0, 99), some.integers(0, 99)), parts=some.sets(some.sampled_from(list(GROUPS))))
def test_of_equal_length_each_drum_is_exactly_the_one_grooves_or_the_others(
    seeds: tuple[int, int], parts: set[str]
) -> None:
    mine, other = (random_groove(seed) for seed in seeds)
    made = swapped(mine, replace(other, tempos=(Tempo(0.0, 77.0),)), parts)
    for group in GROUPS:
        assert hits(made, group) == hits(other if group in parts else mine, group)
    assert (made.n_steps, made.tempos, made.meters, made.title) == (mine.n_steps, mine.tempos, mine.meters, mine.title)


def test_all_parts_of_itself_change_nothing() -> None:
    funk = example("funk")
    assert swapped(funk, funk, PARTS) == swapped(funk, funk, [FEEL]) == swapped(funk, funk, []) == funk


def test_a_shorter_groove_goes_round_and_of_a_longer_one_the_first_bars_are_taken() -> None:
    bar = groove((0, "kick"), (6, "kick"), n_steps=16)
    four = groove((0, "snare"), n_steps=64)
    assert [position for position, *_ in hits(swapped(four, bar, ["kick"]), "kick")] == [
        0.0, 6.0, 16.0, 22.0, 32.0, 38.0, 48.0, 54.0,
    ]  # fmt: skip
    two = groove((0, "kick"), (20, "kick"), n_steps=32)
    assert [position for position, *_ in hits(swapped(bar, two, ["kick"]))] == [0.0]
    assert misfit(bar, two, ["kick"]) == "Yours is one bar, so its first bar is taken."
    assert misfit(four, bar, ["kick"]) is None


def test_bars_of_another_meter_are_cut_or_end_in_silence_and_that_is_said() -> None:
    waltz = replace(groove((0, "kick"), (8, "kick"), n_steps=12), meters=THREE)
    rock = groove((0, "kick"), (12, "kick"), (16, "kick"), n_steps=32)
    assert [p for p, *_ in hits(swapped(rock, waltz, ["kick"]))] == [0.0, 8.0, 16.0, 24.0]
    assert [p for p, *_ in hits(swapped(waltz, rock, ["kick"]))] == [0.0]
    assert misfit(rock, waltz, ["kick"]) == "It is in 3/4 and yours in 4/4: the end of each bar stays empty."
    said = "It plays no toms. It is in 4/4 and yours in 3/4: the end of each of its bars is cut."
    assert misfit(waltz, rock, ["toms", FEEL]) == said


def test_what_is_pushed_ahead_of_the_first_step_stands_at_the_end_of_the_whole() -> None:
    pushed = groove((15.8, "crash"), (4, "crash"), n_steps=16)
    assert laid_over(pushed, pushed) == pushed
    around = laid_over(pushed, groove((0, "kick"), n_steps=32))
    assert around.position.tolist() == pytest.approx([4.0, 15.8, 20.0, 31.8])


def test_feel_is_when_and_how_loud_the_other_plays_the_same() -> None:
    mine = groove((0, "kick", 100), (4, "snare", 90), (6, "kick", 80), (10, "snare", 50), (13, "kick", 60), n_steps=16)
    other = groove((0.1, "kick", 70), (3.8, "snare", 120), (5.75, "closed_hat", 30), (9.9, "ride", 30), n_steps=16)
    made = swapped(mine, other, [FEEL])
    assert made.voice.tolist() == mine.voice.tolist()
    # The same drum: time and velocity. Another drum there: its time. Nothing there: the time of its hits at that place
    # in a beat, and where there are none, as it was.
    assert made.position.tolist() == pytest.approx([0.1, 3.8, 5.75, 9.9, 13.0])
    assert made.velocity.tolist() == [70, 120, 80, 50, 60]
    late = swapped(groove((14, "kick", 60), n_steps=16), other, [FEEL])
    assert late.position.tolist() == pytest.approx([14 - (0.25 + 0.1) / 2])


@given(seeds=some.tuples(some.integers(0, 99), some.integers(0, 99)), parts=some.sets(some.sampled_from(PARTS)))
def test_any_two_grooves_give_a_groove_that_keeps_its_16ths(seeds: tuple[int, int], parts: set[str]) -> None:
    mine = random_groove(seeds[0], 36, meters=THREE)
    made = swapped(mine, random_groove(seeds[1], 80), parts)
    assert made.n_steps == 36
    for group in GROUPS:
        if group not in parts:
            voices = [VOICE_INDEX[voice] for voice in GROUPS[group]]
            before, after = (g.some(np.isin(g.voice, voices)) for g in (mine, made))
            assert sorted(before.step.tolist()) == sorted(after.step.tolist())


def test_a_part_that_there_is_not_is_refused() -> None:
    with pytest.raises(ValueError, match="cowbell"):
        swapped(example("funk"), example("rock"), ["cowbell"])
