"""The app as a visitor has it."""

import io
import re
import time
import wave
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from listening import WATCH, assert_it_went_on, play, watched
from playwright.sync_api import Browser, Page, ViewportSize, WebSocketRoute, expect
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from test_deck_browser import open_sheet
from visiting import (
    PLACES,
    WAIT_MS,
    Lane,
    download,
    download_midi,
    getting_a_groove,
    go_to,
    midi_file,
    open_deck,
    open_page,
    open_reconstruct,
    settle,
    take_pattern,
    upload,
)

from rhythmvae import share
from rhythmvae.analysis.metrics import score
from rhythmvae.data.examples import example
from rhythmvae.midi.read import read_midi
from rhythmvae.midi.write import write_midi

pytestmark = pytest.mark.browser


def test_a_cold_server_opens_a_page_by_its_address(page: Page, fresh_app_address: str) -> None:
    """One that is not the first of the menu: what sends such a visit through app.py, all pages begin with.

    (tests/pages/test_pages.py holds that; below each is opened by its address on a server that others have visited.)
    """
    open_page(page, f"{fresh_app_address}/map")
    # The places are there only if the visit came through app.py.
    expect(page.locator(".st-key-places").get_by_role("link")).to_have_count(len(PLACES), timeout=WAIT_MS)
    expect(page.get_by_test_id("stException")).to_have_count(0)
    settle(page)
    assert page.url.partition("?")[0] == f"{fresh_app_address}/map"


def test_the_first_screen_has_a_pattern_and_its_sound(page: Page, app_address: str) -> None:
    deck = open_reconstruct(page, app_address)
    pattern = example("funk")
    expect(deck.get_by_role("grid")).to_have_accessible_name(re.compile(rf"{len(pattern)} hits in 4 bars"))
    for part in ("Original", "Reconstruction"):
        with wave.open(io.BytesIO(download(page, f"{part}, WAV"))) as file:
            assert file.getnframes() / file.getframerate() == pytest.approx(pattern.duration_seconds, abs=0.01)
    deck.get_by_role("radio", name="Original").click()
    for n in (1, 2):  # a file that is taken at once holds the edit, a page's as the deck's own
        Lane(deck).click("low_tom", 4 * n + 1)
        assert len(download_midi(page, "Original")) == len(pattern) + n
    play(deck)
    expect(deck.get_by_role("button", name="Pause", exact=True)).to_be_visible()


def test_the_deck_plays_on_from_page_to_page_and_the_address_has_the_groove(page: Page, app_address: str) -> None:
    deck = open_reconstruct(page, app_address)
    take_pattern(page, "Disco")
    play(deck)
    deck.evaluate(WATCH)
    for place in ("Latent map", "Variations", "About", "Reconstruct"):
        go_to(page, place)
    bpm = example("disco").tempos[0].bpm
    assert_it_went_on(watched(page), 32, bpm, bpm)
    text = share.to_text(example("disco"))
    page.wait_for_function("(text) => new URL(location).searchParams.get('g') === text", arg=text, timeout=WAIT_MS)
    page.go_back()  # to the page before, not to the groove before
    expect(page.locator("h1")).to_have_text("About", timeout=WAIT_MS)
    page.goto(page.url)
    expect(page.locator(".deck")).to_contain_text("Disco", timeout=WAIT_MS)


def test_the_page_comes_when_the_deck_has_said_that_it_is_there_and_all_the_same_where_nobody_hears_it(
    page: Page, app_address: str
) -> None:
    said = []
    page.route("**/here/*", lambda route: (said.append(route.request.url), route.abort()))
    open_reconstruct(page, app_address)
    expect(page.get_by_test_id("stMetric").first).to_be_visible(timeout=WAIT_MS)
    go_to(page, "Train")
    assert len(said) == 1, "once, whatever page it is"


# Where the heading stands as long as nothing but the deck is with it; a machine may be too slow for that to be seen.
ALONE = """() => {
  const look = () => {
    const heading = document.querySelector("h1");
    if (heading && !document.querySelector(".st-key-above")) window.alone ??= heading.getBoundingClientRect().top;
  };
  new MutationObserver(look).observe(document, { childList: true, subtree: true });
}"""
STANDS_AS_ALONE = "() => [undefined, document.querySelector('h1').getBoundingClientRect().top].includes(window.alone)"


