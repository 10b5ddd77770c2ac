"""Workers of a site: what becomes of a run when one dies, is told to end, or loses the database."""

from __future__ import annotations

import itertools
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from threading import Thread, Timer
from typing import Any

import databases
import psutil
import pytest
from sqlalchemy import event, text
from test_revival import CHILD, LEARNED, until

from rhythmvae.errors import StoreError, UsageError
from rhythmvae.jobs.hosted import HostedJobs
from rhythmvae.jobs.limits import Limits
from rhythmvae.jobs.run import RunStatus
from rhythmvae.jobs.worker import Worker
from rhythmvae.store.database import Database
from rhythmvae.store.hosted import MODEL, HostedRuns

ROOT = Path(__file__).parents[2]
PARTS = ([], ["--figures"])
STALLED = 3.0  # seconds: the heart of one that lives may miss some beats on a busy machine
_NUMBERS = itertools.count()

WORKER = """
import signal, sys
from pathlib import Path
from rhythmvae.jobs.limits import Limits
from rhythmvae.jobs.worker import Worker
from rhythmvae.store.database import Database
from rhythmvae.store.hosted import HostedRuns

address, site, home, stalled = sys.argv[1:]
runs = HostedRuns(Database(address), site, float(stalled))
child = [sys.executable, "-S", str(Path(home).parent / "child.py")]
worker = Worker(runs, Limits(), Path(home), child, look_seconds=0.02, sweep_seconds=0.1)
signal.signal(signal.SIGTERM, lambda *_: worker.stop())
worker.run()
"""


class Site:
    """Servers of a site; workers are processes of their own."""

    def __init__(self, folder: Path, address: str) -> None:
        self.address, self.name = address, f"worker site {next(_NUMBERS)}"
        self.home = folder / "runs"
        self.home.mkdir()
        (folder / "child.py").write_text(CHILD)
        self.workers: list[subprocess.Popen[bytes]] = []
        self.jobs = self.server()

    def runs(self) -> HostedRuns:
        return HostedRuns(Database(self.address), self.name, STALLED)

    def server(self) -> HostedJobs:
        return HostedJobs(Limits(), self.runs, self.home)

    def start(self) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-c", WORKER, self.address, self.name, str(self.home), str(STALLED)]
        self.workers.append(subprocess.Popen(command, env=os.environ | {"PYTHONPATH": str(ROOT)}, cwd=ROOT))
        return self.workers[-1]

    def submit(self, owner: str) -> None:
        self.jobs.submit(owner, lambda folder: ["train", "--out", str(folder / "m")], owner, {}, PARTS)

    def status(self, owner: str) -> RunStatus:
        found = self.jobs.status(owner)
        assert found is not None
        return found

    def is_training(self, owner: str) -> bool:
        return len(self.status(owner).training) > 5

    def close(self) -> None:
        for worker in self.workers:
            worker.kill()
            worker.wait()
        self.jobs.close()


@pytest.fixture(scope="module")
def address(postgresql_folder: str) -> str:
    return databases.new_database(postgresql_folder, "workers")


@pytest.fixture
def site(tmp_path: Path, address: str) -> Iterator[Site]:
    found = Site(tmp_path, address)
    yield found
    found.close()


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_another_worker_goes_on_where_one_has_ended(site: Site, number: int) -> None:
    """To the same model, once; and whoever waits keeps waiting behind."""
    site.submit("a")
    site.submit("b")
    assert (site.status("a").place, site.status("b").place) == (1, 2)
    until(lambda: site.status("a").n_workers == 0)
    first = site.start()
    until(lambda: site.is_training("a"))
    learned = site.status("a").training[-1].step
    first.send_signal(number)
    first.wait(120)
    site.start()
    until(lambda: site.status("a").is_over and site.status("b").is_over)
    for owner in "ab":
        done = site.status(owner)
        assert (done.state, done.warning, done.error) == ("done", None, None)
        assert done.checkpoint is not None
        assert done.checkpoint.read_text() == f"{LEARNED} figures"
    steps = [message.step for message in site.status("a").training]
    assert steps == sorted(set(steps))  # nothing twice
    assert steps[-1] == 30 >= learned
    assert site.jobs.counts() == (0, 0)


