"""The data to train on: where it comes from, which drum each note plays, and what the survey says of it.

What is dropped here stays in the session across pages, within the limits below, and so
do the readings of the data set in hand: a change of the kit map reads only the files anew
in which that note plays.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache, cached_property
from pathlib import Path

import numpy as np
import streamlit as st

from rhythmvae.analysis.duplicates import NEAR_SHARE
from rhythmvae.data.examples import EXAMPLES, example
from rhythmvae.data.files import Source, find_sources, output_names
from rhythmvae.data.survey import ENOUGH, NoteUse, Reading, Survey, survey, verdict
from rhythmvae.errors import MidiError, RhythmVAEError
from rhythmvae.groove import Groove
from rhythmvae.kit import LEFT_OUT, VOICE_INDEX, VOICE_KEYS, VOICES, KitMap, voice_key
from rhythmvae.midi.read import read_midi
from rhythmvae.midi.report import ReadOptions
from rhythmvae.midi.write import write_midi
from rhythmvae.outputs import file_stem, zip_of
from rhythmvae.sound import kits, synth
from rhythmvae.text import clean_text
from rhythmvae.ui.parts import folder_maps
from rhythmvae.ui.parts.sentences import counted, literal, table
from rhythmvae.ui.session import files, sounds, tray
from rhythmvae.ui.shared import kept

MAX_FILES = 500
MAX_BYTES = 8 << 20  # of all files together
FOLDER_VARIABLE = "RHYTHMVAE_DATA"  # folders, files and zips of the computer that the app runs on
MANY = 20  # files to read before a progress bar is worth it
N_NAMES, N_METERS = 8, 6  # listed in a line

_SOURCES, _OFFERED = "training sources", "training sources offered"
_FOLDER, _READ, _SURVEYED = "training folder", "training readings", "training survey"
_REMAPPED, _HEARD = "training kit changed", "training sounds heard"
_READING_ALL = ReadOptions(kit=KitMap(dict.fromkeys(range(128), 0)))  # finds every note, whatever it is


@dataclass(frozen=True)
class File:
    """A MIDI file as it came; `problem` is why it has no bytes."""

    name: str
    data: bytes
    problem: str = ""

    @cached_property
    def digest(self) -> str:
        return hashlib.sha256(self.data).hexdigest()


@dataclass(frozen=True, eq=False)
class Dataset:
    """What to train on.

    Args:
        files: (name, bytes) of the usable ones in the order they came. A name is that of the file in `as_zip`.
        kit: which drum each note plays; rules only for notes that are there and that differ from the table.
        survey: of all files, the skipped ones too.
        digest: the same for the same names, bytes and kit.
        grooves: the files as read.
    """

    files: tuple[tuple[str, bytes], ...]
    kit: KitMap
    survey: Survey
    digest: str
    grooves: tuple[Groove, ...] = field(repr=False, default=())


def as_zip(dataset: Dataset) -> bytes:
    """The files as a zip with their names and folders; the same data gives the same bytes."""
    return zip_of(dataset.files)


# -- collecting ----------------------------------------------------------------


def collect(max_files: int = MAX_FILES, max_bytes: int = MAX_BYTES) -> Dataset:
    """Widgets for where the files come from, and what these make by the drums chosen in `details`.

    Args:
        max_files, max_bytes: what is beyond is left out, and said.
    """
    files, n_left_out = _within(_chosen(max_files, max_bytes), max_files, max_bytes)
    if n_left_out:
        st.warning(
            f"Expected at most {max_files:,} files and {max_bytes / 2**20:.3g} MB of MIDI, got more: "
            f"{counted(n_left_out, 'file')} left out. Choose less, or drop fewer files.",
            icon=":material/inventory_2:",
        )
    asked = _kit_asked()
    names, readings, pitches = _read(files, asked)
    kit = KitMap({pitch: voice for pitch, voice in asked.overrides.items() if pitch in pitches})
    digest = _digest(files, readings, kit)
    found = _surveyed(readings, kit, files)
    folder_maps.ask(names, readings)
    usable = [(r.name, f.data, r.groove) for f, r in zip(files, readings, strict=True) if r.groove is not None]
    usable = [row for row in usable if len(row[2])]
    return Dataset(
        tuple((name, folder_maps.as_asked(name, data, groove, kit)) for name, data, groove in usable),
        kit,
        found,
        digest,
        tuple(groove for _, _, groove in usable),
    )


def _within(files: Iterable[File], max_files: int, max_bytes: int) -> tuple[list[File], int]:
    """The first files that fit, each once, and how many are left out."""
    kept: dict[tuple[str, str, str], File] = {}
    n_bytes = n_left_out = 0
    for file in files:
        if n_left_out or len(kept) == max_files or n_bytes + len(file.data) > max_bytes:
            n_left_out += 1
            continue
        key = (file.name, file.digest, file.problem)
        if key not in kept:
            kept[key] = file
            n_bytes += len(file.data)
    return list(kept.values()), n_left_out


def _digest(files: Sequence[File], readings: Sequence[Reading], kit: KitMap) -> str:
    digest = hashlib.sha256(repr(kit.rules).encode())
    for file, reading in zip(files, readings, strict=True):
        if reading.groove is not None and len(reading.groove):
            digest.update(repr((reading.name, file.digest)).encode())
            if (own := folder_maps.chosen(reading.name)) != folder_maps.AS_READ:
                digest.update(own.encode())
    return digest.hexdigest()


def _surveyed(readings: Sequence[Reading], kit: KitMap, files: Sequence[File]) -> Survey:
    """`survey`, once for the data set in hand."""
    maps = tuple(folder_maps.chosen(reading.name) for reading in readings)
    key = tuple((f.name, f.digest, f.problem) for f in files), tuple(kit.rules.items()), maps
    known = st.session_state.get(_SURVEYED)
    if known is None or known[0] != key:
        known = key, survey(readings, kit)
        st.session_state[_SURVEYED] = known
    found: Survey = known[1]
    return found


# -- where files come from -----------------------------------------------------


@dataclass(frozen=True)
class _Folder:
    """What the folder of this computer holds."""

    files: tuple[File, ...] = ()
    remarks: tuple[str, ...] = ()
    problem: str = ""


def _chosen(max_files: int, max_bytes: int) -> list[File]:
    """Widgets to choose sources by, and their files. One's own are chosen at first, our patterns never unasked."""
    sources = _sources(max_files, max_bytes)
    st.session_state[_SOURCES] = _chosen_sources(list(sources))
    chosen = st.pills(
        "Train on",
        list(sources),
        selection_mode="multi",
        key=_SOURCES,
        persist_state="session",
        format_func=lambda name: sources[name][0],
        help="One or several. The built-in patterns are there to try it with.",
    )
    files = [file for name in sources if name in chosen for file in sources[name][1]()]
    if "folder" in chosen:
        st.button("Read the folder again", on_click=_forget, args=(_FOLDER,), icon=":material/refresh:")
    return files


