"""Runs outlive their server: killed at any moment, the next one goes on with them or tells their owners."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pytest

from rhythmvae.errors import StoreError
from rhythmvae.jobs.estimate import Work
from rhythmvae.jobs.ledger import KEEP_SECONDS, RETRY_SECONDS, Ledger, key_of
from rhythmvae.jobs.limits import Limits
from rhythmvae.jobs.listener import JournalFile
from rhythmvae.jobs.queue import Jobs
from rhythmvae.jobs.revival import MAX_RESTARTS
from rhythmvae.jobs.run import State
from rhythmvae.store.database import Database
from rhythmvae.store.record import RunRecord
from rhythmvae.store.runs import Runs
from rhythmvae.training import journal
from rhythmvae.training.journal import Training

ROOT = Path(__file__).parents[2]
PARTS = ([], ["--figures"])

# As the command line trains: a state at every other step, the model from all steps, then figures of it.
CHILD = r"""
import json, os, signal, sys, time
from pathlib import Path

signal.signal(signal.SIGTERM, signal.default_int_handler)  # as the command line has it
out = Path(sys.argv[sys.argv.index("--out") + 1])
state = out.with_name(out.name + ".resume")

def say(stage, **more):
    print(json.dumps({"stage": stage, **more}), flush=True)

def write(path, text):
    try:
        path.with_suffix(".new").write_text(text)
        path.with_suffix(".new").replace(path)
    except OSError as error:
        path.with_suffix(".new").unlink()
        if path == state:
            return  # the run goes on
        say("failed", sentence=f"The checkpoint {path} cannot be written: {error.strerror}.")
        sys.exit(2)

if "--figures" in sys.argv:
    say("judging", done=0, of=1)
    time.sleep(0.1)
    write(out, out.read_text() + " figures")
    say("done", card={})
    sys.exit(0)
say("reading", done=1, of=1)
learned = state.read_text() if "--resume" in sys.argv else ""
if learned == "of another version":
    say("failed", sentence="The run to resume is of another model or data.")
    sys.exit(2)
assert "--resume" in sys.argv or not out.exists()
try:
    while len(learned) < 30 or (out.parent / "endless").exists():
        learned += chr(ord("a") + len(learned) % 26)
        if len(learned) % 2 == 0:
            write(state, learned)
        step = {"step": len(learned), "n_steps": 30, "epoch": 1.0, "seconds": 1.0, "validation": None}
        say("training", terms={"kl": 1.0}, is_best=False, **step)
        time.sleep(0.01)
except KeyboardInterrupt:
    pass
say("prior", done=0, of=1)
write(out, learned)
time.sleep(0.02)
state.unlink(missing_ok=True)
say("ready")
say("done", card={})
"""
LEARNED = "abcdefghijklmnopqrstuvwxyzabcd"
SERVER = """
import sys, time
from pathlib import Path
from test_revival import opened

jobs = opened(Path(sys.argv[1]))
for owner in sys.argv[2:]:
    jobs.submit(owner, lambda folder: ["train", "--out", str(folder / "m")], owner, {"of": owner}, ([], ["--figures"]))
