"""Grooves as drum grids: HTML text with inline SVG, for a page to show as it is.

Voices are rows, steps are columns of a fixed width: a grid that is wider than the page
scrolls sideways under its row labels and never shrinks. A hit is a dot whose size and
shade follow its velocity and whose distance from the step is its microtiming; the second
hit of a cell (the grace note of a flam, the other stroke of a double) is a smaller dot,
raised. Differences have shapes of their own beside their colours: a dashed ring with a
cross is missed, a diamond is added, an arrowhead under a dot says it moved and where to.

Lines and text are drawn in `currentColor`, so a grid suits light and dark alike. The
text is one line without blank lines and holds no text of a user's that is not escaped.
"""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence
from itertools import pairwise

import numpy as np

from rhythmvae.errors import UsageError
from rhythmvae.evaluate import Matching, match
from rhythmvae.groove import MAX_VELOCITY, STEPS_PER_QUARTER, FloatArray, Groove, IntArray, Meter
from rhythmvae.kit import N_VOICES, VOICES

MAX_STEPS = 512  # 32 bars of 4/4; more would weigh on the browser
MAX_HITS = 4_000
MOVED_MS = 20.0  # a matched hit that is further off than this is shown as moved

STEP_PX, ROW_PX, HEADER_PX, LABEL_PX, END_PX = 16, 24, 20, 78, 10
RADIUS_PX = 2.8, 7.4  # of the softest and the loudest hit
MISSED, ADDED = "#e5484d", "#12a594"


def drum_grid(groove: Groove, *, label: str = "", first_bar: int = 1) -> str:
    """One groove.

    Args:
        label: what it is, shown above the grid and read out by screen readers.
        first_bar: number of its first bar.

    Raises:
        UsageError: longer than MAX_STEPS or fuller than MAX_HITS.
    """
    _check_size(groove)
    rows = _rows(groove)
    return _scrolling([(label, _panel(groove, rows, _hits(groove, rows), label, first_bar))], rows)


def comparison(original: Groove, estimate: Groove, *, labels: tuple[str, str], first_bar: int = 1) -> str:
    """A groove above its reconstruction, on one time axis, with what differs marked and counted.

    Raises:
        UsageError: longer than MAX_STEPS or fuller than MAX_HITS.
    """
    _check_size(original)
    _check_size(estimate)
    rows = _rows(original, estimate)
    matching = match(original, estimate)
    late_ms = _late_ms(original, estimate, matching)
    moved = np.abs(late_ms) >= MOVED_MS
    counts = f"{len(matching.missed)} missed, {len(matching.added)} added, {int(moved.sum())} moved"
    marks = _hits(
        estimate, rows, matching.added, dict(zip(matching.pairs[:, 1].tolist(), late_ms.tolist(), strict=True))
    )
    marks += _missed(original, rows, matching.missed)
    panels = [
        (labels[0], _panel(original, rows, _hits(original, rows), labels[0], first_bar)),
        (labels[1], _panel(original, rows, marks, f"{labels[1]}: {counts}", first_bar)),
    ]
    return (
        f"<div>{_scrolling(panels, rows)}{_legend(len(matching.missed), len(matching.added), int(moved.sum()))}</div>"
    )


def _check_size(groove: Groove) -> None:
    for n, most, unit in ((groove.n_steps, MAX_STEPS, "sixteenths"), (len(groove), MAX_HITS, "hits")):
        if n > most:
            raise UsageError(f"Expected at most {most:,} {unit} to draw, got {n:,}: choose fewer bars.")


def _late_ms(original: Groove, estimate: Groove, matching: Matching) -> FloatArray:
    """(K,) how much later the estimate's hit of each pair comes."""
    r, e = matching.pairs.T
    return np.asarray(
        1000.0
        * (
            original.seconds(np.maximum(estimate.position[e], 0.0))
            - original.seconds(np.maximum(original.position[r], 0.0))
        )
    )


def _rows(*grooves: Groove) -> list[int]:
    """Voices that any of the grooves plays, in the kit's order from top to bottom: cymbals above, kick below."""
    played = np.zeros(N_VOICES, dtype=bool)
    for groove in grooves:
        played[groove.voice] = True
    return [v for v in reversed(range(N_VOICES)) if played[v]] or [2, 1, 0]


# -- marks ---------------------------------------------------------------------


