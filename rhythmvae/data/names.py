"""What people write where the Groove MIDI Dataset has file names: "New Orleans funk", "drummer 1".

A style is the data set's primary style, with a finer one behind a slash. Words that the data set does not have are
shown as they are, with a large first letter.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

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
# A take of the data set, as its file is called: number, style, tempo, beat or fill, meter.
_TAKE = re.compile(r"(\d+)_([a-z]+(?:-[a-z-]+)?)_(\d+)_(beat|fill)_(\d+)-(\d+)")


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


def groove_name(style: str, drummer: str, tempo_bpm: float, *, is_fill: bool = False) -> str:
    """What somebody played, to read.

    >>> groove_name("neworleans/funk", "drummer1", 94.0), groove_name("rock", "drummer3", 120.4, is_fill=True)
    ('New Orleans funk, drummer 1, 94 BPM', 'Rock fill, drummer 3, 120 BPM')
    """
    played = (style_name(style) or "Groove") + (" fill" if is_fill else "")
    return ", ".join(filter(None, (played, drummer_name(drummer), f"{tempo_bpm:.0f} BPM")))


def take_names(takes: Sequence[tuple[str, str, str]]) -> list[str]:
    """Names of takes beside each other, each given as (title, style, drummer).

    A title of the data set is read as what it says, and its number is named only where two would be called the same;
    any other title stays as it is.

    >>> take_names([("161_afrocuban-rhumba_110_beat_4-4", "afrocuban", "drummer1"), ("8_jazz_90_beat_5-8", "jazz", "")])
    ['Afro-Cuban rumba, drummer 1, 110 BPM', 'Jazz, 90 BPM, 5/8']
    """
    found = [(_take_name(*take), take[0]) for take in takes]
    count = Counter(name for name, _ in found)
    return [
        f"{name}, take {read[1]}" if count[name] > 1 and (read := _TAKE.fullmatch(title)) else name
        for name, title in found
    ]


def _take_name(title: str, style: str, drummer: str) -> str:
    if (read := _TAKE.fullmatch(title)) is None:
        return ", ".join(filter(None, (title, style_name(style), drummer_name(drummer))))
    _, played, bpm, kind, beats, unit = read.groups()
    name = groove_name(played.replace("-", "/", 1), drummer, float(bpm), is_fill=kind == "fill")
    return name if (beats, unit) == ("4", "4") else f"{name}, {beats}/{unit}"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
