"""Two replicas of the app behind nginx over PostgreSQL, as `deploy.start` starts them, and one of them dies."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import databases
import psutil
import pytest
from playwright.sync_api import Page, expect
from visiting import drop, expect_back, open_reconstruct, settle

from deploy.replicas import COOKIE
from deploy.start import NGINX
from rhythmvae.data.examples import example

pytestmark = pytest.mark.browser
ROOT = Path(__file__).parents[2]
WAIT_SECONDS = 120.0  # for what a free machine has done within ten


class Started:
    """`python -m deploy.start FOLDER`, the only one in its group of processes, as in a terminal."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        environment = os.environ | {"RHYTHMVAE_WORKERS": "1"}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "deploy.start", str(folder)],
            cwd=ROOT,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def wait(self) -> None:
        """Until it answers."""
        assert self.process.stdout is not None
        said = self.process.stdout.readline()
        found = re.search(r"open at (\S+); replicas at \[(\d+), (\d+)\]", said)
        assert found is not None, said
        self.address, self.ports = found[1], [found[2], found[3]]

    def kill_replica(self, number: int) -> None:
        """With all that it has started, as a machine that fails. The first is 1."""
        [replica] = [
            process for process, words in self.processes() if {"--server.port", self.ports[number - 1]} <= {*words}
        ]
        for process in [*replica.children(recursive=True), replica]:
            with suppress(psutil.NoSuchProcess):
                process.kill()

    def processes(self) -> list[tuple[psutil.Process, list[str]]]:
        """All that it has started and that lives, with their commands; also what is nobody's child any more."""
        found = []
        for process in psutil.process_iter():
            try:
                words = process.cmdline()
                names = [*words, process.environ().get("RHYTHMVAE_RUNS", "")]
                is_other = process.pid != self.process.pid and process.status() != psutil.STATUS_ZOMBIE
            except psutil.Error:
                continue
            if is_other and any(str(self.folder) in name for name in names):
                found.append((process, words))
        return found

    def left(self) -> list[list[str]]:
        """The commands of what lives on a while after its end: a process that a replica has forked ends behind it."""
        deadline = time.monotonic() + WAIT_SECONDS
        while (found := self.processes()) and time.monotonic() < deadline:
            time.sleep(0.1)
        return [words for _, words in found]

    def press_ctrl_c(self, times: int = 1) -> str:
        """What it says to that; waits until it has ended."""
        for _ in range(times):
            os.killpg(self.process.pid, signal.SIGINT)
            time.sleep(0.05)
        _, said = self.process.communicate(timeout=WAIT_SECONDS)
        return said

    def end(self) -> None:
        if self.process.poll() is None:
            self.process.terminate()
            self.process.communicate(timeout=WAIT_SECONDS)
        for process, _ in self.processes():
            with suppress(psutil.NoSuchProcess):
                process.kill()


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    if databases.programs() is None or not Path(NGINX).exists():
        message = "no PostgreSQL, or no nginx, found"
        pytest.fail(message) if os.environ.get("CI") else pytest.skip(message)
    with tempfile.TemporaryDirectory(prefix="rhythmvae-site-") as found:  # PostgreSQL's user cannot enter pytest's own
        yield Path(found)


@pytest.fixture
def start(folder: Path) -> Iterator[Callable[[str], Started]]:
    """Starts all of it in a folder of that name."""
    started: list[Started] = []

    def begin(name: str) -> Started:
        started.append(Started(folder / name))
        return started[-1]

    yield begin
    for each in started:
        each.end()


def test_a_visit_goes_on_at_the_other_replica_and_ctrl_c_ends_all(page: Page, start: Callable[[str], Started]) -> None:
    site = start("killed")
    site.wait()
    open_reconstruct(page, site.address)
    groove = example("samba")
    drop(page, "mine", groove)
    before = replica_of(page, site)

    site.kill_replica(before)
    expect_back(page, groove)
    assert replica_of(page, site) == 3 - before

    # An upload, which is signed and goes by a request of its own, comes to where the visit is now.
    settle(page)
    other = example("disco")
    drop(page, "other", other)
    expect(page.get_by_test_id("stException")).to_have_count(0)

    assert len(site.processes()) > 4
    assert site.press_ctrl_c(2) == ""
    assert site.process.returncode == 0
    assert site.left() == []


def test_ctrl_c_while_it_starts_ends_what_has_started(start: Callable[[str], Started]) -> None:
    site = start("early")
    deadline = time.monotonic() + WAIT_SECONDS
    while not (site.folder / "replica-1.log").exists():
        assert time.monotonic() < deadline
        assert site.process.poll() is None
        time.sleep(0.02)
    assert site.press_ctrl_c() == ""
    assert site.process.returncode == 0
    assert site.left() == []


def replica_of(page: Page, site: Started) -> int:
    """Where the visit is, by nginx's cookie; the first replica is 1."""
    [number] = [each["value"] for each in page.context.cookies(site.address) if each["name"] == COOKIE]
    return int(number)
