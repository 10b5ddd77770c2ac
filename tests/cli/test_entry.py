"""The program as a process: streams, names of any bytes, and no torch where no model is needed."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest
from running import ROCK, ROOT, process


def test_a_file_that_cannot_be_read_does_not_wait_for_torch(folder, tmp_path):
    code = (
        "import sys; from rhythmvae.cli import main; status = main(sys.argv[1:]); "
        "print(status, [name for name in ('torch', 'sklearn', 'streamlit') if name in sys.modules])"
    )
    for command in (["reconstruct", "--out", str(tmp_path / "out")], ["encode"], ["evaluate"], ["compare"]):
        argv = [sys.executable, "-c", code, command[0], str(folder / "sub/bad.mid"), *command[1:]]
        result = subprocess.run(argv, capture_output=True, text=True, cwd=ROOT, check=True)
        assert result.stdout == "2 []\n"
        assert result.stderr.count("\n") == 1


def test_as_a_process(toy, folder, tmp_path):
    result = process("reconstruct", folder, "--out", tmp_path / "out", "--checkpoint", toy, "--json")
    assert result.returncode == 1
    assert len(json.loads(result.stdout)["files"]) == 4
    assert result.stderr.count("\n") == 1  # the bad file; no bar, as this is no terminal
    assert result.stderr.startswith("rhythmvae: sub/bad.mid: ")


@pytest.mark.skipif(sys.platform != "linux", reason="names of any bytes")
def test_names_that_are_no_text(toy, tmp_path):
    source = tmp_path / "in"
    source.mkdir()
    (source / os.fsdecode(b"caf\xe9\n.mid")).write_bytes(ROCK)
    ascii_only = os.environ | {"PYTHONIOENCODING": "ascii", "LC_ALL": "C"}
    for options in ([], ["--json"]):
        result = process(
            "reconstruct", source, "--out", tmp_path / "out", "--checkpoint", toy, "--force", *options, env=ascii_only
        )
        assert (result.returncode, result.stderr) == (0, "")
    assert json.loads(result.stdout)["files"][0]["input"] == "caf\udce9\n.mid"
    assert [p.suffix for p in (tmp_path / "out").iterdir()] == [".mid"]


@pytest.mark.skipif(os.name != "posix", reason="pipes")
def test_a_reader_that_goes_away_is_no_error(toy):
    shown = subprocess.Popen(
        [sys.executable, "-m", "rhythmvae", "info", toy], stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=ROOT
    )
    shown.stdout.close()
    assert shown.wait(60) == 0
    assert shown.stderr.read() == b""
    shown.stderr.close()
