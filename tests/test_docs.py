"""The documents say what the code does."""

import argparse
import re
from pathlib import Path

import pytest

import rhythmvae
from rhythmvae.cli.entry import build_parser

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text("utf-8")


def blocks(text: str, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", text, flags=re.DOTALL)


def test_the_two_commands_stand_at_the_top() -> None:
    top = README[:1500]
    assert "make app" in top
    assert "make test" in top


def test_readme_makes_only_commands_that_exist() -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text("utf-8"), flags=re.MULTILINE))
    used = set(re.findall(r"\bmake ([a-z]+)\b", " ".join(blocks(README, "sh"))))
    assert used
    assert used <= targets


def test_readme_commands_parse() -> None:
    lines = [line for block in blocks(README, "sh") for line in block.replace("\\\n", " ").splitlines()]
    calls = [line.split("#")[0].split("python -m rhythmvae ")[1] for line in lines if "python -m rhythmvae " in line]
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
    for block in blocks(README, "python"):
        exec(block, {})
    assert read_file("rebuilt.mid")[0].n_bars == example("funk").n_bars


def test_every_public_name_resolves() -> None:
    for name in rhythmvae.__all__:
        assert callable(getattr(rhythmvae, name))
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = rhythmvae.nothing


def test_requirements_are_pinned() -> None:
    lines = (ROOT / "requirements.txt").read_text("utf-8").splitlines()
    assert all(re.fullmatch(r"[A-Za-z_-]+==[\w.]+", line) for line in lines if not line.startswith("#"))


def test_changelog_names_the_version() -> None:
    version = re.search(r'^version = "(.+)"', (ROOT / "pyproject.toml").read_text("utf-8"), flags=re.MULTILINE)
    assert version is not None
    assert version[1] in (ROOT / "CHANGELOG.md").read_text("utf-8")
