"""The pages' side of the workers: a line in which each visitor has turns, and what happens when one dies."""

from __future__ import annotations

import contextlib
import logging
import os
import secrets
import select
import signal
import socket
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection
from threading import Condition, Lock
from typing import Any

from rhythmvae.errors import RhythmVAEError
from rhythmvae.resources import ROOT
from rhythmvae.ui.workers import room, stand_in
from rhythmvae.ui.workers.line import LOOK_SECONDS, Line, Ticket, Who, wait
from rhythmvae.ui.workers.wire import Answer, Lent, Progress, Request, Wanted, receive, send
from rhythmvae.ui.workers.zygote import READY

IS_POSSIBLE = hasattr(os, "fork") and hasattr(socket, "send_fds") and sys.platform != "darwin"
N_WORKERS = 2
N_STARTS = 3  # of the zygote, within FORGIVEN_SECONDS: where it cannot live, pages compute by themselves
FORGIVEN_SECONDS = 3_600.0  # so a server that lives for weeks has workers again after deaths that are long ago
N_TRIES = 2
ANSWER_SECONDS = 300.0  # a worker that takes longer is ended
START_SECONDS = 180.0  # the same for the process that forks them: on two busy cores it has taken one minute
_COMMAND = (sys.executable, "-m", "rhythmvae.ui.workers.zygote")
_ONE_THREAD = {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
_LOG = logging.getLogger(__name__)


class NoWorkersError(Exception):
    """There are none, or none any more: compute it here."""


class NoAnswerError(RhythmVAEError):
    """Workers died over a request."""


def _nothing(*_: object) -> None:
    pass


class Zygote:
    """The process that forks workers, and training runs for who knows its address."""

    def __init__(self, command: Sequence[str] = _COMMAND, address: str = "") -> None:
        """Raises OSError: it cannot be started."""
        self._control, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                [*command, str(theirs.fileno()), *([address] if address else ())],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
                cwd=ROOT,
                env=os.environ | _ONE_THREAD,
                process_group=0,  # Ctrl-C in the server's terminal is not meant for it
            )
        self._is_ready = False

    @property
    def pid(self) -> int:
        return self._process.pid

    def is_ready(self) -> bool:
        """Raises OSError: it has died."""
        if not self._is_ready and select.select([self._control], [], [], 0)[0]:
            if self._control.recv(1) != READY:
                raise OSError("the process that forks workers has died")
            self._is_ready = True
        return self._is_ready

    def fork(self) -> Worker:
        """Raises OSError: it has died."""
        ours, theirs = socket.socketpair()
        with ours, theirs:
            socket.send_fds(self._control, [b"F"], [theirs.fileno()])
            self._control.settimeout(10.0)
            data = self._control.recv(4, socket.MSG_WAITALL)
            if len(data) < 4:
                raise OSError("the process that forks workers has died")
            return Worker(int.from_bytes(data, "little"), Connection(ours.detach()))

    def close(self) -> None:
        self._control.close()
        with contextlib.suppress(OSError):
            self._process.kill()
        self._process.wait()


class Worker:
    """One worker, for one request at a time."""

    def __init__(self, pid: int, wire: Connection) -> None:
        self.pid, self._wire = pid, wire
        self._end = _ending(pid)

    def answer(
        self, request: Request, model: Callable[[], Lent], look: Callable[[], None], tell: Callable[[int, int], None]
    ) -> Answer:
        """Arguments as for `Pool.ask`. Raises EOFError or OSError: it died, or took too long."""
        end = time.monotonic() + ANSWER_SECONDS
        send(self._wire, request)
        while True:
            look()
            if not self._wire.poll(LOOK_SECONDS):
                if time.monotonic() > end:
                    raise OSError("a worker took too long")
                continue
            match receive(self._wire):
                case Answer() as answer:
                    return answer
                case Progress(done, of):
                    tell(done, of)
                case Wanted():
                    send(self._wire, replace(request, model=model()))

    def is_alive(self) -> bool:
        """Of one that waits for work: it says nothing, but for the end of its wire."""
        return not self._wire.poll(0)

    def kill(self) -> None:
        """End it; nothing happens where it has gone by itself, or where this has been called before."""
        self._wire.close()
        end, self._end = self._end, lambda: None
        end()


def _ending(pid: int) -> Callable[[], None]:
    """What ends a process, once.

    A worker that has gone is reaped at once, and its number is free for others: a training run, say. A descriptor of
    the process stands for no other. Where the system has none, the number has to do.
    """
    try:
        process = os.pidfd_open(pid)
    except ProcessLookupError:
        return lambda: None
    except (AttributeError, OSError):
        return lambda: _sent(lambda: os.kill(pid, signal.SIGKILL))

    def end() -> None:
        _sent(lambda: signal.pidfd_send_signal(process, signal.SIGKILL))
        os.close(process)

    return end


def _sent(send: Callable[[], None]) -> None:
    with contextlib.suppress(ProcessLookupError):  # it has gone by itself
        send()


@dataclass(frozen=True)
class State:
    """Of a pool: the process that forks, None where there is none; what each busy worker computes, by the functions'
    names; workers that wait for work, and requests that wait for a worker."""

    zygote: int | None
    doing: tuple[str, ...]
    n_idle: int
    n_waiting: int


