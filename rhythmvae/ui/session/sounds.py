"""The visitor's sounds: what was dropped or recorded, what was heard in it, and how that is read.

A sound lies in the session as `audio.pcm` has it, within MAX_BYTES a visitor and MAX_SERVER_BYTES for all, with its
recording. How it is read (tempo, one, thresholds) is chosen by widgets (parts/sounds.py) and kept here, so that its
groove can be had before any page is drawn. Nothing is written to disk, and what leaves the session is freed with it.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from importlib.util import find_spec
from threading import Lock
from weakref import WeakSet

import streamlit as st

from rhythmvae.audio import pcm
from rhythmvae.audio.beats import Wish
from rhythmvae.audio.formats import HEAD_BYTES, HOW_TO_INSTALL, SAYING, Loop, loop_of, sound_format
from rhythmvae.audio.read import MAX_MINUTES, MAX_SOUND_BYTES
from rhythmvae.data.recording import Recording, Transcription
from rhythmvae.errors import AudioError, RhythmVAEError
from rhythmvae.groove import Groove
from rhythmvae.text import clean_text
from rhythmvae.ui.components.sounds import Part
from rhythmvae.ui.session import computing
from rhythmvae.ui.workers import tasks

MAX_SOUNDS = 100
MAX_BYTES = 32 << 20  # of a visitor's sounds together: one of ten minutes is 26.5 MB
MAX_SERVER_BYTES = 256 << 20
_MB = 1 << 20
FULL = f"at most {MAX_SOUNDS} sounds of {MAX_BYTES / pcm.BYTES_PER_SECOND / 60:.0f} minutes together are kept at once"
WAY_OUT, NO_WAY_OUT = "press “Take it anyway”", "choose another sound"
_SOUNDS, _ASKED = "sounds", "how sounds are read"
_COMING, _WAITING, _OVER = "sound under way", "sounds to hear", "sound that is over"
STATE = (_SOUNDS, _ASKED)  # what a visitor has of this in a session


@dataclass(frozen=True)
class Asked:
    """How a sound is read: `bpm` and `one` (seconds) as `Wish` has them, `thresholds` by voice; `anyway`: whatever
    else is in it."""

    bpm: float | None = None
    one: float | None = None
    thresholds: tuple[tuple[int, float], ...] = ()
    anyway: bool = False


@dataclass(eq=False)
class Own:
    """A sound of the visitor's.

    Args:
        key: tells it from the others. data: as `audio.pcm` has it.
    """

    name: str
    key: str
    data: bytes
    recording: Recording
    _read: dict[Asked, Transcription | AudioError] = field(default_factory=dict, repr=False)

    @property
    def n_bytes(self) -> int:
        return len(self.data)

    @property
    def seconds(self) -> float:
        return len(self.data) / pcm.BYTES_PER_SECOND


@dataclass(eq=False)
class _Coming:
    """A sound of which parts are here."""

    id: str
    name: str
    n_bytes: int
    are_taps: bool
    loop: Loop | None
    data: bytearray = field(default_factory=bytearray, repr=False)


@dataclass(frozen=True, eq=False)
class Waiting:
    """A sound that nobody has heard yet. bpm: its tempo, where that is known. id: of a browser's, the browser's own."""

    name: str
    data: bytes
    are_taps: bool = False
    loop: Loop | None = None
    remarks: tuple[str, ...] = ()
    bpm: float | None = None
    id: str = ""


class _Room:
    """What all visitors' sounds take; a sound that nobody holds any more takes nothing."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._held: WeakSet[Own | _Coming] = WeakSet()

    def add(self, sound: Own | _Coming) -> bool:
        """Whether there is room for it; then it takes some."""
        with self._lock:
            if sum(held.n_bytes for held in self._held) + sound.n_bytes > MAX_SERVER_BYTES:
                return False
            self._held.add(sound)
            return True


_ROOM = _Room()


def own() -> list[Own]:
    """The session's sounds, in the order they came."""
    kept: list[Own] = st.session_state.get(_SOUNDS, [])
    return kept


