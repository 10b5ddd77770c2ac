"""Who runs: one thread starts, watches, reaps and removes; one reader for each process takes in what it says.

Nobody waits or touches a disk while holding the lock. All signals are sent under it and only the supervisor
reaps, also under it, so none can hit a stranger.
"""

from __future__ import annotations

import logging
import shutil
import signal
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from threading import Event, Lock, Thread

from rhythmvae.errors import UsageError
from rhythmvae.jobs.estimate import AFTER_TRAINING, Course, Outlook, Pace, Turn, Work, outlooks
from rhythmvae.jobs.ledger import Ledger, record_of
from rhythmvae.jobs.limits import Limits
from rhythmvae.jobs.line import Line
from rhythmvae.jobs.listener import MAX_ERROR_BYTES, listen
from rhythmvae.jobs.process import own_megabytes, start
from rhythmvae.jobs.records import Records
from rhythmvae.jobs.run import TRANSITIONS, Run, State
from rhythmvae.store.record import RunRecord
from rhythmvae.training import journal

HINDERING_MINUTES = 1.0  # a run may be paused this long, all its pauses together, while another waits
WATCH_SECONDS = 0.5  # between two looks at a process
REAP_SECONDS = 0.02  # the same, once its output has ended
LINGER_SECONDS = 2.0  # output may outlive the process by this, where a process of its own holds it

_LOG = logging.getLogger(__name__)


def no_more_pauses(is_hindering: bool) -> str:
    """What an owner is told whose run may not be paused any more."""
    while_others = f" while others wait, {HINDERING_MINUTES:g} min" if is_hindering else ""
    return (
        f"Your training run has been paused for as long as it may be{while_others}; let it go on, or stop it to keep "
        "the best so far."
    )


