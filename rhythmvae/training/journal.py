"""The journal of a training run: the messages of `train --journal`, one JSON object a line (docs/json.md).

The command writes it; whoever started the command reads it while the run goes on. Both use this module, which
needs no torch. The text `stage` of a line names its message.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, asdict, dataclass, fields
from typing import Any


@dataclass(frozen=True)
class Message:
    """One event of a training run."""

    @property
    def stage(self) -> str:
        """The name of the message on the wire."""
        return type(self).__name__.lower()


@dataclass(frozen=True)
class Counted(Message):
    """Work that is counted in parts, `done` parts of all `of` them."""

    done: int
    of: int

    @property
    def share(self) -> float | None:
        """The share of the work that is done, 0 to 1; None where there is no part."""
        return min(1.0, self.done / self.of) if self.of else None


@dataclass(frozen=True)
class Reading(Counted):
    """The files are being read."""


@dataclass(frozen=True)
class Training(Message):
    """How far training is; the fields are those of `trainer.Progress`.

    Args:
        seconds: since training began.
        terms: means of the terms of the loss since the last message, in nats a window; empty before the first step.
        validation: scores on the validation takes; None where this message brings none.
        is_best: the model is the best so far on the validation takes.
    """

    step: int
    n_steps: int
    epoch: float
    seconds: float
    terms: Mapping[str, float]
    validation: Mapping[str, float] | None
    is_best: bool


@dataclass(frozen=True)
class Preview(Message):
    """Grooves that the model makes after `step` steps, each as a text of `rhythmvae.share`."""

    step: int
    grooves: tuple[str, ...]


@dataclass(frozen=True)
class Checking(Counted):
    """Whether what was learned makes any file worse is looked at; there may come to be more parts meanwhile."""


@dataclass(frozen=True)
class Prior(Counted):
    """The prior is being fitted."""


@dataclass(frozen=True)
class Completion(Counted):
    """What completes grooves is being fitted."""


@dataclass(frozen=True)
class Map(Counted):
    """The latent map is being drawn."""


@dataclass(frozen=True)
class Ready(Message):
    """The file at --out can be used; its figures are still to be made.

    Args:
        kept_out: names of the files that its model did not learn from.
    """

    kept_out: tuple[str, ...] = ()


@dataclass(frozen=True)
class Judging(Counted):
    """The figures beside the baselines are being made."""


@dataclass(frozen=True)
class Done(Message):
    """The run has ended well; `card` is the card of its model."""

    card: Mapping[str, Any]


@dataclass(frozen=True)
class Failed(Message):
    """The run cannot do what it was asked; `sentence` says why."""

    sentence: str


@dataclass(frozen=True)
class Unknown(Message):
    """A message of another stage, or one of a known stage whose fields are not as described here."""

    name: str
    content: Mapping[str, Any]

    @property
    def stage(self) -> str:
        return self.name


KINDS: Mapping[str, type[Message]] = {
    "reading": Reading,
    "training": Training,
    "preview": Preview,
    "checking": Checking,
    "prior": Prior,
    "completion": Completion,
    "map": Map,
    "ready": Ready,
    "judging": Judging,
    "done": Done,
    "failed": Failed,
}


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_scores(value: object) -> bool:
    return isinstance(value, dict) and all(map(_is_number, value.values()))


# What JSON may have for a field, by the annotation of the field.
_FITS: Mapping[str, Callable[[Any], bool]] = {
    "int": _is_whole,
    "float": _is_number,
    "bool": lambda value: isinstance(value, bool),
    "str": lambda value: isinstance(value, str),
    "tuple[str, ...]": lambda value: isinstance(value, list) and all(isinstance(text, str) for text in value),
    "Mapping[str, Any]": lambda value: isinstance(value, dict),
    "Mapping[str, float]": _is_scores,
    "Mapping[str, float] | None": lambda value: value is None or _is_scores(value),
}


def _has(content: Mapping[str, Any], field: Field[Any]) -> bool:
    """Whether the fields of a message have one that is as described here, or do without."""
    if field.name not in content:
        return field.default is not MISSING
    return _FITS[str(field.type)](content[field.name])


def write(message: Message) -> str:
    """The line of a message, without its end.

    >>> write(Reading(1, 12))
    '{"stage": "reading", "done": 1, "of": 12}'
    """
    content = dict(message.content) if isinstance(message, Unknown) else asdict(message)
    return json.dumps({"stage": message.stage, **content})


def read(line: str | bytes) -> Message | None:
    """The message in a line; None where the line is no JSON object with a text `stage`.

    A message of a stage that this version does not know is an `Unknown`. So is a message whose fields are missing
    or of another type. Fields that this version does not know are dropped.

    >>> read('{"stage": "reading", "done": 1, "of": 12}')
    Reading(done=1, of=12)
    >>> read("Epoch 1") is None
    True
    """
    try:
        content = json.loads(line)
    except (ValueError, RecursionError):
        return None
    if not isinstance(content, dict) or not isinstance(stage := content.pop("stage", None), str):
        return None
    kind = KINDS.get(stage)
    if kind is None or not all(_has(content, field) for field in fields(kind)):
        return Unknown(stage, content)
    values = {field.name: content[field.name] for field in fields(kind) if field.name in content}
    return kind(**{name: tuple(value) if isinstance(value, list) else value for name, value in values.items()})
