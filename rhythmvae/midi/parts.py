"""Which notes of a file are the drums: by what the user says, by channel, by name, by what is played."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np

from rhythmvae.errors import MidiError
from rhythmvae.kit import DRUM_CHANNEL, VOICES
from rhythmvae.midi.report import Log, Part, ReadOptions
from rhythmvae.midi.score import Score
from rhythmvae.text import counted

TYPICAL_SHARE = 0.3  # of kick, snare, hat, crash and ride notes in what is plainly a drum part
_DRUM_NAME = re.compile(
    r"drum|perc|\bkit\b|beat|kick|snare|hi-?hat|\bhats?\b|\bhh\b|cymbal|\btoms?\b|\bride\b|crash|\bclap|\b[bs]d\b",
    re.IGNORECASE,
)


# Notes that drum parts are made of and few melodies: kick, snare, hats, crash and ride, without toms.
_CORE_PITCHES = tuple(p for v in VOICES if not v.key.endswith("tom") for p in v.mapped if p >= 35)


def choose(score: Score, options: ReadOptions, log: Log) -> Any:
    """Mask (N,) of the notes to read, and why in `log`.

    Raises:
        MidiError: no notes at all, or none where `options` look.
    """
    if not score.parts:
        why = f" ({log.remarks[-1].rstrip('.')})" if log.remarks else ""
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
        log.remark(f"No notes on channel {DRUM_CHANNEL}; read {read}, {reason}{where}{doubt}.")
    others = sorted(score.drum_channels & set(channels) - set(chosen))
    if others:
        log.remark(f"The file declares channel {', '.join(map(str, others))} a drum part too; choose it to read it.")
    return mask & np.isin(score.channel, chosen)


def _drum_channels(score: Score, mask: Any, channels: list[int]) -> tuple[list[int], str]:
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
