"""Who is next: the visitor whose last turn is longest ago, so that who asks often does not starve who asks seldom.

A visitor is known in levels, the widest first: (address, browser, open page), say. Those at one address take turns
with the other addresses first, and then among themselves, so that five pages of one visitor get no more than the one
page of another; where all have one address, as behind some proxies, the next level decides.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from threading import Condition
from typing import TypeVar

LOOK_SECONDS = 0.05  # between two looks at who waits
REMEMBERED = 3_000  # visitors whose last turn is known, each level counted

Who = tuple[str, ...]
T = TypeVar("T")


@dataclass(frozen=True, eq=False)
class Ticket:
    """One request in the line.

    can_wait: it goes after all that cannot, and takes nobody's turn.
    """

    who: Who
    can_wait: bool = False


class Line:
    """Those who wait, and who had a turn when. Not safe for threads: its owner has a lock.

    Someone who leaves and comes again keeps his place, for that hangs on his last turn.
    """

    def __init__(self) -> None:
        self._waiting: list[Ticket] = []
        self._turns: OrderedDict[Who, int] = OrderedDict()  # the youngest last
        self._n_turns = 0

    def __len__(self) -> int:
        return len(self._waiting)

    def join(self, who: Who, can_wait: bool = False) -> Ticket:
        ticket = Ticket(who, can_wait)
        self._waiting.append(ticket)
        return ticket

    def leave(self, ticket: Ticket) -> None:
        """Nothing happens where it has left already."""
        self._waiting = [other for other in self._waiting if other is not ticket]

    def first(self) -> Ticket | None:
        """Whose turn it is. Of one visitor's requests and among newcomers, the oldest comes first."""
        return min(self._waiting, key=self._last_turns, default=None)

    def serve(self, ticket: Ticket) -> None:
        """It leaves the line for its turn."""
        self.leave(ticket)
        if ticket.can_wait:
            return
        self._n_turns += 1
        for level in _levels(ticket.who):
            self._turns[level] = self._n_turns
            self._turns.move_to_end(level)
        while len(self._turns) > REMEMBERED:
            self._turns.popitem(last=False)

    def _last_turns(self, ticket: Ticket) -> list[int]:
        return [ticket.can_wait, *(self._turns.get(level, 0) for level in _levels(ticket.who))]


def _levels(who: Who) -> list[Who]:
    return [who[: n + 1] for n in range(len(who))]


def wait(
    line: Line,
    changed: Condition,
    who: Who,
    look: Callable[[bool], None],
    take: Callable[[Ticket], T | None],
    can_wait: bool = False,
) -> T:
    """Join a line and wait until `take` gives something.

    Args:
        can_wait: as `Ticket` has it.
        changed: of the line's owner; its lock is held wherever the line is touched.
        take: asked under the lock, twenty times a second or at every change. Where it gives something, it has served.
        look: called with False after each time without; what it or `take` raises withdraws the ticket.
    """
    with changed:
        ticket = line.join(who, can_wait)
    try:
        while True:
            with changed:
                if (taken := take(ticket)) is not None:
                    return taken
                changed.wait(LOOK_SECONDS)
            look(False)
    except BaseException:
        with changed:
            line.leave(ticket)
            changed.notify_all()
        raise
