"""Synthesise the sounds: a one-shot for each voice of the kit, and the metronome's two clicks.

    python -m rhythmvae.sound.kits.make

Files are mono, 16 bit, 44.1 kHz; the onset is the first sample, the end is faded to
zero, and there is no offset (DC). Levels are set against each other here, so that
nobody else needs a mixer. Everything is computed from sines, squares and seeded noise
in double precision: run again, the bytes are the same.

A kick and a tom are a sine whose pitch falls, and the knock of what strikes it; a snare
is the modes of its heads and the noise of its wires; a hat is the square waves of an
analogue drum machine among the modes of a plate; a cymbal is some hundred modes of a
plate, too many to be heard one by one, and noise.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Sequence

import numpy as np

from rhythmvae.groove import FloatArray
from rhythmvae.sound.kits import FOLDER, SAMPLE_RATE, to_wav

ATTACK_SECONDS = 0.0003  # short enough to be the onset, long enough not to click
FADED_PART = 0.2  # of a sound, at its end
BLOCK = 256  # samples; modes are summed block by block

# The oscillators of a well-known analogue hi-hat: no two are in a simple ratio.
METAL_HZ = (205.3, 304.4, 369.6, 522.7, 540.0, 800.0)

# Modes of a round head over its lowest, brought nearer to each other by the air in the shell.
HEAD_RATIOS = (1.50, 1.98, 2.15, 2.44, 2.78)


def time_of(seconds: float) -> FloatArray:
    return np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE


def decay(t: FloatArray, seconds: float) -> FloatArray:
    """Exponential that has fallen by 60 dB after `seconds`."""
    return np.asarray(np.exp(-np.log(1000.0) * t / seconds))


def swept_sine(t: FloatArray, start_hz: float, end_hz: float, sweep_seconds: float) -> FloatArray:
    """Sine whose frequency falls from start to end; the phase is the integral of it."""
    k = 1.0 / sweep_seconds
    cycles = end_hz * t + (start_hz - end_hz) / k * (1 - np.exp(-k * t))
    return np.asarray(np.sin(2 * np.pi * cycles))


def noise(t: FloatArray, rng: np.random.Generator, low_hz: float, high_hz: float) -> FloatArray:
    """Gaussian noise between two frequencies, of unit power."""
    return unit(band(rng.standard_normal(len(t)), low_hz, high_hz))


def unit(signal: FloatArray) -> FloatArray:
    return np.asarray(signal / np.sqrt(np.mean(signal**2)))


def band(signal: FloatArray, low_hz: float, high_hz: float) -> FloatArray:
    """Band-pass with fourth-order Butterworth slopes, applied to the spectrum.

    The filter is not causal, so envelopes are applied after it, never before.
    """
    spectrum = np.fft.rfft(signal)
    hz = np.maximum(np.fft.rfftfreq(len(signal), 1 / SAMPLE_RATE), 1e-3)
    gain = 1 / np.sqrt(1 + (low_hz / hz) ** 8) / np.sqrt(1 + (hz / high_hz) ** 8)
    return np.asarray(np.fft.irfft(spectrum * gain, len(signal)))


def squares(t: FloatArray, frequencies_hz: Sequence[float], rng: np.random.Generator) -> FloatArray:
    """Sum of band-limited square waves: odd harmonics up to 18 kHz."""
    total = np.zeros_like(t)
    for hz in frequencies_hz:
        phase = rng.uniform(0, 2 * np.pi)
        for harmonic in range(1, int(18_000 / hz) + 1, 2):
            total += np.sin(harmonic * (2 * np.pi * hz * t + phase)) / harmonic
    return total / len(frequencies_hz)


def _modes(t: FloatArray, phasor: FloatArray, hz: FloatArray, seconds: FloatArray) -> FloatArray:
    """Sum of many dying sines: phasor (K,) complex, their frequencies and times to fall by 60 dB (K,).

    Each is the imaginary part of phasor * exp(rate * n). With n = BLOCK * a + b, the exponential
    is a product of a part in a and a part in b, and the sum over the modes a matrix product.
    """
    rate = (2j * np.pi * hz - np.log(1000.0) / seconds) / SAMPLE_RATE
    starts = np.exp(np.outer(np.arange(-(-len(t) // BLOCK)) * BLOCK, rate))
    return np.asarray(((starts * phasor) @ np.exp(np.outer(rate, np.arange(BLOCK)))).imag.ravel()[: len(t)])


def _plate(
    t: FloatArray, rng: np.random.Generator, n: int, low_hz: float, high_hz: float, seconds: float, tilt: float
) -> FloatArray:
    """A struck plate: n modes, the higher the denser, that die sooner the higher they are.

    Args:
        seconds: time in which modes at 1 kHz fall by 60 dB.
        tilt: power in which the amplitude goes with frequency.
    """
    hz = rng.uniform(np.sqrt(low_hz), np.sqrt(high_hz), n) ** 2
    phasor = rng.uniform(0.5, 1.0, n) * (hz / 1000) ** tilt * np.exp(2j * np.pi * rng.uniform(size=n))
    seconds_each = seconds * (1000 / hz) ** 0.3 * rng.uniform(0.75, 1.2, n)
    return np.asarray(_modes(t, phasor, hz, seconds_each) / np.sqrt(n))


def _head(t: FloatArray, rng: np.random.Generator, hz: float, seconds: float) -> FloatArray:
    """The upper modes of a drum's head, which give the stroke its slap."""
    ratio = np.array(HEAD_RATIOS)
    return _modes(t, rng.uniform(0.5, 1.0, len(ratio)) / ratio, hz * ratio, seconds / ratio)


