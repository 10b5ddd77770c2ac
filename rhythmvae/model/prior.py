"""What to draw latents from: first how it should feel, then the beats one after another.

A VAE trained to rebuild faithfully does not fill N(0, I), so N(0, I) is a poor place to draw
from. The prior here is a density model of the encoder's own output in two levels:

1. *Traits*, a few numbers that say what a window is like (TRAITS: density, syncopation, the
   spread of velocity, ...), drawn from those of the training windows, blurred.
2. The latents given traits and, where asked for, a style: *tokens* (for the attention family
   a token is a beat) are drawn in order, each number of a token given the numbers before it
   and all earlier tokens, those of the window before included. Each is a mixture of
   Gaussians whose parameters come from a causal transformer over tokens (Vaswani et al.
   2017) and a masked network within a token (MADE, Germain et al. 2015; a mixture as output
   of a transformer over latents: GIVT, Tschannen et al. 2024).

As every number has a known distribution given those before it, latents and independent
standard normal *noise* are two names for the same thing: `to_noise` and `from_noise` go back
and forth (an autoregressive flow, Papamakarios et al. 2021). Noise is where variations and
interpolations are made: each mixture of normal noise is as likely as any other.

Shapes: B grooves, W windows, N tokens a window, D numbers a token, Z = N * D, K components.
Latents are standardized by `mean` and `std` before anything here sees them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple, Protocol

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from rhythmvae.analysis.descriptors import TRAITS, traits
from rhythmvae.analysis.quantiles import Quantiles
from rhythmvae.data.windows import MAX_STYLE_LETTERS
from rhythmvae.errors import CheckpointError, UsageError
from rhythmvae.groove import Groove
from rhythmvae.model.blocks import CausalBlock
from rhythmvae.model.config import N_HEADS, check_whole
from rhythmvae.model.limits import check_style

BLUR = 0.15  # of a training window's traits, in standard deviations, so that no draw asks for one window
MAX_NOISE = 5.0  # standard deviations; beyond, a float knows no quantile
MAX_STYLES = 256
LOG_STD = (-5.0, 2.0)  # of a component, at least and at most
N_GRID = 65  # points at which a distribution is inverted, twice


@dataclass(frozen=True)
class PriorConfig:
    """What a prior is built from; a checkpoint carries it.

    Args:
        latent_size: Z.
        n_tokens: N, which divides Z.
        n_bank: training windows whose traits are kept.
        n_traits: numbers that say what a window is like.
        styles: names that can be asked for.
        width, depth: of the transformer.
        hidden: of the network within a token.
        n_components: K.
        n_own: of a fine-tuned model, how many windows of the bank are its own, the first ones, which a groove of no
            particular style is like; the others are of styles that the model before knew. None where all are its own.

    Raises:
        UsageError: a number out of range.
    """

    latent_size: int
    n_tokens: int
    n_bank: int
    n_traits: int
    styles: tuple[str, ...] = ()
    width: int = 128
    depth: int = 3
    hidden: int = 256
    n_components: int = 8
    n_own: int | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "styles", tuple(self.styles))
        for name, low, high in (
            ("latent_size", 1, 1024),
            ("n_tokens", 1, 1024),
            ("n_bank", 1, 16_384),
            ("n_traits", 1, 256),
            ("width", N_HEADS, 2048),
            ("depth", 1, 32),
            ("hidden", 1, 4096),
            ("n_components", 1, 64),
        ):
            check_whole(getattr(self, name), low, high, f"the prior's {name}")
        if self.n_own is not None:
            check_whole(self.n_own, 1, self.n_bank, "the prior's n_own")
        if self.latent_size % self.n_tokens or self.width % N_HEADS:
            raise UsageError(f"Expected tokens that divide {self.latent_size} latents, got {self.n_tokens}.")
        are_names = all(isinstance(s, str) and 0 < len(s) <= MAX_STYLE_LETTERS for s in self.styles)
        if not are_names or len(self.styles) > MAX_STYLES:
            raise UsageError(
                f"Expected at most {MAX_STYLES} names of styles of up to {MAX_STYLE_LETTERS} letters each."
            )

    @property
    def token_size(self) -> int:
        return self.latent_size // self.n_tokens

    def to_dict(self) -> dict[str, Any]:
        """As a checkpoint has it: without `n_own` where it says nothing, as files had it before."""
        return {name: value for name, value in asdict(self).items() if value is not None}


class Conditioning(NamedTuple):
    """What a window should be like.

    traits (B, n_traits), standard normal scores; mask (B, n_traits), 0 where a trait is left
    open; style (B,), an index, len(styles) for any.
    """

    traits: Tensor
    mask: Tensor
    style: Tensor

    def repeat(self, n: int) -> Conditioning:
        return Conditioning(*(part.repeat_interleave(n, 0) for part in self))


def conditioning_of(
    windows: Sequence[Groove], quantiles: Quantiles, styles: Sequence[str], style: Sequence[str] | None = None
) -> Conditioning:
    """What windows are like, as they would be asked for; `style` names each one's, any other is "any"."""
    names = [name for name in TRAITS if name in quantiles.knots]
    scores = np.zeros((len(windows), len(names)), dtype=np.float32)
    known = np.zeros_like(scores)
    for row, window in enumerate(windows):
        found = traits(window)
        for column, name in enumerate(names):
            if (value := found[name]) is not None:
                scores[row, column], known[row, column] = quantiles.score(name, value), 1.0
    index = {name: i for i, name in enumerate(styles)}
    of_style = [index.get(name, len(styles)) for name in style or [""] * len(windows)]
    return Conditioning(torch.from_numpy(scores), torch.from_numpy(known), torch.tensor(of_style))


