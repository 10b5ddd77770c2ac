"""Played live in a real browser: pads, keys and MIDI, recorded into the loop; and the loop to a MIDI output."""

from __future__ import annotations

import midi_ports
import numpy as np
import pytest
from midi_ports import (
    CONTINUE,
    CONTROL,
    NOTE_OFF,
    NOTE_ON,
    POSITION,
    START,
    STOP,
    TICK,
    Message,
    connect,
    of,
    open_live,
    sent,
)
from playing import groove, straight
from playwright.sync_api import Locator, Page, expect
from test_access_browser import violations
from visiting import WAIT_MS, hits_in, open_groove, settle, take_home

from rhythmvae.kit import VOICE_INDEX, VOICES

pytestmark = pytest.mark.browser

BEGUN = "() => sent.some(([[status]]) => status === 0xfa || status === 0xfb)"  # at the first sixteenth it starts
SCHEDULED = "root => root.transport.stats.scheduled"
STEP_MS = 125.0  # at 120 BPM
LOW_TOM = VOICE_INDEX["low_tom"]
NOTE = VOICES[LOW_TOM].pitch
# Plays notes on the input at places of a round of the loop: [step, velocity] each, as a driver would, with the time of
# each in the message: when it was played, and not when the page came to look. Gives those times.
PLAY = """([root, note, strokes, nSteps]) => new Promise((done) => {
  const times = [];
  const { transport } = root;
  const after = transport.position().loops + 1;
  const look = () => {
    const { loops, step } = transport.position();
    const [at, velocity] = strokes[times.length];
    const ago = (loops - after) * nSteps + step - at;
    if (ago >= 0) {
      const timeStamp = performance.now() - ago * 125;
      times.push(timeStamp);
      input.onmidimessage({ data: [0x99, note, velocity], timeStamp });
    }
    if (times.length === strokes.length) done(times);
    else setTimeout(look, 2);
  };
  look();
})"""


def opened(page: Page, address: str, bars: int = 1) -> tuple[Locator, Locator]:
    """The deck and its pads, with ports."""
    page.add_init_script(f"({midi_ports.PORTS})()")
    deck = open_groove(page, address, straight(bars))
    live = open_live(deck)
    return deck, live


def is_playing(deck: Locator) -> None:
    deck.page.wait_for_function(
        "root => root.transport.position()?.step > 0.5", arg=deck.element_handle(), timeout=WAIT_MS
    )


def play_notes(deck: Locator, strokes: list[tuple[float, int]], note: int = NOTE) -> list[float]:
    found: list[float] = deck.page.evaluate(PLAY, [deck.element_handle(), note, strokes, 16])
    return found


def test_what_is_played_stands_where_it_was_played_and_sounds_in_the_next_round(page: Page, deck_address: str) -> None:
    deck, live = opened(page, deck_address)
    deck.evaluate(midi_ports.WATCH)
    connect(live)
    live.get_by_label("Latency in milliseconds").fill("37")
    live.get_by_label("Latency in milliseconds").press("Enter")
    live.get_by_role("button", name="Record").click()
    expect(live.get_by_text("Count-in", exact=True).first).to_be_visible()
    expect(live.get_by_text("Recording", exact=True)).to_be_visible(timeout=WAIT_MS)
    strokes = [(1.3, 40), (6.2, 100), (11.5, 77)]
    times = play_notes(deck, strokes)
    page.wait_for_function(  # and two more rounds, whole
        "([root, n]) => root.transport.position().loops >= n",
        arg=[deck.element_handle(), deck.evaluate("root => root.transport.position().loops") + 3],
    )
    live.get_by_role("button", name="Record").click()
    expect(live.get_by_text("Recorded 3 hits in one pass.")).to_be_visible()
    starts, offsets = np.array(page.evaluate("() => starts")), np.array(page.evaluate("() => offsets"))
    # Four clicks count in; then the loop, whose first stroke is a bar behind the first of them.
    first = starts[0] + 2.0
    played = np.array([((t - 37 - np.median(offsets)) / 1000 - first) * 1000 / STEP_MS for t in times])
    [its_round] = set(np.floor(played / 16).tolist())
    made = take_home(deck)
    is_tom = made.voice == LOW_TOM
    assert np.abs(played % 16 - made.position[is_tom]).max() * STEP_MS < 5
    assert made.velocity[is_tom].tolist() == [40, 100, 77]
    # Strokes that a machine held up for longer than is planned ahead are few, and the deck's own count names them.
    stats = deck.evaluate("root => root.transport.stats")
    n_held_up = stats["late"] + stats["behind"]
    # Each is heard where it stands one round on, and not in its own.
    at = (starts - first) * 1000 / STEP_MS
    missing = 0
    for position in made.position[is_tom]:
        rounds = {round((x - position) / 16) for x in at if abs((x - position + 8) % 16 - 8) < 0.01}
        missing += len({its_round + 1, its_round + 2} - rounds)
        assert its_round not in rounds
    # The loop never waited: its hats lie on their eighths, all of them.
    hats = {round(x / 2) for x in at if abs((x + 1) % 2 - 1) < 1e-3 and x > -1e-3}
    missing += len(set(range(max(hats) - 4)) - hats)
    assert missing <= n_held_up
    deck.get_by_role("button", name="Undo").click()
    assert not (take_home(deck).voice == LOW_TOM).any()


