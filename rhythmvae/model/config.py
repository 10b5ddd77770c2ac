"""What a model is built from, and how the terms of its loss are weighed: values, their defaults and ranges.

Needs no torch, so that a command line or a page can refuse at once what nobody can build.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from rhythmvae.errors import UsageError
from rhythmvae.groove import (
    FOUR_IN_TIME,
    MAX_VELOCITY,
    N_FEATURES,
    STEPS_PER_QUARTER,
    TWO_LOUDEST,
    WINDOW_STEPS,
    Layers,
)
from rhythmvae.kit import N_VOICES

N_BEATS = WINDOW_STEPS // STEPS_PER_QUARTER  # that share a latent of the attention family
N_HEADS = 4  # of attention, in the model and in its prior
MAX_LEVELS = 16
MAX_REFINEMENT = 8  # rounds: the shipped model has 3
OFFSET_HEADROOM = 1.1
# How near a level (velocity of 1, offset in steps) is that level: the likelihood's floor, under which the ear hears
# no difference (losses.Weights).
LEVEL_TOLERANCE = (0.07, 0.035)

FAMILIES = ("attention", "dense", "cnn", "gru", "lstm")


def check_whole(value: object, low: int, high: int, what: str) -> None:
    """Raise UsageError for what is no whole number of a range; `what` is for the message."""
    if not (type(value) is int and low <= value <= high):
        raise UsageError(f"Expected {what} from {low} to {high}, got {value!r}.")


_FIRST_EDITION: dict[str, Any] = {
    "velocity_levels": (),
    "offset_levels": (),
    "n_layers": TWO_LOUDEST.n,
    "in_time": TWO_LOUDEST.in_time,
}


@dataclass(frozen=True)
class ModelConfig:
    """What a model is built from; a checkpoint carries it.

    Args:
        encoder, decoder: one of FAMILIES each.
        latent_size: numbers in z for a full window.
        width: features of a token, layer or recurrent state.
        depth: blocks in the encoder and again in the decoder.
        dropout: share of features dropped in training.
        velocity_levels, offset_levels: the MIDI velocities and the offsets (steps) that training grooves use, where
            they are few, as a drum machine's are: what comes out close to one is that one. Empty for players.
        n_layers, in_time: how the strokes of a cell are held (groove.Layers).

    Raises:
        UsageError: a family that does not exist or a number out of range.
    """

    encoder: str = "attention"
    decoder: str = "attention"
    latent_size: int = 128
    width: int = 192
    depth: int = 4
    dropout: float = 0.0
    velocity_levels: tuple[int, ...] = ()
    offset_levels: tuple[float, ...] = ()
    n_layers: int = FOUR_IN_TIME.n
    in_time: bool = FOUR_IN_TIME.in_time

    @classmethod
    def of_card(cls, values: Mapping[str, Any]) -> ModelConfig:
        """The configuration that a card holds; what it does not say of layers is as in the first edition.

        Raises:
            TypeError: a key that is no field.
            UsageError: a family that does not exist or a number out of range.
        """
        return cls(**{**_FIRST_EDITION, **values})

    @property
    def layers(self) -> Layers:
        return Layers(self.n_layers, self.in_time)

    @property
    def channels(self) -> int:
        """C, the numbers that a step has."""
        return N_VOICES * self.n_layers * N_FEATURES

    @property
    def largest_offset(self) -> float:
        """Of what the decoder says. A roll in 32nds is half a step early, which a tanh of 0.5 never reaches."""
        return 0.5 * (OFFSET_HEADROOM if self.in_time else 1.0)

    def __post_init__(self) -> None:
        for family in (self.encoder, self.decoder):
            if family not in FAMILIES:
                raise UsageError(f"Expected an architecture out of {', '.join(FAMILIES)}, got {family!r}.")
        for name, low, high in (("latent_size", 1, 1024), ("width", 8, 4096), ("depth", 1, 32), ("n_layers", 1, 16)):
            check_whole(getattr(self, name), low, high, name)
        if "attention" in (self.encoder, self.decoder) and (self.latent_size % N_BEATS or self.width % N_HEADS):
            raise UsageError(
                f"The attention family needs a latent size that {N_BEATS} divides and a width that {N_HEADS} "
                f"divides, got {self.latent_size} and {self.width}."
            )
        if type(self.in_time) is not bool:
            raise UsageError(f"Expected in_time to be true or false, got {self.in_time!r}.")
        if type(self.dropout) not in (int, float) or not 0.0 <= self.dropout < 1.0:
            raise UsageError(f"Expected a dropout from 0 to below 1, got {self.dropout!r}.")
        for name, lowest, highest in (("velocity_levels", 1, MAX_VELOCITY), ("offset_levels", -0.5, 0.5)):
            levels = getattr(self, name)
            are_numbers = isinstance(levels, list | tuple) and all(type(level) in (int, float) for level in levels)
            if not are_numbers or len(levels) > MAX_LEVELS or not all(lowest <= level <= highest for level in levels):
                raise UsageError(f"Expected up to {MAX_LEVELS} {name} from {lowest} to {highest}, got others.")
            object.__setattr__(self, name, tuple(levels))

    def to_dict(self) -> dict[str, Any]:
        """As a card has it. What files before it do not say is left out where it is as in these."""
        values = asdict(self)
        return {name: value for name, value in values.items() if value != _FIRST_EDITION.get(name)}


# A preset states what differs from the defaults, at about the same training cost.
PRESETS: dict[str, dict[str, Any]] = {
    "attention": {},
    "dense": {"encoder": "dense", "decoder": "dense", "width": 768, "depth": 3},
    "cnn": {"encoder": "cnn", "decoder": "cnn", "width": 160, "depth": 3},
    "gru": {"encoder": "gru", "decoder": "gru", "width": 256, "depth": 2},
    "lstm": {"encoder": "lstm", "decoder": "lstm", "width": 256, "depth": 2},
}

TERMS = ("hit", "velocity", "offset", "spread", "kl")


@dataclass(frozen=True)
class Weights:
    """How the terms add up to the loss; with 1 for the bound's own, 0 for the others and no free bits it is the bound.

    Args:
        hit, velocity, offset, spread, kl: factors; kl is beta (Higgins et al. 2017).
        style: factor of what draws latents of one style together (losses.style_contrast), where takes name theirs.
        free_nats: per latent dimension, KL below which nothing is charged (Kingma et al. 2016).
        kl_warmup: optimizer steps over which beta rises from 0.
        floor: (velocity of 1, offset in steps) below which the Laplace scales do not go.
    """

    hit: float = 4.0
    velocity: float = 1.0
    offset: float = 1.0
    spread: float = 16.0
    style: float = 0.0
    kl: float = 0.3
    free_nats: float = 0.0
    kl_warmup: int = 1000
    floor: tuple[float, float] = LEVEL_TOLERANCE

    def __post_init__(self) -> None:
        for name in (*TERMS, "style", "free_nats", "kl_warmup"):
            value = getattr(self, name)
            if not 0.0 <= value <= 1e6:
                raise UsageError(f"Expected a weight {name} from 0 to 1,000,000, got {str(value)[:40]}.")

    def beta(self, step: int) -> float:
        """KL weight at an optimizer step: linear warm-up (Bowman et al. 2016)."""
        return self.kl * min(1.0, step / self.kl_warmup) if self.kl_warmup else self.kl
