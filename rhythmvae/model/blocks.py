"""The layers that networks here are built of: each adds to its input, and starts as the identity.

A checkpoint names weights by the attributes of these classes, so the attributes keep their names.
"""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional

from rhythmvae.model.config import N_HEADS


def attended(query_key_value: Tensor, is_causal: bool = False) -> Tensor:
    """What tokens see of each other (Vaswani et al. 2017), in N_HEADS heads: (B, N, 3 * width) -> (B, N, width).

    Args:
        query_key_value: the three, side by side.
        is_causal: no token sees a later one.
    """
    split = query_key_value.view(*query_key_value.shape[:2], 3, N_HEADS, -1)
    query, key, value = split.permute(2, 0, 3, 1, 4)
    seen = functional.scaled_dot_product_attention(query, key, value, is_causal=is_causal)
    return seen.transpose(1, 2).flatten(2)


class Feedforward(nn.Module):
    """x + W2 gelu(W1 norm(x)); starts as the identity."""

    def __init__(self, width: int, inner: int, dropout: float) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.inner = nn.Linear(width, inner)
        self.outer = _zeroed(nn.Linear(inner, width))
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = x + self.outer(self.dropout(functional.gelu(self.inner(self.norm(x)))))
        return out


class SelfAttention(nn.Module):
    """x + attention between tokens, (B, N, width); starts as the identity."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.query_key_value = nn.Linear(width, 3 * width)
        self.outer = _zeroed(nn.Linear(width, width))

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = x + self.outer(attended(self.query_key_value(self.norm(x))))
        return out


class CausalBlock(nn.Module):
    """x + attention to what is earlier, then x + a feedforward, (B, T, width); starts as the identity."""

    def __init__(self, width: int, dropout: float) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.query_key_value = nn.Linear(width, 3 * width)
        self.mixed = _zeroed(nn.Linear(width, width))
        self.feed = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, 4 * width), nn.GELU())
        self.fed = _zeroed(nn.Linear(4 * width, width))
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.dropout(self.mixed(attended(self.query_key_value(self.norm(x)), is_causal=True)))
        out: Tensor = x + self.dropout(self.fed(self.feed(x)))
        return out


class ConvBlock(nn.Module):
    """x + two convolutions along time, (B, width, T); starts as the identity."""

    def __init__(self, width: int, dropout: float) -> None:
        super().__init__()
        self.norm = nn.GroupNorm(1, width)
        self.inner = nn.Conv1d(width, width, 3, padding=1)
        self.outer = _zeroed(nn.Conv1d(width, width, 3, padding=1))
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = x + self.outer(self.dropout(functional.gelu(self.inner(functional.gelu(self.norm(x))))))
        return out


def _zeroed(layer: nn.Linear | nn.Conv1d) -> nn.Module:
    for parameter in layer.parameters():
        nn.init.zeros_(parameter)
    return layer
