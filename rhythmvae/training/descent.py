"""An optimizer step of a model or of its prior: warm-up and cosine, clipped gradients, averaged weights."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.optim import swa_utils

LAST_LEARNING_RATE = 0.02  # of the peak, where the cosine ends
MAX_GRADIENT = 1.0  # norm; longer gradients are shortened


def learning_rate(peak: float, warmup: float, done: float) -> float:
    """A linear warm-up, and a cosine (Loshchilov and Hutter 2017) that ends at LAST_LEARNING_RATE of the peak.

    Args:
        warmup: the share of the warm-up that is over; 1 or more after it.
        done: the share of the training that is over, 0 to 1.

    >>> learning_rate(1.0, warmup=0.5, done=0.0), round(learning_rate(1.0, warmup=9.0, done=1.0), 3)
    (0.5, 0.02)
    """
    cosine = 0.5 * (1.0 + math.cos(math.pi * done))
    return peak * min(1.0, warmup) * (LAST_LEARNING_RATE + (1.0 - LAST_LEARNING_RATE) * cosine)


def descend(
    loss: Tensor, model: nn.Module, optimizer: torch.optim.Optimizer, rate: float, average: nn.Module, decay: float
) -> None:
    """One step down the gradient of `loss`, at a learning rate of `rate`, and one of `average` towards the new weights.

    Args:
        average: of the same build as `model`; what is evaluated and kept (after Polyak and Juditsky 1992).
        decay: the share of the average that stays; see `decay_at`.
    """
    for group in optimizer.param_groups:
        group["lr"] = rate
    optimizer.zero_grad()
    loss.backward()  # type: ignore[no-untyped-call]
    nn.utils.clip_grad_norm_(model.parameters(), MAX_GRADIENT)
    optimizer.step()
    # All tensors at once: one by one takes a GPU as long as the rest.
    follow = swa_utils.get_ema_multi_avg_fn(decay)  # type: ignore[no-untyped-call]
    follow(list(average.state_dict().values()), list(model.state_dict().values()), None)


def decay_at(step: int, decay: float) -> float:
    """The decay of an average that is `step` steps old: a young one follows faster, or it would remember the start.

    >>> decay_at(0, 0.999), decay_at(100_000, 0.999)
    (0.1, 0.999)
    """
    return min(decay, (1 + step) / (10 + step))
