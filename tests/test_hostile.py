"""A few of the hostile inputs that `python -m benchmarks.hostile` makes: each is read, or refused in a sentence."""

from __future__ import annotations

import json
from typing import Any

import pytest

from benchmarks.hostile import midi, trees
from benchmarks.hostile.entries import ENTRIES, batch, made
from benchmarks.hostile.measure import MAX_SECONDS, problem_of
from rhythmvae.cli.documents import MIN_BRACKETS, parse_latents
from rhythmvae.data.examples import example
from rhythmvae.errors import CheckpointError, LatentsError, MidiError, UsageError
from rhythmvae.midi.read import read_midi
from rhythmvae.midi.smf import MAX_NOTED_TRACKS
from rhythmvae.model.card import FORMAT, json_of
from rhythmvae.text import Names
from rhythmvae.training.config import MAX_DOTS, parse_config
from rhythmvae.ui.parts import belongings

N_INPUTS = dict.fromkeys(ENTRIES, 250) | {"checkpoint": 80}
SEED = 1  # another one than that of the figures


@pytest.mark.parametrize("entry", ENTRIES)
def test_hostile_inputs_are_read_or_refused(entry: str) -> None:
    tally = batch(entry, SEED, range(N_INPUTS[entry]), is_large=False)
    assert not tally.wrong
    assert tally.slowest[0] < MAX_SECONDS, tally.slowest
    assert tally.n_read  # not all are so bad that nothing behind the first check is reached
    assert tally.n_read < tally.n or entry == "belongings"  # of which what is odd is left out


@pytest.mark.parametrize("entry", ENTRIES)
def test_an_input_is_known_by_its_index(entry: str) -> None:
    assert made(entry, SEED, 3, is_large=False) == made(entry, SEED, 3, is_large=False)
    assert len({made(entry, SEED, index, is_large=False) for index in range(8)}) > 1


def test_what_is_no_error_of_ours_is_told() -> None:
    def refuse(data: Any) -> None:
        raise UsageError(data)

    def fail(data: Any) -> None:
        raise IndexError(data)

    assert problem_of(refuse, "Expected another input.") == ""
    assert problem_of(refuse, "two\nlines") is not None
    assert str(problem_of(fail, "x")).startswith("IndexError: x (test_hostile.py")
    assert problem_of(len, "x") is None


# -- found by it ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("arch" + ".a" * MAX_DOTS + ".a=1", "more than 2,000 dots"),
        ("arch" + ".a" * (MAX_DOTS - 1) + "=1", "got a table"),
        ("steps=0x" + "F" * 5_000, "got a number of more than 1,000 bits"),
        ("kl=0x" + "F" * 5_000, "Expected kl in run.toml to be a number, got a number of more than 1,000 bits"),
    ],
)
def test_a_configuration_is_refused_before_it_is_work(text: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        parse_config(text.encode(), "run.toml")


def test_lists_of_nothing_are_no_latents() -> None:
    text = json.dumps({"version": 1, "command": "encode", "checkpoint": "", "files": [{"input": "a", "more": []}]})
    assert parse_latents(text)[0] == ""
    with pytest.raises(LatentsError) as caught:
        parse_latents(text.replace("[]", "[" + "[]," * (MIN_BRACKETS + 50_000) + "[]]"))
    assert "more lists than numbers" in str(caught.value.__cause__)


def test_a_version_is_shown_as_text_that_is_one_line() -> None:
    with pytest.raises(LatentsError, match="'encode', abc"):
        parse_latents('{"version": "\\u202eabc", "command": "encode", "checkpoint": "", "files": []}')
    with pytest.raises(CheckpointError, match="has version abc"):
        json_of({"__metadata__": {FORMAT: '{"version": "\\u202eabc", "format": "rhythmvae", "model": {}}'}}, "a")


@pytest.mark.parametrize("change", [{"n_steps": 10**15}, {"meters": [[0, 0, 4]]}, {"tempos": [[0, float("nan")]]}])
def test_a_groove_out_of_a_browser_is_one_that_a_file_can_hold(change: dict[str, Any]) -> None:
    plain = belongings._plain(example("funk"))
    assert belongings._groove(plain) == example("funk")
    assert belongings._groove(plain | change) is None


def test_the_encoding_of_names_is_guessed_for_so_long() -> None:
    names = Names()
    for n in range(3_000):
        assert names.decoded(f"ドラム{n}".encode("cp932")) == f"ドラム{n}"
    assert sum(names.found.values()) < 2_500
    assert names.decoded("ü".encode()) == "ü"  # nothing to guess


def test_more_tracks_than_any_song_has_are_refused() -> None:
    tracks = [midi.chunk(b"MTrk", b"\x00\x99\x24\x64")] * (MAX_NOTED_TRACKS + 1)
    with pytest.raises(MidiError, match="at most 10,000 tracks with notes"):
        read_midi(midi.header(1, len(tracks), 480) + b"".join(tracks), "a.mid")


def test_odd_values_are_of_every_kind() -> None:
    assert {type(value) for value in trees.ODD} == {type(None), bool, int, float, str, list, dict}