def _kick(rng: np.random.Generator) -> FloatArray:
    t = time_of(0.45)
    body = swept_sine(t, 220.0, 53.0, 0.020) * decay(t, 0.42)
    knock = swept_sine(t, 900.0, 160.0, 0.006) * decay(t, 0.06)
    click = noise(t, rng, 2_000, 5_500) * decay(t, 0.018)
    return np.asarray(np.tanh(1.5 * body + 0.45 * knock) + 0.30 * click)


def _snare(rng: np.random.Generator) -> FloatArray:
    t = time_of(0.34)
    low = swept_sine(t, 250.0, 182.0, 0.012) * decay(t, 0.15)
    high = swept_sine(t, 390.0, 331.0, 0.008) * decay(t, 0.13)
    slap = _head(t, rng, 331.0, 0.09)
    rattle = 1 - 0.6 * np.exp(-t / 0.003)  # the wires answer the head
    wires = noise(t, rng, 1_500, 10_000) + 0.5 * noise(t, rng, 600, 2_500)
    wires *= rattle * (0.8 * decay(t, 0.19) + 0.2 * decay(t, 0.32))
    crack = noise(t, rng, 2_500, 12_000) * decay(t, 0.02)
    return np.asarray(np.tanh(0.62 * low + 0.5 * high + 0.25 * slap + 0.48 * wires + 0.35 * crack))


def _hat(rng: np.random.Generator, seconds: float, decay_seconds: float) -> FloatArray:
    t = time_of(seconds)
    metal = unit(band(squares(t, METAL_HZ, rng), 6_800, 15_000)) * decay(t, decay_seconds)
    plate = _plate(t, rng, 500, 1_600, 15_500, 1.6 * decay_seconds, 0.8)
    air = noise(t, rng, 6_500, 16_000) * decay(t, 0.9 * decay_seconds)
    chick = noise(t, rng, 3_000, 9_000) * decay(t, 0.012)
    return np.asarray(0.25 * metal + 0.24 * plate + 0.5 * air + 0.3 * chick)


def _tom(rng: np.random.Generator, hz: float, seconds: float) -> FloatArray:
    t = time_of(seconds)
    body = swept_sine(t, hz * 1.5, hz, 0.035) * decay(t, seconds * 0.95)
    slap = _head(t, rng, hz, seconds * 0.55)
    stick = noise(t, rng, 1_200, 5_500) * decay(t, 0.022)
    wood = noise(t, rng, 350, 1_400) * decay(t, 0.05)
    return np.asarray(np.tanh(1.1 * body + 0.35 * slap + 0.18 * wood) + 0.20 * stick)


