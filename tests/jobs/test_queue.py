"""Training runs beside the app: who is next, what is kept, and that nothing outlives the server.

The runs here are a small script that keeps a journal as the command line does and waits for files
named after what it is to do next.
"""

from __future__ import annotations

import contextlib
import itertools
import logging
import os
import random
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Event, Thread

import databases
import pytest

from rhythmvae.errors import RhythmVAEError, UsageError
from rhythmvae.jobs import listener
from rhythmvae.jobs import supervisor as module
from rhythmvae.jobs.ledger import key_of
from rhythmvae.jobs.limits import Limits
from rhythmvae.jobs.process import NICE
from rhythmvae.jobs.queue import Jobs
from rhythmvae.jobs.run import Run, RunStatus, State
from rhythmvae.jobs.supervisor import Supervisor
from rhythmvae.training.journal import Preview

ROOT = Path(__file__).parents[2]

CHILD = r"""
import json, os, signal, subprocess, sys, time
from pathlib import Path

signal.signal(signal.SIGTERM, signal.default_int_handler)  # as the command line has it
how, out = sys.argv[1], Path(sys.argv[sys.argv.index("--out") + 1])
folder = out.parent

def say(stage, **more):
    print(json.dumps({"stage": stage, **more}), flush=True)

def train(step):
    say("training", step=step, n_steps=9, epoch=step / 2, seconds=1.0, terms={}, validation=None, is_best=False)

def wait_for(name):
    while not (folder / name).exists():
        time.sleep(0.005)

def ready():
    out.write_text("a model")
    say("ready")

(folder / "pid.new").write_text(str(os.getpid()))
(folder / "pid.new").rename(folder / "pid")
if how == "silent":
    time.sleep(60)
if how == "failed":
    say("failed", sentence=f"Expected MIDI, got a poem in {folder}/data/a.mid.")
    sys.exit(2)
if how == "usage":
    print("a warning\nrhythmvae: Expected a number, got 'x'.", file=sys.stderr)
    sys.exit(2)
if how == "crash":
    raise RuntimeError("secret")
if how == "killed":
    os.kill(os.getpid(), signal.SIGKILL)
if how == "nothing":
    sys.exit(0)
if how == "bad file":  # some files of many could not be read
    ready()
    say("done")
    sys.exit(1)
if how == "says nothing":
    out.write_text("a model")
    sys.exit(0)
if how == "no file":
    say("ready")
    sys.exit(0)
if how == "leaves a child":
    left = subprocess.Popen(["sleep", "60"])
    (folder / "left").write_text(str(left.pid))
    ready()
    say("done")
    sys.exit(0)
if how == "noise":
    write = sys.stdout.write
    write("no JSON\n\n[1]\n3\nnull\n{\"stage\": 3}\n{\"stage\"\n" + "[" * 100_000 + "\n\xff\n" + "9" * 9999 + "\n")
    say("too long", text="x" * 1_200_000)
    write("y" * 1_000_000 + "\n")
    print("z" * 100_000, file=sys.stderr)
    for step in range(5000):
        train(step)
    for number in range(100):
        say(f"stage {number}")
    ready()
    train(5000)
    say("done")
    write("the end has no line break")
    sys.exit(0)

if "--later" in sys.argv:
    say("judging", done=0)
    try:
        wait_for("figures")
    except KeyboardInterrupt:
        sys.exit(0)
    if how == "crash later":
        raise RuntimeError("secret")
    say("done", card={"held_out": {}})
    sys.exit(0)

environment = {name: os.environ.get(name) for name in ("OMP_NUM_THREADS", "XDG_CACHE_HOME", "TMPDIR")}
say("reading", nice=os.nice(0), environment=environment, arguments=sys.argv, group=os.getpgid(0) == os.getpid())
if how == "memory":
    ballast = b"x" * 150_000_000
try:
    step = 0
    while not (folder / "finish").exists():
        step += 1
        train(step)
        time.sleep(0.01)
except KeyboardInterrupt:
    pass
say("prior", done=step, of=step)
if how == "long prior":
    wait_for("drawn")
ready()
if how == "crash after":
    raise RuntimeError("secret")
if how == "judged":
    say("judging")
    wait_for("figures")
if how == "deaf":
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    wait_for("heard")
say("done")
"""


