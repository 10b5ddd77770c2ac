"""Hits one by one, on patterns built to have an ornament or narrowly to lack it."""

from __future__ import annotations

import numpy as np
import pytest
from grooves import groove, random_groove

from rhythmvae.analysis.elements import ACCENT, CLASSES, GHOST, NORMAL, ORNAMENTS, elements, levels
from rhythmvae.groove import Tempo

MS = 0.008  # steps, at 120 BPM


def ornaments(*hits, bpm: float = 120.0) -> list[str | None]:
    """Of hits on snare or (position, voice, velocity), at 120 BPM."""
    full = [hit if isinstance(hit[1], str) else (hit[0], "snare", hit[1]) for hit in hits]
    return [ORNAMENTS[kind] for kind in elements(groove(*full, tempos=(Tempo(0.0, bpm),))).ornament]


# -- levels


def said(velocities, voice: str = "snare", beside=()) -> list[str]:
    found = groove(*((i / 2, voice, v) for i, v in enumerate(velocities)), *beside, n_steps=256)
    return [CLASSES[level] for level, v in zip(levels(found), found.voice, strict=True) if v == found.voice[0]]


@pytest.mark.parametrize(("ghost", "normal", "accent"), [(30, 80, 116), (20, 64, 100), (40, 90, 127), (12, 40, 60)])
def test_three_levels_of_a_drum_are_named(ghost: int, normal: int, accent: int) -> None:
    rng = np.random.default_rng(0)
    level = rng.integers(0, 3, 60)
    velocity = np.array([ghost, normal, accent])[level] + rng.integers(-3, 4, 60)
    assert said(np.minimum(velocity, 127).tolist()) == [CLASSES[each] for each in level]


def test_levels_are_those_of_the_drum_itself() -> None:
    """A quiet hat beside a loud snare has its own accents, and a drum played evenly has none."""
    hats = [(i, "closed_hat", 60 if i % 2 else 90) for i in range(16)]
    even = [(i, "ride", 45) for i in range(16)]
    found = groove(*hats, *even, (4, "snare", 127), (12, "snare", 126))
    level = levels(found)
    assert set(level[found.voice == 2]) == {NORMAL, ACCENT}
    assert set(level[found.voice != 2]) == {NORMAL}


def test_a_drum_of_ghosts_alone_is_known_by_the_others() -> None:
    ghosts = [(i + 0.0, "snare", 28) for i in (3, 6, 9)]
    beside = [(0, "kick", 110), (8, "kick", 100)]
    assert set(levels(groove(*ghosts, *beside))[[1, 2, 4]]) == {GHOST}
    assert set(levels(groove(*ghosts, (0, "kick", 40)))) == {NORMAL}


def test_one_way_of_playing_is_one_level() -> None:
    rng = np.random.default_rng(1)
    velocity = np.clip(np.rint(rng.normal(85, 9, 400)), 1, 127).astype(int).tolist()
    assert set(said(velocity[:200])) == {"normal"}


# -- ornaments


@pytest.mark.parametrize("gap_ms", [12, 28, 45])
def test_a_soft_stroke_right_before_another_is_a_flam(gap_ms: float) -> None:
    assert ornaments((4 - gap_ms * MS, 54), (4, 112)) == ["flam", "flam"]


@pytest.mark.parametrize(
    "hits",
    [
        [(4 - 60 * MS, 54), (4, 112)],  # too early
        [(4 - 28 * MS, 112), (4, 54)],  # the second is the soft one
        [(4 - 28 * MS, 100), (4, 112)],  # hardly softer
        [(4 - 28 * MS, "high_tom", 54), (4, "snare", 112)],  # of another drum
    ],
)
def test_what_is_nearly_a_flam_is_none(hits) -> None:
    assert set(ornaments(*hits)) == {None}


def test_a_flam_has_one_grace_note() -> None:
    found = elements(groove((3.8, "snare", 54), (4, "snare", 112), (8, "snare", 110)))
    assert found.is_grace.tolist() == [True, False, False]


def test_two_soft_strokes_before_a_loud_one_are_a_drag() -> None:
    assert ornaments((3.0, 50), (3.5, 48), (4, 112)) == ["drag"] * 3
    assert ornaments((3.0, 50), (3.5, 48), (4, 55)) == [None] * 3  # none is the main one
    assert ornaments((2.0, 50), (3.0, 48), (4, 112)) == [None] * 3  # 16ths
    assert ornaments((3.0, 110), (3.5, 48), (4, 112)) == [None] * 3
    assert ornaments((3.5, 48), (4, 112)) == [None] * 2


def test_four_even_close_strokes_are_a_roll() -> None:
    for step in (0.25, 1 / 3, 0.5, 2 / 3):
        assert set(ornaments(*((4 + k * step, 70) for k in range(4)))) == {"roll"}, step
        assert set(ornaments(*((4 + k * step, 70) for k in range(3)))) == {None}, step
    assert set(ornaments(*((4 + k, 70) for k in range(8)), bpm=240.0)) == {None}  # 16ths, as close as 32nds at 120
    assert set(ornaments(*((4 + k / 2, 70) for k in range(8)), bpm=50.0)) == {None}  # too far apart to roll
    assert set(ornaments((4, 70), (4.1, 70), (4.6, 70), (4.7, 70))) == {None}  # uneven


def test_what_stands_beside_a_roll_is_no_part_of_it() -> None:
    found = ornaments((0, 100), *((4 + k / 2, 70) for k in range(5)), (12, 100))
    assert found == [None, *["roll"] * 5, None]


def test_a_hat_that_is_closed_at_once_is_choked() -> None:
    assert ornaments((4, "open_hat", 90), (6, "closed_hat", 60)) == ["choke", None]
    assert ornaments((4, "open_hat", 90), (8, "closed_hat", 60)) == [None, None]
    assert ornaments((4, "open_hat", 90), (6, "open_hat", 60), (12, "closed_hat", 60)) == [None] * 3


# -- how long


def test_a_hit_lasts_until_the_next_of_its_drum_and_of_any() -> None:
    found = elements(groove((0, "kick"), (0, "closed_hat"), (4, "closed_hat"), (8, "kick"), n_steps=16))
    assert found.until_own.tolist() == [1.0, 0.5, 1.5, 1.0]
    assert found.until_any.tolist() == [0.5, 0.5, 0.5, 1.0]


@pytest.mark.parametrize("seed", range(3))
def test_against_a_plain_loop(seed: int) -> None:
    played = random_groove(seed, n_hits=60)
    found = elements(played)
    seconds, end = played.onset_seconds, played.duration_seconds
    for i in range(len(played)):
        later = [s for s in seconds if s > seconds[i] + 0.001]
        own = [seconds[j] for j in range(i + 1, len(played)) if played.voice[j] == played.voice[i]]
        assert found.until_any[i] == pytest.approx(min(later, default=max(end, seconds[i])) - seconds[i])
        assert found.until_own[i] == pytest.approx(max(0.0, min(own, default=end) - seconds[i]))


def test_silence_and_a_single_hit_have_elements() -> None:
    assert len(elements(groove()).level) == 0
    one = elements(groove((4, "snare")))
    assert (one.level.tolist(), one.ornament.tolist()) == ([NORMAL], [0])
