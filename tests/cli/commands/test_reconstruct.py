"""encode and decode: what reconstruct does, in two halves."""

from __future__ import annotations

import json
import zipfile

import pytest
from running import files_in


@pytest.mark.parametrize("wrap", ["folder", "zip", "several"])
def test_decoding_what_was_encoded_writes_what_reconstruct_writes(shell, folder, tmp_path, wrap):
    inputs = [folder]
    if wrap == "zip":
        with zipfile.ZipFile(tmp_path / "in.zip", "w") as archive:
            for name, data in files_in(folder).items():
                archive.writestr(name, data)
        inputs = [tmp_path / "in.zip"]
    elif wrap == "several":
        inputs = [folder / "sub/a.mid", folder / "a.mid", folder]
    shell("reconstruct", *inputs, "--out", tmp_path / "direct")
    status, latents, _ = shell("encode", *inputs, "--json")
    assert status == 1
    (tmp_path / "latents.json").write_text(latents, "utf-8")
    status, out, err = shell("decode", tmp_path / "latents.json", "--out", tmp_path / "decoded")
    assert (status, err) == (0, "")
    assert files_in(tmp_path / "decoded") == files_in(tmp_path / "direct")
    assert sorted(out.splitlines()) == sorted(files_in(tmp_path / "direct"))
    assert len(files_in(tmp_path / "direct")) == (5 if wrap == "several" else 3)


def test_latents_hold_no_hits(shell, song):
    [entry] = shell.json("encode", song)["files"]
    assert set(entry["windows"][0]) == {"start", "n_steps", "latent"}
    assert "position" not in json.dumps(entry)


def test_encode_as_a_table(shell, song):
    status, out, _ = shell("encode", song)
    assert status == 0
    assert out.splitlines()[1].split() == ["song.mid", "32", "1", "32"]


@pytest.mark.parametrize(
    ("text", "match"),
    [
        (b"", "Expected the JSON"),
        (b"MThd\x00\x00\x00\x06\xff\xff", "Expected the JSON"),
        (b"[" * 100_000, "Expected the JSON"),
        (b'{"version": NaN}', "Expected the JSON"),
        (b"\xff\xfe\xff", "cannot read it"),
    ],
    ids=["empty", "midi", "deep", "nan", "no text"],
)
def test_latents_that_are_something_else(shell, tmp_path, text, match):
    (tmp_path / "x.json").write_bytes(text)
    shell.refuses("decode", tmp_path / "x.json", "--out", tmp_path / "out", match=match)


def test_latents_with_infinity_in_them(shell, song, tmp_path):
    document = shell.json("encode", song)
    for value in (float("nan"), float("inf"), 1e30):
        document["files"][0]["windows"][0]["latent"][0] = value
        (tmp_path / "x.json").write_text(json.dumps(document))
        shell.refuses("decode", tmp_path / "x.json", "--out", tmp_path / "out", match="a latent out of range")


def test_latents_of_another_model_of_nowhere_and_of_a_folder(shell, song, tmp_path):
    _, text, _ = shell("encode", song, "--json")
    (tmp_path / "x.json").write_text(text.replace(json.loads(text)["checkpoint"], "0" * 16))
    shell.refuses("decode", tmp_path / "x.json", "--out", tmp_path / "out", match="belong to the model 0000")
    shell.refuses("decode", tmp_path / "nowhere.json", "--out", tmp_path / "out", match="No such file")
    shell.refuses("decode", tmp_path, "--out", tmp_path / "out", match="cannot read it")


def test_latents_in_utf_16_as_a_redirect_on_windows_writes(shell, song, tmp_path):
    _, text, _ = shell("encode", song, "--json")
    (tmp_path / "x.json").write_text(text, "utf-16")
    assert shell("decode", tmp_path / "x.json", "--out", tmp_path / "out")[0] == 0


def test_decode_writes_nowhere_but_below_out(shell, song, tmp_path):
    document = shell.json("encode", song)
    document["files"][0]["input"] = "../../../etc/evil\ud800.mid"
    (tmp_path / "x.json").write_text(json.dumps(document))
    assert shell("decode", tmp_path / "x.json", "--out", tmp_path / "out")[0] == 0
    assert list(files_in(tmp_path / "out")) == ["etc/evil_.mid"]


def test_decode_goes_on_after_a_damaged_entry(shell, folder, tmp_path):
    document = shell.json("encode", folder / "a.mid", folder / "sub/a.mid")
    document["files"][0]["n_steps"] = -1
    (tmp_path / "x.json").write_text(json.dumps(document))
    status, out, err = shell("decode", tmp_path / "x.json", "--out", tmp_path / "out")
    assert (status, out) == (1, "a~2.mid\n")
    assert "rhythmvae: a.mid: Expected latents" in err