class Mixture(NamedTuple):
    """A mixture of Gaussians for each number, each (..., D, K)."""

    log_weight: Tensor
    mean: Tensor
    log_std: Tensor

    def log_density(self, value: Tensor) -> Tensor:
        """Of value (..., D), in nats, (..., D)."""
        parts = -0.5 * ((value[..., None] - self.mean) * torch.exp(-self.log_std)) ** 2 - self.log_std
        density: Tensor = torch.logsumexp(self.log_weight + parts, dim=-1) - 0.5 * math.log(2 * math.pi)
        return density

    def cumulative(self, value: Tensor) -> Tensor:
        """Probability below value (..., D), (..., D)."""
        below = torch.special.ndtr((value[..., None] - self.mean) * torch.exp(-self.log_std))
        total: Tensor = (self.log_weight.exp() * below).sum(-1)
        return total


Choose = Callable[[tuple[int, int, int], Mixture], Tensor]  # ((window, token, number), (B, K)) -> (B,)


class Prior(nn.Module):
    """See the module. `bank`, `bank_known` and `bank_style` are the traits and styles of training windows."""

    mean: Tensor
    std: Tensor
    bank: Tensor
    bank_known: Tensor
    bank_style: Tensor

    def __init__(self, config: PriorConfig, dropout: float = 0.0) -> None:
        super().__init__()
        self.config = config
        width, size = config.width, config.token_size
        self.register_buffer("mean", torch.zeros(config.latent_size))
        self.register_buffer("std", torch.ones(config.latent_size))
        self.register_buffer("bank", torch.zeros(config.n_bank, config.n_traits))
        self.register_buffer("bank_known", torch.zeros(config.n_bank, config.n_traits))
        self.register_buffer("bank_style", torch.zeros(config.n_bank))
        self.token = nn.Linear(size, width)
        self.slot = nn.Parameter(0.02 * torch.randn(2 * config.n_tokens, width))  # the window before, then this
        self.start = nn.Parameter(0.02 * torch.randn(width))
        self.absent = nn.Parameter(0.02 * torch.randn(width))
        self.traits = nn.Linear(2 * config.n_traits, width)
        self.style = nn.Embedding(len(config.styles) + 1, width)
        nn.init.normal_(self.style.weight, std=0.02)
        self.blocks = nn.ModuleList(CausalBlock(width, dropout) for _ in range(config.depth))
        self.norm = nn.LayerNorm(width)
        self.within = WithinToken(config)

    # -- density ---------------------------------------------------------------

    def states(self, tokens: Tensor, has_previous: Tensor, conditioning: Conditioning) -> Tensor:
        """What is known before each token: (B, 2N, D) of two windows -> (B, 2N, width).

        has_previous (B,): 0 where there is no window before.
        """
        absent = torch.ones(len(tokens), 2 * self.config.n_tokens, 1, dtype=torch.bool, device=tokens.device)
        absent[:, : self.config.n_tokens] = (has_previous == 0)[:, None, None]
        absent[:, self.config.n_tokens :] = False
        embedded = torch.where(absent, self.absent, self.token(tokens))
        x = torch.cat([self.start.expand(len(tokens), 1, -1), embedded[:, :-1]], dim=1) + self.slot
        asked = torch.cat([conditioning.traits * conditioning.mask, conditioning.mask], dim=1)
        x = x + (self.traits(asked) + self.style(conditioning.style))[:, None]
        for block in self.blocks:
            x = block(x)
        out: Tensor = self.norm(x)
        return out

    def log_density(self, previous: Tensor, has_previous: Tensor, window: Tensor, conditioning: Conditioning) -> Tensor:
        """Of standardized latents `window` (B, Z) after `previous` (B, Z), in nats, (B,)."""
        tokens = torch.cat([self._tokens(previous), self._tokens(window)], dim=1)
        states = self.states(tokens, has_previous, conditioning)[:, self.config.n_tokens :].float()
        mixture: Mixture = self.within(states, self._tokens(window))
        return mixture.log_density(self._tokens(window)).sum((1, 2))

    def _tokens(self, window: Tensor) -> Tensor:
        return window.view(len(window), self.config.n_tokens, self.config.token_size)

    # -- drawing ---------------------------------------------------------------

    def conditioning(
        self, temperature: float, generator: torch.Generator, style: str | None = None, place: float | None = None
    ) -> Conditioning:
        """Traits (1, n_traits) of a new groove: those of a training window, of one style if asked, blurred.

        Args:
            temperature: 0 gives the average of all training windows (of the style), 1 theirs.
            place: of the window among them, 0 to below 1; None for any.

        Raises:
            UsageError: a style that the training data does not have.
        """
        asked = len(self.config.styles) if style is None else self.style_index(style)
        rows = torch.arange(self.config.n_own or len(self.bank))
        if style is not None:
            rows = torch.nonzero(self.bank_style == asked)[:, 0]
        known = self.bank_known[rows]
        average = (self.bank[rows] * known).sum(0) / known.sum(0).clamp(min=1.0)
        row = rows[torch.randint(len(rows), (1,), generator=generator)]
        if place is not None:
            row = rows[[int(place * len(rows))]]
        blurred = self.bank[row] + BLUR * torch.randn(1, self.config.n_traits, generator=generator)
        traits = average + min(temperature, 1.0) * (blurred - average)
        # At 0 nothing of the one window is left, not even what it leaves open.
        is_known = self.bank_known[row] if temperature > 0 else (known.sum(0) > 0).float()[None]
        of_style = self.bank_style[row].long()
        if temperature == 0:
            of_style = torch.full_like(of_style, asked)
        return Conditioning(traits, is_known, of_style)

    def style_index(self, style: str) -> int:
        """
        Raises:
            UsageError: a style that the training data does not have.
        """
        styles = self.config.styles
        check_style(style, styles)
        return styles.index(style)

    @torch.inference_mode()
    def sample(
        self, n_windows: int, conditioning: Conditioning, temperature: float, generator: torch.Generator
    ) -> Tensor:
        """Latents of one groove's windows in order, (W, Z).

        Args:
            temperature: 0 follows the likeliest way from beat to beat, 1 is as varied as
                the training takes, above 1 wilder.

        Raises:
            CheckpointError: weights that give no numbers.
        """

        def draw(_: tuple[int, int, int], mixture: Mixture) -> Tensor:
            if not mixture.log_weight.isfinite().all():
                raise CheckpointError("The prior's weights give no numbers: its checkpoint is damaged.")
            sharpened = (mixture.log_weight / max(temperature, 1e-3)).softmax(-1)
            component = torch.multinomial(sharpened, 1, generator=generator)
            if temperature == 0:  # two may be nearly as likely
                component = mixture.log_weight.argmax(-1, keepdim=True)
            mean, log_std = (part.gather(-1, component)[:, 0] for part in mixture[1:])
            return mean + temperature * log_std.exp() * torch.randn(len(mean), generator=generator)

        return self._in_order(n_windows, conditioning, draw)[0]

    def _in_order(self, n_windows: int, conditioning: Conditioning, choose: Choose) -> Tensor:
        """Windows (B, W, Z), number by number."""
        batch, n_tokens = len(conditioning.style), self.config.n_tokens
        tokens = torch.zeros(batch, 2 * n_tokens, self.config.token_size)
        windows = []
        for window in range(n_windows):
            has_previous = torch.full((batch,), float(window > 0))
            for token in range(n_tokens):
                state = self.states(tokens, has_previous, conditioning)[:, n_tokens + token]
                for number in range(self.config.token_size):
                    mixture = self.within(state, tokens[:, n_tokens + token])
                    one = Mixture(*(part[:, number] for part in mixture))
                    tokens[:, n_tokens + token, number] = choose((window, token, number), one)
            windows.append(tokens[:, n_tokens:].flatten(1) * self.std + self.mean)
            tokens = torch.cat([tokens[:, n_tokens:], torch.zeros_like(tokens[:, n_tokens:])], dim=1)
        return torch.stack(windows, dim=1)

    # -- noise -----------------------------------------------------------------

    @torch.inference_mode()
    def to_noise(self, z: Tensor, conditioning: Conditioning) -> Tensor:
        """Windows (B, W, Z) as standard normal noise of the same shape, clipped to MAX_NOISE."""
        batch, n_windows, size = z.shape
        standard = (z - self.mean) / self.std
        previous = torch.cat([torch.zeros(batch, 1, size), standard[:, :-1]], dim=1).flatten(0, 1)
        has_previous = (torch.arange(n_windows) > 0).float().repeat(batch)
        window = self._tokens(standard.flatten(0, 1))
        tokens = torch.cat([self._tokens(previous), window], dim=1)
        states = self.states(tokens, has_previous, conditioning.repeat(n_windows))[:, self.config.n_tokens :]
        mixture: Mixture = self.within(states, window)
        below = mixture.cumulative(window)
        noise: Tensor = torch.special.ndtri(below.double().clamp(0.0, 1.0)).clamp(-MAX_NOISE, MAX_NOISE).float()
        return noise.reshape(z.shape)

    @torch.inference_mode()
    def from_noise(self, noise: Tensor, conditioning: Conditioning) -> Tensor:
        """The windows (B, W, Z) that noise stands for; undoes `to_noise` where that did not clip."""
        below = torch.special.ndtr(noise.double()).float().unflatten(2, (self.config.n_tokens, -1))

        def invert(place: tuple[int, int, int], mixture: Mixture) -> Tensor:
            return _quantile(mixture, below[:, place[0], place[1], place[2]])

        return self._in_order(noise.shape[1], conditioning, invert)


