"""A page in one file: a pad of decoded grooves, their grid and their sound, that plays from a disk with no network.

The deck's own clock, kit and transport play it, joined with `onefile.js` and put into the file with the house kit. What
is in it of its maker are hits and the title that was typed; its policy forbids it any connection.
"""

from __future__ import annotations

import base64
import json
from html import escape
from pathlib import Path

from rhythmvae.kit import VOICES
from rhythmvae.sound import kits, synth
from rhythmvae.ui.components import assets, deck

FOLDER = Path(__file__).parent
_OF_DECK = ("time.js", "timer.js", "kit.js", "buses.js", "strokes.js", "ahead.js", "transport.js")
MODULES = (assets.DOM, *(deck.COMPONENT.folder / name for name in _OF_DECK))
MAX_BYTES = 2_000_000
MAX_TITLE = 80
TITLE = "A pad of grooves"
_POLICY = (
    "default-src 'none'; script-src 'unsafe-inline' blob:; worker-src blob:; "
    "style-src 'unsafe-inline'; connect-src data:"
)


def page(lattice: bytes, *, side: int, title: str = "") -> bytes:
    """The file, as UTF-8.

    Args:
        lattice: of `pad.lattice_file`.
        side: how many grooves stand in a row of it.
        title: as it was typed; the first MAX_TITLE characters count.
    """
    name = title.strip()[:MAX_TITLE] or TITLE
    data = {
        "side": side,
        "kit": f"data:{kits.KIND};base64,{base64.b64encode(kits.kit_wav()).decode()}",
        "mixer": synth.parameters(),
        "voices": [{"key": voice.key, "label": voice.label, "color": voice.color} for voice in VOICES],
        "lattice": json.loads(lattice),
    }
    written = json.dumps(data, separators=(",", ":")).replace("<", "\\u003c")  # nothing in it ends its element
    code = assets.joined((*MODULES, FOLDER / "onefile.js")).decode()
    style = (FOLDER / "onefile.css").read_text("utf-8")
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{_POLICY}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(name)}</title>
<style>
{style}</style>
</head>
<body>
<main>
<h1>{escape(name)}</h1>
<div id="pad" role="application" tabindex="0" aria-label="Pad of grooves: arrow keys move the point"></div>
<div id="transport"></div>
<div id="grid" role="img" aria-label="The groove that is heard"></div>
<p id="status" role="status">Drag on the square: every place is a groove.</p>
</main>
<script type="application/json" id="data">{written}</script>
<script type="module">
{code}</script>
</body>
</html>
""".encode()
