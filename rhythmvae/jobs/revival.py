"""What a server does with the runs of one that is dead: each goes on where it was, or its owner is told.

A run under way begins its part again, from the state that the command saved (`--resume`) where it saved one, so that
it ends with the same weights. Runs that waited keep their place behind it. Models that are ready stay as long as they
would have.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from rhythmvae.jobs import process
from rhythmvae.jobs.estimate import Course, Pace, Work
from rhythmvae.jobs.listener import JournalFile
from rhythmvae.jobs.records import Records
from rhythmvae.jobs.run import RESUME, Run, State, out_of
from rhythmvae.jobs.supervisor import Supervisor
from rhythmvae.store.record import RunRecord

MAX_RESTARTS = 12  # of a run that was under way: it may be what the server dies of

_LOST = "The server was restarted, and your training run was lost with its files; drop them again and press Train."
_LOST_MODEL = (
    "The server was restarted, and the model that you trained is not there any more; "
    "to have it again, drop your files and press Train."
)
_GIVEN_UP = (
    "The server was restarted again and again while your model was trained, so the run was given up; "
    "give it fewer files, or a smaller model."
)
_LOST_NEXT = (
    "The server was restarted before it had all of your new files: drop them again and press Train. "
    "The model that you trained before is still here."
)
_LOST_FIGURES = "The model can be used, but not all of its figures were made. The server was restarted."


def take_up(supervisor: Supervisor, now: float) -> None:
    """Take up the runs of servers that live no more; `clear` then removes what nobody needs.

    Where the store fails just now, all is left as it is: the next server may know more.
    """
    records, ledger = supervisor.records, supervisor.ledger
    for home in records.taken_over:
        process.end_all_in(home)
    found = ledger.load()
    gone = {record.home for record in found or () if not Path(record.home).exists()}
    if gone:  # a server that takes up a run says so before it removes the home: those that still say it have nobody
        found = ledger.load()
    if found is None:
        records.leave_homes()
        return
    mine = [record for record in found if Path(record.home) in records.taken_over or record.home in gone]
    for record in _one_each(mine):
        run = run_of(record, Path(record.home) in records.taken_over, supervisor.pace, now)
        if not run.is_expired(now, supervisor.limits):
            _have(supervisor, record, run)
    ledger.adopt(mine)


def take_up_later(supervisor: Supervisor, now: float) -> None:
    """Take up the runs of servers that have died since, beside those that are here; safe beside all other threads."""
    records, ledger = supervisor.records, supervisor.ledger
    homes = records.homes.take_over()
    if not homes:
        return
    for home in homes:
        process.end_all_in(home)
    found = ledger.load()
    mine = [record for record in found or () if Path(record.home) in homes]
    runs = [(record, run_of(record, True, supervisor.pace, now)) for record in _one_each(mine)]
    with supervisor.lock:
        if found is None or supervisor.is_closed:  # another server may know more
            for home in homes:
                records.homes.release(home)
            return
        records.taken_over += homes
        for record, run in runs:
            here = records.runs.get(record.owner)
            if run.is_expired(now, supervisor.limits) or (here is not None and (run.is_over or not here.is_over)):
                continue  # its owner has begun another one here
            if here is not None:
                records.discard_files(here)
            _have(supervisor, record, run)
        folders = set(records.folders)
    ledger.adopt(mine)
    supervisor.keep()
    _clear(homes, folders)
    with supervisor.lock:
        empty = records.take_empty_homes()
    for home in empty:
        records.homes.remove(home)
    supervisor.begin()
    supervisor.wake()


def _have(supervisor: Supervisor, record: RunRecord, run: Run) -> None:
    """Make a run one of this server's."""
    records = supervisor.records
    records.runs[record.owner] = run
    if not run.is_over:
        supervisor.line.join(run)
    if run.is_worth_keeping:
        records.folders.add(run.folder)
    else:  # what was there goes; see `clear`
        run.folder = records.home / record.id


def _one_each(found: Sequence[RunRecord]) -> list[RunRecord]:
    """One run of each owner. There are two where the server died while a run was prepared in place of the last one."""
    runs: dict[str, RunRecord] = {}
    for record in found:
        other = runs.setdefault(record.owner, record)
        if other is record:
            continue
        last, following = (record, other) if State(record.state).is_over else (other, record)
        is_lost = following.arguments is None and last.is_ready
        runs[record.owner] = replace(last, warning=_LOST_NEXT) if is_lost else following
    return list(runs.values())


