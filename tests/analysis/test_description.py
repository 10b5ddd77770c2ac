"""Everything that is said of a groove, as JSON would have it."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from grooves import groove, random_groove
from work import PROPORTION, growth

import rhythmvae
from rhythmvae.analysis import description
from rhythmvae.data.examples import EXAMPLES
from rhythmvae.errors import WrongTypeError
from rhythmvae.groove import Groove, Meter, Tempo

ODD = [
    groove(),
    groove((4, "snare")),
    groove((15.9, "kick"), n_steps=16),
    groove(n_steps=1),
    random_groove(0, 75, 90),
    random_groove(1, 44, meters=(Meter(0.0, 3, 4), Meter(12.0, 7, 8), Meter(26.0, 6, 8))),
    random_groove(2, tempos=(Tempo(0.0, 40.0), Tempo(9.5, 4000.0))),
    random_groove(3, 300, 2000, meters=(Meter(0.0, 1, 32),)),
    random_groove(4, 200, meters=(Meter(0.0, 255, 4),)),
]


@pytest.mark.parametrize(
    "played",
    ODD,
    ids=["silence", "one hit", "pushed", "one step", "odd", "meters", "tempos", "tiny bars", "a huge bar"],
)
def test_any_groove_has_a_description_that_json_holds(played) -> None:
    said = rhythmvae.describe(played)
    assert json.loads(json.dumps(said, allow_nan=False)) == said
    assert len(said["hits"]) == len(played)
    for hit in said["hits"]:
        assert 1 <= hit["bar"] <= played.n_bars
        assert hit["beat"] >= 1
        assert hit["until_own"] >= 0


def test_each_of_many_is_described_as_it_is_alone() -> None:
    """Also where several batches are needed, and where a groove among them is silent or has other meters and tempos."""
    grooves = [pattern.groove() for pattern in EXAMPLES.values()] + ODD
    grooves += [random_groove(i, 32 + 16 * (i % 3), 4 * i) for i in range(20)]
    many = [(groove, i % 2 == 0) for i, groove in enumerate([*grooves, random_groove(5, 20_000, 500), *grooves])]
    together = [said for _, said in description.each(many)]
    alone = [description.of(description.seen(groove, has_meter=has_meter)) for groove, has_meter in many]
    assert [_rounded(said) for said in together] == [_rounded(said) for said in alone]


def _rounded(said: dict[str, Any]) -> Any:
    """Without the last digits, in which sums of many differ from sums of few."""
    return json.loads(json.dumps(said), parse_float=lambda text: round(float(text), 8))


def test_many_meters_are_described_in_proportion() -> None:
    """Each bar's meter is looked up by bisection: 3,000 changes took nine seconds when all were gone through."""

    def describing(n: int) -> Callable[[], object]:
        meters = tuple(Meter(4.0 * i, 3 + i % 2, 4) for i in range(n))
        played = random_groove(0, 4 * n, n, meters=meters)
        return lambda: described(played, n)

    def described(played: Groove, n: int) -> None:
        assert rhythmvae.describe(played, with_lists=False)["n_bars"] == n

    assert growth(describing, 600) < PROPORTION


def test_a_meter_that_is_not_known_is_heard() -> None:
    bar = [(0, "kick"), (4, "snare"), (8, "snare"), *((s, "closed_hat") for s in range(0, 12, 2))]
    waltz = groove(*((12 * k + s, v) for k in range(4) for s, v in bar), n_steps=48)
    assert rhythmvae.describe(waltz)["meter"] == "4/4"
    heard = rhythmvae.describe(waltz, has_meter=False)
    assert (heard["meter"], heard["n_bars"]) == ("3/4", 4)
    assert "hits" not in rhythmvae.describe(waltz, with_lists=False)


def test_what_is_no_groove_is_a_sentence() -> None:
    with pytest.raises(WrongTypeError, match="Expected a groove"):
        rhythmvae.describe("loop.mid")
