"""What `deploy.start` has started it also ends; all of it is started for real in tests/e2e/test_replicas.py."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from deploy import start


@pytest.mark.parametrize(
    ("lacking", "says"),
    [
        ({"NGINX": "/nowhere/nginx"}, "not there: nginx. Install them: apt-get install nginx"),
        ({"NGINX": sys.executable, "POSTGRESQL": Path("/nowhere")}, "not there: postgresql. Install"),
        ({"check": lambda: None}, "Expected an empty folder, got"),
    ],
)
def test_what_cannot_be_started_is_a_sentence(
    lacking: dict[str, Any],
    says: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    (tmp_path / "a file").touch()
    monkeypatch.setattr(start, "POSTGRESQL", tmp_path)
    (tmp_path / "15" / "bin").mkdir(parents=True)
    monkeypatch.setattr(sys, "argv", ["start", str(tmp_path)])
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    for name, value in lacking.items():
        monkeypatch.setattr(start, name, value)
    with pytest.raises(SystemExit) as ended:
        start.main()
    assert ended.value.code == 2
    said = capsys.readouterr().err
    assert says in said
    assert said.count("\n") == 1


@pytest.fixture
def _heard() -> Iterator[None]:
    """Ctrl-C has its usual effect, also where tests run in the background of a shell, which ignores it there."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("_heard")
def test_what_was_just_being_started_is_known_once_ctrl_c_has_its_effect(monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[subprocess.Popen[bytes]] = []
    begin, handler = subprocess.Popen, signal.getsignal(signal.SIGINT)

    def interrupted(*arguments: Any, **options: Any) -> subprocess.Popen[bytes]:
        process = begin(*arguments, **options)
        signal.raise_signal(signal.SIGINT)
        return process

    monkeypatch.setattr(subprocess, "Popen", interrupted)
    with pytest.raises(KeyboardInterrupt):
        start._own([sys.executable, "-S", "-c", "input()"], started, stdin=subprocess.PIPE)
    [process] = started
    assert process.poll() is None
    start._send(started, signal.SIGTERM)
    start._end(process, 60)
    assert process.returncode == -signal.SIGTERM
    assert signal.getsignal(signal.SIGINT) is handler
