"""How well kit maps are recognised: python -m benchmarks.kit_maps GROOVE_MIDI_DATASET LOOPS [--takes N] [--json FILE]

Takes are the validation rows of info.csv (whole, and in windows of 1, 2, 4 and 8 bars) and the files without such a
table (loops), in turn until there are enough. Each is written with the notes of one known map, in rotation, and of a
random one (every voice on a note of its own from 24 to 95), and read again. By map: takes, the share of hits with the
right voice, in takes that were asked about, and wrong without a question; then the files as they are that are
remapped or asked about. Question and refusal count as asked.
"""

import argparse
import itertools
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from rhythmvae.data import corpus
from rhythmvae.data.files import find_sources
from rhythmvae.errors import MidiError
from rhythmvae.groove import Groove
from rhythmvae.kit import N_VOICES
from rhythmvae.midi.read import read_midi
from rhythmvae.midi.report import ImportReport
from rhythmvae.midi.write import write_midi

# Where the makers have the voices, by the voices' order in the kit: one note each.
MAPS: Mapping[str, tuple[int, ...]] = {
    "General MIDI": (36, 38, 42, 46, 43, 47, 50, 49, 51),
    "an octave down": (24, 26, 30, 34, 31, 35, 38, 37, 39),
    "an octave up": (48, 50, 54, 58, 55, 59, 62, 61, 63),
    "two octaves up": (60, 62, 66, 70, 67, 71, 74, 73, 75),
    "two octaves down": (12, 14, 18, 22, 19, 23, 26, 25, 27),
    "Roland TD": (36, 40, 22, 26, 58, 45, 48, 55, 59),
    "Alesis": (36, 40, 42, 46, 41, 45, 48, 57, 51),
    "Addictive Drums 2": (36, 38, 49, 54, 65, 69, 71, 77, 60),
    "EZdrummer": (36, 38, 65, 60, 41, 45, 48, 49, 51),
    "Superior Drummer": (36, 38, 63, 24, 43, 47, 48, 57, 53),
    "Steven Slate, BFD, Ableton core kits": (36, 38, 42, 46, 41, 45, 48, 49, 51),
    "GetGood Drums": (24, 26, 42, 45, 36, 34, 33, 52, 62),
    "pads of MPC, Maschine, racks": (36, 37, 38, 39, 40, 41, 42, 43, 44),
    "pads of an older MPC": (37, 36, 42, 82, 40, 38, 46, 44, 48),
    "FL Studio rack": (60, 61, 62, 63, 64, 65, 66, 67, 68),
}
RANDOM, ANY_KNOWN = "random", "all known maps"
WINDOW_BARS = (2, 4, 1, 8)
MIN_HITS = 8


@dataclass
class Tally:
    """Takes and hits of a map."""

    takes: int = 0
    asked_takes: int = 0
    hits: int = 0
    right: int = 0
    asked: int = 0
    wrong: int = 0

    def add(self, n_right: int, n_hits: int, is_asked: bool) -> None:
        self.takes, self.asked_takes = self.takes + 1, self.asked_takes + is_asked
        self.hits += n_hits
        self.asked += n_hits * is_asked
        self.right += 0 if is_asked else n_right
        self.wrong += 0 if is_asked else n_hits - n_right

    def shares(self) -> dict[str, float]:
        hits = max(1, self.hits)
        return {
            "takes": self.takes,
            "asked takes": round(self.asked_takes / max(1, self.takes), 4),
            **{key: round(getattr(self, key) / hits, 4) for key in ("right", "asked", "wrong")},
        }


def grooves(data: list[Path], rng: np.random.Generator) -> Iterator[Groove]:
    """Takes, then windows of them, again and again."""
    found = [take for path in data for take in corpus.load([path]).takes if take.split in (None, "validation")]
    yield from (take.groove for take in found)
    for n_bars in itertools.cycle(WINDOW_BARS):
        for take in found:
            first = int(rng.integers(1, max(1, take.groove.n_bars - n_bars + 1) + 1))
            if take.groove.n_bars > n_bars:
                yield take.groove.bars(first, first + n_bars - 1)


def is_asked(report: ImportReport) -> bool:
    return any(question.about == "kit map" for question in report.questions)


def read_again(groove: Groove, notes: tuple[int, ...]) -> tuple[int, bool]:
    """Hits with the same place and voice when written with these notes and read, and whether the reader asks."""
    groove = replace(groove, title="")  # a name like "latin" says that the notes are hand drums
    truth, _ = read_midi(write_midi(groove), "take.mid")
    try:
        again, report = read_midi(write_midi(groove, notes), "take.mid")
    except MidiError:
        return 0, True
    theirs = set(zip(again.position.tolist(), again.voice.tolist(), strict=True))
    hits = zip(truth.position.tolist(), truth.voice.tolist(), strict=True)
    return sum(hit in theirs for hit in hits), is_asked(report)


def changed_as_they_are(data: list[Path]) -> list[str]:
    """Names of files that are remapped or asked about without being changed by us."""
    names = []
    for source in find_sources(data):
        try:
            _, report = read_midi(source.read(), source.name)
        except MidiError:
            continue
        if is_asked(report) or any(change.kind == "kit_map" for change in report.changes):
            names.append(source.name)
    return names


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("data", type=Path, nargs="+")
    parser.add_argument("--takes", type=int, default=2000)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    rng = np.random.default_rng(0)
    tallies = {name: Tally() for name in (*MAPS, RANDOM, ANY_KNOWN)}
    enough = (groove for groove in grooves(options.data, rng) if len(groove) >= MIN_HITS)
    for groove, name in zip(itertools.islice(enough, options.takes), itertools.cycle(MAPS), strict=False):
        anywhere = tuple(rng.permutation(np.arange(24, 96))[:N_VOICES].tolist())
        for key, notes in ((name, MAPS[name]), (RANDOM, anywhere)):
            n_right, asked = read_again(groove, notes)
            for tally in (key, ANY_KNOWN)[: 1 + (key != RANDOM)]:
                tallies[tally].add(n_right, len(groove), asked)
    changed = changed_as_they_are(options.data)
    table = {name: tally.shares() for name, tally in tallies.items()}
    print(f"{'map':38}{'takes':>6}{'asked':>7} | hits{'right':>7}{'asked':>7}{'wrong':>7}")
    for name, row in table.items():
        print(
            f"{name:38}{row['takes']:6.0f}{row['asked takes']:7.3f} |     "
            f"{row['right']:7.3f}{row['asked']:7.3f}{row['wrong']:7.3f}"
        )
    print(f"{len(changed)} files remapped or asked about as they are: {', '.join(changed[:12])}")
    if options.json:
        options.json.write_text(json.dumps({"maps": table, "changed": changed}, indent=1), "utf-8")


if __name__ == "__main__":
    main()
