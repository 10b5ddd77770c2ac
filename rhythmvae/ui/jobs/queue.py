"""Training runs that live beside a web app: a queue, one run at a time, each a process of its own.

A run is the command line itself, `python -m rhythmvae train ... --out FILE --journal`, so the
app and a terminal make the same weights. The command says how it goes on its standard output, in
the lines of `rhythmvae.training.journal`. Messages of stages that the journal does not know are kept as
well, up to a number; what is no message is passed over.

Whose run it is says an owner: a text that nobody can guess, made by the caller. It stands in no
path and on no command line. An owner has one run at most, and once it has ended its record for
`Limits.keep_minutes`.

Times are seconds of a clock that only goes forward; while a run is paused its time stands still.
Memory is what a process holds for itself, in MB of 2^20 bytes: resident pages that are no file's. The
170 MB of torch's libraries are in memory once, for the server and its runs together.

Threads: any number may call `Jobs`. One supervisor starts, watches, reaps and removes; one reader
for each process takes in what it says. Nobody waits or touches a disk while holding the lock. All
signals are sent under it and only the supervisor reaps, also under it, so none can hit a stranger.

Needs POSIX; without /proc memory is not watched.
"""

from __future__ import annotations

import atexit
import contextlib
import itertools
import logging
import os
import re
import secrets
import selectors
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from threading import Event, Lock, Thread
from typing import Any, Literal

from rhythmvae.errors import UsageError
from rhythmvae.resources import ROOT
from rhythmvae.training import journal
from rhythmvae.training.journal import Message, Training

State = Literal["queued", "starting", "running", "paused", "stopping", "done", "failed", "cancelled"]

COMMAND = (sys.executable, "-m", "rhythmvae")

MAX_LINE_BYTES = 2**20  # a card that names 500 files in any script
MAX_STAGES = 32  # kept, but for those that the journal knows
MAX_TRAINING = 2000  # `training` objects kept of a run
MAX_TRAINING_BYTES = 4 * 2**20  # and the lines they came in, together
MAX_ERROR_BYTES = 4096  # of what a run wrote to stderr, for the log
MAX_NAME, MAX_SENTENCE = 200, 1000  # characters

HINDERING_MINUTES = 1.0  # a run may be paused this long, all its pauses together, while another waits
DOUBLE_CLICK_SECONDS = 2.0  # a second stop within this is the same stop
WATCH_SECONDS = 0.5  # between two looks at a process
REAP_SECONDS = 0.02  # the same, once its output has ended
LINGER_SECONDS = 2.0  # output may outlive the process by this, where a process of its own holds it
CLOSE_SECONDS = 5.0

_LOG = logging.getLogger(__name__)

# Runs before the command, in the same process, and sets what `Popen` can set only by running Python between
# fork and exec, which threads make unsafe. A server started in the background of a script ignores SIGINT, and
# so would the run: `stop` could not reach it. PR_SET_PDEATHSIG = 1 has Linux kill the run with the server.
_LAUNCH = """
import os, signal, sys
signal.signal(signal.SIGINT, signal.SIG_DFL)
signal.pthread_sigmask(signal.SIG_SETMASK, [])
os.nice(15)
try:
    import ctypes
    ctypes.CDLL(None).prctl(1, int(signal.SIGKILL))
except (ImportError, OSError, AttributeError):
    pass
if os.getppid() == int(sys.argv[1]):
    os.execvp(sys.argv[2], sys.argv[2:])
"""
_PREFIX = "rhythmvae-jobs-"
_ENVIRONMENT = {
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "PYTHONUNBUFFERED": "1",
}


