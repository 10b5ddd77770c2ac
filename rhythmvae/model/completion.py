"""Latents given a part of the grid: one network for all that completes a groove.

What is given of a window is any of its cells: strokes with or without their velocities and offsets, silence, a rhythm
that no drum plays yet (taps), and the windows before and after. Wanted may be traits and a style, as of the prior. The
network answers in two ways, both of them latents for the decoder that is there:

- `estimate`: the one answer of least error. Its latents are learned through the decoder, by what they rebuild.
- `sample`: a draw. Tokens come in order, each number a mixture of Gaussians given the numbers before it, as in the
  prior (prior.py), with what was read of the part beside each token (Strauss and Oliva 2022, "Posterior Matching for
  Arbitrary Conditioning"; the mixture over latents: GIVT, Tschannen et al. 2024).

Shapes: B windows, T steps, V voices, L layers, F features as in groove.py; N tokens of D latents, Z = N * D. A *place*
is one of the three windows that are read: before, this, after.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from rhythmvae.errors import UsageError
from rhythmvae.groove import DEFAULT_TEMPO_BPM, HIT, N_FEATURES, OFFSET, STEPS_PER_QUARTER, VELOCITY
from rhythmvae.kit import N_VOICES
from rhythmvae.model.blocks import CausalBlock, Feedforward, SelfAttention
from rhythmvae.model.config import N_BEATS, N_HEADS, check_whole
from rhythmvae.model.prior import Conditioning, Mixture, WithinToken
from rhythmvae.model.stepwise import Stepwise

N_PLACES = 3
BEFORE, THIS, AFTER = range(N_PLACES)
N_MASKS = 3  # of a cell: whether its strokes, their velocities, their offsets are given


@dataclass(frozen=True)
class CompletionConfig:
    """What a completion is built from; a checkpoint carries it.

    Args:
        latent_size: Z, of which each beat has its share.
        n_layers: L of the model that it completes for.
        n_traits, styles: as of the prior.
        read_width, read_depth: of the transformer that reads a part.
        width, depth, hidden, n_components: of what draws, as in the prior.
        n_touch: knots of each drum's velocities (`Completion.touched`); 0 for a file of before there were any.

    Raises:
        UsageError: a number out of range.
    """

    latent_size: int
    n_layers: int
    n_traits: int
    styles: tuple[str, ...] = ()
    read_width: int = 192
    read_depth: int = 4
    width: int = 128
    depth: int = 2
    hidden: int = 256
    n_components: int = 8
    n_touch: int = 0

    def __post_init__(self) -> None:
        object.__setattr__(self, "styles", tuple(self.styles))
        for name, low, high in (
            ("latent_size", N_BEATS, 1024),
            ("n_layers", 1, 16),
            ("n_traits", 1, 256),
            ("read_width", N_HEADS, 2048),
            ("read_depth", 1, 32),
            ("width", N_HEADS, 2048),
            ("depth", 1, 32),
            ("hidden", 1, 4096),
            ("n_components", 1, 64),
            ("n_touch", 0, 256),
        ):
            check_whole(getattr(self, name), low, high, f"the completion's {name}")
        if self.latent_size % N_BEATS or self.width % N_HEADS or self.read_width % N_HEADS:
            raise UsageError(
                f"Expected latents that {N_BEATS} divides and widths that {N_HEADS} divides, got {self.latent_size}, "
                f"{self.read_width} and {self.width}."
            )

    @property
    def token_size(self) -> int:
        return self.latent_size // N_BEATS

    @property
    def channels(self) -> int:
        """Numbers that a step has for the network."""
        strokes = self.n_layers * N_FEATURES
        return N_VOICES * (strokes + N_MASKS) + strokes + 1 + 1 + 1

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


class Part(NamedTuple):
    """What is given of windows.

    x: (B, 3, T, V, L, F) by place, zero where nothing is given.
    hits, velocities, offsets: (B, 3, T, V), 1 for cells whose strokes, velocities or offsets are given.
    taps: (B, T, L, F), strokes that no drum plays yet, of the window itself; tapped: (B, T), 1 where they are given.
    inside: (B, 3, T), 1 for steps that there are.
    tempo: (B,), octaves above 120 BPM.
    """

    x: Tensor
    hits: Tensor
    velocities: Tensor
    offsets: Tensor
    taps: Tensor
    tapped: Tensor
    inside: Tensor
    tempo: Tensor

    def features(self) -> Tensor:
        """(B, 3, T, channels): all of it beside each other, centred, and zero where it is not given."""
        strokes = torch.stack([self.hits, self.velocities, self.offsets], dim=-1)  # (B, 3, T, V, 3)
        cells = torch.cat([(_centred(self.x) * strokes[..., None, :]).flatten(4), strokes], dim=-1).flatten(3)
        own = torch.cat([(_centred(self.taps) * self.tapped[..., None, None]).flatten(2), self.tapped[..., None]], -1)
        taps = own.new_zeros(len(own), N_PLACES, *own.shape[1:])
        taps[:, THIS] = own
        tempo = self.tempo[:, None, None] * self.inside
        return torch.cat([cells, taps, self.inside[..., None], tempo[..., None]], dim=-1)

    @property
    def n_steps(self) -> Tensor:
        """(B,), how long each window is."""
        return self.inside[:, THIS].sum(1).long()


def _centred(x: Tensor) -> Tensor:
    """Features of like spread, as the encoder has them (vae.RhythmVAE.encode)."""
    hit = x[..., HIT]
    return torch.stack([hit, 2 * x[..., VELOCITY] - hit, 4 * x[..., OFFSET]], dim=-1)


def octaves(bpm: float) -> float:
    """How a completion is told a tempo.

    >>> octaves(60.0)
    -1.0
    """
    return math.log2(bpm / DEFAULT_TEMPO_BPM)


class Completion(nn.Module):
    """See the module. Latents are standardized by `mean` and `std`, those of the prior, before anything sees them."""

    mean: Tensor
    std: Tensor
    touch: Tensor

    def __init__(self, config: CompletionConfig, dropout: float = 0.0) -> None:
        super().__init__()
        self.config = config
        read, width = config.read_width, config.width
        self.register_buffer("mean", torch.zeros(config.latent_size))
        self.register_buffer("std", torch.ones(config.latent_size))
        if config.n_touch:
            as_it_is = np.tile(np.linspace(0, 1, config.n_touch, dtype=np.float32), (N_VOICES, 2, 1))
            self.register_buffer("touch", torch.from_numpy(as_it_is))
        self.enter = nn.Linear(STEPS_PER_QUARTER * config.channels, read)
        self.place = nn.Parameter(0.02 * torch.randn(N_PLACES * N_BEATS, read))
        self.traits = nn.Linear(2 * config.n_traits, read)
        self.style = nn.Embedding(len(config.styles) + 1, read)
        nn.init.normal_(self.style.weight, std=0.02)
        blocks: list[nn.Module] = []
        for _ in range(config.read_depth):
            blocks += [SelfAttention(read), Feedforward(read, 2 * read, dropout)]
        self.blocks = nn.Sequential(*blocks)
        self.norm = nn.LayerNorm(read)
        self.point = nn.Linear(read, config.token_size)
        self.token = nn.Linear(config.token_size, width)
        self.start = nn.Parameter(0.02 * torch.randn(width))
        self.slot = nn.Parameter(0.02 * torch.randn(N_BEATS, width))
        self.context = nn.Linear(read, width)
        self.ahead = nn.ModuleList(CausalBlock(width, dropout) for _ in range(config.depth))
        self.ahead_norm = nn.LayerNorm(width)
        self.within = WithinToken(config)

    def read(self, part: Part, conditioning: Conditioning) -> Tensor:
        """What is known of each beat of the window: (B, N, read_width)."""
        features = part.features()
        beats = features.reshape(len(features), N_PLACES * N_BEATS, -1)
        asked = torch.cat([conditioning.traits * conditioning.mask, conditioning.mask], dim=1)
        wanted = self.traits(asked) + self.style(conditioning.style)
        out: Tensor = self.norm(self.blocks(self.enter(beats) + self.place + wanted[:, None]))
        return out[:, THIS * N_BEATS : (THIS + 1) * N_BEATS]

    def estimate(self, known: Tensor) -> Tensor:
        """The latents (B, Z) of least error, of what `read` gave."""
        z: Tensor = self.point(known)
        return z.flatten(1) * self.std + self.mean

    def touched(self, velocity: Tensor) -> Tensor:
        """Velocities (B, T, V, L), 0 to 1, that were drawn, spread for each drum as drummers spread theirs.

        The decoder gives for latents that were drawn what is in the middle of the strokes that they may mean: without
        this the hardest and the softest would be rare (`training.completion.touch_of`).
        """
        loud = velocity.clamp(max=1.0)
        if not self.config.n_touch:
            return loud
        drums = [np.interp(loud[:, :, voice].numpy(), *self.touch[voice].numpy()) for voice in range(N_VOICES)]
        return torch.from_numpy(np.stack(drums, axis=2)).float()

    def log_density(self, known: Tensor, z: Tensor, used: Tensor) -> Tensor:
        """Of latents z (B, Z), of which `used` (B, Z) count, given what `read` gave, (B,).

        In nats of the standardized latents.
        """
        tokens = ((z - self.mean) / self.std * used).view(len(z), N_BEATS, -1)
        mixture: Mixture = self.within(self._states(known, tokens), tokens)
        return (mixture.log_density(tokens) * used.view(tokens.shape)).sum((1, 2))

    def _states(self, known: Tensor, tokens: Tensor) -> Tensor:
        """What is known before each token, (B, N, width)."""
        embedded = self.token(tokens[:, :-1])
        x = torch.cat([self.start.expand(len(tokens), 1, -1), embedded], dim=1) + self.slot + self.context(known)
        for block in self.ahead:
            x = block(x)
        out: Tensor = self.ahead_norm(x)
        return out

    def sample(self, known: Tensor, temperature: float, generator: torch.Generator) -> Tensor:
        """Latents (B, Z) drawn given what `read` gave; a temperature of 0 follows the likeliest way."""
        return self._drawn(known, temperature, *self._chance(len(known), generator))

    def several(self, known: Tensor, n: int, temperature: float, generator: torch.Generator) -> Tensor:
        """Latents (n, B, Z), n draws given what `read` gave, by the same chance for each of B: what comes of one does
        not depend on those beside it."""
        batch = len(known)
        chance = (each.repeat_interleave(batch, 1) for each in self._chance(n, generator))
        return self._drawn(known.repeat(n, 1, 1), temperature, *chance).view(n, batch, -1)

    def _chance(self, n: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Uniform and standard normal numbers (N, n, D) for n draws."""
        shape = (N_BEATS, n, self.config.token_size)
        return torch.rand(shape, generator=generator), torch.randn(shape, generator=generator)

    @torch.inference_mode()
    def _drawn(self, known: Tensor, temperature: float, uniform: Tensor, normal: Tensor) -> Tensor:
        stepwise = Stepwise(self.within)
        tokens = known.new_zeros(len(known), N_BEATS, self.config.token_size)
        for beat in range(N_BEATS):
            state = self._states(known, tokens)[:, beat]
            drawn = stepwise.draw(state, temperature, uniform[beat].numpy(), normal[beat].numpy())
            tokens[:, beat] = torch.from_numpy(drawn)
        return tokens.flatten(1) * self.std + self.mean
