"""Training runs that live beside a web app: a queue, one run at a time, each a process of its own.

A run is the command line itself, `python -m rhythmvae train ... --out FILE --journal`, so the
app and a terminal make the same weights. The command says how it goes on its standard output, in
the lines of `rhythmvae.training.journal`. Messages of stages that the journal does not know are kept as
well, up to a number; what is no message is passed over.

Whose run it is says an owner: a text that nobody can guess, made by the caller. It stands in no
path and on no command line. An owner has one run at most, and once it has ended its record for
`Limits.keep_minutes`.

Times are seconds of a clock that only goes forward; while a run is paused its time stands still.
Memory is what a process holds for itself, in MB of 2^20 bytes: resident pages that are no file's and that
no other process shares. The 170 MB of torch's libraries are in memory once, for the server and its runs together.

Threads: any number may call `Jobs`. One lock guards who waits (line.py), who runs (supervisor.py) and what is
kept (records.py).

Needs POSIX: the processes of a run are signalled as a group, which no library offers elsewhere.
"""

from __future__ import annotations

import atexit
import contextlib
import logging
import secrets
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from threading import Lock, Thread
from typing import Any

from rhythmvae.errors import UsageError
from rhythmvae.jobs import revival
from rhythmvae.jobs.estimate import Course, Outlook, Work
from rhythmvae.jobs.ledger import Ledger, Store, key_of
from rhythmvae.jobs.limits import Limits
from rhythmvae.jobs.line import Line
from rhythmvae.jobs.listener import JournalFile
from rhythmvae.jobs.process import COMMAND
from rhythmvae.jobs.records import Records
from rhythmvae.jobs.run import Run, RunStatus, State, out_of
from rhythmvae.jobs.supervisor import Supervisor

MAX_NAME = 200  # characters
DOUBLE_CLICK_SECONDS = 2.0  # a second stop within this is the same stop
CLOSE_SECONDS = 5.0
NOT_ENDED = "Your last training run has not ended; stop it, or wait for it, to start another."
LOOK_FIRST = 4  # looks that others have had before the first

_LOG = logging.getLogger(__name__)


