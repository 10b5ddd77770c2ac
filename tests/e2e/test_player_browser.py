"""The player in a real browser: its modules against Python, its sound against `synth`, its hands."""

from __future__ import annotations

import io
import re
import wave
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pytest
from listening import (
    HATS,
    SAMPLE_RATE,
    Samples,
    began,
    listen_while,
    onset_errors,
    onsets,
    place,
    play,
    seam_error,
    tap,
    untap,
    wait_for_loop,
)
from playwright.sync_api import Browser, BrowserContext, CDPSession, Page, Route, expect
from visiting import (
    WAIT_MS,
    Lane,
    allow_clipboard,
    awaited,
    color,
    contrast,
    download,
    download_midi,
    expect_n_hits,
    hits_in,
    ink,
    label,
    open_groove,
    open_reconstruct,
    settle,
)

from rhythmvae import share
from rhythmvae.data.examples import example
from rhythmvae.groove import Groove, Meter, Tempo
from rhythmvae.kit import N_VOICES, VOICE_INDEX
from rhythmvae.sound import synth
from rhythmvae.ui.components.deck import COMPONENT

pytestmark = pytest.mark.browser

ORIGIN = "http://player.test"
VOLUME = 0.9  # of the player, as it comes
KICK, SNARE, HAT = VOICE_INDEX["kick"], VOICE_INDEX["snare"], VOICE_INDEX["closed_hat"]


def groove(
    *hits: tuple[str, float, int],
    n_steps: int = 16,
    tempos: tuple[tuple[float, float], ...] = ((0.0, 120.0),),
    meter: tuple[int, int] = (4, 4),
    title: str = "",
) -> Groove:
    voice, position, velocity = zip(*hits, strict=True) if hits else ((), (), ())
    return Groove(
        np.array(position, dtype=np.float64),
        np.array([VOICE_INDEX[v] for v in voice], dtype=np.int64),
        np.array(velocity, dtype=np.int64),
        n_steps,
        tuple(Tempo(*t) for t in tempos),
        (Meter(0.0, *meter),),
        title=title,
    )


def straight(n_bars: int = 1) -> Groove:
    """Eight hats, kick and snare to the bar."""
    bar = [("closed_hat", s, 90) for s in range(0, 16, 2)]
    bar += [("kick", 0, 110), ("snare", 4, 105), ("kick", 8, 112), ("snare", 12, 108)]
    return groove(*((v, s + 16 * b, x) for b in range(n_bars) for v, s, x in bar), n_steps=16 * n_bars)


# All that the mixer does in one bar: two tempos, soft strokes, a hit before the first step, an open hat
# that a hat chokes across the seam, three loud voices at once, a low tom that rings on past the end.
RICH = groove(
    *(("kick", 0.0, 120), ("snare", 0.0, 127), ("crash", 0.02, 127)),
    *(("closed_hat", -0.25, 90), ("closed_hat", 2.0, 100), ("closed_hat", 8.3, 25), ("closed_hat", 10.49, 127)),
    *(("snare", 4.0, 110), ("kick", 6.13, 112), ("snare", 12.8, 40), ("snare", 13.0, 115)),
    *(("open_hat", 14.0, 120), ("low_tom", 15.0, 118)),
    tempos=((0.0, 105.0), (8.0, 140.0)),
)


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    yield context
    context.close()


# -- the modules by themselves ---------------------------------------------------


@pytest.fixture(scope="module")
def modules(browser: Browser) -> Iterator[Page]:
    """A page that has the player's modules as `time` and `edits`."""

    def serve(route: Route) -> None:
        name = urlsplit(route.request.url).path.lstrip("/")
        if name:
            route.fulfill(body=(COMPONENT.folder / name).read_text("utf-8"), content_type="text/javascript")
        else:
            route.fulfill(body="<!doctype html>", content_type="text/html")

    page = browser.new_page()
    page.route(f"{ORIGIN}/**", serve)
    page.goto(f"{ORIGIN}/")
    page.evaluate("""async () => {
      window.time = await import("/time.js");
      window.edits = await import("/edits.js");
    }""")
    yield page
    page.close()


def sent(g: Groove) -> dict[str, Any]:
    """A groove as the modules have it."""
    return {
        "n_steps": g.n_steps,
        "tempos": [[t.step, t.bpm] for t in g.tempos],
        "bars": g.bar_lines.tolist(),
        "beats": g.beat_lines.tolist(),
        "hits": [list(h) for h in zip(g.voice.tolist(), g.position.tolist(), g.velocity.tolist(), strict=True)],
    }


@pytest.mark.parametrize(
    "g",
    [
        straight(),
        RICH,
        groove(n_steps=14, meter=(7, 8), tempos=((0.0, 61.5), (3.0, 200.0), (3.5, 90.0), (13.0, 40.0))),
    ],
    ids=["one tempo", "two tempos", "four tempos"],
)
def test_the_clock_is_pythons(modules: Page, g: Groove) -> None:
    steps = np.linspace(-0.5, g.n_steps, 67)
    seconds, back, duration = modules.evaluate(
        """([groove, steps]) => {
          const clock = new time.Clock(groove);
          const seconds = steps.map((s) => clock.secondsAt(s));
          return [seconds, seconds.map((s) => clock.stepAt(s)), clock.duration];
        }""",
        [sent(g), steps.tolist()],
    )
    assert seconds == pytest.approx(g.seconds(steps).tolist(), abs=1e-12)
    assert back == pytest.approx(steps.tolist(), abs=1e-9)
    assert duration == pytest.approx(g.duration_seconds, abs=1e-12)


