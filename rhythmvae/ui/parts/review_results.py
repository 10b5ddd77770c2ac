"""Results of a review, live: words and pictures, filters, files, and what its owner may do with it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import streamlit as st

from rhythmvae.ui.parts import review_making
from rhythmvae.ui.parts.sentences import errors_shown, literal, table

if TYPE_CHECKING:
    from rhythmvae.review.book import Review, Reviews
    from rhythmvae.review.results import Results

EVERY_SECONDS = 3.0
MAX_SAID = 100  # comments on the page; files have all


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
        st.fragment(_live, run_every=EVERY_SECONDS if review.is_open else None)(review, leave_out, tuple(items) or None)
        _own(reviews, review)


def _live(review: Review, leave_out: bool, items: tuple[int, ...] | None) -> None:
    """What changes while answers arrive."""
    from rhythmvae.review import words
    from rhythmvae.review.results import results

    with errors_shown():
        reviews = review_making.book()
        if reviews is None:
            return
        people, answers = reviews.tables.people(review.record.id), reviews.tables.answers(review.record.id)
        found = results(review, people, answers, leave_out_failed=leave_out, items=items)
        st.markdown(f"### {literal(words.headline(found))}")
        st.markdown(literal(words.listeners_words(found)))
        st.markdown(literal(words.enough(found)))
        _pictures(found)
        if found.listeners:
            rows = [words.listener_row(each) for each in [*found.listeners, *found.left_out]]
            st.markdown(table(words.LISTENER_COLUMNS, rows, numbers=words.LISTENER_COLUMNS[1:7]))
        _said(found)
        st.caption(literal(words.METHOD))
        _files(reviews, review, found)


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


def _files(reviews: Reviews, review: Review, found: Results) -> None:
    from rhythmvae.outputs import file_stem
    from rhythmvae.review import files, report

    name, number = file_stem(review.record.title, "review"), review.record.id

    def answers() -> bytes:
        return files.to_csv(reviews.tables.answers(number)).encode()

    def whole() -> bytes:
        return files.to_json(review, reviews.tables.people(number), reviews.tables.answers(number)).encode()

    def page() -> bytes:
        return report.html(review, found).encode()

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
