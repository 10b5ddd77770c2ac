"""Choosing what to listen to: a built-in pattern or an upload, and how to read it.

An upload stays in the session, so that it is still there after a visit to another page, and in the browser's tab
(belongings.py), so that it is after a reload; the server writes nothing to disk.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import streamlit as st
from streamlit.delta_generator import DeltaGenerator
from streamlit.runtime.uploaded_file_manager import UploadedFile

from rhythmvae import share
from rhythmvae.data.examples import EXAMPLES, example
from rhythmvae.data.files import check_unpacked, sources_from_bytes
from rhythmvae.errors import CorpusError, MidiError, ShareError
from rhythmvae.groove import Groove
from rhythmvae.kit import LEFT_OUT, VOICE_INDEX, VOICE_KEYS, VOICES, KitMap, voice_key
from rhythmvae.midi.report import CUT_PLACES, ImportReport, Part, ReadOptions
from rhythmvae.midi.smf import MAX_FILE_BYTES
from rhythmvae.outputs import UniqueNames
from rhythmvae.text import clean_text
from rhythmvae.ui.parts import sentences
from rhythmvae.ui.parts.sentences import counted, literal
from rhythmvae.ui.session import caches, models
from rhythmvae.ui.shared import fingerprint

MAX_UPLOADS = 50
MAX_BARS_SHOWN = 16
BARS_AT_FIRST = 8
MAX_UNPACKED_BYTES = 64 << 20  # that a zip may hold, in the memory of a small server
LINK_QUERY = "g"
MAX_HELD = 32
_HELD = "held grooves"
_FRESH = "fresh link"
_GIVEN_BACK = "uploads of an earlier session"
_UPLOADS, _CHOICE, _LINKED, _PROBLEMS = "uploads", "pattern", "linked groove", "upload problems"
_READING_ALL = ReadOptions(kit=KitMap(dict.fromkeys(range(128), 0)))  # finds every note, whatever it is


@dataclass(frozen=True)
class Upload:
    """A file as it came. `key` tells it from the others."""

    name: str
    data: bytes
    key: str


def uploads() -> list[Upload]:
    """The session's files."""
    kept: list[Upload] = st.session_state.get(_UPLOADS, [])
    return kept


def picker() -> tuple[str, Upload | None]:
    """Upload box and pattern list. The second is None for a built-in pattern, whose key comes first."""
    _open_link()
    left, right = st.columns(2, gap="medium")
    with right:
        upload_box()
    known = titles()
    own = {upload.key: upload for upload in uploads()}
    with left:
        chosen = st.selectbox(
            "Pattern", list(known), key=_CHOICE, persist_state="session", format_func=known.__getitem__
        )
        if chosen in EXAMPLES:
            st.caption(EXAMPLES[chosen].description)
        elif chosen in own:
            st.caption("From your files.")
        elif chosen == _LINKED:
            st.caption("Opened from a link that somebody sent, or that you kept.")
        else:
            st.caption("Made or found in this app.")
    return chosen, own.get(chosen)


def upload_box() -> None:
    """Where files are dropped; they are the session's on every page."""
    files = st.file_uploader(
        "Your drum MIDI files",
        accept_multiple_files=True,
        key="uploader",
        max_upload_size=MAX_FILE_BYTES >> 20,
        on_change=_take_uploads,
        help="Standard MIDI files and zips of them. They stay in your session and in this tab.",
    )
    sentences.upload_refused()
    if earlier := st.session_state.get(_GIVEN_BACK):
        st.button(
            f"Forget the files from before ({len(earlier)})",
            on_click=_forget_given_back,
            icon=":material/delete:",
            type="tertiary",
        )
    for problem in st.session_state.get(_PROBLEMS, []):
        st.warning(literal(problem), icon=":material/error:")
    if len(files) > MAX_UPLOADS:
        st.caption(f"{MAX_UPLOADS} files are taken at once: the first of your {len(files)}.")


def _forget_given_back() -> None:
    gone = {upload.key for upload in st.session_state.pop(_GIVEN_BACK, [])}
    st.session_state[_UPLOADS] = [upload for upload in uploads() if upload.key not in gone]
    if chosen() in gone:
        st.session_state[_CHOICE] = next(iter(titles()))


def titles() -> dict[str, str]:
    """Everything one can start from: key -> name, no two the same. The session's own comes first."""
    own = {upload.key: upload.name for upload in uploads()}
    if (linked := _linked()) is not None:
        own[_LINKED] = f"From a link: {linked.title or 'a groove'}"
    built_in = {key: pattern.title for key, pattern in EXAMPLES.items()}
    made = {key: groove.title or "Groove" for key, groove in held().items()}
    # A browser identifies patterns by their names alone. Later ones get a count, so that no name ever changes.
    unique = UniqueNames()
    names = {key: unique.add(title) for key, title in (built_in | own | made).items()}
    return {key: names[key] for key in (*own, *reversed(made), *built_in)}