@pytest.mark.parametrize(
    ("size", "is_phone"), [({"width": 390, "height": 844}, True), ({"width": 1440, "height": 900}, False)]
)
def test_a_heading_stays_where_it_is_when_hints_come_and_when_they_were_read(
    browser: Browser, app_address: str, size: ViewportSize, is_phone: bool
) -> None:
    context = browser.new_context(viewport=size, has_touch=is_phone, is_mobile=is_phone)
    context.add_init_script(f"({ALONE})()")
    for is_first in (True, False):
        page = context.new_page()
        open_reconstruct(page, app_address)
        expect(page.get_by_role("button", name="Get a groove")).to_be_visible(timeout=WAIT_MS)
        hints = page.get_by_role("region", name="Hints for a first visit")
        expect(hints).to_have_count(1 if is_first else 0, timeout=WAIT_MS)
        page.wait_for_function(STANDS_AS_ALONE, timeout=WAIT_MS)
        if is_first:
            page.evaluate("() => document.fonts.ready.then(() => true)")
            high = hints.evaluate("e => e.offsetHeight")
            hints.get_by_role("button", name="Next").click()
            expect(hints.get_by_role("status")).to_contain_text("Get a groove")
            assert hints.evaluate("e => e.offsetHeight") == high
            hints.get_by_role("button", name="Close the hints").click()
            expect(hints).to_have_count(0)
        page.close()
    context.close()


def test_the_drums_sounds_come_over_the_line_once(browser: Browser, app_address: str) -> None:
    context = browser.new_context()  # which has fetched nothing yet
    came: list[str] = []

    def hear(event: dict[str, Any]) -> None:
        answer = event["response"]
        if answer["url"].endswith(".wav") and not answer["fromDiskCache"]:
            came.append(answer["url"])

    for visit in (1, 2):
        page = context.new_page()
        session = context.new_cdp_session(page)
        session.on("Network.responseReceived", hear)
        session.send("Network.enable")
        play(open_deck(page, app_address))
        page.close()
        assert len(came) == 1, f"visit {visit}"
    context.close()


def test_nothing_is_fetched_from_elsewhere(page: Page, app_address: str) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    open_reconstruct(page, app_address)
    elsewhere = [url for url in asked if not url.startswith((app_address, "data:", "blob:"))]
    assert asked
    assert elsewhere == []


def test_a_file_goes_in_and_its_reconstruction_comes_out_as_the_figures_say(
    page: Page, app_address: str, tmp_path: Path
) -> None:
    original, _ = read_midi(write_midi(example("blues")), "blues.mid")
    (tmp_path / "blues").write_bytes(write_midi(example("blues")))  # known by its content, not by a suffix
    open_reconstruct(page, app_address)
    drop_beside(page, "blues", (tmp_path / "blues").read_bytes())
    expect(page.get_by_text(f"{len(original)} notes on channel 10")).to_be_visible(timeout=WAIT_MS)
    page.keyboard.press("Escape")
    settle(page)
    f1 = page.get_by_test_id("stMetricValue").first.inner_text().strip()
    with page.expect_download() as waiting:
        page.get_by_role("button", name="Reconstruction, MIDI").click()
    download = waiting.value
    assert download.suggested_filename == "blues-reconstruction.mid"
    rebuilt, report = read_midi(Path(download.path()).read_bytes(), "out.mid")
    assert report.n_unmapped == report.n_folded == 0
    assert (rebuilt.tempos, rebuilt.meters, rebuilt.n_bars) == (original.tempos, original.meters, original.n_bars)
    assert len(rebuilt) > 0.8 * len(original)
    assert f"{score(original, rebuilt).f1:.1%}" == f1


def drop_beside(page: Page, name: str, data: bytes) -> None:
    """Where no box is: the browser itself would leave the page for the file."""
    dropped = page.evaluate_handle(
        """([data, name]) => {
          const transfer = new DataTransfer();
          transfer.items.add(new File([Uint8Array.from(data)], name));
          return transfer;
        }""",
        [list(data), name],
    )
    for kind in ("dragover", "drop"):
        page.locator("h1").dispatch_event(kind, {"dataTransfer": dropped})


def test_what_stands_above_a_page_covers_no_place(page: Page, app_address: str) -> None:
    """On a tablet, and on a phone that lies on its side, where an edit adds a way back."""
    deck = open_deck(page, app_address)
    Lane(deck).click("ride", 2)
    expect(page.get_by_role("button", name="Back to the pattern as it was")).to_be_visible(timeout=WAIT_MS)
    for width, height in ((768, 1024), (844, 390), (1280, 900)):
        page.set_viewport_size({"width": width, "height": height})
        settle(page)
        above, places = (page.locator(f".st-key-{key}").bounding_box() for key in ("above", "places"))
        assert above is not None
        assert places is not None
        assert places["x"] + places["width"] <= above["x"]
        assert above["x"] + above["width"] <= width
        for button in page.locator(".st-key-above").get_by_role("button").all():
            button.click(trial=True)


