"""What a map of a library draws: which windows, in which order, by which names and columns."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from grooves import random_groove
from toys import checkpoint_file, checkpoint_of
from work import growth

from rhythmvae.data.examples import EXAMPLES, example
from rhythmvae.errors import LibraryError
from rhythmvae.groove import Groove
from rhythmvae.library import answers, drawn, ground, index
from rhythmvae.library.asking import Filters
from rhythmvae.library.drawn import GRID, OTHERS, Drawn, chosen
from rhythmvae.library.places import EXTENT
from rhythmvae.midi.write import write_midi
from rhythmvae.model.checkpoint import Checkpoint

LONG = 20  # bars


@pytest.fixture(scope="module")
def opened() -> Checkpoint:
    return checkpoint_of()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    found = tmp_path_factory.mktemp("in") / "packs"
    for name in EXAMPLES:
        (found / "built in").mkdir(parents=True, exist_ok=True)
        (found / "built in" / f"{name}.mid").write_bytes(write_midi(example(name)))
    (found / "long").mkdir()
    bars = [random_groove(100 + i, 16, 14) for i in range(LONG)]
    take = Groove(
        np.concatenate([bar.position + 16 * i for i, bar in enumerate(bars)]),
        np.concatenate([bar.voice for bar in bars]),
        np.concatenate([bar.velocity for bar in bars]),
        16 * LONG,
    )
    (found / "long" / "a\ttake.mid").write_bytes(write_midi(take))
    return found


@pytest.fixture(scope="module")
def library(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("lib")
    toy = checkpoint_file(place / "toy.safetensors")
    index.index([folder], place / "lib", toy, checkpoint_of().digest)
    return place / "lib"


@pytest.fixture(scope="module")
def map_of(library: Path, opened: Checkpoint) -> Drawn:
    return drawn.draw(library, opened)


def test_all_windows_are_there_in_the_order_of_cells(map_of: Drawn, library: Path) -> None:
    assert len(map_of) == map_of.n_windows == answers.about(library).n_windows
    cells = map_of.places.astype(int) * GRID // EXTENT
    assert (np.diff(cells[:, 1] * GRID + cells[:, 0]) >= 0).all()
    assert map_of.state == drawn.state_of(library)


def test_points_have_names_and_can_be_had(map_of: Drawn, library: Path) -> None:
    names = map_of.names.split("\n")
    assert len(names) == len(map_of)
    assert Counter(name.split(":")[0] for name in names)["a take"] == LONG - 1
    i = names.index("a take: bars 3-4")
    [(result, groove)] = drawn.at(library, [map_of.place_of(i)])
    assert (result.path, result.bars) == ("long/a\ttake.mid", (3, 4))
    assert isinstance(groove, Groove)
    assert groove.n_bars == 2
    assert map_of.index_of(result.content, 3) == i
    assert map_of.index_of(-1, 1) is None
    [(result, groove)] = drawn.at(library, [map_of.place_of(names.index("rock"))])
    assert isinstance(groove, Groove)
    assert result.bars == (1, result.n_bars)
    assert not drawn.at(library, [(10**9, 1, 2)])


def test_columns_say_what_the_library_says(map_of: Drawn) -> None:
    columns = {column.title: column for column in map_of.columns}
    assert set(columns["folder"].names) == {"built in", "long"}
    assert {"4/4", "7/8"} <= set(columns["meter"].names)
    names = np.array(["none", *columns["meter"].names])
    i = map_of.names.split("\n").index("seven")
    assert names[columns["meter"].of[i]] == "7/8"
    for column in map_of.columns:
        assert len(column.of) == len(map_of)
        assert column.of.max() <= len(column.names)
    assert columns["tempo"].is_in_order
    assert not columns["style"].is_in_order


def test_what_passes_is_said_by_content(map_of: Drawn, library: Path) -> None:
    state, passes = drawn.passing(library, Filters(meters=("7/8",)))
    assert state == map_of.state
    names = np.array(map_of.names.split("\n"))[passes[map_of.row]]
    assert 0 < len(names) < len(map_of)
    assert "seven" in set(names.tolist())
    assert drawn.passing(library, Filters())[1].all()


def test_the_files_of_a_choice(map_of: Drawn, library: Path) -> None:
    names = map_of.names.split("\n")
    places = [map_of.place_of(names.index(name)) for name in ("rock", "funk")]
    found, n_left_out = answers.files_of(library, [places[0][0], places[1][0], 10**9], 500, 1 << 20)
    assert sorted(path for path, _ in found) == ["built in/funk.mid", "built in/rock.mid"]
    assert n_left_out == 0
    assert answers.files_of(library, [place[0] for place in places], 1, 1 << 20)[1] == 1


def test_grooves_come_before_they_are_asked_for(map_of: Drawn, library: Path) -> None:
    names = map_of.names.split("\n")
    places = [map_of.place_of(names.index(name)) for name in ("a take: bars 3-4", "rock", "a take: bars 7-8")]
    found = drawn.ahead(library, [*places, (10**9, 1, 2)], 60.0)
    assert found.pop() is None
    at = [groove for _, groove in drawn.at(library, places)]
    assert [one[0] for one in found if one] == [3, 1, 7]
    for one, groove in zip(found, at, strict=True):
        assert one is not None
        assert isinstance(groove, Groove)
        assert one[1].to_bytes() == groove.to_bytes()


def test_as_many_come_as_there_is_time_for_and_a_take_is_read_once(
    map_of: Drawn, library: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[str] = []
    reading = drawn.read_source
    monkeypatch.setattr(drawn, "read_source", lambda source, how: (read.append(source.name), reading(source, how))[1])
    takes = [i for i, name in enumerate(map_of.names.split("\n")) if name.startswith("a take")]
    assert len(drawn.ahead(library, [map_of.place_of(i) for i in takes], 60.0)) == len(takes)
    assert read == ["long/a\ttake.mid"]
    assert len(drawn.ahead(library, [map_of.place_of(i) for i in range(9)], 0.0)) == 1


def test_a_library_has_a_map_of_its_own(library: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[tuple[int, int]] = []
    of = drawn.draw(library, None, lambda done, all_: told.append((done, all_)))
    assert len(of) == of.n_windows
    assert len(np.unique(of.places, axis=0)) > 0.9 * len(of)
    assert told == sorted(told)
    assert told[-1][0] == told[-1][1]
    # It is kept, with what was placed on it.
    monkeypatch.setattr(ground, "drawn", None)
    again = drawn.draw(library, None)
    assert (again.places == of.places).all()


def test_a_model_without_a_map_is_refused(library: Path) -> None:
    with pytest.raises(LibraryError, match="Expected the library's own model with a map"):
        drawn.draw(library, replace(checkpoint_of(), latent_map=None))


# -- thinning and columns -----------------------------------------------------------


def test_of_too_many_windows_every_content_keeps_one_and_chance_the_rest() -> None:
    content = np.repeat(np.arange(50), np.arange(1, 51))
    windows = np.arange(len(content)) * 7
    found = chosen(content, windows, 200)
    assert len(found) == len(set(found.tolist())) == 200
    assert (np.diff(found) > 0).all()
    counts = np.bincount(content[found], minlength=50)
    assert (counts >= 1).all()
    assert counts.max() - counts[10:].min() <= 1  # rounds, and of the last one a part
    assert len(chosen(content, windows, 30)) == 30
    assert set(content[chosen(content, windows, 30)].tolist()) != set(range(30))
    assert chosen(content, windows, 10_000).tolist() == list(range(len(content)))


def test_what_is_chosen_stays_where_the_library_grows() -> None:
    before = set(chosen(np.arange(1_000), np.arange(1_000), 500).tolist())
    after = set(chosen(np.arange(1_100), np.arange(1_100), 500).tolist())
    assert len(before & after) > 420


def test_names_beyond_the_most_frequent_are_others() -> None:
    names = [f"folder {i}" for i in range(30)]
    of = np.repeat(np.arange(30), np.arange(30, 0, -1))
    column = drawn._named("folder", names, of)
    assert column.names == (*names[: drawn.MOST_NAMED], OTHERS)
    assert (column.of == np.minimum(of, drawn.MOST_NAMED) + 1).all()
    few = drawn._named("folder", ["", "a", "b"], np.array([0, 1, 2, 2, -1]))
    assert (few.names, few.of.tolist()) == (("b", "a"), [0, 2, 1, 1, 0])


def test_folders_begin_where_files_part() -> None:
    folders = {0: "packs/Vol 1/a", 1: "packs/Vol 2", 2: "packs/Vol 1", 3: "packs"}
    names, of = drawn._below(folders, np.array([0, 1, 2, 3, 9]))
    assert [names[i] if i >= 0 else None for i in of.tolist()] == ["Vol 1", "Vol 2", "Vol 1", "", None]
    assert drawn._below({0: "", 1: "a/b"}, np.array([0, 1]))[0] == ["", "a"]


def test_thinning_takes_lines_in_no_proportion_to_the_windows() -> None:
    def prepare(n: int) -> Callable[[], object]:
        content = np.repeat(np.arange(n), 3)
        return lambda: chosen(content, np.arange(len(content)), n)

    assert growth(prepare, 2_000) < 1.1
