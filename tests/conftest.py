"""What several files of tests share."""

import os
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# A slow machine is no fault of what is tested: without this an example that takes 0.2 s fails.
settings.register_profile("any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any machine")

# Before torch or numpy is imported, and for every process that a test starts. Workers as many as there are cores,
# each with as many threads, wait for each other most of the time: two cores took six times as long.
os.environ |= {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
os.environ["RHYTHMVAE_DATABASE"] = "none"  # no test takes up what another has left
os.environ["CUDA_VISIBLE_DEVICES"] = ""  # what is compared here was computed on the processor


FIRST = ("test_train_browser.py", "test_installed.py")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes longest begins first, so that no worker is left alone with it in the end.

    Half of the list is each worker's; one that has done its half takes the later half of what the other has left. So
    the browser tests stay together with the servers and the browser that they share.
    """

    def rank(item: pytest.Item) -> int:
        is_long = any(item.get_closest_marker(mark) for mark in ("browser", "wheel"))
        return 0 if item.path.name in FIRST else 1 if is_long else 2

    items.sort(key=rank)


@pytest.fixture
def brief_prior(monkeypatch: pytest.MonkeyPatch) -> None:
    """A prior and a completion are fitted for a moment, whatever they are worth."""
    from rhythmvae.training import completion, prior  # not above: most tests need no torch

    for training in (prior, completion):
        monkeypatch.setattr(training, "MIN_STEPS", 2)
        monkeypatch.setattr(training, "MAX_STEPS", 2)


@pytest.fixture
def brief_classifiers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two-sample tests by less: what stands out far is told by few trees, in few folds."""
    from rhythmvae.evaluation import two_sample

    monkeypatch.setattr(two_sample, "N_FOLDS", 2)
    monkeypatch.setattr(two_sample, "N_TREES", 60)
    monkeypatch.setattr(two_sample, "N_ROUNDS", 20)


@pytest.fixture
def brief_feel(monkeypatch: pytest.MonkeyPatch) -> None:
    """Samples are moved to the feel that was drawn by two steps instead of 25, which take most of their time."""
    from rhythmvae.model import drawn

    monkeypatch.setattr(drawn, "FEEL_ROUNDS", 2)


_NUMBERS = count()


@pytest.fixture(scope="session")
def postgresql_programs() -> Path:
    """The folder of a PostgreSQL server's programs."""
    import databases  # not above: few tests need it

    if (programs := databases.programs()) is None:
        message = "no PostgreSQL found (looked for pg_ctl and /usr/lib/postgresql)"
        pytest.fail(message) if os.environ.get("CI") else pytest.skip(message)
    return programs


@pytest.fixture(scope="session")
def postgresql_folder(postgresql_programs: Path) -> Iterator[str]:
    """Of the socket of a PostgreSQL server."""
    import databases  # not above, as in `postgresql_programs`

    with databases.postgresql(postgresql_programs) as folder:
        yield folder


@pytest.fixture(params=["sqlite", "postgresql"])
def database_address(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Of an empty database, in turn of each kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'a.sqlite'}"
    import databases

    return databases.new_database(request.getfixturevalue("postgresql_folder"), f"test_{next(_NUMBERS)}")
