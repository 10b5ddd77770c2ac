"""A replica is killed under its visitors: python -m benchmarks.replicas [--brief] [--without-browser] [--json]

Starts two replicas, nginx, PostgreSQL and a worker that trains (`deploy.start`). All visitors are at the first replica:
a browser has a dropped file in hand and plays it, three raw sockets go from page to page, one person trains on the
built-in patterns and another waits in the line. Then that replica is killed (SIGKILL), and after its visitors are back
the worker, too, in mid-training; another is started. Prints how long it took until each visitor had a page at the other
replica, the browser its groove, and the two who train their runs; whether both runs came to their models; and how many
errors a page showed. With --brief trainings are short. On Linux, with Chromium.
"""

from __future__ import annotations

import argparse
import contextlib
import itertools
import json
import os
import shutil
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from playwright.sync_api import Page, expect, sync_playwright
from websockets.exceptions import WebSocketException

from benchmarks.served import BROWSER_OPTIONS
from benchmarks.waiting import Trainer, offered
from deploy.replicas import COOKIE
from deploy.start import WORKER, Site, site
from rhythmvae.data.examples import example
from rhythmvae.resources import ROOT
from rhythmvae.ui.session.visitor import COOKIE as OWNER
from tests.e2e.visiting import WAIT_MS, expect_n_hits, midi_file, open_reconstruct, settle, upload
from tests.e2e.wire import run, visit

GROOVE = "samba"
PAGES = ("", "map", "about")
N_LOOKING, STAY_S = 3, 0.5
PATIENCE_S = 900.0
BACK_S = 60.0  # after which somebody is not back
AT_FIRST = f"{COOKIE}=1"
OWNERS = ("a" * 32, "b" * 32)  # who trains, and who waits
BRIEF_WORKER = (sys.executable, str(ROOT / "tests" / "e2e" / "brief_training.py"), "worker")


@dataclass
class Found:
    """Seconds after the kill.

    Args:
        killed_at: by `time.monotonic`.
        looking: until each who looked at a page had one again.
        browser: until the browser had its groove; None where there was none.
        runs: until the two who train had their runs again.
        models: until their models were there.
        places: of the two runs, before the kill and after it; 0 for one under way.
        errors: that the browser's page showed.
    """

    killed_at: float = 0.0
    looking: list[float] = field(default_factory=list)
    browser: float | None = None
    runs: list[float] = field(default_factory=list)
    models: list[float] = field(default_factory=list)
    places: tuple[list[int], list[int]] = field(default_factory=lambda: ([], []))
    errors: int = 0


def look(address: str, number: int, ready: threading.Barrier, killed: threading.Event, found: Found) -> None:
    """Somebody who goes from page to page, and comes again to the one that breaks, as a page does by itself."""
    pages = itertools.islice(itertools.cycle(PAGES), number, None)
    with visit(address, AT_FIRST) as socket:
        page = next(pages)
        run(socket, page)
        ready.wait(PATIENCE_S)
        with contextlib.suppress(WebSocketException):
            while True:
                time.sleep(STAY_S)
                page = next(pages)
                run(socket, page)
    assert killed.wait(BACK_S)
    while time.monotonic() - found.killed_at < BACK_S:
        try:
            with visit(address, AT_FIRST) as socket:
                run(socket, page)
                found.looking.append(time.monotonic() - found.killed_at)
                return
        except (OSError, WebSocketException):
            time.sleep(0.2)


@contextlib.contextmanager
def playing(found: Site) -> Iterator[Page]:
    """A browser at the first replica, with a dropped file in hand that plays."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=BROWSER_OPTIONS)
        context = browser.new_context()
        context.add_cookies([{"name": COOKIE, "value": "1", "url": found.address}])
        page = context.new_page()
        deck = open_reconstruct(page, found.address)
        groove = example(GROOVE)
        upload(page, midi_file("mine", groove))
        expect_n_hits(page, len(groove))
        settle(page)
        page.wait_for_function("() => sessionStorage.getItem('rhythmvae')?.includes('mine.mid')", timeout=WAIT_MS)
        deck.get_by_role("button", name="Play", exact=True).click()
        yield page
        browser.close()


def has_groove(page: Page) -> None:
    """Until the browser's page says what happened, and has its groove and no error."""
    page.get_by_text("The server was restarted while this page was open").wait_for(timeout=WAIT_MS)
    expect_n_hits(page, len(example(GROOVE)))


