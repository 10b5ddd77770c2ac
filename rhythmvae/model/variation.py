"""What a variation is: a groove, and what its sliders achieved. Needs no torch, so that a page can show it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rhythmvae.groove import Groove

REACHED = 0.05  # of a place: closer than this counts as reached


@dataclass(frozen=True)
class Setting:
    """A slider, asked and achieved: as quantiles 0 to 1 and as values in the descriptor's own unit.

    >>> Setting(asked=0.8, asked_value=2.5, achieved=0.79, achieved_value=2.4).is_reached
    True
    """

    asked: float
    asked_value: float
    achieved: float | None  # None where the groove does not define it
    achieved_value: float | None

    @property
    def is_reached(self) -> bool:
        """Whether it came close, or to the very value asked for, which many places may share."""
        if self.achieved is None or self.achieved_value is None:
            return False
        is_same = math.isclose(self.achieved_value, self.asked_value, rel_tol=1e-6, abs_tol=1e-6)
        return is_same or abs(self.achieved - self.asked) <= REACHED

    def to_dict(self) -> dict[str, Any]:
        return {
            "asked": self.asked,
            "asked_value": self.asked_value,
            "achieved": self.achieved,
            "achieved_value": self.achieved_value,
            "reached": self.is_reached,
        }


@dataclass(frozen=True, eq=False)
class SliderLane:
    """Grooves along one slider: `stops` has for each whole percent, 0 to 100, the index of its groove."""

    name: str
    stops: tuple[int, ...]
    grooves: tuple[Groove, ...]


@dataclass(frozen=True, eq=False)
class Variation:
    """A groove and, for each slider that was asked, what it achieved.

    >>> from rhythmvae import example, load
    >>> [varied] = load().vary(example("funk"), asked={"swing": 0.9})
    >>> list(varied.settings)
    ['swing']
    """

    groove: Groove
    settings: Mapping[str, Setting]
