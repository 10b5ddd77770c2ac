"""Checkpoints whose headers, cards and tensors lie."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

import torch

from benchmarks.hostile import trees
from benchmarks.hostile.bytestrings import extreme, spoiled
from rhythmvae.model.card import FORMAT
from rhythmvae.model.outline import TAKES
from tests import toys

Header = dict[str, Any]


@cache
def valid() -> bytes:
    """A small model with a prior, a completion and a map."""
    with TemporaryDirectory() as folder:
        return toys.checkpoint_file(Path(folder) / "toy.safetensors").read_bytes()


def make(rng: Random, room: int) -> bytes:
    """A checkpoint; nothing in it is larger than the toy's tensors, whatever it says of itself."""
    kind = rng.random()
    if kind < 0.2:
        return spoiled(valid(), rng, valid())
    if kind < 0.4:
        return _with_text(rng, FORMAT)
    if kind < 0.5:
        return _with_text(rng, TAKES)
    if kind < 0.75:
        return toys.with_header(valid(), lambda header: _spoil_header(header, rng))
    if kind < 0.85:
        return toys.with_card(valid(), lambda card: _spoil_shape(card, rng))
    return _with_numbers(rng)


def _with_text(rng: Random, name: str) -> bytes:
    """One of the texts in the header, spoiled as JSON."""

    def change(header: Header) -> None:
        texts = header["__metadata__"]
        tree = json.loads(texts[name])
        part = tree.get(rng.choice(list(tree)), tree) if isinstance(tree, dict) and rng.random() < 0.5 else None
        if isinstance(part, dict | list) and part:
            key = next(key for key, value in tree.items() if value is part) if part is not tree else None
            tree = {**tree, key: trees.spoil(part, rng)} if key is not None else trees.spoil(tree, rng)
        else:
            tree = trees.spoil(tree, rng)
        texts[name] = trees.written(tree, rng)

    return toys.with_header(valid(), change)


def _spoil_header(header: Header, rng: Random) -> None:
    names = list(header)
    entry = header[rng.choice(names)]
    match rng.randrange(8):
        case 0:
            header[rng.choice(names)] = trees.odd(rng)
        case 1:
            header[
                "model.\ud800"
                if rng.random() < 0.1
                else rng.choice(("prior.x", "completion.x", "scale.x", "atlas.x", ""))
            ] = entry
        case 2:
            del header[rng.choice(names)]
        case 3 if "shape" in entry:
            entry["shape"] = trees.spoil(entry["shape"], rng)
        case 4 if "dtype" in entry:
            entry["dtype"] = rng.choice(("F16", "F32", "F64", "I32", "BOOL", "F8_E4M3", "U64", "", 7, None, ["F16"]))
        case 5 if "data_offsets" in entry:
            entry["data_offsets"] = trees.spoil(entry["data_offsets"], rng)
        case 6:
            other = header[rng.choice(names)]
            entry["data_offsets"] = other.get("data_offsets", [0, 0])
        case _:
            spoilt = trees.spoil({name: header[name] for name in rng.sample(names, min(3, len(names)))}, rng)
            header.update(spoilt if isinstance(spoilt, dict) else {})


def _spoil_shape(card: Header, rng: Random) -> None:
    """A description of a model, prior or completion that is larger, or of another kind, than the tensors."""
    part = card[rng.choice(("model", "prior", "completion"))]
    sizes = (0, 1, 4, 8, 1024, 2048, 4096, 16_384, 2**31, -1, 0.5, "8", True, None)
    for key in rng.sample(list(part), rng.choice((1, 2, len(part)))):
        part[key] = rng.choice(sizes) if rng.random() < 0.7 else trees.odd(rng)
    if rng.random() < 0.5:
        card["model"] |= {
            name: rng.choice(("attention", "dense", "cnn", "gru", "lstm")) for name in ("encoder", "decoder")
        }


def _with_numbers(rng: Random) -> bytes:
    """Weights, knots or places on the map that no model has."""
    bad = rng.choice((float("nan"), float("inf"), -1.0, 0.0, 6e4, 1e38))

    def change(tensors: dict[str, torch.Tensor]) -> None:
        for name in rng.sample(sorted(tensors), rng.choice((1, 1, 3))):
            changes: tuple[Callable[[torch.Tensor], torch.Tensor], ...] = (
                lambda t: _full(t, bad),
                lambda t: -t,
                lambda t: t.flip(-1) if t.dim() else t,
                lambda t: t.to(torch.float64),
                lambda t: t.reshape(-1),
                lambda t: t[:0] if t.dim() else t,
            )
            tensors[name] = rng.choice(changes)(tensors[name]).contiguous()

    found = toys.with_tensors(valid(), change)
    return found if rng.random() < 0.9 else extreme(rng, 8) + found[8:]


def _full(tensor: torch.Tensor, value: float) -> torch.Tensor:
    """One value everywhere, or what its type makes of it."""
    return torch.full(tensor.shape, value, dtype=torch.float64).to(tensor.dtype)
