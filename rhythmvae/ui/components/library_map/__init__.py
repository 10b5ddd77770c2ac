"""The map of a library as a component: up to a hundred thousand points, from clouds to the names of files.

Points and names are files that a browser keeps, the points packed: a head in JSON, then whole numbers in columns. What
goes with every change is which points pass the filters, a bit each, and which few are results. Grooves of points in
view come before they are tapped, packed likewise, by a part of the page that runs alone.

Modules, in the order they build on each other: `cloud.js` (points), `tiles.js` (paints them), `view.js` (which part is
seen), `labels.js`, `marks.js` and `bar.js` (what lies over and around it), `ahead.js` (grooves) and `library_map.js`,
the map that hands move; `assets/gestures.js` tells what a hand does.
"""

from __future__ import annotations

import base64
import binascii
import json
import struct
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from rhythmvae.groove import BoolArray, Groove, IntArray
from rhythmvae.library.drawn import GRID, OTHERS
from rhythmvae.ui import played
from rhythmvae.ui.components import assets

if TYPE_CHECKING:
    from rhythmvae.library.drawn import Drawn

MODULES = ("cloud.js", "tiles.js", "view.js", "labels.js", "marks.js", "bar.js", "ahead.js", "library_map.js")
COMPONENT = assets.Component(Path(__file__).parent, MODULES, shared=(assets.POINTS, assets.GESTURES, assets.MAPBAR))
MAGIC = b"RVM1"
MOST_AHEAD = 200  # points whose grooves are asked for at once
# A hit in two words: its position in ten-thousandths of a step from half a step before the first; voice and velocity.
_UNITS, _FROM, _VELOCITIES = 10_000, 0.5, 128
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
    parts = [_headed(head)]
    parts += [np.ascontiguousarray(drawn.places[:, i]).astype("<u2").tobytes() for i in range(2)]
    parts += [column.of.tobytes() for column in drawn.columns]
    return b"".join(parts)


def _headed(head: dict[str, Any]) -> bytes:
    text = json.dumps(head, ensure_ascii=False, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 4)
    return MAGIC + struct.pack("<I", len(text)) + text


def grooves_file(grooves: Mapping[int, tuple[int, Groove]], never: Sequence[int] = ()) -> bytes:
    """What a browser plays points by: a head, and two words for each hit.

    Args:
        grooves: point -> number of its first bar, and its groove; tempos are the browser's. never: points that have
            none it could play by itself.
    """
    of = [played.frame(groove) for _, groove in grooves.values()]
    frames = list({json.dumps(frame): frame for frame in of}.values())
    head = {
        "frames": frames,
        "grooves": [
            [i, frames.index(frame), first, len(groove)]
            for (i, (first, groove)), frame in zip(grooves.items(), of, strict=True)
        ],
        "never": list(never),
    }
    words = [np.zeros((0, 2), np.int64)]
    for _, groove in grooves.values():
        position = np.rint((groove.position + _FROM) * _UNITS).astype(np.int64)
        words.append(np.stack([position, groove.voice.astype(np.int64) * _VELOCITIES + groove.velocity], axis=1))
    return _headed(head) + np.concatenate(words).astype("<u4").tobytes()


def show(
    points: bytes,
    names: bytes,
    *,
    key: str,
    passing: BoolArray | None = None,
    results: Sequence[int] = (),
    here: int | None = None,
    bpm: float = 120.0,
    on_pick: Callable[[], None] | None = None,
    on_select: Callable[[], None] | None = None,
) -> None:
    """Put the map on the page.

    Args:
        points: of `packed`. names: of the points, UTF-8, each in a line.
        passing: (P,) which points pass the filters, the others fade; None for all.
        results: points that stand out, the nearest first. here: the point that plays, if it is one.
        bpm: the tempo that points are heard in.
        on_pick: called before the run that follows a tap; see `picked`.
        on_select: called before the run that follows a box or lasso; see `selected`.
    """
    COMPONENT.tell(
        key,
        {
            "part": "map",
            "points": _address_of(points, key),
            "names": assets.address(f"names of {key}", names, TEXT),
            "passing": None if passing is None else to_bits(passing),
            "results": list(results),
            "here": here,
            "bpm": bpm,
            "answered": _count(assets.said(key, "picked")),
        },
        picked=on_pick,
        selected=on_select,
    )


def _address_of(points: bytes, key: str) -> str:
    return assets.address(f"points of {key}", points, BINARY)


@dataclass(frozen=True)
class Want:
    """Points whose grooves a browser would have before they are tapped; `serial` counts its questions."""

    serial: int
    points: tuple[int, ...]


def ahead(
    points: bytes, *, key: str, of: str, serial: int = 0, grooves: bytes | None = None, on_want: Callable[[], None]
) -> None:
    """Tell the map's browser the grooves that it asked for; it takes no room on the page.

    Args:
        points: as `show` has it, and key `of` that map.
        serial: of the question that `grooves`, of `grooves_file`, are the answer to.
        on_want: called before the run that follows another question; see `wanted`.
    """
    address = None if grooves is None else assets.address(f"grooves {serial % 4} of {key}", grooves, BINARY)
    told = {"part": "ahead", "of": _address_of(points, of), "serial": serial, "address": address}
    COMPONENT.tell(key, told, want=on_want)


def wanted(key: str, n_points: int) -> Want | None:
    """For an `on_want`; None where what came makes no sense."""
    match assets.said(key, "want"):
        case {"serial": int(serial), "points": list(points)} if 0 <= serial < 1 << 53:
            there = [i for i in points[:MOST_AHEAD] if isinstance(i, int) and not isinstance(i, bool)]
            return Want(serial, tuple(dict.fromkeys(i for i in there if 0 <= i < n_points)))
    return None


def is_heard(key: str) -> bool:
    """Whether a browser plays by itself what was tapped last."""
    match assets.said(key, "picked"):
        case {"is_heard": True}:
            return True
    return False


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
