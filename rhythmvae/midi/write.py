"""Groove to the bytes of a MIDI file."""

from __future__ import annotations

import io
from collections.abc import Sequence
from fractions import Fraction
from math import ceil, lcm
from typing import Any

import numpy as np

from rhythmvae.errors import check_type
from rhythmvae.groove import (
    FASTEST_US,
    SLOWEST_US,
    STEPS_PER_QUARTER,
    US_PER_MINUTE,
    FloatArray,
    Groove,
    IntArray,
)
from rhythmvae.kit import DRUM_CHANNEL, VOICES
from rhythmvae.text import clean_text

SECONDS_PER_MINUTE = 60.0


def microseconds(bpm: float) -> int:
    """Tempo as a file holds it."""
    return max(FASTEST_US, min(SLOWEST_US, round(US_PER_MINUTE / bpm)))


def merge_twins(time: Any, key: IntArray, velocity: IntArray) -> tuple[Any, IntArray, IntArray]:
    """Of the hits at the same time and key (a voice, a pitch) the loudest, in order of time."""
    order = np.lexsort((-velocity, key, time))
    time, key, velocity = time[order], key[order], velocity[order]
    first = np.ones(len(time), dtype=bool)
    first[1:] = (time[1:] != time[:-1]) | (key[1:] != key[:-1])
    return time[first], key[first], velocity[first]


WRITE_PPQ = 960
MAX_WRITE_PPQ = 30_720
MAX_TICK_SECONDS = 0.001
MAX_KEPT_TICK_SECONDS = 1 / 480  # of a file's own resolution: 480 a quarter is kept from 60 BPM up
MIN_KEPT_PPQ = 240
_MAX_DELTA = 2**28 - 1  # ticks between two events that a file can hold
GM_PITCHES = tuple(v.pitch for v in VOICES)


def write_midi(groove: Groove, pitches: Sequence[int] = GM_PITCHES, ppq: int | None = None) -> bytes:
    """A MIDI file of one track, drums on channel 10; the same groove gives the same bytes.

    Tempos, meters and bars are exact; an onset is off by at most half a tick (half a
    millisecond, or less). A hit before the first step is written at 0. Hits of one pitch
    that fall on one tick become the loudest of them.

    Args:
        pitches: note (0 to 127) of each voice.
        ppq: ticks a quarter note; None for a resolution that suits the groove.

    Raises:
        WrongTypeError: it is no groove.

    >>> from rhythmvae import example
    >>> write_midi(example("funk"))[:4]
    b'MThd'
    """
    check_type(groove, Groove, "a groove")
    return to_bytes(groove, pitches, ppq or resolution_of(groove))


def to_bytes(groove: Groove, pitches: Sequence[int], ppq: int) -> bytes:
    import mido

    end = int(ticks(np.array([float(groove.n_steps)]), ppq)[0])
    tick, pitch, velocity = merge_twins(
        np.clip(ticks(groove.position, ppq), 0, end - 1), np.array(pitches)[groove.voice], groove.velocity
    )

    # Events as (tick, rank, pitch, message): at one tick notes end before others begin.
    events: list[tuple[int, int, int, Any]] = []
    for t in groove.tempos:
        message = mido.MetaMessage("set_tempo", tempo=microseconds(t.bpm))
        events.append((int(ticks(np.array([t.step]), ppq)[0]), 1, 0, message))
    for m in groove.meters:
        message = mido.MetaMessage("time_signature", numerator=m.numerator, denominator=m.denominator)
        events.append((int(ticks(np.array([m.step]), ppq)[0]), 2, 0, message))
    length = ppq // 8  # a 32nd note, or up to the next of the same pitch
    off = np.minimum(tick + length, end)
    for p in np.unique(pitch):
        own = np.flatnonzero(pitch == p)
        off[own[:-1]] = np.minimum(off[own[:-1]], tick[own[1:]])
    for on_tick, off_tick, p, v in zip(tick.tolist(), off.tolist(), pitch.tolist(), velocity.tolist(), strict=True):
        on = mido.Message("note_on", channel=DRUM_CHANNEL - 1, note=p, velocity=v)
        events.append((on_tick, 3, p, on))
        events.append((off_tick, 0, p, mido.Message("note_off", channel=DRUM_CHANNEL - 1, note=p, velocity=0)))
    events.sort(key=lambda e: e[:3])

    track = mido.MidiTrack([mido.MetaMessage("track_name", name=clean_text(groove.title))])
    now = 0
    for at, _, _, message in events:
        message.time = at - now
        track.append(message)
        now = at
    track.append(mido.MetaMessage("end_of_track", time=end - now))
    file = mido.MidiFile(type=0, ticks_per_beat=ppq, charset="utf-8", tracks=[track])
    buffer = io.BytesIO()
    file.save(file=buffer)
    return buffer.getvalue()


def ticks(steps: FloatArray, ppq: int) -> IntArray:
    """Positions in steps as ticks of a file."""
    return np.asarray(np.rint(steps * ppq / STEPS_PER_QUARTER).astype(np.int64))


def resolution_of(groove: Groove) -> int:
    """A resolution at which a tick lasts at most MAX_TICK_SECONDS and tempo and meter events fall on ticks.

    The first gives way where the file could not hold the length, the second where the
    events have no such resolution.
    """
    slowest = min(t.bpm for t in groove.tempos)
    ppq = WRITE_PPQ
    while (
        SECONDS_PER_MINUTE / slowest / ppq > MAX_TICK_SECONDS
        and 2 * ppq <= MAX_WRITE_PPQ
        and 2 * ppq * groove.n_steps / STEPS_PER_QUARTER <= _MAX_DELTA
    ):
        ppq *= 2
    unit = 1
    for step in [t.step for t in groove.tempos] + [m.step for m in groove.meters]:
        quarters = step / STEPS_PER_QUARTER
        fraction = Fraction(quarters).limit_denominator(MAX_WRITE_PPQ)
        if float(fraction) != quarters or lcm(unit, fraction.denominator) > MAX_WRITE_PPQ:
            return ppq
        unit = lcm(unit, fraction.denominator)
    return min(ceil(ppq / unit) * unit, MAX_WRITE_PPQ // unit * unit)


def resolution_like(groove: Groove, ppq: int | None) -> int:
    """The least multiple of a file's own resolution at which a tick is short enough: what lay on a tick stays on one.

    None, and what no file could hold in the groove's length, has the resolution of `resolution_of`.
    """
    if ppq is None or ppq * groove.n_steps / STEPS_PER_QUARTER > _MAX_DELTA:
        return resolution_of(groove)
    slowest = min(t.bpm for t in groove.tempos)
    wanted = max(SECONDS_PER_MINUTE / slowest / MAX_KEPT_TICK_SECONDS, MIN_KEPT_PPQ)
    return ppq * max(1, min(ceil(round(wanted / ppq, 6)), MAX_WRITE_PPQ // ppq))
