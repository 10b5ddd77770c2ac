"""The database: where it lies, how it is opened, and how it is brought to the newest version."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from threading import Lock
from typing import Any

import sqlalchemy
from sqlalchemy import Connection, Engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import SQLAlchemyError

from rhythmvae.errors import StoreError

ENVIRONMENT = "RHYTHMVAE_DATABASE"
SITE = "RHYTHMVAE_SITE"  # the name of servers that share one folder of runs; else a machine's own name
NOTHING = "none"  # as its value: keep nothing
MIGRATIONS = Path(__file__).parent / "migrations"
NEWEST = "r0006"  # migration; known without Alembic, which takes a second to load
_LOCK = 7_473_001  # of PostgreSQL: any number that no other program takes for a lock in this database
BUSY_SECONDS = 5  # to wait for another process that writes

_READS = "reads"  # option of a connection that writes nothing


class Database:
    """One open database of the newest version; safe for threads.

    Args:
        address: as SQLAlchemy has it, such as "sqlite:////srv/rhythmvae.sqlite" or "postgresql+psycopg://host/name".

    Raises:
        StoreError: no such database, no driver for it, no room, a damaged file, or one of a later version.
    """

    def __init__(self, address: str) -> None:
        with _as_ours(address):
            url = make_url(address)
            self.machine = "" if url.get_backend_name() == "sqlite" else os.environ.get(SITE) or socket.gethostname()
            self.url = url
            self._engine = _engine(url)
            try:
                self._upgrade()
            except BaseException:
                self.close()
                raise
        self._shown = str(url)  # without a password
        self._reading = self._engine.execution_options(**{_READS: True})
        # SQLite lets those who wait try again after longer and longer pauses, and gives up on who had bad luck: twenty
        # writers at once on a busy machine met "database is locked". Here they wait in line, as long as it takes.
        self._turn = Lock() if url.get_backend_name() == "sqlite" else nullcontext()

    def close(self) -> None:
        """Let go of its files and connections."""
        self._engine.dispose()

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """A connection; what is done by it is kept whole when the block ends, or not at all.

        Raises:
            StoreError: the database cannot be read or written.
        """
        with self._turn, _as_ours(self._shown), self._engine.begin() as connection:
            yield connection

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A connection to read by: all it reads is of one moment, and it waits for no writer.

        Raises:
            StoreError: the database cannot be read.
        """
        with _as_ours(self._shown), self._reading.begin() as connection:
            yield connection

    def _upgrade(self) -> None:
        with self._engine.begin() as connection:
            if (
                connection.dialect.name == "postgresql"
            ):  # one server at a time; SQLite's transaction sees to that itself
                connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_LOCK})")
            if _revision(connection) == NEWEST:
                return
            from alembic import command, config, util

            settings = config.Config()
            settings.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
            settings.attributes["connection"] = connection
            try:
                command.upgrade(settings, "head")
            except util.CommandError as error:
                raise StoreError(f"The database is of a later version of rhythmvae than this one: {error}.") from error


def is_shared(address: str | None) -> bool:
    """Whether several machines can reach a database at once: that of PostgreSQL."""
    return address is not None and address.startswith("postgres")


def address() -> str | None:
    """What RHYTHMVAE_DATABASE says; else a file in the user's data folder. None where nothing is to be kept."""
    named = os.environ.get(ENVIRONMENT, "").strip()
    if named:
        return None if named == NOTHING else named
    data = os.environ.get("XDG_DATA_HOME", "")
    folder = Path(data) if os.path.isabs(data) else Path("~/.local/share").expanduser()
    return URL.create("sqlite", database=str(folder / "rhythmvae" / "rhythmvae.sqlite")).render_as_string(False)


@contextmanager
def _as_ours(address: str) -> Iterator[None]:
    """Errors of files, drivers and databases as one of ours; none of them quotes what was to be written."""
    try:
        yield
    except (SQLAlchemyError, OSError, ImportError, RuntimeError) as error:  # RuntimeError: no home folder
        why = " ".join(str(getattr(error, "orig", None) or error).split())
        try:
            shown = str(make_url(address))
        except SQLAlchemyError:  # not quoted: whatever it is, there may be a password in it
            raise StoreError(
                "The database cannot be used: expected its address, such as sqlite:////srv/rhythmvae.sqlite or "
                "postgresql://user:password@host/name, got something else."
            ) from error
        raise StoreError(f"The database {shown} cannot be used: {why}.") from error


def _engine(url: URL) -> Engine:
    if url.drivername in ("postgres", "postgresql"):  # as hosts write it; psycopg is the driver that is installed
        url = url.set(drivername="postgresql+psycopg")
    if url.get_backend_name() != "sqlite":
        more = {"connect_timeout": BUSY_SECONDS} if url.drivername == "postgresql+psycopg" else {}
        return sqlalchemy.create_engine(url, hide_parameters=True, pool_pre_ping=True, connect_args=more)
    if url.database and url.database != ":memory:":
        _make_file(Path(url.database))
    engine = sqlalchemy.create_engine(url, hide_parameters=True, connect_args={"timeout": BUSY_SECONDS})
    event.listen(engine, "connect", _prepare)
    event.listen(engine, "begin", _begin)
    return engine


def _begin(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN" if connection.get_execution_options().get(_READS) else "BEGIN IMMEDIATE")


def _make_file(path: Path) -> None:
    """For this user's eyes alone: it holds what visitors call their models."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))


def _prepare(connection: Any, _: object) -> None:
    """Readers and one writer at the same time; a transaction that will write waits for its turn at its beginning."""
    connection.isolation_level = None  # or sqlite3 would begin transactions of its own, later and without DDL
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=NORMAL")  # whole after a crash; the last changes may be lost with the power


def _revision(connection: Connection) -> str | None:
    if not sqlalchemy.inspect(connection).has_table("alembic_version"):
        return None
    found = connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar()
    return None if found is None else str(found)