@pytest.mark.parametrize(
    ("own", "low", "high"), [(100, 40, 240), (300, 40, 300), (35, 35, 240), (1.5, 1.5, 240), (900, 40, 900)]
)
def test_a_groove_is_played_at_its_own_tempo_however_fast_or_slow(
    modules: Page, own: float, low: float, high: float
) -> None:
    typed = [own, low, high, low - 0.5, high + 0.5, 120, 36]
    found = modules.evaluate("([typed, own]) => typed.map((bpm) => time.playableBpm(bpm, own))", [typed, own])
    assert found == [own, low, high, low, high, 120, max(36, low)]
    assert modules.evaluate("(own) => time.bpmRange(own)", own) == [low, high]


def test_a_hit_is_alone_a_main_one_a_second_one_or_a_stroke_of_a_roll(modules: Page) -> None:
    rng = np.random.default_rng(0)
    n = 150  # in 8 x 9 cells: two a cell
    g = Groove(rng.uniform(-0.5, 7.99, n), rng.integers(0, N_VOICES, n), rng.integers(60, 127, n), 8)
    roles = modules.evaluate("hits => time.rolesInCells(hits, 8)", sent(g)["hits"])
    step = np.minimum(np.floor(g.position + 0.5), 7)  # what is pushed at the end is of the last cell
    cells = [(step == step[index]) & (g.voice == g.voice[index]) for index in range(n)]
    levels = [sorted(g.velocity[cell], reverse=True) for cell in cells]
    is_roll = np.array([len(own) > 2 or (len(own) == 2 and own[1] >= 0.75 * own[0]) for own in levels])
    for index, found in enumerate(roles):
        is_near = (g.voice == g.voice[index]) & (np.abs(g.position - g.position[index]) <= 0.5)
        is_end = len(levels[index]) == 1 and (is_near & is_roll).any()
        other = "main" if g.velocity[index] == levels[index][0] else "second"
        assert found["role"] == ("stroke" if is_roll[index] or is_end else other)


SEVEN = sent(groove(n_steps=28, meter=(7, 8)))
FLAM = [[1, 4.1, 100], [1, 3.85, 40]]
ROLL = [[1, 3.5, 20], [1, 3.75, 40], [1, 4, 60], [1, 4.25, 80]]
EDITS: dict[str, tuple[str, Any]] = {
    "put": ("put([], 1, 4, 90.4)", [[1, 4, 90]]),
    "put keeps to what MIDI holds": ("[...put([], 1, 4, 300), ...put([], 1, 4, -3)]", [[1, 4, 127], [1, 4, 1]]),
    "clear a cell": ("clearCell([...flam, [0, 4, 80], [1, 4.6, 70]], 1, 4)", [[0, 4, 80], [1, 4.6, 70]]),
    "clear an empty cell": ("[clearCell(flam, 2, 4) === flam]", [True]),
    "the loudest of a cell first": ("inCell([flam[1], flam[0]], 1, 4)", FLAM),
    "velocity takes the second along": ("setVelocity(flam, 1, 4, 50)", [[1, 4.1, 50], [1, 3.85, 20]]),
    "velocity ends at 127": ("setVelocity(flam, 1, 4, 400)", [[1, 4.1, 127], [1, 3.85, 51]]),
    "velocity ends at 1": ("setVelocity(flam, 1, 4, -9)", [[1, 4.1, 1], [1, 3.85, 1]]),
    "velocity of an empty cell": ("setVelocity([], 2, 3, 77)", [[2, 3, 77]]),
    "offset moves both": ("setOffset(flam, 1, 4, 0.2)", [[1, 4.2, 100], [1, 3.95, 40]]),
    "offset stays in the cell": ("setOffset(flam, 1, 4, 3)", [[1, 4.49, 100], [1, 4.24, 40]]),
    "offset stays in the cell ahead": ("setOffset(flam, 1, 4, -3)", [[1, 3.51, 100], [1, 3.51, 40]]),
    "offset of an empty cell": ("setOffset(flam, 2, 4, 0.1)", FLAM),
    "a second hit": ("toggleSecond([[1, 4, 100]], 1, 4, 99)", [[1, 4, 100], [1, 3.75, 45]]),
    "a second hit goes again": ("toggleSecond(flam, 1, 4, 99)", [[1, 4.1, 100]]),
    "a second hit where there is none": ("toggleSecond([], 1, 0, 100)", [[1, 0, 100], [1, -0.25, 45]]),
    "a second hit stays in the cell": ("toggleSecond([[1, 3.6, 100]], 1, 4, 99)", [[1, 3.6, 100], [1, 3.51, 45]]),
    "a second hit behind": ("toggleSecond([[1, 3.51, 100]], 1, 4, 99)", [[1, 3.51, 100], [1, 3.76, 45]]),
    "a second hit is no louder": ("toggleSecond([[1, 4, 1]], 1, 4, 99)", [[1, 4, 1], [1, 3.75, 1]]),
    "clear a roll": ("clearCell([...roll, [2, 4, 80]], 1, 4)", [[2, 4, 80]]),
    "velocity takes a roll along": (
        "setVelocity(roll, 1, 4, 50)",
        [[1, 3.5, 13], [1, 3.75, 25], [1, 4, 38], [1, 4.25, 50]],
    ),
    "a roll stays a roll while it is moved": (
        "setOffset(roll, 1, 4, 0.9)",
        [[1, 3.74, 20], [1, 3.99, 40], [1, 4.24, 60], [1, 4.49, 80]],
    ),
    "a roll that lies as early as it can": ("setOffset(roll, 1, 4, -0.4)", ROLL),
    "a roll becomes one hit": ("toggleSecond(roll, 1, 4, 99)", [[1, 4.25, 80]]),
    "a roll in an empty cell": ("ratchet([], 1, 4, 90)", [[1, 4, 90], [1, 4.5, 90]]),
    "a roll of two": ("ratchet([[1, 3.9, 70], [2, 4, 9]], 1, 4, 90)", [[2, 4, 9], [1, 4, 70], [1, 4.5, 70]]),
    "a roll of three": (
        "ratchet(ratchet([[1, 4, 70], [1, 5, 60]], 1, 4, 90), 1, 4, 90)",
        [[1, 5, 60], [1, 4, 70], [1, 4 + 1 / 3, 70], [1, 4 + 2 / 3, 70]],
    ),
    "a roll ends as one hit": (
        "Array.from({ length: 6 }).reduce((hits) => ratchet(hits, 1, 4, 90), [[1, 4, 70], [1, 5, 60]])",
        [[1, 5, 60], [1, 4, 70]],
    ),
    "a roll leaves the one before it": (
        "ratchet(ratchet(ratchet([[1, 3, 70]], 1, 3, 9), 1, 3, 9), 1, 4, 90)",
        [[1, 3, 70], [1, 3 + 1 / 3, 70], [1, 3 + 2 / 3, 70], [1, 4, 90], [1, 4.5, 90]],
    ),
    "what is pushed at the end is of the last cell": (
        "inCell([[1, 15, 70], [1, 15.75, 60], [1, 14, 50]], 1, 15, 16)",
        [[1, 15, 70], [1, 15.75, 60]],
    ),
    "and goes with it": ("clearCell([[1, 15, 70], [1, 15.75, 60]], 1, 15, 16)", []),
    "and is turned with the bar": ("shiftBar(seven, [[0, 27.75, 90]], 20, -1)", [[0, 26.75, 90]]),
    "clear a voice": ("clearVoice([...flam, [0, 4, 80]], 1)", [[0, 4, 80]]),
    "clear a silent voice": ("[clearVoice(flam, 2) === flam]", [True]),
    # Bars of fourteen steps: hits carry their offsets round the bar line. 13.8 is of step 14 and so of the second.
    "shift on": (
        "shiftBar(seven, [[0, 13.8, 90], [0, 13.4, 91], [0, -0.3, 92], [0, 14.2, 93]], 3, 1)",
        [[0, 13.8, 90], [0, 0.4, 91], [0, 0.7, 92], [0, 14.2, 93]],
    ),
    "shift back": (
        "shiftBar(seven, [[0, 14.2, 90], [0, 13.8, 91], [0, 13.3, 92]], 14, -1)",
        [[0, 27.2, 90], [0, 26.8, 91], [0, 13.3, 92]],
    ),
}


