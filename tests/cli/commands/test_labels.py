"""labels: refuses what it cannot learn from, and what it may not overwrite, before any work."""

from __future__ import annotations


def test_takes_that_say_no_style_are_refused(shell, folder, tmp_path):
    out = tmp_path / "labels.safetensors"
    shell.refuses("labels", folder, "--out", out, match="info.csv", model=False)
    assert not out.exists()


def test_a_file_is_overwritten_only_with_force(shell, folder, tmp_path):
    out = tmp_path / "labels.safetensors"
    out.write_bytes(b"mine")
    shell.refuses("labels", folder, "--out", out, match="--force", model=False)
    assert out.read_bytes() == b"mine"
