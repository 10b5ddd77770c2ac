"""Text from files made safe to show, and numbers put into words."""

from __future__ import annotations

import unicodedata

MAX_NAME_LENGTH = 80  # characters of a name that are shown


def clean_text(text: str, limit: int = MAX_NAME_LENGTH) -> str:
    """Text from outside, fit for a line: printable, single spaces, at most `limit` characters.

    >>> clean_text("a\\x00b\\n  c\\u202e")
    'a b c'
    """
    text = unicodedata.normalize("NFC", text[: 4 * limit])
    text = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return text if len(text) <= limit else text[: limit - 1] + "…"


def counted(n: int, noun: str) -> str:
    """A number with its noun: ``1 hit``, ``1,200 hits``."""
    return f"{n:,} {noun}{'' if n == 1 else 's'}"
