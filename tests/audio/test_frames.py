"""Frames: the spectrogram against a slow twin, and where a sound lies in it."""

import numpy as np
import torch

from rhythmvae.audio import frames
from rhythmvae.audio.hits import RATE


def test_a_frame_is_the_spectrum_around_its_sample() -> None:
    sound = np.random.default_rng(0).standard_normal(3000).astype(np.float32) * 0.1
    [got] = frames.log_mel(torch.from_numpy(sound)[None])
    assert got.shape == (frames.n_frames(3000), frames.N_BANDS)
    padded = np.pad(sound, frames.WINDOW // 2)
    window = np.hanning(frames.WINDOW + 1)[:-1]
    for f in (0, 5, 13):
        piece = padded[f * frames.HOP : f * frames.HOP + frames.WINDOW] * window
        energy = np.abs(np.fft.rfft(piece)) ** 2 / frames.WINDOW
        expected = np.log10(energy @ frames._filters().numpy() / frames.FLOOR + 1) / 2
        np.testing.assert_allclose(got[f].numpy(), expected, atol=1e-3)


def test_twenty_decibels_are_one() -> None:
    sound = torch.randn(1, RATE // 4, generator=torch.Generator().manual_seed(0))
    louder, softer = (frames.log_mel(sound * gain)[0, 5:20].mean() for gain in (0.5, 0.05))
    assert abs(float(louder - softer) - 1) < 0.01


def test_a_click_is_loudest_where_it_lies() -> None:
    sound = torch.zeros(1, RATE)
    sound[0, 50 * frames.HOP] = 1.0
    assert int(frames.log_mel(sound)[0].mean(1).argmax()) == 50


def test_every_band_hears_its_own_pitch() -> None:
    weights = frames._filters()
    assert torch.allclose(weights.sum(0), torch.ones(frames.N_BANDS))
    highest = weights.argmax(0)
    assert bool((highest.diff() >= 0).all())
    assert int(highest[-1]) > 20 * int(highest[0])


def test_silence_is_nothing() -> None:
    assert not frames.log_mel(torch.zeros(1, 2000)).any()
    assert frames.log_mel(torch.zeros(1, 0)).shape == (1, 1, frames.N_BANDS)
