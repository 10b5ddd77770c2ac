"""Groove to waveform: a mixer of the one-shots in `kits`, or of the strokes of a kit in `kits.layered`.

Waveforms are mono float32 at 44.1 kHz within [-1, 1]. A hit's first sample lies on the sample nearest to its onset. A
hit pushed before the first step sounds at 0, or in a loop where it comes round: just before the end. Softer hits are
quieter and darker. A hat that is struck again stops the open hat, as on a real stand, and in a loop also across the
seam. A layered kit has recordings of its own for softer strokes, and its strokes take turns: the n-th hit of a drum
in a groove is the n-th of them. Gain is fixed and peaks are rounded off by a soft knee, so a groove and its
reconstruction are as loud as they were played and nothing is normalised away.

The deck in the browser does the same with the same sounds; the numbers it needs come
from `parameters()`.
"""

from __future__ import annotations

from collections.abc import Collection
from functools import cache
from typing import Any

import numpy as np

from rhythmvae.errors import UsageError, check_type
from rhythmvae.groove import MAX_VELOCITY, FloatArray, Groove, IntArray
from rhythmvae.kit import VOICE_INDEX, VOICE_KEYS
from rhythmvae.sound import kits
from rhythmvae.sound.kits import SAMPLE_RATE, layered

MAX_RENDER_SECONDS = 120.0
MAX_RENDER_HITS = 20_000  # 160 a second for the longest groove: more than any hands play

GAIN = 0.7  # leaves room for three loud voices at once
KNEE = 0.8  # below this the mix is untouched, above it is bent towards 1
VELOCITY_LEVELS = 16  # brightness changes in this many steps, loudness without steps
QUIETEST = 0.05  # amplitude of the softest stroke; a full one is 1
DARKEST_HZ, BRIGHTEST_HZ = 2_500.0, 20_000.0  # low-pass of the softest and the hardest stroke
FADE_SAMPLES = round(0.008 * SAMPLE_RATE)  # of an open hat that is stopped
CHOKED = VOICE_INDEX["open_hat"]
CHOKERS = (VOICE_INDEX["closed_hat"], VOICE_INDEX["open_hat"])  # a stroke of these stops CHOKED


def parameters() -> dict[str, Any]:
    """What a player elsewhere needs to sound like `render`, ready for JSON.

    A hit is amplitude `gain * (quietest + (1 - quietest) * (velocity / max_velocity) ** 2)`,
    level `floor(velocity * velocity_levels / (max_velocity + 1))`, and through the low-pass
    `y[n] = a x[n] + (1 - a) y[n-1]` with `a = 1 - exp(-2 pi cutoff_hz[level] / sample_rate)`.
    A hit of `choked` that a later hit of one of `chokers` meets fades in a straight line,
    over `fade_samples` from that hit on. The sum `x`, where `|x| > knee`, becomes
    `sign(x) * (knee + (1 - knee) * tanh((|x| - knee) / (1 - knee)))`. Lengths and `sounds`
    (start and length in `kit_sounds.kit_wav()`, by key) are in samples of `sample_rate`;
    voices are indices into the kit.
    """
    return {
        "sample_rate": SAMPLE_RATE,
        "gain": GAIN,
        "knee": KNEE,
        "quietest": QUIETEST,
        "max_velocity": MAX_VELOCITY,
        "velocity_levels": VELOCITY_LEVELS,
        "cutoff_hz": [cutoff_hz(level) for level in range(VELOCITY_LEVELS)],
        "fade_samples": FADE_SAMPLES,
        "choked": CHOKED,
        "chokers": list(CHOKERS),
        "sounds": {key: list(place) for key, place in kits.kit_starts().items()},
    }


