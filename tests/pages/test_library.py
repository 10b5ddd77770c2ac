"""The Library page: a library beside the app, one of the visitor's files, and a folder that only its owner may name."""

from __future__ import annotations

import io
import os
import sqlite3
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import streamlit as st
from browsing import downloads, in_hand, opened, players, press, send, shown, take, upload, visit
from grooves import random_groove
from streamlit.testing.v1 import AppTest

from rhythmvae.data.examples import EXAMPLES, example
from rhythmvae.errors import LibraryError
from rhythmvae.groove import Groove
from rhythmvae.kit import VOICE_INDEX, KitMap
from rhythmvae.library import answers, drawn, ground, index, places
from rhythmvae.library.store import NAME
from rhythmvae.midi.read import read_midi
from rhythmvae.midi.report import ReadOptions
from rhythmvae.midi.write import write_midi
from rhythmvae.model.card import SHIPPED
from rhythmvae.ui.components import library_map as map_view
from rhythmvae.ui.parts import library as parts
from rhythmvae.ui.parts import library_map as map_parts
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
    (place / os.fsdecode(b"\xff no text.mid")).write_bytes(write_midi(random_groove(50)))
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


def test_nobody_names_a_folder_of_a_server_behind_a_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(st, "get_option", lambda name: "127.0.0.1")
    assert libraries.is_own_computer()
    monkeypatch.setenv("RHYTHMVAE_SITE", "one of two")
    assert not libraries.is_own_computer()
    for headers, is_here in (
        ({"Host": "localhost:8501"}, True),
        ({"host": "[::1]:8501"}, True),
        ({"Host": "127.0.0.1:8501", "X-Forwarded-For": "127.0.0.1"}, False),
        ({"Host": "127.0.0.1:8501", "Via": "1.1 proxy"}, False),
        ({"Host": "drums.example.org"}, False),
        ({"Host": "localhost.example.org:80"}, False),
    ):
        assert libraries._is_asked_here(headers) == is_here, headers


