"""Alembic runs this file to bring a database to the newest version, in the transaction that it is given."""

from __future__ import annotations

from alembic import context

from rhythmvae.store.tables import METADATA

# SQLite can undo the making of a table like any other change; Alembic does not count on that unless it is told.
context.configure(connection=context.config.attributes["connection"], target_metadata=METADATA, transactional_ddl=True)
with context.begin_transaction():
    context.run_migrations()
