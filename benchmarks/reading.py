"""How files are read, and how fast: python -m benchmarks.reading FOLDER_OR_ZIP_OF_MIDI [--each]

With --each, a line per file: its length, meter, tempo, the hits of each drum, and what was changed or
asked. Then how many files have each change and question, and how many times faster the reader is than mido:
the times of the first SPEED_FILES files that both read, one after the other in pairs, added up.
"""

import argparse
import io
import time
from collections import Counter
from pathlib import Path

import mido
import numpy as np

from rhythmvae.data.files import find_sources
from rhythmvae.errors import MidiError
from rhythmvae.kit import N_VOICES, VOICE_KEYS
from rhythmvae.midi.read import read_midi

SPEED_FILES = 200


def seconds_of_mido(data: bytes) -> float | None:
    """Time that mido takes, or None where it cannot read the file."""
    began = time.perf_counter()
    try:
        mido.MidiFile(file=io.BytesIO(data))
    except Exception:
        return None
    return time.perf_counter() - began


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("data", type=Path)
    parser.add_argument("--each", action="store_true")
    options = parser.parse_args()
    counts: Counter[str] = Counter()
    pairs: list[tuple[float, float]] = []
    for source in find_sources([options.data]):
        data = source.read()
        began = time.perf_counter()
        try:
            groove, report = read_midi(data, source.name)
        except MidiError as error:
            counts["refused"] += 1
            if options.each:
                print(f"{source.name}: {error}")
            continue
        took = time.perf_counter() - began
        if len(pairs) < SPEED_FILES and (other := seconds_of_mido(data)):
            pairs.append((other, took))
        counts["read"] += 1
        counts.update({f"change {c.kind}" for c in report.changes} | {f"question {q.about}" for q in report.questions})
        if options.each:
            hits = np.bincount(groove.voice, minlength=N_VOICES)
            drums = ", ".join(f"{key} {n}" for key, n in zip(VOICE_KEYS, hits.tolist(), strict=True) if n)
            print(
                f"{source.name}: {groove.n_steps} steps, {groove.n_bars} bars, "
                f"{'/'.join(str(m) for m in groove.meters[:3])}, {groove.tempos[0].bpm:.4g} BPM "
                f"({len(groove.tempos)}), {drums}; {groove.title!r}; {' '.join(report.remarks)} "
                f"{' '.join(f'?{q.about}: {q.taken}' for q in report.questions)}"
            )
    print(", ".join(f"{key}: {n}" for key, n in sorted(counts.items())))
    mido_seconds, own_seconds = (sum(times) for times in zip(*pairs, strict=True))
    print(f"{mido_seconds / own_seconds:.1f} times as fast as mido ({len(pairs)} files)")


if __name__ == "__main__":
    main()
