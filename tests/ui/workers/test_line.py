"""Whose turn it is among those who want something computed."""

import pytest

from rhythmvae.ui.workers import line
from rhythmvae.ui.workers.line import Line


def served(found: Line) -> list[object]:
    """Who has a turn, one after the other, until nobody waits."""
    turns = []
    while (ticket := found.first()) is not None:
        found.serve(ticket)
        turns.append(ticket.who)
    return turns


def test_who_asks_often_does_not_starve_who_asks_seldom() -> None:
    waiting = Line()
    for who in "aaaabaac":
        waiting.join(who)
    assert "".join(map(str, served(waiting))) == "abcaaaaa"


def test_turns_go_round() -> None:
    waiting = Line()
    for who in "aabbcc":
        waiting.join(who)
    assert "".join(map(str, served(waiting))) == "abcabc"


def test_a_newer_request_keeps_its_visitors_place() -> None:
    waiting = Line()
    waiting.serve(waiting.join("b"))
    first = waiting.join("a")
    waiting.join("b")
    waiting.leave(first)  # outdated
    waiting.leave(first)
    waiting.join("a")
    assert served(waiting) == ["a", "b"]
    assert len(waiting) == 0


def test_visitors_who_are_long_gone_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(line, "REMEMBERED", 2)
    waiting = Line()
    for who in "abc":
        waiting.serve(waiting.join(who))
    waiting.join("b")
    waiting.join("a")
    assert served(waiting) == ["a", "b"]  # a counts as new
