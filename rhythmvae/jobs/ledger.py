"""What the store knows of the runs, so that the next server can take them up.

A run's folder lies in the home of its server. Beside the files of the run it has the lines of its journal; the store
has the rest. Times in the store are seconds since 1970, for the next server's clock begins anew.
"""

from __future__ import annotations

import hashlib
import logging
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict, replace
from threading import Lock
from typing import Protocol

from rhythmvae.errors import StoreError
from rhythmvae.jobs.run import Run
from rhythmvae.store.record import RunRecord

KEEP_SECONDS = 86_400.0  # a run that no server has had for so long is forgotten
SAVE_SECONDS = 10.0  # of work, after which a run that does not change is saved again
RETRY_SECONDS = 30.0  # after the store failed
_LOG = logging.getLogger(__name__)


class Store(Protocol):
    """What `rhythmvae.store.runs.Runs` is; every method may raise StoreError."""

    def all(self) -> list[RunRecord]: ...

    def save(self, changed: Sequence[RunRecord], gone: Collection[str] = ()) -> None: ...

    def remove_older(self, saved_at: float) -> None: ...

    def paces(self) -> dict[str, float]: ...

    def save_paces(self, factors: Mapping[str, float]) -> None: ...


class Ledger:
    """Keeps the store as the runs are. Without a store it does nothing; where the store fails, the runs go on."""

    def __init__(self, store: Store | None) -> None:
        self._store = store
        self._lock = Lock()  # taken before the lock of `Jobs`, never after
        self._saved: dict[str, RunRecord] = {}
        self._saved_paces: dict[str, float] = {}
        self._failed_at: float | None = None

    @property
    def is_on(self) -> bool:
        return self._store is not None

    def load(self) -> list[RunRecord] | None:
        """The runs in the store, by their place in the line; none without a store, None where it fails."""
        if self._store is None:
            return []
        try:
            self._store.remove_older(time.time() - KEEP_SECONDS)
            return self._store.all()
        except StoreError as error:
            self._fail(error)
            return None

    def load_paces(self) -> dict[str, float]:
        """How long the servers before took; nothing where the store does not say."""
        if self._store is not None:
            try:
                self._saved_paces = self._store.paces()
            except StoreError as error:
                self._fail(error)
        return dict(self._saved_paces)

    def save_paces(self, factors: Mapping[str, float]) -> None:
        """Write them where they have changed."""
        if self._store is None or factors == self._saved_paces:
            return
        with self._lock:
            if self._has_just_failed:
                return
            try:
                self._store.save_paces(factors)
                self._saved_paces = dict(factors)
            except StoreError as error:
                self._fail(error)

    def adopt(self, records: Sequence[RunRecord]) -> None:
        """Runs in the store that this server has from now on."""
        self._saved.update((record.id, record) for record in records)

    def let_go(self, run: str) -> None:
        """A run that is another's from now on."""
        with self._lock:
            self._saved.pop(run, None)

    def save(self, snapshot: Callable[[], Sequence[RunRecord]]) -> None:
        """Write what has changed since the last call. `snapshot` gives all runs of this server as they are."""
        if self._store is None:
            return
        with self._lock:
            if self._has_just_failed:
                return
            records = {record.id: record for record in snapshot()}
            changed = [record for record in records.values() if _has_changed(record, self._saved.get(record.id))]
            gone = self._saved.keys() - records.keys()
            if changed or gone:
                try:
                    self._store.save(changed, gone)
                except StoreError as error:
                    self._fail(error)
                    return
                self._failed_at = None
                self._saved = {**self._saved, **{record.id: record for record in changed}}
                for run in gone:
                    del self._saved[run]

    @property
    def _has_just_failed(self) -> bool:
        """Whether to leave the store alone: it may take seconds to fail, and the supervisor waits for it."""
        return self._failed_at is not None and time.monotonic() - self._failed_at < RETRY_SECONDS

    def _fail(self, error: StoreError) -> None:
        if self._failed_at is None:
            _LOG.warning("training runs may not outlive this server: %s", error)
        self._failed_at = time.monotonic()


def _has_changed(record: RunRecord, saved: RunRecord | None) -> bool:
    if saved is None or record.seconds - saved.seconds >= SAVE_SECONDS:
        return True
    times = {name: getattr(saved, name) for name in ("seconds", "paused_seconds", "saved_at", "ended_at")}
    return replace(record, **times) != saved


def key_of(owner: str) -> str:
    """What stands for an owner wherever that is kept: nobody can tell the owner's text from it."""
    return hashlib.sha256(owner.encode()).hexdigest()


def record_of(run: Run, owner: str, place: int | None, now: float, since_1970: float | None = None) -> RunRecord:
    """A run as the store keeps it; `now` is the time of its clock, and the other, by default, the computer's."""
    since_1970 = time.time() if since_1970 is None else since_1970
    is_underway = run.part is not None and (run.had_model or not run.is_ready)
    return RunRecord(
        id=run.folder.name,
        owner=owner,
        home=str(run.folder.parent),
        place=place or 0,
        name=run.name,
        about=run.about,
        arguments=run.arguments,
        work=asdict(run.course.work),
        parts=[*([run.part] if run.part is not None and is_underway else []), *run.parts],
        state=run.state,
        is_ready=run.is_ready,
        is_model_enough=run.is_model_enough,
        seconds=run.seconds,
        paused_seconds=run.paused_seconds,
        restarts=run.restarts,
        saved_at=since_1970,
        ended_at=since_1970 - (now - run.ended_at) if run.is_over else None,
        error=run.error,
        warning=run.warning,
    )
