"""The deck in a real browser: its sound against `synth`, its hands, its looks. See `deck_app` for what is around it."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pytest
from listening import (
    HATS,
    SAMPLE_RATE,
    WATCH,
    assert_it_went_on,
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
    watched,
)
from playing import RICH, RINGING, groove, made, shared, straight
from playwright.sync_api import Browser, Locator, Page, expect
from tabs import Tabs
from test_deck_modules import sent
from visiting import (
    WAIT_MS,
    Finger,
    Lane,
    allow_clipboard,
    awaited,
    color,
    contrast,
    expect_n_hits,
    hits_in,
    ink,
    label,
    open_deck,
    open_groove,
    settle,
    take_home,
)

from rhythmvae import share
from rhythmvae.data.examples import example
from rhythmvae.groove import Tempo
from rhythmvae.kit import N_VOICES, VOICE_INDEX, VOICES
from rhythmvae.midi.read import read_midi
from rhythmvae.sound import synth

pytestmark = pytest.mark.browser

VOLUME = 0.9  # of the deck, as it comes
KICK, SNARE, HAT = VOICE_INDEX["kick"], VOICE_INDEX["snare"], VOICE_INDEX["closed_hat"]
MENU = "stTopNavLink"
GAP_SECONDS = 0.005  # longer, and one hears it


# -- sound ----------------------------------------------------------------------


def test_the_loop_sounds_as_the_server_renders_it(page: Page, deck_address: str) -> None:
    g = shared(RICH)
    deck = open_groove(page, deck_address, RICH)
    tap(deck)
    play(deck)
    muted = [KICK, VOICE_INDEX["crash"]]
    alone = [v for v in range(N_VOICES) if v != VOICE_INDEX["open_hat"]]
    # Loop 0 has no end of a loop before it, so 1 is the first that is like all others.
    at = wait_for_loop(deck, 3)
    for voice in ("kick", "crash"):
        deck.get_by_role("button", name=f"Mute {label(voice).lower()}").click()
    wait_for_loop(deck, 6)
    deck.get_by_role("button", name="Solo open hat").click()
    wait_for_loop(deck, 9)
    capture = untap(deck)

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


def test_time_stands_while_the_page_is_busy(page: Page, deck_address: str) -> None:
    g = shared(HATS)
    deck = open_groove(page, deck_address, HATS)
    lane = Lane(deck)
    # A voice that nobody hears takes the edits, so that the rest must sound as if nothing happened.
    deck.get_by_role("button", name="Mute crash").click()
    settle(page)
    struck = {5}
    free = [s for s in range(16) if s != 5]

    def disturb(n: int) -> None:
        """An edit, its run and its echo; a change of the mixer and its run."""
        lane.click("crash", free[n % len(free)])
        struck.symmetric_difference_update({free[n % len(free)]})
        deck.get_by_role("button", name="Mute snare").click()
        expect_n_hits(page, len(g) - 1 + len(struck))

    heard = listen_while(deck, g, 18, disturb, at_least=6)
    errors = onset_errors(heard.capture, g, HAT, heard.began)
    assert len(errors) >= 2 * 13 * 7
    assert np.abs(errors).max() < 3e-3
    assert seam_error(heard.capture, g, HAT, heard.began) < 1e-3
    assert heard.stats["late"] == 0


# Once all is planned that is planned ahead, the page is held up for some seconds of sound: when, on the audio clock.
HOLD_UP = """async ([root, seconds, lanes]) => {
  const { transport } = root;
  const { context } = transport;
  while (transport.plannedSeconds < 3.8) await new Promise((done) => setTimeout(done, 5));
  for (const lane of lanes) transport.swap(lane, true); // by a hand that moves
  const from = context.currentTime;
  while (context.currentTime < from + seconds);
  return context.currentTime;
}"""


def test_no_stroke_is_late_or_lost_while_the_page_is_held_up(page: Page, deck_address: str) -> None:
    g = shared(HATS)
    deck = open_groove(page, deck_address, HATS)
    tap(deck)
    play(deck)
    at = wait_for_loop(deck, 0)
    softer = [sent(g.with_hits(g.position, g.voice, np.where(g.voice == HAT, v, g.velocity))) for v in (110, 100)]
    page.evaluate(HOLD_UP, [deck.element_handle(), 3, []])
    until = page.evaluate(HOLD_UP, [deck.element_handle(), 2, softer])
    wait_for_loop(deck, place(deck).loops + 1)
    capture = untap(deck)
    heard = capture.between(capture.start, until + 0.5)
    errors = onset_errors(heard, g, HAT, began(at, g), others=[VOICE_INDEX["crash"]])
    assert len(errors) >= 2 * 5 * 4
    assert np.abs(errors).max() < 3e-3


# -- what goes on while it plays ---------------------------------------------------


def test_what_comes_from_python_does_not_stop_the_music(page: Page, deck_address: str) -> None:
    deck = open_deck(page, deck_address)
    funk, rock = example("funk"), example("rock")
    assert funk.n_steps == rock.n_steps
    play(deck)
    deck.evaluate(WATCH)
    # An edit, heard at once, and what Python makes of it.
    Lane(deck).click("kick", 5)
    expect_n_hits(page, len(funk) + 1)
    # The other groove at the same place, there and back.
    deck.get_by_role("radio", name="Result").click()
    expect(deck.get_by_role("radio", name="Result")).to_be_checked()
    Lane(deck).cell().press("x")
    expect(deck.get_by_role("radio", name="Original")).to_be_checked()
    deck.get_by_role("radio", name="Result").click()
    # Another pattern.
    pattern = page.get_by_role("combobox", name="Pattern")
    pattern.fill("Rock")
    pattern.press("Enter")
    expect_n_hits(page, len(rock))
    settle(page)
    seen = watched(page)
    after = place(deck)
    assert_it_went_on(seen, funk.n_steps, funk.tempos[0].bpm, rock.tempos[0].bpm)
    assert after.loops * 64 + after.step >= seen[-1, 1] * 64 + seen[-1, 2] - 0.1
    expect(deck.get_by_role("button", name="Pause", exact=True)).to_be_visible()
    expect(deck.get_by_role("radio", name="Result")).to_be_checked()


def test_fewer_bars_and_back_do_not_stop_the_music(page: Page, deck_address: str) -> None:
    deck = open_deck(page, deck_address)
    play(deck)
    deck.evaluate(WATCH)
    slider = page.get_by_role("slider", name="Bars")
    slider.focus()
    slider.press("ArrowLeft")
    expect(Lane(deck).grid).to_have_attribute("aria-colcount", "48", timeout=WAIT_MS)
    slider.press("ArrowRight")
    expect(Lane(deck).grid).to_have_attribute("aria-colcount", "64", timeout=WAIT_MS)
    settle(page)
    seen = watched(page)
    assert (seen[:, 3] == 1).all(), "another deck plays"
    assert (np.diff(seen[:, 1]) >= 0).all(), "loops are counted anew"
    assert deck.evaluate("root => root.transport.isPlaying")


def test_the_chosen_one_is_shown_and_heard(page: Page, deck_address: str) -> None:
    g = shared(straight())
    deck = open_groove(page, deck_address, straight())
    grid = deck.get_by_role("grid")
    expect(grid).to_have_accessible_name(re.compile("^Original, bar 1: 12 hits in 1 bar$"))
    tap(deck)
    play(deck)
    at = wait_for_loop(deck, 1)
    deck.get_by_role("radio", name="Result").click()
    expect(grid).to_have_accessible_name(re.compile("^Result, bar 1: .* lost, .* added, .* moved$"))
    place_b = wait_for_loop(deck, 4)
    capture = untap(deck)
    assert began(place_b, g) == pytest.approx(began(at, g), abs=1e-3)
    original, result = (synth.render(one, loop=True) for one in (g, made(g, 1)))
    for loop, wanted, other in ((0, original, result), (3, result, original)):
        start = began(at, g) + loop * g.duration_seconds + 0.3  # behind what rang on
        got = capture.between(start, start + 1.5)
        there = slice(round(0.3 * SAMPLE_RATE), round(0.3 * SAMPLE_RATE) + len(got.samples))
        like, unlike = (np.corrcoef(got.samples[got.is_there], w[there][got.is_there])[0, 1] for w in (wanted, other))
        assert like > 0.95 > unlike, loop  # a snare half a sample off makes 0.976, the other groove 0.74


def go(page: Page, title: str) -> None:
    """By the menu, until the page is there."""
    page.get_by_test_id(MENU).filter(has_text=title).click()
    expect(page.locator("h1")).to_have_text(title, timeout=WAIT_MS)
    settle(page)


def test_the_music_goes_on_from_page_to_page(page: Page, deck_address: str) -> None:
    """And where a result goes with its page, the original takes over at a bar line, without a gap."""
    deck = open_groove(page, deck_address, RINGING)
    play(deck)
    deck.get_by_role("radio", name="Result").click()
    wait_for_loop(deck, 1)
    tap(deck)
    deck.evaluate(WATCH)
    for title in ("Cards", "Nothing", "Result"):
        go(page, title)
        expect(page.locator(".deck")).to_have_count(1)
        expect(deck.get_by_role("radio")).to_have_count(2 if title == "Result" else 0)
    expect(deck.get_by_role("radio", name="Result")).to_be_checked()  # it is there again
    page.go_back()
    expect(page.locator("h1")).to_have_text("Nothing", timeout=WAIT_MS)
    settle(page)
    loops = place(deck).loops
    wait_for_loop(deck, loops + 1)
    expect(deck.get_by_role("grid")).to_have_accessible_name(re.compile("^Original"))
    bpm = RINGING.tempos[0].bpm
    assert_it_went_on(watched(page), RINGING.n_steps, bpm, bpm)
    assert untap(deck).silences(GAP_SECONDS) == []
    assert deck.evaluate("root => root.transport.stats.late") == 0


def test_a_card_is_heard_in_time_and_by_its_name(page: Page, deck_address: str) -> None:
    deck = open_groove(page, deck_address, RINGING)
    go(page, "Cards")
    card = page.get_by_role("button", name="Hear Variation 2: Note 2")
    card.click()  # and it plays
    title = deck.locator(".title b")
    expect(title).to_have_text("Variation 2")
    expect(card).to_have_attribute("aria-pressed", "true")
    expect(page.get_by_role("button", name=re.compile("^(Play|Pause)$"))).to_have_count(1)  # there is no other
    page.wait_for_function("root => root.transport.position()?.step > 1", arg=deck.element_handle())
    tap(deck)
    deck.evaluate(WATCH)
    page.get_by_role("button", name="Hear Variation 3: Note 3").click()
    expect(title).to_have_text("Variation 3")
    page.get_by_role("button", name="Keep: Variation 3").click()
    expect(page.get_by_text("Act: ('card 3', 'keep')")).to_be_visible()
    expect(title).to_have_text("Variation 3")
    assert take_home(deck).title == "Made 3"
    page.get_by_role("button", name="Hear Variation 3: Note 3").click()
    expect(title).to_have_text("Untitled")
    assert take_home(deck) == shared(RINGING)
    with page.expect_download(timeout=WAIT_MS) as waiting:  # one that is not heard
        page.get_by_role("button", name="MIDI: Variation 1").click()
    assert read_midi(Path(waiting.value.path()).read_bytes(), "card.mid")[0].title == "Made 1"
    expect(title).to_have_text("Untitled")
    bpm = RINGING.tempos[0].bpm
    assert_it_went_on(watched(page), RINGING.n_steps, bpm, bpm)
    assert untap(deck).silences(GAP_SECONDS) == []


def test_a_result_of_another_groove_is_heard_by_its_own_name(page: Page, deck_address: str) -> None:
    deck = open_groove(page, deck_address, RINGING)
    title, facts = deck.locator(".title b"), deck.locator(".title small")
    deck.get_by_role("radio", name="Result").click()
    expect(title).to_have_text("Untitled")
    go(page, "Another")
    expect(title).to_have_text("Another groove")
    expect(facts).to_contain_text("3/4")
    deck.get_by_role("radio", name="Original").click()
    expect(title).to_have_text("Untitled")
    expect(facts).to_contain_text("4/4")


def test_sound_comes_back_after_an_interruption(page: Page, deck_address: str) -> None:
    deck = open_groove(page, deck_address, RINGING)
    play(deck)
    before = place(deck)
    deck.evaluate("root => root.transport.context.suspend()")
    page.wait_for_function("root => root.transport.isHeard", arg=deck.element_handle())
    wait_for_loop(deck, before.loops + 1)
    expect(deck.get_by_role("button", name="Pause", exact=True)).to_be_visible()


def test_pause_keeps_the_place(page: Page, deck_address: str) -> None:
    # So slow that it does not begin anew before a hand comes to the button, however long that takes.
    deck = open_groove(page, deck_address, replace(RINGING, tempos=(Tempo(0.0, 20.0),)))
    play(deck)
    page.wait_for_function("root => root.transport.position().step > 3", arg=deck.element_handle())
    deck.get_by_role("button", name="Pause", exact=True).click()
    assert not deck.evaluate("root => root.transport.isPlaying")
    deck.get_by_role("button", name="Play", exact=True).click()
    page.wait_for_function("root => root.transport.isPlaying", arg=deck.element_handle())
    assert place(deck).step > 3


def test_sounds_that_did_not_load_are_asked_for_again(page: Page, deck_address: str) -> None:
    page.route(re.compile(r"/media/"), lambda route: route.abort() if is_kit(route.request) else route.fallback())
    deck = open_deck(page, deck_address)
    expect(deck.get_by_role("status")).to_contain_text("No sound")
    page.unroute_all()
    play(deck)


def is_kit(request: Any) -> bool:
    return bool(request.url.endswith(".wav")) and "/media/" in request.url


# -- tempo -----------------------------------------------------------------------


def test_the_tempo_is_typed_stepped_and_tapped(page: Page, deck_address: str) -> None:
    deck = open_groove(page, deck_address, straight())
    bpm = deck.get_by_role("spinbutton", name="Tempo in beats per minute")
    expect(bpm).to_have_value("120")
    for typed, heard in (("300", 300), ("35", 35), ("7", 20), ("9999", 500)):
        bpm.fill(typed)
        bpm.press("Enter")
        expect(bpm).to_have_value(str(heard))
        expect(page.get_by_text(f"Heard at {heard / 120:.4f}")).to_be_visible()
        assert take_home(deck).tempos[0].bpm == pytest.approx(heard, rel=1e-4)
    deck.get_by_role("button", name="Slower").click()
    expect(bpm).to_have_value("499")
    bpm.fill("6")  # half of it, and meanwhile something else changes
    deck.get_by_role("button", name="Mute snare").evaluate("button => button.click()")
    expect(page.get_by_text(f"Heard at {499 / 120:.4f}, without ({VOICE_INDEX['snare']},)")).to_be_visible()
    settle(page)
    bpm.press_sequentially("0.5")
    expect(bpm).to_have_value("60.5")
    bpm.press("Tab")
    expect(bpm).to_have_value("60.5")
    expect(page.get_by_text(f"Heard at {60.5 / 120:.4f}")).to_be_visible()
    bpm.fill("499")
    bpm.press("Enter")
    expect(deck.locator(".title small")).to_have_text("499 BPM, 4/4, 1 bar")
    tapped = deck.get_by_role("button", name="Tap tempo").evaluate("""(tap) => new Promise((done) => {
      let [n, first, last] = [0, 0, 0];
      const again = () => {
        last = performance.now();
        first ||= last;
        tap.dispatchEvent(new PointerEvent("pointerdown"));
        if (++n === 5) done((60000 * 4) / (last - first));
        else setTimeout(again, 200);
      };
      again();
    })""")
    assert float(bpm.input_value()) == pytest.approx(tapped, abs=2)
    deck.get_by_role("button", name="More").click()
    deck.get_by_role("button", name="Back to its own tempo").click()
    expect(bpm).to_have_value("120")


@pytest.mark.parametrize("bpm", [300.0, 35.0, 7.0])
def test_a_file_comes_back_at_its_own_tempo(page: Page, deck_address: str, bpm: float) -> None:
    deck = open_groove(page, deck_address, groove(("kick", 0, 100), tempos=((0.0, bpm),)))
    play(deck)
    assert take_home(deck).tempos[0].bpm == pytest.approx(bpm, rel=1e-4)


# -- mouse -------------------------------------------------------------------------


def test_a_mouse_edits_the_groove_and_python_hears_of_it(page: Page, deck_address: str) -> None:
    g = straight()
    deck = open_groove(page, deck_address, g)
    lane = Lane(deck)
    expect_n_hits(page, 12)

    lane.click("kick", 6)
    expect_n_hits(page, 13)
    assert hits_in(take_home(deck), "kick", 6) == [(6.0, 100)]
    lane.click("snare", 4)
    expect_n_hits(page, 12)
    assert hits_in(take_home(deck), "snare", 4) == []

    with awaited(page):
        lane.drag("kick", 8, 0, 40)  # down
    ((position, softer),) = hits_in(take_home(deck), "kick", 8)
    assert (position, softer) == (8.0, 112 - 36)
    with awaited(page):
        lane.drag("kick", 8, 0, -20)
    assert hits_in(take_home(deck), "kick", 8) == [(8.0, softer + 18)]

    page.keyboard.down("Shift")
    with awaited(page):
        lane.drag("snare", 12, 0.3 * lane.step_px, 0)
    page.keyboard.up("Shift")
    ((late, velocity),) = hits_in(take_home(deck), "snare", 12)
    assert late == pytest.approx(12.3, abs=0.02)
    assert velocity == 108

    lane.click("snare", 12, button="right")
    expect_n_hits(page, 13)
    (_, main), (grace, softer_velocity) = hits_in(take_home(deck), "snare", 12)
    assert (main, softer_velocity) == (108, 49)
    assert grace == pytest.approx(12.05, abs=0.02)

    for _ in range(5):
        deck.get_by_role("button", name="Undo").click()
    expect_n_hits(page, 13)
    deck.get_by_role("button", name="Undo").click()
    expect_n_hits(page, 12)
    expect(deck.get_by_role("button", name="Undo")).to_be_disabled()
    assert take_home(deck) == shared(g)
    deck.get_by_role("button", name="Redo").click()
    expect_n_hits(page, 13)
    page.get_by_role("button", name="As it was").click()
    expect_n_hits(page, 12)
    expect(deck.get_by_role("button", name="Undo")).to_be_disabled()
    expect(lane.hits).to_have_count(12)


def test_a_roll_is_drawn_stroke_by_stroke_and_edited_as_one(page: Page, deck_address: str) -> None:
    """Eight strokes in a 16th, soft to loud, and the tail of a roll that is pushed at the end."""
    hats = [("closed_hat", 3.5 + k / 8, 20 + 10 * k) for k in range(8)]
    g = groove(("kick", 0, 110), *hats, ("snare", 15, 90), ("snare", 15.5, 80), ("snare", 15.75, 70))
    deck = open_groove(page, deck_address, g)
    lane, undo = Lane(deck), deck.get_by_role("button", name="Undo")
    expect_n_hits(page, 12)
    strokes = lane.hits_of("closed_hat").evaluate_all(
        """all => all.map((s) => ['x', 'height', 'width'].map((n) => Number(s.getAttribute(n))))
          .sort((a, b) => a[0] - b[0])"""
    )
    assert len(strokes) == 8
    places, heights, widths = zip(*strokes, strict=True)
    assert min(np.diff(places) - widths[:-1]) > 0  # none on another
    assert heights == tuple(sorted(set(heights)))  # the louder, the higher

    with awaited(page):
        lane.drag("closed_hat", 4, 0, 50)  # the loudest, of 90, goes to 45
    dragged = [v for _, v in hits_in(take_home(deck), "closed_hat", 4)]
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
        deck.page.keyboard.press("r")
        expect_n_hits(page, n)
    deck.get_by_role("button", name="More").click()
    deck.get_by_role("button", name="Roll").click()
    expect_n_hits(page, 14)
    rolled = take_home(deck)
    assert [hits_in(rolled, "closed_hat", step) for step in (8, 9)] == [
        [(8.0, 45)],
        [(8.5, 45)],
    ]  # as loud as the last drag


def test_a_drag_that_ends_outside_is_one_edit(page: Page, deck_address: str) -> None:
    deck = open_groove(page, deck_address, straight())
    lane = Lane(deck)
    lane.drag("closed_hat", 3, 0, -300)
    expect_n_hits(page, 13)
    assert hits_in(take_home(deck), "closed_hat", 3) == [(3.0, 127)]
    deck.get_by_role("button", name="Undo").click()
    expect_n_hits(page, 12)


def test_a_file_that_is_taken_at_once_holds_the_edit(page: Page, deck_address: str) -> None:
    deck = open_groove(page, deck_address, straight())
    lane = Lane(deck)
    for n in range(3):
        lane.click("kick", 5 + n)
        assert len(take_home(deck)) == 13 + n
    lane.click("snare", 4)
    deck.get_by_role("radio", name="Result").click()
    assert len(take_home(deck)) == 14  # of fourteen: one less, one more


# -- keys --------------------------------------------------------------------------


def test_everything_can_be_done_with_keys(page: Page, deck_address: str) -> None:
    deck = open_groove(page, deck_address, straight(2))
    lane = Lane(deck)
    expect(deck.get_by_role("radiogroup", name="What is heard").get_by_role("radio")).to_have_count(2)
    expect(lane.grid.get_by_role("row").get_by_role("gridcell")).to_have_count(1)
    deck.get_by_role("button", name="Play", exact=True).focus()
    for _ in range(40):
        if lane.cell().evaluate("cell => cell.getRootNode().activeElement === cell"):
            break
        page.keyboard.press("Tab")
    cell, keys = lane.cell(), page.keyboard
    expect(cell).to_be_focused()
    expect(cell).to_have_accessible_name("Ride, bar 1, beat 1, empty")

    for _ in range(6):
        keys.press("ArrowDown")
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
    assert hits_in(take_home(deck), "snare", 0)[0] == (pytest.approx(0.1, abs=0.01), 48)
    cell.focus()
    keys.press("Delete")
    expect(cell).to_have_accessible_name("Snare, bar 1, beat 1, empty")
    expect_n_hits(page, 24)
    keys.press("Control+z")
    expect_n_hits(page, 26)
    keys.press("Control+y")
    expect_n_hits(page, 24)

    keys.press(".")
    shifted = take_home(deck)  # which waits for the edit
    assert hits_in(shifted, "kick", 1) == [(1.0, 110)]
    assert hits_in(shifted, "kick", 16) == [(16.0, 110)]  # of the other bar
    cell.focus()
    keys.press("Control+Delete")  # the snare
    expect_n_hits(page, 20)
    # Its row stays under the hand.
    expect(cell).to_have_accessible_name("Snare, bar 1, beat 1, empty")
    expect(cell).to_be_focused()

    keys.press("M")  # caps lock is on
    expect(deck.get_by_role("button", name="Mute snare")).to_have_attribute("aria-pressed", "true")
    keys.press("s")
    expect(deck.get_by_role("button", name="Solo snare")).to_have_attribute("aria-pressed", "true")
    keys.press("Space")
    page.wait_for_function("root => root.transport.isPlaying", arg=deck.element_handle())
    keys.press("x")
    expect(deck.get_by_role("radio", name="Result")).to_be_checked()
    keys.press("Space")
    page.wait_for_function("root => !root.transport.isPlaying", arg=deck.element_handle())
    expect(page.get_by_test_id("stException")).to_have_count(0)


def is_playing(deck: Locator, is_it: bool = True) -> None:
    deck.page.wait_for_function(
        "([root, is]) => root.transport.isPlaying === is", arg=[deck.element_handle(), is_it], timeout=WAIT_MS
    )


def test_space_plays_wherever_the_focus_is(page: Page, deck_address: str) -> None:
    deck = open_groove(page, deck_address, straight())
    space = page.keyboard
    toggled = True
    for clicked in (
        page.locator("h1"),
        page.get_by_test_id(MENU).filter(has_text="Result"),
        page.get_by_text("Tick"),
        deck.get_by_role("radio", name="Result"),
        deck.get_by_role("button", name="Faster"),
        deck.get_by_role("button", name="Smaller"),
        page.locator(".strip"),
    ):
        clicked.click()
        settle(page)
        space.press("Space")
        is_playing(deck, toggled)
        toggled = not toggled
    page.get_by_role("slider", name="Amount").focus()
    space.press("Space")
    is_playing(deck, toggled)
    # Not in a text, nor on what Space works and a key has chosen.
    page.get_by_label("Words").click()
    space.press("Space")
    expect(page.get_by_label("Words")).to_have_value(" ")
    deck.get_by_role("button", name="Larger").focus()
    space.press("Space")
    expect(deck.get_by_role("grid")).to_be_visible()
    is_playing(deck, toggled)


# -- fingers -----------------------------------------------------------------------


def open_sheet(deck: Locator) -> Locator:
    deck.get_by_role("button", name="Open the grid").tap()
    expect(deck.get_by_role("grid")).to_be_visible()
    return deck


def test_a_finger_taps_scrolls_and_holds(phone: Page, deck_address: str) -> None:
    g = straight(4)
    deck = open_sheet(open_groove(phone, deck_address, g))
    lane, finger = Lane(deck), Finger(phone)
    n = len(g)
    expect(lane.hits).to_have_count(n)

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
    (_, main), (grace, _) = hits_in(take_home(deck), "snare", 4)
    assert main == 105
    assert grace < 4
    deck.get_by_role("button", name="Undo").click()  # two taps are one edit
    expect_n_hits(phone, n)
    deck.get_by_role("button", name="Redo").click()
    expect_n_hits(phone, n + 1)

    # A finger that rests has the hit in its hand: up is louder.
    finger.down(*lane.middle("snare", 2))
    expect(lane.hits).to_have_count(n + 2)
    finger.move(0, -20)
    expect(deck.get_by_role("status")).to_contain_text("Snare, bar 1, beat 1.5, velocity 118")
    finger.up()
    expect_n_hits(phone, n + 2)
    assert hits_in(take_home(deck), "snare", 2) == [(2.0, 118)]

    # One that moves at once goes to the next bar.
    expect(deck.locator(".bar-name")).to_have_text("Bar 1 of 4")
    finger.down(*lane.middle("kick", 12))
    finger.move(-200, 0)
    finger.up()
    expect(deck.locator(".bar-name")).to_have_text("Bar 2 of 4")
    settle(phone)
    expect(lane.hits).to_have_count(n + 2)
    expect_n_hits(phone, n + 2)


def test_a_hold_that_the_system_ends_changes_nothing(phone: Page, deck_address: str) -> None:
    deck = open_sheet(open_groove(phone, deck_address, straight()))
    lane, finger = Lane(deck), Finger(phone)
    finger.tap(*lane.middle("kick", 2))
    expect_n_hits(phone, 13)
    finger.down(*lane.middle("snare", 2))
    expect(lane.hits).to_have_count(14)
    finger.cancel()
    expect(lane.hits).to_have_count(13)
    # Nor does it stand in the way of what comes next.
    deck.get_by_role("button", name="Undo").click()
    expect(lane.hits).to_have_count(12)
    expect_n_hits(phone, 12)


def test_the_sheet_shows_one_bar_and_steps_from_bar_to_bar(phone: Page, deck_address: str) -> None:
    deck = open_sheet(open_groove(phone, deck_address, straight(3)))
    lane, name = Lane(deck), deck.locator(".bar-name")
    room = deck.locator(".scroller").evaluate("s => s.clientWidth - s.querySelector('.names').offsetWidth")
    assert 0.9 * room < 16 * lane.step_px <= room
    assert len(lane.voices) == N_VOICES
    box = lane.grid.bounding_box()
    assert box is not None
    assert box["y"] + box["height"] <= 844
    before, after = (deck.get_by_role("button", name=n) for n in ("Previous bar", "Next bar"))
    expect(before).to_be_disabled()
    for bar in (2, 3):
        after.tap()
        expect(name).to_have_text(f"Bar {bar} of 3")
    expect(after).to_be_disabled()
    before.tap()
    expect(name).to_have_text("Bar 2 of 3")
    deck.locator(".strip").tap(position={"x": 380, "y": 20})
    expect(name).to_have_text("Bar 3 of 3")
    # What lies behind cannot be reached.
    assert phone.locator("h1").evaluate("e => e.closest('[inert]') !== null")
    deck.get_by_role("button", name="Close the grid").tap()
    expect(deck.get_by_role("grid")).to_be_hidden()
    assert phone.locator("h1").evaluate("e => e.closest('[inert]') === null")


def test_back_closes_the_sheet_and_the_music_goes_on(phone: Page, deck_address: str) -> None:
    deck = open_groove(phone, deck_address, RINGING)
    title = phone.locator("h1")
    play(deck)
    here = phone.url
    open_sheet(deck)
    phone.go_back()
    expect(deck.get_by_role("grid")).to_be_hidden()
    assert (phone.url, title.inner_text()) == (here, "Result")
    open_sheet(deck)
    deck.get_by_role("button", name="Close the grid").tap()
    expect(deck.get_by_role("grid")).to_be_hidden()
    is_playing(deck)


def test_a_menu_of_a_drum_is_large_enough_for_a_finger(phone: Page, deck_address: str) -> None:
    deck = open_sheet(open_groove(phone, deck_address, straight()))
    deck.get_by_role("button", name="Snare", exact=True).tap()
    deck.get_by_role("button", name="Mute snare").tap()
    expect(deck.get_by_role("button", name="Mute snare")).to_have_attribute("aria-pressed", "true")
    expect(phone.get_by_text(f"without ({SNARE},)")).to_be_attached()
    clear = deck.get_by_role("group", name="Snare").get_by_role("button", name="Clear")
    deck.get_by_role("radio", name="Result").tap()
    clear.tap()
    expect(deck.get_by_role("status")).to_have_text("Only the original can be edited.")
    expect_n_hits(phone, 12)
    deck.get_by_role("radio", name="Original").tap()
    clear.tap()
    expect_n_hits(phone, 10)


def test_a_phone_has_room_for_fingers_and_for_the_page(phone: Page, deck_address: str) -> None:
    deck = open_deck(phone, deck_address)
    for area in ("document.documentElement", "document.querySelector('[data-testid=stMain]')"):
        assert phone.evaluate(f"{area}.scrollWidth - {area}.clientWidth") <= 0
    box = deck.bounding_box()
    assert box is not None
    assert (box["x"], box["width"]) == (0, 390)
    assert box["height"] <= 120
    assert box["y"] + box["height"] <= 844
    assert_large_enough(deck)
    phone.get_by_text("The last line").scroll_into_view_if_needed()
    phone.locator("[data-testid=stMain]").evaluate("main => main.scrollTo(0, 1e6)")
    last = phone.get_by_text("The last line").bounding_box()
    assert last is not None
    assert last["y"] + last["height"] <= box["y"]
    open_sheet(deck)
    deck.get_by_role("button", name="More").tap()
    deck.get_by_role("button", name="Kick", exact=True).tap()
    assert_large_enough(deck)
    assert deck.evaluate("e => e.scrollWidth - e.clientWidth") == 0


@pytest.mark.parametrize(("width", "height"), [(390, 844), (375, 667), (360, 640), (320, 568)])
def test_no_button_lies_on_another_on_a_small_phone(tabs: Tabs, deck_address: str, width: int, height: int) -> None:
    phone = tabs.open(width, height, is_phone=True)
    deck = open_deck(phone, deck_address)
    box = deck.bounding_box()
    assert box is not None
    assert box["height"] <= 120, "a strip and a row"
    open_sheet(deck)
    assert_apart(deck, width)
    deck.get_by_role("button", name="More", exact=True).tap()
    first = deck.locator(".more button:visible").first
    first.scroll_into_view_if_needed()
    expect(first).to_be_in_viewport(ratio=1)
    assert_apart(deck, width)


def assert_apart(deck: Locator, width: int) -> None:
    """Buttons that are in sight, but those of what scrolls."""
    boxes = deck.locator(":scope > :not(.scroller, .more) button:visible, :scope > button:visible").evaluate_all(
        "(all) => all.map((e) => [e.ariaLabel || e.textContent, e.getBoundingClientRect().toJSON()])"
    )
    assert len(boxes) > 10
    for i, (name, a) in enumerate(boxes):
        assert a["left"] >= 0, name
        assert a["right"] <= width, name
        for other, b in boxes[:i]:
            is_beside = a["right"] <= b["left"] + 0.5 or b["right"] <= a["left"] + 0.5
            assert is_beside or a["bottom"] <= b["top"] + 0.5 or b["bottom"] <= a["top"] + 0.5, (name, other)


def assert_large_enough(deck: Locator) -> None:
    """For a finger: 44 px each way; a drum's name is as high as its row."""
    small = deck.locator("button:visible, input:visible, summary:visible").evaluate_all(
        """(all) => all.map((e) => [e.ariaLabel || e.textContent, e.getBoundingClientRect()])
          .filter(([, box]) => box.width < 44 || box.height < 44).map(([name, box]) => [name, box.width, box.height])"""
    )
    drums = {voice.label for voice in VOICES}
    assert [each for each in small if each[0] not in drums] == []


