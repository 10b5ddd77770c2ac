"""The latent map as a component: points one can hear, walk through and collect.

The points of a map are a file that a browser keeps, and so are their grooves, which come some hundreds at a time; what
goes with every change is what was uploaded, chosen and collected.

Modules, in the order they build on each other: `look.js` (colours and shapes), `camera.js` (which part is seen),
`field.js` (which point is where), `dots.js`, `marks.js`, `panel.js` (the layers), `grooves.js` (what a browser can play
by itself) and `latent_map.js`; `latent_map.css` is for looks. What a hand does is told by `assets/gestures.js`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from rhythmvae.analysis.swapping import PARTS
from rhythmvae.data.names import drummer_name, style_name
from rhythmvae.groove import FloatArray, Groove
from rhythmvae.kit import GROUPS, VOICE_INDEX
from rhythmvae.ui import played
from rhythmvae.ui.components import assets

if TYPE_CHECKING:
    from rhythmvae.model.latent_map import LatentMap

MODULES = ("look.js", "camera.js", "field.js", "dots.js", "marks.js", "panel.js", "grooves.js", "latent_map.js")
COMPONENT = assets.Component(Path(__file__).parent, MODULES, shared=(assets.POINTS, assets.GESTURES, assets.MAPBAR))
MAP, PLANE = "t-SNE", "PCA"
VIEWS = (MAP, PLANE)
DECODABLE = (PLANE,)  # anywhere
MOST_COLLECTED = 32
MARGIN = 0.02  # around all points, of the map's width
GROOVES_AT_ONCE = 500  # in a file: a quarter of a second of a core, 80 kB
# A hit in 32 bits: voice, velocity, and the position in ten-thousandths of a step from half a step before the first.
_POSITION_BITS, _VELOCITY_BITS, _UNITS, _FROM = 19, 7, 10_000, 0.5
NUMBERS = {  # how a slider is called as a colour
    "density": "density",
    "swing": "swing",
    "syncopation": "syncopation",
    "loudness": "velocity",
    "dynamics": "dynamics",
    "looseness": "looseness",
}
_READ_AS: dict[str, Callable[[str], str]] = {"style": style_name, "drummer": drummer_name}


@dataclass(frozen=True)
class Frame:
    """Where a view's coordinates lie: a square around all points, so that places go from 0 to 1."""

    low: tuple[float, float]
    width: float

    @classmethod
    def around(cls, places: FloatArray) -> Frame:
        low, high = places.min(axis=0), places.max(axis=0)
        width = float((high - low).max()) * (1 + 2 * MARGIN) or 1.0
        x, y = (low + high - width) / 2
        return cls((float(x), float(y)), width)

    def inside(self, places: FloatArray) -> FloatArray:
        """(M, 2) map coordinates to 0 to 1; outside of the frame beyond that."""
        return np.asarray((places - np.array(self.low)) / self.width)

    def back(self, place: Sequence[float]) -> FloatArray:
        """(2,) undoes `inside`."""
        return np.asarray(np.array(self.low) + np.array(place) * self.width)


def frames(latent_map: LatentMap) -> dict[str, Frame]:
    return {MAP: Frame.around(latent_map.tsne), PLANE: Frame.around(latent_map.plane)}


def points_file(latent_map: LatentMap) -> bytes:
    """What a browser draws and names points by."""
    around = frames(latent_map)
    views = {MAP: around[MAP].inside(latent_map.tsne), PLANE: around[PLANE].inside(latent_map.plane)}
    categories = {
        title: [_READ_AS.get(name, str)(label) for label in labels]
        for title, name in (("style", "style"), ("drummer", "drummer"), ("beat or fill", "kind"))
        if any(labels := latent_map.labels(name))
    }
    numbers = {"tempo": latent_map.tempo_bpm} | {title: latent_map.descriptor(name) for name, title in NUMBERS.items()}
    if not categories:
        categories = {"file": [origin.title for origin in (latent_map.origin(i) for i in range(len(latent_map)))]}
    of_points = [latent_map.frame(i) for i in range(len(latent_map))]
    kinds = {_frame_key(frame): frame for frame in of_points}
    index = {key: k for k, key in enumerate(kinds)}
    data = {
        "name": [latent_map.name(i) for i in range(len(latent_map))],
        "views": {name: [round(x, 4) for x in places.ravel().tolist()] for name, places in views.items()},
        "categories": {title: _category(labels) for title, labels in categories.items()},
        "numbers": {
            title: [_number(x) for x in values.tolist()]
            for title, values in numbers.items()
            if np.isfinite(values).any()
        },
        "bar": latent_map.bars[:, 0].tolist(),
        "frames": [played.frame(frame) for frame in kinds.values()],
        "frame": [index[_frame_key(frame)] for frame in of_points],
        "bpm": [round(frame.tempos[0].bpm, 4) for frame in of_points],
    }
    return json.dumps(data, separators=(",", ":")).encode()


