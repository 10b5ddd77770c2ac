"""The training runs of a site, as a page of any of its servers sees them.

`HostedJobs` is what `queue.Jobs` is where one machine does all: the server hands runs over, and workers
(`rhythmvae worker`) on machines of their own do them. All that is known of a run lies in the database and in its
folder, so that it is there whichever server its owner comes to. A run that waits is ended by the server that is asked
to; what is asked of a run that a worker has is done by the worker, and shown as done at once.
"""

from __future__ import annotations

import contextlib
import secrets
import shutil
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

from rhythmvae.errors import StoreError, UsageError
from rhythmvae.jobs.estimate import Course, Outlook, Pace, Turn, Work, outlooks
from rhythmvae.jobs.homes import shared_home
from rhythmvae.jobs.ledger import key_of
from rhythmvae.jobs.limits import Limits
from rhythmvae.jobs.listener import JournalFile, Transcript
from rhythmvae.jobs.queue import DOUBLE_CLICK_SECONDS, MAX_NAME, NOT_ENDED, check_room, out_in
from rhythmvae.jobs.run import RunStatus, State, out_of
from rhythmvae.jobs.supervisor import no_more_pauses
from rhythmvae.store.record import RunRecord

if TYPE_CHECKING:
    from rhythmvae.store.hosted import Hosted, HostedRuns  # SQLAlchemy takes 0.3 s

ASK_SECONDS = 5.0  # between two times that the store is told of an owner who is there
RETRY_SECONDS = 5.0  # after which a store that failed to open is tried again
KEPT = 64  # runs whose journals are held, and statuses for when the store fails
STOPPED = "The model can be used, but not all of its figures were made. It was stopped early."
CLOSING = "The server is closing and takes no training runs; try again in a minute."
UNREACHABLE = "The list of training runs cannot be reached just now; all else works. Try again in a minute."


