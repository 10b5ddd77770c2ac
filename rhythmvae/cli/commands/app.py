"""app: the pages in a browser, as a program of their own."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from rhythmvae.cli.parser import Commands
from rhythmvae.cli.terminal import Terminal
from rhythmvae.errors import UsageError
from rhythmvae.library.store import NAME as LIBRARY_FILE
from rhythmvae.resources import APP

DATA_VARIABLE = "RHYTHMVAE_DATA"  # as ui.parts.dataset.FOLDER_VARIABLE
LIBRARY_VARIABLE, ANY_FOLDER_VARIABLE = "RHYTHMVAE_LIBRARY", "RHYTHMVAE_ANY_FOLDER"  # as in ui.session.library


def add_to(commands: Commands) -> None:
    parser = commands.add("app", app, "start the app and open it in a browser", "--data loops/")
    parser.add_argument("--port", type=int, default=8501, help="1 to 65535")
    parser.add_argument("--host", default="localhost", help="address to listen at; localhost is this machine only")
    parser.add_argument("--headless", action="store_true", help="do not open a browser")
    parser.add_argument(
        "--data", type=Path, action="append", default=[], help="folder or zip that the Train page offers (repeatable)"
    )
    parser.add_argument(
        "--library", type=Path, metavar="LIB", help="library that the Library page searches (`index` makes one)"
    )
    parser.add_argument(
        "--any-folder",
        action="store_true",
        help="let visitors open folders of this computer by their paths, also where --host is not localhost",
    )


def app(options: argparse.Namespace, terminal: Terminal) -> int:
    if not 1 <= options.port <= 65_535:
        raise UsageError(f"Expected a port from 1 to 65535, got {options.port}.")
    for path in options.data:
        if not path.exists():
            raise UsageError(f"Expected a folder or file in --data, found nothing at {path}.")
    if options.data:
        os.environ[DATA_VARIABLE] = os.pathsep.join(str(path.resolve()) for path in options.data)
    if options.library is not None:
        if not (options.library / LIBRARY_FILE).is_file():
            raise UsageError(
                f"Expected a library in --library, found none at {options.library}; make one with `rhythmvae index`."
            )
        os.environ[LIBRARY_VARIABLE] = str(options.library.resolve())
    if options.any_folder:
        os.environ[ANY_FOLDER_VARIABLE] = "yes"
    command = [sys.executable, "-m", "streamlit", "run", str(APP), "--server.port", str(options.port)]
    command += ["--server.address", options.host]  # with one, Streamlit asks nobody for our address outside
    if options.headless:
        command += ["--server.headless", "true"]
    if terminal.is_quiet:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # of Streamlit, too, only errors are seen
    os.chdir(APP.parent)  # where .streamlit/config.toml is looked for
    os.execv(sys.executable, command)  # in our place, so that whoever stops us stops the server
