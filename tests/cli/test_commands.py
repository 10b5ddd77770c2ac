"""The command line: files in, files and figures out, and one line when it cannot be."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest
import torch
from helpers import meter, note, rock, smf, tempo
from toys import TOY, checkpoint_file, random_groove

from rhythmvae.analysis.descriptors import SLIDERS, describe
from rhythmvae.cli import commands as cli
from rhythmvae.errors import TrainingError
from rhythmvae.midi.read import read_file
from rhythmvae.midi.write import write_midi
from rhythmvae.model import checkpoint, generate
from rhythmvae.model.vae import ModelConfig
from rhythmvae.training import compare, trainer
from rhythmvae.training.trainer import Trainer

pytestmark = pytest.mark.usefixtures("brief_prior")

ROOT = Path(__file__).parents[2]
DOCS = (ROOT / "docs" / "json.md").read_text("utf-8")
ROCK = smf([tempo(0, 100), meter(0, 4, 4), *rock()])


@pytest.fixture(scope="module")
def toy(tmp_path_factory) -> str:
    return str(checkpoint_file(tmp_path_factory.mktemp("model") / "toy.safetensors"))


@pytest.fixture(autouse=True)
def _surroundings(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    threads = torch.get_num_threads()
    yield
    torch.set_num_threads(threads)


class Shell:
    """Commands in this process: exit status, stdout, stderr."""

    def __init__(self, capsys: pytest.CaptureFixture[str], toy: str) -> None:
        self.capsys, self.toy = capsys, toy

    def __call__(self, *arguments: Any, model: bool = True) -> tuple[int, str, str]:
        argv = [str(a) for a in arguments] + (["--checkpoint", self.toy] if model else [])
        self.capsys.readouterr()
        try:
            status = cli.main(argv)
        except SystemExit as error:
            status = int(error.code or 0)
        return status, *self.capsys.readouterr()

    def json(self, *arguments: Any, status: int = 0, **more: Any) -> dict[str, Any]:
        found, out, _ = self(*arguments, "--json", **more)
        assert found == status
        return json.loads(out, parse_constant=lambda name: pytest.fail(name))

    def refuses(self, *arguments: Any, match: str, **more: Any) -> None:
        status, out, err = self(*arguments, **more)
        assert (status, out) == (2, ""), err
        assert re.fullmatch(r"rhythmvae: .+\n", err), err
        assert re.search(match, err), err


@pytest.fixture
def shell(capsys, toy) -> Shell:
    return Shell(capsys, toy)


@pytest.fixture
def folder(tmp_path) -> Path:
    """Three grooves, one file that is none, and one that does not say what it is."""
    files = {
        "a.mid": ROCK,
        "sub/a.mid": write_midi(random_groove(1, 75, 90)),
        "sub/Ünï 🥁.MID": smf([note(0, 36), note(100, 38), note(960, 44)]),
        "sub/bad.mid": b"no MIDI",
        "readme.txt": b"hello",
    }
    for name, data in files.items():
        (tmp_path / "in" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "in" / name).write_bytes(data)
    return tmp_path / "in"


@pytest.fixture
def song(tmp_path) -> Path:
    (tmp_path / "song.mid").write_bytes(ROCK)
    return tmp_path / "song.mid"


def files_in(folder: Path) -> dict[str, bytes]:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def process(*arguments: Any, **more: Any) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "rhythmvae", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, cwd=ROOT, timeout=120, **more)


# -- documentation


def keys_of(value: Any) -> set[str]:
    if isinstance(value, dict):
        return set(value) | {key for child in value.values() for key in keys_of(child)}
    return {key for child in value for key in keys_of(child)} if isinstance(value, list) else set()


def section(title: str) -> str:
    return DOCS.split(f"\n## {title}\n")[1].split("\n## ")[0]


def documented(*titles: str) -> set[str]:
    return {name for title in titles for name in re.findall(r"`([a-z0-9_]+)`", section(title))}


def test_every_key_printed_is_documented_and_its_tables_hold_no_other(shell, folder, tmp_path):
    reconstructed = shell.json("reconstruct", folder, "--out", tmp_path / "out", status=1)
    assert keys_of(reconstructed) <= documented("reconstruct", "A score", "A report")
    encoded = shell.json("encode", folder, status=1)
    assert keys_of(encoded) <= documented("reconstruct", "encode", "Descriptors", "A report", "A score")
    assert keys_of(shell.json("sample", "--out", tmp_path / "out")) <= documented("sample")
    every_slider = [option for name in SLIDERS for option in ("--set", f"{name}=0.5")]
    varied = shell.json("vary", folder, "--out", tmp_path / "varied", *every_slider, status=1)
    assert keys_of(varied) <= documented("vary", "A report", "reconstruct")
    between = shell.json("interpolate", folder / "a.mid", folder / "sub/a.mid", "--out", tmp_path / "between")
    assert keys_of(between) <= documented("interpolate", "Descriptors", "A score")
    evaluated = shell.json("evaluate", folder / "a.mid", "--no-baselines")
    assert keys_of(evaluated) <= documented("evaluate", "A score")
    assert keys_of(shell.json("info", shell.toy, model=False)) <= documented("info, train")

    # And the other way: exactly these.
    [good, *_] = [entry for entry in reconstructed["files"] if "error" not in entry]
    assert set(reconstructed) == {"version", "command", "checkpoint", "total", "files"}
    assert set(good) == {"input", "output", "score", "report"}
    first_cells = r"^\| (`.*?) \|"
    for title, value in (("A score", good["score"]), ("A report", good["report"])):
        named = {n for cell in re.findall(first_cells, section(title), re.M) for n in re.findall(r"`(\w+)`", cell)}
        assert named == set(value), title
    [good, *_] = [entry for entry in encoded["files"] if "error" not in entry]
    assert set(encoded) == {"version", "command", "checkpoint", "files"}
    assert set(good) == {"input", "output", "n_steps", "tempos", "meters", "windows", "descriptors", "report"}
    named = {n for cell in re.findall(first_cells, section("Descriptors"), re.M) for n in re.findall(r"`(\w+)`", cell)}
    assert named == set(good["descriptors"])
    [bad] = [entry for entry in encoded["files"] if "error" in entry]
    assert set(bad) == {"input", "error"}

    assert {"version", "command", "checkpoint", "seed", "amount", "keep", "keep_bars", "style", "files"} == set(varied)
    [good, *_] = [entry for entry in varied["files"] if "error" not in entry]
    assert set(good) == {"input", "variations", "report"}
    [one] = good["variations"]
    tables = section("vary").split("| slider |")
    named = [{n for cell in re.findall(first_cells, t, re.M) for n in re.findall(r"`(\w+)`", cell)} for t in tables]
    assert named == [set(one), set(one["settings"])]
    assert all(set(setting) <= documented("vary") for setting in one["settings"].values())
    assert set(between) == {"version", "command", "checkpoint", "files"}
    assert set(between["files"][0]) == {"input", "output", "n_hits", "descriptors"}


# -- reconstruct


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


def test_reading_options(shell, tmp_path):
    path = tmp_path / "x.mid"
    path.write_bytes(smf([note(0, 60, 90, 1), note(480, 44, 90, 1)], [note(0, 36, 90, 3), note(240, 36, 90, 3)]))

    def report(*options: Any) -> dict[str, Any]:
        return shell.json("encode", path, *options)["files"][0]["report"]

    assert report("--channel", 3)["n_hits"] == 2
    assert report("--track", 1)["n_hits"] == 2
    mapped = report("--channel", 1, "--map", "44=kick", "--map", "60=none")
    assert [(row["pitch"], row["voice"]) for row in mapped["notes"]] == [(44, "kick"), (60, None)]
    assert report("--meter", "3/4")["meters"] == [{"step": 0.0, "numerator": 3, "denominator": 4}]


@pytest.mark.parametrize(
    ("options", "match"),
    [
        (["--channel", 0], "channel from 1 to 16"),
        (["--channel", "x"], "invalid int value"),
        (["--track", 0], "track number from 1"),
        (["--track", 9], "track"),
        (["--map", "44"], "rule such as 44=kick"),
        (["--map", "44=gong"], "Expected a voice out of kick"),
        (["--map", "9" * 5000 + "=kick"], "rule such as"),
        (["--meter", "waltz"], "meter such as 6/8"),
        (["--meter", "9" * 5000 + "/4"], "meter such as 6/8"),
        (["--meter", "4/3"], "Expected a meter"),
        (["--nonsense"], "unrecognized arguments"),
    ],
    ids=lambda value: str(value)[:24],
)
def test_options_that_cannot_be(shell, song, tmp_path, options, match):
    shell.refuses("reconstruct", song, "--out", tmp_path / "out", *options, match=match)


def test_inputs_that_are_not_there(shell, tmp_path):
    (tmp_path / "empty").mkdir()
    shell.refuses("reconstruct", tmp_path / "nowhere", "--out", tmp_path, match="does not exist")
    shell.refuses("reconstruct", tmp_path / "empty", "--out", tmp_path, match="found none")
    shell.refuses("reconstruct", "nul\0", "--out", tmp_path, match="readable file")
    shell.refuses(model=False, match="required: COMMAND")
    shell.refuses("reconstruct", model=False, match="required: IN, --out")


def test_checkpoints_that_cannot_be_used(shell, song, tmp_path):
    for path, match in (
        (tmp_path / "none", "no such file"),
        (song, "another kind of file"),
        (tmp_path, "no such file"),
    ):
        shell.refuses("encode", song, "--checkpoint", path, model=False, match=match)


# -- encode and decode


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


# -- sample


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


# -- vary


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
        (["--set", "density=1.5"], "density as a place among the training grooves, 0 to 1, got 1.5"),
        (["--set", "density=nan"], "density as a place"),
        (["--set", "swing=1e400"], "swing as a place"),
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


def test_the_sliders_of_the_help_are_those_there_are(shell):
    _, out, _ = shell("vary", "--help", model=False)
    listed = " ".join(out.split()).split("among the training grooves: ")[1].split(" --keep")[0]
    assert listed.replace(" ", "").split(",") == list(SLIDERS)


# -- interpolate


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
    shell.refuses("interpolate", song, tmp_path / "waltz.mid", *out, match="same meter to go between, got 4/4 and 3/4")
    for steps in (1, 0, -5, 10**30):
        shell.refuses("interpolate", song, song, "--steps", steps, *out, match="Expected 2 to 128 steps")
    assert not (tmp_path / "out").exists()


# -- evaluate and info


def test_evaluate_prints_the_table(shell, folder, monkeypatch):
    from rhythmvae.evaluation import baselines, reconstruction

    monkeypatch.setattr(reconstruction, "BASELINES", tuple(b for b in baselines.BASELINES if b.name != "PCA"))
    status, out, err = shell("evaluate", folder)
    assert status == 1  # one file cannot be read
    assert "bad.mid" in err
    assert [line[:12].strip() for line in out.splitlines()][:3] == ["model", "rhythmvae, p", "rhythmvae, p"]
    assert len(out.splitlines()) == 7
    rows = shell.json("evaluate", folder, "--no-baselines", status=1)["rows"]
    assert [row["name"] for row in rows] == ["rhythmvae, posterior mean", "rhythmvae, posterior sample"]


def test_evaluate_judges_samples(shell, folder, monkeypatch):
    from rhythmvae.evaluation import reconstruction

    view = {view: {"mean": 0.6, "interval": 0.01} for view in ("descriptors", "tensor")}
    figures = {
        "n_windows": 100,
        "n_takes": 30,
        "told_apart": {name: view for name in ("real halves", "reconstructions", "samples")},
        "overlap": {"density": {"train": 0.9, "samples": 0.8}},
        "nearest_training_cells": {"held_out": 15.0, "samples": 21.0},
    }
    monkeypatch.setattr(reconstruction, "measure_samples", lambda *_, **__: figures)
    printed = shell.json("evaluate", folder, "--samples", "--no-baselines", status=1)
    assert printed["samples"] == figures
    assert keys_of(figures) - {"real halves", "density"} <= documented("evaluate")
    _, out, _ = shell("evaluate", folder, "--samples", "--no-baselines")
    assert "0.600 +- 0.010" in out
    monkeypatch.undo()
    shell.refuses("evaluate", folder / "a.mid", "--samples", "--no-baselines", match="at least 20 held-out takes")


def test_evaluate_judges_control(shell, folder, monkeypatch):
    from rhythmvae.evaluation import control as module

    figures = ("spearman", "mae", "spearman_last", "mae_last")
    told = {view: {"mean": 0.55, "interval": 0.01} for view in ("descriptors", "tensor")}
    control = {
        "n_windows": 60,
        "sliders": {
            "density": {
                "n": 300,
                "undefined": 0,
                **dict.fromkeys(figures, 0.98),
                "leakage": {"swing": 0.1, "mix": 0.25},
            },
            "swing": {"n": 0, "undefined": 60, **dict.fromkeys(figures), "leakage": {}},
        },
        "amounts": {"0": 0.0, "0.5": 0.4},
        "paths": {
            "n_paths": 100,
            "ends_equal": True,
            "largest_over_mean_median": 1.5,
            "largest_over_mean_worst": 2.5,
            "share_above_2": 0.02,
            "told_apart": told,
        },
    }
    monkeypatch.setattr(module, "measure_control", lambda *_, **__: control)
    printed = shell.json("evaluate", folder, "--control", "--no-baselines", status=1)
    assert printed["control"] == control
    assert keys_of(control) - {"density", "mix", "swing", "0", "0.5"} <= documented("evaluate")
    assert printed["samples"] is None
    _, out, _ = shell("evaluate", folder, "--control", "--no-baselines")
    rows = [line.split() for line in out.splitlines()]
    assert ["density", "300", "0", "0.980", "0.980", "0.980", "0.980", "mix", "0.25"] in rows
    assert ["swing", "0", "60", *"------"] in rows
    assert ["0.5", "0.400"] in rows
    assert "ends equal reconstructions: yes" in out
    monkeypatch.undo()
    shell.refuses("evaluate", folder / "a.mid", "--control", "--no-baselines", match="at least 20 held-out takes")


def test_evaluate_needs_something_to_evaluate(shell, folder, song):
    shell.refuses("evaluate", folder / "sub/bad.mid", match="none that can be read")
    shell.refuses("evaluate", song, match="two different patterns")
    shell.refuses("evaluate", song, "--split", "holdout", match="invalid choice")


def test_evaluate_judges_some_drummers_alone(shell, played):
    document = shell.json("evaluate", played, "--no-baselines", "--drummers", "drummer7,5")
    assert document["drummers"] == ["drummer5", "drummer7"]
    everybody = shell.json("evaluate", played, "--no-baselines")
    assert everybody["drummers"] == []
    assert document["rows"][0]["score"]["n_hits"] == 4 * 30
    assert everybody["rows"][0]["score"]["n_hits"] == 6 * 30
    shell.refuses("evaluate", played, "--drummers", "5,8", match="out of drummer1, drummer5, drummer7, got '8'")
    shell.refuses("evaluate", played, "--drummers", "5,", match="names with commas")


# -- compare


@pytest.fixture
def played(tmp_path) -> Path:
    """Takes of 30 hits by three drummers, in the layout of the Groove MIDI Dataset."""
    rows = ["drummer,midi_filename,split"]
    for seed in range(15):
        drummer, split = (1, 5, 7)[seed % 3], "train" if seed < 9 else "validation"
        name = f"drummer{drummer}/session1/{seed}.mid"
        (tmp_path / "played" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "played" / name).write_bytes(write_midi(random_groove(seed)))
        rows.append(f"drummer{drummer},{name},{split}")
    (tmp_path / "played" / "info.csv").write_text("\n".join(rows))
    return tmp_path / "played"


@pytest.fixture
def _toy_contest(monkeypatch):
    from rhythmvae.evaluation import baselines

    dense = ModelConfig("dense", "dense", latent_size=2, width=16, depth=1)
    entrants = (compare.Entrant("dense, 2 latents (toy)", dense), compare.Entrant("rhythmvae", TOY))
    monkeypatch.setattr(compare, "ENTRANTS", entrants)
    monkeypatch.setattr(compare, "BASELINES", (baselines.BASELINES[-1],))


NAMES = ["dense, 2 latents (toy)", "rhythmvae", "per-step mean"]
MOMENT = ["--minutes", 0.004]


@pytest.mark.usefixtures("_toy_contest")
def test_compare_prints_one_table(shell, played):
    status, out, err = shell("compare", played, *MOMENT, model=False)
    assert (status, err) == (0, "")
    heading, *rows = out.split("\n\n")[0].splitlines()
    assert re.split(r"  +", heading) == [
        *("model", "numbers", "weights", "MB", "minutes", "F1 50ms", "F1 25ms"),
        *("timing ms", "velocity", "KL nats", "rebuilt", "samples", "decode ms"),
    ]
    cells = [re.split(r"  +", row) for row in rows]
    assert [row[0] for row in cells] == NAMES
    assert {len(row) for row in cells} == {13}
    assert [row[10:12] for row in cells] == [["-", "-"]] * 3  # too few takes to tell
    assert cells[2][2:5] == ["-"] * 3
    assert "Two halves of the real takes: -" in out


@pytest.mark.usefixtures("_toy_contest")
def test_compare_as_json_says_what_is_documented(shell, played, monkeypatch):
    from rhythmvae.evaluation import reconstruction, two_sample

    told = {view: two_sample.Told(0.6, 0.01) for view in ("descriptors", "tensor")}
    monkeypatch.setattr(reconstruction, "MIN_TAKES", 2)
    seeds: list[int] = []
    monkeypatch.setattr(two_sample, "told_apart", lambda *given: seeds.append(given[-1]) or told)
    monkeypatch.setattr(two_sample, "told_halves", lambda *_: told)
    document = shell.json("compare", played, *MOMENT, "--unseen", "5,7", "--seed", 1, model=False)
    assert keys_of(document) <= documented("compare", "A score")
    assert set(document) == {
        *("version", "command", "minutes", "seed", "precision", "two_sample_seeds", "max_windows"),
        *("max_prior_takes", "unseen", "n_train_takes", "n_judged_takes", "rows", "control"),
    }
    named = {n for cell in re.findall(r"^\| (`.*?) \|", section("compare"), re.M) for n in re.findall(r"`(\w+)`", cell)}
    assert all(set(row) == named for row in document["rows"])
    assert (document["command"], document["seed"], document["two_sample_seeds"]) == ("compare", 1, 10)
    assert document["unseen"] == ["drummer5", "drummer7"]
    assert (document["n_train_takes"], document["n_judged_takes"]) == (3, 4)
    assert [row["score"]["n_hits"] for row in document["rows"]] == [4 * 30] * 3
    assert document["control"]["tensor"] == {"mean": 0.6, "interval": 0.01}
    assert [row["told_apart"]["samples"] is None for row in document["rows"]] == [False, False, True]
    assert seeds == [10] * 5
    _, out, _ = shell("compare", played, *MOMENT, model=False)
    assert out.count("0.60 / 0.60") == 6


@pytest.mark.usefixtures("_toy_contest")
def test_compare_makes_only_the_rows_asked_for_and_keeps_them(shell, played, tmp_path, monkeypatch):
    arguments = ["compare", played, *MOMENT, "--out", tmp_path / "rows"]
    for only in ("per-step-mean,rhythmvae", "dense"):  # as two processes side by side would
        rows = shell.json(*arguments, "--only", only, model=False)["rows"]
        assert [row["name"] for row in rows] == [n for n in NAMES if re.split("[, ]", n)[0] in only]
    monkeypatch.setattr(compare, "Trainer", lambda *_, **__: pytest.fail("trained again"))
    document = shell.json(*arguments, model=False)
    assert [row["name"] for row in document["rows"]] == NAMES
    kept = {name: json.loads(data) for name, data in files_in(tmp_path / "rows").items() if name.endswith(".json")}
    assert [kept[f"{name}.json"]["row"] for name in ("dense", "rhythmvae", "per-step-mean")] == document["rows"]
    assert keys_of(kept["dense.json"]) <= documented("compare", "A score", "info, train")
    status, _, _ = shell(
        "sample", "--out", tmp_path / "new", "--checkpoint", tmp_path / "rows/rhythmvae.safetensors", model=False
    )
    assert status == 0
    shell.refuses(
        *arguments[:2], "--quick", *arguments[4:], model=False, match=r"\(max_.+, minutes, two_sample_seeds\)"
    )


@pytest.mark.usefixtures("_toy_contest")
def test_compare_in_the_way_of_another_is_said_before_anything_is_trained(shell, played, tmp_path, monkeypatch):
    monkeypatch.setattr(compare, "Trainer", lambda *_, **__: pytest.fail("trained"))
    for name in ("rhythmvae.safetensors", "per-step-mean.json", "real-halves.json"):
        (tmp_path / name).write_bytes(b"precious")
        shell.refuses("compare", played, "--out", tmp_path, model=False, match=rf"{name}, found .+ give another --out")
        assert (tmp_path / name).read_bytes() == b"precious"
        (tmp_path / name).unlink()


@pytest.mark.usefixtures("_toy_contest")
def test_ctrl_c_in_a_comparison_prints_the_rows_that_are_finished(shell, played, tmp_path, monkeypatch):
    make = compare.Trainer

    def interrupted(config: ModelConfig, *arguments: Any, **more: Any) -> Trainer:
        if config == TOY:
            raise KeyboardInterrupt
        return make(config, *arguments, **more)

    monkeypatch.setattr(compare, "Trainer", interrupted)
    arguments = ["compare", played, *MOMENT, "--out", tmp_path / "rows"]
    status, out, err = shell(*arguments, model=False)
    assert status == 0
    kept = f"{tmp_path / 'rows'} keeps them for the next time"
    assert err == f"rhythmvae: stopped; the table has the rows that are finished; {kept}\n"
    assert [line[:9].strip() for line in out.split("\n\n")[0].splitlines()] == ["model", "dense, 2"]
    assert shell(*arguments, "--only", "rhythmvae", model=False)[:2] == (130, "")
    monkeypatch.undo()


@pytest.mark.usefixtures("_toy_contest")
def test_a_row_that_diverges_is_said_and_the_rest_go_on(shell, played, monkeypatch):
    make = compare.Trainer

    def diverging(config: ModelConfig, *arguments: Any, **more: Any) -> Trainer:
        if config != TOY:
            raise TrainingError("Training diverged at step 3.")
        return make(config, *arguments, **more)

    monkeypatch.setattr(compare, "Trainer", diverging)
    status, out, err = shell("compare", played, *MOMENT, "--json", model=False)
    assert (status, err) == (1, "rhythmvae: dense, 2 latents (toy): Training diverged at step 3.\n")
    assert [row["name"] for row in json.loads(out)["rows"]] == NAMES[1:]


@pytest.mark.usefixtures("_toy_contest")
def test_compare_tells_of_files_it_cannot_read(shell, played):
    (played / "bad.mid").write_bytes(b"no MIDI")
    status, _, err = shell("compare", played, *MOMENT, "--only", "per-step-mean", model=False)
    assert status == 1
    assert re.fullmatch(r"rhythmvae: bad\.mid: expected a MIDI file.+\n", err)


@pytest.mark.parametrize(
    ("options", "match"),
    [
        (["--minutes", 0], "minutes a row"),
        (["--minutes", "nan"], "minutes a row"),
        (["--minutes", 5, "--quick"], "not allowed with"),
        (["--only", "rnn"], "rows out of dense, cnn, gru, lstm, rhythmvae, pca"),
        (["--only", ","], "names with commas"),
        (["--unseen", "8"], "out of drummer1, drummer5, drummer7, got '8'"),
        (["--unseen", "1,5,7"], "train on that are not by drummer1, drummer5, drummer7"),
        (["--precision", "int8"], "invalid choice"),
        (["--out", "nul\0"], "folder to write to"),
    ],
    ids=lambda value: ascii(value)[:24],
)
def test_comparisons_that_cannot_be(shell, played, options, match):
    shell.refuses("compare", played, *options, model=False, match=match)


def test_info(shell, tmp_path):
    status, out, _ = shell("info", shell.toy, model=False)
    assert status == 0
    assert "a toy" in out
    assert shell.json("info", shell.toy, model=False)["model"]["width"] == 16
    shell.refuses("info", tmp_path / "none", model=False, match="no such file")


# -- train

SMALL = ["--latent-size", 32, "--width", 16, "--depth", 1, "--epochs", 2]


def test_train_writes_a_model_that_works(shell, folder, song, tmp_path):
    out = tmp_path / "m.safetensors"
    card = shell.json(
        "train", folder / "a.mid", folder / "sub/a.mid", "--out", out, *SMALL, "--about", "x", model=False
    )
    for command in (["sample"], ["vary", song, "--set", "density=0.5"]):
        assert shell(*command, "--out", tmp_path / "new", "--checkpoint", out, model=False)[0] == 0
    assert keys_of(card) <= documented("info, train", "A score", "evaluate")
    assert card["about"] == "x"
    assert shell("reconstruct", song, "--out", tmp_path / "out", "--checkpoint", out, model=False)[0] == 0
    shell.refuses("train", song, "--out", out, *SMALL, model=False, match="exists; give --force")
    status, text, _ = shell("train", song, "--out", out, *SMALL, "--force", model=False)
    assert status == 0
    assert "training.steps" in text


def test_train_tells_of_files_it_cannot_read(shell, folder, tmp_path):
    status, _, err = shell("train", folder, "--out", tmp_path / "m.safetensors", *SMALL, model=False)
    assert status == 1
    assert "sub/bad.mid: expected a MIDI file" in err
    assert (tmp_path / "m.safetensors").exists()


def test_ctrl_c_keeps_the_best_so_far(shell, song, tmp_path, monkeypatch):
    step = Trainer._train_step

    def interrupted(self: Trainer) -> dict[str, float]:
        if self.step == 3:
            raise KeyboardInterrupt
        return step(self)

    monkeypatch.setattr(Trainer, "_train_step", interrupted)
    out = tmp_path / "m.safetensors"
    arguments = ["train", song, "--out", out, *SMALL[:-1], 50]
    status, _, err = shell(*arguments, model=False)
    assert (status, err) == (0, "rhythmvae: stopped; keeping the best so far\n")
    assert checkpoint.load(out).card["training"]["steps"] == 3


def test_ctrl_c_before_the_first_step_keeps_nothing(shell, song, tmp_path, monkeypatch):
    def interrupted(_: Trainer) -> dict[str, float]:
        raise KeyboardInterrupt

    monkeypatch.setattr(Trainer, "_train_step", interrupted)
    status, out, err = shell("train", song, "--out", tmp_path / "m.safetensors", *SMALL, model=False)
    assert (status, out, err) == (130, "", "rhythmvae: interrupted\n")
    assert not (tmp_path / "m.safetensors").exists()


def test_resume_goes_on(shell, folder, tmp_path, monkeypatch):
    out = tmp_path / "m.safetensors"
    arguments = ["train", folder / "a.mid", folder / "sub/a.mid", "--out", out, *SMALL, "--json"]
    shell.refuses(*arguments, "--resume", model=False, match="Expected an interrupted run")
    with monkeypatch.context() as patch:
        from rhythmvae.training.run import TrainingRun

        def crash(*_: TrainingRun) -> dict[str, Any]:
            raise KeyboardInterrupt

        patch.setattr(TrainingRun, "finish", crash)
        assert shell(*arguments, model=False)[0] == 130
    assert (tmp_path / "m.safetensors.resume").exists()
    status, text, _ = shell(*arguments, "--resume", model=False)
    assert (status, json.loads(text)["training"]["steps"]) == (0, 2)
    assert not (tmp_path / "m.safetensors.resume").exists()


def test_fine_tuning(shell, song, tmp_path):
    arguments = ["train", song, "--out", tmp_path / "m.safetensors", "--epochs", 1]
    assert shell.json(*arguments, "--init", shell.toy, model=False)["model"]["width"] == 16
    shell.refuses(*arguments, "--force", "--init", shell.toy, "--width", 32, model=False, match="either --init or")
    shell.refuses(*arguments, "--force", "--init", tmp_path / "no", model=False, match="no such file")


@pytest.mark.parametrize(
    ("options", "match"),
    [
        (["--epochs", 0], "epoch"),
        (["--max-minutes", -1], "time limit"),
        (["--learning-rate", "nan"], "learning rate"),
        (["--l2", -1], "l2"),
        (["--kl", "nan"], "weight kl"),
        (["--threads", 0], "threads"),
        (["--width", 7], "width"),
        (["--arch", "rnn"], "invalid choice"),
        (["--seed", -1], "seed"),
    ],
    ids=str,
)
def test_training_that_cannot_be(shell, song, tmp_path, options, match):
    shell.refuses("train", song, "--out", tmp_path / "m.safetensors", *options, model=False, match=match)


def test_the_place_to_write_to_is_checked_first(shell, song, tmp_path):
    shell.refuses("train", song, "--out", tmp_path, "--force", *SMALL, model=False, match="Is a directory")


def test_names_that_are_not_imported_are_still_the_models():
    from rhythmvae.model.vae import PRESETS

    assert tuple(PRESETS) == cli.FAMILY_NAMES
    assert trainer.MAX_SEED == cli.MAX_SEED


# -- app


@pytest.mark.parametrize("headless", [False, True])
def test_app_starts_streamlit_on_the_app(monkeypatch, headless):
    calls: list[list[str]] = []
    monkeypatch.chdir("/")
    monkeypatch.setattr(cli.os, "execv", lambda program, command: calls.append(command))
    cli.main(["app", "--port", "9999", *(["--headless"] if headless else [])])
    [command] = calls
    assert command[:4] == [sys.executable, "-m", "streamlit", "run"]
    assert Path(command[4]) == ROOT / "app.py"
    assert Path(command[4]).is_file()
    assert Path.cwd() == ROOT
    assert command[5:7] == ["--server.port", "9999"]
    assert ("--server.headless" in command) == headless


def test_app_takes_data_for_its_train_page(monkeypatch, tmp_path, shell):
    from rhythmvae.ui.parts.dataset import FOLDER_VARIABLE

    assert cli.DATA_VARIABLE == FOLDER_VARIABLE
    monkeypatch.setattr(cli.os, "execv", lambda *_: None)
    monkeypatch.setenv(FOLDER_VARIABLE, "")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "loops").mkdir()
    cli.main(["app", "--data", "loops", "--data", str(tmp_path)])
    assert os.environ[FOLDER_VARIABLE] == f"{tmp_path / 'loops'}{os.pathsep}{tmp_path}"
    shell.refuses("app", "--data", tmp_path / "nowhere", model=False, match="Expected a folder or file in --data")


def test_app_takes_a_port_that_can_be(shell):
    shell.refuses("app", "--port", 70_000, model=False, match="port from 1 to 65535")


# -- processes


def test_a_file_that_cannot_be_read_does_not_wait_for_torch(folder, tmp_path):
    code = (
        "import sys; from rhythmvae.cli.commands import main; status = main(sys.argv[1:]); "
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