def _chosen_sources(names: Sequence[str]) -> list[str]:
    """Those that were chosen and are still there; with the first files of one's own, these in place of our patterns."""
    own = [name for name in names if name != "examples"]
    known, st.session_state[_OFFERED] = st.session_state.get(_OFFERED, ()), own
    kept = [name for name in st.session_state.get(_SOURCES) or () if name in names]
    if new := [name for name in ("uploads", "sounds") if name in own and name not in known]:
        return list(dict.fromkeys([*(name for name in kept if name != "examples"), *new]))
    return kept or (own[:1] if own != known else [])


def choose_tray() -> None:
    """Train on the grooves that were kept, and on nothing else."""
    st.session_state[_SOURCES] = ["tray"]


def _forget(key: str) -> None:
    st.session_state.pop(key, None)


def _sources(max_files: int, max_bytes: int) -> dict[str, tuple[str, Callable[[], list[File]]]]:
    """What there is to choose from: name -> label and a function that gives the files. One's own comes first."""
    found: dict[str, tuple[str, Callable[[], list[File]]]] = {}
    own, kept = files.own(), list(tray.kept().values())
    paths = os.environ.get(FOLDER_VARIABLE, "")
    if own:
        found["uploads"] = f"Your files ({len(own):,})", lambda: [File(file.name, file.data) for file in own]
    if sounds.own() and (heard := list(sounds.grooves().values())):
        found["sounds"] = f"Your sounds ({len(heard)})", lambda: [_as_file(groove) for groove in heard]
    if kept:
        found["tray"] = f"Grooves you kept ({len(kept)})", lambda: [_as_file(groove) for groove in kept]
    if paths:
        found["folder"] = "Folder on this computer", lambda: _folder(paths, max_files, max_bytes)
    found["examples"] = f"Built-in patterns ({len(EXAMPLES)})", lambda: list(_built_in())
    return found


