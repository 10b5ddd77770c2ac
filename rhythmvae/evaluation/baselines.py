"""What a VAE must beat: fixed summaries of a window, each with the best linear way back.

A window x (T, C), T = WINDOW_STEPS and C = V * L * F channels a step, silent beyond its
length, is summarized by at most as many numbers as the VAE has latent dimensions. The decoder is the ridge
regression from the summary (and 1) to x, fitted on training windows; a cell is a hit where
its value passes the threshold that gives the best F1 on them.

- mean pooling: mean of each channel over each half of the window, m = (1/|S|) sum_{t in S} x_t.
- standard-deviation pooling: s = sqrt((1/|S|) sum_{t in S} (x_t - m)^2), likewise.
- cumulative normalization: of each voice's velocity v_t, the running share of its total,
  c_t = (sum_{u <= t} v_u) / (sum_u v_u), read at evenly spaced steps.
- PCA: the projections on the leading principal components.
- per-step mean: no numbers at all, the mean of the training windows.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from rhythmvae.data.windows import windows_of
from rhythmvae.groove import (
    HIT,
    TWO_LOUDEST,
    VELOCITY,
    WINDOW_STEPS,
    BoolArray,
    FloatArray,
    Groove,
    from_grid,
    join,
    window_spans,
)
from rhythmvae.kit import N_VOICES

_SHAPE = (WINDOW_STEPS, *TWO_LOUDEST.shape)
RIDGE = 1e-3  # of the mean squared feature
THRESHOLDS = np.linspace(0.1, 0.7, 25)

Summary = Callable[[FloatArray], FloatArray]  # (N, T, V, L, F) -> (N, K)


@dataclass(frozen=True, eq=False)
class Fitted:
    """summary of a window, the linear map back (K + 1, T * C) and the threshold of a hit."""

    summary: Summary
    linear: FloatArray
    threshold: float
    n_dimensions: int

    def decode(self, x: FloatArray) -> FloatArray:
        """Windows (N, T, V, L, F) through the summary and back; the hit feature is not yet thresholded."""
        features = _with_one(self.summary(x))
        return (features @ self.linear).reshape(len(x), *_SHAPE)

    def reconstruct(self, groove: Groove) -> Groove:
        """A groove of any length, window by window, as latent.reconstruct does."""
        windows = windows_of([groove])
        x, _ = windows.gather(np.arange(len(windows)))
        decoded = self.decode(x)
        decoded[..., HIT] = decoded[..., HIT] >= self.threshold
        spans = window_spans(groove)
        rebuilt = from_grid(join([d[: s.n_steps] for d, s in zip(decoded, spans, strict=True)]), groove)
        return replace(rebuilt, title="", source="")


@dataclass(frozen=True)
class Baseline:
    """A named way to summarize: `make` takes (training windows, latent dimensions allowed)."""

    name: str
    make: Callable[[FloatArray, int], Summary]

    def fit(self, grooves: Sequence[Groove], n_dimensions: int) -> Fitted:
        """Fit the linear decoder and the threshold on the windows of training grooves."""
        windows = windows_of(grooves)
        x, _ = windows.gather(np.arange(len(windows)))
        summary = self.make(x, n_dimensions)
        features = _with_one(summary(x)).astype(np.float64)
        target = x.reshape(len(x), -1)
        gram = features.T @ features
        gram += RIDGE * np.trace(gram) / len(gram) * np.eye(len(gram))
        linear = np.linalg.solve(gram, features.T @ target).astype(np.float32)
        fitted = Fitted(summary, linear, 0.5, features.shape[1] - 1)
        return replace(fitted, threshold=_best_threshold(fitted.decode(x)[..., HIT], x[..., HIT] > 0))


def _best_threshold(value: FloatArray, hit: BoolArray) -> float:
    f1 = []
    for threshold in THRESHOLDS:
        said = value >= threshold
        f1.append(2 * np.sum(said & hit) / max(np.sum(said) + np.sum(hit), 1))
    return float(THRESHOLDS[int(np.argmax(f1))])


def _with_one(features: FloatArray) -> FloatArray:
    return np.concatenate([features, np.ones((len(features), 1), dtype=features.dtype)], axis=1)


def _pooling(statistic: Callable[..., FloatArray]) -> Callable[[FloatArray, int], Summary]:
    def make(_: FloatArray, n_dimensions: int) -> Summary:
        n_channels = int(np.prod(_SHAPE[1:]))
        n_parts = max(1, n_dimensions // n_channels)
        # With fewer numbers than channels, the first channels (by voice) are all there is room for.
        n_kept = min(n_channels, n_dimensions)

        def summary(x: FloatArray) -> FloatArray:
            parts = np.array_split(x.reshape(len(x), WINDOW_STEPS, n_channels), n_parts, axis=1)
            return np.concatenate([statistic(part, axis=1)[:, :n_kept] for part in parts], axis=1)

        return summary

    return make


def _cumulative(_: FloatArray, n_dimensions: int) -> Summary:
    n_points = max(1, min(WINDOW_STEPS, n_dimensions // N_VOICES))
    points = np.linspace(0, WINDOW_STEPS - 1, n_points + 1).round().astype(int)[:-1]  # the last is always 1
    n_voices = min(N_VOICES, n_dimensions)

    def summary(x: FloatArray) -> FloatArray:
        running = np.cumsum(x[..., VELOCITY].sum(-1), axis=1)
        total = running[:, -1:, :]
        share = np.divide(running, total, out=np.zeros_like(running), where=total > 0)
        read: FloatArray = share[:, points, :n_voices].reshape(len(x), -1)
        return read

    return summary


def _pca(x: FloatArray, n_dimensions: int) -> Summary:
    flat = x.reshape(len(x), -1)
    mean = flat.mean(0)
    if len(flat) < flat.shape[1]:  # few windows span few axes, and need no covariance of all cells
        axes = np.linalg.svd(flat - mean, full_matrices=False)[2][:n_dimensions].T
    else:
        _, vectors = np.linalg.eigh((flat - mean).T @ (flat - mean))
        axes = vectors[:, ::-1][:, :n_dimensions]

    def summary(windows: FloatArray) -> FloatArray:
        projected: FloatArray = (windows.reshape(len(windows), -1) - mean) @ axes
        return projected

    return summary


def _nothing(_: FloatArray, __: int) -> Summary:
    return lambda x: np.zeros((len(x), 0), dtype=np.float32)


BASELINES: tuple[Baseline, ...] = (
    Baseline("PCA", _pca),
    Baseline("mean pooling", _pooling(np.mean)),
    Baseline("standard-deviation pooling", _pooling(np.std)),
    Baseline("cumulative normalization", _cumulative),
    Baseline("per-step mean", _nothing),
)
