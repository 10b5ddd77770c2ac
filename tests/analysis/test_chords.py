"""Chords and successions by the names that a drummer uses."""

from __future__ import annotations

from grooves import groove

from rhythmvae.analysis.chords import chords
from rhythmvae.analysis.elements import elements


def said(*hits):
    found = groove(*hits)
    return chords(found, elements(found))


def test_what_sounds_together_is_a_chord() -> None:
    sounding, following = said(
        *((s, "closed_hat") for s in range(0, 32, 4)), (0.1, "kick"), (16, "kick"), (8, "snare"), (24, "snare")
    )
    assert [(each["name"], each["count"]) for each in sounding] == [("hat", 4), ("kick + hat", 2), ("snare + hat", 2)]
    assert sounding[1]["voices"] == ["kick", "closed_hat"]
    assert sounding[0]["share"] == 0.5
    assert {"first": "kick + hat", "then": "hat", "count": 2, "share": 1.0} in following


def test_hits_that_are_apart_are_two() -> None:
    assert [each["name"] for each in said((0, "kick"), (0.1, "crash"))[0]] == ["kick + crash"]
    assert sorted(each["name"] for each in said((0, "kick"), (0.3, "crash"))[0]) == ["crash", "kick"]


def test_a_flam_has_its_name() -> None:
    sounding, _ = said((7.8, "snare", 50), (8, "snare", 110), (8, "closed_hat"), (16, "low_tom"))
    assert [each["name"] for each in sounding] == ["low tom", "snare flam + hat"]


def test_silence_has_none() -> None:
    assert said() == ([], [])
    assert said((0, "kick"))[1] == []
