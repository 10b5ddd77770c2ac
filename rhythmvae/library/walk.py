"""The files of a folder, one folder after another, and the members of zips, without opening what is known.

What a file is is told by its content, as `data.files` does it, but for any number of files: no list of all is made.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from rhythmvae.audio.formats import sound_format
from rhythmvae.data.files import APPLE_DOUBLE, MIDI_SUFFIXES, ZIP_MAGIC
from rhythmvae.library.store import NAME
from rhythmvae.midi.smf import HEADER_WINDOW, looks_like_midi

KINDS = ("midi", "sound", "zip", "other")


@dataclass(frozen=True, slots=True)
class Entry:
    """A file: its path below the folder that is walked, with forward slashes; place: where it lies."""

    path: str
    place: Path
    size: int
    mtime_ns: int


def folders(root: Path) -> Iterator[tuple[str, list[Entry]]]:
    """Each folder below a root, its path "" for the root itself, with its files, in order.

    No link is followed out of the root, no folder that cannot be read stops the others, and libraries are passed over.
    A root that is a file is a folder with that file alone.
    """
    if root.is_file():
        found = _entry(root, root.name, root.parent)
        yield "", [] if found is None else [found]
        return
    real_root = root.resolve()
    waiting = [""]
    while waiting:
        folder = waiting.pop()
        files: list[Entry] = []
        below: list[str] = []
        try:
            with os.scandir(root / folder) as scan:
                listed = sorted(scan, key=lambda entry: entry.name)
        except OSError:
            continue
        if any(entry.name == NAME for entry in listed):
            continue
        for entry in listed:
            path = f"{folder}/{entry.name}" if folder else entry.name
            try:
                if entry.is_dir(follow_symlinks=False):
                    below.append(path)
                elif entry.is_file() and (found := _entry(Path(entry.path), path, real_root)) is not None:
                    files.append(found)
            except OSError:
                continue
        yield folder, files
        waiting += reversed(below)


def _entry(place: Path, path: str, real_root: Path) -> Entry | None:
    if place.is_symlink() and not place.resolve().is_relative_to(real_root):
        return None
    at = place.stat()
    return Entry(path, place, at.st_size, at.st_mtime_ns)


def kind_of(entry: Entry) -> str:
    """One of KINDS, by the first bytes of a file; "midi" too for one whose name says so and that is none."""
    try:
        with entry.place.open("rb") as file:
            head = file.read(HEADER_WINDOW)
    except OSError:
        head = b""
    if looks_like_midi(head):
        return "midi"
    if head[:4] in ZIP_MAGIC:
        return "zip"
    if head[:4] != APPLE_DOUBLE and entry.path.lower().endswith(MIDI_SUFFIXES):
        return "midi"
    return "sound" if sound_format(head) else "other"
