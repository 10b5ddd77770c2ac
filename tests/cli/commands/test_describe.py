"""describe: files, folders and zips to a table, JSON and CSV."""

from __future__ import annotations

import csv
import errno
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from helpers import meter, note, smf, tempo
from running import ROOT, documented, keys_of, section

from rhythmvae.data.examples import example
from rhythmvae.midi.write import write_midi


@pytest.fixture
def loops(tmp_path):
    """Two grooves, and one file that is none."""
    for name, data in (
        ("shuffle.mid", write_midi(example("shuffle"))),
        ("sub/rock.mid", write_midi(example("rock"))),
        ("bad.mid", b"no MIDI"),
    ):
        (tmp_path / "in" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "in" / name).write_bytes(data)
    return tmp_path / "in"


def test_json_has_what_it_should_and_docs_list_no_other(shell, loops):
    found = shell.json("describe", loops, status=1, model=False)
    assert set(found) == {"version", "command", "files"}
    by_name = {entry["input"]: entry for entry in found["files"]}
    assert set(by_name["bad.mid"]) == {"input", "error"}
    entry = by_name["shuffle.mid"]
    contract = {"input", "tempo", "meter", "subdivision", "swing", "descriptors", "feel", "chords", "sections"}
    assert contract | {"hits", "report"} <= set(entry)
    contract |= {"style", "beat_or_fill"}
    assert contract <= set(entry)
    assert sum(entry["style"]["probabilities"].values()) == pytest.approx(1, abs=1e-3)
    assert len(entry["beat_or_fill"]["bars"]) == entry["n_bars"]
    said = {key: value for key, value in entry.items() if key != "timing"}  # whose keys are voices
    for name in ("style", "drummer"):  # and of these, names
        said[name] = {**entry[name], "probabilities": None}
    assert keys_of(said) <= documented("reconstruct", "describe", "Descriptors", "A report", "A score")
    first_cells = [line.split("|")[1] for line in section("describe").splitlines() if line.startswith("| `")]
    named = set("".join(first_cells).replace(",", " ").replace("`", " ").split())
    assert named == (set(entry) | set(entry["hits"][0]) | set(entry["measures"])) - {"input"}


def test_what_surprises_is_said_when_it_is_asked_for(shell, loops):
    [entry] = shell.json("describe", loops / "shuffle.mid", "--surprise")["files"]
    found = entry["surprise"]
    assert keys_of(found) <= documented("describe", "predict")
    assert len(found["bars"]) == entry["n_bars"]
    assert found["bits_a_bar"] == pytest.approx(np.mean(found["bars"]))
    bits = [hit["surprise"] for hit in found["hits"]]
    assert bits == sorted(bits, reverse=True)
    assert len(bits) == 5
    [said] = shell.json("predict", loops / "shuffle.mid")["files"]
    assert found["next_bar"] == said["next_bar"]
    assert bits[0] == max(hit["surprise"] for bar in said["bars"] for hit in bar["hits"])
    shell.refuses("describe", loops / "shuffle.mid", match="--surprise")  # a model is for nothing else


def test_what_is_said_of_a_shuffle(shell, loops):
    [entry] = shell.json("describe", loops / "shuffle.mid", model=False)["files"]
    assert entry["tempo"] == {"bpm": pytest.approx(126, abs=0.01), "as_felt": pytest.approx(126, abs=0.01)}
    assert (entry["meter"], entry["subdivision"], entry["feel"]) == ("4/4", "swung", ["shuffle"])
    assert entry["swing"] == pytest.approx(2, abs=0.05)
    assert entry["sections"] == [[1, 4, "A"]]
    assert len(entry["hits"]) == entry["report"]["n_hits"]
    assert entry["hits"][0]["beat"] == 1


def test_a_table_has_a_row_a_file(shell, loops):
    status, out, err = shell("describe", loops, model=False)
    heading, *rows = out.splitlines()
    assert status == 1
    assert "bad.mid" in err
    assert heading.split()[:6] == ["file", "style", "plays", "bars", "hits", "meter"]
    assert sorted(row.split()[0] for row in rows) == ["shuffle.mid", "sub/rock.mid"]


