"""What is said beside results: bars on a terminal alone, remarks unless asked to be quiet, errors always."""

from __future__ import annotations

import io
import json
import re
import sys

import pytest
from running import files_in

from rhythmvae.cli.terminal import Terminal


class Screen(io.StringIO):
    def isatty(self) -> bool:
        return True


def shown(monkeypatch: pytest.MonkeyPatch) -> Screen:
    """stderr as a terminal, from here on."""
    monkeypatch.setattr(sys, "stderr", screen := Screen())
    return screen


@pytest.mark.parametrize(
    ("words", "labels"),
    [
        (["reconstruct", "IN", "--out", "OUT"], ["Reading", "Reconstructing"]),
        (["encode", "IN"], ["Reading", "Encoding"]),
        (["vary", "IN", "--out", "OUT", "--n", "2"], ["Reading", "Varying"]),
        (["sample", "--out", "OUT", "--n", "3"], ["Sampling"]),
    ],
    ids=lambda value: value[0],
)
def test_what_takes_many_files_shows_how_far_it_is(shell, folder, tmp_path, monkeypatch, words, labels):
    screen = shown(monkeypatch)
    paths = {"IN": folder, "OUT": tmp_path / "out"}
    arguments = [paths.get(word, word) for word in words]
    status, out, _ = shell(*arguments, "--json")
    assert status == (0 if words[0] == "sample" else 1)
    assert json.loads(out)["command"] == words[0]
    for label in labels:
        assert re.search(rf"{label}: +\d+%.* \d/[234] ", screen.getvalue())
    assert ("bad.mid" in screen.getvalue()) == (words[0] != "sample")


def test_decoding_shows_how_far_it_is(shell, folder, tmp_path, monkeypatch):
    _, latents, _ = shell("encode", folder, "--json")
    screen = shown(monkeypatch)
    (tmp_path / "latents.json").write_text(latents)
    assert shell("decode", tmp_path / "latents.json", "--out", tmp_path / "out")[0] == 0
    assert re.search(r"Decoding: +\d+%.* \d/4 ", screen.getvalue())


def test_quiet_leaves_only_errors(shell, folder, tmp_path, monkeypatch):
    screen = shown(monkeypatch)
    for command in ("reconstruct", "vary"):
        status, out, _ = shell(command, folder, "--out", tmp_path / command, "--quiet")
        assert status == 1
        assert out.startswith("file")
        assert len(files_in(tmp_path / command)) == 3
    lines = screen.getvalue().splitlines()
    assert len(lines) == 2
    assert all(line.startswith("rhythmvae: sub/bad.mid: expected a MIDI file") for line in lines)


def test_a_remark_is_said_unless_quiet(capsys):
    Terminal().remark("one  line\nof it")
    Terminal(is_quiet=True).remark("nothing")
    assert capsys.readouterr() == ("", "rhythmvae: one line of it\n")
