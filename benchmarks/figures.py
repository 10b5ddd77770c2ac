"""docs/figures.md from docs/figures/*.json, and the tables in these files from the commands that make them.

    python -m benchmarks.figures                               writes docs/figures.md
    python -m benchmarks.figures record NAME [groove.zip=PATH ...]   runs the command of NAME.json, keeps its table

A file says what was measured (`title`, `before` and `after` the table), the `command`, the `date` of its last run,
and the table: `columns` and `rows` of text. The table that a command prints is found in its output, as Markdown or as
columns with two spaces or more between them.
"""

from __future__ import annotations

import datetime
import json
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

from rhythmvae.resources import ROOT

FOLDER = ROOT / "docs" / "figures"
PAGE = ROOT / "docs" / "figures.md"
HEAD = """# Figures

Everything that rhythmvae claims in numbers, each with the command that makes it, its floor and its baselines.
`groove.zip` is the Groove MIDI Dataset v1.0.0 as published; its test split was not looked at. `loops.zip` holds one-bar
patterns of a drum machine. This page is made by `make figures` from the files in `docs/figures/`; a figure is measured
again by `python -m benchmarks.figures record NAME groove.zip=PATH`.
"""


def page() -> str:
    """The text of docs/figures.md."""
    return HEAD + "".join(_section(path) for path in sorted(FOLDER.glob("*.json")))


def _section(path: Path) -> str:
    figure = json.loads(path.read_text("utf-8"))
    parts = [f"## {figure['title']}", *figure["before"]]
    if figure.get("command"):
        parts.append(f"`{figure['command']}` ({figure['date']}):")
    if figure.get("columns"):
        parts.append("\n".join(_table(figure["columns"], figure["rows"])))
    parts += figure["after"]
    return "\n" + "\n\n".join(parts) + "\n"


def _table(columns: list[str], rows: list[list[str]]) -> list[str]:
    lines = [columns, *rows]
    ruler = "|---|" + "---:|" * (len(columns) - 1)
    first, *rest = [f"| {' | '.join(cells)} |" for cells in lines]
    return [first, ruler, *rest]


def table_in(output: str) -> tuple[list[str], list[list[str]]]:
    """Columns and rows of the first table in what a command printed.

    >>> table_in("Seed 0.\\n\\n| Model | F1 |\\n|---|---:|\\n| ours | 0.990 |\\n\\nDone.")
    (['Model', 'F1'], [['ours', '0.990']])
    >>> table_in("model          F1 50ms\\nours, mean       0.990\\n")
    (['model', 'F1 50ms'], [['ours, mean', '0.990']])
    """
    blocks = [block.splitlines() for block in re.split(r"\n\s*\n", output.strip())]
    for lines in blocks:
        if lines[0].startswith("|"):
            cells = [[cell.strip() for cell in line.strip().strip("|").split("|")] for line in lines]
            return cells[0], cells[2:]
        cells = [re.split(r"\s{2,}", line.strip()) for line in lines]
        if len(cells) > 1 and len(cells[0]) > 1 and len({len(row) for row in cells}) == 1:
            return cells[0], cells[1:]
    raise SystemExit("expected a table in what the command printed, found none")


def record(name: str, places: dict[str, str]) -> None:
    """Run a figure's command, with files where `places` says they are, and keep the table that it prints."""
    path = FOLDER / f"{name}.json"
    figure: dict[str, Any] = json.loads(path.read_text("utf-8"))
    words = [places.get(word, word) for word in shlex.split(figure["command"])]
    words[0] = sys.executable if words[0] == "python" else words[0]
    output = subprocess.run(words, check=True, stdout=subprocess.PIPE, text=True, cwd=ROOT).stdout
    sys.stdout.write(output)
    figure["columns"], figure["rows"] = table_in(output)
    figure["date"] = datetime.date.today().isoformat()
    path.write_text(json.dumps(figure, indent=1, ensure_ascii=False) + "\n", "utf-8")


def main() -> None:
    match sys.argv[1:]:
        case []:
            pass
        case ["record", name, *places]:
            record(name, dict(place.split("=", 1) for place in places))
        case _:
            raise SystemExit(__doc__)
    PAGE.write_text(page(), "utf-8")


if __name__ == "__main__":
    main()
