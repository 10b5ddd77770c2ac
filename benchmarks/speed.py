"""How fast it is: python -m benchmarks.speed FOLDER_OR_ZIP_OF_MIDI

Prints a line per measurement, the median of several runs where one run is short. The batch
figure is a whole `reconstruct` process, start-up included, and its ratio to the time the
drumming lasts.
"""

import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import torch

from rhythmvae.data.corpus import load
from rhythmvae.data.examples import example
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
    data = Path(sys.argv[1])
    began = time.perf_counter()
    corpus = load([data], cache=False)
    print(f"read {len(corpus.takes)} files: {time.perf_counter() - began:.1f} s")
    lasts = sum(take.groove.duration_seconds for take in corpus.takes)
    with tempfile.TemporaryDirectory() as out:
        command = [sys.executable, "-m", "rhythmvae", "reconstruct", str(data), "--out", out]
        began = time.perf_counter()
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        took = time.perf_counter() - began
    peak_mb = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    print(f"reconstruct them: {took:.1f} s, {lasts / took:,.0f} times faster than they last, {peak_mb:.0f} MB at most")
    torch.set_num_threads(1)
    shipped = checkpoint.load()
    model = shipped.model
    groove = example("funk").bars(1, 2)
    encoded = latent.encode(model, groove)
    decode_ms = median_ms(lambda: latent.decode(model, encoded.posterior.mean, encoded.frame))
    print(f"decode two bars, one thread: {decode_ms:.2f} ms")
    four = example("funk").bars(1, 4)
    print(f"reconstruct four bars, one thread: {median_ms(lambda: latent.reconstruct(model, four)):.2f} ms")
    print(f"sample two bars: {median_ms(lambda: generate.sample(shipped)):.0f} ms")
    print(f"vary two bars: {median_ms(lambda: generate.vary(shipped, groove)):.0f} ms")
    asked = {"density": 0.7, "swing": 0.6}
    steered_ms = median_ms(lambda: generate.vary(shipped, groove, amount=0.0, asked=asked))
    print(f"two sliders on two bars: {steered_ms:.0f} ms")
    print(f"sixteen variations of two bars: {median_ms(lambda: generate.vary(shipped, groove, n=16), 5):.0f} ms")
    way_ms = median_ms(lambda: generate.interpolate(shipped, groove, four, 8), 3)
    print(f"eight steps between two grooves: {way_ms:.0f} ms")
    print(f"render four bars: {median_ms(lambda: synth.render(four)):.1f} ms")


if __name__ == "__main__":
    main()
