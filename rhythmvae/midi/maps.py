"""Which drum each note is where a file does not follow General MIDI: by track names, or by a known map.

Every known map (`known_maps`) is a reading of the notes, weighed by what the notes do (`behaviour`) and by how many of
them it has. Another map than General MIDI is taken only where it is likelier by more than its bound. Where the notes
do not behave as the likeliest map says, the reader asks. What the user has mapped is not weighed and not changed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np

from rhythmvae.compiled import of_scipy
from rhythmvae.groove import BoolArray, FloatArray, IntArray, Meter
from rhythmvae.kit import N_VOICES, VOICE_INDEX, VOICE_KEYS, KitMap
from rhythmvae.midi.behaviour import Behaviour, behaviour_of, commonness, evidence
from rhythmvae.midi.known_maps import (
    BOUNDS,
    CLICKS,
    COSTS_OF,
    GENERAL_MIDI,
    IS_OWN,
    NAMES,
    OWN_ALONE,
    VOICES_OF,
    XG_KIT,
)
from rhythmvae.midi.report import Log
from rhythmvae.midi.score import Tally

# A track's name to the one drum that it says, the first that fits.
_NAMED = (
    ("closed_hat", r"closed|\bch\b|\bchh\b|\bhhc\b|pedal|shaker|tambo|maraca|cabasa"),
    ("open_hat", r"open|\boh\b|\bohh\b|\bhho\b"),
    ("closed_hat", r"hi-?hat|\bhats?\b|\bhh\b"),
    ("kick", r"kick|bass ?drum|\bbd\b|\bkik\b"),
    ("snare", r"snare|\bsd\b|\bsnr?\b|\bclap|\brim|side ?stick|\bcp\b|\brs\b"),
    ("low_tom", r"(low|floor|\blo).*tom|tom.*(low|floor|lo\b|3)|\blt\b"),
    ("high_tom", r"hi(gh)?.*tom|tom.*(hi|1)|\bht\b"),
    ("mid_tom", r"\btoms?\b|\bmt\b"),
    ("crash", r"crash|\bcym|splash|china"),
    ("ride", r"\bride|cowbell|\bbell\b"),
)
_NAME_PATTERNS = tuple((VOICE_INDEX[key], re.compile(pattern, re.IGNORECASE)) for key, pattern in _NAMED)
HAND_DRUMS = re.compile(r"conga|bongo|perc|timbale|latin|tabla|cajon", re.IGNORECASE)

MIN_NOTES = 8  # too few to tell a map by
FULL_SHARE = 0.1  # of the hits, from which on a note counts in full
MISSING_COST = 1.0  # of a reading without kick, or without snare
ANOTHER_COST = 1.5  # of a second note for a voice, and of a third, where no map is known
# The free reading of M notes is always likelier than a map's. A map is doubtful where it is so by more than a bound,
# with a point off for each note, and more for each point (up to MAX_COST) that its notes cost, and for no kick or no
# snare.
ASK, ASK_OTHER, COST_WEIGHT, MAX_COST, MISSING_DOUBT = 9.3, 5.0, 2.0, 3.0, 2.0
PLAYED_SHARE = 0.8  # of the hits: where so many have a drum, the others are left out and told, and raise no doubt
# Of the hits: another map than General MIDI must have drums for so many, and so many must be on notes that are none
# of General MIDI's own (OWN_ALONE: but for maps that use those in ways of their own).
FITTING_SHARE, FOREIGN_SHARE = 0.9, 0.03
# General MIDI is not weighed, which would take a third of reading's time, where few hits are foreign and the others are
# a beat's (so many on hats or a ride, and most on one of a beat's drums) or a fill's.
PLAIN_TIME, PLAIN_FOREIGN = 0.1, 0.08
_IS_FOREIGN = ~IS_OWN[0]


def _own(*keys: str) -> BoolArray:
    """(128,) whether a note is General MIDI's own of these voices."""
    is_own: BoolArray = np.isin(VOICES_OF[0], [VOICE_INDEX[key] for key in keys]) & IS_OWN[0]
    return is_own