@kept(max_entries=256)
def _as_file(groove: Groove) -> File:
    return File(f"{file_stem(groove.title)}.mid", write_midi(groove))


@cache
def _built_in() -> tuple[File, ...]:
    return tuple(_as_file(example(key)) for key in EXAMPLES)


def _folder(paths: str, max_files: int, max_bytes: int) -> list[File]:
    """What the folders hold, read once a session."""
    known = st.session_state.get(_FOLDER)
    if known is None or known[0] != paths:
        known = paths, _opened_folder([Path(path) for path in paths.split(os.pathsep) if path], max_files, max_bytes)
        st.session_state[_FOLDER] = known
    opened: _Folder = known[1]
    _tell(opened)
    return list(opened.files)


def _opened_folder(paths: Sequence[Path], max_files: int, max_bytes: int) -> _Folder:
    try:
        found = find_sources(paths)
    except RhythmVAEError as error:
        return _Folder(problem=str(error))
    files: list[File] = []
    n_bytes = 0
    # One file more than fits, so that it is said that some were left out.
    for source in found[: max_files + 1]:
        files.append(_file_of(source))
        n_bytes += len(files[-1].data)
        if n_bytes > max_bytes:
            break
    return _Folder(tuple(files), found.remarks)


def _tell(opened: _Folder) -> None:
    if opened.problem:
        st.error(literal(opened.problem), icon=":material/error:")
    for remark in opened.remarks:
        st.caption(literal(remark))


def _file_of(source: Source) -> File:
    try:
        return File(source.name, source.read())
    except MidiError as error:
        return File(source.name, b"", str(error))


# -- reading -------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class _Read:
    """A reading, the notes of its file, and the rules for them that it was read by."""

    reading: Reading
    pitches: frozenset[int]
    rules: tuple[tuple[int, int | None], ...]


def _read(files: Sequence[File], kit: KitMap) -> tuple[list[str], list[Reading], set[int]]:
    """Names that tell all files apart, a reading of each by the kit or its folder's map, and all notes in them."""
    names = output_names([Source(file.name, file.name, lambda: b"") for file in files])
    keys = [(name, file.name, file.digest, file.problem) for name, file in zip(names, files, strict=True)]
    known: dict[tuple[str, ...], _Read] = st.session_state.get(_READ, {})
    kits = [folder_maps.kit_for(name, kit) for name in names]
    unread = [
        i for i, key in enumerate(keys) if key not in known or known[key].rules != _rules(kits[i], known[key].pitches)
    ]
    bar = st.progress(0.0, "Reading your files") if len(unread) > MANY else None
    fresh: dict[tuple[str, ...], _Read] = {}
    for n, i in enumerate(unread):
        if bar is not None and n % MANY == 0:
            bar.progress(n / len(unread), "Reading your files")
        fresh[keys[i]] = _read_one(files[i], names[i], kits[i])
    if bar is not None:
        bar.empty()
    # Those of the data set in hand and no more.
    read = {key: fresh[key] if key in fresh else known[key] for key in keys}
    st.session_state[_READ] = read
    pitches = set[int]().union(*(one.pitches for one in read.values()))
    return names, [read[key].reading for key in keys], pitches


def _rules(kit: KitMap, pitches: frozenset[int]) -> tuple[tuple[int, int | None], ...]:
    return tuple((pitch, kit.overrides[pitch]) for pitch in sorted(kit.overrides.keys() & pitches))


def _read_one(file: File, name: str, kit: KitMap) -> _Read:
    if file.problem:
        return _Read(Reading(file.name, None, None, file.problem), frozenset(), ())
    try:
        groove, report = read_midi(file.data, file.name, ReadOptions(kit=kit))
        reading = Reading(name, groove, report)
    except MidiError as error:
        # Its notes are wanted all the same: it may be that the kit has none of them.
        reading = Reading(file.name, None, None, str(error))
        with suppress(MidiError):
            reading = Reading(file.name, None, read_midi(file.data, file.name, _READING_ALL)[1], str(error))
    pitches = frozenset(row.pitch for row in reading.report.notes) if reading.report else frozenset[int]()
    return _Read(reading, pitches, _rules(kit, pitches))


