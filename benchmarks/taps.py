"""Drums from real taps: python -m benchmarks.taps TAPS.zip GROOVE.zip [--checkpoint FILE] [--json]

TAPS is TapTamDrum (Haki et al. 2023): two-bar segments of the Groove MIDI Dataset, GROOVE, each tapped by several
people with two hands, beside the original. All strokes of a tapping are one lane. Of the one answer
(`tap --temperature 0`): F1 of the rhythm, 16ths in which any drum sounds, and of the drums, by drum and 16th, against
the original, over all tappings together. Beside it: the taps themselves, for the rhythm; and the training window whose
taps are nearest, the take of the segment itself left out. Segments of takes that the model has learned from are counted
apart: its answers there may be remembered.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np

from benchmarks.figures import UNDEFINED, told
from rhythmvae.data import corpus, splits
from rhythmvae.data.corpus import Take
from rhythmvae.data.files import find_sources
from rhythmvae.evaluation.completion.jobs import Material, cells, f1, known_windows, nearest
from rhythmvae.evaluation.completion.taps import drums, flattened
from rhythmvae.groove import WINDOW_STEPS, BoolArray, Groove
from rhythmvae.midi.read import read_midi
from rhythmvae.model import checkpoint
from rhythmvae.model.card import SHIPPED

ORIGINAL = "original.mid"
COLUMNS = ["figure, segments", "tappings", "taps alone", "nearest neighbour", "ours"]


@dataclass(frozen=True, eq=False)
class Tapping:
    """Taps of two bars, as one lane, and the drums that were heard; segment: the folder's name."""

    segment: str
    taps: Groove
    original: Groove

    def is_of(self, take: Take) -> bool:
        """Whether a take is the one that the segment was cut from: 004_drummer1_202_rock_140_beat_4-4_seg10.

        >>> own = Tapping("004_drummer1_202_rock_140_beat_4-4_seg10", None, None)
        >>> own.is_of(Take("drummer1/session3/202_rock_140_beat_4-4.mid", None))
        True
        >>> own.is_of(Take("drummer1/session3/20_rock_140_beat_4-4.mid", None))
        False
        """
        path = PurePosixPath(take.name)
        own = self.segment.split("_", 1)[1].rsplit("_", 1)[0]
        return own in {f"{folder}_{path.stem}" for folder in path.parts[:-1]}


def read(path: Path) -> list[Tapping]:
    """All tappings of an archive or folder."""
    folders: dict[str, dict[str, Groove]] = {}
    for source in find_sources([path]).sources:
        own = PurePosixPath(source.name)
        folders.setdefault(own.parent.name, {})[own.name] = read_midi(source.read(), own.name)[0]
    return [
        Tapping(segment, flattened(_two_bars(groove)), _two_bars(files[ORIGINAL]))
        for segment, files in sorted(folders.items())
        if ORIGINAL in files
        for name, groove in sorted(files.items())
        if name != ORIGINAL and len(groove)
    ]


def _two_bars(groove: Groove) -> Groove:
    """Cut, or filled with silence."""
    longer = groove if groove.n_steps >= WINDOW_STEPS else groove.looped(1)
    return longer.slice(0, WINDOW_STEPS)


def rows(material: Material, tappings: Sequence[Tapping], train: Sequence[Take]) -> list[list[str]]:
    """Those of takes that were not learned from, of the others, and of all."""
    learned = np.array([any(own.is_of(take) for take in train) for own in tappings])
    made = [cells(groove) for groove in drums(material, [own.taps for own in tappings], 0.0)]
    like = neighbours(tappings, train)
    found: list[list[str]] = []
    for name, chosen in (("all", learned | True), ("not learned from", ~learned), ("learned from", learned)):
        index = np.flatnonzero(chosen).tolist()
        if index:
            found += _rows_of(name, [tappings[i] for i in index], [made[i] for i in index], [like[i] for i in index])
    return found


def _rows_of(
    name: str, tappings: Sequence[Tapping], made: Sequence[BoolArray], like: Sequence[BoolArray]
) -> list[list[str]]:
    true, taps = ([cells(getattr(own, which)) for own in tappings] for which in ("original", "taps"))
    alone, near, ours = (f1(rhythm(true), rhythm(each)) for each in (taps, like, made))
    n = str(len(tappings))
    return [
        [f"F1 of the rhythm, {name}", n, f"{alone:.3f}", f"{near:.3f}", f"{ours:.3f}"],
        [f"F1 of the drums, {name}", n, UNDEFINED, f"{f1(true, like):.3f}", f"{f1(true, made):.3f}"],
    ]


def rhythm(tables: Sequence[BoolArray]) -> list[BoolArray]:
    """(T,) each, 16ths in which any drum sounds."""
    return [np.any(table, 1) for table in tables]


def neighbours(tappings: Sequence[Tapping], train: Sequence[Take]) -> list[BoolArray]:
    """For each tapping the drums of the training window whose taps are nearest, not of its own take."""
    windows = [known_windows([take.groove]) for take in train]
    known = np.concatenate(windows)
    owner = np.repeat(np.arange(len(train)), [len(own) for own in windows])
    played = np.any(known, 2)
    others = {}
    for own in {own.segment: own for own in tappings}.values():
        others[own.segment] = np.flatnonzero(~np.array([own.is_of(take) for take in train])[owner])
    found = []
    for own in tappings:
        other = others[own.segment]
        found.append(known[other[nearest(played[other], np.any(cells(own.taps), 1)[None])[0]]])
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("taps", type=Path)
    parser.add_argument("groove", type=Path)
    parser.add_argument("--checkpoint", type=Path, default=SHIPPED)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    train, _ = splits.split_takes(corpus.load([options.groove]).takes)
    found = rows(Material(checkpoint.load(options.checkpoint), []), read(options.taps), train)
    told(COLUMNS, found, as_json=options.json)


if __name__ == "__main__":
    main()
