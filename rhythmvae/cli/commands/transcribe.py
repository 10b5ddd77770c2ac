"""transcribe: sounds to MIDI, every onset where it was heard."""

from __future__ import annotations

import argparse
from typing import Any

from rhythmvae.cli import documents
from rhythmvae.cli.batch import Batch, OutputFolder
from rhythmvae.cli.parser import Commands
from rhythmvae.cli.tables import number, print_json, print_table
from rhythmvae.cli.terminal import Terminal
from rhythmvae.data.files import Source
from rhythmvae.data.reading import transcribe
from rhythmvae.data.recording import Transcription
from rhythmvae.errors import UsageError
from rhythmvae.groove import Groove, changes_to_lists
from rhythmvae.kit import VOICE_KEYS
from rhythmvae.midi.report import ImportReport, ReadOptions
from rhythmvae.text import clean_text

TEMPO_BPM = (20.0, 500.0)
HEADING = ["file", "seconds", "hits", "BPM", "meter", "one at s", "drums alone"]


def add_to(commands: Commands) -> None:
    parser = commands.add(
        "transcribe",
        run,
        "write the drums that are heard in sounds as MIDI, in time with the sound",
        "loop.wav stems/ --out heard",
    )
    parser.add_sounds()
    parser.add_argument("--tempo", type=float, metavar="BPM", help="the tempo, where you know it (default: as heard)")
    parser.add_argument("--meter", metavar="N/D", help="the meter, such as 6/8 (default: as heard)")
    parser.add_argument("--anyway", action="store_true", help="write what is not drums alone too")
    parser.add_output_folder()
    parser.add_json()


def run(options: argparse.Namespace, terminal: Terminal) -> int:
    """Transcribe sounds one by one."""
    if options.tempo is not None and not TEMPO_BPM[0] <= options.tempo <= TEMPO_BPM[1]:
        raise UsageError(f"Expected a --tempo from {TEMPO_BPM[0]:g} to {TEMPO_BPM[1]:g}, got {options.tempo:g}.")
    out = OutputFolder(options)
    found: list[Transcription] = []

    def read(source: Source, how: ReadOptions) -> tuple[Groove, ImportReport]:
        own = transcribe(source, how, bpm=options.tempo, anyway=options.anyway)
        found.append(own)
        return own.groove, own.report

    batch = Batch(options, terminal, check=lambda _, output: out.check_free([output]), read_sound=read)
    heard = {id(own.groove): own for own in found}

    def work(groove: Groove, report: ImportReport, output: str) -> dict[str, Any]:
        out.write(output, groove, report)
        return {"output": output, **said(heard[id(groove)])}

    entries = batch.each(work, "Writing")
    if options.json:
        print_json(documents.document("transcribe", entries))
    else:
        print_table([HEADING, *(_cells(entry) for entry in entries if "error" not in entry)])
    return batch.status


def said(own: Transcription) -> dict[str, Any]:
    """What was heard, as JSON."""
    heard = own.heard
    hits = zip(
        heard.seconds.tolist(), heard.voice.tolist(), heard.velocity.tolist(), heard.confidence.tolist(), strict=True
    )
    return {
        **changes_to_lists(own.groove),
        "n_steps": own.groove.n_steps,
        "downbeat_seconds": round(own.downbeat_seconds, 4),
        "duration_seconds": round(heard.duration_seconds, 4),
        "drums_alone": round(heard.drums_alone, 4),
        "hits": [
            {"seconds": round(s, 4), "voice": VOICE_KEYS[v], "velocity": vel, "confidence": round(c, 3)}
            for s, v, vel, c in hits
        ],
        "report": own.report.to_dict(),
    }


def _cells(entry: dict[str, Any]) -> list[str]:
    numerator, denominator = entry["meters"][-1][1:]
    return [
        clean_text(entry["input"]),
        number(entry["duration_seconds"], 1),
        str(len(entry["hits"])),
        number(entry["tempos"][-1][1], 1),
        f"{numerator}/{denominator}",
        number(entry["downbeat_seconds"], 2),
        number(entry["drums_alone"], 2),
    ]
