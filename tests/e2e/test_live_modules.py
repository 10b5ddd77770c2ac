"""Where strokes are laid, by itself in a browser: `passes.js` without a deck."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from module_pages import module_page
from playing import groove
from playwright.sync_api import Browser, Page
from test_deck_modules import sent

pytestmark = pytest.mark.browser

FOUR = sent(groove(n_steps=32))
SEVEN = sent(groove(n_steps=28, meter=(7, 8)))
NO_GRID = {"grid": None, "strength": 100, "replaces": False}


@pytest.fixture(scope="module")
def modules(browser: Browser) -> Iterator[Page]:
    """A page that has the module as `passes`."""
    with module_page(browser, {"passes": "live/passes.js"}) as page:
        yield page


def laid(modules: Page, frame: dict[str, Any], at: float, **how: Any) -> tuple[float, int]:
    """Position of a stroke in the loop, and the round that it belongs to there."""
    stroke = {"voice": 1, "at": at, "velocity": 90}
    found = modules.evaluate("([g, s, how]) => passes.laid(g, s, how)", [frame, stroke, NO_GRID | how])
    voice, position, velocity = found["hit"]
    assert (voice, velocity) == (1, 90)
    return position, found["round"]


@pytest.mark.parametrize(
    ("at", "grid", "strength", "position", "turn"),
    [
        (3.3, None, 100, 3.3, 0),
        (67.25, None, 100, 3.25, 2),
        (-0.3, None, 100, 31.7, -1),  # an early one is the end of the round before
        (3.3, 1, 100, 3, 0),
        (3.3, 1, 50, 3.15, 0),
        (3.3, 1, 0, 3.3, 0),
        (3.3, 2, 100, 4, 0),
        (3.3, 4 / 3, 100, 2.6667, 0),
        (14.3, 4 / 3, 100, 14.6667, 0),
        (31.7, 1, 100, 0, 1),  # and drawn to the grid it is the next one's first
        (-0.3, 1, 100, 0, 0),
        (31.99999, None, 100, 0, 1),
    ],
)
def test_a_stroke_is_laid_in_its_round(
    modules: Page, at: float, grid: float | None, strength: float, position: float, turn: int
) -> None:
    found, its = laid(modules, FOUR, at, grid=grid, strength=strength)
    assert found == pytest.approx(position, abs=1e-4)
    assert its == turn


@pytest.mark.parametrize(("at", "position"), [(12.6, 12), (13.2, 14), (15.2, 16), (27.2, 0)])
def test_a_grid_begins_anew_with_each_bar(modules: Page, at: float, position: float) -> None:
    """Bars of fourteen sixteenths: eighths of the second lie on even steps from its own line on."""
    assert laid(modules, SEVEN, at, grid=2)[0] == pytest.approx(position)


def test_positions_never_leave_the_loop(modules: Page) -> None:
    places = np.random.default_rng(0).uniform(-0.5, 200, 300).tolist()
    for grid in (None, 1, 2, 4 / 3):
        found = modules.evaluate(
            "([g, places, how]) => places.map((at) => passes.laid(g, { voice: 0, at, velocity: 9 }, how).hit[1])",
            [SEVEN, places, NO_GRID | {"grid": grid, "strength": 83}],
        )
        assert min(found) >= 0
        assert max(found) < 28 - 1e-9


HITS = [[0, 0, 100], [1, 4, 80], [1, 12, 90]]


@pytest.mark.parametrize(
    ("strokes", "replaces", "expected"),
    [
        ([(1, 20.0, 70)], False, [*HITS, [1, 20, 70]]),
        ([(1, 20.0, 70)], True, [HITS[0], [1, 20, 70]]),
        ([(1, 4.01, 120)], False, [HITS[0], HITS[2], [1, 4.01, 120]]),  # the louder of two in one place
        ([(1, 4.01, 60)], False, HITS),
        ([(1, 3.9, 60)], False, [*HITS, [1, 3.9, 60]]),  # a flam is two
        ([(1, 5.0, 60), (1, 5.25, 61), (1, 5.5, 62)], False, [*HITS, [1, 5, 60], [1, 5.25, 61], [1, 5.5, 62]]),
        ([], True, HITS),
    ],
)
def test_a_pass_is_laid_on_what_is_there(modules: Page, strokes: list[Any], replaces: bool, expected: Any) -> None:
    played = [{"voice": voice, "at": at, "velocity": velocity} for voice, at, velocity in strokes]
    asked = [FOUR, HITS, played, NO_GRID | {"replaces": replaces}]
    found, hits = modules.evaluate("([g, hits, s, how]) => [passes.withPass(g, hits, s, how), hits]", asked)
    assert hits == HITS
    assert sorted(found) == sorted(expected)


def test_a_round_is_counted_in_by_its_beats_and_a_bar_line_is_found_over_the_end(modules: Page) -> None:
    lead = modules.evaluate("(g) => passes.leadOf(g, 1)", SEVEN)
    assert [click["accent"] for click in lead] == [True] + [False] * (len(lead) - 1)
    assert lead[0]["before"] == pytest.approx(14 * 0.125)
    for at, n, line in ((3, 1, 14), (3, 2, 28), (3, 3, 42), (20, 1, 28), (47, 2, 70)):
        found = modules.evaluate("([g, at, n]) => passes.barLineAfter(g, at, n)", [SEVEN, at, n])
        assert found["at"] == line
