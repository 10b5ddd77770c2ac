"""The tables of training runs, and of how long a machine takes for them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, fields

from sqlalchemy import Connection, delete, insert, select

from rhythmvae.store.database import Database
from rhythmvae.store.record import RunRecord
from rhythmvae.store.tables import PACES, RUNS

_COLUMNS = [RUNS.c[field.name] for field in fields(RunRecord)]


class Runs:
    """The training runs of one machine. Every method raises StoreError where the database fails.

    Args:
        machine: its name; by default this machine's, or that of its site.
    """

    def __init__(self, database: Database, machine: str | None = None) -> None:
        self._database = database
        self._machine = database.machine if machine is None else machine

    def all(self) -> list[RunRecord]:
        """All runs of this machine, whichever server has them, by their place in the line."""
        query = select(*_COLUMNS).where(RUNS.c.machine == self._machine).order_by(RUNS.c.place, RUNS.c.id)
        with self._database.transaction() as connection:
            return [RunRecord(**row) for row in connection.execute(query).mappings()]

    def save(self, changed: Sequence[RunRecord], gone: Collection[str] = ()) -> None:
        """Write runs that are new or have changed, and remove those with the ids `gone`: all of it, or nothing."""
        rows = [asdict(record) | {"machine": self._machine} for record in changed]
        with self._database.transaction() as connection:
            connection.execute(delete(RUNS).where(RUNS.c.id.in_([*gone, *(row["id"] for row in rows)])))
            if rows:
                connection.execute(insert(RUNS), rows)

    def remove_older(self, saved_at: float) -> None:
        """Remove runs of any machine that were last saved before a time, in seconds since 1970."""
        with self._database.transaction() as connection:
            connection.execute(delete(RUNS).where(RUNS.c.saved_at < saved_at))

    def paces(self) -> dict[str, float]:
        """Phase of a run -> how many times as long as usual it takes on this machine."""
        query = select(PACES.c.phase, PACES.c.factor).where(PACES.c.machine == self._machine)
        with self._database.transaction() as connection:
            return {phase: factor for phase, factor in connection.execute(query)}

    def save_paces(self, factors: Mapping[str, float]) -> None:
        """Write what `paces` gives from now on."""
        with self._database.transaction() as connection:
            self.write_paces(connection, factors)

    def write_paces(self, connection: Connection, factors: Mapping[str, float]) -> None:
        """As `save_paces`, within a transaction."""
        rows = [{"machine": self._machine, "phase": phase, "factor": f} for phase, f in factors.items()]
        connection.execute(delete(PACES).where(PACES.c.machine == self._machine))
        if rows:
            connection.execute(insert(PACES), rows)
