"""Results as one HTML page to print: no script, nothing from elsewhere, and what people wrote as text."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from html import escape

from rhythmvae.review import words
from rhythmvae.review.book import Review
from rhythmvae.review.results import Results
from rhythmvae.store.review_record import AnswerRecord

_LOOKS = """:root{color-scheme:light}body{font:15px/1.45 sans-serif;max-width:52em;margin:2em auto;padding:0 1em}
table{border-collapse:collapse;width:100%;margin:.5em 0 1.5em}th,td{border-bottom:1px solid #bbb;padding:4px 8px;
text-align:left;vertical-align:top}blockquote{margin:.5em 0;white-space:pre-wrap;border-left:3px solid #bbb;
padding-left:.8em}small{color:#555}@media print{body{margin:0}}"""


MAX_READ = 100  # reviewers whose answers stand on the page one by one; the files have all


def html(review: Review, found: Results, answers: Sequence[AnswerRecord] = ()) -> str:
    """The document.

    Args:
        answers: to read one by one under each reviewer's name; those of others than `found` has are left out.
    """
    record = review.record
    made = datetime.fromtimestamp(record.made_at, UTC).date().isoformat()
    parts = [
        f"<h1>{escape(record.title)}</h1>",
        f"<p>{escape(record.question)}</p>",
        f"<h2>{escape(words.headline(found))}</h2>",
        f"<p>{escape(words.listeners_words(found))} {escape(words.enough(found))}</p>",
        _table("By condition", words.OUTCOME_COLUMNS, [words.outcome_row(o, found.unit) for o in found.conditions]),
        _table("By item", words.OUTCOME_COLUMNS, [words.outcome_row(o, found.unit) for o in found.by_item]),
        _table("By reviewer", words.LISTENER_COLUMNS, [words.listener_row(each) for each in found.every]),
        _quotes("Said of a trial", [(f"{who}, {item}: {sides}", text) for item, sides, text, who in found.said]),
        _quotes("Said at the end", [(each.name, each.comment) for each in found.listeners if each.comment]),
        *_read(review, found, answers),
        f"<p><small>{escape(words.METHOD)}</small></p>",
        f"<p><small>Made {made} with rhythmvae {escape(record.app_version)}; model {escape(record.model or 'none')}; "
        f"seed {review.design.seed}; design {record.version}.</small></p>",
    ]
    title = escape(record.title)
    head = f'<meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{title}</title>'
    return f'<!doctype html><html lang="en">{head}<style>{_LOOKS}</style>{"".join(parts)}</html>'


def _read(review: Review, found: Results, answers: Sequence[AnswerRecord]) -> list[str]:
    own: dict[str, list[AnswerRecord]] = {each.person: [] for each in found.every[:MAX_READ]}
    for answer in answers:
        if answer.person in own:
            own[answer.person].append(answer)
    named = {each.person: each.name for each in found.every}
    return [
        _table(f"Answers of {named[person]}", words.ANSWER_COLUMNS, [words.answer_row(review, a) for a in rows])
        for person, rows in own.items()
    ]


def _table(title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    if not rows:
        return ""
    head = "".join(f"<th>{escape(name)}</th>" for name in columns)
    body = "".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<h2>{escape(title)}</h2><table><tr>{head}</tr>{body}</table>"


def _quotes(title: str, quotes: Sequence[tuple[str, str]]) -> str:
    if not quotes:
        return ""
    body = "".join(f"<p><b>{escape(who)}</b></p><blockquote>{escape(text)}</blockquote>" for who, text in quotes)
    return f"<h2>{escape(title)}</h2>{body}"
