"""The Complete page, with a toy that completes: what is asked, the answers in the deck and as cards, and going on."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from browsing import in_hand, opened, original, players, press, result, shown, take
from helpers import note, smf, tempo
from streamlit.testing.v1 import AppTest
from tapping import table
from toys import checkpoint_file

from rhythmvae.audio import pcm
from rhythmvae.data.examples import example
from rhythmvae.kit import GROUPS, VOICE_INDEX
from rhythmvae.model import outline
from rhythmvae.model.given import HANDS
from rhythmvae.model.lent import ModelFile
from rhythmvae.ui.parts import completing
from rhythmvae.ui.session import hand, models
from rhythmvae.ui.session.opened import Opened, shipped

HATS = {VOICE_INDEX[voice] for voice in GROUPS["hats"]}


@pytest.fixture(scope="module")
def toy(tmp_path_factory: pytest.TempPathFactory) -> Opened:
    path = checkpoint_file(tmp_path_factory.mktemp("toy") / "toy.safetensors")
    return Opened.of(outline.read(path), ModelFile.of(path.read_bytes()))


@pytest.fixture
def app(toy: Opened, monkeypatch: pytest.MonkeyPatch) -> AppTest:
    """The page with two bars in hand."""
    monkeypatch.setattr(models, "in_use", lambda: toy)
    return take(opened("complete"), "disco")


def hits(lane: Any) -> list[tuple[float, ...]]:
    return [tuple(hit) for hit in lane["hits"]]


def cards(app: AppTest) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = players(app)[completing.CARDS]["lanes"]
    return found


def do(app: AppTest, job: str) -> AppTest:
    [control] = [group for group in app.get("button_group") if group.key == "what to complete"]
    control.set_value(job)
    return app.run()


def drop(app: AppTest, taps: bytes) -> AppTest:
    [box] = [box for box in app.file_uploader if box.key == completing.FILE]
    box.upload("taps.mid", taps)
    return app.run()


def tap(app: AppTest, taps: list[Any], ends: bool = True) -> AppTest:
    """What the pad says of a recording."""
    return press(app, completing.PAD, {"serial": len(taps), "taps": taps, "ends": ends}, "taps")


def click(app: AppTest, label: str) -> AppTest:
    return next(button for button in app.button if button.label == label).click().run()


def test_the_groove_goes_on_and_its_own_bars_stay(app: AppTest) -> None:
    assert not app.exception
    own, lane = original(app), result(app)
    assert lane is not None
    assert len(lane["bars"]) - 1 == 2 + 4
    assert set(hits(own)) <= set(hits(lane))
    assert {hits(lane)[i] for i in lane["open"]} == set(hits(lane)) - set(hits(own))
    assert len(cards(app)) == 4
    assert hits(cards(app)[0]) == hits(lane)
    assert hits(cards(app)[1]) != hits(lane)


def test_again_gives_others_that_are_heard_and_the_way_back(app: AppTest) -> None:
    before = [hits(card) for card in cards(app)]
    click(app, "Other answers")
    assert players(app)["deck result"]["hear"]["starts"]
    assert not any(hits(card) in before for card in cards(app))
    click(app, "Answers before")
    assert [hits(card) for card in cards(app)] == before
    click(app, "Other answers")
    take(app, "funk")  # of another groove these are the first answers
    assert not [button for button in app.button if button.label == "Answers before"]


def test_what_is_kept_is_what_was_heard_and_says_which_bars(app: AppTest) -> None:
    take(app, "funk")
    app.session_state[hand.bars_key("funk", example("funk"))] = (3, 4)
    app.run()
    assert cards(app)[1]["note"].endswith("hits, bars 3 to 8")
    press(app, completing.CARDS, {"lane": "answer 1", "what": "keep"})
    [kept] = app.session_state["tray"].values()
    assert (kept.n_bars, kept.title) == (6, "Funk, continued 2, bars 3 to 8")
    assert "keep" in cards(app)[1]["pressed"]


def test_an_answer_becomes_the_groove_in_hand_and_there_is_a_way_back(app: AppTest) -> None:
    chosen = hits(cards(app)[2])
    press(app, completing.CARDS, {"lane": "answer 2", "what": "use"})
    assert hits(original(app)) == chosen
    click(app, "Back to the previous start")
    assert in_hand(app) == "disco"


def test_only_what_is_marked_is_played_anew(app: AppTest) -> None:
    do(app, completing.FILL)
    lane = result(app)
    assert lane is not None
    others = [[hit for hit in hits(each) if hit[0] not in HATS] for each in (original(app), lane)]
    assert others[0] == others[1]
    assert len(cards(app)) == 8
    [drums] = [group for group in app.get("button_group") if group.key == "drums to fill in"]
    drums.set_value([])
    app.run()
    assert result(app) is None
    assert "Mark drums, bars or both" in shown(app)


def test_a_drummers_touch_keeps_every_hit_in_its_cell(app: AppTest) -> None:
    do(app, completing.HUMANIZE)
    lane = result(app)
    assert lane is not None
    cells = [sorted((voice, round(at)) for voice, at, _ in hits(each)) for each in (original(app), lane)]
    assert cells[0] == cells[1]
    assert hits(lane) != hits(original(app))
    for slider in app.slider:
        if slider.label in ("New timing", "New loudness"):
            slider.set_value(0)
    app.run()
    assert hits(result(app)) == hits(original(app))


def test_taps_become_drums_that_are_heard_at_once(app: AppTest) -> None:
    do(app, completing.TAP)
    assert result(app) is None
    [clicks] = players(app)[completing.PAD]["lanes"]
    assert clicks["bars"] == [0, 16, 32, 48]
    taps = [[0, 0.1], [0, 4.1], [0, 8.1], [0, 12.1], [0, 24.1], "x", [0, 99], [2, 1.0], [True, 1.0]]
    tap(app, taps[:1], ends=False)  # before the end: they are ready, and not yet heard
    assert not players(app)["deck result"]["hear"]["starts"]
    tap(app, taps)
    assert players(app)["deck result"]["hear"]["starts"]
    assert players(app)["deck result"]["hear"]["of"] == len(taps)
    lane = result(app)
    assert lane is not None
    assert lane["is_another"]
    assert lane["n_steps"] == 32
    assert {0, 4, 8, 12, 24} <= {round(at, 6) for _, at, _ in hits(lane)}
    assert len(cards(app)) == 4


def test_two_hands_are_played_by_different_drums(app: AppTest) -> None:
    do(app, completing.TAP)
    [hands] = [group for group in app.get("button_group") if group.key == "hands that tap"]
    hands.set_value(2)
    app.run()
    assert players(app)[completing.PAD]["hands"] == 2
    tap(app, [[0, 0.0], [1, 4.0], [0, 8.0], [1, 12.0]])
    lane = result(app)
    assert lane is not None
    for own, of in ((HANDS[0], (0, 8)), (HANDS[1], (4, 12))):
        assert all(any(own[voice] and abs(at - step) < 1e-6 for voice, at, _ in hits(lane)) for step in of)


def test_what_is_wanted_makes_other_answers(app: AppTest) -> None:
    before = [hits(card) for card in cards(app)]
    [busy] = [group for group in app.get("button_group") if group.key == "wanted density"]
    busy.set_value(0.85)
    app.run()
    assert not app.exception
    assert not any(hits(card) in before for card in cards(app))
    assert "How busy: busy" in [box.label for box in app.expander]  # folded or not, the line says what is chosen


def test_every_note_of_a_file_of_taps_is_one(app: AppTest) -> None:
    do(app, completing.TAP)
    drop(app, b"no MIDI")
    assert "taps.mid" in shown(app)
    drop(app, smf([tempo(0, 120), note(0, 60, channel=1), note(960, 61, channel=1)]))
    lane = result(app)
    assert lane is not None
    assert (lane["n_steps"], lane["tempos"]) == (16, [[0.0, 120.0]])
    assert {0, 8} <= {round(at, 6) for _, at, _ in hits(lane)}


def test_a_lag_that_all_taps_share_is_taken_out() -> None:
    frame = completing.frame_of_taps(example("funk"), 2)
    assert completing.without_lag(np.array([0.3, 4.3, 6.5, 8.3, 31.9]), frame).tolist() == pytest.approx(
        [0.0, 4.0, 6.2, 8.0, 31.6]
    )
    assert completing.without_lag(np.array([2.0]), frame).tolist() == [2.0]
    assert completing.without_lag(np.array([-0.4, 3.6]), frame).tolist() == pytest.approx([0.0, 4.0])


def test_what_comes_next_is_shown_when_it_is_asked_for(app: AppTest) -> None:
    assert not app.get("plotly_chart")
    next(toggle for toggle in app.toggle if toggle.key == "show what comes next").set_value(True).run()
    assert not app.exception
    assert len(app.get("plotly_chart")) == 2


def test_an_answer_to_some_bars_of_a_longer_groove_is_put_in_their_place(app: AppTest) -> None:
    take(app, "funk")
    app.session_state[hand.bars_key("funk", example("funk"))] = (2, 3)
    do(app, completing.FILL)
    lane = result(app)
    assert lane is not None
    assert (lane["first_bar"], lane["n_steps"]) == (2, 32)
    press(app, completing.CARDS, {"lane": "answer 0", "what": "use"})
    assert original(app)["label"] == "Original, bars 2 to 3"
    assert hits(original(app)) == hits(lane)
    held = next(iter(app.session_state["held grooves"].values()))
    assert held.bars(1, 1) == replace(example("funk").bars(1, 1), title=held.title)


def test_a_model_that_does_not_complete_has_the_shipped_one_play_in_its_place(
    app: AppTest, toy: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(models, "in_use", lambda: shipped_without())
    monkeypatch.setattr(completing, "shipped", lambda: toy)
    app.run()
    assert "does not complete grooves" in shown(app)
    assert result(app) is not None


def shipped_without() -> Opened:
    used = shipped()
    return replace(used, card=replace(used.card, completion=None))


def test_taps_on_a_table_become_drums(app: AppTest) -> None:
    pytest.importorskip("soundfile")
    rhythm = np.array([0.0, 0.5, 0.75, 1.0, 1.5, 2.0, 2.25, 3.0])
    data = pcm.wav(pcm.packed([table(0.4 + rhythm, 4.0)]))
    drop(do(app, "Tap"), data)
    assert not app.exception
    lane = result(app)
    assert lane is not None
    off = [min(abs(hit[1] - 8 * at) for hit in lane["hits"]) for at in rhythm]
    assert max(off) < 0.2
    assert len(lane["bars"]) - 1 == 2
