"""The latent map as a component: points one can hear, walk through and collect.

The points of a map are a file that a browser keeps; what goes with every change is what
was uploaded, chosen and collected. `latent_map.js` draws, `latent_map.css` is for looks.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from rhythmvae.groove import FloatArray
from rhythmvae.ui.components import assets

if TYPE_CHECKING:
    from rhythmvae.model.latent_map import LatentMap

COMPONENT = assets.Component(Path(__file__).parent, ("latent_map.js",))
MAP, PLANE = "t-SNE", "PCA"
VIEWS = (MAP, PLANE)
DECODABLE = (PLANE,)  # anywhere
MOST_COLLECTED = 32
MARGIN = 0.02  # around all points, of the map's width
NUMBERS = {  # how a slider is called as a colour
    "density": "density",
    "swing": "swing",
    "syncopation": "syncopation",
    "loudness": "velocity",
    "dynamics": "dynamics",
    "looseness": "looseness",
}


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
        title: labels
        for title, name in (("style", "style"), ("drummer", "drummer"), ("beat or fill", "kind"))
        if any(labels := latent_map.labels(name))
    }
    numbers = {"tempo": latent_map.tempo_bpm} | {title: latent_map.descriptor(name) for name, title in NUMBERS.items()}
    if not categories:
        categories = {"file": [origin.title for origin in (latent_map.origin(i) for i in range(len(latent_map)))]}
    data = {
        "name": [latent_map.name(i) for i in range(len(latent_map))],
        "views": {name: [round(x, 4) for x in places.ravel().tolist()] for name, places in views.items()},
        "categories": {title: _category(labels) for title, labels in categories.items()},
        "numbers": {
            title: [_number(x) for x in values.tolist()]
            for title, values in numbers.items()
            if np.isfinite(values).any()
        },
    }
    return json.dumps(data, separators=(",", ":")).encode()


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
    """A place on the map, 0 to 1 in each view it has, with a name to read."""

    name: str
    places: Mapping[str, tuple[float, float]]


def show(
    points: bytes,
    *,
    key: str,
    own: Sequence[Mark] = (),
    corners: Sequence[Mark] = (),
    tray: Sequence[int] = (),
    here: int | None = None,
    on_pick: Callable[[], None] | None = None,
    on_collect: Callable[[], None] | None = None,
) -> None:
    """Put the map on the page.

    Args:
        points: of `points_file`.
        own: a visitor's grooves. corners: of a walk. tray: points that were collected.
        here: the point that plays, if it is one.
        on_pick: called before the run that follows a click; see `picked`.
        on_collect: called before the run that follows a box or lasso; see `collected`.
    """
    COMPONENT.tell(
        key,
        {
            "points": assets.address(f"points of {key}", points, "application/json"),
            "own": _by_view(own),
            "corners": _by_view(corners),
            "tray": list(tray),
            "here": here,
            "answered": _count(assets.said(key, "picked")),
            "decodable": list(DECODABLE),
            "most_collected": MOST_COLLECTED,
        },
        picked=on_pick,
        collected=on_collect,
    )


def _by_view(marks: Sequence[Mark]) -> dict[str, list[dict[str, Any]]]:
    return {
        view: [
            {"x": mark.places[view][0], "y": mark.places[view][1], "name": mark.name, "label": mark.name[:1]}
            for mark in marks
            if view in mark.places
        ]
        for view in VIEWS
    }


@dataclass(frozen=True)
class Picked:
    """What was clicked: a point by index, one of a visitor's own by index, or a place (0 to 1) of a view."""

    kind: str
    index: int = 0
    view: str = ""
    place: tuple[float, float] = (0.0, 0.0)


def picked(key: str, n_points: int, n_own: int) -> Picked | None:
    """The last click; None where there is none that makes sense."""
    match assets.said(key, "picked"):
        case {"kind": "point" | "own" as kind, "index": index}:
            if _is_index(index, n_points if kind == "point" else n_own):
                return Picked(kind, index)
        case {"kind": "place", "view": str(view), "place": [x, y]}:
            if view in DECODABLE and _is_near(x) and _is_near(y):
                return Picked("place", view=view, place=(float(x), float(y)))
    return None


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
