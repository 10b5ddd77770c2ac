"""What a visitor waits for and what the server holds: python -m benchmarks.visit

Starts the app, opens it in five fresh browser profiles one after the other, and prints for
each the seconds until the heading and until the figures are there, then the server's
resident memory (Linux) after each has also seen the map and dealt variations. Needs what
`make test` installs, and Debian's chromium.
"""

import re
import time
from pathlib import Path

from playwright.sync_api import Page

from benchmarks.served import served

N_VISITORS = 5
WAIT_MS = 90_000


def main() -> None:
    with served() as app:
        for visitor in range(1, N_VISITORS + 1):
            page = app.browser.new_context().new_page()
            began = time.perf_counter()
            page.goto(app.address)
            page.wait_for_selector("h1")
            heading = time.perf_counter() - began
            page.wait_for_selector("[data-testid=stMetric]", timeout=WAIT_MS)
            figures = time.perf_counter() - began
            print(f"visitor {visitor}: heading {heading:.1f} s, figures {figures:.1f} s")
            see_the_rest(page)
        status = Path(f"/proc/{app.pid}/status").read_text("utf-8")
        resident = re.search(r"VmRSS:\s+(\d+)", status)
        print(f"server: {int(resident[1]) / 1024:.0f} MB" if resident else "server: memory unknown")


def see_the_rest(page: Page) -> None:
    """The pages that hold more; all visitors stay."""
    page.locator(".st-key-places").get_by_role("link", name="Latent map").click()
    page.wait_for_selector("canvas", timeout=WAIT_MS)
    page.locator(".st-key-places").get_by_role("link", name="Variations").click()
    page.get_by_role("button", name="Deal variations").click(timeout=WAIT_MS)
    page.wait_for_selector(".cards .card", timeout=WAIT_MS)


if __name__ == "__main__":
    main()
