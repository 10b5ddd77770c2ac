"""The map of a library as a component: up to a hundred thousand points, from clouds to the names of files.

Points and names are files that a browser keeps, the points packed: a head in JSON, then whole numbers in columns. What
goes with every change is which points pass the filters, a bit each, and which few are results. `cloud.js` reads the
points, `tiles.js` paints them, `library_map.js` is the map that hands move.
"""

from __future__ import annotations

import base64
import binascii
import json
import struct
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from rhythmvae.groove import BoolArray, IntArray
from rhythmvae.library.drawn import GRID, OTHERS
from rhythmvae.ui.components import assets

if TYPE_CHECKING:
    from rhythmvae.library.drawn import Drawn

COMPONENT = assets.Component(Path(__file__).parent, ("cloud.js", "tiles.js", "library_map.js"), shared=(assets.POINTS,))
MAGIC = b"RVM1"
BINARY, TEXT = "application/octet-stream", "text/plain"


def packed(drawn: Drawn) -> bytes:
    """What a browser draws: MAGIC, length of the head (uint32), the head, and of P points uint16 x, uint16 y, and a
    uint8 for each column. Little-endian."""
    head = {
        "n": len(drawn),
        "grid": GRID,
        "columns": [
            {
                "title": column.title,
                "names": column.names,
                "in_order": column.is_in_order,
                "others": column.names[-1:] == (OTHERS,),
            }
            for column in drawn.columns
        ],
    }
    text = json.dumps(head, ensure_ascii=False, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 4)
    parts = [MAGIC, struct.pack("<I", len(text)), text]
    parts += [np.ascontiguousarray(drawn.places[:, i]).astype("<u2").tobytes() for i in range(2)]
    parts += [column.of.tobytes() for column in drawn.columns]
    return b"".join(parts)


def show(
    points: bytes,
    names: bytes,
    *,
    key: str,
    passing: BoolArray | None = None,
    results: Sequence[int] = (),
    here: int | None = None,
    on_pick: Callable[[], None] | None = None,
    on_select: Callable[[], None] | None = None,
) -> None:
    """Put the map on the page.

    Args:
        points: of `packed`. names: of the points, UTF-8, each in a line.
        passing: (P,) which points pass the filters, the others fade; None for all.
        results: points that stand out, the nearest first. here: the point that plays, if it is one.
        on_pick: called before the run that follows a tap; see `picked`.
        on_select: called before the run that follows a box or lasso; see `selected`.
    """
    COMPONENT.tell(
        key,
        {
            "points": assets.address(f"points of {key}", points, BINARY),
            "names": assets.address(f"names of {key}", names, TEXT),
            "passing": None if passing is None else to_bits(passing),
            "results": list(results),
            "here": here,
            "answered": _count(assets.said(key, "picked")),
        },
        picked=on_pick,
        selected=on_select,
    )


def picked(key: str, n_points: int) -> int | None:
    """The point that was tapped last; None where there is none that makes sense."""
    match assets.said(key, "picked"):
        case {"index": int(index)} if not isinstance(index, bool) and 0 <= index < n_points:
            return index
    return None


def selected(key: str, n_points: int) -> IntArray:
    """Points that a box or lasso took in; none where what came makes no sense."""
    match assets.said(key, "selected"):
        case {"bits": str(text)} if len(text) <= 4 * (n_points // 24 + 2):
            return from_bits(text, n_points)
    return np.zeros(0, np.int64)


def to_bits(which: BoolArray) -> str:
    """Base64 of a bit for each point, the lowest bit of a byte first."""
    return base64.b64encode(np.packbits(which, bitorder="little").tobytes()).decode("ascii")


def from_bits(text: str, n_points: int) -> IntArray:
    """Points whose bit is set; none where these are no bits of so many points."""
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return np.zeros(0, np.int64)
    if len(data) != -(-n_points // 8):
        return np.zeros(0, np.int64)
    return np.flatnonzero(np.unpackbits(np.frombuffer(data, np.uint8), count=n_points, bitorder="little"))


def _count(state: Any) -> int:
    """Of the taps that came."""
    match state:
        case {"count": int(count)} if 0 <= count < 1 << 53:
            return int(count)
    return 0
