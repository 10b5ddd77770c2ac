"""The variational autoencoder: one window of drumming to a latent vector and back.

x (B, T, V, L, F) is a batch of windows as in groove.py, padded to T = WINDOW_STEPS, and
n_steps (B,) their true lengths. z (B, Z) is the latent; Z numbers serve a full window and
a shorter one uses its share, Z * n_steps / WINDOW_STEPS, the rest being zero: at the
default Z = 128, four a step, sixteen a quarter note, in every meter.

Encoder and decoder come in families that share one interface and one config:

- ``attention``, ours: a token a quarter note, sixteen latents each, self-attention
  between the tokens. The beat is where drum patterns repeat, so weights are shared
  across beats while the window is still seen whole.
- ``dense``: residual layers over the flattened window.
- ``cnn``: residual convolutions along time, two poolings by two.
- ``gru`` and ``lstm``: bidirectional encoder over steps, recurrent decoder that reads z
  at every step (after GrooVAE, Gillick et al. 2019, without its autoregression).

The decoder gives, per cell, the logit of a hit, its velocity and its offset. The model is
p(x|z) = Bernoulli(hit) * Laplace(velocity) * Laplace(offset), the last two where there is
a hit; losses.py holds the formulas.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from rhythmvae.groove import (
    HIT,
    MAX_VELOCITY,
    OFFSET,
    STEPS_PER_QUARTER,
    VELOCITY,
    WINDOW_STEPS,
)
from rhythmvae.model.blocks import ConvBlock, Feedforward, SelfAttention
from rhythmvae.model.config import LEVEL_TOLERANCE, N_BEATS, ModelConfig

RARE_HIT_LOGIT = -4.0  # most cells are silent: start there
# One hit in six is at a pad's loudest, 127, which a sigmoid never reaches: it may go beyond, and is clipped.
VELOCITY_HEADROOM = 1.1
LOG_VARIANCE_RANGE = (-12.0, 4.0)


class Posterior(NamedTuple):
    """q(z|x), a Gaussian with independent dimensions. Each (B, Z), zero where `used` is 0.

    >>> alone = Posterior(torch.zeros(1, 2), torch.zeros(1, 2), torch.tensor([[1.0, 0.0]]))
    >>> alone.sample()[0, 1].item()
    0.0
    """

    mean: Tensor
    log_variance: Tensor
    used: Tensor  # 1 for the dimensions that a window of this length has

    def sample(self, generator: torch.Generator | None = None) -> Tensor:
        """Reparameterized: mean + standard deviation * noise."""
        noise = torch.randn(self.mean.shape, generator=generator, dtype=self.mean.dtype)
        return self.mean + torch.exp(0.5 * self.log_variance) * noise.to(self.mean) * self.used


class Outputs(NamedTuple):
    """What the decoder says of each cell, each (B, T, V, L)."""

    hit_logit: Tensor
    velocity: Tensor  # 0 to VELOCITY_HEADROOM; whatever is above 1 means 1
    offset: Tensor  # steps, a little beyond -0.5 and 0.5, which stand for all that is further


class RhythmVAE(nn.Module):
    """Encoder, decoder and the scales of the likelihood.

    `scale` (2,) holds the Laplace scales of velocity (of 1) and offset (steps), which
    training follows; see losses.py. `refinement` is the number of rounds by which the encoder's
    answer for a groove is brought nearer to it (refinement.py), up to config.MAX_REFINEMENT.
    """

    scale: Tensor
    refinement: int = 0

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        self.encoder = ENCODERS[config.encoder](config)
        self.decoder = DECODERS[config.decoder](config)
        self.register_buffer("scale", torch.tensor([0.25, 0.25]))

    @property
    def device(self) -> torch.device:
        return self.scale.device

    def step_mask(self, n_steps: Tensor) -> Tensor:
        """(B, T), 1 inside the window."""
        return (torch.arange(WINDOW_STEPS, device=n_steps.device) < n_steps[:, None]).float()

    def latent_mask(self, n_steps: Tensor) -> Tensor:
        """(B, Z), 1 for the dimensions that a window of this length uses, at least one."""
        n_used = (self.config.latent_size * n_steps // WINDOW_STEPS).clamp(min=1)
        return (torch.arange(self.config.latent_size, device=n_steps.device) < n_used[:, None]).float()

    def encode(self, x: Tensor, n_steps: Tensor) -> Posterior:
        """Windows (B, T, V, L, F) to their posterior, on the device of the windows."""
        home = x.device
        x, n_steps = x.to(self.device), n_steps.to(self.device)
        hit = x[..., HIT]
        # Centred and of like spread, so that no feature drowns another at the start.
        features = torch.stack([hit, 2 * x[..., VELOCITY] - hit, 4 * x[..., OFFSET]], dim=-1).flatten(2)
        mean, log_variance = self.encoder(features, self.step_mask(n_steps)).float().chunk(2, dim=-1)
        used = self.latent_mask(n_steps)
        posterior = (mean * used, log_variance.clamp(*LOG_VARIANCE_RANGE) * used, used)
        return Posterior(*(part.to(home) for part in posterior))

    def decode(self, z: Tensor, n_steps: Tensor) -> Outputs:
        """Latents (B, Z) to cells on their device; cells beyond a window's length have a logit of -infinity."""
        home = z.device
        z, n_steps = z.to(self.device), n_steps.to(self.device)
        mask = self.step_mask(n_steps)
        outputs = self.outputs(self.decoder(z * self.latent_mask(n_steps), mask).float(), mask)
        return Outputs(*(part.to(home) for part in outputs))

    def outputs(self, raw: Tensor, mask: Tensor) -> Outputs:
        """What the decoder's own numbers (B, T, C) say; mask (B, T)."""
        raw = raw.view(-1, WINDOW_STEPS, *self.config.layers.shape)
        hit_logit = (raw[..., HIT] + RARE_HIT_LOGIT).masked_fill(mask[:, :, None, None] == 0, -torch.inf)
        velocity = VELOCITY_HEADROOM * torch.sigmoid(raw[..., VELOCITY])
        return Outputs(hit_logit, velocity, self.config.largest_offset * torch.tanh(raw[..., OFFSET]))


