"""Three train one after another, then one clears the caches while others train and slide: python -m benchmarks.waiting

Starts the app and visits it over raw sockets, as the pages' own script would. First somebody trains on the built-in
patterns alone. Then three press Train one after the other, and the first closes the page when the model is ready:
prints what each was told, in which place, and what came true; and how long the second had to wait from the
moment that the first's model was ready. Last somebody trains, somebody slides and a client sends the message behind
"Clear cache" all the time: prints the slider's answers without and with that client, how many trained at once and
whether the run was ever gone from its owner's page. Needs what `make test` installs, no browser.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import re
import statistics
import sys
import tempfile
import threading
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import psutil
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.sync.client import ClientConnection

from benchmarks.sliding import REST_S, Hand
from rhythmvae.data.examples import EXAMPLES, example
from rhythmvae.midi.write import write_midi
from rhythmvae.store.database import ENVIRONMENT, NOTHING
from rhythmvae.ui.parts.dataset import FOLDER_VARIABLE
from tests.e2e.serving import running_app
from tests.e2e.wire import clear_caches, visit

PATIENCE_S = 1_800.0
POLL_S = 1.0  # as the page does
CLEAR_EVERY_S = 0.02
SLIDE_S = 30.0  # before anybody clears
SHARE = 1 / 3  # by which a time may be off
ROUNDED_S = 5.0  # to which times are said
_TIME = re.compile(r"You can play with (?:it|your model) in about ([\d,]+) (s|min)")
_PLACE = re.compile(r"yours is (next|number (\d+))")


@dataclass
class Told:
    """What a page said at a moment: seconds until the model, place in the line; None where it said none."""

    at: float
    seconds: float | None
    place: int | None


@dataclass
class Visit:
    """One who trains. Times by `time.monotonic`; `missed`: polls that showed neither a run nor a model."""

    name: str
    pressed: float = 0.0
    ready: float = 0.0
    told: list[Told] = field(default_factory=list)
    missed: int = 0

    @property
    def took(self) -> float:
        return self.ready - self.pressed

    def off(self) -> list[float]:
        """By which share of what came each time was off that was said a while before."""
        rows = [(said.seconds, self.ready - said.at) for said in self.told if said.seconds is not None]
        return [max(0.0, abs(said - came) - ROUNDED_S) / came for said, came in rows if came > 2 * ROUNDED_S]

    def said_first(self) -> float | None:
        """Seconds until the model, as first said once it was queued."""
        return next((said.seconds for said in self.told if said.seconds is not None), None)

    def places(self) -> list[int]:
        """Those it was told, in order."""
        return list(dict.fromkeys(said.place for said in self.told if said.place is not None))


class Trainer:
    """A page that trains on the built-in patterns."""

    def __init__(self, socket: ClientConnection, name: str) -> None:
        self.socket, self.visit = socket, Visit(name)
        self.button = self.fragment = self.words = ""
        message = BackMsg()
        message.rerun_script.page_name = "train"
        self._send(message)
        while not self.button:
            self._hear()

    def press(self) -> None:
        message = BackMsg()
        message.rerun_script.page_name = "train"
        state = message.rerun_script.widget_states.widgets.add()
        state.id, state.trigger_value = self.button, True
        self.visit.pressed = time.monotonic()
        self._send(message)
        while not self.fragment:
            self._hear()

    def is_waiting(self) -> bool:
        """Ask once, as the page does every second: whether there is no model yet."""
        self.words = ""
        message = BackMsg()
        message.rerun_script.page_name = "train"
        message.rerun_script.fragment_id, message.rerun_script.is_auto_rerun = self.fragment, True
        self._send(message)
        self._hear()
        if "ready to use" in self.words or "is in use" in self.words:
            self.visit.ready = time.monotonic()
        elif self.words:
            self.visit.told.append(_told(self.words))
        else:
            self.visit.missed += 1
        return not self.visit.ready

    def until_ready(self) -> None:
        end = time.monotonic() + PATIENCE_S
        while self.is_waiting():
            if time.monotonic() > end:
                raise TimeoutError(f"{self.visit.name} has no model; its page says {self.words!r}")
            time.sleep(POLL_S)

    def _send(self, message: BackMsg) -> None:
        self.socket.send(message.SerializeToString())

    def _hear(self) -> None:
        """All that comes until a script has finished, of a page or of its fragment."""
        while True:
            data = self.socket.recv(timeout=PATIENCE_S)
            assert isinstance(data, bytes)
            found = ForwardMsg.FromString(data)
            kind = found.WhichOneof("type")
            if kind == "auto_rerun":
                self.fragment = found.auto_rerun.fragment_id
            elif kind == "delta":
                self._take(found)
            elif kind == "script_finished" and found.script_finished != ForwardMsg.FINISHED_EARLY_FOR_RERUN:
                return

    def _take(self, found: ForwardMsg) -> None:
        element = found.delta.new_element
        kind = element.WhichOneof("type")
        if kind == "exception":
            raise RuntimeError(element.exception.message)
        if kind == "button" and element.button.label == "Train":
            self.button = element.button.id
        if kind == "markdown" and (_TIME.search(element.markdown.body) or "ready to use" in element.markdown.body):
            self.words = element.markdown.body


def _told(words: str) -> Told:
    seconds, place = _TIME.search(words), _PLACE.search(words)
    return Told(
        time.monotonic(),
        None if seconds is None else float(seconds[1].replace(",", "")) * (60 if seconds[2] == "min" else 1),
        None if place is None else int(place[2] or 1),
    )


# -- three in a line -----------------------------------------------------------


def train_alone(address: str, name: str = "alone") -> Visit:
    """Train with a page of one's own, which is closed when the model is ready."""
    with visit(address) as socket:
        trainer = Trainer(socket, name)
        trainer.press()
        trainer.until_ready()
        return trainer.visit


