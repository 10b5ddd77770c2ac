"""Order and sides are drawn once, and balanced between people."""

from __future__ import annotations

import json
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rhythmvae.errors import UsageError
from rhythmvae.review import design as designs
from rhythmvae.review.design import KNOWN, REPEAT, SPOILED, TRIAL, Design, Item, Trial
from tests.review import making

PAIRS = [Item(f"item {n}", {"a": "x", "b": "y"}) for n in range(6)]
THREE = [Item("one", {"a": "x", "b": "y", "c": "z"})]


def trials(design: Design, number: int, items: list[Item] = PAIRS) -> list[Trial]:
    return designs.plan(design, items, number)


def test_the_same_seed_draws_the_same_and_another_another() -> None:
    one = making.design(n_trials=6, right="a")
    assert trials(one, 3) == trials(one, 3)
    assert trials(one, 0) != trials(making.design(n_trials=6, right="a", seed=6), 0)


def test_two_in_a_row_have_changed_sides_and_the_same_order() -> None:
    design = making.design(n_trials=6, right="a", n_repeats=2)
    for number in (0, 2, 8):
        assert [trial.turned for trial in trials(design, number)] == trials(design, number + 1)


def test_sides_and_places_are_balanced_between_people() -> None:
    design = making.design(n_trials=6, right="a", n_repeats=0, has_known=False)
    found = [trials(design, number) for number in range(12)]  # a whole round of six, by two
    for own in found:
        assert Counter(trial.left for trial in own) == {"a": 3, "b": 3}
    for place in range(6):
        assert Counter(own[place].item for own in found) == dict.fromkeys(range(6), 2)
        assert Counter(own[place].left for own in found) == {"a": 6, "b": 6}


def test_of_more_material_than_trials_every_comparison_comes_equally_often() -> None:
    design = making.design(n_trials=2, right="", kind="prefer", n_repeats=0, has_known=False)
    counts = Counter(
        (t.item, *sorted((t.left, t.right))) for number in range(12) for t in designs.plan(design, THREE, number)
    )
    assert set(counts.values()) == {8}
    assert len(counts) == 3


@given(st.integers(0, designs.MAX_SEED), st.integers(0, 500), st.integers(1, 6), st.integers(0, 4), st.booleans())
def test_what_is_hidden_among_the_trials(seed: int, number: int, n: int, n_repeats: int, has_known: bool) -> None:
    design = making.design(n_trials=n, right="a", seed=seed, n_repeats=n_repeats, has_known=has_known)
    found = trials(design, number)
    assert len(found) == designs.n_screens(design)
    own = [t for t in found if t.role == TRIAL]
    assert len({t.item for t in own}) == n
    for place, again in enumerate(found):
        if again.role == REPEAT:
            turned = Trial(again.item, again.right, again.left)
            assert found.index(turned) < place, "turned, and later"
            assert n < 6 or place - found.index(turned) >= 3
    known = [place for place, t in enumerate(found) if t.role == KNOWN]
    assert len(known) == has_known
    assert 0 not in known
    assert all({found[place].left, found[place].right} == {"a", SPOILED} for place in known)


def test_one_sound_a_screen() -> None:
    design = Design("rate", 5, n_repeats=2, seed=1)
    found = trials(design, 0)
    assert len(found) == 8
    assert not any(t.right for t in found)
    assert [t.left for t in found if t.role == KNOWN] == [SPOILED]
    words = Design("words", 4)
    assert {t.role for t in trials(words, 0)} == {TRIAL}
    assert len(trials(words, 0)) == designs.n_screens(words) == 4


@pytest.mark.parametrize(
    ("asked", "match"),
    [
        ({"kind": "guess"}, "kind of"),
        ({"n_trials": 0}, "n_trials from 1"),
        ({"n_trials": 31}, "n_trials from 1"),
        ({"n_trials": True}, "n_trials from 1"),
        ({"seed": -1}, "seed"),
        ({"n_repeats": 5}, "n_repeats"),
        ({"allows_none": 1}, "yes or no"),
        ({"kind": "prefer"}, "right answer"),
    ],
)
def test_what_cannot_be_asked(asked: dict[str, object], match: str) -> None:
    with pytest.raises(UsageError, match=match):
        making.design(**asked)


@pytest.mark.parametrize(
    ("asked", "items", "match"),
    [
        ({}, [], "1 to 40 items"),
        ({}, [Item("a", {"real": "x"})], "two sounds"),
        ({"kind": "closer"}, PAIRS, "original"),
        ({"n_trials": 1}, PAIRS, "right answer among"),
        ({"n_trials": 7, "right": "a"}, PAIRS, "up to 6 trials"),
    ],
)
def test_material_that_does_not_fit(asked: dict[str, object], items: list[Item], match: str) -> None:
    with pytest.raises(UsageError, match=match):
        designs.check(making.design(**asked), items)


@pytest.mark.parametrize("sounds", [{}, {SPOILED: "x"}, {"": "x"}, {"a\n": "x"}, {str(n): "x" for n in range(9)}])
def test_sounds_that_cannot_be_compared(sounds: dict[str, str]) -> None:
    with pytest.raises(UsageError, match="Expected"):
        Item("item", sounds)


def test_out_of_json_comes_what_went_in() -> None:
    design = making.design()
    assert designs.design_of(json.loads(json.dumps(designs.to_json(design)))) == design
    assert designs.items_of(json.loads(json.dumps([designs.to_json(item) for item in PAIRS]))) == PAIRS
    for wrong in (None, [], {"kind": "played"}, {**designs.to_json(design), "more": 1}):
        with pytest.raises(UsageError):
            designs.design_of(wrong)
    for wrong in ({}, [1], [{"name": "a", "sounds": ["x"]}], [{"name": "a", "sounds": {"b": 1}}]):
        with pytest.raises(UsageError):
            designs.items_of(wrong)
    for wrong in ({}, [{"item": "0", "left": "a", "right": "b"}], [{"item": 0, "left": "a", "right": "b", "role": 1}]):
        with pytest.raises(UsageError):
            designs.trials_of(wrong)


def test_it_takes_so_long() -> None:
    design = making.design(n_trials=12, n_repeats=2)
    assert (designs.n_screens(design), designs.minutes(design)) == (15, 8)
