"""Who is next."""

from __future__ import annotations

from pathlib import Path

from rhythmvae.jobs.line import Line
from rhythmvae.jobs.run import Run


def waiting(name: str, is_ready: bool = False, is_prepared: bool = True) -> Run:
    run = Run(name, {}, Path(name), [()])
    run.is_ready, run.arguments = is_ready, [] if is_prepared else None
    return run


def test_whoever_has_no_model_yet_comes_before_those_that_wait_for_figures() -> None:
    line, runs = Line(), [waiting("a", is_ready=True), waiting("b"), waiting("c", is_ready=True), waiting("d")]
    for run in runs:
        line.join(run)
    assert [line.place(run) for run in runs] == [3, 1, 4, 2]
    assert (len(line), line.n_without_model) == (4, 2)
    line.leave(runs[1])
    line.leave(runs[1])
    assert [line.place(run) for run in runs] == [2, None, 3, 1]


def test_who_is_not_prepared_is_passed_over_and_keeps_its_place() -> None:
    line, runs = Line(), [waiting("a", is_prepared=False), waiting("b"), waiting("c")]
    for run in runs:
        line.join(run)
    assert line.call(0) == line.call(-1) == []
    assert line.call(1) == [runs[1]]
    assert [line.place(run) for run in runs] == [1, None, 2]
