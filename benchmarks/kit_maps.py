"""How well kit maps are recognised: python -m benchmarks.kit_maps FOLDER_OR_ZIP_OF_MIDI [--takes N]

Rewrites the notes of each take as another map would have them, reads it again and compares the voices with those
of the take as it was. By map: takes, those asked about, and of the hits in the others the share with the right
voice. `random` maps put every voice on a note of its own, anywhere from 24 to 95.
"""

import argparse
import io
from collections.abc import Callable, Mapping
from pathlib import Path

import mido
import numpy as np

from rhythmvae.data.files import find_sources
from rhythmvae.errors import MidiError
from rhythmvae.groove import Groove
from rhythmvae.kit import KitMap
from rhythmvae.midi.read import read_midi

# Where the makers have the voices, by the voices' order in the kit: one note each, the most used.
MAPS: Mapping[str, tuple[int, ...]] = {
    "General MIDI": (36, 38, 42, 46, 43, 47, 50, 49, 51),
    "an octave down": (24, 26, 30, 34, 31, 35, 38, 37, 39),
    "an octave up": (48, 50, 54, 58, 55, 59, 62, 61, 63),
    "two octaves up": (60, 62, 66, 70, 67, 71, 74, 73, 75),
    "two octaves down": (12, 14, 18, 22, 19, 23, 26, 25, 27),
    "Roland TD": (36, 40, 22, 26, 58, 45, 48, 55, 59),
    "Alesis": (36, 40, 42, 46, 41, 45, 48, 57, 51),
    "Addictive Drums 2": (36, 38, 49, 54, 65, 69, 71, 77, 60),
    "EZdrummer hats": (36, 38, 65, 60, 41, 45, 48, 49, 51),
    "pads from 36": (36, 37, 38, 39, 40, 41, 42, 43, 44),
}


def remapped(data: bytes, kit: KitMap, notes: tuple[int, ...]) -> bytes:
    """The file with every note of a voice on the voice's note."""
    file = mido.MidiFile(file=io.BytesIO(data))
    for track in file.tracks:
        for message in track:
            if message.type in ("note_on", "note_off") and (voice := kit.voice_of(message.note)) is not None:
                message.note = notes[voice]
    buffer = io.BytesIO()
    file.save(file=buffer)
    return buffer.getvalue()


def n_right(groove: Groove, truth: Groove) -> int:
    """Hits at the same place with the same voice."""
    theirs = set(zip(groove.position.tolist(), groove.voice.tolist(), strict=True))
    return sum(hit in theirs for hit in zip(truth.position.tolist(), truth.voice.tolist(), strict=True))


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("data", type=Path)
    parser.add_argument("--takes", type=int, default=200)
    options = parser.parse_args()
    sources = find_sources([options.data]).sources
    sources = sources[:: max(1, len(sources) // options.takes)]
    rng = np.random.default_rng(0)
    named: dict[str, Callable[[], tuple[int, ...]]] = {
        **{name: (lambda notes=notes: notes) for name, notes in MAPS.items()},  # type: ignore[misc]
        "random": lambda: tuple(rng.permutation(np.arange(24, 96))[:9].tolist()),
    }
    for name, notes_of in named.items():
        n_takes = n_asked = hits = right = 0
        for source in sources:
            data = source.read()
            try:
                truth, _ = read_midi(data, source.name)
                again, report = read_midi(remapped(data, KitMap(), notes_of()), source.name)
            except MidiError:
                n_takes, n_asked = n_takes + 1, n_asked + 1  # refused: the notes must be mapped by hand
                continue
            n_takes += 1
            if any(question.about == "kit map" for question in report.questions):
                n_asked += 1
                continue
            hits, right = hits + len(truth), right + n_right(again, truth)
        share = f"{right / hits:.3f}" if hits else "-"
        print(f"{name}: {n_takes} takes, {n_asked} asked about, right voice {share} of {hits:,} hits in the others")


if __name__ == "__main__":
    main()
