"""Where MIDI stands in time, in and out: python -m benchmarks.midi_timing [--seconds 30] [--json]

Starts the app, opens it in a browser whose Web MIDI is replaced by ports that note what they are sent, and sends the
loop, at 120 BPM and then at 150, to the output: how far from a 24th of a quarter its clock's ticks are apart, how far
notes are from where the same stroke is heard, and how many messages were handed over too late. Then strokes come in by
the input at a latency that is set, and what was recorded is compared with where they were played; what is heard when is
read from the sound's own samples. Needs what `make test` installs, and Debian's chromium.
"""

import argparse
import json

import numpy as np
from playwright.sync_api import Locator, Page

from benchmarks.served import served
from rhythmvae import share
from rhythmvae.groove import Groove, Meter, Tempo
from rhythmvae.kit import VOICE_INDEX, VOICES
from tests.e2e import midi_ports
from tests.e2e.visiting import open_deck, take_home

BPM, FASTER = 120, 150
STEP_MS = 15_000 / BPM
LATENCY_MS = 37
N_STROKES = 24
TOM = VOICE_INDEX["low_tom"]
# Strokes of a driver, each with its time; gives the times.
STRIKE = """([root, note, n]) => new Promise((done) => {
  const times = [];
  const look = () => {
    const timeStamp = performance.now() - 3 * Math.random();
    times.push(timeStamp);
    input.onmidimessage({ data: [0x99, note, 50 + times.length], timeStamp });
    if (times.length === n) done(times);
    else setTimeout(look, 190 + 60 * Math.random());
  };
  look();
})"""
Rows = list[list[str]]


def beat() -> Groove:
    """Four bars of eighths on the hat."""
    position = np.arange(0, 64, 2.0)
    n = len(position)
    voice = np.full(n, VOICE_INDEX["closed_hat"])
    return Groove(position, voice, np.full(n, 90), 64, (Tempo(0.0, float(BPM)),), (Meter(0.0, 4, 4),))


def apart(messages: list[midi_ports.Message], bpm: float) -> np.ndarray:
    """How far the ticks are from a 24th of a quarter apart, in ms."""
    times = [message.at for message in midi_ports.of(messages, midi_ports.TICK)]
    return np.abs(np.diff(times) - 60_000 / bpm / 24)


def first_hat(page: Page) -> float:
    """When the first stroke of the loop was heard, in ms of the page."""
    starts, offset = page.evaluate("() => [starts, offsets]")
    return float(starts[0] * 1000 + np.median(offset))


def sending(page: Page, deck: Locator, seconds: float) -> Rows:
    deck.get_by_role("button", name="Play", exact=True).click()
    page.wait_for_timeout(1000 * seconds)
    found = midi_ports.sent(page)
    clock = apart(found, BPM)
    notes = np.array([message.at for message in midi_ports.of(found, midi_ports.NOTE_ON)])
    off = np.abs((notes - first_hat(page) + STEP_MS) % (2 * STEP_MS) - STEP_MS)
    late = np.mean([message.handed > message.at + 1 for message in found])
    page.evaluate("() => { sent.length = 0; }")
    tempo = deck.get_by_label("Tempo in beats per minute")
    tempo.fill(str(FASTER))
    tempo.press("Enter")
    page.wait_for_timeout(3000)
    found = midi_ports.sent(page)
    changed = np.minimum(apart(found, BPM), apart(found, FASTER))
    tempo.fill(str(BPM))
    tempo.press("Enter")
    return [
        ["clock: a tick from its place behind the one before, ms, at most", f"{clock.max():.2f}"],
        [
            f"the same while the tempo goes from {BPM} to {FASTER}, the one tick between left out",
            f"{_most(changed):.2f}",
        ],
        ["notes: from where the stroke is heard, ms, median", f"{np.median(off):.2f}"],
        ["the same, 95 of 100", f"{np.percentile(off, 95):.2f}"],
        ["messages handed over after their time", f"{late:.1%}"],
    ]


def _most(changed: np.ndarray) -> float:
    return float(np.sort(changed)[-2])


def recording(page: Page, deck: Locator, live: Locator) -> Rows:
    """Strokes that come LATENCY_MS late, recorded into the loop as it is started anew."""
    deck.get_by_role("button", name="Pause").click()
    page.evaluate("() => { starts.length = offsets.length = 0; }")
    live.get_by_label("Latency in milliseconds").fill(str(LATENCY_MS))
    live.get_by_label("Latency in milliseconds").press("Enter")
    live.get_by_label("Count-in").uncheck()
    live.get_by_role("button", name="Record").click()
    # It begins at the bar in which it was paused: what is struck before that is in no pass.
    page.wait_for_function("root => root.transport.position()?.step % 16 > 2", arg=deck.element_handle())
    times = page.evaluate(STRIKE, [deck.element_handle(), VOICES[TOM].pitch, N_STROKES])
    live.get_by_role("button", name="Record").click()
    made = take_home(deck)
    is_tom = made.voice == TOM
    order = np.argsort(made.velocity[is_tom])  # each is louder than the one before
    got = made.position[is_tom][order] * STEP_MS
    assert len(got) == N_STROKES, f"{len(got)} of {N_STROKES} strokes were recorded"
    starts, offsets = page.evaluate("() => [starts, offsets]")
    # The loop goes on from where it was paused, at the beginning of a bar: known up to whole eighths.
    played = np.array(times) - LATENCY_MS - np.median(offsets) - starts[0] * 1000
    away = (got - played + STEP_MS) % (2 * STEP_MS) - STEP_MS
    return [
        ["recorded strokes: from where they were played, ms, median", f"{np.median(np.abs(away)):.2f}"],
        ["the same, at most", f"{np.abs(away).max():.2f}"],
    ]


def measured(seconds: float) -> Rows:
    with served() as app:
        page = app.browser.new_context().new_page()
        page.add_init_script(f"({midi_ports.PORTS})()")
        deck = open_deck(page, f"{app.address}/?g={share.to_text(beat())}")
        deck.evaluate(midi_ports.WATCH)
        live = midi_ports.open_live(deck)
        midi_ports.connect(live)
        return [*sending(page, deck, seconds), *recording(page, deck, live)]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    rows = measured(asked.seconds)
    print(json.dumps({"rows": rows}) if asked.json else "\n".join(f"{what}: {figure}" for what, figure in rows))


if __name__ == "__main__":
    main()