# -- the kit map ---------------------------------------------------------------


def _note_key(pitch: int) -> str:
    return f"training note {pitch}"


def _kit_asked() -> KitMap:
    """What the lists say, for whatever notes they were shown."""
    table = KitMap()
    overrides: dict[int, int | None] = {}
    for pitch in range(128):
        chosen = st.session_state.get(_note_key(pitch))
        if chosen is not None and chosen != voice_key(table.voice_of(pitch)):
            overrides[pitch] = VOICE_INDEX.get(chosen)
    return KitMap(overrides)


@st.fragment
def _kit_table(notes: Sequence[NoteUse]) -> None:
    """A list of drums for every note of the data set, and its sound. To hear one runs this alone."""
    if st.session_state.pop(_REMAPPED, False):
        st.rerun()
    table = KitMap()
    groups = {
        "No drum that we know: left out unless you choose one": [n for n in notes if n.usual is None],
        "Played by a neighbouring drum: does it sound right?": [n for n in notes if table.is_folded(n.pitch)],
        "Their own drum": [n for n in notes if n.usual is not None and not table.is_folded(n.pitch)],
    }
    n_out = sum(note.count for note in notes if note.status == "unmapped")
    # Neither its label nor `expanded` depends on what is chosen in it, or it would close under the hand.
    is_open = any(note.usual is None for note in notes)
    with st.expander("Which drum each note plays", icon=":material/tune:", expanded=is_open):
        st.caption(
            "For all files together. A pad controller may well send 44 for its kick: listen, and choose."
            + (f" {counted(n_out, 'note')} left out." if n_out else "")
        )
        heard: str | None = None
        for heading, rows in groups.items():
            if not rows:
                continue
            st.markdown(f"**{heading}**")
            with st.grid(2, min_column_width=320):
                for note in sorted(rows, key=lambda note: -note.count):
                    heard = _note_row(note) or heard
        if heard is not None:
            _sound(heard)
        if any(note.voice != note.usual for note in notes):
            st.button("Back to the usual drums", on_click=_usual, args=(notes,), icon=":material/restore:")


def _note_row(note: NoteUse) -> str | None:
    """The drum to hear, if that was asked."""
    key = _note_key(note.pitch)
    # Not as the list's default: Streamlit complains where it is set elsewhere too.
    st.session_state.setdefault(key, note.usual or LEFT_OUT)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        chosen = st.selectbox(
            # Names are the kit's own, so no user text gets into the label.
            f"{note.pitch} {note.name} × {note.count:,} in {counted(note.n_files, 'file')}",
            [*VOICE_KEYS, LEFT_OUT],
            key=key,
            persist_state="session",
            on_change=_remapped,
            format_func=_label,
        )
        is_asked = st.button(
            "Hear",
            key=f"hear {key}",
            icon=":material/volume_up:",
            help=f"The drum that {note.name} plays",
            disabled=chosen == LEFT_OUT,
        )
    return chosen if is_asked else None


def _label(key: str) -> str:
    return "Leave out" if key == LEFT_OUT else VOICES[VOICE_INDEX[key]].label


def _remapped() -> None:
    st.session_state[_REMAPPED] = True


def _usual(notes: Sequence[NoteUse]) -> None:
    for note in notes:
        st.session_state[_note_key(note.pitch)] = note.usual or LEFT_OUT
    _remapped()


def _sound(voice: str) -> None:
    """One stroke, at once."""
    count = st.session_state[_HEARD] = st.session_state.get(_HEARD, 0) + 1
    # A browser plays a sound by itself only once: a sample of silence more makes it another.
    silence = np.zeros(count, dtype=np.float32)
    waveform = np.concatenate([silence, synth.GAIN * synth.one_shot(VOICE_INDEX[voice])])
    st.audio(kits.to_wav(waveform), autoplay=True, alt=f"The {_label(voice).lower()}")


# -- the report ----------------------------------------------------------------


