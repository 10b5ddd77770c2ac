"""Grooves at which the shipped model fails, to be heard: what it was given and what it made of it.

`failures.json` beside this file holds them as texts of links. Nobody chose them by hand: `python -m
benchmarks.failures` goes through the built-in patterns and patterns made by rule, and keeps the worst for each claim.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from rhythmvae import share
from rhythmvae.groove import Groove

FILE = Path(__file__).with_name("failures.json")
COMMAND = "python -m benchmarks.failures"


@dataclass(frozen=True)
class Failure:
    """The worst that was found for a claim.

    Args:
        claim: key of the claim (`evaluation.claims`).
        what: the groove, in a few words.
        why: what is wrong, with its figure.
        original: what the model was given; None where it was given nothing.
        made: what it made; None where it only said something.
    """

    claim: str
    what: str
    why: str
    original: Groove | None
    made: Groove | None


@dataclass(frozen=True)
class Failures:
    """All of them: of which model (its digest), when they were looked for, and the worst for each claim."""

    model: str
    date: str
    found: tuple[Failure, ...]

    def of(self, claim: str) -> list[Failure]:
        """Those of a claim."""
        return [each for each in self.found if each.claim == claim]


@cache
def shipped() -> Failures:
    """What `failures.json` holds."""
    document: dict[str, Any] = json.loads(FILE.read_text("utf-8"))
    found = tuple(
        Failure(
            said["claim"],
            said["what"],
            said["why"],
            _groove(said["original"]),
            _groove(said["made"]),
        )
        for said in document["failures"]
    )
    return Failures(document["model"], document["date"], found)


def _groove(text: str) -> Groove | None:
    return share.from_text(text).groove if text else None