def come_again(address: str, owner: str, began: float, stack: contextlib.ExitStack) -> tuple[float, Trainer]:
    """Come as one who trains: seconds until the run is there, and its page, which stays open as long as the stack."""
    while time.monotonic() - began < BACK_S:
        with contextlib.suppress(OSError, WebSocketException):
            socket = stack.enter_context(visit(address, f"{AT_FIRST}; {OWNER}={owner}"))
            trainer = Trainer(socket, "again")
            if trainer.fragment or trainer.has_model:
                return time.monotonic() - began, trainer
            socket.close()
        time.sleep(0.3)
    raise RuntimeError("the run is not there")


def places(trainers: list[Trainer]) -> list[int]:
    """In the line, 0 for who is not in it."""
    for trainer in trainers:
        if trainer.fragment and not trainer.has_model:
            trainer.is_waiting()
    return [(trainer.visit.told[-1].place or 0) if trainer.visit.told else 0 for trainer in trainers]


def measure(found: Site, patience: float, with_browser: bool = True) -> Found:
    """Kill a replica and then the worker; what became of everybody."""
    result, killed = Found(), threading.Event()
    ready = threading.Barrier(N_LOOKING + 1)
    people = [(found.address, number, ready, killed, result) for number in range(N_LOOKING)]
    lookers = [threading.Thread(target=look, args=each, daemon=True) for each in people]
    with contextlib.ExitStack() as stack:
        page = stack.enter_context(playing(found)) if with_browser else None
        sockets = [stack.enter_context(visit(found.address, f"{AT_FIRST}; {OWNER}={owner}")) for owner in OWNERS]
        trainers = [Trainer(socket, "trains") for socket in sockets]
        for trainer in trainers:
            trainer.press()
        until(lambda: 0 in places(trainers), patience)  # the first is under way
        for thread in lookers:
            thread.start()
        ready.wait(PATIENCE_S)
        before = places(trainers)

        result.killed_at = began = time.monotonic()
        found.kill(0)
        killed.set()
        if page is not None:
            has_groove(page)
            result.browser = time.monotonic() - began
        again = [come_again(found.address, owner, began, stack) for owner in OWNERS]
        for thread in lookers:
            thread.join(BACK_S)
        back = [trainer for _, trainer in again]
        result.runs, result.places = [seconds for seconds, _ in again], (before, places(back))
        found.kill_worker()
        found.start_worker()
        for trainer in back:
            if not trainer.has_model:
                trainer.until_ready(patience)
            result.models.append(time.monotonic() - began)
            trainer.socket.close()
        if page is not None:
            settle(page)
            expect(page.locator("h1")).to_be_visible()
            result.errors = page.get_by_test_id("stException").count()
    return result


def until(holds: Callable[[], bool], seconds: float) -> None:
    """Wait for something to be true."""
    end = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > end:
            raise RuntimeError("it did not come about")
        time.sleep(0.3)


def rows(found: Found) -> list[list[str]]:
    """What and figure, for people."""

    def most(seconds: list[float]) -> str:
        return f"{max(seconds, default=0.0):.1f} s"

    return [
        ["visitors at pages (raw sockets) who were back", f"{len(found.looking)} of {N_LOOKING}"],
        ["the last of them after", most(found.looking)],
        ["the browser had its groove in hand after", "-" if found.browser is None else f"{found.browser:.1f} s"],
        ["errors on its page", str(found.errors)],
        ["the two who train had their runs again after", most(found.runs)],
        ["their places in the line, before and after", " and ".join(str(each) for each in found.places)],
        ["models there, of two, though the worker was killed, too", str(len(found.models))],
        ["the last model after", most(found.models)],
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description="A replica is killed under its visitors, and then a worker.")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--brief", action="store_true", help="short trainings")
    parser.add_argument("--without-browser", action="store_true", help="raw sockets alone")
    parser.add_argument("--patience", type=float, default=PATIENCE_S / 60, help="minutes for a model")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        data, own = Path(folder) / "own", Path(folder) / "site"
        data.mkdir()
        own.mkdir()
        offered(data)
        os.environ.setdefault("RHYTHMVAE_WORKERS", "1")
        with site(own, BRIEF_WORKER if options.brief else WORKER) as found:
            table = rows(measure(found, 60 * options.patience, not options.without_browser))
    print(json.dumps({"rows": table}) if options.json else "\n".join(f"{name}: {figure}" for name, figure in table))


if __name__ == "__main__":
    main()
