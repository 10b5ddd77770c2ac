"""Hints for a first visit: a line below a page's heading, one hint at a time, until it is closed or all were read.

The browser remembers that, so that nobody reads them twice. They stand in the page and never over the deck. The page
keeps their room (ui/parts/shell.css), and each takes as much as the longest, so that nothing moves.
"""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from rhythmvae.ui.components import assets

COMPONENT = assets.Component(Path(__file__).parent, ("hints.js",), shared=(assets.HINTED,))
KEY = "hints"
HINTS = (
    "New here? Press Play. The deck below plays a groove, and every page changes it.",
    "“Get a groove” has patterns, takes your own MIDI files, and lets the model invent one.",
    "Nothing is lost: undo it, reload the page, or copy the link. The music goes on.",
)


def show() -> None:
    """Call it once in every run, in the same place."""
    with st.container(key="room of hints"):
        COMPONENT.tell(KEY, {"hints": list(HINTS)})
