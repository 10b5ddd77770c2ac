"""Several inputs: names of outputs, what fails, and what may be written over."""

from __future__ import annotations

from pathlib import Path

import mido
import pytest
from running import files_in

from rhythmvae.midi.read import read_file
from rhythmvae.model import checkpoint


def test_reconstruct_mirrors_the_folder(shell, folder, tmp_path):
    status, out, err = shell("reconstruct", folder, "--out", tmp_path / "out")
    assert status == 1
    assert list(files_in(tmp_path / "out")) == ["a.mid", "sub/a.mid", "sub/Ünï 🥁.mid"]
    assert [line.split()[0] for line in out.splitlines()] == ["file", "a.mid", "sub/a.mid", "sub/Ünï", "all"]
    assert "sub/bad.mid: expected a MIDI file" in err
    assert "sub/Ünï 🥁.MID: No tempo in the file: 120 BPM assumed." in err
    assert "Traceback" not in err
    for name, source in (("a.mid", "a.mid"), ("sub/Ünï 🥁.mid", "sub/Ünï 🥁.MID")):
        original, _ = read_file(folder / source)
        raw, _ = read_file(tmp_path / "out" / name)
        assert (raw.tempos, raw.meters) == (original.tempos, original.meters)


def test_reconstruct_maps_every_input_to_its_output_or_error(shell, folder, tmp_path):
    document = shell.json("reconstruct", folder, "--out", tmp_path / "out", status=1)
    assert [(e["input"], e.get("output")) for e in document["files"]] == [
        ("a.mid", "a.mid"),
        ("sub/a.mid", "sub/a.mid"),
        ("sub/bad.mid", None),
        ("sub/Ünï 🥁.MID", "sub/Ünï 🥁.mid"),
    ]
    assert (document["version"], document["command"]) == (1, "reconstruct")
    assert document["checkpoint"] == checkpoint.load(Path(shell.toy)).digest
    assert document["total"]["n_hits"] == sum(e["score"]["n_hits"] for e in document["files"] if "score" in e)


def test_one_good_file_prints_its_row_and_nothing_else(shell, song, tmp_path):
    status, out, err = shell("reconstruct", song, "--out", tmp_path / "out")
    assert (status, err) == (0, "")
    assert [line.split()[0] for line in out.splitlines()] == ["file", "song.mid", "all"]
    rebuilt, _ = read_file(tmp_path / "out" / "song.mid")
    assert rebuilt.tempo_at(0).bpm == pytest.approx(100)


def test_one_bad_file_is_one_line(shell, folder, tmp_path):
    shell.refuses("reconstruct", folder / "sub/bad.mid", "--out", tmp_path / "out", match="expected a MIDI file")
    assert not (tmp_path / "out").exists()


def test_several_inputs_that_would_collide_are_numbered(shell, folder, tmp_path):
    document = shell.json("reconstruct", folder / "a.mid", folder / "sub/a.mid", "--out", tmp_path / "out")
    assert [e["output"] for e in document["files"]] == ["a.mid", "a~2.mid"]
    assert set(files_in(tmp_path / "out")) == {"a.mid", "a~2.mid"}


def test_existing_files_are_kept_without_force(shell, song, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "song.mid").write_bytes(b"precious")
    shell.refuses("reconstruct", song, "--out", tmp_path / "out", match=r"song\.mid exists; give --force")
    assert (tmp_path / "out" / "song.mid").read_bytes() == b"precious"
    assert shell("reconstruct", song, "--out", tmp_path / "out", "--force")[0] == 0
    assert read_file(tmp_path / "out" / "song.mid")


@pytest.mark.parametrize("name", ["a file", "a file/below", "nul\0", "n" * 300], ids=lambda n: ascii(n)[:12])
def test_an_out_that_is_no_folder(shell, song, tmp_path, name):
    (tmp_path / "a file").write_text("in the way")
    shell.refuses("reconstruct", song, "--out", tmp_path / name, match="Expected a folder to write to in --out")


def test_a_track_for_every_drum(shell, song, tmp_path):
    assert shell("reconstruct", song, "--out", tmp_path / "one")[0] == 0
    assert shell("reconstruct", song, "--out", tmp_path / "tracks", "--tracks")[0] == 0
    one, tracks = (mido.MidiFile(tmp_path / name / "song.mid") for name in ("one", "tracks"))
    named = [track.name for track in tracks.tracks]
    assert (len(one.tracks), len(named)) == (1, 1 + len({n.note for t in one.tracks for n in t if n.type == "note_on"}))
    assert {"Kick", "Snare"} <= set(named)
    groove, again = (read_file(tmp_path / name / "song.mid")[0] for name in ("one", "tracks"))
    assert again.position.tolist() == groove.position.tolist()
    assert again.velocity.tolist() == groove.velocity.tolist()
