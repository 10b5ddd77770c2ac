"""The app as a browser has it, without one: what a page says, what its components are told, and what they send back.

A component's state can be sent only by AppTest's inside.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import streamlit as st
from streamlit.proto.WidgetStates_pb2 import WidgetState, WidgetStates
from streamlit.runtime.pages_manager import PagesManager
from streamlit.testing.v1 import AppTest, app_test
from streamlit.testing.v1.element_tree import Selectbox, Slider


class _Pages(PagesManager):
    """AppTest takes every run but the first for one of a fresh server, which runs a page without app.py around it."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        PagesManager.uses_pages_directory = False


app_test.PagesManager = _Pages  # type: ignore[misc]

ROOT = Path(__file__).parent.parent
Downloads = dict[str, tuple[str, Callable[[], bytes]]]


def opened(page: str = "", query: str | None = None) -> AppTest:
    """A visitor comes to a page, by its stem, with the query of a link."""
    app = AppTest.from_file(ROOT / "app.py", default_timeout=60)
    if query is not None:
        app.query_params["g"] = query.removeprefix("g=")
    app.run()
    return visit(app, page) if page else app


def unfold(app: AppTest, *folds: str) -> AppTest:
    """Open what a page builds only when it is opened, by the keys of its expanders."""
    for fold in folds:
        app.session_state[fold] = True
    return app.run()


def visit(app: AppTest, page: str) -> AppTest:
    """Another page of the menu. A browser leaves the widgets of the one before behind."""
    return app.switch_page(f"pages/{page}.py")._run(WidgetStates())


def shown(app: AppTest) -> str:
    """All text of the page, as a reader sees it."""
    kinds = ("markdown", "caption", "error", "warning", "info")
    text = "\n".join(str(e.value) for kind in kinds for e in getattr(app, kind))
    return text.replace("\\", "").replace("\u2060", "")


def tables(app: AppTest) -> list[list[dict[str, str]]]:
    """The Markdown tables of the page: for each the rows, as texts by column."""
    found = []
    for element in app.markdown:
        lines = str(element.value).replace("\\", "").replace("\u2060", "").splitlines()
        if lines and lines[0].startswith("| "):
            columns, _, *rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
            found.append([dict(zip(columns, row, strict=True)) for row in rows])
    return found


def in_hand(app: AppTest) -> str:
    """Key of the groove in hand."""
    return str(pattern(app).value)


def pattern(app: AppTest) -> Selectbox:
    """The box that everything one can start from is chosen in."""
    return next(box for box in app.selectbox if box.label == "Pattern")


def take(app: AppTest, key: str) -> AppTest:
    """Take a pattern in hand."""
    return pattern(app).set_value(key).run()


def upload(app: AppTest, *files: tuple[str, bytes], name: str = "uploader") -> AppTest:
    [box] = [box for box in app.file_uploader if str(box.key).startswith(f"{name} ")]
    for name, data in files:
        box.upload(name, data)
    return app.run()


def players(app: AppTest) -> dict[str, dict[str, Any]]:
    """What the browser is told to show, by the component's key."""
    protos = [component.proto for component in app.get("bidi_component")]  # type: ignore[attr-defined]
    found = {proto.id.split("-", 2)[2]: json.loads(proto.json) for proto in protos}
    return {name: data[0] for name, data in found.items() if isinstance(data, list)}


def original(app: AppTest) -> dict[str, Any]:
    """The lane of the groove in hand."""
    [lane] = players(app)["deck"]["lanes"]
    return dict(lane)


def edit(app: AppTest, hits: object) -> AppTest:
    """The visitor changes the groove in hand."""
    data = players(app)["deck"]
    sent = {"source": data["source"], "lane": "original", "serial": data["serial"] + 1, "hits": hits}
    return send(app, "deck", edit=sent)


def bars(app: AppTest, first: int, last: int) -> AppTest:
    """On the page that has it, choose which bars are shown."""
    bars_slider(app).set_range(first, last).run()
    return app


def bars_slider(app: AppTest) -> Slider[Any]:
    return next(slider for slider in app.slider if slider.label == "Bars to show and play")


def result(app: AppTest) -> dict[str, Any] | None:
    """The lane that the page has handed to the deck."""
    lanes = players(app).get("deck result", {"lanes": []})["lanes"]
    return lanes[0] if lanes else None


def send(app: AppTest, key: str, **state: object) -> AppTest:
    """A component in the browser sets its state, and the page runs as it does then."""
    return _send(app, WidgetState(id=_id(app, key), json_value=json.dumps(state)))


def press(app: AppTest, key: str, value: object, event: str = "act") -> AppTest:
    """Something happens once: a button of a card is pressed, say. `value` is what the browser says of it."""
    said = json.dumps({"event": event, "value": value})
    return _send(app, WidgetState(id=f"$$STREAMLIT_INTERNAL_KEY_{_id(app, key)}__events", json_trigger_value=said))


def _id(app: AppTest, key: str) -> str:
    [found] = [c.proto.id for c in app.get("bidi_component") if c.proto.id.endswith(f"-{key}")]  # type: ignore[attr-defined]
    return str(found)


def _send(app: AppTest, state: WidgetState) -> AppTest:
    widgets = app._tree.get_widget_states()
    widgets.widgets.append(state)
    return app._run(widgets)


def downloads(monkeypatch: pytest.MonkeyPatch) -> Downloads:
    """Name and content of every download of the last run, by its label."""
    found: Downloads = {}

    def button(label: str, data: Callable[[], bytes], name: str, *_: object, **__: object) -> None:
        found[label] = name, data

    monkeypatch.setattr(st, "download_button", button)
    return found