class Clock:
    """Goes by itself only when told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Site:
    """A registry of runs of the script above, and the folders they were given."""

    def __init__(self, folder: Path, limits: Limits | None = None, **more: object) -> None:
        script = folder / "child.py"
        script.write_text(CHILD)
        self.home = folder / "runs"
        self.jobs = Jobs(limits or Limits(), self.home, command=[sys.executable, "-S", str(script)], **more)
        self.folders: dict[str, Path] = {}

    def submit(self, owner: str, how: str = "train", **more: object) -> Path:
        def prepare(folder: Path) -> list[str]:
            self.folders[owner] = folder
            return [how, "--out", str(folder / "m.safetensors"), "--journal"]

        self.jobs.submit(owner, prepare, f"{owner}'s loops", **more)
        return self.folders[owner]

    def status(self, owner: str) -> RunStatus:
        found = self.jobs.status(owner)
        assert found is not None
        return found

    def state(self, owner: str) -> str | None:
        found = self.jobs.status(owner)
        return found and found.state

    def tell(self, owner: str, what: str) -> None:
        (self.folders[owner] / what).touch()

    def pid(self, owner: str) -> int:
        file = self.folders[owner] / "pid"
        until(file.exists)
        return int(file.read_text())

    def is_training(self, owner: str) -> bool:
        return self.state(owner) == "running" and bool(self.status(owner).training)

    def submit_training(self, owner: str, how: str = "train") -> Path:
        folder = self.submit(owner, how)
        until(lambda: self.is_training(owner))
        return folder

    def wake(self) -> None:
        self.jobs._supervisor.wake()

    def ended(self, owner: str) -> RunStatus:
        until(lambda: self.status(owner).is_over)
        return self.status(owner)


def until(holds: Callable[[], object], seconds: float = 180) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "it did not come about"
        time.sleep(0.005)


def is_alive(pid: int) -> bool:
    """Zombies, which only wait to be reaped, are dead."""
    result = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True)
    return result.stdout.strip()[:1] not in ("", "Z")


def is_halted(pid: int) -> bool:
    return subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True).stdout[:1] == "T"


@pytest.fixture
def clock() -> Clock:
    return Clock()


class HostedSite(Site):
    """The same, where a worker on another machine does the runs: here in a thread."""

    def __init__(self, folder: Path, address: str, limits: Limits | None = None, clock: Clock | None = None) -> None:
        from rhythmvae.jobs.hosted import HostedJobs
        from rhythmvae.jobs.worker import Worker
        from rhythmvae.store.database import Database
        from rhythmvae.store.hosted import HostedRuns

        script = folder / "child.py"
        script.write_text(CHILD)
        self.home = folder / "runs"
        self.home.mkdir()
        self.folders: dict[str, Path] = {}
        name, limits = f"site {next(_NUMBERS)}", limits or Limits()
        command = [sys.executable, "-S", str(script)]
        quick = {"look_seconds": 0.02, "sweep_seconds": 0.1}
        both = {} if clock is None else {"clock": clock, "since_1970": clock}
        self.worker = Worker(HostedRuns(Database(address), name), limits, self.home, command, **quick, **both)
        self.jobs = HostedJobs(limits, lambda: HostedRuns(Database(address), name), self.home, clock or time.time)
        self._thread = Thread(target=self.worker.run)
        self._thread.start()

    def wake(self) -> None:
        self.worker._supervisor.wake()

    def close(self) -> None:
        self.worker.stop()
        self._thread.join(120)
        assert not self._thread.is_alive()
        self.worker._runs.close()
        self.jobs.close()


_NUMBERS = itertools.count()
ONE_MACHINE = pytest.mark.parametrize("kind", ["one machine"], indirect=True)  # what it is made of is looked into


@pytest.fixture(params=["one machine", "hosted"])
def kind(request) -> str:
    return request.param


@pytest.fixture(scope="module")
def hosted_address(postgresql_folder) -> str:
    """One database for all sites of this file."""
    return databases.new_database(postgresql_folder, "hosted")


@pytest.fixture
def open_site(tmp_path, kind, request) -> Iterator[Callable[..., Site]]:
    with contextlib.ExitStack() as stack:

        def opened(**more) -> Site:
            if kind == "hosted":
                hosted = HostedSite(tmp_path, request.getfixturevalue("hosted_address"), **more)
                stack.callback(hosted.close)
                return hosted
            site = Site(tmp_path, **more)
            stack.callback(site.jobs.close)
            return site

        yield opened


@pytest.fixture
def site(open_site) -> Site:
    return open_site()


# -- a run ---------------------------------------------------------------------


def test_from_the_queue_to_a_model(site):
    assert site.jobs.status("ann") is None
    folder = site.submit("ann", "judged")
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    until(lambda: site.is_training("ann"))
    status = site.status("ann")
    assert (status.name, status.place, status.checkpoint, status.error) == ("ann's loops", None, None, None)
    assert status.training[-1] == status.stages["training"]
    reading = status.stages["reading"].content
    assert reading["nice"] >= min(19, os.nice(0) + NICE)
    assert reading["group"]
    assert reading["environment"] == {"OMP_NUM_THREADS": "1", "XDG_CACHE_HOME": str(folder), "TMPDIR": str(folder)}
    assert "ann" not in " ".join([str(folder.relative_to(site.home)), *reading["arguments"][1:]])

    site.tell("ann", "finish")
    until(lambda: site.status("ann").checkpoint)
    status = site.status("ann")
    assert status.state == "running"  # figures are being made
    assert status.checkpoint.read_text() == "a model"
    site.tell("ann", "figures")
    status = site.ended("ann")
    assert (status.state, status.error, status.warning) == ("done", None, None)
    assert list(status.stages) == ["reading", "training", "prior", "ready", "judging", "done"]
    assert [message.step for message in status.training] == list(range(1, status.stages["prior"].done + 1))
    assert 0 < status.seconds < 3600  # no time of day
    assert status.checkpoint.read_text() == "a model"
    assert site.jobs.counts() == (0, 0)


def test_one_at_a_time_in_the_order_they_came(site):
    site.submit_training("a")
    for owner in "bcd":
        site.submit(owner)
    assert [site.status(owner).place for owner in "abcd"] == [None, 1, 2, 3]
    assert {site.state(owner) for owner in "bcd"} == {"queued"}
    assert site.jobs.counts() == (1, 3)
    with pytest.raises(UsageError, match="Your last training run has not ended"):
        site.submit("b")
    site.submit("e")
    with pytest.raises(UsageError, match="The queue is full: 1 training and 4 waiting, and no more than 4 may wait"):
        site.submit("f")
    assert site.jobs.status("f") is None
    site.jobs.stop("c")
    assert site.state("c") == "cancelled"
    assert [site.status(owner).place for owner in "bde"] == [1, 2, 3]
    for owner, others in (("a", "bde"), ("b", "de"), ("d", "e"), ("e", "")):
        until(lambda owner=owner: site.is_training(owner))
        assert {site.state(other) for other in others} <= {"queued"}
        site.tell(owner, "finish")
        assert site.ended(owner).state == "done"
    until(lambda: not site.folders["c"].exists())


def test_two_at_a_time_and_no_queue(open_site):
    site = open_site(limits=Limits(running=2, queued=0))
    site.submit_training("a")
    site.submit_training("b")
    with pytest.raises(UsageError, match="2 training and 0 waiting"):
        site.submit("c")


def test_data_that_cannot_be_prepared_leaves_everything_as_it_was(site):
    folder = site.submit("a", "bad file")
    before = site.ended("a")
    assert before.state == "done"

    def prepare(_: Path) -> list[str]:
        assert folder.exists()  # it may want to go on from that
        assert site.state("a") == "queued"
        raise UsageError("no drums")

    with pytest.raises(UsageError, match="no drums"):
        site.jobs.submit("a", prepare, "again")
    assert site.status("a") == before
    with pytest.raises(ValueError, match="a path in its folder"):
        site.jobs.submit("a", lambda _: ["train", "--out", "/tmp/m.safetensors"], "again")
    assert list(site.home.iterdir()) == [folder]
    assert site.jobs.counts() == (0, 0)

    site.submit("a", "bad file")  # a new run takes the old one's place
    assert site.ended("a").state == "done"
    until(lambda: list(site.home.iterdir()) == [site.folders["a"]])


def test_discarded_while_it_is_prepared(site):
    def prepare(folder: Path) -> list[str]:
        site.jobs.discard("a")
        assert folder.exists()
        return ["train", "--out", str(folder / "m")]

    site.jobs.submit("a", prepare, "")
    assert site.state("a") == "cancelled"
    until(lambda: not any(site.home.iterdir()))
    assert site.jobs.counts() == (0, 0)


# -- stop, discard, forget -----------------------------------------------------


@pytest.mark.parametrize("is_ignored", [False, True], ids=["", "the server ignores Ctrl-C"])
def test_stop_keeps_the_best_so_far(open_site, clock, is_ignored):
    site = open_site(clock=clock)  # a double click takes no time, however long the machine takes
    before = signal.signal(signal.SIGINT, signal.SIG_IGN) if is_ignored else None
    try:
        site.submit_training("a", "judged")
    finally:
        if is_ignored:
            signal.signal(signal.SIGINT, before)
    site.jobs.stop("a")
    assert site.state("a") == "stopping"
    site.jobs.pause("a")
    assert site.state("a") == "stopping"
    site.jobs.stop("a")  # the second of a double click
    until(lambda: site.status("a").checkpoint)
    site.tell("a", "figures")
    status = site.ended("a")
    assert (status.state, status.warning) == ("done", None)
    assert status.checkpoint.read_text() == "a model"
    site.jobs.stop("a")
    assert site.status("a") == status


def test_stop_keeps_what_the_page_has_just_seen(site, monkeypatch):
    """A page of another machine reads the run's journal, so whoever stops it must have heard at least as much."""
    may_go_on, add = Event(), listener.JournalFile.add

    def add_and_wait(self, line):
        add(self, line)
        if b'"training"' in line:
            may_go_on.wait(60)

    monkeypatch.setattr(listener.JournalFile, "add", add_and_wait)
    folder = site.submit_training("a", "judged")
    site.jobs.stop("a")
    until((folder / "m.safetensors").is_file)
    may_go_on.set()
    site.tell("a", "figures")
    status = site.ended("a")
    assert (status.state, status.checkpoint.read_text()) == ("done", "a model")


