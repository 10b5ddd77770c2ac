"""The app on a server of its own and a browser before it, for benchmarks of what a visitor feels."""

import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

BROWSER_OPTIONS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-sync"]
EMPTY = 'import streamlit as st\n\nst.set_page_config(layout="wide")\nst.title("Empty")\n'


@dataclass(frozen=True)
class Served:
    address: str
    pid: int  # of the server
    browser: Browser


@contextmanager
def served() -> Iterator[Served]:
    """Yields when the server answers; nobody has visited it."""
    port = _free_port()
    command = [sys.executable, "-m", "rhythmvae", "app", "--port", str(port), "--headless"]
    with _serving(command, port) as (address, pid), sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=BROWSER_OPTIONS)
        yield Served(address, pid, browser)
        browser.close()


@contextmanager
def empty() -> Iterator[str]:
    """Address of a Streamlit page with nothing but a heading: what no app on it can do without."""
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / "empty.py"
        script.write_text(EMPTY, "utf-8")
        port = _free_port()
        options = ["--server.headless=true", f"--server.port={port}", "--browser.gatherUsageStats=false"]
        command = [sys.executable, "-m", "streamlit", "run", str(script), *options, "--server.fileWatcherType=none"]
        with _serving(command, port) as (address, _):
            yield address


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@contextmanager
def _serving(command: Sequence[str], port: int) -> Iterator[tuple[str, int]]:
    address = f"http://127.0.0.1:{port}"
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        for _ in range(300):
            try:
                urllib.request.urlopen(f"{address}/_stcore/health", timeout=1).close()
                break
            except OSError:
                time.sleep(0.2)
        yield address, server.pid
    finally:
        server.terminate()
        server.wait()
