"""Results as sentences, for a page, a file to print and whoever cannot see a picture."""

from __future__ import annotations

from math import isfinite

from rhythmvae.review import statistics
from rhythmvae.review.book import Review
from rhythmvae.review.design import KNOWN, LEFT, NONE, REPEAT, RIGHT, TRIAL
from rhythmvae.review.results import Listener, Outcome, Results, preferred
from rhythmvae.review.statistics import Interval
from rhythmvae.store.review_record import AnswerRecord
from rhythmvae.text import counted


def headline(found: Results) -> str:
    """What the answers say, in a sentence or two."""
    if not any(listener.n_answers for listener in found.listeners):
        return "No answers that count yet."
    if found.unit == "words":
        return f"{counted(len(found.said), 'answer')} in words, below."
    if found.unit == "right" and found.overall is not None:
        if not found.n_judged:
            return "Nobody has named a side yet."
        return (
            f"{found.n_right:,} of {counted(found.n_judged, 'answer')} are right: {percent(found.overall)}. "
            f"{chance_words(found.chance)}"
        )
    if not found.conditions:
        return "Nothing to compare yet."
    best = max(found.conditions, key=lambda outcome: outcome.value.value)
    if found.unit == "rating":
        return f"“{best.name}” is rated highest: {points(best.value)}."
    return (
        f"“{best.name}” is preferred most: to an average one in {percent(best.value)} of comparisons. "
        f"{chance_words(found.chance, 'If both were liked alike, as clear a choice would come')}"
    ).strip()


def chance_words(probability: float | None, who: str = "People who guess would be as far from half right") -> str:
    """What the probability of chance means.

    >>> chance_words(0.3)
    'People who guess would be as far from half right in 30 of 100 such reviews, so this can be chance.'
    """
    if probability is None:
        return ""
    if probability < 0.001:
        return f"{who} in fewer than 1 of 1,000 such reviews."
    often = f"{100 * probability:.2g}" if probability < 0.1 else f"{100 * probability:.0f}"
    end = ", so this can be chance." if probability >= 0.05 else ", so this is hardly chance."
    return f"{who} in {often} of 100 such reviews{end}"


def enough(found: Results) -> str:
    """Whether there are answers enough, as a number."""
    if found.unit == "words":
        return f"{counted(len(found.said), 'answer')} so far."
    width = "5 points to each side"
    if found.more_people is None:
        return f"Three reviewers at least, and an interval can be drawn; {width} is wanted."
    if found.more_people == 0:
        return f"Enough: the interval is no wider than {width}."
    return f"About {counted(found.more_people, 'more reviewer')} to have an interval of {width}."


def listeners_words(found: Results) -> str:
    """Who counts and who does not."""
    ended = sum(listener.has_ended for listener in found.listeners)
    text = f"{counted(len(found.listeners), 'reviewer')}, {ended:,} to the end, {counted(found.n_answers, 'answer')}."
    if found.left_out:
        names = ", ".join(listener.name for listener in found.left_out[:10])
        text += f" Left out, for they missed the trial whose answer is known: {names}."
    return text


def listener_row(listener: Listener) -> list[str]:
    """A row of LISTENER_COLUMNS."""
    passed = {None: "–", True: "passed", False: "missed"}[listener.passed]
    judged = f"{listener.n_right} of {listener.n_judged}" if listener.n_judged else "–"
    by_chance = "–" if listener.chance is None else f"{listener.chance:.3f}"
    alike = f"{listener.n_alike} of {listener.n_again}" if listener.n_again else "–"
    state = "yes" if listener.has_ended else "no"
    return [
        listener.name,
        str(listener.n_answers),
        judged if judged != "–" else listener.favours or "–",
        by_chance,
        passed,
        alike,
        f"{listener.minutes:.1f}",
        state,
    ]


LISTENER_COLUMNS = [
    "Reviewer",
    "Answers",
    "Right, or chose",
    "By chance",
    "Known trial",
    "Repeats alike",
    "Minutes",
    "To the end",
]
ANSWER_COLUMNS = ["Trial", "Item", "A", "B", "Answer", "Sure", "Plays", "Seconds"]
OUTCOME_COLUMNS = ["", "Figure", "95 % interval", "Answers", "Spread"]


def answer_row(review: Review, answer: AnswerRecord) -> list[str]:
    """A row of ANSWER_COLUMNS: what was heard on each side, and what was said of it."""
    role = {TRIAL: "", REPEAT: ", repeated", KNOWN: ", known"}[answer.role]
    said = {LEFT: "A", RIGHT: "B", NONE: "no preference"}.get(answer.answer, answer.answer)
    if review.design.right and answer.role != KNOWN and (chosen := preferred(answer)) is not None:
        said += ", right" if chosen == review.design.right else ", wrong"
    sides = [(answer.left_plays, answer.left_heard), (answer.right_plays, answer.right_heard)]
    plays = [f"{n}{'' if whole else ' in part'}" for n, whole in sides[: 2 if answer.right else 1]]
    return [
        f"{answer.place + 1}{role}",
        review.items[answer.item].name,
        answer.left,
        answer.right or "–",
        said,
        {None: "–", 1: "a guess", 2: "fairly", 3: "sure"}[answer.confidence],
        ", ".join(plays),
        f"{answer.milliseconds / 1000:.0f}",
    ]


def outcome_row(outcome: Outcome, unit: str) -> list[str]:
    """A row of OUTCOME_COLUMNS."""
    value = outcome.value
    figure = f"{value.value:.0f}" if unit == "rating" else f"{100 * value.value:.0f} %"
    spread = "–" if outcome.spread is None else f"{outcome.spread:.0f}"
    return [outcome.name, figure if isfinite(value.value) else "–", _range(value, unit), str(outcome.n), spread]


def percent(interval: Interval) -> str:
    """
    >>> percent(Interval(0.6, 0.5, 0.71)), percent(Interval(0.6, None, None))
    ('60 % (50 to 71 %)', '60 %')
    """
    around = "" if interval.low is None else f" ({_range(interval, 'share')})"
    return f"{100 * interval.value:.0f} %{around}"


def points(interval: Interval) -> str:
    """
    >>> points(Interval(61.2, 55.0, 66.6))
    '61 (55 to 67)'
    """
    around = "" if interval.low is None else f" ({_range(interval, 'rating')})"
    return f"{interval.value:.0f}{around}"


def _range(interval: Interval, unit: str) -> str:
    if interval.low is None or interval.high is None:
        return "–"
    if unit == "rating":
        return f"{interval.low:.0f} to {interval.high:.0f}"
    return f"{100 * interval.low:.0f} to {100 * interval.high:.0f} %"


METHOD = (
    f"Intervals: people, not answers, are drawn again {statistics.N_DRAWS:,} times; 95 of 100 draws lie within. "
    "Chance: exact binomial, two-sided, an answer as good as a coin, each counted by itself. Preferences: the model of "
    "Bradley and Terry; "
    "“no preference” counts as half a win for each side, and is left out where an answer is right or wrong. "
    "Repeats and the trial whose answer is known do not count."
)
