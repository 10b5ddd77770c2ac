"""What the deck fetches when somebody wants to play: pads, recording into the loop, MIDI in and out.

No component of its own: `deck` gives its address, and `deck/stage.js` imports it at the first press, so that a first
visit is as light as without it. Modules, in the order they build on each other: `kept.js` (what this browser keeps),
`page_clock.js` (the page's clock against the sound's), `passes.js` (where strokes are laid), `recorder.js`,
`latency.js`, `midi_out.js`, `ports.js`, `pads.js` and `live.js`, which is what is seen.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

from rhythmvae.ui.components import assets

FOLDER = Path(__file__).parent
_OWN = ("kept", "page_clock", "passes", "recorder", "latency", "midi_out", "ports", "pads", "live")
MODULES = (assets.DOM, FOLDER.parent / "deck" / "time.js", *(FOLDER / f"{name}.js" for name in _OWN))


@cache
def code() -> bytes:
    """Its modules in one."""
    return assets.joined(MODULES)


def address() -> str:
    """Where the server gives it out, relative to the app."""
    return assets.address("live.js", code(), assets.SCRIPT)
