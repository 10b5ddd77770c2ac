"""Sounds that are dropped in any upload box: the browser decodes them, and sends what it decoded in parts.

Whatever the browser plays is taken, and a file of ten minutes never travels whole. `sounds.js` takes sounds out of a
drop before Streamlit's box sees them; what the browser cannot decode goes on to the box, for the server to read.
What is dropped beside every box goes to one (`strays.js`).

A part says where in the sound it lies. The page tells how much it has (`wants`), and the next part begins there; so
none is lost or doubled, and nobody sends more than is asked for.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from rhythmvae.audio import pcm
from rhythmvae.audio.hits import RATE
from rhythmvae.audio.read import MAX_SECONDS, MAX_SOUND_BYTES
from rhythmvae.ui.components import assets

COMPONENT = assets.Component(Path(__file__).parent, ("folders.js", "heads.js", "stranded.js", "strays.js", "sounds.js"))
KEY = "dropped sounds"
SHELTER = "shelter"
MAX_PART_BYTES = 1 << 20
MAX_HEAD_BYTES = 1 << 16  # of a file, in which it says its tempo
MAX_NAME, MAX_ID = 500, 64
WHY = ("long", "large", "unreadable", "many", "empty")  # a browser takes no sound


@dataclass(frozen=True)
class Part:
    """Some of a sound: `data`, whole samples as `audio.pcm` has them, which lie `at` bytes from its begin.

    Args:
        id: of the sound, the browser's own. n_bytes: of all of it. are_taps: whether it was dropped as taps.
        head: of the file as it was dropped, what may say a tempo (sounds.js): with the first part alone.
    """

    id: str
    name: str
    n_bytes: int
    at: int
    data: bytes
    are_taps: bool
    head: bytes = b""


def tell(
    *,
    wants: tuple[str, int] | None,
    over: str | None,
    most: int,
    is_full: bool,
    on_part: Callable[[], None],
    on_refused: Callable[[], None],
    on_stranded: Callable[[], None],
) -> None:
    """Have the browser take sounds from drops; it shows a line while it does, and takes no room else.

    Args:
        wants: the sound that is under way, and how many bytes of it are here.
        over: the last one that was taken, or is not wanted.
        most: sounds of one drop. is_full: whether there is no room for another.
        on_part, on_refused: called before the run that follows; see `part` and `refused`.
        on_stranded: the same, where files of any kind are on their way in a box that was closed. They need one that
            stays, in a container with the key SHELTER.
    """
    data = {
        "rate": RATE,
        "max_seconds": MAX_SECONDS,
        "max_file": MAX_SOUND_BYTES,
        "part_bytes": MAX_PART_BYTES,
        "head_bytes": MAX_HEAD_BYTES,
        "wants": None if wants is None else {"id": wants[0], "at": wants[1]},
        "over": over,
        "max_sounds": most,
        "is_full": is_full,
    }
    COMPONENT.tell(KEY, data, part=on_part, refused=on_refused, stranded=on_stranded)


def part() -> Part | None:
    """For an `on_part`: what came, if it can be some of a sound."""
    match assets.said(KEY, "part"):
        case {
            "id": str(id),
            "name": str(name),
            "rate": int(rate),
            "n_bytes": int(n_bytes),
            "at": int(at),
            "data": str(text),
            "are_taps": bool(are_taps),
            "head": str(head),
        }:
            is_whole = n_bytes % pcm.SAMPLE_BYTES == 0 and at % pcm.SAMPLE_BYTES == 0
            is_bounded = pcm.MIN_BYTES <= n_bytes <= pcm.MAX_BYTES and 0 <= at < n_bytes
            if rate != RATE or not is_whole or not is_bounded or not 0 < len(id) <= MAX_ID:
                return None
            data, begin = _bytes(text, MAX_PART_BYTES), _bytes(head, MAX_HEAD_BYTES)
            if not data or begin is None or len(data) % pcm.SAMPLE_BYTES or len(data) > n_bytes - at:
                return None
            return Part(id, name[:MAX_NAME], n_bytes, at, data, are_taps, begin)
    return None


def _bytes(text: str, most: int) -> bytes | None:
    """At most so many of base64; None for anything else."""
    if len(text) > most * 4 // 3 + 4:
        return None
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None
    return data if len(data) <= most else None


def refused() -> tuple[str, str] | None:
    """For an `on_refused`: the name of a sound that the browser took not, of a folder that holds none, or how many
    sounds were left out; and one of WHY."""
    match assets.said(KEY, "refused"):
        case {"name": str(name), "why": str(why)} if why in WHY:
            return name[:MAX_NAME], why
    return None
