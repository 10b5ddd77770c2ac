"""The Python side of the library's map: the file of points, and what a browser may send back."""

from __future__ import annotations

import json
import struct
from typing import Any

import numpy as np
import pytest
import streamlit as st
from grooves import random_groove
from hypothesis import given
from hypothesis import strategies as some

from rhythmvae.data.examples import example
from rhythmvae.library.drawn import GRID, OTHERS, Column, Drawn
from rhythmvae.ui.components import library_map
from rhythmvae.ui.components.library_map import MAGIC, Want, from_bits, grooves_file, packed, to_bits

KEY = "a library map"


def drawn(n: int) -> Drawn:
    rng = np.random.default_rng(0)
    columns = (
        Column("style <b>", ("rock", "jäzz", OTHERS), rng.integers(0, 4, n).astype(np.uint8)),
        Column("tempo", ("slow", "fast"), rng.integers(1, 3, n).astype(np.uint8), True),
    )
    places = rng.integers(0, 1 << 16, (n, 2)).astype(np.uint16)
    number = np.arange(n)
    return Drawn("s", places, number, number, np.ones((n, 2), int), "\n".join("a" * n), columns, n)


@pytest.mark.parametrize("n", [1, 2, 7, 1_000])
def test_points_are_packed(n: int) -> None:
    of = drawn(n)
    data = packed(of)
    assert data[:4] == MAGIC
    [length] = struct.unpack("<I", data[4:8])
    assert length % 4 == 0  # so that whole numbers of two bytes begin where they may
    head = json.loads(data[8 : 8 + length])
    assert (head["n"], head["grid"]) == (n, GRID)
    assert [column["title"] for column in head["columns"]] == ["style <b>", "tempo"]
    assert [(column["others"], column["in_order"]) for column in head["columns"]] == [(True, False), (False, True)]
    body = data[8 + length :]
    assert len(body) == n * (4 + len(of.columns))
    assert (np.frombuffer(body[: 2 * n], "<u2") == of.places[:, 0]).all()
    assert (np.frombuffer(body[2 * n : 4 * n], "<u2") == of.places[:, 1]).all()
    assert (np.frombuffer(body[5 * n :], np.uint8) == of.columns[1].of).all()


def test_a_hundred_thousand_points_are_a_megabyte() -> None:
    assert len(packed(drawn(100_000))) < 700_000


def test_grooves_are_packed() -> None:
    long = random_groove(3, 16 * 8, 90)
    data = grooves_file({7: (1, example("rock")), 2: (5, long)}, [9])
    [length] = struct.unpack("<I", data[4:8])
    head = json.loads(data[8 : 8 + length])
    assert head["never"] == [9]
    assert [(i, first, n) for i, _, first, n in head["grooves"]] == [(7, 1, len(example("rock"))), (2, 5, len(long))]
    assert head["frames"][head["grooves"][1][1]]["n_steps"] == long.n_steps
    words = np.frombuffer(data[8 + length :], "<u4").reshape(-1, 2)[len(example("rock")) :]
    assert words[:, 0] / 10_000 - 0.5 == pytest.approx(long.position, abs=1e-4)
    assert (words[:, 1] // 128 == long.voice).all()
    assert (words[:, 1] % 128 == long.velocity).all()


@pytest.mark.parametrize(
    ("said", "found"),
    [
        ({"serial": 3, "points": [1, 9, 1]}, Want(3, (1, 9))),
        ({"serial": 3, "points": [10, -1, True, "1", 2.0, 4]}, Want(3, (4,))),
        ({"serial": 3, "points": [0] * 10_000}, Want(3, (0,))),
        ({"serial": -1, "points": [1]}, None),
        ({"serial": 1 << 60, "points": [1]}, None),
        ({"serial": 1, "points": "1"}, None),
        ("text", None),
        (None, None),
    ],
)
def test_whatever_a_browser_wants(monkeypatch: pytest.MonkeyPatch, said: Any, found: Want | None) -> None:
    monkeypatch.setattr(st, "session_state", {KEY: {"want": said}})
    assert library_map.wanted(KEY, 10) == found


@given(some.lists(some.booleans(), min_size=1, max_size=50))
def test_bits_go_there_and_back(which: list[bool]) -> None:
    mask = np.array(which)
    assert from_bits(to_bits(mask), len(mask)).tolist() == np.flatnonzero(mask).tolist()


@pytest.mark.parametrize("text", ["", "A", "====", "\udcff", "é", "AAAA" * 1_000, "A" * 7])
def test_what_are_no_bits_choose_nothing(text: str) -> None:
    assert len(from_bits(text, 20)) == 0


@pytest.mark.parametrize(
    ("said", "index", "n_chosen"),
    [
        (None, None, 0),
        ("text", None, 0),
        ({"index": 3, "count": 1}, 3, 0),
        ({"index": 10}, None, 0),
        ({"index": -1}, None, 0),
        ({"index": True}, None, 0),
        ({"index": 2.0}, None, 0),
        ({"index": 10**30}, None, 0),
        ({"bits": "AwA="}, None, 2),
        ({"bits": 3}, None, 0),
        ({"bits": ["AwA="]}, None, 0),
        ({"bits": "A" * 10_000_000}, None, 0),
    ],
)
def test_whatever_a_browser_says(monkeypatch: pytest.MonkeyPatch, said: Any, index: int | None, n_chosen: int) -> None:
    monkeypatch.setattr(st, "session_state", {KEY: {"picked": said, "selected": said}})
    assert library_map.picked(KEY, 10) == index
    assert len(library_map.selected(KEY, 10)) == n_chosen
