"""Players of pages that the deck has not taken over yet: their grooves as cards of the deck."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from rhythmvae.ui.components import deck
from rhythmvae.ui.components.deck import Edit, Hear, Heard, Lane, act_of

__all__ = ["Edit", "Hear", "Heard", "Lane", "act_of", "edit_of", "show"]


def show(
    lanes: Sequence[Lane],
    *,
    key: str,
    actions: Mapping[str, str] | None = None,
    on_act: Callable[[], None] | None = None,
    **_: object,
) -> Heard:
    deck.cards(lanes, key=key, actions=actions, on_act=on_act)
    return Heard()


def edit_of(_: str) -> Edit | None:
    return deck.edit()
