"""What a process that reads files for a library does: names and bytes to what is in them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import torch

from rhythmvae.data.files import Source
from rhythmvae.data.reading import read_source
from rhythmvae.errors import RhythmVAEError
from rhythmvae.groove import Groove
from rhythmvae.library.content import Read
from rhythmvae.library.windows import read_all
from rhythmvae.midi.report import ReadOptions
from rhythmvae.model import checkpoint as checkpoints

Given = tuple[str, bool, bytes | Path]  # name, whether it is a sound, its bytes or where it lies
_opened: dict[str, Any] = {}


def begin(checkpoint: Path, options: ReadOptions, digest: str = "") -> None:
    """Load what a process needs to read, once. digest: of the model, where the file may come to hold another."""
    key = (checkpoint, digest, repr(options))
    if _opened.get("key") != key:
        torch.set_num_threads(1)  # the processes are the threads
        _opened.update(key=key, model=checkpoints.load(checkpoint).model, options=options)


def read(files: Sequence[Given]) -> list[Read | str]:
    """What is in each file, or the sentence of its error; in order."""
    found = list(_grooves(files))
    reads = read_all(_opened["model"], [one for one in found if not isinstance(one, str)])
    return [one if isinstance(one, str) else next(reads) for one in found]


def _grooves(files: Sequence[Given]) -> Iterator[tuple[Groove, bool] | str]:
    for name, is_sound, data in files:
        whole = partial(_whole, data)
        try:
            source = Source(name, "", whole, (data if isinstance(data, Path) else whole) if is_sound else None)
            groove, report = read_source(source, _opened["options"])
            yield groove, all(change.kind != "meter_assumed" for change in report.changes)
        except RhythmVAEError as error:
            yield str(error)


def _whole(data: bytes | Path) -> bytes:
    return data.read_bytes() if isinstance(data, Path) else data
