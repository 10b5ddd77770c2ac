"""What hearing a sound takes: python -m benchmarks.hearing [--json]

A file of ten minutes and one of a minute, stereo at 44,100 Hz, are heard as `transcribe` hears them, in a process of
their own that has heard a second before. Memory is what that process and the decoder's have for themselves, above what
the first has then, sampled twenty times a second; time is what both use of a processor.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
from pathlib import Path
from threading import Event, Thread

import numpy as np

from benchmarks.figures import told

SECONDS = (60, 600)
SAMPLE_RATE = 44_100
COLUMNS = ("sound", "memory above before", "time of a processor", "strokes")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--hear", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.hear:
        print(json.dumps(heard(options.hear)))
        return
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for seconds in SECONDS:
            path = Path(folder) / f"{seconds}.wav"
            write(path, seconds)
            command = [sys.executable, "-m", "benchmarks.hearing", "--hear", str(path)]
            found = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
            rows.append([f"{seconds // 60} min", *found])
            path.unlink()
    told(COLUMNS, rows, as_json=options.json)


def write(path: Path, seconds: int) -> None:
    """A built-in pattern round and round, the same in both channels."""
    import soundfile

    from rhythmvae.data.examples import example
    from rhythmvae.sound import synth

    loop = synth.render(example("funk"), loop=True)
    both = np.repeat(loop[:, None], 2, 1)
    with soundfile.SoundFile(path, "w", SAMPLE_RATE, 2, "PCM_16") as file:
        left = seconds * SAMPLE_RATE
        while left > 0:
            file.write(both[:left])
            left -= len(both)


def heard(path: Path) -> list[str]:
    """Megabytes above the process before, seconds of a processor, and strokes."""
    import psutil
    import torch

    from rhythmvae.audio.hits import RATE
    from rhythmvae.audio.read import Sound
    from rhythmvae.data import recording

    torch.set_num_threads(1)
    recording.of_blocks([np.zeros(RATE, dtype=np.float32)], "before")
    process, is_over, most = psutil.Process(), Event(), [0]
    before, used = process.memory_full_info().uss, _cpu_seconds()

    def watch() -> None:
        while not is_over.wait(0.05):
            total = process.memory_full_info().uss
            for child in process.children():
                try:
                    total += child.memory_full_info().uss
                except psutil.Error:  # it has ended
                    continue
            most[0] = max(most[0], total)

    watcher = Thread(target=watch)
    watcher.start()
    found = recording.of_sound(Sound(path, path.name))
    groove = recording.read(found).groove
    is_over.set()
    watcher.join()
    return [f"{(most[0] - before) / 2**20:.0f} MB", f"{_cpu_seconds() - used:.1f} s", str(len(groove))]


def _cpu_seconds() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in used)


if __name__ == "__main__":
    main()
