"""The tables of listening tests: each answer once, whatever is sent twice."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, fields
from typing import Any

from sqlalchemy import Connection, Table, and_, case, delete, func, insert, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from rhythmvae.errors import UsageError
from rhythmvae.store.database import Database
from rhythmvae.store.review_record import KNOWN, LEFT, RIGHT, TRIAL, AnswerRecord, PersonRecord, ReviewRecord
from rhythmvae.store.tables import ANSWERS, PEOPLE, REVIEWS

_REVIEW = [REVIEWS.c[field.name] for field in fields(ReviewRecord)]
_PERSON = [PEOPLE.c[field.name] for field in fields(PersonRecord)]
_ANSWER = [ANSWERS.c[field.name] for field in fields(AnswerRecord)]


class ReviewTables:
    """Reviews, the people who take them, and their answers. Every method raises StoreError where the database fails."""

    def __init__(self, database: Database) -> None:
        self._database = database

    # -- reviews --------------------------------------------------------------

    def add(self, review: ReviewRecord, most: int) -> None:
        """Keep a new review.

        Raises:
            UsageError: there are `most` already, or one with its id or its marks.
        """
        with self._database.transaction() as connection:
            self._add(connection, review, most)

    def add_whole(
        self, review: ReviewRecord, people: Sequence[PersonRecord], answers: Sequence[AnswerRecord], most: int
    ) -> int:
        """Keep a review with what was answered; where it is here already, what it lacks. Returns the answers added.

        Raises:
            UsageError: as `add`; or the review that is here under its id has other marks.
        """
        with self._database.transaction() as connection:
            row = connection.execute(select(*_REVIEW).where(REVIEWS.c.id == review.id)).mappings().first()
            if row is None:
                self._add(connection, review, most)
            elif (row["listen"], row["results"]) != (review.listen, review.results):
                raise UsageError("Expected a review of this server, or one that is new to it, got another's id.")
            before = self._count(connection, ANSWERS, ANSWERS.c.review == review.id)
            for table, records in ((PEOPLE, people), (ANSWERS, answers)):
                if records:
                    connection.execute(_insert_new(connection, table), [asdict(record) for record in records])
            return self._count(connection, ANSWERS, ANSWERS.c.review == review.id) - before

    def all(self) -> list[tuple[ReviewRecord, int, int]]:
        """Each review with how many people began it and how many answers there are, the latest first."""
        with self._database.reading() as connection:
            people, answers = (
                {str(review): int(n) for review, n in connection.execute(_counts(table))} for table in (PEOPLE, ANSWERS)
            )
            query = select(*_REVIEW).order_by(REVIEWS.c.made_at.desc(), REVIEWS.c.id)
            found = [ReviewRecord(**row) for row in connection.execute(query).mappings()]
        return [(review, people.get(review.id, 0), answers.get(review.id, 0)) for review in found]

    def by_id(self, review: str) -> ReviewRecord | None:
        return self._review(REVIEWS.c.id == review)

    def by_listen(self, mark: str) -> ReviewRecord | None:
        return self._review(REVIEWS.c.listen == mark)

    def by_results(self, digest: str) -> ReviewRecord | None:
        return self._review(REVIEWS.c.results == digest)

    def close(self, review: str, at: float | None) -> bool:
        """Take no more answers from that time on, or take them again (None). False where there is no such review."""
        with self._database.transaction() as connection:
            done = connection.execute(update(REVIEWS).where(REVIEWS.c.id == review).values(closed_at=at))
            return bool(done.rowcount)

    def delete(self, review: str) -> bool:
        """Remove a review and all that was answered. False where there is no such review."""
        with self._database.transaction() as connection:
            done = connection.execute(delete(REVIEWS).where(REVIEWS.c.id == review))
            for table in (PEOPLE, ANSWERS):
                connection.execute(delete(table).where(table.c.review == review))
            return bool(done.rowcount)

    # -- people ---------------------------------------------------------------

    def person(self, review: str, person: str) -> PersonRecord | None:
        query = select(*_PERSON).where(PEOPLE.c.review == review, PEOPLE.c.person == person)
        with self._database.reading() as connection:
            row = connection.execute(query).mappings().first()
        return None if row is None else PersonRecord(**row)

    def begin(self, review: str, person: str, at: float, most: int, plan: Callable[[int], Any]) -> PersonRecord:
        """The person's record, made now where there is none: `plan` gives the trials of the person with a number.

        Raises:
            UsageError: `most` people have begun already, or the review is closed or gone.
        """
        with self._database.transaction() as connection:
            # One after another, so that every number is given once: SQLite's transaction is alone by itself.
            locked = select(REVIEWS.c.closed_at).where(REVIEWS.c.id == review).with_for_update()
            open_row = connection.execute(locked).first()
            mine = select(*_PERSON).where(PEOPLE.c.review == review, PEOPLE.c.person == person)
            if (row := connection.execute(mine).mappings().first()) is not None:
                return PersonRecord(**row)
            if open_row is None or open_row[0] is not None:
                raise UsageError("This review is closed: it takes no more answers.")
            number = self._count(connection, PEOPLE, PEOPLE.c.review == review)
            if number >= most:
                raise UsageError(f"Expected up to {most:,} reviewers, and as many have begun: ask for another review.")
            made = PersonRecord(review, person, number, plan(number), "", at, None)
            connection.execute(insert(PEOPLE), asdict(made))
            return made

    def end(self, review: str, person: str, comment: str, at: float) -> None:
        """The last screen was sent; sent again, the first stays."""
        which = (PEOPLE.c.review == review, PEOPLE.c.person == person, PEOPLE.c.ended_at.is_(None))
        with self._database.transaction() as connection:
            connection.execute(update(PEOPLE).where(*which).values(comment=comment, ended_at=at))

    def people(self, review: str) -> list[PersonRecord]:
        """Who began a review, in that order."""
        query = select(*_PERSON).where(PEOPLE.c.review == review).order_by(PEOPLE.c.number)
        with self._database.reading() as connection:
            return [PersonRecord(**row) for row in connection.execute(query).mappings()]

    # -- answers --------------------------------------------------------------

    def answer(self, said: AnswerRecord) -> None:
        """Keep an answer, unless the trial has one.

        Raises:
            UsageError: the review is closed or gone.
        """
        with self._database.transaction() as connection:
            query = select(REVIEWS.c.closed_at).where(REVIEWS.c.id == said.review)
            row = connection.execute(query).first()
            if row is None or row[0] is not None:
                raise UsageError("This review is closed: it takes no more answers.")
            connection.execute(_insert_new(connection, ANSWERS), asdict(said))

    def places(self, review: str, person: str) -> set[int]:
        """Of the trials that a person has answered."""
        query = select(ANSWERS.c.place).where(ANSWERS.c.review == review, ANSWERS.c.person == person)
        with self._database.reading() as connection:
            return {int(place) for place in connection.execute(query).scalars()}

    def answers(self, review: str, person: str | None = None) -> list[AnswerRecord]:
        """Answers to a review, of all people or of one, in the order of the people's marks and their trials."""
        which = [ANSWERS.c.review == review] + ([ANSWERS.c.person == person] if person is not None else [])
        query = select(*_ANSWER).where(*which).order_by(ANSWERS.c.person, ANSWERS.c.place)
        with self._database.reading() as connection:
            return [AnswerRecord(**row) for row in connection.execute(query).mappings()]

    def counts(self, review: str) -> tuple[int, int, int]:
        """How many began, have ended, and answers: what changes whenever results do."""
        with self._database.reading() as connection:
            return (
                self._count(connection, PEOPLE, PEOPLE.c.review == review),
                self._count(connection, PEOPLE, PEOPLE.c.review == review, PEOPLE.c.ended_at.is_not(None)),
                self._count(connection, ANSWERS, ANSWERS.c.review == review),
            )

    def judged(self, model: str, kind: str, right: str, other: str, spoiled: str) -> list[tuple[int, int]]:
        """For each person who compared two conditions in reviews of a kind and a model: answers that chose `right`, and
        answers that chose one of both.

        Who chose what was `spoiled`, where the answer is known, is left out; so are repeats.
        """
        a = ANSWERS.c
        chose_left, chose_right = a.answer == LEFT, a.answer == RIGHT
        pair = or_(and_(a.left == right, a.right == other), and_(a.left == other, a.right == right))
        is_right = or_(and_(chose_left, a.left == right), and_(chose_right, a.right == right))
        designs = select(REVIEWS.c.id, REVIEWS.c.design).where(REVIEWS.c.model == model)
        counts = (
            select(a.review, a.person, func.sum(case((is_right, 1), else_=0)), func.count())
            .where(a.model == model, a.role == TRIAL, pair, or_(chose_left, chose_right))
            .group_by(a.review, a.person)
        )
        missed = select(a.review, a.person).where(
            a.model == model,
            a.role == KNOWN,
            or_(and_(chose_left, a.left == spoiled), and_(chose_right, a.right == spoiled)),
        )
        with self._database.reading() as connection:
            of_kind = {str(review) for review, design in connection.execute(designs) if design.get("kind") == kind}
            left_out = {(str(review), str(person)) for review, person in connection.execute(missed)}
            found = [
                (str(review), str(person), int(n_right), int(n))
                for review, person, n_right, n in connection.execute(counts)
            ]
        return [
            (n_right, n)
            for review, person, n_right, n in found
            if review in of_kind and (review, person) not in left_out
        ]

    # -- parts ----------------------------------------------------------------

    def _review(self, which: Any) -> ReviewRecord | None:
        with self._database.reading() as connection:
            row = connection.execute(select(*_REVIEW).where(which)).mappings().first()
        return None if row is None else ReviewRecord(**row)

    def _add(self, connection: Connection, review: ReviewRecord, most: int) -> None:
        if self._count(connection, REVIEWS) >= most:
            raise UsageError(f"Expected up to {most:,} reviews on this server, and as many are here: delete one first.")
        if not connection.execute(_insert_new(connection, REVIEWS), asdict(review)).rowcount:
            raise UsageError("Expected a review that is new to this server, got one whose link another has.")

    @staticmethod
    def _count(connection: Connection, table: Table, *which: Any) -> int:
        return int(connection.execute(select(func.count()).select_from(table).where(*which)).scalar_one())


def _counts(table: Table) -> Any:
    return select(table.c.review, func.count()).group_by(table.c.review)


def _insert_new(connection: Connection, table: Table) -> Any:
    """An insert that leaves what is there as it is."""
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    return dialect.insert(table).on_conflict_do_nothing()
