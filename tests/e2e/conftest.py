"""The real app in a subprocess and a real browser in front of it.

The browser is the machine's own chromium (or chrome), driven by playwright. Without one
the tests skip, saying so; where CI is set they fail instead.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright
from serving import from_the_tree, running_app
from tabs import Tabs
from visiting import WAIT_MS

expect.set_options(timeout=WAIT_MS)  # a state is waited for, however slow the machine is

collect_ignore = ["deck_app.py", "brief_training.py"]  # scripts, with no doctest in them
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
BROWSER_ARGS = (
    "--no-sandbox",
    "--process-per-site",  # see tabs.py
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@pytest.fixture(scope="session")
def app_address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with running_app(tmp_path_factory.mktemp("app") / "log.txt") as address:
        yield address


@pytest.fixture(scope="session")
def deck_address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The deck without the app: `deck_app.py`."""
    command = partial(from_the_tree, script=Path(__file__).with_name("deck_app.py"))
    with running_app(tmp_path_factory.mktemp("deck") / "log.txt", command) as address:
        yield address


@pytest.fixture
def fresh_app_address(tmp_path: Path) -> Iterator[str]:
    """A server that nobody has visited."""
    with running_app(tmp_path / "log.txt") as address:
        yield address


@pytest.fixture(scope="session")
def launch() -> Iterator[Callable[..., Browser]]:
    """Begins a browser, with more arguments if need be."""
    executable = next((path for name in BROWSERS if (path := shutil.which(name))), None)
    if executable is None:
        message = f"no browser found (looked for {', '.join(BROWSERS)})"
        pytest.fail(message) if os.environ.get("CI") else pytest.skip(message)

    def begun(*more: str) -> Browser:
        browser = playwright.chromium.launch(executable_path=executable, args=[*BROWSER_ARGS, *more])
        browser.on("context", lambda context: context.set_default_timeout(WAIT_MS))  # whoever makes one
        return browser

    with sync_playwright() as playwright:
        yield begun


@pytest.fixture(scope="session")
def browser(launch: Callable[..., Browser]) -> Iterator[Browser]:
    browser = launch()
    yield browser
    browser.close()


@pytest.fixture(scope="session")
def all_tabs(browser: Browser) -> Tabs:
    return Tabs(browser)


@pytest.fixture
def tabs(all_tabs: Tabs) -> Iterator[Tabs]:
    """To open tabs with, of other screens than the usual ones."""
    yield all_tabs
    all_tabs.close()


@pytest.fixture
def page(tabs: Tabs) -> Page:
    return tabs.open()


@pytest.fixture
def phone(tabs: Tabs) -> Page:
    return tabs.open(390, 844, is_phone=True)
