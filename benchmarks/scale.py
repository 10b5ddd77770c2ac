"""What a library takes, by part: python -m benchmarks.scale LIB

Bytes of the store and of the arrays beside it, for each window and each content, and the seconds that a comparison with
all patterns takes. docs/scale.md goes on from these. A library to look at is made by `rhythmvae index`, or left by
`python -m benchmarks.library GROOVE.zip --keep DIR` at DIR/one (files) and DIR/found (a million windows).
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

from rhythmvae.library import scan
from rhythmvae.library.content import N_BYTES
from rhythmvae.library.search import Library
from rhythmvae.library.store import NAME

RUNS = 20


def rows(library: Library) -> list[tuple[str, str]]:
    """What there is, and the figure with its unit."""
    store, own = library.store, library.columns
    n_files, n_contents, n_windows = (
        int(next(store.rows(f"SELECT count(*) FROM {table}"))[0]) for table in ("files", "contents", "windows")
    )
    [(said, loops)] = store.rows("SELECT sum(length(said)), sum(length(loop)) FROM contents")
    [(paths,)] = store.rows("SELECT sum(length(path) + length(folder)) FROM files")
    of_windows = own.words.nbytes + own.latents.nbytes + own.content.nbytes + own.bars.nbytes + own.n_hits.nbytes
    of_windows += own.counts.nbytes
    whole = (library.folder / NAME).stat().st_size
    in_memory = own.words.nbytes + own.content.nbytes + own.n_hits.nbytes + own.counts.nbytes
    began = time.perf_counter()
    for run in range(RUNS):
        for start in range(0, n_windows, scan.CHUNK):
            part = slice(start, start + scan.CHUNK)
            scan.share_apart(own.words[:, part], own.n_hits[part], own.words[:, run % n_windows])
    seconds = (time.perf_counter() - began) / RUNS
    return [
        ("files, contents, windows", f"{n_files:,}, {n_contents:,}, {n_windows:,}"),
        ("windows a content", f"{n_windows / n_contents:.1f}"),
        ("store, bytes a window", f"{whole / n_windows:,.0f}"),
        ("of these latents and pattern", f"{own.latents.itemsize * own.latents.shape[1] + N_BYTES}"),
        ("description, bytes a content", f"{said / n_contents:,.0f}"),
        ("loop and path, bytes a content", f"{(loops + paths) / n_contents:,.0f}"),
        ("arrays, bytes a window", f"{of_windows / n_windows:,.0f}"),
        ("of these read by every search", f"{in_memory / n_windows:,.0f}"),
        ("comparison with a million patterns", f"{1000 * seconds / n_windows * 1e6:.1f} ms"),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("library", type=Path)
    library = Library(parser.parse_args().library)
    for what, figure in rows(library):
        print(f"{what}: {figure}")
    library.close()


if __name__ == "__main__":
    main()