def test_stop_does_not_disturb_what_ends_anyway(site):
    site.submit_training("a", "long prior")
    site.tell("a", "finish")
    until(lambda: "prior" in site.status("a").stages)
    site.jobs.stop("a")
    assert site.state("a") == "stopping"
    site.tell("a", "drawn")
    status = site.ended("a")
    assert (status.state, status.warning) == ("done", None)


def test_stop_before_there_is_anything_to_keep(site):
    folder = site.submit("a", "silent")
    pid = site.pid("a")
    assert site.state("a") == "starting"
    site.jobs.stop("a")
    assert site.state("a") == "cancelled"
    until(lambda: not folder.exists())
    until(lambda: not is_alive(pid))  # its worker sees it at its next look


def test_a_second_stop_kills(open_site, clock):
    site = open_site(clock=clock)
    folder = site.submit_training("a", "long prior")
    pid = site.pid("a")
    site.jobs.stop("a")
    until(lambda: "prior" in site.status("a").stages)
    clock.now += 2
    site.jobs.stop("a")
    status = site.status("a")
    assert (status.state, status.checkpoint, status.error) == ("cancelled", None, None)
    until(lambda: not folder.exists())
    until(lambda: not is_alive(pid))  # its worker sees it at its next look

    site.submit_training("b", "judged")
    site.jobs.stop("b")
    until(lambda: site.status("b").checkpoint)
    clock.now += 2
    site.jobs.stop("b")
    status = site.ended("b")
    assert status.state == "done"
    assert status.warning == "The model can be used, but not all of its figures were made. It was stopped early."
    assert status.checkpoint.is_file()