class Supervisor:
    """Takes runs from the line to their end. `Jobs` is what a page talks to; arguments are as there.

    Args:
        lock: guards everything of the line, the records, this and every run.
    """

    def __init__(
        self,
        limits: Limits,
        line: Line,
        records: Records,
        ledger: Ledger,
        lock: Lock,
        command: Sequence[str],
        clock: Callable[[], float],
    ) -> None:
        self.limits, self.line, self.records, self.ledger, self.lock = limits, line, records, ledger, lock
        self._command = list(command)
        self._clock = clock
        self.pace = Pace(ledger.load_paces())
        self.active: list[Run] = []  # from being started until reaped
        self.is_closed = False
        self.last_words: list[RunRecord] = []  # what the next server is to know, once this is closed
        self._wake = Event()
        self._thread: Thread | None = None

    def begin(self) -> None:
        """Start the thread, if that has not been done."""
        if self._thread is None:
            thread = Thread(target=self._supervise, name="training runs", daemon=True)
            thread.start()
            self._thread = thread

    def wake(self) -> None:
        """Have it look at everything now."""
        self._wake.set()

    def wait(self, seconds: float) -> None:
        """For the end of the thread, once this is closed."""
        if self._thread is not None:
            self._thread.join(seconds)

    def keep(self) -> None:
        """Have the store know all runs as they are now; without the lock, for that takes its time."""
        self.ledger.save(self._locked_snapshot)
        with self.lock:
            paces = self.pace.factors()
        self.ledger.save_paces(paces)

    def _locked_snapshot(self) -> list[RunRecord]:
        with self.lock:
            return self.last_words if self.is_closed else self.snapshot()

    # -- under the lock --------------------------------------------------------

    def count_time(self) -> float:
        """Credit the time since the last call to every active run; to be called before anything changes. The time."""
        now = self._clock()
        for run in self.active:
            elapsed, run.counted_at = now - run.counted_at, now
            if not run.is_over:
                if run.state is not State.PAUSED:
                    run.seconds += elapsed
                else:
                    run.paused_seconds += elapsed
                    run.hindering_seconds += elapsed if self.has_others_waiting() else 0.0
        return now

    def snapshot(self) -> list[RunRecord]:
        """All runs as the store keeps them."""
        now = self.count_time()
        runs = [*self.records.replaced.items(), *self.records.runs.items()]
        return [record_of(run, owner, self.line.place(run), now) for owner, run in runs]

    def has_others_waiting(self) -> bool:
        """Whether anybody waits for a process."""
        return len(self.line) > 0

    def pause_seconds(self, run: Run) -> float:
        """How long a run may still be paused."""
        left = self.limits.pause_minutes * 60 - run.paused_seconds
        if self.has_others_waiting():
            left = min(left, HINDERING_MINUTES * 60 - run.hindering_seconds)
        return max(0.0, left)

    def pause(self, run: Run | None) -> None:
        """Halt a run that has started; arguments and errors as those of `Jobs.pause`."""
        if run is None or run not in self.active or not run.state.is_live or run.process is None:
            return  # between two of its parts there is nothing to halt
        if self.pause_seconds(run) <= 0:
            raise UsageError(no_more_pauses(self.has_others_waiting()))
        run.move_to(State.PAUSED)
        run.signal(signal.SIGSTOP)

    def outlook(self, asked: Run | Work) -> Outlook | None:
        """When a run will have its model and its figures, or would if it were queued now; None for one that is over."""
        active = [run for run in self.active if not run.is_over]
        load = max((run.course.load(run.seconds) for run in active), default=None)
        runs = [*active, *self.line]
        turns = [
            *(replace(run.turn(None, self.pause_seconds(run)), is_running=True) for run in active),
            *(run.turn(load, 0.0) for run in self.line),
        ]
        if isinstance(asked, Work):
            course = Course(asked, self.pace)
            turns.append(Turn(course.model_seconds(0.0, load), course.figure_seconds(0.0, load)))
        elif asked not in runs:
            return None
        return outlooks(turns, self.limits.running)[-1 if isinstance(asked, Work) else runs.index(asked)]

    def cancel(self, run: Run, now: float) -> None:
        """End a run at once and keep nothing of it."""
        if not run.is_over:
            run.signal(signal.SIGKILL)
            self.line.leave(run)
            run.ended_at = now
        if State.CANCELLED in TRANSITIONS[run.state]:
            run.move_to(State.CANCELLED)
        self.records.discard_files(run)

    def stop(self, run: Run, now: float) -> None:
        """Have a run end and keep the best so far; one that has nothing yet, or only waits, ends now."""
        run.is_model_enough = run.is_model_enough or run.is_ready
        if not (run.is_ready or "training" in run.transcript.stages):
            self.cancel(run, now)
        elif run in self.line:  # for its next part
            self.line.leave(run)
            self.end_without_figures(run, now)
        else:
            was_paused = run.state is State.PAUSED
            run.move_to(State.STOPPING)
            run.stopped_at = now
            run.course.end_training(run.seconds)
            # Between training and `ready` it is about to end anyway; interrupted there it would lose all.
            if run.is_ready or not run.transcript.stages.keys() & set(AFTER_TRAINING):
                run.signal(signal.SIGTERM)
            if was_paused:
                run.signal(signal.SIGCONT)

    def _end_what_is_left(self, now: float) -> None:
        """End runs whose owners are gone: nobody waits for them, while others may wait for the process."""
        for run in [*self.active, *self.line]:
            if run.asked_at is None:
                run.asked_at = now
            if run.is_left(now, self.limits) and run.stopped_at is None:
                self._end_left(run, now)

    def _end_left(self, run: Run, now: float) -> None:
        """What there is of a model is kept, without figures."""
        why = f"No page of yours was open for {run.absent_minutes(self.limits):g} minutes."
        run.is_model_enough, run.why_unmeasured = True, why
        if run.is_ready or "training" in run.transcript.stages:
            self.stop(run, now)
        elif run not in self.line:
            self._fail(run, f"{why} Train again, and keep one open.")
        else:
            self.line.leave(run)
            run.error, run.ended_at = f"{why} Train again, and keep one open.", now
            run.move_to(State.FAILED)
            self.records.discard_files(run)

    def cut_short(self, run: Run, now: float) -> None:
        """End a run at once and keep its model, if that is ready."""
        if run.is_ready:
            run.signal(signal.SIGKILL)
        else:
            self.cancel(run, now)

    def _fail(self, run: Run, reason: str) -> None:
        """Kill a run for a reason, the first one if there are several."""
        if not run.is_over and run.reason is None:
            run.reason = reason
            run.signal(signal.SIGKILL)

    def _enforce_limits(self, taken: list[tuple[Run, float]]) -> None:
        """End what takes too much memory (MB by run) or time, and pauses that are used up."""
        for run, megabytes in taken:
            if megabytes > self.limits.memory_megabytes:
                self._fail(
                    run,
                    f"The training run took {megabytes:,.0f} MB of memory and no more than "
                    f"{self.limits.memory_megabytes:,} MB are allowed; give it fewer files, or a smaller model.",
                )
        for run in self.active:
            if run.seconds > self.limits.backstop_minutes * 60:
                self._fail(
                    run,
                    f"The training run had not ended after {self.limits.backstop_minutes:g} minutes, as long as "
                    "is allowed; give it fewer files, a smaller model, or less time to train.",
                )
            if run.state is State.PAUSED and self.pause_seconds(run) <= 0:
                run.resume()

    def _has_ended(self, run: Run, now: float) -> bool:
        """Whether an active run's process is gone and all it said has been taken in."""
        if run.process is None or run.process.poll() is None:
            return False
        run.exited_at = now if run.exited_at is None else run.exited_at
        return run.has_output_ended or now - run.exited_at >= LINGER_SECONDS

    def _conclude(self, run: Run, now: float) -> None:
        """What came of a run that has ended."""
        self.active.remove(run)
        run.is_in_use = False
        if not run.is_over:
            if run.was_put_off or run.is_refused:
                return  # see _hand_over
            state, error, warning = run.result()
            if state is State.DONE and warning is None and run.parts:
                return  # see _hand_over
            run.ended_at = now
            run.move_to(state)
            run.error, run.warning = error, warning
        if run.state is not State.DONE or run.is_unwanted:
            self.records.discard_files(run)

    def _hand_over(self, run: Run, now: float) -> None:
        """Queue a run that has a model for its next part, behind everybody, unless its owner wants no more of it."""
        if run.is_refused:
            run.begin_anew()
            self.line.join(run)
            return
        was_put_off = run.is_put_off
        run.end_part()
        if run.is_model_enough:
            self.end_without_figures(run, now)
        else:
            run.move_to(State.QUEUED)
            self.wait_for_next_part(run, was_put_off)

    def wait_for_next_part(self, run: Run, was_put_off: bool) -> None:
        """Have a run with a model wait in the line."""
        self.line.join(run, was_put_off)

    def _make_room(self) -> None:
        """Put off as many figures as there are runs that wait without a model and have no process to come to."""
        n = self.line.n_wanting - (self.limits.running - len(self.active)) - sum(run.is_put_off for run in self.active)
        for run in [run for run in reversed(self.active) if run.may_be_put_off][: max(0, n)]:
            run.put_off()

    def end_without_figures(self, run: Run, now: float) -> None:
        """End a run between two of its parts, as its owner asked: the model stays."""
        run.stopped_at = run.ended_at = now
        state, run.error, run.warning = run.result()
        run.move_to(state)

    def _started(self, now: float) -> list[Run]:
        """Runs that go from the queue to the active ones."""
        started = self.line.call(self.limits.running - len(self.active))
        for run in started:
            self.active.append(run)
            run.move_to(State.STARTING)
            run.is_in_use = True
            run.counted_at = now
        return started

    # -- the supervisor --------------------------------------------------------

    def _supervise(self) -> None:
        """Until the server ends: the death of this thread, which starts all runs, would be that of its runs."""
        while not self.is_closed:
            pause: float | None = WATCH_SECONDS
            try:
                pause = self._supervise_once()
            except Exception:
                _LOG.exception("the supervisor of training runs met an error and goes on")
            self._wake.wait(pause)
            self._wake.clear()

    def _supervise_once(self) -> float | None:
        """One round. Returns the seconds until the next, None for whenever something happens."""
        with self.lock:
            watched = [(run, run.process.pid) for run in self.active if run.process is not None]
        taken = [(run, own_megabytes(pid)) for run, pid in watched]  # not reaped, so the numbers are theirs
        with self.lock:
            if self.is_closed:
                return 0.0
            now = self.count_time()
            self._enforce_limits(taken)
            ended = [run for run in self.active if self._has_ended(run, now)]
            for run in ended:
                self._conclude(run, now)
            self.records.expire(now)
            self._end_what_is_left(now)
            self._make_room()
            started = self._started(now)
            trash = self.records.take_trash()
        for run in ended:
            run.log()
            run.end_leftovers()
        with self.lock:
            for run in ended:
                if not run.is_over:
                    self._hand_over(run, now)
                    self._wake.set()
        for run in started:
            self._start(run)
        for folder in trash:
            self.remove(folder)
        self.keep()
        with self.lock:
            if self.active:
                return REAP_SECONDS if any(run.has_output_ended for run in self.active) else WATCH_SECONDS
            expiry = self.records.seconds_to_expiry(now)
            # At least now and then, for clocks that stood still while the machine slept.
            return None if expiry is None else min(60.0, max(WATCH_SECONDS, expiry))

    def remove(self, folder: Path) -> None:
        """Remove a run's folder; with one that was being prepared at the end, the temporary one it was in."""
        shutil.rmtree(folder, ignore_errors=True)
        with self.lock:
            self.records.folders.discard(folder)
            is_last = self.is_closed and not self.records.folders
            empty = self.records.take_empty_homes()
        for home in empty:
            self.records.homes.remove(home)
        if is_last and self.records.is_temporary:
            shutil.rmtree(self.records.home, ignore_errors=True)

    def _start(self, run: Run) -> None:
        """Start a run's process, and the thread that listens to it."""
        assert run.arguments is not None
        with self.lock:
            options = run.begin_part()
        process: subprocess.Popen[bytes] | None = None
        try:
            process = start([*self._command, *run.arguments, *options], run.folder)
            reader = Thread(target=self._listen, args=(run, process), name="training run", daemon=True)
            reader.start()
        except Exception:  # no memory, no descriptors, no thread, bad arguments: it would have the slot for ever
            _LOG.exception("training run %s could not be started", run.folder.name)
            if process is not None:
                process.kill()
                process.wait()
            with self.lock:
                now = self.count_time()
                run.reason = "The training run could not be started; try again in a few minutes."
                self._conclude(run, now)
            self._wake.set()
            return
        with self.lock:
            self.count_time()
            run.process = process
            run.wake()
            if run.is_over or self.is_closed:  # discarded in the meantime
                run.signal(signal.SIGKILL)
            elif run.state is State.STOPPING:  # stopped in the meantime, when there was no process to tell
                run.signal(signal.SIGTERM)

    # -- the readers -----------------------------------------------------------

    def _listen(self, run: Run, process: subprocess.Popen[bytes]) -> None:
        """Take in what a process says until it says no more."""

        def keep_errors(chunk: bytes) -> None:
            run.errors = (run.errors + chunk)[-MAX_ERROR_BYTES:]

        try:
            listen(process, partial(self._take_in, run), keep_errors)
        finally:
            has_model = run.out.is_file()
            with self.lock:
                run.has_output_ended, run.has_model = True, has_model
            self._wake.set()

    def _take_in(self, run: Run, line: bytes) -> None:
        message = journal.read(line)
        if message is None:
            return
        is_ready = message.stage in ("ready", "done") and run.out.is_file()
        with self.lock:
            now = self.count_time()
            run.hear(message, len(line))
            run.is_ready = run.is_ready or is_ready
            if run.is_stop_due and message.stage == "training" and run.state.is_live:
                run.is_stop_due = False
                self.stop(run, now)
        # Last: what a page of another machine reads there, and stops, has been heard here.
        if run.journal_file is not None:
            run.journal_file.add(line)