# -- looks -------------------------------------------------------------------------


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_what_is_drawn_can_be_seen(tabs: Tabs, deck_address: str, scheme: str) -> None:
    page = tabs.open(color_scheme=scheme)
    every = groove(*((voice.key, 2 * n, 20) for n, voice in enumerate(VOICES)), n_steps=32)
    deck = open_groove(page, deck_address, every)
    grid = Lane(deck).grid
    lanes = [color(grid.locator(f".lane{n}"), "fill") for n in (0, 1)]
    for voice in VOICES:
        hit = grid.locator(f".hit[data-voice={voice.key}]")
        assert float(hit.evaluate("e => getComputedStyle(e).opacity")) == 1
        assert all(contrast(color(hit, "fill"), lane) >= 3 for lane in lanes), voice.key
    heights = {float(hit.get_attribute("height") or 0) for hit in grid.locator(".hit").all()}
    assert len(heights) == 1
    deck.get_by_role("radio", name="Result").click()
    lost, hole = grid.locator(".lost"), grid.locator(".hole")
    expect(lost).to_have_count(1)
    expect(hole).to_have_count(1)
    assert lost.evaluate("e => getComputedStyle(e).fill") == "none"
    expect(deck.locator(".legend")).to_contain_text("1 lost1 added")


def test_the_deck_follows_the_theme(page: Page, deck_address: str) -> None:
    deck = open_deck(page, deck_address)
    play(deck)
    deck.get_by_role("radio", name="Result").click()
    deck.get_by_role("button", name="More").click()
    app = page.get_by_test_id("stApp")
    parts = (".title b", ".title small", ".name", ".toggle", ".legend", "[aria-checked=false]", "summary", "label span")
    for scheme in ("light", "dark", "light"):
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        page.wait_for_function(
            "([app, is_dark]) => is_dark === getComputedStyle(app).backgroundColor.match(/[0-9]+/g)[0] < 100",
            arg=[app.element_handle(), scheme == "dark"],
        )
        ground = color(app, "backgroundColor")
        assert color(deck, "backgroundColor") == ground
        for part in parts:
            assert contrast(ink(deck.locator(part), ground), ground) > 4.5, (scheme, part)
        for part in (".play", "[aria-checked=true]", "[aria-expanded=true]"):
            found = deck.locator(part)
            assert contrast(color(found, "color"), color(found, "backgroundColor")) > 4.5, (scheme, part)
        assert contrast(color(deck.locator(".playhead").first, "backgroundColor"), ground) > 3, scheme
    assert deck.evaluate("root => root.transport.isPlaying")


