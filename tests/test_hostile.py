"""A few of the hostile inputs that `python -m benchmarks.hostile` makes: each is read, or refused in a sentence."""

from __future__ import annotations

import json
from typing import Any

import pytest

from benchmarks.hostile import archives, largest, midi, trees
from benchmarks.hostile.entries import ENTRIES, batch, made
from benchmarks.hostile.measure import MAX_SECONDS, problem_of
from rhythmvae.cli.documents import MAX_LATENTS_VALUES, VALUES_A_BRACKET, parse_latents
from rhythmvae.data import files
from rhythmvae.data.examples import example
from rhythmvae.errors import CheckpointError, CorpusError, LatentsError, MidiError, UsageError
from rhythmvae.groove import MAX_CHANGES, Meter, frame_from_numbers
from rhythmvae.midi.read import read_midi
from rhythmvae.midi.smf import MAX_PARTS, MAX_TRACKS
from rhythmvae.model.card import FORMAT, MAX_HEADER_VALUES, json_of, parse_header
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
    with pytest.raises(LatentsError, match="encode fewer files"):
        parse_latents(text.replace("[]", "[" + "[]," * (MAX_LATENTS_VALUES // VALUES_A_BRACKET) + "[]]"))


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
    notes = b"".join(bytes([0, 0x90 | channel, 36, 100]) for channel in range(16))
    for body, n, said in (
        (b"\x00\x99\x24\x64", MAX_PARTS, "channels"),
        (notes, MAX_PARTS // 16, "channels"),
        (b"", MAX_TRACKS, "tracks"),
    ):
        tracks = [midi.chunk(b"MTrk", body)] * (n + 1)
        with pytest.raises(MidiError, match=f"at most .0,000 {said}"):
            read_midi(midi.header(1, len(tracks), 480) + b"".join(tracks), "a.mid")


def test_meters_that_all_come_behind_the_drums_are_none() -> None:
    meters = b"".join(midi.number(60) + b"\xff\x58\x04" + bytes([1 + i % 9, 2, 24, 8]) for i in range(MAX_CHANGES + 2))
    groove, report = read_midi(midi.header(0, 1, 480) + midi.chunk(b"MTrk", b"\x00\x99\x24\x64" + meters), "a.mid")
    assert groove.meters == (Meter(0.0, 4, 4),)
    assert "meter_late" in [change.kind for change in report.changes]


def test_what_is_broken_at_its_end_counts_as_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "MAX_TOTAL_BYTES", 50_000)
    members = [archives.Member(b"%d.mid" % i, b"MThd" + bytes(20_000), 8, lies={"crc": 1}) for i in range(3)]
    with pytest.raises(CorpusError, match="of MIDI in a zip, got more"):
        files.sources_from_zip(largest.zip_of(members), "a.zip")
    assert len(files.sources_from_zip(largest.zip_of(members[:2]), "a.zip")) == 2


def test_what_holds_too_much_is_refused_before_it_is_parsed() -> None:
    header = b'{"x": [' + b"0," * MAX_HEADER_VALUES + b"0]}"
    with pytest.raises(CheckpointError, match="holds too much"):
        parse_header(len(header).to_bytes(8, "little") + header, "a")
    with pytest.raises(LatentsError, match="encode fewer files"):
        parse_latents("[" + "0," * (MAX_LATENTS_VALUES + 1) + "0]")
    with pytest.raises(ValueError, match="more than"):
        frame_from_numbers(32, [[0, 120]], [[i / MAX_CHANGES, 4, 4] for i in range(MAX_CHANGES + 1)])


@pytest.mark.parametrize("entry", ["link"])  # the others take seconds
def test_the_largest_inputs_are_read_or_refused(entry: str) -> None:
    for name, make in largest.LARGEST[entry].items():
        assert not problem_of(ENTRIES[entry].read, make()), name


def test_odd_values_are_of_every_kind() -> None:
    assert {type(value) for value in trees.ODD} == {type(None), bool, int, float, str, list, dict}
