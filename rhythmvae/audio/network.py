"""The network that hears: frames of a sound in; onsets, velocities and whether drums are alone out.

Three convolutions over time and pitch, then residual convolutions over time whose reach doubles from one to the next
(a temporal convolutional network: Bai, Kolter and Koltun 2018), in the middle of which the mean of the whole chunk is
added to every frame, so that a stroke is judged within its kit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any

import torch
from torch import Tensor, nn

from rhythmvae.audio.frames import N_BANDS
from rhythmvae.errors import UsageError
from rhythmvae.kit import N_VOICES

MOST = 512  # of any size: a network that a file describes takes no more memory than a file may


@dataclass(frozen=True)
class HearingConfig:
    """Sizes of the network.

    Args:
        planes: channels of the convolutions over time and pitch; each halves the bands, and the last one but one joins
            `joined` frames, since half as many steps in time cost half as much.
        channels: of the convolutions over time.
        dilations: of these, one after another, in joined frames; they see the sum of all on either side.
        joined: frames that are one step of the convolutions over time; the heads part them again.
    """

    planes: Sequence[int] = (16, 32, 32)
    channels: int = 128
    dilations: Sequence[int] = (1, 2, 4, 8, 16, 1)
    joined: int = 2

    @property
    def reach(self) -> int:
        """Frames that it sees on either side of one, but for the mean of the chunk."""
        return self.joined * (2 + len(self.planes) + sum(self.dilations))

    def __post_init__(self) -> None:
        sizes = (*self.planes, self.channels, *self.dilations, self.joined)
        if not (1 <= len(self.planes) <= 4 and len(self.dilations) <= 12 and all(type(n) is int for n in sizes)):
            raise UsageError("Expected up to 4 planes and 12 dilations, whole numbers, got others.")
        if min(sizes) < 1 or max(sizes) > MOST:
            raise UsageError(f"Expected sizes of the network from 1 to {MOST}, got others.")

    @classmethod
    def of_card(cls, values: Any) -> HearingConfig:
        """As `to_dict` gave it.

        Raises:
            UsageError: something else.
        """
        if not isinstance(values, dict) or set(values) != {each.name for each in fields(cls)}:
            raise UsageError("Expected the sizes of a network, got others.")
        if not all(isinstance(values[key], list) for key in ("planes", "dilations")):
            raise UsageError("Expected lists of planes and dilations, got others.")
        return cls(tuple(values["planes"]), values["channels"], tuple(values["dilations"]), values["joined"])

    def to_dict(self) -> dict[str, Any]:
        """As a card has it."""
        return {key: list(value) if isinstance(value, tuple) else value for key, value in asdict(self).items()}


class _Residual(nn.Module):
    def __init__(self, channels: int, dilation: int) -> None:
        super().__init__()
        self.wide = nn.Conv1d(channels, channels, 3, padding=dilation, dilation=dilation, bias=False)
        self.norm = nn.BatchNorm1d(channels)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = x + torch.relu(self.norm(self.wide(x)))
        return out


class HearingNetwork(nn.Module):
    """Frames (B, T, N_BANDS) -> logits (B, T, 2 V + 1): onset of each voice, its velocity, drums alone."""

    def __init__(self, config: HearingConfig | None = None) -> None:
        super().__init__()
        self.config = config = config or HearingConfig()
        layers: list[nn.Module] = []
        n_before, bands = 1, N_BANDS
        for i, n in enumerate(config.planes):
            stride = (config.joined if i == max(len(config.planes) - 2, 0) else 1, 2)
            layers += [nn.Conv2d(n_before, n, 3, stride=stride, padding=1, bias=False), nn.BatchNorm2d(n), nn.ReLU()]
            n_before, bands = n, (bands + 1) // 2
        self.planes = nn.Sequential(*layers)
        self.planes.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # twice as fast on a CPU
        self.narrow = nn.Conv1d(n_before * bands, config.channels, 1)
        half = len(config.dilations) // 2
        self.near = nn.Sequential(*(_Residual(config.channels, each) for each in config.dilations[:half]))
        self.context = nn.Linear(2 * config.channels, config.channels)
        self.far = nn.Sequential(*(_Residual(config.channels, each) for each in config.dilations[half:]))
        self.hidden = nn.Conv1d(config.channels, config.channels, 1)
        self.heads = nn.Conv1d(config.channels, config.joined * (2 * N_VOICES + 1), 1)
        assert self.heads.bias is not None
        nn.init.constant_(self.heads.bias, -2.0)  # most frames hold no onset

    def forward(self, frames: Tensor) -> Tensor:
        return self.heard(frames)[0]

    def heard(self, frames: Tensor) -> tuple[Tensor, Tensor]:
        """Its logits, and the layer before them: (B, channels, T / joined), rounded up."""
        x = (frames[:, None] - 1.0).contiguous(memory_format=torch.channels_last)
        x = self.planes(x)  # (B, C, T, bands)
        x = torch.relu(self.narrow(x.transpose(2, 3).flatten(1, 2)))
        x = self.near(x)
        x = x + self.context(torch.cat([x.mean(2), x.amax(2)], dim=1))[:, :, None]
        x = self.far(x)
        hidden = torch.relu(self.hidden(x))
        x = self.heads(hidden).transpose(1, 2)
        parted: Tensor = x.reshape(len(x), -1, 2 * N_VOICES + 1)
        return parted[:, : frames.shape[1]], hidden
