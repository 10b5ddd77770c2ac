"""What a handful of loops is good for.

    python -m benchmarks.small_sets LOOPS GROOVE [--seeds 5] [--quick] [--keep FILE] [--json]

LOOPS is a zip with the folder drum_machine_200 (SOURCES.md's loops.zip), GROOVE the Groove MIDI
Dataset in its published layout, of which only validation takes are used: the shipped model has
learned from the others. For 12 to 200 loops and each seed, a quarter of them is held out, with all
patterns of one title on one side, and rebuilt by: the shipped model untouched; fine-tuned on the
rest; the same architecture from scratch; a dense network of two latents from scratch (after Tokui
2020, 150 epochs, or two minutes of one processor), both in the first two draws alone, for they
take the longest and come nowhere near; PCA with as many numbers. Nothing is chosen by what is held
out here. Files are paired: how many the fine-tuned model rebuilds worse than the shipped one, and
how many better.

--quick is a quarter of an hour of one core: 12 and 48 loops and 24 takes alone, and no dense network.

For 48 and 200 loops, the two-sample accuracy of samples against all loops, of the shipped and of the fine-tuned
model (two_sample.py), and whether they are copies. --keep has finished rows, to go on from. Prints
Markdown, or with --json the rows of docs/figures.md.
"""

import argparse
import json
import re
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from rhythmvae.analysis import metrics
from rhythmvae.data import corpus, splits
from rhythmvae.data.corpus import Take
from rhythmvae.evaluation import reconstruction, two_sample
from rhythmvae.evaluation.baselines import BASELINES
from rhythmvae.groove import Groove
from rhythmvae.model import checkpoint, latent
from rhythmvae.model.checkpoint import Checkpoint
from rhythmvae.model.config import ModelConfig
from rhythmvae.model.vae import RhythmVAE
from rhythmvae.training import fine_tuning
from rhythmvae.training import prior as prior_training
from rhythmvae.training.entrants import ENTRANTS
from rhythmvae.training.settings import RECIPE, TrainConfig
from rhythmvae.training.trainer import Trainer

PACK = "drum_machine_200"
HELD_OUT = 0.25  # of the titles
SCRATCH_STEPS = 300  # twice those of fine-tuning
TOKUI: dict[str, Any] = {"epochs": 150, "max_minutes": 2.0}
SCRATCH_SEEDS = 2
TWO_SAMPLE_SIZES = (48, 200)
TWO_SAMPLE_SEEDS = 3
QUICK = ("12 drum machine loops", "48 drum machine loops", "24 takes, rock")
DENSE, PCA = ENTRANTS[0], BASELINES[0]

Rebuild = Callable[[Groove], Groove]


def title(take: Take) -> str:
    """What siblings share: `016_funk_1_measure_a` and `018_funk_1_break` are both `funk_1`."""
    stem = take.name.split("/")[-1].rsplit(".", 1)[0]
    return re.sub(r"^\d+_|_(measure_\w+|break|intro|ending)$", "", stem)


def drawn(takes: Sequence[Take], n: int, seed: int, of: Callable[[Take], str]) -> tuple[list[Take], list[Take]]:
    """To learn from and to judge by: n takes, whole groups of them as far as they fit, parted by group."""
    groups: dict[str, list[Take]] = {}
    for take in takes:
        groups.setdefault(of(take), []).append(take)
    rng = np.random.default_rng(seed)
    names = [sorted(groups)[i] for i in rng.permutation(len(groups))]
    chosen: list[tuple[str, Take]] = []
    for name in names:
        chosen += [(name, take) for take in groups[name]][: n - len(chosen)]
    used = list(dict.fromkeys(name for name, _ in chosen))
    held_out = set(used[: max(1, round(HELD_OUT * len(used)))])
    return [t for name, t in chosen if name not in held_out], [t for name, t in chosen if name in held_out]


