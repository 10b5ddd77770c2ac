"""Twins and near-duplicates, and that a split keeps them together."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import numpy as np
import pytest
from grooves import groove, random_groove

from rhythmvae.analysis import duplicates
from rhythmvae.analysis.duplicates import likeness, pattern_key
from rhythmvae.data.examples import example
from rhythmvae.groove import Groove
from rhythmvae.kit import VOICE_INDEX


def test_twins_have_one_key_whatever_their_feel():
    straight = groove((0, "kick", 100), (4, "snare", 90))
    assert pattern_key(straight) == pattern_key(groove((0.2, "kick", 1), (3.8, "snare", 127)))
    assert pattern_key(straight) == pattern_key(straight.looped(3))
    assert pattern_key(straight) != pattern_key(groove((1, "kick"), (4, "snare")))
    assert pattern_key(straight) != pattern_key(groove((0, "kick"), (4, "snare"), n_steps=16))


def with_hit(own: Groove, position: float, voice: str) -> Groove:
    return own.with_hits(
        np.append(own.position, position), np.append(own.voice, VOICE_INDEX[voice]), np.append(own.velocity, 100)
    )


def test_the_shortest_loop_is_found_whatever_its_length() -> None:
    for n_steps in (12, 14, 16, 20, 48):
        own = random_groove(n_steps, n_steps, n_steps)
        labels = duplicates.likeness([own, own.looped(2), own.looped(5), own.looped(6)]).exact
        assert len(set(labels.tolist())) == 1


def test_patterns_of_one_length_are_those_of_the_split() -> None:
    """Twins without looping are the twins that training keeps on one side."""
    rng = np.random.default_rng(0)
    grooves = [random_groove(int(seed), 32, 3) for seed in rng.integers(0, 20, 60)]
    same = duplicates.likeness(grooves).exact
    keys = [pattern_key(own) for own in grooves]
    for i, j in combinations(range(len(grooves)), 2):
        assert (same[i] == same[j]) == (keys[i] == keys[j])


def obvious_near(a: Groove, b: Groove) -> bool:
    """Cell by cell, at the length of the longer."""
    n_steps = max(a.n_steps, b.n_steps)
    first, second = (
        {
            (s + k, v)
            for s, v in zip(own.step.tolist(), own.voice.tolist(), strict=True)
            for k in range(0, n_steps, own.n_steps)
        }
        for own in (a, b)
    )
    return len(first ^ second) <= max(1, int(0.03 * max(len(first), len(second))))


def family(seed: int) -> list[Groove]:
    """Patterns with some that differ in a few cells, also when looped."""
    rng = np.random.default_rng(seed)
    found: list[Groove] = []
    for n_hits in (20, 70, 140):
        own = random_groove(int(rng.integers(1 << 30)), 32, n_hits)
        found.append(own)
        for n_more in (1, 2, 3, 5, 9):
            changed = own.looped(int(rng.integers(1, 3)))
            for _ in range(n_more):
                changed = with_hit(changed, float(rng.integers(0, changed.n_steps)), str(rng.choice(list(VOICE_INDEX))))
            found.append(changed)
    return found


@pytest.mark.parametrize("seed", range(4))
def test_near_duplicates_are_those_of_the_obvious_way(seed: int) -> None:
    grooves = family(seed)
    found = duplicates.likeness(grooves)
    group = list(range(len(grooves)))
    for i, j in combinations(range(len(grooves)), 2):
        if obvious_near(grooves[i], grooves[j]):
            group = [group[i] if g == group[j] else g for g in group]
    is_alike = found.near[:, None] == found.near
    assert (is_alike == (np.array(group)[:, None] == np.array(group))).all()
    assert is_alike.sum() > len(grooves), "none is near another: nothing was tested"
    assert not is_alike.all()


def test_the_labels_cover_every_file() -> None:
    grooves: Sequence[Groove] = family(9)
    found = duplicates.likeness(grooves)
    assert len(found.exact) == len(found.near) == len(grooves)
    for label in set(found.exact.tolist()):  # twins are alike
        assert len(set(found.near[found.exact == label].tolist())) == 1
    assert duplicates.likeness([]).exact.tolist() == []


def test_each_groove_names_the_first_that_plays_the_same_or_nearly() -> None:
    rock, funk = example("rock"), example("funk")
    less = rock.with_hits(rock.position[1:], rock.voice[1:], rock.velocity[1:])
    found = likeness([rock, funk, rock.looped(2), less, less]).named(["a", "b", "c", "d", "e"])
    assert found == [(None, None), (None, None), ("a", None), (None, "a"), ("d", None)]
