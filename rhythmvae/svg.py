"""A drum grid as a picture: lanes, bars and hits as SVG text, for notebooks. No script, nothing from outside."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from rhythmvae.kit import VOICES

STEP_PX, LANE_PX, LABEL_PX, TITLE_PX = 12.0, 18.0, 76.0, 22.0
MAX_WIDTH_PX = 1200.0  # longer grooves are drawn finer
SOFTEST = 0.25  # opacity of a hit of velocity 0
_INK = "#808080"  # readable on light and dark


def grid(
    hits: Sequence[tuple[float, int, int]],
    n_steps: int,
    bar_lines: Sequence[float],
    beat_lines: Sequence[float],
    title: str,
) -> str:
    """The SVG of a grid.

    Args:
        hits: (position in steps, voice, velocity 1 to 127) of each; opacity shows the velocity.
        n_steps: length in steps.
        bar_lines, beat_lines: steps at which a line is drawn.
        title: shown above, as text whatever is in it.

    >>> grid([(0.0, 0, 127)], 16, [0.0], [0.0, 4.0], "<b>").count("<rect")
    1
    """
    step_px = min(STEP_PX, MAX_WIDTH_PX / max(n_steps, 1))
    width, bottom = LABEL_PX + n_steps * step_px, TITLE_PX + LANE_PX * len(VOICES)

    def x(step: float) -> float:
        return LABEL_PX + step * step_px

    lines = [
        f'<path d="M{x(step):.1f} {TITLE_PX}V{bottom}" stroke="{_INK}" stroke-opacity="{opacity}"/>'
        for steps, opacity in ((beat_lines, 0.25), ([*bar_lines, float(n_steps)], 0.8))
        for step in steps
    ]
    labels = [
        f'<text x="{LABEL_PX - 6}" y="{_top(voice) + LANE_PX - 5}" text-anchor="end">{escape(row.label)}</text>'
        for voice, row in enumerate(VOICES)
    ]
    strokes = [
        f'<rect x="{x(position):.2f}" y="{_top(voice) + 3}" '
        f'width="{max((step_px - 2) * room, 1):.2f}" height="{LANE_PX - 6}" '
        f'rx="{2 * room:g}" fill="{VOICES[voice].color}" '
        f'fill-opacity="{SOFTEST + (1 - SOFTEST) * velocity / 127:.2f}"/>'
        for (position, voice, velocity), room in zip(hits, _rooms(hits), strict=True)
    ]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width + 2:.0f} {bottom + 2:.0f}" '
        f'width="{width + 2:.0f}" style="max-width: 100%; height: auto" '  # as wide as a narrow notebook has room
        f'role="img" aria-label="{escape(title, quote=True)}">'
        f'<g fill="{_INK}" font-family="system-ui, sans-serif" font-size="12">'
        f'<text x="0" y="14">{escape(title)}</text>{"".join(labels)}</g>{"".join(lines)}{"".join(strokes)}</svg>'
    )


def _rooms(hits: Sequence[tuple[float, int, int]]) -> list[float]:
    """For each hit the distance to the next of its voice, at most a step: strokes of a roll do not cover each other.

    >>> _rooms([(0.0, 2, 90), (0.25, 2, 90), (0.5, 0, 90)])
    [0.25, 1.0, 1.0]
    """
    rooms = [1.0] * len(hits)
    following: dict[int, float] = {}
    for index in sorted(range(len(hits)), key=lambda i: -hits[i][0]):
        position, voice, _ = hits[index]
        rooms[index] = min(following.get(voice, position + 1.0) - position, 1.0)
        following[voice] = position
    return rooms


def _top(voice: int) -> float:
    """The first voice, the kick, lies lowest, as in a drum score."""
    return TITLE_PX + LANE_PX * (len(VOICES) - 1 - voice)
