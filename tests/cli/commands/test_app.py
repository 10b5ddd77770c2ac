"""app: Streamlit is started in this process's place."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from running import ROOT

from rhythmvae import cli
from rhythmvae.cli.commands import app


@pytest.mark.parametrize("headless", [False, True])
def test_app_starts_streamlit_on_the_app(monkeypatch, headless):
    calls: list[list[str]] = []
    monkeypatch.chdir("/")
    monkeypatch.setattr(app.os, "execv", lambda program, command: calls.append(command))
    cli.main(["app", "--port", "9999", *(["--headless"] if headless else [])])
    [command] = calls
    assert command[:4] == [sys.executable, "-m", "streamlit", "run"]
    assert Path(command[4]) == ROOT / "app.py"
    assert Path(command[4]).is_file()
    assert Path.cwd() == ROOT
    assert command[5:7] == ["--server.port", "9999"]
    assert ("--server.headless" in command) == headless


def test_app_takes_data_for_its_train_page(monkeypatch, tmp_path, shell):
    from rhythmvae.ui.parts.dataset import FOLDER_VARIABLE

    assert app.DATA_VARIABLE == FOLDER_VARIABLE
    monkeypatch.setattr(app.os, "execv", lambda *_: None)
    monkeypatch.setenv(FOLDER_VARIABLE, "")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "loops").mkdir()
    cli.main(["app", "--data", "loops", "--data", str(tmp_path)])
    assert os.environ[FOLDER_VARIABLE] == f"{tmp_path / 'loops'}{os.pathsep}{tmp_path}"
    shell.refuses("app", "--data", tmp_path / "nowhere", model=False, match="Expected a folder or file in --data")


def test_app_takes_a_port_that_can_be(shell):
    shell.refuses("app", "--port", 70_000, model=False, match="port from 1 to 65535")
