"""Ten visitors on all pages, uploads, sliders, trainings and reviews: python -m benchmarks.soak [--minutes 30]

A browser listens to a groove all the time and drops a file in another of its tabs again and again; of the raw sockets
three drag sliders, four go from page to page, one takes a listening test, again and again as somebody else, who sends
each answer twice, and one trains on the built-in patterns, again whenever the model is ready. Prints the memory of the
app by time (sum of proportional set sizes, MB, the training's among it), the median and 95th percentile of each action,
how many answers were sent and are there, what failed, and whether the music had a gap. With --json a document for
`benchmarks.figures keep 23-soak FILE`. --visitors sets how many sockets go from page to page. Needs Linux and Chromium.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

import numpy as np
from playwright.sync_api import Locator, Page

from benchmarks import explore
from benchmarks.crowd import family, held
from benchmarks.reviewing import Listener, cookie
from benchmarks.served import Served, served
from benchmarks.sliding import HEARD_S, REST_S, Hand
from benchmarks.waiting import Trainer, offered
from rhythmvae.data.examples import EXAMPLES, example
from rhythmvae.kit import VOICE_INDEX
from rhythmvae.resources import PAGES
from rhythmvae.review import material
from rhythmvae.review.book import Review, Reviews
from rhythmvae.review.design import Design
from rhythmvae.store.database import ENVIRONMENT, Database
from tests.e2e.listening import HATS, listen_while, onset_errors
from tests.e2e.visiting import expect_n_hits, midi_file, open_groove, open_reconstruct, settle, upload
from tests.e2e.wire import run, visit

N_SLIDING, N_WALKING = 3, 4
N_TRIALS = 12  # of the review
HEAR_S = 4.0  # that a reviewer hears a trial
STAY_S = 3.0  # on a page
LISTEN_S = 60.0  # recorded at a time
LOOK_S = 5.0  # between two looks at the memory
PATIENCE_S = 600.0
DROPPED = ("samba", "funk", "disco")


class Log:
    """What everybody did; safe for threads."""

    def __init__(self) -> None:
        self.took: dict[str, list[float]] = defaultdict(list)  # action -> seconds
        self.failed: list[str] = []
        self.memory: list[tuple[float, float]] = []  # seconds since the start, MB
        self.music: list[tuple[int, int, int]] = []  # hits away from their place, late by the deck's clock, all
        self.answers = [0, 0]  # sent, there
        self.over = threading.Event()

    def time(self, action: str, does: Callable[[], object]) -> None:
        began = time.perf_counter()
        does()
        self.took[action].append(time.perf_counter() - began)

    def during(self, who: str, does: Callable[[], None]) -> threading.Thread:
        """A visitor in a thread, who comes again after an error."""

        def visiting() -> None:
            while not self.over.is_set():
                try:
                    does()
                except Exception as error:  # each is a finding, and the others go on
                    if not self.over.is_set():
                        self.failed.append(f"{who}: {type(error).__name__}: {str(error)[:200]}")
                        self.over.wait(REST_S)

        thread = threading.Thread(target=visiting, name=who, daemon=True)
        thread.start()
        return thread


def slide(log: Log, address: str, number: int) -> None:
    with visit(address) as socket:
        hand = Hand(socket, number)
        log.time("first slider", hand.drag)  # finds nothing ready
        while not log.over.wait(REST_S):
            hand.drag()
            log.took["slider"].append(hand.waited[-1])


def walk(log: Log, address: str, number: int) -> None:
    names = ["", *sorted(path.stem for path in PAGES.glob("*.py"))]
    with visit(address) as socket:
        at = number
        while not log.over.wait(STAY_S):
            name = names[at % len(names)]
            log.time(f"page {name or 'first'}", lambda name=name: run(socket, name))  # type: ignore[misc]
            at += 1


def train(log: Log, address: str) -> None:
    with visit(address) as socket:
        trainer = Trainer(socket, "trainer")
        log.time("training begins", trainer.press)
        began = time.perf_counter()
        while not log.over.wait(1.0):
            log.time("training's state", trainer.is_waiting)
            if trainer.visit.ready:
                log.took["model"].append(time.perf_counter() - began)
                return


def made(address: str) -> tuple[Reviews, Review]:
    """A review of built-in patterns beside themselves as a grid, in the database of the app."""
    reviews = Reviews(Database(address))
    grooves = {name: example(name) for name in list(EXAMPLES)[:N_TRIALS]}
    items = [material.item(name, {"real": own, "stiff": material.stiff(own)}) for name, own in grooves.items()]
    design = Design(kind="played", n_trials=N_TRIALS, n_repeats=0, has_known=False, right="real", seed=1)
    return reviews, reviews.make("Soak", "", design, items)[0]


def review(log: Log, address: str, mark: str) -> None:
    """Take a listening test, as somebody new."""
    with visit(address, cookie()) as socket:
        listener = Listener(socket, mark)
        log.time("review: start", listener.begin)
        while listener.trial is not None:
            if log.over.wait(HEAR_S):
                return
            log.time("review: an answer, twice", listener.answer)
            log.answers[0] += 1
        log.time("review: end", listener.end)
        if not listener.has_ended:
            raise RuntimeError("the review did not end")


def remember(log: Log, pid: int) -> None:
    began = time.perf_counter()
    while not log.over.wait(LOOK_S):
        log.memory.append((time.perf_counter() - began, sum(held(each) for each in family(pid))))


def drop(log: Log, page: Page, number: int) -> None:
    name = DROPPED[number % len(DROPPED)]
    groove = example(name)

    def dropped() -> None:
        upload(page, midi_file(f"{name}-{number}", groove))
        expect_n_hits(page, len(groove))

    log.time("upload", dropped)
    settle(page)


def listen(log: Log, player: Locator, page: Page, seconds: float) -> None:
    """Hear whether each hit comes where it should, while the other tab drops files."""

    def disturb(number: int) -> None:
        drop(log, page, number)
        time.sleep(STAY_S)

    session = listen_while(player, HATS, seconds, disturb)
    hat, crash = VOICE_INDEX["closed_hat"], VOICE_INDEX["crash"]
    away = np.abs(onset_errors(session.capture, HATS, hat, session.began, [crash]))
    log.music.append((int((away > HEARD_S).sum()), int(session.stats["late"]), len(away)))
    player.get_by_role("button", name="Pause", exact=True).click()


def soak(app: Served, seconds: float, n_walking: int, database: str) -> Log:
    log = Log()
    reviews, taken = made(database)
    context = app.browser.new_context(viewport=explore.VIEWPORT)
    player = open_groove(context.new_page(), app.address, HATS)
    page = context.new_page()
    open_reconstruct(page, app.address)
    threads = [
        log.during("memory", lambda: remember(log, app.pid)),
        *(log.during(f"slides {n}", lambda n=n: slide(log, app.address, n)) for n in range(N_SLIDING)),  # type: ignore[misc]
        *(log.during(f"walks {n}", lambda n=n: walk(log, app.address, n)) for n in range(n_walking)),  # type: ignore[misc]
        log.during("reviews", lambda: review(log, app.address, taken.record.listen)),
        log.during("trains", lambda: train(log, app.address)),
    ]
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        try:
            listen(log, player, page, min(LISTEN_S, max(10.0, left)))
        except Exception as error:
            log.failed.append(f"listens: {type(error).__name__}: {str(error)[:200]}")
            page.reload()
            settle(page)
            if (pause := player.get_by_role("button", name="Pause", exact=True)).is_visible():
                pause.click()  # the next round begins with Play
    log.over.set()
    for thread in threads:
        thread.join(60)
    log.answers[1] = len({(each.person, each.place) for each in reviews.tables.answers(taken.record.id)})
    return log


def rows(log: Log) -> list[list[str]]:
    """For each action how often, median and 95th percentile; then memory, music and errors."""
    found = []
    for action, took in sorted(log.took.items()):
        p95 = statistics.quantiles(took, n=20)[-1] if len(took) > 1 else took[0]
        found.append([action, str(len(took)), f"{statistics.median(took):.2f} s", f"{p95:.2f} s"])
    megabytes = [each for _, each in log.memory]
    thirds = [megabytes[i * len(megabytes) // 3 : (i + 1) * len(megabytes) // 3] for i in range(3)]
    for name, part in zip(("first", "second", "last"), thirds, strict=True):
        if part:
            found.append(
                [f"memory, {name} third", str(len(part)), f"{statistics.median(part):.0f} MB", f"{max(part):.0f} MB"]
            )
    away, late, n = (sum(each) for each in zip(*log.music, strict=True)) if log.music else (0, 0, 0)
    found.append(["hits heard away from their place, late by the clock", str(n), str(away), str(late)])
    sent, there = log.answers
    found.append(["answers of reviewers: sent, there once", str(sent), str(there), ""])
    found.append(["errors", str(len(log.failed)), "", ""])
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description="Ten visitors on all pages for a while.")
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--visitors", type=int, default=N_WALKING, help="who go from page to page")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        offered(Path(folder))
        database = os.environ[ENVIRONMENT] = f"sqlite:///{folder}/soak.sqlite"
        with served() as app:
            log = soak(app, 60 * options.minutes, options.visitors, database)
    if options.json:
        print(json.dumps({"rows": rows(log), "memory": log.memory, "errors": log.failed}))
        return
    for row in rows(log):
        print("  ".join(row))
    for said in log.failed:
        print(said)


if __name__ == "__main__":
    main()
