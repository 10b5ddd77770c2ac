"""Lanes for a hand: a browser asks for them by an address of the server, and no page runs for it.

A page offers what its sliders stand on and gets a token, which no one can guess. Who has the token can ask what each
slider leads to from there (`lane`), and for the exact answer at one place of it (`answer`), which is what the page has
when the hand lets go: both look into the same caches.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import weakref
from collections import OrderedDict
from dataclasses import dataclass, replace
from threading import Lock

from rhythmvae.groove import Groove
from rhythmvae.ui import played
from rhythmvae.ui.session import caches, computing
from rhythmvae.ui.session.caches import Settings
from rhythmvae.ui.session.opened import Opened
from rhythmvae.ui.shared import fingerprint
from rhythmvae.ui.workers.line import Who

PATH = "/lane"
MOST = 512  # stands that are known: one of each open page, and those that it has just left
_SECRET = secrets.token_bytes(32)


@dataclass(frozen=True)
class Stand:
    """What sliders stand on. `who` asks, by the line of the workers."""

    start: Groove
    settings: Settings
    model: weakref.ref[Opened]  # a visitor's own model goes with its visitor
    who: Who


class Stands:
    """The last that were offered. Safe for threads."""

    def __init__(self, most: int = MOST) -> None:
        self._most, self._lock = most, Lock()
        self._known: OrderedDict[str, Stand] = OrderedDict()

    def offer(self, start: Groove, settings: Settings, model: Opened) -> str:
        """Its token."""
        alone = replace(settings, n=1)
        token = named(start, alone, model)
        with self._lock:
            self._known[token] = Stand(start, alone, weakref.ref(model), computing.who())
            self._known.move_to_end(token)
            while len(self._known) > self._most:
                self._known.popitem(last=False)
        return token

    def find(self, token: str) -> Stand | None:
        with self._lock:
            return self._known.get(token)


STANDS = Stands()


def named(start: Groove, settings: Settings, model: Opened) -> str:
    """A name that differs where one of these does, and that only this server can make."""
    text = repr((fingerprint(start), settings, model.contents))
    return hmac.new(_SECRET, text.encode(), hashlib.sha256).hexdigest()[:32]


def base(start: Groove, settings: Settings, model: Opened, name: str) -> str:
    """Names all that a slider's lane depends on."""
    others = tuple(each for each in settings.asked if each[0] != name)
    return named(start, replace(settings, n=1, asked=others), model)[:12]


def lane(stand: Stand, name: str, *, is_coarse: bool) -> bytes | None:
    """What a browser plays of a slider, packed; None where the model has gone or lacks the slider.

    Raises:
        RhythmVAEError: as `caches.lane`.
    """
    model = stand.model()
    if model is None or name not in model.quantiles.knots:
        return None
    return caches.lane(stand.start, stand.settings, name, model, is_coarse=is_coarse)


def answer(stand: Stand, name: str, percent: int) -> bytes | None:
    """The groove that the page plays where a hand leaves the slider, with where its sliders stand, packed; None as
    `lane`.

    Raises:
        RhythmVAEError: as `caches.variations`.
    """
    model = stand.model()
    if model is None or name not in model.quantiles.knots:
        return None
    asked = {**dict(stand.settings.asked), name: percent / 100}
    settings = replace(stand.settings, asked=tuple(sorted(asked.items())))
    made = caches.variations(stand.start, settings, model)[0].groove
    return played.packed({"hits": played.hits(made), "stands": played.stands(made, model.quantiles)})
