"""The table of what visitors say of the app, for its owner."""

from __future__ import annotations

from dataclasses import dataclass, fields

from sqlalchemy import func, insert, select

from rhythmvae.errors import UsageError
from rhythmvae.store.database import Database
from rhythmvae.store.tables import FEEDBACK

MAX_TEXT = 2_000  # characters
MAX_NAME = 64  # of a page's name and a model's digest
MAX_ROWS = 5_000  # 10 MB at most
MAX_A_DAY = 500  # of all visitors together
_DAY = 86_400  # s


@dataclass(frozen=True)
class Feedback:
    """One visitor's words, and no more of the visitor.

    Args:
        text: as it was written, 1 to MAX_TEXT characters.
        page: where it was written.
        model: digest of the model in use, "" where none was read.
        written_at: seconds since 1970.
    """

    text: str
    page: str
    model: str
    written_at: float


_COLUMNS = [FEEDBACK.c[field.name] for field in fields(Feedback)]


class FeedbackBook:
    """What visitors said. Every method raises StoreError where the database fails."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, said: Feedback) -> None:
        """Keep one visitor's words.

        Raises:
            UsageError: no text, more than MAX_TEXT characters, or more rows than are kept.
        """
        text = said.text.replace("\0", "").strip()  # PostgreSQL takes no NUL
        if not text:
            raise UsageError("Expected a few words, got none.")
        if len(text) > MAX_TEXT:
            raise UsageError(f"Expected up to {MAX_TEXT:,} characters, got {len(text):,}: say it in fewer words.")
        row = {
            "text": text,
            "page": said.page[:MAX_NAME],
            "model": said.model[:MAX_NAME],
            "written_at": said.written_at,
        }
        is_today = FEEDBACK.c.written_at > said.written_at - _DAY
        with self._database.transaction() as connection:
            n_rows, n_today = (
                connection.execute(select(func.count()).select_from(FEEDBACK).where(*which)).scalar_one()
                for which in ((), (is_today,))
            )
            if n_rows >= MAX_ROWS or n_today >= MAX_A_DAY:
                raise UsageError("There is no room for more words today: try again tomorrow.")
            connection.execute(insert(FEEDBACK), row)

    def all(self) -> list[Feedback]:
        """Everything that was said, the latest first."""
        query = select(*_COLUMNS).order_by(FEEDBACK.c.written_at.desc(), FEEDBACK.c.id.desc())
        with self._database.transaction() as connection:
            return [Feedback(**row) for row in connection.execute(query).mappings()]
