"""The measured sliders: where they stand, what a hand does to them, and what they say came of it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from browsing import players, send
from grooves import groove, random_groove
from streamlit.testing.v1 import AppTest
from toys import quantiles

from rhythmvae.analysis.descriptors import SLIDERS, slider_values
from rhythmvae.analysis.quantiles import Quantiles
from rhythmvae.groove import Groove, Meter
from rhythmvae.model.variation import Setting, SliderLane
from rhythmvae.ui import played
from rhythmvae.ui.components import sliders

QUANTILES = quantiles()
KEY = "a bank"


def bank(start, came, settings, known):  # AppTest runs its source alone: no name from above
    """A page of nothing but sliders."""
    import streamlit as st

    from rhythmvae.analysis.descriptors import SLIDERS
    from rhythmvae.ui.components import sliders

    bank = sliders.bank("a bank", SLIDERS, known)
    sliders.tell([bank], settings, came, known, {})
    st.json(sliders.asked())


def page(start: Groove, came: Groove | None = None, known: Quantiles = QUANTILES, **settings: Setting) -> AppTest:
    arguments = {"start": start, "came": start if came is None else came, "settings": settings, "known": known}
    return AppTest.from_function(bank, kwargs=arguments, default_timeout=30).run()


def told(app: AppTest) -> dict[str, dict[str, Any]]:
    """What the browser is told of each slider."""
    return {each["name"]: each for each in players(app)[KEY]["sliders"]}


def places(app: AppTest) -> dict[str, int]:
    return {name: each["rests_at"] if each["at"] is None else each["at"] for name, each in told(app).items()}


def resettable(app: AppTest) -> list[str]:
    return [name for name, each in told(app).items() if each["at"] is not None]


def move(app: AppTest, **places: float | None) -> AppTest:
    """A hand moves sliders, or resets them with None; the browser has no answer yet to any of it."""
    serial: int = players(app)[KEY]["serial"]
    return send(app, KEY, moved=[[name, serial + n, place] for n, (name, place) in enumerate(places.items(), 1)])


def asked(app: AppTest) -> dict[str, Any]:
    found: dict[str, Any] = app.session_state["sliders asked"]
    return found


def line(app: AppTest, name: str) -> str:
    said = told(app)[name]
    return ", ".join(words for words in (said["asked"], said["achieved"]) if words)


def test_every_slider_has_its_words() -> None:
    assert set(sliders.LABELS) == set(SLIDERS)
    assert sliders.MAIN + sliders.GROUPS == SLIDERS
    assert len({label for label, *_ in sliders.LABELS.values()}) == len(SLIDERS)


def test_sliders_that_nobody_asked_stand_where_the_groove_stands() -> None:
    for seed in (1, 2):
        start = random_groove(seed)
        app = page(start)
        values = slider_values(start)
        assert places(app) == {name: round(100 * QUANTILES.quantile(name, values[name] or 0.0)) for name in SLIDERS}
        assert asked(app) == {}
        assert not resettable(app)


def test_what_a_groove_does_not_define_stands_in_the_middle_and_says_so() -> None:
    app = page(groove(n_steps=32))
    assert places(app)["swing"] == 50
    assert line(app, "swing") == "nothing to measure"


def test_a_drag_stands_and_moves_no_other() -> None:
    app = page(random_groove(1))
    before = places(app)
    move(app, density=0.93)
    assert places(app) == {**before, "density": 93}
    assert asked(app) == {"density": 0.93}
    move(app, swing=0)
    move(app, density=0.07)
    app.run()
    assert places(app) == {**before, "density": 7, "swing": 0}
    assert asked(app) == {"density": 0.07, "swing": 0.0}
    assert not app.exception


def test_a_reset_leaves_it_as_it_comes() -> None:
    app = page(random_groove(1))
    before = places(app)
    move(app, density=0.93)
    move(app, loudness=0.12)
    assert resettable(app) == ["density", "loudness"]
    move(app, density=None)
    assert places(app) == {**before, "loudness": 12}
    assert asked(app) == {"loudness": 0.12}
    assert resettable(app) == ["loudness"]


def test_moves_of_one_message_are_all_taken_and_answered() -> None:
    app = page(random_groove(1))
    before = places(app)
    move(app, density=0.93, swing=0.5, loudness=None)
    assert places(app) == {**before, "density": 93, "swing": 50}
    assert players(app)[KEY]["serial"] == 3
    assert not app.exception


def test_a_move_that_was_taken_is_not_taken_again() -> None:
    app = page(random_groove(1))
    move(app, density=0.93)
    app.session_state["sliders asked"] = {}  # a link, or another start, since then
    send(app, KEY, moved=[["density", 1, 0.93], ["swing", 2, 0.5]])
    assert asked(app) == {"swing": 0.5}
    assert players(app)[KEY]["serial"] == 2


@pytest.mark.parametrize(
    "moved",
    [
        7,
        {"density": 0.5},
        [7, None, "density", [], ["density", 1]],
        [["gong", 1, 0.5]],
        [[["density"], 1, 0.5]],
        [["density", 0, 0.5]],
        [["density", -1, 0.5]],
        [["density", True, 0.5]],
        [["density", 1.5, 0.5]],
        [["density", 1 << 60, 0.5]],
        [["density", 1, 1.01]],
        [["density", 1, -0.01]],
        [["density", 1, float("nan")]],
        [["density", 1, float("inf")]],
        [["density", 1, True]],
        [["density", 1, "0.5"]],
    ],
    ids=str,
)
def test_a_message_without_sense_changes_nothing(moved: object) -> None:
    app = page(random_groove(1))
    move(app, loudness=0.12)
    before = places(app)
    send(app, KEY, moved=moved)
    assert not app.exception
    assert places(app) == before
    assert asked(app) == {"loudness": 0.12}
    move(app, density=0.4)  # nor does it stand in the way of what comes next
    assert asked(app) == {"density": 0.4, "loudness": 0.12}


def test_each_stop_reads_as_what_it_asks_for() -> None:
    for name, each in told(page(random_groove(1))).items():
        style = sliders.LABELS[name][1]
        assert [each["unit"].replace("{}", value) for value in each["values"]] == [
            style.format(QUANTILES.value_at(name, stop / 100)) for stop in range(101)
        ]


def test_what_is_sent_with_every_move_is_small() -> None:
    app = page(random_groove(1))
    assert len(json.dumps(players(app)[KEY])) < 16_000


def test_places_of_a_link_are_set_whole_and_within_their_range() -> None:
    app = page(random_groove(1))
    before = places(app)
    move(app, swing=0.99)
    # As `sliders.ask` leaves them.
    app.session_state["sliders asked"] = {"density": 0.405}
    app.run()
    assert places(app) == {**before, "density": 40}
    assert asked(app) == {"density": 0.405}  # a place between two of the slider's is not rounded away


def test_what_is_asked_is_clamped(monkeypatch: pytest.MonkeyPatch) -> None:
    state: dict[str, Any] = {}
    monkeypatch.setattr(sliders.st, "session_state", state)
    sliders.ask({"density": 7.0, "swing": -1.0, "loudness": 0.25})
    assert sliders.asked() == {"density": 1.0, "swing": 0.0, "loudness": 0.25}
    sliders.ask({})
    assert sliders.asked() == {}


def test_what_training_never_had_is_no_slider() -> None:
    known = Quantiles({name: QUANTILES.knots[name] for name in SLIDERS if name != "swing"})
    assert "swing" not in places(page(random_groove(1), known=known))


def test_a_bank_of_nothing_is_not_drawn() -> None:
    assert KEY not in players(page(random_groove(1), known=Quantiles({})))


def test_a_line_says_asked_and_came_in_place_and_unit() -> None:
    start = random_groove(1)
    app = page(
        start,
        density=Setting(0.9, 7.2, 0.88, 7.0),
        looseness=Setting(0.5, 0.1, 0.2, 0.05),
        swing=Setting(0.5, 0.31, None, None),
    )
    assert line(app, "density") == "asked 90% (7.2 hits a beat), achieved 88% (7.0 hits a beat)"
    short = "asked 50% (± 0.10 of a 16th), achieved 20% (± 0.05 of a 16th): as far as it goes here"
    assert line(app, "looseness") == short
    assert line(app, "swing") == "asked 50% (0.31), but this groove has nothing to measure"
    value = slider_values(start)["loudness"]
    assert value is not None
    assert line(app, "loudness") == f"now {QUANTILES.quantile('loudness', value):.0%} ({value:.0f} of 127)"


def test_swing_in_compound_meters_is_none_to_measure() -> None:
    app = page(random_groove(1, 36, 40, meters=(Meter(0.0, 6, 8),)))
    assert line(app, "swing") == "nothing to measure"
    assert places(app)["swing"] == 50


def laned(start, settings, known, lane):  # as `bank`
    """A page of nothing but sliders, whose hand has a lane."""
    import streamlit as st

    from rhythmvae.analysis.descriptors import SLIDERS
    from rhythmvae.ui.components import sliders

    bank = sliders.bank("a bank", SLIDERS, known)
    bases = dict.fromkeys(SLIDERS, "as it stands")
    touched = sliders.touched(bases)
    sliders.tell([bank], settings, start, known, bases, lane if touched == lane["name"] else None)
    st.json(sliders.asked())


def test_a_slider_that_is_touched_is_told_its_lane_until_it_is_moved() -> None:
    grooves = tuple(random_groove(seed, n_hits=20) for seed in range(2))
    lane = SliderLane("density", tuple([0] * 50 + [1] * 51), grooves)
    arguments = {"start": grooves[0], "settings": {}, "known": QUANTILES, "lane": played.lane(lane, QUANTILES)}
    app = AppTest.from_function(laned, kwargs=arguments, default_timeout=30).run()
    assert players(app)[KEY]["lane"] is None
    send(app, KEY, moved=[["density", 1, "touch"]])
    found = players(app)[KEY]["lane"]
    assert (found["name"], found["stops"]) == ("density", list(lane.stops))
    for said, made in zip(found["grooves"], grooves, strict=True):
        assert [hit[0] for hit in said] == made.voice.tolist()
        assert [hit[2] for hit in said] == made.velocity.tolist()
        assert [hit[1] for hit in said] == pytest.approx(made.position.tolist(), abs=5e-5)
    assert asked(app) == {}, "a touch asks for nothing"
    send(app, KEY, moved=[["density", 2, 0.7]])
    assert players(app)[KEY]["lane"] is None
    assert asked(app) == {"density": 0.7}
