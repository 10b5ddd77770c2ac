"""How sounds come: out of a drop that the browser decoded, out of an upload box, or from the microphone."""

from __future__ import annotations

import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from rhythmvae.audio.hits import RATE
from rhythmvae.errors import RhythmVAEError
from rhythmvae.ui.components import sounds as dropped
from rhythmvae.ui.parts import completing, packs, yours
from rhythmvae.ui.parts.sentences import literal
from rhythmvae.ui.session import computing, files, hand, sounds
from rhythmvae.ui.workers import tasks

DRUMS, TAPS = "Drums", "Taps"
_N_TAKES, _PLAYED, _IN_TIME = "takes so far", "what is recorded", "take keeps the deck's tempo"
_IS_SAID, _SHELTERS = "sound was refused", "drops before files that need a box"


@st.fragment
def catch() -> None:
    """Takes sounds that the browser decoded, and hears them. A part of one runs this alone; what was heard, all."""
    dropped.tell(
        wants=sounds.wanted(),
        over=sounds.over(),
        most=sounds.MAX_SOUNDS,
        is_full=sounds.is_full(),
        on_part=_take_part,
        on_refused=_refused,
        on_stranded=_shelter,
    )
    is_new = _sheltered()
    is_new |= st.session_state.pop(_IS_SAID, False) or sounds.is_waiting()
    is_tapped = False
    for sound in sounds.waiting():
        with st.spinner(f"Listening to {literal(sound.name)}"):
            is_tapped |= _hear(sound)
    is_new |= packs.read()
    if is_tapped:
        st.switch_page("pages/complete.py")
    if is_new:
        st.rerun()


def _shelter() -> None:
    """Files are on their way in a box that was closed: until the next drop there is one that stays."""
    st.session_state[_SHELTERS] = yours.n_drops()


def _sheltered() -> bool:
    """Draw that box, which the browser hides and gives the files; whether they have come."""
    if (since := st.session_state.get(_SHELTERS)) is None:
        return False
    if since != yours.n_drops():
        del st.session_state[_SHELTERS]
        return True
    with st.container(key=dropped.SHELTER):
        yours.bare_box("Files on their way", dropped.SHELTER)
    return False


def _take_part() -> None:
    if (part := dropped.part()) is not None and (why := sounds.take_part(part)) is not None:
        _say(why)


def _refused() -> None:
    if (said := dropped.refused()) is not None:
        _say(sounds.refusal(*said))


def _say(why: str) -> None:
    files.say(why)
    st.session_state[_IS_SAID] = True


def _hear(sound: sounds.Waiting) -> bool:
    """Hear a sound and take it in hand. Whether it is a rhythm of taps, with which the page for that goes on."""
    try:
        if sound.are_taps:
            taps = computing.computed_at_any_rate(tasks.taps, None, sound.data, sound.name, sound.bpm)
            completing.take_rhythm(taps)
            return True
        hand.choose(sounds.hear(sound))
    except RhythmVAEError as error:
        files.say(str(error))
    return False


# -- from the microphone -------------------------------------------------------


def record(rate: float) -> None:
    """A recorder, while the deck goes on. `rate`: of the deck's tempo over the groove's own."""
    with st.expander("Record drums, or taps on a table", icon=":material/mic:"):
        played = st.segmented_control(
            "What you play", (DRUMS, TAPS), default=DRUMS, key=_PLAYED, required=True, persist_state="session"
        )
        is_in_time = st.toggle(
            "In the deck's tempo",
            key=_IN_TIME,
            persist_state="session",
            help="For what you play to the loop in the deck. Off: the tempo is found in what you play.",
        )
        key = f"microphone {n_takes()}"
        bpm = hand.now().original.tempo_at(0).bpm * rate if is_in_time else None
        st.audio_input(
            "Press the microphone, play, and press it again",
            sample_rate=RATE,
            key=key,
            on_change=_take,
            args=(key, played == TAPS, bpm),
        )


def n_takes() -> int:
    """How many there were."""
    return int(st.session_state.get(_N_TAKES, 0))


def _take(key: str, are_taps: bool, bpm: float | None) -> None:
    recorded = st.session_state.get(key)
    if not isinstance(recorded, UploadedFile):
        return
    number = st.session_state[_N_TAKES] = n_takes() + 1
    try:
        sound = sounds.decoded(f"{'Taps' if are_taps else 'Recording'} {number}", recorded.getvalue())
    except RhythmVAEError as error:
        files.say(str(error))
        return
    sounds.wait_for(sounds.Waiting(sound.name, sound.data, are_taps, bpm=bpm))
