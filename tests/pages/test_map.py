"""The Latent map page without a browser, with the shipped checkpoint: what plays, and what comes of each gesture."""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import browsing
import numpy as np
import pytest
import torch
from browsing import (
    Downloads,
    downloads,
    in_hand,
    opened,
    original,
    pattern,
    players,
    result,
    send,
    shown,
    unfold,
    upload,
    visit,
)
from streamlit.proto.WidgetStates_pb2 import WidgetState
from streamlit.testing.v1 import AppTest

from rhythmvae.analysis.swapping import swapped
from rhythmvae.data.examples import EXAMPLES, example
from rhythmvae.data.windows import played_windows
from rhythmvae.groove import Groove, Meter, Tempo
from rhythmvae.midi.read import read_midi
from rhythmvae.midi.write import write_midi
from rhythmvae.model import checkpoint, latent, outline
from rhythmvae.model import latent_map as latent_maps
from rhythmvae.model.checkpoint import Checkpoint
from rhythmvae.model.latent_map import LatentMap
from rhythmvae.ui.components import deck
from rhythmvae.ui.components import latent_map as component
from rhythmvae.ui.parts import latent_map as part
from rhythmvae.ui.parts import map_beside as beside
from rhythmvae.ui.parts.latent_map import GROOVES, MAP
from rhythmvae.ui.parts.map_drawing import FOLD
from rhythmvae.ui.session import caches
from rhythmvae.ui.session.opened import shipped as shipped_here

Hits = list[list[float]]
HERE = [5, 1234, 2999, 4321]  # points like any others


@pytest.fixture(autouse=True)
def _threads() -> Iterator[None]:
    """The app takes one thread; other tests may have had more."""
    threads = torch.get_num_threads()
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def shipped() -> Checkpoint:
    return checkpoint.load()


@pytest.fixture(scope="module")
def latent_map(shipped: Checkpoint) -> LatentMap:
    assert shipped.latent_map is not None
    return shipped.latent_map


@pytest.fixture
def files(monkeypatch: pytest.MonkeyPatch) -> Downloads:
    return downloads(monkeypatch)


@pytest.fixture
def app(files: Downloads) -> AppTest:
    return unfold(opened("map"), FOLD)


def well(app: AppTest) -> bool:
    return not app.exception and not app.error


def chart(app: AppTest) -> dict[str, Any]:
    """What the browser's map is told."""
    return players(app)[MAP]


def lane(app: AppTest) -> dict[str, Any]:
    """What plays."""
    found = result(app)
    assert found is not None
    return found


def hears(app: AppTest) -> str | None:
    """The gesture that asks to hear it, if there is one."""
    hear = players(app)["deck result"]["hear"]
    return None if hear is None else str(hear["cue"])


def sent(groove: Groove) -> Hits:
    return deck.lanes.hits_of(groove)


def click(app: AppTest, index: int, kind: str = "point", count: int = 1) -> AppTest:
    return send(app, MAP, picked={"kind": kind, "index": index, "count": count})


def collect(app: AppTest, *indices: object) -> AppTest:
    """A box or lasso is drawn around points."""
    said = json.dumps({"event": "collected", "value": {"indices": indices}})
    name = f"$$STREAMLIT_INTERNAL_KEY_{browsing._id(app, MAP)}__events"
    return browsing._send(app, WidgetState(id=name, json_trigger_value=said))


def here(index: int) -> dict[str, Any]:
    return {"kind": "point", "index": index}


def tray(app: AppTest) -> list[int]:
    """Points that the map marks as kept."""
    return [each["index"] for each in chart(app)["tray"]]


def button(app: AppTest, label: str) -> Any:
    return next(button for button in app.button if button.label == label)


def labels(app: AppTest) -> list[str]:
    return [button.label for button in app.button]


def near(app: AppTest) -> list[tuple[int, str]]:
    """Index and label of the closest."""
    return [(int(b.key.split()[1]), b.label) for b in app.button if b.key and re.fullmatch(r"near \d+", b.key)]


