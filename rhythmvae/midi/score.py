"""All notes of a file in musical time, with its tempos and meters, before drums are chosen."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeVar

import numpy as np

from rhythmvae.groove import (
    DEFAULT_TEMPO_BPM,
    STEPS_PER_QUARTER,
    US_PER_MINUTE,
    BoolArray,
    FloatArray,
    IntArray,
    Meter,
    Tempo,
    is_meter,
)
from rhythmvae.midi import smf
from rhythmvae.midi.changes import of_tracks
from rhythmvae.midi.length import FileEnd, end_of
from rhythmvae.midi.report import Log, Part, ReadOptions
from rhythmvae.text import counted

SLACK_TICKS = 2.5
MAX_SLACK_STEPS = 0.1
ONE_TICK, MAX_TICK_STEPS = 1.01, 0.25  # which may be more: a tick of a coarse file is a step, or several


def part_key(track: Any, channel: Any) -> Any:
    """One number for a track and a channel, in order of both."""
    return track * 17 + channel


@dataclass(frozen=True)
class Tally:
    """Notes counted: R rows, in order of part and pitch. The arrays run in parallel."""

    key: IntArray  # of the part, see `part_key`
    pitch: IntArray
    count: IntArray

    def only(self, is_taken: BoolArray) -> Tally:
        """The rows of a mask (R,)."""
        return Tally(self.key[is_taken], self.pitch[is_taken], self.count[is_taken])

    @cached_property
    def tracks(self) -> list[int]:
        """Tracks with notes, in order."""
        return sorted(set((self.key // 17).tolist()))

    @cached_property
    def channels(self) -> list[int]:
        """Channels with notes, in order."""
        return sorted(set((self.key % 17).tolist()))


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
    log: Log
    melodic_channels: frozenset[int] = frozenset()  # declared as none
    is_xg: bool = False
    ports: dict[int, int] = field(default_factory=dict)  # of tracks, by number, where it is not 0
    ends: dict[int, FileEnd] = field(default_factory=dict)  # of tracks, by number, where the file has them
    slack: float = 0.0  # steps by which programs miss a bar line: a tick or two

    @cached_property
    def tally(self) -> Tally:
        """Its notes, counted."""
        row, count = np.unique(part_key(self.track, self.channel) * 128 + self.pitch, return_counts=True)
        return Tally(row >> 7, row & 127, count)


def score_of_file(file: smf.MidiFile, options: ReadOptions) -> Score:
    log = Log(list(file.remarks))
    if file.n_bad_pitches:
        log.count("no_pitch", file.n_bad_pitches, f"{counted(file.n_bad_pitches, 'note')} with a pitch over 127.")
    tracks = list(file.tracks)
    names = [t.name or t.instrument for t in tracks]
    parts = [
        Part(t.number, channel, names[t.number - 1], count) for t in tracks for channel, count in _count(t.channel)
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
                    log.remark(f"A meter of {shown} cannot be a meter and was ignored.")
    ticks = np.concatenate([np.array(t.tick, dtype=np.float64) for t in tracks] or [np.zeros(0)])
    number = np.repeat([t.number for t in tracks], [len(t.tick) for t in tracks]).astype(np.int64)

    if file.ppq is not None:
        start = dict.fromkeys((t.number for t in tracks), 0.0)
        ppq = float(file.ppq)

        def steps(ticks: FloatArray | float) -> Any:
            # Multiply before dividing: the quotient of two whole numbers is exact to the last bit.
            return ticks * float(STEPS_PER_QUARTER) / ppq

        position = steps(ticks)
        slack = max(min(steps(SLACK_TICKS), MAX_SLACK_STEPS), min(steps(ONE_TICK), MAX_TICK_STEPS))
        if file.format == 2 and len(tracks) > 1:
            start = _pattern_starts(tracks, raw_meters, steps, slack)
            position = position + np.array([0.0, *start.values()])[number]
            log.remark(
                f"Format 2 holds separate patterns: {len(tracks)} were put one after the other; "
                "choose a track to read one."
            )
        tempos = of_tracks(
            [(n, Tempo(start[n] + steps(tick), US_PER_MINUTE / us)) for n, tick, us in us_tempos], "tempo", slack, log
        )
        meters = of_tracks(
            [(n, Meter(start[n] + steps(tick), *meter)) for n, tick, *meter in raw_meters], "meter", slack, log
        )
        ends = {
            t.number: FileEnd(start[t.number] + steps(t.end_tick), _is_declared(t), slack) for t in tracks if t.has_end
        }
    else:
        assert file.ticks_per_second is not None
        rate = file.ticks_per_second
        seconds_tempos = in_order([Tempo(tick / rate, US_PER_MINUTE / us) for _, tick, us in us_tempos])
        clock = Clock(seconds_tempos)
        position = clock.steps(ticks / rate)
        tempos = clock.tempos
        meters = in_order([Meter(float(clock.steps(tick / rate)), *meter) for _, tick, *meter in raw_meters])
        slack = float(clock.steps(SLACK_TICKS / rate))
        ends = {
            t.number: FileEnd(float(clock.steps(t.end_tick / rate)), _is_declared(t), slack)
            for t in tracks
            if t.has_end
        }
        said = "the file's tempo" if us_tempos else f"{DEFAULT_TEMPO_BPM:g} BPM"
        log.change(
            "seconds" if us_tempos else "tempo_assumed",
            1,
            f"The file counts time in seconds (SMPTE, {rate:g} ticks a second), not in quarter notes: "
            f"the notes were placed in bars at {said}, and sound when the file says.",
        )
    return Score(
        format=file.format,
        ppq=file.ppq,
        position=position,
        track=number,
        channel=_joined([t.channel for t in tracks]),
        pitch=_joined([t.pitch for t in tracks]),
        velocity=_joined([t.velocity for t in tracks]),
        tempos=tempos,
        meters=meters,
        parts=parts,
        track_names=names,
        drum_channels=file.drum_channels.union(*(t.drum_channels for t in file.tracks)),
        log=log,
        melodic_channels=file.melodic_channels,
        is_xg=file.is_xg,
        ports={t.number: t.port for t in file.tracks if t.port},
        ends=ends,
        slack=slack,
    )


def _is_declared(track: smf.Track) -> bool:
    return track.end_tick - track.last_tick > 1  # pretty_midi ends every track one tick behind its last event


def _count(channels: bytearray) -> list[tuple[int, int]]:
    """Each channel in order, and its notes."""
    return [(channel, channels.count(channel)) for channel in sorted(set(channels))]


def _joined(columns: list[bytearray]) -> IntArray:
    return np.frombuffer(b"".join(columns), dtype=np.uint8).astype(np.int64)


def _pattern_starts(tracks: list[smf.Track], raw_meters: list[Any], steps: Any, slack: float) -> dict[int, float]:
    """Where each pattern of a format 2 file begins when they follow each other in whole bars."""
    meters: dict[int, list[Meter]] = {}
    for number, tick, *meter in raw_meters:
        meters.setdefault(number, []).append(Meter(steps(tick), *meter))
    start, starts = 0.0, {}
    for track in tracks:
        starts[track.number] = start
        if track.tick:
            own = from_start(in_order(meters.get(track.number, [])), Meter(0.0, 4, 4))
            position = steps(np.array(track.tick, dtype=np.float64))
            end = FileEnd(steps(track.end_tick), _is_declared(track), slack) if track.has_end else None
            voice = np.zeros(len(position), dtype=np.int64)
            start += end_of(position, voice, own, end, has_meter=True, log=Log())[0]
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
