"""Synthesise the kit: nine one-shots, one WAV file for each voice of the kit.

    python -m rhythmvae.kit_sounds.make

Files are mono, 16 bit, 44.1 kHz; the onset is the first sample, the end is faded to
zero, and there is no offset (DC). Levels are set against each other here, so that
nobody else needs a mixer. Everything is computed from sines, squares and seeded noise
in double precision: run again, the bytes are the same.

The recipes are the classic ones of analogue drum machines: a kick and a tom are a
sine whose pitch falls; a snare is two drum modes and the noise of its wires; hats are
square waves at inharmonic pitches, of which only the top is kept; cymbals are many
sines at inharmonic pitches that die sooner the higher they are.
"""

from __future__ import annotations

import io
import wave
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from rhythmvae.groove import FloatArray

SAMPLE_RATE = 44_100
ATTACK_SECONDS = 0.0003  # short enough to be the onset, long enough not to click
FADE_SECONDS = 0.02

# The oscillators of a well-known analogue hi-hat: no two are in a simple ratio.
METAL_HZ = (205.3, 304.4, 369.6, 522.7, 540.0, 800.0)


def _time(seconds: float) -> FloatArray:
    return np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE


def _decay(t: FloatArray, seconds: float) -> FloatArray:
    """Exponential that has fallen by 60 dB after `seconds`."""
    return np.asarray(np.exp(-np.log(1000.0) * t / seconds))


def _swept_sine(t: FloatArray, start_hz: float, end_hz: float, sweep_seconds: float) -> FloatArray:
    """Sine whose frequency falls from start to end; the phase is the integral of it."""
    k = 1.0 / sweep_seconds
    cycles = end_hz * t + (start_hz - end_hz) / k * (1 - np.exp(-k * t))
    return np.asarray(np.sin(2 * np.pi * cycles))


def _noise(t: FloatArray, rng: np.random.Generator, low_hz: float, high_hz: float) -> FloatArray:
    """Gaussian noise between two frequencies, of unit power."""
    noise = _band(rng.standard_normal(len(t)), low_hz, high_hz)
    return np.asarray(noise / np.sqrt(np.mean(noise**2)))


def _band(signal: FloatArray, low_hz: float, high_hz: float) -> FloatArray:
    """Band-pass with fourth-order Butterworth slopes, applied to the spectrum.

    The filter is not causal, so envelopes are applied after it, never before.
    """
    spectrum = np.fft.rfft(signal)
    hz = np.maximum(np.fft.rfftfreq(len(signal), 1 / SAMPLE_RATE), 1e-3)
    gain = 1 / np.sqrt(1 + (low_hz / hz) ** 8) / np.sqrt(1 + (hz / high_hz) ** 8)
    return np.asarray(np.fft.irfft(spectrum * gain, len(signal)))


def _squares(t: FloatArray, frequencies_hz: Sequence[float], rng: np.random.Generator) -> FloatArray:
    """Sum of band-limited square waves: odd harmonics up to 18 kHz."""
    total = np.zeros_like(t)
    for hz in frequencies_hz:
        phase = rng.uniform(0, 2 * np.pi)
        for harmonic in range(1, int(18_000 / hz) + 1, 2):
            total += np.sin(harmonic * (2 * np.pi * hz * t + phase)) / harmonic
    return total / len(frequencies_hz)


def _partials(
    t: FloatArray, rng: np.random.Generator, n: int, low_hz: float, high_hz: float, decay_seconds: float
) -> FloatArray:
    """Dense inharmonic spectrum of a cymbal; partials die sooner the higher they are."""
    total = np.zeros_like(t)
    for hz in np.exp(rng.uniform(np.log(low_hz), np.log(high_hz), n)):
        seconds = decay_seconds * (low_hz / hz) ** 0.35 * rng.uniform(0.6, 1.2)
        total += rng.uniform(0.4, 1.0) * np.sin(2 * np.pi * hz * t + rng.uniform(0, 2 * np.pi)) * _decay(t, seconds)
    return np.asarray(total / np.sqrt(n))


def _kick(rng: np.random.Generator) -> FloatArray:
    t = _time(0.45)
    body = _swept_sine(t, 210.0, 49.0, 0.022) * _decay(t, 0.42)
    knock = _swept_sine(t, 900.0, 160.0, 0.006) * _decay(t, 0.05)
    click = _noise(t, rng, 2_000, 9_000) * _decay(t, 0.012)
    return np.asarray(np.tanh(1.5 * body + 0.35 * knock + 0.10 * click))


def _snare(rng: np.random.Generator) -> FloatArray:
    t = _time(0.36)
    head = _swept_sine(t, 260.0, 186.0, 0.012) * _decay(t, 0.16) + 0.55 * np.sin(2 * np.pi * 331.0 * t) * _decay(
        t, 0.11
    )
    wires = _noise(t, rng, 1_400, 9_500) * (0.72 * _decay(t, 0.24) + 0.28 * _decay(t, 0.34))
    crack = _noise(t, rng, 2_500, 12_000) * _decay(t, 0.02)
    return np.asarray(np.tanh(0.85 * head + 0.36 * wires + 0.30 * crack))


