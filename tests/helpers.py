"""Tiny MIDI files, written readably: ``smf([tempo(0, 120), note(0, 36), note(480, 38, 90)])``.

An event is its tick and its bytes; channels count from 1.
"""

from __future__ import annotations

import struct

import numpy as np
from numpy.typing import ArrayLike

Event = tuple[int, bytes]


def is_near(there: ArrayLike, here: ArrayLike, most: float = 1e-4, worst: float = 1e-3) -> bool:
    """The same numbers but for rounding: all but one of a hundred within `most`, and none off by `worst`.

    A sum made in another order has other last digits in float32, 1e-7 of what is summed, and the layers after it
    make more of them. The order depends on the processor, on the number of threads, on the size of the batch and on
    where arrays lie in memory. So what two batches, two processes or a run and its resumption should share is compared
    by this, with the bounds that fit; what is copied, not computed, may be asked to be equal.
    """
    there, here = np.asarray(there), np.asarray(here)
    with np.errstate(invalid="ignore"):  # infinities of one sign are the same
        off = np.where(there == here, 0.0, np.abs(there - here)).astype(np.float64)
    return there.shape == here.shape and bool(np.quantile(off, 0.99) <= most) and bool(off.max(initial=0.0) <= worst)


def vlq(value: int) -> bytes:
    """A variable-length number."""
    result = bytes([value & 0x7F])
    while value := value >> 7:
        result = bytes([value & 0x7F | 0x80]) + result
    return result


def note(tick: int, pitch: int, velocity: int = 100, channel: int = 10) -> Event:
    return tick, bytes([0x90 | (channel - 1), pitch, velocity])


def note_off(tick: int, pitch: int, channel: int = 10) -> Event:
    return tick, bytes([0x80 | (channel - 1), pitch, 64])


def meta(tick: int, kind: int, body: bytes) -> Event:
    return tick, bytes([0xFF, kind]) + vlq(len(body)) + body


def tempo(tick: int, bpm: float) -> Event:
    return meta(tick, 0x51, round(60_000_000 / bpm).to_bytes(3, "big"))


def meter(tick: int, numerator: int, denominator: int) -> Event:
    return meta(tick, 0x58, bytes([numerator, denominator.bit_length() - 1, 24, 8]))


def name(text: str | bytes) -> Event:
    return meta(0, 0x03, text.encode() if isinstance(text, str) else text)


def sysex(tick: int, body: bytes) -> Event:
    return tick, b"\xf0" + vlq(len(body)) + body


def raw(tick: int, data: bytes) -> Event:
    return tick, data


def header(n_tracks: int = 1, ppq: int = 480, format: int = 1) -> bytes:
    return b"MThd" + struct.pack(">IHHH", 6, format, n_tracks, ppq)


def body(events: list[Event], end: int | None = None) -> bytes:
    """Events in order of their ticks, and an end of track at the last of them or at `end`."""
    data, now = b"", 0
    for tick, event in sorted(events, key=lambda e: e[0]):
        data += vlq(tick - now) + event
        now = tick
    return data + vlq(max(end or 0, now) - now) + b"\xff\x2f\x00"


def chunk(data: bytes, kind: bytes = b"MTrk", length: int | None = None) -> bytes:
    return kind + struct.pack(">I", len(data) if length is None else length) + data


def smf(*tracks: list[Event], ppq: int = 480, format: int = 1) -> bytes:
    return header(len(tracks), ppq, format) + b"".join(chunk(body(track)) for track in tracks)


def rock(bars: int = 2, ppq: int = 480, channel: int = 10) -> list[Event]:
    """Kick on 1 and 3, snare on 2 and 4, eighths on the closed hat: 12 hits a bar of 4/4."""
    events: list[Event] = []
    for eighth in range(8 * bars):
        tick = eighth * ppq // 2
        events.append(note(tick, 42, 80, channel))
        if eighth % 2 == 0:
            events.append(note(tick, 38 if eighth % 4 else 36, 100, channel))
    return events
