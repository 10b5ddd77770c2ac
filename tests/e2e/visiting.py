"""What a visitor does: opens pages, waits, touches the deck. Shared by the browser tests."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from weakref import WeakKeyDictionary

from playwright.sync_api import BrowserContext, CDPSession, FilePayload, FloatRect, Locator, Page, expect
from playwright.sync_api import TimeoutError as NotInTimeError
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

from rhythmvae import share
from rhythmvae.groove import Groove
from rhythmvae.kit import VOICE_INDEX, VOICES
from rhythmvae.midi.read import read_midi
from rhythmvae.midi.write import write_midi

WAIT_MS = 120_000  # the first visitor waits for torch; a machine with a tenth of its time for a test, for all
STILL_MS = 3_000  # within which what unfolds has done so
HEADER_PX = 18  # above a grid's first row

Color = tuple[float, float, float]


_A_MOMENT = "() => new Promise((done) => setTimeout(() => done(true), 200))"


def settle(page: Page, most_ms: float = WAIT_MS) -> None:
    """Wait until the script has run and the browser has drawn it."""
    page.wait_for_selector(
        "[data-testid=stApp][data-test-script-state=notRunning][data-test-connection-state=CONNECTED]", timeout=most_ms
    )
    # What was just done may still be on its way to the server: for a run that has not begun there is no sign. The page
    # itself counts the time, so that what it holds back for less than that is sent, however slow it is.
    page.wait_for_function(_A_MOMENT, polling=50, timeout=most_ms)


def nothing_comes(page: Page) -> None:
    """As long as it takes twice to come about when it should: what must not happen gives no sign to wait for.

    The slowest answer to a hand, another groove on the map, comes after 0.12 s (docs/figures.md).
    """
    page.wait_for_timeout(300)


# Nothing moves but what always does, such as a sign that the page is at work.
_LIES_STILL = """() => document.getAnimations().every(
  (each) => each.playState !== "running" || each.effect.getComputedTiming().endTime === Infinity
)"""


def lies_still(page: Page) -> None:
    """Wait until what unfolds, or fades into another colour, has done so."""
    with suppress(NotInTimeError):  # in a tab that is not seen nothing moves on
        page.wait_for_function(_LIES_STILL, timeout=STILL_MS, polling=50)


_RUNS: WeakKeyDictionary[Page, list[None]] = WeakKeyDictionary()  # of pages that were opened here: an item for each
_SHORT = 4_096  # bytes: the message that a run has finished is shorter


def _count_runs(page: Page) -> None:
    """By what the server says: a run may be too quick for the page to show that there was one."""
    if page in _RUNS:
        return
    runs = _RUNS[page] = []

    def hear(data: str | bytes) -> None:
        is_short = isinstance(data, bytes) and len(data) < _SHORT
        if is_short and ForwardMsg.FromString(data).WhichOneof("type") == "script_finished":
            runs.append(None)

    page.on("websocket", lambda socket: socket.on("framereceived", hear))


def open_page(page: Page, address: str) -> None:
    _count_runs(page)
    page.goto(address)
    expect(page.locator("h1")).to_be_visible(timeout=WAIT_MS)
    settle(page)


def open_deck(page: Page, address: str) -> Locator:
    """Gives the deck, which has a groove."""
    open_page(page, address)
    deck = page.locator(".deck")
    expect(deck.get_by_role("button", name="Play", exact=True)).to_be_visible(timeout=WAIT_MS)
    settle(page)
    deck.element_handle().wait_for_element_state("stable")  # nothing moves away under a hand
    return deck


def open_reconstruct(page: Page, address: str) -> Locator:
    """Gives the deck, when the model's result is there too."""
    deck = open_deck(page, address)
    expect(page.get_by_test_id("stMetric")).to_have_count(3, timeout=WAIT_MS)
    expect(deck.get_by_role("radio")).to_have_count(2, timeout=WAIT_MS)
    settle(page)
    return deck


def open_groove(page: Page, address: str, groove: Groove) -> Locator:
    """Open a link to a groove; gives the deck."""
    return open_deck(page, f"{address}/?g={share.to_text(groove)}")


# Gives where a place of the grid is, by its shares of the width and of the rows' height: in one task of the page, for
# between two a sheet that follows the music may turn to another bar.
_REVEAL = """
(grid, [share, height, header]) => {
  const [lane, scroller] = [grid.closest(".lane"), grid.closest(".scroller")];
  const { scrollLeft } = scroller;
  lane.scrollIntoView({ block: "nearest" }); // which moves the scroller too
  scroller.scrollLeft = scrollLeft;
  const x = share * grid.offsetWidth; // the drums' names stand before the grid, whatever is scrolled
  const room = scroller.clientWidth - lane.querySelector(".names").offsetWidth;
  if (x < scrollLeft + 10 || x > scrollLeft + room - 10) scroller.scrollLeft = x - room / 2;
  const box = grid.getBoundingClientRect();
  return [box.x + share * box.width, box.y + header + height * (box.height - header)];
}
"""


