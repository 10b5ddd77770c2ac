"""Results by reviewer and by item, and one reviewer's answers as rows to read."""

from __future__ import annotations

from pathlib import Path

import pytest
from scipy.stats import binomtest

from rhythmvae.review import report, words
from rhythmvae.review.book import Review, Reviews, Said
from rhythmvae.review.design import KNOWN, SPOILED
from rhythmvae.review.results import Results, results
from rhythmvae.store.database import Database
from tests.review import making

PEOPLE = [f"{number:032x}" for number in range(4)]


@pytest.fixture
def reviews(tmp_path: Path) -> Reviews:
    return Reviews(Database(f"sqlite:///{tmp_path / 'a.sqlite'}"))


def figures(reviews: Reviews, review: Review, **more: object) -> Results:
    people, answers = reviews.tables.people(review.record.id), reviews.tables.answers(review.record.id)
    return results(review, people, answers, **more)  # type: ignore[arg-type]


def test_some_reviewers_alone(reviews: Reviews) -> None:
    review, _ = making.made(reviews)
    for number, person in enumerate(PEOPLE):
        making.taken(reviews, review, person, lambda _, n=number: "real" if n < 2 else "stiff")
    assert (figures(reviews, review, leave_out_failed=False).n_right) == 6
    found = figures(reviews, review, leave_out_failed=False, numbers=[1, 2])
    assert [each.name for each in found.every] == ["Reviewer 2", "Reviewer 3"]
    assert (found.n_right, found.n_judged) == (3, 6)


def test_a_preference_between_two_has_an_exact_probability_for_each_and_for_all(reviews: Reviews) -> None:
    review, _ = making.made(reviews, kind="prefer", right="")
    for person in PEOPLE:
        making.taken(reviews, review, person, lambda t: "stiff" if t.item == 0 else "real")
    found = figures(reviews, review)
    assert [each.favours for each in found.listeners] == ["real 2 of 3"] * 4
    assert found.listeners[0].chance == pytest.approx(binomtest(2, 3).pvalue)
    assert found.chance == pytest.approx(binomtest(8, 12).pvalue)
    assert "If both were liked alike, as clear a choice would come in 39 of 100" in words.headline(found)


def test_preferences_and_ratings_stand_item_by_item(reviews: Reviews) -> None:
    liked, _ = making.made(reviews, kind="prefer", right="")
    for person in PEOPLE:
        making.taken(reviews, liked, person, lambda t: "stiff" if t.item == 0 else "real")
    by_item = {o.name: round(o.value.value, 2) for o in figures(reviews, liked).by_item}
    assert by_item.keys() == {"funk: real", "rock: real", "disco: real"}
    assert by_item["funk: real"] < 0.5 < by_item["rock: real"] == by_item["disco: real"]
    rated, _ = making.made(reviews, kind="rate", right="", n_trials=6, n_repeats=0, has_known=False)
    sitting = reviews.begin(rated, PEOPLE[0])
    while (trial := sitting.trial) is not None:
        mark = str(60 + 10 * trial.item if trial.left == "real" else 20)
        sitting = reviews.answer(sitting, Said(sitting.place, mark, plays=(1, 0)))
    found = figures(reviews, rated)
    assert {o.name: o.value.value for o in found.by_item} == {
        **{"funk: real": 60, "rock: real": 70, "disco: real": 80},
        **dict.fromkeys(("funk: stiff", "rock: stiff", "disco: stiff"), 20),
    }
    assert found.listeners[0].favours == "real 70, stiff 20"


def test_who_answered_how_can_be_read_and_printed(reviews: Reviews) -> None:
    review, _ = making.made(reviews)
    making.taken(reviews, review, PEOPLE[0])
    making.taken(reviews, review, PEOPLE[1], lambda t: SPOILED if t.role == KNOWN else "real")
    answers = reviews.tables.answers(review.record.id, PEOPLE[1])
    rows = [words.answer_row(review, answer) for answer in answers]
    assert {len(row) for row in rows} == {len(words.ANSWER_COLUMNS)}
    assert sorted(row[0].partition(", ")[2] for row in rows) == ["", "", "", "known", "repeated"]
    assert [row[4].endswith(", right") for row in rows] == [", known" not in row[0] for row in rows]
    assert {row[6] for row in rows} == {"1 in part, 1 in part"}
    found = figures(reviews, review)
    page = report.html(review, found, answers)
    assert [each.name for each in found.left_out] == ["Reviewer 2"]
    assert "missed" in page.partition("By reviewer")[2], "who was left out is listed"
    assert page.partition("Answers of Reviewer 2")[2].count("<tr>") == 6
    assert "Answers of" not in report.html(review, found)
