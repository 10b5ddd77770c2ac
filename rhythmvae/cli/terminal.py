"""What a command says beside its results, on stderr: errors, remarks and progress bars."""

from __future__ import annotations

import sys
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

from tqdm import tqdm

if TYPE_CHECKING:
    from rhythmvae.data.corpus import OnProgress

T = TypeVar("T")


def say(sentence: str) -> None:
    """One line on stderr, whatever names are in it, around a progress bar if there is one."""
    tqdm.write(f"rhythmvae: {' '.join(sentence.split())}", file=sys.stderr)


class Terminal:
    """Where a command shows how far it is. Bars appear only where stderr is a terminal.

    Args:
        is_quiet: show neither bars nor remarks; errors are said by `say`, whatever this is.
    """

    def __init__(self, is_quiet: bool = False) -> None:
        self.is_quiet = is_quiet

    def remark(self, sentence: str) -> None:
        """Say what is worth knowing but no error."""
        if not self.is_quiet:
            say(sentence)

    def bar(self, label: str, unit: str, **more: Any) -> Any:
        """A progress bar (tqdm); it goes away when it is closed, unless `leave` is True."""
        hidden = True if self.is_quiet else None  # None hides it where stderr is no terminal
        return tqdm(**{"desc": label, "unit": unit, "disable": hidden, "leave": False, **more})

    def each(self, items: Collection[T], label: str, unit: str = "file") -> Iterator[T]:
        """The items one by one, with a bar."""
        with self.bar(label, unit, total=len(items)) as bar:
            for item in items:
                yield item
                bar.update()

    @contextmanager
    def counting(self, label: str, unit: str) -> Iterator[OnProgress]:
        """A bar for whatever reports progress as (done, in all)."""
        with self.bar(label, unit) as bar:

            def on_progress(done: int, in_all: int) -> None:
                bar.total = in_all
                bar.update(done - bar.n)

            yield on_progress
