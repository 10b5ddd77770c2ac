"""All files rebuilt as a zip: what is in it, under which names, and what is told of what failed."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from typing import Any, cast

import pytest
from grooves import random_groove

from rhythmvae.groove import Groove
from rhythmvae.midi.read import read_midi
from rhythmvae.midi.report import ReadOptions
from rhythmvae.midi.write import write_midi
from rhythmvae.ui.parts import rebuilt
from rhythmvae.ui.parts.rebuilt import REPORT, Asked, Rebuilding, safe_stem
from rhythmvae.ui.session import caches, computing
from rhythmvae.ui.session.opened import Opened
from rhythmvae.ui.shared import fingerprint

MODEL = cast("Opened", "the model in use when the page was drawn")


@pytest.fixture(autouse=True)
def faithful(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """A model that gives back what it is given; which were asked."""
    asked: list[Any] = []

    def reconstruct(groove: Groove, model: Opened) -> Groove:
        asked.append(model)
        return groove

    monkeypatch.setattr(caches, "reconstruct", reconstruct)
    return asked


def loop(name: str, seed: int = 0) -> Asked:
    return Asked(name, write_midi(random_groove(seed)), ReadOptions())


def unpacked(making: Rebuilding) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(making.data)) as archive:
        assert archive.testzip() is None
        return {name: archive.read(name) for name in archive.namelist()}


def content(
    asked: list[Asked], clock: Callable[[], float] = lambda: 0.0, edited: dict[str, Groove] | None = None
) -> dict[str, bytes]:
    making = Rebuilding(asked, edited or {}, MODEL, clock)
    while not making.is_over:
        making.step()
    return unpacked(making)


def test_every_file_is_rebuilt_by_the_model_that_was_in_use(faithful: list[Any]) -> None:
    files = [loop("a.mid", 1), loop("kits/b.MIDI", 2)]
    found = content(files)
    assert list(found) == ["a-reconstruction.mid", "kits/b-reconstruction.mid", REPORT]
    for file, data in zip(files, found.values(), strict=False):
        assert len(read_midi(data, "x.mid")[0]) == len(read_midi(file.data, "y.mid")[0])
    assert faithful == [MODEL, MODEL]
    assert found[REPORT].decode().startswith("2 files, each whole")


def test_what_fails_is_named_and_the_rest_is_there() -> None:
    bad = Asked("bad.mid", b"MThd nonsense", ReadOptions())
    found = content([bad, loop("good.mid"), Asked("odd.mid", b"", None, "odd.mid: its notes have no drums.")])
    assert list(found) == ["good-reconstruction.mid", REPORT]
    text = found[REPORT].decode()
    assert "1 file, each whole" in text
    assert "2 are not in it" in text
    assert "bad.mid" in text
    assert "odd.mid: its notes have no drums." in text


@pytest.mark.parametrize(
    ("name", "stem"),
    [
        ("../../etc/passwd", "etc/passwd"),
        ("C:\\loops\\a.mid", "C/loops/a"),
        ("/a.mid", "a"),
        ("..", "groove"),
        ("", "groove"),
        ("nul.mid", "nul"),
        ("a\0b\n.mid", "a-b"),
        ("<b>.mid", "b"),
        ("CON/Lpt1/x.mid", "_CON/_Lpt1/x"),
        ("\u202egnp.mid", "gnp"),
        ("take 1.5.mid", "take-1-5"),
        (".mid", "mid"),
        ("/".join("abcdefghij") + "/x.mid", "c/d/e/f/g/h/i/j/x"),
        ("é" * 300 + ".mid", "é" * 60),
    ],
)
def test_names_are_safe_everywhere(name: str, stem: str) -> None:
    assert safe_stem(name) == f"{stem}-reconstruction"


def test_names_that_would_collide_are_counted() -> None:
    found = content([loop("a.mid"), loop("A.mid"), loop("a?.mid"), loop("sub/a.mid")])
    assert len({name.casefold() for name in found}) == 5


def test_it_ends_in_time_and_says_what_is_left_out() -> None:
    times = iter([0.0, rebuilt.MOST_SECONDS + 1])
    found = content([loop("a.mid"), loop("b.mid"), loop("c.mid")], lambda: next(times))
    assert list(found) == ["a-reconstruction.mid", REPORT]
    text = found[REPORT].decode()
    assert "2 are not in it" in text
    assert "b.mid: not done within 10 minutes and 16 MB" in text


def test_it_is_bounded_in_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rebuilt, "MOST_BYTES", 10)
    assert list(content([loop("a.mid"), loop("b.mid")])) == ["a-reconstruction.mid", REPORT]


def test_a_file_that_was_edited_is_there_with_and_without_its_edits() -> None:
    files = [loop("a.mid", 1), loop("kits/b.mid", 2), loop("c.mid", 3)]
    read, _ = read_midi(files[1].data, "kits/b.mid")
    longer = random_groove(9)
    found = content(files, edited={fingerprint(read): longer, "of a pattern": random_groove(4)})
    assert list(found) == [
        "a-reconstruction.mid",
        "kits/b-reconstruction.mid",
        "kits/b-edited-reconstruction.mid",
        "c-reconstruction.mid",
        REPORT,
    ]
    assert len(read_midi(found["kits/b-reconstruction.mid"], "x.mid")[0]) == len(read)
    assert len(read_midi(found["kits/b-edited-reconstruction.mid"], "x.mid")[0]) == len(longer)
    assert found[REPORT].decode().startswith("4 files")


def test_a_stopped_one_has_what_was_made_and_names_the_rest() -> None:
    making = Rebuilding([loop("a.mid"), loop("b.mid"), loop("c.mid")], {}, MODEL)
    making.step()
    assert (making.n_done, making.is_over) == (1, False)
    making.stop()
    making.stop()
    making.step()
    found = unpacked(making)
    assert list(found) == ["a-reconstruction.mid", REPORT]
    assert "c.mid: not done, for it was stopped" in found[REPORT].decode()


def test_a_run_that_ends_half_way_leaves_its_file_to_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    making = Rebuilding([loop("a.mid")], {}, MODEL)

    def end(*_: object) -> Groove:
        raise KeyboardInterrupt  # as Streamlit ends a run: by no error of ours

    with monkeypatch.context() as context:
        context.setattr(caches, "reconstruct", end)
        with pytest.raises(KeyboardInterrupt):
            making.step()
    assert making.n_done == 0
    making.step()
    assert list(unpacked(making)) == ["a-reconstruction.mid", REPORT]


def test_a_press_ends_the_run_between_two_files(monkeypatch: pytest.MonkeyPatch) -> None:
    """Within a part of a page Streamlit would let it go on to its end."""
    making = Rebuilding([loop("a.mid"), loop("b.mid"), loop("c.mid")], {}, MODEL)

    def end() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(computing, "end_if_outdated", end)
    with pytest.raises(KeyboardInterrupt):
        rebuilt._watch(making)
    assert (making.n_done, making.is_over) == (1, False)
