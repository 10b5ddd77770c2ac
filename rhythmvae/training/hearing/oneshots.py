"""Single sounds of drums, and kits drawn out of them: a kick of here with a snare of there and toms of a third.

Most of what an unknown kit is are known kinds of drums in a company that nobody has heard. The sounds are those of
Debian's sonic-pi-samples, lmms-common (also patches of DrumSynth) and freepats, and what else lies in a folder. A
*piece* is one drum with one sound, or two, soft and hard.
"""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from rhythmvae.audio.hits import RATE
from rhythmvae.groove import FloatArray
from rhythmvae.kit import VOICE_INDEX
from rhythmvae.training.hearing import drumsynth
from rhythmvae.training.hearing.made import level_of
from rhythmvae.training.hearing.samples import GM_NOTES, NONE, Shot, mono, trimmed

SONIC_PI = Path("/usr/share/sonic-pi/samples")
LMMS = Path("/usr/share/lmms/samples")
FREEPATS = Path("/usr/share/midi/freepats/Drum_000")
TOMS = tuple(VOICE_INDEX[key] for key in ("low_tom", "mid_tom", "high_tom"))
TOM = TOMS[1]  # the voice of a tom of which nobody says which it is
SOFT, HARD = 60, 120
FOR_CHOOSING = 6  # every so many a piece is kept to choose by
SECOND_SHARE = 0.25  # of pool kits' kicks, snares and hats that may be struck another way
# The first that fits the folder and name of a file; None is left out.
WORDS: tuple[tuple[str, int | None], ...] = (
    (r"effects/|instrument/|_fx/|_synth/|_bass/|misc_electro/|magnetboy/|^tbd_|^bass|loop|roll|backwd|snare&hat", None),
    (r"tomita|zap", None),
    (r"snare|snr|(?:^|/|_)sn?_|_sn(?:\b|_)|rim|side.?stick|_stk", VOICE_INDEX["snare"]),
    (r"cla[pv]|_clp|cow|conga|bongo|maraca|tamb|shak|cabasa|guiro|triangle|_cga|_cab|wood|taiko|timbal|tabla", NONE),
    (r"snap|perc_bell", NONE),
    (r"kick|(?:^|[_/\d])bd(?:\b|_)|bass_?drum|drum_bass|(?:^|/)k_|_kik", VOICE_INDEX["kick"]),
    (r"tom_?l|low_(?:key_)?tom", TOMS[0]),
    (r"tom_?hi?(?:\b|_|\d)", TOMS[2]),
    (r"tom", TOM),
    (r"cymbal_(?:closed|pedal)|closed|pedal", VOICE_INDEX["closed_hat"]),
    (r"open|_oh(?:\b|_)|hat[_-]o", VOICE_INDEX["open_hat"]),
    (r"ride", VOICE_INDEX["ride"]),
    (r"cym|crash|splash|china", VOICE_INDEX["crash"]),
    (r"hat|_hh|hh(?:\b|_)", VOICE_INDEX["closed_hat"]),
)


@dataclass(frozen=True, eq=False)
class Piece:
    """A drum by itself. sounds: at which velocity, and the sound with a peak of at most one, (S,) float32 at RATE."""

    name: str
    voice: int
    sounds: list[tuple[int, FloatArray]]

    @property
    def for_choosing(self) -> bool:
        """Whether it is kept to choose by: as its name says it, whatever else is there; freepats are whole."""
        return self.name.startswith("freepats/") or zlib.crc32(self.name.encode()) % FOR_CHOOSING == 0


def voice_of(name: str) -> int | None:
    """The voice of a file by its folder and name, NONE for one that is none of ours, None for one to be left out."""
    return next((voice for pattern, voice in WORDS if re.search(pattern, name.lower())), None)


def pieces(more: Path | None = None) -> list[Piece]:
    """Every piece that is installed and in the folder `more`, in the order of their names."""
    found: dict[str, list[tuple[int, int, FloatArray]]] = {}
    for name, voice, wave in _sounds([SONIC_PI, LMMS / "drums", *([more] if more else [])]):
        drum = re.sub(r"_(?:hard|soft)$", "", name)
        is_pair = drum.startswith("drum_")
        velocity = SOFT if is_pair and name.endswith("_soft") else HARD
        cut = trimmed(wave, voice)
        if cut is not None and len(cut) > 0.01 * RATE:
            found.setdefault(drum if is_pair else name, []).append((voice, velocity, cut))
    whole = []
    for name, rows in sorted(found.items()):
        top = max(float(np.abs(wave).max()) for _, _, wave in rows)
        sounds = [(velocity, np.asarray(wave / top, dtype=np.float32)) for _, velocity, wave in rows]
        whole.append(Piece(name, rows[0][0], sorted(sounds, key=lambda each: each[0])))
    return whole


