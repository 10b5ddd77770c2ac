"""Groove to a MIDI file with a track for every drum, as a DAW shows it well."""

from __future__ import annotations

import io
from typing import Any

import numpy as np

from rhythmvae.errors import check_type
from rhythmvae.groove import STEPS_PER_QUARTER, Groove
from rhythmvae.kit import DRUM_CHANNEL, VOICES
from rhythmvae.midi.write import merge_twins, microseconds, resolution_of, ticks
from rhythmvae.text import clean_text

NOTE_STEPS = 1  # length of a note, a 16th, or up to the next of the same drum


def write_tracks(groove: Groove, *, ppq: int | None = None) -> bytes:
    """A MIDI file of format 1: tempo and meter in the first track, then a named track for each drum that plays.

    All drums are on channel 10 with their General MIDI notes, so that any player sounds right. A note lasts a 16th,
    or up to the next of its drum or the loop's end. Times and velocities are those of `write_midi`, and so is `ppq`.

    Raises:
        WrongTypeError: it is no groove.

    >>> from rhythmvae import example, read_midi
    >>> played = example("funk")
    >>> read_midi(write_tracks(played), "tracks.mid")[0].n_bars == played.n_bars
    True
    """
    import mido

    check_type(groove, Groove, "a groove")
    ppq = ppq or resolution_of(groove)
    end = int(ticks(np.array([float(groove.n_steps)]), ppq)[0])
    first = [(0, mido.MetaMessage("track_name", name=clean_text(groove.title)))]
    for tempo in groove.tempos:
        first.append((_tick(tempo.step, ppq), mido.MetaMessage("set_tempo", tempo=microseconds(tempo.bpm))))
    for meter in groove.meters:
        sign = mido.MetaMessage("time_signature", numerator=meter.numerator, denominator=meter.denominator)
        first.append((_tick(meter.step, ppq), sign))
    tracks = [_track(sorted(first, key=lambda event: event[0]), end)]
    for voice in np.unique(groove.voice).tolist():
        tracks.append(_track(_notes(groove, voice, ppq, end), end))
    buffer = io.BytesIO()
    mido.MidiFile(type=1, ticks_per_beat=ppq, charset="utf-8", tracks=tracks).save(file=buffer)
    return buffer.getvalue()


def _notes(groove: Groove, voice: int, ppq: int, end: int) -> list[tuple[int, Any]]:
    """The events of one drum as (tick, message), a note's end before the next one's beginning."""
    import mido

    own = groove.voice == voice
    tick = np.clip(ticks(groove.position[own], ppq), 0, end - 1)
    tick, _, velocity = merge_twins(tick, np.zeros(len(tick), dtype=np.int64), groove.velocity[own])
    stop = np.minimum(tick + NOTE_STEPS * ppq // STEPS_PER_QUARTER, np.append(tick[1:], end))
    row = VOICES[voice]
    events: list[tuple[int, Any]] = [
        (0, mido.MetaMessage("track_name", name=row.label)),
        (0, mido.MetaMessage("instrument_name", name=row.label)),
    ]
    for on, off, loud in zip(tick.tolist(), stop.tolist(), velocity.tolist(), strict=True):
        events.append((on, mido.Message("note_on", channel=DRUM_CHANNEL - 1, note=row.pitch, velocity=loud)))
        events.append((off, mido.Message("note_off", channel=DRUM_CHANNEL - 1, note=row.pitch, velocity=0)))
    return events


def _track(events: list[tuple[int, Any]], end: int) -> Any:
    import mido

    track, now = mido.MidiTrack(), 0
    for at, message in [*events, (end, mido.MetaMessage("end_of_track"))]:
        track.append(message.copy(time=at - now))
        now = at
    return track


def _tick(step: float, ppq: int) -> int:
    return int(ticks(np.array([step]), ppq)[0])
