"""All files of a visitor described in one table: to sort, filter, compare and take home."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from functools import partial
from typing import Any

import streamlit as st

from rhythmvae.analysis.duplicates import likeness
from rhythmvae.errors import RhythmVAEError
from rhythmvae.groove import Groove
from rhythmvae.ui.parts.grid import grid
from rhythmvae.ui.parts.sentences import literal
from rhythmvae.ui.session import caches, files, hand
from rhythmvae.ui.session.files import File

Row = dict[str, Any]
ANY = "any style"
UNKNOWN = "unknown"
_HELP = {
    "Style, %": "Probability of the likeliest style.",
    "Fill, %": "Probability that it is a fill.",
    "Swing, %": "50 is straight, 58 light, 66 a triplet shuffle.",
    "Hits a quarter": "Hits for each quarter note.",
    "Same as": "The first file before it that plays the same hits, or nearly the same.",
}


def table(own: Sequence[File]) -> None:
    """A row a file; a row that is chosen is taken in hand, two that are chosen are compared."""
    rows, keys, problems = _rows(own)
    for problem in problems:
        st.error(literal(problem), icon=":material/error:")
    if not rows:
        return
    styles = sorted({row["Style"] for row in rows})
    wanted = st.selectbox("Show", [ANY, *styles], key="style of files") if len(styles) > 1 else ANY
    shown = [i for i, row in enumerate(rows) if wanted in (ANY, row["Style"])]
    name = f"described {len(rows)} {wanted}"
    st.dataframe(
        grid([rows[i] for i in shown]),
        hide_index=True,
        key=name,
        on_select=partial(_chosen, name, [keys[i] for i in shown]),
        selection_mode="multi-row",
        column_config={column: st.column_config.Column(help=words) for column, words in _HELP.items()},
        alt="What each of your files is",
    )
    st.caption("A column's name sorts. Choose one row to take its file in hand, two to compare them.")
    st.download_button(
        "The table, CSV",
        partial(csv_of, rows),
        "described.csv",
        "text/csv",
        on_click="ignore",
        icon=":material/download:",
    )
    chosen = [shown[i] for i in st.session_state[name]["selection"]["rows"] if i < len(shown)]
    if len(chosen) == 2:
        _compare(*(rows[i] for i in chosen))


def _rows(own: Sequence[File]) -> tuple[list[Row], list[str], list[str]]:
    """Rows of the files that can be read, their keys, and what is wrong with the others."""
    read: list[tuple[File, Groove, dict[str, Any]]] = []
    problems: list[str] = []
    progress = st.progress(0.0, "Describing your files")
    for n, file in enumerate(own):
        progress.progress(n / len(own), "Describing your files")
        try:
            groove, report = files.read(file)
            has_meter = all(change.kind != "meter_assumed" for change in report.changes)
            read.append((file, groove, caches.description(groove, has_meter)))
        except RhythmVAEError as error:
            problems.append(str(error))
    progress.empty()
    same = twins([file.name for file, *_ in read], [groove for _, groove, _ in read])
    rows = [row_of(file.name, said) | {"Same as": twin} for (file, _, said), twin in zip(read, same, strict=True)]
    return rows, [file.key for file, *_ in read], problems


def row_of(name: str, said: dict[str, Any]) -> Row:
    """What a table says of a file."""
    return {
        "File": name,
        "Style": said["style"]["label"] or UNKNOWN,
        "Style, %": round(100 * max(said["style"]["probabilities"].values())),
        "Plays a": said["beat_or_fill"]["label"],
        "Fill, %": None if said["n_hits"] == 0 else round(100 * said["beat_or_fill"]["probability"]),
        "BPM": round(said["tempo"]["bpm"], 1),
        "Meter": said["meter"],
        "Notes are": said["subdivision"],
        "Swing, %": said["swing_percent"],
        "Feel": ", ".join(said["feel"]),
        "Form": said["form"]["letters"],
        "Bars": said["n_bars"],
        "Hits a quarter": round(said["descriptors"]["density"], 2),
    }


def twins(names: Sequence[str], grooves: Sequence[Groove]) -> list[str]:
    """For each file the first one before it that plays the same or nearly the same, in words."""
    if not grooves:
        return []
    return [same or (f"nearly {alike}" if alike else "") for same, alike in likeness(grooves).named(names)]


def _chosen(name: str, keys: Sequence[str]) -> None:
    rows = st.session_state[name]["selection"]["rows"]
    if len(rows) == 1 and rows[0] < len(keys):
        hand.choose(keys[rows[0]])


def _compare(one: Row, other: Row) -> None:
    """Two files side by side."""
    st.markdown("**Side by side**")
    lines = [(key, _text(one[key]), _text(other[key])) for key in one if key not in ("File", "Same as")]
    head = f"| | {literal(one['File'])} | {literal(other['File'])} |\n| :-- | :-- | :-- |\n"
    st.markdown(head + "\n".join(f"| {literal(key)} | {a} | {b} |" for key, a, b in lines))


def _text(value: object) -> str:
    return "–" if value in (None, "") else literal(str(value))


def csv_of(rows: Sequence[Row]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()