@dataclass(frozen=True)
class Limits:
    """What training may take of the machine that serves the app.

    Args:
        running: runs at a time, at least 1.
        queued: runs that may wait, at least 0.
        minutes: what a visitor may ask one run to train for. `Jobs` ends a run only after `backstop_minutes`.
        max_windows: windows of data a run may have; for whoever prepares the data, as are the next two.
        max_megabytes: size of what is uploaded, unpacked.
        max_files: files in it.
        memory_megabytes: memory of one run, at least 1. Training the default model takes 450.
        pause_minutes: how long one run may be paused, all its pauses together.
        keep_minutes: how long a run that has ended is kept for its owner.
        kept: how many such runs with a model are kept at once, at least 1; as many without one.

    Raises:
        UsageError: a number that is none of these.
    """

    running: int = 1
    queued: int = 4
    minutes: float = 10
    max_windows: int = 4000
    max_megabytes: float = 8
    max_files: int = 500
    memory_megabytes: int = 600
    pause_minutes: float = 10
    keep_minutes: float = 60
    kept: int = 8

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            is_whole = isinstance(field.default, int) and field.type == "int"
            may_be_0 = field.name in ("queued", "pause_minutes")
            is_number = isinstance(value, int if is_whole else int | float) and not isinstance(value, bool)
            if not (is_number and 0 <= value < 2**31 and (value or may_be_0)):
                raise UsageError(
                    f"Expected {'a whole number' if is_whole else 'a number'} {'from 0 up' if may_be_0 else 'above 0'} "
                    f"as the limit {field.name}, got {value!r}; its usual value is {field.default}."
                )

    @property
    def backstop_minutes(self) -> float:
        """After this time, pauses not counted, a run is ended whatever it does."""
        return self.minutes * 3 + 5

    @classmethod
    def load(cls, path: Path) -> Limits:
        """The limits in a TOML file; what it does not name is as usual.

        Raises:
            UsageError: it cannot be read, is no TOML, or has an unknown key or a bad value.
        """
        try:
            values = tomllib.loads(path.read_text("utf-8"))
        except OSError as error:
            raise UsageError(f"Expected limits of training in {path.name}: {error.strerror}.") from error
        except ValueError as error:  # also of the decoder
            raise UsageError(f"Expected limits of training as TOML in {path.name}: {error}.") from error
        known = [field.name for field in fields(cls)]
        if unknown := sorted(set(values) - set(known)):
            raise UsageError(f"Unknown limit {unknown[0]!r} in {path.name}; there are {', '.join(known)}.")
        return cls(**values)


