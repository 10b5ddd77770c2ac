"""Turns where there are no workers."""

from __future__ import annotations

import threading
import time

import pytest

from rhythmvae.ui.workers.turns import Turns

PATIENCE_S = 60.0


def nobody(is_running: bool) -> None:
    pass


def waiting(turns: Turns, n: int) -> None:
    end = time.monotonic() + PATIENCE_S
    while len(turns._line) < n:
        assert time.monotonic() < end
        time.sleep(0.005)


def test_one_at_a_time_and_by_turns() -> None:
    turns, had, inside = Turns(), list[str](), list[int]()

    def take(who: str) -> None:
        with turns.turn((who,), nobody):
            inside.append(1)
            had.append(who)
            assert len(inside) == 1
            inside.pop()

    threads = []
    with turns.turn(("a",), nobody):
        for n, who in enumerate("aaab", start=1):
            threads.append(threading.Thread(target=take, args=(who,)))
            threads[-1].start()
            waiting(turns, n)
    for thread in threads:
        thread.join(PATIENCE_S)
    assert "".join(had) == "baaa"


def test_what_is_outdated_while_it_waits_is_never_begun() -> None:
    class NewerError(Exception):
        pass

    def outdated(is_running: bool) -> None:
        assert not is_running
        raise NewerError

    turns = Turns()
    with turns.turn(("a",), nobody), pytest.raises(NewerError), turns.turn(("b",), outdated):
        pytest.fail("it was begun")
    assert not len(turns._line)
    with turns.turn(("b",), nobody):  # and is in nobody's way
        pass


def test_an_error_ends_a_turn() -> None:
    turns = Turns()
    with pytest.raises(ZeroDivisionError), turns.turn(("a",), nobody):
        raise ZeroDivisionError
    with turns.turn(("a",), nobody):
        pass
