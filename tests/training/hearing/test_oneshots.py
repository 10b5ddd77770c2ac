"""Single drums: names say what they are, and kits are drawn out of them."""

import struct
from pathlib import Path

import numpy as np
import pytest

from rhythmvae.audio.hits import RATE
from rhythmvae.groove import FloatArray
from rhythmvae.kit import N_VOICES, VOICE_INDEX
from rhythmvae.training.hearing import oneshots, samples
from rhythmvae.training.hearing.oneshots import HARD, SOFT, TOMS, Piece
from rhythmvae.training.hearing.samples import NONE


@pytest.mark.parametrize(
    ("name", "voice"),
    [
        ("bd_haus", "kick"),
        ("drum_bass", "kick"),
        ("misc/bouncy809bd", "kick"),
        ("electro/K_Linn", "kick"),
        ("elec_filt_snare", "snare"),
        ("misc/clappy_snare", "snare"),
        ("sidestick01", "snare"),
        ("drum_cymbal_pedal", "closed_hat"),
        ("tr909/Hat-c2", "closed_hat"),
        ("hihat_opened02", "open_hat"),
        ("misc_hats/slick_hat_compressd_open", "open_hat"),
        ("tom_hi01", "high_tom"),
        ("tr606/TR606_Tom_L", "low_tom"),
        ("misc_hats/q_ride_2", "ride"),
        ("tr77/Tr77_cym", "crash"),
    ],
)
def test_a_name_says_the_voice(name: str, voice: str) -> None:
    assert oneshots.voice_of(name) == VOICE_INDEX[voice]


def test_some_are_none_of_ours_and_some_are_left_out() -> None:
    assert [oneshots.voice_of(name) for name in ("clap02", "latin/Bongo_h", "tabla_ghe1")] == [NONE] * 3
    assert [oneshots.voice_of(name) for name in ("loop_amen", "drum_roll", "misc_fx/click", "tbd_pad_1")] == [None] * 4


def _tone(hz: float, seconds: float = 0.2) -> FloatArray:
    t = np.arange(round(seconds * RATE)) / RATE
    return np.asarray(np.sin(2 * np.pi * hz * t) * np.exp(-8 * t), dtype=np.float32)


def test_pieces_are_read_and_pairs_are_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    soundfile = pytest.importorskip("soundfile")
    for place in ("SONIC_PI", "LMMS", "FREEPATS"):
        monkeypatch.setattr(oneshots, place, tmp_path / place)
    patches = tmp_path / "LMMS" / "drumsynth" / "tr808"
    for folder in (patches, tmp_path / "more", tmp_path / "LMMS" / "drums"):
        folder.mkdir(parents=True)
    for name, wave in (("drum_snare_hard", _tone(200)), ("drum_snare_soft", 0.4 * _tone(200)), ("loop_x", _tone(90))):
        soundfile.write(tmp_path / "more" / f"{name}.flac", wave, RATE)
    (tmp_path / "LMMS" / "drums" / "kick04.ogg").write_bytes(b"none")
    (patches / "Kick.ds").write_text("[Tone]\nOn=1\nF1=60\nF2=60\nEnvelope=0,100 9000,0\n")
    snare, kick = oneshots.pieces(tmp_path / "more")
    assert [snare.name, kick.name] == ["drum_snare", "tr808/Kick"]
    assert [velocity for velocity, _ in snare.sounds] == [SOFT, HARD]
    assert [np.abs(wave).max() for _, wave in snare.sounds] == pytest.approx([0.4, 1.0], abs=0.01)
    assert (kick.voice, len(kick.sounds)) == (0, 1)


def test_a_gravis_patch_is_read() -> None:
    wave = np.rint(30_000 * _tone(300)).astype("<i2")
    head = bytes(8) + struct.pack("<IIIH", 2 * len(wave), 0, 0, RATE) + bytes(33) + bytes([1]) + bytes(40)
    read = oneshots.patch(bytes(oneshots.HEAD) + head + wave.tobytes() + bytes(100))
    assert np.allclose(read, wave / 32768, atol=1e-4)


def test_a_kit_has_every_voice_and_its_toms_rise() -> None:
    own = [
        Piece(f"{voice}-{i}", voice, [(HARD, _tone(100 + 37 * i))]) for voice in range(N_VOICES + 1) for i in range(5)
    ]
    for seed in range(8):
        shots = list(oneshots.kit(own, np.random.default_rng(seed)))
        assert {shot.voice for shot in shots} == set(range(N_VOICES + 1))
        pitches = [next(oneshots.pitch(shot.wave) for shot in shots if shot.voice == voice) for voice in TOMS]
        assert pitches == sorted(pitches)
        assert pitches[0] < pitches[2]
        hat, kick = (next(np.abs(s.wave).max() for s in shots if s.voice == voice) for voice in (2, 0))
        assert hat < kick


def test_what_is_kept_to_choose_by_hangs_on_the_name_alone() -> None:
    own = [Piece(f"misc/kick_{i}", 0, []).for_choosing for i in range(600)]
    assert 60 < sum(own) < 140
    assert Piece("freepats/036_Kick_2", 0, []).for_choosing
    assert samples.NONE == oneshots.NONE
