"""What a user changed in the grid, kept for the session: a whole groove for each that was edited."""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st

from rhythmvae.errors import UsageError
from rhythmvae.groove import Groove
from rhythmvae.ui.components import deck
from rhythmvae.ui.shared import fingerprint

MAX_KEPT = 32
_KEPT, _PROBLEM, _RESETS = "edited grooves", "edit problem", "edit resets"
STATE = (_KEPT,)  # what a visitor has of this in a session


@dataclass(frozen=True, eq=False)
class View:
    """Bars `first` to `last` of a groove in the deck."""

    original: Groove  # as it was read
    first: int
    last: int

    @property
    def source(self) -> str:
        """Changes whenever the deck must forget its history: another groove, other bars, a fresh start."""
        resets = st.session_state.get(_RESETS, 0)
        return f"{fingerprint(self.original)[:16]} {self.first}-{self.last} {resets}"


def edited(original: Groove) -> Groove:
    """The groove with all edits so far."""
    groove, _ = _kept().get(fingerprint(original), (original, {}))
    return groove


def serial(view: View) -> int:
    """Of the last edit of this view that was taken."""
    _, serials = _kept().get(fingerprint(view.original), (None, {}))
    return int(serials.get(view.source, 0))


def take(view: View) -> None:
    """The deck's `on_edit`: keep what it sent, if it is about this view and can be."""
    edit = deck.edit()
    if edit is None or edit.source != view.source:
        return
    kept, digest = _kept(), fingerprint(view.original)
    whole, serials = kept.pop(digest, (view.original, {}))
    try:
        whole = whole.with_bars(view.first, view.last, edit.groove(whole.bars(view.first, view.last)))
    except UsageError as error:
        st.session_state[_PROBLEM] = str(error)
    kept[digest] = whole, {**serials, edit.source: edit.serial}
    while len(kept) > MAX_KEPT:
        kept.pop(next(iter(kept)))  # the one that was not touched for longest


def all_edited() -> dict[str, Groove]:
    """Fingerprint of a groove as it was read -> the groove with its edits, of those that have some."""
    return {digest: groove for digest, (groove, _) in _kept().items()}


def give_back(digest: str, groove: Groove) -> None:
    """Take edits that another session made."""
    _kept()[digest] = groove, {}


def problem() -> str | None:
    """Why the last edit was not taken; told once."""
    found: str | None = st.session_state.pop(_PROBLEM, None)
    return found


def forget(original: Groove) -> None:
    """Back to the groove as it was read."""
    _kept().pop(fingerprint(original), None)
    st.session_state[_RESETS] = st.session_state.get(_RESETS, 0) + 1


def _kept() -> dict[str, tuple[Groove, dict[str, int]]]:
    kept: dict[str, tuple[Groove, dict[str, int]]] = st.session_state.setdefault(_KEPT, {})
    return kept
