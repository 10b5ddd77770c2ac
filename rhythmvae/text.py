"""Text from files made safe to show, and numbers put into words."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from difflib import get_close_matches

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


def did_you_mean(given: str, known: Iterable[str]) -> str:
    """The end of a sentence that refuses a name: the known name that is nearest, if one is near.

    >>> did_you_mean("densty", ["density", "swing"])
    '; did you mean density?'
    >>> did_you_mean("tempo", ["density", "swing"])
    '.'
    """
    near = get_close_matches(given[:MAX_NAME_LENGTH].strip().lower(), known, n=1)
    return f"; did you mean {clean_text(near[0])}?" if near else "."
