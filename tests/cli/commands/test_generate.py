"""sample, vary, interpolate: files, seeds, and what cannot be asked."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from helpers import meter, rock, smf, tempo
from running import ROCK, files_in

from rhythmvae.analysis.descriptors import describe
from rhythmvae.midi.read import read_file
from rhythmvae.midi.write import write_midi
from rhythmvae.model import checkpoint, generate


def test_samples_are_numbered_and_their_seed(shell, tmp_path):
    def drawn(name: str, *options: Any) -> dict[str, bytes]:
        assert shell("sample", "--n", 3, "--bars", 3, "--out", tmp_path / name, *options)[0] == 0
        return files_in(tmp_path / name)

    first = drawn("a", "--seed", 5, "--tempo", 90)
    assert list(first) == ["0001.mid", "0002.mid", "0003.mid"]
    assert len(set(first.values())) == 3
    assert drawn("b", "--seed", 5, "--tempo", 90) == first
    assert drawn("c", "--seed", 6, "--tempo", 90) != first
    groove, _ = read_file(tmp_path / "a" / "0001.mid")
    assert groove.tempo_at(0).bpm == pytest.approx(90, abs=1e-3)
    [entry, *_] = shell.json("sample", "--n", 3, "--bars", 3, "--out", tmp_path / "d")["files"]
    assert (entry["input"], entry["output"], entry["n_bars"]) == (None, "0001.mid", 3)


@pytest.mark.parametrize(
    ("options", "match"),
    [
        (["--n", 0], "--n from 1 to 10000"),
        (["--n", 10**30], "--n from 1 to 10000"),
        (["--bars", 0], "1 to 512 bars"),
        (["--bars", 10**30], "1 to 512 bars"),
        (["--temperature", "nan"], "temperature"),
        (["--temperature", -1], "temperature"),
        (["--tempo", "inf"], "BPM"),
        (["--seed", -1], "seed from 0"),
        (["--seed", 10**30], "seed from 0"),
        (["--seed", "x"], "seed"),
    ],
    ids=str,
)
def test_samples_that_cannot_be(shell, tmp_path, options, match):
    shell.refuses("sample", "--out", tmp_path / "out", *options, match=match)


def test_samples_of_a_style(shell, tmp_path):
    def drawn(name: str, *options: Any) -> dict[str, bytes]:
        assert shell("sample", "--n", 2, "--out", tmp_path / name, *options)[0] == 0
        return files_in(tmp_path / name)

    funk, jazz, either = drawn("a", "--style", "funk"), drawn("b", "--style", "jazz"), drawn("c")
    assert len({tuple(files.values()) for files in (funk, jazz, either)}) == 3
    assert drawn("d", "--style", "funk") == funk
    shell.refuses("sample", "--out", tmp_path / "e", "--style", "polka", match="one of the styles funk, jazz, got 'po")
    assert not (tmp_path / "e").exists()


def test_one_variation_has_the_name_of_its_input(shell, song, tmp_path):
    status, out, err = shell("vary", song, "--out", tmp_path / "out")
    assert (status, err) == (0, "")
    assert [line.split()[0] for line in out.splitlines()] == ["file", "song.mid"]
    varied, _ = read_file(tmp_path / "out" / "song.mid")
    assert varied.tempo_at(0).bpm == pytest.approx(100)
    assert varied.n_bars == 2
    assert files_in(tmp_path / "out")["song.mid"] != ROCK


def test_several_variations_are_numbered_and_their_seed(shell, song, tmp_path):
    def varied(name: str, *options: Any) -> dict[str, bytes]:
        assert shell("vary", song, "--out", tmp_path / name, *options)[0] == 0
        return files_in(tmp_path / name)

    three = varied("a", "--n", 3, "--seed", 5)
    assert list(three) == ["song_0001.mid", "song_0002.mid", "song_0003.mid"]
    assert len(set(three.values())) == 3
    assert varied("b", "--n", 3, "--seed", 5) == three
    assert varied("c", "--n", 2, "--seed", 5).items() <= three.items()
    assert set(varied("d", "--n", 3, "--seed", 6).values()).isdisjoint(three.values())


def test_amount_zero_writes_what_reconstruct_writes(shell, folder, tmp_path):
    assert shell("reconstruct", folder, "--out", tmp_path / "rebuilt")[0] == 1
    assert shell("vary", folder, "--amount", 0, "--out", tmp_path / "varied")[0] == 1
    assert files_in(tmp_path / "varied") == files_in(tmp_path / "rebuilt")
    assert len(files_in(tmp_path / "varied")) == 3


def test_variations_mirror_the_folder(shell, folder, tmp_path):
    document = shell.json("vary", folder, "--n", 2, "--amount", 0.25, "--out", tmp_path / "out", status=1)
    assert list(files_in(tmp_path / "out")) == [
        *("a_0001.mid", "a_0002.mid", "sub/a_0001.mid", "sub/a_0002.mid"),
        *("sub/Ünï 🥁_0001.mid", "sub/Ünï 🥁_0002.mid"),
    ]
    assert [entry["input"] for entry in document["files"]] == ["a.mid", "sub/a.mid", "sub/bad.mid", "sub/Ünï 🥁.MID"]
    assert "expected a MIDI file" in document["files"][2]["error"]
    written = [v["output"] for entry in document["files"] for v in entry.get("variations", [])]
    assert sorted(written) == sorted(files_in(tmp_path / "out"))
    varied = generate.vary(checkpoint.load(Path(shell.toy)), read_file(folder / "sub/a.mid")[0], n=2, amount=0.25)
    for own, variation in zip(document["files"][1]["variations"], varied, strict=True):
        assert (tmp_path / "out" / own["output"]).read_bytes() == write_midi(variation.groove)
        assert own["n_hits"] == len(variation.groove)
    assert (document["amount"], document["seed"], document["keep"]) == (0.25, 0, [])
    assert document["files"][0]["report"]["n_hits"] == 24


def test_variations_of_inputs_that_are_named_like_variations(shell, tmp_path):
    (tmp_path / "in").mkdir()
    for name in ("loop", "loop_0001", "loop_0002"):
        (tmp_path / "in" / f"{name}.mid").write_bytes(ROCK)
    document = shell.json("vary", tmp_path / "in", "--n", 2, "--out", tmp_path / "out")
    written = [variation["output"] for entry in document["files"] for variation in entry["variations"]]
    assert len(set(written)) == 6
    assert sorted(written) == sorted(files_in(tmp_path / "out"))


def test_sliders_say_what_was_asked_and_what_came(shell, song, tmp_path):
    arguments = ["vary", song, "--set", "loudness=0.9", "--set", " density =0.3", "--set", "loudness=0.2"]
    document = shell.json(*arguments, "--out", tmp_path / "a")
    [variation] = document["files"][0]["variations"]
    assert {name: own["asked"] for name, own in variation["settings"].items()} == {"loudness": 0.2, "density": 0.3}
    density = variation["settings"]["density"]
    assert density["achieved_value"] == variation["n_hits"] / 8
    loaded = checkpoint.load(Path(shell.toy)).quantiles
    assert density["asked_value"] == loaded.value_at("density", 0.3)
    assert density["achieved"] == loaded.quantile("density", density["achieved_value"])
    status, out, err = shell(*arguments, "--out", tmp_path / "b")
    assert status == 0
    assert out.splitlines()[0].split() == [
        "file",
        "hits",
        "loudness",
        "asked:",
        "achieved",
        "density",
        "asked:",
        "achieved",
    ]
    assert out.splitlines()[1].split()[2] == "0.20:"
    assert ("density 0.30 is out of reach" in err) == (not density["reached"])


def test_a_slider_that_a_groove_does_not_define_is_said(shell, tmp_path):
    (tmp_path / "waltz.mid").write_bytes(smf([tempo(0, 100), meter(0, 6, 8), *rock()]))
    status, out, err = shell("vary", tmp_path / "waltz.mid", "--set", "swing=0.5", "--out", tmp_path / "out")
    assert status == 0
    assert out.splitlines()[1].split()[2:] == ["0.50:", "-"]
    assert err == "rhythmvae: waltz.mid: swing 0.50 is out of reach for this groove: its hits do not define it\n"


def test_voices_that_are_kept(shell, song, tmp_path):
    assert shell("vary", song, "--amount", 1, "--keep", "kick, closed_hat", "--out", tmp_path / "out")[0] == 0
    original, varied = read_file(song)[0], read_file(tmp_path / "out" / "song.mid")[0]
    for voice in (0, 2):
        for column in ("position", "velocity"):
            own, kept = (getattr(g, column)[g.voice == voice] for g in (original, varied))
            assert own.tolist() == kept.tolist()
    assert (varied.voice == 8).any()  # a ride that the original has not
    document = shell.json("vary", song, "--keep", "ride,kick", "--out", tmp_path / "b")
    assert document["keep"] == ["ride", "kick"]


def test_bars_that_are_kept(shell, song, tmp_path):
    assert shell("vary", song, "--amount", 1, "--keep-bars", "2", "--out", tmp_path / "out")[0] == 0
    original, varied = read_file(song)[0], read_file(tmp_path / "out" / "song.mid")[0]
    assert varied.bars(2, 2) == original.bars(2, 2)
    assert varied.bars(1, 1) != original.bars(1, 1)
    document = shell.json("vary", song, "--keep-bars", " 2,1, 2", "--out", tmp_path / "b")
    assert document["keep_bars"] == [1, 2]
    assert read_file(tmp_path / "b" / "song.mid")[0] == original


def test_a_file_without_the_bars_to_keep_fails_alone(shell, folder, tmp_path):
    document = shell.json("vary", folder, "--keep-bars", 4, "--out", tmp_path / "out", status=1)
    entries = {entry["input"]: entry.get("error", "") for entry in document["files"]}
    assert "bars to keep from 1 to 2, got 4" in entries["a.mid"]
    assert not entries["sub/a.mid"]
    assert list(files_in(tmp_path / "out")) == ["sub/a.mid"]


def test_variations_are_not_written_over(shell, song, tmp_path):
    arguments = ["vary", song, "--n", 2, "--out", tmp_path / "out"]
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "song_0002.mid").write_bytes(b"precious")
    shell.refuses(*arguments, match=r"song_0002\.mid exists; give --force")
    assert (tmp_path / "out" / "song_0002.mid").read_bytes() == b"precious"
    assert shell(*arguments, "--force")[0] == 0


@pytest.mark.parametrize(
    ("options", "match"),
    [
        (["--n", 0], "1 to 10000 variations"),
        (["--n", 10**30], "1 to 10000 variations"),
        (["--amount", 1.5], "amount from 0 to 1, got 1.5"),
        (["--amount", "nan"], "amount from 0 to 1"),
        (["--amount", "much"], "invalid float value"),
        (["--set", "density"], "--set such as density=0.4, got 'density'"),
        (["--set", "density=much"], "--set such as"),
        (["--set", "=0.5"], "slider out of density"),
        (["--set", "groove=0.5"], "slider out of density"),
        (["--set", "density=1.5"], "density as a quantile among the training grooves, 0 to 1 .*, got 1.5"),
        (["--set", "density=nan"], "density as a quantile"),
        (["--set", "swing=1e400"], "swing as a quantile"),
        (["--keep", "gong"], "voices to keep out of kick"),
        (["--keep", "kick,"], "names with commas"),
        (["--keep-bars", "3"], "bars to keep from 1 to 2, got 3"),
        (["--style", "polka"], "got 'polka'"),
        (["--keep-bars", "0"], "bars to keep from 1"),
        (["--keep-bars", "1,"], "bars such as 1,3, got '1,'"),
        (["--keep-bars", "-1"], "bars such as 1,3|expected one argument"),
        (["--keep-bars", "1-2"], "bars such as"),
        (["--keep-bars", "\u0661"], "bars such as"),
        (["--keep-bars", "9" * 5000], "bars such as"),
        (["--seed", -1], "seed from 0"),
        (["--channel", 17], "channel from 1 to 16"),
    ],
    ids=str,
)
def test_variations_that_cannot_be(shell, song, tmp_path, options, match):
    shell.refuses("vary", song, "--out", tmp_path / "out", *options, match=match)
    assert not (tmp_path / "out").exists()


def test_options_that_cannot_be_are_said_once_however_many_files(shell, folder, tmp_path):
    (folder / "sub/bad.mid").unlink()
    shell.refuses("vary", folder, "--out", tmp_path / "out", "--set", "x=1", "--json", match="slider out of")


def test_a_way_between_two_files(shell, folder, tmp_path):
    ends = [folder / "a.mid", folder / "sub/a.mid"]
    assert shell("reconstruct", *ends, "--out", tmp_path / "rebuilt")[0] == 0
    status, out, err = shell("interpolate", *ends, "--steps", 5, "--out", tmp_path / "out")
    assert (status, err) == (0, "")
    written = files_in(tmp_path / "out")
    assert list(written) == [f"000{number}.mid" for number in range(1, 6)]
    assert [line.split()[0] for line in out.splitlines()] == ["file", *written]
    assert [line.split()[2:] for line in out.splitlines()[1:]] == [["a.mid"], [], [], [], ["a.mid"]]
    rebuilt = files_in(tmp_path / "rebuilt")
    assert (written["0001.mid"], written["0005.mid"]) == (rebuilt["a.mid"], rebuilt["a~2.mid"])
    document = shell.json("interpolate", *ends, "--steps", 5, "--out", tmp_path / "again")
    assert files_in(tmp_path / "again") == written
    assert [entry["input"] for entry in document["files"]] == ["a.mid", None, None, None, "a.mid"]
    steps = generate.interpolate(checkpoint.load(Path(shell.toy)), *(read_file(end)[0] for end in ends), 5)
    for entry, step in zip(document["files"], steps, strict=True):
        assert written[entry["output"]] == write_midi(step)
        assert (entry["n_hits"], entry["descriptors"]) == (len(step), describe(step))


def test_a_folder_of_two_files_is_a_way_of_eight_steps(shell, folder, tmp_path):
    (folder / "sub/bad.mid").unlink()
    (folder / "a.mid").unlink()
    status, _, err = shell("interpolate", folder, "--out", tmp_path / "out")
    assert status == 0
    assert "assumed" in err  # remarks on the file that does not say
    assert len(files_in(tmp_path / "out")) == 8


def test_ways_that_cannot_be(shell, folder, song, tmp_path):
    (tmp_path / "waltz.mid").write_bytes(smf([tempo(0, 100), meter(0, 3, 4), *rock()]))
    out = ["--out", tmp_path / "out"]
    shell.refuses("interpolate", song, *out, match="Expected 2 files of MIDI, got 1")
    shell.refuses("interpolate", song, song, song, *out, match="Expected 2 files of MIDI, got 3")
    shell.refuses("interpolate", folder, *out, match="Expected 2 files of MIDI, got 4")
    shell.refuses("interpolate", song, folder / "sub/bad.mid", *out, match="expected a MIDI file")
    shell.refuses("interpolate", folder / "sub/bad.mid", folder / "sub/bad.mid", *out, match="expected a MIDI file")
    shell.refuses("interpolate", song, tmp_path / "nowhere.mid", *out, match="does not exist")
    shell.refuses(
        "interpolate", song, tmp_path / "waltz.mid", *out, match="same meter to interpolate between, got 4/4 and 3/4"
    )
    for steps in (1, 0, -5, 10**30):
        shell.refuses("interpolate", song, song, "--steps", steps, *out, match="Expected 2 to 128 steps")
    assert not (tmp_path / "out").exists()
