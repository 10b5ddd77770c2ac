"""Groove to waveform: a mixer of the one-shots in `kit_sounds`.

Waveforms are mono float32 at 44.1 kHz within [-1, 1]. A hit's first sample lies on the
sample nearest to its onset; hits before the first step sound at 0. Softer hits are
quieter and darker. A hat that is struck again stops the open hat, as on a real stand.
Gain is fixed and peaks are rounded off by a soft knee, so a groove and its
reconstruction are as loud as they were played and nothing is normalised away.
"""

from __future__ import annotations

import io
import wave
from functools import cache
from pathlib import Path

import numpy as np

from rhythmvae.errors import UsageError
from rhythmvae.groove import MAX_VELOCITY, FloatArray, Groove, IntArray
from rhythmvae.kit import VOICE_INDEX, VOICES

SAMPLE_RATE = 44_100
MAX_RENDER_SECONDS = 120.0
MAX_RENDER_HITS = 20_000  # 160 a second for the longest groove: more than any hands play
KIT_FOLDER = Path(__file__).parent / "kit_sounds"

GAIN = 0.7  # leaves room for three loud voices at once
KNEE = 0.8  # below this the mix is untouched, above it is bent towards 1
VELOCITY_LEVELS = 16  # brightness changes in this many steps, loudness without steps
QUIETEST = 0.05  # amplitude of the softest stroke; a full one is 1
DARKEST_HZ, BRIGHTEST_HZ = 2_500.0, 20_000.0  # low-pass of the softest and the hardest stroke
FADE_SAMPLES = round(0.008 * SAMPLE_RATE)  # of an open hat that is stopped

_HATS = (VOICE_INDEX["closed_hat"], VOICE_INDEX["open_hat"])


def render(groove: Groove, *, loop: bool = False) -> FloatArray:
    """Waveform of a groove, (S,) float32.

    Args:
        loop: exactly as long as the groove, with what rings on past its end folded back
            onto the start, so that repeating it sounds like going on. Otherwise the
            last sounds ring out after it.

    Raises:
        UsageError: longer than MAX_RENDER_SECONDS, or more than MAX_RENDER_HITS.
    """
    if len(groove) > MAX_RENDER_HITS:
        raise UsageError(f"Expected at most {MAX_RENDER_HITS:,} hits to play, got {len(groove):,}: choose fewer bars.")
    if groove.duration_seconds > MAX_RENDER_SECONDS:
        raise UsageError(
            f"Expected at most {MAX_RENDER_SECONDS:.0f} seconds to play, got {groove.duration_seconds:.0f}: "
            "choose fewer bars."
        )
    n_samples = max(round(groove.duration_seconds * SAMPLE_RATE), 1)
    start = np.rint(np.maximum(groove.onset_seconds, 0.0) * SAMPLE_RATE).astype(np.int64)
    length = _lengths(groove, start)
    mix = np.zeros(max(n_samples, int((start + length).max(initial=0))), dtype=np.float32)
    for voice, velocity, s, n in zip(groove.voice, groove.velocity, start, length, strict=True):
        mix[s : s + n] += _strike(int(voice), int(velocity), int(n))
    if loop:
        folded = np.zeros(-(-len(mix) // n_samples) * n_samples, dtype=np.float32)
        folded[: len(mix)] = mix
        mix = folded.reshape(-1, n_samples).sum(axis=0)
    return _soft_clip(mix)


def wav_bytes(groove: Groove, *, loop: bool = False) -> bytes:
    """The waveform as a WAV file, mono, 16 bit.

    Raises:
        UsageError: longer than MAX_RENDER_SECONDS.
    """
    samples = np.rint(render(groove, loop=loop) * 32_767).astype("<i2")
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(SAMPLE_RATE)
        file.writeframes(samples.tobytes())
    return out.getvalue()


def amplitude(velocity: float) -> float:
    """Amplitude of a stroke: a square law, as in most samplers, that never falls silent.

    >>> amplitude(127), round(amplitude(64), 2)
    (1.0, 0.29)
    """
    return QUIETEST + (1 - QUIETEST) * (velocity / MAX_VELOCITY) ** 2


@cache
def one_shot(voice: int) -> FloatArray:
    """(S,) float32, the sound of a voice at full velocity."""
    with wave.open(str(KIT_FOLDER / f"{VOICES[voice].key}.wav")) as file:
        if (file.getframerate(), file.getnchannels(), file.getsampwidth()) != (SAMPLE_RATE, 1, 2):
            raise ValueError(f"{VOICES[voice].key}.wav is not mono, 16 bit, {SAMPLE_RATE} Hz")
        samples = np.frombuffer(file.readframes(file.getnframes()), dtype="<i2")
    return np.asarray(samples / 32_768, dtype=np.float32)


@cache
def _shaded(voice: int, level: int) -> FloatArray:
    """The sound of a voice through the low-pass of a velocity level, 0 to VELOCITY_LEVELS - 1."""
    sound = one_shot(voice)
    hardness = level / (VELOCITY_LEVELS - 1)
    cutoff_hz = DARKEST_HZ * (BRIGHTEST_HZ / DARKEST_HZ) ** hardness
    # One-pole low-pass y[n] = a x[n] + (1 - a) y[n-1], through its frequency response. It is
    # causal, so the onset stays on the first sample; zero padding keeps the end off the start.
    a = 1 - np.exp(-2 * np.pi * cutoff_hz / SAMPLE_RATE)
    n_padded = 2 * len(sound)
    z = np.exp(-2j * np.pi * np.arange(n_padded // 2 + 1) / n_padded)
    filtered = np.fft.irfft(np.fft.rfft(sound, n_padded) * a / (1 - (1 - a) * z), n_padded)
    return np.asarray(filtered[: len(sound)], dtype=np.float32)


def _lengths(groove: Groove, start: IntArray) -> IntArray:
    """(N,) samples that each hit sounds: to its end, or for an open hat until the next hat fades it."""
    length = np.array([len(one_shot(v)) for v in range(len(VOICES))])[groove.voice]
    hat_starts = np.unique(start[np.isin(groove.voice, _HATS)])
    open_hats = np.flatnonzero(groove.voice == VOICE_INDEX["open_hat"])
    following = np.searchsorted(hat_starts, start[open_hats], side="right")
    choked = following < len(hat_starts)
    open_hats, following = open_hats[choked], following[choked]
    until = hat_starts[following] - start[open_hats] + FADE_SAMPLES
    length[open_hats] = np.minimum(length[open_hats], until)
    return np.asarray(length)


def _strike(voice: int, velocity: int, n_samples: int) -> FloatArray:
    """The first `n_samples` of a stroke; one that is cut short fades out."""
    sound = _shaded(voice, velocity * VELOCITY_LEVELS // (MAX_VELOCITY + 1))
    struck = sound[:n_samples] * np.float32(GAIN * amplitude(velocity))
    if n_samples < len(sound):
        struck[-FADE_SAMPLES:] *= np.linspace(1, 0, FADE_SAMPLES, dtype=np.float32)[-n_samples:]
    return np.asarray(struck)


def _soft_clip(mix: FloatArray) -> FloatArray:
    """Identity up to KNEE, then bent smoothly so that no peak passes 1."""
    over = np.maximum(np.abs(mix) - KNEE, 0.0)
    bent = KNEE + (1 - KNEE) * np.tanh(over / (1 - KNEE))
    return np.asarray(np.where(over > 0, np.sign(mix) * bent, mix), dtype=np.float32)
