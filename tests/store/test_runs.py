"""Training runs in the database: written whole, by several processes at once."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from rhythmvae.store.database import Database
from rhythmvae.store.record import RunRecord
from rhythmvae.store.runs import Runs

ROOT = Path(__file__).parents[2]
RECORD = RunRecord(
    id="a" * 32,
    owner="0" * 64,
    home="/tmp/home",
    place=1,
    name="Ann’s loops 🥁",
    about={"n_files": 3, "minutes": 1.5},
    work={"n_files": 3},
    arguments=["train", "--out", "/tmp/home/a/m"],
    parts=[[], ["--only-judging"]],
    state="queued",
    is_ready=False,
    is_model_enough=False,
    seconds=1.5,
    paused_seconds=0.0,
    restarts=0,
    saved_at=1000.0,
    ended_at=None,
    error=None,
    warning=None,
)
WRITER = """
import sys
from dataclasses import replace
from rhythmvae.store.database import Database
from rhythmvae.store.runs import Runs
from test_runs import RECORD

runs = Runs(Database(sys.argv[1]))
for number in range(20):
    runs.save([replace(RECORD, id=f"{sys.argv[2]} {number}")])
"""


@pytest.fixture
def address(database_address: str) -> str:
    return database_address


@pytest.fixture
def runs(address: str) -> Runs:
    return Runs(Database(address))


def test_what_is_saved_is_there_for_the_next_process(runs: Runs, address: str) -> None:
    second = replace(RECORD, id="b", place=2, arguments=None, ended_at=5.0, error="no", warning="yes", is_ready=True)
    runs.save([second, RECORD])
    assert Runs(Database(address)).all() == [RECORD, second]


def test_a_run_is_replaced_and_removed(runs: Runs) -> None:
    other = replace(RECORD, id="b", place=0)
    runs.save([RECORD, other])
    runs.save([replace(RECORD, state="running")], gone=["b", "never there"])
    assert runs.all() == [replace(RECORD, state="running")]
    runs.save([], gone=[RECORD.id])
    assert runs.all() == []


def test_old_runs_are_removed(runs: Runs) -> None:
    runs.save([RECORD, replace(RECORD, id="b", saved_at=2000.0)])
    runs.remove_older(2000.0)
    assert [record.id for record in runs.all()] == ["b"]


def test_two_processes_make_the_database_and_write_to_it_at_once(address: str) -> None:
    command = [sys.executable, "-c", WRITER, address]
    path = f"{ROOT}:{Path(__file__).parent}"
    writers = [
        subprocess.Popen([*command, name], env={"PYTHONPATH": path}, stderr=subprocess.PIPE, text=True)
        for name in ("one", "two")
    ]
    for writer in writers:
        assert (writer.communicate()[1], writer.returncode) == ("", 0)
    assert len(Runs(Database(address)).all()) == 40


def test_the_pace_of_a_machine_is_kept(runs: Runs, address: str) -> None:
    assert runs.paces() == {}
    runs.save_paces({"training": 2.5, "map": 0.5})
    runs.save_paces({"training": 2.0})
    assert Runs(Database(address)).paces() == {"training": 2.0}
