"""JSON spoiled: values of another type, size or depth, keys gone or doubled, text that is none."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from random import Random
from typing import Any

ODD: tuple[Any, ...] = (
    *(None, True, False, 0, 1, -1, 2, 0.5, -0.0, 1e308, -1e308, 5e-324, float("nan"), float("inf"), float("-inf")),
    *(2**31, 2**63, -(2**63), 2**64, 10**18, 10**400, "", "0", "1e999", "nan", "\x00", "\ud800", "\udfff\ud83d"),
    *([], {}, [[]], [None], {"": None}, [0, 0], [[0, 120]], [[0, 4, 4]], "\u202e<script>", "../" * 50, "x" * 5_000),
)


def odd(rng: Random) -> Any:
    """A value that a reader does not expect."""
    if rng.random() < 0.05:
        return nested(rng.choice((5, 20, 60)))
    if rng.random() < 0.1:
        return [copy.deepcopy(rng.choice(ODD))] * rng.choice((1, 3, 300, 5_000))
    return copy.deepcopy(rng.choice(ODD))


def nested(depth: int) -> Any:
    """Lists in lists."""
    found: Any = 1
    for _ in range(depth):
        found = [found]
    return found


def spoil(tree: Any, rng: Random) -> Any:
    """The tree with one to four places changed, copied."""
    tree = copy.deepcopy(tree)
    for _ in range(rng.choice((1, 1, 2, 4))):
        tree = _change(tree, rng)
    return tree


def _change(tree: Any, rng: Random) -> Any:
    places = list(_places(tree))
    if not places or rng.random() < 0.02:
        return odd(rng)
    parent, key = rng.choice(places)
    match rng.choice(("odd", "odd", "odd", "near", "near", "drop", "add", "swap")):
        case "odd":
            parent[key] = odd(rng)
        case "near":
            parent[key] = _near(parent[key], rng)
        case "drop":
            del parent[key]
        case "add" if isinstance(parent, dict):
            parent[rng.choice(("", "version", "\ud800", "more", "x" * 500))] = odd(rng)
        case "add":
            parent.insert(key, copy.deepcopy(parent[key]))
        case "swap":
            other, other_key = rng.choice(places)
            parent[key] = copy.deepcopy(other[other_key])
    return tree


def _places(tree: Any) -> list[tuple[Any, Any]]:
    """Every place in a tree: its parent and the key or index there."""
    found: list[tuple[Any, Any]] = []
    left = [tree]
    while left and len(found) < 2_000:
        parent = left.pop()
        keys = list(parent) if isinstance(parent, dict) else range(len(parent)) if isinstance(parent, list) else ()
        found += [(parent, key) for key in keys]
        left += [parent[key] for key in keys]
    return found


def _near(value: Any, rng: Random) -> Any:
    """Nearly the same: what a check of the type alone lets through."""
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, int | float):
        changes: tuple[Callable[[], Any], ...] = (
            lambda: value + 1,
            lambda: value - 1,
            lambda: -value,
            lambda: value * 10.0**9 if abs(value) < 1e300 else 0.0,  # a larger whole number has no float
            lambda: str(value),
            lambda: [value],
            lambda: value + (0.5 if abs(value) < 2**1000 else 1),
        )
        return rng.choice(changes)()
    if isinstance(value, str):
        return rng.choice(
            (value.upper(), value[:-1], value + "\x00", value + "\ud800", value * 50, [value], {value: 1})
        )
    return rng.choice((value * 2, value[::-1], value[:1])) if isinstance(value, list) else [value]


def written(tree: Any, rng: Random) -> str:
    """The tree as JSON; now and then with the text itself spoiled."""
    text = json.dumps(tree, ensure_ascii=rng.random() < 0.9)
    match rng.randrange(24):
        case 0:
            return text.replace('":', '": 0, "', 1)
        case 1:
            return "[" * rng.choice((100, 5_000, 100_000)) + text
        case 2:
            return text[: rng.randrange(len(text) + 1)]
        case 3:
            key = rng.choice(("version", "files", "model", "n_steps", "format"))
            return text[:1] + f'"{key}": {json.dumps(odd(rng))}, ' + text[1:]  # a key twice
        case 4:
            at = rng.randrange(len(text) + 1)
            return (
                text[:at] + rng.choice(("\x00", "9" * 5_000, "1e9999", "NaN", "\ufeff", '"', "]", "\ud800")) + text[at:]
            )
        case 5:
            return rng.choice(("", "null", "[]", "{}", "0", '"', "NaN", "\ufeff{}", '"a"', "[" * 200 + "]" * 200))
    return text
