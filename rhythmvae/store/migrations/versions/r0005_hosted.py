"""The tables of runs that several machines share, of what pages ask of them, and of the queue's own migrations."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "r0005"
down_revision = "r0004"


def upgrade() -> None:
    op.create_table(
        "hosted_runs",
        sa.Column("run", sa.String(32), primary_key=True),
        sa.Column("job", sa.BigInteger),
        sa.Column("asked_at", sa.Double, nullable=False),
        sa.Column("stopped_at", sa.Double),
        sa.Column("shown", sa.JSON, nullable=False),
    )
    op.create_table(
        "run_wishes",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("run", sa.String(32), nullable=False, index=True),
        sa.Column("what", sa.String(16), nullable=False),
    )
    op.create_table("queue_migrations", sa.Column("name", sa.String(128), primary_key=True))


def downgrade() -> None:
    for name in ("hosted_runs", "run_wishes", "queue_migrations"):
        op.drop_table(name)
