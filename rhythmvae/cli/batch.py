"""Inputs one by one, and the folder or file that is written for them."""

from __future__ import annotations

import argparse
import os
import stat
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rhythmvae.cli.parser import read_options
from rhythmvae.cli.terminal import Terminal, say
from rhythmvae.data.files import Found, Source, find_sources, output_names
from rhythmvae.data.reading import read_source
from rhythmvae.errors import CorpusError, NoRoomError, RhythmVAEError, UsageError
from rhythmvae.groove import Groove
from rhythmvae.midi.report import ImportReport, ReadOptions
from rhythmvae.midi.tracks import write_tracks
from rhythmvae.midi.write import resolution_like, write_midi
from rhythmvae.outputs import cannot_write, check_file, unique_files, write_whole
from rhythmvae.text import clean_text, counted

if TYPE_CHECKING:
    from rhythmvae.data.corpus import Corpus

Read = Callable[[Source, ReadOptions], tuple[Groove, ImportReport]]


def remark_sounds(n: int, terminal: Terminal) -> None:
    """Say how many sounds in folders and zips were passed over, if any were."""
    if n:
        terminal.remark(f"{counted(n, 'sound')} in folders or zips passed over; --audio reads them.")


def say_unread(data: Corpus, terminal: Terminal) -> None:
    """Say which files of a corpus could not be read, and how many sounds were passed over."""
    for _, why in data.failures:
        say(why)
    remark_sounds(data.n_sounds, terminal)


class OutputFolder:
    """The folder of `--out` and how grooves are written to it. No folder is made before the first `write`.

    Raises:
        UsageError: a file is where the folder or one above it should be.
    """

    def __init__(self, options: argparse.Namespace) -> None:
        self.path: Path = options.out
        self.force: bool = options.force
        self.to_midi: Callable[..., bytes] = write_tracks if options.tracks else write_midi
        check_no_file(self.path)

    def check_free(self, names: Iterable[str]) -> None:
        """Raise UsageError for the first name that exists, unless it may be overwritten."""
        for name in names:
            if not self.force and (self.path / name).exists():
                raise UsageError(f"{self.path / name} exists; give --force to overwrite it, or another --out.")

    def write(self, name: str, groove: Groove, like: ImportReport | None = None) -> None:
        """Write a groove as one file below the folder, on the ticks of the file that it was made from, `like`.

        Raises:
            UsageError: the file exists and may not be overwritten, or cannot be written.
        """
        try:
            self.check_free([name])
            ppq = None if like is None else resolution_like(groove, like.ppq)
            write_whole(self.path / name, self.to_midi(groove, ppq=ppq))
        except (OSError, ValueError) as error:
            raise cannot_write(self.path / name, error) from error


class OutputFile:
    """A file that an option names, to be written when the work is done.

    Raises:
        UsageError: it cannot be written, or exists and may not be overwritten; before any work.
    """

    def __init__(self, path: Path, option: str, *, force: bool) -> None:
        self.path, self.option = path, option
        check_file(path, option)
        if path.exists() and not force:
            raise UsageError(f"{path} exists; give --force to overwrite it, or another name.")

    def write(self, data: bytes) -> None:
        """Write the file whole or not at all; raises as the constructor does."""
        try:
            write_whole(self.path, data)
        except (OSError, ValueError) as error:
            raise cannot_write(self.path, error, "file", self.option) from error


def check_no_file(folder: Path) -> None:
    """Raise UsageError for a folder that cannot be, as it or one above it is a file."""
    for place in (folder, *folder.parents):
        try:
            mode = os.stat(place).st_mode
        except (FileNotFoundError, NotADirectoryError):
            continue
        except (OSError, ValueError) as error:  # ValueError: a NUL in the path
            raise cannot_write(folder, error) from error
        if not stat.S_ISDIR(mode):
            raise UsageError(f"Expected a folder to write to in --out, but {place} is a file; give another name.")
        return


