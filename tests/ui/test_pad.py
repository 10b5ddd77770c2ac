"""The pad: what a browser is told of a lattice, and what it says of a finger."""

from __future__ import annotations

import json

import pytest
from grooves import random_groove

from rhythmvae.groove import Tempo
from rhythmvae.ui import played
from rhythmvae.ui.components import assets, pad
from rhythmvae.ui.components.pad import Resting

LATTICE = [random_groove(seed, n_steps=32, n_hits=30, tempos=(Tempo(0.0, 100.0 + seed),)) for seed in range(4)]


def test_a_browser_is_told_every_groove() -> None:
    found = json.loads(pad.lattice_file(LATTICE))
    assert found["grooves"] == [played.hits(groove) for groove in LATTICE]
    assert found["bpm"] == [100, 101, 102, 103]
    assert (found["n_steps"], found["bars"], found["meter"]) == (32, [0, 16, 32], "4/4")


def test_at_a_point_its_groove_is_left() -> None:
    assert Resting((2,)).groove(LATTICE) is LATTICE[2]


def test_a_path_is_whole_bars_of_the_grooves_it_passes() -> None:
    made = Resting((3, 1, 1, 0)).groove(LATTICE)
    assert made.n_bars == 4
    for bar, (point, own) in enumerate([(3, 1), (1, 2), (1, 1), (0, 2)], 1):
        part, source = made.bars(bar, bar), LATTICE[point].bars(own, own)
        assert part.voice.tolist() == source.voice.tolist()
        assert part.position.tolist() == pytest.approx(source.position.tolist())
        assert made.tempo_at(16.0 * (bar - 1)).bpm == 100 + point


@pytest.mark.parametrize(
    ("said", "points"),
    [
        ({"serial": 1, "points": [8]}, (8,)),
        ({"serial": 1, "points": [0, 1, 2, 8]}, (0, 1, 2, 8)),
        ({"serial": 1, "points": [9]}, None),
        ({"serial": 1, "points": [-1]}, None),
        ({"serial": 1, "points": [True]}, None),
        ({"serial": 1, "points": [1.0]}, None),
        ({"serial": 1, "points": [0, 1, 2]}, None),
        ({"serial": 1, "points": []}, None),
        ({"points": "8"}, None),
        (7, None),
        (None, None),
    ],
)
def test_what_a_browser_says_is_checked(
    monkeypatch: pytest.MonkeyPatch, said: object, points: tuple[int, ...] | None
) -> None:
    monkeypatch.setattr(assets, "said", lambda key, name: said)
    found = pad.resting("pad", side=3, n_bars=2)
    assert (found and found.points) == points
