"""Three train one after another, then one clears the caches while others train and slide: python -m benchmarks.waiting

Starts the app and visits it over raw sockets, as the pages' own script would. First somebody trains on the built-in
patterns alone. Then three press Train one after the other, and the first closes the page when the model is ready:
prints what each was told, in which place, and what came true; and how long the second had to wait from the
moment that the first's model was ready. Last somebody trains, somebody slides and a client sends the message behind
"Clear cache" all the time: prints the slider's answers without and with that client, how many trained at once and
whether the run was ever gone from its owner's page. A run that fails, a page that does not answer within a minute and a
model that is not there after --patience minutes end it with what the page showed last and which processes trained.
Trainings are the shortest that the page offers; with --usual as long as it has them by itself.
Needs what `make test` installs, no browser.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import re
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.sync.client import ClientConnection

from benchmarks.figures import UNDEFINED, told
from benchmarks.sliding import REST_S, Hand
from rhythmvae.data.examples import EXAMPLES, example
from rhythmvae.midi.write import write_midi
from rhythmvae.store.database import ENVIRONMENT, NOTHING
from rhythmvae.ui.parts.dataset import FOLDER_VARIABLE
from tests.e2e.serving import running_app
from tests.e2e.wire import clear_caches, visit

PATIENCE_S = 900.0  # for a model; --patience
ANSWER_S = 60.0  # for an answer of a page: to ask for a part of it that is gone is answered by nothing
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


class NoModelError(Exception):
    """A run that failed, or that nobody heard of any more."""


class Trainer:
    """A page that trains on the built-in patterns."""

    def __init__(self, socket: ClientConnection, name: str, is_short: bool = False) -> None:
        self.socket, self.visit, self.is_short = socket, Visit(name), is_short
        self.button = self.fragment = self.words = self.page = ""
        self.slider = ("", "")  # its id, and the shortest training that it offers
        self.alerts: list[str] = []  # of the page's last run
        self.has_model = False  # the page offers one to be used
        self._ask()
        self._until(lambda: bool(self.button or self.fragment), "a button to train, or a run")
        if self.is_short and self.button:  # the button trains as the page stood when it was drawn
            self.button = ""
            self._ask()
            self._until(lambda: bool(self.button), "a button for a short training")

    def press(self) -> None:
        self.visit.pressed = time.monotonic()
        self._ask(self.button)
        self._until(lambda: bool(self.fragment), "a run")

    def is_waiting(self) -> bool:
        """Ask once, as the page does every second: whether there is no model yet.

        Raises:
            NoModelError: there will be none.
        """
        self.words = ""
        self._ask(fragment=self.fragment)
        self._hear()
        if "ready to use" in self.words or any("is in use" in alert for alert in self.alerts):
            self.visit.ready = time.monotonic()
        elif self.words:
            self.visit.told.append(_told(self.words))
        elif self.fragment:
            self.visit.missed += 1
        else:  # the page was drawn anew without the part that tells of a run
            raise NoModelError(self._said("no run any more"))
        return not self.visit.ready

    def until_ready(self, patience: float) -> None:
        end = time.monotonic() + patience
        while self.is_waiting():
            if time.monotonic() > end:
                raise NoModelError(self._said(f"no model after {patience:.0f} s"))
            time.sleep(POLL_S)

    def _ask(self, button: str = "", fragment: str = "") -> None:
        """Have the page's script run, or a part of the page; with a button pressed."""
        message = BackMsg()
        if self.page:  # as the browser says it: a part that has all of its page drawn anew means this one
            message.rerun_script.page_script_hash = self.page
        else:
            message.rerun_script.page_name = "train"
        if self.is_short and self.slider[0]:
            state = message.rerun_script.widget_states.widgets.add()
            state.id = self.slider[0]
            state.string_array_value.data.append(self.slider[1])
        if button:
            state = message.rerun_script.widget_states.widgets.add()
            state.id, state.trigger_value = button, True
        if fragment:
            message.rerun_script.fragment_id, message.rerun_script.is_auto_rerun = fragment, True
        self.socket.send(message.SerializeToString())

    def _until(self, holds: Callable[[], bool], what: str) -> None:
        end = time.monotonic() + ANSWER_S
        while not holds():
            if time.monotonic() > end:
                raise NoModelError(self._said(f"no {what}"))
            self._hear()

    def _hear(self) -> None:
        """All that comes until a script has finished, of a page or of its fragment."""
        while True:
            try:
                data = self.socket.recv(timeout=ANSWER_S)
            except TimeoutError:
                raise NoModelError(self._said("no answer")) from None
            assert isinstance(data, bytes)
            found = ForwardMsg.FromString(data)
            kind = found.WhichOneof("type")
            if kind == "new_session" and not found.metadata.run.fragment_ids:
                self.fragment, self.alerts = "", []  # the whole page
                self.page = found.new_session.page_script_hash
            elif kind == "navigation":  # what a page's name led to
                self.page = found.navigation.page_script_hash
            elif kind == "auto_rerun":
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
        if kind == "slider" and element.slider.label == "How long":
            self.slider = element.slider.id, element.slider.options[0]
        if kind == "button" and element.button.label == "Use it on all pages":
            self.has_model = True
        if kind == "alert":
            self.alerts.append(element.alert.body)
        if kind == "markdown" and (_TIME.search(element.markdown.body) or "ready to use" in element.markdown.body):
            self.words = element.markdown.body

    def _said(self, what: str) -> str:
        last = self.visit.told[-1] if self.visit.told else None
        running = len(trainings())
        return (
            f"{self.visit.name}: {what}. The page's words {self.words!r}, what stands in its boxes {self.alerts}, "
            f"last told {last}, {running} processes train."
        )


