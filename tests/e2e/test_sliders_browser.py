"""The measured sliders in a real browser: what is heard while a hand moves one, and where it ends."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from listening import WATCH, assert_it_went_on, listen_while, onset_errors, play, watched
from playwright.sync_api import Locator, Page, expect
from tabs import Tabs
from visiting import WAIT_MS, Lane, awaited, color, contrast, go_to, ink, open_deck, settle, unfold
from wild import HAT, HELD, Wild, hear_alone, held_link

from rhythmvae import share
from rhythmvae.data.examples import example
from rhythmvae.groove import Groove
from rhythmvae.model import checkpoint, generate, lanes, lattice
from rhythmvae.model.checkpoint import Checkpoint
from rhythmvae.ui.components.pad import Resting
from rhythmvae.ui.parts import pad

pytestmark = pytest.mark.browser

DISCO = share.rounded(example("disco"))  # two bars: the quickest
# Notes the hits of each groove that the transport is given to play, and how many they are.
COUNT = """
(root) => {
  window.played = [];
  window.playedHits = [];
  const { transport } = root;
  const { swap } = transport;
  transport.swap = (groove) => {
    window.played.push(groove.hits.length);
    window.playedHits.push(groove.hits);
    return swap.call(transport, groove);
  };
}
"""
CHANGES = "() => window.played.filter((n, i) => n !== window.played[i - 1]).length"
HEARD_ENOUGH = "() => window.played.length > 3 && Math.max(...window.played) > Math.min(...window.played)"
# The browser holds a groove that was kept.
KEPT = "() => JSON.parse(JSON.parse(sessionStorage.getItem('rhythmvae'))?.text ?? '{}').tray?.length === 1"
ASKED = "() => new URL(location).searchParams.get('v')?.includes('density-88')"
HOLDS_FOCUS = "(input) => input.getRootNode().activeElement === input"


@pytest.fixture
def page(tabs: Tabs) -> Page:
    """High enough for the sliders above the deck."""
    return tabs.open(1280, 1400)


@pytest.fixture(scope="module")
def shipped() -> Checkpoint:
    return checkpoint.load()


@dataclass(frozen=True)
class Slider:
    page: Page
    name: str

    @property
    def input(self) -> Locator:
        return self.page.get_by_role("slider", name=self.name, exact=True)

    @property
    def root(self) -> Locator:
        return self.page.locator(".slider").filter(has=self.input)

    @property
    def line(self) -> Locator:
        return self.root.locator(".line")

    @property
    def reset(self) -> Locator:
        return self.page.get_by_role("button", name=f"Leave {self.name.lower()} as it comes")

    def stands_at(self, percent: int) -> None:
        expect(self.input).to_have_value(str(percent))
        expect(self.root.locator(".percent")).to_have_text(f"{percent}%")

    def says(self, words: str | re.Pattern[str]) -> None:
        """Python has answered, and this is what."""
        expect(self.line).to_have_attribute("aria-busy", "false", timeout=WAIT_MS)
        expect(self.line).to_have_text(words, timeout=WAIT_MS)
        expect(self.line).to_be_visible()

    def is_left(self) -> None:
        """Python has answered, and nothing is asked of it: it stands where the groove stands, and says no more."""
        expect(self.line).to_have_attribute("aria-busy", "false", timeout=WAIT_MS)
        expect(self.reset).to_be_disabled(timeout=WAIT_MS)
        expect(self.line).to_be_hidden()

    def point(self, percent: float) -> tuple[float, float]:
        """Of the window, where the thumb's middle is at that place."""
        self.input.scroll_into_view_if_needed()
        box = self.input.bounding_box()
        assert box is not None
        thumb = float(self.input.evaluate("(e) => parseFloat(getComputedStyle(e).getPropertyValue('--thumb'))"))
        return box["x"] + thumb / 2 + percent / 100 * (box["width"] - thumb), box["y"] + box["height"] / 2


