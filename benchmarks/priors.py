"""What the prior knows of what it learned from and of what it did not, and what its samples are like beside both.

    python -m benchmarks.priors groove.zip [--checkpoint FILE] [--json]

groove.zip is the Groove MIDI Dataset as published. Prints nats a window (minus the density of latents that are drawn
from the posterior, given traits, style and the window before; windows of a take weigh as they do in training); how
samples are like windows of training and validation takes, in hits, in cells that both bars have and in bars that are
the same to the cell; and the accuracy of the strongest of four classifiers against training takes, beside how well it
tells other training takes from these.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from benchmarks import figures
from rhythmvae.data import corpus, splits
from rhythmvae.data.corpus import Take
from rhythmvae.data.windows import prior_windows
from rhythmvae.evaluation import reconstruction, two_sample
from rhythmvae.groove import HIT, WINDOW_STEPS, FloatArray, to_grid
from rhythmvae.kit import VOICE_INDEX
from rhythmvae.model import checkpoint, latent
from rhythmvae.model.card import SHIPPED
from rhythmvae.model.checkpoint import Checkpoint
from rhythmvae.model.prior import Conditioning, conditioning_of

N_DRAWN, BATCH = 1536, 256  # windows, for a density
N_SETS = 5  # of samples, as `evaluate --samples` draws them
BAR_STEPS = WINDOW_STEPS // 2


def nats(own: Checkpoint, takes: Sequence[Take], seed: int = 0) -> float:
    """Nats a window, mean over N_DRAWN windows."""
    prior, windows = own.prior, prior_windows(takes)
    rng = np.random.default_rng(seed)
    rows = rng.choice(len(windows.grooves), N_DRAWN, p=windows.weight / windows.weight.sum())
    before = np.where(windows.previous[rows] < 0, rows, windows.previous[rows])
    used, place = np.unique(np.concatenate([rows, before]), return_inverse=True)
    grooves = [windows.grooves[row] for row in used]
    layers = own.model.config.layers
    posterior = latent.posterior_of(own.model, (to_grid(groove, layers).tensor for groove in grooves))
    noise = torch.from_numpy(rng.standard_normal((2 * N_DRAWN, own.model.config.latent_size)).astype(np.float32))
    drawn = posterior.mean[place] + torch.exp(0.5 * posterior.log_variance[place]) * noise
    window, previous = ((drawn - prior.mean) / prior.std).chunk(2)
    has_previous = torch.from_numpy((windows.previous[rows] >= 0).astype(np.float32))
    styles = [windows.style[row] for row in used]
    wanted = conditioning_of(grooves, own.quantiles, prior.config.styles, styles)
    wanted = Conditioning(*(part[place[:N_DRAWN]] for part in wanted))
    found = []
    with torch.inference_mode():
        for start in range(0, N_DRAWN, BATCH):
            part = slice(start, start + BATCH)
            after = previous[part] * has_previous[part, None]
            asked = Conditioning(*(each[part] for each in wanted))
            found.append(-prior.log_density(after, has_previous[part], window[part], asked).mean())
    return float(torch.stack(found).mean())


def described(x: FloatArray) -> list[str]:
    """Of windows (N, T, V, L, F): hits, open hats, cells that both bars have of those that either has, same bars."""
    cells = np.asarray(x[..., HIT].any(-1))
    first, second = cells[:, :BAR_STEPS], cells[:, BAR_STEPS:]
    both = (first & second).sum((1, 2)) / np.maximum((first | second).sum((1, 2)), 1)
    is_same = (first == second).all((1, 2))
    hits = x[..., HIT].sum((1, 3)).mean(0)
    values = (hits.sum(), hits[VOICE_INDEX["open_hat"]], both.mean(), is_same.mean())
    return [f"{value:.{digits}f}" for value, digits in zip(values, (1, 2, 2, 3), strict=True)]


def rows(own: Checkpoint, takes: Sequence[Take]) -> figures.Rows:
    """Of training takes, of validation takes and of samples."""
    train, _ = splits.split_takes(takes)
    validation = [take for take in takes if take.split == "validation"]
    known, groups = two_sample.real_windows([take.groove for take in train])
    real, _ = two_sample.real_windows([take.groove for take in validation])
    sets = [reconstruction.sampled_windows(own, len(real), seed) for seed in range(N_SETS)]
    order = np.random.default_rng(0).permutation(groups.max() + 1)
    judged, others = (np.isin(groups, part) for part in np.array_split(order, 2))
    floors = np.array_split(np.random.default_rng(1).permutation(np.flatnonzero(others)), N_SETS)
    hardest = two_sample.strongest(
        (known[judged], groups[judged]), sets, [(known[part], groups[part]) for part in floors]
    )
    name, found = next(iter(hardest.items()))
    return [
        ["training takes", f"{nats(own, train):.0f}", *described(known), f"{found.floor.mean:.2f}"],
        ["validation takes", f"{nats(own, validation):.0f}", *described(real), figures.UNDEFINED],
        [f"samples ({name})", figures.UNDEFINED, *described(np.concatenate(sets)), f"{found.samples.mean:.2f}"],
    ]


COLUMNS = ("windows", "nats", "hits", "open hats", "cells in both bars", "bars alike", "strongest, against training")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--checkpoint", type=Path, default=SHIPPED)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    torch.set_num_threads(1)
    found = rows(checkpoint.load(options.checkpoint), corpus.load([options.data]).takes)
    figures.told(COLUMNS, found, as_json=options.json)


if __name__ == "__main__":
    main()
