"""The table of how long a machine takes to train."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "r0002"
down_revision = "r0001"


def upgrade() -> None:
    op.create_table(
        "paces",
        sa.Column("machine", sa.String(255), primary_key=True),
        sa.Column("phase", sa.String(32), primary_key=True),
        sa.Column("factor", sa.Double, nullable=False),
    )


def downgrade() -> None:
    op.drop_table("paces")
