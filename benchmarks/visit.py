"""What a visitor waits for and what the server holds: python -m benchmarks.visit

Starts the app, opens it in five fresh browser profiles one after the other, and prints for
each the seconds until the heading and until the figures are there, then the server's
resident memory (Linux). Needs what `make test` installs, and Debian's chromium.
"""

import re
import shutil
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

from playwright.sync_api import sync_playwright

PORT = 8599
ADDRESS = f"http://127.0.0.1:{PORT}/"
BROWSER_OPTIONS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-sync"]


def main() -> None:
    server = subprocess.Popen(
        [sys.executable, "-m", "rhythmvae", "app", "--port", str(PORT), "--headless"], stdout=subprocess.DEVNULL
    )
    try:
        for _ in range(100):
            try:
                urllib.request.urlopen(f"{ADDRESS}_stcore/health", timeout=1).close()
                break
            except OSError:
                time.sleep(0.2)
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=BROWSER_OPTIONS)
            for visitor in range(1, 6):
                page = browser.new_context().new_page()
                began = time.perf_counter()
                page.goto(ADDRESS)
                page.wait_for_selector("h1")
                heading = time.perf_counter() - began
                page.wait_for_selector("[data-testid=stMetric]", timeout=90_000)
                figures = time.perf_counter() - began
                print(f"visitor {visitor}: heading {heading:.1f} s, figures {figures:.1f} s")
            status = Path(f"/proc/{server.pid}/status").read_text("utf-8")
            resident = re.search(r"VmRSS:\s+(\d+)", status)
            print(f"server: {int(resident[1]) / 1024:.0f} MB" if resident else "server: memory unknown")
            browser.close()
    finally:
        server.terminate()
        server.wait()


if __name__ == "__main__":
    main()