def as_it_comes(key: str) -> Groove:
    """A pattern without any choice of how to read it, but for its cut and the kit map of the model in use.

    Raises:
        MidiError: an upload that cannot be read.
    """
    for upload in uploads():
        if upload.key == key:
            options = ReadOptions(kit=models.kit_map(), cut=_chosen_cut(key))
            return caches.read(upload.data, upload.name, options)[0]
    return load(key, None)


def _open_link() -> None:
    """Choose the groove in the address when it first comes, and the model it was made with if the session has it.

    A link that cannot be read is a sentence.
    """
    text = st.query_params.get(LINK_QUERY)
    known = st.session_state.get(_LINKED)
    if text is None or (known is not None and known[0] == text):
        return
    with sentences.errors_shown():
        shared = share.from_text(text)
        st.session_state[_LINKED] = text, shared
        st.session_state[_FRESH] = shared
        st.session_state[_CHOICE] = _LINKED
        _show_all_bars(_LINKED, shared.groove)
        if shared.model and models.is_to_choose(shared.model):
            models.choose(shared.model)


def _linked() -> Groove | None:
    """The groove of the last link."""
    known = st.session_state.get(_LINKED)
    return known[1].groove if known else None


def _show_all_bars(key: str, groove: Groove) -> None:
    """What somebody shared or went on with is all of it, not its first bars."""
    if groove.n_bars > 1:
        st.session_state[_bars_key(key, groove)] = 1, min(groove.n_bars, MAX_BARS_SHOWN)


def _bars_key(key: str, groove: Groove) -> str:
    return f"{groove.n_bars} bars of {key}"


def fresh_link() -> share.Shared | None:
    """What a link brought, the first time somebody asks: for the page that it was made on to set its widgets by."""
    found: share.Shared | None = st.session_state.pop(_FRESH, None)
    return found


def hold(groove: Groove) -> None:
    """Put a groove among the patterns and choose it: what a page made or found, for all pages to use."""
    found = held()
    key = f"held {fingerprint(groove)}"
    found.pop(key, None)
    found[key] = groove
    while len(found) > MAX_HELD:
        found.pop(next(iter(found)))
    st.session_state[_CHOICE] = key
    _show_all_bars(key, groove)


def chosen() -> str | None:
    """Key of the pattern in hand."""
    key: str | None = st.session_state.get(_CHOICE)
    return key


def choose(key: str) -> None:
    """Take a pattern in hand, if it is still there."""
    if key in {*held(), *EXAMPLES, _LINKED, *(upload.key for upload in uploads())}:
        st.session_state[_CHOICE] = key


def held() -> dict[str, Groove]:
    """What pages made or found, by key, the latest last."""
    found: dict[str, Groove] = st.session_state.setdefault(_HELD, {})
    return found


def give_back(files: Sequence[tuple[str, bytes]], grooves: Sequence[Groove], choice: str | None) -> None:
    """Take files, grooves and the choice among them that another session had.

    A link in the address comes before that choice.
    """
    st.session_state[_GIVEN_BACK] = [_upload(name, data) for name, data in files if len(data) <= MAX_FILE_BYTES]
    st.session_state[_UPLOADS] = [*uploads(), *st.session_state[_GIVEN_BACK]][:MAX_UPLOADS]
    for groove in grooves:
        held()[f"held {fingerprint(groove)}"] = groove
    if choice is not None and LINK_QUERY not in st.query_params:
        choose(choice)


def link_to(groove: Groove, settings: Mapping[str, Any] | None = None) -> str | ShareError:
    """Query of a link that opens this groove, with what was set beside it; or why there is none."""
    try:
        model = models.in_use().digest if settings else ""
        return f"{LINK_QUERY}={share.to_text(groove, settings, model)}"
    except ShareError as error:
        return error


def _take_uploads() -> None:
    # The same file twice is one. A box that was open before this server was started shows files that it has not.
    kept: dict[str, Upload] = {upload.key: upload for upload in st.session_state.get(_GIVEN_BACK, [])}
    problems: list[str] = []
    files = [file for file in st.session_state["uploader"] if isinstance(file, UploadedFile)]
    for file in files[:MAX_UPLOADS]:
        for name, data in _unpacked(file.name, file.getvalue(), problems):
            if len(kept) == MAX_UPLOADS:
                problems.append(f"{MAX_UPLOADS} files are taken at once: the first ones.")
                break
            upload = _upload(name, data)
            kept[upload.key] = upload
    st.session_state[_PROBLEMS] = list(dict.fromkeys(problems))
    known = {upload.key for upload in uploads()}
    chosen = st.session_state.get(_CHOICE)
    if fresh := [key for key in kept if key not in known]:
        chosen = fresh[0]
    elif chosen not in {*kept, *EXAMPLES, *held(), _LINKED}:
        chosen = next(iter(kept or EXAMPLES))
    st.session_state[_UPLOADS] = list(kept.values())
    st.session_state[_CHOICE] = chosen


