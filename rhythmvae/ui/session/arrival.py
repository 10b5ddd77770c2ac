"""When the deck is there: the rest of a first page is sent then, since a browser draws all that it has in one piece.

The deck, as it is first drawn, asks for an address that its page gave it. A page whose browser never asks is sent to
its end all the same, a moment later.
"""

from __future__ import annotations

import secrets
from threading import Event, Lock

import streamlit as st

PATH = "/here"
MOST_SECONDS = 2.5  # until a page goes on without; a slow phone has its deck within one
_MARK, _WAITED = "mark of the deck", "the deck has been waited for"


class Arrivals:
    """Decks that are waited for. Safe for threads."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._waiting: dict[str, Event] = {}
        self.is_open = False  # whether a server hears of them

    def wait(self, mark: str, seconds: float) -> bool:
        """Whether it came in time."""
        with self._lock:
            event = self._waiting.setdefault(mark, Event())
        try:
            return event.wait(seconds)
        finally:
            with self._lock:
                self._waiting.pop(mark, None)

    def tell(self, mark: str) -> None:
        """It is there. A mark that nobody waits for is none of anybody's."""
        with self._lock:
            event = self._waiting.get(mark)
        if event is not None:
            event.set()


ARRIVALS = Arrivals()


def address() -> str:
    """What this session's deck asks for, relative to the app; the same in every run, so that it is sent once."""
    mark: str = st.session_state.setdefault(_MARK, secrets.token_hex(16))
    return f"{PATH.removeprefix('/')}/{mark}"


def wait() -> None:
    """In the first run of a session: until its deck is there, and no longer than MOST_SECONDS."""
    if _WAITED in st.session_state:
        return
    st.session_state[_WAITED] = True
    if ARRIVALS.is_open and (mark := st.session_state.get(_MARK)) is not None:
        ARRIVALS.wait(mark, MOST_SECONDS)
