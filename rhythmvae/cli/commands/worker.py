"""worker: trains what the servers of a site hand over, on a machine without visitors."""

from __future__ import annotations

import argparse
import signal
import threading
from pathlib import Path
from typing import Any

from rhythmvae.cli.parser import Commands
from rhythmvae.cli.terminal import Terminal
from rhythmvae.errors import StoreError, UsageError
from rhythmvae.outputs import cannot_write, check_folder
from rhythmvae.resources import TRAINING_LIMITS

AGAIN_SECONDS = 5.0  # until a database that went away is tried again


def add_to(commands: Commands) -> None:
    parser = commands.add(
        "worker",
        worker,
        "train what servers of the same database hand over",
        "--database postgresql://10.0.0.9/rhythmvae",
    )
    parser.add_argument("--database", metavar="URL", help="of PostgreSQL; default: RHYTHMVAE_DATABASE")
    parser.add_argument(
        "--limits", type=Path, default=TRAINING_LIMITS, metavar="FILE", help="what training may take, as TOML"
    )


def worker(options: argparse.Namespace, terminal: Terminal) -> int:
    """Until SIGTERM or Ctrl-C, which leave what trains to other workers."""
    from rhythmvae.jobs.homes import FOLDER_VARIABLE, runs_folder, shared_home  # not above: SQLAlchemy takes 0.3 s
    from rhythmvae.jobs.limits import Limits
    from rhythmvae.jobs.worker import Worker
    from rhythmvae.store import database
    from rhythmvae.store.hosted import HostedRuns

    limits = Limits.load(options.limits)
    address = options.database or database.address()
    if not database.is_shared(address):
        raise UsageError("Expected a database of PostgreSQL in --database or RHYTHMVAE_DATABASE, for servers share it.")
    try:
        home = shared_home()
    except OSError as error:
        raise cannot_write(runs_folder(), error, option=FOLDER_VARIABLE) from error
    check_folder(home, FOLDER_VARIABLE)  # else each run that came here would fail
    working: list[Worker] = []
    told = threading.Event()

    def end(*_: Any) -> None:
        told.set()
        for each in working:
            each.stop()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, end)
    is_first = True
    while not told.is_set():
        try:
            runs = HostedRuns(database.Database(str(address)))
        except StoreError as error:
            if is_first:
                raise
            terminal.remark(f"{error} It is tried again.")
            told.wait(AGAIN_SECONDS)
            continue
        working[:] = [Worker(runs, limits, home)]
        terminal.remark(f"a worker of the site {runs.site} waits for runs; their files are in {home}")
        is_first = False
        try:
            working[0].run()
        except StoreError as error:
            terminal.remark(f"{error} It is tried again.")
            told.wait(AGAIN_SECONDS)
        finally:
            runs.close()
    return 0
