"""MIDI and grooves, both ways. Only this module imports pretty_midi and mido.

Conventions. Reading takes onsets only (see `smf`), on channel 10 or on what looks most
like drums where channel 10 is silent; channels and tracks count from 1. A position is
its tick divided by ticks a quarter, times four: nothing is quantized. Bar 1 stays bar 1
however late the first hit comes; the groove ends with the bar of the last hit's nearest
step, or where the file says (see `length`). Tempo is a whole number of microseconds a
quarter in a file, and `bpm` is derived from it, so a tempo map survives any number of
round trips exactly.

Whatever is assumed, left out or looks odd is told in the `ImportReport`, and what cannot
be read at all is a `MidiError`. Names are data: they are made printable and short before
they reach a message.
"""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path, PurePosixPath

import numpy as np

from rhythmvae.errors import MidiError, check_type
from rhythmvae.groove import (
    DEFAULT_TEMPO_BPM,
    MAX_CHANGES,
    MAX_STEPS,
    STEPS_PER_QUARTER,
    BoolArray,
    Groove,
    IntArray,
    Meter,
    Tempo,
    n_crowded,
)
from rhythmvae.kit import VOICES, KitMap, note_name
from rhythmvae.midi import maps, smf
from rhythmvae.midi.changes import meters_on_bar_lines, tempo_from_start, thinned, without_repeats
from rhythmvae.midi.cuts import found_cuts, without
from rhythmvae.midi.length import FileEnd, end_of
from rhythmvae.midi.parts import choose
from rhythmvae.midi.report import MAX_PARTS_LISTED, Cut, ImportReport, Log, NoteRow, ReadOptions
from rhythmvae.midi.score import Score, Tally, from_start, part_key, score_of_file
from rhythmvae.midi.smf import MAX_FILE_BYTES
from rhythmvae.midi.write import merge_twins
from rhythmvae.text import clean_text, counted

MAX_HITS = 200_000
PLAYED_BPM = (20.0, 500.0)  # tempos outside are kept, with a remark

_KIT_TABLE = np.array([-1 if (v := KitMap().voice_of(p)) is None else v for p in range(128)])

# What programs write when nobody has given a name.
_NO_TITLE = re.compile(
    r"(midi|untitled|unnamed|unknown|no name|inst|instrument|track|sequence|new|standard|drums?|"
    r"midi (region|track|out|clip|drums?)|new track|(conductor|tempo|control|master) track|track name)?[ #._-]*\d*",
    re.IGNORECASE,
)


# -- reading -------------------------------------------------------------------


def read_midi(data: bytes, name: str, options: ReadOptions | None = None) -> tuple[Groove, ImportReport]:
    """The drums of a MIDI file.

    Args:
        data: the file's bytes.
        name: of the file, for messages and the title; its folders do not matter.

    Raises:
        MidiError: not MIDI, damaged beyond reading, no notes, or none where `options` look.
        WrongTypeError: no bytes, or options of another kind.

    >>> from rhythmvae import example, read_midi, write_midi
    >>> groove, report = read_midi(write_midi(example("funk")), "funk.mid")
    >>> report.n_hits == len(groove)
    True
    """
    check_type(data, (bytes, bytearray, memoryview), "the bytes of a MIDI file (read_file takes a path)")
    options = ReadOptions() if options is None else options
    check_type(options, ReadOptions, "reading options (rhythmvae.ReadOptions)")
    data = bytes(data)
    shown = clean_text(name) or "file"
    try:
        return to_groove(score_of_file(smf.parse(data), options), shown, options)
    except MidiError as error:
        raise MidiError(f"{shown}: {error}.") from None


def read_file(path: str | Path, options: ReadOptions | None = None) -> tuple[Groove, ImportReport]:
    """The drums of a MIDI file on disk.

    Raises:
        MidiError: as `read_midi`, or the file cannot be opened.
        WrongTypeError: no path.

    >>> from rhythmvae import read_file
    >>> read_file("nowhere.mid")
    Traceback (most recent call last):
    rhythmvae.errors.MidiError: nowhere.mid: expected a readable MIDI file, got No such file or directory.
    """
    check_type(path, (str, Path), "the path of a MIDI file (read_midi takes bytes)")
    path = Path(path)
    try:
        with path.open("rb") as file:
            data = file.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        raise MidiError(f"{clean_text(path.name)}: expected a readable MIDI file, got {error.strerror}.") from None
    return read_midi(data, path.name, options)