def _upload(name: str, data: bytes) -> Upload:
    key = "file " + hashlib.sha256(name.encode(errors="replace") + b"\0" + data).hexdigest()[:16]
    return Upload(name, data, key)


def _unpacked(name: str, data: bytes, problems: list[str]) -> Iterator[tuple[str, bytes]]:
    """A file, or the MIDI files of a zip; what cannot be opened becomes a sentence in `problems`."""
    shown = clean_text(name) or "file"
    try:
        check_unpacked(data, shown, MAX_UNPACKED_BYTES)
        found = sources_from_bytes(data, name)
    except CorpusError as error:
        problems.append(str(error))
        return
    if not len(found):
        problems.append(f"{shown}: expected MIDI files in it, found none.")
    for source in found:
        try:
            yield source.name, source.read()
        except MidiError as error:
            problems.append(str(error))


def load(key: str, upload: Upload | None) -> Groove:
    """What the picker chose.

    Raises:
        MidiError: an upload that cannot be read.
    """
    if key in held():
        return held()[key]
    if key == _LINKED:
        linked: share.Shared = st.session_state[_LINKED][1]
        return linked.groove
    return _load_upload(upload) if upload else example(key)


def _load_upload(upload: Upload) -> Groove:
    """Read an upload as the user says: widgets for part and notes, and the import report."""
    # Which notes there are does not depend on what they play, and without it nobody could
    # map the notes of a file in which none is known.
    _, found = caches.read(upload.data, upload.name, _READING_ALL)
    summary = st.container()
    kit = models.kit_map()
    plain = _report(upload, ReadOptions(kit=kit))
    is_open = plain is None or any(question.about not in CUT_PLACES for question in plain.questions)
    with st.expander("How the file was read", icon=":material/checklist:", expanded=is_open):
        part = _part_picker(upload, found.parts)
        options = ReadOptions() if part is None else ReadOptions(channel=part.channel, track=part.track)
        if part is not None:
            _, found = caches.read(
                upload.data, upload.name, replace(_READING_ALL, channel=part.channel, track=part.track)
            )
            plain = _report(upload, replace(options, kit=kit))
        details = st.container()
        options = replace(options, kit=_note_mapping(upload, found, plain, kit))
    words = summary.container()
    _cut_picker(upload, options, summary)
    groove, report = caches.read(upload.data, upload.name, replace(options, cut=_chosen_cut(upload.key)))
    first, *others = report_sentences(report)
    details.markdown("\n".join(f"- {literal(sentence)}" for sentence in others))
    words.markdown("  \n".join(literal(sentence) for sentence in (first, *report.remarks)))
    for question in report.questions:
        if question.about not in CUT_PLACES:
            words.info(literal(f"{question.sentence} Change it under “How the file was read”."), icon=":material/help:")
    return groove


def _cut_picker(upload: Upload, options: ReadOptions, where: DeltaGenerator) -> None:
    """A switch for each cut that the file offers, see `_chosen_cut`."""
    for question in caches.read(upload.data, upload.name, options)[1].questions:
        if question.about in CUT_PLACES:
            label = question.others[0].capitalize()  # our own words
            where.toggle(label, key=_cut_key(question.about, upload.key), persist_state="session")


def _chosen_cut(key: str) -> str | None:
    """What the switches of an upload say, as ReadOptions.cut has it."""
    chosen = [place for place in CUT_PLACES if st.session_state.get(_cut_key(place, key))]
    return "both" if len(chosen) > 1 else next(iter(chosen), None)


def _cut_key(place: str, key: str) -> str:
    return f"cut {place} {key}"


def _report(upload: Upload, options: ReadOptions) -> ImportReport | None:
    """How a file reads by itself, or None where it cannot be read without a map."""
    try:
        return caches.read(upload.data, upload.name, options)[1]
    except MidiError:
        return None


def _part_picker(upload: Upload, parts: Sequence[Part]) -> Part | None:
    if len(parts) < 2:
        return None
    choice = st.selectbox(
        "Part to read",
        range(-1, len(parts)),
        key=f"part {upload.key}",
        persist_state="session",
        format_func=lambda i: "The drums, found automatically" if i < 0 else _part_name(parts[i]),
    )
    return None if choice < 0 else parts[choice]


