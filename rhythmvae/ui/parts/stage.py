"""Where pad, sliders and cards stand on the Variations page: side by side, on a phone one of them above the deck."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

LOOKS = Path(__file__).with_suffix(".css")
PARTS = PAD, SLIDERS, CARDS = ("Pad", "Sliders", "Cards")
_SHOWN = "stage-part"


def head() -> DeltaGenerator:
    """For what the page is for, in little room."""
    st.html(LOOKS)
    return st.container(key="stage-head")


def is_shown(part: str) -> bool:
    """Whether a part is chosen on a phone. A wide screen has all of them and nothing to choose: there the first is."""
    return bool(st.session_state.get(_SHOWN) == part)


@contextmanager
def layout() -> Iterator[list[DeltaGenerator]]:
    """Places for the three. Which of them a phone shows is the browser's affair: `stage.css` looks at the choice."""
    with st.container(key="stage"):
        st.segmented_control(
            "Shown",
            PARTS,
            default=PARTS[0],
            key=_SHOWN,
            required=True,
            label_visibility="collapsed",
            width="stretch",
        )
        columns = st.columns(len(PARTS), gap="medium")
        yield [column.container(key=f"stage-{part.lower()}") for column, part in zip(columns, PARTS, strict=True)]