def of(key: str) -> Own | None:
    return next((sound for sound in own() if sound.key == key), None)


def remove(keys: Iterable[str]) -> None:
    gone = set(keys)
    st.session_state[_SOUNDS] = [sound for sound in own() if sound.key not in gone]


# -- coming --------------------------------------------------------------------


def take_part(part: Part) -> str | None:
    """Take some of a sound; of one that has come whole, nobody has heard anything yet (`hear_waiting`).

    Returns:
        why it is not wanted.
    """
    coming: _Coming | None = st.session_state.get(_COMING)
    if part.at == 0 and (coming is None or coming.id != part.id):
        st.session_state.pop(_COMING, None)  # another one was given up
        coming = _Coming(part.id, part.name, part.n_bytes, part.are_taps, _said(part.head))
        if (why := _no_room(coming)) is not None:
            st.session_state[_OVER] = part.id
            return why
        st.session_state[_COMING] = coming
    if coming is None or (coming.id, coming.n_bytes, len(coming.data)) != (part.id, part.n_bytes, part.at):
        return None  # of another sound, or twice: the browser is told what is wanted
    coming.data += part.data
    if len(coming.data) == coming.n_bytes:
        del st.session_state[_COMING]
        wait_for(Waiting(coming.name, bytes(coming.data), coming.are_taps, coming.loop, id=coming.id))
    return None


def _said(head: bytes) -> Loop | None:
    """What the first bytes of a file say of it as a loop."""
    found = sound_format(head[:HEAD_BYTES])
    return loop_of(io.BytesIO(head), found) if found in SAYING else None


def wanted() -> tuple[str, int] | None:
    """The sound of a browser that is under way or waits to be heard, and how much of it is here."""
    coming: _Coming | None = st.session_state.get(_COMING)
    if coming is not None:
        return coming.id, len(coming.data)
    found: list[Waiting] = st.session_state.get(_WAITING, [])
    return next(((sound.id, len(sound.data)) for sound in found if sound.id), None)


def over() -> str | None:
    """The last sound that is not under way any more."""
    found: str | None = st.session_state.get(_OVER)
    return found


def wait_for(sound: Waiting) -> None:
    """Have a sound heard by the next `hear_waiting`."""
    st.session_state[_WAITING] = [*st.session_state.get(_WAITING, []), sound][-MAX_SOUNDS:]


def is_waiting() -> bool:
    return bool(st.session_state.get(_WAITING))


def waiting() -> Iterator[Waiting]:
    """Sounds to hear; each is given once."""
    while found := st.session_state.get(_WAITING):
        st.session_state[_WAITING] = found[1:]
        if found[0].id:
            st.session_state[_OVER] = found[0].id
        yield found[0]


def is_sound(data: bytes) -> bool:
    """Whether a file is a sound, of any kind."""
    return sound_format(data[:HEAD_BYTES]) is not None


def is_full() -> bool:
    """Whether the visitor has as many sounds as he can."""
    return len(own()) >= MAX_SOUNDS or sum(sound.n_bytes for sound in own()) + pcm.BYTES_PER_SECOND > MAX_BYTES


def why_undecodable() -> str | None:
    """Why this server decodes no files of sound, and how that is mended; None where it does."""
    if find_spec("soundfile") is not None:
        return None
    return f"To read sounds in zips this server needs the package soundfile: {HOW_TO_INSTALL}"


def decoded(name: str, data: bytes) -> Waiting:
    """A file of sound that the server decodes.

    Raises:
        AudioError: it cannot be read. NoAnswerError: workers died over it.
    """
    samples, loop, remarks = computing.computed_at_any_rate(tasks.decode_sound, None, data, name)
    return Waiting(name, samples, loop=loop, remarks=remarks)