def test_the_overview_of_a_song_takes_the_deck_to_a_bar_and_to_the_next_difference(
    page: Page, app_address: str, tmp_path: Path
) -> None:
    song = example("funk").looped(10)
    roll = 565.1 + 0.12 * np.arange(6)  # six strokes in a 16th, which holds four
    voice, velocity = (np.append(own, np.full(6, value)) for own, value in ((song.voice, 1), (song.velocity, 90)))
    song = song.with_hits(np.append(song.position, roll), voice, velocity)
    (tmp_path / "song.mid").write_bytes(write_midi(song))
    deck = open_reconstruct(page, app_address)
    facts = deck.locator(".title small")
    expect(facts).to_have_text(re.compile(", 4 bars$"), timeout=WAIT_MS)
    upload(page, tmp_path / "song.mid")
    expect(facts).to_have_text(re.compile(", 8 of 40 bars$"), timeout=WAIT_MS)
    whole = page.get_by_role("slider", name="All bars of the file")
    expect(whole).to_have_attribute("aria-valuemax", "40", timeout=WAIT_MS)
    box = whole.bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + box["width"] * 30.5 / 40, box["y"] + box["height"] / 2)
    expect(deck.get_by_role("grid")).to_have_attribute("aria-label", re.compile("bars 25 to 32"), timeout=WAIT_MS)
    expect(whole).to_have_attribute("aria-valuenow", "31", timeout=WAIT_MS)
    whole.press("ArrowLeft")
    expect(whole).to_have_attribute("aria-valuenow", "30")
    page.get_by_role("button", name="Next difference").click()
    expect(whole).to_have_attribute("aria-valuetext", re.compile("lost|added|moved"), timeout=WAIT_MS)
    expect(deck.get_by_role("radio", name="Result")).to_be_checked()
    expect(facts).to_have_text(re.compile(", 8 of 40 bars$"))


# Facts of the deck that are in sight, and whether each is so from its first letter to its last.
FACTS = """(line) => {
  const box = line.getBoundingClientRect();
  return [...line.children]
    .map((each) => [each, each.getBoundingClientRect()])
    .filter(([, { top }]) => top < box.bottom - 1)
    .map(([each, { right }]) => [each.textContent, right <= box.right + 1 && each.scrollWidth <= each.clientWidth]);
}"""


def test_a_phones_deck_leaves_out_a_fact_and_cuts_none(phone: Page, app_address: str) -> None:
    deck = open_deck(phone, app_address)
    upload(phone, midi_file("song", example("funk").looped(30)))
    facts = deck.locator(".title small")
    expect(facts).to_have_text("98 BPM, 4/4, 8 of 120 bars", timeout=WAIT_MS)
    expect(deck.get_by_role("radio")).to_have_count(2, timeout=WAIT_MS)
    shown = facts.evaluate(FACTS)
    assert ["8 of 120 bars", True] in shown
    assert len(shown) < 3
    assert all(is_whole for _, is_whole in shown)
    open_sheet(deck)
    assert facts.evaluate(FACTS) == [["98 BPM, ", True], ["4/4, ", True], ["8 of 120 bars", True]]
    expect(deck.locator(".bar-name")).to_have_text("Bar 1 of 120")


def test_what_cannot_be_read_is_a_sentence_and_the_page_lives(page: Page, app_address: str, tmp_path: Path) -> None:
    bad = tmp_path / "**holiday** <b>x.mid"
    bad.write_bytes(b"\xff\xd8\xff\xe0 a picture")
    open_reconstruct(page, app_address)
    upload(page, bad)
    alert = page.get_by_test_id("stAlert")
    expect(alert).to_contain_text("**holiday** <b>x.mid", timeout=WAIT_MS)
    expect(alert).to_contain_text("expected a MIDI file")
    page.get_by_role("button", name=re.compile("Close$")).click()
    expect(page.get_by_test_id("stMetric")).to_have_count(3, timeout=WAIT_MS)
    expect(alert).to_have_count(0)


def test_why_a_file_was_refused_is_not_covered_by_the_box_on_a_phone(phone: Page, app_address: str) -> None:
    open_deck(phone, app_address)
    phone.get_by_role("button", name="Get a groove").tap()
    taker = phone.get_by_test_id("stPopoverBody").locator("input[type=file]")
    taker.set_input_files([midi_file("first", example("shuffle"))])
    expect(phone.locator(".deck")).to_contain_text("first.mid", timeout=WAIT_MS)
    # Whoever drops one after another has the box at hand; the one of before may still be there, spent.
    expect(taker.last).to_be_attached()
    settle(phone)
    taker.set_input_files({"name": "holiday.jpg", "mimeType": "image/jpeg", "buffer": b"\xff\xd8\xff\xe0 a picture"})
    alert = phone.get_by_test_id("stAlert")
    expect(alert).to_contain_text("holiday.jpg", timeout=WAIT_MS)
    alert.tap(trial=True)  # nothing lies over it


