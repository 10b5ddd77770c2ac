"""How results are printed: JSON, and tables in aligned columns."""

from __future__ import annotations

import json
from typing import Any


def print_json(value: Any) -> None:
    # Escaped to ASCII: a file's name need not be text that stdout can carry.
    print(json.dumps(value, indent=1, allow_nan=False))


def print_table(rows: list[list[str]]) -> None:
    """First row the heading, first column to the left, the others to the right."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        cells = [row[0].ljust(widths[0]), *(c.rjust(w) for c, w in zip(row[1:], widths[1:], strict=True))]
        print("  ".join(cells).rstrip())


def number(value: float | None, digits: int) -> str:
    return "-" if value is None else f"{value:.{digits}f}"


SCORE_HEADING = ["hits", "F1 50ms", "F1 25ms", "timing ms", "velocity"]


def score_cells(figures: dict[str, Any]) -> list[str]:
    return [
        str(figures["n_hits"]),
        number(figures["f1"], 4),
        number(figures["f1_25ms"], 4),
        number(figures["timing_mae_ms"], 2),
        number(figures["velocity_mae"], 2),
    ]
