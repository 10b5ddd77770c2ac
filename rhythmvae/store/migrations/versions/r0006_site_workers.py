"""The table that says of which site a worker is: procrastinate knows no sites."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "r0006"
down_revision = "r0005"


def upgrade() -> None:
    op.create_table(
        "site_workers",
        sa.Column("worker", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("machine", sa.String(255), nullable=False),
    )


def downgrade() -> None:
    op.drop_table("site_workers")
