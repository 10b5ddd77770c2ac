"""A word left behind: a few lines to whoever runs the app."""

from __future__ import annotations

import time
from collections import OrderedDict
from dataclasses import dataclass, field
from threading import Lock
from typing import TYPE_CHECKING

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from rhythmvae.errors import UsageError
from rhythmvae.ui.parts.sentences import errors_shown
from rhythmvae.ui.session import models
from rhythmvae.ui.shared import database, kept

if TYPE_CHECKING:
    from rhythmvae.store.feedback import FeedbackBook

MAX_EACH = 5  # words of one visitor an hour
_HOUR = 3_600  # s
_SENT = "feedback sent"


@dataclass
class Recent:
    """When visitors did something, in this process alone: who they are is not kept.

    Args:
        most: times an hour for each.
        sentence: what is said to who comes more often.
    """

    MAX_VISITORS = 1_000
    most: int = MAX_EACH
    sentence: str = f"You have sent {MAX_EACH} messages within an hour: try again later."
    times: OrderedDict[str, list[float]] = field(default_factory=OrderedDict)
    lock: Lock = field(default_factory=Lock)

    def check(self, visitor: str, now: float) -> None:
        """Count one more.

        Raises:
            UsageError: more than `most` in an hour.
        """
        with self.lock:
            own = [at for at in self.times.pop(visitor, []) if now - at < _HOUR]
            is_full = len(own) >= self.most
            self.times[visitor] = own if is_full else [*own, now]
            while len(self.times) > self.MAX_VISITORS:
                self.times.popitem(last=False)
        if is_full:
            raise UsageError(self.sentence)


def show() -> None:
    """A text area and a button; nothing where nothing is kept."""
    if (book := _book()) is None:
        return
    st.subheader("Leave a word")
    if st.session_state.pop(_SENT, False):
        st.success("Thank you, it has arrived.", icon=":material/check:")
    with st.form("feedback", clear_on_submit=True):
        text = st.text_area("What works, what does not, what is missing", max_chars=_max_text())
        st.caption(
            "Your text, the page, the model in use and the time are stored for whoever runs this app; "
            "nothing else about you is."
        )
        is_sent = st.form_submit_button("Send")
    if is_sent:
        with errors_shown():
            send(book, text)
            st.session_state[_SENT] = True
            st.rerun()


def send(book: FeedbackBook, text: str) -> None:
    """Keep a visitor's words.

    Raises:
        UsageError: no words, too long, or too many.
        StoreError: the database fails.
    """
    from rhythmvae.store.feedback import Feedback

    now = time.time()
    if text.strip():
        _recent().check(visitor_address(), now)
    book.add(Feedback(text, "about", models.in_use().digest, now))


def visitor_address() -> str:
    """The address that a visitor comes from, or the session where it is not known, as on one's own machine."""
    context = get_script_run_ctx()
    return st.context.ip_address or (context.session_id if context else "")


def _max_text() -> int:
    from rhythmvae.store.feedback import MAX_TEXT

    return MAX_TEXT


@kept()
def _recent() -> Recent:
    return Recent()


def _book() -> FeedbackBook | None:
    if (kept_in := database()) is None:
        return None
    from rhythmvae.store.feedback import FeedbackBook  # not above: SQLAlchemy takes 0.3 s

    return FeedbackBook(kept_in)