@pytest.mark.parametrize(("code", "expected"), EDITS.values(), ids=EDITS.keys())
def test_an_edit(modules: Page, code: str, expected: Any) -> None:
    found, arguments = modules.evaluate(
        f"""([flam, roll, seven]) => {{
          const {{ put, clearCell, inCell, setVelocity, setOffset }} = edits;
          const {{ toggleSecond, ratchet, clearVoice, shiftBar }} = edits;
          return [{code}, [...flam, ...roll]];
        }}""",
        [FLAM, ROLL, SEVEN],
    )
    assert arguments == [*FLAM, *ROLL], "an edit changed its argument"
    assert len(found) == len(expected)
    for hit, wanted in zip(found, expected, strict=True):
        assert hit == pytest.approx(wanted)


def test_shifting_all_the_way_round_changes_nothing(modules: Page) -> None:
    seven = example("seven")
    hits = modules.evaluate(
        """(groove) => {
          let { hits } = groove;
          for (let i = 0; i < 14; i += 1) hits = edits.shiftBar(groove, hits, 30, 1);
          return hits;
        }""",
        sent(seven),
    )
    assert np.array(hits) == pytest.approx(np.array(sent(seven)["hits"]))


def test_history_goes_back_and_forth_and_forgets_what_was_undone(modules: Page) -> None:
    found = modules.evaluate("""() => {
      const h = new edits.History("a");
      const seen = [h.undo(), h.redo(), h.now];
      h.push("b"); h.push("c");
      seen.push(h.undo(), h.now, h.undo(), h.now, h.undo(), h.now, h.redo(), h.now);
      h.push("d");
      seen.push(h.canRedo, h.redo(), h.now, h.undo(), h.now);
      for (let i = 0; i < 500; i += 1) h.push(i);
      let n = 0;
      while (h.undo()) n += 1;
      return [seen, n, h.now];
    }""")
    seen = [False, False, "a", True, "b", True, "a", False, "a", True, "b", False, False, "d", True, "b"]
    assert found == [seen, 200, 299]


# -- sound ----------------------------------------------------------------------


def shared(g: Groove) -> Groove:
    """As a link carries it."""
    return share.from_text(share.to_text(g)).groove