def test_a_wide_deck_is_made_smaller_and_larger_and_stays_so(page: Page, deck_address: str) -> None:
    deck = open_deck(page, deck_address)
    grid, strip = deck.get_by_role("grid"), deck.locator(".strip")

    def height() -> float:
        box = deck.bounding_box()
        assert box is not None
        return box["height"]

    normal = height()
    assert normal < 350
    deck.get_by_role("button", name="Larger").click()
    expect(deck.get_by_role("button", name="Larger")).to_be_disabled()
    assert height() > normal + 90
    for _ in range(2):
        deck.get_by_role("button", name="Smaller").click()
    expect(grid).to_be_hidden()
    expect(strip).to_be_visible()
    assert height() < 130
    page.reload()
    expect(strip).to_be_visible(timeout=WAIT_MS)
    expect(grid).to_be_hidden()


def test_who_wants_no_motion_sees_steps(tabs: Tabs, deck_address: str) -> None:
    page = tabs.open(reduced_motion="reduce")
    deck = open_groove(page, deck_address, straight())
    play(deck)
    places = deck.locator(".grid .playhead").evaluate("""(head) => new Promise((done) => {
      const seen = new Set();
      const look = (n) => {
        seen.add(new DOMMatrix(head.style.transform).m41);
        if (n) requestAnimationFrame(() => look(n - 1));
        else done([...seen]);
      };
      look(40);
    })""")
    step = Lane(deck).step_px
    assert [round(x / step - 0.5, 2) % 1 for x in places] == [0] * len(places)


