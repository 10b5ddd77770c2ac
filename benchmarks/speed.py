"""How fast it is: python -m benchmarks.speed FOLDER_OR_ZIP_OF_MIDI [--json]

Prints a line per measurement, the median of several runs where one run is short. The batch
figure is a whole `reconstruct` process, start-up included, and its ratio to the time the
drumming lasts. Measure while nothing else runs.
"""

import argparse
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from itertools import chain
from pathlib import Path

import torch

from rhythmvae.data.corpus import load
from rhythmvae.data.examples import example
from rhythmvae.midi.read import read_midi
from rhythmvae.midi.write import write_midi
from rhythmvae.model import checkpoint, generate, latent
from rhythmvae.sound import synth


def median_ms(work: Callable[[], object], runs: int = 30) -> float:
    work()
    times = []
    for _ in range(runs):
        began = time.perf_counter()
        work()
        times.append(time.perf_counter() - began)
    return 1000 * statistics.median(times)


def main() -> None:
    parser = argparse.ArgumentParser(description="How fast it is.")
    parser.add_argument("data", type=Path)
    parser.add_argument("--json", action="store_true", help="print the measurements as JSON, at the end")
    options = parser.parse_args()
    measured = chain(of_files(options.data), of_a_groove())
    if options.json:
        print(json.dumps({"rows": list(measured)}))
        return
    for what, figure in measured:
        print(f"{what}: {figure}", flush=True)


def of_files(data: Path) -> Iterator[tuple[str, str]]:
    """What reading files and rebuilding them takes: what was measured, and the figure with its unit."""
    began = time.perf_counter()
    corpus = load([data], cache=False)
    yield f"read {len(corpus.takes)} files", f"{time.perf_counter() - began:.1f} s"
    lasts = sum(take.groove.duration_seconds for take in corpus.takes)
    with tempfile.TemporaryDirectory() as out:
        command = [sys.executable, "-m", "rhythmvae", "reconstruct", str(data), "--out", out]
        began = time.perf_counter()
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        took = time.perf_counter() - began
    peak_mb = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    yield "rebuild them, start-up included", f"{took:.1f} s"
    yield "faster than they last", f"{lasts / took:,.0f} times"
    yield "memory at most", f"{peak_mb:.0f} MB"


def of_a_groove() -> Iterator[tuple[str, str]]:
    """What the model and the synth take for a few bars, on one thread."""
    torch.set_num_threads(1)
    shipped = checkpoint.load()
    model, groove, four = shipped.model, example("funk").bars(1, 2), example("funk").bars(1, 4)
    encoded, asked = latent.encode(model, groove), {"density": 0.7, "swing": 0.6}
    decode_ms = median_ms(lambda: latent.decode(model, encoded.posterior.mean, encoded.frame))
    yield "decode two bars", f"{decode_ms:.1f} ms"
    yield "rebuild four bars", f"{median_ms(lambda: latent.reconstruct(model, four)):.1f} ms"
    yield "sample two bars", f"{median_ms(lambda: generate.sample(shipped)):.0f} ms"
    yield "vary two bars", f"{median_ms(lambda: generate.vary(shipped, groove)):.0f} ms"
    steered_ms = median_ms(lambda: generate.vary(shipped, groove, amount=0.0, asked=asked))
    yield "two sliders on two bars", f"{steered_ms:.0f} ms"
    yield "sixteen variations of two bars", f"{median_ms(lambda: generate.vary(shipped, groove, n=16), 5):.0f} ms"
    way_ms = median_ms(lambda: generate.interpolate(shipped, groove, four, 8), 3)
    yield "eight steps between two grooves", f"{way_ms:.0f} ms"
    long = write_midi(four.looped(60_000 // len(four)))
    read_ms = median_ms(lambda: read_midi(long, "long.mid"), 3)
    yield "read sixty thousand notes", f"{read_ms:.0f} ms"
    yield "render four bars as sound", f"{median_ms(lambda: synth.render(four)):.1f} ms"


if __name__ == "__main__":
    main()
