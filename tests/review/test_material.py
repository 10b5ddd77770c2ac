"""What is compared is alike in all but what is judged."""

from __future__ import annotations

import numpy as np
import pytest

from rhythmvae.data.examples import example
from rhythmvae.errors import UsageError
from rhythmvae.groove import Groove, Tempo
from rhythmvae.review import material
from rhythmvae.review.design import SPOILED, Item, Trial
from tests import grooves
from tests.review import making


def test_sounds_of_an_item_have_one_length_tempo_and_meter() -> None:
    funk, waltz = example("funk"), example("waltz")
    item = material.item("both", {"a": funk, "b": waltz})
    heard = material.grooves(Trial(0, "a", "b"), [item], 0)
    assert {groove.n_steps for groove in heard.values()} == {32}
    assert {groove.tempos[0].bpm for groove in heard.values()} == {funk.tempos[0].bpm}
    assert {groove.title for groove in heard.values()} == {""}
    assert heard.keys() == {"left", "right"}


def test_the_first_bars_with_a_hit_and_no_longer_than_may_be() -> None:
    late = grooves.groove((37.0, "kick"), (70.0, "snare"), n_steps=96)
    assert material.first_bars(late).n_steps == 32
    assert len(material.first_bars(late)) == 1
    slow = grooves.groove((0.0, "kick"), tempos=(Tempo(0.0, 30.0),))
    assert material.first_bars(slow).n_steps == 16
    with pytest.raises(UsageError, match="silence"):
        material.first_bars(grooves.groove())
    with pytest.raises(UsageError, match="12 seconds"):
        material.first_bars(grooves.groove((0.0, "kick"), tempos=(Tempo(0.0, 12.0),)))


def test_a_short_groove_is_repeated() -> None:
    one = grooves.groove((0.0, "kick"), n_steps=16)
    found = material.alike(one, example("funk").bars(1, 2))
    assert found.position.tolist() == [0.0, 16.0]


def test_names_of_their_own() -> None:
    groove = example("funk")
    item = material.item("x" * 100, {"Funk": groove, "Funk ": groove, SPOILED: groove, "\0": groove})
    assert list(item.sounds) == ["Funk", "Funk 2", f"{SPOILED}.", "Groove"]
    assert len(item.name) == 60


def test_stiff_is_on_the_grid_and_equally_loud() -> None:
    found = material.stiff(example("shuffle"))
    assert (found.position == np.rint(found.position)).all()
    assert set(found.velocity.tolist()) == {material.STIFF_VELOCITY}
    cells = set(zip(found.position.tolist(), found.voice.tolist(), strict=True))
    assert len(cells) == len(found)


def test_the_known_trial_is_the_same_drums_anywhere() -> None:
    items = making.items(1)
    heard = material.grooves(Trial(0, SPOILED, "real"), items, 3)
    assert np.bincount(heard["left"].voice).tolist() == np.bincount(heard["right"].voice).tolist()
    assert np.abs(heard["left"].offset).mean() > 0.15, "about a quarter of a step off on average"
    assert heard["left"] == material.grooves(Trial(0, SPOILED, "real"), items, 3)["left"]
    assert material.digest(SPOILED, items[0]) != material.digest("real", items[0])


@pytest.mark.parametrize("text", ["", "nonsense", "rv1-AAAA"])
def test_what_is_no_groove_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="Expected"):
        material.check([Item("a", {"b": text or "x"})])


def test_lengths_that_differ_are_refused() -> None:
    short, long = (making.items(1)[0].sounds["real"], material._text(example("funk").bars(1, 1)))
    with pytest.raises(UsageError, match="one length"):
        material.check([Item("a", {"b": short, "c": long})])


def test_silence_is_nothing_to_compare() -> None:
    silent: Groove = grooves.groove()
    with pytest.raises(UsageError, match="silence"):
        material.item("a", {"b": example("funk"), "c": silent})
