"""Which libraries a visitor may search: the one beside the app, one of his files, and on his own computer any folder's.

A folder of the computer may be named only where the server is bound to that computer alone, or where its owner has said
so: everybody who can open the page could read what lies there. It is indexed by a process of its own, which may be
ended at any time; what it makes lies in the user's data folder, so that the next time only what is new is read.
"""

from __future__ import annotations

import atexit
import hashlib
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from urllib.parse import urlsplit

import streamlit as st

from rhythmvae.data.files import Source, output_names
from rhythmvae.errors import LibraryError, NoRoomError
from rhythmvae.library.store import NAME as STORE_FILE
from rhythmvae.store.database import SITE
from rhythmvae.text import clean_text
from rhythmvae.ui.session import files
from rhythmvae.ui.session.computing import computed
from rhythmvae.ui.session.opened import Opened, shipped
from rhythmvae.ui.workers import searching

LIBRARY_VARIABLE = "RHYTHMVAE_LIBRARY"  # a library beside the app
ANY_FOLDER_VARIABLE = "RHYTHMVAE_ANY_FOLDER"  # "yes": its owner lets visitors name folders of this computer
LOCAL = ("localhost", "127.0.0.1", "::1")
PASSED_ON = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip", "via")  # headers that proxies add
MAX_OF_FILES = 8  # libraries of visitors' files that a server keeps
MAX_RUNS = 2  # folders that are indexed at a time
_FOLDER = "library folder"
STATE = (_FOLDER,)


@dataclass(frozen=True)
class Choice:
    """A library to search. key: of the choice; name: to read; folder: where it lies."""

    key: str
    name: str
    folder: Path


def is_own_computer() -> bool:
    """Whether a visitor may name folders of the computer that the server runs on."""
    if os.environ.get(ANY_FOLDER_VARIABLE, "").lower() == "yes":
        return True
    # A proxy may stand before a server that is bound to this computer alone, and ask for anybody.
    is_alone = not os.environ.get(SITE) and st.get_option("server.address") in LOCAL
    return is_alone and _is_asked_here(st.context.headers)


def _is_asked_here(headers: Mapping[str, str]) -> bool:
    """Whether a request names this computer as it names itself, and no proxy has passed it on."""
    names = {name.lower(): value for name, value in headers.items()}
    host = urlsplit(f"//{names.get('host', LOCAL[0])}").hostname
    return host in LOCAL and not any(name in names for name in PASSED_ON)


def choices() -> list[Choice]:
    """Libraries there are for this visitor, the likeliest first. One of his files is made when it is chosen."""
    found: list[Choice] = []
    if (folder := st.session_state.get(_FOLDER)) is not None and is_own_computer():
        path = Path(folder)
        found.append(Choice("folder", path.name or str(path), _home(path)))
    if beside := os.environ.get(LIBRARY_VARIABLE):
        found.append(Choice("beside", Path(beside).name, Path(beside)))
    if files.own():
        found.append(Choice("files", f"Your files ({len(files.own()):,})", Path()))
    return found


def folder_of(choice: Choice) -> Path:
    """Where a library lies; that of the visitor's files is made now.

    Raises:
        LibraryError: it cannot be made.
    """
    return _of_files(files.own()) if choice.key == "files" else choice.folder


# -- a folder of this computer -----------------------------------------------------


_LOCK = Lock()
_RUNS: dict[Path, subprocess.Popen[bytes]] = {}


def open_folder(typed: str) -> None:
    """Search a folder from now on: a library, or a folder that is indexed first.

    Raises:
        LibraryError: no such folder, or a server that lets nobody name one.
    """
    path = Path(typed.strip()).expanduser()
    if not is_own_computer():
        raise LibraryError(
            "Expected an app on your own computer to open a folder by its path, this one is open to others; drop your "
            "files instead."
        )
    try:
        is_there = path.is_absolute() and path.is_dir()
    except (OSError, ValueError):
        is_there = False
    if not is_there:
        raise LibraryError(
            f"Expected the whole path of a folder, such as {Path.home() / 'Loops'}, found none at "
            f"{clean_text(typed, 200)}."
        )
    st.session_state[_FOLDER] = str(path.resolve())
    if not (path / STORE_FILE).is_file():
        index_folder(path.resolve())


