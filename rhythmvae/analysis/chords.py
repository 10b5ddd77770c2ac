"""Which drums sound together and what follows what, by the names that a drummer uses."""

from __future__ import annotations

from typing import Any

import numpy as np

from rhythmvae.analysis.elements import FLAM, Elements
from rhythmvae.analysis.rhythm import onsets
from rhythmvae.groove import Groove, IntArray
from rhythmvae.kit import N_VOICES, VOICE_KEYS

NAMES = ("kick", "snare", "hat", "open hat", "low tom", "mid tom", "high tom", "crash", "ride")
# In the order in which a drummer says them: kick, snare, toms from high to low, hats, cymbals.
ORDER = (0, 1, 6, 5, 4, 2, 3, 8, 7)
MOST_LISTED = 12


def chords(groove: Groove, found: Elements) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The most frequent chords and the most frequent successions, each with its count and share.

    Hits that follow each other within rhythm.TOGETHER_SECONDS sound together. A grace note belongs to its stroke: a
    snare with one before it is a `snare flam`. A chord has `name`, `voices`, `count`, `share` of all chords; a
    succession `first`, `then`, `count`, `share` of the chords that follow one named `first`.
    """
    masks = _masks(groove, found)
    if not len(masks):
        return [], []
    kinds, counts = np.unique(masks, return_counts=True)
    often = np.argsort(-counts, kind="stable")[:MOST_LISTED]
    sounding = [
        {"name": name(kind), "voices": voices(kind), "count": n, "share": round(n / len(masks), 4)}
        for kind, n in zip(kinds[often].tolist(), counts[often].tolist(), strict=True)
    ]
    return sounding, _successions(masks)


def _masks(groove: Groove, found: Elements) -> IntArray:
    """(M,) the chords in order: a bit for each voice, and one N_VOICES higher for each that has a flam."""
    is_main = ~found.is_grace
    seconds, voice = groove.onset_seconds[is_main], groove.voice[is_main]
    if not len(seconds):
        return np.zeros(0, np.int64)
    bits = (1 << voice) | np.where(found.ornament[is_main] == FLAM, 1 << (voice + N_VOICES), 0)
    return np.asarray(np.bitwise_or.reduceat(bits, onsets(seconds)))


def _successions(masks: IntArray) -> list[dict[str, Any]]:
    pairs, counts = np.unique(masks[:-1] << (2 * N_VOICES) | masks[1:], return_counts=True)
    first = pairs >> (2 * N_VOICES)
    _, which = np.unique(first, return_inverse=True)
    shares = counts / np.bincount(which, counts)[which] if len(pairs) else counts
    often = np.argsort(-counts, kind="stable")[:MOST_LISTED]
    return [
        {
            "first": name(int(first[i])),
            "then": name(int(pairs[i] & ((1 << 2 * N_VOICES) - 1))),
            "count": int(counts[i]),
            "share": round(float(shares[i]), 4),
        }
        for i in often
    ]


def voices(mask: int) -> list[str]:
    """Keys of the voices of a chord, in the kit's order."""
    return [key for index, key in enumerate(VOICE_KEYS) if mask >> index & 1]


def name(mask: int) -> str:
    """A chord in a drummer's words.

    >>> name(0b101), name(1 << 1 | 1 << (1 + N_VOICES))
    ('kick + hat', 'snare flam')
    """
    said = [NAMES[v] + (" flam" if mask >> (v + N_VOICES) & 1 else "") for v in ORDER if mask >> v & 1]
    return " + ".join(said)
