import io
import wave

import numpy as np
import pytest

from rhythmvae.kit import VOICE_KEYS
from rhythmvae.sound import kits
from rhythmvae.sound.kits import FOLDER, SAMPLE_RATE, SOUND_KEYS, kit_starts, kit_wav, make

CYMBALS = ("crash", "ride")
TOMS = ("low_tom", "mid_tom", "high_tom")


def sound(key: str) -> np.ndarray:
    return kits.samples(key) / 32_768


def spectrum(signal: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Frequencies in Hz and power."""
    return np.fft.rfftfreq(len(signal), 1 / SAMPLE_RATE), np.abs(np.fft.rfft(signal)) ** 2


def loudness(key: str) -> float:
    """K-weighted level (ITU-R BS.1770) of the loudest 100 ms, dB."""
    padded = np.pad(sound(key), (0, 8_192))
    s = 1j * np.fft.rfftfreq(len(padded), 1 / SAMPLE_RATE)
    shelf = (1.585 * s**2 + 1.2587 / 0.7072 * 1682 * s + 1682**2) / (s**2 + 1682 / 0.7072 * s + 1682**2)
    high_pass = s**2 / (s**2 + 38.14 / 0.5003 * s + 38.14**2)
    power = np.fft.irfft(np.fft.rfft(padded) * shelf * high_pass, len(padded)) ** 2
    total = np.concatenate(([0.0], np.cumsum(power)))
    window = SAMPLE_RATE // 10
    return float(10 * np.log10((total[window:] - total[:-window]).max() / window))


def decay_seconds(key: str) -> float:
    """Time to fall by 60 dB, from the slope of the energy still to come; treble counts for more."""
    energy = np.cumsum(np.diff(sound(key))[::-1] ** 2)[::-1]
    level = 10 * np.log10(energy / energy[0] + 1e-12)
    return float(60 * (np.argmax(level < -25) - np.argmax(level < -5)) / 20 / SAMPLE_RATE)


def test_one_sound_for_every_voice_and_small_enough_for_a_browser() -> None:
    files = sorted(FOLDER.glob("*.wav"))
    assert [f.stem for f in files] == sorted(SOUND_KEYS) == sorted(make.SOUNDS)
    assert (*VOICE_KEYS, "accent", "click") == SOUND_KEYS
    assert len(kit_wav()) < 560_000


@pytest.mark.parametrize("key", SOUND_KEYS)
def test_the_script_makes_the_bytes_that_are_committed(key: str) -> None:
    assert make.one_shot(key) == (FOLDER / f"{key}.wav").read_bytes()


@pytest.mark.parametrize("key", SOUND_KEYS)
def test_a_sound_starts_at_once_ends_silent_and_has_no_offset(key: str) -> None:
    heard = sound(key)
    assert heard[0] != 0
    assert np.flatnonzero(np.abs(heard) > 0.1 * np.abs(heard).max())[0] < 0.001 * SAMPLE_RATE
    assert np.abs(heard[-20:]).max() < 0.0002
    assert np.abs(heard[-len(heard) // 10 :]).max() < 0.01
    assert abs(heard.mean()) < 0.0005
    assert 0.2 < np.abs(heard).max() < 1.0


def test_the_kit_is_one_file_with_every_sound_in_its_place() -> None:
    with wave.open(io.BytesIO(kit_wav())) as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (1, 2, SAMPLE_RATE)
        whole = np.frombuffer(file.readframes(file.getnframes()), dtype="<i2").copy()
    assert tuple(kit_starts()) == SOUND_KEYS
    for key, (start, length) in kit_starts().items():
        assert np.array_equal(whole[start : start + length], kits.samples(key))
        whole[start : start + length] = 0
    assert not whole.any()
    assert len(whole) == sum(length + kits.GAP_SAMPLES for _, length in kit_starts().values())


def test_loudness_is_that_of_a_kit() -> None:
    over_snare = {key: loudness(key) - loudness("snare") for key in SOUND_KEYS}
    assert 0 < over_snare["kick"] < 3
    assert -11 < over_snare["closed_hat"] < over_snare["open_hat"] < over_snare["ride"] < -5
    assert all(-3 < over_snare[key] < 0 for key in (*TOMS, "crash"))
    assert over_snare["click"] + 2 < over_snare["accent"] < over_snare["ride"]


def test_sounds_ring_as_long_as_drums_do() -> None:
    ring = {key: decay_seconds(key) for key in VOICE_KEYS}
    assert 0.04 < ring["closed_hat"] < 0.09
    assert 0.30 < ring["open_hat"] < 0.60
    assert 0.15 < ring["snare"] < 0.25
    assert 1.0 < ring["ride"] < 1.5
    assert 1.1 < ring["crash"] < 2.5


def test_kick_and_toms_are_tuned_apart() -> None:
    def pitch(key: str) -> float:
        hz, power = spectrum(np.pad(sound(key)[4_000:], (0, 100_000)))
        return float(hz[power.argmax()])

    low, mid, high = (pitch(key) for key in TOMS)
    assert 48 < pitch("kick") < 60
    assert mid / low == pytest.approx(4 / 3, rel=0.02)  # a fourth
    assert high / mid == pytest.approx(4 / 3, rel=0.02)


@pytest.mark.parametrize("key", ["kick", *TOMS])
def test_one_hears_what_strikes_a_drum(key: str) -> None:
    hz, power = spectrum(sound(key)[:441])
    assert power[(hz > 1_500) & (hz < 6_000)].sum() > 0.005 * power.sum()


def test_a_snare_is_both_head_and_wires() -> None:
    hz, power = spectrum(sound("snare"))
    head, wires = power[(hz > 150) & (hz < 400)].sum(), power[(hz > 1_500) & (hz < 10_000)].sum()
    assert 0.5 < head / wires < 2


@pytest.mark.parametrize("key", CYMBALS)
def test_no_partial_of_a_cymbal_sticks_out(key: str) -> None:
    part = sound(key)[SAMPLE_RATE // 7 :][: SAMPLE_RATE // 2]
    hz, power = spectrum(part * np.hanning(len(part)))
    for centre_hz in (1_000, 2_000, 4_000, 8_000):
        band = power[(hz > centre_hz / 1.19) & (hz < centre_hz * 1.19)]
        assert 10 * np.log10(band.max() / band.mean()) < 17  # noise has 10, a few sines more than 19
