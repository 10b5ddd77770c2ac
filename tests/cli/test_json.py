"""docs/json.md lists the keys that are printed, and no other."""

from __future__ import annotations

import argparse
import re
from typing import Any

import pytest
from running import documented, files_in, keys_of, section

import rhythmvae
from rhythmvae.analysis.descriptors import SLIDERS
from rhythmvae.cli.entry import build_parser


def test_every_key_printed_is_documented_and_its_tables_hold_no_other(shell, folder, tmp_path):
    reconstructed = shell.json("reconstruct", folder, "--out", tmp_path / "out", status=1)
    assert keys_of(reconstructed) <= documented("reconstruct", "A score", "A report")
    encoded = shell.json("encode", folder, status=1)
    assert keys_of(encoded) <= documented("reconstruct", "encode", "Descriptors", "A report", "A score")
    assert keys_of(shell.json("sample", "--out", tmp_path / "out")) <= documented("sample", "Options")
    every_slider = [option for name in SLIDERS for option in ("--set", f"{name}=0.5")]
    varied = shell.json("vary", folder, "--out", tmp_path / "varied", *every_slider, status=1)
    assert keys_of(varied) <= documented("vary", "Options", "A report", "reconstruct")
    between = shell.json("interpolate", folder / "a.mid", folder / "sub/a.mid", "--out", tmp_path / "between")
    assert keys_of(between) <= documented("interpolate", "Options", "Descriptors", "A score")
    evaluated = shell.json("evaluate", folder / "a.mid", "--no-baselines")
    completing = "continue, infill, tap, humanize, transplant"
    for command, *asked in (["continue", "--bars", 1], ["transplant", folder / "sub/a.mid"]):
        answered = shell.json(command, folder / "a.mid", *asked, "--out", tmp_path / "answers", "--force")
        assert keys_of(answered) <= documented(completing, "Options", "A report", "reconstruct")
        other = {"other"} if command == "transplant" else set()
        assert set(answered["files"][0]) == {"input", "output", "grooves", "report"} | other
    predicted = shell.json("predict", folder / "a.mid")
    assert keys_of(predicted) <= documented("predict", "Options", "A report", "reconstruct")
    assert set(predicted["files"][0]) == {"input", "next_bar", "bars", "report"}
    assert keys_of(evaluated) <= documented("evaluate", "A score")
    assert keys_of(shell.json("info", shell.toy, model=False)) <= documented("info, train")

    # And the other way: exactly these.
    [good, *_] = [entry for entry in reconstructed["files"] if "error" not in entry]
    assert set(reconstructed) == {"version", "command", "checkpoint", "total", "files"}
    assert set(good) == {"input", "output", "score", "report"}
    first_cells = r"^\| (`.*?) \|"
    for title, value in (("A score", good["score"]), ("A report", good["report"])):
        named = {n for cell in re.findall(first_cells, section(title), re.M) for n in re.findall(r"`(\w+)`", cell)}
        assert named == set(value), title
    [good, *_] = [entry for entry in encoded["files"] if "error" not in entry]
    assert set(encoded) == {"version", "command", "checkpoint", "files"}
    assert set(good) == {"input", "output", "n_steps", "tempos", "meters", "windows", "descriptors", "report"}
    named = {n for cell in re.findall(first_cells, section("Descriptors"), re.M) for n in re.findall(r"`(\w+)`", cell)}
    assert named == set(good["descriptors"])
    [bad] = [entry for entry in encoded["files"] if "error" in entry]
    assert set(bad) == {"input", "error"}

    made_with = {"version", "command", "rhythmvae", "checkpoint", "options", "files"}
    assert set(varied) == made_with | {"seed", "amount", "keep", "keep_bars", "style"}
    [good, *_] = [entry for entry in varied["files"] if "error" not in entry]
    assert set(good) == {"input", "variations", "report"}
    [one] = good["variations"]
    tables = section("vary").split("| slider |")
    named = [{n for cell in re.findall(first_cells, t, re.M) for n in re.findall(r"`(\w+)`", cell)} for t in tables]
    assert named == [set(one), set(one["settings"])]
    assert all(set(setting) <= documented("vary") for setting in one["settings"].values())
    assert set(between) == made_with
    assert set(between["files"][0]) == {"input", "output", "n_hits", "descriptors"}


def arguments_of(document: dict[str, Any]) -> list[str]:
    """The command line that a document was made by, from the document alone."""
    words = [document["command"], *document["options"].get("inputs", [])]
    for name, value in document["options"].items():
        option = "--" + name.replace("_", "-")
        if name == "inputs" or value is None or value is False or value == []:
            continue
        if value is True:
            words.append(option)
        elif isinstance(value, dict):
            words += [word for key, each in value.items() for word in (option, f"{key}={each}")]
        elif isinstance(value, list):
            words += [option, ",".join(map(str, value))]
        else:
            words += [option, str(value)]
    return words


@pytest.mark.parametrize(
    "options",
    [
        ["sample"],
        ["sample", "--n", 2, "--bars", 3, "--temperature", 1.3, "--tempo", 97.5, "--style", "jazz", "--seed", 8],
        ["vary", "IN"],
        [
            *("vary", "IN", "--n", 2, "--amount", 0.7, "--style", "funk", "--seed", 3, "--map", "44=kick"),
            *("--keep", "snare,closed_hat", "--keep-bars", "1", "--set", "density=0.3", "--set", "loudness=0.9"),
        ],
        ["continue", "IN", "--bars", 1, "--at", 2, "--only-new", "--n", 2, "--temperature", 0.5, "--style", "jazz"],
        ["infill", "IN", "--drums", "hats,kick", "--keep", "kick", "--bars", "1-2"],
        ["humanize", "IN", "--timing", 0.5, "--keep", "velocity", "--after", "IN"],
        ["interpolate", "IN", "IN", "--steps", 3, "--channel", 10, "--meter", "4/4", "--tracks"],
    ],
    ids=lambda options: " ".join(map(str, options))[:24],
)
def test_a_set_is_made_again_from_its_json_alone(shell, song, tmp_path, options):
    words = [song if word == "IN" else word for word in options]
    document = shell.json(*words, "--out", tmp_path / "out")
    made = files_in(tmp_path / "out")
    assert document["rhythmvae"] == rhythmvae.__version__
    [commands] = [action for action in build_parser()._actions if isinstance(action, argparse._SubParsersAction)]
    asked = {action.dest for action in commands.choices[options[0]]._actions}
    assert set(document["options"]) == asked - {"help", "quiet", "json", "force"}
    for path in (tmp_path / "out").iterdir():
        path.unlink()
    assert shell(*arguments_of(document), model=False)[0] == 0
    assert files_in(tmp_path / "out") == made