def decoded(shipped: Checkpoint, latents: np.ndarray[Any, Any], like: Groove, bpm: float) -> Hits:
    frame = Groove.silent(like.n_steps, (Tempo(0.0, bpm),), (like.meters[0],))
    return sent(latent.decode(shipped.model, torch.tensor(latents[None], dtype=torch.float32), frame))


# -- what plays ----------------------------------------------------------------


def test_the_page_opens_where_the_groove_in_hand_lies_and_in_silence(
    app: AppTest, shipped: Checkpoint, latent_map: LatentMap
) -> None:
    assert well(app)
    assert result(app) is None
    assert hears(app) is None
    assert [mark["name"] for mark in chart(app)["own"][component.MAP]] == ["Funk"] * 2
    assert (chart(app)["corners"][component.MAP], chart(app)["tray"]) == ([], [])
    assert chart(app)["here"] == chart(app)["hand"] == {"kind": "own", "index": 0}
    assert not chart(app)["takes"]
    latents = latent_maps.encode(shipped.model, played_windows(example("funk"))[:1])
    assert near(app)[0][0] == latent_maps.nearest(latent_map, latents[0], 1)[0][0]
    assert chart(app)["points"].endswith(".json")
    assert f"{len(latent_map):,} windows of human drumming" in shown(app)
    assert f"trustworthiness {latent_map.trustworthiness:.2f}" in shown(app)
    assert "distances between far groups mean little" in shown(app)
    assert "(PCA) every place can" in shown(app)


def test_a_click_plays_the_point(app: AppTest, shipped: Checkpoint, latent_map: LatentMap) -> None:
    asked = set()
    for count, index in enumerate(HERE, 1):
        click(app, index, count=count)
        assert well(app)
        groove = latent_maps.decode_point(shipped.model, latent_map, index)
        assert (lane(app)["hits"], lane(app)["label"]) == (sent(groove), latent_map.name(index))
        assert lane(app)["tempos"] == [[0, pytest.approx(latent_map.tempo_bpm[index])]]
        assert (chart(app)["here"], chart(app)["answered"]) == (here(index), count)
        asked.add(hears(app))
    assert len(asked - {None}) == len(HERE)
    app.run()  # nobody asks again
    assert hears(app) is None
    assert (lane(app)["label"], lane(app)["is_another"]) == (latent_map.name(HERE[-1]), True)


@pytest.mark.parametrize(
    "state",
    [
        None,
        3,
        {"kind": "point", "index": 5000},
        {"kind": "own", "index": 2},
        {"kind": "place", "view": "t-SNE", "place": [0, 0]},
    ],
    ids=repr,
)
def test_a_click_without_sense_changes_nothing(app: AppTest, state: object) -> None:
    click(app, 77)
    before = lane(app)
    send(app, MAP, picked=state)
    assert well(app)
    assert lane(app) == before
    assert hears(app) is None


def test_a_place_of_the_plane_is_decoded(app: AppTest, shipped: Checkpoint, latent_map: LatentMap) -> None:
    place = [0.31, 0.52]
    send(app, MAP, picked={"kind": "place", "view": component.PLANE, "place": place, "count": 1})
    assert well(app)
    assert hears(app)
    there = component.frames(latent_map)[component.PLANE].back(place)
    start = latent_map.latents[int(((latent_map.plane - there) ** 2).sum(axis=1).argmin())]
    found = latent_maps.from_plane(latent_map, there, start)
    assert latent_maps.to_plane(latent_map, found) == pytest.approx(there, abs=1e-3)
    frame = Groove.silent(part.NO_POINT_STEPS, (Tempo(0.0, 110.0),), (Meter(0.0, 4, 4),))
    assert lane(app)["hits"] == decoded(shipped, found, frame, part.NO_POINT_BPM)
    assert lane(app)["label"] == "Between the points"
    there = chart(app)["here"]["places"][component.PLANE]
    assert there == pytest.approx(place, abs=1e-3)
    # The corners of what a hand can reach, and beyond.
    for far in ([0, 0], [1, 0], [0, 1], [1, 1], [-10, 10]):
        send(app, MAP, picked={"kind": "place", "view": component.PLANE, "place": far, "count": 2})
        assert well(app)