@dataclass(frozen=True)
class Lane:
    """The deck's grid, by its drums and steps."""

    deck: Locator

    @property
    def grid(self) -> Locator:
        return self.deck.get_by_role("grid")

    @property
    def hits(self) -> Locator:
        """A bar for every hit."""
        return self.grid.locator(".hit")

    def hits_of(self, drum: str) -> Locator:
        return self.grid.locator(f".hit[data-voice={drum}]")

    @property
    def voices(self) -> list[int]:
        """Of the rows, from the top."""
        rows = self.deck.locator(".row-name")
        return [int(v) for v in rows.evaluate_all("rows => rows.map(r => r.dataset.voice)")]

    @property
    def n_steps(self) -> int:
        return int(self.grid.get_attribute("aria-colcount") or 0)

    @property
    def step_px(self) -> float:
        return self._box()["width"] / self.n_steps

    def _box(self) -> FloatRect:
        box = self.grid.bounding_box()
        assert box is not None
        return box

    def middle(self, drum: str, step: float) -> tuple[float, float]:
        """Point of the window at the middle of a cell, which is scrolled to where it can be seen."""
        voices = self.voices
        row = voices.index(VOICE_INDEX[drum])
        x, y = self.grid.evaluate(_REVEAL, [(step + 0.5) / self.n_steps, (row + 0.5) / len(voices), HEADER_PX])
        return x, y

    def click(self, drum: str, step: int, button: str = "left") -> None:
        self.deck.page.mouse.click(*self.middle(drum, step), button=button)  # type: ignore[arg-type]

    def drag(self, drum: str, step: int, dx: float, dy: float) -> None:
        mouse = self.deck.page.mouse
        x, y = self.middle(drum, step)
        mouse.move(x, y)
        mouse.down()
        mouse.move(x + dx, y + dy, steps=4)
        mouse.up()

    def cell(self) -> Locator:
        """The one that is chosen."""
        return self.grid.get_by_role("gridcell")


class Finger:
    """Touches as the screen reports them, so that the browser itself tells a scroll from a tap."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.session: CDPSession = page.context.new_cdp_session(page)

    def _send(self, kind: str, *points: tuple[float, float]) -> None:
        touches = [{"x": x, "y": y} for x, y in points]
        self.session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": touches})

    def down(self, x: float, y: float) -> None:
        self.at = (x, y)
        self._send("touchStart", self.at)

    def move(self, dx: float, dy: float, n: int = 8) -> None:
        x, y = self.at
        for i in range(1, n + 1):
            self._send("touchMove", (x + dx * i / n, y + dy * i / n))
        self.at = (x + dx, y + dy)

    def up(self) -> None:
        self._send("touchEnd")

    def cancel(self) -> None:
        self._send("touchCancel")

    def tap(self, x: float, y: float) -> None:
        self.down(x, y)
        self.up()


# -- around the page -------------------------------------------------------------

PLACES = ("Reconstruct", "Latent map", "Variations", "Train")


def go_to(page: Page, place: str) -> None:
    """By a link of the row, or of the sheet behind More."""
    if place in PLACES:
        page.locator(".st-key-places").get_by_role("link", name=place, exact=True).click()
    else:
        page.locator(".st-key-places").get_by_role("button", name="More").click()
        page.get_by_test_id("stPopoverBody").get_by_role("link", name=place, exact=True).click()
    expect(page.locator("h1")).to_be_visible(timeout=WAIT_MS)
    settle(page)


@contextmanager
def getting_a_groove(page: Page) -> Iterator[Locator]:
    """The box that grooves come from is open meanwhile."""
    page.get_by_role("button", name="Get a groove").click()
    box = page.get_by_test_id("stPopoverBody")
    expect(box.get_by_role("combobox", name="Pattern")).to_be_visible(timeout=WAIT_MS)
    yield box
    settle(page)
    page.keyboard.press("Escape")
    expect(box).to_have_count(0)


def choose(page: Page, pattern: str) -> None:
    page.get_by_role("combobox", name="Pattern").click()
    page.get_by_role("option", name=re.compile(rf"^{re.escape(pattern)}(,|$)")).click()


def take_pattern(page: Page, pattern: str) -> None:
    """Take a built-in pattern in hand."""
    with getting_a_groove(page):
        choose(page, pattern)


def upload(page: Page, *files: Path | FilePayload) -> None:
    """Drop files where grooves come from."""
    with getting_a_groove(page) as box:
        box.locator("[data-testid=stFileUploader] input[type=file]").set_input_files(list(files))  # type: ignore[arg-type]


def midi_file(name: str, groove: Groove) -> FilePayload:
    """A groove as a file that is dropped."""
    return {"name": f"{name}.mid", "mimeType": "audio/midi", "buffer": write_midi(groove)}


def drop(page: Page, name: str, groove: Groove) -> None:
    """Drop a groove as a file; it is in hand, and the browser holds it."""
    upload(page, midi_file(name, groove))
    expect_n_hits(page, len(groove))
    settle(page)
    page.wait_for_function(
        "(name) => sessionStorage.getItem('rhythmvae')?.includes(name)", arg=f"{name}.mid", timeout=WAIT_MS
    )


def expect_back(page: Page, groove: Groove) -> None:
    """The page says that its server was restarted, and has the one file that was dropped in hand again."""
    said = page.get_by_text(re.compile(r"The server was restarted while this page was open\. Here again:.* 1 file\."))
    expect(said).to_be_visible(timeout=WAIT_MS)
    expect_n_hits(page, len(groove))


def label(drum: str) -> str:
    return VOICES[VOICE_INDEX[drum]].label


def count_of_hits(page: Page) -> Locator:
    """Python's count of what the model brought back, such as "12 of 14 hits came back"."""
    return page.get_by_text(re.compile(r"\d of \d+ hits? came back"))


