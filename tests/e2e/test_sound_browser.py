"""Sounds in a browser: a loop is dropped, decoded, heard, and plays beside its groove; taps come from the micropage."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from listening import began, play, tap, untap, wait_for_loop
from playwright.sync_api import Browser, Locator, Page, expect
from tapping import table
from visiting import WAIT_MS, go_to, settle, take_home

from rhythmvae.audio import pcm
from rhythmvae.groove import Groove, Tempo
from rhythmvae.kit import VOICE_INDEX
from rhythmvae.sound.synth import SAMPLE_RATE, wav_bytes

soundfile = pytest.importorskip("soundfile")
pytestmark = pytest.mark.browser

RHYTHM = np.array([0.0, 0.5, 0.75, 1.0, 1.5, 2.0, 2.25, 3.0])
BEAT = 0.5  # seconds
HEARD_SECONDS = 0.02  # by which a stroke may be off where it was heard: a frame is 10 ms
BETWEEN_BEATS = "root => { const at = root.transport.position().step % 4; return at > 1.2 && at < 2; }"
LOOP = Groove(
    np.arange(0.0, 32.0, 4.0),
    np.array([VOICE_INDEX["snare"]] * 8),
    np.array([120, 90] * 4),
    32,
    (Tempo(0.0, 60 / BEAT),),
)


def mp3(groove: Groove) -> bytes:
    samples, rate = soundfile.read(io.BytesIO(wav_bytes(groove, loop=True)))
    assert rate == SAMPLE_RATE
    out = io.BytesIO()
    soundfile.write(out, samples, rate, format="MP3")
    return out.getvalue()


def drop(page: Page, name: str, data: bytes) -> Locator:
    """Into "Get a groove"; gives the deck with it in hand."""
    page.get_by_role("button", name="Get a groove").click()
    box = page.get_by_test_id("stFileUploader").locator("input[type=file]").first
    box.set_input_files({"name": name, "mimeType": "audio/mpeg", "buffer": data})
    deck = page.get_by_role("region", name="Deck")
    expect(deck).to_contain_text(name, timeout=WAIT_MS)
    page.keyboard.press("Escape")
    settle(page)
    return deck


def test_a_loop_plays_beside_its_groove_in_time(page: Page, app_address: str) -> None:
    page.goto(app_address)
    settle(page)
    deck = drop(page, "beats 120.mp3", mp3(LOOP))
    groove = take_home(deck)
    away = np.abs(groove.onset_seconds[:, None] - LOOP.onset_seconds[None]).min(1)
    assert away.max() < HEARD_SECONDS

    tap(deck)
    play(deck)
    at = wait_for_loop(deck, 1)
    for choice in ("Sound", "Original", "Sound"):
        page.wait_for_timeout(1000)
        # Between two beats: what is struck in the moment of a change may well be heard twice, or faded.
        page.wait_for_function(BETWEEN_BEATS, arg=deck.element_handle(), timeout=WAIT_MS)
        radio = deck.get_by_role("radio", name=choice)
        radio.evaluate("each => each.click()")
        expect(radio).to_be_checked()
    page.wait_for_timeout(1000)
    capture = untap(deck)
    onsets = capture.onsets()
    found = onsets[~capture.near_a_gap(onsets)] - began(at, groove)
    found = found[found > 0]
    off = (found + BEAT / 2) % BEAT - BEAT / 2
    assert np.abs(off - np.median(off)).max() < HEARD_SECONDS
    assert abs(np.median(off)) < HEARD_SECONDS
    beats = began(at, groove) + BEAT * np.arange(round(found[0] / BEAT), round(found[-1] / BEAT) + 1)
    missed = np.abs(beats[:, None] - onsets[None]).min(1) > HEARD_SECONDS
    assert not missed[~capture.near_a_gap(beats)].any()

    go_to(page, "Latent map")
    settle(page)
    expect(deck).to_contain_text("beats 120.mp3")


def test_taps_on_a_table_become_drums(launch: Callable[..., Browser], app_address: str, tmp_path: Path) -> None:
    """The browser's microphone is a file."""
    file = tmp_path / "table.wav"
    file.write_bytes(pcm.wav(pcm.packed([table(1.0 + RHYTHM, 30.0)])))
    microphone = f"--use-file-for-fake-audio-capture={file}%noloop"
    own = launch("--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream", microphone)
    try:
        page = own.new_context(viewport={"width": 1280, "height": 900}).new_page()
        page.goto(app_address)
        settle(page)
        page.get_by_role("button", name="Get a groove").click()
        page.get_by_test_id("stFileUploader").first.wait_for()
        settle(page)
        page.get_by_text("Record drums, or taps on a table").click()
        page.get_by_role("radio", name="Taps", exact=True).click()
        settle(page)
        page.get_by_role("button", name="Record", exact=True).click()
        page.get_by_role("button", name="Stop recording").wait_for()
        page.wait_for_timeout(5_000)
        page.get_by_role("button", name="Stop recording").click()
        deck = page.get_by_role("region", name="Deck")
        expect(deck).to_contain_text("from taps", timeout=WAIT_MS)
        settle(page)
        groove = take_home(deck)
        away = np.abs(groove.onset_seconds[:, None] - RHYTHM[None]).min(0)
        assert away.max() < 2 * HEARD_SECONDS  # each tap has a stroke, in the tempo of the taps
    finally:
        own.close()
