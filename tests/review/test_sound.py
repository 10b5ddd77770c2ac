"""Nothing but the playing tells the sounds of a trial apart."""

from __future__ import annotations

import hashlib
import io
import wave
from collections.abc import Mapping

import numpy as np
import pytest

from rhythmvae.data.examples import EXAMPLES, example
from rhythmvae.groove import FloatArray
from rhythmvae.review import material, sound
from rhythmvae.sound.kits import SAMPLE_RATE


def samples(data: bytes) -> FloatArray:
    with wave.open(io.BytesIO(data)) as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (SAMPLE_RATE, 1, 2)
        return np.frombuffer(file.readframes(file.getnframes()), "<i2") / 32_768


def heard(key: str = "funk") -> Mapping[str, bytes]:
    groove = material.first_bars(example(key))
    quiet = groove.with_hits(groove.position, groove.voice, np.maximum(groove.velocity // 3, 1))
    return sound.wavs({"left": groove, "right": material.alike(quiet, groove), "reference": groove})


@pytest.mark.parametrize("key", ["funk", "reggae", "samba", "waltz"])
def test_all_are_equally_loud_and_long(key: str) -> None:
    found = heard(key)
    assert len({len(data) for data in found.values()}) == 1
    loudness = [sound.loudness(samples(data)) for data in found.values()]
    assert max(loudness) - min(loudness) < sound.MATCHED_LU
    assert max(loudness) < sound.LOUDNESS_LUFS + sound.MATCHED_LU
    assert all(np.abs(samples(data)).max() <= 0.98 for data in found.values())


def test_nothing_is_the_same_twice_in_its_bytes() -> None:
    digests = [hashlib.sha256(data).hexdigest() for data in (*heard().values(), *heard().values())]
    assert len(set(digests)) == 6
    one, other = (samples(heard()["left"]) for _ in range(2))
    assert np.abs(one - other).max() < 4 / 32_768, "what differs is the last bit"


def test_loudness_is_what_the_standard_says() -> None:
    """ITU-R BS.1770-4, annex 1: a sine of 997 Hz at full scale on one channel is -3.01 LKFS."""
    time = np.arange(10 * SAMPLE_RATE) / SAMPLE_RATE
    tone = np.sin(2 * np.pi * 997 * time)
    assert sound.loudness(tone) == pytest.approx(-3.01, abs=0.05)
    assert sound.loudness(0.1 * tone) == pytest.approx(-23.01, abs=0.05)
    assert sound.loudness(np.zeros(SAMPLE_RATE)) == -np.inf


def test_silence_stays_silent() -> None:
    silent, loud = np.zeros(100_000, np.float32), np.ones(100_000, np.float32) * 0.1
    found = sound.matched({"a": silent, "b": loud})
    assert not found["a"].any()


def test_every_pattern_can_be_matched() -> None:
    grooves = {key: material.first_bars(example(key)) for key in list(EXAMPLES)[:6]}
    found = sound.wavs(grooves)
    loudness = [sound.loudness(samples(data)) for data in found.values()]
    assert max(loudness) - min(loudness) < 2 * sound.MATCHED_LU
