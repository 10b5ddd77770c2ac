"""MIDI and grooves, both ways. Only this module imports pretty_midi and mido.

Conventions. Reading takes onsets only (see `smf`), on channel 10 or on what looks most
like drums where channel 10 is silent; channels and tracks count from 1. A position is
its tick divided by ticks a quarter, times four: nothing is quantized. Bar 1 stays bar 1
however late the first hit comes; the groove ends with the bar of the last hit's nearest
step, and silence behind that bar is not kept. Tempo is a whole number of microseconds a
quarter in a file, and `bpm` is derived from it, so a tempo map survives any number of
round trips exactly.

Whatever is assumed, left out or looks odd is told in the `ImportReport`, and what cannot
be read at all is a `MidiError`. Names are data: they are made printable and short before
they reach a message.
"""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from fractions import Fraction
from math import ceil, floor, isfinite, lcm
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from rhythmvae.errors import MidiError, UsageError
from rhythmvae.groove import (
    DEFAULT_TEMPO_BPM,
    STEPS_PER_QUARTER,
    FloatArray,
    Groove,
    IntArray,
    Meter,
    Tempo,
    nearest_step,
    to_grid,
)
from rhythmvae.kit import DRUM_CHANNEL, VOICES, KitMap, note_name
from rhythmvae.midi import smf
from rhythmvae.midi.smf import MAX_FILE_BYTES, looks_like_midi
from rhythmvae.text import clean_text, counted

if TYPE_CHECKING:
    import pretty_midi

__all__ = [
    "MAX_FILE_BYTES",
    "MAX_HITS",
    "MAX_STEPS",
    "ImportReport",
    "NoteRow",
    "Part",
    "ReadOptions",
    "from_pretty_midi",
    "is_meter",
    "looks_like_midi",
    "read_file",
    "read_midi",
    "to_pretty_midi",
    "write_midi",
]

MAX_STEPS = 50_000  # about an hour and three quarters of 4/4 at 120 BPM
MAX_HITS = 200_000
MAX_CHANGES = 10_000  # tempo or meter changes
MAX_DENOMINATOR = 64
PLAYED_BPM = (20.0, 500.0)  # tempos outside are kept, with a remark
MIN_BAR_STEPS = 1.0  # a bar is at least a 16th
MAX_PARTS_LISTED = 256
TYPICAL_SHARE = 0.3  # of kick, snare, hat, crash and ride notes in what is plainly a drum part
SECONDS_PER_MINUTE, US_PER_MINUTE = 60.0, 60_000_000
SLOWEST_US, FASTEST_US = 0xFFFFFF, 1  # microseconds a quarter that a file can hold: 3.6 BPM and up

_DRUM_NAME = re.compile(
    r"drum|perc|\bkit\b|beat|kick|snare|hi-?hat|\bhats?\b|\bhh\b|cymbal|\btoms?\b|\bride\b|crash|\bclap|\b[bs]d\b",
    re.IGNORECASE,
)
# What programs write when nobody has given a name.
_NO_TITLE = re.compile(
    r"(midi|untitled|unnamed|unknown|no name|inst|instrument|track|sequence|new|standard|drums?|"
    r"midi (region|track|out|clip)|new track|(conductor|tempo|control|master) track|track name)?[ #._-]*\d*",
    re.IGNORECASE,
)
# Notes that drum parts are made of and few melodies: kick, snare, hats, crash and ride, without toms.
_CORE_PITCHES = tuple(p for v in VOICES if not v.key.endswith("tom") for p in v.mapped if p >= 35)


