"""One-shots of drum kits, read once and kept in a folder: hydrogen's kits, soundfonts' kits, and kits made by rule.

A shot is mono int16 at RATE, begins on its onset and belongs to a voice (kit.VOICES) or to NONE: a clap, a shaker, a
cowbell, which a drum loop may hold and no voice is. An *articulation* is one way to strike a voice (a rim shot, a
pedal hat); its *layers* are the same stroke at several velocities. A kit's shots keep their levels against each other;
the hardest strokes of a whole kit have a peak of about one half.
"""

from __future__ import annotations

import re
import struct
import subprocess
import tempfile
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from math import gcd
from pathlib import Path

import numpy as np
from scipy.signal import resample_poly

from rhythmvae.audio.hits import RATE
from rhythmvae.groove import MAX_VELOCITY, FloatArray, IntArray
from rhythmvae.kit import N_VOICES, VOICE_INDEX
from rhythmvae.outputs import write_whole

NONE = N_VOICES  # the voice of a sound that is none of ours
LONGEST_SECONDS = 1.6
LONGEST_RINGING_SECONDS = 3.0  # of cymbals and open hats
RINGING = tuple(VOICE_INDEX[key] for key in ("open_hat", "crash", "ride"))
VELOCITIES = (18, 38, 58, 78, 100, 124)  # at which a soundfont is struck
SPACING_SECONDS = 3.2
HYDROGEN = Path("/usr/share/hydrogen/data/drumkits")
SOUNDFONTS = Path("/usr/share/sounds")
GM_KITS = (0, 8, 16, 24, 25, 32, 40, 48)
# The kits of each soundfont; None is the one kit of a soundfont of avldrums.lv2, which is no drum kit to General MIDI.
FONTS: dict[str, tuple[int | None, ...]] = {
    "sf2/Black_Pearl_4_LV2.sf2": (None,),
    "sf2/Red_Zeppelin_4_LV2.sf2": (None,),
    "sf2/FluidR3_GM.sf2": (*GM_KITS, 1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 33, 35, 41),
    "sf3/MuseScore_General_Lite.sf3": GM_KITS,
    "sf2/sf_GMbank.sf2": GM_KITS[:-1],
    "sf2/TimGM6mb.sf2": (0, 16, 32),
    "sf2/OPL-3_FM_128M.sf2": (0,),
}
GM_NOTES: dict[int, tuple[str, ...]] = {
    VOICE_INDEX["kick"]: ("36", "35"),
    VOICE_INDEX["snare"]: ("38", "40", "37"),
    VOICE_INDEX["closed_hat"]: ("42", "44"),
    VOICE_INDEX["open_hat"]: ("46",),
    VOICE_INDEX["low_tom"]: ("43", "41"),
    VOICE_INDEX["mid_tom"]: ("47", "45"),
    VOICE_INDEX["high_tom"]: ("50", "48"),
    VOICE_INDEX["crash"]: ("49", "57", "55", "52"),
    VOICE_INDEX["ride"]: ("51", "59", "53"),
    NONE: ("39", "54", "56", "69", "70", "75", "76", "82"),
}
# The two kits of avldrums.lv2 have a map of their own (its README).
AVL_NOTES = GM_NOTES | {
    VOICE_INDEX["kick"]: ("36",),
    VOICE_INDEX["open_hat"]: ("46", "48"),
    VOICE_INDEX["low_tom"]: ("41", "43"),
    VOICE_INDEX["mid_tom"]: ("45", "47"),
    VOICE_INDEX["high_tom"]: (),
    VOICE_INDEX["crash"]: ("49", "57", "55"),
    NONE: ("39", "54", "56"),
}
# Words in the names of hydrogen's instruments, the first that fits; a voice of None is left out.
WORDS: tuple[tuple[str, int | None], ...] = (
    (r"roll|flink|swish|choke|zap|fx|whistle|^click|^stick$|^sample|beats_|redo|^\d+$|^$|^\S+ - *$", None),
    (r"side.?stick|rim ?click|- stick", VOICE_INDEX["snare"]),
    (r"clap|snap|tambour|cowbell|agogo|maraca|clave|woodblock|glass|conga|bongo", NONE),
    (r"kick|bass ?drum|thump", VOICE_INDEX["kick"]),
    (r"snare|cajon slap", VOICE_INDEX["snare"]),
    (r"semi|hat op|open|side ohh|\bop$|1 op|hat free", VOICE_INDEX["open_hat"]),
    (r"hat|hh\b|hi-hat|hh \d", VOICE_INDEX["closed_hat"]),
    (r"crash/ride bow|crash/ride bell", VOICE_INDEX["ride"]),
    (r"crash|splash|china|- cymbal", VOICE_INDEX["crash"]),
    (r"ride|bell \(|paiste bell", VOICE_INDEX["ride"]),
    (r"tom.?low|low tom|floor|tom lo$", VOICE_INDEX["low_tom"]),
    (r"tom.?mid|middle tom|tom 2|^tom$", VOICE_INDEX["mid_tom"]),
    (r"tom.?hi|high tom|tom 1", VOICE_INDEX["high_tom"]),
)


