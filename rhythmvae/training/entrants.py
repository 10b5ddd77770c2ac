"""Who takes part in a comparison (compare.py), and what is the same for all of them.

Needs no torch, so that a row which does not exist is refused before anything is read or trained.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from rhythmvae.errors import UsageError
from rhythmvae.evaluation.baselines import BASELINES, Baseline
from rhythmvae.model.config import PRESETS, ModelConfig, Weights
from rhythmvae.text import did_you_mean
from rhythmvae.training.settings import PRECISIONS

GROOVAE_FREE_BITS = 48
MAX_MINUTES = 24 * 60


@dataclass(frozen=True)
class Entrant:
    """A model to train. Its weights may depart from everybody's in the KL term alone."""

    name: str
    model: ModelConfig
    weights: Weights = field(default_factory=Weights)


ENTRANTS: tuple[Entrant, ...] = (
    # Tokui 2020 (RhythmVAE for Max for Live): dense layers of 512 and two latents, to be a square that one
    # plays on. There, onsets, velocities and timings go through three branches; here, through one, of
    # residual layers, with our likelihood and two hits to a cell.
    Entrant(
        "dense, 2 latents (after Tokui 2020)",
        ModelConfig(encoder="dense", decoder="dense", latent_size=2, width=512, depth=3),
    ),
    Entrant("cnn", ModelConfig(**PRESETS["cnn"])),
    Entrant("gru", ModelConfig(**PRESETS["gru"])),
    # GrooVAE (Gillick et al. 2019): bidirectional LSTM encoder, LSTM decoder of two layers of 256, z = 256,
    # beta 0.2, 48 free bits. There, the decoder runs forward and is fed its own output, the encoder is one
    # layer of 512, and the free bits are for the KL of a window as a whole; here, the decoder sees z at every
    # step in both directions, each dimension has its share of the bits, and the likelihood is ours.
    Entrant(
        "lstm, 256 latents (after GrooVAE)",
        ModelConfig(**PRESETS["lstm"], latent_size=256),
        Weights(kl=0.2, free_nats=GROOVAE_FREE_BITS * math.log(2) / 256),
    ),
    Entrant("rhythmvae", ModelConfig()),
)
OURS = ENTRANTS[-1]

Contestant = Entrant | Baseline


def slug(name: str) -> str:
    """The short name of a row, for options and files: what stands before the first comma or bracket.

    >>> slug("lstm, 256 latents (after GrooVAE)"), slug("mean pooling")
    ('lstm', 'mean-pooling')
    """
    return "-".join(re.split(r"[,(]", name)[0].lower().split())


def contestants(only: Sequence[str] = ()) -> list[Contestant]:
    """Everybody in the order of the table, or those whose short names are given.

    Raises:
        UsageError: a name that nobody has.
    """
    everybody: list[Contestant] = [*ENTRANTS, *BASELINES]
    names = [slug(contestant.name) for contestant in everybody]
    for name in only:
        if name not in names:
            near = did_you_mean(name, names)
            raise UsageError(f"Expected rows out of {', '.join(names)}, got {name[:40]!r}{near}")
    return [c for name, c in zip(names, everybody, strict=True) if not only or name in only]


@dataclass(frozen=True)
class Settings:
    """What is the same for every row, the data apart.

    Args:
        minutes: processor time to train a row, VAE and prior together.
        precision: as in TrainConfig.
        two_sample_seeds: repetitions of each two-sample test.
        max_windows: real windows that the tests are on, and as many samples; None for all.
        max_prior_takes: training takes that a prior is fitted to; None for all.
    """

    minutes: float = 20.0
    seed: int = 0
    precision: str = PRECISIONS[0]
    two_sample_seeds: int = 10
    max_windows: int | None = None
    max_prior_takes: int | None = None

    def __post_init__(self) -> None:
        if not 0.0 < self.minutes <= MAX_MINUTES:
            raise UsageError(f"Expected from above 0 to {MAX_MINUTES} minutes a row, got {self.minutes:g}.")