def _quantile(mixture: Mixture, below: Tensor) -> Tensor:
    """The value (B,) with this probability below it: two grids, each finer, then a straight line."""
    std = mixture.log_std.exp()
    low = (mixture.mean - (MAX_NOISE + 1) * std).amin(-1)
    high = (mixture.mean + (MAX_NOISE + 1) * std).amax(-1)
    share = torch.linspace(0.0, 1.0, N_GRID)
    rows = Mixture(*(part[:, None] for part in mixture))  # (B, 1, K)
    for _ in range(2):
        grid = low[:, None] + (high - low)[:, None] * share
        reached = rows.cumulative(grid)
        index = torch.searchsorted(reached, below[:, None].contiguous()).clamp(1, N_GRID - 1)
        low, high = grid.gather(1, index - 1)[:, 0], grid.gather(1, index)[:, 0]
        at_low, at_high = reached.gather(1, index - 1)[:, 0], reached.gather(1, index)[:, 0]
    return low + (high - low) * ((below - at_low) / (at_high - at_low).clamp(min=1e-12)).clamp(0.0, 1.0)


# -- within a token ------------------------------------------------------------


class Within(Protocol):
    """What a network within a token is built from."""

    @property
    def token_size(self) -> int: ...
    @property
    def width(self) -> int: ...
    @property
    def hidden(self) -> int: ...
    @property
    def n_components(self) -> int: ...


