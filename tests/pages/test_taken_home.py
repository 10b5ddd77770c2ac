"""What a visitor takes home of all his files, as a page gives it; without a browser."""

from __future__ import annotations

import io
import zipfile

import pytest
from browsing import downloads, opened, unfold, upload

from rhythmvae.data.examples import example
from rhythmvae.midi.read import read_midi
from rhythmvae.midi.write import write_midi
from rhythmvae.ui.parts import pad, rebuilt
from rhythmvae.ui.session import caches, models

NAME = "Zebediah's unreleased demo.mid"


def test_all_files_rebuilt_as_a_zip_and_a_pad_that_names_none_of_them(monkeypatch: pytest.MonkeyPatch) -> None:
    found = downloads(monkeypatch)
    beats = {NAME: example("funk").bars(1, 1), "loops/bossa.mid": example("bossa").bars(1, 1)}
    app = upload(opened(), *((name, write_midi(beat)) for name, beat in beats.items()))
    assert not app.exception
    assert any("2 files, 2 bars" in caption.value for caption in app.caption)
    assert rebuilt.LABEL not in found
    app.button(key="rebuild everything").click().run()
    assert not app.exception
    name, made_of = found[rebuilt.LABEL]
    assert name == "rhythmvae-rebuilt.zip"
    with zipfile.ZipFile(io.BytesIO(made_of)) as archive:  # type: ignore[arg-type]
        listed = archive.namelist()
        assert len(listed) == 3
        made, _ = read_midi(archive.read(listed[0]), listed[0])
    read, _ = read_midi(write_midi(beats[NAME]), NAME)
    wanted = caches.reconstruct(read, models.shipped())
    assert len(made) == len(wanted)
    found.clear()
    app.run()
    assert found[rebuilt.LABEL][1] == made_of  # it is kept
    unfold(app.switch_page("pages/variations.py").run(), *pad.FOLDS)
    _, page = found["A page in one file"]
    text = page()
    for word in ("Zebediah", "unreleased", "bossa", "Funk", "/work", "localhost"):
        assert word.encode() not in text, word
