"""The pictures of the docs, from the app as it is: python -m benchmarks.pictures [NAME...]

Opens the app in a browser, does on each page what its picture is to show, and writes docs/NAME.png for the README and
docs/pages/NAME.jpg, one sheet a page: wide and on a phone, light and dark. Nothing else is needed than what `make test`
installs, and Debian's chromium; on a busy machine it takes minutes.
"""

import argparse
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import Any

from playwright.sync_api import Browser, Page, expect

from benchmarks.served import served
from rhythmvae.data.examples import EXAMPLES, example
from rhythmvae.resources import ROOT
from tests.e2e.visiting import midi_file, settle

PATIENCE_MS = 600_000
MOST_BYTES = 300_000  # of a picture
MOST_SHEET_BYTES = 150_000
N_LOOPS = 12
WIDE: dict[str, Any] = {"viewport": {"width": 1280, "height": 860}}
PHONE: dict[str, Any] = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
DESK: dict[str, Any] = {"viewport": {"width": 1440, "height": 900}}
SCHEMES = ("light", "dark")
HIGH_PX, GAP_PX = 450, 12  # of each picture of a sheet, and between them
JPEG_QUALITY = 75
# Where nobody is for the first time: no hints.
READ = 'localStorage.setItem("rhythmvae hints read", "yes")'


def screenshot(page: Page) -> None:
    """The model's reconstruction plays."""
    expect(page.get_by_test_id("stMetric")).to_have_count(3)
    expect(page.locator(".deck").get_by_role("radio")).to_have_count(2)
    page.locator(".deck").get_by_role("radio", name="Result").click()
    _play(page)


def map_(page: Page) -> None:
    """A groove of the map plays."""
    _click_middle(page, ".map canvas.marks")


def variations(page: Page) -> None:
    """Sliders with what was asked for and achieved."""
    expect(page.get_by_role("slider").first).to_be_visible()
    _rest(page)


def pad(page: Page) -> None:
    """What plays lies between the corners."""
    _click_middle(page, ".pad canvas")


def complete(page: Page) -> None:
    """Eight answers of other hats: what was given is full, the model's hits are open."""
    page.get_by_role("radio", name="Fill in", exact=True).click()
    expect(page.locator(".card")).to_have_count(8)
    _rest(page)


def train(page: Page) -> None:
    """Twelve loops were dropped."""
    _drop(page, "Your loops")
    _rest(page)


def library(page: Page) -> None:
    """What among twelve loops is like the groove in hand."""
    _drop(page, "Your drum MIDI")
    expect(page.locator(".card").first).to_be_visible()
    _rest(page)


def phone(page: Page) -> None:
    """The grid over the whole screen."""
    page.get_by_role("button", name="Open the grid").tap()
    _rest(page)


def _drop(page: Page, box: str) -> None:
    loops = [midi_file(key, example(key)) for key in list(EXAMPLES)[:N_LOOPS]]
    page.get_by_test_id("stFileUploader").filter(has_text=box).locator("input[type=file]").set_input_files(loops)
    expect(page.get_by_text(f"Your files ({N_LOOPS})").first).to_be_visible()


def _click_middle(page: Page, canvas: str) -> None:
    expect(page.locator(canvas)).to_be_visible()
    settle(page, PATIENCE_MS)
    page.locator(canvas).click()
    _rest(page)


def _play(page: Page) -> None:
    page.locator(".deck").get_by_role("button", name="Play", exact=True).click()
    _rest(page)


def _rest(page: Page) -> None:
    settle(page, PATIENCE_MS)
    page.wait_for_timeout(1000)  # what moves has come to where it goes


Act = Callable[[Page], None]
# By name: its page, its browser, and what is done there.
PICTURES: dict[str, tuple[str, dict[str, Any], Act]] = {
    "screenshot": ("/", WIDE, screenshot),
    "map": ("/map", WIDE, map_),
    "variations": ("/variations", WIDE, variations),
    "complete": ("/complete", WIDE, complete),
    "train": ("/train", WIDE, train),
    "phone": ("/", PHONE, phone),
}
# By name of the sheet, which is its page's: what is done there.
SHEETS: dict[str, Act] = {
    "reconstruct": screenshot,
    "map": map_,
    "variations": pad,
    "train": train,
    "complete": complete,
    "analyse": _rest,
    "library": library,
    "review": _rest,
    "about": _rest,
}


@contextmanager
def opened(browser: Browser, address: str, kind: dict[str, Any]) -> Iterator[Page]:
    """A page of a new visitor, at rest."""
    with closing(browser.new_context(**kind, color_scheme="light")) as context:
        context.add_init_script(READ)
        page = context.new_page()
        page.set_default_timeout(PATIENCE_MS)
        page.goto(address)
        expect(page.locator("h1")).to_be_visible()
        settle(page, PATIENCE_MS)
        yield page


def take(browser: Browser, address: str, name: str) -> None:
    """A picture of the README."""
    path, kind, act = PICTURES[name]
    with opened(browser, address + path, kind) as page:
        act(page)
        data = page.screenshot(animations="disabled")
    _write(f"docs/{name}.png", data, MOST_BYTES)


def take_sheet(browser: Browser, address: str, name: str) -> None:
    """A sheet of a page: a row for each scheme, in it a wide screen and a phone."""
    found: dict[str, list[bytes]] = {scheme: [] for scheme in SCHEMES}
    for kind in (DESK, PHONE):
        with opened(browser, f"{address}/{name}", kind) as page:
            SHEETS[name](page)
            for scheme in SCHEMES:
                page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
                _rest(page)
                found[scheme].append(page.screenshot(animations="disabled"))
    rows = "".join(f"<div>{''.join(map(_image, found[scheme]))}</div>" for scheme in SCHEMES)
    style = f"body, div {{ display: grid; gap: {GAP_PX}px; width: max-content }} body {{ margin: 0; background: #888; "
    style += f"padding: {GAP_PX}px }} div {{ grid-auto-flow: column }} img {{ height: {HIGH_PX}px }}"
    with closing(browser.new_page()) as page:
        page.set_content(f"<style>{style}</style><body>{rows}</body>")
        data = page.locator("body").screenshot(type="jpeg", quality=JPEG_QUALITY)
    _write(f"docs/pages/{name}.jpg", data, MOST_SHEET_BYTES)


def _image(data: bytes) -> str:
    return f'<img src="data:image/png;base64,{b64encode(data).decode()}">'


def _write(path: str, data: bytes, most: int) -> None:
    (ROOT / path).parent.mkdir(exist_ok=True)
    (ROOT / path).write_bytes(data)
    print(f"{path}: {len(data):,} bytes", flush=True)
    if len(data) > most:
        raise SystemExit(f"{path} is larger than {most:,} bytes")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("names", nargs="*", help="such as map, or pages/map; all of them if there is none")
    asked = parser.parse_args()
    expect.set_options(timeout=PATIENCE_MS)
    with served() as app:
        for name in PICTURES:
            if not asked.names or name in asked.names:
                take(app.browser, app.address, name)
        for name in SHEETS:
            if not asked.names or f"pages/{name}" in asked.names:
                take_sheet(app.browser, app.address, name)


if __name__ == "__main__":
    main()
