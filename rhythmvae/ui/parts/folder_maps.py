"""A kit map for one folder of the data to train on: which folders were read by another map or ask, and what is chosen.

Half of a collection may be on the notes of another drum program than the rest. What is chosen stays in the session.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import PurePosixPath

import streamlit as st

from rhythmvae.data.survey import Reading
from rhythmvae.groove import Groove
from rhythmvae.kit import KitMap
from rhythmvae.midi.known_maps import NAMES, VOICES_OF
from rhythmvae.midi.write import GM_PITCHES, write_midi
from rhythmvae.ui.parts.sentences import counted, literal

AS_READ = "As it was read"
MAX_FOLDERS = 12  # that are shown
_KIT_MAP = "kit map"  # what a question about it is about


def folder_of(name: str) -> str:
    """The folder in a file's name; "" for a file that lies in none.

    >>> folder_of("loops/b/1.mid"), folder_of("1.mid")
    ('loops/b', '')
    """
    return PurePosixPath(name).parent.as_posix().removeprefix(".")


def chosen(name: str) -> str:
    """The map that was chosen for the folder of a file, or AS_READ."""
    found = st.session_state.get(_key(folder_of(name)), AS_READ)
    return found if found in NAMES else AS_READ


def kit_for(name: str, asked: KitMap) -> KitMap:
    """What a file is read by: the map of its folder, but for the notes that were asked for in all files."""
    if (own := chosen(name)) == AS_READ:
        return asked
    voices = VOICES_OF[NAMES.index(own)].tolist()
    return KitMap({note: None if voice < 0 else voice for note, voice in enumerate(voices)} | dict(asked.overrides))


def as_asked(name: str, data: bytes, groove: Groove, kit: KitMap) -> bytes:
    """The file to train on: where its folder has a map of its own, one that all files' rules read as it was read."""
    if chosen(name) == AS_READ:
        return data
    pitches = [
        usual if kit.voice_of(usual) == voice else next((n for n in range(128) if kit.voice_of(n) == voice), usual)
        for voice, usual in enumerate(GM_PITCHES)
    ]
    return write_midi(groove, pitches)


def ask(names: Sequence[str], readings: Sequence[Reading]) -> None:
    """For each folder that was read by another map, or asks, what was done and a list to choose from."""
    said = [(folder_of(name), _said(reading)) for name, reading in zip(names, readings, strict=True)]
    of_note = {folder for folder, sentence in said if sentence} | {folder_of(n) for n in names if chosen(n) != AS_READ}
    if not of_note:
        return
    is_asked = any(sentence.startswith("Which") for _, sentence in said)
    with st.expander("Files on another kit map", icon=":material/swap_horiz:", expanded=is_asked):
        st.caption(
            "Drum programs put their drums on different notes. Listen below, and put right here what sounds wrong."
        )
        for folder in sorted(of_note)[:MAX_FOLDERS]:
            _folder(folder, Counter(sentence for own, sentence in said if own == folder and sentence))


def _folder(folder: str, sentences: Counter[str]) -> None:
    st.selectbox(
        f"Map of {literal(folder)}" if folder else "Map of the files that lie in no folder",
        [AS_READ, *NAMES],
        key=_key(folder),
        persist_state="session",
    )
    for sentence, n in sentences.most_common(3):
        st.caption(f"{counted(n, 'file')}: {literal(sentence)}")


def _said(reading: Reading) -> str:
    """What reading says of the kit map: its question, or the map that it took."""
    if reading.report is None:
        return ""
    asked = [question.spoken for question in reading.report.questions if question.about == _KIT_MAP]
    taken = [change.sentence for change in reading.report.changes if change.kind == "kit_map"]
    return (asked or taken or [""])[0]


def _key(folder: str) -> str:
    return f"training map of {folder}"