def test_all_servers_of_a_site_see_the_same_and_one_that_goes_takes_nothing_along(site: Site) -> None:
    site.submit("a")
    (site.home / next(iter(site.home.iterdir())) / "endless").touch()
    site.start()
    until(lambda: site.is_training("a"))
    other = site.server()
    site.jobs.close()  # its machine dies
    until(lambda: (status := other.status("a")) is not None and status.state == "running")  # what it does follows it
    found = other.status("a")
    assert found is not None
    assert found.outlook is not None
    with pytest.raises(UsageError, match="has not ended"):  # another tab of the same visitor, at the other server
        other.submit("a", lambda folder: [], "again")
    other.pause("a")
    until(lambda: (status := other.status("a")) is not None and status.pause_seconds < 600)
    assert other.status("a").state == "paused"  # type: ignore[union-attr]
    other.resume("a")
    step = other.status("a").training[-1].step  # type: ignore[union-attr]
    until(lambda: other.status("a").training[-1].step > step)  # type: ignore[union-attr]
    other.discard("a")
    assert other.status("a").state == "cancelled"  # type: ignore[union-attr]
    until(lambda: not any(site.home.iterdir()))
    other.close()


def test_a_double_submission_at_two_servers_is_one_run(site: Site) -> None:
    other, met = site.server(), []

    def submit(jobs: HostedJobs) -> None:
        try:
            jobs.submit("a", lambda folder: ["train", "--out", str(folder / "m")], "a")
        except UsageError as error:
            met.append(str(error))

    threads = [Thread(target=submit, args=(jobs,)) for jobs in (site.jobs, other) * 2]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(met) == 3
    assert len(list(site.home.iterdir())) == 1
    assert site.jobs.counts() == (0, 1)
    site.jobs.forget("a")
    assert other.status("a") is None
    assert not any(site.home.iterdir())
    other.close()


def test_who_was_taken_for_dead_has_nothing_to_say_any_more(site: Site) -> None:
    site.submit("a")
    runs = site.runs()
    [found], _ = runs.under_way()
    with runs._transaction() as connection:  # somebody has it, and another takes it back
        runs._defer(connection, found.record.id, MODEL)
    assert found.job is not None
    assert runs.claim(found.record.id, found.job) is None
    assert not runs.save(found.record, found.job)
    assert not runs.hand_over(found.record, found.job, MODEL)
    assert runs.under_way()[0][0].job != found.job
    runs.close()


WAITING = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"


def before(monkeypatch: pytest.MonkeyPatch, runs: HostedRuns, name: str, does: Callable[[], object]) -> Thread:
    """As soon as `runs` comes to a step of a transaction, somebody else begins something and waits for its end."""
    step, watch = getattr(runs, name), HostedRuns(Database(runs._database.url.render_as_string(False)), runs.site)
    other = Thread(target=does)

    def waits() -> bool:
        with watch._transaction() as connection:
            return bool(connection.exec_driver_sql(WAITING).scalar())

    def stepped(*arguments: Any) -> Any:
        monkeypatch.undo()
        other.start()
        until(lambda: waits() or not other.is_alive())
        watch.close()
        return step(*arguments)

    monkeypatch.setattr(runs, name, stepped)
    return other


