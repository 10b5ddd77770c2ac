"""docs/figures.md from docs/figures/*.json, and the tables in these files from the commands that measure them.

    python -m benchmarks.figures                                      writes docs/figures.md
    python -m benchmarks.figures record NAME [groove.zip=PATH ...]    runs the command of NAME.json, keeps its table
    python -m benchmarks.figures keep NAME FILE                       keeps the table of what that command has printed

A file has a `title`, sentences `before` and `after` the table, the `command`, the `date` of its last run, the digest of
the `model` that it is of, where it is of one, and the table: `columns` and `rows` of text. `record` runs the command
with --json and makes the rows anew from what it prints. The sentences are written by hand: read them again after a run.
"""

from __future__ import annotations

import datetime
import json
import shlex
import statistics
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from rhythmvae.model import outline
from rhythmvae.model.card import SHIPPED
from rhythmvae.resources import FIGURES, ROOT

FOLDER = FIGURES
PAGE = ROOT / "docs" / "figures.md"
HEAD = """# Figures

Everything that rhythmvae claims in numbers, each with the command that makes it, its floor and its baselines.
`groove.zip` is the Groove MIDI Dataset v1.0.0 as published; its test split was not looked at. `loops.zip` holds one-bar
patterns of a drum machine. This page is made by `make figures` from the files in `docs/figures/`; a figure is measured
again by `python -m benchmarks.figures record NAME groove.zip=PATH`.
"""
UNDEFINED = "–"
VIEWS = ("descriptors", "tensor")  # what a two-sample test looks at

Document = dict[str, Any]  # what a command prints with --json
Rows = list[list[str]]


# -- the page ------------------------------------------------------------------


def page() -> str:
    """The text of docs/figures.md."""
    return HEAD + "".join(
        _section(json.loads(path.read_text("utf-8"))) for path in sorted(FOLDER.glob("*.json"), key=_place_of)
    )


def _place_of(path: Path) -> tuple[int, str]:
    number, _, name = path.stem.partition("-")
    return int(number), name


def _section(figure: Document) -> str:
    parts = [f"## {figure['title']}", *figure["before"]]
    if figure.get("command"):
        parts.append(f"`{figure['command']}` ({figure['date']}):")
    if figure.get("columns"):
        parts.append("\n".join(_table(figure["columns"], figure["rows"])))
    parts += figure["after"]
    return "\n" + "\n\n".join(parts) + "\n"


def _table(columns: list[str], rows: Rows) -> list[str]:
    ruler = "|---|" + "---:|" * (len(columns) - 1)
    first, *rest = [f"| {' | '.join(cells)} |" for cells in (columns, *rows)]
    return [first, ruler, *rest]


# -- rows from documents -------------------------------------------------------


def reconstruction(document: Document) -> Rows:
    """A row for each model and baseline that `evaluate` judges."""
    return [
        [
            row["name"],
            str(row["latent_dimensions"]),
            *_score(row["score"]),
            f"{row['score']['ghost_recall']:.3f}",
            f"{row['score']['exact_rate']:.3f}",
        ]
        for row in document["rows"]
    ]


def architectures(document: Document) -> Rows:
    """A row for each contestant of `compare`."""
    return [
        [
            row["name"],
            str(row["latent_dimensions"]),
            UNDEFINED if row["parameters"] is None else f"{row['parameters'] / 1e6:.1f} M",
            UNDEFINED if row["steps"] is None else f"{row['steps']:,}",
            *_score(row["score"]),
            _number(row["kl_nats"], 0),
            _accuracies(row, "reconstructions"),
            _accuracies(row, "samples"),
            _number(row["decode_ms"], 1),
        ]
        for row in document["rows"]
    ]


def unseen_drummers(document: Document) -> Rows:
    """A row for each contestant of `compare --unseen`. The columns of models that heard them are of another run."""
    return [[row["name"], *_score(row["score"]), _accuracies(row, "reconstructions")] for row in document["rows"]]


def two_sample(document: Document) -> Rows:
    """`evaluate --samples`: a row for each set of windows; the strongest of four classifiers has a floor of its own."""
    names = {
        "real halves": "two halves of the real takes (control)",
        "reconstructions": "their reconstructions",
        "samples": "samples from the prior, mean of five sets",
    }
    found, strongest = document["samples"]["two_sample_accuracy"], document["samples"]["strongest"]
    by_four = {"samples": _interval(strongest["samples"])}
    rows = [
        [name, *(_interval(found[key][view]) for view in VIEWS), by_four.get(key, UNDEFINED)]
        for key, name in names.items()
    ]
    return [*rows, ["training takes (control of the strongest)", *[UNDEFINED] * 2, _interval(strongest["floor"])]]


