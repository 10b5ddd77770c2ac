"""The process that workers are forked from: python -m rhythmvae.ui.workers.zygote FD [ADDRESS]

It has torch and the shipped model ready, runs one thread and computes nothing but a first groove, so that all a worker
needs lies in memory that they share. On the socket FD it says READY, then forks a worker for each byte that comes with
the worker's own socket, and answers its process id. Who connects to ADDRESS has a training run forked (`forked_runs`).
It ends with the server, whose death closes FD.
"""

from __future__ import annotations

import gc
import os
import select
import signal
import socket
import sys
from collections import OrderedDict
from dataclasses import replace
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING, NoReturn

import psutil

from rhythmvae.ui.workers import forked_runs
from rhythmvae.ui.workers.wire import Answer, Progress, Request, Wanted, receive, send

if TYPE_CHECKING:
    from rhythmvae.model.checkpoint import Checkpoint

READY = b"R"
NICE = 10  # after the pages, before a training (13)
OWN_BYTES = 64 << 20  # of visitors' own models that a worker keeps mapped, beside the one that it computes with
REST_SECONDS = 10.0  # without work, after which a worker lets go of them: they are back in a few hundredths of a second
GROWN_MB = 80  # a worker that holds so much more than it began with ends after its answer


class Models:
    """The shipped model, and others that were asked for last."""

    def __init__(self, shipped: Checkpoint) -> None:
        self._shipped = shipped
        self._own: OrderedDict[str, Checkpoint] = OrderedDict()

    def of(self, request: Request) -> Checkpoint | None:
        """The model of a request; None where it is wanted, or none at all."""
        from rhythmvae.model import mapped

        if request.contents is None:
            return None
        if request.contents == self._shipped.contents:
            return self._shipped
        if request.contents not in self._own:
            if request.model is None:
                return None
            self._own[request.contents] = mapped.opened(*request.model)
        self._own.move_to_end(request.contents)
        while len(self._own) > 1 and sum(map(mapped.size_of, self._own.values())) > OWN_BYTES:
            self._own.popitem(last=False)
        return self._own[request.contents]

    def rest(self) -> None:
        """Hold nothing that can be had again."""
        from rhythmvae.model import lean

        self._own.clear()
        lean.give_back()

    def __len__(self) -> int:
        """Visitors' own."""
        return len(self._own)


def work(wire: Connection, models: Models) -> None:
    """Answer requests until nobody sends any, or until it is too large."""
    began = _own_mb()
    while True:
        try:
            if not wire.poll(REST_SECONDS):
                models.rest()
            request: Request = receive(wire)
            answer = _answer(wire, models, request)
            if isinstance(answer, Answer) and _own_mb() - began > GROWN_MB:
                send(wire, replace(answer, is_last=True))
                return
            send(wire, answer)
            del request, answer  # nor is what they hold, while it waits
        except (EOFError, OSError):
            return


def _answer(wire: Connection, models: Models, request: Request) -> Answer | Wanted:
    try:
        model = models.of(request)
        if model is None and request.contents is not None:
            return Wanted()
        named = dict(request.named)
        if request.tells:
            named["on_progress"] = lambda done, of: send(wire, Progress(done, of))
        return Answer(request.function(model, *request.args, **named))
    except (EOFError, OSError):  # the pages' process is gone
        raise
    except Exception as error:
        return Answer(error=error)


def _own_mb() -> float:
    """Memory that this process holds, in MB of 2^20 bytes, without what files back.

    A fork begins without the pages of torch's files, maps them as it comes to them, and shares them with all others:
    28 to 38 MB in a first groove, and perhaps more where the system maps large pages.
    """
    held = psutil.Process().memory_info()
    return float(held.rss - getattr(held, "shared", 0)) / (1 << 20)  # only Linux tells what is shared


def _die_with_parent() -> None:
    """In the middle of a groove too. Elsewhere than on Linux a worker ends once it has answered nobody."""
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(1, int(signal.SIGKILL))


def _ready() -> Models:
    import torch

    from rhythmvae.data.examples import example
    from rhythmvae.model import checkpoint, generate, lanes, lean

    torch.set_num_threads(1)
    shipped = checkpoint.shipped()  # a training's, too
    if shipped.own_prior is not None:
        # What these import and plan is shared, too.
        disco = example("disco")
        generate.vary(shipped, disco, asked={"density": 0.9})
        lanes.slider_lane(shipped, disco, "density", perturbed=generate.perturb(shipped, disco), asked={})
    gc.collect()
    lean.give_back()
    gc.freeze()  # a collection would write to every page
    return Models(shipped)


def main(descriptor: int, address: str = "") -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    control = socket.socket(fileno=descriptor)
    # Before torch is there: who comes waits, instead of bringing it a second time.
    doors = [forked_runs.listening(address)] if address else []
    models = _ready()
    os.nice(NICE)  # not before: who comes meanwhile waits for it
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for workers
    try:
        control.sendall(READY)
        while True:
            waiting, _, _ = select.select([control, *doors], [], [])
            if control in waiting:
                own = _received(control)
                if not own:
                    return
                pid = os.fork()
                if pid == 0:
                    _become_child(control, *doors)
                    _run(own[0], models)
                os.close(own[0])
                control.sendall(pid.to_bytes(4, "little"))
            elif (order := forked_runs.taken(doors[0])) is not None:
                if os.fork() == 0:
                    _become_child(control, *doors)
                    forked_runs.live(order)
                order.close()
    except OSError:
        pass


def _become_child(*of_zygote: socket.socket) -> None:
    for each in of_zygote:
        each.close()
    _die_with_parent()


def _received(control: socket.socket) -> list[int]:
    """The descriptor of a new worker's socket; nothing once the server is gone."""
    return list(socket.recv_fds(control, 1, 1)[1])


def _run(descriptor: int, models: Models) -> NoReturn:
    """A worker's life."""
    code = 1
    try:
        work(Connection(descriptor), models)
        code = 0
    finally:
        os._exit(code)  # nothing of the zygote's is to be ended by it


if __name__ == "__main__":
    main(int(sys.argv[1]), *sys.argv[2:])