def fine_tuned(known: Checkpoint, takes: Sequence[Take], seed: int) -> Checkpoint:
    """As `train --init shipped` does, in memory."""
    rehearsed = fine_tuning.rehearsal(known, seed=seed)
    config = replace(TrainConfig(**RECIPE), seed=seed, device="cpu")
    start = fine_tuning.start_of(known, takes)
    seen, validation = splits.split_takes(takes, seed=seed)
    trainer = Trainer(start.config, config, seen, validation, start, rehearsed=rehearsed.takes)
    for _ in trainer.fit():
        pass
    kept, _ = fine_tuning.furthest(
        known.model, trainer.best_so_far(), [take.groove for take in takes], [take.groove for take in rehearsed.takes]
    )
    model = kept.requires_grad_(False)
    before = prior_training.Start(known.prior, known.quantiles, rehearsed.takes)
    prior, quantiles = prior_training.fit(model, seen, seed, start=before)
    return Checkpoint(model, prior, quantiles)


def from_scratch(config: ModelConfig, takes: Sequence[Take], seed: int, **plan: Any) -> RhythmVAE:
    seen, validation = splits.split_takes(takes, seed=seed)
    settings = TrainConfig(**plan, seed=seed, device="cpu", evaluate_every=50)
    trainer = Trainer(fine_tuning.levelled(config, seen), settings, seen, validation, clock=time.process_time)
    for _ in trainer.fit():
        pass
    return trainer.best_so_far().half().float()


def row(
    known: Checkpoint, takes: Sequence[Take], n: int, seed: int, of: Callable[[Take], str], is_quick: bool = False
) -> dict[str, Any]:
    """One draw: of each model its score over the held-out files, F1 of each file, and the seconds it took."""
    seen, held_out = drawn(takes, n, seed, of)
    made: dict[str, Any] = {"n_seen": len(seen), "n_held_out": len(held_out), "models": {}}

    def judged(name: str, rebuild: Rebuild, began: float) -> None:
        seconds = time.process_time() - began
        scores = [metrics.score(take.groove, rebuild(take.groove)) for take in held_out]
        total = metrics.Score.total(scores).to_dict()
        made["models"][name] = {
            "f1": total["f1"],
            "ms": total["timing_mae_ms"],
            "velocity": total["velocity_mae"],
            "files": [score.f1 for score in scores],
            "seconds": seconds,
        }

    def by(model: RhythmVAE) -> Rebuild:
        return lambda groove: latent.reconstruct(model, groove)

    judged("shipped, untouched", by(known.model), time.process_time())
    began = time.process_time()
    tuned = fine_tuned(known, seen, seed)
    judged("fine-tuned", by(tuned.model), began)
    if seed < SCRATCH_SEEDS:
        began = time.process_time()
        same = from_scratch(ModelConfig(), seen, seed, steps=SCRATCH_STEPS, batch_size=64)
        judged("same, from scratch", by(same), began)
    if seed < SCRATCH_SEEDS and not is_quick:
        began = time.process_time()
        judged("dense, 2 latents, from scratch", by(from_scratch(DENSE.model, seen, seed, **TOKUI)), began)
    began = time.process_time()
    judged("PCA", PCA.fit([take.groove for take in seen], known.model.config.latent_size).reconstruct, began)
    if n in TWO_SAMPLE_SIZES and seed == 0 and not is_quick:
        made["two_sample"] = {
            "shipped, untouched": two_sample_accuracy(known, [*seen, *held_out], seen),
            "fine-tuned": two_sample_accuracy(tuned, [*seen, *held_out], seen),
        }
    return made


def two_sample_accuracy(model: Checkpoint, loops: Sequence[Take], seen: Sequence[Take]) -> dict[str, Any]:
    """Two-sample accuracy of as many samples against all loops, and how near samples are to loops learned from."""
    per_loop = [reconstruction.full_windows([take])[: two_sample.MAX_PER_TAKE] for take in loops]
    real = np.concatenate(per_loop)
    groups = np.repeat(np.arange(len(loops)), [len(windows) for windows in per_loop])
    samples = reconstruction.sampled_windows(model, len(real))
    found = reconstruction.samples_accuracy(real, groups, samples, TWO_SAMPLE_SEEDS)
    near = two_sample.nearest_distance(samples, reconstruction.full_windows(seen))
    views = {view: accuracy.mean for view, accuracy in found.items()}
    return {**views, "cells": float(np.median(near)), "same": float(np.mean(near == 0))}