def test_passes_are_drawn_to_a_grid_replaced_and_undone_one_by_one(page: Page, deck_address: str) -> None:
    deck, live = opened(page, deck_address)
    connect(live)
    live.get_by_label("Count-in").uncheck()
    live.get_by_label("Quantize").select_option("16th")
    deck.get_by_role("button", name="Play", exact=True).click()
    is_playing(deck)
    record = live.get_by_role("button", name="Record")
    record.click()
    expect(record).to_have_attribute("aria-pressed", "true")
    play_notes(deck, [(2.2, 90), (9.8, 60)])
    play_notes(deck, [(4.1, 91)])
    live.get_by_role("group", name="Drums to play").press("r")
    expect(record).to_have_attribute("aria-pressed", "false")
    expect(live.get_by_text("Recorded 3 hits in 2 passes.")).to_be_visible()

    made = take_home(deck)
    on_grid = made.position[made.voice == LOW_TOM]
    assert len(on_grid) == 3
    assert np.abs(on_grid - np.round(on_grid)).max() < 1e-6
    live.get_by_label("Quantize").select_option("8th")
    eighths = take_home(deck)
    assert not (eighths.position[eighths.voice == LOW_TOM] % 2).any()
    live.get_by_label("Quantize").select_option("off")  # as it was played
    played = take_home(deck)
    assert (played.position[played.voice == LOW_TOM] % 1).any()
    live.get_by_label("How it is recorded").select_option("yes")
    record.click()
    play_notes(deck, [(13.0, 33)])
    record.click()
    assert len(hits_in(take_home(deck), "low_tom", 13)) + len(hits_in(take_home(deck), "low_tom", 14)) == 1
    assert (take_home(deck).voice == LOW_TOM).sum() == 1
    undo = deck.get_by_role("button", name="Undo")
    n = []
    while undo.is_enabled():
        undo.click()
        n.append(int((take_home(deck).voice == LOW_TOM).sum()))
    assert n == [3, 3, 2, 0]  # the replacing pass, the grid, the second pass, the first
    assert deck.evaluate("root => root.transport.isPlaying")


def test_another_groove_ends_a_recording_and_pads_are_struck_by_keys(page: Page, deck_address: str) -> None:
    deck, live = opened(page, deck_address)
    pads = live.get_by_role("group", name="Drums to play")

    def struck_after(before: int) -> None:
        script = "([root, n]) => root.transport.stats.scheduled === n"
        page.wait_for_function(script, arg=[deck.element_handle(), before + 1], timeout=WAIT_MS)

    before = int(deck.evaluate(SCHEDULED))
    pads.get_by_role("button", name="Kick").click()
    struck_after(before)
    pads.press("s")
    struck_after(before + 1)
    connect(live)
    expect(live.get_by_text("Listening to Pad 8.")).to_be_visible()
    send = "data => input.onmidimessage({ data, timeStamp: performance.now() })"
    for message in ([0x99, 38, 0], [0x89, 38, 64], [0x99, 3, 90], [0xB9, 4, 90]):  # none of them is a stroke
        page.evaluate(send, message)
    page.evaluate(send, [0x99, 40, 90])
    struck_after(before + 2)
    page.evaluate(f"() => ({midi_ports.UNPLUG})(input)")
    expect(live.get_by_text("Pad 8 is unplugged.")).to_be_visible()
    live.get_by_role("button", name="Record").click()
    page.get_by_role("button", name="As it was").click()
    settle(page)
    expect(live.get_by_role("button", name="Record")).to_have_attribute("aria-pressed", "false", timeout=WAIT_MS)
    assert deck.evaluate("root => root.transport.isPlaying")


def test_a_browser_without_midi_says_so(page: Page, deck_address: str) -> None:
    page.add_init_script("Object.defineProperty(navigator, 'requestMIDIAccess', { value: undefined })")
    live = open_live(open_groove(page, deck_address, straight()))
    midi_ports.open_settings(live)
    expect(live.get_by_text("This browser has no Web MIDI")).to_be_visible()
    expect(live.get_by_role("button", name="Connect MIDI")).to_be_hidden()


