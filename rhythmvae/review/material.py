"""What is compared: grooves made alike in length, tempo and meter, and kept as the text of a link."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from rhythmvae import share
from rhythmvae.errors import ShareError, UsageError
from rhythmvae.groove import MAX_VELOCITY, Groove, Tempo, nearest_step
from rhythmvae.kit import N_VOICES
from rhythmvae.review.design import MAX_NAME, SPOILED, Item, Trial
from rhythmvae.text import clean_text

BARS = 2  # of a sound: long enough to feel a groove, short enough to hear both sides twice
MAX_SECONDS = 12.0
STIFF_VELOCITY = 92  # of every hit, as a grid entered by mouse has it


def first_bars(groove: Groove, n_bars: int = BARS) -> Groove:
    """The first bars with a hit in them, at most MAX_SECONDS of them and one bar at least.

    Raises:
        UsageError: no hits, or a bar longer than MAX_SECONDS.
    """
    if not len(groove):
        raise UsageError("Expected a groove with hits in it, got silence.")
    start = int(np.searchsorted(groove.bar_lines, groove.step[0], side="right"))
    start = min(max(start, 1), groove.n_bars)
    for last in range(min(start + n_bars - 1, groove.n_bars), start - 1, -1):
        part = groove.bars(start, last)
        if part.duration_seconds <= MAX_SECONDS and len(part):
            return replace(part, tempos=part.tempos[:1])
    raise UsageError(f"Expected a bar of at most {MAX_SECONDS:g} seconds, got a slower one: make it faster.")


def alike(groove: Groove, like: Groove) -> Groove:
    """A groove repeated or cut to the length of another, in that one's tempo and meter."""
    times = -(-like.n_steps // groove.n_steps)
    cut = groove.looped(times).slice(0, like.n_steps)
    return replace(cut, tempos=like.tempos[:1], meters=like.meters, title="", source="")


def at_tempo(groove: Groove, bpm: float) -> Groove:
    """The same hits at one tempo."""
    return replace(groove, tempos=(Tempo(0.0, bpm),))


def stiff(groove: Groove) -> Groove:
    """The same hits as a grid entered by mouse: each on its 16th, all equally loud, none twice in a place."""
    step = np.clip(nearest_step(groove.position), 0, groove.n_steps - 1)
    _, first = np.unique(step * N_VOICES + groove.voice, return_index=True)
    return groove.with_hits(
        step[first].astype(np.float64), groove.voice[first], np.full(len(first), STIFF_VELOCITY, np.int64)
    )


def spoiled(groove: Groove, seed: int) -> Groove:
    """As many hits of the same drums, thrown anywhere in time and loudness: nobody who listens takes it for music."""
    rng = np.random.default_rng(seed)
    position = rng.uniform(0, groove.n_steps - 0.51, len(groove))
    return groove.with_hits(position, groove.voice, rng.integers(20, MAX_VELOCITY + 1, len(groove)))


def item(name: str, sounds: Mapping[str, Groove], reference: Groove | None = None) -> Item:
    """Grooves to compare, each made alike to the first, or to the reference.

    Raises:
        UsageError: nothing to hear, or more than is kept.
    """
    frame = first_bars(reference or next(iter(sounds.values())))
    texts: dict[str, str] = {}
    for condition, groove in sounds.items():
        if not len(groove):
            raise UsageError(f"Expected a groove with hits in it, “{clean_text(condition)}” is silence.")
        texts[_named(condition, texts)] = _text(alike(groove, frame))
    return Item(clean_text(name, MAX_NAME) or "Groove", texts, _text(alike(frame, frame)) if reference else "")


def _named(name: str, taken: Mapping[str, str]) -> str:
    """A name of its own."""
    base = clean_text(name, MAX_NAME - 4) or "Groove"
    own = base if base != SPOILED else f"{base}."[: MAX_NAME - 4]
    number = 1
    while (found := own if number == 1 else f"{own} {number}") in taken:
        number += 1
    return found


def _text(groove: Groove) -> str:
    try:
        return share.to_text(replace(groove, title=""))
    except ShareError as error:
        raise UsageError(f"Expected a groove that a review can hold: {error}") from error


def grooves(trial: Trial, items: list[Item], seed: int) -> dict[str, Groove]:
    """What is heard in a trial: "left", "right" where there are two, "reference" where there is one.

    Raises:
        UsageError: a groove that cannot be read, or is longer than MAX_SECONDS.
    """
    own = items[trial.item]
    texts = {"left": sound_text(trial.left, own), "right": sound_text(trial.right, own) if trial.right else ""}
    texts["reference"] = own.reference
    names = {"left": trial.left, "right": trial.right}
    found = {side: _groove(text) for side, text in texts.items() if text}
    return {
        side: spoiled(groove, seed + trial.item) if names.get(side) == SPOILED else groove
        for side, groove in found.items()
    }


def sound_text(condition: str, item: Item) -> str:
    """The groove that a condition is made of, as text: of the spoiled one, what is spoiled."""
    return next(iter(item.sounds.values())) if condition == SPOILED else item.sounds[condition]


def digest(condition: str, item: Item) -> str:
    """SHA-256 of a sound's groove as text, in hexadecimal; of the spoiled one another than of what is spoiled."""
    mark = SPOILED if condition == SPOILED else ""
    return hashlib.sha256((mark + sound_text(condition, item)).encode()).hexdigest()


def check(items: list[Item]) -> None:
    """Raise UsageError where a groove of an item cannot be read or heard."""
    for each in items:
        lengths = {_groove(text).n_steps for text in (*each.sounds.values(), each.reference) if text}
        if len(lengths) > 1:
            raise UsageError("Expected sounds of one length to compare, got several.")


def _groove(text: str) -> Groove:
    try:
        groove = share.from_text(text).groove
    except ShareError as error:
        raise UsageError(f"Expected a groove of a review: {error}") from error
    if not len(groove) or groove.duration_seconds > MAX_SECONDS + 0.1:
        raise UsageError(f"Expected hits within {MAX_SECONDS:g} seconds in each sound of a review.")
    return groove
