"""Workers on many machines read for an index: an engine of Dask's distributed that is there already, by its address.

The process that indexes walks, takes digests and writes, as it does alone; workers get the bytes of files and give what
is in them. They write nothing, so one that dies loses and doubles nothing: its batches go to another one. Each worker
needs this package, of the same version, and the model. Sounds alone are read by workers where they lie.

A scheduler and its workers run what their clients send them: an engine is for machines that trust each other.
"""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Sequence
from concurrent.futures import CancelledError, Future
from concurrent.futures import TimeoutError as NotYet
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

from rhythmvae import __version__
from rhythmvae.errors import LibraryError, RhythmVAEError
from rhythmvae.library.readers import Reads
from rhythmvae.midi.report import ReadOptions
from rhythmvae.model import outline
from rhythmvae.model.card import SHIPPED
from rhythmvae.text import clean_text, counted

if TYPE_CHECKING:
    from rhythmvae.library.reading import Given

CONNECT_SECONDS = 10.0
WORKER_SECONDS = 20.0  # to wait for a first worker, or for another one when all have gone
LOOK_SECONDS = 2.0  # between two looks at who is there
A_WORKER = 3  # batches under way for each thread of a worker
_ADDRESS = re.compile(r"(?:(?:tcp|tls|ws|wss)://)?(?:\[[0-9a-fA-F:.]+\]|[\w.-]+):\d{1,5}")
_READING = Lock()  # a worker with several threads has one model
_ready: dict[str, Any] = {}


@dataclass(frozen=True)
class Start:
    """What a worker begins with.

    Args:
        version: of this package. checkpoint: where the model lies, None for the shipped one. digest: of it.
    """

    version: str
    checkpoint: Path | None
    digest: str
    options: ReadOptions


class Engine:
    """The workers of a scheduler.

    Raises:
        LibraryError: no such engine, none of its workers there, or one that lacks the package or the model.
    """

    def __init__(self, address: str, checkpoint: Path, digest: str, options: ReadOptions) -> None:
        self.address = clean_text(address, 200)
        own = None if checkpoint.resolve() == SHIPPED.resolve() else checkpoint.resolve()
        self._start = Start(__version__, own, digest, options)
        self._client = _connected(address)
        try:
            self._wait_for_a_worker()
            self._check_all()
        except BaseException:
            self.close()
            raise
        self._futures = self._client.get_executor(pure=False)
        self._looked, self._n_threads = 0.0, 1

    @property
    def most(self) -> int:
        now = time.monotonic()
        if now > self._looked + LOOK_SECONDS:  # workers come and go
            self._looked, self._n_threads = now, max(1, sum(self._threads().values()))
        return A_WORKER * self._n_threads

    def submit(self, files: Sequence[Given]) -> Future[Reads]:
        future: Future[Reads] = self._futures.submit(read, self._start, files)
        return future

    def result(self, future: Future[Reads]) -> Reads:
        from distributed import KilledWorker

        alone_since: float | None = None
        while True:
            try:
                return future.result(LOOK_SECONDS)
            except NotYet:
                alone_since = None if self._threads() else alone_since or time.monotonic()
                if alone_since is not None and time.monotonic() > alone_since + WORKER_SECONDS:
                    raise LibraryError(f"Expected workers of {self.address}, but all have gone; {_AGAIN}") from None
            except KilledWorker:
                raise LibraryError(
                    "Expected workers that read a batch of files, but it ended one after the other, perhaps for want "
                    f"of memory; {_AGAIN}"
                ) from None
            except CancelledError:
                raise LibraryError(
                    f"Expected the scheduler at {self.address} to go on, it has gone; {_AGAIN}"
                ) from None
            except RhythmVAEError:
                raise
            except Exception as error:  # of any kind: what a worker lacks, or that it has another version of
                raise LibraryError(_lacking(self.address, error)) from error

    def close(self) -> None:
        # Futures that are left are forgotten by the scheduler when their client goes.
        self._client.close(timeout=LOOK_SECONDS)

    def _threads(self) -> dict[str, int]:
        """Of each worker that is there its threads, by its address; none where the scheduler is gone."""
        try:
            found: dict[str, int] = self._client.nthreads()
        except (OSError, ValueError, RuntimeError):
            return {}
        return found

    def _wait_for_a_worker(self) -> None:
        try:
            self._client.wait_for_workers(1, timeout=WORKER_SECONDS)
        except (OSError, NotYet):
            raise LibraryError(
                f"Expected workers that read, the scheduler at {self.address} has none; start some with "
                f"`dask worker {self.address}`."
            ) from None

    def _check_all(self) -> None:
        try:
            said = self._client.run(lacking, self._start, on_error="return")
        except Exception as error:  # of any kind: it has crossed the network
            said = {self.address: error}
        wrong = {worker: each for worker, each in said.items() if each is not None}
        for worker, each in wrong.items():
            why = each if isinstance(each, str) else _lacking(worker, each)
            more = f" ({counted(len(wrong) - 1, 'worker')} more)" if len(wrong) > 1 else ""
            raise LibraryError(f"{why}{more}")


