"""The voice table: which drums exist, what they are called, and which notes are theirs.

Nine voices, in the order of the tensor axis V everywhere. The reader, the writer,
the synthesiser, the plots and the pages all read this table and no other.

A note is *mapped* when it is the voice's own instrument (an electric snare is a
snare) and *folded* when it is a neighbour's (a hand clap joins the snare). Notes
follow General MIDI, with the pads of Roland V-Drums (the kit of the Groove MIDI
Dataset) where General MIDI has nothing, and in one place where the two disagree:
58 is Roland's third tom rim, not GM's vibraslap. Sticks, square click and metronome (31 to
34) are a count-in or a click and play nothing unless they are mapped.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from rhythmvae.errors import UsageError
from rhythmvae.text import did_you_mean


@dataclass(frozen=True)
class Voice:
    """One row of the kit."""

    key: str  # name in code, options and JSON
    label: str  # name on a page
    pitch: int  # MIDI note written
    color: str  # hex, readable on light and dark
    mapped: tuple[int, ...]  # MIDI notes that are this instrument
    folded: tuple[int, ...]  # MIDI notes of neighbours that join it


VOICES: tuple[Voice, ...] = (
    Voice("kick", "Kick", 36, "#d1495b", (35, 36), (86, 87)),
    Voice(
        "snare",
        "Snare",
        38,
        "#e08e1b",
        (38, 40),
        (25, 28, 29, 30, 37, 39, 75, 76, 77, 85),
    ),
    Voice("closed_hat", "Closed hat", 42, "#2a9d8f", (22, 42, 44), (21, 27, 54, 69, 70, 73, 80, 82, 83)),
    Voice("open_hat", "Open hat", 46, "#3fa34d", (26, 46), (23, 24, 71, 72, 74, 81)),
    Voice("low_tom", "Low tom", 43, "#6d6ad6", (41, 43, 58), (64, 79)),
    Voice("mid_tom", "Mid tom", 47, "#8f63d2", (45, 47), (61, 63, 66, 78)),
    Voice("high_tom", "High tom", 50, "#b05cc6", (48, 50), (60, 62, 65)),
    Voice("crash", "Crash", 49, "#3d8bd4", (49, 57), (52, 55, 84)),
    Voice("ride", "Ride", 51, "#4f7cac", (51, 53, 59), (56, 67, 68)),
)

N_VOICES = len(VOICES)
VOICE_KEYS: tuple[str, ...] = tuple(v.key for v in VOICES)
VOICE_INDEX: dict[str, int] = {v.key: i for i, v in enumerate(VOICES)}

# Voices that one slider moves together.
GROUPS: dict[str, tuple[str, ...]] = {
    "kick": ("kick",),
    "snare": ("snare",),
    "hats": ("closed_hat", "open_hat"),
    "toms": ("low_tom", "mid_tom", "high_tom"),
    "cymbals": ("crash", "ride"),
}

DRUM_CHANNEL = 10  # as musicians count, from 1

NOTE_NAMES: dict[int, str] = {
    21: "Hi-hat pedal (extended)",
    22: "Closed hi-hat edge",
    23: "Half-open hi-hat (extended)",
    24: "Open hi-hat (extended)",
    25: "Snare roll",
    26: "Open hi-hat edge",
    27: "High Q",
    28: "Slap",
    29: "Scratch push",
    30: "Scratch pull",
    31: "Sticks",
    32: "Square click",
    33: "Metronome click",
    34: "Metronome bell",
    35: "Acoustic bass drum",
    36: "Bass drum",
    37: "Side stick",
    38: "Acoustic snare",
    39: "Hand clap",
    40: "Electric snare",
    41: "Low floor tom",
    42: "Closed hi-hat",
    43: "High floor tom",
    44: "Pedal hi-hat",
    45: "Low tom",
    46: "Open hi-hat",
    47: "Low-mid tom",
    48: "High-mid tom",
    49: "Crash cymbal 1",
    50: "High tom",
    51: "Ride cymbal 1",
    52: "China cymbal",
    53: "Ride bell",
    54: "Tambourine",
    55: "Splash cymbal",
    56: "Cowbell",
    57: "Crash cymbal 2",
    58: "Tom 3 rim / vibraslap",
    59: "Ride cymbal 2",
    60: "High bongo",
    61: "Low bongo",
    62: "Mute high conga",
    63: "Open high conga",
    64: "Low conga",
    65: "High timbale",
    66: "Low timbale",
    67: "High agogo",
    68: "Low agogo",
    69: "Cabasa",
    70: "Maracas",
    71: "Short whistle",
    72: "Long whistle",
    73: "Short guiro",
    74: "Long guiro",
    75: "Claves",
    76: "High wood block",
    77: "Low wood block",
    78: "Mute cuica",
    79: "Open cuica",
    80: "Mute triangle",
    81: "Open triangle",
    82: "Shaker",
    83: "Jingle bell",
    84: "Bell tree",
    85: "Castanets",
    86: "Mute surdo",
    87: "Open surdo",
}


def note_name(pitch: int) -> str:
    """Percussion name of a MIDI note, or ``Note 99`` where there is none."""
    return NOTE_NAMES.get(pitch, f"Note {pitch}")


_MAPPED = {p: i for i, v in enumerate(VOICES) for p in v.mapped}
_FOLDED = {p: i for i, v in enumerate(VOICES) for p in v.folded}


LEFT_OUT = "none"  # the voice, in text, of a note that plays nothing


def voice_key(voice: int | None) -> str:
    """A voice index as text: its key, or LEFT_OUT for None."""
    return LEFT_OUT if voice is None else VOICE_KEYS[voice]


@dataclass(frozen=True)
class KitMap:
    """Which voice each MIDI note plays: the table above, and the user's own choices on top.

    Args:
        overrides: note (0 to 127) to voice index, or to None to leave the note out.
    """

    overrides: Mapping[int, int | None] = field(default_factory=dict)

    def voice_of(self, pitch: int) -> int | None:
        """Voice index of a note, or None where it plays nothing."""
        if pitch in self.overrides:
            return self.overrides[pitch]
        return _MAPPED.get(pitch, _FOLDED.get(pitch))

    def is_folded(self, pitch: int) -> bool:
        """True where a note is a neighbour's instrument, not the voice's own."""
        return pitch not in self.overrides and pitch in _FOLDED

    @property
    def rules(self) -> dict[str, str]:
        """The choices as text, by note, as a checkpoint's card and a run's file have them.

        >>> KitMap({44: 0, 39: None}).rules
        {'39': 'none', '44': 'kick'}
        """
        return {str(note): voice_key(voice) for note, voice in sorted(self.overrides.items())}

    @classmethod
    def parse(cls, rules: Iterable[str]) -> KitMap:
        """Rules as the command line takes them.

        >>> KitMap.parse(["44=kick", "39=none"]).overrides
        {44: 0, 39: None}

        Raises:
            UsageError: a rule that is not NOTE=VOICE.
        """
        overrides: dict[int, int | None] = {}
        for rule in rules:
            note, equals, voice = rule.partition("=")
            is_number = note.strip().isascii() and note.strip().isdigit() and len(note) <= 8
            if not (equals and is_number and int(note) <= 127):
                raise UsageError(f"Expected a rule such as 44=kick with a note from 0 to 127, got {rule[:40]!r}.")
            key = voice.strip().lower().replace("-", "_").replace(" ", "_")
            if key != LEFT_OUT and key not in VOICE_INDEX:
                raise UsageError(
                    f"Expected a voice out of {', '.join(VOICE_KEYS)} or {LEFT_OUT} in {rule[:40]!r}, "
                    f"got {key[:40]!r}{did_you_mean(key, (*VOICE_KEYS, LEFT_OUT))}"
                )
            overrides[int(note)] = VOICE_INDEX.get(key)
        return cls(overrides)
