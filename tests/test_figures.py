"""docs/figures.md is made from its files, and the files' tables from what the commands print."""

from __future__ import annotations

import doctest
import json
import re
from pathlib import Path
from typing import Any

import pytest

from benchmarks import figures, heard, programmed, small_sets
from rhythmvae.groove import FOUR_IN_TIME

DOCS = (Path(__file__).parents[1] / "docs" / "json.md").read_text("utf-8")
SCORE = {
    **{"f1": 0.9904, "f1_25ms": 0.978, "timing_mae_ms": 4.12, "velocity_mae": None},
    **{"ghost_recall": 0.959, "exact_rate": 0.629},
}
VIEWS = {view: {"mean": 0.556, "interval": 0.012} for view in figures.VIEWS}
ROW = {"name": "rhythmvae", "latent_dimensions": 128, "score": SCORE}
CONTESTANT = {
    **ROW,
    **{"parameters": 2_460_000, "steps": 2638, "kl_nats": 187.6, "decode_ms": 2.21},
    "two_sample_accuracy": {"reconstructions": VIEWS, "samples": None},
}
BASELINE = {**CONTESTANT, **dict.fromkeys(("parameters", "steps", "kl_nats", "decode_ms", "two_sample_accuracy"))}
SLIDER = {"spearman": 0.9962, "mae": 0.0049, "spearman_last": 0.991, "mae_last": None}
ERRORS = [{"ms": 1.1, "velocity": 4.4}, {"ms": None, "velocity": 1.4}]  # no hit matched: no timing error


def _small_sets(*others: str) -> dict[str, Any]:
    """Of two draws; others: models beside the shipped and the fine-tuned one."""
    models = {
        "shipped, untouched": {"f1": 1.0, "files": [1.0, 0.9], **ERRORS[0]},
        "fine-tuned": {"f1": 0.9996, "files": [0.9, 0.95], **ERRORS[1]},
        **{name: {"f1": 0.5, "files": [], **ERRORS[0]} for name in others},
    }
    draws = {f"12 loops, seed {seed}": {"models": models} for seed in range(2)}
    return {"rows": small_sets.summary(draws, ["12 loops"], 2)}


