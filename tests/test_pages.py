"""The pages without a browser. They run the shipped checkpoint, as visitors do."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from rhythmvae import checkpoint
from rhythmvae.errors import CheckpointError
from rhythmvae.examples import EXAMPLES, example
from rhythmvae.groove import Groove
from rhythmvae.midi import write_midi
from rhythmvae.ui import caches
from rhythmvae.ui.sentences import literal

ROOT = Path(__file__).parent.parent
PAGES = sorted((ROOT / "pages").glob("*.py"))

assert PAGES, "no pages found"


@pytest.fixture
def app() -> AppTest:
    return AppTest.from_file(ROOT / "app.py", default_timeout=60).run()


def shown(app: AppTest) -> str:
    """All text of the page, as a reader sees it."""
    text = "\n".join(str(e.value) for kind in ("markdown", "caption", "error", "info") for e in getattr(app, kind))
    return text.replace("\\", "").replace("\u2060", "")


def upload(app: AppTest, *files: tuple[str, bytes]) -> AppTest:
    box = app.file_uploader(key="uploader")
    for name, data in files:
        box.upload(name, data)
    return app.run()


def note(app: AppTest, pitch: int) -> object:
    return next(box for box in app.selectbox if box.label.startswith(f"{pitch} "))


# -- navigation ----------------------------------------------------------------


@pytest.mark.parametrize("path", PAGES, ids=lambda p: p.stem)
def test_every_page_begins_with_the_guard_and_stays_short(path: Path) -> None:
    body = [
        node
        for node in ast.parse(path.read_text()).body
        if not isinstance(node, ast.Import | ast.ImportFrom)
        and not (isinstance(node, ast.Expr) and _is_text(node.value))
    ]
    assert ast.unparse(body[0]) == "navigation.guard()"
    assert len(path.read_text().splitlines()) <= 120


def _is_text(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


@pytest.mark.parametrize("path", PAGES, ids=lambda p: p.stem)
def test_every_page_is_in_the_menu_and_runs(app: AppTest, path: Path) -> None:
    # Raises where the page is not in the menu.
    app.switch_page(f"pages/{path.name}").run()
    assert not app.exception
    assert not app.error
    assert app.title


# -- reconstruct ---------------------------------------------------------------


def test_the_first_screen_has_a_pattern_its_sound_and_the_figures(app: AppTest) -> None:
    assert len(app.get("audio")) == 2
    assert "<svg" in shown(app)
    assert [m.label for m in app.metric] == ["Hits (F1)", "Timing", "Velocity"]
    assert len(app.get("download_button")) == 3


def test_every_built_in_pattern_opens(app: AppTest) -> None:
    for key in EXAMPLES:
        app.selectbox(key="pattern").set_value(key).run()
        assert not app.exception
        assert not app.error
        assert EXAMPLES[key].description in shown(app)
        assert len(app.metric) == 3


def test_an_upload_opens_at_once_with_its_report(app: AppTest) -> None:
    upload(app, ("waltz.mid", write_midi(example("waltz"))))
    assert app.selectbox(key="pattern").value.startswith("file ")
    assert "33 notes on channel 10, 33 hits in the groove." in shown(app)
    assert "Tempo: 152 BPM." in shown(app)
    assert "Meter: 3/4." in shown(app)
    assert len(app.metric) == 3


def test_a_note_can_be_mapped_to_another_drum_or_left_out(app: AppTest) -> None:
    upload(app, ("waltz.mid", write_midi(example("waltz"))))
    assert "Ride</text>" in shown(app)
    note(app, 51).set_value("crash").run()  # type: ignore[attr-defined]
    assert "Ride</text>" not in shown(app)
    assert "17 notes play what you chose: Ride cymbal 1 → Crash." in shown(app)
    note(app, 51).set_value("none").run()  # type: ignore[attr-defined]
    assert "17 notes are left out: Ride cymbal 1." in shown(app)
    assert "33 notes on channel 10, 16 hits in the groove." in shown(app)


def test_a_file_of_unknown_notes_says_so_and_can_be_mapped(app: AppTest) -> None:
    pitches = [3, 4, 5, 6, 7, 8, 9, 10, 11]
    upload(app, ("pads.mid", write_midi(example("waltz"), pitches)))
    assert "no voice has" in app.error[0].value
    note(app, 3).set_value("kick").run()  # type: ignore[attr-defined]
    assert not app.error
    assert len(app.metric) == 3


def test_bars_can_be_chosen_and_a_song_shows_some_of_them(app: AppTest) -> None:
    song = long_song(40)
    upload(app, ("song.mid", write_midi(song)))
    bars = next(iter(app.slider))
    assert bars.value == (3, 10)  # two bars of silence come first
    assert "the whole pattern, 40 bars" in shown(app)
    bars.set_range(1, 40).run()
    assert "showing 1 to 16" in shown(app)
    assert "Of bars 1 to 16 alone" in shown(app)


def long_song(n_bars: int) -> Groove:
    once = example("rock")
    repeats = range(n_bars // 4)
    hits = [
        (p + 64 * i, v, u) for i in repeats for p, v, u in zip(once.position, once.voice, once.velocity, strict=True)
    ]
    hits = [h for h in hits if h[0] >= 32]
    position, voice, velocity = zip(*hits, strict=True)
    return Groove(position, voice, velocity, 16 * n_bars, once.tempos, once.meters)  # type: ignore[arg-type]


def test_a_part_can_be_chosen_where_there_are_several(app: AppTest) -> None:
    melody = bytes([0, 0x90, 60, 90, 96, 0x80, 60, 0]) * 8
    drums = bytes([0, 0x99, 36, 90, 96, 0x89, 36, 0]) * 4
    upload(app, ("two.mid", midi_file(drums, melody)))
    assert "4 notes on channel 10 of track 1" in shown(app)
    part = next(box for box in app.selectbox if box.label == "Part to read")
    part.set_value(1).run()
    assert "8 notes on channel 1 of track 2" in shown(app)


def midi_file(*tracks: bytes) -> bytes:
    chunks = [track + bytes([0, 0xFF, 0x2F, 0]) for track in tracks]
    header = b"MThd" + (6).to_bytes(4) + (1).to_bytes(2) + len(tracks).to_bytes(2) + (96).to_bytes(2)
    return header + b"".join(b"MTrk" + len(c).to_bytes(4) + c for c in chunks)


def test_what_cannot_be_read_is_a_sentence_and_the_page_lives(app: AppTest) -> None:
    upload(app, ("holiday.mid", b"\xff\xd8\xff\xe0 a picture"))
    assert not app.exception
    assert len(app.error) == 1
    assert "expected a MIDI file" in shown(app)
    app.selectbox(key="pattern").set_value("funk").run()
    assert not app.error
    assert len(app.metric) == 3


def test_several_files_get_a_table_and_one_that_fails_its_sentence(app: AppTest) -> None:
    files = [(f"{key}.mid", write_midi(example(key))) for key in ("rock", "blues")]
    upload(app, *files, ("bad.mid", b"no"))
    table = app.dataframe[0].value
    assert table["File"].tolist() == ["rock.mid", "blues.mid", "All together"]
    assert table["Hits"].tolist()[2] == sum(table["Hits"].tolist()[:2])
    assert "bad.mid: expected a MIDI file" in shown(app)


def test_names_of_files_and_tracks_are_data(app: AppTest) -> None:
    name = "**a** <img src=x onerror=alert(1)> :fire: $x$ [l](http:b).mid"
    upload(app, (name, b"no"))
    assert app.error[0].value.startswith(literal(name))
    upload(app, (name, write_midi(example("rock"))))
    assert not app.error
    assert "<img" not in "".join(m.value for m in app.markdown)


def test_text_of_users_is_literal_in_markdown() -> None:
    assert set("\\<*_`[]$#|~") & set(re.sub(r"\\.", "", literal("\\ <b> *a* _b_ `c` [d](e) $f$ # | ~"))) == set()
    assert ":fire:" not in literal(":fire:")
    assert "\n" not in literal("a\n\n# b")


def test_uploads_survive_a_visit_to_another_page(app: AppTest) -> None:
    upload(app, ("waltz.mid", write_midi(example("waltz"))))
    app.switch_page("pages/about.py").run()
    app.switch_page("pages/reconstruct.py").run()
    assert app.selectbox(key="pattern").value.startswith("file ")
    assert "33 hits in the groove" in shown(app)


@pytest.fixture
def no_checkpoint(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    def missing() -> None:
        raise CheckpointError("Expected a checkpoint, found none.")

    monkeypatch.setattr(checkpoint, "load", missing)
    caches.shipped.clear()
    yield
    caches.shipped.clear()


@pytest.mark.usefixtures("no_checkpoint")
def test_without_a_model_the_original_still_plays_and_a_sentence_says_why() -> None:
    app = AppTest.from_file(ROOT / "app.py", default_timeout=60).run()
    assert not app.exception
    assert "found none" in shown(app)
    assert len(app.get("audio")) == 1


# -- about ---------------------------------------------------------------------


def test_about_has_the_figures_and_the_attribution(app: AppTest) -> None:
    app.switch_page("pages/about.py").run()
    for words in ("Groove MIDI Dataset", "CC BY 4.0", "Jon Gillick", "Learning to Groove", "never stored"):
        assert words in shown(app)
    figures = dict(zip(app.dataframe[0].value["Figure"], app.dataframe[0].value["Value"], strict=True))
    assert 0.9 < float(figures["Hits, F1 at 50 ms"]) <= 1