@dataclass(frozen=True)
class Shot:
    """One stroke. velocity: at which it was struck, 1 to 127."""

    voice: int
    articulation: int
    velocity: int
    wave: FloatArray


@dataclass(frozen=True, eq=False)
class Kit:
    """Shots by voice, articulation and layer, the layers from soft to hard: `shots[voice][articulation][layer]`.

    A layer is its velocity and its sound, (S,) int16.
    """

    name: str
    shots: dict[int, list[list[tuple[int, IntArray]]]]

    def has(self, voice: int) -> bool:
        return bool(self.shots.get(voice))


# -- reading -------------------------------------------------------------------


def gather(folder: Path) -> list[Path]:
    """Read every kit that is installed into `folder`, those that are there already left alone; their files, sorted."""
    folder.mkdir(parents=True, exist_ok=True)
    for place in sorted(HYDROGEN.glob("*/drumkit.xml")):
        _keep(folder, f"hydrogen-{_plain(place.parent.name)}", partial(hydrogen_kit, place))
    for below, programs in FONTS.items():
        font = SOUNDFONTS / below
        for program in programs if font.is_file() else ():
            name = f"sf-{_plain(font.stem)}-{program or 0}"
            _keep(folder, name, partial(soundfont_kit, font, program))
    return sorted(folder.glob("*.npz"))


def _plain(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9]+", "_", name).strip("_")


def _keep(folder: Path, name: str, make: Callable[[], Iterator[Shot]]) -> None:
    path = folder / f"{name}.npz"
    if path.exists():
        return
    save(path, list(make()))


def hydrogen_kit(path: Path) -> Iterator[Shot]:
    """The shots of a hydrogen drumkit.xml."""
    import soundfile

    counts: dict[int, int] = {}
    for instrument in _all(ET.parse(path).getroot(), "instrument"):
        name = (_text(instrument, "name") or "").lower()
        voice = voice_of(name)
        layers = _all(instrument, "layer") or [instrument]  # old files have a single sound, and no layers
        layers = [each for each in layers if (path.parent / str(_text(each, "filename"))).is_file()]
        if voice is None or not layers:
            continue
        articulation = counts.get(voice, 0)
        counts[voice] = articulation + 1
        volume = float(_text(instrument, "volume") or 1.0) * float(_text(instrument, "gain") or 1.0)
        for layer in layers:
            wave, rate = soundfile.read(path.parent / str(_text(layer, "filename")), dtype="float32", always_2d=True)
            low, high = (float(_text(layer, key) or each) for key, each in (("min", "0"), ("max", "1")))
            hardness = min(high, 1.0) if len(layers) == 1 else (low + high) / 2
            own = 1.0 if layer is instrument else float(_text(layer, "gain") or 1.0)
            gain = volume * own * (hardness if len(layers) > 1 else 1.0)
            yield Shot(voice, articulation, max(1, round(MAX_VELOCITY * hardness)), mono(wave, rate) * np.float32(gain))


def _all(node: ET.Element, tag: str) -> list[ET.Element]:
    return [each for each in node.iter() if each.tag.rpartition("}")[2] == tag]


def _text(node: ET.Element, tag: str) -> str | None:
    return next((each.text for each in node if each.tag.rpartition("}")[2] == tag), None)


def voice_of(name: str) -> int | None:
    """The voice of an instrument by its name, NONE for one that is none of ours, None for one to be left out."""
    return next((voice for pattern, voice in WORDS if re.search(pattern, name.lower())), None)


def soundfont_kit(font: Path, program: int | None) -> Iterator[Shot]:
    """The shots of a kit of a soundfont, each of its notes struck at VELOCITIES by fluidsynth.

    Args:
        program: of a General MIDI soundfont; None for one of avldrums.lv2, whose kit is no drum kit to General MIDI.
    """
    places = [
        (voice, articulation, int(note), velocity)
        for voice, notes in (AVL_NOTES if program is None else GM_NOTES).items()
        for articulation, note in enumerate(notes)
        for velocity in VELOCITIES
    ]
    channel = 0 if program is None else 9
    notes = [(i * SPACING_SECONDS, channel, note, velocity, 0.5) for i, (_, _, note, velocity) in enumerate(places)]
    wave = play(font, notes, {channel: program or 0}, len(places) * SPACING_SECONDS)
    step = round(SPACING_SECONDS * RATE)
    for i, (voice, articulation, _, velocity) in enumerate(places):
        yield Shot(voice, articulation, velocity, wave[i * step : (i + 1) * step])


Note = tuple[float, int, int, int, float]  # start in seconds, channel, pitch, velocity, length in seconds