def test_csv_has_the_plain_values_input_first(shell, loops, tmp_path):
    out = tmp_path / "loops.csv"
    assert shell("describe", loops, "--csv", out, model=False)[:2] == (1, "")
    with out.open(encoding="utf-8", newline="") as file:
        rows = {row["input"]: row for row in csv.DictReader(file)}
    heading = out.read_text("utf-8").splitlines()[0].split(",")
    assert (heading[0], heading[-1]) == ("input", "error")
    assert rows["shuffle.mid"]["feel"] == "shuffle"
    assert float(rows["sub/rock.mid"]["tempo_bpm"]) == pytest.approx(116, abs=0.01)
    assert rows["sub/rock.mid"]["letters"] == "A"
    assert rows["bad.mid"]["error"]
    assert rows["bad.mid"]["meter"] == ""
    shell.refuses("describe", loops / "shuffle.mid", "--csv", out, match="--force", model=False)
    assert shell("describe", loops / "shuffle.mid", "--csv", out, "--force", model=False)[0] == 0


def test_a_csv_that_cannot_be_is_a_sentence(shell, loops, tmp_path, monkeypatch):

    def refuses(file: Path, match: str) -> None:
        options = ["describe", loops / "shuffle.mid", "--csv", file, "--force"]
        shell.refuses(*options, match=f"in --csv, but .* {match}", model=False)

    refuses(tmp_path, "directory")
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe")
        refuses(tmp_path / "pipe", "device")
    monkeypatch.setattr(Path, "write_bytes", lambda *_: (_ for _ in ()).throw(OSError(errno.ENOSPC, "No space left")))
    refuses(tmp_path / "full.csv", "No space left")
    assert not (tmp_path / "full.csv").exists()


def test_a_file_without_meter_has_the_one_that_is_heard(shell, tmp_path):
    bar = [(0, 36), (480, 38), (960, 38), *((240 * k, 42) for k in range(6))]
    notes = [note(1440 * n + tick, pitch) for n in range(4) for tick, pitch in bar]
    (tmp_path / "waltz.mid").write_bytes(smf([tempo(0, 100), *notes]))
    [entry] = shell.json("describe", tmp_path / "waltz.mid", model=False)["files"]
    assert (entry["meter"], entry["n_bars"]) == ("3/4", 4)
    (tmp_path / "four.mid").write_bytes(smf([tempo(0, 100), meter(0, 4, 4), *notes]))
    [entry] = shell.json("describe", tmp_path / "four.mid", model=False)["files"]
    assert (entry["meter"], entry["meter_heard"]) == ("4/4", "3/4")


def test_one_hit_and_very_many_get_an_answer_and_silence_a_sentence(shell, tmp_path):
    (tmp_path / "one.mid").write_bytes(smf([note(0, 36)]))
    (tmp_path / "many.mid").write_bytes(smf([tempo(0, 120), *(note(14 * k, 36 + k % 16) for k in range(4000))]))
    (tmp_path / "none.mid").write_bytes(smf([tempo(0, 120)]))
    found = {entry["input"]: entry for entry in shell.json("describe", tmp_path, status=1, model=False)["files"]}
    assert len(found["one.mid"]["hits"]) == 1
    assert len(found["many.mid"]["hits"]) == 4000
    assert "notes" in found["none.mid"]["error"]


def test_describing_needs_no_torch(tmp_path):
    (tmp_path / "rock.mid").write_bytes(write_midi(example("rock")))
    code = "import sys; from rhythmvae import cli; "
    code += f"cli.main(['describe', {str(tmp_path / 'rock.mid')!r}]); print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True)
    assert done.stdout.endswith("False\n")


def test_the_same_pattern_is_found_whatever_its_length_and_loudness(shell, tmp_path):
    rock = example("rock")
    quieter = rock.with_hits(rock.position, rock.voice, np.maximum(rock.velocity - 20, 1))
    for name, groove in (("a", rock), ("b", quieter.looped(2)), ("c", example("waltz"))):
        (tmp_path / f"{name}.mid").write_bytes(write_midi(groove))
    found = {entry["input"]: entry["duplicate_of"] for entry in shell.json("describe", tmp_path, model=False)["files"]}
    assert found == {"a.mid": None, "b.mid": "a.mid", "c.mid": None}
