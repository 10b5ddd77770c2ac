"""The tables of listening tests."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "r0004"
down_revision = "r0003"


def upgrade() -> None:
    op.create_table(
        "reviews",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("listen", sa.String(32), nullable=False, unique=True),
        sa.Column("results", sa.String(64), nullable=False, unique=True),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("question", sa.Text, nullable=False),
        sa.Column("design", sa.JSON, nullable=False),
        sa.Column("items", sa.JSON, nullable=False),
        sa.Column("model", sa.String(64), nullable=False),
        sa.Column("app_version", sa.String(32), nullable=False),
        sa.Column("made_at", sa.Double, nullable=False),
        sa.Column("closed_at", sa.Double),
    )
    op.create_table(
        "review_people",
        sa.Column("review", sa.String(32), primary_key=True),
        sa.Column("person", sa.String(32), primary_key=True),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("trials", sa.JSON, nullable=False),
        sa.Column("comment", sa.Text, nullable=False),
        sa.Column("begun_at", sa.Double, nullable=False),
        sa.Column("ended_at", sa.Double),
        sa.UniqueConstraint("review", "number", name="uq_review_people_number"),
    )
    op.create_table(
        "review_answers",
        sa.Column("review", sa.String(32), primary_key=True),
        sa.Column("person", sa.String(32), primary_key=True),
        sa.Column("place", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("seed", sa.BigInteger, nullable=False),
        sa.Column("role", sa.String(16), nullable=False),
        sa.Column("item", sa.Integer, nullable=False),
        sa.Column("left", sa.Text, nullable=False),
        sa.Column("right", sa.Text, nullable=False),
        sa.Column("left_digest", sa.String(64), nullable=False),
        sa.Column("right_digest", sa.String(64), nullable=False),
        sa.Column("model", sa.String(64), nullable=False),
        sa.Column("answer", sa.Text, nullable=False),
        sa.Column("confidence", sa.Integer),
        sa.Column("comment", sa.Text, nullable=False),
        sa.Column("left_plays", sa.Integer, nullable=False),
        sa.Column("right_plays", sa.Integer, nullable=False),
        sa.Column("left_heard", sa.Boolean, nullable=False),
        sa.Column("right_heard", sa.Boolean, nullable=False),
        sa.Column("milliseconds", sa.Integer, nullable=False),
        sa.Column("app_version", sa.String(32), nullable=False),
        sa.Column("written_at", sa.Double, nullable=False),
    )


def downgrade() -> None:
    for name in ("review_answers", "review_people", "reviews"):
        op.drop_table(name)