def _interval(figure: Document) -> str:
    return f"{figure['mean']:.2f} ± {figure['interval']:.2f}"


def control(document: Document) -> Rows:
    """`evaluate --control`: a row for each slider."""
    rows = []
    for name, own in document["control"]["sliders"].items():
        other, leakage = max(own["leakage"].items(), key=lambda item: item[1], default=(UNDEFINED, None))
        last_round = f"{_number(own['spearman_last'], 3)}, {_number(own['mae_last'], 3)}"
        asked = [_number(own["spearman"], 3), _number(own["mae"], 3), last_round]
        rows.append([_slider(name), *asked, _slider(other).partition(" (")[0], _number(leakage, 2)])
    return rows


def achieved(document: Document) -> dict[str, list[dict[str, float]]]:
    """`evaluate --control`: what the About page draws, by slider."""
    return {_slider(name): own["achieved"] for name, own in document["control"]["sliders"].items()}


def intervals(document: Document) -> dict[str, float]:
    """`benchmarks.frontier`: half the width of the bars on the About page, by KL weight."""
    found: dict[str, float] = document["intervals"]
    return found


def neighbours(document: Document) -> Rows:
    """`benchmarks.neighbours`: one row, a column for each view of the grooves."""
    return [[f"{share:.3f}" for share in document["style_of_nearest"].values()]]


def small_sets(document: Document) -> Rows:
    """`benchmarks.small_sets`: a row for each set of loops or takes."""
    return [
        [
            row["set"],
            *(_f1(value) for value in row["f1"].values()),
            f"{row['worse']}, {row['better']} of {row['files']}",
            *(f"{before:.1f} → {after:.1f}" for before, after in (row["timing_ms"], row["velocity"])),
        ]
        for row in document["rows"]
    ]


def as_printed(document: Document) -> Rows:
    """What a benchmark prints as rows, as they stand."""
    rows: Rows = document["rows"]
    return rows


def completion(document: Document) -> Rows:
    """`evaluate --complete`: a row for each figure of each job. What was asked for is the file's own."""
    return [
        [
            f"{own['job']}: {own['figure']}",
            str(own["n"]),
            ", ".join(f"{name} {_number(value, 3)}" for name, value in own["floors"].items()) or UNDEFINED,
            _number(own["value"], 3),
        ]
        for own in document["completion"]["figures"]
    ]


SOAK_MINUTES = 5  # that a row of memory is of


