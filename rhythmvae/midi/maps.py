"""Which drum each note is where a file does not follow General MIDI: by track names, or by a known map.

A map is taken only where General MIDI cannot be meant: every rule below asks for signs that a
kit on General MIDI's notes does not show. Where General MIDI looks wrong and no map is known,
the reader asks. Congas alone are not a shifted kit.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from rhythmvae.groove import FloatArray, IntArray, Meter
from rhythmvae.kit import VOICE_INDEX, VOICES, KitMap
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
# Mean log-likelihoods of a note, see `_PLACES`.
UNLIKELY = -5.2  # General MIDI is asked about: the least of 1,180 takes and patterns that are General MIDI is -4.95
SURE_GAIN, DOUBTFUL_GAIN = 0.5, 0.42  # by which a known map must be likelier to be taken, or to be asked about
OWN_SHARE = 0.99  # of the notes, that are a General MIDI kit's own: every known map has others
FITTING_SHARE = 0.9  # of the notes, that a shifted kit must have
DOUBTFUL_HATS_GAIN = (
    0.15  # the same for hats on keys of bongos and congas, where no file that is General MIDI has a gain
)
TIME_SHARE = 0.15  # of the notes, that are a hat's or a ride's and no tom's or crash's
HAT_SHARE = 0.08  # of the notes, where hats stand on keys of bongos and congas
OCTAVE = 12


def _map_of(**notes: Sequence[int]) -> dict[int, int]:
    return {note: VOICE_INDEX[key] for key, own in notes.items() for note in own}


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
XG_KIT = _map_of(kick=(33, 34), snare=(25, 26, 27, 28, 29, 31))


# Log-likelihood of a hit's voice and place (bar start, half bar, other quarters, eighths, sixteenths) in the 4/4 takes
# of the Groove MIDI Dataset and 179 machine patterns; a take counts by the square root of its hits.
_PLACES = np.array(
    [
        [-3.3, -3.7, -3.6, -3.1, -2.9],
        [-4.2, -3.9, -2.7, -2.7, -2.0],
        [-3.5, -3.6, -2.8, -2.4, -2.7],
        [-5.9, -6.1, -5.2, -4.3, -4.6],
        [-5.9, -5.7, -4.7, -4.2, -4.3],
        [-7.3, -6.1, -5.8, -4.9, -4.9],
        [-6.1, -5.6, -5.1, -4.5, -4.0],
        [-5.3, -6.7, -6.1, -6.0, -6.5],
        [-4.6, -4.7, -4.0, -3.7, -4.1],
    ]
)
_USUAL_FOLDED, _RARE_FOLDED, _NO_DRUM = -5.0, -7.0, -9.0  # of notes that join a neighbour, or that a map has not


@dataclass(frozen=True)
class Played:
    """The notes that were read: pitches (N,), positions in steps (N,).

    is_hand_drums: a name says so; is_xg: the file is for a Yamaha XG module.
    """

    pitch: IntArray
    position: FloatArray
    meter: Meter
    is_hand_drums: bool
    is_xg: bool

    @cached_property
    def places(self) -> IntArray:
        """(128, 5) notes of each pitch at each place of the bar."""
        in_bar = np.rint(self.position % self.meter.steps_per_bar) % round(self.meter.steps_per_bar)
        kinds = [in_bar == 0, in_bar == self.meter.steps_per_bar / 2, in_bar % 4 == 0, in_bar % 2 == 0]
        place = np.select(kinds, [0, 1, 2, 3], 4)
        return np.bincount(self.pitch * 5 + place, minlength=128 * 5).reshape(128, 5)

    def has(self, pitches: Iterable[int]) -> bool:
        """Whether one of these pitches is played."""
        return bool(self.places[list(pitches)].any())

    def share(self, pitches: Iterable[int]) -> float:
        """Of all notes, those of these pitches."""
        return float(self.places[list(pitches)].sum() / len(self.pitch))

    def likelihood(self, table: FloatArray) -> float:
        """Mean log-likelihood of a note under a map's table (128, 5), see `_table_of`."""
        return float((self.places * table).sum() / len(self.pitch))


