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

Threads: any number may call `Jobs`. One supervisor starts, watches, reaps and removes; one reader
for each process takes in what it says. Nobody waits or touches a disk while holding the lock. All
signals are sent under it and only the supervisor reaps, also under it, so none can hit a stranger.

Needs POSIX: the processes of a run are signalled as a group, which no library offers elsewhere.
"""

from __future__ import annotations

import atexit
import contextlib
import itertools
import logging
import secrets
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from threading import Event, Lock, Thread
from typing import Any

from rhythmvae.errors import UsageError
from rhythmvae.training import journal
from rhythmvae.ui.jobs.limits import Limits
from rhythmvae.ui.jobs.listener import MAX_ERROR_BYTES, listen
from rhythmvae.ui.jobs.process import COMMAND, own_megabytes, start, temporary_folder
from rhythmvae.ui.jobs.run import TRANSITIONS, Run, RunStatus, State

MAX_NAME = 200  # characters
HINDERING_MINUTES = 1.0  # a run may be paused this long, all its pauses together, while another waits
DOUBLE_CLICK_SECONDS = 2.0  # a second stop within this is the same stop
WATCH_SECONDS = 0.5  # between two looks at a process
REAP_SECONDS = 0.02  # the same, once its output has ended
LINGER_SECONDS = 2.0  # output may outlive the process by this, where a process of its own holds it
CLOSE_SECONDS = 5.0

_LOG = logging.getLogger(__name__)


class Jobs:
    """The training runs of one server.

    Args:
        limits: what they may take.
        folder: where runs have their files, each in a folder of its own; by default a temporary one
            that is removed at the end, or by the next server where this one is killed.
        command: what a run's arguments come after.
        clock: seconds.
    """

    def __init__(
        self,
        limits: Limits,
        folder: Path | None = None,
        command: Sequence[str] = COMMAND,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.limits = limits
        self._is_temporary = folder is None
        self._folder = (folder or temporary_folder()).resolve()
        self._command = list(command)
        self._clock = clock

        self._lock = Lock()  # guards all below, and the fields of every run
        self._runs: dict[str, Run] = {}  # by owner
        self._queue: list[Run] = []
        self._active: list[Run] = []  # from being started until reaped
        self._folders: set[Path] = set()  # that exist
        self._trash: list[Path] = []  # of them, to be removed
        self._is_closed = False
        self._wake = Event()
        self._supervisor: Thread | None = None
        atexit.register(self.close)

    # -- what a page does ------------------------------------------------------

    def submit(
        self,
        owner: str,
        prepare: Callable[[Path], Sequence[str]],
        name: str,
        about: Mapping[str, Any] | None = None,
        parts: Sequence[Sequence[str]] = ((),),
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

        Raises:
            UsageError: the owner's last run has not ended, or the queue is full.
        """
        run = Run(name[:MAX_NAME], about or {}, self._folder / secrets.token_hex(16), parts)
        with self._lock:
            self._check_open()
            last = self._runs.get(owner)
            if last is not None and not last.is_over:
                raise UsageError("Your last training run has not ended; stop it, or wait for it, to start another.")
            waiting = [other for other in self._queue if not other.is_ready]
            if len(waiting) - (self.limits.running - len(self._active)) >= self.limits.queued:
                raise UsageError(
                    f"The queue is full: {len(self._active)} training and {len(waiting)} waiting, and no more than "
                    f"{self.limits.queued} may wait; try again in a few minutes, or train on your own machine."
                )
            self._count_time()
            self._runs[owner] = run
            self._queue.insert(len(waiting), run)
            self._folders.add(run.folder)
        try:
            run.folder.mkdir(mode=0o700, parents=True)
            arguments = [str(argument) for argument in prepare(run.folder)]
            run.out = _out(arguments, run.folder)
            with self._lock:
                self._check_open()
                if self._supervisor is None:
                    supervisor = Thread(target=self._supervise, name="training runs", daemon=True)
                    supervisor.start()
                    self._supervisor = supervisor
                run.is_in_use = False
                if last is not None:
                    self._discard_files(last)
                if not run.is_over:
                    run.arguments = arguments
                else:  # discarded while it was prepared
                    self._discard_files(run)
        except BaseException:
            with self._lock:
                self._count_time()
                if run in self._queue:
                    self._queue.remove(run)
                if self._runs.get(owner) is run:
                    del self._runs[owner]
                    if last is not None:
                        self._runs[owner] = last
                elif last is not None:
                    self._discard_files(last)
            self._remove(run.folder)
            raise
        finally:
            self._wake.set()

    def status(self, owner: str) -> RunStatus | None:
        """The owner's run; None where there is none, or none any more."""
        with self._lock:
            run = self._runs.get(owner)
            now = self._count_time()
            if run is None:
                return None
            if run.is_expired(now, self.limits):
                self._wake.set()
                return None
            return RunStatus(
                name=run.name,
                about=run.about,
                state=run.state,
                place=self._queue.index(run) + 1 if run in self._queue else None,
                seconds=run.seconds,
                pause_seconds=self._pause_seconds(run),
                stages=dict(run.transcript.stages),
                training=run.transcript.training(),
                checkpoint=run.out if run.is_ready and (run.state is State.DONE or not run.is_over) else None,
                error=run.error,
                warning=run.warning,
            )

    def counts(self) -> tuple[int, int]:
        """How many runs are under way, and how many wait."""
        with self._lock:
            return len(self._active), sum(not run.is_ready for run in self._queue)

    # What follows does nothing where there is nothing to do: no run, or one in a state that does not allow it.

    def pause(self, owner: str) -> None:
        """Halt a run that has started. It keeps its place and its memory.

        It goes on by itself after `Limits.pause_minutes`, all its pauses together, of which at most
        `HINDERING_MINUTES` while another run waits.

        Raises:
            UsageError: it has been paused for as long as it may.
        """
        with self._lock:
            self._count_time()
            run = self._runs.get(owner)
            if run is None or run not in self._active or not run.state.is_live or run.process is None:
                return  # between two of its parts there is nothing to halt
            if self._pause_seconds(run) <= 0:
                raise UsageError(
                    "Your training run has been paused for as long as it may be"
                    + (f" while others wait, {HINDERING_MINUTES:g} min" if self._queue else "")
                    + "; let it go on, or stop it to keep the best so far."
                )
            run.move_to(State.PAUSED)
            run.signal(signal.SIGSTOP)

    def resume(self, owner: str) -> None:
        """Let a paused run go on."""
        with self._lock:
            self._count_time()
            run = self._runs.get(owner)
            if run is not None and run.state is State.PAUSED:
                run.resume()

    def stop(self, owner: str) -> None:
        """End a run and keep the best so far, if there is any: it takes a while, in state `stopping`.

        Before training has begun, and in the queue, there is nothing to keep, and this discards. A second
        stop does not wait any longer: it keeps the model if it was ready, and discards the run otherwise.
        Once the model is ready, a stop also means that no later part of the run is started.
        """
        with self._lock:
            now = self._count_time()
            run = self._runs.get(owner)
            if run is None or run.is_over:
                return
            run.is_model_enough = run.is_model_enough or run.is_ready
            if run.stopped_at is not None:
                if now - run.stopped_at >= DOUBLE_CLICK_SECONDS:
                    self._cut_short(run, now)
            elif not (run.is_ready or "training" in run.transcript.stages):
                self._cancel(run, now)
            elif run in self._queue:  # for its next part
                self._queue.remove(run)
                self._end_without_figures(run, now)
            else:
                was_paused = run.state is State.PAUSED
                run.move_to(State.STOPPING)
                run.stopped_at = now
                # Between training and `ready` it is about to end anyway; interrupted there it would lose all.
                if run.is_ready or not run.transcript.stages.keys() & {"prior", "map"}:
                    run.signal(signal.SIGINT)
                if was_paused:
                    run.signal(signal.SIGCONT)
        self._wake.set()

    def discard(self, owner: str) -> None:
        """End a run at once and keep nothing of it; also one that is done."""
        with self._lock:
            now = self._count_time()
            run = self._runs.get(owner)
            if run is not None and run.state is not State.FAILED:
                self._cancel(run, now)
        self._wake.set()

    def forget(self, owner: str) -> None:
        """Discard a run and its record."""
        with self._lock:
            now = self._count_time()
            run = self._runs.pop(owner, None)
            if run is not None:
                self._cancel(run, now)
        self._wake.set()

    def close(self) -> None:
        """Kill what runs, remove all files. Nothing can be submitted afterwards."""
        with self._lock:
            if self._is_closed:
                return
            self._is_closed = True
            for run in self._active:
                run.signal(signal.SIGKILL)
            self._runs.clear()
            self._queue.clear()
            supervisor = self._supervisor
        self._wake.set()
        if supervisor is not None:
            supervisor.join(CLOSE_SECONDS)
        for run in self._active:  # nobody else reaps now
            if run.process is not None:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    run.process.wait(CLOSE_SECONDS)
        for folder in list(self._folders):
            self._remove(folder)
        if self._is_temporary:
            shutil.rmtree(self._folder, ignore_errors=True)
        atexit.unregister(self.close)

    # -- under the lock --------------------------------------------------------

    def _check_open(self) -> None:
        if self._is_closed:
            raise UsageError("The server is closing and takes no training runs; try again in a minute.")

    def _count_time(self) -> float:
        """Credit the time since the last call to every active run; to be called before anything changes. The time."""
        now = self._clock()
        for run in self._active:
            elapsed, run.counted_at = now - run.counted_at, now
            if not run.is_over:
                if run.state is not State.PAUSED:
                    run.seconds += elapsed
                else:
                    run.paused_seconds += elapsed
                    run.hindering_seconds += elapsed if self._queue else 0.0
        return now

    def _pause_seconds(self, run: Run) -> float:
        left = self.limits.pause_minutes * 60 - run.paused_seconds
        if self._queue:
            left = min(left, HINDERING_MINUTES * 60 - run.hindering_seconds)
        return max(0.0, left)

    def _discard_files(self, run: Run) -> None:
        """Have a run's folder removed, now or when nobody uses it any more."""
        run.is_unwanted = True
        if not run.is_in_use and run.folder in self._folders:
            self._trash.append(run.folder)

    def _cancel(self, run: Run, now: float) -> None:
        if not run.is_over:
            run.signal(signal.SIGKILL)
            if run in self._queue:
                self._queue.remove(run)
            run.ended_at = now
        if State.CANCELLED in TRANSITIONS[run.state]:
            run.move_to(State.CANCELLED)
        self._discard_files(run)

    def _cut_short(self, run: Run, now: float) -> None:
        if run.is_ready:
            run.signal(signal.SIGKILL)
        else:
            self._cancel(run, now)

    def _fail(self, run: Run, reason: str) -> None:
        """Kill a run for a reason, the first one if there are several."""
        if not run.is_over and run.reason is None:
            run.reason = reason
            run.signal(signal.SIGKILL)

    def _has_ended(self, run: Run, now: float) -> bool:
        """Whether an active run's process is gone and all it said has been taken in."""
        if run.process is None or run.process.poll() is None:
            return False
        run.exited_at = now if run.exited_at is None else run.exited_at
        return run.has_output_ended or now - run.exited_at >= LINGER_SECONDS

    def _conclude(self, run: Run, now: float) -> None:
        """What came of a run that has ended."""
        self._active.remove(run)
        run.is_in_use = False
        if not run.is_over:
            state, error, warning = run.result()
            if state is State.DONE and warning is None and run.parts:
                return  # see _hand_over
            run.ended_at = now
            run.move_to(state)
            run.error, run.warning = error, warning
        if run.state is not State.DONE or run.is_unwanted:
            self._discard_files(run)

    def _hand_over(self, run: Run, now: float) -> None:
        """Queue a run that has a model for its next part, behind everybody, unless its owner wants no more of it."""
        run.process = run.exited_at = run.stopped_at = None
        run.has_output_ended = False
        run.errors = b""
        run.transcript.stages.pop("done", None)
        if run.is_model_enough:
            self._end_without_figures(run, now)
        else:
            run.move_to(State.QUEUED)
            self._queue.append(run)

    def _end_without_figures(self, run: Run, now: float) -> None:
        """End a run between two of its parts, as its owner asked: the model stays."""
        run.stopped_at = run.ended_at = now
        state, run.error, run.warning = run.result()
        run.move_to(state)

    def _expire(self, now: float) -> None:
        """Drop runs that ended too long ago, and the oldest where there are too many."""
        ended = sorted((run.ended_at, owner) for owner, run in self._runs.items() if run.is_over)
        n_kept = {True: 0, False: 0}
        for _, owner in reversed(ended):
            run = self._runs[owner]
            has_model = run.state is State.DONE
            n_kept[has_model] += 1
            if run.is_expired(now, self.limits) or n_kept[has_model] > self.limits.kept:
                del self._runs[owner]
                self._discard_files(run)

    def _started(self, now: float) -> list[Run]:
        """Runs that go from the queue to the active ones."""
        prepared = [run for run in self._queue if run.arguments is not None]
        started = prepared[: max(0, self.limits.running - len(self._active))]
        for run in started:
            self._queue.remove(run)
            self._active.append(run)
            run.move_to(State.STARTING)
            run.is_in_use = True
            run.counted_at = now
        return started

    # -- the supervisor --------------------------------------------------------

    def _supervise(self) -> None:
        """Until the server ends: the death of this thread, which starts all runs, would be that of its runs."""
        while not self._is_closed:
            pause: float | None = WATCH_SECONDS
            try:
                pause = self._supervise_once()
            except Exception:
                _LOG.exception("the supervisor of training runs met an error and goes on")
            self._wake.wait(pause)
            self._wake.clear()

    def _supervise_once(self) -> float | None:
        """One round. Returns the seconds until the next, None for whenever something happens."""
        with self._lock:
            watched = [(run, run.process.pid) for run in self._active if run.process is not None]
        taken = [(run, own_megabytes(pid)) for run, pid in watched]  # not reaped, so the numbers are theirs
        with self._lock:
            if self._is_closed:
                return 0.0
            now = self._count_time()
            for run, megabytes in taken:
                if megabytes > self.limits.memory_megabytes:
                    self._fail(
                        run,
                        f"The training run took {megabytes:,.0f} MB of memory and no more than "
                        f"{self.limits.memory_megabytes:,} MB are allowed; give it fewer files, or a smaller model.",
                    )
            for run in self._active:
                if run.seconds > self.limits.backstop_minutes * 60:
                    self._fail(
                        run,
                        f"The training run had not ended after {self.limits.backstop_minutes:g} minutes, as long as "
                        "is allowed; give it fewer files, a smaller model, or less time to train.",
                    )
                if run.state is State.PAUSED and self._pause_seconds(run) <= 0:
                    run.resume()
            ended = [run for run in self._active if self._has_ended(run, now)]
            for run in ended:
                self._conclude(run, now)
            self._expire(now)
            started = self._started(now)
            trash, self._trash = self._trash, []
        for run in ended:
            run.log()
            run.end_leftovers()
        with self._lock:
            for run in ended:
                if not run.is_over:
                    self._hand_over(run, now)
                    self._wake.set()
        for run in started:
            self._start(run)
        for folder in trash:
            self._remove(folder)
        with self._lock:
            if self._active:
                return REAP_SECONDS if any(run.has_output_ended for run in self._active) else WATCH_SECONDS
            ends = [run.ended_at for run in self._runs.values() if run.is_over]
            # At least now and then, for clocks that stood still while the machine slept.
            return min(60.0, max(WATCH_SECONDS, min(ends) + self.limits.keep_minutes * 60 - now)) if ends else None

    def _remove(self, folder: Path) -> None:
        """Remove a run's folder; with one that was being prepared at the end, the temporary one it was in."""
        shutil.rmtree(folder, ignore_errors=True)
        with self._lock:
            self._folders.discard(folder)
            is_last = self._is_closed and not self._folders
        if is_last and self._is_temporary:
            shutil.rmtree(self._folder, ignore_errors=True)

    def _start(self, run: Run) -> None:
        """Start a run's process, and the thread that listens to it."""
        assert run.arguments is not None
        options = run.parts.pop(0)
        process: subprocess.Popen[bytes] | None = None
        try:
            process = start([*self._command, *run.arguments, *options], run.folder)
            reader = Thread(target=self._listen, args=(run, process), name="training run", daemon=True)
            reader.start()
        except (OSError, ValueError, RuntimeError):  # no memory, no descriptors, no thread; bad arguments
            _LOG.exception("training run %s could not be started", run.folder.name)
            if process is not None:
                process.kill()
                process.wait()
            with self._lock:
                now = self._count_time()
                run.reason = "The training run could not be started; try again in a few minutes."
                self._conclude(run, now)
            self._wake.set()
            return
        with self._lock:
            self._count_time()
            run.process = process
            run.wake()
            if run.is_over or self._is_closed:  # discarded in the meantime
                run.signal(signal.SIGKILL)
            elif run.state is State.STOPPING:  # stopped in the meantime, when there was no process to tell
                run.signal(signal.SIGINT)

    # -- the readers -----------------------------------------------------------

    def _listen(self, run: Run, process: subprocess.Popen[bytes]) -> None:
        """Take in what a process says until it says no more."""

        def keep_errors(chunk: bytes) -> None:
            run.errors = (run.errors + chunk)[-MAX_ERROR_BYTES:]

        try:
            listen(process, partial(self._take_in, run), keep_errors)
        finally:
            has_model = run.out.is_file()
            with self._lock:
                run.has_output_ended, run.has_model = True, has_model
            self._wake.set()

    def _take_in(self, run: Run, line: bytes) -> None:
        message = journal.read(line)
        if message is None:
            return
        is_ready = message.stage in ("ready", "done") and run.out.is_file()
        with self._lock:
            run.transcript.add(message, len(line))
            if run.process is not None:
                run.wake()
            run.is_ready = run.is_ready or is_ready


def _out(arguments: Sequence[str], folder: Path) -> Path:
    """The checkpoint's path: what follows the last --out, as argparse has it."""
    found = [value for name, value in itertools.pairwise(arguments) if name == "--out"]
    if not found or not Path(found[-1]).is_relative_to(folder):
        raise ValueError("a run needs --out and a path in its folder")
    return Path(found[-1])
