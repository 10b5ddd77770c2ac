"""The training runs of a site: several machines over one PostgreSQL.

A run is a row of `runs`, as in a file of one machine, and one of `hosted_runs`. Who is next is procrastinate's to say:
each part of a run is a job in its queue, and the row names the job that the run goes by. Whoever has another job of
the same run has nothing to say any more: a worker that was taken for dead, and is not, cannot write over what
another has made of the run since. Workers are procrastinate's, too, which knows no sites: `site_workers` says of which
a worker is. What pages ask of a run that a worker has lies in `run_wishes` until that worker has done it.

All of procrastinate's that is written here is written in the transaction of the rows. Whoever changes several rows of a
run holds that of `hosted_runs` first: in another order two would wait for each other. Times are seconds since 1970.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Text, cast, column, delete, func, insert, literal_column, select, table, update
from sqlalchemy.dialects import postgresql
from sqlalchemy.sql import Select

from rhythmvae.errors import StoreError
from rhythmvae.store.database import SITE, Database
from rhythmvae.store.record import RunRecord
from rhythmvae.store.runs import Runs
from rhythmvae.store.tables import HOSTED, QUEUE_MIGRATIONS, RUNS, SITE_WORKERS, WISHES

TASK = "rhythmvae train"  # of procrastinate
MODEL_BEGUN, MODEL, FIGURES_BEGUN, FIGURES = 4, 3, 2, 1  # priorities: models before figures, what has begun before both
PREPARE_SECONDS = 900.0  # after which a run whose files never came is nobody's
_LOCK = 7_473_002  # as database._LOCK, of the queue's migrations; with a second number, of a site's line
_RECORD = [RUNS.c[field.name] for field in fields(RunRecord)]
_JOBS = table("procrastinate_jobs", *map(column, ("id", "status", "priority", "worker_id")))
_WORKERS = table("procrastinate_workers", *map(column, ("id", "last_heartbeat")))
_STATUS = cast(_JOBS.c.status, Text)


@dataclass(frozen=True)
class Hosted:
    """A run of a site as the database has it.

    Args:
        job: that the run goes by; None before its files are there, and once it has ended.
        status: of the job: "todo" or "doing"; None without one.
        priority: of the job.
        asked_at: when a page of its owner last asked for it.
        stopped_at: when its owner first told it to stop.
        shown: what its worker last said of it.
        wishes: numbers and names of what its owner asks and no worker has done yet, in order.
    """

    record: RunRecord
    job: int | None
    status: str | None
    priority: int
    asked_at: float
    stopped_at: float | None
    shown: Mapping[str, Any]
    wishes: tuple[tuple[int, str], ...] = ()

    @property
    def is_waiting(self) -> bool:
        """Whether no worker has it; also one whose files are being taken in."""
        return self.record.ended_at is None and self.status != "doing"

    def is_wished(self, *names: str) -> bool:
        return any(what in names for _, what in self.wishes)

    @property
    def is_given_up(self) -> bool:
        """Whether its owner has thrown it away."""
        return self.is_wished("discard", "forget")


class HostedRuns:
    """The runs of a site. Every method raises StoreError where the database fails.

    Args:
        site: its name; by default what RHYTHMVAE_SITE says.
        stalled_seconds: a worker that has not been heard of for so long is dead.
    """

    def __init__(self, database: Database, site: str = "", stalled_seconds: float = 20.0) -> None:
        self.site = site or os.environ.get(SITE, "").strip() or "site"
        self.queue = f"training {self.site}"
        self.stalled_seconds = stalled_seconds
        self._machine = f"site {self.site}"
        self._database, self._runs = database, Runs(database, self._machine)
        self._manager = _manager()
        with self._transaction() as connection:
            _migrate(connection)

    @property
    def conninfo(self) -> str:
        """The database's address as PostgreSQL's own library has it."""
        return self._database.url.set(drivername="postgresql").render_as_string(hide_password=False)

    def close(self) -> None:
        self._database.close()

    # -- what a page does ------------------------------------------------------

    def begin(
        self, record: RunRecord, asked_at: float, check: Callable[[Sequence[Hosted], int], None], slots: int
    ) -> None:
        """Keep a new run, whose files are still to come. One site does this one run at a time.

        Args:
            check: is given the runs under way and how many can be at a time, and raises what speaks against another.
            slots: runs that one worker has at a time.
        """
        row = asdict(record) | {"machine": self._machine}
        with self._transaction() as connection:
            self._lock(connection)
            check(self._under_way(connection), slots * max(1, self._n_workers(connection)))
            connection.execute(insert(RUNS), row)
            connection.execute(insert(HOSTED), {"run": record.id, "job": None, "asked_at": asked_at, "shown": {}})

    def prepared(self, run: str, arguments: Sequence[str]) -> list[RunRecord] | None:
        """Put a run whose files are there into the queue. The runs of its owner that it takes the place of, which are
        removed; None where it was thrown away meanwhile."""
        with self._transaction() as connection:
            self._lock(connection)
            self._hold(connection, [run])
            found = self._one(connection, RUNS.c.id == run)
            if found is None or found.record.ended_at is not None:
                return None
            connection.execute(update(RUNS).where(RUNS.c.id == run).values(arguments=list(arguments)))
            self._defer(connection, run, MODEL)
            mine = (RUNS.c.owner == found.record.owner, RUNS.c.id != run, RUNS.c.machine == self._machine)
            replaced = self._records(connection, select(*_RECORD).where(*mine))
            self._remove(connection, [record.id for record in replaced])
            return replaced

    def of(self, owner: str) -> Hosted | None:
        """The run of an owner, the one that has not ended if there are two."""
        with self._transaction() as connection:
            return self._one(connection, RUNS.c.owner == owner)

    def under_way(self) -> tuple[list[Hosted], int]:
        """All runs that have not ended, those that a worker has before those that wait in their order, and how many
        workers there are."""
        with self._transaction() as connection:
            return self._under_way(connection), self._n_workers(connection)

    def paces(self) -> dict[str, float]:
        return self._runs.paces()

    def ask(self, run: str, at: float) -> None:
        """A page of its owner asks for a run."""
        with self._transaction() as connection:
            connection.execute(update(HOSTED).where(HOSTED.c.run == run).values(asked_at=at))

    def wish(self, run: str, what: str, stopped_at: float | None = None) -> bool:
        """Have the worker of a run do something about it; False where the run has ended meanwhile."""
        with self._transaction() as connection:
            held = select(HOSTED.c.job).where(HOSTED.c.run == run, HOSTED.c.job.is_not(None)).with_for_update()
            if connection.execute(held).one_or_none() is None:
                return False
            connection.execute(insert(WISHES), {"run": run, "what": what})
            if stopped_at is not None:
                connection.execute(update(HOSTED).where(HOSTED.c.run == run).values(stopped_at=stopped_at))
            return True

    def settle(self, found: Hosted, record: RunRecord) -> bool:
        """End a run that waits, as the record says; False where a worker has it by now, or it is not there any more."""
        with self._transaction() as connection:
            if found.job is not None:
                if not self._manager.cancel_job_by_id(found.job, delete_job=True, connection=_raw(connection)):
                    return False
            elif not self._is_at(connection, record.id, None):
                return False
            return self._write(connection, record, found.job, None)

    def remove(self, runs: Collection[str]) -> None:
        """Forget runs that have ended."""
        with self._transaction() as connection:
            self._remove(connection, runs)

    # -- what a worker does ----------------------------------------------------

    def join(self, worker: int) -> None:
        """Count a worker, by its number in procrastinate, among those of the site."""
        with self._transaction() as connection:
            gone = SITE_WORKERS.c.worker.not_in(select(_WORKERS.c.id))
            connection.execute(delete(SITE_WORKERS).where(gone))
            row = {"worker": worker, "machine": self._machine}
            connection.execute(postgresql.insert(SITE_WORKERS).values(row).on_conflict_do_nothing())

    def claim(self, run: str, job: int) -> Hosted | None:
        """A run by the job that it goes by; None where it goes by another, or has ended."""
        with self._transaction() as connection:
            found = self._one(connection, RUNS.c.id == run)
        return found if found is not None and found.job == job and found.record.ended_at is None else None

    def save(self, record: RunRecord, job: int) -> bool:
        """Write a run as it stands; False, and nothing, where it goes by another job."""
        with self._transaction() as connection:
            return self._write(connection, record, job, job)

    def conclude(self, record: RunRecord, job: int, wishes: Collection[int] = ()) -> bool:
        """Write how a run ended; False, and nothing, where its owner asks for more than these wishes. Where it goes by
        another job there is nothing to write."""
        with self._transaction() as connection:
            if self._is_at(connection, record.id, job):
                mine = set(connection.execute(select(WISHES.c.id).where(WISHES.c.run == record.id)).scalars())
                if mine - set(wishes):
                    return False
                self._write(connection, record, job, None)
                connection.execute(delete(WISHES).where(WISHES.c.run == record.id))
            return True

    def hand_over(self, record: RunRecord, job: int, priority: int) -> bool:
        """Have a run wait for whatever worker comes to it; False, and nothing, where it goes by another job."""
        with self._transaction() as connection:
            if not self._write(connection, record, job, job):
                return False
            self._defer(connection, record.id, priority)
            return True

    def show(self, run: str, shown: Mapping[str, Any]) -> None:
        """What there is to say of a run beside its row."""
        with self._transaction() as connection:
            connection.execute(update(HOSTED).where(HOSTED.c.run == run).values(shown=dict(shown)))

    def granted(self, wishes: Sequence[int]) -> None:
        """Wishes that are done."""
        with self._transaction() as connection:
            connection.execute(delete(WISHES).where(WISHES.c.id.in_(wishes)))

    def save_paces(self, factors: Mapping[str, float]) -> None:
        with self._transaction() as connection:
            self._lock(connection)  # two workers that write the same rows at once would both insert them
            self._runs.write_paces(connection, factors)

    def mend(self) -> list[str]:
        """Queue the runs of workers that are dead, and those whose job is gone, before all others; their ids."""
        age = func.now() - literal_column(f"interval '{self.stalled_seconds:g} seconds'")
        stalled = (_WORKERS.c.id.is_(None)) | (_WORKERS.c.last_heartbeat < age)
        lost = _JOBS.c.id.is_(None) | _STATUS.not_in(["todo", "doing"]) | ((_STATUS == "doing") & stalled)
        query = (
            select(RUNS.c.id, RUNS.c.is_ready, HOSTED.c.job)
            .join(HOSTED, HOSTED.c.run == RUNS.c.id)
            .outerjoin(_JOBS, _JOBS.c.id == HOSTED.c.job)
            .outerjoin(_WORKERS, _WORKERS.c.id == _JOBS.c.worker_id)
            .where(RUNS.c.machine == self._machine, RUNS.c.ended_at.is_(None), HOSTED.c.job.is_not(None), lost)
            .with_for_update(of=HOSTED, skip_locked=True)
        )
        with self._transaction() as connection:
            found = connection.execute(query).all()
            for run, is_ready, job in found:
                connection.exec_driver_sql("DELETE FROM procrastinate_jobs WHERE id = %s", (job,))
                self._defer(connection, run, FIGURES_BEGUN if is_ready else MODEL_BEGUN)
        return [run for run, *_ in found]

    def ended(self) -> list[RunRecord]:
        """Runs that have ended, the last first."""
        query = select(*_RECORD).where(RUNS.c.machine == self._machine, RUNS.c.ended_at.is_not(None))
        with self._transaction() as connection:
            return self._records(connection, query.order_by(RUNS.c.ended_at.desc()))

    # -- inside a transaction --------------------------------------------------

    @contextmanager
    def _transaction(self) -> Iterator[Connection]:
        import psycopg
        from procrastinate.exceptions import ProcrastinateException

        try:
            with self._database.transaction() as connection:
                yield connection
        except (ProcrastinateException, psycopg.Error) as error:
            raise StoreError(f"The queue of training runs cannot be used: {error}.") from error

    def _lock(self, connection: Connection) -> None:
        connection.execute(select(func.pg_advisory_xact_lock(_LOCK, func.hashtext(self._machine))))

    def _query(self) -> Select[Any]:
        more = (HOSTED.c.job, _STATUS.label("status"), _JOBS.c.priority.label("priority"), HOSTED.c.asked_at)
        # With the run, in one statement: read after it, they might be done and gone, and the run not ended.
        wish = func.json_build_array(WISHES.c.id, WISHES.c.what)
        wishes = select(func.json_agg(postgresql.aggregate_order_by(wish, WISHES.c.id))).where(
            WISHES.c.run == RUNS.c.id
        )
        return (
            select(*_RECORD, *more, HOSTED.c.stopped_at, HOSTED.c.shown, wishes.scalar_subquery().label("wishes"))
            .join(HOSTED, HOSTED.c.run == RUNS.c.id)
            .outerjoin(_JOBS, _JOBS.c.id == HOSTED.c.job)
            .where(RUNS.c.machine == self._machine)
        )

    def _hosted(self, connection: Connection, query: Select[Any]) -> list[Hosted]:
        found = []
        for row in connection.execute(query).mappings():
            record = RunRecord(**{field.name: row[field.name] for field in fields(RunRecord)})
            more = (row["job"], row["status"], row["priority"] or MODEL, row["asked_at"], row["stopped_at"])
            wishes = tuple((number, what) for number, what in row["wishes"] or ())
            found.append(Hosted(record, *more, row["shown"], wishes))
        return found

    def _one(self, connection: Connection, which: Any) -> Hosted | None:
        query = self._query().where(which).order_by(RUNS.c.ended_at.desc().nulls_first()).limit(1)
        return next(iter(self._hosted(connection, query)), None)

    def _under_way(self, connection: Connection) -> list[Hosted]:
        found = self._hosted(connection, self._query().where(RUNS.c.ended_at.is_(None)))

        def order(run: Hosted) -> tuple[bool, int, bool, float]:
            # Who has no job yet comes behind those of the same kind that have one, by the time that it came.
            return run.is_waiting, -run.priority, run.job is None, run.job or run.record.saved_at

        return sorted(found, key=order)

    def _n_workers(self, connection: Connection) -> int:
        age = func.now() - literal_column(f"interval '{self.stalled_seconds:g} seconds'")
        query = (
            select(func.count())
            .select_from(_WORKERS.join(SITE_WORKERS, SITE_WORKERS.c.worker == _WORKERS.c.id))
            .where(SITE_WORKERS.c.machine == self._machine, _WORKERS.c.last_heartbeat >= age)
        )
        return int(connection.execute(query).scalar_one())

    def _records(self, connection: Connection, query: Select[Any]) -> list[RunRecord]:
        return [RunRecord(**row) for row in connection.execute(query).mappings()]

    def _hold(self, connection: Connection, runs: Collection[str]) -> None:
        """From here to the end of the transaction nobody else changes these runs."""
        held = select(HOSTED.c.run).where(HOSTED.c.run.in_(runs)).order_by(HOSTED.c.run).with_for_update()
        connection.execute(held).all()

    def _is_at(self, connection: Connection, run: str, job: int | None) -> bool:
        """Whether a run goes by a job; from here to the end of the transaction it stays so."""
        found = connection.execute(select(HOSTED.c.job).where(HOSTED.c.run == run).with_for_update()).one_or_none()
        return found is not None and found.job == job

    def _write(self, connection: Connection, record: RunRecord, job: int | None, new_job: int | None) -> bool:
        if not self._is_at(connection, record.id, job):
            return False
        connection.execute(update(RUNS).where(RUNS.c.id == record.id).values(**asdict(record)))
        connection.execute(update(HOSTED).where(HOSTED.c.run == record.id).values(job=new_job))
        return True

    def _defer(self, connection: Connection, run: str, priority: int) -> None:
        """A new job for a run, by which it goes from now on."""
        from procrastinate.jobs import Job

        wanted = Job(queue=self.queue, priority=priority, lock=None, queueing_lock=None, task_name=TASK)
        job = self._manager.defer_job(wanted.evolve(task_kwargs={"run": run}), connection=_raw(connection))
        connection.execute(update(HOSTED).where(HOSTED.c.run == run).values(job=job.id))

    def _remove(self, connection: Connection, runs: Collection[str]) -> None:
        self._hold(connection, runs)
        for where in (WISHES.c.run, HOSTED.c.run, RUNS.c.id):
            connection.execute(delete(where.table).where(where.in_(runs)))


def _raw(connection: Connection) -> Any:
    """The driver's own connection, in the same transaction."""
    return connection.connection.driver_connection


def _manager() -> Any:
    """Of procrastinate's jobs; it is always given a connection and has none of its own."""
    try:
        from procrastinate import SyncPsycopgConnector
        from procrastinate.manager import JobManager
    except ImportError as error:
        raise StoreError("Expected procrastinate for a queue over machines: install rhythmvae[hosted].") from error
    return JobManager(SyncPsycopgConnector())


def _migrate(connection: Connection) -> None:
    """Bring procrastinate's tables to the version that is installed; one server at a time."""
    from procrastinate.schema import SchemaManager

    connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_LOCK})")
    files = sorted(Path(SchemaManager.get_migrations_path()).glob("*.sql"))
    known = set(connection.execute(select(QUEUE_MIGRATIONS.c.name)).scalars())
    is_new = connection.exec_driver_sql("SELECT to_regclass('procrastinate_jobs') IS NULL").scalar()
    missing = [file for file in files if file.name not in known]
    if is_new:
        _raw(connection).execute(SchemaManager.get_schema())
    elif known:  # else somebody has made them, as they are in this version
        for file in missing:
            _raw(connection).execute(file.read_text("utf-8"))
    if missing:
        connection.execute(insert(QUEUE_MIGRATIONS), [{"name": file.name} for file in missing])
