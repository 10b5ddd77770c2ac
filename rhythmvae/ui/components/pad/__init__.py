"""The pad: a square of decoded grooves between four corners, which a finger plays.

All of a lattice (`model.lattice`) is a file that a browser keeps, so that what lies under the finger is heard without
Python, which is told where it rests: at a point, or after a path that was drawn, one point a bar. `pad.js` draws and
plays, `pad.css` is for looks.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from rhythmvae.groove import Groove, Tempo
from rhythmvae.ui import played
from rhythmvae.ui.components import assets

COMPONENT = assets.Component(Path(__file__).parent, ("pad.js",))
TURNS = 2  # of the loop that a path goes through: one point a bar
COLORS = ("#c8384f", "#2b8078", "#3d78b8", "#a0681c")  # of the corners


def lattice_file(lattice: Sequence[Groove]) -> bytes:
    """What a browser plays, of a lattice row by row."""
    frame = lattice[0]
    data = {
        "n_steps": frame.n_steps,
        "meter": str(frame.meters[0]),
        "bars": frame.bar_lines.tolist(),
        "beats": frame.beat_lines.tolist(),
        "bpm": [round(groove.tempos[0].bpm, 6) for groove in lattice],
        "grooves": [played.hits(groove) for groove in lattice],
    }
    return played.text(data)


@dataclass(frozen=True)
class Resting:
    """Where a finger left the pad: at one point of the lattice, or after a path of one point a bar."""

    points: tuple[int, ...]

    @property
    def is_path(self) -> bool:
        return len(self.points) > 1

    def groove(self, lattice: Sequence[Groove]) -> Groove:
        """What the browser plays there: a groove of the lattice; of a path, each bar from the groove it passes."""
        if not self.is_path:
            return lattice[self.points[0]]
        frame = lattice[self.points[0]]
        made, lines, tempos = frame.looped(TURNS), frame.looped(TURNS).bar_lines, []
        for bar, point in enumerate(self.points[: made.n_bars]):
            own = bar % frame.n_bars + 1
            made = made.with_bars(bar + 1, bar + 1, lattice[point].bars(own, own))
            tempos.append(Tempo(float(lines[bar]), lattice[point].tempos[0].bpm))
        return replace(made, tempos=tuple(tempos))


def show(
    lattice: bytes,
    *,
    key: str,
    corners: Sequence[str],
    side: int,
    rests: Resting | None,
    is_kept: bool,
    on_rest: Callable[[], None],
    on_act: Callable[[], None],
) -> None:
    """Put the pad on the page.

    Args:
        lattice: of `lattice_file`.
        key: of the component in the session.
        corners: names of the four, upper ones first.
        rests: where Python has it; None where the deck plays something else.
        is_kept: whether what plays there is in the tray.
        on_rest: called before the run that follows a finger's rest; see `resting`.
        on_act: called before the run that follows a press on "Take it" or "Keep"; see `act`.
    """
    COMPONENT.tell(
        key,
        {
            "lattice": assets.address("lattice.json", lattice, "application/json"),
            "corners": [{"name": name, "color": color} for name, color in zip(corners, COLORS, strict=True)],
            "side": side,
            "turns": TURNS,
            "rests": None if rests is None else list(rests.points),
            "is_kept": is_kept,
            "serial": _serial(assets.said(key, "rest")),
        },
        rest=on_rest,
        act=on_act,
    )


def act(key: str) -> str:
    """For an `on_act`: "take" or "keep"; "" for what makes no sense."""
    said = assets.said(key, "act")
    return said if said in ("take", "keep") else ""


def resting(key: str, side: int, n_bars: int) -> Resting | None:
    """For an `on_rest`: where the finger left it; None for what makes no sense.

    Args:
        n_bars: of the lattice's grooves.
    """
    match assets.said(key, "rest"):
        case {"points": list(points)} if len(points) in (1, TURNS * n_bars):
            if all(type(point) is int and 0 <= point < side * side for point in points):
                return Resting(tuple(points))
    return None


def _serial(state: Any) -> int:
    match state:
        case {"serial": int(serial)} if 0 <= serial < 1 << 53:
            return int(serial)
    return 0
