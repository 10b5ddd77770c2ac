"""What else the answers of the Complete page should be like: a style, and little or much of a trait.

All of it is folded into one line, which says what is chosen: so a phone has the answers below the big button.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import streamlit as st

from rhythmvae.data import names
from rhythmvae.ui.parts.sentences import literal
from rhythmvae.ui.session.opened import Opened

# A descriptor, its label, and words for little, a typical value and much.
Wish = tuple[str, str, tuple[str, str, str]]
OF_PATTERNS: tuple[Wish, ...] = (
    ("density", "How busy", ("sparse", "typical", "busy")),
    ("syncopation", "How syncopated", ("on the beat", "typical", "off the beat")),
)
OF_TOUCH: tuple[Wish, ...] = (
    ("looseness", "How loose", ("tight", "typical", "loose")),
    ("swing", "How swung", ("straight", "typical", "swung")),
)
QUANTILES = (0.15, 0.5, 0.85)  # of little, a typical value and much
STYLE = "style of answers"


def ask(wishes: Sequence[Wish], used: Opened, of: str) -> dict[str, Any]:
    """Widgets for the style and for those wishes that the model knows; what is chosen, as `caches.completed` takes it.

    Args:
        of: what the answers are to do; the line of each stays open by itself.
    """
    known = [wish for wish in wishes if wish[0] in used.quantiles.knots]
    label = ", ".join(["Style", *(label.lower() for _, label, _ in known)])
    # Its key has it stay open while its label, which says what is chosen, changes.
    with st.expander(_chosen(known) or label, icon=":material/tune:", key=f"more wanted of {of}"):
        style = st.selectbox(
            "In the style of",
            used.styles,
            index=None,
            placeholder="as it comes",
            key=STYLE,
            persist_state="session",
            format_func=names.style_name,
        )
        return {"style": style, "asked": _wanted(known)}


def _wanted(known: Sequence[Wish]) -> dict[str, float]:
    """Quantiles of what is wanted; nothing where nothing is chosen."""
    wanted: dict[str, float] = {}
    with st.container(horizontal=True):
        for name, label, words in known:
            named = dict(zip(QUANTILES, words, strict=True))
            quantile = st.segmented_control(
                label, list(named), key=_key(name), persist_state="session", format_func=named.__getitem__
            )
            if quantile is not None:
                wanted[name] = quantile
    return wanted


def _chosen(known: Sequence[Wish]) -> str:
    """What is chosen just now, as a label; empty for nothing."""
    style = st.session_state.get(STYLE)
    said = [literal(names.style_name(style))] if isinstance(style, str) else []
    for name, label, words in known:
        quantile = st.session_state.get(_key(name))
        if quantile in QUANTILES:
            said.append(f"{label.lower()}: {words[QUANTILES.index(quantile)]}")
    label = ", ".join(said)
    return label[:1].upper() + label[1:]


def _key(name: str) -> str:
    return f"wanted {name}"