# -- notes to hits -------------------------------------------------------------


def to_groove(score: Score, name: str, options: ReadOptions) -> tuple[Groove, ImportReport]:
    """The drums of a score. What may be cut is asked about, or cut, where `options` say so."""
    log = score.log.copy()
    groove, report, cuts = _read(score, name, options)
    taken = next((cut for cut in cuts if options.cuts(cut.place)), None)
    if taken is None and options.tap_lanes is not None:
        return groove, report
    if taken is None:
        questions = report.questions + tuple(cut.question for cut in cuts)
        return groove, replace(report, questions=questions) if cuts else report
    return to_groove(without(replace(score, log=log), taken), name, options)


def _read(score: Score, name: str, options: ReadOptions) -> tuple[Groove, ImportReport, list[Cut]]:
    log = score.log
    mask, tally = choose(score, options, log)
    n_notes = int(tally.count.sum())
    if n_others := len(mask) - n_notes:
        log.count("other_part", n_others, f"{counted(n_others, 'note')} of other parts were left.")
    position, velocity = score.position[mask], score.velocity[mask]
    if len(position) > MAX_HITS:
        raise MidiError(f"expected at most {MAX_HITS:,} drum notes, got {len(position):,}; cut the song into parts")

    voice, rows = _voices(score, mask, tally, name, options, log)
    unmapped = [row for row in rows if row.voice is None]
    if len(unmapped) == len(rows):
        pitches = ", ".join(str(row.pitch) for row in rows[:8]) + (", ..." if len(rows) > 8 else "")
        raise MidiError(
            f"expected drum notes, got {counted(len(position), 'note')} of pitches that no voice has ({pitches}); "
            f"map them, for instance {rows[0].pitch}=kick"
        )
    if unmapped:
        n = sum(row.count for row in unmapped)
        log.change(
            "left_out",
            n,
            f"{counted(n, 'note')} left out, of pitches that no voice has "
            f"({', '.join(str(row.pitch) for row in unmapped[:8])}{', ...' if len(unmapped) > 8 else ''}); "
            "map them to a voice to keep them.",
        )
        has_voice = voice >= 0
        position, voice, velocity = position[has_voice], voice[has_voice], velocity[has_voice]
    n_mapped = len(position)
    position, voice, velocity = merge_twins(position, voice, velocity)
    if n_duplicates := n_mapped - len(position):
        log.count(
            "merged", n_duplicates, f"{counted(n_duplicates, 'note')} of the same drum at the same moment count once."
        )

    n_outside = 0
    if position[-1] >= MAX_STEPS:
        inside = position < MAX_STEPS
        n_outside = int((~inside).sum())
        if n_outside == len(position):
            raise MidiError(
                f"expected drums within the first {MAX_STEPS:,} sixteenths, got the first hit at "
                f"{position.min():,.0f}; cut the silence before it"
            )
        log.change(
            "behind_limit",
            n_outside,
            f"{counted(n_outside, 'hit')} left out, beyond the first {MAX_STEPS:,} sixteenths.",
        )
        position, voice, velocity = position[inside], voice[inside], velocity[inside]

    meters = _meters(score, float(position.max()), options, log)
    has_meter = bool(score.meters) or options.meter is not None
    own_meter, end = meters[0], _end(score, tally.tracks)
    n_steps, fitting = end_of(position, voice, meters, end, has_meter, log)
    if fitting is not None and options.meter is None:
        meters = [fitting]
    n_steps = min(n_steps, MAX_STEPS)
    tempos = _tempos(score, n_steps, log)
    groove = Groove(
        position,
        voice,
        velocity,
        n_steps,
        tuple(t for t in tempos if t.step < n_steps),
        tuple(m for m in meters if m.step < n_steps),
        title=_title(score, tally.tracks[0], name),
        source=name,
    )
    crowded = n_crowded(groove)
    if crowded:
        log.remark(
            f"{counted(crowded, 'hit')} with four louder ones of the same voice within the same 16th: "
            "kept in the groove, but the model sees those four alone."
        )
    report = ImportReport(
        name=name,
        format=score.format,
        ppq=score.ppq,
        n_notes=n_notes,
        n_hits=len(groove),
        n_duplicates=n_duplicates,
        n_outside=n_outside,
        n_crowded=crowded,
        notes=rows,
        tempos=groove.tempos,
        meters=groove.meters,
        channel=tally.channels[0] if len(tally.channels) == 1 else None,
        track=tally.tracks[0] if len(tally.tracks) == 1 else None,
        parts=tuple(score.parts[:MAX_PARTS_LISTED]),
        remarks=tuple(log.remarks),
        changes=tuple(log.changes),
        questions=tuple(log.questions),
    )
    return groove, report, found_cuts(groove, score, mask, own_meter, end)


