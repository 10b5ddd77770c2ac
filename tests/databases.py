"""A PostgreSQL server for tests: Debian's own, in a folder of its own, reached by a socket in it alone."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

USER = "postgres"  # Debian's package makes it; the server refuses to run as root
START_SECONDS = 60


def programs() -> Path | None:
    """The folder of the server's programs; None where it is not installed."""
    if (found := shutil.which("pg_ctl")) is not None:
        return Path(found).resolve().parent
    return next((path.parent for path in sorted(Path("/usr/lib/postgresql").glob("*/bin/pg_ctl"), reverse=True)), None)


@contextmanager
def postgresql(folder_of_programs: Path) -> Iterator[str]:
    """Start a server; yields the folder of its socket, and removes all of it."""
    folder = Path(tempfile.mkdtemp(prefix="rhythmvae-pg-"))
    more: dict[str, Any] = {"cwd": folder}
    if os.getuid() == 0:
        shutil.chown(folder, USER)
        more |= {"user": USER, "group": USER, "extra_groups": []}
    data = folder / "data"
    setup = [folder_of_programs / "initdb", "-D", data, "-U", USER, "-A", "trust", "-E", "UTF8", "--no-sync"]
    subprocess.run(setup, check=True, capture_output=True, **more)
    server = [folder_of_programs / "postgres", "-D", data, "-k", folder, "-c", "listen_addresses=", "-c", "fsync=off"]
    with (folder / "log.txt").open("wb") as log:
        process = subprocess.Popen(server, stdout=log, stderr=log, **more)
    try:
        deadline = time.monotonic() + START_SECONDS
        asked = [folder_of_programs / "pg_isready", "-q", "-h", folder, "-U", USER]
        while subprocess.run(asked, cwd=folder).returncode:
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"PostgreSQL did not start:\n{(folder / 'log.txt').read_text()[-2000:]}")
            time.sleep(0.05)
        yield str(folder)
    finally:
        process.send_signal(signal.SIGINT)  # SIGTERM would wait for every client to go
        process.wait(START_SECONDS)
        shutil.rmtree(folder, ignore_errors=True)


def new_database(socket_folder: str, name: str) -> str:
    """The address of an empty database of that server; one of that name goes, for a fixture may be set up again."""
    import psycopg

    with psycopg.connect(host=socket_folder, user=USER, dbname="postgres", autocommit=True) as connection:
        connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
        connection.execute(f'CREATE DATABASE "{name}"')
    return f"postgresql://{USER}@/{name}?host={socket_folder}"
