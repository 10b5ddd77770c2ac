"""The second look: a whole recording's moments in; each one's voices and velocities out, judged among the others.

A recording is played on one kit. What the first network says of a moment by itself is corrected by attention over all
moments: strokes of one drum sound alike, of three toms one is the lowest, and how hard a stroke is shows beside the
others (self-attention without places: Vaswani et al. 2017; Lee et al. 2019).
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - as everybody calls it

from rhythmvae.audio.moments import n_features
from rhythmvae.audio.network import MOST
from rhythmvae.errors import UsageError
from rhythmvae.groove import FloatArray
from rhythmvae.kit import N_VOICES

AT_ONCE = 1024  # moments that are judged among each other: what a drummer plays in two minutes


@dataclass(frozen=True)
class LookConfig:
    """Sizes. n_hidden: numbers of the first network's hidden layer."""

    n_hidden: int
    width: int = 96
    layers: int = 3
    heads: int = 4

    def __post_init__(self) -> None:
        sizes = (self.n_hidden, self.width, self.layers, self.heads)
        if not all(type(n) is int and 1 <= n <= MOST for n in sizes) or self.layers > 12 or self.width % self.heads:
            raise UsageError(f"Expected sizes of a second look from 1 to {MOST}, got others.")

    @classmethod
    def of_card(cls, values: Any) -> LookConfig:
        """As `to_dict` gave it.

        Raises:
            UsageError: something else.
        """
        if not isinstance(values, dict) or set(values) != {each.name for each in fields(cls)}:
            raise UsageError("Expected the sizes of a second look, got others.")
        return cls(**values)

    def to_dict(self) -> dict[str, int]:
        """As a card has it."""
        return asdict(self)


class _Layer(nn.Module):
    def __init__(self, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.heads, self.dropout = heads, dropout
        self.before, self.between = nn.LayerNorm(width), nn.LayerNorm(width)
        self.asked, self.told = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.wide, self.narrow = nn.Linear(width, 2 * width), nn.Linear(2 * width, width)

    def forward(self, x: Tensor, there: Tensor) -> Tensor:
        parts = self.asked(self.before(x)).reshape(*x.shape[:2], 3, self.heads, -1)
        query, key, value = parts.permute(2, 0, 3, 1, 4)  # (B, heads, M, width / heads) each
        seen = F.scaled_dot_product_attention(query, key, value, attn_mask=there[:, None, None, :])
        x = x + self._dropped(self.told(seen.transpose(1, 2).flatten(2)))
        out: Tensor = x + self._dropped(self.narrow(F.gelu(self.wide(self.between(x)))))
        return out

    def _dropped(self, x: Tensor) -> Tensor:
        return F.dropout(x, self.dropout, self.training)


class SecondLook(nn.Module):
    """Features of moments (B, M, F) and which are there (B, M) -> logits (B, M, 2 V): onset and velocity.

    `mean` and `spread` (F,) are of the features that it was trained on. Untrained it says what the first network says.
    """

    mean: Tensor
    spread: Tensor

    def __init__(self, config: LookConfig, dropout: float = 0.1) -> None:
        super().__init__()
        self.config = config
        n = n_features(config.n_hidden)
        self.register_buffer("mean", torch.zeros(n))
        self.register_buffer("spread", torch.ones(n))
        self.enter = nn.Linear(n, config.width)
        self.among = nn.Linear(2 * config.width, config.width)
        self.layers = nn.ModuleList(_Layer(config.width, config.heads, dropout) for _ in range(config.layers))
        self.last = nn.LayerNorm(config.width)
        self.heads = nn.Linear(config.width, 2 * N_VOICES)
        nn.init.zeros_(self.heads.weight)
        nn.init.zeros_(self.heads.bias)

    def forward(self, features: Tensor, there: Tensor) -> Tensor:
        x = F.gelu(self.enter((features - self.mean) / self.spread))
        own = there[..., None]
        mean = (x * own).sum(1) / own.sum(1).clamp(min=1)
        most = x.masked_fill(~own, float("-inf")).amax(1).clamp(min=-1.0)
        x = x + self.among(torch.cat([mean, most], 1))[:, None]
        for layer in self.layers:
            x = layer(x, there)
        out: Tensor = features[..., : 2 * N_VOICES] + self.heads(self.last(x))
        return out

    def judged(self, features: FloatArray) -> FloatArray:
        """Logits (M, 2 V) of the moments (M, F) of one recording, AT_ONCE of them together at most."""
        if not len(features):
            return np.zeros((0, 2 * N_VOICES), dtype=np.float32)
        with torch.inference_mode():
            parts = np.array_split(features, -(-len(features) // AT_ONCE))
            found = [
                self(torch.from_numpy(part)[None], torch.ones(1, len(part), dtype=torch.bool))[0] for part in parts
            ]
            return np.asarray(torch.cat(found).numpy())
