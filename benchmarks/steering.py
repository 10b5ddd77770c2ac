"""What a slider's answer costs, now and before: git show REV:rhythmvae/model/steering.py > FILE, then
python -m benchmarks.steering --before FILE [--n 12]

Asks the shipped model for a variation of a pattern at one density after the other, once by today's steering and once by
that of an earlier revision, in turns, so that other work on the machine is in the way of both alike. Prints rounds and
processor time, of one thread, of each, and the ratio of a round.
"""

import argparse
import importlib.util
import sys
import time
from pathlib import Path
from typing import Any

import torch

from rhythmvae import example, load_checkpoint
from rhythmvae.groove import to_grid
from rhythmvae.model import generate, steering


def module_of(path: Path) -> Any:
    spec = importlib.util.spec_from_file_location("steering_before", path)
    assert spec is not None
    assert spec.loader is not None
    sys.modules[spec.name] = found = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(found)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description="What a slider's answer costs, now and before.")
    parser.add_argument("--before", type=Path, required=True)
    parser.add_argument("--n", type=int, default=12)
    parser.add_argument("--pattern", default="funk")
    options = parser.parse_args()
    torch.set_num_threads(1)
    ways = {"before": module_of(options.before), "now": steering}
    checkpoint, played = load_checkpoint(), example(options.pattern)
    start = generate.perturb(checkpoint, played, amount=0.4)
    held = steering.Held(to_grid(played, checkpoint.model.config.layers).tensor, ())
    quantiles, variance = checkpoint.quantiles, checkpoint.prior.std**2
    spent = {name: [0.0, 0] for name in ways}
    for i in range(-1, options.n):
        target = {"density": quantiles.value_at("density", (68 * i) % 101 / 100)}
        for name, way in ways.items():
            began = time.thread_time()
            steered = way.steer(checkpoint.model, start.z[0], start.frame, target, quantiles, variance, held)
            if i >= 0:  # the first finds nothing ready
                spent[name][0] += time.thread_time() - began
                spent[name][1] += len(steered.path)
    for name, (seconds, rounds) in spent.items():
        print(
            f"{name}: {1000 * seconds / options.n:.0f} ms an answer, {1000 * seconds / rounds:.1f} ms a round, {rounds}"
        )
    (before, rounds_before), (now, rounds) = spent.values()
    print(f"a round takes {now / rounds / (before / rounds_before):.2f} times as long as before")


if __name__ == "__main__":
    main()
