"""Feels on patterns built to have them, and narrowly to lack them."""

from __future__ import annotations

import pytest
from grooves import groove

from rhythmvae.analysis.elements import elements
from rhythmvae.analysis.feel import RULES, feels
from rhythmvae.analysis.timing import timing
from rhythmvae.data.examples import EXAMPLES, parse

ROCK = "closed_hat | X.x. X.x. X.x. X.x. |\nsnare | .... X... .... X... |\nkick | X... .... X.x. .... |"


def played(lines: str, setup: str = "120 bpm, 4/4, loose 3 ms", n_bars: int = 4) -> list[str]:
    """Feels of a bar (or bars) that goes round, `%` for the bars after the first."""
    rows = [line if line.count("|") > 2 else line + " % |" * (n_bars - 1) for line in lines.strip().splitlines()]
    found = parse("\n".join(["x: X", "Y.", setup, *rows])).groove()
    return feels(timing(found), elements(found))


HATS = "closed_hat | X.x. X.x. X.x. X.x. |\n"

CASES = {
    "four on the floor": (
        [HATS + "kick | X... X... X... X... |", HATS + "kick | X... X... X... X... | % | % | X... X... .x.x .... |"],
        [
            HATS + "kick | X... X... X... .X.. |",
            HATS + "kick | X... .... X... .... |",
            HATS + "kick | X.x. X.x. X.x. X.x. |",
            HATS + "kick | X... X... X... X... | X... X... X... .... | X... X... X... X... | X... X... X... .... |",
        ],
    ),
    "half-time": (
        [
            HATS + "snare | .... .... X... .... |\nkick | X... ..x. .... ..x. |",
            HATS + "snare | .g.. ..g. X... .g.g |\nkick | X... .... .... .... |",
        ],
        [
            ROCK,
            HATS + "snare | .... X... X... .... |",
            HATS + "snare | .... .... X... X... |",
            HATS + "snare | .... .... X... .... | .... X... .... X... | .... .... X... .... | .... X... .... X... |",
            HATS + "snare | .... .... ..X. .... |",
        ],
    ),
    "double-time": (
        [HATS + "snare | ..X. ..X. ..X. ..X. |\nkick | X... X... X... X... |"],
        [ROCK, HATS + "snare | ..X. .... ..X. .... |\nkick | X... X... X... X... |"],
    ),
    "train beat": (
        [
            "snare | ggXg ggXg ggXg ggXg |\nkick | X... X... X... X... |",
            "snare | gggg Xggg gggg Xggg |\nkick | X... .... X... .... |",
        ],
        [
            "snare | xxxx xxxx xxxx xxxx |\nkick | X... X... X... X... |",
            "snare | g.X. g.X. g.X. g.X. |\nkick | X... X... X... X... |",
            "snare | ggXg ggXg ggXg ggXg |\nkick | .... X... .... X... |",
        ],
    ),
    "son clave": (
        [
            HATS + "snare | x..x ..x. ..x. x... |",
            HATS + "snare | ..x. x... x..x ..x. |",
            "ride | x... ..x. .... x... | .... x... x... .... | x... ..x. .... x... | .... x... x... .... |",
        ],
        [HATS + "snare | x..x ..x. ..x. .x.. |", HATS + "snare | x..x ..x. ..x. ..x. |", ROCK],
    ),
    "rumba clave": (
        [HATS + "snare | x..x ...x ..x. x... |"],
        [HATS + "snare | x..x ..x. ..x. x... |", HATS + "snare | x..x ...x ..x. x.x. |"],
    ),
}


@pytest.mark.parametrize(("name", "lines"), [(name, each) for name, (having, _) in CASES.items() for each in having])
def test_a_pattern_that_has_it(name: str, lines: str) -> None:
    assert name in played(lines)


@pytest.mark.parametrize(("name", "lines"), [(name, each) for name, (_, lacking) in CASES.items() for each in lacking])
def test_a_pattern_that_narrowly_lacks_it(name: str, lines: str) -> None:
    assert name not in played(lines)


EIGHTHS = "closed_hat | Xx Xx Xx Xx |\nsnare | .. X. .. X. |\nkick | X. .. X. .. |"
IN_THREE = "closed_hat | {} |\nsnare | ... X.. ... X.. |\nkick | X.. ... X.. ... |"


def test_a_shuffle_is_long_and_short_on_every_beat() -> None:
    assert "shuffle" in played(EIGHTHS, "120 bpm, 4/4, swing 8ths 66 %, loose 3 ms")
    assert "shuffle" in played(EIGHTHS, "90 bpm, 4/4, swing 8ths 62 %, loose 3 ms")
    assert "shuffle" in played(IN_THREE.format("X.x X.x X.x X.x"))
    assert "shuffle" in played(IN_THREE.format("X.x X.x X.x X.x"), "120 bpm, 12/8, loose 3 ms")
    assert "shuffle" in played(ROCK.replace("X.x.", "XxXx"), "90 bpm, 4/4, swing 16ths 66 %")
    assert "shuffle" not in played(EIGHTHS)
    assert "shuffle" not in played(EIGHTHS, "120 bpm, 4/4, swing 8ths 56 %, loose 3 ms")
    assert "shuffle" not in played(IN_THREE.format("Xxx Xxx Xxx Xxx"))
    assert "shuffle" not in played(IN_THREE.format("Xxx Xxx Xxx Xxx"), "120 bpm, 12/8, loose 3 ms")
    assert "shuffle" not in played(IN_THREE.format("X.. X.x X.. X.x"))  # the ride of jazz


def blast(distance: float, bpm: float = 120.0) -> list[str]:
    """Kick and snare in turn, each so many steps after its last."""
    hits = [
        (i * distance + half, drum)
        for i in range(int(32 / distance))
        for drum, half in (("kick", 0.0), ("snare", distance / 2))
    ]
    found = groove(*hits)
    return feels(timing(found), elements(found))


def test_a_blast_is_fast_on_both() -> None:
    assert "blast" in blast(1.0)
    assert "blast" in blast(0.5)
    assert "blast" not in blast(2.0)  # four strokes a second
    roll = groove(*((s / 2, "snare") for s in range(64)), *((s, "kick") for s in range(0, 32, 4)))
    assert "blast" not in feels(timing(roll), elements(roll))


@pytest.mark.parametrize("key", EXAMPLES)
def test_feels_of_the_built_in_patterns(key: str) -> None:
    expected = {
        **{each: ["half-time"] for each in ("half_time", "trap", "reggae")},
        **{each: ["four on the floor"] for each in ("disco", "house")},
        **{"shuffle": ["shuffle"], "half_time_shuffle": ["half-time", "shuffle"]},
    }
    found = EXAMPLES[key].groove()
    assert feels(timing(found), elements(found)) == expected.get(key, [])


def test_silence_and_a_single_hit_have_no_feel() -> None:
    for found in (groove(), groove((4, "snare"))):
        assert feels(timing(found), elements(found)) == []


def test_every_rule_is_stated() -> None:
    assert all(rule.__doc__ for rule in RULES.values())