class Pool:
    """Workers, started when they are first asked for. Safe for threads."""

    def __init__(self, n_workers: int = N_WORKERS, start: Callable[[], Zygote] | None = None) -> None:
        self._n_workers = n_workers
        self._start = start or (lambda: Zygote(address=self._address))
        # Where the process that forks workers is asked for training runs, too.
        self._address = secrets.token_hex(16) if n_workers and IS_POSSIBLE and sys.platform == "linux" else ""
        self._changed = Condition(Lock())
        self._line = Line()
        self._zygote: Zygote | None = None
        self._starts: deque[float] = deque(maxlen=N_STARTS)  # of the zygote: when each was
        self._idle: list[Worker] = []
        self._doing: dict[Worker, str] = {}  # those that are busy

    def command(self, own: Sequence[str]) -> tuple[str, ...]:
        """What has `rhythmvae ...` run in a fork of the process that forks workers, where there is one.

        Args:
            own: the command otherwise; where it is none of the package, it stays.
        """
        if not self._address or tuple(own) != stand_in.COMMAND:
            return tuple(own)
        return sys.executable, "-I", "-S", stand_in.__file__, self._address

    def begin(self) -> bool:
        """Have workers ready soon. Whether there are any now."""
        with self._changed:
            return self._is_ready()

    def ask(
        self,
        who: Who,
        request: Request,
        model: Callable[[], Lent],
        look: Callable[[bool], None] = _nothing,
        tell: Callable[[int, int], None] = _nothing,
        *,
        can_wait: bool = False,
    ) -> Any:
        """What comes of a request. The first waits for the process that forks workers, which takes seconds.

        Args:
            who: whose turn it takes.
            model: the request's, for a worker that lacks it.
            look: called twenty times a second with whether the work has begun; what it raises withdraws the request,
                which is then never begun, or ends with its worker.
            tell: called with (parts done, parts) by what reports it.
            can_wait: it is done when nobody waits for anything else, and leaves one worker free for who comes.

        Raises:
            NoWorkersError: it has to be computed here.
            NoAnswerError: two workers died over it.
            Exception: what the function raised.
        """
        for _ in range(N_TRIES):
            worker = self._turn(who, request, look, can_wait)
            try:
                answer = worker.answer(request, model, lambda: look(True), tell)
            except (EOFError, OSError):
                _LOG.warning("a worker has died")
                self._give_back(worker, ends=True)
                continue
            except BaseException:
                self._give_back(worker, ends=True)
                raise
            if answer.is_last:
                _LOG.info("a worker has grown and is replaced")
            self._give_back(worker, ends=answer.is_last)
            if answer.error is not None:
                raise answer.error
            return answer.value
        raise NoAnswerError(
            "This could not be computed: the process that does it ended twice, most likely for want of memory. "
            "Try fewer bars, or again in a minute."
        )

    def close(self) -> None:
        """End all of them. The next request starts them again."""
        with self._changed:
            for worker in self._idle:
                worker.kill()
            self._idle.clear()
            if self._zygote is not None:
                self._zygote.close()
                self._zygote = None

    def pids(self) -> list[int]:
        """Of workers that wait for work."""
        with self._changed:
            return [worker.pid for worker in self._idle]

    def state(self) -> State:
        """What it does now."""
        with self._changed:
            pid = None if self._zygote is None else self._zygote.pid
            return State(pid, tuple(self._doing.values()), len(self._idle), len(self._line))

    def _turn(self, who: Who, request: Request, look: Callable[[bool], None], can_wait: bool) -> Worker:
        """A worker of one's own, after those whose turn is before."""

        def take(ticket: Ticket) -> Worker | None:
            if not self._is_ready():
                if self._zygote is None:
                    raise NoWorkersError
                return None  # it is on its way
            n_busy = len(self._doing) + (can_wait and self._n_workers > 1)
            if n_busy >= self._n_workers or self._line.first() is not ticket:
                return None
            worker = self._free_worker()
            self._line.serve(ticket)
            self._doing[worker] = request.function.__name__
            self._changed.notify_all()  # there may be another for the next
            return worker

        return wait(self._line, self._changed, who, look, take, can_wait)

    def _give_back(self, worker: Worker, ends: bool) -> None:
        with self._changed:
            del self._doing[worker]
            if ends or self._zygote is None:
                worker.kill()
            else:
                self._idle.append(worker)
            self._changed.notify_all()

    # -- under the lock --------------------------------------------------------

    def _is_ready(self) -> bool:
        try:
            if self._n_workers and IS_POSSIBLE and self._zygote is None and self._may_start and room.is_there():
                self._starts.append(time.monotonic())
                self._zygote = self._start()
            if self._zygote is None or self._zygote.is_ready():
                return self._zygote is not None
            if time.monotonic() - self._starts[-1] > START_SECONDS:
                raise OSError("the process that forks workers does not come")
            return False
        except OSError:
            self._lose_zygote()
            return False

    @property
    def _may_start(self) -> bool:
        return len(self._starts) < N_STARTS or time.monotonic() - self._starts[0] > FORGIVEN_SECONDS

    def _free_worker(self) -> Worker:
        assert self._zygote is not None
        while self._idle:
            worker = self._idle.pop()
            if worker.is_alive():
                return worker
            worker.kill()
        try:
            return self._zygote.fork()
        except OSError:
            self._lose_zygote()
            raise NoWorkersError from None

    def _lose_zygote(self) -> None:
        _LOG.warning("the process that forks workers has died")
        if self._zygote is not None:
            self._zygote.close()
            self._zygote = None
