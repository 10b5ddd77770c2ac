"""Reviews as they are made, taken, closed and deleted: what may be kept, by whom, and how much of it.

A review has two marks, each of 128 random bits: the reviewers' link has one, the results' link the other, of which
the digest alone is kept. A person is a mark as well, drawn by his browser's side and hashed with the review's, so that
nobody can tell whether two reviews were taken by the same one.
"""

from __future__ import annotations

import hashlib
import re
import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from rhythmvae import __version__
from rhythmvae.errors import UsageError
from rhythmvae.review import design as designs
from rhythmvae.review import material
from rhythmvae.review.design import LEFT, MAX_QUESTION, MAX_TITLE, NONE, RIGHT, Design, Item, Trial
from rhythmvae.store.database import Database
from rhythmvae.store.review_record import AnswerRecord, PersonRecord, ReviewRecord
from rhythmvae.store.reviews import ReviewTables
from rhythmvae.text import clean_text, counted

MAX_REVIEWS = 1_000  # of a database
MAX_PEOPLE = 2_000  # of a review
MAX_WORDS, MAX_COMMENT = 1_000, 2_000  # characters: of an answer, and of what is said at the end
MAX_PLAYS, MAX_MILLISECONDS = 10_000, 86_400_000
LEAST_HEARD_MS = 1_500  # of each side, or all of a shorter one: what a browser must have played before an answer counts
MARK = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True)
class Review:
    """A review as it is kept, its design and items read."""

    record: ReviewRecord
    design: Design
    items: list[Item]

    @property
    def is_open(self) -> bool:
        return self.record.closed_at is None

    @classmethod
    def of(cls, record: ReviewRecord) -> Review:
        return cls(record, designs.design_of(dict(record.design)), designs.items_of(list(record.items)))


@dataclass(frozen=True)
class Sitting:
    """One person's way through a review.

    Args:
        place: of the trial that is next, from 0; as many as there are trials where all are answered.
        has_ended: the last screen was sent.
    """

    review: Review
    person: str
    number: int
    trials: list[Trial]
    place: int
    has_ended: bool

    @property
    def trial(self) -> Trial | None:
        return self.trials[self.place] if self.place < len(self.trials) else None


@dataclass(frozen=True)
class Said:
    """What a browser says of one trial; anything can stand in it until `of` has looked at it.

    Args:
        answer: "left", "right" or "none", a rating from 0 to 100, or words.
        confidence: 1 to 3, None where it was not said.
        plays: how often the left and the right sound were started.
        heard: whether each was heard to its end.
        heard_ms: how long each sounded, all its plays together.
    """

    place: int
    answer: str
    confidence: int | None = None
    comment: str = ""
    plays: tuple[int, int] = (1, 1)
    heard: tuple[bool, bool] = (False, False)
    heard_ms: tuple[int, int] = (LEAST_HEARD_MS, LEAST_HEARD_MS)
    milliseconds: int = 0

    @classmethod
    def of(cls, found: Any) -> Said:
        """What a browser sent, within bounds.

        Raises:
            UsageError: something else than an answer.
        """
        try:
            plays, heard, heard_ms = found["plays"], found["heard"], found["heard_ms"]
            whole = [found["place"], *plays, *heard_ms, found["milliseconds"]]
            texts = [found["answer"], found["comment"]]
            is_right = (
                all(type(n) is int for n in whole)
                and all(type(text) is str and len(text) <= 4 * MAX_WORDS for text in texts)
                and all(type(flag) is bool for flag in heard)
                and len(plays) == len(heard) == len(heard_ms) == 2
                and found["confidence"] in (None, 1, 2, 3)
            )
        except (KeyError, TypeError, IndexError):
            is_right = False
        if not is_right:
            raise UsageError("Expected an answer of this page, got something else: load it again.")
        return cls(
            found["place"],
            found["answer"],
            None if found["confidence"] is None else int(found["confidence"]),
            found["comment"],
            (_bounded(plays[0], MAX_PLAYS), _bounded(plays[1], MAX_PLAYS)),
            (heard[0], heard[1]),
            (heard_ms[0], heard_ms[1]),
            _bounded(found["milliseconds"], MAX_MILLISECONDS),
        )