def test_discard_and_forget(site):
    folder = site.submit_training("a")
    pid = site.pid("a")
    site.jobs.discard("a")
    assert site.state("a") == "cancelled"
    site.submit("a", "bad file")  # at once
    until(lambda: not folder.exists())
    until(lambda: not is_alive(pid))  # its worker sees it at its next look
    status = site.ended("a")
    assert status.state == "done"
    site.jobs.discard("a")
    status = site.status("a")
    assert (status.state, status.checkpoint) == ("cancelled", None)
    until(lambda: not any(site.home.iterdir()))

    for how in ("train", "bad file"):
        site.submit("b", how)
        until(lambda: site.status("b").stages)
        site.jobs.forget("b")
        assert site.jobs.status("b") is None
    site.submit("c", "failed")
    sentence = site.ended("c").error
    site.jobs.discard("c")
    assert site.status("c").error == sentence
    until(lambda: not any(site.home.iterdir()))
    for act in (site.jobs.stop, site.jobs.discard, site.jobs.forget, site.jobs.pause, site.jobs.resume):
        act("nobody")
    assert site.jobs.counts() == (0, 0)


# -- pauses --------------------------------------------------------------------


@ONE_MACHINE
def test_a_pause_is_not_counted_and_keeps_the_place(open_site, clock):
    site = open_site(clock=clock)
    site.submit_training("a")
    pid = site.pid("a")
    clock.now += 5
    site.jobs.pause("a")
    assert site.state("a") == "paused"
    until(lambda: is_halted(pid))
    assert site.status("a").pause_seconds == 600
    clock.now += 400
    status = site.status("a")
    assert (status.seconds, status.pause_seconds) == (5, 200)
    site.submit("b")
    clock.now += 30
    status = site.status("a")
    assert (status.seconds, status.pause_seconds) == (5, 30)
    assert site.state("b") == "queued"
    site.jobs.resume("a")
    assert site.state("a") == "running"
    step = site.status("a").training[-1].step
    until(lambda: site.status("a").training[-1].step > step)
    clock.now += 7
    assert site.status("a").seconds == 12
    site.tell("a", "finish")
    assert site.ended("a").seconds == 12


@ONE_MACHINE
def test_a_pause_ends_by_itself_sooner_while_others_wait(open_site, clock):
    site = open_site(clock=clock)
    site.submit_training("a")
    site.submit("b")
    site.jobs.pause("a")
    assert site.status("a").pause_seconds == 60
    clock.now += 59
    assert site.state("a") == "paused"
    clock.now += 1
    until(lambda: site.is_training("a"))
    with pytest.raises(UsageError, match="paused for as long as it may be while others wait, 1 min; let it go on"):
        site.jobs.pause("a")
    site.jobs.discard("b")
    site.jobs.pause("a")
    assert site.status("a").pause_seconds == 540
    clock.now += 540
    until(lambda: site.is_training("a"))
    with pytest.raises(UsageError, match="for as long as it may be; let it go on, or stop it"):
        site.jobs.pause("a")


def test_stop_while_paused(site):
    site.submit_training("a")
    site.jobs.pause("a")
    site.jobs.stop("a")
    assert site.state("a") == "stopping"
    status = site.ended("a")
    assert (status.state, status.warning) == ("done", None)


