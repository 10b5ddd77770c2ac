"""One .safetensors file with everything in it.

Tensors: `model.*` the weights, `prior.*` the latent prior and `completion.*` what completes a part
of a groove, where there is one, half precision; `scale.*` the knots of each descriptor's scale;
`atlas.*` the map of the training grooves, where there is one.
The header's text holds one JSON object, the *card*: format version, configuration of model, prior,
completion and training, kit, data summary, metrics; and beside it the names of the takes on the map. Nothing
in the file is ever executed.

A file is checked before anything of its size is allocated: its length, its header, its format
version, and the shape of every tensor against the model and prior that its configurations
describe (built without memory for them) and the points that its card declares. Weights load strictly.

A file of version 1 has another prior, a mixture, which is left out: what needs a prior is refused in one sentence,
all else works (docs/decisions/0016-card-and-old-checkpoints.md).
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import numpy as np
import safetensors
import safetensors.torch
import torch
from torch import Tensor

from rhythmvae.analysis.descriptors import SLIDERS, TRAITS
from rhythmvae.analysis.quantiles import MAX_KNOTS, Quantiles
from rhythmvae.errors import CheckpointError, UsageError, check_type
from rhythmvae.kit import KitMap
from rhythmvae.model import latent_map as latent_maps
from rhythmvae.model.card import FORMAT, SHIPPED, Card, card_of, parse_header, to_json
from rhythmvae.model.completion import Completion, CompletionConfig
from rhythmvae.model.config import MAX_REFINEMENT, ModelConfig, check_whole
from rhythmvae.model.latent_map import LatentMap
from rhythmvae.model.lean import Weightless
from rhythmvae.model.outline import TAKES, Outline, of_arrays, read_file
from rhythmvae.model.prior import Prior, PriorConfig
from rhythmvae.model.vae import RhythmVAE
from rhythmvae.outputs import write_whole
from rhythmvae.text import clean_text

_DTYPES = {"F16", "F32"}
_MIXTURE = tuple(f"prior.{name}" for name in ("weights", "means", "factors", "persistence"))  # of version 1
NO_PRIOR = (
    "Expected a model with a prior to draw new grooves from, this one is from a file of version 1, whose prior cannot "
    "be used any more: rebuild grooves with it, or fine-tune it (`train --init`) and use the model that comes out."
)
NO_COMPLETION = (
    "Expected a model that completes grooves, this one is of an earlier version or was trained without: tune it anew "
    "(`train --init`, or the Train page), or complete with the model that comes with rhythmvae."
)


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """A model ready to use. `card` is for people and pages.

    own_prior: the prior; None where the file has none that can be drawn from. `prior` is for what needs one.
    own_completion: what completes grooves; None where the file has none. `completion` is for what needs one.
    digest, contents, latent_map: as in Outline.

    >>> load().latent_map is None
    False
    """

    model: RhythmVAE
    own_prior: Prior | None
    quantiles: Quantiles
    card: Card = field(default_factory=Card)
    digest: str = ""
    contents: str = ""
    latent_map: LatentMap | None = None
    own_completion: Completion | None = None

    @property
    def prior(self) -> Prior:
        """What new latents are drawn from.

        Raises:
            CheckpointError: a file of version 1.
        """
        if self.own_prior is None:
            raise CheckpointError(NO_PRIOR)
        return self.own_prior

    @property
    def completion(self) -> Completion:
        """What answers with the rest of a groove of which a part is given.

        Raises:
            CheckpointError: a file without one.
        """
        if self.own_completion is None:
            raise CheckpointError(NO_COMPLETION)
        return self.own_completion

    @cached_property
    def outline(self) -> Outline:
        """All but the network."""
        styles = () if self.own_prior is None else self.own_prior.config.styles
        return Outline(self.card, self.quantiles, styles, self.digest, self.contents, self.latent_map)

    @property
    def styles(self) -> tuple[str, ...]:
        """The styles that can be asked for."""
        return self.outline.styles

    @property
    def kit_map(self) -> KitMap:
        """Which drum each note played in the training files."""
        return self.outline.kit_map

    def is_named(self, digest: str) -> bool:
        """Whether a link or latents with this digest are of this model."""
        return self.outline.is_named(digest)

    def write(self, path: Path, card: Card | None = None) -> None:
        """Write it to a file, whole or not at all; `card` instead of its own. Raises as `save` does."""
        own = self.card if card is None else card
        save(path, self.model, self.own_prior, self.quantiles, own, self.latent_map, self.own_completion)


def save(
    path: Path,
    model: RhythmVAE,
    prior: Prior | None,
    quantiles: Quantiles,
    card: Card,
    latent_map: LatentMap | None = None,
    completion: Completion | None = None,
) -> None:
    """Write a checkpoint, whole or not at all. What `card` says of its parts is replaced by what they are.

    Raises:
        CheckpointError: the file cannot be written.
    """
    parts = {"model": model, "prior": prior, "completion": completion}
    tensors = {
        f"{part}.{name}": _half(value)
        for part, module in parts.items()
        if module is not None
        for name, value in module.state_dict().items()
    }
    tensors |= {f"scale.{name}": torch.tensor(knots, dtype=torch.float32) for name, knots in quantiles.knots.items()}
    card = replace(
        card,
        model=model.config.to_dict(),
        prior=None if prior is None else prior.config.to_dict(),
        completion=None if completion is None else completion.config.to_dict(),
        refinement=model.refinement or None,
        latent_map=None,
    )
    metadata = {}
    if latent_map is not None:
        arrays, metadata[TAKES] = latent_maps.kept(latent_map)
        tensors |= {f"atlas.{name}": torch.from_numpy(array) for name, array in arrays.items()}
        card = replace(card, latent_map=latent_maps.facts(latent_map))
    metadata[FORMAT] = json.dumps(to_json(card), sort_keys=True)
    data = _in_order(safetensors.torch.save(tensors, metadata=metadata))
    try:
        write_whole(path, data)
    except OSError as error:
        raise CheckpointError(f"The checkpoint {path} cannot be written: {error.strerror}.") from error


def _in_order(data: bytes) -> bytes:
    """The same file with its texts in order: safetensors writes several in any, and a digest is of bytes."""
    length = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + length])
    header["__metadata__"] = dict(sorted(header["__metadata__"].items()))
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-len(text) % 8)  # tensors begin at a multiple of 8
    return len(text).to_bytes(8, "little") + text + data[8 + length :]


def _half(tensor: Tensor) -> Tensor:
    return tensor.detach().cpu().to(torch.float16).contiguous()


def load(path: str | Path = SHIPPED) -> Checkpoint:
    """Read a checkpoint file; without a path the shipped one.

    Raises:
        CheckpointError: a file that is missing, foreign, damaged, too large or of another version.
        WrongTypeError: something that is no path.

    >>> from rhythmvae import load_checkpoint
    >>> load_checkpoint().model.config.latent_size
    128
    """
    check_type(path, (str, Path), "the path of a checkpoint file")
    path = Path(path)
    return loads(read_file(path), path.name)


@cache
def shipped() -> Checkpoint:
    """The shipped model, read once: all who use it here and in forks share its memory. Nobody may write to it."""
    return load()


def loads(data: bytes, name: str) -> Checkpoint:
    """Read a checkpoint from memory; `name` is for messages. Raises as `load` does."""
    header = parse_header(data, name)
    card = card_of(header, name)
    model, prior, completion = described(card, name)
    _check_shapes(header, card, model, prior, completion, name)
    try:
        tensors = safetensors.torch.load(data)
    except (safetensors.SafetensorError, ValueError) as error:
        raise CheckpointError(f"{name} is damaged, or only part of it is there ({clean_text(str(error))}).") from error
    said = of_arrays({key: tensor.numpy() for key, tensor in tensors.items()}, header, card, data, name)
    weights = {key: tensor for key, tensor in tensors.items() if not key.startswith("atlas.")}
    if not all(torch.isfinite(t).all() for t in weights.values()):
        raise CheckpointError(f"Expected finite weights in {name}, found others: the file is damaged.")
    model.load_state_dict(_part(weights, "model."), strict=True, assign=True)
    for part, prefix in ((prior, "prior."), (completion, "completion.")):
        if part is not None:
            part.load_state_dict(_part(weights, prefix), strict=True, assign=True)
    make_ready(model, prior, completion)
    if not _can_be(model, prior, completion, said.quantiles):
        raise CheckpointError(f"Expected a prior and scales that can be in {name}, found others: the file is damaged.")
    return Checkpoint(model, prior, said.quantiles, card, said.digest, said.contents, said.latent_map, completion)


def make_ready(model: RhythmVAE, prior: Prior | None, completion: Completion | None) -> None:
    """Have a model and its parts compute, once they have their weights."""
    model.eval().requires_grad_(False)
    for part in (prior, completion):
        if part is not None:
            part.within.make_masks()
            part.eval().requires_grad_(False)


def described(card: Card, name: str) -> tuple[RhythmVAE, Prior | None, Completion | None]:
    """The model, the prior and the completion that a card describes, without memory for their weights."""
    for part, expected in (("prior", "table"), ("completion", "table"), ("refinement", "number")):
        if part in card.odd:
            raise CheckpointError(
                f"The model that {name} describes cannot be built: its {part} is described by no {expected}."
            )
    try:
        config = ModelConfig.of_card(card.model)
        prior = None if card.prior is None else PriorConfig(**card.prior)
        completion = None if card.completion is None else CompletionConfig(**card.completion)
        refinement = card.refinement or 0
        check_whole(refinement, 0, MAX_REFINEMENT, "rounds of refinement")
        with Weightless():
            model = RhythmVAE(config)
            model.refinement = refinement
            return (
                model,
                None if prior is None else Prior(prior),
                None if completion is None else Completion(completion),
            )
    except (TypeError, UsageError) as error:
        reason = clean_text(str(error), 300)
        raise CheckpointError(f"The model that {name} describes cannot be built: {reason}") from error


def _part(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {key.removeprefix(prefix): t.float() for key, t in tensors.items() if key.startswith(prefix)}


def _can_be(model: RhythmVAE, prior: Prior | None, completion: Completion | None, quantiles: Quantiles) -> bool:
    """Whether numbers that other code trusts are in their range."""
    return (
        bool((model.scale > 0).all())
        and all(
            (np.diff(values) > 0).all() and (np.diff(places) > 0).all() for values, places in quantiles.knots.values()
        )
        and all(places[0] >= 0.0 and places[-1] <= 1.0 for _, places in quantiles.knots.values())
        and (prior is None or _can_be_drawn_from(prior, quantiles))
        and (completion is None or _can_complete(completion))
    )


def _can_complete(completion: Completion) -> bool:
    touch = completion.touch if completion.config.n_touch else None
    return bool((completion.std > 0).all()) and (touch is None or bool((touch.diff() >= 0).all() and touch.min() >= 0))


def _can_be_drawn_from(prior: Prior, quantiles: Quantiles) -> bool:
    style, n_styles = prior.bank_style, len(prior.config.styles)
    return (
        bool((prior.std > 0).all())
        and bool(((style == style.round()) & (style >= 0) & (style <= n_styles)).all())
        and set(range(n_styles)) <= set(style.tolist())  # each can be asked for
        and sum(name in quantiles.knots for name in TRAITS) == prior.config.n_traits
    )


def _check_shapes(
    header: dict[str, Any],
    card: Card,
    model: RhythmVAE,
    prior: Prior | None,
    completion: Completion | None,
    name: str,
) -> None:
    try:
        found = {k: tuple(v["shape"]) for k, v in header.items() if k != "__metadata__"}
        dtypes = {k: v["dtype"] for k, v in header.items() if k != "__metadata__"}
    except (KeyError, TypeError) as error:
        raise CheckpointError(f"{name} is a checkpoint with parts missing: it is damaged.") from error
    try:
        n_points = latent_maps.declared(card)
    except ValueError as error:
        raise CheckpointError(f"The map in {name} is declared with {clean_text(str(error))}: it is damaged.") from error
    mapped = {} if n_points is None else latent_maps.shapes(n_points, model.config.latent_size)
    expected = {f"model.{k}": tuple(v.shape) for k, v in model.state_dict().items()}
    if prior is not None:
        expected |= {f"prior.{k}": tuple(v.shape) for k, v in prior.state_dict().items()}
    elif card.version == 1:
        expected |= {key: found[key] for key in _MIXTURE if key in found}
    if completion is not None:
        expected |= {f"completion.{k}": tuple(v.shape) for k, v in completion.state_dict().items()}
    expected |= {f"atlas.{k}": shape for k, (_, shape) in mapped.items()}
    kinds = {f"atlas.{k}": {kind} for k, (kind, _) in mapped.items()}
    for key in {f"scale.{known}" for known in (*SLIDERS, *TRAITS)} & found.keys():
        n_knots = found[key][-1] if len(found[key]) == 2 else 0
        if isinstance(n_knots, int) and 1 <= n_knots <= MAX_KNOTS:
            expected[key] = (2, n_knots)
    is_typed = all(isinstance(kind, str) and kind in kinds.get(key, _DTYPES) for key, kind in dtypes.items())
    is_of_model = (prior is None or prior.config.latent_size == model.config.latent_size) and (
        completion is None or _completes_for(completion.config, model, prior)
    )
    if found != expected or not is_typed or not is_of_model:
        odd = sorted(set(found) ^ set(expected)) or sorted(k for k in found if found[k] != expected[k])
        what = clean_text(", ".join(odd) or "their type")
        raise CheckpointError(f"The tensors in {name} are not those of the model it describes ({what}): it is damaged.")


def _completes_for(config: CompletionConfig, model: RhythmVAE, prior: Prior | None) -> bool:
    """Whether a completion reads and answers in what a model has, and knows the wishes that its prior knows."""
    own = (config.latent_size, config.n_layers, config.n_traits, config.styles)
    return prior is not None and own == (
        model.config.latent_size,
        model.config.n_layers,
        prior.config.n_traits,
        prior.config.styles,
    )
