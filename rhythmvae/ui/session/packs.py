"""Sounds in zips that were dropped: counted, and read where the visitor asks for it.

A zip with sounds is kept as it came until it is answered, within the bounds below. Its sounds are taken from it one by
one, so that where a run of the page is given up the next one goes on.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field

import streamlit as st

from rhythmvae.data.files import Source, sources_from_zip

MAX_PACKS = 4
MAX_BYTES = 16 << 20  # of all of them; the last one is kept in any case
MAX_SOUNDS = 1_000  # of one that are offered
_PACKS, _ASKED = "zips with sounds", "zip that is read"
STATE = (_PACKS, _ASKED)  # what a visitor has of this in a session


@dataclass(eq=False)
class Pack:
    """A zip with sounds. left: those that were not read yet, in their order. n_read: how many were.

    Args:
        key: tells it from the others. is_in_hand: whether one of them was taken in hand.
    """

    name: str
    key: str
    n_bytes: int
    left: list[Source] = field(repr=False)
    n_read: int = 0
    is_in_hand: bool = False


def offer(name: str, data: bytes) -> int:
    """Offer the sounds in a zip, in place of older offers where there are too many or they are too large.

    Returns:
        how many there are.

    Raises:
        CorpusError: it cannot be opened.
    """
    found = [source for source in sources_from_zip(data, name, audio=True) if source.sound is not None]
    if not found:
        return 0
    key = hashlib.sha256(name.encode(errors="replace") + bytes(1) + data).hexdigest()[:16]
    kept = [Pack(name, key, len(data), found[:MAX_SOUNDS])]
    room = MAX_BYTES - len(data)
    for own in reversed(offered()):
        room -= own.n_bytes
        if own.key != key and len(kept) < MAX_PACKS and room >= 0:
            kept.insert(0, own)
    st.session_state[_PACKS] = kept
    return len(found)


def offered() -> Sequence[Pack]:
    found: list[Pack] = st.session_state.get(_PACKS, [])
    return found


def ask(key: str) -> None:
    """Have the sounds of a zip read by the next run."""
    st.session_state[_ASKED] = key


def asked() -> Pack | None:
    """The one whose sounds are read."""
    key = st.session_state.get(_ASKED)
    return next((pack for pack in offered() if pack.key == key), None)


def rest() -> None:
    """Read no more for now: what is left is offered again."""
    st.session_state.pop(_ASKED, None)


def forget(key: str) -> None:
    """Offer the sounds of a zip no more."""
    st.session_state[_PACKS] = [pack for pack in offered() if pack.key != key]


def taken(pack: Pack) -> Source | None:
    """Its next sound, which is not offered any more; after the last one the zip is let go."""
    if not pack.left:
        forget(pack.key)
        return None
    pack.n_read += 1
    return pack.left.pop(0)
