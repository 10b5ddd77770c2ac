"""Figures of the shipped model as pictures: the committed tables of docs/figures, drawn."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import streamlit as st

from rhythmvae.resources import FIGURES


def show() -> None:
    """The sliders' obedience and the frontier, each with what it says and the command that made it."""
    from rhythmvae import plots  # not above: plotly is for who looks at pictures

    st.markdown(
        "**Do the sliders obey?** Each slider was set to five places on two bars of every take that was held out. "
        "The closer a line is to the dotted one, the more exactly you get what you ask for."
    )
    control, frontier = _figure("5-control"), _figure("9-frontier")
    achieved, traded = _pictures()
    st.plotly_chart(
        achieved,
        key="asked and achieved",
        config=plots.CONFIG,
        alt="What sliders were set to, and got",
    )
    _made_by(control, "Points are means; bars hold eight grooves in ten; 50 is a typical training groove.")
    st.markdown(
        "**Faithful, or inventive?** One setting of training trades the two: up is rebuilt better, left is invented "
        "better, as judged by a classifier that tries to tell samples from people's playing."
    )
    st.plotly_chart(
        traded,
        key="frontier",
        config=plots.CONFIG,
        alt="Fidelity against samples, by KL weight",
    )
    _made_by(
        frontier,
        "Small models, four minutes of training each; the shipped one has β 0.3 and was trained longer. Bars are 95 % "
        "intervals over sets of samples and classifiers.",
    )


@cache
def _pictures() -> tuple[Any, Any]:
    """Of the sliders and of the frontier, drawn once for all visitors."""
    from rhythmvae import plots

    return plots.asked_and_achieved(_figure("5-control")["achieved"]), plots.frontier(points(_figure("9-frontier")))


def points(figure: dict[str, Any]) -> list[tuple[str, float, float, float]]:
    """KL weight, two-sample accuracy of samples by descriptors with its interval, and F1 at 25 ms, of the frontier."""
    weight, accuracy, f1 = (figure["columns"].index(name) for name in ("KL weight", "Two-sample, samples", "F1 25 ms"))
    return [
        (row[weight], float(row[accuracy].split(",")[0]), figure["intervals"][row[weight]], float(row[f1]))
        for row in figure["rows"]
    ]


@cache
def _figure(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((FIGURES / f"{name}.json").read_text("utf-8"))
    return found


def _made_by(figure: dict[str, Any], words: str) -> None:
    st.caption(f"{words} `{figure['command']}`, {figure['date']}.")