def test_the_nearest_are_nearest_in_latent_space_and_play(app: AppTest, latent_map: LatentMap) -> None:
    click(app, 77)
    wanted = [
        (i, d) for i, d in latent_maps.nearest(latent_map, latent_map.latents[77], beside.N_NEAREST + 1) if i != 77
    ]
    found = near(app)
    assert [i for i, _ in found] == [i for i, _ in wanted]
    assert len(found) == beside.N_NEAREST
    names = latent_map.names([i for i, _ in wanted])
    for (_, label), (_, distance), name in zip(found, wanted, names, strict=True):
        assert label.replace("\\", "").replace("\u2060", "") == f"{beside.alike(distance)}  {name}"
    first, second = found[0][0], found[1][0]
    app.button(key=f"near {first}").click().run()
    assert (lane(app)["label"], chart(app)["here"]) == (latent_map.name(first), here(first))
    cue = hears(app)
    assert cue
    click(app, 77, count=2)
    app.button(key=f"near {second}").click().run()
    assert chart(app)["here"] == here(second)
    assert hears(app) not in (None, cue)


def test_a_bar_is_full_for_the_same_and_empty_for_what_has_nothing_in_common() -> None:
    assert [beside.alike(distance) for distance in (0.0, 0.5, 1.0, 1.7)] == ["▰▰▰▰▰", "▰▰▱▱▱", "▱▱▱▱▱", "▱▱▱▱▱"]


def test_what_plays_is_still_there_after_a_visit_to_another_page_but_silent(
    app: AppTest, latent_map: LatentMap
) -> None:
    click(app, 1234)
    visit(app, "about")
    visit(app, "map")
    assert lane(app)["label"] == latent_map.name(1234)
    assert hears(app) is None


@pytest.mark.parametrize(("press", "made"), [("Vary it", "variation"), ("Complete it", "answer")])
def test_vary_it_and_complete_it_go_on_with_that_groove(app: AppTest, press: str, made: str) -> None:
    click(app, 1234)
    hits, name = lane(app)["hits"], lane(app)["label"]
    button(app, press).click().run()
    assert well(app)
    assert in_hand(app).startswith("held ")
    start = original(app)
    assert lane(app)["id"] == made
    assert np.array(start["hits"]) == pytest.approx(np.array(hits), abs=1 / 128)
    assert name in pattern(app).options


def test_take_it_makes_a_point_the_groove_in_hand(app: AppTest) -> None:
    click(app, 1234)
    hits = lane(app)["hits"]
    app.button(key="take here").click().run()
    assert well(app)
    assert original(app)["hits"] == hits
    assert in_hand(visit(app, "reconstruct")).startswith("held ")
    assert original(app)["hits"] == hits


def test_keep_puts_it_into_the_tray_and_takes_it_out(app: AppTest) -> None:
    click(app, 1234)
    app.button(key="keep here").click().run()
    assert [kept["label"] for kept in players(app)["kept cards"]["lanes"]] == [lane(app)["label"]]
    assert app.button(key="keep here").label == "Kept"
    app.button(key="keep here").click().run()
    assert "kept cards" not in players(app)


# -- parts of a groove ---------------------------------------------------------


def choose_parts(app: AppTest, *parts: object, count: int = 2) -> AppTest:
    return send(app, MAP, parts={"parts": list(parts), "count": count}, picked={"kind": "point", "index": 1234})


def test_only_its_hats_go_into_the_groove_in_hand(app: AppTest, shipped: Checkpoint, latent_map: LatentMap) -> None:
    click(app, 1234)
    choose_parts(app, "hats", "nonsense", ["hats"])
    assert well(app)
    held, other = example("funk"), latent_maps.decode_point(shipped.model, latent_map, 1234)
    assert lane(app)["hits"] == sent(swapped(held, other, ["hats"]))
    assert lane(app)["label"] == f"Funk with the hats of {latent_map.name(1234)}"[: part.MAX_TITLE]
    assert (lane(app)["n_steps"], lane(app)["tempos"]) == (held.n_steps, [[0, 98.0]])
    assert hears(app)
    assert (chart(app)["taken"], chart(app)["here"], chart(app)["answered"]) == (["hats"], here(1234), 2)
    choose_parts(app, count=3)
    assert lane(app)["hits"] == sent(other)


