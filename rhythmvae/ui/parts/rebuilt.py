"""All of a visitor's files rebuilt by the model in use, as one zip to take home."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import streamlit as st

from rhythmvae.errors import RhythmVAEError
from rhythmvae.midi.report import ReadOptions
from rhythmvae.midi.write import write_midi
from rhythmvae.outputs import file_stem, unique_files, zip_of
from rhythmvae.text import clean_text
from rhythmvae.ui.parts.sentences import counted
from rhythmvae.ui.session import caches, files, models
from rhythmvae.ui.session.files import File
from rhythmvae.ui.session.opened import Opened

MOST_SECONDS = 120.0  # what is not rebuilt by then is named in the zip
MOST_BYTES = 64 << 20
MOST_FOLDERS = 8  # of a name
REPORT = "rebuilt.txt"
SUFFIX = "-reconstruction"
LABEL = "Everything rebuilt, as a zip of MIDI files"


@dataclass(frozen=True)
class Asked:
    """A file, and how it is read; or why it cannot be."""

    name: str
    data: bytes
    options: ReadOptions | None
    problem: str = ""


def button(own: Sequence[File], n_bars: int, seconds: float) -> None:
    """To take all of it home; the zip is made when it is asked for.

    Args:
        n_bars: of all files that can be read.
        seconds: what it took to rebuild them when they were judged.
    """
    asked = [_asked(file) for file in own]
    st.download_button(
        LABEL,
        partial(zipped, asked, models.in_use()),  # the session is not there when it is pressed
        "rhythmvae-rebuilt.zip",
        "application/zip",
        on_click="ignore",
        icon=":material/folder_zip:",
        key="everything rebuilt",
    )
    wait = f"about {max(1, round(seconds))} s" if seconds <= MOST_SECONDS else f"as many as {MOST_SECONDS:.0f} s allow"
    st.caption(f"{counted(len(own), 'file')}, {counted(n_bars, 'bar')}: {wait}. `{REPORT}` in it names what failed.")


def _asked(file: File) -> Asked:
    try:
        return Asked(file.name, file.data, files.options(file))
    except RhythmVAEError as error:
        return Asked(file.name, file.data, None, str(error))


def zipped(asked: Sequence[Asked], model: Opened, clock: Callable[[], float] = time.monotonic) -> bytes:
    """The zip: a MIDI file for each that could be rebuilt, in folders as they were, and a text that names the rest."""
    names = unique_files([REPORT])
    made: list[tuple[str, bytes]] = []
    failed: list[str] = []
    ends, room = clock() + MOST_SECONDS, MOST_BYTES
    for each in asked:
        if clock() > ends or room <= 0:
            failed.append(f"{clean_text(each.name)}: not done in {MOST_SECONDS:.0f} s. Take fewer files at once.")
            continue
        try:
            data = _rebuilt(each, model)
        except RhythmVAEError as error:
            failed.append(str(error))
            continue
        room -= len(data)
        made.append((names.add(safe_stem(each.name), ".mid"), data))
    return zip_of([*made, (REPORT, _report(len(made), failed).encode())])


def _rebuilt(asked: Asked, model: Opened) -> bytes:
    if asked.options is None:
        raise RhythmVAEError(asked.problem)
    groove, _ = caches.read(asked.data, asked.name, asked.options)
    return write_midi(caches.reconstruct(groove, model))


def _report(n_made: int, failed: Sequence[str]) -> str:
    lines = [f"{counted(n_made, 'file')} rebuilt, whole, each at its own tempo; {len(failed)} failed."]
    return "\n".join([*lines, *failed]) + "\n"


def safe_stem(name: str) -> str:
    """A name in a zip, folders and all, that every system takes and that leads nowhere else, without its suffix.

    >>> safe_stem("../loops/CON.mid")
    'loops/CON-reconstruction'
    """
    *folders, last = [part for part in name.replace("\\", "/").split("/") if part.strip(". ")] or ["groove"]
    stem, dot, suffix = last.rpartition(".")
    own = stem if dot and stem and suffix.casefold() in ("mid", "midi", "kar", "smf") else last
    kept = [file_stem(folder, "folder") for folder in folders[-MOST_FOLDERS:]]
    return "/".join([*kept, file_stem(own) + SUFFIX])
