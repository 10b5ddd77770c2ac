"""The card of a checkpoint: what the header of its file says, read without its weights and without torch.

A safetensors file begins with the length of its header in 8 bytes, then the header: JSON that
gives each tensor's name, type and shape, and texts. One of these texts is the card, a JSON object.

`from_json` turns that object into a `Card`, whose fields and those of its parts are named as the keys are
(docs/json.md says what each holds), and `to_json` turns a card into the object again. A key that had another name
before version 5 stands beside its field (`was`). Cards come from older versions and from strangers: what a card
lacks has its default, and what this version does not know, or finds of another type than it expects, stays in
`more` of its part, so that it is written again as it was read.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, is_dataclass, replace
from pathlib import Path
from types import UnionType
from typing import Any, Self, TypeVar, get_args, get_origin, get_type_hints

from rhythmvae.analysis.figures import Figures
from rhythmvae.errors import CheckpointError
from rhythmvae.kit import LEFT_OUT, VOICE_INDEX, VOICES, KitMap
from rhythmvae.resources import CHECKPOINTS
from rhythmvae.text import clean_text

SHIPPED = CHECKPOINTS / "rhythmvae.safetensors"
FIRST_EDITION = CHECKPOINTS / "rhythmvae-1.safetensors"
FIRST_EDITION_DIGEST = "4bf39f7c4c05055f"
NAMES = {"edition-1": FIRST_EDITION}  # that stand for files
FORMAT = "rhythmvae"
# 1: the prior is a mixture; 2: it is a network, scales came; 3: and the map, which may lack; 4: levels of a machine;
# 5: three keys of the card have another name; 6: the digest is of encoder and decoder alone; 7: rounds of refinement,
# which may lack
FORMAT_VERSION = 7
READABLE = (1, 2, 3, 4, 5, 6, 7)
MAX_HEADER_BYTES = 8 << 20  # a map of many takes with long names has five
MAX_HEADER_VALUES = 400_000  # commas and brackets; of a map with its takes, and a card of 20,000 files, half as many
MAX_CARD_DEPTH, MAX_CARD_NUMBER = 16, 1e100
_NOTES = {str(note) for note in range(128)}
T = TypeVar("T")


OWN, BEFORE = "this model", "the model before"  # rows of `HeldOut`, beside the baselines
MAX_NAME = 120  # letters of a file's name


# -- the card and its parts ----------------------------------------------------


@dataclass(frozen=True)
class Part:
    """A part of a card. `more` is what the file says beside the fields, as JSON has it."""

    more: Mapping[str, Any] = field(default_factory=dict, kw_only=True)

    @property
    def odd(self) -> frozenset[str]:
        """The fields for which the file holds a value of another type; here they have their defaults."""
        return frozenset(self.more) & _hints(type(self)).keys()


@dataclass(frozen=True)
class Before(Part):
    """The model that a fine-tuned one started from: its digest, and what it was trained on.

    share: how far the weights lie on the way from that model to what was learned, 0 to 1; None where nobody looked how
    much of it may be kept.
    """

    model: str = ""
    about: str = ""
    share: float | None = None

    @property
    def sentence(self) -> str:
        """What was kept of what was learned, for people; empty where nobody looked."""
        if self.share is None:
            return ""
        if self.share >= 1:
            return "Everything it learned is kept: none of your files is rebuilt worse than by the model before."
        if self.share > 0:
            return (
                f"{self.share:.0%} of what it learned is kept: with more, one of your files, or what it knew before, "
                "would be rebuilt worse."
            )
        return (
            "It rebuilds grooves as the model before: whatever it learned helped nothing, or made one of your files, "
            "or what it knew before, worse."
        )


@dataclass(frozen=True)
class Reading(Part):
    """How the training files were read. map: MIDI note to voice, or to LEFT_OUT, where the kit's own was not used."""

    map: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, kit: KitMap) -> Self:
        """The reading with a kit map."""
        return cls(kit.rules)

    @property
    def kit_map(self) -> KitMap:
        """Which drum each note played. Rules that make no sense are left out."""
        return KitMap(
            {
                int(note): VOICE_INDEX.get(voice)
                for note, voice in self.map.items()
                if note in _NOTES and isinstance(voice, str) and (voice == LEFT_OUT or voice in VOICE_INDEX)
            }
        )


