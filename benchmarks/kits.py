"""The kits of several strengths: made anew, and how loud and how large each is.

    python -m benchmarks.kits --make
    python -m benchmarks.kits

`--make` writes rhythmvae/sound/kits/*.flac and layered.json. It needs Debian's fluidsynth, fluid-soundfont-gm and
hydrogen-drumkits, whose recordings may be given on (rhythmvae/sound/kits/NOTICE.md). Every kit then plays the
built-in patterns and is measured: loudness (ITU-R BS.1770, by pyloudnorm) beside the house kit's, bytes, and the part
of the hits at whose onset the sound's energy rises.
"""

from __future__ import annotations

import argparse
import json
import struct
import subprocess
import tempfile
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyloudnorm
import soundfile
from scipy.signal import butter, resample, resample_poly, sosfilt

from rhythmvae.data.examples import EXAMPLES, example
from rhythmvae.groove import FloatArray, Groove
from rhythmvae.kit import VOICE_KEYS, VOICES
from rhythmvae.sound import kits, synth
from rhythmvae.sound.kits import FOLDER, SAMPLE_RATE, layered, machine

LABELS = {"acoustic": "Acoustic", "electronic": "Electronic", "808": "808"}
LAYERS = ((1, 0.0), (56, 0.5), (100, 1.0))  # from which velocity on, and how hard
TURNS = 2  # strokes of a layer that take turns
FROM_FONT = ((34, 28), (84, 70), (124, 108))  # velocities at which the font is asked for each layer's turns
DETUNED = 0.004  # of the second stroke's pitch: another spot of the head
SECONDS = {"crash": 1.7, "ride": 1.2, "open_hat": 0.7, "closed_hat": 0.16, "kick": 0.5, "snare": 0.4}
TOM_SECONDS = 0.6
FONT = Path("/usr/share/sounds/sf2/FluidR3_GM.sf2")
DRUMKITS = Path("/usr/share/hydrogen/data/drumkits")
RUMPF = DRUMKITS / "rumpf_kit_z01_h2"
# One recording each; the lowest frequency that is the drum's, in Hz: below lies what the recorder added.
ELECTRONIC = {
    "kick": ("06-38", 35.0),
    "snare": ("06-25", 110.0),
    "closed_hat": ("09-10", 2_000.0),
    "open_hat": ("06-28", 1_500.0),
    "low_tom": ("08-17", 60.0),
    "mid_tom": ("08-18", 80.0),
    "high_tom": ("08-19", 100.0),
    "crash": ("06-43", 300.0),
    "ride": ("06-45", 700.0),
}
GAP = 64  # samples of silence behind each stroke
WITHIN_LU = 1.0


# -- making ---------------------------------------------------------------------


def make() -> None:
    """Write the three kits and where everything stands in them."""
    index = {}
    for key, label in LABELS.items():
        voices: dict[str, list[tuple[int, list[tuple[int, int]]]]] = {}
        parts: list[FloatArray] = []
        at = 0
        for voice in VOICE_KEYS:
            layers = []
            for layer, (from_velocity, _) in enumerate(LAYERS):
                places = []
                for turn in range(TURNS):
                    stroke = finished(voice, STROKES[key](voice, layer, turn))
                    parts += [stroke, np.zeros(GAP)]
                    places.append((at, len(stroke)))
                    at += len(stroke) + GAP
                layers.append((from_velocity, places))
            voices[voice] = layers
        sound = np.concatenate(parts)
        gain = float(np.abs(sound).max() / 0.97)
        soundfile.write(FOLDER / f"{key}.flac", sound / gain, SAMPLE_RATE, subtype="PCM_16")
        index[key] = {"label": label, "gain": gain, "voices": voices}
        layered.INDEX.write_text(json.dumps(index, separators=(",", ":")) + "\n", "utf-8")
    level(index)


def level(index: dict[str, dict[str, object]]) -> None:
    """Every kit as loud as the house's over the patterns, by its gain."""
    wanted = loudness(layered.HOUSE)
    for _ in range(2):  # the soft knee bends what is loud: once is not quite enough
        layered.index_file.cache_clear()
        layered.index.cache_clear()
        layered.samples.cache_clear()
        for key in index:
            gain = index[key]["gain"]
            assert isinstance(gain, float)
            index[key]["gain"] = round(gain * 10 ** ((wanted - loudness(key)) / 20), 4)
        layered.INDEX.write_text(json.dumps(index, separators=(",", ":")) + "\n", "utf-8")
    layered.index_file.cache_clear()
    layered.index.cache_clear()
    layered.samples.cache_clear()


def finished(voice: str, stroke: FloatArray) -> FloatArray:
    """A stroke that starts at its onset, ends in silence and is as loud as the house kit's drum."""
    peak = np.abs(stroke).max()
    onset = max(int(np.flatnonzero(np.abs(stroke) > 0.08 * peak)[0]) - 12, 0)
    stroke = stroke[onset:]
    loud = np.flatnonzero(np.abs(stroke) > 0.002 * peak)[-1] + 1
    n = min(int(loud), round(SECONDS.get(voice, TOM_SECONDS) * SAMPLE_RATE), len(stroke))
    stroke = stroke[:n].copy()
    stroke[:12] *= np.arange(1, 13) / 12
    fade = n // 4
    stroke[-fade:] *= 0.5 + 0.5 * np.cos(np.linspace(0, np.pi, fade))
    house = kits.samples(voice) / 32_768
    return np.asarray(stroke * 10 ** ((loudest(house) - loudest(stroke)) / 20))


