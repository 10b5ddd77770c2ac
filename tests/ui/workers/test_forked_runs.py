"""Training runs that are forked: to their server they are processes like any other. One small zygote without torch."""

from __future__ import annotations

import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from rhythmvae.jobs import process
from rhythmvae.resources import ROOT
from rhythmvae.ui.workers import forked_runs, stand_in
from rhythmvae.ui.workers.pool import Pool

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="sockets without files are Linux's")
PATIENCE_S = 240.0  # a run makes way for all else: what takes 2 s has taken 55
ZYGOTE = """
import json, os, signal, sys, time
from rhythmvae import cli
from rhythmvae.ui.workers import forked_runs

def run():
    arguments = sys.argv[1:]
    held = b"x" * 80 * 2**20 if "large" in arguments else b""
    told = {"arguments": arguments, "argv": sys.argv, "pid": os.getpid(), "group": os.getpgrp(),
            "nice": os.nice(0), "folder": os.getcwd(), "home": os.environ["TMPDIR"]}
    if "gentle" in arguments:
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(5))
    print(json.dumps(told), flush=False)
    if "hold" in arguments:
        time.sleep(600)
    if "killed" in arguments:
        os.kill(os.getpid(), signal.SIGKILL)
    if "fails" in arguments:
        raise RuntimeError("no such drum")
    if "refuses" in arguments:
        print("in one sentence", file=sys.stderr)
        sys.exit(2)
    return 1 if "some" in arguments else 0

cli.main = run
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
signal.signal(signal.SIGINT, signal.SIG_IGN)
door = forked_runs.listening(sys.argv[1])
print("up", flush=True)
while True:
    order = forked_runs.taken(door)
    if order is not None:
        if os.fork() == 0:
            door.close()
            forked_runs.live(order)
        order.close()
"""


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    own = secrets.token_hex(8)
    command = [sys.executable, "-c", ZYGOTE, own]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT, process_group=0) as zygote:
        assert zygote.stdout is not None
        assert zygote.stdout.readline() == b"up\n"
        yield own
        zygote.kill()


@pytest.fixture
def begin(address: str, tmp_path: Path) -> Iterator[Callable[..., subprocess.Popen[bytes]]]:
    """Starts a run as `Jobs` does."""
    begun = []

    def begin(*arguments: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-I", "-S", stand_in.__file__, address, *arguments]
        begun.append(process.start(command, tmp_path))
        return begun[-1]

    yield begin
    for each in begun:
        process.send_signal(each, signal.SIGKILL)
        each.communicate()


def first_line(run: subprocess.Popen[bytes]) -> dict[str, Any]:
    assert run.stdout is not None
    told: dict[str, Any] = json.loads(run.stdout.readline())
    return told


def is_gone(pid: int) -> bool:
    end = time.monotonic() + PATIENCE_S
    while psutil.pid_exists(pid):
        assert time.monotonic() < end
        time.sleep(0.01)
    return True


def test_a_fork_has_all_that_a_process_of_its_own_would_have(
    begin: Callable[..., subprocess.Popen[bytes]], tmp_path: Path
) -> None:
    run = begin("train", "a b", "ü")
    out, err = run.communicate(timeout=PATIENCE_S)
    told = json.loads(out)
    assert (run.returncode, err) == (0, b"")
    assert told["arguments"] == ["train", "a b", "ü"]
    assert told["argv"][1:] == ["train", "a b", "ü"]
    assert told["group"] == run.pid != told["pid"]
    assert told["nice"] == os.nice(0) + forked_runs.NICE
    assert (told["folder"], told["home"]) == (str(ROOT), str(tmp_path))


@pytest.mark.parametrize(("does", "status"), [("some", 1), ("refuses", 2), ("killed", -signal.SIGKILL), ("fails", 1)])
def test_it_ends_as_its_fork_does(does: str, status: int, begin: Callable[..., subprocess.Popen[bytes]]) -> None:
    run = begin(does)
    _, err = run.communicate(timeout=PATIENCE_S)
    assert run.returncode == status
    assert (b"in one sentence" in err, b"no such drum" in err) == (does == "refuses", does == "fails")


def test_a_signal_to_the_group_reaches_the_fork(begin: Callable[..., subprocess.Popen[bytes]]) -> None:
    run = begin("gentle", "hold")
    first_line(run)
    process.send_signal(run, signal.SIGTERM)
    assert run.wait(PATIENCE_S) == 5


@pytest.mark.parametrize("whole", [True, False])
def test_no_fork_outlives_its_stand_in(whole: bool, begin: Callable[..., subprocess.Popen[bytes]]) -> None:
    run = begin("hold")
    pid = first_line(run)["pid"]
    if whole:
        process.send_signal(run, signal.SIGKILL)
    else:
        run.kill()
    assert run.wait(PATIENCE_S) == -signal.SIGKILL
    assert is_gone(pid)


def test_its_memory_is_that_of_the_fork_too(begin: Callable[..., subprocess.Popen[bytes]]) -> None:
    small, large = begin("hold"), begin("hold", "large")
    for run in (small, large):
        first_line(run)
    assert process.own_megabytes(large.pid) == pytest.approx(process.own_megabytes(small.pid) + 80, abs=8)


def knock(address: str, *parts: bytes, outputs: int = 0) -> bytes:
    """What comes back for what is sent, before the door is shut."""
    with socket.socket(socket.AF_UNIX) as wire, open(os.devnull, "wb") as nowhere:
        wire.settimeout(PATIENCE_S)
        wire.connect(stand_in.place(address))
        for part in parts:
            socket.send_fds(wire, [part], [nowhere.fileno()] * outputs)
        wire.shutdown(socket.SHUT_WR)
        try:
            return wire.recv(1)
        except ConnectionResetError:
            return b""


@pytest.mark.parametrize(
    ("parts", "outputs"),
    [
        ((), 0),
        ((b"x",), 2),
        ((stand_in.message({"arguments": []}),), 2),
        ((stand_in.message([1]),), 2),
        ((stand_in.message({"arguments": 1, "environment": [], "folder": 1, "group": "x"}),), 2),
        (((2**31).to_bytes(4, "little") + b"{}",), 2),
        (((100).to_bytes(4, "little") + b"{}",), 2),
        ((stand_in.message({"arguments": ["some"], "environment": {}, "folder": "/", "group": 1}),), 0),
    ],
)
def test_what_is_no_order_is_refused_and_the_next_is_served(
    parts: tuple[bytes, ...], outputs: int, address: str, begin: Callable[..., subprocess.Popen[bytes]]
) -> None:
    assert knock(address, *parts, outputs=outputs) == b""
    assert begin("some").wait(PATIENCE_S) == 1


def test_where_nobody_listens_it_is_the_command_itself(tmp_path: Path) -> None:
    run = process.start([sys.executable, "-I", "-S", stand_in.__file__, "nobody", "--version"], tmp_path)
    out, _ = run.communicate(timeout=PATIENCE_S)
    assert run.returncode == 0
    assert out.startswith(b"rhythmvae ")


def test_only_the_packages_own_command_is_forked_and_only_with_workers() -> None:
    own = process.COMMAND
    assert own == stand_in.COMMAND
    assert Pool(2).command(own)[:4] == (sys.executable, "-I", "-S", stand_in.__file__)
    assert Pool(2).command(own) != Pool(2).command(own)  # each has an address that nobody can guess
    assert Pool(2).command(["other"]) == ("other",)
    assert Pool(0).command(own) == own
