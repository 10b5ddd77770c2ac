"""Sounds that nobody planned for, by every way in: a command, an upload box, a zip. Each is a sentence or a groove."""

from __future__ import annotations

import io
import struct
import zipfile
from collections import deque
from collections.abc import Iterable
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from browsing import in_hand, opened, pattern, shown, upload
from hearing import decode_here, loop_heard
from streamlit.testing.v1 import AppTest

from rhythmvae import cli
from rhythmvae.audio import pcm, read
from rhythmvae.audio.hits import Heard
from rhythmvae.data import files, recording
from rhythmvae.data.examples import example
from rhythmvae.groove import FloatArray
from rhythmvae.midi.write import write_midi

soundfile = pytest.importorskip("soundfile")
RATE = 8_000
CLICKS = 0.3 * np.random.default_rng(0).standard_normal(4 * RATE) * np.exp(-40 * (np.arange(4 * RATE) / RATE % 0.25))


def file_of(samples: np.ndarray, rate: int = RATE, kind: str = "WAV", **more: str) -> bytes:
    out = io.BytesIO()
    soundfile.write(out, samples, rate, format=kind, **more)
    return out.getvalue()


def with_length(flac: bytes, n: int) -> bytes:
    """A FLAC whose header says that it has so many samples."""
    packed = struct.pack(">Q", struct.unpack(">Q", flac[18:26])[0] >> 36 << 36 | n)
    return flac[:18] + packed + flac[26:]


