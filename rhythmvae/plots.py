"""Pictures that are looked at and not played, drawn by plotly: curves, before and after, asked and achieved, the map.

The deck and the live map are components of our own (docs/decisions/0003-page.md). plotly is imported by the
functions, so that a page without a picture does not wait for it. Colours and fonts are left to the page's theme where
it has one. Names from files are text: plotly would read `<b>` in them as markup.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from html import escape
from importlib import import_module
from typing import TYPE_CHECKING, Any

import numpy as np

from rhythmvae.kit import VOICES

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

    from rhythmvae.groove import FloatArray
    from rhythmvae.model.latent_map import LatentMap

ACCENT = "#d1495b"
NEUTRAL = "#808080"
MAX_POINTS = 500  # of a curve
# On pages: a drag zooms and a double click shows all; the bar of tools would cover what is drawn on a phone.
CONFIG: dict[str, Any] = {"displayModeBar": False, "displaylogo": False}
# Easy to tell apart, also with most kinds of colour blindness; more categories than colours begin again.
PALETTE = ("#4477aa", "#ee6677", "#228833", "#ccbb44", "#66ccee", "#aa3377", "#994f00", "#006d5b", "#b8860b", "#7a7a7a")
# The colour that a drum has in the deck, and a sign for those to whom colours are alike.
SIGNS = ("circle", "square", "x", "diamond", "triangle-down", "triangle-up", "star", "cross", "pentagon")
DRUMS = {voice.label: (voice.color, sign) for voice, sign in zip(VOICES, SIGNS, strict=True)}
MAX_STYLES = len(PALETTE)


def _graph_objects() -> Any:
    """plotly's kinds of pictures.

    pandas, where somebody loads it just now, comes first and whole: plotly looks for it among what is loaded, and would
    meet half of it. An import waits until the other's is done.
    """
    if "pandas" in sys.modules:
        with suppress(ImportError):
            import_module("pandas")
    import plotly.graph_objects as go

    return go


def curve(title: str, points: Sequence[tuple[float, float]], n_steps: float, style: str, height: int = 180) -> Figure:
    """One figure over the steps of a training run; a drag zooms, a double click shows all.

    Args:
        points: (step, value), in the order of the steps.
        n_steps: where the x axis ends.
        style: how a value is written, such as ".3f".
        height: in pixels.
    """
    go = _graph_objects()

    shown = _thinned(points)
    steps, values = [step for step, _ in shown], [value for _, value in shown]
    line = go.Scatter(
        x=steps,
        y=values,
        mode="lines" if len(shown) > 1 else "markers",
        line={"color": ACCENT, "width": 2},
        marker={"color": ACCENT},
        hovertemplate=f"step %{{x:,}}: %{{y:{style}}}<extra></extra>",
    )
    figure = go.Figure(line)
    if values and min(values) == max(values):  # plotly would show one above and one below
        room = max(0.02 * abs(values[0]), 0.01)
        figure.update_yaxes(range=[values[0] - room, values[0] + room])
    figure.update_layout(
        title={"text": escape(title), "font": {"size": 14}, "x": 0, "xanchor": "left"},
        height=height,
        margin={"l": 44, "r": 8, "t": 34, "b": 40},
        showlegend=False,
        xaxis={"title": {"text": "steps"}, "range": [0, max(n_steps, 1.0)], "tickformat": ",d", "nticks": 5},
        yaxis={"nticks": 5},
    )
    return figure


def plotly_js() -> bytes:
    """plotly's own script, for a page that keeps its charts while their figures change."""
    from plotly.offline import get_plotlyjs

    return str(get_plotlyjs()).encode()


