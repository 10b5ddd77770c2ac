"""What is computed once and kept, for all visitors.

What depends on a model takes it, which does not count, and its contents, which do: so another visitor's model never
answers for this one's. Where none is given, it is the session's model in use.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from threading import Lock
from typing import TYPE_CHECKING, Any

import numpy as np

from rhythmvae.analysis import metrics
from rhythmvae.groove import FloatArray, Groove
from rhythmvae.midi.read import read_midi
from rhythmvae.midi.report import ImportReport, ReadOptions
from rhythmvae.model.latent_map import Landing, LatentMap
from rhythmvae.model.variation import Variation
from rhythmvae.ui.session import models
from rhythmvae.ui.session.computing import computed, computed_once_begun, end_if_outdated
from rhythmvae.ui.session.opened import Opened
from rhythmvae.ui.shared import kept
from rhythmvae.ui.workers import tasks

if TYPE_CHECKING:
    from rhythmvae.model.verbs import Prediction


@dataclass(frozen=True)
class Settings:
    """What `generate.vary` is asked for, as a key of a cache."""

    n: int = 1
    amount: float = 0.4
    seed: int = 0
    asked: tuple[tuple[str, float], ...] = ()
    keep: tuple[str, ...] = ()
    keep_bars: tuple[int, ...] = ()
    style: str | None = None


_DRAWING = Lock()
DECODED_AT_ONCE = 100  # points of a map: a twentieth of a second of a core


@kept(max_entries=128)
def read(data: bytes, name: str, options: ReadOptions) -> tuple[Groove, ImportReport]:
    """`midi.read_midi`."""
    return read_midi(data, name, options)


@kept(max_entries=2048)
def report(data: bytes, name: str, options: ReadOptions) -> ImportReport:
    """What `read` says of a file: a page asks it of all the visitor's files, and it is small."""
    return read(data, name, options)[1]


@kept(max_entries=64)
def _reconstruct(groove: Groove, contents: str, _model: Opened) -> Groove:
    return computed(tasks.reconstruct, _model, groove)


def reconstruct(groove: Groove, model: Opened | None = None) -> Groove:
    """The whole groove through a model: the one in use where none is given."""
    used = model or models.in_use()
    return _reconstruct(groove, used.contents, used)


@kept(max_entries=256)
def description(groove: Groove, has_meter: bool = True) -> dict[str, Any]:
    """`labels.describe`."""
    return computed(tasks.describe, None, groove, has_meter=has_meter)


@kept(max_entries=128)
def score(original: Groove, estimate: Groove) -> metrics.Score:
    """`metrics.score`."""
    return metrics.score(original, estimate)


@kept(max_entries=1024)
def _score_of_file(
    data: bytes, name: str, options: ReadOptions, contents: str, _model: Opened
) -> tuple[metrics.Score, int, float]:
    began = time.monotonic()
    groove = read(data, name, options)[0]
    found = score(groove, reconstruct(groove, _model))
    return found, groove.n_bars, time.monotonic() - began


def score_of_file(data: bytes, name: str, options: ReadOptions) -> tuple[metrics.Score, int, float]:
    """How well the model in use rebuilds a file, its bars, and the seconds it took. More are kept than grooves.

    Raises:
        MidiError: it cannot be read.
    """
    used = models.in_use()
    return _score_of_file(data, name, options, used.contents, used)


@kept(max_entries=32)
def _perturbed(
    groove: Groove, contents: str, _model: Opened, n: int, amount: float, seed: int, style: str | None
) -> bytes:
    return computed(tasks.perturb, _model, groove, n=n, amount=amount, seed=seed, style=style)


@kept(max_entries=128)
def _variations(
    groove: Groove, contents: str, _model: Opened, settings: Settings
) -> tuple[list[Variation], FloatArray]:
    """With the latents (N, W, Z) of each, from which other sliders' lanes begin."""
    return computed(
        tasks.steered,
        _model,
        groove,
        # A slider moves more often than what it starts from.
        _perturbed(groove, contents, _model, settings.n, settings.amount, settings.seed, settings.style),
        asked=dict(settings.asked),
        keep=settings.keep,
        keep_bars=settings.keep_bars,
    )