class Jobs:
    """The training runs of one server.

    Args:
        limits: what they may take.
        folder: where runs have their files, each in a folder of its own; by default a temporary one
            that is removed at the end.
        command: what a run's arguments come after.
        clock: seconds.
        store: what the next server takes the runs up from, once this one ends or is killed; with a folder of their
            own choice they end with this server.
        look_seconds: where other servers live beside this one, over the same store and folder: how often to look for
            one that has died, whose runs then go on here. The first look comes after LOOK_FIRST times as long, so that
            a server that was started anew leaves its runs to those that lived on: its visitors are with them. None:
            one look, at the beginning.
    """

    def __init__(
        self,
        limits: Limits,
        folder: Path | None = None,
        command: Sequence[str] = COMMAND,
        clock: Callable[[], float] = time.monotonic,
        store: Store | None = None,
        look_seconds: float | None = None,
    ) -> None:
        self.limits = limits
        self._lock = Lock()  # guards all below, and the fields of every run
        self._line, self._records = Line(), Records(limits, folder, look_seconds is not None)
        self._ledger = Ledger(store if folder is None else None)
        self._supervisor = Supervisor(limits, self._line, self._records, self._ledger, self._lock, command, clock)
        self._take_up(clock())
        if look_seconds is not None:
            looking = Thread(target=self._look, args=(look_seconds, clock), name="runs of the dead", daemon=True)
            looking.start()
        atexit.register(self.close)

    def _take_up(self, now: float) -> None:
        """Go on with the runs of servers that live no more, and remove what else they left."""
        revival.take_up(self._supervisor, now)
        self._supervisor.keep()  # before anything is removed
        revival.clear(self._records)
        if self._records.runs:
            self._supervisor.begin()

    def _look(self, seconds: float, clock: Callable[[], float]) -> None:
        """Go on with the runs of servers that die, until this one ends."""
        time.sleep(LOOK_FIRST * seconds)
        while not self._supervisor.is_closed:
            try:
                revival.take_up_later(self._supervisor, clock())
            except Exception:  # the death of this thread would leave the runs of all servers that die later
                _LOG.exception("looking for the runs of dead servers met an error and goes on")
            time.sleep(seconds)

    # -- what a page does ------------------------------------------------------

    def submit(
        self,
        owner: str,
        prepare: Callable[[Path], Sequence[str]],
        name: str,
        about: Mapping[str, Any] | None = None,
        parts: Sequence[Sequence[str]] = ((),),
        work: Work | None = None,
    ) -> None:
        """Queue a run. A run of the same owner that has ended makes room, files and all.

        Args:
            prepare: is given an empty folder for the run's files, which only this user can read, and
                returns the arguments of the command, `--out` with a path in that folder among them. Data
                had better lie in a folder of its own in there: the run has its temporary files beside it.
                Files of the owner's last run are there until it returns. What it raises is passed on,
                and nothing has happened.
            name: what to show for it.
            about: what else its owner wants to know of it later; kept as it is.
            parts: options of each of its processes, beside the arguments. Once the first has left a
                model, the next waits until nobody else does: whoever has no model yet comes before.
            work: how much there is to do, for estimates of the time.

        Raises:
            UsageError: the owner's last run has not ended, or the queue is full.
        """
        owner = key_of(owner)
        course = Course(work or Work(), self._supervisor.pace)
        run = Run(name[:MAX_NAME], about or {}, self._records.home / secrets.token_hex(16), parts, course)
        with self._lock:
            self._check_open()
            last = self._records.runs.get(owner)
            if last is not None and not last.is_over:
                raise UsageError(NOT_ENDED)
            check_room(
                len(self._supervisor.active), self._line.n_without_model, self.limits.running, self.limits.queued
            )
            run.asked_at = self._supervisor.count_time()
            self._records.runs[owner] = run
            if last is not None:
                self._records.replaced[owner] = last
            self._line.join(run)
            self._records.folders.add(run.folder)
        if self._ledger.is_on:
            run.journal_file = JournalFile(run.folder)
        try:
            self._supervisor.keep()
            run.folder.mkdir(mode=0o700, parents=True)
            arguments = [str(argument) for argument in prepare(run.folder)]
            run.out = out_in(arguments, run.folder)
            with self._lock:
                self._check_open()
                self._supervisor.begin()
                run.is_in_use = False
                if not run.is_over:
                    run.arguments = arguments
                else:  # discarded while it was prepared
                    self._records.discard_files(run)
            self._supervisor.keep()  # before its owner is told that it is queued, and before the last is gone
            if last is not None:
                with self._lock:
                    self._records.replaced.pop(owner, None)
                    self._records.discard_files(last)
                self._supervisor.keep()
        except BaseException:
            with self._lock:
                self._supervisor.count_time()
                self._line.leave(run)
                self._records.replaced.pop(owner, None)
                if self._records.runs.get(owner) is run:
                    del self._records.runs[owner]
                    if last is not None:
                        self._records.runs[owner] = last
                elif last is not None:
                    self._records.discard_files(last)
            self._supervisor.remove(run.folder)
            self._supervisor.keep()
            raise
        finally:
            self._supervisor.wake()

    def status(self, owner: str) -> RunStatus | None:
        """The owner's run; None where there is none, or none any more."""
        with self._lock:
            run = self._records.runs.get(key_of(owner))
            now = self._supervisor.count_time()
            if run is None:
                return None
            if run.is_expired(now, self.limits):
                self._supervisor.wake()
                return None
            run.asked_at = now
            return RunStatus(
                name=run.name,
                about=run.about,
                state=run.state,
                place=self._line.place(run),
                seconds=run.seconds,
                pause_seconds=self._supervisor.pause_seconds(run),
                outlook=self._supervisor.outlook(run),
                stages=dict(run.transcript.stages),
                training=run.transcript.training(),
                checkpoint=run.out if run.is_ready and (run.state is State.DONE or not run.is_over) else None,
                error=run.error,
                warning=run.warning,
            )

    def counts(self) -> tuple[int, int]:
        """How many runs are under way, and how many wait."""
        with self._lock:
            return len(self._supervisor.active), self._line.n_without_model

    def outlook(self, work: Work) -> Outlook:
        """When a run with so much to do would have its model and its figures, if it were queued now."""
        with self._lock:
            self._supervisor.count_time()
            found = self._supervisor.outlook(work)
            assert found is not None
            return found

    # What follows does nothing where there is nothing to do: no run, or one in a state that does not allow it.

    def pause(self, owner: str) -> None:
        """Halt a run that has started. It keeps its place and its memory.

        It goes on by itself after `Limits.pause_minutes`, all its pauses together, of which at most
        `supervisor.HINDERING_MINUTES` while another run waits.

        Raises:
            UsageError: it has been paused for as long as it may.
        """
        with self._lock:
            self._supervisor.count_time()
            self._supervisor.pause(self._records.runs.get(key_of(owner)))

    def resume(self, owner: str) -> None:
        """Let a paused run go on."""
        with self._lock:
            self._supervisor.count_time()
            run = self._records.runs.get(key_of(owner))
            if run is not None and run.state is State.PAUSED:
                run.resume()

    def stop(self, owner: str) -> None:
        """End a run and keep the best so far, if there is any: it takes a while, in state `stopping`.

        Before training has begun, and in the queue, there is nothing to keep, and this discards. A second
        stop does not wait any longer: it keeps the model if it was ready, and discards the run otherwise.
        Once the model is ready, a stop also means that no later part of the run is started.
        """
        with self._lock:
            now = self._supervisor.count_time()
            run = self._records.runs.get(key_of(owner))
            if run is None or run.is_over:
                return
            if run.stopped_at is None:
                self._supervisor.stop(run, now)
            elif now - run.stopped_at >= DOUBLE_CLICK_SECONDS:
                run.is_model_enough = run.is_model_enough or run.is_ready
                self._supervisor.cut_short(run, now)
        self._supervisor.wake()

    def discard(self, owner: str) -> None:
        """End a run at once and keep nothing of it; also one that is done."""
        with self._lock:
            now = self._supervisor.count_time()
            run = self._records.runs.get(key_of(owner))
            if run is not None and run.state is not State.FAILED:
                self._supervisor.cancel(run, now)
        self._supervisor.wake()

    def forget(self, owner: str) -> None:
        """Discard a run and its record."""
        with self._lock:
            now = self._supervisor.count_time()
            run = self._records.runs.pop(key_of(owner), None)
            if run is not None:
                self._supervisor.cancel(run, now)
        self._supervisor.wake()

    def close(self) -> None:
        """Kill what runs, remove all files that the next server has no use for. Nothing can be submitted afterwards."""
        with self._lock:
            if self._supervisor.is_closed:
                return
            self._supervisor.last_words = self._supervisor.snapshot()
            self._supervisor.is_closed = True
            runs = [*self._records.replaced.values(), *self._records.runs.values()]
            kept = {run.folder for run in runs if self._ledger.is_on and run.is_worth_keeping}
            for run in self._supervisor.active:
                run.signal(signal.SIGKILL)
            self._records.runs.clear()
            self._line.clear()
        self._supervisor.wake()
        self._supervisor.wait(CLOSE_SECONDS)
        for run in self._supervisor.active:  # nobody else reaps now
            if run.process is not None:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    run.process.wait(CLOSE_SECONDS)
        self._supervisor.keep()
        for folder in self._records.folders - kept:
            self._supervisor.remove(folder)
        for home in self._records.homes.all():
            if any(folder.parent == home for folder in kept):
                self._records.homes.release(home)
            else:
                self._records.homes.remove(home)
        atexit.unregister(self.close)

    def _check_open(self) -> None:
        if self._supervisor.is_closed:
            raise UsageError("The server is closing and takes no training runs; try again in a minute.")


def check_room(n_active: int, n_waiting: int, n_slots: int, n_places: int) -> None:
    """Raise UsageError where nobody else may wait."""
    if n_waiting - (n_slots - n_active) >= n_places:
        raise UsageError(
            f"The queue is full: {n_active} training and {n_waiting} waiting, and no more than {n_places} may wait; "
            "try again in a few minutes, or train on your own machine."
        )


def out_in(arguments: Sequence[str], folder: Path) -> Path:
    """Where a run leaves its model; ValueError unless that is in its folder."""
    found = out_of(arguments)
    if found is None or not found.is_relative_to(folder):
        raise ValueError("a run needs --out and a path in its folder")
    return found
