"""What a review's answers come to: by condition, item and person, and who did not listen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from rhythmvae.groove import FloatArray
from rhythmvae.review import statistics
from rhythmvae.review.book import Review
from rhythmvae.review.design import KNOWN, LEFT, NONE, REPEAT, RIGHT, SPOILED, TRIAL
from rhythmvae.review.statistics import Interval
from rhythmvae.store.review_record import AnswerRecord, PersonRecord

SHORT = 6  # characters of a person's mark that are shown


@dataclass(frozen=True)
class Listener:
    """One person's answers in figures.

    Args:
        name: "Reviewer 3", by the order they began.
        n_right, n_judged: of answers that count and say left or right; 0 where nothing is right or wrong.
        chance: probability that it is chance, of right answers or of a preference between two conditions; None where
            nothing was judged.
        favours: what this person chose how often, or rated how high, in words; "" where nothing was said yet.
        passed: the known trial; None where there was none, or it is not answered yet.
        n_alike, n_again: repeats that were answered alike, and all.
        minutes: that the answers took together.
    """

    person: str
    name: str
    n_answers: int
    n_right: int
    n_judged: int
    chance: float | None
    favours: str
    passed: bool | None
    n_alike: int
    n_again: int
    minutes: float
    has_ended: bool
    comment: str


@dataclass(frozen=True)
class Outcome:
    """One condition, or one item, in figures: `value` as `Results.unit` says; `spread` is the standard deviation."""

    name: str
    value: Interval
    n: int
    spread: float | None = None


@dataclass(frozen=True)
class Results:
    """All of a review.

    Args:
        unit: "right" (share of answers that are right), "preferred" (share that an average one would be preferred
            to it less often), "rating" (0 to 100) or "words".
        overall: of all answers that count: the share right; None for other units.
        chance: probability that `n_right` of `n_judged` is chance, or where nothing is right or wrong that one of two
            conditions was chosen so often; None where there is no such thing.
        conditions, by_item: the figure for each; of an item for each of its conditions, where they have figures.
        listeners: who counts; `left_out` are those who failed the known trial, where they were left out.
        half_width: of the widest interval; what "enough" is counted by.
        more_people: how many more would do, None where nobody can say yet.
        said: (name of the item, condition, words, reviewer) of what was written to a trial.
    """

    unit: str
    overall: Interval | None
    n_right: int
    n_judged: int
    n_none: int
    chance: float | None
    conditions: list[Outcome]
    by_item: list[Outcome]
    listeners: list[Listener]
    left_out: list[Listener]
    half_width: float | None
    more_people: int | None
    said: list[tuple[str, str, str, str]]

    @property
    def every(self) -> list[Listener]:
        """Those who count, then those who were left out."""
        return [*self.listeners, *self.left_out]

    @property
    def n_answers(self) -> int:
        return sum(listener.n_answers for listener in self.listeners)


def results(
    review: Review,
    people: Sequence[PersonRecord],
    answers: Sequence[AnswerRecord],
    *,
    leave_out_failed: bool = True,
    items: Sequence[int] | None = None,
    numbers: Sequence[int] | None = None,
) -> Results:
    """The figures of answers.

    Args:
        leave_out_failed: answers of those who failed the known trial do not count.
        items: places of the items that count; None for all.
        numbers: of the people who count, as the review gave them; None for all.
    """
    if numbers is not None:
        people = [person for person in people if person.number in numbers]
    by_person: dict[str, list[AnswerRecord]] = {person.person: [] for person in people}
    for answer in answers:
        if answer.person in by_person and answer.item < len(review.items):
            by_person[answer.person].append(answer)
    chosen = set(range(len(review.items)) if items is None else items)
    of_all = [_listener(review, person, by_person[person.person], chosen) for person in people]
    left_out = [each for each in of_all if leave_out_failed and each.passed is False]
    listeners = [each for each in of_all if each not in left_out]
    counted = [[a for a in by_person[each.person] if a.role == TRIAL and a.item in chosen] for each in listeners]
    counted = [own for own in counted if own]
    n_right, n_judged = sum(each.n_right for each in listeners), sum(each.n_judged for each in listeners)
    unit = _unit(review)
    overall, conditions = _figures(review, unit, counted)
    every = [a for own in counted for a in own]
    by_chance = statistics.chance(n_right, n_judged) if n_judged else _chance(review, every)
    widths = [o.value.half_width for o in conditions] if overall is None else [overall.half_width]
    half_width = max((w for w in widths if w is not None), default=None)
    wanted = statistics.RATED_HALF_WIDTH if unit == "rating" else statistics.WANTED_HALF_WIDTH
    return Results(
        unit=unit,
        overall=overall,
        n_right=n_right,
        n_judged=n_judged,
        n_none=sum(a.answer == NONE for a in every),
        chance=by_chance,
        conditions=conditions,
        by_item=_by_item(review, unit, counted),
        listeners=listeners,
        left_out=left_out,
        half_width=half_width,
        more_people=statistics.more_people(half_width, len(counted), wanted),
        said=_said(review, listeners, by_person, unit),
    )


def _unit(review: Review) -> str:
    if review.design.has_words:
        return "words"
    if review.design.how.n_sides == 1:
        return "rating"
    return "right" if review.design.right else "preferred"


# -- one person ----------------------------------------------------------------


def _listener(review: Review, person: PersonRecord, answers: Sequence[AnswerRecord], chosen: set[int]) -> Listener:
    right = review.design.right
    judged = [a for a in answers if right and a.role == TRIAL and a.item in chosen and a.answer in (LEFT, RIGHT)]
    n_right = sum(preferred(a) == right for a in judged)
    counted = [a for a in answers if a.role == TRIAL and a.item in chosen]
    again = [(a, first) for a in answers if a.role == REPEAT and (first := _first(a, answers)) is not None]
    return Listener(
        person=person.person,
        name=f"Reviewer {person.number + 1}",
        n_answers=len(answers),
        n_right=n_right,
        n_judged=len(judged),
        chance=statistics.chance(n_right, len(judged)) if judged else _chance(review, counted),
        favours=_favours(review, counted),
        passed=_passed(answers),
        n_alike=sum(_alike(a, first) for a, first in again),
        n_again=len(again),
        minutes=sum(a.milliseconds for a in answers) / 60_000,
        has_ended=person.ended_at is not None,
        comment=person.comment,
    )


def preferred(answer: AnswerRecord) -> str | None:
    """The condition that was chosen; None for no preference."""
    return {LEFT: answer.left, RIGHT: answer.right}.get(answer.answer)


def _chance(review: Review, answers: Sequence[AnswerRecord]) -> float | None:
    """Probability that one of two conditions is chosen so often, or seldom, where both are liked alike."""
    if _unit(review) != "preferred" or len(_names(review)) != 2:
        return None
    chosen = [name for a in answers if (name := preferred(a)) is not None]
    return statistics.chance(chosen.count(chosen[0]), len(chosen)) if chosen else None


def _favours(review: Review, answers: Sequence[AnswerRecord]) -> str:
    """What was chosen most, as "humanized 7 of 12", or each condition's mean, as "real 71, sampled 64"."""
    unit = _unit(review)
    if unit == "rating":
        own = {name: [int(a.answer) for a in answers if a.left == name] for name in _names(review)}
        return ", ".join(f"{name} {np.mean(values):.0f}" for name, values in own.items() if values)
    chosen = [name for a in answers if (name := preferred(a)) is not None] if unit == "preferred" else []
    if not chosen:
        return ""
    most = max(dict.fromkeys(chosen), key=chosen.count)
    return f"{most} {chosen.count(most)} of {len(chosen)}"