def test_on_a_phone_record_and_pads_lie_under_the_thumbs(phone: Page, deck_address: str) -> None:
    requested: list[str] = []
    phone.on("request", lambda request: requested.append(request.url))
    deck = open_groove(phone, deck_address, straight())
    deck.get_by_role("button", name="Open the grid").click()
    requested.clear()
    live = open_live(deck)
    assert len([url for url in requested if "/media/" in url]) == 1, f"what plays live comes late: {requested}"
    controls = [*live.get_by_role("button").all(), *live.get_by_role("combobox").all()]
    seen = [box for control in controls if (box := control.bounding_box())]
    assert len(seen) == 11  # Record, how, nine pads
    for box in seen:
        assert box["height"] >= 44
        assert box["width"] >= 44
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= 390
        assert 844 / 2 < box["y"] < 844 - box["height"]
    midi_ports.open_settings(live)
    for scheme in ("light", "dark"):
        phone.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        settle(phone)
        assert violations(phone) == [], scheme
    midi_ports.open_settings(live)
    # The harder, the higher a pad is touched.
    pad = live.get_by_role("button", name="Low tom").bounding_box()
    assert pad is not None
    deck.get_by_role("button", name="Play", exact=True).click()
    is_playing(deck)
    live.get_by_label("Count-in").uncheck()
    live.get_by_role("button", name="Record").tap()
    for share in (0.1, 0.9):
        phone.touchscreen.tap(pad["x"] + 40, pad["y"] + share * pad["height"])
        phone.wait_for_timeout(200)
    live.get_by_role("button", name="Record").tap()
    made = take_home(deck)
    hard, soft = sorted(made.velocity[made.voice == LOW_TOM].tolist(), reverse=True)
    assert hard > 110
    assert soft < 70


# -- to a MIDI output -------------------------------------------------------------


def steady(ticks: list[float], ms: float, stops: list[Message]) -> None:
    """Ticks lie so far apart, all of them; where the page was held up, whoever follows them is stopped meanwhile."""
    apart = np.diff(ticks) / ms
    assert len(apart) > 20
    assert np.abs(apart - apart.round()).max() * ms < 1
    assert (apart.round() == 1).all() or stops


def test_the_loop_goes_to_an_output_with_a_clock_and_a_device_may_go(page: Page, deck_address: str) -> None:
    deck, live = opened(page, deck_address)
    connect(live)
    deck.get_by_role("button", name="Mute snare").click()
    deck.get_by_role("button", name="Play", exact=True).click()
    page.wait_for_function("root => root.transport.position()?.loops >= 2", arg=deck.element_handle(), timeout=WAIT_MS)
    found = sent(page)
    [start] = of(found, START)
    ticks = [message.at for message in of(found, TICK)]
    steady(ticks, 60_000 / 120 / 24, of(found, STOP))
    assert 0 < ticks[0] - start.at < 5
    g = straight()
    for voice in ("kick", "closed_hat"):
        own = [m.at for m in of(found, NOTE_ON) if m.data[1] == VOICES[VOICE_INDEX[voice]].pitch]
        steps = (np.array(own) - ticks[0]) / STEP_MS
        wanted = g.position[g.voice == VOICE_INDEX[voice]]
        assert len(own) > len(wanted)
        assert all(np.abs((wanted - step + 8) % 16 - 8).min() * STEP_MS < 1 for step in steps), voice
    assert VOICES[VOICE_INDEX["snare"]].pitch not in {m.data[1] for m in of(found, NOTE_ON)}, "it is muted"
    # Twice as fast from a moment on: the clock follows at once, and nothing that was sent was wrong.
    page.evaluate("() => { sent.length = 0; }")
    deck.get_by_label("Tempo in beats per minute").fill("180")
    deck.get_by_label("Tempo in beats per minute").press("Enter")
    page.wait_for_function("() => sent.filter(([[status]]) => status === 0xf8).length > 120", timeout=WAIT_MS)
    found = sent(page)
    ticks = [message.at for message in of(found, TICK)]
    turn = int(np.argmax(np.abs(np.diff(ticks) - 60_000 / 180 / 24) < 1))  # the first that is quicker
    steady(ticks[turn:], 60_000 / 180 / 24, of(found, STOP))
    # Pause: all that sounds ends, and who follows stops; play goes on from the next sixteenth.
    deck.get_by_role("button", name="Pause").click()
    found = sent(page)
    assert of(found, STOP)
    assert found[-1].data == (CONTROL, 123, 0)
    page.evaluate("() => { sent.length = 0; }")
    deck.get_by_role("button", name="Play", exact=True).click()
    page.wait_for_function(BEGUN, timeout=WAIT_MS)
    found = sent(page)
    if of(found, START):  # it was paused within the last sixteenth: the next one is the first
        assert not of(found, CONTINUE)
    else:
        [where], [goes_on] = of(found, POSITION), of(found, CONTINUE)
        assert where.at <= goes_on.at
        assert 0 < where.data[1] + 128 * where.data[2] < 16
    # Unplugged in the middle: it is said, and the sound goes on; plugged in again, the loop goes there again.
    page.evaluate(f"() => ({midi_ports.UNPLUG})(output)")
    expect(live.get_by_text("Drum machine is unplugged; the sound goes on.")).to_be_visible()
    expect(live.get_by_label("Send the loop to")).to_have_value("")
    page.evaluate("() => { sent.length = 0; }")
    before = int(deck.evaluate(SCHEDULED))
    script = "([root, n]) => root.transport.stats.scheduled > n + 4"
    page.wait_for_function(script, arg=[deck.element_handle(), before], timeout=WAIT_MS)
    assert not sent(page)
    page.evaluate(f"() => ({midi_ports.PLUG})(output)")
    page.wait_for_function(BEGUN, timeout=WAIT_MS)
    # One that takes nothing any more without saying so.
    page.evaluate("() => { output.send = () => { throw new DOMException('gone', 'InvalidStateError'); }; }")
    expect(live.get_by_text("Drum machine is unplugged; the sound goes on.")).to_be_visible()
    assert deck.evaluate("root => root.transport.isPlaying")


