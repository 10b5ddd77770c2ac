"""Listening tests as the database keeps them: a review, a person who takes it, an answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

LEFT, RIGHT = "left", "right"  # answers that name a side
TRIAL, KNOWN = "trial", "known"  # roles of a trial


@dataclass(frozen=True)
class ReviewRecord:
    """One listening test; the columns of the table `reviews`.

    Args:
        id: 32 hexadecimal digits; what the command line names it by.
        listen: the mark in the reviewers' link.
        results: SHA-256 of the mark in the results' link, in hexadecimal. The mark itself is not kept.
        version: of the study's design; answers name it.
        design, items: what JSON can hold (`rhythmvae.review.design`).
        model: digest of the model that made the material, "" where none did.
        made_at, closed_at: seconds since 1970; `closed_at` is None as long as answers are taken.
    """

    id: str
    listen: str
    results: str
    version: int
    title: str
    question: str
    design: Mapping[str, Any]
    items: Sequence[Mapping[str, Any]]
    model: str
    app_version: str
    made_at: float
    closed_at: float | None


@dataclass(frozen=True)
class PersonRecord:
    """Somebody who takes a review: a random mark and what that one was given; the columns of `review_people`.

    Args:
        person: 32 hexadecimal digits, drawn for this review.
        number: 0 for the first who began, and so on; sides and order are balanced by it.
        trials: what JSON can hold, in the order they are heard.
        ended_at: seconds since 1970; None until the last screen is sent.
    """

    review: str
    person: str
    number: int
    trials: Sequence[Mapping[str, Any]]
    comment: str
    begun_at: float
    ended_at: float | None


@dataclass(frozen=True)
class AnswerRecord:
    """One answer, whole by itself; the columns of `review_answers`.

    Args:
        place: of the trial in the person's order, from 0.
        version, seed: of the review.
        role: "trial", "repeat" or "known".
        item: its place among the review's items.
        left, right: what was on each side; `right` is "" where one sound is judged.
        left_digest, right_digest: SHA-256 of each sound's groove, as text.
        answer: "left", "right" or "none", a rating from 0 to 100, or words.
        confidence: 1 guessed, 2 fairly sure, 3 sure; None where it was not said.
        left_plays, right_plays: how often each was started.
        left_heard, right_heard: whether each was heard to its end.
        milliseconds: from the trial's first sight to its answer.
    """

    review: str
    person: str
    place: int
    version: int
    seed: int
    role: str
    item: int
    left: str
    right: str
    left_digest: str
    right_digest: str
    model: str
    answer: str
    confidence: int | None
    comment: str
    left_plays: int
    right_plays: int
    left_heard: bool
    right_heard: bool
    milliseconds: int
    app_version: str
    written_at: float