def _told(words: str) -> Told:
    seconds, place = _TIME.search(words), _PLACE.search(words)
    return Told(
        time.monotonic(),
        None if seconds is None else float(seconds[1].replace(",", "")) * (60 if seconds[2] == "min" else 1),
        None if place is None else int(place[2] or 1),
    )


# -- three in a line -----------------------------------------------------------


def train_alone(address: str, patience: float, is_short: bool) -> Visit:
    """Train with a page of one's own, which is closed when the model is ready."""
    with visit(address) as socket:
        trainer = Trainer(socket, "alone", is_short)
        trainer.press()
        trainer.until_ready(patience)
        return trainer.visit


def three_in_a_line(address: str, patience: float, is_short: bool) -> list[Visit]:
    """The first, who leaves, the second and the third."""
    with contextlib.ExitStack() as pages:
        trainers = []
        for name in ("first", "second", "third"):
            trainers.append(Trainer(pages.enter_context(visit(address)), name, is_short))
            trainers[-1].press()
        waiting, end = list(trainers), time.monotonic() + 3 * patience
        while waiting:
            if time.monotonic() > end:
                raise NoModelError(f"after {3 * patience:.0f} s still without a model: {[t.visit for t in waiting]}")
            for trainer in list(waiting):
                if not trainer.is_waiting():
                    waiting.remove(trainer)
                    trainer.socket.close()
            time.sleep(POLL_S)
        return [trainer.visit for trainer in trainers]


def came_true(found: Visit) -> bool:
    """Whether its first time did within a third."""
    first = found.said_first()
    return first is not None and abs(first - found.took) <= SHARE * found.took + ROUNDED_S


def row(found: Visit, alone: float) -> list[str]:
    off, first = found.off(), found.said_first()
    within = sum(each <= SHARE for each in off) / max(1, len(off))
    return [
        f"{found.name}: model after",
        f"{found.took:.0f} s, {found.took / alone:.1f} times alone",
        "never told" if first is None else f"first told {first:.0f} s",
        f"places {', '.join(map(str, found.places())) or UNDEFINED}",
        f"{within:.0%} of {len(off)}, worst {max(off, default=0):.0%}",
    ]


# -- caches cleared all the time -----------------------------------------------


class Trainings(threading.Thread):
    """The most processes that train at once below this one."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.most, self.over = 0, threading.Event()

    def run(self) -> None:
        while not self.over.wait(0.5):
            self.most = max(self.most, len(trainings()))


def trainings() -> list[psutil.Process]:
    """Processes below this one that train."""
    return [process for process in psutil.Process().children(recursive=True) if _trains(process)]


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


def cleared(address: str, patience: float, is_short: bool) -> dict[str, Any]:
    """One trains, one slides, and from half a minute later on one clears the caches."""
    over, hands, count = threading.Event(), list[Hand](), Trainings()
    threads = [threading.Thread(target=slide, args=(address, over, hands), daemon=True), count]
    with visit(address) as socket:
        trainer = Trainer(socket, "trainer", is_short)
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
            if time.monotonic() - began > patience:
                raise NoModelError(f"no model after {patience:.0f} s of clearing: {trainer.visit}")
            time.sleep(POLL_S)
        over.set()
        count.over.set()
        for thread in (*threads, clearing):
            thread.join(60)
    before, after = hands[0].waited[:n_before], hands[0].waited[n_before:]
    return {
        "without": _spread(before),
        "with": _spread(after),
        "most_trainings": count.most,
        "missed": trainer.visit.missed,
        "took": trainer.visit.took,
    }


def _spread(seconds: list[float]) -> dict[str, float]:
    return {"n": len(seconds), "median": statistics.median(seconds or [0.0]), "most": max(seconds, default=0.0)}


# -- all of it -----------------------------------------------------------------


def offered(folder: Path) -> Path:
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
    parser.add_argument("--patience", type=float, default=PATIENCE_S / 60, help="minutes for a model")
    parser.add_argument("--usual", action="store_true", help="as long as the page has it, not the shortest it offers")
    options = parser.parse_args()
    os.environ[ENVIRONMENT] = NOTHING
    try:
        _measured(60 * options.patience, not options.usual, options.json)
    except NoModelError as error:
        sys.exit(str(error))


def _measured(patience: float, is_short: bool, as_json: bool) -> None:
    """All of it; exits with 1 where something is not as it should be."""
    with tempfile.TemporaryDirectory() as folder, running_app(offered(Path(folder)) / "log.txt") as address:
        alone = train_alone(address, patience, is_short)
        line = three_in_a_line(address, patience, is_short)
        found = cleared(address, patience, is_short)
    second = (line[1].ready - line[0].ready) / alone.took
    rows = [row(each, alone.took) for each in (alone, *line)]
    rows.append(["the second's model after the first's", f"{second:.1f} times alone", *[UNDEFINED] * 3])
    for name in ("without", "with"):
        own = found[name]
        spread = [f"{own['median']:.2f} s", f"most {own['most']:.2f} s", str(own["n"])]
        rows.append([f"a slider's answer {name} cleared caches", *spread, UNDEFINED])
    rows.append(["trained at once, at most", str(found["most_trainings"]), *[UNDEFINED] * 3])
    missed = sum(each.missed for each in (alone, *line)) + found["missed"]
    rows.append(["looks at which a run was missing", str(missed), *[UNDEFINED] * 3])
    told(("what", "figure", "", "", "times told that came true within a third"), rows, as_json=as_json)
    sys.exit(second > 2 or not all(map(came_true, line)) or found["most_trainings"] > 1 or missed > 0)


if __name__ == "__main__":
    main()
