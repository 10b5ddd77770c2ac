"""A claim, and the figures that it stands or falls by.

Every figure is a cell of a table in `docs/figures`, found by its row and column: none is written here. A verdict is
computed from the cells, so a page cannot say more than they do.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from functools import cache
from typing import Any

from rhythmvae.resources import FIGURES, TRANSCRIBER

_NUMBER = re.compile(r"\d[\d,]*(?:\.\d+)?")
HOLDS, HOLDS_IN_PART, FAILS = "holds", "holds in part", "does not hold yet"


@cache
def figure(name: str) -> dict[str, Any]:
    """A file of `docs/figures`, by its name without .json."""
    found: dict[str, Any] = json.loads((FIGURES / f"{name}.json").read_text("utf-8"))
    return found


@cache
def ear() -> str:
    """What names the shipped ear's file: 16 digits of its SHA-256; "" where there is none."""
    return hashlib.sha256(TRANSCRIBER.read_bytes()).hexdigest()[:16] if TRANSCRIBER.is_file() else ""


@dataclass(frozen=True)
class Cell:
    """A number of a committed table.

    Args:
        column: its name.
        part: which number of a cell that holds several: its place, or the words before it.
    """

    figure: str
    row: str
    column: str
    part: int | str = 0

    @property
    def text(self) -> str:
        """The number as the table has it.

        Raises:
            KeyError: there is no such row, column or part.
        """
        found = figure(self.figure)
        rows = [row for row in found["rows"] if row[0] == self.row]
        if len(rows) != 1 or self.column not in found["columns"]:
            raise KeyError(f"{self.figure} has no {self.row!r}, {self.column!r}")
        cell = rows[0][found["columns"].index(self.column)]
        if isinstance(self.part, str):
            named = re.search(rf"(?:^|, ){re.escape(self.part)} ({_NUMBER.pattern})", cell)
            numbers = [named[1]] if named else []
        else:
            numbers = _NUMBER.findall(cell)[self.part : self.part + 1]
        if not numbers:
            raise KeyError(f"{self.figure} has no {self.part!r} in {cell!r}")
        return str(numbers[0])

    @property
    def value(self) -> float:
        return float(self.text.replace(",", ""))


@dataclass(frozen=True)
class Measure:
    """One figure of a claim, and what stands beside it.

    Args:
        name: what is measured, to be read behind the number.
        unit: "%" for a share from 0 to 1 that is shown as a percentage, else what stands behind the number.
        beside: what anybody gets without the model: words and a cell, or a number that is so by definition.
        best: the best there can be, as words and a cell, or a number that is so by definition; None where nobody knows.
        near: how far from the best still counts as reaching it, in the cell's own unit.
        more: more is better.
    """

    name: str
    ours: Cell
    unit: str
    beside: tuple[tuple[str, Cell | float], ...] = ()
    best: tuple[str, Cell | float] | None = None
    near: float = 0.0
    more: bool = True

    @property
    def verdict(self) -> str:
        """Whether it beats all that stands beside it, and reaches the best there can be."""
        sign = 1 if self.more else -1
        if any(sign * (self.ours.value - _value(number)) <= 0 for _, number in self.beside):
            return FAILS
        if self.best is None:
            return HOLDS_IN_PART
        return HOLDS if sign * (_value(self.best[1]) - self.ours.value) <= self.near else HOLDS_IN_PART

    @property
    def short(self) -> float:
        """How far it stays from the best, in the cell's own unit; 0 where nobody knows that."""
        return 0.0 if self.best is None else abs(_value(self.best[1]) - self.ours.value)

    def shown(self, number: Cell | float) -> str:
        """A number in the unit.

        >>> Measure("", Cell("", "", ""), "%").shown(0.9876), Measure("", Cell("", "", ""), "ms").shown(6.0)
        ('98.8 %', '6 ms')
        """
        if self.unit == "%":
            return f"{100 * _value(number):.3g} %"
        text = number.text if isinstance(number, Cell) else f"{number:g}"
        return f"{text} {self.unit}".strip()


def _value(number: Cell | float) -> float:
    return number.value if isinstance(number, Cell) else number


@dataclass(frozen=True)
class Claim:
    """Something that the app says of itself.

    Args:
        words: what is claimed, for musicians.
        data: on what it was measured.
        fails: where it fails.
    """

    key: str
    title: str
    words: str
    measures: tuple[Measure, ...]
    data: str
    fails: str

    @property
    def verdict(self) -> str:
        """It holds where all of its figures do, and fails where one does."""
        found = [measure.verdict for measure in self.measures]
        return FAILS if FAILS in found else HOLDS if set(found) == {HOLDS} else HOLDS_IN_PART

    @property
    def sources(self) -> list[dict[str, Any]]:
        """The files of figures that it rests on, each once."""
        return [figure(name) for name in dict.fromkeys(measure.ours.figure for measure in self.measures)]
