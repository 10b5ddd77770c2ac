"""describe: what is in MIDI files, as a table, as JSON or as a table for a spreadsheet."""

from __future__ import annotations

import argparse
import csv
import io
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rhythmvae.cli import documents
from rhythmvae.cli.answers import open_completing
from rhythmvae.cli.batch import Batch, OutputFile
from rhythmvae.cli.parser import Commands
from rhythmvae.cli.tables import number, print_json, print_table
from rhythmvae.cli.terminal import Terminal
from rhythmvae.errors import UsageError
from rhythmvae.groove import Groove
from rhythmvae.kit import VOICE_KEYS
from rhythmvae.midi.report import ImportReport
from rhythmvae.text import clean_text

if TYPE_CHECKING:
    from rhythmvae.analysis.description import Seen
    from rhythmvae.model.verbs import Prediction

HEADING = ["file", "style", "plays", "bars", "hits", "meter", "BPM", "felt", "subdivision", "swing %", "feel", "form"]
MOST_LETTERS = 24  # characters of a form in the table
N_SURPRISES = 5
# Of an entry, what the CSV has of it: plain values under their names, tables with their keys behind the name.
_SCALARS = (
    *("input", "style", "beat_or_fill", "drummer", "nearest", "duplicate_of", "near_duplicate_of"),
    *("n_bars", "n_hits", "seconds", "tempo", "drift_percent", "meter", "meter_heard"),
    *("subdivision", "swing", "swing_percent", "swing_of", "feel", "letters", "descriptors", "measures"),
    *("bits_a_bar", "error"),
)


def add_to(commands: Commands) -> None:
    parser = commands.add(
        "describe",
        describe,
        "say what is in MIDI: style, beat or fill, tempo, meter, swing, feel, form, and each hit",
        "loops/ --csv loops.csv",
    )
    parser.add_inputs()
    parser.add_json()
    parser.add_argument("--csv", type=Path, metavar="FILE", help="write a row for each file to a CSV file")
    parser.add_argument("--force", action="store_true", help="overwrite an existing CSV file")
    parser.add_argument(
        "--surprise",
        action="store_true",
        help="also what comes next and what surprises, by the model: bits a bar, the five least expected hits, the "
        "next bar (slower)",
    )
    parser.add_model()


def describe(options: argparse.Namespace, terminal: Terminal) -> int:
    if options.checkpoint is not None and not options.surprise:
        raise UsageError("Expected --surprise beside --checkpoint: all else that is said is by the shipped model.")
    table = None if options.csv is None else OutputFile(options.csv, "--csv", force=options.force)
    batch = Batch(options, terminal)
    model = open_completing(options) if options.surprise else None
    from rhythmvae.analysis import description

    readable = (read for read in batch.read if not isinstance(read, str))
    described = description.each(((groove, _has_meter(report)) for groove, report in readable), with_lists=options.json)
    looked: list[Seen] = []

    def work(groove: Groove, report: ImportReport, output: str) -> dict[str, Any]:
        seen, said = next(described)
        if model is not None:
            said["surprise"] = _surprise(model.predict(groove))
        looked.append(seen)
        return {**said, "report": report.to_dict()} if options.json else said

    entries = _with_labels(batch.each(work, "Describing"), looked)
    if table is not None:
        table.write(_csv(entries).encode("utf-8", "surrogateescape"))
    if options.json:
        print_json(documents.document("describe", entries))
    elif table is None:
        heading = [*HEADING, "bits a bar"] if options.surprise else HEADING
        print_table([heading, *(_cells(entry) for entry in entries if "error" not in entry)])
    return batch.status


def _has_meter(report: ImportReport) -> bool:
    return all(change.kind != "meter_assumed" for change in report.changes)


def _with_labels(entries: list[dict[str, Any]], looked: Sequence[Seen]) -> list[dict[str, Any]]:
    """The entries with what is learned of their grooves, and which of them play the same. `looked`: of those without
    an error, in order."""
    from rhythmvae.analysis.duplicates import likeness
    from rhythmvae.model import labels

    names = [entry["input"] for entry in entries if "error" not in entry]
    twins = likeness([one.groove for one in looked]).named(names)
    labelled = iter(zip(labels.shipped().of(looked), twins, strict=True))
    said = []
    for entry in entries:
        if "error" not in entry:
            own, (same, alike) = next(labelled)
            entry = {"input": entry["input"], **own, **entry, "duplicate_of": same, "near_duplicate_of": alike}
        said.append(entry)
    return said


def _surprise(found: Prediction) -> dict[str, Any]:
    hits = [
        {"bar": bar, "step": step, "voice": VOICE_KEYS[voice], "surprise": bits}
        for bar, step, voice, bits in found.most_surprising(N_SURPRISES)
    ]
    bars = [bar.bits for bar in found.bars]
    return {"bits_a_bar": found.bits_a_bar, "bars": bars, "hits": hits, "next_bar": documents.next_bar(found)}


def _cells(entry: dict[str, Any]) -> list[str]:
    return [
        clean_text(entry["input"]),
        entry["style"]["label"] or "?",
        entry["beat_or_fill"]["label"] or "-",
        str(entry["n_bars"]),
        str(entry["n_hits"]),
        entry["meter"],
        number(entry["tempo"]["bpm"], 1),
        number(entry["tempo"]["as_felt"], 1),
        entry["subdivision"] or "-",
        number(entry["swing_percent"], 1),
        ", ".join(entry["feel"]) or "-",
        clean_text(entry["form"]["letters"], MOST_LETTERS),
        *([number(entry["surprise"]["bits_a_bar"], 1)] if "surprise" in entry else []),
    ]


def _csv(entries: list[dict[str, Any]]) -> str:
    """A row for each entry under the names of all; what an entry has not is empty."""
    rows = [_row(entry) for entry in entries]
    names = list(dict.fromkeys(name for row in sorted(rows, key=len, reverse=True) for name in row))
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(names)
    writer.writerows([row.get(name, "") for name in names] for row in rows)
    return text.getvalue()


def _row(entry: dict[str, Any]) -> dict[str, Any]:
    # Of the form `letters` is a plain value, of the surprise `bits_a_bar`.
    entry = {**entry, **entry.get("form", {}), **entry.get("surprise", {}), **_learned(entry)}
    row: dict[str, Any] = {}
    for name in _SCALARS:
        if name in entry:
            _put(row, name, entry[name])
    return row


def _learned(entry: dict[str, Any]) -> dict[str, Any]:
    """Of what is learned the answer and its probability, and of grooves that are near the nearest."""
    if "error" in entry:
        return {}
    shares = {name: entry[name]["probabilities"] for name in ("style", "drummer")}
    return {
        **{name: {"label": entry[name]["label"], "probability": max(own.values())} for name, own in shares.items()},
        "beat_or_fill": {key: entry["beat_or_fill"][key] for key in ("label", "probability")},
        "nearest": {key: entry["nearest"][0][key] for key in ("title", "distance")},
    }


def _put(row: dict[str, Any], name: str, value: Any) -> None:
    """Add a value to a row, a table as a column for each of its keys."""
    if isinstance(value, dict):
        for key, part in value.items():
            _put(row, f"{name}_{key}", part)
    else:
        row[name] = "; ".join(value) if isinstance(value, list) else value
