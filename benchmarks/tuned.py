"""A ready set for listening tests: what the shipped model invents before and after it learned a handful of loops.

    python -m benchmarks.tuned

Trap made by rule (`benchmarks.programmed`): three of four loops are learned as a visitor's are, by `train --init
shipped`; every fourth is held out, and is the original that both models' samples stand beside. What comes of it is kept
in `rhythmvae/review/tuned.json` as texts of links: nobody's data is in it.
"""

from __future__ import annotations

import argparse
import datetime
import hashlib
import json
from dataclasses import replace

import torch

from benchmarks import programmed, small_sets
from rhythmvae import share
from rhythmvae.data.corpus import Take
from rhythmvae.groove import Groove
from rhythmvae.model import checkpoint, generate
from rhythmvae.model.card import SHIPPED
from rhythmvae.model.checkpoint import Checkpoint
from rhythmvae.review import material, tuned
from rhythmvae.training.fine_tuning import OWN_STYLE

FAMILIES = ("trap, ratchets in a beat", "trap, ratchets in half a beat")
EVERY = 4  # of each family one in so many is held out
N_ITEMS = 12


def split() -> tuple[list[Take], list[Take]]:
    """(learned, held out)."""
    found = programmed.families()
    named = [
        (Take(f"trap {1 + 16 * family + number}", groove), number % EVERY == 0)
        for family, name in enumerate(FAMILIES)
        for number, groove in enumerate(found[name])
    ]
    return [take for take, is_out in named if not is_out], [take for take, is_out in named if is_out]


def digest_of(model: Checkpoint) -> str:
    """16 hexadecimal digits that name encoder and decoder; they are in no file."""
    found = hashlib.sha256()
    for name, weight in sorted(model.model.state_dict().items()):
        found.update(name.encode() + weight.numpy().tobytes())
    return found.hexdigest()[:16]


def sampled(model: Checkpoint, like: Groove, seed: int) -> Groove:
    """Two bars at the tempo of a loop, of the learned style where the model has it."""
    style = OWN_STYLE if OWN_STYLE in model.prior.config.styles else None
    return generate.sample(model, n_bars=2, seed=seed, tempo_bpm=like.tempos[0].bpm, style=style)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.parse_args()
    torch.set_num_threads(1)
    learned, held_out = split()
    before = checkpoint.load(SHIPPED)
    after = small_sets.fine_tuned(before, learned, seed=0)
    items = []
    for number in range(N_ITEMS):
        take = held_out[number % len(held_out)]
        original = material.first_bars(take.groove)
        made = {
            "original": original,
            "before": sampled(before, original, number),
            "after": sampled(after, original, number),
        }
        items.append({"name": f"{take.name}, {number + 1}"} | {key: _text(groove) for key, groove in made.items()})
    document = {
        "before": before.digest,
        "after": digest_of(after),
        "date": datetime.date.today().isoformat(),
        "n_learned": len(learned),
        "items": items,
    }
    tuned.FILE.write_text(json.dumps(document, indent=1) + "\n", "utf-8")


def _text(groove: Groove) -> str:
    return share.to_text(replace(groove, title="", source=""))


if __name__ == "__main__":
    main()
