"""Turns in the pages' process, where there are no workers: who steers there at once waits for the others' lock."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Condition, Lock

from rhythmvae.ui.workers.line import Line, Ticket, Who, wait


class Turns:
    """A few at a time, by a fair line. Safe for threads."""

    def __init__(self, n_at_a_time: int = 1) -> None:
        self._n_free = n_at_a_time
        self._changed = Condition(Lock())
        self._line = Line()

    @contextmanager
    def turn(self, who: Who, look: Callable[[bool], None]) -> Iterator[None]:
        """Wait for a turn, and have it.

        Args:
            who: whose turn it is.
            look: called twenty times a second with False while it waits; what it raises withdraws it.
        """
        wait(self._line, self._changed, who, look, self._take)
        try:
            yield
        finally:
            with self._changed:
                self._n_free += 1
                self._changed.notify_all()

    def _take(self, ticket: Ticket) -> bool | None:
        if not self._n_free or self._line.first() is not ticket:
            return None
        self._line.serve(ticket)
        self._n_free -= 1
        return True
