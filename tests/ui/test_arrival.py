"""That a deck is there: who waits for it, and for how long."""

from __future__ import annotations

import time
from threading import Timer

import pytest
import streamlit as st

from rhythmvae.ui.session import arrival
from rhythmvae.ui.session.arrival import Arrivals

LONG = 60.0


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> Arrivals:
    """As in a server, with a session of its own."""
    arrivals = Arrivals()
    arrivals.is_open = True
    monkeypatch.setattr(arrival, "ARRIVALS", arrivals)
    monkeypatch.setattr(st, "session_state", {})
    return arrivals


def test_who_waits_goes_on_when_its_own_deck_is_there() -> None:
    arrivals = Arrivals()
    for mark in ("mine", "another"):
        arrivals.expect(mark)
    Timer(0.05, arrivals.tell, ["mine"]).start()
    assert arrivals.wait("mine", LONG)
    assert not arrivals.wait("another", 0.01)
    assert arrivals._waiting == {}, "nothing stays behind"


def test_a_deck_may_be_there_before_it_is_waited_for() -> None:
    arrivals = Arrivals()
    arrivals.expect("mine")
    arrivals.tell("mine")
    assert arrivals.wait("mine", 0)


def test_a_mark_that_nobody_expects_is_nothing() -> None:
    arrivals = Arrivals()
    for mark in ("", "x" * 10_000, "mine"):
        arrivals.tell(mark)
    assert arrivals._waiting == {}


def test_a_session_waits_in_its_first_run(opened: Arrivals, monkeypatch: pytest.MonkeyPatch) -> None:
    waited = []
    monkeypatch.setattr(opened, "wait", lambda mark, seconds: waited.append((mark, seconds)))
    assert arrival.is_due()
    asked = arrival.address()
    assert arrival.address() == asked, "the same in every run"
    arrival.wait()
    assert waited == [(asked.removeprefix("here/"), arrival.MOST_SECONDS)]
    assert not arrival.is_due()


def test_nobody_waits_where_no_server_hears(opened: Arrivals) -> None:
    opened.is_open = False
    assert not arrival.is_due()
    arrival.address()
    assert opened._waiting == {}, "nothing is kept of a session"


def test_where_no_deck_could_be_shown_none_is_waited_for(opened: Arrivals, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opened, "wait", lambda *_: pytest.fail("it waits"))
    arrival.wait()


def test_another_page_s_heading_has_a_moment(opened: Arrivals, monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []
    monkeypatch.setattr(time, "sleep", slept.append)
    for page, n in [("map", 1), ("map", 1), ("train", 2), ("", 3), ("", 3)]:
        arrival.let_draw(page)
        assert slept == n * [arrival.HEADING_SECONDS]
    opened.is_open = False
    arrival.let_draw("map")
    assert len(slept) == 3
