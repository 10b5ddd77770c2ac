"""Several processes end where one does, and leave together."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import recorded_training
import torch
import torch.distributed
from grooves import random_groove, take
from safetensors.torch import load_file
from toys import TOY

from rhythmvae.errors import UsageError
from rhythmvae.midi.write import write_midi
from rhythmvae.model import checkpoint
from rhythmvae.model.config import TERMS
from rhythmvae.training import distributed
from rhythmvae.training.distributed import World
from rhythmvae.training.settings import TrainConfig
from rhythmvae.training.trainer import Trainer

ROOT = Path(__file__).parents[2]
CPU = torch.device("cpu")


def test_alone_there_is_no_group():
    with distributed.joined("cpu") as world:
        assert world == World.single("cpu") == World(CPU)
        assert world.is_main
        assert not torch.distributed.is_initialized()
        with world.main_first():
            values = torch.ones(3, requires_grad=True)
            assert world.all_gather(values, 3) is values
        assert world.broadcast(1.5, 2.0) == [1.5, 2.0]
        module = torch.nn.Linear(1, 1)
        assert world.shared(module) is module


@pytest.mark.parametrize(("n_rows", "size"), [(7, 2), (8, 2), (2, 2), (128, 3), (5, 4)])
def test_every_row_has_one_owner(n_rows, size):
    shares = [range(n_rows)[World(CPU, rank, size).rows(n_rows)] for rank in range(size)]
    assert [row for share in shares for row in share] == list(range(n_rows))
    assert max(map(len, shares)) - min(map(len, shares)) <= 1


def test_more_processes_than_windows():
    with pytest.raises(UsageError, match="got batches of 1 for 2 processes"):
        Trainer(TOY, TrainConfig(batch_size=1), [take(1, n_steps=64)], [], world=World(CPU, 0, 2))


def test_more_processes_than_gpus(monkeypatch):
    monkeypatch.setattr(torch.distributed, "is_torchelastic_launched", lambda: True)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    monkeypatch.setenv("LOCAL_WORLD_SIZE", "2")
    with pytest.raises(UsageError, match="a GPU for each process, got 2 processes for 1"), distributed.joined("auto"):
        pass


def torchrun(*arguments: Path) -> tuple[int, list[str]]:
    """The exit status of two processes, and what they said on stderr."""
    with subprocess.Popen(
        [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", *arguments],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env=os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)},
    ) as launcher:
        try:
            _, text = launcher.communicate(timeout=300)
        except subprocess.TimeoutExpired:
            launcher.terminate()  # not kill: it has two processes to end
            raise
    return launcher.returncode, [line for line in text.splitlines() if line.startswith("rhythmvae: ")]


def test_two_processes_end_where_one_does(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    data = tmp_path / "data"
    data.mkdir()
    for seed in range(4):
        (data / f"{seed}.mid").write_bytes(write_midi(random_groove(seed, 64, 80)))
    (data / "bad.mid").write_text("no MIDI")
    assert recorded_training.recorded(World.single("cpu"), data, tmp_path / "one") == 1  # one file could not be read
    one = load_file(tmp_path / "one.state")
    assert one["n_windows"] % 2 == 1  # one batch, which two cannot share evenly
    assert one["terms"].shape == (recorded_training.N_STEPS, len(TERMS))

    status, said = torchrun(Path(recorded_training.__file__), data, tmp_path)
    straight, resumed = load_file(tmp_path / "straight.state"), load_file(tmp_path / "interrupted.state")
    for states in (one, straight, resumed):
        del states["progress"]  # its seconds differ
    torch.testing.assert_close(straight, one, rtol=1e-4, atol=1e-6)
    assert checkpoint.load(tmp_path / "straight").card.training.steps == recorded_training.N_STEPS
    assert not (tmp_path / "straight.resume").exists()

    # Stopped by a Ctrl-C that only the first process got, then resumed.
    for name in ("terms", "norms"):
        straight[name] = straight[name][recorded_training.STOP_AT :]
    torch.testing.assert_close(resumed, straight, rtol=1e-4, atol=1e-6)

    # Stopped by the clock, both after the same step, or there would have been no next run.
    assert 0 < load_file(tmp_path / "limited.state")["progress"][0] < 1_000_000

    # What there is to say is said once: a file that could not be read in five runs, one interruption, one error.
    assert sum("bad.mid" in line for line in said) == 5
    assert [line for line in said if "bad.mid" not in line] == [
        "rhythmvae: stopped; the best so far is kept. Its prior is fitted and its map drawn, which takes minutes; "
        "Ctrl-C once more ends that, too.",
        "rhythmvae: interrupted",
        "rhythmvae: Training diverged at step 1: the loss is no number; give a lower learning rate or KL.",
    ]
    assert status != 0
