"""A worker: trains what the servers of a site hand over, on a machine without visitors.

procrastinate says which run is next and, by its heartbeats, which worker is dead; the run itself is looked after by a
`Supervisor`, as that of a server that trains beside its pages. A run belongs to the worker as long as it goes by the
worker's job (`store/hosted.py`): what cannot be confirmed for LEASE_SECONDS is not written any more, and its process
ends, before any other worker takes the run for one of a dead machine. What ends a worker leaves its runs to the others:
each goes on from the state that it saved last.
"""

from __future__ import annotations

import asyncio
import logging
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from rhythmvae.errors import StoreError, UsageError
from rhythmvae.jobs.ledger import Ledger, record_of
from rhythmvae.jobs.limits import Limits
from rhythmvae.jobs.line import Line
from rhythmvae.jobs.process import COMMAND, end_all_in
from rhythmvae.jobs.records import Records
from rhythmvae.jobs.revival import run_of
from rhythmvae.jobs.run import Run, State
from rhythmvae.jobs.supervisor import Supervisor
from rhythmvae.store.hosted import FIGURES, FIGURES_BEGUN, MODEL_BEGUN, TASK, Hosted, HostedRuns
from rhythmvae.store.record import RunRecord

LOOK_SECONDS = 0.5  # between two looks at what is asked of a run
SHOW_SECONDS = 1.0  # between two words on how it stands
SWEEP_SECONDS = 5.0  # between two looks for the runs of dead workers, and for what nobody needs any more
LEASE = 0.6  # of the time after which a worker counts as dead: for so long a run goes on without the database
GONE = "No page of yours was open for {minutes:g} minutes."
NO_FILES = "Your files did not come whole to the server: drop them again and press Train."
_NO_SUCH_ROW = "23503"  # what PostgreSQL says of a reference to a row that is not there (foreign_key_violation)
_LOG = logging.getLogger(__name__)


