"""What can be taken home of a lane: MIDI as it is heard, under a name; whole, or of the bars that were asked for."""

from __future__ import annotations

from typing import Any

from rhythmvae.groove import Groove
from rhythmvae.midi.write import write_midi
from rhythmvae.outputs import file_stem
from rhythmvae.ui.components import assets
from rhythmvae.ui.components.deck.answers import bars_wanted
from rhythmvae.ui.components.deck.lanes import Lane
from rhythmvae.ui.shared import kept


def files_of(lane: Lane, rate: float, is_made: bool = False) -> dict[str, Any]:
    """MIDI as it is heard; the browser gives it the name: the groove's, and what was made of it."""
    taken = lane.groove if lane.whole is None else lane.whole
    title, made = lane.groove.title, lane.label.partition(",")[0].lower()
    is_said = lane.is_another or not is_made
    stem = file_stem(lane.label if not title else title if is_said else f"{title} {made}")
    found = {"file": _file_of(taken, rate, stem)}
    if (bars := bars_wanted(lane)) is not None:
        first, last = (bar - lane.first_bar + 1 for bar in bars)
        part = lane.groove.bars(first, last)
        found["part"] = _file_of(part, rate, f"{stem}-bars-{bars[0]}-to-{bars[1]}") | {"bars": list(bars)}
    return found


def _file_of(groove: Groove, rate: float, stem: str) -> dict[str, Any]:
    name = f"{stem}.mid"
    return {"name": name, "address": assets.address(name, _midi(groove, rate), "audio/midi")}


@kept(max_entries=256)  # a few kB each: every page writes the same ones, which took a tenth of its run
def _midi(groove: Groove, rate: float) -> bytes:
    return write_midi(groove.at_rate(rate))
