"""Kits, the mixer, sounds of one's own and what is taken home, in a real browser, against what Python renders."""

from __future__ import annotations

import base64
import io
import wave
import zipfile
from typing import Any

import numpy as np
import pytest
from playing import RICH, shared, straight
from playwright.sync_api import FilePayload, Locator, Page, expect
from tabs import Tabs
from visiting import WAIT_MS, open_groove

from rhythmvae.kit import N_VOICES, VOICE_INDEX
from rhythmvae.midi.read import read_midi
from rhythmvae.sound import kits, synth
from rhythmvae.sound.kits import SAMPLE_RATE, layered

pytestmark = pytest.mark.browser

KICK, SNARE = VOICE_INDEX["kick"], VOICE_INDEX["snare"]
KITS = [key for key in layered.kit_keys() if key != layered.HOUSE]
STRUCK = """([root, voice, velocity, turn]) => {
  const sound = root.transport.kit.struck(voice, velocity, turn).getChannelData(0);
  const bytes = new Uint8Array(sound.buffer, sound.byteOffset, sound.byteLength);
  let text = "";
  for (let at = 0; at < bytes.length; at += 8192) text += String.fromCharCode(...bytes.subarray(at, at + 8192));
  return btoa(text);
}"""


def struck(deck: Locator, voice: int, velocity: int, turn: int = 0) -> np.ndarray:
    """What the deck plays for a stroke, at full amplitude."""
    said = deck.page.evaluate(STRUCK, [deck.element_handle(), voice, velocity, turn])
    return np.frombuffer(base64.b64decode(said), dtype="<f4")


def wear(deck: Locator, kit: str) -> None:
    deck.get_by_label("Kit", exact=True).select_option(kit)
    script = "([root, label]) => root.transport.kit.said?.label === label"
    deck.page.wait_for_function(script, arg=[deck.element_handle(), layered.index()[kit]["label"]], timeout=WAIT_MS)


def sound_file(seconds: float = 0.2) -> FilePayload:
    t = np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    return {"name": "bang.wav", "mimeType": "audio/wav", "buffer": kits.to_wav(0.5 * np.sin(2 * np.pi * 200 * t))}


def open_mixer(page: Page, address: str) -> Locator:
    deck = open_groove(page, address, straight())
    deck.get_by_role("button", name="More", exact=True).click()
    deck.get_by_text("Mixer, and sounds of your own").click()
    return deck


def choose_file(deck: Locator, drum: str, file: FilePayload) -> None:
    with deck.page.expect_file_chooser() as chosen:
        deck.get_by_role("button", name=f"Own sound for {drum}").click()
    chosen.value.set_files(file)


def test_kits_come_late_and_every_stroke_is_pythons(page: Page, deck_address: str) -> None:
    fetched: list[str] = []
    page.on("request", lambda request: fetched.append(request.url))
    deck = open_mixer(page, deck_address)
    assert not [url for url in fetched if url.endswith(".flac")], "a first visit fetches no kit"
    for kit in KITS:
        wear(deck, kit)
        expect(deck.get_by_label("Kit", exact=True)).to_have_value(kit)
        for voice, velocity, turn in ((KICK, 127, 0), (KICK, 30, 1), (SNARE, 70, 3)):
            wanted = layered.strokes(kit, voice, velocity)[turn % 2]
            got = struck(deck, voice, velocity, turn)
            assert len(got) == len(wanted), kit
            assert np.abs(got - wanted).max() < 1e-4, kit


def test_the_mixer_and_a_sound_of_ones_own_outlast_a_reload(page: Page, deck_address: str) -> None:
    deck = open_mixer(page, deck_address)
    wear(deck, "808")
    deck.get_by_label("Level of snare").fill("0.5")
    deck.get_by_label("Pan of snare").fill("-1")
    choose_file(deck, "kick", sound_file())
    expect(deck.get_by_role("button", name="Kit's sound for kick")).to_be_visible(timeout=WAIT_MS)
    expect(deck.get_by_role("status")).to_have_text("bang.wav is on this drum.", timeout=WAIT_MS)  # and kept
    for reload in (False, True):
        if reload:
            page.reload()
            deck = page.locator(".deck")
            expect(deck.get_by_role("button", name="Play", exact=True)).to_be_visible(timeout=WAIT_MS)
        script = "root => root.transport.kit?.own?.size === 1"
        page.wait_for_function(script, arg=deck.element_handle(), timeout=WAIT_MS)
        own = struck(deck, KICK, 100)
        assert len(own) == pytest.approx(0.2 * SAMPLE_RATE, abs=20)
        assert np.abs(own).max() == pytest.approx(0.8, abs=0.01)
        wanted = layered.strokes("808", SNARE, 127)[0]
        assert np.abs(struck(deck, SNARE, 127) - wanted).max() < 1e-4
    deck.get_by_role("button", name="More", exact=True).click()
    deck.get_by_text("Mixer, and sounds of your own").click()
    expect(deck.get_by_label("Level of snare")).to_have_value("0.5")
    expect(deck.get_by_label("Pan of snare")).to_have_value("-1")


BAD: list[tuple[FilePayload, str]] = [
    ({"name": "no.wav", "mimeType": "audio/wav", "buffer": b"RIFFnonsense"}, "no.wav is none that this browser reads"),
    ({"name": "big.wav", "mimeType": "audio/wav", "buffer": b"\0" * 4_000_001}, "at most 4 MB, big.wav has 4.0"),
    ({"name": "long.wav", "mimeType": "audio/wav", "buffer": kits.to_wav(np.zeros(31 * SAMPLE_RATE))}, "lasts 31 s"),
    ({"name": "mute.wav", "mimeType": "audio/wav", "buffer": kits.to_wav(np.zeros(SAMPLE_RATE))}, "mute.wav is silent"),
]


