"""`/lane/TOKEN/SLIDER`: what a browser gets, and what is never computed."""

from __future__ import annotations

import gzip
import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.routing import Route

from rhythmvae.data.examples import example
from rhythmvae.errors import UsageError
from rhythmvae.ui import played
from rhythmvae.ui.server import lanes as served
from rhythmvae.ui.session import computing, lanes
from rhythmvae.ui.session.caches import Settings
from rhythmvae.ui.session.computing import Asker
from rhythmvae.ui.session.lanes import Stand
from rhythmvae.ui.shared import kept
from tests.ui.server.asking import answer, ask

STAND = Stand(example("disco"), Settings(), object, ("a", "b"))  # type: ignore[arg-type]  # nobody looks at its model
APP = Starlette(routes=[Route(served.ROUTE, served.answer)])
Given = list[tuple[str, Any]]


@pytest.fixture
def given(monkeypatch: pytest.MonkeyPatch) -> Given:
    """What was asked of the caches."""
    found: Given = []
    monkeypatch.setattr(lanes.STANDS, "find", lambda token: STAND if token == "known" else None)

    def lane(stand: Stand, name: str, *, is_coarse: bool) -> bytes | None:
        found.append((name, is_coarse))
        return played.packed({"name": name}) if name == "density" else None

    def rested(stand: Stand, name: str, percent: int) -> bytes:
        found.append((name, percent))
        if percent == 13:
            raise UsageError("Expected another, got 13.")
        return played.packed({"hits": []})

    monkeypatch.setattr(lanes, "lane", lane)
    monkeypatch.setattr(lanes, "answer", rested)
    monkeypatch.setattr(lanes, "base", lambda *_: "stands")
    return found


def test_a_lane_its_first_moment_and_a_place_of_it(given: Given) -> None:
    found = answer(APP, "/lane/known/density")
    assert (found.status, json.loads(found.body)) == (200, {"name": "density"})
    assert found.headers["cache-control"] == "no-store"
    assert json.loads(answer(APP, "/lane/known/density?at=7").body) == {"hits": []}
    packed = answer(APP, "/lane/known/density?coarse", accept_encoding="gzip, br")
    assert packed.headers["content-encoding"] == "gzip"
    assert json.loads(gzip.decompress(packed.body)) == {"name": "density"}
    assert given == [("density", False), ("density", 7), ("density", True)]


@pytest.mark.parametrize(
    "path",
    [
        "/lane/guessed/density",
        "/lane/known/wobble",
        "/lane/known/density?at=101",
        "/lane/known/density?at=-1",
        "/lane/known/density?at=1e9",
        "/lane/known/density?at=%D9%A3",
        "/lane/known/density/more",
    ],
)
def test_what_nobody_offered_is_not_there(given: Given, path: str) -> None:
    assert answer(APP, path).status == 404


def test_what_cannot_be_computed_is_a_sentence(given: Given) -> None:
    found = answer(APP, "/lane/known/density?at=13")
    assert (found.status, found.text) == (400, "Expected another, got 13.")


def test_too_many_at_a_time_are_told_to_come_again(given: Given, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(served, "MOST_AHEAD", 0)
    found = answer(APP, "/lane/known/density?ahead")
    assert (found.status, found.headers["retry-after"]) == (503, "1")
    assert not given
    assert answer(APP, "/lane/known/density").status == 200, "what may wait takes no hand's place"
    monkeypatch.setattr(served, "MOST", 0)
    assert answer(APP, "/lane/known/density").status == 503


def test_what_may_wait_waits_and_who_goes_away_has_nothing_computed(
    given: Given, monkeypatch: pytest.MonkeyPatch
) -> None:
    askers: list[Asker] = []
    is_over = threading.Event()

    def waits(stand: Stand, name: str, *, is_coarse: bool) -> bytes:
        """As in the line of the workers, until it is withdrawn."""
        asker = computing._ASKER.get()
        assert asker is not None
        askers.append(asker)
        for _ in range(200):
            asker.look(True)  # begun, it would go on
            try:
                asker.look(False)
            except BaseException:
                is_over.set()
                raise
            is_over.wait(0.05)
        raise AssertionError("nobody withdrew it")

    monkeypatch.setattr(lanes, "lane", waits)
    sent = ask(APP, "/lane/known/density?ahead", goes_away=True)
    assert is_over.is_set()
    assert sent[0]["status"] == 499
    assert (askers[0].who, askers[0].can_wait) == (STAND.who, True)


def test_a_hand_that_comes_to_a_lane_that_may_wait_has_it_computed_in_its_own_turn(
    given: Given, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in a full house: what may wait would wait for ever, and whoever wants the same behind it."""
    turns: list[bool] = []
    has_begun = threading.Event()

    @kept()
    def computed() -> bytes:
        asker = computing._ASKER.get()
        assert asker is not None
        turns.append(asker.can_wait)
        while asker.can_wait:
            has_begun.set()
            asker.look(False)
            time.sleep(0.005)
        return played.packed({"name": "density"})

    monkeypatch.setattr(lanes, "lane", lambda stand, name, is_coarse: computed())
    monkeypatch.setattr(served, "LOOK_SECONDS", 0.005)
    with ThreadPoolExecutor(2) as threads:
        ahead = threads.submit(answer, APP, "/lane/known/density?ahead")
        assert has_begun.wait(30)
        by_hand = threads.submit(answer, APP, "/lane/known/density")
        assert (by_hand.result(30).status, ahead.result(30).status) == (200, 200)
    assert turns == [True, False], "and computed once"
