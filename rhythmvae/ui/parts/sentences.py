"""Errors as sentences on the page, and user text made safe for Markdown."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from rhythmvae.errors import RhythmVAEError, StoreError
from rhythmvae.ui.shared import refused_uploads

_PUNCTUATION = re.compile(r"([!-/:-@\[-`{-~])")
_LOG = logging.getLogger(__name__)
UNREACHABLE = "The server cannot reach its database just now; all else works. Try again in a minute."
_WORD_JOINER = "\u2060"  # invisible; keeps ":name:" from becoming an icon and "http:" a link


def literal(text: str) -> str:
    """Text (a file's name, a message that quotes one) that Markdown shows as it is.

    >>> literal("*a*.mid")
    '\\\\*a\\\\*\\\\.mid'
    """
    return _PUNCTUATION.sub(r"\\\1", " ".join(text.split())).replace(":", ":" + _WORD_JOINER)


def table(columns: Sequence[str], rows: Sequence[Sequence[str]], numbers: Sequence[str] = ()) -> str:
    """A Markdown table of texts as they are. A page that shows one loads no data grid, 0.9 MB of JavaScript.

    Args:
        columns: their names; those in `numbers` stand at the right.

    >>> print(table(["Drum", "Hits"], [["Kick", "12"]], numbers=["Hits"]))
    | Drum | Hits |
    | :-- | --: |
    | Kick | 12 |
    """
    ruler = ["--:" if name in numbers else ":--" for name in columns]
    lines = [[literal(name) for name in columns], ruler, *([literal(cell) for cell in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


@contextmanager
def errors_shown() -> Iterator[None]:
    """What a user can mend becomes a sentence, and the page goes on behind the block. Bugs stay loud."""
    try:
        yield
    except RhythmVAEError as error:
        st.error(literal(said(error)), icon=":material/error:")


def said(error: RhythmVAEError) -> str:
    """What a page says of an error. Where the database lies is the log's business, and no visitor's."""
    if isinstance(error, StoreError):
        _LOG.warning("%s", error)
        return UNREACHABLE
    return str(error)


def counted(n: int, noun: str) -> str:
    """
    >>> counted(1, "hit"), counted(2000, "hit")
    ('1 hit', '2,000 hits')
    """
    return f"{n:,} {noun}" if n == 1 else f"{n:,} {noun}s"


def upload_refused() -> None:
    """Under an upload box: why what was dropped last is not here, if the server had no room for it."""
    context = get_script_run_ctx()
    if context is not None and (sentence := refused_uploads.take(context.session_id)) is not None:
        st.warning(f"What you dropped last was not taken. {literal(sentence)}", icon=":material/inventory_2:")
