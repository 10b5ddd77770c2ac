"""How files are read, and how fast: python -m benchmarks.reading FOLDER_OR_ZIP_OF_MIDI [--each]

With --each, a line per file: its length, meter, tempo, the hits of each drum, and what was changed or
asked. Then how many files have each change and question, and how many times faster the reader is than mido, for the
first SPEED_FILES files that both read. Bytes in memory to a groove and its report are timed against mido's messages,
and against its messages of all tracks in order of time, which is what a list of notes needs. The three take turns on
each file, ROUNDS times; the best time of each file counts, and the files' times are added up.
"""

import argparse
import io
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import mido
import numpy as np

from rhythmvae.data.files import find_sources
from rhythmvae.errors import MidiError
from rhythmvae.kit import N_VOICES, VOICE_KEYS
from rhythmvae.midi.read import read_midi

SPEED_FILES, ROUNDS = 200, 5


def seconds_of(read: Callable[[], object]) -> float:
    """How long a call takes."""
    began = time.perf_counter()
    read()
    return time.perf_counter() - began


def read_by_mido(data: bytes, is_in_order: bool) -> None:
    """All messages of all tracks, by track or in order of time."""
    file = mido.MidiFile(file=io.BytesIO(data))
    if is_in_order:
        mido.merge_tracks(file.tracks)


def times_of(data: bytes, name: str) -> tuple[float, float, float] | None:
    """Seconds of the reader, of mido, and of mido in order of time; None where mido cannot read the file."""
    readers = (
        lambda: read_midi(data, name),
        lambda: read_by_mido(data, is_in_order=False),
        lambda: read_by_mido(data, is_in_order=True),
    )
    try:
        own, by_track, in_order = zip(*([seconds_of(read) for read in readers] for _ in range(ROUNDS)), strict=True)
    except Exception:
        return None
    return min(own), min(by_track), min(in_order)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("data", type=Path)
    parser.add_argument("--each", action="store_true")
    options = parser.parse_args()
    counts: Counter[str] = Counter()
    speeds: list[tuple[float, float, float]] = []
    for source in find_sources([options.data]):
        data = source.read()
        try:
            groove, report = read_midi(data, source.name)
        except MidiError as error:
            counts["refused"] += 1
            if options.each:
                print(f"{source.name}: {error}")
            continue
        if len(speeds) < SPEED_FILES and (times := times_of(data, source.name)):
            speeds.append(times)
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
    own, by_track, in_order = (sum(times) for times in zip(*speeds, strict=True))
    print(
        f"{by_track / own:.1f} times as fast as mido, {in_order / own:.1f} times as fast as mido in order of time "
        f"({len(speeds)} files, {1e3 * own / len(speeds):.2f} ms a file)"
    )


if __name__ == "__main__":
    main()
