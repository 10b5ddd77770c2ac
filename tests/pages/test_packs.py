"""Sounds in a zip that is dropped: counted, offered, and read where that is asked for."""

from __future__ import annotations

import io
import zipfile

import pytest
import streamlit as st
from browsing import in_hand, opened, pattern, shown, upload, visit
from hearing import loop_heard, stand_in
from streamlit.testing.v1 import AppTest

from rhythmvae.data.examples import example
from rhythmvae.midi.write import write_midi
from rhythmvae.sound.synth import wav_bytes
from rhythmvae.ui.parts import packs as part
from rhythmvae.ui.session import packs, sounds

pytest.importorskip("soundfile")
WAV, MIDI = wav_bytes(example("rock"), loop=True), write_midi(example("funk"))


def pack(**files: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name.replace("_", "."), data)
    return out.getvalue()


@pytest.fixture(autouse=True)
def ear(monkeypatch: pytest.MonkeyPatch) -> None:
    stand_in(monkeypatch, loop_heard())


def labels(app: AppTest) -> list[str]:
    found = [button.label.replace("\\", "").replace("\u2060", "") for button in app.button]
    return [label for label in found if " too" in label]


def click(app: AppTest, label: str) -> AppTest:
    next(button for button in app.button if label in button.label).click().run()
    assert not app.exception
    return app


def test_sounds_in_a_zip_are_counted_and_read_where_that_is_asked_for() -> None:
    app = upload(opened(), ("pack.zip", pack(a_mid=MIDI, b_wav=WAV, c_wav=WAV + b"x", read_txt=b"hello")))
    assert in_hand(app).startswith("file ")
    assert labels(app) == ["2 sounds in pack.zip: read them too"]
    assert "1 other file in it is not MIDI and no sound" in shown(app)
    assert not [key for key in pattern(app).options if "wav" in key]
    click(app, "read them too")
    assert in_hand(app).startswith("sound ")
    assert {"a.mid", "b.wav", "c.wav"} <= set(pattern(app).options)
    assert labels(app) == []
    # On the training page they are data like any other.
    visit(app, "train")
    assert not app.exception
    assert any("Your sounds (2)" in str(pills.options) for pills in app.button_group)


def test_on_the_training_page_too_and_left_out_they_are_gone() -> None:
    app = upload(opened("train"), ("pack.zip", pack(b_wav=WAV)), name="training files")
    assert not app.error  # a zip of sounds alone is no mistake
    assert "1 sound in pack.zip: read it too" in labels(app)
    click(app, "Leave out")
    assert labels(app) == []


def test_what_takes_too_long_is_offered_again_and_what_is_broken_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(part, "MAX_SECONDS", -1.0)
    app = upload(opened(), ("pack.zip", pack(a_wav=WAV[:30] + b"\xff" * 20, b_wav=WAV)))
    assert labels(click(app, "read them too")) == ["2 sounds in pack.zip: read them too"]
    monkeypatch.setattr(part, "MAX_SECONDS", 60.0)
    click(app, "read them too")
    assert "a.wav: expected" in shown(app)
    assert in_hand(app).startswith("sound ")


def test_a_visitor_who_has_no_more_room_is_told_how_many_are_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sounds, "MAX_SOUNDS", 1)
    app = upload(opened(), ("pack.zip", pack(a_wav=WAV, b_wav=WAV + b"x", c_wav=WAV + b"xx")))
    click(app, "read them too")
    assert "2 sounds of pack.zip left out" in shown(app)
    assert labels(app) == []


def test_without_the_library_one_sentence_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sounds, "find_spec", lambda name: None)
    app = upload(opened(), ("pack.zip", pack(a_wav=WAV, b_wav=WAV + b"x")))
    assert labels(app) == []
    assert (
        "2 sounds in pack.zip. To read sounds in zips this server needs the package soundfile: python -m pip"
        in shown(app)
    )


def test_offers_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(st, "session_state", {})
    data = pack(a_wav=WAV)
    for number in range(packs.MAX_PACKS + 1):
        assert packs.offer(f"{number}.zip", data) == 1
    assert [own.name for own in packs.offered()] == [f"{number}.zip" for number in range(1, packs.MAX_PACKS + 1)]
    packs.offer("2.zip", data)
    assert [own.name for own in packs.offered()][-1] == "2.zip"
    assert len(packs.offered()) == packs.MAX_PACKS
    monkeypatch.setattr(packs, "MAX_BYTES", len(data) + 10)
    packs.offer("large.zip", data)
    assert [own.name for own in packs.offered()] == ["large.zip"]
    assert packs.offer("midi.zip", pack(a_mid=MIDI)) == 0