def main() -> None:
    parser = argparse.ArgumentParser(description="What a handful of loops is good for.")
    parser.add_argument("loops", type=Path)
    parser.add_argument("data", type=Path)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--keep", type=Path)
    parser.add_argument("--json", action="store_true", help="the rows of docs/figures.md")
    options = parser.parse_args()
    torch.set_num_threads(1)
    known = checkpoint.load()
    machine = [take for take in corpus.load([options.loops]).takes if PACK in take.name]
    # Without their split: here it is a matter of drawing.
    players = [replace(take, split=None) for take in corpus.load([options.data]).only("validation")]
    rock = [take for take in players if take.labels["style"].startswith("rock")]
    first = [take for take in players if take.labels["drummer"] == "drummer1"]
    sets: dict[str, tuple[list[Take], int, Callable[[Take], str]]] = {
        f"{n} drum machine loops": (machine, n, title) for n in (12, 24, 48, 200)
    }
    sets |= {
        "12 takes, drummer 1, rock": ([t for t in rock if t in first], 12, lambda take: take.name),
        "24 takes, rock": (rock, 24, lambda take: take.name),
        "48 takes, drummer 1": (first, 48, lambda take: take.name),
    }
    if options.quick:
        sets = {name: sets[name] for name in QUICK}
    kept: dict[str, Any] = {}
    if options.keep and options.keep.is_file():
        kept = json.loads(options.keep.read_text())
    for seed in range(options.seeds):
        for name, (takes, n, of) in sets.items():
            key = f"{name}, seed {seed}"
            if key not in kept:
                kept[key] = row(known, takes, n, seed, of, options.quick)
                if options.keep:
                    options.keep.write_text(json.dumps(kept))
    if options.json:
        print(json.dumps({"rows": summary(kept, list(sets), options.seeds)}, indent=1))
    else:
        report(kept, list(sets), options.seeds)


def summary(kept: dict[str, Any], sets: Sequence[str], seeds: int) -> list[dict[str, Any]]:
    """A row a set: mean F1 of each model over draws, files rebuilt worse and better, errors before and after."""
    rows = []
    for of in sets:
        draws = [kept[f"{of}, seed {seed}"]["models"] for seed in range(seeds)]
        pairs = [
            pair
            for models in draws
            for pair in zip(models["fine-tuned"]["files"], models["shipped, untouched"]["files"], strict=True)
        ]

        def before_and_after(figure: str, draws: list[dict[str, Any]] = draws) -> list[float]:
            pair = ("shipped, untouched", "fine-tuned")
            return [float(np.mean([models[name][figure] or 0.0 for models in draws])) for name in pair]

        names = list(draws[0])
        f1 = {name: float(np.mean([models[name]["f1"] for models in draws if name in models])) for name in names}
        rows.append(
            {
                "set": of,
                "f1": f1,
                "worse": sum(a < b for a, b in pairs),
                "better": sum(a > b for a, b in pairs),
                "files": len(pairs),
                "timing_ms": before_and_after("ms"),
                "velocity": before_and_after("velocity"),
            }
        )
    return rows


def report(kept: dict[str, Any], sets: Sequence[str], seeds: int) -> None:
    rows = summary(kept, sets, seeds)
    names = list(rows[0]["f1"])
    print(f"| set, {seeds} draws | " + " | ".join(names) + " | files worse, better of | timing ms | velocity |")
    print("|---|" + "---:|" * (len(names) + 3))
    for row in rows:
        cells = [f"{value:.4f}" for value in row["f1"].values()]
        cells.append(f"{row['worse']}, {row['better']} of {row['files']}")
        cells += [f"{before:.2f} → {after:.2f}" for before, after in (row["timing_ms"], row["velocity"])]
        print(f"| {row['set']} | {' | '.join(cells)} |")
    seconds = [kept[f"{of}, seed {seed}"]["models"]["fine-tuned"]["seconds"] for of in sets for seed in range(seeds)]
    print(f"\nFine-tuning with its prior: {np.median(seconds):.0f} s of one processor in the median.\n")
    print("| samples against all loops | model | by descriptors | by tensor | nearest, cells | copies |")
    print("|---|---|---:|---:|---:|---:|")
    for of in sets:
        for name, found in kept[f"{of}, seed 0"].get("two_sample", {}).items():
            print(
                f"| {of} | {name} | {found['descriptors']:.3f} | {found['tensor']:.3f} | {found['cells']:.0f} "
                f"| {found['same']:.1%} |"
            )


if __name__ == "__main__":
    main()
