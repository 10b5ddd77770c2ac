"""What `deploy.start` has started it also ends; all of it is started for real in tests/e2e/test_replicas.py."""

from __future__ import annotations

import signal
import subprocess
import sys
from typing import Any

import pytest

from deploy import start


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
