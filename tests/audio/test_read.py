"""Sound files to blocks: every format and rate, and what nobody planned for."""

from __future__ import annotations

import io
import struct
import sys
import tracemalloc
from math import gcd
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hearing import decode_here
from scipy.signal import resample_poly

from rhythmvae.audio import decoder, read, resampling
from rhythmvae.audio.formats import Loop, loop_of, sound_format
from rhythmvae.audio.hits import RATE
from rhythmvae.audio.read import Sound, blocks_of
from rhythmvae.audio.resampling import resampled
from rhythmvae.errors import AudioError


@pytest.fixture(autouse=True)
def here(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Most tests need no process of the decoder's own, which takes a third of a second to start."""
    if "own_process" not in request.fixturenames:
        decode_here(monkeypatch)


@pytest.fixture
def own_process() -> None:
    """The decoder in its own process, as it is."""


def clicks(rate: int, seconds: float = 1.0, n_channels: int = 1) -> np.ndarray:
    """A burst of noise every quarter of a second, (N, C)."""
    time = np.arange(round(rate * seconds)) / rate
    noise = np.random.default_rng(0).standard_normal((len(time), n_channels))
    return 0.2 * noise * np.exp(-40 * (time % 0.25))[:, None]


def file_of(samples: np.ndarray, rate: int = 44_100, kind: str = "WAV", subtype: str | None = None) -> bytes:
    out = io.BytesIO()
    soundfile.write(out, samples, rate, format=kind, subtype=subtype)
    return out.getvalue()


def heard(data: bytes, name: str = "loop.wav") -> np.ndarray:
    return np.concatenate(list(blocks_of(data, name)))


@pytest.mark.parametrize(
    ("kind", "rate", "n_channels"),
    [("WAV", 44_100, 2), ("FLAC", 96_000, 1), ("OGG", 48_000, 2), ("MP3", 44_100, 2), ("AIFF", 22_050, 1)],
)
def test_every_format_comes_out_in_time(kind: str, rate: int, n_channels: int) -> None:
    samples = clicks(rate, n_channels=n_channels)
    found = heard(file_of(samples, rate, kind))
    assert found.dtype == np.float32
    assert abs(len(found) - RATE) <= (0 if kind != "MP3" else 0.1 * RATE)
    wanted = resample_poly(samples.mean(1), RATE // gcd(RATE, rate), rate // gcd(RATE, rate))
    lag = np.correlate(found[: len(wanted)], wanted, "full").argmax() - len(wanted) + 1
    assert abs(lag) <= 1  # what an encoder adds before the sound, a decoder takes away


@pytest.mark.usefixtures("own_process")
def test_a_path_gives_what_its_bytes_give(tmp_path: Path) -> None:
    data = file_of(clicks(48_000, 5.0, n_channels=8), 48_000)  # more than a pipe holds
    (tmp_path / "wide ünd.wav").write_bytes(data)
    found = np.concatenate(list(blocks_of(tmp_path / "wide ünd.wav", "wide.wav")))
    assert np.array_equal(found, heard(data))


@pytest.mark.parametrize("rate", [8_000, 44_100, 48_000, 22_051, 192_000])
def test_blocks_are_resampled_as_one(rate: int) -> None:
    samples = np.random.default_rng(1).standard_normal(3 * rate + 17).astype(np.float32)
    cuts = [5, 4000, 4001, rate, 2 * rate + 1]
    found = np.concatenate(list(resampled(np.split(samples, cuts), rate)))
    common = gcd(rate, RATE)
    assert np.allclose(found, resample_poly(samples, RATE // common, rate // common), atol=1e-5)


def test_a_filter_that_is_made_in_parts_is_the_same_and_takes_little(monkeypatch: pytest.MonkeyPatch) -> None:
    at_once = resampling._filter(4_409, 2_205)
    monkeypatch.setattr(resampling, "MOST_AT_ONCE", 1_000)
    parts = resampling._filter(4_409, 2_205)
    assert len(parts) == len(at_once)
    assert np.allclose(parts, at_once, rtol=1e-5, atol=1e-7)
    monkeypatch.undo()
    tracemalloc.start()
    try:
        assert len(resampling._filter(532_289, 22_050)) == 20 * 532_289 + 1
        assert tracemalloc.get_traced_memory()[1] < 120 << 20
    finally:
        tracemalloc.stop()


def test_what_a_file_is_shows_in_its_first_bytes() -> None:
    mp3 = file_of(clicks(44_100), kind="MP3")
    assert sound_format(mp3[:512]) == "MP3"
    assert sound_format(b"\xff\xfb\x90d" + bytes(508)) is None  # no second frame where it should be
    assert sound_format(b"\xff\xfe" + "text".encode("utf-16-le") * 40) is None
    assert sound_format(b"RIFF\x00\x00\x00\x00RMIDdata") is None
    assert sound_format(b"\x00\x00\x00\x20ftypM4A ") == "M4A or MP4"


# -- loops ---------------------------------------------------------------------


def test_a_loop_says_its_beats_and_tempo() -> None:
    acid = struct.pack("<IHHfIHHf", 2, 60, 0, 0.0, 8, 4, 4, 96.5)
    wav = file_of(clicks(44_100)) + b"acid" + struct.pack("<I", len(acid)) + acid
    assert loop_of(io.BytesIO(wav), "WAV") == Loop(8, 96.5, (4, 4)) == Sound(wav, "loop.wav").loop
    basc = struct.pack(">IIHHHHH", 1, 12, 48, 3, 6, 8, 1) + bytes(66)
    aiff = file_of(clicks(44_100), kind="AIFF")
    apple = aiff[:12] + b"basc" + struct.pack(">I", len(basc)) + basc + aiff[12:]
    assert loop_of(io.BytesIO(apple), "AIFF") == Loop(12, None, (6, 8))


def test_a_one_shot_and_odd_numbers_say_nothing() -> None:
    head = file_of(clicks(8_000), 8_000) + b"acid" + struct.pack("<I", 24)
    assert loop_of(io.BytesIO(head + struct.pack("<IHHfIHHf", 1, 60, 0, 0.0, 8, 4, 4, 96.5)), "WAV") is None
    odd = struct.pack("<IHHfIHHf", 0, 60, 0, 0.0, 1 << 31, 0, 0, float("nan"))
    assert loop_of(io.BytesIO(head + odd), "WAV") is None
    assert loop_of(io.BytesIO(head + b"short"), "WAV") is None


# -- what nobody planned for ---------------------------------------------------


def wav_header(rate: int, n_channels: int, n_bytes: int) -> bytes:
    """A WAV header, 16 bit, that says how many bytes follow."""
    form = struct.pack("<HHIIHH", 1, n_channels, rate, 2 * rate * n_channels, 2 * n_channels, 16)
    rest = b"WAVEfmt " + struct.pack("<I", len(form)) + form + b"data" + struct.pack("<I", n_bytes)
    return b"RIFF" + struct.pack("<I", len(rest) + n_bytes) + rest


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "expected a sound as WAV, FLAC, OGG, MP3 or AIFF, got a file that is none of these"),
        (b"MThd\x00\x00\x00\x06", "none of these"),
        (b"\x00\x00\x00\x20ftypM4A " + bytes(100), "got M4A or MP4; save it as one of these"),
        (b"RIFF\x00\x00\x00\x00WAVE" + bytes(400), "damaged WAV file"),
        (b"fLaC" + bytes(400), "damaged FLAC file"),
        (b"OggS" + bytes(400), "damaged OGG file"),
        (b"ID3\x04" + bytes(400), "damaged MP3 file"),
        (b"FORM\x00\x00\x00\x00AIFF" + bytes(400), "damaged AIFF file"),
        (file_of(clicks(44_100)[:1]), "at least 0.1 seconds of sound, got 1 sample"),
        (wav_header(44_100, 2, 0), "at least 0.1 seconds of sound, got 0 samples"),
        (wav_header(44_100, 65, 65 * 8820) + bytes(65 * 8820), "got 65 channels at 44,100 Hz"),
        (wav_header(1_000, 1, 2000) + bytes(2000), "got 1 channel at 1,000 Hz"),
        (file_of(np.full((44_100, 1), np.nan), subtype="FLOAT"), "most are no numbers"),
        (file_of(np.zeros((8_000 * 601, 1)), 8_000, "FLAC"), "at most 10 minutes of sound, got more"),
    ],
)
def test_what_is_no_sound_is_one_sentence(data: bytes, message: str) -> None:
    with pytest.raises(AudioError, match=message) as raised:
        heard(data, "odd\n.wav")
    assert str(raised.value).startswith("odd .wav: expected ")
    assert str(raised.value).count("\n") == 0


@pytest.mark.usefixtures("own_process")
def test_a_sound_that_is_given_up_leaves_no_decoder_behind() -> None:
    data = file_of(clicks(44_100, 20.0, n_channels=2))
    blocks = blocks_of(data, "long.wav")
    assert len(next(blocks))
    blocks.close()
    with pytest.raises(AudioError, match="damaged FLAC"):
        heard(b"fLaC" + bytes(1 << 20))


def test_a_flac_that_does_not_say_how_long_it_is_is_stopped_at_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    data = bytearray(file_of(np.zeros((8_000 * 30, 1)), 8_000, "FLAC"))
    data[21:26] = bytes([data[21] & 0xF0, 0, 0, 0, 0])  # the number of samples in STREAMINFO, 36 bit
    monkeypatch.setattr(read, "MAX_SECONDS", 20.0)
    with pytest.raises(AudioError, match="at most 10 minutes"):
        heard(bytes(data))


def test_many_channels_at_a_high_rate_are_stopped_by_their_samples(monkeypatch: pytest.MonkeyPatch) -> None:
    data = file_of(clicks(192_000, n_channels=8), 192_000)
    assert len(heard(data)) == RATE
    monkeypatch.setattr(read, "MAX_VALUES", 1_000_000)
    with pytest.raises(AudioError, match="got more \\(8 channels at 192,000 Hz\\)"):
        heard(data)


@pytest.mark.parametrize("kind", ["WAV", "FLAC", "AIFF"])
def test_a_file_that_was_cut_off_is_read_as_far_as_it_goes(kind: str) -> None:
    whole = file_of(clicks(44_100, 2.0), kind=kind)
    sound = Sound(whole[: len(whole) // 2], "cut.wav")
    found = np.concatenate(list(sound.blocks()))
    assert 0.5 * RATE < len(found) <= 1.01 * RATE
    assert np.allclose(found[:10_000], heard(whole)[:10_000], atol=1e-4)
    assert len(sound.remarks) == (kind == "FLAC")


def test_samples_that_are_no_numbers_are_silence_and_said() -> None:
    samples = clicks(RATE)
    samples[[5, 6, 7], 0] = np.nan, np.inf, 1e30
    sound = Sound(file_of(samples, RATE, subtype="FLOAT"), "odd.wav")
    found = np.concatenate(list(sound.blocks()))
    assert np.array_equal(found[5:8], np.zeros(3))
    assert np.allclose(np.delete(found, [5, 6, 7]), np.delete(samples[:, 0], [5, 6, 7]), atol=1e-6)
    assert sound.remarks == ["3 samples no numbers; silence stands for them."]


@pytest.mark.usefixtures("own_process")
def test_what_the_decoder_cannot_bear_ends_the_decoder_alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for number, deed in enumerate(("os.abort()", "os.write(1, b'ab'); os.abort()", "os.write(1, b'\\x7f' * 64)")):
        dying = tmp_path / f"dying{number}.py"
        dying.write_text(f"import os; {deed}")
        monkeypatch.setattr(decoder, "__file__", str(dying))
        with pytest.raises(AudioError, match="could not bear it"):
            heard(file_of(clicks(8_000), 8_000))


def test_without_soundfile_one_sentence_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "soundfile", None)
    with pytest.raises(AudioError, match=r"package soundfile .* pip install 'rhythmvae\[audio\]'"):
        Sound(file_of(clicks(8_000), 8_000), "loop.wav")


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(AudioError, match="a readable file, got No such file"):
        Sound(tmp_path / "nowhere.wav", "nowhere.wav")


def test_a_file_that_is_too_large_is_not_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(read, "MAX_SOUND_BYTES", 1 << 20)
    with pytest.raises(AudioError, match="at most 1 MB, got 2 MB; cut it"):
        Sound(file_of(np.zeros((1_100_000, 1))), "long.wav")
