"""Small models and checkpoints that tests build for themselves; grooves.py has the grooves, without torch."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import safetensors.torch
import torch

from rhythmvae.analysis.descriptors import TRAITS
from rhythmvae.analysis.quantiles import Quantiles
from rhythmvae.analysis.quantiles import fit as fit_scales
from rhythmvae.groove import HIT, N_FEATURES
from rhythmvae.model import latent_map as latent_maps
from rhythmvae.model.card import FORMAT, Card
from rhythmvae.model.checkpoint import Checkpoint
from rhythmvae.model.completion import Completion, CompletionConfig
from rhythmvae.model.config import ModelConfig
from rhythmvae.model.latent_map import LatentMap
from rhythmvae.model.prior import Prior, PriorConfig
from rhythmvae.model.vae import RhythmVAE
from tests.grooves import random_groove, take

# Two layers: untrained, a model of four plays a hit in every cell, and nothing is left to steer.
TOY = ModelConfig(latent_size=32, width=16, depth=1, n_layers=2, in_time=False)
FAMILY_TOYS = {
    family: ModelConfig(encoder=family, decoder=family, latent_size=32, width=16, depth=1)
    for family in ("attention", "dense", "cnn", "gru", "lstm")
}


def model(config: ModelConfig = TOY, seed: int = 0) -> RhythmVAE:
    """Untrained, but no layer is zero any more, so that hits come out and every input counts."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        built = RhythmVAE(config)
        with torch.no_grad():
            for parameter in built.parameters():
                parameter.add_(0.2 * torch.randn_like(parameter))
            *_, last_bias = built.decoder.parameters()
            last_bias.view(-1, N_FEATURES)[:, HIT] += 4.0  # about half of the cells
    return built.eval().requires_grad_(False)


def prior(size: int = TOY.latent_size, styles: tuple[str, ...] = ("funk", "jazz"), seed: int = 0) -> Prior:
    """Untrained, but everything it is asked for counts."""
    config = PriorConfig(
        size, 8 if size % 8 == 0 else 1, 12, len(quantiles().knots.keys() & set(TRAITS)), styles, 16, 1
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        built = Prior(replace(config, hidden=32, n_components=3))
        with torch.no_grad():
            for parameter in built.parameters():
                parameter.add_(0.1 * torch.randn_like(parameter))
            built.bank.normal_()
            built.bank_known.fill_(1.0)
            built.bank_style.copy_(torch.arange(12) % (len(styles) + 1))
    return built.eval().requires_grad_(False)


@cache
def quantiles() -> Quantiles:
    """Of random grooves: every slider and trait is defined."""
    return fit_scales([random_groove(seed, n_hits=n) for seed, n in enumerate(range(10, 60))])


def completion(config: ModelConfig = TOY, seed: int = 0) -> Completion:
    """Of `prior`; untrained, but every input counts."""
    wishes = prior(config.latent_size).config
    own = CompletionConfig(
        config.latent_size, config.n_layers, wishes.n_traits, wishes.styles, 16, 1, 16, 1, 32, n_components=3, n_touch=5
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        built = Completion(own)
        with torch.no_grad():
            for parameter in built.parameters():
                parameter.add_(0.2 * torch.randn_like(parameter))
    return built.eval().requires_grad_(False)


@cache
def latent_map(config: ModelConfig = TOY) -> LatentMap:
    """Three points of two takes, one of them labelled: too few for t-SNE, so that nothing is waited for."""
    labelled = replace(
        take(1, n_steps=64, n_hits=60), labels={"style": "funk/fast", "drummer": "d1", "beat_type": "fill"}
    )
    return latent_maps.compute(model(config), [labelled, take(2, n_steps=16, n_hits=9)])


def checkpoint_of(config: ModelConfig = TOY) -> Checkpoint:
    return Checkpoint(
        model(config),
        prior(config.latent_size),
        quantiles(),
        latent_map=latent_map(config),
        own_completion=completion(config),
    )


def checkpoint_file(path: Path, config: ModelConfig = TOY) -> Path:
    checkpoint_of(config).write(path, Card(about="a toy"))
    return path


def with_header(data: bytes, change: Callable[[dict[str, Any]], None]) -> bytes:
    length = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + length])
    change(header)
    text = json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + data[8 + length :]


def with_card(data: bytes, change: Callable[[dict[str, Any]], None]) -> bytes:
    def change_header(header: dict[str, Any]) -> None:
        card = json.loads(header["__metadata__"][FORMAT])
        change(card)
        header["__metadata__"][FORMAT] = json.dumps(card)

    return with_header(data, change_header)


def with_tensors(data: bytes, change: Callable[[dict[str, torch.Tensor]], None]) -> bytes:
    length = int.from_bytes(data[:8], "little")
    metadata = json.loads(data[8 : 8 + length])["__metadata__"]
    tensors = safetensors.torch.load(data)
    change(tensors)
    return safetensors.torch.save(tensors, metadata)