def test_every_note_ends_and_the_clock_may_be_left_out(page: Page, deck_address: str) -> None:
    page.add_init_script(f"({midi_ports.PORTS})()")
    roll = groove(*(("snare", s / 4, 90) for s in range(16)), n_steps=8)
    deck = open_groove(page, deck_address, roll)
    live = open_live(deck)
    connect(live)
    live.get_by_label("MIDI clock").uncheck()
    deck.get_by_role("button", name="Play", exact=True).click()
    count = "([note, n]) => sent.filter(([[status, its]]) => status === 0x99 && its === note).length > n"
    page.wait_for_function(count, arg=[VOICES[VOICE_INDEX["snare"]].pitch, 16], timeout=WAIT_MS)
    live.get_by_role("button", name="Crash").click()  # a hand's stroke goes there too
    page.wait_for_function(count, arg=[VOICES[VOICE_INDEX["crash"]].pitch, 0], timeout=WAIT_MS)
    deck.get_by_role("button", name="Pause").click()
    found = sent(page)
    assert not [m for m in found if m.data[0] >= 0xF0]
    held: dict[int, int] = {}
    for message in found:
        if message.data[0] in (NOTE_ON, NOTE_OFF):
            held[message.data[1]] = held.get(message.data[1], 0) + (1 if message.data[0] == NOTE_ON else -1)
            assert held[message.data[1]] in (0, 1)
    assert set(held) == {VOICES[VOICE_INDEX[v]].pitch for v in ("snare", "crash")}
    assert not any(held.values())


# A tap comes so many ms behind each beat that is heard, whenever the page comes to look.
TAP = """([root, late]) => new Promise((done) => {
  const { transport } = root;
  let taps = 0;
  let before = transport.position().step;
  const look = () => {
    const { step } = transport.position();
    if (Math.floor(step / 4) !== Math.floor(before / 4)) {
      const timeStamp = performance.now() - ((step % 4) * 15_000) / 240 + late;
      input.onmidimessage({ data: [0x99, 38, 90], timeStamp });
      taps += 1;
    }
    before = step;
    if (taps === 8) done();
    else setTimeout(look, 1);
  };
  look();
})"""


def test_latency_is_measured_by_tapping_along_and_kept(page: Page, deck_address: str) -> None:
    deck, live = opened(page, deck_address)
    connect(live)
    deck.get_by_label("Tempo in beats per minute").fill("240")
    deck.get_by_label("Tempo in beats per minute").press("Enter")
    live.get_by_role("button", name="Tap along").click()
    is_playing(deck)
    page.evaluate(TAP, [deck.element_handle(), 60])
    expect(live.get_by_text("Latency: ")).to_be_visible()
    measured = live.get_by_label("Latency in milliseconds")
    found = int(measured.input_value())
    assert 50 < found < 70
    page.reload()
    live = open_live(page.locator(".deck"))
    midi_ports.open_settings(live)
    expect(live.get_by_label("Latency in milliseconds")).to_have_value(str(found))