def recognized(played: Played, asked: KitMap, log: Log) -> Mapping[int, int]:
    """Note to voice where General MIDI is not meant; what the user chose is not looked at.

    Says which map was taken, and asks where General MIDI looks wrong and none is known for sure.
    """
    if asked.overrides:
        return {}
    if played.is_xg:
        found = {note: voice for note, voice in XG_KIT.items() if played.places[note].any()}
        if found:
            _say(log, "a Yamaha XG kit", found)
        return found
    if len(played.pitch) < MIN_NOTES or played.is_hand_drums or _IS_OWN[played.pitch].mean() >= OWN_SHARE:
        return {}
    general = played.likelihood(_GENERAL_TABLE)
    gains = {name: played.likelihood(table) - general for name, table in _TABLES.items() if _may_be(name, played)}
    name = max(gains, key=gains.__getitem__, default="")
    gain = gains.get(name, 0.0)
    if gain >= SURE_GAIN:
        found = {note: voice for note, voice in _KNOWN[name].items() if played.places[note].any()}
        _say(log, name, found)
        return found
    doubtful = DOUBTFUL_HATS_GAIN if name == _SUPERIOR else DOUBTFUL_GAIN
    if general < UNLIKELY or gain >= doubtful:
        most = int(np.bincount(played.pitch).argmax())
        other = name if gain > 0 else "another map, which only you know"
        log.ask("kit map", "General MIDI", (other,), f"--map NOTE=VOICE for each note, for instance {most}=closed_hat")
    return {}


def _may_be(name: str, played: Played) -> bool:
    """Whether a map that shares kick and snare with General MIDI shows notes that a General MIDI kit has not."""
    if name == _ADDICTIVE:
        # 60 to 65 are hats of other makers too: they count where 48 to 50 keep time.
        own = [54, 56, *range(66, 73), *range(77, 84)]
        keeps_time = played.has(range(60, 66)) and played.share(range(48, 51)) >= TIME_SHARE
        return not played.has([42, 44, 46]) and played.has(range(48, 54)) and (played.has(own) or keeps_time)
    if name == _SUPERIOR:
        is_hat = played.has(range(60, 66)) and not played.has([42, 44, 46, 66, 67, 68])
        return is_hat and played.share(TOONTRACK_HATS) >= HAT_SHARE
    return played.share(_KNOWN[name]) >= FITTING_SHARE


def _say(log: Log, name: str, found: Mapping[int, int]) -> None:
    log.change("kit_map", len(found), f"The notes are those of {name}, and were read so; a map of your own changes it.")


# Rim, clap, tambourine, cowbell, bongos, congas, timbales, agogos, shakers, claves, triangles.
_USUAL_PERCUSSION = frozenset([37, 39, 54, 56, *range(60, 71), 75, 76, 77, 80, 81, 82])
_KIT = KitMap()
_GENERAL_MIDI = {note: i for i, voice in enumerate(VOICES) for note in voice.mapped}
_IS_OWN = np.isin(np.arange(128), list(_GENERAL_MIDI))
_TOONTRACK = _GENERAL_MIDI | TOONTRACK_HATS
_ADDICTIVE, _SUPERIOR = "Addictive Drums 2", "Superior Drummer and EZdrummer"
_KNOWN: Mapping[str, Mapping[int, int]] = {
    _ADDICTIVE: ADDICTIVE_DRUMS_2,
    _SUPERIOR: _TOONTRACK,
    **{
        f"General MIDI {abs(shift) // OCTAVE} octave{'s' * (abs(shift) > OCTAVE)} {'up' if shift > 0 else 'down'}": {
            note + shift: voice for note, voice in _GENERAL_MIDI.items()
        }
        for shift in (-2 * OCTAVE, -OCTAVE, OCTAVE, 2 * OCTAVE)
    },
}


def _table_of(known: Mapping[int, int], has_percussion: bool) -> FloatArray:
    """Log-likelihood (128, 5) of each note at each place, where a map has these voices for the notes of its kit."""
    table = np.full((128, 5), _NO_DRUM)
    for note in range(128):
        if note in known:
            table[note] = _PLACES[known[note]]
        elif has_percussion and _KIT.is_folded(note):
            table[note] = _USUAL_FOLDED if note in _USUAL_PERCUSSION else _RARE_FOLDED
    return table


_GENERAL_TABLE = _table_of(_GENERAL_MIDI, has_percussion=True)
_TABLES = {name: _table_of(known, has_percussion=known is _TOONTRACK) for name, known in _KNOWN.items()}


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
    lone = len(notes) == 1 and notes[0] not in _GENERAL_MIDI
    return np.array(voices, dtype=np.int64) if shares or lone else None