def render(groove: Groove, *, loop: bool = False, muted: Collection[int] = (), kit: str = layered.HOUSE) -> FloatArray:
    """Waveform of a groove, (S,) float32.

    Args:
        loop: exactly as long as the groove, with what rings on past its end folded back
            onto the start, so that repeating it sounds like going on. Otherwise the
            last sounds ring out after it.
        muted: voices to leave out, as with the faders of a mixer: a muted hat still stops the open one.
        kit: one of `layered.kit_keys()`.

    Raises:
        UsageError: longer than MAX_RENDER_SECONDS, more than MAX_RENDER_HITS, or no such kit.
    """
    layered.check_kit(kit)
    if len(groove) > MAX_RENDER_HITS:
        raise UsageError(f"Expected at most {MAX_RENDER_HITS:,} hits to play, got {len(groove):,}: choose fewer bars.")
    seconds = groove.duration_seconds
    if seconds > MAX_RENDER_SECONDS:
        raise UsageError(
            f"Expected at most {MAX_RENDER_SECONDS:.0f} seconds to play, got {seconds:.0f}: choose fewer bars."
        )
    n_samples = max(round(seconds * SAMPLE_RATE), 1)
    start = _starts(groove, n_samples if loop else None)
    sounds = _sounds(groove, kit)
    length = _lengths(
        groove.voice, start, np.array([len(s) for s in sounds], dtype=np.int64), n_samples if loop else None
    )
    heard = ~np.isin(groove.voice, list(muted))
    mix = np.zeros(max(n_samples, int((start + length)[heard].max(initial=0))), dtype=np.float32)
    for i in np.flatnonzero(heard):
        s, n = int(start[i]), int(length[i])
        mix[s : s + n] += _strike(sounds[i], int(groove.velocity[i]), n)
    if loop:
        folded = np.zeros(-(-len(mix) // n_samples) * n_samples, dtype=np.float32)
        folded[: len(mix)] = mix
        mix = folded.reshape(-1, n_samples).sum(axis=0)
    return _soft_clip(mix)


def wav_bytes(groove: Groove, *, loop: bool = False, muted: Collection[int] = (), kit: str = layered.HOUSE) -> bytes:
    """The waveform of `render` as a WAV file, mono, 16 bit.

    Raises:
        UsageError: as `render`.
        WrongTypeError: it is no groove.

    >>> from rhythmvae import example, wav_bytes
    >>> wav_bytes(example("funk"))[:4]
    b'RIFF'
    """
    check_type(groove, Groove, "a groove")
    return kits.to_wav(render(groove, loop=loop, muted=muted, kit=kit))


def amplitude(velocity: float) -> float:
    """Amplitude of a stroke: a square law, as in most samplers, that never falls silent.

    >>> amplitude(127), round(amplitude(64), 2)
    (1.0, 0.29)
    """
    return QUIETEST + (1 - QUIETEST) * (velocity / MAX_VELOCITY) ** 2


def cutoff_hz(level: int) -> float:
    """Cutoff of the one-pole low-pass of a velocity level, 0 to VELOCITY_LEVELS - 1.

    >>> cutoff_hz(0), round(cutoff_hz(VELOCITY_LEVELS - 1))
    (2500.0, 20000)
    """
    hardness = level / (VELOCITY_LEVELS - 1)
    return float(DARKEST_HZ * (BRIGHTEST_HZ / DARKEST_HZ) ** hardness)


@cache
def one_shot(voice: int) -> FloatArray:
    """(S,) float32, the sound of a voice at full velocity."""
    return np.asarray(kits.samples(VOICE_KEYS[voice]) / 32_768, dtype=np.float32)


@cache
def _shaded(voice: int, level: int) -> FloatArray:
    """The sound of a voice through the low-pass of a velocity level."""
    sound = one_shot(voice)
    # One-pole low-pass y[n] = a x[n] + (1 - a) y[n-1], through its frequency response. It is
    # causal, so the onset stays on the first sample; zero padding keeps the end off the start.
    a = 1 - np.exp(-2 * np.pi * cutoff_hz(level) / SAMPLE_RATE)
    n_padded = 2 * len(sound)
    z = np.exp(-2j * np.pi * np.arange(n_padded // 2 + 1) / n_padded)
    filtered = np.fft.irfft(np.fft.rfft(sound, n_padded) * a / (1 - (1 - a) * z), n_padded)
    return np.asarray(filtered[: len(sound)], dtype=np.float32)


def _starts(groove: Groove, loop_samples: int | None) -> IntArray:
    """(N,) sample on which each hit begins; in a loop a hit before step 0 belongs to its last step."""
    if loop_samples is None:
        onset_seconds = np.maximum(groove.onset_seconds, 0.0)
    else:
        onset_seconds = groove.seconds(groove.position + groove.n_steps * (groove.position < 0))
    start = np.rint(onset_seconds * SAMPLE_RATE).astype(np.int64)
    return np.asarray(start if loop_samples is None else start % loop_samples)


def _sounds(groove: Groove, kit: str) -> list[FloatArray]:
    """What each hit sounds like at full amplitude, to its end."""
    voices, velocities = groove.voice.tolist(), groove.velocity.tolist()
    if kit == layered.HOUSE:
        return [
            _shaded(v, velocity * VELOCITY_LEVELS // (MAX_VELOCITY + 1))
            for v, velocity in zip(voices, velocities, strict=True)
        ]
    sounds = []
    for voice, velocity, turn in zip(voices, velocities, turns(groove).tolist(), strict=True):
        strokes = layered.strokes(kit, voice, velocity)
        sounds.append(strokes[turn % len(strokes)])
    return sounds


def turns(groove: Groove) -> IntArray:
    """(N,) how many hits of the same drum stand before each hit, counted from the groove's beginning."""
    order = np.lexsort((groove.velocity, groove.position, groove.voice))
    voice = groove.voice[order]
    found = np.empty(len(groove), dtype=np.int64)
    found[order] = np.arange(len(groove)) - np.searchsorted(voice, voice)
    return found


def _lengths(voice: IntArray, start: IntArray, whole: IntArray, loop_samples: int | None) -> IntArray:
    """(N,) samples that each hit sounds: `whole`, to its end, or for an open hat until the next hat fades it."""
    length = whole.copy()
    hat_starts = np.unique(start[np.isin(voice, CHOKERS)])
    if loop_samples is not None:
        hat_starts = np.append(hat_starts, hat_starts[:1] + loop_samples)  # the first one, come round
    open_hats = np.flatnonzero(voice == CHOKED)
    following = np.searchsorted(hat_starts, start[open_hats], side="right")
    choked = following < len(hat_starts)
    open_hats, following = open_hats[choked], following[choked]
    until = hat_starts[following] - start[open_hats] + FADE_SAMPLES
    length[open_hats] = np.minimum(length[open_hats], until)
    return np.asarray(length)


def _strike(sound: FloatArray, velocity: int, n_samples: int) -> FloatArray:
    """The first `n_samples` of a stroke; one that is cut short fades out."""
    struck = sound[:n_samples] * np.float32(GAIN * amplitude(velocity))
    if n_samples < len(sound):
        struck[-FADE_SAMPLES:] *= np.linspace(1, 0, FADE_SAMPLES, dtype=np.float32)[-n_samples:]
    return np.asarray(struck)


def _soft_clip(mix: FloatArray) -> FloatArray:
    """Identity up to KNEE, then bent smoothly so that no peak passes 1."""
    over = np.maximum(np.abs(mix) - KNEE, 0.0)
    bent = KNEE + (1 - KNEE) * np.tanh(over / (1 - KNEE))
    return np.asarray(np.where(over > 0, np.sign(mix) * bent, mix), dtype=np.float32)