class Worker:
    """Trains runs of a site until it is told to stop.

    Args:
        runs: of the site.
        limits: what training may take of this machine, and how long the site keeps runs.
        home: where the site has the files of its runs; that of `homes.shared_home`.
        command: what a run's arguments come after.
        clock: seconds that only go forward.
        since_1970: seconds since 1970.
    """

    def __init__(
        self,
        runs: HostedRuns,
        limits: Limits,
        home: Path,
        command: Sequence[str] = COMMAND,
        clock: Callable[[], float] = time.monotonic,
        since_1970: Callable[[], float] = time.time,
        look_seconds: float = LOOK_SECONDS,
        sweep_seconds: float = SWEEP_SECONDS,
    ) -> None:
        self._runs, self._limits, self._home = runs, limits, home
        self._clock, self._since_1970 = clock, since_1970
        self._look_seconds, self._sweep_seconds = look_seconds, sweep_seconds
        self._kept = _Kept(runs)
        self._lock = threading.Lock()
        ledger = Ledger(self._kept)
        self._supervisor = _Supervisor(limits, Line(), Records(limits, home), ledger, self._lock, command, clock)
        self._ledger = ledger
        self._stopping = threading.Event()
        self._queue: Any = None  # procrastinate's worker
        self._number: int | None = None  # of it, once the site counts it

    def run(self) -> None:
        """Work until `stop`.

        Raises:
            StoreError: the database cannot be reached any more; the runs are another worker's by now.
        """
        sweeping = threading.Thread(target=self._sweep, name="runs of dead workers", daemon=True)
        sweeping.start()
        try:
            asyncio.run(self._work())
        finally:
            is_told = self._stopping.is_set()
            self._stopping.set()
            with self._lock:
                self._supervisor.is_closed = True
            self._supervisor.wake()
        if not is_told:
            raise StoreError("The database of the training runs cannot be reached any more.")

    def stop(self) -> None:
        """Leave all runs to other workers, and return from `run`; from any thread, or from a signal's handler."""
        self._stopping.set()
        if self._queue is not None:
            self._queue.stop()

    async def _work(self) -> None:
        from procrastinate import App, PsycopgConnector
        from procrastinate import worker as procrastinate
        from procrastinate.exceptions import ProcrastinateException

        app = App(connector=PsycopgConnector(conninfo=self._runs.conninfo, min_size=1, max_size=4, timeout=5.0))

        @app.task(name=TASK, queue=self._runs.queue, pass_context=True)
        def train(context: Any, run: str) -> None:
            self._train(run, context.job.id, context.should_abort)

        stalled = self._runs.stalled_seconds
        try:
            async with app.open_async():
                self._queue = procrastinate.Worker(
                    app,
                    queues=[self._runs.queue],
                    concurrency=self._limits.running,
                    fetch_job_polling_interval=2 * self._look_seconds,
                    update_heartbeat_interval=stalled / 5,
                    stalled_worker_timeout=stalled,
                    shutdown_graceful_timeout=stalled / 5,
                    delete_jobs="always",
                    install_signal_handlers=False,
                )
                if not self._stopping.is_set():
                    await self._queue.run()
        except ProcrastinateException as error:
            if getattr(error.__cause__, "sqlstate", "") == _NO_SUCH_ROW:  # it asks for a job by a number that is gone
                raise StoreError(
                    f"This worker was not heard of for {stalled:g} s and was taken for dead; another has its runs. "
                    "Start it again."
                ) from error
            why = " ".join(str(error.__cause__ or error).split())  # its own text is "Database error"
            raise StoreError(f"The queue of training runs cannot be used: {why}.") from error

    # -- one run ---------------------------------------------------------------

    def _train(self, run: str, job: int, is_to_end: Callable[[], bool]) -> None:
        """Do the next part of a run, as long as it goes by a job. In a thread of its own."""
        found = self._runs.claim(run, job)
        if found is None:
            return
        taken = self._take(found, job)
        if taken is None:
            return
        with self._lock:
            self._supervisor.records.runs[found.record.owner] = taken
            self._supervisor.records.folders.add(taken.folder)
            self._supervisor.line.join(taken)
            self._ledger.adopt([found.record])
            self._kept.jobs[run] = job
            self._supervisor.begin()
        self._supervisor.wake()
        try:
            self._follow(found, taken, job, is_to_end)
        finally:
            self._let_go(found.record, taken)

    def _take(self, found: Hosted, job: int) -> Run | None:
        """A run that waits here; None where there is nothing left to do."""
        record = found.record
        folder = Path(record.home) / record.id
        end_all_in(folder)  # what a dead worker of this machine may have left
        run = run_of(record, folder.is_dir(), self._supervisor.pace, self._clock())
        if run.is_over:
            self._runs.conclude(record_of(run, record.owner, None, self._clock(), self._since_1970()), job)
            return None
        run.asked_at = self._clock() - max(0.0, self._since_1970() - found.asked_at)
        return run

    def _follow(self, found: Hosted, run: Run, job: int, is_to_end: Callable[[], bool]) -> None:
        """Until the part has ended, or the run is another's."""
        looked_at = shown_at = time.monotonic()
        lease = LEASE * self._runs.stalled_seconds
        while not self._has_ended(run):
            self._stopping.wait(self._look_seconds)
            if self._stopping.is_set() or is_to_end():
                self._abandon(run)
                self._hand_back(found, run, job, MODEL_BEGUN if not run.is_ready else FIGURES_BEGUN)
                return
            try:
                if not self._look(run, job):
                    self._abandon(run)
                    return
                if time.monotonic() - shown_at >= min(SHOW_SECONDS, self._look_seconds):
                    self._show(run)
                    shown_at = time.monotonic()
                looked_at = time.monotonic()
            except StoreError:
                if time.monotonic() - looked_at > lease:
                    _LOG.warning("the database is gone for too long, and run %s is left to others", run.folder.name)
                    self._abandon(run)
                    raise
        if run in self._supervisor.handed_back:
            was_put_off = self._supervisor.handed_back.pop(run)
            self._hand_back(found, run, job, FIGURES_BEGUN if was_put_off else FIGURES)
        else:
            self._until_written(lambda: self._conclude(run, found.record.owner, job))

    def _has_ended(self, run: Run) -> bool:
        with self._lock:
            is_here = run in self._supervisor.active or run in self._supervisor.line
            return run in self._supervisor.handed_back or (run.is_over and not is_here)

    def _look(self, run: Run, job: int) -> bool:
        """Do what is asked of a run; whether it is still this worker's."""
        under_way, n_workers = self._runs.under_way()
        mine = next((other for other in under_way if other.record.id == run.folder.name), None)
        if mine is None or mine.job != job:
            return False
        others = [other for other in under_way if other.is_waiting and not other.record.is_ready and other.job]
        n_slots = self._limits.running * max(1, n_workers)
        with self._lock:
            now = self._supervisor.count_time()
            asked_at = now - max(0.0, self._since_1970() - mine.asked_at)
            run.asked_at = asked_at if run.asked_at is None else max(run.asked_at, asked_at)
            self._supervisor.is_hindering = any(other.is_waiting for other in under_way)
            for _, what in mine.wishes:
                self._grant(run, what, now)
            if run.may_be_put_off and _makes_room(mine, under_way, len(others), n_slots):
                run.put_off()
        if mine.wishes:
            self._supervisor.wake()
            if not run.is_over:  # else it is forgotten with its wishes, or concluded
                self._supervisor.keep()
                self._runs.granted([number for number, _ in mine.wishes])
        return True

    def _grant(self, run: Run, what: str, now: float) -> None:
        """Under the lock, as `Jobs` does it."""
        if run.is_over:
            return
        if what == "stop" and run.stopped_at is None:
            self._supervisor.stop(run, now)
        elif what == "cut":
            run.is_model_enough = run.is_model_enough or run.is_ready
            self._supervisor.cut_short(run, now)
        elif what in ("discard", "forget"):
            self._supervisor.cancel(run, now)
        elif what == "pause":
            with suppress(UsageError):
                self._supervisor.pause(run)
        elif what == "resume" and run.state is State.PAUSED:
            run.resume()

    def _show(self, run: Run) -> None:
        with self._lock:
            self._supervisor.count_time()
            turn = run.turn(None, self._supervisor.pause_seconds(run))
            shown = {
                "seconds": run.seconds,
                "pause_seconds": self._supervisor.pause_seconds(run),
                "is_hindering": self._supervisor.is_hindering,
                "turn": [turn.model, turn.figures],
                "load": run.course.load(run.seconds),
            }
        self._runs.show(run.folder.name, shown)

    def _conclude(self, run: Run, owner: str, job: int) -> None:
        """Write how a run ended, and what its owner said of it until then."""
        is_written = False
        while not is_written and (mine := self._runs.claim(run.folder.name, job)) is not None:
            if mine.is_given_up:
                with self._lock:
                    self._supervisor.cancel(run, self._supervisor.count_time())
            record = record_of(run, owner, None, self._clock(), self._since_1970())
            is_written = self._runs.conclude(record, job, [number for number, _ in mine.wishes])
            if is_written and mine.is_wished("forget"):
                self._runs.remove([record.id])

    def _hand_back(self, found: Hosted, run: Run, job: int, priority: int) -> None:
        with self._lock:
            self._supervisor.count_time()
            record = record_of(run, found.record.owner, int(priority == FIGURES), self._clock(), self._since_1970())
        self._until_written(lambda: self._runs.hand_over(record, job, priority))

    def _until_written(self, write: Callable[[], object]) -> None:
        """Try for as long as the run is surely this worker's."""
        end = time.monotonic() + LEASE * self._runs.stalled_seconds
        while True:
            try:
                write()
                return
            except StoreError:
                if time.monotonic() > end:
                    raise
                time.sleep(self._look_seconds)

    def _abandon(self, run: Run) -> None:
        """End a run's process and leave its files as they are."""
        while True:
            with self._lock:
                is_starting = run in self._supervisor.active and run.process is None and not run.is_over
                if not is_starting:
                    if run in self._supervisor.active:
                        self._supervisor.active.remove(run)
                    self._supervisor.line.leave(run)
                    run.signal(signal.SIGKILL)
                    break
            time.sleep(0.01)
        if run.process is not None:
            with suppress(subprocess.TimeoutExpired):
                run.process.wait(5.0)

    def _let_go(self, record: RunRecord, run: Run) -> None:
        """Forget a run here; its folder stays unless nobody wants it."""
        with self._lock:
            records = self._supervisor.records
            if records.runs.get(record.owner) is run:
                del records.runs[record.owner]
            is_unwanted = run.is_unwanted
            if not is_unwanted:
                records.folders.discard(run.folder)
            self._kept.jobs.pop(record.id, None)
            self._supervisor.handed_back.pop(run, None)
        self._ledger.let_go(record.id)
        if is_unwanted:
            self._supervisor.wake()

    # -- all runs --------------------------------------------------------------

    def _sweep(self) -> None:
        """Until the worker ends: it is counted among those of its site, and what belongs to nobody goes on, or goes."""
        while not self._stopping.wait(self._sweep_seconds if self._number is not None else self._look_seconds):
            try:
                if not self._join():
                    continue
                for run in self._runs.mend():
                    _LOG.warning("run %s of a worker that is gone goes on", run)
                self._end_left()
                self._expire()
            except StoreError as error:
                _LOG.warning("no look at the runs of others: %s", error)
            except Exception:  # the death of this thread would leave the runs of all workers that die later
                _LOG.exception("the look at the runs of others met an error and goes on")

    def _join(self) -> bool:
        """Have the site count this worker, once procrastinate has a number for it; whether that is so."""
        number = None if self._queue is None else self._queue.worker_id
        if number is not None and number != self._number:
            self._runs.join(number)
            self._number = number
        return self._number is not None

    def _end_left(self) -> None:
        """End runs that wait and whose owners are gone, and those whose files never came."""
        now = self._since_1970()
        for found in self._runs.under_way()[0]:
            if not found.is_waiting:
                continue
            record = found.record
            minutes = self._limits.absent_minutes_measuring if record.is_ready else self._limits.absent_minutes
            gone = GONE.format(minutes=minutes)
            if now - found.asked_at < 60 * minutes:
                continue
            if record.arguments is None:
                end = {"state": State.FAILED, "error": NO_FILES}
            elif record.is_ready:
                warning = f"The model can be used, but not all of its figures were made. {gone}"
                end = {"state": State.DONE, "warning": warning}
            else:
                end = {"state": State.FAILED, "error": f"{gone} Train again, and keep one open."}
            ended = RunRecord(**{**vars(record), **end, "ended_at": now, "place": 0})
            if self._runs.settle(found, ended) and not record.is_ready:
                self._remove_files(record)

    def _expire(self) -> None:
        """Drop runs that ended too long ago, and the oldest where there are too many."""
        now, n_kept = self._since_1970(), {True: 0, False: 0}
        for record in self._runs.ended():
            has_model = record.state == State.DONE
            n_kept[has_model] += 1
            is_old = now - (record.ended_at or now) >= 60 * self._limits.keep_minutes
            if is_old or n_kept[has_model] > self._limits.kept:
                self._runs.remove([record.id])
                self._remove_files(record)

    def _remove_files(self, record: RunRecord) -> None:
        if Path(record.home) == self._home:  # and nothing else that a row may name
            shutil.rmtree(self._home / record.id, ignore_errors=True)


