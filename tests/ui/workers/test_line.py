"""Whose turn it is among those who want something computed."""

import pytest

from rhythmvae.ui.workers import line
from rhythmvae.ui.workers.line import Line


def served(found: Line) -> list[str]:
    """Who has a turn, one after the other, until nobody waits."""
    turns = []
    while (ticket := found.first()) is not None:
        found.serve(ticket)
        turns.append("".join(ticket.who))
    return turns


def visitors(names: str) -> list[tuple[str, ...]]:
    """Each of one level."""
    return [(name,) for name in names]


def test_who_asks_often_does_not_starve_who_asks_seldom() -> None:
    waiting = Line()
    for who in visitors("aaaabaac"):
        waiting.join(who)
    assert "".join(served(waiting)) == "abcaaaaa"


def test_five_pages_of_one_visitor_get_no_more_than_the_one_of_another() -> None:
    waiting = Line()
    pages = [("a", page) for page in "12345"]
    for page in pages + pages:
        waiting.join(page)
    for _ in range(3):
        waiting.join(("b", "1"))
    assert served(waiting) == ["a1", "b1", "a2", "b1", "a3", "b1", "a4", "a5", "a1", "a2", "a3", "a4", "a5"]


def test_turns_go_round() -> None:
    waiting = Line()
    for who in visitors("aabbcc"):
        waiting.join(who)
    assert "".join(served(waiting)) == "abcabc"


def test_a_newer_request_keeps_its_visitors_place() -> None:
    waiting = Line()
    waiting.serve(waiting.join(("b",)))
    first = waiting.join(("a",))
    waiting.join(("b",))
    waiting.leave(first)  # outdated
    waiting.leave(first)
    waiting.join(("a",))
    assert served(waiting) == ["a", "b"]
    assert len(waiting) == 0


def test_visitors_who_are_long_gone_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(line, "REMEMBERED", 2)
    waiting = Line()
    for who in visitors("abc"):
        waiting.serve(waiting.join(who))
    waiting.join(("b",))
    waiting.join(("a",))
    assert served(waiting) == ["a", "b"]  # a counts as new


def test_what_can_wait_comes_after_all_else_and_takes_no_turn() -> None:
    waiting = Line()
    ahead = waiting.join(("a",), can_wait=True)
    for who in visitors("ba"):
        waiting.join(who)
    assert served(waiting) == ["b", "a", "a"]
    waiting.serve(ahead)
    for who in visitors("ab"):
        waiting.join(who)
    assert served(waiting) == ["b", "a"], "its visitor is as far behind as before"