@dataclass(frozen=True)
class ReadOptions:
    """What the user decides about reading; None leaves it to the file.

    Args:
        channel: 1 to 16; track: from 1; meter: numerator and denominator for the whole file.

    Raises:
        UsageError: a value that cannot be.
    """

    channel: int | None = None
    track: int | None = None
    kit: KitMap = field(default_factory=KitMap)
    meter: tuple[int, int] | None = None

    def __post_init__(self) -> None:
        if self.channel is not None and not 1 <= self.channel <= 16:
            raise UsageError(f"Expected a channel from 1 to 16, got {self.channel}.")
        if self.track is not None and self.track < 1:
            raise UsageError(f"Expected a track number from 1 on, got {self.track}.")
        if self.meter is not None and not is_meter(*self.meter):
            raise UsageError(
                f"Expected a meter such as 7/8, with 1 to 255 notes of 1/1 to 1/{MAX_DENOMINATOR} "
                f"and a bar of at least a 16th, got {self.meter[0]}/{self.meter[1]}."
            )


@dataclass(frozen=True, slots=True)
class Part:
    """Notes that could be chosen: those of one channel in one track."""

    track: int
    channel: int
    name: str
    n_notes: int


@dataclass(frozen=True)
class NoteRow:
    """What became of the notes of one pitch.

    voice: key in the kit, or None. status: 'mapped' (the voice's own instrument),
    'folded' (a neighbour's), 'remapped' (the user's choice) or 'unmapped' (left out).
    """

    pitch: int
    name: str
    count: int
    voice: str | None
    status: str


@dataclass(frozen=True)
class ImportReport:
    """What reading found, did and left out.

    n_notes onsets in the chosen part become n_hits in the groove:
    n_notes = n_hits + n_unmapped + n_duplicates + n_outside.

    Args:
        name: of the file, printable.
        format: 0, 1 or 2. ppq: ticks a quarter note, or None where the file counts seconds.
        n_duplicates: notes that join another of the same voice at the same tick; the loudest stays.
        n_outside: hits behind MAX_STEPS.
        n_crowded: hits of the groove that the model's two layers a cell cannot hold.
        tempos, meters: as in the groove.
        channel, track: what was read; None where it is several.
        parts: what could be chosen.
        remarks: sentences for people.
    """

    name: str
    format: int
    ppq: int | None
    n_notes: int
    n_hits: int
    n_duplicates: int
    n_outside: int
    n_crowded: int
    notes: tuple[NoteRow, ...]
    tempos: tuple[Tempo, ...]
    meters: tuple[Meter, ...]
    channel: int | None
    track: int | None
    parts: tuple[Part, ...]
    remarks: tuple[str, ...]

    def _count(self, *statuses: str) -> int:
        return sum(row.count for row in self.notes if row.status in statuses)

    @property
    def n_mapped(self) -> int:
        """Notes of the voice's own instrument, by the table or by the user's choice."""
        return self._count("mapped", "remapped")

    @property
    def n_folded(self) -> int:
        """Notes of an instrument that joins its neighbour."""
        return self._count("folded")

    @property
    def n_unmapped(self) -> int:
        """Notes that play nothing."""
        return self._count("unmapped")

    def to_dict(self) -> dict[str, Any]:
        """As JSON: every field above under its name, and the three counts by status."""
        counts = {"n_mapped": self.n_mapped, "n_folded": self.n_folded, "n_unmapped": self.n_unmapped}
        plain: dict[str, Any] = asdict(self)
        for key in ("notes", "tempos", "meters", "parts", "remarks"):
            plain[key] = list(plain[key])
        return plain | counts


# -- reading -------------------------------------------------------------------


def read_midi(data: bytes, name: str, options: ReadOptions | None = None) -> tuple[Groove, ImportReport]:
    """The drums of a MIDI file.

    Args:
        data: the file's bytes.
        name: of the file, for messages and the title; its folders do not matter.

    Raises:
        MidiError: not MIDI, damaged beyond reading, no notes, or none where `options` look.
    """
    options = options or ReadOptions()
    shown = clean_text(name) or "file"
    try:
        return _to_groove(_score_of_file(smf.parse(data), options), shown, options)
    except MidiError as error:
        raise MidiError(f"{shown}: {error}.") from None


def read_file(path: str | Path, options: ReadOptions | None = None) -> tuple[Groove, ImportReport]:
    """The drums of a MIDI file on disk.

    Raises:
        MidiError: as `read_midi`, or the file cannot be opened.
    """
    path = Path(path)
    try:
        with path.open("rb") as file:
            data = file.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        raise MidiError(f"{clean_text(path.name)}: expected a readable MIDI file, got {error.strerror}.") from None
    return read_midi(data, path.name, options)