def test_a_run_that_ends_as_another_takes_its_place_stands_in_nobodys_way(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Thrown away, and begun anew at once: its worker and the page wait for the same rows, but in one order."""
    site.submit("a")
    runs, page = site.runs(), site.runs()
    [found], _ = runs.under_way()
    page.wish(found.record.id, "discard")
    [found], _ = runs.under_way()
    removing = before(monkeypatch, runs, "_write", lambda: page.remove([found.record.id]))
    assert found.job is not None
    ended = replace(found.record, state="cancelled", ended_at=time.time())
    assert runs.conclude(ended, found.job, [number for number, _ in found.wishes])
    removing.join(60)
    assert runs.under_way() == ([], 0)
    assert site.jobs.status("a") is None
    for each in (runs, page):
        each.close()


def test_a_run_is_read_with_what_is_wished_of_it_at_that_moment(site: Site) -> None:
    """Its worker ends it, as it was told, while a page reads it: who saw neither would show it as if begun anew."""
    site.submit("a")
    runs, worker = site.runs(), site.runs()
    [found], _ = runs.under_way()
    assert found.job is not None
    runs.wish(found.record.id, "pause")
    runs.wish(found.record.id, "forget")
    [found], _ = runs.under_way()
    assert [what for _, what in found.wishes] == ["pause", "forget"]
    job, ended = found.job, replace(found.record, state="cancelled", ended_at=time.time())

    endings = []

    def end(*_: object) -> None:
        if not endings:
            endings.append(worker.conclude(ended, job, [number for number, _ in found.wishes]))

    event.listen(runs._database._engine, "after_cursor_execute", end)
    assert runs.of(found.record.owner) == found  # the moment before its end
    assert endings == [True]
    seen = runs.of(found.record.owner)
    assert seen is not None
    assert (seen.record.ended_at, seen.wishes) == (ended.ended_at, ())
    for each in (runs, worker):
        each.close()


def test_a_run_that_is_thrown_away_as_its_files_have_come_is_not_settled_as_one_without(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs, settled = site.runs(), []
    settling: list[Thread] = []

    def prepare(folder: Path) -> list[str]:
        [found], _ = runs.under_way()
        ended = replace(found.record, state="cancelled", ended_at=time.time())
        page = site.jobs._store()
        settling.append(before(monkeypatch, page, "_defer", lambda: settled.append(runs.settle(found, ended))))
        return ["train", "--out", str(folder / "m")]

    site.jobs.submit("a", prepare, "a")
    settling[0].join(60)
    assert settled == [False], "it goes by a job now"
    assert site.status("a").place == 1
    runs.close()


def test_workers_that_write_their_pace_at_once_both_do(site: Site) -> None:
    errors: list[StoreError] = []

    def write() -> None:
        runs = site.runs()
        try:
            for n in range(30):
                runs.save_paces({"training": 1.0 + n, "map": 2.0})
        except StoreError as error:
            errors.append(error)
        runs.close()

    threads = [Thread(target=write) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []


def test_a_run_whose_job_is_gone_is_queued_again(site: Site) -> None:
    site.submit("a")
    runs = site.runs()
    with runs._transaction() as connection:
        connection.exec_driver_sql("DELETE FROM procrastinate_jobs")
    site.start()
    until(lambda: site.status("a").is_over)
    assert site.status("a").state == "done"
    runs.close()


def test_servers_that_start_at_once_make_one_database(postgresql_folder: str) -> None:
    address, errors = databases.new_database(postgresql_folder, "at_once"), []

    def open_runs() -> None:
        try:
            HostedRuns(Database(address)).close()
        except StoreError as error:
            errors.append(error)

    threads = [Thread(target=open_runs) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors
    HostedRuns(Database(address)).close()  # and again, over what is there


def test_a_worker_that_was_taken_for_dead_says_so(site: Site) -> None:
    worker = Worker(site.runs(), Limits(), site.home, [sys.executable], look_seconds=0.02)

    # Not one that an earlier test left there.
    mine = "DELETE FROM procrastinate_workers WHERE id IN (SELECT worker FROM site_workers WHERE machine = :machine)"

    def buried() -> int:
        with Database(site.address).transaction() as connection:
            return connection.execute(text(mine), {"machine": f"site {site.name}"}).rowcount

    def bury() -> None:
        until(buried)
        site.submit("a")  # there is nothing that it could fetch before

    gravedigger, end = Thread(target=bury), Timer(60, worker.stop)
    for thread in (gravedigger, end):
        thread.start()
    with pytest.raises(StoreError, match="not heard of for 3 s and was taken for dead"):
        worker.run()
    end.cancel()
    gravedigger.join()


def test_a_database_that_is_away_is_a_sentence_and_is_found_again(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    is_away = True

    def open_runs() -> HostedRuns:
        if is_away:
            raise StoreError("The database cannot be used.")
        return site.runs()

    monkeypatch.setattr("rhythmvae.jobs.hosted.RETRY_SECONDS", 3_600.0)
    jobs = HostedJobs(Limits(), open_runs, site.home)
    with pytest.raises(StoreError, match="cannot be used"):
        jobs.status("a")
    with pytest.raises(StoreError, match="cannot be reached just now; all else works"):
        jobs.counts()
    is_away = False
    with pytest.raises(StoreError, match="cannot be reached just now"):
        jobs.counts()
    monkeypatch.setattr("rhythmvae.jobs.hosted.RETRY_SECONDS", 0.0)  # the time is over
    assert jobs.counts() == (0, 0)
    site.submit("a")
    before = jobs.status("a")
    assert before is not None

    def failing(*_: Any) -> None:
        raise StoreError("gone")

    monkeypatch.setattr(HostedRuns, "_transaction", failing)
    assert jobs.status("a") == before  # as it was seen last
    with pytest.raises(StoreError):
        jobs.stop("a")
    jobs.close()


def test_a_worker_that_loses_the_database_ends_its_process_and_leaves_the_run(
    tmp_path: Path, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = site.runs()
    child = [sys.executable, "-S", str(tmp_path / "child.py")]
    worker = Worker(runs, Limits(), site.home, child, look_seconds=0.02, sweep_seconds=60)
    met: list[StoreError] = []

    def work() -> None:
        try:
            worker.run()
        except StoreError as error:
            met.append(error)

    working = Thread(target=work)
    site.submit("a")
    folder = next(site.home.iterdir())
    (folder / "endless").touch()
    working.start()
    until(lambda: site.is_training("a"))

    def failing(_: HostedRuns) -> None:
        raise StoreError("gone")

    with monkeypatch.context() as patch:
        patch.setattr(runs, "_transaction", lambda: failing(runs))
        until(lambda: not worker._supervisor.active)
        worker.stop()
        working.join(120)
    steps = _steps(folder)
    time.sleep(0.1)
    assert _steps(folder) == steps  # nobody trains any more
    (folder / "endless").unlink()
    site.start()
    until(lambda: site.status("a").is_over)
    assert site.status("a").state == "done"
    runs.close()


def _steps(folder: Path) -> int:
    return (folder / "journal.jsonl").read_bytes().count(b'"training"')


@pytest.mark.skipif(not psutil.LINUX, reason="a process is given a limit while it runs")
def test_a_disk_without_room_is_said_and_the_worker_goes_on(site: Site) -> None:
    """The limit on the size of any file is the worker's and its trainings', who meet it as they would a full disk."""
    worker = psutil.Process(site.start().pid)

    def train(room: int) -> RunStatus:
        worker.rlimit(psutil.RLIMIT_FSIZE, (room, psutil.RLIM_INFINITY))
        site.submit("a")
        until(lambda: site.status("a").is_over)
        return site.status("a")

    failed = train(room=20)  # less than a model has
    assert (failed.state, failed.error) == ("failed", "The checkpoint m cannot be written: File too large.")
    until(lambda: not any(site.home.iterdir()))
    unmeasured = train(room=len(LEARNED))
    assert unmeasured.state == "done"
    assert unmeasured.warning == (
        "The model can be used, but not all of its figures were made. The checkpoint m cannot be written: "
        "File too large."
    )
    assert unmeasured.checkpoint is not None
    assert unmeasured.checkpoint.read_text() == LEARNED
    done = train(room=psutil.RLIM_INFINITY)
    assert (done.state, done.warning) == ("done", None)
    assert done.training[-1].step == 30
    assert worker.is_running()


def test_what_nobody_takes_away_is_swept_up(tmp_path: Path, address: str) -> None:
    now = [1000.0]
    clock: Callable[[], float] = lambda: now[0]  # noqa: E731
    runs = HostedRuns(Database(address), "swept", STALLED)
    home = tmp_path / "runs"
    jobs = HostedJobs(Limits(queued=9, kept=1), lambda: runs, home, clock)
    for owner in "abc":
        jobs.submit(owner, lambda folder: ["train", "--out", str(folder / "m")], owner)
        jobs.status(owner)
    worker = Worker(runs, Limits(kept=1), home, since_1970=clock)
    now[0] += 899
    assert jobs.status("c") is not None  # its owner is there
    now[0] += 1
    worker._end_left()
    assert [status.state for status in map(jobs.status, "abc") if status] == ["failed", "failed", "queued"]
    error = jobs.status("a").error  # type: ignore[union-attr]
    assert error == "No page of yours was open for 15 minutes. Train again, and keep one open."
    assert len(list(home.iterdir())) == 1
    worker._expire()
    assert [owner for owner in "abc" if jobs.status(owner) is not None] in (["a", "c"], ["b", "c"])  # one is kept
    now[0] += 3600
    worker._expire()
    assert jobs.status("a") is jobs.status("b") is None
    jobs.close()


def test_two_sites_in_one_database_count_their_own_workers(tmp_path: Path, site: Site) -> None:
    (tmp_path / "other").mkdir()
    other = Site(tmp_path / "other", site.address)
    for each in (site, other):
        each.submit("a")
        (next(each.home.iterdir()) / "endless").touch()
    worker = site.start()
    until(lambda: site.status("a").n_workers == 1)
    until(lambda: site.is_training("a"))
    assert (other.status("a").n_workers, other.status("a").place) == (0, 1)
    other.start()
    until(lambda: other.status("a").n_workers == 1)
    assert site.status("a").n_workers == 1
    worker.kill()
    until(lambda: site.status("a").n_workers == 0)
    assert other.status("a").n_workers == 1
    other.close()
