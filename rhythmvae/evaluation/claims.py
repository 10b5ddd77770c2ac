"""What is claimed of the shipped model, and the figures that a claim stands or falls by.

Every figure is a cell of a table in `docs/figures`, found by its row and column: none is written here. A verdict is
computed from the cells, so a page cannot say more than they do.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import cache
from typing import Any

from rhythmvae.resources import FIGURES

_NUMBER = re.compile(r"\d[\d,]*(?:\.\d+)?")
_RECOGNISED = "(two-sample accuracy; 50 is guessing)"
HOLDS, HOLDS_IN_PART, FAILS = "holds", "holds in part", "does not hold yet"


@cache
def figure(name: str) -> dict[str, Any]:
    """A file of `docs/figures`, by its name without .json."""
    found: dict[str, Any] = json.loads((FIGURES / f"{name}.json").read_text("utf-8"))
    return found


@dataclass(frozen=True)
class Cell:
    """A number of a committed table.

    Args:
        column: its name; "" stands for the last column.
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


_TAKES = "124 takes of the Groove MIDI Dataset's validation split, which the model has not learned from"
_OURS = "rhythmvae, posterior mean"
_ONE, _PRINTED, _JOBS, _TAPS, _LABELS = "1-reconstruction", "10-programmed", "12-completion", "13-taps", "11-labels"


def _job(row: str) -> Cell:
    return Cell(_JOBS, row, "ours")


def _beside(row: str, part: str) -> Cell:
    return Cell(_JOBS, row, "beside it", part)


def _label(row: str, column: str = "ours") -> Cell:
    return Cell(_LABELS, row, column)


