"""The pages without a browser. They run the shipped checkpoint, as visitors do."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import browsing
import numpy as np
import pytest
from browsing import (
    ROOT,
    Downloads,
    bars,
    bars_slider,
    downloads,
    edit,
    in_hand,
    opened,
    pattern,
    players,
    press,
    result,
    shown,
    tables,
    take,
    upload,
    visit,
)
from grooves import random_groove
from streamlit.testing.v1 import AppTest

from rhythmvae import share
from rhythmvae.data.examples import EXAMPLES, example
from rhythmvae.errors import CheckpointError
from rhythmvae.groove import Groove
from rhythmvae.kit import VOICE_INDEX, VOICES
from rhythmvae.midi.read import read_midi
from rhythmvae.midi.tracks import write_tracks
from rhythmvae.midi.write import write_midi
from rhythmvae.model import outline
from rhythmvae.outputs import zip_of
from rhythmvae.ui.components import sounds as dropped
from rhythmvae.ui.parts.sentences import literal
from rhythmvae.ui.parts.shell import LOOKS
from rhythmvae.ui.session import arrival, caches, hand
from rhythmvae.ui.session.opened import shipped

PAGES = sorted((ROOT / "pages").glob("*.py"))

assert PAGES, "no pages found"


@pytest.fixture
def app() -> AppTest:
    return opened()


def in_player(app: AppTest) -> dict[str, Any]:
    """What the browser is told to show."""
    deck = players(app)["deck"]
    return {**deck, "lanes": [*deck["lanes"], *filter(None, [result(app)])]}


def send(app: AppTest, **state: object) -> AppTest:
    return browsing.send(app, "deck", **state)


def figures(app: AppTest) -> list[str]:
    return [metric.value for metric in app.metric]


@pytest.fixture
def files(monkeypatch: pytest.MonkeyPatch) -> Downloads:
    return downloads(monkeypatch)


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


def test_a_plain_script_has_the_looks_that_a_server_puts_into_the_page(
    app: AppTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks = LOOKS.read_text("utf-8")
    assert any(looks in html.proto.body for html in app.get("html"))
    monkeypatch.setattr(arrival.ARRIVALS, "is_open", True)
    app.run()
    assert not any(looks in html.proto.body for html in app.get("html"))


# -- reconstruct ---------------------------------------------------------------


def test_the_first_screen_has_a_pattern_to_play_and_the_figures(app: AppTest) -> None:
    played, rebuilt = in_player(app)["lanes"]
    assert (played["label"], played["editable"]) == ("Original, bars 1 to 4", True)
    assert (rebuilt["label"], rebuilt["editable"]) == ("Reconstruction, bars 1 to 4", False)
    assert len(played["hits"]) == len(example(next(iter(EXAMPLES))))
    assert rebuilt["hits"]
    assert {"missed", "added", "moved"} <= rebuilt.keys()
    assert [m.label for m in app.metric] == ["Hits", "Timing", "Loudness"]
    assert len(app.get("download_button")) == 4 + 1  # of the model


def test_one_press_and_the_model_plays_it_another_way_and_leads_on(app: AppTest) -> None:
    press_button(app, "hear it varied")
    data = players(app)["varied"]
    [varied] = data["lanes"]
    assert varied["hits"] != in_player(app)["lanes"][0]["hits"]
    assert (data["hear"]["cue"], data["hear"]["starts"]) == ("funk 1", True)
    press_button(app, "another take")
    assert players(app)["varied"]["hear"]["cue"] == "funk 2"
    [another] = players(app)["varied"]["lanes"]
    assert another["hits"] != varied["hits"]
    press_button(app, "shape it")
    visit(app, "variations")  # AppTest does not switch by itself
    assert browsing.result(app)["hits"] == another["hits"]  # type: ignore[index]


def press_button(app: AppTest, key: str) -> None:
    app.button(key=key).click().run()
    assert not app.exception


def test_every_figure_has_a_yardstick(app: AppTest) -> None:
    text = shown(app)
    assert "An ear notices about 6 ms. Quantized, it would be off by" in text
    assert "An ear notices about 5 of 127. With one loudness a drum, it would be off by" in text
    assert "A plain baseline gets 90.4% on new takes." in text


def test_every_built_in_pattern_opens(app: AppTest) -> None:
    for key in EXAMPLES:
        take(app, key)
        assert not app.exception
        assert not app.error
        assert EXAMPLES[key].description in shown(app)
        assert len(app.metric) == 3


def test_patterns_are_browsed_and_heard(app: AppTest) -> None:
    assert pattern(app).options[:2] == ["Funk, 4/4, 98 BPM", "Rock, 4/4, 116 BPM"]
    assert "One drop (reggae), 4/4, 74 BPM" in pattern(app).options
    assert players(app)["deck"]["hear"] is None
    for button, wanted in (("browse 1", "Rock"), ("browse -1", "Funk"), ("browse -1", "Seven")):
        before = players(app)["deck"]["hear"]
        press_button(app, button)
        told = players(app)["deck"]
        assert told["name"] == wanted
        assert told["hear"] != before


def test_an_upload_opens_at_once_with_its_report(app: AppTest) -> None:
    upload(app, ("waltz.mid", write_midi(example("waltz"))))
    assert in_hand(app).startswith("file ")
    assert "33 notes on channel 10, 33 hits in the groove." in shown(app)
    assert "Tempo: 152 BPM." in shown(app)
    assert "Meter: 3/4." in shown(app)
    assert len(app.metric) == 3


def test_files_whose_box_was_closed_get_one_that_goes_when_they_are_there(app: AppTest) -> None:
    press(app, dropped.KEY, 1.0, "stranded")
    shelter = f"{dropped.SHELTER} 0"
    assert shelter in [box.key for box in app.file_uploader]
    upload(app, ("late.mid", write_midi(example("waltz"))), name=dropped.SHELTER)
    assert players(app)["deck"]["name"] == "late.mid"
    assert shelter not in [box.key for box in app.file_uploader]


def test_a_count_in_is_cut_by_a_switch_that_stays(app: AppTest) -> None:
    rock = example("rock").bars(1, 1).looped(2)
    counted = rock.with_hits(
        np.append(rock.position[rock.position >= 16], [0, 4, 8, 12]),
        np.append(rock.voice[rock.position >= 16], [VOICE_INDEX["ride"]] * 4),
        np.append(rock.velocity[rock.position >= 16], [80] * 4),
    )
    upload(app, ("counted.mid", write_midi(counted)))
    switch = {toggle.label: toggle for toggle in app.toggle}["Begin at bar 2, without the count-in of 4 notes"]
    n_hits = len(in_player(app)["lanes"][0]["hits"])
    switch.set_value(True).run()
    assert len(in_player(app)["lanes"][0]["hits"]) == n_hits - 4
    assert "Cut, as asked: the count-in of 4 notes." in shown(app)
    app.switch_page("pages/about.py").run()
    app.switch_page("pages/reconstruct.py").run()
    assert app.toggle(key=switch.key).value
    assert len(in_player(app)["lanes"][0]["hits"]) == n_hits - 4


def test_a_note_can_be_mapped_to_another_drum_or_left_out(app: AppTest) -> None:
    upload(app, ("waltz.mid", write_midi(example("waltz"))))
    assert VOICE_INDEX["ride"] in voices(app)
    note(app, 51).set_value("crash").run()  # type: ignore[attr-defined]
    assert VOICE_INDEX["ride"] not in voices(app)
    assert VOICE_INDEX["crash"] in voices(app)
    assert "17 notes play what you chose: Ride cymbal 1 → Crash." in shown(app)
    note(app, 51).set_value("none").run()  # type: ignore[attr-defined]
    assert "17 notes are left out: Ride cymbal 1." in shown(app)
    assert "33 notes on channel 10, 16 hits in the groove." in shown(app)


def voices(app: AppTest) -> set[int]:
    return {voice for voice, *_ in in_player(app)["lanes"][0]["hits"]}


def test_a_file_of_unknown_notes_says_so_and_can_be_mapped(app: AppTest) -> None:
    pitches = [3, 4, 5, 6, 7, 8, 9, 10, 11]
    upload(app, ("pads.mid", write_midi(example("waltz"), pitches)))
    assert "no voice has" in app.error[0].value
    note(app, 3).set_value("kick").run()  # type: ignore[attr-defined]
    assert not app.error
    assert len(app.metric) == 3


def test_a_zip_is_taken_wherever_a_file_is(app: AppTest) -> None:
    files = [("a.mid", write_midi(example("waltz"))), ("b.mid", write_midi(example("funk"))), ("read me.txt", b"hi")]
    upload(app, ("pack.zip", zip_of(files)))
    assert not app.exception
    assert [own.name for own in app.session_state["uploads"]] == ["a.mid", "b.mid"]
    assert {"a.mid", "b.mid"} <= set(pattern(app).options)
    assert not app.error  # that something lies beside them is a remark
    assert "1 other file in it is not MIDI" in app.info[0].value
    upload(app, ("pack.zip", zip_of([*files, ("c.mid", b"no midi")])))
    assert "1 other file in it is not MIDI" in app.error[0].value


def test_a_zip_that_cannot_be_opened_is_a_sentence(app: AppTest) -> None:
    upload(app, ("pack.zip", b"PK\x03\x04" + bytes(100)))
    assert "got one that cannot be opened" in app.error[0].value
    assert not app.exception


def test_the_error_of_a_file_is_said_once(app: AppTest) -> None:
    upload(app, ("bad.mid", b"no midi"), ("good.mid", write_midi(example("waltz"))))
    take(app, app.session_state["uploads"][0].key)
    assert [error.value for error in app.error if "bad" in error.value] == [app.error[0].value]


def test_a_recognised_map_is_shown_and_can_be_changed(app: AppTest) -> None:
    octave_down = [voice.pitch - 12 for voice in VOICES]
    upload(app, ("low.mid", write_midi(example("funk"), octave_down)))
    assert "General MIDI 1 octave down" in shown(app)
    assert note(app, 24).value == "kick"  # type: ignore[attr-defined]
    note(app, 24).set_value("ride").run()  # type: ignore[attr-defined]
    funk = example("funk")
    hits = in_player(app)["lanes"][0]["hits"]
    assert {voice for voice, _, _ in hits} == {8 if v == 0 else v for v in in_first_bars(app, funk).voice.tolist()}


def in_first_bars(app: AppTest, groove: Groove) -> Groove:
    """What of a groove the player shows."""
    return groove.slice(0, in_player(app)["lanes"][0]["n_steps"])


def test_bars_can_be_chosen_and_a_song_shows_some_of_them(app: AppTest) -> None:
    song = long_song(40)
    upload(app, ("song.mid", write_midi(song)))
    assert bars_slider(app).value == (3, 10)  # two bars of silence come first
    assert "the whole pattern, 40 bars" in shown(app)
    bars(app, 1, 40)
    assert "16 bars fit at once: 1 to 16." in shown(app)
    assert "Of bars 1 to 16 alone" in shown(app)
    bars(app, 5, 6)
    for lane in in_player(app)["lanes"]:
        assert (lane["first_bar"], lane["n_steps"], lane["bars"]) == (5, 32, [0, 16, 32])


def test_a_bar_of_the_overview_is_brought_into_the_deck(app: AppTest) -> None:
    upload(app, ("song.mid", write_midi(long_song(40))))
    whole = players(app)["overview"]
    assert len(whole["bars"]) == 41
    assert sum(len(row["hits"]) for row in whole["groups"]) == len(long_song(40))
    press(app, "overview", 23, event="go")
    lane = in_player(app)["lanes"][0]
    assert lane["first_bar"] <= 23 < lane["first_bar"] + len(lane["bars"]) - 1
    assert players(app)["overview"]["lost"] == whole["lost"]


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
    next(button for button in app.button if button.label == "Close").click().run()
    assert not app.error
    assert len(app.metric) == 3


def test_several_files_get_a_table_and_one_that_fails_its_sentence(
    app: AppTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("streamlit.dataframe_util.convert_anything_to_pandas_df", None)  # 50 MB of the server
    files = [(f"{key}.mid", write_midi(example(key))) for key in ("rock", "blues")]
    upload(app, *files, ("bad.mid", b"no"))
    table = app.dataframe[0].value
    assert table["File"].tolist() == ["rock.mid", "blues.mid", "All together"]
    assert table["Hits"].tolist()[2] == sum(table["Hits"].tolist()[:2])
    assert "bad.mid: expected a MIDI file" in shown(app)
    assert "bad.mid" not in shown(visit(app, "train"))  # said once


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
    assert in_hand(app).startswith("file ")
    assert "33 hits in the groove" in shown(app)


@pytest.fixture
def no_checkpoint(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    def missing(_: object) -> None:
        raise CheckpointError("Expected a checkpoint, found none.")

    monkeypatch.setattr(outline, "read", missing)
    shipped.clear()
    yield
    shipped.clear()


@pytest.mark.usefixtures("no_checkpoint")
def test_without_a_model_the_original_still_plays_and_a_sentence_says_why() -> None:
    app = opened()
    assert not app.exception
    assert "found none" in shown(app)
    (lane,) = in_player(app)["lanes"]
    assert len(lane["hits"]) == len(example(next(iter(EXAMPLES))))


# -- edits ---------------------------------------------------------------------


def test_an_edit_changes_the_groove_the_figures_and_the_files(files: Downloads, app: AppTest) -> None:
    bars(app, 2, 3)
    before = figures(app)
    wavs = [files[f"{name}, WAV (bars shown)"][1]() for name in ("Original", "Reconstruction")]
    hits = [[VOICE_INDEX["kick"], step, 100] for step in range(32)]
    edit(app, hits)
    assert not app.exception
    assert not app.error
    assert sorted(in_player(app)["lanes"][0]["hits"]) == hits
    assert in_player(app)["serial"] == 1
    assert figures(app) != before

    funk = example("funk")
    expected = funk.with_bars(2, 3, funk.bars(2, 3).with_hits(*columns(hits)))
    assert files["Original, MIDI (all bars)"][1]() == write_midi(expected)
    assert files["Reconstruction, MIDI (all bars)"][1]() == write_midi(caches.reconstruct(expected))
    for name, wav in zip(("Original", "Reconstruction"), wavs, strict=True):
        assert files[f"{name}, WAV (bars shown)"][1]() != wav

    # What was edited is still there in other bars, after another pattern and after another page.
    bars(app, 1, 2)
    assert [h for h in sorted(in_player(app)["lanes"][0]["hits"]) if h[1] >= 15.5] == [
        [voice, step + 16, velocity] for voice, step, velocity in hits[:16]
    ]
    take(app, "rock")
    assert in_player(app)["serial"] == 0
    app.switch_page("pages/about.py").run()
    app.switch_page("pages/reconstruct.py").run()
    take(app, "funk")
    bars(app, 2, 3)
    assert sorted(in_player(app)["lanes"][0]["hits"]) == hits


def columns(hits: list[list[int]]) -> Any:
    voice, position, velocity = np.array(hits).T
    return position, voice, velocity


def test_edits_are_taken_back_by_a_button_that_only_they_bring(app: AppTest) -> None:
    before, played, source = figures(app), in_player(app)["lanes"][0]["hits"], in_player(app)["source"]
    assert back(app) == []
    edit(app, played[:5])
    assert figures(app) != before
    back(app)[0].click().run()
    assert in_player(app)["lanes"][0]["hits"] == played
    assert figures(app) == before
    assert back(app) == []
    assert in_player(app)["serial"] == 0
    assert in_player(app)["source"] != source  # the browser forgets its history too


def back(app: AppTest) -> list[Any]:
    return [button for button in app.button if button.label == "Back to the pattern as it was"]


def test_an_edit_to_what_it_was_is_none(app: AppTest) -> None:
    played = in_player(app)["lanes"][0]["hits"]
    edit(app, played[:5])
    edit(app, played)
    assert in_player(app)["serial"] == 2
    assert back(app) == []


def test_silence_can_be_made_and_the_page_lives(app: AppTest) -> None:
    edit(app, [])
    assert not app.exception
    assert not app.error
    assert in_player(app)["lanes"][0]["hits"] == []
    assert not app.metric
    assert "Nothing is played here yet" in shown(app)
    visit(app, "analyse")
    assert not app.exception
    assert {metric.label for metric in app.metric} == {"Tempo", "Meter"}
    assert "Too few hits to name a style or a drummer: 0 hits" in shown(app)


@pytest.mark.parametrize(
    "hits", [None, "junk", [[0, 1e300, 100]], [[99, 0, 100]], [[0, float("nan"), 1]], [[0, 10**400, 1]]], ids=repr
)
def test_an_edit_that_cannot_be_is_a_sentence_told_once(app: AppTest, hits: object) -> None:
    before, played = figures(app), in_player(app)["lanes"][0]["hits"]
    edit(app, hits)
    assert not app.exception
    assert "the groove stays as it was." in shown(app)
    assert (figures(app), in_player(app)["lanes"][0]["hits"]) == (before, played)
    assert in_player(app)["serial"] == 1  # so the browser goes back too
    app.run()
    assert "the groove stays as it was." not in shown(app)


def test_an_edit_of_what_is_no_longer_shown_is_ignored(app: AppTest) -> None:
    source = in_player(app)["source"]
    take(app, "rock")
    send(app, edit={"source": source, "lane": "original", "serial": 1, "hits": []})
    assert len(in_player(app)["lanes"][0]["hits"]) == len(example("rock"))
    assert not app.warning


@pytest.mark.parametrize("state", [{"edit": 7}, {"heard": 7}, {"edit": {"hits": []}, "heard": {"rate": "x"}}, {"x": 1}])
def test_a_player_s_state_without_sense_changes_nothing(app: AppTest, state: dict[str, object]) -> None:
    before = in_player(app)
    send(app, **state)
    assert not app.exception
    assert in_player(app) == before


def test_a_download_can_have_a_track_for_every_drum(files: Downloads, app: AppTest) -> None:
    app.toggle(key="tracks of downloads").set_value(True).run()
    assert not app.exception
    assert files["Original, MIDI (all bars)"][1]() == write_tracks(example("funk"))
    assert files["Reconstruction, MIDI (all bars)"][1]() == write_tracks(caches.reconstruct(example("funk")))


def test_files_are_as_the_player_is_heard(files: Downloads, app: AppTest) -> None:
    (own,) = example("funk").tempos
    wav = files["Reconstruction, WAV (bars shown)"][1]()
    send(app, heard={"tune": in_player(app)["tune"], "rate": 0.5, "unheard": []})
    for label in ("Original, MIDI (all bars)", "Reconstruction, MIDI (all bars)"):
        (tempo,) = read_midi(files[label][1](), "a.mid")[0].tempos
        assert tempo.bpm == pytest.approx(own.bpm / 2, rel=1e-4)
    slow = files["Reconstruction, WAV (bars shown)"][1]()
    assert len(slow) == pytest.approx(2 * len(wav), rel=0.01)
    send(app, heard={"tune": in_player(app)["tune"], "rate": 1, "unheard": list(range(9))})
    silent = files["Reconstruction, WAV (bars shown)"][1]()
    assert len(silent) == len(wav)
    assert not any(silent[100:])


# -- links ---------------------------------------------------------------------


def test_a_link_to_what_is_shown_opens_it_for_somebody_else(app: AppTest) -> None:
    bars(app, 2, 3)
    edit(app, [[VOICE_INDEX["kick"], 0, 100], [VOICE_INDEX["snare"], 20.25, 60]])
    played, *_ = in_player(app)["lanes"]
    theirs = opened(query=in_player(app)["link"])
    assert not theirs.exception
    assert not theirs.error
    lane, _ = in_player(theirs)["lanes"]
    for name in ("hits", "n_steps", "tempos", "bars", "beats"):
        assert lane[name] == played[name]
    assert len(theirs.metric) == 3
    assert pattern(theirs).options[0] == "From a link: Funk"
    edit(theirs, [])
    assert in_player(theirs)["lanes"][0]["hits"] == []


def test_a_link_is_opened_once_and_stays_to_be_chosen() -> None:
    app = opened(query=share.to_text(example("waltz")))
    linked = in_hand(app)
    take(app, "rock")
    assert len(in_player(app)["lanes"][0]["hits"]) == len(example("rock"))
    app.switch_page("pages/about.py").run()
    app.switch_page("pages/reconstruct.py").run()
    assert in_hand(app) == "rock"
    take(app, linked)
    assert len(in_player(app)["lanes"][0]["hits"]) == len(example("waltz"))


def test_a_second_link_opens_in_the_same_session() -> None:
    app = opened(query=share.to_text(example("funk")))
    app.query_params["g"] = share.to_text(example("funk").bars(1, 2))
    app.run()
    assert not app.exception
    lane, _ = in_player(app)["lanes"]
    assert len(lane["hits"]) == len(example("funk").bars(1, 2))
    assert lane["n_steps"] == 32


def test_links_of_any_length_open_with_all_their_bars() -> None:
    app = opened(query=share.to_text(random_groove(1, 16 * 12, 100)))
    assert bars_slider(app).value == (1, 12)
    bars(app, 2, 3)
    for n_bars in (12, 20, 1, 2):
        app.query_params["g"] = share.to_text(random_groove(n_bars, 16 * n_bars, 50))
        app.run()
        assert not app.exception
        assert in_player(app)["lanes"][0]["n_steps"] == 16 * min(n_bars, hand.MAX_BARS)


@pytest.mark.parametrize("text", ["", "junk", "rv1-", "rv999-abc", "<img src=x>", "A" * 20_000, None])
def test_a_link_that_cannot_be_read_is_a_sentence_and_the_page_lives(text: str | None) -> None:
    if text is None:  # a good one with a letter changed
        good = share.to_text(example("funk"))
        text = good[:40] + ("A" if good[40] != "A" else "B") + good[41:]
    app = opened(query=text)
    assert not app.exception
    assert len(app.error) == 1
    assert 20 < len(app.error[0].value) < 500
    assert not re.search(r"(?<!\\)<", app.error[0].value)
    assert len(in_player(app)["lanes"][0]["hits"]) == len(example(next(iter(EXAMPLES))))
    take(app, "rock")
    assert len(app.metric) == 3


def test_a_linked_groove_stays_chosen_while_files_go(app: AppTest) -> None:
    app = opened(query=share.to_text(example("waltz")))
    linked = in_hand(app)
    upload(app, ("rock.mid", write_midi(example("rock"))))
    assert in_hand(app).startswith("file ")
    take(app, linked)
    app.button(key="remove all files").click().run()
    assert in_hand(app) == linked
    assert len(in_player(app)["lanes"][0]["hits"]) == len(example("waltz"))


def test_what_is_too_long_for_a_link_says_why(app: AppTest) -> None:
    assert in_player(app)["no_link"] is None
    upload(app, ("full.mid", write_midi(random_groove(0, n_steps=128, n_hits=3_000))))
    assert in_player(app)["link"] is None
    assert "link" in in_player(app)["no_link"]


# -- about ---------------------------------------------------------------------


def test_about_has_the_figures_and_the_attribution(app: AppTest) -> None:
    app.switch_page("pages/about.py").run()
    said = " ".join(shown(app).split())
    for words in ("Groove MIDI Dataset", "CC BY 4.0", "Jon Gillick", "Learning to Groove", "The server stores none"):
        assert words in said
    figures = {row["Figure"]: row["Value"] for row in tables(app)[0]}
    assert not app.dataframe, "a data grid takes 0.9 MB to load"
    assert not app.get("plotly_chart"), "pictures come when they are asked for"
    assert 0.9 < float(figures["Hits, F1 at 50 ms"]) <= 1