_TIME = ("closed_hat", "open_hat", "ride")
_IS_BEAT, _IS_TOM = _own("kick", "snare", *_TIME), _own("low_tom", "mid_tom", "high_tom")
_GROUPS = np.stack([_own(*_TIME), _IS_BEAT, _IS_TOM, _own("crash"), _IS_FOREIGN], axis=1).astype(int)
_IS_CLICK = np.isin(np.arange(128), CLICKS)
KICK, SNARE = VOICE_INDEX["kick"], VOICE_INDEX["snare"]
GENERAL = 0  # General MIDI among the known maps
MAX_SHOWN = 16


@dataclass(frozen=True)
class Played:
    """The notes that were read: pitches, positions in steps and velocities, each (N,).

    is_hand_drums: a name says so; is_xg: the file is for a Yamaha XG module.
    """

    pitch: IntArray
    position: FloatArray
    velocity: IntArray
    meter: Meter
    is_hand_drums: bool
    is_xg: bool


@dataclass(frozen=True)
class Reading:
    """The likeliest known map of M notes, and whether it is doubtful.

    voices: (M,), -1 for none.
    """

    name: str
    voices: IntArray
    is_doubtful: bool


def recognized(played: Played, asked: KitMap, log: Log) -> Mapping[int, int | None]:
    """Note to voice where General MIDI is not meant; what the user chose is left as it is.

    Says which map was taken, and asks where the notes do not behave as it says.
    """
    if played.is_xg:
        has = np.bincount(played.pitch, minlength=128) > 0
        found = {note: voice for note, voice in XG_KIT.items() if has[note] and note not in asked.overrides}
        if found:
            _say(log, "a Yamaha XG kit", len(found))
        return found
    counts = np.bincount(played.pitch, minlength=128)
    counts[list(asked.overrides)] = 0
    if counts.sum() < MIN_NOTES or played.is_hand_drums or _is_plain(counts):
        return {}
    behaviour = behaviour_of(played.pitch, played.position, played.velocity, float(played.meter.steps_per_bar))
    reading = likeliest(behaviour, asked)
    rows = [row for row, note in enumerate(behaviour.notes.tolist()) if note not in asked.overrides]
    if reading.is_doubtful and rows:
        _ask(log, reading, behaviour, rows)
    if reading.name == NAMES[GENERAL]:
        return {}
    _say(log, reading.name, int((reading.voices[rows] >= 0).sum()))
    voices = {int(behaviour.notes[row]): int(reading.voices[row]) for row in rows}
    return {note: None if voice < 0 else voice for note, voice in voices.items()}


def _is_plain(counts: IntArray) -> bool:
    """Whether notes (128,) need no weighing to be General MIDI's."""
    n_time, n_beat, n_toms, n_crashes, n_foreign = (counts @ _GROUPS).tolist()
    n = n_beat + n_toms + n_crashes + n_foreign
    if n_foreign > PLAIN_FOREIGN * n:
        return False
    if n_time >= PLAIN_TIME * n and _IS_BEAT[counts.argmax()]:
        return True
    # a fill: snare and several toms, no crash that keeps time as another map's hat may
    return n_crashes <= PLAIN_TIME * n and (n_toms == 0 or int((counts[_IS_TOM] > 0).sum()) > 1)