def test_results_are_read_as_their_folder_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the meter and with the map that `index` was given, on the cards and where they are taken to be trained on."""
    place = tmp_path / "in"
    place.mkdir()
    rock = example("rock")
    (place / "rock.mid").write_bytes(write_midi(rock))
    options = ReadOptions(kit=KitMap.parse(["36=snare"]), meter=(3, 4), channel=10)
    index.index([place], tmp_path / "lib", SHIPPED, shipped().digest, options)
    monkeypatch.setenv(libraries.LIBRARY_VARIABLE, str(tmp_path / "lib"))
    query = answers.Query(rock)
    found = answers.answer(tmp_path / "lib", None, query)
    [groove] = found.grooves
    assert isinstance(groove, Groove)
    assert str(groove.meters[0]) == found.results[0].meter == "3/4"
    assert VOICE_INDEX["kick"] not in groove.voice
    [(_, data)], _ = answers.files(tmp_path / "lib", query.filters, 10, 1 << 20)
    taken, _ = read_midi(data, "taken.mid")
    assert (str(taken.meters[0]), VOICE_INDEX["kick"] in taken.voice) == ("3/4", False)
    connection = sqlite3.connect(tmp_path / "lib" / NAME)  # a library from before says nothing of it
    with connection:
        connection.execute("DELETE FROM meta WHERE key LIKE 'reading %'")
    connection.close()
    [groove] = answers.answer(tmp_path / "lib", None, query).grooves
    assert isinstance(groove, Groove)
    assert str(groove.meters[0]) == "4/4"


def test_a_folder_is_opened_by_its_path(
    monkeypatch: pytest.MonkeyPatch, folder: Path, made: Path, tmp_path: Path
) -> None:
    monkeypatch.setenv(libraries.ANY_FOLDER_VARIABLE, "yes")
    app = opened("library")

    def name(path: str) -> None:
        next(box for box in app.text_input if box.label == "Path of a folder").set_value(path)  # sent with the click
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
    assert "compared by which drums play where" in shown(app)
    next(group for group in app.get("button_group") if group.key == "library view").set_value("Map").run()  # type: ignore[attr-defined]
    assert not app.exception
    assert players(app)[map_parts.MAP]["results"]  # on a map of its own
    assert not any(group.key == "library map places" for group in app.get("button_group"))
    assert (tmp_path / "lib" / places.FOLDER / ground.NAME).is_file()


# -- the map -------------------------------------------------------------------------


def show_map(app: AppTest) -> dict[str, Any]:
    """What the map is told."""
    next(group for group in app.get("button_group") if group.key == "library view").set_value("Map").run()  # type: ignore[attr-defined]
    assert not app.exception
    return players(app)[map_parts.MAP]


def points(made: Path) -> drawn.Drawn:
    return map_parts._kept(str(made), drawn.state_of(made), shipped().contents, shipped(), lambda *_: None).drawn


def test_a_tap_on_the_map_plays_a_loop_and_the_search_goes_on_from_it(app: AppTest, made: Path) -> None:
    assert map_parts.MAP not in players(app)  # nobody waits for what he has not asked for
    told = show_map(app)
    of = points(made)
    names = of.names.split("\n")
    assert told["passing"] is None
    assert names[told["results"][0]].startswith("copy of *rock*")
    assert told["here"] is None
    send(app, map_parts.MAP, picked={"index": names.index("funk"), "count": 1})
    [card] = players(app)[map_parts.CARD]["lanes"]
    assert card["label"] == "funk"
    assert card["note"] == f"{example('funk').tempos[0].bpm:.0f} BPM"
    assert "packs/funk.mid" in shown(app)
    assert card["tempos"][0][1] == example("rock").tempos[0].bpm
    assert players(app)[map_parts.CARD]["hear"]["starts"]
    assert names[players(app)[map_parts.MAP]["here"]] == "funk"
    app.run()
    assert players(app)[map_parts.CARD]["hear"] is None  # once
    press(app, map_parts.CARD, {"lane": card["id"], "what": "like"})
    assert "From: funk" in shown(app)
    assert cards(app)[0]["id"] == card["id"]
    press(app, map_parts.CARD, {"lane": card["id"], "what": "use"})
    assert in_hand(app).startswith("held ")


def test_filters_are_seen_on_the_map(app: AppTest, made: Path) -> None:
    show_map(app)
    next(box for box in app.multiselect if box.key == "library meter").set_value(["7/8"]).run()
    told, of = players(app)[map_parts.MAP], points(made)
    found = map_view.from_bits(told["passing"], len(of))
    assert {of.names.split("\n")[i] for i in found.tolist()} == {"seven"}
    assert set(told["results"]) <= set(found.tolist())


def test_what_a_lasso_takes_in_is_kept_taken_home_and_trained_on(
    app: AppTest, made: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = downloads(monkeypatch)
    show_map(app)
    of = points(made)
    which = [name in ("seven", "funk", "waltz") for name in of.names.split("\n")]
    press(app, map_parts.MAP, {"bits": map_view.to_bits(np.array(which))}, "selected")
    assert not app.exception
    assert "3 loops chosen" in shown(app)
    _, data = found["Take these home, zip"]
    assert sorted(zipfile.ZipFile(io.BytesIO(data())).namelist()) == ["funk.mid", "seven.mid", "waltz.mid"]
    next(button for button in app.button if button.key == "library map keep").click().run()
    assert len(app.session_state["tray"]) == 3
    next(button for button in app.button if button.key == f"library map to {parts.TRAIN}").click().run()
    assert not app.exception
    assert "Your files (3)" in str([each.options for each in app.get("button_group")])


def test_grooves_are_there_before_they_are_tapped(app: AppTest, made: Path) -> None:
    show_map(app)
    assert players(app)[map_parts.AHEAD]["address"] is None
    of = points(made)
    i = of.names.split("\n").index("funk")
    press(app, map_parts.AHEAD, {"serial": 4, "points": [i]}, "want")
    assert not app.exception
    told = players(app)[map_parts.AHEAD]
    assert (told["serial"], told["of"]) == (4, players(app)[map_parts.MAP]["points"])
    assert told["address"]
    # What a browser plays by itself begins no second time where it was stopped meanwhile.
    send(app, map_parts.MAP, picked={"index": i, "count": 1, "is_heard": True})
    hear = players(app)[map_parts.CARD]["hear"]
    assert hear["cue"]
    assert not hear["starts"]


def test_a_map_of_its_own_is_a_choice(app: AppTest, made: Path) -> None:
    before = show_map(app)["points"]
    next(group for group in app.get("button_group") if group.key == "library map places").set_value(map_parts.OWN).run()  # type: ignore[attr-defined]
    assert not app.exception
    assert players(app)[map_parts.MAP]["points"] != before


@pytest.mark.parametrize("said", [{"index": 10**9}, "text", {"bits": "AAAA"}, {"serial": 1, "points": "x"}, None])
def test_nothing_a_browser_says_of_the_map_is_trusted(app: AppTest, said: object) -> None:
    show_map(app)
    send(app, map_parts.MAP, picked=said)
    press(app, map_parts.MAP, said, "selected")
    press(app, map_parts.AHEAD, said, "want")
    assert not app.exception
    assert not players(app).get(map_parts.CARD, {}).get("lanes")


def test_a_map_of_too_many_windows_says_so(app: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    map_parts._kept.clear()
    monkeypatch.setattr(drawn, "MOST_POINTS", 10)
    show_map(app)
    assert "the map has room for 10: the first of every loop" in shown(app)
    map_parts._kept.clear()
