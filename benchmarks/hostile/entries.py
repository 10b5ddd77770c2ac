"""Everything that is read from outside: what makes its inputs, and what reads them."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from random import Random
from tempfile import NamedTemporaryFile
from typing import Any

from benchmarks.hostile import archives, checkpoints, midi, texts
from benchmarks.hostile.bytestrings import LARGE, SMALL
from benchmarks.hostile.measure import Tally, take
from rhythmvae.cli import documents, latents
from rhythmvae.data import files
from rhythmvae.errors import LatentsError, MidiError, RhythmVAEError
from rhythmvae.groove import window_spans
from rhythmvae.midi.read import read_midi
from rhythmvae.model import checkpoint
from rhythmvae.share import from_text
from rhythmvae.training.config import read_config
from rhythmvae.ui.parts import belongings
from tests import toys

LARGE_SHARE = 0.005  # of the inputs


@dataclass(frozen=True)
class Entry:
    """make(rng, room) gives an input; read(input) raises nothing but RhythmVAEError."""

    make: Callable[[Random, int], Any]
    read: Callable[[Any], object]


def _read_midi(data: bytes) -> None:
    window_spans(read_midi(data, "a.mid")[0])


def _read_zip(data: bytes) -> None:
    for source in files.sources_from_bytes(data, "a.zip"):
        try:
            source.read()
        except MidiError:  # of one file: the others are read
            continue


def _read_checkpoint(data: bytes) -> None:
    found = checkpoint.loads(data, "a.safetensors")
    str(found.card), found.kit_map, found.styles


def _read_latents(text: str) -> None:
    for entry in documents.parse_latents(text)[1]:
        try:
            latents.encoded_from_dict(entry, _model())
        except LatentsError:  # of one entry: the others are read
            continue


@cache
def _model() -> Any:
    return toys.model()


def _read_config(data: bytes) -> None:
    with NamedTemporaryFile(suffix=".toml") as file:
        file.write(data)
        file.flush()
        read_config(Path(file.name)).settings()


def _read_belongings(text: str) -> None:
    """What a page does before it puts anything into the session, and the first use of what came."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return
    if not isinstance(found, dict):
        return
    for name in ("tray", "held", "edits"):
        for row in belongings._list(found, name, 100):
            groove = belongings._groove(row[1] if isinstance(row, list) and len(row) == 2 else row)
            if groove is not None:
                window_spans(groove)
    for name in ("uploads", "dropped"):
        for row in belongings._list(found, name, 100):
            belongings._named_bytes(row)


ENTRIES: dict[str, Entry] = {
    "midi": Entry(midi.make, _read_midi),
    "zip": Entry(archives.make, _read_zip),
    "checkpoint": Entry(checkpoints.make, _read_checkpoint),
    "link": Entry(texts.link, from_text),
    "latents": Entry(texts.latents_document, _read_latents),
    "toml": Entry(texts.run_toml, _read_config),
    "belongings": Entry(texts.belongings_text, _read_belongings),
}


VALID: dict[str, Callable[[], Any]] = {"checkpoint": checkpoints.valid}


def made(entry: str, seed: int, index: int, is_large: bool = True) -> Any:
    """The input of an entry, always the same; `is_large`: now and then one as large as is read."""
    rng = Random(f"{entry} {seed} {index}")
    room = LARGE if is_large and rng.random() < LARGE_SHARE else SMALL
    return ENTRIES[entry].make(rng, room)


def warm_up(entry: str) -> None:
    """Read one input, so that what is imported late counts for none."""
    with suppress(RhythmVAEError):
        ENTRIES[entry].read(VALID[entry]() if entry in VALID else made(entry, 0, -1, is_large=False))


def batch(entry: str, seed: int, indices: range, is_large: bool = True) -> Tally:
    """Read some inputs of an entry in this process."""
    tally = Tally()
    warm_up(entry)
    for index in indices:
        data = made(entry, seed, index, is_large)
        tally.count(index, *take(ENTRIES[entry].read, data))
    return tally
