"""The tray: grooves a visitor keeps, for the session; heard, compared and taken home from any page."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import streamlit as st

from rhythmvae.groove import Groove
from rhythmvae.midi.write import write_midi
from rhythmvae.outputs import file_stem, unique_files, zip_of
from rhythmvae.ui.shared import fingerprint

MAX_KEPT = 64
_KEPT = "tray"
STATE = (_KEPT,)  # what a visitor has of this in a session


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


def zipped(grooves: Mapping[str, Groove], write: Callable[[Groove], bytes] = write_midi) -> bytes:
    """A zip of MIDI files named by the grooves' titles; the same grooves give the same bytes."""
    names = unique_files()
    return zip_of((names.add(file_stem(groove.title), ".mid"), write(groove)) for groove in grooves.values())