def _sounds(folders: Sequence[Path]) -> Iterator[tuple[str, int, FloatArray]]:
    import soundfile

    seen: set[str] = set()
    for folder in folders:
        for path in sorted([*folder.glob("*.flac"), *folder.glob("*.ogg")]):
            voice = voice_of(path.stem)
            if voice is not None and path.stem not in seen:
                seen.add(path.stem)
                try:
                    wave, rate = soundfile.read(path, dtype="float32", always_2d=True)
                except soundfile.LibsndfileError:  # one of LMMS' is no sound
                    continue
                yield path.stem, voice, mono(wave, rate)
    for path in sorted(FREEPATS.glob("*.pat")):
        found = next((voice for voice, notes in GM_NOTES.items() if str(int(path.stem[:3])) in notes), None)
        if found is not None:
            yield f"freepats/{path.stem}", found, patch(path.read_bytes())
    for path in sorted((LMMS / "drumsynth").glob("*/*.ds")):
        name = f"{path.parent.name}/{path.stem}"
        voice = voice_of(name)
        if voice is not None:
            rng = np.random.default_rng(zlib.crc32(name.encode()))
            yield name, voice, drumsynth.render(path.read_bytes().decode("latin-1"), rng)


HEAD, SAMPLE_HEAD = 239, 96  # bytes of a patch before its first sample's head, and of that


def patch(data: bytes) -> FloatArray:
    """The first sound of a Gravis patch, (S,) float32 at RATE."""
    size, _, _, rate = struct.unpack_from("<IIIH", data, HEAD + 8)
    modes = data[HEAD + 55]
    raw = data[HEAD + SAMPLE_HEAD :][:size]
    wave = np.frombuffer(raw[: size // 2 * 2], "<i2") / 32768 if modes & 1 else np.frombuffer(raw, np.int8) / 128
    if modes & 2:  # unsigned
        wave = (wave + 2) % 2 - 1
    return mono(wave[:, None].astype(np.float32), rate)


def kit(own: Sequence[Piece], rng: np.random.Generator) -> Iterator[Shot]:
    """The shots of a kit drawn out of pieces: one of each voice, now and then a second way to strike it."""
    by_voice: dict[int, list[Piece]] = {}
    for piece in own:
        by_voice.setdefault(TOM if piece.voice in TOMS else piece.voice, []).append(piece)
    for voice, choice in sorted(by_voice.items()):
        if voice == TOM:
            yield from _toms(choice, rng)
            continue
        n = 1 + int(rng.random() < SECOND_SHARE) if voice != NONE else 3
        gain = 10 ** (rng.normal(0, 2.5) / 20)
        for articulation, i in enumerate(rng.permutation(len(choice))[:n].tolist()):
            yield from _struck(choice[i], voice, articulation, gain, 1.0)


def _toms(choice: Sequence[Piece], rng: np.random.Generator) -> Iterator[Shot]:
    """Three toms: one piece at three pitches, or three by their pitch."""
    gain = 10 ** (rng.normal(0, 2.5) / 20)
    if rng.random() < 0.6 or len(choice) < 3:
        piece, speed = choice[int(rng.integers(len(choice)))], 1.0
        speed = 2 ** (rng.uniform(-8, 0) / 12) * (0.75 if piece.voice == TOMS[2] else 1.0)
        for voice in TOMS:
            yield from _struck(piece, voice, 0, gain, speed)
            speed *= 2 ** (rng.uniform(2, 7) / 12)
        return
    drawn = [choice[i] for i in rng.permutation(len(choice))[:3].tolist()]
    for voice, piece in zip(TOMS, sorted(drawn, key=lambda each: pitch(each.sounds[-1][1])), strict=True):
        yield from _struck(piece, voice, 0, gain, 1.0)


def pitch(wave: FloatArray) -> float:
    """The loudest frequency between 40 and 500 Hz of a drum's first half second, in Hz."""
    n = 1 << 15
    power = np.abs(np.fft.rfft(wave[: RATE // 2] * np.exp(-np.arange(min(len(wave), RATE // 2)) / (0.1 * RATE)), n))
    low, high = round(40 * n / RATE), round(500 * n / RATE)
    return float((low + power[low:high].argmax()) * RATE / n)


def _struck(piece: Piece, voice: int, articulation: int, gain: float, speed: float) -> Iterator[Shot]:
    for velocity, wave in piece.sounds:
        if speed != 1.0:
            wave = np.interp(np.arange(0, len(wave) - 1, speed), np.arange(len(wave)), wave).astype(np.float32)
        yield Shot(voice, articulation, velocity, wave * np.float32(gain * level_of(voice)))