def report(dataset: Dataset) -> None:
    """Whether the data set is enough, in a line."""
    said = verdict(dataset.survey)
    if not dataset.survey.n_files:
        return  # under the button stands what to do
    if not dataset.survey.n_usable:
        st.warning(literal(said.sentences[0]), icon=":material/music_off:")
        return
    box = st.success if said.word == ENOUGH else st.warning
    box(f"**{said.word}.** {said.reason}", icon=":material/checklist:")


def details(dataset: Dataset) -> None:
    """What the data set holds, which drum each note plays, and what was skipped."""
    found = dataset.survey
    if found.notes:
        _kit_table(found.notes)
    _skipped(found, expanded=not found.n_usable)
    if not found.n_usable:
        return
    with st.expander("What it is enough for", icon=":material/help:"):
        st.markdown("\n".join(f"- {literal(sentence)}" for sentence in verdict(found).sentences))
    _doubles(found)
    _content(found)


def _skipped(found: Survey, expanded: bool) -> None:
    if found.skipped:
        with st.expander(f"What was skipped ({len(found.skipped):,})", icon=":material/block:", expanded=expanded):
            st.markdown("\n".join(f"- {literal(why)}" for _, why in found.skipped))


def _doubles(found: Survey) -> None:
    n = len(found.exact_duplicates) + len(found.near_duplicates)
    if not (n or found.n_not_compared):
        return
    with st.expander(f"Exact and near-duplicates ({counted(n, 'group')})", icon=":material/content_copy:"):
        for heading, groups in (
            ("The same when looped", found.exact_duplicates),
            ("Nearly the same", found.near_duplicates),
        ):
            if groups:
                lines = [f"**{heading}**", "", *(f"- {literal(_listed(names))}" for names in groups)]
                st.markdown("\n".join(lines))
        st.caption(
            "Tempo, loudness and timing do not count, nor how often a loop repeats. Nearly the same: at most "
            f"{NEAR_SHARE:.0%} of the hits differ, or one."
        )
        if found.n_not_compared:
            st.caption(f"{counted(found.n_not_compared, 'long pattern')} searched for exact duplicates alone.")


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(clean_text(name) for name in names[:N_NAMES])
    return shown + (f" and {len(names) - N_NAMES:,} more" if len(names) > N_NAMES else "")


def _content(found: Survey) -> None:
    with st.expander("What is in it", icon=":material/bar_chart:"):
        figures = st.columns(4)
        n_files = f"{found.n_usable:,}" + (f" of {found.n_files:,}" if found.skipped else "")
        figures[0].metric("Files", n_files, help="That can be used.")
        figures[1].metric("Bars", f"{found.n_bars:,}")
        figures[2].metric(
            "Windows", f"{found.n_windows:,}", help="Up to two bars long, one starting at each quarter note."
        )
        figures[3].metric("Minutes", f"{found.minutes:.1f}")
        rows = [
            (voice.label, f"{n:,}", f"{n / found.n_hits:.1%}")
            for voice, n in zip(VOICES, found.hits_per_voice, strict=True)
        ]
        st.markdown(table(["Drum", "Hits", "Share"], rows, numbers=["Hits", "Share"]))
        st.markdown("\n".join(f"- {literal(sentence)}" for sentence in content_sentences(found)))


def content_sentences(found: Survey) -> list[str]:
    """Tempos, meters, dynamics and timing in plain words; of a survey with usable files."""
    assert found.tempo_bpm is not None
    slowest, fastest = (f"{bpm:.4g}" for bpm in found.tempo_bpm)
    tempo = f"Tempo: {slowest} BPM" if slowest == fastest else f"Tempo: {slowest} to {fastest} BPM"
    if found.n_without_tempo:
        tempo += f"; {counted(found.n_without_tempo, 'file')} without one, read at 120"
    meters = ", ".join(f"{meter} ({counted(n, 'file')})" for meter, n in found.meters[:N_METERS])
    if len(found.meters) > N_METERS:
        meters += f" and {len(found.meters) - N_METERS} others"
    if found.n_without_meter:
        meters += f"; {counted(found.n_without_meter, 'file')} without one, read in 4/4"
    of = f"of {counted(found.n_usable, 'file')} every hit"
    return [
        f"{tempo}.",
        f"Meter: {meters}.",
        f"Dynamics: in {found.n_single_velocity:,} {of} is equally loud.",
        f"Timing: in {found.n_on_grid:,} {of} lies exactly on the grid.",
    ]
