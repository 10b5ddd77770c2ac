"""Five slide while one trains, without and with workers: python -m benchmarks.sliding [--people 5] [--seconds 60]

Starts the app twice, first with RHYTHMVAE_WORKERS=0, and visits it over raw sockets. Each visitor opens the variations
page and drags a slider, four moves in a third of a second, waits for the answer to the last, and drags on half a second
later; beside them the built-in patterns are trained on, at the priority that the app trains at. Prints what the
answers took, how many there were, the processor time of the server and of its workers for each, the share of a core
that the training had, and the most memory that all of it held together (proportional set size, Linux). The machine's
load is everybody's: compare the two of one run. Needs what `make test` installs, no browser.
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

import psutil
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.sync.client import ClientConnection

from benchmarks.crowd import Memory
from rhythmvae.data.examples import EXAMPLES, example
from rhythmvae.midi.write import write_midi
from rhythmvae.ui.session.computing import SETTING
from rhythmvae.ui.workers.pool import N_WORKERS
from tests.e2e.serving import running_app
from tests.e2e.wire import visit

PATIENCE_S = 180.0
MOVES, BETWEEN_S, REST_S = 4, 0.1, 0.5
BANK = "-sliders"  # how the id of the measured sliders ends
TRAINING_NICE = 15


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


@contextlib.contextmanager
def training(folder: Path):  # type: ignore[no-untyped-def]
    """Somebody's training, as the app would run it."""
    data = folder / "data"
    data.mkdir()
    for name in EXAMPLES:
        (data / f"{name}.mid").write_bytes(write_midi(example(name)))
    command = ["nice", "-n", str(TRAINING_NICE), sys.executable, "-m", "rhythmvae", "train", str(data)]
    process = subprocess.Popen(
        [*command, "--out", str(folder / "model.safetensors"), "--epochs", "100000"],
        stdout=subprocess.DEVNULL,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )
    try:
        yield psutil.Process(process.pid)
    finally:
        process.kill()
        process.wait()


def seconds_of(process: psutil.Process) -> float:
    """Processor time of a process and those below it that live."""
    found = 0.0
    for each in (process, *process.children(recursive=True)):
        with contextlib.suppress(psutil.Error):
            found += sum(each.cpu_times()[:2])
    return found


def measure(n_workers: int, people: int, seconds: float) -> None:
    os.environ[SETTING] = str(n_workers)
    with tempfile.TemporaryDirectory() as folder, running_app(Path(folder) / "log.txt") as address:
        server = psutil.Process().children()[-1]
        over, ready, hands = threading.Event(), threading.Barrier(people + 1), list[Hand]()
        threads = [
            threading.Thread(target=slide, args=(address, i, ready, over, hands), daemon=True) for i in range(people)
        ]
        for thread in threads:
            thread.start()
        with training(Path(folder)) as trained:
            memory = Memory(os.getpid())
            memory.start()
            ready.wait(PATIENCE_S)
            began, used, share = time.perf_counter(), seconds_of(server), seconds_of(trained)
            time.sleep(seconds)
            used, share = seconds_of(server) - used, seconds_of(trained) - share
            took = time.perf_counter() - began
            over.set()
            for thread in threads:
                thread.join(PATIENCE_S)
            memory.over.set()
            memory.join()
        waited = [each for hand in hands for each in hand.waited]
        p95 = statistics.quantiles(waited, n=20)[-1]
        least = min(len(hand.waited) for hand in hands)
        print(
            f"{n_workers} workers: a slider's answer {statistics.median(waited):.2f} s in the median, 95 % below "
            f"{p95:.2f} s; {len(waited)} answers in {took:.0f} s, {least} to the visitor who had fewest; "
            f"{used / max(len(waited), 1):.2f} s of a core each; the training had {share / took:.2f} of a core; "
            f"{memory.most:.0f} MB at most, this benchmark's own included",
            flush=True,
        )


def main() -> None:
    parser = argparse.ArgumentParser(description="Five slide while one trains, without and with workers.")
    parser.add_argument("--people", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=60.0)
    options = parser.parse_args()
    for n_workers in (0, N_WORKERS):
        measure(n_workers, options.people, options.seconds)


if __name__ == "__main__":
    main()