@dataclass(frozen=True)
class Training(Part):
    """How a model was trained; `more` has the other options of the run, those of `trainer.TrainConfig`.

    Args:
        init: name of the checkpoint that it started from, or "shipped"; None for random weights.
        max_minutes: limit of time; None without one.
        steps: of the optimizer.
        minutes: that training took.
        parameters, prior_parameters: weights of the VAE and of the prior.
    """

    init: str | None = None
    seed: int | None = None
    max_minutes: float | None = None
    steps: int | None = None
    minutes: float | None = None
    parameters: int | None = None
    prior_parameters: int | None = None

    @classmethod
    def of(cls, options: Mapping[str, Any], **results: Any) -> Self:
        """A run with its options by name; `results` are the other fields."""
        return replace(_read(cls, options), **results)


@dataclass(frozen=True)
class Data(Part):
    """What a model was trained and judged on; rehearsed grooves were known to the model before."""

    train_takes: int | None = None
    validation_takes: int | None = None
    train_hits: int | None = None
    train_minutes: float | None = None
    unreadable_files: int | None = None
    rehearsed_grooves: int | None = None


@dataclass(frozen=True)
class Metrics(Part):
    """Figures on the validation takes.

    Args:
        validation: with the posterior's mean as the latent.
        f1_sampled_posterior: F1 within 50 ms with a draw from the posterior.
        kl_nats: of the posterior to N(0, I), mean per window.
        active_units: latent dimensions with more than 0.01 nats.
        latent_size: latent dimensions of a window of two bars.
    """

    validation: Figures = field(default_factory=Figures)
    f1_sampled_posterior: float | None = None
    kl_nats: float | None = None
    active_units: int | None = None
    latent_size: int | None = None


@dataclass(frozen=True)
class Row(Part):
    """A method on held-out takes: OWN, BEFORE or a baseline, and the latent dimensions that it may use."""

    name: str
    latent_dimensions: int = field(metadata={"was": "numbers"})
    score: Figures


@dataclass(frozen=True)
class JudgedFile(Part):
    """F1 of a file while it was held out, and with the model before; None where there was none."""

    name: str
    f1: float | None = None
    before: float | None = None


@dataclass(frozen=True)
class HeldOut(Part):
    """Figures on takes that were not learned from, beside the model before and the baselines.

    Args:
        rows: pooled over all judged takes.
        folds: 0 where the held-out takes were the judges; else so many models, each judged by what it had not seen.
        kept_out: names of the files that the model itself has not learned from.
    """

    rows: tuple[Row, ...]
    files: tuple[JudgedFile, ...]
    folds: int = 0
    kept_out: tuple[str, ...] = ()


@dataclass(frozen=True)
class Nearness(Part):
    """How near windows are to the nearest training window: the median number of cells in which they differ, and
    the share that is the exact duplicate of one."""

    cells: float
    exact_duplicates: float = field(metadata={"was": "same"})


@dataclass(frozen=True)
class Copying(Part):
    """How near samples come to the training windows, beside held-out windows, which nobody copied."""

    samples: Nearness
    held_out: Nearness


@dataclass(frozen=True)
class Completed(Part):
    """How well parts of held-out takes are completed, by OWN or BEFORE.

    Args:
        next_bar_f1: of the one answer for a third bar, by drum and 16th.
        copied_bar_f1: of the second bar once more, which anybody can give.
        timing_share: of the error of the grid, what is left when the takes are humanized.
    """

    name: str
    next_bar_f1: float | None = None
    copied_bar_f1: float | None = None
    timing_share: float | None = None


@dataclass(frozen=True)
class MapFacts(Part):
    """What a card says of a latent map: numbers alone (`latent_map.LatentMap`)."""

    n_points: int | None = None
    n_takes: int | None = None
    perplexity: float | None = None
    seed: int | None = None
    trustworthiness: float | None = None
    explained: tuple[float, ...] = ()


