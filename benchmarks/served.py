"""The app on a server of its own and a browser before it, for benchmarks of what a visitor feels."""

import shutil
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from playwright.sync_api import Browser, sync_playwright

PORT = 8599
BROWSER_OPTIONS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-sync"]


@dataclass(frozen=True)
class Served:
    address: str
    pid: int  # of the server
    browser: Browser


@contextmanager
def served() -> Iterator[Served]:
    """Yields when the server answers; nobody has visited it."""
    address = f"http://127.0.0.1:{PORT}"
    command = [sys.executable, "-m", "rhythmvae", "app", "--port", str(PORT), "--headless"]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        for _ in range(100):
            try:
                urllib.request.urlopen(f"{address}/_stcore/health", timeout=1).close()
                break
            except OSError:
                time.sleep(0.2)
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=BROWSER_OPTIONS)
            yield Served(address, server.pid, browser)
            browser.close()
    finally:
        server.terminate()
        server.wait()
