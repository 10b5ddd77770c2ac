"""What a forged client says in a component's name: each reader takes what makes sense, and nothing raises."""

from __future__ import annotations

import json
from collections.abc import Callable
from random import Random
from typing import Any

import pytest

from benchmarks.hostile import trees
from rhythmvae.audio.hits import RATE
from rhythmvae.ui.components import assets, deck, latent_map, memory, sliders, sounds, waveform

N_EACH = 400
HITS = [[0, 1.0, 90], [1, 2.5, 100]]
VALID: dict[str, tuple[Any, Callable[[], object]]] = {
    "an edit": ({"source": "a", "lane": "hand", "serial": 3, "hits": HITS}, deck.edit),
    "how it is set": (
        {"tune": "a", "rate": 1.5, "unheard": [2, 3]},
        lambda: deck.answers.heard("a"),
    ),
    "a card's button": ({"lane": "a", "what": "take"}, lambda: deck.act_of("cards")),
    "taps": ({"serial": 3, "taps": [[0, 1.5], [1, 2.0]], "ends": True}, lambda: deck.taps_of("pad", 32)),
    "a bar": (3, deck.bar_of),
    "touches": (3, deck.answers.touches),
    "a point": ({"kind": "point", "index": 3, "count": 1}, lambda: latent_map.picked("map", 9, 2)),
    "a place": ({"kind": "place", "view": "map", "place": [0.5, 0.5]}, lambda: latent_map.picked("map", 9, 2)),
    "clicks": ({"count": 3}, lambda: latent_map._count(assets.said("map", "picked"))),
    "points": ({"indices": [1, 2, 3]}, lambda: latent_map.collected("map", 9)),
    "moves": ([["density", 1, 0.5], ["swing", 2, None]], lambda: sliders._moves(assets.said("sliders", "moved"))),
    "a part of a sound": (
        {
            "id": "a",
            "name": "a",
            "rate": RATE,
            "n_bytes": 9000,
            "at": 0,
            "data": "AAAAAAAA",
            "are_taps": False,
            "head": "AAAA",
        },
        sounds.part,
    ),
    "a sound that was refused": ({"name": "a", "why": "long"}, sounds.refused),
    "where bar 1 begins": ({"seconds": 1.5}, lambda: waveform.pressed("waveform")),
    "a memory": (json.dumps({"version": 1}), lambda: memory._returned("memory", str.strip)),
}


@pytest.mark.parametrize("name", VALID)
def test_whatever_is_said_is_taken_or_left(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    valid, read = VALID[name]
    rng, said = Random(name), [valid]
    monkeypatch.setattr(assets, "said", lambda key, of: said[0])
    usual = read()
    for _ in range(N_EACH):
        # What comes over the wire is JSON, and what is none is refused by Streamlit itself.
        said[0] = json.loads(json.dumps(trees.spoil(valid, rng)))
        found = read()
        assert found is None or type(found) is type(usual), said[0]
