"""Estimates of the time of training runs, on a server that is made of figures: no process, a clock of its own."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import pytest

from rhythmvae.jobs.estimate import Course, Outlook, Pace, Turn, Work, outlooks
from rhythmvae.training.journal import (
    Checking,
    Completion,
    Done,
    Judging,
    Map,
    Message,
    Prior,
    Reading,
    Ready,
    Training,
)

LOOPS = Work(n_steps=150, n_files=24, n_folds=5, n_bars=48)
CORPUS = Work(n_steps=150, n_files=400, n_folds=0, n_bars=6_000)  # of which checking takes longer than training


def step(number: int, of: int = 150, seconds: float = 0.0) -> Training:
    return Training(number, of, 0.0, seconds, {}, None, False)


@dataclass
class Server:
    """Takes `slowness` times the seconds that are usual, phase by phase, as a run of 24 loops was seen to."""

    slowness: dict[str, float]
    pace: Pace = field(default_factory=Pace)
    n_checked: int = 1  # models between the one before and the tuned one, up to one that is kept; the last is whole

    def messages(self, work: Work) -> Iterator[tuple[float, Message | None]]:
        """(seconds that go by before it, message) of a run up to its model, then of its figures."""

        def take(phase: str) -> float:
            return work.usual(phase, self.slowness[phase])

        yield take("start") / 2, Reading(work.n_files, work.n_files)
        yield take("start") / 2, step(0)
        for number in range(3, 151, 3):
            yield take("training") / 50, step(number)
        yield 0.0, Checking(0, 1)
        yield from self._checking(take("checking") / 100)
        yield 0.0, Prior(0, 1)
        yield take("prior") / 5, Prior(1, 80)  # what comes before the first of its steps
        for number in range(2, 81):
            yield take("prior") * 0.8 / 79, Prior(number, 80)
        for number in range(1, 41):
            yield take("completion") / 40, Completion(number, 40)
        for part in range(1, 33):
            yield take("map") / 32, Map(part, 32)
        yield 0.0, None
        yield take("restart"), Judging(0, 6)
        for part in range(1, 7):
            yield take("judging") / 6, Judging(part, 6)
        yield 0.0, Done({})

    def _checking(self, each: float) -> Iterator[tuple[float, Message]]:
        """50 grooves by the model before; of every model but the last a fifth is enough to see a file get worse."""
        done = 0
        for models in range(self.n_checked + 1):
            is_whole = models in (0, self.n_checked)
            begun = done - 50 if models else 0
            for _ in range(50 if is_whole else 10):
                done += 1
                yield each, Checking(done, begun + 100)

    def run(self, work: Work) -> list[tuple[float, float, float]]:
        """(seconds, estimated left to the model, estimated left to the figures) of a run, at each message."""
        course, now, found = Course(work, self.pace), 0.0, []
        found.append((now, course.model_seconds(now), course.figure_seconds(now)))
        for seconds, message in self.messages(work):
            now += seconds
            if message is None:
                course.end_model(now)
            else:
                course.hear(message, now)
            found.append((now, course.model_seconds(now), course.figure_seconds(now)))
        return found


def whole(work: Work, slowness: dict[str, float], phases: tuple[str, ...]) -> float:
    return sum(work.usual(phase, slowness[phase]) for phase in phases)


MODEL = ("start", "training", "checking", "prior", "completion", "map")
# Nine share two cores.
SLOW = {"start": 2.0, "training": 5.0, "checking": 4.0, "prior": 5.0, "completion": 5.0, "map": 4.0}
SLOW |= {"restart": 2.0, "judging": 4.0}
QUICK = dict.fromkeys(SLOW, 0.5)


@pytest.mark.parametrize("slowness", [dict.fromkeys(SLOW, 1.0), QUICK, SLOW], ids=["usual", "quick", "slow"])
def test_the_time_to_a_model_comes_true_within_a_third_once_a_tenth_of_it_is_learned(slowness) -> None:
    found = Server(slowness).run(LOOPS)
    at = whole(LOOPS, slowness, MODEL)
    begun = LOOPS.usual("start", slowness["start"]) + LOOPS.usual("training", slowness["training"]) / 3
    for now, left, _ in found:
        if begun <= now < 0.9 * at:
            assert left == pytest.approx(at - now, rel=1 / 3), now


@pytest.mark.parametrize("slowness", [QUICK, SLOW], ids=["quick", "slow"])
def test_whoever_comes_second_is_told_a_time_that_comes_true_at_once(slowness) -> None:
    server = Server(slowness)
    server.run(LOOPS)
    for now, left, figures in server.run(LOOPS):
        true = whole(LOOPS, slowness, MODEL) - now
        if true > 5:
            assert left == pytest.approx(true, rel=1 / 3), now
            assert figures == pytest.approx(whole(LOOPS, slowness, ("restart", "judging")), rel=1 / 3)


def test_prior_map_and_figures_are_part_of_it() -> None:
    [first, *_] = Server(dict.fromkeys(SLOW, 1.0)).run(LOOPS)
    assert first[1] > 1.5 * LOOPS.usual("training")
    assert first[2] > 5 * LOOPS.usual("training")
    assert Course(Work(n_folds=0), Pace()).figure_seconds(0.0) < 20


def test_what_is_checked_of_fine_tuning_is_part_of_it() -> None:
    """Without it the time to the model of a large set was half of what came."""
    found = Server(dict.fromkeys(SLOW, 1.0)).run(CORPUS)
    assert CORPUS.usual("checking") > CORPUS.usual("training")
    assert found[0][1] == pytest.approx(whole(CORPUS, dict.fromkeys(SLOW, 1.0), MODEL))
    assert Work(is_new=True, n_files=400, n_bars=6_000).usual("checking") == 0.0
    loops = replace(CORPUS, n_folds=5)
    folds = loops.usual("judging") - replace(loops, n_bars=0).usual("judging")
    assert folds == pytest.approx(5 * (loops.usual("checking") - replace(loops, n_bars=0).usual("checking")))


@pytest.mark.parametrize("n_checked", [1, 2, 3])
@pytest.mark.parametrize("slowness", [QUICK, SLOW], ids=["quick", "slow"])
def test_models_that_are_not_kept_leave_the_time_true(slowness, n_checked: int) -> None:
    server = Server(slowness, n_checked=n_checked)
    found = server.run(CORPUS)
    each = CORPUS.usual("checking", slowness["checking"]) / 100
    at = whole(CORPUS, slowness, MODEL) + each * 10 * (n_checked - 1)
    begun = sum(CORPUS.usual(phase, slowness[phase]) for phase in ("start", "training"))
    for now, left, _ in found:
        if begun + 65 * each < now < 0.9 * at:  # nobody knows before how many will be refused
            assert left == pytest.approx(at - now, rel=1 / 3), now
    assert 0.9 < server.pace.factor("checking") / slowness["checking"] < 1.5


def test_a_limit_by_the_clock_is_as_long_on_a_slow_server_and_teaches_nothing() -> None:
    pace = Pace()
    pace.learn("training", LOOPS, 10 * LOOPS.usual("training"))
    timed = Work(n_steps=None, minutes=3, n_folds=0, is_new=True)
    course = Course(timed, pace)
    assert course.work.usual("training", pace.factor("training")) == 180
    course.hear(step(0), 10)
    course.hear(step(9, of=4000, seconds=90.0), 100)
    rest = sum(pace.factor("prior") * course.load(100) * timed.usual(phase) for phase in MODEL[3:])
    assert course.model_seconds(100) == pytest.approx(90 + rest)
    course.hear(Prior(0, 1), 200)
    assert pace.factor("training") == pytest.approx(10)


def test_a_silence_is_time_that_goes_by_but_never_the_end() -> None:
    course = Course(LOOPS, Pace())
    course.hear(step(0), 10)
    course.hear(step(75), 20)
    told = [course.model_seconds(now) for now in (20, 25, 1000)]
    assert told[0] - told[1] == pytest.approx(5)
    assert told[1] > told[2] > sum(LOOPS.usual(phase) for phase in MODEL[2:]) * 0.5


def test_a_start_that_does_not_end_tells_of_a_busy_server() -> None:
    """On one that is ten times as busy the page said "45 s" for minutes, until training began."""
    course = Course(LOOPS, Pace())
    usual = course.model_seconds(0)
    told = [course.model_seconds(seconds) for seconds in (1, 5, 20, 40, 80)]
    assert usual > told[0] > told[1]
    assert told[1] < told[2] < told[3] < told[4]
    assert 4 * usual < told[4] < 20 * usual
    course.hear(step(0), 80)
    course.hear(step(30), 80 + LOOPS.usual("training") / 5)  # it was not that busy
    assert course.model_seconds(80 + LOOPS.usual("training") / 5) < 5 * usual


def test_a_run_that_is_stopped_has_no_training_left_and_teaches_nothing() -> None:
    pace = Pace()
    course = Course(LOOPS, pace)
    course.hear(step(0), 7)
    course.hear(step(30), 12)
    course.end_training(12)
    assert course.model_seconds(12) < 1.2 * sum(LOOPS.usual(phase) for phase in MODEL[2:])
    course.hear(Checking(0, 1), 12.5)
    course.hear(Prior(0, 1), 13)
    assert pace.factor("training") == pace.factor("start")


def test_figures_that_are_put_off_go_on_from_the_fold_they_had_come_to() -> None:
    course = Course(LOOPS, Pace())
    course.end_model(50)
    course.hear(Judging(0, 6), 57)
    all_of_it = course.figure_seconds(57)
    course.hear(Judging(3, 6), 57 + LOOPS.usual("judging") / 2)
    half = course.figure_seconds(57 + LOOPS.usual("judging") / 2)
    assert half == pytest.approx(all_of_it / 2, rel=0.1)
    course.put_off(150)
    assert course.figure_seconds(150) == pytest.approx(half + LOOPS.usual("restart"), rel=0.1)
    course.hear(Judging(0, 6), 157)  # the folds before are there: they take no time
    course.hear(Judging(3, 6), 158)
    assert course.figure_seconds(158) == pytest.approx(half, rel=0.1)
    course.hear(Judging(4, 6), 158 + LOOPS.usual("judging") / 6)
    assert course.figure_seconds(158 + LOOPS.usual("judging") / 6) == pytest.approx(all_of_it / 3, rel=0.15)


def test_messages_of_other_things_do_not_turn_it_back() -> None:
    course = Course(LOOPS, Pace())
    course.hear(Prior(40, 80), 50)
    before = course.model_seconds(50)
    for message in (Reading(1, 2), step(3), Ready(), Prior(0, 0)):
        course.hear(message, 50)
    assert course.model_seconds(50) == before


# -- a line --------------------------------------------------------------------


def test_who_waits_begins_when_who_is_before_has_a_model() -> None:
    running, second, third = Turn(30, 100, is_running=True), Turn(60, 90), Turn(50, 80)
    assert outlooks([running, second, third]) == [Outlook(30, 240), Outlook(90, 330), Outlook(140, 410)]


def test_measuring_makes_room_and_goes_on_before_others_measuring() -> None:
    measured, waits, measured_later = Turn(0, 200, is_running=True), Turn(60, 90), Turn(0, 40)
    assert outlooks([measured, waits, measured_later]) == [Outlook(0, 260), Outlook(60, 390), Outlook(0, 300)]
    assert outlooks([measured, measured_later]) == [Outlook(0, 200), Outlook(0, 240)]


def test_two_at_a_time() -> None:
    turns = [Turn(30, 10, is_running=True), Turn(0, 50, is_running=True), Turn(20, 10), Turn(20, 10)]
    assert [outlook.model for outlook in outlooks(turns, 2)] == [30, 0, 20, 40]
    assert outlooks([Turn(20, 10)], 2) == [Outlook(20, 30)]


def test_three_visitors_one_after_another_are_told_times_that_come_true() -> None:
    """On a server five times as slow as is usual: the second and the third wait, and read their time now and then."""
    server = Server(SLOW)
    model, figures = whole(LOOPS, SLOW, MODEL), whole(LOOPS, SLOW, ("restart", "judging"))
    courses = [Course(LOOPS, server.pace) for _ in range(3)]
    now, begun = 0.0, [0.0, model, 2 * model]
    told: list[tuple[float, list[Outlook]]] = []
    for number, course in enumerate(courses):
        for seconds, message in server.messages(LOOPS):
            if message is None:
                course.end_model(now - begun[number])
                break
            now += seconds
            course.hear(message, now - begun[number])
            own = now - begun[number]
            turns = [Turn(course.model_seconds(own), course.figure_seconds(own), is_running=True)]
            later = [
                (c.model_seconds(0, course.load(own)), c.figure_seconds(0, course.load(own)))
                for c in courses[number + 1 :]
            ]
            told.append((now, outlooks([*turns, *(Turn(*needs) for needs in later)])))
    assert now == pytest.approx(3 * model)
    for at, (*_, last) in told:
        if model / 3 < at < 3 * model - 10:
            assert last.model == pytest.approx(3 * model - at, rel=1 / 3), at
    assert told[-1][1][0].figures == pytest.approx(figures, rel=1 / 3)