def clear(records: Records) -> None:
    """Remove what dead servers have left and nobody needs."""
    _clear(records.taken_over, records.folders)
    for home in records.take_empty_homes():
        records.homes.remove(home)


def _clear(homes: Iterable[Path], kept: Collection[Path]) -> None:
    """Remove the folders in homes but for those that are kept."""
    for home in homes:
        for path in home.iterdir():
            if path.is_dir() and path not in kept:
                shutil.rmtree(path, ignore_errors=True)


def run_of(record: RunRecord, is_there: bool, pace: Pace, now: float) -> Run:
    """The run in a record: one that waits, or one that has ended and says how.

    Args:
        is_there: its folder may be used, and nobody else uses it.
        pace: of this server, for estimates.
        now: the time of the clock that it goes by from here on.
    """
    run = _blank(record, pace, now)
    if run.state in (State.FAILED, State.CANCELLED):
        return run
    why = _why_lost(run, record) if is_there else _lost(record)
    if why is not None:
        run.state, run.error = State.FAILED, why
        return run
    _recall(run, record)
    if not run.is_over:
        _make_wait(run)
    return run


def _blank(record: RunRecord, pace: Pace, now: float) -> Run:
    """A run with what the record says, in the state that it was in."""
    course = Course(Work(**record.work), pace)
    run = Run(record.name, record.about, Path(record.home) / record.id, record.parts, course)
    run.state, run.error, run.warning = State(record.state), record.error, record.warning
    run.seconds, run.paused_seconds, run.counted_at = record.seconds, record.paused_seconds, now
    run.is_in_use, run.arguments = False, record.arguments
    run.out = out_of(record.arguments or ()) or run.folder
    run.ended_at = now if record.ended_at is None else now - max(0.0, time.time() - record.ended_at)
    run.restarts = record.restarts + (not record.place and not run.is_over)
    run.is_model_enough = record.is_model_enough or run.restarts > MAX_RESTARTS
    return run


def _why_lost(run: Run, record: RunRecord) -> str | None:
    """What its owner is told where it cannot go on."""
    paths = [Path(argument) for argument in run.arguments or () if argument.startswith(f"{run.folder}{os.sep}")]
    needed = [path for path in paths if path != run.out or record.is_ready]
    if run.arguments is None or not all(path.exists() for path in needed) or not (run.parts or record.is_ready):
        return _lost(record)
    return _GIVEN_UP if run.restarts > MAX_RESTARTS and not record.is_ready else None


def _lost(record: RunRecord) -> str:
    return _LOST_MODEL if record.is_ready else _LOST


def _recall(run: Run, record: RunRecord) -> None:
    """Have a run know what its processes said, and whether there is a model."""
    run.journal_file = JournalFile(run.folder)
    heard = list(run.journal_file.messages())
    was_heard = any(message.stage == "ready" for message, _ in heard)
    run.is_ready = run.out.is_file() and (record.is_ready or was_heard)
    if run.is_ready and not record.is_ready:
        del run.parts[:1]  # it had ended, and nobody had time to write that down
    for message, n_bytes in heard:
        run.transcript.add(message, n_bytes)
    if not run.is_ready and heard:  # the curves stay; what is done now begins anew
        run.transcript.stages.clear()
        run.journal_file.begin_anew()


def _make_wait(run: Run) -> None:
    """Have a run wait to go on: what is left of it, from its last state where it saved one."""
    was, run.state = run.state, State.QUEUED
    run.transcript.stages.pop("done", None)
    if run.is_ready:
        run.course.end_model(run.seconds)
        if run.is_model_enough or not run.parts:
            run.state, run.warning = State.DONE, _LOST_FIGURES
        return
    run.course.begin_again(run.seconds)
    run.is_stop_due = was is State.STOPPING
    run.parts[0] = [option for option in run.parts[0] if option != RESUME]
    if run.out.with_name(f"{run.out.name}.resume").is_file():
        run.parts[0].append(RESUME)
    run.out.unlink(missing_ok=True)  # without its map: written just before the end
