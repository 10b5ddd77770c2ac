"""Loudness: that of the standard, as another program has it."""

from __future__ import annotations

import subprocess
import sys
import warnings

import numpy as np
import pyloudnorm
import pytest
from grooves import random_groove

from rhythmvae import compiled
from rhythmvae.groove import FloatArray
from rhythmvae.sound import loudness, synth
from rhythmvae.sound.kits import SAMPLE_RATE

RNG = np.random.default_rng(3)
SOUNDS = {
    "drums": synth.render(random_groove(1, n_hits=60, n_steps=64), loop=True).astype(np.float64),
    "noise and silence": np.r_[RNG.normal(0, 0.1, 90_000), np.zeros(150_000), RNG.normal(0, 1e-3, 77_777)],
    "almost nothing": RNG.normal(0, 1e-6, 100_000),
    "silence": np.zeros(SAMPLE_RATE),
    "one block": RNG.normal(0, 0.5, round(loudness.BLOCK_SECONDS * SAMPLE_RATE)),
}


@pytest.mark.parametrize("name", SOUNDS)
@pytest.mark.parametrize("has_file", [True, False])
def test_it_is_that_of_another_program_to_the_last_bit(
    name: str, has_file: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not has_file:
        monkeypatch.setattr(loudness, "of_scipy", lambda *_: None)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # silence
        expected = pyloudnorm.Meter(SAMPLE_RATE).integrated_loudness(SOUNDS[name].copy())
    assert loudness.loudness(SOUNDS[name]) == expected


def test_half_as_high_is_six_decibels_softer() -> None:
    half: FloatArray = SOUNDS["drums"] / 2
    assert loudness.loudness(SOUNDS["drums"]) - loudness.loudness(half) == pytest.approx(6.02, abs=0.01)


def test_it_brings_no_package_along() -> None:
    code = "import sys, numpy; from rhythmvae.sound.loudness import loudness; loudness(numpy.ones(99_999)); "
    code += "print([name for name in ('scipy.signal', 'scipy.optimize', 'pyloudnorm') if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout == "[]\n"


def test_a_file_that_is_not_there_or_is_another_gives_nothing() -> None:
    assert compiled.of_scipy("signal", "_nothing", "x") is None
    assert compiled.of_scipy("optimize", "_lsap", "x") is None