def to_tensor(outputs: Outputs, config: ModelConfig | None = None) -> Tensor:
    """The most likely window, (B, T, V, L, F): a hit where its probability is at least one half.

    config: of the model, if what comes close to one of its levels is to be that level.
    """
    hit = (outputs.hit_logit >= 0).float()
    velocity, offset = outputs.velocity.clamp(max=1.0), outputs.offset
    if config is not None:
        velocity = _levelled(velocity, [level / MAX_VELOCITY for level in config.velocity_levels], LEVEL_TOLERANCE[0])
        offset = _levelled(offset, config.offset_levels, LEVEL_TOLERANCE[1])
    return torch.stack([hit, velocity * hit, offset * hit], dim=-1)


def _levelled(values: Tensor, levels: Sequence[float], tolerance: float) -> Tensor:
    """Each value that is within the tolerance of a level as the nearest level."""
    if not levels:
        return values
    distance, nearest = (values[..., None] - torch.tensor(levels)).abs().min(-1)
    return torch.where(distance <= tolerance, torch.tensor(levels)[nearest], values)


def _with_mask(features: Tensor, mask: Tensor) -> Tensor:
    """The mask as one more channel, (B, T, C + 1): silence and beyond-the-end look alike without it."""
    return torch.cat([features, mask[..., None]], dim=-1)


# -- families: encoders (B, T, C), (B, T) -> (B, 2Z); decoders (B, Z), (B, T) -> (B, T, C);
#    C is ModelConfig.channels --


class AttentionEncoder(nn.Module):
    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.enter = nn.Linear(STEPS_PER_QUARTER * (config.channels + 1), config.width)
        self.place = nn.Parameter(0.02 * torch.randn(N_BEATS, config.width))
        self.blocks = _attention_blocks(config)
        self.leave = nn.Sequential(
            nn.LayerNorm(config.width), nn.Linear(config.width, 2 * config.latent_size // N_BEATS)
        )

    def forward(self, features: Tensor, mask: Tensor) -> Tensor:
        beats = _with_mask(features, mask).reshape(len(features), N_BEATS, -1)
        mean, log_variance = self.leave(self.blocks(self.enter(beats) + self.place)).chunk(2, dim=-1)
        return torch.cat([mean.flatten(1), log_variance.flatten(1)], dim=-1)


class AttentionDecoder(nn.Module):
    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.enter = nn.Linear(config.latent_size // N_BEATS + STEPS_PER_QUARTER, config.width)
        self.place = nn.Parameter(0.02 * torch.randn(N_BEATS, config.width))
        self.blocks = _attention_blocks(config)
        self.leave = nn.Sequential(
            nn.LayerNorm(config.width), nn.Linear(config.width, STEPS_PER_QUARTER * config.channels)
        )

    def forward(self, z: Tensor, mask: Tensor) -> Tensor:
        beats = torch.cat([z.view(len(z), N_BEATS, -1), mask.view(len(z), N_BEATS, -1)], dim=-1)
        out: Tensor = self.leave(self.blocks(self.enter(beats) + self.place))
        return out.reshape(len(z), WINDOW_STEPS, -1)


def _attention_blocks(config: ModelConfig) -> nn.Sequential:
    blocks: list[nn.Module] = []
    for _ in range(config.depth):
        blocks += [SelfAttention(config.width), Feedforward(config.width, 2 * config.width, config.dropout)]
    return nn.Sequential(*blocks)


class DenseEncoder(nn.Module):
    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(WINDOW_STEPS * (config.channels + 1), config.width),
            *[Feedforward(config.width, config.width, config.dropout) for _ in range(config.depth)],
            nn.LayerNorm(config.width),
            nn.Linear(config.width, 2 * config.latent_size),
        )

    def forward(self, features: Tensor, mask: Tensor) -> Tensor:
        out: Tensor = self.layers(_with_mask(features, mask).flatten(1))
        return out


class DenseDecoder(nn.Module):
    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(config.latent_size + WINDOW_STEPS, config.width),
            *[Feedforward(config.width, config.width, config.dropout) for _ in range(config.depth)],
            nn.LayerNorm(config.width),
            nn.Linear(config.width, WINDOW_STEPS * config.channels),
        )

    def forward(self, z: Tensor, mask: Tensor) -> Tensor:
        out: Tensor = self.layers(torch.cat([z, mask], dim=-1))
        return out.view(len(z), WINDOW_STEPS, -1)


