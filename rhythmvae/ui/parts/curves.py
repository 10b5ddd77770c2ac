"""The curves of a training run: what it has learned so far, to look at closely."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import streamlit as st

from rhythmvae.ui.components import assets

# st.plotly_chart mounts a new chart at every change, with a key too, and a zoom is lost; Plotly.react keeps both.
_SCRIPT = """export default async ({ data, parentElement }) => {
  const script = document.querySelector('script[src*="static/js/"]');
  await import(new URL(data.plotly, new URL("../../", script.src)).href);
  const root = parentElement.querySelector(".curves");
  const ink = getComputedStyle(root).color;
  data.figures.forEach((text, index) => {
    const own = root.children[index] ?? root.appendChild(document.createElement("div"));
    own.setAttribute("role", "img");
    own.setAttribute("aria-label", data.spoken[index]);
    const { data: traces, layout } = JSON.parse(text);
    Object.assign(layout, { paper_bgcolor: "transparent", plot_bgcolor: "transparent" });
    layout.font = { color: ink };
    for (const axis of [layout.xaxis, layout.yaxis])
      Object.assign(axis, { gridcolor: "rgba(128, 128, 128, 0.25)", zeroline: false });
    globalThis.Plotly.react(own, traces, layout, { ...data.config, responsive: true });
  });
};"""
_STYLE = """
.curves { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 260px), 1fr)); gap: 8px 20px;
  color: var(--st-text-color); }
.curves > div { min-width: 0; }
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
    from rhythmvae import plots  # not above: plotly is for who trains

    figures = [
        plots.curve(heading(curve), curve.points, n_steps, curve.style).update_layout(uirevision=curve.title)
        for curve in curves
    ]
    _component()(
        key=key,
        data={
            "plotly": assets.address("plotly.js", plots.plotly_js(), "text/javascript"),
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


@cache
def _component() -> Any:
    return st.components.v2.component(
        "rhythmvae_curves", js=_SCRIPT, css=_STYLE, html='<div class="curves"></div>', isolate_styles=False
    )
