"""A sound on the pages, without a browser: heard, corrected, refused, taken anyway, tapped."""

from __future__ import annotations

import re

import numpy as np
import pytest
from browsing import in_hand, opened, original, pattern, players, press, result, shown, upload, visit
from hearing import loop_heard, stand_in
from streamlit.testing.v1 import AppTest

from rhythmvae.data.examples import example
from rhythmvae.sound.synth import wav_bytes

pytest.importorskip("soundfile")
LOOP = example("rock").looped(2)
WAV = wav_bytes(LOOP, loop=True)


@pytest.fixture
def app() -> AppTest:
    """The first page with a loop in hand that the ear has heard."""
    return upload(opened(), ("rock.wav", WAV))


def click(app: AppTest, label: str) -> None:
    [button] = [button for button in app.button if button.label == label]
    button.click().run()


def bpm(app: AppTest) -> float:
    return float(original(app)["tempos"][0][1])


def test_a_loop_is_heard_corrected_and_taken_through_the_app(app: AppTest) -> None:
    assert not app.exception
    assert in_hand(app).startswith("sound ")
    assert re.search(r"(9\d|100)% likely that this is drums alone", shown(app))
    usual = bpm(app)
    assert usual == pytest.approx(LOOP.tempos[0].bpm, rel=0.01)
    assert len(players(app)["waveform"]["bars"]) == LOOP.n_bars + 1

    click(app, "Half the tempo")
    assert bpm(app) == pytest.approx(usual / 2, rel=0.01)
    [box] = [box for box in app.number_input if box.label == "Tempo, BPM"]
    box.set_value(usual).run()
    assert bpm(app) == pytest.approx(usual, rel=0.01)
    press(app, "waveform", {"seconds": 60 / usual}, "one")
    assert np.abs(np.array(players(app)["waveform"]["bars"]) - 60 / usual).min() < 0.03
    click(app, "As it was heard")
    assert players(app)["waveform"]["bars"][0] == 0.0

    [slider] = [slider for slider in app.slider if slider.label == "Snare"]
    before = len(original(app)["hits"])
    slider.set_value(98).run()
    assert len(original(app)["hits"]) < before
    for page in ("map", "variations", "complete", "analyse"):
        visit(app, page)
        assert not app.exception
        assert in_hand(app).startswith("sound ")
    assert result(visit(app, "variations")) is not None


def test_what_is_no_drums_is_refused_and_taken_anyway(monkeypatch: pytest.MonkeyPatch) -> None:
    stand_in(monkeypatch, loop_heard(drums_alone=0.2))
    app = upload(opened(), ("song.wav", WAV))
    [error] = app.error
    assert "song.wav" in error.value.replace("\\", "")
    assert "drum stem" in error.value
    assert not in_hand(app).startswith("held")
    click(app, "Take it anyway")
    assert not app.error
    assert "use a drum stem" in shown(app)
    assert bpm(app) == pytest.approx(example("funk").tempos[0].bpm, rel=0.01)


def test_a_broken_sound_is_a_sentence_and_nothing_is_lost(app: AppTest) -> None:
    upload(app, ("bad.wav", WAV[:30] + b"\xff" * 20))
    assert "bad.wav: expected" in shown(app)
    assert in_hand(app).startswith("sound ")
    assert len(pattern(app).options) > 3