def from_pretty_midi(pm: pretty_midi.PrettyMIDI, options: ReadOptions | None = None) -> tuple[Groove, ImportReport]:
    """The drums of a `pretty_midi.PrettyMIDI` object.

    Its instruments are the tracks; one that `is_drum` is on channel 10, any other on channel 1.

    Raises:
        MidiError: no notes, or none where `options` look.
    """
    options = options or ReadOptions()
    try:
        return _to_groove(_score_of_pretty_midi(pm), "PrettyMIDI", options)
    except MidiError as error:
        raise MidiError(f"PrettyMIDI object: {error}.") from None


@dataclass
class _Score:
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


def _score_of_file(file: smf.MidiFile, options: ReadOptions) -> _Score:
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
        seconds_tempos = _in_order([Tempo(tick / rate, US_PER_MINUTE / us) for _, tick, us in us_tempos])
        clock = _Clock(seconds_tempos)
        position = clock.steps(ticks / rate)
        tempos = clock.tempos
        meters = [Meter(float(clock.steps(tick / rate)), *meter) for _, tick, *meter in raw_meters]
        said = "the file's tempo" if us_tempos else f"{DEFAULT_TEMPO_BPM:g} BPM"
        remarks.append(
            f"The file counts time in seconds (SMPTE, {rate:g} ticks a second), not in quarter notes: "
            f"the notes were placed in bars at {said}, and sound when the file says."
        )
    return _Score(
        format=file.format,
        ppq=file.ppq,
        position=position,
        track=number,
        channel=_joined([t.channel for t in tracks]),
        pitch=_joined([t.pitch for t in tracks]),
        velocity=_joined([t.velocity for t in tracks]),
        tempos=_in_order(tempos),
        meters=_in_order(meters),
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
            own = _from_start(_in_order(meters.get(track.number, [])), Meter(0.0, 4, 4))
            start += _bar_end(own, int(nearest_step(steps(track.tick[-1]))))
    return starts


def _score_of_pretty_midi(pm: pretty_midi.PrettyMIDI) -> _Score:
    times, bpms = pm.get_tempo_changes()
    clock = _Clock([Tempo(float(t), float(b)) for t, b in zip(times, bpms, strict=True)])
    rows = [
        (note.start, number, DRUM_CHANNEL if instrument.is_drum else 1, note.pitch, note.velocity)
        for number, instrument in enumerate(pm.instruments, start=1)
        for note in instrument.notes
        if note.velocity > 0 and 0 <= note.pitch <= 127 and isfinite(note.start)
    ]
    columns = np.array(rows, dtype=np.float64).reshape(-1, 5)
    names = [clean_text(str(instrument.name)) for instrument in pm.instruments]
    return _Score(
        format=1,
        ppq=int(pm.resolution),
        position=clock.steps(np.maximum(columns[:, 0], 0.0)),
        track=columns[:, 1].astype(np.int64),
        channel=columns[:, 2].astype(np.int64),
        pitch=columns[:, 3].astype(np.int64),
        velocity=np.clip(columns[:, 4], 1, 127).astype(np.int64),
        # A quarter lasts whole microseconds in a file; an object may hold anything.
        tempos=_in_order([Tempo(t.step, US_PER_MINUTE / _microseconds(t.bpm)) for t in clock.tempos]),
        meters=_in_order(
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
        remarks=[],
    )


class _Clock:
    """Seconds to steps, where a file counts seconds. Tempo events come with `step` in seconds."""

    def __init__(self, tempos_at_seconds: list[Tempo]) -> None:
        events = _from_start(tempos_at_seconds, Tempo(0.0, DEFAULT_TEMPO_BPM))
        self._at = np.array([t.step for t in events])
        self._rate = np.array([1.0 / t.seconds_per_step for t in events])
        self._step = np.concatenate(([0.0], np.cumsum(np.diff(self._at) * self._rate[:-1])))
        # Where the file has no tempo there is no event, so that the default is told as one.
        self.tempos = [Tempo(float(self.steps(t.step)), t.bpm) for t in events] if tempos_at_seconds else []

    def steps(self, seconds: FloatArray | float) -> Any:
        part = np.searchsorted(self._at, seconds, side="right") - 1
        # Nine decimals: a millionth of a millisecond, and 16 stays 16 after the detour.
        return np.round(self._step[part] + (seconds - self._at[part]) * self._rate[part], 9)


# -- tempo and meter -----------------------------------------------------------

_Event = TypeVar("_Event", Tempo, Meter)


def is_meter(numerator: int, denominator: int) -> bool:
    """True for a time signature that a file can hold and a bar can have."""
    return (
        1 <= numerator <= 255
        and 1 <= denominator <= MAX_DENOMINATOR
        and denominator & (denominator - 1) == 0  # files hold powers of two alone
        and Meter(0.0, numerator, denominator).steps_per_bar >= MIN_BAR_STEPS
    )


def _microseconds(bpm: float) -> int:
    """Tempo as a file holds it."""
    return max(FASTEST_US, min(SLOWEST_US, round(US_PER_MINUTE / bpm)))


def _in_order(events: list[_Event]) -> list[_Event]:
    """Sorted by step; of several at one step the last stays (tracks in order)."""
    return sorted({e.step: e for e in events}.values(), key=lambda e: e.step)


def _from_start(events: list[_Event], default: _Event) -> list[_Event]:
    """Beginning at step 0, with `default` where the events begin later; repetitions removed."""
    result = [] if events and events[0].step <= 0 else [default]
    for event in events:
        if not result or _content(event) != _content(result[-1]):
            result.append(event)
    return result


def _content(event: Tempo | Meter) -> tuple[float, ...]:
    return (event.bpm,) if isinstance(event, Tempo) else (event.numerator, event.denominator)


def _bar_end(meters: Sequence[Meter], last_step: int) -> int:
    """First step behind the bar that holds `last_step`."""
    index = max(i for i, m in enumerate(meters) if m.step <= last_step)
    meter = meters[index]
    n_bars = floor((last_step - meter.step) / meter.steps_per_bar + 1e-9) + 1  # 1e-9: bars of a fraction of a step
    end = meter.step + n_bars * meter.steps_per_bar
    if index + 1 < len(meters):
        end = min(end, meters[index + 1].step)
    return max(ceil(end - 1e-9), last_step + 1)


# -- choosing the drums --------------------------------------------------------


def _choose(score: _Score, options: ReadOptions, remarks: list[str]) -> Any:
    """Mask (N,) of the notes to read, and why in `remarks`.

    Raises:
        MidiError: no notes at all, or none where `options` look.
    """
    if not score.parts:
        why = f" ({score.remarks[-1].rstrip('.')})" if score.remarks else ""
        raise MidiError(f"expected drum notes, got a file without any notes{why}; export the pattern itself")
    mask = np.ones(len(score.position), dtype=bool)
    if options.track is not None:
        mask &= score.track == options.track
    if options.channel is not None:
        mask &= score.channel == options.channel
    if not mask.any():
        asked = [f"{k} {v}" for k, v in (("track", options.track), ("channel", options.channel)) if v is not None]
        raise MidiError(
            f"expected notes on {' and '.join(asked)}, got none; there are notes on {_list_parts(score.parts)}"
        )
    if options.channel is not None:
        return mask
    channels = sorted(set(score.channel[mask].tolist()))
    chosen, reason = _drum_channels(score, mask, channels)
    if chosen != [DRUM_CHANNEL]:
        read = f"channel {chosen[0]}" if len(chosen) == 1 else "channels " + ", ".join(map(str, chosen))
        n_tracks = len(set(score.track[mask & np.isin(score.channel, chosen)].tolist()))
        where = f" ({n_tracks} tracks)" if n_tracks > 1 else ""
        share = float(np.isin(score.pitch[mask & np.isin(score.channel, chosen)], _CORE_PITCHES).mean())
        doubt = "; few of its notes are typical of drums" if share < TYPICAL_SHARE else ""
        remarks.append(f"No notes on channel {DRUM_CHANNEL}; read {read}, {reason}{where}{doubt}.")
    others = sorted(score.drum_channels & set(channels) - set(chosen))
    if others:
        remarks.append(
            f"The file declares channel {', '.join(map(str, others))} a drum part too; choose it to read it."
        )
    return mask & np.isin(score.channel, chosen)


def _drum_channels(score: _Score, mask: Any, channels: list[int]) -> tuple[list[int], str]:
    """Which of the channels with notes are the drums, and the reason for people."""
    if DRUM_CHANNEL in channels:
        return [DRUM_CHANNEL], ""
    if len(channels) == 1:
        return channels, "the only one with notes"
    declared = [c for c in channels if c in score.drum_channels]
    if declared:
        return declared[:1], "which the file declares a drum part"
    channels_of_track: dict[int, set[int]] = {}
    for part in score.parts:
        channels_of_track.setdefault(part.track, set()).add(part.channel)
    named = {
        part.channel
        for part in score.parts
        # The name of a track that plays on several channels says nothing about one of them.
        if part.channel in channels and len(channels_of_track[part.track]) == 1 and _DRUM_NAME.search(part.name)
    }
    if named:
        return sorted(named), "named like drums" if len(named) > 1 else "whose name says drums"
    n_core = {c: int(np.isin(score.pitch[mask & (score.channel == c)], _CORE_PITCHES).sum()) for c in channels}
    n_all = {c: int((mask & (score.channel == c)).sum()) for c in channels}
    # A bass line has many such notes too, so their share counts before their number.
    best = max(channels, key=lambda c: (round(n_core[c] / n_all[c], 1), n_core[c], -c))
    return [best], "which has the most notes in the drum range"


def _list_parts(parts: Sequence[Part]) -> str:
    shown = [
        f"track {p.track} channel {p.channel} ({repr(p.name) + ', ' if p.name else ''}{counted(p.n_notes, 'note')})"
        for p in parts[:8]
    ]
    return "; ".join(shown) + (f"; and {len(parts) - 8} more" if len(parts) > 8 else "")


# -- notes to hits -------------------------------------------------------------


def _to_groove(score: _Score, name: str, options: ReadOptions) -> tuple[Groove, ImportReport]:
    remarks = list(score.remarks)
    mask = _choose(score, options, remarks)
    position, pitch, velocity = score.position[mask], score.pitch[mask], score.velocity[mask]
    if len(position) > MAX_HITS:
        raise MidiError(f"expected at most {MAX_HITS:,} drum notes, got {len(position):,}; cut the song into parts")

    rows = _note_rows(pitch, options.kit)
    voice_of = np.array([-1 if (v := options.kit.voice_of(p)) is None else v for p in range(128)])
    voice = voice_of[pitch]
    unmapped = [row for row in rows if row.voice is None]
    if len(unmapped) == len(rows):
        pitches = ", ".join(str(row.pitch) for row in rows[:8]) + (", ..." if len(rows) > 8 else "")
        raise MidiError(
            f"expected drum notes, got {counted(len(position), 'note')} of pitches that no voice has ({pitches}); "
            f"map them, for instance {rows[0].pitch}=kick"
        )
    if unmapped:
        n = sum(row.count for row in unmapped)
        remarks.append(
            f"{counted(n, 'note')} left out, of pitches that no voice has "
            f"({', '.join(str(row.pitch) for row in unmapped[:8])}{', ...' if len(unmapped) > 8 else ''}); "
            "map them to a voice to keep them."
        )
    position, voice, velocity = (a[voice >= 0] for a in (position, voice, velocity))
    n_mapped = len(position)
    position, voice, velocity = merge_twins(position, voice, velocity)
    n_duplicates = n_mapped - len(position)

    inside = nearest_step(np.minimum(position, MAX_STEPS)) < MAX_STEPS
    n_outside = int((~inside).sum())
    if n_outside:
        if n_outside == len(position):
            raise MidiError(
                f"expected drums within the first {MAX_STEPS:,} sixteenths, got the first hit at "
                f"{position.min():,.0f}; cut the silence before it"
            )
        remarks.append(f"{counted(n_outside, 'hit')} left out, behind the first {MAX_STEPS:,} sixteenths.")
        position, voice, velocity = position[inside], voice[inside], velocity[inside]

    tempos, meters = _tempos(score, remarks), _meters(score, options, remarks)
    n_steps = min(_bar_end(meters, int(nearest_step(position.max()))), MAX_STEPS)
    groove = Groove(
        position,
        voice,
        velocity,
        n_steps,
        tuple(t for t in tempos if t.step < n_steps),
        tuple(m for m in meters if m.step < n_steps),
        title=_title(score, mask, name),
        source=name,
    )
    n_crowded = to_grid(groove).n_lost
    if n_crowded:
        remarks.append(
            f"{counted(n_crowded, 'hit')} with two louder ones of the same voice within the same 16th: "
            "kept in the groove, but the model sees two."
        )
    channels, tracks = set(score.channel[mask].tolist()), set(score.track[mask].tolist())
    return groove, ImportReport(
        name=name,
        format=score.format,
        ppq=score.ppq,
        n_notes=int(mask.sum()),
        n_hits=len(groove),
        n_duplicates=n_duplicates,
        n_outside=n_outside,
        n_crowded=n_crowded,
        notes=rows,
        tempos=groove.tempos,
        meters=groove.meters,
        channel=channels.pop() if len(channels) == 1 else None,
        track=tracks.pop() if len(tracks) == 1 else None,
        parts=tuple(score.parts[:MAX_PARTS_LISTED]),
        remarks=tuple(remarks),
    )


def _note_rows(pitch: IntArray, kit: KitMap) -> tuple[NoteRow, ...]:
    rows = []
    for p, count in zip(*np.unique(pitch, return_counts=True), strict=True):
        voice = kit.voice_of(int(p))
        if voice is None:
            status = "unmapped"
        elif int(p) in kit.overrides:
            status = "remapped"
        else:
            status = "folded" if kit.is_folded(int(p)) else "mapped"
        rows.append(
            NoteRow(int(p), note_name(int(p)), int(count), None if voice is None else VOICES[voice].key, status)
        )
    return tuple(rows)


def merge_twins(time: Any, key: IntArray, velocity: IntArray) -> tuple[Any, IntArray, IntArray]:
    """Of the hits at the same time and key (a voice, a pitch) the loudest, in order of time."""
    order = np.lexsort((-velocity, key, time))
    time, key, velocity = time[order], key[order], velocity[order]
    first = np.ones(len(time), dtype=bool)
    first[1:] = (np.diff(time) != 0) | (np.diff(key) != 0)
    return time[first], key[first], velocity[first]


def _tempos(score: _Score, remarks: list[str]) -> list[Tempo]:
    _check_changes(len(score.tempos), "tempo")
    if not score.tempos:
        if score.ppq is not None:
            remarks.append(f"No tempo in the file: {DEFAULT_TEMPO_BPM:g} BPM assumed.")
    elif score.tempos[0].step > 0:
        remarks.append(
            f"The first tempo comes at quarter note {score.tempos[0].step / STEPS_PER_QUARTER + 1:g}: "
            f"{DEFAULT_TEMPO_BPM:g} BPM assumed before it."
        )
    odd = [t.bpm for t in score.tempos if not PLAYED_BPM[0] <= t.bpm <= PLAYED_BPM[1]]
    if odd:
        remarks.append(f"A tempo of {odd[0]:,.1f} BPM is hardly meant; it was kept.")
    return _from_start(score.tempos, Tempo(0.0, DEFAULT_TEMPO_BPM))


def _meters(score: _Score, options: ReadOptions, remarks: list[str]) -> list[Meter]:
    _check_changes(len(score.meters), "meter")
    if options.meter is not None:
        chosen = Meter(0.0, *options.meter)
        found = list(dict.fromkeys(str(m) for m in score.meters))
        if found and found != [str(chosen)]:
            remarks.append(f"Read in {chosen} as asked; the file says {', '.join(found[:8])}.")
        return [chosen]
    if not score.meters:
        remarks.append("No meter in the file: 4/4 assumed.")
    elif score.meters[0].step > 0:
        remarks.append(
            f"The first meter comes at quarter note {score.meters[0].step / STEPS_PER_QUARTER + 1:g}: "
            "4/4 assumed before it."
        )
    return _from_start(score.meters, Meter(0.0, 4, 4))


def _check_changes(n: int, what: str) -> None:
    if n > MAX_CHANGES:
        raise MidiError(f"expected at most {MAX_CHANGES:,} {what} changes, got {n:,}; export the pattern without them")


def _title(score: _Score, mask: Any, name: str) -> str:
    """The sequence's name, else that of the first drum track, else the file's."""
    tracks = [1, int(score.track[mask].min())]
    for candidate in (score.track_names[t - 1] for t in tracks):
        if not _NO_TITLE.fullmatch(candidate):
            return candidate
    file_name = PurePosixPath(name.replace("\\", "/")).name
    return re.sub(r"(?<=.)\.(midi?|smf|rmi|kar)$", "", file_name, flags=re.IGNORECASE) or file_name


# -- writing -------------------------------------------------------------------

WRITE_PPQ = 960
MAX_WRITE_PPQ = 30_720
MAX_TICK_SECONDS = 0.001
_MAX_DELTA = 2**28 - 1  # ticks between two events that a file can hold
_GM_PITCHES = tuple(v.pitch for v in VOICES)


def write_midi(groove: Groove, pitches: Sequence[int] = _GM_PITCHES) -> bytes:
    """A MIDI file of one track, drums on channel 10; the same groove gives the same bytes.

    Tempos, meters and bars are exact; an onset is off by at most half a tick (half a
    millisecond, or less). A hit before the first step is written at 0. Hits of one pitch
    that fall on one tick become the loudest of them.

    Args:
        pitches: note (0 to 127) of each voice.
    """
    return _write(groove, pitches, _ppq_for(groove))


def to_pretty_midi(groove: Groove) -> pretty_midi.PrettyMIDI:
    """The groove as a `pretty_midi.PrettyMIDI` object with one drum instrument."""
    import pretty_midi

    ppq = _ppq_for(groove)
    while ppq * groove.n_steps / STEPS_PER_QUARTER >= pretty_midi.pretty_midi.MAX_TICK:
        ppq //= 2  # it refuses longer files
    return pretty_midi.PrettyMIDI(io.BytesIO(_write(groove, _GM_PITCHES, ppq)))


def _write(groove: Groove, pitches: Sequence[int], ppq: int) -> bytes:
    import mido

    tick, pitch, velocity = merge_twins(
        _ticks(np.maximum(groove.position, 0.0), ppq), np.array(pitches)[groove.voice], groove.velocity
    )
    end = int(_ticks(np.array([float(groove.n_steps)]), ppq)[0])

    # Events as (tick, rank, pitch, message): at one tick notes end before others begin.
    events: list[tuple[int, int, int, Any]] = []
    for t in groove.tempos:
        message = mido.MetaMessage("set_tempo", tempo=_microseconds(t.bpm))
        events.append((int(_ticks(np.array([t.step]), ppq)[0]), 1, 0, message))
    for m in groove.meters:
        message = mido.MetaMessage("time_signature", numerator=m.numerator, denominator=m.denominator)
        events.append((int(_ticks(np.array([m.step]), ppq)[0]), 2, 0, message))
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


def _ticks(steps: FloatArray, ppq: int) -> IntArray:
    return np.asarray(np.rint(steps * ppq / STEPS_PER_QUARTER).astype(np.int64))


def _ppq_for(groove: Groove) -> int:
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
