"""info: a checkpoint's card."""

from __future__ import annotations


def test_info(shell, tmp_path):
    status, out, _ = shell("info", shell.toy, model=False)
    assert status == 0
    assert "a toy" in out
    assert shell.json("info", shell.toy, model=False)["model"]["width"] == 16
    shell.refuses("info", tmp_path / "none", model=False, match="no such file")
