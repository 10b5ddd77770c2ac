"""What people write where the Groove MIDI Dataset has file names: "New Orleans funk", "drummer 1".

A style is the data set's primary style, with a finer one behind a slash. Words that the data set does not have are
shown as they are, with a large first letter.
"""

from __future__ import annotations

import re

_PRIMARY = {
    "afrocuban": "Afro-Cuban",
    "hiphop": "Hip-hop",
    "middleeastern": "Middle Eastern",
    "neworleans": "New Orleans",
}
_FINER = {
    "baiao": "baião",
    "bembe": "bembé",
    "chacha": "cha-cha",
    "chacarera": "chacarera",
    "halftime": "half-time",
    "ijexa": "ijexá",
    "maracatu": "maracatu",
    "mediumfast": "medium fast",
    "motown": "Motown",
    "purdieshuffle": "Purdie shuffle",
    "rhumba": "rumba",
    "sambareggae": "samba-reggae",
    "sangueo": "sangueo",
    "secondline": "second line",
}
_COUNTRIES = {"brazilian": "Brazilian", "dominican": "Dominican", "venezuelan": "Venezuelan"}
_NUMBERED = re.compile(r"drummer(\d+)")


def style_name(style: str) -> str:
    """A style to read.

    >>> style_name("neworleans/funk"), style_name("latin/brazilian-baiao"), style_name("rock")
    ('New Orleans funk', 'Brazilian baião', 'Rock')
    """
    primary, _, finer = style.partition("/")
    country, _, rest = finer.partition("-")
    if country in _COUNTRIES:  # which says more than "Latin"
        return " ".join(filter(None, (_COUNTRIES[country], _FINER.get(rest, rest))))
    return " ".join(filter(None, (_PRIMARY.get(primary, _capital(primary)), _FINER.get(finer, finer))))


def drummer_name(drummer: str) -> str:
    """
    >>> drummer_name("drummer10"), drummer_name("Ann")
    ('drummer 10', 'Ann')
    """
    found = _NUMBERED.fullmatch(drummer)
    return f"drummer {found[1]}" if found else drummer


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