class WithinToken(nn.Module):
    """A token's numbers in order: number d sees the state and numbers 0 to d - 1.

    Hidden unit h may see the first h mod D numbers; masks keep every path to number d within those.
    """

    first_mask: Tensor
    second_mask: Tensor
    last_mask: Tensor

    def __init__(self, config: Within) -> None:
        super().__init__()
        size, self.n_components = config.token_size, config.n_components
        n_out = size * config.n_components * 3
        self.first = nn.Linear(size, config.hidden)
        self.second = nn.Linear(config.hidden, config.hidden)
        self.last = nn.Linear(config.hidden, n_out)
        self.state_first = nn.Linear(config.width, config.hidden)
        self.state_second = nn.Linear(config.width, config.hidden)
        self.state_last = nn.Linear(config.width, n_out)
        nn.init.zeros_(self.state_last.weight)
        nn.init.normal_(self.last.weight, std=0.01)
        with torch.no_grad():  # components start side by side, together about as wide as the data
            bias = self.last.bias.view(size, config.n_components, 3)
            bias.zero_()
            bias[:, :, 1] = torch.linspace(-1.5, 1.5, config.n_components)
            bias[:, :, 2] = -0.5
        self.make_masks()

    def make_masks(self) -> None:
        """What hides later numbers: in no checkpoint, so that layers that were built without memory need it anew."""
        size, hidden = self.first.in_features, self.first.out_features
        sees, number = torch.arange(hidden) % size, torch.arange(size)
        out_number = number.repeat_interleave(3 * self.n_components)
        self.register_buffer("first_mask", (number[None] < sees[:, None]).float(), persistent=False)
        self.register_buffer("second_mask", (sees[None] <= sees[:, None]).float(), persistent=False)
        self.register_buffer("last_mask", (sees[None] <= out_number[:, None]).float(), persistent=False)

    def forward(self, state: Tensor, token: Tensor) -> Mixture:
        """state (..., width), token (..., D) -> parameters for each of its numbers."""
        first = functional.linear(token, self.first.weight * self.first_mask, self.first.bias)
        x = functional.gelu(first + self.state_first(state))
        second = functional.linear(x, self.second.weight * self.second_mask, self.second.bias)
        x = x + functional.gelu(second + self.state_second(state))
        out = functional.linear(x, self.last.weight * self.last_mask, self.last.bias) + self.state_last(state)
        logit, mean, log_std = out.float().unflatten(-1, (-1, self.n_components, 3)).unbind(-1)
        return Mixture(logit.log_softmax(-1), mean, log_std.clamp(*LOG_STD))