def play(font: Path, notes: Sequence[Note], programs: dict[int, int], seconds: float) -> FloatArray:
    """Notes by fluidsynth without its reverb, mono at RATE, so many seconds."""
    import soundfile

    with tempfile.TemporaryDirectory() as folder:
        Path(f"{folder}/notes.mid").write_bytes(_midi(notes, programs, seconds))
        command = ["fluidsynth", "-niq", "-R", "0", "-C", "0", "-g", "0.5", "-r", "44100", "-T", "wav"]
        command += ["-F", f"{folder}/notes.wav", str(font), f"{folder}/notes.mid"]
        subprocess.run(command, check=True, capture_output=True)
        wave, rate = soundfile.read(f"{folder}/notes.wav", dtype="float32", always_2d=True)
    n, wanted = round(seconds * RATE), mono(wave, rate)
    return np.pad(wanted[:n], (0, max(n - len(wanted), 0)))


def _midi(notes: Sequence[Note], programs: dict[int, int], seconds: float) -> bytes:
    """A MIDI file of one track, 1 ms a tick, in any voices: our own writer knows drums alone."""
    events = [(0.0, bytes([0xC0 + channel, program])) for channel, program in programs.items()]
    for start, channel, pitch, velocity, length in notes:
        events.append((start, bytes([0x90 + channel, pitch, velocity])))
        events.append((start + length, bytes([0x90 + channel, pitch, 0])))
    track, now = b"\x00\xff\x51\x03" + (500_000).to_bytes(3, "big"), 0
    for at, message in [*sorted(events, key=lambda event: event[0]), (seconds, b"\xff\x2f\x00")]:
        track += _variable(round(1000 * at) - now) + message
        now = round(1000 * at)
    return b"MThd" + struct.pack(">IHHH", 6, 0, 1, 500) + b"MTrk" + struct.pack(">I", len(track)) + track


def _variable(n: int) -> bytes:
    """A number as MIDI files have it, seven bits a byte.

    >>> _variable(200).hex()
    '8148'
    """
    return (_variable_head(n >> 7) if n > 127 else b"") + bytes([n & 127])


def _variable_head(n: int) -> bytes:
    return (_variable_head(n >> 7) if n > 127 else b"") + bytes([n & 127 | 128])


def mono(wave: FloatArray, rate: int) -> FloatArray:
    """(S, C) at any rate to (S,) at RATE."""
    one = wave.mean(axis=1)
    common = gcd(rate, RATE)
    resampled = one if rate == RATE else resample_poly(one, RATE // common, rate // common)
    return np.asarray(resampled, dtype=np.float32)


# -- keeping -------------------------------------------------------------------


def trimmed(wave: FloatArray, voice: int) -> FloatArray | None:
    """A shot from its onset on, as long as it is heard, faded at its end; None where there is nothing."""
    level = np.abs(wave)
    peak = float(level.max(initial=0.0))
    if peak < 1e-4:
        return None
    first = max(int(np.argmax(level > 0.08 * peak)) - 8, 0)
    longest = LONGEST_RINGING_SECONDS if voice in RINGING else LONGEST_SECONDS
    wave = wave[first : first + round(longest * RATE)]
    heard = np.flatnonzero(np.abs(wave) > 2e-3 * peak)
    wave = wave[: int(heard[-1]) + 1].copy()
    n = min(len(wave) // 4, 2000)
    wave[len(wave) - n :] *= np.linspace(1, 0, n, dtype=np.float32)
    return wave


def save(path: Path, shots: Sequence[Shot]) -> None:
    """Keep a kit's shots in one file."""
    kept = [(s, wave) for s in shots if (wave := trimmed(s.wave, s.voice)) is not None]
    if not kept:  # djembes and bells: nothing of ours
        return
    hard = [float(np.abs(wave).max()) for s, wave in kept if s.voice < 2 and s.velocity > 90] or [1.0]
    scale = 0.5 * 32767 / float(np.median(hard))
    waves = [np.clip(wave * scale, -32768, 32767).astype(np.int16) for _, wave in kept]
    table = np.array([(s.voice, s.articulation, s.velocity, len(w)) for (s, _), w in zip(kept, waves, strict=True)])
    with tempfile.TemporaryFile() as file:
        np.savez(file, table=table, wave=np.concatenate(waves))
        file.seek(0)
        write_whole(path, file.read())


def load(path: Path) -> Kit:
    """A kit as `save` kept it."""
    with np.load(path, allow_pickle=False) as arrays:
        table, wave = arrays["table"], arrays["wave"]
    return of_table(path.stem, table, wave)


def of_table(name: str, table: IntArray, wave: IntArray) -> Kit:
    """A kit out of rows (voice, articulation, velocity, samples) and their sounds end to end."""
    ends = np.cumsum(table[:, 3])
    shots: dict[int, dict[int, list[tuple[int, IntArray]]]] = {}
    for (voice, articulation, velocity, n), end in zip(table.tolist(), ends.tolist(), strict=True):
        shots.setdefault(voice, {}).setdefault(articulation, []).append((velocity, wave[end - n : end]))
    return Kit(
        name,
        {
            voice: [sorted(layers, key=lambda layer: layer[0]) for layers in articulations.values()]
            for voice, articulations in shots.items()
        },
    )