def variations(groove: Groove, settings: Settings, model: Opened | None = None) -> list[Variation]:
    """`generate.vary` with a model: the one in use where none is given.

    Raises:
        UsageError: settings that make no sense for the groove or the model.
    """
    used = model or models.in_use()
    return _variations(groove, used.contents, used, settings)[0]


@kept(max_entries=512)  # some 20 kB each: those of all patterns as they come stay
def _lane(groove: Groove, contents: str, _model: Opened, settings: Settings, name: str, is_coarse: bool) -> bytes:
    steered = _variations.known(groove, contents, _model, settings) if settings.asked else None
    return computed(
        tasks.lane,
        _model,
        groove,
        name,
        _perturbed(groove, contents, _model, 1, settings.amount, settings.seed, settings.style),
        is_coarse=is_coarse,
        steered=None if steered is None else steered[1][0],
        asked=dict(settings.asked),
        keep=settings.keep,
        keep_bars=settings.keep_bars,
    )


def lane(
    groove: Groove, settings: Settings, name: str, model: Opened | None = None, *, is_coarse: bool = False
) -> bytes:
    """`lanes.slider_lane` as a browser is sent it (`played.packed`), with a model: the one in use where none is given.

    Where nothing is asked of other sliders, where the slider itself stands does not count.

    Args:
        is_coarse: a part of the work, or, where the whole of it has been done, that.

    Raises:
        UsageError: settings that make no sense for the groove or the model.
    """
    used = model or models.in_use()
    is_alone = all(other == name for other, _ in settings.asked)
    alone = replace(settings, n=1, asked=() if is_alone else settings.asked)
    if is_coarse and (found := _lane.known(groove, used.contents, used, alone, name, False)) is not None:
        return found
    return _lane(groove, used.contents, used, alone, name, is_coarse)


@kept(max_entries=16)
def _lattice(a: Groove, b: Groove, c: Groove, d: Groove, contents: str, _model: Opened) -> list[Groove]:
    return computed(tasks.lattice, _model, (a, b, c, d))


def lattice(corners: tuple[Groove, Groove, Groove, Groove]) -> list[Groove]:
    """`lattice.lattice` of four grooves with the model in use.

    Raises:
        UsageError: grooves between which there is no lattice.
    """
    used = models.in_use()
    return _lattice(*corners, used.contents, used)


@kept(max_entries=16)
def _lattice_file(a: Groove, b: Groove, c: Groove, d: Groove, contents: str, _model: Opened) -> bytes:
    from rhythmvae.ui.components import pad

    return pad.lattice_file(_lattice(a, b, c, d, contents, _model))


def lattice_file(corners: tuple[Groove, Groove, Groove, Groove]) -> bytes:
    """The same for a browser to play."""
    used = models.in_use()
    return _lattice_file(*corners, used.contents, used)


@kept(max_entries=16)
def _between(first: Groove, last: Groove, n: int, contents: str, _model: Opened) -> list[Groove]:
    return computed(tasks.interpolate, _model, first, last, n)


def between(first: Groove, last: Groove, n: int) -> list[Groove]:
    """`generate.interpolate` with the model in use.

    Raises:
        UsageError: grooves between which there is no interpolation.
    """
    used = models.in_use()
    return _between(first, last, n, used.contents, used)


@kept(max_entries=256)
def _completed(groove: Groove, verb: str, asked: Mapping[str, Any], contents: str, _model: Opened) -> Groove:
    return computed(tasks.complete, _model, verb, groove, **asked)


def completed(groove: Groove, verb: str, asked: Mapping[str, Any], model: Opened) -> Groove:
    """`tasks.complete` with a model that can."""
    return _completed(groove, verb, asked, model.contents, model)


@kept(max_entries=32)
def _predicted(groove: Groove, style: str | None, contents: str, _model: Opened) -> Prediction:
    return computed(tasks.predict, _model, groove, style)


def predicted(groove: Groove, style: str | None, model: Opened) -> Prediction:
    """`verbs.predicted` with a model that can."""
    return _predicted(groove, style, model.contents, model)


# -- the map -------------------------------------------------------------------


@kept(max_entries=8)
def _points_file(drawn: str, _latent_map: LatentMap) -> bytes:
    from rhythmvae.ui.components import latent_map

    return latent_map.points_file(_latent_map)


