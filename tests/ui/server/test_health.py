"""What whoever runs the server is told."""

from __future__ import annotations

import json
import os
import shutil
from collections import namedtuple
from typing import Any

import pytest

import rhythmvae
from rhythmvae.ui.parts import training
from rhythmvae.ui.server import health
from tests.ui.server.asking import finished

Usage = namedtuple("Usage", "total used free")


def answer() -> tuple[int, dict[str, Any]]:
    found: Any = finished(health.answer(None))  # type: ignore[arg-type]
    return found.status_code, json.loads(found.body)


def test_all_is_well(monkeypatch: pytest.MonkeyPatch) -> None:
    assert health._memory_mb(os.getpid()) > 20
    monkeypatch.setattr(health, "_memory_mb", lambda _: 300)  # of a server: tests leave more in their process
    status, found = answer()
    assert (status, found["status"], found["wants"]) == (200, "well", [])
    assert found["version"] == rhythmvae.__version__
    assert found["memory_mb"] == 300
    assert found["workers"] == {"busy": 0, "idle": 0, "doing": [], "waiting": 0, "memory_mb": 0}
    assert found["training"] == dict(zip(("running", "waiting"), training.jobs().counts(), strict=True))


def test_what_is_wanting_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(0, 0, 9 << 20))
    monkeypatch.setattr(health, "MOST_MEMORY_MB", 1)
    status, found = answer()
    assert status == 503
    assert [want.split(":")[0] for want in found["wants"]] == ["memory", "disk"]
    assert found["wants"][1] == "disk: 9 MB left, 200 are needed"