def hear(sound: Waiting) -> str:
    """Hear the drums of a sound, and keep both.

    Returns:
        its key.

    Raises:
        AudioError: there is no room for it. NoAnswerError: workers died over it.
    """
    key = f"sound {hashlib.sha256(sound.name.encode(errors='replace') + bytes(1) + sound.data).hexdigest()[:16]}"
    if of(key) is not None:
        return key
    recording = computing.computed_at_any_rate(tasks.hear, None, sound.data, sound.name, sound.loop)
    found = Own(recording.name, key, sound.data, replace(recording, remarks=sound.remarks))
    if (why := _no_room(found)) is not None:
        raise AudioError(why)
    st.session_state[_SOUNDS] = [*own(), found]
    if sound.bpm is not None:
        ask(found, Asked(bpm=sound.bpm))
    return key


def _no_room(sound: Own | _Coming) -> str | None:
    """Why there is none; else it takes some."""
    shown = clean_text(sound.name) or "sound"
    n_bytes = sum(kept.n_bytes for kept in own())
    if n_bytes + sound.n_bytes > MAX_BYTES or len(own()) >= MAX_SOUNDS:
        return (
            f"{shown}: expected at most {MAX_BYTES / pcm.BYTES_PER_SECOND / 60:.0f} minutes of sounds at a time, you "
            f"have {n_bytes / pcm.BYTES_PER_SECOND / 60:.1f} here and this is "
            f"{sound.n_bytes / pcm.BYTES_PER_SECOND / 60:.1f}: remove some first."
        )
    if not _ROOM.add(sound):
        return f"{shown}: the server holds as many sounds as it can for all its visitors; try again in a few minutes."
    return None


def refusal(name: str, why: str) -> str:
    """The sentence for what a browser did not take: `name` and `why` as `components.sounds.refused` has them."""
    shown = clean_text(name) or "sound"
    return {
        "long": f"{shown}: expected at most {MAX_MINUTES} minutes of sound, got more; cut it.",
        "large": f"{shown}: expected a file of at most {MAX_SOUND_BYTES // _MB} MB that says its length, got another "
        "one; cut it, or save it as WAV or MP3.",
        "unreadable": f"{shown}: expected a sound that your browser or this server can read, got another or a "
        "damaged one; save it as WAV, FLAC or MP3.",
        "many": f"{FULL[0].upper()}{FULL[1:]}: {shown} left out.",
        "empty": f"{shown}: expected MIDI, sounds or zips in it, found none.",
    }[why]


# -- reading -------------------------------------------------------------------


def asked(sound: Own) -> Asked:
    """How the visitor says that a sound is read."""
    found: dict[str, Asked] = st.session_state.get(_ASKED, {})
    return found.get(sound.key, Asked())


def ask(sound: Own, how: Asked) -> None:
    """Have a sound read in another way from now on."""
    st.session_state[_ASKED] = {**st.session_state.get(_ASKED, {}), sound.key: how}


def read(sound: Own) -> Transcription:
    """A sound as the visitor says it is read.

    Raises:
        AudioError: it is not drums alone, or no stroke counts.
    """
    how = asked(sound)
    if how not in sound._read:
        while len(sound._read) > 3:
            sound._read.pop(next(iter(sound._read)))
        sound._read[how] = _transcribed(sound.recording, how)
    found = sound._read[how]
    if isinstance(found, AudioError):
        raise found
    return found


def _transcribed(recording: Recording, how: Asked) -> Transcription | AudioError:
    wish = Wish(how.bpm, None, how.one)
    way_out = WAY_OUT if len(recording.strokes()) else NO_WAY_OUT
    try:
        return computing.computed_at_any_rate(
            tasks.transcribe, None, recording, wish, dict(how.thresholds), how.anyway, way_out
        )
    except AudioError as error:
        return error
    except RhythmVAEError as error:  # of workers: it may go better next time, and a groove in hand is asked for often
        return AudioError(f"{recording.name}: {error}")


def grooves() -> dict[str, Groove]:
    """Key of each sound that gives a groove -> that groove."""
    found = {}
    for sound in own():
        try:
            found[sound.key] = read(sound).groove
        except AudioError:
            continue
    return found
