"""A hand that is never still: sliders and the pad dragged at random, while what the deck puts out is recorded.

In `HELD` a drum is locked, so that every groove along a slider has its strokes where the groove in hand has them: of
that drum it is known when it must sound, whatever is dragged. Between the pad's corners it is not: there what is heard
is held against the strokes that the page gave to the audio clock, less those that it took back.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from playwright.sync_api import Locator, Page

from rhythmvae import share
from rhythmvae.kit import VOICE_INDEX
from rhythmvae.model.checkpoint import Checkpoint
from rhythmvae.ui.parts.variations import link_settings
from rhythmvae.ui.session.caches import Settings
from tests.e2e.listening import HATS, Capture, Samples

HELD = share.rounded(HATS)
HAT, CRASH = VOICE_INDEX["closed_hat"], VOICE_INDEX["crash"]
LOCKED = Settings(keep=("closed_hat",))
# Notes when each stroke is to sound, on the audio clock, until it is taken back.
NOTE_STROKES = """
() => {
  window.strokes = new Map();
  const { start, stop } = AudioBufferSourceNode.prototype;
  AudioBufferSourceNode.prototype.start = function (when, ...more) {
    window.strokes.set(this, when);
    return start.call(this, when, ...more);
  };
  AudioBufferSourceNode.prototype.stop = function (when, ...more) {
    if (when === undefined) window.strokes.delete(this);
    return stop.call(this, when, ...more);
  };
}
"""


def held_link(checkpoint: Checkpoint) -> str:
    """Query of a page whose hats stay as they are."""
    return f"g={share.to_text(HELD, link_settings(LOCKED), checkpoint.digest)}"


def hear_alone(deck: Locator, drum: str) -> None:
    deck.get_by_role("button", name=f"Solo {drum}").click()


@dataclass
class Wild:
    """Gestures one after the other, each on another slider or over the square of the pad."""

    page: Page
    targets: Sequence[Locator]
    between_ms: int = 15
    n_moves: int = 14
    random: random.Random = field(default_factory=lambda: random.Random(7))

    def __call__(self, n: int) -> None:
        box = self.targets[n % len(self.targets)].bounding_box()
        assert box is not None
        mouse, draw = self.page.mouse, self.random.random
        mouse.move(box["x"] + draw() * box["width"], box["y"] + (0.2 + 0.6 * draw()) * box["height"])
        mouse.down()
        for _ in range(self.n_moves):
            mouse.move(box["x"] + draw() * box["width"], box["y"] + draw() * box["height"])
            self.page.wait_for_timeout(self.between_ms)
        mouse.up()


def strokes(page: Page) -> Samples:
    """Times of the audio clock, since NOTE_STROKES."""
    return np.sort(np.array(page.evaluate("() => [...window.strokes.values()]"), dtype=np.float64))


def away_from_strokes(capture: Capture, times: Samples) -> Samples:
    """Seconds from each onset that was heard to the nearest stroke; those near a moment that was dropped do not count.

    A stroke is heard where its sample rises, which is a hair later.
    """
    found = capture.onsets()
    found = found[~capture.near_a_gap(found)]
    return np.asarray(np.abs(found[:, None] - times[None, :]).min(axis=1), dtype=np.float64)
