import io
import wave
from pathlib import Path

import numpy as np
import pytest

from rhythmvae import kit_sounds
from rhythmvae.kit import VOICE_KEYS
from rhythmvae.kit_sounds import make

FOLDER = Path(kit_sounds.__file__).parent


def samples(voice: str) -> np.ndarray:
    with wave.open(io.BytesIO((FOLDER / f"{voice}.wav").read_bytes())) as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (1, 2, make.SAMPLE_RATE)
        return np.frombuffer(file.readframes(file.getnframes()), dtype="<i2") / 32_768


def test_one_sound_for_every_voice_and_small_enough_for_a_browser() -> None:
    files = sorted(FOLDER.glob("*.wav"))
    assert [f.stem for f in files] == sorted(VOICE_KEYS) == sorted(make.SOUNDS)
    assert sum(f.stat().st_size for f in files) < 700_000


@pytest.mark.parametrize("voice", VOICE_KEYS)
def test_the_script_makes_the_bytes_that_are_committed(voice: str) -> None:
    assert make.one_shot(voice) == (FOLDER / f"{voice}.wav").read_bytes()


@pytest.mark.parametrize("voice", VOICE_KEYS)
def test_a_sound_starts_at_once_ends_silent_and_has_no_offset(voice: str) -> None:
    sound = samples(voice)
    onset = np.flatnonzero(np.abs(sound) > 0.1 * np.abs(sound).max())[0]
    assert onset < 0.001 * make.SAMPLE_RATE
    assert np.abs(sound[-20:]).max() < 0.001
    assert abs(sound.mean()) < 0.0005
    assert 0.2 < np.abs(sound).max() < 1.0


def test_levels_and_lengths_are_those_of_a_kit() -> None:
    peak = {voice: np.abs(samples(voice)).max() for voice in VOICE_KEYS}
    length = {voice: len(samples(voice)) for voice in VOICE_KEYS}
    assert peak["kick"] > peak["snare"] > peak["crash"] > peak["closed_hat"]
    assert length["crash"] > length["open_hat"] > 3 * length["closed_hat"]


def test_toms_and_kick_are_tuned_apart() -> None:
    def pitch(voice: str) -> float:
        sound = samples(voice)
        return float(np.fft.rfftfreq(len(sound), 1 / make.SAMPLE_RATE)[np.abs(np.fft.rfft(sound)).argmax()])

    assert pitch("kick") < pitch("low_tom") < pitch("mid_tom") < pitch("high_tom")
