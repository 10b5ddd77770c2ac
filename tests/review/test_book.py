"""Reviews on SQLite and on PostgreSQL: links that open what they should, and each answer once."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from random import Random
from typing import Any

import pytest

from benchmarks.hostile import trees
from rhythmvae.errors import UsageError
from rhythmvae.review import book, files
from rhythmvae.review import results as of_results
from rhythmvae.review.book import MAX_WORDS, Review, Reviews, Said, digest, person_of, score
from rhythmvae.review.design import KNOWN, LEFT, NONE, REPEAT, RIGHT, SPOILED
from rhythmvae.store.database import Database
from tests.review import making

ANN, BOB = "a" * 32, "b" * 32
SENT: dict[str, Any] = {
    "place": 0,
    "answer": LEFT,
    "confidence": None,
    "comment": "",
    "plays": [1, 2],
    "heard": [True, False],
    "heard_ms": [3_000, 2_000],
    "milliseconds": 9_000,
}


@pytest.fixture
def reviews(database_address: str) -> Iterator[Reviews]:
    database = Database(database_address)
    yield Reviews(database)
    database.close()


@pytest.fixture
def light(tmp_path: Any) -> Iterator[Reviews]:
    """On SQLite alone."""
    database = Database(f"sqlite:///{tmp_path / 'a.sqlite'}")
    yield Reviews(database)
    database.close()


def test_each_link_opens_its_own_and_nothing_else(reviews: Reviews) -> None:
    review, results = making.made(reviews)
    listen = review.record.listen
    assert reviews.by_listen(listen) == reviews.by_results(results) == reviews.by_id(review.record.id) == review
    assert reviews.by_results(listen) is None
    assert reviews.by_listen(results) is None
    assert reviews.by_listen(review.record.id) is None
    for wrong in ("", "x" * 32, listen.upper(), f"{listen}'", "%", "A" * 10_000):
        assert reviews.by_listen(wrong) is None
        assert reviews.by_results(wrong) is None
    assert results not in repr(vars(review.record)), "the mark itself is kept nowhere"


def test_an_answer_is_a_row_that_says_everything(reviews: Reviews) -> None:
    review, _ = making.made(reviews)
    sitting = reviews.begin(review, ANN)
    trial = sitting.trial
    assert trial is not None
    reviews.answer(sitting, Said.of({**SENT, "answer": RIGHT, "confidence": 3, "comment": "tight\0\nkick"}))
    [row] = reviews.tables.answers(review.record.id)
    assert (row.left, row.right, row.item, row.role) == (trial.left, trial.right, trial.item, trial.role)
    assert (row.seed, row.version, row.model) == (5, 1, "ab12cd34ef56ab78")
    assert (row.answer, row.confidence, row.comment, row.milliseconds) == (RIGHT, 3, "tight\nkick", 9_000)
    assert (row.left_plays, row.right_plays, row.left_heard, row.right_heard) == (1, 2, True, False)
    assert row.left_digest != row.right_digest
    assert len(row.left_digest) == 64


def test_an_answer_counts_once_however_often_it_is_sent(reviews: Reviews) -> None:
    review, _ = making.made(reviews)
    first = reviews.begin(review, ANN)
    with ThreadPoolExecutor(6) as pool:
        found = list(pool.map(lambda side: reviews.answer(first, Said(0, side)), [LEFT, RIGHT] * 6))
    assert {sitting.place for sitting in found} == {1}
    assert reviews.answer(first, Said(0, RIGHT)).place == 1
    assert reviews.answer(found[0], Said(4, RIGHT)).place == 1, "none is skipped"
    assert len(reviews.tables.answers(review.record.id)) == 1


def test_everybody_gets_a_number_of_his_own(reviews: Reviews) -> None:
    review, _ = making.made(reviews)
    people = [f"{n:032x}" for n in range(12)]
    with ThreadPoolExecutor(6) as pool:
        found = list(pool.map(lambda person: reviews.begin(review, person), people * 2))
    assert sorted({sitting.number for sitting in found}) == list(range(12))
    assert len({(sitting.person, sitting.number) for sitting in found}) == 12


def test_somebody_goes_on_where_he_was(reviews: Reviews) -> None:
    review, _ = making.made(reviews)
    assert reviews.sitting(review, ANN) is None
    sitting = reviews.answer(reviews.begin(review, ANN), Said(0, LEFT))
    found = reviews.sitting(review, ANN)
    assert found == sitting == reviews.begin(review, ANN)
    done = making.taken(reviews, review, ANN)
    assert (done.trial, done.has_ended) == (None, False)
    reviews.end(done, "Thanks\x1b[31m\nfor all")
    reviews.end(done, "again")
    [person] = reviews.tables.people(review.record.id)
    assert person.comment == "Thanks [31m\nfor all"
    assert person.ended_at is not None


def test_a_closed_review_takes_nothing_and_a_deleted_one_is_gone(reviews: Reviews) -> None:
    review, results = making.made(reviews)
    sitting = reviews.begin(review, ANN)
    reviews.tables.close(review.record.id, 5.0)
    with pytest.raises(UsageError, match="closed"):
        reviews.answer(sitting, Said(0, LEFT))
    with pytest.raises(UsageError, match="closed"):
        reviews.begin(review, BOB)
    reviews.tables.close(review.record.id, None)
    reviews.answer(sitting, Said(0, LEFT))
    assert reviews.tables.counts(review.record.id) == (1, 0, 1)
    assert reviews.tables.delete(review.record.id)
    assert not reviews.tables.delete(review.record.id)
    assert reviews.by_results(results) is None
    assert reviews.tables.counts(review.record.id) == (0, 0, 0)
    with pytest.raises(UsageError, match="closed"):
        reviews.answer(sitting, Said(0, LEFT))
    with pytest.raises(UsageError, match="gone"):
        reviews.answer(sitting, Said(1, LEFT))


def test_there_is_room_for_so_many(light: Reviews, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(book, "MAX_REVIEWS", 1)
    monkeypatch.setattr(book, "MAX_PEOPLE", 1)
    review, _ = making.made(light)
    with pytest.raises(UsageError, match="up to 1 reviews"):
        making.made(light)
    light.begin(review, ANN)
    light.begin(review, ANN)
    with pytest.raises(UsageError, match="up to 1 reviewers"):
        light.begin(review, BOB)


@pytest.mark.parametrize(
    ("more", "match"),
    [
        ({"answer": NONE}, "one of left, right"),
        ({"answer": "<b>"}, "one of left, right"),
        ({"plays": [0, 1]}, "both sounds first"),
        ({"heard": [False, False], "heard_ms": [1_000, 9_000]}, "both sounds first"),
        ({"plays": [1]}, "Expected an answer"),
        ({"plays": 1}, "Expected an answer"),
        ({"place": "0"}, "Expected an answer"),
        ({"place": True}, "Expected an answer"),
        ({"heard": [1, 1]}, "Expected an answer"),
        ({"answer": ["left"]}, "Expected an answer"),
        ({"answer": "x" * 5_000}, "Expected an answer"),
        ({"confidence": 4}, "Expected an answer"),
        ({"confidence": [1]}, "Expected an answer"),
        ({"comment": "x" * (MAX_WORDS + 1)}, "fewer words"),
        ({"milliseconds": 1e9}, "Expected an answer"),
    ],
)
def test_what_is_no_answer(light: Reviews, more: dict[str, Any], match: str) -> None:
    review, _ = making.made(light)
    sitting = light.begin(review, ANN)
    with pytest.raises(UsageError, match=match):
        light.answer(sitting, Said.of({**SENT, **more}))
    assert not light.tables.answers(review.record.id)


@pytest.mark.parametrize("found", [None, 1, [], "left", {}, {"place": 0}])
def test_what_is_nothing_at_all(found: Any) -> None:
    with pytest.raises(UsageError, match="Expected an answer"):
        Said.of(found)


def test_numbers_are_bounded() -> None:
    said = Said.of({**SENT, "plays": [10**30, -5], "milliseconds": -1})
    assert (said.plays, said.milliseconds) == ((book.MAX_PLAYS, 0), 0)


@pytest.mark.parametrize(
    ("kind", "answer", "kept"),
    [
        ("rate", "061", "61"),
        ("rate", "101", None),
        ("rate", "²", None),
        ("words", " good \n", "good"),
        ("words", " ", None),
    ],
)
def test_ratings_and_words(light: Reviews, kind: str, answer: str, kept: str | None) -> None:
    review, _ = making.made(light, kind=kind, right="", n_repeats=0, has_known=False)
    sitting = light.begin(review, ANN)
    if kept is None:
        with pytest.raises(UsageError, match="Expected"):
            light.answer(sitting, Said(0, answer, plays=(1, 0)))
    else:
        light.answer(sitting, Said(0, answer, plays=(1, 0)))
        [row] = light.tables.answers(review.record.id)
        assert (row.answer, row.right, row.right_digest) == (kept, "", "")


@pytest.mark.parametrize(("title", "question"), [("", ""), ("\0", ""), ("x" * 81, ""), ("a", "x" * 201)])
def test_titles_that_are_not_taken(light: Reviews, title: str, question: str) -> None:
    with pytest.raises(UsageError, match="Expected"):
        light.make(title, question, making.design(), making.items())


def test_a_person_is_another_mark_in_each_review(light: Reviews) -> None:
    one, other = making.made(light)[0], making.made(light)[0]
    assert person_of("secret", one) != person_of("secret", other)
    assert person_of("secret", one) == person_of("secret", one)


def test_the_score(light: Reviews) -> None:
    review, _ = making.made(light)
    making.taken(light, review, ANN)
    assert score(review, light.tables.answers(review.record.id, ANN)) == (3, 3)
    making.taken(light, review, BOB, lambda _: "stiff")
    assert score(review, light.tables.answers(review.record.id, BOB)) == (0, 3)
    assert score(review, []) is None


# -- files ---------------------------------------------------------------------


def whole(reviews: Reviews, review: Review) -> str:
    return files.to_json(review, reviews.tables.people(review.record.id), reviews.tables.answers(review.record.id))


def test_a_review_is_taken_home_and_brought_back(reviews: Reviews) -> None:
    review, results = making.made(reviews)
    reviews.end(making.taken(reviews, review, ANN), "Nice")
    sitting = reviews.answer(reviews.begin(review, BOB), Said(0, LEFT))
    text = whole(reviews, review)
    assert files.take_back(reviews, text.encode()) == (review, 0)
    reviews.tables.delete(review.record.id)
    _, n = files.take_back(reviews, text.encode())
    assert n == 6
    assert whole(reviews, review) == text
    assert reviews.by_results(results) == review
    assert reviews.begin(review, BOB) == sitting


def test_another_review_cannot_be_brought_in_its_place(light: Reviews) -> None:
    review, _ = making.made(light)
    text = whole(light, review)
    forged = text.replace(review.record.results, digest("mine"))
    with pytest.raises(UsageError, match="another's id"):
        files.take_back(light, forged.encode())
    with pytest.raises(UsageError, match="link another has"):
        files.take_back(light, text.replace(review.record.id, "0" * 32).encode())


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"version": 1,', '"version": 2,'),
        ('"place": 0', '"place": 99'),
        ('"place": 0', '"place": 1'),
        ('"answer": "left"', '"answer": "both"'),
        ('"left_plays": 1', '"left_plays": -1'),
        ('"left_plays": 1', '"left_plays": "1"'),
        ('"made_at": ', '"made_at": NaN, "x": '),
        ('"number": 0', '"number": 1'),
        ('"seed": 5', '"seed": 6'),
        ('"comment": ""', '"comment": null'),
        ('"closed_at": null', '"closed_at": null, "more": 1'),
        ('"real": "rv1-', '"real": "rv9-'),
    ],
)
def test_a_file_that_was_changed_is_refused(light: Reviews, old: str, new: str) -> None:
    review, _ = making.made(light)
    light.answer(light.begin(review, ANN), Said(0, LEFT))
    text = whole(light, review)
    assert old in text
    light.tables.delete(review.record.id)
    with pytest.raises(UsageError, match="Expected"):
        files.take_back(light, text.replace(old, new, 1).encode())
    assert light.tables.all() == []


@pytest.mark.parametrize("data", [b"", b"[]", b"1", b"{}", b"\xff", b"[" * 100_000, b'{"version": 1, "format": "x"}'])
def test_what_is_no_review(light: Reviews, data: bytes) -> None:
    with pytest.raises(UsageError, match="Expected the JSON file of a review"):
        files.take_back(light, data)


def test_a_table_of_answers_runs_nothing(light: Reviews) -> None:
    review, _ = making.made(light)
    light.answer(light.begin(review, ANN), Said(0, LEFT, comment="=1+1"))
    rows = files.to_csv(light.tables.answers(review.record.id)).splitlines()
    assert len(rows) == 2
    assert ",'=1+1," in rows[1]
    assert rows[0].startswith("person,place,version,seed,role,item,left,right,")


# -- results -------------------------------------------------------------------


def figures(reviews: Reviews, review: Review, **more: Any) -> of_results.Results:
    return of_results.results(
        review, reviews.tables.people(review.record.id), reviews.tables.answers(review.record.id), **more
    )


def test_who_does_not_listen_is_left_out_by_a_switch(light: Reviews) -> None:
    review, _ = making.made(light)
    making.taken(light, review, ANN)
    making.taken(light, review, BOB, lambda t: SPOILED if t.role == KNOWN else "stiff")
    found = figures(light, review)
    assert [each.name for each in found.left_out] == ["Reviewer 2"]
    assert (found.n_right, found.n_judged, found.unit) == (3, 3, "right")
    assert found.chance == pytest.approx(0.25)
    [ann] = found.listeners
    assert (ann.passed, ann.n_alike, ann.n_again, ann.n_answers) == (True, 1, 1, 5)
    every = figures(light, review, leave_out_failed=False)
    assert (every.n_right, every.n_judged, len(every.listeners)) == (3, 6, 2)
    assert len(figures(light, review, items=[0]).by_item) == 1


def test_repeats_answered_otherwise_are_seen(light: Reviews) -> None:
    review, _ = making.made(light)
    making.taken(light, review, ANN, lambda t: "stiff" if t.role == REPEAT else "real")
    [ann] = figures(light, review).listeners
    assert (ann.n_alike, ann.n_again) == (0, 1)


def test_preferences_and_ratings(light: Reviews) -> None:
    liked, _ = making.made(light, kind="prefer", right="", allows_none=True)
    for number in range(4):
        making.taken(light, liked, f"{number:032x}", lambda t: "stiff" if t.item == 0 else "real")
    found = figures(light, liked)
    assert found.unit == "preferred"
    assert {o.name: round(o.value.value, 3) for o in found.conditions} == {"real": 0.586, "stiff": 0.414}
    rated, _ = making.made(light, kind="rate", right="", n_repeats=0)
    for number in range(3):
        sitting = light.begin(rated, f"{number:032x}")
        while (trial := sitting.trial) is not None:
            mark = {"real": "80", "stiff": "40"}.get(trial.left, "5")
            sitting = light.answer(sitting, Said(sitting.place, mark, plays=(1, 0)))
    found = figures(light, rated)
    assert found.unit == "rating"
    assert {o.name: (o.value.value, o.spread) for o in found.conditions} == {"real": (80, 0), "stiff": (40, 0)}
    assert {each.passed for each in found.listeners} == {True}
    assert found.more_people == 7, "three who agree are not enough"


def test_no_answers_are_no_error(light: Reviews) -> None:
    for more in ({}, {"kind": "prefer", "right": ""}, {"kind": "rate", "right": ""}, {"kind": "words", "right": ""}):
        review, _ = making.made(light, **more)
        found = figures(light, review)
        assert (found.n_answers, found.more_people) == (0, None)


def test_an_answer_of_nobody_known_is_passed_over(light: Reviews) -> None:
    review, _ = making.made(light)
    making.taken(light, review, ANN)
    people, answers = light.tables.people(review.record.id), light.tables.answers(review.record.id)
    stray = [*answers, replace(answers[0], person=BOB)]
    assert of_results.results(review, people, stray).n_answers == 5


def test_whatever_a_browser_sends_is_an_answer_or_a_sentence(light: Reviews) -> None:
    """As a forged client sends it, kept on the way: half a character, what no database takes, numbers without end."""
    review, _ = making.made(light, kind="words", right="", has_known=False)
    usual = {
        **{"place": 0, "answer": "tight", "confidence": 2, "comment": "fine", "milliseconds": 900},
        **{"plays": [1, 0], "heard": [True, False], "heard_ms": [2_000, 0]},
    }
    odd = ["\ud800", "a\0b", "\u202e", "x" * 900, "<b>", "\x1b[2J"]
    rng, kept = Random("trial"), 0
    for number in range(300):
        found = {**usual, "answer": rng.choice(odd), "comment": rng.choice(odd)}
        found = found if number < 40 else json.loads(json.dumps(trees.spoil(found, rng)))
        sitting = light.begin(review, f"{number:032x}")
        with suppress(UsageError):  # and no other
            light.answer(sitting, Said.of(found))
            kept += 1
    answers = light.tables.answers(review.record.id)
    assert len(answers) <= kept
    assert len(answers) > 40
    assert all(0 <= a.milliseconds < 2**31 and 0 <= a.left_plays < 2**31 for a in answers)
    assert not [a for a in answers if any(c in a.answer + a.comment for c in "\0\ud800\u202e\x1b")]
