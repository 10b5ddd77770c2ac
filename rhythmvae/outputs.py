"""Files that are written: whole or not at all, under safe names, archives with the same bytes each time."""

from __future__ import annotations

import errno
import io
import os
import re
import tempfile
import unicodedata
import zipfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from rhythmvae.errors import NoRoomError, UsageError

_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS)
MAX_STEM = 60  # characters of a file's name, without its suffix


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Yield a scratch path beside `path`; it becomes `path` when the block ends and is deleted when the block fails.

    Missing folders are made. A reader of `path` sees the file of before or the new one, never a part of it.

    Raises:
        OSError: the file cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    scratch = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        yield scratch
        scratch.replace(path)
    except BaseException:
        with suppress(OSError):
            scratch.unlink()
        raise


def write_whole(path: Path, data: bytes) -> None:
    """Write a file whole or not at all; raises as `whole_file` does."""
    with whole_file(path) as scratch:
        scratch.write_bytes(data)


def check_folder(folder: Path, option: str = "--out") -> None:
    """Make a folder for results if it is missing, and try to write to it: before hours of work, not after.

    `option` is the one that named the folder.

    Raises:
        UsageError: it cannot be made, or nothing can be written to it.
    """
    try:
        _try_folder(folder)
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        raise cannot_write(folder, error, option=option) from error


def check_file(path: Path, option: str = "--out") -> None:
    """Make the folder of a file to be if it is missing, and try to write to it; raises as `check_folder` does.

    A device or a pipe is refused: a whole file would take its place. `option` is the one that named the file.
    """
    if path.exists() and not path.is_file() and not path.is_dir():
        raise UsageError(f"Expected a file to write to in {option}, but {path} is a device; give another name.")
    try:
        if path.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        _try_folder(path.parent)
    except (OSError, ValueError) as error:
        raise cannot_write(path, error, "file", option) from error


def _try_folder(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=folder):
        pass


def cannot_write(path: Path, error: OSError | ValueError, what: str = "folder", option: str = "--out") -> UsageError:
    """The error for what an option names, or a path below it, that could not be written."""
    reason = getattr(error, "strerror", None) or error
    kind = NoRoomError if getattr(error, "errno", None) in _NO_ROOM else UsageError
    return kind(f"Expected a {what} to write to in {option}, but {path} gave: {reason}.")


class UniqueNames:
    """Gives each name once: the name itself, or the name with the first count from 2 on that is free.

    Args:
        taken: names that are in use already.
        pattern: how a name and its count go together.
        key: maps names that count as one to the same text.

    >>> names = UniqueNames(["Funk"])
    >>> names.add("Funk"), names.add("Rock"), names.add("Funk")
    ('Funk (2)', 'Rock', 'Funk (3)')
    """

    def __init__(self, taken: Iterable[str] = (), pattern: str = "{} ({})", key: Callable[[str], str] = str) -> None:
        self._pattern, self._key = pattern, key
        self._taken = {key(name) for name in taken}
        self._count: dict[str, int] = {}  # the last one tried, so that a thousand equal names take a thousand tries

    def is_free(self, name: str) -> bool:
        return self._key(name) not in self._taken

    def add(self, stem: str, suffix: str = "") -> str:
        """Take the name `stem` + `suffix`, or the one with the count before the suffix, and return it."""
        name = stem + suffix
        key = self._key(name)
        while not self.is_free(name):
            self._count[key] = self._count.get(key, 1) + 1
            name = self._pattern.format(stem, self._count[key]) + suffix
        self._taken.add(self._key(name))
        return name


def unique_files(taken: Iterable[str] = ()) -> UniqueNames:
    """Names of files that are different on every file system: `a.mid` and `A~2.mid`."""
    return UniqueNames(taken, "{}~{}", lambda name: unicodedata.normalize("NFC", name).casefold())


def file_stem(title: str, default: str = "groove") -> str:
    """A title as a file's name without suffix: letters, digits, `_` and `-`, at most MAX_STEM characters.

    >>> file_stem("Funk, variation 3")
    'Funk-variation-3'
    """
    return re.sub(r"[^\w-]+", "-", title).strip("-")[:MAX_STEM] or default


class ZipWriter:
    """A zip that grows file by file; the same files give the same bytes."""

    def __init__(self) -> None:
        self._out = io.BytesIO()
        self._archive = zipfile.ZipFile(self._out, "w")

    @property
    def size(self) -> int:
        """Bytes so far, packed."""
        return self._out.tell()

    def add(self, name: str, data: bytes) -> None:
        # A bare ZipInfo has no time of day; it asks for no compression, whatever the archive does.
        self._archive.writestr(zipfile.ZipInfo(name), data, zipfile.ZIP_DEFLATED)

    def close(self) -> bytes:
        """The whole zip; nothing can be added any more."""
        self._archive.close()
        return self._out.getvalue()


def zip_of(files: Iterable[tuple[str, bytes]]) -> bytes:
    """A zip of files, (name, content) each; the same files give the same bytes."""
    writer = ZipWriter()
    for name, data in files:
        writer.add(name, data)
    return writer.close()
