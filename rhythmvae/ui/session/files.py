"""The visitor's files: what was dropped on any page, in one list, and how each of them is read.

They stay in the session, so that they are still there after a visit to another page, and in the browser's tab
(parts/belongings.py), so that they are after a reload; the server writes nothing to disk. How a file is read
(which part of it, which drum each note plays, what is cut) is chosen by widgets (parts/reading.py), and known here
by what they left in the session, so that a groove can be had before any page is drawn.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import streamlit as st

from rhythmvae.data.files import check_unpacked, is_zip, sources_from_bytes
from rhythmvae.errors import CorpusError, MidiError
from rhythmvae.groove import Groove
from rhythmvae.kit import LEFT_OUT, VOICE_INDEX, KitMap, voice_key
from rhythmvae.midi.report import CUT_PLACES, ImportReport, NoteRow, Part, ReadOptions
from rhythmvae.midi.smf import MAX_FILE_BYTES
from rhythmvae.text import clean_text, counted
from rhythmvae.ui.session import caches, models, packs

MAX_FILES = 500
MAX_BYTES = 16 << 20  # of all files together
MAX_UNPACKED_BYTES = 64 << 20  # that a zip may hold, in the memory of a small server
AUTOMATIC = -1  # of the parts of a file
_FILES, _PROBLEMS, _SAID_ON = "uploads", "upload problems", "page of the upload problems"
_ALL_CAME = "all of the upload came"
STATE = (_FILES, _PROBLEMS)  # what a visitor has of this in a session
_READING_ALL = ReadOptions(kit=KitMap(dict.fromkeys(range(128), 0)))  # finds every note, whatever it is


@dataclass(frozen=True)
class File:
    """A MIDI file as it came. `key` tells it from the others."""

    name: str
    data: bytes
    key: str


def own() -> list[File]:
    """The session's files, in the order they came."""
    kept: list[File] = st.session_state.get(_FILES, [])
    return kept


def of(key: str) -> File | None:
    return next((file for file in own() if file.key == key), None)


def named(name: str, data: bytes) -> File:
    key = "file " + hashlib.sha256(name.encode(errors="replace") + b"\0" + data).hexdigest()[:16]
    return File(name, data, key)


# -- coming and going ----------------------------------------------------------


def take(dropped: Iterable[tuple[str, bytes]]) -> list[str]:
    """Add files and the files of zips to the list. What cannot be read is left out and said, see `problems`.

    Returns:
        keys of those that play, then of those whose notes need a drum first.
    """
    kept = {file.key: file for file in own()}
    said: list[str] = []
    others: list[str] = []
    plays: list[str] = []
    silent: list[str] = []
    n_left_out, n_bytes = 0, sum(len(file.data) for file in kept.values())
    for file in _unpacked(dropped, said, others):
        if (why := _why_silent(file)) is not None and not _has_notes(file):
            said.append(why)
            continue
        if file.key not in kept and (len(kept) == MAX_FILES or n_bytes + len(file.data) > MAX_BYTES):
            n_left_out += 1
            continue
        n_bytes += 0 if file.key in kept else len(file.data)
        kept.setdefault(file.key, file)
        (plays if why is None else silent).append(file.key)
    if n_left_out:
        most = f"{MAX_FILES} files and {MAX_BYTES >> 20} MB"
        said.append(f"{most} are kept at once: {counted(n_left_out, 'file')} left out.")
    st.session_state[_FILES] = list(kept.values())
    forget_problems()
    for problem in (*said, *others):
        say(problem)
    st.session_state[_ALL_CAME] = not said
    return [*plays, *silent]


def give_back(files: Iterable[tuple[str, bytes]]) -> None:
    """Take files that another session had."""
    back = {file.key: file for name, data in files if len(data) <= MAX_FILE_BYTES for file in [named(name, data)]}
    st.session_state[_FILES] = list((back | {file.key: file for file in own()}).values())[:MAX_FILES]


def remove(keys: Iterable[str]) -> None:
    gone = set(keys)
    st.session_state[_FILES] = [file for file in own() if file.key not in gone]


def problems() -> Sequence[str]:
    """What was wrong with the last drop or link."""
    found: list[str] = st.session_state.get(_PROBLEMS, [])
    return found


def all_came() -> bool:
    """Whether nothing was wrong but that something else lay beside the MIDI, as it does in most packs."""
    return bool(st.session_state.get(_ALL_CAME))


def problems_on(page: str) -> Sequence[str]:
    """What of it is said on a page: all, if no other page has said it already, else nothing from now on."""
    if problems() and st.session_state.setdefault(_SAID_ON, page) != page:
        forget_problems()
    return problems()


def say(problem: str) -> None:
    """Add a sentence to what was wrong; the next page that is drawn says all of it."""
    for name in (_SAID_ON, _ALL_CAME):
        st.session_state.pop(name, None)
    st.session_state[_PROBLEMS] = list(dict.fromkeys([*problems(), problem]))


def forget_problems() -> None:
    for name in (_PROBLEMS, _SAID_ON, _ALL_CAME):
        st.session_state.pop(name, None)


