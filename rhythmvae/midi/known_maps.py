"""The kit maps that are known by name: which drum each of a maker's notes is, and what is odd for a map.

General MIDI is the first. Roland and Alesis modules have their pads in the kit table (`rhythmvae.kit`). Steven Slate
Drums, BFD, FPC (FL Studio) and Ableton's core kits are taken to be on General MIDI: no table of theirs was found that
could be relied on. Racks of 16 pads have no order that everybody keeps:
the one here begins with kick, snare, closed and open hat.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from rhythmvae.kit import VOICE_INDEX, VOICES, KitMap

# What a note costs (a log-likelihood) that is a neighbour's instrument in a map, a rare one, or no drum of it.
USUAL_COST, RARE_COST, NO_DRUM_COST = 0.7, 3.0, 6.0
HAND_DRUM_COST = 3.0  # of bongos, congas, timbales and agogos: rarely what keeps time
OCTAVE = 12
N_PADS = 16


def _map_of(**notes: Sequence[int]) -> dict[int, int]:
    return {note: VOICE_INDEX[key] for key, own in notes.items() for note in own}


GENERAL_MIDI = {note: i for i, voice in enumerate(VOICES) for note in voice.mapped}
ADDICTIVE_DRUMS_2 = _map_of(
    kick=(36,),
    snare=(37, 38, 39, 40, 41, 42, 43, 44),
    closed_hat=(48, 49, 50, 51, 52, 53, 59),
    open_hat=(54, 55, 56, 57, 58),
    ride=(60, 61, 62, 63, 84),
    low_tom=(65, 66, 67, 68),
    mid_tom=(69, 70),
    high_tom=(71, 72),
    crash=(77, 78, 79, 80, 81, 82, 83),
)
# Superior Drummer and EZdrummer: hats by how far they are open, where General MIDI has bongos and congas.
TOONTRACK_HATS = _map_of(closed_hat=(21, 22, 62, 63, 64, 65), open_hat=(23, 24, 25, 26, 60, 61))
GETGOOD_DRUMS = _map_of(
    kick=(23, 24),
    snare=(26, 27, 28, 29, 30),
    high_tom=(33,),
    mid_tom=(34, 35),
    low_tom=(36, 37, 38),
    closed_hat=(41, 42, 43, 44, 48, 70),
    open_hat=(45, 46, 47, 71),
    crash=(52, 54, 56, 58, 65, 67, 73, 75, 78),
    ride=(61, 62, 63, 79, 80),
)
XG_KIT = _map_of(kick=(33, 34), snare=(25, 26, 27, 28, 29, 31))

# Rim, clap, tambourine, cowbell, shakers, claves, blocks, triangles; China and splash.
_USUAL_PERCUSSION = frozenset([37, 39, 52, 54, 55, 56, 69, 70, 75, 76, 77, 80, 81, 82])
_HAND_DRUMS = frozenset(range(60, 69))
CLICKS = (31, 32, 33, 34)  # sticks and metronome: no drums, but usual beside a kit
# The notes of the pads A01 to A16 of an MPC before its version 2.11; the sounds on them are the user's.
_MPC_PADS = (37, 36, 42, 82, 40, 38, 46, 44, 48, 47, 45, 43, 49, 55, 51, 53)


def _on_pads(notes: Sequence[int]) -> dict[int, int]:
    """Kick, snare, closed hat, open hat, toms from low to high, crash and ride on the first nine pads."""
    return dict(zip(notes, range(len(VOICES)), strict=False))


def _octaves(shift: int) -> str:
    n = abs(shift) // OCTAVE
    return f"General MIDI {n} octave{'s' * (n > 1)} {'up' if shift > 0 else 'down'}"


KNOWN: Mapping[str, Mapping[int, int]] = {
    "General MIDI": GENERAL_MIDI,
    "Superior Drummer and EZdrummer": GENERAL_MIDI | TOONTRACK_HATS,
    "Addictive Drums 2": ADDICTIVE_DRUMS_2,
    "GetGood Drums": GETGOOD_DRUMS,
    **{
        _octaves(shift): {note + shift: voice for note, voice in GENERAL_MIDI.items()}
        for shift in (-2 * OCTAVE, -OCTAVE, OCTAVE, 2 * OCTAVE)
    },
    "16 pads of an MPC, Maschine or drum rack (36 to 51)": _on_pads(range(36, 52)),
    "16 pads of an older MPC (from 37, 36, 42, 82)": _on_pads(_MPC_PADS),
    "16 pads of a rack from 60 (FL Studio)": _on_pads(range(60, 76)),
    "16 pads from 48": _on_pads(range(48, 64)),
    "16 pads from 24": _on_pads(range(24, 40)),
    "16 pads from 0": _on_pads(range(16)),
}
NAMES = tuple(KNOWN)
# By how much (a log-likelihood) a map must fit better than General MIDI to be taken: so much that none of 1,257
# takes, patterns and songs on General MIDI's notes is remapped.
OWN_LEAST_GAIN = 0.5
LEAST_GAINS = {
    "General MIDI": 0.0,
    "Superior Drummer and EZdrummer": 1.0,
    "Addictive Drums 2": 3.5,
    "GetGood Drums": 1.0,
    "16 pads of an MPC, Maschine or drum rack (36 to 51)": 0.6,
    "16 pads of an older MPC (from 37, 36, 42, 82)": 2.7,
}
# In these, General MIDI's percussion is where it is.
_WITH_PERCUSSION = ("General MIDI", "Superior Drummer and EZdrummer")


def _voice_of(name: str, note: int) -> int:
    """-1 for none."""
    voice = KNOWN[name].get(note)
    if voice is None and name in _WITH_PERCUSSION:
        voice = KitMap().voice_of(note)
    return -1 if voice is None else voice


def _cost_of(name: str, note: int) -> float:
    if note in KNOWN[name]:
        return 0.0
    if name in _WITH_PERCUSSION and note in CLICKS:
        return USUAL_COST
    if name not in _WITH_PERCUSSION or KitMap().voice_of(note) is None:
        return NO_DRUM_COST
    if note in _HAND_DRUMS:
        return HAND_DRUM_COST
    return USUAL_COST if note in _USUAL_PERCUSSION else RARE_COST


VOICES_OF = np.array([[_voice_of(name, note) for note in range(128)] for name in NAMES])  # (K, 128), -1 for none
COSTS_OF = np.array([[_cost_of(name, note) for note in range(128)] for name in NAMES])  # (K, 128)
IS_OWN = np.array([[note in KNOWN[name] for note in range(128)] for name in NAMES])  # (K, 128)
OWN_ALONE = np.isin(NAMES, ["General MIDI", "Addictive Drums 2"])  # (K,) a snare where General MIDI has hats
BOUNDS = np.array([LEAST_GAINS.get(name, OWN_LEAST_GAIN) for name in NAMES])  # (K,)
