"""info: a checkpoint's card."""

from __future__ import annotations


def test_info_begins_with_what_one_asks(shell):
    status, out, _ = shell("info", shell.toy, model=False)
    assert status == 0
    assert [line.split()[0] for line in out.splitlines()[:4]] == ["size", "figures", "styles", "data"]
    assert "\nstyles   funk, jazz\n" in out
    assert "\ndata     a toy\n" in out
    assert f"{'model.width':40} 16\n" in out


def test_info_as_json_is_the_card(shell):
    assert shell.json("info", shell.toy, model=False)["model"]["width"] == 16


def test_a_file_that_is_no_checkpoint(shell, song, tmp_path):
    shell.refuses("info", tmp_path / "none", model=False, match="no such file")
    shell.refuses("info", song, model=False, match="another kind of file")
