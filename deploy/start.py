"""Two replicas, a worker that trains, nginx and PostgreSQL on this machine, for real: python -m deploy.start [FOLDER]

Everything that they write lies in the folder, a temporary one by default; Ctrl-C or SIGTERM ends all of it, also while
it starts. Needs Debian's packages nginx and postgresql. PostgreSQL refuses to run as root: as root this runs it as
Debian's user postgres.
"""

from __future__ import annotations

import argparse
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NoReturn

from deploy.replicas import configuration

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
START_SECONDS = 90.0
ENDING = (signal.SIGINT, signal.SIGTERM)
WORKER = (sys.executable, "-m", "rhythmvae", "worker")
NGINX = shutil.which("nginx") or "/usr/sbin/nginx"  # which is not in the path of everybody on Debian
POSTGRESQL = Path("/usr/lib/postgresql")  # a folder for each version
HOSTED = ("psycopg", "procrastinate")  # packages of the extra, without which no replica finds the database
_NGINX = """daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/nginx.log;
events {{ worker_connections 1024; }}
http {{
    include /etc/nginx/mime.types;
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    include {folder}/conf.d/*.conf;
}}
"""


class StartError(Exception):
    """A sentence why not all of it could be started, with the way out."""


def check() -> None:
    """See that there is all that is to be started, before any of it is.

    Raises:
        StartError: something is not there.
    """
    wanted = {"nginx": shutil.which(NGINX) is not None, "postgresql": bool(_versions())}
    if os.geteuid() == 0:
        wanted["util-linux"] = shutil.which("runuser") is not None
    if lacking := [package for package, is_there in wanted.items() if not is_there]:
        raise StartError(
            f"Expected the programs of Debian's packages {' and '.join(wanted)}; not there: {', '.join(lacking)}. "
            f"Install them: apt-get install {' '.join(lacking)}"
        )
    if lacking := [package for package in HOSTED if find_spec(package) is None]:
        raise StartError(
            f"Expected the Python packages of rhythmvae[hosted]; not there: {', '.join(lacking)}. "
            "Install them: pip install '.[hosted]'"
        )


def _versions() -> list[Path]:
    """Where PostgreSQL's programs are, the newest version last."""
    return sorted(POSTGRESQL.glob("*/bin"), key=lambda path: float(path.parent.name))


def free_port() -> int:
    with closing(socket.socket()) as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def prepare_nginx(folder: Path, port: int, replicas: Sequence[str]) -> list[str]:
    """Write what nginx reads, the shipped configuration at another port; the command that runs it."""
    (folder / "conf.d").mkdir(parents=True)
    shipped = (HERE / "rhythmvae.conf").read_text("utf-8")
    listening = shipped.replace("listen 80 default_server;", f"listen 127.0.0.1:{port};")
    (folder / "conf.d" / "rhythmvae.conf").write_text(listening, "utf-8")
    (folder / "conf.d" / "rhythmvae-replicas.conf").write_text(configuration(replicas), "utf-8")
    (folder / "nginx.conf").write_text(_NGINX.format(folder=folder), "utf-8")
    return [NGINX, "-p", str(folder), "-c", str(folder / "nginx.conf"), "-e", str(folder / "nginx.log")]