def test_take_it_makes_the_parts_an_edit_that_the_deck_can_undo(app: AppTest) -> None:
    click(app, 1234)
    choose_parts(app, "kick", "feel")
    made, before = lane(app)["hits"], in_hand(app)
    browsing.press(app, MAP, {"count": 2}, event="take")
    assert well(app)
    assert players(app)["deck result"]["take"]
    assert (in_hand(app), lane(app)["hits"]) == (before, made)
    browsing.edit(app, made)  # as the deck answers
    assert original(app)["hits"] == made
    assert players(app)["deck result"]["take"] is None  # nobody takes it twice


def test_take_it_on_the_map_takes_a_whole_groove_in_hand(app: AppTest) -> None:
    click(app, 1234)
    hits = lane(app)["hits"]
    browsing.press(app, MAP, {"count": 1}, event="take")
    assert well(app)
    assert original(app)["hits"] == hits
    button(app, "Back to the previous start").click().run()
    assert in_hand(app) == "funk"


def test_a_groove_of_another_meter_is_told_in_a_sentence(app: AppTest) -> None:
    browsing.take(app, "waltz")
    click(app, 1234)
    choose_parts(app, "hats")
    assert well(app)
    assert "It is in 4/4 and yours in 3/4: the end of each of its bars is cut." in chart(app)["note"]
    assert chart(app)["note"] in shown(app)


# -- grooves for the browser ---------------------------------------------------