def test_discard_while_paused(site):
    folder = site.submit_training("a")
    pid = site.pid("a")
    site.jobs.pause("a")
    site.jobs.discard("a")
    until(lambda: not folder.exists())
    until(lambda: not is_alive(pid))  # its worker sees it at its next look


# -- bad ends ------------------------------------------------------------------


def test_too_much_memory(open_site):
    site = open_site(limits=Limits(memory_megabytes=60))
    folder = site.submit("a", "memory")
    status = site.ended("a")
    assert status.state == "failed"
    assert status.checkpoint is None
    words = status.error.split()
    assert 60 < float(words[4]) < 400
    assert status.error.startswith("The training run took ")
    assert status.error.endswith("no more than 60 MB are allowed; give it fewer files, or a smaller model.")
    until(lambda: not folder.exists())


@pytest.mark.parametrize(
    ("how", "sentence"),
    [
        ("crash", "The training run broke off because of an error on our side; try again, or with other settings."),
        ("nothing", "The training run broke off because of an error on our side; try again, or with other settings."),
        ("no file", "The training run broke off because of an error on our side; try again, or with other settings."),
        ("killed", "The system ended the training run, most likely because memory ran out; give it fewer files, "
         "or a smaller model."),
        ("failed", "Expected MIDI, got a poem in data/a.mid."),
        ("usage", "Expected a number, got 'x'."),
    ],
)  # fmt: skip
def test_a_failure_ends_in_a_sentence(site, caplog, how, sentence):
    with caplog.at_level(logging.WARNING):
        site.submit("a", how)
        status = site.ended("a")
        assert (status.state, status.error, status.warning, status.checkpoint) == ("failed", sentence, None, None)
        site.submit("b", "bad file")  # the next goes on
        assert site.ended("b").state == "done"
    until(lambda: list(site.home.iterdir()) == [site.folders["b"]])
    logged = caplog.records[0].getMessage()
    assert ("RuntimeError: secret" in logged) == (how == "crash")
    assert site.folders["a" if how not in ("nothing", "no file") else "b"].name in logged


def test_a_run_that_succeeds_without_a_word(site):
    site.submit("a", "says nothing")
    status = site.ended("a")
    assert (status.state, status.warning) == ("done", None)
    assert status.checkpoint.read_text() == "a model"


def test_a_crash_after_the_model_was_ready(site):
    site.submit_training("a", "crash after")
    site.tell("a", "finish")
    status = site.ended("a")
    assert status.state == "done"
    assert (
        status.warning == "The model can be used, but not all of its figures were made. The run broke off after that."
    )
    assert status.checkpoint.read_text() == "a model"


@ONE_MACHINE
def test_a_run_that_does_not_end(open_site, clock):
    site = open_site(limits=Limits(minutes=1), clock=clock)
    for how, outcome in (("train", "failed"), ("judged", "done")):
        site.submit_training(how, how)
        clock.now += 479
        site.jobs.pause(how)
        clock.now += 100  # does not count
        site.jobs.resume(how)
        until(lambda how=how: site.is_training(how))
        if outcome == "done":
            site.tell(how, "finish")
            until(lambda how=how: site.status(how).checkpoint)
        clock.now += 2
        status = site.ended(how)
        assert status.state == outcome
        assert "had not ended after 8 minutes, as long as is allowed" in (status.error or status.warning)
        assert (status.checkpoint is not None) == (outcome == "done")


def test_noise_is_passed_over_and_all_is_bounded(site):
    site.submit("a", "noise")
    status = site.ended("a")
    assert (status.state, status.warning) == ("done", None)
    assert len(status.stages) == listener.MAX_STAGES + 2  # `ready` and `done` came later and are always kept
    assert "too long" not in status.stages
    steps = [message.step for message in status.training]
    assert listener.MAX_TRAINING / 2 <= len(steps) <= listener.MAX_TRAINING
    assert steps == [*range(0, 5000, 4), 5000]


def test_what_a_run_started_itself_ends_with_it(site, monkeypatch):
    monkeypatch.setattr(module, "LINGER_SECONDS", 0.1)
    folder = site.submit("a", "leaves a child")
    assert site.ended("a").state == "done"
    left = int((folder / "left").read_text())
    until(lambda: not is_alive(left))


def test_a_run_that_cannot_be_started(site, caplog):
    def prepare(folder: Path) -> list[str]:
        return ["train\0", "--out", str(folder / "m")]

    site.jobs.submit("a", prepare, "")
    assert site.ended("a").error == "The training run could not be started; try again in a few minutes."
    site.submit("b", "bad file")
    assert site.ended("b").state == "done"
    assert "embedded null byte" in caplog.text


