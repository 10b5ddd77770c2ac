"""Batches of coming steps, made by other threads while a GPU computes: one takes as long as the other."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Generic, TypeVar

N_THREADS = 8
N_AHEAD = 2 * N_THREADS

T = TypeVar("T")


class Ahead(Generic[T]):
    """`draw(step)` for steps in order, begun before they are asked for.

    Args:
        draw: a function of the step alone, safe in threads.

    >>> squares = Ahead(lambda step: step * step)
    >>> squares(0), squares(1), squares(7)
    (0, 1, 49)
    """

    def __init__(self, draw: Callable[[int], T]) -> None:
        self._draw = draw
        self._pool = ThreadPoolExecutor(N_THREADS)
        self._begun: dict[int, Future[T]] = {}

    def __call__(self, step: int) -> T:
        """What `draw` gives for a step; raises what it raises."""
        for coming in range(step, step + N_AHEAD):
            if coming not in self._begun:
                self._begun[coming] = self._pool.submit(self._draw, coming)
        found = self._begun.pop(step).result()
        self._begun = {begun: future for begun, future in self._begun.items() if begun > step}
        return found
