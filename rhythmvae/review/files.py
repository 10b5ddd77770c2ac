"""A review as a file: CSV of its answers, or all of it as JSON, which another server takes up again."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable, Sequence
from dataclasses import fields
from typing import Any, TypeVar, get_type_hints

from rhythmvae import __version__
from rhythmvae.errors import UsageError
from rhythmvae.review import design as designs
from rhythmvae.review import material
from rhythmvae.review.book import MARK, MAX_COMMENT, MAX_PEOPLE, MAX_REVIEWS, MAX_WORDS, Review, Reviews
from rhythmvae.store.review_record import AnswerRecord, PersonRecord, ReviewRecord

VERSION = 1
FORMAT = "rhythmvae review"
MAX_BYTES = 24 << 20  # 2,000 people with 30 short answers each
_DIGEST = re.compile(r"[0-9a-f]{64}|")
_FORMULA = re.compile(r"[=+\-@\t\r]")  # what a spreadsheet would run, at a text's beginning
_COLUMNS = [field.name for field in fields(AnswerRecord) if field.name != "review"]

R = TypeVar("R", ReviewRecord, PersonRecord, AnswerRecord)


def to_csv(answers: Sequence[AnswerRecord]) -> str:
    """A row for each answer; a text that a spreadsheet would take for a formula has an apostrophe before it."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(_COLUMNS)
    for answer in answers:
        writer.writerow([_cell(getattr(answer, name)) for name in _COLUMNS])
    return out.getvalue()


def _cell(value: object) -> object:
    if value is None:
        return ""
    return f"'{value}" if isinstance(value, str) and _FORMULA.match(value) else value


def to_json(review: Review, people: Sequence[PersonRecord], answers: Sequence[AnswerRecord]) -> str:
    """All of a review; `take_back` reads it."""
    document = {
        "version": VERSION,
        "format": FORMAT,
        "rhythmvae": __version__,
        "review": vars(review.record),
        "people": [_without_review(person) for person in people],
        "answers": [_without_review(answer) for answer in answers],
    }
    return json.dumps(document, ensure_ascii=False, indent=1)


def take_back(reviews: Reviews, data: bytes) -> tuple[Review, int]:
    """Keep a review out of a file that `to_json` wrote, or what a review that is here lacks of it.

    Its links are those of before. Returns the review and how many answers were new.

    Raises:
        UsageError: another kind of file, or values that no review has.
        StoreError: the database fails.
    """
    review, people, answers = parse(data)
    return review, reviews.tables.add_whole(review.record, people, answers, MAX_REVIEWS)


def parse(data: bytes) -> tuple[Review, list[PersonRecord], list[AnswerRecord]]:
    """What a file holds, checked as if strangers had written it.

    Raises:
        UsageError: another kind of file, or values that no review has.
    """
    if len(data) > MAX_BYTES:
        raise UsageError(f"Expected a review of up to {MAX_BYTES >> 20} MB, got {len(data) >> 20}.")
    try:
        found = json.loads(data)
        version, kind = found["version"], found["format"]
        parts = found["review"], found["people"], found["answers"]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise UsageError("Expected the JSON file of a review, got something else.") from error
    if kind != FORMAT or version != VERSION:
        raise UsageError(f"Expected the JSON file of a review, version {VERSION}, got another.")
    record = _made(ReviewRecord, parts[0])
    review = Review.of(record)
    _check_review(review)
    if not all(isinstance(part, list) and len(part) <= MAX_PEOPLE * 2 * designs.MAX_TRIALS for part in parts[1:]):
        raise UsageError("Expected the people and answers of a review, got something else.")
    people = [_made(PersonRecord, {**_fields(each), "review": record.id}) for each in parts[1]]
    answers = [_made(AnswerRecord, {**_fields(each), "review": record.id}) for each in parts[2]]
    _check_people(review, people)
    _check_answers(review, people, answers)
    return review, people, answers


