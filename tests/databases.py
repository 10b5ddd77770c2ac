"""A PostgreSQL server for tests: Debian's own, in a folder of its own, reached by a socket in it alone."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil

USER = "postgres"  # Debian's package makes it; the server refuses to run as root
START_SECONDS = 60


def programs() -> Path | None:
    """The folder of the server's programs; None where it is not installed."""
    if (found := shutil.which("pg_ctl")) is not None:
        return Path(found).resolve().parent
    return next((path.parent for path in sorted(Path("/usr/lib/postgresql").glob("*/bin/pg_ctl"), reverse=True)), None)


class Server:
    """A server that can die and come back over the same files. `folder` is that of its socket."""

    def __init__(self, folder_of_programs: Path) -> None:
        self._programs = folder_of_programs
        self.folder = Path(tempfile.mkdtemp(prefix="rhythmvae-pg-"))
        self._more: dict[str, Any] = {"cwd": self.folder}
        if os.getuid() == 0:
            shutil.chown(self.folder, USER)
            self._more |= {"user": USER, "group": USER, "extra_groups": []}
        self._data = self.folder / "data"
        setup = ["-D", str(self._data), "-U", USER, "-A", "trust", "-E", "UTF8", "--no-sync"]
        subprocess.run([str(self._programs / "initdb"), *setup], check=True, capture_output=True, **self._more)
        self.start()

    def start(self) -> None:
        """Start it, and wait until it answers."""
        server = [str(self._programs / "postgres"), "-D", str(self._data), "-k", str(self.folder)]
        with (self.folder / "log.txt").open("ab") as log:
            command = [*server, "-c", "listen_addresses=", "-c", "fsync=off"]
            self.process = subprocess.Popen(command, stdout=log, stderr=log, **self._more)
        deadline = time.monotonic() + START_SECONDS
        asked = [str(self._programs / "pg_isready"), "-q", "-h", str(self.folder), "-U", USER]
        while subprocess.run(asked, cwd=self.folder).returncode:
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"PostgreSQL did not start:\n{(self.folder / 'log.txt').read_text()[-2000:]}")
            time.sleep(0.05)

    def kill(self) -> None:
        """All its processes at once, as a machine that fails does. What was committed is there: it is in its files."""
        everybody = [psutil.Process(self.process.pid), *psutil.Process(self.process.pid).children(recursive=True)]
        for process in everybody:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        self.process.wait(START_SECONDS)
        psutil.wait_procs(everybody[1:], START_SECONDS)

    def remove(self) -> None:
        """End it, with all of its files."""
        self.process.send_signal(signal.SIGINT)  # SIGTERM would wait for every client to go
        self.process.wait(START_SECONDS)
        shutil.rmtree(self.folder, ignore_errors=True)


@contextmanager
def postgresql(folder_of_programs: Path) -> Iterator[str]:
    """Start a server; yields the folder of its socket, and removes all of it."""
    server = Server(folder_of_programs)
    try:
        yield str(server.folder)
    finally:
        server.remove()


def new_database(socket_folder: str, name: str) -> str:
    """The address of an empty database of that server; one of that name goes, for a fixture may be set up again."""
    import psycopg

    with psycopg.connect(host=socket_folder, user=USER, dbname="postgres", autocommit=True) as connection:
        connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
        connection.execute(f'CREATE DATABASE "{name}"')
    return f"postgresql://{USER}@/{name}?host={socket_folder}"
