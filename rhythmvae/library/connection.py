"""How the library's own file is opened: to be written, or only read, wherever it can be read."""

from __future__ import annotations

import errno
import os
import sqlite3
from contextlib import suppress
from pathlib import Path, PurePath
from urllib.parse import quote_from_bytes

from rhythmvae.errors import LibraryError
from rhythmvae.text import clean_text

BUSY_SECONDS = 10.0
# What SQLite and the system say where nothing may be written.
_READ_ONLY = (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM)
_NO_RIGHTS = (errno.EACCES, errno.EPERM, errno.EROFS)


def to_write(path: Path) -> sqlite3.Connection:
    """A connection that writes; the file is made where there is none."""
    connection = _opened(path, "mode=rwc")
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
    except BaseException:
        connection.close()
        raise
    return connection


def to_read(path: Path) -> sqlite3.Connection:
    """A connection that reads.

    To see what another process is writing, SQLite writes beside the file, too. Where it cannot (a disk or a folder that
    is read-only, a shared drive that has no locks), the file is read as one that nobody writes. Whether it can is seen
    by trying: of a shared drive the system does not know.

    Raises:
        LibraryError: what was written last lies beside the file, and cannot be read there.
    """
    connection = _opened(path, "mode=rw")
    try:
        connection.execute("SELECT count(*) FROM sqlite_master")
    except sqlite3.OperationalError as error:
        connection.close()
        if _code(error) not in (*_READ_ONLY, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_FULL):
            raise
        with suppress(OSError):
            if path.with_name(f"{path.name}-wal").stat().st_size:
                raise LibraryError(
                    f"Expected a library that was written to its end in {clean_text(str(path.parent), 200)}, but the "
                    "last run of `index` was ended; search it once where it may be written to."
                ) from error
        return _opened(path, "mode=ro&immutable=1")
    except BaseException:
        connection.close()
        raise
    return connection


def _opened(path: Path, how: str) -> sqlite3.Connection:
    address = f"{address_of(path.resolve())}?{how}"
    return sqlite3.connect(address, uri=True, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)


def address_of(path: PurePath) -> str:
    """A file as SQLite takes it: the server of a shared drive on Windows is in the path.

    >>> from pathlib import PurePosixPath, PureWindowsPath
    >>> address_of(PurePosixPath("/home/a b/library.sqlite"))
    'file:///home/a%20b/library.sqlite'
    >>> address_of(PureWindowsPath("C:/Loops/library.sqlite"))
    'file:///C:/Loops/library.sqlite'
    >>> address_of(PureWindowsPath("//nas/Loops/library.sqlite"))
    'file:////nas/Loops/library.sqlite'
    """
    text = path.as_posix()
    return f"file://{'' if text.startswith('/') else '/'}{quote_from_bytes(os.fsencode(text), safe='/:')}"


def why(folder: Path, error: Exception, writes: bool) -> str:
    """The sentence of an error that opening, reading or writing a library met."""
    place, got = clean_text(str(folder), 200), clean_text(getattr(error, "strerror", None) or str(error), 200)
    if writes and (_code(error) in _READ_ONLY or (isinstance(error, OSError) and error.errno in _NO_RIGHTS)):
        return (
            f"Expected a folder for the library that may be written to, got {place} ({got}); name another one by "
            "--library. A library that is there can still be searched."
        )
    return f"Expected a library to use in {place}, got: {got}."


def _code(error: Exception) -> int | None:
    """SQLite's number of an error, without its details; errors of the module itself have none."""
    return getattr(error, "sqlite_errorcode", -1) & 0xFF if isinstance(error, sqlite3.Error) else None


def remove_empty(path: Path) -> None:
    """Delete a library's file in which nothing came to stand, and what SQLite keeps beside it."""
    with suppress(OSError, sqlite3.Error):
        connection = _opened(path, "mode=ro")
        try:
            is_empty = connection.execute("PRAGMA user_version").fetchone()[0] == 0
        finally:
            connection.close()
        if is_empty:  # else another process was quicker
            for name in (path.name, f"{path.name}-wal", f"{path.name}-shm"):
                path.with_name(name).unlink(missing_ok=True)