def test_a_file_arrives_though_its_box_is_closed_and_its_page_left(page: Page, app_address: str) -> None:
    open_reconstruct(page, app_address)
    session = page.context.new_cdp_session(page)
    slow = {"offline": False, "latency": 300, "downloadThroughput": 1e6, "uploadThroughput": 2e4}
    groove = example("shuffle").looped(40)
    with getting_a_groove(page) as box:
        session.send("Network.emulateNetworkConditions", slow)
        box.locator("input[type=file]").set_input_files(midi_file("long", groove))
        expect(box.get_by_text("long.mid")).to_be_visible()
    expect(page.get_by_role("status").filter(has_text="long.mid is on its way")).to_be_visible(timeout=WAIT_MS)
    page.get_by_role("link", name="Variations").click()
    expect(page.locator(".deck")).to_contain_text("long.mid", timeout=WAIT_MS)
    expect(page.get_by_text("on its way")).to_have_count(0, timeout=WAIT_MS)


class SlowLine:
    """What the server says waits while `is_slow`, but for where to send files. n_runs: those that it then ended."""

    def __init__(self, page: Page) -> None:
        self.page, self.is_slow, self.n_runs = page, False, 0
        self.held: list[str | bytes] = []
        page.route_web_socket(re.compile("_stcore/stream"), self._open)

    def _open(self, socket: WebSocketRoute) -> None:
        self.socket = socket
        socket.connect_to_server().on_message(self._pass_on)

    def _pass_on(self, message: str | bytes) -> None:
        kind = ForwardMsg.FromString(message).WhichOneof("type") if isinstance(message, bytes) else None
        if not self.is_slow or kind == "file_urls_response":  # where to send a file
            self.socket.send(message)
            return
        self.held.append(message)
        self.n_runs += kind == "script_finished"

    def let_go(self) -> None:
        self.is_slow = False
        for message in self.held:
            self.socket.send(message)


def test_a_file_arrives_though_the_server_has_another_box_already(page: Page, app_address: str) -> None:
    """It is dropped in the box that the browser still shows, after another file."""
    line = SlowLine(page)
    open_reconstruct(page, app_address)
    with getting_a_groove(page) as box:
        settle(page)
        line.is_slow = True
        taker = box.locator("input[type=file]")
        taker.set_input_files(midi_file("first", example("shuffle")))
        deadline = time.monotonic() + WAIT_MS / 1000
        while not line.n_runs:
            assert time.monotonic() < deadline
            page.wait_for_timeout(20)
        taker.set_input_files(midi_file("second", example("rock")))
        expect(box.get_by_text("second.mid")).to_be_visible()
        expect(box.get_by_test_id("stFileChipIconSpinner")).to_have_count(0)
        line.let_go()
        expect(page.locator(".deck")).to_contain_text("second.mid", timeout=WAIT_MS)
        expect(box.get_by_text("Your files (2)")).to_be_visible(timeout=WAIT_MS)
    expect(page.get_by_text("on its way")).to_have_count(0, timeout=WAIT_MS)


def test_plotly_comes_only_where_something_is_drawn_with_it(page: Page, app_address: str) -> None:
    """It weighs more than the rest of a page. (The server has it anyway: Streamlit imports it at its start.)"""
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    open_page(page, app_address)
    for place in ("map", "variations"):
        open_page(page, f"{app_address}/{place}")
    assert asked
    assert not [url for url in asked if "plotly" in url.lower()]
    open_page(page, f"{app_address}/about")
    # A failure is heard by one press, and no plotly comes with it.
    page.locator("[class*=st-key-fails]").get_by_text("Where it fails").first.click()
    page.get_by_role("button", name="Hear What the model made").click(timeout=WAIT_MS)
    expect(page.locator(".deck").get_by_role("button", name="Pause", exact=True)).to_be_visible(timeout=WAIT_MS)
    assert not [url for url in asked if "plotly" in url.lower()]
    page.get_by_text("The shipped model in pictures").click()
    expect(page.locator(".js-plotly-plot")).to_have_count(2, timeout=WAIT_MS)
    assert [url for url in asked if "plotly" in url.lower()]
