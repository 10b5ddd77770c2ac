"""How well a model does what it is asked: its sliders, variations and interpolations, on held-out takes.

Sliders: each is asked for at five quantiles on every two-bar window, and asked and achieved
quantiles are pooled. `chosen` is what `steer` gives, the best of its rounds; `last` is the result
of the last round, with no choice made after the decoder. Leakage is how far every other slider
moved from the reconstruction, in its standard deviations. Sliders that are tied by definition, a
sum and its parts, are left out of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy.stats import spearmanr

from rhythmvae.analysis.descriptors import SLIDERS, slider_values
from rhythmvae.data.corpus import Corpus
from rhythmvae.evaluation import two_sample
from rhythmvae.evaluation.reconstruction import judged_windows, samples_accuracy
from rhythmvae.groove import FloatArray, Groove, IntArray, to_grid
from rhythmvae.kit import N_VOICES
from rhythmvae.model import latent
from rhythmvae.model.checkpoint import Checkpoint
from rhythmvae.model.generate import descriptor_space, interpolate, vary
from rhythmvae.model.steering import steer

LEVELS = (0.1, 0.3, 0.5, 0.7, 0.9)
AMOUNTS = (0.0, 0.1, 0.25, 0.5, 0.75, 1.0)
INTERPOLATION_STEPS = 9
N_INTERPOLATIONS = 100


def measure_control(
    checkpoint: Checkpoint, corpus: Corpus, split: str, seed: int = 0, seeds: int = 10, drummers: Sequence[str] = ()
) -> dict[str, Any]:
    """Figures of all three, on held-out two-bar windows: sliders and variations on one window of each take,
    interpolations between windows of any two takes.

    Args:
        seeds: repetitions of the two-sample test of interpolated grooves.
        drummers: as in reconstruction.measure.

    Raises:
        CorpusError: too few takes, as measure_samples raises it.
    """
    x, groups = judged_windows(corpus, split, seed, drummers)
    windows = [two_sample.as_groove(window) for window in x]
    one_each = [windows[row] for row in np.unique(groups, return_index=True)[1]]
    interpolation, between = measure_interpolation(checkpoint, windows, groups, N_INTERPOLATIONS, seed)
    accuracy = samples_accuracy(x, groups, between, seeds)
    return {
        "n_windows": len(one_each),
        "sliders": measure_sliders(checkpoint, one_each),
        "amounts": measure_amounts(checkpoint, one_each, seed),
        "interpolation": {
            **interpolation,
            "two_sample_accuracy": {view: found.to_dict() for view, found in accuracy.items()},
        },
    }


def measure_amounts(checkpoint: Checkpoint, windows: Sequence[Groove], seed: int = 0) -> dict[str, float]:
    """By amount: cells (step and voice) in which a variation differs from the reconstruction, of all it plays."""
    rebuilt = [_cells(latent.reconstruct(checkpoint.model, window)) for window in windows]
    n_cells = sum(map(len, rebuilt))
    found = {}
    for amount in AMOUNTS:
        varied = [vary(checkpoint, window, amount=amount, seed=seed)[0].groove for window in windows]
        differ = sum(len(_cells(v) ^ r) for v, r in zip(varied, rebuilt, strict=True))
        found[f"{amount:g}"] = differ / max(n_cells, 1)
    return found


def _cells(groove: Groove) -> set[int]:
    return set((groove.step * N_VOICES + groove.voice).tolist())


def measure_sliders(
    checkpoint: Checkpoint, windows: Sequence[Groove], sliders: Sequence[str] = SLIDERS
) -> dict[str, dict[str, Any]]:
    """Figures by slider that the model has quantiles of.

    n, undefined, spearman, mae, spearman_last, mae_last, achieved (achieved_by_level) and leakage by other slider;
    None where nothing was asked, and a correlation where nothing moved.
    """
    quantiles = checkpoint.quantiles
    known = [slider for slider in SLIDERS if slider in quantiles.knots]
    encoded = [latent.encode(checkpoint.model, window) for window in windows]
    start = [slider_values(latent.decode(checkpoint.model, e.posterior.mean, e.frame)) for e in encoded]
    found: dict[str, dict[str, Any]] = {}
    for slider in [slider for slider in sliders if slider in known]:
        asked: list[float] = []
        chosen: list[float] = []
        last: list[float] = []
        moved: dict[str, list[float]] = {other: [] for other in known if not _tied(slider, other)}
        undefined = 0
        for own, before in zip(encoded, start, strict=True):
            if before[slider] is None:
                undefined += 1
                continue
            for level in LEVELS:
                target = {slider: quantiles.value_at(slider, level)}
                steered = steer(
                    checkpoint.model, own.posterior.mean, own.frame, target, quantiles, checkpoint.prior.std**2
                )
                after = slider_values(latent.decode(checkpoint.model, steered.z, own.frame))
                asked.append(level)
                chosen.append(_place(quantiles.quantile, slider, after[slider]))
                last.append(_place(quantiles.quantile, slider, _number(steered.path[-1][SLIDERS.index(slider)])))
                for other, moves in moved.items():
                    was, value = before[other], after[other]
                    if was is not None and value is not None:
                        moves.append(abs(value - was) / quantiles.spread(other))
        found[slider] = {
            "n": len(asked),
            "undefined": undefined,
            "spearman": _spearman(asked, chosen),
            "mae": _mae(asked, chosen),
            "spearman_last": _spearman(asked, last),
            "mae_last": _mae(asked, last),
            "achieved": achieved_by_level(asked, chosen),
            "leakage": {other: float(np.mean(moves)) for other, moves in moved.items() if moves},
        }
    return found


def achieved_by_level(asked: Sequence[float], achieved: Sequence[float]) -> list[dict[str, float]]:
    """For each quantile that was asked for: the mean of what was achieved, and between what eight of ten lie.

    >>> achieved_by_level([0.1, 0.1, 0.9], [0.2, 0.2, 0.8])[0]
    {'asked': 0.1, 'mean': 0.2, 'low': 0.2, 'high': 0.2}
    """
    levels, got = np.array(asked), np.array(achieved)
    rows = []
    for level in np.unique(levels):
        own = got[levels == level]
        low, high = np.quantile(own, [0.1, 0.9])
        numbers = {"asked": level, "mean": own.mean(), "low": low, "high": high}
        rows.append({name: round(float(number), 4) for name, number in numbers.items()})
    return rows


def _tied(slider: str, other: str) -> bool:
    """A slider and itself; all densities, which are a sum and its parts."""
    return slider == other or (
        slider.startswith("density") and other.startswith("density") and "density" in (slider, other)
    )


def _number(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def _place(place: Any, slider: str, value: float | None) -> float:
    return 0.0 if value is None else float(place(slider, value))


def _mae(asked: Sequence[float], achieved: Sequence[float]) -> float | None:
    return float(np.abs(np.subtract(asked, achieved)).mean()) if asked else None


def _spearman(asked: Sequence[float], achieved: Sequence[float]) -> float | None:
    return float(spearmanr(asked, achieved).statistic) if len(set(achieved)) > 1 else None


def measure_interpolation(
    checkpoint: Checkpoint, windows: Sequence[Groove], groups: IntArray, n: int, seed: int = 0
) -> tuple[dict[str, Any], FloatArray]:
    """Figures of n interpolations between random windows of different takes, and one inner step of each.

    The figures: the median and the worst ratio of an interpolation's largest jump to its mean jump, the share of
    ratios above 2, and whether all ends are reconstructions. The inner steps are windows (n, T, V, L, F) for the
    two-sample test.
    """
    rng = np.random.default_rng(seed)
    ratios: list[float] = []
    inner: list[FloatArray] = []
    ends_equal = True
    while len(ratios) < n:
        a, b = rng.choice(len(windows), 2, replace=False)
        if groups[a] == groups[b]:
            continue
        steps = interpolate(checkpoint, windows[a], windows[b], INTERPOLATION_STEPS)
        ends = [latent.reconstruct(checkpoint.model, windows[end]) for end in (a, b)]
        ends_equal &= steps[0] == ends[0] and steps[-1] == ends[1]
        jumps = np.linalg.norm(np.diff(descriptor_space(steps, checkpoint.quantiles), axis=0), axis=1)
        ratios.append(float(jumps.max() / jumps.mean()) if jumps.any() else 1.0)
        inner.append(to_grid(steps[int(rng.integers(1, INTERPOLATION_STEPS - 1))]).tensor)
    figures = {
        "n_interpolations": n,
        "ends_equal": ends_equal,
        "largest_over_mean_median": float(np.median(ratios)),
        "largest_over_mean_worst": float(np.max(ratios)),
        "share_above_2": float(np.mean(np.array(ratios) > 2.0)),
    }
    return figures, two_sample.as_file(np.stack(inner))
