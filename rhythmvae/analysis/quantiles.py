"""Scales: between a descriptor's own unit and its place among the training grooves.

A place is a quantile, 0 to 1: at 0.5 half of the training windows (of WINDOW_STEPS) have
less. Values that many windows share, as counts do, stand in the middle of their share, so
that value and place go back and forth. The density of a group of voices is ranked among the
windows that play it, and its place 0 is none at all.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from rhythmvae.analysis.descriptors import slider_values, traits
from rhythmvae.groove import FloatArray, Groove

MAX_KNOTS = 129
MAX_SCORE = 3.0  # standard deviations: what is rarer than one in a thousand counts as that


@dataclass(frozen=True, eq=False)
class Quantiles:
    """For each descriptor (SLIDERS and traits) knots (2, M): values, ascending, over their places."""

    knots: Mapping[str, FloatArray]

    def value_at(self, name: str, place: float) -> float:
        """The value at a place, in the descriptor's own unit."""
        values, places = self.knots[name]
        return float(np.interp(place, places, values))

    def quantile(self, name: str, value: float) -> float:
        """The place of a value, 0 to 1; beyond what training has, the nearest end."""
        values, places = self.knots[name]
        return float(np.interp(value, values, places))

    def spread(self, name: str) -> float:
        """Standard deviation among the training windows (those that play it, for a group's density)."""
        values, places = self.knots[name]
        return float(np.interp(np.linspace(0.0, 1.0, 501), places, values).std()) or 1.0

    def score(self, name: str, value: float) -> float:
        """The place as a standard normal score, within MAX_SCORE."""
        place = min(max(self.quantile(name, value), 1e-6), 1.0 - 1e-6)
        return min(max(NormalDist().inv_cdf(place), -MAX_SCORE), MAX_SCORE)

    def at_score(self, name: str, score: float) -> float:
        """The value with this score: undoes `score`."""
        return self.value_at(name, NormalDist().cdf(score))


def fit(windows: Sequence[Groove]) -> Quantiles:
    """The scales of training windows. What no window defines is left out."""
    rows = [{**traits(window), **slider_values(window)} for window in windows]
    knots: dict[str, FloatArray] = {}
    for name in rows[0] if rows else ():
        found = np.array([value for row in rows if (value := row[name]) is not None])
        from_zero = name.startswith("density_")
        if from_zero:
            found = found[found > 0]
        if len(found):
            knots[name] = _knots(found, from_zero)
    return Quantiles(knots)


def _knots(found: FloatArray, from_zero: bool) -> FloatArray:
    values, counts = np.unique(found.astype(np.float32), return_counts=True)  # as a checkpoint keeps them
    places = (np.cumsum(counts) - 0.5 * counts) / counts.sum()
    if from_zero:
        values, places = np.append(0.0, values), np.append(0.0, places)
    if len(values) > MAX_KNOTS:  # evenly over places; the ends stay
        kept = np.unique(np.searchsorted(places, np.linspace(places[0], places[-1], MAX_KNOTS)))
        values, places = values[kept], places[kept]
    return np.stack([values, places]).astype(np.float32).astype(np.float64)
