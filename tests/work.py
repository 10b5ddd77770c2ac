"""Work that is counted, not timed: a slow machine, or a busy one, counts the same.

A bound in seconds breaks where a machine is slow and holds nothing where it is quick. What grows in proportion, or
stops early, is held by the lines of Python that run; what stays small, by the memory that is taken.
"""

from __future__ import annotations

import sys
import tracemalloc
from collections.abc import Callable
from types import FrameType
from typing import Any

PROPORTION = 2.3  # times the lines for twice the data: 4 where every piece meets every other


def lines_of(work: Callable[[], object]) -> int:
    """Lines of Python that `work` runs, counted again at each turn of a loop. What compiled code does is not seen."""
    n = 0

    def count(frame: FrameType, event: str, argument: Any) -> Any:
        nonlocal n
        n += event == "line"
        return count

    before = sys.gettrace()
    sys.settrace(count)
    try:
        work()
    finally:
        sys.settrace(before)
    return n


def growth(prepare: Callable[[int], Callable[[], object]], n: int) -> float:
    """How many times the lines run for twice the data. `prepare(n)` makes the data and returns the work on it."""
    prepare(n)()  # what is imported or kept at the first call is not counted
    return lines_of(prepare(2 * n)) / lines_of(prepare(n))


def peak_bytes(work: Callable[[], object]) -> int:
    """The most memory that `work` holds at a time beyond what was there, numpy's arrays included."""
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
