"""The states of a run, and which may follow which."""

from __future__ import annotations

from pathlib import Path

import pytest

from rhythmvae.jobs.run import TRANSITIONS, Run, State
from rhythmvae.training.journal import Judging, Reading, Ready

#              to: queued, starting, running, paused, stopping, done, failed, cancelled
TABLE = {
    "queued":    "- x - - - x x x",
    "starting":  "x - x x x x x x",
    "running":   "x - - x x x x x",
    "paused":    "x x x - x x x x",
    "stopping":  "x - - - - x x x",
    "done":      "- - - - - - - x",
    "failed":    "- - - - - - - -",
    "cancelled": "- - - - - - - -",
}  # fmt: skip
PAIRS = [
    (State(before), after, mark == "x")
    for before, marks in TABLE.items()
    for after, mark in zip(State, marks.split(), strict=True)
]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return Run("loops", {}, tmp_path, [()])


def test_every_state_is_in_the_table() -> None:
    assert list(TABLE) == list(TRANSITIONS) == list(State)


@pytest.mark.parametrize(("before", "after", "is_allowed"), PAIRS)
def test_transitions(run: Run, before: State, after: State, is_allowed: bool) -> None:
    run.state = before
    if is_allowed:
        run.move_to(after)
        assert run.state is after
    else:
        with pytest.raises(RuntimeError, match=f"after {before}, got {after}"):
            run.move_to(after)
        assert run.state is before


def test_what_is_over_and_what_is_live() -> None:
    assert [state for state in State if state.is_over] == ["done", "failed", "cancelled"]
    assert [state for state in State if state.is_live] == ["starting", "running"]


def test_a_run_is_running_once_it_has_said_something(run: Run) -> None:
    run.move_to(State.STARTING)
    run.wake()
    assert run.state is State.STARTING
    run.hear(Reading(0, 1), 10)
    run.wake()
    assert run.state is State.RUNNING


def test_the_next_part_of_a_run_starts_anew(run: Run) -> None:
    run.move_to(State.STARTING)
    run.hear(Ready(), 10)
    run.move_to(State.QUEUED)
    run.end_part()
    run.move_to(State.STARTING)
    run.wake()
    assert run.state is State.STARTING
    run.hear(Judging(0, 1), 10)
    run.wake()
    assert run.state is State.RUNNING
    assert list(run.transcript.stages) == ["ready", "judging"]


@pytest.mark.parametrize(("has_said", "after"), [(False, State.STARTING), (True, State.RUNNING)])
def test_a_paused_run_goes_on_where_it_was(run: Run, has_said: bool, after: State) -> None:
    run.move_to(State.STARTING)
    run.move_to(State.PAUSED)
    if has_said:
        run.hear(Reading(0, 1), 10)
        run.wake()
    assert run.state is State.PAUSED
    run.resume()
    assert run.state is after
