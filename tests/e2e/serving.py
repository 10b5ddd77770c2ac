"""The real app as a server of its own, for tests and benchmarks that visit it."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
START_SECONDS = 120


def free_port() -> int:
    with closing(socket.socket()) as s:
        s.bind(("127.0.0.1", 0))
        return int(s.getsockname()[1])


def from_the_tree(port: int, script: Path = ROOT / "app.py") -> list[str]:
    """The command that serves this checkout."""
    command = [sys.executable, "-m", "streamlit", "run", str(script), "--server.headless=true"]
    return [*command, f"--server.port={port}", "--server.address=127.0.0.1", "--server.fileWatcherType=none"]


@contextmanager
def running_app(log: Path, command: Callable[[int], list[str]] = from_the_tree, folder: Path = ROOT) -> Iterator[str]:
    """A fresh server, started in `folder` by the command for a port; yields its address when it answers."""
    port = free_port()
    with log.open("wb") as out:
        process = subprocess.Popen(command(port), cwd=folder, stdout=out, stderr=subprocess.STDOUT)
    address = f"http://127.0.0.1:{port}"
    try:
        deadline = time.monotonic() + START_SECONDS
        while not _is_healthy(address):
            if process.poll() is not None or time.monotonic() > deadline:
                pytest.fail(f"the app did not start:\n{log.read_text()[-2000:]}")
            time.sleep(0.1)
        yield address
    finally:
        process.terminate()
        try:
            process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            process.kill()


class MortalApp:
    """A server that can die and come back at the same address. environment: beside that of the tests."""

    def __init__(self, log: Path, environment: Mapping[str, str] | None = None) -> None:
        self.port = free_port()
        self.address = f"http://127.0.0.1:{self.port}"
        self.environment = {**os.environ, **(environment or {})}
        self.out = log.open("wb")
        self.start()

    def start(self) -> None:
        self.process = subprocess.Popen(
            from_the_tree(self.port), cwd=ROOT, env=self.environment, stdout=self.out, stderr=subprocess.STDOUT
        )
        deadline = time.monotonic() + START_SECONDS
        while not _is_healthy(self.address):
            assert self.process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.1)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def end(self) -> None:
        self.kill()
        self.out.close()


def _is_healthy(address: str) -> bool:
    try:
        with urllib.request.urlopen(f"{address}/_stcore/health", timeout=2) as answer:
            return bool(answer.read() == b"ok")
    except OSError:
        return False
