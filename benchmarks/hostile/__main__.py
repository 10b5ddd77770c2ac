"""The command: see the package."""

from __future__ import annotations

import argparse
import json
import sys

import torch

import benchmarks.hostile
from benchmarks.hostile.entries import ENTRIES, batch, made, warm_up
from benchmarks.hostile.largest import LARGEST
from benchmarks.hostile.measure import MAX_MB, MAX_SECONDS, Tally, take

MAX_LISTED = 20


def said(entry: str, tally: Tally) -> str:
    """A line for people, and one for each input that is not as it should be."""
    lines = [
        f"{entry}: {tally.n:,} inputs, {tally.n_read:,} read and {tally.n - tally.n_read:,} refused in "
        f"{tally.seconds:.0f} s; the slowest {tally.slowest[0]:.2f} s (--only {tally.slowest[1]}), "
        f"the largest {tally.largest_mb[0]:.0f} MB (--only {tally.largest_mb[1]})"
    ]
    lines += [f"  --only {index}: {problem}" for index, problem in tally.wrong[:MAX_LISTED]]
    lines += [f"  --only {index}: {seconds:.2f} s, {mb:.0f} MB" for index, seconds, mb in tally.over[:MAX_LISTED]]
    return "\n".join(lines)


def read_largest(entry: str) -> bool:
    """Read the largest inputs of an entry, with a line for each; whether all are as they should be."""
    warm_up(entry)
    are_well = True
    for name, make in LARGEST.get(entry, {}).items():
        data = make()
        seconds, mb, problem = take(ENTRIES[entry].read, data)
        is_well = not problem and seconds <= MAX_SECONDS and mb <= MAX_MB
        are_well = are_well and is_well
        came = "read" if problem is None else problem or "refused"
        mark = "" if is_well else "  <-"
        print(f"{entry}, {name}: {len(data) / 2**20:.1f} MB, {came}, {seconds:.2f} s, {mb:.0f} MB{mark}", flush=True)
    return are_well


def main() -> None:
    parser = argparse.ArgumentParser(
        description=benchmarks.hostile.__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--entry", choices=list(ENTRIES), action="append", help="one of them; all if not given")
    parser.add_argument("--inputs", type=int, default=20_000, help="of each entry")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--largest", action="store_true", help="instead, the largest that are read, a line for each")
    parser.add_argument("--only", help="the input of this index, or name, alone, here, with its traceback")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    torch.set_num_threads(1)  # as in the app; threads that wait for each other take processor time on a busy machine
    entries = options.entry or list(ENTRIES)
    if options.only is not None:
        for entry in entries:
            found = LARGEST[entry][options.only]() if options.largest else made(entry, options.seed, int(options.only))
            ENTRIES[entry].read(found)
        return
    if options.largest:
        sys.exit(not all([read_largest(entry) for entry in entries]))
    tallies: dict[str, Tally] = {}
    for entry in entries:
        tallies[entry] = batch(entry, options.seed, range(options.inputs))
        if not options.json:
            print(said(entry, tallies[entry]), flush=True)
    if options.json:
        limits = {"max_seconds": MAX_SECONDS, "max_mb": MAX_MB}
        rows = {entry: tally.to_dict() for entry, tally in tallies.items()}
        print(json.dumps({"seed": options.seed, **limits, "entries": rows}))
    sys.exit(any(tally.wrong or tally.over for tally in tallies.values()))


if __name__ == "__main__":
    main()
