"""Ten visit, five of them slide and one listens, while one trains: python -m benchmarks.sliding [--json]

Starts the app without workers and with them, and each time lets the built-in patterns train alone for a while, at the
priority that the app trains at; then come the visitors. One is a browser that plays a groove and records what is
heard; nine are raw sockets, of which five drag a slider of the variations page, four moves in a third of a second,
wait for the answer to the last, and drag on half a second later. Prints what the answers took, how many there were, the
processor time of the server and of its workers for each, how many times as long a step of the training took as alone,
the most memory that the app's own processes held together (proportional set size of server, workers and training,
Linux), and whether the music had a gap. The machine's load is everybody's: beside other work compare the two of one
run, and take the figures themselves on a machine with nothing else to do.
Needs what `make test` installs, and Debian's chromium.
"""

import argparse
import contextlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import numpy as np
import psutil
from playwright.sync_api import Locator
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.sync.client import ClientConnection

from benchmarks import explore
from benchmarks.crowd import Memory
from benchmarks.figures import told
from benchmarks.served import Served, served
from rhythmvae.data.examples import EXAMPLES, example
from rhythmvae.jobs.process import NICE
from rhythmvae.kit import VOICE_INDEX
from rhythmvae.midi.write import write_midi
from rhythmvae.training import journal
from rhythmvae.ui.session.computing import SETTING
from rhythmvae.ui.workers.pool import N_WORKERS
from tests.e2e.listening import HATS, listen_while, onset_errors
from tests.e2e.visiting import open_groove
from tests.e2e.wire import run, visit

PATIENCE_S = 180.0
MOVES, BETWEEN_S, REST_S = 4, 0.1, 0.5
BANK = "-sliders"  # how the id of the measured sliders ends
N_SLIDING, N_LOOKING = 5, 4
HEARD_S = 0.01  # a hit so far from where it should be is one that was missed
IDLE_PAGES = ("", "map", "train", "about")
WHAT = (
    "a slider's answer, median",
    "95 of 100 below",
    "answers",
    "to the visitor who had fewest",
    "processor time for each",
    "a step of the training, times as long as alone",
    "most memory at one time (of the app, of the training)",
    f"hits heard more than {1000 * HEARD_S:.0f} ms from their place",
    "strokes late by the deck's clock",
)


class Hand:
    """A visitor who drags the slider of density."""

    def __init__(self, socket: ClientConnection, number: int) -> None:
        self.socket, self.serial, self.number = socket, 0, number
        self.bank = self.fragment = ""
        self.moves: list[tuple[str, int, float]] = []
        self.waited: list[float] = []
        message = BackMsg()
        message.rerun_script.page_name = "variations"
        socket.send(message.SerializeToString())
        self._hear(lambda found: found.script_finished == ForwardMsg.FINISHED_SUCCESSFULLY and bool(self.bank))

    def drag(self) -> None:
        for _ in range(MOVES):
            self.serial += 1
            self.moves = [("density", self.serial, (17 * self.serial + 29 * self.number) % 101 / 100)]
            message = BackMsg()
            message.rerun_script.fragment_id = self.fragment
            state = message.rerun_script.widget_states.widgets.add()
            state.id, state.json_value = self.bank, json.dumps({"moved": self.moves})
            began = time.perf_counter()
            self.socket.send(message.SerializeToString())
            time.sleep(BETWEEN_S)
        self._hear(lambda found: self._serial(found) >= self.serial)
        self.waited.append(time.perf_counter() - began)

    def _hear(self, until) -> None:  # type: ignore[no-untyped-def]
        end = time.monotonic() + PATIENCE_S
        while True:
            data = self.socket.recv(timeout=max(0.1, end - time.monotonic()))
            assert isinstance(data, bytes)
            found = ForwardMsg.FromString(data)
            element = found.delta.new_element
            if element.WhichOneof("type") == "exception":
                raise RuntimeError(element.exception.message)
            if element.bidi_component.id.endswith(BANK):
                self.bank, self.fragment = element.bidi_component.id, found.delta.fragment_id
            if (found.WhichOneof("type") == "script_finished" or element.bidi_component.id) and until(found):
                return

    def _serial(self, found: ForwardMsg) -> int:
        """Up to which move the sliders that came are an answer; 0 for all else."""
        component = found.delta.new_element.bidi_component
        if component.id != self.bank:
            return 0
        return int(json.loads(component.json)[0]["serial"])


def slide(address: str, number: int, ready: threading.Barrier, over: threading.Event, hands: list[Hand]) -> None:
    with visit(address) as socket:
        hand = Hand(socket, number)
        hands.append(hand)
        hand.drag()  # the first finds nothing ready
        ready.wait(PATIENCE_S)
        hand.waited.clear()
        while not over.is_set():
            hand.drag()
            time.sleep(REST_S)


def look(address: str, number: int, ready: threading.Barrier, over: threading.Event) -> None:
    """Somebody who has a page open."""
    with visit(address) as socket:
        run(socket, IDLE_PAGES[number % len(IDLE_PAGES)])
        ready.wait(PATIENCE_S)
        while not over.is_set():
            with contextlib.suppress(TimeoutError):
                socket.recv(timeout=0.5)


