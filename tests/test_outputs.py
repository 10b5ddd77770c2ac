"""Files are written whole or not at all; names are unique; zips repeat."""

import io
import os
import zipfile

import pytest

from rhythmvae.errors import UsageError
from rhythmvae.outputs import UniqueNames, check_file, check_folder, unique_files, whole_file, write_whole, zip_of


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no pipes among its files")
def test_a_file_does_not_take_the_place_of_a_pipe_or_device(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(UsageError, match="is a device"):
        check_file(tmp_path / "pipe")


def test_a_file_is_written_and_written_over(tmp_path):
    path = tmp_path / "new" / "folder" / "a.bin"
    write_whole(path, b"first")
    write_whole(path, b"second")
    assert path.read_bytes() == b"second"
    assert os.listdir(path.parent) == ["a.bin"]


@pytest.mark.parametrize("failure", [OSError("disk full"), KeyboardInterrupt()])
def test_a_failure_keeps_the_old_file_and_leaves_nothing_behind(tmp_path, failure):
    path = tmp_path / "a.bin"
    path.write_bytes(b"old")

    def write_half() -> None:
        with whole_file(path) as scratch:
            scratch.write_bytes(b"half of the n")
            raise failure

    with pytest.raises(type(failure)):
        write_half()
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["a.bin"]


def test_a_place_that_cannot_be_written_is_said_before_the_work(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    check_folder(tmp_path / "made" / "here")
    check_file(tmp_path / "made" / "model.bin")
    assert os.listdir(tmp_path / "made") == ["here"]  # and nothing is left of the trial
    with pytest.raises(UsageError, match="Expected a folder to write to in --out"):
        check_folder(tmp_path / "file" / "below")
    for path in (tmp_path, tmp_path / "file" / "below", tmp_path / "a\0b" / "c"):
        with pytest.raises(UsageError, match="Expected a file to write to in --out"):
            check_file(path)


def test_a_name_is_given_once():
    names = UniqueNames(["Funk"])
    assert [names.add(name) for name in ("Funk", "Rock", "Funk", "Rock", "Rock (2)")] == [
        "Funk (2)",
        "Rock",
        "Funk (3)",
        "Rock (2)",
        "Rock (2) (2)",
    ]
    assert not names.is_free("Rock")
    assert names.is_free("rock")


def test_files_are_different_where_case_and_composition_do_not_count():
    names = unique_files()
    assert [names.add(stem, ".mid") for stem in ("Ré", "re\u0301", "RÉ~2")] == [
        "Ré.mid",
        "re\u0301~2.mid",
        "RÉ~2~2.mid",
    ]


def test_a_zip_has_the_same_bytes_each_time():
    files = [("b/a.mid", b"x" * 1000), ("c.mid", b"")]
    data = zip_of(files)
    assert data == zip_of(iter(files))
    assert len(data) < 500
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert [(name, archive.read(name)) for name in archive.namelist()] == files
