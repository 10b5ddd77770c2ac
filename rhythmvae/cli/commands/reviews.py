"""reviews: the listening tests of a database, for whoever runs the app."""

from __future__ import annotations

import argparse
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rhythmvae.cli.batch import OutputFile
from rhythmvae.cli.parser import Commands
from rhythmvae.cli.tables import print_json
from rhythmvae.cli.terminal import Terminal
from rhythmvae.errors import UsageError
from rhythmvae.text import clean_text, counted

if TYPE_CHECKING:
    from rhythmvae.review.book import Reviews
    from rhythmvae.store.review_record import ReviewRecord

LIST, EXPORT, CLOSE, DELETE = "list", "export", "close", "delete"
SUFFIXES = (".csv", ".json")


def add_to(commands: Commands) -> None:
    parser = commands.add(
        "reviews", reviews, "list, export, close or delete listening tests", "export ID --out answers.csv"
    )
    parser.add_argument(
        "action", choices=(LIST, EXPORT, CLOSE, DELETE), metavar="ACTION", help="list, export, close or delete"
    )
    parser.add_argument("id", nargs="?", metavar="ID", help="of the review, as `reviews list` prints it")
    parser.add_argument("--out", type=Path, metavar="FILE", help="export: answers as .csv, or all of it as .json")
    parser.add_argument("--force", action="store_true", help="export: overwrite an existing file")
    parser.add_argument("--yes", action="store_true", help="delete: yes, and all of its answers")
    parser.add_argument("--json", action="store_true", help="list: print it as JSON (docs/json.md)")
    parser.add_argument(
        "--database", metavar="URL", help="default: RHYTHMVAE_DATABASE, else the file in the user's data folder"
    )


def reviews(options: argparse.Namespace, terminal: Terminal) -> int:
    _check(options)
    from rhythmvae.review.book import Reviews  # not above: SQLAlchemy takes 0.3 s
    from rhythmvae.store import database

    address = options.database or database.address()
    if address is None:
        raise UsageError("Expected a database, RHYTHMVAE_DATABASE says none: give --database.")
    opened = database.Database(address)
    try:
        book = Reviews(opened)
        {LIST: _list, EXPORT: _export, CLOSE: _close, DELETE: _delete}[options.action](book, options)
    finally:
        opened.close()
    return 0


def _check(options: argparse.Namespace) -> None:
    if options.action != LIST and not options.id:
        raise UsageError(f"Expected the id of a review to {options.action}: `rhythmvae reviews list` prints them.")
    if options.action == LIST and options.id:
        raise UsageError("Expected no id after `list`, which prints all reviews.")
    if options.action == EXPORT and (options.out is None or options.out.suffix.lower() not in SUFFIXES):
        raise UsageError("Expected --out with a file that ends in .csv or .json.")
    if options.action == DELETE and not options.yes:
        raise UsageError("Expected --yes: `delete` removes the review and all of its answers for good.")


def _list(book: Reviews, options: argparse.Namespace) -> None:
    found = book.tables.all()
    if options.json:
        entries = [_entry(record, people, answers) for record, people, answers in found]
        print_json({"version": 1, "command": "reviews", "reviews": entries})
        return
    for record, people, answers in found:
        state = "open" if record.closed_at is None else "closed"
        numbers = f"{counted(people, 'reviewer')}, {counted(answers, 'answer')}"
        print(f"{record.id}  {_time(record.made_at)}  {state}  {numbers}  {clean_text(record.title)}")


def _entry(record: ReviewRecord, people: int, answers: int) -> dict[str, Any]:
    return {
        "id": record.id,
        "title": record.title,
        "question": record.question,
        "kind": record.design["kind"],
        "listen": record.listen,
        "model": record.model or None,
        "made_at": _time(record.made_at),
        "closed_at": None if record.closed_at is None else _time(record.closed_at),
        "n_people": people,
        "n_answers": answers,
    }


def _export(book: Reviews, options: argparse.Namespace) -> None:
    from rhythmvae.review import files

    out = OutputFile(options.out, "--out", force=options.force)
    review = book.by_id(options.id)
    answers = book.tables.answers(review.record.id)
    if options.out.suffix.lower() == ".csv":
        text = files.to_csv(answers)
    else:
        text = files.to_json(review, book.tables.people(review.record.id), answers)
    out.write(text.encode())
    print(f"{options.out}: {counted(len(answers), 'answer')}")


def _close(book: Reviews, options: argparse.Namespace) -> None:
    review = book.by_id(options.id)
    if review.is_open:
        book.tables.close(review.record.id, time.time())
    print(f"{review.record.id}: closed")


def _delete(book: Reviews, options: argparse.Namespace) -> None:
    review = book.by_id(options.id)
    book.tables.delete(review.record.id)
    print(f"{review.record.id}: deleted")


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")
