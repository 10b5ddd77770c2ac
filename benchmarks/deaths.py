"""The server is killed ten times while one trains and two wait: python -m benchmarks.deaths [--deaths 10] [--seed 0]

Queues three runs of the same files as the Train page does, with the app's own command. The app is then
started and killed by SIGKILL, at a moment drawn from the time that the first model takes, and started again, until it
has died that often. After each death: processes that live on (by an environment that only this benchmark's have), and
once the next server is up: folders that no run of the store needs, and how the runs stand. At the end the runs go on
until each has its model, which is compared with the model of the same command, never interrupted.
Exits with 1 where anything lived on, was left, was lost without a word, or became another model. Linux.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

import psutil

from benchmarks.crowd import family
from rhythmvae.data.examples import EXAMPLES, example
from rhythmvae.jobs.process import NICE
from rhythmvae.midi.write import write_midi
from rhythmvae.model import checkpoint
from rhythmvae.store.database import ENVIRONMENT, Database
from rhythmvae.store.record import RunRecord
from rhythmvae.store.runs import Runs
from tests.e2e.serving import ROOT, START_SECONDS, _is_healthy, free_port

OWNERS = ("ann", "bob", "cid")
STEPS = 40
MARK = "RHYTHMVAE_DEATHS"  # in the environment of every process of ours: the folder
GONE_SECONDS = 3.0  # after which a process is one that lives on
PATIENCE_SECONDS = 900.0

# What a visitor's page does, in a process that is killed as soon as the runs are queued: the first death.
QUEUE = """
import os, signal, sys
from pathlib import Path
from benchmarks import deaths
from rhythmvae.ui.parts import training

for owner in deaths.OWNERS:
    training.jobs().submit(owner, deaths.prepared, owner, {}, training.PARTS)
os.kill(os.getpid(), signal.SIGKILL)
"""


@dataclass
class Death:
    """What was seen of one. `moment`: seconds since the server answered; `runs`: their states before, and after."""

    moment: float
    before: list[str]
    after: list[str] = field(default_factory=list)
    orphans: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)
    unsaid: list[str] = field(default_factory=list)


# -- a run, as the Train page makes one ----------------------------------------


def prepared(folder: Path) -> list[str]:
    """Files of a run, in its folder; the arguments of its command."""
    from rhythmvae.ui.parts import choices, training

    data = folder / "data"
    data.mkdir()
    for name in list(EXAMPLES)[:6]:
        (data / f"{name}.mid").write_bytes(write_midi(example(name)))
    config = choices.Choices(steps=STEPS).config("", {})
    (folder / choices.FILE_NAME).write_text(config.to_toml(), "utf-8")
    return [str(data) if "data.zip" in argument else argument for argument in training.arguments(folder)]


def undisturbed(site: Path) -> tuple[str, float]:
    """The digest of the model that a run ends with when nothing happens, and the seconds it takes."""
    folder = site / "undisturbed"
    folder.mkdir()
    began = time.monotonic()
    command = [sys.executable, "-m", "rhythmvae", *prepared(folder), "--no-judging"]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}  # as the app has it
    subprocess.run(
        ["nice", "-n", str(NICE), *command], cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, check=True
    )
    return checkpoint.load(folder / "model.safetensors").digest, time.monotonic() - began


# -- servers -------------------------------------------------------------------


def environment(site: Path) -> dict[str, str]:
    """Temporary files, database and mark of our own."""
    database = f"sqlite:///{site / 'store.sqlite'}"
    return os.environ | {MARK: str(site), "TMPDIR": str(site / "tmp"), ENVIRONMENT: database}


@contextlib.contextmanager
def server(site: Path) -> Iterator[subprocess.Popen[bytes]]:
    """The app, from when it answers; killed at the end."""
    port = free_port()
    command = [sys.executable, "-m", "rhythmvae", "app", "--port", str(port), "--headless"]
    with (site / "log.txt").open("ab") as out:
        process = subprocess.Popen(command, cwd=ROOT, env=environment(site), stdout=out, stderr=out)
    try:
        _until(lambda: _is_healthy(f"http://127.0.0.1:{port}"), START_SECONDS)
        yield process
    finally:
        process.kill()
        process.wait()


def _until(holds: Callable[[], object], seconds: float = PATIENCE_SECONDS) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            raise TimeoutError("what was waited for did not come about")
        time.sleep(0.05)


def ours(site: Path) -> list[psutil.Process]:
    """Every process with our mark."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            if process.environ().get(MARK) == str(site) and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
    return found


def orphans(site: Path, living: int | None = None) -> list[str]:
    """The command lines of processes that live on and are none of the living server's."""
    own = set() if living is None else set(family(living))
    found = []
    for process in ours(site):
        with contextlib.suppress(psutil.Error):
            if process.pid not in own:
                found.append(f"{process.pid}: {' '.join(process.cmdline())[:200]}")
    return found


