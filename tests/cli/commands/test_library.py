"""index and search: what they print, and when they fail."""

from __future__ import annotations

import json
import sqlite3

from running import ROCK, documented, keys_of


def test_a_collection_is_indexed_and_searched(shell, folder, tmp_path):
    library = tmp_path / "lib"
    found = shell.json("index", folder, "--library", library, status=1)
    assert {name: found[name] for name in ("n_files", "n_read", "n_unchanged", "n_removed")} == {
        "n_files": 4,
        "n_read": 3,
        "n_unchanged": 0,
        "n_removed": 0,
    }
    [failed] = found["failed"]
    assert (failed["input"], failed["error"][:21]) == ("sub/bad.mid", "bad.mid: expected") or failed["error"]
    assert keys_of(found) <= documented("index")
    (folder / "sub" / "bad.mid").unlink()
    again = shell.json("index", folder, "--library", library)
    assert (again["n_read"], again["n_unchanged"], again["n_removed"], again["failed"]) == (0, 3, 1, [])

    (tmp_path / "like.mid").write_bytes(ROCK)
    said = shell.json("search", library, "--like", tmp_path / "like.mid", "--n", 2)
    first, *_ = said["results"]
    assert (first["path"], first["bars"], first["distance"], first["duplicates"]) == ("a.mid", [1, 2], 0.0, [])
    assert keys_of(said) <= documented("search")
    narrow = ["--tempo", "90-110", "--meter", "4/4", "--by", "kick,snare", "--as-is", "--density", "0-50"]
    only = shell.json("search", library, "--like", tmp_path / "like.mid", *narrow)
    assert [one["path"] for one in only["results"]] == ["a.mid"]
    status, out, errors = shell("search", library, "--like", tmp_path / "like.mid", "--style", "polka", "--json")
    assert (status, json.loads(out)["results"]) == (0, [])
    assert errors.startswith("rhythmvae: Nothing in the library has the style 'polka'")
    status, out, _ = shell("search", library, "--like", tmp_path / "like.mid")
    assert status == 0
    assert out.splitlines()[0].split()[:2] == ["distance", "file"]

    (folder / "copy.mid").write_bytes(ROCK + b"\0")
    shell("index", folder, "--library", library, "--quiet")
    [group] = shell.json("search", library, "--duplicates")["duplicates"]
    assert group == {"kind": "exact", "keep": "a.mid", "could_go": ["copy.mid"]}
    status, out, _ = shell("search", library, "--duplicates")
    assert "copy.mid" in out


def test_what_cannot_be_is_one_line(shell, song, tmp_path):
    library = tmp_path / "lib"
    shell.refuses("search", library, "--like", song, match="found none; make one with `rhythmvae index")
    shell.refuses("index", tmp_path / "nowhere", "--library", library, match="found nothing at")
    shell.refuses("index", song, "--library", library, "--processes", "0", match="--processes from 1")
    shell.refuses("index", song, "--library", library, "--engine", "here", match="address of a Dask scheduler")
    both = ["--engine", "tcp://127.0.0.1:8786", "--processes", "2"]
    shell.refuses("index", song, "--library", library, *both, match="--processes or --engine, got both")
    assert shell("index", song, "--library", library)[0] == 0
    shell.refuses("search", library, "--like", song, "--n", 0, match="--n from 1 to 1,000")
    shell.refuses("search", library, "--like", song, "--by", "kicks", match="did you mean kick")
    shell.refuses("search", library, "--like", song, "--tempo", "fast", match="expected a range such as 90-110")
    shell.refuses("search", library, "--like", tmp_path / "no.mid", match="no.mid")
    shell.refuses("search", library, "--like", tmp_path, match="expected a readable MIDI file")
    shell.refuses("search", library, "--duplicates", "--folder", "x", match="--duplicates alone, got --folder")
    shell.refuses("search", library, "--like", song, model=False, match="Expected the model")
    assert not (tmp_path / "nowhere").exists()


def test_a_library_that_was_tampered_with_is_one_line(shell, song, tmp_path):
    library = tmp_path / "lib"
    assert shell("index", song, "--library", library)[0] == 0
    with sqlite3.connect(library / "library.sqlite") as connection:
        connection.execute("UPDATE files SET path = 'a text where bytes belong'")
    connection.close()
    shell.refuses("search", library, "--like", song, match="it is damaged .*index the folders into a new one")


def test_what_is_looked_for_is_read_as_its_folder_was(shell, song, tmp_path):
    library, options = tmp_path / "lib", ["--map", "36=snare", "--map", "38=kick"]
    assert shell("index", song, "--library", library, *options)[0] == 0
    [found] = shell.json("search", library, "--like", song, "--as-is")["results"]
    assert found["distance"] == 0.0
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "copy.mid").write_bytes(song.read_bytes())
    [found] = shell.json("search", library, "--like", tmp_path / "elsewhere" / "copy.mid", "--as-is")["results"]
    assert found["distance"] > 0.0