def test_the_loop_sounds_as_the_server_renders_it(page: Page, app_address: str) -> None:
    g = shared(RICH)
    player = open_groove(page, app_address, RICH)
    tap(player)
    play(player)
    muted = [KICK, VOICE_INDEX["crash"]]
    alone = [v for v in range(N_VOICES) if v != VOICE_INDEX["open_hat"]]
    # Loop 0 has no end of a loop before it, so 1 is the first that is like all others.
    at = wait_for_loop(player, 3)
    for voice in ("kick", "crash"):
        player.get_by_role("button", name=f"Mute {label(voice).lower()}").click()
    wait_for_loop(player, 6)
    player.get_by_role("button", name="Solo open hat").click()
    wait_for_loop(player, 9)
    capture = untap(player)

    def likeness(sound: np.ndarray) -> float:
        return float(np.corrcoef(sound, wanted)[0, 1])

    for loops, unheard in (((1, 2), []), ((4, 5), muted), ((7, 8), alone)):
        wanted = synth.render(g, loop=True, muted=unheard).astype(np.float64) * VOLUME
        starts = [began(at, g) + loop * g.duration_seconds for loop in loops]
        # A machine that is short of time drops a moment of sound now and then: it counts as it should have been.
        heard = [capture.between(start, start + g.duration_seconds) for start in starts]
        whole = [np.where(found.is_there, found.samples, wanted) for found in heard if found.is_there.mean() > 0.8]
        assert whole, unheard
        got = max(whole, key=likeness)
        assert likeness(got) > 0.999, unheard
        assert got.std() == pytest.approx(wanted.std(), rel=0.01), unheard
        # Onsets found in both by the same ear, with a loop before for its quiet.
        struck, rendered = onsets(np.tile(got, 2)), onsets(np.tile(wanted, 2))
        assert len(struck) == len(rendered) >= (2 if unheard == alone else 8)
        assert np.abs(struck - rendered).max() < 3e-3
    # Alone, the open hat rings until a hat chokes it, though nobody hears that one; the rest is silence.
    choked = float(g.seconds(15.75)) + synth.FADE_SAMPLES / SAMPLE_RATE
    ringing, after = (round(t * SAMPLE_RATE) for t in (float(g.seconds(14.0)), choked + 0.001))
    assert np.abs(got[ringing : ringing + 2000]).max() > 0.05
    assert np.abs(got[after:]).max() < 1e-4
    assert np.abs(got[: ringing - 50]).max() < 1e-4


def test_time_stands_while_the_page_is_busy(page: Page, app_address: str) -> None:
    g = shared(HATS)
    player = open_groove(page, app_address, HATS)
    lane = Lane(player)
    # A voice that nobody hears takes the edits, so that the rest must sound as if nothing happened.
    player.get_by_role("button", name="Mute crash").click()
    settle(page)
    struck = {5}
    free = [s for s in range(16) if s != 5]

    def disturb(n: int) -> None:
        """An edit, its run and its echo; a change of the mixer and its run."""
        lane.click("crash", free[n % len(free)])
        struck.symmetric_difference_update({free[n % len(free)]})
        player.get_by_role("button", name="Mute snare").click()
        expect_n_hits(page, len(g) - 1 + len(struck))

    heard = listen_while(player, g, 18, disturb)
    errors = onset_errors(heard.capture, g, HAT, heard.began)
    assert heard.n_disturbed >= 6
    assert len(errors) >= 2 * 13 * 7
    assert np.abs(errors).max() < 3e-3
    assert seam_error(heard.capture, g, HAT, heard.began) < 1e-3
    assert heard.stats["late"] == 0


# -- what goes on while it plays ---------------------------------------------------

WATCH = """
(root) => {
  const { transport } = root;
  const { context, owner } = transport;
  window.watched = [];
  const look = () => {
    const now = context.currentTime;
    const at = transport.position();
    if (context.currentTime === now) {
      const latency = context.outputLatency || context.baseLatency || 0;
      window.watched.push([now - latency, at ? at.loops : null, at ? at.step : null, transport.owner === owner]);
    }
    if (!window.enough) requestAnimationFrame(look);
  };
  look();
}
"""


def watched(page: Page) -> Samples:
    """(N, 4) audio time, loops, step and whether the owner is the same, since WATCH."""
    found = page.evaluate("() => { window.enough = true; return window.watched; }")
    assert all(loops is not None for _, loops, _, _ in found), "it stopped"
    return np.array(found, dtype=np.float64)


def assert_it_went_on(seen: Samples, n_steps: int, slowest: float, fastest: float) -> None:
    """From look to look as many steps as time has passed, at a tempo between two BPM."""
    time, steps = seen[:, 0], seen[:, 1] * n_steps + seen[:, 2]
    passed = np.diff(steps)
    assert len(passed) > 20
    assert (seen[:, 3] == 1).all(), "somebody else plays"
    slack = 0.1  # steps, for a latency that the browser corrects
    assert (passed >= np.diff(time) * slowest / 15 - slack).all(), "it fell back"
    assert (passed <= np.diff(time) * fastest / 15 + slack).all(), "it jumped ahead"


def choose(page: Page, pattern: str) -> None:
    page.get_by_role("combobox", name="Pattern").click()
    page.get_by_role("option", name=pattern, exact=True).click()


