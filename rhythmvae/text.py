"""Text from files made safe to show, and numbers put into words."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from contextlib import suppress
from difflib import get_close_matches

MAX_NAME_LENGTH = 80  # characters of a name that are shown


def clean_text(text: str, limit: int = MAX_NAME_LENGTH) -> str:
    """Text from outside, fit for a line: printable, single spaces, at most `limit` characters.

    >>> clean_text("a\\x00b\\n  c\\u202e")
    'a b c'
    """
    text = unicodedata.normalize("NFC", text[: 4 * limit])
    if not text.isprintable():
        text = "".join(c if c.isprintable() else " " for c in text)
    text = " ".join(text.split())
    return text if len(text) <= limit else text[: limit - 1] + "…"


# Encodings that names come in beside UTF-8 and Latin-1: Japanese, Russian and Chinese programs'.
_LEGACY = ("cp932", "cp1251", "gbk")
_CYRILLIC_WORD = re.compile(r"[А-ЯЁ]?[а-яё]+|[А-ЯЁ]+")
_HIGH_RUN = re.compile(rb"[\x80-\xff]+")


def decoded(raw: bytes) -> str:
    """Text from outside whose encoding nobody says: UTF-8, Shift-JIS, Windows-1251, GBK, or else Latin-1.

    >>> decoded("ドラム".encode("cp932")), decoded("Барабаны".encode("cp1251")), decoded("Café".encode("latin-1"))
    ('ドラム', 'Барабаны', 'Café')
    """
    with suppress(UnicodeDecodeError):
        return raw.decode("utf-8-sig")
    runs = _HIGH_RUN.findall(raw)
    n_high = sum(map(len, runs))
    # Western accents stand alone among letters; bytes of 0x80 to 0x9f are no letters of Latin-1.
    if max(map(len, runs)) <= 2 and 2 * n_high <= len(raw) and not any(0x80 <= byte < 0xA0 for byte in raw):
        return raw.decode("latin-1")
    cyrillic = raw.decode("cp1251", "replace")
    words = re.findall(r"[^\W\d_a-zA-Z]+", cyrillic)
    if sum(map(len, words)) == n_high and all(map(_CYRILLIC_WORD.fullmatch, words)):
        return cyrillic
    from charset_normalizer import from_bytes  # imported here: few names need it

    found = from_bytes(raw, cp_isolation=list(_LEGACY)).best()
    return raw.decode("latin-1") if found is None else str(found)


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