@dataclass(frozen=True)
class Look:
    """A run as it stands at one moment.

    Args:
        name, about: as it was submitted.
        state: `stopping` has been told to end and keep its best; `done` has left a model.
        place: its place in the queue, 1 for the next; None once it has started.
        seconds: since it started, until now or its end, without pauses.
        pause_seconds: how long it may still be paused.
        stages: the last message of every stage so far, in the order the stages first came.
        training: the messages of stage `training`, evenly thinned where they are very many; ends with the last.
        checkpoint: the file with its model, from `ready` on; it may be replaced by one with more figures.
        sentence: why it failed.
        remark: what a model that is there lacks.
    """

    name: str
    about: Mapping[str, Any]
    state: State
    place: int | None
    seconds: float
    pause_seconds: float
    stages: Mapping[str, Message]
    training: tuple[Training, ...]
    checkpoint: Path | None
    sentence: str | None
    remark: str | None

    @property
    def is_over(self) -> bool:
        return self.state in ("done", "failed", "cancelled")


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
        self._folder = (folder or _temporary_folder()).resolve()
        self._command = list(command)
        self._clock = clock

        self._lock = Lock()  # guards all below, and the fields of every run
        self._runs: dict[str, _Run] = {}  # by owner
        self._queue: list[_Run] = []
        self._active: list[_Run] = []  # from being started until reaped
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
        run = _Run(name[:MAX_NAME], about or {}, self._folder / secrets.token_hex(16), parts)
        with self._lock:
            self._check_open()
            last = self._runs.get(owner)
            if last is not None and last.outcome is None:
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
                if run.outcome is None:
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

    def look(self, owner: str) -> Look | None:
        """The owner's run; None where there is none, or none any more."""
        with self._lock:
            run = self._runs.get(owner)
            now = self._count_time()
            if run is None:
                return None
            if run.is_expired(now, self.limits):
                self._wake.set()
                return None
            return Look(
                name=run.name,
                about=run.about,
                state=run.state,
                place=self._queue.index(run) + 1 if run in self._queue else None,
                seconds=run.seconds,
                pause_seconds=self._pause_seconds(run),
                stages=dict(run.journal.stages),
                training=run.journal.training(),
                checkpoint=run.out if run.is_ready and run.outcome in (None, "done") else None,
                sentence=run.sentence,
                remark=run.remark,
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
            if run is None or run.state not in ("starting", "running") or run.process is None:
                return
            if self._pause_seconds(run) <= 0:
                raise UsageError(
                    "Your training run has been paused for as long as it may be"
                    + (f" while others wait, {HINDERING_MINUTES:g} min" if self._queue else "")
                    + "; let it go on, or stop it to keep the best so far."
                )
            run.is_paused = True
            run.signal(signal.SIGSTOP)

    def resume(self, owner: str) -> None:
        """Let a paused run go on."""
        with self._lock:
            self._count_time()
            run = self._runs.get(owner)
            if run is not None and run.is_paused:
                run.go_on()

    def stop(self, owner: str) -> None:
        """End a run and keep the best so far, if there is any: it takes a while, in state `stopping`.

        Before training has begun, and in the queue, there is nothing to keep, and this discards. A second
        stop does not wait any longer: it keeps the model if it was ready, and discards the run otherwise.
        Once the model is ready, a stop also means that no later part of the run is started.
        """
        with self._lock:
            now = self._count_time()
            run = self._runs.get(owner)
            if run is None or run.outcome is not None:
                return
            run.is_model_enough = run.is_model_enough or run.is_ready
            if run.stopped_at is not None:
                if now - run.stopped_at >= DOUBLE_CLICK_SECONDS:
                    self._cut_short(run, now)
            elif not (run.is_ready or "training" in run.journal.stages):
                self._cancel(run, now)
            elif run in self._queue:  # for its next part
                self._queue.remove(run)
                self._end_without_figures(run, now)
            else:
                run.stopped_at = now
                # Between training and `ready` it is about to end anyway; interrupted there it would lose all.
                if run.is_ready or not run.journal.stages.keys() & {"prior", "map"}:
                    run.signal(signal.SIGINT)
                if run.is_paused:
                    run.go_on()
        self._wake.set()

    def discard(self, owner: str) -> None:
        """End a run at once and keep nothing of it; also one that is done."""
        with self._lock:
            now = self._count_time()
            run = self._runs.get(owner)
            if run is not None and run.outcome != "failed":
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
            if run.outcome is None:
                if not run.is_paused:
                    run.seconds += elapsed
                else:
                    run.paused_seconds += elapsed
                    run.hindering_seconds += elapsed if self._queue else 0.0
        return now

    def _pause_seconds(self, run: _Run) -> float:
        left = self.limits.pause_minutes * 60 - run.paused_seconds
        if self._queue:
            left = min(left, HINDERING_MINUTES * 60 - run.hindering_seconds)
        return max(0.0, left)

    def _discard_files(self, run: _Run) -> None:
        """Have a run's folder removed, now or when nobody uses it any more."""
        run.is_unwanted = True
        if not run.is_in_use and run.folder in self._folders:
            self._trash.append(run.folder)

    def _cancel(self, run: _Run, now: float) -> None:
        if run.outcome is None:
            run.signal(signal.SIGKILL)
            if run in self._queue:
                self._queue.remove(run)
            run.ended_at = now
        if run.outcome != "failed":
            run.outcome = "cancelled"
        self._discard_files(run)

    def _cut_short(self, run: _Run, now: float) -> None:
        if run.is_ready:
            run.signal(signal.SIGKILL)
        else:
            self._cancel(run, now)

    def _fail(self, run: _Run, sentence: str) -> None:
        """Kill a run for a reason, the first one if there are several."""
        if run.outcome is None and run.reason is None:
            run.reason = sentence
            run.signal(signal.SIGKILL)

    def _has_ended(self, run: _Run, now: float) -> bool:
        """Whether an active run's process is gone and all it said has been taken in."""
        if run.process is None or run.process.poll() is None:
            return False
        run.exited_at = now if run.exited_at is None else run.exited_at
        return run.has_output_ended or now - run.exited_at >= LINGER_SECONDS

    def _conclude(self, run: _Run, now: float) -> None:
        """What came of a run that has ended."""
        self._active.remove(run)
        run.is_in_use = False
        if run.outcome is None:
            outcome, sentence, remark = run.result()
            if outcome == "done" and remark is None and run.parts:
                return  # see _hand_over
            run.ended_at = now
            run.outcome, run.sentence, run.remark = outcome, sentence, remark
        if run.outcome != "done" or run.is_unwanted:
            self._discard_files(run)

    def _hand_over(self, run: _Run, now: float) -> None:
        """Queue a run that has a model for its next part, behind everybody, unless its owner wants no more of it."""
        run.process = run.exited_at = run.stopped_at = None
        run.has_output_ended = run.is_paused = False
        run.errors = b""
        run.journal.stages.pop("done", None)
        if run.is_model_enough:
            self._end_without_figures(run, now)
        else:
            self._queue.append(run)

    def _end_without_figures(self, run: _Run, now: float) -> None:
        """End a run between two of its parts, as its owner asked: the model stays."""
        run.stopped_at = run.ended_at = now
        run.outcome, run.sentence, run.remark = run.result()

    def _expire(self, now: float) -> None:
        """Drop runs that ended too long ago, and the oldest where there are too many."""
        ended = sorted((run.ended_at, owner) for owner, run in self._runs.items() if run.outcome is not None)
        n_kept = {True: 0, False: 0}
        for _, owner in reversed(ended):
            run = self._runs[owner]
            has_model = run.outcome == "done"
            n_kept[has_model] += 1
            if run.is_expired(now, self.limits) or n_kept[has_model] > self.limits.kept:
                del self._runs[owner]
                self._discard_files(run)

    def _started(self, now: float) -> list[_Run]:
        """Runs that go from the queue to the active ones."""
        prepared = [run for run in self._queue if run.arguments is not None]
        started = prepared[: max(0, self.limits.running - len(self._active))]
        for run in started:
            self._queue.remove(run)
            self._active.append(run)
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
        taken = [(run, _own_megabytes(pid)) for run, pid in watched]  # not reaped, so the numbers are theirs
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
                if run.is_paused and self._pause_seconds(run) <= 0:
                    run.go_on()
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
                if run.outcome is None:
                    self._hand_over(run, now)
                    self._wake.set()
        for run in started:
            self._start(run)
        for folder in trash:
            self._remove(folder)
        with self._lock:
            if self._active:
                return REAP_SECONDS if any(run.has_output_ended for run in self._active) else WATCH_SECONDS
            ends = [run.ended_at for run in self._runs.values() if run.outcome is not None]
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

    def _start(self, run: _Run) -> None:
        """Start a run's process, and the thread that listens to it."""
        assert run.arguments is not None
        options = run.parts.pop(0)
        launch = [sys.executable, "-I", "-S", "-c", _LAUNCH, str(os.getpid())]
        process: subprocess.Popen[bytes] | None = None
        try:
            process = subprocess.Popen(
                [*launch, *self._command, *run.arguments, *options],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                cwd=ROOT,
                # What it caches is made of the owner's files, and goes when they go.
                env=os.environ | _ENVIRONMENT | {"XDG_CACHE_HOME": str(run.folder), "TMPDIR": str(run.folder)},
                # A group of its own: Ctrl-C in the server's terminal is not meant for it. In the same session:
                # the kernel ends stopped groups whose last parent there is gone, and nice counts within a session.
                process_group=0,
            )
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
            if run.outcome is not None or self._is_closed:  # discarded in the meantime
                run.signal(signal.SIGKILL)
            elif run.stopped_at is not None:  # stopped in the meantime, when there was no process to tell
                run.signal(signal.SIGINT)

    # -- the readers -----------------------------------------------------------

    def _listen(self, run: _Run, process: subprocess.Popen[bytes]) -> None:
        """Take in what a process says until it says no more."""
        assert process.stdout is not None
        assert process.stderr is not None
        lines = _Lines()
        try:
            with process.stdout, process.stderr, selectors.DefaultSelector() as selector:
                for pipe in (process.stdout, process.stderr):
                    selector.register(pipe, selectors.EVENT_READ)
                while selector.get_map():
                    for key, _ in selector.select():
                        chunk = os.read(key.fd, 2**16)
                        if not chunk:
                            selector.unregister(key.fileobj)
                        elif key.fileobj is process.stdout:
                            for line in lines.fed(chunk):
                                self._take_in(run, line)
                        else:
                            run.errors = (run.errors + chunk)[-MAX_ERROR_BYTES:]
        finally:
            has_model = run.out.is_file()
            with self._lock:
                run.has_output_ended, run.has_model = True, has_model
            self._wake.set()

    def _take_in(self, run: _Run, line: bytes) -> None:
        message = journal.read(line)
        if message is None:
            return
        is_ready = message.stage in ("ready", "done") and run.out.is_file()
        with self._lock:
            run.journal.add(message, len(line))
            run.is_ready = run.is_ready or is_ready


class _Run:
    """One run; but for its name and folder all of it is guarded by the lock of `Jobs`."""

    def __init__(self, name: str, about: Mapping[str, Any], folder: Path, parts: Sequence[Sequence[str]]) -> None:
        self.name, self.about = name, about
        self.parts = [list(options) for options in parts]  # still to be started
        self.folder = folder
        self.out = folder  # its checkpoint, once prepared
        self.arguments: list[str] | None = None  # None until prepared
        self.process: subprocess.Popen[bytes] | None = None
        self.journal = _Journal()
        self.errors = b""  # the end of its stderr; its reader's
        self.is_in_use = True  # its folder: being prepared, or its process lives
        self.is_unwanted = False  # its folder, once it is not in use
        self.is_ready = False
        self.is_model_enough = False  # its owner stopped it once the model was ready
        self.is_paused = False
        self.has_output_ended = False
        self.has_model = False  # a file, when its output ended
        self.exited_at: float | None = None
        self.stopped_at: float | None = None
        self.reason: str | None = None  # why it was killed
        self.seconds = self.paused_seconds = self.hindering_seconds = self.counted_at = 0.0
        self.outcome: Literal["done", "failed", "cancelled"] | None = None
        self.ended_at = 0.0
        self.sentence: str | None = None
        self.remark: str | None = None

    @property
    def state(self) -> State:
        if self.outcome is not None:
            return self.outcome
        if self.process is None:
            return "starting" if self.is_in_use and self.arguments is not None else "queued"
        if self.stopped_at is not None:
            return "stopping"
        if self.is_paused:
            return "paused"
        return "running" if self.journal.last else "starting"

    def is_expired(self, now: float, limits: Limits) -> bool:
        return self.outcome is not None and now - self.ended_at >= limits.keep_minutes * 60

    def signal(self, number: int) -> None:
        """To the process and those it started, unless it has been reaped."""
        if self.process is not None and self.process.returncode is None:
            with contextlib.suppress(ProcessLookupError, PermissionError):  # macOS: the latter for a zombie
                os.killpg(self.process.pid, number)

    def go_on(self) -> None:
        self.is_paused = False
        self.signal(signal.SIGCONT)

    def result(self) -> tuple[Literal["done", "failed", "cancelled"], str | None, str | None]:
        """Outcome, sentence and remark of a run whose process has ended and was not discarded."""
        has_succeeded = self.process is not None and self.process.returncode == 0
        if self.is_ready or (has_succeeded and self.has_model):
            self.is_ready = True
            if "done" in self.journal.stages or (has_succeeded and self.stopped_at is None):
                return "done", None, None
            reason = self.reason or self._own_sentence()
            if reason is None:
                reason = "It was stopped early." if self.stopped_at is not None else "The run broke off after that."
            return "done", None, f"The model can be used, but not all of its figures were made. {reason}"
        if self.reason is not None:
            return "failed", self.reason, None
        if (own := self._own_sentence()) is not None:
            return "failed", own, None
        if self.stopped_at is not None:  # before there was anything to keep
            return "cancelled", None, None
        if self.process is not None and self.process.returncode == -signal.SIGKILL:
            return (
                "failed",
                "The system ended the training run, most likely for want of memory; "
                "give it fewer files, or a smaller model.",
                None,
            )
        return "failed", "The training run broke off by an error of ours; try again, or with other settings.", None

    def _own_sentence(self) -> str | None:
        """What the command itself says it could not do."""
        failed = self.journal.stages.get("failed")
        text = failed.sentence if isinstance(failed, journal.Failed) else ""
        if not text.strip():
            if self.process is None or self.process.returncode != 2:
                return None
            text = (self.errors.decode("utf-8", "replace").strip().splitlines() or [""])[-1]
        text = " ".join(text.replace(f"{self.folder}{os.sep}", "").split()).removeprefix("rhythmvae: ")
        return text[:MAX_SENTENCE] or None

    def log(self) -> None:
        """For whoever runs the server: how it ended, where it was not by itself and well."""
        if self.process is not None and self.process.returncode and self.outcome != "cancelled":
            _LOG.warning(
                "training run %s ended with status %d: %s\n%s",
                self.folder.name,
                self.process.returncode,
                self.sentence or self.remark or self.outcome,
                self.errors.decode("utf-8", "replace"),
            )

    def end_leftovers(self) -> None:
        """End what the process started itself, where that still holds its output and so its group exists."""
        if self.process is not None and not self.has_output_ended:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.process.pid, signal.SIGKILL)


