"""Who reads batches of files for an index: this process, others of this machine, or an engine's workers (`engine`)."""

from __future__ import annotations

import multiprocessing
import signal
from collections.abc import Sequence
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from rhythmvae.errors import LibraryError
from rhythmvae.library.content import Read
from rhythmvae.midi.report import ReadOptions

if TYPE_CHECKING:
    from rhythmvae.library.reading import Given

Reads = list[Read | str]  # what is in each file, or the sentence of its error; in order


class Readers(Protocol):
    """Reads batches elsewhere, several at a time."""

    @property
    def most(self) -> int:
        """How many batches may be under way, so that nobody waits and memory is bounded."""
        ...

    def submit(self, files: Sequence[Given]) -> Future[Reads]:
        """Have a batch read."""
        ...

    def result(self, future: Future[Reads]) -> Reads:
        """What a batch gave, when it is there; raises LibraryError where nobody can read it."""
        ...

    def close(self) -> None: ...


class Processes:
    """Processes of this machine."""

    def __init__(self, n: int, checkpoint: Path, options: ReadOptions) -> None:
        self.most = 3 * n
        self._pool = _pool(n, checkpoint, options)

    def submit(self, files: Sequence[Given]) -> Future[Reads]:
        return self._pool.submit(_read, files)

    def result(self, future: Future[Reads]) -> Reads:
        try:
            return future.result()
        except BrokenProcessPool:
            raise LibraryError(
                "Expected the processes that read to go on, but one of them was ended, perhaps for want of memory; "
                "index again, with fewer --processes: what is read by now stays."
            ) from None

    def close(self) -> None:
        self._pool.shutdown(wait=True, cancel_futures=True)


def _pool(n: int, checkpoint: Path, options: ReadOptions) -> Executor:
    methods = multiprocessing.get_all_start_methods()
    context = multiprocessing.get_context("forkserver" if "forkserver" in methods else "spawn")
    if context.get_start_method() == "forkserver":
        context.set_forkserver_preload(["rhythmvae.library.reading"])  # they share what it has imported
    return ProcessPoolExecutor(n, context, _begin, (checkpoint, options))


def _begin(checkpoint: Path, options: ReadOptions) -> None:
    from rhythmvae.library import reading

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the process that writes ends them
    reading.begin(checkpoint, options)


def _read(files: Sequence[Given]) -> Reads:
    from rhythmvae.library import reading

    return reading.read(files)
