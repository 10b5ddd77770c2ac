"""Which notes of a file are the drums: by what the user says, by channel, by name, by what is played."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter

import numpy as np

from rhythmvae.errors import MidiError
from rhythmvae.groove import BoolArray
from rhythmvae.kit import DRUM_CHANNEL, VOICES
from rhythmvae.midi.report import Log, Part, ReadOptions
from rhythmvae.midi.score import Score, Tally, part_key
from rhythmvae.text import counted

TYPICAL_SHARE = 0.3  # of kick, snare, hat, crash and ride notes in what is plainly a drum part
STRAY_SHARE = 0.05  # a part of channel 10 with so few notes beside the drums of another channel is a stray
MAX_STRAY_NOTES = 2
MAX_PERCUSSION_PITCHES = 12  # a melody of one instrument has more
_DRUM_RANGE = (27, 87)  # General MIDI percussion, with GM2's

_DRUM_NAME = re.compile(
    r"drum|perc|\bkit\b|beat|kick|snare|hi-?hat|\bhats?\b|\bhh\b|cymbal|\btoms?\b|\bride\b|crash|\bclap|\b[bs]d\b|"
    r"conga|bongo|shaker|tambo|cowbell|timbale|maraca|cabasa|guiro|clave|schlagzeug|batter[ií]|bater[ií]a|"
    r"ударн|барабан|ドラム|打楽器|鼓|드럼",
    re.IGNORECASE,
)
_MELODY_NAME = re.compile(
    r"\bbass?\b(?![ _-]*drum)|piano|guitar|\blead\b|strings?\b|synth|organ|vocal|voice|choir|melod|chord|brass|\bsax|"
    r"flute|violin|cello|trumpet|(steel|taiko|synth) ?drum|melodic ?tom|timpani|vibra|xylo|marimba|glock|kalimba|"
    r"\barp|pizz|harp",
    re.IGNORECASE,
)
_CLICK_NAME = re.compile(r"metronom|\bclick|count[ -]?in", re.IGNORECASE)

# Notes that drum parts are made of and few melodies: kick, snare, hats, crash and ride, without toms.
_CORE = frozenset(p for v in VOICES if not v.key.endswith("tom") for p in v.mapped if p >= 35)


@dataclass(frozen=True)
class Evidence:
    """What speaks for a part, or against it, as drums.

    core_share: of its notes that are kick, snare, hats, crash or ride. n_pitches: different ones.
    """

    part: Part
    core_share: float
    n_pitches: int
    is_in_range: bool
    is_declared: bool
    is_declared_melodic: bool
    is_named: bool
    is_named_melodic: bool
    is_click: bool
    port: int

    @property
    def is_likely(self) -> bool:
        """Channel 10, a declaration or a name says drums, and nothing says otherwise."""
        if self.is_named_melodic or self.is_declared_melodic:
            return False
        # A name alone may be a song's ("Beat it") or a synthesizer's: the notes must be drums too.
        has_drum_notes = self.core_share >= TYPICAL_SHARE or (
            self.is_in_range and self.n_pitches <= MAX_PERCUSSION_PITCHES
        )
        return self.part.channel == DRUM_CHANNEL or self.is_declared or (self.is_named and has_drum_notes)


def choose(score: Score, options: ReadOptions, log: Log) -> tuple[BoolArray, Tally]:
    """Mask (N,) of the notes to read, the same notes counted, and why in `log`.

    Raises:
        MidiError: no notes at all, or none where `options` look.
    """
    if not score.parts:
        why = f" ({log.remarks[-1].rstrip('.')})" if log.remarks else ""
        raise MidiError(f"expected drum notes, got a file without any notes{why}; export the pattern itself")
    tally = score.tally
    if options.track is not None:
        tally = tally.only(tally.key // 17 == options.track)
    if options.channel is not None:
        tally = tally.only(tally.key % 17 == options.channel)
    if not len(tally.key):
        asked = [f"{k} {v}" for k, v in (("track", options.track), ("channel", options.channel)) if v is not None]
        raise MidiError(
            f"expected notes on {' and '.join(asked)}, got none; there are notes on {_list_parts(score.parts)}"
        )
    if options.channel is None and options.tap_lanes is None:
        found = _evidence(score, tally)
        chosen, reason = _drum_parts(found)
        if len(chosen) < len(found):
            keys = [part_key(e.part.track, e.part.channel) for e in chosen]
            tally = tally.only(np.isin(tally.key, keys))
        _say_what_was_taken(found, chosen, reason, log)
    if len(tally.key) == len(score.tally.key):
        return np.ones(len(score.position), dtype=bool), tally
    return np.isin(part_key(score.track, score.channel), tally.key), tally


def _evidence(score: Score, tally: Tally) -> list[Evidence]:
    """Evidence of every part that is counted, in order of tracks and channels."""
    rows = groupby(zip(tally.key.tolist(), tally.pitch.tolist(), tally.count.tolist(), strict=True), itemgetter(0))
    parts = {part_key(part.track, part.channel): part for part in score.parts}
    n_channels = Counter(part.track for part in score.parts)
    found = []
    for key, of_part in rows:
        part, own = parts[key], list(of_part)
        n_core = sum(count for _, pitch, count in own if pitch in _CORE)
        core_share = n_core / sum(count for _, _, count in own)
        # The name of a track that plays on several channels says nothing about one of them.
        name = part.name if n_channels[part.track] == 1 else ""
        melodic = bool(_MELODY_NAME.search(name))
        found.append(
            Evidence(
                part,
                core_share=core_share,
                n_pitches=len(own),
                is_in_range=_DRUM_RANGE[0] <= own[0][1] and own[-1][1] <= _DRUM_RANGE[1],
                is_declared=part.channel in score.drum_channels,
                is_declared_melodic=part.channel in score.melodic_channels,
                is_named=bool(_DRUM_NAME.search(name)) and not melodic,
                is_named_melodic=melodic and not _is_kit_like(core_share, part.channel),
                is_click=bool(_CLICK_NAME.search(name)),
                port=score.ports.get(part.track, 0),
            )
        )
    return found


def _is_kit_like(core_share: float, channel: int) -> bool:
    """Whether notes of channel 10 outweigh a name: a "Synth drums" or "Bass + kit" track of kick, snare and hats."""
    return channel == DRUM_CHANNEL and core_share >= 0.8


def _drum_parts(found: list[Evidence]) -> tuple[list[Evidence], str]:
    """The parts that are the drums, and the reason for people ("" where it is channel 10 alone)."""
    likely = [e for e in found if e.is_likely]
    likely = [e for e in likely if not e.is_click] or likely
    if likely:
        # Every port has a channel 10 of its own, and some files have the same drums on two.
        on_port = {port: [e for e in likely if e.port == port] for port in {e.port for e in likely}}
        likely = on_port[max(on_port, key=lambda port: (_core_notes(on_port[port]), -port))]
        elsewhere = sum(e.part.n_notes for e in likely if e.part.channel != DRUM_CHANNEL and _is_kit(e))
        most = max(MAX_STRAY_NOTES, STRAY_SHARE * elsewhere)
        strays = {
            e.part for e in likely if e.part.channel == DRUM_CHANNEL and e.part.n_notes <= most and not e.is_named
        }
        if elsewhere:
            likely = [e for e in likely if e.part not in strays]
        only = len({e.part.channel for e in found}) == 1 and likely[0].part.channel != DRUM_CHANNEL
        return likely, "the only one with notes" if only else _reason(likely)
    channels = sorted({e.part.channel for e in found})
    if len(channels) == 1:
        return found, "the only one with notes" if channels != [DRUM_CHANNEL] else ""
    single = [e for e in found if e.n_pitches <= 2 and e.core_share == 1.0 and not e.is_named_melodic]
    if len(single) > 2:
        return single, "each of one or two notes of a drum kit"
    # A bass line has many such notes too, so their share counts before their number.
    share = {c: [e for e in found if e.part.channel == c] for c in channels}
    best = max(channels, key=lambda c: (round(_core_share(share[c]), 1), _core_notes(share[c]), -c))
    return share[best], "which has the most notes in the drum range"


def _is_kit(evidence: Evidence) -> bool:
    return evidence.is_declared or (evidence.is_named and evidence.core_share >= TYPICAL_SHARE)


def _core_notes(parts: Sequence[Evidence]) -> float:
    return sum(e.core_share * e.part.n_notes for e in parts)


def _core_share(parts: Sequence[Evidence]) -> float:
    return _core_notes(parts) / sum(e.part.n_notes for e in parts)


def _reason(chosen: Sequence[Evidence]) -> str:
    others = [e for e in chosen if e.part.channel != DRUM_CHANNEL]
    if not others:
        return ""
    if all(e.is_declared for e in others):
        return "which the file declares a drum part"
    return "named like drums" if len({e.part.channel for e in others}) > 1 else "whose name says drums"


def _say_what_was_taken(found: Sequence[Evidence], chosen: Sequence[Evidence], reason: str, log: Log) -> None:
    channels = sorted({e.part.channel for e in chosen})
    if reason:
        n_tracks = len({e.part.track for e in chosen})
        read = f"channel {channels[0]}" if len(channels) == 1 else "channels " + ", ".join(map(str, channels))
        where = f" ({n_tracks} tracks)" if n_tracks > 1 else ""
        doubt = "; few of its notes are typical of drums" if _core_share(chosen) < TYPICAL_SHARE else ""
        has_ten = any(e.part.channel == DRUM_CHANNEL for e in found)
        start = "Read" if has_ten else f"No notes on channel {DRUM_CHANNEL}; read"
        log.remark(f"{start} {read}, {reason}{where}{doubt}.")
    taken_parts = {e.part for e in chosen}
    left = [
        e for e in found if e.part not in taken_parts and (e.is_likely or e.part.channel == DRUM_CHANNEL or e.is_named)
    ]
    if left:
        parts = [e.part for e in left]
        n = sum(part.n_notes for part in parts)
        log.remark(
            f"{counted(n, 'note')} left that may be drums too, on {_list_parts(parts)}; choose another part to read it."
        )
    open_ = [e.part for e in left if e.is_likely and not e.is_click and e.port != chosen[0].port]
    if open_:
        log.ask(
            "part",
            _list_parts([e.part for e in chosen]),
            tuple(_list_parts([part]) for part in open_),
            f"--channel {open_[0].channel} --track {open_[0].track}",
        )


def _list_parts(parts: Sequence[Part]) -> str:
    shown = [
        f"track {p.track} channel {p.channel} ({repr(p.name) + ', ' if p.name else ''}{counted(p.n_notes, 'note')})"
        for p in parts[:8]
    ]
    return "; ".join(shown) + (f"; and {len(parts) - 8} more" if len(parts) > 8 else "")
