"""The tables of the newest version. What changes here needs a new file in `migrations/versions`."""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Double,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)

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

# Runs that several machines share (hosted.py), beside their row in `runs`.
HOSTED = Table(
    "hosted_runs",
    METADATA,
    Column("run", String(32), primary_key=True),
    Column("job", BigInteger),  # of procrastinate; NULL before its files are there, and once the run has ended
    Column("asked_at", Double, nullable=False),
    Column("stopped_at", Double),
    Column("shown", JSON, nullable=False),
)

WISHES = Table(
    "run_wishes",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("run", String(32), nullable=False, index=True),
    Column("what", String(16), nullable=False),
)

# Of procrastinate's workers, by their numbers there.
SITE_WORKERS = Table(
    "site_workers",
    METADATA,
    Column("worker", BigInteger, primary_key=True, autoincrement=False),
    Column("machine", String(255), nullable=False),  # as in `runs`
)

QUEUE_MIGRATIONS = Table("queue_migrations", METADATA, Column("name", String(128), primary_key=True))

FEEDBACK = Table(
    "feedback",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("text", Text, nullable=False),
    Column("page", String(64), nullable=False),
    Column("model", String(64), nullable=False),
    Column("written_at", Double, nullable=False),
)

REVIEWS = Table(
    "reviews",
    METADATA,
    Column("id", String(32), primary_key=True),
    Column("listen", String(32), nullable=False, unique=True),
    Column("results", String(64), nullable=False, unique=True),
    Column("version", Integer, nullable=False),
    Column("title", Text, nullable=False),
    Column("question", Text, nullable=False),
    Column("design", JSON, nullable=False),
    Column("items", JSON, nullable=False),
    Column("model", String(64), nullable=False),
    Column("app_version", String(32), nullable=False),
    Column("made_at", Double, nullable=False),
    Column("closed_at", Double),
)

PEOPLE = Table(
    "review_people",
    METADATA,
    Column("review", String(32), primary_key=True),
    Column("person", String(32), primary_key=True),
    Column("number", Integer, nullable=False),
    Column("trials", JSON, nullable=False),
    Column("comment", Text, nullable=False),
    Column("begun_at", Double, nullable=False),
    Column("ended_at", Double),
    UniqueConstraint("review", "number", name="uq_review_people_number"),
)

ANSWERS = Table(
    "review_answers",
    METADATA,
    Column("review", String(32), primary_key=True),
    Column("person", String(32), primary_key=True),
    Column("place", Integer, primary_key=True, autoincrement=False),
    Column("version", Integer, nullable=False),
    Column("seed", BigInteger, nullable=False),
    Column("role", String(16), nullable=False),
    Column("item", Integer, nullable=False),
    Column("left", Text, nullable=False),
    Column("right", Text, nullable=False),
    Column("left_digest", String(64), nullable=False),
    Column("right_digest", String(64), nullable=False),
    Column("model", String(64), nullable=False),
    Column("answer", Text, nullable=False),
    Column("confidence", Integer),
    Column("comment", Text, nullable=False),
    Column("left_plays", Integer, nullable=False),
    Column("right_plays", Integer, nullable=False),
    Column("left_heard", Boolean, nullable=False),
    Column("right_heard", Boolean, nullable=False),
    Column("milliseconds", Integer, nullable=False),
    Column("app_version", String(32), nullable=False),
    Column("written_at", Double, nullable=False),
)