class _Supervisor(Supervisor):
    """One that has no line of its own: between two parts a run goes back to that of the site."""

    handed_back: dict[Run, bool]  # between two parts -> whether the last one was put off
    is_hindering = False  # others wait

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.handed_back = {}

    def wait_for_next_part(self, run: Run, was_put_off: bool) -> None:
        self.handed_back[run] = was_put_off

    def has_others_waiting(self) -> bool:
        return self.is_hindering


class _Kept:
    """What a worker writes of its runs, as the `Store` of a ledger: those that it still has, and no ends."""

    def __init__(self, runs: HostedRuns) -> None:
        self._runs = runs
        self.jobs: dict[str, int] = {}  # by run

    def all(self) -> list[RunRecord]:
        return []

    def save(self, changed: Sequence[RunRecord], gone: Collection[str] = ()) -> None:
        for record in changed:
            job = self.jobs.get(record.id)
            if job is not None and record.ended_at is None:
                self._runs.save(record, job)

    def remove_older(self, saved_at: float) -> None:
        pass

    def paces(self) -> dict[str, float]:
        return self._runs.paces()

    def save_paces(self, factors: Mapping[str, float]) -> None:
        self._runs.save_paces(factors)


def _makes_room(mine: Hosted, under_way: Sequence[Hosted], n_waiting: int, n_slots: int) -> bool:
    """Whether figures end for the sake of who has no model: of those under way the last that began."""
    active = [run for run in under_way if not run.is_waiting]
    n = n_waiting - (n_slots - len(active))
    figures = sorted((run.job or 0 for run in active if run.priority <= FIGURES_BEGUN), reverse=True)
    return mine.job in figures[: max(0, n)]
