"""What a review asks, of what, and in which order: drawn once from a seed, and balanced between people.

A *sound* is a groove under the name of its *condition* ("real", "sampled"). An *item* has the sounds that are compared
with each other. A *trial* is one screen: two sounds of an item side by side, or one. Beside the trials that count
there are *repeats* (a trial of before with its sides changed over: does somebody answer alike?) and one trial with a
*known* answer (the item against hits thrown anywhere: does somebody listen?).

Two people in a row have the same order and changed sides, so every sound stands as often left as right; the next two
begin the round one comparison further on, so every comparison stands equally often at each place.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np

from rhythmvae.errors import UsageError
from rhythmvae.store import review_record
from rhythmvae.text import clean_text

VERSION = 1  # of all below: a change of it gives other orders from the same seed
MAX_TRIALS, MAX_ITEMS, MAX_SOUNDS = 30, 40, 8  # sounds of one item
MAX_TITLE, MAX_QUESTION, MAX_NAME = 80, 200, 60  # characters
MAX_SEED = 2**32 - 1
MAX_REPEATS = 4
SPOILED = "hits thrown anywhere"  # the other side of the known trial
REAL, WRITTEN, SAMPLED = "real", "written", "sampled"  # by whom: played, or written, by a person; the model
LEFT, RIGHT, NONE = review_record.LEFT, review_record.RIGHT, "none"
TRIAL, REPEAT, KNOWN = review_record.TRIAL, "repeat", review_record.KNOWN
SECONDS_A_TRIAL = 30  # of somebody who hears both sides twice
_APART = 3  # trials at least between a trial and its repeat, where there are as many


@dataclass(frozen=True)
class Kind:
    """One way to ask.

    Args:
        question: what is asked where its maker asks nothing else.
        n_sides: sounds on a screen.
        needs_reference: an original is heard beside them.
        has_right: one condition may be the right answer.
    """

    title: str
    question: str
    n_sides: int = 2
    needs_reference: bool = False
    has_right: bool = False


KINDS = {
    "played": Kind("Which is played by a person?", "Which one is played by a person?", has_right=True),
    "closer": Kind(
        "Which is closer to the original?",
        "Which one is closer to the original?",
        needs_reference=True,
        has_right=True,
    ),
    "prefer": Kind("Which do you like?", "Which one do you like better?"),
    "rate": Kind("Rate from 0 to 100", "How well does it sound like a drummer?", n_sides=1),
    "words": Kind("Say it in words", "What do you hear?", n_sides=1),
}


@dataclass(frozen=True)
class Design:
    """How a review is asked.

    Args:
        kind: a key of KINDS.
        n_trials: that count, for each person.
        right: the condition that is the right answer, "" where there is none.
        n_repeats, has_known: trials beside those.
        allows_none: "no preference" is an answer.
        shows_score: people see at the end how many they had right.
        seed: of every order and side.

    Raises:
        UsageError: what cannot be asked.
    """

    kind: str
    n_trials: int
    right: str = ""
    n_repeats: int = 1
    has_known: bool = True
    allows_none: bool = False
    shows_score: bool = True
    seed: int = 0

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise UsageError(f"Expected a kind of {', '.join(KINDS)}, got {clean_text(str(self.kind), 20)!r}.")
        for name, low, high in (("n_trials", 1, MAX_TRIALS), ("n_repeats", 0, MAX_REPEATS), ("seed", 0, MAX_SEED)):
            value = getattr(self, name)
            if type(value) is not int or not low <= value <= high:
                raise UsageError(f"Expected {name} from {low} to {high:,}, got {clean_text(str(value), 20)}.")
        if not all(type(flag) is bool for flag in (self.has_known, self.allows_none, self.shows_score)):
            raise UsageError("Expected yes or no for each switch of a review, got something else.")
        if type(self.right) is not str or len(self.right) > MAX_NAME or (self.right and not self.how.has_right):
            raise UsageError("Expected the right answer of a question that has one, got something else.")

    @property
    def how(self) -> Kind:
        return KINDS[self.kind]

    @property
    def has_words(self) -> bool:
        return self.kind == "words"


@dataclass(frozen=True)
class Item:
    """Sounds to compare.

    Args:
        sounds: condition -> groove, as the text of a link (`rhythmvae.share`).
        reference: the original beside which they are heard, "" for none.

    Raises:
        UsageError: a name or a number of sounds that cannot be.
    """

    name: str
    sounds: Mapping[str, str]
    reference: str = ""

    def __post_init__(self) -> None:
        if not isinstance(self.sounds, Mapping):
            raise UsageError("Expected the sounds of an item by their names, got something else.")
        if not 1 <= len(self.sounds) <= MAX_SOUNDS:
            raise UsageError(f"Expected 1 to {MAX_SOUNDS} sounds to compare, got {len(self.sounds)}.")
        for name in (self.name, *self.sounds):
            if type(name) is not str or name != clean_text(name, MAX_NAME) or not name or name == SPOILED:
                raise UsageError(f"Expected a short name of a sound, got {clean_text(str(name), 20)!r}.")


@dataclass(frozen=True)
class Trial:
    """One screen: conditions of an item on the left and on the right ("" where one sound is judged)."""

    item: int
    left: str
    right: str
    role: str = TRIAL

    @property
    def turned(self) -> Trial:
        """With its sides changed over, where it has two."""
        return Trial(self.item, self.right, self.left, self.role) if self.right else self


def check(design: Design, items: Sequence[Item]) -> None:
    """Raise UsageError where the items cannot be asked so."""
    if not 1 <= len(items) <= MAX_ITEMS:
        raise UsageError(f"Expected 1 to {MAX_ITEMS} items, got {len(items)}.")
    if design.how.n_sides == 2 and any(len(item.sounds) < 2 for item in items):
        raise UsageError("Expected two sounds or more to compare, got one: choose more grooves.")
    if design.how.needs_reference and not all(item.reference for item in items):
        raise UsageError("Expected an original beside each comparison, got none.")
    if design.right and any(design.right not in item.sounds for item in items):
        raise UsageError("Expected the right answer among the sounds of each item.")
    most = len(comparisons(design, items))
    if design.n_trials > most:
        raise UsageError(f"Expected up to {most} trials of this material, got {design.n_trials}.")


def comparisons(design: Design, items: Sequence[Item]) -> list[Trial]:
    """Everything that can be asked: each pair of sounds of an item, or each sound."""
    if design.how.n_sides == 1:
        return [Trial(n, name, "") for n, item in enumerate(items) for name in item.sounds]
    return [Trial(n, *pair) for n, item in enumerate(items) for pair in combinations(item.sounds, 2)]


def plan(design: Design, items: Sequence[Item], number: int) -> list[Trial]:
    """The trials of the person with a number, in the order they are heard; the same whenever it is asked."""
    every = comparisons(design, items)
    pair = number // 2  # of people, who have the same order
    turn, place = divmod(pair, len(every))
    order = np.roll(np.random.default_rng([design.seed, 0, turn]).permutation(len(every)), -place)
    rng = np.random.default_rng([design.seed, 1, pair])
    chosen = [every[n] for n in order[: design.n_trials]]
    sides = rng.permutation(np.arange(len(chosen)) % 2).astype(bool)
    trials = [trial.turned if side else trial for trial, side in zip(chosen, sides, strict=True)]
    trials = _with_known(design, items, _with_repeats(design, trials, rng), rng)
    return [trial.turned for trial in trials] if number % 2 else trials


def n_screens(design: Design) -> int:
    """Trials of each person, those that do not count among them."""
    return design.n_trials + _n_repeats(design) + int(_has_known(design))


def minutes(design: Design) -> int:
    """How long somebody takes, about."""
    return max(1, round(n_screens(design) * SECONDS_A_TRIAL / 60))


def _n_repeats(design: Design) -> int:
    return 0 if design.has_words else min(design.n_repeats, design.n_trials // 2)


def _has_known(design: Design) -> bool:
    return design.has_known and not design.has_words


def _with_repeats(design: Design, trials: list[Trial], rng: np.random.Generator) -> list[Trial]:
    """Some of the first half come again in the second, turned."""
    again = sorted(int(n) for n in rng.permutation(max(len(trials) // 2, 1))[: _n_repeats(design)])
    for which in reversed(again):
        first = trials[which]
        low = min(max(which + 1 + _APART, len(trials) // 2), len(trials))
        at = int(rng.integers(low, len(trials) + 1))
        turned = first.turned
        trials = [*trials[:at], Trial(turned.item, turned.left, turned.right, REPEAT), *trials[at:]]
    return trials


def _with_known(design: Design, items: Sequence[Item], trials: list[Trial], rng: np.random.Generator) -> list[Trial]:
    """One trial whose answer nobody misses who listens, anywhere but at the first place."""
    if not _has_known(design):
        return trials
    item = int(rng.integers(len(items)))
    good = design.right or next(iter(items[item].sounds))
    pair = (SPOILED, "") if design.how.n_sides == 1 else (good, SPOILED) if rng.random() < 0.5 else (SPOILED, good)
    at = int(rng.integers(1, len(trials) + 1))
    return [*trials[:at], Trial(item, *pair, role=KNOWN), *trials[at:]]


# -- as JSON -------------------------------------------------------------------


def to_json(value: Design | Item | Trial) -> dict[str, Any]:
    """Fields by name."""
    return {name: dict(of) if isinstance(of, Mapping) else of for name, of in vars(value).items()}


def design_of(found: Any) -> Design:
    """A design out of JSON. Raises UsageError for anything else."""
    made: Design = _made(Design, found)
    return made


def items_of(found: Any) -> list[Item]:
    """Items out of JSON. Raises UsageError for anything else."""
    if not isinstance(found, list) or len(found) > MAX_ITEMS:
        raise UsageError(f"Expected up to {MAX_ITEMS} items, got something else.")
    items = [_made(Item, each) for each in found]
    if not all(isinstance(text, str) for item in items for text in (*item.sounds.values(), item.reference)):
        raise UsageError("Expected grooves as text, got something else.")
    return items


def trials_of(found: Any) -> list[Trial]:
    """Trials out of JSON. Raises UsageError for anything else."""
    if not isinstance(found, list) or len(found) > 2 * MAX_TRIALS:
        raise UsageError("Expected the trials of a person, got something else.")
    trials = [_made(Trial, each) for each in found]
    if not all(
        type(t.item) is int and type(t.left) is str and type(t.right) is str and t.role in (TRIAL, REPEAT, KNOWN)
        for t in trials
    ):
        raise UsageError("Expected the trials of a person, got something else.")
    return trials


def _made(of: Any, found: Any) -> Any:
    try:
        return of(**found)
    except (TypeError, AttributeError) as error:
        raise UsageError(f"Expected a review's {of.__name__.lower()}, got something else.") from error
