"""The Library page: a library beside the app, one of the visitor's files, and a folder that only its owner may name."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from typing import Any

import pytest
import streamlit as st
from browsing import downloads, in_hand, opened, players, press, shown, take, upload, visit
from grooves import random_groove
from streamlit.testing.v1 import AppTest

from rhythmvae.data.examples import EXAMPLES, example
from rhythmvae.errors import LibraryError
from rhythmvae.library import index
from rhythmvae.midi.write import write_midi
from rhythmvae.model.card import SHIPPED
from rhythmvae.ui.parts import library as parts
from rhythmvae.ui.session import library as libraries
from rhythmvae.ui.session.opened import shipped


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The built-in patterns, one of them twice, and a name that is no good text."""
    place = tmp_path_factory.mktemp("in")
    (place / "packs").mkdir()
    for name in EXAMPLES:
        (place / "packs" / f"{name}.mid").write_bytes(write_midi(example(name)))
    (place / "copy of *rock* <b>.mid").write_bytes(write_midi(example("rock")))
    for seed in range(20):
        (place / f"random {seed}.mid").write_bytes(write_midi(random_groove(seed)))
    return place


@pytest.fixture(scope="module")
def made(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("lib") / "drums"
    index.index([folder], place, SHIPPED, shipped().digest)
    return place


@pytest.fixture(autouse=True)
def _surroundings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    for name in (libraries.LIBRARY_VARIABLE, libraries.ANY_FOLDER_VARIABLE):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def app(made: Path, monkeypatch: pytest.MonkeyPatch) -> AppTest:
    """The page with a library beside the app, and the rock pattern in hand."""
    monkeypatch.setenv(libraries.LIBRARY_VARIABLE, str(made))
    return take(opened("library"), "rock")


def cards(app: AppTest) -> list[dict[str, Any]]:
    assert not app.exception
    return list(players(app).get(parts.CARDS, {"lanes": []})["lanes"])


def test_what_is_like_the_groove_in_hand_plays_in_its_tempo(app: AppTest) -> None:
    first, *others = cards(app)
    assert len(others) == parts.N_RESULTS[0] - 1
    assert first["note"].startswith("the same")
    assert first["note"].endswith(", +1")
    assert {lane["tempos"][0][1] for lane in cards(app)} == {example("rock").tempos[0].bpm}
    assert "packs" not in first["label"]  # its file's name alone


def test_more_like_this_open_and_keep(app: AppTest) -> None:
    second = cards(app)[1]
    press(app, parts.CARDS, {"lane": second["id"], "what": "like"})
    assert cards(app)[0]["id"] == second["id"]
    assert f"From: {second['label']}" in shown(app)
    press(app, parts.CARDS, {"lane": second["id"], "what": "keep"})
    assert "keep" in next(lane for lane in cards(app) if lane["id"] == second["id"])["pressed"]
    press(app, parts.CARDS, {"lane": second["id"], "what": "use"})
    assert in_hand(app).startswith("held ")
    assert not visit(app, "variations").exception


def test_what_goes_with_it_plays_other_drums(app: AppTest) -> None:
    press(app, parts.CARDS, {"lane": cards(app)[0]["id"], "what": "with"})
    assert app.session_state["library what"] == "with"
    assert all(not note.startswith("the same") for note in (lane["note"] for lane in cards(app)))


def test_words_voices_and_filters_narrow(app: AppTest) -> None:
    n = len(cards(app))
    next(box for box in app.text_input if box.key == "library words").set_value("RANDOM 1").run()
    found = cards(app)
    assert 0 < len(found) < n
    assert all("random 1" in lane["label"] for lane in found)
    next(box for box in app.text_input if box.key == "library words").set_value("100%_nothing").run()
    assert not cards(app)
    assert "Nothing passes these filters" in shown(app)
    next(box for box in app.text_input if box.key == "library words").set_value("").run()
    box = next(box for box in app.multiselect if box.key == "library meter")
    assert any(option.startswith("7/8 (") for option in box.options)
    box.set_value(["7/8"]).run()
    assert 0 < len(cards(app)) <= 3
    assert not app.exception


def test_what_is_found_is_taken_home_and_described(app: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    found = downloads(monkeypatch)
    app.run()
    name, data = found["Take these home, zip"]
    assert name == "found.zip"
    assert len(zipfile.ZipFile(io.BytesIO(data())).namelist()) == parts.N_RESULTS[0]
    [table] = [each for each in app.dataframe if "Distance" in each.value.columns]
    assert len(table.value) == parts.N_RESULTS[0]
    assert str(table.value["File"][0]).endswith(".mid")


def test_all_that_pass_are_trained_on(app: AppTest) -> None:
    next(box for box in app.text_input if box.key == "library words").set_value("packs").run()
    next(button for button in app.button if button.label == "Train on these").click().run()
    assert not app.exception
    assert f"Your files ({len(EXAMPLES)})" in str([each.options for each in app.get("button_group")])


def test_duplicates_are_said_and_stay(app: AppTest, folder: Path) -> None:
    before = sorted(folder.rglob("*"))
    next(button for button in app.button if button.key == "look for duplicates").click().run()
    assert "copy of *rock* <b>.mid" in shown(app)
    assert sorted(folder.rglob("*")) == before


def test_the_visitors_files_are_a_library(monkeypatch: pytest.MonkeyPatch) -> None:
    app = opened("library")
    assert "Drop a zip" in shown(app)
    upload(app, ("a.mid", write_midi(example("funk"))), ("../b.mid", write_midi(random_groove(3))))
    assert next(lane["note"].split(",")[0] for lane in cards(app)) == "the same"
    assert len(cards(app)) == 2


def test_nobody_names_a_folder_of_a_server_that_others_can_open(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(st, "get_option", lambda name: None)
    assert not libraries.is_own_computer()
    with pytest.raises(LibraryError, match="Expected an app on your own computer"):
        libraries.open_folder(str(tmp_path))
    assert not any(box.label == "Path of a folder" for box in opened("library").text_input)
    monkeypatch.setenv(libraries.ANY_FOLDER_VARIABLE, "yes")
    assert libraries.is_own_computer()
    assert any(box.label == "Path of a folder" for box in opened("library").text_input)


def test_a_folder_is_opened_by_its_path(
    monkeypatch: pytest.MonkeyPatch, folder: Path, made: Path, tmp_path: Path
) -> None:
    monkeypatch.setenv(libraries.ANY_FOLDER_VARIABLE, "yes")
    app = opened("library")

    def name(path: str) -> None:
        next(box for box in app.text_input if box.label == "Path of a folder").set_value(path).run()
        next(button for button in app.button if button.key == "open library folder").click().run()

    for wrong in ("", "relative", str(tmp_path / "nowhere"), "\0"):
        name(wrong)
        assert "Expected the whole path of a folder" in shown(app), wrong
    name(str(made))  # a library is searched as it is
    assert len(cards(app)) == parts.N_RESULTS[0]
    begun: list[Path] = []
    monkeypatch.setattr(libraries, "index_folder", begun.append)
    name(str(folder))
    assert begun == [folder.resolve()]


def test_a_library_of_another_model_is_searched_by_patterns(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from toys import checkpoint_file, checkpoint_of

    toy = checkpoint_file(tmp_path / "toy.safetensors")
    index.index([folder], tmp_path / "lib", toy, checkpoint_of().digest)
    monkeypatch.setenv(libraries.LIBRARY_VARIABLE, str(tmp_path / "lib"))
    app = take(opened("library"), "rock")
    assert cards(app)[0]["note"].startswith("the same")
    assert "patterns are compared" in shown(app)
