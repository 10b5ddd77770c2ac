"""The program as a process: streams, names of any bytes, and no torch where no model is needed."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest
from helpers import meter, rock, smf, tempo
from running import ROCK, ROOT, process

REFUSED = {
    "reconstruct {bad} --out {new}": "expected a MIDI file",
    "reconstruct {song} --out {song}": "song.mid is a file; give another name",
    "reconstruct {song} --out {song}/below": "song.mid is a file",
    "reconstruct {song} --out {here}": "song.mid exists; give --force",
    "reconstruct {song} --out {new} --checkpoint {bad}": "another kind of file",
    "encode {bad}": "expected a MIDI file",
    "decode {song} --out {new}": "Expected the JSON",
    "decode {latents} --out {song}": "is a file",
    "sample --style jaz --out {new}": "did you mean jazz?",
    "sample --style funk --out {new} --checkpoint {bad}": "another kind of file",
    "sample --n 0 --out {new}": "--n from 1 to 10000",
    "sample --bars 0 --out {new}": "1 to 512 bars",
    "sample --temperature 5 --out {new}": "temperature from 0 to 4",
    "sample --tempo 1 --out {new}": "tempo from 20 to 400",
    "sample --out {song}": "is a file",
    "vary {song} --set density=2 --out {new}": "quantile",
    "vary {song} --set densty=0.4 --out {new}": "did you mean density?",
    "vary {song} --keep kik --out {new}": "did you mean kick?",
    "vary {song} --keep-bars 3 --out {new}": "bars to keep from 1 to 2",
    "vary {song} --amount 2 --out {new}": "amount from 0 to 1",
    "vary {song} --style jaz --out {new}": "did you mean jazz?",
    "vary {bad} --out {new}": "expected a MIDI file",
    "interpolate {song} {song} --steps 1 --out {new}": "2 to 128 steps",
    "interpolate {song} {waltz} --out {new}": "same meter",
    "interpolate {song} --out {new}": "Expected 2 files",
    "train {song} --out {here}": "is a folder",
    "train {song} --out {bad}": "exists; give --force",
    "train {song} --out {new} --folds 1": "2 to 100 folds",
    "train {song} --out {new} --epochs 0": "epochs from 1 to 1,000,000",
    "train {song} --out {new} --steps 0": "steps from 1 to",
    "train {song} --out {new} --max-minutes inf": "time limit",
    "train {song} --out {new} --learning-rate nan": "learning rate from",
    "train {song} --out {new} --l2 -1": "l2 from 0",
    "train {song} --out {new} --kl -1": "weight kl from 0",
    "train {song} --out {new} --latent-size 12": "latent size that 8 divides",
    "train {song} --out {new} --width 1": "width from 8 to",
    "train {song} --out {new} --depth 99": "depth from 1 to",
    "train {song} --out {new} --threads 0": "1 to 256 threads",
    "train {song} --out {new} --init shipped --width 32": "either --init or the shape",
    "train {song} --out {new} --map 44": "a rule such as 44=kick",
    "train {song} --out {new} --meter waltz": "a meter such as 6/8",
    "train {new} --out {new}": "does not exist",
    "train {song} --out {new} --init {bad}": "another kind of file",
    "map {song} --out {here}": "is a folder",
    "map {song} --out {new} --perplexity 1": "perplexity of 2 to 100",
    "evaluate {bad}": "none that can be read",
    "compare {song} --only pca,cn": "Expected rows out of dense, cnn, gru, lstm, rhythmvae, pca",
    "compare {song} --minutes 0": "above 0 to 1440 minutes",
    "compare {bad}": "none that can be read",
    "compare {song} --out {song}": "is a file",
    "info {song}": "another kind of file",
    "app --port 0": "port from 1 to 65535",
}


def test_what_needs_no_model_is_refused_at_once_and_without_torch(tmp_path):
    files = {"bad": b"no MIDI", "song": ROCK, "waltz": smf([tempo(0, 100), meter(0, 3, 4), *rock()]), "latents": b"{}"}
    names = {"here": str(tmp_path), "new": str(tmp_path / "new")}
    for name, data in files.items():
        names[name] = str(tmp_path / f"{name}.mid")
        (tmp_path / f"{name}.mid").write_bytes(data)
    calls = [[word.format(**names) for word in line.split()] for line in REFUSED]
    code = """
import json, sys
from rhythmvae.cli import main
for argv in json.loads(sys.argv[1]):
    status = main(argv)
    heavy = [name for name in ("torch", "sklearn", "streamlit", "scipy") if name in sys.modules]
    print(json.dumps([status, heavy]))
"""
    arguments = [sys.executable, "-c", code, json.dumps(calls)]
    result = subprocess.run(arguments, capture_output=True, text=True, cwd=ROOT, check=True)
    sentences = result.stderr.splitlines()
    answers = [json.loads(line) for line in result.stdout.splitlines()]
    for call, sentence, match, answer in zip(calls, sentences, REFUSED.values(), answers, strict=True):
        assert answer == [2, []], call
        assert match in sentence, call
    assert not (tmp_path / "new").exists()


def test_as_a_process(toy, folder, tmp_path):
    result = process("reconstruct", folder, "--out", tmp_path / "out", "--checkpoint", toy, "--json")
    assert result.returncode == 1
    assert len(json.loads(result.stdout)["files"]) == 4
    assert result.stderr.count("\n") == 1  # the bad file; no bar, as this is no terminal
    assert result.stderr.startswith("rhythmvae: sub/bad.mid: ")


@pytest.mark.skipif(sys.platform != "linux", reason="names of any bytes")
def test_names_that_are_no_text(toy, tmp_path):
    """In sentences, and as JSON: both in one process, for torch loads once."""
    source = tmp_path / "in"
    source.mkdir()
    (source / os.fsdecode(b"caf\xe9\n.mid")).write_bytes(ROCK)
    call = ["reconstruct", str(source), "--out", str(tmp_path / "out"), "--checkpoint", toy, "--force"]
    code = (
        "import sys; from rhythmvae.cli import main; a = sys.argv[1:]; print(main(a)); sys.exit(main([*a, '--json']))"
    )
    ascii_only = os.environ | {"PYTHONIOENCODING": "ascii", "LC_ALL": "C"}
    result = subprocess.run(
        [sys.executable, "-c", code, *call], capture_output=True, text=True, cwd=ROOT, env=ascii_only, timeout=300
    )
    assert (result.returncode, result.stderr) == (0, "")
    sentences, as_json = result.stdout.split("\n0\n", 1)
    assert sentences
    assert json.loads(as_json)["files"][0]["input"] == "caf\udce9\n.mid"
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
