"""What visitors say is kept as it was said, within bounds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from rhythmvae.errors import UsageError
from rhythmvae.store import feedback
from rhythmvae.store.database import Database
from rhythmvae.store.feedback import MAX_TEXT, Feedback, FeedbackBook

SAID = Feedback("Ünï 🥁\n'); DROP TABLE feedback; --", "about", "ab12", 1_000.0)
DAY = 86_400


@pytest.fixture
def book(database_address: str) -> Iterator[FeedbackBook]:
    database = Database(database_address)
    yield FeedbackBook(database)
    database.close()


def test_the_latest_comes_first_as_it_was_written(book: FeedbackBook) -> None:
    assert book.all() == []
    later = replace(SAID, text="x" * MAX_TEXT, written_at=2_000.0)
    for said in (later, SAID):
        book.add(said)
    assert book.all() == [later, SAID]


@pytest.mark.parametrize(
    ("text", "match"), [("  \n", "got none"), ("\0 \0", "got none"), ("x" * (MAX_TEXT + 1), "got 2,001")]
)
def test_what_is_not_taken(book: FeedbackBook, text: str, match: str) -> None:
    with pytest.raises(UsageError, match=match):
        book.add(replace(SAID, text=text))
    assert book.all() == []


def test_names_are_cut_and_a_zero_byte_is_left_out(book: FeedbackBook) -> None:
    book.add(Feedback(" a\0b ", "p" * 100, "m" * 100, 0.0))
    assert book.all() == [Feedback("ab", "p" * 64, "m" * 64, 0.0)]


def test_a_day_and_the_table_have_room_for_so_many(book: FeedbackBook, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feedback, "MAX_A_DAY", 2)
    monkeypatch.setattr(feedback, "MAX_ROWS", 3)
    for at in (0.0, 1.0, DAY + 1.0):
        book.add(replace(SAID, written_at=at))
        if at == 1.0:
            with pytest.raises(UsageError, match="no room"):
                book.add(replace(SAID, written_at=2.0))
    with pytest.raises(UsageError, match="no room"):
        book.add(replace(SAID, written_at=10.0 * DAY))
    assert len(book.all()) == 3