# -- links -------------------------------------------------------------------------


def test_a_link_opens_the_groove_as_it_was_edited(browser: Browser, page: Page, deck_address: str) -> None:
    allow_clipboard(page.context)
    deck = open_groove(page, deck_address, straight())
    lane = Lane(deck)
    expect_n_hits(page, 12)
    lane.drag("kick", 6, 0, 20)
    expect(lane.hits).to_have_count(13)
    expect_n_hits(page, 13)  # no run is counted: of a groove that Python has rebuilt before it may be too quick
    settle(page)
    page.keyboard.down("Shift")
    with awaited(page):
        lane.drag("snare", 12, 0.3 * lane.step_px, 0)
    page.keyboard.up("Shift")
    here = take_home(deck)
    assert hits_in(here, "snare", 12) == [(pytest.approx(12.3, abs=0.02), 108)]
    deck.get_by_role("button", name="Copy link").click()
    expect(deck.get_by_role("status")).to_have_text("Link copied.")
    link = page.evaluate("() => navigator.clipboard.readText()")
    assert link.startswith(deck_address)

    elsewhere = browser.new_context()
    other = elsewhere.new_page()
    there = open_deck(other, link)
    expect(Lane(there).hits).to_have_count(13)
    assert take_home(there) == here
    found = share.from_text(parse_qs(urlsplit(link).query)["g"][0]).groove
    assert hits_in(found, "kick", 6) == [(6.0, 82)]
    assert len(found) == 13
    elsewhere.close()