class Names:
    """Names of the files that are made of each input, N of each: with one its own, else numbered.

    >>> Names(["loop.mid", "loop_0001.mid"], 2).of("loop.mid")
    ['loop_0001~2.mid', 'loop_0002.mid']
    """

    def __init__(self, outputs: Sequence[str], n: int) -> None:
        self.n, self._taken = n, unique_files(outputs)

    def of(self, output: str) -> list[str]:
        """For an input's own name, once."""
        if self.n == 1:
            return [output]
        stem = output.removesuffix(".mid")
        return [self._taken.add(f"{stem}_{index + 1:04d}", ".mid") for index in range(self.n)]


def sounds_of(found: Found) -> list[Source]:
    """The sounds among what was found; raise CorpusError for none."""
    sounds = [source for source in found if source.sound is not None]
    if not sounds:
        raise CorpusError(
            f"Expected sounds (WAV, FLAC, OGG, MP3, AIFF), found none ({counted(len(found), 'file')} of MIDI, "
            f"{counted(found.n_skipped, 'other file')})."
        )
    return sounds


class Batch:
    """Inputs one by one: what fails is said and kept, the rest goes on, unless all `needed` must be there.

    All inputs are read before the model is loaded: a file that cannot be read need not wait for torch.

    Args:
        needed: number of inputs that the command takes, where it takes no other.
        check: called with each groove and the name of its output; refuses by a RhythmVAEError.
        read_sound: how a sound is read where the command takes sounds alone; MIDI is passed over then.
    """

    def __init__(
        self,
        options: argparse.Namespace,
        terminal: Terminal,
        *,
        needed: int | None = None,
        check: Callable[[Groove, str], None] | None = None,
        read_sound: Read | None = None,
    ) -> None:
        self.read_options = read_options(options)
        self.is_json: bool = options.json
        self.terminal, self.check, self.read_one = terminal, check, read_sound or read_source
        found = find_sources(options.inputs, audio=self.read_options.audio)
        for remark in found.remarks:
            terminal.remark(remark)
        remark_sounds(found.n_sounds, terminal)
        self.sources: Sequence[Source] = found.sources if read_sound is None else sounds_of(found)
        self.outputs = output_names(self.sources)
        if needed not in (None, len(self.sources)):
            raise UsageError(f"Expected {needed} files of MIDI, got {len(self.sources)}.")
        is_single = len(options.inputs) == 1 and options.inputs[0].is_file() and len(self.sources) == 1
        self.is_strict = is_single or needed is not None
        self.n_failed = 0
        rows = list(zip(self.sources, self.outputs, strict=True))
        self.read = [self._try(row[0], self._read, *row) for row in terminal.each(rows, "Reading")]

    def _read(self, source: Source, output: str) -> tuple[Groove, ImportReport]:
        groove, report = self.read_one(source, self.read_options)
        if not self.is_json:  # there the report says it
            for remark in report.remarks:
                self.terminal.remark(f"{report.name}: {remark}")
        for question in report.questions:
            self.terminal.remark(f"{report.name}: {question.sentence}")
        if self.check:
            self.check(groove, output)
        return groove, report

    def _try(self, source: Source, work: Callable[..., Any], *arguments: Any) -> Any:
        """The result of `work` on a file, or the sentence of its error, which is said under the file's name."""
        try:
            return work(*arguments)
        except NoRoomError:
            raise
        except RhythmVAEError as error:
            if self.is_strict:
                raise
            self.n_failed += 1
            name = clean_text(source.name)
            say(str(error) if str(error).startswith(name) else f"{name}: {error}")
            return str(error)

    def each(self, work: Callable[[Groove, ImportReport, str], dict[str, Any]], label: str) -> list[dict[str, Any]]:
        """An entry for every input: its name and what `work` gives, or its error."""
        entries: list[dict[str, Any]] = []
        rows = list(zip(self.sources, self.outputs, self.read, strict=True))
        for source, output, read in self.terminal.each(rows, label):
            result = read
            if not isinstance(read, str):
                result = self._try(source, work, *read, output)
            entries.append({"input": source.name, **({"error": result} if isinstance(result, str) else result)})
        return entries

    @property
    def status(self) -> int:
        return 1 if self.n_failed else 0
