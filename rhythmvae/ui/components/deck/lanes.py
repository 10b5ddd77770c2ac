"""Lanes: grooves on show, and what the deck's modules are told of each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from rhythmvae.errors import UsageError
from rhythmvae.groove import Groove, changes_to_lists
from rhythmvae.ui import played
from rhythmvae.ui.components.deck.differing import differences

MAX_STEPS = 512  # 32 bars of 4/4; more would weigh on a phone
MAX_HITS = 4_000


@dataclass(frozen=True, eq=False)
class Lane:
    """A groove on show.

    Args:
        id: the same from run to run.
        label: what it is, to read.
        first_bar: number of its first bar.
        against: a groove to mark differences from.
        is_another: whether it is none of the groove in hand; the deck then shows its label and not that one's name.
        given: what of it somebody gave; all other hits are drawn open.
        whole: what is taken home, where that is more than what is on show.
        note: a line under a card.
        pressed: actions of a card that are on.
    """

    id: str
    label: str
    groove: Groove
    first_bar: int = 1
    against: Groove | None = None
    editable: bool = False
    is_another: bool = False
    given: Groove | None = None
    whole: Groove | None = None
    note: str = ""
    pressed: tuple[str, ...] = ()


def data_of(lanes: Sequence[Lane]) -> list[dict[str, Any]]:
    """What the browser is told of each.

    Raises:
        UsageError: longer than MAX_STEPS or fuller than MAX_HITS.
    """
    for lane in lanes:
        _check_size(lane.groove)
    return [_data(lane) for lane in lanes]


def fits(groove: Groove) -> bool:
    """Whether a groove is short and thin enough to be shown."""
    return groove.n_steps <= MAX_STEPS and len(groove) <= MAX_HITS


def _check_size(groove: Groove) -> None:
    for n, most, unit in ((groove.n_steps, MAX_STEPS, "sixteenths"), (len(groove), MAX_HITS, "hits")):
        if n > most:
            raise UsageError(f"Expected at most {most:,} {unit} to show, got {n:,}: choose fewer bars.")


def _data(lane: Lane) -> dict[str, Any]:
    groove = lane.groove
    data = {
        "id": lane.id,
        "label": lane.label,
        "editable": lane.editable,
        "is_another": lane.is_another,
        "first_bar": lane.first_bar,
        **played.frame(groove),
        "tempos": changes_to_lists(groove)["tempos"],
        "hits": hits_of(groove),
        "note": lane.note,
        "pressed": list(lane.pressed),
    }
    if lane.given is not None:
        own = set(map(tuple, hits_of(lane.given)))
        data["open"] = [i for i, hit in enumerate(data["hits"]) if tuple(hit) not in own]
    if lane.against is not None:
        differing = differences(lane.against, groove)
        reference = hits_of(lane.against)
        data["missed"] = [reference[i] for i in differing.lost]
        data["added"] = differing.added.tolist()
        data["moved"] = [list(hit) for hit in zip(differing.moved.tolist(), differing.late_ms.tolist(), strict=True)]
    return data


def hits_of(groove: Groove) -> list[list[float]]:
    """Hits as an edit gives them back: voice, position in steps to the last digit, velocity."""
    return [
        list(hit) for hit in zip(*(a.tolist() for a in (groove.voice, groove.position, groove.velocity)), strict=True)
    ]
