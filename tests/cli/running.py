"""What the tests of the command line share: commands in this process or another, and what docs/json.md lists."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from helpers import meter, rock, smf, tempo

from rhythmvae import cli

ROOT = Path(__file__).parents[2]
DOCS = (ROOT / "docs" / "json.md").read_text("utf-8")
ROCK = smf([tempo(0, 100), meter(0, 4, 4), *rock()])


class Shell:
    """Commands in this process: exit status, stdout, stderr."""

    def __init__(self, capsys: pytest.CaptureFixture[str], toy: str) -> None:
        self.capsys, self.toy = capsys, toy

    def __call__(self, *arguments: Any, model: bool = True) -> tuple[int, str, str]:
        argv = [str(a) for a in arguments] + (["--checkpoint", self.toy] if model else [])
        self.capsys.readouterr()
        try:
            status = cli.main(argv)
        except SystemExit as error:
            status = int(error.code or 0)
        return status, *self.capsys.readouterr()

    def json(self, *arguments: Any, status: int = 0, **more: Any) -> dict[str, Any]:
        found, out, _ = self(*arguments, "--json", **more)
        assert found == status
        return json.loads(out, parse_constant=lambda name: pytest.fail(name))

    def refuses(self, *arguments: Any, match: str, **more: Any) -> None:
        status, out, err = self(*arguments, **more)
        assert (status, out) == (2, ""), err
        assert re.fullmatch(r"rhythmvae: .+\n", err), err
        assert re.search(match, err), err


def files_in(folder: Path) -> dict[str, bytes]:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def process(*arguments: Any, **more: Any) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "rhythmvae", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, cwd=ROOT, timeout=300, **more)


def keys_of(value: Any) -> set[str]:
    if isinstance(value, dict):
        return set(value) | {key for child in value.values() for key in keys_of(child)}
    return {key for child in value for key in keys_of(child)} if isinstance(value, list) else set()


def section(title: str) -> str:
    return DOCS.split(f"\n## {title}\n")[1].split("\n## ")[0]


def documented(*titles: str) -> set[str]:
    return {name for title in titles for name in re.findall(r"`([a-z0-9_]+)`", section(title))}
