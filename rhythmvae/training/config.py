"""The configuration of a training run as one file that can be read, compared and passed back: run.toml.

Its keys are the options of `train` that shape the model; what a file leaves out keeps its default.
Needs no torch, so that a file is refused before a model is built.

    arch = "cnn"
    epochs = 40
    seed = 3

    [map]
    44 = "kick"
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

import tomli_w

from rhythmvae.data.augmentation import Augmentation
from rhythmvae.errors import UsageError
from rhythmvae.model.card import Card
from rhythmvae.model.config import FAMILIES, PRESETS, ModelConfig, Weights
from rhythmvae.text import clean_text, did_you_mean
from rhythmvae.training.settings import MAX_BESIDE, RECIPE, Settings, TrainConfig

SHIPPED_NAME = "shipped"  # what `init` takes beside files
MAX_BYTES = 1 << 20
MAX_BITS = 1_000  # of a whole number
MAX_DOTS = 2_000  # in the file: tomllib takes minutes over a key of a hundred thousand parts
_WEIGHT = "_weight"
_WEIGHTS = tuple(f"{term}{_WEIGHT}" for term in ("hit", "velocity", "offset", "style"))
_SHAPE = ("latent_size", "width", "depth")
_TRAINING = (
    *("epochs", "steps", "max_minutes", "batch_size", "evaluate_every", "programmed", "rehearsal"),
    *("learning_rate", "l2", "precision", "seed"),
)


def _option(says: str, default: object = "", choices: Sequence[str] | None = None) -> Any:
    """A field of RunConfig, None where it is not given: what the help of `train` says of it, its default included."""
    text = f"{says} (default: {default})" if default != "" else says
    return field(default=None, metadata={"help": text, "choices": choices})


@dataclass(frozen=True)
class RunConfig:
    """What a run is asked for, data and checkpoint apart; None leaves the default, as the help of `train` says it.

    Args:
        channel, track, meter, cut: which part of a file is read, and how (midi.report.ReadOptions).
        map: MIDI note to voice, such as {"44": "kick"}, for reading.
    """

    arch: str | None = _option("architecture", FAMILIES[0], choices=FAMILIES)
    init: str | None = _option(f"checkpoint to fine-tune, or `{SHIPPED_NAME}`", "start from random weights")
    latent_size: int | None = _option("latent dimensions for eight quarter notes", ModelConfig.latent_size)
    width: int | None = _option("features per token or layer", "by architecture")
    depth: int | None = _option("blocks each in encoder and decoder", "by architecture")
    epochs: int | None = _option("passes over the data", "as many as --steps makes")
    steps: int | None = _option("steps of the optimizer", f"{TrainConfig.steps:,}; with --init {RECIPE['steps']}")
    max_minutes: float | None = _option("stop after this long", "no limit")
    batch_size: int | None = _option("windows a step", f"{TrainConfig.batch_size}; with --init {RECIPE['batch_size']}")
    evaluate_every: int | None = _option(
        "steps between validations", f"{TrainConfig.evaluate_every}; with --init {RECIPE['evaluate_every']}"
    )
    learning_rate: float | None = _option(
        "peak learning rate", f"{TrainConfig.learning_rate:g}; with --init {RECIPE['learning_rate']:g}"
    )
    kl: float | None = _option("weight of the KL term, beta", Weights.kl)
    l2: float | None = _option("weight decay", f"{TrainConfig.l2:g}")
    programmed: float | None = _option(
        f"share of each batch that is patterns made by rule (rolls, blast beats, even velocities), up to {MAX_BESIDE}",
        f"{TrainConfig.programmed:g}",
    )
    hit_weight: float | None = _option("weight of which cells have a hit", f"{Weights.hit:g}")
    velocity_weight: float | None = _option("weight of the hits' velocities", f"{Weights.velocity:g}")
    offset_weight: float | None = _option("weight of the hits' microtiming", f"{Weights.offset:g}")
    style_weight: float | None = _option(
        "weight of a term that draws latents of one style together, where the data name styles", f"{Weights.style:g}"
    )
    rehearsal: float | None = _option(
        f"with --init, share of each batch that is grooves known before, up to {MAX_BESIDE}; at 0 the run goes on "
        "where the other ended, and keeps what it becomes",
        f"{RECIPE['rehearsal']:g}",
    )
    no_augmentation: bool | None = _option("train on the windows as they are")
    precision: str | None = None
    seed: int | None = None
    threads: int | None = _option("processor threads; one is the fastest for small models", Settings.threads)
    folds: int | None = _option("judge by so many folds over files", "by how many there are")
    about: str | None = _option("what the card says of the data: source, licence, attribution")
    channel: int | None = None
    track: int | None = None
    meter: str | None = None
    cut: str | None = None
    map: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, options: Mapping[str, Any]) -> RunConfig:
        """The configuration in the options of `train`."""
        values: dict[str, Any] = {f.name: options.get(f.name) for f in fields(cls)}
        values["no_augmentation"] = values["no_augmentation"] or None
        values["about"] = values["about"] or None
        values["map"] = dict(rule.split("=", 1) for rule in values["map"] or [])
        return cls(**values)

    def to_dict(self) -> dict[str, Any]:
        """The values that are given."""
        values = {f.name: getattr(self, f.name) for f in fields(self)}
        return {name: value for name, value in values.items() if value is not None and value != {}}

    def settings(self) -> Settings:
        """What is trained and how: the values that are given, and defaults for the others.

        Raises:
            UsageError: a value out of range, or a shape for a model that `init` brings.
        """
        arch = FAMILIES[0] if self.arch is None else self.arch
        if arch not in PRESETS:
            near = did_you_mean(arch, PRESETS)
            raise UsageError(f"Expected an architecture out of {', '.join(PRESETS)}, got {arch[:40]!r}{near}")
        if self.init is not None and (self.arch is not None or self._given(_SHAPE)):
            raise UsageError(
                "Expected either --init or the shape of a new model (--arch, --latent-size, ...), got both."
            )
        training = ({} if self.init is None else RECIPE) | self._given(_TRAINING)
        if weights := self._given(("kl", *_WEIGHTS)):
            given = {name.removesuffix(_WEIGHT): value for name, value in weights.items()}
            training["weights"] = replace(training.get("weights", Weights()), **given)
        if self.no_augmentation:
            training["augmentation"] = Augmentation.none()
        model = ModelConfig(**PRESETS[arch] | self._given(_SHAPE))
        return Settings(model, TrainConfig(**training), **self._given(("threads", "folds")))

    def _given(self, names: Iterable[str]) -> dict[str, Any]:
        return {name: getattr(self, name) for name in names if getattr(self, name) is not None}

    def to_options(self) -> dict[str, Any]:
        """The values that are given, as the parser of `train` has them."""
        values = self.to_dict()
        if self.map:
            values["map"] = [f"{note}={voice}" for note, voice in self.map.items()]
        return values

    def to_toml(self) -> str:
        """The text of a file that `read_config` reads as this configuration.

        Raises:
            UsageError: a file's name that is no text, which TOML cannot hold.
        """
        for name, value in self.to_dict().items():
            if isinstance(value, str) and any("\ud800" <= character <= "\udfff" for character in value):
                raise UsageError(
                    f"Expected {name} to be a text, for a TOML file holds no other, got {clean_text(value)!r}."
                )
        return tomli_w.dumps(self.to_dict())


@dataclass(frozen=True)
class Option:
    """An option of `train` that no other command shares."""

    kind: type
    help: str
    choices: Sequence[str] | None


_TYPES: dict[str, type] = {"str": str, "int": int, "float": float, "bool": bool}
_SAID = {str: "a text", int: "a whole number", float: "a number", bool: "true or false"}
_KINDS = {f.name: _TYPES[str(f.type).split(" ")[0]] for f in fields(RunConfig) if f.name != "map"}
OPTIONS = {f.name: Option(_KINDS[f.name], **f.metadata) for f in fields(RunConfig) if f.metadata}


def read_config(path: Path) -> RunConfig:
    """The configuration in a TOML file. `RunConfig.settings` checks ranges.

    Raises:
        UsageError: a file that cannot be read, or with a key or a type of value that `train` does not take.
    """
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        raise UsageError(f"Expected a TOML file such as run.toml in --config, got {path}: {_reason(error)}.") from error
    return parse_config(data, path.name)


def parse_config(data: bytes, name: str) -> RunConfig:
    """The configuration in the bytes of a TOML file; `name` is for messages. Raises as `read_config` does."""
    if len(data) > MAX_BYTES:
        raise UsageError(f"Expected a configuration of at most {MAX_BYTES >> 20} MB, {name} is larger.")
    if data.count(b".") > MAX_DOTS:
        raise UsageError(f"Expected a TOML file such as run.toml, but {name} has more than {MAX_DOTS:,} dots.")
    try:
        values = tomllib.loads(data.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:  # ValueError: no text, or no TOML
        raise UsageError(f"Expected a TOML file such as run.toml, but {name} gave: {_reason(error)}.") from error
    return _checked(values, name)


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or clean_text(str(error), 200)


def _is_huge(value: object) -> bool:
    """Whether a value is a whole number that no float holds: TOML can, and `repr` refuses the largest."""
    return isinstance(value, int) and value.bit_length() > MAX_BITS


def _shown(value: object) -> str:
    """A value for a message. Tables and lists may nest deeper than `repr` goes."""
    if _is_huge(value):
        return f"a number of more than {MAX_BITS:,} bits"
    if isinstance(value, dict | list):
        return "a table" if isinstance(value, dict) else "a list"
    return clean_text(repr(value), 40)


def config_of(card: Card, name: str) -> RunConfig:
    """The configuration that a checkpoint's card keeps; `name` is for messages.

    Raises:
        UsageError: a card without one, as before version 0.2, or a damaged one.
    """
    if card.config is None:
        raise UsageError(f"Expected a checkpoint that keeps the options of its training, {name} does not.")
    return _checked(card.config, name)


def _checked(values: Mapping[str, Any], source: str) -> RunConfig:
    known = [*_KINDS, "map"]
    for name, value in values.items():
        if name not in known:
            near = did_you_mean(name, known)
            raise UsageError(f"Expected keys out of {', '.join(known)} in {source}, got {name[:40]!r}{near}")
        if name == "map":
            is_right = isinstance(value, dict) and all(isinstance(voice, str) for voice in value.values())
            said = 'a table of notes and voices, such as 44 = "kick"'
        else:
            kind = _KINDS[name]
            types = (int, float) if kind is float else (kind,)
            is_right = isinstance(value, types) and isinstance(value, bool) == (kind is bool) and not _is_huge(value)
            said = _SAID[kind]
        if not is_right:
            raise UsageError(f"Expected {name} in {source} to be {said}, got {_shown(value)}.")
    return RunConfig(**values)