def test_what_is_no_sound_of_a_drum_is_said_and_changes_nothing(page: Page, deck_address: str) -> None:
    deck = open_mixer(page, deck_address)
    before: Any = struck(deck, KICK, 100)
    for file, sentence in BAD:
        choose_file(deck, "kick", file)
        expect(deck.get_by_role("status")).to_contain_text(sentence, timeout=WAIT_MS)
        assert np.array_equal(struck(deck, KICK, 100), before)


def test_on_a_phone_the_mixer_is_for_fingers(tabs: Tabs, deck_address: str) -> None:
    page = tabs.open(390, 844, is_phone=True)
    deck = open_groove(page, deck_address, straight())
    deck.get_by_role("button", name="Open the grid").click()
    deck.get_by_role("button", name="More", exact=True).click()
    deck.get_by_text("Mixer, and sounds of your own").click()
    row = deck.get_by_role("group", name="Kick", exact=True)
    row.scroll_into_view_if_needed()
    for control in [*row.get_by_role("button").all(), *row.get_by_role("slider").all()]:
        box = control.bounding_box()
        assert box is not None
        assert box["height"] >= 44
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= 390


# -- taken home as sound ----------------------------------------------------------


def taken(deck: Locator, button: str) -> tuple[str, bytes]:
    """Name and bytes of what a button of the sheet gives."""
    with deck.page.expect_download(timeout=WAIT_MS) as coming:
        deck.get_by_role("button", name=button, exact=True).click()
    return coming.value.suggested_filename, coming.value.path().read_bytes()


def sides(wav: bytes) -> np.ndarray:
    """(S, 2) of a stereo file, within [-1, 1]."""
    with wave.open(io.BytesIO(wav)) as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (2, 2, SAMPLE_RATE)
        return np.frombuffer(file.readframes(file.getnframes()), dtype="<i2").reshape(-1, 2) / 32_767


def test_sound_that_is_taken_home_is_what_python_renders(page: Page, deck_address: str) -> None:
    g = shared(RICH)
    deck = open_groove(page, deck_address, RICH)
    deck.get_by_role("button", name="More", exact=True).click()
    deck.get_by_text("Take these bars home").click()
    for kit in (layered.HOUSE, "808"):
        if kit != layered.HOUSE:
            wear(deck, kit)
        for is_loop in (True, False):
            deck.get_by_label("Its end").select_option("loop" if is_loop else "rings")
            name, wav = taken(deck, "WAV")
            wanted = synth.render(g, loop=is_loop, kit=kit)
            assert name.endswith(".wav")
            assert sides(wav).shape == (len(wanted), 2)
            assert np.abs(sides(wav) - wanted[:, None]).max() < 3e-4, (kit, is_loop)
    # Twice, exactly as a loop; then a track for each drum, one of them in the left alone.
    deck.get_by_label("Its end").select_option("loop")
    deck.get_by_label("Times", exact=True).fill("2")
    assert len(sides(taken(deck, "WAV")[1])) == round(2 * g.duration_seconds * SAMPLE_RATE)
    deck.get_by_label("Times", exact=True).fill("1")
    deck.get_by_text("Mixer, and sounds of your own").click()
    deck.get_by_label("Pan of kick").fill("-1")
    name, packed = taken(deck, "A track for each drum")
    with zipfile.ZipFile(io.BytesIO(packed)) as tracks:
        assert tracks.testzip() is None
        found = {VOICE_INDEX[n.removesuffix(".wav").split()[-1]]: sides(tracks.read(n)) for n in tracks.namelist()}
    assert set(found) == set(g.voice.tolist())
    assert not found[KICK][:, 1].any()
    others = [v for v in range(N_VOICES) if v != SNARE]
    assert np.abs(found[SNARE] - synth.render(g, loop=True, muted=others, kit="808")[:, None]).max() < 3e-4


def test_bars_that_make_no_sense_are_said(page: Page, deck_address: str) -> None:
    deck = open_groove(page, deck_address, straight(3))
    deck.get_by_role("button", name="More", exact=True).click()
    deck.get_by_text("Take these bars home").click()
    deck.get_by_label("First bar").fill("2")
    deck.get_by_label("Last bar").fill("3")
    assert len(sides(taken(deck, "WAV")[1])) == 4 * SAMPLE_RATE
    name, midi = taken(deck, "MIDI of these bars")
    assert name.endswith("-bars-2-to-3.mid")
    part, whole = read_midi(midi, name)[0], shared(straight(3)).bars(2, 3)
    assert part.n_steps == whole.n_steps
    assert part.position.tolist() == whole.position.tolist()
    for field, value, sentence in (
        ("Last bar", "9", "Expected bars from 1 to 3"),
        ("Times", "0", "Expected 1 to 64 times"),
        ("Times", "64", "Expected at most 120 s of sound, got 256"),
    ):
        deck.get_by_label(field, exact=True).fill(value)
        deck.get_by_role("button", name="WAV", exact=True).click()
        expect(deck.get_by_role("status")).to_contain_text(sentence)
        deck.get_by_label(field, exact=True).fill("3" if field == "Last bar" else "1")
