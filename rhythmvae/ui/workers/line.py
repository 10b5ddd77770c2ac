"""Who is next: the visitor whose last turn is longest ago, so that who asks often does not starve who asks seldom."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass

REMEMBERED = 1_000  # visitors whose last turn is known


@dataclass(frozen=True, eq=False)
class Ticket:
    """One request in the line."""

    who: Hashable


class Line:
    """Those who wait, and who had a turn when. Not safe for threads: its owner has a lock.

    Someone who leaves and comes again keeps his place, for that hangs on his last turn.
    """

    def __init__(self) -> None:
        self._waiting: list[Ticket] = []
        self._turns: OrderedDict[Hashable, int] = OrderedDict()  # the youngest last
        self._n_turns = 0

    def __len__(self) -> int:
        return len(self._waiting)

    def join(self, who: Hashable) -> Ticket:
        ticket = Ticket(who)
        self._waiting.append(ticket)
        return ticket

    def leave(self, ticket: Ticket) -> None:
        """Nothing happens where it has left already."""
        self._waiting = [other for other in self._waiting if other is not ticket]

    def first(self) -> Ticket | None:
        """Whose turn it is. Of one visitor's requests and among newcomers, the oldest comes first."""
        return min(self._waiting, key=lambda ticket: self._turns.get(ticket.who, 0), default=None)

    def serve(self, ticket: Ticket) -> None:
        """It leaves the line for its turn."""
        self.leave(ticket)
        self._n_turns += 1
        self._turns[ticket.who] = self._n_turns
        self._turns.move_to_end(ticket.who)
        while len(self._turns) > REMEMBERED:
            self._turns.popitem(last=False)