# For each figure what its command prints, in short, and a row that it must make.
CASES: dict[str, tuple[dict[str, Any], list[str]]] = {
    "8-speed": ({"rows": [["decode two bars", "0.9 ms"]]}, ["decode two bars", "0.9 ms"]),
    "9-frontier": ({"rows": [["0.3", *"12345678"]]}, ["0.3", *"12345678"]),
    "11-labels": ({"rows": [["drummer", *"12345"]]}, ["drummer", *"12345"]),
    "13-taps": ({"rows": [["F1 of the drums, all", *"1234"]]}, ["F1 of the drums, all", *"1234"]),
    "14-library": ({"rows": [["most memory of one process", "364 MB"]]}, ["most memory of one process", "364 MB"]),
    "17-finger": (
        {"rows": [["the pad: the first touch", "350 ms", "60 ms"]]},
        ["the pad: the first touch", "350 ms", "60 ms"],
    ),
    "15-reviewers": ({"rows": [["SQLite", *"12345"]]}, ["SQLite", *"12345"]),
    "19-library-map": (
        {"rows": [["its points, its names", "1.0 MB, 1.3 MB"]]},
        ["its points, its names", "1.0 MB, 1.3 MB"],
    ),
    "16-map": ({"rows": [["a tap", *"1234"]]}, ["a tap", *"1234"]),
    "21-audio": (
        {
            "rows": heard.rows(
                {"f1_50_ms": 0.9604, "f1_20_ms": 0.93},
                {
                    **dict.fromkeys((f"{key}_{ms}_ms" for key in ("nine", "five") for ms in (50, 20)), 0.5),
                    **{"velocity": {"kick": 0.6}, "ghosts": {"recall": 0.84, "precision": 0.77}},
                },
            )
        },
        ["five classes, MDB stems, F1 at 50 ms", "0.960"],
    ),
    "20-midi": ({"rows": [["clock", *"1"]]}, ["clock", *"1"]),
    "24-beats": ({"rows": [["validation takes, whole bars", *"123456"]]}, ["validation takes, whole bars", *"123456"]),
    "27-waiting": ({"rows": [["trained at once, at most", *"1234"]]}, ["trained at once, at most", *"1234"]),
    "28-lanes": ({"rows": [["from the touch to the fine lane", *"123"]]}, ["from the touch to the fine lane", *"123"]),
    "30-visit": ({"rows": [["app: heading s", "1", "2"]]}, ["app: heading s", "1", "2"]),
    "29-sliding": ({"rows": [["answers", *"12"]]}, ["answers", *"12"]),
    "25-hearing": ({"rows": [["10 min", *"123"]]}, ["10 min", *"123"]),
    "26-replicas": ({"rows": [["errors on its page", "0"]]}, ["errors on its page", "0"]),
    "23-soak": (
        {
            "rows": [["slider", "61", "0.50 s", "1.10 s"], ["memory, last third", "1", "9 MB", "9 MB"]],
            "memory": [[5.0, 520.4], [299.0, 610.0], [301.0, 700.0]],
            "errors": [],
        },
        ["memory, from minute 0; looks, median, most", "2", "565 MB", "610 MB"],
    ),
    "12-completion": (
        {
            "completion": {
                "figures": [{"job": "next bar", "figure": "F1", "value": 0.756, "floors": {"a": 0.7}, "n": 9}]
            }
        },
        ["next bar: F1", "9", "a 0.700", "0.756"],
    ),
    "10-programmed": ({"rows": [["64th rolls", *"1234567"]]}, ["64th rolls", *"1234567"]),
    "1-reconstruction": ({"rows": [ROW]}, ["rhythmvae", "128", "0.990", "0.978", "4.1", "–", "0.959", "0.629"]),
    "2-architectures": (
        {"rows": [CONTESTANT]},
        [*("rhythmvae", "128", "2.5 M", "2,638", "0.990", "0.978", "4.1", "–"), "188", "0.56, 0.56", "–", "2.2"],
    ),
    "3-unseen-drummers": (
        {"rows": [CONTESTANT]},
        ["rhythmvae", "0.990", "0.978", "4.1", "–", "0.56, 0.56"],
    ),
    "4-two-sample": (
        {
            "samples": {
                "two_sample_accuracy": dict.fromkeys(("real halves", "reconstructions", "samples"), VIEWS),
                "strongest": dict.fromkeys(("floor", "samples"), VIEWS["tensor"]),
            }
        },
        ["samples from the prior, mean of five sets", *["0.56 ± 0.01"] * 3],
    ),
    "5-control": (
        {"control": {"sliders": {"density_kick": {**SLIDER, "leakage": {"swing": 0.04, "dynamics": 0.1}}}}},
        ["density of kick", "0.996", "0.005", "0.991, –", "dynamics", "0.10"],
    ),
    "6-neighbours": (
        {"style_of_nearest": dict(zip("abcde", (0.48, 0.495, 0.242, 0.476, 0.16), strict=True))},
        ["0.480", "0.495", "0.242", "0.476", "0.160"],
    ),
    "7-small-sets": (
        _small_sets("same", "dense", "PCA"),
        ["12 loops", "1.000", "0.9996", *["0.500"] * 3, "2, 2 of 4", "1.1 → 0.0", "4.4 → 1.4"],
    ),
    "22-own-loops": (
        _small_sets("same", "PCA"),
        ["12 loops", "1.000", "0.9996", *["0.500"] * 2, "2, 2 of 4", "1.1 → 0.0", "4.4 → 1.4"],
    ),
}