@contextmanager
def postgresql(folder: Path) -> Iterator[str]:
    """A cluster of its own that listens to this machine alone; yields its address as SQLAlchemy has it."""
    found = _versions()
    data, port = folder / "database", free_port()
    data.mkdir()
    as_user: list[str] = []
    if os.geteuid() == 0:
        as_user = ["runuser", "-u", "postgres", "--"]
        shutil.chown(data, "postgres", "postgres")
        for above in (folder, *folder.parents):
            if above.stat().st_mode & 0o001 == 0:  # postgres must be able to come to its folder
                above.chmod(above.stat().st_mode | 0o011)
    made = [*as_user, str(found[-1] / "initdb"), "-D", str(data), "-U", "rhythmvae", "-A", "trust", "--no-sync"]
    subprocess.run(made, check=True, stdout=subprocess.DEVNULL, cwd="/")
    options = ["-p", str(port), "-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories="]
    started: list[subprocess.Popen[bytes]] = []
    try:
        with (folder / "database.log").open("wb") as log:
            command = [*as_user, str(found[-1] / "postgres"), "-D", str(data), *options]
            process = _own(command, started, stdout=log, stderr=log, cwd="/")
        ready = [str(found[-1] / "pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(port)]
        _until(lambda: subprocess.run(ready).returncode == 0, process)
        yield f"postgresql+psycopg://rhythmvae@127.0.0.1:{port}/postgres"
    finally:
        try:
            os.kill(int((data / "postmaster.pid").read_text().split()[0]), signal.SIGINT)  # a fast shutdown
        except (FileNotFoundError, ProcessLookupError, IndexError):  # it has ended, or has not yet begun
            _send(started, signal.SIGTERM)
        for process in started:
            _end(process, 30)


class Site:
    """Replicas behind nginx and a worker, over one database and one folder of runs; `begin` starts them.

    Args:
        worker: the command that trains; by default `rhythmvae worker`.
    """

    def __init__(self, folder: Path, database: str, n_replicas: int = 2, worker: Sequence[str] = WORKER) -> None:
        self.folder = folder
        (folder / "runs").mkdir()
        self.ports = [free_port() for _ in range(n_replicas)]
        self.replicas: list[subprocess.Popen[bytes] | None] = [None] * n_replicas
        self.worker: subprocess.Popen[bytes] | None = None
        self._worker_command = list(worker)
        self._environment = os.environ | {
            "RHYTHMVAE_DATABASE": database,
            "RHYTHMVAE_SITE": "site",
            "RHYTHMVAE_RUNS": str(folder / "runs"),
            "STREAMLIT_SERVER_COOKIE_SECRET": secrets.token_hex(32),
        }
        port = free_port()
        self.address = f"http://127.0.0.1:{port}"
        self._nginx = prepare_nginx(folder / "nginx", port, [f"127.0.0.1:{port}" for port in self.ports])
        self._started: list[subprocess.Popen[bytes]] = []

    def begin(self) -> None:
        """Start all of it, and wait until it answers."""
        self.start_worker()
        for number in range(len(self.ports)):
            self.start(number)
        for number in range(len(self.ports)):
            self.wait(number)
        nginx = _own(self._nginx, self._started)
        _until(lambda: is_healthy(self.address), nginx)

    def start(self, number: int) -> None:
        """Start a replica, the first is 0, and do not wait for it."""
        command = [sys.executable, "-m", "rhythmvae", "app", "--port", str(self.ports[number]), "--headless"]
        self.replicas[number] = self._run([*command, "--host", "127.0.0.1"], f"replica-{number + 1}.log")

    def start_worker(self) -> None:
        """Start what trains, and do not wait for it."""
        self.worker = self._run(self._worker_command, "worker.log")

    def kill_worker(self) -> None:
        """Kill what trains, as a machine that fails does."""
        if self.worker is not None:
            self.worker.kill()
            self.worker.wait()
        self.worker = None

    def wait(self, number: int) -> None:
        """Until a replica that was started answers."""
        replica = self.replicas[number]
        assert replica is not None
        _until(lambda: is_healthy(f"http://127.0.0.1:{self.ports[number]}"), replica)

    def kill(self, number: int) -> None:
        """Kill a replica, as a machine that fails does."""
        if (replica := self.replicas[number]) is not None:
            replica.kill()
            replica.wait()
        self.replicas[number] = None

    def _run(self, command: Sequence[str], log_name: str) -> subprocess.Popen[bytes]:
        with (self.folder / log_name).open("ab") as log:
            return _own(command, self._started, cwd=ROOT, env=self._environment, stdout=log, stderr=log)

    def close(self) -> None:
        """End all of it, in order."""
        for process in self._started:
            process.terminate()
        for process in self._started:
            _end(process, 20)


@contextmanager
def site(folder: Path, worker: Sequence[str] = WORKER) -> Iterator[Site]:
    """All of it, in an empty folder, until the block ends."""
    with postgresql(folder) as database, ExitStack() as stack:
        found = Site(folder, database, worker=worker)
        stack.callback(found.close)
        found.begin()
        yield found


def _own(command: Sequence[str], started: list[subprocess.Popen[bytes]], **more: Any) -> subprocess.Popen[bytes]:
    """Start a program out of reach of the terminal's Ctrl-C: that is for this one alone, which ends the others.

    The program is among those that were `started` before a Ctrl-C has its effect: else nobody would end it.
    """
    with _uninterrupted():
        started.append(subprocess.Popen(command, start_new_session=True, **more))
    return started[-1]


@contextmanager
def _uninterrupted() -> Iterator[None]:
    """Ctrl-C and SIGTERM that come within the block have their effect after it."""
    if threading.current_thread() is not threading.main_thread():  # which alone gets them
        yield
        return
    came: list[int] = []
    before = {number: signal.signal(number, lambda number, _: came.append(number)) for number in ENDING}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        if came:
            signal.raise_signal(came[0])


def _send(processes: Sequence[subprocess.Popen[bytes]], number: int) -> None:
    """Send a signal to programs that run, and to what they have started."""
    for process in processes:
        if process.poll() is None:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, number)


def _end(process: subprocess.Popen[bytes], seconds: float) -> None:
    """Wait for a process that was told to end, and kill it where it does not."""
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        _send([process], signal.SIGKILL)
        process.wait()


def is_healthy(address: str) -> bool:
    """Whether Streamlit answers there."""
    with suppress(OSError), urllib.request.urlopen(f"{address}/_stcore/health", timeout=2) as answer:
        return bool(answer.status == 200)
    return False


def _until(holds: Callable[[], bool], process: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + START_SECONDS
    while not holds():
        if process.poll() is not None or time.monotonic() > end:
            command = process.args if isinstance(process.args, list) else [process.args]
            raise StartError(f"{' '.join(map(str, command))} did not start.")
        time.sleep(0.1)


def main() -> None:
    parser = argparse.ArgumentParser(description="Two replicas, a worker, nginx and PostgreSQL on this machine.")
    parser.add_argument("folder", type=Path, nargs="?", help="an empty one; by default a temporary one")
    options = parser.parse_args()
    for number in ENDING:
        signal.signal(number, _interrupt)
    try:
        check()
        _run(options.folder)
    except KeyboardInterrupt:
        pass
    except StartError as error:
        parser.exit(2, f"{error}\n")


def _run(named: Path | None) -> None:
    """Start all of it, say where it is, and wait until it is told to end.

    Raises:
        StartError: it cannot be started.
    """
    with ExitStack() as stack:
        folder = named or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        try:
            folder.mkdir(parents=True, exist_ok=True)
            n_found = len(list(folder.iterdir()))
        except OSError as error:
            raise StartError(
                f"Expected a folder that can be made or is empty, got {folder}: {error.strerror}."
            ) from None
        if n_found:
            raise StartError(
                f"Expected an empty folder, got {folder} with {n_found} files or folders: name another one."
            )
        try:
            found = stack.enter_context(site(folder.resolve()))
        except StartError as error:
            where = f"in {folder}" if named else "lost: name a folder to keep it"
            raise StartError(f"{error} What it said is {where}.") from None
        print(f"open at {found.address}; replicas at {found.ports}; what they say is in {folder}", flush=True)
        signal.pause()


def _interrupt(*_: object) -> NoReturn:
    """Once: whoever is impatient must not break off what ends the others."""
    for number in ENDING:
        signal.signal(number, signal.SIG_IGN)
    raise KeyboardInterrupt


if __name__ == "__main__":
    main()