class _Journal:
    """What a run has said, bounded."""

    def __init__(self) -> None:
        self.stages: dict[str, Message] = {}
        self.last = ""  # stage
        self._training: list[tuple[Training, int]] = []  # every n-th, with the bytes of its line
        self._n_training = 0
        self._every = 1
        self._last_training: Training | None = None

    def add(self, message: Message, n_bytes: int) -> None:
        stage = message.stage
        if stage not in self.stages and stage not in journal.KINDS and len(self.stages) >= MAX_STAGES:
            return
        self.stages[stage] = message
        self.last = stage
        if not isinstance(message, Training):
            return
        self._last_training = message
        if self._n_training % self._every == 0:
            self._training.append((message, n_bytes))
        self._n_training += 1
        while len(self._training) > 1 and (
            len(self._training) >= MAX_TRAINING or sum(n for _, n in self._training) > MAX_TRAINING_BYTES
        ):
            del self._training[1::2]
            self._every *= 2

    def training(self) -> tuple[Training, ...]:
        kept = tuple(message for message, _ in self._training)
        last = self._last_training
        return kept if last is None or kept[-1] is last else (*kept, last)


class _Lines:
    """Bytes as they come -> whole lines, without those that are too long.

    >>> lines = _Lines()
    >>> [*lines.fed(b"a"), *lines.fed(b"b\\nc"), *lines.fed(b"\\n")]
    [b'ab', b'c']
    """

    def __init__(self) -> None:
        self._begun = b""
        self._is_too_long = False

    def fed(self, chunk: bytes) -> Iterator[bytes]:
        *ends, rest = chunk.split(b"\n")
        for end in ends:
            line = self._begun + end
            if not self._is_too_long and len(line) <= MAX_LINE_BYTES:
                yield line
            self._begun, self._is_too_long = b"", False
        self._begun += rest
        if len(self._begun) > MAX_LINE_BYTES:
            self._begun, self._is_too_long = b"", True


