"""What a visitor has goes through his browser to another session: all of it, or it is named."""

from __future__ import annotations

import json
from typing import Any

import pytest
from browsing import ROOT, in_hand, opened, players, press, shown, upload, visit
from streamlit.proto.WidgetStates_pb2 import WidgetState, WidgetStates
from streamlit.testing.v1 import AppTest

from rhythmvae.data.examples import example
from rhythmvae.midi.write import write_midi
from rhythmvae.ui.components import memory
from rhythmvae.ui.parts import belongings
from rhythmvae.ui.shared import fingerprint

ROCK = write_midi(example("rock"))


@pytest.fixture
def held(monkeypatch: pytest.MonkeyPatch) -> list[str | None]:
    """What the browser was last told to hold."""
    found: list[str | None] = [None]
    tell = memory.tell

    def listen(key: str, session: str, text: str | None, on_return: Any, **more: Any) -> None:
        found[0] = text
        tell(key, session, text, on_return, **more)

    monkeypatch.setattr(memory, "tell", listen)
    return found


def give(app: AppTest, text: str) -> AppTest:
    return press(app, belongings.KEY, text, "returned")


def well(app: AppTest) -> bool:
    return not app.exception and not app.error


def test_nothing_is_held_of_who_has_nothing(held: list[str | None]) -> None:
    opened()
    assert held == [None]


def test_another_session_has_the_same(held: list[str | None]) -> None:
    app = opened()
    upload(app, ("mine.mid", ROCK))
    kept = example("bossa")
    app.session_state["tray"] = {fingerprint(kept): kept}
    app.run()
    text = held[0]
    assert text is not None

    other = give(opened(), text)
    assert well(other)
    [file] = other.session_state["uploads"]
    assert (file.name, file.data) == ("mine.mid", ROCK)
    assert in_hand(other) == file.key
    assert list(other.session_state["tray"].values()) == [kept]
    assert "loaded again" not in shown(other)  # all is as it was

    # Files that are dropped later stand beside those that came back.
    upload(other, ("more.mid", write_midi(example("disco"))))
    assert [each.name for each in other.session_state["uploads"]] == ["mine.mid", "more.mid"]
    other.button(key=f"remove {file.key}").click().run()
    assert [each.name for each in other.session_state["uploads"]] == ["more.mid"]
    assert well(other)


def test_a_rhythm_that_was_tapped_comes_back(held: list[str | None]) -> None:
    app = opened()
    app.session_state["taps"] = example("bossa")
    app.run()
    text = str(held[0])
    other = give(opened(), text)
    assert well(other)
    assert other.session_state["taps"] == example("bossa")


def test_cards_of_a_file_are_dealt_again_once_it_is_back(held: list[str | None]) -> None:
    upload(opened(), ("mine.mid", ROCK))
    text = str(held[0])
    app = AppTest.from_file(ROOT / "app.py", default_timeout=60)
    app.query_params["m"] = "4**0"
    app.run()
    visit(app, "variations")  # with another groove in hand, which the browser's answer replaces
    give(app, text)
    assert well(app)
    assert "The settings have changed" not in shown(app)
    assert len(players(app)["variation cards"]["lanes"]) == 4
    assert players(app)["address of settings"]["texts"]["m"] == "4**0"


def test_it_is_given_back_once(held: list[str | None]) -> None:
    upload(opened(), ("mine.mid", ROCK))
    text = str(held[0])
    app = give(give(opened(), ""), text)  # nobody asks any more
    assert "uploads" not in app.session_state
    assert well(app)


def test_what_does_not_fit_and_models_are_named(held: list[str | None], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "MAX_TEXT", 10_400)
    upload(opened(), ("mine.mid", ROCK))
    found = json.loads(str(held[0]))
    assert found["lost"] == [["file", 1]]
    assert "uploads" not in found
    app = give(opened(), json.dumps(found | {"models": ["My *drums*"]}))
    assert "This page was loaded again. Gone: 1 file, your model My" in shown(app)
    next(button for button in app.button if button.label == "Close").click().run()
    assert "Gone" not in shown(app)


def test_what_was_pressed_on_the_page_of_an_earlier_server_is_not_done(held: list[str | None]) -> None:
    """A browser sends the states of widgets that this server has never shown, a pressed button among them."""
    before = opened()
    upload(before, ("mine.mid", ROCK))
    text = str(held[0])
    app = AppTest.from_file(ROOT / "app.py", default_timeout=60)
    pressed = WidgetState(id="$$ID-of another server-Train", trigger_value=True)
    app._run(WidgetStates(widgets=[pressed]))
    assert well(app)
    assert "was restarted" not in shown(app)  # until it is known what is left
    give(app, text)
    assert "The server was restarted while this page was open. Here again: 1 file." in shown(app)


HOSTILE = [
    "",
    "{",
    "[" * 100_000,
    "null",
    "[]",
    '{"version": 2, "tray": []}',
    '{"version": 1, "tray": {}, "uploads": 3, "held": "x", "edits": [[]], "models": {}, "lost": [[1, 2], ["x", "y"]]}',
    '{"version": 1, "uploads": [["a"], ["a", "b", "c"], [1, 2], ["a", "no base64"], ["a", "é"]]}',
    '{"version": 1, "tray": [{"hits": [[0], [0], [0]]}, {"hits": [], "n_steps": 1e400}, 7]}',
    '{"version": 1, "held": [{"hits": [[1e308], [99], [-5]], "n_steps": -3, "tempos": [], "meters": []}]}',
    '{"version": 1, "choice": ["x"], "models": ["<b>\\u202e", 5, null], "edits": [["x", {}], [1, 2], "ab"]}',
]


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_what_comes_back_is_a_strangers(text: str) -> None:
    app = give(opened(), text)
    assert well(app)
    for name in ("uploads", "tray", "held grooves"):
        assert name not in app.session_state or not app.session_state[name]


def test_a_groove_comes_back_exactly() -> None:
    groove = example("funk")
    again = belongings._groove(json.loads(json.dumps(belongings._plain(groove))))
    assert again is not None
    assert fingerprint(again) == fingerprint(groove)


def test_it_is_packed_again_only_after_a_change(held: list[str | None], monkeypatch: pytest.MonkeyPatch) -> None:
    app = upload(opened(), ("mine.mid", ROCK))
    monkeypatch.setattr(belongings, "_as_text", lambda: pytest.fail("packed again"))
    app.run()
    app.run()
    assert held[0]
