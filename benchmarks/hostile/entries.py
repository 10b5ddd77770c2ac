"""Everything that is read from outside: what makes its inputs, and what reads them."""

from __future__ import annotations

import json
import os
import sys
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from random import Random
from tempfile import NamedTemporaryFile, TemporaryDirectory
from typing import Any

from benchmarks.hostile import archives, checkpoints, midi, texts, things
from benchmarks.hostile.bytestrings import LARGE, SMALL
from benchmarks.hostile.measure import Tally, take
from rhythmvae.audio.read import Sound
from rhythmvae.cli import documents, latents
from rhythmvae.data import files
from rhythmvae.data.examples import example
from rhythmvae.errors import LatentsError, MidiError, RhythmVAEError
from rhythmvae.groove import window_spans
from rhythmvae.library import answers
from rhythmvae.library.asking import Filters
from rhythmvae.library.store import NAME
from rhythmvae.midi.read import read_midi
from rhythmvae.model import checkpoint
from rhythmvae.review import files as review_files
from rhythmvae.share import from_text
from rhythmvae.training.config import read_config
from rhythmvae.ui.parts import belongings
from tests import toys
from tests.hearing import Finished

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


class _SoundHere(Sound):
    """Is decoded in this process: one of its own takes a third of a second to start."""

    @contextmanager
    def _decoder(self) -> Iterator[Any]:
        with _unheard():
            found = Finished(self.source)
        yield found


@contextmanager
def _unheard() -> Iterator[None]:
    """What the decoder's libraries say on stderr is for nobody; nor are their callbacks' errors."""
    hook, err, nowhere = sys.unraisablehook, os.dup(2), os.open(os.devnull, os.O_WRONLY)
    sys.unraisablehook = lambda _: None
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(err, 2)
        sys.unraisablehook = hook
        os.close(err)
        os.close(nowhere)


def _read_sound(data: bytes) -> None:
    deque(_SoundHere(data, "a sound").blocks(), maxlen=0)


def _read_library(data: bytes) -> None:
    """What a page asks of a library, and what a command prints of it."""
    with TemporaryDirectory() as folder:
        (Path(folder) / NAME).write_bytes(data)
        answers.about(Path(folder))
        for what in (answers.LIKE, answers.WITH):
            answers.answer(Path(folder), _checkpoint(), answers.Query(example("funk"), what))
        answers.twice(Path(folder))
        answers.files(Path(folder), Filters(), 10, 1 << 20)


@cache
def _checkpoint() -> Any:
    return toys.checkpoint_of()


ENTRIES: dict[str, Entry] = {
    "midi": Entry(midi.make, _read_midi),
    "zip": Entry(archives.make, _read_zip),
    "checkpoint": Entry(checkpoints.make, _read_checkpoint),
    "link": Entry(texts.link, from_text),
    "latents": Entry(texts.latents_document, _read_latents),
    "toml": Entry(texts.run_toml, _read_config),
    "belongings": Entry(texts.belongings_text, _read_belongings),
    "review": Entry(things.review, review_files.parse),
    "sound": Entry(things.sound, _read_sound),
    "library": Entry(things.library, _read_library),
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
