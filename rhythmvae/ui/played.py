"""What a browser plays, as JSON has it. Needs neither Streamlit nor torch, so that pages and workers write it alike."""

from __future__ import annotations

import gzip
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from rhythmvae.analysis.descriptors import SLIDERS, slider_values
from rhythmvae.analysis.quantiles import Quantiles
from rhythmvae.groove import Groove

if TYPE_CHECKING:
    from rhythmvae.model.variation import SliderLane

_LEVEL = 1  # packing is done while a hand waits


def hits(groove: Groove) -> list[list[float]]:
    """Voice, position in steps to a ten-thousandth (0.01 ms), velocity."""
    columns = groove.voice.tolist(), groove.position.round(4).tolist(), groove.velocity.tolist()
    return [list(hit) for hit in zip(*columns, strict=True)]


def frame(groove: Groove) -> dict[str, Any]:
    """What a browser needs to play hits in, but for the tempo: the length, the meter to read, bars and beats."""
    first, *others = groove.meters
    return {
        "n_steps": groove.n_steps,
        "meter": f"{first.numerator}/{first.denominator}" + (" and others" if others else ""),
        "bars": groove.bar_lines.tolist(),
        "beats": groove.beat_lines.tolist(),
    }


def stands(groove: Groove, quantiles: Quantiles) -> dict[str, int]:
    """Slider -> percentile, of those that the groove defines."""
    values = slider_values(groove)
    return {
        name: round(100 * quantiles.quantile(name, value))
        for name in SLIDERS
        if name in quantiles.knots and (value := values[name]) is not None
    }


def lane(found: SliderLane, quantiles: Quantiles) -> dict[str, Any]:
    """For each percent which groove; of each groove its hits, and where it has the sliders stand."""
    return {
        "name": found.name,
        "stops": list(found.stops),
        "grooves": [hits(groove) for groove in found.grooves],
        "stands": [stands(groove, quantiles) for groove in found.grooves],
    }


def text(found: Mapping[str, Any]) -> bytes:
    return json.dumps(found, separators=(",", ":")).encode()


def packed(found: Mapping[str, Any]) -> bytes:
    """As text, gzipped: what browsers are sent, and a fifth of what it would hold otherwise."""
    return gzip.compress(text(found), _LEVEL, mtime=0)


def unpacked(data: bytes) -> dict[str, Any]:
    """Of what `packed` gave, and of nothing else: it is not bounded."""
    found: dict[str, Any] = json.loads(gzip.decompress(data))
    return found
