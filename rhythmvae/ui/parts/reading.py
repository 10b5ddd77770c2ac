"""How a file was read: the report in plain words, and widgets for part, drums and cut, which `session.files` minds."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from rhythmvae.errors import MidiError
from rhythmvae.kit import LEFT_OUT, VOICE_INDEX, VOICE_KEYS, VOICES
from rhythmvae.midi.report import CUT_PLACES, ImportReport, Part
from rhythmvae.ui.parts.sentences import counted, literal
from rhythmvae.ui.session import files, hand, models
from rhythmvae.ui.session.files import File


def show(file: File) -> None:
    """What a file holds in a sentence, what is asked about it, and one click behind how it is read.

    Where it plays nothing as it is read, the choices alone: why is said above every page.

    Raises:
        MidiError: it cannot be read, whatever drums its notes play.
    """
    summary = st.container()
    plain = files.by_itself(file)
    is_open = plain is None or any(question.about not in CUT_PLACES for question in plain.questions)
    with st.expander("How the file was read", icon=":material/checklist:", expanded=is_open):
        _part_picker(file, files.parts(file))
        details = st.container()
        _note_mapping(file)
    try:
        report = files.read(file)[1]
    except MidiError:
        return
    words = summary.container()
    _cut_picker(file, summary)
    first, *others = report_sentences(report)
    details.markdown("\n".join(f"- {literal(sentence)}" for sentence in others))
    words.markdown("  \n".join(literal(sentence) for sentence in (first, *report.remarks)))
    for question in report.questions:
        if question.about not in CUT_PLACES:
            words.info(literal(f"{question.spoken} Change it under “How the file was read”."), icon=":material/help:")


def _cut_picker(file: File, where: DeltaGenerator) -> None:
    """A switch for each cut that the file offers."""
    for question in files.uncut(file).questions:
        if question.about in CUT_PLACES:
            label = question.others[0].capitalize()  # our own words
            where.toggle(label, key=files.cut_key(question.about, file), persist_state="session")


def _part_picker(file: File, parts: Sequence[Part]) -> None:
    if len(parts) > 1:
        st.selectbox(
            "Part to read",
            range(files.AUTOMATIC, len(parts)),
            key=files.part_key(file),
            persist_state="session",
            format_func=lambda i: "The drums, found automatically" if i < 0 else _part_name(parts[i]),
        )


def _part_name(part: Part) -> str:
    name = f": {part.name}" if part.name else ""
    return f"Track {part.track}, channel {part.channel}{name} ({counted(part.n_notes, 'note')})"


def _note_mapping(file: File) -> None:
    """A list of drums for every note in the file, at first as the file reads by itself."""
    options = [*VOICE_KEYS, LEFT_OUT]
    st.markdown("**Which drum each note plays**")
    if models.kit_map().overrides:
        st.caption(f"At first as in the files that {literal(models.name_in_use())} learned from.")
    with st.grid(3, min_column_width=220):
        for note in files.notes(file):
            st.selectbox(
                # Names are the kit's own, so no user text gets into the label.
                f"{note.row.pitch} {note.row.name} × {note.row.count:,}",
                options,
                index=options.index(note.at_first),
                key=note.key,
                persist_state="session",
                format_func=lambda key: "Leave out" if key == LEFT_OUT else VOICES[VOICE_INDEX[key]].label,
            )


def bars_picker(held: hand.Hand) -> None:
    """The bars to show and play, where there are several to choose from."""
    n_bars = held.read.n_bars
    if n_bars == 1:
        return
    key = hand.bars_key(held.key, held.read)
    st.slider("Bars to show and play", 1, n_bars, key=key, persist_state="session")
    if st.session_state[key][1] > held.last:
        st.caption(f"{hand.MAX_BARS} bars fit at once: {held.first} to {held.last}. The MIDI download has all.")


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
        ("folded", "are played by a neighbouring drum"),
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
        (report.n_outside, "lie beyond the longest groove that can be read and are left out"),
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