GOOD = file_of(CLICKS)
FLAC = file_of(CLICKS, kind="FLAC")
HOUR = np.zeros(3600 * 2_000, dtype=np.int16)
NO_NUMBERS = np.full(RATE, np.nan)
# What each is, and what is said of it; None where it is read.
HOSTILE: dict[str, tuple[bytes, str | None]] = {
    "truncated.wav": (GOOD[: len(GOOD) // 2], None),
    "truncated.flac": (FLAC[: len(FLAC) // 2], None),
    "truncated.ogg": (file_of(CLICKS, kind="OGG")[:200], "damaged OGG file"),
    "truncated head.wav": (GOOD[:30], "damaged WAV file"),
    "wrong header.wav": (b"fLaC" + GOOD[4:], "damaged FLAC file"),
    "wrong length.flac": (with_length(FLAC, (1 << 36) - 1), "at most 10 minutes of sound, got more"),
    "wrong size.wav": (GOOD[:40] + b"\xff\xff\xff\xff" + GOOD[44:], None),
    "hour.flac": (file_of(HOUR, 2_000, "FLAC"), "at most 10 minutes of sound, got more"),
    "hour untold.flac": (with_length(file_of(HOUR, 2_000, "FLAC"), 0), "at most 10 minutes of sound, got more"),
    "one sample.wav": (file_of(CLICKS[:1]), "at least 0.1 seconds of sound, got 1 sample"),
    "eight channels.wav": (file_of(np.tile(CLICKS[:RATE, None], 8)), None),
    "fast.wav": (file_of(np.repeat(CLICKS[:2_000], 24), 192_000), None),
    "no numbers.wav": (file_of(NO_NUMBERS, subtype="FLOAT"), "most are no numbers"),
    "beyond one.wav": (file_of(np.where(np.arange(4 * RATE) % 7, CLICKS, 1e30), subtype="FLOAT"), None),
    "song.m4a": (b"\0\0\0\x20ftypM4A " + bytes(200), "got M4A or MP4"),
}
REFUSED = {name: why for name, (_, why) in HOSTILE.items() if why is not None}


@pytest.fixture(autouse=True)
def ear(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every sound that is decoded, all of it, is heard as the same drums; what takes memory is how it gets there."""
    decode_here(monkeypatch)

    def hear(blocks: Iterable[FloatArray], least: float) -> Heard:
        deque(blocks, maxlen=0)
        return loop_heard()

    monkeypatch.setattr(recording, "_transcriber", lambda: SimpleNamespace(hear=hear, thresholds=np.full(9, 0.4)))


@pytest.fixture
def blocks(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Lengths of all that is held of a sound at a time: the parts that a decoder gives."""
    lengths: list[int] = []
    usual = read.Sound._mono

    def mono(sound, parts, *args):  # type: ignore[no-untyped-def]
        return usual(sound, (lengths.append(len(part)) or part for part in parts), *args)

    monkeypatch.setattr(read.Sound, "_mono", mono)
    return lengths


def test_a_command_says_a_line_for_each_and_reads_the_rest(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], blocks: list[int]
) -> None:
    for name, data in {**{name: data for name, (data, _) in HOSTILE.items()}, "good.wav": GOOD}.items():
        (tmp_path / "in" / name).parent.mkdir(exist_ok=True)
        (tmp_path / "in" / name).write_bytes(data)
    assert cli.main(["transcribe", str(tmp_path / "in"), "--out", str(tmp_path / "out")]) == 1
    err = capsys.readouterr().err
    for name, why in REFUSED.items():
        [line] = [line for line in err.splitlines() if f"{name}: expected" in line]
        assert why in line
    read_all = {path.relative_to(tmp_path / "out").stem for path in (tmp_path / "out").rglob("*.mid")}
    assert {"good", *(Path(name).stem for name, (_, why) in HOSTILE.items() if why is None)} <= {
        name.partition("~")[0] for name in read_all
    }
    assert len(read_all) == len(HOSTILE) - len(REFUSED) + 1
    assert "Traceback" not in err
    # An hour is refused by what its header says, or stopped at the limit, a small block at a time.
    assert max(blocks) <= read.MAX_PART_BYTES
    assert sum(blocks) < 4 * (read.MAX_SECONDS * 2_000 + 40 * RATE * 8 * 3)


def with_good() -> AppTest:
    app = upload(opened(), ("good.wav", GOOD))
    assert in_hand(app).startswith("sound ")
    return app


def test_a_page_says_a_sentence_for_each_and_nothing_is_lost(blocks: list[int]) -> None:
    app = upload(with_good(), *((name, data) for name, (data, _) in HOSTILE.items()))
    assert not app.exception
    said = app.session_state["upload problems"]
    for name, why in REFUSED.items():
        [sentence] = [each for each in said if f"{name}: expected" in each]
        assert why in sentence
    assert f"{len(REFUSED) - 4} more" in shown(app)  # of what was wrong the first are said in full
    assert in_hand(app).startswith("sound ")
    assert {"good.wav", *HOSTILE} - set(REFUSED) <= set(pattern(app).options)
    assert max(blocks) <= read.MAX_PART_BYTES


def test_a_zip_of_them_is_read_to_its_end() -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, (data, _) in HOSTILE.items():
            archive.writestr(name, data)
        archive.writestr("z last.wav", GOOD + b"\0\0")
    app = upload(with_good(), ("pack.zip", out.getvalue()))
    next(button for button in app.button if "read them too" in button.label).click().run()
    assert not app.exception
    assert f"{len(REFUSED) - 4} more" in shown(app)
    assert {"good.wav", "z last.wav"} <= set(pattern(app).options)


def test_a_bomb_of_flac_in_a_zip_ends_at_the_limits(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A FLAC of silence is small, in a zip smaller, and as long as a sound may be."""
    bomb = file_of(np.zeros(590 * 2_000, dtype=np.int16), 2_000, "FLAC")
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for number in range(5):
            archive.writestr(f"{number}.flac", bomb + bytes([number]))
        archive.writestr("song.mid", write_midi(example("funk")))
    app = upload(opened(), ("bombs.zip", out.getvalue()))
    next(button for button in app.button if "read them too" in button.label).click().run()
    assert not app.exception
    held = app.session_state["sounds"]
    assert sum(sound.n_bytes for sound in held) <= 32 << 20
    assert len(held) * 590 * pcm.BYTES_PER_SECOND <= 32 << 20
    assert "expected at most" in shown(app)
    assert "song.mid" in pattern(app).options
    # One whose bytes alone are too many is not even unpacked.
    monkeypatch.setattr(files, "MAX_SOUND_BYTES_IN_ZIP", 1 << 10)
    (tmp_path / "bombs.zip").write_bytes(out.getvalue())
    assert cli.main(["transcribe", str(tmp_path / "bombs.zip"), "--out", str(tmp_path / "out")]) == 1
    assert not (tmp_path / "out").exists()
