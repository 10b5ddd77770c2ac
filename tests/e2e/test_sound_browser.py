"""Sounds in a browser: dropped, decoded, heard, played beside their groove; taps come from the microphone."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from listening import began, play, tap, untap, wait_for_loop
from playwright.sync_api import Browser, Locator, Page, expect
from tapping import table
from test_access_browser import unfold_all, violations
from visiting import WAIT_MS, go_to, settle, take_home

from rhythmvae.audio import pcm
from rhythmvae.groove import Groove, Tempo
from rhythmvae.kit import VOICE_INDEX
from rhythmvae.sound.synth import SAMPLE_RATE, wav_bytes

soundfile = pytest.importorskip("soundfile")
pytestmark = pytest.mark.browser

RHYTHM = np.array([0.0, 0.5, 0.75, 1.0, 1.5, 2.0, 2.25, 3.0])
BEAT = 0.5  # seconds
LEAD_SECONDS = 3.0  # of a file that is a microphone: it runs from when the browser opens it, and the page records later
HEARD_SECONDS = 0.02  # by which a stroke may be off where it was heard: a frame is 10 ms
BETWEEN_BEATS = "root => { const at = root.transport.position().step % 4; return at > 1.2 && at < 2; }"
# Whether the browser knows of so many sounds, for when the page is loaded again.
HOLDS = """(n) => {
  const { text } = JSON.parse(sessionStorage.getItem("rhythmvae") ?? "{}");
  return JSON.parse(text ?? "{}").lost?.[0]?.[1] === n;
}"""
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


def tagged(bpm: int) -> bytes:
    """An ID3 tag that says a tempo."""
    text = b"\0" + str(bpm).encode()
    frame = b"TBPM" + len(text).to_bytes(4, "big") + bytes(2) + text
    return b"ID3\x03\0\0" + bytes([0, 0, 0, len(frame)]) + frame


def choose(page: Page, *files: tuple[str, bytes]) -> None:
    """Drop files into "Get a groove", which stays open."""
    if not page.get_by_test_id("stFileUploader").first.is_visible():
        page.get_by_role("button", name="Get a groove").click()
    box = page.get_by_test_id("stFileUploader").locator("input[type=file]").first
    box.set_input_files([{"name": n, "mimeType": "application/octet-stream", "buffer": data} for n, data in files])


def from_sheet(deck: Locator) -> Groove:
    """What is taken home on a phone."""
    deck.get_by_role("button", name="Open the grid").click()
    groove = take_home(deck)
    deck.get_by_role("button", name="Close the grid").tap()
    return groove


def test_on_a_phone_a_sound_is_seen_varied_and_taken_home(phone: Page, app_address: str) -> None:
    page = phone
    page.goto(app_address)
    settle(page)
    deck = drop(page, "slow.mp3", tagged(60) + mp3(LOOP))
    assert from_sheet(deck).tempos[-1].bpm == pytest.approx(60, rel=0.01)  # as its tag says, not as it would be heard
    expect(page.get_by_text("likely that this is drums alone")).to_be_visible()
    unfold_all(page)
    assert violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    go_to(page, "Latent map")
    settle(page)
    expect(deck).to_contain_text("slow.mp3")
    go_to(page, "Variations")
    settle(page)
    expect(deck.get_by_role("radio")).to_have_count(3, timeout=WAIT_MS)  # the original, the varied one, the sound
    varied = from_sheet(deck)
    assert len(varied) > 0
    assert varied.tempos[-1].bpm == pytest.approx(60, rel=0.01)


def test_what_a_browser_is_given_is_a_sentence_or_a_switch(page: Page, app_address: str) -> None:
    page.goto(app_address)
    settle(page)
    deck = drop(page, "beats.mp3", mp3(LOOP))
    long = io.BytesIO()
    soundfile.write(long, np.zeros(601 * 8_000, dtype=np.int16), 8_000, format="FLAC")
    choose(page, ("long.flac", long.getvalue()), ("bad.mp3", b"ID3\x04" + bytes(400)))
    expect(page.get_by_text("expected at most 10 minutes of sound")).to_be_visible(timeout=WAIT_MS)
    expect(page.get_by_text("expected a sound, got a damaged MP3 file")).to_be_visible(timeout=WAIT_MS)
    expect(deck).to_contain_text("beats.mp3")
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name in ("one.wav", "two.wav"):
            archive.writestr(name, wav_bytes(LOOP, loop=True) + name.encode())
    choose(page, ("pack.zip", packed.getvalue()))
    page.get_by_role("button", name="2 sounds in pack.zip: read them too").click(timeout=WAIT_MS)
    expect(deck).to_contain_text("one.wav", timeout=WAIT_MS)
    page.wait_for_function(HOLDS, arg=3, timeout=WAIT_MS)
    page.reload()
    settle(page)
    expect(page.get_by_text("3 sounds that you dropped or recorded")).to_be_visible(timeout=WAIT_MS)
    expect(page.locator(".deck")).to_contain_text("one")


def test_taps_on_a_table_become_drums(launch: Callable[..., Browser], app_address: str, tmp_path: Path) -> None:
    """The browser's microphone is a file."""
    file = tmp_path / "table.wav"
    file.write_bytes(pcm.wav(pcm.packed([table(LEAD_SECONDS + RHYTHM, 30.0)])))
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
        page.wait_for_timeout(1000 * (LEAD_SECONDS + RHYTHM[-1] + 2))
        page.get_by_role("button", name="Stop recording").click()
        deck = page.get_by_role("region", name="Deck")
        expect(deck).to_contain_text("from taps", timeout=WAIT_MS)
        settle(page)
        groove = take_home(deck)
        away = np.abs(groove.onset_seconds[:, None] - RHYTHM[None]).min(0)
        assert away.max() < 2 * HEARD_SECONDS  # each tap has a stroke, in the tempo of the taps
    finally:
        own.close()
