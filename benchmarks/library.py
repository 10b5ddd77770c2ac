"""The library: python -m benchmarks.library GROOVE.zip [--files N] [--windows N] [--queries N] [--keep DIR] [--json]

GROOVE is the Groove MIDI Dataset. Loops of one, two and four bars are cut out of its training takes, each once, and
indexed by one process, by two, again without a change, and again after the process was killed half-way. Then a library
of as many windows as asked for is made: one window of each validation take, hidden among windows of the training takes,
samples from the prior, and both of them perturbed (hits dropped, turned, played otherwise). Of more than MOST_ENCODED
windows the others are copies with three cells changed and with noise on the latents.

What a page asks is asked of the first library: all that stands in it, and words and filters as they are typed, each
answer with its grooves and counts. --keep leaves the libraries in DIR, for `benchmarks.scale` to look at.

The second one is asked for each hidden groove with other timing and loudness, begun at another 16th, and by its kick
and snare alone; and how many of the true ten nearest, by the library's own distance to all windows, a search gives.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import resource
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.figures import told
from rhythmvae.data import corpus, splits
from rhythmvae.data.corpus import Take
from rhythmvae.groove import HIT, OFFSET, VELOCITY, WINDOW_STEPS, FloatArray, Groove, from_grid, to_grid
from rhythmvae.kit import VOICE_INDEX
from rhythmvae.library import answers, search
from rhythmvae.library.answers import Query
from rhythmvae.library.asking import Filters, asked, packed
from rhythmvae.library.content import Read
from rhythmvae.library.scan import share_apart
from rhythmvae.library.search import Library
from rhythmvae.library.store import NAME, Row, Store
from rhythmvae.library.windows import pattern, read_all
from rhythmvae.midi.write import write_midi
from rhythmvae.model import checkpoint, generate, latent
from rhythmvae.model.checkpoint import Checkpoint

MOST_ENCODED = 100_000
N_SAMPLES = 100  # a quarter of a second each; perturbed, they are many more
DROPPED, LATE_STEPS = 0.08, 0.12  # of perturbed windows: share of cells, and spread of offsets
COLUMNS = ["what", "figure"]
TEMPOS = (60, 200)
N_ASKED = 8  # grooves that a page asks for
FILTER = Filters(tempo=(90.0, 110.0))  # passes a seventh
Rows = list[list[str]]


# -- indexing ----------------------------------------------------------------------


def loops(takes: Sequence[Take], n: int) -> Iterator[Groove]:
    """Loops of one, two and four bars in turn, no bar twice."""
    found = 0
    for take in takes:
        bar = 1
        while found < n and bar <= take.groove.n_bars:
            last = min(bar + (1, 2, 4)[found % 3] - 1, take.groove.n_bars)
            part = take.groove.bars(bar, last)
            bar = last + 1
            if len(part):
                found += 1
                yield part


def index(folder: Path, library: Path, processes: int) -> tuple[dict[str, Any], float, float]:
    """What `index` prints, its seconds, and the most memory of one of its processes in MB."""
    began = time.perf_counter()
    words = ["index", str(folder), "--library", str(library), "--processes", str(processes), "--json"]
    done = subprocess.run([sys.executable, "-m", "rhythmvae", *words], stdout=subprocess.PIPE, check=True, text=True)
    most = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    return json.loads(done.stdout), time.perf_counter() - began, most


def killed(folder: Path, library: Path, seconds: float) -> None:
    """Begin to index, and be killed after a while."""
    words = ["index", str(folder), "--library", str(library), "--processes", "1"]
    process = subprocess.Popen([sys.executable, "-m", "rhythmvae", *words])
    time.sleep(seconds)
    process.send_signal(signal.SIGKILL)
    process.wait()


def content(library: Path) -> list[Any]:
    """All that a library says, but for latents, in an order of its own."""
    sql = (
        "SELECT f.path, c.digest, c.n_bars, c.meter, w.first, w.bits FROM files f JOIN contents c ON c.id = f.content "
        "JOIN windows w ON w.content = c.id ORDER BY 1, 5"
    )
    return list(sqlite3.connect(library / NAME).execute(sql))


def indexing(takes: Sequence[Take], n: int, place: Path) -> Rows:
    folder = place / "loops"
    n_found = 0
    for i, groove in enumerate(loops(takes, n)):
        path = folder / f"{i // 100:04d}" / f"{i:06d}.mid"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(write_midi(groove))
        n_found = i + 1
    say(f"{n_found:,} loops written")
    _, start, _ = index(next(folder.rglob("*.mid")), place / "one file", 1)
    _, one, most = index(folder, place / "one", 1)
    say(f"indexed by one process in {one:.0f} s")
    _, two, most_two = index(folder, place / "two", 2)
    say(f"indexed by two processes in {two:.0f} s")
    again, unchanged, _ = index(folder, place / "one", 1)
    assert again["n_unchanged"] == n_found
    killed(folder, place / "killed", start + 0.4 * (one - start))
    resumed, _, _ = index(folder, place / "killed", 1)
    n_bytes = sum(path.stat().st_size for path in (place / "one").rglob("*") if path.is_file())
    n_windows = len(content(place / "one"))
    return [
        [
            f"loops a second, one process, {n_found:,} loops ({start:.1f} s to start left out)",
            _rate(n_found, one - start),
        ],
        ["the same, two processes on the two threads of one core", _rate(n_found, two - start)],
        ["two processes over one", f"{(one - start) / (two - start):.2f}"],
        [f"again, unchanged, {n_found:,} files, with its start", f"{unchanged:.1f} s"],
        ["most memory of one process", f"{max(most, most_two):.0f} MB"],
        [f"killed, {resumed['n_unchanged']:,} files in; the same library in the end", _yes(place)],
        ["bytes a window on disk, all files of the library", f"{n_bytes / n_windows:,.0f}"],
    ]


def answering(library: Path, queries: Sequence[Groove]) -> Rows:
    """What the page computes for each change: an answer with grooves and counts."""
    torch.set_num_threads(1)  # as the app's workers have it
    opened = checkpoint.load()
    own = answers.about(library)
    typed = [Filters(), Filters(words=("00",)), Filters(words=("0", "1"), tempo=(90.0, 120.0))]
    typed += [Filters(meters=("4/4",)), Filters(density=(2.0, 6.0), plays=("beat",))]
    rows: Rows = []
    for name, as_it_is in (("as it is", True), ("turned and at other rates too", False)):
        seconds, spent = [], []
        for groove in queries:
            for filters in typed:
                began, worked = time.perf_counter(), time.process_time()
                answers.answer(library, opened, Query(groove, filters=filters, as_it_is=as_it_is))
                seconds.append(time.perf_counter() - began)
                spent.append(time.process_time() - worked)
        at = f"a page's answer among {own.n_contents:,} different files, {name}"
        rows += [[f"{at}: median, 95th percentile", _ms(seconds)], [f"{at}: processor time", _ms(spent)]]
    return rows


def say(words: str) -> None:
    print(words, file=sys.stderr, flush=True)


def _rate(n: int, seconds: float) -> str:
    return f"{n / seconds:.0f}"


def _yes(place: Path) -> str:
    return "yes" if content(place / "killed") == content(place / "one") == content(place / "two") else "no"


# -- searching ---------------------------------------------------------------------


def windows_of(takes: Sequence[Take]) -> Iterator[Groove]:
    """Two bars from each other bar of takes in 4/4."""
    for take in takes:
        for start in range(0, take.groove.n_steps - WINDOW_STEPS + 1, WINDOW_STEPS):
            part = take.groove.slice(start, start + WINDOW_STEPS)
            if len(part) > 4 and len(part.meters) == 1 and str(part.meters[0]) == "4/4":
                yield part


def perturbed(grids: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Windows (N, T, V, L, F) with some cells dropped, turned, and played otherwise."""
    found = grids.copy()
    hit = found[..., HIT]
    found[..., VELOCITY] = np.clip(found[..., VELOCITY] + rng.normal(0, 0.12, hit.shape), 0.02, 1.0) * hit
    found[..., OFFSET] = np.clip(found[..., OFFSET] + rng.normal(0, LATE_STEPS, hit.shape), -0.49, 0.49) * hit
    found[rng.random(found.shape[:3]) < DROPPED] = 0.0
    turns = rng.integers(0, WINDOW_STEPS, len(found))
    return np.stack([np.roll(grid, turn, 0) for grid, turn in zip(found, turns, strict=True)])


