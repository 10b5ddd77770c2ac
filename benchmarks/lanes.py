"""How soon a lane is ready with a house full of visitors: python -m benchmarks.lanes [--seconds 60] [--json]

Starts the app and has visitors slide (--sliding 5) and others on other pages (--walking 10), all by raw sockets. Who
slides touches one slider after the other: asks for its lane as a browser does, the coarse one first; drags for a
second; rests, and asks for the exact answer there; lets go, and waits until the page has answered. A second later
comes the next slider. Who is on another page opens the next one every four seconds. Prints how long it took from the
touch to the coarse lane and to the fine one, and from the hand's rest to the page's answer, medians and 95th
percentiles, with the processor time of the server and its workers for each gesture: that of other programs on the
machine is not in it, the waits for them are.
"""

import argparse
import contextlib
import json
import statistics
import threading
import time
import urllib.request
from dataclasses import dataclass, field

import psutil
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

from benchmarks.figures import UNDEFINED, told
from benchmarks.served import served
from benchmarks.sliding import Hand, seconds_of
from tests.e2e.wire import run, visit

PATIENCE_S = 180.0
DRAG_S, PAUSE_S, STAY_S = 1.0, 1.0, 4.0
NAMES = ("density", "swing", "dynamics", "loudness", "looseness", "syncopation")
PAGES = ("", "map", "train", "about", "complete")


@dataclass
class Waits:
    """Seconds."""

    coarse: list[float] = field(default_factory=list)
    fine: list[float] = field(default_factory=list)
    answer: list[float] = field(default_factory=list)


class Toucher(Hand):
    """A visitor who has lanes."""

    stand = ""

    def _serial(self, found: ForwardMsg) -> int:
        if found.delta.new_element.bidi_component.id == self.bank:
            self.stand = json.loads(found.delta.new_element.bidi_component.json)[0]["stand"]
        return super()._serial(found)

    def open(self) -> None:
        """A first move, which nothing counts: with its answer the page has offered what it stands on."""
        self.move("density", 0.5)

    def ask(self, address: str, name: str, query: str) -> None:
        urllib.request.urlopen(f"{address}/lane/{self.stand}/{name}?{query}", timeout=PATIENCE_S).read()

    def move(self, name: str, place: float) -> None:
        self.serial += 1
        message = BackMsg()
        message.rerun_script.fragment_id = self.fragment
        state = message.rerun_script.widget_states.widgets.add()
        state.id, state.json_value = self.bank, json.dumps({"moved": [[name, self.serial, place]]})
        self.socket.send(message.SerializeToString())
        self._hear(lambda found: self._serial(found) >= self.serial)

    def gesture(self, address: str, n: int, waits: Waits) -> None:
        name, percent = NAMES[n % len(NAMES)], (17 * n + 29 * self.number) % 101
        began = time.perf_counter()
        self.ask(address, name, "coarse")
        waits.coarse.append(time.perf_counter() - began)
        self.ask(address, name, "")
        waits.fine.append(time.perf_counter() - began)
        time.sleep(max(DRAG_S - waits.fine[-1], 0.0))
        began = time.perf_counter()
        self.ask(address, name, f"at={percent}")
        self.move(name, percent / 100)
        waits.answer.append(time.perf_counter() - began)


def slide(address: str, number: int, ready: threading.Barrier, over: threading.Event, waits: Waits) -> None:
    with visit(address) as socket:
        hand = Toucher(socket, number)
        hand.open()
        ready.wait(PATIENCE_S)
        n = number
        while not over.is_set():
            hand.gesture(address, n, waits)
            n += 1
            time.sleep(PAUSE_S)


def walk(address: str, number: int, ready: threading.Barrier, over: threading.Event) -> None:
    with visit(address) as socket:
        run(socket, PAGES[number % len(PAGES)])
        ready.wait(PATIENCE_S)
        n = number
        while not over.wait(STAY_S):
            n += 1
            with contextlib.suppress(TimeoutError):
                run(socket, PAGES[n % len(PAGES)])


def row(name: str, waited: list[float]) -> list[str]:
    p95 = statistics.quantiles(waited, n=20)[-1] if len(waited) > 1 else float("nan")
    return [name, str(len(waited)), f"{statistics.median(waited):.2f} s", f"{p95:.2f} s"]


def main() -> None:
    parser = argparse.ArgumentParser(description="How soon a lane is ready with a house full of visitors.")
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--sliding", type=int, default=5)
    parser.add_argument("--walking", type=int, default=10)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    waits, over = Waits(), threading.Event()
    ready = threading.Barrier(options.sliding + options.walking + 1)
    with served() as app:
        threads = [
            *(
                threading.Thread(target=slide, args=(app.address, i, ready, over, waits))
                for i in range(options.sliding)
            ),
            *(threading.Thread(target=walk, args=(app.address, i, ready, over)) for i in range(options.walking)),
        ]
        for thread in threads:
            thread.daemon = True
            thread.start()
        ready.wait(PATIENCE_S)
        server = psutil.Process(app.pid)
        used = seconds_of(server)
        time.sleep(options.seconds)
        over.set()
        used = seconds_of(server) - used
        for thread in threads:
            thread.join(PATIENCE_S)
    rows = [
        row("from the touch to the coarse lane", waits.coarse),
        row("from the touch to the fine lane", waits.fine),
        row("from the hand's rest to the page's answer", waits.answer),
        [
            "processor time for each gesture, pages of the others included",
            str(len(waits.answer)),
            f"{used / max(len(waits.answer), 1):.2f} s",
            UNDEFINED,
        ],
    ]
    told(("what", "times", "median", "95 of 100"), rows, as_json=options.json)


if __name__ == "__main__":
    main()