def test_a_browser_gets_the_grooves_that_it_asks_for(app: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    caches._grooves_file.clear()
    app.run()
    told = players(app)[GROOVES]
    assert (told["addresses"], told["of"]) == ({}, chart(app)["points"])
    browsing.press(app, GROOVES, {"part": 3}, event="want")
    assert well(app)
    assert list(players(app)[GROOVES]["addresses"]) == ["3"]
    for nonsense in ({"part": 10}, {"part": -1}, {"part": "3"}, 3, None):
        browsing.press(app, GROOVES, nonsense, event="want")
        assert well(app)
        assert list(players(app)[GROOVES]["addresses"]) == ["3"]


def test_of_a_map_that_is_left_no_further_grooves_are_decoded(
    latent_map: LatentMap, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun: list[int] = []

    def decode(_: object, __: object, latents: Any, frames: list[Groove]) -> list[Groove]:
        begun.append(len(latents))
        return frames

    def end() -> None:
        if len(begun) == 2:
            raise InterruptedError

    monkeypatch.setattr(caches, "computed_once_begun", decode)
    monkeypatch.setattr(caches, "end_if_outdated", end)
    with pytest.raises(InterruptedError):
        caches._grooves_file("a map that is left", 0, "", latent_map, shipped_here())
    assert begun == [caches.DECODED_AT_ONCE] * 2


def test_what_the_browser_plays_already_is_not_asked_for_again(app: AppTest, latent_map: LatentMap) -> None:
    send(app, MAP, picked={"kind": "point", "index": 77, "count": 1, "is_heard": True})
    assert lane(app)["label"] == latent_map.name(77)
    assert hears(app) is None


# -- walks ---------------------------------------------------------------------


def make_corner(app: AppTest, index: int) -> None:
    click(app, index)
    next(b for b in app.button if b.label.startswith("Make it corner")).click().run()


def at(app: AppTest, **shares: int) -> AppTest:
    for axis, share in shares.items():
        app.slider(key=f"walk {axis}").set_value(share)
    return app.run()


def of_point(shipped: Checkpoint, latent_map: LatentMap, index: int, first: int) -> Hits:
    """A point in the frame of a walk that begins at another."""
    return decoded(shipped, latent_map.latents[index], latent_map.frame(first), float(latent_map.tempo_bpm[index]))


def test_a_walk_begins_and_ends_as_its_corners(app: AppTest, shipped: Checkpoint, latent_map: LatentMap) -> None:
    assert "walk between them" in shown(app)
    a, b = HERE[:2]
    make_corner(app, a)
    assert "Choose one more corner to walk to." in shown(app)
    make_corner(app, b)
    assert [mark["label"] for mark in chart(app)["corners"][component.MAP]] == ["A", "B"]
    frame = component.frames(latent_map)
    for view, places in ((component.MAP, latent_map.tsne), (component.PLANE, latent_map.plane)):
        for mark, index in zip(chart(app)["corners"][view], (a, b), strict=True):
            there = frame[view].inside(places[[index]])[0]
            assert (mark["x"], mark["y"]) == pytest.approx(there, abs=0.02)
    for share, index in ((100, b), (0, a)):
        at(app, x=share)
        assert well(app)
        assert lane(app)["hits"] == of_point(shipped, latent_map, index, a)
        assert lane(app)["tempos"][0][1] == pytest.approx(latent_map.tempo_bpm[index], rel=1e-6)
        assert hears(app) is None
        assert chart(app)["here"]["kind"] == "place"
    at(app, x=50)
    half = latent_maps.blend(latent_map, latent_map.latents[[a, b]], [0.5, 0.5])
    bpm = float(np.sqrt(latent_map.tempo_bpm[a] * latent_map.tempo_bpm[b]))
    assert lane(app)["hits"] == decoded(shipped, half, latent_map.frame(a), bpm)
    assert lane(app)["label"] == "Walk: A 50%, B 50%"
    assert near(app)


@pytest.mark.parametrize("n", [3, 4])
def test_three_and_four_corners_are_where_both_sliders_end(
    app: AppTest, shipped: Checkpoint, latent_map: LatentMap, n: int
) -> None:
    for index in HERE[:n]:
        make_corner(app, index)
    ends = {(100, 0): 1, (100, 100): 2, (0, 100): n - 1, (0, 0): 0}
    for (x, y), corner in ends.items():
        at(app, x=x, y=y)
        assert well(app)
        assert lane(app)["hits"] == of_point(shipped, latent_map, HERE[corner], HERE[0])
        assert lane(app)["label"] == f"Walk: {part.LETTERS[corner]} 100%"
    assert ("Make it corner D" in labels(app)) == (n == 3)
    # What plays stays when the corners go.
    before = lane(app)["hits"]
    button(app, "Forget the corners").click().run()
    assert lane(app)["hits"] == before
    assert chart(app)["corners"][component.MAP] == []
    assert "walk between them" in shown(app)


# -- the tray ------------------------------------------------------------------


def test_a_box_collects_without_doubling_and_the_tray_goes_home_as_a_zip(
    app: AppTest, files: Downloads, shipped: Checkpoint, latent_map: LatentMap
) -> None:
    collect(app, *HERE[:3])
    assert well(app)
    kept = players(app)["kept cards"]["lanes"]
    assert [one["label"] for one in kept] == [latent_map.name(i) for i in sorted(HERE[:3])]
    assert kept[0]["hits"] == sent(latent_maps.decode_point(shipped.model, latent_map, HERE[0]))
    assert sorted(tray(app)) == sorted(HERE[:3])
    collect(app, *HERE)
    collect(app, "x", -1, True, 10**30, None)
    assert well(app)
    assert len(players(app)["kept cards"]["lanes"]) == len(HERE)
    assert sorted(tray(app)) == sorted(HERE)
    [name, data] = files["All kept, as a zip of MIDI files"]
    assert name.endswith(".zip")
    with zipfile.ZipFile(io.BytesIO(data())) as archive:
        assert archive.testzip() is None
        grooves = [read_midi(archive.read(name), name)[0] for name in archive.namelist()]
    assert len(grooves) == len(HERE)
    for groove, index in zip(grooves, (*sorted(HERE[:3]), *sorted(HERE[3:])), strict=True):
        assert write_midi(groove) == write_midi(latent_maps.decode_point(shipped.model, latent_map, index))
    # What leaves the tray is marked no more.
    browsing.press(app, "kept cards", {"lane": "kept 0", "what": "keep"})
    assert sorted(tray(app)) == sorted(set(HERE) - {min(HERE[:3])})
    assert result(app) is None  # collecting plays nothing


def test_a_box_takes_no_more_than_fits(app: AppTest) -> None:
    collect(app, *range(200))
    assert len(players(app)["kept cards"]["lanes"]) == component.MOST_COLLECTED


# -- uploads -------------------------------------------------------------------


def windows(shipped: Checkpoint, name: str, data: bytes) -> tuple[list[Groove], np.ndarray[Any, Any]]:
    found = played_windows(read_midi(data, name)[0])
    return found, latent_maps.encode(shipped.model, found)


def test_uploads_lie_on_the_map_and_play_as_they_are(app: AppTest, shipped: Checkpoint, latent_map: LatentMap) -> None:
    name, data = "<b>*waltz*</b>.mid", write_midi(example("waltz"))
    upload(app, (name, data))
    assert well(app)
    grooves, latents = windows(shipped, name, data)
    own = chart(app)["own"]
    frames = component.frames(latent_map)
    for view, places in (
        (component.MAP, latent_maps.place(latent_map, latents)),
        (component.PLANE, latent_maps.to_plane(latent_map, latents)),
    ):
        assert [mark["name"] for mark in own[view]] == [name] * len(grooves)
        there = frames[view].inside(places)
        assert np.array([[m["x"], m["y"]] for m in own[view]]) == pytest.approx(there, abs=1e-5)
    last = len(grooves) - 1
    click(app, last, "own")
    assert well(app)
    assert (lane(app)["hits"], lane(app)["label"]) == (sent(grooves[last]), name)
    assert hears(app)
    assert near(app)[0][0] == latent_maps.nearest(latent_map, latents[last], 1)[0][0]
    assert "<b>" not in "".join(m.value for m in app.markdown)


def test_files_are_listed_with_where_they_landed_and_a_press_rings_them(app: AppTest, latent_map: LatentMap) -> None:
    names = {key: f"{key}_*.mid" for key in ("waltz", "disco")}
    upload(app, *((name, write_midi(example(key))) for key, name in names.items()))
    assert well(app)
    listed = [b for b in app.button if b.key and b.key.startswith("own ")]
    texts = [b.label.replace("\\", "").replace("\u2060", "") for b in listed]
    for number, (name, text) in enumerate(zip(names.values(), texts, strict=True), 1):
        assert re.fullmatch(
            rf"\*\*{number}\*\*  {re.escape(name)}: among [A-Z].*, nearest to .*, drummer \d+, \d+ BPM", text
        )
    assert [mark["label"] for mark in chart(app)["own"][component.MAP]][-1] == "2"
    listed[1].click().run()
    assert well(app)
    at = chart(app)["here"]
    assert at["kind"] == "own"
    assert chart(app)["own"][component.MAP][at["index"]]["label"] == "2"
    assert (lane(app)["label"], bool(hears(app))) == (names["disco"], True)


def test_what_cannot_be_read_is_a_sentence_and_the_rest_goes_on(app: AppTest) -> None:
    upload(app, ("holiday.mid", b"a picture"), ("disco.mid", write_midi(example("disco"))))
    assert not app.exception
    assert len(app.error) == 1
    assert "holiday.mid: expected a MIDI file" in shown(app)
    assert {mark["name"] for mark in chart(app)["own"][component.MAP]} == {"disco.mid"}
    click(app, 5)
    assert hears(app)


def test_too_many_windows_are_cut_and_said(app: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(part, "MAX_OWN", 3)
    upload(app, *((f"{key}.mid", write_midi(example(key))) for key in ("funk", "rock", "blues")))
    assert well(app)
    assert len(chart(app)["own"][component.MAP]) == 3
    assert "3 windows of your files are shown at once: the first ones." in shown(app)
    click(app, 2, "own")
    assert hears(app)
    before = lane(app)
    click(app, 3, "own", count=2)
    assert lane(app) == before


# -- another map ---------------------------------------------------------------


def test_a_map_of_ones_own_files_and_back(app: AppTest, shipped: Checkpoint, latent_map: LatentMap) -> None:
    click(app, 3)
    upload(
        app,
        *((f"{key}.mid", write_midi(replace(example(key), title=""))) for key in list(EXAMPLES)[:6]),
        ("bad.mid", b"no"),
    )
    collect(app, 7)
    before = chart(app)["points"]
    app.segmented_control(key="map of").set_value("your files alone")
    app.number_input(key="perplexity").set_value(5.0)
    button(app, "Draw").click().run()
    assert not app.exception
    drawn = app.session_state["map drawn anew"]
    assert (drawn.latent_map.perplexity, drawn.latent_map.seed) == (5.0, 0)
    assert re.search(rf"{len(drawn.latent_map)} windows of your files.*trustworthiness", shown(app))
    assert chart(app)["points"] != before
    assert chart(app)["own"][component.MAP] == chart(app)["tray"] == []
    # What was clicked on the other map is not clicked on this one.
    assert not chart(app)["takes"]
    assert result(app) is None
    click(app, len(drawn.latent_map) - 1, count=2)
    assert lane(app)["hits"] == sent(
        latent_maps.decode_point(shipped.model, drawn.latent_map, len(drawn.latent_map) - 1)
    )
    send(app, MAP, picked={"kind": "place", "view": component.PLANE, "place": [0.5, 0.5], "count": 3})
    assert lane(app)["label"] == "Between the points"
    # A file that came later lies among them.
    upload(app, ("later.mid", write_midi(example("waltz"))))
    assert {mark["name"] for mark in chart(app)["own"][component.MAP]} == {"later.mid"}
    button(app, "Back to the map as shipped").click().run()
    assert chart(app)["points"] == before
    assert result(app) is None
    assert "human drumming" in shown(app)


def test_the_same_points_drawn_with_other_settings(
    app: AppTest, latent_map: LatentMap, monkeypatch: pytest.MonkeyPatch
) -> None:
    def recompute(latent_map: LatentMap, seed: int, perplexity: float, progress: latent_maps.Progress) -> LatentMap:
        progress(1, 2)
        return replace(latent_map, tsne=-latent_map.tsne, seed=seed, perplexity=perplexity)

    monkeypatch.setattr(latent_maps, "recompute", recompute)  # half a minute
    before = chart(app)["points"]
    app.number_input(key="map seed").set_value(8)
    button(app, "Draw").click().run()
    assert well(app)
    assert app.session_state["map drawn anew"].latent_map.seed == 8
    assert chart(app)["points"] != before
    click(app, 77)
    assert lane(app)["label"] == latent_map.name(77)
    with caches.drawing() as is_free:
        assert is_free


def test_one_map_is_drawn_at_a_time(app: AppTest) -> None:
    with caches.drawing():
        button(app, "Draw").click().run()
        assert not app.exception
        assert "Somebody else's map is being drawn" in app.warning[0].value
        assert near(app)
    assert "map drawn anew" not in app.session_state


def test_files_that_give_no_map_are_a_sentence_and_the_page_lives(app: AppTest) -> None:
    upload(app, ("pads.mid", write_midi(example("waltz"), list(range(3, 12)))))  # notes that no drum has
    app.segmented_control(key="map of").set_value("your files alone")
    button(app, "Draw").click().run()
    assert not app.exception
    assert "Expected takes with hits" in shown(app)
    assert near(app)
    with caches.drawing() as is_free:
        assert is_free


# -- other checkpoints ---------------------------------------------------------


@pytest.fixture
def loads(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Give the app another checkpoint."""

    def install(load: Any) -> None:
        monkeypatch.setattr(outline, "read", load)
        shipped_here.clear()

    yield install
    shipped_here.clear()


def test_a_checkpoint_without_a_map_says_so_and_the_page_lives(loads: Any, shipped: Checkpoint) -> None:
    loads(lambda _: replace(shipped.outline, latent_map=None))
    app = opened("map")
    assert well(app)
    assert "This model carries no map." in shown(app)
    upload(app, ("disco.mid", write_midi(example("disco"))))
    assert well(app)


def test_no_checkpoint_is_a_sentence(loads: Any) -> None:
    def missing(_: object) -> None:
        raise checkpoint.CheckpointError("Expected a checkpoint, found none.")

    loads(missing)
    app = opened("map")
    assert not app.exception
    assert "found none" in shown(app)
    assert app.title