def _part_name(part: Part) -> str:
    name = f": {part.name}" if part.name else ""
    return f"Track {part.track}, channel {part.channel}{name} ({counted(part.n_notes, 'note')})"


def _note_mapping(upload: Upload, found: ImportReport, plain: ImportReport | None, usual: KitMap) -> KitMap:
    """The map that the user makes: a list of voices for every note in the file, at first as the file reads by itself.

    A file whose map was recognised stays as it is until a choice is changed; then every note is a rule.
    """
    voices = {row.pitch: row.voice for row in plain.notes} if plain is not None else {}
    st.markdown("**Which drum each note plays**")
    if usual.overrides:
        st.caption(f"At first as in the files that {literal(models.name_in_use())} learned from.")
    kit, options = KitMap(), [*VOICE_KEYS, LEFT_OUT]
    overrides: dict[int, int | None] = {}
    is_changed = False
    with st.grid(3, min_column_width=220):
        for row in found.notes:
            at_first = voices.get(row.pitch, voice_key(usual.voice_of(row.pitch))) or LEFT_OUT
            chosen = st.selectbox(
                # Names are the kit's own, so no user text gets into the label.
                f"{row.pitch} {row.name} × {row.count:,}",
                options,
                index=options.index(at_first),
                # Another model may have it play another drum, and what was left at the first is no choice.
                key=f"note {row.pitch} {at_first} {upload.key}",
                persist_state="session",
                format_func=lambda key: "Leave out" if key == LEFT_OUT else VOICES[VOICE_INDEX[key]].label,
            )
            is_changed |= chosen != at_first
            if chosen != voice_key(kit.voice_of(row.pitch)):
                overrides[row.pitch] = VOICE_INDEX.get(chosen)
    return KitMap(overrides) if is_changed else usual


def report_sentences(report: ImportReport) -> list[str]:
    """The import report in plain words, the summary first."""
    where = f"channel {report.channel}" if report.channel is not None else "several channels"
    if report.track is not None and len({part.track for part in report.parts}) > 1:
        where += f" of track {report.track}"
    sentences = [f"{counted(report.n_notes, 'note')} on {where}, {counted(report.n_hits, 'hit')} in the groove."]
    by_status = {
        status: [row for row in report.notes if row.status == status]
        for status in ("mapped", "folded", "remapped", "unmapped")
    }
    for status, words in (
        ("mapped", "play their own drum"),
        ("folded", "join a neighbour"),
        ("remapped", "play what you chose"),
        ("unmapped", "are left out"),
    ):
        rows = by_status[status]
        if rows:
            n = sum(row.count for row in rows)
            names = ", ".join(
                f"{row.name} → {VOICES[VOICE_INDEX[row.voice]].label}" if row.voice and status != "mapped" else row.name
                for row in rows
            )
            sentences.append(f"{counted(n, 'note')} {words}: {names}.")
    for n, words in (
        (report.n_duplicates, "double another of the same drum at the same moment and count once"),
        (report.n_outside, "lie behind the longest groove that is read and are left out"),
        (report.n_crowded, "share a sixteenth with four louder ones of the same drum; the model cannot see them"),
    ):
        if n:
            sentences.append(f"{counted(n, 'hit')} {words}.")
    sentences.append(f"Tempo: {_listed([f'{t.bpm:.4g} BPM' for t in report.tempos], 'change')}.")
    sentences.append(f"Meter: {_listed([str(m) for m in report.meters], 'change')}.")
    return sentences


def _listed(values: list[str], noun: str) -> str:
    if len(values) == 1:
        return values[0]
    shown = ", ".join(values[:4]) + (", …" if len(values) > 4 else "")
    return f"{shown} ({counted(len(values) - 1, noun)})"


def bars_picker(groove: Groove, key: str) -> tuple[int, int]:
    """First and last of the bars to show and play, counted from 1."""
    if groove.n_bars == 1:
        return 1, 1
    # A song may begin with bars of silence: start where the drums do.
    start = int(np.searchsorted(groove.bar_lines, groove.step[0], side="right")) if len(groove) else 1
    start = max(1, min(start, groove.n_bars - BARS_AT_FIRST + 1))
    widget = _bars_key(key, groove)
    # Not as the slider's default: Streamlit complains where a link has set it already.
    st.session_state.setdefault(widget, (start, min(start + BARS_AT_FIRST - 1, groove.n_bars)))
    span: Any = st.slider("Bars to show and play", 1, groove.n_bars, key=widget, persist_state="session")
    first, last = int(span[0]), int(span[1])
    if last - first >= MAX_BARS_SHOWN:
        last = first + MAX_BARS_SHOWN - 1
        st.caption(f"{MAX_BARS_SHOWN} bars fit at once: showing {first} to {last}. The MIDI download has all.")
    return first, last
