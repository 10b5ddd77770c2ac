"""feedback: what visitors of the app have said."""

from __future__ import annotations

import argparse
from dataclasses import asdict
from datetime import UTC, datetime

from rhythmvae.cli.parser import Commands
from rhythmvae.cli.tables import print_json
from rhythmvae.cli.terminal import Terminal
from rhythmvae.errors import UsageError
from rhythmvae.text import clean_text


def add_to(commands: Commands) -> None:
    parser = commands.add("feedback", feedback, "print what visitors of the app have said, the latest first", "--json")
    parser.add_argument("--json", action="store_true", help="print it as JSON (docs/json.md)")
    parser.add_argument(
        "--database", metavar="URL", help="default: RHYTHMVAE_DATABASE, else the file in the user's data folder"
    )


def feedback(options: argparse.Namespace, terminal: Terminal) -> int:
    from rhythmvae.store import database  # not above: SQLAlchemy takes 0.3 s
    from rhythmvae.store.feedback import MAX_TEXT, FeedbackBook

    address = options.database or database.address()
    if address is None:
        raise UsageError("Expected a database, RHYTHMVAE_DATABASE says none: give --database.")
    opened = database.Database(address)
    found = FeedbackBook(opened).all()
    opened.close()
    if options.json:
        print_json({"version": 1, "command": "feedback", "feedback": [_entry(asdict(said)) for said in found]})
        return 0
    for said in found:
        print(f"{_time(said.written_at)}  {clean_text(said.page)}  {clean_text(said.model) or '-'}")
        for line in said.text.splitlines():
            print(f"    {clean_text(line, MAX_TEXT)}")
    return 0


def _entry(row: dict[str, object]) -> dict[str, object]:
    return row | {"written_at": _time(float(str(row["written_at"])))}


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")
