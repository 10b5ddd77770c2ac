"""Sources to grooves: sounds beside MIDI, in folders and zips where they are asked for."""

from __future__ import annotations

import io
import os
import struct
import zipfile
from pathlib import Path
from threading import Thread

import numpy as np
import pytest
from hearing import loop_heard, stand_in

from rhythmvae.data import corpus, recording
from rhythmvae.data.examples import example
from rhythmvae.data.files import find_sources, output_names, sound_at, sources_from_zip
from rhythmvae.data.reading import read_file, read_source, transcribe
from rhythmvae.errors import AudioError, CorpusError
from rhythmvae.midi.report import ReadOptions
from rhythmvae.midi.write import write_midi

WAV = b"RIFF" + struct.pack("<I", 36) + b"WAVEfmt " + struct.pack("<IHHIIHH", 16, 1, 1, 8000, 16000, 2, 16)
WAV += b"data" + struct.pack("<I", 16_000) + bytes(16_000)
MIDI = write_midi(example("funk"))


@pytest.fixture
def pack(tmp_path: Path) -> Path:
    """Two sounds, one under a name of MIDI, a MIDI file and a text."""
    folder = tmp_path / "pack"
    for name, data in {"a.mid": MIDI, "a.wav": WAV, "sub/not.mid": WAV, "read.txt": b"hello"}.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    return folder


def zipped(folder: Path) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for path in sorted(folder.rglob("*.*")):
            archive.write(path, path.relative_to(folder).as_posix())
    return out.getvalue()


def test_sounds_in_a_folder_are_counted_and_read_where_they_are_asked_for(pack: Path) -> None:
    found = find_sources(pack)
    assert [source.name for source in found] == ["a.mid", "sub/not.mid"]  # which its suffix promises to be MIDI
    assert (found.n_sounds, found.n_skipped) == (1, 2)
    found = find_sources(pack, audio=True)
    assert [(source.name, source.sound is not None) for source in found] == [
        ("a.mid", False),
        ("a.wav", True),
        ("sub/not.mid", True),
    ]
    assert output_names(found) == ["a.mid", "a~2.mid", "sub/not.mid"]


def test_sounds_in_a_zip_are_read_from_it_when_they_are_asked_for(pack: Path, tmp_path: Path) -> None:
    path = tmp_path / "pack.zip"
    path.write_bytes(zipped(pack))
    assert find_sources(path).n_sounds == 1
    [_, sound, _] = find_sources(path, audio=True)
    assert callable(sound.sound)
    assert sound.sound() == WAV
    path.write_bytes(b"PK\x03\x04 no zip any more")
    with pytest.raises(CorpusError, match=r"expected a zip, got one that cannot be opened"):
        sound.sound()
    assert sources_from_zip(zipped(pack), "pack.zip").n_sounds == 1


def test_a_zip_bomb_of_sound_is_read_to_its_limit(pack: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "pack.zip").write_bytes(zipped(pack))
    monkeypatch.setattr("rhythmvae.data.files.MAX_SOUND_BYTES_IN_ZIP", 1000)
    [_, sound, _] = find_sources(tmp_path / "pack.zip", audio=True)
    with pytest.raises(AudioError, match="got a larger one; unpack it"):
        sound.sound()


def test_a_sound_that_is_named_alone_is_read(pack: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stand_in(monkeypatch, loop_heard())
    groove, report = read_file(pack / "a.wav")
    assert str(groove.meters[0]) == "4/4"
    assert groove.tempos[0].bpm == pytest.approx(98.0, rel=1e-4)
    assert (groove.title, report.name) == ("a", "a.wav")
    assert report.n_notes == report.n_hits == len(groove) == report.n_mapped
    assert "97% likely to be drums alone" in report.changes[0].sentence
    assert report.to_dict()["ppq"] is None
    assert read_file(pack / "a.mid")[0].n_bars == example("funk").n_bars
    assert sound_at(pack / "a.mid") is sound_at(pack / "nowhere.wav") is None
    assert read_file(str(pack / "a.wav"), ReadOptions(meter=(2, 4)))[0].meters[0].numerator == 2


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes here")
def test_midi_comes_by_a_pipe(tmp_path: Path) -> None:
    """As `<(command)` gives it: what looks whether it is a sound takes nothing of it."""
    os.mkfifo(tmp_path / "pipe")
    Thread(target=(tmp_path / "pipe").write_bytes, args=(MIDI,), daemon=True).start()
    assert len(read_file(tmp_path / "pipe")[0]) == len(example("funk"))


def test_what_is_not_drums_alone_gives_no_groove_unless_it_is_wanted_anyway(
    pack: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stand_in(monkeypatch, loop_heard(drums_alone=0.2))
    [source] = find_sources(pack / "a.wav")
    with pytest.raises(AudioError, match=r"^a\.wav: expected drums alone, got a sound that is 20% likely to be that"):
        read_source(source)
    assert len(transcribe(source, anyway=True).groove)
    silence = np.zeros(0)
    stand_in(monkeypatch, loop_heard().__class__(silence, silence.astype(int), silence.astype(int), silence, 1.0, 1.0))
    with pytest.raises(AudioError, match=r"^a\.wav: expected drums, heard none\.$"):
        read_source(source)


def test_a_tempo_in_doubt_is_a_question(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "loop 87bpm.wav").write_bytes(WAV)
    stand_in(monkeypatch, loop_heard())
    [source] = find_sources(tmp_path / "loop 87bpm.wav")
    [question] = transcribe(source).report.questions
    assert (question.about, question.taken, question.option) == ("tempo", "98 BPM", "transcribe --tempo")
    assert "87 BPM" in question.others
    assert transcribe(source, bpm=98.0).report.questions == ()


def test_a_data_set_has_sounds_where_they_are_asked_for(pack: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stand_in(monkeypatch, loop_heard())
    found = corpus.load([pack], ReadOptions(audio=True), cache=False)
    assert [take.name for take in found.takes] == ["a.mid", "a.wav", "sub/not.mid"]
    assert [take.name for take in corpus.load([pack], cache=False).takes] == ["a.mid"]


def test_the_ear_is_opened_once(monkeypatch: pytest.MonkeyPatch) -> None:
    recording._transcriber.cache_clear()
    opened: list[object] = []
    monkeypatch.setattr("rhythmvae.audio.transcriber.Transcriber.load", lambda path=None: opened.append(path) or 1)
    assert recording._transcriber() is recording._transcriber()
    assert len(opened) == 1
    recording._transcriber.cache_clear()