def _check_review(review: Review) -> None:
    record = review.record
    is_right = (
        all(MARK.fullmatch(mark) for mark in (record.id, record.listen))
        and re.fullmatch(r"[0-9a-f]{64}", record.results)
        and record.version == designs.VERSION
        and 0 < len(record.title) <= designs.MAX_TITLE
        and len(record.question) <= designs.MAX_QUESTION
        and len(record.model) <= 64
        and len(record.app_version) <= 32
    )
    if not is_right:
        raise UsageError("Expected a review as it was taken home, got one that was changed.")
    designs.check(review.design, review.items)
    material.check(review.items)


def _check_people(review: Review, people: Sequence[PersonRecord]) -> None:
    numbers, marks = {p.number for p in people}, {p.person for p in people}
    is_right = len(people) <= MAX_PEOPLE and len(numbers) == len(marks) == len(people)
    for person in people:
        trials = designs.trials_of(list(person.trials))
        is_right = (
            is_right
            and bool(MARK.fullmatch(person.person))
            and 0 <= person.number < MAX_PEOPLE
            and len(person.comment) <= MAX_COMMENT
            and trials == designs.plan(review.design, review.items, person.number)
        )
    if not is_right:
        raise UsageError("Expected the people of a review as they were taken home, got others.")


def _check_answers(review: Review, people: Sequence[PersonRecord], answers: Sequence[AnswerRecord]) -> None:
    trials = {person.person: designs.trials_of(list(person.trials)) for person in people}
    for answer in answers:
        own = trials.get(answer.person, [])
        is_right = (
            0 <= answer.place < len(own)
            and designs.Trial(answer.item, answer.left, answer.right, answer.role) == own[answer.place]
            and answer.version == review.record.version
            and answer.seed == review.design.seed
            and len(answer.answer) <= MAX_WORDS
            and len(answer.comment) <= MAX_WORDS
            and all(_DIGEST.fullmatch(text) for text in (answer.left_digest, answer.right_digest))
            and len(answer.model) <= 64
            and len(answer.app_version) <= 32
            and all(0 <= n < 2**31 for n in (answer.left_plays, answer.right_plays, answer.milliseconds))
            and answer.confidence in (None, 1, 2, 3)
            and (review.design.has_words or _is_known(review, answer.answer))
        )
        if not is_right:
            raise UsageError("Expected the answers of a review as they were taken home, got others.")


def _is_known(review: Review, answer: str) -> bool:
    if review.design.how.n_sides == 2:
        return answer in (designs.LEFT, designs.RIGHT, designs.NONE)
    return answer.isascii() and answer.isdigit() and int(answer[:4]) <= 100


def _without_review(record: PersonRecord | AnswerRecord) -> dict[str, Any]:
    return {name: value for name, value in vars(record).items() if name != "review"}


def _fields(found: Any) -> dict[str, Any]:
    return found if isinstance(found, dict) else {}


def _made(of: type[R], found: Any) -> R:
    """A record of values of the right kinds, without what no database takes."""
    hints = get_type_hints(of)
    is_right = isinstance(found, dict) and found.keys() == hints.keys()
    if not (is_right and all(_fits(found[name], hint) for name, hint in hints.items())):
        raise UsageError("Expected the JSON file of a review, got one whose values are of other kinds.")
    made: Callable[..., R] = of
    return made(
        **{
            name: float(value) if type(value) is int and "float" in str(hints[name]) else value
            for name, value in found.items()
        }
    )


def _fits(value: Any, hint: Any) -> bool:
    text = str(hint)
    if value is None:
        return "None" in text
    if "Sequence" in text:
        return isinstance(value, list)
    if "Mapping" in text:
        return isinstance(value, dict)
    if "float" in text:
        return type(value) in (int, float) and abs(value) < 1e12
    if "bool" in text:
        return type(value) is bool
    if "int" in text:
        return type(value) is int and abs(value) < 2**53
    return type(value) is str and "\0" not in value