def test_what_comes_from_python_does_not_stop_the_music(page: Page, app_address: str) -> None:
    player = open_reconstruct(page, app_address)
    funk, rock = example("funk"), example("rock")
    assert funk.n_steps == rock.n_steps
    play(player)
    player.evaluate(WATCH)
    # An edit, heard at once, and what Python makes of it.
    Lane(player).click("kick", 5)
    expect_n_hits(page, len(funk) + 1)
    # The other groove at the same place, there and back.
    player.get_by_role("radio", name="Reconstruction").click()
    expect(player.get_by_role("radio", name="Reconstruction")).to_be_checked()
    Lane(player).cell().press("x")
    expect(player.get_by_role("radio", name="Original")).to_be_checked()
    player.get_by_role("radio", name="Reconstruction").click()
    # Another pattern.
    choose(page, "Rock")
    expect_n_hits(page, len(rock))
    settle(page)
    seen = watched(page)
    after = place(player)
    assert_it_went_on(seen, funk.n_steps, funk.tempos[0].bpm, rock.tempos[0].bpm)
    assert after.loops * 64 + after.step >= seen[-1, 1] * 64 + seen[-1, 2] - 0.1
    expect(player.get_by_role("button", name="Stop")).to_be_visible()
    expect(player.get_by_role("radio", name="Reconstruction")).to_be_checked()


def test_fewer_bars_and_back_do_not_stop_the_music(page: Page, app_address: str) -> None:
    player = open_reconstruct(page, app_address)
    play(player)
    player.evaluate(WATCH)
    slider = page.locator("[data-testid=stSlider] input[type=range]").last
    slider.focus()
    slider.press("ArrowLeft")
    expect(Lane(player).grid).to_have_attribute("aria-colcount", "48", timeout=WAIT_MS)
    slider.press("ArrowRight")
    expect(Lane(player).grid).to_have_attribute("aria-colcount", "64", timeout=WAIT_MS)
    settle(page)
    seen = watched(page)
    assert (seen[:, 3] == 1).all()
    assert (np.diff(seen[:, 1]) >= 0).all(), "loops are counted anew"
    assert player.evaluate("root => root.transport.isPlaying")


def test_both_grooves_are_shown_and_the_chosen_one_is_heard(page: Page, app_address: str) -> None:
    g = shared(straight())
    player = open_groove(page, app_address, straight())
    captions = player.locator(".lane .caption")
    expect(captions).to_have_text(["Original, bar 1", "Reconstruction, bar 1"])
    tap(player)
    play(player)
    at = wait_for_loop(player, 1)
    player.get_by_role("radio", name="Reconstruction").click()
    expect(player.locator(".lane.heard .caption")).to_have_text("Reconstruction, bar 1")
    place_b = wait_for_loop(player, 3)
    capture = untap(player)
    with wave.open(io.BytesIO(download(page, "Reconstruction, WAV"))) as file:
        rebuilt = np.frombuffer(file.readframes(file.getnframes()), dtype="<i2") / 32_767
    assert began(place_b, g) == pytest.approx(began(at, g), abs=1e-3)
    original = synth.render(g, loop=True)
    for loop, wanted, other in ((0, original, rebuilt), (2, rebuilt, original)):
        start = began(at, g) + loop * g.duration_seconds + 0.3  # behind what rang on
        got = capture.between(start, start + 1.5)
        there = slice(round(0.3 * SAMPLE_RATE), round(0.3 * SAMPLE_RATE) + len(got.samples))
        like, unlike = (np.corrcoef(got.samples[got.is_there], w[there][got.is_there])[0, 1] for w in (wanted, other))
        assert like > 0.98 > unlike, loop


def test_leaving_the_page_ends_the_music(page: Page, app_address: str) -> None:
    player = open_reconstruct(page, app_address)
    play(player)
    player.evaluate("root => (window.left = root.transport)")
    page.get_by_test_id("stTopNavLink").filter(has_text="About").click()
    page.wait_for_function("() => !window.left.isPlaying", timeout=WAIT_MS)


def test_sounds_that_did_not_load_are_asked_for_again(page: Page, app_address: str) -> None:
    page.route(re.compile(r"/media/"), lambda route: route.abort() if is_kit(route.request) else route.fallback())
    player = open_reconstruct(page, app_address)
    expect(player.get_by_role("status")).to_contain_text("No sound")
    page.unroute_all()
    play(player)


def test_the_kit_is_fetched_once(context: BrowserContext, app_address: str) -> None:
    asked: list[str] = []
    for visit in (1, 2):
        page = context.new_page()
        page.on("request", lambda request: asked.append(request.url) if is_kit(request) else None)
        player = open_reconstruct(page, app_address)
        play(player)
        page.close()
        assert len(asked) == 1, f"visit {visit}"


def is_kit(request: Any) -> bool:
    return bool(request.url.endswith(".wav")) and "/media/" in request.url


# -- mouse -------------------------------------------------------------------------


