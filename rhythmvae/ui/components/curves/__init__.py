"""The curves of a training run: what it has learned so far, to look at closely.

`curves.js` hands them to plotly, `curves.css` is for looks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rhythmvae.ui.components import assets

# Plotly puts its own looks at the head of the page.
COMPONENT = assets.Component(Path(__file__).parent, ("curves.js",), is_isolated=False)


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
    from rhythmvae import plots  # not above: plotly is for who trains

    figures = [
        plots.curve(heading(curve), curve.points, n_steps, curve.style).update_layout(uirevision=curve.title)
        for curve in curves
    ]
    COMPONENT.tell(
        key,
        {
            "plotly": assets.address("plotly.js", plots.plotly_js(), assets.SCRIPT),
            "figures": [figure.to_json() for figure in figures],
            "spoken": [spoken(curve) for curve in curves],
            "config": plots.CONFIG,
        },
    )


def heading(curve: Curve) -> str:
    """The curve's name, which way is good, and where it stands now."""
    now = format(curve.points[-1][1], curve.style) if curve.points else "…"
    return f"{curve.title}: {now}" + (f" ({curve.hint})" if curve.hint else "")


def spoken(curve: Curve) -> str:
    """The same for who does not see it."""
    if not curve.points:
        return f"{curve.title}: nothing yet"
    values = [value for _, value in curve.points]
    low, high = format(min(values), curve.style), format(max(values), curve.style)
    return f"{curve.title}: now {format(values[-1], curve.style)}, so far {low} to {high}"