def _hat(rng: np.random.Generator, seconds: float, decay_seconds: float) -> FloatArray:
    t = _time(seconds)
    metal = _band(_squares(t, METAL_HZ, rng), 6_800, 15_000)
    metal /= np.sqrt(np.mean(metal**2))
    air = _noise(t, rng, 7_500, 16_000)
    chick = _noise(t, rng, 3_500, 9_000) * _decay(t, 0.012)
    return (0.7 * metal + 0.6 * air) * _decay(t, decay_seconds) + 0.35 * chick


def _tom(rng: np.random.Generator, hz: float, seconds: float) -> FloatArray:
    t = _time(seconds)
    body = _swept_sine(t, hz * 1.55, hz, 0.035) * _decay(t, seconds * 0.95)
    # The next modes of a drum head, a little flattened by the air in the shell.
    modes = 0.28 * np.sin(2 * np.pi * hz * 1.59 * t) * _decay(t, seconds * 0.4)
    modes += 0.14 * np.sin(2 * np.pi * hz * 2.14 * t) * _decay(t, seconds * 0.25)
    stick = _noise(t, rng, 900, 5_000) * _decay(t, 0.02)
    return np.asarray(np.tanh(1.2 * body + modes + 0.14 * stick))


def _crash(rng: np.random.Generator) -> FloatArray:
    t = _time(1.9)
    shimmer = _partials(t, rng, 180, 700, 13_000, 2.6)
    wash = _noise(t, rng, 3_000, 14_000) * (0.5 * _decay(t, 0.5) + 0.3 * _decay(t, 1.7))
    hit = _noise(t, rng, 1_200, 8_000) * _decay(t, 0.05)
    return shimmer + 0.75 * wash + 0.45 * hit


def _ride(rng: np.random.Generator) -> FloatArray:
    t = _time(1.4)
    bell = sum(
        a * np.sin(2 * np.pi * hz * t) * _decay(t, s)
        for hz, a, s in ((1_187.0, 0.30, 0.9), (1_954.0, 0.34, 1.0), (2_861.0, 0.30, 0.8), (4_403.0, 0.26, 0.5))
    )
    shimmer = _partials(t, rng, 120, 1_800, 12_500, 1.9)
    ping = _noise(t, rng, 4_000, 12_000) * _decay(t, 0.018)
    wash = _noise(t, rng, 4_500, 13_000) * _decay(t, 1.0)
    return np.asarray(0.75 * bell + 0.42 * shimmer + 0.75 * ping + 0.10 * wash)


# Voice to recipe and peak level; 1 is full scale.
SOUNDS: dict[str, tuple[Callable[[np.random.Generator], FloatArray], float]] = {
    "kick": (_kick, 0.95),
    "snare": (_snare, 0.80),
    "closed_hat": (lambda rng: _hat(rng, 0.11, 0.085), 0.34),
    "open_hat": (lambda rng: _hat(rng, 0.60, 0.62), 0.34),
    "low_tom": (lambda rng: _tom(rng, 82.0, 0.60), 0.80),
    "mid_tom": (lambda rng: _tom(rng, 118.0, 0.50), 0.76),
    "high_tom": (lambda rng: _tom(rng, 165.0, 0.42), 0.72),
    "crash": (_crash, 0.52),
    "ride": (_ride, 0.36),
}


def one_shot(voice: str) -> bytes:
    """The WAV file of a voice. The seed is the voice's name."""
    recipe, peak = SOUNDS[voice]
    signal = recipe(np.random.default_rng(zlib.crc32(voice.encode())))
    attack, fade = round(ATTACK_SECONDS * SAMPLE_RATE), round(FADE_SECONDS * SAMPLE_RATE)
    # Starts above zero: the first sample is already sound.
    signal[:attack] *= np.arange(1, attack + 1) / attack
    envelope = np.ones(len(signal))
    envelope[-fade:] = np.linspace(1.0, 0.0, fade)
    signal = signal * envelope
    # Take the offset out in the shape of the envelope, so that both ends stay where they are.
    shape = envelope * _decay(np.arange(len(signal)) / SAMPLE_RATE, len(signal) / SAMPLE_RATE)
    signal -= shape * (signal.sum() / shape.sum())
    signal *= peak / np.abs(signal).max()
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(SAMPLE_RATE)
        file.writeframes(np.rint(signal * 32_767).astype("<i2").tobytes())
    return out.getvalue()


def main() -> None:
    for voice in SOUNDS:
        (Path(__file__).parent / f"{voice}.wav").write_bytes(one_shot(voice))


if __name__ == "__main__":
    main()