@dataclass(frozen=True)
class Card(Part):
    """What a checkpoint says of itself, for people and pages.

    Args:
        version: of the file that it was read from.
        model, prior, completion: the arguments of `ModelConfig`, `PriorConfig` and `CompletionConfig`; None for a prior
            that cannot be drawn from, and where nothing completes grooves.
        refinement: rounds by which latents of a groove are brought nearer to it after the encoder
            (`RhythmVAE.refinement`); None for the encoder's answer alone, as before version 7.
        about: source, licence and attribution of the training data, as given.
        before: of a fine-tuned model.
        config: what the run was asked for, as `RunConfig.to_dict` has it; None before version 0.2.
        latent_map: facts of the latent map; None where the file has none.
        comparison: all that a row of `compare` depends on; None for other models.

    >>> read_card().training.parameters
    3442448
    """

    version: int = FORMAT_VERSION
    model: Mapping[str, Any] = field(default_factory=dict)
    prior: Mapping[str, Any] | None = None
    completion: Mapping[str, Any] | None = None
    refinement: int | None = None
    about: str | None = None
    before: Before | None = None
    reading: Reading = field(default_factory=Reading)
    training: Training = field(default_factory=Training)
    config: Mapping[str, Any] | None = None
    data: Data = field(default_factory=Data)
    metrics: Metrics = field(default_factory=Metrics)
    held_out: HeldOut | None = None
    copying: Copying | None = None
    completed: tuple[Completed, ...] = ()
    latent_map: MapFacts | None = field(default=None, metadata={"was": "atlas"})
    comparison: Mapping[str, Any] | None = None

    @property
    def latent_size(self) -> int | None:
        """Latent dimensions of a window of two bars."""
        size = self.model.get("latent_size")
        return size if type(size) is int else None

    @property
    def styles(self) -> tuple[str, ...]:
        """The styles that can be asked for."""
        styles = (self.prior or {}).get("styles")
        return tuple(style for style in styles if isinstance(style, str)) if isinstance(styles, list) else ()


# -- as JSON -------------------------------------------------------------------

_FIXED = ("format", "kit")  # keys with one value, which `json_of` checks


def from_json(values: Mapping[str, Any]) -> Card:
    """The card in a JSON object. Refuses nothing: that is `json_of`'s part.

    >>> from_json({"about": "my loops", "data": {"train_takes": 3}}).data.train_takes
    3
    """
    return _read(Card, {key: value for key, value in values.items() if key not in _FIXED})


def to_json(card: Card) -> dict[str, Any]:
    """The JSON object of a card, of this version. A part that is there has all its fields, null where unknown."""
    empty = Card()
    said = {own.name: getattr(card, own.name) for own in fields(card) if own.name != "more"}
    known = {name: _plain(value) for name, value in said.items() if value != getattr(empty, name)}
    return {**known, **card.more, "format": FORMAT, "version": FORMAT_VERSION, "kit": kit_card()}


def _hints(kind: type) -> Mapping[str, Any]:
    """The type of each field that JSON fills."""
    if kind not in _HINTS:
        _HINTS[kind] = {name: hint for name, hint in get_type_hints(kind).items() if name != "more"}
    return _HINTS[kind]


def _renamed(kind: Any) -> dict[str, str]:
    """The name of each field whose key was another one, by that key."""
    return {own.metadata["was"]: own.name for own in fields(kind) if "was" in own.metadata}


_HINTS: dict[type, Mapping[str, Any]] = {}  # working them out takes longer than reading a part


def _read(kind: type[T], values: Mapping[str, Any]) -> T:
    """A part from its JSON object.

    Raises:
        TypeError: a field without a default is missing, or of another type.
    """
    known: dict[str, Any] = {}
    more: dict[str, Any] = {}
    hints, names = _hints(kind), _renamed(kind)
    for key, value in values.items():
        name = key if names.get(key) in values else names.get(key, key)
        try:
            known[name] = _value(hints[name], value)
        except (KeyError, TypeError):
            more[name] = value
    return kind(**known, more=more) if issubclass(kind, Part) else kind(**known)


_PLAIN: Mapping[Any, tuple[type, ...]] = {int: (int,), float: (int, float), str: (str,)}


def _value(hint: Any, value: Any) -> Any:
    """A value as its field has it. Raises TypeError where it is of another type."""
    kind, arguments = get_origin(hint), get_args(hint)
    if hint is Any:
        return value
    if kind is UnionType:  # with None
        return None if value is None else _value(arguments[0], value)
    if kind is tuple and isinstance(value, list | tuple):
        return tuple(_value(arguments[0], each) for each in value)
    if kind is Mapping and isinstance(value, Mapping):
        return {key: _value(arguments[1], each) for key, each in value.items()}
    if isinstance(hint, type) and is_dataclass(hint) and isinstance(value, Mapping):
        return _read(hint, value)
    if type(value) in _PLAIN.get(hint, ()):
        return value
    raise TypeError(f"expected {hint}")


def _plain(value: Any) -> Any:
    """A value as JSON has it."""
    if isinstance(value, Part | Figures):
        known = {name: _plain(getattr(value, name)) for name in _hints(type(value))}
        return {**known, **value.more} if isinstance(value, Part) else known
    if isinstance(value, Mapping):
        return {key: _plain(each) for key, each in value.items()}
    return [_plain(each) for each in value] if isinstance(value, list | tuple) else value


# -- in the header of a file ---------------------------------------------------


