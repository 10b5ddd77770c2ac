"""MIDI through the model and back: reconstruct, and its two halves encode and decode."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rhythmvae.cli import documents
from rhythmvae.cli.batch import Batch, OutputFolder
from rhythmvae.cli.parser import Commands, open_checkpoint
from rhythmvae.cli.tables import SCORE_HEADING, print_json, print_table, score_cells
from rhythmvae.cli.terminal import Terminal, say
from rhythmvae.data.files import Source, output_names
from rhythmvae.errors import NoRoomError, RhythmVAEError, UsageError
from rhythmvae.groove import Groove
from rhythmvae.midi.report import ImportReport
from rhythmvae.model.card import FIRST_EDITION, FIRST_EDITION_DIGEST
from rhythmvae.text import clean_text

if TYPE_CHECKING:
    from rhythmvae.analysis.metrics import Score


def add_to(commands: Commands) -> None:
    parser = commands.add(
        "reconstruct",
        reconstruct,
        "rebuild MIDI from its latents and print how close the result is",
        "loops/ --out rebuilt",
    )
    parser.add_inputs()
    parser.add_output_folder()
    parser.add_model()
    parser.add_json()

    parser = commands.add(
        "encode",
        encode,
        "turn MIDI into latents: with --json, what `decode` reads",
        "loops/ --json > latents.json",
    )
    parser.add_inputs()
    parser.add_model()
    parser.add_json()

    parser = commands.add(
        "decode", decode, "turn the latents that `encode --json` printed into MIDI", "latents.json --out decoded"
    )
    parser.add_argument("latents", type=Path, metavar="LATENTS.json", help="what `encode --json` printed; - for stdin")
    parser.add_output_folder()
    parser.add_model()


def reconstruct(options: argparse.Namespace, terminal: Terminal) -> int:
    out = OutputFolder(options)
    batch = Batch(options, terminal, check=lambda _, output: out.check_free([output]))
    checkpoint = open_checkpoint(options)
    from rhythmvae.analysis import metrics
    from rhythmvae.model import latent

    scores: list[Score] = []

    def work(groove: Groove, report: ImportReport, output: str) -> dict[str, Any]:
        rebuilt = latent.reconstruct(checkpoint.model, groove)
        out.write(output, rebuilt)
        score = metrics.score(groove, rebuilt)
        scores.append(score)
        return {"output": output, "score": score.to_dict(), "report": report.to_dict()}

    entries = batch.each(work, "Reconstructing")
    total = metrics.Score.total(scores).to_dict() if scores else None
    if options.json:
        print_json(documents.document("reconstruct", entries, checkpoint=checkpoint.digest, total=total))
    elif total:
        done = [e for e in entries if "score" in e]
        rows = [["file", *SCORE_HEADING]] + [[clean_text(e["input"]), *score_cells(e["score"])] for e in done]
        print_table([*rows, [f"all {len(done)}", *score_cells(total)]])
    return batch.status


def encode(options: argparse.Namespace, terminal: Terminal) -> int:
    batch = Batch(options, terminal)
    checkpoint = open_checkpoint(options)
    from rhythmvae.analysis.descriptors import describe
    from rhythmvae.cli.latents import encoded_to_dict
    from rhythmvae.model import latent

    def work(groove: Groove, report: ImportReport, output: str) -> dict[str, Any]:
        encoded = encoded_to_dict(latent.encode(checkpoint.model, groove))
        return {"output": output, **encoded, "descriptors": describe(groove), "report": report.to_dict()}

    entries = batch.each(work, "Encoding")
    if options.json:
        print_json(documents.document("encode", entries, checkpoint=checkpoint.digest))
    else:
        done = [e for e in entries if "windows" in e]
        rows = [["file", "steps", "windows", "latents"]]
        for e in done:
            n_latents = sum(len(w["latent"]) for w in e["windows"])
            rows.append([clean_text(e["input"]), str(e["n_steps"]), str(len(e["windows"])), str(n_latents)])
        print_table(rows)
    return batch.status


def decode(options: argparse.Namespace, terminal: Terminal) -> int:
    out = OutputFolder(options)
    digest, entries = documents.parse_latents(_read_latents(options.latents))
    names = output_names([Source(entry["input"], "", bytes) for entry in entries])
    if digest == FIRST_EDITION_DIGEST and options.checkpoint is None:
        options.checkpoint = FIRST_EDITION
    checkpoint = open_checkpoint(options)
    from rhythmvae.cli.latents import encoded_from_dict
    from rhythmvae.model import latent

    documents.check_model(digest, checkpoint)
    n_failed = 0
    for entry, name in terminal.each(list(zip(entries, names, strict=True)), "Decoding"):
        if "error" in entry:  # it failed when it was encoded, and was said then
            continue
        try:
            frame, z = encoded_from_dict(entry, checkpoint.model)
            out.write(name, latent.decode(checkpoint.model, z, frame))
            print(name)
        except NoRoomError:
            raise
        except RhythmVAEError as error:
            if len(entries) == 1:
                raise
            n_failed += 1
            say(f"{name}: {error}")
    return 1 if n_failed else 0


def _read_latents(path: Path) -> str:
    """The text of a latents document, or of stdin for `-`."""
    try:
        if str(path) == "-":
            raw = sys.stdin.buffer.read(documents.MAX_LATENTS_BYTES + 1)
        else:
            with path.open("rb") as file:
                raw = file.read(documents.MAX_LATENTS_BYTES + 1)
        text = raw.decode(json.detect_encoding(raw))  # a redirect on Windows may write UTF-16
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path, or no text
        raise UsageError(f"Expected the JSON of `encode --json` in {path}, cannot read it: {error}") from None
    if len(raw) > documents.MAX_LATENTS_BYTES:
        raise UsageError(
            f"Expected at most {documents.MAX_LATENTS_BYTES >> 20} MB of JSON in {path}, got more; "
            "encode fewer files at a time."
        )
    return text
