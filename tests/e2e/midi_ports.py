"""Web MIDI replaced in a page by ports that note what they are sent, and what a browser test reads of them."""

from __future__ import annotations

from dataclasses import dataclass

from playwright.sync_api import Locator, Page

# `sent`: [bytes, when it is to be sent, when it was handed over], in ms of the page.
PORTS = """() => {
  const sent = (window.sent = []);
  const send = (data, at) => sent.push([[...data], at, performance.now()]);
  const output = { type: "output", id: "out", name: "Drum machine", state: "connected", send };
  const input = { type: "input", id: "in", name: "Pad 8", state: "connected" };
  const access = { inputs: new Map([["in", input]]), outputs: new Map([["out", output]]) };
  Object.assign(window, { output, input, access });
  navigator.requestMIDIAccess = async () => access;
}"""
# Notes when each sample is to sound, in the sound's seconds, and, all the while, how page and sound lie to each other.
WATCH = """(root) => {
  window.starts = [];
  const { start } = AudioBufferSourceNode.prototype;
  AudioBufferSourceNode.prototype.start = function (...when) {
    starts.push(when[0]);
    return start.apply(this, when);
  };
  window.offsets = [];
  setInterval(() => {
    const { contextTime, performanceTime } = root.transport.context.getOutputTimestamp();
    if (performanceTime) offsets.push(performanceTime - contextTime * 1000);
  }, 10);
}"""
UNPLUG = "port => { port.state = 'disconnected'; access.onstatechange({ port }); }"
PLUG = "port => { port.state = 'connected'; access.onstatechange({ port }); }"
TICK, START, CONTINUE, STOP, POSITION = 0xF8, 0xFA, 0xFB, 0xFC, 0xF2
NOTE_ON, NOTE_OFF, CONTROL = 0x99, 0x89, 0xB9


@dataclass(frozen=True)
class Message:
    """What was sent: `at` is when, `handed` when it was handed over, in ms of the page."""

    data: tuple[int, ...]
    at: float
    handed: float


def sent(page: Page) -> list[Message]:
    """In the order of their time."""
    found = [Message(tuple(data), at, handed) for data, at, handed in page.evaluate("() => sent")]
    return sorted(found, key=lambda message: message.at)


def of(messages: list[Message], status: int) -> list[Message]:
    return [message for message in messages if message.data[0] == status]


def open_live(deck: Locator) -> Locator:
    """The part of the deck where drums are played, once it is there."""
    deck.get_by_role("button", name="Play live").click()
    live = deck.get_by_role("group", name="Play live")
    live.get_by_role("button", name="Record").wait_for()
    return live


def open_settings(live: Locator) -> None:
    live.get_by_text("Quantize, latency, MIDI").click()


def connect(live: Locator) -> None:
    """MIDI in, and the loop to the one output."""
    open_settings(live)
    live.get_by_role("button", name="Connect MIDI").click()
    live.get_by_label("Send the loop to").select_option("out")
