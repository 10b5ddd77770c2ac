"""Some drums of a groove, or its feel, exchanged for those of another, while all else stays as it is.

The groove keeps its length, tempos and meters. The other's bars are laid over it one after another: what a bar has
too much is cut, what it lacks is silent. A hit of the other is taken as it is: voice, time within the bar, velocity.

The deck does the same in the browser while a finger moves (`ui/components/deck/swapping.js`); a test compares both.
"""

from __future__ import annotations

from collections.abc import Collection
from itertools import pairwise

import numpy as np

from rhythmvae.groove import MAX_VELOCITY, FloatArray, Groove, nearest_step
from rhythmvae.kit import GROUPS, VOICE_INDEX

FEEL = "feel"
PARTS = (*GROUPS, FEEL)  # what can be taken of another groove
MOST_LATE = 0.4999  # steps: a hit stays in its 16th


def swapped(groove: Groove, other: Groove, parts: Collection[str]) -> Groove:
    """The groove with parts of another: groups of drums (`kit.GROUPS`), and FEEL, timing and velocities.

    With FEEL, each hit of the groove that stays moves to where the other plays that drum in that 16th, and gets its
    velocity; where the other does not play that drum there, only the timing is taken: of what else it plays there, or
    else of its hits at the same place in the beat.

    Raises:
        ValueError: a part that is none of PARTS.
    """
    if unknown := set(parts) - set(PARTS):
        raise ValueError(f"{sorted(unknown)} are no parts of a groove")
    theirs = laid_over(other, groove)
    voices = [VOICE_INDEX[voice] for group in GROUPS if group in parts for voice in GROUPS[group]]
    stays = groove.some(~np.isin(groove.voice, voices))
    if FEEL in parts:
        stays = _with_feel(stays, theirs)
    taken = np.isin(theirs.voice, voices)
    return stays.with_more(theirs.position[taken], theirs.voice[taken], theirs.velocity[taken])


def laid_over(groove: Groove, like: Groove) -> Groove:
    """The hits of a groove, its bars repeated or cut to those of another, in that one's length, tempos and meters."""
    lines, step = np.rint(groove.bar_lines), nearest_step(groove.loop_position)
    number, position = [], []
    for bar, (start, stop) in enumerate(pairwise(np.rint(like.bar_lines).tolist())):
        first, last = lines[bar % groove.n_bars : bar % groove.n_bars + 2]
        inside = np.flatnonzero((step >= first) & (step < min(last, first + stop - start)))
        there = groove.loop_position[inside] - first + start
        # What is pushed ahead of the loop's first step stands at its end.
        pushed = (there < 0) & groove.is_pushed[inside]
        number.append(inside)
        position.append(there + pushed * like.n_steps)
    hits = np.concatenate(number)
    return like.with_hits(np.concatenate(position), groove.voice[hits], groove.velocity[hits])


def _with_feel(groove: Groove, other: Groove) -> Groove:
    """The groove's hits with the timing and velocities of another in the same frame."""
    own: dict[tuple[int, int], tuple[float, int]] = {}  # of the loudest of each cell
    at_step: dict[int, list[float]] = {}
    at_place: dict[float, list[float]] = {}
    places = _places(groove)
    for step, voice, offset, velocity in _cells(other):
        if velocity > own.get((step, voice), (0.0, 0))[1]:
            own[step, voice] = offset, velocity
        at_step.setdefault(step, []).append(offset)
        at_place.setdefault(float(places[step]), []).append(offset)
    loudest: dict[tuple[int, int], tuple[float, int]] = {}
    for step, voice, offset, velocity in _cells(groove):
        if velocity > loudest.get((step, voice), (0.0, 0))[1]:
            loudest[step, voice] = offset, velocity
    position, velocities = [], []
    for (step, voice, offset, velocity), is_pushed in zip(_cells(groove), groove.is_pushed.tolist(), strict=True):
        reference, loud = loudest[step, voice]
        around = at_step.get(step) or at_place.get(float(places[step]))
        late, strength = own.get((step, voice), (sum(around) / len(around) if around else reference, loud))
        there = step + min(max(late + offset - reference, -0.5), MOST_LATE)
        position.append(there + groove.n_steps * (there < 0 and is_pushed))
        velocities.append(min(max(int(velocity * strength / loud + 0.5), 1), MAX_VELOCITY))
    return groove.with_hits(np.array(position, dtype=np.float64), groove.voice, np.array(velocities, dtype=np.int64))


def _cells(groove: Groove) -> list[tuple[int, int, float, int]]:
    """Step, voice, offset and velocity of each hit."""
    columns = (groove.step, groove.voice, groove.offset, groove.velocity)
    return list(zip(*(column.tolist() for column in columns), strict=True))


def _places(groove: Groove) -> FloatArray:
    """(T,) of each step, how far behind its beat it is."""
    steps, beats = np.arange(groove.n_steps), np.rint(groove.beat_lines)
    return np.asarray(steps - beats[np.searchsorted(beats, steps, side="right") - 1])


def misfit(groove: Groove, other: Groove, parts: Collection[str]) -> str | None:
    """What a person should know of a swap, in a sentence; None where everything fits."""
    drums = [group for group in GROUPS if group in parts]
    absent = [group for group in drums if not np.isin(other.voice, [VOICE_INDEX[v] for v in GROUPS[group]]).any()]
    said = []
    if absent:
        said.append(f"It plays no {_listed(absent)}.")
    mine, its = groove.meters[0], other.meters[0]
    if mine.steps_per_bar != its.steps_per_bar:
        is_short = its.steps_per_bar < mine.steps_per_bar
        what = "the end of each bar stays empty" if is_short else "the end of each of its bars is cut"
        said.append(f"It is in {its} and yours in {mine}: {what}.")
    elif other.n_bars > groove.n_bars:
        said.append("Yours is one bar, so its first bar is taken." if groove.n_bars == 1 else "Its first bars fit.")
    return " ".join(said) or None


def _listed(words: list[str]) -> str:
    """
    >>> _listed(["hats"]), _listed(["toms", "hats", "kick"])
    ('hats', 'toms, hats or kick')
    """
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} or {words[-1]}"