def _hits(
    groove: Groove, rows: list[int], added: IntArray | Sequence[int] = (), late_ms: dict[int, float] | None = None
) -> list[str]:
    """Dots, with diamonds for the hits `added` and arrowheads where `late_ms` (by hit) is large."""
    second = _second_of_cell(groove)
    diamonds = set(np.asarray(added, dtype=int).tolist())
    marks = []
    # Loud hits first: a grace note lies on top of its stroke.
    for i in np.argsort(-groove.velocity, kind="stable").tolist():
        x, y = _place(groove.position[i], rows.index(int(groove.voice[i])))
        share = groove.velocity[i] / MAX_VELOCITY
        radius = RADIUS_PX[0] + (RADIUS_PX[1] - RADIUS_PX[0]) * share
        if second[i]:
            radius, y = radius * 0.75, y - 6.0
        color, opacity = VOICES[groove.voice[i]].color, 0.4 + 0.6 * share
        text = _describe(groove, i)
        if i in diamonds:
            r = radius + 1.5
            points = f"{x:.1f},{y - r:.1f} {x + r:.1f},{y:.1f} {x:.1f},{y + r:.1f} {x - r:.1f},{y:.1f}"
            shape = (
                f'<polygon points="{points}" fill="{ADDED}" fill-opacity="{opacity:.2f}" stroke="{ADDED}" '
                'stroke-width="1.5"/>'
            )
            text += ", added"
        else:
            shape = f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius:.1f}" fill="{color}" fill-opacity="{opacity:.2f}"/>'
            late = late_ms.get(i, 0.0) if late_ms else 0.0
            if abs(late) >= MOVED_MS:
                shape += _arrowhead(x, y + radius + 3.0, late)
                text += f", {abs(late):.0f} ms {'later' if late > 0 else 'earlier'} than in the original"
        marks.append(_titled(shape, text))
    return marks


def _missed(original: Groove, rows: list[int], missed: IntArray) -> list[str]:
    marks = []
    for i in missed.tolist():
        x, y = _place(original.position[i], rows.index(int(original.voice[i])))
        marks.append(_titled(_cross(x, y), _describe(original, i) + ", missed"))
    return marks


def _cross(x: float, y: float, radius: float = 6.0) -> str:
    d = radius * 0.45
    return (
        f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius:.1f}" fill="{MISSED}" fill-opacity="0.1" stroke="{MISSED}" '
        'stroke-width="1.5" stroke-dasharray="3 2"/>'
        f'<path d="M{x - d:.1f} {y - d:.1f}L{x + d:.1f} {y + d:.1f}M{x - d:.1f} {y + d:.1f}L{x + d:.1f} {y - d:.1f}" '
        f'stroke="{MISSED}" stroke-width="1.8" fill="none"/>'
    )


def _arrowhead(x: float, y: float, direction: float) -> str:
    tip = 4.5 if direction > 0 else -4.5
    return (
        f'<path d="M{x - tip:.1f} {y - 3:.1f}L{x + tip:.1f} {y:.1f}L{x - tip:.1f} {y + 3:.1f}Z" fill="currentColor"/>'
    )


def _place(position: float, row: int) -> tuple[float, float]:
    """Centre of a hit: steps are drawn in the middle of their column."""
    return (position + 0.5) * STEP_PX, HEADER_PX + (row + 0.5) * ROW_PX


def _second_of_cell(groove: Groove) -> FloatArray:
    """(N,) True for every hit that has a louder one in its cell (see groove.to_grid)."""
    second = np.zeros(len(groove), dtype=bool)
    cell = groove.step * N_VOICES + groove.voice
    order = np.lexsort((groove.position, -groove.velocity, cell))
    second[order[1:]] = np.diff(cell[order]) == 0
    return second


def _describe(groove: Groove, i: int) -> str:
    """One hit in words, for its tooltip."""
    lines = groove.bar_lines
    step = float(groove.step[i])
    bar = max(int(np.searchsorted(lines, step, side="right")) - 1, 0)
    quarter = STEPS_PER_QUARTER * 4 / groove.meter_at(lines[bar]).denominator
    words = (
        f"{VOICES[groove.voice[i]].label}, beat {(step - lines[bar]) / quarter + 1:g}, velocity {groove.velocity[i]}"
    )
    off = 1000 * groove.offset[i] * groove.tempo_at(step).seconds_per_step
    return words + (f", {abs(off):.0f} ms {'behind' if off > 0 else 'ahead'}" if abs(off) >= 1 else "")


# -- frame ---------------------------------------------------------------------


