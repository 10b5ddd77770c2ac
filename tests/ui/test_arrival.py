"""That a deck is there: who waits for it, and for how long."""

from __future__ import annotations

import time
from threading import Event, Thread

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


def told_until_heard(arrivals: Arrivals, mark: str, heard: Event) -> None:
    while not heard.is_set():
        arrivals.tell(mark)
        time.sleep(0.001)


def test_who_waits_goes_on_when_its_own_deck_is_there() -> None:
    arrivals, heard = Arrivals(), Event()
    teller = Thread(target=told_until_heard, args=(arrivals, "mine", heard))
    teller.start()
    assert not arrivals.wait("another", 0.05), "it is another's"
    assert arrivals.wait("mine", LONG)
    heard.set()
    teller.join()
    assert arrivals._waiting == {}, "nothing stays behind"


def test_a_mark_that_nobody_waits_for_is_nothing() -> None:
    arrivals = Arrivals()
    for mark in ("", "x" * 10_000, "mine"):
        arrivals.tell(mark)
    assert arrivals._waiting == {}
    assert not arrivals.wait("mine", 0.01), "what was said before is not remembered"


def test_a_session_waits_once(opened: Arrivals, monkeypatch: pytest.MonkeyPatch) -> None:
    waited = []
    monkeypatch.setattr(opened, "wait", lambda mark, seconds: waited.append((mark, seconds)))
    asked = arrival.address()
    assert arrival.address() == asked, "the same in every run"
    arrival.wait()
    arrival.wait()
    assert waited == [(asked.removeprefix("here/"), arrival.MOST_SECONDS)]


def test_nobody_waits_where_no_server_hears(opened: Arrivals, monkeypatch: pytest.MonkeyPatch) -> None:
    opened.is_open = False
    monkeypatch.setattr(opened, "wait", lambda *_: pytest.fail("it waits"))
    arrival.address()
    arrival.wait()


def test_a_page_without_a_deck_waits_for_none(opened: Arrivals, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opened, "wait", lambda *_: pytest.fail("it waits"))
    arrival.wait()