def soak(document: Document) -> Rows:
    """`benchmarks.soak`: what it prints, with the memory by time."""
    rows = [row for row in document["rows"] if not row[0].startswith("memory")]
    parts: dict[int, list[float]] = {}
    for seconds, megabytes in document["memory"]:
        parts.setdefault(int(seconds // (60 * SOAK_MINUTES)), []).append(megabytes)
    for part, found in sorted(parts.items()):
        name = f"memory, from minute {part * SOAK_MINUTES}; looks, median, most"
        rows.append([name, str(len(found)), f"{statistics.median(found):.0f} MB", f"{max(found):.0f} MB"])
    return rows


ROWS: dict[str, Callable[[Document], Rows]] = {
    "1-reconstruction": reconstruction,
    "2-architectures": architectures,
    "3-unseen-drummers": unseen_drummers,
    "4-two-sample": two_sample,
    "5-control": control,
    "6-neighbours": neighbours,
    "7-small-sets": small_sets,
    "8-speed": as_printed,
    "9-frontier": as_printed,
    "10-programmed": as_printed,
    "11-labels": as_printed,
    "12-completion": completion,
    "13-taps": as_printed,
    "14-library": as_printed,
    "15-reviewers": as_printed,
    "16-map": as_printed,
    "17-finger": as_printed,
    "19-library-map": as_printed,
    "20-midi": as_printed,
    "21-audio": as_printed,
    "22-own-loops": small_sets,
    "23-soak": soak,
    "24-beats": as_printed,
    "25-hearing": as_printed,
    "26-replicas": as_printed,
    "27-waiting": as_printed,
    "28-lanes": as_printed,
    "29-sliding": as_printed,
    "30-visit": as_printed,
}

# What a file holds for the pictures of the About page beside its table: a key and what makes its value.
DRAWN: dict[str, tuple[str, Callable[[Document], Any]]] = {
    "5-control": ("achieved", achieved),
    "9-frontier": ("intervals", intervals),
}


def told(columns: Sequence[str], rows: Rows, *, as_json: bool) -> None:
    """Print what a benchmark found: as JSON for `record`, or as a table that a note can hold."""
    if as_json:
        print(json.dumps({"rows": rows}))
        return
    for line in (columns, ["---"] * len(columns), *rows):
        print(f"| {' | '.join(line)} |")


def _number(value: float | None, digits: int) -> str:
    return UNDEFINED if value is None else f"{value:.{digits}f}"


def _score(score: Document) -> list[str]:
    """F1 at 50 and at 25 ms, timing in ms, velocity of 127."""
    return [
        *(_number(score[key], 3) for key in ("f1", "f1_25ms")),
        *(_number(score[key], 1) for key in ("timing_mae_ms", "velocity_mae")),
    ]


def _f1(value: float) -> str:
    """Four digits where three would hide what is missing from 1.

    >>> _f1(0.99968), _f1(0.9724), _f1(1.0)
    ('0.9997', '0.972', '1.000')
    """
    return f"{value:.4f}" if 0.99 <= value < 0.99995 else f"{value:.3f}"


def _accuracies(row: Document, windows: str) -> str:
    found = (row["two_sample_accuracy"] or {}).get(windows)
    return UNDEFINED if found is None else ", ".join(f"{found[view]['mean']:.2f}" for view in VIEWS)


def _slider(name: str) -> str:
    """
    >>> _slider("density_kick"), _slider("dynamics"), _slider("swing")
    ('density of kick', 'dynamics (velocity spread)', 'swing')
    """
    spread = {"dynamics": " (velocity spread)", "looseness": " (timing spread)"}
    return name.replace("density_", "density of ") + spread.get(name, "")


# -- measuring again -----------------------------------------------------------


def record(name: str, places: dict[str, str]) -> None:
    """Run a figure's command, with files where `places` says they are, and keep the table that it makes."""
    figure = _figure(name)
    words = [places.get(word, word) for word in shlex.split(figure["command"])]
    command = [sys.executable, *words[1:], "--json"]
    printed = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, cwd=ROOT).stdout
    keep(name, json.loads(printed))


def _figure(name: str) -> Document:
    if name not in ROWS:
        raise SystemExit(f"expected one of {', '.join(ROWS)}, got {name!r}")
    figure: Document = json.loads((FOLDER / f"{name}.json").read_text("utf-8"))
    return figure


def keep(name: str, document: Document) -> None:
    """Keep the table that a figure's command has printed as JSON."""
    figure = _figure(name)
    figure["rows"] = renewed(figure["rows"], ROWS[name](document))
    if name in DRAWN:
        key, drawn = DRAWN[name]
        figure[key] = drawn(document)
    figure["date"] = datetime.date.today().isoformat()
    if "model" in figure:
        figure["model"] = document.get("checkpoint") or outline.read(SHIPPED).digest
    (FOLDER / f"{name}.json").write_text(json.dumps(figure, indent=1, ensure_ascii=False) + "\n", "utf-8")


def renewed(known: Rows, found: Rows) -> Rows:
    """New rows in the order of the known ones; cells at the end that were not measured stay.

    >>> renewed([["a", "1", "kept"], ["b", "2", "kept"]], [["b", "3"], ["a", "4"]])
    [['a', '4', 'kept'], ['b', '3', 'kept']]
    >>> renewed([["0.480", "0.495"]], [["0.481", "0.496"]])
    [['0.481', '0.496']]
    """
    width = len(known[0]) if known else 0
    before = {row[0]: row for row in known}
    order = {name: place for place, name in enumerate(before)}
    rows = [row + before.get(row[0], [UNDEFINED] * width)[len(row) :] for row in found]
    return sorted(rows, key=lambda row: order.get(row[0], len(order)))


def main() -> None:
    match sys.argv[1:]:
        case []:
            pass
        case ["record", name, *places]:
            record(name, dict(place.split("=", 1) for place in places))
        case ["keep", name, file]:
            keep(name, json.loads(Path(file).read_text("utf-8")))
        case _:
            raise SystemExit(__doc__)
    PAGE.write_text(page(), "utf-8")


if __name__ == "__main__":
    main()
