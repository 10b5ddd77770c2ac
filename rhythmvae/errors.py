"""The errors a page or the command line may show to a user.

Every message is one sentence or two that say what was expected, what came, and
the way out. Anything that is not a `RhythmVAEError` is a bug and stays loud.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

T = TypeVar("T")


class RhythmVAEError(Exception):
    """Base of the family: its text is meant for the person at the screen.

    >>> import rhythmvae
    >>> try:
    ...     rhythmvae.example("polka")
    ... except rhythmvae.RhythmVAEError as error:
    ...     print(str(error)[:37])
    Expected one of the built-in patterns
    """


class UsageError(RhythmVAEError):
    """An option or argument that makes no sense, from the command line or a form."""


class WrongTypeError(UsageError, TypeError):
    """An argument of the wrong kind, such as a text where a groove is expected."""


class NoRoomError(UsageError):
    """A disk that is full or may not be written to: what is left of a batch would meet it too."""


class MidiError(RhythmVAEError):
    """A file that cannot be read as drum MIDI."""


class AudioError(RhythmVAEError):
    """A file that cannot be read as sound, or a sound in which no drums alone are heard."""


class CorpusError(RhythmVAEError):
    """A folder, archive or set of files that yields no usable data."""


class TrainingError(RhythmVAEError):
    """A training run that came to nothing."""


class CheckpointError(RhythmVAEError):
    """A checkpoint that is foreign, damaged, too large or of another version."""


class LatentsError(RhythmVAEError):
    """A latents file that is foreign, damaged or of another version or model."""


class StoreError(RhythmVAEError):
    """A database that cannot be opened, read or written."""


class LibraryError(RhythmVAEError):
    """A library of grooves that is missing, foreign, of another version or another model, or cannot be written."""


class ShareError(RhythmVAEError):
    """The text of a link that is foreign, damaged or of another version, or a groove too long for one."""


def check_type(value: object, kinds: type | tuple[type, ...], what: str) -> None:
    """Raise WrongTypeError unless a value is of a kind; `what` names it for people.

    >>> check_type("loop.mid", int, "a number")
    Traceback (most recent call last):
    rhythmvae.errors.WrongTypeError: Expected a number, got str 'loop.mid'.
    """
    if not isinstance(value, kinds):
        shown = " ".join(repr(value).split())
        raise WrongTypeError(
            f"Expected {what}, got {type(value).__name__} {shown if len(shown) < 60 else shown[:57] + '...'}."
        )


def check_each(values: Iterable[T], kind: type, what: str) -> list[T]:
    """The values as a list; raise WrongTypeError unless they are several, each of a kind.

    >>> check_each([1, 2], int, "a number")
    [1, 2]
    >>> check_each(1, int, "a number")
    Traceback (most recent call last):
    rhythmvae.errors.WrongTypeError: Expected a list, each item a number, got int 1.
    """
    if isinstance(values, (kind, str, bytes)) or not isinstance(values, Iterable):
        check_type(values, (), f"a list, each item {what}")
    values = list(values)
    for value in values:
        check_type(value, kind, what)
    return values
