"""Files, folders and zips, and what nobody should be able to do with them."""

from __future__ import annotations

import io
import os
import struct
import zipfile
from pathlib import Path, PurePosixPath

import pytest
from helpers import rock, smf
from hypothesis import given, settings
from hypothesis import strategies as st

from rhythmvae.data import files
from rhythmvae.data.files import (
    Found,
    Source,
    find_sources,
    members,
    output_names,
    sources_from_bytes,
    sources_from_zip,
)
from rhythmvae.errors import CorpusError, MidiError, UsageError
from rhythmvae.midi.smf import MAX_FILE_BYTES

MIDI = smf(rock())


def write(folder: Path, *names: str, data: bytes = MIDI) -> None:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


def zipped(**members: bytes) -> bytes:
    return zipped_names(members)


def zipped_names(members: dict[str, bytes], compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def names(found: Found) -> list[str]:
    return [s.name for s in found]


# -- files and folders


def test_a_single_file_is_a_source_whatever_it_holds(tmp_path):
    write(tmp_path, "a.mid")
    write(tmp_path, "notes.txt", data=b"no MIDI")
    found = find_sources([tmp_path / "notes.txt", tmp_path / "a.mid"])
    assert names(found) == ["notes.txt", "a.mid"]
    assert found[1].read() == MIDI
    assert found[0].read() == b"no MIDI"


def test_a_folder_is_searched_below_sorted_and_by_content(tmp_path):
    write(tmp_path, "b.mid", "a/z.MID", "a/b/no_extension", ".hidden", "wrong.txt", "é 🥁.mid")
    write(tmp_path, "readme.md", "a/table.csv", data=b"text")
    found = find_sources([tmp_path])
    assert names(found) == [".hidden", "b.mid", "wrong.txt", "é 🥁.mid", "a/z.MID", "a/b/no_extension"]
    assert found.n_skipped == 2
    assert found[0].origin == str(tmp_path)
    assert all(s.read() == MIDI for s in found)


@pytest.mark.parametrize(
    ("encoding", "name"), [("cp932", "ドラム/太鼓.mid"), ("cp1251", "Барабаны.mid"), ("utf-8", "é.mid")]
)
def test_names_in_a_zip_that_does_not_say_how_it_writes_them(encoding, name):
    stand_in = "x" * len(name.encode(encoding))
    data = zipped_names({stand_in: MIDI}).replace(stand_in.encode(), name.encode(encoding))
    assert names(sources_from_zip(data, "pack.zip")) == [name]


def test_a_file_named_as_midi_that_is_none_does_not_vanish(tmp_path):
    write(tmp_path, "a.mid")
    write(tmp_path, "broken.mid", data=b"\x1f\x8b")
    write(tmp_path, "._a.mid", data=b"\x00\x05\x16\x07" + bytes(100))  # what macOS puts beside
    found = find_sources([tmp_path])
    assert names(found) == ["a.mid", "broken.mid"]
    assert found.n_skipped == 1


def test_links_out_of_the_folder_are_not_followed(tmp_path):
    write(tmp_path, "outside/secret.mid", "inside/a.mid")
    inside = tmp_path / "inside"
    (inside / "out.mid").symlink_to(tmp_path / "outside/secret.mid")
    (inside / "out").symlink_to(tmp_path / "outside")
    (inside / "loop").symlink_to(inside)
    (inside / "gone.mid").symlink_to(tmp_path / "nowhere")
    (inside / "again.mid").symlink_to(inside / "a.mid")
    assert names(find_sources([inside])) == ["a.mid", "again.mid"]


def test_a_pipe_can_be_given_and_one_in_a_folder_is_passed_over(tmp_path):
    write(tmp_path, "a.mid")
    os.mkfifo(tmp_path / "pipe.mid")
    assert names(find_sources([tmp_path])) == ["a.mid"]
    assert names(find_sources([tmp_path / "pipe.mid"])) == ["pipe.mid"]


@pytest.mark.parametrize("path", ["nowhere.mid", "no\x00where", "x" * 5_000])
def test_a_path_that_does_not_exist(tmp_path, path):
    with pytest.raises(UsageError, match=r"Expected .*, got .*; check the path") as caught:
        find_sources([tmp_path / path])
    assert str(caught.value).isprintable()


def test_no_path_at_all():
    with pytest.raises(UsageError, match="at least one"):
        find_sources([])


def test_no_midi_at_all(tmp_path):
    write(tmp_path, "readme.md", data=b"text")
    write(tmp_path, "pack.zip", data=zipped(a=MIDI))
    with pytest.raises(CorpusError, match=r"found none \(2 other files\).* not opened: pack.zip; give them"):
        find_sources([tmp_path])


def test_too_many_files(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "MAX_FILES", 2)
    write(tmp_path, "a.mid", "b.mid", "c.mid")
    with pytest.raises(CorpusError, match="at most 2 MIDI files"):
        find_sources([tmp_path])
    with pytest.raises(CorpusError, match="it lists 3 files, at most 2 are read"):
        sources_from_zip(zipped(a=MIDI, b=MIDI, c=MIDI), "z.zip")


def test_a_large_file_is_refused_when_read(tmp_path):
    write(tmp_path, "large.mid", data=MIDI + bytes(MAX_FILE_BYTES))
    write(tmp_path, "z.zip", data=zipped(large=MIDI + bytes(MAX_FILE_BYTES)))
    for source in find_sources([tmp_path / "large.mid", tmp_path / "z.zip"]):
        with pytest.raises(MidiError, match="at most 8 MB"):
            source.read()


def test_a_file_that_goes_away(tmp_path):
    write(tmp_path, "a.mid")
    source = find_sources([tmp_path])[0]
    (tmp_path / "a.mid").unlink()
    with pytest.raises(MidiError, match=r"a\.mid: expected a readable file"):
        source.read()


# -- zips


def test_a_zip_is_one_by_content(tmp_path):
    data = zipped_names({"pack/b.mid": MIDI, "pack/a": MIDI, "info.csv": b"text", "take.wav": b"RIFF" + bytes(9_999)})
    write(tmp_path, "pack.dat", data=data)
    for found in (find_sources([tmp_path / "pack.dat"]), sources_from_bytes(data, "pack.dat")):
        assert names(found) == ["pack/a", "pack/b.mid"]
        assert found.n_skipped == 2
        assert [s.read() for s in found] == [MIDI, MIDI]


def test_members_of_a_zip_are_looked_up_by_the_names_that_a_search_gives(tmp_path, monkeypatch):
    sound = b"RIFF" + bytes(4) + b"WAVE" + bytes(9_999)
    of = {"pack/b.mid": MIDI, "a\\c.mid": MIDI, "ドラム.mid": MIDI, "take.wav": sound, "broken.mid": MIDI * 99}
    data = zipped_names(of, zipfile.ZIP_STORED).replace(MIDI * 99, MIDI * 98 + bytes(len(MIDI)))
    write(tmp_path, "pack.zip", data=data)
    expected = {source.name: source for source in find_sources(tmp_path / "pack.zip", audio=True)}
    read = []
    reading = files._read_member
    monkeypatch.setattr(files, "_read_member", lambda *args: (read.append(args[1].filename), reading(*args))[1])
    with members(tmp_path / "pack.zip", audio=True) as look:
        for name, source in expected.items():
            found = look(name)
            assert found is not None, name
            assert (found.name, found.sound is None) == (name, source.sound is None)
        assert look("nowhere.mid") is None
        assert read == []  # until one is asked for
        assert look("pack/b.mid").read() == MIDI
        with pytest.raises(MidiError, match=r"broken\.mid: expected a readable file in pack\.zip"):
            look("broken.mid").read()
    with pytest.raises(CorpusError, match="expected a zip"), members(Path(__file__)):
        pass


def test_bytes_that_are_no_zip_are_one_file():
    found = sources_from_bytes(MIDI, "upload.mid")
    assert [(s.name, s.read()) for s in found] == [("upload.mid", MIDI)]


def test_a_zip_in_a_zip_is_not_opened_and_said():
    found = sources_from_zip(zipped_names({"a.mid": MIDI, "inner.zip": zipped(b=MIDI)}), "z.zip")
    assert names(found) == ["a.mid"]
    assert found.remarks == ("Archives inside are not opened: inner.zip; give them by themselves.",)


def test_nothing_is_unpacked(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    found = sources_from_zip(zipped_names({"../up.mid": MIDI, "/abs.mid": MIDI, "..\\win.mid": MIDI}), "z.zip")
    assert len(found) == 3
    assert not list(tmp_path.parent.glob("*.mid"))
    assert not list(tmp_path.iterdir())


def flipped(data: bytes, at: int, mask: int = 0xFF) -> bytes:
    return data[:at] + bytes([data[at] ^ mask]) + data[at + 1 :]


def test_a_damaged_member_is_an_error_of_its_own():
    data = zipped_names({"a.mid": MIDI, "b.mid": MIDI, "c.txt": b"text"}, zipfile.ZIP_STORED)
    found = sources_from_zip(flipped(data, data.index(MIDI) + 60), "z.zip")
    assert names(found) == ["a.mid", "b.mid"]
    with pytest.raises(MidiError, match=r"a\.mid: expected a readable file in z\.zip, got .*CRC"):
        found[0].read()
    assert found[1].read() == MIDI


def test_an_encrypted_member_is_an_error_of_its_own():
    data = bytearray(zipped_names({"a.mid": MIDI, "b.txt": MIDI}))
    for magic, at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.index(magic) + at] |= 1
    found = sources_from_zip(bytes(data), "z.zip")
    with pytest.raises(MidiError, match="encrypted"):
        found[0].read()
    assert found[1].read() == MIDI


@pytest.mark.parametrize("compression", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_other_compressions_are_refused(compression):
    with pytest.raises(MidiError, match="not deflate"):
        sources_from_zip(zipped_names({"a.mid": MIDI}, compression), "z.zip")[0].read()


@pytest.mark.parametrize("data", [b"PK\x03\x04", b"PK\x03\x04" + bytes(500), b"PK\x05\x06" + b"\xff" * 18])
def test_what_only_begins_as_a_zip(data):
    with pytest.raises(CorpusError, match=r"^z\.zip: expected a zip, got one that cannot be opened"):
        sources_from_bytes(data, "folder/z.zip")


def test_a_bomb_ends_at_the_limits(monkeypatch):
    bomb = MIDI + bytes(3 * MAX_FILE_BYTES)
    data = zipped_names({f"{i}.mid": bomb for i in range(4)})
    assert len(data) < 200_000
    monkeypatch.setattr(files, "MAX_TOTAL_BYTES", 3 * MAX_FILE_BYTES)
    with pytest.raises(CorpusError, match="at most 24 MB of MIDI"):
        sources_from_zip(data, "z.zip")


def test_a_size_in_the_header_is_not_believed():
    data = bytearray(zipped_names({"a.mid": MIDI + bytes(2 * MAX_FILE_BYTES)}))
    size_at = data.index(b"PK\x01\x02") + 24
    data[size_at : size_at + 4] = struct.pack("<I", 100)
    with pytest.raises(MidiError):
        sources_from_zip(bytes(data), "z.zip")[0].read()


def test_a_large_table_of_contents_is_not_read(monkeypatch):
    monkeypatch.setattr(files, "MAX_DIRECTORY_BYTES", 100_000)
    with pytest.raises(CorpusError, match="table of contents"):
        sources_from_zip(zipped_names({f"{i:0100}": b"" for i in range(1_000)}), "z.zip")


def test_the_entries_of_a_table_are_counted_before_they_are_read(monkeypatch):
    """What it says of their number is not believed."""
    data = zipped_names({str(i): b"" for i in range(files.MAX_FILES + 1)}, zipfile.ZIP_STORED)
    end = data.rindex(b"PK\x05\x06")
    data = data[: end + 8] + struct.pack("<HH", 3, 3) + data[end + 12 :]
    monkeypatch.setattr(zipfile, "ZipInfo", None)  # an entry that is read ends in another error
    with pytest.raises(CorpusError, match=r"it lists 20,001 files, at most 20,000 are read"):
        sources_from_zip(data, "z.zip")


def test_a_member_without_a_name():
    found = sources_from_zip(zipped_names({"a.mid": MIDI}).replace(b"a.mid", b"\0.mid"), "z.zip")
    assert names(found) == [""]
    assert found[0].read() == MIDI
    assert output_names(found) == ["unnamed.mid"]


def test_whatever_zipfile_raises_is_a_sentence_with_its_cause(monkeypatch):
    def fail(*_):
        raise IndexError("string index out of range")

    monkeypatch.setattr(zipfile.ZipFile, "_RealGetContents", fail)
    with pytest.raises(CorpusError, match=r"cannot be opened \(string index out of range\)") as caught:
        sources_from_zip(zipped(a=MIDI), "z.zip")
    assert isinstance(caught.value.__cause__, IndexError)


def test_a_large_zip_in_memory_is_refused(monkeypatch):
    monkeypatch.setattr(files, "MAX_ZIP_BYTES", 100)
    with pytest.raises(CorpusError, match="expected a zip of at most"):
        sources_from_bytes(zipped(a=MIDI), "z.zip")


ARCHIVE = zipped_names({"a.mid": MIDI, "folder/b": MIDI, "c.txt": b"text" * 50})


@given(st.lists(st.tuples(st.integers(0, len(ARCHIVE) - 1), st.binary(max_size=4)), min_size=1, max_size=6))
@settings(max_examples=200, deadline=None, derandomize=True)
def test_mutated_zips_raise_nothing_but_our_errors(changes):
    data = bytearray(ARCHIVE)
    for at, replacement in changes:
        data[at : at + len(replacement)] = replacement
    try:
        found = sources_from_bytes(bytes(data), "fuzz.zip")
    except CorpusError:
        return
    for source in found:
        try:
            source.read()
        except MidiError as error:
            assert str(error).isprintable()  # noqa: PT017 - it need not be raised


# -- names of outputs


def outputs(*source_names: str) -> list[str]:
    return output_names([Source(n, "x", lambda: b"") for n in source_names])


@pytest.mark.parametrize(
    ("name", "output"),
    [
        ("a.mid", "a.mid"),
        ("a.MIDI", "a.mid"),
        ("folder/sub/take 1.mid", "folder/sub/take 1.mid"),
        ("no_extension", "no_extension.mid"),
        ("..hidden.mid", "..hidden.mid"),
        (" leading space.mid", " leading space.mid"),
        ("emoji_🥁.mid", "emoji_🥁.mid"),
        ("percent%20%s{}.mid", "percent%20%s{}.mid"),
        ("a#b.mid", "a#b.mid"),
        ("../../etc/passwd", "etc/passwd.mid"),
        ("/abs/./x.mid", "abs/x.mid"),
        ("..\\..\\win.mid", "win.mid"),
        ("..", "unnamed.mid"),
        ("", "unnamed.mid"),
        ("a\x00b\nc.mid", "a_b_c.mid"),
        ("bad\udcff.mid", "bad_.mid"),
    ],
)
def test_an_output_mirrors_its_input(name, output):
    assert outputs(name) == [output]


def test_outputs_that_would_meet():
    assert outputs("b.mid", "a.midi", "a.mid", "A.mid", "a~2.mid") == [
        "b.mid",
        "a~4.mid",
        "a~3.mid",
        "A.mid",
        "a~2.mid",
    ]
    assert outputs("a.mid", "a.mid", "a.mid") == ["a.mid", "a~2.mid", "a~3.mid"]
    assert outputs("é.mid", "e\u0301.mid") == ["é~2.mid", "e\u0301.mid"]


def test_a_file_gives_way_to_a_folder_of_its_name():
    assert outputs("a.mid", "a.mid/b.mid") == ["a~2.mid", "a.mid/b.mid"]


@given(st.lists(st.text(alphabet=st.sampled_from("aA./\\~2 \x00é\udcff🥁"), max_size=12), max_size=12))
@settings(max_examples=200, deadline=None, derandomize=True)
def test_outputs_are_safe_and_unique(source_names):
    result = outputs(*source_names)
    assert len({r.casefold() for r in result}) == len(source_names)
    for path in map(PurePosixPath, result):
        assert path.suffix == ".mid"
        assert not path.is_absolute()
        assert ".." not in path.parts
        assert str(path).encode()
    assert outputs(*source_names) == result


def test_long_names_fit_a_file_system(tmp_path):
    (output,) = outputs("/".join(["é" * 900] * 99) + "/x.mid")
    path = tmp_path / output
    path.parent.mkdir(parents=True)
    path.write_bytes(MIDI)
