"""DrumSynth patches: what is on sounds, as long as its envelope, at its pitch."""

import numpy as np
import pytest

from rhythmvae.audio.hits import RATE
from rhythmvae.training.hearing import drumsynth

TONE = "[Tone]\r\nOn=1\r\nLevel=128\r\nF1=400\r\nF2=400\r\nDroop=0\r\nPhase=0\r\nEnvelope=0,100 22050,100 22050,0\r\n"
METAL = "Level=64\nF1=500\nWave1=4\nF2=800\nWave2=1\nParam=50\nEnvelope1=0,100 9000,0\nEnvelope2=0,50 4000,0\n"


def _rng() -> np.random.Generator:
    return np.random.default_rng(0)


def test_a_tone_has_its_pitch_and_length() -> None:
    sound = drumsynth.render(TONE, _rng())
    assert len(sound) == RATE // 2
    assert np.abs(np.fft.rfft(sound)).argmax() * RATE / len(sound) == pytest.approx(400, abs=2)


def test_a_stretched_one_is_longer_at_the_same_pitch() -> None:
    sound = drumsynth.render("[General]\nStretch=200\n" + TONE, _rng())
    assert len(sound) == RATE
    assert np.abs(np.fft.rfft(sound)).argmax() * RATE / len(sound) == pytest.approx(400, abs=2)


def test_a_tone_with_droop_falls() -> None:
    sound = drumsynth.render(TONE.replace("F2=400", "F2=50").replace("Droop=0", "Droop=30"), _rng())
    rising = np.flatnonzero((sound[:-1] < 0) & (sound[1:] >= 0))
    assert np.diff(rising)[0] < 100 < 300 < np.diff(rising)[-1]


@pytest.mark.parametrize("method", [0, 1, 2, 3])
def test_overtones_sound_in_each_way(method: int) -> None:
    sound = drumsynth.render(f"[Overtones]\nOn=1\nMethod={method}\n{METAL}", _rng())
    assert np.isfinite(sound).all()
    assert 0.02 < np.abs(sound[:2000]).max() < 1.0


def test_noise_is_bright_or_dark_and_a_band_lies_where_it_says() -> None:
    def centre(patch: str) -> float:
        power = np.abs(np.fft.rfft(drumsynth.render(patch, _rng()))) ** 2
        return float((power * np.linspace(0, RATE / 2, len(power))).sum() / power.sum())

    noise = "[Noise]\nOn=1\nLevel=128\nSlope={}\nEnvelope=0,100 22050,100\n"
    assert centre(noise.format(-90)) < 2500 < centre(noise.format(0)) < 6500 < centre(noise.format(90))
    assert centre("[NoiseBand]\nOn=1\nF=3000\ndF=10\nEnvelope=0,100 22050,100\n") == pytest.approx(3000, rel=0.2)


def test_what_is_off_is_silent() -> None:
    assert len(drumsynth.render(TONE.replace("On=1", "On=0"), _rng())) == 0
    assert len(drumsynth.render("", _rng())) == 0