class Training:
    """Somebody's training, as the app would run it, and when it made each step."""

    def __init__(self, folder: Path) -> None:
        data = folder / "data"
        data.mkdir()
        for name in EXAMPLES:
            (data / f"{name}.mid").write_bytes(write_midi(example(name)))
        command = ["nice", "-n", str(NICE), sys.executable, "-m", "rhythmvae", "train", str(data), "--journal"]
        self.process = subprocess.Popen(
            [*command, "--out", str(folder / "model.safetensors"), "--epochs", "100000"],
            stdout=subprocess.PIPE,
            env=os.environ | {"OMP_NUM_THREADS": "1"},
        )
        self.steps: list[tuple[float, int]] = []
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if isinstance(message := journal.read(line), journal.Training):
                self.steps.append((time.perf_counter(), message.step))

    def wait(self) -> None:
        """Until it trains."""
        end = time.monotonic() + PATIENCE_S
        while len(self.steps) < 2:
            if time.monotonic() > end:
                raise RuntimeError("no training began")
            time.sleep(0.1)

    def seconds_a_step(self, begin: float, end: float) -> float:
        """Between two moments; from the first to the last step that was told."""
        told = [step for step in self.steps if begin <= step[0] <= end]
        if len(told) < 2 or told[-1][1] == told[0][1]:
            return float("inf")
        return (told[-1][0] - told[0][0]) / (told[-1][1] - told[0][1])

    def end(self) -> None:
        self.process.kill()
        self.process.wait()


def seconds_of(process: psutil.Process) -> float:
    """Processor time of a process and those below it that live."""
    found = 0.0
    for each in (process, *process.children(recursive=True)):
        with contextlib.suppress(psutil.Error):
            found += sum(each.cpu_times()[:2])
    return found


def listen(player: Locator, seconds: float) -> list[str]:
    """What became of the hits of a groove: how many were heard away from their place, and how many late."""
    session = listen_while(player, HATS, seconds, lambda _: time.sleep(0.5))
    hat, crash = VOICE_INDEX["closed_hat"], VOICE_INDEX["crash"]  # which strikes once a round, and may
    away = np.abs(onset_errors(session.capture, HATS, hat, session.began, [crash]))
    return [f"{(away > HEARD_S).sum()} of {len(away)}", f"{session.stats['late']} of {session.stats['scheduled']}"]


def measure(n_workers: int, seconds: float) -> list[str]:
    """What is printed of it, in the order of WHAT."""
    os.environ[SETTING] = str(n_workers)
    os.environ["RHYTHMVAE_DATABASE"] = "none"
    with tempfile.TemporaryDirectory() as folder, served() as app:
        trained = Training(Path(folder))
        try:
            trained.wait()
            began = time.perf_counter()
            time.sleep(seconds / 2)
            alone = trained.seconds_a_step(began, time.perf_counter())
            return _visited(app, trained, alone, seconds)
        finally:
            trained.end()


def _visited(app: Served, trained: Training, alone: float, seconds: float) -> list[str]:
    over, ready, hands = threading.Event(), threading.Barrier(N_SLIDING + N_LOOKING + 1), list[Hand]()
    threads = [
        *(threading.Thread(target=slide, args=(app.address, i, ready, over, hands)) for i in range(N_SLIDING)),
        *(threading.Thread(target=look, args=(app.address, i, ready, over)) for i in range(N_LOOKING)),
    ]
    both = app.pid, trained.process.pid
    memories = [Memory(app.pid), Memory(trained.process.pid), Memory(*both)]
    player = open_groove(app.browser.new_context(viewport=explore.VIEWPORT).new_page(), app.address, HATS)
    for thread in (*memories, *threads):
        thread.daemon = True
        thread.start()
    ready.wait(PATIENCE_S)
    server = psutil.Process(app.pid)
    began, used = time.perf_counter(), seconds_of(server)
    music = listen(player, seconds)
    used, end = seconds_of(server) - used, time.perf_counter()
    over.set()
    for thread in threads:
        thread.join(PATIENCE_S)
    for memory in memories:
        memory.over.set()
        memory.join()
    waited = [each for hand in hands for each in hand.waited]
    p95 = statistics.quantiles(waited, n=20)[-1]
    fewest, slower = min(len(hand.waited) for hand in hands), trained.seconds_a_step(began, end) / alone
    of_app, of_training, together = (memory.most for memory in memories)
    return [
        f"{statistics.median(waited):.2f} s",
        f"{p95:.2f} s",
        f"{len(waited)} in {end - began:.0f} s",
        str(fewest),
        f"{used / max(len(waited), 1):.2f} s",
        f"{slower:.1f}",
        f"{together:.0f} MB ({of_app:.0f}, {of_training:.0f})",
        *music,
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description="Ten visit, five of them slide and one listens, while one trains.")
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    found = [measure(n_workers, options.seconds) for n_workers in (0, N_WORKERS)]
    rows = [list(row) for row in zip(WHAT, *found, strict=True)]
    told(("what", "without workers", f"with {N_WORKERS}"), rows, as_json=options.json)


if __name__ == "__main__":
    main()
