"""Kits of several strengths of stroke, and of strokes that take turns: a FLAC file each, which `python -m
benchmarks.kits --make` makes.

A browser fetches one when somebody chooses it and decodes it by itself; here `soundfile` reads the same samples.
`layered.json` says where each stroke stands: kit -> voice -> layers, softest first, each from a velocity on; a layer
has some strokes, which take turns. How loud a stroke is stays the mixer's: layers differ in how they sound.
"""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import numpy as np

from rhythmvae.errors import UsageError
from rhythmvae.groove import FloatArray
from rhythmvae.kit import VOICE_KEYS
from rhythmvae.sound.kits import FOLDER, SAMPLE_RATE

KIND = "audio/flac"
HOUSE = "house"  # the kit that every visit begins with: `kits.kit_wav`
INDEX = FOLDER / "layered.json"


@cache
def index_file() -> bytes:
    """`layered.json` as it is, for a browser."""
    return INDEX.read_bytes()


@cache
def index() -> dict[str, Any]:
    """What `layered.json` says: kit -> {label, gain, voices}; places are (start, length) in samples."""
    found: dict[str, Any] = json.loads(index_file())
    return found


def kit_keys() -> tuple[str, ...]:
    """All kits that can be chosen, the house's first."""
    return (HOUSE, *index())


def check_kit(kit: str) -> None:
    """Refuse a kit that there is not.

    Raises:
        UsageError: it is none of `kit_keys`.
    """
    if kit not in kit_keys():
        raise UsageError(f"Expected one of the kits {', '.join(kit_keys())}, got {kit!r}.")


@cache
def flac(kit: str) -> bytes:
    """The file of a kit, for a browser."""
    return (FOLDER / f"{kit}.flac").read_bytes()


@cache
def samples(kit: str) -> FloatArray:
    """(S,) float32, everything in a kit's file.

    Raises:
        UsageError: without soundfile.
    """
    try:
        import soundfile
    except ImportError as error:
        raise UsageError(
            f"Expected the package soundfile to play the kit {kit}: pip install 'rhythmvae[audio]'."
        ) from error
    sound, rate = soundfile.read(FOLDER / f"{kit}.flac", dtype="float32")
    if rate != SAMPLE_RATE or sound.ndim != 1:
        raise ValueError(f"{kit}.flac is not mono at {SAMPLE_RATE} Hz")
    return np.asarray(sound * np.float32(index()[kit]["gain"]), dtype=np.float32)


def strokes(kit: str, voice: int, velocity: int) -> list[FloatArray]:
    """The strokes, each (S,) float32, that take turns for a voice at a velocity."""
    layers = index()[kit]["voices"][VOICE_KEYS[voice]]
    fitting = [places for from_velocity, places in layers if velocity >= from_velocity] or [layers[0][1]]
    return [samples(kit)[start : start + n] for start, n in fitting[-1]]
