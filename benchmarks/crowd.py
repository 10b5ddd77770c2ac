"""Two train while three play: python -m benchmarks.crowd LOOPS [--n 48]

LOOPS is a zip of loops (SOURCES.md's loops.zip), of which the first n of daw_export_ch1 are dropped
by two visitors on the Train page of a fresh server. Three others play a groove on the Variations
page and move a slider, each every few seconds: prints what they wait for while nobody trains and while
somebody does; the seconds from a click on Train until the model is in use, of the first visitor and
of the second, who has to wait for the first; the most memory that server and training hold together
(proportional set size, Linux); and every error that anybody saw. Needs what `make test` installs,
and Debian's chromium.
"""

import argparse
import io
import re
import statistics
import threading
import time
import zipfile
from pathlib import Path

from playwright.sync_api import Page

from benchmarks import explore
from benchmarks.served import Served, served
from tests.e2e.listening import play
from tests.e2e.visiting import WAIT_MS, settle

PACK = "daw_export_ch1/"
N_PLAYERS, N_TRAINERS = 3, 2
N_IDLE = 8  # gestures of each player before anybody trains
BETWEEN_S = 0.7  # from one player's gesture to the next player's
IN_USE = "is in use on every page"
TROUBLE = "[data-testid=stException], [data-testid=stAlertContentError]"
PATIENCE_S = 600.0


class Memory(threading.Thread):
    """The most that processes and their children hold at one time, in MB."""

    def __init__(self, *pids: int) -> None:
        super().__init__(daemon=True)
        self.pids, self.most, self.over = pids, 0.0, threading.Event()

    def run(self) -> None:
        while not self.over.wait(2.0):  # to look costs time
            self.most = max(self.most, sum(held(own) for pid in self.pids for own in family(pid)))


def family(pid: int) -> list[int]:
    found = [pid]
    for path in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            found += [own for child in path.read_text().split() for own in family(int(child))]
        except OSError:
            continue
    return found


def held(pid: int) -> float:
    try:
        text = Path(f"/proc/{pid}/smaps_rollup").read_text("utf-8")
    except OSError:
        return 0.0
    found = re.search(r"^Pss:\s+(\d+)", text, re.MULTILINE)
    return int(found[1]) / 1024 if found else 0.0


def pack(loops: Path, n: int) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(loops) as data, zipfile.ZipFile(out, "w") as archive:
        for name in sorted(name for name in data.namelist() if PACK in name and name.endswith(".mid"))[:n]:
            archive.writestr(name, data.read(name))
    return out.getvalue()


class Player:
    """Somebody who plays a groove and moves a slider."""

    def __init__(self, app: Served) -> None:
        self.page = app.browser.new_context(viewport=explore.VIEWPORT).new_page()
        self.page.goto(f"{app.address}/variations")
        self.player = self.page.locator(".deck")
        self.player.get_by_role("radio", name="Result").wait_for(timeout=WAIT_MS)
        settle(self.page)
        self.player.get_by_role("radio", name="Result").click()
        play(self.player)
        self.player.evaluate(explore.WATCH)
        self.slider = explore.slider(self.page)
        self.n = 0

    def waits_ms(self) -> float:
        """From a key to the changed groove, which goes up and down."""
        time.sleep(BETWEEN_S)
        self.n += 1
        self.slider.press("ArrowRight" if self.n % 20 < 10 else "ArrowLeft")
        self.page.wait_for_function("() => watch.swapped !== null", timeout=WAIT_MS)
        waited: float = self.page.evaluate("() => watch.swapped")
        settle(self.page)
        return waited


class Trainer:
    """Somebody with loops of their own."""

    def __init__(self, app: Served, data: bytes) -> None:
        self.page = app.browser.new_context(viewport=explore.VIEWPORT).new_page()
        self.page.goto(f"{app.address}/train")
        box = self.page.get_by_test_id("stFileUploader").filter(has_text="Your loops").locator("input[type=file]")
        box.set_input_files({"name": "pack.zip", "mimeType": "application/zip", "buffer": data})
        self.page.get_by_test_id("stMetric").first.wait_for(timeout=WAIT_MS)
        settle(self.page)
        self.began = self.took = 0.0

    def begin(self) -> None:
        self.began = time.perf_counter()
        self.page.get_by_role("button", name="Train", exact=True).click()

    def is_waiting(self) -> bool:
        """Whether the model is still not in use."""
        if not self.took and self.page.get_by_text(IN_USE).count():
            self.took = time.perf_counter() - self.began
        return not self.took


def troubles(pages: list[Page]) -> list[str]:
    return [text for page in pages for text in page.locator(TROUBLE).all_inner_texts()]


def told(when: str, waited: list[float]) -> None:
    most = statistics.quantiles(waited, n=20)[-1]
    print(f"slider to the changed groove, {when}: median {statistics.median(waited):.0f} ms, 95 % below {most:.0f} ms")


def main() -> None:
    parser = argparse.ArgumentParser(description="Two train while three play.")
    parser.add_argument("loops", type=Path)
    parser.add_argument("--n", type=int, default=48)
    options = parser.parse_args()
    data = pack(options.loops, options.n)
    with served() as app:
        memory = Memory(app.pid)
        memory.start()
        errors: list[str] = []
        players = [Player(app) for _ in range(N_PLAYERS)]
        trainers = [Trainer(app, data) for _ in range(N_TRAINERS)]
        pages = [player.page for player in players] + [trainer.page for trainer in trainers]
        for page in pages:
            page.on("pageerror", lambda error: errors.append(str(error)))
        for player in players:
            player.waits_ms()  # the first is like no other
        told("nobody trains", [player.waits_ms() for _ in range(N_IDLE) for player in players])
        before = memory.most
        for trainer in trainers:
            trainer.begin()
        waited: list[float] = []
        last = time.perf_counter() + PATIENCE_S
        while any([trainer.is_waiting() for trainer in trainers]) and time.perf_counter() < last:
            waited += [player.waits_ms() for player in players]
        told("somebody trains", waited)
        for name, trainer in zip(("first", "second, who waited"), trainers, strict=True):
            print(f"Train to a model in use, the {name}: {trainer.took:.0f} s" if trainer.took else f"{name}: never")
        memory.over.set()
        memory.join()
        print(f"server: {before:.0f} MB before, {memory.most:.0f} MB at most with its training")
        errors += troubles(pages)
        print(f"errors: {len(errors)}", *errors, sep="\n")


if __name__ == "__main__":
    main()