def _thinned(points: Sequence[tuple[float, float]]) -> Sequence[tuple[float, float]]:
    every = -(-len(points) // MAX_POINTS)
    return points if every <= 1 else [*points[:-1:every], points[-1]]


def before_and_after(files: Sequence[tuple[str, float, float]]) -> Figure:
    """F1 of each held-out file, before fine-tuning against after: above the diagonal it got better.

    Args:
        files: name, F1 before, F1 after, each 0 to 1.
    """
    go = _graph_objects()

    low = max(0.0, min((min(old, new) for _, old, new in files), default=0.0) - 0.02)
    figure = go.Figure()
    figure.add_scatter(
        x=[low, 1.0], y=[low, 1.0], mode="lines", line={"color": NEUTRAL, "dash": "dot", "width": 1}, hoverinfo="skip"
    )
    figure.add_scatter(
        x=[old for _, old, _ in files],
        y=[new for _, _, new in files],
        text=[escape(name) for name, _, _ in files],
        mode="markers",
        marker={"color": ACCENT, "size": 9, "opacity": 0.7},
        hovertemplate="%{text}<br>before %{x:.3f}, now %{y:.3f}<extra></extra>",
    )
    span = [low, 1.0 + (1.0 - low) * 0.03]
    figure.update_layout(
        height=340,
        margin={"l": 50, "r": 8, "t": 10, "b": 44},
        showlegend=False,
        xaxis={"title": {"text": "F1 before"}, "range": span, "tickformat": ".2f"},
        yaxis={"title": {"text": "F1 now"}, "range": span, "tickformat": ".2f"},
    )
    return figure


def frontier(rows: Sequence[tuple[str, float, float, float]]) -> Figure:
    """Fidelity against samples, a point for each weight of the KL term.

    Args:
        rows: KL weight, two-sample accuracy of samples (0.5: cannot be told), its 95 % interval either way, and F1 at
            25 ms of reconstructions.
    """
    go = _graph_objects()

    figure = go.Figure(
        go.Scatter(
            x=[accuracy for _, accuracy, _, _ in rows],
            y=[f1 for *_, f1 in rows],
            error_x={"type": "data", "array": [interval for _, _, interval, _ in rows], "thickness": 1, "width": 3},
            customdata=[interval for _, _, interval, _ in rows],
            text=[f"β {weight}" for weight, *_ in rows],
            mode="lines+markers+text",
            textposition="top center",
            line={"color": ACCENT, "width": 1, "dash": "dot"},
            marker={"color": ACCENT, "size": 10},
            hovertemplate="%{text}: accuracy %{x:.2f} ± %{customdata:.3f}, F1 %{y:.3f}<extra></extra>",
        )
    )
    figure.update_layout(
        height=340,
        margin={"l": 56, "r": 12, "t": 16, "b": 48},
        showlegend=False,
        xaxis={"title": {"text": "two-sample accuracy of samples (0.5: cannot be told)"}, "tickformat": ".2f"},
        yaxis={"title": {"text": "F1 of rebuilt hits, 25 ms"}, "tickformat": ".2f"},
    )
    return figure


def asked_and_achieved(sliders: Mapping[str, Sequence[Mapping[str, float]]]) -> Figure:
    """What sliders were set to against what the grooves came to have, in percentiles of the training grooves.

    Args:
        sliders: by slider, rows with `asked`, `mean`, `low` and `high` (eight of ten lie between), each 0 to 1.
    """
    go = _graph_objects()

    figure = go.Figure()
    figure.add_scatter(
        x=[0, 100], y=[0, 100], mode="lines", line={"color": NEUTRAL, "dash": "dot", "width": 1}, hoverinfo="skip",
        showlegend=False,
    )  # fmt: skip
    for index, (name, rows) in enumerate(sliders.items()):
        mean = [100 * row["mean"] for row in rows]
        figure.add_scatter(
            x=[100 * row["asked"] for row in rows],
            y=mean,
            name=name.replace("_", " "),
            mode="lines+markers",
            line={"color": PALETTE[index % len(PALETTE)], "dash": "solid" if index < len(PALETTE) else "dash"},
            error_y={
                "type": "data",
                "symmetric": False,
                "array": [100 * row["high"] - here for row, here in zip(rows, mean, strict=True)],
                "arrayminus": [here - 100 * row["low"] for row, here in zip(rows, mean, strict=True)],
                "thickness": 1,
                "width": 3,
            },
            hovertemplate="asked %{x:.0f}, achieved %{y:.1f}<extra>%{fullData.name}</extra>",
        )
    figure.update_layout(
        height=420,
        margin={"l": 56, "r": 12, "t": 10, "b": 48},
        legend={"orientation": "h", "y": -0.22},
        xaxis={"title": {"text": "asked for (percentile)"}, "range": [-3, 103]},
        yaxis={"title": {"text": "achieved (percentile)"}, "range": [-3, 103]},
    )
    return figure


def shares(values: Mapping[str, float], height: int = 220) -> Figure:
    """Probabilities of names, the likeliest on top, as bars.

    Args:
        values: by name, 0 to 1.
    """
    go = _graph_objects()

    names = list(values)[::-1]
    percent = [100 * values[name] for name in names]
    return go.Figure(
        go.Bar(
            x=percent,
            y=[escape(name) for name in names],
            orientation="h",
            marker={"color": [NEUTRAL] * (len(names) - 1) + [ACCENT]},
            text=[f"{each:.0f} %" for each in percent],
            textposition="outside",
            cliponaxis=False,
            hovertemplate="%{y}: %{x:.1f} %<extra></extra>",
        ),
        {
            "height": height,
            "margin": {"l": 90, "r": 48, "t": 8, "b": 8},
            "showlegend": False,
            "xaxis": {"visible": False, "range": [0, max(*percent, 1.0)]},
            "yaxis": {"fixedrange": True},
        },
    )


def drum_timing(drums: Mapping[str, Sequence[tuple[float, float, int]]], bar_steps: float) -> Figure:
    """How early or late each drum is at each place of the bar; the larger a point, the more hits.

    Args:
        drums: by name, rows of the place in the bar in steps, mean offset in ms (late above 0) and hits.
        bar_steps: length of the bar.
    """
    go = _graph_objects()

    points = [
        go.Scatter(
            x=[step / 4 + 1 for step, _, _ in rows],
            y=[ms for _, ms, _ in rows],
            customdata=[n for *_, n in rows],
            name=escape(name),
            mode="markers",
            marker={
                "color": DRUMS.get(name, (NEUTRAL, "circle"))[0],
                "symbol": DRUMS.get(name, (NEUTRAL, "circle"))[1],
                "size": [min(6 + 2 * n**0.5, 18) for *_, n in rows],
                "opacity": 0.8,
            },
            hovertemplate="beat %{x:.2f}: %{y:+.1f} ms, %{customdata} hits<extra>%{fullData.name}</extra>",
        )
        for name, rows in drums.items()
    ]
    across = {"type": "line", "x0": 0, "x1": 1, "xref": "x domain", "y0": 0, "y1": 0, "yref": "y"}
    title, beats = "place in the bar (quarter notes)", bar_steps / 4
    return go.Figure(
        points,
        {
            "height": 340,
            "margin": {"l": 56, "r": 8, "t": 8, "b": 44},
            "legend": {"orientation": "h", "y": -0.25},
            "shapes": [{**across, "line": {"color": NEUTRAL, "dash": "dot", "width": 1}}],
            "xaxis": {"title": {"text": title}, "range": [0.8, beats + 1.05], "dtick": 1},
            "yaxis": {"title": {"text": "early (−) or late (+), ms"}},
        },
    )


def counts(rows: Sequence[tuple[str, int]], title: str, height: int = 220) -> Figure:
    """How often each of several things is there, as bars in the order given."""
    go = _graph_objects()

    return go.Figure(
        go.Bar(
            x=[escape(name) for name, _ in rows],
            y=[n for _, n in rows],
            marker={"color": ACCENT},
            hovertemplate="%{x}: %{y}<extra></extra>",
        ),
        {
            "height": height,
            "margin": {"l": 44, "r": 8, "t": 8, "b": 44},
            "xaxis": {"title": {"text": title}, "type": "category"},
            "yaxis": {"nticks": 4},
        },
    )


def form_line(sections: Sequence[tuple[int, int, str]], fills: Sequence[int], shares: Sequence[float | None]) -> Figure:
    """Bars in a row, coloured by their section; a point of each bar says how much of a fill it is. Bars are clicked.

    Args:
        sections: first bar, last bar and letter, bars counted from 1.
        fills: the bars that are fills by rule.
        shares: of each bar the probability that it is a fill; None where nothing is played.
    """
    go = _graph_objects()

    letters = list(dict.fromkeys(letter for *_, letter in sections))
    traces: list[Any] = []
    for index, letter in enumerate(letters):
        own = [bar for first, last, name in sections if name == letter for bar in range(first, last + 1)]
        bars = go.Bar(
            x=own,
            y=[1.0] * len(own),
            name=escape(letter),
            marker={"color": PALETTE[index % len(PALETTE)], "opacity": 0.55},
            hovertemplate="bar %{x}, section %{fullData.name}<extra></extra>",
        )
        traces.append(bars)
    known = [(bar, share) for bar, share in enumerate(shares, 1) if share is not None]
    every = next(step for step in (1, 2, 4, 8, 16, 32, len(shares)) if len(shares) <= 12 * step or step >= 32)
    points = go.Scatter(
        x=[bar for bar, _ in known],
        y=[share for _, share in known],
        name="fill",
        mode="markers",
        marker={
            "color": ACCENT,
            "size": 8,
            "symbol": ["star" if bar in fills else "circle" for bar, _ in known],
        },
        hovertemplate="bar %{x}: %{y:.0%} a fill<extra></extra>",
    )
    return go.Figure(
        [*traces, points],
        {
            "height": 210,
            "bargap": 0.04,
            "margin": {"l": 44, "r": 8, "t": 8, "b": 44},
            "legend": {"orientation": "h", "y": -0.42},
            "xaxis": {"title": {"text": "bar"}, "range": [0.5, len(shares) + 0.5], "tick0": 1, "dtick": every},
            "yaxis": {"range": [0, 1.08], "tickformat": ".0%", "nticks": 3},
            "dragmode": False,
        },
    )


def next_bar(hit: FloatArray, names: Sequence[str]) -> Figure:
    """How likely each drum is at each 16th of a bar: `hit` (T, V) from 0 to 1, drums by their names."""
    go = _graph_objects()

    figure = go.Figure(
        go.Heatmap(
            x=[step / 4 + 1 for step in range(len(hit))],
            y=[escape(name) for name in names],
            z=hit.T,
            zmin=0.0,
            zmax=1.0,
            xgap=1,
            ygap=1,
            colorscale=[[0.0, "rgba(209,73,91,0.06)"], [1.0, ACCENT]],
            colorbar={"tickformat": ".0%", "thickness": 10, "nticks": 3},
            hovertemplate="%{y}, beat %{x}: %{z:.0%}<extra></extra>",
        )
    )
    figure.update_layout(
        height=280,
        margin={"l": 84, "r": 8, "t": 8, "b": 44},
        xaxis={"title": {"text": "place in the next bar (quarter notes)"}, "dtick": 1, "showgrid": False},
        yaxis={"showgrid": False},
        dragmode=False,
    )
    return figure


def surprise(bits: Sequence[float], first_bar: int) -> Figure:
    """Bits of each bar, from one of a number on: the more, the less it was expected."""
    go = _graph_objects()

    figure = go.Figure(
        go.Scatter(
            x=list(range(first_bar, first_bar + len(bits))),
            y=list(bits),
            mode="lines+markers",
            line={"color": ACCENT, "width": 2},
            marker={"color": ACCENT, "size": 8},
            hovertemplate="bar %{x}: %{y:.0f} bits<extra></extra>",
        )
    )
    figure.update_layout(
        height=280,
        margin={"l": 56, "r": 8, "t": 8, "b": 44},
        xaxis={"title": {"text": "bar"}, "tickformat": "d", "nticks": min(len(bits) + 1, 9)},
        yaxis={"title": {"text": "surprise, bits"}, "rangemode": "tozero", "nticks": 4},
        dragmode=False,
    )
    return figure


def latent_map_page(latent_map: LatentMap, title: str) -> str:
    """The latent map of a checkpoint as one HTML page that needs no network: t-SNE, coloured by style.

    A point says its take, bars, style and tempo; the legend shows and hides styles. The commonest styles have colours
    of their own, the others share one.
    """
    go = _graph_objects()

    styles = [style.split("/")[0] or "no style" for style in latent_map.labels("style") or [""] * len(latent_map)]
    names, counts = np.unique(styles, return_counts=True)
    ranked = [str(name) for name in names[np.argsort(-counts, kind="stable")]]
    own, rest = ranked[: MAX_STYLES - 1], ranked[MAX_STYLES - 1 :]
    if len(rest) == 1:
        own, rest = ranked, []
    groups = [(name, [name]) for name in own] + ([("other styles", rest)] if rest else [])
    said = np.array(
        [
            f"{escape(latent_map.name(i))}<br>{escape(style)}, {bpm:.0f} BPM"
            for i, (style, bpm) in enumerate(zip(styles, latent_map.tempo_bpm.tolist(), strict=True))
        ]
    )
    figure = go.Figure()
    for index, (name, members) in enumerate(groups):
        rows = np.flatnonzero(np.isin(styles, members))
        figure.add_trace(
            go.Scattergl(
                x=latent_map.tsne[rows, 0].round(3).tolist(),
                y=latent_map.tsne[rows, 1].round(3).tolist(),
                text=said[rows].tolist(),
                name=f"{escape(name)} ({len(rows):,})",
                mode="markers",
                marker={"size": 5, "opacity": 0.75, "color": PALETTE[index % len(PALETTE)]},
                hovertemplate="%{text}<extra></extra>",
            )
        )
    figure.update_layout(
        title=f"Latent map of {escape(title)}: {len(latent_map):,} windows of drumming, placed by t-SNE",
        template="plotly_white",
        autosize=True,
        margin={"l": 8, "r": 8, "t": 48, "b": 8},
        legend={"itemsizing": "constant"},
        dragmode="pan",
        xaxis={"visible": False},
        yaxis={"visible": False, "scaleanchor": "x"},
    )
    config: dict[str, Any] = {"scrollZoom": True, "displaylogo": False, "responsive": True}
    page: str = figure.to_html(include_plotlyjs=True, full_html=True, config=config, default_height="96vh")
    return page


def intervals(
    rows: Sequence[tuple[str, float, float | None, float | None]], title: str, chance: float | None, most: float
) -> Figure:
    """Values with their intervals, a row each, and a line at chance.

    Args:
        rows: (name, value, low, high); ends are None where nothing is known of them.
        most: the largest value there can be; 0 is the smallest.
    """
    go = _graph_objects()

    names = [escape(name) for name, *_ in rows]
    values = [value for _, value, _, _ in rows]
    up = [0.0 if high is None else high - value for _, value, _, high in rows]
    down = [0.0 if low is None else value - low for _, value, low, _ in rows]
    figure = go.Figure(
        go.Scatter(
            x=values,
            y=names,
            mode="markers",
            marker={"size": 11, "color": ACCENT},
            error_x={"type": "data", "symmetric": False, "array": up, "arrayminus": down},
        )
    )
    if chance is not None:
        figure.add_vline(x=chance, line_dash="dot")
    figure.update_layout(
        title={"text": escape(title), "font": {"size": 14}, "x": 0, "xanchor": "left"},
        height=90 + 34 * len(rows),
        margin={"l": 10, "r": 10, "t": 40, "b": 30},
        showlegend=False,
    )
    figure.update_xaxes(range=[-0.03 * most, 1.03 * most], tickformat=".0%" if most == 1.0 else None, fixedrange=True)
    figure.update_yaxes(autorange="reversed", automargin=True, fixedrange=True)
    return figure
