"""All notes of a file in musical time, with its tempos and meters, before drums are chosen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import ceil, floor
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from rhythmvae.groove import (
    DEFAULT_TEMPO_BPM,
    STEPS_PER_QUARTER,
    US_PER_MINUTE,
    FloatArray,
    IntArray,
    Meter,
    Tempo,
    is_meter,
    nearest_step,
)
from rhythmvae.midi import smf
from rhythmvae.midi.report import Part, ReadOptions

if TYPE_CHECKING:
    pass


@dataclass
class Score:
    """All notes of a file in musical time, before drums are chosen. The arrays run in parallel."""

    format: int
    ppq: int | None
    position: FloatArray  # steps
    track: IntArray  # from 1
    channel: IntArray  # 1 to 16
    pitch: IntArray
    velocity: IntArray
    tempos: list[Tempo]  # in order; no event needs to stand at step 0
    meters: list[Meter]
    parts: list[Part]
    track_names: list[str]
    drum_channels: frozenset[int]  # declared as drum parts by the file
    remarks: list[str]


def score_of_file(file: smf.MidiFile, options: ReadOptions) -> Score:
    remarks = list(file.remarks)
    tracks = list(file.tracks)
    names = [t.name or t.instrument for t in tracks]
    parts = [
        Part(t.number, channel, names[t.number - 1], count)
        for t in tracks
        for channel, count in sorted(_count(t.channel).items())
    ]
    if file.format == 2 and options.track is not None:
        tracks = [t for t in tracks if t.number == options.track]
    n_odd, us_tempos, raw_meters = 0, [], []
    for t in tracks:
        us_tempos += [(t.number, tick, us) for tick, us in t.tempos]
        for tick, numerator, power in t.meters:
            # 2 ** 16 is too large to be a meter; the byte may say 2 ** 255
            denominator = 2 ** min(power, 16)
            if is_meter(numerator, denominator):
                raw_meters.append((t.number, tick, numerator, denominator))
            else:
                n_odd += 1
                if n_odd == 1:
                    shown = f"{numerator}/{denominator}" if power <= 16 else f"{numerator}/2^{power}"
                    remarks.append(f"A meter of {shown} cannot be a meter and was ignored.")
    ticks = np.concatenate([np.array(t.tick, dtype=np.float64) for t in tracks] or [np.zeros(0)])
    number = np.repeat([t.number for t in tracks], [len(t.tick) for t in tracks]).astype(np.int64)

    if file.ppq is not None:
        start = dict.fromkeys((t.number for t in tracks), 0.0)
        steps_per_tick = Fraction(STEPS_PER_QUARTER, file.ppq)

        def steps(ticks: FloatArray | float) -> Any:
            # Multiply before dividing: the quotient of two whole numbers is exact to the last bit.
            return ticks * float(steps_per_tick.numerator) / float(steps_per_tick.denominator)

        position = steps(ticks)
        if file.format == 2 and len(tracks) > 1:
            start = _pattern_starts(tracks, raw_meters, steps)
            position = position + np.array([0.0, *start.values()])[number]
            remarks.append(
                f"Format 2 holds separate patterns: {len(tracks)} were put one after the other; "
                "choose a track to read one."
            )
        tempos = [Tempo(start[n] + steps(tick), US_PER_MINUTE / us) for n, tick, us in us_tempos]
        meters = [Meter(start[n] + steps(tick), *meter) for n, tick, *meter in raw_meters]
    else:
        assert file.ticks_per_second is not None
        rate = file.ticks_per_second
        seconds_tempos = in_order([Tempo(tick / rate, US_PER_MINUTE / us) for _, tick, us in us_tempos])
        clock = Clock(seconds_tempos)
        position = clock.steps(ticks / rate)
        tempos = clock.tempos
        meters = [Meter(float(clock.steps(tick / rate)), *meter) for _, tick, *meter in raw_meters]
        said = "the file's tempo" if us_tempos else f"{DEFAULT_TEMPO_BPM:g} BPM"
        remarks.append(
            f"The file counts time in seconds (SMPTE, {rate:g} ticks a second), not in quarter notes: "
            f"the notes were placed in bars at {said}, and sound when the file says."
        )
    return Score(
        format=file.format,
        ppq=file.ppq,
        position=position,
        track=number,
        channel=_joined([t.channel for t in tracks]),
        pitch=_joined([t.pitch for t in tracks]),
        velocity=_joined([t.velocity for t in tracks]),
        tempos=in_order(tempos),
        meters=in_order(meters),
        parts=parts,
        track_names=names,
        drum_channels=file.drum_channels.union(*(t.drum_channels for t in file.tracks)),
        remarks=remarks,
    )


def _count(channels: bytearray) -> dict[int, int]:
    counts = np.bincount(np.frombuffer(channels, dtype=np.uint8), minlength=1)
    return {int(c): int(counts[c]) for c in np.flatnonzero(counts)}


def _joined(columns: list[bytearray]) -> IntArray:
    return np.frombuffer(b"".join(columns), dtype=np.uint8).astype(np.int64)


def _pattern_starts(tracks: list[smf.Track], raw_meters: list[Any], steps: Any) -> dict[int, float]:
    """Where each pattern of a format 2 file begins when they follow each other in whole bars."""
    meters: dict[int, list[Meter]] = {}
    for number, tick, *meter in raw_meters:
        meters.setdefault(number, []).append(Meter(steps(tick), *meter))
    start, starts = 0.0, {}
    for track in tracks:
        starts[track.number] = start
        if track.tick:
            own = from_start(in_order(meters.get(track.number, [])), Meter(0.0, 4, 4))
            start += bar_end(own, int(nearest_step(steps(track.tick[-1]))))
    return starts


class Clock:
    """Seconds to steps, where a file counts seconds. Tempo events come with `step` in seconds."""

    def __init__(self, tempos_at_seconds: list[Tempo]) -> None:
        events = from_start(tempos_at_seconds, Tempo(0.0, DEFAULT_TEMPO_BPM))
        self._at = np.array([t.step for t in events])
        self._rate = np.array([1.0 / t.seconds_per_step for t in events])
        self._step = np.concatenate(([0.0], np.cumsum(np.diff(self._at) * self._rate[:-1])))
        # Where the file has no tempo there is no event, so that the default is told as one.
        self.tempos = [Tempo(float(self.steps(t.step)), t.bpm) for t in events] if tempos_at_seconds else []

    def steps(self, seconds: FloatArray | float) -> Any:
        part = np.searchsorted(self._at, seconds, side="right") - 1
        # Nine decimals: a millionth of a millisecond, and 16 stays 16 after the detour.
        return np.round(self._step[part] + (seconds - self._at[part]) * self._rate[part], 9)


_Event = TypeVar("_Event", Tempo, Meter)


def in_order(events: list[_Event]) -> list[_Event]:
    """Sorted by step; of several at one step the last stays (tracks in order)."""
    return sorted({e.step: e for e in events}.values(), key=lambda e: e.step)


def from_start(events: list[_Event], default: _Event) -> list[_Event]:
    """Beginning at step 0, with `default` where the events begin later; repetitions removed."""
    result = [] if events and events[0].step <= 0 else [default]
    for event in events:
        if not result or _content(event) != _content(result[-1]):
            result.append(event)
    return result


def _content(event: Tempo | Meter) -> tuple[float, ...]:
    return (event.bpm,) if isinstance(event, Tempo) else (event.numerator, event.denominator)


def bar_end(meters: Sequence[Meter], last_step: int) -> int:
    """First step behind the bar that holds `last_step`."""
    index = max(i for i, m in enumerate(meters) if m.step <= last_step)
    meter = meters[index]
    n_bars = floor((last_step - meter.step) / meter.steps_per_bar + 1e-9) + 1  # 1e-9: bars of a fraction of a step
    end = meter.step + n_bars * meter.steps_per_bar
    if index + 1 < len(meters):
        end = min(end, meters[index + 1].step)
    return max(ceil(end - 1e-9), last_step + 1)