def _first(repeat: AnswerRecord, answers: Sequence[AnswerRecord]) -> AnswerRecord | None:
    pair = {repeat.left, repeat.right}
    same = (a for a in answers if a.role == TRIAL and a.item == repeat.item and {a.left, a.right} == pair)
    return next(same, None)


def _alike(one: AnswerRecord, other: AnswerRecord) -> bool:
    """Whether the same was said twice: the same sound chosen, or ratings at most 10 apart."""
    if one.right:
        return preferred(one) == preferred(other)
    return abs(int(one.answer) - int(other.answer)) <= 10


def _passed(answers: Sequence[AnswerRecord]) -> bool | None:
    """Whether music was told from hits thrown anywhere, or rated higher than them."""
    known = next((a for a in answers if a.role == KNOWN), None)
    if known is None:
        return None
    if known.right:
        return preferred(known) not in (SPOILED, None)
    rated = [int(a.answer) for a in answers if a.role == TRIAL]
    return int(known.answer) < float(np.mean(rated)) if rated else None


# -- all of them ---------------------------------------------------------------


def _names(review: Review) -> list[str]:
    """Of all conditions."""
    return list(dict.fromkeys(name for item in review.items for name in item.sounds))


def _figures(
    review: Review, unit: str, counted: Sequence[Sequence[AnswerRecord]]
) -> tuple[Interval | None, list[Outcome]]:
    names, seed = _names(review), review.design.seed
    if unit == "words":
        return None, []
    if unit == "rating":
        return None, [o for name in names if (o := _rated(name, counted, seed)) is not None]
    if unit == "right":
        return _share(review.design.right, counted, seed), []
    return None, _preferences(names, counted, seed)


