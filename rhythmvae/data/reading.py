"""A source to a groove: MIDI by its notes, a sound by the drums that are heard in it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from rhythmvae.audio.beats import Barred, Wish, to_groove
from rhythmvae.audio.hits import Heard
from rhythmvae.audio.read import Sound
from rhythmvae.data.files import Source, sound_at
from rhythmvae.errors import AudioError, check_type
from rhythmvae.groove import Groove, n_crowded
from rhythmvae.kit import N_VOICES, VOICES, note_name
from rhythmvae.midi import read as midi
from rhythmvae.midi.report import Change, ImportReport, NoteRow, Question, ReadOptions

if TYPE_CHECKING:
    from rhythmvae.audio.transcriber import Transcriber

DRUMS_ALONE = 0.5  # a sound that is less surely drums alone gives no groove


@dataclass(frozen=True, eq=False)
class Transcription:
    """What was heard in a sound, and the groove that it makes. downbeat_seconds: of its first whole bar."""

    groove: Groove
    report: ImportReport
    heard: Heard
    downbeat_seconds: float


def read_source(source: Source, options: ReadOptions | None = None) -> tuple[Groove, ImportReport]:
    """The drums of a source.

    Raises:
        MidiError: as `read_midi`. AudioError: as `transcribe`.
    """
    if source.sound is None:
        return midi.read_midi(source.read(), source.name, options)
    found = transcribe(source, options)
    return found.groove, found.report


def read_file(path: str | Path, options: ReadOptions | None = None) -> tuple[Groove, ImportReport]:
    """The drums of a MIDI file or a sound on disk.

    Raises:
        MidiError: as `read_midi`, or the file cannot be opened. AudioError: as `transcribe`.
        WrongTypeError: no path.

    >>> from rhythmvae import read_file
    >>> read_file("nowhere.mid")
    Traceback (most recent call last):
    rhythmvae.errors.MidiError: nowhere.mid: expected a readable MIDI file, got No such file or directory.
    """
    check_type(path, (str, Path), "the path of a MIDI file or a sound (read_midi takes bytes)")
    source = sound_at(Path(path))
    return midi.read_file(path, options) if source is None else read_source(source, options)


def transcribe(
    source: Source, options: ReadOptions | None = None, *, bpm: float | None = None, anyway: bool = False
) -> Transcription:
    """What is heard in a sound.

    Args:
        options: of them the meter counts. bpm: the tempo, where the user knows it.
        anyway: also where it is not drums alone.

    Raises:
        AudioError: it cannot be read, is not drums alone, or nothing is heard.
        CheckpointError: the transcriber's file is missing or damaged.
    """
    options = ReadOptions() if options is None else options
    assert source.sound is not None
    sound = Sound(source.sound if isinstance(source.sound, Path) else source.sound(), source.name)
    heard = _transcriber().hear(sound.blocks())
    if heard.drums_alone < DRUMS_ALONE and not anyway:
        raise AudioError(
            f"{sound.name}: expected drums alone, got a sound that is that by {heard.drums_alone:.0%}; "
            "give the drums by themselves (a drum stem), or `transcribe --anyway`."
        )
    try:
        found = to_groove(heard, source.name, Wish(bpm, options.meter), sound.loop)
    except AudioError as error:
        raise AudioError(f"{sound.name}: {error}.") from None
    report = _report(sound, found, heard)
    return Transcription(found.groove, report, heard, found.downbeat_seconds)


@cache
def _transcriber() -> Transcriber:
    from rhythmvae.audio.transcriber import Transcriber

    return Transcriber.load(None)


def _report(sound: Sound, found: Barred, heard: Heard) -> ImportReport:
    """What was heard, as a report says what was read: a note for each hit."""
    groove = found.groove
    taken = f"{groove.tempo_at(groove.n_steps).bpm:.4g} BPM"
    others = tuple(f"{bpm:.4g} BPM" for bpm in found.other_bpm)
    questions = (Question("tempo", taken, others, "transcribe --tempo"),) if others else ()
    counts = np.bincount(heard.voice, minlength=N_VOICES).tolist()
    rows = [
        NoteRow(voice.pitch, note_name(voice.pitch), n, voice.key, "mapped")
        for voice, n in zip(VOICES, counts, strict=True)
        if n
    ]
    said = f"Heard in {heard.duration_seconds:.1f} s of sound; drums alone by {heard.drums_alone:.0%}."
    return ImportReport(
        name=sound.name,
        format=0,
        ppq=None,
        n_notes=len(heard),
        n_hits=len(groove),
        n_duplicates=0,
        n_outside=len(heard) - len(groove),
        n_crowded=n_crowded(groove),
        notes=tuple(rows),
        tempos=groove.tempos,
        meters=groove.meters,
        channel=None,
        track=None,
        parts=(),
        remarks=tuple(sound.remarks),
        changes=(Change("heard", len(heard), said),),
        questions=questions,
    )
