"""What is learned of a groove and said in words: its style, beat or fill, whose playing it is most like, what is near.

Labels come from four forests on the numbers of analysis.features, and from a file of their own beside the shipped
model: they look at the hits alone, so that they are the same whatever model is in use, and need no torch
(docs/decisions/0025-learned-labels.md). `python -m rhythmvae labels DATA --out FILE` learns them.

A groove unlike all that was learned from is given no style: the probabilities are there, the label is None.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import numpy as np
import safetensors
import safetensors.numpy

from rhythmvae.analysis import description, features
from rhythmvae.analysis.description import Seen
from rhythmvae.analysis.forest import Forest
from rhythmvae.errors import CheckpointError
from rhythmvae.groove import BoolArray, FloatArray, Groove, IntArray
from rhythmvae.model.card import read_bytes
from rhythmvae.outputs import write_whole
from rhythmvae.resources import CHECKPOINTS
from rhythmvae.text import clean_text

SHIPPED = CHECKPOINTS / "labels.safetensors"
FORMAT, VERSION = "rhythmvae.labels", 1
MAX_BYTES = 4 << 20
MAX_NAMES, MAX_TAKES, MAX_LETTERS = 64, 20_000, 120
FORESTS = ("style", "drummer", "fill", "like")
SAID = ("style", "beat_or_fill", "drummer", "nearest")
N_NEAREST = 5
SQUARE = 0.01  # by which components in half precision are off from right angles and unit length
FEWEST_HITS = 4  # of a groove whose style is said
BATCH = 256  # grooves asked at once
MOST_LOG_ODDS = 6.0


@dataclass(frozen=True)
class Facts:
    """What a file says beside its arrays.

    Args:
        styles, drummers: the classes of the forests of that name.
        about: source, licence and attribution of what was learned from.
        base: log-odds that the trees of `fill` and `like` add to.
        sharpness: power to which votes of `style` and `drummer` are raised, so that they are probabilities.
        like_from: log-odds of being like the training takes, under which no style is said.
        near: median distance of a training take to its nearest, the unit of distances.
        figures: how often labels are right, as `training.labels` measured it.
        takes: title, style and drummer of the takes that `nearest` knows.
    """

    styles: tuple[str, ...]
    drummers: tuple[str, ...]
    about: str = ""
    base: Mapping[str, float] = field(default_factory=dict)
    sharpness: Mapping[str, float] = field(default_factory=dict)
    like_from: float = 0.0
    near: float = 1.0
    figures: Mapping[str, Any] = field(default_factory=dict)
    takes: tuple[tuple[str, str, str], ...] = ()


@dataclass(frozen=True, eq=False)
class Space:
    """Where grooves that are alike lie together: mean and scale of the numbers (F,), components (F, K), points (N, K)
    of the takes."""

    mean: FloatArray
    scale: FloatArray
    components: FloatArray
    points: FloatArray

    def place(self, rows: FloatArray) -> FloatArray:
        """(G, K) where rows (G, F) lie."""
        return np.asarray(np.clip((rows - self.mean) / self.scale, -4.0, 4.0) @ self.components)

    def nearest(self, rows: FloatArray, n: int) -> tuple[np.ndarray[Any, Any], FloatArray]:
        """(G, n) the nearest takes of each row, and their distances."""
        here = self.place(rows)
        square = (here**2).sum(1)[:, None] + (self.points**2).sum(1) - 2 * here @ self.points.T
        order = _lowest(square, min(n, len(self.points)))
        return order, np.sqrt(np.maximum(np.take_along_axis(square, order, 1), 0.0))


def _lowest(values: FloatArray, n: int) -> np.ndarray[Any, Any]:
    """(G, n) columns of the n lowest values (G, N) of each row, the lowest first; of equal ones the first."""
    is_low = values <= np.partition(values, n - 1, axis=1)[:, n - 1 : n]
    row, column = np.nonzero(is_low)
    order = np.lexsort((values[row, column], row))  # stable: columns ascend
    n_low = is_low.sum(1)
    first = np.cumsum(n_low) - n_low
    return np.asarray(column[order[first[:, None] + np.arange(n)]])


@dataclass(frozen=True, eq=False)
class Labels:
    """The labels of a file, ready to ask."""

    facts: Facts
    forests: Mapping[str, Forest]
    space: Space

    def of(self, seen: Sequence[Seen]) -> list[dict[str, Any]]:
        """What is learned of each groove: `style`, `beat_or_fill`, `drummer` and `nearest` (docs/json.md)."""
        return [said for at in range(0, len(seen), BATCH) for said in self._of(seen[at : at + BATCH])]

    def _of(self, seen: Sequence[Seen]) -> list[dict[str, Any]]:
        hits = features.gathered([(one.on_grid, one.found) for one in seen])
        rows = features.of_grooves(hits)
        styles, drummers = (self.shares(name, rows) for name in ("style", "drummer"))
        is_known = (self.log_odds("like", rows) >= self.facts.like_from) & (hits.n_hits >= FEWEST_HITS)
        nearest, distance = self.space.nearest(rows, N_NEAREST)
        in_bars = self.log_odds("fill", features.of_bars(hits))
        fills = _fills(in_bars, np.bincount(hits.bar, minlength=len(in_bars)) > 0, hits.n_bars)
        columns = (
            _said(self.facts.styles, styles, is_known),
            fills,
            _said(self.facts.drummers, drummers, is_known),
            self._nearest(nearest, distance),
        )
        return [dict(zip(SAID, row, strict=True)) for row in zip(*columns, strict=True)]

    def shares(self, name: str, rows: FloatArray) -> FloatArray:
        """(G, C) probability of each style or drummer."""
        n_classes = len(self.facts.styles if name == "style" else self.facts.drummers)
        votes = self.forests[name].votes(rows, n_classes)
        return sharpened(votes, len(self.forests[name].first), self.facts.sharpness[name])

    def log_odds(self, name: str, rows: FloatArray) -> FloatArray:
        """(G,) of fill, or of being like the training takes."""
        return np.asarray(self.facts.base[name] + self.forests[name].sums(rows))

    def _nearest(self, takes: np.ndarray[Any, Any], distance: FloatArray) -> list[list[dict[str, Any]]]:
        far = (distance.astype(np.float64) / self.facts.near).tolist()
        return [
            [{**self._takes[take], "distance": round(near, 3)} for take, near in zip(own, own_far, strict=True)]
            for own, own_far in zip(takes.tolist(), far, strict=True)
        ]

    @cached_property
    def _takes(self) -> list[dict[str, str]]:
        return [dict(zip(("title", "style", "drummer"), take, strict=True)) for take in self.facts.takes]


def sharpened(votes: FloatArray, n_trees: int, power: float) -> FloatArray:
    """Shares of votes (G, C) as probabilities: half a vote for every class, to a power that calibrates them."""
    raised = (votes + 0.5 / n_trees) ** power
    return np.asarray(raised / raised.sum(1, keepdims=True))


def _said(names: Sequence[str], shares: FloatArray, is_known: BoolArray) -> list[dict[str, Any]]:
    """Of each groove its label and the probability of each, the likeliest first; from shares (G, C)."""
    order = np.argsort(-shares, 1, kind="stable").tolist()
    return [
        {
            "label": names[ranks[0]] if known else None,
            "probabilities": {names[i]: round(own[i], 5) for i in ranks},
        }
        for ranks, own, known in zip(order, shares.tolist(), is_known.tolist(), strict=True)
    ]


def _fills(log_odds: FloatArray, is_played: BoolArray, n_bars: IntArray) -> list[dict[str, Any]]:
    """Beat or fill of each groove by the mean of its bars that are played, and of each bar; from log-odds (B,)."""
    ends = np.cumsum(n_bars)
    of_groove = np.repeat(np.arange(len(n_bars)), n_bars)
    n_played = np.bincount(of_groove[is_played], minlength=len(n_bars))
    whole = np.bincount(of_groove[is_played], log_odds[is_played], len(n_bars)) / np.maximum(n_played, 1)
    bars = _said_of(log_odds, is_played)
    return [
        {**said, "bars": bars[end - n : end]}
        for said, n, end in zip(_said_of(whole, n_played > 0), n_bars.tolist(), ends.tolist(), strict=True)
    ]


def _said_of(log_odds: FloatArray, is_played: BoolArray) -> list[dict[str, Any]]:
    shares = 1 / (1 + np.exp(-np.clip(log_odds, -MOST_LOG_ODDS, MOST_LOG_ODDS)))
    return [
        {"label": "fill" if is_fill else "beat", "probability": round(share, 4)}
        if played
        else {"label": None, "probability": None}
        for is_fill, share, played in zip((log_odds > 0).tolist(), shares.tolist(), is_played.tolist(), strict=True)
    ]


def describe(groove: Groove, *, has_meter: bool = True, with_lists: bool = True) -> dict[str, Any]:
    """What is in a groove: style, beat or fill, tempo, meter, subdivision, swing, measures, feel, chords, form, hits.

    Keys, units and rules are those of docs/json.md, under `describe`. What is learned is the shipped labels'; it needs
    no torch.

    Args:
        has_meter: whether the groove's meter is known. Where it is not (a file without one is read in 4/4), the meter
            that is heard in the hits takes its place, and bars are counted in it.
        with_lists: whether to list hits, chords, successions, intervals and each drum's timing; a table of many
            grooves needs none of them.

    Raises:
        WrongTypeError: something that is no groove.

    >>> from rhythmvae import describe, example
    >>> said = describe(example("shuffle"))
    >>> said["feel"], said["subdivision"], round(said["swing"], 1), said["beat_or_fill"]["label"]
    (['shuffle'], 'swung', 2.0, 'beat')
    """
    seen = description.seen(groove, has_meter=has_meter)
    return {**shipped().of([seen])[0], **description.of(seen, with_lists=with_lists)}


# -- files ---------------------------------------------------------------------


@cache
def shipped() -> Labels:
    """The labels that come with rhythmvae."""
    return read(SHIPPED)


def save(path: Path, labels: Labels) -> None:
    """Write labels to a file, whole or not at all; raises OSError."""
    arrays = {f"{name}.{key}": array for name, forest in labels.forests.items() for key, array in forest.kept().items()}
    arrays |= {f"space.{key}": array.astype(np.float16) for key, array in vars(labels.space).items()}
    # safetensors writes the bytes as they lie, and a view that was turned would be read as another array.
    arrays = {key: np.ascontiguousarray(array) for key, array in arrays.items()}
    text = json.dumps({"version": VERSION, **asdict(labels.facts)}, sort_keys=True, ensure_ascii=False)
    write_whole(path, safetensors.numpy.save(arrays, metadata={FORMAT: text}))


def read(path: Path) -> Labels:
    """The labels in a file.

    Raises:
        CheckpointError: a file that is missing, foreign, too large, damaged or of another version.
    """
    data = read_bytes(path, MAX_BYTES + 1)
    try:
        if len(data) > MAX_BYTES:
            raise ValueError(f"more than {MAX_BYTES >> 20} MB")
        text = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])["__metadata__"][FORMAT]
        facts = _facts(json.loads(text))
        arrays = safetensors.numpy.load(data)
        return Labels(facts, *_arrays(arrays, facts))
    except (safetensors.SafetensorError, ValueError, KeyError, TypeError, RecursionError) as error:
        why = clean_text(str(error), 200)
        raise CheckpointError(f"Expected labels that `rhythmvae labels` wrote in {path.name}, found: {why}.") from error


def _facts(said: Mapping[str, Any]) -> Facts:
    if said.get("version") != VERSION:
        raise ValueError(f"version {said.get('version')!r}, not {VERSION}")
    known = {name: said[name] for name in Facts.__dataclass_fields__}
    for name in ("styles", "drummers"):
        known[name] = tuple(clean_text(str(each), MAX_LETTERS) for each in known[name])
        if not 1 <= len(set(known[name])) == len(known[name]) <= MAX_NAMES:
            raise ValueError(f"{name} that cannot be")
    known["takes"] = tuple(_take(row) for row in known["takes"])
    numbers = (known["like_from"], known["near"], *(known[name][own] for name, own in _NUMBERS))
    if not all(isinstance(each, int | float) and np.isfinite(each) for each in numbers) or known["near"] <= 0:
        raise ValueError("numbers out of range")
    return Facts(**known)


_NUMBERS = (("base", "fill"), ("base", "like"), ("sharpness", "style"), ("sharpness", "drummer"))


def _take(row: Sequence[Any]) -> tuple[str, str, str]:
    title, style, drummer = (clean_text(str(text), MAX_LETTERS) for text in row)
    return title, style, drummer


def _arrays(arrays: Mapping[str, np.ndarray[Any, Any]], facts: Facts) -> tuple[dict[str, Forest], Space]:
    parts: dict[str, dict[str, np.ndarray[Any, Any]]] = {}
    for key, array in arrays.items():
        name, _, own = key.partition(".")
        parts.setdefault(name, {})[own] = array
    space = Space(**{key: array.astype(np.float32) for key, array in parts.pop("space").items()})
    wide, width = features.n_of_grooves(), space.components.shape[-1]
    shapes = {"mean": (wide,), "scale": (wide,), "components": (wide, width), "points": (len(facts.takes), width)}
    if {key: array.shape for key, array in vars(space).items()} != shapes or not 1 <= len(facts.takes) <= MAX_TAKES:
        raise ValueError("a space of another shape")
    if not all(np.isfinite(array).all() for array in vars(space).values()) or not (space.scale > 0).all():
        raise ValueError("a space that is none")
    if not np.allclose(space.components.T @ space.components, np.eye(width), atol=SQUARE):
        raise ValueError("components that are not at right angles")
    n_classes = {"style": len(facts.styles), "drummer": len(facts.drummers)}
    if set(parts) != set(FORESTS):
        raise ValueError("other forests")
    n_features = {"fill": features.n_of_bars()}
    return {
        name: Forest.read(own, n_features.get(name, wide), n_classes.get(name)) for name, own in parts.items()
    }, space
