"""An ear in the browser: what the deck really puts out, sample by sample, on the audio clock.

`tap` connects a recorder (an AudioWorklet, on the thread that makes the sound) to the
transport's last node; `Capture` is what it heard. Nothing here knows what the deck has
scheduled: onsets are found in the waveform.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Collection
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from playwright.sync_api import Locator, Page

from rhythmvae.groove import Groove, Tempo
from rhythmvae.kit import VOICE_INDEX

SAMPLE_RATE = 44_100
WAIT_MS = 120_000
Samples = NDArray[np.float64]

# Hats alone, so that every onset is sharp and has quiet before it; played freely, and across the seam.
_POSITIONS = (-0.3, 0.9, 2.0, 3.25, 4.1, 6.0, 7.45, 9.0, 9.9, 11.3, 12.0, 13.4, 14.6)
HATS = Groove(
    np.array([*_POSITIONS, 5.0]),
    np.array([VOICE_INDEX["closed_hat"]] * len(_POSITIONS) + [VOICE_INDEX["crash"]]),
    np.array([127] * len(_POSITIONS) + [20]),
    16,
    (Tempo(0.0, 97.0), Tempo(10.0, 103.0)),
)

FRAME = 32  # samples a frame of the onset detector, 0.7 ms
QUIET_FRAMES = 24  # before an onset, to compare with
RISE = 6.0  # an onset is this much louder than what was before it
FLOOR = 2e-3  # and than this, of full scale
APART_SECONDS = 0.04  # onsets closer than this are one
SILENCE = 1e-4  # of full scale
LOOKS = 20  # at the playhead, at least
LED_SECONDS = 0.05  # within which a recorder hears what it is led to
NEAR_SECONDS = 0.05  # to a moment that was dropped, an onset can be lost or made

_RECORDER = """
class Recorder extends AudioWorkletProcessor {
  constructor() {
    super();
    this.chunk = new Float32Array(8192);
    this.filled = 0;
    this.port.onmessage = () => {
      this.send();
      this.port.postMessage(null);
      this.isDone = true;
    };
  }
  send() {
    if (!this.filled) return; // its frame would be that of the chunk before
    this.port.postMessage([this.frame, this.chunk.slice(0, this.filled)]);
    this.filled = 0;
  }
  process([input]) {
    if (this.isDone) return false;
    // A browser in a hurry may leave a moment out: every chunk says where it belongs.
    if (this.filled && currentFrame !== this.frame + this.filled) this.send();
    if (!this.filled) this.frame = currentFrame;
    if (input[0]) this.chunk.set(input[0], this.filled);
    else this.chunk.fill(0, this.filled, this.filled + 128);
    this.filled += 128;
    if (this.filled === this.chunk.length) this.send();
    return true;
  }
}
registerProcessor("recorder", Recorder);
"""

_START = """
async (root, code) => {
  const { context, output } = root.transport;
  await context.resume();
  const address = () => URL.createObjectURL(new Blob([code], { type: "text/javascript" }));
  window.hasRecorder ??= context.audioWorklet.addModule(address());
  await window.hasRecorder;
  const node = new AudioWorkletNode(context, "recorder", { channelCount: 1, channelCountMode: "explicit" });
  const heard = (window.heard = { chunks: [], node });
  const hasBegun = new Promise((resolve) => {
    node.port.onmessage = ({ data }) => {
      if (data === null) return heard.done();
      heard.chunks.push(data);
      return resolve();
    };
  });
  output.connect(node);
  node.connect(context.destination); // its output is silence; a node that leads nowhere may not run
  await hasBegun;
}
"""

_STOP = """
async () => {
  const { heard } = window;
  const done = new Promise((resolve) => (heard.done = resolve));
  heard.node.port.postMessage(0);
  await done;
  heard.node.disconnect();
  const [first] = heard.chunks[0];
  const [last, { length }] = heard.chunks.at(-1);
  const samples = new Float32Array(last + length - first);
  for (const [frame, chunk] of heard.chunks) samples.set(chunk, frame - first);
  const bytes = new Uint8Array(samples.buffer);
  let text = "";
  for (let i = 0; i < bytes.length; i += 32768) text += String.fromCharCode(...bytes.subarray(i, i + 32768));
  return [first, btoa(text), heard.chunks.map(([frame, { length }]) => [frame - first, length])];
}
"""

# Where the music is, with the moment on the audio clock of which that is true. The clock runs on while
# a script does, so it is read until it stands.
_PLACE = """
(root) => {
  const { transport } = root;
  const { context } = transport;
  for (;;) {
    const now = context.currentTime;
    const at = transport.position();
    if (context.currentTime !== now) continue;
    return { ...at, heard: now - (context.outputLatency || context.baseLatency || 0) };
  }
}
"""


@dataclass(frozen=True)
class Capture:
    """What was heard: `samples` (S,), the first at `start` seconds of the audio clock.

    `is_there` (S,) is False where a machine that is short of time dropped a moment: nothing can be said of it.
    """

    start: float
    samples: Samples
    is_there: NDArray[np.bool_]

    def between(self, start: float, stop: float) -> Capture:
        """From `start` to `stop` of the audio clock, from the nearest sample on."""
        first = round((start - self.start) * SAMPLE_RATE)
        last = first + round((stop - start) * SAMPLE_RATE)
        assert 0 <= first <= last <= len(self.samples), "asked for more than was heard"
        return Capture(self.start + first / SAMPLE_RATE, self.samples[first:last], self.is_there[first:last])

    def near_a_gap(self, times: Samples) -> NDArray[np.bool_]:
        """Whether a moment is missing within NEAR_SECONDS of times of the audio clock."""
        gone = np.flatnonzero(~self.is_there) / SAMPLE_RATE + self.start
        if not len(gone):
            return np.zeros(len(times), dtype=bool)
        at = np.searchsorted(gone, times)
        away = np.minimum(
            np.abs(gone[np.maximum(at - 1, 0)] - times), np.abs(gone[np.minimum(at, len(gone) - 1)] - times)
        )
        return np.asarray(away < NEAR_SECONDS)

    def silences(self, seconds: float = 0.0) -> list[tuple[float, float]]:
        """Where nothing was heard for longer than `seconds`: (time of the audio clock, seconds) each. What was dropped
        is not known and does not count, nor does the silence of a recorder that runs some blocks before what it is to
        hear is led to it."""
        is_loud = np.abs(self.samples) > SILENCE
        is_silent = ~is_loud & self.is_there
        first = int(np.argmax(is_loud))
        if is_loud.any() and is_silent[:first].sum() < LED_SECONDS * SAMPLE_RATE:
            is_silent[:first] = False
        edges = np.flatnonzero(np.diff(is_silent, prepend=False, append=False)).reshape(-1, 2) / SAMPLE_RATE
        return [(self.start + float(a), float(b - a)) for a, b in edges if b - a > seconds]

    def onsets(self) -> Samples:
        """Times of the audio clock."""
        return self.start + onsets(self.samples)


@dataclass(frozen=True)
class Place:
    """At `heard` of the audio clock, `step` of the `loops`-th time round is heard."""

    step: float
    loops: int
    heard: float


def tap(deck: Locator) -> None:
    """Begin to record."""
    deck.evaluate(_START, _RECORDER)


def untap(deck: Locator) -> Capture:
    """What was heard since `tap`."""
    first, data, chunks = deck.evaluate(_STOP)
    samples = np.frombuffer(base64.b64decode(data), dtype="<f4").astype(np.float64)
    is_there = np.zeros(len(samples), dtype=bool)
    for frame, length in chunks:
        is_there[frame : frame + length] = True
    return Capture(first / SAMPLE_RATE, samples, is_there)


def place(deck: Locator) -> Place:
    """Of the music, now; the deck must be playing."""
    found = deck.evaluate(_PLACE)
    return Place(found["step"], found["loops"], found["heard"])


def onsets(samples: Samples) -> Samples:
    """Seconds at which something is struck: where the waveform rises out of what was before."""
    n_frames = len(samples) // FRAME
    peak = np.abs(samples[: n_frames * FRAME]).reshape(n_frames, FRAME).max(axis=1)
    found: list[float] = []
    for k in range(QUIET_FRAMES, n_frames - 4):
        before = peak[k - QUIET_FRAMES : k]
        if peak[k] < max(RISE * before.mean(), RISE * before[-4:].max() / 2, FLOOR):
            continue
        if found and k * FRAME / SAMPLE_RATE - found[-1] < APART_SECONDS:
            continue
        rise = np.abs(samples[(k - 1) * FRAME : (k + 4) * FRAME])
        found.append(((k - 1) * FRAME + int(np.argmax(rise > 0.2 * rise.max()))) / SAMPLE_RATE)
    return np.array(found)


# -- the deck's playing -----------------------------------------------------------


def play(deck: Locator) -> None:
    deck.get_by_role("button", name="Play", exact=True).click()
    deck.page.wait_for_function(
        "root => root.transport.position()?.step > 0.01", arg=deck.element_handle(), timeout=WAIT_MS
    )


def wait_for_loop(deck: Locator, loops: int) -> Place:
    """Until that loop is heard; the first is 0."""
    deck.page.wait_for_function(
        "([root, loops]) => root.transport.position().loops >= loops",
        arg=[deck.element_handle(), loops],
        timeout=WAIT_MS,
    )
    return place(deck)


def began(at: Place, g: Groove) -> float:
    """When loop 0 began, on the audio clock, as the playhead has it."""
    return at.heard - float(g.seconds(at.step)) - at.loops * g.duration_seconds


@dataclass(frozen=True)
class Session:
    """What was heard, when its first round began, how often it was disturbed, and the transport's own count
    of `scheduled` and `late` hits."""

    capture: Capture
    began: float
    n_disturbed: int
    stats: dict[str, int]


def listen_while(
    deck: Locator, groove: Groove, seconds: float, disturb: Callable[[int], None], at_least: int = 0
) -> Session:
    """Play and record while `disturb` is called over and over, with 0, 1, ...: for some seconds, and so many times."""
    tap(deck)
    play(deck)
    at = wait_for_loop(deck, 1)
    n = 0
    while n < at_least or place(deck).heard - at.heard < seconds:
        disturb(n)
        n += 1
    stats = deck.evaluate("root => ({ ...root.transport.stats })")  # now: fetching the sound keeps the page busy
    return Session(untap(deck), began(at, groove), n, stats)


# -- what goes on while it plays ---------------------------------------------------

WATCH = """
(root) => {
  const { transport } = root;
  const { context } = transport;
  window.watched = [];
  const look = () => {
    const now = context.currentTime;
    const at = transport.position();
    if (context.currentTime === now) {
      const latency = context.outputLatency || context.baseLatency || 0;
      window.watched.push([now - latency, at ? at.loops : null, at ? at.step : null, root.isConnected]);
    }
    if (!window.enough) requestAnimationFrame(look);
  };
  look();
}
"""


# How often it looks is the machine's affair.
_SEEN_ENOUGH = f"""() => {{
  const [[, loops, step]] = watched;
  const begun = watched.findIndex((one) => one[1] !== loops || one[2] !== step);
  return begun >= 0 && watched.length - begun > {LOOKS} + 1;
}}"""


def watched(page: Page) -> Samples:
    """(N, 4) audio time, loops, step and whether the deck is the same, since WATCH."""
    page.wait_for_function(_SEEN_ENOUGH, timeout=WAIT_MS)
    found = page.evaluate("() => { window.enough = true; return window.watched; }")
    assert all(loops is not None for _, loops, _, _ in found), "it stopped"
    return np.array(found, dtype=np.float64)


def assert_it_went_on(seen: Samples, n_steps: int, slowest: float, fastest: float) -> None:
    """From look to look as many steps as time has passed, at a tempo between two BPM."""
    time, steps = seen[:, 0], seen[:, 1] * n_steps + seen[:, 2]
    # Until the first step is heard, which takes as long as the system's latency, the playhead waits for it.
    begun = int((steps > steps[0]).argmax())
    time, steps = time[begun:], steps[begun:]
    passed = np.diff(steps)
    assert len(passed) > LOOKS
    assert (seen[:, 3] == 1).all(), "another deck plays"
    slack = 0.1  # steps, for a latency that the browser corrects
    behind, ahead = np.diff(time) * slowest / 15 - passed, passed - np.diff(time) * fastest / 15
    assert behind.max() <= slack, f"it fell back by {behind.max():.2f} steps near step {steps[behind.argmax()]:.2f}"
    assert ahead.max() <= slack, f"it jumped ahead by {ahead.max():.2f} steps near step {steps[ahead.argmax()]:.2f}"


# -- against what should be heard ---------------------------------------------------


def _onsets_in_a_round(groove: Groove, voice: int) -> Samples:
    position = groove.position[groove.voice == voice]
    position = position + groove.n_steps * (position < 0)  # one before step 0 ends the round
    return np.asarray(np.sort(groove.seconds(position)), dtype=np.float64)


def expected_onsets(groove: Groove, voice: int, began: float, until: float) -> Samples:
    """Times of a voice in a loop whose first round began at `began`, up to `until`."""
    period = groove.duration_seconds
    within = _onsets_in_a_round(groove, voice)
    rounds = np.arange(max(int((until - began) / period) + 1, 1)) * period
    times = np.sort((began + rounds[:, None] + within).ravel())
    return np.asarray(times[times < until], dtype=np.float64)


def onset_errors(capture: Capture, groove: Groove, voice: int, began: float, others: Collection[int] = ()) -> Samples:
    """Seconds from every onset that should be heard to the nearest that is, and from every one heard to where
    one should be: one that is missing, or one too many, is an error as large as what lies between two hits.
    Those near a moment that was dropped do not count.

    Args:
        others: voices that sound as well: where they strike, an onset is none too many.
    """
    until = capture.start + len(capture.samples) / SAMPLE_RATE - 0.05
    wanted, *also = (expected_onsets(groove, each, began, until) for each in (voice, *others))
    found = capture.onsets()
    found = found[found < until]
    to_found, to_wanted = _to_nearest(wanted, found), -_to_nearest(found, np.concatenate([wanted, *also]))
    return np.concatenate([to_found[~capture.near_a_gap(wanted)], to_wanted[~capture.near_a_gap(found)]])


def _to_nearest(times: Samples, others: Samples) -> Samples:
    """Seconds from each of the times to the nearest of others."""
    away = others[None, :] - times[:, None]
    return np.asarray(away[np.arange(len(times)), np.abs(away).argmin(axis=1)], dtype=np.float64)


def seam_error(capture: Capture, groove: Groove, voice: int, began: float) -> float:
    """Largest error of the time from the last hit of a round to the first of the next."""
    period, found = groove.duration_seconds, capture.onsets()
    within = _onsets_in_a_round(groove, voice)
    errors: list[float] = []
    n_rounds = int((capture.start + len(capture.samples) / SAMPLE_RATE - 0.1 - within[0] - began) / period)
    for k in range(n_rounds):
        wanted = np.array([within[-1], period + within[0]]) + began + k * period
        if capture.near_a_gap(wanted).any():
            continue
        last, first = (found[np.abs(found - w).argmin()] for w in wanted)
        errors.append(abs((first - last) - (wanted[1] - wanted[0])))
    assert errors, "no seam was heard"
    return float(max(errors))
