"""The map's Python side: the file of points, and what a browser may send back."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import streamlit as st
import toys
from grooves import random_groove
from hypothesis import given
from hypothesis import strategies as some
from hypothesis.extra.numpy import arrays

from rhythmvae.data.corpus import Take
from rhythmvae.model import checkpoint
from rhythmvae.model import latent_map as latent_maps
from rhythmvae.model.latent_map import LatentMap, Origin
from rhythmvae.ui.components import latent_map as map_view
from rhythmvae.ui.components.latent_map import MAP, PLANE, Frame, Picked

MOST_BYTES = 800_000  # of a file that comes before the first point is seen
KEY = "a map"


def read(latent_map: LatentMap) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(map_view.points_file(latent_map), parse_constant=pytest.fail)  # no NaN is JSON
    return found


def labelled(*styles: str, name: str = "x.mid") -> LatentMap:
    """A point of each take of a style."""
    labels = [{"style": style, "drummer": "d", "beat_type": "beat"} if style else {} for style in styles]
    takes = [Take(f"{i} {name}", replace(random_groove(i), title=""), labels=said) for i, said in enumerate(labels)]
    return latent_maps.compute(toys.model(), takes)


# -- frames


@given(
    places=arrays(np.float64, (5, 2), elements=some.floats(-1e3, 1e3, allow_nan=False)),
    place=some.tuples(some.floats(0, 1), some.floats(0, 1)),
)
def test_a_frame_holds_all_places_and_goes_there_and_back(
    places: np.ndarray[Any, Any], place: tuple[float, float]
) -> None:
    frame = Frame.around(places)
    inside = frame.inside(places)
    assert ((inside >= 0) & (inside <= 1)).all()
    for there, it in zip(inside, places, strict=True):
        assert frame.back(there) == pytest.approx(it, abs=1e-6)
    assert frame.inside(frame.back(place)) == pytest.approx(np.array(place), abs=1e-6)


def test_a_frame_is_square_with_a_margin_and_one_point_lies_in_its_middle() -> None:
    frame = Frame.around(np.array([[0.0, 0.0], [10.0, 4.0]]))
    assert frame.width == pytest.approx(10 * (1 + 2 * map_view.MARGIN))
    assert frame.inside(np.array([[5.0, 2.0]])) == pytest.approx(np.array([[0.5, 0.5]]))
    assert Frame.around(np.array([[3.0, -7.0]])).inside(np.array([[3.0, -7.0]])) == pytest.approx(0.5)


# -- the file of points


def test_the_shipped_map_is_a_small_file_of_points_within_the_frame() -> None:
    latent_map = checkpoint.load().latent_map
    assert latent_map is not None
    assert len(map_view.points_file(latent_map)) < MOST_BYTES
    data = read(latent_map)
    n = len(latent_map)
    assert len(data["name"]) == n
    assert list(data["views"]) == [MAP, PLANE]
    for flat in data["views"].values():
        assert len(flat) == 2 * n
        assert 0 <= min(flat) <= max(flat) <= 1
    assert list(data["categories"]) == ["style", "drummer", "beat or fill"]
    for category in data["categories"].values():
        counts = [category["of"].count(k) for k in range(len(category["names"]))]
        assert counts == sorted(counts, reverse=True)
        assert set(category["of"]) <= {-1, *range(len(counts))}
        assert all(category["names"])
    assert list(data["numbers"]) == ["tempo", *map_view.NUMBERS.values()]
    assert all(len(values) == n for values in data["numbers"].values())
    tempo = np.array(data["numbers"]["tempo"])
    assert tempo == pytest.approx(latent_map.tempo_bpm, rel=1e-3)


def test_what_each_point_is_called_and_where_it_lies() -> None:
    latent_map = toys.latent_map()
    data = read(latent_map)
    assert data["name"] == [latent_map.name(i) for i in range(3)]
    frame = map_view.frames(latent_map)[PLANE]
    assert np.array(data["views"][PLANE]).reshape(-1, 2) == pytest.approx(frame.inside(latent_map.plane), abs=1e-4)


def test_categories_name_the_commonest_first_and_what_has_none_is_none_of_them() -> None:
    data = read(labelled("jazz", "funk/fast", "", "rock", "funk", "rock", "funk/slow"))
    assert data["categories"]["style"] == {"names": ["Funk", "Rock", "Jazz"], "of": [2, 0, -1, 1, 0, 1, 0]}


def test_files_without_labels_are_coloured_by_file() -> None:
    latent_map = labelled("", "", name="mine.mid")
    assert read(latent_map)["categories"] == {"file": {"names": ["0 mine.mid", "1 mine.mid"], "of": [0, 1]}}


def test_a_number_that_a_point_has_not_is_null_and_one_that_none_has_is_no_colour() -> None:
    latent_map = toys.latent_map()
    descriptors = np.array(latent_map.descriptors)
    density, swing = (latent_maps.SLIDERS.index(name) for name in ("density", "swing"))
    descriptors[1, density] = np.nan
    descriptors[:, swing] = np.nan
    numbers = read(replace(latent_map, descriptors=descriptors))["numbers"]
    assert [value is None for value in numbers["density"]] == [False, True, False]
    assert "swing" not in numbers


def test_names_are_text_whatever_they_look_like() -> None:
    name = '<img src=x onerror=alert(1)>"\u2028 \U0001f941'
    latent_map = replace(toys.latent_map(), origins=(Origin(name), Origin("b")))
    data = read(latent_map)
    assert data["name"][0].startswith(name)
    assert name in data["categories"]["file"]["names"]
    # The browser has no way to take them for anything else.
    code = map_view.COMPONENT.code().decode()
    assert not any(word in code for word in ("innerHTML", "outerHTML", "insertAdjacent", "document.write", "eval("))


# -- grooves for the browser


def test_the_frame_of_each_point_is_as_the_deck_has_it() -> None:
    latent_map = toys.latent_map()
    data = read(latent_map)
    for i, k in enumerate(data["frame"]):
        frame = latent_map.frame(i)
        said = data["frames"][k]
        assert (said["n_steps"], said["meter"]) == (frame.n_steps, str(frame.meters[0]))
        assert (said["bars"], said["beats"]) == (frame.bar_lines.tolist(), frame.beat_lines.tolist())
        assert data["bpm"][i] == pytest.approx(frame.tempos[0].bpm, abs=1e-3)


def test_a_file_of_grooves_holds_every_hit() -> None:
    grooves = [random_groove(0), random_groove(1, 24), random_groove(2, n_hits=0)]
    words = np.frombuffer(map_view.grooves_file(grooves), dtype="<u4")
    n, *rest = words.tolist()
    assert (n, rest[:n]) == (3, [len(groove) for groove in grooves])
    for groove, hits in zip(grooves, np.split(words[1 + n :], np.cumsum(rest[:n])[:-1]), strict=True):
        assert (hits >> 26).tolist() == groove.voice.tolist()
        assert (hits >> 19 & 127).tolist() == groove.velocity.tolist()
        assert (hits & (1 << 19) - 1) / 1e4 - 0.5 == pytest.approx(groove.position, abs=0.51e-4)


# -- what comes back


@pytest.fixture
def state(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    session: dict[str, Any] = {}
    monkeypatch.setattr(st, "session_state", session)
    return session


def picked(state: dict[str, Any], value: object) -> Picked | None:
    state[KEY] = {"picked": value}
    return map_view.picked(KEY, 5, 2)


def test_parts_are_those_that_there_are_in_their_order(state: dict[str, Any]) -> None:
    state[KEY] = {"parts": {"parts": ["feel", "hats", "x", None, ["kick"], "hats"], "count": 3}}
    assert map_view.parts(KEY) == ("hats", "feel")
    for value in (*NOTHING, {"parts": None}, {"parts": {"hats": 1}}):
        state[KEY] = {"parts": value}
        assert map_view.parts(KEY) == ()


def test_a_part_of_the_grooves_is_one_that_there_is(state: dict[str, Any]) -> None:
    for n_points, part, wanted in ((5000, 9, 9), (5000, 10, None), (1, 0, 0), (1, 1, None), (3, True, None)):
        state[KEY] = {"want": {"part": part}}
        assert map_view.wanted(KEY, n_points) == wanted


def collected(state: dict[str, Any], value: object) -> list[int]:
    state[KEY] = {"collected": value}
    return map_view.collected(KEY, 100)


def test_a_click_is_a_point_an_upload_or_a_place(state: dict[str, Any]) -> None:
    assert picked(state, {"kind": "point", "index": 4, "count": 1}) == Picked("point", 4)
    assert picked(state, {"kind": "own", "index": 1, "count": 1}) == Picked("own", 1)
    place = {"kind": "place", "view": PLANE, "place": [0.25, 1], "count": 3}
    assert picked(state, place) == Picked("place", view=PLANE, place=(0.25, 1.0))


HUGE = 10**400
NOTHING = [None, True, 0, 1.5, "", "point", [], {}, [[]], {"kind": "point"}, {"kind": None, "index": 0}, {"index": 0}]
NO_INDEX = [True, False, 1.0, -1, 5, HUGE, -HUGE, float("nan"), float("inf"), "1", None, [1], {}]
NO_PLACE = [
    *([x, 0.5] for x in (True, HUGE, -HUGE, 11, -11.0, float("nan"), float("inf"), "0", None, [], {})),
    [],
    [0.5],
    [0.5, 0.5, 0.5],
    "00",
    {"x": 0, "y": 0},
    0.5,
    None,
]


@pytest.mark.parametrize("value", NOTHING, ids=repr)
def test_what_is_no_click_is_none(state: dict[str, Any], value: object) -> None:
    assert picked(state, value) is None
    state[KEY] = value
    assert map_view.picked(KEY, 5, 2) is None
    assert map_view.collected(KEY, 5) == []
    del state[KEY]
    assert map_view.picked(KEY, 5, 2) is None


@pytest.mark.parametrize("kind", ["point", "own"])
def test_an_index_out_of_nowhere_is_no_click(state: dict[str, Any], kind: str) -> None:
    for index in NO_INDEX:
        assert picked(state, {"kind": kind, "index": index, "count": 1}) is None, index
    assert picked(state, {"kind": "own", "index": 2, "count": 1}) is None


def test_a_place_off_the_map_or_of_a_view_that_cannot_be_played_is_no_click(state: dict[str, Any]) -> None:
    for there in NO_PLACE:
        assert picked(state, {"kind": "place", "view": PLANE, "place": there, "count": 1}) is None, there
    for view in (MAP, "", None, 3, [PLANE]):
        assert picked(state, {"kind": "place", "view": view, "place": [0.5, 0.5], "count": 1}) is None, view


@pytest.mark.parametrize("count", [None, -1, HUGE, 1.5, "x", [], float("nan"), True], ids=lambda c: repr(c)[:9])
def test_the_count_of_clicks_is_only_told_back(state: dict[str, Any], count: object) -> None:
    assert picked(state, {"kind": "point", "index": 1, "count": count}) == Picked("point", 1)
    assert map_view._count({"count": count}) in (0, 1)
    assert map_view._count({"count": 7}) == 7


def test_what_a_box_takes_in_is_sorted_and_bounded(state: dict[str, Any]) -> None:
    assert collected(state, {"indices": [3, 1, 3, 99]}) == [1, 3, 99]
    assert collected(state, {"indices": [*NO_INDEX, 100, 7]}) == [5, 7]
    everything = collected(state, {"indices": list(range(99, -1, -1)) * 100})
    assert len(everything) == map_view.MOST_COLLECTED
    for value in (*NOTHING, {"indices": None}, {"indices": {"0": 1}}, {"indices": "123"}, {"indices": 3}):
        assert collected(state, value) == []