def _unpacked(dropped: Iterable[tuple[str, bytes]], said: list[str], others: list[str]) -> Iterator[File]:
    """Files, and the MIDI files of zips; what cannot be opened becomes a sentence, and so does what is no MIDI at all;
    sounds in zips are offered."""
    for name, data in dropped:
        shown = clean_text(name) or "file"
        try:
            check_unpacked(data, shown, MAX_UNPACKED_BYTES)
            found = sources_from_bytes(data, name)
            n_sounds = packs.offer(name, data) if is_zip(data) and found.n_sounds else 0
        except CorpusError as error:
            said.append(str(error))
            continue
        n_others = found.n_skipped - n_sounds
        if not len(found) and not n_sounds:
            said.append(f"{shown}: expected MIDI files in it, found none ({counted(n_others, 'other file')}).")
        elif n_others:
            are = "is" if n_others == 1 else "are"
            no_sound = " and no sound" * bool(n_sounds)
            others.append(f"{shown}: {counted(n_others, 'other file')} in it {are} not MIDI{no_sound}.")
        said += found.remarks
        for source in found:
            try:
                yield named(source.name, source.read())
            except MidiError as error:
                said.append(str(error))


def _why_silent(file: File) -> str | None:
    """Why a file plays nothing as it comes, or None."""
    try:
        caches.report(file.data, file.name, ReadOptions(kit=models.kit_map()))
    except MidiError as error:
        return str(error)
    return None


def _has_notes(file: File) -> bool:
    """Whether it would play if its notes were given drums."""
    try:
        return len(caches.read(file.data, file.name, _READING_ALL)[0]) > 0
    except MidiError:
        return False


# -- reading -------------------------------------------------------------------


@dataclass(frozen=True)
class Note:
    """A note of a file, and what it plays unless the visitor says otherwise."""

    row: NoteRow
    at_first: str
    key: str  # of its widget

    @property
    def chosen(self) -> str:
        return str(st.session_state.get(self.key, self.at_first))


def read(file: File) -> tuple[Groove, ImportReport]:
    """A file as the visitor says it is read.

    Raises:
        MidiError: it cannot be read.
    """
    return caches.read(file.data, file.name, options(file))


def options(file: File) -> ReadOptions:
    """How the visitor says a file is read.

    Raises:
        MidiError: it cannot be read, whatever drums its notes play.
    """
    return replace(_of_part(file), kit=kit(file), cut=cut(file))


def uncut(file: File) -> ImportReport:
    """The report on a file as the visitor says it is read, but for what is cut.

    Raises:
        MidiError: it cannot be read.
    """
    return caches.report(file.data, file.name, replace(options(file), cut=None))


def parts(file: File) -> Sequence[Part]:
    """The parts of a file to choose from.

    Raises:
        MidiError: it cannot be read, whatever drums its notes play.
    """
    # Which notes there are does not depend on what they play, and without it nobody could
    # map the notes of a file in which none is known.
    return caches.report(file.data, file.name, _READING_ALL).parts


def part_key(file: File) -> str:
    """Of the widget that chooses one."""
    return f"part {file.key}"


def _of_part(file: File) -> ReadOptions:
    chosen = st.session_state.get(part_key(file), AUTOMATIC)
    if not isinstance(chosen, int) or chosen < 0 or chosen >= len(found := parts(file)):
        return ReadOptions()
    return ReadOptions(channel=found[chosen].channel, track=found[chosen].track)


def notes(file: File) -> list[Note]:
    """The notes of the part that is read, at first as the file reads by itself.

    Raises:
        MidiError: it cannot be read, whatever drums its notes play.
    """
    part, usual = _of_part(file), models.kit_map()
    found = caches.report(file.data, file.name, replace(_READING_ALL, channel=part.channel, track=part.track))
    plain = by_itself(file)
    voices = {row.pitch: row.voice for row in plain.notes} if plain is not None else {}
    first = {row.pitch: voices.get(row.pitch, voice_key(usual.voice_of(row.pitch))) or LEFT_OUT for row in found.notes}
    # Another model may have a note play another drum, and what was left at the first is no choice.
    keys = {row.pitch: f"note {row.pitch} {first[row.pitch]} {file.key}" for row in found.notes}
    return [Note(row, first[row.pitch], keys[row.pitch]) for row in found.notes]


def by_itself(file: File) -> ImportReport | None:
    """How its part reads without any choice of drums, or None where it cannot be read without."""
    try:
        return caches.report(file.data, file.name, replace(_of_part(file), kit=models.kit_map()))
    except MidiError:
        return None


def kit(file: File) -> KitMap:
    """Which drum each note plays: a file whose map was recognised stays as it is until one is changed.

    Raises:
        MidiError: it cannot be read, whatever drums its notes play.
    """
    rows = notes(file)
    if all(row.chosen == row.at_first for row in rows):
        return models.kit_map()
    table = KitMap()
    changed = [row for row in rows if row.chosen != voice_key(table.voice_of(row.row.pitch))]
    return KitMap({row.row.pitch: VOICE_INDEX.get(row.chosen) for row in changed})


def cut(file: File) -> str | None:
    """What the switches of a file say, as ReadOptions.cut has it."""
    chosen = [place for place in CUT_PLACES if st.session_state.get(cut_key(place, file))]
    return "both" if len(chosen) > 1 else next(iter(chosen), None)


def cut_key(place: str, file: File) -> str:
    """Of the switch that cuts there."""
    return f"cut {place} {file.key}"
