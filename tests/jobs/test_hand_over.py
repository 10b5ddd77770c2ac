"""A training that two machines have had makes, to the bit, the model of one that nobody killed: the real trainer."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import databases
import psutil
import pytest
from grooves import random_groove
from safetensors.numpy import load_file
from test_revival import until

from rhythmvae.jobs.hosted import HostedJobs
from rhythmvae.jobs.limits import Limits
from rhythmvae.midi.write import write_midi
from rhythmvae.model.outline import read_file
from rhythmvae.store.database import Database
from rhythmvae.store.hosted import HostedRuns

ROOT = Path(__file__).parents[2]
BRIEF = [sys.executable, str(ROOT / "tests" / "e2e" / "brief_training.py")]
STALLED = 3.0  # seconds
STEPS = 240
TOY = ["--latent-size", "32", "--width", "16", "--depth", "1", "--batch-size", "4", "--evaluate-every", "20"]

# As `rhythmvae worker`, which takes no time after which it counts as dead.
WORKER = """
import signal, sys
from pathlib import Path
from rhythmvae.jobs import process
from rhythmvae.jobs.limits import Limits
from rhythmvae.jobs.worker import Worker
from rhythmvae.store.database import Database
from rhythmvae.store.hosted import HostedRuns

address, home, stalled, *command = sys.argv[1:]
process.LAUNCH = process.LAUNCH.replace(f"os.nice({process.NICE})", "")  # other tests would keep it waiting
worker = Worker(HostedRuns(Database(address), "", float(stalled)), Limits(), Path(home), command, sweep_seconds=0.2)
signal.signal(signal.SIGTERM, lambda *_: worker.stop())
worker.run()
"""


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    folder.mkdir()
    for seed in range(4):
        (folder / f"{seed}.mid").write_bytes(write_midi(random_groove(seed, 32, 40)))
    return folder


@pytest.fixture
def site(tmp_path: Path, postgresql_folder: str):
    """The server of a site and what starts its workers."""
    address, home = databases.new_database(postgresql_folder, "hand_over"), tmp_path / "runs"
    home.mkdir()
    jobs = HostedJobs(Limits(), lambda: HostedRuns(Database(address), "", STALLED), home)
    workers: list[subprocess.Popen[bytes]] = []

    def start() -> subprocess.Popen[bytes]:
        command = [sys.executable, "-c", WORKER, address, str(home), str(STALLED), *BRIEF]
        workers.append(subprocess.Popen(command, cwd=ROOT))
        return workers[-1]

    yield jobs, start
    for worker in workers:
        die(worker)
    jobs.close()


def die(worker: subprocess.Popen[bytes]) -> None:
    """Its machine is gone, with all that it runs."""
    everybody = psutil.Process(worker.pid).children(recursive=True) if worker.poll() is None else []
    for process in (worker, *everybody):
        process.send_signal(signal.SIGKILL)
    worker.wait(120)


def test_it_is_the_same_model(
    tmp_path: Path, data: Path, site: tuple[HostedJobs, Callable[[], subprocess.Popen[bytes]]]
) -> None:
    jobs, start = site

    def arguments(out: Path) -> list[str]:
        return ["train", str(data), "--out", str(out), *TOY, "--steps", str(STEPS), "--journal"]

    jobs.submit("a", lambda folder: arguments(folder / "m.safetensors"), "a", {}, (["--no-judging"],))
    [folder] = (tmp_path / "runs").iterdir()
    state = folder / "m.safetensors.resume"

    def step() -> int:
        found = jobs.status("a")
        assert found is not None
        return found.training[-1].step if found.training else 0

    first = start()
    until(lambda: state.exists() and step(), 300)
    die(first)  # in mid-training, its last state some steps ago
    assert 0 < step() < STEPS
    assert state.exists()
    start()
    alone = tmp_path / "alone.safetensors"
    subprocess.run([*BRIEF, *arguments(alone), "--no-judging"], stdout=subprocess.DEVNULL, check=True, env=os.environ)
    until(lambda: (found := jobs.status("a")) is None or found.is_over, 300)
    done = jobs.status("a")
    assert done is not None
    assert (done.state, done.error) == ("done", None)
    assert done.checkpoint is not None
    assert [message.step for message in done.training] == sorted({message.step for message in done.training})
    assert done.training[-1].step == STEPS

    straight, handed_over = load_file(alone), load_file(done.checkpoint)
    assert straight.keys() == handed_over.keys()
    for name, values in straight.items():
        assert values.tobytes() == handed_over[name].tobytes(), name
    assert len(read_file(done.checkpoint)) == alone.stat().st_size
