"""The tray: grooves a visitor keeps, for the session; heard, compared and taken home from any page."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Mapping

import streamlit as st

from rhythmvae.groove import Groove
from rhythmvae.midi.write import write_midi
from rhythmvae.ui.session.caches import fingerprint

MAX_KEPT = 64
MAX_STEM = 60  # characters of a file's name
_KEPT = "tray"


def kept() -> dict[str, Groove]:
    """What lies in it: fingerprint -> groove, the latest last."""
    found: dict[str, Groove] = st.session_state.setdefault(_KEPT, {})
    return found


def toggle(groove: Groove) -> None:
    """Put a groove in, or take it out again."""
    key = fingerprint(groove)
    if kept().pop(key, None) is None:
        kept()[key] = groove
        while len(kept()) > MAX_KEPT:
            kept().pop(next(iter(kept())))


def holds(groove: Groove) -> bool:
    return fingerprint(groove) in kept()


def file_stem(title: str) -> str:
    """A title as a file's name.

    >>> file_stem("Funk, variation 3")
    'Funk-variation-3'
    """
    return re.sub(r"[^\w-]+", "-", title).strip("-")[:MAX_STEM] or "groove"


def zipped(grooves: Mapping[str, Groove]) -> bytes:
    """A zip of MIDI files named by the grooves' titles; the same grooves give the same bytes."""
    out = io.BytesIO()
    taken: set[str] = set()
    with zipfile.ZipFile(out, "w") as archive:
        for groove in grooves.values():
            stem, count = file_stem(groove.title), 1
            name = f"{stem}.mid"
            while name.lower() in taken:
                count += 1
                name = f"{stem}~{count}.mid"
            taken.add(name.lower())
            # ZipInfo: without the time of day. It asks for no compression, whatever the archive does.
            archive.writestr(zipfile.ZipInfo(name), write_midi(groove), zipfile.ZIP_DEFLATED)
    return out.getvalue()