class ConvEncoder(nn.Module):
    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        layers: list[nn.Module] = [nn.Conv1d(config.channels + 1, config.width, 3, padding=1)]
        for _ in range(2):
            layers += [ConvBlock(config.width, config.dropout) for _ in range(config.depth)]
            layers.append(nn.Conv1d(config.width, config.width, 2, stride=2))
        self.layers = nn.Sequential(*layers, ConvBlock(config.width, config.dropout))
        self.leave = nn.Linear(config.width * WINDOW_STEPS // 4, 2 * config.latent_size)

    def forward(self, features: Tensor, mask: Tensor) -> Tensor:
        out: Tensor = self.leave(self.layers(_with_mask(features, mask).transpose(1, 2)).flatten(1))
        return out


class ConvDecoder(nn.Module):
    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.width = config.width
        self.enter = nn.Linear(config.latent_size + WINDOW_STEPS, config.width * WINDOW_STEPS // 4)
        layers: list[nn.Module] = [ConvBlock(config.width, config.dropout)]
        for _ in range(2):
            layers.append(nn.ConvTranspose1d(config.width, config.width, 2, stride=2))
            layers += [ConvBlock(config.width, config.dropout) for _ in range(config.depth)]
        self.layers = nn.Sequential(*layers, nn.Conv1d(config.width, config.channels, 3, padding=1))

    def forward(self, z: Tensor, mask: Tensor) -> Tensor:
        coarse = self.enter(torch.cat([z, mask], dim=-1)).view(len(z), self.width, WINDOW_STEPS // 4)
        out: Tensor = self.layers(coarse).transpose(1, 2)
        return out


class RecurrentEncoder(nn.Module):
    def __init__(self, config: ModelConfig, cell: type[nn.GRU] | type[nn.LSTM]) -> None:
        super().__init__()
        self.steps = cell(
            config.channels + 1,
            config.width,
            config.depth,
            batch_first=True,
            bidirectional=True,
            dropout=config.dropout,
        )
        self.leave = nn.Linear(4 * config.width, 2 * config.latent_size)

    def forward(self, features: Tensor, mask: Tensor) -> Tensor:
        states, _ = self.steps(_with_mask(features, mask))
        # The two ends hold each direction's last state; the mean keeps the middle within reach.
        forward_end, backward_end = states[:, -1].chunk(2, -1)[0], states[:, 0].chunk(2, -1)[1]
        out: Tensor = self.leave(torch.cat([forward_end, backward_end, states.mean(1)], dim=-1))
        return out


class RecurrentDecoder(nn.Module):
    def __init__(self, config: ModelConfig, cell: type[nn.GRU] | type[nn.LSTM]) -> None:
        super().__init__()
        self.enter = nn.Linear(config.latent_size, config.width)
        self.place = nn.Parameter(0.02 * torch.randn(WINDOW_STEPS, config.width))
        self.steps = cell(
            config.width + 1, config.width, config.depth, batch_first=True, bidirectional=True, dropout=config.dropout
        )
        self.leave = nn.Linear(2 * config.width, config.channels)

    def forward(self, z: Tensor, mask: Tensor) -> Tensor:
        every_step = self.enter(z)[:, None] + self.place
        states, _ = self.steps(_with_mask(every_step, mask))
        out: Tensor = self.leave(states)
        return out


ENCODERS: dict[str, Any] = {
    "attention": AttentionEncoder,
    "dense": DenseEncoder,
    "cnn": ConvEncoder,
    "gru": lambda config: RecurrentEncoder(config, nn.GRU),
    "lstm": lambda config: RecurrentEncoder(config, nn.LSTM),
}
DECODERS: dict[str, Any] = {
    "attention": AttentionDecoder,
    "dense": DenseDecoder,
    "cnn": ConvDecoder,
    "gru": lambda config: RecurrentDecoder(config, nn.GRU),
    "lstm": lambda config: RecurrentDecoder(config, nn.LSTM),
}
