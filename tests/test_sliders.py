"""The measured sliders: where they stand, what a hand does to them, and what they say came of it."""

from __future__ import annotations

from typing import Any

import pytest
from streamlit.testing.v1 import AppTest
from toys import groove, random_groove, scales

from rhythmvae.describe import SLIDERS, slider_values
from rhythmvae.generate import Setting
from rhythmvae.groove import Groove, Meter
from rhythmvae.scales import Scales
from rhythmvae.ui import sliders

SCALES = scales()


def bank(start, came, settings, known):  # AppTest runs its source alone: no name from above
    """A page of nothing but sliders."""
    import streamlit as st

    from rhythmvae.describe import SLIDERS
    from rhythmvae.ui import sliders

    lines = sliders.bank(SLIDERS, known, start)
    sliders.tell(lines, settings, came, known)
    st.json(sliders.asked())


def page(start: Groove, came: Groove | None = None, known: Scales = SCALES, **settings: Setting) -> AppTest:
    arguments = {"start": start, "came": start if came is None else came, "settings": settings, "known": known}
    return AppTest.from_function(bank, kwargs=arguments, default_timeout=30).run()


def places(app: AppTest) -> dict[str, int]:
    return {slider.key.removeprefix("slider "): slider.value for slider in app.slider}


def asked(app: AppTest) -> dict[str, Any]:
    found: dict[str, Any] = app.session_state["sliders asked"]
    return found


def line(app: AppTest, name: str) -> str:
    return dict(zip(places(app), [caption.value for caption in app.caption], strict=True))[name]


def test_every_slider_has_its_words() -> None:
    assert set(sliders.LABELS) == set(SLIDERS)
    assert sliders.MAIN + sliders.GROUPS == SLIDERS
    assert len({label for label, *_ in sliders.LABELS.values()}) == len(SLIDERS)


def test_sliders_that_nobody_asked_stand_where_the_groove_stands() -> None:
    for seed in (1, 2):
        start = random_groove(seed)
        app = page(start)
        values = slider_values(start)
        assert places(app) == {name: round(100 * SCALES.place(name, values[name] or 0.0)) for name in SLIDERS}
        assert asked(app) == {}
        assert all(button.disabled for button in app.button)


def test_what_a_groove_does_not_define_stands_in_the_middle_and_says_so() -> None:
    app = page(groove(n_steps=32))
    assert places(app)["swing"] == 50
    assert line(app, "swing") == "none to measure"


def test_a_drag_stands_and_moves_no_other() -> None:
    app = page(random_groove(1))
    before = places(app)
    app.slider(key="slider density").set_value(93).run()
    assert places(app) == {**before, "density": 93}
    assert asked(app) == {"density": 0.93}
    app.slider(key="slider swing").set_value(0).run()
    app.slider(key="slider density").set_value(7).run()
    app.run()
    assert places(app) == {**before, "density": 7, "swing": 0}
    assert asked(app) == {"density": 0.07, "swing": 0.0}
    assert not app.exception


def test_a_reset_leaves_it_as_it_comes() -> None:
    app = page(random_groove(1))
    before = places(app)
    app.slider(key="slider density").set_value(93).run()
    app.slider(key="slider loudness").set_value(12).run()
    assert [button.key for button in app.button if not button.disabled] == ["reset density", "reset loudness"]
    app.button(key="reset density").click().run()
    assert places(app) == {**before, "loudness": 12}
    assert asked(app) == {"loudness": 0.12}
    assert app.button(key="reset density").disabled


def test_places_of_a_link_are_set_whole_and_within_their_range() -> None:
    app = page(random_groove(1))
    before = places(app)
    app.slider(key="slider swing").set_value(99).run()
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
    known = Scales({name: SCALES.knots[name] for name in SLIDERS if name != "swing"})
    assert "swing" not in places(page(random_groove(1), known=known))


def test_a_line_says_asked_and_came_in_place_and_unit() -> None:
    start = random_groove(1)
    app = page(
        start,
        density=Setting(0.9, 7.2, 0.88, 7.0),
        looseness=Setting(0.5, 0.1, 0.2, 0.05),
        swing=Setting(0.5, 0.31, None, None),
    )
    assert line(app, "density") == "asked 90% (7.2 hits a beat), came 88% (7.0 hits a beat)"
    assert line(app, "looseness") == "asked 50% (± 0.10 of a 16th), came 20% (± 0.05 of a 16th): as far as it goes here"
    assert line(app, "swing") == "asked 50% (0.31), but this groove has none to measure"
    value = slider_values(start)["loudness"]
    assert value is not None
    assert line(app, "loudness") == f"came {SCALES.place('loudness', value):.0%} ({value:.0f} of 127)"


def test_swing_in_compound_meters_is_none_to_measure() -> None:
    app = page(random_groove(1, 36, 40, meters=(Meter(0.0, 6, 8),)))
    assert line(app, "swing") == "none to measure"
    assert places(app)["swing"] == 50