def _preferences(names: Sequence[str], counted: Sequence[Sequence[AnswerRecord]], seed: int) -> list[Outcome]:
    """For each condition that was compared how often it would be preferred to an average one."""
    wins = np.array([_wins(own, names) for own in counted]).reshape(-1, len(names), len(names))
    met = wins.sum(axis=(0, 1)) + wins.sum(axis=(0, 2)) if len(wins) else np.zeros(len(names))
    here = np.flatnonzero(met)
    if len(here) < 2:
        return []
    found = statistics.preferences(list(wins[:, here][:, :, here]), seed)
    return [Outcome(names[n], value, round(float(met[n]))) for n, value in zip(here.tolist(), found, strict=True)]


def _share(right: str, counted: Sequence[Sequence[AnswerRecord]], seed: int) -> Interval:
    judged = [[preferred(a) == right for a in own if preferred(a) is not None] for own in counted]
    return statistics.share([sum(own) for own in judged], [len(own) for own in judged], seed)


def _wins(answers: Sequence[AnswerRecord], names: Sequence[str]) -> FloatArray:
    """(C, C) how often row was preferred to column; no preference is half of each."""
    wins = np.zeros((len(names), len(names)))
    for answer in answers:
        left, right = names.index(answer.left), names.index(answer.right)
        share = {LEFT: 1.0, RIGHT: 0.0}.get(answer.answer, 0.5)
        wins[left, right] += share
        wins[right, left] += 1 - share
    return wins


def _rated(name: str, counted: Sequence[Sequence[AnswerRecord]], seed: int) -> Outcome | None:
    own = [[float(a.answer) for a in each if a.left == name] for each in counted]
    every = [value for each in own for value in each]
    if not every:
        return None
    return Outcome(name, statistics.mean(own, seed), len(every), float(np.std(every)))


def _by_item(review: Review, unit: str, counted: Sequence[Sequence[AnswerRecord]]) -> list[Outcome]:
    found: list[Outcome] = []
    seed = review.design.seed
    for number, item in enumerate(review.items):
        own = [answers for each in counted if (answers := [a for a in each if a.item == number])]
        if not own or unit == "words":
            continue
        if unit == "right":
            found.append(Outcome(item.name, _share(review.design.right, own, seed), sum(map(len, own))))
            continue
        names = list(item.sounds)
        if unit == "preferred":
            outcomes = _preferences(names, own, seed)
            outcomes = outcomes[:1] if len(names) == 2 else outcomes  # the other one's is what is left of 1
        else:
            outcomes = [o for name in names if (o := _rated(name, own, seed)) is not None]
        found += [replace(each, name=f"{item.name}: {each.name}") for each in outcomes]
    return found


def _said(
    review: Review, listeners: Sequence[Listener], by_person: dict[str, list[AnswerRecord]], unit: str
) -> list[tuple[str, str, str, str]]:
    found = []
    for listener in listeners:
        for answer in by_person[listener.person]:
            text = answer.answer if unit == "words" else answer.comment
            sides = f"{answer.left} / {answer.right}" if answer.right else answer.left
            if text:
                found.append((review.items[answer.item].name, sides, text, listener.name))
    return found