def claims(ear_ms: float, ear_velocity: float) -> tuple[Claim, ...]:
    """All of them.

    Args:
        ear_ms, ear_velocity: the smallest shift, and the smallest change of velocity, that an ear notices.
    """
    played = "as it was played, the best there can be:"
    return (
        Claim(
            "rebuild",
            "It plays your groove back, hit for hit",
            "The model packs two bars into a short list of numbers and plays the groove again from that list alone. A "
            "hit counts as back where the same drum sounds within 25 ms of it; hits that nobody played count against.",
            (
                Measure(
                    "of the hits of people's takes come back (F1 at 25 ms)",
                    Cell(_ONE, _OURS, "F1 25 ms"),
                    "%",
                    (
                        ("principal components with as many numbers", Cell(_ONE, "PCA", "F1 25 ms")),
                        ("the average groove, whatever you play", Cell(_ONE, "per-step mean", "F1 25 ms")),
                    ),
                    ("the best there can be, the take itself:", 1.0),
                    0.02,
                ),
                Measure(
                    "of the hits of programmed patterns come back (F1 at 25 ms)",
                    Cell(_PRINTED, "all patterns", "F1 25 ms"),
                    "%",
                    (),
                    (
                        "the best there can be, what the model's grid holds:",
                        Cell(_PRINTED, "all patterns", "Grid at 25 ms"),
                    ),
                    0.02,
                ),
            ),
            f"{_TAKES}, though the epoch to keep was chosen by them; and 106 patterns made by rule.",
            "Rolls of 64ths: the worst of these patterns keeps "
            f"{Cell(_PRINTED, '64th rolls', 'Worst at 25 ms').text} of its hits (F1 at 25 ms).",
        ),
        Claim(
            "touch",
            "Timing and loudness come back too",
            "What comes back is as early, as late and as loud as it was played, nearer than most ears can tell.",
            (
                Measure(
                    "off in time, in the mean",
                    Cell(_ONE, _OURS, "Timing ms"),
                    "ms",
                    (("principal components with as many numbers", Cell(_ONE, "PCA", "Timing ms")),),
                    ("an ear notices about", ear_ms),
                    more=False,
                ),
                Measure(
                    "of 127 off in loudness, in the mean",
                    Cell(_ONE, _OURS, "Velocity"),
                    "",
                    (("principal components with as many numbers", Cell(_ONE, "PCA", "Velocity")),),
                    ("an ear notices about", ear_velocity),
                    more=False,
                ),
            ),
            f"{_TAKES}, though the epoch to keep was chosen by them; of the hits that came back.",
            "Means hide the worst: single hits are off by far more, most of all in fast rolls and in grooves that mix "
            "very soft and very loud strokes of one drum.",
        ),
        Claim(
            "invent",
            "What it invents sounds as if somebody played it",
            "A program learns to recognise which groove is the model's and which is a person's. The nearer it stays to "
            "a coin's 50 %, the less gives the model away.",
            (SAMPLED,),
            f"192 windows of two bars of {_TAKES}, and as many samples, five times; a take is never on both sides.",
            "Bars of one sample repeat less than bars of a drummer do, and drums are a little too loud for each other: "
            f"the strongest program is right {SAMPLED.short:.2f} more often than among people, and {SAMPLED.near:g} "
            "was wanted.",
        ),
        Claim(
            "sliders",
            "A slider does what it says",
            "Set to five places on two bars of every take, a slider is compared with what the new groove then is. 1 "
            "is the same order throughout, 0 is a slider that does nothing.",
            (
                Measure(
                    "rank correlation of asked and achieved, density",
                    Cell("5-control", "density", "Spearman"),
                    "",
                    (("a slider that does nothing", 0.0),),
                    ("the best there can be, exactly as asked:", 1.0),
                    0.05,
                ),
                Measure(
                    "rank correlation of asked and achieved, swing, the worst of them",
                    Cell("5-control", "swing", "Spearman"),
                    "",
                    (("a slider that does nothing", 0.0),),
                    ("the best there can be, exactly as asked:", 1.0),
                    0.05,
                ),
            ),
            f"Two bars of each of {_TAKES}.",
            "Of 64 windows 23 have no swing and 4 no syncopation to move: there the slider can do nothing. Single "
            "grooves stay far from what was asked.",
        ),
        Claim(
            "humanize",
            "It plays a stiff groove as a drummer would",
            "From the bare grid, without its timing and loudness, the model guesses both anew.",
            (
                Measure(
                    "off in time: the one answer of least error",
                    _job("humanize: timing, ms"),
                    "ms",
                    (("left on the grid", _beside("humanize: timing, ms", "grid")),),
                    more=False,
                ),
                Measure(
                    "of 127 off in loudness: the one answer of least error",
                    _job("humanize: velocity, of 127"),
                    "",
                    (("each drum at its usual loudness", _beside("humanize: velocity, of 127", "median")),),
                    more=False,
                ),
                Measure(
                    "nats between drawn timing and people's",
                    _job("humanize: drawn: KL of timing, nats"),
                    "",
                    (("left on the grid", _beside("humanize: drawn: KL of timing, nats", "grid")),),
                    (
                        "people against other people, the best there can be:",
                        _beside("humanize: drawn: KL of timing, nats", "training takes"),
                    ),
                    0.034,
                    more=False,
                ),
            ),
            f"{_TAKES}.",
            "Nobody can guess one drummer's one take: of the grid's error in timing most is left. Grooves whose "
            "accents are a matter of style, such as a one drop, get the accents of rock.",
        ),
        Claim(
            "continue",
            "It goes on where your bars end",
            "The model writes the bars that come next. They are compared with the bar that was played there, and with "
            "what people play, as invented grooves are.",
            (
                Measure(
                    "of the next bar is right (F1)",
                    _job("next bar: F1"),
                    "%",
                    (("the bar before once more", _beside("next bar: F1", "bar before")),),
                ),
                Measure(
                    f"of bars, played or continued, are recognised {_RECOGNISED}",
                    _job("four new bars: two-sample accuracy"),
                    "%",
                    (
                        (
                            "any sampled bars put behind",
                            _beside("four new bars: two-sample accuracy", "sampled bars behind"),
                        ),
                    ),
                    (played, _beside("four new bars: two-sample accuracy", "as played")),
                    0.03,
                    more=False,
                ),
            ),
            f"{_TAKES}.",
            "Four new bars are recognised more often than sampled bars that were put behind: they wander away from the "
            "groove.",
        ),
        Claim(
            "fill",
            "It fills in what is missing",
            "Some drums or bars are taken out, and the model plays them anew to what was left.",
            (
                Measure(
                    "of what was taken out comes back (F1)",
                    _job("infill: F1"),
                    "%",
                    (
                        ("what the nearest training groove has there", _beside("infill: F1", "nearest neighbour")),
                        ("the average groove", _beside("infill: F1", "per-step mean")),
                    ),
                ),
                Measure(
                    f"of grooves, played or filled in, are recognised {_RECOGNISED}",
                    _job("infill: two-sample accuracy"),
                    "%",
                    (
                        (
                            "a sample with the given part pasted over",
                            _beside("infill: two-sample accuracy", "sample, given part pasted over"),
                        ),
                    ),
                    (played, _beside("infill: two-sample accuracy", "as played")),
                    0.03,
                    more=False,
                ),
            ),
            f"{_TAKES}.",
            "There is more than one good way to fill a gap: what comes may fit and still be another part than yours.",
        ),
        Claim(
            "tap",
            "It makes drums of what you tap",
            "People tapped along to two bars that they heard. The model makes drums of the taps, and these are "
            "compared with the drums that were heard.",
            (
                Measure(
                    "of the drums are found from real taps (F1)",
                    Cell(_TAPS, "F1 of the drums, all", "ours"),
                    "%",
                    (
                        (
                            "the drums of the nearest training groove",
                            Cell(_TAPS, "F1 of the drums, all", "nearest neighbour"),
                        ),
                    ),
                ),
                Measure(
                    "of the rhythm is found from real taps (F1)",
                    Cell(_TAPS, "F1 of the rhythm, all", "ours"),
                    "%",
                    (("the taps alone", Cell(_TAPS, "F1 of the rhythm, all", "taps alone")),),
                ),
                Measure(
                    f"of drums, played or made of taps, are recognised {_RECOGNISED}",
                    _job("taps: two-sample accuracy"),
                    "%",
                    (("what is always recognised", 1.0),),
                    (played, _beside("taps: two-sample accuracy", "as played")),
                    0.03,
                    more=False,
                ),
            ),
            f"TapTamDrum (Haki et al. 2023), 20 segments of two bars, four people; and {_TAKES}.",
            "Half of the drums are others than those that were heard, and most segments are of takes that the model "
            "knows: of the others, 24 tappings, it finds "
            f"{Cell(_TAPS, 'F1 of the drums, not learned from', 'ours').text}.",
        ),
        Claim(
            "style",
            "It says which style a groove is in",
            "A small learned model names the style, and says so where it does not know.",
            (
                Measure(
                    "right among four styles, takes of sessions that it knows (macro F1)",
                    _label("style of four, macro F1"),
                    "",
                    (("always the most frequent style", _label("style of four, macro F1", "floor")),),
                    ("the best there can be:", 1.0),
                    0.05,
                ),
                Measure(
                    "right in a session that it does not know",
                    _label("style, new session"),
                    "",
                    (("always the most frequent style", _label("style, new session", "floor")),),
                    ("the best there can be:", 1.0),
                    0.05,
                ),
            ),
            "81 validation takes, and 894 training takes of which each session was held out in turn.",
            "In a new session or by a new drummer it is no better than the most frequent answer. Of patterns of a drum "
            "machine it mostly says that it does not know.",
        ),
        Claim(
            "learn",
            "It learns your own loops",
            "Fine-tuned on a handful of loops, the model plays them more exactly, and loses none that it knew.",
            (
                Measure(
                    "of 127 off in loudness, held-out loops, after it has learned 48",
                    Cell("7-small-sets", "48 drum machine loops", "velocity", 1),
                    "",
                    (("the shipped model", Cell("7-small-sets", "48 drum machine loops", "velocity", 0)),),
                    ("an ear notices about", ear_velocity),
                    more=False,
                ),
                Measure(
                    "of their hits come back (F1 at 50 ms)",
                    Cell("7-small-sets", "48 drum machine loops", "fine-tuned"),
                    "%",
                    (
                        (
                            "a model trained on them alone",
                            Cell("7-small-sets", "48 drum machine loops", "same, from scratch"),
                        ),
                        ("principal components", Cell("7-small-sets", "48 drum machine loops", "PCA, 128")),
                    ),
                    ("the best there can be, the loops themselves:", 1.0),
                    0.02,
                ),
            ),
            "48 one-bar loops of a drum machine, a quarter of them held out, five draws.",
            "To people who play as its own drummers did, fine-tuning adds nothing: of 105 such files two lose a hit "
            "and two gain one.",
        ),
    )


SAMPLED = Measure(
    f"of grooves, played or invented, are recognised by the strongest of four programs {_RECOGNISED}",
    Cell("4-two-sample", "samples from the prior, mean of five sets", "by the strongest of four"),
    "%",
    (
        (
            "an easier program, an LSTM of the field after eight minutes of training",
            Cell("2-architectures", "lstm, 256 latents (after GrooVAE)", "Two-sample, samples", 0),
        ),
    ),
    (
        "people against other people, the best there can be:",
        Cell("4-two-sample", "training takes (control of the strongest)", "by the strongest of four"),
    ),
    0.03,
    more=False,
)