def _crash(rng: np.random.Generator) -> FloatArray:
    t = time_of(1.9)
    bloom = 1 - 0.6 * np.exp(-t / 0.012)  # a plate that is struck hard takes time to spread it upwards
    plate = _plate(t, rng, 1_200, 330, 15_000, 2.4, 0.15)
    wash = noise(t, rng, 2_500, 9_000) * (0.5 * decay(t, 0.7) + 0.3 * decay(t, 1.7))
    sizzle = noise(t, rng, 7_000, 16_000) * (0.6 * decay(t, 0.35) + 0.25 * decay(t, 1.2))
    hit = noise(t, rng, 800, 8_000) * decay(t, 0.05)
    return np.asarray(bloom * (0.95 * plate + 0.5 * wash + 0.6 * sizzle) + 0.5 * hit)


def _ride(rng: np.random.Generator) -> FloatArray:
    t = time_of(1.4)
    stick = noise(t, rng, 3_500, 11_000) * decay(t, 0.02)
    ping = _plate(t, rng, 90, 2_400, 7_500, 0.8, 0.0)
    bow = _plate(t, rng, 900, 350, 13_000, 2.4, 0.0)
    wash = noise(t, rng, 3_500, 13_000) * decay(t, 1.1)
    return np.asarray(0.9 * stick + 0.75 * ping + 0.35 * bow + 0.09 * wash)


def _click(rng: np.random.Generator, hz: float) -> FloatArray:
    """A block of wood that is nothing like a drum of the kit."""
    t = time_of(0.06)
    wood = np.sin(2 * np.pi * hz * t) * decay(t, 0.045) + 0.4 * np.sin(2 * np.pi * 2.76 * hz * t) * decay(t, 0.02)
    return np.asarray(wood + 0.15 * noise(t, rng, 3_000, 9_000) * decay(t, 0.006))


# Sound to recipe and peak level; 1 is full scale.
SOUNDS: dict[str, tuple[Callable[[np.random.Generator], FloatArray], float]] = {
    "kick": (_kick, 0.95),
    "snare": (_snare, 0.90),
    "closed_hat": (lambda rng: _hat(rng, 0.11, 0.085), 0.68),
    "open_hat": (lambda rng: _hat(rng, 0.60, 0.68), 0.4),
    "low_tom": (lambda rng: _tom(rng, 84.0, 0.56), 0.80),
    "mid_tom": (lambda rng: _tom(rng, 112.0, 0.46), 0.76),
    "high_tom": (lambda rng: _tom(rng, 150.0, 0.38), 0.72),
    "crash": (_crash, 0.66),
    "ride": (_ride, 0.52),
    "accent": (lambda rng: _click(rng, 1_600.0), 0.7),
    "click": (lambda rng: _click(rng, 1_070.0), 0.5),
}


def one_shot(name: str) -> bytes:
    """The WAV file of a sound. The seed is the sound's name."""
    recipe, peak = SOUNDS[name]
    signal = recipe(np.random.default_rng(zlib.crc32(name.encode())))
    attack, fade = round(ATTACK_SECONDS * SAMPLE_RATE), round(FADED_PART * len(signal))
    # Starts above zero: the first sample is already sound.
    signal[:attack] *= np.arange(1, attack + 1) / attack
    envelope = np.ones(len(signal))
    envelope[-fade:] = 0.5 + 0.5 * np.cos(np.linspace(0, np.pi, fade))
    signal = signal * envelope
    # Take the offset out in the shape of the envelope, so that both ends stay where they are.
    shape = envelope * decay(np.arange(len(signal)) / SAMPLE_RATE, len(signal) / SAMPLE_RATE)
    signal -= shape * (signal.sum() / shape.sum())
    signal *= peak / np.abs(signal).max()
    return to_wav(signal)


def main() -> None:
    for name in SOUNDS:
        (FOLDER / f"{name}.wav").write_bytes(one_shot(name))


if __name__ == "__main__":
    main()
