"""All of a visitor's files rebuilt by the model in use, as one zip to take home.

A file is in it as it was dropped; one that was edited in the grid is in it a second time, with its edits. The zip is
made when it is asked for, file by file: a bar says how far it is, and it can be stopped and taken home as it is.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass

import streamlit as st

from rhythmvae.errors import RhythmVAEError
from rhythmvae.groove import Groove
from rhythmvae.midi.report import ReadOptions
from rhythmvae.midi.write import write_midi
from rhythmvae.outputs import ZipWriter, file_stem, unique_files
from rhythmvae.text import clean_text
from rhythmvae.ui.parts.sentences import counted
from rhythmvae.ui.session import caches, computing, edits, files, models
from rhythmvae.ui.session.files import File
from rhythmvae.ui.session.opened import Opened
from rhythmvae.ui.shared import digest_of, fingerprint

MOST_SECONDS = 600.0  # what is not rebuilt by then is named in the zip
MOST_BYTES = 16 << 20  # of the zip: it is held in memory until the visitor has it, or asks for another
MOST_FOLDERS = 8  # of a name
REPORT = "rebuilt.txt"
SUFFIX, EDITED = "-reconstruction", "-edited"
MAKE, STOP, LABEL = "Rebuild everything, as a zip of MIDI files", "Stop", "Everything rebuilt, as a zip of MIDI files"
_MAKING = "everything rebuilt, in the making"  # in the session
# Names of devices, which no folder of Windows may have.
_DEVICES = {"con", "prn", "aux", "nul", *(f"{port}{n}" for port in ("com", "lpt") for n in range(10))}


@dataclass(frozen=True)
class Asked:
    """A file, and how it is read; or why it cannot be."""

    name: str
    data: bytes
    options: ReadOptions | None
    problem: str = ""


class Rebuilding:
    """A zip that grows: a MIDI file for each that can be rebuilt, in folders as they were, and a text that names the
    rest.

    Args:
        edited: fingerprint of a groove as it was read -> the groove with its edits.
        model: by which all are rebuilt.
    """

    def __init__(
        self,
        asked: Sequence[Asked],
        edited: Mapping[str, Groove],
        model: Opened,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.asked, self._edited, self._model, self._clock = asked, edited, model, clock
        self.n_done = 0  # of the files, failed ones among them
        self.n_made = 0  # files in the zip
        self.seconds = 0.0  # that it took so far
        self.failed: list[str] = []
        self._names = unique_files([REPORT])
        self._writer = ZipWriter()
        self._data: bytes | None = None

    @property
    def is_over(self) -> bool:
        return self._data is not None

    @property
    def data(self) -> bytes:
        """The zip; it must be over."""
        assert self._data is not None
        return self._data

    def step(self) -> None:
        """Rebuild one more file. Where that ends in another error than ours, nothing has been done."""
        if self.is_over:
            return
        if self.n_done == len(self.asked):
            self._end()
            return
        if self.seconds > MOST_SECONDS or self._writer.size > MOST_BYTES:
            self._leave_out(
                f"not done within {MOST_SECONDS / 60:.0f} minutes and {MOST_BYTES >> 20} MB. Take fewer files at once"
            )
            return
        began, each = self._clock(), self.asked[self.n_done]
        try:
            made = self._rebuilt(each)
        except RhythmVAEError as error:
            self.failed.append(str(error))
        else:
            for stem, data in made:
                self._writer.add(self._names.add(stem, ".mid"), data)
                self.n_made += 1
        self.seconds += self._clock() - began
        self.n_done += 1
        if self.n_done == len(self.asked):
            self._end()

    def stop(self) -> None:
        """It ends with what is there."""
        if not self.is_over:
            self._leave_out("not done, for it was stopped")

    def _rebuilt(self, asked: Asked) -> list[tuple[str, bytes]]:
        """(Name without suffix, MIDI) of the file as it was dropped and, where it was edited, as it is now."""
        if asked.options is None:
            raise RhythmVAEError(asked.problem)
        groove, _ = caches.read(asked.data, asked.name, asked.options)
        made = [(safe_stem(asked.name), write_midi(caches.reconstruct(groove, self._model)))]
        if (edited := self._edited.get(fingerprint(groove))) is not None:
            made.append((safe_stem(asked.name, EDITED), write_midi(caches.reconstruct(edited, self._model))))
        return made

    def _leave_out(self, why: str) -> None:
        rest = self.asked[self.n_done :]
        self.failed += [f"{clean_text(each.name)}: {why}." for each in rest]
        self._end()

    def _end(self) -> None:
        self._writer.add(REPORT, self._report().encode())
        self._data = self._writer.close()

    def _report(self) -> str:
        head = f"{counted(self.n_made, 'file')}, each whole and at its own tempo; {len(self.failed)} are not in it."
        about = f"A name with {EDITED}{SUFFIX} is of a file that was edited in the grid: it is there without edits too."
        return "\n".join([head, about, *self.failed]) + "\n"


# -- on the page -----------------------------------------------------------------


@st.fragment
def offer(own: Sequence[File], n_bars: int, seconds: float) -> None:
    """A button; while the zip is made, how far it is; then the zip.

    Args:
        n_bars: of all files that can be read.
        seconds: what it took to rebuild them when they were judged.
    """
    asked = [_asked(file) for file in own]
    edited, model = edits.all_edited(), models.in_use()
    key = (*(file.key for file in own), *(digest_of(each.options) for each in asked), digest_of(edited), model.contents)
    of, making = st.session_state.get(_MAKING, (None, None))
    if of != key:  # of other files, or of what they were before an edit
        making = None
        st.session_state.pop(_MAKING, None)
    if making is None:
        st.button(
            MAKE,
            on_click=_begin,
            args=(key, asked, edited, model),
            icon=":material/folder_zip:",
            key="rebuild everything",
        )
        _caption(own, n_bars, seconds)
        return
    if not making.is_over:
        _watch(making)
    st.download_button(
        LABEL,
        making.data,
        "rhythmvae-rebuilt.zip",
        "application/zip",
        on_click="ignore",
        icon=":material/download:",
        key="everything rebuilt",
    )
    failed = f"; {len(making.failed)} are not" if making.failed else ""
    st.caption(f"{counted(making.n_made, 'file')} in it{failed}. `{REPORT}` in it names what failed.")


def _caption(own: Sequence[File], n_bars: int, seconds: float) -> None:
    wait = f"about {max(1, round(min(seconds, MOST_SECONDS)))} s"
    st.caption(
        f"{counted(len(own), 'file')}, {counted(n_bars, 'bar')}: {wait}. A file that you edited in the grid is in it "
        f"with and without your edits. `{REPORT}` in it names what failed."
    )


def _watch(making: Rebuilding) -> None:
    """Rebuild file by file. A press of Stop, or anything else that a visitor does, ends this run between two files;
    what is made stays, and the next run goes on from it."""
    place = st.empty()
    with place.container():
        bar = st.progress(0.0)
        st.button(STOP, on_click=making.stop, icon=":material/stop:", key="stop rebuilding")
        while not making.is_over:
            bar.progress(making.n_done / len(making.asked), _how_far(making))
            making.step()
            computing.end_if_outdated()  # within a part of a page a press would wait for the end
    place.empty()


def _how_far(making: Rebuilding) -> str:
    n, n_all = making.n_done, len(making.asked)
    left = f", about {max(1, round(making.seconds / n * (n_all - n)))} s left" if n else ""
    return f"{n} of {counted(n_all, 'file')} rebuilt{left}"


def _begin(key: Hashable, asked: Sequence[Asked], edited: Mapping[str, Groove], model: Opened) -> None:
    st.session_state[_MAKING] = key, Rebuilding(asked, edited, model)


def _asked(file: File) -> Asked:
    try:
        return Asked(file.name, file.data, files.options(file))
    except RhythmVAEError as error:
        return Asked(file.name, file.data, None, str(error))


def safe_stem(name: str, before: str = "") -> str:
    """A name in a zip, folders and all, that every system takes and that leads nowhere else, without its suffix.

    >>> safe_stem("../loops/CON.mid")
    'loops/CON-reconstruction'
    >>> safe_stem("nul/a.mid", "-edited")
    '_nul/a-edited-reconstruction'
    """
    *folders, last = [part for part in name.replace("\\", "/").split("/") if part.strip(". ")] or ["groove"]
    stem, dot, suffix = last.rpartition(".")
    own = stem if dot and stem and suffix.casefold() in ("mid", "midi", "kar", "smf") else last
    kept = [_safe_folder(folder) for folder in folders[-MOST_FOLDERS:]]
    return "/".join([*kept, file_stem(own) + before + SUFFIX])


def _safe_folder(name: str) -> str:
    stem = file_stem(name, "folder")
    return f"_{stem}" if stem.casefold() in _DEVICES else stem
