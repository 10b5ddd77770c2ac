"""Small curves that grow while one looks at them, without a flicker and without a chart library.

Python draws them, the browser puts the drawing in its place: nothing in it is user text.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from html import escape
from typing import Any

import streamlit as st

WIDTH, HEIGHT = 300, 90  # units of the drawing; the browser stretches it
MARGIN = 4
MAX_POINTS = 240

# Beside it in the component is its style, which has to stay.
_SCRIPT = """export default ({ data, parentElement }) => {
  parentElement.querySelector(".curves").innerHTML = data.drawing;
};"""
_STYLE = """
.curves { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 200px), 1fr)); gap: 8px 20px;
  font-family: var(--st-font, sans-serif); font-size: 14px; color: var(--st-text-color); }
figure { margin: 0; min-width: 0; }
figcaption { display: flex; justify-content: space-between; gap: 8px; line-height: 20px; }
figcaption b { font-variant-numeric: tabular-nums; }
svg { display: block; width: 100%; height: 90px; background: var(--st-secondary-background-color); border-radius: 6px; }
polyline { fill: none; stroke: var(--st-primary-color); stroke-width: 2; stroke-linejoin: round; }
circle { fill: var(--st-primary-color); }
.range { font-size: 12px; opacity: 0.8; font-variant-numeric: tabular-nums; }
"""


@dataclass(frozen=True)
class Curve:
    """One figure over the steps of a run.

    Args:
        points: (step, value), in the order of the steps.
        style: how a value is written.
        hint: which way is good, in a word or two.
    """

    title: str
    points: Sequence[tuple[float, float]]
    style: str = ".1f"
    hint: str = ""


def show(curves: Sequence[Curve], n_steps: float, key: str) -> None:
    """Draw curves side by side, under each other on a phone.

    Args:
        n_steps: where their x axes end.
    """
    _component()(key=key, data={"drawing": "".join(_drawn(curve, n_steps) for curve in curves)})


def _drawn(curve: Curve, n_steps: float) -> str:
    title, hint = escape(curve.title), escape(curve.hint)
    if not curve.points:
        return (
            f"<figure><figcaption><span>{title}</span><b>…</b></figcaption>"
            f'<svg role="img" aria-label="{title}: nothing yet"></svg><div class="range">{hint}</div></figure>'
        )
    values = [value for _, value in curve.points]
    low, high, last = min(values), max(values), format(values[-1], curve.style)
    span = f"{format(low, curve.style)} to {format(high, curve.style)}"
    places = _places(_thinned(curve.points), n_steps, low, high)
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
    dot = f'<circle cx="{places[0][0]:.1f}" cy="{places[0][1]:.1f}" r="3"/>' if len(places) == 1 else ""
    return (
        f"<figure><figcaption><span>{title}</span><b>{last}</b></figcaption>"
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" preserveAspectRatio="none" role="img" '
        f'aria-label="{title}: now {last}, so far {span}">'
        f'<polyline vector-effect="non-scaling-stroke" points="{line}"/>{dot}</svg>'
        f'<div class="range">{span}{"; " if hint else ""}{hint}</div></figure>'
    )


def _places(
    points: Sequence[tuple[float, float]], n_steps: float, low: float, high: float
) -> list[tuple[float, float]]:
    """Points of the drawing; a level curve runs through its middle."""
    right = max(n_steps, points[-1][0], 1.0)
    height = HEIGHT - 2 * MARGIN
    return [
        (
            MARGIN + (WIDTH - 2 * MARGIN) * step / right,
            MARGIN + height * ((high - value) / (high - low) if high > low else 0.5),
        )
        for step, value in points
    ]


def _thinned(points: Sequence[tuple[float, float]]) -> Sequence[tuple[float, float]]:
    every = -(-len(points) // MAX_POINTS)
    return points if every <= 1 else [*points[:-1:every], points[-1]]


@cache
def _component() -> Any:
    return st.components.v2.component(
        "rhythmvae_curves", js=_SCRIPT, css=_STYLE, html='<section class="curves"></section>'
    )