_AGAIN = "index again when they are there: what is read by now stays."


def _connected(address: str) -> Any:
    shown = clean_text(address, 200)
    expected = "Expected the address of a Dask scheduler, such as tcp://10.0.0.5:8786,"
    if not _ADDRESS.fullmatch(address):
        raise LibraryError(f"{expected} got {shown!r}.")
    try:
        import distributed
    except ImportError:
        raise LibraryError(
            "Expected Dask's distributed to use an engine, which is not installed; "
            "add it with `pip install 'rhythmvae[engine]'`."
        ) from None
    logging.getLogger("distributed").setLevel(logging.CRITICAL)  # what goes wrong is said in our own sentence
    try:
        return distributed.Client(  # type: ignore[no-untyped-call]
            address, timeout=CONNECT_SECONDS, set_as_default=False
        )
    except (OSError, ValueError, TypeError):
        raise LibraryError(f"{expected} nobody answers at {shown}; start one with `dask scheduler`.") from None


def _lacking(worker: str, error: BaseException) -> str:
    why = clean_text(f"{type(error).__name__}: {error}", 200)
    return (
        f"Expected rhythmvae {__version__} on every worker, {clean_text(worker, 100)} failed ({why}); install it there "
        "and start the worker again."
    )


# -- in a worker ---------------------------------------------------------------------------


def lacking(start: Start) -> str | None:
    """The sentence of what this worker lacks, or None."""
    try:
        _path(start)
    except RhythmVAEError as error:
        return str(error)
    return None


def _path(start: Start) -> Path:
    """Where the model lies here; raises LibraryError for another one, or another version of this package."""
    if start.version != __version__:
        raise LibraryError(
            f"Expected workers with rhythmvae {start.version}, one has {__version__}; install that version there."
        )
    path = SHIPPED if start.checkpoint is None else start.checkpoint
    try:
        digest = outline.read(path).digest
    except (RhythmVAEError, OSError) as error:
        why = clean_text(str(error), 200)
        raise LibraryError(
            f"Expected the model at {clean_text(str(path), 200)} on every worker, one has none there ({why}); "
            "put it in a folder that all of them share."
        ) from None
    if digest != start.digest:
        raise LibraryError(
            f"Expected the model {start.digest} at {clean_text(str(path), 200)} on every worker, one has {digest} "
            "there; put the same file in place."
        )
    return path


def read(start: Start, files: Sequence[Given]) -> Reads:
    """What is in each file of a batch."""
    from rhythmvae.library import reading

    with _READING:
        if _ready.get("start") != start:
            reading.begin(_path(start), start.options, start.digest)
            _ready["start"] = start
        return reading.read(files)
