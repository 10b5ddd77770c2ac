"""How a trial sounds: all sounds equally loud, equally long, of one rate, each played anew, and none with a name.

Loudness is that of ITU-R BS.1770-4, matched by gain after rendering.

Two sounds of the same groove would be the same samples, and a program that compares the files of a trial would know at
once which side is the original. So every sound is *played anew*: each of its hits is late by up to LATE_MS and louder
or softer by up to VELOCITY_OFF, drawn for each sound by itself, in all sounds of a trial alike. Two sounds differ by
less than an ear notices of one stroke (6 ms, 5 of 127), and not by nothing. A trial's hand is drawn from its key, so
that who loads a page again hears the same, and cannot take a mean of many.

Each file has a noise of its own in its last bit beside that, drawn anew whenever it is asked for: two files of the same
sound differ in their bytes, and so in the address that names their content.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping

import numpy as np

from rhythmvae.groove import MAX_VELOCITY, FloatArray, Groove
from rhythmvae.sound import loudness as loudnesses
from rhythmvae.sound import synth
from rhythmvae.sound.kits import SAMPLE_RATE, to_wav

LOUDNESS_LUFS = -23.0  # of EBU R 128, where no peak passes PEAK
PEAK = 0.97
LEAST_SECONDS = 3.0  # that loudness is measured over: a shorter loop is repeated
MATCHED_LU = 0.1  # that two sounds of a trial differ by at most
LATE_MS = 3.0  # at most, of a hit: never early, for a first hit before the loop's start would lose its attack
VELOCITY_OFF = 2  # at most, of a hit
_STEP = 1 / 32_768  # of 16 bit


def wavs(grooves: Mapping[str, Groove], key: str) -> dict[str, bytes]:
    """WAV files, mono, 16 bit, by the same keys: loops that go on without a seam.

    Args:
        key: of the trial, a text that nobody who hears it knows: the same key is the same hand.

    Raises:
        UsageError: too long or too many hits (`synth.render`).
    """
    rendered = {name: synth.render(played_anew(groove, f"{key} {name}"), loop=True) for name, groove in grooves.items()}
    rng = np.random.default_rng(secrets.randbits(128))
    return {name: to_wav(_with_noise(sound, rng)) for name, sound in matched(rendered).items()}


def played_anew(groove: Groove, key: str) -> Groove:
    """The same hits as a hand plays them once more, by less than an ear notices: LATE_MS and VELOCITY_OFF."""
    seed = hashlib.sha256(key.encode()).digest()
    rng = np.random.default_rng(int.from_bytes(seed, "big"))
    seconds = rng.uniform(0, LATE_MS / 1000, len(groove))
    steps = seconds / np.array([groove.tempo_at(p).seconds_per_step for p in groove.position])
    position = np.minimum(groove.position + steps, np.nextafter(groove.n_steps, 0))
    off = rng.integers(-VELOCITY_OFF, VELOCITY_OFF, len(groove), endpoint=True)
    return groove.with_hits(position, groove.voice, np.clip(groove.velocity + off, 1, MAX_VELOCITY))


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
    times = int(np.ceil(LEAST_SECONDS * SAMPLE_RATE / max(len(sound), 1)))
    return loudnesses.loudness(np.tile(sound, max(times, 1)))


def _with_noise(sound: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Triangular noise of the last bit, as dither is: 96 dB below the loudest."""
    noise = (rng.random(len(sound)) - rng.random(len(sound))) * _STEP
    return np.asarray(np.clip(sound + noise, -1, 1), np.float32)
