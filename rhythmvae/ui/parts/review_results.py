"""Results of a review, live: words and pictures, filters, files, and what its owner may do with it."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import streamlit as st

from rhythmvae.ui.parts import review_making
from rhythmvae.ui.parts.sentences import counted, errors_shown, literal, table
from rhythmvae.ui.shared import kept

if TYPE_CHECKING:
    from rhythmvae.review.book import Review, Reviews
    from rhythmvae.review.results import Results
    from rhythmvae.store.review_record import AnswerRecord

EVERY_SECONDS = 3.0
MAX_SAID = 100  # comments on the page; files have all
MAX_LISTED = 200  # reviewers


@dataclass(frozen=True)
class Chosen:
    """Whose answers to what are read; None for all."""

    leaves_out_failed: bool
    items: tuple[int, ...] | None
    numbers: tuple[int, ...] | None


def show(mark: str) -> None:
    """The results that a mark opens."""
    with errors_shown():
        reviews = review_making.book()
        review = None if reviews is None else reviews.by_results(mark[:64])
        if reviews is None or review is None:
            st.error("There is no review at this address. The link may be cut short, or the review was deleted.")
            return
        st.subheader(literal(review.record.title))
        st.markdown(literal(review.record.question))
        st.code(review_making.listen_link(review.record.listen), language=None, wrap_lines=True)
        leave_out = st.toggle("Leave out who missed the trial whose answer is known", value=True)
        names = {number: item.name for number, item in enumerate(review.items)}
        items = st.multiselect("Items", list(names), format_func=names.__getitem__, placeholder="All of them")
        n_people, _, _ = reviews.tables.counts(review.record.id)
        numbers = st.multiselect(
            "Reviewers", range(n_people), format_func=lambda number: f"Reviewer {number + 1}", placeholder="All of them"
        )
        chosen = Chosen(leave_out, tuple(items) or None, tuple(numbers) or None)
        st.fragment(_live, run_every=EVERY_SECONDS if review.is_open else None)(review, chosen)
        _own(reviews, review)


def _live(review: Review, chosen: Chosen) -> None:
    """What changes while answers arrive."""
    from rhythmvae.review import words

    with errors_shown():
        reviews = review_making.book()
        if reviews is None:
            return
        number = review.record.id
        # Whoever looks on asks every few seconds: what has not changed is not counted again.
        found, answers = _counted(number, reviews.tables.counts(number), chosen, review, reviews)
        st.markdown(f"### {literal(words.headline(found))}")
        st.markdown(literal(words.listeners_words(found)))
        st.markdown(literal(words.enough(found)))
        _pictures(found)
        if found.every:
            rows = [words.listener_row(each) for each in found.every[:MAX_LISTED]]
            st.markdown("#### By reviewer")
            st.markdown(table(words.LISTENER_COLUMNS, rows, numbers=["Answers", "By chance", "Minutes"]))
            if (hidden := len(found.every) - MAX_LISTED) > 0:
                st.caption(f"And {hidden:,} more: choose them under “Reviewers”, or take the files home.")
            _read(review, found, answers)
        _said(found)
        st.caption(literal(words.METHOD))
        _files(reviews, review, found, answers)


@kept(max_entries=16)
def _counted(
    number: str, counts: tuple[int, int, int], chosen: Chosen, _review: Review, _reviews: Reviews
) -> tuple[Results, list[AnswerRecord]]:
    """The figures of a review, and its answers, as they are while `counts` stay."""
    from rhythmvae.review.results import results

    people, answers = _reviews.tables.people(number), _reviews.tables.answers(number)
    found = results(
        _review,
        people,
        answers,
        leave_out_failed=chosen.leaves_out_failed,
        items=chosen.items,
        numbers=chosen.numbers,
    )
    return found, answers


def _read(review: Review, found: Results, answers: Sequence[AnswerRecord]) -> None:
    """What one reviewer answered, trial by trial."""
    from rhythmvae.review import words

    people = {each.person: each for each in found.every}
    person = st.selectbox(
        "Read what one of them answered",
        list(people),
        index=None,
        format_func=lambda key: people[key].name if key in people else "",
        placeholder="Choose a reviewer",
        key="reviewer to read",
    )
    if person not in people:
        return
    own = [answer for answer in answers if answer.person == person]
    passed = {None: "", True: " passed the trial whose answer is known;", False: " missed the known trial;"}
    said = people[person]
    st.markdown(
        literal(
            f"{said.name}{passed[said.passed]} {said.n_alike:,} of {counted(said.n_again, 'repeat')} answered alike, "
            f"{said.minutes:.1f} minutes."
        )
    )
    st.markdown(table(words.ANSWER_COLUMNS, [words.answer_row(review, a) for a in own], numbers=["Seconds"]))


def _pictures(found: Results) -> None:
    from rhythmvae import plots  # not above: plotly is for who looks at pictures
    from rhythmvae.review import words

    for title, outcomes in (("By condition", found.conditions), ("By item", found.by_item)):
        if outcomes:
            chance = 0.5 if found.unit in ("right", "preferred") else None
            rows = [(o.name, o.value.value, o.value.low, o.value.high) for o in outcomes]
            figure = plots.intervals(rows, title, chance, 1.0 if chance else 100.0)
            st.plotly_chart(figure, key=f"review {title}", config=plots.CONFIG, alt=f"{title}: {words.headline(found)}")
            cells = [words.outcome_row(o, found.unit) for o in outcomes]
            st.markdown(table(["Sound", *words.OUTCOME_COLUMNS[1:]], cells, numbers=words.OUTCOME_COLUMNS[1:]))


def _said(found: Results) -> None:
    ends = [(each.name, each.comment) for each in found.listeners if each.comment]
    quotes = [*ends, *((f"{who}, {item}: {sides}", text) for item, sides, text, who in found.said)]
    if quotes:
        st.markdown("#### What people said")
    for who, text in quotes[:MAX_SAID]:
        st.markdown(f"**{literal(who)}** {literal(text)}")


def _files(reviews: Reviews, review: Review, found: Results, answered: Sequence[AnswerRecord]) -> None:
    from rhythmvae.outputs import file_stem
    from rhythmvae.review import files, report

    name, number = file_stem(review.record.title, "review"), review.record.id

    def answers() -> bytes:
        return files.to_csv(reviews.tables.answers(number)).encode()

    def whole() -> bytes:
        return files.to_json(review, reviews.tables.people(number), reviews.tables.answers(number)).encode()

    def page() -> bytes:
        return report.html(review, found, answered).encode()

    with st.container(horizontal=True):
        for label, data, suffix, kind in (
            ("A page to print", page, "html", "text/html"),
            ("Answers (CSV)", answers, "csv", "text/csv"),
            ("The whole review (JSON)", whole, "json", "application/json"),
        ):
            st.download_button(label, data, f"{name}.{suffix}", kind, on_click="ignore")


def _own(reviews: Reviews, review: Review) -> None:
    """Close it, or delete it."""
    with st.expander("Close or delete this review"):
        if review.is_open:
            if st.button("Close it: no more answers"):
                reviews.tables.close(review.record.id, time.time())
                st.rerun()
        elif st.button("Open it again"):
            reviews.tables.close(review.record.id, None)
            st.rerun()
        is_sure = st.checkbox("Yes, delete it with all of its answers")
        if st.button("Delete it", disabled=not is_sure):
            reviews.tables.delete(review.record.id)
            st.rerun()
