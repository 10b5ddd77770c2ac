"""A few of the hostile inputs that `python -m benchmarks.hostile` makes: each is read, or refused in a sentence."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest

from benchmarks.hostile import archives, largest, midi, trees
from benchmarks.hostile.entries import ENTRIES, batch, made
from benchmarks.hostile.measure import MAX_SECONDS, problem_of
from rhythmvae.cli.documents import MAX_LATENTS_FILES, MAX_LATENTS_VALUES, VALUES_A_BRACKET, parse_latents
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

N_INPUTS = dict.fromkeys(ENTRIES, 250) | {"checkpoint": 80, "library": 40}
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


def test_a_document_has_no_more_files_than_it_can_have_latents_of() -> None:
    """Refused without a look at each, which took 2.5 s for 600,000 of them. An entry that `encode` writes fits."""
    entry = {"input": "a", "n_steps": 32, "tempos": [[0, 120]], "meters": [[0, 4, 4]], "windows": []}
    said = json.dumps(entry)
    least = said.count(",") + 1 + VALUES_A_BRACKET * (said.count("[") + said.count("{"))
    assert least * MAX_LATENTS_FILES > 0.85 * MAX_LATENTS_VALUES
    head = '{"version": 1, "command": "encode", "checkpoint": "", "files": [%s]}'
    assert len(parse_latents(head % ",".join([said] * 9))[1]) == 9
    with pytest.raises(LatentsError, match="at most 85,000 files"):
        parse_latents(head % ",".join(['{"input":""}'] * (MAX_LATENTS_FILES + 1)))


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
        (notes, MAX_PARTS // 16 + 1, "channels"),
        (b"", MAX_TRACKS, "tracks"),
    ):
        tracks = [midi.chunk(b"MTrk", body)] * (n + 1)
        with pytest.raises(MidiError, match=f"at most .,000 {said}"):
            read_midi(midi.header(1, len(tracks), 480) + b"".join(tracks), "a.mid")


def test_meters_that_all_come_behind_the_drums_are_none() -> None:
    meters = b"".join(midi.number(60) + b"\xff\x58\x04" + bytes([1 + i % 9, 2, 24, 8]) for i in range(MAX_CHANGES + 2))
    groove, report = read_midi(midi.header(0, 1, 480) + midi.chunk(b"MTrk", b"\x00\x99\x24\x64" + meters), "a.mid")
    assert groove.meters == (Meter(0.0, 4, 4),)
    assert "meter_late" in [change.kind for change in report.changes]


def test_a_small_member_is_read_as_zipfile_reads_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def read(data: bytes) -> object:
        try:
            found = files.sources_from_bytes(data, "a.zip")
        except CorpusError as error:
            return str(error)
        return [(source.name, bytes_of(source)) for source in found], found.n_skipped, found.remarks

    def bytes_of(source: files.Source) -> bytes | str:
        try:
            return source.read()
        except MidiError as error:
            return str(error)

    peek = files._peek
    n_whole = 0

    def counted(*asked: Any) -> tuple[bytes | None, bytes | None]:
        nonlocal n_whole
        head, whole = peek(*asked)
        n_whole += whole is not None
        return head, whole

    zips = [made("zip", SEED, index, is_large=False) for index in range(200)]
    monkeypatch.setattr(files, "_peek", counted)
    short = [read(data) for data in zips]
    monkeypatch.setattr(files, "_peek", lambda *asked: (peek(*asked)[0], None))
    assert short == [read(data) for data in zips]
    assert n_whole > 100


@pytest.mark.parametrize("lies", [{"crc": 1}, {"unpacked": 3}, {"local n_name": 4}])
def test_a_small_member_that_is_not_as_said_is_left_to_zipfile(lies: dict[str, int]) -> None:
    data = largest.zip_of([archives.Member(b"a.mid", midi.valid()[0], 8, lies=lies)])
    with files.open_zip(io.BytesIO(data), "a.zip") as archive:
        [member] = archive.infolist()
        assert files._peek(archive, member, 1 << 20)[1] is None
    data = largest.zip_of([archives.Member(b"a.mid", midi.valid()[0], 8)])
    with files.open_zip(io.BytesIO(data), "a.zip") as archive:
        [member] = archive.infolist()
        assert files._peek(archive, member, archive.start_dir)[1] == midi.valid()[0]
        assert files._peek(archive, member, archive.start_dir - 1)[1] is None  # it reaches into what follows


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