def filled(hidden: Sequence[Groove], others: Sequence[Groove], n: int, opened: Checkpoint, place: Path) -> Library:
    """A library of n windows and of the hidden grooves, each in a file of its own."""
    rng = np.random.default_rng(0)
    layers = opened.model.config.layers
    grids = np.stack([to_grid(groove, layers).tensor for groove in [*hidden, *others]])
    store = Store(place, create=True, checkpoint=opened.digest)
    root, _ = store.root(place, "")
    begun = time.perf_counter()
    with store.transaction():
        for i, read in enumerate(read_all(opened.model, [(groove, True) for groove in hidden])):
            number = store.add_content(b"hidden" + i.to_bytes(8, "little"), read)
            store.add_file(root, 1, Row(hidden_name(i), "midi", 0, 0, number))
    n_done, batch = 0, grids[len(hidden) :][:n]
    known: list[tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]] = []
    while n_done < n:
        if n_done < MOST_ENCODED:
            latents = latent.posterior_of(opened.model, iter(batch)).mean.numpy().astype(np.float16)
            patterns = np.stack([pattern(grid) for grid in batch])
            known.append((patterns, latents))
        else:
            # Of those that were encoded, never of copies: cells that change again and again are noise in the end.
            patterns, latents = (np.concatenate(each) for each in zip(*known, strict=True))
            chosen = rng.integers(0, len(patterns), len(batch))
            patterns, latents = patterns[chosen], latents[chosen]
            latents = latents + rng.normal(0, 0.25, latents.shape).astype(np.float16)
            for _ in range(3):
                place_of = rng.integers(0, patterns.shape[1], len(patterns))
                patterns[np.arange(len(patterns)), place_of] ^= 1 << rng.integers(0, 8, len(patterns), np.uint8)
        _write(store, root, n_done, patterns[: n - n_done], latents[: n - n_done], rng)
        n_done += len(batch)
        batch = perturbed(grids[rng.permutation(len(grids))[:8192]], rng)
        say(f"{n_done:,} windows, {time.perf_counter() - begun:.0f} s")
    store.close()
    return Library(place)


