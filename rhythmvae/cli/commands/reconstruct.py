"""MIDI through the model and back: reconstruct, and its two halves encode and decode."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tqdm import tqdm

from rhythmvae.cli.batch import Batch, write
from rhythmvae.cli.parser import Commands, open_checkpoint
from rhythmvae.cli.tables import SCORE_HEADING, print_json, print_table, score_cells
from rhythmvae.cli.terminal import say
from rhythmvae.data.files import Source, output_names
from rhythmvae.errors import RhythmVAEError, UsageError
from rhythmvae.groove import Groove
from rhythmvae.midi.report import ImportReport
from rhythmvae.midi.write import write_midi
from rhythmvae.text import clean_text

if TYPE_CHECKING:
    from rhythmvae.analysis.metrics import Score


def add_to(commands: Commands) -> None:
    parser = commands.add("reconstruct", reconstruct, "MIDI through the model and back, and how close it came")
    parser.add_inputs()
    parser.add_output_folder()
    parser.add_model()
    parser.add_json()

    parser = commands.add("encode", encode, "MIDI to latents, for `decode`")
    parser.add_inputs()
    parser.add_model()
    parser.add_json()

    parser = commands.add("decode", decode, "latents from `encode --json` to MIDI")
    parser.add_argument("latents", type=Path, metavar="LATENTS.json", help="what `encode --json` printed; - for stdin")
    parser.add_output_folder()
    parser.add_model()


def reconstruct(options: argparse.Namespace) -> int:
    batch = Batch(options)
    checkpoint = open_checkpoint(options)
    from rhythmvae.analysis import metrics
    from rhythmvae.cli import documents
    from rhythmvae.model import latent

    scores: list[Score] = []

    def work(groove: Groove, report: ImportReport, output: str) -> dict[str, Any]:
        rebuilt = latent.reconstruct(checkpoint.model, groove)
        write(options.out, output, write_midi(rebuilt), options.force)
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


def encode(options: argparse.Namespace) -> int:
    batch = Batch(options)
    checkpoint = open_checkpoint(options)
    from rhythmvae.analysis.descriptors import describe
    from rhythmvae.cli import documents
    from rhythmvae.model import latent

    def work(groove: Groove, report: ImportReport, output: str) -> dict[str, Any]:
        encoded = documents.encoded_to_dict(latent.encode(checkpoint.model, groove))
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


def decode(options: argparse.Namespace) -> int:
    from rhythmvae.cli import documents
    from rhythmvae.model import latent

    try:
        if str(options.latents) == "-":
            raw = sys.stdin.buffer.read(documents.MAX_LATENTS_BYTES + 1)
        else:
            with options.latents.open("rb") as file:
                raw = file.read(documents.MAX_LATENTS_BYTES + 1)
        text = raw.decode(json.detect_encoding(raw))  # a redirect on Windows may write UTF-16
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path, or no text
        raise UsageError(
            f"Expected the JSON of `encode --json` in {options.latents}, cannot read it: {error}"
        ) from None
    if len(raw) > documents.MAX_LATENTS_BYTES:
        raise UsageError(
            f"Expected at most {documents.MAX_LATENTS_BYTES >> 20} MB of JSON in {options.latents}, got more; "
            "encode fewer files at a time."
        )
    checkpoint = open_checkpoint(options)
    entries = documents.parse_latents(text, checkpoint.digest)
    names = output_names([Source(e["input"], "", bytes) for e in entries])
    n_failed = 0
    for entry, name in tqdm(list(zip(entries, names, strict=True)), "Decoding", unit="file", disable=None, leave=False):
        if "error" in entry:  # it failed when it was encoded, and was said then
            continue
        try:
            frame, z = documents.encoded_from_dict(entry, checkpoint.model)
            write(options.out, name, write_midi(latent.decode(checkpoint.model, z, frame)), options.force)
            print(name)
        except RhythmVAEError as error:
            if len(entries) == 1:
                raise
            n_failed += 1
            say(f"{name}: {error}")
    return 1 if n_failed else 0
