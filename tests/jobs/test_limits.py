"""Limits of training, from a file and from nowhere."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import pytest

from rhythmvae.errors import UsageError
from rhythmvae.jobs.limits import Limits

ROOT = Path(__file__).parents[2]


def test_the_shipped_limits_name_all_there_are():
    path = ROOT / ".streamlit" / "training.toml"
    assert isinstance(Limits.load(path), Limits)
    assert all(f"\n{field.name} = " in path.read_text("utf-8") for field in fields(Limits))


def test_limits_from_a_file(tmp_path):
    file = tmp_path / "limits.toml"
    file.write_text("queued = 0\nminutes = 2.5\n")
    limits = Limits.load(file)
    assert limits == Limits(queued=0, minutes=2.5)
    assert limits.backstop_minutes == 12.5


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("runing = 1", r"Unknown limit 'runing' in limits.toml; there are running, queued"),
        ("running = 0", r"Expected a whole number above 0 as the limit running, got 0; its usual value is 1"),
        ("queued = -1", r"a whole number from 0 up as the limit queued, got -1"),
        ("kept = 2.0", r"a whole number above 0 as the limit kept, got 2.0"),
        ("running = true", r"got True"),
        ("minutes = nan", r"Expected a number above 0 as the limit minutes, got nan"),
        ("minutes = inf", r"got inf"),
        ("minutes = 0", r"got 0"),
        ("pause_minutes = 'x'", r"a number from 0 up as the limit pause_minutes, got 'x'"),
        ("minutes =", r"Expected limits of training as TOML in limits.toml"),
        ("\xff", r"as TOML in limits.toml"),
        (None, r"limits.toml: No such file"),
    ],
)
def test_bad_limits(tmp_path, text, sentence):
    file = tmp_path / "limits.toml"
    if text is not None:
        file.write_text(text, "latin-1")
    with pytest.raises(UsageError, match=sentence):
        Limits.load(file)