def test_a_mouse_edits_the_groove_and_python_hears_of_it(page: Page, app_address: str) -> None:
    g = straight()
    player = open_groove(page, app_address, g)
    lane = Lane(player)
    expect_n_hits(page, 12)

    lane.click("kick", 6)
    expect_n_hits(page, 13)
    assert hits_in(download_midi(page, "Original"), "kick", 6) == [(6.0, 100)]
    lane.click("snare", 4)
    expect_n_hits(page, 12)
    assert hits_in(download_midi(page, "Original"), "snare", 4) == []

    with awaited(page):
        lane.drag("kick", 8, 0, 40)  # down
    ((position, softer),) = hits_in(download_midi(page, "Original"), "kick", 8)
    assert (position, softer) == (8.0, 112 - 36)
    with awaited(page):
        lane.drag("kick", 8, 0, -20)
    assert hits_in(download_midi(page, "Original"), "kick", 8) == [(8.0, softer + 18)]

    page.keyboard.down("Shift")
    with awaited(page):
        lane.drag("snare", 12, 0.3 * lane.step_px, 0)
    page.keyboard.up("Shift")
    ((late, velocity),) = hits_in(download_midi(page, "Original"), "snare", 12)
    assert late == pytest.approx(12.3, abs=0.02)
    assert velocity == 108

    lane.click("snare", 12, button="right")
    expect_n_hits(page, 13)
    (_, main), (grace, softer_velocity) = hits_in(download_midi(page, "Original"), "snare", 12)
    assert (main, softer_velocity) == (108, 49)
    assert grace == pytest.approx(12.05, abs=0.02)

    for _ in range(5):
        player.get_by_role("button", name="Undo").click()
    expect_n_hits(page, 13)
    player.get_by_role("button", name="Undo").click()
    expect_n_hits(page, 12)
    expect(player.get_by_role("button", name="Undo")).to_be_disabled()
    assert download_midi(page, "Original") == shared(g)
    player.get_by_role("button", name="Redo").click()
    expect_n_hits(page, 13)
    page.get_by_role("button", name="Back to the pattern as it was").click()
    expect_n_hits(page, 12)
    expect(page.get_by_role("button", name="Back to the pattern as it was")).to_have_count(0)
    expect(player.get_by_role("button", name="Undo")).to_be_disabled()
    expect(lane.dots).to_have_count(12)


def test_a_roll_is_drawn_stroke_by_stroke_and_edited_as_one(page: Page, app_address: str) -> None:
    """Eight strokes in a 16th, soft to loud, and the tail of a roll that is pushed at the end."""
    hats = [("closed_hat", 3.5 + k / 8, 20 + 10 * k) for k in range(8)]
    g = groove(("kick", 0, 110), *hats, ("snare", 15, 90), ("snare", 15.5, 80), ("snare", 15.75, 70))
    player = open_groove(page, app_address, g)
    lane, undo = Lane(player), player.get_by_role("button", name="Undo")
    expect_n_hits(page, 12)
    strokes = lane.grid.locator(".stroke").evaluate_all(
        "all => all.map((s) => [s.getAttribute('x'), s.getAttribute('height')].map(Number)).sort((a, b) => a[0] - b[0])"
    )
    assert len(strokes) == 11
    places, heights = zip(*strokes, strict=True)
    assert min(np.diff(places)) > 1  # none on another
    assert heights[:8] == tuple(sorted(set(heights[:8])))

    with awaited(page):
        lane.drag("closed_hat", 4, 0, 50)  # the loudest, of 90, goes to 45
    dragged = [v for _, v in hits_in(download_midi(page, "Original"), "closed_hat", 4)]
    assert dragged == [45, 40, 35, 30, 25, 20, 15, 10]
    lane.click("closed_hat", 4)
    expect_n_hits(page, 4)
    undo.click()
    expect_n_hits(page, 12)
    lane.click("snare", 15)
    expect_n_hits(page, 9)
    undo.click()
    expect_n_hits(page, 12)
    lane.click("closed_hat", 8)
    for n in (14, 15, 16, 18, 20, 13):
        player.page.keyboard.press("r")
        expect_n_hits(page, n)
    player.get_by_role("button", name="Roll").click()
    expect_n_hits(page, 14)
    rolled = download_midi(page, "Original")
    assert [hits_in(rolled, "closed_hat", step) for step in (8, 9)] == [
        [(8.0, 45)],
        [(8.5, 45)],
    ]  # as loud as the last drag


def test_a_drag_that_ends_outside_is_one_edit(page: Page, app_address: str) -> None:
    player = open_groove(page, app_address, straight())
    lane = Lane(player)
    lane.drag("closed_hat", 3, 0, -300)
    expect_n_hits(page, 13)
    assert hits_in(download_midi(page, "Original"), "closed_hat", 3) == [(3.0, 127)]
    player.get_by_role("button", name="Undo").click()
    expect_n_hits(page, 12)


# -- keys --------------------------------------------------------------------------


