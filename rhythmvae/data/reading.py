"""A source to a groove: MIDI by its notes, a sound by the drums that are heard in it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from rhythmvae.audio.beats import Wish
from rhythmvae.audio.read import Sound
from rhythmvae.data import recording
from rhythmvae.data.files import Source, sound_at
from rhythmvae.data.recording import Transcription
from rhythmvae.errors import check_type
from rhythmvae.groove import Groove
from rhythmvae.midi import read as midi
from rhythmvae.midi.report import ImportReport, ReadOptions


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
    found = replace(recording.of_sound(sound), source=source.name)
    return recording.read(found, Wish(bpm, options.meter), anyway=anyway)
