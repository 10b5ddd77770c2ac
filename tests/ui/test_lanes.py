"""Lanes that a browser asks for: what a page offers, and what is given for its token."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from grooves import random_groove
from toys import TOY, model, prior, quantiles

from rhythmvae.analysis.descriptors import SLIDERS
from rhythmvae.model import checkpoint, outline, steering
from rhythmvae.model import lanes as model_lanes
from rhythmvae.model.card import Card
from rhythmvae.model.generate import perturb
from rhythmvae.model.lanes import slider_lane
from rhythmvae.model.lent import ModelFile
from rhythmvae.ui import played
from rhythmvae.ui.session import caches, computing, lanes
from rhythmvae.ui.session.caches import Settings
from rhythmvae.ui.session.lanes import Stands
from rhythmvae.ui.session.opened import Opened, whole

START = random_groove(3, n_hits=40, n_steps=32)
SETTINGS = Settings(asked=(("density", 0.2), ("loudness", 0.8)))


@pytest.fixture
def toy(tmp_path: Path) -> Opened:
    path = tmp_path / "toy.safetensors"
    checkpoint.save(path, model(TOY), prior(), quantiles(), Card())
    return Opened.of(outline.read(path), ModelFile.of(path.read_bytes()))


@pytest.fixture(autouse=True)
def _who(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(computing, "who", lambda: ("an address", "a session"))
    caches._lane.clear()
    yield
    caches._lane.clear()


def test_a_token_is_of_what_sliders_stand_on(toy: Opened) -> None:
    stands = Stands()
    token = stands.offer(START, SETTINGS, toy)
    assert stands.offer(START, replace(SETTINGS, n=8), toy) == token, "cards do not count"
    assert stands.offer(START, replace(SETTINGS, seed=1), toy) != token
    assert stands.offer(random_groove(4), SETTINGS, toy) != token
    found = stands.find(token)
    assert found is not None
    assert (found.start, found.settings, found.model(), found.who) == (START, SETTINGS, toy, computing.who())
    assert stands.find(token[:-1]) is None


def test_those_that_were_offered_longest_ago_are_forgotten(toy: Opened) -> None:
    stands = Stands(most=2)
    first, second, third = (stands.offer(START, Settings(seed=i), toy) for i in range(3))
    assert stands.find(first) is None
    assert stands.find(second)
    stands.offer(START, Settings(seed=1), toy)
    stands.offer(START, Settings(seed=3), toy)
    assert stands.find(third) is None
    assert stands.find(second), "the page that has it shows it"


def test_where_the_slider_itself_stands_is_nothing_to_its_lane(toy: Opened) -> None:
    moved = replace(SETTINGS, asked=(("density", 0.9), ("loudness", 0.8)))
    assert lanes.base(START, SETTINGS, toy, "density") == lanes.base(START, moved, toy, "density")
    assert lanes.base(START, SETTINGS, toy, "loudness") != lanes.base(START, moved, toy, "loudness")


def test_a_browser_gets_the_lane_and_where_a_hand_rests_what_the_page_will_have(toy: Opened) -> None:
    stands = Stands()
    stand = stands.find(stands.offer(START, SETTINGS, toy))
    assert stand is not None
    data = lanes.lane(stand, "density", is_coarse=False)
    assert data is not None
    found = played.unpacked(data)
    checkpoint, asked = whole(toy), dict(SETTINGS.asked)
    made = slider_lane(checkpoint, START, "density", perturbed=perturb(checkpoint, START, amount=0.4), asked=asked)
    assert (found["name"], found["is_coarse"]) == ("density", False)
    assert found["stops"] == list(made.stops)
    assert found["grooves"] == [played.hits(groove) for groove in made.grooves]
    assert found["stands"] == [played.stands(groove, toy.quantiles) for groove in made.grooves]
    assert set(found["stands"][0]) <= set(SLIDERS)
    rested = lanes.answer(stand, "density", 73)
    asked = tuple(sorted({**dict(SETTINGS.asked), "density": 0.73}.items()))
    [variation] = caches.variations(START, replace(SETTINGS, asked=asked), toy)
    assert rested is not None
    assert played.unpacked(rested)["hits"] == played.hits(variation.groove)


def test_a_coarse_lane_is_the_fine_one_where_that_is_there(toy: Opened, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[bool] = []
    computed = caches.computed

    def counted(*args: Any, is_coarse: bool, **named: Any) -> Any:
        asked.append(is_coarse)
        return computed(*args, is_coarse=is_coarse, **named)

    caches._perturbed(START, toy.contents, toy, 1, 0.4, 0, None)
    monkeypatch.setattr(caches, "computed", counted)
    caches.lane(START, SETTINGS, "density", toy, is_coarse=True)
    fine = caches.lane(START, SETTINGS, "density", toy)
    assert caches.lane(START, SETTINGS, "density", toy, is_coarse=True) is fine
    assert asked == [True, False]


def test_a_lane_begins_where_the_page_has_found_what_was_asked_of_the_others(
    toy: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A hand goes from slider to slider: what the last one led to is not looked for again."""
    searched: list[int] = []
    caches.variations(START, SETTINGS, toy)
    steer = steering.steer

    def counted(*args: Any) -> Any:
        searched.append(1)
        return steer(*args)

    monkeypatch.setattr(model_lanes, "steer", counted)
    found = caches.lane(START, SETTINGS, "density", toy)
    assert not searched
    caches._lane.clear()
    caches._variations.clear()
    assert caches.lane(START, SETTINGS, "density", toy) == found, "the same lane"
    assert searched


def test_what_is_no_slider_or_has_no_model_any_more_is_not_there(toy: Opened, tmp_path: Path) -> None:
    stands = Stands()
    stand = stands.find(stands.offer(START, SETTINGS, toy))
    assert stand is not None
    assert lanes.lane(stand, "wobble", is_coarse=False) is None
    assert lanes.answer(stand, "wobble", 50) is None
    own = Opened.of(toy, toy.source)
    gone = stands.find(stands.offer(START, SETTINGS, own))
    assert gone is not None
    del own, toy
    gc.collect()
    assert gone.model() is None, "a visitor's own model is not kept for ever"
    assert lanes.lane(gone, "density", is_coarse=False) is None