def _frame_key(frame: Groove) -> tuple[int, str]:
    return frame.n_steps, str(frame.meters[0])


def grooves_file(grooves: Sequence[Groove]) -> bytes:
    """What a browser plays points by: how many, the number of hits of each, and all hits, as 32-bit words."""
    count = [len(groove) for groove in grooves]
    hits = [_words(groove) for groove in grooves]
    return np.concatenate([[len(count)], count, *hits]).astype("<u4").tobytes()


def _words(groove: Groove) -> np.ndarray[Any, Any]:
    position = np.rint((groove.position + _FROM) * _UNITS).astype(np.int64)
    return np.asarray(position | groove.velocity << _POSITION_BITS | groove.voice << (_POSITION_BITS + _VELOCITY_BITS))


def _category(labels: Sequence[str]) -> dict[str, Any]:
    """Names, the commonest first, and for each point which it has, -1 for none."""
    counts = {name: labels.count(name) for name in set(labels) if name}
    names = sorted(counts, key=lambda name: (-counts[name], name))
    index = {name: k for k, name in enumerate(names)}
    return {"names": names, "of": [index.get(label, -1) for label in labels]}


def _number(value: float) -> float | None:
    return float(f"{value:.4g}") if isfinite(value) else None


@dataclass(frozen=True)
class Mark:
    """A place on the map, 0 to 1 in each view it has, with a name to read and a label to draw; "" draws a triangle."""

    name: str
    places: Mapping[str, tuple[float, float]]
    label: str = ""


@dataclass(frozen=True)
class Here:
    """What plays: a point or one of a visitor's own, by index, or a place 0 to 1 in each view that it has."""

    kind: str
    index: int = 0
    places: Mapping[str, tuple[float, float]] = field(default_factory=dict)

    def data(self) -> dict[str, Any]:
        if self.kind == "place":
            return {"kind": "place", "places": {view: list(place) for view, place in self.places.items()}}
        return {"kind": self.kind, "index": self.index}


def show(
    points: bytes,
    *,
    key: str,
    own: Sequence[Mark] = (),
    corners: Sequence[Mark] = (),
    tray: Mapping[str, int] | None = None,
    here: Here | None = None,
    hand: int | None = None,
    base: str = "",
    taken: Sequence[str] = (),
    takes: bool = False,
    note: str = "",
    on_pick: Callable[[], None] | None = None,
    on_parts: Callable[[], None] | None = None,
    on_take: Callable[[], None] | None = None,
    on_collect: Callable[[], None] | None = None,
) -> None:
    """Put the map on the page.

    Args:
        points: of `points_file`.
        own: a visitor's grooves. corners: of a walk. tray: id of a card -> the point that was collected.
        here: what plays.
        hand: which of `own` is the groove in hand.
        base: name of the groove that parts of others go into.
        taken: those parts (`swapping.PARTS`), none for whole grooves.
        takes: whether there is something to take in hand.
        note: a sentence on what plays.
        on_pick: called before the run that follows a tap; see `picked`.
        on_parts: called before the run that follows a choice of parts; see `parts`.
        on_take: called before the run in which what plays is taken in hand.
        on_collect: called before the run that follows a box or lasso; see `collected`.
    """
    COMPONENT.tell(
        key,
        {
            "part": "map",
            "points": _address_of(points),
            "own": _by_view(own),
            "corners": _by_view(corners),
            "tray": [{"id": card, "index": index} for card, index in (tray or {}).items()],
            "here": here.data() if here else None,
            "hand": None if hand is None else Here("own", hand).data(),
            "base": base,
            "parts": [{"key": part, "label": part.capitalize()} for part in PARTS],
            "voices": {group: [VOICE_INDEX[voice] for voice in voices] for group, voices in GROUPS.items()},
            "taken": list(taken),
            "takes": takes,
            "note": note,
            "answered": max(_count(assets.said(key, "picked")), _count(assets.said(key, "parts"))),
            "decodable": list(DECODABLE),
            "most_collected": MOST_COLLECTED,
        },
        picked=on_pick,
        parts=on_parts,
        take=on_take,
        collected=on_collect,
    )