def loudest(sound: FloatArray) -> float:
    """K-weighted level of the loudest 100 ms, in dB."""
    meter = pyloudnorm.Meter(SAMPLE_RATE)
    padded = np.pad(sound, (0, SAMPLE_RATE // 5))
    for weighting in meter._filters.values():
        padded = weighting.apply_filter(padded)
    total = np.concatenate(([0.0], np.cumsum(padded**2)))
    window = SAMPLE_RATE // 10
    return float(10 * np.log10((total[window:] - total[:-window]).max() / window))


def acoustic(voice: str, layer: int, turn: int) -> FloatArray:
    """A note of the font, at another strength for each turn: kick and snare have recordings of seven."""
    pitch = next(v.pitch for v in VOICES if v.key == voice)
    sound = played_by_font(pitch, FROM_FONT[layer][turn])
    return detuned(sound, turn)


def electronic(voice: str, layer: int, turn: int) -> FloatArray:
    """A recording, the softer the darker."""
    name, low_hz = ELECTRONIC[voice]
    sound, rate = soundfile.read(RUMPF / f"beats_{name}.flac", always_2d=True)
    mono = resample_poly(sound.mean(axis=1), 147, 160)
    assert rate == 48_000
    mono = sosfilt(butter(2, low_hz, "highpass", fs=SAMPLE_RATE, output="sos"), mono)
    strength = LAYERS[layer][1]
    if strength < 1:
        high_hz = 2_500 * (16_000 / 2_500) ** (0.35 + strength)
        mono = sosfilt(butter(1, min(high_hz, 18_000), fs=SAMPLE_RATE, output="sos"), mono)
    return detuned(mono, turn)


def drum_machine(voice: str, layer: int, turn: int) -> FloatArray:
    seed = zlib.crc32(f"{voice} {layer} {turn}".encode())
    return machine.RECIPES[voice](np.random.default_rng(seed), LAYERS[layer][1])


STROKES = {"acoustic": acoustic, "electronic": electronic, "808": drum_machine}


def detuned(sound: FloatArray, turn: int) -> FloatArray:
    return np.asarray(resample(sound, round(len(sound) * (1 + DETUNED * turn))))


def played_by_font(pitch: int, velocity: int) -> FloatArray:
    """(S,) mono, one note of the font's drums without room or chorus."""
    track = bytes([0, 0x99, pitch, velocity, 0x8F, 0x00, 0x89, pitch, 0, 0, 0xFF, 0x2F, 0])  # 1,920 ticks: 2 s
    smf = b"MThd" + struct.pack(">IHHH", 6, 0, 1, 480) + b"MTrk" + struct.pack(">I", len(track)) + track
    with tempfile.TemporaryDirectory() as folder:
        midi, wav = Path(folder, "note.mid"), Path(folder, "note.wav")
        midi.write_bytes(smf)
        command = ["fluidsynth", "-ni", "-q", "-R", "0", "-C", "0", "-g", "0.6", "-r", str(SAMPLE_RATE)]
        subprocess.run([*command, "-F", str(wav), str(FONT), str(midi)], check=True, capture_output=True)
        sound, _ = soundfile.read(wav, always_2d=True)
    return np.asarray(sound.mean(axis=1))


# -- measuring ------------------------------------------------------------------


def patterns() -> Iterator[Groove]:
    for key in EXAMPLES:
        yield example(key)


def loudness(kit: str) -> float:
    """Integrated loudness of the patterns in a row, LUFS."""
    sound = np.concatenate([synth.render(groove, loop=True, kit=kit) for groove in patterns()])
    return float(pyloudnorm.Meter(SAMPLE_RATE).integrated_loudness(sound))


def heard_part(kit: str) -> float:
    """Part of the hits, of all patterns, at whose onset the sound of their own drum gains energy."""
    return float(np.concatenate([hits_heard(groove, kit) for groove in patterns()]).mean())


def hits_heard(groove: Groove, kit: str) -> FloatArray:
    """(N,) for each hit 1.0 where 6 ms from its onset on have energy that the 6 ms before it have not."""
    found = np.zeros(len(groove))
    window = round(0.006 * SAMPLE_RATE)
    for voice in np.unique(groove.voice):
        others = [v for v in range(len(VOICES)) if v != voice]
        track = np.pad(synth.render(groove, muted=others, kit=kit), window)
        power = np.concatenate(([0.0], np.cumsum(np.diff(track, prepend=0.0) ** 2)))
        own = np.flatnonzero(groove.voice == voice)
        at = np.rint(np.maximum(groove.onset_seconds[own], 0) * SAMPLE_RATE).astype(np.int64) + window
        found[own] = power[at + window] - power[at] > 1.2 * (power[at] - power[at - window])
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--make", action="store_true", help="write the kits anew first")
    if parser.parse_args().make:
        make()
    house = loudness(layered.HOUSE)
    print(f"{'kit':12} {'LUFS':>7} {'LU':>6} {'kB':>6} {'hits':>7}")
    for kit in layered.kit_keys():
        size = len(kits.kit_wav()) if kit == layered.HOUSE else len(layered.flac(kit))
        level_lufs = loudness(kit)
        print(f"{kit:12} {level_lufs:7.2f} {level_lufs - house:+6.2f} {size / 1000:6.0f} {heard_part(kit):7.1%}")


if __name__ == "__main__":
    main()