def _temporary_folder() -> Path:
    """A new folder, once those of servers that were killed are removed. It is ours for as long as we live."""
    import fcntl  # not above: it is POSIX's, and a page may want `Limits` elsewhere

    for lock in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*/lock"):
        with contextlib.suppress(OSError), lock.open("ab") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)  # fails where its server lives
            shutil.rmtree(lock.parent, ignore_errors=True)
    folder = Path(tempfile.mkdtemp(prefix=_PREFIX))
    held = os.open(folder / "new", os.O_CREAT | os.O_WRONLY)  # never closed; processes we start do not get it
    fcntl.flock(held, fcntl.LOCK_EX)
    (folder / "new").rename(folder / "lock")  # under that name it has been locked from the first
    return folder


def _out(arguments: Sequence[str], folder: Path) -> Path:
    """The checkpoint's path: what follows the last --out, as argparse has it."""
    found = [value for name, value in itertools.pairwise(arguments) if name == "--out"]
    if not found or not Path(found[-1]).is_relative_to(folder):
        raise ValueError("a run needs --out and a path in its folder")
    return Path(found[-1])


def _own_megabytes(pid: int) -> float:
    """Resident memory of a process that is not a file's; 0 where it cannot be told."""
    try:
        status = Path(f"/proc/{pid}/status").read_text("ascii", "replace")
    except OSError:
        return 0.0
    return (
        sum(int(kilobytes) for kilobytes in re.findall(r"^Rss(?:Anon|Shmem):\s*(\d+) kB", status, re.MULTILINE)) / 1024
    )