def _voices(
    score: Score, mask: BoolArray, tally: Tally, name: str, options: ReadOptions, log: Log
) -> tuple[IntArray, tuple[NoteRow, ...]]:
    """Voice (N,) of each note read, -1 for none, and what became of each pitch."""
    pitch = score.pitch[mask]
    if options.tap_lanes is not None:
        return _lanes(pitch, options.tap_lanes)
    # A file of one track may say in its own name what the track's does not.
    names_of = score.track_names if len(score.parts) > 1 else [n or name for n in score.track_names]
    voices = maps.by_names(tally, names_of)
    if voices is not None and not set(tally.pitch.tolist()) <= set(options.kit.overrides):
        named = voices[np.searchsorted(tally.key, part_key(score.track, score.channel)[mask])]
        n_tracks = len(tally.tracks)
        log.change(
            "named", len(pitch), f"The drums were recognized by {counted(n_tracks, 'track name')}, not by notes."
        )
        is_asked = np.isin(pitch, list(options.kit.overrides))
        return _voices_by_name(pitch, np.where(is_asked, _voice_table(options.kit)[pitch], named), options.kit)
    meter = score.meters[0] if score.meters else Meter(0.0, 4, 4)
    is_hand_drums = any(maps.HAND_DRUMS.search(score.track_names[number - 1]) for number in tally.tracks)
    played = maps.Played(pitch, score.position[mask], score.velocity[mask], meter, is_hand_drums, score.is_xg)
    known = maps.recognized(played, options.kit, log)
    kit = KitMap({**known, **options.kit.overrides})
    return _voice_table(kit)[pitch], _note_rows(pitch, kit, options.kit)


def _lanes(pitch: IntArray, n: int) -> tuple[IntArray, tuple[NoteRow, ...]]:
    """The lane (N,) of each tap, 0 or with two lanes 1 for the higher pitch, and a row of each pitch.

    Of more than two pitches the two most frequent are the lanes, and each other one joins the nearer.
    """
    found, row, count = np.unique(pitch, return_inverse=True, return_counts=True)
    lane = np.zeros(len(found), dtype=np.int64)
    if n == 2:
        low, high = np.sort(found[np.argsort(-count, kind="stable")[:2]])[[0, -1]]
        lane += np.abs(found - high) < np.abs(found - low)
    rows = zip(found.tolist(), count.tolist(), lane.tolist(), strict=True)
    return lane[row], tuple(NoteRow(p, note_name(p), c, VOICES[v].key, "mapped") for p, c, v in rows)


def _voice_table(kit: KitMap) -> IntArray:
    """Voice (128,) of each note, -1 for none."""
    table = _KIT_TABLE.copy()
    for note, voice in kit.overrides.items():
        table[note] = -1 if voice is None else voice
    return table


def _voices_by_name(pitch: IntArray, voice: IntArray, asked: KitMap) -> tuple[IntArray, tuple[NoteRow, ...]]:
    """Voices that track names say, but for notes that the user mapped, and a row of each note and voice."""
    pairs, counts = np.unique(np.stack([pitch, voice]), axis=1, return_counts=True)
    rows = tuple(
        NoteRow(
            p,
            note_name(p),
            n,
            None if v < 0 else VOICES[v].key,
            "unmapped" if v < 0 else "remapped" if p in asked.overrides else "mapped",
        )
        for p, v, n in zip(*pairs.tolist(), counts.tolist(), strict=True)
    )
    return voice, rows