# -- what is left --------------------------------------------------------------


def records(site: Path) -> list[RunRecord]:
    database = Database(f"sqlite:///{site / 'store.sqlite'}")
    try:
        return sorted(Runs(database).all(), key=lambda record: record.name)
    finally:
        database.close()


def states(found: list[RunRecord]) -> list[str]:
    """As people have it."""
    return [
        f"{record.name}: {record.state}"
        + (" with a model" if record.is_ready else "")
        + (f", place {record.place}" if record.place else "")
        for record in found
    ]


def left_over(site: Path, found: list[RunRecord]) -> list[str]:
    """What lies in the folder for temporary files that no run needs: of the homes, all but those of runs and one."""
    needed = {Path(record.home) / record.id for record in found if record.state not in ("failed", "cancelled")}
    homes = set((site / "tmp").glob("rhythmvae-jobs-*"))
    left = [str(path) for path in (site / "tmp").iterdir() if path not in homes]
    left += [str(path) for home in homes for path in home.iterdir() if path.is_dir() and path not in needed]
    empty = [home for home in homes if not any(path.is_dir() for path in home.iterdir())]
    return left + [f"{home} is empty" for home in empty[1:]]  # one is the server's own


def unsaid(found: list[RunRecord]) -> list[str]:
    """Runs that are gone, or have ended without saying why."""
    names = {record.name for record in found}
    lost = [f"{owner} is not known any more" for owner in OWNERS if owner not in names]
    return lost + [
        f"{record.name} is {record.state} without a word"
        for record in found
        if record.state in ("failed", "cancelled") and not record.error
    ]


def die(site: Path, process: subprocess.Popen[bytes], seconds: float) -> Death:
    """Let a server live for a while."""
    began = time.monotonic()
    time.sleep(seconds)
    found = Death(time.monotonic() - began, states(records(site)))
    process.kill()
    process.wait()
    with contextlib.suppress(TimeoutError):
        _until(lambda: not orphans(site), GONE_SECONDS)
    found.orphans = orphans(site)
    return found


def look(site: Path, process: subprocess.Popen[bytes], death: Death) -> None:
    """How the next server found things, once it has put them in order."""
    with contextlib.suppress(TimeoutError):
        _until(lambda: not left_over(site, records(site)), 20.0)
    found = records(site)
    death.after, death.left, death.unsaid = states(found), left_over(site, found), unsaid(found)
    death.orphans += orphans(site, process.pid)


def finished(site: Path) -> bool:
    return all(record.is_ready or record.state in ("failed", "cancelled") for record in records(site))


# -- all of it -----------------------------------------------------------------


def told(number: int, death: Death) -> None:
    print(f"death {number} after {death.moment:.1f} s: {'; '.join(death.before)}")
    print(f"  then: {'; '.join(death.after)}")
    for what, rows in (("lives on", death.orphans), ("left", death.left), ("unsaid", death.unsaid)):
        print(*(f"  {what}: {row}\n" for row in rows), sep="", end="", flush=True)


def measure(site: Path, n: int, seed: int, share: float) -> dict[str, Any]:
    (site / "tmp").mkdir()
    digest, seconds = undisturbed(site)
    print(f"undisturbed: {seconds:.0f} s", flush=True)
    subprocess.run([sys.executable, "-c", QUEUE], cwd=ROOT, env=environment(site), check=False)
    dice, deaths = Random(seed), list[Death]()
    for number in range(n + 1):
        with server(site) as process:
            if deaths:
                look(site, process, deaths[-1])
                told(number, deaths[-1])
            if number < n:
                deaths.append(die(site, process, dice.uniform(0.0, share * seconds)))
            else:
                _until(lambda: finished(site))
    ended = records(site)
    models = {
        record.name: checkpoint.load(Path(record.home) / record.id / "model.safetensors").digest
        for record in ended
        if record.is_ready
    }
    others = [owner for owner, found in models.items() if found != digest]
    print(f"models at the end: {len(models)} of {len(OWNERS)}, of which {len(others)} differ from an undisturbed run's")
    return {"deaths": [asdict(death) for death in deaths], "n_models": len(models), "other_models": others}


def main() -> None:
    parser = argparse.ArgumentParser(description="The server is killed while one trains and two wait.")
    parser.add_argument("--deaths", type=int, default=10)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--share", type=float, default=1.0, help="of that time from which moments are drawn")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with TemporaryDirectory() as folder:
        found = measure(Path(folder), options.deaths, options.seed, options.share)
    if options.json:
        print(json.dumps(found))
    is_well = not any(death[what] for death in found["deaths"] for what in ("orphans", "left", "unsaid"))
    sys.exit(not is_well or bool(found["other_models"]) or found["n_models"] < len(OWNERS))


if __name__ == "__main__":
    main()
