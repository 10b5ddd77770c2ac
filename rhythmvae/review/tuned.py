"""Before and after fine-tuning, ready to be heard where nobody has a model of his own.

`tuned.json` beside this file holds loops that neither model has learned from, as texts of links, and for each of them
what the shipped model invents at its tempo, before and after it has learned others like them (`python -m
benchmarks.tuned`).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from rhythmvae import share
from rhythmvae.groove import Groove

FILE = Path(__file__).with_name("tuned.json")


@dataclass(frozen=True)
class Pair:
    """A loop, and a sample of each model."""

    name: str
    original: Groove
    before: Groove
    after: Groove


@dataclass(frozen=True)
class Tuned:
    """Digests of both models, how many loops were learned, and the loops that were held out."""

    before: str
    after: str
    n_learned: int
    pairs: tuple[Pair, ...]


@cache
def ready() -> Tuned:
    """What `tuned.json` holds."""
    found = json.loads(FILE.read_text("utf-8"))
    pairs = tuple(
        Pair(said["name"], *(share.from_text(said[key]).groove for key in ("original", "before", "after")))
        for said in found["items"]
    )
    return Tuned(found["before"], found["after"], found["n_learned"], pairs)
