"""A training run as its server sees it, while its work is done by a fork of the process that has torch ready:
python -I -S stand_in.py ADDRESS ARGUMENT...

torch alone takes 130 MB of each process that imports it, and none of one that is forked from a process that has it. So
this one, of a few MB, hands what `rhythmvae ARGUMENT...` is to do, and its own output, to the zygote that listens at
ADDRESS (`forked_runs`), and then waits: it ends as the fork ends, with its exit status or killed as it was. Both are of
one process group, so signals to the group reach both, and the fork ends with it. Where nobody listens it becomes the
command itself. A script without the package, so that it stays small.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
from contextlib import suppress

COMMAND = (sys.executable, "-m", "rhythmvae")
BEGUN = b"F"
LENGTH_BYTES = 4
FOR_FORK = (signal.SIGINT, signal.SIGTERM)  # of the signals to the group
BEGIN_SECONDS = 60.0  # for the zygote to have torch and the model ready, and to fork


def place(address: str) -> str:
    """Where a zygote listens: a name in Linux's own space of sockets, so there is no file to lose or to clear."""
    return f"\0rhythmvae-{address}"


def message(content: object) -> bytes:
    """As it goes over a socket."""
    data = json.dumps(content).encode()
    return len(data).to_bytes(LENGTH_BYTES, "little") + data


def handed_over(address: str, arguments: list[str]) -> socket.socket | None:
    """The wire to a fork that has begun; None where there is none."""
    wire = socket.socket(socket.AF_UNIX)
    try:
        wire.settimeout(BEGIN_SECONDS)
        wire.connect(place(address))
        order = {
            "arguments": arguments,
            "environment": dict(os.environ),
            "folder": os.getcwd(),
            "group": os.getpgrp(),
        }
        data = message(order)
        sent = socket.send_fds(wire, [data], [1, 2])
        if sent < len(data):  # to send nothing fails where a quick fork has come and gone
            wire.sendall(data[sent:])
        if wire.recv(1) == BEGUN:
            wire.settimeout(None)
            return wire
    except OSError:
        pass
    wire.close()
    return None


def wait(wire: socket.socket) -> int:
    """The fork's exit status; where it was killed, this process is killed in the same way."""
    with suppress(OSError):
        if code := wire.recv(1):
            return code[0]
    os.kill(os.getpid(), signal.SIGKILL)
    return 1


def main(address: str, arguments: list[str]) -> int:
    signal.pthread_sigmask(signal.SIG_BLOCK, FOR_FORK)
    wire = handed_over(address, arguments)
    if wire is None:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, FOR_FORK)
        os.execv(COMMAND[0], [*COMMAND, *arguments])
    early = signal.sigpending()  # came before the fork was of this group
    for number in FOR_FORK:
        signal.signal(number, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, FOR_FORK)
    for number in early.intersection(FOR_FORK):
        os.killpg(0, number)
    os.close(1)
    os.close(2)  # the fork's alone: whoever reads them is to see its end
    return wait(wire)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
