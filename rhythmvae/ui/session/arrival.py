"""When the deck is there: the rest of a first page is sent then, since a browser draws all that it has in one piece.

The deck, as soon as a tap would sound, asks for an address that its page gave it. A page whose browser never asks is
sent to its end all the same, a moment later.
"""

from __future__ import annotations

import secrets
import time
from threading import Event, Lock

import streamlit as st

PATH = "/here"
MOST_SECONDS = 2.5  # until a page goes on without; a slow phone has its deck within one
HEADING_SECONDS = 0.03  # in which a browser begins to draw a heading by itself
_MARK, _BEGUN, _PAGE = "mark of the deck", "a deck has been due", "page whose heading was sent"


class Arrivals:
    """Decks that are waited for. Safe for threads."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._waiting: dict[str, Event] = {}
        self.is_open = False  # whether a server hears of them

    def expect(self, mark: str) -> None:
        """From here on it may come."""
        with self._lock:
            self._waiting[mark] = Event()

    def wait(self, mark: str, seconds: float) -> bool:
        """Whether it came in time."""
        with self._lock:
            event = self._waiting[mark]
        try:
            return event.wait(seconds)
        finally:
            with self._lock:
                self._waiting.pop(mark, None)

    def tell(self, mark: str) -> None:
        """It is there. Of a mark that nobody expects nothing is kept."""
        with self._lock:
            event = self._waiting.get(mark)
        if event is not None:
            event.set()


ARRIVALS = Arrivals()


def address() -> str:
    """What this session's deck asks for, relative to the app; the same in every run, so that it is sent once."""
    if _MARK not in st.session_state:
        mark = st.session_state[_MARK] = secrets.token_hex(16)
        if ARRIVALS.is_open:  # else nobody would wait, and nothing take it away again
            ARRIVALS.expect(mark)
    mark = st.session_state[_MARK]
    return f"{PATH.removeprefix('/')}/{mark}"


def is_due() -> bool:
    """Whether this run is the first of a session, and a server hears of decks: once."""
    is_first = _BEGUN not in st.session_state
    st.session_state[_BEGUN] = True
    return is_first and ARRIVALS.is_open


def wait() -> None:
    """Until the deck that was given this session's address is there, and no longer than MOST_SECONDS."""
    if (mark := st.session_state.get(_MARK)) is not None:  # none where the deck could not be shown
        ARRIVALS.wait(mark, MOST_SECONDS)


def let_draw(page: str) -> None:
    """Where another page was asked for: a moment in which the browser has nothing but its heading to draw."""
    is_another = st.session_state.get(_PAGE) != page
    st.session_state[_PAGE] = page
    if is_another and ARRIVALS.is_open:
        time.sleep(HEADING_SECONDS)
