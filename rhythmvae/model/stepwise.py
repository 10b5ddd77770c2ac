"""The numbers of a token drawn one after another, in numpy.

A window takes a hundred draws, each of a few hundred multiplications: torch would spend its time on calling itself.
Hidden units that see the first d numbers (prior.WithinToken) are final once these are drawn, so each is computed once.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from rhythmvae.errors import CheckpointError
from rhythmvae.groove import FloatArray
from rhythmvae.model.prior import LOG_STD, WithinToken


class Stepwise:
    """A network within a token, made ready: its weights by how many numbers a hidden unit sees.

    Shapes: B tokens at once, D numbers, H hidden units, K components.
    """

    def __init__(self, within: WithinToken) -> None:
        self.within = within
        size, hidden = within.first.in_features, within.first.out_features
        sees = np.arange(hidden) % size
        self.order = np.argsort(sees, kind="stable")
        self.ends = np.searchsorted(sees[self.order], np.arange(size), side="right").tolist()
        self.first = _numbers(within.first.weight)[self.order]
        self.second = _numbers(within.second.weight)[self.order][:, self.order]
        self.last = _numbers(within.last.weight).reshape(size, -1, hidden)[:, :, self.order]

    def draw(self, state: Tensor, temperature: float, uniform: FloatArray, normal: FloatArray) -> FloatArray:
        """Tokens (B, D) given states (B, width).

        Args:
            temperature: as of `prior.Mixture.draw`; 0 follows the likeliest way.
            uniform, normal: (B, D), 0 to below 1 and standard normal, by which each number is drawn.

        Raises:
            CheckpointError: weights that give no numbers.
        """
        within, order = self.within, self.order
        of_first = _numbers(within.state_first(state) + within.first.bias)[:, order]
        of_second = _numbers(within.state_second(state) + within.second.bias)[:, order]
        of_last = _numbers(within.state_last(state) + within.last.bias).reshape(len(state), len(self.ends), -1)
        token = np.zeros(uniform.shape, dtype=np.float32)
        one, two = np.zeros_like(of_first), np.zeros_like(of_second)
        start = 0
        for number, end in enumerate(self.ends):
            new = slice(start, end)
            one[:, new] = _gelu(token[:, :number] @ self.first[new, :number].T + of_first[:, new])
            two[:, new] = one[:, new] + _gelu(one[:, :end] @ self.second[new, :end].T + of_second[:, new])
            out = two[:, :end] @ self.last[number, :, :end].T + of_last[:, number]
            token[:, number] = _drawn(out, temperature, uniform[:, number], normal[:, number])
            start = end
        if not np.isfinite(token).all():
            raise CheckpointError("The weights that complete grooves give no numbers: the checkpoint is damaged.")
        return token


def _numbers(weights: Tensor) -> FloatArray:
    found: FloatArray = weights.detach().float().cpu().numpy()
    return found


def _gelu(x: FloatArray) -> FloatArray:
    half: FloatArray = torch.special.ndtr(torch.from_numpy(x)).numpy()
    return x * half


def _drawn(out: FloatArray, temperature: float, uniform: FloatArray, normal: FloatArray) -> FloatArray:
    """A number (B,) of mixtures whose parameters are `out` (B, K * 3), as WithinToken has them."""
    logit, mean, log_std = out.reshape(len(out), -1, 3).transpose(2, 0, 1)
    if temperature == 0:
        component = logit.argmax(1)
    else:
        share = np.exp((logit - logit.max(1, keepdims=True)) / max(temperature, 1e-3)).cumsum(1)
        component = np.minimum((share <= uniform[:, None] * share[:, -1:]).sum(1), logit.shape[1] - 1)
    rows = np.arange(len(out))
    drawn: FloatArray = mean[rows, component] + temperature * normal * np.exp(
        np.clip(log_std[rows, component], *LOG_STD)
    )
    return drawn
