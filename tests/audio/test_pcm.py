"""Sound in memory: there and back, and a WAV that others read."""

from __future__ import annotations

import io
import wave

import numpy as np

from rhythmvae.audio import pcm
from rhythmvae.audio.hits import RATE


def test_there_and_back_within_a_step_of_16_bits() -> None:
    sound = np.random.default_rng(1).uniform(-1, 1, 300_000).astype(np.float32)
    data = pcm.packed([sound[:1000], sound[1000:]])
    back = np.concatenate(list(pcm.blocks(data)))
    assert len(data) == len(sound) * pcm.SAMPLE_BYTES
    assert np.abs(back - sound).max() < 1 / 32_000
    assert pcm.packed(pcm.blocks(data)) == data


def test_what_is_beyond_full_is_clipped() -> None:
    [block] = pcm.blocks(pcm.packed([np.array([7.0, -7.0])]))
    assert block.tolist() == [1.0, -1.0]


def test_as_a_wav_it_says_what_it_is() -> None:
    data = pcm.packed([np.linspace(-1, 1, 500)])
    with wave.open(io.BytesIO(pcm.wav(data))) as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (RATE, 1, 2)
        assert file.readframes(1000) == data


def test_ten_minutes_are_at_most_27_megabytes() -> None:
    assert pcm.MAX_BYTES < 27_000_000