def points_file() -> bytes:
    """What a browser draws the map of the model in use by; nothing where it has none."""
    used = models.in_use()
    if used.latent_map is None:
        return b""
    # By all that a map holds: its model's digest says nothing of it, and nobody's names shall be shown to others.
    return _points_file(used.latent_map.digest, used.latent_map)


@kept(max_entries=100)  # 80 kB each: those of ten maps
def _grooves_file(drawn: str, part: int, contents: str, _latent_map: LatentMap, _model: Opened) -> bytes:
    from rhythmvae.ui.components import latent_map

    first = part * latent_map.GROOVES_AT_ONCE
    end = min(first + latent_map.GROOVES_AT_ONCE, len(_latent_map))
    found: list[Groove] = []
    for start in range(first, end, DECODED_AT_ONCE):
        end_if_outdated()  # nobody looks at the map any more
        piece = range(start, min(start + DECODED_AT_ONCE, end))
        frames = [_latent_map.frame(index) for index in piece]
        latents = np.ascontiguousarray(_latent_map.latents[start : piece.stop])
        found += computed_once_begun(tasks.decode_each, _model, latents, frames)
    return latent_map.grooves_file(found)


def grooves_file(latent_map: LatentMap, part: int) -> bytes:
    """Some hundred grooves of a map of the model in use, for a browser to play: `latent_map.grooves_file`."""
    used = models.in_use()
    return _grooves_file(latent_map.digest, part, used.contents, latent_map, used)


def grooves_known(latent_map: LatentMap, n_parts: int) -> dict[int, bytes]:
    """Those that somebody has asked for already, by their part."""
    used = models.in_use()
    found = {
        part: _grooves_file.known(latent_map.digest, part, used.contents, latent_map, used) for part in range(n_parts)
    }
    return {part: file for part, file in found.items() if file is not None}


@kept(max_entries=128)
def _places(drawn: str, latents: bytes, _latent_map: LatentMap) -> tuple[FloatArray, FloatArray]:
    from rhythmvae.model import latent_map as latent_maps

    rows = np.frombuffer(latents, dtype=np.float32).reshape(-1, _latent_map.latents.shape[1])
    return latent_maps.place(_latent_map, rows), latent_maps.to_plane(_latent_map, rows)


def places(latent_map: LatentMap, latents: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Where latents (M, Z) lie on a map and on its plane: (M, 2) each."""
    return _places(latent_map.digest, latents.astype(np.float32).tobytes(), latent_map)


@kept(max_entries=128)
def _landings(drawn: str, latents: bytes, _latent_map: LatentMap) -> list[Landing]:
    from rhythmvae.model import latent_map as latent_maps

    return latent_maps.landings(
        _latent_map, np.frombuffer(latents, dtype=np.float32).reshape(-1, _latent_map.latents.shape[1])
    )


def landings(latent_map: LatentMap, latents: FloatArray) -> list[Landing]:
    """What latents (M, Z) lie among: `latent_map.landings`."""
    return _landings(latent_map.digest, latents.astype(np.float32).tobytes(), latent_map)


@contextmanager
def drawing() -> Iterator[bool]:
    """While a map is drawn: half a minute of a core, and one visitor at a time. Gives whether it is this one's turn."""
    is_free = _DRAWING.acquire(blocking=False)
    try:
        yield is_free
    finally:
        if is_free:
            _DRAWING.release()


@kept(max_entries=256)
def _windows_with_latents(groove: Groove, most: int, contents: str, _model: Opened) -> list[tuple[Groove, FloatArray]]:
    from rhythmvae.data.windows import played_windows

    windows = played_windows(groove)[:most]
    return list(zip(windows, computed(tasks.encode, _model, windows), strict=True)) if windows else []


def windows_with_latents(groove: Groove, most: int) -> list[tuple[Groove, FloatArray]]:
    """The first windows of a groove that a map shows, each with its latent (Z,) of the model in use."""
    used = models.in_use()
    return _windows_with_latents(groove, most, used.contents, used)


@kept(max_entries=64)
def _decoded(latent: bytes, frame: Groove, contents: str, _model: Opened) -> Groove:
    return computed(tasks.decode, _model, np.frombuffer(latent, dtype=np.float32), frame)


def decoded(latent: FloatArray, frame: Groove) -> Groove:
    """The groove of one window's latent (Z,) of the model in use."""
    used = models.in_use()
    return _decoded(latent.astype(np.float32).tobytes(), frame, used.contents, used)