@ONE_MACHINE
def test_whatever_keeps_a_run_from_being_started_frees_its_place(site, monkeypatch):
    def start(*_: object) -> None:
        raise MemoryError

    with monkeypatch.context() as patch:
        patch.setattr(module, "start", start)
        site.submit("a", "bad file")
        assert "could not be started" in site.ended("a").error
    assert site.jobs.counts() == (0, 0)


# -- what is kept --------------------------------------------------------------


def test_ended_runs_are_kept_for_a_while(open_site, clock):
    site = open_site(clock=clock)
    folder = site.submit("a", "bad file")
    assert site.ended("a").state == "done"
    clock.now += 3599
    assert site.status("a").checkpoint.is_file()
    clock.now += 1
    assert site.jobs.status("a") is None
    until(lambda: not folder.exists())


def test_the_newest_are_kept(open_site, clock):
    site = open_site(limits=Limits(kept=2), clock=clock)
    for owner, how in (("m1", "bad file"), ("m2", "bad file"), *((f"f{n}", "failed") for n in range(4))):
        clock.now += 1
        site.submit(owner, how)
        site.ended(owner)
    names = ("m1", "m2", "f0", "f1", "f2", "f3")
    until(lambda: [owner for owner in names if site.state(owner)] == ["m1", "m2", "f2", "f3"])
    clock.now += 1
    site.submit("m3", "bad file")
    site.ended("m3")
    until(lambda: [owner for owner in ("m1", "m2", "m3") if site.state(owner)] == ["m2", "m3"])
    until(lambda: set(site.home.iterdir()) == {site.folders["m2"], site.folders["m3"]})


# -- the end of the server -----------------------------------------------------


def test_close_kills_and_removes(tmp_path):
    site = Site(tmp_path)
    site.submit_training("a")
    site.submit("b")
    pid = site.pid("a")
    site.jobs.close()
    until(lambda: not is_alive(pid))  # its worker sees it at its next look
    assert not any(site.home.iterdir())
    assert site.jobs.status("a") is None
    with pytest.raises(UsageError, match="The server is closing"):
        site.submit("c")
    assert not any(site.home.iterdir())
    site.jobs.close()


def test_closed_while_a_run_is_prepared():
    jobs = Jobs(Limits())

    def prepare(folder: Path) -> list[str]:
        jobs.close()
        folder.mkdir(parents=True)
        return ["train", "--out", str(folder / "m")]

    home = jobs._records.home
    assert stat.S_IMODE(home.stat().st_mode) == 0o700
    with pytest.raises(UsageError, match="The server is closing"):
        jobs.submit("a", prepare, "")
    assert not home.exists()


SERVER = """
import sys, time
from pathlib import Path
from rhythmvae.jobs import process
from rhythmvae.jobs.limits import Limits
from rhythmvae.jobs.queue import Jobs

folder, child, what, without = Path(sys.argv[1]), sys.argv[2], sys.argv[3], sys.argv[4]
if without == "group only":
    process.LAUNCH = process.LAUNCH.replace("prctl(1,", "prctl(-1,")
jobs = Jobs(Limits(), None if what == "exits" else folder, command=[sys.executable, "-S", child])

def prepare(own):
    print(own, flush=True)
    return ["train", "--out", str(own / "m")]

jobs.submit("a", prepare, "")
while not jobs.status("a").training:
    time.sleep(0.01)
if what == "paused":
    jobs.pause("a")
print("up", flush=True)
if what != "exits":
    time.sleep(60)
"""


@pytest.mark.parametrize("means", ["", "group only"])
@pytest.mark.parametrize("what", ["running", "paused", "exits"])
def test_no_run_outlives_the_server(tmp_path, what, means):
    child, server = tmp_path / "child.py", tmp_path / "server.py"
    child.write_text(CHILD)
    server.write_text(SERVER)
    command = [sys.executable, str(server), str(tmp_path), str(child), what, means]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)}
    ) as process:
        try:
            folder = Path(process.stdout.readline().strip())
            assert process.stdout.readline() == "up\n" or what == "exits"
            if what == "exits":
                assert process.wait(60) == 0
                assert not folder.parent.exists()
                return
            pid = int((folder / "pid").read_text())
            if what == "paused":
                until(lambda: is_halted(pid))
            assert is_alive(pid)
        finally:
            process.kill()
    until(lambda: not is_alive(pid))


# -- all at once ---------------------------------------------------------------