def _note_rows(pitch: IntArray, kit: KitMap, asked: KitMap) -> tuple[NoteRow, ...]:
    """By the map that was read with; `asked` is what of it the user chose."""
    rows = []
    for p, count in enumerate(np.bincount(pitch).tolist()):
        if not count:
            continue
        voice = kit.voice_of(p)
        if voice is None:
            status = "unmapped"
        elif p in kit.overrides:
            status = "remapped" if p in asked.overrides else "mapped"
        else:
            status = "folded" if kit.is_folded(p) else "mapped"
        rows.append(NoteRow(p, note_name(p), count, None if voice is None else VOICES[voice].key, status))
    return tuple(rows)


def _end(score: Score, tracks: list[int]) -> FileEnd | None:
    """The end of the tracks that were read, and of those without notes (a conductor's)."""
    read, noted = set(tracks), {part.track for part in score.parts}
    ends = [end for track, end in score.ends.items() if track in read or track not in noted]
    return max(ends, key=lambda end: end.step) if ends else None


def _tempos(score: Score, n_steps: int, log: Log) -> list[Tempo]:
    tempos = tempo_from_start(score.tempos, score.slack, log)
    if not tempos:
        if score.ppq is not None:
            log.change("tempo_assumed", 1, f"No tempo in the file: {DEFAULT_TEMPO_BPM:g} BPM assumed.")
    elif tempos[0].step > 0:
        log.change(
            "tempo_late",
            1,
            f"The first tempo comes at quarter note {tempos[0].step / STEPS_PER_QUARTER + 1:g}: "
            f"{DEFAULT_TEMPO_BPM:g} BPM assumed before it.",
        )
    tempos = thinned([t for t in tempos if t.step < n_steps], log)
    odd = [t.bpm for t in tempos if not PLAYED_BPM[0] <= t.bpm <= PLAYED_BPM[1]]
    if odd:
        log.remark(f"A tempo of {odd[0]:,.1f} BPM is unlikely; it was kept.")
    return from_start(tempos, Tempo(0.0, DEFAULT_TEMPO_BPM))


def _meters(score: Score, last: float, options: ReadOptions, log: Log) -> list[Meter]:
    """The meters of a groove whose last hit is at `last`."""
    if options.meter is not None:
        chosen = Meter(0.0, *options.meter)
        found = list(dict.fromkeys(str(m) for m in score.meters))
        if found and found != [str(chosen)]:
            log.remark(f"Read in {chosen} as asked; the file says {', '.join(found[:8])}.")
        return [chosen]
    meters = without_repeats(score.meters)
    if len(meters) > MAX_CHANGES:
        meters = [m for m in meters if m.step <= last]
    if len(meters) > MAX_CHANGES:
        raise MidiError(
            f"expected at most {MAX_CHANGES:,} meter changes, got {len(meters):,}; export the pattern without them"
        )
    meters = meters_on_bar_lines(meters, score.slack, log)
    if not score.meters:
        log.change("meter_assumed", 1, "No meter in the file: 4/4 assumed.")
    elif (first := (meters or score.meters)[0].step) > 0:  # none is left where all of very many come behind the drums
        log.change(
            "meter_late",
            1,
            f"The first meter comes at quarter note {first / STEPS_PER_QUARTER + 1:g}: 4/4 assumed before it.",
        )
    return from_start(meters, Meter(0.0, 4, 4))


def _title(score: Score, first_track: int, name: str) -> str:
    """The sequence's name, else that of the first drum track, else the file's. Of several tracks with notes each has
    the name of an instrument."""
    sounding = {part.track for part in score.parts}
    for track in (1, first_track):
        candidate = score.track_names[track - 1]
        if not _NO_TITLE.fullmatch(candidate) and (track not in sounding or len(sounding) == 1):
            return candidate
    file_name = PurePosixPath(name.replace("\\", "/")).name
    return re.sub(r"(?<=.)\.(midi?|smf|rmi|kar)$", "", file_name, flags=re.IGNORECASE) or file_name
