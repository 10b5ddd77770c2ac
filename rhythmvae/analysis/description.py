"""Everything that is said of a groove by rule, in one value that JSON can hold.

What is learned (style, beat or fill) is no part of it: model.labels puts it beside this.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from rhythmvae.analysis import rhythm
from rhythmvae.analysis.chords import chords
from rhythmvae.analysis.descriptors import describe as descriptors_of
from rhythmvae.analysis.elements import CLASSES, ORNAMENTS, Elements, elements
from rhythmvae.analysis.feel import feels
from rhythmvae.analysis.form import Form, form
from rhythmvae.analysis.measures import measures
from rhythmvae.analysis.pulse import felt_bpm, heard_meter
from rhythmvae.analysis.timing import Timing, timing
from rhythmvae.errors import check_type
from rhythmvae.groove import FloatArray, Groove, Meter
from rhythmvae.kit import VOICE_KEYS

SWING_OF = {2: "eighths", 1: "sixteenths", None: None}


@dataclass(frozen=True, eq=False)
class Seen:
    """A groove as it is described: in its meter, with its grid and elements. heard: the meter that its hits have."""

    heard: Meter | None
    on_grid: Timing
    found: Elements

    @property
    def groove(self) -> Groove:
        return self.on_grid.groove


def seen(groove: Groove, *, has_meter: bool = True) -> Seen:
    """A groove with what all of its description is made of.

    Args:
        has_meter: whether the groove's meter is known. Where it is not (a file without one is read in 4/4), the meter
            that is heard in the hits takes its place, and bars are counted in it.

    Raises:
        WrongTypeError: something that is no groove.
    """
    check_type(groove, Groove, "a groove")
    heard = heard_meter(groove)
    if not has_meter and heard is not None:
        groove = replace(groove, meters=(heard,))
    return Seen(heard, timing(groove), elements(groove))


def of(seen: Seen, *, with_lists: bool = True) -> dict[str, Any]:
    """What is said of a groove by rule. Keys, units and rules are those of docs/json.md, under `describe`.

    Args:
        with_lists: whether to list hits, chords, successions, intervals and each drum's timing; a table of many
            grooves needs none of them.
    """
    groove, on_grid, found, heard, whole = seen.groove, seen.on_grid, seen.found, seen.heard, form(seen.groove)
    return {
        "tempo": {"bpm": groove.tempos[0].bpm, "as_felt": _rounded(felt_bpm(groove), 3)},
        "drift_percent": _rounded(rhythm.drift_percent(on_grid), 3),
        "meter": _usual_meter(groove),
        "meter_heard": None if heard is None else str(heard),
        "n_bars": groove.n_bars,
        "n_hits": len(groove),
        "seconds": round(groove.duration_seconds, 4),
        **_swing(on_grid),
        "descriptors": descriptors_of(groove),
        "measures": measures(on_grid),
        "feel": feels(on_grid, found),
        "sections": [list(section) for section in whole.sections],
        "form": _form(whole),
        **(_lists(on_grid, found) if with_lists else {}),
    }


def _lists(on_grid: Timing, found: Elements) -> dict[str, Any]:
    sounding, following = chords(on_grid.groove, found)
    return {
        "timing": rhythm.drum_timing(on_grid),
        "intervals": rhythm.intervals(on_grid.groove),
        "chords": sounding,
        "follows": following,
        "hits": _hits(on_grid, found),
    }


def _rounded(value: float | None, digits: int) -> float | None:
    return None if value is None else round(value, digits)


def _usual_meter(groove: Groove) -> str:
    """The meter that holds for most of a groove."""
    ends = [meter.step for meter in groove.meters[1:]] + [float(groove.n_steps)]
    held: dict[str, float] = {}
    for meter, end in zip(groove.meters, ends, strict=True):
        held[str(meter)] = held.get(str(meter), 0.0) + end - meter.step
    return max(held, key=held.__getitem__)


def _swing(on_grid: Timing) -> dict[str, Any]:
    return {
        "subdivision": rhythm.subdivision(on_grid),
        "swing": _rounded(rhythm.swing_ratio(on_grid), 4),
        "swing_percent": _rounded(rhythm.swing_percent(on_grid), 3),
        "swing_of": SWING_OF[on_grid.swing_steps],
    }


def _form(whole: Form) -> dict[str, Any]:
    return {
        "letters": " ".join(letter for _, _, letter in whole.sections),
        "patterns": whole.patterns,
        "fills": whole.fills,
        "loop": None if whole.loop is None else list(whole.loop),
        "changes": whole.changes,
    }


def _hits(on_grid: Timing, found: Elements) -> list[dict[str, Any]]:
    """The hits in order, each with its place, its length and what it is."""
    groove = on_grid.groove
    columns = {
        "voice": [VOICE_KEYS[v] for v in groove.voice.tolist()],
        "bar": (on_grid.bar + 1).tolist(),
        "beat": _beats(on_grid),
        "seconds": np.round(groove.onset_seconds, 6).tolist(),
        "until_own": np.round(found.until_own, 6).tolist(),
        "until_any": np.round(found.until_any, 6).tolist(),
        "velocity": groove.velocity.tolist(),
        "class": [CLASSES[level] for level in found.level.tolist()],
        "offset_ms": np.round(on_grid.offset_ms, 3).tolist(),
        "ornament": [ORNAMENTS[kind] for kind in found.ornament.tolist()],
        "is_grace": found.is_grace.tolist(),
    }
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def _beats(on_grid: Timing) -> list[float]:
    """The beat of each hit's line, from 1; a beat is the meter's own note, or a dotted one in 6/8, 9/8 and 12/8."""
    groove = on_grid.groove
    if len(groove.meters) == 1:
        length: float | FloatArray = groove.meters[0].beat_steps
    else:
        starts = np.array([meter.step for meter in groove.meters])
        beats = np.array([meter.beat_steps for meter in groove.meters])
        length = beats[np.searchsorted(starts, on_grid.bar_start + 1e-9, side="right") - 1]
    beat: list[float] = np.round((on_grid.line - on_grid.bar_start) / length + 1, 4).tolist()
    return beat