class Reviews:
    """All reviews of a database. Every method raises StoreError where the database fails."""

    def __init__(self, database: Database) -> None:
        self.tables = ReviewTables(database)

    # -- who makes one --------------------------------------------------------

    def make(
        self, title: str, question: str, design: Design, items: Sequence[Item], model: str = ""
    ) -> tuple[Review, str]:
        """A new review, and the mark of its results' link, which is kept nowhere.

        Raises:
            UsageError: no title, material that cannot be asked so, or too many reviews.
        """
        title, question = _line(title, MAX_TITLE), _line(question, MAX_QUESTION) or design.how.question
        if not title:
            raise UsageError("Expected a title, so that you know the review again, got none.")
        designs.check(design, items)
        material.check(list(items))
        listen, results = secrets.token_hex(16), secrets.token_hex(16)
        record = ReviewRecord(
            id=secrets.token_hex(16),
            listen=listen,
            results=digest(results),
            version=designs.VERSION,
            title=title,
            question=question,
            design=designs.to_json(design),
            items=[designs.to_json(item) for item in items],
            model=model[:64],
            app_version=__version__,
            made_at=time.time(),
            closed_at=None,
        )
        self.tables.add(record, MAX_REVIEWS)
        return Review.of(record), results

    def by_results(self, mark: str) -> Review | None:
        """The review whose results a mark opens; None where it opens none, a reviewers' mark among them."""
        record = self.tables.by_results(digest(mark)) if MARK.fullmatch(mark) else None
        return None if record is None else Review.of(record)

    def by_id(self, name: str) -> Review:
        """The review with an id.

        Raises:
            UsageError: there is none.
        """
        record = self.tables.by_id(name)
        if record is None:
            raise UsageError(f"Expected the id of a review (`reviews list` has them), got {clean_text(name, 40)!r}.")
        return Review.of(record)

    # -- who takes one --------------------------------------------------------

    def by_listen(self, mark: str) -> Review | None:
        """The review of a reviewers' link; None where it leads to none."""
        record = self.tables.by_listen(mark) if MARK.fullmatch(mark) else None
        return None if record is None else Review.of(record)

    def sitting(self, review: Review, person: str) -> Sitting | None:
        """Where somebody is in a review; None where he has not begun it."""
        record = self.tables.person(review.record.id, person)
        return None if record is None else self._sitting(review, record)

    def begin(self, review: Review, person: str) -> Sitting:
        """Where somebody is in a review, from now on.

        Raises:
            UsageError: the review is closed, or as many people have begun as it takes.
        """

        def plan(number: int) -> list[dict[str, Any]]:
            return [designs.to_json(trial) for trial in designs.plan(review.design, review.items, number)]

        record = self.tables.begin(review.record.id, person, time.time(), MAX_PEOPLE, plan)
        return self._sitting(review, record)

    def answer(self, sitting: Sitting, said: Said) -> Sitting:
        """Keep an answer to the trial that is next; one that is there already stays. Returns what comes then.

        Raises:
            UsageError: no answer to such a question, a side that was not heard, or a closed review.
        """
        if said.place == sitting.place and (trial := sitting.trial) is not None:
            self.tables.answer(_record(sitting, trial, said))
        found = self.sitting(sitting.review, sitting.person)
        if found is None:
            raise UsageError("This review is gone: whoever made it has deleted it.")
        return found

    def end(self, sitting: Sitting, comment: str) -> None:
        """Keep what somebody says at the end, and that it is one.

        Raises:
            UsageError: too many words.
        """
        self.tables.end(sitting.review.record.id, sitting.person, words(comment, MAX_COMMENT), time.time())

    def _sitting(self, review: Review, record: PersonRecord) -> Sitting:
        trials = designs.trials_of([dict(trial) for trial in record.trials])
        done = self.tables.places(review.record.id, record.person)
        place = next((n for n in range(len(trials)) if n not in done), len(trials))
        return Sitting(review, record.person, record.number, trials, place, record.ended_at is not None)


