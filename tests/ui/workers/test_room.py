"""Workers are started only where there is memory for them."""

from __future__ import annotations

from pathlib import Path

import psutil
import pytest

from rhythmvae.ui.workers import room
from rhythmvae.ui.workers.pool import NoWorkersError, Pool
from rhythmvae.ui.workers.wire import Request


@pytest.mark.parametrize(
    ("limit", "used", "free"),
    [(str(1000 << 20), str(450 << 20), 550.0), ("max", "5", None), ("", "", None)],
    ids=["a container", "one without a limit", "something else"],
)
def test_a_container_may_have_less_than_its_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: str, used: str, free: float | None
) -> None:
    (tmp_path / "memory.max").write_text(limit)
    (tmp_path / "memory.current").write_text(used)
    whole = psutil.virtual_memory()
    monkeypatch.setattr(psutil, "virtual_memory", lambda: whole)
    assert room.free_mb(tmp_path) == (whole.available / (1 << 20) if free is None else min(free, whole.available))
    assert room.free_mb(tmp_path / "nowhere") == whole.available / (1 << 20)


def test_without_room_pages_compute_as_they_did(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "free_mb", lambda: room.NEEDED_MB - 1.0)
    started = Pool(2, lambda: pytest.fail("started"))
    with pytest.raises(NoWorkersError):
        started.ask(("me",), Request(len, "", ((),)), lambda: b"")