@ONE_MACHINE
def test_twenty_visitors_at_once(open_site):
    site = open_site(limits=Limits(running=2, queued=3, kept=4))
    errors: list[BaseException] = []
    deadline = time.monotonic() + 3

    def visit(number: int) -> None:
        dice = random.Random(number)
        owner = f"visitor {number % 12}"  # some have two tabs
        acts = [site.jobs.stop, site.jobs.discard, site.jobs.forget, site.jobs.pause, site.jobs.resume]
        try:
            while time.monotonic() < deadline:
                with contextlib.suppress(RhythmVAEError):
                    if dice.random() < 0.3:
                        how = dice.choice(["train", "bad file", "failed", "crash"])
                        site.jobs.submit(owner, lambda folder, how=how: [how, "--out", str(folder / "m")], owner)
                    elif dice.random() < 0.5:
                        dice.choice(acts)(owner)
                for _ in range(dice.randrange(5)):
                    status = site.jobs.status(owner)
                    if status is not None:
                        assert (status.place is not None) == (status.state == "queued")
                        assert status.state != "done" or status.checkpoint is not None
                n_active, n_waiting = site.jobs.counts()
                assert n_active <= 2
                assert n_active + n_waiting <= 5
                time.sleep(dice.random() / 50)
        except BaseException as error:
            errors.append(error)

    threads = [Thread(target=visit, args=(number,)) for number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors
    for number in range(12):
        if site.state(f"visitor {number}") not in ("done", None):
            site.jobs.discard(f"visitor {number}")
    until(lambda: site.jobs.counts() == (0, 0))
    looks = [status for number in range(12) if (status := site.jobs.status(f"visitor {number}"))]
    done = [status.checkpoint.parent for status in looks if status.state == "done"]
    assert len(done) <= 4
    until(lambda: set(site.home.glob("*")) == set(done))
    assert site.jobs._supervisor._thread.is_alive()
    site.submit_training("the last")


# -- a model for everybody, before figures for anybody


PARTS = ((), ("--later",))


def test_whoever_has_no_model_yet_comes_before_figures(site):
    site.submit("a", parts=PARTS)
    until(lambda: site.is_training("a"))
    site.submit("b", parts=PARTS)
    site.tell("a", "finish")
    until(lambda: site.is_training("b"))
    a = site.status("a")
    assert (a.state, a.place, a.checkpoint is not None) == ("queued", 1, True)
    assert "done" not in a.stages  # not before the figures
    assert site.jobs.counts() == (1, 0)  # whoever comes now is the next
    site.submit("c")
    assert [site.status(owner).place for owner in "ca"] == [1, 2]
    site.tell("b", "finish")
    until(lambda: site.is_training("c"))
    site.tell("c", "finish")
    until(lambda: "judging" in site.status("a").stages)
    site.tell("a", "figures")
    a = site.ended("a")
    assert (a.state, a.warning, a.stages["done"].card) == ("done", None, {"held_out": {}})
    until(lambda: "judging" in site.status("b").stages)
    site.tell("b", "figures")
    assert site.ended("b").state == "done"


def test_a_second_part_that_is_stopped_or_breaks_leaves_the_model(site):
    for owner, how in (("stopped", "train"), ("broken", "crash later")):
        site.submit(owner, how, parts=PARTS)
        site.tell(owner, "finish")
        until(lambda owner=owner: site.status(owner).checkpoint is not None)
        if how == "train":
            until(lambda owner=owner: "judging" in site.status(owner).stages)
            site.jobs.stop(owner)
        else:
            site.tell(owner, "figures")
        ended = site.ended(owner)
        assert ended.state == "done"
        assert ended.checkpoint is not None
        assert ended.warning is not None
        assert "not all of its figures" in ended.warning


def stopped_without_figures(site: Site, owner: str) -> None:
    ended = site.ended(owner)
    assert ended.state == "done"
    assert ended.checkpoint is not None
    assert ended.warning is not None
    assert "It was stopped early" in ended.warning
    assert "judging" not in ended.stages
    assert site.jobs.counts() == (0, 0)


def test_a_stop_as_the_model_becomes_ready_is_not_forgotten(site):
    """The first part ends by itself and well before the stop reaches it."""
    site.submit("a", "deaf", parts=PARTS)
    site.tell("a", "finish")
    until(lambda: site.status("a").checkpoint is not None)
    site.jobs.stop("a")
    site.tell("a", "heard")
    stopped_without_figures(site, "a")


@ONE_MACHINE
def test_a_pause_between_two_parts_is_not_shown_and_then_forgotten(site, monkeypatch):
    shown: list[State] = []

    def paused(run: Run) -> None:
        site.jobs.pause("a")
        shown.append(run.state)

    monkeypatch.setattr(Run, "log", paused)
    site.submit("a", parts=PARTS)
    site.tell("a", "finish")
    site.tell("a", "figures")
    assert site.ended("a").state == "done"
    assert shown
    assert State.PAUSED not in shown


@ONE_MACHINE
def test_a_stop_between_two_parts_is_not_forgotten(site, monkeypatch):
    """It comes after the first part's process was reaped and before the run is queued for the second."""
    monkeypatch.setattr(Run, "log", lambda run: site.jobs.stop("a"))
    site.submit("a", parts=PARTS)
    site.tell("a", "finish")
    stopped_without_figures(site, "a")


@ONE_MACHINE
def test_a_stop_while_the_second_part_is_being_started_is_not_forgotten(site, monkeypatch):
    start = Supervisor._start

    def stopped_first(supervisor: Supervisor, run: Run) -> None:
        if run.is_ready:
            site.jobs.stop("a")
        start(supervisor, run)

    monkeypatch.setattr(Supervisor, "_start", stopped_first)
    site.submit("a", parts=PARTS)
    site.tell("a", "finish")
    ended = site.ended("a")
    assert ended.state == "done"
    assert "It was stopped early" in ended.warning


def test_a_run_that_waits_for_its_second_part_can_be_stopped_and_discarded(site):
    for owner in ("stopped", "discarded"):
        site.submit(owner, parts=PARTS)
        site.tell(owner, "finish")
        site.submit(f"before {owner}")
        until(lambda owner=owner: site.is_training(f"before {owner}") and site.status(owner).state == "queued")
        getattr(site.jobs, {"stopped": "stop", "discarded": "discard"}[owner])(owner)
        assert site.status(owner).is_over
        site.tell(f"before {owner}", "finish")
        site.ended(f"before {owner}")
    assert site.status("stopped").checkpoint is not None
    assert site.status("discarded").checkpoint is None
    until(lambda: not site.folders["discarded"].exists())
    assert site.jobs.counts() == (0, 0)


@ONE_MACHINE
def test_a_stop_reaches_a_run_whose_last_word_was_of_something_else(site):
    """Such as grooves to hear: it has not come to where all would be lost."""
    site.submit("a")
    until(lambda: site.is_training("a"))
    with site.jobs._lock:
        site.jobs._records.runs[key_of("a")].transcript.add(Preview(1, ()), 10)
    site.jobs.stop("a")
    assert site.ended("a").state == "done"


def test_figures_make_room_for_whoever_has_no_model_and_go_on_afterwards(site):
    site.submit("a", parts=PARTS)
    site.tell("a", "finish")
    until(lambda: "judging" in site.status("a").stages)
    first = site.pid("a")
    site.submit("b", parts=PARTS)
    until(lambda: site.is_training("b"))
    assert not is_alive(first)
    a = site.status("a")
    assert (a.state, a.place, a.checkpoint is not None, a.warning) == ("queued", 1, True, None)
    site.tell("b", "finish")
    until(lambda: site.state("b") == "queued" and site.state("a") == "running")
    assert site.status("b").place == 1  # behind the figures that had begun before
    site.tell("a", "figures")
    assert site.ended("a").stages["done"].card == {"held_out": {}}
    site.tell("b", "figures")
    assert site.ended("b").warning is None


@pytest.mark.parametrize("what", ["pause", "stop"])
def test_figures_that_are_paused_or_stopped_make_room_all_the_same(site, what):
    site.submit("a", parts=PARTS)
    site.tell("a", "finish")
    until(lambda: "judging" in site.status("a").stages and site.state("a") == "running")
    getattr(site.jobs, what)("a")
    site.submit("b")
    until(lambda: site.is_training("b"))
    if what == "stop":
        stopped = site.ended("a")
        assert (stopped.state, stopped.checkpoint.is_file()) == ("done", True)
        assert "It was stopped early" in stopped.warning
        return
    assert site.state("a") == "queued"
    site.tell("b", "finish")
    site.tell("a", "figures")
    assert site.ended("a").warning is None


@ONE_MACHINE
def test_figures_of_owners_who_are_gone_end_and_the_model_stays(open_site, clock):
    site = open_site(clock=clock)
    site.submit("gone", parts=PARTS)
    site.tell("gone", "finish")
    until(lambda: "judging" in site.status("gone").stages)
    clock.now += 179
    assert site.state("gone") == "running"  # a page was open: the time begins anew
    clock.now += 179
    site.wake()
    site.submit("waits")
    until(lambda: site.is_training("waits"))
    clock.now += 1  # now it has been put off, and nobody asks
    site.wake()
    until(lambda: site.jobs._records.runs[key_of("gone")].is_over)
    gone = site.status("gone")
    assert (gone.state, gone.checkpoint.is_file()) == ("done", True)
    assert gone.warning.endswith("not all of its figures were made. No page of yours was open for 3 minutes.")
    site.tell("waits", "finish")
    site.ended("waits")


def test_training_of_owners_who_are_gone_keeps_the_best_and_whoever_only_waits_is_told(open_site, clock):
    site = open_site(clock=clock)
    site.submit("gone", parts=PARTS)
    until(lambda: site.is_training("gone"))
    site.submit("too")
    site.submit("there")
    clock.now += 899
    assert site.state("there") == "queued"
    clock.now += 1
    site.wake()
    until(lambda: site.is_training("there"))
    gone, too = site.status("gone"), site.status("too")
    assert (gone.state, gone.checkpoint.is_file()) == ("done", True)
    assert gone.warning.endswith("No page of yours was open for 15 minutes.")
    assert (too.state, too.checkpoint) == ("failed", None)
    assert too.error == "No page of yours was open for 15 minutes. Train again, and keep one open."
    assert site.state("there") == "running"
