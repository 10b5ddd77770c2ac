"""Results in words, and as a page to print."""

from __future__ import annotations

from pathlib import Path

import pytest

from rhythmvae.review import report, statistics, words
from rhythmvae.review.book import Reviews, Said
from rhythmvae.review.results import results
from rhythmvae.store.database import Database
from tests.review import making

HOSTILE = "<script>alert(1)</script> **bold**"


@pytest.fixture
def reviews(tmp_path: Path) -> Reviews:
    return Reviews(Database(f"sqlite:///{tmp_path / 'a.sqlite'}"))


def test_what_people_wrote_is_text(reviews: Reviews) -> None:
    review, _ = reviews.make(HOSTILE, HOSTILE, making.design(), making.items())
    sitting = reviews.answer(reviews.begin(review, "a" * 32), Said(0, "left", comment=HOSTILE))
    reviews.end(sitting, HOSTILE)
    found = results(review, reviews.tables.people(review.record.id), reviews.tables.answers(review.record.id))
    page = report.html(review, found)
    assert "<script" not in page
    assert page.count("&lt;script&gt;alert(1)&lt;/script&gt; **bold**") == 5


@pytest.mark.parametrize("kind", ["played", "prefer", "rate", "words"])
def test_there_are_words_for_nothing_and_for_something(reviews: Reviews, kind: str) -> None:
    right = "real" if kind == "played" else ""
    review, _ = making.made(reviews, kind=kind, right=right, n_repeats=0, has_known=False)
    found = results(review, [], [])
    assert words.headline(found) == "No answers that count yet."
    sitting = reviews.begin(review, "a" * 32)
    while sitting.trial is not None:
        answer = {"rate": "70", "words": "tight"}.get(kind, "left")
        sitting = reviews.answer(sitting, Said(sitting.place, answer))
    people, answers = reviews.tables.people(review.record.id), reviews.tables.answers(review.record.id)
    found = results(review, people, answers)
    start = {"played": r"of 3 answers are right", "prefer": "is preferred most", "rate": "rated highest: 70"}
    assert start.get(kind, "3 answers in words") in words.headline(found)
    assert words.enough(found)
    assert "1 reviewer, 0 to the end, 3 answers." in words.listeners_words(found)
    assert "Reviewer 1" in report.html(review, found)


@pytest.mark.parametrize(
    ("probability", "start"),
    [
        (None, ""),
        (1e-9, "People who guess would be as far from half right in fewer"),
        (0.02, "People who guess would be as far from half right in 2 of"),
    ],
)
def test_chance_in_words(probability: float | None, start: str) -> None:
    assert words.chance_words(probability).startswith(start)


def test_what_guessing_gives_is_said_of_both_sides_of_a_half() -> None:
    """Two of three right is what a coin gives, at least, in half of all reviews: but so far from even, in all."""
    assert words.chance_words(statistics.chance(2, 3)).startswith(
        "People who guess would be as far from half right in 100 of 100 such reviews"
    )
    assert words.chance_words(statistics.chance(1, 12)) == words.chance_words(statistics.chance(11, 12))
