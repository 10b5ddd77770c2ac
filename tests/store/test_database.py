"""A database is opened whatever state it is in, or refused with one sentence."""

from __future__ import annotations

import sqlite3
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields
from pathlib import Path
from threading import Event

import pytest
import sqlalchemy
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from rhythmvae.errors import StoreError
from rhythmvae.store import database
from rhythmvae.store.database import Database
from rhythmvae.store.record import RunRecord
from rhythmvae.store.runs import Runs
from rhythmvae.store.tables import METADATA, RUNS

ROOT = Path(__file__).parents[2]


def at(path: Path) -> str:
    return f"sqlite:///{path}"


def test_an_empty_database_comes_to_the_newest_version(tmp_path: Path) -> None:
    opened = Database(at(tmp_path / "deep" / "er" / "a.sqlite"))
    with opened.transaction() as connection:
        context = MigrationContext.configure(connection)
        assert context.get_current_revision() == database.NEWEST
        assert compare_metadata(context, METADATA) == []
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
    opened.close()


def test_the_newest_version_is_known_without_alembic(tmp_path: Path) -> None:
    assert ScriptDirectory(str(database.MIGRATIONS)).get_current_head() == database.NEWEST
    Database(at(tmp_path / "a.sqlite")).close()
    code = f"import sys; from rhythmvae.store.database import Database; Database({at(tmp_path / 'a.sqlite')!r}); "
    code += "print([name for name in ('alembic', 'torch', 'streamlit') if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_database_of_the_first_version_goes_on_with_its_runs(tmp_path: Path) -> None:
    address = at(tmp_path / "a.sqlite")
    engine = sqlalchemy.create_engine(address)
    with engine.begin() as connection:
        settings = Config()
        settings.set_main_option("script_location", str(database.MIGRATIONS))
        settings.attributes["connection"] = connection
        command.upgrade(settings, "r0001")
    engine.dispose()
    asked = ("a", "owner", "home", 1, "loops", {}, {}, None, [], "queued")
    record = RunRecord(*asked, False, False, 1.0, 0.0, 0, 2.0, None, None, None)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(database, "NEWEST", "r0001")
        Runs(Database(address)).save([record])
    assert Runs(Database(address)).all() == [record]
    assert Runs(Database(address)).paces() == {}


def test_a_record_has_a_column_for_each_field() -> None:
    assert {column.name for column in RUNS.columns} == {field.name for field in fields(RunRecord)} | {"machine"}


def test_nobody_else_may_read_it(tmp_path: Path) -> None:
    opened = Database(at(tmp_path / "own" / "a.sqlite"))
    assert stat.S_IMODE((tmp_path / "own").stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "own").iterdir()} == {0o600}
    opened.close()


def no_database(path: Path) -> None:
    path.write_bytes(b"this is no database, " * 500)


def a_later_version(path: Path) -> None:
    Database(at(path)).close()
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE alembic_version SET version_num = 'r9999'")
    connection.close()


@pytest.mark.parametrize(
    ("damage", "why"),
    [(no_database, "file is not a database"), (a_later_version, "later version"), (Path.mkdir, "directory")],
)
def test_what_cannot_be_opened_is_said_in_a_sentence(damage, why: str, tmp_path: Path) -> None:
    damage(tmp_path / "a.sqlite")
    with pytest.raises(StoreError, match=why) as error:
        Database(at(tmp_path / "a.sqlite"))
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("address", ["nonsense", "nosuch://host/name", "postgresql+nosuch://ann:secret@host/name"])
def test_an_address_that_leads_nowhere_is_refused_without_its_password(address: str) -> None:
    with pytest.raises(StoreError, match="cannot be used") as error:
        Database(address)
    assert "secret" not in str(error.value)
    assert ("expected its address, such as" in str(error.value)) == (address == "nonsense")


def test_a_full_disk_is_one_of_our_errors_and_what_was_there_stays(tmp_path: Path) -> None:
    opened = Database(at(tmp_path / "a.sqlite"))

    def fill() -> None:
        with opened.transaction() as connection:
            connection.exec_driver_sql("PRAGMA max_page_count=1")
            connection.exec_driver_sql("CREATE TABLE more (x)")
            connection.exec_driver_sql("INSERT INTO more VALUES (randomblob(1000000))")

    with pytest.raises(StoreError, match="full"):
        fill()
    with opened.transaction() as connection:
        names = connection.exec_driver_sql("SELECT name FROM sqlite_master WHERE type = 'table'").scalars()
        assert set(names) == {"alembic_version", *METADATA.tables}
    opened.close()


@pytest.mark.parametrize(
    ("environment", "address"),
    [
        ({"XDG_DATA_HOME": "/srv/data"}, "sqlite:////srv/data/rhythmvae/rhythmvae.sqlite"),
        ({"XDG_DATA_HOME": "data", "HOME": "/home/ann"}, "sqlite:////home/ann/.local/share/rhythmvae/rhythmvae.sqlite"),
        ({"RHYTHMVAE_DATABASE": "postgresql://host/name"}, "postgresql://host/name"),
        ({"RHYTHMVAE_DATABASE": "none"}, None),
    ],
)
def test_where_it_lies(environment: dict[str, str], address: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("RHYTHMVAE_DATABASE", "XDG_DATA_HOME"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert database.address() == address


def test_many_writers_at_once_wait_in_line_and_readers_wait_for_none(tmp_path: Path) -> None:
    """SQLite itself gives up on a writer who has bad luck: "database is locked"."""
    opened, order = Database(at(tmp_path / "a.sqlite")), []
    begun, may_end = Event(), Event()

    def write(number: int) -> None:
        with opened.transaction() as connection:
            if number == 0:
                begun.set()
                may_end.wait(30)
            connection.exec_driver_sql(f"CREATE TABLE t{number} (x)")
            order.append(number)

    with ThreadPoolExecutor(12) as pool:
        first = pool.submit(write, 0)
        begun.wait(30)
        others = [pool.submit(write, number) for number in range(1, 12)]
        with opened.reading() as connection:
            assert "t0" not in sqlalchemy.inspect(connection).get_table_names(), "what is not whole yet is not there"
        assert not order, "and nobody has waited for the reader's end"
        may_end.set()
        for each in (first, *others):
            each.result(60)
    assert sorted(order) == list(range(12))
    opened.close()


def test_a_reader_writes_nothing_late(tmp_path: Path) -> None:
    """A transaction that begins as a reader's does not hold a writer up."""
    opened = Database(at(tmp_path / "a.sqlite"))
    with opened.reading() as connection:
        connection.exec_driver_sql("SELECT * FROM reviews").all()
        with opened.transaction() as writer:
            writer.exec_driver_sql("CREATE TABLE other (x)")
    opened.close()
