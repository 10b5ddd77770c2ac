"""The optimizer is torch's, without torch's compiler."""

from __future__ import annotations

import subprocess
import sys

import pytest
import torch

from rhythmvae.model.lean import AdamW


def taught(kind: type[torch.optim.AdamW], steps: int) -> tuple[torch.nn.Module, torch.optim.AdamW]:
    torch.manual_seed(3)
    model = torch.nn.Linear(4, 3)
    optimizer = kind(model.parameters(), lr=0.1, betas=(0.9, 0.98), weight_decay=0.02)
    for step in range(steps):
        if step == steps // 2:
            optimizer.load_state_dict(optimizer.state_dict())
        optimizer.zero_grad()
        model(torch.ones(2, 4)).square().sum().backward()
        optimizer.step()
    return model, optimizer


@pytest.mark.parametrize("steps", [1, 6])
def test_it_takes_torchs_own_steps(steps: int) -> None:
    (own, optimizer), (other, torchs) = taught(AdamW, steps), taught(torch.optim.AdamW, steps)
    assert torch.equal(own.weight, other.weight)
    for ours, theirs in zip(optimizer.state.values(), torchs.state.values(), strict=True):
        assert all(torch.equal(ours[name], theirs[name]) for name in ("step", "exp_avg", "exp_avg_sq"))


def test_it_needs_no_compiler() -> None:
    code = """
import sys, torch
from rhythmvae.model.lean import AdamW
from rhythmvae.training import descent, trainer, run, prior
model, average = torch.nn.Linear(2, 2), torch.nn.Linear(2, 2)
optimizer = AdamW(model.parameters(), lr=0.1)
descent.descend(model(torch.ones(1, 2)).sum(), model, optimizer, 0.1, average, 0.9)
optimizer.load_state_dict(optimizer.state_dict())
print([name for name in ("sympy", "torch._dynamo", "sklearn", "pandas", "scipy") if name in sys.modules])
"""
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
