"""docs/json.md lists the keys that are printed, and no other."""

from __future__ import annotations

import re

from running import documented, keys_of, section

from rhythmvae.analysis.descriptors import SLIDERS


def test_every_key_printed_is_documented_and_its_tables_hold_no_other(shell, folder, tmp_path):
    reconstructed = shell.json("reconstruct", folder, "--out", tmp_path / "out", status=1)
    assert keys_of(reconstructed) <= documented("reconstruct", "A score", "A report")
    encoded = shell.json("encode", folder, status=1)
    assert keys_of(encoded) <= documented("reconstruct", "encode", "Descriptors", "A report", "A score")
    assert keys_of(shell.json("sample", "--out", tmp_path / "out")) <= documented("sample")
    every_slider = [option for name in SLIDERS for option in ("--set", f"{name}=0.5")]
    varied = shell.json("vary", folder, "--out", tmp_path / "varied", *every_slider, status=1)
    assert keys_of(varied) <= documented("vary", "A report", "reconstruct")
    between = shell.json("interpolate", folder / "a.mid", folder / "sub/a.mid", "--out", tmp_path / "between")
    assert keys_of(between) <= documented("interpolate", "Descriptors", "A score")
    evaluated = shell.json("evaluate", folder / "a.mid", "--no-baselines")
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

    assert {"version", "command", "checkpoint", "seed", "amount", "keep", "keep_bars", "style", "files"} == set(varied)
    [good, *_] = [entry for entry in varied["files"] if "error" not in entry]
    assert set(good) == {"input", "variations", "report"}
    [one] = good["variations"]
    tables = section("vary").split("| slider |")
    named = [{n for cell in re.findall(first_cells, t, re.M) for n in re.findall(r"`(\w+)`", cell)} for t in tables]
    assert named == [set(one), set(one["settings"])]
    assert all(set(setting) <= documented("vary") for setting in one["settings"].values())
    assert set(between) == {"version", "command", "checkpoint", "files"}
    assert set(between["files"][0]) == {"input", "output", "n_hits", "descriptors"}