def file_named(name: str) -> Path:
    """The checkpoint file that somebody means: one of NAMES, or a path.

    >>> file_named("edition-1") == FIRST_EDITION, file_named("mine.safetensors").name
    (True, 'mine.safetensors')
    """
    return NAMES.get(name, Path(name))


def read_header(path: Path = SHIPPED) -> dict[str, Any]:
    """The header of a checkpoint file.

    Raises:
        CheckpointError: a file that is missing, cannot be read or is of another kind.
    """
    return parse_header(read_bytes(path, 8 + MAX_HEADER_BYTES), path.name)


def read_bytes(path: Path, most: int) -> bytes:
    """The first bytes of a checkpoint file, at most so many.

    Raises:
        CheckpointError: a file that is missing or cannot be read.
    """
    if not path.is_file():
        place = path.name if path == SHIPPED else str(path)  # where we are installed is no visitor's business
        raise CheckpointError(f"Expected the checkpoint {place}, found no such file; give one that exists.")
    try:
        with path.open("rb") as file:
            return file.read(most)
    except OSError as error:
        raise CheckpointError(f"Expected a readable checkpoint at {path}, got {error.strerror}.") from error


def read_card(path: Path = SHIPPED) -> Card:
    """The card of a checkpoint file. Raises as `read_header` and `json_of` do."""
    return card_of(read_header(path), path.name)


def parse_header(data: bytes, name: str) -> dict[str, Any]:
    """The header of a file that begins with `data`; `name` is for messages.

    Raises:
        CheckpointError: another kind of file.
    """
    length = int.from_bytes(data[:8], "little")
    if len(data) < 8 or length > min(MAX_HEADER_BYTES, len(data) - 8):
        raise CheckpointError(f"Expected a rhythmvae checkpoint (.safetensors), {name} is another kind of file.")
    text = data[8 : 8 + length]
    if sum(map(text.count, (b",", b"[", b"{"))) > MAX_HEADER_VALUES:
        raise CheckpointError(f"Expected a rhythmvae checkpoint (.safetensors), the header of {name} holds too much.")
    try:
        header = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise CheckpointError(f"Expected a rhythmvae checkpoint (.safetensors), {name} has no header.") from error
    if not isinstance(header, dict):
        raise CheckpointError(f"Expected a rhythmvae checkpoint (.safetensors), {name} has another header.")
    return header


def card_of(header: dict[str, Any], name: str) -> Card:
    """The card in a header; `name` is for messages. Raises as `json_of` does."""
    return from_json(json_of(header, name))


def json_of(header: dict[str, Any], name: str) -> dict[str, Any]:
    """The card in a header as the file has it, key for key; `name` is for messages.

    Raises:
        CheckpointError: a header that rhythmvae did not write, of another version or damaged.
    """
    try:
        card = json.loads(header["__metadata__"][FORMAT])
        version = card["version"]
        known = card["format"] == FORMAT and isinstance(card["model"], dict)
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        raise CheckpointError(f"{name} is a safetensors file, but not one that rhythmvae wrote.") from error
    if not known or version not in READABLE:
        readable = f"{', '.join(map(str, READABLE[:-1]))} or {READABLE[-1]}"
        raise CheckpointError(
            f"Expected a rhythmvae checkpoint of version {readable}, {name} has version {clean_text(str(version), 20)}."
        )
    if card.get("kit") != kit_card():
        raise CheckpointError(f"{name} was trained on another kit than this version of rhythmvae plays.")
    if not _is_plain(card):
        raise CheckpointError(f"The card in {name} holds what no card holds: it is damaged.")
    return dict(card)


def _is_plain(value: Any, depth: int = 0) -> bool:
    """True for what pages can show: numbers within reason, text that is text, and not nested without end."""
    if isinstance(value, dict | list):
        children = [*value, *value.values()] if isinstance(value, dict) else value
        return depth < MAX_CARD_DEPTH and all(_is_plain(child, depth + 1) for child in children)
    if isinstance(value, str):
        return not any("\ud800" <= letter <= "\udfff" for letter in value)
    return not isinstance(value, int | float) or abs(value) < MAX_CARD_NUMBER  # refuses what is no number, too


def kit_card() -> list[dict[str, Any]]:
    """The voices and the pitch that each is written with, as a card lists them."""
    return [{"voice": v.key, "pitch": v.pitch} for v in VOICES]


def sliders_of(header: dict[str, Any]) -> set[str]:
    """The sliders and traits that the training data defines: those with quantiles among the tensors."""
    return {name.removeprefix("scale.") for name in header if name.startswith("scale.")}
