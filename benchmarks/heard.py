"""What the shipped ear hears, as the rows of docs/figures/21-audio.json.

    python -m benchmarks.heard mdb-drums.zip groove.zip kits [--json]

The stems of MDB Drums are real recordings, judged once a version. `kits` is the folder that `benchmarks.transcriber`
fills: takes of the Groove MIDI Dataset by drummers that training never heard, on kits that it never heard.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

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
    found = transcriber.score(argparse.Namespace(checkpoint=TRANSCRIBER, data=options.data, folder=options.folder))
    if options.json:
        print(json.dumps({"checkpoint": claim.ear(), "rows": rows(stems, found)}))
    else:
        figures.told(COLUMNS, rows(stems, found), as_json=False)


def rows(stems: dict[str, Any], held_out: dict[str, Any]) -> figures.Rows:
    """What each figure is, and the figure; what others have and what was asked for stands in the file."""
    found = [(f"five classes, MDB stems, F1 at {ms} ms", stems[f"f1_{ms}_ms"]) for ms in (50, 20)]
    for name, key in (("nine voices", "nine"), ("five classes", "five")):
        found += [(f"{name}, held-out kits, F1 at {ms} ms", held_out[f"{key}_{ms}_ms"]) for ms in (50, 20)]
    for name, value in held_out["velocity"].items():
        found.append((f"velocity of the {name}, held-out kits, correlation", value))
    for name in ("recall", "precision"):
        found.append((f"ghost notes of the snare, held-out kits, {name}", held_out["ghosts"][name]))
    return [[name, f"{value:.3f}"] for name, value in found]


if __name__ == "__main__":
    main()
