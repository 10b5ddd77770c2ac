"""What is said beside the results: lines and progress bars on stderr."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

from tqdm import tqdm


def say(sentence: str) -> None:
    """One line on stderr, whatever names are in it, around a progress bar if there is one."""
    tqdm.write(f"rhythmvae: {' '.join(sentence.split())}", file=sys.stderr)


@contextmanager
def counting(label: str, unit: str) -> Iterator[Callable[[int, int], None]]:
    """A progress bar for whatever tells (done, in all)."""
    with tqdm(desc=label, unit=unit, disable=None, leave=False) as bar:

        def told(done: int, in_all: int) -> None:
            bar.total = in_all
            bar.update(done - bar.n)

        yield told


def reading_bar() -> AbstractContextManager[Callable[[int, int], None]]:
    return counting("Reading", "file")
