"""The parser: help, names that are nearly right, and options that several commands share."""

from __future__ import annotations

import argparse
import shlex
from typing import Any

import pytest
from helpers import note, smf

import rhythmvae
from rhythmvae.analysis.descriptors import SLIDERS
from rhythmvae.cli.entry import build_parser
from rhythmvae.kit import VOICE_KEYS


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
        (["--nonsense"], "unknown option --nonsense "),
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


# -- help


def commands() -> dict[str, argparse.ArgumentParser]:
    [found] = [action for action in build_parser()._actions if isinstance(action, argparse._SubParsersAction)]
    return dict(found.choices)


@pytest.mark.parametrize("name", commands())
def test_help_has_an_example_that_parses_and_says_every_default(name):
    command = commands()[name]
    text = " ".join(command.format_help().split())
    _, example = text.split(" example: ")
    for call in filter(None, (call.split(">")[0] for call in example.split("rhythmvae ")[1:2])):
        assert build_parser().parse_args(shlex.split(call)).command == name
    for action in command._actions:
        assert action.help, action.dest
        if action.option_strings and action.nargs != 0 and action.default not in (None, "", [], ()):
            shown = f"{action.default:g}" if isinstance(action.default, float) else action.default
            assert f"(default: {shown})" in text, action.dest
        if action.choices is not None:
            assert all(str(choice) in text for choice in action.choices)


def test_help_lists_sliders_and_voices(shell):
    _, out, _ = shell("vary", "--help", model=False)
    text = " ".join(out.split())
    assert f"sliders: {', '.join(SLIDERS)} " in text
    assert f"note for note: {', '.join(VOICE_KEYS)} " in text
    assert f"voices: {', '.join(VOICE_KEYS)}, none " in text


def test_version(shell):
    assert shell("--version", model=False)[:2] == (0, f"rhythmvae {rhythmvae.__version__}\n")


# -- did you mean


@pytest.mark.parametrize(
    ("words", "near"),
    [
        (["recnstruct", "x"], "reconstruct"),
        (["sample", "--ot", "x"], "--out"),
        (["sample", "--temprature=1"], "--temperature"),
        (["train", "x", "--out", "y", "--arch", "atention"], "attention"),
        (["evaluate", "x", "--split", "vaildation"], "validation"),
        (["sample", "--out", "new", "--style", "jaz"], "jazz"),
        (["sample", "--out", "new", "--style", "Funk"], "funk"),
        (["vary", "x", "--out", "new", "--set", "densty=0.4"], "density"),
        (["vary", "x", "--out", "new", "--keep", "kik"], "kick"),
        (["reconstruct", "x", "--out", "new", "--map", "44=snar"], "snare"),
        (["completion", "bsh"], "bash"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_a_name_that_is_nearly_right_is_answered_with_the_right_one(shell, words, near):
    shell.refuses(*words, model=False, match=rf"did you mean {near}\?")


def test_a_group_is_answered_with_its_voices(shell):
    shell.refuses("vary", "x", "--out", "new", "--keep", "hats", model=False, match="its voices, closed_hat,open_hat")


def test_a_name_that_is_near_nothing_is_answered_with_all_there_are(shell):
    shell.refuses("sample", "--xyzzy", model=False, match="unknown option --xyzzy .see `rhythmvae sample --help`")
    shell.refuses("xyzzy", model=False, match="expected one of reconstruct, .*, got 'xyzzy' .see `rhythmvae --help`")


def test_options_may_be_shortened_and_what_follows_two_dashes_is_no_option(shell, song, tmp_path):
    assert shell("sample", "--out", tmp_path / "new", "--temper", 0.5)[0] == 0
    shell.refuses("encode", "--json", "--", "--nonsense", model=False, match="got --nonsense, which does not exist")