def grooves(points: bytes, files: Mapping[int, bytes], *, key: str, on_want: Callable[[], None]) -> None:
    """Tell the map's browser which grooves it can have; it takes no room on the page.

    Args:
        points: as `show` has it.
        files: part -> `grooves_file` of the GROOVES_AT_ONCE points that begin with its number times that.
        on_want: called before the run that follows where another part is wanted; see `wanted`.
    """
    addresses = {
        str(part): assets.address(f"grooves {part} of {key}", file, "application/octet-stream")
        for part, file in files.items()
    }
    told = {"part": "grooves", "of": _address_of(points), "addresses": addresses, "size": GROOVES_AT_ONCE}
    COMPONENT.tell(key, told, want=on_want)


def wanted(key: str, n_points: int) -> int | None:
    """For an `on_want`: number of the part."""
    match assets.said(key, "want"):
        case {"part": part} if _is_index(part, -(-n_points // GROOVES_AT_ONCE)):
            return int(part)
    return None


def _address_of(points: bytes) -> str:
    return assets.address("points of a map", points, "application/json")


def _by_view(marks: Sequence[Mark]) -> dict[str, list[dict[str, Any]]]:
    return {
        view: [
            {"x": mark.places[view][0], "y": mark.places[view][1], "name": mark.name, "label": mark.label}
            for mark in marks
            if view in mark.places
        ]
        for view in VIEWS
    }


@dataclass(frozen=True)
class Picked:
    """What was tapped: a point by index, one of a visitor's own by index, or a place (0 to 1) of a view.

    is_heard: the browser plays it already.
    """

    kind: str
    index: int = 0
    view: str = ""
    place: tuple[float, float] = (0.0, 0.0)
    is_heard: bool = False


def picked(key: str, n_points: int, n_own: int) -> Picked | None:
    """The last tap; None where there is none that makes sense."""
    match assets.said(key, "picked"):
        case {"kind": "point" | "own" as kind, "index": index, **more}:
            if _is_index(index, n_points if kind == "point" else n_own):
                return Picked(kind, index, is_heard=kind == "point" and more.get("is_heard") is True)
        case {"kind": "place", "view": str(view), "place": [x, y]}:
            if view in DECODABLE and _is_near(x) and _is_near(y):
                return Picked("place", view=view, place=(float(x), float(y)))
    return None


def parts(key: str) -> tuple[str, ...]:
    """What of a groove is taken: some of `swapping.PARTS` in their order; none for all of it."""
    match assets.said(key, "parts"):
        case {"parts": list(said)}:
            return tuple(part for part in PARTS if part in said)
    return ()


def collected(key: str, n_points: int) -> list[int]:
    """Points that a box or lasso took in, at most MOST_COLLECTED."""
    match assets.said(key, "collected"):
        case {"indices": list(indices)}:
            return sorted({i for i in indices if _is_index(i, n_points)})[:MOST_COLLECTED]
    return []


def _count(state: Any) -> int:
    """Of the clicks that came."""
    match state:
        case {"count": int(count)} if 0 <= count < 1 << 53:
            return int(count)
    return 0


def _is_index(value: object, n: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < n


def _is_near(x: object) -> bool:
    """A coordinate on the map or not far off; no NaN."""
    return isinstance(x, int | float) and not isinstance(x, bool) and abs(x) <= 10
