"""Inputs one by one, and the files written for them."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from tqdm import tqdm

from rhythmvae.cli.parser import read_options
from rhythmvae.cli.terminal import say
from rhythmvae.data.files import Source, find_sources, output_names
from rhythmvae.errors import RhythmVAEError, UsageError
from rhythmvae.groove import Groove
from rhythmvae.midi.read import read_midi
from rhythmvae.midi.report import ImportReport
from rhythmvae.outputs import cannot_write, write_whole


class Batch:
    """Inputs one by one: what fails is said and kept, the rest goes on, unless all `needed` must be there."""

    def __init__(self, options: argparse.Namespace, needed: int | None = None) -> None:
        self.read_options = read_options(options)
        self.is_json: bool = options.json
        found = find_sources(options.inputs)
        for remark in found.remarks:
            say(remark)
        self.sources: Sequence[Source] = found.sources
        self.outputs = output_names(self.sources)
        if needed not in (None, len(self.sources)):
            raise UsageError(f"Expected {needed} files of MIDI, got {len(self.sources)}.")
        is_single = len(options.inputs) == 1 and options.inputs[0].is_file() and len(self.sources) == 1
        self.is_strict = is_single or needed is not None
        self.n_failed = 0
        # Read first: a file that cannot be read need not wait for torch.
        self.read = [self._try(self._read, source) for source in self.sources]

    def _read(self, source: Source) -> tuple[Groove, ImportReport]:
        groove, report = read_midi(source.read(), source.name, self.read_options)
        if not self.is_json:  # there the report says it
            for remark in report.remarks:
                say(f"{report.name}: {remark}")
        for question in report.questions:
            say(f"{report.name}: {question.sentence}")
        return groove, report

    def _try(self, work: Callable[..., Any], *arguments: Any) -> Any:
        """The result of `work`, or the sentence of its error."""
        try:
            return work(*arguments)
        except RhythmVAEError as error:
            if self.is_strict:
                raise
            self.n_failed += 1
            say(str(error))
            return str(error)

    def each(self, work: Callable[[Groove, ImportReport, str], dict[str, Any]], label: str) -> list[dict[str, Any]]:
        """An entry for every input: its name and what `work` gives, or its error."""
        entries: list[dict[str, Any]] = []
        rows = list(zip(self.sources, self.outputs, self.read, strict=True))
        for source, output, read in tqdm(rows, label, unit="file", disable=None, leave=False):
            result = read
            if not isinstance(read, str):
                result = self._try(work, *read, output)
            entries.append({"input": source.name, **({"error": result} if isinstance(result, str) else result)})
        return entries

    @property
    def status(self) -> int:
        return 1 if self.n_failed else 0


def write(folder: Path, name: str, data: bytes, force: bool) -> None:
    path = folder / name
    try:
        if path.exists() and not force:
            raise UsageError(f"{path} exists; give --force to overwrite it, or another --out.")
        write_whole(path, data)
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        raise cannot_write(path, error) from error
