"""What comes back from the deck: edits, taps, how it is set, which files and bars are asked for.

A browser can say anything: what makes no sense counts as nothing, and an edit is checked like a file.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from rhythmvae.errors import UsageError
from rhythmvae.groove import MAX_VELOCITY, Groove
from rhythmvae.kit import N_VOICES
from rhythmvae.ui.components import assets
from rhythmvae.ui.components.deck.lanes import MAX_HITS, Lane

MIN_RATE, MAX_RATE = 1e-3, 1e3  # of a tempo over the one that is written: any that a file holds, any that is played
ROUNDING_STEPS = 1e-9  # the last hit of some bars keeps this away from the next, and so stays in them anywhere

DECK, RESULT, OVERVIEW = "deck", "deck result", "overview"  # keys in the session


@dataclass(frozen=True)
class Edit:
    """What a user made of a lane of one `source`; `serial` counts the edits."""

    source: str
    lane: str
    serial: int
    hits: Any  # as the browser sent them

    def groove(self, like: Groove) -> Groove:
        """The edited groove, in the frame of the one that was shown.

        Raises:
            UsageError: hits that are none, or that do not fit.
        """
        if not isinstance(self.hits, list) or len(self.hits) > MAX_HITS:
            raise UsageError(f"Expected at most {MAX_HITS:,} hits from the grid; the groove stays as it was.")
        if not all(_is_hit(hit, like.n_steps) for hit in self.hits):
            raise UsageError("Expected hits of the kit within the bars shown; the groove stays as it was.")
        voice, position, velocity = np.array(self.hits, dtype=np.float64).reshape(-1, 3).T
        return like.with_hits(position, voice.astype(np.int64), velocity.astype(np.int64))


@dataclass(frozen=True)
class Taps:
    """What was tapped: where, in steps, and the hand of each, 0 or 1; more may come until it `ends`."""

    serial: int
    taps: tuple[tuple[float, int], ...]
    ends: bool


@dataclass(frozen=True)
class Heard:
    """How the deck was set: `rate` is its tempo over the groove's own, `muted` the voices left out."""

    rate: float = 1.0
    muted: tuple[int, ...] = ()


def heard(tune: str) -> Heard:
    """How the deck was set last; as it is at first where that was of another tune."""
    return heard_of(assets.said(DECK, "heard"), tune)


def edit() -> Edit | None:
    """The last edit that the deck sent, for its `on_edit`; None where there is none that makes sense."""
    match assets.said(DECK, "edit"):
        case {"source": str(source), "lane": str(lane), "serial": int(serial), "hits": hits}:
            return Edit(source, lane, serial, hits)
    return None


def touches() -> int:
    """How often a hand had touched the page's controls when the deck told so; 0 where it never did."""
    said = assets.said(DECK, "touches")
    return said if type(said) is int and 0 <= said < 2**53 else 0  # as a browser counts


def taps_of(key: str, n_steps: int) -> Taps | None:
    """For an `on_taps`: the taps in the bars that were recorded, those that make sense; None where there are none."""
    match assets.said(key, "taps"):
        case {"serial": int(serial), "taps": list(said), "ends": bool(ends)}:
            taps = tuple(sorted(filter(None, (_tap(tap, n_steps) for tap in said[:MAX_HITS]))))
            return Taps(serial, taps, ends) if taps else None
    return None


def _tap(said: Any, n_steps: int) -> tuple[float, int] | None:
    match said:
        case [hand, at] if type(hand) is int and 0 <= hand <= 1 and _is_number(at):
            return (float(at), hand) if -0.5 <= at < n_steps - ROUNDING_STEPS else None
    return None


def bars_wanted(lane: Lane) -> tuple[int, int] | None:
    """First and last bar, by their numbers, that a file of the lane shall have; None where none is asked for."""
    match assets.said(DECK, "bars"):
        case {"lane": lane.id, "first": int(first), "last": int(last)} if type(first) is type(last) is int:
            is_there = lane.first_bar <= first <= last < lane.first_bar + lane.groove.n_bars
            return (first, last) if is_there else None
    return None


def act_of(key: str) -> tuple[str, str] | None:
    """For an `on_act`: the lane and what its button does."""
    match assets.said(key, "act"):
        case {"lane": str(lane), "what": str(what)}:
            return lane, what
    return None


def bar_of() -> int | None:
    """For an `on_go`: number of the bar that is asked for."""
    bar = assets.said(OVERVIEW, "go")
    return bar if type(bar) is int and bar > 0 else None


def heard_of(said: Any, tune: str) -> Heard:
    """What `heard` makes of a browser's word."""
    match said:
        case {"tune": str(of), "rate": rate, "unheard": list(unheard)} if (
            _is_number(rate) and MIN_RATE <= rate <= MAX_RATE and all(_is_voice(v) for v in unheard)
        ):
            return Heard(float(rate) if of == tune else 1.0, tuple(sorted(set(unheard))))
    return Heard()


def _is_voice(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < N_VOICES


def _is_number(value: object) -> bool:
    return type(value) in (int, float)


def _is_hit(hit: Any, n_steps: int) -> bool:
    """Comparing alone refuses NaN, infinity and whole numbers that no float holds."""
    match hit:
        case [voice, position, velocity] if _is_number(position) and type(velocity) is int:
            is_place = -0.5 <= position < n_steps - ROUNDING_STEPS
            return _is_voice(voice) and is_place and 1 <= velocity <= MAX_VELOCITY
    return False