def test_everything_can_be_done_with_keys(page: Page, app_address: str) -> None:
    player = open_groove(page, app_address, straight(2))
    lane = Lane(player)
    expect(player.get_by_role("toolbar", name="Player")).to_be_visible()
    expect(player.get_by_role("radiogroup", name="What is heard").get_by_role("radio")).to_have_count(2)
    expect(lane.grid.get_by_role("row").get_by_role("gridcell")).to_have_count(1)
    player.get_by_role("button", name="Play").focus()
    for _ in range(40):
        if lane.cell().evaluate("cell => cell.getRootNode().activeElement === cell"):
            break
        page.keyboard.press("Tab")
    cell, keys = lane.cell(), page.keyboard
    expect(cell).to_be_focused()
    expect(cell).to_have_accessible_name("Closed hat, bar 1, beat 1, velocity 90")

    keys.press("ArrowRight")
    expect(cell).to_have_accessible_name("Closed hat, bar 1, beat 1.25, empty")
    expect(cell).to_be_focused()
    keys.press("ArrowDown")
    keys.press("PageDown")
    expect(cell).to_have_accessible_name("Snare, bar 2, beat 1, empty")
    for key, place_name in (("End", "bar 2, beat 4.75"), ("Home", "bar 1, beat 1"), ("ArrowLeft", "bar 1, beat 1")):
        keys.press(key)
        expect(cell).to_have_accessible_name(f"Snare, {place_name}, empty")

    keys.press("Enter")
    expect(cell).to_have_accessible_name("Snare, bar 1, beat 1, velocity 100")
    expect(cell).to_have_attribute("aria-selected", "true")
    expect_n_hits(page, 25)
    keys.press("3")
    expect(cell).to_have_accessible_name("Snare, bar 1, beat 1, velocity 42")
    keys.press("Shift+ArrowUp")
    expect(cell).to_have_accessible_name("Snare, bar 1, beat 1, velocity 48")
    keys.press("Shift+ArrowRight")
    keys.press("Shift+ArrowRight")
    expect(cell).to_have_accessible_name("Snare, bar 1, beat 1, velocity 48, 10 % of a step late")
    keys.press("f")
    expect(cell).to_have_accessible_name(
        "Snare, bar 1, beat 1, velocity 48, 10 % of a step late, with a second hit of 22"
    )
    expect_n_hits(page, 26)
    # MIDI holds nothing before its beginning, but a loop does.
    assert hits_in(download_midi(page, "Original"), "snare", 0)[0] == (pytest.approx(0.1, abs=0.01), 48)
    cell.focus()
    keys.press("Delete")
    expect(cell).to_have_accessible_name("Snare, bar 1, beat 1, empty")
    expect_n_hits(page, 24)
    keys.press("Control+z")
    expect_n_hits(page, 26)
    keys.press("Control+y")
    expect_n_hits(page, 24)

    with awaited(page):
        keys.press(".")
    shifted = download_midi(page, "Original")
    assert hits_in(shifted, "kick", 1) == [(1.0, 110)]
    assert hits_in(shifted, "kick", 16) == [(16.0, 110)]  # of the other bar
    cell.focus()
    keys.press("Control+Delete")  # the snare
    expect_n_hits(page, 20)
    # Its row stays under the hand.
    expect(cell).to_have_accessible_name("Snare, bar 1, beat 1, empty")
    expect(cell).to_be_focused()

    keys.press("M")  # caps lock is on
    expect(player.get_by_role("button", name="Mute snare")).to_have_attribute("aria-pressed", "true")
    keys.press("s")
    expect(player.get_by_role("button", name="Solo snare")).to_have_attribute("aria-pressed", "true")
    keys.press("Space")
    page.wait_for_function("root => root.transport.isPlaying", arg=player.element_handle())
    keys.press("x")
    expect(player.get_by_role("radio", name="Reconstruction")).to_be_checked()
    keys.press("Space")
    page.wait_for_function("root => !root.transport.isPlaying", arg=player.element_handle())
    expect(page.get_by_test_id("stException")).to_have_count(0)


def test_the_row_of_a_drum_stays_when_its_last_hit_goes(page: Page, app_address: str) -> None:
    g = groove(("kick", 0, 100), ("ride", 4, 90), ("crash", 0, 100))
    player = open_groove(page, app_address, g)
    lane = Lane(player)
    rows = lane.voices
    lane.click("crash", 0)
    expect_n_hits(page, 2)
    settle(page)
    assert lane.voices == rows
    expect(lane.cell()).to_have_accessible_name("Crash, bar 1, beat 1, empty")
    player.get_by_role("button", name="All drums").click()
    expect(lane.cell()).to_have_accessible_name("Crash, bar 1, beat 1, empty")
    assert len(lane.voices) == N_VOICES


# -- fingers -----------------------------------------------------------------------


@pytest.fixture
def phone(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 375, "height": 812}, has_touch=True, is_mobile=True)
    yield context.new_page()
    context.close()


