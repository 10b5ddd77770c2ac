"""The documents say what the code does."""

import argparse
import json
import re
from pathlib import Path
from typing import Any

import pytest

import rhythmvae
from benchmarks import figures
from rhythmvae.cli.entry import build_parser

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text("utf-8")
CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text("utf-8")


CHANGELOG = (ROOT / "CHANGELOG.md").read_text("utf-8")


def figure(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((figures.FOLDER / f"{name}.json").read_text("utf-8"))
    return found


def blocks(text: str, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", text, flags=re.DOTALL)


def test_the_two_commands_stand_at_the_top() -> None:
    top = README[:1500]
    assert "make app" in top
    assert "make test" in top


def test_readme_makes_only_commands_that_exist() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), flags=re.MULTILINE))
    used = set(re.findall(r"\bmake ([a-z-]+)", " ".join(blocks(README + CONTRIBUTING, "sh"))))
    assert used
    assert used <= targets


def test_readme_commands_parse() -> None:
    lines = [line for block in blocks(README, "sh") for line in block.replace("\\\n", " ").splitlines()]
    calls = [line.split("#")[0].removeprefix("rhythmvae ") for line in lines if line.startswith("rhythmvae ")]
    [commands] = [action for action in build_parser()._actions if isinstance(action, argparse._SubParsersAction)]
    assert {call.split()[0] for call in calls} == set(commands.choices)
    for call in calls:
        words = [word.strip("\"'") for word in re.findall(r'"[^"]*"|\S+', call.split(" > ")[0])]
        build_parser().parse_args(words)  # exits on an option that does not exist


def test_readme_python_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from rhythmvae.data.examples import example
    from rhythmvae.midi.read import read_file
    from rhythmvae.midi.write import write_midi

    monkeypatch.chdir(tmp_path)
    Path("loop.mid").write_bytes(write_midi(example("funk")))
    cells: dict[str, Any] = {}  # one notebook: a block goes on from the one before
    for block in blocks(README, "python"):
        exec(block, cells)
    assert read_file("rebuilt.mid")[0].n_bars == example("funk").n_bars
    assert "<svg" in cells["rebuilt"]._repr_html_()
    assert len(cells["again"]) == len(cells["groove"])


def test_every_public_name_resolves() -> None:
    for name in rhythmvae.__all__:
        assert callable(getattr(rhythmvae, name))
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = rhythmvae.nothing


def test_requirements_are_pinned() -> None:
    lines = (ROOT / "requirements.txt").read_text("utf-8").splitlines()
    assert all(re.fullmatch(r"[A-Za-z_-]+==[\w.]+", line) for line in lines if not line.startswith("#"))


def test_changelog_names_the_version() -> None:
    version = rhythmvae.__version__
    assert re.search(rf"^## {re.escape(version)} \(\d{{4}}-\d\d-\d\d\)$", CHANGELOG, flags=re.MULTILINE)
    assert f"version: {version}" in (ROOT / "CITATION.cff").read_text("utf-8")


def test_figures_in_the_readme_are_those_of_the_page() -> None:
    [ours] = [row for row in figure("1-reconstruction")["rows"] if row[0] == "rhythmvae, posterior mean"]
    [pca] = [row for row in figure("1-reconstruction")["rows"] if row[0] == "PCA"]
    words = f"onset F1 {ours[2]} at 50 ms and {ours[3]} at 25 ms"
    words += f" against every hit in the file, timing off by {ours[4]} ms, velocity by {ours[5]} of 127."
    words += f" PCA with as many numbers has {pca[2]} and {pca[3]}."
    assert words in " ".join(README.split())


def test_the_readme_is_short() -> None:
    assert len(README.encode()) < 8_000
