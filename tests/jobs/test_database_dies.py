"""PostgreSQL is killed for real, and started again, under a site: nothing is lost, nothing is there twice."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from threading import Barrier, Event, Thread

import databases
import psutil
import pytest
from test_revival import LEARNED, processes_in, until
from test_worker import Site

from rhythmvae.errors import RhythmVAEError, StoreError, UsageError
from rhythmvae.review.book import Review, Reviews, Said
from rhythmvae.review.design import LEFT
from rhythmvae.store.database import Database
from tests.review import making

N_PEOPLE, N_TRIALS, BEFORE = 4, 12, 3  # answers of each before the kill


@pytest.fixture
def server(postgresql_programs: Path) -> Iterator[databases.Server]:
    found = databases.Server(postgresql_programs)
    yield found
    found.remove()


class Reviewer(Thread):
    """Somebody who answers all trials, and sends an answer again where he is told that it did not arrive.

    Args:
        ready: where everybody meets, some answers later.
        waits_for: what has to happen before he goes on.
    """

    def __init__(self, reviews: Reviews, review: Review, number: int, ready: Barrier, waits_for: Event | None) -> None:
        super().__init__(daemon=True)
        self.reviews, self.review, self.person = reviews, review, f"{number:032x}"
        self.ready, self.waits_for = ready, waits_for
        self.met: list[str] = []

    def run(self) -> None:
        sitting = self.reviews.begin(self.review, self.person)
        while sitting.trial is not None:
            try:
                after = self.reviews.answer(sitting, Said(sitting.place, LEFT))
            except StoreError as error:
                self.met.append(str(error))
                time.sleep(0.05)
                continue
            sitting = after
            if sitting.place == BEFORE:
                self.ready.wait(60)
                if self.waits_for is not None:
                    self.waits_for.wait(60)


def test_runs_that_wait_and_answers_that_are_sent_outlive_it(tmp_path: Path, server: databases.Server) -> None:
    address = databases.new_database(str(server.folder), "site")
    site = Site(tmp_path, address)
    reviews = Reviews(Database(address))
    items = [item for _ in range(3) for item in making.items(4)]
    review, _ = reviews.make("Drums", "", making.design(n_trials=N_TRIALS, n_repeats=0, has_known=False), items)
    for owner in "abc":
        site.submit(owner)
    site.start()
    until(lambda: site.is_training("a"))
    assert [site.status(owner).place for owner in "bc"] == [1, 2]

    # Two send while it dies, two to a server that is dead, and one of them hands in a run.
    ready, is_dead = Barrier(N_PEOPLE + 1), Event()
    waits = (None, None, is_dead, is_dead)
    people = [Reviewer(reviews, review, n, ready, wait) for n, wait in enumerate(waits)]
    for person in people:
        person.start()
    ready.wait(60)
    server.kill()
    is_dead.set()

    assert [site.status(owner).is_over for owner in "abc"] == [False] * 3  # as they were seen last
    for does in (
        lambda: site.submit("d"),
        lambda: site.jobs.stop("a"),
        lambda: site.jobs.discard("b"),
        site.jobs.counts,
    ):
        with pytest.raises(StoreError, match=r"cannot be used: .*\.$"):
            does()
    until(lambda: all(person.met for person in people[2:]))
    until(lambda: not trainings(site))  # nobody trains who could be taken for dead

    server.start()
    pressed = Event()

    def press() -> None:
        while not pressed.is_set():
            try:
                site.submit("d")
            except UsageError:
                pressed.set()  # "has not ended": it is there
            except RhythmVAEError:
                time.sleep(0.05)

    pressing = Thread(target=press, daemon=True)
    pressing.start()
    site.start()
    pressing.join(60)
    for person in people:
        person.join(60)
    until(lambda: all(site.status(owner).is_over for owner in "abcd"))

    for owner in "abcd":
        done = site.status(owner)
        assert (done.state, done.warning, done.error) == ("done", None, None)
        assert done.checkpoint is not None
        assert done.checkpoint.read_text() == f"{LEARNED} figures"
        steps = [message.step for message in done.training]
        assert steps == sorted(set(steps))
        assert steps[-1] == 30
    assert len(list(site.home.iterdir())) == 4
    assert site.jobs.counts() == (0, 0)
    answers = reviews.tables.answers(review.record.id)
    assert Counter((answer.person, answer.place) for answer in answers) == Counter(
        (person.person, place) for person in people for place in range(N_TRIALS)
    )
    site.close()


def trainings(site: Site) -> list[list[str]]:
    """Commands of processes that train."""
    commands = []
    for process in processes_in(site.home):
        with suppress(psutil.Error):
            commands.append(process.cmdline())
    return [command for command in commands if "--out" in command]


def test_a_run_that_came_to_nothing_is_not_there_when_the_database_is_back(
    tmp_path: Path, server: databases.Server
) -> None:
    """It dies between the run's row and its files: whoever was told so can press again at once."""
    site = Site(tmp_path, databases.new_database(str(server.folder), "site"))

    def prepare(folder: Path) -> list[str]:
        server.kill()
        return ["train", "--out", str(folder / "m")]

    with pytest.raises(StoreError, match="cannot be used"):
        site.jobs.submit("a", prepare, "a")
    assert not any(site.home.iterdir())
    server.start()
    assert site.jobs.status("a") is None
    site.submit("a")
    assert site.status("a").place == 1
    site.close()