def likeliest(behaviour: Behaviour, asked: KitMap) -> Reading:
    """The known map that fits best, with what the user has mapped in each."""
    notes = behaviour.notes
    share = behaviour.counts / behaviour.counts.sum()
    voices, costs = VOICES_OF[:, notes], COSTS_OF[:, notes]
    is_asked = np.array([note in asked.overrides for note in notes.tolist()])
    for row in is_asked.nonzero()[0].tolist():
        voice = asked.overrides[int(notes[row])]
        voices[:, row] = -1 if voice is None else voice
    weight = np.where(is_asked, 0.0, np.minimum(1.0, share / FULL_SHARE))
    score, costs = evidence(behaviour) * weight[:, None], costs * weight
    fit = np.where(voices >= 0, score[np.arange(len(notes)), voices], 0.0) - costs
    missing = MISSING_COST * ((voices != KICK).all(axis=1).astype(int) + (voices != SNARE).all(axis=1))
    total = fit.sum(axis=1) - missing
    fits = ((voices >= 0) | is_asked) @ share >= FITTING_SHARE
    fits &= OWN_ALONE | ((share @ _IS_FOREIGN[notes]) >= FOREIGN_SHARE)
    best = int(np.where(fits & (total >= total[GENERAL] + BOUNDS), total, -np.inf).argmax())
    free = _free_voices(score, weight)
    rows = _weighed(voices[best], notes, share)
    doubt = float((score[rows, free[rows]] - fit[best, rows]).sum()) - len(rows)
    doubt += COST_WEIGHT * min(float(costs[best, rows].sum()), MAX_COST) + MISSING_DOUBT * float(missing[best])
    return Reading(NAMES[best], voices[best], doubt > (ASK if best == GENERAL else ASK_OTHER))


def _weighed(voices: IntArray, notes: IntArray, share: FloatArray) -> IntArray:
    """Rows of the notes that can make a map doubtful."""
    is_voiced = voices >= 0
    if share[is_voiced].sum() < PLAYED_SHARE:
        is_voiced |= ~_IS_CLICK[notes]
    return is_voiced.nonzero()[0]


def _free_voices(score: FloatArray, weight: FloatArray) -> IntArray:
    """(M,) the likeliest voices of notes when few share one (the assignment problem)."""
    if len(score) > 3 * N_VOICES:
        return np.asarray(score.argmax(axis=1))
    steps = np.repeat(np.arange(3), N_VOICES) * ANOTHER_COST
    _, column = _assignment()(steps * weight[:, None] - np.tile(score, 3))
    return np.asarray(column % N_VOICES)


def _assignment() -> Callable[[FloatArray], tuple[IntArray, IntArray]]:
    """scipy's linear_sum_assignment."""
    found = of_scipy("optimize", "_lsap", "linear_sum_assignment")
    if found is None:
        from scipy.optimize import linear_sum_assignment

        found = linear_sum_assignment
    return cast("Callable[[FloatArray], tuple[IntArray, IntArray]]", found)


def _ask(log: Log, reading: Reading, behaviour: Behaviour, rows: Sequence[int]) -> None:
    """Offer what the notes behave like, as the options that would say so."""
    guess = _free_voices(evidence(behaviour)[rows] + commonness(), np.ones(len(rows)))
    rules = [f"{note}={VOICE_KEYS[voice]}" for note, voice in zip(behaviour.notes[rows], guess, strict=True)]
    others = [f"by what the notes do, {', '.join(rules[:MAX_SHOWN])}"]
    if reading.name != NAMES[GENERAL]:
        others.append(NAMES[GENERAL])
    log.ask("kit map", reading.name, tuple(others), " ".join(f"--map {rule}" for rule in rules[:MAX_SHOWN]))


def _say(log: Log, name: str, n: int) -> None:
    log.change("kit_map", n, f"The notes are those of {name}, and were read so; a map of your own changes it.")


def voice_of_name(name: str) -> int | None:
    """The voice that a track's name says, or None."""
    return next((voice for voice, pattern in _NAME_PATTERNS if pattern.search(name)), None)


def by_names(tally: Tally, names: Sequence[str]) -> IntArray | None:
    """Voice (R,) of each part by the names of tracks that play one note each, or None where notes tell the drums.

    names: of all tracks, by number from 1. Names count where the tracks share a note (a step sequencer
    writes one note for all drums), or where one track alone has a note that is no drum of a kit.
    """
    if (tally.key[1:] == tally.key[:-1]).any():
        return None
    voices = [voice_of_name(names[key // 17 - 1]) for key in tally.key.tolist()]
    if any(voice is None for voice in voices):
        return None
    notes = tally.pitch.tolist()
    shares = len(set(notes)) < len(notes) and len({*zip(notes, voices, strict=True)}) > len(set(notes))
    lone = len(notes) == 1 and notes[0] not in GENERAL_MIDI
    return np.array(voices, dtype=np.int64) if shares or lone else None