def index_folder(path: Path) -> None:
    """Begin to bring the library of a folder up to date, unless that is under way.

    Raises:
        LibraryError: as many folders as can be are indexed already.
    """
    home = _home(path)
    with _LOCK:
        for known in [known for known, process in _RUNS.items() if process.poll() is not None]:
            _RUNS.pop(known)
        if home in _RUNS:
            return
        if len(_RUNS) == MAX_RUNS:
            raise LibraryError("Expected a server that is free, it indexes other folders; try again in a minute.")
        words = ["index", str(path), "--library", str(home), "--quiet"]
        _RUNS[home] = subprocess.Popen(
            [sys.executable, "-m", "rhythmvae", *words], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )


def named_folder() -> Path | None:
    """The folder that is searched, where it is indexed by this app: one that is no library itself."""
    folder = st.session_state.get(_FOLDER)
    return None if folder is None or (Path(folder) / STORE_FILE).is_file() else Path(folder)


def is_indexing(home: Path) -> bool:
    """Whether the library that lies there is being brought up to date."""
    with _LOCK:
        process = _RUNS.get(home)
    return process is not None and process.poll() is None


def n_indexed(home: Path) -> int:
    """Files that its library has by now."""
    with suppress(sqlite3.Error):
        connection = sqlite3.connect(f"{(home / STORE_FILE).as_uri()}?mode=ro", uri=True, timeout=1.0)
        try:
            return int(connection.execute("SELECT count(*) FROM files WHERE content IS NOT NULL").fetchone()[0])
        finally:
            connection.close()
    return 0


def _home(path: Path) -> Path:
    """Where the library of a folder lies: in it, where it is one, else in the user's data folder."""
    if (path / STORE_FILE).is_file():
        return path
    data = os.environ.get("XDG_DATA_HOME", "")
    folder = Path(data) if os.path.isabs(data) else Path("~/.local/share").expanduser()
    digest = hashlib.sha256(str(path).encode("utf-8", "surrogatepass")).hexdigest()[:16]
    return folder / "rhythmvae" / "libraries" / digest


@atexit.register
def _end() -> None:
    """No process outlives the server; what they have written stays."""
    for process in _RUNS.values():
        if process.poll() is None:
            process.kill()


# -- the visitor's files -------------------------------------------------------------

_OF_FILES: OrderedDict[str, Path] = OrderedDict()
_MAKING = Lock()


def _of_files(own: Sequence[files.File]) -> Path:
    """The library of files, kept as long as MAX_OF_FILES others have not been asked for since."""
    key = hashlib.sha256("\n".join(sorted(file.key for file in own)).encode()).hexdigest()
    with _MAKING:
        if key in _OF_FILES:
            _OF_FILES.move_to_end(key)
            return _OF_FILES[key] / "library"
    try:
        place = Path(tempfile.mkdtemp(prefix="rhythmvae-files-"))
    except OSError as error:
        raise _no_room(error) from error
    names = output_names([Source(file.name, "", bytes) for file in own])  # nothing points out of the folder
    try:
        for name, file in zip(names, own, strict=True):
            path = place / "files" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(file.data)
        computed(searching.made, shipped(), place / "files", place / "library")
    except OSError as error:
        shutil.rmtree(place, ignore_errors=True)
        raise _no_room(error) from error
    except BaseException:
        shutil.rmtree(place, ignore_errors=True)
        raise
    with _MAKING:
        _OF_FILES[key] = place
        while len(_OF_FILES) > MAX_OF_FILES:
            _, old = _OF_FILES.popitem(last=False)
            shutil.rmtree(old, ignore_errors=True)
    return place / "library"


def _no_room(error: OSError) -> NoRoomError:
    return NoRoomError(
        f"The server has no room to search in your files ({error.strerror}): try again in a few minutes."
    )


@atexit.register
def _forget_files() -> None:
    for place in _OF_FILES.values():
        shutil.rmtree(place, ignore_errors=True)


def model_of(digest: str) -> Opened | None:
    """The model that a library's latents are of, where the app has it."""
    from rhythmvae.ui.session import models

    return next((model for model in (models.in_use(), shipped()) if model.is_named(digest)), None)
