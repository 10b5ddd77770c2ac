"""What a visitor costs a server, and a run the store: python -m benchmarks.capacity [--json]

Processor time and memory (proportional set size) of a server with one worker for steering, by raw sockets: of visitors
who have a page open and do nothing, of one who goes from page to page, of one who drags a slider. Then of PostgreSQL:
how many looks at a run it answers, as the Train page's once a second, and its processor time for one. Processor time
does not grow while others use the machine as much as waiting does; it still grows by a third or so. Needs Linux.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import psutil
from websockets.sync.client import ClientConnection

from benchmarks.crowd import family, held
from benchmarks.sliding import Hand
from deploy.start import postgresql
from rhythmvae.jobs.hosted import HostedJobs
from rhythmvae.jobs.limits import Limits
from rhythmvae.resources import PAGES
from rhythmvae.store.database import ENVIRONMENT, NOTHING, Database
from rhythmvae.store.hosted import HostedRuns
from tests.e2e.serving import running_app
from tests.e2e.wire import run, visit

N_OPEN = 50  # visitors who do nothing
REST_S = 30.0  # that they do it
N_ROUNDS = 3  # through all pages
N_DRAGS = 30
N_LOOKS = 400


def spent(pids: list[int]) -> float:
    """Processor seconds of processes so far."""
    total = 0.0
    for pid in pids:
        with contextlib.suppress(psutil.Error):
            times = psutil.Process(pid).cpu_times()
            total += times.user + times.system
    return total


def costs(pid: int, does: Callable[[], object]) -> float:
    """Processor seconds of a process and its children while something is done."""
    before = spent(family(pid))
    does()
    return spent(family(pid)) - before


def repeat(n: int, does: Callable[[], object]) -> None:
    for _ in range(n):
        does()


def memory(pid: int) -> float:
    """MB of a process and its children."""
    return sum(held(each) for each in family(pid))


def of_visitors(address: str, pid: int) -> list[list[str]]:
    """Rows of what and figure."""
    names = ["", *sorted(path.stem for path in PAGES.glob("*.py"))]

    def walk(socket: ClientConnection) -> None:
        for name in names:
            run(socket, name)

    with visit(address) as socket:
        walk(socket)  # what is computed once for all
        hand = Hand(socket, 0)
        hand.drag()
        walking = costs(pid, lambda: repeat(N_ROUNDS, lambda: walk(socket)))
    empty = memory(pid)
    with contextlib.ExitStack() as stack:
        for number in range(N_OPEN):
            run(stack.enter_context(visit(address)), names[number % len(names)])
        full = memory(pid)
        idle = costs(pid, lambda: time.sleep(REST_S))
    with visit(address) as socket:
        hand = Hand(socket, 1)
        hand.drag()
        sliding = costs(pid, lambda: repeat(N_DRAGS, hand.drag))
    return [
        ["a server and its worker, all pages once seen", f"{empty:.0f} MB"],
        ["each visitor more, with a page open", f"{(full - empty) / N_OPEN:.1f} MB"],
        ["each visitor who does nothing, processor time a minute", f"{1000 * idle / N_OPEN / REST_S * 60:.0f} ms"],
        ["a page, processor time", f"{1000 * walking / N_ROUNDS / len(names):.0f} ms"],
        ["a drag of a slider, processor time", f"{1000 * sliding / N_DRAGS:.0f} ms"],
    ]


def of_the_store(folder: Path) -> list[list[str]]:
    """Rows of what and figure."""
    with postgresql(folder) as address:
        server = int((folder / "database" / "postmaster.pid").read_text("utf-8").split()[0])
        jobs = HostedJobs(Limits(queued=4), lambda: HostedRuns(Database(address)), folder / "runs")
        for number in range(5):  # one trains, four wait
            jobs.submit(str(number), lambda own: ["train", "--out", str(own / "m")], "loops")
        jobs.status("0")
        began = time.perf_counter()
        used = costs(server, lambda: [jobs.status(str(number % 5)) for number in range(N_LOOKS)])
        took = time.perf_counter() - began
        jobs.close()
    return [
        ["a look at a run, PostgreSQL's processor time", f"{1000 * used / N_LOOKS:.1f} ms"],
        ["looks a second of one server, one after another", f"{N_LOOKS / took:.0f}"],
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description="What a visitor costs a server, and a run the store.")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    os.environ |= {ENVIRONMENT: NOTHING, "RHYTHMVAE_WORKERS": "1"}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with running_app(folder / "log") as address:
            port = int(address.rpartition(":")[2])
            [pid] = {
                each.pid
                for each in psutil.net_connections("tcp")
                if each.laddr.port == port and each.status == "LISTEN"
            }
            found = of_visitors(address, pid)
        found += of_the_store(folder)
    print(json.dumps({"rows": found}) if options.json else "\n".join(f"{what}: {figure}" for what, figure in found))


if __name__ == "__main__":
    main()
