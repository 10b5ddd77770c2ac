"""The drum sounds and the metronome's clicks, one WAV each; `make.py` synthesises them.

A sound's name is its voice's key, or `accent` or `click`. This is where the files are
read, for everybody: `synth` mixes the very samples that a browser gets as `kit_wav()`.
"""

from __future__ import annotations

import io
import wave
from functools import cache
from itertools import accumulate
from pathlib import Path

import numpy as np

from rhythmvae.groove import FloatArray, IntArray
from rhythmvae.kit import VOICE_KEYS

KIND = "audio/wav"
SAMPLE_RATE = 44_100
FULL_SCALE = 32_767
FOLDER = Path(__file__).parent
SOUND_KEYS = (*VOICE_KEYS, "accent", "click")  # the order in `kit_wav`
GAP_SAMPLES = 64  # of silence after each sound there: a browser that resamples smears them a little


@cache
def samples(key: str) -> IntArray:
    """(S,) int16, a sound at full velocity."""
    with wave.open(str(FOLDER / f"{key}.wav")) as file:
        if (file.getframerate(), file.getnchannels(), file.getsampwidth()) != (SAMPLE_RATE, 1, 2):
            raise ValueError(f"{key}.wav is not mono, 16 bit, {SAMPLE_RATE} Hz")
        sound = np.frombuffer(file.readframes(file.getnframes()), dtype="<i2")
    return sound


@cache
def kit_wav() -> bytes:
    """All sounds in one WAV file, at the places that `kit_starts` names."""
    gap = np.zeros(GAP_SAMPLES, dtype=np.int16)
    return _wav(np.concatenate([part for key in SOUND_KEYS for part in (samples(key), gap)]))


def kit_starts() -> dict[str, tuple[int, int]]:
    """Where each sound stands in `kit_wav`: its key to start and length, in samples."""
    lengths = [len(samples(key)) for key in SOUND_KEYS]
    starts = accumulate((n + GAP_SAMPLES for n in lengths), initial=0)
    return {key: (start, n) for key, start, n in zip(SOUND_KEYS, starts, lengths, strict=False)}


def to_wav(waveform: FloatArray) -> bytes:
    """A mono waveform within [-1, 1] as a WAV file of 16 bits."""
    return _wav(np.rint(waveform * FULL_SCALE).astype(np.int16))


def _wav(sound: IntArray) -> bytes:
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(SAMPLE_RATE)
        file.writeframes(sound.astype("<i2").tobytes())
    return out.getvalue()