def expect_n_hits(page: Page, n: int) -> None:
    """Python has a groove of so many hits."""
    expect(count_of_hits(page)).to_contain_text(f" of {n} hit{'s' if n != 1 else ''} came back", timeout=WAIT_MS)


def unfold(page: Page, name: str, inside: Locator) -> None:
    """Open what is folded: `inside` is there, and lies still, for a press on what moves may end beside it.

    A click that meets the page while it is drawn anew may be lost.
    """
    for _ in range(3):
        page.get_by_text(name).click()
        with suppress(NotInTimeError):
            inside.wait_for(timeout=WAIT_MS / 6)
            break
    expect(inside).to_be_visible()
    lies_still(page)


@contextmanager
def awaited(page: Page) -> Iterator[None]:
    """What is done within makes the script run; wait until it has."""
    before = len(_RUNS[page])
    yield
    deadline = time.monotonic() + WAIT_MS / 1000
    while len(_RUNS[page]) == before:
        assert time.monotonic() < deadline, "no run of the script"
        page.wait_for_timeout(20)
    settle(page)


def take_home(deck: Locator) -> Groove:
    """What is heard, as the deck's own file has it."""
    with deck.page.expect_download(timeout=WAIT_MS) as waiting:
        deck.get_by_role("button", name="Take it home").click()
    return read_midi(Path(waiting.value.path()).read_bytes(), "download.mid")[0]


def download_midi(page: Page, which: str) -> Groove:
    data = download(page, f"{which}, MIDI")
    return read_midi(data, "download.mid")[0]


def download(page: Page, name: str) -> bytes:
    button = page.get_by_role("button", name=name)
    with page.expect_download(timeout=WAIT_MS) as waiting:
        button.click()
    return Path(waiting.value.path()).read_bytes()


def hits_in(groove: Groove, drum: str, step: int) -> list[tuple[float, int]]:
    """(position, velocity) of a cell, the loudest first."""
    inside = (groove.voice == VOICE_INDEX[drum]) & (groove.step == step)
    found = zip(groove.position[inside].tolist(), groove.velocity[inside].tolist(), strict=True)
    return sorted(found, key=lambda hit: -hit[1])


def allow_clipboard(context: BrowserContext) -> None:
    context.grant_permissions(["clipboard-read", "clipboard-write"])


# -- colours ---------------------------------------------------------------------


def color(element: Locator, name: str) -> Color:
    """A colour as the browser shows it, whatever way it is written in the styles."""
    red, green, blue = element.first.evaluate(
        """(e, name) => {
          const canvas = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
          canvas.fillStyle = getComputedStyle(e)[name];
          canvas.fillRect(0, 0, 1, 1);
          return [...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3);
        }""",
        name,
    )
    return red, green, blue


def ink(element: Locator, ground: Color) -> Color:
    """Colour of a text on its ground, as thin as the styles make it."""
    opacity = element.first.evaluate("""(e) => {
      let opacity = 1;
      for (; e instanceof Element; e = e.parentElement ?? e.getRootNode().host) opacity *= getComputedStyle(e).opacity;
      return opacity;
    }""")
    red, green, blue = (opacity * c + (1 - opacity) * g for c, g in zip(color(element, "color"), ground, strict=True))
    return red, green, blue


def luminance(rgb: Color) -> float:
    """Relative luminance as WCAG 2 defines it."""
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in (x / 255 for x in rgb)]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(a: Color, b: Color) -> float:
    lighter, darker = sorted((luminance(a), luminance(b)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)
