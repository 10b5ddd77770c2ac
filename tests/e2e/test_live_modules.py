"""What plays live, by itself in a browser: where strokes are laid (`passes.js`), and what is sent (`midi_out.js`)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from midi_ports import CONTINUE, NOTE_ON, POSITION, START, STOP, TICK
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
    """A page that has the modules as `passes`, `midi_out` and `time`."""
    own = {"passes": "live/passes.js", "midi_out": "live/midi_out.js", "time": "deck/time.js"}
    with module_page(browser, own) as page:
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


# Sixteen hats a bar at 120 BPM go to a port, on a clock of their own: `looks` are the ms at which the page comes to
# look. Gives what was sent, [first byte, second, when, at which look] each.
SEND = """([groove, looks]) => {
  let now = 0;
  performance.now = () => now;
  const sent = [];
  const port = { send: (data, when) => sent.push([data[0], data[1] ?? null, when, now]) };
  const music = { transport: { followers: new Set(), isPlaying: true }, isSilent: () => false };
  const pages = { toSound: (ms) => ms / 1000, toPage: (seconds) => seconds * 1000 };
  const out = new midi_out.MidiOut(music, pages, [36, 38, 42], { sendsClock: true, onGone() {} });
  out.use(port);
  out.begin(0, 0);
  const clock = new time.Clock(groove);
  const from = { time: 0, seconds: 0 };
  let until = -1e-9;
  for (now of looks) {
    const horizon = Math.max(now / 1000 + out.aheadSeconds, until);
    const after = until;
    const strokes = () => Array.from({ length: 400 }, (_, i) => ({ time: i / 8, voice: 2, velocity: 90 }))
      .filter(({ time }) => time > after && time <= horizon);
    out.schedule({ from, rate: 1, duration: clock.duration, clock, until, horizon, strokes });
    until = horizon;
  }
  delete performance.now;
  return [sent, out.stats.late];
}"""


def sent_when_looked(modules: Page, *looks: tuple[int, int]) -> tuple[np.ndarray, int]:
    """(N, 4) first byte, second, ms at which it is to be sent and was; and how many were left out. The page looks
    every 25 ms, between two ms each."""
    times = [ms for first, last in looks for ms in range(first, last, 25)]
    found, late = modules.evaluate(SEND, [sent(groove(n_steps=16)), times])
    return np.array(found, dtype=np.float64), late


def test_after_a_page_was_held_up_the_port_gets_no_late_note_and_goes_on_in_its_place(modules: Page) -> None:
    messages, late = sent_when_looked(modules, (0, 1000), (3010, 5000))
    status, _, when, _ = messages.T
    notes = messages[status == NOTE_ON]
    assert (notes[:, 3] - notes[:, 2]).max() <= 20
    struck = (notes[:, 2] / 125).round(6)
    assert (struck == struck.round()).all()
    assert sorted(struck) == [*range(9), *range(24, 41)]  # from 60 ms ahead of the last look on they wait for the next
    assert late == 24 - 9
    # Who follows the clock is stopped, is told where the loop is, and goes on there.
    starts = [int(x) for x in status if x in (START, STOP, POSITION, CONTINUE)]
    assert starts == [START, STOP, POSITION, CONTINUE]
    [at] = when[status == CONTINUE]
    assert at + 1 == 3125
    assert messages[status == POSITION][0, 1] == 25 % 16
    ticks = when[status == TICK]
    assert ticks[ticks < 2000] == pytest.approx(np.arange(0, ticks[ticks < 2000].max() + 1, 125 / 6))
    after = ticks[ticks > 2000]
    assert after == pytest.approx(after[0] + np.arange(len(after)) * 125 / 6)
    assert 3125 in after.round(6)
    assert len(after) > 80


def test_after_a_moment_the_clock_has_all_its_ticks(modules: Page) -> None:
    messages, late = sent_when_looked(modules, (0, 1010), (1200, 3000))
    status, _, when, _ = messages.T
    ticks = when[status == TICK]
    assert ticks == pytest.approx(np.arange(len(ticks)) * 125 / 6)
    assert not (status == STOP).any()
    notes = messages[status == NOTE_ON]
    assert (notes[:, 3] - notes[:, 2]).max() <= 20
    assert late == 1  # the one at 1125 ms; the next look but one would have had it