def three_in_a_line(address: str) -> list[Visit]:
    """The first, who leaves, the second and the third."""
    with contextlib.ExitStack() as pages:
        trainers = []
        for name in ("first", "second", "third"):
            trainers.append(Trainer(pages.enter_context(visit(address)), name))
            trainers[-1].press()
        waiting = list(trainers)
        while waiting:
            for trainer in list(waiting):
                if not trainer.is_waiting():
                    waiting.remove(trainer)
                    trainer.socket.close()
            time.sleep(POLL_S)
        return [trainer.visit for trainer in trainers]


def say(found: Visit, alone: float) -> bool:
    """A line for people; whether its first time came true within a third."""
    first, off = found.said_first(), found.off()
    within = sum(each <= SHARE for each in off) / max(1, len(off))
    print(
        f"{found.name}: places {found.places() or '-'}, model after {found.took:.0f} s ({found.took / alone:.1f} times "
        f"alone); first told {first} s; of {len(off)} times told {within:.0%} came true within a third, "
        f"the worst was off by {max(off, default=0):.0%}; {found.missed} polls without an answer",
        flush=True,
    )
    return first is not None and abs(first - found.took) <= SHARE * found.took + ROUNDED_S


# -- caches cleared all the time -----------------------------------------------


class Trainings(threading.Thread):
    """The most processes that train at once below this one."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.most, self.over = 0, threading.Event()

    def run(self) -> None:
        while not self.over.wait(0.5):
            self.most = max(self.most, sum(map(_trains, psutil.Process().children(recursive=True))))


def _trains(process: psutil.Process) -> bool:
    with contextlib.suppress(psutil.Error):
        return "--journal" in process.cmdline() and "-c" not in process.cmdline()
    return False


def clear(address: str, over: threading.Event) -> None:
    """Send the message behind "Clear cache" all the time, and read what comes."""
    with visit(address) as socket:
        while not over.wait(CLEAR_EVERY_S):
            clear_caches(socket, 1)
            with contextlib.suppress(TimeoutError):
                socket.recv(timeout=0)


def slide(address: str, over: threading.Event, hands: list[Hand]) -> None:
    with visit(address) as socket:
        hand = Hand(socket, 0)
        hand.drag()  # the first finds nothing ready
        hand.waited.clear()
        hands.append(hand)
        while not over.wait(REST_S):
            hand.drag()


def cleared(address: str) -> dict[str, Any]:
    """One trains, one slides, and from half a minute later on one clears the caches."""
    over, hands, trainings = threading.Event(), list[Hand](), Trainings()
    threads = [threading.Thread(target=slide, args=(address, over, hands), daemon=True), trainings]
    with visit(address) as socket:
        trainer = Trainer(socket, "trainer")
        for thread in threads:
            thread.start()
        trainer.press()
        began = time.monotonic()
        while time.monotonic() - began < SLIDE_S or not hands:
            trainer.is_waiting()
            time.sleep(POLL_S)
        n_before = len(hands[0].waited)
        clearing = threading.Thread(target=clear, args=(address, over), daemon=True)
        clearing.start()
        began = time.monotonic()
        trainer.visit.ready = 0.0
        while trainer.is_waiting() or time.monotonic() - began < SLIDE_S:
            time.sleep(POLL_S)
        over.set()
        trainings.over.set()
        for thread in (*threads, clearing):
            thread.join(60)
    before, after = hands[0].waited[:n_before], hands[0].waited[n_before:]
    return {
        "without": _spread(before),
        "with": _spread(after),
        "most_trainings": trainings.most,
        "missed": trainer.visit.missed,
        "took": trainer.visit.took,
    }


def _spread(seconds: list[float]) -> dict[str, float]:
    return {"n": len(seconds), "median": statistics.median(seconds or [0.0]), "most": max(seconds, default=0.0)}


# -- all of it -----------------------------------------------------------------


def _offered(folder: Path) -> Path:
    """The folder, with the built-in patterns in it as one's own: nobody trains on them unasked."""
    data = folder / "data"
    data.mkdir()
    for name in EXAMPLES:
        (data / f"{name}.mid").write_bytes(write_midi(example(name)))
    os.environ[FOLDER_VARIABLE] = str(data)
    return folder


def main() -> None:
    parser = argparse.ArgumentParser(description="Three train one after another, then one clears the caches.")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    os.environ[ENVIRONMENT] = NOTHING
    with tempfile.TemporaryDirectory() as folder, running_app(_offered(Path(folder)) / "log.txt") as address:
        alone = train_alone(address)
        say(alone, alone.took)
        line = three_in_a_line(address)
        came_true = [say(each, alone.took) for each in line]
        second = (line[1].ready - line[0].ready) / alone.took
        print(f"the second has its model {second:.1f} times the time alone after the first's is ready", flush=True)
        found = cleared(address)
        for name in ("without", "with"):
            row = found[name]
            print(
                f"{name} cleared caches: {row['n']} slider's answers, {row['median']:.2f} s, most {row['most']:.2f} s"
            )
        print(f"at most {found['most_trainings']} trained at once; the run was missing {found['missed']} times")
    if options.json:
        print(json.dumps({"alone": asdict(alone), "line": [asdict(each) for each in line], "cleared": found}))
    sys.exit(second > 2 or not all(came_true) or found["most_trainings"] > 1 or found["missed"] > 0)


if __name__ == "__main__":
    main()
