"""Text from files made safe to show, and numbers put into words."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from difflib import get_close_matches

MAX_NAME_LENGTH = 80  # characters of a name that are shown
MAX_GUESSED = 500_000  # bytes of one file whose encoding is guessed: a quarter of a second's work
_GUESS_COSTS = 400  # bytes that a guess costs beside those of its text


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
    return raw.decode(_guessed(raw), "replace")


def _guessed(raw: bytes) -> str:
    """The likeliest encoding of what is not UTF-8."""
    runs = _HIGH_RUN.findall(raw)
    n_high = sum(map(len, runs))
    # Western accents stand alone among letters; bytes of 0x80 to 0x9f are no letters of Latin-1.
    if max(map(len, runs)) <= 2 and 2 * n_high <= len(raw) and not any(0x80 <= byte < 0xA0 for byte in raw):
        return "latin-1"
    cyrillic = raw.decode("cp1251", "replace")
    words = re.findall(r"[^\W\d_a-zA-Z]+", cyrillic)
    if sum(map(len, words)) == n_high and all(map(_CYRILLIC_WORD.fullmatch, words)):
        return "cp1251"
    from charset_normalizer import from_bytes  # imported here: few names need it

    found = from_bytes(raw, cp_isolation=list(_LEGACY)).best()
    return "latin-1" if found is None else found.encoding


@dataclass
class Names:
    """The texts of one file as `decoded` has them. When guessing becomes work, the encoding found most holds for all.

    >>> names = Names()
    >>> names.decoded("ドラム".encode("cp932"))
    'ドラム'
    >>> names.left = 0
    >>> names.decoded("スネア".encode("cp932"))
    'スネア'
    """

    left: int = MAX_GUESSED
    found: Counter[str] = field(default_factory=Counter)

    def decoded(self, raw: bytes) -> str:
        """A text whose encoding nobody says."""
        with suppress(UnicodeDecodeError):
            return raw.decode("utf-8-sig")
        self.left -= len(raw) + _GUESS_COSTS
        if self.left > 0 or not self.found:
            encoding = _guessed(raw[: max(self.left, _GUESS_COSTS)])
            self.found[encoding] += 1
        else:
            [(encoding, _)] = self.found.most_common(1)
        return raw.decode(encoding, "replace")


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
