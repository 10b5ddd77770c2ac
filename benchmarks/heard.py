"""What the shipped ear hears, as the rows of docs/figures/21-audio.json.

    python -m benchmarks.heard mdb-drums.zip groove.zip kits [--json]

The stems of MDB Drums are real recordings. `kits` is the folder that `benchmarks.transcriber` fills: takes of the
Groove MIDI Dataset by drummers that training never heard, on kits that it never heard.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import torch

from benchmarks import figures, transcriber
from rhythmvae.evaluation import claim
from rhythmvae.resources import TRANSCRIBER

COLUMNS = ("what", "ours")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("stems", type=Path)
    parser.add_argument("data", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    torch.set_num_threads(1)
    stems = transcriber.stems(argparse.Namespace(checkpoint=TRANSCRIBER, data=options.stems))
    rows = [[f"five classes, MDB stems, F1 at {ms} ms", f"{stems[f'f1_{ms}_ms']:.3f}"] for ms in (50, 20)]
    found = transcriber.score(argparse.Namespace(checkpoint=TRANSCRIBER, data=options.data, folder=options.folder))
    for name, key in (("nine voices", "nine_50_ms"), ("five classes", "five_50_ms")):
        rows.append([f"{name}, held-out kits, F1 at 50 ms", f"{found[key]:.3f}"])
    if options.json:
        print(json.dumps({"checkpoint": claim.ear(), "rows": rows}))
    else:
        figures.told(COLUMNS, rows, as_json=False)


if __name__ == "__main__":
    main()