def open_variations(page: Page, address: str, part: str = "") -> Locator:
    """Two bars of disco; gives the deck, which plays their variation. A phone shows one part at a time."""
    deck = open_deck(page, f"{address}/variations?g={share.to_text(DISCO)}")
    if part:
        page.get_by_role("radio", name=part).click()
    expect(Slider(page, "Density").input).to_be_visible(timeout=WAIT_MS)
    deck.get_by_role("radio", name="Result").click()
    settle(page)
    return deck


def made(shipped: Checkpoint, **asked: float) -> Any:
    return generate.vary(shipped, DISCO, amount=0.4, asked=asked)[0]


def expect_variation(deck: Locator, shipped: Checkpoint, **asked: float) -> None:
    """The grid has every hit of the variation."""
    expect(Lane(deck).hits).to_have_count(len(made(shipped, **asked).groove), timeout=WAIT_MS)


def expect_role(deck: Locator, name: str) -> None:
    expect(deck.get_by_role("radio", name=name)).to_be_checked()


def came_at(shipped: Checkpoint, **asked: float) -> re.Pattern[str]:
    [(name, place)] = asked.items()
    achieved = made(shipped, **asked).settings[name].achieved
    return re.compile(rf"^asked {place:.0%} \([^)]+\), achieved {achieved:.0%} \([^)]+\)")


def test_a_drag_is_heard_while_it_lasts_and_ends_where_the_hand_does(
    page: Page, app_address: str, shipped: Checkpoint
) -> None:
    deck = open_variations(page, app_address)
    density = Slider(page, "Density")
    expect_variation(deck, shipped)
    play(deck)
    deck.evaluate(COUNT)
    deck.evaluate(WATCH)
    page.mouse.move(*density.point(20))
    page.mouse.down()
    density.stands_at(20)
    deadline = time.monotonic() + WAIT_MS / 1000
    way = cycle([*range(20, 91, 2), *range(88, 20, -2)])  # up and down
    while not page.evaluate(HEARD_ENOUGH):  # how soon it is, is the machine's affair
        assert time.monotonic() < deadline, "nothing was heard before the hand let go"
        page.mouse.move(*density.point(next(way)))
        page.wait_for_timeout(60)  # a hand's pace
    page.mouse.move(*density.point(90))
    density.stands_at(90)  # whatever came from Python meanwhile
    page.mouse.move(*density.point(93))
    page.mouse.up()
    density.stands_at(93)
    density.says(came_at(shipped, density=0.93))
    expect_variation(deck, shipped, density=0.93)
    assert page.evaluate("() => window.played.at(-1)") == len(made(shipped, density=0.93).groove)
    assert_it_went_on(watched(page), DISCO.n_steps, DISCO.tempos[0].bpm, DISCO.tempos[0].bpm)
    settle(page)
    density.stands_at(93)


UNDER = "() => { window.under = []; document.addEventListener('rhythmvae finger', (e) => under.push(e.detail)); }"
HEARD = "() => under.findLast(Boolean)?.hits"


def await_lane(page: Page, name: str, came: list[str]) -> None:
    """Until a browser has the fine lane of a slider, which nobody has touched yet."""
    deadline = time.monotonic() + WAIT_MS / 1000
    while not any(f"/{name}?ahead" in url for url in came):
        assert time.monotonic() < deadline, "no lane came"
        page.wait_for_timeout(50)


