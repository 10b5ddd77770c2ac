"""How a trial sounds: all of its sounds equally loud, equally long, of one rate, and none with a name.

Loudness is that of ITU-R BS.1770-4 (pyloudnorm), matched by gain after rendering. Each file has a noise of its own in
its last bit, drawn anew whenever it is asked for: two files of the same sound differ in their bytes, and so in the
address that names their content.
"""

from __future__ import annotations

import secrets
import warnings
from collections.abc import Mapping

import numpy as np

from rhythmvae.groove import FloatArray, Groove
from rhythmvae.sound import synth
from rhythmvae.sound.kits import SAMPLE_RATE, to_wav

LOUDNESS_LUFS = -23.0  # of EBU R 128, where no peak passes PEAK
PEAK = 0.97
LEAST_SECONDS = 3.0  # that loudness is measured over: a shorter loop is repeated
MATCHED_LU = 0.1  # that two sounds of a trial differ by at most
_STEP = 1 / 32_768  # of 16 bit


def wavs(grooves: Mapping[str, Groove]) -> dict[str, bytes]:
    """WAV files, mono, 16 bit, by the same keys: loops that go on without a seam.

    Raises:
        UsageError: too long or too many hits (`synth.render`).
    """
    rendered = {key: synth.render(groove, loop=True) for key, groove in grooves.items()}
    rng = np.random.default_rng(secrets.randbits(128))
    return {key: to_wav(_with_noise(sound, rng)) for key, sound in matched(rendered).items()}


def matched(sounds: Mapping[str, FloatArray]) -> dict[str, FloatArray]:
    """Waveforms with gains by which all are equally loud, at LOUDNESS_LUFS or as near to it as peaks let them be."""
    own = {key: loudness(sound) for key, sound in sounds.items()}
    heard = {key: of for key, of in own.items() if np.isfinite(of)}
    rooms = [20 * np.log10(PEAK / np.abs(sounds[key]).max()) + of for key, of in heard.items()]
    aim = min([LOUDNESS_LUFS, *rooms])
    return {
        key: np.asarray(sound * 10 ** ((aim - heard[key]) / 20), np.float32) if key in heard else sound
        for key, sound in sounds.items()
    }


def loudness(sound: FloatArray) -> float:
    """Integrated loudness of a loop in LUFS; minus infinity for silence."""
    import pyloudnorm  # not above: scipy.signal takes a second

    times = int(np.ceil(LEAST_SECONDS * SAMPLE_RATE / max(len(sound), 1)))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that silence has no loudness is said by its number
        meter = pyloudnorm.Meter(SAMPLE_RATE)
        return float(meter.integrated_loudness(np.tile(sound, max(times, 1)).astype(np.float64)))


def _with_noise(sound: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Triangular noise of the last bit, as dither is: 96 dB below the loudest."""
    noise = (rng.random(len(sound)) - rng.random(len(sound))) * _STEP
    return np.asarray(np.clip(sound + noise, -1, 1), np.float32)
