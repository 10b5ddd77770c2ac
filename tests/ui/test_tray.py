"""What a visitor keeps: in and out, bounded, and a zip that other programs open."""

from __future__ import annotations

import io
import zipfile
from dataclasses import replace
from typing import Any

import mido
import pretty_midi
import pytest
import streamlit as st
from grooves import groove, random_groove

from rhythmvae.groove import Groove, Meter, Tempo
from rhythmvae.midi.read import read_midi
from rhythmvae.midi.tracks import write_tracks
from rhythmvae.ui.session import tray


@pytest.fixture(autouse=True)
def session(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The session's state, a plain mapping here."""
    state: dict[str, Any] = {}
    monkeypatch.setattr(st, "session_state", state)
    return state


def numbered(i: int) -> Groove:
    return replace(random_groove(i), title=f"Groove {i}")


def content(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.testzip() is None
        return {name: archive.read(name) for name in archive.namelist()}


def zipped(*grooves: Groove) -> dict[str, bytes]:
    return content(tray.zipped({str(i): own for i, own in enumerate(grooves)}))


# -- in and out


def test_what_is_kept_is_there_until_it_is_kept_again() -> None:
    first, second = numbered(1), numbered(2)
    assert not tray.kept()
    for own in (first, second):
        tray.toggle(own)
    assert list(tray.kept().values()) == [first, second]
    assert tray.holds(first)
    tray.toggle(first)
    assert list(tray.kept().values()) == [second]
    assert not tray.holds(first)


def test_the_same_music_by_another_name_is_kept_beside_it() -> None:
    tray.toggle(numbered(1))
    tray.toggle(replace(numbered(1), title="Another"))
    assert [own.title for own in tray.kept().values()] == ["Groove 1", "Another"]


def test_the_oldest_goes_when_it_is_full() -> None:
    for i in range(tray.MAX_KEPT + 3):
        tray.toggle(numbered(i))
    assert [own.title for own in tray.kept().values()] == [f"Groove {i}" for i in range(3, tray.MAX_KEPT + 3)]


# -- taken home


def test_a_zip_opens_in_other_libraries_with_its_bars_tempos_and_names() -> None:
    grooves = [
        replace(random_groove(i, n_steps, 40, meters=(Meter(0.0, *meter),), tempos=(Tempo(0.0, bpm),)), title=title)
        for i, (n_steps, meter, bpm, title) in enumerate(
            [(64, (4, 4), 97.0, "Funk, variation 3.1"), (36, (6, 8), 133.0, "Ballad"), (56, (7, 8), 60.0, "Ünï 🥁")]
        )
    ]
    files = zipped(*grooves)
    assert list(files) == ["Funk-variation-3-1.mid", "Ballad.mid", "Ünï.mid"]
    for own, data in zip(grooves, files.values(), strict=True):
        song = mido.MidiFile(file=io.BytesIO(data), charset="utf-8")
        [track] = song.tracks
        assert track.name == own.title
        quarters = sum(message.time for message in track) / song.ticks_per_beat
        assert quarters == own.n_steps / 4  # whole bars, to the very end
        [signature] = [m for m in track if m.type == "time_signature"]
        assert (signature.numerator, signature.denominator) == (own.meters[0].numerator, own.meters[0].denominator)
        [tempo] = [m.tempo for m in track if m.type == "set_tempo"]
        assert mido.tempo2bpm(tempo) == pytest.approx(own.tempos[0].bpm, rel=1e-4)

        pretty = pretty_midi.PrettyMIDI(io.BytesIO(data))
        [instrument] = pretty.instruments
        assert instrument.is_drum
        assert min(note.start for note in instrument.notes) >= 0.0
        assert max(note.end for note in instrument.notes) <= own.duration_seconds + 1e-3
        again, _ = read_midi(data, "a.mid")
        assert (again.n_bars, again.n_steps) == (own.n_bars, own.n_steps)


def test_a_kept_groove_can_have_a_track_for_every_drum() -> None:
    own = groove((0.0, "kick", 90), (4.0, "snare", 80), n_steps=16)
    assert list(content(tray.zipped({"0": own}, write_tracks)).values()) == [write_tracks(own)]


def test_a_hit_before_beat_1_is_written_on_it_and_the_last_one_is_there() -> None:
    early = groove((-0.4, "kick", 90), (31.4, "crash", 20), n_steps=32)
    [data] = zipped(replace(early, title="Early")).values()
    again, _ = read_midi(data, "a.mid")
    assert again.position.tolist() == pytest.approx([0.0, 31.4], abs=0.01)
    assert again.n_steps == 32


@pytest.mark.parametrize(
    ("titles", "names"),
    [
        (["A", "A", "a"], ["A.mid", "A~2.mid", "a~3.mid"]),
        (["A b", "A, b"], ["A-b.mid", "A-b~2.mid"]),
        (["", "..", "../../etc/passwd"], ["groove.mid", "groove~2.mid", "etc-passwd.mid"]),
        (["x" * 300, "x" * 301], ["x" * 60 + ".mid", "x" * 60 + "~2.mid"]),
    ],
    ids=str,
)
def test_names_are_files_and_no_two_the_same(titles: list[str], names: list[str]) -> None:
    files = zipped(*[replace(numbered(i), title=title) for i, title in enumerate(titles)])
    assert list(files) == names
    assert len(set(files.values())) == len(titles)


def test_the_same_grooves_give_the_same_zip_and_it_is_small() -> None:
    grooves = {str(i): numbered(i) for i in range(4)}
    data = tray.zipped(grooves)
    assert data == tray.zipped(grooves)
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert all(info.compress_size < info.file_size for info in archive.infolist())