print("up", flush=True)
time.sleep(60)
"""


def opened(folder: Path, **more: Any) -> Jobs:
    """A server whose temporary files and database lie in a folder."""
    tempfile.tempdir = str(folder / "tmp")
    store = Runs(Database(f"sqlite:///{folder / 'store.sqlite'}"))
    return Jobs(Limits(), command=[sys.executable, "-S", str(folder / "child.py")], store=store, **more)


def killed_server(folder: Path, owners: Sequence[str], seconds: float) -> None:
    """Start a server on a folder, queue a run for each owner, and kill it some seconds later."""
    command = [sys.executable, "-c", SERVER, str(folder), *owners]
    path = os.environ | {"PYTHONPATH": f"{ROOT}:{Path(__file__).parent}"}
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=path) as server:
        try:
            assert server.stdout is not None
            assert server.stdout.readline() == b"up\n"
            time.sleep(seconds)
        finally:
            server.kill()


def until(holds: Callable[[], object], seconds: float = 180) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "it did not come about"
        time.sleep(0.01)


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder for a server, its temporary files and its database."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))
    (tmp_path / "tmp").mkdir()
    (tmp_path / "child.py").write_text(CHILD)
    return tmp_path


def processes_in(folder: Path) -> list[psutil.Process]:
    """Those whose command line names a folder and that are no zombies."""
    found = []
    for process in psutil.process_iter():
        try:
            if str(folder) in " ".join(process.cmdline()) and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except psutil.Error:
            continue
    return found


def folders(site: Path) -> set[Path]:
    """The folders of all runs of all servers."""
    return {path for path in (site / "tmp").glob("*/*") if path.is_dir()}


@pytest.mark.parametrize("seed", [1, 2])
def test_killed_again_and_again_every_run_is_finished_as_if_nothing_had_been(site: Path, seed: int) -> None:
    dice = random.Random(seed)
    owners = ["ann", "bob", "cid"]
    for number in range(3):
        killed_server(site, owners if not number else [], dice.uniform(0.0, 0.5))
    jobs = opened(site)
    assert len(list((site / "tmp").glob("rhythmvae-jobs-*"))) <= 2  # its own, and the one with the runs
    places = [jobs.status(owner).place or 0 for owner in owners if not jobs.status(owner).is_over]
    assert places == sorted(places) or any(jobs.status(owner).checkpoint for owner in owners)
    until(lambda: all(jobs.status(owner).is_over for owner in owners))
    for owner in owners:
        status = jobs.status(owner)
        assert (status.state, status.error, status.warning) == (State.DONE, None, None)
        assert (status.name, status.about) == (owner, {"of": owner})
        assert status.checkpoint.read_text() == LEARNED + " figures"
        steps = [message.step for message in status.training]
        assert steps == sorted(steps)
        assert steps[-1] >= 29  # the last one may have been said to a server that was killed
    for owner in owners:
        jobs.forget(owner)
    until(lambda: len(list((site / "tmp").glob("rhythmvae-jobs-*"))) == 1)
    assert processes_in(site / "tmp") == []
    jobs.close()
    assert list((site / "tmp").iterdir()) == []
    assert Runs(Database(f"sqlite:///{site / 'store.sqlite'}")).all() == []


def test_a_server_that_ends_in_order_leaves_its_runs_to_the_next(site: Path) -> None:
    first = opened(site)
    for owner in ("ann", "bob"):
        first.submit(owner, lambda folder: ["train", "--out", str(folder / "m")], owner, parts=PARTS)
    first.submit("cid", lambda folder: ["train", "--out", str(folder / "m")], "cid")
    first.discard("cid")
    until(lambda: first.status("ann").training)
    first.close()
    assert processes_in(site / "tmp") == []
    assert len(folders(site)) == 2
    second = opened(site)
    assert second.status("cid").state is State.CANCELLED
    until(lambda: all(second.status(owner).state is State.DONE for owner in ("ann", "bob")))
    assert second.status("ann").checkpoint.read_text() == LEARNED + " figures"
    for owner in ("ann", "bob", "cid"):
        second.forget(owner)
    second.close()
    assert list((site / "tmp").iterdir()) == []


def test_a_state_that_the_command_refuses_is_given_up_for_a_new_beginning(site: Path, dead: Path) -> None:
    record = left(dead, files=["data", "m"], parts=[[]])
    (dead / "ann" / "m.resume").write_text("of another version")
    Runs(Database(f"sqlite:///{site / 'store.sqlite'}")).save([record])
    jobs = opened(site)
    until(lambda: jobs.status("ann").is_over)
    assert (jobs.status("ann").state, jobs.status("ann").error) == (State.DONE, None)
    assert jobs.status("ann").checkpoint.read_text() == LEARNED
    assert "failed" not in jobs.status("ann").stages
    jobs.forget("ann")
    jobs.close()


def test_what_its_owner_stopped_is_stopped_by_the_next_server(site: Path, dead: Path) -> None:
    record = left(dead, files=["data", "endless"], parts=[[]], state="stopping")
    (dead / "ann" / "m.resume").write_text(LEARNED[:4])
    Runs(Database(f"sqlite:///{site / 'store.sqlite'}")).save([record])
    jobs = opened(site)
    until(lambda: jobs.status("ann").is_over)
    assert (jobs.status("ann").state, jobs.status("ann").error) == (State.DONE, None)
    assert jobs.status("ann").checkpoint.read_text().startswith(LEARNED[:5])
    jobs.forget("ann")
    jobs.close()


# -- one run, without a process ------------------------------------------------


class Shelf:
    """A store in memory, which fails where it is told to."""

    def __init__(self, *records: RunRecord) -> None:
        self.records = {record.id: record for record in records}
        self.fails: set[str] = set()
        self.factors: dict[str, float] = {}

    def all(self) -> list[RunRecord]:
        self._act("all")
        return sorted(self.records.values(), key=lambda record: record.place)

    def save(self, changed: Sequence[RunRecord], gone: Collection[str] = ()) -> None:
        self._act("save")
        for run in gone:
            self.records.pop(run, None)
        self.records.update({record.id: record for record in changed})

    def remove_older(self, saved_at: float) -> None:
        self.records = {run: record for run, record in self.records.items() if record.saved_at >= saved_at}

    def paces(self) -> dict[str, float]:
        self._act("paces")
        return dict(self.factors)

    def save_paces(self, factors: Mapping[str, float]) -> None:
        self._act("save")
        self.factors = dict(factors)

    def _act(self, what: str) -> None:
        if what in self.fails:
            raise StoreError("the disk is full")


@pytest.fixture
def dead(site: Path) -> Path:
    """The home of a server that lives no more."""
    home = site / "tmp" / "rhythmvae-jobs-dead"
    home.mkdir()
    (home / "lock").touch()
    return home.resolve()


@pytest.fixture
def revive(site: Path) -> Iterator[Callable[..., Jobs]]:
    """The next server, in which no run is started."""
    begun: list[Jobs] = []

    def revived(shelf: Shelf, **more: Any) -> Jobs:
        begun.append(Jobs(Limits(), command=["true"], store=shelf, **more))
        return begun[-1]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("rhythmvae.jobs.supervisor.Supervisor.begin", lambda supervisor: None)
        yield revived
        for jobs in begun:
            jobs.close()


def left(home: Path, owner: str = "ann", files: Sequence[str] = ("data",), **more: Any) -> RunRecord:
    """A run in the home of a dead server, with files in its folder; by default it was under way."""
    folder = home / owner
    folder.mkdir()
    for name in files:
        (folder / name).touch()
    record = RunRecord(
        id=owner,
        owner=key_of(owner),
        home=str(home),
        place=0,
        name="loops",
        about={},
        work={"n_steps": 30},
        arguments=["train", str(folder / "data"), "--out", str(folder / "m")],
        parts=[["--no-judging"], ["--figures"]],
        state="running",
        is_ready=False,
        is_model_enough=False,
        seconds=30.0,
        paused_seconds=4.0,
        restarts=0,
        saved_at=time.time(),
        ended_at=None,
        error=None,
        warning=None,
    )
    return replace(record, **more)


def parts_of(jobs: Jobs, owner: str = "ann") -> list[list[str]]:
    return jobs._records.runs[key_of(owner)].parts


def test_what_a_server_learned_of_its_pace_is_known_to_the_next(site: Path, revive: Callable[..., Jobs]) -> None:
    shelf = Shelf()
    first = revive(shelf)
    usual = first.outlook(Work()).model
    first._supervisor.pace.learn("training", Work(), 3 * Work().usual("training"))
    first._supervisor.keep()
    assert shelf.factors == {"training": pytest.approx(3.0)}
    assert revive(shelf).outlook(Work()).model > 2 * usual
    shelf.factors = {"training": float("nan"), "prior": -1.0, "map": 1e9, "of another version": 2.0}
    assert revive(shelf).outlook(Work()).model == usual
    shelf.fails = {"paces"}
    assert revive(shelf).outlook(Work()).model == usual
    shelf.fails = set()


def test_the_last_model_stays_until_the_next_run_has_its_files(dead: Path, revive: Callable[..., Jobs]) -> None:
    done = left(dead, files=["data", "m"], state="done", is_ready=True, parts=[], ended_at=time.time())
    shelf = Shelf(done)
    jobs = revive(shelf)
    before: list[RunRecord] = []

    def prepare(folder: Path) -> list[str]:
        before.extend(shelf.records.values())
        return ["train", "--out", str(folder / "m")]

    jobs.submit("ann", prepare, "more loops")
    assert [(record.name, record.arguments is None) for record in before] == [("loops", False), ("more loops", True)]
    [record] = shelf.records.values()
    assert (record.name, record.arguments is None) == ("more loops", False)

    def fails(folder: Path) -> list[str]:
        raise OSError("no room")

    jobs.discard("ann")
    with pytest.raises(OSError, match="no room"):
        jobs.submit("ann", fails, "yet more")
    assert [record.name for record in shelf.records.values()] == ["more loops"]


def test_a_death_while_the_next_run_is_prepared_leaves_the_last_model(dead: Path, revive: Callable[..., Jobs]) -> None:
    done = left(dead, files=["data", "m"], state="done", is_ready=True, parts=[], ended_at=time.time())
    (dead / "next").mkdir()
    following = replace(done, id="next", state="queued", place=1, is_ready=False, arguments=None, ended_at=None)
    shelf = Shelf(done, following)
    jobs = revive(shelf)
    status = jobs.status("ann")
    assert (status.state, status.checkpoint) == (State.DONE, dead / "ann" / "m")
    assert "trained before is still here" in status.warning
    assert not (dead / "next").exists()
    assert list(shelf.records) == ["ann"]


def test_a_death_after_the_next_run_was_prepared_leaves_that(dead: Path, revive: Callable[..., Jobs]) -> None:
    done = replace(
        left(dead, files=["data", "m"], state="done", is_ready=True, parts=[], ended_at=time.time()), id="last"
    )
    (dead / "last").mkdir()
    following = replace(left(dead, owner="next"), owner=done.owner, state="queued", place=1)
    shelf = Shelf(done, following)
    assert revive(shelf).status("ann").state is State.QUEUED
    assert list(shelf.records) == ["next"]
    assert not (dead / "last").exists()


def test_a_run_goes_on_from_its_last_state(dead: Path, revive: Callable[..., Jobs]) -> None:
    jobs = revive(Shelf(left(dead, files=["data", "m", "m.resume"])))
    status = jobs.status("ann")
    assert (status.state, status.place, status.seconds, status.error) == (State.QUEUED, 1, 30.0, None)
    assert parts_of(jobs) == [["--no-judging", "--resume"], ["--figures"]]
    assert not (dead / "ann" / "m").exists()  # it had no map yet


def test_the_curves_of_a_run_stay_and_its_stages_begin_anew(dead: Path, revive: Callable[..., Jobs]) -> None:
    record = left(dead, files=["data", "m", "m.resume"])
    for message in (Training(1, 9, 0.1, 1.0, {}, None, False), journal.Prior(0, 1)):
        JournalFile(dead / "ann").add(journal.write(message).encode())
    status = revive(Shelf(record)).status("ann")
    assert [message.step for message in status.training] == [1]
    assert status.stages == {}


def test_a_run_without_a_state_begins_anew(dead: Path, revive: Callable[..., Jobs]) -> None:
    jobs = revive(Shelf(left(dead, files=["data", "m"], parts=[["--no-judging", "--resume"], ["--figures"]])))
    assert jobs.status("ann").state is State.QUEUED
    assert parts_of(jobs) == [["--no-judging"], ["--figures"]]
    assert not (dead / "ann" / "m").exists()


def test_who_was_under_way_is_next_and_the_others_keep_their_places(dead: Path, revive: Callable[..., Jobs]) -> None:
    runs = [left(dead, "a", place=2, state="queued"), left(dead, "b"), left(dead, "c", place=1, state="queued")]
    jobs = revive(Shelf(*runs))
    assert [jobs.status(owner).place for owner in "bca"] == [1, 2, 3]


@pytest.mark.parametrize(
    ("more", "files", "said", "expected"),
    [
        ({"is_ready": True, "parts": [["--figures"]]}, ["data", "m"], ["ready"], [["--figures"]]),
        ({}, ["data", "m"], ["ready"], [["--figures"]]),  # there was no time to write that down
        ({"is_ready": True, "parts": [["--figures"]]}, ["data", "m"], [], [["--figures"]]),
        ({"is_ready": True, "parts": [["--figures"]], "is_model_enough": True}, ["data", "m"], ["ready"], None),
        ({"is_ready": True, "parts": []}, ["data", "m"], ["ready"], None),
    ],
)
def test_a_model_that_is_ready_stays_ready(
    dead: Path, revive: Callable[..., Jobs], more: dict[str, Any], files: list[str], said: list[str], expected
) -> None:
    record = left(dead, files=files, **more)
    for stage in said:
        JournalFile(dead / "ann").add(f'{{"stage": "{stage}"}}'.encode())
    jobs = revive(Shelf(record))
    status = jobs.status("ann")
    assert status.checkpoint == dead / "ann" / "m"
    if expected is None:
        assert status.state is State.DONE
        assert "The server was restarted" in status.warning
    else:
        assert (status.state, parts_of(jobs)) == (State.QUEUED, expected)


@pytest.mark.parametrize(
    ("more", "files", "sentence"),
    [
        ({"arguments": None, "state": "queued", "place": 1}, [], "was lost with its files; drop them again"),
        ({}, [], "was lost with its files; drop them again"),
        ({"is_ready": True}, ["data"], "the model that you trained is not there any more"),
        ({"state": "done", "is_ready": True, "ended_at": 1e12}, [], "the model that you trained is not there any more"),
        ({"restarts": MAX_RESTARTS}, ["data", "m.resume"], "so the run was given up"),
        ({"state": "failed", "error": "Expected MIDI.", "ended_at": 1e12}, ["data"], "Expected MIDI."),
    ],
)
def test_an_owner_is_told_what_cannot_go_on(
    dead: Path, revive: Callable[..., Jobs], more: dict[str, Any], files: list[str], sentence: str
) -> None:
    shelf = Shelf(left(dead, files=files, **more))
    jobs = revive(shelf)
    status = jobs.status("ann")
    assert status.state is State.FAILED
    assert sentence in status.error
    assert not dead.exists()
    [told] = shelf.records.values()
    assert (told.home, told.error) == (str(jobs._records.home), status.error)


def test_an_owner_is_told_where_the_whole_home_is_gone(site: Path, dead: Path, revive: Callable[..., Jobs]) -> None:
    record = left(dead)
    for path in [dead / "ann" / "data", dead / "lock"]:
        path.unlink()
    (dead / "ann").rmdir()
    dead.rmdir()
    assert "was lost with its files" in revive(Shelf(record)).status("ann").error


def test_a_model_is_kept_no_longer_than_it_would_have_been(dead: Path, revive: Callable[..., Jobs]) -> None:
    done = {"state": "done", "is_ready": True, "parts": []}
    at = time.time() - Limits().keep_minutes * 60
    shelf = Shelf(
        left(dead, "ann", ["data", "m"], ended_at=at + 100, **done),
        left(dead, "bob", ["data", "m"], ended_at=at - 100, **done),
        left(dead, "cid", ["data", "m"], ended_at=at + 100, saved_at=time.time() - KEEP_SECONDS - 100, **done),
    )
    jobs = revive(shelf)
    assert jobs.status("ann").state is State.DONE
    assert [jobs.status("bob"), jobs.status("cid")] == [None, None]
    assert [path.name for path in dead.iterdir() if path.is_dir()] == ["ann"]
    assert list(shelf.records) == ["ann"]


def test_what_a_living_server_has_is_its_own(site: Path, revive: Callable[..., Jobs]) -> None:
    shelf = Shelf()
    first = revive(shelf)
    first.submit("ann", lambda folder: ["train", "--out", str(folder / "m")], "")
    second = revive(shelf)
    assert second.status("ann") is None
    assert first.status("ann").place == 1
    assert len(folders(site)) == len(shelf.records) == 1


def test_no_text_of_an_owner_is_kept(revive: Callable[..., Jobs]) -> None:
    shelf = Shelf()
    jobs = revive(shelf)
    jobs.submit("0123456789abcdef", lambda folder: ["train", "--out", str(folder / "m")], "loops", {"n": 1})
    assert "0123456789abcdef" not in str(shelf.records)
    jobs.forget("0123456789abcdef")
    jobs._supervisor.keep()
    assert shelf.records == {}


def test_a_run_is_in_the_store_while_its_files_are_taken_in(revive: Callable[..., Jobs]) -> None:
    shelf = Shelf()
    seen: list[list[str] | None] = []

    def prepare(folder: Path) -> list[str]:
        seen.extend(record.arguments for record in shelf.records.values())
        return ["train", "--out", str(folder / "m")]

    revive(shelf).submit("ann", prepare, "")
    assert seen == [None]
    assert [record.arguments is None for record in shelf.records.values()] == [False]


def test_a_run_that_cannot_be_prepared_leaves_nothing_in_the_store(revive: Callable[..., Jobs]) -> None:
    shelf = Shelf()

    def prepare(folder: Path) -> list[str]:
        raise FileExistsError

    with pytest.raises(FileExistsError):
        revive(shelf).submit("ann", prepare, "")
    assert shelf.records == {}


# -- what goes wrong -----------------------------------------------------------


def test_a_store_that_cannot_be_read_leaves_everything_to_the_next_server(
    dead: Path, revive: Callable[..., Jobs], caplog: pytest.LogCaptureFixture
) -> None:
    shelf = Shelf(left(dead, files=["data", "m.resume"]))
    shelf.fails = {"all"}
    jobs = revive(shelf)
    assert jobs.status("ann") is None
    jobs.close()
    assert caplog.text.count("the disk is full") == 1
    shelf.fails = set()
    assert revive(shelf).status("ann").place == 1


def test_a_store_that_cannot_be_written_stops_no_run(
    revive: Callable[..., Jobs], caplog: pytest.LogCaptureFixture
) -> None:
    shelf = Shelf()
    jobs = revive(shelf)
    shelf.fails = {"save"}
    for owner in ("ann", "bob"):
        jobs.submit(owner, lambda folder: ["train", "--out", str(folder / "m")], "")
    assert [jobs.status(owner).place for owner in ("ann", "bob")] == [1, 2]
    assert caplog.text.count("the disk is full") == 1


def test_a_store_that_fails_is_left_alone_for_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    """A database that nobody answers for takes seconds to say so, and the thread that starts runs waits for it."""

    class Counting(Shelf):
        n_asked = 0

        def _act(self, what: str) -> None:
            self.n_asked += 1
            super()._act(what)

    shelf = Counting()
    shelf.fails = {"save"}
    ledger, now = Ledger(shelf), [0.0]
    monkeypatch.setattr("rhythmvae.jobs.ledger.time.monotonic", lambda: now[0])
    for n_asked in (1, 1, 1):  # round after round, half a second apart
        ledger.save_paces({"map": 2.0})
        assert shelf.n_asked == n_asked
        now[0] += 0.5
    shelf.fails = set()
    now[0] += RETRY_SECONDS
    ledger.save_paces({"map": 2.0})
    assert shelf.factors == {"map": 2.0}


def test_without_a_store_what_a_dead_server_left_is_removed(dead: Path) -> None:
    left(dead)
    jobs = Jobs(Limits())
    assert not dead.exists()
    jobs.close()


def test_a_process_that_outlived_its_server_is_ended_before_its_folder_is_used(
    dead: Path, revive: Callable[..., Jobs]
) -> None:
    record = left(dead, files=["data", "m.resume"])
    environment = os.environ | {"TMPDIR": str(dead / "ann")}
    with subprocess.Popen([sys.executable, "-S", "-c", "input()"], stdin=subprocess.PIPE, env=environment) as orphan:
        until(lambda: psutil.Process(orphan.pid).environ().get("TMPDIR"))
        assert revive(Shelf(record)).status("ann").place == 1
        assert orphan.wait(60) == -9


def test_half_a_line_of_a_journal_is_passed_over(tmp_path: Path) -> None:
    message = Training(1, 9, 0.1, 1.0, {}, None, False)
    (tmp_path / "journal.jsonl").write_bytes(b'{"stage": "training", "st')
    file = JournalFile(tmp_path)
    for _ in range(2):
        file.add(journal.write(message).encode())
    assert [found for found, _ in JournalFile(tmp_path).messages()] == [message, message]


def test_the_runs_of_a_replica_that_dies_go_on_at_one_that_lives(site: Path) -> None:
    living = opened(site, look_seconds=0.05)
    time.sleep(0.3)  # it has looked
    killed_server(site, ["ann", "bob"], 0.2)
    until(lambda: living.status("ann") is not None and living.status("bob") is not None)
    until(lambda: all(living.status(owner).state is State.DONE for owner in ("ann", "bob")))
    assert living.status("ann").checkpoint.read_text() == LEARNED + " figures"
    assert living.status("bob").about == {"of": "bob"}
    for owner in ("ann", "bob"):
        living.forget(owner)
    until(lambda: len(list((site / "tmp").glob("rhythmvae-jobs-*"))) == 1)
    living.close()
    assert list((site / "tmp").iterdir()) == []


def test_the_runs_of_a_replica_that_lives_stay_with_it(site: Path) -> None:
    first = opened(site, look_seconds=0.02)
    first.submit("ann", lambda folder: ["train", "--out", str(folder / "m")], "ann", parts=PARTS)
    second = opened(site, look_seconds=0.02)
    until(lambda: first.status("ann").is_over)
    assert first.status("ann").state is State.DONE
    assert second.status("ann") is None
    first.close()  # in order: its model is there at the other
    until(lambda: second.status("ann") is not None)
    assert second.status("ann").checkpoint.read_text() == LEARNED + " figures"
    second.forget("ann")
    second.close()
    assert list((site / "tmp").iterdir()) == []


def test_who_has_begun_anew_at_another_replica_keeps_the_new_run(site: Path, dead: Path) -> None:
    living = opened(site, look_seconds=0.5)

    def prepared(folder: Path) -> list[str]:
        (folder / "endless").touch()
        return ["train", "--out", str(folder / "m")]

    living.submit("ann", prepared, "new")
    Runs(Database(f"sqlite:///{site / 'store.sqlite'}")).save([left(dead, files=["data", "m"], parts=[[]])])
    until(lambda: not dead.exists())
    assert living.status("ann").name == "new"
    living.forget("ann")
    living.close()
