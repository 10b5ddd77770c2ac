"""The zygote's side of training runs: `stand_in` asks for one, and a fork becomes it."""

from __future__ import annotations

import io
import json
import os
import runpy
import signal
import socket
import struct
import sys
import tempfile
import threading
import traceback
from contextlib import suppress
from dataclasses import dataclass
from typing import NoReturn

from rhythmvae.ui.workers import stand_in

MAX_ORDER = 4 * 2**20  # bytes; an environment and arguments
READ_SECONDS = 5.0  # for an order, once somebody is connected
NICE = 3  # beside the zygote's 10: behind pages and workers, as low as a run of its own command (jobs/process.py)


def listening(address: str) -> socket.socket:
    """Raises OSError: there is somebody already."""
    door = socket.socket(socket.AF_UNIX)
    door.bind(stand_in.place(address))
    door.listen()
    return door


@dataclass(frozen=True, eq=False)
class Order:
    """A run that somebody waits for at the other end of `wire`; `outputs` are its stdout and stderr."""

    wire: socket.socket
    outputs: tuple[int, int]
    arguments: list[str]
    environment: dict[str, str]
    folder: str
    group: int

    def close(self) -> None:
        self.wire.close()
        for descriptor in self.outputs:
            os.close(descriptor)


def taken(door: socket.socket) -> Order | None:
    """The order of somebody who knocks; None where there is none that can be made out, or it is another user's."""
    wire, _ = door.accept()
    outputs: list[int] = []
    try:
        wire.settimeout(READ_SECONDS)
        if _user(wire) != os.getuid():
            raise PermissionError
        data, outputs, _, _ = socket.recv_fds(wire, stand_in.LENGTH_BYTES, 2)
        length = int.from_bytes(data, "little")
        if len(data) < stand_in.LENGTH_BYTES or len(outputs) != 2 or length > MAX_ORDER:
            raise ValueError
        order = json.loads(_received(wire, length))
        return Order(
            wire,
            (outputs[0], outputs[1]),
            [str(each) for each in order["arguments"]],
            {str(name): str(value) for name, value in order["environment"].items()},
            str(order["folder"]),
            int(order["group"]),
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        wire.close()
        for descriptor in outputs:
            os.close(descriptor)
        return None


def live(order: Order) -> NoReturn:
    """Be the run, to its end; for a process that has been forked for it."""
    code = 1
    try:
        os.setpgid(0, order.group)
        order.wire.settimeout(None)
        order.wire.sendall(stand_in.BEGUN)
        os.nice(NICE)
        for number in (signal.SIGINT, signal.SIGCHLD):
            signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)
        threading.Thread(target=_end_with, args=(order.wire,), daemon=True).start()
        for descriptor, own in zip(order.outputs, (1, 2), strict=True):
            os.dup2(descriptor, own)
            os.close(descriptor)
        sys.stdout, sys.stderr = (io.TextIOWrapper(io.FileIO(own, "w"), write_through=True) for own in (1, 2))
        os.environ.clear()
        os.environ.update(order.environment)
        tempfile.tempdir = None  # it is the run's own from now on
        os.chdir(order.folder)
        sys.argv = ["rhythmvae", *order.arguments]
        code = _exit_status()
    except BaseException:
        traceback.print_exc()
    finally:
        with suppress(OSError):  # nobody reads what it says any more
            order.wire.sendall(bytes([code & 0xFF]))
        os._exit(code & 0xFF)  # nothing of the zygote's is to be ended by it


def _exit_status() -> int:
    """Of `python -m rhythmvae` with what is in sys.argv."""
    try:
        runpy.run_module("rhythmvae", run_name="__main__", alter_sys=True)
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    return 0


def _end_with(wire: socket.socket) -> None:
    """End at once when the stand-in does, which says nothing while it lives."""
    with suppress(OSError):
        wire.recv(1)
    os.kill(os.getpid(), signal.SIGKILL)


def _user(wire: socket.socket) -> int:
    """Of the process at the other end."""
    _, user, _ = struct.unpack("3i", wire.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i")))
    return int(user)


def _received(wire: socket.socket, length: int) -> bytes:
    data = bytearray()
    while len(data) < length:
        part = wire.recv(length - len(data))
        if not part:
            raise ValueError("the order ends in the middle")
        data += part
    return bytes(data)