def digest(mark: str) -> str:
    """SHA-256, in hexadecimal."""
    return hashlib.sha256(mark.encode()).hexdigest()


def person_of(secret: str, review: Review) -> str:
    """The mark of a browser's secret in a review: another one in every review."""
    return hashlib.sha256(f"{secret} {review.record.listen}".encode()).hexdigest()[:32]


def score(review: Review, answers: Sequence[AnswerRecord]) -> tuple[int, int] | None:
    """How many of a person's answers that count are right, and of how many; None where no answer is right or wrong."""
    right = review.design.right
    judged = [a for a in answers if a.role == designs.TRIAL and a.answer in (LEFT, RIGHT)]
    if not right or not judged:
        return None
    return sum((a.left if a.answer == LEFT else a.right) == right for a in judged), len(judged)


def words(text: str, most: int) -> str:
    """What somebody wrote, its lines kept.

    Raises:
        UsageError: more than `most` characters.
    """
    text = text.strip()
    if len(text) > most:
        raise UsageError(f"Expected up to {most:,} characters, got {len(text):,}: say it in fewer words.")
    return "\n".join(clean_text(line, most) for line in text.replace("\0", "").splitlines()).strip()


def _record(sitting: Sitting, trial: Trial, said: Said) -> AnswerRecord:
    review, own = sitting.review, sitting.review.items[trial.item]
    return AnswerRecord(
        review=review.record.id,
        person=sitting.person,
        place=sitting.place,
        version=review.record.version,
        seed=review.design.seed,
        role=trial.role,
        item=trial.item,
        left=trial.left,
        right=trial.right,
        left_digest=material.digest(trial.left, own),
        right_digest=material.digest(trial.right, own) if trial.right else "",
        model=review.record.model,
        answer=_answer(review.design, said),
        confidence=said.confidence,
        comment=words(said.comment, MAX_WORDS),
        left_plays=said.plays[0],
        right_plays=said.plays[1],
        left_heard=said.heard[0],
        right_heard=said.heard[1],
        milliseconds=said.milliseconds,
        app_version=__version__,
        written_at=time.time(),
    )


def _answer(design: Design, said: Said) -> str:
    heard = list(zip(said.plays, said.heard, said.heard_ms, strict=True))[: design.how.n_sides]
    if not all(plays and (is_heard or ms >= LEAST_HEARD_MS) for plays, is_heard, ms in heard):
        sides = "both sounds" if design.how.n_sides == 2 else "the sound"
        raise UsageError(f"Hear {sides} first, then answer.")
    if design.how.n_sides == 2:
        allowed = (LEFT, RIGHT, NONE) if design.allows_none else (LEFT, RIGHT)
        if said.answer not in allowed:
            raise UsageError(f"Expected one of {', '.join(allowed)}, got {clean_text(said.answer, 20)!r}.")
        return said.answer
    if design.has_words:
        if not (text := words(said.answer, MAX_WORDS)):
            raise UsageError("Expected a few words, got none.")
        return text
    if not (said.answer.isascii() and said.answer.isdigit() and len(said.answer) <= 3 and int(said.answer) <= 100):
        raise UsageError(f"Expected a number from 0 to 100, got {clean_text(said.answer, 20)!r}.")
    return str(int(said.answer))


def _line(text: str, most: int) -> str:
    found = clean_text(text, most + 1)
    if len(found) > most:
        raise UsageError(f"Expected up to {counted(most, 'character')}, got more: say it in fewer words.")
    return found


def _bounded(n: int, most: int) -> int:
    return min(max(n, 0), most)
