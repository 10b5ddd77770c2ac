"""What to draw latents from: a mixture of Gaussians fitted to the encoder's own output.

A VAE trained to rebuild faithfully does not fill N(0, I), so N(0, I) is a poor place to
draw from. The aggregate posterior, the latents of all training windows, is the place, and
a mixture of full-covariance Gaussians is a compact description of it (an ex-post density
estimate, Ghosh et al. 2020).

Windows of one groove belong together: the first chooses the component, and each next one
stays in it and keeps a share of the one before, as consecutive windows of the training
takes do. Z is the latent size, K the number of components.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

MAX_TEMPERATURE = 4.0


@dataclass(frozen=True, eq=False)
class Prior:
    """weights (K,), means (K, Z), factors (K, Z, Z) Cholesky factors of the covariances,
    persistence () in [0, 1]: correlation of consecutive windows within a component."""

    weights: Tensor
    means: Tensor
    factors: Tensor
    persistence: Tensor

    def sample(self, n_windows: int, temperature: float, generator: torch.Generator) -> Tensor:
        """Latents of one groove's windows in order, (n_windows, Z).

        Args:
            temperature: scales the spread about the component's mean; 0 is the mean
                itself, 1 the spread of human playing, 2 twice that.
        """
        component = int(torch.multinomial(self.weights, 1, generator=generator))
        noise = torch.randn(n_windows, self.means.shape[1], generator=generator)
        keep = float(self.persistence)
        for window in range(1, n_windows):
            noise[window] = keep * noise[window - 1] + (1.0 - keep**2) ** 0.5 * noise[window]
        return self.means[component] + temperature * noise @ self.factors[component].T


N_COMPONENTS = 128  # 4 MB; measured in docs/decisions/0002-model.md
POINTS_PER_COMPONENT = 64


def fit(latents: Tensor, variances: Tensor, follows: Tensor, n_components: int = N_COMPONENTS, seed: int = 0) -> Prior:
    """Fit to the posteriors of full training windows.

    Args:
        latents: (N, Z) posterior means.
        variances: (N, Z) posterior variances; their average widens the components, since
            the aggregate posterior is made of Gaussians, not of points.
        follows: (N,) bool, whether a window directly follows the one in the row before.
        n_components: at most; few windows get fewer, so that each has POINTS_PER_COMPONENT for its shape.
    """
    # late: 150 MB that only training needs
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.mixture import GaussianMixture
    from threadpoolctl import threadpool_limits

    points = latents.double().numpy()
    n, size = points.shape
    n_components = max(1, min(n_components, n // POINTS_PER_COMPONENT))
    if n <= 2 * size:
        # Too few points for a covariance: one component, shrunk towards its diagonal.
        means = points.mean(0, keepdims=True)
        spread = points.var(0) if n > 1 else np.zeros(size)
        covariances = np.diag(np.maximum(spread, 1e-3))[None]
        weights = np.ones(1)
        labels = np.zeros(n, dtype=int)
    else:
        # More threads are slower at this size, by far on shared cores.
        with threadpool_limits(1), warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # repeated windows and 25 rounds are fine here
            mixture = GaussianMixture(n_components, reg_covar=3e-3, max_iter=25, random_state=seed).fit(points)
        means, covariances, weights = mixture.means_, mixture.covariances_, mixture.weights_
        labels = mixture.predict(points)
    factors = np.linalg.cholesky(covariances + np.diag(variances.double().mean(0).numpy()))
    whitened = np.empty_like(points)
    for component, (mean, factor) in enumerate(zip(means, factors, strict=True)):
        own = labels == component
        whitened[own] = np.linalg.solve(factor, (points[own] - mean).T).T
    # Where both windows of a pair belong to one component, how much of the first the second keeps.
    second = np.flatnonzero(follows.numpy())
    second = second[labels[second] == labels[second - 1]]
    keep = float((whitened[second - 1] * whitened[second]).sum() / max((whitened[second - 1] ** 2).sum(), 1e-9))
    return Prior(
        torch.tensor(weights, dtype=torch.float32),
        torch.tensor(means, dtype=torch.float32),
        torch.tensor(factors, dtype=torch.float32),
        torch.tensor(min(max(keep, 0.0), 1.0), dtype=torch.float32),
    )
