"""The pictures of the README, from the app as it is: python -m benchmarks.pictures [NAME...]

Opens the app in a browser, does on each page what its picture is to show, and writes docs/NAME.png. Nothing else is
needed than what `make test` installs, and Debian's chromium; on a busy machine it takes minutes.
"""

import argparse
from collections.abc import Callable
from contextlib import closing
from typing import Any

from playwright.sync_api import Browser, FilePayload, Page, expect

from benchmarks.served import served
from rhythmvae.data.examples import EXAMPLES, example
from rhythmvae.midi.write import write_midi
from rhythmvae.resources import ROOT
from tests.e2e.visiting import settle

PATIENCE_MS = 600_000
MOST_BYTES = 300_000  # of a picture
N_LOOPS = 12
WIDE: dict[str, Any] = {"viewport": {"width": 1280, "height": 860}}
PHONE: dict[str, Any] = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
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
    canvas = page.locator(".map canvas.marks")
    expect(canvas).to_be_visible()
    settle(page, PATIENCE_MS)
    canvas.click()
    _rest(page)


def variations(page: Page) -> None:
    """Sliders with what was asked for and achieved."""
    expect(page.get_by_role("slider").first).to_be_visible()
    _rest(page)


def complete(page: Page) -> None:
    """Eight answers of other hats: what was given is full, the model's hits are open."""
    page.get_by_role("radio", name="Fill in", exact=True).click()
    expect(page.locator(".card")).to_have_count(8)
    _rest(page)


def train(page: Page) -> None:
    """Twelve loops were dropped."""
    loops: list[FilePayload] = [
        {"name": f"{key}.mid", "mimeType": "audio/midi", "buffer": write_midi(example(key))}
        for key in list(EXAMPLES)[:N_LOOPS]
    ]
    box = page.get_by_test_id("stFileUploader").filter(has_text="Your loops").locator("input[type=file]")
    box.set_input_files(loops)
    expect(page.get_by_text(f"Your files ({N_LOOPS})").first).to_be_visible()
    _rest(page)


def phone(page: Page) -> None:
    """The grid over the whole screen."""
    page.get_by_role("button", name="Open the grid").tap()
    _rest(page)


def _play(page: Page) -> None:
    page.locator(".deck").get_by_role("button", name="Play", exact=True).click()
    _rest(page)


def _rest(page: Page) -> None:
    settle(page, PATIENCE_MS)
    page.wait_for_timeout(1000)  # what moves has come to where it goes


# By name: its page, its browser, and what is done there.
PICTURES: dict[str, tuple[str, dict[str, Any], Callable[[Page], None]]] = {
    "screenshot": ("/", WIDE, screenshot),
    "map": ("/map", WIDE, map_),
    "variations": ("/variations", WIDE, variations),
    "complete": ("/complete", WIDE, complete),
    "train": ("/train", WIDE, train),
    "phone": ("/", PHONE, phone),
}


def take(browser: Browser, address: str, name: str) -> None:
    path, kind, act = PICTURES[name]
    with closing(browser.new_context(**kind, color_scheme="light")) as context:
        context.add_init_script(READ)
        page = context.new_page()
        page.set_default_timeout(PATIENCE_MS)
        page.goto(address + path)
        expect(page.locator("h1")).to_be_visible()
        settle(page, PATIENCE_MS)
        act(page)
        data = page.screenshot(path=ROOT / "docs" / f"{name}.png", animations="disabled")
    print(f"docs/{name}.png: {len(data):,} bytes", flush=True)
    if len(data) > MOST_BYTES:
        raise SystemExit(f"docs/{name}.png is larger than {MOST_BYTES:,} bytes")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("names", nargs="*", help="of pictures; all of them if there is none")
    asked = parser.parse_args()
    expect.set_options(timeout=PATIENCE_MS)
    with served() as app:
        for name in asked.names or PICTURES:
            take(app.browser, app.address, name)


if __name__ == "__main__":
    main()
