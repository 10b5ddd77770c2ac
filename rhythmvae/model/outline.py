"""What a checkpoint file says without its network: its card, scales and map, and the digests that name it.

Needs no torch: a page shows all of it, and has the network at work in another process.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import safetensors
import safetensors.numpy

from rhythmvae.analysis.quantiles import Quantiles
from rhythmvae.errors import CheckpointError
from rhythmvae.kit import KitMap
from rhythmvae.model import latent_map as latent_maps
from rhythmvae.model.card import FORMAT, SHIPPED, Card, card_of, parse_header, read_bytes
from rhythmvae.model.latent_map import LatentMap
from rhythmvae.text import clean_text

TAKES = f"{FORMAT}.takes"  # of the map
MAX_FILE_BYTES = 64 << 20  # ours is at most 16 MB; users' own may be wider
OWN_DIGEST_SINCE = 6  # version of the file from which the digest is of encoder and decoder alone
_MAP = "atlas."

Arrays = Mapping[str, "np.ndarray[Any, Any]"]


@dataclass(frozen=True, eq=False)
class Outline:
    """A checkpoint but for its network.

    Args:
        styles: those that can be asked for.
        digest: of encoder and decoder, which links and latents name; files before version 6 keep the one that they had,
            which is `contents`.
        contents: the same for files that make the same grooves: of model, refinement, prior and scales, whatever the
            map and the rest of the card say. For version 1 it is of the file, as it was then.
        latent_map: the map of the training grooves; None where the file has none.
    """

    card: Card
    quantiles: Quantiles
    styles: tuple[str, ...] = ()
    digest: str = ""
    contents: str = ""
    latent_map: LatentMap | None = field(default=None, repr=False)

    def is_named(self, digest: str) -> bool:
        """Whether a link or latents with this digest are of this model, as it is or as an older version wrote it."""
        return digest in (self.digest, self.contents)

    @cached_property
    def kit_map(self) -> KitMap:
        """Which drum each note played in the training files."""
        return self.card.reading.kit_map


def read_file(path: Path) -> bytes:
    """A checkpoint file, whole.

    Raises:
        CheckpointError: a file that is missing, cannot be read or is too large.
    """
    data = read_bytes(path, MAX_FILE_BYTES + 1)
    if len(data) > MAX_FILE_BYTES:
        raise CheckpointError(f"Expected a checkpoint of at most {MAX_FILE_BYTES >> 20} MB, {path.name} is larger.")
    return data


def read(path: Path = SHIPPED) -> Outline:
    """The outline of a file that comes with rhythmvae, or that `checkpoint.load` has opened: weights are not looked at.

    Raises:
        CheckpointError: a file that is missing, foreign or damaged.

    >>> read().latent_map is None
    False
    """
    data = read_file(path)
    header = parse_header(data, path.name)
    card = card_of(header, path.name)
    try:
        arrays = safetensors.numpy.load(data)
    except (safetensors.SafetensorError, ValueError) as error:
        raise CheckpointError(f"{path.name} is damaged ({clean_text(str(error))}).") from error
    return of_arrays(arrays, header, card, data, path.name)


def of_arrays(arrays: Arrays, header: Mapping[str, Any], card: Card, data: bytes, name: str) -> Outline:
    """The outline of what a file holds; `name` is for messages.

    Raises:
        CheckpointError: a map that holds what no map holds.
    """
    own = {key.removeprefix(_MAP): array for key, array in arrays.items() if key.startswith(_MAP)}
    rest = {key: array for key, array in arrays.items() if not key.startswith(_MAP)}
    with np.errstate(invalid="ignore"):  # numbers that are none; whoever loads the weights refuses them
        scales = {
            key.removeprefix("scale."): array.astype(np.float64)
            for key, array in rest.items()
            if key.startswith("scale.")
        }
    described = [card.model, card.prior] if card.completion is None else [card.model, card.prior, card.completion]
    if card.refinement:  # the same weights with another number of rounds make other grooves
        described.append({"refinement": card.refinement})
    contents = _digest(rest, described)
    if card.version == 1:
        contents = hashlib.sha256(data).hexdigest()[:16]
    digest = contents
    if card.version >= OWN_DIGEST_SINCE:
        digest = _digest({key: array for key, array in rest.items() if key.startswith("model.")}, [card.model])
    return Outline(
        card,
        Quantiles(scales),
        card.styles if any(key.startswith("prior.") for key in rest) and card.version > 1 else (),
        digest,
        contents,
        _latent_map(own, header, card, name) if own else None,
    )


def _digest(arrays: Arrays, described: list[Any]) -> str:
    digest = hashlib.sha256(json.dumps(described, sort_keys=True).encode())
    for key in sorted(arrays):
        digest.update(f"{key} torch.{arrays[key].dtype} {arrays[key].shape}".encode())  # as the first version had it
        digest.update(arrays[key].tobytes())
    return digest.hexdigest()[:16]


def _latent_map(arrays: Arrays, header: Mapping[str, Any], card: Card, name: str) -> LatentMap:
    if card.latent_map is None:
        raise CheckpointError(f"The map in {name} is not declared: it is damaged.")
    try:
        return latent_maps.read(arrays, header["__metadata__"][TAKES], card.latent_map)
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        reason = clean_text(str(error))
        raise CheckpointError(f"The map in {name} holds what no map holds ({reason}): it is damaged.") from error