def _write(
    store: Store, root: int, start: int, patterns: np.ndarray[Any, Any], latents: np.ndarray[Any, Any], rng: Any
) -> None:
    with store.transaction():
        for i, (bits, z) in enumerate(zip(patterns, latents, strict=True), start):
            columns = (2, 1, float(rng.integers(*TEMPOS)), "4/4", "", "beat", "", 4.0)
            read = Read(columns, i.to_bytes(8, "little"), {}, [(1, 2)], bits[None], z[None])
            number = store.add_content(i.to_bytes(8, "little"), read)
            store.add_file(root, 1, Row(f"{i:08d}.mid", "midi", 0, 0, number))
        store.change()


def hidden_name(i: int) -> str:
    return f"hidden {i:04d}.mid"


def otherwise(groove: Groove, rng: np.random.Generator) -> Groove:
    """The same hits with other timing and loudness."""
    late = np.clip(groove.offset + rng.normal(0, LATE_STEPS, len(groove)), -0.49, 0.49)
    position = np.maximum(groove.position - groove.offset + late, -0.49)
    velocity = np.clip(groove.velocity * rng.uniform(0.6, 1.4, len(groove)), 1, 127).astype(np.int64)
    return groove.with_hits(np.minimum(position, groove.n_steps - 0.51), groove.voice, velocity)


def turned(groove: Groove, steps: int) -> Groove:
    layers = checkpoint.load().model.config.layers
    return from_grid(np.roll(to_grid(groove, layers).tensor, -steps, 0), groove)


def found_again(library: Library, hidden: Sequence[Groove], opened: Checkpoint) -> Rows:
    rng = np.random.default_rng(1)
    layers, drums = opened.model.config.layers, (VOICE_INDEX["kick"], VOICE_INDEX["snare"])
    counts = {"with other timing and loudness": 0, "begun at another 16th": 0, "by kick and snare alone": 0}
    n = n_drums = 0
    for i, groove in enumerate(hidden):
        if i % 20 == 0:
            say(f"{i} of {len(hidden)} hidden grooves looked for")
        own = {hidden_name(i)}
        n += 1
        for name, query in (
            ("with other timing and loudness", otherwise(groove, rng)),
            ("begun at another 16th", turned(groove, int(rng.integers(1, WINDOW_STEPS)))),
        ):
            [first] = library.search(asked(query, layers), opened.model, n=1)
            counts[name] += bool(own & {first.path, *first.duplicates})
        part = groove.some(np.isin(groove.voice, drums))
        if len(part):
            n_drums += 1
            [first] = library.search(asked(part, layers, drums), opened.model, n=1)
            counts["by kick and snare alone"] += first.distance == 0.0 or bool(own & {first.path, *first.duplicates})
    of = {name: n_drums if name.endswith("alone") else n for name in counts}
    return [[f"found first {name}, of {of[name]}", f"{count / of[name]:.3f}"] for name, count in counts.items()]


