"""Options that several commands share."""

from __future__ import annotations

from typing import Any

import pytest
from helpers import note, smf


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