def of(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((figures.FOLDER / f"{name}.json").read_text("utf-8"))
    return found


def test_the_page_is_what_its_files_say() -> None:
    assert figures.PAGE.read_text("utf-8") == figures.page()


@pytest.mark.parametrize("path", sorted(figures.FOLDER.glob("*.json")), ids=lambda path: path.stem)
def test_a_file_has_what_the_page_needs(path: Path) -> None:
    figure = of(path.stem)
    assert {"title", "before", "after"} <= set(figure)
    assert ("rows" in figure) == (path.stem in figures.ROWS)
    for row in figure.get("rows", []):
        assert len(row) == len(figure["columns"])
    if "rows" in figure:
        assert re.fullmatch(r"\d{4}-\d\d-\d\d", figure["date"])
        assert figure["command"].startswith("python -m ")


@pytest.mark.parametrize("name", figures.ROWS)
def test_a_command_makes_the_rows_of_its_figure(name: str) -> None:
    document, row = CASES[name]
    rows = figures.ROWS[name](document)
    assert row in rows
    # Of models that heard these drummers; what was asked for.
    kept_columns = {"3-unseen-drummers": 4, "12-completion": 1, "21-audio": 2}.get(name, 0)
    assert {len(found) + kept_columns for found in rows} == {len(of(name)["columns"])}


def test_what_was_printed_before_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    known = {"title": "A", "before": [], "after": [], "command": "python -m a", "columns": list("abcd"), "rows": []}
    known |= {"date": "2026-01-01", "rows": [["errors", "3", "", ""]]}
    (tmp_path / "23-soak.json").write_text(json.dumps(known))
    monkeypatch.setattr(figures, "FOLDER", tmp_path)
    figures.keep("23-soak", {"rows": [["slider", "1", "1 s", "1 s"], ["errors", "0", "", ""]], "memory": []})
    kept = of("23-soak")
    assert kept["rows"] == [["errors", "0", "", ""], ["slider", "1", "1 s", "1 s"]]
    assert kept["date"] > "2026-01-01"
    with pytest.raises(SystemExit, match="expected one of"):
        figures.keep("0-nothing", {})


def test_what_a_baseline_does_not_have_is_left_open() -> None:
    [row] = figures.architectures({"rows": [BASELINE]})
    assert [row[index] for index in (2, 3, 8, 9, 10, 11)] == ["–"] * 6


def test_rows_are_made_of_keys_that_the_command_line_documents() -> None:
    first_cells = " ".join(re.findall(r"^\| (`.*?) \|", DOCS, flags=re.MULTILINE))
    for key in (*ROW, *CONTESTANT, *SCORE):
        assert f"`{key}`" in first_cells, key
    for key in (*SLIDER, "leakage"):
        assert f"`{key}`" in DOCS, key


def test_a_new_run_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The command runs with --json and with files where they are; rows and date are new, the rest stays."""
    monkeypatch.setattr(figures, "FOLDER", tmp_path)
    old = {"title": "T", "before": [], "after": ["kept"], "columns": ["a"] * 8, "rows": [["rhythmvae", *["0"] * 7]]}
    program = tmp_path / "program.py"
    program.write_text(f"import sys\nassert sys.argv[1:] == ['here.zip', '--json']\nprint('''{_json_of_rows()}''')")
    command = f"python {program} groove.zip"
    (tmp_path / "1-reconstruction.json").write_text(json.dumps({**old, "command": command, "date": "2000-01-01"}))
    figures.record("1-reconstruction", {"groove.zip": "here.zip"})
    new = of("1-reconstruction")
    assert new["rows"] == [CASES["1-reconstruction"][1]]
    assert new["date"] > "2026"
    assert new["after"] == ["kept"]
    with pytest.raises(SystemExit, match=r"expected one of 1-reconstruction, .*, got '10-nothing'"):
        figures.record("10-nothing", {})


def _json_of_rows() -> str:
    return json.dumps(CASES["1-reconstruction"][0])


def test_the_examples_in_the_code_hold() -> None:
    assert doctest.testmod(figures).failed == doctest.testmod(programmed).failed == 0


# -- benchmarks.programmed -----------------------------------------------------


def test_a_file_holds_the_patterns_that_a_model_is_judged_by() -> None:
    for name, grooves in programmed.families().items():
        lost = [len(groove) - len(programmed.through_a_file(groove)) for groove in grooves[-2:]]
        assert lost == [0, 0], name
        assert all(len(programmed.through_the_grid(groove, FOUR_IN_TIME)) == len(groove) for groove in grooves), name


def test_what_rebuilds_nothing_wrong_has_a_perfect_row() -> None:
    grooves = [programmed.pattern({"snare": "xxxxxxxx"}, 4, bpm, programmed.EVEN) for bpm in (60, 180)]
    assert programmed.measured("name", grooves, lambda groove: groove).cells[:-1] == [
        "name",
        "2",
        *["1.000"] * 3,
        *["0.0"] * 2,
    ]


def test_a_late_copy_is_worse_at_25_ms() -> None:
    slow = programmed.pattern({"kick": "x"}, 4, 60, programmed.flat(90))
    row = programmed.measured(
        "late", [slow], lambda groove: groove.with_hits(groove.position + 0.16, groove.voice, groove.velocity)
    )
    assert row.cells[2:5] == ["1.000", "0.000", "0.000"]
    assert float(row.cells[5]) == pytest.approx(40, abs=0.6)  # a tick is half a millisecond


def test_a_ratchet_has_its_strokes_in_its_beat() -> None:
    for n in programmed.RATCHETS:
        [whole], [half] = (
            [
                [
                    place
                    for place, _, _ in programmed.lane(
                        "closed_hat", programmed.ratcheted(n, is_half)["closed_hat"], 4, programmed.EVEN
                    )
                ]
            ]
            for is_half in (False, True)
        )
        assert sum(3 <= place < 4 for place in whole) == n
        assert sum(3.5 <= place < 4 for place in half) == n