def nearest_ten(library: Library, query: Groove, opened: Checkpoint, filters: Filters | None) -> set[bytes]:
    """The true ten nearest patterns, by comparing all: results are spread out, a pattern stands there once."""
    own = library.columns
    grid = to_grid(query, opened.model.config.layers).tensor
    bits = packed(asked(query, opened.model.config.layers, as_it_is=True).windows[0])[0]
    apart = share_apart(own.words, own.n_hits, bits)
    z = latent.posterior_of(opened.model, [grid]).mean.numpy()[0]
    for start in range(0, len(apart), 1 << 16):
        part = slice(start, start + (1 << 16))
        far = ((own.latents[part].astype(np.float32) - z) ** 2).sum(1)
        apart[part] += search.FEEL_SHARE * np.sqrt(far / (2 * len(z)))
    if filters is not None:
        passes = library.allowed(filters)
        assert passes is not None
        apart[~passes[own.content]] = np.inf
    nearest = np.argpartition(apart, 1_000)[:1_000]
    patterns = (own.words[:, row].tobytes() for row in nearest[np.argsort(apart[nearest])].tolist())
    return set(list(dict.fromkeys(patterns))[:10])


def quickness(library: Library, queries: Sequence[Groove], opened: Checkpoint) -> Rows:
    layers = opened.model.config.layers
    numbers = {int(number): row for row, number in enumerate(library.columns.number.tolist())}
    rows: Rows = []
    for filters, name in ((None, "without a filter"), (FILTER, "with a filter on tempo that passes a seventh")):
        recall, seconds, every, drums = [], [], [], []
        for i, query in enumerate(queries):
            if i % 10 == 0:
                say(f"{i} of {len(queries)} searches {name}")
            wanted = asked(query, layers, as_it_is=True)
            began = time.perf_counter()
            found = library.search(wanted, opened.model, filters)
            seconds.append(time.perf_counter() - began)
            true = nearest_ten(library, query, opened, filters)
            own = library.columns
            spans = [own.windows_of(numbers[one.content]) for one in found]
            given = {own.words[:, row].tobytes() for span in spans for row in range(span.start, span.stop)}
            recall.append(len(given & true) / 10)
            began = time.perf_counter()
            library.search(asked(query, layers), opened.model, filters)
            every.append(time.perf_counter() - began)
            part = query.some(np.isin(query.voice, (0, 1)))
            if len(part):
                began = time.perf_counter()
                library.search(asked(part, layers, (0, 1), as_it_is=True), opened.model, filters)
                drums.append(time.perf_counter() - began)
        at = f"among {library.columns.n_windows:,} windows, {name}"
        rows += [
            [f"of the true ten nearest found, {at}", f"{np.mean(recall):.3f}"],
            [f"as it is, {at}: median, 95th percentile", _ms(seconds)],
            [f"turned and at other rates too, {at}", _ms(every)],
            [f"by kick and snare, as it is, {at}", _ms(drums)],
        ]
    return rows


def _ms(seconds: Sequence[float]) -> str:
    return ", ".join(f"{1000 * np.quantile(seconds, at):.0f} ms" for at in (0.5, 0.95))


def searching(train: Sequence[Take], held: Sequence[Take], n: int, n_queries: int, place: Path) -> Rows:
    torch.set_num_threads(1)
    opened = checkpoint.load()
    rng = random.Random(0)
    hidden = [found[len(found) // 2] for take in held if (found := list(windows_of([take])))]
    samples = [replace(generate.sample(opened, n_bars=2, seed=seed), title="") for seed in range(N_SAMPLES)]
    library = filled(hidden, [*windows_of(train), *(one for one in samples if len(one))], n, opened, place / "found")
    draw = np.random.default_rng(2)
    queries = [otherwise(groove, draw) for groove in rng.sample(list(windows_of(held)), n_queries)]
    say("searching")
    rows = [*found_again(library, hidden, opened), *quickness(library, queries, opened)]
    library.close()
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("groove", type=Path)
    parser.add_argument("--files", type=int, default=2_000, help="loops to index")
    parser.add_argument("--windows", type=int, default=50_000, help="windows to search in")
    parser.add_argument("--queries", type=int, default=50)
    parser.add_argument("--keep", type=Path, metavar="DIR", help="a new folder where the libraries stay")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    train, held = splits.split_takes(corpus.load([options.groove]).takes)
    os.environ["OMP_NUM_THREADS"] = "1"
    if options.keep is not None:
        options.keep.mkdir(parents=True)
    place = Path(tempfile.mkdtemp(prefix="library-")) if options.keep is None else options.keep
    try:
        draw = np.random.default_rng(3)
        asked_for = [otherwise(groove, draw) for groove in random.Random(1).sample(list(windows_of(held)), N_ASKED)]
        rows = [
            *indexing(train, options.files, place),
            *answering(place / "one", asked_for),
            *searching(train, held, options.windows, options.queries, place),
        ]
    finally:
        if options.keep is None:
            shutil.rmtree(place)
    told(COLUMNS, rows, as_json=options.json)


if __name__ == "__main__":
    main()