def _panel(groove: Groove, rows: list[int], marks: Iterable[str], label: str, first_bar: int) -> str:
    width, height = groove.n_steps * STEP_PX + END_PX, _height(rows)
    lines = groove.bar_lines
    bars, beats, numbers = [], [], []
    for n, (start, end) in enumerate(pairwise(lines)):
        beats += [_vertical(s, height) for s in np.arange(start, end, beat_steps(groove.meter_at(start)))[1:]]
        bars.append(_vertical(start, height))
        numbers.append(f'<text x="{start * STEP_PX + 4:.1f}" y="13">{first_bar + n}</text>')
    bars.append(_vertical(lines[-1], height))
    steps = [_vertical(float(s), height) for s in range(groove.n_steps)]
    stripes = "".join(
        f'<rect x="0" y="{HEADER_PX + r * ROW_PX}" width="{groove.n_steps * STEP_PX}" height="{ROW_PX}"/>'
        for r in range(0, len(rows), 2)
    )
    return _svg(
        f'<g fill="currentColor" fill-opacity="0.05">{stripes}</g>'
        f'<path d="{"".join(steps)}" stroke="currentColor" stroke-opacity="0.07"/>'
        f'<path d="{"".join(beats)}" stroke="currentColor" stroke-opacity="0.22"/>'
        f'<path d="{"".join(bars)}" stroke="currentColor" stroke-opacity="0.6" stroke-width="1.5"/>'
        f'<g fill="currentColor" fill-opacity="0.7" font-size="11">{"".join(numbers)}</g>{"".join(marks)}',
        width,
        height,
        label,
    )


def beat_steps(meter: Meter) -> float:
    """Length of a felt beat: three eighths in 6/8, 9/8 and 12/8, else the meter's own note.

    >>> beat_steps(Meter(0.0, 12, 8)), beat_steps(Meter(0.0, 7, 8)), beat_steps(Meter(0.0, 3, 4))
    (6.0, 2.0, 4.0)
    """
    note = STEPS_PER_QUARTER * 4 / meter.denominator
    compound = meter.denominator >= 8 and meter.numerator > 3 and meter.numerator % 3 == 0
    return note * 3 if compound else note


def _height(rows: list[int]) -> int:
    return HEADER_PX + len(rows) * ROW_PX + END_PX


def _vertical(step: float, height: int) -> str:
    return f"M{step * STEP_PX:.1f} {HEADER_PX}V{height - END_PX}"


def _labels(rows: list[int]) -> str:
    middle = HEADER_PX + ROW_PX / 2 + 4
    texts = "".join(
        f'<text x="{LABEL_PX - 8}" y="{middle + r * ROW_PX:.0f}">{_text(VOICES[v].label)}</text>'
        for r, v in enumerate(rows)
    )
    body = f'<g fill="currentColor" font-size="12" text-anchor="end">{texts}</g>'
    return _svg(body, LABEL_PX, _height(rows), None)


def _scrolling(panels: Sequence[tuple[str, str]], rows: list[int]) -> str:
    """Row labels that stay, beside panels that scroll sideways together."""
    caption = "height:22px;line-height:22px;font-size:13px;font-weight:600;white-space:nowrap"
    left = "".join(f'<div style="{caption}"></div>{_labels(rows)}' for _ in panels)
    # The caption sticks to the left edge while its grid scrolls.
    right = "".join(
        f'<div style="{caption};position:sticky;left:0;width:max-content">{_text(label)}</div>{svg}'
        for label, svg in panels
    )
    return (
        f'<div style="display:flex"><div style="flex:none" aria-hidden="true">{left}</div>'
        f'<div style="overflow-x:auto;min-width:0;padding-bottom:6px" tabindex="0">{right}</div></div>'
    )


def _legend(missed: int, added: int, moved: int) -> str:
    dot = '<circle cx="10" cy="7" r="5" fill="currentColor" fill-opacity="0.6"/>'
    items = [
        (_cross(10, 8), f"{missed} missed"),
        (f'<polygon points="10,1 17,8 10,15 3,8" fill="{ADDED}"/>', f"{added} added"),
        (dot + _arrowhead(10, 14, 1), f"{moved} moved by {MOVED_MS:.0f} ms or more"),
    ]
    return (
        '<div style="display:flex;flex-wrap:wrap;gap:4px 18px;font-size:13px;margin:4px 0 16px">'
        + "".join(
            '<span style="display:inline-flex;align-items:center;gap:5px">'
            + _svg(icon, 20, 17, None)
            + f"{text}</span>"
            for icon, text in items
        )
        + "</div>"
    )


def _svg(body: str, width: float, height: float, label: str | None) -> str:
    role = 'aria-hidden="true"' if label is None else f'role="img" aria-label="{_text(label)}"'
    # A page's style sheet may shrink images to its width; a grid keeps its own.
    style = f"display:block;width:{width}px;height:{height}px;max-width:none;color:inherit"
    return f'<svg width="{width}" height="{height}" viewBox="0 0 {width} {height}" style="{style}" {role}>{body}</svg>'


def _titled(shape: str, text: str) -> str:
    return f"<g><title>{_text(text)}</title>{shape}</g>"


def _text(text: str) -> str:
    return html.escape(" ".join(text.split()))
