"""describe: what is in MIDI files, as a table, as JSON or as a table for a spreadsheet."""

from __future__ import annotations

import argparse
import csv
import io
from pathlib import Path
from typing import Any

from rhythmvae.cli import documents
from rhythmvae.cli.batch import Batch, OutputFile
from rhythmvae.cli.parser import Commands
from rhythmvae.cli.tables import number, print_json, print_table
from rhythmvae.cli.terminal import Terminal
from rhythmvae.groove import Groove
from rhythmvae.midi.report import ImportReport
from rhythmvae.text import clean_text

HEADING = ["file", "bars", "hits", "meter", "BPM", "felt", "subdivision", "swing %", "feel", "form"]
MOST_LETTERS = 24  # characters of a form in the table
# Of an entry, what the CSV has of it: plain values under their names, tables with their keys behind the name.
_SCALARS = (
    *("input", "n_bars", "n_hits", "seconds", "tempo", "drift_percent", "meter", "meter_heard"),
    *("subdivision", "swing", "swing_percent", "swing_of", "feel", "letters", "descriptors", "measures", "error"),
)


def add_to(commands: Commands) -> None:
    parser = commands.add(
        "describe",
        describe,
        "say what is in MIDI: tempo, meter, swing, feel, form, and each hit",
        "loops/ --csv loops.csv",
    )
    parser.add_inputs()
    parser.add_json()
    parser.add_argument("--csv", type=Path, metavar="FILE", help="write a row for each file to a CSV file")
    parser.add_argument("--force", action="store_true", help="overwrite an existing CSV file")


def describe(options: argparse.Namespace, terminal: Terminal) -> int:
    table = None if options.csv is None else OutputFile(options.csv, "--csv", force=options.force)
    batch = Batch(options, terminal)
    from rhythmvae.analysis import description

    def work(groove: Groove, report: ImportReport, output: str) -> dict[str, Any]:
        has_meter = all(change.kind != "meter_assumed" for change in report.changes)
        said = description.describe(groove, has_meter=has_meter, with_lists=options.json)
        # `style` and `beat_or_fill`, which a model has learned, come here, before what is said by rule.
        return {**said, "report": report.to_dict()} if options.json else said

    entries = batch.each(work, "Describing")
    if table is not None:
        table.write(_csv(entries).encode("utf-8", "surrogateescape"))
    if options.json:
        print_json(documents.document("describe", entries))
    elif table is None:
        print_table([HEADING, *(_cells(entry) for entry in entries if "error" not in entry)])
    return batch.status


def _cells(entry: dict[str, Any]) -> list[str]:
    return [
        clean_text(entry["input"]),
        str(entry["n_bars"]),
        str(entry["n_hits"]),
        entry["meter"],
        number(entry["tempo"]["bpm"], 1),
        number(entry["tempo"]["as_felt"], 1),
        entry["subdivision"] or "-",
        number(entry["swing_percent"], 1),
        ", ".join(entry["feel"]) or "-",
        clean_text(entry["form"]["letters"], MOST_LETTERS),
    ]


def _csv(entries: list[dict[str, Any]]) -> str:
    """A row for each entry under the names of all; what an entry has not is empty."""
    rows = [_row(entry) for entry in entries]
    names = list(dict.fromkeys(name for row in sorted(rows, key=len, reverse=True) for name in row))
    text = io.StringIO()
    writer = csv.DictWriter(text, names, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def _row(entry: dict[str, Any]) -> dict[str, Any]:
    entry = {**entry, **entry.get("form", {})}  # of the form, `letters` is a plain value
    row: dict[str, Any] = {}
    for name in _SCALARS:
        if name in entry:
            row.update(_columns(name, entry[name]))
    return row


def _columns(name: str, value: Any) -> dict[str, Any]:
    if isinstance(value, dict):
        return {column: each for key, part in value.items() for column, each in _columns(f"{name}_{key}", part).items()}
    return {name: "; ".join(value) if isinstance(value, list) else value}
