"""Workers: what they give is what this process would, and what happens when one dies. One pool of a real zygote."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from multiprocessing import Pipe
from pathlib import Path
from typing import Any

import helping
import numpy as np
import psutil
import pytest
from toys import TOY, quantiles
from toys import model as toy_model
from toys import prior as toy_prior

from rhythmvae.data.examples import example
from rhythmvae.errors import UsageError
from rhythmvae.model import checkpoint, generate
from rhythmvae.model.checkpoint import Checkpoint
from rhythmvae.model.lent import ModelFile
from rhythmvae.ui.workers import pool as pools
from rhythmvae.ui.workers import tasks
from rhythmvae.ui.workers.pool import NoAnswerError, NoWorkersError, Pool, Worker, Zygote
from rhythmvae.ui.workers.wire import Answer, Lent, Request

pytestmark = pytest.mark.skipif(not pools.IS_POSSIBLE, reason="this system cannot fork")
PATIENCE_S = 120.0
# The zygote, which does not make way for the tests beside it: on two busy cores it took a minute to begin.
AT_ONCE = "import sys; from rhythmvae.ui.workers import zygote; zygote.NICE = 0; zygote.main(int(sys.argv[1]))"
SHORT = example("disco")


@pytest.fixture(scope="module")
def shipped() -> Checkpoint:
    return checkpoint.load()


@pytest.fixture(scope="module")
def pool() -> Iterator[Pool]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(Path(__file__).parent))  # of what helps
        found = Pool(start=lambda: Zygote([sys.executable, "-c", AT_ONCE]))
        wait(found.begin)
    yield found
    found.close()


def wait(until: Callable[[], object]) -> None:
    end = time.monotonic() + PATIENCE_S
    while not until():
        assert time.monotonic() < end
        time.sleep(0.02)


def no_file() -> Lent:
    raise AssertionError("the shipped model is asked for")


def ask(pool: Pool, model: Checkpoint, function: Callable[..., Any], *args: Any, **named: Any) -> Any:
    return pool.ask(("me",), Request(function, model.contents, args, named), no_file)


def test_what_comes_is_what_this_process_makes(pool: Pool, shipped: Checkpoint) -> None:
    asked = {"asked": {"density": 0.8}, "seed": 3, "keep": ("kick",)}
    perturbed = generate.perturb(shipped, SHORT, seed=3)
    there = ask(pool, shipped, generate.perturb, SHORT, seed=3)
    assert np.array_equal(there.z.numpy(), perturbed.z.numpy())
    [made] = ask(pool, shipped, generate.vary, SHORT, perturbed=there, **asked)
    [here] = generate.vary(shipped, SHORT, perturbed=perturbed, **asked)  # type: ignore[arg-type]
    assert made.groove == here.groove
    assert made.settings == here.settings
    assert not made.groove.position.flags.writeable


def test_a_model_of_ones_own_goes_to_workers_that_lack_it(pool: Pool, tmp_path: Path) -> None:
    model = toy_model(TOY)
    checkpoint.save(tmp_path / "own", model, toy_prior(), quantiles(), checkpoint.Card())
    data = (tmp_path / "own").read_bytes()
    own, file, sent = checkpoint.loads(data, "own"), ModelFile.of(data), []
    said, file.has_weights = pool.ask(("me",), Request(tasks.outline, None, (file, "own")), no_file)
    assert (said.contents, file.has_weights) == (own.contents, True)

    def lent() -> Lent:
        sent.append(1)
        return said, file

    for seed in range(2):
        request = Request(generate.vary, own.contents, (SHORT,), {"seed": seed})
        [made] = pool.ask(("me",), request, lent)
        assert made.groove == generate.vary(own, SHORT, seed=seed)[0].groove
    assert sent  # once to each worker, which test_zygote.py holds


def test_progress_and_errors_come_through(pool: Pool, shipped: Checkpoint) -> None:
    told: list[tuple[int, int]] = []
    request = Request(helping.told, shipped.contents, tells=True)
    assert pool.ask(("me",), request, no_file, tell=lambda done, of: told.append((done, of))).tolist() == [0, 1, 2]
    assert told == [(1, 2)]
    with pytest.raises(UsageError, match="no such drum"):
        ask(pool, shipped, helping.refuses, "no such drum")


def test_a_death_is_made_good_once(pool: Pool, shipped: Checkpoint, tmp_path: Path) -> None:
    marks = [str(tmp_path / name) for name in "ab"]
    Path(marks[0]).touch()
    assert ask(pool, shipped, helping.dies, marks) == "alive"
    for mark in marks:
        Path(mark).touch()
    with pytest.raises(NoAnswerError, match="ended twice"):
        ask(pool, shipped, helping.dies, marks)
    assert ask(pool, shipped, helping.who) != os.getpid()
    for pid in pool.pids():  # while they wait for work
        os.kill(pid, signal.SIGKILL)
    assert ask(pool, shipped, helping.who) != os.getpid()


def test_what_is_outdated_is_never_begun_and_what_runs_ends(pool: Pool, shipped: Checkpoint, tmp_path: Path) -> None:
    class Newer(BaseException):
        pass

    leave = threading.Event()
    errors: list[str] = []

    def hold(mark: Path) -> None:
        def look(is_running: bool) -> None:
            if leave.is_set():
                raise Newer

        try:
            pool.ask((str(mark),), Request(helping.sleeps, shipped.contents, (str(mark),)), no_file, look)
        except Newer:
            errors.append("newer")

    holders = [threading.Thread(target=hold, args=(tmp_path / name,)) for name in "ab"]
    for holder in holders:
        holder.start()
    wait(lambda: all((tmp_path / name).exists() for name in "ab"))  # both workers are busy

    found = pool.state()
    assert (found.doing, found.n_idle, found.n_waiting) == (("sleeps", "sleeps"), 0, 0)
    assert found.zygote is not None

    def outdated(is_running: bool) -> None:
        assert not is_running
        raise Newer

    with pytest.raises(Newer):
        pool.ask(("c",), Request(helping.sleeps, shipped.contents, (str(tmp_path / "c"),)), no_file, outdated)
    leave.set()
    for holder in holders:
        holder.join(PATIENCE_S)
    assert errors == ["newer", "newer"]
    assert ask(pool, shipped, helping.who)
    assert not (tmp_path / "c").exists()
    assert pool.state().doing == ()


def test_a_worker_that_has_grown_is_replaced(pool: Pool, shipped: Checkpoint, tmp_path: Path) -> None:
    file = tmp_path / "large"
    with file.open("wb") as out:
        out.truncate(160 << 20)
    mapper = ask(pool, shipped, helping.maps, str(file))
    assert mapper in pool.pids()  # what it has mapped it shares with all others
    grown = ask(pool, shipped, helping.grows, 160)
    assert grown == mapper
    assert grown not in pool.pids()
    assert ask(pool, shipped, helping.who) != grown


def test_none_outlives_the_server(pool: Pool, shipped: Checkpoint) -> None:
    """The last one that has workers: it takes the zygote from the pool."""
    worker = ask(pool, shipped, helping.who)
    zygote = psutil.Process(worker).ppid()
    assert pool._zygote is not None
    pool._zygote._control.close()  # as the kernel does it for a server that was killed
    wait(lambda: not is_alive(worker) and not is_alive(zygote))


def is_alive(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def test_where_none_can_live_pages_compute_by_themselves(shipped: Checkpoint) -> None:
    n_started = []

    def start() -> Zygote:
        n_started.append(1)
        return Zygote([sys.executable, "-S", "-c", "pass"])

    pool = Pool(start=start)
    for _ in range(pools.N_STARTS + 2):
        wait(lambda: is_over(pool))
    assert len(n_started) == pools.N_STARTS
    with pytest.raises(NoWorkersError):
        ask(pool, shipped, helping.who)


def test_the_first_request_waits_for_workers_that_are_on_their_way() -> None:
    class Coming:
        pid, n_looks = 0, 0

        def is_ready(self) -> bool:
            self.n_looks += 1
            return self.n_looks > 2

        def fork(self) -> Coming:
            return self

        def answer(self, *_: object) -> Answer:
            return Answer("made")

    pool = Pool(start=Coming)  # type: ignore[arg-type]
    assert pool.ask(("me",), Request(helping.who, "x"), no_file) == "made"


def test_one_that_never_comes_is_not_waited_for_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    class Stuck:
        n_closed = 0

        def is_ready(self) -> bool:
            return False

        def close(self) -> None:
            Stuck.n_closed += 1

    monkeypatch.setattr(pools, "START_SECONDS", -1.0)
    with pytest.raises(NoWorkersError):
        Pool(start=Stuck).ask(("me",), Request(helping.who, "x"), no_file)  # type: ignore[arg-type]
    assert Stuck.n_closed == 1


def test_a_process_that_has_the_number_of_a_dead_worker_is_not_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    with subprocess.Popen(["sleep", "60"]) as theirs:
        worker = Worker(theirs.pid, Pipe()[0])
        theirs.kill()
    ended: list[object] = []  # what was told to end by its number, which is anybody's by now
    monkeypatch.setattr(os, "kill", lambda *told: ended.append(told))
    worker.kill()
    Worker(theirs.pid, Pipe()[0]).kill()
    assert ended == []


@pytest.mark.parametrize("has_handles", [True, False])
def test_a_worker_is_ended_once(has_handles: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if not has_handles:
        monkeypatch.delattr(os, "pidfd_open", raising=False)
    with subprocess.Popen(["sleep", "60"]) as process:
        worker = Worker(process.pid, Pipe()[0])
        worker.kill()
        assert process.wait(PATIENCE_S) == -signal.SIGKILL
    worker.kill()


def test_deaths_that_are_long_ago_are_forgiven(monkeypatch: pytest.MonkeyPatch) -> None:
    n_started, now = [], [1_000.0]

    def start() -> Zygote:
        n_started.append(1)
        raise OSError

    monkeypatch.setattr(pools.time, "monotonic", lambda: now[0])
    pool = Pool(start=start)
    for _ in range(pools.N_STARTS + 2):
        assert not pool.begin()
    assert len(n_started) == pools.N_STARTS
    now[0] += pools.FORGIVEN_SECONDS + 1
    for _ in range(pools.N_STARTS + 2):
        assert not pool.begin()
    assert len(n_started) == 2 * pools.N_STARTS


def is_over(pool: Pool) -> bool:
    """Whether its zygote has died."""
    assert not pool.begin()
    return pool._zygote is None


class Still:
    """Stands for the zygote and, with those it forks, for workers, which answer when they are let."""

    pid = 0

    def __init__(self, first: Still | None = None) -> None:
        self.may: threading.Semaphore = first.may if first else threading.Semaphore(0)
        self.answered: list[str] = first.answered if first else []

    def is_ready(self) -> bool:
        return True

    def fork(self) -> Still:
        return Still(self)

    def answer(self, request: Request, model: Any, look: Callable[[], None], tell: Any) -> Answer:
        if request.args == ("held",):
            assert self.may.acquire(timeout=PATIENCE_S)
        self.answered.append(str(request.args[0]))
        return Answer()

    def is_alive(self) -> bool:
        return True

    def kill(self) -> None: ...

    def close(self) -> None: ...


def test_what_can_wait_leaves_a_worker_free() -> None:
    still = Still()
    pool = Pool(2, start=lambda: still)  # type: ignore[arg-type,return-value]

    def ask(what: str, can_wait: bool = False) -> threading.Thread:
        request = Request(helping.who, None, (what,))
        thread = threading.Thread(target=lambda: pool.ask(("a",), request, no_file, can_wait=can_wait))
        thread.start()
        return thread

    held = ask("held")
    wait(lambda: pool.state().doing)
    ahead = ask("ahead", can_wait=True)
    wait(lambda: pool.state().n_waiting)
    ask("pressed").join(PATIENCE_S)
    assert still.answered == ["pressed"]
    still.may.release()
    for thread in (held, ahead):
        thread.join(PATIENCE_S)
    assert still.answered == ["pressed", "held", "ahead"]
