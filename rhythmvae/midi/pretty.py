"""pretty_midi's door: `pretty_midi.PrettyMIDI` objects to and from Groove."""

from __future__ import annotations

import io
from math import isfinite
from typing import TYPE_CHECKING

import numpy as np

from rhythmvae.errors import MidiError, check_type
from rhythmvae.groove import (
    STEPS_PER_QUARTER,
    US_PER_MINUTE,
    Groove,
    Meter,
    Tempo,
    is_meter,
)
from rhythmvae.kit import DRUM_CHANNEL
from rhythmvae.midi.read import to_groove
from rhythmvae.midi.report import ImportReport, Log, Part, ReadOptions
from rhythmvae.midi.score import Clock, Score, in_order
from rhythmvae.midi.write import GM_PITCHES, microseconds, resolution_of, to_bytes
from rhythmvae.text import clean_text

if TYPE_CHECKING:
    import pretty_midi


def from_pretty_midi(pm: pretty_midi.PrettyMIDI, options: ReadOptions | None = None) -> tuple[Groove, ImportReport]:
    """The drums of a `pretty_midi.PrettyMIDI` object.

    Its instruments are the tracks; one that `is_drum` is on channel 10, any other on channel 1.

    Raises:
        MidiError: no notes, or none where `options` look.
        WrongTypeError: another kind of object.

    >>> from rhythmvae import example, from_pretty_midi, to_pretty_midi
    >>> from_pretty_midi(to_pretty_midi(example("funk")))[0].n_bars
    4
    """
    import pretty_midi

    check_type(pm, pretty_midi.PrettyMIDI, "a pretty_midi.PrettyMIDI object")
    options = ReadOptions() if options is None else options
    check_type(options, ReadOptions, "reading options (rhythmvae.ReadOptions)")
    try:
        return to_groove(_score_of_pretty_midi(pm), "PrettyMIDI", options)
    except MidiError as error:
        raise MidiError(f"PrettyMIDI object: {error}.") from None


def _score_of_pretty_midi(pm: pretty_midi.PrettyMIDI) -> Score:
    times, bpms = pm.get_tempo_changes()
    clock = Clock([Tempo(float(t), float(b)) for t, b in zip(times, bpms, strict=True)])
    rows = [
        (note.start, number, DRUM_CHANNEL if instrument.is_drum else 1, note.pitch, note.velocity)
        for number, instrument in enumerate(pm.instruments, start=1)
        for note in instrument.notes
        if note.velocity > 0 and 0 <= note.pitch <= 127 and isfinite(note.start)
    ]
    columns = np.array(rows, dtype=np.float64).reshape(-1, 5)
    names = [clean_text(str(instrument.name)) for instrument in pm.instruments]
    return Score(
        format=1,
        ppq=int(pm.resolution),
        position=clock.steps(np.maximum(columns[:, 0], 0.0)),
        track=columns[:, 1].astype(np.int64),
        channel=columns[:, 2].astype(np.int64),
        pitch=columns[:, 3].astype(np.int64),
        velocity=np.clip(columns[:, 4], 1, 127).astype(np.int64),
        # A quarter lasts whole microseconds in a file; an object may hold anything.
        tempos=in_order([Tempo(t.step, US_PER_MINUTE / microseconds(t.bpm)) for t in clock.tempos]),
        meters=in_order(
            [
                Meter(float(clock.steps(float(m.time))), int(m.numerator), int(m.denominator))
                for m in pm.time_signature_changes
                if is_meter(m.numerator, m.denominator)
            ]
        ),
        parts=[
            Part(number, DRUM_CHANNEL if instrument.is_drum else 1, names[number - 1], len(instrument.notes))
            for number, instrument in enumerate(pm.instruments, start=1)
            if instrument.notes
        ],
        track_names=names,
        drum_channels=frozenset(),
        log=Log(),
    )


def to_pretty_midi(groove: Groove) -> pretty_midi.PrettyMIDI:
    """The groove as a `pretty_midi.PrettyMIDI` object with one drum instrument, its tempo map and its time signatures.

    Raises:
        WrongTypeError: it is no groove.

    >>> from rhythmvae import example, to_pretty_midi
    >>> [instrument.is_drum for instrument in to_pretty_midi(example("funk")).instruments]
    [True]
    """
    import pretty_midi

    check_type(groove, Groove, "a groove")

    ppq = resolution_of(groove)
    while ppq * groove.n_steps / STEPS_PER_QUARTER >= pretty_midi.pretty_midi.MAX_TICK:
        ppq //= 2  # it refuses longer files
    return pretty_midi.PrettyMIDI(io.BytesIO(to_bytes(groove, GM_PITCHES, ppq)))