class HostedJobs:
    """The training runs of a site. What is not said here is as in `queue.Jobs`.

    Every method but `close` raises StoreError where the database cannot be reached; `status` gives what it gave last
    if it gave anything.

    Args:
        open_runs: opens the store; called when it is first needed, and again after it failed.
        home: where runs have their files; by default `homes.shared_home`.
        clock: seconds since 1970.
    """

    def __init__(
        self,
        limits: Limits,
        open_runs: Callable[[], HostedRuns],
        home: Path | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.limits = limits
        self._open_runs, self._home, self._clock = open_runs, home, clock
        self._lock = Lock()  # guards all below
        self._runs: HostedRuns | None = None
        self._failed_at: float | None = None  # by a clock that only goes forward
        self._is_closed = False
        self._heard: OrderedDict[str, tuple[Lock, JournalFile, Transcript]] = OrderedDict()  # by run
        self._last: OrderedDict[str, RunStatus | None] = OrderedDict()  # by owner
        self._asked: OrderedDict[str, float] = OrderedDict()  # run -> when the store was told
        self._unmade: set[str] = set()  # runs that came to nothing, whose rows may be there

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
        """Hand a run over."""
        if self._is_closed:
            raise UsageError(CLOSING)
        runs, owner = self._store(), key_of(owner)
        home = shared_home() if self._home is None else self._home
        record = _new(secrets.token_hex(16), owner, home, name, about or {}, parts, work or Work(), self._clock())

        def check(under_way: Sequence[Hosted], n_slots: int) -> None:
            if any(run.record.owner == owner and not run.is_given_up for run in under_way):
                raise UsageError(NOT_ENDED)
            n_active, n_waiting = _counts(under_way)
            check_room(n_active, n_waiting, n_slots, self.limits.queued * n_slots // self.limits.running)

        try:
            runs.begin(record, self._clock(), check, self.limits.running)
        except StoreError:  # it may have been written all the same
            self._unmake(runs, record.id)
            raise
        folder = home / record.id
        try:
            folder.mkdir(mode=0o700, parents=True)
            arguments = [str(argument) for argument in prepare(folder)]
            out_in(arguments, folder)
            if self._is_closed:
                raise UsageError(CLOSING)
            replaced = runs.prepared(record.id, arguments)
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            self._unmake(runs, record.id)
            raise
        for gone in replaced or ():
            _remove_files(gone)
        if replaced is None:
            shutil.rmtree(folder, ignore_errors=True)

    def status(self, owner: str) -> RunStatus | None:
        owner = key_of(owner)
        try:
            found = self._status(owner)
        except StoreError:
            with self._lock:
                if owner in self._last:
                    return self._last[owner]
            raise
        with self._lock:
            _keep(self._last, owner, found)
        return found

    def counts(self) -> tuple[int, int]:
        return _counts(self._store().under_way()[0])

    def outlook(self, work: Work) -> Outlook:
        runs = self._store()
        under_way, n_workers = runs.under_way()
        course = Course(work, Pace(runs.paces()))
        load = _load(under_way)
        asked = Turn(course.model_seconds(0.0, load), course.figure_seconds(0.0, load))
        return self._outlooks(under_way, n_workers, runs.paces(), asked)[-1]

    def pause(self, owner: str) -> None:
        runs, found = self._find(owner)
        if found is None or found.is_waiting or not State(_state(found, None)).is_live:
            return
        if found.shown.get("pause_seconds", 1.0) <= 0:
            raise UsageError(no_more_pauses(bool(found.shown.get("is_hindering"))))
        runs.wish(found.record.id, "pause")

    def resume(self, owner: str) -> None:
        runs, found = self._find(owner)
        if found is not None and _state(found, None) is State.PAUSED:
            runs.wish(found.record.id, "resume")

    def stop(self, owner: str) -> None:
        for runs, found in self._tries(owner):
            is_ready = found.record.is_ready
            state, warning = (State.DONE, STOPPED) if is_ready else (State.CANCELLED, None)
            if found.is_waiting and self._settle(runs, found, state, warning, is_ready):
                return
            if found.stopped_at is None:
                is_done = runs.wish(found.record.id, "stop", self._clock())
            else:
                is_second = self._clock() - found.stopped_at >= DOUBLE_CLICK_SECONDS
                is_done = not is_second or runs.wish(found.record.id, "cut")
            if is_done:
                return

    def discard(self, owner: str) -> None:
        for runs, found in self._tries(owner, ended=True):
            if found.record.state == State.FAILED:
                return
            is_free = found.record.ended_at is not None or found.is_waiting
            if is_free and self._settle(runs, found, State.CANCELLED, None, False):
                return
            if runs.wish(found.record.id, "discard"):
                return

    def forget(self, owner: str) -> None:
        for runs, found in self._tries(owner, ended=True):
            is_over = found.record.ended_at is not None
            if is_over or (found.is_waiting and self._settle(runs, found, State.CANCELLED, None, False)):
                runs.remove([found.record.id])
                _remove_files(found.record)
                return
            if runs.wish(found.record.id, "forget"):
                return

    def close(self) -> None:
        """Take no more runs. Those that there are go on."""
        with self._lock:
            self._is_closed = True
            if self._runs is not None:
                self._runs.close()

    # -- how a run stands ------------------------------------------------------

    def _status(self, owner: str) -> RunStatus | None:
        runs = self._store()
        found = runs.of(owner)
        if found is None or found.is_wished("forget"):
            return None
        record, now = found.record, self._clock()
        if record.ended_at is not None and now - record.ended_at >= self.limits.keep_minutes * 60:
            return None
        if record.ended_at is None:
            self._ask(runs, record.id, now)
        transcript = self._transcript(record)
        state = _state(found, transcript)
        stages = dict(transcript.stages)
        if not state.is_over:
            stages.pop("done", None)  # of a part before the last
        place = outlook = n_workers = None
        if not state.is_over:
            under_way, n_workers = runs.under_way()
            ids = [run.record.id for run in under_way]
            if record.id in ids:
                at = ids.index(record.id)
                outlook = self._outlooks(under_way, n_workers, runs.paces())[at]
                place = at + 1 - sum(not run.is_waiting for run in under_way) if state is State.QUEUED else None
        is_ready = record.is_ready and (state is State.DONE or not state.is_over)
        return RunStatus(
            name=record.name,
            about=record.about,
            state=state,
            place=place,
            seconds=found.shown.get("seconds", record.seconds) if record.ended_at is None else record.seconds,
            pause_seconds=found.shown.get("pause_seconds", self.limits.pause_minutes * 60),
            outlook=outlook,
            stages=stages,
            training=transcript.training(),
            checkpoint=out_of(record.arguments or ()) if is_ready else None,
            error=record.error,
            warning=record.warning,
            n_workers=n_workers,
        )

    def _transcript(self, record: RunRecord) -> Transcript:
        """What a run has said, as far as it has come here; one that nobody changes any more."""
        folder = Path(record.home) / record.id
        with self._lock:
            heard = self._heard.get(record.id) or (Lock(), JournalFile(folder), Transcript())
            _keep(self._heard, record.id, heard)
        lock, file, transcript = heard
        with lock:
            for message, n_bytes in file.messages():
                transcript.add(message, n_bytes)
            return transcript.copy()

    def _outlooks(
        self, under_way: Sequence[Hosted], n_workers: int, paces: Mapping[str, float], *more: Turn
    ) -> list[Outlook]:
        pace, load = Pace(paces), _load(under_way)
        turns = [_turn(run, pace, load) for run in under_way]
        return outlooks([*turns, *more], self.limits.running * max(1, n_workers))

    def _ask(self, runs: HostedRuns, run: str, now: float) -> None:
        """Tell the store that the owner of a run is there, now and then."""
        with self._lock:
            is_known = now - self._asked.get(run, -ASK_SECONDS) < ASK_SECONDS
            if not is_known:
                _keep(self._asked, run, now)
        if not is_known:
            runs.ask(run, now)

    # -- the store -------------------------------------------------------------

    def _store(self) -> HostedRuns:
        with self._lock:
            if self._runs is None:
                now = time.monotonic()
                if self._is_closed or (self._failed_at is not None and now - self._failed_at < RETRY_SECONDS):
                    raise StoreError(UNREACHABLE)
                try:
                    self._runs = self._open_runs()
                except StoreError:
                    self._failed_at = time.monotonic()
                    raise
            runs = self._runs
        self._tidy(runs)
        return runs

    def _unmake(self, runs: HostedRuns, run: str) -> None:
        """Remove what is known of a run that came to nothing: now, or before anything else is asked of the store."""
        with self._lock:
            self._unmade.add(run)
        with contextlib.suppress(StoreError):
            self._tidy(runs)

    def _tidy(self, runs: HostedRuns) -> None:
        with self._lock:
            gone = set(self._unmade)
        if gone:
            runs.remove(gone)
            with self._lock:
                self._unmade -= gone

    def _find(self, owner: str, ended: bool = False) -> tuple[HostedRuns, Hosted | None]:
        runs = self._store()
        found = runs.of(key_of(owner))
        if found is not None and ((found.record.ended_at is not None and not ended) or found.is_given_up):
            found = None
        return runs, found

    def _tries(self, owner: str, ended: bool = False) -> Iterator[tuple[HostedRuns, Hosted]]:
        """The run, and again as it is by then where it has gone on meanwhile."""
        for _ in range(3):
            runs, found = self._find(owner, ended)
            if found is None:
                return
            yield runs, found

    def _settle(self, runs: HostedRuns, found: Hosted, state: State, warning: str | None, is_ready: bool) -> bool:
        """End a run that no worker has; False where one has it by now."""
        record = replace(found.record, state=state, warning=warning, is_ready=is_ready, ended_at=self._clock(), place=0)
        if not runs.settle(found, record):
            return False
        if not is_ready and found.record.arguments is not None:  # else whoever prepares it removes them
            _remove_files(record)
        return True


def _new(
    run: str, owner: str, home: Path, name: str, about: Mapping[str, Any], parts: Any, work: Work, now: float
) -> RunRecord:
    return RunRecord(
        id=run,
        owner=owner,
        home=str(home),
        place=1,
        name=name[:MAX_NAME],
        about=about,
        work=asdict(work),
        arguments=None,
        parts=[list(options) for options in parts],
        state=State.QUEUED,
        is_ready=False,
        is_model_enough=False,
        seconds=0.0,
        paused_seconds=0.0,
        restarts=0,
        saved_at=now,
        ended_at=None,
        error=None,
        warning=None,
    )


def _state(found: Hosted, transcript: Transcript | None) -> State:
    """The state of a run, in which what its owner asks of it counts as done."""
    record = found.record
    if record.ended_at is not None:
        return State(record.state)
    if found.is_given_up:
        return State.CANCELLED
    if found.is_waiting:
        return State.QUEUED
    state = State.STARTING if record.state == State.QUEUED else State(record.state)
    has_begun = transcript is None or record.is_ready or "training" in transcript.stages
    for _, what in found.wishes:
        if what in ("stop", "cut"):
            state = State.STOPPING if has_begun and (what == "stop" or record.is_ready) else State.CANCELLED
        elif what == "pause" and state.is_live:
            state = State.PAUSED
        elif what == "resume" and state is State.PAUSED:
            state = State.RUNNING
    return state


def _counts(under_way: Sequence[Hosted]) -> tuple[int, int]:
    """Runs that a worker has, and those that wait for a model."""
    n_active = sum(not run.is_waiting for run in under_way)
    return n_active, sum(run.is_waiting and not run.record.is_ready for run in under_way)


def _load(under_way: Sequence[Hosted]) -> float | None:
    """By which the slowest run is slower than it should be."""
    return max((run.shown["load"] for run in under_way if not run.is_waiting and "load" in run.shown), default=None)


def _turn(run: Hosted, pace: Pace, load: float | None) -> Turn:
    """What a run still needs, by what its worker said last."""
    if not run.is_waiting and "turn" in run.shown:
        model, figures = run.shown["turn"]
        return Turn(model, figures, is_running=True)
    course = Course(Work(**run.record.work), pace)
    if run.record.is_ready:
        course.end_model(0.0)
    model = 0.0 if run.record.is_ready else course.model_seconds(0.0, load)
    return Turn(model, course.figure_seconds(0.0, load), is_running=not run.is_waiting)


def _keep(kept: OrderedDict[str, Any], key: str, value: Any) -> None:
    kept[key] = value
    kept.move_to_end(key)
    while len(kept) > KEPT:
        kept.popitem(last=False)


def _remove_files(record: RunRecord) -> None:
    shutil.rmtree(Path(record.home) / record.id, ignore_errors=True)
