"""Everything that is said of a groove by rule, in one value that JSON can hold.

What is learned (style, beat or fill) is no part of it: model.labels puts it beside this.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from rhythmvae.analysis import rhythm
from rhythmvae.analysis.chords import chords
from rhythmvae.analysis.descriptors import describe as descriptors_of
from rhythmvae.analysis.elements import CLASSES, ORNAMENTS, Elements, elements_of
from rhythmvae.analysis.feel import feels_of
from rhythmvae.analysis.form import Form, form
from rhythmvae.analysis.many import Many, in_batches
from rhythmvae.analysis.measures import measures_of
from rhythmvae.analysis.pulse import felt_bpms, heard_meter
from rhythmvae.analysis.timing import Timing, timings
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
    return _seen([_heard(groove, has_meter)])[0]


def seen_all(grooves: Iterable[Groove]) -> list[Seen]:
    """`seen` of each groove whose meter is known, worked out for many at once."""
    return [one for batch in in_batches((_heard(groove, True) for groove in grooves), _groove) for one in _seen(batch)]


def of(seen: Seen, *, with_lists: bool = True) -> dict[str, Any]:
    """What is said of a groove by rule. Keys, units and rules are those of docs/json.md, under `describe`.

    Args:
        with_lists: whether to list hits, chords, successions, intervals and each drum's timing; a table of many
            grooves needs none of them.
    """
    return _said([seen], with_lists)[0]


def each(grooves: Iterable[tuple[Groove, bool]], *, with_lists: bool = True) -> Iterator[tuple[Seen, dict[str, Any]]]:
    """`seen` and `of` of each groove, given with whether its meter is known; worked out for many at once."""
    for batch in in_batches((_heard(groove, has_meter) for groove, has_meter in grooves), _groove):
        looked = _seen(batch)
        yield from zip(looked, _said(looked, with_lists), strict=True)


_Heard = tuple[Meter | None, Groove]  # the meter that is heard in a groove, and the groove in the meter it is seen in


def _heard(groove: Groove, has_meter: bool) -> _Heard:
    heard = heard_meter(groove)
    return heard, groove if has_meter or heard is None else replace(groove, meters=(heard,))


def _groove(heard: _Heard) -> Groove:
    return heard[1]


def _seen(batch: Sequence[_Heard]) -> list[Seen]:
    many = Many([groove for _, groove in batch])
    rows = zip(batch, timings(many), elements_of(many), strict=True)
    return [Seen(heard, on_grid, found) for (heard, _), on_grid, found in rows]


def _said(looked: Sequence[Seen], with_lists: bool) -> list[dict[str, Any]]:
    many = Many([one.groove for one in looked])
    measured = measures_of(many), feels_of(many, [one.on_grid for one in looked], [one.found for one in looked])
    return [
        {**_by_itself(one, felt, values, feels), **(_lists(one.on_grid, one.found) if with_lists else {})}
        for one, felt, values, feels in zip(looked, felt_bpms(many), *measured, strict=True)
    ]


def _by_itself(seen: Seen, felt: float | None, values: dict[str, float | None], feels: list[str]) -> dict[str, Any]:
    groove, on_grid, whole = seen.groove, seen.on_grid, form(seen.groove)
    return {
        "tempo": {"bpm": groove.tempos[0].bpm, "as_felt": _rounded(felt, 3)},
        "drift_percent": _rounded(rhythm.drift_percent(on_grid), 3),
        "meter": _usual_meter(groove),
        "meter_heard": None if seen.heard is None else str(seen.heard),
        "n_bars": groove.n_bars,
        "n_hits": len(groove),
        "seconds": round(groove.duration_seconds, 4),
        **_swing(on_grid),
        "descriptors": descriptors_of(groove),
        "measures": values,
        "feel": feels,
        "sections": [list(section) for section in whole.sections],
        "form": _form(whole),
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