def test_what_lies_under_a_finger_is_what_is_decoded_there(page: Page, app_address: str, shipped: Checkpoint) -> None:
    came: list[str] = []
    page.on("requestfinished", lambda request: came.append(request.url))
    open_variations(page, app_address)
    page.evaluate(UNDER)
    corners = [example(key) for key in pad.CORNERS]
    cells = lattice.lattice(shipped, corners)
    square = page.get_by_role("application", name=re.compile("^Pad between Funk, Bossa nova, "))
    square.focus()
    for key, index in (("ArrowLeft", 39), ("ArrowUp", 30)):
        square.press(key)
        assert_hits(page.evaluate(HEARD), cells[index])
    settle(page)
    await_lane(page, "density", came)
    page.route("**/lane/**", lambda route: route.abort())  # from now on nothing is asked of the server
    density = Slider(page, "Density")
    density.input.focus()
    density.input.press("End")
    perturbed = generate.perturb(shipped, DISCO, amount=0.4)
    lane = lanes.slider_lane(shipped, DISCO, "density", perturbed=perturbed, asked={})
    assert_hits(page.evaluate(HEARD), lane.grooves[lane.stops[100]])
    density.says(came_at(shipped, density=1.0))


def test_a_path_plays_whole_bars_of_the_grooves_it_passes(page: Page, app_address: str, shipped: Checkpoint) -> None:
    deck = open_variations(page, app_address)
    page.evaluate(UNDER)
    page.get_by_role("button", name="Draw a path").click()
    square = page.get_by_role("application", name=re.compile("^Pad between "))
    box = square.bounding_box()
    assert box is not None

    def middle(index: int) -> tuple[float, float]:
        x, y = (index % pad.SIDE + 0.5) / pad.SIDE, (index // pad.SIDE + 0.5) / pad.SIDE
        return box["x"] + x * box["width"], box["y"] + y * box["height"]

    page.mouse.move(*middle(10))
    page.mouse.down()
    page.mouse.move(*middle(70))
    page.mouse.up()
    cells = lattice.lattice(shipped, [example(key) for key in pad.CORNERS])
    path = Resting((10,) * 4 + (70,) * 4).groove(cells)  # two turns of four bars
    assert_hits(sorted(page.evaluate(HEARD), key=lambda hit: (hit[1], hit[0])), path)
    expect(deck.locator(".title")).to_contain_text("A path", timeout=WAIT_MS)
    expect(deck.get_by_role("button", name="Pause")).to_be_visible()  # nothing played: the finger has begun it


def test_a_hand_that_rests_hears_what_it_will_have_when_it_lets_go(
    page: Page, app_address: str, shipped: Checkpoint
) -> None:
    came: list[str] = []
    page.on("requestfinished", lambda request: came.append(request.url))
    deck = open_variations(page, app_address)
    density = Slider(page, "Density")
    page.evaluate(UNDER)
    play(deck)
    deck.evaluate(COUNT)
    page.mouse.move(*density.point(70))
    page.mouse.down()
    page.mouse.move(*density.point(76))
    exact, deadline = made(shipped, density=0.76).groove, time.monotonic() + WAIT_MS / 1000
    # The lane may be as near before the exact answer is there: the place's or, where the lane takes long, the page's.
    answered = lambda: any("/density?at=76" in url for url in came) or "density-76" in page.url  # noqa: E731
    while not (answered() and is_played(page.evaluate("() => window.playedHits.at(-1)"), exact)):
        assert time.monotonic() < deadline, "the place under the hand is not the exact answer"
        page.wait_for_timeout(50)
    page.evaluate("() => { window.playedHits = []; }")
    page.mouse.up()
    density.says(came_at(shipped, density=0.76))
    settle(page)
    for hits in page.evaluate("() => window.playedHits"):
        assert is_played(hits, exact), "the groove changed when the hand let go"


def test_wild_dragging_leaves_no_gap(page: Page, app_address: str, shipped: Checkpoint) -> None:
    """A few seconds of what `benchmarks.finger` does for a minute: the locked drum sounds where it must."""
    deck = open_deck(page, f"{app_address}/variations?{held_link(shipped)}")
    expect(Slider(page, "Density").input).to_be_visible(timeout=WAIT_MS)
    hear_alone(deck, "closed hat")
    deck.evaluate(COUNT)
    inputs = [slider for slider in page.locator(".slider input").all() if slider.is_visible()]
    heard = listen_while(deck, HELD, 4.0, Wild(page, inputs))
    away = np.abs(onset_errors(heard.capture, HELD, HAT, heard.began))
    assert len(away) > 20
    assert away.max() < 0.001
    assert page.evaluate(CHANGES) > 3


def assert_hits(heard: list[list[float]], played: Groove) -> None:
    """Other processes may round a sum otherwise."""
    found = np.array(heard, dtype=np.float64).reshape(-1, 3)
    assert found[:, 0].tolist() == played.voice.tolist()
    np.testing.assert_allclose(found[:, 1], played.position, atol=2e-4)
    assert np.abs(found[:, 2] - played.velocity).max() <= 1


def is_played(heard: list[list[float]] | None, played: Groove) -> bool:
    if heard is None:
        return False
    try:
        assert_hits(heard, played)
    except AssertionError:
        return False
    return True


def test_of_quick_moves_the_last_one_counts(page: Page, app_address: str, shipped: Checkpoint) -> None:
    deck = open_variations(page, app_address)
    density, swing = Slider(page, "Density"), Slider(page, "Swing")
    for slider, first, last in ((density, 90, 15), (swing, 10, 80)):
        page.mouse.click(*slider.point(first))
        page.mouse.click(*slider.point(last))
    for slider, last in ((density, 15), (swing, 80)):
        slider.stands_at(last)
        slider.says(re.compile(rf"^asked {last}% "))
    settle(page)
    density.stands_at(15)
    swing.stands_at(80)
    expect_variation(deck, shipped, density=0.15, swing=0.80)


def test_keys_move_it_and_keep_the_focus_and_a_reset_leaves_it(
    page: Page, app_address: str, shipped: Checkpoint
) -> None:
    deck = open_variations(page, app_address)
    density = Slider(page, "Density")
    at = int(density.input.input_value())
    density.is_left()
    density.input.focus()
    for n in range(1, 6):
        density.input.press("ArrowRight")
        density.stands_at(at + n)
    density.says(came_at(shipped, density=(at + 5) / 100))
    settle(page)
    assert density.input.evaluate(HOLDS_FOCUS), "an answer took the focus away"
    density.input.press("ArrowLeft")
    density.says(came_at(shipped, density=(at + 4) / 100))
    density.input.press("End")
    density.stands_at(100)
    density.says(came_at(shipped, density=1.0))
    expect(density.input).to_have_attribute("aria-valuetext", re.compile(r"^100%, [\d.]+ hits a beat$"))
    expect_variation(deck, shipped, density=1.0)
    density.reset.click()
    density.stands_at(at)
    density.is_left()
    assert density.input.evaluate(HOLDS_FOCUS)
    expect_variation(deck, shipped)
    expect(deck.get_by_role("button", name="Play", exact=True)).to_be_visible()  # Space begins, no other key does
    assert_files_have_what_a_key_asked(page, deck)


# What is sent takes so long to the server.
LATE = """(ms) => {
  const { send } = WebSocket.prototype;
  WebSocket.prototype.send = function (data) { setTimeout(() => send.call(this, data), ms); };
}"""


def assert_files_have_what_a_key_asked(page: Page, deck: Locator) -> None:
    """A file that is asked for right after a key on a slider of Streamlit's, which tells nobody of it for a moment."""
    page.evaluate(LATE, 1000)
    amount = page.get_by_test_id("stSlider").filter(has_text="Amount").locator("input")
    for button in (
        deck.get_by_role("button", name="Take it home as MIDI"),
        page.get_by_role("button", name="MIDI", exact=True),
    ):
        files = []
        for keys in (["ArrowRight"] * 8, []):
            amount.focus()
            with page.expect_download(timeout=WAIT_MS) as waiting:
                for key in keys:
                    page.keyboard.press(key)
                button.evaluate("button => button.click()")  # at once, which playwright's own click is not
            files.append(Path(waiting.value.path()).read_bytes())
            settle(page)
        assert files[0] == files[1]
        amount.focus()
        with page.expect_download(timeout=WAIT_MS):  # what is touched after it does not hold it up
            page.keyboard.press("ArrowRight")
            button.evaluate("button => button.click()")
            page.wait_for_timeout(700)
            page.keyboard.press("ArrowRight")
        settle(page)


def test_what_was_asked_waits_while_another_page_is_read(page: Page, app_address: str) -> None:
    open_variations(page, app_address)
    density, kick = Slider(page, "Density"), Slider(page, "Kick")
    at = density.input.input_value()
    page.mouse.click(*density.point(88))
    density.says(re.compile("^asked 88% "))
    unfold(page, "How busy each drum is", Slider(page, "Kick").input)
    page.mouse.click(*kick.point(9))
    kick.says(re.compile("^asked 9% "))
    settle(page)
    page.get_by_role("button", name="Keep", exact=True).first.click()
    page.wait_for_function(KEPT, timeout=WAIT_MS)  # a reload would bring it back
    for place in ("About", "Train"):  # the address of either has it
        go_to(page, place)
        page.wait_for_function(ASKED, timeout=WAIT_MS)
    go_to(page, "Variations")
    density.says(re.compile("^asked 88% "))
    density.stands_at(88)
    # Its next move counts, though another component counted before; and another start leaves nothing asked.
    density.input.press("ArrowRight")
    density.says(re.compile("^asked 89% "))
    settle(page)
    with awaited(page):
        page.get_by_role("button", name="Go on from here").first.click()
    density.is_left()
    assert density.input.input_value() != at  # it stands where the new start stands
    unfold(page, "How busy each drum is", Slider(page, "Kick").input)
    kick.is_left()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_is_readable_and_says_what_it_means(tabs: Tabs, app_address: str, scheme: str) -> None:
    page = tabs.open(color_scheme=scheme)
    open_variations(page, app_address)
    swing = Slider(page, "Swing")
    swing.input.focus()
    swing.input.press("End")
    swing.says(re.compile("^asked 100% "))
    ground = color(page.get_by_test_id("stApp"), "backgroundColor")
    help_text = page.get_by_text("How late the second eighth comes")
    expect(help_text).to_be_hidden()
    page.get_by_role("button", name="What swing means").click()
    expect(help_text).to_be_visible()
    for part in (swing.root.locator(p) for p in ("label", ".percent", ".line", ".help", ".question")):
        assert contrast(ink(part, ground), ground) > 4.5
    page.get_by_role("button", name="What swing means").click()
    expect(help_text).to_be_hidden()


@pytest.fixture
def phone(tabs: Tabs) -> Page:
    return tabs.open(375, 740, is_phone=True, scale=2)


def test_a_phone_has_room_for_a_finger(phone: Page, app_address: str, shipped: Checkpoint) -> None:
    deck = open_variations(phone, app_address, "Sliders")
    density = Slider(phone, "Density")
    strip = phone.locator(".strip")
    expect(Slider(phone, "Loudness").input).to_be_in_viewport(ratio=1)  # all six of them, and what is heard
    last, top = Slider(phone, "Loudness").input.bounding_box(), strip.bounding_box()
    assert last is not None
    assert top is not None
    assert last["y"] + last["height"] <= top["y"] < top["y"] + top["height"] <= 740
    for part in (density.input, density.reset):
        box = part.bounding_box()
        assert box is not None
        assert min(box["width"], box["height"]) >= 40
        assert box["x"] + box["width"] <= 375
    x, y = density.point(70)
    phone.touchscreen.tap(x, y)
    expect(deck.get_by_role("button", name="Pause", exact=True)).to_be_visible()  # nothing played: the finger began it
    density.says(came_at(shipped, density=0.70))
    expect_role(deck, "Result")
    assert phone.evaluate("() => document.documentElement.scrollWidth <= innerWidth")