class Finger:
    """Touches as the screen reports them, so that the browser itself tells a scroll from a tap."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.session: CDPSession = page.context.new_cdp_session(page)

    def _send(self, kind: str, *points: tuple[float, float]) -> None:
        touches = [{"x": x, "y": y} for x, y in points]
        self.session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": touches})

    def down(self, x: float, y: float) -> None:
        self.at = (x, y)
        self._send("touchStart", self.at)

    def move(self, dx: float, dy: float, n: int = 8) -> None:
        x, y = self.at
        for i in range(1, n + 1):
            self._send("touchMove", (x + dx * i / n, y + dy * i / n))
        self.at = (x + dx, y + dy)

    def up(self) -> None:
        self._send("touchEnd")

    def cancel(self) -> None:
        self._send("touchCancel")

    def tap(self, x: float, y: float) -> None:
        self.down(x, y)
        self.up()


def test_a_finger_taps_scrolls_and_holds(phone: Page, app_address: str) -> None:
    g = straight(4)
    player = open_groove(phone, app_address, g)
    lane, finger = Lane(player), Finger(phone)
    n = len(g)
    expect(lane.dots).to_have_count(n)

    finger.tap(*lane.middle("kick", 3))
    expect_n_hits(phone, n + 1)
    settle(phone)  # and no second tap
    finger.tap(*lane.middle("kick", 3))
    expect_n_hits(phone, n)
    settle(phone)

    twice = lane.middle("snare", 4)
    finger.tap(*twice)
    finger.tap(*twice)
    expect_n_hits(phone, n + 1)
    (_, main), (grace, _) = hits_in(download_midi(phone, "Original"), "snare", 4)
    assert main == 105
    assert grace < 4
    player.get_by_role("button", name="Undo").click()  # two taps are one edit
    expect_n_hits(phone, n)
    player.get_by_role("button", name="Redo").click()
    expect_n_hits(phone, n + 1)

    # A finger that rests has the hit in its hand: up is louder.
    finger.down(*lane.middle("snare", 2))
    expect(lane.dots).to_have_count(n + 2)
    finger.move(0, -20)
    expect(player.get_by_role("status")).to_contain_text("Snare, bar 1, beat 1.5, velocity 118")
    finger.up()
    expect_n_hits(phone, n + 2)
    assert hits_in(download_midi(phone, "Original"), "snare", 2) == [(2.0, 118)]

    # One that moves at once scrolls.
    scroller = player.locator(".scroller")
    assert scroller.evaluate("s => s.scrollLeft") == 0
    finger.down(*lane.middle("kick", 5))
    finger.move(-90, 0)
    finger.up()
    phone.wait_for_function("s => s.scrollLeft > 30", arg=scroller.element_handle())
    settle(phone)
    expect(lane.dots).to_have_count(n + 2)
    expect_n_hits(phone, n + 2)


def test_a_hold_that_the_system_ends_changes_nothing(phone: Page, app_address: str) -> None:
    player = open_groove(phone, app_address, straight())
    lane, finger = Lane(player), Finger(phone)
    finger.tap(*lane.middle("kick", 2))
    expect_n_hits(phone, 13)
    finger.down(*lane.middle("snare", 2))
    expect(lane.dots).to_have_count(14)
    finger.cancel()
    expect(lane.dots).to_have_count(13)
    # Nor does it stand in the way of what comes next.
    player.get_by_role("button", name="Undo").click()
    expect(lane.dots).to_have_count(12)
    expect_n_hits(phone, 12)


def test_a_phone_has_room_for_fingers(phone: Page, app_address: str) -> None:
    player = open_reconstruct(phone, app_address)
    for area in ("document.documentElement", "document.querySelector('[data-testid=stMain]')"):
        assert phone.evaluate(f"{area}.scrollWidth - {area}.clientWidth") <= 0
    assert Lane(player).step_px >= 15
    box = player.get_by_role("button", name="Play").bounding_box()
    assert box is not None
    assert min(box["width"], box["height"]) >= 44


# -- looks -------------------------------------------------------------------------


def test_the_player_follows_the_theme(browser: Browser, app_address: str) -> None:
    context = browser.new_context(color_scheme="light")
    page = context.new_page()
    player = open_reconstruct(page, app_address)
    play(player)
    app, names = page.get_by_test_id("stApp"), player.locator(".names").first
    parts = (".caption", ".name", ".legend", ".choice button", ".help summary", "label span", ".loops")
    for scheme in ("light", "dark", "light"):
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        page.wait_for_function(
            "([app, is_dark]) => is_dark === getComputedStyle(app).backgroundColor.match(/[0-9]+/g)[0] < 100",
            arg=[app.element_handle(), scheme == "dark"],
        )
        expect(names).to_have_css("background-color", app.evaluate("e => getComputedStyle(e).backgroundColor"))
        ground = color(app, "backgroundColor")
        for part in parts:
            assert contrast(ink(player.locator(part), ground), ground) > 4.5, (scheme, part)
        play_button, playhead = player.locator(".play"), player.locator(".playhead")
        assert contrast(color(play_button, "color"), color(play_button, "backgroundColor")) > 3, (
            scheme
        )  # a sign, no text
        assert contrast(color(playhead, "backgroundColor"), ground) > 3, scheme
    assert player.evaluate("root => root.transport.isPlaying")
    context.close()


# -- links -------------------------------------------------------------------------


def test_a_link_opens_the_groove_as_it_was_edited(browser: Browser, context: BrowserContext, app_address: str) -> None:
    allow_clipboard(context)
    page = context.new_page()
    player = open_groove(page, app_address, straight())
    lane = Lane(player)
    with awaited(page):
        lane.drag("kick", 6, 0, 20)
    page.keyboard.down("Shift")
    with awaited(page):
        lane.drag("snare", 12, 0.3 * lane.step_px, 0)
    page.keyboard.up("Shift")
    expect_n_hits(page, 13)
    here = download_midi(page, "Original")
    assert hits_in(here, "snare", 12) == [(pytest.approx(12.3, abs=0.02), 108)]
    player.get_by_role("button", name="Copy link").click()
    expect(player.get_by_role("status")).to_have_text("Link copied.")
    link = page.evaluate("() => navigator.clipboard.readText()")
    assert link.startswith(app_address)

    elsewhere = browser.new_context()
    other = elsewhere.new_page()
    there = open_reconstruct(other, link)
    expect(Lane(there).dots).to_have_count(13)
    assert download_midi(other, "Original") == here
    found = share.from_text(parse_qs(urlsplit(link).query)["g"][0]).groove
    assert hits_in(found, "kick", 6) == [(6.0, 82)]
    assert len(found) == 13
    elsewhere.close()


def test_a_damaged_link_is_a_sentence_and_the_page_lives(page: Page, app_address: str) -> None:
    text = share.to_text(straight())
    middle = len(text) // 2
    damaged = text[:middle] + ("A" if text[middle] != "A" else "B") + text[middle + 1 :]
    player = open_reconstruct(page, f"{app_address}/?g={damaged}")
    expect(page.get_by_test_id("stAlert")).to_contain_text("link")
    expect(page.get_by_test_id("stException")).to_have_count(0)
    play(player)
