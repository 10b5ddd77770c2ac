"""The tables of the newest version. What changes here needs a new file in `migrations/versions`."""

from __future__ import annotations

from sqlalchemy import JSON, Boolean, Column, Double, Integer, MetaData, String, Table, Text

METADATA = MetaData()

RUNS = Table(
    "runs",
    METADATA,
    Column("id", String(32), primary_key=True),
    Column("machine", String(255), nullable=False, index=True),  # "" in a file, which one machine alone has
    Column("owner", String(64), nullable=False),
    Column("home", Text, nullable=False),
    Column("place", Integer, nullable=False),
    Column("name", Text, nullable=False),
    Column("about", JSON, nullable=False),
    Column("work", JSON, nullable=False),
    Column("arguments", JSON(none_as_null=True)),
    Column("parts", JSON, nullable=False),
    Column("state", String(16), nullable=False),
    Column("is_ready", Boolean, nullable=False),
    Column("is_model_enough", Boolean, nullable=False),
    Column("seconds", Double, nullable=False),
    Column("paused_seconds", Double, nullable=False),
    Column("restarts", Integer, nullable=False),
    Column("saved_at", Double, nullable=False),
    Column("ended_at", Double),
    Column("error", Text),
    Column("warning", Text),
)

PACES = Table(
    "paces",
    METADATA,
    Column("machine", String(255), primary_key=True),
    Column("phase", String(32), primary_key=True),
    Column("factor", Double, nullable=False),
)

FEEDBACK = Table(
    "feedback",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("text", Text, nullable=False),
    Column("page", String(64), nullable=False),
    Column("model", String(64), nullable=False),
    Column("written_at", Double, nullable=False),
)
